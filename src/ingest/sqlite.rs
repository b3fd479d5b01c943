//! Tables and queries of SQLite files as a [`Source`].
//!
//! Only the choice of columns is left to the database. Rules are not: in SQLite every value has a type of its own,
//! whatever its column says, so that `quantity <= 0` would hold for other rows there than here, where a value that does
//! not fit is refused.

use std::fmt::Write;
use std::ops::ControlFlow;

use super::cell::{Cells, Row, Source, Value, Visitor};
use super::error::{Budget, IngestError, Result};
use super::guard::guarded;
use super::times::Epoch;
use super::{Detection, Format, InputFile, Limits};
use crate::database::sqlite::{self, Failure, Rows, Selection, Sqlite};
use crate::progress::Progress;

pub(super) struct SqliteRows {
    file: InputFile,
    limits: Limits,
    library: Sqlite,
    selection: Selection,
    /// The table where the spec does not name it.
    only: Option<String>,
    headers: Vec<String>,
    chosen: Vec<usize>,
}

/// Rows between two reports of progress.
const STRIDE: u64 = 8192;
/// Whole numbers up to here are doubles too.
const DOUBLE: u64 = 1 << 53;

impl SqliteRows {
    pub fn open(file: &InputFile, format: &Format, limits: &Limits) -> Result<SqliteRows> {
        let failed = |failure| failed(file, limits, failure);
        let limit = format.timeout.unwrap_or(limits.query);
        let library = attempt(|| Sqlite::open(&file.path, limit, limits.record)).map_err(failed)?;
        let rows = match (&format.table, &format.query) {
            (Some(table), _) => Rows::Table(table.clone()),
            (None, Some(query)) => Rows::Query(query.clone()),
            (None, None) => Rows::Only,
        };
        let selection = attempt(|| library.select(&rows)).map_err(failed)?;
        let headers: Vec<String> = selection.columns.iter().map(|name| name.trim().to_owned()).collect();
        if headers.len() > limits.columns {
            let (budget, limit) = (Budget::Columns, limits.columns as u64);
            return Err(IngestError::TooLarge { file: file.name.clone(), budget, limit, at: None });
        }
        let only = if rows == Rows::Only { selection.table().map(str::to_owned) } else { None };
        Ok(SqliteRows { file: file.clone(), limits: *limits, library, selection, only, headers, chosen: vec![] })
    }
}

impl Source for SqliteRows {
    fn name(&self) -> &str {
        &self.file.name
    }

    fn headers(&self) -> &[String] {
        &self.headers
    }

    fn has_header(&self) -> bool {
        true
    }

    fn is_database(&self) -> bool {
        true
    }

    fn choose(&mut self, columns: &[usize]) {
        self.chosen = columns.to_vec();
        self.chosen.sort_unstable();
        self.chosen.dedup();
    }

    fn detected(&self, _: &[usize]) -> Vec<Detection> {
        let report = |table: &String| {
            let (value, evidence) = (table.clone(), "the only table".to_owned());
            let pin = format!("table \"{}\"", table.replace('"', "\\\""));
            Detection { what: "table", column: None, value, evidence, pin, certain: true }
        };
        self.only.iter().map(report).collect()
    }

    fn total(&self) -> Option<u64> {
        None
    }

    fn visit(&mut self, progress: &dyn Progress, visitor: &mut Visitor) -> Result<()> {
        let (mut values, mut inline, mut seen) = (vec![Value::Empty; self.headers.len()], String::new(), 0);
        let mut outcome = Ok(());
        let visited = self.library.visit(&self.selection, &self.chosen, &mut |number, cells| {
            seen += 1;
            if seen % STRIDE == 0 {
                progress.at(seen);
            }
            if seen > self.limits.query_rows {
                let (budget, limit) = (Budget::Rows, self.limits.query_rows);
                outcome = Err(IngestError::TooLarge { file: self.file.name.clone(), budget, limit, at: None });
                return ControlFlow::Break(());
            }
            inline.clear();
            for (nth, column) in self.chosen.iter().enumerate() {
                values[*column] = value(cells.get(self.selection.place(nth, *column)), &mut inline);
            }
            let cells = Cells::Streamed { values: &values, inline: &inline };
            match visitor(Ok(Row { number, epoch: Epoch::None, cells })) {
                Ok(flow) => flow,
                Err(error) => {
                    outcome = Err(error);
                    ControlFlow::Break(())
                }
            }
        });
        visited.map_err(|failure| failed(&self.file, &self.limits, failure))?;
        outcome
    }
}

fn value(value: sqlite::Value, inline: &mut String) -> Value<'static> {
    let start = inline.len() as u32;
    match value {
        sqlite::Value::Null => Value::Empty,
        sqlite::Value::Integer(number) if number.unsigned_abs() <= DOUBLE => Value::Number(number as f64),
        sqlite::Value::Integer(number) => {
            write!(inline, "{number}").expect("a string takes all text");
            Value::Exact(start, inline.len() as u32)
        }
        sqlite::Value::Real(number) => Value::Number(number),
        sqlite::Value::Text(text) => match std::str::from_utf8(text) {
            Ok("") => Value::Empty,
            Ok(text) => {
                inline.push_str(text);
                Value::Inline(start, inline.len() as u32)
            }
            Err(_) => Value::Bytes,
        },
        sqlite::Value::Blob => Value::Bytes,
    }
}

/// Runs a step of the library, which panics over names that are no text.
fn attempt<T>(step: impl FnOnce() -> std::result::Result<T, Failure>) -> std::result::Result<T, Failure> {
    guarded(step).unwrap_or_else(|| Err(Failure::Damaged("a name in it is no text".to_owned())))
}

fn failed(file: &InputFile, limits: &Limits, failure: Failure) -> IngestError {
    let file = file.name.clone();
    match failure {
        Failure::Damaged(reason) => IngestError::Damaged { file, reason, at: None },
        Failure::TooBig { .. } => {
            IngestError::TooLarge { file, budget: Budget::Record, limit: limits.record as u64, at: None }
        }
        failure => IngestError::Database { file, failure },
    }
}
