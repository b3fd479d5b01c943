//! Writes rows as an Excel workbook with the cells of the original Online Retail: ids are numbers where they look like
//! numbers, times are serial days, missing cells are absent.

use std::fs::File;
use std::io::{BufWriter, Error, Write};
use std::path::{Path, PathBuf};

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use super::DataError;
use super::row::{COLUMNS, Row, RowSink};

/// Rows of a worksheet beneath its header.
pub const MOST_ROWS: u64 = 1_048_575;

const SHEET: &str = "Online Retail";
/// Excel's own `m/d/yy h:mm`.
const DATE_FORMAT: u8 = 22;

pub struct WorkbookSink {
    workbook: Workbook,
    file: BufWriter<File>,
    path: PathBuf,
    date: Format,
    /// Next free row of the sheet.
    next: u32,
}

/// A sink for a workbook; `path` is for messages. Cells wait in a temporary file in the same folder, so memory does not
/// grow with the rows.
pub fn workbook_sink(file: File, path: &Path) -> Result<Box<dyn RowSink>, DataError> {
    let mut workbook = Workbook::new();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let date = Format::new().set_num_format_index(DATE_FORMAT);
    begin(&mut workbook, folder).map_err(|error| explain(path, &error))?;
    let file = BufWriter::with_capacity(1 << 16, file);
    Ok(Box::new(WorkbookSink { workbook, file, path: path.into(), date, next: 1 }))
}

fn begin(workbook: &mut Workbook, folder: &Path) -> Result<(), XlsxError> {
    workbook.set_tempdir(folder)?;
    // The file says when it was made; a fixed time keeps the bytes the same.
    let made = ExcelDateTime::from_ymd(2024, 12, 8)?;
    workbook.set_properties(&DocProperties::new().set_creation_datetime(&made));
    let sheet = workbook.add_worksheet_with_low_memory()?;
    sheet.set_name(SHEET)?;
    sheet.set_column_width(2, 36)?.set_column_width(4, 16)?;
    for (column, name) in (0..).zip(COLUMNS) {
        sheet.write_string(0, column, name)?;
    }
    Ok(())
}

impl RowSink for WorkbookSink {
    fn write(&mut self, rows: &[Row<'_>]) -> Result<(), DataError> {
        let written = self.workbook.worksheet_from_index(0).and_then(|sheet| {
            for row in rows {
                write_row(sheet, self.next, row, &self.date)?;
                self.next += 1;
            }
            Ok(())
        });
        written.map_err(|error| explain(&self.path, &error))
    }

    fn finish(mut self: Box<Self>) -> Result<(), DataError> {
        self.workbook.save_to_writer(&mut self.file).map_err(|error| explain(&self.path, &error))?;
        self.file.flush().map_err(|reason| DataError::write("write", &self.path, &reason))
    }
}

fn write_row(sheet: &mut Worksheet, at: u32, row: &Row<'_>, date: &Format) -> Result<(), XlsxError> {
    match row.invoice.letter {
        Some(_) => sheet.write_string(at, 0, row.invoice.to_string())?,
        None => sheet.write_number(at, 0, row.invoice.number)?,
    };
    match row.stock_code.parse::<u32>() {
        Ok(code) => sheet.write_number(at, 1, code)?,
        Err(_) => sheet.write_string(at, 1, row.stock_code)?,
    };
    if let Some(description) = row.description {
        sheet.write_string(at, 2, description)?;
    }
    sheet.write_number(at, 3, row.quantity)?;
    sheet.write_number_with_format(at, 4, serial_day(row.at), date)?;
    sheet.write_number(at, 5, row.price.mils as f64 / 1000.0)?;
    if let Some(customer) = row.customer {
        sheet.write_number(at, 6, customer)?;
    }
    sheet.write_string(at, 7, row.country)?;
    Ok(())
}

/// Days since 1899-12-30, Excel's count for dates after February 1900.
fn serial_day(at: NaiveDateTime) -> f64 {
    let epoch = NaiveDate::from_ymd_opt(1899, 12, 30).expect("a date of the calendar").and_time(NaiveTime::MIN);
    (at - epoch).num_minutes() as f64 / 1440.0
}

fn explain(path: &Path, error: &XlsxError) -> DataError {
    DataError::write("write", path, &Error::other(error.to_string()))
}
