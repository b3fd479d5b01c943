//! Parquet files: which columns they have, and their cells, one row group at a time. Beside `exec` the only home of
//! polars, whose reader takes the format apart.
//!
//! That reader trusts what a file says of itself and reserves memory by it, so that every size and count is held
//! against the bytes that are there before it is called ([`pages`]). It still panics on some broken files, as do
//! functions of this module then: callers have to expect that.

mod pages;

use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::sync::Arc;

use polars::prelude::{
    ArrowDataType, BinaryChunked, BooleanChunked, DataType, FileMetadata, Float32Chunked, Float64Chunked, Int32Chunked,
    Int64Chunked, Int128Chunked, ParallelStrategy, ParquetReader, PolarsError, SerReader, Series, StringChunked,
    TimeUnit, UInt64Chunked,
};

/// An opened file. Its bytes are held once rows have been asked for: mapping them into memory would end the process
/// when somebody else cuts the file off meanwhile.
pub struct Parquet {
    file: File,
    bytes: Vec<u8>,
    metadata: Arc<FileMetadata>,
    columns: Vec<Column>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub name: String,
    pub holds: Holds,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Holds {
    Values,
    /// Points in time of the world, not of a place: microseconds since 1970 in UTC.
    Instants,
    /// No single value in a row, or of a kind that has no cell here; and what it is, with its article.
    Other(String),
}

/// What a row has in a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    Missing,
    Bool(bool),
    Whole(i64),
    /// A whole number beyond 63 bits.
    Large(u64),
    Number(f64),
    /// A number of 10^-scale units.
    Decimal(i128, usize),
    Text(&'a str),
    /// Bytes that are not said to be text.
    Bytes(&'a [u8]),
    /// Microseconds since 1970-01-01T00:00:00; what is finer is cut off.
    Time(i64),
    /// Microseconds since midnight.
    Clock(i64),
}

/// Some columns of a row group.
pub struct Group {
    pub rows: usize,
    columns: Vec<Held>,
}

enum Held {
    Nothing,
    Bool(BooleanChunked),
    Whole(Int64Chunked),
    Large(UInt64Chunked),
    Single(Float32Chunked),
    Double(Float64Chunked),
    Decimal(Int128Chunked, usize),
    Text(StringChunked),
    Bytes(BinaryChunked),
    Days(Int32Chunked),
    Times(Int64Chunked, TimeUnit),
    Clock(Int64Chunked),
}

const MAGIC: [u8; 4] = *b"PAR1";
/// The same where the end of the file is encrypted.
pub const ENCRYPTED: [u8; 4] = *b"PARE";
const DAY: i64 = 86_400_000_000;

impl Parquet {
    /// Reads what the file says of itself. The error says what is wrong.
    pub fn open(mut file: File) -> Result<Parquet, String> {
        let mut end = [0; 4];
        file.seek(SeekFrom::End(-4)).and_then(|_| file.read_exact(&mut end)).map_err(|error| error.to_string())?;
        match end {
            MAGIC => {}
            ENCRYPTED => return Err("it is encrypted".to_owned()),
            _ => return Err("its last bytes are not those of a Parquet file: it may be cut off".to_owned()),
        }
        let mut reader = ParquetReader::new(file.try_clone().map_err(|error| error.to_string())?);
        let metadata = reader.get_metadata().map_err(words)?.clone();
        let schema = reader.schema().map_err(words)?;
        let names: Vec<&str> = metadata.schema().fields().iter().map(|field| field.name()).collect();
        if let Some(twice) = names.iter().enumerate().find_map(|(at, name)| names[..at].contains(name).then_some(name))
        {
            return Err(format!("it has two columns `{twice}`"));
        }
        let columns = schema.iter().map(|(name, field)| Column { name: name.to_string(), holds: holds(field.dtype()) });
        let parquet = Parquet { file, bytes: vec![], columns: columns.collect(), metadata };
        parquet.check_counts()?;
        Ok(parquet)
    }

    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    pub fn rows(&self) -> u64 {
        (0..self.groups()).fold(0, |rows: u64, group| rows.saturating_add(self.rows_of(group)))
    }

    pub fn groups(&self) -> usize {
        self.metadata.row_groups.len()
    }

    pub fn rows_of(&self, group: usize) -> u64 {
        self.metadata.row_groups[group].num_rows() as u64
    }

    /// Bytes that these columns unpack to, told by the head of every page; fails where pages contradict the end of the
    /// file.
    pub fn weigh(&mut self, columns: &[usize]) -> Result<u64, String> {
        self.hold()?;
        let mut bytes: u64 = 0;
        for group in &self.metadata.row_groups {
            for column in columns {
                let name = &self.columns[*column].name;
                for chunk in group.columns_under_root_iter(name).into_iter().flatten() {
                    let range = chunk.byte_range();
                    let chunk = pages::Chunk { values: chunk.num_values() as u64, range: range.start..range.end };
                    bytes += chunk.weigh(&self.bytes).map_err(|why| format!("column `{name}`: {why}"))?;
                }
                // Pages of one value over and over have hardly any bytes, and unpack to a cell in every row.
                bytes = (group.num_rows() as u64).saturating_mul(8).saturating_add(bytes);
            }
        }
        Ok(bytes)
    }

    /// The cells of some columns, all of which hold values or instants. To be asked for after [`Parquet::weigh`] has
    /// found them sound.
    pub fn group(&mut self, nth: usize, columns: &[usize]) -> Result<Group, String> {
        self.hold()?;
        let whole = &*self.metadata;
        let group = whole.row_groups[nth].clone();
        let rows = group.num_rows();
        // A file of this row group alone: the reader looks at all that it is told of.
        let metadata = FileMetadata {
            version: whole.version,
            num_rows: rows,
            max_row_group_height: rows,
            created_by: whole.created_by.clone(),
            row_groups: vec![group],
            key_value_metadata: whole.key_value_metadata.clone(),
            schema_descr: whole.schema_descr.clone(),
            column_orders: whole.column_orders.clone(),
            footer_buf: whole.footer_buf.clone(),
        };
        let mut reader = ParquetReader::new(Cursor::new(self.bytes.as_slice()))
            // On this thread, so that a panic can be caught and kept quiet here.
            .read_parallel(ParallelStrategy::None)
            .with_projection(Some(columns.to_vec()));
        reader.set_metadata(Arc::new(metadata));
        let frame = reader.finish().map_err(words)?;
        if frame.width() != columns.len() {
            return Err(format!("{} columns where {} were asked for", frame.width(), columns.len()));
        }
        let held = frame.columns().iter().map(|column| Held::of(column.as_materialized_series(), rows));
        Ok(Group { rows, columns: held.collect::<Result<_, _>>()? })
    }

    fn hold(&mut self) -> Result<(), String> {
        if self.bytes.is_empty() {
            let read = self.file.rewind().and_then(|()| self.file.read_to_end(&mut self.bytes));
            read.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Holds the counts at the end of the file against each other. Columns of single values have one in every row.
    fn check_counts(&self) -> Result<(), String> {
        if self.rows() != self.metadata.num_rows as u64 {
            return Err("its row groups do not have the rows that it says it has".to_owned());
        }
        for group in &self.metadata.row_groups {
            for column in self.columns.iter().filter(|column| !matches!(column.holds, Holds::Other(_))) {
                let mut chunks = group.columns_under_root_iter(&column.name).into_iter().flatten();
                let sound = chunks.next().is_some_and(|chunk| chunk.num_values() == group.num_rows() as i64);
                if !sound || chunks.next().is_some() {
                    return Err(format!("column `{}` does not have a value for every row", column.name));
                }
            }
        }
        Ok(())
    }
}

impl Group {
    /// `column` counts among those that the group was asked for.
    pub fn cell(&self, column: usize, row: usize) -> Cell<'_> {
        let cell = match &self.columns[column] {
            Held::Nothing => None,
            Held::Bool(cells) => cells.get(row).map(Cell::Bool),
            Held::Whole(cells) => cells.get(row).map(Cell::Whole),
            Held::Large(cells) => cells.get(row).map(|n| i64::try_from(n).map_or(Cell::Large(n), Cell::Whole)),
            Held::Single(cells) => cells.get(row).map(|x| Cell::Number(widen(x))),
            Held::Double(cells) => cells.get(row).map(Cell::Number),
            Held::Decimal(cells, scale) => cells.get(row).map(|units| Cell::Decimal(units, *scale)),
            Held::Text(cells) => cells.get(row).map(Cell::Text),
            Held::Bytes(cells) => cells.get(row).map(Cell::Bytes),
            Held::Days(cells) => cells.get(row).map(|day| Cell::Time(i64::from(day) * DAY)),
            Held::Times(cells, unit) => cells.get(row).map(|time| Cell::Time(micros(time, *unit))),
            Held::Clock(cells) => cells.get(row).map(|nanos| Cell::Clock(nanos.div_euclid(1000))),
        };
        cell.unwrap_or(Cell::Missing)
    }
}

impl Held {
    fn of(series: &Series, rows: usize) -> Result<Held, String> {
        if series.len() != rows {
            let (name, found) = (series.name(), series.len());
            return Err(format!("column `{name}` has {found} values in a group of {rows} rows"));
        }
        let series = series.rechunk();
        let physical = series.to_physical_repr();
        let held = || {
            Ok(match series.dtype() {
                DataType::Null => Held::Nothing,
                DataType::Boolean => Held::Bool(series.bool()?.clone()),
                DataType::UInt64 => Held::Large(series.u64()?.clone()),
                whole if whole.is_integer() => Held::Whole(series.cast(&DataType::Int64)?.i64()?.clone()),
                DataType::Float32 => Held::Single(series.f32()?.clone()),
                DataType::Float64 => Held::Double(series.f64()?.clone()),
                DataType::Decimal(_, scale) => Held::Decimal(physical.i128()?.clone(), *scale),
                DataType::String => Held::Text(series.str()?.clone()),
                DataType::Categorical(..) | DataType::Enum(..) => {
                    Held::Text(series.cast(&DataType::String)?.str()?.clone())
                }
                DataType::Binary => Held::Bytes(series.binary()?.clone()),
                DataType::Date => Held::Days(physical.i32()?.clone()),
                DataType::Datetime(unit, _) => Held::Times(physical.i64()?.clone(), *unit),
                DataType::Time => Held::Clock(physical.i64()?.clone()),
                other => return Err(PolarsError::ComputeError(format!("unexpected type {other}").into())),
            })
        };
        held().map_err(words)
    }
}

/// What the cells of a column are.
fn holds(ty: &ArrowDataType) -> Holds {
    use ArrowDataType::*;
    let other = match ty {
        Timestamp(_, Some(_)) => return Holds::Instants,
        Dictionary(_, values, _) => return holds(values),
        Null
        | Boolean
        | Int8
        | Int16
        | Int32
        | Int64
        | UInt8
        | UInt16
        | UInt32
        | UInt64
        | Float32
        | Float64
        | Timestamp(_, None)
        | Date32
        | Date64
        | Time32(_)
        | Time64(_)
        | Binary
        | LargeBinary
        | BinaryView
        | FixedSizeBinary(_)
        | Utf8
        | LargeUtf8
        | Utf8View
        | Decimal(..)
        | Decimal32(..)
        | Decimal64(..) => {
            return Holds::Values;
        }
        List(_) | LargeList(_) | FixedSizeList(..) => "a list in every row",
        Struct(_) => "several values in every row",
        Map(..) => "pairs of keys and values in every row",
        Duration(_) | Interval(_) => "spans of time",
        Decimal256(..) => "decimals of more than 38 digits",
        _ => "values of a type that segc does not know",
    };
    Holds::Other(other.to_owned())
}

/// The double nearest to the decimal that a single is written as: 2.55 stays 2.55.
fn widen(single: f32) -> f64 {
    if single.fract() == 0.0 { f64::from(single) } else { single.to_string().parse().unwrap_or(f64::from(single)) }
}

fn micros(time: i64, unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Nanoseconds => time.div_euclid(1000),
        TimeUnit::Microseconds => time,
        // What overflows lies beyond all calendars either way.
        TimeUnit::Milliseconds => time.saturating_mul(1000),
    }
}

/// An error of the library without what it puts in front of all of them.
fn words(error: PolarsError) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("parquet: ").unwrap_or(&text);
    let text = text.strip_prefix("File out of specification: ").unwrap_or(text);
    let mut short: String = text.lines().next().unwrap_or_default().chars().take(200).collect();
    if let Some(first) = short.get(..1).map(str::to_lowercase) {
        short.replace_range(..1, &first);
    }
    short
}
