//! Heat map of standardised profiles: a row for each feature, a column for each segment.

use crate::outcome::FeatureSummary;
use crate::report::facts::Facts;
use crate::report::figure::{Figure, Table, WIDE};
use crate::report::numbers::{Unit, difference};
use crate::report::svg::{Anchor, Svg};
use crate::report::words::{fit, inside_sentence, width as text_width};

const CELL: f64 = 46.0;
/// Columns of this width show the segment's name under its letter.
const NAMED: f64 = 84.0;
const STEPS: [&str; 7] = ["cell h-3", "cell h-2", "cell h-1", "cell h0", "cell h1", "cell h2", "cell h3"];

/// Nothing when no feature is numeric, or a single segment has nothing to differ from.
pub fn profiles(facts: &Facts) -> Option<Figure> {
    facts.numeric().next().filter(|_| facts.marks.len() > 1)?;
    let subtitle = "Number: the segment’s median. Colour and second line: its mean against that of all customers, in \
                    standard deviations";
    let figure = Figure::new("profiles", title(facts), subtitle.to_owned(), |width| draw(facts, width));
    Some(figure.with_key(column(facts, WIDE) >= NAMED).with_table(table(facts)))
}

fn title(facts: &Facts) -> String {
    let far = facts
        .measured()
        .into_iter()
        .flat_map(|(f, _)| facts.segments().filter_map(move |(_, m, s)| Some((f, m, s.profile.get(&f.name)?.z))))
        .reduce(|best, next| if next.2.abs() > best.2.abs() { next } else { best });
    match far {
        Some((feature, mark, z)) if z.abs() >= 0.25 => {
            let name = inside_sentence(&facts.title(&feature.name));
            format!("Furthest from average: {name} of {} ({} standard deviations)", mark.label, difference(z))
        }
        _ => "The segments have much the same profile".to_owned(),
    }
}

/// Room for the names of features, at the left.
fn names(width: f64) -> f64 {
    if width < WIDE { 112.0 } else { 190.0 }
}

/// Width of a segment's column.
fn column(facts: &Facts, width: f64) -> f64 {
    ((width - names(width)) / facts.marks.len().max(1) as f64).min(150.0)
}

fn draw(facts: &Facts, width: f64) -> Svg {
    let mut svg = Svg::new(width);
    let (names, column) = (names(width), column(facts, width));
    let mut y = 4.0;
    for (i, mark, _) in facts.segments() {
        let x = names + column * (i as f64 + 0.5);
        svg.badge(i, [x, y + 10.0]);
        if column >= NAMED {
            svg.text("small", [x, y + 36.0], Anchor::Middle, &fit(&mark.label, 12.0, column - 6.0));
        }
    }
    y += if column >= NAMED { 46.0 } else { 28.0 };
    for (feature, stats) in facts.numeric() {
        let unit = Facts::unit(feature);
        svg.text("label", [0.0, y + 20.0], Anchor::Start, &fit(&facts.title(&feature.name), 13.0, names - 10.0));
        let all = format!("all: {}", unit.value(stats.p50));
        svg.text("small", [0.0, y + 36.0], Anchor::Start, &fit(&all, 12.0, names - 10.0));
        for (i, _, segment) in facts.segments() {
            let x = names + column * i as f64;
            match segment.profile.get(&feature.name) {
                Some(profile) => {
                    cell(&mut svg, [x, y], column, &unit, profile.stats.p50, profile.z);
                }
                None => svg.text("small", [x + column / 2.0, y + 28.0], Anchor::Middle, "–"),
            }
        }
        y += CELL;
    }
    legend(&mut svg, if width < WIDE { 0.0 } else { names }, y + 14.0);
    svg
}

fn cell(svg: &mut Svg, [x, y]: [f64; 2], column: f64, unit: &Unit, median: f64, z: f64) {
    let step = step(z);
    let ink = if step.abs() == 3 { "on-deep" } else { "on-pale" };
    svg.rect(STEPS[(step + 3) as usize], [x + 1.0, y + 1.0, column - 2.0, CELL - 2.0], 4.0);
    let middle = x + column / 2.0;
    let (second, room) = (difference(z), column - 3.0);
    let small = if step.abs() == 3 { "on-deep small" } else { "on-pale small" };
    if text_width(&second, 12.0) > room {
        return;
    }
    match [unit.short(median), unit.tight(median)].into_iter().find(|number| text_width(number, 13.0) <= room) {
        Some(number) => {
            svg.text(ink, [middle, y + 20.0], Anchor::Middle, &number);
            svg.text(small, [middle, y + 36.0], Anchor::Middle, &second);
        }
        None => svg.text(small, [middle, y + 28.0], Anchor::Middle, &second),
    }
}

fn step(z: f64) -> i32 {
    let size = match z.abs() {
        a if a < 0.25 => 0,
        a if a < 0.75 => 1,
        a if a < 1.5 => 2,
        _ => 3,
    };
    if z < 0.0 { -size } else { size }
}

fn legend(svg: &mut Svg, x: f64, y: f64) {
    const SWATCH: f64 = 18.0;
    let words = "below average";
    svg.text("small", [x, y + 10.0], Anchor::Start, words);
    let start = x + text_width(words, 12.0) + 8.0;
    for (i, class) in STEPS.iter().enumerate() {
        svg.rect(*class, [start + SWATCH * i as f64, y, SWATCH - 2.0, 12.0], 2.0);
    }
    svg.text("small", [start + SWATCH * 7.0 + 6.0, y + 10.0], Anchor::Start, "above");
    svg.reach(y + 18.0);
}

fn table(facts: &Facts) -> Table {
    let mut columns = vec!["Feature".to_owned(), "All customers#".to_owned()];
    columns.extend(facts.marks.iter().map(|m| format!("{} {}#", m.letter, m.label)));
    let names: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut table = Table::new("Median of each feature, and the mean in standard deviations from all", &names);
    let cell = |feature: &FeatureSummary, unit: &Unit, i: usize| {
        let profile = facts.outcome.segments[i].profile.get(&feature.name);
        profile.map_or_else(|| "–".to_owned(), |p| format!("{} ({})", unit.value(p.stats.p50), difference(p.z)))
    };
    for (feature, stats) in facts.numeric() {
        let unit = Facts::unit(feature);
        let mut cells = vec![facts.title(&feature.name), unit.value(stats.p50)];
        cells.extend((0..facts.marks.len()).map(|i| cell(feature, &unit, i)));
        table.row(cells);
    }
    table
}
