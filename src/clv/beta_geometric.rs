//! BG/NBD and MBG/NBD: customers buy at a steady rate, gamma distributed, and after each purchase they are gone with a
//! probability of their own, beta distributed. In the modified model the first purchase counts too, so that who bought
//! once may be gone.
//!
//! Sources: Fader, Hardie and Lee 2005, equations 6 and 10; Batislam, Denizel and Filiztekin 2007.

use super::groups::{Groups, logistic, rising, softplus};

/// Beyond this many terms a sum is as good as it gets.
const MOST_TERMS: u32 = 2_000_000;

/// How many chances to leave there were before the first repeat purchase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bg = 0,
    Mbg = 1,
}

/// Of r, alpha, a and b: the log-likelihood, and its derivatives by their logarithms.
pub(super) fn log_likelihood(groups: &Groups, kind: Kind, [r, alpha, a, b]: &[f64; 4]) -> (f64, [f64; 4]) {
    let first = kind as u32;
    let (bought, bought_by) = rising(*r, groups.most);
    let stays = stays(*a, *b, groups.most + first);
    let ln_alpha = alpha.ln();
    let ln_waited = groups.of_times(|t| (t / alpha).ln_1p());
    let (value, by) = groups.sum(|row| {
        let chances = row.repeats + first;
        let (x, age, active) = (row.repeats as usize, row.age as usize, row.active as usize);
        let n = r + f64::from(row.repeats);
        let (stay, stay_by) = stays[chances as usize];
        let mut value = bought[x] - n * ln_waited[age] - f64::from(row.repeats) * ln_alpha + stay;
        let by_alpha = r / alpha - n / (alpha + groups.times[age]);
        let mut by = [bought_by[x] - ln_waited[age], by_alpha, stay_by[0], stay_by[1]];
        if chances > 0 {
            let left = b + f64::from(chances) - 1.0;
            let silent = ln_waited[age] - ln_waited[active];
            let odds = (a / left).ln() + n * silent;
            let gone = logistic(odds);
            value += softplus(odds);
            by[0] += gone * silent;
            by[1] += gone * n * (1.0 / (alpha + groups.times[age]) - 1.0 / (alpha + groups.times[active]));
            by[2] += gone / a;
            by[3] -= gone / left;
        }
        (value, by)
    });
    (value, [by[0] * r, by[1] * alpha, by[2] * a, by[3] * b])
}

/// ln of B(a, b + m) / B(a, b), the chance to stay m times, and its derivatives, for m up to `most`.
fn stays(a: f64, b: f64, most: u32) -> Vec<(f64, [f64; 2])> {
    let mut table = vec![(0.0, [0.0, 0.0])];
    let (mut value, mut by) = (0.0, [0.0, 0.0]);
    for k in 0..most {
        let b = b + f64::from(k);
        value -= (a / b).ln_1p();
        by[0] -= 1.0 / (a + b);
        by[1] += a / (b * (a + b));
        table.push((value, by));
    }
    table
}

/// P(alive) of a customer with x repeat purchases, the last of them at `active`, at the age `age`.
pub(super) fn alive(kind: Kind, [r, alpha, a, b]: &[f64; 4], x: u32, active: f64, age: f64) -> f64 {
    let chances = x + kind as u32;
    if chances == 0 {
        return 1.0;
    }
    let silent = (age / alpha).ln_1p() - (active / alpha).ln_1p();
    let odds = (a / (b + f64::from(chances) - 1.0)).ln() + (r + f64::from(x)) * silent;
    logistic(-odds)
}

/// Purchases to expect within `horizon` of somebody who is alive.
///
/// Who never leaves makes n purchases with the probabilities of a negative binomial distribution; each of them is made if
/// the customer stayed after all before it. So the published expectation, a difference with 2F1 in it, is a sum of
/// positive terms: sum over n of P(n) (s_0 + ... + s_(n-1)), with s_k = B(a, b' + k) / B(a, b').
pub(super) fn expected_alive(kind: Kind, [r, alpha, a, b]: &[f64; 4], x: u32, age: f64, horizon: f64) -> f64 {
    let (r, b) = (r + f64::from(x), b + f64::from(x + kind as u32));
    let z = horizon / (alpha + age + horizon);
    // ln P(0); where it is no number yet, P(n) grows in logarithms until it is one.
    let mut ln_chance = -r * (horizon / (alpha + age)).ln_1p();
    let mut chance = ln_chance.exp();
    let (mut stays, mut made, mut sum) = (1.0, 0.0, 0.0);
    for n in 0..MOST_TERMS {
        let n = f64::from(n);
        let growth = (r + n) / (n + 1.0) * z;
        if chance < f64::MIN_POSITIVE {
            ln_chance += growth.ln();
            chance = ln_chance.exp();
        } else {
            chance *= growth;
        }
        made += stays;
        stays *= (b + n) / (a + b + n);
        let term = chance * made;
        sum += term;
        // Behind the mode terms fall at least as fast as those of a geometric series.
        if growth < 1.0 && term <= f64::EPSILON * sum * (1.0 - growth) && (sum > 0.0 || ln_chance > f64::MIN_EXP as f64)
        {
            break;
        }
    }
    sum
}
