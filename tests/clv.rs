//! Models of customer lifetime value against what papers print and other programs compute.
//!
//! "mpmath" are values of the published formulas with 40 digits (mpmath 1.4.1). "lifetimes" is lifetimes 0.11.3 with
//! scipy 1.17.1. "Paper" are the digits that Fader, Hardie and Lee 2005 and Fader and Hardie 2005, 2013 print.

mod engine;
mod numbers;
mod published;

use std::collections::BTreeMap;

use segc::clv::{Days, History, PurchaseDays};

use crate::support::cdnow;

#[track_caller]
pub(crate) fn near(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "found {found}, expected {expected} within {tolerance}");
}

/// Relative.
#[track_caller]
pub(crate) fn close(found: f64, expected: f64, relative: f64) {
    near(found, expected, relative * expected.abs());
}

pub(crate) fn weeks(repeats: u32, active: f64, age: f64) -> History {
    History { repeats, active: Days(7.0 * active), age: Days(7.0 * age) }
}

/// The day of a date, from the first of 1997.
pub(crate) fn day(year: i32, month: u32, day: u32) -> i32 {
    let of = |y, m, d| chrono::NaiveDate::from_ymd_opt(y, m, d).unwrap();
    (of(year, month, day) - of(1997, 1, 1)).num_days() as i32
}

/// The days of the CDNOW sample after a change of calendar.
pub(crate) fn sample(calendar: impl Fn(i32) -> i32) -> PurchaseDays {
    let text = std::fs::read_to_string(cdnow().join("cdnow_sample.txt")).unwrap();
    let mut customers: BTreeMap<String, BTreeMap<i32, i64>> = BTreeMap::new();
    for line in text.lines() {
        let cells: Vec<&str> = line.split_whitespace().collect();
        let date = chrono::NaiveDate::parse_from_str(cells[2], "%Y%m%d").unwrap();
        let at = calendar((date - chrono::NaiveDate::from_ymd_opt(1997, 1, 1).unwrap()).num_days() as i32);
        let cents = (cells[4].parse::<f64>().unwrap() * 100.0).round() as i64;
        *customers.entry(cells[1].to_owned()).or_default().entry(at).or_default() += cents;
    }
    let mut days = PurchaseDays { per_unit: 100.0, ..PurchaseDays::default() };
    for purchases in customers.values() {
        days.days.extend(purchases.keys());
        days.amounts.extend(purchases.values());
        days.ends.push(days.days.len());
    }
    days
}

/// Everybody as seen on a day.
pub(crate) fn histories(days: &PurchaseDays, until: i32) -> Vec<History> {
    (0..days.customers()).filter_map(|customer| days.history(customer, until)).collect()
}
