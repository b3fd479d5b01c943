//! The silhouette of every point, exact, for several clusterings of the same points at once.

use std::mem::take;

use num_traits::AsPrimitive;
use rayon::prelude::*;

use super::groups::{Groups, n_labels};
use super::kernels::{LANES, Real, Run, distances, pairs, total};
use super::random::Stream;
use super::sample::{Blocks, Sample};
use crate::progress::{Progress, Silent};

/// Up to so many distinct points every pair is measured: some ten seconds for all k of a search.
pub const EXACT: usize = 200_000;
/// Beyond, so many rows are drawn and measured against all others.
pub const DRAWN: usize = 10_000;

/// Up to so many distinct points distances are measured in 64 bits, beyond in 32, which is twice as fast; sums have 64.
const DOUBLE: usize = 10_000;
/// Members of a strip: what is added up for them stays in the nearest cache.
const STRIP: usize = 256;
/// Bands of strips, of which half as many pairs can be measured side by side.
const BANDS: usize = 64;
/// Sums that are held at a time: a quarter of a gigabyte.
const MOST_SUMS: usize = 1 << 25;
/// Blocks of drawn points between two reports of progress.
const WAVE: usize = 256;

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
/// Every pair of distinct points is measured once for both of them and for all clusterings: distances are summed over the
/// points that have the same labels in every clustering, and these sums are then added up per clustering.
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
    let of_batch = |batch: &[&[u32]]| {
        if sample.distinct() > exact {
            drawn_silhouettes(sample, batch, drawn, progress)
        } else {
            all_silhouettes(sample, batch, progress)
        }
    };
    batches(sample.distinct().min(exact), labelings).into_iter().flat_map(of_batch).collect()
}

/// The clusterings in runs whose sums, one per member and cluster, don't take much memory at a time.
fn batches<'a, 'b>(points: usize, labelings: &'a [&'b [u32]]) -> Vec<&'a [&'b [u32]]> {
    let mut batches = Vec::new();
    let mut rest = labelings;
    while !rest.is_empty() {
        let mut clusters = 0;
        let fits = |labels: &&&[u32]| {
            clusters += n_labels(labels);
            clusters * points <= MOST_SUMS
        };
        let (batch, others) = rest.split_at(rest.iter().take_while(fits).count().max(1));
        batches.push(batch);
        rest = others;
    }
    batches
}

fn all_silhouettes(sample: &Sample, labelings: &[&[u32]], progress: &dyn Progress) -> Vec<Option<Silhouette>> {
    let groups = Groups::new(sample, labelings);
    let clusters = Clusters::new(&groups, labelings);
    let sums = if sample.distinct() > DOUBLE {
        sums_of_all::<f32>(sample, &groups, &clusters, progress)
    } else {
        sums_of_all::<f64>(sample, &groups, &clusters, progress)
    };
    let of_clustering = |clustering: usize| {
        let value = |member: usize| clusters.silhouette(clustering, member, &sums[member * clusters.width..]);
        let values: Vec<f64> = (0..groups.points.len()).map(value).collect();
        clusters.several(clustering).then(|| Silhouette {
            mean: weighted_mean(&values, &groups.weights),
            margin: None,
            of_rows: groups.member_of.iter().map(|&member| values[member]).collect(),
        })
    };
    (0..labelings.len()).into_par_iter().map(of_clustering).collect()
}

fn drawn_silhouettes(
    sample: &Sample,
    labelings: &[&[u32]],
    drawn: usize,
    progress: &dyn Progress,
) -> Vec<Option<Silhouette>> {
    let groups = Groups::new(sample, labelings);
    let clusters = Clusters::new(&groups, labelings);
    let mut stream = Stream::new(0, &[drawn as u64]);
    let mut times = std::collections::BTreeMap::new();
    for _ in 0..drawn {
        let row = sample.order()[stream.below(sample.rows())];
        *times.entry(groups.member_of[row]).or_insert(0.0) += 1.0;
    }
    // The members that are measured, and how many rows each of them stands for.
    let (measured, weights): (Vec<usize>, Vec<f64>) = times.into_iter().unzip();
    let sums = sums_of_some(sample, &groups, &clusters, &measured, progress);
    let of_clustering = |clustering: usize| {
        let value = |(&member, sums): (&usize, &[f64])| clusters.silhouette(clustering, member, sums);
        let values: Vec<f64> = measured.iter().zip(sums.chunks_exact(clusters.width)).map(value).collect();
        let (mean, n) = (weighted_mean(&values, &weights), drawn as f64);
        let square = |(value, weight): (&f64, &f64)| weight * (value - mean) * (value - mean);
        let squares: f64 = values.iter().zip(&weights).map(square).sum();
        clusters.several(clustering).then(|| Silhouette {
            mean,
            margin: Some(1.96 * (squares / (n - 1.0) / n).sqrt()),
            of_rows: vec![],
        })
    };
    (0..labelings.len()).map(of_clustering).collect()
}

fn weighted_mean(values: &[f64], weights: &[f64]) -> f64 {
    let sum: f64 = values.iter().zip(weights).map(|(value, weight)| value * weight).sum();
    sum / weights.iter().sum::<f64>()
}

/// The clusters of several clusterings side by side: a row of sums has a place for each.
struct Clusters {
    /// Clusters of all clusterings.
    width: usize,
    /// Where the clusters of each clustering begin.
    first: Vec<usize>,
    /// Rows per cluster, `width` in all.
    mass: Vec<f64>,
    /// The places of each group, one per clustering.
    of_groups: Vec<Vec<usize>>,
    group_of_member: Vec<usize>,
}

impl Clusters {
    fn new(groups: &Groups, labelings: &[&[u32]]) -> Self {
        let mut width = 0;
        let mut next = |labels: &&[u32]| {
            width += n_labels(labels);
            width - n_labels(labels)
        };
        let first: Vec<usize> = labelings.iter().map(&mut next).collect();
        let places = |labels: &[u32]| labels.iter().zip(&first).map(|(&label, first)| first + label as usize).collect();
        let of_groups: Vec<Vec<usize>> = groups.labels.chunks_exact(labelings.len()).map(places).collect();
        let mut mass = vec![0.0; width];
        let mut group_of_member = Vec::with_capacity(groups.points.len());
        for (group, (places, &end)) in of_groups.iter().zip(&groups.ends).enumerate() {
            let rows: f64 = groups.weights[group_of_member.len()..end].iter().sum();
            places.iter().for_each(|&place| mass[place] += rows);
            group_of_member.resize(end, group);
        }
        Self { width, first, mass, of_groups, group_of_member }
    }

    /// The places of a clustering.
    fn of(&self, clustering: usize) -> std::ops::Range<usize> {
        self.first[clustering]..self.first.get(clustering + 1).copied().unwrap_or(self.width)
    }

    /// Whether a clustering has more than one cluster.
    fn several(&self, clustering: usize) -> bool {
        self.mass[self.of(clustering)].iter().filter(|&&mass| mass > 0.0).count() > 1
    }

    /// Of a member from the sums of its distances to the rows of every cluster.
    fn silhouette(&self, clustering: usize, member: usize, sums: &[f64]) -> f64 {
        let own = self.of_groups[self.group_of_member[member]][clustering];
        if self.mass[own] <= 1.0 {
            return 0.0;
        }
        let others = self.of(clustering).filter(|&cluster| cluster != own && self.mass[cluster] > 0.0);
        let a = sums[own] / (self.mass[own] - 1.0);
        let b = others.map(|cluster| sums[cluster] / self.mass[cluster]).fold(f64::INFINITY, f64::min);
        if b.is_finite() && a.max(b) > 0.0 { (b - a) / a.max(b) } else { 0.0 }
    }
}

/// Consecutive members of one group: `columns x weights.len()` coordinates, row-major.
struct Strip {
    group: usize,
    points: Vec<f64>,
    weights: Vec<f64>,
}

/// Strips whose sums one thread changes at a time.
#[derive(Default)]
struct Band {
    strips: Vec<Strip>,
    /// A row for each member.
    sums: Vec<f64>,
}

/// Sums of the distances from every member to the rows of every cluster, `members x width`.
///
/// A pair of strips is measured once, for the sums on both sides. So that no two threads change the same sums, bands of
/// strips meet as in a tournament: in a round every band meets one other, and after all rounds each has met each. Which
/// bands there are, and so the order of additions, does not depend on the number of threads.
fn sums_of_all<T: Real + Default>(
    sample: &Sample,
    groups: &Groups,
    clusters: &Clusters,
    progress: &dyn Progress,
) -> Vec<f64>
where
    f64: AsPrimitive<T>,
{
    let mut bands = bands(sample, groups, clusters);
    let count = bands.len();
    progress.start("silhouette", Some(count as u64));
    bands.par_iter_mut().for_each_init(Meeting::<T>::default, |meeting, band| band.meet_itself(clusters, meeting));
    progress.at(1);
    for round in 0..count - 1 {
        let tables: Vec<_> = (0..count / 2).map(|table| seats(count, round, table)).collect();
        let mut meetings: Vec<_> = tables.iter().map(|&(a, b)| (take(&mut bands[a]), take(&mut bands[b]))).collect();
        meetings.par_iter_mut().for_each_init(Meeting::<T>::default, |meeting, (a, b)| a.meet(b, clusters, meeting));
        for ((a, b), met) in tables.into_iter().zip(meetings) {
            (bands[a], bands[b]) = met;
        }
        progress.at(round as u64 + 2);
    }
    progress.finish(&format!("{} values of `k`", clusters.first.len()));
    bands.into_iter().flat_map(|band| band.sums).collect()
}

/// Who meets at a table in a round of a tournament of an even number (the circle method).
fn seats(count: usize, round: usize, table: usize) -> (usize, usize) {
    let others = count - 1;
    match table {
        0 => (others, round),
        table => ((round + table) % others, (round + others - table) % others),
    }
}

/// All members in bands of about the same size; an even number of bands, some of which can be empty.
fn bands(sample: &Sample, groups: &Groups, clusters: &Clusters) -> Vec<Band> {
    let members = groups.points.len();
    let count = members.div_ceil(STRIP).clamp(1, BANDS).next_multiple_of(2);
    let mut bands: Vec<Band> = (0..count).map(|_| Band::default()).collect();
    let unit = unit(sample);
    let mut start = 0;
    while start < members {
        let group = clusters.group_of_member[start];
        let band = start * count / members;
        // The first member of the next band.
        let next = ((band + 1) * members).div_ceil(count);
        let end = groups.ends[group].min(next).min(start + STRIP);
        let points =
            groups.points[start..end].iter().flat_map(|&point| sample.point(point)).map(|x| x * unit).collect();
        let weights = groups.weights[start..end].to_vec();
        let band = &mut bands[band];
        band.strips.push(Strip { group, points, weights });
        band.sums.resize(band.sums.len() + (end - start) * clusters.width, 0.0);
        start = end;
    }
    bands
}

/// The power of two that brings differences of coordinates to about 1, where squares have room in few bits too; no
/// silhouette depends on the unit.
fn unit(sample: &Sample) -> f64 {
    let range = |column: usize| {
        let values = sample.values().iter().skip(column).step_by(sample.columns());
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &x| (low.min(x), high.max(x)));
        high - low
    };
    let widest = (0..sample.columns()).map(range).fold(0.0, f64::max);
    if widest > 0.0 { (-widest.log2().ceil()).clamp(-1000.0, 1000.0).exp2() } else { 1.0 }
}

/// Two strips as [`pairs`] takes them, and what it writes to.
#[derive(Default)]
struct Meeting<T> {
    a: Run<[T; LANES]>,
    b: Run<T>,
    from_a: Vec<[T; LANES]>,
    from_b: Vec<[T; LANES]>,
}

impl<T: Real> Meeting<T>
where
    f64: AsPrimitive<T>,
{
    /// Coordinates count from the first point of `a`, so that few bits are enough for points that are close.
    fn measure(&mut self, a: &Strip, b: &Strip) {
        let columns = a.points.len() / a.weights.len();
        let origin = &a.points[..columns];
        (self.a.columns, self.b.columns) = (columns, columns);
        let blocks = a.weights.len().div_ceil(LANES);
        self.a.points.clear();
        self.a.points.resize(blocks * columns, [T::zero(); LANES]);
        self.a.weights.clear();
        self.a.weights.resize(blocks, [T::zero(); LANES]);
        for (place, (point, weight)) in a.points.chunks_exact(columns).zip(&a.weights).enumerate() {
            let (block, lane) = (place / LANES, place % LANES);
            self.a.weights[block][lane] = weight.as_();
            for (column, (x, o)) in point.iter().zip(origin).enumerate() {
                self.a.points[block * columns + column][lane] = (x - o).as_();
            }
        }
        self.b.points.clear();
        for point in b.points.chunks_exact(columns) {
            self.b.points.extend(point.iter().zip(origin).map(|(x, o)| (x - o).as_()));
        }
        self.b.weights.clear();
        self.b.weights.extend(b.weights.iter().map(|weight| weight.as_()));
        self.from_a.resize(blocks, [T::zero(); LANES]);
        self.from_b.resize(b.weights.len(), [T::zero(); LANES]);
        pairs(&self.a, &self.b, &mut self.from_a, &mut self.from_b);
    }

    fn sums_of_a(&self) -> impl Iterator<Item = f64> {
        self.from_a.as_flattened().iter().map(|sum| sum.as_())
    }

    fn sums_of_b(&self) -> impl Iterator<Item = f64> {
        self.from_b.iter().map(|lane| total(&lane.map(|sum| sum.as_())))
    }
}

impl Band {
    fn meet<T: Real>(&mut self, other: &mut Self, clusters: &Clusters, meeting: &mut Meeting<T>)
    where
        f64: AsPrimitive<T>,
    {
        let mut own = 0;
        for a in &self.strips {
            let sums_of_a = &mut self.sums[own..own + a.weights.len() * clusters.width];
            own += sums_of_a.len();
            let mut sums_of_others = &mut other.sums[..];
            for b in &other.strips {
                let (sums_of_b, rest) = sums_of_others.split_at_mut(b.weights.len() * clusters.width);
                sums_of_others = rest;
                meeting.measure(a, b);
                clusters.add(sums_of_a, b.group, meeting.sums_of_a());
                clusters.add(sums_of_b, a.group, meeting.sums_of_b());
            }
        }
    }

    fn meet_itself<T: Real>(&mut self, clusters: &Clusters, meeting: &mut Meeting<T>)
    where
        f64: AsPrimitive<T>,
    {
        let mut rest = &mut self.sums[..];
        for (index, a) in self.strips.iter().enumerate() {
            let (sums_of_a, sums_of_others) = rest.split_at_mut(a.weights.len() * clusters.width);
            // Here both sides are the same, so that the sums of the rows are all.
            meeting.measure(a, a);
            clusters.add(sums_of_a, a.group, meeting.sums_of_a());
            let mut others = &mut *sums_of_others;
            for b in &self.strips[index + 1..] {
                let (sums_of_b, rest) = others.split_at_mut(b.weights.len() * clusters.width);
                others = rest;
                meeting.measure(a, b);
                clusters.add(sums_of_a, b.group, meeting.sums_of_a());
                clusters.add(sums_of_b, a.group, meeting.sums_of_b());
            }
            rest = sums_of_others;
        }
    }
}

impl Clusters {
    /// Adds what members are away from a group to their sums.
    fn add(&self, sums: &mut [f64], group: usize, distances: impl Iterator<Item = f64>) {
        for (sums, distance) in sums.chunks_exact_mut(self.width).zip(distances) {
            self.of_groups[group].iter().for_each(|&place| sums[place] += distance);
        }
    }
}

/// The same for some of the members, `measured x width`.
fn sums_of_some(
    sample: &Sample,
    groups: &Groups,
    clusters: &Clusters,
    measured: &[usize],
    progress: &dyn Progress,
) -> Vec<f64> {
    let coordinates = |&member: &usize| sample.point(groups.points[member]);
    let queries: Vec<f64> = measured.iter().flat_map(coordinates).copied().collect();
    let points: Vec<f64> = groups.points.iter().flat_map(|&point| sample.point(point)).copied().collect();
    let blocks = Blocks::new(&queries, sample.columns(), &vec![1.0; measured.len()]);
    let mut sums = vec![0.0; measured.len() * clusters.width];
    let waves = sums.chunks_mut(WAVE * LANES * clusters.width).zip(blocks.points.chunks(WAVE * sample.columns()));
    progress.start("silhouette", Some(blocks.weights.len() as u64));
    for (wave, (sums, blocks_of_wave)) in waves.enumerate() {
        let blocks = blocks_of_wave.par_chunks_exact(sample.columns());
        sums.par_chunks_mut(LANES * clusters.width).zip(blocks).for_each_init(
            || vec![[0.0; LANES]; groups.ends.len()],
            |of_groups, (sums, block)| {
                distances(block, &points, &groups.weights, &groups.ends, of_groups);
                for (group, lane) in of_groups.iter().enumerate() {
                    clusters.add(sums, group, lane.iter().copied());
                }
            },
        );
        progress.at((wave * WAVE + blocks_of_wave.len() / sample.columns()) as u64);
    }
    progress.finish(&format!("{} values of `k`", clusters.first.len()));
    sums
}
