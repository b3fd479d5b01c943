//! How far a model can be trusted: purchases that it was not shown, the assumption that spending and frequency have
//! nothing to do with each other, and how sure a mean is.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use super::fit::{FitError, Model, PurchaseFit, fit_purchases};
use super::gamma_gamma::{SpendFit, fit_spend};
use super::history::{Days, History, PurchaseDays, Repeats, Unit};
use super::value::for_each_history;

/// Customers with this many repeat purchases or more are one group.
pub const MOST_REPEATS: u32 = 7;

/// A model fitted to what was bought up to a day, beside what was bought after it by the same customers.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldOut {
    pub purchases: PurchaseFit,
    pub spend: Option<SpendFit>,
    /// By repeat purchases up to that day: 0, 1, ... and [`MOST_REPEATS`] or more; groups without customers are absent.
    pub groups: Vec<FrequencyGroup>,
    /// What these customers brought after that day, expected and actual; nothing without a model of spending.
    pub amount: Option<(f64, f64)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FrequencyGroup {
    pub repeats: u32,
    pub customers: u64,
    /// Purchases of the group after the day: what the model said, and what happened.
    pub expected: f64,
    pub actual: u64,
}

/// Fits on the days up to `cut` and predicts those from there to `end`, for customers who had bought by `cut`.
///
/// Errors: as [`fit_purchases`], of what was bought up to `cut`. Without any spend to learn from there is no amount.
pub fn held_out(
    days: &PurchaseDays,
    model: Model,
    unit: Unit,
    cut: i32,
    end: i32,
    money: bool,
) -> Result<HeldOut, FitError> {
    let known: Vec<(usize, History)> = (0..days.customers()).filter_map(|c| Some((c, days.history(c, cut)?))).collect();
    let histories: Vec<History> = known.iter().map(|(_, h)| *h).collect();
    let purchases = fit_purchases(model, unit, &histories)?;
    let horizon = Days(f64::from(end) - f64::from(cut));
    let expected = for_each_history(&histories, |h| purchases.purchases.expected(h, horizon));
    let seen: Vec<Option<Repeats>> = known.iter().map(|(c, _)| days.repeats(*c, cut)).collect();
    let spend = money.then(|| fit_spend(&seen.iter().copied().flatten().collect::<Vec<_>>()).ok()).flatten();
    let mut groups: Vec<FrequencyGroup> =
        (0..=MOST_REPEATS).map(|repeats| FrequencyGroup { repeats, customers: 0, expected: 0.0, actual: 0 }).collect();
    let mut amount = (0.0, 0.0);
    for ((customer, history), (expected, seen)) in known.iter().zip(expected.iter().zip(&seen)) {
        let (count, brought) = days.later(*customer, cut);
        let group = &mut groups[history.repeats.min(MOST_REPEATS) as usize];
        group.customers += 1;
        group.expected += expected;
        group.actual += u64::from(count);
        if let Some(spend) = &spend {
            amount.0 += expected * spend.model.expected(*seen);
            amount.1 += brought;
        }
    }
    groups.retain(|group| group.customers > 0);
    let amount = spend.is_some().then_some(amount);
    Ok(HeldOut { purchases, spend, groups, amount })
}

/// Whether customers who buy more often spend more each time, over those whose repeat purchases brought money.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Independence {
    pub customers: u64,
    /// Correlation of repeat purchases and mean spend, and of their ranks (Spearman).
    pub pearson: f64,
    pub spearman: f64,
    /// Share of the variance of mean spend between groups of equal frequency, [`MOST_REPEATS`] or more as one.
    pub eta_squared: f64,
}

/// Nothing where frequency or spend is the same for everybody.
pub fn independence(seen: &[Repeats]) -> Option<Independence> {
    let mut spent: Vec<Repeats> = seen.iter().copied().filter(|s| s.mean > 0.0).collect();
    spent.sort_unstable_by(|a, b| a.repeats.cmp(&b.repeats).then(a.mean.total_cmp(&b.mean)));
    let x: Vec<f64> = spent.iter().map(|s| f64::from(s.repeats)).collect();
    let z: Vec<f64> = spent.iter().map(|s| s.mean).collect();
    let pearson = correlation(&x, &z)?;
    let spearman = correlation(&ranks(&x), &ranks(&z))?;
    let mean = z.iter().sum::<f64>() / z.len() as f64;
    let total: f64 = z.iter().map(|z| (z - mean).powi(2)).sum();
    let between: f64 = spent
        .chunk_by(|a, b| a.repeats.min(MOST_REPEATS) == b.repeats.min(MOST_REPEATS))
        .map(|group| {
            let own = group.iter().map(|s| s.mean).sum::<f64>() / group.len() as f64;
            group.len() as f64 * (own - mean).powi(2)
        })
        .sum();
    Some(Independence { customers: spent.len() as u64, pearson, spearman, eta_squared: between / total })
}

fn correlation(x: &[f64], y: &[f64]) -> Option<f64> {
    let n = x.len() as f64;
    let (mx, my) = (x.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
    let both: f64 = x.iter().zip(y).map(|(x, y)| (x - mx) * (y - my)).sum();
    let square = |values: &[f64], mean: f64| values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
    let spread = (square(x, mx) * square(y, my)).sqrt();
    (spread > 0.0).then(|| both / spread)
}

/// From 1; equal values share the mean of their ranks.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut below = 0;
    for equal in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let rank = below as f64 + (equal.len() as f64 + 1.0) / 2.0;
        equal.iter().for_each(|i| ranks[*i] = rank);
        below += equal.len();
    }
    ranks
}

/// A mean, and between what bounds it lies in 95 % of resamples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    pub mean: f64,
    pub low: f64,
    pub high: f64,
}

/// The bootstrap of a mean: `resamples` times as many values are drawn with replacement, and the bounds are the 2.5 and
/// 97.5 % points of the means (Efron 1979, percentile). The same seed gives the same bits on any number of threads.
pub fn bootstrap_mean(values: &[f64], resamples: u32, seed: u64) -> Option<Interval> {
    let n = values.len();
    if n == 0 || resamples == 0 {
        return None;
    }
    let mut means: Vec<f64> = (0..resamples)
        .into_par_iter()
        .map(|i| {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(seed ^ (u64::from(i) << 32));
            let draw = |random: &mut Xoshiro256PlusPlus| ((u128::from(random.next_u64()) * n as u128) >> 64) as usize;
            (0..n).map(|_| values[draw(&mut random)]).sum::<f64>() / n as f64
        })
        .collect();
    means.sort_unstable_by(f64::total_cmp);
    let at = |q: f64| {
        let at = q * (means.len() - 1) as f64;
        let (low, high) = (means[at.floor() as usize], means[at.ceil() as usize]);
        low + (high - low) * (at - at.floor())
    };
    Some(Interval { mean: values.iter().sum::<f64>() / n as f64, low: at(0.025), high: at(0.975) })
}
