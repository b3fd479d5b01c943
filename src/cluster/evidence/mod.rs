//! What speaks for a number of clusters beyond the indices of one clustering: whether the clusters come back when the
//! rows are drawn again, and whether there is more to find than in points without any groups.
//!
//! Nothing here chooses; [`Evidence::verdict`] says what holds for one k.

mod gap;
mod stability;
mod strength;

use std::fmt;

use rayon::prelude::*;

use super::agreement::adjusted_rand_index;
use super::kmeans::KMeansOptions;
use super::method::{Found, Method};
use super::random::Stream;
use super::{Candidate, ClusterError, Sample};
use crate::progress::Progress;

pub use gap::Gap;
pub use stability::{Resamples, Stability};

/// What each purpose draws its random numbers for, so that no two of them share a stream.
mod purpose {
    pub const ROWS: u64 = 1;
    pub const RESAMPLE: u64 = 2;
    pub const REFERENCE: u64 = 3;
    pub const SPLIT: u64 = 4;
    pub const SEED: u64 = 5;
}

#[derive(Debug, Clone, PartialEq)]
pub struct EvidenceOptions {
    /// Rows that are looked at, at most; drawn without replacement where there are more.
    pub rows: usize,
    /// Bootstrap resamples for the stability of clusters.
    pub resamples: u32,
    /// Sets of points without groups that the gap statistic compares with.
    pub references: u32,
    /// Divisions into halves for the prediction strength; each is used both ways.
    pub splits: u32,
    /// Other seeds that the clustering is repeated with.
    pub seeds: u32,
    /// Starts on a resample, a reference set or a half.
    pub restarts: u32,
    /// How the clusterings were made that are judged: a method that is told k, and its starts.
    pub method: Method,
    pub starts: KMeansOptions,
}

impl EvidenceOptions {
    /// The usual numbers for a method.
    pub fn of(method: Method, starts: KMeansOptions) -> Self {
        let rows = method.rows_for_evidence();
        Self { rows, resamples: 100, references: 50, splits: 50, seeds: 10, restarts: 5, method, starts }
    }
}

/// What speaks for one k.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    pub k: u32,
    /// By the number of the cluster.
    pub stability: Vec<Stability>,
    pub gap: Gap,
    /// The smaller k with the largest gap, and that gap.
    pub fewer: Option<(u32, f64)>,
    /// Of the worst cluster, mean over all halves, 0 to 1; nothing where no half could be divided into k clusters.
    pub prediction_strength: Option<f64>,
    /// A smaller k, from 2, that holds and that two halves of the rows agree on clearly more than on this one.
    pub surer: Option<u32>,
    /// Adjusted Rand index with the clusterings from other seeds, mean and least.
    pub seeds: (f64, f64),
    /// Smallest share of the rows in a cluster.
    pub smallest_share: f64,
}

/// Why a number of clusters is not to be believed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Doubt {
    /// The cluster that comes back least, and its mean Jaccard coefficient (0 where it was in no resample).
    Unstable { cluster: u32, jaccard: f64 },
    /// The smallest cluster's share of the rows.
    Small { share: f64 },
    /// Dividing points without groups gains as much.
    Noise { errors: f64 },
    /// Two halves of the rows agree on a smaller k and not on this one: a group was cut in two.
    Cut { fewer: u32, strength: f64 },
    /// Coming here from this smaller k gains less than dividing points without groups does: a group was cut in two.
    Split { fewer: u32 },
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unstable { jaccard, .. } => {
                write!(f, "a group does not come back when customers are drawn again (Jaccard {jaccard:.2})")
            }
            Self::Small { share } => {
                write!(f, "a group has {:.1} % of the customers: outliers rather than a group", 100.0 * share)
            }
            Self::Split { fewer } => {
                write!(f, "{fewer} groups say more: from there on, groups are cut where points without groups would be")
            }
            Self::Cut { fewer, strength } => {
                write!(
                    f,
                    "two halves of the customers agree on {fewer} groups, less on these (prediction strength {strength:.2}): \
                     a group was cut"
                )
            }
            Self::Noise { errors } => {
                let more = if *errors > 0.0 { "hardly more" } else { "no more" };
                write!(f, "{more} is gained than by dividing points without groups ({errors:.1} standard errors)")
            }
        }
    }
}

impl Evidence {
    /// A cluster whose mean Jaccard coefficient is this large is stable (Hennig 2007, 2008).
    pub const STABLE: f64 = 0.75;
    /// Clusters with a smaller share of the rows are outliers rather than groups.
    pub const SMALLEST_SHARE: f64 = 0.02;
    /// The largest k with this prediction strength is taken (Tibshirani and Walther 2005: 0.8 to 0.9).
    pub const STRONG: f64 = 0.8;
    /// Two halves agree on a k with this prediction strength, and on another one that is weaker by more than that less.
    pub const AGREED: f64 = 0.9;
    pub const LESS: f64 = 0.05;
    /// How many standard errors the gain over points without groups has to be worth.
    pub const ERRORS: f64 = 3.0;

    /// The cluster that comes back least.
    pub fn weakest(&self) -> Option<(u32, &Stability)> {
        let by_jaccard = |a: &(u32, &Stability), b: &(u32, &Stability)| a.1.or_zero().total_cmp(&b.1.or_zero());
        (0..).zip(&self.stability).min_by(by_jaccard)
    }

    /// The first reason not to believe in this k.
    pub fn verdict(&self) -> Result<(), Doubt> {
        if self.smallest_share < Self::SMALLEST_SHARE {
            return Err(Doubt::Small { share: self.smallest_share });
        }
        match self.weakest() {
            Some((cluster, weakest)) if weakest.or_zero() < Self::STABLE => {
                return Err(Doubt::Unstable { cluster, jaccard: weakest.or_zero() });
            }
            _ => {}
        }
        if self.k > 1 && self.gap.errors < Self::ERRORS {
            return Err(Doubt::Noise { errors: self.gap.errors });
        }
        match (self.fewer, self.surer) {
            (Some((fewer, gap)), _) if gap > self.gap.gap + self.gap.error => Err(Doubt::Split { fewer }),
            (_, Some(fewer)) => Err(Doubt::Cut { fewer, strength: self.prediction_strength.unwrap_or(0.0) }),
            _ => Ok(()),
        }
    }
}

/// All evidence for the clusterings of a sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Findings {
    /// One per candidate, in their order.
    pub of_k: Vec<Evidence>,
    /// Rows that were looked at.
    pub rows: usize,
    /// The clusterings of the resamples, by candidate; see [`Resamples::shares`].
    pub resamples: Vec<Resamples>,
}

/// Collects the evidence for every candidate. Deterministic: each draw has a stream of its own, and what is drawn are
/// places in the canonical order of the rows.
///
/// Errors: none that a sample and its own candidates can cause, but for a mixture that can't be fitted again.
pub fn evidence(
    sample: &Sample,
    candidates: &[Candidate],
    options: &EvidenceOptions,
    progress: &dyn Progress,
) -> Result<Findings, ClusterError> {
    let seed = options.starts.seed;
    let all = sample.order();
    let rows = if all.len() > options.rows {
        let mut places = Stream::new(seed, &[purpose::ROWS]).draw(&(0..all.len()).collect::<Vec<_>>(), options.rows);
        places.sort_unstable();
        places.into_iter().map(|place| all[place]).collect()
    } else {
        all.to_vec()
    };
    let drawn = Drawn { sample: sample.subset(&rows)?, rows: &rows, options };
    let labels: Vec<Vec<u32>> =
        candidates.iter().map(|c| rows.iter().map(|&row| c.fit.labels[row]).collect()).collect();

    progress.start("evidence", None);
    let stability = stability::stability(&drawn, candidates, &labels)?;
    let gaps = gap::gaps(&drawn, candidates)?;
    let strengths = strength::strengths(&drawn, candidates)?;
    let seeds = drawn.agreement_over_seeds(candidates, &labels)?;
    let evidence = candidates.iter().zip(&stability).zip(gaps).zip(strengths).zip(seeds).map(
        |((((candidate, (stability, _)), gap), prediction_strength), seeds)| Evidence {
            k: candidate.k,
            stability: stability.clone(),
            gap,
            fewer: None,
            prediction_strength,
            surer: None,
            seeds,
            smallest_share: candidate.sizes.iter().copied().min().unwrap_or(0) as f64 / sample.rows() as f64,
        },
    );
    let mut of_k: Vec<Evidence> = evidence.collect();
    let mut best: Option<(u32, f64)> = None;
    let mut agreed: Option<(u32, f64)> = None;
    for found in &mut of_k {
        found.fewer = best;
        if best.is_none_or(|(_, gap)| found.gap.gap > gap) {
            best = Some((found.k, found.gap.gap));
        }
        let strength = found.prediction_strength.unwrap_or(0.0);
        found.surer = agreed.filter(|(_, agreed)| strength < agreed - Evidence::LESS).map(|(k, _)| k);
        // All agree on one group, which says nothing.
        let holds = found.k > 1 && strength >= Evidence::AGREED && found.verdict().is_ok();
        if holds && agreed.is_none_or(|(_, agreed)| strength > agreed) {
            agreed = Some((found.k, strength));
        }
    }
    progress.finish(&format!("{} resamples of {} customers", options.resamples, rows.len()));
    Ok(Findings { of_k, rows: rows.len(), resamples: stability.into_iter().map(|(_, resamples)| resamples).collect() })
}

/// The rows that are looked at, as a sample of their own.
struct Drawn<'a> {
    sample: Sample,
    /// The row of the whole sample for each row of this one.
    rows: &'a [usize],
    options: &'a EvidenceOptions,
}

impl Drawn<'_> {
    /// Whether the candidates were made from just these rows.
    fn is_everyone(&self, candidates: &[Candidate]) -> bool {
        candidates.iter().all(|candidate| candidate.fit.labels.len() == self.rows.len())
    }

    fn stream(&self, purpose: u64, index: u32) -> Stream {
        Stream::new(self.options.starts.seed, &[purpose, index.into()])
    }

    /// Clusters some of the rows for every candidate; nothing where that can't be done, as where they have fewer distinct
    /// points than k.
    fn cluster(&self, sample: &Sample, candidates: &[Candidate]) -> Vec<Option<Found>> {
        let starts = KMeansOptions { restarts: self.options.restarts, ..self.options.starts };
        match self.options.method.finder(sample, &starts) {
            Ok(finder) => candidates.iter().map(|candidate| finder(candidate.k).ok()).collect(),
            Err(_) => vec![None; candidates.len()],
        }
    }

    fn agreement_over_seeds(
        &self,
        candidates: &[Candidate],
        labels: &[Vec<u32>],
    ) -> Result<Vec<(f64, f64)>, ClusterError> {
        let seeds: Vec<u64> = (0..self.options.seeds).map(|index| self.stream(purpose::SEED, index).seed()).collect();
        // What draws nothing finds the same with every seed.
        let seeds = if self.options.method.draws() { &seeds[..] } else { &seeds[..seeds.len().min(1)] };
        let again = |&seed: &u64| {
            let starts = KMeansOptions { seed, ..self.options.starts };
            let finder = self.options.method.finder(&self.sample, &starts)?;
            let agreement = |(candidate, labels): (&Candidate, &Vec<u32>)| {
                Ok(adjusted_rand_index(labels, &finder(candidate.k)?.fit.labels))
            };
            candidates.iter().zip(labels).map(agreement).collect()
        };
        let agreements: Vec<Vec<f64>> = seeds.par_iter().map(again).collect::<Result<_, ClusterError>>()?;
        let mean_and_least = |index: usize| {
            let of_seeds = || agreements.iter().map(|of_k| of_k[index]);
            (of_seeds().sum::<f64>() / agreements.len().max(1) as f64, of_seeds().fold(1.0, f64::min))
        };
        Ok((0..candidates.len()).map(mean_and_least).collect())
    }
}
