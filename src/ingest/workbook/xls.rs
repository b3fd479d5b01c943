//! Workbooks of Excel 97 to 2003, read by a library that holds them whole, so under limits of size; what it would not
//! survive is looked for before.

use std::io::Cursor;

use calamine::{CellErrorType, Data, Reader, SheetType, SheetVisible, Xls as Library};

use super::grid::{RowVisitor, Rows, Seen, Step, Trouble, Window};
use super::ole::{self, SheetFacts};
use super::{Book, SheetEntry};
use crate::ingest::Limits;
use crate::ingest::cell::Value;
use crate::ingest::error::Budget;
use crate::ingest::guard::guarded;
use crate::ingest::times::Epoch;

pub(super) struct Xls {
    library: Library<Cursor<Vec<u8>>>,
    sheets: Vec<SheetEntry>,
    facts: Vec<SheetFacts>,
}

impl Xls {
    pub fn open(bytes: Vec<u8>, limits: &Limits) -> Step<Xls> {
        let known = ole::look(&bytes)?;
        let extent: u64 = known.iter().map(|facts| facts.extent).sum();
        if extent > limits.held_cells {
            return Err(Trouble::TooLarge(Budget::HeldCells, limits.held_cells, None));
        }
        let library = attempt(|| Library::new(Cursor::new(bytes)))?;
        let (mut sheets, mut facts) = (Vec::new(), Vec::new());
        for (nth, sheet) in library.sheets_metadata().iter().enumerate() {
            if sheet.typ == SheetType::WorkSheet {
                let hidden = sheet.visible != SheetVisible::Visible;
                sheets.push(SheetEntry { name: sheet.name.clone(), hidden });
                facts.push(known.get(nth).cloned().unwrap_or_default());
            }
        }
        Ok(Xls { library, sheets, facts })
    }
}

impl Book for Xls {
    fn sheets(&self) -> &[SheetEntry] {
        &self.sheets
    }

    fn epoch(&self) -> Epoch {
        if self.library.has_1904_epoch() { Epoch::Y1904 } else { Epoch::Y1900 }
    }

    fn read(&mut self, sheet: usize, window: &Window, seen: &mut Seen, visit: &mut RowVisitor) -> Step<()> {
        let name = &self.sheets[sheet].name;
        let range = attempt(|| self.library.worksheet_range(name))?;
        let facts = &self.facts[sheet];
        let (top, left) = range.start().unwrap_or_default();
        seen.rows = Some(u64::from(top) + range.height() as u64);
        seen.hidden_columns.clone_from(&facts.hidden_columns);
        seen.merged.clone_from(&facts.merged);
        let mut rows = Rows::new(window);
        for (row, cells) in (top..).zip(range.rows()) {
            if facts.hidden_rows.binary_search(&row).is_ok() {
                rows.hide();
            }
            for (column, cell) in (left..).zip(cells) {
                let value = match (value(cell, &mut rows), facts.codes.get(&(row, column))) {
                    (Value::Number(number), Some(digits)) => Value::Code(number, *digits),
                    (value, _) => value,
                };
                rows.put(row, column, value, seen)?;
            }
            let flow = rows.show(seen, visit)?;
            rows.clear();
            if flow.is_break() {
                break;
            }
        }
        Ok(())
    }
}

// Spans of time count in days, as Excel counts them.
fn value<'a>(cell: &Data, rows: &mut Rows<'a, '_>) -> Value<'a> {
    match cell {
        Data::Empty => Value::Empty,
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => rows.text(text),
        Data::Float(number) => Value::Number(*number),
        Data::Int(number) => Value::Number(*number as f64),
        Data::DateTime(time) if time.is_datetime() => Value::Date(time.as_f64()),
        Data::DateTime(span) => Value::Number(span.as_f64()),
        Data::Bool(yes) => Value::Bool(*yes),
        Data::Error(error) => Value::Error(match error {
            CellErrorType::Div0 => "#DIV/0!",
            CellErrorType::NA => "#N/A",
            CellErrorType::Name => "#NAME?",
            CellErrorType::Null => "#NULL!",
            CellErrorType::Num => "#NUM!",
            CellErrorType::Ref => "#REF!",
            CellErrorType::Value => "#VALUE!",
            CellErrorType::GettingData => "#GETTING_DATA",
        }),
    }
}

/// Runs a step of the library, which panics on some broken files.
fn attempt<T, E: std::fmt::Display>(step: impl FnOnce() -> Result<T, E>) -> Step<T> {
    match guarded(step) {
        Some(Ok(value)) => Ok(value),
        Some(Err(error)) => Err(Trouble::damaged(error.to_string().to_lowercase())),
        None => Err(Trouble::damaged("its parts contradict each other")),
    }
}
