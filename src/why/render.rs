//! What there is to say of a customer, for people.

use std::fmt::Write;

use super::{Change, Cluster, Dropped, Part, RuleState, State, Why};
use crate::report::numbers::count;

/// Rules that nearly give their label, and that fit but come later, beyond which no more are shown.
const MOST: usize = 3;

pub fn text(why: &Why) -> String {
    let mut out = String::new();
    let amount = why
        .amount
        .as_ref()
        .map_or(String::new(), |amount| format!(", worth {amount} {}", why.currency.as_deref().unwrap_or_default()));
    let (inside, all) = (count(why.segment_customers), count(why.customers));
    let _ = writeln!(out, "{} is in \"{}\", {inside} of {all} customers{amount}", why.customer, why.segment);
    if let Some(as_of) = &why.as_of {
        let _ = writeln!(out, "as of {as_of}");
    }
    let rows = why.features.iter().map(|f| {
        let behind = f.band.clone().unwrap_or_default();
        [f.name.clone(), f.words.clone(), f.typical.clone(), behind]
    });
    table(&mut out, ["value", "customer", "all", ""], rows.collect());
    if let Some(cluster) = &why.cluster {
        in_cluster(why, cluster, &mut out);
    }
    rules(why, &mut out);
    changes(&why.changes, why.cluster.is_some(), &mut out);
    if !why.exact {
        let _ = writeln!(out, "(scores of other customers are taken as they are; a build may differ a little)");
    }
    out
}

/// Why a customer has no segment.
pub fn dropped(dropped: &Dropped) -> String {
    let mut out = format!("{} has no segment: none of the customer's rows is used\n", dropped.customer);
    let rows = dropped.rows.iter().map(|(rule, rows)| [rule.clone(), count(*rows), String::new(), String::new()]);
    table(&mut out, ["rule", "rows taken", "", ""], rows.collect());
    out
}

fn in_cluster(why: &Why, cluster: &Cluster, out: &mut String) {
    let _ = writeln!(
        out,
        "\ncluster {}, {} of {} customers, {:.3} from its centre",
        cluster.cluster,
        count(cluster.customers),
        count(why.customers),
        cluster.distance
    );
    if let Some(next) = &cluster.next {
        let _ = writeln!(
            out,
            "the next centre is that of cluster {}, \"{}\": {:.3}, which is {:.3} farther",
            next.cluster, next.segment, next.distance, next.margin
        );
    }
}

fn rules(why: &Why, out: &mut String) {
    let of = |state: State| why.rules.iter().filter(move |rule| rule.state == state);
    let whom = if why.cluster.is_some() { "the cluster's " } else { "" };
    for rule in of(State::GivesTheLabel) {
        let _ = writeln!(out, "\n{whom}label is given by {}", named(rule));
        rule.parts.iter().for_each(|part| line(part, out));
    }
    let nearly: Vec<&RuleState> = of(State::Fails).collect();
    if !nearly.is_empty() {
        let _ = writeln!(out, "\nnearly");
        for rule in nearly.iter().take(MOST) {
            let _ = writeln!(out, "  {}", named(rule));
            rule.parts.iter().for_each(|part| line(part, out));
        }
        more(nearly.len(), out);
    }
    let later: Vec<&RuleState> = of(State::ComesLater).collect();
    if !later.is_empty() {
        let _ = writeln!(out, "\nfit too, but come later");
        later.iter().take(MOST).for_each(|rule| _ = writeln!(out, "  {}", named(rule)));
        more(later.len(), out);
    }
}

fn more(n: usize, out: &mut String) {
    if n > MOST {
        let _ = writeln!(out, "  and {} more", n - MOST);
    }
}

/// `rule 2, "Loyal" when r >= 3`.
fn named(rule: &RuleState) -> String {
    match &rule.condition {
        Some(condition) => format!("rule {}, \"{}\" when {condition}", rule.rule, rule.label),
        None => format!("rule {}, otherwise \"{}\"", rule.rule, rule.label),
    }
}

fn line(part: &Part, out: &mut String) {
    let off = part.off.as_ref().map_or(String::new(), |off| format!(", {off}"));
    let _ = writeln!(out, "    {}: {}{off}", part.condition, part.found);
}

fn changes(changes: &[Change], of_clusters: bool, out: &mut String) {
    let Some((first, others)) = changes.split_first() else {
        let _ = writeln!(out, "\nno change of a single value gives another segment");
        return;
    };
    let held = if of_clusters { ", with the clusters as they are" } else { "" };
    let _ = writeln!(out, "\nthe smallest change that moves the customer{held}");
    let row = |change: &Change| {
        [
            change.feature.clone(),
            format!("{} -> {}", change.from, change.to),
            format!("\"{}\"", change.segment),
            format!("rule {}", change.rule),
        ]
    };
    let all: Vec<[String; 4]> = changes.iter().map(row).collect();
    let mut lines = aligned(&all).into_iter();
    lines.next().into_iter().for_each(|line| _ = writeln!(out, "  {line}"));
    debug_assert_eq!(first.feature, all[0][0]);
    if !others.is_empty() {
        let _ = writeln!(out, "or");
        lines.for_each(|line| _ = writeln!(out, "  {line}"));
    }
}

fn table(out: &mut String, head: [&str; 4], rows: Vec<[String; 4]>) {
    let all: Vec<[String; 4]> = std::iter::once(head.map(str::to_owned)).chain(rows).collect();
    out.push('\n');
    for (nth, line) in aligned(&all).into_iter().enumerate() {
        let _ = writeln!(out, "{}{line}", if nth == 0 { "" } else { "  " });
    }
}

/// Rows with their cells below each other.
fn aligned(rows: &[[String; 4]]) -> Vec<String> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [0, 1, 2, 3].map(width);
    let line = |row: &[String; 4]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}
