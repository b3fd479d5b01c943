//! Names for clusters or customers: the first rule that holds gives the label.

use std::collections::BTreeMap;

use super::clustering::Clustering;
use super::customers::{Customers, Values, quantile};
use crate::eval::{Scope, Value, truth};
use crate::plan::{Labels, Rule};

/// Who got which label, and by which rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Labelled {
    /// In the order of first appearance over rules.
    pub segments: Vec<Segment>,
    /// Per customer, an index into `segments`.
    pub of_customer: Vec<u32>,
    /// Per customer, the rule (its index) that gave the label.
    pub rule_of_customer: Vec<u32>,
    /// Per cluster, an index into `segments`; empty where customers are labelled.
    pub of_cluster: Vec<u32>,
    /// Per cluster, the rule that named it; empty where customers are labelled.
    pub rule_of_cluster: Vec<u32>,
    /// Per rule, how many clusters it took.
    pub clusters_by_rule: Vec<u64>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    pub label: String,
    pub rule: u32,
    pub clusters: Vec<u32>,
}

/// What rules see: a profile, and everyone's.
pub struct Profile<'a> {
    pub own: &'a dyn Fn(&str) -> Value,
    pub everyone: &'a dyn Fn(&str) -> Value,
    /// Microseconds, where it is known.
    pub as_of: Option<i64>,
}

impl Scope<String> for Profile<'_> {
    fn column(&self, name: &String) -> Value {
        (self.own)(name)
    }

    fn all(&self, name: &String) -> Value {
        (self.everyone)(name)
    }

    fn as_of(&self) -> Value {
        self.as_of.map_or(Value::Missing, |micros| Value::Number(micros as f64))
    }
}

/// The first rule that holds; `check` has made sure that there is one for everybody.
pub fn first_match(rules: &[Rule], of: &dyn Scope<String>) -> Option<usize> {
    rules.iter().position(|rule| rule.when.as_ref().is_none_or(|when| truth(when, of) == Some(true)))
}

/// The first rule that holds for each customer, beside what is typical of everyone. A build's customers all get one;
/// others may lack what `check` could rely on.
pub(super) fn rules_of(
    rules: &[Rule],
    customers: &Customers,
    everyone: &Typical,
    as_of: Option<i64>,
) -> Vec<Option<u32>> {
    let columns: BTreeMap<&str, &Values> = customers.features.iter().map(|f| (f.name.as_str(), &f.values)).collect();
    (0..customers.ids.len())
        .map(|row| {
            let own = |name: &str| columns.get(name).map_or(Value::Missing, |values| values.get(row));
            let profile = Profile { own: &own, everyone: &|name| everyone.get(name), as_of };
            first_match(rules, &profile).map(|rule| rule as u32)
        })
        .collect()
}

pub(super) fn customers(labels: &Labels, customers: &Customers, everyone: &Typical, as_of: Option<i64>) -> Labelled {
    let rules: Vec<u32> =
        rules_of(&labels.rules, customers, everyone, as_of).into_iter().map(|r| r.expect(EXHAUSTIVE)).collect();
    let mut segments: Vec<Segment> = vec![];
    let mut segment_of_rule: Vec<Option<u32>> = vec![None; labels.rules.len()];
    for (index, rule) in labels.rules.iter().enumerate() {
        if !rules.contains(&(index as u32)) {
            continue;
        }
        let known = segments.iter().position(|s| s.label == rule.label);
        let segment = known.unwrap_or_else(|| {
            segments.push(Segment { label: rule.label.clone(), rule: index as u32, clusters: vec![] });
            segments.len() - 1
        });
        segment_of_rule[index] = Some(segment as u32);
    }
    let of_customer = rules.iter().map(|r| segment_of_rule[*r as usize].expect("the rule fired")).collect();
    let clusters_by_rule = vec![0; labels.rules.len()];
    Labelled {
        segments,
        of_customer,
        rule_of_customer: rules,
        of_cluster: vec![],
        rule_of_cluster: vec![],
        clusters_by_rule,
    }
}

pub(super) fn clusters(
    labels: &Labels,
    customers: &Customers,
    everyone: &Typical,
    clustering: Option<&Clustering>,
    as_of: Option<i64>,
) -> Labelled {
    let clustering = clustering.expect("`resolve` wants a cluster block for labels over clusters");
    let k = clustering.chosen().k;
    let rule_of_cluster: Vec<u32> = (0..k)
        .map(|cluster| {
            let members: Vec<usize> =
                (0..customers.ids.len()).filter(|row| clustering.labels()[*row] == cluster).collect();
            let own = Typical::of(customers, &members);
            let (own, everyone) = (|name: &str| own.get(name), |name: &str| everyone.get(name));
            let profile = Profile { own: &own, everyone: &everyone, as_of };
            first_match(&labels.rules, &profile).expect(EXHAUSTIVE) as u32
        })
        .collect();
    let mut segments: Vec<Segment> = vec![];
    let mut of_cluster = vec![0; k as usize];
    for (cluster, rule) in by_rule(&rule_of_cluster) {
        let label = &labels.rules[rule as usize].label;
        let twins = rule_of_cluster.iter().filter(|r| labels.rules[**r as usize].label == *label).count();
        let label = if labels.distinct && twins > 1 { numbered(label, labels, &segments) } else { label.clone() };
        let segment = segments.iter().position(|s| s.label == label).unwrap_or_else(|| {
            segments.push(Segment { label, rule, clusters: vec![] });
            segments.len() - 1
        });
        segments[segment].clusters.push(cluster);
        of_cluster[cluster as usize] = segment as u32;
    }
    // Noise is no cluster, but a segment all the same; its rule stands behind all others.
    let noise_rule = labels.rules.len() as u32;
    let noise = labels.noise.as_ref().filter(|_| clustering.chosen().noise > 0).map_or(0, |noise| {
        segments.iter().position(|s| s.label == noise.label).unwrap_or_else(|| {
            segments.push(Segment { label: noise.label.clone(), rule: noise_rule, clusters: vec![] });
            segments.len() - 1
        })
    });
    let labels_of = || clustering.labels().iter().map(|c| *c as usize);
    let of_customer = labels_of().map(|c| of_cluster.get(c).copied().unwrap_or(noise as u32)).collect();
    let rule_of_customer = labels_of().map(|c| rule_of_cluster.get(c).copied().unwrap_or(noise_rule)).collect();
    let mut clusters_by_rule = vec![0; labels.all().count()];
    rule_of_cluster.iter().for_each(|rule| clusters_by_rule[*rule as usize] += 1);
    Labelled { segments, of_customer, rule_of_customer, of_cluster, rule_of_cluster, clusters_by_rule }
}

/// Clusters with their rules, in the order of rules, then of clusters.
fn by_rule(rule_of_cluster: &[u32]) -> Vec<(u32, u32)> {
    let mut pairs: Vec<(u32, u32)> = rule_of_cluster.iter().enumerate().map(|(c, rule)| (c as u32, *rule)).collect();
    pairs.sort_by_key(|(cluster, rule)| (*rule, *cluster));
    pairs
}

/// `Loyal 1`, `Loyal 2`: the next number that neither a segment nor a rule has as its name.
fn numbered(label: &str, labels: &Labels, segments: &[Segment]) -> String {
    let taken = |name: &str| segments.iter().any(|s| s.label == name) || labels.rules.iter().any(|r| r.label == name);
    (1..).map(|n| format!("{label} {n}")).find(|name| !taken(name)).expect("there are endless numbers")
}

const EXHAUSTIVE: &str = "`check` proves that some rule takes everybody";

/// Each feature's typical value in a group: the median of numbers, the commonest text (the smallest among equals), what
/// is true of most.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Typical(pub BTreeMap<String, Value>);

impl Typical {
    /// Of the customers in these rows.
    pub fn of(customers: &Customers, members: &[usize]) -> Typical {
        Typical(customers.features.iter().map(|f| (f.name.clone(), typical(&f.values, members))).collect())
    }

    pub(super) fn of_all(customers: &Customers) -> Typical {
        Typical::of(customers, &(0..customers.ids.len()).collect::<Vec<_>>())
    }

    pub fn get(&self, name: &str) -> Value {
        self.0.get(name).cloned().unwrap_or(Value::Missing)
    }
}

fn typical(values: &Values, members: &[usize]) -> Value {
    match values {
        Values::Numbers(numbers) => {
            let mut sorted: Vec<f64> = members.iter().map(|m| numbers[*m]).filter(|x| !x.is_nan()).collect();
            sorted.sort_by(f64::total_cmp);
            if sorted.is_empty() { Value::Missing } else { Value::Number(quantile(&sorted, 0.5)) }
        }
        Values::Texts(texts) => {
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            members.iter().filter_map(|m| texts[*m].as_deref()).for_each(|t| *counts.entry(t).or_default() += 1);
            let most = counts.values().copied().max();
            let commonest = counts.into_iter().find(|(_, n)| Some(*n) == most);
            commonest.map_or(Value::Missing, |(text, _)| Value::Text(text.into()))
        }
        Values::Bools(bools) => {
            let (yes, known) =
                members.iter().filter_map(|m| bools[*m]).fold((0, 0), |(y, n), b| (y + usize::from(b), n + 1));
            if known == 0 { Value::Missing } else { Value::Bool(2 * yes > known) }
        }
    }
}
