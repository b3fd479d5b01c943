//! The NBD model of buying: everybody buys at a steady rate of their own for ever, rates are gamma distributed. What is
//! left of every model of drop-out when nobody drops out.
//!
//! Source: A. Ehrenberg, The pattern of consumer purchases, 1959.

use super::groups::{Groups, rising};

/// Of r and alpha: the log-likelihood, and its derivatives by their logarithms.
pub(super) fn log_likelihood(groups: &Groups, [r, alpha]: &[f64; 2]) -> (f64, [f64; 2]) {
    let (bought, bought_by) = rising(*r, groups.most);
    let ln_waited = groups.of_times(|t| (t / alpha).ln_1p());
    let (value, by) = groups.sum(|row| {
        let (x, age) = (row.repeats as usize, row.age as usize);
        let n = r + f64::from(row.repeats);
        // r ln(alpha) - n ln(alpha + T), with nothing to cancel.
        let waited = -n * ln_waited[age] - f64::from(row.repeats) * alpha.ln();
        let by_alpha = r / alpha - n / (alpha + groups.times[age]);
        (bought[x] + waited, [bought_by[x] - ln_waited[age], by_alpha])
    });
    (value, [by[0] * r, by[1] * alpha])
}
