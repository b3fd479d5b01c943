//! Writes the rows of a made shop as Parquet, a row group per batch, so that memory does not grow with the rows.

use std::fs::File;
use std::path::{Path, PathBuf};

use polars::io::parquet::write::BatchedWriter;
use polars::prelude::{
    Column, DataFrame, DataType, Field, NamedFrom, ParquetCompression, ParquetWriter, PolarsResult, Schema, Series,
    TimeUnit,
};

use crate::data::{COLUMNS, DataError, Row, RowSink};

/// Rows held back until a row group is full.
const GROUP: usize = 1 << 18;

struct ParquetSink {
    writer: BatchedWriter<File>,
    path: PathBuf,
    held: Held,
}

#[derive(Default)]
struct Held {
    invoice: Vec<String>,
    stock_code: Vec<String>,
    description: Vec<Option<String>>,
    quantity: Vec<i64>,
    at: Vec<i64>,
    price: Vec<f64>,
    customer: Vec<Option<String>>,
    country: Vec<String>,
}

/// A sink on a file; `path` is for messages.
pub fn open(file: File, path: &Path) -> Result<Box<dyn RowSink>, DataError> {
    let types = [
        DataType::String,
        DataType::String,
        DataType::String,
        DataType::Int64,
        DataType::Datetime(TimeUnit::Microseconds, None),
        DataType::Float64,
        DataType::String,
        DataType::String,
    ];
    let schema: Schema = COLUMNS.iter().zip(types).map(|(name, ty)| Field::new((*name).into(), ty)).collect();
    let writer = ParquetWriter::new(file).with_compression(ParquetCompression::Zstd(None)).batched(&schema);
    let writer = writer.map_err(|error| failed(path, &error.to_string()))?;
    Ok(Box::new(ParquetSink { writer, path: path.to_owned(), held: Held::default() }))
}

impl RowSink for ParquetSink {
    fn write(&mut self, rows: &[Row<'_>]) -> Result<(), DataError> {
        for row in rows {
            self.held.invoice.push(row.invoice.to_string());
            self.held.stock_code.push(row.stock_code.to_owned());
            self.held.description.push(row.description.map(str::to_owned));
            self.held.quantity.push(i64::from(row.quantity));
            self.held.at.push(row.at.and_utc().timestamp_micros());
            self.held.price.push(row.price.mils as f64 / 1000.0);
            self.held.customer.push(row.customer.map(|c| c.to_string()));
            self.held.country.push(row.country.to_owned());
            if self.held.invoice.len() == GROUP {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), DataError> {
        self.flush()?;
        self.writer.finish().map(|_| ()).map_err(|error| failed(&self.path, &error.to_string()))
    }
}

impl ParquetSink {
    fn flush(&mut self) -> Result<(), DataError> {
        let held = std::mem::take(&mut self.held);
        let height = held.invoice.len();
        if height == 0 {
            return Ok(());
        }
        let frame = || -> PolarsResult<DataFrame> {
            let at = Series::new(COLUMNS[4].into(), held.at).cast(&DataType::Datetime(TimeUnit::Microseconds, None))?;
            let columns: Vec<Column> = vec![
                Series::new(COLUMNS[0].into(), held.invoice).into(),
                Series::new(COLUMNS[1].into(), held.stock_code).into(),
                Series::new(COLUMNS[2].into(), held.description).into(),
                Series::new(COLUMNS[3].into(), held.quantity).into(),
                at.into(),
                Series::new(COLUMNS[5].into(), held.price).into(),
                Series::new(COLUMNS[6].into(), held.customer).into(),
                Series::new(COLUMNS[7].into(), held.country).into(),
            ];
            DataFrame::new(height, columns)
        };
        let written = frame().and_then(|frame| self.writer.write_batch(&frame));
        written.map_err(|error| failed(&self.path, &error.to_string()))
    }
}

fn failed(path: &Path, reason: &str) -> DataError {
    DataError::Write { doing: "write", path: path.to_owned(), reason: reason.to_owned() }
}
