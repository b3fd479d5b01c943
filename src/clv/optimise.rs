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
    /// Starting points, and how many of them led to this maximum.
    pub starts: u32,
    pub agreeing: u32,
    /// Evaluations of the likelihood.
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

/// Maximises `likelihood`, which gives the log-likelihood and its derivatives by the logarithms of the parameters.
/// `weight` is the number of observations. Starts outside the bounds are moved into them.
pub(super) fn maximise<const N: usize>(
    names: [&str; N],
    likelihood: &Likelihood<N>,
    weight: f64,
    bounds: [(f64, f64); N],
    starts: &[[f64; N]],
) -> Maximum<N> {
    let bounds = bounds.map(|(low, high)| (low.ln(), high.ln()));
    let problem = Bounded {
        likelihood,
        weight,
        bounds,
        last: RefCell::new(None),
        asked: Cell::new(0),
        evaluations: Cell::new(0),
    };
    let mut found: Vec<([f64; N], f64)> = starts.iter().map(|start| problem.climb(start)).collect();
    // The first among equals: NaN, where a start led nowhere, loses.
    let better = |x: f64, y: f64| x > y || (y.is_nan() && !x.is_nan());
    let mut best = 0;
    for i in 1..found.len() {
        if better(found[i].1, found[best].1) {
            best = i;
        }
    }
    let polished = problem.polish(found[best].0);
    found[best].1 = polished.value;
    let near = |value: f64| (value - polished.value).abs() <= 1e-3_f64.max(1e-9 * polished.value.abs());
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
            agreeing: found.iter().filter(|(_, value)| near(*value)).count() as u32,
            evaluations: problem.evaluations.get(),
            gain: polished.gain,
        },
    }
}

/// The log-likelihood at parameters, and its derivatives by their logarithms.
type Likelihood<'a, const N: usize> = dyn Fn(&[f64; N]) -> (f64, [f64; N]) + 'a;

struct Bounded<'a, const N: usize> {
    likelihood: &'a Likelihood<'a, N>,
    weight: f64,
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

struct Polished<const N: usize> {
    /// Logarithms.
    at: [f64; N],
    value: f64,
    free: [bool; N],
    errors: [Option<f64>; N],
    converged: bool,
    gain: f64,
}

impl<const N: usize> Bounded<'_, N> {
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
                -by_log[i] / self.weight * (high - low) * share * (1.0 - share)
            })
            .collect();
        let cost = -value / self.weight;
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
        (self.logs(&end), -cost * self.weight)
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
