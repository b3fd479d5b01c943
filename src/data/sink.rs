//! Writes rows as CSV, as it is or packed with gzip.

use std::fmt::{Display, Write as _};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use chrono::NaiveDateTime;
use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};

use super::DataError;
use super::row::{COLUMNS, Row, RowSink};

/// The formats of the rows, each told by the ending of a file's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Csv,
    CsvGz,
    Xlsx,
    Parquet,
}

impl Format {
    /// Errors: [`DataError::UnknownFormat`].
    pub fn of(path: &Path) -> Result<Format, DataError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let known =
            [(".csv", Format::Csv), (".csv.gz", Format::CsvGz), (".xlsx", Format::Xlsx), (".parquet", Format::Parquet)];
        let format = known.into_iter().find(|(ending, _)| name.ends_with(ending)).map(|(_, format)| format);
        let known = "`.csv`, `.csv.gz`, `.xlsx` or `.parquet`";
        format.ok_or_else(|| DataError::UnknownFormat { path: path.into(), known })
    }
}

/// Comma-separated UTF-8 with a header: times as `2024-11-05 09:26:00`, a missing cell empty, `\n` at line ends.
pub struct CsvSink<W: Write> {
    csv: csv::Writer<W>,
    path: PathBuf,
    close: fn(W) -> std::io::Result<()>,
    /// The invoice's time as text: the same on every line of the invoice.
    time: (NaiveDateTime, String),
    cell: String,
}

/// A sink for plain CSV; `path` is for messages.
pub fn csv_sink(file: File, path: &Path) -> Result<Box<dyn RowSink>, DataError> {
    CsvSink::open(BufWriter::with_capacity(1 << 16, file), path, |mut file| file.flush())
}

/// A sink for CSV packed with gzip. The header of the gzip file names neither a time nor a file nor a system.
pub fn csv_gz_sink(file: File, path: &Path) -> Result<Box<dyn RowSink>, DataError> {
    let file = BufWriter::with_capacity(1 << 16, file);
    let packer: GzEncoder<_> = GzBuilder::new().write(file, Compression::new(6));
    CsvSink::open(packer, path, |packer| packer.finish()?.flush())
}

impl<W: Write + 'static> CsvSink<W> {
    fn open(writer: W, path: &Path, close: fn(W) -> std::io::Result<()>) -> Result<Box<dyn RowSink>, DataError> {
        let csv = csv::Writer::from_writer(writer);
        let time = (NaiveDateTime::MIN, String::new());
        let mut sink = CsvSink { csv, path: path.into(), close, time, cell: String::new() };
        sink.csv.write_record(COLUMNS).map_err(|error| sink.error(&error.into()))?;
        Ok(Box::new(sink))
    }

    fn row(&mut self, row: &Row<'_>) -> Result<(), csv::Error> {
        if self.time.0 != row.at {
            self.time = (row.at, row.at.format("%Y-%m-%d %H:%M:%S").to_string());
        }
        self.shown(row.invoice)?;
        self.csv.write_field(row.stock_code)?;
        self.csv.write_field(row.description.unwrap_or_default())?;
        self.shown(row.quantity)?;
        self.csv.write_field(&self.time.1)?;
        self.shown(row.price)?;
        match row.customer {
            Some(customer) => self.shown(customer)?,
            None => self.csv.write_field("")?,
        }
        self.csv.write_field(row.country)?;
        self.csv.write_record(None::<&[u8]>)
    }

    fn shown(&mut self, value: impl Display) -> Result<(), csv::Error> {
        self.cell.clear();
        write!(self.cell, "{value}").expect("a string takes any text");
        self.csv.write_field(&self.cell)
    }

    fn error(&self, reason: &std::io::Error) -> DataError {
        DataError::write("write", &self.path, reason)
    }
}

impl<W: Write + 'static> RowSink for CsvSink<W> {
    fn write(&mut self, rows: &[Row<'_>]) -> Result<(), DataError> {
        rows.iter().try_for_each(|row| self.row(row)).map_err(|error| self.error(&error.into()))
    }

    fn finish(self: Box<Self>) -> Result<(), DataError> {
        let CsvSink { csv, path, close, .. } = *self;
        let flushed = csv.into_inner().map_err(|error| error.into_error());
        flushed.and_then(close).map_err(|reason| DataError::write("write", path, &reason))
    }
}
