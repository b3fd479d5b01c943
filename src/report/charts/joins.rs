//! Joined sources: how many rows found their row in each, and what of the source nobody asked for.

use crate::outcome::{JoinOutcome, Outcome};
use crate::report::facts::Facts;
use crate::report::figure::{Figure, Table, WIDE};
use crate::report::numbers::{count, counted, share};
use crate::report::svg::{Anchor, Svg};
use crate::report::words::{clean, fit, list};

const BAR: f64 = 20.0;

/// Nothing where the rows come from one source alone.
pub fn joins(facts: &Facts) -> Option<Figure> {
    let joins = &facts.outcome.joins;
    if joins.is_empty() {
        return None;
    }
    let subtitle = "Rows of the first source with a match in each further one, and without one".to_owned();
    let figure = Figure::new("joins", title(joins), subtitle, |width| draw(joins, width));
    Some(figure.with_table(table(facts.outcome)))
}

fn title(joins: &[JoinOutcome]) -> String {
    let worst = joins.iter().reduce(|worst, next| if next.unmatched > worst.unmatched { next } else { worst });
    match worst.filter(|join| join.unmatched > 0) {
        Some(join) => {
            let rows = counted(join.unmatched, "row has", "rows have");
            format!("{rows} no match in “{}”, {} of all", clean(&join.source), share(1.0 - found(join)))
        }
        None => {
            let names: Vec<String> = joins.iter().map(|join| format!("“{}”", clean(&join.source))).collect();
            format!("Every row has a match in {}", list(&names))
        }
    }
}

/// The share of rows that have a match.
fn found(join: &JoinOutcome) -> f64 {
    join.matched as f64 / (join.matched + join.unmatched).max(1) as f64
}

fn draw(joins: &[JoinOutcome], width: f64) -> Svg {
    let mut svg = Svg::new(width);
    let narrow = width < WIDE;
    // A phone has the words above the bar, a desk beside it.
    let (left, right, pitch) = if narrow { (0.0, 0.0, 46.0) } else { (170.0, 148.0, 34.0) };
    let (rows, parts) = (width - 62.0, width);
    let mut y = 2.0;
    if !narrow {
        svg.text("small", [rows, 12.0], Anchor::End, "matched");
        svg.text("small", [parts, 12.0], Anchor::End, "share");
        y = 24.0;
    }
    for join in joins {
        let (bar, baseline) = if narrow { (y + 20.0, y + 14.0) } else { (y, y + 15.0) };
        let name = fit(&clean(&join.source), 13.0, if narrow { width - 130.0 } else { left - 12.0 });
        svg.text("label", [0.0, baseline], Anchor::Start, &name);
        svg.text("value halo", [rows, baseline], Anchor::End, &count(join.matched));
        svg.text("small halo", [parts, baseline], Anchor::End, &share(found(join)));
        let whole = width - left - right;
        let matched = whole * found(join);
        if join.matched > 0 {
            svg.rect("ledger-used", [left, bar, matched.max(1.5), BAR], 2.0);
        }
        if join.unmatched > 0 {
            svg.rect("ledger-taken", [left + matched, bar, (whole - matched).max(1.5), BAR], 2.0);
        }
        y += pitch;
    }
    svg.reach(y - (pitch - BAR) + 4.0);
    svg
}

fn table(outcome: &Outcome) -> Table {
    let mut table = Table::new(
        "Joined sources: readable rows of the first source = rows matched + rows without a match",
        &["Source", "Key", "Its rows#", "Unreadable#", "Matched#", "Without a match#", "Share matched#", "Never used#"],
    );
    for join in &outcome.joins {
        table.row(vec![
            clean(&join.source),
            clean(&join.on),
            count(join.read),
            count(join.refused),
            count(join.matched),
            count(join.unmatched),
            share(found(join)),
            count(join.unused),
        ]);
    }
    table
}
