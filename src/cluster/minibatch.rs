//! Mini-batch k-means, for so many rows that a pass over all of them is dear: centres follow small draws.

use ndarray::Array2;
use rayon::prelude::*;

use super::kmeans::{Fit, KMeansOptions, checked_k, refill_empty, sorted};
use super::random::Stream;
use super::sample::square_distance;
use super::{ClusterError, Sample, fit};

/// Rows of a draw.
const BATCH: usize = 1024;
/// Rows that a run starts from, by k-means on them alone.
const FIRST: usize = 3 * BATCH;
/// A run ends when so many draws in a row did not lower the smoothed inertia of draws.
const PATIENCE: u32 = 10;
const MOST_DRAWS: u32 = 1_000;
/// Runs; more restarts than this are not worth their time here.
const MOST_RUNS: u32 = 5;

/// Divides the sample into `k` clusters, approximately; every row is given to its nearest centre in the end.
///
/// Errors: `k` is 0 or larger than the number of distinct points.
/// Source: D. Sculley, Web-scale k-means clustering, 2010.
pub(super) fn minibatch(sample: &Sample, k: u32, options: &KMeansOptions) -> Result<Fit, ClusterError> {
    let clusters = checked_k(sample, k)?;
    let run = |run: u32| run_once(sample, clusters, options, run);
    let runs: Vec<Fit> =
        (0..options.restarts.clamp(1, MOST_RUNS)).into_par_iter().map(run).collect::<Result<_, ClusterError>>()?;
    let better = |best: Fit, fit: Fit| if fit.inertia < best.inertia { fit } else { best };
    Ok(runs.into_iter().reduce(better).expect("there is at least one run"))
}

fn run_once(sample: &Sample, k: usize, options: &KMeansOptions, run: u32) -> Result<Fit, ClusterError> {
    let (n, d) = (sample.rows(), sample.columns());
    let rows = sample.order();
    let mut random = Stream::new(options.seed, &[k as u64, run.into(), BATCH as u64]);
    let drawn: Vec<usize> = match n <= FIRST {
        true => rows.to_vec(),
        false => (0..FIRST).map(|_| rows[random.below(n)]).collect(),
    };
    let first = sample.subset(&drawn)?;
    // A draw may have fewer different points than there are clusters to be.
    let within = (k as u32).min(first.distinct() as u32);
    let start = KMeansOptions { restarts: 1, max_iter: 10, seed: random.seed() };
    let begun = fit(&first, within, &start)?;
    // Rows that each centre has followed so far.
    let mut seen = vec![0.0; k];
    begun.labels.iter().for_each(|&label| seen[label as usize] += 1.0);
    let mut centers: Vec<f64> = begun.centers.into_iter().collect();
    centers.resize(k * d, 0.0);
    refill_empty(sample, &mut centers, &seen);

    let (mut smoothed, mut least, mut idle, mut draws) = (None, f64::INFINITY, 0, 0);
    let share = (2.0 * BATCH as f64 / (n as f64 + 1.0)).min(1.0);
    while idle < PATIENCE && draws < MOST_DRAWS {
        let batch: Vec<&[f64]> = (0..BATCH).map(|_| sample.point(sample.point_of(rows[random.below(n)]))).collect();
        let nearest: Vec<(usize, f64)> = batch.iter().map(|point| nearest(&centers, point)).collect();
        for (point, &(cluster, _)) in batch.iter().zip(&nearest) {
            seen[cluster] += 1.0;
            for (c, x) in centers[cluster * d..(cluster + 1) * d].iter_mut().zip(*point) {
                *c += (x - *c) / seen[cluster];
            }
        }
        let inertia = nearest.iter().map(|(_, square)| square).sum::<f64>() / BATCH as f64;
        let smooth = smoothed.map_or(inertia, |before: f64| before + share * (inertia - before));
        smoothed = Some(smooth);
        idle = if smooth < least { 0 } else { idle + 1 };
        least = least.min(smooth);
        draws += 1;
    }
    let placed = |centers: Vec<f64>| {
        let centers = Array2::from_shape_vec((k, d), sorted(&centers, d)).expect("there are k centres");
        let labels = sample.nearest_of_points(&centers);
        (centers, labels)
    };
    let (mut centers, mut labels) = placed(centers);
    // A centre that nobody is nearest to, or that stands where another does, moves to where somebody is far.
    for _ in 0..k {
        let mut mass = vec![0.0; k];
        labels.iter().zip(sample.weights()).for_each(|(&label, weight)| mass[label as usize] += weight);
        if !mass.contains(&0.0) {
            break;
        }
        let mut values: Vec<f64> = centers.into_iter().collect();
        refill_empty(sample, &mut values, &mass);
        (centers, labels) = placed(values);
    }
    let inertia = sample.scatter(&centers, &labels);
    Ok(Fit { labels: sample.to_rows(&labels), centers, inertia, iterations: draws })
}

fn nearest(centers: &[f64], point: &[f64]) -> (usize, f64) {
    let mut best = (0, f64::INFINITY);
    for (cluster, center) in centers.chunks_exact(point.len()).enumerate() {
        let square = square_distance(center, point);
        if square < best.1 {
            best = (cluster, square);
        }
    }
    best
}
