//! Markdown for templates: text that stays text, code spans, and the filters that only Markdown needs.

use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, Error, HtmlEscape, State};

use super::{sparkline, words};

/// Keeps a platform from turning text into a mention, a reference or a link: an invisible mark between its signs.
const WORD_JOINER: char = '\u{2060}';

pub fn register(environment: &mut Environment<'static>) {
    environment.add_filter("code", |text: String| Value::from_safe_string(code(&text)));
    environment.add_filter("fence", |lines: Vec<String>| Value::from_safe_string(fence(&lines)));
    environment.add_filter("message", |state: &mut State, text: String| message(state, &text));
    environment.add_filter("bar", |share: f64| sparkline::bar(share));
    environment.add_filter("table", table);
}

/// A table as the templates receive it, numbers to the right.
fn table(table: Value) -> Result<Value, Error> {
    let mut lines = vec![String::from("|"), String::from("|")];
    for column in table.get_attr("columns")?.try_iter()? {
        lines[0] += &format!(" {} |", escaped_from(&column.get_attr("name")?.to_string(), false));
        lines[1] += if column.get_attr("numeric")?.is_true() { " ---: |" } else { " --- |" };
    }
    for row in table.get_attr("rows")?.try_iter()? {
        let mark = row.get_attr("mark")?;
        let mut line = String::from("|");
        if !mark.is_none() {
            line += &format!(" **{}**", mark.get_attr("letter")?);
        }
        for cell in row.get_attr("cells")?.try_iter()? {
            line += &format!(" {} |", escaped_from(&cell.to_string(), false));
        }
        lines.push(line);
    }
    Ok(Value::from_safe_string(lines.join("\n")))
}

/// Names between backticks become code, the rest is escaped, in whatever a template is made of.
pub fn message(state: &State, text: &str) -> Value {
    let markdown = matches!(state.auto_escape(), AutoEscape::Custom(_));
    let mut out = String::new();
    for (name, part) in words::spans(text) {
        match (markdown, name) {
            (true, true) => out.push_str(&code(&part)),
            (true, false) => out.push_str(&escaped_between(&part)),
            (false, true) => out.push_str(&format!("<code>{}</code>", HtmlEscape(&part))),
            (false, false) => out.push_str(&HtmlEscape(&part).to_string()),
        }
    }
    Value::from_safe_string(out)
}

/// Text that reads the same after a Markdown renderer has read it. One line: line ends become blanks.
///
/// Signs are escaped where they could mean something, so that plain text stays plain in the source too.
pub fn escaped(text: &str) -> String {
    escaped_from(text, true)
}

/// A part of a sentence: the blanks towards its neighbours stay.
fn escaped_between(text: &str) -> String {
    let blank = |there: bool| if there { " " } else { "" };
    let inner = escaped_from(text, false);
    match inner.is_empty() {
        true => blank(!text.is_empty()).to_owned(),
        false => format!("{}{inner}{}", blank(text.starts_with(' ')), blank(text.ends_with(' '))),
    }
}

fn escaped_from(text: &str, line_start: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.trim().chars().peekable();
    while let Some(c) = rest.next() {
        let next = rest.peek().copied().unwrap_or(' ');
        let start = line_start && out.is_empty();
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            '<' if next.is_alphabetic() || "/!?".contains(next) => out.push_str("&lt;"),
            '&' if next.is_alphabetic() || next == '#' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '{' | '}' | '[' | ']' | '|' | '~' | '$' => out.extend(['\\', c]),
            // Inside a word an underscore is only an underscore.
            '_' if !(before.is_alphanumeric() && next.is_alphanumeric()) => out.push_str("\\_"),
            '#' if next.is_ascii_digit() => out.extend(['\\', '#', WORD_JOINER]),
            '#' => out.push_str("\\#"),
            '@' => out.extend(['@', WORD_JOINER]),
            ':' if next == '/' => out.extend([':', WORD_JOINER]),
            '.' if out.ends_with("www") => out.extend([WORD_JOINER, '.']),
            // At the start of a line these begin a list, a quotation or an underline.
            '>' if start => out.extend(['\\', c]),
            '+' | '-' | '=' if start && (next == ' ' || next == c) => out.extend(['\\', c]),
            '.' | ')' if line_start && !start && next == ' ' && out.bytes().all(|b| b.is_ascii_digit()) => {
                out.extend(['\\', c])
            }
            c => out.push(c),
        }
        before = c;
    }
    out
}

/// A code span that no backtick inside can end, fit for a table's cell.
fn code(text: &str) -> String {
    let text = text.replace(['\n', '\r'], " ");
    let fence = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    // A pipe would end the cell even inside a span.
    format!("{fence}{pad}{}{pad}{fence}", text.replace('|', "\\|"))
}

/// A fenced block that no line inside can end.
fn fence(lines: &[String]) -> String {
    let longest = lines.iter().map(|line| longest_run(line)).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}\n{}\n{fence}", lines.join("\n"))
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}
