//! Points in two dimensions for a picture: their first two principal components.

use ndarray::Array2;
use smartcore::linalg::traits::evd::EVDDecomposable;

use super::sample::Sample;

/// A direction of large variance.
#[derive(Debug, Clone, PartialEq)]
pub struct Component {
    /// Weight of each column, a vector of length 1 (of length 0 where there is no such component). The largest weight
    /// is positive, of equally large ones the first.
    pub loadings: Vec<f64>,
    /// Share of the variance of all columns, 0 to 1.
    pub explained: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Projection {
    pub components: [Component; 2],
    /// The coordinates of every row in the two components, measured from the mean of all rows.
    pub points: Vec<[f64; 2]>,
}

/// Projects every row onto the first two principal components of the sample.
///
/// With a single column the second component is empty; where all points are equal, both are.
///
/// Source: K. Pearson, On lines and planes of closest fit to systems of points in space, 1901. The eigenvectors of the
/// covariance are smartcore's; its `PCA` would decompose the table of all rows, and it keeps the variances to itself.
pub fn project(sample: &Sample) -> Projection {
    let mean = sample.mean();
    let covariance = covariance(sample, &mean);
    let trace = covariance.diag().sum();
    let components = components(covariance, trace);
    let coordinate = |point: &[f64], component: &Component| {
        point.iter().zip(&mean).zip(&component.loadings).map(|((x, mean), loading)| (x - mean) * loading).sum()
    };
    let points: Vec<[f64; 2]> = sample
        .points()
        .map(|(point, _)| [coordinate(point, &components[0]), coordinate(point, &components[1])])
        .collect();
    Projection { components, points: sample.to_rows(&points) }
}

fn covariance(sample: &Sample, mean: &[f64]) -> Array2<f64> {
    let mut covariance = Array2::zeros((mean.len(), mean.len()));
    for (point, weight) in sample.points() {
        let from_mean: Vec<f64> = point.iter().zip(mean).map(|(x, mean)| x - mean).collect();
        for i in 0..mean.len() {
            for j in 0..=i {
                covariance[[i, j]] += weight * from_mean[i] * from_mean[j];
            }
        }
    }
    for i in 0..mean.len() {
        for j in 0..i {
            covariance[[j, i]] = covariance[[i, j]];
        }
    }
    covariance / sample.rows() as f64
}

fn components(covariance: Array2<f64>, trace: f64) -> [Component; 2] {
    let columns = covariance.nrows();
    let empty = || Component { loadings: vec![0.0; columns], explained: 0.0 };
    let mut axes = axes(covariance, trace).into_iter();
    std::array::from_fn(|_| axes.next().unwrap_or_else(empty))
}

/// Directions of the principal components of a sample, as many as it has columns, the largest variance first; the
/// columns themselves where there is no variance.
pub(super) fn principal_axes(sample: &Sample) -> Vec<Vec<f64>> {
    let covariance = covariance(sample, &sample.mean());
    let trace = covariance.diag().sum();
    let axes = axes(covariance, trace);
    if axes.len() < sample.columns() {
        let unit = |axis: usize| (0..sample.columns()).map(|column| f64::from(u8::from(column == axis))).collect();
        return (0..sample.columns()).map(unit).collect();
    }
    axes.into_iter().map(|axis| axis.loadings).collect()
}

fn axes(covariance: Array2<f64>, trace: f64) -> Vec<Component> {
    if trace <= 0.0 {
        return vec![];
    }
    // As shares of the variance, and without entries that are nothing beside it: the iteration inside would divide by
    // them until numbers overflow.
    let shares = covariance.mapv(|entry| entry / trace).mapv(|share| if share.abs() < 1e-30 { 0.0 } else { share });
    let Ok(decomposed) = shares.evd(true) else { return vec![] };
    let component = |(index, &explained): (usize, &f64)| {
        let vector = decomposed.V.column(index);
        let largest = vector.iter().fold(0.0f64, |largest, x| largest.max(x.abs()));
        // Weights that are equal but for rounding count as equal, or the sign would hang on the rounding.
        let leading = vector.iter().find(|x| x.abs() >= largest * (1.0 - 1e-9)).copied().unwrap_or(1.0);
        Component {
            loadings: vector.iter().map(|x| x * leading.signum() + 0.0).collect(),
            explained: explained.clamp(0.0, 1.0),
        }
    };
    decomposed.d.iter().enumerate().map(component).collect()
}
