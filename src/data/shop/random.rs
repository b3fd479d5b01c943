//! Random numbers that depend on what they are for and not on when they are asked for.
//!
//! A stream is named by `(seed, purpose, a, b)`, for example the order `b` of customer `a`, so any order can be made
//! again at any time without keeping it. The name is folded by SplitMix64 (Steele, Lea and Flood 2014) into the 64 bits
//! that seed xoshiro256++ (Blackman and Vigna 2021). Everything drawn from a stream comes out of integers, sums,
//! products and quotients, which IEEE 754 rounds in one way only: the same numbers on every machine.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::{SplitMix64, Xoshiro256PlusPlus};

/// What a stream is for; the numbers are part of the format and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Catalogue = 0,
    Buyer = 1,
    Order = 2,
    Favourite = 3,
    StockTaking = 4,
    BadDebt = 5,
}

pub struct Random(Xoshiro256PlusPlus);

impl Random {
    pub fn at(seed: u64, purpose: Purpose, a: u64, b: u64) -> Random {
        let name = [purpose as u64, a, b].iter().fold(mix(seed), |name, part| mix(name ^ part));
        Random(Xoshiro256PlusPlus::seed_from_u64(name))
    }

    /// 0 to `n` - 1, evenly but for a bias of at most n / 2^64.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(n)) >> 64) as u64
    }

    /// `from` to `to`, both included.
    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to - from + 1)
    }

    /// True `n` times in 10,000.
    pub fn chance(&mut self, n: u64) -> bool {
        self.below(10_000) < n
    }

    pub fn choose<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }

    /// An index into `cumulative`, the running sums of the weights.
    pub fn weighted(&mut self, cumulative: &[u64]) -> usize {
        let at = self.below(cumulative.last().copied().unwrap_or(0));
        cumulative.partition_point(|sum| *sum <= at)
    }

    /// Roughly standard normal: the sum of twelve uniform numbers, never beyond 6.
    pub fn normal(&mut self) -> f64 {
        let mut sum = 0_i64;
        for _ in 0..3 {
            let bits = self.0.next_u64();
            sum += [0, 16, 32, 48].iter().map(|shift| ((bits >> shift) & 0xffff) as i64).sum::<i64>();
        }
        (sum - 6 * 0xffff) as f64 / 65_536.0
    }

    /// Log-normal with this median; `sigma` is the standard deviation of the logarithm.
    pub fn around(&mut self, median: f64, sigma: f64) -> f64 {
        median * exp(sigma * self.normal())
    }
}

/// What [`Random::weighted`] wants: the sum of the weights up to each.
pub fn running_sums(weights: impl IntoIterator<Item = u64>) -> Vec<u64> {
    let mut sum = 0;
    let add = |weight| {
        sum += weight;
        sum
    };
    weights.into_iter().map(add).collect()
}

/// e^x to about four digits for |x| < 4, which is plenty here. The exp of a mathematics library differs in the last bit
/// between systems; twelve squarings do not.
fn exp(x: f64) -> f64 {
    let mut power = 1.0 + x / 4096.0;
    for _ in 0..12 {
        power *= power;
    }
    power
}

fn mix(name: u64) -> u64 {
    SplitMix64::seed_from_u64(name).next_u64()
}
