//! Sheets of workbooks as a [`Source`].
//!
//! All kinds but XLS are streamed cell by cell, so that a stray cell in the far corner costs nothing, and what they unpack
//! to is counted as it comes. The first row that isn't empty is the header unless titles stand above it, and the columns
//! of the table end where the header ends.

use std::cell::RefCell;
use std::fs::{File, Metadata};
use std::ops::ControlFlow;
use std::rc::Rc;

use super::cell::{Row, Source, Visitor};
use super::error::{Budget, IngestError, Result, near_misses};
use super::headers::{self, Sampled};
use super::times::Epoch;
use super::{Container, Detection, Format, InputFile, Limits, Sheet, Sheets, container};
use crate::progress::Progress;
use grid::{Area, RowVisitor, Seen, Step, Window, column_name};
use merged::Filler;

mod grid;
mod merged;
mod ods;
mod ole;
mod package;
mod styles;
mod texts;
mod xls;
mod xlsb;
mod xlsx;
mod xml;

pub use grid::Range;

pub(super) struct Workbook {
    book: Rc<RefCell<dyn Book>>,
    /// Of the file.
    file: String,
    /// How messages call this sheet of it.
    name: String,
    /// Its place in the workbook, and the names of all sheets.
    sheet: usize,
    sheets: Vec<String>,
    epoch: Epoch,
    window: Window,
    headers: Vec<String>,
    header: bool,
    /// From 0, of the first row of the table.
    first_row: u32,
    /// What was detected above the first row of data.
    top: Vec<Detection>,
    seen: Seen,
    /// What the spec states about cells that are hidden and cells that are merged.
    hidden: Option<bool>,
    fill: Option<bool>,
    /// The areas to fill, once they are known.
    merged: Option<Vec<Area>>,
}

/// A workbook that is open. Its sheets are counted in its order, those that hold no cells left out.
trait Book {
    fn sheets(&self) -> &[SheetEntry];
    fn epoch(&self) -> Epoch;
    /// Shows the rows of a sheet that have any cell in the window.
    fn read(&mut self, sheet: usize, window: &Window, seen: &mut Seen, visit: &mut RowVisitor) -> Step<()>;
}

struct SheetEntry {
    name: String,
    hidden: bool,
}

const SAMPLE_ROWS: usize = 100;

impl Workbook {
    /// A source for every sheet that the format names. `wanted` are the headers that the request names.
    pub fn open(
        file: &InputFile,
        (found, metadata): (Container, &Metadata),
        format: &Format,
        limits: &Limits,
        wanted: &[&str],
    ) -> Result<Vec<Box<dyn Source>>> {
        let book = open_book(file, (found, metadata), limits)?;
        let epoch = book.borrow().epoch();
        let sheets: Vec<String> = book.borrow().sheets().iter().map(|sheet| sheet.name.clone()).collect();
        let (chosen, choice) = choose_sheets(file, book.borrow().sheets(), &format.sheets)?;
        let mut sources: Vec<Box<dyn Source>> = Vec::new();
        for &sheet in &chosen {
            let name = match chosen.len() {
                1 => file.name.clone(),
                _ => format!("{}, sheet `{}`", file.name, sheets[sheet]),
            };
            let mut workbook = Workbook {
                book: book.clone(),
                file: file.name.clone(),
                name,
                sheet,
                sheets: sheets.clone(),
                epoch,
                window: Window::new(format.range, format.hidden == Some(false), limits.cells),
                headers: Vec::new(),
                header: true,
                first_row: 0,
                top: choice.clone(),
                seen: Seen::default(),
                hidden: format.hidden,
                fill: format.fill_merged,
                merged: None,
            };
            workbook.read_headers(format, limits, wanted)?;
            sources.push(Box::new(workbook));
        }
        Ok(sources)
    }

    fn read_headers(&mut self, format: &Format, limits: &Limits, wanted: &[&str]) -> Result<()> {
        let (epoch, mut above) = (self.epoch, format.skip.unwrap_or(0));
        let mut rows = Vec::<Sampled>::new();
        self.read(&mut |number, cells| {
            if above > 0 {
                above -= 1;
                return Ok(ControlFlow::Continue(()));
            }
            let width = cells.width();
            let row = Row { number: 0, epoch, cells };
            let mut scratch = String::new();
            let cells = (0..width).map(|column| row.cell(column).shown(epoch, &mut scratch).trim().to_owned());
            rows.push(Sampled { number: u64::from(number) + 1, cells: cells.collect() });
            Ok(if rows.len() < SAMPLE_ROWS { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })?;
        let file = self.name.clone();
        if rows.is_empty() {
            return Err(IngestError::Empty { file });
        }
        let top = headers::find_top(format, &rows, wanted);
        let widest = rows[top.titles..].iter().map(|row| row.cells.len()).max().unwrap_or_default();
        let first = rows.swap_remove(top.titles);
        self.first_row = (first.number - 1) as u32;
        self.header = top.header;
        self.top.extend(top.detected);
        self.headers = if top.header { first.cells } else { vec![String::new(); widest] };
        if let Some(width) = self.window.stated_width() {
            self.headers.resize(width, String::new());
        }
        if self.headers.len() > limits.columns {
            let (budget, limit) = (Budget::Columns, limits.columns as u64);
            return Err(IngestError::TooLarge { file, budget, limit, at: Some(first.number) });
        }
        self.window.width = Some(self.headers.len());
        Ok(())
    }

    fn read(&mut self, visit: &mut RowVisitor) -> Result<()> {
        self.seen = Seen::default();
        let read = self.book.borrow_mut().read(self.sheet, &self.window, &mut self.seen, visit);
        read.map_err(|trouble| trouble.in_file(&self.file))
    }

    /// Cells outside of the table, and cells that do not look like what they hold.
    fn oddities(&self, used: &[usize]) -> Vec<Detection> {
        let (seen, left) = (&self.seen, *self.window.columns.start());
        let mut found = Vec::new();
        let mut report = |what, value: &str, evidence: String, pin: String| {
            let value = value.to_owned();
            found.push(Detection { what, column: None, value, evidence, pin, certain: false });
        };
        if let Some((row, column)) = seen.first_stray {
            let cells = if seen.strays == 1 { "1 cell".to_owned() } else { format!("{} cells", seen.strays) };
            let evidence =
                format!("{cells} to the right of the last header, the first at {}{}", column_name(column), row + 1);
            let last = left + self.headers.len().max(1) as u32 - 1;
            let pin = format!("range \"{}:{}\"", column_name(left), column_name(last));
            report("cells outside the table", "left out", evidence, pin);
        }
        let uses =
            |(first, last): (u32, u32)| used.iter().any(|column| (first..=last).contains(&(left + *column as u32)));
        let below = self.first_row + u32::from(self.header);
        let merged = seen.merged.iter().filter(|area| {
            area.rows.1 >= below.max(*self.window.rows.start())
                && area.rows.0 <= *self.window.rows.end()
                && uses(area.columns)
        });
        let merged: Vec<String> = merged.map(ToString::to_string).collect();
        if let Some(first) = merged.first().filter(|_| self.fill.is_none()) {
            let evidence = match merged.len() {
                1 => first.clone(),
                count => format!("{count} areas, the first is {first}"),
            };
            let pin = "fill_merged yes".to_owned();
            report("merged cells", "only the first cell of each has the value", evidence, pin);
        }
        if let Some(row) = seen.first_hidden_row.filter(|_| self.hidden.is_none()) {
            let evidence = match seen.hidden_rows {
                1 => format!("row {}", row + 1),
                count => format!("{count} rows, the first is row {}", row + 1),
            };
            report("hidden rows", "read as all others", evidence, "hidden yes".to_owned());
        }
        let hidden: Vec<String> = (used.iter().map(|column| left + *column as u32))
            .filter(|column| seen.hidden_columns.iter().any(|(first, last)| (first..=last).contains(&column)))
            .map(column_name)
            .collect();
        if !hidden.is_empty() && self.hidden.is_none() {
            report("hidden columns", "read as all others", hidden.join(", "), "hidden yes".to_owned());
        }
        found
    }
}

impl Source for Workbook {
    fn name(&self) -> &str {
        &self.name
    }

    fn headers(&self) -> &[String] {
        &self.headers
    }

    fn has_header(&self) -> bool {
        self.header
    }

    fn detected(&self, used: &[usize]) -> Vec<Detection> {
        self.top.iter().cloned().chain(self.oddities(used)).collect()
    }

    fn total(&self) -> Option<u64> {
        self.seen.rows
    }

    fn sheets(&self) -> Option<(&str, &[String])> {
        Some((&self.sheets[self.sheet], &self.sheets))
    }

    fn visit(&mut self, progress: &dyn Progress, visitor: &mut Visitor) -> Result<()> {
        let (epoch, start) = (self.epoch, self.first_row + u32::from(self.header));
        if self.fill == Some(true) && self.merged.is_none() {
            // A sheet tells of its merged cells after all others.
            self.read(&mut |_, _| Ok(ControlFlow::Continue(())))?;
            self.merged = Some(merged::within(&self.seen.merged, *self.window.columns.start(), self.headers.len()));
        }
        let areas = self.merged.take().unwrap_or_default();
        let mut filler = Filler::new(&areas);
        let visited = self.read(&mut |number, cells| {
            if number < start {
                return Ok(ControlFlow::Continue(()));
            }
            if number.is_multiple_of(8192) {
                progress.at(number.into());
            }
            let row = Row { number: u64::from(number) + 1, epoch, cells };
            match filler.fill(number, &row) {
                Some(filled) => visitor(Ok(filled)),
                None => visitor(Ok(row)),
            }
        });
        self.merged = self.fill.filter(|fill| *fill).map(|_| areas);
        visited
    }
}

fn open_book(
    file: &InputFile,
    (found, metadata): (Container, &Metadata),
    limits: &Limits,
) -> Result<Rc<RefCell<dyn Book>>> {
    let handle = File::open(&file.path).map_err(|error| container::unreadable(file, &error))?;
    let limit = limits.inflated_from(metadata.len());
    let book: Step<Rc<RefCell<dyn Book>>> = match found {
        Container::Xls if metadata.len() > limits.whole_workbook => {
            let (budget, limit) = (Budget::WholeWorkbook, limits.whole_workbook);
            return Err(IngestError::TooLarge { file: file.name.clone(), budget, limit, at: None });
        }
        Container::Xls => {
            let bytes = std::fs::read(&file.path).map_err(|error| container::unreadable(file, &error))?;
            xls::Xls::open(bytes, limits).map(|book| Rc::new(RefCell::new(book)) as _)
        }
        Container::Xlsb => xlsb::Xlsb::open(handle, limit, limits).map(|book| Rc::new(RefCell::new(book)) as _),
        Container::Ods => ods::Ods::open(handle, limit).map(|book| Rc::new(RefCell::new(book)) as _),
        _ => xlsx::Xlsx::open(handle, limit, limits).map(|book| Rc::new(RefCell::new(book)) as _),
    };
    book.map_err(|trouble| trouble.in_file(&file.name))
}

/// The places of the sheets to read, and what had to be decided for that.
fn choose_sheets(file: &InputFile, all: &[SheetEntry], stated: &Sheets) -> Result<(Vec<usize>, Vec<Detection>)> {
    let detection = |what, value: String, evidence: String, pin: String, certain| {
        vec![Detection { what, column: None, value, evidence, pin, certain }]
    };
    let quoted = |name: &str| format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""));
    let shown: Vec<usize> = (0..all.len()).filter(|sheet| !all[*sheet].hidden).collect();
    match stated {
        Sheets::These(sheets) => {
            let (mut chosen, mut detected) = (Vec::new(), Vec::new());
            for sheet in sheets {
                let (found, renamed) = find_sheet(file, all, sheet)?;
                let name = &all[found].name;
                if let Some(evidence) = renamed {
                    let pin = format!("sheet {}", quoted(name));
                    detected.extend(detection("sheet", name.clone(), evidence, pin, true));
                }
                if all[found].hidden {
                    let value = format!("`{name}` is read");
                    detected.extend(detection(
                        "hidden sheet",
                        value,
                        "the spec names it".to_owned(),
                        String::new(),
                        true,
                    ));
                }
                if !chosen.contains(&found) {
                    chosen.push(found);
                }
            }
            Ok((chosen, detected))
        }
        Sheets::All if !shown.is_empty() => {
            let hidden: Vec<String> =
                all.iter().filter(|sheet| sheet.hidden).map(|sheet| format!("`{}`", sheet.name)).collect();
            let names: Vec<String> = shown.iter().map(|sheet| quoted(&all[*sheet].name)).collect();
            let detected = match hidden.is_empty() {
                true => Vec::new(),
                false => {
                    let pin = format!("sheet {}", names.join(", "));
                    detection("hidden sheets", "left out".to_owned(), hidden.join(", "), pin, false)
                }
            };
            Ok((shown, detected))
        }
        Sheets::All | Sheets::Unstated => {
            let Some(&chosen) = shown.first().or((!all.is_empty()).then_some(&0)) else {
                return Err(IngestError::Empty { file: file.name.clone() });
            };
            let mark = |sheet: &SheetEntry| if sheet.hidden { " (hidden)" } else { "" };
            let listed: Vec<String> = all.iter().map(|sheet| format!("`{}`{}", sheet.name, mark(sheet))).collect();
            let (evidence, certain) = match listed.as_slice() {
                [_] => ("the only sheet".to_owned(), true),
                several => (format!("the first of {}", several.join(", ")), false),
            };
            let name = all[chosen].name.clone();
            let pin = format!("sheet {}", quoted(&name));
            Ok((vec![chosen], detection("sheet", name, evidence, pin, certain)))
        }
    }
}

/// The sheet that a spec means and, where its name is spelt otherwise, how.
fn find_sheet(file: &InputFile, all: &[SheetEntry], stated: &Sheet) -> Result<(usize, Option<String>)> {
    let missing = |near| {
        let sheets = all.iter().map(|sheet| sheet.name.clone()).collect();
        Err(IngestError::MissingSheet { file: file.name.clone(), sheet: stated.clone(), near, sheets })
    };
    match stated {
        Sheet::Number(number) => match (*number as usize).checked_sub(1).filter(|index| *index < all.len()) {
            Some(found) => Ok((found, None)),
            None => missing(Vec::new()),
        },
        Sheet::Name(name) => {
            if let Some(found) = all.iter().position(|sheet| sheet.name == *name) {
                return Ok((found, None));
            }
            let alike = |sheet: &SheetEntry| sheet.name.trim().to_lowercase() == name.trim().to_lowercase();
            match (0..all.len()).filter(|sheet| alike(&all[*sheet])).collect::<Vec<_>>().as_slice() {
                [found] => {
                    let evidence = format!("the spec has `{name}`, the workbook `{}`", all[*found].name);
                    Ok((*found, Some(evidence)))
                }
                _ => missing(near_misses(name, all.iter().map(|sheet| sheet.name.as_str()))),
            }
        }
    }
}
