//! From what was gathered of a column to what is told of it.

use super::reading::Analysis;
use super::roles::{Given, Role};
use super::tally::{Tally, Text};
use super::{Column, Common, Count, Currency, Facts, Oddity, oddities, trade};
use crate::ingest::raw::{show_number, show_time};
use crate::ingest::{Detection, Kind};
use crate::report::numbers::count;

/// What a pass over the rows keeps of a column.
pub(super) struct Gathered {
    pub tally: Tally,
    pub missing: u64,
    /// Cells that are numbers, dates or truth values by their type.
    pub typed: u64,
    /// Cells with an error of a spreadsheet.
    pub broken: Met,
}

/// Cells of some sort, and the first of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Met {
    pub count: u64,
    pub first: Option<(String, u64)>,
}

/// Texts that are shown.
const COMMON: usize = 10;
const EXAMPLES: usize = 5;
/// A column with more different texts has no words to choose from.
const FEW: usize = 200;
/// One row in so many may lie in the future and be wrong.
const FUTURE: u64 = 20;
/// So many times the rows of a usual customer are not those of one.
const GIANT: u64 = 20;

impl Gathered {
    pub fn new(tally: Tally) -> Gathered {
        Gathered { tally, missing: 0, typed: 0, broken: Met::default() }
    }
}

impl Met {
    pub fn note(&mut self, text: &str, row: u64) {
        self.add(text, row, 1);
    }

    /// So many cells with this text, the first of them in `row`.
    pub fn add(&mut self, text: &str, row: u64, cells: u64) {
        self.count += cells;
        if self.first.as_ref().is_none_or(|(_, first)| row < *first) {
            self.first = Some((text.to_owned(), row));
        }
    }

    /// `` such as `abc` (row 17)``.
    pub fn such_as(&self) -> String {
        self.first
            .as_ref()
            .map_or(String::new(), |(text, row)| format!("such as {} (row {})", quoted(text), count(*row)))
    }
}

/// A text as it is shown, in backticks.
pub(super) fn quoted(text: &str) -> String {
    format!("`{}`", super::text::cut(&super::text::visible(text), 40))
}

pub(super) fn finish(
    at: usize,
    headers: &[String],
    analysis: &Analysis,
    given: Option<Given>,
    rows: u64,
    today: Option<i64>,
) -> (Column, Option<Detection>) {
    let gathered = analysis.gathered;
    let role = given.as_ref().map(|given| given.role);
    let kind = kind(analysis, role);
    let shown = |value: f64| if analysis.is_time() { time(value) } else { show_number(value) };
    let summed = !matches!(kind, Kind::Id | Kind::Text | Kind::Bool);
    let at_share = |share| analysis.quantile(share).filter(|_| summed).map(shown);
    let tally = &gathered.tally;
    let dates = analysis.dates.as_ref().filter(|_| analysis.is_time());
    // Where many rows lie in the future, the clock of this machine is wrong.
    let is_odd_future = |oddity: &Oddity| oddity.what == "future" && oddity.count * FUTURE < analysis.known;
    let oddities = oddities::of(at, headers, analysis, kind, role, today);
    let column = Column {
        position: at as u32 + 1,
        header: headers[at].clone(),
        kind: kind.word().to_owned(),
        why: why(analysis, kind, role),
        role,
        role_why: given.map_or(String::new(), |given| given.why),
        filled: rows - gathered.missing,
        missing: gathered.missing,
        distinct: Count { count: tally.distinct(), exact: tally.is_exact() },
        reads_as: analysis.reads_as.clone(),
        exact: tally.is_exact(),
        min: at_share(0.0),
        median: at_share(0.5),
        max: at_share(1.0),
        common: common(tally.weighted()),
        examples: examples(&analysis.texts),
        currency: currency(&headers[at], analysis).filter(|_| kind == Kind::Money),
        dates: dates.map_or(Vec::new(), |(formats, _)| formats.clone()),
        facts: Facts { future: oddities.iter().any(is_odd_future), ..facts(analysis, role) },
        oddities,
    };
    let detection = dates.map(|(formats, detection)| {
        let formats: Vec<String> = formats.iter().map(|format| format!("\"{format}\"")).collect();
        let pin = format!("dates {}", formats.join(", "));
        Detection { column: Some(at), pin, ..detection.clone() }
    });
    (column, detection)
}

/// The type that fits the content, unless the role asks for another: who and what has a name, even if in digits.
fn kind(analysis: &Analysis, role: Option<Role>) -> Kind {
    match role {
        Some(Role::Customer) => Kind::Id,
        Some(Role::Invoice | Role::Product | Role::Item | Role::Country | Role::Status | Role::Currency) => Kind::Text,
        Some(Role::Price | Role::Amount | Role::Total) if analysis.is_number() => Kind::Money,
        _ => analysis.kind,
    }
}

fn why(analysis: &Analysis, kind: Kind, role: Option<Role>) -> String {
    let reads = &analysis.reads_as;
    let known = analysis.known;
    if known == 0 {
        return "it has no values".to_owned();
    }
    let all = |cells: u64, what: &str| match cells >= known {
        true => format!("all {} cells are {what}", count(known)),
        false => format!("{} of {} cells are {what}", count(cells), count(known)),
    };
    let some = |cells: u64, what: &str| match cells >= known {
        true => all(cells, what),
        false => format!("{}, the others are words", all(cells, what)),
    };
    let content = match analysis.kind {
        Kind::Int => all(reads.int, "whole numbers"),
        Kind::Number => all(reads.number, "numbers"),
        Kind::Money => all(reads.money, "amounts"),
        Kind::Share => all(reads.share + reads.number, "shares"),
        Kind::Date => all(reads.date, "days"),
        Kind::Datetime => all(reads.date, "dates, with times of day"),
        Kind::Bool => all(reads.bool, "yes or no"),
        _ if analysis.leading_zeros.count > 0 => {
            format!("{} with leading zeros", all(reads.int, "numbers, some"))
        }
        _ if reads.int * 2 > known => some(reads.int, "whole numbers"),
        _ if reads.number * 2 > known => some(reads.number, "numbers"),
        _ if reads.date * 2 > known => some(reads.date, "dates"),
        _ => "its cells are words".to_owned(),
    };
    let others = match analysis.others.count {
        0 => String::new(),
        _ => format!(", the others are not, {}", analysis.others.such_as()),
    };
    let named = match (role, kind) {
        (Some(Role::Customer), _) if analysis.kind != Kind::Text => "; they say who, so nothing is computed with them",
        (Some(_), Kind::Text) if analysis.kind != Kind::Text => "; they are names, so nothing is computed with them",
        _ => "",
    };
    format!("{content}{others}{named}")
}

/// By the sign that stands beside the amounts, or by a word of the header, such as `amount_eur` and `Preis (€)`.
fn currency(header: &str, analysis: &Analysis) -> Option<Currency> {
    if let Some(sign) = &analysis.currency
        && let Some((code, certain)) = trade::currency_of(sign)
    {
        let evidence = format!("`{sign}` stands beside the amounts of `{header}`");
        return Some(Currency { code: code.to_owned(), evidence, certain });
    }
    let words = trade::plain(header);
    // In small letters, a word of three letters may be just that.
    let named = |word: &&str| word.len() > 3 || *word != words.as_str();
    let found = words.split(' ').filter(named).find_map(trade::currency_of);
    let sign = || header.chars().find_map(|c| trade::currency_of(&c.to_string()).filter(|_| !c.is_alphanumeric()));
    let (code, certain) = found.or_else(sign)?;
    Some(Currency { code: code.to_owned(), evidence: format!("the header `{header}` says so"), certain })
}

/// A day, or a time of day on it.
pub(super) fn time(micros: f64) -> String {
    show_time(micros as i64)
}

fn common(mut texts: Vec<(&Text, u64)>) -> Vec<Common> {
    texts.retain(|(_, cells)| *cells > 1);
    texts.sort_by_key(|(_, cells)| std::cmp::Reverse(*cells));
    texts.iter().take(COMMON).map(|(text, cells)| Common { value: text.text.to_string(), count: *cells }).collect()
}

fn examples(texts: &[(&Text, u64)]) -> Vec<String> {
    let last = texts.len().saturating_sub(1);
    let steps = EXAMPLES.min(texts.len());
    let mut places: Vec<usize> = (0..steps).map(|step| step * last / steps.saturating_sub(1).max(1)).collect();
    places.dedup();
    places.into_iter().map(|at| texts[at].0.text.to_string()).collect()
}

fn facts(analysis: &Analysis, role: Option<Role>) -> Facts {
    let words = match analysis.gathered.tally.is_exact() && analysis.texts.len() <= FEW {
        true => analysis.texts.iter().map(|(text, cells)| (text.text.to_string(), *cells)).collect(),
        false => Vec::new(),
    };
    let mut missing_words: Vec<String> =
        analysis.missing_words.iter().map(|(text, _)| text.text.trim().to_owned()).collect();
    missing_words.sort();
    missing_words.dedup();
    let texts = |of: Role, holds: &dyn Fn(&str, u64) -> bool| -> Vec<String> {
        let texts = analysis.texts.iter().filter(|(text, cells)| role == Some(of) && holds(text.text.trim(), *cells));
        let mut texts: Vec<String> = texts.map(|(text, _)| text.text.to_string()).collect();
        texts.truncate(FEW);
        texts
    };
    // A figure such as 0 may be a customer like others, unless it buys far more than they do.
    let usual = analysis.known / analysis.gathered.tally.distinct().max(1);
    let anonymous = |text: &str, cells: u64| {
        trade::is_anonymous(text) && (text.contains(char::is_alphabetic) || cells > usual.saturating_mul(GIANT))
    };
    let prefixes = if role == Some(Role::Invoice) { oddities::prefixes(analysis) } else { Vec::new() };
    Facts {
        missing_words,
        words,
        thousands: analysis.thousands,
        anonymous: texts(Role::Customer, &anonymous),
        undone: texts(Role::Status, &|text, _| trade::is_undone(text)),
        prefixes: prefixes.into_iter().map(|(prefix, _)| prefix).collect(),
        placeholders: if role == Some(Role::Date) { oddities::placeholders(analysis) } else { Vec::new() },
        future: false,
    }
}
