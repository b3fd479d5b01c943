//! Points made ready for the kernels: checked, equal ones merged, ordered by place and laid out in vector lanes.

use std::cmp::Ordering;

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::ClusterError;
use super::kernels::{LANES, Lane};

/// Finite points in canonical order.
///
/// Equal points are one point with a weight. The order follows a space-filling curve, so that points that are close
/// share a block of the kernels, and it is a function of the values only: shuffled rows give the same sample.
pub struct Sample {
    /// Row-major coordinates of the distinct points, `distinct x columns`.
    points: Vec<f64>,
    columns: usize,
    blocks: Blocks,
    /// The distinct point of every row.
    point_of: Vec<usize>,
    /// Rows by their points.
    order: Vec<usize>,
}

/// Points by blocks of [`LANES`], coordinate-major inside a block. Lanes after the last point repeat it with weight 0.
pub(super) struct Blocks {
    pub columns: usize,
    /// `columns` lanes per block.
    pub points: Vec<Lane>,
    /// One lane per block.
    pub weights: Vec<Lane>,
}

impl Sample {
    /// Largest size of a coordinate: sums of squares of any number of such points are still finite.
    pub const LARGEST: f64 = 1e140;

    /// Takes points of shape `rows x columns`.
    ///
    /// Errors: no row, no column, and the first coordinate in row order that is not finite or too large.
    pub fn new(rows: ArrayView2<f64>) -> Result<Self, ClusterError> {
        let (height, columns) = rows.dim();
        let values = checked(rows)?;
        let row = |row: usize| &values[row * columns..(row + 1) * columns];

        let codes = places(&values, columns);
        let mut sorted: Vec<(u64, usize)> = codes.into_iter().zip(0..).collect();
        sorted.par_sort_unstable_by(|a, b| {
            let same_place = || (row(a.1), a.1).partial_cmp(&(row(b.1), b.1)).unwrap_or(Ordering::Equal);
            a.0.cmp(&b.0).then_with(same_place)
        });
        let mut points: Vec<f64> = Vec::with_capacity(values.len());
        let mut weights: Vec<f64> = Vec::with_capacity(height);
        let mut point_of = vec![0; height];
        let mut last: &[f64] = &[];
        for &(_, r) in &sorted {
            if last != row(r) {
                last = row(r);
                points.extend_from_slice(last);
                weights.push(0.0);
            }
            point_of[r] = weights.len() - 1;
            weights[point_of[r]] += 1.0;
        }
        let order = sorted.into_iter().map(|(_, row)| row).collect();
        Ok(Self { blocks: Blocks::new(&points, columns, &weights), points, columns, point_of, order })
    }

    pub fn rows(&self) -> usize {
        self.point_of.len()
    }

    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Number of points that differ from each other: the largest possible k.
    pub fn distinct(&self) -> usize {
        self.points.len() / self.columns
    }

    pub(super) fn blocks(&self) -> &Blocks {
        &self.blocks
    }

    pub(super) fn point(&self, point: usize) -> &[f64] {
        &self.points[point * self.columns..(point + 1) * self.columns]
    }

    /// Row-major coordinates of the distinct points.
    pub(super) fn values(&self) -> &[f64] {
        &self.points
    }

    /// Rows per distinct point.
    pub(super) fn weights(&self) -> &[f64] {
        &self.blocks.weights.as_flattened()[..self.distinct()]
    }

    /// Sum over rows of the squared distance to the centre that the label of their distinct point names.
    pub(super) fn scatter(&self, centers: &Array2<f64>, labels: &[u32]) -> f64 {
        let squares = self.points().zip(labels).filter_map(|((point, weight), &label)| {
            let center = centers.row(label as usize);
            Some(weight * square_distance(point, center.as_slice()?))
        });
        squares.sum()
    }

    /// The distinct points with their weights.
    pub(super) fn points(&self) -> impl Iterator<Item = (&[f64], f64)> {
        self.points.chunks_exact(self.columns).zip(self.blocks.weights.as_flattened().iter().copied())
    }

    /// Mean of all rows.
    pub(super) fn mean(&self) -> Vec<f64> {
        means(1, self.columns, self.points().map(|(point, weight)| (0, point, weight))).0
    }

    pub(super) fn point_of(&self, row: usize) -> usize {
        self.point_of[row]
    }

    /// Rows in canonical order; nothing may depend on the order of rows with equal points.
    pub(super) fn order(&self) -> &[usize] {
        &self.order
    }

    /// Some of the rows as a sample of their own, in which they are numbered as they are given.
    ///
    /// Errors: no row.
    pub(super) fn subset(&self, rows: &[usize]) -> Result<Self, ClusterError> {
        let points: Vec<f64> = rows.iter().flat_map(|&row| self.point(self.point_of[row])).copied().collect();
        let points = ArrayView2::from_shape((rows.len(), self.columns), &points).expect("a point per row");
        Self::new(points)
    }

    /// Values of the distinct points, handed to their rows.
    pub(super) fn to_rows<T: Copy>(&self, of_points: &[T]) -> Vec<T> {
        self.point_of.iter().map(|&point| of_points[point]).collect()
    }
}

impl Blocks {
    /// Lays out row-major `points`.
    pub fn new(points: &[f64], columns: usize, weights: &[f64]) -> Self {
        let count = weights.len().div_ceil(LANES);
        let mut blocks =
            Self { columns, points: vec![[0.0; LANES]; count * columns], weights: vec![[0.0; LANES]; count] };
        for slot in 0..count * LANES {
            let point = slot.min(weights.len() - 1);
            for (column, &x) in points[point * columns..(point + 1) * columns].iter().enumerate() {
                blocks.points[slot / LANES * columns + column][slot % LANES] = x;
            }
            if slot == point {
                blocks.weights[slot / LANES][slot % LANES] = weights[point];
            }
        }
        blocks
    }
}

/// Row-major copy of finite points, without negative zeros so that equal points have equal bits.
pub(super) fn checked(rows: ArrayView2<f64>) -> Result<Vec<f64>, ClusterError> {
    match rows.dim() {
        (0, _) => return Err(ClusterError::NoRows),
        (_, 0) => return Err(ClusterError::NoColumns),
        _ => {}
    }
    let values: Vec<f64> = rows.iter().map(|x| x + 0.0).collect();
    match values.iter().position(|x| x.is_nan() || x.abs() > Sample::LARGEST) {
        None => Ok(values),
        Some(at) => {
            let (row, column, value) = (at / rows.ncols(), at % rows.ncols(), values[at]);
            Err(if value.is_finite() {
                ClusterError::TooLarge { row, column, value }
            } else {
                ClusterError::NotFinite { row, column }
            })
        }
    }
}

/// Weighted means, row-major, and weights of `k` clusters; 0 where a cluster is empty.
///
/// Sums run over differences from a point of the cluster, so that the mean of equal points is that point and a large
/// offset costs no digits.
pub(super) fn means<'a>(
    k: usize,
    columns: usize,
    members: impl Iterator<Item = (u32, &'a [f64], f64)>,
) -> (Vec<f64>, Vec<f64>) {
    let mut origins: Vec<Option<&[f64]>> = vec![None; k];
    let mut means = vec![0.0; k * columns];
    let mut mass = vec![0.0; k];
    for (label, point, weight) in members {
        let label = label as usize;
        let origin = *origins[label].get_or_insert(point);
        mass[label] += weight;
        for ((sum, x), o) in means[label * columns..].iter_mut().zip(point).zip(origin) {
            *sum += weight * (x - o);
        }
    }
    for ((mean, origin), mass) in means.chunks_exact_mut(columns).zip(origins).zip(&mass) {
        for (sum, o) in mean.iter_mut().zip(origin.unwrap_or_default()) {
            *sum = o + *sum / mass;
        }
    }
    (means, mass)
}

pub(super) fn square_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum()
}

/// Codes that are close for points that are close (Morton 1966): each coordinate as an integer on its range, their bits
/// in turn from the highest down.
fn places(values: &[f64], columns: usize) -> Vec<u64> {
    let bits = (64 / columns).clamp(1, 32);
    let mut low = values[..columns].to_vec();
    let mut high = low.clone();
    for row in values.chunks_exact(columns) {
        for ((low, high), &x) in low.iter_mut().zip(&mut high).zip(row) {
            *low = low.min(x);
            *high = high.max(x);
        }
    }
    let top = ((1u64 << bits) - 1) as f64;
    let steps: Vec<f64> = low.iter().zip(&high).map(|(low, high)| top / (high - low)).collect();
    let code = |cells: &mut Vec<u64>, row: &[f64]| {
        cells.clear();
        cells.extend(row.iter().zip(&low).zip(&steps).map(|((x, low), step)| ((x - low) * step) as u64));
        (0..bits).rev().fold(0, |code, bit| cells.iter().fold(code, |code, cell| code << 1 | (cell >> bit & 1)))
    };
    values.par_chunks_exact(columns).map_init(Vec::new, code).collect()
}
