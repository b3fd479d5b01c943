//! What is said of a sink that can't be written.

use super::{Sink, Target};
use crate::database::postgres::Failure;
use crate::database::write::{self, Difference, WriteError};
use crate::diagnostics::Diagnostic;
use crate::inputs::postgres::unconnected;
use crate::world::Unreadable;

impl Sink {
    /// The database as messages call it.
    fn place(&self) -> String {
        match &self.to {
            Target::Sqlite { shown, .. } => format!("`{shown}`"),
            Target::Postgres { variable } => format!("the database that {variable} names"),
        }
    }

    /// A label where the spec says where to (0) or which table (1).
    pub(super) fn at(&self, diagnostic: Diagnostic, part: usize, label: &str) -> Diagnostic {
        match self.spans {
            Some(spans) => diagnostic.at(spans[part], label),
            None => diagnostic,
        }
    }

    /// An error in terms of the spec, and what became of the list.
    pub(super) fn diagnostic(&self, error: &WriteError) -> Diagnostic {
        let (place, table) = (self.place(), &self.table);
        let new = |code, text: String| Diagnostic::error(code, text);
        let outcome = match error {
            WriteError::Unsettled(_) => {
                "all of the list is there or nothing of it; the files of the build are in place"
            }
            _ => "nothing of this build is in the database; the files of the build are in place",
        };
        let diagnostic = match error {
            WriteError::Unreachable(why) => {
                let error = self.at(new("SEG0705", format!("{place} can't be opened: {why}")), 0, "this sink");
                error.help("look whether it is the one that you mean and whether you may write there")
            }
            WriteError::Unconnected(failure) => self.unconnected(failure),
            WriteError::Broken(why) => self
                .at(
                    new("SEG0705", format!("the connection to {place} ended before the list was there: {why}")),
                    0,
                    "this sink",
                )
                .help("build again: it is safe to write twice; if that does not help, look into the log of the server"),
            WriteError::Unsettled(why) => self
                .at(
                    new("SEG0705", format!("the connection to {place} ended as the list was done: {why}")),
                    0,
                    "this sink",
                )
                .help("build again: it is safe to write twice"),
            WriteError::Character { column, customer } => self
                .at(
                    new(
                        "SEG0708",
                        format!("`{column}` of customer `{customer}` holds a zero byte, as no text of {place} can"),
                    ),
                    1,
                    "into this table",
                )
                .help("mend the data where it comes from"),
            WriteError::Busy => self
                .at(
                    new("SEG0709", format!("others are writing to {place}, and did not finish in time")),
                    0,
                    "this sink",
                )
                .help("build again when they are done"),
            WriteError::Refused(said) => self
                .at(new("SEG0708", format!("{place} does not take the list: {said}")), 1, "into this table")
                .help("mend what the database complains about, then build again: it is safe to write twice"),
            WriteError::NoSchema(Some(schema)) => self
                .at(new("SEG0708", format!("{place} has no schema `{schema}`")), 1, "in this schema")
                .help(format!("make it there: `CREATE SCHEMA {}`", write::quoted(schema))),
            WriteError::NoSchema(None) => self
                .at(new("SEG0708", format!("{place} does not say in which schema `{table}` is to be")), 1, "no schema")
                .help("name it, for example `table \"marketing.segments\"`"),
            WriteError::NotATable => self
                .at(new("SEG0706", format!("`{table}` of {place} is no table but a view or the like")), 1, "no table")
                .help("write to a table of its own and make the view of that"),
            WriteError::Foreign => self
                .at(new("SEG0706", format!("`{table}` of {place} has rows that segc did not write")), 1, "not ours")
                .help("write to another table, or empty this one yourself if nobody needs it"),
            WriteError::OfAnother(other) => self
                .at(
                    new("SEG0706", format!("`{table}` of {place} has the customers of the segmentation `{other}`")),
                    1,
                    "not of this spec",
                )
                .help("give each segmentation a table of its own"),
            WriteError::Columns(differences) => self.columns(differences),
            WriteError::Newer(as_of) => self
                .at(
                    new("SEG0710", format!("`{table}` of {place} has a build of {as_of}, later than this one")),
                    1,
                    "newer",
                )
                .help("history only goes on: build with a later `as_of`, or write to another table"),
            WriteError::History => self
                .at(
                    new("SEG0711", format!("`{table}` of {place} holds a history, which `replace` would wipe out")),
                    1,
                    "history",
                )
                .help("write `mode append`, or write to another table"),
        };
        diagnostic.note(outcome)
    }

    /// Why there is no connection: in the words that are used of sources, as an output that can't be written.
    pub(super) fn unconnected(&self, failure: &Failure) -> Diagnostic {
        let Target::Postgres { variable } = &self.to else { unreachable!("only servers are connected to") };
        let (diagnostic, label) = unconnected(failure, variable);
        self.at(Diagnostic { code: "SEG0705", ..diagnostic }, 0, label)
    }

    /// The table says since when a customer is in a segment.
    pub(super) fn without_as_of(&self) -> Diagnostic {
        let error = Diagnostic::error("SEG0226", format!("the sink `{}` has to say of when its list is", self.name));
        self.at(error, 1, "has a column `valid_from`").help("add a line such as `as_of @2024-07-01` to the spec")
    }

    fn columns(&self, differences: &[Difference]) -> Diagnostic {
        let text = format!("`{}` of {} has other columns than the list", self.table, self.place());
        let mut diagnostic = self.at(Diagnostic::error("SEG0707", text), 1, "does not fit");
        for Difference { name, declared, wanted } in differences {
            diagnostic = diagnostic.note(match wanted {
                None => format!("the list has no column `{name}`"),
                Some(wanted) => format!("`{name}` is {declared} there, in the list it is {wanted}"),
            });
        }
        let drops: Vec<String> =
            differences.iter().map(|d| format!("DROP COLUMN {}", write::quoted(&d.name))).collect();
        // SQLite drops one column a statement.
        let statement = format!("ALTER TABLE {} {}", self.table.quoted(), drops[0]);
        diagnostic.help(format!("write to another table, or give up what is in the column: `{statement}`"))
    }
}

pub(super) fn misplaced(name: &str, problem: &Unreadable) -> Diagnostic {
    match problem {
        Unreadable::Outside => {
            let text = format!("`{name}` lies outside the spec's folder and the data folders");
            Diagnostic::error("SEG0704", text)
                .help("write to a file beside the spec, or allow it with `--allow-outside`")
        }
        Unreadable::NotFound { .. } => {
            Diagnostic::error("SEG0704", format!("there is no folder for `{name}`")).help("make the folder first")
        }
        problem => Diagnostic::error("SEG0704", format!("`{name}` can't be written: {problem}"))
            .help("name a file, for example `sqlite \"segments.db\"`"),
    }
}
