//! What a reader should know of a column before trusting it.

use super::Oddity;
use super::columns::{quoted, time};
use super::reading::{Analysis, DAY};
use super::roles::Role;
use super::trade;
use crate::ingest::Kind;
use crate::ingest::raw::show_number;
use crate::report::numbers::count;

/// So many times the value that only one cell in a thousand exceeds is an outlier.
const FAR: f64 = 20.0;
/// Fewer cells have no tail to speak of.
const TAIL: u64 = 1000;
/// Days that stand for no day: the beginnings of calendars and of clocks, and their ends.
const PLACEHOLDERS: [&str; 7] =
    ["1900-01-01", "1899-12-30", "1899-12-31", "1970-01-01", "1753-01-01", "9999-12-31", "2999-12-31"];

pub(super) fn of(
    at: usize,
    headers: &[String],
    analysis: &Analysis,
    kind: Kind,
    role: Option<Role>,
    today: Option<i64>,
) -> Vec<Oddity> {
    let mut notes = Notes::default();
    let same: Vec<String> = (0..headers.len())
        .filter(|other| *other != at && headers[*other].to_lowercase() == headers[at].to_lowercase())
        .map(|other| (other + 1).to_string())
        .collect();
    if !same.is_empty() {
        let text = format!("column {} has the same header", same.join(", "));
        notes.0.push(Oddity { what: "same header".to_owned(), count: analysis.known, text });
    }
    let broken = &analysis.gathered.broken;
    notes.add("broken cells", broken.count, "holds an error", "hold errors", &broken.such_as());
    let words: Vec<String> = analysis.missing_words.iter().map(|(text, _)| quoted(text.text.trim())).collect();
    let words = if words.len() > 3 { format!("{} and others", words[..3].join(", ")) } else { words.join(", ") };
    let cells = analysis.missing_words.iter().map(|(_, cells)| cells).sum();
    notes.add("missing words", cells, "has", "have", &format!("{words}: is that a missing value?"));
    let zeros = &analysis.leading_zeros;
    let which = format!("with a zero that a number would lose, {}", zeros.such_as());
    notes.add("leading zeros", zeros.count, "starts", "start", &which);
    match kind {
        Kind::Text | Kind::Id => texts(analysis, role, &mut notes),
        _ => notes.add(
            "other cells",
            analysis.others.count,
            "is",
            "are",
            &format!("none, {}", analysis.others.such_as()),
        ),
    }
    match kind {
        Kind::Int | Kind::Number | Kind::Money => numbers(analysis, &mut notes),
        Kind::Date | Kind::Datetime => times(analysis, today, &mut notes),
        _ => {}
    }
    notes.0
}

#[derive(Default)]
struct Notes(Vec<Oddity>);

impl Notes {
    /// `3 cells have ...`, if there are any.
    fn add(&mut self, what: &str, cells: u64, one: &str, many: &str, rest: &str) {
        let text = match cells {
            0 => return,
            1 => format!("1 cell {one} {rest}"),
            n => format!("{} cells {many} {rest}", count(n)),
        };
        self.0.push(Oddity { what: what.to_owned(), count: cells, text: text.trim_end().to_owned() });
    }
}

fn numbers(analysis: &Analysis, notes: &mut Notes) {
    let negative = analysis.count_values(|value| value < 0.0);
    let least = show_number(analysis.quantile(0.0).unwrap_or_default());
    notes.add("negative", negative, "is", "are", &format!("below zero, down to {least}"));
    notes.add("zero", analysis.count_values(|value| value == 0.0), "is", "are", "zero");
    let (Some(high), Some(most)) = (analysis.quantile(0.999), analysis.quantile(1.0)) else { return };
    let largest = show_number(most);
    let nines = largest.len() >= 4 && largest.bytes().all(|byte| byte == b'9' || byte == b'.');
    if nines && analysis.values.len() > 2 {
        let cells = analysis.count_values(|value| value == most);
        notes.add("placeholder", cells, "is", "are", &format!("{largest}: does that stand for something?"));
    } else if analysis.known >= TAIL && high > 0.0 && most >= FAR * high {
        let cells = analysis.count_values(|value| value >= FAR * high);
        let which = format!("far off, up to {largest}; 99.9 % are at most {}", show_number(high));
        notes.add("outlier", cells, "is", "are", &which);
    }
}

fn day(value: f64) -> String {
    time((value as i64).div_euclid(DAY) as f64 * DAY as f64)
}

/// Whether a time is on a day that stands for none.
pub(super) fn stands_for_none(value: f64) -> bool {
    PLACEHOLDERS.contains(&day(value).as_str())
}

/// The days of a column that stand for none.
pub(super) fn placeholders(analysis: &Analysis) -> Vec<String> {
    let mut days: Vec<String> =
        analysis.values.iter().filter(|(value, _)| stands_for_none(*value)).map(|(value, _)| day(*value)).collect();
    days.dedup();
    days
}

fn times(analysis: &Analysis, today: Option<i64>, notes: &mut Notes) {
    if let Some((first, _)) = analysis.values.iter().find(|(value, _)| stands_for_none(*value)) {
        let cells = analysis.count_values(stands_for_none);
        notes.add("placeholder", cells, "is", "are", &format!("{}: is that a missing value?", day(*first)));
    }
    // A time zone ahead of ours is no oddity.
    let Some(latest) = today.map(|today| (today + 2 * DAY) as f64) else { return };
    let later = |value: f64| value >= latest && !stands_for_none(value);
    if let Some((last, _)) = analysis.values.iter().rev().find(|(value, _)| later(*value)) {
        notes.add("future", analysis.count_values(later), "is", "are", &format!("in the future, up to {}", day(*last)));
    }
}

fn texts(analysis: &Analysis, role: Option<Role>, notes: &mut Notes) {
    let find = |holds: &dyn Fn(&str) -> bool| {
        let first = analysis.texts.iter().find(|(text, _)| holds(&text.text));
        (analysis.count_texts(holds), first.map_or(String::new(), |(text, _)| quoted(&text.text)))
    };
    let (spoilt, first) = (analysis.exponents.count, analysis.exponents.such_as());
    notes.add("exponent", spoilt, "was", "were", &format!("shortened by a spreadsheet, {first}"));
    let (blanks, first) = find(&|text| text.trim() != text);
    notes.add("blanks", blanks, "has", "have", &format!("blanks around the text, such as {first}"));
    let (foreign, first) = find(&|text| !text.is_ascii());
    notes.add("non-ascii", foreign, "has", "have", &format!("letters or signs beyond ASCII, such as {first}"));
    if analysis.gathered.tally.is_exact() {
        let mut folded: Vec<(String, u64)> =
            analysis.texts.iter().map(|(text, cells)| (text.text.trim().to_lowercase(), *cells)).collect();
        folded.sort_unstable();
        let alike = folded.chunk_by(|a, b| a.0 == b.0).filter(|same| same.len() > 1);
        let cells = alike.map(|same| same.iter().map(|(_, cells)| cells).sum::<u64>()).sum();
        notes.add("case", cells, "differs", "differ", "only by capitals or blanks from others");
    }
    match role {
        Some(Role::Invoice) => {
            for (prefix, cells) in prefixes(analysis) {
                notes.add("prefix", cells, "starts", "start", &format!("with {}", quoted(&prefix)));
            }
        }
        Some(Role::Status) => {
            let (undone, first) = find(&trade::is_undone);
            notes.add("undone", undone, "says", "say", &format!("that the order came to nothing, such as {first}"));
        }
        Some(Role::Customer) => {
            let (anonymous, first) = find(&trade::is_anonymous);
            notes.add("anonymous", anonymous, "has", "have", &format!("{first}: is that a customer?"));
        }
        _ => {}
    }
}

/// The letters before the digits, where some texts have others than most, with their cells.
pub(super) fn prefixes(analysis: &Analysis) -> Vec<(String, u64)> {
    let mut found: Vec<(String, u64)> = Vec::new();
    for (text, cells) in &analysis.texts {
        let prefix: String = text.text.trim().chars().take_while(|c| !c.is_ascii_digit()).take(8).collect();
        match found.iter().position(|(other, _)| *other == prefix) {
            Some(known) => found[known].1 += cells,
            None if found.len() > 20 => return Vec::new(),
            None => found.push((prefix, *cells)),
        }
    }
    let most = found.iter().map(|(_, count)| *count).max().unwrap_or(0);
    found.retain(|(prefix, count)| *count < most / 2 && !prefix.is_empty());
    found.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    found
}
