//! Placing new points beside known ones: as the nearest of them, if it is near enough.

use serde::{Deserialize, Serialize};

use super::boxes::Boxes;

/// Points whose clusters are known. A new point goes with the nearest, the first among equals; it is noise if that one
/// is, or is farther than its reach.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Neighbours {
    pub points: Vec<Vec<f64>>,
    /// Nothing for noise.
    pub clusters: Vec<Option<u32>>,
    /// Per point, how far others may be; empty where they may be anywhere.
    pub reach: Vec<f64>,
}

/// The nearest known point.
pub(super) struct Near {
    point: usize,
    /// Nothing for noise.
    pub cluster: Option<u32>,
    pub distance: f64,
}

/// Known points, ready to be asked.
pub(super) struct Placer<'a> {
    known: &'a Neighbours,
    boxes: Boxes,
}

impl Neighbours {
    pub(super) fn placer(&self) -> Placer<'_> {
        let columns = self.points.first().map_or(1, Vec::len);
        Placer { known: self, boxes: Boxes::new(self.points.concat(), columns) }
    }

    /// Whether all of it is made of numbers, for `k` clusters of `columns` dimensions.
    pub(super) fn is_whole(&self, k: usize, columns: usize) -> bool {
        let n = self.points.len();
        n > 0
            && self.clusters.len() == n
            && (self.reach.is_empty() || self.reach.len() == n)
            && self.points.iter().all(|point| point.len() == columns && point.iter().all(|x| x.is_finite()))
            && self.clusters.iter().flatten().all(|&cluster| (cluster as usize) < k)
            && self.reach.iter().all(|reach| *reach >= 0.0)
    }
}

impl Placer<'_> {
    /// Nothing where no point is known.
    pub fn nearest(&self, x: &[f64]) -> Option<Near> {
        let (point, square) = self.boxes.nearest(x, |_| true)?;
        // Compared as squares, as everywhere: the root would round.
        let near = self.known.reach.get(point).is_none_or(|reach| square <= reach * reach);
        Some(Near { point, cluster: self.known.clusters[point].filter(|_| near), distance: square.sqrt() })
    }

    /// The distance to the nearest known point that is in another cluster than `near`, noise being one too.
    pub fn other(&self, x: &[f64], near: &Near) -> Option<f64> {
        let clusters = &self.known.clusters;
        let other = self.boxes.nearest(x, |point| clusters[point] != clusters[near.point]);
        other.map(|(_, square)| square.sqrt())
    }
}
