//! What is known of a customer, and how it follows from the days on which they bought.

use serde::{Deserialize, Serialize};

/// A time span in days. Parameters of a model have a [`Unit`]; spans never do, so that the two can't be mixed.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
pub struct Days(pub f64);

/// The unit of time in which the parameters of a model are stated. It changes no prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    Days,
    Weeks,
}

impl Unit {
    pub const ALL: [Unit; 2] = [Unit::Weeks, Unit::Days];

    pub fn name(self) -> &'static str {
        match self {
            Unit::Days => "days",
            Unit::Weeks => "weeks",
        }
    }

    /// A span in this unit.
    pub fn of(self, span: Days) -> f64 {
        match self {
            Unit::Days => span.0,
            Unit::Weeks => span.0 / 7.0,
        }
    }
}

/// The purchases of one customer, as far as models of buying look at them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct History {
    /// x: purchases after the first one. Several purchases on one day count as one.
    pub repeats: u32,
    /// t_x: from the first purchase to the last. Papers call it recency; marketing calls so what is left of `age`.
    pub active: Days,
    /// T: from the first purchase to the moment from which the model looks back.
    pub age: Days,
}

/// What a customer spent on repeat purchases.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Repeats {
    /// x, at least 1.
    pub repeats: u32,
    /// Mean amount of a repeat purchase.
    pub mean: f64,
}

/// The days on which customers bought, customer by customer: within each one ascending, and none twice.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PurchaseDays {
    /// Days since some fixed day.
    pub days: Vec<i32>,
    /// What was spent on that day, in units of `1 / per_unit`.
    pub amounts: Vec<i64>,
    pub per_unit: f64,
    /// Where the days of each customer end.
    pub ends: Vec<usize>,
}

impl PurchaseDays {
    pub fn customers(&self) -> usize {
        self.ends.len()
    }

    fn range(&self, customer: usize) -> std::ops::Range<usize> {
        let start = if customer == 0 { 0 } else { self.ends[customer - 1] };
        start..self.ends[customer]
    }

    /// The days of a customer up to and including `until`.
    fn up_to(&self, customer: usize, until: i32) -> std::ops::Range<usize> {
        let range = self.range(customer);
        let days = &self.days[range.clone()];
        range.start..range.start + days.partition_point(|day| *day <= until)
    }

    /// The history as seen on the day `until`; nothing for who had not bought yet.
    pub fn history(&self, customer: usize, until: i32) -> Option<History> {
        let range = self.up_to(customer, until);
        let (first, last) = (*self.days[range.clone()].first()?, *self.days[range.clone()].last()?);
        let span = |from: i32, to: i32| Days(f64::from(to) - f64::from(from));
        Some(History { repeats: range.len() as u32 - 1, active: span(first, last), age: span(first, until) })
    }

    /// What was spent on repeat purchases up to `until`; nothing for who has none.
    pub fn repeats(&self, customer: usize, until: i32) -> Option<Repeats> {
        let range = self.up_to(customer, until);
        let repeats = range.len().checked_sub(1).filter(|n| *n > 0)?;
        let sum: i128 = self.amounts[range.start + 1..range.end].iter().map(|a| i128::from(*a)).sum();
        Some(Repeats { repeats: repeats as u32, mean: sum as f64 / (self.per_unit * repeats as f64) })
    }

    /// Purchases later than the day `after`, and what they brought.
    pub fn later(&self, customer: usize, after: i32) -> (u32, f64) {
        let range = self.up_to(customer, after).end..self.ends[customer];
        let sum: i128 = self.amounts[range.clone()].iter().map(|a| i128::from(*a)).sum();
        (range.len() as u32, sum as f64 / self.per_unit)
    }

    /// The first day on which anybody bought.
    pub fn first(&self) -> Option<i32> {
        self.days.iter().copied().min()
    }
}
