//! Gauss' hypergeometric function 2F1, as far as the Pareto/NBD needs it.

/// Beyond this many steps a fraction is as good as it gets.
const MOST_STEPS: usize = 2_000;

/// A value and its derivatives by b, c and z.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Partials {
    pub value: f64,
    pub by: [f64; 3],
}

/// 2F1(1, b; c; z) for b, c > 0 and z < 1, with derivatives, by Gauss' continued fraction, which converges geometrically
/// for all such z. Relative error 1e-13 for z between -10 and 0.97, 1e-9 at 0.9999.
///
/// Source: Abramowitz and Stegun 15.1, Wall, Analytic theory of continued fractions, 1948, chapter 18.
pub fn hyp2f1_one(b: f64, c: f64, z: f64) -> Partials {
    // Convergents p/q of 1 / (1 + k1 / (1 + k2 / (1 + ...))), each with its three derivatives.
    let mut before = ([0.0; 4], [1.0, 0.0, 0.0, 0.0]);
    let mut now = ([1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]);
    let (mut value, mut settled) = (1.0, 0);
    for n in 1..MOST_STEPS {
        let k = numerator(n, b, c, z);
        let next = |now: &[f64; 4], before: &[f64; 4]| {
            let mut next = [now[0] + k[0] * before[0], 0.0, 0.0, 0.0];
            (1..4).for_each(|i| next[i] = now[i] + k[0] * before[i] + k[i] * before[0]);
            next
        };
        let (p, q) = (next(&now.0, &before.0), next(&now.1, &before.1));
        (before, now) = (now, (p, q));
        // Only quotients count: keep both within range.
        let size = now.1[0].abs();
        if !(1e-100..1e100).contains(&size) {
            let scale = 1.0 / size;
            for part in [&mut before.0, &mut before.1, &mut now.0, &mut now.1] {
                part.iter_mut().for_each(|x| *x *= scale);
            }
        }
        let found = now.0[0] / now.1[0];
        settled = if (found - value).abs() <= f64::EPSILON * found.abs() { settled + 1 } else { 0 };
        value = found;
        // Derivatives settle a little later than the value.
        if settled == 3 {
            break;
        }
    }
    let (p, q) = now;
    Partials { value, by: [1, 2, 3].map(|i| (p[i] - value * q[i]) / q[0]) }
}

/// The n-th partial numerator over the two denominators beside it, and its derivatives by b, c and z.
fn numerator(n: usize, b: f64, c: f64, z: f64) -> [f64; 4] {
    let m = (n / 2) as f64;
    if n == 1 {
        return [-b / c * z, -z / c, b / (c * c) * z, -b / c];
    }
    let (low, high) =
        if n.is_multiple_of(2) { (c + 2.0 * m - 2.0, c + 2.0 * m - 1.0) } else { (c + 2.0 * m - 1.0, c + 2.0 * m) };
    let below = low * high;
    let shrink = 1.0 / low + 1.0 / high;
    if n.is_multiple_of(2) {
        let k = m * (b - c - m + 1.0) / below;
        [k * z, m / below * z, (-m / below - k * shrink) * z, k]
    } else {
        let k = -(b + m) * (c + m - 1.0) / below;
        [k * z, -(c + m - 1.0) / below * z, (-(b + m) / below - k * shrink) * z, k]
    }
}
