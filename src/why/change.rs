//! The smallest change of one feature that gives a customer another segment.
//!
//! Along one feature everything that decides a segment, comparisons, scores, the nearest centre, changes at single
//! values. Between two values at which all of it differs, the first step at which some of it does is found by halving;
//! then the next one, until the segment is another one. The steps are those in which the feature comes: whole days,
//! counts, the decimals that its values have. What is found has been through the engine ([`Alone`]), and so has the value
//! one step before it.

use serde::Serialize;
use serde_json::Value as Json;

use super::words::{exact, json};
use crate::build::Built;
use crate::eval::{Value, truth};
use crate::exec::alone::{Alone, Standing};
use crate::exec::customers::quantile;
use crate::exec::{ExecError, Feature, Values};
use crate::plan::expr::{Constant, Expr, Op};
use crate::plan::{Plan, Step};
use crate::regions::{Domains, Stretch};
use crate::spec::{Over, Spec, Typed};
use crate::time::DAY;
use crate::types::Base;

/// Values of all customers that are tried, evenly over their order.
const QUANTILES: usize = 40;
/// Steps from zero beyond which a number has no digits left for them.
const FARTHEST: i64 = 1 << 52;
/// How often one feature of one customer is looked at, at most.
const LOOKS: usize = 20_000;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    pub feature: String,
    /// As they stand in a spec, to the last digit.
    pub from: String,
    pub to: String,
    /// The new value in the unit of outputs.
    pub value: Json,
    /// Where that leads.
    pub segment: String,
    /// The rule that gives it, from 1.
    pub rule: usize,
    /// The change beside the distance between the quarters of all customers (interquartile range); 1 for a text, for
    /// what is true or false, and for a value that was missing.
    pub distance: f64,
}

/// A change in base units.
pub(super) struct Found<'a> {
    feature: &'a Feature,
    from: Value,
    to: Value,
    segment: String,
    rule: usize,
    distance: f64,
}

impl Found<'_> {
    pub fn worded(self, currency: Option<&str>) -> Change {
        let base = self.feature.base;
        Change {
            feature: self.feature.name.clone(),
            from: exact(&self.from, base, currency),
            value: json(&self.to, base),
            to: exact(&self.to, base, currency),
            segment: self.segment,
            rule: self.rule,
            distance: self.distance,
        }
    }
}

/// One for each feature that can do it alone, the smallest first.
pub(super) fn changes<'b>(
    spec: &Spec<Typed>,
    built: &'b Built,
    alone: &Alone,
    standing: &Standing,
) -> Result<Vec<Found<'b>>, ExecError> {
    let mut found = vec![];
    let constants = constants(&built.plan);
    let domains = Domains::of_customers(spec);
    for place in &alone.inputs {
        let feature = &built.execution.customers.features[*place];
        let mut search = Search { built, alone, place: *place, feature, standing, left: LOOKS };
        let change = match &feature.values {
            Values::Numbers(_) => {
                let known = spec.features.iter().find(|known| known.name.value == feature.name);
                let stretch = known.map(|known| domains.stretch(&known.value)).unwrap_or_default();
                search.number(stretch, &constants)?
            }
            Values::Texts(_) => search.one_of(texts(&constants, built, &feature.name))?,
            Values::Bools(_) => search.one_of(vec![Value::Bool(false), Value::Bool(true)])?,
        };
        found.extend(change);
    }
    // The order of the spec decides between equals.
    found.sort_by(|a, b| a.distance.total_cmp(&b.distance));
    Ok(found)
}

/// Constants of all rules, and of the features that are made of others, with their types.
fn constants(plan: &Plan) -> Vec<(Value, Base)> {
    fn gather(expr: &Expr, out: &mut Vec<(Value, Base)>) {
        if let Op::Constant(constant) = &expr.op {
            let value = match constant {
                Constant::Decimal(n) => Value::Number(n.as_f64()),
                Constant::Micros(micros) => Value::Number(*micros as f64),
                Constant::Text(text) => Value::Text(text.as_str().into()),
                Constant::Bool(_) | Constant::Missing => return,
            };
            out.push((value, expr.base));
        }
        expr.parts().into_iter().for_each(|part| gather(part, out));
    }
    let mut out = vec![];
    plan.labels.rules.iter().filter_map(|rule| rule.when.as_ref()).for_each(|when| gather(when, &mut out));
    for step in &plan.customers.steps {
        match step {
            Step::Feature(feature) => gather(&feature.value, &mut out),
            Step::Population(population) => gather(&population.of, &mut out),
            Step::Forecast(_) => {}
        }
    }
    out
}

/// Words that rules know, and the commonest one.
fn texts(constants: &[(Value, Base)], built: &Built, feature: &str) -> Vec<Value> {
    let mut texts: Vec<Value> = vec![];
    let known = constants.iter().filter(|(value, _)| matches!(value, Value::Text(_))).map(|(value, _)| value.clone());
    for text in known.chain([built.execution.everyone.get(feature)]) {
        if !texts.contains(&text) && text != Value::Missing {
            texts.push(text);
        }
    }
    texts
}

struct Search<'s, 'b> {
    built: &'b Built,
    alone: &'s Alone<'s>,
    place: usize,
    feature: &'b Feature,
    standing: &'s Standing,
    left: usize,
}

/// Everything that decides a segment, as it stands at one value.
#[derive(Debug, Clone, PartialEq)]
struct Look {
    segment: Option<(String, usize)>,
    cluster: Option<u32>,
    /// Comparisons of the rules, then features that are made of others and come in steps.
    details: Vec<Option<i64>>,
}

impl<'b> Search<'_, 'b> {
    fn look(&mut self, value: &Value) -> Result<Look, ExecError> {
        self.left = self.left.saturating_sub(1);
        let standing = self.alone.with(Some((self.place, value)))?;
        Ok(self.seen(&standing))
    }

    fn seen(&self, standing: &Standing) -> Look {
        let plan = &self.built.plan;
        let mut details = vec![];
        if plan.labels.over == Over::Customers {
            for when in plan.labels.rules.iter().filter_map(|rule| rule.when.as_ref()) {
                comparisons(when, &mut |part| details.push(truth(part, standing).map(i64::from)));
            }
            for feature in plan.features() {
                match standing.own.get(&feature.name) {
                    Some(Value::Number(x)) if matches!(feature.value.base, Base::Score(_)) => {
                        details.push(Some(*x as i64));
                    }
                    Some(Value::Bool(b)) => details.push(Some(i64::from(*b))),
                    _ => {}
                }
            }
        }
        Look {
            segment: standing.segment.as_ref().map(|named| (named.label.clone(), named.rule as usize + 1)),
            cluster: standing.cluster.as_ref().and_then(|near| near.cluster),
            details,
        }
    }

    /// Whether this is another segment; somebody who is in none has not moved to one.
    fn moved(&self, look: &Look) -> bool {
        let before = self.standing.segment.as_ref().map(|named| &named.label);
        look.segment.as_ref().is_some_and(|(label, _)| Some(label) != before)
    }

    fn found(&self, to: Value, look: Look, distance: f64) -> Option<Found<'b>> {
        let (segment, rule) = look.segment?;
        let from = self.standing.own.get(&self.feature.name).cloned().unwrap_or(Value::Missing);
        Some(Found { feature: self.feature, from, to, segment, rule, distance })
    }

    /// The first of some values that does it.
    fn one_of(&mut self, values: Vec<Value>) -> Result<Option<Found<'b>>, ExecError> {
        for value in values {
            let look = self.look(&value)?;
            if self.moved(&look) {
                return Ok(self.found(value, look, 1.0));
            }
        }
        Ok(None)
    }

    fn number(&mut self, stretch: Stretch, constants: &[(Value, Base)]) -> Result<Option<Found<'b>>, ExecError> {
        let mut all: Vec<f64> = self.feature.values.numbers().unwrap_or_default().to_vec();
        all.retain(|x| x.is_finite());
        all.sort_by(f64::total_cmp);
        let Some((least, most)) = all.first().copied().zip(all.last().copied()) else { return Ok(None) };
        let base = self.feature.base;
        let constants = constants.iter().filter(|(_, of)| of.comparable(base) || *of == Base::Zero);
        let mut marks: Vec<f64> = constants.filter_map(|(value, _)| value.as_number()).collect();
        marks.extend((0..=QUANTILES).map(|n| quantile(&all, n as f64 / QUANTILES as f64)));
        // Of numbers as large as that, the next one is far away.
        let Some(grain) = Grain::of(base, &stretch, &all) else { return Ok(None) };
        let axis = Axis::over(&grain, &stretch, &marks, least, most);
        let own = self.standing.own.get(&self.feature.name).and_then(Value::as_number);
        let Some(own) = own else {
            // Nobody knows how far a value is from one that is missing: those that are common come first.
            let middle = quantile(&all, 0.5);
            let mut values: Vec<f64> = axis.marks.iter().map(|place| grain.value(*place)).collect();
            values.sort_by(|a, b| (a - middle).abs().total_cmp(&(b - middle).abs()));
            return self.one_of(values.into_iter().map(Value::number).collect());
        };
        let spread = spread(&all);
        let up = self.toward(&grain, &axis, own, true)?;
        let down = self.toward(&grain, &axis, own, false)?;
        let far = |found: &(i64, Look)| (grain.value(found.0) - own).abs();
        let nearest = up.into_iter().chain(down).min_by(|a, b| far(a).total_cmp(&far(b)));
        Ok(nearest.and_then(|(place, look)| {
            let to = grain.value(place);
            self.found(Value::number(to), look, (to - own).abs() / spread)
        }))
    }

    /// The nearest step above or below `own` at which the segment is another one.
    fn toward(&mut self, grain: &Grain, axis: &Axis, own: f64, up: bool) -> Result<Option<(i64, Look)>, ExecError> {
        let sign = if up { 1 } else { -1 };
        let start = if up { grain.below(own) } else { grain.above(own) };
        let mut marks: Vec<i64> = axis.marks.iter().copied().filter(|mark| (mark - start) * sign > 0).collect();
        // Nearby every step counts; far away a larger one does.
        let mut step = 1i64;
        while let Some(mark) = start.checked_add(sign * step).filter(|mark| axis.has(*mark)) {
            marks.push(mark);
            step = step + step / 2 + 1;
        }
        marks.sort_by_key(|mark| sign * mark);
        marks.dedup();
        let (mut at, mut before) = (start, self.seen(self.standing));
        for mark in marks {
            let mut beyond = self.look(&Value::number(grain.value(mark)))?;
            while beyond != before && self.left > 0 {
                // The first step at which something differs, from here to the mark.
                let (mut same, mut other) = (at, mark);
                while (other - same).abs() > 1 {
                    let middle = same + (other - same) / 2;
                    let look = self.look(&Value::number(grain.value(middle)))?;
                    if look == before {
                        same = middle;
                    } else {
                        (other, beyond) = (middle, look);
                    }
                }
                if self.moved(&beyond) {
                    return Ok(Some((other, beyond)));
                }
                (at, before) = (other, beyond);
                beyond = if at == mark { before.clone() } else { self.look(&Value::number(grain.value(mark)))? };
            }
            at = mark;
        }
        Ok(None)
    }
}

/// The comparisons of a condition, in order.
fn comparisons<'e>(expr: &'e Expr, visit: &mut dyn FnMut(&'e Expr)) {
    match &expr.op {
        Op::And(list) | Op::Or(list) => list.iter().for_each(|part| comparisons(part, visit)),
        Op::Not(inner) => comparisons(inner, visit),
        _ => visit(expr),
    }
}

/// The steps in which a feature comes: multiples of `over / under`, in base units.
struct Grain {
    over: i64,
    under: i64,
}

impl Grain {
    /// By the way the feature is made; else the coarsest that all values are multiples of, or the finest that there is;
    /// nothing where values are too large to be counted in steps.
    fn of(base: Base, stretch: &Stretch, values: &[f64]) -> Option<Grain> {
        let fraction = |decimals: u32| Grain { over: 1, under: 10i64.pow(decimals) };
        let whole = |over: i64| Grain { over, under: 1 };
        let largest = values.iter().fold(0.0f64, |largest, x| largest.max(x.abs()));
        let counts = |grain: &Grain| largest * (grain.under as f64) / (grain.over as f64) < FARTHEST as f64;
        if let Some(step) = stretch.step.filter(|step| step.is_positive() && step.is_whole()) {
            return Some(whole(step.to_f64() as i64)).filter(counts);
        }
        let options: Vec<Grain> = match base {
            Base::Duration | Base::Date | Base::Datetime => {
                [DAY, 3_600_000_000, 60_000_000, 1_000_000, 1].map(whole).into()
            }
            Base::Money => (2..=6).map(fraction).collect(),
            Base::Int | Base::Score(_) | Base::Zero => vec![whole(1)],
            Base::Share => (2..=6).map(fraction).collect(),
            _ => (0..=6).map(fraction).collect(),
        };
        let fits = |grain: &Grain| {
            values.iter().all(|x| grain.value(grain.below(*x)) == *x || grain.value(grain.above(*x)) == *x)
        };
        let mut options: Vec<Grain> = options.into_iter().filter(counts).collect();
        let fitting = options.iter().position(fits).or(options.len().checked_sub(1))?;
        Some(options.swap_remove(fitting))
    }

    fn value(&self, place: i64) -> f64 {
        // Both are exact below 2^53, so the quotient is the nearest number to the decimal.
        (place as f64 * self.over as f64) / self.under as f64
    }

    /// The last step that is not above a value, and the first that is not below.
    fn below(&self, x: f64) -> i64 {
        let near = (x * self.under as f64 / self.over as f64).round() as i64;
        if self.value(near) > x { near.saturating_sub(1) } else { near }
    }

    fn above(&self, x: f64) -> i64 {
        let below = self.below(x);
        if self.value(below) == x { below } else { below.saturating_add(1) }
    }
}

/// Where to look: steps from the first to the last, and those that are looked at in any case.
struct Axis {
    first: i64,
    last: i64,
    marks: Vec<i64>,
}

impl Axis {
    /// As far beyond all values and constants as they reach, within what the feature can be.
    fn over(grain: &Grain, stretch: &Stretch, marks: &[f64], least: f64, most: f64) -> Axis {
        let low = marks.iter().copied().fold(least, f64::min);
        let high = marks.iter().copied().fold(most, f64::max);
        let reach = 2.0 * (high - low).max(high.abs()).max(10.0 * grain.value(1));
        let end =
            |bound: Option<crate::regions::Rational>, otherwise: f64| bound.map_or(otherwise, |bound| bound.to_f64());
        let first = grain.above(end(stretch.low, low - reach)).max(-FARTHEST);
        let last = grain.below(end(stretch.high, high + reach)).min(FARTHEST);
        let mut places: Vec<i64> = vec![first, last];
        for mark in marks {
            let (below, above) = (grain.below(*mark), grain.above(*mark));
            places.extend([below.saturating_sub(1), below, above, above.saturating_add(1)]);
        }
        places.retain(|place| (first..=last).contains(place));
        Axis { first, last, marks: places }
    }

    fn has(&self, place: i64) -> bool {
        (self.first..=self.last).contains(&place)
    }
}

/// How much customers differ: the interquartile range; where half of them are alike, the range; 1 where all are.
fn spread(sorted: &[f64]) -> f64 {
    let quarters = quantile(sorted, 0.75) - quantile(sorted, 0.25);
    let range = sorted[sorted.len() - 1] - sorted[0];
    [quarters, range].into_iter().find(|spread| *spread > 0.0).unwrap_or(1.0)
}
