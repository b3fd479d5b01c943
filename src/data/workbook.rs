//! Writes rows as an Excel workbook with the cells of the original Online Retail: ids are numbers where they look like
//! numbers, times are serial days, missing cells are absent.

use std::fs::File;
use std::io::{BufWriter, Error, Write};
use std::path::{Path, PathBuf};

use super::DataError;
use super::row::{COLUMNS, Row, RowSink};
use crate::spreadsheet::{self, Book, BookError, Sheet, Style, Value, serial_day};

/// Rows of a worksheet beneath its header.
pub const MOST_ROWS: u64 = spreadsheet::ROWS as u64 - 1;

/// Excel's own `m/d/yy h:mm`.
const DATE_FORMAT: u8 = 22;

pub struct WorkbookSink {
    book: Book,
    file: BufWriter<File>,
    path: PathBuf,
    plain: Style,
    date: Style,
    /// Next free row of the sheet.
    next: u32,
}

/// A sink for a workbook; `path` is for messages. Cells wait in a temporary file in the same folder, so memory does not
/// grow with the rows.
pub fn workbook_sink(file: File, path: &Path) -> Result<Box<dyn RowSink>, DataError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (plain, date) = (Style::plain(), Style::builtin(DATE_FORMAT));
    let book = begin(folder, &plain).map_err(|error| explain(path, &error))?;
    let file = BufWriter::with_capacity(1 << 16, file);
    Ok(Box::new(WorkbookSink { book, file, path: path.into(), plain, date, next: 1 }))
}

fn begin(folder: &Path, plain: &Style) -> Result<Book, BookError> {
    let mut book = Book::new(folder)?;
    let mut sheet = book.sheet("Online Retail")?;
    sheet.width(2, 36.0)?;
    sheet.width(4, 16.0)?;
    for (column, name) in (0..).zip(COLUMNS) {
        sheet.write(0, column, Value::Text(name), plain)?;
    }
    Ok(book)
}

impl RowSink for WorkbookSink {
    fn write(&mut self, rows: &[Row<'_>]) -> Result<(), DataError> {
        let mut sheet = self.book.last();
        for row in rows {
            write_row(&mut sheet, self.next, row, [&self.plain, &self.date])
                .map_err(|error| explain(&self.path, &error))?;
            self.next += 1;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), DataError> {
        self.book.save(&mut self.file).map_err(|error| explain(&self.path, &error))?;
        self.file.flush().map_err(|reason| DataError::write("write", &self.path, &reason))
    }
}

fn write_row(sheet: &mut Sheet, at: u32, row: &Row<'_>, [plain, date]: [&Style; 2]) -> Result<(), BookError> {
    let invoice = row.invoice.to_string();
    let invoice = match row.invoice.letter {
        Some(_) => Value::Text(&invoice),
        None => Value::Number(f64::from(row.invoice.number)),
    };
    let code = row.stock_code.parse::<u32>().map_or(Value::Text(row.stock_code), |code| Value::Number(f64::from(code)));
    let moment = serial_day(row.at.and_utc().timestamp_micros()).map_or(Value::Nothing, Value::Number);
    let cells = [
        invoice,
        code,
        row.description.map_or(Value::Nothing, Value::Text),
        Value::Number(f64::from(row.quantity)),
        moment,
        Value::Number(row.price.mils as f64 / 1000.0),
        row.customer.map_or(Value::Nothing, |customer| Value::Number(f64::from(customer))),
        Value::Text(row.country),
    ];
    for (column, cell) in (0..).zip(cells).filter(|(_, cell)| *cell != Value::Nothing) {
        sheet.write(at, column, cell, if column == 4 { date } else { plain })?;
    }
    Ok(())
}

fn explain(path: &Path, error: &BookError) -> DataError {
    DataError::write("write", path, &Error::other(error.to_string()))
}
