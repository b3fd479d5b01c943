//! The row ledger as a waterfall: rows read, what each rule took, rows used.

use crate::outcome::RowLedger;
use crate::report::facts::Facts;
use crate::report::figure::{Figure, Table, WIDE};
use crate::report::numbers::{approximate, count, decimals, exact, money_short, share, share_short};
use crate::report::svg::{Anchor, Svg};
use crate::report::words::{clean, fit};

const BAR: f64 = 20.0;

/// One line of the waterfall: where it ends and how much it covers.
struct Step {
    name: String,
    rows: u64,
    from: u64,
    amount: Option<String>,
    condition: String,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Read,
    Taken,
    Used,
}

pub fn ledger(facts: &Facts) -> Figure {
    let rows = &facts.outcome.rows;
    let steps = steps(rows);
    let subtitle = if steps.iter().any(|s| s.amount.is_some()) {
        "Rows read, rows taken out by each rule in turn, rows used; with the revenue in them"
    } else {
        "Rows read, rows taken out by each rule in turn, rows used"
    };
    let figure = Figure::new("ledger", title(rows), subtitle.to_owned(), |width| draw(facts, &steps, width));
    figure.with_table(table(facts, &steps))
}

fn title(rows: &RowLedger) -> String {
    let largest = rows.dropped.iter().reduce(|most, next| if next.rows > most.rows { next } else { most });
    match largest.filter(|most| most.rows > 0) {
        _ if rows.read == 0 => "No rows were read".to_owned(),
        Some(most) => format!(
            "{} of rows are used; “{}” takes the most, {}",
            share_short(part(rows.used, rows)),
            clean(&most.rule),
            share_short(part(most.rows, rows))
        ),
        None if rows.refused > 0 => format!("{} rows could not be read", count(rows.refused)),
        None => format!("All {} rows are used", count(rows.read)),
    }
}

fn steps(rows: &RowLedger) -> Vec<Step> {
    let step = |name: &str, rows, from, amount: &Option<String>, condition: &str, kind| Step {
        name: name.to_owned(),
        rows,
        from,
        amount: amount.clone(),
        condition: condition.to_owned(),
        kind,
    };
    let mut steps = vec![step("Rows read", rows.read, 0, &rows.amount_read, "", Kind::Read)];
    let mut left = rows.read.saturating_sub(rows.refused);
    if rows.refused > 0 {
        steps.push(step("Unreadable", rows.refused, left, &None, "a cell does not fit its type", Kind::Taken));
    }
    for drop in &rows.dropped {
        left = left.saturating_sub(drop.rows);
        let condition = drop.condition.as_deref().map_or_else(|| "built in".to_owned(), clean);
        steps.push(step(&clean(&drop.rule), drop.rows, left, &drop.amount, &condition, Kind::Taken));
    }
    steps.push(step("Rows used", rows.used, 0, &rows.amount_used, "", Kind::Used));
    steps
}

fn draw(facts: &Facts, steps: &[Step], width: f64) -> Svg {
    let mut svg = Svg::new(width);
    let rows = &facts.outcome.rows;
    let money = steps.iter().any(|s| s.amount.is_some());
    let narrow = width < WIDE;
    // A phone has the words above the bar, a desk beside it.
    let columns = [width - if money { 152.0 } else { 62.0 }, width - if money { 86.0 } else { 0.0 }, width];
    let (left, right, pitch) = if narrow { (0.0, 0.0, 46.0) } else { (170.0, width - columns[0] + 86.0, 34.0) };
    let at = |rows_count: u64| left + (width - left - right) * part(rows_count, rows);
    let mut y = 2.0;
    if !narrow {
        let heads = ["rows", "share", "revenue"];
        for (x, head) in columns.iter().zip(heads).take(if money { 3 } else { 2 }) {
            svg.text("small", [*x, 12.0], Anchor::End, head);
        }
        y = 24.0;
    }
    let mut edge: Option<f64> = None;
    for step in steps {
        let bar = if narrow { y + 20.0 } else { y };
        let baseline = if narrow { y + 14.0 } else { y + 15.0 };
        let sign = if step.kind == Kind::Taken && step.rows > 0 { "\u{2212}" } else { "" };
        let numbers = format!("{sign}{}", count(step.rows));
        let share = share(part(step.rows, rows));
        let name = fit(&step.name, 13.0, if narrow { width - 130.0 } else { left - 12.0 });
        svg.text(if step.kind == Kind::Taken { "plain-label" } else { "label" }, [0.0, baseline], Anchor::Start, &name);
        if narrow {
            svg.text("value halo", [width - 62.0, baseline], Anchor::End, &numbers);
            svg.text("small halo", [width, baseline], Anchor::End, &share);
        } else {
            svg.text("value", [columns[0], baseline], Anchor::End, &numbers);
            svg.text("small", [columns[1], baseline], Anchor::End, &share);
            if let Some(amount) = step.amount.as_deref().and_then(approximate) {
                let taken = if step.kind == Kind::Taken { -amount } else { amount };
                svg.text("small", [columns[2], baseline], Anchor::End, &money_short(taken, facts.currency()));
            }
        }
        let (from, to) = (at(step.from), at(step.from.saturating_add(step.rows).min(rows.read.max(1))));
        if let Some(edge) = edge {
            // A rule that took nothing leaves the line to run on.
            let end = if step.rows > 0 { bar } else { bar + BAR };
            svg.line("connector", [edge, bar - (pitch - BAR), edge, end]);
        }
        let class = match step.kind {
            Kind::Read => "ledger-read",
            Kind::Taken => "ledger-taken",
            Kind::Used => "ledger-used",
        };
        if step.rows > 0 {
            svg.rect(class, [from, bar, (to - from).max(1.5), BAR], 2.0);
        }
        edge = Some(if step.kind == Kind::Read { to } else { from });
        y += pitch;
    }
    svg.reach(y - (pitch - BAR) + 4.0);
    svg
}

fn part(count: u64, rows: &RowLedger) -> f64 {
    count as f64 / rows.read.max(1) as f64
}

fn table(facts: &Facts, steps: &[Step]) -> Table {
    let rows = &facts.outcome.rows;
    let amounts = steps.iter().any(|s| s.amount.is_some());
    let digits = steps.iter().filter_map(|s| s.amount.as_deref()).map(decimals).max().unwrap_or(0);
    let mut columns = vec!["Rows", "Count#", "Share#"];
    if amounts {
        columns.push("Revenue#");
    }
    columns.push("Condition");
    let mut table = Table::new("Row ledger: rows read = rows used + rows taken out", &columns);
    for step in steps {
        let mut cells = vec![step.name.clone(), count(step.rows), share(part(step.rows, rows))];
        if amounts {
            let amount = step.amount.as_deref();
            cells.push(amount.map_or_else(|| "–".to_owned(), |a| exact(a, facts.currency(), digits)));
        }
        cells.push(step.condition.clone());
        table.row(cells);
    }
    table
}
