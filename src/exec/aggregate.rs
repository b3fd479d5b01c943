//! Aggregates of rows or baskets by group. Polars groups, counts and sums whole numbers; what divides is finished here,
//! so that every result is defined to the last bit.

use polars::prelude::{Column as PlColumn, *};

use super::ExecError;
use super::relation::{Relation, Repr, collect, column_data};
use super::rows::{Lowered, Lowering, OVERFLOW, to_float};
use crate::plan::Slot;
use crate::spec::Aggregate;
use crate::table::{Cells, Column, ColumnData, Table};
use crate::time::DAY;

/// One row per group, in the order of the keys; without keys one row over everything. The columns are the keys, then
/// the slots. `time` is the column that orders rows for `first`, `last` and `trend`.
pub(super) fn aggregate(
    relation: &Relation,
    keys: &[&str],
    slots: &[Slot],
    time: Option<&str>,
    as_of: Option<i64>,
) -> Result<Table, ExecError> {
    let with_constants = spread_constants(relation, slots, as_of)?;
    let relation = with_constants.as_ref().unwrap_or(relation);
    let lowering = Lowering { relation, as_of };
    let parts: Vec<Part> = slots.iter().enumerate().map(|(i, slot)| part(i, slot, &lowering, time)).collect();
    for part in &parts {
        if let Some(summed) = &part.must_fit {
            sums_fit(relation, summed)?;
        }
    }
    // Each slot gives up to three columns, named by its place.
    let exprs: Vec<Expr> = parts
        .iter()
        .enumerate()
        .flat_map(|(i, part)| part.exprs.iter().enumerate().map(move |(j, e)| e.clone().alias(format!("{i}.{j}"))))
        .collect();
    let lazy = relation.frame.clone().lazy();
    let grouped = if keys.is_empty() {
        collect(lazy.select(exprs))?
    } else {
        let by: Vec<Expr> = keys.iter().map(|k| col(*k)).collect();
        let sorted = keys.iter().map(|k| PlSmallStr::from(*k)).collect::<Vec<_>>();
        collect(lazy.group_by(by).agg(exprs).sort(sorted, SortMultipleOptions::default()))?
    };
    let mut table = Table { height: grouped.height(), columns: vec![] };
    for key in keys {
        let data = column_data(grouped.column(key)?, relation.reprs[*key])?;
        table.columns.push(Column { name: (*key).to_owned(), data });
    }
    for (i, (slot, part)) in slots.iter().zip(&parts).enumerate() {
        let columns: Vec<&PlColumn> =
            (0..part.exprs.len()).map(|j| grouped.column(&format!("{i}.{j}"))).collect::<PolarsResult<_>>()?;
        let data = finish(slot, part, &columns)?;
        table.columns.push(Column { name: slot.name.clone(), data });
    }
    Ok(table)
}

struct Part {
    exprs: Vec<Expr>,
    repr: Repr,
    /// An expression whose sum must fit into 64 bits.
    must_fit: Option<Expr>,
}

/// A constant has one cell, whatever the number of rows; an aggregate wants one per row. So constants become columns.
fn spread_constants(relation: &Relation, slots: &[Slot], as_of: Option<i64>) -> Result<Option<Relation>, ExecError> {
    let mut spread: Option<Relation> = None;
    for (i, slot) in slots.iter().enumerate() {
        let parts = [(argument_name(i), &slot.argument), (filter_name(i), &slot.filter)];
        for (name, expr) in parts {
            let Some(expr) = expr.as_ref().filter(|e| e.is_constant()) else { continue };
            let Lowered { expr, repr } = Lowering { relation, as_of }.lower(expr);
            let copy = || Relation { frame: relation.frame.clone(), reprs: relation.reprs.clone() };
            spread.get_or_insert_with(copy).add(&name, expr, repr)?;
        }
    }
    Ok(spread)
}

fn argument_name(slot: usize) -> String {
    format!("$argument{slot}")
}

fn filter_name(slot: usize) -> String {
    format!("$filter{slot}")
}

fn part(index: usize, slot: &Slot, lowering: &Lowering, time: Option<&str>) -> Part {
    let filter = slot.filter.as_ref().map(|e| match e.is_constant() {
        true => col(filter_name(index)),
        false => lowering.lower(e).expr,
    });
    let Some(argument) = &slot.argument else {
        let count = filter.map_or(len(), |f| f.sum());
        return Part { exprs: vec![count.cast(DataType::Int64)], repr: Repr::Int, must_fit: None };
    };
    let Lowered { expr, repr } = match argument.is_constant() {
        true => Lowered { expr: col(argument_name(index)), repr: lowering.relation.reprs[&argument_name(index)] },
        false => lowering.lower(argument),
    };
    let at_time = || col(time.expect("only aggregates of purchases ask for their time"));
    let kept = |e: Expr| filter.clone().map_or(e.clone(), |f| e.filter(f));
    let x = kept(expr.clone()).drop_nulls();
    let whole = matches!(repr, Repr::Int | Repr::Decimal(_) | Repr::Micros);
    let count = x.clone().len().cast(DataType::Int64);
    let float = || to_float(Lowered { expr: x.clone(), repr });
    let must_fit = (whole && matches!(slot.function, Aggregate::Sum | Aggregate::Mean)).then(|| x.clone());
    let exprs = match slot.function {
        Aggregate::Count => vec![count],
        Aggregate::CountDistinct => vec![x.n_unique().cast(DataType::Int64)],
        // Polars leaves out a sort before a sum, since it takes the order for indifferent: floats are summed below.
        Aggregate::Sum | Aggregate::Mean if repr == Repr::Float => vec![float().implode(true)],
        Aggregate::Sum | Aggregate::Mean => vec![x.sum(), count],
        Aggregate::Median | Aggregate::Quantile => {
            let q = if slot.function == Aggregate::Median { 0.5 } else { slot.quantile };
            vec![x.quantile(lit(q), QuantileMethod::Linear)]
        }
        Aggregate::Min => vec![x.min()],
        Aggregate::Max => vec![x.max()],
        Aggregate::Std => vec![float().implode(true)],
        Aggregate::First | Aggregate::Last => {
            let at = kept(at_time()).filter(kept(expr.clone()).is_not_null());
            let end = if slot.function == Aggregate::First { at.clone().min() } else { at.clone().max() };
            vec![x.filter(at.eq(end)).min()]
        }
        Aggregate::Mode => vec![x.mode(false).min()],
        Aggregate::Share => vec![x.clone().sum().cast(DataType::Int64), count],
        Aggregate::Entropy => vec![x.unique_counts().implode(true)],
        Aggregate::MeanGap => vec![x.clone().min(), x.clone().max(), x.n_unique().cast(DataType::Int64)],
        Aggregate::Trend => {
            let at = kept(at_time()).filter(kept(expr.clone()).is_not_null());
            // Days of a time span per day, not microseconds.
            let unit = if repr == Repr::Micros { DAY as f64 } else { 1.0 };
            vec![(float() * lit(1.0 / unit)).implode(true), at.cast(DataType::Float64).implode(true)]
        }
    };
    Part { exprs, repr, must_fit }
}

/// A sum of whole numbers wraps around in silence when it leaves 64 bits: it must not be started.
fn sums_fit(relation: &Relation, summed: &Expr) -> Result<(), ExecError> {
    let column = collect(relation.frame.clone().lazy().select([summed.clone().alias("x")]))?;
    let total: i128 =
        column.column("x")?.cast(&DataType::Int64)?.i64()?.iter().flatten().map(|x| i128::from(x).abs()).sum();
    if total > i128::from(i64::MAX) { Err(ExecError::Overflow(OVERFLOW.to_owned())) } else { Ok(()) }
}

fn finish(slot: &Slot, part: &Part, columns: &[&PlColumn]) -> Result<ColumnData, ExecError> {
    let repr = part.repr;
    let unit = match repr {
        Repr::Decimal(scale) => 10f64.powi(scale as i32),
        _ => 1.0,
    };
    let numbers = |values: Vec<Option<f64>>| {
        let mut cells = Cells::with_capacity(values.len());
        values.into_iter().for_each(|v| cells.push(v.filter(|x| !x.is_nan())));
        ColumnData::Number(cells)
    };
    Ok(match slot.function {
        Aggregate::Count | Aggregate::CountDistinct => column_data(columns[0], Repr::Int)?,
        Aggregate::Sum if repr == Repr::Float => numbers(each_list(columns[0], |values| Some(sum(&values)))?),
        Aggregate::Mean if repr == Repr::Float => {
            numbers(each_list(columns[0], |values| (!values.is_empty()).then(|| sum(&values) / values.len() as f64))?)
        }
        Aggregate::Sum | Aggregate::Min | Aggregate::Max | Aggregate::First | Aggregate::Last | Aggregate::Mode => {
            column_data(columns[0], repr)?
        }
        Aggregate::Mean | Aggregate::Share => {
            let (sum, count) = (columns[0].cast(&DataType::Float64)?, columns[1].i64()?);
            let cells = sum.f64()?.iter().zip(count.iter()).map(|(sum, count)| match (sum, count) {
                (Some(sum), Some(n)) if n > 0 => Some(sum / (n as f64 * unit)),
                _ => None,
            });
            numbers(cells.collect())
        }
        Aggregate::Median | Aggregate::Quantile => {
            let values = columns[0].cast(&DataType::Float64)?;
            numbers(values.f64()?.iter().map(|x| x.map(|x| x / unit)).collect())
        }
        Aggregate::MeanGap => {
            let (low, high) = (columns[0].cast(&DataType::Int64)?, columns[1].cast(&DataType::Int64)?);
            let moments = columns[2].i64()?;
            let cells = low.i64()?.iter().zip(high.i64()?.iter()).zip(moments.iter()).map(|((low, high), n)| {
                let (low, high, n) = (low?, high?, n?);
                (n > 1).then(|| ((high - low) as f64 / (n - 1) as f64).round())
            });
            numbers(cells.collect())
        }
        Aggregate::Std => numbers(each_list(columns[0], |values| standard_deviation(&values))?),
        Aggregate::Entropy => numbers(each_list(columns[0], |counts| entropy(&counts))?),
        Aggregate::Trend => {
            let values = lists(columns[0])?;
            let times = lists(columns[1])?;
            numbers(values.into_iter().zip(times).map(|(values, times)| slope(&times, &values)).collect())
        }
    })
}

fn lists(column: &PlColumn) -> Result<Vec<Vec<f64>>, ExecError> {
    let mut out = vec![];
    for series in column.list()?.amortized_iter() {
        out.push(match series {
            Some(series) => series.as_ref().cast(&DataType::Float64)?.f64()?.iter().flatten().collect(),
            None => vec![],
        });
    }
    Ok(out)
}

/// `f` of each group's values in ascending order: in the order of the values, a sum of floats does not depend on the order
/// of the rows.
fn each_list(column: &PlColumn, f: impl Fn(Vec<f64>) -> Option<f64>) -> Result<Vec<Option<f64>>, ExecError> {
    let sorted = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        f(values)
    };
    Ok(lists(column)?.into_iter().map(sorted).collect())
}

/// From zero on: of nothing it is 0, not -0.
fn sum(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |sum, x| sum + x)
}

/// With n - 1, in two passes.
fn standard_deviation(values: &[f64]) -> Option<f64> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (values.len() > 1).then(|| (values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0)).sqrt())
}

/// Shannon's, in bits.
fn entropy(counts: &[f64]) -> Option<f64> {
    let total: f64 = counts.iter().sum();
    (total > 0.0).then(|| -counts.iter().map(|n| n / total * (n / total).log2()).sum::<f64>()).map(|h| h.max(0.0) + 0.0)
}

/// Least squares of the values on time in days: change per day. Missing with fewer than two different times.
fn slope(times: &[f64], values: &[f64]) -> Option<f64> {
    // From the first one on: days since 1970 have too few digits left for moments that are seconds apart.
    let start = times.iter().copied().fold(f64::INFINITY, f64::min);
    let days = times.iter().map(|t| (t - start) / DAY as f64);
    let mut points: Vec<(f64, f64)> = days.zip(values.iter().copied()).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let n = points.len() as f64;
    let (t0, x0) = (points.iter().map(|p| p.0).sum::<f64>() / n, points.iter().map(|p| p.1).sum::<f64>() / n);
    let spread: f64 = points.iter().map(|(t, _)| (t - t0) * (t - t0)).sum();
    (spread > 0.0).then(|| points.iter().map(|(t, x)| (t - t0) * (x - x0)).sum::<f64>() / spread)
}
