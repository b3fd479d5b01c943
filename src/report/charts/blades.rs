//! Silhouette blades: for each segment its customers from the best to the worst placed.

use super::axis::Scale;
use crate::outcome::{SegmentOutcome, SilhouetteProfile};
use crate::report::facts::Facts;
use crate::report::figure::{Figure, Mark, Table, WIDE};
use crate::report::numbers::{difference, fixed, share, share_short};
use crate::report::svg::{Anchor, Class, Path, Svg};
use crate::report::words::fit;

const ALL: f64 = 240.0;
const LEAST: f64 = 22.0;
const GAP: f64 = 12.0;

/// Nothing where no segment has a silhouette.
pub fn blades(facts: &Facts) -> Option<Figure> {
    let blades: Vec<(usize, &Mark, &SegmentOutcome, &SilhouetteProfile)> =
        facts.segments().filter_map(|(i, mark, s)| Some((i, mark, s, s.silhouette.as_ref()?))).collect();
    let worst = blades.iter().min_by(|a, b| a.3.mean.total_cmp(&b.3.mean))?;
    let title = match worst.3.below_zero {
        _ if blades.len() < 2 => format!("{}: mean silhouette {}", worst.1.label, fixed(worst.3.mean, 2)),
        0.0 => format!("Loosest group: {}, though nobody in it sits nearer to another", worst.1.label),
        lost => format!("Loosest group: {}, where {} sit nearer to another", worst.1.label, share_short(lost)),
    };
    let subtitle = "Silhouette of each segment’s customers, best placed first, height by number of customers; below 0 \
                    means nearer to another group";
    let overall = facts.chosen().and_then(|row| row.silhouette);
    let mut table = Table::new(
        "Silhouette by segment",
        &["Segment", "Mean#", "Share below 0#", "Best placed#", "Middle#", "Worst placed#"],
    );
    for (_, mark, _, s) in &blades {
        let at = |part: f64| s.blade.get(((s.blade.len().max(1) - 1) as f64 * part).round() as usize).copied();
        let mut cells = vec![mark.label.clone(), fixed(s.mean, 2), share(s.below_zero)];
        cells.extend([0.0, 0.5, 1.0].map(|part| at(part).map_or_else(|| "–".to_owned(), |v| fixed(v, 2))));
        table.segment_row(mark, cells);
    }
    let figure = Figure::new("blades", title, subtitle.to_owned(), |width| draw(&blades, overall, width));
    Some(figure.with_key(true).with_table(table))
}

fn draw(blades: &[(usize, &Mark, &SegmentOutcome, &SilhouetteProfile)], overall: Option<f64>, width: f64) -> Svg {
    let mut svg = Svg::new(width);
    let values = || blades.iter().flat_map(|(.., s)| s.blade.iter().copied());
    let (low, high) = (values().fold(0.0, f64::min), values().fold(0.1, f64::max));
    // A desk has room for names beside the letters.
    let left = if width < WIDE { 32.0 } else { 150.0 };
    let room = (high - low) * 0.04;
    let x = Scale::linear([low - room, high + room], [left, width - 60.0]);
    let customers: f64 = blades.iter().map(|b| b.2.customers as f64).sum();
    let heights: Vec<f64> =
        blades.iter().map(|b| (ALL * b.2.customers as f64 / customers.max(1.0)).max(LEAST)).collect();
    let top = 22.0;
    let bottom = top + heights.iter().sum::<f64>() + GAP * heights.len() as f64;
    for tick in x.ticks(56.0) {
        svg.line("grid", [x.at(tick), top, x.at(tick), bottom]);
    }
    let mut y = top;
    svg.text("small", [width, 12.0], Anchor::End, "mean");
    for ((i, mark, _, s), height) in blades.iter().zip(&heights) {
        let last = s.blade.len().max(2) - 1;
        let outline = s.blade.iter().enumerate().fold(Path::default().to([x.at(0.0), y]), |path, (rank, value)| {
            path.to([x.at(*value), y + height * rank as f64 / last as f64])
        });
        svg.path(Class::of("fill", *i), outline.to([x.at(0.0), y + height]).close());
        let middle = y + height / 2.0;
        svg.badge(*i, [10.0, middle]);
        if left > 100.0 {
            svg.text("plain-label", [28.0, middle + 5.0], Anchor::Start, &fit(&mark.label, 13.0, left - 38.0));
        }
        svg.text("value", [width, middle + 5.0], Anchor::End, &fixed(s.mean, 2));
        y += height + GAP;
    }
    svg.line("zero", [x.at(0.0), top, x.at(0.0), bottom]);
    if let Some(overall) = overall {
        svg.line("reference", [x.at(overall), 16.0, x.at(overall), bottom]);
        svg.text("small", [x.at(overall), 12.0], Anchor::Middle, &format!("all: {}", fixed(overall, 2)));
    }
    x.draw_below(&mut svg, bottom, 56.0, |v| difference(v).trim_start_matches('+').to_owned());
    svg.reach(bottom + 22.0);
    svg
}
