//! The parts of two plans that differ, line by line.

use std::collections::BTreeMap;

use serde::Serialize;
use similar::{ChangeTag, TextDiff};

use crate::plan::{self, Plan, Scan};
use crate::spec::{Sheet, SourceFormat};
use crate::syntax::source::Spanned;

/// A part of the plan that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PartChange {
    /// `source`, `derived columns`, `revenue`, `cleaning`, `as_of`, `baskets`, `features`, `clusters`, `labels`, or what
    /// changes no result: `texts`, `other`.
    pub part: String,
    /// Lines that only the first spec has, and only the second.
    pub removed: Vec<String>,
    pub added: Vec<String>,
}

/// Nothing where both specs mean the same.
pub fn changes(a: &Plan, b: &Plan) -> Vec<PartChange> {
    let (left, right) = (parts(a), parts(b));
    let mut found = vec![];
    for part in PARTS {
        let lines = |parts: &BTreeMap<&str, String>| parts.get(part).cloned().unwrap_or_default();
        let (left, right) = (lines(&left), lines(&right));
        let diff = TextDiff::from_lines(&left, &right);
        let side = |tag: ChangeTag| -> Vec<String> {
            let lines = diff.iter_all_changes().filter(|change| change.tag() == tag);
            lines.map(|change| change.value().trim().to_owned()).collect()
        };
        let (removed, added) = (side(ChangeTag::Delete), side(ChangeTag::Insert));
        if !removed.is_empty() || !added.is_empty() {
            found.push(PartChange { part: part.to_owned(), removed, added });
        }
    }
    found
}

const PARTS: [&str; 11] = [
    "source",
    "derived columns",
    "revenue",
    "cleaning",
    "as_of",
    "baskets",
    "features",
    "clusters",
    "labels",
    "texts",
    "other",
];

/// The definition of each feature by its name, with helper columns put where they are used.
pub(super) fn features(plan: &Plan) -> BTreeMap<String, String> {
    let lines = parts(plan).remove("features").unwrap_or_default();
    let named = lines.lines().filter_map(|line| line.trim().split_once(": "));
    named.map(|(name, definition)| (name.to_owned(), definition.to_owned())).collect()
}

/// The plan as text by its parts, with helper columns put where they are used.
fn parts(plan: &Plan) -> BTreeMap<&'static str, String> {
    let text = plan::print(plan);
    let mut helpers: Vec<(String, String)> = vec![];
    let mut parts: BTreeMap<&'static str, String> = BTreeMap::new();
    let mut part = "other";
    for line in text.lines().skip(1) {
        if !line.starts_with(' ') {
            part = match line {
                line if line.contains("= scan ") || line.starts_with("rows = join") => "source",
                line if line.starts_with("rows = derive") => "derived columns",
                line if line.starts_with("rows = drop") => "cleaning",
                line if line.starts_with("ledger") => "revenue",
                line if line.starts_with("as_of") => "as_of",
                line if line.starts_with("baskets") => "baskets",
                line if line.starts_with("customers") => "features",
                line if line.starts_with("clusters") => "clusters",
                line if line.starts_with("segments") => "labels",
                _ => "other",
            };
        }
        let line = spelled_out(line, &helpers);
        match line.trim_start().split_once(" = ") {
            Some((name, value)) if name.starts_with('$') => {
                helpers.push((name.to_owned(), value.to_owned()));
            }
            // Relations are the frame, not the picture.
            _ if line.starts_with("customers =") || (line.starts_with("as_of =") && line.contains("aggregate")) => {}
            _ => {
                let lines = parts.entry(part).or_default();
                lines.push_str(&line);
                lines.push('\n');
            }
        }
    }
    let texts = plan.labels.all().flat_map(|rule| {
        let notes = [("description", &rule.description), ("action", &rule.action), ("color", &rule.color)];
        notes.map(|(name, text)| text.as_ref().map(|text| format!("\"{}\" {name} \"{text}\"\n", rule.label)))
    });
    parts.insert("texts", texts.flatten().collect());
    for scan in plan.scans() {
        let (meant, other) = settings(scan);
        parts.entry("source").or_default().push_str(&meant);
        parts.entry("other").or_default().push_str(&other);
    }
    if let Some(code) = &plan.currency {
        parts.entry("revenue").or_default().push_str(&format!("currency {code}\n"));
    }
    parts
}

/// How a source is read, as the spec states it: what decides which values there are, and what does not.
fn settings(scan: &Scan) -> (String, String) {
    let SourceFormat {
        sheets,
        range,
        hidden,
        fill_merged,
        delimiter,
        encoding,
        decimal,
        thousands,
        header,
        skip,
        footer,
        dates,
        missing,
        max_refused,
        strict,
        table: _,
        query: _,
        timezone,
        timeout,
        pushdown,
    } = &scan.format;
    let yes = |b: &bool| if *b { "yes" } else { "no" }.to_owned();
    let quoted = |texts: &[String]| {
        (!texts.is_empty()).then(|| texts.iter().map(|t| format!("{t:?}")).collect::<Vec<_>>().join(", "))
    };
    let sheet = |sheet: &Spanned<Sheet>| match &sheet.value {
        Sheet::Name(name) => format!("{name:?}"),
        Sheet::Number(n) => n.to_string(),
        Sheet::All => "all".to_owned(),
    };
    let columns =
        scan.columns.iter().filter_map(|column| Some((format!("{}: dates", column.name), quoted(&column.dates)?)));
    let meant = [
        ("sheet", (!sheets.is_empty()).then(|| sheets.iter().map(sheet).collect::<Vec<_>>().join(", "))),
        ("range", range.clone()),
        ("hidden", hidden.as_ref().map(yes)),
        ("fill_merged", fill_merged.as_ref().map(yes)),
        ("delimiter", delimiter.as_ref().map(|d| format!("{d:?}"))),
        ("encoding", encoding.clone()),
        ("decimal", decimal.map(|mark| format!("{mark:?}"))),
        ("thousands", thousands.map(|mark| format!("{mark:?}"))),
        ("header", header.as_ref().map(yes)),
        ("skip", skip.map(|n| n.to_string())),
        ("footer", footer.map(|n| n.to_string())),
        ("dates", quoted(dates)),
        ("missing", quoted(missing)),
        ("timezone", timezone.as_ref().map(|zone| zone.value.clone())),
    ];
    let meant = meant.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).chain(columns);
    let other = [
        ("max_refused", max_refused.map(|percent| format!("{percent}%"))),
        ("strict", strict.then(|| "yes".to_owned())),
        ("timeout", timeout.as_ref().map(|t| format!("{} ms", t.value))),
        ("pushdown", pushdown.as_ref().map(yes)),
    ];
    let other = other.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let line = |(name, value): (String, String)| format!("{} {name} {value}\n", scan.source);
    (meant.map(line).collect(), other.map(line).collect())
}

/// The line with every `$3` replaced by what it stands for.
fn spelled_out(line: &str, helpers: &[(String, String)]) -> String {
    let mut out = String::new();
    let mut rest = line;
    // A definition keeps its own name.
    if let Some((name, value)) = line.split_once(" = ").filter(|(name, _)| name.trim_start().starts_with('$')) {
        out = format!("{name} = ");
        rest = value;
    }
    while let Some(at) = rest.find('$') {
        let digits = rest[at + 1..].chars().take_while(|c| c.is_alphanumeric()).map(char::len_utf8).sum::<usize>();
        let name = &rest[at..at + 1 + digits];
        out.push_str(&rest[..at]);
        out.push_str(helpers.iter().find(|(known, _)| known == name).map_or(name, |(_, value)| value));
        rest = &rest[at + 1 + digits..];
    }
    out + rest
}
