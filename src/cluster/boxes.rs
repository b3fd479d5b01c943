//! Who is near: a tree of bounding boxes over points that are in an order of place.

use super::sample::square_distance;

/// Points in a leaf.
const LEAF: usize = 16;

/// A binary tree of boxes, as an array: the children of node `i` are `2i + 1` and `2i + 2`, the leaves are runs of
/// [`LEAF`] points. Any order of points is right; one in which neighbours stand together makes it fast.
pub(super) struct Boxes {
    points: Vec<f64>,
    columns: usize,
    /// Per node the least and the largest coordinates, `2 x columns`; turned inside out where there is no point.
    corners: Vec<f64>,
    /// The node of the first leaf.
    leaves: usize,
}

impl Boxes {
    /// Over row-major `points`.
    pub fn new(points: Vec<f64>, columns: usize) -> Self {
        let leaves = points.len().div_ceil(columns * LEAF).next_power_of_two();
        let first = leaves - 1;
        let mut corners = [f64::INFINITY, f64::NEG_INFINITY].map(|x| vec![x; columns]).concat().repeat(first + leaves);
        for (leaf, run) in points.chunks(columns * LEAF).enumerate() {
            let corners = &mut corners[(first + leaf) * 2 * columns..][..2 * columns];
            for point in run.chunks_exact(columns) {
                for (column, &x) in point.iter().enumerate() {
                    corners[column] = corners[column].min(x);
                    corners[columns + column] = corners[columns + column].max(x);
                }
            }
        }
        for node in (0..first).rev() {
            for column in 0..columns {
                let corner = |child: usize, side: usize| corners[(child * 2 + side) * columns + column];
                let low = corner(2 * node + 1, 0).min(corner(2 * node + 2, 0));
                let high = corner(2 * node + 1, 1).max(corner(2 * node + 2, 1));
                corners[node * 2 * columns + column] = low;
                corners[(node * 2 + 1) * columns + column] = high;
            }
        }
        Self { points, columns, corners, leaves: first }
    }

    /// Calls `visit` with every point whose squared distance from `x` is at most `square`.
    pub fn within(&self, x: &[f64], square: f64, mut visit: impl FnMut(usize)) {
        let mut stack = vec![0];
        while let Some(node) = stack.pop() {
            if self.square_to(node, x) > square {
                continue;
            }
            if node < self.leaves {
                stack.extend([2 * node + 2, 2 * node + 1]);
                continue;
            }
            for (point, y) in self.leaf(node) {
                if square_distance(x, y) <= square {
                    visit(point);
                }
            }
        }
    }

    /// The nearest of the points that count, the first of equally near ones, and the squared distance to it.
    pub fn nearest(&self, x: &[f64], counts: impl Fn(usize) -> bool) -> Option<(usize, f64)> {
        let mut best: Option<(f64, usize)> = None;
        let mut stack = vec![(self.square_to(0, x), 0)];
        while let Some((square, node)) = stack.pop() {
            if best.is_some_and(|(least, _)| square > least) {
                continue;
            }
            if node < self.leaves {
                let mut children = [2 * node + 1, 2 * node + 2].map(|child| (self.square_to(child, x), child));
                if children[0].0 <= children[1].0 {
                    children.swap(0, 1);
                }
                stack.extend(children);
                continue;
            }
            for (point, y) in self.leaf(node).filter(|(point, _)| counts(*point)) {
                let found = (square_distance(x, y), point);
                if best.is_none_or(|best| found < best) {
                    best = Some(found);
                }
            }
        }
        best.map(|(square, point)| (point, square))
    }

    fn leaf(&self, node: usize) -> impl Iterator<Item = (usize, &[f64])> {
        let first = (node - self.leaves) * LEAF;
        let points = self.points.chunks_exact(self.columns).enumerate();
        points.skip(first).take(LEAF)
    }

    /// To the nearest place of a box. Never more than to a point in it, also in rounded numbers: every operation is
    /// monotone.
    fn square_to(&self, node: usize, x: &[f64]) -> f64 {
        let corners = &self.corners[node * 2 * self.columns..][..2 * self.columns];
        let (low, high) = corners.split_at(self.columns);
        let mut square = 0.0;
        for ((x, low), high) in x.iter().zip(low).zip(high) {
            let off = (low - x).max(x - high).max(0.0);
            square += off * off;
        }
        square
    }
}
