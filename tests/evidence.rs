//! Evidence for a number of clusters: against R's fpc and cluster, on points whose groups are known, and on none.

use ndarray::Array2;
use segc::cluster::{
    Candidate, Covariance, Doubt, Evidence, EvidenceOptions, Findings, KMeansOptions, Method, Sample,
    adjusted_rand_index, evidence, search_by,
};
use segc::progress::Silent;

fn iris() -> Array2<f64> {
    let rows = include_str!("data/iris.csv").lines().skip(1).flat_map(|line| line.split(',').take(4));
    Array2::from_shape_vec((150, 4), rows.map(|cell| cell.parse::<f64>().unwrap()).collect()).unwrap()
}

/// A generator of the tests' own (Numerical Recipes' linear congruential one), from 0 to 1.
fn uniform(state: &mut u64) -> f64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 11) as f64 / (1u64 << 53) as f64
}

/// About normal: the sum of twelve uniform numbers less six.
fn bell(state: &mut u64) -> f64 {
    (0..12).map(|_| uniform(state)).sum::<f64>() - 6.0
}

/// Few draws, where a verdict does not hang on more of them.
const FEW: EvidenceOptions = EvidenceOptions {
    rows: 20_000,
    resamples: 40,
    references: 20,
    splits: 10,
    seeds: 3,
    restarts: 3,
    method: Method::KMeans,
    starts: KMeansOptions { restarts: 5, max_iter: 300, seed: 0 },
};

const FULL: Method = Method::Mixture(Covariance::Full);

fn collect(
    points: &Array2<f64>,
    k: std::ops::RangeInclusive<u32>,
    options: &EvidenceOptions,
) -> (Sample, Vec<Candidate>, Findings) {
    let sample = Sample::new(points.view()).unwrap();
    let candidates = search_by(options.method, &sample, k, &options.starts, &Silent).unwrap();
    let found = evidence(&sample, &candidates, options, &Silent).unwrap();
    (sample, candidates, found)
}

fn believed(found: &Findings) -> Vec<u32> {
    found.of_k.iter().filter(|evidence| evidence.verdict().is_ok()).map(|evidence| evidence.k).collect()
}

#[track_caller]
fn assert_near(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "found {found}, expected {expected} within {tolerance}");
}

/// R 4.2.2, fpc 2.2-10 and cluster 2.1.4 on iris:
/// `clusterboot(x, B = 200, clustermethod = kmeansCBI, krange = k, runs = 20, multipleboot = FALSE)`,
/// `prediction.strength(x, Gmin = 2, Gmax = 5, M = 100, clustermethod = kmeansCBI, runs = 10)`,
/// `clusGap(x, kmeans, K.max = 5, B = 200, nstart = 20, d.power = 2, spaceH0 = "scaledPCA")`.
/// All of them draw at random, so that the figures agree but for the spread of such draws.
#[test]
fn agrees_with_r_on_iris() {
    let (_, _, found) = collect(&iris(), 2..=5, &EvidenceOptions::of(Method::KMeans, KMeansOptions::default()));
    let expected: [(&[f64], f64, f64, f64); 4] = [
        (&[0.995, 0.998], 0.969, 0.592, 0.051),
        (&[0.945, 0.957, 1.0], 0.783, 0.875, 0.045),
        (&[0.834, 0.851, 0.937, 1.0], 0.585, 1.003, 0.043),
        (&[], 0.590, 1.043, 0.043),
    ];
    for (evidence, (jaccards, strength, gap, error)) in found.of_k.iter().zip(expected) {
        let mut found: Vec<f64> = evidence.stability.iter().map(|cluster| cluster.jaccard.unwrap()).collect();
        found.sort_by(f64::total_cmp);
        for (found, expected) in found.into_iter().zip(jaccards) {
            assert_near(found, *expected, 0.06);
        }
        assert_near(evidence.prediction_strength.unwrap(), strength, 0.06);
        assert_near(evidence.gap.gap, gap, 0.03);
        assert_near(evidence.gap.error, error, 0.02);
    }
}

/// As many as were planted, however the range goes beyond.
#[test]
fn planted_groups_are_found() {
    for groups in [2, 3, 5, 7] {
        let centers: Vec<[f64; 3]> = (0..groups)
            .map(|group| [f64::from(group % 2) * 9.0, f64::from(group / 2 % 2) * 9.0, f64::from(group / 4) * 9.0])
            .collect();
        let mut state = 7;
        let points = Array2::from_shape_fn((80 * groups as usize, 3), |(row, column)| {
            centers[row % groups as usize][column] + bell(&mut state)
        });
        let (_, _, found) = collect(&points, 2..=9, &FEW);
        assert_eq!(believed(&found).last(), Some(&(groups as u32)), "{groups} groups");
    }
}

/// The half of a large group comes back too, when the others are small or dense: as many as were planted all the same.
#[test]
fn planted_groups_of_unequal_size_and_spread_are_found() {
    // Rows and deviation of each group.
    for (groups, seed) in [
        ([(800, 1.0), (150, 1.0), (50, 1.0)], 1),
        ([(800, 1.0), (150, 1.0), (50, 1.0)], 2),
        ([(600, 1.0), (300, 1.0), (100, 1.0)], 3),
        ([(400, 1.8), (200, 0.5), (200, 0.5)], 4),
        ([(400, 1.8), (200, 0.5), (200, 0.5)], 5),
        ([(880, 1.0), (80, 1.0), (40, 1.0)], 6),
    ] {
        let mut state = seed;
        let rows = groups.iter().zip([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]]);
        let rows = rows.flat_map(|((rows, deviation), center)| std::iter::repeat_n((*deviation, center), *rows));
        let values: Vec<f64> = rows
            .flat_map(|(deviation, [x, y])| [x + deviation * bell(&mut state), y + deviation * bell(&mut state)])
            .collect();
        let points = Array2::from_shape_vec((values.len() / 2, 2), values).unwrap();
        let (_, _, found) = collect(&points, 2..=8, &FEW);
        assert_eq!(believed(&found).last(), Some(&3), "{groups:?}");
    }
}

/// Quarters of a square come back in every resample: being stable is not enough.
#[test]
fn even_noise_has_no_groups() {
    for (columns, rows, seed) in [(1, 400, 1), (2, 800, 2), (2, 300, 3), (3, 500, 4), (5, 400, 5)] {
        let mut state = seed;
        let points = Array2::from_shape_simple_fn((rows, columns), || uniform(&mut state));
        let (_, _, found) = collect(&points, 2..=6, &FEW);
        assert_eq!(believed(&found), [] as [u32; 0], "{columns} columns");
        if columns == 2 && rows == 800 {
            let of_four = &found.of_k[2];
            assert!(of_four.weakest().unwrap().1.or_zero() > Evidence::STABLE);
            assert!(matches!(of_four.verdict(), Err(Doubt::Noise { .. })));
        }
    }
}

/// One bell is one group: dividing it gains less than dividing even noise does.
#[test]
fn one_bell_has_no_groups() {
    let mut state = 11;
    let points = Array2::from_shape_simple_fn((500, 3), || bell(&mut state));
    assert_eq!(believed(&collect(&points, 2..=6, &FEW).2), [] as [u32; 0]);
}

/// The outlier is a cluster that comes back whenever it is drawn, and is no segment for it.
#[test]
fn an_outlier_is_no_group() {
    let mut state = 5;
    let mut points = Array2::from_shape_fn((601, 2), |(row, _)| f64::from(row as u32 % 2) * 8.0 + bell(&mut state));
    points.row_mut(600).fill(400.0);
    let (_, candidates, found) = collect(&points, 2..=6, &FEW);
    let alone = |candidate: &Candidate| candidate.sizes.contains(&1);
    assert!(candidates.iter().all(alone));
    assert_eq!(believed(&found), [] as [u32; 0]);
    let outlier = candidates[0].sizes.iter().position(|&size| size == 1).unwrap();
    let stability = found.of_k[0].stability[outlier];
    assert_near(stability.jaccard.unwrap(), 1.0, 1e-9);
    // 1 - 1/e of the resamples have it.
    assert!((18..=32).contains(&stability.present), "{}", stability.present);
}

/// Three groups and none, by every method that is told k.
#[test]
fn every_method_is_judged() {
    let mut state = 21;
    let planted = Array2::from_shape_fn((240, 2), |(row, column)| {
        [[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]][row % 3][column] + bell(&mut state)
    });
    let even = Array2::from_shape_simple_fn((240, 2), || uniform(&mut state));
    for method in [Method::MiniBatch, Method::Ward, FULL, Method::Mixture(Covariance::Spherical)] {
        let options = EvidenceOptions { method, ..FEW };
        let (sample, candidates, found) = collect(&planted, 2..=5, &options);
        assert_eq!(believed(&found).last(), Some(&3), "{method}");
        assert_near(found.of_k[1].seeds.0, 1.0, 1e-9);
        let shares = found.resamples[1].shares(&sample, &candidates[1].fit.labels).unwrap();
        assert!(shares.iter().all(|&share| share > 0.9), "{method}");
        assert_eq!(believed(&collect(&even, 2..=5, &options).2), [] as [u32; 0], "{method}");
    }
}

/// Two crossing bands: a mixture finds them again and again, where k-means has no k to believe in.
#[test]
fn a_mixture_is_judged_by_its_own_clusters() {
    let mut state = 13;
    let points = Array2::from_shape_fn((400, 2), |(row, column)| {
        let (along, across) = (6.0 * bell(&mut state), 0.3 * bell(&mut state));
        if (row % 2 == 0) == (column == 0) { along } else { across }
    });
    let (_, candidates, found) = collect(&points, 2..=2, &EvidenceOptions { method: FULL, ..FEW });
    let bands: Vec<u32> = (0..400).map(|row| row % 2).collect();
    assert!(adjusted_rand_index(&bands, &candidates[0].fit.labels) > 0.8);
    assert!(found.of_k[0].weakest().unwrap().1.or_zero() > 0.9);
    let (_, _, by_means) = collect(&points, 2..=2, &FEW);
    assert!(by_means.of_k[0].weakest().unwrap().1.or_zero() < Evidence::STABLE);
}

/// Rows in another order and other numbers of threads change no bit.
#[test]
fn evidence_depends_on_nothing_but_the_points() {
    let points = iris();
    let (sample, candidates, first) = collect(&points, 2..=4, &FEW);
    let order: Vec<usize> = (0..150).map(|row| row * 67 % 150).collect();
    let shuffled = points.select(ndarray::Axis(0), &order);
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let (other_sample, others, other) = one.install(|| collect(&shuffled, 2..=4, &FEW));
    assert_eq!(first.of_k, other.of_k);
    let shares = first.resamples[1].shares(&sample, &candidates[1].fit.labels).unwrap();
    let other_shares = other.resamples[1].shares(&other_sample, &others[1].fit.labels).unwrap();
    assert_eq!(order.iter().map(|&row| shares[row]).collect::<Vec<_>>(), other_shares);
}

/// Flowers in the middle of a species come back with it; those between two species do not.
#[test]
fn a_row_between_two_clusters_belongs_less() {
    let (sample, candidates, found) = collect(&iris(), 3..=3, &FEW);
    let shares = found.resamples[0].shares(&sample, &candidates[0].fit.labels).unwrap();
    assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)));
    assert!(shares[..50].iter().all(|&share| share == 1.0), "all setosa are far from the others");
    let doubtful: Vec<usize> = (0..150).filter(|&row| shares[row] < 0.8).collect();
    assert!(!doubtful.is_empty() && doubtful.len() < 30, "{doubtful:?}");
    let silhouettes = &candidates[0].silhouettes;
    let mean = |rows: &[usize]| rows.iter().map(|&row| silhouettes[row]).sum::<f64>() / rows.len() as f64;
    assert!(mean(&doubtful) < mean(&(0..150).collect::<Vec<_>>()) - 0.2);
}

/// Fewer rows are looked at than there are; the verdict is that of all.
#[test]
fn a_sample_of_many_rows_speaks_for_all() {
    let mut state = 3;
    let points = Array2::from_shape_fn((6_000, 2), |(row, column)| {
        [0.0, 9.0, 18.0][row % 3] * (1.0 - column as f64 / 2.0) + bell(&mut state)
    });
    let (sample, candidates, found) = collect(&points, 2..=5, &EvidenceOptions { rows: 600, ..FEW });
    assert_eq!(found.rows, 600);
    assert_eq!(believed(&found).last(), Some(&3));
    assert_eq!(found.resamples[1].shares(&sample, &candidates[1].fit.labels).unwrap().len(), 6_000);
}

/// All points in few places, all alike, k as large as can be: defined results, no division by nothing.
#[test]
fn degenerate_points_give_numbers() {
    let few = Array2::from_shape_fn((90, 2), |(row, column)| f64::from((row % 3 * (column + 1)) as u32));
    let (_, _, found) = collect(&few, 1..=3, &FEW);
    for evidence in &found.of_k {
        assert!(evidence.gap.gap.is_finite() && evidence.gap.error.is_finite() && evidence.gap.errors.is_finite());
    }
    assert_eq!(believed(&found).last(), Some(&3));
    let (_, _, found) = collect(&Array2::from_elem((20, 2), 4.0), 1..=1, &FEW);
    assert!(found.of_k[0].verdict().is_ok());
    let (_, _, found) = collect(&Array2::from_elem((1, 1), 4.0), 1..=1, &FEW);
    assert_eq!(found.of_k[0].prediction_strength, None);
}
