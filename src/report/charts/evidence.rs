//! Which groups come back when the customers are drawn again, for every number of groups that was tried.

use super::axis::Scale;
use crate::outcome::{ClusterOutcome, ClusterStability, EvidenceOutcome, EvidenceRow};
use crate::report::facts::Facts;
use crate::report::figure::{Figure, Table, WIDE};
use crate::report::numbers::{counted, fixed};
use crate::report::svg::{Anchor, Svg};

const HEIGHT: f64 = 210.0;
/// From here on a group counts as stable (Hennig 2007).
const STABLE: f64 = 0.75;

/// Nothing where no evidence was collected.
pub fn evidence(facts: &Facts) -> Option<Figure> {
    let cluster = facts.outcome.cluster.as_ref()?;
    let evidence = cluster.evidence.as_ref()?;
    let chosen = evidence.of_k.iter().find(|row| row.k == cluster.k)?;
    let subtitle =
        "One dot per group: how alike it is, on average, to the group most like it when customers are drawn \
                    again (Jaccard: 1 is the same customers); filled where this number of groups can be believed"
            .to_owned();
    let figure = Figure::new("evidence", title(chosen, evidence), subtitle, |width| draw(cluster, evidence, width));
    Some(figure.with_table(table(cluster, evidence)))
}

/// The group that comes back least.
fn weakest(row: &EvidenceRow) -> Option<&ClusterStability> {
    row.clusters.iter().min_by(|a, b| a.recovery().total_cmp(&b.recovery()))
}

fn title(chosen: &EvidenceRow, evidence: &EvidenceOutcome) -> String {
    let least = weakest(chosen);
    let (least, of) = least.map_or((0, 0), |c| (c.recovered, c.resamples));
    let groups = counted(chosen.clusters.len() as u64, "group", "groups");
    let believed = evidence.of_k.iter().rev().find(|row| row.doubt.is_none()).map(|row| row.k);
    match (&chosen.doubt, believed) {
        (None, _) if chosen.clusters.len() == 1 => "One group, which cannot fail to come back".to_owned(),
        (None, _) if least == of => format!("All {groups} come back in each of {of} resamples"),
        (None, _) => format!("All {groups} come back in at least {least} of {of} resamples"),
        (Some(doubt), Some(k)) => format!("{groups}: {doubt}; {k} can be believed"),
        (Some(doubt), None) => format!("{groups}: {doubt}"),
    }
}

fn draw(cluster: &ClusterOutcome, evidence: &EvidenceOutcome, width: f64) -> Svg {
    let mut svg = Svg::new(width);
    let (left, right) = (44.0, if width >= WIDE { 150.0 } else { 16.0 });
    let (top, bottom) = (22.0, 22.0 + HEIGHT);
    let (Some(first), Some(last)) = (evidence.of_k.first(), evidence.of_k.last()) else { return svg };
    let x = Scale::linear([f64::from(first.k), f64::from(last.k)], [left + 20.0, width - right - 20.0]);
    let y = Scale::linear([0.0, 1.0], [bottom, top]);
    for tick in [0.0, 0.25, 0.5, STABLE, 1.0] {
        svg.line(if tick == STABLE { "reference" } else { "grid" }, [left, y.at(tick), width - right, y.at(tick)]);
        svg.text("tick", [left - 6.0, y.at(tick) + 4.0], Anchor::End, &fixed(tick, 2));
    }
    if right > 100.0 {
        svg.text("small", [width - right + 8.0, y.at(STABLE) + 4.0], Anchor::Start, "stable from here on");
    }
    for row in &evidence.of_k {
        let at = x.at(f64::from(row.k));
        let chosen = row.k == cluster.k;
        if chosen {
            svg.line("reference", [at, top - 8.0, at, bottom]);
        }
        for group in &row.clusters {
            let Some(jaccard) = group.jaccard else { continue };
            let class = match (chosen, row.doubt.is_none()) {
                (true, true) => "point",
                (false, true) => "dot-mark",
                (_, false) => "ring",
            };
            let hint = format!("k = {}: {}, in {} of {}", row.k, fixed(jaccard, 2), group.recovered, group.resamples);
            svg.hint(&hint, |svg| svg.circle(class, [at, y.at(jaccard)], if chosen { 6.0 } else { 4.0 }));
        }
        svg.text(if chosen { "tick chosen" } else { "tick" }, [at, bottom + 18.0], Anchor::Middle, &row.k.to_string());
    }
    svg.line("axis", [left, bottom, width - right, bottom]);
    svg.text("small", [left - 6.0, bottom + 18.0], Anchor::End, "k");
    svg.reach(bottom + 24.0);
    svg
}

fn table(cluster: &ClusterOutcome, evidence: &EvidenceOutcome) -> Table {
    let mut table = Table::new(
        format!(
            "Evidence for every k: {} resamples, {} reference sets without groups, {} halvings, {} other seeds",
            evidence.resamples, evidence.references, evidence.splits, evidence.seeds
        ),
        &[
            "k",
            "Weakest group comes back#",
            "Jaccard#",
            "Prediction strength#",
            "Gap#",
            "Above noise#",
            "Same under other seeds#",
            "Verdict",
        ],
    );
    for row in &evidence.of_k {
        let weakest = weakest(row);
        let optional = |x: Option<f64>| x.map_or_else(|| "–".to_owned(), |x| fixed(x, 2));
        let verdict = row.doubt.clone().unwrap_or_else(|| "holds".to_owned());
        table.row(vec![
            row.k.to_string(),
            weakest.map_or_else(|| "–".to_owned(), |c| format!("{} of {}", c.recovered, c.resamples)),
            optional(weakest.and_then(|c| c.jaccard)),
            optional(row.prediction_strength),
            format!("{} ± {}", fixed(row.gap, 3), fixed(row.gap_error, 3)),
            format!("{} SE", fixed(row.above_noise, 1)),
            fixed(row.seeds_mean, 2),
            if row.k == cluster.k { format!("used; {verdict}") } else { verdict },
        ]);
    }
    table
}
