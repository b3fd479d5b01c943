//! Ward's agglomerative clustering: the two groups whose union raises the sum of squares least are joined, again and
//! again; every k is a cut through the same tree.

use super::sample::{Sample, square_distance};
use super::{ClusterError, MOST_POINTS};

/// All joins over a sample's distinct points, the least first.
pub(super) struct Tree {
    points: usize,
    /// Two points, each standing for the group that it is in by then.
    joins: Vec<(usize, usize)>,
}

/// Builds the tree. The time grows with the square of the number of distinct points, the memory with their number:
/// groups are known by their means and weights.
///
/// Errors: more than [`MOST_POINTS`] distinct points.
/// Source: J. Ward, Hierarchical grouping to optimize an objective function, 1963; F. Murtagh, A survey of recent
/// advances in hierarchical clustering algorithms, 1983 (chains of nearest neighbours).
pub(super) fn tree(sample: &Sample) -> Result<Tree, ClusterError> {
    let (m, d) = (sample.distinct(), sample.columns());
    if m > MOST_POINTS {
        return Err(ClusterError::TooManyPoints { distinct: m, most: MOST_POINTS });
    }
    let mut means: Vec<f64> = (0..m).flat_map(|point| sample.point(point).iter().copied()).collect();
    let mut weights = sample.weights().to_vec();
    let mut alive: Vec<usize> = (0..m).collect();
    let mut joins: Vec<(f64, usize, usize)> = Vec::with_capacity(m.saturating_sub(1));
    let mut chain: Vec<usize> = vec![];
    while alive.len() > 1 {
        let tip = match chain.last() {
            Some(&tip) => tip,
            None => {
                chain.push(alive[0]);
                alive[0]
            }
        };
        let before = chain.len().checked_sub(2).map(|place| chain[place]);
        let cost = |other: usize| {
            let square = square_distance(&means[tip * d..(tip + 1) * d], &means[other * d..(other + 1) * d]);
            square * (weights[tip] * weights[other] / (weights[tip] + weights[other]))
        };
        // Of equally near groups the one that the chain came from, or else the chain might run in circles.
        let (mut nearest, mut least) = before.map_or((usize::MAX, f64::INFINITY), |before| (before, cost(before)));
        for &other in alive.iter().filter(|&&other| other != tip) {
            let cost = cost(other);
            if cost < least || nearest == usize::MAX {
                (nearest, least) = (other, cost);
            }
        }
        if Some(nearest) != before {
            chain.push(nearest);
            continue;
        }
        chain.truncate(chain.len() - 2);
        let (into, from) = (tip.min(nearest), tip.max(nearest));
        let share = weights[from] / (weights[into] + weights[from]);
        for column in 0..d {
            let step = means[from * d + column] - means[into * d + column];
            means[into * d + column] += share * step;
        }
        weights[into] += weights[from];
        alive.remove(alive.binary_search(&from).expect("both groups are alive"));
        joins.push((least, into, from));
    }
    joins.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok(Tree { points: m, joins: joins.into_iter().map(|(_, a, b)| (a, b)).collect() })
}

impl Tree {
    /// The group of every distinct point when `k` are left.
    pub fn cut(&self, k: usize) -> Vec<Option<u32>> {
        let mut groups = Union::new(self.points);
        for &(a, b) in &self.joins[..self.points - k] {
            groups.join(a, b);
        }
        groups.labels(|_| true)
    }
}

/// Sets of points that grow together.
pub(super) struct Union(Vec<usize>);

impl Union {
    pub fn new(points: usize) -> Self {
        Self((0..points).collect())
    }

    /// The first point of the set that a point is in.
    pub fn first(&mut self, mut point: usize) -> usize {
        while self.0[point] != point {
            self.0[point] = self.0[self.0[point]];
            point = self.0[point];
        }
        point
    }

    pub fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.first(a), self.first(b));
        self.0[a.max(b)] = a.min(b);
    }

    /// A number for every set, in the order of first points; nothing for points that do not count.
    pub fn labels(&mut self, counts: impl Fn(usize) -> bool) -> Vec<Option<u32>> {
        let mut numbers = vec![None; self.0.len()];
        let mut next = 0;
        let mut labels = vec![None; self.0.len()];
        for point in (0..self.0.len()).filter(|&point| counts(point)) {
            let first = self.first(point);
            labels[point] = Some(*numbers[first].get_or_insert_with(|| {
                next += 1;
                next - 1
            }));
        }
        labels
    }
}
