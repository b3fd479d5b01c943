//! The silhouette of every point, exact, for several clusterings of the same points at once.

use rayon::prelude::*;

use super::groups::{Groups, n_labels};
use super::kernels::{LANES, Lane, distances};
use super::random::Stream;
use super::sample::{Blocks, Sample};
use crate::progress::{Progress, Silent};

/// How many blocks of points are computed between two reports of progress.
const WAVE: usize = 256;

/// Up to so many distinct points every pair is measured: some ten seconds for all k of a search.
pub const EXACT: usize = 200_000;
/// Beyond, so many rows are drawn and measured against all others.
pub const DRAWN: usize = 10_000;

/// How well each row lies in its cluster, from -1 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Silhouette {
    pub mean: f64,
    /// Half the width of the 95 % interval of the mean, where it is that of a sample.
    pub margin: Option<f64>,
    /// Empty where only a sample was measured.
    pub of_rows: Vec<f64>,
}

/// The silhouette of one clustering; see [`silhouettes`].
pub fn silhouette(sample: &Sample, labels: &[u32]) -> Option<Silhouette> {
    silhouettes(sample, &[labels], &Silent).pop().flatten()
}

/// The silhouettes of several clusterings, each given by one label per row; none where all rows have one label.
///
/// s = (b - a) / max(a, b), where a is the mean Euclidean distance to the other rows of the own cluster and b the
/// smallest mean distance to the rows of another cluster; 0 for a row alone in its cluster, and where a = b = 0.
///
/// All pairs of distinct points are measured, once for all clusterings: distances are summed over the points that have
/// the same labels in every clustering, and these sums are then added up per clustering.
///
/// Source: P. Rousseeuw, Silhouettes: a graphical aid to the interpretation and validation of cluster analysis, 1987.
pub fn silhouettes(sample: &Sample, labelings: &[&[u32]], progress: &dyn Progress) -> Vec<Option<Silhouette>> {
    silhouettes_within(sample, labelings, EXACT, DRAWN, progress)
}

/// The same with other limits: beyond `exact` distinct points, `drawn` rows are measured, each against all points, so that
/// the mean is unbiased, which it would not be if the others were a sample too. Rows are drawn with replacement from a
/// stream of their own; the interval is that of a mean of independent draws.
pub fn silhouettes_within(
    sample: &Sample,
    labelings: &[&[u32]],
    exact: usize,
    drawn: usize,
    progress: &dyn Progress,
) -> Vec<Option<Silhouette>> {
    if labelings.is_empty() {
        return Vec::new();
    }
    let groups = Groups::new(sample, labelings);
    let points: Vec<f64> = groups.points.iter().flat_map(|&point| sample.point(point).iter().copied()).collect();
    let sampled = sample.distinct() > exact;
    // The members that are measured, and how many rows each of them stands for.
    let (measured, weights): (Vec<usize>, Vec<f64>) = if sampled {
        let mut stream = Stream::new(0, &[drawn as u64]);
        let mut times = std::collections::BTreeMap::new();
        for _ in 0..drawn {
            let row = sample.order()[stream.below(sample.rows())];
            *times.entry(groups.member_of[row]).or_insert(0.0) += 1.0;
        }
        times.into_iter().unzip()
    } else {
        (0..groups.points.len()).zip(groups.weights.iter().copied()).unzip()
    };
    let queries: Vec<f64> =
        measured.iter().flat_map(|&member| sample.point(groups.points[member]).iter().copied()).collect();
    let blocks = Blocks::new(&queries, sample.columns(), &weights);
    let clusterings = clusterings(&groups, labelings);
    let mut values = vec![[0.0; LANES]; blocks.weights.len() * labelings.len()];
    let waves = values.chunks_mut(WAVE * labelings.len()).zip(blocks.points.chunks(WAVE * sample.columns()));
    progress.start("silhouette", Some(blocks.weights.len() as u64));
    for (wave, (values, wave_blocks)) in waves.enumerate() {
        let blocks = wave_blocks.par_chunks_exact(sample.columns()).enumerate();
        values.par_chunks_exact_mut(labelings.len()).zip(blocks).for_each_init(
            Vec::new,
            |sums, (values, (b, block))| {
                sums.resize(groups.ends.len(), [0.0; LANES]);
                distances(block, &points, &groups.weights, &groups.ends, sums);
                let first = (wave * WAVE + b) * LANES;
                for (value, clustering) in values.iter_mut().zip(&clusterings) {
                    *value = clustering.values(&measured[first..measured.len().min(first + LANES)], sums);
                }
            },
        );
        progress.at((wave * WAVE + wave_blocks.len() / sample.columns()) as u64);
    }
    progress.finish(&format!("{} values of `k`", labelings.len()));
    let of_clustering = |(index, clustering): (usize, &Clustering)| {
        let value = |place: usize| values[place / LANES * labelings.len() + index][place % LANES];
        let n: f64 = weights.iter().sum();
        let mean = weights.iter().enumerate().map(|(place, weight)| weight * value(place)).sum::<f64>() / n;
        let square = |(place, weight): (usize, &f64)| weight * (value(place) - mean) * (value(place) - mean);
        let margin = || 1.96 * (weights.iter().enumerate().map(square).sum::<f64>() / (n - 1.0) / n).sqrt();
        (clustering.mass.iter().filter(|&&mass| mass > 0.0).count() > 1).then(|| Silhouette {
            mean,
            margin: sampled.then(margin),
            of_rows: match sampled {
                true => vec![],
                false => groups.member_of.iter().map(|&member| value(member)).collect(),
            },
        })
    };
    clusterings.iter().enumerate().map(of_clustering).collect()
}

/// One of the labelings, in terms of groups and members.
struct Clustering {
    label_of_group: Vec<u32>,
    label_of_member: Vec<u32>,
    /// Rows per cluster.
    mass: Vec<f64>,
}

fn clusterings(groups: &Groups, labelings: &[&[u32]]) -> Vec<Clustering> {
    let clustering = |(index, labels): (usize, &&[u32])| {
        let label_of_group: Vec<u32> = groups.labels.iter().skip(index).step_by(labelings.len()).copied().collect();
        let mut label_of_member = Vec::with_capacity(groups.points.len());
        for (&label, &end) in label_of_group.iter().zip(&groups.ends) {
            label_of_member.resize(end, label);
        }
        let mut mass = vec![0.0; n_labels(labels)];
        groups.weights.iter().zip(&label_of_member).for_each(|(weight, &label)| mass[label as usize] += weight);
        Clustering { label_of_group, label_of_member, mass }
    };
    labelings.iter().enumerate().map(clustering).collect()
}

impl Clustering {
    /// The silhouettes of a block of members from their distances to every group.
    fn values(&self, members: &[usize], sums_of_groups: &[Lane]) -> Lane {
        let mut sums = vec![[0.0; LANES]; self.mass.len()];
        for (&label, group) in self.label_of_group.iter().zip(sums_of_groups) {
            sums[label as usize].iter_mut().zip(group).for_each(|(sum, distance)| *sum += distance);
        }
        std::array::from_fn(|lane| {
            let Some(own) = members.get(lane).map(|&member| self.label_of_member[member]) else { return 0.0 };
            if self.mass[own as usize] <= 1.0 {
                return 0.0;
            }
            let own = own as usize;
            let others = (0..self.mass.len()).filter(|&cluster| cluster != own && self.mass[cluster] > 0.0);
            let a = sums[own][lane] / (self.mass[own] - 1.0);
            let b = others.map(|cluster| sums[cluster][lane] / self.mass[cluster]).fold(f64::INFINITY, f64::min);
            if b.is_finite() && a.max(b) > 0.0 { (b - a) / a.max(b) } else { 0.0 }
        })
    }
}
