//! Reports: an [`Outcome`] as one HTML page and as Markdown, both from minijinja templates that a folder may override.
//!
//! The HTML is one file that asks nothing of any network: style, script and drawings are in it, and its content
//! security policy admits exactly those two blocks. Everything that a spec or a table says is escaped on its way into
//! a template. Reports know nothing of engines and read no files but a template folder; the same outcome and
//! templates give the same bytes.

mod appendix;
mod change;
mod charts;
mod color;
mod facts;
mod figure;
mod markdown;
pub mod numbers;
mod sparkline;
mod story;
mod svg;
mod templates;
mod trust;
mod words;

use std::fmt;

use minijinja::context;
use minijinja::value::Value;

use crate::outcome::{Outcome, SegmentOutcome};
pub use change::diff_html;
pub use color::{Swatch, swatch};
pub use markdown::escaped as escaped_markdown;
pub use templates::Templates;

/// One self-contained page.
///
/// Errors: a template of a user's own folder that does not fit, with its name and line.
pub fn html(outcome: &Outcome, templates: &Templates) -> Result<String, ReportError> {
    let contents = contents(outcome, templates);
    templates.render("report.html", framed(contents, &outcome.segments, &["report.css"], templates)?)
}

/// The same story in text and tables, for a pull request.
///
/// Errors: as for [`html`].
pub fn markdown(outcome: &Outcome, templates: &Templates) -> Result<String, ReportError> {
    let text = templates.render("report.md", contents(outcome, templates))?;
    Ok(tidied(&text))
}

/// A template that can't be read or rendered. Displays as `template `report.html`, line 12: ...`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportError {
    /// A template's name, or the path of a template folder.
    pub template: String,
    pub line: Option<usize>,
    pub message: String,
}

impl fmt::Display for ReportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "template `{}`", self.template)?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for ReportError {}

/// What every template receives: the report in words, and under `outcome` all that was found.
fn contents(outcome: &Outcome, templates: &Templates) -> Value {
    let raw = serde_json::to_value(outcome).map_or(Value::UNDEFINED, plain);
    context! { outcome => raw, templates => templates.digest(), ..story::context(outcome) }
}

/// The same with the page's style and script, and a policy that admits only these.
fn framed(
    contents: Value,
    segments: &[SegmentOutcome],
    styles: &[&str],
    templates: &Templates,
) -> Result<Value, ReportError> {
    let mut style = String::new();
    for name in styles {
        let text = templates.render(name, context! { tints => color::tints(segments) })?;
        style += &templates::block(name, &text)?;
    }
    let script = templates.render("report.js", context! {})?;
    let script = templates::block("report.js", &script)?;
    let policy = format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; img-src data:; base-uri 'none'; form-action 'none'",
        templates::source_hash(&style),
        templates::source_hash(&script),
    );
    Ok(context! {
        style => Value::from_safe_string(style),
        script => Value::from_safe_string(script),
        policy => Value::from_safe_string(policy),
        ..contents
    })
}

fn plain(json: serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match json {
        Json::Null => Value::from(()),
        Json::Bool(b) => Value::from(b),
        Json::Number(n) => match (n.as_u64(), n.as_i64()) {
            (Some(n), _) => Value::from(n),
            (None, Some(n)) => Value::from(n),
            (None, None) => n.as_f64().map_or(Value::from(()), Value::from),
        },
        Json::String(s) => Value::from(s),
        Json::Array(items) => items.into_iter().map(plain).collect(),
        Json::Object(map) => Value::from_pairs(map.into_iter().map(|(k, v)| (k, plain(v)))),
    }
}

/// No blanks at line ends, no two empty lines in a row, one line end at the end.
fn tidied(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = true;
    for line in text.lines().map(str::trim_end) {
        if !line.is_empty() || !empty {
            out.push_str(line);
            out.push('\n');
        }
        empty = line.is_empty();
    }
    while out.ends_with("\n\n") {
        out.pop();
    }
    out
}
