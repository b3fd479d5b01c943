//! Diagnostics for people, in the manner of rustc, and for programs, one JSON object a line.

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};
use serde_json::json;

use super::{Diagnostic, Place, Severity};
use crate::syntax::source::SourceMap;

/// How many errors and warnings are printed before the rest is only counted. Remarks have been asked for.
const SHOWN: usize = 20;

/// All diagnostics as text, a blank line between them.
pub fn text(diagnostics: &[Diagnostic], sources: &SourceMap, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    let mut left_out = 0;
    let mut shown = 0;
    for diagnostic in diagnostics {
        if diagnostic.severity != Severity::Note {
            if shown == SHOWN {
                left_out += 1;
                continue;
            }
            shown += 1;
        }
        out.push_str(&one(diagnostic, sources, &renderer));
        out.push_str("\n\n");
    }
    if left_out > 0 {
        out.push_str(&format!("and {left_out} more\n\n"));
    }
    out
}

fn one(diagnostic: &Diagnostic, sources: &SourceMap, renderer: &Renderer) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let mut group = Group::with_title(level.primary_title(visible(&diagnostic.message)).id(diagnostic.code));
    let mut files: Vec<_> = diagnostic.labels.iter().map(|label| label.span.file).collect();
    files.dedup();
    for file in files {
        let source = sources.file(file);
        let mut snippet = Snippet::source(&*source.text).path(&source.name);
        for (nth, label) in diagnostic.labels.iter().enumerate().filter(|(_, label)| label.span.file == file) {
            let kind = if nth == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
            let range = inside(&source.text, label.span.start as usize, label.span.end as usize);
            snippet = snippet.annotation(kind.span(range).label(visible(&label.text)));
        }
        group = group.element(snippet);
    }
    if let Some(place) = &diagnostic.place {
        group = group.element(Element::from(Origin::path(visible(&place_in_words(place)))));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(visible(help)));
    }
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(visible(note)));
    }
    renderer.render(&[group])
}

/// `orders.csv, row 17, column `placed`, value `abc``.
pub fn place_in_words(place: &Place) -> String {
    let mut words = place.file.clone();
    if let Some(row) = place.row {
        words += &format!(", row {row}");
    }
    if let Some(column) = &place.column {
        words += &format!(", column `{column}`");
    }
    if let Some(value) = &place.value {
        words += &format!(", value `{value}`");
    }
    words
}

/// The range cut to the text and to whole characters.
fn inside(text: &str, start: usize, end: usize) -> std::ops::Range<usize> {
    let floor = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = floor(start);
    start..floor(end).max(start)
}

/// Data and specs may hold control and direction characters; a terminal must not obey them.
fn visible(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' => "\n".to_owned(),
            c if c.is_control()
                || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
            {
                format!("\\u{{{:x}}}", c as u32)
            }
            c => c.to_string(),
        })
        .collect()
}

/// One diagnostic as a JSON object.
pub fn json(diagnostic: &Diagnostic, sources: &SourceMap) -> serde_json::Value {
    let spans: Vec<_> = diagnostic
        .labels
        .iter()
        .map(|label| {
            let (line, column) = sources.line_column(label.span.file, label.span.start);
            let (end_line, end_column) = sources.line_column(label.span.file, label.span.end);
            json!({
                "file": sources.file(label.span.file).name,
                "line": line, "column": column, "end_line": end_line, "end_column": end_column,
                "start": label.span.start, "end": label.span.end, "label": label.text,
            })
        })
        .collect();
    let mut object = json!({
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "spans": spans,
        "place": diagnostic.place,
        "help": diagnostic.help,
        "notes": diagnostic.notes,
    });
    if let Some(finding) = &diagnostic.finding {
        object["region"] = json!(finding.region);
        object["witness"] = finding.witness.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    }
    object
}
