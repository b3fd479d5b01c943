//! Gaussian mixtures by expectation-maximisation: clusters that may be long, tilted and of different width, and for every
//! point how surely it belongs to its own.

use std::f64::consts::PI;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::kmeans::{Fit, KMeansOptions, Solver, checked_k};
use super::{ClusterError, Sample};
use ndarray::Array2;

/// Points that are summed up by one task. A part of the result: sums are added in the order of these runs.
const RUN: usize = 1024;
/// What is added to every variance, in the units of the sample, so that no component shrinks to a point.
const LEAST_VARIANCE: f64 = 1e-6;
/// A run ends when the mean log-likelihood of a row rises by less.
const TOLERANCE: f64 = 1e-7;
const MOST_ITERATIONS: u32 = 1_000;

/// What shapes the components may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Covariance {
    /// Each its own covariance matrix.
    Full,
    /// Each its own variances along the axes.
    Diagonal,
    /// All the same covariance matrix.
    Tied,
    /// Each a ball of its own width.
    Spherical,
}

impl Covariance {
    /// As specs write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Diagonal => "diagonal",
            Self::Tied => "tied",
            Self::Spherical => "spherical",
        }
    }

    /// Free numbers in the covariances of `k` components in `d` dimensions.
    fn parameters(self, k: usize, d: usize) -> usize {
        match self {
            Self::Full => k * d * (d + 1) / 2,
            Self::Diagonal => k * d,
            Self::Tied => d * (d + 1) / 2,
            Self::Spherical => k,
        }
    }
}

/// A mixture of `k` normal distributions in `d` dimensions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mixture {
    /// Shares of the components; their sum is 1.
    pub weights: Vec<f64>,
    pub means: Vec<Vec<f64>>,
    /// Per component the inverse of the lower Cholesky factor of its covariance, `d x d`, row-major: it takes a
    /// difference from the mean to coordinates that are independent and of variance 1.
    pub whiteners: Vec<Vec<f64>>,
}

/// A mixture fitted to a sample.
pub(super) struct FittedMixture {
    pub mixture: Mixture,
    pub fit: Fit,
    pub log_likelihood: f64,
    pub bic: f64,
}

/// Fits a mixture of `k` components: the run with the largest likelihood of those that start from k-means with
/// `options.restarts` seeds.
///
/// Errors: `k` is 0 or larger than the number of distinct points; no covariance can be inverted, which happens where
/// coordinates differ in size by many digits.
/// Source: A. Dempster, N. Laird and D. Rubin, Maximum likelihood from incomplete data via the EM algorithm, 1977;
/// G. Schwarz, Estimating the dimension of a model, 1978 (BIC = -2 ln L + p ln n, the smaller the better).
pub(super) fn mixture(
    sample: &Sample,
    k: u32,
    covariance: Covariance,
    options: &KMeansOptions,
) -> Result<FittedMixture, ClusterError> {
    let clusters = checked_k(sample, k)?;
    let starts = starts(sample, clusters, options);
    let climb = |start: &(Array2<f64>, Vec<u32>)| climb(sample, covariance, start);
    let runs: Vec<Option<Run>> = starts.par_iter().map(climb).collect();
    let better = |best: Run, run: Run| if run.log_likelihood > best.log_likelihood { run } else { best };
    let best = runs.into_iter().flatten().reduce(better).ok_or(ClusterError::NoCovariance { k })?;
    Ok(settled(sample, best, covariance))
}

impl Mixture {
    pub(super) fn columns(&self) -> usize {
        self.means.first().map_or(0, Vec::len)
    }

    /// Whether it has `k` components of `columns` dimensions, made of numbers.
    pub(super) fn is_whole(&self, k: usize, columns: usize) -> bool {
        let numbers = |values: &[f64]| values.iter().all(|x| x.is_finite());
        self.weights.len() == k
            && self.means.len() == k
            && self.whiteners.len() == k
            && numbers(&self.weights)
            && self.means.iter().all(|mean| mean.len() == columns && numbers(mean))
            && self.whiteners.iter().all(|w| w.len() == columns * columns && numbers(w))
    }

    /// Whether a component has shrunk to points that share a value, so that its density there, and with it the likelihood,
    /// says nothing: a deviation of it, given the others, is hardly more than the least that is kept.
    pub fn has_collapsed(&self) -> bool {
        let d = self.columns();
        let widest = (2.0 * LEAST_VARIANCE.sqrt()).recip();
        self.whiteners.iter().any(|whitener| (0..d).any(|i| whitener[i * d + i] > widest))
    }

    /// The component that is most responsible for a point (the first among equals), its responsibility and that of the
    /// next.
    pub(super) fn place(&self, point: &[f64]) -> (u32, f64, f64) {
        let mut joint = vec![0.0; self.weights.len()];
        self.responsibilities(&self.constants(), point, &mut joint);
        let mut best = 0;
        for component in 1..joint.len() {
            if joint[component] > joint[best] {
                best = component;
            }
        }
        let others = joint.iter().enumerate().filter(|&(component, _)| component != best);
        (best as u32, joint[best], others.map(|(_, &share)| share).fold(0.0, f64::max))
    }

    /// How responsible each component is for each of some row-major points, `rows x components`.
    pub(super) fn all_responsibilities(&self, points: &[f64]) -> Vec<f64> {
        let (constants, k) = (self.constants(), self.weights.len());
        let mut shares = vec![0.0; points.len() / self.columns() * k];
        let rows = shares.par_chunks_exact_mut(k).zip(points.par_chunks_exact(self.columns()));
        rows.for_each(|(shares, point)| {
            self.responsibilities(&constants, point, shares);
        });
        shares
    }

    /// ln of weight and normalising constant, per component.
    fn constants(&self) -> Vec<f64> {
        let d = self.columns();
        let constant = |(weight, whitener): (&f64, &Vec<f64>)| {
            let determinant: f64 = (0..d).map(|i| whitener[i * d + i].ln()).sum();
            weight.ln() + determinant - 0.5 * d as f64 * (2.0 * PI).ln()
        };
        self.weights.iter().zip(&self.whiteners).map(constant).collect()
    }

    /// Fills in how responsible each component is for a point; gives the logarithm of the density there.
    fn responsibilities(&self, constants: &[f64], point: &[f64], shares: &mut [f64]) -> f64 {
        let d = point.len();
        for (((share, constant), mean), whitener) in
            shares.iter_mut().zip(constants).zip(&self.means).zip(&self.whiteners)
        {
            let mut square = 0.0;
            for i in 0..d {
                let mut y = 0.0;
                for j in 0..=i {
                    y += whitener[i * d + j] * (point[j] - mean[j]);
                }
                square += y * y;
            }
            *share = constant - 0.5 * square;
        }
        let top = shares.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut sum = 0.0;
        for share in shares.iter_mut() {
            *share = (*share - top).exp();
            sum += *share;
        }
        shares.iter_mut().for_each(|share| *share /= sum);
        top + sum.ln()
    }
}

/// Clusterings by k-means to start from, each once.
fn starts(sample: &Sample, k: usize, options: &KMeansOptions) -> Vec<(Array2<f64>, Vec<u32>)> {
    let solver = Solver::new(sample, options);
    let start = |restart| solver.best(vec![solver.run(k, restart)]).centers;
    let centers: Vec<Array2<f64>> = (0..options.restarts.max(1)).into_par_iter().map(start).collect();
    let mut starts: Vec<(Array2<f64>, Vec<u32>)> = vec![];
    for centers in centers {
        let labels = sample.nearest_of_points(&centers);
        if starts.iter().all(|(_, known)| *known != labels) {
            starts.push((centers, labels));
        }
    }
    starts
}

/// Where one run of EM ended.
struct Run {
    mixture: Mixture,
    log_likelihood: f64,
    iterations: u32,
}

fn climb(sample: &Sample, covariance: Covariance, (centers, labels): &(Array2<f64>, Vec<u32>)) -> Option<Run> {
    let means: Vec<Vec<f64>> = centers.rows().into_iter().map(|row| row.to_vec()).collect();
    let wholly = |point: usize, _: &[f64], shares: &mut [f64]| {
        shares.fill(0.0);
        shares[labels[point] as usize] = 1.0;
        0.0
    };
    let mut mixture = Moments::of(sample, &means, &wholly).maximised(&means, covariance)?;
    let mut last = f64::NEG_INFINITY;
    let mut iterations = 0;
    loop {
        let constants = mixture.constants();
        let shared = |_: usize, point: &[f64], shares: &mut [f64]| mixture.responsibilities(&constants, point, shares);
        let moments = Moments::of(sample, &mixture.means, &shared);
        let rise = (moments.log_likelihood - last) / sample.rows() as f64;
        last = moments.log_likelihood;
        if !last.is_finite() {
            return None;
        }
        if rise.abs() < TOLERANCE || iterations == MOST_ITERATIONS {
            return Some(Run { mixture, log_likelihood: last, iterations });
        }
        mixture = moments.maximised(&mixture.means, covariance)?;
        iterations += 1;
    }
}

/// Weighted sums over the points, per component, of differences from an origin of its own.
struct Moments {
    mass: Vec<f64>,
    /// `k x d`.
    first: Vec<f64>,
    /// `k x d x d`, the lower triangles.
    second: Vec<f64>,
    log_likelihood: f64,
}

impl Moments {
    /// `share` fills in how much of a point each component has, and gives the logarithm of the density there.
    fn of(
        sample: &Sample,
        origins: &[Vec<f64>],
        share: &(impl Fn(usize, &[f64], &mut [f64]) -> f64 + Sync),
    ) -> Moments {
        let (k, d) = (origins.len(), sample.columns());
        let empty = || Moments {
            mass: vec![0.0; k],
            first: vec![0.0; k * d],
            second: vec![0.0; k * d * d],
            log_likelihood: 0.0,
        };
        let weights = sample.weights();
        let runs = (0..sample.distinct().div_ceil(RUN)).into_par_iter().map(|run| {
            let mut sums = empty();
            let (mut shares, mut difference) = (vec![0.0; k], vec![0.0; d]);
            let points = run * RUN..sample.distinct().min((run + 1) * RUN);
            for (point, weight) in points.clone().zip(&weights[points]) {
                let x = sample.point(point);
                sums.log_likelihood += weight * share(point, x, &mut shares);
                for (component, origin) in origins.iter().enumerate() {
                    let part = weight * shares[component];
                    if part == 0.0 {
                        continue;
                    }
                    sums.mass[component] += part;
                    difference.iter_mut().zip(x).zip(origin).for_each(|((y, x), o)| *y = x - o);
                    for i in 0..d {
                        let scaled = part * difference[i];
                        sums.first[component * d + i] += scaled;
                        let row = (component * d + i) * d;
                        for (sum, y) in sums.second[row..].iter_mut().zip(&difference[..=i]) {
                            *sum += scaled * y;
                        }
                    }
                }
            }
            sums
        });
        let add = |all: &mut [f64], run: &[f64]| all.iter_mut().zip(run).for_each(|(all, run)| *all += run);
        let runs: Vec<Moments> = runs.collect();
        runs.iter().fold(empty(), |mut all, run| {
            add(&mut all.mass, &run.mass);
            add(&mut all.first, &run.first);
            add(&mut all.second, &run.second);
            all.log_likelihood += run.log_likelihood;
            all
        })
    }

    /// The mixture under which these sums are likeliest; none where a covariance can't be inverted.
    fn maximised(&self, origins: &[Vec<f64>], covariance: Covariance) -> Option<Mixture> {
        let (k, d) = (origins.len(), origins[0].len());
        // A component that has lost all its points keeps its place.
        let mass: Vec<f64> = self.mass.iter().map(|mass| mass + 10.0 * f64::EPSILON).collect();
        let total: f64 = mass.iter().sum();
        let mut means = origins.to_vec();
        let mut covariances = vec![vec![0.0; d * d]; k];
        for component in 0..k {
            let shift: Vec<f64> =
                self.first[component * d..(component + 1) * d].iter().map(|sum| sum / mass[component]).collect();
            means[component].iter_mut().zip(&shift).for_each(|(mean, shift)| *mean += shift);
            for i in 0..d {
                for j in 0..=i {
                    let second = self.second[(component * d + i) * d + j] / mass[component];
                    covariances[component][i * d + j] = second - shift[i] * shift[j];
                }
            }
        }
        match covariance {
            Covariance::Full => {}
            Covariance::Diagonal => covariances.iter_mut().for_each(|c| keep_diagonal(c, d, |_, own| own)),
            Covariance::Spherical => {
                for c in &mut covariances {
                    let mean = (0..d).map(|i| c[i * d + i]).sum::<f64>() / d as f64;
                    keep_diagonal(c, d, |_, _| mean);
                }
            }
            Covariance::Tied => {
                let mut tied = vec![0.0; d * d];
                for (c, mass) in covariances.iter().zip(&mass) {
                    tied.iter_mut().zip(c).for_each(|(sum, x)| *sum += x * mass / total);
                }
                covariances.fill(tied);
            }
        }
        let whiteners = covariances.into_iter().map(|mut c| {
            (0..d).for_each(|i| c[i * d + i] += LEAST_VARIANCE);
            whitener(&c, d)
        });
        Some(Mixture {
            weights: mass.iter().map(|mass| mass / total).collect(),
            means,
            whiteners: whiteners.collect::<Option<_>>()?,
        })
    }
}

fn keep_diagonal(matrix: &mut [f64], d: usize, value: impl Fn(usize, f64) -> f64) {
    for i in 0..d {
        let own = value(i, matrix[i * d + i]);
        matrix[i * d..(i + 1) * d].fill(0.0);
        matrix[i * d + i] = own;
    }
}

/// The inverse of the lower Cholesky factor; none where the matrix is not positive definite.
fn whitener(matrix: &[f64], d: usize) -> Option<Vec<f64>> {
    let mut factor = vec![0.0; d * d];
    for i in 0..d {
        for j in 0..=i {
            let done: f64 = (0..j).map(|c| factor[i * d + c] * factor[j * d + c]).sum();
            let left = matrix[i * d + j] - done;
            factor[i * d + j] = match i == j {
                true if left > 0.0 && left.is_finite() => left.sqrt(),
                true => return None,
                false => left / factor[j * d + j],
            };
        }
    }
    let mut inverse = vec![0.0; d * d];
    for j in 0..d {
        for i in j..d {
            let unit = if i == j { 1.0 } else { 0.0 };
            let done: f64 = (j..i).map(|c| factor[i * d + c] * inverse[c * d + j]).sum();
            inverse[i * d + j] = (unit - done) / factor[i * d + i];
        }
    }
    Some(inverse)
}

/// Numbers the components by their means and gives every point to the one that is most responsible for it.
fn settled(sample: &Sample, run: Run, covariance: Covariance) -> FittedMixture {
    let (k, d) = (run.mixture.weights.len(), sample.columns());
    let mut order: Vec<usize> = (0..k).collect();
    let means = &run.mixture.means;
    order.sort_by(|&a, &b| means[a].partial_cmp(&means[b]).expect("means are numbers"));
    let mixture = Mixture {
        weights: order.iter().map(|&c| run.mixture.weights[c]).collect(),
        means: order.iter().map(|&c| means[c].clone()).collect(),
        whiteners: order.iter().map(|&c| run.mixture.whiteners[c].clone()).collect(),
    };
    let labels: Vec<u32> =
        (0..sample.distinct()).into_par_iter().map(|point| mixture.place(sample.point(point)).0).collect();
    let centers = Array2::from_shape_vec((k, d), mixture.means.concat()).expect("there are k means");
    let parameters = k - 1 + k * d + covariance.parameters(k, d);
    FittedMixture {
        fit: Fit {
            inertia: sample.scatter(&centers, &labels),
            labels: sample.to_rows(&labels),
            centers,
            iterations: run.iterations,
        },
        log_likelihood: run.log_likelihood,
        bic: parameters as f64 * (sample.rows() as f64).ln() - 2.0 * run.log_likelihood,
        mixture,
    }
}
