//! Whether label rules leave anybody without a label, and whether a rule can ever match, decided without data.
//!
//! Every feature that rules compare with constants is tried at one value from each region that the constants cut its
//! domain into; every other condition is tried as true, false and, where it can be, unknown. That covers at least all
//! customers there can be, so "every customer gets a label" and "this rule never matches" are proofs. A gap is
//! reported with the customer that shows it, and only where all conditions involved were understood.

use std::collections::BTreeMap;

use crate::diagnostics::{Diagnostic, suggest};
use crate::expr::{Comparator, Expr, Kind, Literal};
use crate::spec::{Aggregate, Feature, FeatureId, Function, Labels, Ref, Resolved, Typed};
use crate::types::{Base, Type};

use super::expressions::micros_per;

/// Combinations of values tried before the question is left open.
const BUDGET: usize = 400_000;

/// Reports gaps where there is no `otherwise`, and rules that never match.
pub(super) fn check(
    labels: &Labels<Typed>,
    types: &[Type],
    features: &[Feature<Resolved>],
    out: &mut Vec<Diagnostic>,
) {
    let has_otherwise = labels.rules.iter().any(|rule| rule.when.is_none());
    let conditions: Vec<&Expr<Typed>> = labels.rules.iter().filter_map(|rule| rule.when.as_ref()).collect();
    if conditions.iter().any(|c| c.ty.base == Base::Unknown || contains_error(c)) {
        return;
    }
    let mut space = Space { types, features, variables: BTreeMap::new(), free: vec![] };
    let nodes: Vec<Node> = conditions.iter().map(|c| space.node(c)).collect();
    let first_line = crate::syntax::source::Span { end: labels.span.start + "label".len() as u32, ..labels.span };
    let Some(found) = space.search(&nodes) else {
        if !has_otherwise {
            out.push(
                Diagnostic::error("SEG0601", "these rules are too many to show that they label everyone")
                    .at(first_line, "needs `otherwise`")
                    .help("add a last line such as `otherwise \"Others\"`"),
            );
        }
        return;
    };
    for (index, fired) in found.fired.iter().enumerate() {
        if !fired {
            let rule = &labels.rules[index];
            out.push(
                Diagnostic::warning("SEG0603", format!("the rule for \"{}\" can never match", rule.label.value))
                    .at(conditions[index].span, "the rules above take everything that this would, or it contradicts itself")
                    .help("move it up, or remove it"),
            );
        }
    }
    if let (false, Some(gap)) = (has_otherwise, found.gap) {
        let who = if gap.is_empty() { "nobody is sure to get a label".to_owned() } else { format!("none of these rules labels a customer with {gap}") };
        out.push(
            Diagnostic::error("SEG0601", who)
                .at(first_line, "needs `otherwise`, or a rule for them")
                .help("add a last line such as `otherwise \"Others\"`"),
        );
    }
}

fn contains_error(expr: &Expr<Typed>) -> bool {
    let mut found = false;
    expr.walk(&mut |e| found |= matches!(e.kind, Kind::Error));
    found
}

/// A condition over numbered variables and free conditions.
enum Node {
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    Number(usize, Comparator, f64),
    Word(usize, Comparator, String),
    Missing(usize),
    Free(usize),
}

/// What a variable is tried as.
#[derive(Clone, PartialEq)]
enum Value {
    Missing,
    Number(f64),
    Word(String),
}

struct Variable {
    index: usize,
    id: FeatureId,
    numbers: Vec<f64>,
    words: Vec<String>,
}

struct Space<'a> {
    types: &'a [Type],
    features: &'a [Feature<Resolved>],
    variables: BTreeMap<usize, Variable>,
    /// Conditions that are not comparisons with constants, and whether they can be unknown.
    free: Vec<(String, bool)>,
}

struct Found {
    /// For each rule, whether something reaches and matches it.
    fired: Vec<bool>,
    /// A customer that no rule labels.
    gap: Option<String>,
}

impl Space<'_> {
    fn node(&mut self, expr: &Expr<Typed>) -> Node {
        match &expr.kind {
            Kind::And(list) => Node::And(list.iter().map(|e| self.node(e)).collect()),
            Kind::Or(list) => Node::Or(list.iter().map(|e| self.node(e)).collect()),
            Kind::Not(inner) => Node::Not(Box::new(self.node(inner))),
            Kind::IsMissing { value, negated } => match feature(value) {
                Some(id) => negate(Node::Missing(self.variable(id)), *negated),
                None => self.free(expr),
            },
            Kind::Compare(a, comparator, b) => {
                self.comparison(a, *comparator, b).or_else(|| self.comparison(b, flip(*comparator), a)).unwrap_or_else(|| self.free(expr))
            }
            Kind::Between { value, low, high, negated } => {
                let low = self.comparison(value, Comparator::GreaterOrEqual, low);
                let high = self.comparison(value, Comparator::LessOrEqual, high);
                match (low, high) {
                    (Some(low), Some(high)) => negate(Node::And(vec![low, high]), *negated),
                    _ => self.free(expr),
                }
            }
            Kind::In { value, options, negated } => {
                let options: Option<Vec<Node>> =
                    options.iter().map(|option| self.comparison(value, Comparator::Equal, option)).collect();
                match options {
                    Some(options) => negate(Node::Or(options), *negated),
                    None => self.free(expr),
                }
            }
            _ => self.free(expr),
        }
    }

    fn comparison(&mut self, a: &Expr<Typed>, comparator: Comparator, b: &Expr<Typed>) -> Option<Node> {
        let id = feature(a)?;
        if let Kind::Literal(Literal::Text(word)) = &b.kind {
            let equality = matches!(comparator, Comparator::Equal | Comparator::NotEqual);
            let variable = equality.then(|| self.variable(id))?;
            self.variables.get_mut(&id.0)?.words.push(word.clone());
            return Some(Node::Word(variable, comparator, word.clone()));
        }
        let number = constant(b)?;
        let variable = self.variable(id);
        self.variables.get_mut(&id.0)?.numbers.push(number);
        Some(Node::Number(variable, comparator, number))
    }

    fn variable(&mut self, id: FeatureId) -> usize {
        let next = self.variables.len();
        self.variables.entry(id.0).or_insert(Variable { index: next, id, numbers: vec![], words: vec![] }).index
    }

    fn free(&mut self, expr: &Expr<Typed>) -> Node {
        // The same condition written twice is one condition; spans tell the copies apart, so they are left out.
        let key = crate::explain::expression(expr);
        let at = self.free.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
            self.free.push((key, expr.ty.may_be_missing));
            self.free.len() - 1
        });
        Node::Free(at)
    }

    /// Tries every combination; nothing when there are too many.
    fn search(&self, nodes: &[Node]) -> Option<Found> {
        let mut variables: Vec<&Variable> = self.variables.values().collect();
        variables.sort_by_key(|v| v.index);
        let values: Vec<Vec<Value>> = variables.iter().map(|v| self.values(v)).collect();
        let truths: Vec<Vec<Option<bool>>> = self
            .free
            .iter()
            .map(|(_, unknown)| if *unknown { vec![Some(true), Some(false), None] } else { vec![Some(true), Some(false)] })
            .collect();
        let sizes: Vec<usize> = values.iter().map(Vec::len).chain(truths.iter().map(Vec::len)).collect();
        let total = sizes.iter().try_fold(1usize, |product, n| product.checked_mul(*n))?;
        if total.checked_mul(nodes.len().max(1))? > BUDGET * 10 || total > BUDGET {
            return None;
        }
        let mut found = Found { fired: vec![false; nodes.len()], gap: None };
        for combination in 0..total {
            let mut rest = combination;
            let mut at = vec![0; sizes.len()];
            for (digit, size) in at.iter_mut().zip(&sizes) {
                *digit = rest % size;
                rest /= size;
            }
            let value = |variable: usize| &values[variable][at[variable]];
            let truth = |free: usize| truths[free][at[values.len() + free]];
            match nodes.iter().position(|node| holds(node, &value, &truth) == Some(true)) {
                Some(rule) => found.fired[rule] = true,
                None if found.gap.is_none() => {
                    let known = variables.iter().map(|v| self.describe(v, value(v.index)));
                    let free = self.free.iter().enumerate().map(|(i, (text, _))| match truth(i) {
                        Some(true) => text.clone(),
                        Some(false) => format!("not {text}"),
                        None => format!("{text} unknown"),
                    });
                    found.gap = Some(suggest::list(known.chain(free).collect::<Vec<_>>().iter().map(String::as_str)));
                }
                None => {}
            }
        }
        if self.variables.is_empty() && self.free.is_empty() {
            found.gap = found.gap.map(|_| String::new());
        }
        Some(found)
    }

    /// One value from every region of the variable's domain.
    fn values(&self, variable: &Variable) -> Vec<Value> {
        let ty = self.types[variable.id.0];
        let mut values = match ty.base {
            Base::Score(n) => (1..=n).map(|score| Value::Number(f64::from(score))).collect(),
            base if base.is_text() => {
                let mut words = variable.words.clone();
                words.sort();
                words.dedup();
                let other = (0..).map(|n| format!("other{n}")).find(|w| !words.contains(w)).expect("there are endless words");
                words.into_iter().chain([other]).map(Value::Word).collect::<Vec<_>>()
            }
            base => {
                let mut cuts = variable.numbers.clone();
                cuts.sort_by(f64::total_cmp);
                cuts.dedup();
                let whole = base.is_whole();
                let beyond = |cut: f64| if whole { 1.0 } else { (cut.abs() / 2.0).max(0.5) };
                let mut points: Vec<f64> = vec![];
                for (i, cut) in cuts.iter().enumerate() {
                    points.push(*cut);
                    let gap = cuts.get(i + 1).map(|next| next - cut);
                    match gap {
                        Some(gap) if whole && gap <= 1.0 => {}
                        Some(gap) => points.push(if whole { cut + 1.0 } else { cut + gap / 2.0 }),
                        None => points.push(cut + beyond(*cut)),
                    }
                }
                if let Some(first) = cuts.first() {
                    points.push(first - beyond(*first));
                }
                let low = self.lowest(variable.id);
                let high = if base == Base::Share { 1.0 } else { f64::INFINITY };
                points.retain(|p| (low..=high).contains(p));
                if points.is_empty() {
                    points.push(low.max(0.0));
                }
                points.into_iter().map(Value::Number).collect()
            }
        };
        if ty.may_be_missing {
            values.push(Value::Missing);
        }
        values
    }

    /// The smallest value that the feature can have by the way it is made.
    fn lowest(&self, id: FeatureId) -> f64 {
        let counts = |f: Aggregate| {
            matches!(f, Aggregate::Count | Aggregate::CountDistinct | Aggregate::Share | Aggregate::Entropy | Aggregate::Std)
        };
        match &self.features[id.0].value.kind {
            Kind::Call { function: Function::Aggregate(f), .. } if counts(*f) => 0.0,
            _ if self.types[id.0].base == Base::Share => 0.0,
            _ => f64::NEG_INFINITY,
        }
    }

    fn describe(&self, variable: &Variable, value: &Value) -> String {
        let name = &self.features[variable.id.0].name.value;
        match value {
            Value::Missing => format!("{name} missing"),
            Value::Word(word) => format!("{name} = \"{word}\""),
            Value::Number(number) => match self.types[variable.id.0].base {
                Base::Duration => format!("{name} = {} days", number / 86_400e6),
                Base::Share => format!("{name} = {} %", number * 100.0),
                _ => format!("{name} = {number}"),
            },
        }
    }
}

fn holds<'v>(node: &Node, value: &dyn Fn(usize) -> &'v Value, truth: &dyn Fn(usize) -> Option<bool>) -> Option<bool> {
    match node {
        Node::And(list) => {
            let mut all = Some(true);
            for part in list {
                match holds(part, value, truth) {
                    Some(false) => return Some(false),
                    None => all = None,
                    Some(true) => {}
                }
            }
            all
        }
        Node::Or(list) => {
            let mut any = Some(false);
            for part in list {
                match holds(part, value, truth) {
                    Some(true) => return Some(true),
                    None => any = None,
                    Some(false) => {}
                }
            }
            any
        }
        Node::Not(inner) => holds(inner, value, truth).map(|b| !b),
        Node::Missing(variable) => Some(*value(*variable) == Value::Missing),
        Node::Number(variable, comparator, constant) => match value(*variable) {
            Value::Number(number) => Some(comparator.holds(number.total_cmp(constant))),
            _ => None,
        },
        Node::Word(variable, comparator, constant) => match value(*variable) {
            Value::Word(word) => Some(comparator.holds(word.cmp(constant))),
            _ => None,
        },
        Node::Free(free) => truth(*free),
    }
}

fn negate(node: Node, negated: bool) -> Node {
    if negated { Node::Not(Box::new(node)) } else { node }
}

fn flip(comparator: Comparator) -> Comparator {
    match comparator {
        Comparator::Less => Comparator::Greater,
        Comparator::LessOrEqual => Comparator::GreaterOrEqual,
        Comparator::Greater => Comparator::Less,
        Comparator::GreaterOrEqual => Comparator::LessOrEqual,
        same => same,
    }
}

fn feature(expr: &Expr<Typed>) -> Option<FeatureId> {
    match expr.kind {
        Kind::Ref(Ref::Feature(id)) => Some(id),
        _ => None,
    }
}

/// The value of a literal in base units: microseconds, currency units, shares from 0 to 1.
fn constant(expr: &Expr<Typed>) -> Option<f64> {
    match &expr.kind {
        Kind::Literal(Literal::Number(n)) => Some(n.as_f64()),
        Kind::Literal(Literal::Percent(n)) => Some(n.as_f64() / 100.0),
        Kind::Literal(Literal::Quantity(n, unit)) => Some(n.as_f64() * micros_per(unit).unwrap_or(1) as f64),
        Kind::Literal(Literal::Moment { micros, .. }) => Some(*micros as f64),
        Kind::Literal(Literal::Bool(b)) => Some(f64::from(u8::from(*b))),
        Kind::Negate(inner) => Some(-constant(inner)?),
        _ => None,
    }
}
