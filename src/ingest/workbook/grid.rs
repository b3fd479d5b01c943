//! The grid of a sheet: references to its cells, the part of it that holds a table, and rows put together from cells.

use std::fmt;
use std::ops::{ControlFlow, RangeInclusive};
use std::str::FromStr;

use crate::ingest::Container;
use crate::ingest::cell::{Cells, Value};
use crate::ingest::error::{Budget, IngestError, Result};

/// Rows and columns of the largest sheet there is.
pub(super) const ROWS: u32 = 1 << 20;
pub(super) const COLUMNS: u32 = 1 << 14;

/// A part of a sheet as a spec names it: `B3:H2000`, `B3:H` down to the last row, `B:H` from the first one on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// All from 0.
    first_row: u32,
    first_column: u32,
    last_row: Option<u32>,
    last_column: u32,
}

impl FromStr for Range {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        let (first, last) = text.split_once(':').ok_or(())?;
        let ((first_row, first_column), (last_row, last_column)) = (corner(first)?, corner(last)?);
        let first_row = first_row.unwrap_or(0);
        let fits = last_row.is_none_or(|last| (first_row..ROWS).contains(&last))
            && (first_column..COLUMNS).contains(&last_column)
            && first_row < ROWS;
        if fits { Ok(Range { first_row, first_column, last_row, last_column }) } else { Err(()) }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&column_name(self.first_column))?;
        if self.first_row > 0 || self.last_row.is_some() {
            write!(f, "{}", self.first_row + 1)?;
        }
        write!(f, ":{}", column_name(self.last_column))?;
        self.last_row.map_or(Ok(()), |row| write!(f, "{}", row + 1))
    }
}

/// `B3` as row and column from 0; without a row where only the column is named. Dollars mean nothing here.
fn corner(text: &str) -> std::result::Result<(Option<u32>, u32), ()> {
    let plain = text.trim().replace('$', "").to_ascii_uppercase();
    let (row, column) = reference(plain.as_bytes()).ok_or(())?;
    Ok((row, column.ok_or(())?))
}

/// A reference such as `B3`, with either part left out; numbers from 0, beyond the grid where they are beyond all bounds.
pub(super) fn reference(text: &[u8]) -> Option<(Option<u32>, Option<u32>)> {
    let letters = text.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    let (letters, digits) = text.split_at(letters);
    let column = letters
        .iter()
        .fold(0_u32, |column, letter| column.saturating_mul(26).saturating_add(u32::from(letter - b'A') + 1));
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let row = digits.iter().fold(0_u32, |row, digit| row.saturating_mul(10).saturating_add(u32::from(digit - b'0')));
    match (letters, digits) {
        ([], []) => None,
        (_, [_, ..]) if row == 0 => None,
        (letters, digits) => Some(((!digits.is_empty()).then(|| row - 1), (!letters.is_empty()).then(|| column - 1))),
    }
}

/// `A`, `B`, ..., `Z`, `AA`, ...
pub(super) fn column_name(mut column: u32) -> String {
    let mut name = String::new();
    loop {
        name.insert(0, char::from(b'A' + (column % 26) as u8));
        match (column / 26).checked_sub(1) {
            Some(rest) => column = rest,
            None => return name,
        }
    }
}

/// Several cells that are shown as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Area {
    pub rows: (u32, u32),
    pub columns: (u32, u32),
}

impl Area {
    /// From `B3:B9`, as sheets have it.
    pub fn parse(text: &[u8]) -> Option<Area> {
        let colon = text.iter().position(|byte| *byte == b':')?;
        let ((Some(top), Some(left)), (Some(bottom), Some(right))) =
            (reference(&text[..colon])?, reference(&text[colon + 1..])?)
        else {
            return None;
        };
        Some(Area { rows: (top, bottom), columns: (left, right) })
    }
}

impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cell = |row: u32, column: u32| format!("{}{}", column_name(column), u64::from(row) + 1);
        write!(f, "{}:{}", cell(self.rows.0, self.columns.0), cell(self.rows.1, self.columns.1))
    }
}

/// What is to be read of a sheet.
#[derive(Debug, Clone)]
pub(super) struct Window {
    pub rows: RangeInclusive<u32>,
    pub columns: RangeInclusive<u32>,
    /// Columns of the table, once they are known.
    pub width: Option<usize>,
    /// Whether hidden rows are passed over.
    pub visible: bool,
    /// Cells that may be met.
    pub cells: u64,
}

impl Window {
    pub fn new(range: Option<Range>, visible: bool, cells: u64) -> Window {
        let (rows, columns) = match range {
            None => (0..=ROWS - 1, 0..=COLUMNS - 1),
            Some(range) => {
                (range.first_row..=range.last_row.unwrap_or(ROWS - 1), range.first_column..=range.last_column)
            }
        };
        Window { rows, columns, width: None, visible, cells }
    }

    /// Columns, where the spec says how many there are.
    pub fn stated_width(&self) -> Option<usize> {
        let bounded = *self.columns.end() < COLUMNS - 1;
        bounded.then(|| (self.columns.end() - self.columns.start()) as usize + 1)
    }
}

/// What was met beside the cells of the table.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Rows that the sheet says it has; many writers say nothing.
    pub rows: Option<u64>,
    pub cells: u64,
    /// Cells to the right of the header, which belong to no column, and the first of them.
    pub strays: u64,
    pub first_stray: Option<(u32, u32)>,
    /// Rows of the table that are hidden, and the first of them.
    pub hidden_rows: u64,
    pub first_hidden_row: Option<u32>,
    /// First and last.
    pub hidden_columns: Vec<(u32, u32)>,
    pub merged: Vec<Area>,
}

/// More merged areas than any person makes.
const MOST_AREAS: usize = 1 << 20;

impl Seen {
    pub fn merged(&mut self, area: Option<Area>) -> Step<()> {
        if self.merged.len() == MOST_AREAS {
            return Err(Trouble::TooLarge(Budget::Merged, MOST_AREAS as u64, None));
        }
        self.merged.extend(area);
        Ok(())
    }
}

/// Why a sheet can't be read on.
#[derive(Debug)]
pub(super) enum Trouble {
    /// What is wrong with the file, and in which row, from 1.
    Damaged(String, Option<u64>),
    TooLarge(Budget, u64, Option<u64>),
    /// It is protected by a password.
    Encrypted,
    /// Not the sheet is at fault but what becomes of its rows.
    Elsewhere(IngestError),
}

pub(super) type Step<T> = std::result::Result<T, Trouble>;

impl Trouble {
    pub fn damaged(reason: impl Into<String>) -> Trouble {
        Trouble::Damaged(reason.into(), None)
    }

    pub fn in_file(self, file: &str) -> IngestError {
        let file = file.to_owned();
        match self {
            Trouble::Damaged(reason, at) => IngestError::Damaged { file, reason, at },
            Trouble::TooLarge(budget, limit, at) => IngestError::TooLarge { file, budget, limit, at },
            Trouble::Encrypted => IngestError::WrongKind { file, found: Container::Encrypted },
            Trouble::Elsewhere(error) => error,
        }
    }
}

/// Sees row after row, numbered from 0; breaking off is no error.
pub(super) type RowVisitor<'v> = dyn FnMut(u32, Cells<'_>) -> Result<ControlFlow<()>> + 'v;

/// Gathers cells into rows, and leaves out what lies beside the table.
pub(super) struct Rows<'a, 'w> {
    window: &'w Window,
    values: Vec<Value<'a>>,
    inline: String,
    /// The row at hand once it has a cell, and the one before it.
    row: Option<u32>,
    before: Option<u32>,
    hidden: bool,
    any: bool,
}

impl<'a, 'w> Rows<'a, 'w> {
    pub fn new(window: &'w Window) -> Self {
        let values = vec![Value::Empty; window.width.unwrap_or_default()];
        Rows { window, values, inline: String::new(), row: None, before: None, hidden: false, any: false }
    }

    /// Says of the row at hand that it is hidden.
    pub fn hide(&mut self) {
        self.hidden = true;
    }

    /// Adds a cell to the row at hand.
    pub fn put(&mut self, row: u32, column: u32, value: Value<'a>, seen: &mut Seen) -> Step<()> {
        if value == Value::Empty {
            return Ok(());
        }
        if self.row != Some(row) {
            let at = Some(u64::from(row) + 1);
            if row >= ROWS {
                return Err(outside(row));
            }
            if self.row.is_some() || self.before.is_some_and(|before| row <= before) {
                return Err(Trouble::Damaged("rows out of order".to_owned(), at));
            }
            self.row = Some(row);
        }
        if column >= COLUMNS {
            return Err(outside(row));
        }
        self.count(1, row, seen)?;
        if !self.window.rows.contains(&row) || !self.window.columns.contains(&column) {
            return Ok(());
        }
        let place = (column - self.window.columns.start()) as usize;
        if place >= self.values.len() {
            if self.window.width.is_some() {
                seen.strays += 1;
                seen.first_stray.get_or_insert((row, column));
                return Ok(());
            }
            self.values.resize(place + 1, Value::Empty);
        }
        self.values[place] = value;
        self.any = true;
        Ok(())
    }

    /// A text that the sheet does not share, as a value of the row at hand.
    pub fn text(&mut self, text: &str) -> Value<'a> {
        let start = self.inline.len() as u32;
        self.inline.push_str(text);
        if text.is_empty() { Value::Empty } else { Value::Inline(start, self.inline.len() as u32) }
    }

    /// Ends the row at hand, and shows it if it has any cell of the table.
    pub fn show(&mut self, seen: &mut Seen, visit: &mut RowVisitor) -> Step<ControlFlow<()>> {
        let Some(row) = self.row.filter(|_| self.any) else { return Ok(ControlFlow::Continue(())) };
        if self.hidden {
            seen.hidden_rows += 1;
            seen.first_hidden_row.get_or_insert(row);
            if self.window.visible {
                return Ok(ControlFlow::Continue(()));
            }
        }
        visit(row, Cells::Streamed { values: &self.values, inline: &self.inline }).map_err(Trouble::Elsewhere)
    }

    /// Whether the row at hand has any cell.
    pub fn is_empty(&self) -> bool {
        self.row.is_none()
    }

    /// Makes the row at hand the next one, with the same cells.
    pub fn repeat(&mut self, seen: &mut Seen) -> Step<()> {
        if let Some(row) = self.row {
            let next = row + 1;
            if next >= ROWS {
                return Err(outside(next));
            }
            self.count(self.values.len() as u64, next, seen)?;
            self.row = Some(next);
            self.any &= self.window.rows.contains(&next);
        }
        Ok(())
    }

    fn count(&self, cells: u64, row: u32, seen: &mut Seen) -> Step<()> {
        seen.cells += cells;
        let limit = self.window.cells;
        if seen.cells > limit { Err(Trouble::TooLarge(Budget::Cells, limit, Some(u64::from(row) + 1))) } else { Ok(()) }
    }

    /// Makes room for another row.
    pub fn clear(&mut self) {
        match self.window.width {
            Some(_) => self.values.fill(Value::Empty),
            None => self.values.clear(),
        }
        self.inline.clear();
        self.before = self.row.take().or(self.before);
        (self.hidden, self.any) = (false, false);
    }
}

fn outside(row: u32) -> Trouble {
    Trouble::Damaged("a cell lies outside the grid".to_owned(), Some(u64::from(row) + 1))
}
