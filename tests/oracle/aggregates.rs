//! Aggregates over the values of a group, one definition each, in exact arithmetic where the values are exact.

use std::cmp::Ordering;

use segc::spec::Aggregate;
use segc::types::Base;

use super::value::Value::{self, Exact, Float, Missing};
use super::value::{DAY, ten};

/// A value with the time of its row or basket.
pub struct Item {
    pub value: Value,
    pub time: i128,
}

/// `items` are those that `where` lets through, missing values among them. `base` is the type of the values.
pub fn aggregate(function: Aggregate, items: &[Item], base: Base, q: f64) -> Value {
    let known: Vec<&Item> = items.iter().filter(|item| !item.value.is_missing()).collect();
    let n = known.len();
    let mut sorted: Vec<&Value> = known.iter().map(|item| &item.value).collect();
    sorted.sort_by(|a, b| by_value(a, b));
    let groups: Vec<&[&Value]> = sorted.chunk_by(|a, b| by_value(a, b).is_eq()).collect();
    match function {
        Aggregate::Count => Value::whole(n as i128),
        Aggregate::CountDistinct => Value::whole(groups.len() as i128),
        Aggregate::Sum => sum(&sorted),
        _ if n == 0 => Missing,
        Aggregate::Mean => match sum(&sorted) {
            Exact(units, scale) => Float(units as f64 / (n as f64 * 10f64.powi(scale as i32))),
            total => Float(total.double().unwrap() / n as f64),
        },
        Aggregate::Median => quantile(&sorted, 0.5),
        Aggregate::Quantile => quantile(&sorted, q),
        Aggregate::Min => sorted[0].clone(),
        Aggregate::Max => sorted[n - 1].clone(),
        Aggregate::Std if n < 2 => Missing,
        Aggregate::Std => Float(standard_deviation(&sorted)),
        Aggregate::First | Aggregate::Last => {
            let times = known.iter().map(|item| item.time);
            let at = if function == Aggregate::First { times.min() } else { times.max() };
            let mut there: Vec<&Value> = known.iter().filter(|i| Some(i.time) == at).map(|i| &i.value).collect();
            there.sort_by(|a, b| by_value(a, b));
            there[0].clone()
        }
        Aggregate::Mode => {
            let most = groups.iter().map(|g| g.len()).max();
            groups.iter().find(|g| Some(g.len()) == most).unwrap()[0].clone()
        }
        Aggregate::Share => {
            Float(known.iter().filter(|item| item.value.truth() == Some(true)).count() as f64 / n as f64)
        }
        Aggregate::Entropy => {
            let shares = groups.iter().map(|g| g.len() as f64 / n as f64);
            Float(shares.map(|p| -p * p.log2()).sum::<f64>() + 0.0)
        }
        Aggregate::MeanGap if groups.len() < 2 => Missing,
        Aggregate::MeanGap => {
            let span = sorted[n - 1].double().unwrap() - sorted[0].double().unwrap();
            Float(span / (groups.len() - 1) as f64)
        }
        Aggregate::Trend => slope(&known, base),
    }
}

fn by_value(a: &Value, b: &Value) -> Ordering {
    a.order(b).expect("values of one type have an order")
}

fn sum(values: &[&Value]) -> Value {
    let mut total = Value::whole(0);
    for value in values {
        total = match (&total, value) {
            (Exact(a, s), Exact(b, t)) => {
                let scale = *s.max(t);
                Exact(a * ten(scale - s) + b * ten(scale - t), scale)
            }
            (a, b) => Float(a.double().unwrap() + b.double().unwrap()),
        };
    }
    total
}

/// Linear between the two nearest (type 7 of Hyndman and Fan 1996).
pub fn quantile(sorted: &[&Value], q: f64) -> Value {
    let place = (sorted.len() - 1) as f64 * q;
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    let share = place - place.floor();
    if let (Exact(a, s), Exact(b, t)) = (low, high) {
        let scale = *s.max(t);
        let (a, b) = (a * ten(scale - s), b * ten(scale - t));
        return Float((a as f64 + (b - a) as f64 * share) / 10f64.powi(scale as i32));
    }
    let (a, b) = (low.double().unwrap(), high.double().unwrap());
    Float(a + (b - a) * share)
}

/// With n - 1.
fn standard_deviation(values: &[&Value]) -> f64 {
    let n = values.len() as i128;
    if let Some((units, scale)) = exact(values) {
        let (one, two): (i128, i128) = (units.iter().sum(), units.iter().map(|x| x * x).sum());
        return ((n * two - one * one) as f64 / (n * (n - 1)) as f64).sqrt() / 10f64.powi(scale as i32);
    }
    let values: Vec<f64> = values.iter().map(|v| v.double().unwrap()).collect();
    let mean = values.iter().sum::<f64>() / n as f64;
    (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1) as f64).sqrt()
}

/// Units of one scale, where all values are exact.
fn exact(values: &[&Value]) -> Option<(Vec<i128>, u32)> {
    let scale = values.iter().map(|v| if let Exact(_, scale) = v { Some(*scale) } else { None });
    let scale = scale.collect::<Option<Vec<u32>>>()?.into_iter().max()?;
    let units = |v: &&Value| if let Exact(units, s) = v { units * ten(scale - s) } else { 0 };
    Some((values.iter().map(units).collect(), scale))
}

/// What a least-squares line rises by per day; of time spans, in days.
fn slope(items: &[&Item], base: Base) -> Value {
    let start = items.iter().map(|item| item.time).min().unwrap();
    // Seconds would do as well: the unit of time is put right at the end.
    let times: Vec<i128> = items.iter().map(|item| item.time - start).collect();
    let unit = if base == Base::Duration { DAY as f64 } else { 1.0 };
    let n = items.len() as i128;
    let (t, tt): (i128, i128) = (times.iter().sum(), times.iter().map(|t| t * t).sum());
    let spread = n * tt - t * t;
    if spread == 0 {
        return Missing;
    }
    let values: Vec<&Value> = items.iter().map(|item| &item.value).collect();
    let rise = match exact(&values) {
        Some((units, scale)) => {
            let tx: i128 = times.iter().zip(&units).map(|(t, x)| t * x).sum();
            (n * tx - t * units.iter().sum::<i128>()) as f64 / 10f64.powi(scale as i32)
        }
        None => {
            let values: Vec<f64> = values.iter().map(|v| v.double().unwrap()).collect();
            let mean = values.iter().sum::<f64>() / n as f64;
            let about = times.iter().zip(&values).map(|(at, x)| (n * at - t) as f64 * (x - mean));
            about.sum::<f64>()
        }
    };
    Float(rise / spread as f64 * DAY as f64 / unit)
}
