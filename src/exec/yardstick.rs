//! What functions over all customers take from them: the cut points of a score, the bounds of a `winsorize`.
//!
//! A build reads its yardsticks off its customers and then lays them on the same customers; an assignment lays those of
//! a model on others. Both go through [`Yardstick::apply`], so a customer of the build gets from the model what the
//! build gave.

use serde::{Deserialize, Serialize};

use super::customers::quantile;
use super::forecast::Fitted;
use crate::plan::{Population, PopulationKind, Step};

/// In base units: microseconds, currency units, shares from 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Yardstick {
    Score {
        /// The expression that is scored, as written.
        of: String,
        n: u32,
        low_is_best: bool,
        /// One per score that was reached, ascending by score.
        cuts: Vec<Cut>,
    },
    Winsorize {
        of: String,
        /// The quantiles, from 0 to 1, and the values at them; none where every value was missing.
        low: f64,
        high: f64,
        bounds: Option<[f64; 2]>,
    },
    /// A model of buying. It is asked about the days on which a customer bought, not about a number.
    Forecast(Box<Fitted>),
}

/// The values that got one score.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cut {
    pub score: u32,
    pub from: f64,
    pub to: f64,
    pub customers: u64,
}

impl Yardstick {
    /// Reads it off all customers; NaN is missing and not counted.
    pub fn read(step: &Population, values: &[f64]) -> Yardstick {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|x| !x.is_nan()).collect();
        sorted.sort_by(f64::total_cmp);
        let of = step.of_words.clone();
        match step.kind {
            PopulationKind::Score { n, low_is_best } => {
                let cuts = cuts(&sorted, n, low_is_best, sorted.len() as u64);
                Yardstick::Score { of, n, low_is_best, cuts }
            }
            PopulationKind::Winsorize { low, high } => {
                let bounds = (!sorted.is_empty()).then(|| [quantile(&sorted, low), quantile(&sorted, high)]);
                Yardstick::Winsorize { of, low, high, bounds }
            }
        }
    }

    /// The score that one more customer would get beside `others`, sorted and without missing values, for every value
    /// that they may have; nothing for a step that is no score.
    pub(super) fn beside(step: &Population, others: &[f64]) -> Option<Yardstick> {
        let PopulationKind::Score { n, low_is_best } = step.kind else { return None };
        let total = others.len() as u64 + 1;
        let mut cuts = cuts(others, n, low_is_best, total);
        // Better than all others.
        let score = 1 + (u64::from(n) * others.len() as u64 / total) as u32;
        let beyond = if low_is_best { f64::NEG_INFINITY } else { f64::INFINITY };
        cuts.push(Cut { score, from: beyond, to: beyond, customers: 0 });
        Some(Yardstick::Score { of: step.of_words.clone(), n, low_is_best, cuts })
    }

    /// The score of a value, or the value within the bounds. A value between two that were seen scores like the nearest
    /// that is not worse by the customers below it; one beyond all of them like the last. Missing stays missing.
    pub fn apply(&self, x: f64) -> f64 {
        if x.is_nan() {
            return f64::NAN;
        }
        match self {
            // From the lowest score up the values get better: larger, or smaller where low is best.
            Yardstick::Score { low_is_best, cuts, .. } => {
                let reached = cuts.iter().find(|cut| if *low_is_best { cut.from <= x } else { x <= cut.to });
                reached.or(cuts.last()).map_or(f64::NAN, |cut| f64::from(cut.score))
            }
            Yardstick::Winsorize { bounds, .. } => bounds.map_or(x, |[low, high]| x.clamp(low, high)),
            Yardstick::Forecast(_) => f64::NAN,
        }
    }

    /// Whether it was made for this step and can be laid on any value. Features are measured without one.
    pub fn fits(&self, step: &Step) -> bool {
        match (self, step) {
            (Yardstick::Forecast(fitted), Step::Forecast(forecast)) => super::forecast::fits(fitted, forecast),
            (yardstick, Step::Population(population)) => yardstick.fits_population(population),
            _ => false,
        }
    }

    fn fits_population(&self, step: &Population) -> bool {
        match (self, &step.kind) {
            (Yardstick::Score { of, n, low_is_best, cuts }, PopulationKind::Score { n: asked, low_is_best: low }) => {
                let whole = cuts.iter().all(|c| c.from <= c.to && (1..=*n).contains(&c.score));
                let rising =
                    cuts.is_sorted_by(|a, b| a.score < b.score && if *low { b.to < a.from } else { a.to < b.from });
                *of == step.of_words && n == asked && low_is_best == low && whole && rising
            }
            (Yardstick::Winsorize { of, low, high, bounds }, PopulationKind::Winsorize { low: from, high: to }) => {
                *of == step.of_words && low == from && high == to && bounds.is_none_or(|[low, high]| low <= high)
            }
            _ => false,
        }
    }
}

/// Score = 1 + floor(n x share of customers strictly below), or above where low is best: equal values score alike,
/// whatever the order of customers. `total` may count one who is not among the values.
fn cuts(sorted: &[f64], n: u32, low_is_best: bool, total: u64) -> Vec<Cut> {
    let all = sorted.len() as u64;
    let mut cuts: Vec<Cut> = vec![];
    let mut below = 0;
    for equal in sorted.chunk_by(|a, b| a == b) {
        let (value, customers) = (equal[0], equal.len() as u64);
        let worse = if low_is_best { all - below - customers } else { below };
        // In whole numbers: floor(n * worse / total) has no rounding.
        let score = 1 + (u64::from(n) * worse / total) as u32;
        match cuts.last_mut().filter(|cut| cut.score == score) {
            Some(cut) => (cut.to, cut.customers) = (value, cut.customers + customers),
            None => cuts.push(Cut { score, from: value, to: value, customers }),
        }
        below += customers;
    }
    if low_is_best {
        cuts.reverse();
    }
    cuts
}
