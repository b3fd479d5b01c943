//! Whether label rules leave anybody without a label, and whether a rule can ever match, decided without data.
//!
//! Every feature that rules compare with constants is tried at one value from each region that the constants cut its
//! domain into; every other condition is tried as true, false and, where it can be, unknown. That covers at least all
//! customers there can be, so "every customer gets a label" and "this rule never matches" are proofs. A gap comes with
//! the customer that shows it; where conditions are involved that were only tried, it is said to be possible, no more.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostics::{Diagnostic, suggest};
use crate::expr::{Comparator, Expr, Kind, Literal};
use crate::spec::{Aggregate, Feature, FeatureId, Function, Labels, Over, Ref, Resolved, Typed};
use crate::syntax::source::{SourceMap, Span};
use crate::time::{DAY, iso, micros_per};
use crate::types::{Base, Type};

/// Combinations of values tried before the question is left open.
const BUDGET: usize = 400_000;

/// What is known of the features that rules speak of.
pub(super) struct Known<'a> {
    pub types: &'a [Type],
    pub features: &'a [Feature<Resolved>],
    pub sources: &'a SourceMap,
    pub currency: Option<&'a str>,
}

/// Reports gaps where there is no `otherwise`, and rules that never match.
pub(super) fn check(labels: &Labels<Typed>, known: &Known) -> Vec<Diagnostic> {
    let mut out = vec![];
    let has_otherwise = labels.rules.iter().any(|rule| rule.when.is_none());
    let conditions: Vec<&Expr<Typed>> = labels.rules.iter().filter_map(|rule| rule.when.as_ref()).collect();
    if conditions.iter().any(|c| c.ty.base == Base::Unknown || contains_error(c)) {
        return out;
    }
    let mut space = Space { known, over: labels.over, variables: BTreeMap::new(), orders: vec![], free: vec![] };
    let nodes: Vec<Node> = conditions.iter().map(|c| space.node(c)).collect();
    let first_line = Span { end: labels.span.start + "label".len() as u32, ..labels.span };
    let Some(found) = space.search(&nodes) else {
        if !has_otherwise {
            out.push(
                Diagnostic::error("SEG0601", "these rules are too many to show that they label everyone")
                    .at(first_line, "needs `otherwise`")
                    .help("add a last line such as `otherwise \"Others\"`"),
            );
        }
        return out;
    };
    for (index, fired) in found.fired.iter().enumerate() {
        if !fired {
            let rule = &labels.rules[index];
            let never =
                Diagnostic::warning("SEG0603", format!("the rule for \"{}\" can never match", rule.label.value));
            let takers: Vec<usize> = match found.alone[index].as_ref().and_then(BTreeSet::first) {
                Some(taker) => vec![*taker],
                None => found.taken[index].iter().copied().collect(),
            };
            out.push(if takers.is_empty() {
                never
                    .at(conditions[index].span, "contradicts itself")
                    .help("remove it, or look for an `and` that should be `or`")
            } else {
                let words = if takers.len() == 1 { "takes all that it would" } else { "takes some of what it would" };
                let never = never.at(conditions[index].span, "comes too late");
                let takes = takers.iter().map(|taker| conditions[*taker].span);
                takes.fold(never, |never, span| never.at(span, words)).help("move it up, or remove it")
            });
        }
    }
    if let (false, Some(gap)) = (has_otherwise, found.gap) {
        let whom = match labels.over {
            Over::Clusters => "a cluster",
            Over::Customers => "a customer",
        };
        let who = match (gap.certain, gap.words.as_str()) {
            (true, "") => format!("no rule labels {whom}"),
            (true, words) => format!("none of these rules labels {whom} {words}"),
            (false, words) => format!("these rules may leave {whom} without a label: one {words}"),
        };
        out.push(
            Diagnostic::error("SEG0601", who)
                .at(first_line, "needs `otherwise`, or a rule for them")
                .help("add a last line such as `otherwise \"Others\"`"),
        );
    }
    out
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
    /// How two things of an order stand to each other.
    Order(usize, Comparator),
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
    known: &'a Known<'a>,
    over: Over,
    variables: BTreeMap<usize, Variable>,
    /// Pairs that are compared with each other, such as a feature and that of everyone.
    orders: Vec<Free>,
    /// All other conditions.
    free: Vec<Free>,
}

struct Free {
    /// Equal for those that mean the same.
    key: String,
    /// As written: the two sides, or the condition.
    words: (String, String),
    may_be_unknown: bool,
}

struct Found {
    /// For each rule, whether something reaches and matches it.
    fired: Vec<bool>,
    /// For each rule, the rules above that take something that it would match.
    taken: Vec<BTreeSet<usize>>,
    /// For each rule that can match, the rules above that match whenever it does.
    alone: Vec<Option<BTreeSet<usize>>>,
    gap: Option<Gap>,
}

impl Found {
    fn new(rules: usize) -> Found {
        Found { fired: vec![false; rules], taken: vec![BTreeSet::new(); rules], alone: vec![None; rules], gap: None }
    }
}

/// Somebody whom no rule labels.
struct Gap {
    words: String,
    /// Whether there can be such a customer: nothing but features was compared with constants.
    certain: bool,
}

/// A way in which all that rules ask about can be.
struct Case<'c> {
    values: &'c dyn Fn(usize) -> &'c Value,
    orders: &'c dyn Fn(usize) -> Option<Ordering>,
    truths: &'c dyn Fn(usize) -> Option<bool>,
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
            Kind::Compare(a, comparator, b) => self
                .comparison(a, *comparator, b)
                .or_else(|| self.comparison(b, flip(*comparator), a))
                .unwrap_or_else(|| self.order(a, *comparator, b)),
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
        let words = (self.known.sources.one_line(expr.span), String::new());
        Node::Free(place(&mut self.free, Free { key, words, may_be_unknown: expr.ty.may_be_missing }))
    }

    /// `a < b` and `b <= a` are about one thing, so that they can't both fail.
    fn order(&mut self, a: &Expr<Typed>, comparator: Comparator, b: &Expr<Typed>) -> Node {
        let (left, right) = (crate::explain::expression(a), crate::explain::expression(b));
        let swapped = format!("{right} {left}");
        if let Some(at) = self.orders.iter().position(|pair| pair.key == swapped) {
            return Node::Order(at, flip(comparator));
        }
        let words = (self.known.sources.one_line(a.span), self.known.sources.one_line(b.span));
        let may_be_unknown = a.ty.may_be_missing || b.ty.may_be_missing;
        let pair = Free { key: format!("{left} {right}"), words, may_be_unknown };
        Node::Order(place(&mut self.orders, pair), comparator)
    }

    /// Tries every combination; nothing when there are too many.
    fn search(&self, nodes: &[Node]) -> Option<Found> {
        let mut variables: Vec<&Variable> = self.variables.values().collect();
        variables.sort_by_key(|v| v.index);
        let values: Vec<Vec<Value>> = variables.iter().map(|v| self.values(v)).collect();
        let orders: Vec<Vec<Option<Ordering>>> = self
            .orders
            .iter()
            .map(|pair| with_unknown(&[Ordering::Less, Ordering::Equal, Ordering::Greater], pair.may_be_unknown))
            .collect();
        let truths: Vec<Vec<Option<bool>>> =
            self.free.iter().map(|free| with_unknown(&[true, false], free.may_be_unknown)).collect();
        let sizes: Vec<usize> =
            values.iter().map(Vec::len).chain(orders.iter().map(Vec::len)).chain(truths.iter().map(Vec::len)).collect();
        let total = sizes.iter().try_fold(1usize, |product, n| product.checked_mul(*n))?;
        if total.checked_mul(nodes.len().max(1))? > BUDGET * 10 || total > BUDGET {
            return None;
        }
        let mut found = Found::new(nodes.len());
        for combination in 0..total {
            let mut rest = combination;
            let mut at = vec![0; sizes.len()];
            for (digit, size) in at.iter_mut().zip(&sizes) {
                *digit = rest % size;
                rest /= size;
            }
            let (n, m) = (values.len(), values.len() + orders.len());
            let case = Case {
                values: &|variable| &values[variable][at[variable]],
                orders: &|pair| orders[pair][at[n + pair]],
                truths: &|free| truths[free][at[m + free]],
            };
            let matching: Vec<usize> =
                (0..nodes.len()).filter(|rule| holds(&nodes[*rule], &case) == Some(true)).collect();
            for (nth, rule) in matching.iter().enumerate() {
                let above: BTreeSet<usize> = matching[..nth].iter().copied().collect();
                match above.first() {
                    None => found.fired[*rule] = true,
                    Some(taker) => {
                        found.taken[*rule].insert(*taker);
                    }
                }
                let alone = &mut found.alone[*rule];
                *alone = Some(alone.as_ref().map_or(above.clone(), |alone| alone & &above));
            }
            if matching.is_empty() && found.gap.is_none() {
                found.gap = Some(self.gap(&variables, &case));
            }
        }
        Some(found)
    }

    fn gap(&self, variables: &[&Variable], case: &Case) -> Gap {
        let known = variables.iter().map(|v| self.describe(v, (case.values)(v.index)));
        let orders = self.orders.iter().enumerate().map(|(i, Free { words: (a, b), .. })| match (case.orders)(i) {
            Some(Ordering::Less) => format!("{a} < {b}"),
            Some(Ordering::Equal) => format!("{a} = {b}"),
            Some(Ordering::Greater) => format!("{a} > {b}"),
            None => format!("{a} or {b} missing"),
        });
        let with: Vec<String> = known.chain(orders).collect();
        let with = (!with.is_empty()).then(|| format!("with {}", suggest::list(with.iter().map(String::as_str))));
        let free = self.free.iter().enumerate().map(|(i, free)| {
            let truth = (case.truths)(i).map_or("unknown", |holds| if holds { "true" } else { "false" });
            format!("where `{}` is {truth}", free.words.0)
        });
        let words = with.into_iter().chain(free).collect::<Vec<_>>().join(", ");
        Gap { words, certain: self.orders.is_empty() && self.free.is_empty() }
    }

    /// One value from every region of the variable's domain.
    fn values(&self, variable: &Variable) -> Vec<Value> {
        let ty = self.known.types[variable.id.0];
        let mut values = match ty.base {
            Base::Bool => vec![Value::Number(1.0), Value::Number(0.0)],
            base if base.is_text() => {
                let mut words = variable.words.clone();
                words.sort();
                words.dedup();
                let other =
                    (0..).map(|n| format!("other{n}")).find(|w| !words.contains(w)).expect("there are endless words");
                words.into_iter().chain([other]).map(Value::Word).collect::<Vec<_>>()
            }
            base => {
                let (low, high) = self.bounds(variable.id);
                // A cluster's value is a median, which lies between two customers: 2.5 orders, a score of 3.5.
                let whole = base.is_whole()
                    && self.over == Over::Customers
                    && variable.numbers.iter().all(|x| x.fract() == 0.0);
                regions(&variable.numbers, low, high, whole).into_iter().map(Value::Number).collect()
            }
        };
        if ty.may_be_missing {
            values.push(Value::Missing);
        }
        values
    }

    /// Between which values the feature lies by the way it is made.
    fn bounds(&self, id: FeatureId) -> (f64, f64) {
        let aggregate = match &self.known.features[id.0].value.kind {
            Kind::Call { function: Function::Aggregate(aggregate), .. } => Some(*aggregate),
            _ => None,
        };
        use Aggregate::*;
        match (self.known.types[id.0].base, aggregate) {
            (Base::Score(n), _) => (1.0, f64::from(n)),
            (_, Some(Share)) => (0.0, 1.0),
            (_, Some(Count | CountDistinct | Entropy | Std)) => (0.0, f64::INFINITY),
            _ => (f64::NEG_INFINITY, f64::INFINITY),
        }
    }

    fn describe(&self, variable: &Variable, value: &Value) -> String {
        let name = &self.known.features[variable.id.0].name.value;
        match value {
            Value::Missing => format!("{name} missing"),
            Value::Word(word) => format!("{name} = \"{word}\""),
            Value::Number(number) => match self.known.types[variable.id.0].base {
                Base::Duration => format!("{name} = {} days", number / DAY as f64),
                Base::Money => format!("{name} = {number} {}", self.known.currency.unwrap_or_default()),
                base if base.is_time() => format!("{name} = @{}", iso(*number as i64)),
                Base::Share => format!("{name} = {}%", number * 100.0),
                Base::Bool => format!("{name} = {}", *number == 1.0),
                _ => format!("{name} = {number}"),
            },
        }
    }
}

/// One point from each of the regions into which `cuts` divide the numbers from `low` to `high`, cuts included.
fn regions(cuts: &[f64], low: f64, high: f64, whole: bool) -> Vec<f64> {
    let inside = |x: &f64| (low..=high).contains(x);
    let bounds = [low, high].into_iter().filter(|x| x.is_finite());
    let mut cuts: Vec<f64> = cuts.iter().copied().filter(inside).chain(bounds).collect();
    cuts.sort_by(f64::total_cmp);
    cuts.dedup();
    let (Some(first), Some(last)) = (cuts.first().copied(), cuts.last().copied()) else { return vec![0.0] };
    let beyond = |cut: f64| if whole { 1.0 } else { (cut.abs() / 2.0).max(0.5) };
    let between = cuts.windows(2).filter_map(|pair| match pair[1] - pair[0] {
        gap if whole => (gap > 1.0).then_some(pair[0] + 1.0),
        gap => Some(pair[0] + gap / 2.0),
    });
    let mut points: Vec<f64> = cuts.iter().copied().chain(between).collect();
    points.extend([last + beyond(last), first - beyond(first)].iter().filter(|x| inside(x)));
    points
}

fn place(list: &mut Vec<Free>, new: Free) -> usize {
    list.iter().position(|known| known.key == new.key).unwrap_or_else(|| {
        list.push(new);
        list.len() - 1
    })
}

fn with_unknown<T: Copy>(known: &[T], may_be_unknown: bool) -> Vec<Option<T>> {
    known.iter().copied().map(Some).chain(may_be_unknown.then_some(None)).collect()
}

fn holds(node: &Node, case: &Case) -> Option<bool> {
    match node {
        Node::And(list) => {
            let mut all = Some(true);
            for part in list {
                match holds(part, case) {
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
                match holds(part, case) {
                    Some(true) => return Some(true),
                    None => any = None,
                    Some(false) => {}
                }
            }
            any
        }
        Node::Not(inner) => holds(inner, case).map(|b| !b),
        Node::Missing(variable) => Some(*(case.values)(*variable) == Value::Missing),
        Node::Number(variable, comparator, constant) => match (case.values)(*variable) {
            Value::Number(number) => Some(comparator.holds(number.total_cmp(constant))),
            _ => None,
        },
        Node::Word(variable, comparator, constant) => match (case.values)(*variable) {
            Value::Word(word) => Some(comparator.holds(word.cmp(constant))),
            _ => None,
        },
        Node::Order(pair, comparator) => (case.orders)(*pair).map(|order| comparator.holds(order)),
        Node::Free(free) => (case.truths)(*free),
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
