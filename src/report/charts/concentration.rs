//! Revenue concentration: customers from the largest spender down against the revenue they bring together.

use super::axis::Scale;
use crate::outcome::Concentration;
use crate::report::facts::Facts;
use crate::report::figure::{Figure, Table, WIDE};
use crate::report::numbers::{fixed, share, share_short};
use crate::report::svg::{Anchor, Path, Svg};

/// Nothing without revenue or with a single customer.
pub fn concentration(facts: &Facts) -> Option<Figure> {
    let spread = facts.outcome.concentration.as_ref().filter(|_| facts.outcome.customers > 1)?;
    let title = match best(spread, 0.2) {
        Some(amount) => format!("The best 20\u{a0}% of customers bring {} of revenue", share_short(amount)),
        None => "How revenue is spread over customers".to_owned(),
    };
    let subtitle = "Share of revenue brought by the best customers, largest spender first; dashed: if all spent alike";
    let figure = if spread.curve.len() < 2 {
        Figure::empty("concentration", title, subtitle.to_owned(), "Too few customers for a curve.")
    } else {
        Figure::new("concentration", title, subtitle.to_owned(), |width| draw(spread, width))
    };
    Some(figure.with_table(table(spread)))
}

/// Share of revenue that the best `customers` (a share) bring.
pub fn best(spread: &Concentration, customers: f64) -> Option<f64> {
    spread.top.iter().find(|t| (t.customers - customers).abs() < 1e-9).map(|t| t.amount)
}

fn draw(spread: &Concentration, width: f64) -> Svg {
    let mut svg = Svg::new(width);
    let height = if width < WIDE { 280.0 } else { 360.0 };
    let x = Scale::linear([0.0, 1.0], [48.0, width - 18.0]);
    let y = Scale::linear([0.0, 1.0], [height, 26.0]);
    svg.text("label", [0.0, 11.0], Anchor::Start, "Share of revenue");
    for tick in y.ticks(60.0) {
        svg.line("grid", [x.at(0.0), y.at(tick), x.at(1.0), y.at(tick)]);
        svg.text("tick", [38.0, y.at(tick) + 4.0], Anchor::End, &share_short(tick));
    }
    let points = || spread.curve.iter().map(|(c, a)| [x.at(*c), y.at(*a)]);
    let area = points().fold(Path::default().to([x.at(0.0), y.at(0.0)]), Path::to).to([x.at(1.0), y.at(0.0)]).close();
    svg.path("area", area);
    svg.line("even", [x.at(0.0), y.at(0.0), x.at(1.0), y.at(1.0)]);
    svg.path("curve", points().fold(Path::default(), Path::to));
    let mut last = f64::INFINITY;
    for top in &spread.top {
        let at = [x.at(top.customers), y.at(top.amount)];
        svg.circle("point", at, 4.5);
        // A curve that rises little leaves no room between two labels.
        if (at[1] - last).abs() >= 17.0 {
            let words = format!("best {}: {}", share_short(top.customers), share(top.amount));
            svg.text("value halo", [at[0] + 10.0, at[1] + 14.0], Anchor::Start, &words);
            last = at[1];
        }
    }
    x.draw_below(&mut svg, height, 60.0, share_short);
    svg.text("label", [x.at(1.0), height + 36.0], Anchor::End, "Share of customers");
    svg.reach(height + 42.0);
    svg
}

fn table(spread: &Concentration) -> Table {
    let caption = format!("Share of revenue by best customers (Gini coefficient {})", fixed(spread.gini, 2));
    let mut table = Table::new(caption, &["Best customers#", "Share of revenue#"]);
    let curve = (1..10).map(|tenth| f64::from(tenth) / 10.0).filter(|c| best(spread, *c).is_none()).filter_map(|c| {
        spread.curve.iter().find(|(customers, _)| (customers - c).abs() < 1e-9).map(|(_, amount)| (c, *amount))
    });
    let mut rows: Vec<(f64, f64)> = spread.top.iter().map(|t| (t.customers, t.amount)).chain(curve).collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (customers, amount) in rows {
        table.row(vec![share_short(customers), share(amount)]);
    }
    table
}
