//! A relation in the embedded engine: a polars frame, and how each of its columns is represented.
//!
//! Money is a whole number of 10^-scale units, times are whole microseconds: sums are exact, so they depend neither on
//! the order of rows nor on threads. (Sums of floats over groups do, in polars.)

use std::collections::BTreeMap;

use polars::prelude::*;

use super::ExecError;
use crate::table::{Cells, ColumnData, Table, TextColumn};

/// How the cells of a column are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repr {
    Text,
    /// i64
    Int,
    /// f64
    Float,
    /// i64, in units of 10^-scale
    Decimal(u8),
    /// i64, microseconds
    Micros,
    Bool,
    /// `missing` itself, which is at home in every column.
    Nothing,
}

pub(super) struct Relation {
    pub frame: DataFrame,
    pub reprs: BTreeMap<String, Repr>,
}

/// The column that numbers each distinct row of the source.
pub(super) const IDENTITY: &str = "$identity";
/// The column that has the place of each row in its table.
pub(super) const ROW: &str = "$row";
/// What a row is worth in the ledger.
pub(super) const AMOUNT: &str = "$amount";

impl Relation {
    /// Takes the columns over one by one, so that the table is never held twice.
    pub fn from_table(table: Table, identity: Option<Vec<u128>>) -> Result<Relation, ExecError> {
        let mut columns = vec![];
        let mut reprs = BTreeMap::new();
        let height = table.height;
        for column in table.columns {
            let (series, repr) = series(&column.name, column.data)?;
            reprs.insert(column.name, repr);
            columns.push(series.into());
        }
        if let Some(identity) = identity {
            columns.push(Series::new(IDENTITY.into(), number_distinct(&identity)).into());
        }
        Ok(Relation { frame: DataFrame::new(height, columns)?, reprs })
    }

    /// Gives each row its place, so that it can be found again when others have left.
    pub fn number_rows(&mut self) -> Result<(), ExecError> {
        let places: Vec<i64> = (0..self.height() as i64).collect();
        self.frame.with_column(Series::new(ROW.into(), places).into())?;
        self.reprs.insert(ROW.to_owned(), Repr::Int);
        Ok(())
    }

    pub fn height(&self) -> usize {
        self.frame.height()
    }

    /// Adds the value of an expression as a column of the width that its representation promises.
    pub fn add(&mut self, name: &str, expr: polars::prelude::Expr, repr: Repr) -> Result<(), ExecError> {
        let wide = match repr {
            Repr::Int | Repr::Decimal(_) | Repr::Micros => expr.cast(DataType::Int64),
            Repr::Float | Repr::Nothing => expr.cast(DataType::Float64),
            Repr::Text | Repr::Bool => expr,
        };
        let column = self.column_of(wide.alias(name))?;
        self.frame.with_column(column)?;
        self.reprs.insert(name.to_owned(), repr);
        Ok(())
    }

    /// The cells of an expression, one per row also where it is constant.
    pub fn column_of(&self, expr: polars::prelude::Expr) -> Result<Column, ExecError> {
        let out = collect(self.frame.clone().lazy().select([expr]))?;
        let column = out.columns().first().cloned().expect("one expression gives one column");
        // As so many cells: a column that polars knows to be constant is one cell again beside a literal.
        let spread = || column.new_from_index(0, self.height()).take_materialized_series().into_column();
        Ok(if column.len() == 1 && self.height() != 1 { spread() } else { column })
    }

    /// Takes out the rows where `mask` is true and returns the rows that leave; unknown stays.
    pub fn split(&mut self, mask: &Column) -> Result<DataFrame, ExecError> {
        let leaves: BooleanChunked = mask.bool()?.iter().map(|leaves| leaves == Some(true)).collect();
        let gone = self.frame.select([PlSmallStr::from(AMOUNT)]).unwrap_or_default();
        let gone = if gone.width() == 1 { gone.filter(&leaves)? } else { DataFrame::empty_with_height(count(&leaves)) };
        if count(&leaves) > 0 {
            self.frame = self.frame.filter(&!&leaves)?;
        }
        Ok(gone)
    }
}

/// Runs a query on the in-memory engine, whatever the environment says: the streaming one sums floats in another order
/// on every run.
pub(super) fn collect(query: LazyFrame) -> Result<DataFrame, ExecError> {
    Ok(query.collect_with_engine(Engine::InMemory)?.unwrap_single())
}

fn count(mask: &BooleanChunked) -> usize {
    mask.sum().unwrap_or(0) as usize
}

/// The exact sum of a column of whole numbers.
pub(super) fn exact_sum(column: &Column) -> Result<i128, ExecError> {
    Ok(column.i64()?.iter().flatten().map(i128::from).sum())
}

fn series(name: &str, data: ColumnData) -> Result<(Series, Repr), ExecError> {
    let name: PlSmallStr = name.into();
    Ok(match data {
        ColumnData::Text(text) => (text_series(name, text)?, Repr::Text),
        ColumnData::Int(cells) => (i64_series(name, cells), Repr::Int),
        ColumnData::Decimal { cells, scale } => (i64_series(name, cells), Repr::Decimal(scale)),
        ColumnData::Time(cells) => (i64_series(name, cells), Repr::Micros),
        ColumnData::Number(cells) => match cells.valid {
            None => (Series::new(name, cells.values), Repr::Float),
            Some(_) => (Float64Chunked::from_iter_options(name, cells.iter()).into_series(), Repr::Float),
        },
        ColumnData::Bool(cells) => (BooleanChunked::from_iter_options(name, cells.iter()).into_series(), Repr::Bool),
    })
}

fn i64_series(name: PlSmallStr, cells: Cells<i64>) -> Series {
    match cells.valid {
        None => Series::new(name, cells.values),
        Some(_) => Int64Chunked::from_iter_options(name, cells.iter()).into_series(),
    }
}

/// The words are stored once; a row points to its word.
fn text_series(name: PlSmallStr, text: TextColumn) -> Result<Series, ExecError> {
    let words = StringChunked::from_iter_values(name.clone(), text.words.iter().map(|w| &**w));
    let indices = text.codes.iter().map(|code| (*code != TextColumn::MISSING).then_some(*code as IdxSize));
    let indices = IdxCa::from_iter_options(name, indices);
    Ok(words.take(&indices)?.into_series())
}

/// Equal identities get equal numbers.
fn number_distinct(identity: &[u128]) -> Vec<u32> {
    let mut numbers: std::collections::HashMap<u128, u32> = std::collections::HashMap::with_capacity(identity.len());
    identity
        .iter()
        .map(|id| {
            let next = numbers.len() as u32;
            *numbers.entry(*id).or_insert(next)
        })
        .collect()
}

/// Back to our own columns.
pub(super) fn column_data(column: &Column, repr: Repr) -> Result<ColumnData, ExecError> {
    fn cells<T: Default + Copy>(values: impl Iterator<Item = Option<T>>) -> Cells<T> {
        let mut cells = Cells::default();
        values.for_each(|value| cells.push(value));
        cells
    }
    Ok(match repr {
        Repr::Text => {
            let mut codes: std::collections::HashMap<&str, u32> = std::collections::HashMap::new();
            let mut text = TextColumn::default();
            for value in column.str()?.iter() {
                let code = value.map_or(TextColumn::MISSING, |word| {
                    *codes.entry(word).or_insert_with(|| {
                        text.words.push(word.into());
                        text.words.len() as u32 - 1
                    })
                });
                text.codes.push(code);
            }
            ColumnData::Text(text)
        }
        Repr::Int => ColumnData::Int(cells(column.cast(&DataType::Int64)?.i64()?.iter())),
        Repr::Decimal(scale) => {
            ColumnData::Decimal { cells: cells(column.cast(&DataType::Int64)?.i64()?.iter()), scale }
        }
        Repr::Micros => ColumnData::Time(cells(column.cast(&DataType::Int64)?.i64()?.iter())),
        Repr::Float | Repr::Nothing => ColumnData::Number(cells(column.cast(&DataType::Float64)?.f64()?.iter())),
        Repr::Bool => ColumnData::Bool(cells(column.bool()?.iter())),
    })
}
