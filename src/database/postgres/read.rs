//! Rows by COPY, as they come: a line at a time, never the whole result.

use std::io::BufRead;

use super::digest::RowsDigest;
use super::error::Failure;
use super::session::Session;
use super::statement::{Pushed, Statement};
use crate::ingest::{Budget, Feed, IngestError, Left, Loaded};
use crate::plan::sql::{self, MOST_DECIMALS};
use crate::progress::Progress;

/// Rows between two reports of progress.
const STRIDE: u64 = 4096;

/// Runs the statement. Every row of the source is in what is loaded, refused, or counted with the rule it left by.
pub fn read(session: &mut Session, statement: &Statement, progress: &dyn Progress) -> Result<Loaded, Failure> {
    progress.start(&format!("reading {}", statement.name), None);
    let loaded = match attempt(session, statement, progress)? {
        Some(loaded) => loaded,
        // Seldom enough: nothing is gained then by rules in the database.
        None => {
            let plain = Statement {
                sql: statement.plain.clone(),
                pushed: Err("an amount is too large for nine decimals".to_owned()),
                ..statement.clone()
            };
            attempt(session, &plain, progress)?.expect("it stops for rules in the database alone")
        }
    };
    progress.finish(&format!("{} rows", loaded.read));
    Ok(loaded)
}

/// Stops with nothing where rules in the database could change what is refused here: the decimals of a column of money
/// grow with its cells, and an amount that has no room for nine of them is read or refused by which cells come first.
fn attempt(session: &mut Session, statement: &Statement, progress: &dyn Progress) -> Result<Option<Loaded>, Failure> {
    let (secrets, limit) = (session.secrets.clone(), session.limit);
    let failed = |error: &::postgres::Error| Failure::asking(error, &secrets, None, limit);
    let copy = format!("COPY ({}\n) TO STDOUT", statement.sql);
    let mut source = session.client.copy_out(copy.as_str()).map_err(|error| failed(&error))?;
    let request = &statement.request;
    let mut feed = Feed::new(request, &statement.name, statement.positions.clone(), &statement.numbers)?;
    let mut lines = Lines::default();
    let mut digest = RowsDigest::default();
    let (mut bytes, mut rows) = (0, 0);
    loop {
        lines.line.clear();
        let n = source.read_until(b'\n', &mut lines.line).map_err(|error| {
            match error.get_ref().and_then(|inner| inner.downcast_ref::<::postgres::Error>()) {
                Some(error) => failed(error),
                None => Failure::Broken(secrets.hide(&error.to_string())),
            }
        })?;
        if n == 0 {
            break;
        }
        if n > request.limits.record {
            let (file, limit) = (statement.name.clone(), request.limits.record as u64);
            return Err(IngestError::TooLarge { file, budget: Budget::Record, limit, at: Some(rows + 1) }.into());
        }
        bytes += n as u64;
        rows += 1;
        if rows.is_multiple_of(STRIDE) {
            progress.at(rows);
        }
        lines.split();
        match &statement.pushed {
            Err(_) => {
                digest.add(&lines.line);
                take(&mut feed, &lines, None, 0..statement.cells)?;
            }
            Ok(pushed) => match lines.text(0) {
                // The number of a row is where it comes in the table, which is no part of what it says.
                Some(number) => {
                    if pushed.money.iter().any(|(_, at)| lines.text(at + 1).is_some_and(is_huge)) {
                        return Ok(None);
                    }
                    digest.add(lines.raw(1..statement.cells + 1));
                    take(&mut feed, &lines, number.parse().ok(), 1..statement.cells + 1)?;
                }
                None => {
                    digest.add(&lines.line);
                    leave(&mut feed, &lines, pushed, statement.cells + 1)?;
                }
            },
        }
    }
    let headers: Vec<&str> = statement.headers.iter().map(String::as_str).collect();
    let loaded = feed.finish(&headers, statement.detected.clone(), bytes, digest.finish());
    Ok(Some(loaded))
}

/// Whether an amount has no room for nine decimals in 64 bits.
fn is_huge(digits: &str) -> bool {
    let whole = digits.trim_start_matches('-').split(['.', 'e']).next().unwrap_or_default();
    let bound = sql::bound(MOST_DECIMALS).expect("64 bits have room for nine decimals");
    // Doubles have an exponent from 1e15 up; NaN and infinity are refused whatever comes before them.
    digits.contains("e+") || (whole.len() > 9 && whole.parse::<i64>().map_or(true, |whole| whole >= bound))
}

fn take(feed: &mut Feed, lines: &Lines, number: Option<u64>, cells: std::ops::Range<usize>) -> Result<(), Failure> {
    match std::str::from_utf8(&lines.cells) {
        Ok(text) => feed.row(number, text, &lines.ranges[cells])?,
        // A database without an encoding holds any bytes.
        Err(_) => feed.fault(number, lines.raw(cells), "not UTF-8 text")?,
    }
    Ok(())
}

/// A row that says what left by a rule: its number, rows, their amount, then scale and largest amount of every column
/// of money. `at` is where it begins.
fn leave(feed: &mut Feed, lines: &Lines, pushed: &Pushed, at: usize) -> Result<(), Failure> {
    let odd = || Failure::Broken("the server sent a row that was not asked for".to_owned());
    let number = |at: usize| lines.text(at).and_then(|text| text.parse::<u64>().ok());
    let rule = number(at).filter(|rule| (1..=pushed.rules as u64).contains(rule)).ok_or_else(odd)?;
    let rows = number(at + 1).ok_or_else(odd)?;
    // Nothing where every amount was missing.
    let amount = match lines.text(at + 2) {
        Some(digits) => Some(exact(digits).ok_or_else(odd)?),
        None => None,
    };
    feed.left(Left { rule: rule as usize - 1, rows, amount })?;
    for (nth, (column, _)) in pushed.money.iter().enumerate() {
        if let (Some(scale), Some(largest)) = (number(at + 3 + 2 * nth), lines.text(at + 4 + 2 * nth)) {
            feed.reserve(*column, u8::try_from(scale).map_err(|_| odd())?, largest);
        }
    }
    Ok(())
}

/// Digits as units of 10^-scale, and the scale.
fn exact(digits: &str) -> Option<(i128, u8)> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    let units = format!("{whole}{fraction}").parse().ok()?;
    Some((units, u8::try_from(fraction.len()).ok()?))
}

/// One line of the text format of COPY: cells between tabs, `\N` for null, and a backslash before what would be taken
/// for a mark.
#[derive(Default)]
struct Lines {
    line: Vec<u8>,
    /// The bytes of all cells, without escapes.
    cells: Vec<u8>,
    /// Of each cell in `cells`; empty for null.
    ranges: Vec<(usize, usize)>,
    /// Of each cell in `line`.
    written: Vec<(usize, usize)>,
}

impl Lines {
    fn split(&mut self) {
        let Lines { line, cells, ranges, written } = self;
        cells.clear();
        ranges.clear();
        written.clear();
        let end = line.len() - usize::from(line.ends_with(b"\n"));
        let mut start = 0;
        for cell in line[..end].split(|byte| *byte == b'\t') {
            written.push((start, start + cell.len()));
            start += cell.len() + 1;
            let from = cells.len();
            if cell != b"\\N" {
                unescape(cell, cells);
            }
            ranges.push((from, cells.len()));
        }
    }

    /// A cell that is not null.
    fn text(&self, at: usize) -> Option<&str> {
        let (start, end) = *self.written.get(at)?;
        let cell = &self.line[start..end];
        if cell == b"\\N" { None } else { std::str::from_utf8(cell).ok() }
    }

    /// Cells as they were written.
    fn raw(&self, cells: std::ops::Range<usize>) -> &[u8] {
        match self.written.get(cells) {
            Some([(start, _), .., (_, end)] | [(start, end)]) => &self.line[*start..*end],
            _ => &[],
        }
    }
}

fn unescape(cell: &[u8], out: &mut Vec<u8>) {
    if !cell.contains(&b'\\') {
        return out.extend_from_slice(cell);
    }
    let mut bytes = cell.iter();
    while let Some(byte) = bytes.next() {
        out.push(match (byte, if *byte == b'\\' { bytes.next() } else { None }) {
            (b'\\', Some(b'b')) => 0x08,
            (b'\\', Some(b'f')) => 0x0c,
            (b'\\', Some(b'n')) => b'\n',
            (b'\\', Some(b'r')) => b'\r',
            (b'\\', Some(b't')) => b'\t',
            (b'\\', Some(b'v')) => 0x0b,
            (b'\\', Some(other)) => *other,
            _ => *byte,
        });
    }
}
