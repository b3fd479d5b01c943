//! Stability under resampling: whether each cluster is found again when the rows are drawn anew.

use ndarray::Array2;
use rayon::prelude::*;

use super::{Drawn, Evidence, purpose};
use crate::cluster::agreement::Contingency;
use crate::cluster::method::Placing;
use crate::cluster::{Candidate, ClusterError, Sample};

/// How one cluster fared over all resamples.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Stability {
    /// Mean over the resamples that have rows of the cluster of its Jaccard coefficient with the cluster most like it;
    /// nothing where no resample had any.
    pub jaccard: Option<f64>,
    /// Resamples that have rows of the cluster. A resample without any says nothing about it: counted as 0, a cluster of
    /// one row would never exceed 1 - 1/e.
    pub present: u32,
    /// Of these, resamples in which the coefficient is at least [`Evidence::STABLE`].
    pub recovered: u32,
}

impl Stability {
    pub fn or_zero(&self) -> f64 {
        self.jaccard.unwrap_or(0.0)
    }
}

/// What is kept of the clusterings of all resamples for one k.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Resamples {
    clusterings: Vec<Resampled>,
}

#[derive(Debug, Clone, PartialEq)]
struct Resampled {
    centers: Array2<f64>,
    placing: Placing,
    /// For each cluster, the cluster here that is most like it.
    twins: Vec<Option<u32>>,
}

impl Resamples {
    /// Per row, the share of the resamples that put it into the twin of its own cluster. `labels` has one label per row; a
    /// resample without rows of a cluster does not count for its rows, and 0 is the share of nothing.
    ///
    /// Errors: another number of columns than the resamples had.
    pub fn shares(&self, sample: &Sample, labels: &[u32]) -> Result<Vec<f64>, ClusterError> {
        let place = |resampled: &Resampled| resampled.placing.place_points(sample, &resampled.centers);
        let nearest: Vec<Vec<u32>> = self.clusterings.par_iter().map(place).collect::<Result<_, ClusterError>>()?;
        let share = |(row, &label): (usize, &u32)| {
            let twins = self.clusterings.iter().zip(&nearest);
            let (mut together, mut counted) = (0u32, 0u32);
            for (twin, nearest) in twins.filter_map(|(r, nearest)| Some((r.twins[label as usize]?, nearest))) {
                counted += 1;
                together += u32::from(nearest[sample.point_of(row)] == twin);
            }
            f64::from(together) / f64::from(counted.max(1))
        };
        Ok(labels.iter().enumerate().map(share).collect())
    }
}

/// The cluster of a resample that is most like each of the clusters, the centres of the resample and how it places.
type Compared = (Vec<Option<(u32, f64)>>, Array2<f64>, Placing);

/// The stability of the clusters of every candidate; `labels` are those of the rows looked at.
///
/// Rows are drawn with replacement, as many as there are, and each that was drawn is used once (the default of the R
/// package fpc), so that heavy duplicates don't pose as clusters.
///
/// Source: C. Hennig, Cluster-wise assessment of cluster stability, Computational Statistics and Data Analysis 52
/// (2007), 258-271.
pub(super) fn stability(
    drawn: &Drawn,
    candidates: &[Candidate],
    labels: &[Vec<u32>],
) -> Result<Vec<(Vec<Stability>, Resamples)>, ClusterError> {
    let order = drawn.sample.order();
    let resample = |index: u32| {
        let mut stream = drawn.stream(purpose::RESAMPLE, index);
        let mut taken = vec![false; order.len()];
        (0..order.len()).for_each(|_| taken[stream.below(order.len())] = true);
        let rows: Vec<usize> = order.iter().zip(taken).filter(|(_, taken)| *taken).map(|(&row, _)| row).collect();
        let fits = drawn.cluster(&drawn.sample.subset(&rows)?, candidates);
        let mut compared = vec![];
        for ((candidate, labels), fitted) in candidates.iter().zip(labels).zip(fits) {
            compared.push(fitted.map(|found| {
                let pairs = rows.iter().map(|&row| labels[row]).zip(found.fit.labels.iter().copied());
                let table = Contingency::new(pairs, candidate.k as usize, candidate.k as usize);
                (table.most_alike(), found.fit.centers, found.placing)
            }));
        }
        Ok(compared)
    };
    let resamples: Vec<Vec<Option<Compared>>> =
        (0..drawn.options.resamples).into_par_iter().map(resample).collect::<Result<_, ClusterError>>()?;
    let mut found: Vec<(Vec<Stability>, Resamples)> =
        candidates.iter().map(|c| (vec![Stability::default(); c.k as usize], Resamples::default())).collect();
    for resample in resamples {
        for ((stability, resamples), of_k) in found.iter_mut().zip(resample) {
            let Some((alike, centers, placing)) = of_k else { continue };
            for (stability, alike) in stability.iter_mut().zip(&alike) {
                let Some((_, jaccard)) = alike else { continue };
                stability.present += 1;
                stability.recovered += u32::from(*jaccard >= Evidence::STABLE);
                // The mean so far, brought up to date with one more resample.
                let mean = stability.or_zero();
                stability.jaccard = Some(mean + (jaccard - mean) / f64::from(stability.present));
            }
            let twins = alike.iter().map(|alike| alike.map(|(twin, _)| twin)).collect();
            resamples.clusterings.push(Resampled { centers, placing, twins });
        }
    }
    Ok(found)
}
