//! What a change to a spec means, without data: which parts of the plan differ, what kind of change that is, and for the
//! label rules a proof of who gets another label.
//!
//! Layout, comments and the names that the compiler gives to helper columns don't count.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::parts::{self, PartChange};
use super::rules::{self, Comparison};
use super::together::{Together, features_of_labels, together};
use crate::compile::Compiled;
use crate::plan::Plan;
use crate::spec::Over;

/// What kind of change it is: of those that fit, the one nearest to the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The same text.
    Same,
    /// Layout, comments, titles and other texts for people.
    Cosmetic,
    /// Label rules written otherwise that give everybody the same label.
    Equivalent,
    /// The same groups under other names.
    Renames,
    /// Each segment after lies within one before.
    Refines,
    /// Each segment before lies within one after.
    Coarsens,
    /// People go from one segment to another that has others as well.
    Moves,
    /// Who gets which label can't be told without data.
    Undecided,
    /// How clusters are made.
    Clusters,
    /// What is measured: columns, baskets, features, revenue.
    Features,
    /// Which rows count: sources, filters, `as_of`.
    Cleaning,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Meaning {
    pub class: Class,
    /// What becomes of the label rules; nothing where the values that they look at may change as well.
    pub labels: Option<LabelChange>,
}

/// Two label blocks over the same values.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelChange {
    /// One of those from `same` to `undecided`.
    pub class: Class,
    /// Labels that somebody gets on one side only.
    pub adds: Vec<String>,
    pub removes: Vec<String>,
    /// Everybody who gets another label is in one of these.
    pub moves: Vec<LabelMove>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelMove {
    pub from: String,
    pub to: String,
    /// Apart from each other.
    pub regions: Vec<MovedRegion>,
    /// Whether there are regions beside these.
    pub more: bool,
}

/// Who goes from one label to another, whatever the data are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MovedRegion {
    /// Conditions that hold together; none for everybody.
    pub region: Vec<String>,
    /// One of them, who was seen to go that way; empty where conditions are involved that can't be solved for.
    pub witness: BTreeMap<String, String>,
    /// What matters of the witness, in words; nothing where the region says it all.
    #[serde(skip)]
    pub example: Option<String>,
}

/// Compares two specs that compile. Gives the parts of the plan that differ as well.
pub fn meaning(before: &Compiled, after: &Compiled) -> (Meaning, Vec<PartChange>) {
    let (Some(a), Some(b)) = (&before.plan, &after.plan) else {
        return (Meaning { class: Class::Undecided, labels: None }, vec![]);
    };
    let changes = parts::changes(a, b);
    let changed = |names: &[&str]| changes.iter().any(|change| names.contains(&change.part.as_str()));
    let labels = labels(before, after, a, b, &changes);
    let class = if changed(&["source", "cleaning", "as_of"]) {
        Class::Cleaning
    } else if changed(&["revenue", "derived columns", "baskets", "features"]) {
        Class::Features
    } else if changed(&["clusters"]) {
        Class::Clusters
    } else if changed(&["labels"]) {
        labels.as_ref().map_or(Class::Undecided, |labels| labels.class)
    } else if changes.is_empty() && same_texts(before, after) {
        Class::Same
    } else {
        Class::Cosmetic
    };
    (Meaning { class, labels }, changes)
}

fn same_texts(a: &Compiled, b: &Compiled) -> bool {
    let texts =
        |of: &Compiled| -> Vec<std::sync::Arc<str>> { of.sources.files.iter().map(|f| f.text.clone()).collect() };
    texts(a) == texts(b)
}

/// Nothing where the rules are not about the same values.
fn labels(before: &Compiled, after: &Compiled, a: &Plan, b: &Plan, changes: &[PartChange]) -> Option<LabelChange> {
    let change = |part: &str| changes.iter().find(|change| change.part == part);
    let over_clusters = a.labels.over == Over::Clusters;
    let upstream: &[&str] = match over_clusters {
        true => &["source", "cleaning", "as_of", "clusters"],
        false => &["source", "cleaning", "as_of"],
    };
    // What is only added changes nothing that was there.
    let replaced = |part: &str| change(part).is_some_and(|c| !c.removed.is_empty() && !c.added.is_empty());
    if upstream.iter().any(|part| change(part).is_some()) || replaced("derived columns") || replaced("baskets") {
        return None;
    }
    let (left, right) = (before.spec.as_ref()?, after.spec.as_ref()?);
    let used: BTreeSet<String> = features_of_labels(left).union(&features_of_labels(right)).cloned().collect();
    let (defined, now) = (parts::features(a), parts::features(b));
    let differs = |name: &String| matches!((defined.get(name), now.get(name)), (Some(x), Some(y)) if x != y);
    if used.iter().any(differs) {
        return None;
    }
    if change("labels").is_none() {
        return Some(LabelChange { class: Class::Same, adds: vec![], removes: vec![], moves: vec![] });
    }
    // Numbers behind labels depend on how many clusters each rule takes.
    if a.labels.over != b.labels.over || a.labels.distinct || b.labels.distinct {
        return None;
    }
    let both = together(before, after).or_else(|| {
        let Together { spec, sources, before, after } = together(after, before)?;
        Some(Together { spec, sources, before: after, after: before })
    })?;
    let currency = a.currency.as_deref();
    Some(LabelChange::of(rules::compare(&both)?, a, b, currency))
}

impl LabelChange {
    fn of(found: Comparison, a: &Plan, b: &Plan, currency: Option<&str>) -> LabelChange {
        let reached = |side: fn(&(String, String)) -> &String, label: &String| {
            found.possible.iter().any(|pair| side(pair) == label)
        };
        let only = |of: &Plan, not: &Plan, side: fn(&(String, String)) -> &String| -> Vec<String> {
            let mut labels: Vec<String> = vec![];
            for rule in &of.labels.rules {
                let known = not.labels.rules.iter().any(|other| other.label == rule.label);
                if !known && reached(side, &rule.label) && !labels.contains(&rule.label) {
                    labels.push(rule.label.clone());
                }
            }
            labels
        };
        LabelChange {
            class: class(&found),
            adds: only(b, a, |pair| &pair.1),
            removes: only(a, b, |pair| &pair.0),
            moves: found.moves.into_iter().map(|moved| LabelMove::of(moved, currency)).collect(),
        }
    }
}

/// From the pairs of labels that somebody can have: that there is no other pair is proved.
fn class(found: &Comparison) -> Class {
    let pairs = || found.possible.iter();
    let functional = |from: fn(&(String, String)) -> &String, to: fn(&(String, String)) -> &String| {
        pairs().all(|pair| pairs().all(|other| from(pair) != from(other) || to(pair) == to(other)))
    };
    let (one_after, one_before) =
        (functional(|pair| &pair.0, |pair| &pair.1), functional(|pair| &pair.1, |pair| &pair.0));
    match (found.undecided, pairs().all(|(from, to)| from == to)) {
        (true, _) => Class::Undecided,
        (false, true) => Class::Equivalent,
        (false, false) => match (one_after, one_before) {
            (true, true) => Class::Renames,
            (false, true) => Class::Refines,
            (true, false) => Class::Coarsens,
            (false, false) => Class::Moves,
        },
    }
}

impl LabelMove {
    fn of(moved: rules::Move, currency: Option<&str>) -> LabelMove {
        let region = |region: rules::Region| {
            let words = region.witness.as_ref().map(|witness| witness.words(&region.names, currency));
            let words = words.filter(|words| !words.iter().all(|word| region.conditions.contains(word)));
            MovedRegion {
                witness: region.witness.map_or(BTreeMap::new(), |w| w.values(currency).into_iter().collect()),
                example: words.map(|words| words.join(", ")),
                region: region.conditions,
            }
        };
        LabelMove {
            from: moved.from,
            to: moved.to,
            regions: moved.regions.into_iter().map(region).collect(),
            more: moved.more,
        }
    }
}

impl Class {
    /// As a sentence about the change.
    pub fn words(self) -> &'static str {
        match self {
            Class::Same => "The specs are the same.",
            Class::Cosmetic => "Cosmetic: only layout, comments or texts change, and no customer can move.",
            Class::Equivalent => "Equivalent: the rules say it otherwise, and everybody keeps the segment.",
            Class::Renames => "Renames: the same groups get other names.",
            Class::Refines => "Refines: each segment now lies within one of before.",
            Class::Coarsens => "Coarsens: each segment of before now lies within one.",
            Class::Moves => "Moves: customers go to segments that others were in before.",
            Class::Undecided => "What the rules do can't be compared without data.",
            Class::Clusters => "Changes how clusters are made.",
            Class::Features => "Changes what is measured.",
            Class::Cleaning => "Changes which rows count.",
        }
    }

    /// One word, as in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Class::Same => "same",
            Class::Cosmetic => "cosmetic",
            Class::Equivalent => "equivalent",
            Class::Renames => "renames",
            Class::Refines => "refines",
            Class::Coarsens => "coarsens",
            Class::Moves => "moves",
            Class::Undecided => "undecided",
            Class::Clusters => "clusters",
            Class::Features => "features",
            Class::Cleaning => "cleaning",
        }
    }
}
