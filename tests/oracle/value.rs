//! Values and what operators and functions do to them, as LANGUAGE.md says it.

use std::cmp::Ordering;

use chrono::{DateTime, Datelike, Timelike};
use segc::expr::{Comparator, Operator};
use segc::spec::Scalar;
use segc::types::Base;

pub const DAY: i128 = 86_400_000_000;

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Missing,
    Bool(bool),
    Text(String),
    /// `units / 10^scale`: whole numbers, money, written decimals; microseconds for time spans and moments.
    Exact(i128, u32),
    /// Double precision, in the same units.
    Float(f64),
}

use Value::{Bool, Exact, Float, Missing, Text};

impl Value {
    pub fn whole(n: i128) -> Value {
        Exact(n, 0)
    }

    pub fn is_missing(&self) -> bool {
        *self == Missing
    }

    pub fn truth(&self) -> Option<bool> {
        if let Bool(b) = self { Some(*b) } else { None }
    }

    /// As a double, the nearest to the exact value.
    pub fn double(&self) -> Option<f64> {
        match self {
            Exact(units, scale) => Some(*units as f64 / 10f64.powi(*scale as i32)),
            Float(x) => Some(*x),
            _ => None,
        }
    }

    /// A feature's value: exact numbers end where features begin.
    pub fn into_feature(self) -> Value {
        self.double().map_or(self, number)
    }

    /// The order of two values of one type; nothing where one is missing.
    pub fn order(&self, other: &Value) -> Option<Ordering> {
        match (self, other) {
            (Exact(a, s), Exact(b, t)) => Some((a * ten(t.saturating_sub(*s))).cmp(&(b * ten(s.saturating_sub(*t))))),
            (Text(a), Text(b)) => Some(a.chars().cmp(b.chars())),
            (Bool(a), Bool(b)) => Some(a.cmp(b)),
            _ => self.double()?.partial_cmp(&other.double()?),
        }
    }
}

pub fn ten(n: u32) -> i128 {
    10i128.pow(n)
}

/// A division by zero and a logarithm of nothing are missing; zero has no sign.
fn number(x: f64) -> Value {
    if x.is_nan() { Missing } else { Float(x + 0.0) }
}

/// Comparing with what is missing is unknown.
pub fn compare(a: &Value, comparator: Comparator, b: &Value) -> Value {
    let Some(order) = a.order(b) else { return Missing };
    Bool(match comparator {
        Comparator::Less => order == Ordering::Less,
        Comparator::LessOrEqual => order != Ordering::Greater,
        Comparator::Greater => order == Ordering::Greater,
        Comparator::GreaterOrEqual => order != Ordering::Less,
        Comparator::Equal => order == Ordering::Equal,
        Comparator::NotEqual => order != Ordering::Equal,
    })
}

pub fn not(a: &Value) -> Value {
    a.truth().map_or(Missing, |b| Bool(!b))
}

/// False where one is false, else unknown where one is.
pub fn and(all: &[Value]) -> Value {
    if all.contains(&Bool(false)) {
        Bool(false)
    } else if all.contains(&Missing) {
        Missing
    } else {
        Bool(true)
    }
}

pub fn or(all: &[Value]) -> Value {
    not(&and(&all.iter().map(not).collect::<Vec<_>>()))
}

pub fn negative(a: &Value) -> Value {
    match a {
        Exact(units, scale) => Exact(-units, *scale),
        Float(x) => number(-x),
        _ => Missing,
    }
}

/// The type of `a operator b`: the table of LANGUAGE.md, of what may be combined.
pub fn combined(a: Base, operator: Operator, b: Base) -> Base {
    let unit = |base: Base| matches!(base, Base::Money | Base::Duration);
    match (a, operator, b) {
        (a, Operator::Divide, b) if a.is_plain() == b.is_plain() => Base::Number,
        (a, Operator::Subtract, b) if a.is_time() && b.is_time() => Base::Duration,
        (a, _, b) if a.is_time() || b.is_time() => Base::Datetime,
        (a, _, _) if unit(a) => a,
        (_, _, b) if unit(b) => b,
        (Base::Share, Operator::Add | Operator::Subtract, Base::Share) => Base::Share,
        (a, _, b) if a.is_whole() && b.is_whole() => Base::Int,
        _ => Base::Number,
    }
}

/// `a operator b`, whose type is `base`. Money is exact to nine decimals where both are, else rounded to six.
pub fn arithmetic(a: &Value, operator: Operator, b: &Value, base: Base) -> Value {
    let (Some(x), Some(y)) = (a.double(), b.double()) else { return Missing };
    if operator == Operator::Divide && y == 0.0 {
        return Missing;
    }
    let keeps = matches!(base, Base::Money | Base::Duration | Base::Date | Base::Datetime) || base.is_whole();
    if let (Exact(m, s), Exact(n, t), true) = (a, b, keeps) {
        let scale = *s.max(t);
        let (m_, n_) = (m * ten(scale - s), n * ten(scale - t));
        return match operator {
            Operator::Add => Exact(m_ + n_, scale),
            Operator::Subtract => Exact(m_ - n_, scale),
            Operator::Multiply => at_most(m * n, s + t, if base == Base::Money { 9 } else { 0 }),
            Operator::Divide => match base {
                Base::Money => Exact(nearest(m_ * ten(6), n_), 6),
                _ => Exact(nearest(m_, n_), 0),
            },
        };
    }
    let result = match operator {
        Operator::Add => x + y,
        Operator::Subtract => x - y,
        Operator::Multiply => x * y,
        Operator::Divide => x / y,
    };
    match base {
        Base::Money => to_decimals(result, 6),
        Base::Duration | Base::Date | Base::Datetime => to_decimals(result, 0),
        _ => number(result),
    }
}

/// Rounded to that many decimals if it has more.
fn at_most(units: i128, scale: u32, most: u32) -> Value {
    if scale <= most { Exact(units, scale) } else { Exact(nearest(units, ten(scale - most)), most) }
}

/// The whole number nearest to `a / b`, halves away from zero.
fn nearest(a: i128, b: i128) -> i128 {
    let (magnitude, sign) = (a.abs(), a.signum() * b.signum());
    sign * ((2 * magnitude + b.abs()) / (2 * b.abs()))
}

/// A double, rounded to decimals, halves away from zero: what is a tie in the fifteen digits that a double has, is one.
fn to_decimals(x: f64, decimals: u32) -> Value {
    let scaled = x * 10f64.powi(decimals as i32);
    let tie = scaled.trunc() + 0.5f64.copysign(scaled);
    let near = (scaled - tie).abs() <= (8.0 * f64::EPSILON * scaled.abs()).min(1e-3);
    let units = if near { (tie + 0.5f64.copysign(tie)).trunc() } else { scaled.round() };
    if units.abs() < 9.2e18 { Exact(units as i128, decimals) } else { number(x) }
}

/// A function of one value. `bases` are the types of the arguments, `base` that of the result.
pub fn call(function: Scalar, a: &[Value], bases: &[Base], base: Base) -> Value {
    if function == Scalar::Coalesce {
        return a.iter().find(|v| !v.is_missing()).cloned().unwrap_or(Missing);
    }
    if a.iter().any(Value::is_missing) {
        return Missing;
    }
    // Of plain numbers that are not whole, a result is one that was computed.
    let exact = |v: Value| if base.is_plain() && !base.is_whole() { number(v.double().unwrap()) } else { v };
    let amount = || a[0].double().unwrap() / if bases[0] == Base::Duration { DAY as f64 } else { 1.0 };
    let moment = |at: usize| match a[at] {
        Exact(micros, _) => micros,
        ref v => v.double().unwrap().floor() as i128,
    };
    let date = || DateTime::from_timestamp_micros(moment(0) as i64).unwrap();
    match function {
        Scalar::Coalesce => unreachable!("seen above"),
        Scalar::Log1p => number(if amount() > -1.0 { amount().ln_1p() } else { f64::NAN }),
        Scalar::Ln => number(if amount() > 0.0 { amount().ln() } else { f64::NAN }),
        Scalar::Sqrt => number(if amount() >= 0.0 { amount().sqrt() } else { f64::NAN }),
        Scalar::Abs => exact(if a[0].double().unwrap() < 0.0 { negative(&a[0]) } else { a[0].clone() }),
        Scalar::Round => {
            let digits = a.get(1).map_or(0, |d| d.double().unwrap() as u32);
            exact(match a[0] {
                Exact(units, scale) => at_most(units, scale, digits),
                ref v => to_decimals(v.double().unwrap(), digits),
            })
        }
        Scalar::Floor | Scalar::Ceil => {
            let up = function == Scalar::Ceil;
            exact(match a[0] {
                Exact(units, scale) if up => Value::whole(-(-units).div_euclid(ten(scale))),
                Exact(units, scale) => Value::whole(units.div_euclid(ten(scale))),
                ref v if up => to_decimals(v.double().unwrap().ceil(), 0),
                ref v => to_decimals(v.double().unwrap().floor(), 0),
            })
        }
        Scalar::Clip => {
            let least = if a[0].order(&a[1]) == Some(Ordering::Less) { &a[1] } else { &a[0] };
            exact(if least.order(&a[2]) == Some(Ordering::Greater) { a[2].clone() } else { least.clone() })
        }
        Scalar::WholeDays | Scalar::DateOf => Value::whole(moment(0).div_euclid(DAY) * DAY),
        Scalar::CalendarDays => Value::whole((moment(1).div_euclid(DAY) - moment(0).div_euclid(DAY)) * DAY),
        Scalar::Days => number(a[0].double().unwrap() / DAY as f64),
        Scalar::Year => Value::whole(date().year().into()),
        Scalar::Month => Value::whole(date().month().into()),
        Scalar::Day => Value::whole(date().day().into()),
        Scalar::Weekday => Value::whole(date().weekday().number_from_monday().into()),
        Scalar::Hour => Value::whole(date().hour().into()),
        Scalar::StartOfMonth => Value::whole((moment(0).div_euclid(DAY) - i128::from(date().day()) + 1) * DAY),
        Scalar::Lower | Scalar::Upper | Scalar::Trim | Scalar::Length => {
            let Text(text) = &a[0] else { return Missing };
            match function {
                Scalar::Lower => Text(text.to_lowercase()),
                Scalar::Upper => Text(text.to_uppercase()),
                Scalar::Trim => Text(text.trim().to_owned()),
                _ => Value::whole(text.chars().count() as i128),
            }
        }
    }
}
