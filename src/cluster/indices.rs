//! Indices of a clustering from its centres: Davies-Bouldin and Calinski-Harabasz.

use super::groups::n_labels;
use super::sample::{Sample, means, square_distance};

/// Mean over clusters of the worst (S_i + S_j) / d(i, j), S being the mean distance of a cluster's rows to its centre
/// and d the distance of two centres. The smaller the better, 0 at least; none for fewer than two clusters. Clusters
/// with the same centre are not compared (as in scikit-learn).
///
/// `labels` has one label per row.
///
/// Source: D. Davies and D. Bouldin, A cluster separation measure, 1979.
pub fn davies_bouldin(sample: &Sample, labels: &[u32]) -> Option<f64> {
    let clusters = clusters(sample, labels);
    let worst = |(i, own): (usize, &Cluster)| {
        let others = clusters.iter().enumerate().filter(|&(j, _)| j != i);
        others
            .map(|(_, other)| (square_distance(&own.center, &other.center).sqrt(), own.scatter + other.scatter))
            .filter(|&(distance, _)| distance > 0.0)
            .map(|(distance, scatter)| scatter / distance)
            .fold(0.0, f64::max)
    };
    let index = clusters.iter().enumerate().map(worst).sum::<f64>() / clusters.len() as f64;
    (clusters.len() > 1 && index.is_finite()).then_some(index)
}

/// [B / (k - 1)] / [W / (n - k)], B being the sum of squares between the centres and W that inside the clusters. The
/// larger the better; none for fewer than two clusters, and where W is 0.
///
/// `labels` has one label per row.
///
/// Source: T. Calinski and J. Harabasz, A dendrite method for cluster analysis, 1974.
pub fn calinski_harabasz(sample: &Sample, labels: &[u32]) -> Option<f64> {
    let clusters = clusters(sample, labels);
    let (n, k) = (sample.rows() as f64, clusters.len() as f64);
    let center = sample.mean();
    let between: f64 = clusters.iter().map(|cluster| cluster.mass * square_distance(&cluster.center, &center)).sum();
    let within: f64 = clusters.iter().map(|cluster| cluster.inertia).sum();
    let index = (between / (k - 1.0)) / (within / (n - k));
    (clusters.len() > 1 && within > 0.0 && index.is_finite()).then_some(index)
}

struct Cluster {
    center: Vec<f64>,
    /// Number of rows.
    mass: f64,
    /// Mean distance of the rows to the centre.
    scatter: f64,
    /// Sum of their squared distances.
    inertia: f64,
}

/// The clusters that have rows, measured in canonical order.
fn clusters(sample: &Sample, labels: &[u32]) -> Vec<Cluster> {
    let members: Vec<(u32, &[f64])> =
        sample.order().iter().map(|&row| (labels[row], sample.point(sample.point_of(row)))).collect();
    let k = n_labels(labels);
    let (centers, mass) = means(k, sample.columns(), members.iter().map(|&(label, point)| (label, point, 1.0)));
    let centers = centers.chunks_exact(sample.columns()).map(<[f64]>::to_vec);
    let mut clusters: Vec<Cluster> =
        centers.zip(mass).map(|(center, mass)| Cluster { center, mass, scatter: 0.0, inertia: 0.0 }).collect();
    for (label, point) in members {
        let cluster = &mut clusters[label as usize];
        let square = square_distance(point, &cluster.center);
        cluster.scatter += square.sqrt() / cluster.mass;
        cluster.inertia += square;
    }
    clusters.retain(|cluster| cluster.mass > 0.0);
    clusters
}
