//! Histories without repetition, and sums over them that do not depend on threads.

use rayon::prelude::*;

use super::history::{Days, History, Unit};
use super::optimise::Observed;

/// Rows that are summed by one task.
const BLOCK: usize = 4096;
/// So many different items make it worth while to look for their maximum among [`SPREAD`] customers first.
const MANY: usize = 40_000;
/// Customers that bring a search so near to the maximum of all of them that a few Newton steps do the rest.
const SPREAD: f64 = 20_000.0;

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

impl Observed for Groups {
    fn customers(&self) -> f64 {
        self.customers
    }
}

impl Groups {
    pub fn new(histories: &[History], unit: Unit) -> Groups {
        let mut spans: Vec<f64> = histories.iter().flat_map(|h| [h.active.0, h.age.0]).collect();
        spans.par_sort_unstable_by(f64::total_cmp);
        spans.dedup();
        let place = |span: Days| spans.partition_point(|s| *s < span.0) as u32;
        // The numbers of a history, and whose it is, side by side: sorting then reads memory in one go.
        let mut order: Vec<[u32; 4]> = histories
            .par_iter()
            .enumerate()
            .map(|(i, h)| [h.repeats, place(h.active), place(h.age), i as u32])
            .collect();
        order.par_sort_unstable();
        let mut rows: Vec<Row> = vec![];
        let mut row_of = vec![0; histories.len()];
        for equal in order.chunk_by(|a, b| a[..3] == b[..3]) {
            let [repeats, active, age, _] = equal[0];
            equal.iter().for_each(|[.., i]| row_of[*i as usize] = rows.len() as u32);
            rows.push(Row { repeats, active, age, customers: equal.len() as f64 });
        }
        Groups {
            times: spans.iter().map(|span| unit.of(Days(*span))).collect(),
            most: rows.last().map_or(0, |row| row.repeats),
            customers: histories.len() as f64,
            rows,
            row_of,
        }
    }

    /// [`SPREAD`] customers, evenly spread over all in the order of their histories; nothing where all are quick enough.
    /// They belong to no list of histories: `row_of` is empty.
    pub fn spread(&self) -> Option<Groups> {
        let picked = spread(&self.rows, |row| row.customers)?;
        let mut rows: Vec<Row> = picked.into_iter().map(|(row, customers)| Row { customers, ..*row }).collect();
        let mut used: Vec<u32> = rows.iter().flat_map(|row| [row.active, row.age]).collect();
        used.sort_unstable();
        used.dedup();
        let place = |time: u32| used.partition_point(|t| *t < time) as u32;
        rows.iter_mut().for_each(|row| (row.active, row.age) = (place(row.active), place(row.age)));
        Some(Groups {
            times: used.iter().map(|time| self.times[*time as usize]).collect(),
            most: rows.last().map_or(0, |row| row.repeats),
            customers: rows.iter().map(|row| row.customers).sum(),
            rows,
            row_of: vec![],
        })
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

/// [`SPREAD`] customers at equal distances, of items that stand for several customers each: the items that have some of
/// them, and how many. Nothing where there are fewer than [`MANY`] items.
pub(super) fn spread<T>(items: &[T], customers: impl Fn(&T) -> f64) -> Option<Vec<(&T, f64)>> {
    if items.len() < MANY {
        return None;
    }
    let all: f64 = items.iter().map(&customers).sum();
    let (mut before, mut taken) = (0.0, 0.0);
    let mut found = vec![];
    for item in items {
        before += customers(item);
        // The first one stands half a distance from the beginning, the last one half a distance from the end.
        let until = (before / all * SPREAD + 0.5).floor();
        if until > taken {
            found.push((item, until - taken));
            taken = until;
        }
    }
    Some(found)
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
