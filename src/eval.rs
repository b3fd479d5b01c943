//! Evaluates an expression of the plan for one customer, cluster or test: what labels, features and scores mean is
//! defined here once, whatever engine made the columns.
//!
//! Numbers are in base units: microseconds for time spans and moments, currency units for money, 0 to 1 for shares.

use std::cmp::Ordering;
use std::sync::Arc;

use chrono::{DateTime, Datelike, Timelike};

use crate::expr::{Operator, TextVerb};
use crate::plan::expr::{Constant, Expr, Op};
use crate::spec::Scalar;
use crate::time::DAY;
use crate::types::Base;

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Missing,
    Number(f64),
    Text(Arc<str>),
    Bool(bool),
}

/// What an expression can ask of its surroundings.
pub trait Scope<C> {
    fn column(&self, column: &C) -> Value;
    /// The feature over all customers.
    fn all(&self, column: &C) -> Value;
    /// Microseconds.
    fn as_of(&self) -> Value;
}

impl Value {
    /// A number, or missing where there is none: a division by zero, a logarithm outside its domain. Zero has no sign.
    pub fn number(x: f64) -> Value {
        if x.is_nan() { Value::Missing } else { Value::Number(x + 0.0) }
    }

    pub fn as_number(&self) -> Option<f64> {
        match self {
            Value::Number(x) => Some(*x),
            _ => None,
        }
    }

    fn order(&self, other: &Value) -> Option<Ordering> {
        match (self, other) {
            (Value::Number(a), Value::Number(b)) => a.partial_cmp(b),
            (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
            (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }
}

/// The value of `expr`; a comparison with a missing value is missing.
pub fn eval<C>(expr: &Expr<C>, scope: &dyn Scope<C>) -> Value {
    match &expr.op {
        Op::Constant(constant) => match constant {
            Constant::Missing => Value::Missing,
            Constant::Decimal(n) => Value::Number(n.as_f64()),
            Constant::Micros(micros) => Value::Number(*micros as f64),
            Constant::Text(text) => Value::Text(Arc::from(text.as_str())),
            Constant::Bool(b) => Value::Bool(*b),
        },
        Op::Column(c) => scope.column(c),
        Op::All(c) => scope.all(c),
        Op::AsOf => scope.as_of(),
        Op::Not(a) => truth(a, scope).map_or(Value::Missing, |b| Value::Bool(!b)),
        Op::Negate(a) => eval(a, scope).as_number().map_or(Value::Missing, |x| Value::number(-x)),
        Op::And(list) => decided(list, scope, false),
        Op::Or(list) => decided(list, scope, true),
        Op::Arithmetic(a, operator, b) => match (eval(a, scope).as_number(), eval(b, scope).as_number()) {
            (Some(x), Some(y)) => arithmetic(x, *operator, y, expr.base),
            _ => Value::Missing,
        },
        Op::Compare(a, comparator, b) => match eval(a, scope).order(&eval(b, scope)) {
            Some(order) => Value::Bool(comparator.holds(order)),
            None => Value::Missing,
        },
        Op::IsMissing(a) => Value::Bool(eval(a, scope) == Value::Missing),
        Op::Text(a, verb, b) => match (eval(a, scope), eval(b, scope)) {
            (Value::Text(text), Value::Text(pattern)) => Value::Bool(text_test(&text, *verb, &pattern)),
            _ => Value::Missing,
        },
        Op::If(condition, then, otherwise) => {
            eval(if truth(condition, scope) == Some(true) { then } else { otherwise }, scope)
        }
        Op::Call(function, arguments) => call(*function, arguments, scope),
        // Rows alone can repeat one another; `resolve` keeps this out of everything that is evaluated here.
        Op::Duplicate(_) => Value::Missing,
    }
}

/// Whether a condition holds; nothing when it is unknown.
pub fn truth<C>(expr: &Expr<C>, scope: &dyn Scope<C>) -> Option<bool> {
    match eval(expr, scope) {
        Value::Bool(b) => Some(b),
        _ => None,
    }
}

/// Kleene's `and` (decided by false) and `or` (decided by true).
fn decided<C>(list: &[Expr<C>], scope: &dyn Scope<C>, by: bool) -> Value {
    let mut unknown = false;
    for part in list {
        match truth(part, scope) {
            Some(b) if b == by => return Value::Bool(by),
            Some(_) => {}
            None => unknown = true,
        }
    }
    if unknown { Value::Missing } else { Value::Bool(!by) }
}

fn arithmetic(x: f64, operator: Operator, y: f64, base: Base) -> Value {
    let result = match operator {
        Operator::Add => x + y,
        Operator::Subtract => x - y,
        Operator::Multiply => x * y,
        Operator::Divide if y == 0.0 => return Value::Missing,
        Operator::Divide => x / y,
    };
    Value::number(match base {
        // A time span is a whole number of microseconds.
        Base::Duration | Base::Datetime => result.round(),
        // Money is decimal: 0.1 and 0.2 make 0.3.
        Base::Money => rounded_to_millionths(result),
        _ => result,
    })
}

pub(crate) fn text_test(text: &str, verb: TextVerb, pattern: &str) -> bool {
    match verb {
        TextVerb::StartsWith => text.starts_with(pattern),
        TextVerb::EndsWith => text.ends_with(pattern),
        TextVerb::Contains => text.contains(pattern),
        // `check` has compiled the pattern before; compiling it again per customer is slow but rare.
        TextVerb::Matches => regex::Regex::new(pattern).is_ok_and(|regex| regex.is_match(text)),
    }
}

fn call<C>(function: Scalar, arguments: &[Expr<C>], scope: &dyn Scope<C>) -> Value {
    let values: Vec<Value> = arguments.iter().map(|a| eval(a, scope)).collect();
    if function == Scalar::Coalesce {
        return values.into_iter().find(|v| *v != Value::Missing).unwrap_or(Value::Missing);
    }
    if let Some(Value::Text(text)) = values.first() {
        return match function {
            Scalar::Lower => Value::Text(text.to_lowercase().into()),
            Scalar::Upper => Value::Text(text.to_uppercase().into()),
            Scalar::Trim => Value::Text(text.trim().into()),
            Scalar::Length => Value::Number(text.chars().count() as f64),
            _ => Value::Missing,
        };
    }
    let Some(numbers) = values.iter().map(Value::as_number).collect::<Option<Vec<f64>>>() else {
        return Value::Missing;
    };
    let of_duration = arguments.first().is_some_and(|a| a.base == Base::Duration);
    number_function(function, &numbers, of_duration)
}

/// A function of numbers in base units. `of_duration` says that the first is a time span: logarithms and roots act on
/// its days.
pub(crate) fn number_function(function: Scalar, a: &[f64], of_duration: bool) -> Value {
    let amount = if of_duration { a[0] / DAY as f64 } else { a[0] };
    Value::number(match function {
        Scalar::Log1p if amount > -1.0 => amount.ln_1p(),
        Scalar::Ln if amount > 0.0 => amount.ln(),
        Scalar::Sqrt if amount >= 0.0 => amount.sqrt(),
        Scalar::Abs => a[0].abs(),
        Scalar::Round => {
            let unit = 10f64.powi(a.get(1).map_or(0, |digits| *digits as i32));
            half_away_from_zero(a[0] * unit) / unit
        }
        Scalar::Floor => a[0].floor(),
        Scalar::Ceil => a[0].ceil(),
        Scalar::Clip => a[0].max(a[1]).min(a[2]),
        Scalar::WholeDays => midnight(a[0]),
        Scalar::CalendarDays => midnight(a[1]) - midnight(a[0]),
        Scalar::Days => a[0] / DAY as f64,
        Scalar::DateOf => midnight(a[0]),
        Scalar::Year | Scalar::Month | Scalar::Day | Scalar::Weekday | Scalar::Hour | Scalar::StartOfMonth => {
            return date_part(function, a[0]).map_or(Value::Missing, Value::Number);
        }
        _ => return Value::Missing,
    })
}

/// The largest multiple of a day that is not larger; exact, since the remainder of a division is.
fn midnight(micros: f64) -> f64 {
    micros - micros.rem_euclid(DAY as f64)
}

/// Rounds as people do with decimals: 100.49999999999999, which is what 1.005 x 100 gives in binary, is a tie.
fn half_away_from_zero(x: f64) -> f64 {
    (x + x.signum() * x.abs() * 4.0 * f64::EPSILON).round()
}

/// To six decimals, which is what money that is not exact is kept with; larger numbers have no sixth decimal.
fn rounded_to_millionths(x: f64) -> f64 {
    if x.abs() < 9e9 { half_away_from_zero(x * 1e6) / 1e6 } else { x }
}

fn date_part(function: Scalar, micros: f64) -> Option<f64> {
    // Beyond the calendar's ends, some 260,000 years away, time stands still.
    let (first, last) =
        (DateTime::<chrono::Utc>::MIN_UTC.timestamp_micros(), DateTime::<chrono::Utc>::MAX_UTC.timestamp_micros());
    let moment = DateTime::from_timestamp_micros((micros as i64).clamp(first, last))?;
    Some(match function {
        Scalar::Year => f64::from(moment.year()),
        Scalar::Month => f64::from(moment.month()),
        Scalar::Day => f64::from(moment.day()),
        // Monday is 1, as in ISO 8601.
        Scalar::Weekday => f64::from(moment.weekday().number_from_monday()),
        Scalar::Hour => f64::from(moment.hour()),
        _ => midnight(micros) - (f64::from(moment.day()) - 1.0) * DAY as f64,
    })
}
