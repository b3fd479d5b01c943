//! The inner loops over all points, compiled for AVX-512, AVX2 and the baseline and chosen at run time.
//!
//! Every lane does the same operations in the same order on every machine: no fused multiply-add, no sum whose order
//! depends on the vector width. So all versions give the same bits.

use std::ops::AddAssign;

use multiversion::multiversion;
use num_traits::{AsPrimitive, Float};

use super::sample::Blocks;

/// Points that are computed side by side.
pub(super) const LANES: usize = 8;

pub(super) type Lane = [f64; LANES];

/// Numbers of 64 or 32 bits.
pub(super) trait Real: Float + AddAssign + AsPrimitive<f64> + Send {}

impl<T: Float + AddAssign + AsPrimitive<f64> + Send> Real for T {}

/// Some points with their weights, one by one or by lanes.
#[derive(Default)]
pub(super) struct Run<T> {
    pub columns: usize,
    pub points: Vec<T>,
    pub weights: Vec<T>,
}

/// Where every point of a run of blocks belongs during Lloyd's algorithm.
pub(super) struct Partition {
    /// Cluster of each point, padding included.
    pub labels: Vec<[u32; LANES]>,
    /// Per block, how far the centres may drift in all before a point of the block can change its cluster.
    pub secure: Vec<f64>,
    /// Blocks in which a point changed its cluster, with the labels from before.
    pub changed: Vec<(usize, [u32; LANES])>,
}

/// Calls a kernel with a literal number of coordinates where it is small, so that the compiler unrolls the loop.
macro_rules! unrolled {
    ($columns:expr, $kernel:ident($($argument:expr),*)) => {
        match $columns {
            1 => $kernel(1, $($argument),*),
            2 => $kernel(2, $($argument),*),
            3 => $kernel(3, $($argument),*),
            4 => $kernel(4, $($argument),*),
            5 => $kernel(5, $($argument),*),
            6 => $kernel(6, $($argument),*),
            8 => $kernel(8, $($argument),*),
            columns => $kernel(columns, $($argument),*),
        }
    };
}

/// Nearest centre of every point and the squared distance to it; the first of equally near centres.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
pub(super) fn nearest(blocks: &Blocks, centers: &[f64], labels: &mut [[u32; LANES]], squares: &mut [Lane]) {
    unrolled!(blocks.columns, nearest_in(blocks, centers, labels, squares))
}

/// The same, and the squared distance to the second nearest centre; infinite where there is one centre.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
pub(super) fn nearest_two(
    blocks: &Blocks,
    centers: &[f64],
    labels: &mut [[u32; LANES]],
    squares: &mut [Lane],
    seconds: &mut [Lane],
) {
    unrolled!(blocks.columns, nearest_two_in(blocks, centers, labels, squares, seconds))
}

/// Moves points to their nearest centre and notes the blocks that changed.
///
/// `drift` is the distance that the centres moved since the first call, largest and second largest of each iteration
/// added up. A block is skipped while no point in it can have changed sides (the bound of Hamerly 2010, for a block
/// instead of a point).
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
pub(super) fn reassign(columns: usize, points: &[Lane], centers: &[f64], drift: f64, partition: &mut Partition) {
    unrolled!(columns, reassign_in(points, centers, drift, partition))
}

/// What the weighted sum of squared distances to the nearest centre becomes if each of `trials` (row-major points)
/// is made a centre, given the present `squares`.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
pub(super) fn potentials(blocks: &Blocks, squares: &[Lane], trials: &[f64], sums: &mut [Lane]) {
    unrolled!(blocks.columns, potentials_in(blocks, squares, trials, sums))
}

/// Lowers `squares` to the squared distances to new centres where these are nearer; `sums` are the weighted sums by block.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
pub(super) fn lower(blocks: &Blocks, centers: &[f64], squares: &mut [Lane], sums: &mut [f64]) {
    unrolled!(blocks.columns, lower_in(blocks, centers, squares, sums))
}

/// Weighted sums of the distances from the points of one block to runs of points, which end at `ends`.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
pub(super) fn distances(block: &[Lane], points: &[f64], weights: &[f64], ends: &[usize], sums: &mut [Lane]) {
    unrolled!(block.len(), distances_in(block, points, weights, ends, sums))
}

/// Weighted sums of the distances between two runs of points, measured once for both sides: from each point of the blocks
/// to all of `points`, and from each of `points` to all of the blocks, still by lanes.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+fma", "x86_64+avx2+fma"))]
pub(super) fn pairs<T: Real>(
    blocks: &Run<[T; LANES]>,
    points: &Run<T>,
    from_blocks: &mut [[T; LANES]],
    from_points: &mut [[T; LANES]],
) {
    unrolled!(blocks.columns, pairs_in(blocks, points, from_blocks, from_points))
}

#[inline(always)]
fn square_distance<T: Real>(columns: usize, block: &[[T; LANES]], center: &[T]) -> [T; LANES] {
    let mut square = [T::zero(); LANES];
    for column in 0..columns {
        let x = &block[column];
        let c = center[column];
        for lane in 0..LANES {
            let difference = x[lane] - c;
            square[lane] += difference * difference;
        }
    }
    square
}

#[inline(always)]
fn nearest_in(columns: usize, blocks: &Blocks, centers: &[f64], labels: &mut [[u32; LANES]], squares: &mut [Lane]) {
    for ((block, labels), squares) in blocks.points.chunks_exact(columns).zip(labels).zip(squares) {
        let (label, best, _) = two_nearest(columns, block, centers);
        *labels = label;
        *squares = best;
    }
}

#[inline(always)]
fn nearest_two_in(
    columns: usize,
    blocks: &Blocks,
    centers: &[f64],
    labels: &mut [[u32; LANES]],
    squares: &mut [Lane],
    seconds: &mut [Lane],
) {
    let near = labels.iter_mut().zip(squares).zip(seconds);
    for (block, ((labels, squares), seconds)) in blocks.points.chunks_exact(columns).zip(near) {
        (*labels, *squares, *seconds) = two_nearest(columns, block, centers);
    }
}

/// Index of the nearest centre, squared distance to it and to the second nearest.
#[inline(always)]
fn two_nearest(columns: usize, block: &[Lane], centers: &[f64]) -> ([u32; LANES], Lane, Lane) {
    let mut label = [0u64; LANES];
    let mut best = [f64::INFINITY; LANES];
    let mut second = [f64::INFINITY; LANES];
    for (index, center) in centers.chunks_exact(columns).enumerate() {
        let square = square_distance(columns, block, center);
        for lane in 0..LANES {
            let nearer = square[lane] < best[lane];
            let loser = if nearer { best[lane] } else { square[lane] };
            second[lane] = if loser < second[lane] { loser } else { second[lane] };
            best[lane] = if nearer { square[lane] } else { best[lane] };
            label[lane] = if nearer { index as u64 } else { label[lane] };
        }
    }
    (label.map(|label| label as u32), best, second)
}

#[inline(always)]
fn reassign_in(columns: usize, points: &[Lane], centers: &[f64], drift: f64, partition: &mut Partition) {
    let Partition { labels, secure, changed } = partition;
    changed.clear();
    for (index, (secure, labels)) in secure.iter_mut().zip(labels).enumerate() {
        if drift < *secure {
            continue;
        }
        let block = &points[index * columns..(index + 1) * columns];
        let (label, best, second) = two_nearest(columns, block, centers);
        let mut lead = [0.0; LANES];
        for lane in 0..LANES {
            // The factor keeps rounding errors of the distances on the safe side.
            lead[lane] = second[lane].sqrt() * (1.0 - 1e-12) - best[lane].sqrt();
        }
        *secure = drift + smallest(&lead);
        if label != *labels {
            changed.push((index, *labels));
            *labels = label;
        }
    }
}

#[inline(always)]
fn potentials_in(columns: usize, blocks: &Blocks, squares: &[Lane], trials: &[f64], sums: &mut [Lane]) {
    sums.fill([0.0; LANES]);
    for ((block, weights), squares) in blocks.points.chunks_exact(columns).zip(&blocks.weights).zip(squares) {
        for (trial, sums) in trials.chunks_exact(columns).zip(&mut *sums) {
            let square = square_distance(columns, block, trial);
            for lane in 0..LANES {
                let lower = if square[lane] < squares[lane] { square[lane] } else { squares[lane] };
                sums[lane] += weights[lane] * lower;
            }
        }
    }
}

#[inline(always)]
fn lower_in(columns: usize, blocks: &Blocks, centers: &[f64], squares: &mut [Lane], sums: &mut [f64]) {
    let blocks = blocks.points.chunks_exact(columns).zip(&blocks.weights);
    for (((block, weights), squares), sum) in blocks.zip(squares).zip(sums) {
        for center in centers.chunks_exact(columns) {
            let square = square_distance(columns, block, center);
            for lane in 0..LANES {
                squares[lane] = if square[lane] < squares[lane] { square[lane] } else { squares[lane] };
            }
        }
        let mut weighted = *squares;
        for lane in 0..LANES {
            weighted[lane] *= weights[lane];
        }
        *sum = total(&weighted);
    }
}

#[inline(always)]
fn distances_in(columns: usize, block: &[Lane], points: &[f64], weights: &[f64], ends: &[usize], sums: &mut [Lane]) {
    let mut start = 0;
    for (&end, sum) in ends.iter().zip(sums) {
        let mut run = [0.0; LANES];
        for (point, &weight) in points[start * columns..end * columns].chunks_exact(columns).zip(&weights[start..end]) {
            let square = square_distance(columns, block, point);
            for lane in 0..LANES {
                run[lane] += weight * square[lane].sqrt();
            }
        }
        *sum = run;
        start = end;
    }
}

#[inline(always)]
fn pairs_in<T: Real>(
    columns: usize,
    blocks: &Run<[T; LANES]>,
    points: &Run<T>,
    from_blocks: &mut [[T; LANES]],
    from_points: &mut [[T; LANES]],
) {
    from_points.fill([T::zero(); LANES]);
    let blocks = blocks.points.chunks_exact(columns).zip(&blocks.weights);
    for ((block, &weights_of_block), from_block) in blocks.zip(from_blocks) {
        let mut run = [T::zero(); LANES];
        let points = points.points.chunks_exact(columns).zip(&points.weights);
        for ((point, &weight), from_point) in points.zip(&mut *from_points) {
            let square = square_distance(columns, block, point);
            // Summed in registers, as otherwise the compiler takes the lanes one by one.
            let mut sum = *from_point;
            for lane in 0..LANES {
                let distance = square[lane].sqrt();
                run[lane] += weight * distance;
                sum[lane] += weights_of_block[lane] * distance;
            }
            *from_point = sum;
        }
        *from_block = run;
    }
}

/// Sum of the lanes, in one fixed order.
#[inline(always)]
pub(super) fn total(lane: &Lane) -> f64 {
    ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]))
}

/// Least of the lanes, by halves as the vector unit likes it.
#[inline(always)]
fn smallest(lane: &Lane) -> f64 {
    let least = |a: f64, b: f64| if b < a { b } else { a };
    let four: [f64; 4] = std::array::from_fn(|i| least(lane[i], lane[i + 4]));
    let two: [f64; 2] = std::array::from_fn(|i| least(four[i], four[i + 2]));
    least(two[0], two[1])
}
