//! A diff for people: on a terminal, and as Markdown for a pull request. Both show the same things in the same order.

use std::fmt::Write;

use super::{Cause, Diff, SideFacts};
use crate::report::escaped_markdown as escaped;
use crate::report::numbers::{approximate, count, exact, money, number, share};

/// Movers that are named; the JSON form has all of them.
const NAMED: usize = 20;

/// For a terminal.
pub fn text(diff: &Diff) -> String {
    let mut page = Page { markdown: false, out: format!("{} -> {}\n", diff.before.name, diff.after.name) };
    page.diff(diff);
    page.out
}

/// For a pull request: GitHub's flavour, every text that a spec or the data holds escaped.
pub fn markdown(diff: &Diff) -> String {
    let title = format!("### Segments: {} → {}\n", escaped(&diff.before.name), escaped(&diff.after.name));
    let mut page = Page { markdown: true, out: title };
    page.diff(diff);
    page.out
}

struct Page {
    markdown: bool,
    out: String,
}

impl Page {
    fn diff(&mut self, diff: &Diff) {
        self.verdict(diff);
        self.spec(diff);
        self.rows(diff);
        self.cuts(diff);
        if !diff.movers.is_empty() {
            self.segments(diff);
            self.matrix(diff);
            self.movers(diff);
        }
    }

    fn verdict(&mut self, diff: &Diff) {
        let moved = &diff.moved;
        let mut words = match (diff.spec.is_empty(), moved.customers) {
            _ if diff.is_empty() => "Nothing changes: both mean the same and give the same segments.".to_owned(),
            (true, 0) => "Both specs mean the same; no customer moves.".to_owned(),
            (false, 0) => "No customer moves.".to_owned(),
            (_, 1) => format!("1 customer moves ({})", share(moved.share)),
            (_, n) => format!("{} customers move ({})", count(n), share(moved.share)),
        };
        if moved.customers > 0 {
            if let (Some(amount), Some(part)) = (&moved.amount, moved.amount_share) {
                let currency = diff.before.currency.as_deref();
                let _ = write!(words, ", and with them {} ({})", exact(amount, currency, 2), share(part));
            }
            words.push('.');
        }
        let words = if self.markdown { format!("**{words}**") } else { words };
        let _ = writeln!(self.out, "\n{words}");
    }

    fn spec(&mut self, diff: &Diff) {
        if diff.spec.is_empty() {
            return;
        }
        self.title("What changes in the spec");
        let fence = if self.markdown { "```diff\n" } else { "" };
        self.out.push_str(fence);
        for change in &diff.spec {
            let _ = writeln!(self.out, "  {}", change.part);
            change.removed.iter().for_each(|line| self.out += &format!("-   {line}\n"));
            change.added.iter().for_each(|line| self.out += &format!("+   {line}\n"));
        }
        if self.markdown {
            self.out.push_str("```\n");
        }
    }

    fn rows(&mut self, diff: &Diff) {
        if diff.rows.is_empty() {
            return;
        }
        let currency = diff.before.currency.as_deref();
        let rows = |n: Option<u64>| n.map_or("-".to_owned(), count);
        let amount = |a: &Option<String>| a.as_ref().map_or(String::new(), |a| exact(a, currency, 2));
        let lines = diff.rows.iter().map(|change| {
            vec![
                change.rule.clone(),
                rows(change.rows_before),
                rows(change.rows_after),
                amount(&change.amount_before),
                amount(&change.amount_after),
            ]
        });
        self.title("Rows that are cleaned otherwise");
        self.table(&["rule", "rows before", "after", "amount before", "after"], lines.collect());
    }

    fn cuts(&mut self, diff: &Diff) {
        if diff.cuts.is_empty() {
            return;
        }
        let value = |x: Option<f64>| x.map_or("-".to_owned(), number);
        let lines = diff.cuts.iter().map(|cut| {
            vec![
                format!("{} = {} [{}]", cut.feature, cut.score, cut.unit),
                value(cut.from_before),
                value(cut.from_after),
                count(cut.customers_before),
                count(cut.customers_after),
            ]
        });
        self.title("Cut points that shift");
        self.table(&["score", "from before", "after", "customers before", "after"], lines.collect());
    }

    fn segments(&mut self, diff: &Diff) {
        let (before, after) = (&diff.before, &diff.after);
        let mut labels: Vec<&str> = before.segments.iter().map(|s| s.label.as_str()).collect();
        for segment in &after.segments {
            if !labels.contains(&segment.label.as_str()) {
                labels.push(&segment.label);
            }
        }
        let lines = labels.iter().map(|label| {
            let of = |side: &SideFacts| {
                let segment = side.segments.iter().find(|s| s.label == **label);
                let amount = segment.and_then(|s| s.amount.as_deref()).and_then(approximate);
                let amount = amount.zip(side.currency.as_deref()).map(|(x, code)| money(x, code));
                (segment.map_or("-".to_owned(), |s| count(s.customers)), amount.unwrap_or_default())
            };
            let ((x, a), (y, b)) = (of(before), of(after));
            vec![(*label).to_owned(), x, y, a, b]
        });
        self.title("Segments");
        self.table(&["segment", "customers before", "after", "amount before", "after"], lines.collect());
    }

    fn matrix(&mut self, diff: &Diff) {
        let name = |label: &Option<String>| label.clone().unwrap_or_else(|| "(not a customer)".to_owned());
        let code = diff.before.currency.as_deref().unwrap_or_default();
        let mut lines = vec![];
        for cell in diff.matrix.iter().filter(|cell| cell.from != cell.to) {
            let amount = cell.amount_before.as_deref().or(cell.amount_after.as_deref()).and_then(approximate);
            let causes: Vec<Cause> = {
                let movers = diff.movers.iter().filter(|m| m.from == cell.from && m.to == cell.to);
                let mut causes: Vec<Cause> = movers.map(|m| m.cause).collect();
                causes.sort();
                causes.dedup();
                causes
            };
            let words: Vec<&str> = causes.iter().map(|cause| cause.words()).collect();
            lines.push(vec![
                format!("{} -> {}", name(&cell.from), name(&cell.to)),
                count(cell.customers),
                amount.map_or(String::new(), |x| money(x, code)),
                words.join(", "),
            ]);
        }
        self.title("Moves");
        self.table(&["from -> to", "customers", "amount", "because of"], lines);
    }

    fn movers(&mut self, diff: &Diff) {
        let code = diff.before.currency.as_deref();
        let lines = diff.movers.iter().take(NAMED).map(|mover| {
            let name = |label: &Option<String>| label.clone().unwrap_or_else(|| "(not a customer)".to_owned());
            vec![
                mover.customer.clone(),
                format!("{} -> {}", name(&mover.from), name(&mover.to)),
                mover.amount.as_ref().map_or(String::new(), |a| exact(a, code, 2)),
                mover.why.clone(),
            ]
        });
        let lines: Vec<Vec<String>> = lines.collect();
        let title = match diff.movers.len() {
            n if n > NAMED => format!("Who moves: the {NAMED} largest of {}", count(n as u64)),
            _ => "Who moves".to_owned(),
        };
        self.title(&title);
        self.table(&["customer", "from -> to", "amount", "why"], lines);
    }

    fn title(&mut self, words: &str) {
        let title = if self.markdown { format!("\n#### {words}\n\n") } else { format!("\n{words}\n") };
        self.out.push_str(&title);
    }

    /// The first column and texts to the left, numbers to the right.
    fn table(&mut self, head: &[&str], lines: Vec<Vec<String>>) {
        let right = |column: usize| {
            let numbers = |cell: &String| {
                cell.is_empty()
                    || cell == "-"
                    || cell.starts_with(|c: char| c.is_ascii_digit())
                    || cell.chars().rev().take(2).all(|c| c.is_ascii_digit())
            };
            column > 0
                && lines.iter().all(|line| numbers(&line[column]))
                && lines.iter().any(|line| !line[column].is_empty())
        };
        let shown = |column: usize| column == 0 || lines.iter().any(|line| !line[column].is_empty());
        let columns: Vec<usize> = (0..head.len()).filter(|column| shown(*column)).collect();
        if self.markdown {
            let names: Vec<&str> = columns.iter().map(|c| head[*c]).collect();
            let rules: Vec<&str> = columns.iter().map(|c| if right(*c) { "---:" } else { "---" }).collect();
            let _ = writeln!(self.out, "| {} |\n| {} |", names.join(" | ").replace("->", "→"), rules.join(" | "));
            for line in &lines {
                let cells: Vec<String> = columns.iter().map(|c| escaped(&line[*c].replace(" -> ", " → "))).collect();
                let _ = writeln!(self.out, "| {} |", cells.join(" | "));
            }
            return;
        }
        let widths: Vec<usize> = columns
            .iter()
            .map(|c| lines.iter().map(|line| line[*c].chars().count()).chain([head[*c].len()]).max().unwrap_or(0))
            .collect();
        let mut write = |cells: Vec<&str>| {
            let mut text = String::new();
            for ((column, width), cell) in columns.iter().zip(&widths).zip(cells) {
                let cell: String = cell.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
                text += &match right(*column) {
                    true => format!("  {cell:>width$}"),
                    false => format!("  {cell:<width$}"),
                };
            }
            let _ = writeln!(self.out, "{}", text.trim_end());
        };
        write(columns.iter().map(|c| head[*c]).collect());
        lines.iter().for_each(|line| write(columns.iter().map(|c| line[*c].as_str()).collect()));
    }
}

impl Cause {
    /// As it stands in a table.
    pub fn words(self) -> &'static str {
        match self {
            Cause::Rows => "cleaning",
            Cause::Feature => "other values",
            Cause::CutPoint => "cut points",
            Cause::Cluster => "clusters",
            Cause::Rule => "rules",
        }
    }
}
