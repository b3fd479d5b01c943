//! k-means for every k of a range, each judged by all indices. Which k to take is the caller's choice.

use std::ops::RangeInclusive;

use rayon::prelude::*;

use super::kmeans::{KMeans, KMeansOptions, Run, Solver, checked_k};
use super::{ClusterError, Sample, calinski_harabasz, davies_bouldin, silhouettes};
use crate::progress::Progress;

/// One k and what speaks for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    pub k: u32,
    /// The same as [`super::fit`] gives for this k.
    pub fit: KMeans,
    /// Mean silhouette; none for k = 1, as with the other two indices.
    pub silhouette: Option<f64>,
    /// The silhouette of every row; empty for k = 1.
    pub silhouettes: Vec<f64>,
    pub davies_bouldin: Option<f64>,
    /// None also where every row is its cluster's centre.
    pub calinski_harabasz: Option<f64>,
    /// Rows per cluster, in the order of cluster numbers.
    pub sizes: Vec<u64>,
}

/// Clusters the sample for every k, in ascending order.
///
/// Errors: a k that is 0 or larger than the number of distinct points, before anything is computed.
pub fn search(
    sample: &Sample,
    k: RangeInclusive<u32>,
    options: &KMeansOptions,
    progress: &dyn Progress,
) -> Result<Vec<Candidate>, ClusterError> {
    if k.is_empty() {
        return Ok(Vec::new());
    }
    checked_k(sample, *k.start())?;
    checked_k(sample, *k.end())?;
    let ks: Vec<usize> = k.map(|k| k as usize).collect();

    let fits = fits(sample, &ks, options, progress);
    let labelings: Vec<&[u32]> = fits.iter().map(|fit| fit.labels.as_slice()).collect();
    let silhouettes = silhouettes(sample, &labelings, progress);
    let candidate = |(fit, silhouette): (KMeans, Option<super::Silhouette>)| {
        let mut sizes = vec![0; fit.centers.nrows()];
        fit.labels.iter().for_each(|&label| sizes[label as usize] += 1);
        Candidate {
            k: sizes.len() as u32,
            silhouette: silhouette.as_ref().map(|silhouette| silhouette.mean),
            silhouettes: silhouette.map(|silhouette| silhouette.of_rows).unwrap_or_default(),
            davies_bouldin: davies_bouldin(sample, &fit.labels),
            calinski_harabasz: calinski_harabasz(sample, &fit.labels),
            sizes,
            fit,
        }
    };
    Ok(fits.into_par_iter().zip(silhouettes).map(candidate).collect())
}

/// The best of all restarts for every k. Runs go in waves, so that progress is told from this thread.
fn fits(sample: &Sample, ks: &[usize], options: &KMeansOptions, progress: &dyn Progress) -> Vec<KMeans> {
    let solver = Solver::new(sample, options);
    let restarts = options.restarts.max(1);
    let wave = (4 * rayon::current_num_threads()).div_ceil(ks.len()).max(1);
    let mut best: Vec<Option<Run>> = ks.iter().map(|_| None).collect();
    progress.start("k-means", Some(u64::from(restarts) * ks.len() as u64));
    for first in (0..restarts).step_by(wave) {
        let last = restarts.min(first + wave as u32);
        // Large k first, since they take longest.
        let tasks: Vec<(usize, u32)> =
            (0..ks.len()).rev().flat_map(|index| (first..last).map(move |restart| (index, restart))).collect();
        let runs: Vec<Run> = tasks.par_iter().map(|&(index, restart)| solver.run(ks[index], restart)).collect();
        for ((index, _), run) in tasks.into_iter().zip(runs) {
            best[index] = Some(match best[index].take() {
                Some(best) => best.better(run),
                None => run,
            });
        }
        progress.at(u64::from(last) * ks.len() as u64);
    }
    let best: Vec<Run> = best.into_iter().flatten().collect();
    let fits: Vec<KMeans> = best.into_par_iter().map(|run| solver.settle(run)).collect();
    progress.finish(&format!("{} values of `k`, best of {restarts} runs each", ks.len()));
    fits
}
