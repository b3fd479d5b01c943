//! Workbooks for Excel, filled row by row with typed cells. The home of rust_xlsxwriter: it knows what fits into a sheet,
//! and nothing of what is in it.
//!
//! The bytes depend on the cells alone: workbooks say that they were made at one fixed moment. A text is always a text,
//! never a formula or a link, also after somebody has edited it.

use std::collections::BTreeSet;
use std::io::{Seek, Write};
use std::path::Path;

use rust_xlsxwriter::{
    Color, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, IgnoreError, Workbook, Worksheet, XlsxError,
};

use crate::time::DAY;

/// Rows and columns of a sheet.
pub const ROWS: u32 = 1_048_576;
pub const COLUMNS: usize = 16_384;
/// UTF-16 units in a cell.
pub const TEXT: usize = 32_767;
/// UTF-16 units in the name of a sheet.
const NAME: usize = 31;
/// The height of a line, in points.
const LINE: f64 = 16.0;
/// Characters that the arrow of a filter covers.
pub const ARROW: usize = 3;

pub struct Book {
    workbook: Workbook,
    /// Names of sheets in small letters: Excel does not tell them apart by case.
    names: BTreeSet<String>,
}

/// A sheet that is filled from its first row to its last.
pub struct Sheet<'a>(&'a mut Worksheet);

/// What stands above a column.
pub struct Heading {
    pub text: String,
    /// Of the column, in characters.
    pub width: f64,
    /// Over numbers, which stand on the right.
    pub right: bool,
}

/// A value to write.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    Nothing,
    Text(&'a str),
    Number(f64),
    Bool(bool),
}

/// How a cell looks.
#[derive(Clone)]
pub struct Style(Format);

/// Why a workbook can't be written.
#[derive(Debug)]
pub struct BookError(XlsxError);

impl std::fmt::Display for BookError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for BookError {}

impl From<XlsxError> for BookError {
    fn from(error: XlsxError) -> Self {
        BookError(error)
    }
}

impl Book {
    /// An empty workbook. Cells wait in temporary files in `folder`, so that memory does not grow with the rows.
    pub fn new(folder: &Path) -> Result<Book, BookError> {
        let mut workbook = Workbook::new();
        workbook.set_tempdir(folder)?;
        // The file says when it was made; a fixed time keeps the bytes the same.
        let made = ExcelDateTime::from_ymd(2024, 12, 8)?;
        workbook.set_properties(&DocProperties::new().set_creation_datetime(&made));
        Ok(Book { workbook, names: BTreeSet::new() })
    }

    /// Adds a sheet; its name is cut and changed as Excel wants it, and unlike all others.
    pub fn sheet(&mut self, name: &str) -> Result<Sheet<'_>, BookError> {
        let name = self.name(name);
        let sheet = self.workbook.add_worksheet_with_low_memory()?;
        sheet.set_name(name)?;
        Ok(Sheet(sheet))
    }

    /// The sheet that was added last; there has to be one.
    pub fn last(&mut self) -> Sheet<'_> {
        Sheet(self.workbook.worksheets_mut().last_mut().expect("a sheet was added"))
    }

    pub fn save(mut self, file: impl Write + Seek + Send) -> Result<(), BookError> {
        Ok(self.workbook.save_to_writer(file)?)
    }

    fn name(&mut self, wanted: &str) -> String {
        let legal: String = wanted
            .chars()
            .map(|c| if matches!(c, '[' | ']' | ':' | '*' | '?' | '/' | '\\') || c.is_control() { '-' } else { c })
            .collect();
        let names = (1..).map(|nth| match nth {
            1 => named(&legal, ""),
            nth => named(&legal, &format!(" {nth}")),
        });
        // Excel keeps `History` to itself.
        let free = |name: &String| name.to_lowercase() != "history" && !self.names.contains(&name.to_lowercase());
        let name = names.into_iter().find(free).expect("there are endless numbers");
        self.names.insert(name.to_lowercase());
        name
    }
}

/// As much of the text as fits before the ending, without blanks or apostrophes around it.
fn named(text: &str, ending: &str) -> String {
    let outside = |c: char| c == '\'' || c.is_whitespace();
    let cut = fitting(text.trim_matches(outside), NAME - ending.len()).trim_end_matches(outside);
    format!("{}{ending}", if cut.is_empty() { "Sheet" } else { cut })
}

/// The longest beginning of a text with at most `units` UTF-16 units, in which Excel counts.
pub fn fitting(text: &str, units: usize) -> &str {
    let mut room = units;
    let end = text.char_indices().find(|(_, c)| match room.checked_sub(c.len_utf16()) {
        Some(left) => {
            room = left;
            false
        }
        None => true,
    });
    end.map_or(text, |(at, _)| &text[..at])
}

impl Sheet<'_> {
    /// The headings of a table with `rows` rows below them: they stay in sight with the first column, and filter the
    /// rows. On paper they stand on every page.
    pub fn table(&mut self, headings: &[Heading], style: &Style, rows: u32) -> Result<(), BookError> {
        let last = headings.len().saturating_sub(1) as u16;
        let right = Style(style.0.clone().set_align(FormatAlign::Right));
        for (column, heading) in (0..).zip(headings) {
            self.0.set_column_width(column, heading.width)?;
            let style = if heading.right { &right } else { style };
            self.0.write_string_with_format(0, column, &heading.text, &style.0)?;
        }
        let lines = headings.iter().map(Heading::lines).max().unwrap_or(1);
        self.0.set_row_height(0, LINE * lines as f64)?;
        self.0.set_freeze_panes(1, 1)?.autofilter(0, 0, rows, last)?;
        self.0.set_landscape().set_print_fit_to_pages(1, 0).set_repeat_rows(0, 0)?;
        // Ids are text, also where they look like numbers: that is no mistake to be pointed out.
        self.0.ignore_error_range(1, 0, rows.max(1), last, IgnoreError::NumberStoredAsText)?;
        Ok(())
    }

    pub fn width(&mut self, column: u16, width: f64) -> Result<(), BookError> {
        self.0.set_column_width(column, width)?;
        Ok(())
    }

    /// The colour of the sheet's tab.
    pub fn tab(&mut self, rgb: u32) {
        self.0.set_tab_color(Color::RGB(rgb));
    }

    pub fn write(&mut self, row: u32, column: u16, value: Value, style: &Style) -> Result<(), BookError> {
        match value {
            Value::Nothing => self.0.write_blank(row, column, &style.0)?,
            Value::Text(text) => self.0.write_string_with_format(row, column, text, &style.0)?,
            Value::Number(x) => self.0.write_number_with_format(row, column, x, &style.0)?,
            Value::Bool(b) => self.0.write_boolean_with_format(row, column, b, &style.0)?,
        };
        Ok(())
    }
}

impl Style {
    /// As Excel shows a cell by itself.
    pub fn plain() -> Style {
        Style(Format::new())
    }

    /// A text that stays one, whatever is typed into it, a little away from a number on its left.
    pub fn text() -> Style {
        Style(Format::new().set_num_format("@").set_align(FormatAlign::Left).set_indent(1))
    }

    /// In a number format such as `#,##0.00`.
    pub fn number(format: &str) -> Style {
        Style(Format::new().set_num_format(format))
    }

    /// In one of Excel's own formats.
    pub fn builtin(index: u8) -> Style {
        Style(Format::new().set_num_format_index(index))
    }

    pub fn filled(self, fill: u32, ink: u32) -> Style {
        Style(self.0.set_background_color(Color::RGB(fill)).set_font_color(Color::RGB(ink)))
    }

    pub fn bold(self) -> Style {
        Style(self.0.set_bold())
    }

    /// Long texts go on in further lines of the cell.
    pub fn wrapped(self) -> Style {
        Style(self.0.set_text_wrap().set_align(FormatAlign::Top))
    }

    pub fn top(self) -> Style {
        Style(self.0.set_align(FormatAlign::Top))
    }

    /// A line above, as over a sum.
    pub fn ruled(self) -> Style {
        Style(self.0.set_border_top(FormatBorder::Thin))
    }
}

impl Heading {
    /// Lines that the words take when they are broken where they have to be.
    fn lines(&self) -> usize {
        let room = (self.width as usize).saturating_sub(ARROW);
        let (mut lines, mut used) = (1, 0);
        for word in self.text.split(' ').map(|word| word.chars().count()) {
            if used > 0 && used + 1 + word > room {
                lines += 1;
                used = word;
            } else {
                used += word + usize::from(used > 0);
            }
        }
        lines
    }
}

/// A moment as Excel counts, in days; nothing where its calendar ends or, before March 1900, goes wrong.
pub fn serial_day(micros: i64) -> Option<f64> {
    // From 1899-12-30, and up to the year 10000.
    const EPOCH: i64 = -25_569 * DAY;
    const FIRST: i64 = 61;
    const END: i64 = 2_958_466;
    let since = micros.checked_sub(EPOCH)?;
    (FIRST * DAY..END * DAY).contains(&since).then(|| since as f64 / DAY as f64)
}
