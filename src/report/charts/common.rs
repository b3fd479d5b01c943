//! The commonest values of a text feature, as bars.

use crate::outcome::{CommonValue, FeatureSummary};
use crate::report::facts::Facts;
use crate::report::figure::{Figure, Table};
use crate::report::numbers::{count, share, share_short};
use crate::report::svg::{Anchor, Svg};
use crate::report::words::{clean, fit};

const ROW: f64 = 30.0;
const NAMES: f64 = 130.0;

/// Nothing for a feature without values.
pub fn common(facts: &Facts, index: usize, feature: &FeatureSummary) -> Option<Figure> {
    let values = feature.common.as_ref().filter(|values| !values.is_empty())?;
    let customers = facts.outcome.customers;
    let part = |v: &CommonValue| v.customers as f64 / customers.max(1) as f64;
    let name = facts.title(&feature.name);
    let first = &values[0];
    let title = format!("{name}: {} for {} of customers", shown(&first.value), share_short(part(first)));
    let subtitle = format!("The commonest values of {}, by customers", clean(&feature.name));
    let mut table = Table::new(format!("{name}: the commonest values"), &["Value", "Customers#", "Share#"]);
    for value in values {
        table.row(vec![shown(&value.value), count(value.customers), share(part(value))]);
    }
    let id = format!("distribution-{}", index + 1);
    Some(Figure::small(&id, title, subtitle, |width| draw(values, part, width)).with_table(table))
}

fn draw(values: &[CommonValue], part: impl Fn(&CommonValue) -> f64, width: f64) -> Svg {
    let mut svg = Svg::new(width);
    let most = values.iter().map(|v| v.customers).max().unwrap_or(0).max(1) as f64;
    let room = width - NAMES - 62.0;
    for (i, value) in values.iter().enumerate() {
        let y = ROW * i as f64 + 4.0;
        svg.text("label", [0.0, y + 15.0], Anchor::Start, &fit(&shown(&value.value), 13.0, NAMES - 8.0));
        let length = (room * value.customers as f64 / most).max(1.5);
        svg.rect("plain", [NAMES, y, length, ROW - 9.0], 2.0);
        svg.text("value", [NAMES + length + 6.0, y + 15.0], Anchor::Start, &share(part(value)));
    }
    svg.reach(ROW * values.len() as f64 + 4.0);
    svg
}

fn shown(value: &str) -> String {
    if value.trim().is_empty() { "(empty)".to_owned() } else { clean(value) }
}
