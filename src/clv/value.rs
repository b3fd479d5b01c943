//! What future purchases are worth today.

use rayon::prelude::*;

use super::groups::Groups;
use super::history::{Days, History, Unit};
use super::law::Purchases;

/// Days in a year.
const YEAR: f64 = 365.0;

/// Nodes and weights of Gauss and Legendre's rule of 16 points on (-1, 1); each stands for its mirror image too.
const RULE: [(f64, f64); 8] = [
    (0.095_012_509_837_637_44, 0.189_450_610_455_068_5),
    (0.281_603_550_779_258_9, 0.182_603_415_044_923_6),
    (0.458_016_777_657_227_4, 0.169_156_519_395_002_54),
    (0.617_876_244_402_643_7, 0.149_595_988_816_576_73),
    (0.755_404_408_355_003, 0.124_628_971_255_533_87),
    (0.865_631_202_387_831_7, 0.095_158_511_682_492_78),
    (0.944_575_023_073_232_6, 0.062_253_523_938_647_89),
    (0.989_400_934_991_649_9, 0.027_152_459_411_754_095),
];

/// What a purchase a year from now is worth less than one today: 0.1 for 10 % per year. Continuous: what is bought after
/// t days counts (1 + rate)^(-t / 365).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Discount {
    pub per_year: f64,
}

/// Purchases within `horizon`, each counted as much as it is worth today:
/// the integral over t from 0 to the horizon of (1 + rate)^(-t/365) dE(t), E(t) being the purchases expected within t.
/// Times what a purchase brings, that is the customer's value.
///
/// By parts it is E(h) v(h) plus the rate of interest times the integral of E(t) v(t), by Gauss' rule with 16 points.
pub fn present_value(purchases: &Purchases, history: &History, horizon: Days, discount: Discount) -> f64 {
    let interest = discount.per_year.ln_1p() / YEAR;
    let worth = |t: f64| (-interest * t).exp();
    let expected = |t: f64| purchases.expected_alive(history, Days(t));
    let mut value = expected(horizon.0) * worth(horizon.0);
    if interest != 0.0 {
        let half = horizon.0 / 2.0;
        let at = |t: f64| expected(t) * worth(t);
        value +=
            interest * half * RULE.iter().map(|(x, w)| w * (at(half * (1.0 - x)) + at(half * (1.0 + x)))).sum::<f64>();
    }
    purchases.alive(history) * value
}

/// `f` of every history, computed once for equal ones, on all threads.
pub fn for_each_history(histories: &[History], f: impl Fn(&History) -> f64 + Sync) -> Vec<f64> {
    let groups = Groups::new(histories, Unit::Days);
    let time = |at: u32| Days(groups.times[at as usize]);
    let values: Vec<f64> = groups
        .rows
        .par_iter()
        .with_min_len(64)
        .map(|row| f(&History { repeats: row.repeats, active: time(row.active), age: time(row.age) }))
        .collect();
    groups.row_of.iter().map(|row| values[*row as usize]).collect()
}
