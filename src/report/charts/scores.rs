//! Map of the first two scores: how many customers have each pair, best corner at the top right.

use crate::report::facts::Facts;
use crate::report::figure::{Figure, Table, WIDE};
use crate::report::numbers::{approximate, count, share_short};
use crate::report::svg::{Anchor, Svg};
use crate::report::words::{clean, inside_sentence, width as text_width};

const STEPS: [&str; 7] = ["cell q0", "cell q1", "cell q2", "cell q3", "cell q4", "cell q5", "cell q6"];
const CELL: f64 = 48.0;

/// Nothing without two scores.
pub fn scores(facts: &Facts) -> Option<Figure> {
    let grid = facts.outcome.score_grid.as_ref().filter(|g| g.cells.iter().any(|row| !row.is_empty()))?;
    let (rows, columns) = (facts.title(&grid.rows), facts.title(&grid.columns));
    let subtitle = format!(
        "Customers by {} (upwards) and {} (to the right){}",
        inside_sentence(&rows),
        inside_sentence(&columns),
        if total(facts).is_some() { "; second line: share of revenue" } else { "" },
    );
    let figure = Figure::new("scores", title(facts), subtitle, |width| draw(facts, width));
    Some(figure.with_table(table(facts)))
}

fn title(facts: &Facts) -> String {
    let Some(grid) = &facts.outcome.score_grid else { return String::new() };
    let best = (scored(facts, &grid.rows), scored(facts, &grid.columns));
    let top = grid.cells.last().and_then(|row| row.last());
    match (top, total(facts)) {
        (Some(cell), Some(total)) if cell.customers > 0 => {
            let amount = cell.amount.as_deref().and_then(approximate).unwrap_or(0.0);
            format!(
                "Best on both {} and {}: {} of customers, {} of revenue",
                best.0,
                best.1,
                share_short(part(cell.customers, facts.outcome.customers)),
                share_short(amount / total),
            )
        }
        (Some(cell), _) => {
            let customers = share_short(part(cell.customers, facts.outcome.customers));
            format!("Best on both {} and {}: {customers} of customers", best.0, best.1)
        }
        (None, _) => "Customers by score".to_owned(),
    }
}

/// What a score was made of, as people say it.
fn scored(facts: &Facts, score: &str) -> String {
    let of = facts.outcome.scores.iter().find(|s| s.feature == score).map_or(score, |s| s.of.as_str());
    inside_sentence(&facts.title(of))
}

fn draw(facts: &Facts, width: f64) -> Svg {
    let mut svg = Svg::new(width);
    let Some(grid) = &facts.outcome.score_grid else { return svg };
    let columns = grid.cells.iter().map(Vec::len).max().unwrap_or(1).max(1);
    let left = 30.0;
    let column = ((width - left) / columns as f64).min(if width < WIDE { 62.0 } else { 138.0 });
    let most = grid.cells.iter().flatten().map(|c| c.customers).max().unwrap_or(0).max(1) as f64;
    svg.text("label", [0.0, 12.0], Anchor::Start, &format!("↑ {}", facts.title(&grid.rows)));
    let mut y = 24.0;
    for (i, row) in grid.cells.iter().enumerate().rev() {
        svg.text("tick", [left - 12.0, y + CELL / 2.0 + 5.0], Anchor::End, &(i + 1).to_string());
        for (j, cell) in row.iter().enumerate() {
            let x = left + column * j as f64;
            let step = if cell.customers == 0 { 0 } else { 1 + (cell.customers as f64 / most * 5.0) as usize };
            let deep = step >= 4;
            svg.rect(STEPS[step], [x + 1.0, y + 1.0, column - 2.0, CELL - 2.0], 4.0);
            let revenue =
                total(facts).and_then(|t| Some(share_short(cell.amount.as_deref().and_then(approximate)? / t)));
            let middle = x + column / 2.0;
            let number = count(cell.customers);
            if text_width(&number, 13.0) + 2.0 > column {
                continue;
            }
            match revenue.filter(|r| text_width(r, 12.0) + 4.0 <= column && cell.customers > 0) {
                Some(revenue) => {
                    svg.text(if deep { "on-deep" } else { "on-pale" }, [middle, y + 21.0], Anchor::Middle, &number);
                    let class = if deep { "on-deep small" } else { "on-pale small" };
                    svg.text(class, [middle, y + 37.0], Anchor::Middle, &revenue);
                }
                None => svg.text(if deep { "on-deep" } else { "on-pale" }, [middle, y + 29.0], Anchor::Middle, &number),
            }
        }
        y += CELL;
    }
    for j in 0..columns {
        svg.text("tick", [left + column * (j as f64 + 0.5), y + 16.0], Anchor::Middle, &(j + 1).to_string());
    }
    svg.text("label", [left, y + 36.0], Anchor::Start, &format!("{} →", facts.title(&grid.columns)));
    svg.reach(y + 42.0);
    svg
}

/// All revenue, when the cells have amounts.
fn total(facts: &Facts) -> Option<f64> {
    let grid = facts.outcome.score_grid.as_ref()?;
    grid.cells.iter().flatten().all(|c| c.amount.is_some()).then_some(())?;
    facts.outcome.amount.as_deref().and_then(approximate).filter(|t| *t > 0.0)
}

fn part(customers: u64, of: u64) -> f64 {
    customers as f64 / of.max(1) as f64
}

fn table(facts: &Facts) -> Table {
    let Some(grid) = &facts.outcome.score_grid else { return Table::new("", &[]) };
    let columns = grid.cells.iter().map(Vec::len).max().unwrap_or(0);
    let mut names = vec![format!("{}, {}", clean(&grid.rows), clean(&grid.columns))];
    names.extend((1..=columns).map(|score| format!("{} = {score}#", clean(&grid.columns))));
    let total = total(facts);
    let caption = match total {
        Some(_) => "Customers by pair of scores, with their share of revenue",
        None => "Customers by pair of scores",
    };
    let mut table = Table::new(caption, &names.iter().map(String::as_str).collect::<Vec<_>>());
    for (i, row) in grid.cells.iter().enumerate().rev() {
        let mut cells = vec![format!("{} = {}", clean(&grid.rows), i + 1)];
        cells.extend(row.iter().map(|cell| {
            let amount = cell.amount.as_deref().and_then(approximate).zip(total);
            match amount.filter(|_| cell.customers > 0) {
                Some((amount, total)) => format!("{} ({})", count(cell.customers), share_short(amount / total)),
                None => count(cell.customers),
            }
        }));
        table.row(cells);
    }
    table
}
