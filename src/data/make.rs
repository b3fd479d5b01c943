//! `segc data make`: writes a synthetic shop of any size, and beside it the segments planted in it.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::DataError;
use super::place::Pending;
use super::row::RowSink;
use super::shop::{Segment, Shop};
use super::sink::{Format, csv_gz_sink, csv_sink};
use super::workbook::{MOST_ROWS, workbook_sink};
use crate::progress::Progress;

/// More would need gigabytes for the invoices of one month.
pub const MOST_CUSTOMERS: u32 = 10_000_000;

/// Opens a sink on a file; the path is for messages.
pub type OpenSink = fn(File, &Path) -> Result<Box<dyn RowSink>, DataError>;

#[derive(Debug, Clone)]
pub struct MakeOptions {
    /// Customers who buy, 1 to [`MOST_CUSTOMERS`]; about 40 rows each. Guests without a number come on top.
    pub customers: u32,
    pub seed: u64,
    /// `.csv`, `.csv.gz`, `.xlsx` or `.parquet`. A file that is there is replaced once the new one is complete.
    pub out: PathBuf,
    /// A `.csv` for the planted segments: `customer,segment`.
    pub truth: Option<PathBuf>,
    /// Writes Parquet, which needs an engine that this module does not know.
    pub parquet: OpenSink,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MakeFacts {
    pub rows: u64,
    /// Size of the file of rows.
    pub bytes: u64,
    /// Customers per planted segment, best first.
    pub segments: Vec<(&'static str, u64)>,
}

/// Writes a gift shop with planted segments in the layout of Online Retail.
///
/// Rows: an invoice line each, in time order, about a year; columns [`super::COLUMNS`]. The same customers and seed
/// give the same rows on every machine, and the same version of segc the same bytes.
/// Memory: the invoices of the busiest month, 16 bytes each; 50 million rows need about 50 MB.
/// Errors: usage errors and [`DataError::TooManyRows`] before anything is written; otherwise [`DataError::Write`]. Both
/// files are complete before either gets its name.
pub fn make_retail(options: &MakeOptions, progress: &dyn Progress) -> Result<MakeFacts, DataError> {
    check(options)?;
    let format = Format::of(&options.out)?;
    let shop = Shop::new(options.customers, options.seed);
    if format == Format::Xlsx {
        fits_a_worksheet(&shop)?;
    }
    let rows_file = Pending::new(&options.out)?;
    let truth_file = options.truth.as_deref().map(Pending::new).transpose()?;

    let open = match format {
        Format::Csv => csv_sink,
        Format::CsvGz => csv_gz_sink,
        Format::Xlsx => workbook_sink,
        Format::Parquet => options.parquet,
    };
    let rows = write_rows(&shop, open(rows_file.reopen()?, &options.out)?, progress)?;
    let bytes = rows_file.len()?;
    let segments = truth_file.as_ref().map_or_else(|| Ok(count(&shop)), |file| write_truth(&shop, file))?;

    // The truth first: rows that are there have their truth.
    truth_file.map(Pending::keep).transpose()?;
    rows_file.keep()?;
    Ok(MakeFacts { rows, bytes, segments })
}

fn check(options: &MakeOptions) -> Result<(), DataError> {
    if !(1..=MOST_CUSTOMERS).contains(&options.customers) {
        return Err(DataError::Customers { asked: options.customers, most: MOST_CUSTOMERS });
    }
    let Some(truth) = &options.truth else { return Ok(()) };
    if *truth == options.out {
        return Err(DataError::SameFile { path: truth.clone() });
    }
    match Format::of(truth) {
        Ok(Format::Csv) => Ok(()),
        _ => {
            Err(DataError::UnknownFormat { path: truth.clone(), known: "`.csv`, as the truth is written in no other" })
        }
    }
}

/// Makes all rows once without keeping them: a workbook that can't be finished should not be begun.
fn fits_a_worksheet(shop: &Shop) -> Result<(), DataError> {
    let mut n = 0;
    shop.rows(|rows, _| {
        n += rows.len() as u64;
        if n > MOST_ROWS { Err(DataError::TooManyRows { most: MOST_ROWS }) } else { Ok(()) }
    })
}

fn write_rows(shop: &Shop, mut sink: Box<dyn RowSink>, progress: &dyn Progress) -> Result<u64, DataError> {
    let (_, days) = shop.period();
    progress.start("days of the shop", Some(u64::from(days)));
    let mut n = 0;
    shop.rows(|rows, day| {
        n += rows.len() as u64;
        progress.at(u64::from(day));
        sink.write(rows)
    })?;
    sink.finish()?;
    progress.finish(&format!("{n} rows"));
    Ok(n)
}

fn write_truth(shop: &Shop, file: &Pending) -> Result<Vec<(&'static str, u64)>, DataError> {
    let mut text = std::io::BufWriter::new(file.reopen()?);
    let mut write = || {
        writeln!(text, "customer,segment")?;
        shop.truth().try_for_each(|(customer, segment)| writeln!(text, "{customer},{}", segment.name()))?;
        text.flush()
    };
    write().map_err(|reason| DataError::write("write", file.path(), &reason))?;
    Ok(count(shop))
}

fn count(shop: &Shop) -> Vec<(&'static str, u64)> {
    let mut counts = Segment::ALL.map(|segment| (segment.name(), 0));
    for (_, planted) in shop.truth() {
        counts[planted as usize].1 += 1;
    }
    counts.to_vec()
}
