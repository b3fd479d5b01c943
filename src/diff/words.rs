//! A diff in words and lines of tables, the same for every form in which it is shown.

use super::{Cause, Class, Diff, LabelMove, Meaning, MovedRegion, SideFacts};
use crate::report::numbers::{approximate, count, exact, money, number, share};

/// In the place of a segment, of somebody whom only one side has.
pub(crate) const NOT_A_CUSTOMER: &str = "(not a customer)";

/// Regions that are shown between two labels; the JSON form has more.
const SHOWN: usize = 6;

pub(crate) const REGIONS: [&str; 3] = ["from -> to", "where", "for example"];
pub(crate) const ROWS: [&str; 5] = ["rule", "rows before", "after", "amount before", "after"];
pub(crate) const CUTS: [&str; 5] = ["score", "from before", "after", "customers before", "after"];
pub(crate) const CLUSTERS: [&str; 3] = ["cluster before", "after", "customers in both"];
pub(crate) const SEGMENTS: [&str; 5] = ["segment", "customers before", "after", "amount before", "after"];
pub(crate) const MOVES: [&str; 4] = ["from -> to", "customers", "amount", "because of"];
pub(crate) const MOVERS: [&str; 4] = ["customer", "from -> to", "amount", "why"];

/// What it comes down to.
pub(crate) fn verdict(diff: &Diff) -> Vec<String> {
    let moved = &diff.moved;
    let mut words = match (diff.spec.is_empty(), moved.customers) {
        _ if diff.is_empty() => "Nothing changes: both mean the same and give the same segments.".to_owned(),
        (true, 0) => "Both specs mean the same; no customer moves.".to_owned(),
        (false, 0) => "No customer moves.".to_owned(),
        (_, 1) => format!("1 customer moves ({})", share(moved.share)),
        (_, n) => format!("{} customers move ({})", count(n), share(moved.share)),
    };
    if moved.customers > 0 {
        if let (Some(amount), Some(part)) = (&moved.amount, moved.amount_share) {
            words +=
                &format!(", and with them {} ({})", exact(amount, diff.before.currency.as_deref(), 2), share(part));
        }
        words.push('.');
    }
    vec![words]
}

/// What kind of change it is.
pub(crate) fn sentences(meaning: &Meaning) -> Vec<String> {
    let mut sentences = vec![meaning.class.words().to_owned()];
    let Some(labels) = &meaning.labels else { return sentences };
    if meaning.class > Class::Undecided {
        sentences.push(match labels.class {
            Class::Same | Class::Equivalent => "No segment depends on it: everybody keeps the label.".to_owned(),
            class => format!("Of the label rules: {}", class.words()),
        });
    }
    let list = |labels: &[String]| labels.iter().map(|label| format!("\"{label}\"")).collect::<Vec<_>>().join(", ");
    if !labels.adds.is_empty() {
        sentences.push(format!("New: {}.", list(&labels.adds)));
    }
    if !labels.removes.is_empty() {
        sentences.push(format!("Gone: {}.", list(&labels.removes)));
    }
    sentences
}

pub(crate) fn regions(meaning: &Meaning) -> Vec<Vec<String>> {
    let mut lines = vec![];
    for LabelMove { from, to, regions, more } in meaning.labels.iter().flat_map(|labels| &labels.moves) {
        let way = format!("{from} -> {to}");
        for MovedRegion { region, witness, example } in regions.iter().take(SHOWN) {
            let place = if region.is_empty() { "everybody".to_owned() } else { region.join(" and ") };
            let place = if witness.is_empty() { format!("{place}, as far as can be told") } else { place };
            lines.push(vec![way.clone(), place, example.clone().unwrap_or_default()]);
        }
        if *more || regions.len() > SHOWN {
            lines.push(vec![way, "and others".to_owned(), String::new()]);
        }
    }
    lines
}

pub(crate) fn rows(diff: &Diff) -> Vec<Vec<String>> {
    let currency = diff.before.currency.as_deref();
    let rows = |n: Option<u64>| n.map_or("-".to_owned(), count);
    let amount = |a: &Option<String>| a.as_ref().map_or(String::new(), |a| exact(a, currency, 2));
    let lines = diff.rows.iter().map(|change| {
        vec![
            change.rule.clone(),
            rows(change.rows_before),
            rows(change.rows_after),
            amount(&change.amount_before),
            amount(&change.amount_after),
        ]
    });
    lines.collect()
}

pub(crate) fn cuts(diff: &Diff) -> Vec<Vec<String>> {
    let value = |x: Option<f64>| x.map_or("-".to_owned(), number);
    let lines = diff.cuts.iter().map(|cut| {
        vec![
            format!("{} = {} [{}]", cut.feature, cut.score, cut.unit),
            value(cut.from_before),
            value(cut.from_after),
            count(cut.customers_before),
            count(cut.customers_after),
        ]
    });
    lines.collect()
}

/// Where a cluster has another number, or where there are more of them.
pub(crate) fn clusters(diff: &Diff) -> Vec<Vec<String>> {
    let lines = diff.clusters.iter().map(|m| vec![m.before.to_string(), m.after.to_string(), count(m.customers)]);
    let other = diff.before.k != diff.after.k || diff.clusters.iter().any(|m| m.before != m.after);
    if other { lines.collect() } else { vec![] }
}

pub(crate) fn segments(diff: &Diff) -> Vec<Vec<String>> {
    let (before, after) = (&diff.before, &diff.after);
    let mut labels: Vec<&str> = before.segments.iter().map(|s| s.label.as_str()).collect();
    for segment in &after.segments {
        if !labels.contains(&segment.label.as_str()) {
            labels.push(&segment.label);
        }
    }
    let lines = labels.iter().map(|label| {
        let of = |side: &SideFacts| {
            let segment = side.segments.iter().find(|s| s.label == **label);
            let amount = segment.and_then(|s| s.amount.as_deref()).and_then(approximate);
            let amount = amount.zip(side.currency.as_deref()).map(|(x, code)| money(x, code));
            (segment.map_or("-".to_owned(), |s| count(s.customers)), amount.unwrap_or_default())
        };
        let ((x, a), (y, b)) = (of(before), of(after));
        vec![(*label).to_owned(), x, y, a, b]
    });
    lines.collect()
}

pub(crate) fn moves(diff: &Diff) -> Vec<Vec<String>> {
    let code = diff.before.currency.as_deref().unwrap_or_default();
    let lines = diff.matrix.iter().filter(|cell| cell.from != cell.to).map(|cell| {
        let amount = cell.amount_before.as_deref().or(cell.amount_after.as_deref()).and_then(approximate);
        let movers = diff.movers.iter().filter(|m| m.from == cell.from && m.to == cell.to);
        let mut causes: Vec<Cause> = movers.map(|m| m.cause).collect();
        causes.sort();
        causes.dedup();
        let words: Vec<&str> = causes.iter().map(|cause| cause.words()).collect();
        vec![
            way(&cell.from, &cell.to),
            count(cell.customers),
            amount.map_or(String::new(), |x| money(x, code)),
            words.join(", "),
        ]
    });
    lines.collect()
}

/// The first few, which have the largest amounts.
pub(crate) fn movers(diff: &Diff, most: usize) -> Vec<Vec<String>> {
    let code = diff.before.currency.as_deref();
    let lines = diff.movers.iter().take(most).map(|mover| {
        vec![
            mover.customer.clone(),
            way(&mover.from, &mover.to),
            mover.amount.as_ref().map_or(String::new(), |a| exact(a, code, 2)),
            mover.why.clone(),
        ]
    });
    lines.collect()
}

fn way(from: &Option<String>, to: &Option<String>) -> String {
    let name = |label: &Option<String>| label.clone().unwrap_or_else(|| NOT_A_CUSTOMER.to_owned());
    format!("{} -> {}", name(from), name(to))
}

/// Whether a column has numbers, which stand to the right.
pub(crate) fn is_numeric(lines: &[Vec<String>], column: usize) -> bool {
    let number = |cell: &String| {
        cell.is_empty()
            || cell == "-"
            || cell.starts_with(|c: char| c.is_ascii_digit())
            || cell.chars().rev().take(2).all(|c| c.is_ascii_digit())
    };
    column > 0 && lines.iter().all(|line| number(&line[column])) && lines.iter().any(|line| !line[column].is_empty())
}

/// The columns that say something, the first one always.
pub(crate) fn shown(lines: &[Vec<String>], columns: usize) -> Vec<usize> {
    (0..columns).filter(|column| *column == 0 || lines.iter().any(|line| !line[*column].is_empty())).collect()
}

impl Cause {
    /// As it stands in a table.
    pub fn words(self) -> &'static str {
        match self {
            Cause::Rows => "cleaning",
            Cause::Feature => "other values",
            Cause::CutPoint => "cut points",
            Cause::Cluster => "clusters",
            Cause::Rule => "rules",
        }
    }
}
