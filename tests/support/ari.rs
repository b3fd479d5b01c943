//! How far two ways of grouping the same things agree.

use std::collections::BTreeMap;

/// The adjusted Rand index: 1 for the same groups under any names, about 0 for groups that have nothing to do with each
/// other, negative for less than chance would give.
///
/// Source: L. Hubert and P. Arabie, Comparing Partitions, Journal of Classification 2 (1985), 193-218. Two partitions
/// of which neither separates anything, or neither joins anything, agree: 1.
pub fn adjusted_rand_index<A: Ord, B: Ord>(pairs: impl IntoIterator<Item = (A, B)>) -> f64 {
    let mut cells = BTreeMap::new();
    let (mut rows, mut columns, mut n) = (BTreeMap::new(), BTreeMap::new(), 0);
    let pairs: Vec<(A, B)> = pairs.into_iter().collect();
    for (a, b) in &pairs {
        *cells.entry((a, b)).or_insert(0) += 1;
        *rows.entry(a).or_insert(0) += 1;
        *columns.entry(b).or_insert(0) += 1;
        n += 1;
    }
    let together = twos(cells.into_values());
    let (by_row, by_column) = (twos(rows.into_values()), twos(columns.into_values()));
    let expected = by_row * by_column / twos([n]).max(1.0);
    let most = (by_row + by_column) / 2.0;
    if most == expected { 1.0 } else { (together - expected) / (most - expected) }
}

/// How many pairs can be taken from groups of these sizes, from each group by itself.
fn twos(sizes: impl IntoIterator<Item = u64>) -> f64 {
    sizes.into_iter().map(|n| (n * n.saturating_sub(1) / 2) as f64).sum()
}

/// Expected values: scikit-learn 1.9.1, `sklearn.metrics.adjusted_rand_score`.
#[test]
fn agrees_with_scikit_learn() {
    let ari = |a: &str, b: &str| adjusted_rand_index(a.chars().zip(b.chars()));
    let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
    near(ari("aabb", "1100"), 1.0);
    near(ari("aabb", "aabc"), 0.5714285714285714);
    near(ari("aaaa", "abcd"), 0.0);
    near(ari("aabb", "abab"), -0.5);
    near(ari("aaabbbccc", "aabbcccaa"), 0.07142857142857142);
    near(ari("aaaaabbbbbcccccddddd", "aaaabbbbbbccccccdddd"), 0.7201309328968903);
    near(ari("aaaa", "bbbb"), 1.0);
    near(ari("abcd", "abcd"), 1.0);
    near(ari("a", "b"), 1.0);
    near(ari("", ""), 1.0);
}
