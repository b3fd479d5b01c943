//! Reading sources. Most cases are a few bytes of a file, the request in short, and the rows that must come out.

use std::fmt::Write;
use std::path::PathBuf;

use chrono::DateTime;
use segc::ingest::{
    ColumnRequest, Detection, Format, Header, IngestError, InputFile, Kind, Loaded, Request, Schema, read, schema,
};
use segc::progress::Silent;
use segc::table::ColumnData;
use tempfile::TempDir;

#[path = "ingest/dates.rs"]
mod dates;
#[path = "ingest/errors.rs"]
mod errors;
#[path = "ingest/limits.rs"]
mod limits;
#[path = "ingest/numbers.rs"]
mod numbers;
#[path = "ingest/parquet.rs"]
mod parquet;
#[path = "ingest/real.rs"]
mod real;
#[path = "ingest/shape.rs"]
mod shape;
#[path = "ingest/sqlite.rs"]
mod sqlite;
#[path = "ingest/text.rs"]
mod text;
#[path = "ingest/workbooks.rs"]
mod workbooks;

/// Files in a folder of their own that goes away with it.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Folder(tempfile::tempdir().expect("a temporary folder"))
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> InputFile {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).expect("a file in the temporary folder");
        InputFile { name: name.to_owned(), path }
    }
}

fn load(bytes: impl AsRef<[u8]>, columns: &str) -> Loaded {
    load_as(bytes, columns, Format::default())
}

fn load_as(bytes: impl AsRef<[u8]>, columns: &str, format: Format) -> Loaded {
    try_load(bytes, columns, format).unwrap_or_else(|error| panic!("{error}"))
}

fn try_load(bytes: impl AsRef<[u8]>, columns: &str, format: Format) -> Result<Loaded, IngestError> {
    let folder = Folder::new();
    let files = vec![folder.file("in", bytes)];
    read(&Request { files, format, columns: requests(columns), identity: true, ..Request::default() }, &Silent)
}

fn schema_of(bytes: impl AsRef<[u8]>) -> Result<Schema, IngestError> {
    let folder = Folder::new();
    schema(&folder.file("in", bytes), &Format::default())
}

/// From `customer: id = CustomerID; at: date = #2 dates %d/%m/%Y | %Y`, `#2` being the second column.
fn requests(columns: &str) -> Vec<ColumnRequest> {
    let column = |text: &str| {
        let (name, rest) = text.split_once(':').expect("a name");
        let (kind, rest) = rest.split_once('=').expect("a kind");
        let (header, dates) = rest.split_once(" dates ").unwrap_or((rest, ""));
        let header = match header.trim().strip_prefix('#') {
            Some(position) => Header::Position(position.parse().expect("a position")),
            None => Header::Name(header.trim().to_owned()),
        };
        let kinds = [
            Kind::Id,
            Kind::Text,
            Kind::Int,
            Kind::Number,
            Kind::Money,
            Kind::Share,
            Kind::Date,
            Kind::Datetime,
            Kind::Bool,
        ];
        let kind = kinds.into_iter().find(|found| found.word() == kind.trim()).expect("a kind there is");
        let dates = dates.split(" | ").filter(|format| !format.is_empty()).map(|format| format.trim().to_owned());
        ColumnRequest { name: name.trim().to_owned(), header, kind, dates: dates.collect() }
    };
    columns.split(';').map(str::trim).filter(|text| !text.is_empty()).map(column).collect()
}

/// The rows of the table, `|` between cells and `·` for a missing one, amounts with all places of their column.
pub fn rows(loaded: &Loaded) -> Vec<String> {
    let cell = |data: &ColumnData, row: usize| -> Option<String> {
        match data {
            ColumnData::Text(text) => text.get(row).map(str::to_owned),
            ColumnData::Int(cells) => cells.get(row).map(|value| value.to_string()),
            ColumnData::Number(cells) => cells.get(row).map(|value| value.to_string()),
            ColumnData::Bool(cells) => cells.get(row).map(|value| value.to_string()),
            ColumnData::Time(cells) => cells.get(row).map(time),
            ColumnData::Decimal { cells, scale } => cells.get(row).map(|value| decimal(value, *scale)),
        }
    };
    let row = |row: usize| {
        let cells = loaded.table.columns.iter().map(|column| cell(&column.data, row).unwrap_or("·".to_owned()));
        cells.collect::<Vec<_>>().join("|")
    };
    (0..loaded.table.height).map(row).collect()
}

fn time(micros: i64) -> String {
    let time = DateTime::from_timestamp_micros(micros).expect("a time that can be shown").naive_utc();
    let text = time.format("%Y-%m-%d %H:%M:%S%.f").to_string();
    text.strip_suffix(" 00:00:00").unwrap_or(&text).to_owned()
}

fn decimal(value: i64, scale: u8) -> String {
    let digits = format!("{:0width$}", value.unsigned_abs(), width = usize::from(scale) + 1);
    let (whole, part) = digits.split_at(digits.len() - usize::from(scale));
    let point = if scale > 0 { "." } else { "" };
    format!("{}{whole}{point}{part}", if value < 0 { "-" } else { "" })
}

/// One line per refused row: ``3 price `abc`: not a number``, without a column where the whole row is refused.
pub fn refusals(loaded: &Loaded) -> Vec<String> {
    let one = |refusal: &segc::ingest::Refusal| {
        let mut text = refusal.row.to_string();
        if let Some(column) = refusal.column {
            write!(text, " {}", loaded.table.columns[column].name).expect("a string takes all text");
        }
        format!("{text} `{}`: {}", refusal.value, refusal.reason)
    };
    loaded.refused.iter().map(one).collect()
}

/// One line per detection, `?` where it is not certain: ``date format? %d/%m/%Y``.
fn detections(detected: &[Detection]) -> Vec<String> {
    let one = |found: &Detection| format!("{}{} {}", found.what, if found.certain { "" } else { "?" }, found.value);
    detected.iter().map(one).collect()
}

fn detection<'a>(loaded: &'a Loaded, what: &str) -> &'a Detection {
    let found = loaded.detected.iter().find(|found| found.what == what);
    found.unwrap_or_else(|| panic!("no {what} in {:?}", detections(&loaded.detected)))
}

/// The real data sets, which not every machine has.
fn data(name: &str) -> Option<InputFile> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let path = std::env::var_os("SEGC_DATA").map_or_else(beside, PathBuf::from).join(name);
    path.exists().then(|| InputFile { name: name.to_owned(), path })
}
