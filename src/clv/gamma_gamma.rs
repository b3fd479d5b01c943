//! The Gamma-Gamma model of spending: purchases of a customer are gamma distributed around a mean of their own, means
//! are distributed so over customers, and how much somebody spends has nothing to do with how often they buy.
//!
//! Source: Fader and Hardie 2013, equations 1a and 5.

use serde::{Deserialize, Serialize};
use statrs::function::gamma::{digamma, ln_gamma};

use super::fit::FitError;
use super::groups::{spread, sum};
use super::history::Repeats;
use super::optimise::{Convergence, Observed, Parameter, maximise};

/// How much customers spend in one purchase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GammaGamma {
    pub p: f64,
    pub q: f64,
    /// In the currency.
    pub gamma: f64,
    /// The mean over the customers that it was fitted to, which stands for the mean of all where q is at most 1 and the
    /// model has none.
    pub observed: f64,
}

/// A fitted model of spending.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpendFit {
    pub model: GammaGamma,
    pub parameters: Vec<Parameter>,
    pub log_likelihood: f64,
    pub convergence: Convergence,
    /// Customers that it was fitted to: those whose repeat purchases brought money.
    pub customers: u64,
    /// Customers left out, since their repeat purchases brought nothing or less.
    pub without: u64,
}

impl GammaGamma {
    /// The mean of somebody of whom no repeat purchase is known: p gamma / (q - 1).
    pub fn mean(&self) -> f64 {
        if self.has_mean() { self.p * self.gamma / (self.q - 1.0) } else { self.observed }
    }

    /// Whether the distribution over customers has a mean.
    pub fn has_mean(&self) -> bool {
        self.q > 1.0
    }

    /// What a customer will spend in a purchase, between what they spent so far and the mean of all. A mean below zero,
    /// where more was given back than bought, counts as zero.
    pub fn expected(&self, seen: Option<Repeats>) -> f64 {
        let Some(Repeats { repeats, mean }) = seen else { return self.mean() };
        let x = f64::from(repeats);
        let weight = self.p * x + self.q - 1.0;
        if weight <= 0.0 { self.mean() } else { self.p * (self.gamma + x * mean.max(0.0)) / weight }
    }

    pub fn is_proper(&self) -> bool {
        [self.p, self.q, self.gamma, self.observed].into_iter().all(|p| p.is_finite() && p > 0.0)
    }
}

/// Maximum likelihood over the customers whose mean is above zero. Shapes lie between 1e-3 and 1e4, gamma between 1e-6
/// and 1e6 times the mean.
///
/// Errors: [`FitError::NoSpend`] where there is no such customer.
pub fn fit_spend(seen: &[Repeats]) -> Result<SpendFit, FitError> {
    let mut spent: Vec<Repeats> = seen.iter().copied().filter(|s| s.mean > 0.0).collect();
    if spent.is_empty() {
        return Err(FitError::NoSpend);
    }
    // In the order of their values, no sum depends on the order in which customers came.
    spent.sort_unstable_by(|a, b| a.repeats.cmp(&b.repeats).then(a.mean.total_cmp(&b.mean)));
    let n = spent.len() as f64;
    let observed = spent.iter().map(|s| s.mean).sum::<f64>() / n;
    let mut rows: Vec<Spent> = vec![];
    for equal in spent.chunk_by(|a, b| a == b) {
        let (x, mean) = (f64::from(equal[0].repeats), equal[0].mean / observed);
        rows.push(Spent {
            repeats: equal[0].repeats,
            sum: x * mean,
            ln_sum: (x * mean).ln(),
            customers: equal.len() as f64,
        });
    }
    let few: Option<Vec<Spent>> = spread(&rows, |row| row.customers)
        .map(|picked| picked.into_iter().map(|(row, customers)| Spent { customers, ..*row }).collect());
    let maximum = maximise(
        ["p", "q", "gamma"],
        log_likelihood,
        rows.as_slice(),
        few.as_deref(),
        [(1e-3, 1e4), (1e-3, 1e4), (1e-6, 1e6)],
        &[[2.0, 3.0, 1.0], [6.0, 4.0, 0.5], [1.0, 10.0, 9.0]],
    );
    let [p, q, gamma] = maximum.at;
    // Amounts were measured in means. A density of z rather than of ln z has one 1/z per customer.
    let ln_means: f64 = rows.iter().map(|row| row.customers * (row.ln_sum - f64::from(row.repeats).ln())).sum();
    let mut parameters = maximum.parameters;
    parameters[2].value *= observed;
    parameters[2].standard_error = parameters[2].standard_error.map(|e| e * observed);
    Ok(SpendFit {
        model: GammaGamma { p, q, gamma: gamma * observed, observed },
        parameters,
        log_likelihood: maximum.log_likelihood - ln_means - n * observed.ln(),
        convergence: maximum.convergence,
        customers: spent.len() as u64,
        without: (seen.len() - spent.len()) as u64,
    })
}

/// Customers with the same repeat purchases and the same mean.
struct Spent {
    repeats: u32,
    /// Of all repeat purchases.
    sum: f64,
    ln_sum: f64,
    customers: f64,
}

impl Observed for [Spent] {
    fn customers(&self) -> f64 {
        self.iter().map(|row| row.customers).sum()
    }
}

/// Of the logarithm of each mean, and the derivatives by the logarithms of p, q and gamma.
fn log_likelihood(rows: &[Spent], [p, q, gamma]: &[f64; 3]) -> (f64, [f64; 3]) {
    // Rows stand by number of purchases: what depends on it alone is computed once for each.
    let mut of_repeats: Vec<(u32, f64, f64, f64)> = vec![];
    for row in rows {
        if of_repeats.last().is_none_or(|(x, ..)| *x != row.repeats) {
            let px = p * f64::from(row.repeats);
            let value = ln_gamma(px + q) - ln_gamma(px) - ln_gamma(*q);
            of_repeats.push((row.repeats, value, digamma(px + q) - digamma(px), digamma(px + q) - digamma(*q)));
        }
    }
    let (value, by) = sum(rows, |row| {
        let at = of_repeats.partition_point(|(x, ..)| *x < row.repeats);
        let (_, gammas, gammas_p, gammas_q) = of_repeats[at];
        let x = f64::from(row.repeats);
        let whole = (gamma + row.sum).ln();
        let value = gammas + q * gamma.ln() + p * x * row.ln_sum - (p * x + q) * whole;
        let by = [
            x * (gammas_p + row.ln_sum - whole),
            gammas_q + gamma.ln() - whole,
            q / gamma - (p * x + q) / (gamma + row.sum),
        ];
        (row.customers, (value, by))
    });
    (value, [by[0] * p, by[1] * q, by[2] * gamma])
}
