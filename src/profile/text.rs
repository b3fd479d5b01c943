//! A profile for people: at most a hundred columns wide.

use super::{Column, Profile};
use crate::report::numbers::count;

const WIDTH: usize = 100;
/// Widths of the table of columns.
const HEADER: usize = 22;
const VALUES: usize = 34;

/// The whole profile as text.
pub fn render(profile: &Profile) -> String {
    let mut out = head(profile);
    out += &overview(profile);
    for column in profile.columns.iter().filter(|column| column.filled > 0) {
        out += &details(column);
    }
    let empty: Vec<String> =
        profile.columns.iter().filter(|column| column.filled == 0).map(|column| column.header.clone()).collect();
    if !empty.is_empty() {
        out += &format!("\nWithout any value: {}\n", empty.join(", "));
    }
    out
}

fn head(profile: &Profile) -> String {
    let mut out = format!("{}: {}, {} bytes\n\n", profile.file, profile.container, count(profile.bytes));
    let repeated = &profile.repeated_rows;
    let repeats = match repeated.count {
        0 => String::new(),
        n => format!(", {}{} of them equal to an earlier one", about(repeated.exact), count(n)),
    };
    out += &line("rows", &format!("{}{repeats}", count(profile.rows)), "");
    for left_out in &profile.left_out {
        let detail = if left_out.detail.is_empty() { String::new() } else { format!(": {}", left_out.detail) };
        let rows = if left_out.rows == 1 { "1 more".to_owned() } else { format!("{} more", count(left_out.rows)) };
        out += &line("", &format!("{rows} {}, row {}{detail}", left_out.why, count(left_out.first)), "");
    }
    if let Some(who) = profile.each_row() {
        let text = format!("each with a {} of its own: perhaps customers by {0}, one row each", cut(&who.header, 40));
        out += &line("", &text, "");
    }
    let named = if profile.header { "named by the first row" } else { "without names in the file" };
    out += &line("columns", &format!("{}, {named}", profile.columns.len()), "");
    if !profile.sheets.is_empty() {
        let others = profile.sheets.len() - profile.sheets_read.len();
        let more = if others == 0 { String::new() } else { format!(" of {}", profile.sheets.join(", ")) };
        out += &line("sheet", &format!("{}{more}", profile.sheets_read.join(", ")), "");
    }
    for setting in profile.settings.iter().filter(|setting| setting.what != "sheet") {
        let about =
            setting.column.map_or(String::new(), |at| format!(" of {}", profile.columns[at as usize - 1].header));
        let guess = if setting.certain { "" } else { "a guess: " };
        let evidence = setting.evidence.strip_prefix("a guess: ").unwrap_or(&setting.evidence);
        let value = match setting.value.chars().count() {
            1 => format!("`{}`", setting.value),
            _ => setting.value.clone(),
        };
        out += &line(&format!("{}{about}", setting.what), &value, &format!("{guess}{evidence}"));
    }
    out
}

fn line(what: &str, value: &str, evidence: &str) -> String {
    let evidence = if evidence.is_empty() { String::new() } else { format!("  ({evidence})") };
    wrap(&format!("{:<14} ", cut(what, 60)), &format!("{}{evidence}", visible(value)), 15)
}

fn overview(profile: &Profile) -> String {
    let width = |of: &dyn Fn(&Column) -> String, least: usize| {
        profile.columns.iter().map(|column| of(column).chars().count()).max().unwrap_or(0).max(least)
    };
    let header = width(&|column| column.header.clone(), 6).min(HEADER);
    let missing = width(&|column| count(column.missing), 7);
    let distinct = width(&different, 8);
    let mut out = format!(
        "\n{:>3}  {:header$}  {:8}  {:8}  {:>missing$}  {:>distinct$}  {}\n",
        "#", "column", "type", "role", "missing", "distinct", "from, middle, to, or commonest"
    );
    for column in &profile.columns {
        let role = column.role.map_or("", super::Role::word);
        let row = format!(
            "{:>3}  {:header$}  {:8}  {:8}  {:>missing$}  {:>distinct$}  {}",
            column.position,
            cut(&visible(&column.header), header),
            column.kind,
            role,
            count(column.missing),
            different(column),
            values(column)
        );
        out += cut(&row, WIDTH).trim_end();
        out.push('\n');
    }
    out
}

fn different(column: &Column) -> String {
    format!("{}{}", if column.distinct.exact { "" } else { "~" }, count(column.distinct.count))
}

fn values(column: &Column) -> String {
    match (&column.min, &column.median, &column.max) {
        // Times have their days here, and their hours below.
        (Some(min), _, Some(max)) if column.is_time() => {
            let day = |time: &str| time.split(' ').next().unwrap_or_default().to_owned();
            format!("{} .. {}", day(min), day(max))
        }
        (Some(min), Some(median), Some(max)) => format!("{min} .. {median} .. {max}"),
        _ => column
            .common
            .iter()
            .take(2)
            .map(|common| cut(&visible(&common.value), VALUES / 2))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

fn details(column: &Column) -> String {
    let role = column.role.map_or(String::new(), |role| format!(", the {}", role.word()));
    let mut out = format!("\n{}. {}: {}{role}\n", column.position, cut(&visible(&column.header), 60), column.kind);
    let mut say = |what: &str, text: String| {
        if !text.is_empty() {
            out += &wrap(&format!("   {what:<9} "), &text, 13);
        }
    };
    say("type", column.why.clone());
    say("role", column.role_why.clone());
    if let (Some(min), Some(median), Some(max)) = (&column.min, &column.median, &column.max) {
        let money = column.currency.as_ref().map_or(String::new(), |currency| format!(", in {}", currency.code));
        say("values", format!("{}from {min} to {max}, the middle one {median}{money}", about(column.exact)));
    }
    let common: Vec<String> = (column.common.iter().take(5))
        .map(|common| format!("{} {}", shown(&common.value), count(common.count)))
        .collect();
    match common.is_empty() {
        true => say("examples", column.examples.iter().map(|text| shown(text)).collect::<Vec<_>>().join(", ")),
        false => say("commonest", format!("{}{}", about(column.exact), common.join(", "))),
    }
    // Cells of another sort stand behind the type already.
    for oddity in column.oddities.iter().filter(|oddity| oddity.what != "other cells") {
        say("note", oddity.text.clone());
    }
    out
}

fn about(exact: bool) -> &'static str {
    if exact { "" } else { "about " }
}

fn shown(text: &str) -> String {
    format!("`{}`", cut(&visible(text), 30))
}

/// Lines of at most [`WIDTH`], those after the first indented.
fn wrap(lead: &str, text: &str, indent: usize) -> String {
    let (mut out, mut line) = (String::new(), lead.to_owned());
    let mut empty = true;
    for word in text.split(' ') {
        if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            out += line.trim_end();
            out.push('\n');
            line = " ".repeat(indent);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line += word;
        empty = false;
    }
    out += line.trim_end();
    out.push('\n');
    out
}

/// The beginning of a text that is too long.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// Data may hold control and direction characters; a terminal must not obey them.
pub(crate) fn visible(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    text.chars()
        .map(|c| match c {
            '\n' => "\\n".to_owned(),
            '\r' => "\\r".to_owned(),
            '\t' => "\\t".to_owned(),
            c if hidden(c) => format!("\\u{{{:x}}}", u32::from(c)),
            c => c.to_string(),
        })
        .collect()
}
