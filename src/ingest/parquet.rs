//! Parquet files as a [`Source`]: only the columns that are looked at are unpacked, one row group after the other.

use std::fmt::Write;
use std::fs::File;

use super::cell::{Cells, Row, Source, Value, Visitor};
use super::container;
use super::error::{Budget, IngestError, Result};
use super::guard::guarded;
use super::times::Epoch;
use super::{Detection, Format, InputFile, Limits};
use crate::parquet::{Cell, Group, Holds, Parquet};
use crate::progress::Progress;

pub(super) struct ParquetRows {
    file: InputFile,
    limits: Limits,
    /// Bytes that the file may unpack to.
    inflated: u64,
    library: Parquet,
    headers: Vec<String>,
    /// The columns that are looked at, once these are known; and whether their pages were found sound.
    chosen: Vec<usize>,
    sound: bool,
    /// Whether the spec says that instants are read in UTC.
    utc: bool,
}

/// Rows between two reports of progress.
const STRIDE: u64 = 8192;
/// Whole numbers up to here are doubles too.
const DOUBLE: u64 = 1 << 53;

impl ParquetRows {
    pub fn open(file: &InputFile, format: &Format, limits: &Limits) -> Result<ParquetRows> {
        if let Some(zone) = format.timezone.as_ref().filter(|zone| *zone != "UTC") {
            return Err(IngestError::ZoneOfAFile { file: file.name.clone(), zone: zone.clone() });
        }
        let handle = File::open(&file.path).map_err(|error| container::unreadable(file, &error))?;
        let size = handle.metadata().map_err(|error| container::unreadable(file, &error))?.len();
        let library = attempt(file, || Parquet::open(handle))?;
        let headers: Vec<String> = library.columns().iter().map(|column| column.name.trim().to_owned()).collect();
        let too_large = |budget, limit| IngestError::TooLarge { file: file.name.clone(), budget, limit, at: None };
        if headers.is_empty() {
            return Err(IngestError::Empty { file: file.name.clone() });
        }
        if headers.len() > limits.columns {
            return Err(too_large(Budget::Columns, limits.columns as u64));
        }
        if library.rows() > limits.rows {
            return Err(too_large(Budget::Rows, limits.rows));
        }
        let inflated = limits.inflated_from(size);
        let (file, limits, utc) = (file.clone(), *limits, format.timezone.is_some());
        Ok(ParquetRows { file, limits, inflated, library, headers, chosen: vec![], sound: false, utc })
    }

    /// Holds what the pages of the chosen columns claim against the budget, before any of them is unpacked.
    fn weigh(&mut self) -> Result<()> {
        if self.sound {
            return Ok(());
        }
        let bytes = attempt(&self.file, || self.library.weigh(&self.chosen))?;
        if bytes > self.inflated {
            let (budget, limit) = (Budget::Inflated, self.inflated);
            return Err(IngestError::TooLarge { file: self.file.name.clone(), budget, limit, at: None });
        }
        self.sound = true;
        Ok(())
    }
}

impl Source for ParquetRows {
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

    fn other_than_values(&self, column: usize) -> Option<&str> {
        match &self.library.columns()[column].holds {
            Holds::Other(what) => Some(what),
            Holds::Values | Holds::Instants => None,
        }
    }

    fn choose(&mut self, columns: &[usize]) {
        self.chosen = columns.iter().copied().filter(|column| self.other_than_values(*column).is_none()).collect();
        self.chosen.sort_unstable();
        self.chosen.dedup();
    }

    fn detected(&self, used: &[usize]) -> Vec<Detection> {
        let mut detected = vec![];
        for (index, position) in used.iter().enumerate() {
            let header = &self.headers[*position];
            let report = |what, value: &str, evidence: String, pin: &str, certain| {
                let (value, pin) = (value.to_owned(), pin.to_owned());
                Detection { what, column: Some(index), value, evidence, pin, certain }
            };
            match &self.library.columns()[*position].holds {
                Holds::Instants if !self.utc && !detected.iter().any(|other: &Detection| !other.certain) => {
                    let evidence = format!("`{header}` has times of the whole world, not of a place");
                    detected.push(report("time zone", "UTC", evidence, "timezone \"UTC\"", false));
                }
                Holds::Other(what) => {
                    detected.push(report("column left out", header, format!("it has {what}"), "", true))
                }
                Holds::Values | Holds::Instants => {}
            }
        }
        detected
    }

    fn total(&self) -> Option<u64> {
        Some(self.library.rows())
    }

    fn visit(&mut self, progress: &dyn Progress, visitor: &mut Visitor) -> Result<()> {
        self.weigh()?;
        if self.chosen.is_empty() {
            return Ok(());
        }
        let (mut row, mut number) = (RowOfCells::new(self.headers.len()), 0);
        for nth in 0..self.library.groups() {
            if self.library.rows_of(nth) == 0 {
                continue;
            }
            let group = attempt(&self.file, || self.library.group(nth, &self.chosen))?;
            for at in 0..group.rows {
                number += 1;
                if number % STRIDE == 0 {
                    progress.at(number);
                }
                row.fill(&group, at, &self.chosen);
                if row.inline.len() > self.limits.record {
                    let (budget, limit) = (Budget::Record, self.limits.record as u64);
                    return Err(IngestError::TooLarge {
                        file: self.file.name.clone(),
                        budget,
                        limit,
                        at: Some(number),
                    });
                }
                let cells = Cells::Streamed { values: &row.values, inline: &row.inline };
                if visitor(Ok(Row { number, epoch: Epoch::None, cells }))?.is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

struct RowOfCells {
    values: Vec<Value<'static>>,
    inline: String,
}

impl RowOfCells {
    fn new(width: usize) -> RowOfCells {
        RowOfCells { values: vec![Value::Empty; width], inline: String::new() }
    }

    fn fill(&mut self, group: &Group, row: usize, chosen: &[usize]) {
        self.inline.clear();
        for (nth, position) in chosen.iter().enumerate() {
            self.values[*position] = self.value(group.cell(nth, row));
        }
    }

    fn value(&mut self, cell: Cell) -> Value<'static> {
        match cell {
            Cell::Missing => Value::Empty,
            Cell::Bool(yes) => Value::Bool(yes),
            Cell::Whole(number) if number.unsigned_abs() <= DOUBLE => Value::Number(number as f64),
            Cell::Whole(number) => self.exact(|out| write!(out, "{number}")),
            Cell::Large(number) => self.exact(|out| write!(out, "{number}")),
            Cell::Number(number) => Value::Number(number),
            Cell::Decimal(units, scale) => self.exact(|out| decimal(units, scale, out)),
            Cell::Text("") => Value::Empty,
            Cell::Text(text) => self.text(text),
            // Systems of old write texts without saying that they are.
            Cell::Bytes(bytes) => match std::str::from_utf8(bytes) {
                Ok("") => Value::Empty,
                Ok(text) => self.text(text),
                Err(_) => Value::Bytes,
            },
            Cell::Time(micros) => Value::Time(micros),
            Cell::Clock(micros) => {
                let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
                let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
                let mut clock = format!("{hour:02}:{minute:02}:{second:02}");
                if rest > 0 {
                    clock += &format!(".{rest:06}");
                }
                self.text(&clock)
            }
        }
    }

    fn text(&mut self, text: &str) -> Value<'static> {
        let start = self.inline.len() as u32;
        self.inline.push_str(text);
        Value::Inline(start, self.inline.len() as u32)
    }

    fn exact(&mut self, put: impl FnOnce(&mut String) -> std::fmt::Result) -> Value<'static> {
        let start = self.inline.len() as u32;
        put(&mut self.inline).expect("a string takes all text");
        Value::Exact(start, self.inline.len() as u32)
    }
}

/// Units of 10^-scale in digits, without zeros at the end.
fn decimal(mut units: i128, mut scale: usize, out: &mut String) -> std::fmt::Result {
    while scale > 0 && units % 10 == 0 {
        units /= 10;
        scale -= 1;
    }
    let digits = format!("{:0width$}", units.unsigned_abs(), width = scale + 1);
    let (whole, part) = digits.split_at(digits.len() - scale);
    let (sign, point) = (if units < 0 { "-" } else { "" }, if scale > 0 { "." } else { "" });
    write!(out, "{sign}{whole}{point}{part}")
}

/// Runs a step of the library, which panics on some broken files.
fn attempt<T>(file: &InputFile, step: impl FnOnce() -> std::result::Result<T, String>) -> Result<T> {
    let reason = match guarded(step) {
        Some(Ok(value)) => return Ok(value),
        Some(Err(reason)) => reason,
        None => "its parts contradict each other".to_owned(),
    };
    Err(IngestError::Damaged { file: file.name.clone(), reason, at: None })
}
