//! What the texts of a column can be read as, and so what type it should have.

use super::ReadsAs;
use super::columns::{Gathered, Met};
use super::tally::Text;
use super::trade;
use crate::ingest::raw::{Reader, stands_for_nothing};
use crate::ingest::{ColumnRequest, Detection, Header, Kind, MarkEvidence, Shapes};

/// A column, read by the most fitting type.
pub(super) struct Analysis<'g> {
    pub gathered: &'g Gathered,
    /// The texts with the cells that each stands for, words for a missing value left out.
    pub texts: Vec<(&'g Text, u64)>,
    /// Words that seem to stand for a missing value.
    pub missing_words: Vec<(&'g Text, u64)>,
    /// Cells of `texts`.
    pub known: u64,
    pub reads_as: ReadsAs,
    pub kind: Kind,
    /// Cells that are not of this kind.
    pub others: Met,
    /// Values with their cells, ascending: numbers, or microseconds of times.
    pub values: Vec<(f64, u64)>,
    /// Numbers that start with a zero although other digits follow, such as `00123`.
    pub leading_zeros: Met,
    /// Whole numbers that a spreadsheet has spoilt: `1.23E+11`.
    pub exponents: Met,
    pub currency: Option<String>,
    pub thousands: Option<(char, bool)>,
    /// Formats of dates that are not ISO's, and on what evidence.
    pub dates: Option<(Vec<String>, Detection)>,
}

/// Words that people write for a missing value beside those of systems, in small letters.
const MISSING: [&str; 24] = [
    "null",
    "n/a",
    "#n/a",
    "n.a.",
    "none",
    "(none)",
    "<null>",
    "(leer)",
    "(vide)",
    "(vacío)",
    "-",
    "--",
    "---",
    "?",
    ".",
    "missing",
    "not available",
    "not set",
    "unknown",
    "keine angabe",
    "k.a.",
    "k. a.",
    "unbekannt",
    "inconnu",
];

/// So many of a hundred cells make a column of a type.
const MOST: u64 = 90;

/// The decimal mark of the file, and a report where it is not plainly the point.
pub(super) fn decimal_mark(
    columns: &[Gathered],
    stated: Option<char>,
    hints_at_comma: bool,
) -> (char, Option<Detection>) {
    if let Some(stated) = stated {
        return (stated, None);
    }
    let mut evidence = MarkEvidence::default();
    for column in columns {
        let texts = known(column).0;
        let numbers = |decimal| {
            let mut reader = Reader::new(decimal, &[]);
            let number = |text: &str| reader.money(text).is_some() || reader.share(text).is_some();
            cells(&texts, number)
        };
        let all: u64 = texts.iter().map(|(_, cells)| cells).sum();
        if all > 0 && numbers('.').max(numbers(',')) * 100 >= all * MOST {
            texts.iter().for_each(|(text, cells)| evidence.observe(&text.text, Kind::Number, *cells));
        }
    }
    evidence.verdict(hints_at_comma)
}

/// Whether a text seems to stand for a missing value.
fn is_missing_word(text: &str) -> bool {
    let text = text.trim();
    stands_for_nothing(text) || (text.len() <= 16 && MISSING.contains(&text.to_lowercase().as_str()))
}

type Weighted<'g> = Vec<(&'g Text, u64)>;

/// The texts of a column, and the words among them that seem to stand for a missing value.
fn known(column: &Gathered) -> (Weighted<'_>, Weighted<'_>) {
    column.tally.weighted().into_iter().partition(|(text, _)| !is_missing_word(&text.text))
}

fn cells(texts: &[(&Text, u64)], mut holds: impl FnMut(&str) -> bool) -> u64 {
    texts.iter().filter(|(text, _)| holds(&text.text)).map(|(_, cells)| cells).sum()
}

impl<'g> Analysis<'g> {
    /// `dated` says that the header is one of dates, so that whole numbers may be seconds.
    pub fn of(gathered: &'g Gathered, decimal: char, dated: bool) -> Analysis<'g> {
        let (texts, missing_words) = known(gathered);
        let known = texts.iter().map(|(_, cells)| cells).sum();
        let seconds = if dated { seconds(&texts) } else { None };
        let in_seconds = seconds.is_some();
        let dates = seconds.or_else(|| date_formats(&texts));
        let formats = dates.as_ref().map_or(&[][..], |(formats, _)| formats);
        let mut reader = Reader::new(decimal, formats);
        let mut analysis = Analysis {
            gathered,
            missing_words,
            known,
            reads_as: ReadsAs::default(),
            kind: Kind::Text,
            others: Met::default(),
            values: Vec::new(),
            leading_zeros: Met::default(),
            exponents: Met::default(),
            currency: None,
            thousands: None,
            dates: None,
            texts: Vec::new(),
        };
        for (text, cells) in &texts {
            analysis.count(text, *cells, in_seconds, &mut reader);
        }
        analysis.texts = texts;
        // `R17` and `WEB17` are numbers of orders, not amounts.
        let known = |sign: &&str| trade::currency_of(sign).is_some();
        analysis.currency = reader.currency().filter(known).map(str::to_owned);
        analysis.kind = analysis.decide();
        analysis.read(&mut reader);
        analysis.dates = dates.filter(|_| analysis.is_time());
        analysis.thousands = reader.thousands().filter(|_| analysis.is_number());
        analysis
    }

    /// Adds the cells of a text to all types it can be read as.
    fn count(&mut self, text: &Text, cells: u64, in_seconds: bool, reader: &mut Reader) {
        let trimmed = text.text.trim();
        let reads = &mut self.reads_as;
        let mut add = |to: fn(&mut ReadsAs) -> &mut u64, holds: bool| *to(reads) += if holds { cells } else { 0 };
        let int = reader.int(trimmed).is_some();
        add(|reads| &mut reads.int, int);
        add(|reads| &mut reads.number, reader.number(trimmed).is_some());
        add(|reads| &mut reads.money, reader.money(trimmed).is_some());
        add(|reads| &mut reads.share, trimmed.ends_with('%') && reader.share(trimmed).is_some());
        add(|reads| &mut reads.bool, reader.truth(trimmed).is_some());
        let time = reader.time(trimmed).filter(|_| !int || in_seconds || is_compact_date(trimmed));
        add(|reads| &mut reads.date, time.is_some());
        add(|reads| &mut reads.datetime, time.is_some_and(|time| time.rem_euclid(DAY) != 0));
        let digits = trimmed.bytes().all(|byte| byte.is_ascii_digit());
        if digits && trimmed.len() > 1 && trimmed.starts_with('0') {
            self.leading_zeros.add(trimmed, text.row, cells);
        }
        if trimmed.len() > 5
            && trimmed.contains(['E', 'e'])
            && trimmed.contains("+1")
            && reader.number(trimmed).is_some()
        {
            self.exponents.add(trimmed, text.row, cells);
        }
    }

    fn decide(&self) -> Kind {
        let reads = &self.reads_as;
        let most = |cells: u64| self.known > 0 && cells * 100 >= self.known * MOST;
        let words = || self.texts.iter().all(|(text, _)| text.text.contains(char::is_alphabetic));
        // 8 digits may as well be a number of an order, unless all of them are days.
        let dates = most(reads.date) && (!most(reads.int) || reads.date == self.known);
        if most(reads.bool) && self.texts.len() <= 6 && words() {
            Kind::Bool
        } else if dates && reads.datetime > 0 {
            Kind::Datetime
        } else if dates {
            Kind::Date
        } else if self.leading_zeros.count * 200 > self.known {
            Kind::Text
        } else if most(reads.int) && self.currency.is_none() {
            Kind::Int
        } else if most(reads.money) && self.currency.is_some() {
            Kind::Money
        } else if most(reads.share + reads.number) && reads.share > 0 {
            Kind::Share
        } else if most(reads.number) {
            Kind::Number
        } else {
            Kind::Text
        }
    }

    /// Gathers the values, and what is none.
    fn read(&mut self, reader: &mut Reader) {
        if matches!(self.kind, Kind::Text | Kind::Bool) {
            return;
        }
        let mut values = Vec::new();
        for (text, cells) in &self.texts {
            let trimmed = text.text.trim();
            let value = match self.kind {
                Kind::Date | Kind::Datetime => reader.time(trimmed).map(|time| time as f64),
                Kind::Int => reader.int(trimmed).map(|int| int as f64),
                Kind::Money => reader.money(trimmed).map(|(units, scale)| units as f64 / 10f64.powi(i32::from(scale))),
                Kind::Share => reader.share(trimmed),
                _ => reader.number(trimmed),
            };
            match value {
                Some(value) => values.push((value, *cells)),
                None => self.others.add(&text.text, text.row, *cells),
            }
        }
        values.sort_by(|a, b| a.0.total_cmp(&b.0));
        values.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 += if same { next.1 } else { 0 };
            same
        });
        self.values = values;
    }

    pub fn is_number(&self) -> bool {
        matches!(self.kind, Kind::Int | Kind::Number | Kind::Money | Kind::Share)
    }

    pub fn is_time(&self) -> bool {
        matches!(self.kind, Kind::Date | Kind::Datetime)
    }

    /// The value below which this share of the cells is.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let all: u64 = self.values.iter().map(|(_, cells)| cells).sum();
        let mut rest = ((all.saturating_sub(1)) as f64 * share).floor() as u64;
        for (value, cells) in &self.values {
            if rest < *cells {
                return Some(*value);
            }
            rest -= cells;
        }
        None
    }

    /// Cells with a value like that.
    pub fn count_values(&self, holds: impl Fn(f64) -> bool) -> u64 {
        self.values.iter().filter(|(value, _)| holds(*value)).map(|(_, cells)| cells).sum()
    }

    /// Cells with a text like that.
    pub fn count_texts(&self, holds: impl FnMut(&str) -> bool) -> u64 {
        cells(&self.texts, holds)
    }

    /// Whether most of the numbers have decimals.
    pub fn has_decimals(&self) -> bool {
        self.count_values(|value| value != value.trunc()) * 10 > self.known
    }
}

pub(super) const DAY: i64 = 86_400_000_000;

/// `20240131`, and no number of an order that merely has eight digits.
fn is_compact_date(text: &str) -> bool {
    text.len() == 8 && (text.starts_with("19") || text.starts_with("20"))
}

/// Whole numbers that are all seconds since 1970, of the years from 1990 to 2100.
fn seconds(texts: &[(&Text, u64)]) -> Option<(Vec<String>, Detection)> {
    let second =
        |text: &str| text.trim().parse().is_ok_and(|second: i64| (631_152_000..4_102_444_800).contains(&second));
    if texts.is_empty() || !texts.iter().all(|(text, _)| second(&text.text)) {
        return None;
    }
    let format = "%s".to_owned();
    let detection = Detection {
        what: "date format",
        column: None,
        value: format.clone(),
        evidence: "the header is one of dates, and the numbers can be seconds since 1970".to_owned(),
        pin: String::new(),
        certain: true,
    };
    Some((vec![format], detection))
}

/// The forms of dates other than ISO's.
fn date_formats(texts: &[(&Text, u64)]) -> Option<(Vec<String>, Detection)> {
    let mut shapes = Shapes::default();
    for (text, cells) in texts {
        shapes.observe(&text.text, text.row, *cells);
    }
    let request =
        ColumnRequest { name: "at".to_owned(), header: Header::Position(1), kind: Kind::Datetime, dates: Vec::new() };
    shapes.verdict(0, &request, "at")
}
