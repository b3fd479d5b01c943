//! Which clusters of two builds are the same, so that a renumbering moves nobody.

use std::collections::BTreeMap;

use super::View;

/// Each cluster of the first side with the one of the second that shares most customers with it, each taken once.
pub(super) fn matched(a: &View, b: &View) -> BTreeMap<u32, (u32, u64)> {
    let mut shared: BTreeMap<(u32, u32), u64> = BTreeMap::new();
    for (id, i) in &a.rows {
        if let (Some(left), Some(right)) = (a.cluster(*i), b.rows.get(id).and_then(|j| b.cluster(*j))) {
            *shared.entry((left, right)).or_default() += 1;
        }
    }
    let mut pairs: Vec<((u32, u32), u64)> = shared.into_iter().collect();
    pairs.sort_by_key(|(pair, customers)| (std::cmp::Reverse(*customers), *pair));
    let mut matched: BTreeMap<u32, (u32, u64)> = BTreeMap::new();
    for ((left, right), customers) in pairs {
        if !matched.contains_key(&left) && matched.values().all(|(taken, _)| *taken != right) {
            matched.insert(left, (right, customers));
        }
    }
    matched
}

/// What the segments of the second side are called beside those of the first: the numbers of `Loyal 1`, `Loyal 2` go with
/// the clusters, so that a cluster that is found again keeps the number that it had.
pub(super) fn aligned_names(a: &View, b: &View, matched: &BTreeMap<u32, (u32, u64)>) -> Vec<String> {
    let (left, right) = (&a.built.execution.labelled, &b.built.execution.labelled);
    let rule_label = |view: &View, rule: u32| view.built.plan.labels.rules[rule as usize].label.clone();
    let is_numbered =
        |view: &View, label: &str, rule: u32| view.built.plan.labels.distinct && rule_label(view, rule) != *label;
    let known = |cluster: u32| {
        let before = matched.iter().find(|(_, (after, _))| *after == cluster).map(|(before, _)| *before)?;
        left.segments.iter().find(|segment| segment.clusters.contains(&before))
    };
    let mut names: Vec<Option<String>> = right
        .segments
        .iter()
        .map(|segment| {
            if !is_numbered(b, &segment.label, segment.rule) {
                return Some(segment.label.clone());
            }
            let before = segment.clusters.first().and_then(|cluster| known(*cluster))?;
            let same = rule_label(a, before.rule) == rule_label(b, segment.rule);
            (same && is_numbered(a, &before.label, before.rule)).then(|| before.label.clone())
        })
        .collect();
    // Those that are new take the numbers that are left.
    for at in 0..names.len() {
        if names[at].is_none() {
            let label = rule_label(b, right.segments[at].rule);
            let free =
                (1..).map(|n| format!("{label} {n}")).find(|name| !names.iter().flatten().any(|taken| taken == name));
            names[at] = free;
        }
    }
    names.into_iter().flatten().collect()
}
