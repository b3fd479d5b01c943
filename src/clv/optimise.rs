//! Maximum likelihood over positive parameters with bounds: L-BFGS from several starts, then Newton steps with the
//! observed information, which also gives standard errors. The home of argmin.

use std::cell::{Cell, RefCell};

use argmin::core::{CostFunction, Error, Executor, Gradient};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;
use serde::{Deserialize, Serialize};

/// Steps of L-BFGS, at most.
const MOST_STEPS: u64 = 150;
/// Values that L-BFGS may ask for from one start: its line search has no end of its own where rounding hides the slope.
const MOST_ASKED: u32 = 1_000;
/// Vectors that L-BFGS remembers.
const MEMORY: usize = 8;
/// Newton steps, at most.
const MOST_NEWTON: usize = 30;
/// Of the logarithm of a parameter, for derivatives of the gradient.
const STEP: f64 = 1e-4;
/// What a Newton step would still gain in log-likelihood where a maximum counts as reached.
const GAIN: f64 = 1e-8;
/// A parameter whose logarithm is so close to a bound is at it.
const AT_BOUND: f64 = 0.02;

/// A fitted parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    pub name: String,
    pub value: f64,
    /// From the observed information; nothing for a parameter at its bound or without a maximum.
    pub standard_error: Option<f64>,
}

/// How a fit ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Convergence {
    /// Whether the gradient vanishes at a proper maximum, inside the bounds.
    pub converged: bool,
    /// Parameters that ran into their bounds.
    pub at_bound: Vec<String>,
    /// Starting points, and how many of them led to this maximum: where there are many customers, to that of some that
    /// stand for all.
    pub starts: u32,
    pub agreeing: u32,
    /// Evaluations of the likelihood, those for some of the customers among them.
    pub evaluations: u32,
    /// What one more Newton step would gain in log-likelihood.
    pub gain: f64,
}

pub(super) struct Maximum<const N: usize> {
    pub at: [f64; N],
    pub log_likelihood: f64,
    pub parameters: Vec<Parameter>,
    pub convergence: Convergence,
}

/// What was seen of customers.
pub(super) trait Observed {
    /// How many they are.
    fn customers(&self) -> f64;
}

/// Maximises the likelihood of `all`: `likelihood` gives its logarithm and the derivatives by the logarithms of the
/// parameters. Starts outside the bounds are moved into them.
///
/// Where there are `few` to stand for all, the starts are tried on them alone, and a few steps on all lead from their
/// maximum to that of all; where they don't, the starts are tried on all.
pub(super) fn maximise<O: Observed + ?Sized, const N: usize>(
    names: [&str; N],
    likelihood: impl Fn(&O, &[f64; N]) -> (f64, [f64; N]),
    all: &O,
    few: Option<&O>,
    bounds: [(f64, f64); N],
    starts: &[[f64; N]],
) -> Maximum<N> {
    let bounds = bounds.map(|(low, high)| (low.ln(), high.ln()));
    let of_all = |at: &[f64; N]| likelihood(all, at);
    let of_few = few.map(|few| (few.customers(), |at: &[f64; N]| likelihood(few, at)));
    let all = Bounded::new(&of_all, all.customers(), bounds);
    let few = of_few.as_ref().map(|(customers, of_few)| Bounded::new(of_few, *customers, bounds));
    let (polished, agreeing) = few.as_ref().and_then(|few| all.by_way_of(few, starts)).unwrap_or_else(|| {
        let climbed = all.climb_from(starts);
        let polished = all.polish(climbed.at());
        let agreeing = climbed.agreeing(polished.value);
        (polished, agreeing)
    });
    let at_bound = (0..N).filter(|i| !polished.free[*i]).map(|i| names[i].to_owned()).collect::<Vec<_>>();
    let at = polished.at.map(f64::exp);
    Maximum {
        at,
        log_likelihood: polished.value,
        parameters: (0..N)
            .map(|i| Parameter {
                name: names[i].to_owned(),
                value: at[i],
                standard_error: polished.errors[i].map(|e| e * at[i]),
            })
            .collect(),
        convergence: Convergence {
            converged: polished.converged && at_bound.is_empty(),
            at_bound,
            starts: starts.len() as u32,
            agreeing,
            evaluations: all.evaluations.get() + few.map_or(0, |few| few.evaluations.get()),
            gain: polished.gain,
        },
    }
}

/// The log-likelihood at parameters, and its derivatives by their logarithms.
type Likelihood<'a, const N: usize> = dyn Fn(&[f64; N]) -> (f64, [f64; N]) + 'a;

struct Bounded<'a, const N: usize> {
    likelihood: &'a Likelihood<'a, N>,
    customers: f64,
    /// Of the logarithms.
    bounds: [(f64, f64); N],
    /// The last point that was asked for: cost and gradient are asked for one after the other.
    last: RefCell<Option<Asked>>,
    /// By L-BFGS from this start.
    asked: Cell<u32>,
    evaluations: Cell<u32>,
}

struct Asked {
    at: Vec<f64>,
    cost: f64,
    slopes: Vec<f64>,
}

/// Where starts led.
struct Climbed<const N: usize> {
    /// Logarithms, and the log-likelihood there.
    found: Vec<([f64; N], f64)>,
    best: usize,
}

struct Polished<const N: usize> {
    /// Logarithms.
    at: [f64; N],
    value: f64,
    free: [bool; N],
    errors: [Option<f64>; N],
    converged: bool,
    gain: f64,
}

impl<const N: usize> Climbed<N> {
    /// The best one, in logarithms.
    fn at(&self) -> [f64; N] {
        self.found[self.best].0
    }

    /// How many are the best one or have this value.
    fn agreeing(&self, value: f64) -> u32 {
        let near = |other: f64| (other - value).abs() <= 1e-3_f64.max(1e-9 * value.abs());
        (0..self.found.len()).filter(|i| *i == self.best || near(self.found[*i].1)).count() as u32
    }
}

impl<'a, const N: usize> Bounded<'a, N> {
    fn new(likelihood: &'a Likelihood<'a, N>, customers: f64, bounds: [(f64, f64); N]) -> Bounded<'a, N> {
        Bounded {
            likelihood,
            customers,
            bounds,
            last: RefCell::new(None),
            asked: Cell::new(0),
            evaluations: Cell::new(0),
        }
    }

    /// The maximum, and how many starts led to it, by way of the maximum for `few` customers. Nothing unless all starts
    /// agree on the latter and the former is a proper one inside the bounds: only there are steps sure to lead to it.
    fn by_way_of(&self, few: &Bounded<N>, starts: &[[f64; N]]) -> Option<(Polished<N>, u32)> {
        let climbed = few.climb_from(starts);
        let agreeing = climbed.agreeing(climbed.found[climbed.best].1);
        if (agreeing as usize) < starts.len() {
            return None;
        }
        let mut at = climbed.at();
        // The curvature that few have is nearly that of all: a step by it leaves some hundredths of the way, for one
        // evaluation, where a step by that of all would take 2 N more.
        let covariance = inverse(&few.information(&at, &[true; N]))?;
        let scale = few.customers / self.customers;
        let mut last = f64::INFINITY;
        for _ in 0..MOST_NEWTON {
            let (_, slopes) = self.ask(&at);
            let step: [f64; N] =
                std::array::from_fn(|i| scale * (0..N).map(|j| covariance[i][j] * slopes[j]).sum::<f64>());
            let gain = 0.5 * (0..N).map(|i| step[i] * slopes[i]).sum::<f64>();
            if gain < GAIN * 1e-4 || gain.is_nan() || gain > last / 4.0 {
                break;
            }
            last = gain;
            (0..N).for_each(|i| at[i] = (at[i] + step[i]).clamp(self.bounds[i].0, self.bounds[i].1));
        }
        let polished = self.polish(at);
        (polished.converged && polished.free == [true; N]).then_some((polished, agreeing))
    }

    /// The likelihood at logarithms of parameters.
    fn ask(&self, logs: &[f64; N]) -> (f64, [f64; N]) {
        self.evaluations.set(self.evaluations.get() + 1);
        (self.likelihood)(&logs.map(f64::exp))
    }

    /// The whole line is bent into the bounds, so that no step can leave them.
    fn logs(&self, free: &[f64]) -> [f64; N] {
        std::array::from_fn(|i| {
            let (low, high) = self.bounds[i];
            low + (high - low) * super::groups::logistic(free[i])
        })
    }

    fn mean(&self, free: &[f64]) -> (f64, Vec<f64>) {
        if let Some(last) = self.last.borrow().as_ref().filter(|last| last.at == free) {
            return (last.cost, last.slopes.clone());
        }
        let (value, by_log) = self.ask(&self.logs(free));
        let slopes: Vec<f64> = (0..N)
            .map(|i| {
                let (low, high) = self.bounds[i];
                let share = super::groups::logistic(free[i]);
                -by_log[i] / self.customers * (high - low) * share * (1.0 - share)
            })
            .collect();
        let cost = -value / self.customers;
        *self.last.borrow_mut() = Some(Asked { at: free.to_vec(), cost, slopes: slopes.clone() });
        (cost, slopes)
    }

    /// An error ends a search that goes nowhere; where it got to is kept.
    fn limited(&self, free: &[f64]) -> Result<(f64, Vec<f64>), Error> {
        self.asked.set(self.asked.get() + 1);
        let (cost, slopes) = self.mean(free);
        let lost = !cost.is_finite() || slopes.iter().any(|slope| !slope.is_finite());
        if lost || self.asked.get() > MOST_ASKED {
            return Err(Error::msg("the likelihood is no guide here"));
        }
        Ok((cost, slopes))
    }

    /// From a start to where L-BFGS gets: logarithms, and the log-likelihood there.
    fn climb(&self, start: &[f64; N]) -> ([f64; N], f64) {
        let free: Vec<f64> = (0..N)
            .map(|i| {
                let (low, high) = self.bounds[i];
                let share = ((start[i].ln() - low) / (high - low)).clamp(0.02, 0.98);
                (share / (1.0 - share)).ln()
            })
            .collect();
        self.asked.set(0);
        let solver = LBFGS::new(MoreThuenteLineSearch::new(), MEMORY)
            .with_tolerance_grad(1e-7)
            .and_then(|solver| solver.with_tolerance_cost(1e-11));
        let run = solver.and_then(|solver| {
            Executor::new(self, solver)
                .configure(|state| state.param(free.clone()).max_iters(MOST_STEPS))
                .ctrlc(false)
                .timer(false)
                .run()
        });
        let end = run.ok().and_then(|result| result.state.best_param).unwrap_or(free);
        let (cost, _) = self.mean(&end);
        (self.logs(&end), -cost * self.customers)
    }

    fn climb_from(&self, starts: &[[f64; N]]) -> Climbed<N> {
        let found: Vec<([f64; N], f64)> = starts.iter().map(|start| self.climb(start)).collect();
        // The first among equals: NaN, where a start led nowhere, loses.
        let better = |x: f64, y: f64| x > y || (y.is_nan() && !x.is_nan());
        let best = (1..found.len()).fold(0, |best, i| if better(found[i].1, found[best].1) { i } else { best });
        Climbed { found, best }
    }

    /// Newton steps on the logarithms of the parameters that are inside their bounds.
    fn polish(&self, start: [f64; N]) -> Polished<N> {
        let mut at = start;
        let (mut value, mut slopes) = self.ask(&at);
        let mut last = Polished { at, value, free: [true; N], errors: [None; N], converged: false, gain: f64::NAN };
        for _ in 0..MOST_NEWTON {
            let free: [bool; N] = std::array::from_fn(|i| {
                let (low, high) = self.bounds[i];
                at[i] - low > AT_BOUND && high - at[i] > AT_BOUND
            });
            let information = self.information(&at, &free);
            let Some(covariance) = inverse(&information) else {
                return Polished { at, value, free, ..last };
            };
            let step: [f64; N] = std::array::from_fn(|i| {
                (0..N).filter(|j| free[*j]).map(|j| covariance[i][j] * slopes[j]).sum::<f64>()
                    * f64::from(u8::from(free[i]))
            });
            let gain = 0.5 * (0..N).map(|i| step[i] * slopes[i]).sum::<f64>();
            let errors = std::array::from_fn(|i| free[i].then(|| covariance[i][i].sqrt()).filter(|e| e.is_finite()));
            last = Polished { at, value, free, errors, converged: gain < GAIN, gain };
            if gain < GAIN * 1e-4 {
                break;
            }
            // Half the step until it gains.
            let mut length = 1.0;
            let better = loop {
                let next: [f64; N] = std::array::from_fn(|i| {
                    let (low, high) = self.bounds[i];
                    (at[i] + length * step[i].clamp(-2.0, 2.0)).clamp(low, high)
                });
                let (there, slopes) = self.ask(&next);
                if there > value {
                    break Some((next, there, slopes));
                }
                length /= 2.0;
                if length < 1e-3 {
                    break None;
                }
            };
            let Some(better) = better else { break };
            let gained = better.1 - value;
            (at, value, slopes) = better;
            // On a ridge that leads to a bound, steps go on for ever and gain nothing.
            if gained < GAIN {
                break;
            }
        }
        last
    }

    /// The negative matrix of second derivatives by the logarithms; the unit matrix where a parameter is not free.
    fn information(&self, at: &[f64; N], free: &[bool; N]) -> [[f64; N]; N] {
        let mut matrix = [[0.0; N]; N];
        for i in (0..N).filter(|i| free[*i]) {
            let shifted = |by: f64| {
                let mut logs = *at;
                logs[i] += by;
                self.ask(&logs).1
            };
            let (up, down) = (shifted(STEP), shifted(-STEP));
            (0..N).for_each(|j| matrix[i][j] = -(up[j] - down[j]) / (2.0 * STEP));
        }
        let mut symmetric = matrix;
        for i in 0..N {
            for j in 0..N {
                let both = free[i] && free[j];
                symmetric[i][j] = if both { (matrix[i][j] + matrix[j][i]) / 2.0 } else { f64::from(u8::from(i == j)) };
            }
        }
        symmetric
    }
}

impl<const N: usize> CostFunction for &Bounded<'_, N> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, free: &Vec<f64>) -> Result<f64, Error> {
        Ok(self.limited(free)?.0)
    }
}

impl<const N: usize> Gradient for &Bounded<'_, N> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, free: &Vec<f64>) -> Result<Vec<f64>, Error> {
        Ok(self.limited(free)?.1)
    }
}

/// Of a positive definite matrix, by Cholesky; nothing for any other.
fn inverse<const N: usize>(matrix: &[[f64; N]; N]) -> Option<[[f64; N]; N]> {
    let mut lower = [[0.0; N]; N];
    for i in 0..N {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| lower[i][k] * lower[j][k]).sum();
            if i == j {
                let pivot = matrix[i][i] - sum;
                // Less than this of a diagonal is rounding.
                if pivot.is_nan() || pivot <= 1e-12 * matrix[i][i].abs() {
                    return None;
                }
                lower[i][i] = pivot.sqrt();
            } else {
                lower[i][j] = (matrix[i][j] - sum) / lower[j][j];
            }
        }
    }
    let mut inverse = [[0.0; N]; N];
    // The inverse is symmetric: a column is a row.
    for (column, x) in inverse.iter_mut().enumerate() {
        for i in 0..N {
            let unit = f64::from(u8::from(i == column));
            x[i] = (unit - (0..i).map(|k| lower[i][k] * x[k]).sum::<f64>()) / lower[i][i];
        }
        for i in (0..N).rev() {
            x[i] = (x[i] - (i + 1..N).map(|k| lower[k][i] * x[k]).sum::<f64>()) / lower[i][i];
        }
    }
    Some(inverse)
}
