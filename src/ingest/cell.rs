//! Cells and rows as their source holds them, the same for text files, workbooks and databases. No types of the spec here.

use std::collections::VecDeque;
use std::fmt::Write;
use std::ops::ControlFlow;

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
    /// A number that the workbook shows with so many digits, by leading zeros.
    Code(f64, u8),
    /// A number in digits with a point, of which a double would lose some.
    Exact(&'a str),
    /// A number that the workbook shows as a date: days in its date system.
    Date(f64),
    /// Microseconds since 1970-01-01T00:00:00, of any year.
    Time(i64),
    Bool(bool),
    /// `#N/A` and its kin.
    Error(&'static str),
    /// A formula whose value the workbook does not hold.
    Uncomputed,
    /// Bytes that are no text.
    Bytes,
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
}

/// A cell of a streamed sheet, light to copy and to drop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value<'a> {
    Empty,
    Shared(&'a str),
    /// A range of bytes in the row's own text.
    Inline(u32, u32),
    Number(f64),
    Code(f64, u8),
    /// As [`Value::Inline`], for [`Cell::Exact`].
    Exact(u32, u32),
    Date(f64),
    Time(i64),
    Bool(bool),
    Error(&'static str),
    Uncomputed,
    Bytes,
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
    /// How messages call it: the file, and the sheet where several are read.
    fn name(&self) -> &str;
    /// Trimmed, one per column; empty where there is no header row.
    fn headers(&self) -> &[String];
    fn has_header(&self) -> bool;
    /// What was detected up to now, as far as it matters for the columns that are `used`.
    fn detected(&self, used: &[usize]) -> Vec<Detection>;
    /// How much a full visit will report as progress, if known.
    fn total(&self) -> Option<u64>;
    /// The chosen sheet and all sheets, for a workbook.
    fn sheets(&self) -> Option<(&str, &[String])> {
        None
    }
    /// Whether every row is a row of data: tables of databases have no totals below them and no header between.
    fn is_database(&self) -> bool {
        false
    }
    /// What a column has in its rows, where that is no single value. Its cells are empty then.
    fn other_than_values(&self, _column: usize) -> Option<&str> {
        None
    }
    /// Says, before rows are visited, which columns are looked at; the others may be left out.
    fn choose(&mut self, _columns: &[usize]) {}
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
                Some(Value::Code(number, digits)) => Cell::Code(number, digits),
                Some(Value::Exact(start, end)) => Cell::Exact(&inline[start as usize..end as usize]),
                Some(Value::Date(days)) => Cell::Date(days),
                Some(Value::Time(micros)) => Cell::Time(micros),
                Some(Value::Bool(yes)) => Cell::Bool(yes),
                Some(Value::Error(name)) => Cell::Error(name),
                Some(Value::Uncomputed) => Cell::Uncomputed,
                Some(Value::Bytes) => Cell::Bytes,
            },
        }
    }
}

impl Row<'_> {
    /// A number for the whole row: equal for rows whose cells look the same, and for no others. Empty cells at the end
    /// count for nothing, as a sheet does not keep them. `order` says where the columns lie that are to be seen, where
    /// that is not the order of the source.
    pub fn fingerprint(&self, order: Option<&[Option<usize>]>, scratch: &mut String) -> u128 {
        let mut fingerprint = Fingerprint::new();
        match order {
            None => (0..self.cells.width())
                .for_each(|column| fingerprint.cell(self.cell(column).shown(self.epoch, scratch))),
            Some(order) => {
                let cell = |column: &Option<usize>| column.map_or(Cell::Empty, |column| self.cell(column));
                let width = order.iter().rposition(|column| cell(column) != Cell::Empty).map_or(0, |last| last + 1);
                order[..width].iter().for_each(|column| fingerprint.cell(cell(column).shown(self.epoch, scratch)));
            }
        }
        fingerprint.finish()
    }

    /// Whether the row is the header once more. In a table of one column, a word may well be that of the header.
    pub fn repeats(&self, headers: &[String]) -> bool {
        headers.len() > 1 && (0..headers.len()).all(|column| self.has(column, headers))
    }

    /// Whether a cell is its header.
    pub fn has(&self, column: usize, headers: &[String]) -> bool {
        match self.cell(column) {
            Cell::Text(text) => text.trim() == headers[column],
            Cell::Empty => headers[column].is_empty(),
            _ => false,
        }
    }

    /// The first cell that is not empty.
    pub fn first_cell(&self) -> Cell<'_> {
        (0..self.cells.width()).map(|column| self.cell(column)).find(|cell| *cell != Cell::Empty).unwrap_or(Cell::Empty)
    }
}

/// Visits all rows of a source but the last `footer` ones.
pub(super) fn visit_above(
    source: &mut dyn Source,
    footer: u32,
    progress: &dyn Progress,
    visitor: &mut Visitor,
) -> Result<()> {
    if footer == 0 {
        return source.visit(progress, visitor);
    }
    let mut waiting: VecDeque<std::result::Result<Kept, Fault>> = VecDeque::new();
    source.visit(progress, &mut |row| {
        let (mut room, mut flow) = (Kept::default(), ControlFlow::Continue(()));
        if waiting.len() == footer as usize {
            match waiting.pop_front() {
                Some(Ok(oldest)) => {
                    flow = visitor(Ok(oldest.row()))?;
                    room = oldest;
                }
                Some(Err(fault)) => flow = visitor(Err(fault))?,
                None => {}
            }
        }
        waiting.push_back(row.map(|row| {
            room.keep(&row);
            room
        }));
        Ok(flow)
    })
}

/// A row of its own, which outlives what it was read from.
#[derive(Default)]
pub(super) struct Kept {
    number: u64,
    epoch: Epoch,
    values: Vec<Value<'static>>,
    inline: String,
}

impl Kept {
    pub fn keep(&mut self, row: &Row) {
        self.values.clear();
        self.inline.clear();
        (self.number, self.epoch) = (row.number, row.epoch);
        (0..row.cells.width()).for_each(|column| self.put(column, row.cell(column)));
    }

    pub fn put(&mut self, column: usize, cell: Cell) {
        let value = match cell {
            Cell::Empty => Value::Empty,
            Cell::Text(text) => {
                let (start, end) = self.keep_text(text);
                Value::Inline(start, end)
            }
            Cell::Exact(digits) => {
                let (start, end) = self.keep_text(digits);
                Value::Exact(start, end)
            }
            Cell::Number(number) => Value::Number(number),
            Cell::Code(number, digits) => Value::Code(number, digits),
            Cell::Date(days) => Value::Date(days),
            Cell::Time(micros) => Value::Time(micros),
            Cell::Bool(yes) => Value::Bool(yes),
            Cell::Error(name) => Value::Error(name),
            Cell::Uncomputed => Value::Uncomputed,
            Cell::Bytes => Value::Bytes,
        };
        if column >= self.values.len() {
            self.values.resize(column + 1, Value::Empty);
        }
        self.values[column] = value;
    }

    fn keep_text(&mut self, text: &str) -> (u32, u32) {
        let start = self.inline.len() as u32;
        self.inline.push_str(text);
        (start, self.inline.len() as u32)
    }

    pub fn row(&self) -> Row<'_> {
        let cells = Cells::Streamed { values: &self.values, inline: &self.inline };
        Row { number: self.number, epoch: self.epoch, cells }
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
        }
    }
}

impl Cell<'_> {
    /// The cell as text: what a CSV export of it would hold. Whole numbers have no point and codes their leading zeros,
    /// other numbers have their shortest form, dates the ISO form with the time only where there is one.
    pub fn shown<'b>(&'b self, epoch: Epoch, scratch: &'b mut String) -> &'b str {
        scratch.clear();
        match *self {
            Cell::Empty | Cell::Uncomputed => "",
            Cell::Text(text) | Cell::Exact(text) => text,
            Cell::Error(name) => name,
            Cell::Bytes => "(bytes)",
            Cell::Bool(true) => "TRUE",
            Cell::Bool(false) => "FALSE",
            Cell::Number(number) => {
                decimal::show(number, scratch);
                scratch
            }
            Cell::Code(number, digits) => {
                decimal::show(number, scratch);
                if scratch.bytes().all(|byte| byte.is_ascii_digit()) {
                    let zeros = usize::from(digits).saturating_sub(scratch.len());
                    scratch.insert_str(0, &"0".repeat(zeros));
                }
                scratch
            }
            Cell::Time(micros) => {
                times::show(micros, scratch);
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

/// The name of an error in a cell, of those that spreadsheets have.
pub(super) fn error_named(name: &str) -> &'static str {
    const NAMES: [&str; 14] = [
        "#DIV/0!",
        "#N/A",
        "#NAME?",
        "#NULL!",
        "#NUM!",
        "#REF!",
        "#VALUE!",
        "#GETTING_DATA",
        "#SPILL!",
        "#CALC!",
        "#FIELD!",
        "#BLOCKED!",
        "#CONNECT!",
        "#BUSY!",
    ];
    NAMES.into_iter().find(|known| *known == name).unwrap_or("#ERROR!")
}

/// The same by its number in binary workbooks [MS-XLSB, 2.5.97.2].
pub(super) fn error_coded(code: u8) -> &'static str {
    match code {
        0x00 => "#NULL!",
        0x07 => "#DIV/0!",
        0x0F => "#VALUE!",
        0x17 => "#REF!",
        0x1D => "#NAME?",
        0x24 => "#NUM!",
        0x2A => "#N/A",
        0x2B => "#GETTING_DATA",
        _ => "#ERROR!",
    }
}
