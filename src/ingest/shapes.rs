//! In which form the dates of a column are written, told by the dates themselves.
//!
//! Only the order of day and month is ever in doubt: `01/02/2010` fits both. One part over 12 anywhere in the column
//! decides; without any, the day is taken to come first and the report says that this is a guess.

use std::fmt::Write;

use super::times::{DateFormat, parse_iso};
use super::{ColumnRequest, Detection, headers};

/// The forms met in one column.
#[derive(Debug, Default)]
pub(crate) struct Shapes {
    seen: u64,
    /// In order of first appearance.
    met: Vec<(Shape, u64)>,
    /// Formats of dates in ISO form. They are read without being stated, but not beside formats that are.
    iso: Vec<String>,
    day_first: Evidence,
    month_first: Evidence,
    /// Dates that fit both orders, and the first of them.
    either: Evidence,
}

/// Cells that speak for something, and the first of them with its row.
#[derive(Debug, Default)]
struct Evidence {
    count: u64,
    first: Option<(u64, String)>,
}

/// A strftime format with `\x01` and `\x02` in the place of day and month where their order is open.
#[derive(Debug, Clone, PartialEq)]
struct Shape {
    format: String,
}

/// Dates to see before a column with nothing in doubt counts as known.
const ENOUGH: u64 = 200;

/// More forms than this in one column are no form.
const MOST: usize = 8;

impl Shapes {
    /// So many cells with this text, the first of them in `row`.
    pub fn observe(&mut self, text: &str, row: u64, cells: u64) {
        let text = text.trim();
        self.seen += cells;
        if parse_iso(text).is_some() {
            if let Some(format) = iso(text).filter(|format| self.iso.len() < MOST && !self.iso.contains(format)) {
                self.iso.push(format);
            }
            return;
        }
        let Some((shape, parts)) = read(text) else { return };
        match self.met.iter().position(|(met, _)| *met == shape) {
            Some(known) => self.met[known].1 += cells,
            // `2010-02-30` has the shape of a date and is none.
            None if self.met.len() < MOST && shape.reads(text) => self.met.push((shape, cells)),
            None => return,
        }
        let evidence = match parts {
            None => return,
            Some((13.., _)) => &mut self.day_first,
            Some((_, 13..)) => &mut self.month_first,
            Some(_) => &mut self.either,
        };
        evidence.count += cells;
        evidence.first.get_or_insert_with(|| (row, text.to_owned()));
    }

    /// A cell that is a date by its type.
    pub fn observe_typed(&mut self) {
        self.seen += 1;
    }

    /// Whether reading on could change nothing.
    pub fn settled(&self) -> bool {
        self.seen >= ENOUGH && (self.either.count == 0 || self.day_first.count + self.month_first.count > 0)
    }

    /// The formats to read the column by, those of dates in ISO form among them, and a report if there are others.
    pub fn verdict(&self, index: usize, column: &ColumnRequest, header: &str) -> Option<(Vec<String>, Detection)> {
        if self.met.is_empty() {
            return None;
        }
        let (day, month) = (&self.day_first, &self.month_first);
        let (first, second) = if month.count > day.count { ("%m", "%d") } else { ("%d", "%m") };
        let mut met = self.met.clone();
        met.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let mut formats: Vec<String> = met.iter().map(|(shape, _)| shape.with(first, second)).collect();
        let iso = self.iso.iter().filter(|format| !formats.contains(format)).cloned().collect::<Vec<_>>();
        formats.extend(iso);
        let open = self.either.count + day.count + month.count > 0;
        let certain = !open || (day.count == 0) != (month.count == 0);
        let evidence = match (open, day.count, month.count) {
            (false, ..) => "the values have no other reading".to_owned(),
            (_, 0, 0) => format!("a guess: no part is over 12 in any of {}", self.either.shown()),
            (_, _, 0) => format!("a first part over 12 in {}, no second part", day.shown()),
            (_, 0, _) => format!("a second part over 12 in {}, no first part", month.shown()),
            _ => format!("contradicting: a first part over 12 in {}, a second part in {}", day.shown(), month.shown()),
        };
        let quoted: Vec<String> = formats.iter().map(|format| format!("\"{format}\"")).collect();
        let value = formats.join(", ");
        let pin = format!("{} dates {}", headers::line(column, header), quoted.join(", "));
        Some((formats, Detection { what: "date format", column: Some(index), value, evidence, pin, certain }))
    }
}

impl Shape {
    fn with(&self, first: &str, second: &str) -> String {
        self.format.replace('\x01', first).replace('\x02', second)
    }

    fn reads(&self, text: &str) -> bool {
        [("%d", "%m"), ("%m", "%d")].into_iter().any(|(first, second)| {
            DateFormat::new(&self.with(first, second)).is_ok_and(|format| format.parse(text).is_some())
        })
    }
}

impl Evidence {
    fn shown(&self) -> String {
        let mut text = if self.count == 1 { "1 date".to_owned() } else { format!("{} dates", self.count) };
        if let Some((row, example)) = &self.first {
            write!(text, " (first `{example}`, row {row})").expect("a string takes all text");
        }
        text
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Token<'a> {
    Number(&'a str),
    Word(&'a str),
    /// Anything between.
    Mark(&'a str),
}

/// The shape of a date, and its first two parts where either may be the day.
fn read(text: &str) -> Option<(Shape, Option<(u32, u32)>)> {
    let tokens = tokens(text)?;
    let (mut format, parts, rest) = read_day(&tokens)?;
    read_time(rest, &mut format)?;
    Some((Shape { format }, parts))
}

/// The format of a date in ISO form, with or without marks.
fn iso(text: &str) -> Option<String> {
    let (local, zone) = text.strip_suffix('Z').map_or((text, ""), |local| (local, "Z"));
    let format = match tokens(local)?.as_slice() {
        [Token::Number(day), time @ ..] if day.len() == 8 => {
            let mut format = "%Y%m%d".to_owned();
            read_time(time, &mut format)?;
            format
        }
        _ => read(local)?.0.format,
    };
    Some(format + zone)
}

type Day<'t, 'a> = (String, Option<(u32, u32)>, &'t [Token<'a>]);

fn read_day<'t, 'a>(tokens: &'t [Token<'a>]) -> Option<Day<'t, 'a>> {
    use Token::{Mark, Number, Word};
    let fits = |text: &str, most: u32| text.len() <= 2 && text.parse().is_ok_and(|n: u32| (1..=most).contains(&n));
    let year = |text: &str| match text.len() {
        4 => Some("%Y"),
        2 => Some("%y"),
        _ => None,
    };
    match tokens {
        [Number(y), Mark(a), Number(m), Mark(b), Number(d), rest @ ..]
            if y.len() == 4 && a == b && divides(a) && fits(m, 12) && fits(d, 31) =>
        {
            Some((format!("%Y{a}%m{a}%d"), None, rest))
        }
        [Number(first), Mark(a), Number(second), Mark(b), Number(y), rest @ ..]
            if a == b && divides(a) && fits(first, 31) && fits(second, 31) =>
        {
            let parts: (u32, u32) = (first.parse().ok()?, second.parse().ok()?);
            let possible = parts.0 <= 12 || parts.1 <= 12;
            possible.then_some((format!("\x01{a}\x02{a}{}", year(y)?), Some(parts), rest))
        }
        [Number(d), Mark(a), Word(m), Mark(b), Number(y), rest @ ..] if divides(a) && divides(b) && fits(d, 31) => {
            Some((format!("%d{a}{}{b}{}", month(m)?, year(y)?), None, rest))
        }
        [Number(d), Word(m), Number(y), rest @ ..] if fits(d, 31) => {
            Some((format!("%d{}{}", month(m)?, year(y)?), None, rest))
        }
        [Word(m), Mark(a), Number(d), Mark(b), Number(y), rest @ ..] if divides(a) && divides(b) && fits(d, 31) => {
            Some((format!("{}{a}%d{b}{}", month(m)?, year(y)?), None, rest))
        }
        _ => None,
    }
}

fn read_time(tokens: &[Token], format: &mut String) -> Option<()> {
    use Token::{Mark, Number, Word};
    let rest = match tokens {
        [] => return Some(()),
        [Mark(mark @ (" " | ", ")), rest @ ..] | [Word(mark @ "T"), rest @ ..] => {
            format.push_str(mark);
            rest
        }
        _ => return None,
    };
    let [Number(_), Mark(":"), Number(_), rest @ ..] = rest else { return None };
    let mut time = ":%M".to_owned();
    let rest = match rest {
        [Mark(":"), Number(_), Mark("."), Number(_), rest @ ..] => {
            time.push_str(":%S%.f");
            rest
        }
        [Mark(":"), Number(_), rest @ ..] => {
            time.push_str(":%S");
            rest
        }
        rest => rest,
    };
    let half = |word: &str| ["am", "pm"].contains(&word.to_lowercase().as_str());
    let hour = match rest {
        [] => "%H",
        [Word(word)] if half(word) => {
            time.push_str("%p");
            "%I"
        }
        [Mark(" "), Word(word)] if half(word) => {
            time.push_str(" %p");
            "%I"
        }
        _ => return None,
    };
    format.push_str(hour);
    format.push_str(&time);
    Some(())
}

fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let class = |c: char| {
        if c.is_ascii_digit() {
            0
        } else if c.is_alphabetic() {
            1
        } else {
            2
        }
    };
    let (mut tokens, mut rest) = (Vec::new(), text);
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| class(c) != class(first)).unwrap_or(rest.len());
        let (token, other) = rest.split_at(end);
        tokens.push(match class(first) {
            0 => Token::Number(token),
            1 => Token::Word(token),
            _ => Token::Mark(token),
        });
        rest = other;
        // The longest is a day, a time with a fraction, and AM or PM.
        if tokens.len() > 16 {
            return None;
        }
    }
    Some(tokens)
}

fn divides(mark: &str) -> bool {
    matches!(mark, "/" | "-" | "." | " " | ", " | ". ")
}

fn month(word: &str) -> Option<&'static str> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let word = word.to_lowercase();
    if MONTHS.contains(&word.as_str()) && word != "may" {
        Some("%B")
    } else {
        MONTHS.iter().any(|month| month[..3] == word).then_some("%b")
    }
}
