//! What to say where no column says who bought, when, or for how much.

use super::slug;
use crate::diagnostics::{Diagnostic, Place, suggest};
use crate::profile::text::{cut, visible};
use crate::profile::{Column, Profile, Role};
use crate::report::numbers::{count, counted};

/// Columns that are told one by one.
const SHOWN: usize = 8;

/// `what` is missing; which columns were looked at, and why none of them is it.
pub(super) fn no_column(role: Role, profile: &Profile) -> Diagnostic {
    let (what, header) = match role {
        Role::Customer => ("who bought", "a customer"),
        Role::Date => ("when something was bought", "a date of purchase"),
        _ => ("what a purchase is worth", "an amount"),
    };
    let mut diagnostic = Diagnostic::error("SEG0350", format!("no column says {what}")).in_data(Place {
        file: profile.file.clone(),
        row: None,
        column: None,
        value: None,
    });
    for column in profile.columns.iter().take(SHOWN) {
        let why = not_it(role, column, header, profile);
        diagnostic = diagnostic.note(format!("`{}`: {why}", cut(&visible(&column.header), 40)));
    }
    if let Some(more) = profile.columns.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        diagnostic = diagnostic.note(format!("and {}, likewise", counted(more as u64, "more column", "more columns")));
    }
    let example = match role {
        Role::Date => "date",
        Role::Customer => "customer",
        _ => "amount",
    };
    diagnostic.help(format!("if one of them does, say which: `--column {example}=HEADER`"))
}

/// Customers in the rows, measured already, where a column says who: nothing is missing then, but `init` writes specs for
/// purchases.
pub(super) fn one_row_each(profile: &Profile) -> Option<Diagnostic> {
    let who = profile.each_row()?;
    let (header, rows) = (cut(&visible(&who.header), 40), count(profile.rows));
    let text =
        format!("`{}` has customers in its rows, one row each; a first spec is written for purchases", profile.file);
    let found = Diagnostic::error("SEG0350", text)
        .in_data(Place { file: profile.file.clone(), row: None, column: None, value: None })
        .note(format!(
            "`{header}` has another value in each of the {rows} rows, and no column says when something was bought"
        ));
    let line = |column: &Column| {
        let name = slug(&column.header, &format!("column_{}", column.position));
        let source = if name == column.header { String::new() } else { format!(" = column {}", column.position) };
        let kind = if column.position == who.position { "id" } else { &column.kind };
        format!("{name}: {kind}{source}")
    };
    let lines: Vec<String> = profile.columns.iter().filter(|c| c.filled > 0).take(SHOWN).map(line).collect();
    let name = slug(&who.header, &format!("column_{}", who.position));
    Some(
        found
            .note(format!(
                "its columns are features as they stand: source customers from ... {{ {} }}",
                lines.join("; ")
            ))
            .note(
                "`segc explain SEG0350` shows such a spec; where rows are purchases, `--column date=HEADER` says when",
            )
            .help(format!("write a spec with `customers by {name}, one row each`")),
    )
}

fn not_it(role: Role, column: &Column, wanted: &str, profile: &Profile) -> String {
    if column.filled == 0 {
        return "it has no values".to_owned();
    }
    if let Some(other) = column.role {
        return format!("it is taken for the {}", other.word());
    }
    let nameless = || match profile.header {
        true => format!("its header does not speak of {wanted}"),
        false => "it has no header".to_owned(),
    };
    match role {
        Role::Customer if column.is_time() => "it holds dates".to_owned(),
        Role::Customer if column.kind == "number" || column.kind == "money" || column.kind == "share" => {
            "it holds numbers with decimals".to_owned()
        }
        Role::Customer if column.distinct.count < 2 => "it has one value in all rows".to_owned(),
        Role::Date if !column.is_time() => {
            format!("{} of {} cells are dates", count(column.reads_as.date), count(column.filled))
        }
        Role::Customer | Role::Date => nameless(),
        _ if !column.is_number() => {
            format!("{} of {} cells are numbers", count(column.reads_as.money), count(column.filled))
        }
        _ => nameless(),
    }
}

/// A role is given to a column that the file does not have.
pub(super) fn no_such_column(role: Role, column: &str, profile: &Profile) -> Diagnostic {
    let headers: Vec<String> = profile.columns.iter().map(|c| visible(&c.header)).collect();
    let near = suggest::nearest(column, headers.iter().map(String::as_str));
    let help = match (near, headers.as_slice()) {
        (Some(near), _) => format!("did you mean `--column \"{}={near}\"`?", role.word()),
        (None, headers) => {
            format!("the file has {}", suggest::list(headers.iter().take(SHOWN).map(String::as_str)))
        }
    };
    Diagnostic::error("SEG0351", format!("`{}` has no column `{}`", profile.file, visible(column)))
        .in_data(Place { file: profile.file.clone(), row: None, column: None, value: None })
        .help(help)
}
