//! A model with its parameters: what it expects of a customer.

use serde::{Deserialize, Serialize};

use super::beta_geometric::{self, Kind};
use super::groups::Groups;
use super::history::{Days, History, Unit};
use super::{negative_binomial, pareto};

/// How customers buy, with times in [`Unit`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Purchases {
    pub unit: Unit,
    pub law: Law,
}

/// Parameters by the names of the papers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Law {
    BgNbd {
        r: f64,
        alpha: f64,
        a: f64,
        b: f64,
    },
    MbgNbd {
        r: f64,
        alpha: f64,
        a: f64,
        b: f64,
    },
    ParetoNbd {
        r: f64,
        alpha: f64,
        s: f64,
        beta: f64,
    },
    /// Nobody drops out.
    Nbd {
        r: f64,
        alpha: f64,
    },
}

impl Purchases {
    /// The probability that a customer is still one.
    pub fn alive(&self, history: &History) -> f64 {
        let (x, active, age) = (history.repeats, self.unit.of(history.active), self.unit.of(history.age));
        match &self.law {
            Law::BgNbd { r, alpha, a, b } => beta_geometric::alive(Kind::Bg, &[*r, *alpha, *a, *b], x, active, age),
            Law::MbgNbd { r, alpha, a, b } => beta_geometric::alive(Kind::Mbg, &[*r, *alpha, *a, *b], x, active, age),
            Law::ParetoNbd { r, alpha, s, beta } => pareto::alive(&[*r, *alpha, *s, *beta], x, active, age),
            Law::Nbd { .. } => 1.0,
        }
    }

    /// Purchases to expect within `horizon` from the moment at which the history was looked at.
    pub fn expected(&self, history: &History, horizon: Days) -> f64 {
        self.alive(history) * self.expected_alive(history, horizon)
    }

    /// The same of a customer of whom it is known that they are still one.
    pub(super) fn expected_alive(&self, history: &History, horizon: Days) -> f64 {
        let (x, age, t) = (history.repeats, self.unit.of(history.age), self.unit.of(horizon));
        let expected = match &self.law {
            Law::BgNbd { r, alpha, a, b } => beta_geometric::expected_alive(Kind::Bg, &[*r, *alpha, *a, *b], x, age, t),
            Law::MbgNbd { r, alpha, a, b } => {
                beta_geometric::expected_alive(Kind::Mbg, &[*r, *alpha, *a, *b], x, age, t)
            }
            Law::ParetoNbd { r, alpha, s, beta } => pareto::expected_alive(&[*r, *alpha, *s, *beta], x, age, t),
            Law::Nbd { r, alpha } => (r + f64::from(x)) / (alpha + age) * t,
        };
        // Rounding must not make a purchase negative.
        expected.max(0.0)
    }

    /// The log-likelihood of histories, and its derivatives by the logarithms of the parameters.
    pub fn log_likelihood(&self, histories: &[History]) -> (f64, Vec<f64>) {
        let groups = Groups::new(histories, self.unit);
        let listed = |(value, by): (f64, [f64; 4])| (value, by.to_vec());
        match &self.law {
            Law::BgNbd { r, alpha, a, b } => {
                listed(beta_geometric::log_likelihood(&groups, Kind::Bg, &[*r, *alpha, *a, *b]))
            }
            Law::MbgNbd { r, alpha, a, b } => {
                listed(beta_geometric::log_likelihood(&groups, Kind::Mbg, &[*r, *alpha, *a, *b]))
            }
            Law::ParetoNbd { r, alpha, s, beta } => {
                listed(pareto::log_likelihood(&pareto::Histories::new(&groups), &[*r, *alpha, *s, *beta]))
            }
            Law::Nbd { r, alpha } => {
                let (value, by) = negative_binomial::log_likelihood(&groups, &[*r, *alpha]);
                (value, by.to_vec())
            }
        }
    }

    /// Whether every parameter is one that the law can have.
    pub fn is_proper(&self) -> bool {
        let all = match &self.law {
            Law::BgNbd { r, alpha, a, b } | Law::MbgNbd { r, alpha, a, b } => vec![r, alpha, a, b],
            Law::ParetoNbd { r, alpha, s, beta } => vec![r, alpha, s, beta],
            Law::Nbd { r, alpha } => vec![r, alpha],
        };
        all.into_iter().all(|p| p.is_finite() && *p > 0.0)
    }
}
