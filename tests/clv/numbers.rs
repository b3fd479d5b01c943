//! Special functions, likelihoods, gradients and predictions, number by number.

use proptest::prelude::*;
use segc::clv::{
    Days, Discount, GammaGamma, Law, Purchases, Repeats, Unit, bootstrap_mean, for_each_history, hyp2f1_one,
    present_value,
};

use super::{close, near, weeks};

/// Parameters as papers print them for CDNOW.
fn bg() -> Purchases {
    Purchases { unit: Unit::Weeks, law: Law::BgNbd { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426 } }
}

fn mbg() -> Purchases {
    Purchases { unit: Unit::Weeks, law: Law::MbgNbd { r: 0.525, alpha: 6.183, a: 0.891, b: 1.614 } }
}

fn pareto() -> Purchases {
    Purchases { unit: Unit::Weeks, law: Law::ParetoNbd { r: 0.553, alpha: 10.578, s: 0.606, beta: 11.669 } }
}

/// x, t_x and T in weeks.
const CUSTOMERS: [(u32, f64, f64); 6] =
    [(2, 30.43, 38.86), (0, 0.0, 38.86), (1, 1.71, 38.86), (10, 35.0, 38.0), (26, 30.86, 31.0), (29, 10.0, 38.86)];

/// mpmath, derivatives by its numerical differentiation.
#[test]
fn the_continued_fraction_has_the_right_derivatives() {
    let cases = [
        (
            2.553,
            4.159,
            -0.02,
            0.987_889_651_443_634_4,
            [-0.004_697_208_057_215_97, 0.002_879_934_875_266_24, 0.597_306_593_782_012],
        ),
        (
            0.553,
            2.159,
            -0.1,
            0.975_573_151_038_010_4,
            [-0.043_434_293_855_790_6, 0.010_954_744_097_051_7, 0.233_077_066_413_237],
        ),
        (
            30.5,
            32.1,
            0.4,
            1.613_996_435_743_383_1,
            [0.031_924_674_568_128_9, -0.030_360_707_239_737_5, 2.481_114_018_541_91],
        ),
        (
            1.2,
            3.9,
            0.97,
            1.638_186_279_706_340_7,
            [0.849_058_019_028_626, -0.335_471_648_441_929, 1.928_131_217_518_64],
        ),
        (0.7, 1.9, 0.9999, 3.816_759_383_418_022_5, [12.613_024_668_672, -8.689_642_740_728_56, 1_363.945_896_386_42]),
        (
            5.5,
            7.1,
            -8.0,
            0.143_693_869_194_602_04,
            [-0.026_100_435_518_445, 0.019_475_174_140_953_1, 0.015_264_761_759_021_7],
        ),
        (2.0, 3.5, 0.0, 1.0, [0.0, 0.0, 0.571_428_571_428_571]),
    ];
    for (b, c, z, value, by) in cases {
        let found = hyp2f1_one(b, c, z);
        close(found.value, value, if z > 0.99 { 1e-9 } else { 1e-13 });
        (0..3).for_each(|i| near(found.by[i], by[i], 1e-9 * by[i].abs().max(1e-3)));
    }
}

/// mpmath: the published likelihoods, P(alive) and conditional expectations over 39 weeks, customer by customer. The
/// expectations are those of lifetimes too, to its nine digits.
#[test]
fn customers_get_the_published_formulas() {
    let cases = [
        (
            bg(),
            [
                (-9.458_606_307_066_27, 0.726_578_570_080_673, 1.226_028_174_767_14),
                (-0.554_713_276_438_158, 1.0, 0.195_098_052_011_263),
                (-4.469_093_275_032_59, 0.212_100_985_377_379, 0.203_186_987_079_754),
                (-27.174_518_173_102_2, 0.871_739_080_124_428, 6.447_840_201_928_85),
                (-37.726_579_473_394_4, 0.968_915_649_717_525, 20.749_726_140_857_3),
                (-15.986_758_288_637_3, 4.189_092_719_962_25e-13, 8.530_738_017_454_08e-12),
            ],
        ),
        (
            mbg(),
            [
                (-9.485_551_314_533_93, 0.706_202_265_118_487, 1.262_960_623_267_37),
                (-0.539_837_463_531_015, 0.389_735_080_918_763, 0.154_012_746_675_147),
                (-4.460_360_612_584_32, 0.170_836_484_310_408, 0.188_836_541_364_343),
                (-27.149_020_044_963_2, 0.861_470_973_492_011, 6.156_531_134_745_66),
                (-38.322_126_947_829_8, 0.965_566_144_144_062, 19.450_722_652_157_4),
                (-18.325_060_637_678_6, 2.571_367_105_674_4e-12, 4.970_603_552_104_01e-11),
            ],
        ),
        (
            pareto(),
            [
                (-9.554_283_245_150_41, 0.869_167_559_153_011, 1.455_123_193_257_6),
                (-0.521_046_294_080_89, 0.295_286_604_616_894, 0.107_081_468_215_309),
                (-4.450_194_333_881_01, 0.168_002_326_724_345, 0.171_092_980_553_783),
                (-26.910_939_386_548_4, 0.947_874_165_089_954, 6.658_449_230_017_61),
                (-39.131_671_540_302_8, 0.997_918_731_055_158, 20.117_026_077_370_5),
                (-23.129_187_023_174_4, 1.761_345_814_944_92e-10, 3.413_435_064_671_49e-9),
            ],
        ),
    ];
    for (model, expected) in cases {
        for ((x, active, age), (likelihood, alive, purchases)) in CUSTOMERS.into_iter().zip(expected) {
            let history = weeks(x, active, age);
            close(model.log_likelihood(&[history]).0, likelihood, 1e-11);
            close(model.alive(&history), alive, 1e-9);
            close(model.expected(&history, Days(7.0 * 39.0)), purchases, 1e-9);
        }
    }
}

/// mpmath, where the published expectation divides by zero (a = 1, a + b = 1), takes a + b below 1, looks far ahead, or
/// knows nothing yet (T = 0).
#[test]
fn expectations_have_no_poles() {
    let with = |a: f64, b: f64| Purchases { unit: Unit::Weeks, law: Law::BgNbd { r: 0.243, alpha: 4.414, a, b } };
    let in_39_weeks = |p: Purchases, x, active, age| p.expected(&weeks(x, active, age), Days(7.0 * 39.0));
    close(in_39_weeks(with(1.0, 2.426), 3, 20.0, 38.0), 0.993_423_279_332_978, 1e-12);
    close(in_39_weeks(with(0.3, 0.7), 0, 0.0, 38.0), 0.196_225_269_337_719, 1e-12);
    close(in_39_weeks(with(0.3, 0.2), 0, 0.0, 38.0), 0.174_276_652_539_886, 1e-12);
    close(bg().expected(&weeks(2, 3.0, 5.0), Days(7.0 * 5200.0)), 31.941_242_894_232, 1e-10);
    close(bg().expected(&weeks(0, 0.0, 0.0), Days(7.0 * 520.0)), 4.974_617_861_849_66, 1e-11);
    for model in [bg(), mbg(), pareto()] {
        assert_eq!(model.expected(&weeks(2, 30.0, 38.0), Days(0.0)), 0.0);
        // They bought just now, so nothing speaks of their having left: only a purchase can be the last one.
        let alive = model.alive(&weeks(0, 0.0, 0.0));
        assert!(alive > 0.6 && alive <= 1.0, "{alive}");
    }
}

/// mpmath: the Pareto/NBD with alpha far below and far above beta.
#[test]
fn the_two_cases_of_the_pareto_nbd_are_one() {
    let with = |alpha, beta| Purchases { unit: Unit::Weeks, law: Law::ParetoNbd { r: 0.9, alpha, s: 1.7, beta } };
    let history = weeks(3, 20.0, 38.0);
    for (model, likelihood, alive, purchases) in [
        (with(2.5, 40.0), -11.973_686_989_387_9, 0.310_107_931_231_452, 0.822_233_858_347_608),
        (with(40.0, 2.5), -15.340_147_839_583_2, 0.231_230_534_769_57, 0.251_727_089_147_687),
    ] {
        close(model.log_likelihood(&[history]).0, likelihood, 1e-12);
        close(model.alive(&history), alive, 1e-11);
        close(model.expected(&history, Days(7.0 * 39.0)), purchases, 1e-11);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Analytic derivatives are what differences of the likelihood say.
    #[test]
    fn gradients_are_those_of_the_likelihood(
        r in 0.1..5.0f64, alpha in 0.5..50.0f64, third in 0.1..5.0f64, fourth in 0.3..50.0f64,
        x in 0u32..30, active in 0.0..1.0f64, age in 0.5..120.0f64,
    ) {
        let history = weeks(x, if x == 0 { 0.0 } else { active * age }, age);
        let laws: [fn([f64; 4]) -> Law; 4] = [
            |[r, alpha, a, b]| Law::BgNbd { r, alpha, a, b },
            |[r, alpha, a, b]| Law::MbgNbd { r, alpha, a, b },
            |[r, alpha, s, beta]| Law::ParetoNbd { r, alpha, s, beta },
            |[r, alpha, ..]| Law::Nbd { r, alpha },
        ];
        for law in laws {
            let at = [r, alpha, third, fourth];
            let likelihood = |at: [f64; 4]| Purchases { unit: Unit::Weeks, law: law(at) }.log_likelihood(&[history]);
            let (value, by_log) = likelihood(at);
            for (i, slope) in by_log.iter().enumerate() {
                let shifted = |by: f64| {
                    let mut at = at;
                    at[i] *= by.exp();
                    likelihood(at).0
                };
                let found = (shifted(1e-5) - shifted(-1e-5)) / 2e-5;
                prop_assert!((found - slope).abs() <= 1e-6 * (1.0 + value.abs() + slope.abs()), "{:?} {i}: {found} {slope}", law(at));
            }
        }
    }

    /// More time brings no fewer purchases, and a longer silence no better chances.
    #[test]
    fn predictions_are_ordered(x in 1u32..20, age in 10.0..100.0f64, active in 0.1..0.9f64) {
        for model in [bg(), mbg(), pareto()] {
            let (early, late) = (weeks(x, active * age, age), weeks(x, (active + 0.1) * age, age));
            prop_assert!(model.alive(&early) <= model.alive(&late) + 1e-12);
            let expected = [1.0, 10.0, 100.0, 1000.0].map(|t| model.expected(&late, Days(t)));
            prop_assert!(expected.is_sorted(), "{expected:?}");
            prop_assert!(expected[0] >= 0.0);
        }
    }
}

/// lifetimes: `customer_lifetime_value(time=12, discount_rate=0.01, freq="W")` adds up the purchases of twelve months of
/// 4.345 weeks, each discounted by 1 % per month at its end, times what a purchase brings.
#[test]
fn value_is_that_of_lifetimes_in_its_own_terms() {
    let spend = GammaGamma { p: 6.25, q: 3.74, gamma: 15.44, observed: 1.0 };
    let customers = [
        (weeks(2, 30.43, 38.86), Some(22.35), 24.663_713_910_761_157, 36.289_211_125_599_52),
        (weeks(0, 0.0, 38.86), None, 35.218_978_102_189_78, 8.369_004_358_920_185),
        (weeks(10, 35.0, 38.0), Some(60.0), 58.959_227_467_811_17, 450.768_826_735_208_17),
        (weeks(1, 1.71, 38.86), Some(5.0), 14.210_233_592_880_98, 3.483_509_843_632_216_7),
    ];
    for (history, mean, each, value) in customers {
        let seen = mean.map(|mean| Repeats { repeats: history.repeats, mean });
        close(spend.expected(seen), each, 1e-12);
        let until = |month: f64| bg().expected(&history, Days(7.0 * 4.345 * month));
        let months = (1..=12).map(f64::from);
        let found: f64 = months.map(|m| (until(m) - until(m - 1.0)) * 1.01_f64.powf(-m)).sum();
        close(found * spend.expected(seen), value, 1e-9);
    }
}

/// mpmath: the integral of E'(t) (1 + rate)^(-t / 365 days), over one year at 10 % and over three at 15 %.
#[test]
fn discounting_is_continuous() {
    let cases = [
        (weeks(2, 30.43, 38.86), 1.495_137_882_034_3, 2.995_991_284_443),
        (weeks(0, 0.0, 38.86), 0.241_539_457_205_67, 0.522_948_472_466_44),
        (weeks(10, 35.0, 38.0), 7.766_962_052_644_5, 14.737_130_652_19),
        (weeks(0, 0.0, 0.0), 1.393_231_686_555_7, 2.379_786_709_170_5),
    ];
    for (history, one, three) in cases {
        close(present_value(&bg(), &history, Days(365.0), Discount { per_year: 0.10 }), one, 1e-9);
        close(present_value(&bg(), &history, Days(1095.0), Discount { per_year: 0.15 }), three, 1e-7);
        let plain = present_value(&bg(), &history, Days(365.0), Discount { per_year: 0.0 });
        close(plain, bg().expected(&history, Days(365.0)), 1e-15);
    }
}

/// The unit is how parameters are written down; it changes no prediction.
#[test]
fn weeks_and_days_predict_the_same() {
    let in_days = Purchases { unit: Unit::Days, law: Law::BgNbd { r: 0.243, alpha: 7.0 * 4.414, a: 0.793, b: 2.426 } };
    for (x, active, age) in CUSTOMERS {
        let history = weeks(x, active, age);
        close(in_days.alive(&history), bg().alive(&history), 1e-12);
        close(in_days.expected(&history, Days(100.0)), bg().expected(&history, Days(100.0)), 1e-12);
    }
}

/// What customers spend where more came back than was bought, and where the model has no mean.
#[test]
fn spend_is_defined_for_everybody() {
    let heavy = GammaGamma { p: 2.0, q: 0.9, gamma: 10.0, observed: 25.0 };
    assert_eq!(heavy.expected(None), 25.0);
    close(heavy.expected(Some(Repeats { repeats: 1, mean: 30.0 })), 2.0 * 40.0 / 1.9, 1e-15);
    let usual = GammaGamma { p: 6.25, q: 3.74, gamma: 15.44, observed: 35.0 };
    let refunded = usual.expected(Some(Repeats { repeats: 2, mean: -40.0 }));
    close(refunded, usual.expected(Some(Repeats { repeats: 2, mean: 0.0 })), 1e-15);
    assert!(refunded > 0.0);
}

/// The interval of a mean: symmetric data give the width that theory says, 1.96 standard errors to each side; and the
/// same seed gives the same bits on any number of threads.
#[test]
fn the_bootstrap_is_as_wide_as_theory_says() {
    let values: Vec<f64> = (0..1000).map(|i| f64::from(i % 10)).collect();
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| bootstrap_mean(&values, 2000, 42).unwrap())
    };
    let found = on(1);
    assert_eq!(found, on(2));
    let error = (8.25_f64 / 1000.0).sqrt();
    near(found.mean, 4.5, 1e-12);
    near(found.low, 4.5 - 1.96 * error, 0.01);
    near(found.high, 4.5 + 1.96 * error, 0.01);
    assert_eq!(bootstrap_mean(&[], 10, 1), None);
}

/// Equal histories are computed once, and everybody gets their own value.
#[test]
fn values_come_back_in_the_order_of_customers() {
    let histories: Vec<_> = (0..5000u32).map(|i| weeks(i % 7, f64::from(i % 7), 10.0 + f64::from(i % 3))).collect();
    let found = for_each_history(&histories, |h| bg().alive(h));
    assert!(histories.iter().zip(&found).all(|(h, alive)| bg().alive(h) == *alive));
}
