//! Histories without repetition, and sums over them that do not depend on threads.

use rayon::prelude::*;

use super::history::{Days, History, Unit};

/// Rows that are summed by one task.
const BLOCK: usize = 4096;

/// Histories that differ, in the order of their numbers. Times are told by their place in `times`, so that what depends
/// on a time alone is computed once for each.
pub(super) struct Groups {
    pub rows: Vec<Row>,
    /// In the unit of the model, ascending.
    pub times: Vec<f64>,
    /// The largest number of repeat purchases.
    pub most: u32,
    pub customers: f64,
    /// The row of each history that was given.
    pub row_of: Vec<u32>,
}

pub(super) struct Row {
    pub repeats: u32,
    pub active: u32,
    pub age: u32,
    pub customers: f64,
}

impl Groups {
    pub fn new(histories: &[History], unit: Unit) -> Groups {
        let key = |h: &History| (h.repeats, h.active.0.to_bits(), h.age.0.to_bits());
        let mut order: Vec<u32> = (0..histories.len() as u32).collect();
        // Times are not negative, so that their bits are in their order.
        order.par_sort_unstable_by_key(|i| key(&histories[*i as usize]));
        let mut spans: Vec<f64> = histories.iter().flat_map(|h| [h.active.0, h.age.0]).collect();
        spans.par_sort_unstable_by(f64::total_cmp);
        spans.dedup();
        let place = |span: Days| spans.partition_point(|s| *s < span.0) as u32;
        let mut rows: Vec<Row> = vec![];
        let mut row_of = vec![0; histories.len()];
        for equal in order.chunk_by(|a, b| key(&histories[*a as usize]) == key(&histories[*b as usize])) {
            let history = &histories[equal[0] as usize];
            equal.iter().for_each(|i| row_of[*i as usize] = rows.len() as u32);
            rows.push(Row {
                repeats: history.repeats,
                active: place(history.active),
                age: place(history.age),
                customers: equal.len() as f64,
            });
        }
        Groups {
            times: spans.iter().map(|span| unit.of(Days(*span))).collect(),
            most: rows.last().map_or(0, |row| row.repeats),
            customers: histories.len() as f64,
            rows,
            row_of,
        }
    }

    /// For every different time, in order.
    pub fn of_times<T>(&self, f: impl Fn(f64) -> T) -> Vec<T> {
        self.times.iter().map(|t| f(*t)).collect()
    }

    /// The log-likelihood and its derivatives: those of every row, times its customers, added up.
    pub fn sum<const N: usize>(&self, f: impl Fn(&Row) -> (f64, [f64; N]) + Sync) -> (f64, [f64; N]) {
        sum(&self.rows, |row| (row.customers, f(row)))
    }
}

/// A weighted sum in blocks of fixed size, in the order of the items.
pub(super) fn sum<T: Sync, const N: usize>(
    items: &[T],
    f: impl Fn(&T) -> (f64, (f64, [f64; N])) + Sync,
) -> (f64, [f64; N]) {
    let add = |total: &mut (f64, [f64; N]), weight: f64, (value, slopes): (f64, [f64; N])| {
        total.0 += weight * value;
        (0..N).for_each(|i| total.1[i] += weight * slopes[i]);
    };
    let blocks: Vec<(f64, [f64; N])> = items
        .par_chunks(BLOCK)
        .map(|block| {
            let mut total = (0.0, [0.0; N]);
            for item in block {
                let (weight, terms) = f(item);
                add(&mut total, weight, terms);
            }
            total
        })
        .collect();
    let mut total = (0.0, [0.0; N]);
    blocks.into_iter().for_each(|block| add(&mut total, 1.0, block));
    total
}

/// ln of the rising factorial p (p+1) ... (p+n-1) for n from 0 to `most`, and its derivative: exact where differences of
/// logarithms of gamma functions would cancel.
pub(super) fn rising(p: f64, most: u32) -> (Vec<f64>, Vec<f64>) {
    let mut tables = (vec![0.0], vec![0.0]);
    let (mut value, mut slope) = (0.0, 0.0);
    for k in 0..most {
        value += (p + f64::from(k)).ln();
        slope += 1.0 / (p + f64::from(k));
        tables.0.push(value);
        tables.1.push(slope);
    }
    tables
}

/// ln(1 + e^x).
pub(super) fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// 1 / (1 + e^-x).
pub(super) fn logistic(x: f64) -> f64 {
    if x >= 0.0 { 1.0 / (1.0 + (-x).exp()) } else { x.exp() / (1.0 + x.exp()) }
}
