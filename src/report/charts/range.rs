//! Where a segment's middle half lies between the extremes of all customers: one line in a card.

use super::axis::Scale;
use crate::outcome::{FeatureSummary, Stats};
use crate::report::facts::Facts;
use crate::report::figure::Drawing;
use crate::report::svg::{Class, Svg};

const WIDTH: f64 = 120.0;
const MIDDLE: f64 = 8.0;

pub fn range(feature: &FeatureSummary, all: &Stats, segment: usize, own: &Stats) -> Drawing {
    let mut svg = Svg::new(WIDTH);
    let pixels = [5.0, WIDTH - 5.0];
    let log = feature.bins.as_ref().is_some_and(|b| b.log);
    let span = [all.p05.min(own.p25), all.p95.max(own.p75)];
    let scale = if log { Scale::log1p(span, pixels) } else { Scale::linear(span, pixels) };
    svg.line("track", [pixels[0], MIDDLE, pixels[1], MIDDLE]);
    let (from, to) = (scale.at(own.p25), scale.at(own.p75));
    svg.rect(Class::of("fill soft", segment), [from, MIDDLE - 3.0, (to - from).max(1.5), 6.0], 3.0);
    svg.line("reference", [scale.at(all.p50), 1.0, scale.at(all.p50), 15.0]);
    svg.circle(Class::of("fill", segment), [scale.at(own.p50), MIDDLE], 4.5);
    svg.reach(16.0);
    let unit = Facts::unit(feature);
    let hint = format!("middle half: {} to {}", unit.value(own.p25), unit.value(own.p75));
    Drawing::beside_text(svg, &hint)
}
