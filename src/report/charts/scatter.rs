//! A sample of customers in two dimensions, each segment with its own colour and marker.

use super::axis::Scale;
use crate::outcome::{Axis, Scatter};
use crate::report::facts::Facts;
use crate::report::figure::{Figure, Table, WIDE};
use crate::report::numbers::{count, difference, fixed, number, share, share_short};
use crate::report::svg::{Anchor, Class, Path, Shape, Svg};
use crate::report::words::{clean, fit, width as text_width};

/// Above the plot stand two lines of words.
const TOP: f64 = 44.0;

/// Nothing without a sample.
pub fn scatter(facts: &Facts) -> Option<Figure> {
    let scatter = facts.outcome.cluster.as_ref()?.scatter.as_ref().filter(|s| !s.points.is_empty())?;
    let title = match (scatter.x.explained, scatter.y.explained) {
        (Some(x), Some(y)) => format!("These two directions hold {} of the differences", share_short(x + y)),
        _ => format!("Customers by {} and {}", clean(&scatter.x.label), clean(&scatter.y.label)),
    };
    let subtitle = format!(
        "{} of {} customers, drawn in proportion to the segments; groups that touch here may be apart in a direction \
         not shown",
        count(scatter.points.len() as u64),
        count(facts.outcome.customers)
    );
    let figure = Figure::new("scatter", title, subtitle, |width| draw(facts, scatter, width));
    Some(figure.with_key(names_fit(facts, scatter)).with_table(table(facts, scatter)))
}

fn draw(facts: &Facts, scatter: &Scatter, width: f64) -> Svg {
    let mut svg = Svg::new(width);
    let [x, y] = scales(scatter, width);
    let (top, bottom) = (TOP, TOP + height(width));
    describe(&mut svg, "↑", &scatter.y, [0.0, 12.0], width);
    for tick in x.ticks(60.0) {
        svg.line("grid", [x.at(tick), top, x.at(tick), bottom]);
        svg.text("tick", [x.at(tick), bottom + 17.0], Anchor::Middle, &number(tick));
    }
    for tick in y.ticks(60.0) {
        svg.line("grid", [x.at(f64::NEG_INFINITY), y.at(tick), x.at(f64::INFINITY), y.at(tick)]);
        svg.text("tick", [18.0, y.at(tick) + 4.0], Anchor::End, &number(tick));
    }
    let radius = if width < WIDE { 2.2 } else { 2.8 };
    for (i, _, _) in facts.segments() {
        let own = scatter.points.iter().filter(|p| p.segment as usize == i);
        let path = own.fold(Path::default(), |path, p| path.marker(Shape::of(i), [x.at(p.x), y.at(p.y)], radius));
        let class = if Shape::of(i) == Shape::Plus { "marker lines" } else { "marker" };
        svg.path(Class::of(class, i), path);
    }
    let names = names_fit(facts, scatter) && width >= WIDE;
    for (i, mark, _) in facts.segments() {
        if let Some([cx, cy]) = middle(scatter, i) {
            let [cx, cy] = [x.at(cx), y.at(cy)];
            svg.rect("clear", [cx - 11.0, cy - 11.0, 22.0, 22.0], 6.0);
            svg.badge(i, [cx, cy]);
            if names {
                svg.text("label halo", [cx + 15.0, cy + 5.0], Anchor::Start, &mark.label);
            }
        }
    }
    describe(&mut svg, "→", &scatter.x, [0.0, bottom + 40.0], width);
    svg.reach(bottom + 62.0);
    svg
}

fn height(width: f64) -> f64 {
    if width < WIDE { 320.0 } else { 400.0 }
}

fn scales(scatter: &Scatter, width: f64) -> [Scale; 2] {
    let x = padded(scatter.points.iter().map(|p| p.x), [26.0, width - 6.0]);
    let y = padded(scatter.points.iter().map(|p| p.y), [TOP + height(width), TOP]);
    [x, y]
}

/// Whether the names of all segments have room beside their letters in the wide drawing.
fn names_fit(facts: &Facts, scatter: &Scatter) -> bool {
    let [x, y] = scales(scatter, WIDE);
    let boxes: Vec<[f64; 4]> = facts
        .segments()
        .filter_map(|(i, mark, _)| {
            let [cx, cy] = middle(scatter, i)?;
            Some([x.at(cx) - 12.0, y.at(cy) - 11.0, x.at(cx) + 20.0 + text_width(&mark.label, 13.5), y.at(cy) + 11.0])
        })
        .collect();
    let apart = |a: &[f64; 4], b: &[f64; 4]| a[2] < b[0] || b[2] < a[0] || a[3] < b[1] || b[3] < a[1];
    boxes.iter().enumerate().all(|(i, a)| a[2] <= WIDE && boxes[i + 1..].iter().all(|b| apart(a, b)))
}

/// A scale over all values with some room at both ends.
fn padded(values: impl Iterator<Item = f64>, pixels: [f64; 2]) -> Scale {
    let [low, high] = values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], v| [low.min(v), high.max(v)]);
    let room = ((high - low) * 0.05).max(0.1);
    Scale::linear([low - room, high + room], pixels)
}

/// Two lines: the axis and its share of the variance, and what weighs most in it.
fn describe(svg: &mut Svg, arrow: &str, axis: &Axis, [x, y]: [f64; 2], width: f64) {
    let mut words = format!("{arrow} {}", clean(&axis.label));
    if let Some(explained) = axis.explained {
        words.push_str(&format!(", {} of the variance", share_short(explained)));
    }
    svg.text("label", [x, y], Anchor::Start, &fit(&words, 13.0, width));
    if !axis.loadings.is_empty() {
        svg.text("small", [x, y + 17.0], Anchor::Start, &fit(&loadings(axis), 12.0, width));
    }
}

fn loadings(axis: &Axis) -> String {
    let parts: Vec<String> =
        axis.loadings.iter().take(3).map(|(name, weight)| format!("{} {}", signed(*weight), clean(name))).collect();
    parts.join(", ")
}

fn signed(weight: f64) -> String {
    let text = fixed(weight, 2);
    if weight > 0.0 { format!("+{text}") } else { text }
}

/// Median position of a segment's customers in the sample.
fn middle(scatter: &Scatter, segment: usize) -> Option<[f64; 2]> {
    let median = |value: fn(&crate::outcome::ScatterPoint) -> f64| {
        let mut values: Vec<f64> = scatter.points.iter().filter(|p| p.segment as usize == segment).map(value).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    };
    Some([median(|p| p.x)?, median(|p| p.y)?])
}

fn table(facts: &Facts, scatter: &Scatter) -> Table {
    let (x, y) = (format!("{}#", clean(&scatter.x.label)), format!("{}#", clean(&scatter.y.label)));
    let mut table =
        Table::new("The sample by segment, with median positions", &["Segment", "Customers drawn#", "Share#", &x, &y]);
    for (i, mark, _) in facts.segments() {
        let own = scatter.points.iter().filter(|p| p.segment as usize == i).count();
        let middle = middle(scatter, i);
        let place = |axis: usize| middle.map_or_else(|| "–".to_owned(), |m| difference(m[axis]));
        let part = own as f64 / scatter.points.len() as f64;
        table.segment_row(mark, vec![mark.label.clone(), count(own as u64), share(part), place(0), place(1)]);
    }
    table
}
