//! What a customer of each segment is worth, with an interval.

use super::axis::Scale;
use crate::outcome::{SegmentValue, ValueOutcome};
use crate::report::facts::Facts;
use crate::report::figure::{Figure, Table, WIDE};
use crate::report::numbers::money_short;
use crate::report::svg::{Anchor, Class, Svg};
use crate::report::words::fit;

const PITCH: f64 = 34.0;

/// `nth` counts the values of the spec. Nothing where no segment has one.
pub fn values(facts: &Facts, nth: usize, value: &ValueOutcome) -> Option<Figure> {
    let best = value.segments.iter().reduce(|best, next| if next.mean > best.mean { next } else { best })?;
    let mark = of(facts, best)?.1;
    let all: f64 = value.segments.iter().map(|s| s.total).sum();
    let title = format!(
        "{}: {} a customer in {}, {} in all segments together",
        facts.title(&value.feature),
        facts.money(best.mean),
        mark,
        money_short(all, facts.currency())
    );
    let subtitle = "Mean per customer; line: 95\u{a0}% of resamples of the segment’s customers".to_owned();
    let figure = Figure::new(&format!("values-{}", nth + 1), title, subtitle, |width| draw(facts, value, width));
    Some(figure.with_key(true).with_table(table(facts, value)))
}

/// The place of a segment and its name.
fn of<'a>(facts: &'a Facts, value: &SegmentValue) -> Option<(usize, &'a str)> {
    let (place, mark, _) = facts.segments().find(|(_, _, segment)| segment.label == value.label)?;
    Some((place, mark.label.as_str()))
}

fn draw(facts: &Facts, value: &ValueOutcome, width: f64) -> Svg {
    let mut svg = Svg::new(width);
    let narrow = width < WIDE;
    let (left, right) = (if narrow { 34.0 } else { 190.0 }, 86.0);
    let highest = value.segments.iter().map(|s| s.high.max(s.mean)).fold(0.0, f64::max);
    let x = Scale::linear([0.0, if highest > 0.0 { highest } else { 1.0 }], [left, width - right]);
    let mut y = 16.0;
    for segment in &value.segments {
        let Some((place, label)) = of(facts, segment) else { continue };
        svg.badge(place, [10.0, y]);
        if !narrow {
            svg.text("label", [28.0, y + 4.5], Anchor::Start, &fit(label, 13.0, left - 40.0));
        }
        svg.line("grid", [left, y, width - right, y]);
        let words = format!(
            "{label}: {}, from {} to {}",
            facts.money(segment.mean),
            facts.money(segment.low),
            facts.money(segment.high)
        );
        svg.hint(&words, |svg| {
            svg.line(Class::of("whisker", place), [x.at(segment.low), y, x.at(segment.high), y]);
            svg.circle(Class::of("notch", place), [x.at(segment.mean), y], 5.0);
        });
        svg.text("value", [width, y + 4.5], Anchor::End, &facts.money(segment.mean));
        y += PITCH;
    }
    let axis = y - PITCH / 2.0 + 4.0;
    x.draw_below(&mut svg, axis, 70.0, |tick| money_short(tick, facts.currency()));
    svg.reach(axis + 24.0);
    svg
}

fn table(facts: &Facts, value: &ValueOutcome) -> Table {
    let mut table = Table::new(
        format!("{} by segment: mean per customer, its 95\u{a0}% interval, and the sum", facts.title(&value.feature)),
        &["Segment", "Mean#", "From#", "To#", "All customers#"],
    );
    for segment in &value.segments {
        let Some((place, label)) = of(facts, segment) else { continue };
        let numbers = [segment.mean, segment.low, segment.high, segment.total].map(|x| facts.money(x));
        let cells = std::iter::once(label.to_owned()).chain(numbers).collect();
        table.segment_row(&facts.marks[place], cells);
    }
    table
}
