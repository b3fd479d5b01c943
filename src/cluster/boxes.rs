//! Who is near: a tree of bounding boxes over points that are in an order of place.

use std::ops::ControlFlow;

use super::sample::square_distance;
use super::ward::Union;

/// What is known while points are joined.
struct Joined<'a> {
    square: f64,
    counts: &'a [bool],
    sets: &'a mut Union,
    /// A point of each node whose points that count are all in one set.
    of_node: Vec<Option<usize>>,
}

impl Joined<'_> {
    fn set_of(&mut self, node: usize) -> Option<usize> {
        self.of_node[node].map(|point| self.sets.first(point))
    }
}

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

    /// Calls `visit` with points whose squared distance from `x` is at most `square`, with all of them unless it breaks.
    pub fn within(&self, x: &[f64], square: f64, mut visit: impl FnMut(usize) -> ControlFlow<()>) {
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
                if square_distance(x, y) <= square && visit(point).is_break() {
                    return;
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

    /// Joins all points that count and are connected by steps whose square is at most `square`.
    ///
    /// Nodes meet instead of points: where all of two boxes is near enough, or where the points of both are joined already,
    /// no point is looked at. So the time does not grow with the number of pairs, however large the step.
    pub fn connect(&self, square: f64, counts: &[bool], sets: &mut Union) {
        let mut joined = Joined { square, counts, sets, of_node: vec![None; self.corners.len() / (2 * self.columns)] };
        self.meet(0, 0, &mut joined);
    }

    fn meet(&self, a: usize, b: usize, joined: &mut Joined) {
        if self.square_between(a, b) > joined.square {
            return;
        }
        if let (Some(one), Some(other)) = (joined.set_of(a), joined.set_of(b))
            && one == other
        {
            return;
        }
        if self.square_across(a, b) <= joined.square {
            let mut points: Vec<usize> = self.points_below(a).chain(self.points_below(b)).collect();
            points.retain(|&point| joined.counts[point]);
            points.windows(2).for_each(|pair| joined.sets.join(pair[0], pair[1]));
            [a, b]
                .into_iter()
                .for_each(|node| joined.of_node[node] = self.points_below(node).find(|&p| joined.counts[p]));
            return;
        } else if a >= self.leaves && b >= self.leaves {
            for (point, x) in self.leaf(a).filter(|(point, _)| joined.counts[*point]) {
                for (other, y) in self.leaf(b).filter(|(other, _)| joined.counts[*other]) {
                    if square_distance(x, y) <= joined.square {
                        joined.sets.join(point, other);
                    }
                }
            }
        } else if a == b {
            let [left, right] = [2 * a + 1, 2 * a + 2];
            self.meet(left, left, joined);
            self.meet(right, right, joined);
            self.meet(left, right, joined);
        } else {
            // All leaves are equally deep, and so are nodes that meet.
            for left in [2 * a + 1, 2 * a + 2] {
                for right in [2 * b + 1, 2 * b + 2] {
                    self.meet(left, right, joined);
                }
            }
        }
        self.note(a, joined);
        self.note(b, joined);
    }

    /// Remembers a node whose points that count are all in one set.
    fn note(&self, node: usize, joined: &mut Joined) {
        if joined.of_node[node].is_some() {
            return;
        }
        if node < self.leaves {
            let [left, right] = [2 * node + 1, 2 * node + 2].map(|child| joined.set_of(child));
            if left.is_some() && left == right {
                joined.of_node[node] = joined.of_node[2 * node + 1];
            }
            return;
        }
        let mut points = self.points_below(node).filter(|&point| joined.counts[point]);
        if let Some(first) = points.next() {
            let set = joined.sets.first(first);
            if points.all(|point| joined.sets.first(point) == set) {
                joined.of_node[node] = Some(first);
            }
        }
    }

    fn points_below(&self, node: usize) -> std::ops::Range<usize> {
        // The first and the last leaf below.
        let (mut first, mut last) = (node, node);
        while first < self.leaves {
            (first, last) = (2 * first + 1, 2 * last + 2);
        }
        let end = self.points.len() / self.columns;
        ((first - self.leaves) * LEAF).min(end)..((last + 1 - self.leaves) * LEAF).min(end)
    }

    /// Between the nearest places of two boxes.
    fn square_between(&self, a: usize, b: usize) -> f64 {
        self.apart(a, b, |(low, high), (other_low, other_high)| (other_low - high).max(low - other_high).max(0.0))
    }

    /// Between the farthest places of two boxes.
    fn square_across(&self, a: usize, b: usize) -> f64 {
        self.apart(a, b, |(low, high), (other_low, other_high)| (other_high - low).max(high - other_low))
    }

    fn apart(&self, a: usize, b: usize, along: impl Fn((f64, f64), (f64, f64)) -> f64) -> f64 {
        let corner = |node: usize, column: usize| {
            let corners = &self.corners[node * 2 * self.columns..];
            (corners[column], corners[self.columns + column])
        };
        (0..self.columns).map(|column| along(corner(a, column), corner(b, column))).map(|x| x * x).sum()
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
