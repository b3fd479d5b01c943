//! From customers to clusters: the dimensions as a matrix, scaled, every k of the range tried, one chosen.

use ndarray::Array2;

use super::ExecError;
use super::customers::Customers;
use super::yardstick::Yardstick;
use crate::cluster::{
    self, ClusterError, Evidence, EvidenceOptions, KMeansOptions, Projection, Sample, Scaler, Scaling,
};
use crate::plan::Cluster;
use crate::progress::Progress;
use crate::spec::{Constraint, ConstraintOn, Criterion, Scale};
use crate::time::DAY;
use crate::types::Base;

pub use crate::cluster::Candidate as Fitted;

/// What a clustering misses in which a cluster has no customers.
const EMPTY: &str = "a customer in every cluster";

/// A clustering of all customers.
#[derive(Debug, Clone)]
pub struct Clustering {
    /// Every k that was tried, ascending.
    pub search: Vec<Candidate>,
    /// Which of them was taken.
    pub taken: usize,
    pub scaler: Scaler,
    /// Centres in the dimensions' own units, before scaling; `k x dimensions`.
    pub centers_unscaled: Array2<f64>,
    /// All customers in two dimensions.
    pub projection: Projection,
    pub evidence: Option<Judged>,
    pub responsibilities: Option<Responsibilities>,
    /// Of the functions over all customers in the plan of the customers, then of the clusters.
    pub yardsticks: Vec<Yardstick>,
}

/// One k, and whether it meets the constraints of the spec.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    pub fitted: Fitted,
    pub smallest_share: f64,
    /// The first constraint that it misses, in words.
    pub misses: Option<String>,
}

/// What resamples say about the search.
#[derive(Debug, Clone)]
pub struct Judged {
    /// One per k that was tried.
    pub of_k: Vec<Evidence>,
    /// Customers who were drawn from.
    pub customers: usize,
    pub options: EvidenceOptions,
    /// Per customer, the share of the resamples that put them into their cluster.
    pub bootstrap_shares: Vec<f64>,
}

/// How responsible the components of a mixture are for the customers, 0 to 1.
#[derive(Debug, Clone)]
pub struct Responsibilities {
    /// `customers x components`, in the order of cluster numbers.
    pub all: Array2<f64>,
    /// Of everybody's own component, which is the largest.
    pub own: Vec<f64>,
}

impl Clustering {
    pub fn chosen(&self) -> &Fitted {
        &self.search[self.taken].fitted
    }

    /// The cluster of a customer; nothing for noise.
    pub fn cluster_of(&self, row: usize) -> Option<u32> {
        Some(self.labels()[row]).filter(|label| *label < self.chosen().k)
    }

    /// The cluster of every customer, k for noise.
    pub fn labels(&self) -> &[u32] {
        &self.chosen().fit.labels
    }
}

pub(super) fn cluster(
    plan: &Cluster,
    customers: &Customers,
    as_of: Option<i64>,
    progress: &dyn Progress,
) -> Result<Clustering, ExecError> {
    let (mut points, yardsticks) = points(plan, customers, as_of, None)?;
    all_there(&points, plan, customers)?;
    let too_far = |error: ClusterError| match error {
        ClusterError::TooLarge { row, column, .. } | ClusterError::NotFinite { row, column } => ExecError::TooFar {
            customer: customers.ids[row].clone(),
            dimension: column,
            words: plan.on[column].words.clone(),
        },
        error => error.into(),
    };
    let scaler = Scaler::fit(points.view(), scaling(plan.scale)).map_err(too_far)?;
    if let (Some(column), true) = (scaler.constant_columns().first(), plan.scale != Scale::None) {
        return Err(ExecError::NoVariance { dimension: *column, words: plan.on[*column].words.clone() });
    }
    scaler.transform(&mut points)?;
    let sample = Sample::new(points.view()).map_err(too_far)?;
    let distinct = sample.distinct();
    if plan.k.0 as usize > distinct || (plan.choice.by.is_none() && plan.k.1 as usize > distinct) {
        return Err(ExecError::TooManyClusters { k: plan.k.1, distinct });
    }
    // A range that reaches beyond what the data can give ends where the data do.
    let last = plan.k.1.min(distinct as u32);
    let options = KMeansOptions { restarts: plan.restarts, seed: plan.seed, ..KMeansOptions::default() };
    let fits = cluster::search_by(plan.method, &sample, plan.k.0..=last, &options, progress)?;
    let resampling = EvidenceOptions::of(plan.method, options);
    let found = match plan.evidence {
        true => Some(cluster::evidence(&sample, &fits, &resampling, progress)?),
        false => None,
    };
    let n = customers.ids.len() as f64;
    let search: Vec<Candidate> = fits
        .into_iter()
        .map(|fitted| {
            let smallest_share = fitted.sizes.iter().copied().min().unwrap_or(0) as f64 / n;
            let missed = plan.choice.constraints.iter().find(|c| !meets(c, fitted.k, smallest_share));
            let missed = missed.map(|c| c.words.clone());
            // The components of a mixture may overlap so much that one is nobody's likeliest.
            let empty = fitted.sizes.contains(&0).then(|| EMPTY.to_owned());
            Candidate { misses: missed.or(empty), smallest_share, fitted }
        })
        .collect();
    let of_k = found.as_ref().map_or(&[] as &[Evidence], |found| &found.of_k);
    let Some(taken) = choose(plan.choice.by, &search, of_k) else {
        let held_back = plan.choice.by == Some(Criterion::Evidence) && search.iter().any(|c| c.misses.is_none());
        return Err(match held_back {
            true => ExecError::NoneHolds { evidence: of_k.to_vec() },
            false => ExecError::NoneQualifies { search },
        });
    };
    let evidence = match found {
        None => None,
        Some(found) => Some(Judged {
            bootstrap_shares: found.resamples[taken].shares(&sample, &search[taken].fitted.fit.labels)?,
            customers: found.rows,
            of_k: found.of_k,
            options: resampling,
        }),
    };
    let mut centers_unscaled = search[taken].fitted.fit.centers.clone();
    scaler.inverse(&mut centers_unscaled)?;
    let projection = cluster::project(&sample);
    let responsibilities = search[taken].fitted.placing.responsibilities(points.view())?.map(|all| Responsibilities {
        own: all.outer_iter().map(|of_customer| of_customer.fold(0.0, |most: f64, share| most.max(*share))).collect(),
        all,
    });
    Ok(Clustering { search, taken, scaler, centers_unscaled, projection, evidence, responsibilities, yardsticks })
}

pub fn scaling(scale: Scale) -> Scaling {
    match scale {
        Scale::None => Scaling::None,
        Scale::ZScore => Scaling::ZScore,
        Scale::MinMax => Scaling::MinMax,
        Scale::Robust => Scaling::Robust,
    }
}

/// Customers by dimensions, time spans in days and money in currency units, NaN where a value is missing; and all
/// yardsticks that led there. `known` are those of other customers.
pub(super) fn points(
    plan: &Cluster,
    customers: &Customers,
    as_of: Option<i64>,
    known: Option<&[Yardstick]>,
) -> Result<(Array2<f64>, Vec<Yardstick>), ExecError> {
    let mut customers = customers.clone();
    customers.run(&plan.steps, as_of, &mut vec![], known)?;
    let mut points = Array2::zeros((customers.ids.len(), plan.on.len()));
    for (dimension, projection) in plan.on.iter().enumerate() {
        let unit = if projection.value.base == Base::Duration { DAY as f64 } else { 1.0 };
        for (row, value) in customers.project(&projection.value, as_of).iter().enumerate() {
            points[[row, dimension]] = value.as_number().map_or(f64::NAN, |x| x / unit);
        }
    }
    Ok((points, customers.yardsticks))
}

/// A customer without a value can't be placed.
fn all_there(points: &Array2<f64>, plan: &Cluster, customers: &Customers) -> Result<(), ExecError> {
    for (dimension, column) in points.columns().into_iter().enumerate() {
        let mut absent = (0..column.len()).filter(|row| column[*row].is_nan());
        if let Some(first) = absent.next() {
            return Err(ExecError::MissingDimension {
                customer: customers.ids[first].clone(),
                dimension,
                words: plan.on[dimension].words.clone(),
                customers: 1 + absent.count(),
            });
        }
    }
    Ok(())
}

fn meets(constraint: &Constraint, k: u32, smallest_share: f64) -> bool {
    let value = match constraint.on {
        ConstraintOn::Share => smallest_share,
        ConstraintOn::K => f64::from(k),
    };
    constraint.comparator.holds(value.total_cmp(&constraint.value))
}

/// The best k among those that meet the constraints; the smaller one of equals. `evidence` is there for every k, or for
/// none where the criterion does not ask for it.
fn choose(by: Option<Criterion>, search: &[Candidate], evidence: &[Evidence]) -> Option<usize> {
    let qualified = || search.iter().enumerate().filter(|(_, c)| c.misses.is_none());
    let best = |score: &dyn Fn(&Candidate) -> Option<f64>| {
        let mut best: Option<(usize, f64)> = None;
        for (index, candidate) in qualified() {
            let Some(value) = score(candidate) else { continue };
            if best.is_none_or(|(_, top)| value > top) {
                best = Some((index, value));
            }
        }
        best.map(|(index, _)| index).or_else(|| qualified().next().map(|(index, _)| index))
    };
    let judged = || qualified().map(|(index, _)| index).filter_map(|index| Some((index, evidence.get(index)?)));
    match by {
        None => qualified().next().map(|(index, _)| index),
        Some(Criterion::Bic) => best(&|c| c.fitted.likelihood.as_ref().map(|likelihood| -likelihood.bic)),
        Some(Criterion::Silhouette) => best(&|c| c.fitted.silhouette),
        Some(Criterion::DaviesBouldin) => best(&|c| c.fitted.davies_bouldin.map(|x| -x)),
        Some(Criterion::CalinskiHarabasz) => best(&|c| c.fitted.calinski_harabasz),
        Some(Criterion::Evidence) => {
            judged().filter(|(_, found)| found.verdict().is_ok()).map(|(index, _)| index).next_back()
        }
        Some(Criterion::PredictionStrength) => {
            let strength = |found: &Evidence| found.prediction_strength;
            let strong = |found: &Evidence| strength(found).is_some_and(|strength| strength >= Evidence::STRONG);
            let largest = judged().filter(|(_, found)| strong(found)).map(|(index, _)| index).next_back();
            let index = |c: &Candidate| (c.fitted.k - search[0].fitted.k) as usize;
            largest.or_else(|| best(&|c| evidence.get(index(c)).and_then(strength)))
        }
        Some(Criterion::Gap) => {
            let enough = |index: usize, found: &Evidence| {
                evidence.get(index + 1).is_none_or(|next| found.gap.gap >= next.gap.gap - next.gap.error)
            };
            judged()
                .find(|(index, found)| enough(*index, found))
                .or_else(|| judged().next_back())
                .map(|(index, _)| index)
        }
        Some(Criterion::Elbow) => {
            // The k farthest below the line from the first to the last inertia of the range (Satopaa et al. 2011,
            // Finding a "kneedle" in a haystack).
            let (first, last) = (search.first()?, search.last()?);
            let span = f64::from(last.fitted.k - first.fitted.k).max(1.0);
            let drop = first.fitted.fit.inertia - last.fitted.fit.inertia;
            best(&|c| {
                let along = f64::from(c.fitted.k - first.fitted.k) / span;
                (drop > 0.0).then(|| (first.fitted.fit.inertia - c.fitted.fit.inertia) / drop - along)
            })
        }
    }
}
