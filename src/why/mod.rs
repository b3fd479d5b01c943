//! `segc why`: one customer of a build. What they are like, the rule that gives their segment and those that nearly do,
//! and for every feature the smallest change that would move them, the smallest of all first.

mod change;
mod render;
mod rules;
mod words;

use serde::Serialize;
use serde_json::Value as Json;

pub use change::Change;
pub use render::{dropped as without_segment, text};
pub use rules::{Part, RuleState, State};

use crate::build::{self, Built};
use crate::cluster::Placing;
use crate::compile::Compiled;
use crate::diagnostics::{Diagnostic, suggest};
use crate::eval::Value;
use crate::exec::alone::Alone;
use crate::exec::labels::{Profile, Typical};
use crate::exec::{Scores, trace};
use crate::inputs::{self, Instead};
use crate::progress::Progress;
use crate::spec::{Over, Spec, Typed};
use crate::summarize::amount_text;
use crate::time::iso;
use crate::types::Base;
use crate::world::World;
use words::{json, shown};

pub const SCHEMA: &str = "segc.why/1";

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Why {
    pub schema: String,
    /// Of the spec.
    pub name: String,
    pub as_of: Option<String>,
    pub customer: String,
    pub segment: String,
    /// In the segment, and in all.
    pub segment_customers: u64,
    pub customers: u64,
    /// What the customer is worth, where the spec has `revenue`.
    pub amount: Option<String>,
    pub currency: Option<String>,
    /// In the order of the spec.
    pub features: Vec<Measure>,
    /// Where clusters are labelled.
    pub cluster: Option<Cluster>,
    /// The rule that gives the label, then those that fail, the nearest first, then those that fit but come later. Over
    /// clusters they are asked about the cluster.
    pub rules: Vec<RuleState>,
    /// For each feature that is measured from rows, the smallest change of its value that gives another segment, where
    /// there is one; the smallest first, as `distance` counts.
    pub changes: Vec<Change>,
    /// Whether a new build with a change gives just this: always, unless scores are taken of scores.
    pub exact: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measure {
    pub name: String,
    pub unit: String,
    pub formula: String,
    /// In the unit; `null` where it is missing.
    pub value: Json,
    pub words: String,
    /// What is typical of all customers: `all.` of the spec.
    pub typical: String,
    /// Of a score, the values that get it.
    pub band: Option<String>,
}

/// Distances are Euclidean, in scaled units.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cluster {
    pub cluster: u32,
    pub customers: u64,
    pub k: u32,
    pub distance: f64,
    /// The second nearest.
    pub next: Option<Next>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Next {
    pub cluster: u32,
    pub segment: String,
    pub distance: f64,
    /// How much farther it is than the own one.
    pub margin: f64,
}

/// Why a customer has no segment: the rules that took their rows, and how many.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Dropped {
    pub customer: String,
    pub rows: Vec<(String, u64)>,
}

/// What there is to say of a customer who has a segment; nothing for others.
///
/// Errors: SEG0403 where a value grows beyond all numbers.
pub fn why(compiled: &Compiled, built: &Built, customer: &str) -> Result<Option<Why>, Box<Diagnostic>> {
    let Some(row) = built.execution.customers.ids.iter().position(|id| id == customer) else { return Ok(None) };
    let spec = compiled.spec.as_ref().expect("it was built");
    explained(compiled, spec, built, row)
        .map(Some)
        .map_err(|error| Box::new(build::diagnostic(&error, spec, &built.sources)))
}

/// What became of the rows of a customer who has no segment: read again and followed through the rules.
///
/// Errors: SEG0720 where there are no such rows, and those of a build.
pub fn dropped(
    world: &dyn World,
    compiled: &Compiled,
    built: &Built,
    customer: &str,
    progress: &dyn Progress,
) -> Result<Dropped, Vec<Diagnostic>> {
    let mut plan = built.plan.clone();
    // What leaves in a database is never seen here.
    plan.scans_mut().for_each(|scan| scan.format.pushdown = Some(false));
    let (read, _) = inputs::read(world, compiled, &plan, &Instead::new(), progress)?;
    let (inputs, sources) = build::apart(&plan, read);
    let spec = compiled.spec.as_ref().expect("it was built");
    let rows = trace(&plan, inputs, customer).map_err(|error| vec![build::diagnostic(&error, spec, &sources)])?;
    if rows.is_empty() {
        Err(vec![unknown(built, customer)])
    } else {
        Ok(Dropped { customer: customer.to_owned(), rows })
    }
}

fn unknown(built: &Built, customer: &str) -> Diagnostic {
    let ids = &built.execution.customers.ids;
    let found = Diagnostic::error("SEG0720", format!("there is no customer `{customer}`"));
    match suggest::nearest(customer, ids.iter().map(String::as_str)) {
        Some(near) => found.help(format!("did you mean `{near}`?")),
        None => {
            let some: Vec<&str> = ids.iter().take(3).map(String::as_str).collect();
            found.help(format!("customers are called as in the list of the build: {}", suggest::list(some)))
        }
    }
}

fn explained(
    compiled: &Compiled,
    spec: &Spec<Typed>,
    built: &Built,
    row: usize,
) -> Result<Why, crate::exec::ExecError> {
    let (run, plan) = (&built.execution, &built.plan);
    let alone = Alone::of(plan, run, row);
    let standing = alone.with(None)?;
    let segment = run.labelled.of_customer[row];
    let fired = run.labelled.rule_of_customer[row] as usize;
    let currency = plan.currency.as_deref();
    let rules = match plan.labels.over {
        Over::Customers => rules::states(spec, &compiled.sources, &standing, fired),
        Over::Clusters => {
            let clustering = run.clustering.as_ref().expect("clusters are labelled");
            match clustering.cluster_of(row) {
                None => vec![rules::noise(plan)],
                Some(own) => {
                    let members: Vec<usize> =
                        (0..run.customers.ids.len()).filter(|i| clustering.labels()[*i] == own).collect();
                    let typical = Typical::of(&run.customers, &members);
                    let (own, everyone) = (|name: &str| typical.get(name), |name: &str| run.everyone.get(name));
                    let profile = Profile { own: &own, everyone: &everyone, as_of: run.as_of };
                    rules::states(spec, &compiled.sources, &profile, fired)
                }
            }
        }
    };
    let label = |segment: u32| run.labelled.segments[segment as usize].label.clone();
    let count = |wanted: u32| run.labelled.of_customer.iter().filter(|s| **s == wanted).count() as u64;
    Ok(Why {
        schema: SCHEMA.to_owned(),
        name: plan.name.clone(),
        as_of: run.as_of.map(iso),
        customer: run.customers.ids[row].clone(),
        segment: label(segment),
        segment_customers: count(segment),
        customers: run.customers.ids.len() as u64,
        amount: run.customers.amounts.as_ref().map(|a| amount_text(a[row].into(), run.customers.amount_scale)),
        currency: plan.currency.clone(),
        features: features(built, row),
        cluster: cluster(built, &alone, row)?,
        rules,
        changes: change::changes(spec, built, &alone, &standing)?
            .into_iter()
            .map(|found| found.worded(currency))
            .collect(),
        exact: !alone.nested,
    })
}

fn features(built: &Built, row: usize) -> Vec<Measure> {
    let (run, currency) = (&built.execution, built.plan.currency.as_deref());
    let measure = |feature: &crate::exec::Feature| {
        let value = feature.values.get(row);
        let scores = run.customers.scores.iter().find(|scores| scores.feature == feature.name);
        Measure {
            name: feature.name.clone(),
            unit: feature.base.unit(currency),
            formula: feature.words.clone(),
            words: shown(&value, feature.base, currency),
            value: json(&value, feature.base),
            typical: shown(&run.everyone.get(&feature.name), typical_base(feature.base), currency),
            band: scores.and_then(|scores| band(scores, &value, currency)),
        }
    };
    run.customers.features.iter().map(measure).collect()
}

/// The median of scores may lie between two of them.
fn typical_base(base: Base) -> Base {
    if matches!(base, Base::Score(_)) { Base::Number } else { base }
}

/// `recency from 8 days to 15 days`: what gets the same score.
fn band(scores: &Scores, value: &Value, currency: Option<&str>) -> Option<String> {
    let score = value.as_number()?;
    let cut = scores.cuts.iter().find(|cut| f64::from(cut.score) == score)?;
    let words = |x: f64| shown(&Value::Number(x), scores.base, currency);
    let (from, to) = (words(cut.from), words(cut.to));
    Some(if from == to { format!("{} {from}", scores.of) } else { format!("{} from {from} to {to}", scores.of) })
}

fn cluster(built: &Built, alone: &Alone, row: usize) -> Result<Option<Cluster>, crate::exec::ExecError> {
    let run = &built.execution;
    let distances = alone.distances()?;
    let (Some(clustering), false) = (&run.clustering, distances.is_empty()) else { return Ok(None) };
    let Some(own) = clustering.cluster_of(row) else { return Ok(None) };
    let distance = distances[own as usize];
    let others = distances.iter().enumerate().filter(|(cluster, _)| *cluster != own as usize);
    // Where something else than the distance to the centres decides, none of them is next.
    let by_centers = clustering.chosen().placing == Placing::Centers;
    let next = others.filter(|_| by_centers).min_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(cluster, next)| Next {
        cluster: cluster as u32,
        segment: run.labelled.segments[run.labelled.of_cluster[cluster] as usize].label.clone(),
        distance: *next,
        margin: next - distance,
    });
    let customers = clustering.chosen().sizes[own as usize];
    Ok(Some(Cluster { cluster: own, customers, k: clustering.chosen().k, distance, next }))
}
