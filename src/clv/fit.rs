//! Fits a model of buying to histories, and says whether customers drop out at all.

use serde::{Deserialize, Serialize};

use super::beta_geometric::{self, Kind};
use super::groups::Groups;
use super::history::{Days, History, Unit};
use super::law::{Law, Purchases};
use super::optimise::{Convergence, Maximum, Parameter, maximise};
use super::{negative_binomial, pareto};

/// Twice the gain in log-likelihood beyond which drop-out counts as found: the 95 % point of the even mixture of 0 and a
/// chi-square with one degree of freedom, which is what the ratio follows when there is none, a parameter being at the
/// border. Source: S. Self and K.-Y. Liang, 1987, case 5.
const FOUND: f64 = 2.706;

/// Which model of buying.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Model {
    BgNbd,
    MbgNbd,
    ParetoNbd,
}

impl Model {
    pub const ALL: [Model; 3] = [Model::BgNbd, Model::MbgNbd, Model::ParetoNbd];

    /// As written in a spec.
    pub fn name(self) -> &'static str {
        match self {
            Model::BgNbd => "bg_nbd",
            Model::MbgNbd => "mbg_nbd",
            Model::ParetoNbd => "pareto_nbd",
        }
    }

    /// As people write it.
    pub fn title(self) -> &'static str {
        match self {
            Model::BgNbd => "BG/NBD",
            Model::MbgNbd => "MBG/NBD",
            Model::ParetoNbd => "Pareto/NBD",
        }
    }
}

/// Why a model can't be fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FitError {
    /// There is no customer at all.
    NoCustomers,
    /// Nobody bought on two different days.
    NoRepeats { customers: usize },
    /// No repeat purchase brought money.
    NoSpend,
}

/// A fitted model of buying.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PurchaseFit {
    pub model: Model,
    /// What predictions are made with: the model, or the NBD where nobody drops out.
    pub purchases: Purchases,
    /// Of these.
    pub parameters: Vec<Parameter>,
    pub log_likelihood: f64,
    pub drop_out: DropOut,
    pub convergence: Convergence,
    pub customers: u64,
    /// Customers with a repeat purchase, and repeat purchases of all.
    pub repeat_buyers: u64,
    pub repeat_purchases: u64,
}

/// Whether a model with drop-out explains more than the NBD, which has none.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DropOut {
    pub found: bool,
    /// Twice the gain in log-likelihood.
    pub ratio: f64,
}

/// Maximum likelihood. Parameters lie within wide bounds: shapes from 1e-4 to 1e4, scales from 1e-3 to 1e3 times the
/// mean age.
///
/// Errors: [`FitError::NoCustomers`] and [`FitError::NoRepeats`], where there is nothing to learn from.
pub fn fit_purchases(model: Model, unit: Unit, histories: &[History]) -> Result<PurchaseFit, FitError> {
    if histories.is_empty() {
        return Err(FitError::NoCustomers);
    }
    let groups = Groups::new(histories, unit);
    let repeat_purchases: u64 = groups.rows.iter().map(|row| u64::from(row.repeats) * row.customers as u64).sum();
    if repeat_purchases == 0 {
        return Err(FitError::NoRepeats { customers: histories.len() });
    }
    let mean_age = groups.sum::<0>(|row| (groups.times[row.age as usize], [])).0 / groups.customers;
    // Who is younger than a day tells nothing of time.
    let mean_age = mean_age.max(unit.of(Days(1.0)));
    let rate = repeat_purchases as f64 / groups.customers / mean_age;
    let shape = (1e-4, 1e4);
    let scale = (1e-3 * mean_age, 1e3 * mean_age);

    let few = groups.spread();
    let steady = maximise(
        ["r", "alpha"],
        negative_binomial::log_likelihood,
        &groups,
        few.as_ref(),
        [shape, scale],
        &[[1.0, 1.0 / rate], [0.3, 0.3 / rate], [5.0, 5.0 / rate]],
    );
    let leaving = match model {
        Model::BgNbd | Model::MbgNbd => {
            let kind = if model == Model::BgNbd { Kind::Bg } else { Kind::Mbg };
            maximise(
                ["r", "alpha", "a", "b"],
                |groups, at| beta_geometric::log_likelihood(groups, kind, at),
                &groups,
                few.as_ref(),
                [shape, scale, shape, shape],
                &[[0.5, 0.25 / rate, 1.0, 2.0], [1.0, 1.0 / rate, 0.3, 3.0], [0.2, 0.1 / rate, 2.0, 10.0]],
            )
        }
        Model::ParetoNbd => maximise(
            ["r", "alpha", "s", "beta"],
            pareto::log_likelihood,
            &pareto::Histories::new(&groups),
            few.as_ref().map(pareto::Histories::new).as_ref(),
            [shape, scale, shape, scale],
            &[
                [0.5, 0.25 / rate, 0.5, mean_age],
                [1.0, 1.0 / rate, 1.0, 5.0 * mean_age],
                [0.3, 0.1 / rate, 2.0, mean_age],
            ],
        ),
    };
    let ratio = 2.0 * (leaving.log_likelihood - steady.log_likelihood);
    let found = ratio > FOUND;
    let law = match (found, model, leaving.at) {
        (false, ..) => Law::Nbd { r: steady.at[0], alpha: steady.at[1] },
        (_, Model::BgNbd, [r, alpha, a, b]) => Law::BgNbd { r, alpha, a, b },
        (_, Model::MbgNbd, [r, alpha, a, b]) => Law::MbgNbd { r, alpha, a, b },
        (_, Model::ParetoNbd, [r, alpha, s, beta]) => Law::ParetoNbd { r, alpha, s, beta },
    };
    let (parameters, log_likelihood, convergence) = if found { parts(leaving) } else { parts(steady) };
    Ok(PurchaseFit {
        model,
        purchases: Purchases { unit, law },
        parameters,
        log_likelihood,
        drop_out: DropOut { found, ratio: ratio.max(0.0) },
        convergence,
        customers: histories.len() as u64,
        repeat_buyers: histories.iter().filter(|h| h.repeats > 0).count() as u64,
        repeat_purchases,
    })
}

fn parts<const N: usize>(maximum: Maximum<N>) -> (Vec<Parameter>, f64, Convergence) {
    (maximum.parameters, maximum.log_likelihood, maximum.convergence)
}
