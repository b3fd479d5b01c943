//! `segc diff`: what a change to a spec does. First by meaning, without data; then over the data, which customers move
//! from which segment to which, how much money moves with them, and why.

mod clusters;
mod limit;
mod meaning;
mod parts;
mod render;
mod rules;
mod sides;
mod together;
pub(crate) mod words;

use std::collections::BTreeMap;

use serde::Serialize;

pub use limit::Limit;
pub use meaning::{Class, LabelChange, LabelMove, Meaning, MovedRegion, meaning};
pub use parts::PartChange;
pub use render::{markdown, text};
pub use sides::Side;

use crate::build::Built;
use crate::compile::Compiled;
use crate::exec::customers::{Feature, Values};
use crate::outcome::{Outcome, ScoreTable};
use crate::summarize::{amount_text, in_unit};
use crate::time::iso;
use crate::types::Base;

pub const SCHEMA: &str = "segc.diff/1";

/// Laws that hold for every diff: a diff of a side with itself has no changes and no movers; over a row of the matrix
/// `customers` and `amount_before` sum to the segment before, over a column `customers` and `amount_after` to the one
/// after, to the last digit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diff {
    pub schema: String,
    pub before: SideFacts,
    pub after: SideFacts,
    /// What kind of change it is, and whom the rules treat otherwise whatever the data are.
    pub meaning: Meaning,
    /// Parts of the plan that differ; none where both specs mean the same.
    pub spec: Vec<PartChange>,
    /// Cleaning rules that take other rows, inputs included.
    pub rows: Vec<RuleChange>,
    /// Scores whose cut points shifted.
    pub cuts: Vec<CutChange>,
    /// Clusters of the first side and those of the second that have most of their customers.
    pub clusters: Vec<ClusterMatch>,
    /// Every pair of segments that has customers; `None` is outside, a customer that only one side has.
    pub matrix: Vec<Cell>,
    pub moved: Moved,
    /// Customers whose segment differs, the largest amount first.
    pub movers: Vec<Mover>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SideFacts {
    pub name: String,
    pub currency: Option<String>,
    pub customers: u64,
    pub amount: Option<String>,
    pub k: Option<u32>,
    /// In the order of the outcome.
    pub segments: Vec<SegmentFacts>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SegmentFacts {
    pub label: String,
    pub customers: u64,
    pub amount: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleChange {
    /// `read`, `refused`, `used`, or the name of a rule.
    pub rule: String,
    /// Absent where a side has no such rule.
    pub rows_before: Option<u64>,
    pub rows_after: Option<u64>,
    pub amount_before: Option<String>,
    pub amount_after: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CutChange {
    /// The feature that is the score.
    pub feature: String,
    pub unit: String,
    pub score: u32,
    /// Smallest value with this score, and customers who have it.
    pub from_before: Option<f64>,
    pub from_after: Option<f64>,
    pub customers_before: u64,
    pub customers_after: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClusterMatch {
    pub before: u32,
    pub after: u32,
    /// Customers in both.
    pub customers: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cell {
    pub from: Option<String>,
    pub to: Option<String>,
    pub customers: u64,
    pub amount_before: Option<String>,
    pub amount_after: Option<String>,
}

/// All movers together. A customer's amount is that of the first side, or of the second where only that one has it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Moved {
    pub customers: u64,
    /// Of the customers that either side has, 0 to 1.
    pub share: f64,
    pub amount: Option<String>,
    pub amount_share: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mover {
    pub customer: String,
    pub from: Option<String>,
    pub to: Option<String>,
    pub amount: Option<String>,
    pub cause: Cause,
    /// The cause in words.
    pub why: String,
}

/// What moved a customer, the nearest to the data first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// One side has no rows of this customer left.
    Rows,
    /// A feature has another value.
    Feature,
    /// The same values score otherwise: a cut point shifted.
    CutPoint,
    /// The same values lie in another cluster.
    Cluster,
    /// Another rule holds, or the same rule gives another label.
    Rule,
}

/// One side: what it is called, its spec, and its build.
#[derive(Clone, Copy)]
pub struct Part<'a> {
    pub name: &'a str,
    pub compiled: &'a Compiled,
    pub built: &'a Built,
}

/// Compares two builds.
pub fn diff(left: Part, right: Part) -> Diff {
    let (meaning, spec) = meaning(left.compiled, right.compiled);
    let (before, after) = (left.built, right.built);
    let (a, mut b) = (View::of(before), View::of(after));
    let matched = clusters::matched(&a, &b);
    b.names = clusters::aligned_names(&a, &b, &matched);
    let scale = before.execution.customers.amount_scale.max(after.execution.customers.amount_scale);
    type Pair = (Option<u32>, Option<u32>);
    let mut cells: BTreeMap<Pair, (u64, i128, i128)> = BTreeMap::new();
    let (mut movers, mut all, mut moved_amount, mut total) = (vec![], 0, 0i128, 0i128);
    let mut ids: Vec<&str> = a.rows.keys().chain(b.rows.keys()).copied().collect();
    ids.sort_unstable();
    ids.dedup();
    for id in ids {
        let (i, j) = (a.rows.get(id).copied(), b.rows.get(id).copied());
        let (from, to) = (i.map(|i| a.segment(i)), j.map(|j| b.segment(j)));
        let (left, right) = (i.map(|i| a.amount(i, scale)), j.map(|j| b.amount(j, scale)));
        let cell = cells.entry((from, to)).or_default();
        cell.0 += 1;
        cell.1 += left.unwrap_or(0);
        cell.2 += right.unwrap_or(0);
        let worth = left.or(right).unwrap_or(0);
        (all, total) = (all + 1, total + worth);
        let (from, to) = (from.map(|s| a.label(s)), to.map(|s| b.label(s)));
        if from != to {
            moved_amount += worth;
            let (cause, why) = cause(&a, &b, i, j, &matched);
            let (from, to) = (from.map(str::to_owned), to.map(str::to_owned));
            movers.push((worth, Mover { customer: id.to_owned(), from, to, amount: None, cause, why }));
        }
    }
    let money = before.execution.customers.amounts.is_some() || after.execution.customers.amounts.is_some();
    let amount = |units: i128| money.then(|| amount_text(units, scale));
    // The id decides between equals, so that the order is always the same.
    movers.sort_by(|(x, m), (y, n)| y.cmp(x).then_with(|| m.customer.cmp(&n.customer)));
    let moved = Moved {
        customers: movers.len() as u64,
        share: movers.len() as f64 / f64::max(f64::from(all), 1.0),
        amount: amount(moved_amount),
        amount_share: (money && total != 0).then(|| moved_amount as f64 / total as f64),
    };
    let matrix = cells.into_iter().map(|((from, to), (customers, left, right))| Cell {
        from: from.map(|s| a.label(s).to_owned()),
        to: to.map(|s| b.label(s).to_owned()),
        customers,
        amount_before: from.and_then(|_| amount(left)),
        amount_after: to.and_then(|_| amount(right)),
    });
    Diff {
        schema: SCHEMA.to_owned(),
        before: a.facts(left.name),
        after: b.facts(right.name),
        meaning,
        spec,
        rows: rows(&before.outcome, &after.outcome),
        cuts: cuts(&before.outcome.scores, &after.outcome.scores),
        clusters: matched
            .into_iter()
            .map(|(before, (after, customers))| ClusterMatch { before, after, customers })
            .collect(),
        matrix: matrix.collect(),
        moved,
        movers: movers.into_iter().map(|(worth, mover)| Mover { amount: amount(worth), ..mover }).collect(),
    }
}

impl Diff {
    /// Whether nothing differs, in meaning or in data.
    pub fn is_empty(&self) -> bool {
        self.spec.is_empty() && self.rows.is_empty() && self.cuts.is_empty() && self.movers.is_empty()
    }
}

/// A build by customer.
struct View<'a> {
    built: &'a Built,
    rows: BTreeMap<&'a str, usize>,
    /// What its segments are called here, in the order of the execution.
    names: Vec<String>,
}

impl<'a> View<'a> {
    fn of(built: &'a Built) -> View<'a> {
        let ids = built.execution.customers.ids.iter().enumerate();
        let names = built.execution.labelled.segments.iter().map(|segment| segment.label.clone()).collect();
        View { built, rows: ids.map(|(row, id)| (id.as_str(), row)).collect(), names }
    }

    fn segment(&self, row: usize) -> u32 {
        self.built.execution.labelled.of_customer[row]
    }

    fn label(&self, segment: u32) -> &str {
        &self.names[segment as usize]
    }

    fn facts(&self, name: &str) -> SideFacts {
        let outcome = &self.built.outcome;
        let called = |label: &str| {
            let own = self.built.execution.labelled.segments.iter().position(|segment| segment.label == label);
            own.map_or(label.to_owned(), |segment| self.names[segment].clone())
        };
        let segment = |s: &crate::outcome::SegmentOutcome| SegmentFacts {
            label: called(&s.label),
            customers: s.customers,
            amount: s.amount.clone(),
        };
        SideFacts {
            name: name.to_owned(),
            currency: outcome.currency.clone(),
            customers: outcome.customers,
            amount: outcome.amount.clone(),
            k: outcome.cluster.as_ref().map(|c| c.k),
            segments: outcome.segments.iter().map(segment).collect(),
        }
    }

    fn amount(&self, row: usize, scale: u8) -> i128 {
        let customers = &self.built.execution.customers;
        let units = customers.amounts.as_ref().map_or(0, |amounts| i128::from(amounts[row]));
        units * 10i128.pow(u32::from(scale - customers.amount_scale))
    }

    fn cluster(&self, row: usize) -> Option<u32> {
        self.built.execution.clustering.as_ref().and_then(|c| c.cluster_of(row))
    }

    /// `rule 2 ("Loyal" when frequency >= 3)`.
    fn rule(&self, row: usize) -> String {
        let index = self.built.execution.labelled.rule_of_customer[row];
        let rule = self.built.plan.labels.rule(index);
        let condition = rule.words.as_ref().map_or("otherwise".to_owned(), |words| format!("when {words}"));
        format!("rule {} (\"{}\" {condition})", index + 1, rule.label)
    }

    fn is_score(&self, feature: &str) -> bool {
        self.built.execution.customers.scores.iter().any(|score| score.feature == feature)
    }
}

fn cause(
    a: &View,
    b: &View,
    i: Option<usize>,
    j: Option<usize>,
    matched: &BTreeMap<u32, (u32, u64)>,
) -> (Cause, String) {
    let (i, j) = match (i, j) {
        (Some(i), Some(j)) => (i, j),
        (Some(_), None) => return (Cause::Rows, "none of the customer's rows is used any more".to_owned()),
        _ => return (Cause::Rows, "none of the customer's rows was used before".to_owned()),
    };
    let features = |scores: bool| -> Vec<String> {
        let pairs = a.built.execution.customers.features.iter().filter_map(|left| {
            let right = b.built.execution.customers.feature(&left.name)?;
            let (x, y) = (cell(left, i), cell(right, j));
            (a.is_score(&left.name) == scores && x != y).then(|| {
                let (x, y) = if matches!(left.values, Values::Numbers(_)) { apart(x, y) } else { (x, y) };
                format!("{} {x} -> {y}", left.name)
            })
        });
        pairs.collect()
    };
    let rules = || match (a.rule(i), b.rule(j)) {
        (left, right) if left == right => left,
        (left, right) => format!("{left} -> {right}"),
    };
    let values = features(false);
    if !values.is_empty() {
        return (Cause::Feature, values.join(", "));
    }
    let scores = features(true);
    if !scores.is_empty() {
        return (Cause::CutPoint, format!("{}; {}", scores.join(", "), rules()));
    }
    let cluster = (a.cluster(i), b.cluster(j));
    if let (Some(left), Some(right)) = cluster
        && matched.get(&left).is_none_or(|(other, _)| *other != right)
    {
        return (Cause::Cluster, format!("cluster {left} -> {right}; {}", rules()));
    }
    (Cause::Rule, rules())
}

/// A value as the list of customers has it.
fn cell(feature: &Feature, row: usize) -> String {
    match &feature.values {
        Values::Texts(texts) => texts[row].as_deref().unwrap_or("missing").to_owned(),
        Values::Bools(bools) => bools[row].map_or("missing".to_owned(), |b| b.to_string()),
        Values::Numbers(numbers) => match (numbers[row], feature.base) {
            (x, _) if x.is_nan() => "missing".to_owned(),
            (x, Base::Date | Base::Datetime) => iso(x as i64),
            (x, base) => in_unit(base, x).to_string(),
        },
    }
}

/// Two numbers with as few decimals, two or more, as tell them apart.
fn apart(x: String, y: String) -> (String, String) {
    let short = |text: &str, decimals: usize| match (text.split_once('.'), text.parse::<f64>()) {
        (Some((_, after)), Ok(number)) if after.len() > decimals => format!("{number:.decimals$}"),
        _ => text.to_owned(),
    };
    let differ = |(x, y): &(String, String)| x.parse::<f64>().ok() != y.parse::<f64>().ok();
    (2..12).map(|decimals| (short(&x, decimals), short(&y, decimals))).find(differ).unwrap_or((x, y))
}

/// Lines of the two ledgers that differ, in their order.
fn rows(a: &Outcome, b: &Outcome) -> Vec<RuleChange> {
    type Line = (String, u64, Option<String>);
    let lines = |outcome: &Outcome| -> Vec<Line> {
        let rows = &outcome.rows;
        let dropped = rows.dropped.iter().map(|d| (d.rule.clone(), d.rows, d.amount.clone()));
        let read =
            [("read".to_owned(), rows.read, rows.amount_read.clone()), ("refused".to_owned(), rows.refused, None)];
        read.into_iter().chain(dropped).chain([("used".to_owned(), rows.used, rows.amount_used.clone())]).collect()
    };
    let (left, right) = (lines(a), lines(b));
    let find = |lines: &[Line], rule: &str| lines.iter().find(|(name, ..)| name == rule).cloned();
    let names = left.iter().chain(right.iter().filter(|(name, ..)| find(&left, name).is_none())).map(|(name, ..)| name);
    let mut changes = vec![];
    for rule in names {
        let (before, after) = (find(&left, rule), find(&right, rule));
        if before != after {
            changes.push(RuleChange {
                rule: rule.clone(),
                rows_before: before.as_ref().map(|(_, rows, _)| *rows),
                rows_after: after.as_ref().map(|(_, rows, _)| *rows),
                amount_before: before.and_then(|(.., amount)| amount),
                amount_after: after.and_then(|(.., amount)| amount),
            });
        }
    }
    changes
}

/// Steps of scores that both sides have and that begin elsewhere or hold others.
fn cuts(a: &[ScoreTable], b: &[ScoreTable]) -> Vec<CutChange> {
    let mut changes = vec![];
    for left in a {
        let Some(right) = b.iter().find(|right| right.feature == left.feature) else { continue };
        for score in 1..=left.n.max(right.n) {
            let step =
                |table: &ScoreTable| table.steps.iter().find(|step| step.score == score).map(|s| (s.from, s.customers));
            let (before, after) = (step(left), step(right));
            if before != after {
                changes.push(CutChange {
                    feature: left.feature.clone(),
                    unit: left.unit.clone(),
                    score,
                    from_before: before.map(|(from, _)| from),
                    from_after: after.map(|(from, _)| from),
                    customers_before: before.map_or(0, |(_, customers)| customers),
                    customers_after: after.map_or(0, |(_, customers)| customers),
                });
            }
        }
    }
    changes
}
