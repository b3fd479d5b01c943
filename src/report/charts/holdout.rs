//! A model of buying on purchases that it was not shown: expected and actual, by how often customers had bought before.

use super::axis::Scale;
use crate::outcome::{HoldoutGroup, HoldoutOutcome};
use crate::report::figure::{Figure, Table};
use crate::report::numbers::{Unit, count, counted, fixed, share_short};
use crate::report::svg::{Anchor, Path, Svg};
use crate::report::words::{clean, date};

const PLOT: f64 = 210.0;
const TOP: f64 = 46.0;

/// `nth` counts the models of the spec.
pub fn holdout(nth: usize, model: &str, held_out: &HoldoutOutcome) -> Figure {
    let subtitle = format!(
        "Purchase days per customer in the {} after {}, by repeat purchases up to then; filled: expected; ring: what came",
        counted(u64::from(held_out.days), "day", "days"),
        date(&held_out.shown_until)
    );
    let title = title(model, held_out);
    let figure = Figure::new(&format!("holdout-{}", nth + 1), title, subtitle, |width| draw(held_out, width));
    figure.with_table(table(held_out))
}

fn title(model: &str, held_out: &HoldoutOutcome) -> String {
    let (model, expected) = (clean(model), count(held_out.expected.round() as u64));
    if held_out.actual == 0 {
        return format!("{model} expected {expected} purchases, and none came");
    }
    let off = held_out.expected / held_out.actual as f64 - 1.0;
    let how = match off {
        off if off.abs() < 0.005 => "as many as came".to_owned(),
        off if off < 0.0 => format!("{} too few", share_short(-off)),
        off => format!("{} too many", share_short(off)),
    };
    format!("{model} expected {expected} of the {} purchases that came, {how}", count(held_out.actual))
}

/// Per customer.
fn rates(group: &HoldoutGroup) -> (f64, f64) {
    let customers = group.customers.max(1) as f64;
    (group.expected / customers, group.actual as f64 / customers)
}

fn name(group: &HoldoutGroup) -> String {
    if group.or_more { format!("{}+", group.repeats) } else { group.repeats.to_string() }
}

fn draw(held_out: &HoldoutOutcome, width: f64) -> Svg {
    let mut svg = Svg::new(width);
    let highest = held_out.groups.iter().map(|g| rates(g).0.max(rates(g).1)).fold(0.0, f64::max);
    let (bottom, left) = (TOP + PLOT, 40.0);
    let most = held_out.groups.iter().map(|g| g.repeats).max().unwrap_or(0);
    let x = Scale::linear([0.0, f64::from(most)], [left + 24.0, width - 24.0]);
    let y = Scale::linear([0.0, if highest > 0.0 { highest * 1.08 } else { 1.0 }], [bottom, TOP]);
    for tick in y.ticks(36.0) {
        svg.line("grid", [left, y.at(tick), width, y.at(tick)]);
        svg.text("tick", [left - 6.0, y.at(tick) + 4.0], Anchor::End, &Unit::Number.tick(tick));
    }
    svg.text("label", [0.0, 14.0], Anchor::Start, "Purchase days per customer");
    let line = |pick: fn(&HoldoutGroup) -> f64| {
        held_out.groups.iter().fold(Path::default(), |path, g| path.to([x.at(f64::from(g.repeats)), y.at(pick(g))]))
    };
    svg.path("curve", line(|group| rates(group).0));
    svg.path("trace", line(|group| rates(group).1));
    for group in &held_out.groups {
        let (expected, actual) = rates(group);
        let at = x.at(f64::from(group.repeats));
        let hint = format!(
            "{} before: {} expected {}, came {}",
            name(group),
            counted(group.customers, "customer", "customers"),
            fixed(expected, 2),
            fixed(actual, 2)
        );
        svg.hint(&hint, |svg| {
            svg.circle("point", [at, y.at(expected)], 5.0);
            svg.circle("ring", [at, y.at(actual)], 4.5);
        });
        svg.text("tick", [at, bottom + 18.0], Anchor::Middle, &name(group));
    }
    svg.line("axis", [left, bottom, width, bottom]);
    svg.text("small", [width, bottom + 36.0], Anchor::End, "repeat purchases before");
    svg.reach(bottom + 42.0);
    svg
}

fn table(held_out: &HoldoutOutcome) -> Table {
    let mut table = Table::new(
        "Held-out purchase days, by repeat purchases before",
        &[
            "Repeat purchases before",
            "Customers#",
            "Expected#",
            "Came#",
            "Expected per customer#",
            "Came per customer#",
        ],
    );
    let mut row = |name: String, customers: u64, expected: f64, actual: u64| {
        let each = |x: f64| fixed(x / customers.max(1) as f64, 2);
        table.row(vec![name, count(customers), fixed(expected, 1), count(actual), each(expected), each(actual as f64)]);
    };
    held_out.groups.iter().for_each(|g| row(name(g), g.customers, g.expected, g.actual));
    row("all".to_owned(), held_out.customers, held_out.expected, held_out.actual);
    table
}
