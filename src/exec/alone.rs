//! One customer of a build with another value of one feature, the other customers as they are.
//!
//! Where customers are labelled, what a build would take from everybody is taken again: cut points of scores, bounds of
//! `winsorize`, what `all.` means. Where clusters are, the clusters of the build stay, and the customer is placed among
//! them as [`place`](super::place) does.

use std::collections::BTreeMap;

use ndarray::ArrayView1;

use super::clustering::Clustering;
use super::customers::{Feature, Values, quantile_of, to_values};
use super::labels::{Typical, first_match};
use super::place::{self, Clusters, Learned, Measured, Named, Near, Placed};
use super::yardstick::Yardstick;
use super::{ExecError, Execution};
use crate::eval::{Scope, Value, eval};
use crate::plan::expr::{Expr, Op};
use crate::plan::{Plan, PopulationKind, Step};
use crate::spec::Over;

/// A customer, ready to be measured again.
pub struct Alone<'a> {
    plan: &'a Plan,
    run: &'a Execution,
    row: usize,
    /// Places of the features that are measured from rows; all others follow from these.
    pub inputs: Vec<usize>,
    /// Of each function over all customers whose argument follows from features, by its helper column.
    beside: BTreeMap<String, Beside>,
    /// Features that rules ask of everyone.
    everyone: BTreeMap<String, Others>,
    /// What the build has learned, where clusters are labelled.
    learned: Option<Learned>,
    /// Whether something is taken from what is itself taken from all customers, a score of scores for example. What
    /// others have of it is left as it is, so that a build may differ a little.
    pub nested: bool,
}

/// What a customer is like, and what that makes of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// By the names of features.
    pub own: BTreeMap<String, Value>,
    /// What `all.` means then; only what rules ask for.
    pub everyone: BTreeMap<String, Value>,
    /// The segment, with the rule that gives it; nothing where the customer can't be placed.
    pub segment: Option<Named>,
    pub cluster: Option<Near>,
    /// Microseconds.
    as_of: Option<i64>,
}

impl Scope<String> for Standing {
    fn column(&self, name: &String) -> Value {
        self.own.get(name).cloned().unwrap_or(Value::Missing)
    }

    fn all(&self, name: &String) -> Value {
        self.everyone.get(name).cloned().unwrap_or(Value::Missing)
    }

    fn as_of(&self) -> Value {
        self.as_of.map_or(Value::Missing, |as_of| Value::Number(as_of as f64))
    }
}

/// The values of all other customers.
enum Others {
    /// Sorted, without missing ones.
    Numbers(Vec<f64>),
    Texts(BTreeMap<String, usize>),
    /// How many are false and true.
    Bools([usize; 2]),
}

enum Beside {
    Score(Yardstick),
    Winsorize { others: Others, low: f64, high: f64 },
}

impl<'a> Alone<'a> {
    pub fn of(plan: &'a Plan, run: &'a Execution, row: usize) -> Alone<'a> {
        let mut known: Vec<&str> = vec![];
        // Names whose values hang on those of other customers.
        let mut hanging: Vec<&str> = vec![];
        let mut nested = false;
        let mut inputs = vec![];
        let mut beside = BTreeMap::new();
        let over_clusters = plan.labels.over == Over::Clusters;
        for step in &plan.customers.steps {
            let follows = |expr: &Expr| expr.columns().iter().all(|column| known.contains(&column.as_str()));
            let hangs = |expr: &Expr| expr.columns().iter().any(|column| hanging.contains(&column.as_str()));
            match step {
                Step::Population(population) if follows(&population.of) => {
                    nested |= hangs(&population.of);
                    known.push(&population.name);
                    hanging.push(&population.name);
                    if !over_clusters {
                        let cells = run.customers.project(&population.of, run.as_of);
                        let others = Others::of(&to_values(cells, population.of.base), row);
                        let of = match (population.kind.clone(), others) {
                            (PopulationKind::Winsorize { low, high }, others) => {
                                Beside::Winsorize { others, low, high }
                            }
                            (PopulationKind::Score { .. }, Others::Numbers(others)) => {
                                let score = Yardstick::beside(population, &others);
                                Beside::Score(score.expect("the step is a score"))
                            }
                            (PopulationKind::Score { .. }, _) => unreachable!("`check` lets only amounts be scored"),
                        };
                        beside.insert(population.name.clone(), of);
                    }
                }
                // What a model of buying says is taken from rows, and so is every feature that asks for it.
                Step::Population(_) | Step::Forecast(_) => {}
                Step::Feature(feature) => {
                    if !follows(&feature.value) {
                        inputs.extend(run.customers.features.iter().position(|f| f.name == feature.name));
                    }
                    known.push(&feature.name);
                    if hangs(&feature.value) {
                        hanging.push(&feature.name);
                    }
                }
            }
        }
        let mut asked: Vec<String> = vec![];
        plan.labels.rules.iter().filter_map(|rule| rule.when.as_ref()).for_each(|when| asks_all(when, &mut asked));
        nested |= asked.iter().any(|name| hanging.contains(&name.as_str()));
        let others = |name: &String| Others::of(&run.customers.feature(name).expect("`resolve` knows it").values, row);
        let everyone = match over_clusters {
            true => BTreeMap::new(),
            false => asked.into_iter().map(|name| (name.clone(), others(&name))).collect(),
        };
        let learned = over_clusters.then(|| learned(plan, run));
        Alone { plan, run, row, inputs, beside, everyone, learned, nested: nested && !over_clusters }
    }

    /// The customer as they are, or with another value of one feature that is measured from rows.
    pub fn with(&self, change: Option<(usize, &Value)>) -> Result<Standing, ExecError> {
        match &self.learned {
            Some(learned) => self.among_clusters(learned, change),
            None => Ok(self.by_rules(change)),
        }
    }

    /// From the customer to the centre of each cluster, in scaled units; none where customers are labelled.
    pub fn distances(&self) -> Result<Vec<f64>, ExecError> {
        let (Some(learned), Some(cluster)) = (&self.learned, &self.plan.cluster) else { return Ok(vec![]) };
        let Some(clusters) = &learned.clusters else { return Ok(vec![]) };
        let placed = self.placed(learned, None)?;
        let (mut points, _) =
            super::clustering::points(cluster, &placed.customers, self.run.as_of, Some(&learned.yardsticks))?;
        clusters.scaler.transform(&mut points)?;
        let to = |center: ArrayView1<f64>| (&points.row(0) - &center).mapv(|x| x * x).sum().sqrt();
        Ok(clusters.centers.rows().into_iter().map(to).collect())
    }

    fn value(&self, place: usize, change: Option<(usize, &Value)>) -> Value {
        match change {
            Some((changed, value)) if changed == place => value.clone(),
            _ => self.run.customers.features[place].values.get(self.row),
        }
    }

    fn by_rules(&self, change: Option<(usize, &Value)>) -> Standing {
        let mut standing = Standing {
            own: BTreeMap::new(),
            everyone: BTreeMap::new(),
            segment: None,
            cluster: None,
            as_of: self.run.as_of,
        };
        let mut place = 0;
        for step in &self.plan.customers.steps {
            match step {
                Step::Population(population) => {
                    let Some(beside) = self.beside.get(&population.name) else { continue };
                    let x = eval(&population.of, &standing).as_number().unwrap_or(f64::NAN);
                    let value = match beside {
                        Beside::Score(yardstick) => yardstick.apply(x),
                        Beside::Winsorize { others, low, high } => {
                            let bound = |q: f64| others.quantile(x, q);
                            bound(*low).zip(bound(*high)).map_or(x, |(low, high)| x.clamp(low, high))
                        }
                    };
                    standing.own.insert(population.name.clone(), Value::number(value));
                }
                Step::Forecast(_) => {}
                Step::Feature(feature) => {
                    let value = match self.inputs.contains(&place) {
                        true => self.value(place, change),
                        false => to_values(vec![eval(&feature.value, &standing)], feature.value.base).get(0),
                    };
                    standing.own.insert(feature.name.clone(), value);
                    place += 1;
                }
            }
        }
        standing.everyone =
            self.everyone.iter().map(|(name, others)| (name.clone(), others.typical(&standing.own[name]))).collect();
        let rule = first_match(&self.plan.labels.rules, &standing);
        standing.segment = rule.map(|rule| {
            let label = self.plan.labels.rules[rule].label.clone();
            Named { label, rule: rule as u32 }
        });
        standing
    }

    fn placed(&self, learned: &Learned, change: Option<(usize, &Value)>) -> Result<Placed, ExecError> {
        let features = self.run.customers.features.iter().enumerate().map(|(place, feature)| Feature {
            values: to_values(vec![self.value(place, change)], feature.base),
            ..feature.without_values()
        });
        let measured = Measured { ids: vec![self.run.customers.ids[self.row].clone()], features: features.collect() };
        let placed = place::from_features(self.plan, learned, measured, self.run.as_of)?;
        Ok(placed.expect("all features of a customer of the build are there"))
    }

    fn among_clusters(&self, learned: &Learned, change: Option<(usize, &Value)>) -> Result<Standing, ExecError> {
        let mut placed = self.placed(learned, change)?;
        let own = placed.customers.features.iter().map(|f| (f.name.clone(), f.values.get(0)));
        let placement = placed.placements.swap_remove(0);
        Ok(Standing {
            own: own.collect(),
            everyone: BTreeMap::new(),
            segment: placement.segment,
            cluster: placement.cluster,
            as_of: self.run.as_of,
        })
    }
}

/// The features whose value over all customers an expression asks for.
fn asks_all(expr: &Expr, out: &mut Vec<String>) {
    if let Op::All(name) = &expr.op
        && !out.contains(name)
    {
        out.push(name.clone());
    }
    expr.parts().into_iter().for_each(|part| asks_all(part, out));
}

/// What a model of the build would hold.
fn learned(plan: &Plan, run: &Execution) -> Learned {
    let clusters = run.clustering.as_ref().map(|clustering: &Clustering| {
        let segment = |cluster: usize| Named {
            label: run.labelled.segments[run.labelled.of_cluster[cluster] as usize].label.clone(),
            rule: run.labelled.rule_of_cluster[cluster],
        };
        let segments = match plan.labels.over {
            Over::Clusters => (0..run.labelled.of_cluster.len()).map(segment).collect(),
            Over::Customers => vec![],
        };
        let chosen = clustering.chosen();
        Clusters {
            scaler: clustering.scaler.clone(),
            centers: chosen.fit.centers.clone(),
            placing: chosen.placing.clone(),
            segments,
        }
    });
    let yardsticks = run.clustering.as_ref().map_or(&run.customers.yardsticks, |clustering| &clustering.yardsticks);
    Learned { yardsticks: yardsticks.clone(), everyone: Typical(run.everyone.0.clone()), clusters }
}

impl Others {
    fn of(values: &Values, row: usize) -> Others {
        match values {
            Values::Numbers(numbers) => {
                let others = numbers.iter().enumerate().filter(|(other, x)| *other != row && !x.is_nan());
                let mut others: Vec<f64> = others.map(|(_, x)| *x).collect();
                others.sort_by(f64::total_cmp);
                Others::Numbers(others)
            }
            Values::Texts(texts) => {
                let mut counts = BTreeMap::new();
                let others = texts.iter().enumerate().filter(|(other, _)| *other != row);
                others
                    .filter_map(|(_, text)| text.as_deref())
                    .for_each(|text| *counts.entry(text.to_owned()).or_default() += 1);
                Others::Texts(counts)
            }
            Values::Bools(bools) => {
                let mut counts = [0, 0];
                let others = bools.iter().enumerate().filter(|(other, _)| *other != row);
                others.filter_map(|(_, b)| *b).for_each(|b| counts[usize::from(b)] += 1);
                Others::Bools(counts)
            }
        }
    }

    /// The quantile of the others and one more value, which may be missing.
    fn quantile(&self, x: f64, q: f64) -> Option<f64> {
        let Others::Numbers(others) = self else { return None };
        let before = others.partition_point(|other| other.total_cmp(&x).is_lt());
        let there = usize::from(!x.is_nan());
        let n = others.len() + there;
        let sorted = |place: usize| match place.cmp(&before) {
            _ if there == 0 => others[place],
            std::cmp::Ordering::Less => others[place],
            std::cmp::Ordering::Equal => x,
            std::cmp::Ordering::Greater => others[place - 1],
        };
        (n > 0).then(|| quantile_of(n, sorted, q))
    }

    /// What is typical of the others and one more: as [`Typical`] has it.
    fn typical(&self, own: &Value) -> Value {
        match self {
            Others::Numbers(_) => {
                self.quantile(own.as_number().unwrap_or(f64::NAN), 0.5).map_or(Value::Missing, Value::Number)
            }
            Others::Texts(counts) => {
                let mut counts = counts.clone();
                if let Value::Text(text) = own {
                    *counts.entry(text.to_string()).or_default() += 1;
                }
                let most = counts.values().copied().max();
                let commonest = counts.into_iter().find(|(_, n)| Some(*n) == most);
                commonest.map_or(Value::Missing, |(text, _)| Value::Text(text.into()))
            }
            Others::Bools(counts) => {
                let mut counts = *counts;
                if let Value::Bool(b) = own {
                    counts[usize::from(*b)] += 1;
                }
                if counts == [0, 0] { Value::Missing } else { Value::Bool(counts[1] > counts[0]) }
            }
        }
    }
}
