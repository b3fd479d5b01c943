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
    Ok(solver.settle(runs.into_iter().reduce(Run::better).expect("there is at least one run")))
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
    /// The nearest of the centres for every row, as [`assign`] gives it.
    pub(super) fn nearest(&self, centers: &Array2<f64>) -> Vec<u32> {
        self.to_rows(&self.nearest_of_points(centers))
    }

    /// The same for every distinct point.
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
    /// The run with the smaller inertia; of equals the first.
    pub fn better(self, other: Self) -> Self {
        if other.inertia < self.inertia { other } else { self }
    }
}

/// What all runs over a sample share.
pub(super) struct Solver<'a> {
    sample: &'a Sample,
    options: &'a KMeansOptions,
    /// Sum of all points.
    sum: Vec<f64>,
}

impl<'a> Solver<'a> {
    pub fn new(sample: &'a Sample, options: &'a KMeansOptions) -> Self {
        let mean = sample.mean();
        Self { sample, options, sum: mean.iter().map(|mean| mean * sample.rows() as f64).collect() }
    }

    pub fn run(&self, k: usize, restart: u32) -> Run {
        let mut centers =
            seed_centers(self.sample, k, &mut Stream::new(self.options.seed, &[k as u64, restart.into()]));
        let iterations = self.lloyd(&mut centers);
        let (_, squares) = nearest_of(self.sample.blocks(), &centers);
        Run { inertia: inertia(self.sample, &squares), centers, iterations }
    }

    /// Takes a run on to a fixed point, where every centre is the exact mean of its cluster and every point is nearest
    /// to its own centre, and numbers the clusters.
    pub fn settle(&self, run: Run) -> Fit {
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

    /// Iterates until no point changes its cluster.
    fn lloyd(&self, centers: &mut [f64]) -> u32 {
        let (blocks, columns) = (self.sample.blocks(), self.sample.columns());
        // To begin with every point is in cluster 0 and every block due for a look.
        let mut partition = Partition {
            labels: vec![[0; LANES]; blocks.weights.len()],
            secure: vec![f64::NEG_INFINITY; blocks.weights.len()],
            changed: Vec::new(),
        };
        let mut sums = vec![0.0; centers.len()];
        sums[..columns].copy_from_slice(&self.sum);
        let mut mass = vec![0.0; centers.len() / columns];
        mass[0] = self.sample.rows() as f64;
        let mut drift = 0.0;
        for iteration in 1..=self.options.max_iter {
            reassign(blocks, centers, drift, &mut partition);
            follow(blocks, &partition, &mut sums, &mut mass);
            let empty = mass.contains(&0.0);
            if partition.changed.is_empty() && !empty && iteration > 1 {
                return iteration;
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
                refill_empty(self.sample, centers, &mass);
                partition.secure.fill(f64::NEG_INFINITY);
            }
        }
        self.options.max_iter
    }
}

/// Brings weighted sums (row-major, `k x columns`) and weights of the clusters up to date with the blocks that changed.
fn follow(blocks: &Blocks, partition: &Partition, sums: &mut [f64], mass: &mut [f64]) {
    let columns = blocks.columns;
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
        let block = &blocks.points[index * columns..(index + 1) * columns];
        let weights = &blocks.weights[index];
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
