//! k-means: greedy k-means++ seeding, Lloyd's algorithm with bounds, several restarts, the best one settled exactly.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::ClusterError;
use super::kernels::{LANES, Lane, Partition, lower, nearest, nearest_two, potentials, reassign, total};
use super::random::Stream;
use super::sample::{Blocks, Sample, checked, means};

#[derive(Debug, Clone, PartialEq)]
pub struct KMeansOptions {
    /// Runs from different starting centres; the one with the smallest inertia wins, the first among equals.
    pub restarts: u32,
    /// Largest number of iterations of a run.
    pub max_iter: u32,
    pub seed: u64,
}

impl Default for KMeansOptions {
    fn default() -> Self {
        Self { restarts: 20, max_iter: 300, seed: 0 }
    }
}

/// A clustering. Clusters are numbered by their centres: smallest first coordinate first, then the next coordinates.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// Means of the clusters, `k x columns`.
    pub centers: Array2<f64>,
    /// The cluster of every row, that of its nearest centre: what [`assign`] gives.
    pub labels: Vec<u32>,
    /// Sum over rows of the squared distance to the centre.
    pub inertia: f64,
    /// Iterations of the run that won, to the end.
    pub iterations: u32,
}

/// Where points belong.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    pub labels: Vec<u32>,
    /// Euclidean distance of every row to the centre of its cluster.
    pub distances: Vec<f64>,
    /// The same to the second nearest centre; infinite where there is no second.
    pub seconds: Vec<f64>,
}

/// Divides the sample into `k` clusters.
///
/// Errors: `k` is 0 or larger than the number of distinct points.
/// Source: S. Lloyd, Least squares quantization in PCM, 1982; D. Arthur and S. Vassilvitskii, k-means++: the advantages
/// of careful seeding, 2007 (the greedy variant with 2 + ln k trials for each centre).
pub fn fit(sample: &Sample, k: u32, options: &KMeansOptions) -> Result<Fit, ClusterError> {
    let k = checked_k(sample, k)?;
    let solver = Solver::new(sample, options);
    let runs: Vec<Run> = (0..options.restarts.max(1)).into_par_iter().map(|restart| solver.run(k, restart)).collect();
    Ok(solver.best(runs))
}

/// The nearest centre of each point of shape `rows x columns`; of equally near centres the first.
///
/// Errors: no row, a coordinate that is not finite or too large, or another number of columns than the centres have.
pub fn assign(points: ArrayView2<f64>, centers: ArrayView2<f64>) -> Result<Assignment, ClusterError> {
    let (rows, columns) = points.dim();
    if columns != centers.ncols() {
        return Err(ClusterError::OtherColumns { expected: centers.ncols(), found: columns });
    }
    if centers.nrows() == 0 {
        return Err(ClusterError::NoClusters);
    }
    let (points, centers) = (checked(points)?, checked(centers)?);
    let blocks = Blocks::new(&points, columns, &vec![1.0; rows]);
    let mut labels = vec![[0; LANES]; blocks.weights.len()];
    let (mut squares, mut seconds) = (vec![[0.0; LANES]; labels.len()], vec![[0.0; LANES]; labels.len()]);
    nearest_two(&blocks, &centers, &mut labels, &mut squares, &mut seconds);
    let mut labels = labels.into_flattened();
    labels.truncate(rows);
    let distances = |squares: Vec<Lane>| squares.into_flattened().into_iter().take(rows).map(f64::sqrt).collect();
    Ok(Assignment { labels, distances: distances(squares), seconds: distances(seconds) })
}

impl Sample {
    /// The nearest of the centres for every distinct point, as [`assign`] gives it.
    pub(super) fn nearest_of_points(&self, centers: &Array2<f64>) -> Vec<u32> {
        let centers: Vec<f64> = centers.iter().copied().collect();
        let mut labels = nearest_of(self.blocks(), &centers).0.into_flattened();
        labels.truncate(self.distinct());
        labels
    }
}

pub(super) fn checked_k(sample: &Sample, k: u32) -> Result<usize, ClusterError> {
    match k as usize {
        0 => Err(ClusterError::NoClusters),
        clusters if clusters > sample.distinct() => {
            Err(ClusterError::TooFewDistinct { k, distinct: sample.distinct() })
        }
        clusters => Ok(clusters),
    }
}

/// Where one run of Lloyd's algorithm ended.
pub(super) struct Run {
    /// Row-major, `k x columns`.
    centers: Vec<f64>,
    inertia: f64,
    iterations: u32,
}

impl Run {
    fn k(&self, sample: &Sample) -> usize {
        self.centers.len() / sample.columns()
    }

    /// The run with the smaller inertia; of equals the first.
    fn better(self, other: Self) -> Self {
        if other.inertia < self.inertia { other } else { self }
    }
}

/// More distinct points than this are clustered on some of their rows first.
const MANY: usize = 65_536;
/// So many rows, and for each cluster at least so many distinct points among them.
const SOME: usize = 32_768;
const SOME_PER_CLUSTER: usize = 256;
/// Of the runs on some rows, those whose inertia is at most this part above the least go on over all, so many of them.
const PROMISING: f64 = 0.005;
const MOST_PROMISING: usize = 4;
/// Runs whose inertias differ by less than this part have ended at the same place.
const SAME: f64 = 1e-9;

/// What all runs over a sample share.
pub(super) struct Solver<'a> {
    sample: &'a Sample,
    /// Some of the rows, where there are many points.
    some: Option<Sample>,
    options: &'a KMeansOptions,
}

/// Runs over many points begin on some of their rows, evenly spread in the order of place, and go on from where they
/// ended there (P. Bradley and U. Fayyad, Refining initial points for k-means clustering, 1998): most of the way to the
/// centres is as good there, and runs that end at the same place or at a bad one need not be taken further.
impl<'a> Solver<'a> {
    pub fn new(sample: &'a Sample, options: &'a KMeansOptions) -> Self {
        let some = (sample.distinct() > MANY).then(|| {
            let row = |place: usize| sample.order()[(place as u128 * sample.rows() as u128 / SOME as u128) as usize];
            sample.subset(&(0..SOME).map(row).collect::<Vec<_>>()).expect("rows that were checked")
        });
        Self { sample, some, options }
    }

    /// Some of the rows, where they are enough to begin with.
    fn some(&self, k: usize) -> Option<&Sample> {
        self.some.as_ref().filter(|some| k * SOME_PER_CLUSTER <= some.distinct())
    }

    pub fn run(&self, k: usize, restart: u32) -> Run {
        let sample = self.some(k).unwrap_or(self.sample);
        let mut random = Stream::new(self.options.seed, &[k as u64, restart.into()]);
        self.lloyd(sample, seed_centers(sample, k, &mut random))
    }

    /// The best of the runs, settled.
    pub fn best(&self, mut runs: Vec<Run>) -> Fit {
        if self.some(runs[0].k(self.sample)).is_some() {
            runs.sort_by(|a, b| a.inertia.total_cmp(&b.inertia));
            let least = runs[0].inertia;
            runs.dedup_by(|run, before| run.inertia - before.inertia <= SAME * least);
            runs.retain(|run| run.inertia <= (1.0 + PROMISING) * least);
            runs.truncate(MOST_PROMISING);
            let go_on = |run: Run| {
                let further = self.lloyd(self.sample, run.centers);
                Run { iterations: run.iterations + further.iterations, ..further }
            };
            runs = runs.into_par_iter().map(go_on).collect();
        }
        self.settle(runs.into_iter().reduce(Run::better).expect("there is at least one run"))
    }

    /// Takes a run on to a fixed point, where every centre is the exact mean of its cluster and every point is nearest
    /// to its own centre, and numbers the clusters.
    fn settle(&self, run: Run) -> Fit {
        let Run { centers, mut iterations, .. } = run;
        let (sample, columns) = (self.sample, self.sample.columns());
        let k = centers.len() / columns;
        let mut centers = sorted(&centers, columns);
        let (mut labels, mut squares) = nearest_of(sample.blocks(), &centers);
        for _ in 0..self.options.max_iter {
            let members = labels.as_flattened().iter().zip(sample.points());
            let (mut means, mass) = means(k, columns, members.map(|(&label, (point, weight))| (label, point, weight)));
            refill_empty(sample, &mut means, &mass);
            let means = sorted(&means, columns);
            if means == centers {
                break;
            }
            centers = means;
            (labels, squares) = nearest_of(sample.blocks(), &centers);
            iterations += 1;
        }
        Fit {
            centers: Array2::from_shape_vec((k, columns), centers)
                .expect("there are k centres of `columns` coordinates"),
            inertia: inertia(sample, &squares),
            labels: sample.to_rows(labels.as_flattened()),
            iterations,
        }
    }

    /// Iterates until no point of the sample changes its cluster.
    fn lloyd(&self, sample: &Sample, mut centers: Vec<f64>) -> Run {
        let (blocks, columns) = (sample.blocks(), sample.columns());
        let mut parts = Part::all(blocks, centers.len());
        let mut sums = vec![0.0; centers.len()];
        let mut mass = vec![0.0; centers.len() / columns];
        mass[0] = sample.rows() as f64;
        sums.iter_mut().zip(sample.mean()).for_each(|(sum, mean)| *sum = mean * mass[0]);
        let mut drift = 0.0;
        let mut iterations = 0;
        while iterations < self.options.max_iter {
            iterations += 1;
            parts.par_iter_mut().for_each(|part| part.reassign(columns, &centers, drift));
            let changed: Vec<&Part> = parts.iter().filter(|part| !part.partition.changed.is_empty()).collect();
            for part in &changed {
                sums.iter_mut().zip(&part.sums).for_each(|(sum, change)| *sum += change);
                mass.iter_mut().zip(&part.mass).for_each(|(mass, change)| *mass += change);
            }
            let empty = mass.contains(&0.0);
            if changed.is_empty() && !empty && iterations > 1 {
                break;
            }
            // The largest and the second largest move.
            let (mut first, mut second) = (0.0f64, 0.0f64);
            let clusters = centers.chunks_exact_mut(columns).zip(sums.chunks_exact(columns)).zip(&mass);
            for ((center, sums), mass) in clusters.filter(|&(_, &mass)| mass > 0.0) {
                let mut square = 0.0;
                for (x, sum) in center.iter_mut().zip(sums) {
                    let mean = sum / mass;
                    square += (mean - *x) * (mean - *x);
                    *x = mean;
                }
                second = second.max(first.min(square.sqrt()));
                first = first.max(square.sqrt());
            }
            drift += first + second;
            if empty {
                refill_empty(sample, &mut centers, &mass);
                parts.iter_mut().for_each(|part| part.partition.secure.fill(f64::NEG_INFINITY));
            }
        }
        let (_, squares) = nearest_of(blocks, &centers);
        Run { inertia: inertia(sample, &squares), centers, iterations }
    }
}

/// Blocks of a part. Parts are looked at side by side, and what they change is added up in their order.
const PART: usize = 4096;

/// A run of blocks during Lloyd's algorithm.
struct Part<'a> {
    points: &'a [Lane],
    weights: &'a [Lane],
    partition: Partition,
    /// By how much the last look changed the weighted sums of the clusters (row-major) and their weights.
    sums: Vec<f64>,
    mass: Vec<f64>,
}

impl<'a> Part<'a> {
    /// To begin with every point is in cluster 0 and every block due for a look.
    fn all(blocks: &'a Blocks, coordinates: usize) -> Vec<Self> {
        let columns = blocks.columns;
        let part = |(points, weights): (&'a [Lane], &'a [Lane])| Self {
            points,
            weights,
            partition: Partition {
                labels: vec![[0; LANES]; weights.len()],
                secure: vec![f64::NEG_INFINITY; weights.len()],
                changed: Vec::new(),
            },
            sums: vec![0.0; coordinates],
            mass: vec![0.0; coordinates / columns],
        };
        blocks.points.chunks(PART * columns).zip(blocks.weights.chunks(PART)).map(part).collect()
    }

    fn reassign(&mut self, columns: usize, centers: &[f64], drift: f64) {
        reassign(columns, self.points, centers, drift, &mut self.partition);
        self.sums.fill(0.0);
        self.mass.fill(0.0);
        let Self { points, weights, partition, sums, mass } = self;
        let mut shift = |from: u32, to: u32, weight: f64, sum: &dyn Fn(usize) -> f64| {
            let (from, to) = (from as usize, to as usize);
            mass[from] -= weight;
            mass[to] += weight;
            for column in 0..columns {
                let sum = sum(column);
                sums[from * columns + column] -= sum;
                sums[to * columns + column] += sum;
            }
        };
        for &(index, old) in &partition.changed {
            let new = partition.labels[index];
            let block = &points[index * columns..(index + 1) * columns];
            let weights = &weights[index];
            if old == [old[0]; LANES] && new == [new[0]; LANES] {
                // Neighbours mostly move together.
                let weighted = |column: usize| std::array::from_fn(|lane| weights[lane] * block[column][lane]);
                shift(old[0], new[0], total(weights), &|column| total(&weighted(column)));
            } else {
                for lane in (0..LANES).filter(|&lane| old[lane] != new[lane]) {
                    shift(old[lane], new[lane], weights[lane], &|column| weights[lane] * block[column][lane]);
                }
            }
        }
    }
}

/// Moves the centre of each cluster without points to the point that is farthest from all other centres.
pub(super) fn refill_empty(sample: &Sample, centers: &mut [f64], mass: &[f64]) {
    let columns = sample.columns();
    let filled = centers.chunks_exact(columns).zip(mass).filter(|&(_, &mass)| mass > 0.0);
    let mut others: Vec<f64> = filled.flat_map(|(center, _)| center.iter().copied()).collect();
    for cluster in (0..mass.len()).filter(|&cluster| mass[cluster] == 0.0) {
        let (_, squares) = nearest_of(sample.blocks(), &others);
        let squares = &squares.as_flattened()[..sample.distinct()];
        let farther = |best, point| if squares[point] > squares[best] { point } else { best };
        let farthest = sample.point((1..squares.len()).fold(0, farther));
        centers[cluster * columns..][..columns].copy_from_slice(farthest);
        others.extend_from_slice(farthest);
    }
}

/// Greedy k-means++: of several points drawn by their squared distance to the centres so far, the one that lowers the
/// sum of these distances most is the next centre.
fn seed_centers(sample: &Sample, k: usize, random: &mut Stream) -> Vec<f64> {
    let blocks = sample.blocks();
    let trials = 2 + (k as f64).ln() as usize;
    // Before the first centre all points are equally far from it.
    let mut squares = vec![[1.0; LANES]; blocks.weights.len()];
    let mut sums: Vec<f64> = blocks.weights.iter().map(total).collect();
    let first = draw(blocks, &squares, &sums, random);
    let mut centers = sample.point(first).to_vec();
    squares.fill([f64::INFINITY; LANES]);
    lower(blocks, sample.point(first), &mut squares, &mut sums);
    let mut potential = vec![[0.0; LANES]; trials];
    for _ in 1..k {
        let drawn: Vec<usize> = (0..trials).map(|_| draw(blocks, &squares, &sums, random)).collect();
        let points: Vec<f64> = drawn.iter().flat_map(|&point| sample.point(point).iter().copied()).collect();
        potentials(blocks, &squares, &points, &mut potential);
        let better = |best, trial| if total(&potential[trial]) < total(&potential[best]) { trial } else { best };
        let best = (1..trials).fold(0, better);
        lower(blocks, sample.point(drawn[best]), &mut squares, &mut sums);
        centers.extend_from_slice(sample.point(drawn[best]));
    }
    centers
}

/// A point, drawn with a probability in proportion to its weight times its square; `sums` are these by block.
fn draw(blocks: &Blocks, squares: &[Lane], sums: &[f64], random: &mut Stream) -> usize {
    let mut left = random.uniform() * sums.iter().sum::<f64>();
    let block = pick(sums.iter().copied(), &mut left);
    block * LANES + pick((0..LANES).map(|lane| blocks.weights[block][lane] * squares[block][lane]), &mut left)
}

/// The first index at which the chances so far exceed `left`, which is lowered by those before; never one without chance
/// unless all are.
fn pick(chances: impl Iterator<Item = f64>, left: &mut f64) -> usize {
    let mut picked = 0;
    for (index, chance) in chances.enumerate().filter(|&(_, chance)| chance > 0.0) {
        picked = index;
        if *left < chance {
            break;
        }
        *left -= chance;
    }
    picked
}

fn nearest_of(blocks: &Blocks, centers: &[f64]) -> (Vec<[u32; LANES]>, Vec<Lane>) {
    let mut labels = vec![[0; LANES]; blocks.weights.len()];
    let mut squares = vec![[0.0; LANES]; blocks.weights.len()];
    nearest(blocks, centers, &mut labels, &mut squares);
    (labels, squares)
}

fn inertia(sample: &Sample, squares: &[Lane]) -> f64 {
    let weights = sample.blocks().weights.as_flattened();
    squares.as_flattened().iter().zip(weights).map(|(square, weight)| square * weight).sum()
}

/// Centres by their coordinates.
pub(super) fn sorted(centers: &[f64], columns: usize) -> Vec<f64> {
    let mut rows: Vec<&[f64]> = centers.chunks_exact(columns).collect();
    rows.sort_by(|a, b| a.partial_cmp(b).expect("centres are numbers"));
    rows.concat()
}
