//! Random numbers that are the same on every machine: one stream for every purpose, none shared between threads.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// A stream of its own for every key, whose words say what it is for (say a k and a restart).
pub(super) struct Stream(Xoshiro256PlusPlus);

impl Stream {
    pub fn new(seed: u64, key: &[u64]) -> Self {
        let next = |seed: u64, word: &u64| Xoshiro256PlusPlus::seed_from_u64(seed).next_u64() ^ word;
        Self(Xoshiro256PlusPlus::seed_from_u64(key.iter().fold(seed, next)))
    }

    /// At least 0 and below 1.
    pub fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A seed for something else.
    pub fn seed(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// One of `0..n`, each as likely but for less than n / 2^64.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.0.next_u64()) * n as u128) >> 64) as usize
    }

    /// The first `count` places of a random order of `items` (Fisher and Yates), all of them where there are fewer.
    pub fn draw<T: Copy>(&mut self, items: &[T], count: usize) -> Vec<T> {
        let mut items = items.to_vec();
        let count = count.min(items.len());
        for place in 0..count {
            let other = place + self.below(items.len() - place);
            items.swap(place, other);
        }
        items.truncate(count);
        items
    }
}
