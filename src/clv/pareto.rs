//! Pareto/NBD: customers buy at a steady rate, gamma distributed, until they leave after a time that is exponential with
//! a rate of their own, gamma distributed too.
//!
//! Source: Schmittlein, Morrison and Colombo 1987; likelihood after Fader and Hardie 2005, whose two cases are one here
//! by Euler's and Pfaff's transformations: A0 = P(t_x) H(t_x) - P(T) H(T) with P(t) = (alpha+t)^-(r+x) (beta+t)^-s and
//! H(t) = 2F1(1, r+x; r+s+x+1; (alpha-beta)/(alpha+t)).

use super::groups::{Groups, logistic, rising, softplus};
use super::hypergeometric::hyp2f1_one;

/// Of r, alpha, s and beta: the log-likelihood, and its derivatives by their logarithms.
pub(super) fn log_likelihood(groups: &Groups, at: &[f64; 4]) -> (f64, [f64; 4]) {
    let [r, alpha, s, beta] = at;
    let (bought, bought_by) = rising(*r, groups.most);
    let waited = groups.of_times(|t| ((t / alpha).ln_1p(), (t / beta).ln_1p()));
    let (value, by) = groups.sum(|row| {
        let (x, age) = (f64::from(row.repeats), groups.times[row.age as usize]);
        let (by_alpha, by_beta) = waited[row.age as usize];
        let n = r + x;
        let alive = bought[row.repeats as usize] - n * by_alpha - x * alpha.ln() - s * by_beta;
        let mut by = [
            bought_by[row.repeats as usize] - by_alpha,
            r / alpha - n / (alpha + age),
            -by_beta,
            s / beta - s / (beta + age),
        ];
        let Some((odds, odds_by)) = gone(at, row.repeats, groups.times[row.active as usize], age) else {
            return (alive, by);
        };
        let gone = logistic(odds);
        (0..4).for_each(|i| by[i] += gone * odds_by[i]);
        (alive + softplus(odds), by)
    });
    (value, [by[0] * r, by[1] * alpha, by[2] * s, by[3] * beta])
}

/// ln of the odds that a customer has left, and its derivatives; nothing where they bought just now.
fn gone([r, alpha, s, beta]: &[f64; 4], x: u32, active: f64, age: f64) -> Option<(f64, [f64; 4])> {
    if active >= age {
        return None;
    }
    let n = r + f64::from(x);
    let all = n + s;
    let at = |t: f64| {
        let z = (alpha - beta) / (alpha + t);
        let h = hyp2f1_one(n, all + 1.0, z);
        let [by_b, by_c, by_z] = h.by;
        let (z_alpha, z_beta) = ((beta + t) / (alpha + t).powi(2), -1.0 / (alpha + t));
        (h.value, [by_b + by_c, by_z * z_alpha, by_c, by_z * z_beta])
    };
    let ((then, then_by), (now, now_by)) = (at(active), at(age));
    let (silent, staying) = (((age - active) / (alpha + active)).ln_1p(), ((age - active) / (beta + active)).ln_1p());
    // ln P(t_x) - ln P(T).
    let fall = n * silent + s * staying;
    let fall_by = [
        silent,
        n * (1.0 / (alpha + age) - 1.0 / (alpha + active)),
        staying,
        s * (1.0 / (beta + age) - 1.0 / (beta + active)),
    ];
    let faded = (-fall).exp();
    let between = then - faded * now;
    if between <= 0.0 {
        return None;
    }
    let odds = (s / all).ln() + fall + between.ln();
    let share_by = [-1.0 / all, 0.0, 1.0 / s - 1.0 / all, 0.0];
    let by = std::array::from_fn(|i| {
        share_by[i] + fall_by[i] + (then_by[i] - faded * (now_by[i] - now * fall_by[i])) / between
    });
    Some((odds, by))
}

/// P(alive) of a customer with x repeat purchases, the last of them at `active`, at the age `age`.
pub(super) fn alive(at: &[f64; 4], x: u32, active: f64, age: f64) -> f64 {
    gone(at, x, active, age).map_or(1.0, |(odds, _)| logistic(-odds))
}

/// Purchases to expect within `horizon` of somebody who is alive.
pub(super) fn expected_alive([r, alpha, s, beta]: &[f64; 4], x: u32, age: f64, horizon: f64) -> f64 {
    let shrinks = -(horizon / (beta + age)).ln_1p();
    let power = (s - 1.0) * shrinks;
    let stays = if power == 0.0 { -shrinks } else { -power.exp_m1() / (s - 1.0) };
    (r + f64::from(x)) * (beta + age) / (alpha + age) * stays
}
