//! Values in words: rounded for reading, and exact as they stand in a spec.

use serde_json::{Value as Json, json};

use crate::eval::Value;
use crate::regions::{Rational, number_in_words};
use crate::summarize::in_unit;
use crate::time::{DAY, iso, iso_date};
use crate::types::Base;

/// As a person reads it: `12 days`, `870.5 GBP`, `4 of 5`.
pub(super) fn shown(value: &Value, base: Base, currency: Option<&str>) -> String {
    match value {
        Value::Missing => "missing".to_owned(),
        Value::Bool(b) => b.to_string(),
        Value::Text(text) => format!("\"{text}\""),
        Value::Number(x) => match base {
            Base::Score(n) => format!("{x} of {n}"),
            Base::Duration => format!("{} days", rounded(x / DAY as f64, 3)),
            Base::Money => format!("{} {}", rounded(*x, 6), currency.unwrap_or_default()),
            Base::Share => format!("{} %", rounded(100.0 * x, 3)),
            Base::Date => iso_date(*x as i64),
            Base::Datetime => iso(*x as i64),
            _ => rounded(*x, 6),
        },
    }
}

/// As it stands in a spec, to the last digit.
pub(super) fn exact(value: &Value, base: Base, currency: Option<&str>) -> String {
    match value {
        Value::Number(x) if base == Base::Duration && x.fract() == 0.0 && x.abs() < 9e15 => {
            number_in_words(Rational::whole(*x as i64), base, currency)
        }
        Value::Number(x) if base == Base::Share => format!("{}%", rounded(100.0 * x, 9)),
        Value::Number(x) if !matches!(base, Base::Money) && !base.is_time() => rounded(*x, 9),
        _ => shown(value, base, currency),
    }
}

/// In the unit of outputs; what is not finite is `null`.
pub(super) fn json(value: &Value, base: Base) -> Json {
    match value {
        Value::Missing => Json::Null,
        Value::Bool(b) => json!(b),
        Value::Text(text) => json!(text.as_ref()),
        Value::Number(x) if base.is_time() => json!(iso(*x as i64)),
        Value::Number(x) => json!(Some(in_unit(base, *x)).filter(|x| x.is_finite())),
    }
}

fn rounded(x: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", x + 0.0);
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}
