//! Every k of a range clustered, each clustering judged by all indices. Which one to take is the caller's choice.

use std::ops::RangeInclusive;

use rayon::prelude::*;

use super::kmeans::{Fit, KMeansOptions, Run, Solver, checked_k};
use super::method::{Found, Likelihood, Method, Placing};
use super::{ClusterError, Sample, calinski_harabasz, davies_bouldin, silhouettes};
use crate::progress::Progress;

/// One clustering and what speaks for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Number of clusters; noise is none.
    pub k: u32,
    /// For k-means the same as [`super::fit`] gives for this k. Rows of noise have the label `k`.
    pub fit: Fit,
    /// How other points find their cluster.
    pub placing: Placing,
    /// Of a mixture.
    pub likelihood: Option<Likelihood>,
    /// Mean silhouette of the rows in clusters; none for k = 1, as with the other two indices.
    pub silhouette: Option<f64>,
    /// Half the width of its 95 % interval, where there are too many rows to measure all.
    pub silhouette_margin: Option<f64>,
    /// The silhouette of every row, NaN for noise; empty for k = 1, and where only a sample was measured.
    pub silhouettes: Vec<f64>,
    pub davies_bouldin: Option<f64>,
    /// None also where every row is its cluster's centre.
    pub calinski_harabasz: Option<f64>,
    /// Rows per cluster, in the order of cluster numbers.
    pub sizes: Vec<u64>,
    /// Rows in no cluster.
    pub noise: u64,
}

/// Clusters the sample by k-means for every k, in ascending order.
///
/// Errors: a k that is 0 or larger than the number of distinct points, before anything is computed.
pub fn search(
    sample: &Sample,
    k: RangeInclusive<u32>,
    options: &KMeansOptions,
    progress: &dyn Progress,
) -> Result<Vec<Candidate>, ClusterError> {
    search_by(Method::KMeans, sample, k, options, progress)
}

/// The same by any method. One that finds the number of clusters by itself gives one candidate, whatever `k` is.
///
/// Errors: those of [`search`] where the method has a k; more points than the method can take; a mixture whose
/// covariances can't be inverted; nothing but noise.
pub fn search_by(
    method: Method,
    sample: &Sample,
    k: RangeInclusive<u32>,
    options: &KMeansOptions,
    progress: &dyn Progress,
) -> Result<Vec<Candidate>, ClusterError> {
    if method.has_k() {
        if k.is_empty() {
            return Ok(Vec::new());
        }
        checked_k(sample, *k.start())?;
        checked_k(sample, *k.end())?;
    }
    let ks: Vec<u32> = k.collect();
    let found = match method {
        Method::KMeans => {
            let ks: Vec<usize> = ks.iter().map(|&k| k as usize).collect();
            fits(sample, &ks, options, progress).into_iter().map(Found::by_centers).collect()
        }
        method => method.clusterings(sample, &ks, options, progress)?,
    };
    judged(sample, found, progress)
}

fn judged(sample: &Sample, found: Vec<Found>, progress: &dyn Progress) -> Result<Vec<Candidate>, ClusterError> {
    if let [found] = found.as_slice()
        && found.noise() > 0
    {
        return Ok(vec![judged_without_noise(sample, found.clone(), progress)?]);
    }
    let labelings: Vec<&[u32]> = found.iter().map(|found| found.fit.labels.as_slice()).collect();
    let silhouettes = silhouettes(sample, &labelings, progress);
    let candidate = |(found, silhouette): (Found, Option<super::Silhouette>)| Candidate {
        silhouette: silhouette.as_ref().map(|silhouette| silhouette.mean),
        silhouette_margin: silhouette.as_ref().and_then(|silhouette| silhouette.margin),
        silhouettes: silhouette.map(|silhouette| silhouette.of_rows).unwrap_or_default(),
        davies_bouldin: davies_bouldin(sample, &found.fit.labels),
        calinski_harabasz: calinski_harabasz(sample, &found.fit.labels),
        ..Candidate::unjudged(found)
    };
    Ok(found.into_par_iter().zip(silhouettes).map(candidate).collect())
}

/// The indices of the rows that are in clusters, as if there were no others.
fn judged_without_noise(sample: &Sample, found: Found, progress: &dyn Progress) -> Result<Candidate, ClusterError> {
    let rows: Vec<usize> = (0..sample.rows()).filter(|&row| !found.is_noise(row)).collect();
    let labels: Vec<u32> = rows.iter().map(|&row| found.fit.labels[row]).collect();
    let clustered = sample.subset(&rows)?;
    let silhouette = silhouettes(&clustered, &[&labels], progress).pop().flatten();
    let mut of_rows = vec![];
    if let Some(silhouette) = silhouette.as_ref().filter(|silhouette| silhouette.margin.is_none()) {
        of_rows.resize(sample.rows(), f64::NAN);
        rows.iter().zip(&silhouette.of_rows).for_each(|(&row, &value)| of_rows[row] = value);
    }
    Ok(Candidate {
        silhouette: silhouette.as_ref().map(|silhouette| silhouette.mean),
        silhouette_margin: silhouette.and_then(|silhouette| silhouette.margin),
        silhouettes: of_rows,
        davies_bouldin: davies_bouldin(&clustered, &labels),
        calinski_harabasz: calinski_harabasz(&clustered, &labels),
        ..Candidate::unjudged(found)
    })
}

impl Candidate {
    fn unjudged(found: Found) -> Self {
        let k = found.fit.centers.nrows();
        let mut sizes = vec![0; k];
        found.fit.labels.iter().filter(|label| (**label as usize) < k).for_each(|label| sizes[*label as usize] += 1);
        Self {
            k: k as u32,
            noise: found.noise(),
            fit: found.fit,
            placing: found.placing,
            likelihood: found.likelihood,
            silhouette: None,
            silhouette_margin: None,
            silhouettes: vec![],
            davies_bouldin: None,
            calinski_harabasz: None,
            sizes,
        }
    }
}

/// The best of all restarts for every k. Runs go in waves, so that progress is told from this thread.
fn fits(sample: &Sample, ks: &[usize], options: &KMeansOptions, progress: &dyn Progress) -> Vec<Fit> {
    let solver = Solver::new(sample, options);
    let restarts = options.restarts.max(1);
    let wave = (4 * rayon::current_num_threads()).div_ceil(ks.len()).max(1);
    let mut runs: Vec<Vec<Run>> = ks.iter().map(|_| vec![]).collect();
    progress.start("k-means", Some(u64::from(restarts) * ks.len() as u64));
    for first in (0..restarts).step_by(wave) {
        let last = restarts.min(first + wave as u32);
        // Large k first, since they take longest.
        let tasks: Vec<(usize, u32)> =
            (0..ks.len()).rev().flat_map(|index| (first..last).map(move |restart| (index, restart))).collect();
        let ended: Vec<Run> = tasks.par_iter().map(|&(index, restart)| solver.run(ks[index], restart)).collect();
        tasks.into_iter().zip(ended).for_each(|((index, _), run)| runs[index].push(run));
        progress.at(u64::from(last) * ks.len() as u64);
    }
    let fits: Vec<Fit> = runs.into_par_iter().map(|runs| solver.best(runs)).collect();
    progress.finish(&format!("{} values of `k`, best of {restarts} runs each", ks.len()));
    fits
}
