//! Share of customers against share of revenue: two bars, and a ribbon for each segment from one to the other.

use crate::report::facts::Facts;
use crate::report::figure::{Figure, Table, WIDE};
use crate::report::numbers::{approximate, count, share, share_short};
use crate::report::svg::{Anchor, Class, Path, Svg, letter};
use crate::report::words::width as text_width;

const BAR: f64 = 46.0;
const GAP: f64 = 2.0;
const RIBBON: f64 = 76.0;

/// Nothing for fewer than two segments.
pub fn shares(facts: &Facts) -> Option<Figure> {
    if facts.marks.len() < 2 {
        return None;
    }
    let negative = facts.outcome.segments.iter().any(|s| s.amount_share.is_some_and(|share| share < 0.0));
    let subtitle = match (facts.has_amounts(), negative) {
        (true, false) => "Each segment’s share of customers (above) and of revenue (below)",
        (true, true) => {
            "Each segment’s share of customers (above) and of revenue (below); revenue below 0 has no width there"
        }
        (false, _) => "Each segment’s share of customers",
    };
    // A slice that is too small shows its letter alone.
    let customers: Vec<f64> = facts.outcome.segments.iter().map(|s| s.share).collect();
    let names_all = slices(&customers, WIDE).iter().zip(&facts.marks).all(|([_, w], mark)| fits(&mark.label, *w));
    let figure = Figure::new("shares", title(facts), subtitle.to_owned(), |width| draw(facts, width));
    Some(figure.with_key(names_all).with_table(table(facts)))
}

fn title(facts: &Facts) -> String {
    let Some((_, mark, first)) = facts.segments().next() else {
        return "No customers".to_owned();
    };
    let customers = share_short(first.share);
    match first.amount_share.filter(|_| facts.outcome.segments.len() > 1) {
        Some(amount) => {
            format!("{customers} of customers are {} and bring {} of revenue", mark.label, share_short(amount))
        }
        None => format!("{customers} of customers are {}", mark.label),
    }
}

fn draw(facts: &Facts, width: f64) -> Svg {
    let mut svg = Svg::new(width);
    let segments = &facts.outcome.segments;
    let top = 20.0;
    svg.text("label", [0.0, 12.0], Anchor::Start, "Customers");
    svg.text("value", [width, 12.0], Anchor::End, &count(facts.outcome.customers));
    let customers: Vec<f64> = segments.iter().map(|s| s.share).collect();
    let above = slices(&customers, width);
    bar(&mut svg, facts, &above, &customers, top);
    if facts.has_amounts() {
        let amounts: Vec<f64> = segments.iter().map(|s| s.amount_share.unwrap_or(0.0)).collect();
        let below = slices(&amounts, width);
        let (from, to) = (top + BAR + 1.0, top + BAR + RIBBON - 1.0);
        let middle = (from + to) / 2.0;
        for (i, ([x1, w1], [x2, w2])) in above.iter().zip(&below).enumerate() {
            let path = Path::default()
                .to([*x1, from])
                .curve([*x1, middle], [*x2, middle], [*x2, to])
                .to([x2 + w2, to])
                .curve([x2 + w2, middle], [x1 + w1, middle], [x1 + w1, from])
                .close();
            svg.path(Class::of("ribbon", i), path);
        }
        let y = top + BAR + RIBBON;
        bar(&mut svg, facts, &below, &amounts, y);
        svg.text("label", [0.0, y + BAR + 17.0], Anchor::Start, "Revenue");
        if let Some(amount) = facts.outcome.amount.as_deref().and_then(approximate) {
            svg.text("value", [width, y + BAR + 17.0], Anchor::End, &facts.money(amount));
        }
    }
    svg
}

fn fits(name: &str, room: f64) -> bool {
    text_width(name, 14.0) + 12.0 <= room
}

/// `[x, width]` of each share. A negative one (returns outweigh purchases) has no width.
fn slices(shares: &[f64], width: f64) -> Vec<[f64; 2]> {
    let total: f64 = shares.iter().map(|s| s.max(0.0)).sum();
    let room = width - GAP * (shares.len().max(1) - 1) as f64;
    let mut x = 0.0;
    shares
        .iter()
        .map(|share| {
            let slice = if total > 0.0 { room * share.max(0.0) / total } else { 0.0 };
            let at = x;
            x += slice + GAP;
            [at, slice]
        })
        .collect()
}

fn bar(svg: &mut Svg, facts: &Facts, slices: &[[f64; 2]], shares: &[f64], y: f64) {
    for ((i, mark, _), ([x, w], part)) in facts.segments().zip(slices.iter().zip(shares)) {
        let words = share_short(*part);
        svg.hint(&format!("{}: {}", mark.label, share(*part)), |svg| {
            svg.rect(Class::of("fill", i), [*x, y, *w, BAR], 3.0);
            let middle = x + w / 2.0;
            let name = [mark.label.clone(), letter(i)].into_iter().find(|name| fits(name, *w));
            match name {
                Some(name) if text_width(&words, 13.0) + 6.0 <= *w => {
                    svg.text(Class::of("on strong", i), [middle, y + 20.0], Anchor::Middle, &name);
                    svg.text(Class::of("on", i), [middle, y + 36.0], Anchor::Middle, &words);
                }
                _ if *w >= 13.0 => {
                    svg.text(Class::of("on strong", i), [middle, y + BAR / 2.0 + 5.0], Anchor::Middle, &letter(i))
                }
                _ => {}
            }
        });
    }
    svg.reach(y + BAR);
}

fn table(facts: &Facts) -> Table {
    if !facts.has_amounts() {
        let mut table = Table::new("Customers by segment", &["Segment", "Customers#", "Share#"]);
        for (_, mark, s) in facts.segments() {
            table.segment_row(mark, vec![mark.label.clone(), count(s.customers), share(s.share)]);
        }
        table.row(vec!["All customers".to_owned(), count(facts.outcome.customers), share(1.0)]);
        return table;
    }
    let mut table = Table::new(
        "Customers and revenue by segment",
        &["Segment", "Customers#", "Share#", "Revenue#", "Share of revenue#", "Per customer#"],
    );
    for (_, mark, s) in facts.segments() {
        let amount = s.amount.as_deref().unwrap_or_default();
        let each = approximate(amount).filter(|_| s.customers > 0).map(|a| a / s.customers as f64);
        table.segment_row(
            mark,
            vec![
                mark.label.clone(),
                count(s.customers),
                share(s.share),
                approximate(amount).map_or_else(|| amount.to_owned(), |a| facts.money(a)),
                s.amount_share.map_or_else(String::new, share),
                each.map_or_else(String::new, |each| facts.money(each)),
            ],
        );
    }
    if let Some(amount) = facts.outcome.amount.as_deref().and_then(approximate) {
        let customers = facts.outcome.customers;
        let each = facts.money(amount / customers.max(1) as f64);
        let all = ["All customers".to_owned(), count(customers), share(1.0), facts.money(amount), share(1.0), each];
        table.row(all.to_vec());
    }
    table
}
