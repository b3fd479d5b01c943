//! Rows as they stand, for whoever looks at a file before anybody has said what its columns mean.
//!
//! What a text would be as a cell of a declared column, [`Reader`] tells by the same functions that read the rows of a
//! build. Nothing is refused here: what can't be taken apart is handed on as [`Seen::Unreadable`].

use std::fs::Metadata;
use std::ops::ControlFlow;

use super::cell::{Cell, Fault, Row, Source};
use super::columns::{self, Rules};
use super::container::{self, Container};
use super::decimal::{self, Decimal, Marks, Noted};
use super::error::{IngestError, Result};
use super::times::{self, DateFormat};
use super::totals::{self, Sign};
use super::{Detection, Format, InputFile, Limits, headers, identity, load, suspects};
use crate::progress::Progress;

/// The table of a file: of a workbook that of one sheet, or of several that have the same columns.
pub(crate) struct Raw {
    container: Container,
    pub bytes: u64,
    /// Trimmed; `column 1` and so on where the first row is not a header.
    pub headers: Vec<String>,
    pub header: bool,
    /// The sheets that are read, and all there are.
    pub sheets_read: Vec<String>,
    pub sheets: Vec<String>,
    file: InputFile,
    metadata: Metadata,
    sources: Vec<Box<dyn Source>>,
    /// Where each source has the columns of the first one.
    positions: Vec<Vec<usize>>,
}

/// What stands between the header of a table and its end.
pub(crate) enum Seen<'a> {
    Row(RawRow<'a>),
    /// Can't be taken apart into cells; from 1, as rows are numbered in messages.
    Unreadable {
        row: u64,
        reason: String,
    },
    /// Sums up other rows.
    Total {
        row: u64,
    },
    /// The header once more.
    Header {
        row: u64,
    },
}

pub(crate) struct RawRow<'a> {
    row: &'a Row<'a>,
    positions: &'a [usize],
}

/// What a cell is by itself, before any type is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Empty,
    Text,
    /// A number, a date or a truth value by its type in a workbook or a database.
    Typed,
    /// `#N/A`, a formula whose value the workbook does not hold, or bytes of a database that are no text.
    Broken,
}

impl Raw {
    pub fn open(file: &InputFile, format: &Format) -> Result<Raw> {
        let (container, _) = container::identify(file, &Limits::default())?;
        let (sources, metadata) = load::open(file, format, &Limits::default(), &[])?;
        let first = sources.first().ok_or_else(|| IngestError::Empty { file: file.name.clone() })?;
        let header = first.has_header();
        let headers = match header {
            true => first.headers().to_vec(),
            false => headers::numbered(first.headers().len()),
        };
        let sheets = first.sheets().map_or(Vec::new(), |(_, all)| all.to_vec());
        let sheets_read =
            sources.iter().filter_map(|source| source.sheets()).map(|(name, _)| name.to_owned()).collect();
        let positions =
            sources.iter().map(|source| positions(file, &headers, source.as_ref())).collect::<Result<_>>()?;
        let (file, bytes) = (file.clone(), metadata.len());
        Ok(Raw { container, bytes, headers, header, sheets_read, sheets, file, metadata, sources, positions })
    }

    /// Shows all rows, in order. Fails where the file can't be read on, or has changed meanwhile.
    pub fn visit(&mut self, progress: &dyn Progress, see: &mut dyn FnMut(Seen)) -> Result<()> {
        for (source, positions) in self.sources.iter_mut().zip(&self.positions) {
            let all: Vec<usize> = (0..source.headers().len()).collect();
            source.choose(&all);
            let database = source.is_database();
            let header = (source.has_header() && !database).then(|| source.headers().to_vec());
            progress.start(&format!("looking at {}", source.name()), source.total());
            source.visit(progress, &mut |row| {
                see(match &row {
                    Err(Fault { number, reason, .. }) => Seen::Unreadable { row: *number, reason: reason.clone() },
                    Ok(row) if !database && is_total(row, positions) => Seen::Total { row: row.number },
                    Ok(row) if header.as_ref().is_some_and(|header| row.repeats(header)) => {
                        Seen::Header { row: row.number }
                    }
                    Ok(row) => Seen::Row(RawRow { row, positions }),
                });
                Ok(ControlFlow::Continue(()))
            })?;
            progress.finish("");
        }
        load::unchanged(&self.file, &self.metadata)
    }

    /// What the file is, with its article.
    pub fn kind(&self) -> String {
        match self.container {
            Container::Text => self.container.to_string(),
            packed @ (Container::Gzip | Container::Zstd) => format!("a text file in {packed}"),
            other => other.to_string(),
        }
    }

    /// What had to be found out to take the file apart: delimiter, encoding, header, sheet.
    pub fn detected(&self) -> Vec<Detection> {
        let all: Vec<usize> = (0..self.headers.len()).collect();
        let found = self.sources.iter().map(|source| (source.name(), source.detected(&all))).collect();
        load::merge(found)
    }

    /// Whether the file comes from where the comma is the decimal mark, as far as its own syntax tells.
    pub fn hints_at_decimal_comma(&self) -> bool {
        self.sources.iter().any(|source| source.hints_at_decimal_comma())
    }
}

impl RawRow<'_> {
    /// From 1: the line where a record starts, or the row of a sheet.
    pub fn number(&self) -> u64 {
        self.row.number
    }

    /// Each cell as the text that a CSV export would have.
    pub fn each(&self, scratch: &mut String, see: &mut dyn FnMut(usize, Class, &str)) {
        for (column, position) in self.positions.iter().enumerate() {
            let cell = self.row.cell(*position);
            let class = match cell {
                Cell::Empty => Class::Empty,
                Cell::Text(_) | Cell::Code(..) => Class::Text,
                Cell::Number(_) | Cell::Exact(_) | Cell::Date(_) | Cell::Time(_) | Cell::Bool(_) => Class::Typed,
                Cell::Error(_) | Cell::Uncomputed | Cell::Bytes => Class::Broken,
            };
            see(column, class, cell.shown(self.row.epoch, scratch));
        }
    }

    /// Equal for rows whose cells all look the same.
    pub fn fingerprint(&self, scratch: &mut String) -> u128 {
        let order: Vec<Option<usize>>;
        let in_order = self.positions.iter().enumerate().all(|(at, position)| at == *position);
        let order = match in_order {
            true => None,
            false => {
                order = self.positions.iter().copied().map(Some).collect();
                Some(order.as_slice())
            }
        };
        self.row.fingerprint(order, scratch)
    }
}

/// Reads texts as the cells of declared columns are read.
pub(crate) struct Reader {
    rules: Rules,
    formats: Vec<DateFormat>,
    noted: Noted,
    scratch: String,
}

impl Reader {
    pub fn new(decimal: char, dates: &[String]) -> Reader {
        Reader {
            rules: Rules { marks: Marks { decimal, thousands: None }, mark_settled: true, missing: Vec::new() },
            formats: dates.iter().filter_map(|format| DateFormat::new(format).ok()).collect(),
            noted: Noted::default(),
            scratch: String::new(),
        }
    }

    pub fn int(&mut self, text: &str) -> Option<i64> {
        columns::whole(Cell::Text(text), &self.rules, &mut self.noted, &mut self.scratch).ok()
    }

    pub fn number(&mut self, text: &str) -> Option<f64> {
        columns::number(Cell::Text(text), false, &self.rules, &mut self.noted, &mut self.scratch).ok()
    }

    /// A share of one, from a number or a percentage.
    pub fn share(&mut self, text: &str) -> Option<f64> {
        columns::number(Cell::Text(text), true, &self.rules, &mut self.noted, &mut self.scratch).ok()
    }

    /// An exact amount: `mantissa / 10^scale`.
    pub fn money(&mut self, text: &str) -> Option<(i64, u8)> {
        let read = columns::decimal(Cell::Text(text), &self.rules, &mut self.noted, &mut self.scratch);
        read.ok().map(|Decimal { mantissa, scale }| (mantissa, scale))
    }

    pub fn truth(&self, text: &str) -> Option<bool> {
        columns::truth(Cell::Text(text)).ok()
    }

    /// Microseconds since 1970-01-01T00:00:00, in the ISO forms or one of the formats.
    pub fn time(&self, text: &str) -> Option<i64> {
        let text = text.trim();
        times::parse_iso(text).or_else(|| self.formats.iter().find_map(|format| format.parse(text)))
    }

    /// The sign that stands beside the amounts that were read.
    pub fn currency(&self) -> Option<&str> {
        self.noted.currency.as_deref()
    }

    /// The mark between groups of digits that was met, and whether it can't be a decimal mark.
    pub fn thousands(&self) -> Option<(char, bool)> {
        self.noted.thousands.as_ref().map(|found| (found.mark, found.certain))
    }
}

/// Whether systems write this word where there is no value.
pub(crate) fn stands_for_nothing(text: &str) -> bool {
    suspects::word_for_nothing(text).is_some()
}

/// A time as ISO text.
pub(crate) fn show_time(micros: i64) -> String {
    let mut text = String::new();
    times::show(micros, &mut text);
    text
}

/// A number in its shortest form, never with an exponent.
pub(crate) fn show_number(value: f64) -> String {
    let mut text = String::new();
    decimal::show(value, &mut text);
    text
}

pub(crate) fn hash(text: &[u8]) -> u64 {
    identity::hash(text)
}

/// Where a source has the columns that the first one of its file has.
fn positions(file: &InputFile, headers: &[String], source: &dyn Source) -> Result<Vec<usize>> {
    let own = source.headers();
    if !source.has_header() || own == headers {
        return Ok((0..headers.len()).collect());
    }
    let nth = |all: &[String], at: usize| all[..at].iter().filter(|other| **other == all[at]).count();
    let mut positions = Vec::new();
    for (at, header) in headers.iter().enumerate() {
        let alike = |other: &usize| own[*other].to_lowercase() == header.to_lowercase();
        let Some(position) = (0..own.len()).filter(alike).nth(nth(headers, at)) else {
            let reason = format!("`{}` has no column `{header}`", source.name());
            return Err(IngestError::Damaged { file: file.name.clone(), reason, at: None });
        };
        positions.push(position);
    }
    Ok(positions)
}

/// Whether the first cell is a word for a total and others are empty.
fn is_total(row: &Row, positions: &[usize]) -> bool {
    let first = match row.first_cell() {
        Cell::Text(text) if !text.as_bytes()[0].is_ascii_digit() => text,
        _ => return false,
    };
    totals::sign(first) == Some(Sign::Whole) && positions.iter().any(|position| row.cell(*position) == Cell::Empty)
}
