//! Sheets of workbooks as a [`Source`].
//!
//! XLSX and XLSB are streamed cell by cell, so that a stray cell in the far corner costs nothing; XLS and ODS have no
//! such reader and are held whole, under a limit of size. A sheet's first row that isn't empty is its header, and its
//! columns end where the header ends.

use std::fs::{File, Metadata};
use std::io::{BufReader, Cursor};
use std::ops::ControlFlow;

use calamine::{Data, DataRef, Ods, Range, Reader, SheetType, SheetVisible, Xls, Xlsb, Xlsx};

use super::cell::{Cells, Row, Source, Value, Visitor};
use super::error::{Budget, IngestError, Result, near_misses};
use super::guard::guarded;
use super::times::Epoch;
use super::{Container, Detection, Format, InputFile, Limits, Sheet, container, headers, ole};
use crate::progress::Progress;

pub(super) struct Workbook {
    file: InputFile,
    limits: Limits,
    book: Book,
    epoch: Epoch,
    sheet: String,
    sheets: Vec<String>,
    choice: Option<Detection>,
    headers: Vec<String>,
    header: bool,
    headless: Option<String>,
    /// From 0, of the first row that isn't empty.
    first_row: u32,
    /// Rows that the sheet says it has.
    rows: Option<u64>,
    strays: Strays,
}

enum Book {
    Xlsx(Box<Xlsx<BufReader<File>>>),
    Xlsb(Box<Xlsb<BufReader<File>>>),
    Held(Range<Data>),
}

/// Cells to the right of the header, which belong to no column.
#[derive(Default)]
struct Strays {
    count: u64,
    first: Option<(u32, u32)>,
}

/// The grid of Excel.
const ROWS: u32 = 1 << 20;
const COLUMNS: u32 = 1 << 14;

const SAMPLE_ROWS: usize = 100;

type RowVisitor<'v> = dyn FnMut(u32, Cells<'_>) -> Result<ControlFlow<()>> + 'v;

impl Workbook {
    pub fn open(
        file: &InputFile,
        (found, metadata): (Container, &Metadata),
        format: &Format,
        limits: &Limits,
        wanted: &[&str],
    ) -> Result<Self> {
        let stated = [("delimiter", format.delimiter.is_some()), ("encoding", format.encoding.is_some())];
        if let Some((option, _)) = stated.iter().find(|(_, stated)| *stated) {
            return Err(IngestError::OptionDoesNotFit { file: file.name.clone(), option, found });
        }
        let handle = File::open(&file.path).map_err(|error| container::unreadable(file, &error))?;
        let reader = BufReader::with_capacity(64 << 10, handle);
        if matches!(found, Container::Xls | Container::Ods) && metadata.len() > limits.whole_workbook {
            let (budget, limit) = (Budget::WholeWorkbook, limits.whole_workbook);
            return Err(IngestError::TooLarge { file: file.name.clone(), budget, limit, at: None });
        }
        let (book, epoch, sheet, sheets, choice) = match found {
            Container::Xlsb => {
                let book = attempt(file, || Xlsb::new(reader))?;
                let (sheet, sheets, choice) = choose_sheet(file, book.sheets_metadata(), &format.sheet)?;
                let epoch = epoch(book.has_1904_epoch());
                (Book::Xlsb(Box::new(book)), epoch, sheet, sheets, choice)
            }
            Container::Xls => {
                let bytes = std::fs::read(&file.path).map_err(|error| container::unreadable(file, &error))?;
                attempt(file, || ole::check(&bytes))?;
                let mut book = attempt(file, || Xls::new(Cursor::new(bytes)))?;
                let (sheet, sheets, choice) = choose_sheet(file, book.sheets_metadata(), &format.sheet)?;
                let epoch = epoch(book.has_1904_epoch());
                (Book::Held(attempt(file, || book.worksheet_range(&sheet))?), epoch, sheet, sheets, choice)
            }
            Container::Ods => {
                let mut book = attempt(file, || Ods::new(reader))?;
                let (sheet, sheets, choice) = choose_sheet(file, book.sheets_metadata(), &format.sheet)?;
                (Book::Held(attempt(file, || book.worksheet_range(&sheet))?), Epoch::Y1900, sheet, sheets, choice)
            }
            _ => {
                let book = attempt(file, || Xlsx::new(reader))?;
                let (sheet, sheets, choice) = choose_sheet(file, book.sheets_metadata(), &format.sheet)?;
                let epoch = epoch(book.has_1904_epoch());
                (Book::Xlsx(Box::new(book)), epoch, sheet, sheets, choice)
            }
        };
        let mut workbook = Workbook {
            file: file.clone(),
            limits: *limits,
            book,
            epoch,
            sheet,
            sheets,
            choice,
            headers: Vec::new(),
            header: true,
            headless: None,
            first_row: 0,
            rows: None,
            strays: Strays::default(),
        };
        workbook.read_headers(format, wanted)?;
        Ok(workbook)
    }

    fn read_headers(&mut self, format: &Format, wanted: &[&str]) -> Result<()> {
        let (epoch, columns) = (self.epoch, self.limits.columns);
        let (mut rows, mut first_row) = (Vec::<Vec<String>>::new(), 0);
        self.each_row(None, &mut |number, cells| {
            let width = cells.width();
            let row = Row { number: 0, epoch, cells };
            let mut scratch = String::new();
            let cells = (0..width).map(|column| row.cell(column).shown(epoch, &mut scratch).trim().to_owned());
            if rows.is_empty() {
                first_row = number;
            }
            rows.push(cells.collect());
            Ok(if rows.len() < SAMPLE_ROWS { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })?;
        let file = self.file.name.clone();
        let Some((first, rest)) = rows.split_first() else { return Err(IngestError::Empty { file }) };
        (self.header, self.headless) = headers::decide(format.header, first, rest, wanted);
        self.headers = match self.header {
            true => first.clone(),
            false => vec![String::new(); rows.iter().map(Vec::len).max().unwrap_or_default()],
        };
        self.first_row = first_row;
        if self.headers.len() > columns {
            let (budget, limit) = (Budget::Columns, columns as u64);
            return Err(IngestError::TooLarge { file, budget, limit, at: Some(u64::from(first_row) + 1) });
        }
        Ok(())
    }

    /// Rows that have any cell, in their order; cells at `width` and beyond are strays.
    fn each_row(&mut self, width: Option<usize>, visit: &mut RowVisitor) -> Result<()> {
        let (file, sheet) = (&self.file, &self.sheet);
        match &mut self.book {
            Book::Xlsx(book) => {
                let mut reader = attempt(file, || book.worksheet_cells_reader(sheet))?;
                self.rows = declared_rows(reader.dimensions());
                stream(file, width, || reader.next_cell(), &mut self.strays, visit)
            }
            Book::Xlsb(book) => {
                let mut reader = attempt(file, || book.worksheet_cells_reader(sheet))?;
                self.rows = declared_rows(reader.dimensions());
                stream(file, width, || reader.next_cell(), &mut self.strays, visit)
            }
            Book::Held(range) => {
                let (top, left) = range.start().unwrap_or_default();
                self.rows = Some(u64::from(top) + range.height() as u64);
                for (number, mut cells) in (top..).zip(range.rows()) {
                    if let Some(keep) = width.map(|width| width.saturating_sub(left as usize))
                        && keep < cells.len()
                    {
                        for (column, _) in cells.iter().enumerate().skip(keep).filter(|(_, cell)| **cell != Data::Empty)
                        {
                            self.strays.note(number, left + column as u32);
                        }
                        cells = &cells[..keep];
                    }
                    let last = cells.iter().rposition(|cell| *cell != Data::Empty);
                    let Some(last) = last else { continue };
                    if visit(number, Cells::Held { first: left as usize, cells: &cells[..=last] })?.is_break() {
                        break;
                    }
                }
                Ok(())
            }
        }
    }
}

impl Source for Workbook {
    fn headers(&self) -> &[String] {
        &self.headers
    }

    fn has_header(&self) -> bool {
        self.header
    }

    fn detected(&self) -> Vec<Detection> {
        let strays = self.strays.first.map(|(row, column)| Detection {
            what: "cells outside the table",
            column: None,
            value: "left out".to_owned(),
            evidence: format!(
                "{} to the right of the last header, the first at {}{}",
                self.strays.count,
                column_name(column),
                row + 1
            ),
            pin: String::new(),
            certain: false,
        });
        let header = self.headless.clone().map(headers::no_header);
        self.choice.clone().into_iter().chain(header).chain(strays).collect()
    }

    fn total(&self) -> Option<u64> {
        self.rows
    }

    fn sheets(&self) -> Option<(&str, &[String])> {
        Some((&self.sheet, &self.sheets))
    }

    fn visit(&mut self, progress: &dyn Progress, visitor: &mut Visitor) -> Result<()> {
        let (epoch, width, header) = (self.epoch, self.headers.len(), self.header);
        let start = self.first_row + u32::from(header);
        self.strays = Strays::default();
        self.each_row(Some(width), &mut |number, cells| {
            if number < start {
                return Ok(ControlFlow::Continue(()));
            }
            if number.is_multiple_of(8192) {
                progress.at(number.into());
            }
            visitor(Ok(Row { number: u64::from(number) + 1, epoch, cells }))
        })
    }
}

impl Strays {
    fn note(&mut self, row: u32, column: u32) {
        self.count += 1;
        self.first.get_or_insert((row, column));
    }
}

/// Gathers a stream of cells into rows.
fn stream<'a, E: std::fmt::Display>(
    file: &InputFile,
    width: Option<usize>,
    mut next: impl FnMut() -> std::result::Result<Option<calamine::Cell<DataRef<'a>>>, E>,
    strays: &mut Strays,
    visit: &mut RowVisitor,
) -> Result<()> {
    let mut values = vec![Value::Empty; width.unwrap_or_default()];
    let (mut inline, mut ahead, mut previous, mut ended) = (String::new(), None, None, false);
    while !ended {
        values.fill(Value::Empty);
        inline.clear();
        let (mut current, mut any, mut outside) = (None, false, false);
        let gathered = guarded(|| {
            loop {
                let Some(cell) = ahead.take().map_or_else(&mut next, |cell| Ok(Some(cell)))? else {
                    ended = true;
                    return Ok(());
                };
                let (row, column) = cell.get_position();
                if current.is_some_and(|current| current != row) {
                    ahead = Some(cell);
                    return Ok(());
                }
                let value = Value::of(cell.get_value(), &mut inline);
                if value == Value::Empty {
                    continue;
                }
                current = Some(row);
                outside = row >= ROWS || column >= COLUMNS;
                if outside {
                    return Ok(());
                }
                let column = column as usize;
                if column >= values.len() && width.is_some() {
                    strays.note(row, column as u32);
                    continue;
                }
                if column >= values.len() {
                    values.resize(column + 1, Value::Empty);
                }
                values[column] = value;
                any = true;
            }
        });
        let trouble = match gathered {
            None => Some(BROKE_DOWN.to_owned()),
            Some(Err::<(), E>(error)) => Some(error.to_string().to_lowercase()),
            Some(Ok(())) if outside => Some("a cell lies outside the grid".to_owned()),
            Some(Ok(())) if current.is_some() && current <= previous => Some("rows out of order".to_owned()),
            Some(Ok(())) => None,
        };
        if let Some(reason) = trouble {
            let at = current.or(previous).map(|row| u64::from(row) + 1);
            return Err(IngestError::Damaged { file: file.name.clone(), reason, at });
        }
        previous = current;
        if let Some(row) = current
            && any
            && visit(row, Cells::Streamed { values: &values, inline: &inline })?.is_break()
        {
            break;
        }
    }
    Ok(())
}

const BROKE_DOWN: &str = "its parts contradict each other";

/// Runs a step of the library that reads workbooks.
fn attempt<T, E: std::fmt::Display>(file: &InputFile, step: impl FnOnce() -> std::result::Result<T, E>) -> Result<T> {
    let reason = match guarded(step) {
        Some(Ok(value)) => return Ok(value),
        Some(Err(error)) => error.to_string().to_lowercase(),
        None => BROKE_DOWN.to_owned(),
    };
    Err(IngestError::Damaged { file: file.name.clone(), reason, at: None })
}

fn choose_sheet(
    file: &InputFile,
    all: &[calamine::Sheet],
    stated: &Option<Sheet>,
) -> Result<(String, Vec<String>, Option<Detection>)> {
    let tables: Vec<&calamine::Sheet> = all.iter().filter(|sheet| sheet.typ == SheetType::WorkSheet).collect();
    let names: Vec<String> = tables.iter().map(|sheet| sheet.name.clone()).collect();
    let missing = |sheet: &Sheet, near| {
        Err(IngestError::MissingSheet { file: file.name.clone(), sheet: sheet.clone(), near, sheets: names.clone() })
    };
    let detection = |value: &String, evidence: String, certain: bool| {
        let pin = format!("sheet \"{}\"", value.replace('"', "\\\""));
        Detection { what: "sheet", column: None, value: value.clone(), evidence, pin, certain }
    };
    match stated {
        Some(Sheet::Name(name)) if names.contains(name) => Ok((name.clone(), names, None)),
        Some(stated @ Sheet::Name(name)) => {
            let alike = |other: &&String| other.trim().to_lowercase() == name.trim().to_lowercase();
            match names.iter().filter(alike).collect::<Vec<_>>().as_slice() {
                [found] => {
                    let found = (*found).clone();
                    let choice = detection(&found, format!("the spec has `{name}`, the workbook `{found}`"), true);
                    Ok((found, names, Some(choice)))
                }
                _ => missing(stated, near_misses(name, names.iter().map(String::as_str))),
            }
        }
        Some(stated @ Sheet::Number(number)) => {
            match (*number as usize).checked_sub(1).and_then(|index| names.get(index)) {
                Some(found) => Ok((found.clone(), names.clone(), None)),
                None => missing(stated, Vec::new()),
            }
        }
        None => {
            let visible = |sheet: &calamine::Sheet| sheet.visible == SheetVisible::Visible;
            let chosen = tables.iter().position(|sheet| visible(sheet)).or(tables.first().map(|_| 0));
            let Some(chosen) = chosen else { return Err(IngestError::Empty { file: file.name.clone() }) };
            let listed: Vec<String> = tables
                .iter()
                .map(|sheet| format!("`{}`{}", sheet.name, if visible(sheet) { "" } else { " (hidden)" }))
                .collect();
            let (evidence, certain) = match listed.as_slice() {
                [_] => ("the only sheet".to_owned(), true),
                several => (format!("the first of {}", several.join(", ")), false),
            };
            let name = names[chosen].clone();
            let choice = detection(&name, evidence, certain);
            Ok((name, names, Some(choice)))
        }
    }
}

fn epoch(is_1904: bool) -> Epoch {
    if is_1904 { Epoch::Y1904 } else { Epoch::Y1900 }
}

/// Rows that a sheet says it has; many writers say nothing.
fn declared_rows(dimensions: calamine::Dimensions) -> Option<u64> {
    Some(dimensions.end.0).filter(|last| *last > 0).map(|last| u64::from(last) + 1)
}

/// `A`, `B`, ..., `Z`, `AA`, ...
fn column_name(mut column: u32) -> String {
    let mut name = String::new();
    loop {
        name.insert(0, char::from(b'A' + (column % 26) as u8));
        match (column / 26).checked_sub(1) {
            Some(rest) => column = rest,
            None => return name,
        }
    }
}
