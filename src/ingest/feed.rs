//! Rows that a database brings, as texts of cells: read as declared, refused or taken like those of a file.

use std::ops::ControlFlow;

use super::cell::{Cells, Fault, Row, excerpt};
use super::decimal::{Decimal, Marks};
use super::error::IngestError;
use super::load::{Loader, Part};
use super::records::Field;
use super::times::Epoch;
use super::{ColumnRequest, Detection, FileFacts, Left, Loaded, Request, headers, sample};

/// How the numbers of a column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// With a decimal point and nothing else, as a database writes its own.
    Plain,
    /// As people write them into text, with the marks that the spec states.
    AsStated,
}

pub(crate) struct Feed<'r> {
    loader: Loader<'r>,
    /// Where the requested columns are among the cells.
    part: Part,
    fields: Vec<Field>,
    last: u64,
}

impl<'r> Feed<'r> {
    /// `name` is what messages call the source; `positions` and `numbers` have an entry per requested column.
    pub fn new(
        request: &'r Request,
        name: &str,
        positions: Vec<usize>,
        numbers: &[Numbers],
    ) -> Result<Feed<'r>, IngestError> {
        let plain = Marks { decimal: '.', thousands: None };
        let stated = sample::stated_marks(request)?.unwrap_or(plain);
        let marks = numbers.iter().map(|numbers| if *numbers == Numbers::Plain { plain } else { stated }).collect();
        let loader = Loader::new(request, marks, true, sample::stated_formats(request)?);
        Ok(Feed { loader, part: Part::alone(name, positions), fields: vec![], last: 0 })
    }

    /// A row whose cells are the ranges of `text`, empty where a cell is missing. Without a number of its own it
    /// follows the one before.
    pub fn row(&mut self, number: Option<u64>, text: &str, cells: &[(usize, usize)]) -> Result<(), IngestError> {
        self.last = number.unwrap_or(self.last + 1);
        self.fields.clear();
        self.fields.extend(cells.iter().map(|(start, end)| Field::new(*start, *end)));
        let cells = Cells::Record { text, fields: &self.fields };
        let row = Row { number: self.last, epoch: Epoch::Y1900, cells };
        self.loader.take(&self.part, Ok(row)).map(|_: ControlFlow<()>| ())
    }

    /// A row that can't be taken apart.
    pub fn fault(&mut self, number: Option<u64>, bytes: &[u8], reason: &str) -> Result<(), IngestError> {
        self.last = number.unwrap_or(self.last + 1);
        let value = excerpt(&String::from_utf8_lossy(bytes));
        let fault = Fault { number: self.last, value, reason: reason.to_owned() };
        self.loader.take(&self.part, Err(fault)).map(|_: ControlFlow<()>| ())
    }

    /// Rows that the database took out by a rule.
    pub fn left(&mut self, left: Left) -> Result<(), IngestError> {
        self.loader.judged_elsewhere(&self.part.name, left)
    }

    /// Gives a column of money so many decimals, and room for an amount in digits, as if rows that do not come had them.
    pub fn reserve(&mut self, column: usize, scale: u8, largest: &str) {
        self.loader.reserve(column, Decimal { mantissa: 0, scale });
        if let Ok(cell) = Decimal::parse(largest) {
            self.loader.reserve(column, cell);
        }
    }

    pub fn finish(mut self, headers: &[&str], detected: Vec<Detection>, bytes: u64, sha256: String) -> Loaded {
        let rows = self.loader.read();
        self.loader.end(&self.part.name);
        let facts = FileFacts { name: self.part.name, bytes, sha256, rows };
        self.loader.finish(headers, detected, vec![facts])
    }
}

/// The positions of the requested columns among those of a result, from 0.
pub(crate) fn locate(
    name: &str,
    columns: &[String],
    requested: &[ColumnRequest],
) -> Result<(Vec<usize>, Vec<Detection>), IngestError> {
    headers::locate(name, columns, true, requested)
}
