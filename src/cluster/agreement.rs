//! How far two clusterings of the same rows agree.

/// Rows by their labels in two clusterings: `of_first x of_second` counts, row-major.
pub(super) struct Contingency {
    counts: Vec<u64>,
    columns: usize,
}

impl Contingency {
    pub fn new(pairs: impl Iterator<Item = (u32, u32)>, of_first: usize, of_second: usize) -> Self {
        let mut counts = vec![0; of_first * of_second];
        pairs.for_each(|(first, second)| counts[first as usize * of_second + second as usize] += 1);
        Self { counts, columns: of_second.max(1) }
    }

    /// Per cluster of the first clustering, its rows by the clusters of the second.
    pub fn rows(&self) -> impl Iterator<Item = &[u64]> {
        self.counts.chunks_exact(self.columns)
    }

    /// The cluster of the second clustering that is most like each one of the first, and how much: rows in both, divided
    /// by rows in either (P. Jaccard 1901); nothing for a cluster without rows. Of equally like ones the first.
    pub fn most_alike(&self) -> Vec<Option<(u32, f64)>> {
        let of_second: Vec<u64> =
            (0..self.columns).map(|column| self.rows().map(|counts| counts[column]).sum()).collect();
        let best = |counts: &[u64]| {
            let own: u64 = counts.iter().sum();
            let alike = |column: usize| counts[column] as f64 / (own + of_second[column] - counts[column]) as f64;
            let better = |best: (u32, f64), column| {
                let next = alike(column);
                if next > best.1 { (column as u32, next) } else { best }
            };
            (own > 0).then(|| (1..self.columns).fold((0, alike(0)), better))
        };
        self.rows().map(best).collect()
    }

    fn adjusted_rand_index(&self) -> f64 {
        let twos = |sizes: &mut dyn Iterator<Item = u64>| sizes.map(|n| pairs(n) as f64).sum::<f64>();
        let together = twos(&mut self.counts.iter().copied());
        let by_row = twos(&mut self.rows().map(|counts| counts.iter().sum()));
        let by_column = twos(&mut (0..self.columns).map(|c| self.rows().map(|counts| counts[c]).sum()));
        let expected = by_row * by_column / (pairs(self.counts.iter().sum()) as f64).max(1.0);
        let most = (by_row + by_column) / 2.0;
        if most == expected { 1.0 } else { (together - expected) / (most - expected) }
    }
}

/// Pairs that can be taken from `n` things.
pub(super) fn pairs(n: u64) -> u64 {
    n * n.saturating_sub(1) / 2
}

/// The adjusted Rand index of two clusterings, one label per row each: 1 for the same groups under any names, about 0
/// for groups that have nothing to do with each other, negative for less than chance would give. Two clusterings of
/// which neither separates anything, or neither joins anything, agree: 1.
///
/// Source: L. Hubert and P. Arabie, Comparing Partitions, Journal of Classification 2 (1985), 193-218.
pub fn adjusted_rand_index(first: &[u32], second: &[u32]) -> f64 {
    let labels = |labels: &[u32]| super::groups::n_labels(labels);
    Contingency::new(first.iter().copied().zip(second.iter().copied()), labels(first), labels(second))
        .adjusted_rand_index()
}
