//! A diff for people: on a terminal, and as Markdown for a pull request. Both show the same things in the same order.

use std::fmt::Write;

use super::{Diff, words};
use crate::report::escaped_markdown as escaped;
use crate::report::numbers::count;

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
        let verdict = words::verdict(diff).join(" ");
        let verdict = if self.markdown { format!("**{verdict}**") } else { verdict };
        let _ = writeln!(self.out, "\n{verdict}");
        self.spec(diff);
        self.titled("Rows that are cleaned otherwise", &words::ROWS, words::rows(diff));
        self.titled("Cut points that shift", &words::CUTS, words::cuts(diff));
        self.titled("Clusters that have most customers in common", &words::CLUSTERS, words::clusters(diff));
        if !diff.movers.is_empty() {
            self.titled("Segments", &words::SEGMENTS, words::segments(diff));
            self.titled("Moves", &words::MOVES, words::moves(diff));
            let title = match diff.movers.len() {
                n if n > NAMED => format!("Who moves: the {NAMED} largest of {}", count(n as u64)),
                _ => "Who moves".to_owned(),
            };
            self.titled(&title, &words::MOVERS, words::movers(diff, NAMED));
        }
    }

    fn spec(&mut self, diff: &Diff) {
        if diff.spec.is_empty() {
            return;
        }
        self.title("What changes in the spec");
        for sentence in words::sentences(&diff.meaning) {
            let _ = writeln!(self.out, "{}", if self.markdown { escaped(&sentence) } else { plain(&sentence) });
        }
        self.out.push_str(if self.markdown { "\n```diff\n" } else { "\n" });
        for change in &diff.spec {
            let _ = writeln!(self.out, "  {}", change.part);
            change.removed.iter().for_each(|line| self.out += &format!("-   {}\n", plain(line)));
            change.added.iter().for_each(|line| self.out += &format!("+   {}\n", plain(line)));
        }
        if self.markdown {
            self.out.push_str("```\n");
        }
        let regions = words::regions(&diff.meaning);
        self.titled("Whom the rules treat otherwise, whatever the data are", &words::REGIONS, regions);
    }

    /// Nothing for a table without lines.
    fn titled(&mut self, title: &str, head: &[&str], lines: Vec<Vec<String>>) {
        if !lines.is_empty() {
            self.title(title);
            self.table(head, lines);
        }
    }

    fn title(&mut self, words: &str) {
        let title = if self.markdown { format!("\n#### {words}\n\n") } else { format!("\n{words}\n") };
        self.out.push_str(&title);
    }

    /// The first column and texts to the left, numbers to the right.
    fn table(&mut self, head: &[&str], lines: Vec<Vec<String>>) {
        let right = |column: usize| words::is_numeric(&lines, column);
        let columns = words::shown(&lines, head.len());
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
                let cell = plain(cell);
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

/// Data and specs may hold control characters; a terminal must not obey them.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
