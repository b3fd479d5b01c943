//! Pareto/NBD: customers buy at a steady rate, gamma distributed, until they leave after a time that is exponential with
//! a rate of their own, gamma distributed too.
//!
//! Source: Schmittlein, Morrison and Colombo 1987; likelihood after Fader and Hardie 2005, whose two cases are one here
//! by Euler's and Pfaff's transformations: A0 = P(t_x) H(t_x) - P(T) H(T) with P(t) = (alpha+t)^-(r+x) (beta+t)^-s and
//! H(t) = 2F1(1, r+x; r+s+x+1; (alpha-beta)/(alpha+t)).

use rayon::prelude::*;

use super::groups::{Groups, Row, logistic, rising, softplus, sum};
use super::hypergeometric::hyp2f1_one;
use super::optimise::Observed;

/// Histories, and what H depends on in them: repeat purchases and a time. Of days there are few, so that few such pairs
/// serve any number of customers.
pub(super) struct Histories<'a> {
    groups: &'a Groups,
    /// Repeat purchases and a time, each pair once.
    pairs: Vec<(u32, f64)>,
    rows: Vec<Silence<'a>>,
}

struct Silence<'a> {
    row: &'a Row,
    /// Where the pairs of t_x and of T are; nothing for who bought just now.
    pairs: Option<[u32; 2]>,
}

impl Observed for Histories<'_> {
    fn customers(&self) -> f64 {
        self.groups.customers
    }
}

impl Histories<'_> {
    pub fn new(groups: &Groups) -> Histories<'_> {
        let mut pairs = vec![];
        let mut rows = vec![];
        for equal in groups.rows.chunk_by(|a, b| a.repeats == b.repeats) {
            let silent = |row: &Row| row.active < row.age;
            let mut times: Vec<u32> =
                equal.iter().filter(|row| silent(row)).flat_map(|row| [row.active, row.age]).collect();
            times.sort_unstable();
            times.dedup();
            let place = |time: u32| (pairs.len() + times.partition_point(|t| *t < time)) as u32;
            rows.extend(
                equal
                    .iter()
                    .map(|row| Silence { row, pairs: silent(row).then(|| [place(row.active), place(row.age)]) }),
            );
            pairs.extend(times.iter().map(|time| (equal[0].repeats, groups.times[*time as usize])));
        }
        Histories { groups, pairs, rows }
    }
}

/// Of r, alpha, s and beta: the log-likelihood, and its derivatives by their logarithms.
pub(super) fn log_likelihood(histories: &Histories, at: &[f64; 4]) -> (f64, [f64; 4]) {
    let [r, alpha, s, beta] = at;
    let groups = histories.groups;
    let (bought, bought_by) = rising(*r, groups.most);
    let waited = groups.of_times(|t| ((t / alpha).ln_1p(), (t / beta).ln_1p()));
    let tails: Vec<Tail> = histories.pairs.par_iter().with_min_len(64).map(|(x, t)| tail(at, *x, *t)).collect();
    let (value, by) = sum(&histories.rows, |Silence { row, pairs }| {
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
        let gone = pairs.and_then(|pairs| {
            let [then, now] = pairs.map(|pair| &tails[pair as usize]);
            gone(at, row.repeats, (groups.times[row.active as usize], then), (age, now))
        });
        let Some((odds, odds_by)) = gone else { return (row.customers, (alive, by)) };
        let gone = logistic(odds);
        (0..4).for_each(|i| by[i] += gone * odds_by[i]);
        (row.customers, (alive + softplus(odds), by))
    });
    (value, [by[0] * r, by[1] * alpha, by[2] * s, by[3] * beta])
}

/// H of a time, and its derivatives.
type Tail = (f64, [f64; 4]);

fn tail([r, alpha, s, beta]: &[f64; 4], x: u32, t: f64) -> Tail {
    let n = r + f64::from(x);
    let h = hyp2f1_one(n, n + s + 1.0, (alpha - beta) / (alpha + t));
    let [by_b, by_c, by_z] = h.by;
    let (z_alpha, z_beta) = ((beta + t) / (alpha + t).powi(2), -1.0 / (alpha + t));
    (h.value, [by_b + by_c, by_z * z_alpha, by_c, by_z * z_beta])
}

/// ln of the odds that a customer has left, and its derivatives, from t_x and T with H of each; nothing where rounding
/// leaves no odds.
fn gone(
    [r, alpha, s, beta]: &[f64; 4],
    x: u32,
    (active, (then, then_by)): (f64, &Tail),
    (age, (now, now_by)): (f64, &Tail),
) -> Option<(f64, [f64; 4])> {
    let n = r + f64::from(x);
    let all = n + s;
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
    if active >= age {
        // They bought just now.
        return 1.0;
    }
    let odds = gone(at, x, (active, &tail(at, x, active)), (age, &tail(at, x, age)));
    odds.map_or(1.0, |(odds, _)| logistic(-odds))
}

/// Purchases to expect within `horizon` of somebody who is alive.
pub(super) fn expected_alive([r, alpha, s, beta]: &[f64; 4], x: u32, age: f64, horizon: f64) -> f64 {
    let shrinks = -(horizon / (beta + age)).ln_1p();
    let power = (s - 1.0) * shrinks;
    let stays = if power == 0.0 { -shrinks } else { -power.exp_m1() / (s - 1.0) };
    (r + f64::from(x)) * (beta + age) / (alpha + age) * stays
}
