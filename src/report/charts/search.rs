//! The choice of k: inertia (of a mixture BIC) and silhouette for every k that was tried, in two panels over the same k.

use super::axis::Scale;
use crate::outcome::{ClusterOutcome, SearchRow};
use crate::report::facts::Facts;
use crate::report::figure::{Figure, NARROW, Table, WIDE};
use crate::report::numbers::{Unit, counted, fixed, number, share};
use crate::report::svg::{Anchor, Path, Svg};
use crate::report::words::{unquoted, width as text_width};

const PANEL: f64 = 210.0;

/// Nothing without clusters.
pub fn search(facts: &Facts) -> Option<Figure> {
    let cluster = facts.outcome.cluster.as_ref()?;
    let title = title(cluster);
    let subtitle = "Filled: meets the spec’s conditions; ring: does not; large: the k that was used".to_owned();
    let figure = if cluster.search.len() < 2 {
        Figure::empty("search", title, "The criteria for the k that was used".to_owned(), "No other k was tried.")
    } else {
        Figure::new("search", title, subtitle, |width| draw(cluster, width))
    };
    Some(figure.with_table(table(cluster)))
}

fn title(cluster: &ClusterOutcome) -> String {
    let k = cluster.k;
    let clearest = |rows: &mut dyn Iterator<Item = &SearchRow>| {
        rows.filter_map(|row| Some((row.k, row.silhouette?)))
            .reduce(|best, next| if next.1 > best.1 { next } else { best })
    };
    let own = cluster.search.iter().find(|row| row.k == k).and_then(|row| row.silhouette);
    let all = clearest(&mut cluster.search.iter());
    let qualified = clearest(&mut cluster.search.iter().filter(|row| row.qualifies));
    match (own, all, qualified) {
        _ if cluster.search.len() < 2 => {
            let whose = if cluster.noise.is_some() { "as the method found them" } else { "as the spec says" };
            format!("{}, {whose}", counted(u64::from(k), "group", "groups"))
        }
        _ if cluster.chosen_by.starts_with("bic") => {
            format!("{k} groups balance fit and simplicity best (smallest BIC)")
        }
        (Some(own), Some((best, _)), _) if best == k => {
            format!("{k} groups are further apart than any other number (silhouette {})", fixed(own, 3))
        }
        (Some(own), _, Some((best, _))) if best == k => {
            format!(
                "{k} groups are the furthest apart of those that meet the conditions (silhouette {})",
                fixed(own, 3)
            )
        }
        (Some(own), Some((best, silhouette)), _) => {
            format!(
                "{k} groups (silhouette {}); {best} would be further apart ({})",
                fixed(own, 3),
                fixed(silhouette, 3)
            )
        }
        _ => format!("{k} groups were chosen"),
    }
}

/// What a panel shows of every k.
struct Criterion {
    name: &'static str,
    value: fn(&SearchRow) -> Option<f64>,
    words: fn(f64) -> String,
    /// Of the axis, from that of the values.
    range: fn([f64; 2]) -> [f64; 2],
}

fn is_mixture(cluster: &ClusterOutcome) -> bool {
    cluster.search.iter().any(|row| row.bic.is_some())
}

fn draw(cluster: &ClusterOutcome, width: f64) -> Svg {
    let mut svg = Svg::new(width);
    let side_by_side = width >= WIDE;
    let panel = if side_by_side { (width - 32.0) / 2.0 } else { NARROW };
    let from_zero = |[low, high]: [f64; 2]| [low.min(0.0), high * 1.04];
    let tightness = match is_mixture(cluster) {
        true => Criterion {
            name: "BIC (lower explains more with less)",
            value: |row| row.bic,
            words: number,
            // A likelihood has no zero to compare with.
            range: |[low, high]| [low - 0.06 * (high - low), high + 0.06 * (high - low)],
        },
        false => Criterion {
            name: "Inertia (lower is tighter)",
            value: |row| Some(row.inertia),
            words: number,
            range: from_zero,
        },
    };
    let silhouette = Criterion {
        name: "Mean silhouette (higher is clearer)",
        value: |row| row.silhouette,
        words: |s| fixed(s, 3),
        range: from_zero,
    };
    for (i, shown) in [tightness, silhouette].into_iter().enumerate() {
        let at = if side_by_side { [(panel + 32.0) * i as f64, 0.0] } else { [0.0, (PANEL + 66.0) * i as f64] };
        criterion(&mut svg, cluster, at, panel, shown);
    }
    svg
}

fn criterion(
    svg: &mut Svg,
    cluster: &ClusterOutcome,
    [left, top]: [f64; 2],
    width: f64,
    Criterion { name, value, words, range }: Criterion,
) {
    let points: Vec<(&SearchRow, f64)> = cluster.search.iter().filter_map(|row| Some((row, value(row)?))).collect();
    svg.text("label", [left, top + 12.0], Anchor::Start, name);
    let (Some(first), Some(last)) = (cluster.search.first(), cluster.search.last()) else { return };
    let bottom = top + PANEL;
    if points.is_empty() {
        svg.text("small", [left, top + 40.0], Anchor::Start, "was not computed");
        svg.reach(bottom);
        return;
    }
    let low = points.iter().map(|p| p.1).fold(f64::INFINITY, f64::min);
    let high = points.iter().map(|p| p.1).fold(f64::NEG_INFINITY, f64::max);
    let x = Scale::linear([f64::from(first.k), f64::from(last.k)], [left + 50.0, left + width - 24.0]);
    let y = Scale::linear(range([low, high]), [bottom, top + 34.0]);
    for tick in y.ticks(32.0) {
        svg.line("grid", [left + 36.0, y.at(tick), left + width, y.at(tick)]);
        svg.text("tick", [left + 30.0, y.at(tick) + 4.0], Anchor::End, &Unit::Number.tick(tick));
    }
    if let Some((row, _)) = points.iter().find(|(row, _)| row.k == cluster.k) {
        let x = x.at(f64::from(row.k));
        svg.line("reference", [x, top + 24.0, x, bottom]);
    }
    let line = points.iter().fold(Path::default(), |path, (row, v)| path.to([x.at(f64::from(row.k)), y.at(*v)]));
    svg.path("trace", line);
    for (row, v) in &points {
        let at = [x.at(f64::from(row.k)), y.at(*v)];
        let chosen = row.k == cluster.k;
        let class = match (chosen, row.qualifies) {
            (true, _) => "point",
            (false, true) => "dot-mark",
            (false, false) => "ring",
        };
        svg.hint(&format!("k = {}: {}", row.k, words(*v)), |svg| {
            svg.circle(class, at, if chosen { 6.5 } else { 4.0 });
        });
        if chosen {
            let words = words(*v);
            let near_the_end = at[0] + text_width(&words, 13.0) + 10.0 > left + width;
            let (shift, anchor) = if near_the_end { (-10.0, Anchor::End) } else { (9.0, Anchor::Start) };
            svg.text("value halo", [at[0] + shift, at[1] - 9.0], anchor, &words);
        }
    }
    svg.line("axis", [left + 36.0, bottom, left + width, bottom]);
    let every = cluster.search.len().div_ceil(12).max(1);
    for (i, row) in cluster.search.iter().enumerate() {
        if row.k != cluster.k && !i.is_multiple_of(every) {
            continue;
        }
        let class = if row.k == cluster.k { "tick chosen" } else { "tick" };
        svg.text(class, [x.at(f64::from(row.k)), bottom + 18.0], Anchor::Middle, &row.k.to_string());
    }
    svg.text("small", [left, bottom + 18.0], Anchor::Start, "k");
    svg.reach(bottom + 24.0);
}

fn table(cluster: &ClusterOutcome) -> Table {
    let mut headings =
        vec!["k", "Inertia#", "Silhouette#", "Davies–Bouldin#", "Calinski–Harabasz#", "Smallest group#", "Conditions"];
    if is_mixture(cluster) {
        headings.insert(1, "BIC#");
    }
    let mut table = Table::new("Every criterion for every k", &headings);
    let optional = |x: Option<f64>, words: fn(f64) -> String| x.map_or_else(|| "–".to_owned(), words);
    for row in &cluster.search {
        let verdict = match (row.k == cluster.k, row.qualifies, &row.misses) {
            (true, ..) => "used".to_owned(),
            (false, true, _) => "met".to_owned(),
            (false, false, Some(misses)) => unquoted(misses),
            (false, false, None) => "not met".to_owned(),
        };
        let mut cells = vec![
            row.k.to_string(),
            number(row.inertia),
            optional(row.silhouette, |s| fixed(s, 3)),
            optional(row.davies_bouldin, |s| fixed(s, 3)),
            optional(row.calinski_harabasz, number),
            share(row.smallest_share),
            verdict,
        ];
        if is_mixture(cluster) {
            cells.insert(1, optional(row.bic, number));
        }
        table.row(cells);
    }
    table
}
