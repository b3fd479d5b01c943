//! Cells and rows as their source holds them, the same for text files and workbooks. No types of the spec here.

use std::fmt::Write;
use std::ops::ControlFlow;

use calamine::{CellErrorType, Data, DataRef};

use super::error::Result;
use super::identity::Fingerprint;
use super::records::Field;
use super::times::{self, Epoch};
use super::{Detection, decimal};
use crate::progress::Progress;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell<'a> {
    Empty,
    Text(&'a str),
    Number(f64),
    /// A number that the workbook shows as a date: days in its date system.
    Date(f64),
    Bool(bool),
    /// `#N/A` and its kin.
    Error(&'static str),
}

/// A row of the source between its header and its end.
pub(super) struct Row<'a> {
    /// From 1: the line where a record starts, or the row of a sheet.
    pub number: u64,
    pub epoch: Epoch,
    pub cells: Cells<'a>,
}

pub(super) enum Cells<'a> {
    Record {
        text: &'a str,
        fields: &'a [Field],
    },
    /// Texts that the sheet does not share lie in `inline`.
    Streamed {
        values: &'a [Value<'a>],
        inline: &'a str,
    },
    /// Cells from column `first` on.
    Held {
        first: usize,
        cells: &'a [Data],
    },
}

/// A cell of a streamed sheet, light to copy and to drop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value<'a> {
    Empty,
    Shared(&'a str),
    /// A range of bytes in the row's own text.
    Inline(u32, u32),
    Number(f64),
    Date(f64),
    Bool(bool),
    Error(&'static str),
}

/// A row that can't be taken apart into cells.
pub(super) struct Fault {
    pub number: u64,
    pub value: String,
    pub reason: String,
}

/// Sees row after row; breaking off is no error.
pub(super) type Visitor<'v> = dyn FnMut(std::result::Result<Row<'_>, Fault>) -> Result<ControlFlow<()>> + 'v;

/// An opened file whose rows can be visited more than once.
pub(super) trait Source {
    /// Trimmed, one per column; empty where there is no header row.
    fn headers(&self) -> &[String];
    fn has_header(&self) -> bool;
    /// What was detected up to now.
    fn detected(&self) -> Vec<Detection>;
    /// How much a full visit will report as progress, if known.
    fn total(&self) -> Option<u64>;
    /// The chosen sheet and all sheets, for a workbook.
    fn sheets(&self) -> Option<(&str, &[String])> {
        None
    }
    /// Whether the file comes from where the comma is the decimal mark, as far as its own syntax tells.
    fn hints_at_decimal_comma(&self) -> bool {
        false
    }
    /// Visits all rows below the header.
    fn visit(&mut self, progress: &dyn Progress, visitor: &mut Visitor) -> Result<()>;
}

impl Row<'_> {
    pub fn cell(&self, column: usize) -> Cell<'_> {
        match self.cells {
            Cells::Record { text, fields } => match fields.get(column) {
                Some(field) if field.start < field.end => Cell::Text(&text[field.start as usize..field.end as usize]),
                _ => Cell::Empty,
            },
            Cells::Streamed { values, inline } => match values.get(column).copied() {
                None | Some(Value::Empty) => Cell::Empty,
                Some(Value::Shared(text)) => Cell::Text(text),
                Some(Value::Inline(start, end)) => Cell::Text(&inline[start as usize..end as usize]),
                Some(Value::Number(number)) => Cell::Number(number),
                Some(Value::Date(days)) => Cell::Date(days),
                Some(Value::Bool(yes)) => Cell::Bool(yes),
                Some(Value::Error(name)) => Cell::Error(name),
            },
            Cells::Held { first, cells } => {
                column.checked_sub(first).and_then(|column| cells.get(column)).map_or(Cell::Empty, of_held)
            }
        }
    }
}

impl Row<'_> {
    /// A number for the whole row: equal for rows whose cells look the same, and for no others. Empty cells at the end
    /// count for nothing, as a sheet does not keep them.
    pub fn fingerprint(&self, scratch: &mut String) -> u128 {
        let mut fingerprint = Fingerprint::new();
        (0..self.cells.width()).for_each(|column| fingerprint.cell(self.cell(column).shown(self.epoch, scratch)));
        fingerprint.finish()
    }
}

impl Cells<'_> {
    /// Up to the last cell that is there.
    pub fn width(&self) -> usize {
        match self {
            Cells::Record { fields, .. } => {
                fields.iter().rposition(|field| field.start < field.end).map_or(0, |last| last + 1)
            }
            Cells::Streamed { values, .. } => {
                values.iter().rposition(|value| *value != Value::Empty).map_or(0, |last| last + 1)
            }
            Cells::Held { first, cells } => first + cells.len(),
        }
    }
}

impl Cell<'_> {
    /// The cell as text: what a CSV export of it would hold. Whole numbers have no point, other numbers their shortest
    /// form, dates the ISO form with the time only where there is one.
    pub fn shown<'b>(&'b self, epoch: Epoch, scratch: &'b mut String) -> &'b str {
        scratch.clear();
        match *self {
            Cell::Empty => "",
            Cell::Text(text) => text,
            Cell::Error(name) => name,
            Cell::Bool(true) => "TRUE",
            Cell::Bool(false) => "FALSE",
            Cell::Number(number) => {
                decimal::show(number, scratch);
                scratch
            }
            Cell::Date(days) => {
                match times::from_serial(days, epoch) {
                    Some(time) => times::show(time, scratch),
                    None => decimal::show(days, scratch),
                }
                scratch
            }
        }
    }
}

/// The first 200 characters, without what would disturb a line of text.
pub(super) fn excerpt(text: &str) -> String {
    let mut short = String::new();
    for c in text.chars().take(200) {
        match c {
            '\n' => short.push_str("\\n"),
            '\r' => short.push_str("\\r"),
            '\t' => short.push_str("\\t"),
            c if c.is_control() => write!(short, "\\x{:02x}", u32::from(c)).expect("a string takes all text"),
            c => short.push(c),
        }
    }
    if text.chars().nth(200).is_some() {
        short.push('…');
    }
    short
}

// Spans of time count in days, as Excel counts them; ISO texts are left to the parser of dates.
impl<'a> Value<'a> {
    pub fn of(cell: &DataRef<'a>, inline: &mut String) -> Value<'a> {
        match cell {
            DataRef::SharedString("") | DataRef::Empty => Value::Empty,
            DataRef::SharedString(text) => Value::Shared(text),
            DataRef::Float(number) => Value::Number(*number),
            DataRef::Int(number) => Value::Number(*number as f64),
            DataRef::DateTime(time) if time.is_datetime() => Value::Date(time.as_f64()),
            DataRef::DateTime(span) => Value::Number(span.as_f64()),
            DataRef::Bool(yes) => Value::Bool(*yes),
            DataRef::Error(error) => Value::Error(error_name(error)),
            DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
                let start = inline.len();
                inline.push_str(text);
                if text.is_empty() { Value::Empty } else { Value::Inline(start as u32, inline.len() as u32) }
            }
        }
    }
}

fn of_held(cell: &Data) -> Cell<'_> {
    match cell {
        Data::Empty => Cell::Empty,
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => of_text(text),
        Data::Float(number) => Cell::Number(*number),
        Data::Int(number) => Cell::Number(*number as f64),
        Data::DateTime(time) if time.is_datetime() => Cell::Date(time.as_f64()),
        Data::DateTime(span) => Cell::Number(span.as_f64()),
        Data::Bool(yes) => Cell::Bool(*yes),
        Data::Error(error) => Cell::Error(error_name(error)),
    }
}

fn of_text(text: &str) -> Cell<'_> {
    if text.is_empty() { Cell::Empty } else { Cell::Text(text) }
}

fn error_name(error: &CellErrorType) -> &'static str {
    match error {
        CellErrorType::Div0 => "#DIV/0!",
        CellErrorType::NA => "#N/A",
        CellErrorType::Name => "#NAME?",
        CellErrorType::Null => "#NULL!",
        CellErrorType::Num => "#NUM!",
        CellErrorType::Ref => "#REF!",
        CellErrorType::Value => "#VALUE!",
        CellErrorType::GettingData => "#GETTING_DATA",
    }
}
