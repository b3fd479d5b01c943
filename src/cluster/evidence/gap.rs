//! The gap statistic: how much tighter the clusters are than those of points without groups.

use ndarray::Array2;
use rayon::prelude::*;

use super::{Drawn, purpose};
use crate::cluster::pca::principal_axes;
use crate::cluster::{Candidate, ClusterError, Sample};

/// How the inertia W(k) compares with that of points spread evenly over the same box, all on the scale of its logarithm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gap {
    /// E*[log W(k)] - log W(k): the larger, the tighter the clusters.
    pub gap: f64,
    /// Standard error of the gap, from the spread of the reference sets: sd * sqrt(1 + 1 / B).
    pub error: f64,
    /// How much more is gained by k clusters instead of one than in the reference sets, in standard errors of that
    /// difference. Unlike the gap it says nothing of the shape of the cloud as a whole, which lifts every k alike.
    pub errors: f64,
}

/// The gap of every candidate.
///
/// The reference points are uniform in the box along the principal axes of the rows; they are clustered in these
/// axes, since the methods don't care about a rotation (of mixtures, those with a full, tied or spherical covariance).
///
/// Source: R. Tibshirani, G. Walther, T. Hastie, Estimating the number of clusters in a data set via the gap statistic,
/// Journal of the Royal Statistical Society B 63 (2001), 411-423; choice (b) of the reference.
pub(super) fn gaps(drawn: &Drawn, candidates: &[Candidate]) -> Result<Vec<Gap>, ClusterError> {
    let sample = &drawn.sample;
    let whole = spread(sample);
    let own: Vec<f64> = if drawn.is_everyone(candidates) {
        candidates.iter().map(|candidate| candidate.fit.inertia).collect()
    } else {
        let found = drawn.cluster(sample, candidates);
        found.iter().map(|found| found.as_ref().map_or(0.0, |found| found.fit.inertia)).collect()
    };
    let bounds = bounds(sample);
    let reference = |index: u32| {
        let mut stream = drawn.stream(purpose::REFERENCE, index);
        let points = Array2::from_shape_simple_fn((drawn.rows.len(), bounds.len()), || stream.uniform());
        let (low, width): (Vec<f64>, Vec<f64>) = bounds.iter().copied().unzip();
        let points = Sample::new((points * ndarray::aview1(&width) + ndarray::aview1(&low)).view())?;
        let whole = spread(&points);
        let found = drawn.cluster(&points, candidates);
        let inertias = found.iter().map(|found| found.as_ref().map_or(0.0, |found| found.fit.inertia));
        Ok(inertias.map(|inertia| (log(inertia, whole), log(whole, whole))).collect::<Vec<(f64, f64)>>())
    };
    let references: Vec<Vec<(f64, f64)>> =
        (0..drawn.options.references).into_par_iter().map(reference).collect::<Result<_, ClusterError>>()?;
    let factor = (1.0 + 1.0 / references.len() as f64).sqrt();
    let gap = |(index, &inertia): (usize, &f64)| {
        let logs: Vec<f64> = references.iter().map(|of_k| of_k[index].0).collect();
        let gains: Vec<f64> = references.iter().map(|of_k| of_k[index].1 - of_k[index].0).collect();
        let (expected, deviation) = mean_and_deviation(&logs);
        let (expected_gain, gain_deviation) = mean_and_deviation(&gains);
        let own = log(inertia, whole);
        let more = log(whole, whole) - own - expected_gain;
        let error = gain_deviation * factor;
        Gap { gap: expected - own, error: deviation * factor, errors: if error > 0.0 { more / error } else { 0.0 } }
    };
    Ok(own.iter().enumerate().map(gap).collect())
}

/// Logarithm of an inertia, where nothing is less than a trillionth of that of one cluster: where every row is its
/// cluster's centre, the gap is large rather than infinite.
fn log(inertia: f64, whole: f64) -> f64 {
    inertia.max(whole * 1e-12).max(f64::MIN_POSITIVE).ln()
}

/// Inertia of one cluster.
fn spread(sample: &Sample) -> f64 {
    let mean = sample.mean();
    let square = |point: &[f64]| point.iter().zip(&mean).map(|(x, mean)| (x - mean) * (x - mean)).sum::<f64>();
    sample.points().map(|(point, weight)| weight * square(point)).sum()
}

/// Least value and width of the rows along each of their principal axes.
fn bounds(sample: &Sample) -> Vec<(f64, f64)> {
    let axes = principal_axes(sample);
    let bound = |axis: &Vec<f64>| {
        let along = |point: &[f64]| point.iter().zip(axis).map(|(x, weight)| x * weight).sum::<f64>();
        let (low, high) = sample
            .points()
            .map(|(point, _)| along(point))
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        (low, high - low)
    };
    axes.iter().map(bound).collect()
}

/// The deviation divides by n, as in the paper.
fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, (values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n).sqrt())
}
