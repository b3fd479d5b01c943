//! The page of `segc diff`: one file like the report, about what a change does.

use minijinja::context;
use minijinja::value::Value;

use super::numbers::{approximate, count, exact, money, share};
use super::{ReportError, Templates, framed, plain};
use crate::diff::{Cause, Diff, words};

/// Movers that have a line.
const NAMED: usize = 50;

/// One self-contained page.
///
/// Errors: a template of a user's own folder that does not fit, with its name and line.
pub fn diff_html(diff: &Diff, templates: &Templates) -> Result<String, ReportError> {
    let raw = serde_json::to_value(diff).map_or(Value::UNDEFINED, plain);
    let contents = context! {
        segc => env!("CARGO_PKG_VERSION"), diff => raw, templates => templates.digest(), ..contents(diff)
    };
    templates.render("diff.html", framed(contents, &[], &["report.css", "diff.css"], templates)?)
}

fn contents(diff: &Diff) -> Value {
    let named = diff.movers.len().min(NAMED);
    let movers_intro = match (diff.movers.len(), named) {
        (all, named) if all == named => {
            "Everybody who moves, the largest amount first, and what moved them.".to_owned()
        }
        (all, named) => format!(
            "The {} with the largest amounts of {}, and what moved them; the JSON form has all.",
            count(named as u64),
            count(all as u64)
        ),
    };
    context! {
        title => title(diff),
        before => diff.before.name.as_str(),
        after => diff.after.name.as_str(),
        verdict => words::sentences(&diff.meaning),
        indicators => indicators(diff),
        change => context! {
            parts => parts(diff),
            regions => table("Whom the rules treat otherwise, whatever the data are", &words::REGIONS, words::regions(&diff.meaning)),
        },
        matrix => matrix(diff),
        movers_intro => movers_intro,
        tables => context! {
            segments => table("Segments", &words::SEGMENTS, words::segments(diff)),
            moves => table("Moves", &words::MOVES, words::moves(diff)),
            movers => table("Who moves", &words::MOVERS, words::movers(diff, named)),
            rows => table("Rows that are cleaned otherwise", &words::ROWS, words::rows(diff)),
            cuts => table("Cut points that shift", &words::CUTS, words::cuts(diff)),
            clusters => table("Clusters that have most customers in common", &words::CLUSTERS, words::clusters(diff)),
        },
    }
}

fn title(diff: &Diff) -> String {
    match diff.moved.customers {
        _ if diff.is_empty() => "Nothing changes".to_owned(),
        0 => "No customer moves".to_owned(),
        1 => "1 customer moves".to_owned(),
        n => format!("{} customers move", count(n)),
    }
}

fn indicators(diff: &Diff) -> Vec<Value> {
    let moved = &diff.moved;
    let code = diff.before.currency.as_deref();
    let mut all = vec![
        context! { name => "Kind of change", value => diff.meaning.class.word(), detail => "by what the specs mean" },
        context! { name => "Customers who move", value => count(moved.customers), detail => share(moved.share) },
    ];
    if let (Some(amount), Some(part)) = (&moved.amount, moved.amount_share) {
        let value = approximate(amount).zip(code).map_or_else(|| exact(amount, code, 2), |(x, code)| money(x, code));
        all.push(context! { name => "Revenue that moves", value => value, detail => share(part) });
    }
    let mut causes: Vec<(Cause, u64)> = vec![];
    for mover in &diff.movers {
        match causes.iter_mut().find(|(cause, _)| *cause == mover.cause) {
            Some((_, n)) => *n += 1,
            None => causes.push((mover.cause, 1)),
        }
    }
    causes.sort_by_key(|(cause, n)| (std::cmp::Reverse(*n), *cause));
    if let Some((cause, n)) = causes.first() {
        let detail = format!("{} of {}", count(*n), count(moved.customers));
        all.push(context! { name => "Mostly because of", value => cause.words(), detail => detail });
    }
    all
}

fn parts(diff: &Diff) -> Vec<Value> {
    let part = |change: &crate::diff::PartChange| {
        let lines = |kind: &'static str, lines: &[String]| -> Vec<Value> {
            lines.iter().map(|line| context! { kind => kind, text => line }).collect()
        };
        let all = [lines("removed", &change.removed), lines("added", &change.added)].concat();
        context! { name => change.part.as_str(), lines => all }
    };
    diff.spec.iter().map(part).collect()
}

/// Every pair of segments, with a step of colour by the share of the row that goes there.
fn matrix(diff: &Diff) -> Value {
    let name = |label: &Option<String>| label.clone().unwrap_or_else(|| words::NOT_A_CUSTOMER.to_owned());
    let labels = |of: &dyn Fn(&crate::diff::Cell) -> Option<String>, segments: &[crate::diff::SegmentFacts]| {
        let mut labels: Vec<Option<String>> = segments.iter().map(|segment| Some(segment.label.clone())).collect();
        if diff.matrix.iter().any(|cell| of(cell).is_none()) {
            labels.push(None);
        }
        labels
    };
    if diff.movers.is_empty() {
        return context! { columns => Vec::<Value>::new(), rows => Vec::<Value>::new() };
    }
    let from = labels(&|cell| cell.from.clone(), &diff.before.segments);
    let to = labels(&|cell| cell.to.clone(), &diff.after.segments);
    let row = |before: &Option<String>| {
        let all: u64 = diff.matrix.iter().filter(|cell| cell.from == *before).map(|cell| cell.customers).sum();
        let cells = to.iter().map(|after| {
            let cell = diff.matrix.iter().find(|cell| cell.from == *before && cell.to == *after);
            let customers = cell.map_or(0, |cell| cell.customers);
            let part = customers as f64 / all.max(1) as f64;
            // From a trace to all of them, in six steps.
            let step = (1.0 + 5.0 * part).round() as u8;
            context! {
                value => if customers > 0 { count(customers) } else { String::new() },
                detail => if customers > 0 { share(part) } else { String::new() },
                stays => before == after && customers > 0,
                step => step,
            }
        });
        context! { name => name(before), cells => cells.collect::<Vec<_>>() }
    };
    context! {
        columns => to.iter().map(name).collect::<Vec<_>>(),
        rows => from.iter().map(row).collect::<Vec<_>>(),
    }
}

/// A table as `table.html` takes it, without columns that are empty throughout.
fn table(caption: &str, head: &[&str], lines: Vec<Vec<String>>) -> Value {
    let shown: Vec<usize> = words::shown(&lines, head.len());
    let columns = shown
        .iter()
        .map(|at| context! { name => head[*at].replace("->", "→"), numeric => words::is_numeric(&lines, *at) });
    let rows = lines.iter().map(|line| {
        let cells: Vec<String> = shown.iter().map(|at| line[*at].replace(" -> ", " → ")).collect();
        context! { cells => cells, mark => Value::from(()) }
    });
    context! { caption => caption, columns => columns.collect::<Vec<_>>(), rows => rows.collect::<Vec<_>>() }
}
