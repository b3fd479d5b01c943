//! `segc check`.

use serde_json::{Value, json};

use super::{Exit, Printer, SpecArgs, exit_for};
use crate::check;
use crate::check::rules::{Grid, Rules, budget};
use crate::compile::Compiled;
use crate::diagnostics::{self, Diagnostic, Severity, suggest};
use crate::inputs;
use crate::regions::Understood;
use crate::sinks;
use crate::spec::{Spec, Typed};

#[derive(clap::Args)]
pub struct CheckArgs {
    #[command(flatten)]
    spec: SpecArgs,
    /// Treat warnings as findings: exit with 1 when there are any
    #[arg(long)]
    deny: bool,
    /// Guess nothing about the data: read them, and say how to settle what the spec leaves open
    #[arg(long)]
    strict: bool,
    /// List the pairs of label rules that fit the same customers, where their order decides
    #[arg(long, short = 'v', visible_alias = "verbose")]
    notes: bool,
}

pub fn run(args: &CheckArgs, printer: &Printer) -> Exit {
    let world = args.spec.world();
    let mut compiled = args.spec.compile(&world);
    if args.strict {
        compiled.be_strict();
    }
    let mut found = compiled.diagnostics.clone();
    // Where the data are at hand, the columns are compared with their headers; a spec can be checked without them.
    found.extend(
        inputs::check(&world, &compiled)
            .into_iter()
            .map(|d| if d.code == "SEG0301" { Diagnostic { severity: Severity::Warning, ..d } } else { d }),
    );
    let (sinks, misplaced) = sinks::of_spec(&world, &compiled);
    found.extend(misplaced);
    // A spec can be checked where its databases can't be reached.
    found.extend(
        sinks::check(&world, &compiled, &sinks)
            .into_iter()
            .map(|d| if d.code == "SEG0705" { Diagnostic { severity: Severity::Warning, ..d } } else { d }),
    );
    let listed = args.notes || printer.json;
    let rules = compiled.spec.as_ref().and_then(|spec| Standing::of(spec, &compiled, listed));
    found.extend(rules.iter().flat_map(|rules| rules.overlaps.clone()));
    diagnostics::sort(&mut found);
    printer.diagnostics(&found, &compiled.sources);
    if let (true, Some(rules)) = (printer.json, &rules) {
        printer.out(&format!("{}\n", rules.json()));
    }
    let exit = exit_for(&found);
    let warnings = diagnostics::warnings(&found);
    if exit == Exit::Ok && args.deny && warnings > 0 {
        return Exit::Findings;
    }
    if exit == Exit::Ok && !printer.json && !printer.quiet {
        let warnings = match warnings {
            0 => String::new(),
            1 => ", 1 warning".to_owned(),
            n => format!(", {n} warnings"),
        };
        let rules = rules.map_or(String::new(), |rules| rules.words(args.notes));
        printer.out(&format!(
            "{}: fine{warnings}
{rules}",
            args.spec.spec.display()
        ));
        for (pattern, found) in inputs::patterns(&world, &compiled) {
            printer.out(&format!(
                "  {pattern}: {}
",
                found.join(", ")
            ));
        }
    }
    exit
}

/// How the rules of a label block stand to each other.
struct Standing {
    rules: usize,
    pairs: usize,
    undecided: usize,
    /// A remark for each pair, where they are listed.
    overlaps: Vec<Diagnostic>,
    grid: Option<Grid>,
}

impl Standing {
    fn of(spec: &Spec<Typed>, compiled: &Compiled, listed: bool) -> Option<Standing> {
        let mut budget = budget();
        let rules =
            Rules::of(spec, &compiled.sources, &Understood::new(spec, &compiled.diagnostics), &mut budget)?.ok()?;
        // Where rules have to exclude each other, an overlap is an error that has been told.
        let (overlaps, undecided) = match listed {
            true if !rules.labels.disjoint => check::overlaps(&rules, &mut budget),
            _ => (vec![], 0),
        };
        let (pairs, open) = match listed && !rules.labels.disjoint {
            true => (overlaps.len(), undecided),
            false => rules.count_overlaps(&mut budget),
        };
        let grid = if listed { rules.grid() } else { None };
        Some(Standing { rules: rules.len(), pairs, undecided: open, overlaps, grid })
    }

    fn json(&self) -> Value {
        let cells = self
            .grid
            .as_ref()
            .map(|grid| json!({"of": grid.of, "all": grid.cells, "gaps": grid.gaps, "overlaps": grid.overlaps}));
        json!({"summary": {
            "rules": self.rules, "overlapping_pairs": self.pairs, "undecided_pairs": self.undecided, "cells": cells,
        }})
    }

    fn words(&self, listed: bool) -> String {
        let mut lines = String::new();
        if self.pairs > 0 {
            let how = if listed { "" } else { "; `--notes` lists them" };
            let pairs = if self.pairs == 1 {
                "1 pair of label rules fits"
            } else {
                &format!("{} pairs of label rules fit", self.pairs)
            };
            lines += &format!("{pairs} the same customers, where the first one gives the label{how}\n");
        }
        if self.undecided > 0 {
            lines += &format!("{} pairs of label rules are too much to compare\n", self.undecided);
        }
        if let Some(Grid { of, cells, gaps, overlaps }) = &self.grid {
            let names = suggest::list(of.iter().map(String::as_str));
            lines += &format!("of {cells} cells of {names}, {gaps} fit no rule and {overlaps} fit several\n");
        }
        lines
    }
}
