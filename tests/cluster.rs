//! The clustering kernels against scikit-learn, smartcore and what must hold for any points.
//!
//! Numbers named "scikit-learn" were computed with scikit-learn 1.9.1 and numpy 2.4.6: `KMeans(k, n_init=50, tol=0)`,
//! `silhouette_samples`, `davies_bouldin_score`, `calinski_harabasz_score`, `PCA`, and the scalers with their defaults.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Mutex;

use ndarray::{Array2, ArrayView2, Axis, array};
use proptest::prelude::*;
use segc::cluster::{
    Assignment, Candidate, ClusterError, Fit, KMeansOptions, Sample, Scaler, Scaling, assign, calinski_harabasz,
    davies_bouldin, fit, project, search, silhouette, silhouettes, silhouettes_within,
};
use segc::progress::{Progress, Silent};

#[track_caller]
pub(crate) fn assert_near(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "found {found}, expected {expected} within {tolerance}");
}

pub(crate) fn sample(points: &Array2<f64>) -> Sample {
    Sample::new(points.view()).unwrap()
}

fn searched(points: &Array2<f64>, k: std::ops::RangeInclusive<u32>) -> Vec<Candidate> {
    search(&sample(points), k, &KMeansOptions::default(), &Silent).unwrap()
}

/// Fisher's iris, 150 flowers by 4 measures, and the species as labels.
pub(crate) fn iris() -> (Array2<f64>, Vec<u32>) {
    let mut values = Vec::new();
    let mut species = Vec::new();
    for line in include_str!("data/iris.csv").lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        values.extend(cells[..4].iter().map(|cell| cell.parse::<f64>().unwrap()));
        species.push(["setosa", "versicolor", "virginica"].iter().position(|name| *name == cells[4]).unwrap() as u32);
    }
    (Array2::from_shape_vec((150, 4), values).unwrap(), species)
}

/// 1,200 points in five groups of 500, 300, 200, 100 and 100; every coordinate is exact in binary.
pub(crate) fn made() -> (Array2<f64>, Vec<u32>) {
    let group = |i: usize| [0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 4][i % 12];
    let center = [[0.0, 0.0, 1.0], [10.0, 2.0, 0.0], [10.0, 12.0, 5.0], [-8.0, 7.0, -5.0], [3.0, -9.0, 6.0]];
    let point = |i: usize, column: usize| {
        let (factor, modulus, middle, divisor) =
            [(37, 101, 50.0, 32.0), (53, 97, 48.0, 32.0), (71, 89, 44.0, 64.0)][column];
        center[group(i)][column] + ((i * factor % modulus) as f64 - middle) / divisor
    };
    (Array2::from_shape_fn((1200, 3), |(i, column)| point(i, column)), (0..1200).map(|i| group(i) as u32).collect())
}

/// Different points in the same groups, spread like triangles 4 wide; every coordinate is exact in binary.
fn many(rows: usize) -> (Array2<f64>, Vec<u32>) {
    let (_, labels) = made();
    let labels: Vec<u32> = (0..rows).map(|i| labels[i % 12]).collect();
    let center = [[0.0, 0.0, 1.0], [10.0, 2.0, 0.0], [10.0, 12.0, 5.0], [-8.0, 7.0, -5.0], [3.0, -9.0, 6.0]];
    let point = |i: usize, column: usize| {
        let (factor, modulus) = [(48_271, 65_537), (69_621, 65_539), (16_807, 65_543)][column];
        let (one, other) = (i * factor % modulus, i * i % modulus * factor % modulus);
        center[labels[i] as usize][column] + ((one + other) as f64 - modulus as f64) / 16_384.0
    };
    (Array2::from_shape_fn((rows, 3), |(i, column)| point(i, column)), labels)
}

/// Recency, frequency and monetary value of 4,338 customers, when the data folder is there.
pub(crate) fn online_retail() -> Option<Array2<f64>> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data").to_string();
    let folder = std::env::var("SEGC_DATA").unwrap_or(beside);
    let file = std::fs::File::open(std::path::Path::new(&folder).join("online_retail.csv.gz")).ok()?;
    let mut seen = HashSet::new();
    let mut customers: BTreeMap<String, (String, BTreeSet<String>, f64)> = BTreeMap::new();
    for row in csv::Reader::from_reader(flate2::read::GzDecoder::new(file)).into_records() {
        let row = row.unwrap();
        let (quantity, price): (f64, f64) = (row[3].parse().unwrap(), row[5].parse().unwrap());
        if row[6].is_empty()
            || row[0].starts_with('C')
            || quantity <= 0.0
            || price <= 0.0
            || !seen.insert(row.iter().collect::<Vec<_>>().join("\0"))
        {
            continue;
        }
        let (last, invoices, amount) = customers.entry(row[6].into()).or_default();
        *last = last.as_str().max(&row[4]).into();
        invoices.insert(row[0].into());
        *amount += quantity * price;
    }
    assert_eq!(seen.len(), 392_692);
    let time = |text: &str| chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap();
    let as_of = time(customers.values().map(|(last, ..)| last.as_str()).max()?) + chrono::TimeDelta::days(1);
    let rfm = |(last, invoices, amount): &(String, BTreeSet<String>, f64)| {
        [(as_of - time(last)).num_days() as f64, invoices.len() as f64, *amount]
    };
    let values: Vec<f64> = customers.values().flat_map(rfm).collect();
    Some(Array2::from_shape_vec((customers.len(), 3), values).unwrap())
}

pub(crate) fn standardised(mut points: Array2<f64>) -> Array2<f64> {
    Scaler::fit(points.view(), Scaling::ZScore).unwrap().transform(&mut points).unwrap();
    points
}

#[test]
fn iris_gives_the_known_clusterings() {
    let (points, species) = iris();
    let found = searched(&points, 1..=6);
    // scikit-learn: k, inertia, silhouette, Davies-Bouldin, Calinski-Harabasz, sizes in the order of the centres.
    type Gold<'a> = (f64, f64, f64, f64, &'a [u64]);
    let gold: [Gold; 5] = [
        (152.3479517603579, 0.6810461692117462, 0.40429283717304343, 513.9245459802768, &[53, 97]),
        (78.851441426146, 0.5528190123564095, 0.6619715465007465, 561.62775662962, &[50, 62, 38]),
        (57.22847321428572, 0.49805050499728737, 0.7803069838811107, 530.7658081872851, &[50, 28, 40, 32]),
        (46.446182051282065, 0.48874888709310566, 0.8059652120182736, 495.54148767768777, &[50, 25, 39, 24, 12]),
        (39.03998724608726, 0.36483400396700255, 0.9141579726538026, 473.8506068330425, &[22, 28, 25, 39, 24, 12]),
    ];
    assert_near(found[0].fit.inertia, 681.3706, 1e-9);
    for (candidate, (inertia, silhouette, davies_bouldin, calinski_harabasz, sizes)) in found[1..].iter().zip(gold) {
        assert_near(candidate.fit.inertia, inertia, 1e-9);
        assert_near(candidate.silhouette.unwrap(), silhouette, 1e-12);
        assert_near(candidate.davies_bouldin.unwrap(), davies_bouldin, 1e-12);
        assert_near(candidate.calinski_harabasz.unwrap(), calinski_harabasz, 1e-9);
        assert_eq!(candidate.sizes, sizes);
    }
    // scikit-learn, k = 3: rows 0, 50, 100, 149.
    let rows = [0.8529550597418951, 0.026722031912853533, 0.4992753849243325, 0.1854422873597049];
    for (row, expected) in [0, 50, 100, 149].into_iter().zip(rows) {
        assert_near(found[2].silhouettes[row], expected, 1e-12);
    }
    // Labels that no k-means gave.
    let flowers = sample(&points);
    assert_near(silhouette(&flowers, &species).unwrap().mean, 0.5034774406932961, 1e-12);
    assert_near(davies_bouldin(&flowers, &species).unwrap(), 0.7513707094756737, 1e-12);
    assert_near(calinski_harabasz(&flowers, &species).unwrap(), 487.33087637489984, 1e-9);
}

#[test]
fn planted_groups_are_found() {
    let (points, planted) = made();
    let found = searched(&points, 2..=6);
    // scikit-learn: inertia, silhouette, Davies-Bouldin, Calinski-Harabasz.
    let gold = [
        (43066.57954743304, 0.5617402038188962, 0.7802980705962727, 1264.2869692196123),
        (26703.630535563156, 0.6313719149918051, 0.5965258294978381, 1385.3830790421614),
        (11718.991748453775, 0.7362017180683927, 0.3681915909857949, 2612.5493070241605),
        (2110.1317216796874, 0.8335616304390968, 0.2316479803001832, 12233.255498426422),
    ];
    for (candidate, (inertia, silhouette, davies_bouldin, calinski_harabasz)) in found.iter().zip(gold) {
        assert_near(candidate.fit.inertia / inertia, 1.0, 1e-12);
        assert_near(candidate.silhouette.unwrap(), silhouette, 1e-12);
        assert_near(candidate.davies_bouldin.unwrap(), davies_bouldin, 1e-12);
        assert_near(candidate.calinski_harabasz.unwrap() / calinski_harabasz, 1.0, 1e-12);
    }
    // Groups 3, 0, 4, 2, 1 by the first coordinate of their means (-7.99, -0.001, 3.0, 9.993, 10.001).
    let expected: Vec<u32> = planted.iter().map(|&group| [1, 4, 3, 0, 2][group as usize]).collect();
    assert_eq!(found[3].fit.labels, expected);
    // scikit-learn has 1799.248 for k = 6, where many partitions are nearly as good.
    assert!(found[4].fit.inertia <= 1799.248469874151 * 1.0005, "{}", found[4].fit.inertia);
}

/// The reference numbers are scikit-learn's, best of 100 runs to convergence. Near the optimum partitions differ in a
/// few customers, hence the tolerances. Where the data folder is absent the planted groups take its place.
#[test]
fn online_retail_gives_the_reference_numbers() {
    type Gold<'a> = &'a [(u32, f64, f64)];
    let log: Gold = &[(2, 6483.58, 0.4328), (3, 4869.43, 0.3365), (4, 3938.46, 0.3375), (5, 3296.62, 0.3164)];
    let plain: Gold = &[(2, 9014.57, 0.8958), (4, 4096.30, 0.6163)];
    let planted: Gold = &[(2, 43066.58, 0.5617), (3, 26703.63, 0.6314), (4, 11718.99, 0.7362), (5, 2110.13, 0.8336)];
    let cases = match online_retail() {
        Some(rfm) => vec![(standardised(rfm.mapv(f64::ln_1p)), log), (standardised(rfm), plain)],
        None => vec![(made().0, planted)],
    };
    for (points, gold) in cases {
        for &(k, inertia, silhouette) in gold {
            let found = searched(&points, k..=k).remove(0);
            assert_near(found.fit.inertia / inertia, 1.0, 0.0005);
            assert_near(found.silhouette.unwrap(), silhouette, 0.002);
        }
    }
}

/// smartcore runs once per seed and tells only labels, so the inertia is computed here from the means of its clusters.
#[test]
fn smartcore_finds_nothing_better() {
    use smartcore::cluster::kmeans::{KMeans, KMeansParameters};
    for points in [iris().0, made().0] {
        for k in 2..=5 {
            let seeds = 0..20;
            let best = seeds.map(|seed| {
                let parameters = KMeansParameters { k, max_iter: 300, seed: Some(seed) };
                let model: KMeans<f64, u32, Array2<f64>, ndarray::Array1<u32>> =
                    KMeans::fit(&points, parameters).unwrap();
                inertia(&points, model.predict(&points).unwrap().as_slice().unwrap())
            });
            let theirs = best.fold(f64::INFINITY, f64::min);
            let ours = fit(&sample(&points), k as u32, &KMeansOptions::default()).unwrap().inertia;
            assert!(ours <= theirs * 1.0005, "k = {k}: {ours} against {theirs}");
            assert!(theirs <= ours * 1.001, "k = {k}: {ours} against {theirs}");
        }
    }
}

fn inertia(points: &Array2<f64>, labels: &[u32]) -> f64 {
    let members = |label| points.outer_iter().zip(labels).filter(move |&(_, l)| *l == label).map(|(point, _)| point);
    let of_cluster = |label: u32| {
        let mean = members(label).fold(ndarray::Array1::<f64>::zeros(points.ncols()), |sum, point| sum + point)
            / members(label).count() as f64;
        members(label).map(|point| (&point - &mean).mapv(|x| x * x).sum()).sum::<f64>()
    };
    labels.iter().copied().collect::<BTreeSet<_>>().into_iter().map(of_cluster).sum()
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let (points, _) = made();
    let with_threads = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| searched(&points, 1..=9))
    };
    let one = with_threads(1);
    assert_eq!(one, with_threads(2));
    assert_eq!(one, with_threads(4));
}

/// More points than are taken at once: runs begin on some of them and end as well as those of others on all.
#[test]
fn very_many_points_are_clustered_as_well() {
    let (points, _) = many(100_000);
    let sample = sample(&points);
    assert_eq!(sample.distinct(), 100_000);
    // scikit-learn, n_init=60.
    for (k, inertia) in [(5, 799_592.428_271_209_7), (7, 674_903.073_446_656_8)] {
        let with_threads = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| fit(&sample, k, &KMeansOptions::default()).unwrap())
        };
        let found = with_threads(1);
        assert!(found.inertia <= inertia * (1.0 + 1e-5), "{k}: {}", found.inertia);
        // At rest: every point is nearest to its centre, every centre the mean of its points.
        assert_eq!(assign(points.view(), found.centers.view()).unwrap().labels, found.labels);
        for (cluster, center) in found.centers.outer_iter().enumerate() {
            let rows: Vec<usize> = (0..100_000).filter(|&row| found.labels[row] as usize == cluster).collect();
            let mean = points.select(Axis(0), &rows).mean_axis(Axis(0)).unwrap();
            center.iter().zip(&mean).for_each(|(x, mean)| assert_near(*x, *mean, 1e-9));
        }
        assert_eq!(found, with_threads(3));
    }
}

#[test]
fn the_order_of_rows_does_not_matter() {
    let (points, species) = iris();
    // 150 and 67 have no common factor.
    let order: Vec<usize> = (0..150).map(|i| (i * 67 + 11) % 150).collect();
    let shuffled = points.select(Axis(0), &order);
    let in_order = |labels: &[u32]| order.iter().map(|&row| labels[row]).collect::<Vec<u32>>();
    for (a, b) in searched(&points, 1..=8).into_iter().zip(searched(&shuffled, 1..=8)) {
        assert_eq!(in_order(&a.fit.labels), b.fit.labels);
        let silhouettes: Vec<f64> =
            if a.k == 1 { Vec::new() } else { order.iter().map(|&row| a.silhouettes[row]).collect() };
        assert_eq!(silhouettes, b.silhouettes);
        let rest = |candidate: Candidate| Candidate {
            fit: Fit { labels: Vec::new(), ..candidate.fit },
            silhouettes: Vec::new(),
            ..candidate
        };
        assert_eq!(rest(a), rest(b));
    }
    let judged = |points: &Array2<f64>, labels: &[u32]| {
        let sample = sample(points);
        (silhouette(&sample, labels).unwrap().mean, davies_bouldin(&sample, labels), calinski_harabasz(&sample, labels))
    };
    assert_eq!(judged(&points, &species), judged(&shuffled, &in_order(&species)));
    assert_eq!(project(&sample(&points)).components, project(&sample(&shuffled)).components);
    for scaling in [Scaling::None, Scaling::ZScore, Scaling::MinMax, Scaling::Robust] {
        assert_eq!(Scaler::fit(points.view(), scaling), Scaler::fit(shuffled.view(), scaling));
    }
}

#[test]
fn rows_given_twice_count_twice() {
    let (points, _) = made();
    let twice = ndarray::concatenate(Axis(0), &[points.view(), points.view()]).unwrap();
    for (once, twice) in searched(&points, 2..=6).into_iter().zip(searched(&twice, 2..=6)) {
        assert_eq!(once.fit.centers, twice.fit.centers);
        assert_eq!(once.fit.labels, twice.fit.labels[..1200]);
        assert_eq!(once.fit.labels, twice.fit.labels[1200..]);
        assert_eq!(once.fit.inertia * 2.0, twice.fit.inertia);
        assert_near(once.davies_bouldin.unwrap(), twice.davies_bouldin.unwrap(), 1e-12);
    }
}

#[test]
fn training_points_are_assigned_their_own_clusters() {
    for points in [iris().0, made().0] {
        for candidate in searched(&points, 1..=10) {
            let found = assign(points.view(), candidate.fit.centers.view()).unwrap();
            assert_eq!(found.labels, candidate.fit.labels);
            let inertia: f64 = found.distances.iter().map(|distance| distance * distance).sum();
            assert_near(inertia / candidate.fit.inertia, 1.0, 1e-12);
        }
    }
    let centers = array![[0.0, 0.0], [2.0, 0.0], [2.0, 0.0]];
    let found = assign(array![[1.0, 0.0], [5.0, 4.0], [-0.0, 0.5]].view(), centers.view()).unwrap();
    let seconds = vec![1.0, 5.0, 4.25f64.sqrt()];
    assert_eq!(found, Assignment { labels: vec![0, 1, 0], distances: vec![1.0, 5.0, 0.5], seconds });
    let alone = assign(array![[1.0, 0.0]].view(), array![[0.0, 0.0]].view()).unwrap();
    assert_eq!(alone.seconds, [f64::INFINITY]);
    assert!(searched(&array![[-0.0]], 1..=1)[0].fit.centers[[0, 0]].is_sign_positive());
    let found = assign(array![[1.0]].view(), centers.view());
    assert_eq!(found, Err(ClusterError::OtherColumns { expected: 2, found: 1 }));
}

#[test]
fn silhouettes_by_hand() {
    // Row 0: a = 1, b = 10. Row 1: a = 1, b = 9. Row 2 is alone.
    let found = silhouette(&sample(&array![[0.0], [1.0], [10.0]]), &[0, 0, 1]).unwrap();
    assert_eq!(found.of_rows, [0.9, 8.0 / 9.0, 0.0]);
    assert_near(found.mean, (0.9 + 8.0 / 9.0) / 3.0, 1e-15);
    // Equal rows in different clusters: a = 1, b = 1/2 for the rows at 0, a = 1, b = 1 for the row at 1.
    let found = silhouette(&sample(&array![[0.0], [0.0], [1.0], [1.0]]), &[0, 3, 0, 3]).unwrap();
    assert_eq!(found.of_rows, [-0.5, -0.5, -0.5, -0.5]);
    assert_eq!(silhouette(&sample(&array![[0.0], [1.0]]), &[2, 2]), None);
    assert_eq!(silhouette(&sample(&array![[0.0], [0.0]]), &[0, 1]).unwrap().mean, 0.0);
}

#[test]
fn silhouettes_of_many_points_follow_the_definition() {
    let points = Array2::from_shape_fn((2500, 2), |(i, column)| ((i * [37, 53][column]) % [1009, 911][column]) as f64);
    let labelings: [Vec<u32>; 2] =
        [(0..2500).map(|i| (i % 3) as u32).collect(), (0..2500).map(|i| (i / 1300) as u32).collect()];
    let found = silhouettes(&sample(&points), &[&labelings[0], &labelings[1]], &Silent);
    for (labels, found) in labelings.iter().zip(found) {
        let found = found.unwrap();
        for row in (0..2500).step_by(31) {
            let mut sums = [(0.0, 0.0); 3];
            for (other, point) in points.outer_iter().enumerate().filter(|&(other, _)| other != row) {
                let sum = &mut sums[labels[other] as usize];
                sum.0 += (&point - &points.row(row)).mapv(|x| x * x).sum().sqrt();
                sum.1 += 1.0;
            }
            let mean = |label: usize| sums[label].0 / sums[label].1;
            let own = labels[row] as usize;
            let (a, b) = (mean(own), (0..3).filter(|&label| label != own).map(mean).fold(f64::INFINITY, f64::min));
            assert_near(found.of_rows[row], (b - a) / a.max(b), 1e-12);
        }
    }
}

/// Beyond 10,000 points distances are measured in 32 bits; points as far out as customers who buy a thousand times as much
/// don't blur the others.
#[test]
fn silhouettes_in_few_bits_are_right() {
    let (mut points, labels) = many(10_500);
    let found = silhouette(&sample(&points), &labels).unwrap();
    // scikit-learn.
    assert_near(found.mean, 0.638_863_093_453_184, 1e-9);
    points.row_mut(0).assign(&array![4096.0, 0.0, 0.0]);
    points.row_mut(1).assign(&array![0.0, -65_536.0, 1.0]);
    let found = silhouette(&sample(&points), &labels).unwrap();
    assert_near(found.mean, 0.202_427_312_494_801_7, 1e-7);
    // No unit matters, however large or small.
    for unit in [2f64.powi(-400), 2f64.powi(400)] {
        assert_eq!(silhouette(&sample(&(&points * unit)), &labels).unwrap(), found);
    }
}

/// The sums of so many clusters don't fit into memory at once, which changes nothing.
#[test]
fn silhouettes_of_very_many_clusters_are_found_in_parts() {
    let points = Array2::from_shape_fn((9_000, 1), |(i, _)| i as f64);
    let labels: [Vec<u32>; 3] = [2_000, 2_500, 3].map(|k| (0..9_000).map(|i| i * k / 9_000).collect());
    let together = silhouettes(&sample(&points), &[&labels[0], &labels[1], &labels[2]], &Silent);
    assert_eq!(together.len(), 3);
    for (labels, found) in labels.iter().zip(together) {
        let (alone, found) = (silhouette(&sample(&points), labels).unwrap(), found.unwrap());
        assert_near(found.mean, alone.mean, 1e-12);
    }
}

#[test]
fn indices_do_without_empty_clusters_and_coinciding_centres() {
    let points = sample(&array![[-1.0], [1.0], [-2.0], [2.0], [10.0], [12.0]]);
    for labels in [[0, 0, 1, 1, 2, 2], [7, 7, 2, 2, 4, 4]] {
        // scikit-learn; the first two clusters share the centre 0.
        assert_near(davies_bouldin(&points, &labels).unwrap(), 0.24242424242424243, 1e-15);
        assert_near(calinski_harabasz(&points, &labels).unwrap(), 20.166666666666668, 1e-13);
    }
    assert_eq!((davies_bouldin(&points, &[5; 6]), calinski_harabasz(&points, &[5; 6])), (None, None));
}

#[test]
fn points_that_cannot_be_clustered_are_refused() {
    let refused = |points: ArrayView2<f64>| Sample::new(points).err();
    assert_eq!(refused(Array2::zeros((0, 3)).view()), Some(ClusterError::NoRows));
    assert_eq!(refused(Array2::zeros((3, 0)).view()), Some(ClusterError::NoColumns));
    for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let points = array![[0.0, 1.0], [2.0, odd]];
        assert_eq!(refused(points.view()), Some(ClusterError::NotFinite { row: 1, column: 1 }));
        assert_eq!(Scaler::fit(points.view(), Scaling::ZScore), Err(ClusterError::NotFinite { row: 1, column: 1 }));
        assert_eq!(
            assign(points.view(), array![[0.0, 0.0]].view()),
            Err(ClusterError::NotFinite { row: 1, column: 1 })
        );
    }
    let error = ClusterError::TooLarge { row: 0, column: 0, value: -1e200 };
    assert_eq!(error.to_string(), "row 0, dimension 0 is -1e200, too large to measure distances");
    assert_eq!(refused(array![[-1e200]].view()), Some(error));

    let points = sample(&array![[1.0], [2.0], [2.0], [1.0], [0.0], [-0.0]]);
    assert_eq!(points.distinct(), 3);
    let options = KMeansOptions::default();
    let error = ClusterError::TooFewDistinct { k: 4, distinct: 3 };
    assert_eq!(fit(&points, 4, &options), Err(error.clone()));
    assert_eq!(search(&points, 2..=4, &options, &Silent), Err(error.clone()));
    assert_eq!(error.to_string(), "`k` is 4 but only 3 points differ from each other");
    assert_eq!(fit(&points, 0, &options), Err(ClusterError::NoClusters));
    // Written so that the range may also come from a spec.
    assert_eq!(search(&points, std::ops::RangeInclusive::new(3, 2), &options, &Silent), Ok(Vec::new()));
}

#[test]
fn as_many_clusters_as_distinct_points_leave_no_rest() {
    let points = array![[0.1, 5.0], [0.3, 5.0], [0.1, 5.0], [7e9, 5.0], [0.1, 4.0], [0.1, 5.0]];
    let found = searched(&points, 4..=4).remove(0);
    assert_eq!(found.fit.centers, array![[0.1, 4.0], [0.1, 5.0], [0.3, 5.0], [7e9, 5.0]]);
    assert_eq!((found.fit.labels, found.fit.inertia), (vec![1, 2, 1, 3, 0, 1], 0.0));
    assert_eq!((found.sizes, found.davies_bouldin, found.calinski_harabasz), (vec![1, 3, 1, 1], Some(0.0), None));
    assert_eq!(found.silhouettes, [1.0, 0.0, 1.0, 0.0, 0.0, 1.0]);
}

#[test]
fn equal_points_and_a_single_point_are_one_cluster() {
    for rows in [1, 2, 7, 8, 9] {
        let points = Array2::from_elem((rows, 3), 0.1);
        let found = searched(&points, 1..=1).remove(0);
        assert_eq!((found.fit.centers, found.fit.inertia), (Array2::from_elem((1, 3), 0.1), 0.0));
        assert_eq!((found.fit.labels, found.silhouette, found.silhouettes.len()), (vec![0; rows], None, 0));
        assert_eq!(
            fit(&sample(&points), 2, &KMeansOptions::default()).err(),
            Some(ClusterError::TooFewDistinct { k: 2, distinct: 1 })
        );
        let projected = project(&sample(&points));
        assert_eq!(projected.points, vec![[0.0, 0.0]; rows]);
        assert!(projected.components.iter().all(|component| component.explained == 0.0));
    }
}

#[test]
fn scalers_agree_with_scikit_learn() {
    let (points, _) = iris();
    // scikit-learn: centre and spread of the four columns, the last row scaled, inertia for k = 3.
    let cases = [
        (
            Scaling::ZScore,
            [5.843333333333335, 3.057333333333334, 3.7580000000000027, 1.199333333333334],
            [0.8253012917851409, 0.43441096773549437, 1.7594040657753032, 0.7596926279021594],
            [0.06866179325140129, -0.1319794793216258, 0.7627582691805523, 0.7906706536370729],
            139.82049635974982,
        ),
        (
            Scaling::MinMax,
            [4.3, 2.0, 1.0, 0.1],
            [3.6000000000000005, 2.4000000000000004, 5.9, 2.4],
            [0.44444444444444464, 0.41666666666666674, 0.6949152542372881, 0.7083333333333334],
            6.982216473785236,
        ),
        (
            Scaling::Robust,
            [5.8, 3.0, 4.35, 1.3],
            [1.3, 0.5, 3.5, 1.5],
            [0.07692307692307729, 0.0, 0.2142857142857143, 0.3333333333333333],
            73.18403620977307,
        ),
    ];
    for (scaling, center, spread, last, inertia) in cases {
        let scaler = Scaler::fit(points.view(), scaling).unwrap();
        let mut scaled = points.clone();
        scaler.transform(&mut scaled).unwrap();
        for column in 0..4 {
            assert_near(scaler.center[column], center[column], 1e-13);
            assert_near(scaler.spread[column], spread[column], 1e-13);
            assert_near(scaled[[149, column]], last[column], 1e-13);
        }
        assert_near(searched(&scaled, 3..=3)[0].fit.inertia, inertia, 1e-9);
        scaler.inverse(&mut scaled).unwrap();
        assert!((scaled - &points).iter().all(|difference| difference.abs() < 1e-14));
    }
}

#[test]
fn a_scaler_is_written_in_plain_words() {
    let scaler = Scaler { scaling: Scaling::ZScore, center: vec![0.5], spread: vec![2.25] };
    let text = r#"{"scaling":"zscore","center":[0.5],"spread":[2.25]}"#;
    assert_eq!(serde_json::to_string(&scaler).unwrap(), text);
    assert_eq!(serde_json::from_str::<Scaler>(text).unwrap(), scaler);
}

#[test]
fn columns_without_spread_are_named_and_only_centred() {
    // 0.1 seven times sums to something else than 0.7; the last column is constant but for one value.
    let mut points = Array2::from_shape_fn((7, 3), |(row, column)| match column {
        0 => 0.1,
        1 => row as f64,
        _ => {
            if row == 6 {
                9.0
            } else {
                2.0
            }
        }
    });
    let constant = |scaling| Scaler::fit(points.view(), scaling).unwrap().constant_columns();
    assert_eq!(constant(Scaling::ZScore), [0]);
    assert_eq!(constant(Scaling::MinMax), [0]);
    assert_eq!(constant(Scaling::Robust), [0, 2]);
    assert_eq!(constant(Scaling::None), [0usize; 0]);
    let scaler = Scaler::fit(points.view(), Scaling::ZScore).unwrap();
    scaler.transform(&mut points).unwrap();
    assert_eq!(points.column(0), ndarray::Array1::<f64>::zeros(7));
    // Standard deviation of 0 to 6 with n is 2.
    assert_eq!(points.column(1), array![-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5]);
    let other = scaler.transform(&mut Array2::zeros((1, 2)));
    assert_eq!(other, Err(ClusterError::OtherColumns { expected: 3, found: 2 }));
}

#[test]
fn projection_agrees_with_scikit_learn() {
    let (points, _) = iris();
    let projected = project(&sample(&points));
    let loadings = [
        [0.3613865917853652, -0.08452251406457312, 0.856670605949836, 0.35828919715155155],
        [0.6565887712868261, 0.7301614347850451, -0.17337266279585106, -0.07548101991744255],
    ];
    for (component, loadings) in projected.components.iter().zip(loadings) {
        component.loadings.iter().zip(loadings).for_each(|(found, expected)| assert_near(*found, expected, 1e-10));
    }
    assert_near(projected.components[0].explained, 0.924618723201734, 1e-12);
    assert_near(projected.components[1].explained, 0.05306648311706378, 1e-12);
    for (row, expected) in
        [(0, [-2.68412562596954, 0.31939724658508517]), (149, [1.3901888619479141, -0.28266093799053316])]
    {
        assert_near(projected.points[row][0], expected[0], 1e-10);
        assert_near(projected.points[row][1], expected[1], 1e-10);
    }
    let columns = |points: &Array2<f64>| project(&sample(points)).components.map(|component| component.explained);
    assert_eq!(columns(&array![[1.0], [2.0], [5.0]]), [1.0, 0.0]);
    assert_eq!(columns(&array![[1.0, 7.0], [2.0, 7.0], [5.0, 7.0]]), [1.0, 0.0]);
    let line = project(&sample(&array![[1.0], [2.0], [6.0]]));
    assert_eq!(line.points, [[-2.0, 0.0], [-1.0, 0.0], [3.0, 0.0]]);
}

#[test]
fn progress_runs_to_its_total() {
    #[derive(Default)]
    struct Heard(Mutex<Vec<(String, u64, u64, bool)>>);
    impl Progress for Heard {
        fn start(&self, stage: &str, total: Option<u64>) {
            self.0.lock().unwrap().push((stage.into(), total.unwrap(), 0, false));
        }
        fn at(&self, done: u64) {
            let mut stages = self.0.lock().unwrap();
            let stage = stages.last_mut().unwrap();
            assert!(done > stage.2 && !stage.3);
            stage.2 = done;
        }
        fn finish(&self, _: &str) {
            self.0.lock().unwrap().last_mut().unwrap().3 = true;
        }
    }
    let heard = Heard::default();
    search(&sample(&made().0), 2..=4, &KMeansOptions::default(), &heard).unwrap();
    let stage = |name: &str, total| (name.to_string(), total, total, true);
    assert_eq!(*heard.0.lock().unwrap(), [stage("k-means", 60), stage("silhouette", 6)]);
}

/// Points with many repeats, few distinct values and sizes from tiny to huge.
fn any_points() -> impl Strategy<Value = Array2<f64>> {
    let value = prop_oneof![
        4 => (-3i32..=3).prop_map(f64::from),
        2 => -1.0..1.0f64,
        1 => prop_oneof![Just(1e-9), Just(-1e12), Just(1e15), Just(1e130), Just(0.1)],
    ];
    (1usize..40, 1usize..10).prop_flat_map(move |(rows, columns)| {
        let values = proptest::collection::vec(value.clone(), rows * columns);
        values.prop_map(move |values| Array2::from_shape_vec((rows, columns), values).unwrap())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_clustering_is_finite_whole_and_at_rest(points in any_points()) {
        let sample = sample(&points);
        let options = KMeansOptions { restarts: 3, ..KMeansOptions::default() };
        let most = sample.distinct() as u32;
        for candidate in search(&sample, 1..=most.min(6), &options, &Silent).unwrap() {
            let Fit { centers, labels, inertia, .. } = &candidate.fit;
            prop_assert!(centers.iter().chain(&candidate.silhouettes).chain([inertia]).all(|x| x.is_finite()));
            let indices = [candidate.silhouette, candidate.davies_bouldin, candidate.calinski_harabasz];
            prop_assert!(indices.into_iter().flatten().all(f64::is_finite));
            prop_assert!(candidate.silhouettes.iter().all(|s| (-1.0..=1.0).contains(s)));
            prop_assert!(candidate.sizes.iter().all(|&size| size > 0), "{:?}", candidate.sizes);
            prop_assert_eq!(candidate.sizes.iter().sum::<u64>(), points.nrows() as u64);
            prop_assert_eq!(&assign(points.view(), centers.view()).unwrap().labels, labels);
            let rows: Vec<Vec<f64>> = centers.outer_iter().map(|center| center.to_vec()).collect();
            prop_assert!(rows.is_sorted());
        }
        let projected = project(&sample);
        prop_assert!(projected.points.iter().flatten().all(|x| x.is_finite()));
        prop_assert!(projected.components.iter().all(|component| (0.0..=1.0).contains(&component.explained)));
    }
}

/// Too many rows to measure all pairs: the mean of a sample, each against all, with an interval that holds the exact mean.
#[test]
fn a_sampled_silhouette_says_how_far_it_may_be_off() {
    let (points, labels) = made();
    let sample = sample(&points);
    let exact = silhouette(&sample, &labels).unwrap();
    assert_eq!(exact.margin, None);
    let mut margins = vec![];
    for drawn in [100, 400, 1_600] {
        let found = silhouettes_within(&sample, &[&labels], 1_000, drawn, &Silent).pop().unwrap().unwrap();
        let margin = found.margin.unwrap();
        assert_near(found.mean, exact.mean, 2.0 * margin);
        assert!(found.of_rows.is_empty());
        margins.push(margin);
    }
    // Four times as many draws, half the margin.
    assert!(margins.windows(2).all(|pair| (1.6..2.5).contains(&(pair[0] / pair[1]))), "{margins:?}");
    let all = silhouettes_within(&sample, &[&labels], sample.distinct(), 100, &Silent).pop().unwrap().unwrap();
    assert_eq!(all, exact);
}
