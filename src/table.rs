//! Columns in memory as they come out of a source: our own plain types, known to every engine and owned by none.

/// A table as it was read: every column has `height` cells.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    pub height: usize,
    pub columns: Vec<Column>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub name: String,
    pub data: ColumnData,
}

/// The cells of one column. A missing cell holds the type's default in `values` and `false` in `valid`.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnData {
    Text(TextColumn),
    Int(Cells<i64>),
    Number(Cells<f64>),
    /// Fixed-point decimals: the value is `cell / 10^scale`, the scale being the largest that any cell needed.
    Decimal {
        cells: Cells<i64>,
        scale: u8,
    },
    /// Microseconds since 1970-01-01T00:00:00, local time without a zone; a date is its midnight.
    Time(Cells<i64>),
    Bool(Cells<bool>),
}

/// Cells of a fixed-width type; `valid` is absent when no cell is missing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cells<T> {
    pub values: Vec<T>,
    pub valid: Option<Vec<bool>>,
}

/// Text, coded by a dictionary: retail columns repeat their values, so a row costs four bytes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TextColumn {
    /// One per row: an index into `words`, or [`TextColumn::MISSING`].
    pub codes: Vec<u32>,
    /// Distinct values in order of first appearance.
    pub words: Vec<Box<str>>,
}

impl<T: Default + Copy> Cells<T> {
    pub fn with_capacity(capacity: usize) -> Self {
        Cells { values: Vec::with_capacity(capacity), valid: None }
    }

    pub fn push(&mut self, cell: Option<T>) {
        match (cell, &mut self.valid) {
            (Some(value), None) => self.values.push(value),
            (Some(value), Some(valid)) => {
                self.values.push(value);
                valid.push(true);
            }
            (None, Some(valid)) => {
                self.values.push(T::default());
                valid.push(false);
            }
            (None, None) => {
                let mut valid = vec![true; self.values.len()];
                valid.push(false);
                self.values.push(T::default());
                self.valid = Some(valid);
            }
        }
    }

    pub fn get(&self, row: usize) -> Option<T> {
        match &self.valid {
            Some(valid) if !valid[row] => None,
            _ => Some(self.values[row]),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = Option<T>> + '_ {
        (0..self.values.len()).map(|row| self.get(row))
    }

    pub fn missing(&self) -> usize {
        self.valid.as_ref().map_or(0, |valid| valid.iter().filter(|ok| !**ok).count())
    }
}

impl TextColumn {
    pub const MISSING: u32 = u32::MAX;

    pub fn get(&self, row: usize) -> Option<&str> {
        match self.codes[row] {
            Self::MISSING => None,
            code => Some(&self.words[code as usize]),
        }
    }
}

impl Table {
    pub fn column(&self, name: &str) -> Option<&ColumnData> {
        self.columns.iter().find(|column| column.name == name).map(|column| &column.data)
    }
}
