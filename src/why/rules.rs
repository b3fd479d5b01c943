//! Label rules asked about one customer or cluster, comparison by comparison.

use serde::Serialize;

use super::words::shown;
use crate::eval::{Scope, Value, eval, truth};
use crate::expr::{Expr, Kind};
use crate::plan::{Plan, lower_expression};
use crate::spec::{Spec, Typed};
use crate::syntax::source::SourceMap;
use crate::types::Base;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleState {
    /// From 1, in the order of the spec.
    pub rule: usize,
    pub label: String,
    /// Nothing for `otherwise`.
    pub condition: Option<String>,
    pub state: State,
    /// Of the rule that gives the label, all its comparisons; of one that fails, those that are to blame. Of
    /// alternatives that all fail, the nearest counts.
    pub parts: Vec<Part>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    GivesTheLabel,
    Fails,
    /// It fits, but a rule above is first.
    ComesLater,
}

/// A comparison, and what it finds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    pub condition: String,
    /// The value that is looked at; both, where two are compared.
    pub found: String,
    /// By how much it fails.
    pub off: Option<String>,
    /// The same in relation to the larger of the two values, 0 to 2; 1 where nothing can be measured.
    pub relative: f64,
}

/// What is said of a customer who is in no cluster.
pub(super) fn noise(plan: &Plan) -> RuleState {
    RuleState {
        rule: plan.labels.rules.len() + 1,
        label: plan.labels.noise.as_ref().map_or(String::new(), |noise| noise.label.clone()),
        condition: Some("noise".to_owned()),
        state: State::GivesTheLabel,
        parts: vec![],
    }
}

/// The rules of a spec, `fired` first, the nearest of the others next; `otherwise` only where it gives the label.
pub(super) fn states(spec: &Spec<Typed>, sources: &SourceMap, of: &dyn Scope<String>, fired: usize) -> Vec<RuleState> {
    let asker = Asker { spec, sources, of, currency: spec.currency.as_ref().map(|code| code.value.as_str()) };
    let rules = spec.labels.iter().flat_map(|labels| &labels.rules);
    let mut states: Vec<RuleState> = vec![];
    for (nth, rule) in rules.enumerate() {
        let Some(when) = &rule.when else {
            if nth == fired {
                states.push(RuleState {
                    rule: nth + 1,
                    label: rule.label.value.clone(),
                    condition: None,
                    state: State::GivesTheLabel,
                    parts: vec![],
                });
            }
            continue;
        };
        let holds = truth(&asker.lowered(when), of) == Some(true);
        let (state, parts) = match holds {
            true if nth == fired => (State::GivesTheLabel, asker.parts(when)),
            true => (State::ComesLater, asker.parts(when)),
            false => (State::Fails, asker.failing(when, true)),
        };
        let (label, condition) = (rule.label.value.clone(), Some(sources.one_line(when.span)));
        states.push(RuleState { rule: nth + 1, label, condition, state, parts });
    }
    // A rule below the one that fires needs that one to fail as well.
    let steps = |state: &RuleState| state.parts.len() + usize::from(state.rule > fired + 1);
    let far = |state: &RuleState| state.parts.iter().map(|part| part.relative).sum::<f64>();
    states.sort_by(|a, b| {
        let order = a.state.cmp(&b.state).then(steps(a).cmp(&steps(b))).then(far(a).total_cmp(&far(b)));
        order.then(a.rule.cmp(&b.rule))
    });
    states
}

struct Asker<'a> {
    spec: &'a Spec<Typed>,
    sources: &'a SourceMap,
    of: &'a dyn Scope<String>,
    currency: Option<&'a str>,
}

impl Asker<'_> {
    fn lowered(&self, expr: &Expr<Typed>) -> crate::plan::expr::Expr {
        lower_expression(self.spec, self.sources, expr)
    }

    /// Every comparison of a condition.
    fn parts(&self, expr: &Expr<Typed>) -> Vec<Part> {
        match &expr.kind {
            Kind::And(list) | Kind::Or(list) => list.iter().flat_map(|part| self.parts(part)).collect(),
            Kind::Not(inner) if !is_leaf(inner) => self.parts(inner),
            Kind::Not(inner) => vec![Part { off: None, ..self.part(inner, false) }],
            _ => vec![Part { off: None, ..self.part(expr, true) }],
        }
    }

    /// The comparisons that keep a condition from being what is wanted.
    fn failing(&self, expr: &Expr<Typed>, wanted: bool) -> Vec<Part> {
        if truth(&self.lowered(expr), self.of) == Some(wanted) {
            return vec![];
        }
        match (&expr.kind, wanted) {
            (Kind::Not(inner), _) => self.failing(inner, !wanted),
            (Kind::And(list), true) | (Kind::Or(list), false) => {
                list.iter().flat_map(|part| self.failing(part, wanted)).collect()
            }
            (Kind::And(list), false) | (Kind::Or(list), true) => {
                let far = |parts: &[Part]| parts.iter().map(|part| part.relative).sum::<f64>();
                let options = list.iter().map(|part| self.failing(part, wanted));
                let nearest = options.min_by(|a, b| a.len().cmp(&b.len()).then(far(a).total_cmp(&far(b))));
                nearest.unwrap_or_default()
            }
            _ => vec![self.part(expr, wanted)],
        }
    }

    fn part(&self, expr: &Expr<Typed>, wanted: bool) -> Part {
        let words = self.sources.one_line(expr.span);
        let condition = if wanted { words } else { format!("not ({words})") };
        let value = |e: &Expr<Typed>| eval(&self.lowered(e), self.of);
        let shown = |e: &Expr<Typed>| shown(&value(e), e.ty.base, self.currency);
        let unmeasured = |found: String| Part { condition: condition.clone(), found, off: None, relative: 1.0 };
        match &expr.kind {
            Kind::Compare(a, _, b) => {
                let found = match self.lowered(b).is_constant() {
                    true => shown(a),
                    false => format!("{} against {}", shown(a), shown(b)),
                };
                self.measured(condition.clone(), found.clone(), a, &value(a), &value(b))
                    .unwrap_or_else(|| unmeasured(found))
            }
            Kind::Between { value: of, low, high, .. } => {
                let (found, x) = (shown(of), value(of));
                let (low, high) = (value(low), value(high));
                let below = x.as_number().zip(low.as_number()).is_some_and(|(x, low)| x < low);
                let end = if below { low } else { high };
                self.measured(condition.clone(), found.clone(), of, &x, &end).unwrap_or_else(|| unmeasured(found))
            }
            Kind::In { value: of, .. } | Kind::IsMissing { value: of, .. } | Kind::TextTest { value: of, .. } => {
                unmeasured(shown(of))
            }
            _ => unmeasured(shown(expr)),
        }
    }

    /// How far a number is from what it is compared with.
    fn measured(&self, condition: String, found: String, a: &Expr<Typed>, x: &Value, limit: &Value) -> Option<Part> {
        let (x, limit) = (x.as_number()?, limit.as_number()?);
        let base = match a.ty.base {
            base if base.is_time() => Base::Duration,
            Base::Score(_) => Base::Int,
            base => base,
        };
        let far = (x - limit).abs();
        let words = shown(&Value::Number(far), base, self.currency);
        let off = match x.total_cmp(&limit) {
            std::cmp::Ordering::Less => format!("{words} below"),
            std::cmp::Ordering::Equal => "just there".to_owned(),
            std::cmp::Ordering::Greater => format!("{words} above"),
        };
        let size = x.abs().max(limit.abs());
        let relative = if size > 0.0 && far.is_finite() { far / size } else { 0.0 };
        Some(Part { condition, found, off: Some(off), relative })
    }
}

fn is_leaf(expr: &Expr<Typed>) -> bool {
    !matches!(expr.kind, Kind::And(_) | Kind::Or(_) | Kind::Not(_))
}
