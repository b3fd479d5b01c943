//! DBSCAN: clusters are places where points lie dense; who is near no dense place is noise.

use std::ops::ControlFlow;

use rayon::prelude::*;

use super::Sample;
use super::boxes::Boxes;
use super::neighbours::Neighbours;
use super::ward::Union;

/// The cluster of every distinct point, nothing for noise, and what new points are placed by.
///
/// A point is a core if at least `neighbours` rows are within `radius` of it, itself counted and a distance of just
/// `radius` too. Cores within `radius` of each other are in one cluster. A point that is no core goes to the cluster of
/// the nearest core within `radius`, of equally near ones the first in canonical order; scikit-learn gives it to the
/// cluster that it comes upon first, which depends on the order of rows.
///
/// Source: M. Ester, H.-P. Kriegel, J. Sander and X. Xu, A density-based algorithm for discovering clusters in large
/// spatial databases with noise, 1996.
pub(super) fn dbscan(sample: &Sample, radius: f64, neighbours: u64) -> (Vec<Option<u32>>, Neighbours) {
    let boxes = Boxes::new(sample.values().to_vec(), sample.columns());
    let weights = sample.weights();
    let square = radius * radius;
    let dense = |point| {
        let mut rows = 0.0;
        boxes.within(sample.point(point), square, |other| {
            rows += weights[other];
            if rows >= neighbours as f64 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        rows >= neighbours as f64
    };
    let core: Vec<bool> = (0..sample.distinct()).into_par_iter().map(dense).collect();
    let mut clusters = Union::new(sample.distinct());
    boxes.connect(square, &core, &mut clusters);
    let of_cores = clusters.labels(|point| core[point]);
    let cores: Vec<usize> = (0..sample.distinct()).filter(|&point| core[point]).collect();
    let model = Neighbours {
        points: cores.iter().map(|&point| sample.point(point).to_vec()).collect(),
        clusters: cores.iter().map(|&point| of_cores[point]).collect(),
        reach: vec![radius; cores.len()],
    };
    let labels = {
        let placer = model.placer();
        let cluster = |point| placer.nearest(sample.point(point)).and_then(|near| near.cluster);
        (0..sample.distinct()).into_par_iter().map(cluster).collect()
    };
    (labels, model)
}
