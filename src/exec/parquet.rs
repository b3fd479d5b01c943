//! Parquet files out.

use std::borrow::Cow;
use std::fs::File;

use polars::prelude::{
    DataFrame, DataType, IdxCa, IdxSize, NamedFrom, ParquetCompression, ParquetWriter, PlSmallStr, Series, TimeUnit,
    polars_err,
};

use super::ExecError;
use super::customers::Values;
use crate::time::DAY;
use crate::types::Base;

/// A column to write.
pub enum Cells<'a> {
    Texts(Vec<Option<&'a str>>),
    Whole(Vec<Option<i64>>),
    Numbers(Cow<'a, [f64]>),
    Feature(Base, &'a Values),
}

/// Writes columns to a Parquet file, their rows in this order: time spans as days, times as timestamps, money as numbers
/// of currency units.
pub fn write(file: File, columns: Vec<(String, Cells)>, order: &[usize]) -> Result<(), ExecError> {
    let mut series = vec![];
    for (name, cells) in columns {
        series.push(column(name.into(), cells)?.into());
    }
    let mut frame = DataFrame::new(order.len(), series)?;
    if !order.is_sorted() {
        let order = order.iter().map(|&row| IdxSize::try_from(row)).collect::<Result<Vec<_>, _>>();
        let order = order.map_err(|_| polars_err!(ComputeError: "too many rows"))?;
        frame = frame.take(&IdxCa::from_vec("order".into(), order))?;
    }
    ParquetWriter::new(file).with_compression(ParquetCompression::Zstd(None)).finish(&mut frame)?;
    Ok(())
}

fn column(name: PlSmallStr, cells: Cells) -> Result<Series, ExecError> {
    Ok(match cells {
        Cells::Texts(texts) => Series::new(name, texts),
        Cells::Whole(numbers) => Series::new(name, numbers),
        Cells::Numbers(numbers) => Series::new(name, numbers.as_ref()),
        Cells::Feature(base, values) => match values {
            Values::Texts(texts) => Series::new(name, texts.iter().map(|t| t.as_deref()).collect::<Vec<_>>()),
            Values::Bools(bools) => Series::new(name, bools.clone()),
            Values::Numbers(numbers) => {
                let cells = numbers.iter().map(|x| (!x.is_nan()).then_some(*x));
                match base {
                    Base::Duration => Series::new(name, cells.map(|x| x.map(|x| x / DAY as f64)).collect::<Vec<_>>()),
                    Base::Date | Base::Datetime => {
                        Series::new(name, cells.map(|x| x.map(|x| x as i64)).collect::<Vec<_>>())
                            .cast(&DataType::Datetime(TimeUnit::Microseconds, None))?
                    }
                    base if base.is_whole() => {
                        Series::new(name, cells.map(|x| x.map(|x| x as i64)).collect::<Vec<_>>())
                    }
                    _ => Series::new(name, cells.collect::<Vec<_>>()),
                }
            }
        },
    })
}
