//! How one feature is spread inside each segment: a histogram with its quantiles beneath, segments one under another.

use super::axis::Scale;
use crate::outcome::{Bins, FeatureSummary, Stats};
use crate::report::facts::Facts;
use crate::report::figure::{Figure, Table};
use crate::report::numbers::{Unit, count, difference};
use crate::report::svg::{Anchor, Class, Path, Svg};
use crate::report::words::{inside_sentence, width as text_width};

const ROW: f64 = 46.0;
const HILL: f64 = 28.0;
/// With more features times segments than this, a page leaves out the tables of bins: it would be heavy and unread.
const MOST_BINNED: usize = 64;

pub fn distribution(facts: &Facts, index: usize, feature: &FeatureSummary, stats: &Stats) -> Figure {
    let id = format!("distribution-{}", index + 1);
    let unit = Facts::unit(feature);
    let log = feature.bins.as_ref().is_some_and(|b| b.log);
    let mut subtitle = format!(
        "{} per customer",
        match &unit {
            Unit::Money(code) => format!("{} in {code}", facts.title(&feature.name)),
            Unit::Days => format!("{} in days", facts.title(&feature.name)),
            _ => facts.title(&feature.name),
        }
    );
    if log {
        subtitle.push_str(", logarithmic scale");
    }
    let title = title(facts, feature, &unit, stats);
    let figure = if stats.min == stats.max {
        Figure::empty(&id, title, subtitle, &format!("Every customer has the value {}.", unit.value(stats.min))).tile()
    } else {
        Figure::small(&id, title, subtitle, |width| draw(facts, feature, stats, &unit, width))
    };
    let figure = figure.with_table(quantiles(facts, feature, &unit, stats));
    match feature.bins.as_ref().and_then(|bins| counts(facts, feature, &unit, bins)) {
        Some(table) => figure.with_table(table),
        None => figure,
    }
}

fn title(facts: &Facts, feature: &FeatureSummary, unit: &Unit, stats: &Stats) -> String {
    let name = facts.title(&feature.name);
    let medians: Vec<(&str, f64)> = facts
        .segments()
        .filter_map(|(_, mark, s)| Some((mark.label.as_str(), s.profile.get(&feature.name)?.stats.p50)))
        .collect();
    let low = medians.iter().min_by(|a, b| a.1.total_cmp(&b.1));
    let high = medians.iter().max_by(|a, b| a.1.total_cmp(&b.1));
    match (low, high) {
        _ if stats.min == stats.max => format!("{name} is the same for all"),
        (Some(low), Some(high)) if low.1 < high.1 => {
            format!("{name}: {} typical for {}, {} for {}", unit.value(low.1), low.0, unit.value(high.1), high.0)
        }
        _ => format!("{name}: half of all customers have {} or less", unit.value(stats.p50)),
    }
}

fn draw(facts: &Facts, feature: &FeatureSummary, stats: &Stats, unit: &Unit, width: f64) -> Svg {
    let mut svg = Svg::new(width);
    let pixels = [30.0, width - 74.0];
    let scale = match &feature.bins {
        Some(Bins { log, edges }) if edges.len() > 1 => {
            let span = [edges[0], edges[edges.len() - 1]];
            if *log { Scale::log1p(span, pixels) } else { Scale::linear(span, pixels) }
        }
        _ => Scale::linear([stats.min, stats.max], pixels),
    };
    svg.text("small", [width, 12.0], Anchor::End, "median");
    let all = scale.at(stats.p50);
    let words = format!("all: {}", unit.value(stats.p50));
    let half = text_width(&words, 12.0) / 2.0;
    svg.text("small", [all.clamp(half, (pixels[1] - half).max(half)), 12.0], Anchor::Middle, &words);
    let mut y = 20.0;
    let bottom = y + ROW * facts.marks.len() as f64 + 4.0;
    for tick in scale.ticks(44.0) {
        svg.line("grid", [scale.at(tick), y, scale.at(tick), bottom]);
    }
    svg.line("reference", [all, 17.0, all, bottom]);
    for (i, _, segment) in facts.segments() {
        svg.badge(i, [10.0, y + HILL - 4.0]);
        let base = y + HILL;
        match segment.profile.get(&feature.name) {
            Some(profile) => {
                if let Some(bins) = &feature.bins {
                    hill(&mut svg, i, bins, &profile.counts, &scale, base);
                }
                quantile_bar(&mut svg, i, &profile.stats, &scale, base + 8.0);
                svg.text("value", [width, base + 4.0], Anchor::End, &unit.value(profile.stats.p50));
            }
            None => svg.text("small", [pixels[0], base], Anchor::Start, "no values"),
        }
        y += ROW;
    }
    scale.draw_below(&mut svg, bottom, 44.0, |v| unit.tick(v));
    svg.reach(bottom + 22.0);
    svg
}

/// Area over the bins, as tall as the segment's fullest bin allows.
fn hill(svg: &mut Svg, segment: usize, bins: &Bins, counts: &[u64], scale: &Scale, base: f64) {
    let steps: Vec<(f64, f64, f64)> = bins
        .edges
        .windows(2)
        .zip(counts)
        .map(|(edge, n)| {
            let (from, to) = (scale.at(edge[0]), scale.at(edge[1]));
            (from, to, *n as f64 / (to - from).max(0.1))
        })
        .collect();
    let most = steps.iter().map(|s| s.2).fold(0.0, f64::max);
    if most <= 0.0 {
        return;
    }
    let mut path = Path::default().to([steps[0].0, base]);
    for (_, to, density) in &steps {
        let y = base - HILL * density / most;
        path = path.upright(y).across(*to);
    }
    svg.path(Class::of("hill", segment), path.upright(base).close());
}

/// 5 % to 95 % as a line, the middle half as a bar, the median as a notch.
fn quantile_bar(svg: &mut Svg, segment: usize, stats: &Stats, scale: &Scale, y: f64) {
    let at = |x| scale.at(x);
    svg.line(Class::of("whisker", segment), [at(stats.p05), y, at(stats.p95), y]);
    svg.rect(Class::of("fill", segment), [at(stats.p25), y - 3.0, (at(stats.p75) - at(stats.p25)).max(1.5), 6.0], 1.0);
    svg.circle(Class::of("notch", segment), [at(stats.p50), y], 4.0);
}

fn quantiles(facts: &Facts, feature: &FeatureSummary, unit: &Unit, all: &Stats) -> Table {
    let mut table = Table::new(
        format!("{}: quantiles by segment", facts.title(&feature.name)),
        &["Segment", "5 %#", "25 %#", "Median#", "75 %#", "95 %#", "Mean#", "Against all#"],
    );
    let cells = |name: &str, s: &Stats, z: String| {
        let mut cells = vec![name.to_owned()];
        cells.extend([s.p05, s.p25, s.p50, s.p75, s.p95, s.mean].map(|x| unit.value(x)));
        cells.push(z);
        cells
    };
    for (_, mark, segment) in facts.segments() {
        if let Some(profile) = segment.profile.get(&feature.name) {
            table.segment_row(mark, cells(&mark.label, &profile.stats, difference(profile.z)));
        }
    }
    table.row(cells("All customers", all, String::new()));
    table
}

/// Nothing where there are too many to print.
fn counts(facts: &Facts, feature: &FeatureSummary, unit: &Unit, bins: &Bins) -> Option<Table> {
    if facts.outcome.features.len() * facts.marks.len() > MOST_BINNED {
        return None;
    }
    let segments: Vec<_> = facts.segments().filter(|(_, _, s)| s.profile.contains_key(&feature.name)).collect();
    let mut names = vec!["From".to_owned(), "To".to_owned()];
    names.extend(segments.iter().map(|(_, mark, _)| format!("{} {}#", mark.letter, mark.label)));
    let name = inside_sentence(&facts.title(&feature.name));
    let caption = format!("Customers in each bin of {name}");
    let mut table = Table::new(caption, &names.iter().map(String::as_str).collect::<Vec<_>>());
    for (bin, edge) in bins.edges.windows(2).enumerate() {
        let at = |s: &crate::outcome::SegmentOutcome| s.profile[&feature.name].counts.get(bin).copied().unwrap_or(0);
        let counts: Vec<u64> = segments.iter().map(|(_, _, s)| at(s)).collect();
        if counts.iter().any(|n| *n > 0) {
            let mut cells = vec![unit.value(edge[0]), unit.value(edge[1])];
            cells.extend(counts.into_iter().map(count));
            table.row(cells);
        }
    }
    (!table.rows.is_empty()).then_some(table)
}
