//! The methods side by side: what each is told, what it finds, and how new points are placed by it.

use std::fmt;

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::dbscan::dbscan;
use super::hdbscan::hdbscan;
use super::kmeans::{Fit, KMeansOptions, assign, checked_k};
use super::minibatch::minibatch;
use super::mixture::{Covariance, Mixture, mixture};
use super::neighbours::Neighbours;
use super::sample::{checked, means, square_distance};
use super::{ClusterError, Sample, ward};
use crate::progress::Progress;

/// How points are divided into clusters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Method {
    KMeans,
    /// k-means by small draws, for very many rows.
    MiniBatch,
    Mixture(Covariance),
    Ward,
    /// Dense places have `neighbours` rows within `radius`, in the units of the sample.
    Dbscan {
        radius: f64,
        neighbours: u64,
    },
    /// Clusters have `smallest` rows at least; density is measured over `neighbours` rows.
    Hdbscan {
        smallest: u64,
        neighbours: u64,
    },
}

/// How well a mixture explains the sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Likelihood {
    pub log_likelihood: f64,
    /// -2 ln L + p ln n: the smaller the better.
    pub bic: f64,
}

/// How points that were not in the sample find their cluster. Points that were get the one that they have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "lowercase")]
pub enum Placing {
    /// The nearest centre.
    Centers,
    /// The component that is most responsible.
    Mixture(Mixture),
    /// The cluster of the nearest known point.
    Neighbours(Neighbours),
}

/// Where one point belongs.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// Nothing for noise.
    pub cluster: Option<u32>,
    /// To the centre of the cluster, or to the nearest known point; infinite where there is none.
    pub distance: f64,
    /// How clear it is, 0 on the border: how much farther the next centre or the nearest point of another cluster is,
    /// or how much less responsible the next component. Nothing where there is no other.
    pub margin: Option<f64>,
}

/// A clustering before it is judged.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub fit: Fit,
    pub placing: Placing,
    pub likelihood: Option<Likelihood>,
}

/// Divides a sample into k clusters.
pub(super) type Finder<'a> = Box<dyn Fn(u32) -> Result<Found, ClusterError> + 'a>;

impl Method {
    /// Whether it is told the number of clusters.
    pub fn has_k(self) -> bool {
        !matches!(self, Self::Dbscan { .. } | Self::Hdbscan { .. })
    }

    /// Whether it leaves points in no cluster.
    pub fn has_noise(self) -> bool {
        !self.has_k()
    }

    /// One clustering per k, or a single one where the method has none.
    pub(super) fn clusterings(
        self,
        sample: &Sample,
        ks: &[u32],
        options: &KMeansOptions,
        progress: &dyn Progress,
    ) -> Result<Vec<Found>, ClusterError> {
        let ks = if self.has_k() { ks } else { &[1] };
        progress.start(self.stage(), Some(ks.len() as u64));
        let finder = self.finder(sample, options)?;
        let mut found = vec![];
        for &k in ks {
            found.push(finder(k)?);
            progress.at(found.len() as u64);
        }
        progress.finish(&match (self.has_k(), found.as_slice()) {
            (false, [found]) => format!("{} clusters, {} customers in none", found.fit.centers.nrows(), found.noise()),
            _ => format!("{} values of `k`", ks.len()),
        });
        Ok(found)
    }

    /// Finds the clusters for one k after the other; whatever k is where the method is not told.
    ///
    /// Errors: more points than the method can take; the finder's are those of the method.
    pub(super) fn finder<'a>(self, sample: &'a Sample, options: &'a KMeansOptions) -> Result<Finder<'a>, ClusterError> {
        Ok(match self {
            Self::KMeans => Box::new(|k| Ok(Found::by_centers(super::fit(sample, k, options)?))),
            Self::MiniBatch => Box::new(|k| Ok(Found::by_centers(minibatch(sample, k, options)?))),
            Self::Mixture(covariance) => Box::new(move |k| {
                let found = mixture(sample, k, covariance, options)?;
                Ok(Found {
                    fit: found.fit,
                    placing: Placing::Mixture(found.mixture),
                    likelihood: Some(Likelihood { log_likelihood: found.log_likelihood, bic: found.bic }),
                })
            }),
            Self::Ward => {
                let tree = ward::tree(sample)?;
                let points: Vec<Vec<f64>> = sample.points().map(|(point, _)| point.to_vec()).collect();
                Box::new(move |k| {
                    let clusters = tree.cut(checked_k(sample, k)?);
                    let known = Neighbours { points: points.clone(), clusters, reach: vec![] };
                    Found::by_neighbours(sample, known.clusters.clone(), known)
                })
            }
            Self::Dbscan { radius, neighbours } => Box::new(move |_| {
                let (labels, known) = dbscan(sample, radius, neighbours);
                Found::by_neighbours(sample, labels, known)
            }),
            Self::Hdbscan { smallest, neighbours } => Box::new(move |_| {
                let (labels, known) = hdbscan(sample, smallest, neighbours)?;
                Found::by_neighbours(sample, labels, known)
            }),
        })
    }

    /// Whether it starts from random draws.
    pub fn draws(self) -> bool {
        matches!(self, Self::KMeans | Self::MiniBatch | Self::Mixture(_))
    }

    /// Rows that evidence is drawn from at most: it clusters some of them hundreds of times.
    pub fn rows_for_evidence(self) -> usize {
        match self {
            Self::KMeans | Self::MiniBatch => 20_000,
            Self::Mixture(_) => 1_000,
            _ => 2_000,
        }
    }

    /// As specs write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::KMeans => "kmeans",
            Self::MiniBatch => "minibatch",
            Self::Mixture(_) => "gmm",
            Self::Ward => "ward",
            Self::Dbscan { .. } => "dbscan",
            Self::Hdbscan { .. } => "hdbscan",
        }
    }

    /// What it is told beside k: `radius 0.5, neighbours 10`.
    pub fn settings(self) -> Option<String> {
        match self {
            Self::KMeans | Self::MiniBatch | Self::Ward => None,
            Self::Mixture(covariance) => Some(format!("covariance {}", covariance.name())),
            Self::Dbscan { radius, neighbours } => Some(format!("radius {radius}, neighbours {neighbours}")),
            Self::Hdbscan { smallest, neighbours } => Some(format!("smallest {smallest}, neighbours {neighbours}")),
        }
    }

    fn stage(self) -> &'static str {
        match self {
            Self::KMeans => "k-means",
            Self::MiniBatch => "mini-batch k-means",
            Self::Mixture(_) => "Gaussian mixtures",
            Self::Ward => "Ward's tree",
            Self::Dbscan { .. } => "DBSCAN",
            Self::Hdbscan { .. } => "HDBSCAN",
        }
    }
}

/// `gmm (covariance full)`.
impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.settings() {
            None => f.write_str(self.name()),
            Some(settings) => write!(f, "{} ({settings})", self.name()),
        }
    }
}

impl Found {
    pub fn by_centers(fit: Fit) -> Self {
        Self { fit, placing: Placing::Centers, likelihood: None }
    }

    /// Numbers clusters by their centres; `labels` are those of the distinct points.
    fn by_neighbours(sample: &Sample, labels: Vec<Option<u32>>, mut known: Neighbours) -> Result<Self, ClusterError> {
        let k = labels.iter().flatten().max().map_or(0, |&label| label as usize + 1);
        if k == 0 {
            return Err(ClusterError::OnlyNoise);
        }
        let d = sample.columns();
        let members = labels.iter().zip(sample.points());
        let members = members.filter_map(|(label, (point, weight))| label.map(|label| (label, point, weight)));
        let (centers, _) = means(k, d, members);
        let center = |cluster: usize| &centers[cluster * d..(cluster + 1) * d];
        let mut order: Vec<usize> = (0..k).collect();
        order.sort_by(|&a, &b| center(a).partial_cmp(center(b)).expect("centres are numbers"));
        let mut number = vec![0; k];
        order.iter().zip(0..).for_each(|(&cluster, new)| number[cluster] = new);
        let renumbered = |label: Option<u32>| label.map(|label| number[label as usize]);
        let sorted: Vec<f64> = order.iter().flat_map(|&cluster| center(cluster).iter().copied()).collect();
        known.clusters.iter_mut().for_each(|cluster| *cluster = renumbered(*cluster));
        let labels: Vec<u32> = labels.into_iter().map(|label| renumbered(label).unwrap_or(k as u32)).collect();
        let squares = sample.points().zip(&labels).filter(|(_, label)| (**label as usize) < k);
        let inertia = squares
            .map(|((point, weight), &label)| weight * square_distance(point, &sorted[label as usize * d..][..d]))
            .sum();
        let fit = Fit {
            labels: sample.to_rows(&labels),
            centers: Array2::from_shape_vec((k, d), sorted).expect("there are k centres"),
            inertia,
            iterations: 1,
        };
        Ok(Self { fit, placing: Placing::Neighbours(known), likelihood: None })
    }

    pub fn is_noise(&self, row: usize) -> bool {
        self.fit.labels[row] as usize >= self.fit.centers.nrows()
    }

    /// Rows in no cluster.
    pub fn noise(&self) -> u64 {
        (0..self.fit.labels.len()).filter(|&row| self.is_noise(row)).count() as u64
    }
}

impl Placing {
    /// Whether it is how this method places points.
    pub fn is_of(&self, method: Method) -> bool {
        match self {
            Self::Centers => matches!(method, Method::KMeans | Method::MiniBatch),
            Self::Mixture(_) => matches!(method, Method::Mixture(_)),
            Self::Neighbours(_) => matches!(method, Method::Ward | Method::Dbscan { .. } | Method::Hdbscan { .. }),
        }
    }

    /// Whether it belongs to `k` clusters in `columns` dimensions and is made of numbers.
    pub fn is_whole(&self, k: usize, columns: usize) -> bool {
        match self {
            Self::Centers => true,
            Self::Mixture(mixture) => mixture.is_whole(k, columns),
            Self::Neighbours(known) => known.is_whole(k, columns),
        }
    }

    /// The cluster of every distinct point of a sample among clusters with these centres, one more than the last for
    /// none.
    ///
    /// Errors: another number of columns than the centres have.
    pub(super) fn place_points(&self, sample: &Sample, centers: &Array2<f64>) -> Result<Vec<u32>, ClusterError> {
        if let Self::Centers = self {
            return Ok(sample.nearest_of_points(centers));
        }
        let points = ArrayView2::from_shape((sample.distinct(), sample.columns()), sample.values());
        let placed = self.place(points.expect("whole points"), centers.view())?;
        Ok(placed.iter().map(|placed| placed.cluster.unwrap_or(centers.nrows() as u32)).collect())
    }

    /// How responsible each component of a mixture is for points of shape `rows x columns`, `rows x components`; each row
    /// adds up to 1. Nothing where the method is no mixture.
    ///
    /// Errors: no row, a coordinate that is not finite or too large.
    pub fn responsibilities(&self, points: ArrayView2<f64>) -> Result<Option<Array2<f64>>, ClusterError> {
        let Self::Mixture(mixture) = self else { return Ok(None) };
        let values = checked(points)?;
        let shape = (points.nrows(), mixture.weights.len());
        let shares = mixture.all_responsibilities(&values);
        Ok(Some(Array2::from_shape_vec(shape, shares).expect("a share per row and component")))
    }

    /// Places points of shape `rows x columns` among clusters with these centres.
    ///
    /// Errors: no row, a coordinate that is not finite or too large, another number of columns than the centres have.
    pub fn place(&self, points: ArrayView2<f64>, centers: ArrayView2<f64>) -> Result<Vec<Placed>, ClusterError> {
        let columns = points.ncols();
        if columns != centers.ncols() {
            return Err(ClusterError::OtherColumns { expected: centers.ncols(), found: columns });
        }
        let values = checked(points)?;
        let rows = values.par_chunks_exact(columns);
        Ok(match self {
            Self::Centers => {
                let found = assign(points, centers)?;
                let distances = found.distances.iter().zip(&found.seconds);
                let placed = |(&cluster, (&distance, &second)): (&u32, (&f64, &f64))| Placed {
                    cluster: Some(cluster),
                    distance,
                    margin: second.is_finite().then_some(second - distance),
                };
                found.labels.iter().zip(distances).map(placed).collect()
            }
            Self::Mixture(mixture) => rows
                .map(|point| {
                    let (component, own, next) = mixture.place(point);
                    Placed {
                        cluster: Some(component),
                        distance: square_distance(point, &mixture.means[component as usize]).sqrt(),
                        margin: (mixture.weights.len() > 1).then_some(own - next),
                    }
                })
                .collect(),
            Self::Neighbours(known) => {
                let placer = known.placer();
                let placed = |point: &[f64]| match placer.nearest(point) {
                    None => Placed { cluster: None, distance: f64::INFINITY, margin: None },
                    Some(near) => Placed {
                        margin: placer.other(point, &near).map(|other| other - near.distance),
                        cluster: near.cluster,
                        distance: near.distance,
                    },
                };
                rows.map(placed).collect()
            }
        })
    }
}
