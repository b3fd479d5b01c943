//! Prediction strength: whether the centres found in one half of the rows keep together what is together in the other.

use rayon::prelude::*;

use super::{Drawn, purpose};
use crate::cluster::agreement::{Contingency, pairs};
use crate::cluster::method::Found;
use crate::cluster::{Candidate, ClusterError};

/// The prediction strength of every candidate, mean over all divisions into halves, each used both ways.
///
/// For the worst cluster of a half: the share of its pairs of rows that the centres of the other half put together. A
/// cluster of one row has no pairs and says nothing. Nothing is the strength where no half has k distinct points.
///
/// Source: R. Tibshirani, G. Walther, Cluster validation by prediction strength, Journal of Computational and Graphical
/// Statistics 14 (2005), 511-528; both ways as in the R package fpc.
pub(super) fn strengths(drawn: &Drawn, candidates: &[Candidate]) -> Result<Vec<Option<f64>>, ClusterError> {
    let everyone: Vec<usize> = drawn.sample.order().to_vec();
    let split = |index: u32| {
        let mut stream = drawn.stream(purpose::SPLIT, index);
        let shuffled = stream.draw(&everyone, everyone.len());
        let (first, second) = shuffled.split_at(everyone.len() / 2);
        if first.is_empty() {
            return Ok(vec![None; candidates.len()]);
        }
        let halves = [drawn.sample.subset(first)?, drawn.sample.subset(second)?];
        let fits = [0, 1].map(|half: usize| drawn.cluster(&halves[half], candidates));
        let both = |k: usize| {
            let (Some(first), Some(second)) = (&fits[0][k], &fits[1][k]) else { return Ok(None) };
            let predicted = |half: usize, by: &Found| -> Result<Vec<u32>, ClusterError> {
                Ok(halves[half].to_rows(&by.placing.place_points(&halves[half], &by.fit.centers)?))
            };
            let least =
                worst(&first.fit.labels, &predicted(0, second)?) + worst(&second.fit.labels, &predicted(1, first)?);
            Ok(Some(least / 2.0))
        };
        (0..candidates.len()).map(both).collect()
    };
    let splits: Vec<Vec<Option<f64>>> =
        (0..drawn.options.splits).into_par_iter().map(split).collect::<Result<_, ClusterError>>()?;
    let mean = |k: usize| {
        let known: Vec<f64> = splits.iter().filter_map(|of_k| of_k[k]).collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
    };
    Ok((0..candidates.len()).map(mean).collect())
}

/// Over the clusters of a half, the least share of pairs that the prediction leaves together.
fn worst(labels: &[u32], predicted: &[u32]) -> f64 {
    let k = labels.iter().chain(predicted).max().map_or(0, |&label| label as usize + 1);
    let table = Contingency::new(labels.iter().copied().zip(predicted.iter().copied()), k, k);
    let together = |counts: &[u64]| {
        let all = pairs(counts.iter().sum());
        (all > 0).then(|| counts.iter().map(|&n| pairs(n)).sum::<u64>() as f64 / all as f64)
    };
    table.rows().filter_map(together).fold(1.0, f64::min)
}
