//! The snapshot of a spec's result: a text beside the spec, kept in git, made for reading in a diff. What changes in it
//! is what a change to the spec does.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use similar::TextDiff;

use crate::build::Built;
use crate::diagnostics::Diagnostic;
use crate::outcome::{JoinOutcome, Outcome, ScoreStep};
use crate::summarize::sha256;

/// The first words of a snapshot. The number rises when the text of an unchanged result would change.
const HEADER: &str = "segc snapshot 1: ";
/// Lines around a change that are shown with it.
const CONTEXT: usize = 2;

/// Where the snapshot of a spec lies: `specs/shop.snap` for `specs/shop.seg`.
pub fn path(spec: &Path) -> PathBuf {
    spec.with_extension("snap")
}

/// The result as text: rows by rule, the search for k, segments with customers and money, medians, cut points, and a
/// digest of who is in which segment. The same bytes for the same result.
pub fn render(built: &Built) -> String {
    let outcome = &built.outcome;
    let mut out = format!("{HEADER}{}\n", outcome.name);
    facts(outcome, &mut out);
    rows(outcome, &mut out);
    joins(outcome, &mut out);
    search(outcome, &mut out);
    segments(outcome, &mut out);
    medians(outcome, &mut out);
    scores(outcome, &mut out);
    forecasts(outcome, &mut out);
    rules(outcome, &mut out);
    let _ = writeln!(out, "\nassignment\n  sha256 {}", assignment(built));
    out
}

/// The unified diff from the snapshot `kept`, called `name`, to the result `found`; nothing where they are the same.
///
/// Errors: SEG0630 where `kept` is not a snapshot of this version.
pub fn compare(name: &str, kept: &str, found: &str) -> Result<Option<String>, Vec<Diagnostic>> {
    let kept = kept.replace("\r\n", "\n");
    if !kept.starts_with(HEADER) {
        let first: String = kept.lines().next().unwrap_or_default().chars().take(80).collect();
        return Err(unreadable(name, &format!("it starts with `{first}`")));
    }
    let diff = TextDiff::from_lines(kept.as_str(), found);
    let unified = || diff.unified_diff().context_radius(CONTEXT).header("snapshot", "result").to_string();
    Ok((kept != found).then(unified))
}

/// That a snapshot is there but can't be compared with.
pub fn unreadable(name: &str, why: &str) -> Vec<Diagnostic> {
    let diagnostic =
        Diagnostic::error("SEG0630", format!("`{name}` is no snapshot that this version of segc can read"))
            .note(why.to_owned())
            .help("if you don't need what is in it, rewrite it with `segc test --update`");
    vec![diagnostic]
}

/// SHA-256 of `customer TAB segment` lines in the order of customers.
pub(crate) fn assignment(built: &Built) -> String {
    let run = &built.execution;
    let mut lines = String::new();
    for (id, segment) in run.customers.ids.iter().zip(&run.labelled.of_customer) {
        let _ = writeln!(lines, "{id}\t{}", run.labelled.segments[*segment as usize].label);
    }
    sha256(lines.as_bytes())
}

fn facts(outcome: &Outcome, out: &mut String) {
    let mut fact = |name: &str, value: String| {
        let _ = writeln!(out, "  {name:<10} {value}");
    };
    if let Some(as_of) = &outcome.as_of {
        fact("as of", as_of.clone());
    }
    fact("customers", outcome.customers.to_string());
    if let Some(baskets) = outcome.baskets {
        fact("baskets", baskets.to_string());
    }
    if let Some(amount) = &outcome.amount {
        fact("amount", format!("{amount} {}", outcome.currency.as_deref().unwrap_or_default()));
    }
}

fn rows(outcome: &Outcome, out: &mut String) {
    let rows = &outcome.rows;
    let mut table = Table::new(&["rows", "rows", "amount"]);
    let mut row = |name: &str, rows: u64, amount: &Option<String>| {
        table.row([name.to_owned(), rows.to_string(), amount.clone().unwrap_or_default()]);
    };
    row("read", rows.read, &rows.amount_read);
    row("refused", rows.refused, &None);
    rows.dropped.iter().for_each(|dropped| row(&format!("- {}", dropped.rule), dropped.rows, &dropped.amount));
    row("used", rows.used, &rows.amount_used);
    table.write(out);
}

fn joins(outcome: &Outcome, out: &mut String) {
    if outcome.joins.is_empty() {
        return;
    }
    let mut table = Table::new(&["joined", "read", "refused", "matched", "unmatched", "unused"]);
    for JoinOutcome { source, on: _, read, refused, matched, unmatched, unused } in &outcome.joins {
        let numbers = [read, refused, matched, unmatched, unused].map(u64::to_string);
        let [read, refused, matched, unmatched, unused] = numbers;
        table.row([source.clone(), read, refused, matched, unmatched, unused]);
    }
    table.write(out);
}

fn search(outcome: &Outcome, out: &mut String) {
    let Some(cluster) = &outcome.cluster else { return };
    let mut table =
        Table::new(&["k", "inertia", "silhouette", "davies_bouldin", "calinski_harabasz", "smallest share"]);
    let shown = |x: Option<f64>, digits: usize| x.map_or("-".to_owned(), |x| format!("{x:.digits$}"));
    for row in &cluster.search {
        let name = if row.k == cluster.k { format!("{} chosen", row.k) } else { row.k.to_string() };
        let smallest = format!("{:.1} %", 100.0 * row.smallest_share);
        table.row([
            name,
            shown(Some(row.inertia), 2),
            shown(row.silhouette, 4),
            shown(row.davies_bouldin, 4),
            shown(row.calinski_harabasz, 1),
            smallest,
        ]);
    }
    if cluster.search.iter().any(|row| row.bic.is_some()) {
        table.head.push("bic".to_owned());
        table.rows.iter_mut().zip(&cluster.search).for_each(|(cells, row)| cells.push(shown(row.bic, 2)));
    }
    table.write(out);
}

fn segments(outcome: &Outcome, out: &mut String) {
    let mut table = Table::new(&["segments", "customers", "share", "amount", "share of amount"]);
    for segment in &outcome.segments {
        table.row([
            segment.label.clone(),
            segment.customers.to_string(),
            format!("{:.1} %", 100.0 * segment.share),
            segment.amount.clone().unwrap_or_default(),
            segment.amount_share.map_or(String::new(), |share| format!("{:.1} %", 100.0 * share)),
        ]);
    }
    table.write(out);
}

fn medians(outcome: &Outcome, out: &mut String) {
    for feature in &outcome.features {
        let Some(stats) = &feature.stats else { continue };
        let mut table = Table::new(&[&format!("median {}, {}", feature.name, feature.unit), ""]);
        table.row(["everybody".to_owned(), number(stats.p50)]);
        for segment in &outcome.segments {
            if let Some(profile) = segment.profile.get(&feature.name) {
                table.row([segment.label.clone(), number(profile.stats.p50)]);
            }
        }
        table.write(out);
    }
}

fn scores(outcome: &Outcome, out: &mut String) {
    for score in &outcome.scores {
        let best = if score.low_is_best { "low" } else { "high" };
        let title = format!("score {} of {}, {}, {best} is best", score.feature, score.of, score.unit);
        let mut table = Table::new(&[&title, "from", "to", "customers"]);
        for ScoreStep { score, from, to, customers } in &score.steps {
            table.row([score.to_string(), number(*from), number(*to), customers.to_string()]);
        }
        table.write(out);
    }
}

/// Four significant digits: a fit that another machine rounds otherwise is the same.
fn forecasts(outcome: &Outcome, out: &mut String) {
    for forecast in &outcome.forecasts {
        let title = format!("model {} in {}", forecast.model, forecast.unit);
        let mut table = Table::new(&[&title, "value", "error"]);
        let spend = forecast.spend.as_ref().map(|spend| &spend.fit);
        for parameter in std::iter::once(&forecast.purchases).chain(spend).flat_map(|fit| &fit.parameters) {
            let error = parameter.standard_error.map_or("-".to_owned(), |error| significant(error, 3));
            table.row([parameter.name.clone(), significant(parameter.value, 4), error]);
        }
        let found = if forecast.drop_out_found { "yes" } else { "no" };
        table.row(["drop-out found".to_owned(), found.to_owned(), String::new()]);
        if let Some(independence) = &forecast.independence {
            table.row(["spend against frequency".to_owned(), significant(independence.spearman, 3), String::new()]);
        }
        table.write(out);
        if let Some(held_out) = &forecast.holdout {
            let title = format!("held out after {}", held_out.shown_until);
            let mut table = Table::new(&[&title, "customers", "expected", "actual"]);
            for group in &held_out.groups {
                let more = if group.or_more { "+" } else { "" };
                let (customers, actual) = (group.customers.to_string(), group.actual.to_string());
                table.row([
                    format!("{}{more} before", group.repeats),
                    customers,
                    significant(group.expected, 4),
                    actual,
                ]);
            }
            table.write(out);
        }
        for value in &forecast.values {
            let mut table = Table::new(&[&format!("mean {}", value.feature), "", "from", "to"]);
            for segment in &value.segments {
                let [mean, low, high] = [segment.mean, segment.low, segment.high].map(|x| significant(x, 4));
                table.row([segment.label.clone(), mean, low, high]);
            }
            table.write(out);
        }
    }
}

fn rules(outcome: &Outcome, out: &mut String) {
    let _ = writeln!(out, "\nrules");
    for (nth, rule) in outcome.rules.iter().enumerate() {
        let condition = rule.condition.as_ref().map_or("otherwise".to_owned(), |words| format!("when {words}"));
        let clusters = match rule.clusters {
            0 => String::new(),
            1 => "1 cluster, ".to_owned(),
            n => format!("{n} clusters, "),
        };
        let _ = writeln!(out, "  {} \"{}\" {condition}: {clusters}{} customers", nth + 1, rule.label, rule.customers);
    }
}

/// Six significant digits: enough to see a change, few enough to read.
fn number(x: f64) -> String {
    significant(x, 6)
}

fn significant(x: f64, digits: i32) -> String {
    if x == 0.0 || !x.is_finite() {
        return "0".to_owned();
    }
    let digits = digits - 1 - x.abs().log10().floor() as i32;
    let text = format!("{x:.*}", digits.clamp(0, 12) as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A title, names of columns, and rows: the first column to the left, numbers to the right. Widths have a floor, so that
/// a longer number does not shift every line of the table.
struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

const FIRST: usize = 28;
const OTHERS: usize = 14;

impl Table {
    fn new(head: &[&str]) -> Table {
        Table { head: head.iter().map(|name| (*name).to_owned()).collect(), rows: vec![] }
    }

    fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.to_vec());
    }

    fn write(&self, out: &mut String) {
        let line = |cells: &[String], indent: usize| {
            let mut text = format!("{:indent$}{:<width$}", "", cells[0], width = FIRST - indent);
            cells[1..].iter().for_each(|cell| text += &format!("  {cell:>OTHERS$}"));
            text.trim_end().to_owned()
        };
        let _ = writeln!(out, "\n{}", line(&self.head, 0));
        self.rows.iter().for_each(|row| out.push_str(&format!("{}\n", line(row, 2))));
    }
}
