//! Fractions of whole numbers, exact: what a proof about rules computes with.
//!
//! Numerator and denominator fit 64 bits; a result that does not is [`Undecided`], and so is what depended on it.

use std::cmp::Ordering;
use std::fmt;

use super::Undecided;
use crate::expr::{Decimal, format_decimal};

/// `over / under` in lowest terms; `under` is positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rational {
    over: i64,
    under: i64,
}

impl Rational {
    pub const ZERO: Rational = Rational { over: 0, under: 1 };
    pub const ONE: Rational = Rational { over: 1, under: 1 };

    pub fn whole(n: i64) -> Rational {
        Rational { over: n, under: 1 }
    }

    /// Nothing for a division by zero, or where the fraction needs more than 64 bits.
    pub fn new(over: i128, under: i128) -> Option<Rational> {
        if under == 1 {
            return Some(Rational { over: i64::try_from(over).ok()?, under: 1 });
        }
        // Nearly all numbers are small, and division of 128 bits is slow.
        if let (Ok(over), Ok(under)) = (i64::try_from(over), i64::try_from(under))
            && under > 0
        {
            let divisor = small_gcd(over.unsigned_abs(), under.unsigned_abs()) as i64;
            return Some(Rational { over: over / divisor, under: under / divisor });
        }
        let divisor = gcd(over.unsigned_abs(), under.unsigned_abs());
        if under == 0 || divisor > i128::MAX as u128 {
            return None;
        }
        let divisor = divisor as i128 * under.signum();
        Some(Rational { over: i64::try_from(over / divisor).ok()?, under: i64::try_from(under / divisor).ok()? })
    }

    /// The number that is meant by a decimal: the decimal itself, as long as no other has the same `f64`.
    pub fn of_decimal(decimal: Decimal) -> Option<Rational> {
        if decimal.units.unsigned_abs() < 1 << 53 {
            Rational::new(i128::from(decimal.units), 10i128.checked_pow(u32::from(decimal.scale))?)
        } else {
            Rational::of_f64(decimal.as_f64())
        }
    }

    /// Exactly the value of a finite `f64`.
    pub fn of_f64(x: f64) -> Option<Rational> {
        let (mut over, mut under) = (x, 1i128);
        while over.fract() != 0.0 && under < 1 << 62 {
            (over, under) = (over * 2.0, under * 2);
        }
        let fits = over.is_finite() && over.fract() == 0.0 && over.abs() < 2f64.powi(100);
        if fits { Rational::new(over as i128, under) } else { None }
    }

    pub fn to_f64(self) -> f64 {
        self.over as f64 / self.under as f64
    }

    pub fn plus(self, other: Rational) -> Result<Rational, Undecided> {
        if self.under == 1 && other.under == 1 {
            let over = self.over.checked_add(other.over).ok_or(Undecided)?;
            return Ok(Rational { over, under: 1 });
        }
        let (a, b) = (i128::from(self.over), i128::from(self.under));
        let (c, d) = (i128::from(other.over), i128::from(other.under));
        // Each product has at most 126 bits.
        Rational::new(a * d + c * b, b * d).ok_or(Undecided)
    }

    pub fn minus(self, other: Rational) -> Result<Rational, Undecided> {
        self.plus(other.negative()?)
    }

    pub fn times(self, other: Rational) -> Result<Rational, Undecided> {
        let over = i128::from(self.over) * i128::from(other.over);
        Rational::new(over, i128::from(self.under) * i128::from(other.under)).ok_or(Undecided)
    }

    /// Undecided for a division by zero.
    pub fn divided_by(self, other: Rational) -> Result<Rational, Undecided> {
        let over = i128::from(self.over) * i128::from(other.under);
        Rational::new(over, i128::from(self.under) * i128::from(other.over)).ok_or(Undecided)
    }

    pub fn negative(self) -> Result<Rational, Undecided> {
        Ok(Rational { over: self.over.checked_neg().ok_or(Undecided)?, ..self })
    }

    /// The largest multiple of `step` that is not larger.
    pub fn floor_to(self, step: Rational) -> Result<Rational, Undecided> {
        let steps = self.divided_by(step)?;
        step.times(Rational::whole(steps.over.div_euclid(steps.under)))
    }

    /// The smallest multiple of `step` that is not smaller.
    pub fn ceil_to(self, step: Rational) -> Result<Rational, Undecided> {
        self.negative()?.floor_to(step)?.negative()
    }

    pub fn is_multiple_of(self, step: Rational) -> bool {
        self.divided_by(step).is_ok_and(|steps| steps.under == 1)
    }

    pub fn is_whole(self) -> bool {
        self.under == 1
    }

    /// Whether it has an end as a decimal.
    pub fn is_decimal(self) -> bool {
        ends(self.under)
    }

    pub fn denominator(self) -> i64 {
        self.under
    }

    pub fn is_zero(self) -> bool {
        self.over == 0
    }

    pub fn is_negative(self) -> bool {
        self.over < 0
    }

    pub fn is_positive(self) -> bool {
        self.over > 0
    }

    /// The number of which both are multiples, as large as can be; of zero and another, the other.
    pub fn common_step(self, other: Rational) -> Option<Rational> {
        let (a, b) = (i128::from(self.over), i128::from(self.under));
        let (c, d) = (i128::from(other.over), i128::from(other.under));
        let over = gcd((a * d).unsigned_abs(), (c * b).unsigned_abs());
        Rational::new(i128::try_from(over).ok()?, b * d)
    }
}

impl PartialOrd for Rational {
    fn partial_cmp(&self, other: &Rational) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Rational {
    fn cmp(&self, other: &Rational) -> Ordering {
        if self.under == other.under {
            return self.over.cmp(&other.over);
        }
        let left = i128::from(self.over) * i128::from(other.under);
        left.cmp(&(i128::from(other.over) * i128::from(self.under)))
    }
}

/// As a decimal: exact where six decimals are enough or the fraction has an end soon after, otherwise cut off.
impl fmt::Display for Rational {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for scale in 0..=15u32 {
            let scaled = i128::from(self.over) * 10i128.pow(scale);
            if scaled % i128::from(self.under) == 0 || (scale == 6 && !ends(self.under)) {
                return f.write_str(&format_decimal(scaled / i128::from(self.under), scale as u8));
            }
        }
        write!(f, "{}", self.to_f64())
    }
}

/// Whether a fraction with this denominator has an end as a decimal.
fn ends(mut under: i64) -> bool {
    for factor in [2, 5] {
        while under % factor == 0 {
            under /= factor;
        }
    }
    under == 1
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while a > u128::from(u64::MAX) || b > u128::from(u64::MAX) {
        if b == 0 {
            return a.max(1);
        }
        (a, b) = (b, a % b);
    }
    u128::from(small_gcd(a as u64, b as u64))
}

/// At least 1, and at most the larger of both.
fn small_gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}
