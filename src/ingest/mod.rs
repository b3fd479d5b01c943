//! Reads CSV files, workbooks, Parquet files and SQLite databases into a [`Table`], each column by the type the spec declares for it.
//!
//! Nothing is lost in silence: a row that can't be read as declared becomes a [`Refusal`], so rows read = rows in the
//! table + rows refused; whatever had to be guessed (delimiter, encoding, order of day and month) becomes a
//! [`Detection`] that says on what evidence, and what to write into the spec to settle it. What can't be read at all
//! is an [`IngestError`]. Diagnostics are worded elsewhere, and what comes from a server is handed in by a [`Feed`].

use std::path::PathBuf;
use std::time::Duration;

use crate::progress::Progress;
use crate::table::Table;
use crate::time::Unit;

mod cell;
mod columns;
mod container;
mod decimal;
mod delimited;
mod dialect;
mod encoding;
mod error;
mod feed;
mod guard;
mod headers;
mod identity;
mod load;
mod marks;
mod options;
mod parquet;
pub(crate) mod raw;
mod records;
mod sample;
mod shapes;
mod sqlite;
mod suspects;
mod times;
mod totals;
mod words;
mod workbook;

pub use container::{Container, digest};
pub use dialect::Delimiter;
pub use error::{Budget, IngestError, MissingColumn};
pub(crate) use feed::{Feed, Numbers, locate};
pub use guard::is_guarded;
pub(crate) use marks::MarkEvidence;
pub(crate) use shapes::Shapes;
pub(crate) use suspects::{NO_ID, NOTHING};
pub use times::check_format as check_date_format;
pub use workbook::Range;

/// What to read, and as what.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Appended in this order; each must have the requested columns, in any order.
    pub files: Vec<InputFile>,
    pub format: Format,
    pub columns: Vec<ColumnRequest>,
    /// Whether to fingerprint every row over all columns of the source, mapped or not.
    pub identity: bool,
    /// Whether to remember where each row stands, so that a mistake which only the whole table shows can be placed.
    pub places: bool,
    pub limits: Limits,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFile {
    /// How messages and manifests call the file.
    pub name: String,
    pub path: PathBuf,
}

/// What the spec states about a source; `None` is detected and reported.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Format {
    pub delimiter: Option<Delimiter>,
    /// A label of the WHATWG encoding standard, e.g. `windows-1252`, `utf-16le`, `shift_jis`.
    pub encoding: Option<String>,
    /// `.` or `,`.
    pub decimal: Option<char>,
    /// The mark between groups of three digits; a blank stands for every kind of blank.
    pub thousands: Option<char>,
    /// Whether the first row names the columns.
    pub header: Option<bool>,
    /// Rows above the table; rows that are wholly empty do not count.
    pub skip: Option<u32>,
    /// Rows at the end that are left out, or 0 to say that none looks like a total.
    pub footer: Option<u32>,
    pub sheets: Sheets,
    /// The part of a sheet that holds the table.
    pub range: Option<Range>,
    /// Whether the hidden rows of a sheet are read; those and hidden columns are, with a report, where it says nothing.
    pub hidden: Option<bool>,
    /// Whether all cells of a merged area have its value; otherwise only the first has it, with a report where it says
    /// nothing.
    pub fill_merged: Option<bool>,
    /// Words that stand for a missing value beside the empty cell, e.g. `NULL`.
    pub missing: Vec<String>,
    /// The zone whose clocks show the times that a file has for the whole world. Parquet files have such; `UTC` alone is known.
    pub timezone: Option<String>,
    /// The table or view of a SQLite file, or the one statement, that gives the rows; without either, the only table.
    pub table: Option<String>,
    pub query: Option<String>,
    /// How long a SQLite file may take, where that is not the usual.
    pub timeout: Option<Duration>,
}

/// Which sheets of a workbook are read, one after the other as one table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Sheets {
    /// The first one that is not hidden, which is reported.
    #[default]
    Unstated,
    /// Every one that is not hidden.
    All,
    These(Vec<Sheet>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sheet {
    Name(String),
    /// From 1, in the order of the workbook.
    Number(u32),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnRequest {
    /// The name in the spec, which is the name in the table.
    pub name: String,
    pub header: Header,
    pub kind: Kind,
    /// strftime formats, tried in order; without any the ISO forms are read and others detected.
    pub dates: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Header {
    Name(String),
    /// From 1.
    Position(u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Trimmed text.
    Id,
    /// Text as it is, blanks included; a cell of blanks alone is missing.
    Text,
    Int,
    Number,
    /// Exact decimals with up to nine places.
    Money,
    /// `0.12` or `12%`.
    Share,
    /// A day; a time of day is left out and that is reported.
    Date,
    Datetime,
    Bool,
    /// A time span: a number of such units, to the nearest microsecond.
    Span(Unit),
}

/// What a source may cost. Crossing one of these is [`IngestError::TooLarge`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of text after decompression, or of a part of a workbook.
    pub inflated: u64,
    /// Bytes of one record.
    pub record: usize,
    pub columns: usize,
    pub rows: u64,
    /// Bytes of a workbook that has to be held in memory whole (XLS).
    pub whole_workbook: u64,
    /// Cells of the rectangles around the sheets of such a workbook.
    pub held_cells: u64,
    /// Bytes of a workbook's table of texts.
    pub shared_strings: u64,
    /// Cells of one sheet.
    pub cells: u64,
    /// Rows that a SQLite file may give: views and queries can go on for ever.
    pub query_rows: u64,
    /// How long a SQLite file may take.
    pub query: Duration,
}

impl Limits {
    /// Bytes that an archive of this size may unpack to: purchases shrink to a tenth, bombs to a thousandth.
    pub fn inflated_from(&self, packed: u64) -> u64 {
        const RATIO: u64 = 200;
        self.inflated.min(packed.saturating_mul(RATIO).max(1 << 30))
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            inflated: 32 << 30,
            record: 16 << 20,
            columns: 16_384,
            rows: 500_000_000,
            whole_workbook: 64 << 20,
            held_cells: 4_000_000,
            shared_strings: 512 << 20,
            cells: 200_000_000,
            query_rows: 50_000_000,
            query: Duration::from_secs(300),
        }
    }
}

/// What a file has, without its rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    /// Trimmed; `column 1`, `column 2` and so on where the first row is not a header.
    pub headers: Vec<String>,
    /// Whether the first row is a header.
    pub header: bool,
    /// The first sheet that is read, and all sheets, for a workbook.
    pub sheet: Option<String>,
    pub sheets: Vec<String>,
    pub detected: Vec<Detection>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The rows that were read, in the order of the source.
    pub table: Table,
    /// One per row of the table: equal exactly when all cells of the row are equal.
    pub identity: Option<Vec<u128>>,
    /// Where each row of the table stands, where the request asks for it.
    pub places: Option<Places>,
    /// Rows in the source: those of the table, those that left and those refused.
    pub read: u64,
    /// Rows that a database took out by rules of the spec, one entry per rule that took any.
    pub left: Vec<Left>,
    /// In the order of the source, one per row.
    pub refused: Vec<Refusal>,
    pub detected: Vec<Detection>,
    pub files: Vec<FileFacts>,
}

/// Where the rows of a table stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// Files with the number of rows of the table up to the end of each.
    files: Vec<(String, usize)>,
    /// Lines or rows of a sheet, from 1, as in [`Refusal`].
    rows: Vec<u64>,
}

impl Places {
    pub fn push(&mut self, row: u64) {
        self.rows.push(row);
    }

    /// All rows pushed since the file before, or the sheet, are of this one.
    pub fn end(&mut self, name: &str) {
        self.files.push((name.to_owned(), self.rows.len()));
    }

    /// File and row of a row of the table.
    pub fn of(&self, row: usize) -> Option<(&str, u64)> {
        let (file, _) = self.files.iter().find(|(_, end)| row < *end)?;
        Some((file, *self.rows.get(row)?))
    }
}

/// Rows that left by a rule before they came here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Index into the rules of the plan.
    pub rule: usize,
    pub rows: u64,
    /// What they are worth together, exactly: a number of 10^-scale units, and the scale.
    pub amount: Option<(i128, u8)>,
}

/// A row that is not in the table, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub file: String,
    /// From 1: the line where the record starts, or the row of the sheet.
    pub row: u64,
    /// Index into the requested columns, where one cell is the reason.
    pub column: Option<usize>,
    /// As found, cut to 200 characters.
    pub value: String,
    pub reason: String,
}

/// Something the spec did not state and the data had to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detection {
    /// `delimiter`, `encoding`, `header`, `sheet`, `date format`, `decimal mark`, ...
    pub what: &'static str,
    /// Index into the requested columns, where it is about one of them.
    pub column: Option<usize>,
    pub value: String,
    pub evidence: String,
    /// What settles it when written into the source block of the spec; empty when nothing needs to be.
    pub pin: String,
    pub certain: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    pub name: String,
    pub bytes: u64,
    /// Of the file as it lies, in hexadecimal.
    pub sha256: String,
    /// Rows read, refused ones included.
    pub rows: u64,
}

/// The headers of a file without reading its rows: cheap for files of any size.
pub fn schema(file: &InputFile, format: &Format) -> Result<Schema, IngestError> {
    load::schema(file, format)
}

/// Whether a file has the requested columns, without reading its rows.
pub fn check(file: &InputFile, request: &Request) -> Result<(), IngestError> {
    load::check(file, request)
}

/// Reads the requested columns of all files.
///
/// Shape: one row per record of the files that could be read as declared, in their order. The same files and the same
/// request give the same result on any machine.
pub fn read(request: &Request, progress: &dyn Progress) -> Result<Loaded, IngestError> {
    load::read(request, progress)
}

impl Kind {
    /// The word for it in a spec.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Id => "id",
            Kind::Text => "text",
            Kind::Int => "int",
            Kind::Number => "number",
            Kind::Money => "money",
            Kind::Share => "share",
            Kind::Date => "date",
            Kind::Datetime => "datetime",
            Kind::Bool => "bool",
            Kind::Span(unit) => unit.name(),
        }
    }
}
