//! `segc test`.

use std::path::Path;

use serde_json::json;

use super::progress::Terminal;
use super::{Exit, Printer, SpecArgs, exit_for, suite};
use crate::build::{Built, build_for_tests};
use crate::diagnostics::Diagnostic;
use crate::output::replace_file;
use crate::snapshot;
use crate::testing;

#[derive(clap::Args)]
pub struct TestArgs {
    #[command(flatten)]
    pub(super) spec: SpecArgs,
    /// Write the snapshot of the result beside the spec, or rewrite it
    #[arg(long)]
    update: bool,
    /// Say which label rules, and which sides of their comparisons, no test touches; reads no data
    #[arg(long, conflicts_with = "update")]
    pub(super) coverage: bool,
    /// Change each comparison and constant of the label rules by one step, and list the changes that no test notices;
    /// exit with 1 when there are any
    #[arg(long, conflicts_with = "update")]
    pub(super) mutants: bool,
    /// Write tests that notice them
    #[arg(long, conflicts_with = "update")]
    pub(super) suggest: bool,
    /// Add these tests to the spec instead of printing them
    #[arg(long, requires = "suggest")]
    pub(super) append: bool,
}

pub fn run(args: &TestArgs, printer: &Printer) -> Exit {
    let world = args.spec.world();
    let compiled = args.spec.compile(&world);
    let Some(plan) = &compiled.plan else {
        printer.diagnostics(&compiled.diagnostics, &compiled.sources);
        return exit_for(&compiled.diagnostics);
    };
    if args.coverage || args.mutants || args.suggest {
        return suite::run(args, &world, &compiled, printer);
    }
    let path = snapshot::path(&args.spec.spec);
    // A snapshot is that of the spec as it stands: values from the command line make another result.
    let as_written = args.spec.params.is_empty();
    if args.update && !as_written {
        let diagnostic = Diagnostic::error("SEG0630", "a snapshot is made with the parameters of the spec")
            .note("`--param` and `--update` don't go together")
            .help("leave out `--param`, or change the default in the spec");
        printer.diagnostics(&[diagnostic], &compiled.sources);
        return Exit::Spec;
    }
    let compares = args.update || (as_written && path.exists());
    let built = if compares || testing::needs_build(plan) {
        let progress = Terminal::new(printer);
        let built = build_for_tests(&world, &compiled, &progress);
        progress.clear();
        match built {
            Ok(built) => Some(built),
            Err(diagnostics) => {
                printer.diagnostics(&diagnostics, &compiled.sources);
                return exit_for(&diagnostics);
            }
        }
    } else {
        None
    };
    let results = testing::run(plan, built.as_ref(), &|check| compiled.sources.one_line(check.span));
    let failed = results.iter().filter(|r| !r.failures.is_empty()).count();
    for result in &results {
        if printer.json {
            let passed = result.failures.is_empty();
            let mut line = json!({"test": result.name, "passed": passed, "failures": result.failures});
            if !result.expectations.is_empty() {
                line["expectations"] = json!(result.expectations);
            }
            printer.out(&format!("{line}\n"));
        } else if result.failures.is_empty() {
            printer.out(&format!("ok      {}\n", result.name));
        } else {
            printer.out(&format!("FAILED  {}\n", result.name));
            let lines = result.failures.iter().flat_map(|failure| failure.lines());
            lines.for_each(|line| printer.out(&format!("        {line}\n")));
        }
    }
    let kept = match &built {
        Some(built) if compares => match against(&path, built, args.update, printer) {
            Ok(kept) => kept,
            Err(diagnostics) => {
                printer.diagnostics(&diagnostics, &compiled.sources);
                return exit_for(&diagnostics);
            }
        },
        _ => true,
    };
    if !printer.json {
        let snapshot = match (compares, kept) {
            (false, _) => "",
            (true, true) => ", snapshot fits",
            (true, false) => ", snapshot differs",
        };
        printer.out(&format!("{} passed, {failed} failed{snapshot}\n", results.len() - failed));
    }
    if failed > 0 || !kept { Exit::Findings } else { Exit::Ok }
}

/// Compares the result with the snapshot, or writes it; whether they are the same now.
fn against(path: &Path, built: &Built, update: bool, printer: &Printer) -> Result<bool, Vec<Diagnostic>> {
    let found = snapshot::render(built);
    let name = path.display().to_string();
    let say = |state: &str, diff: &str| {
        if printer.json {
            printer.out(&format!("{}\n", json!({"snapshot": name, "state": state, "diff": diff})));
        } else if state == "differs" {
            printer.out(&format!("DIFFERS {name}\n{diff}"));
            printer.out("see whom it moves with `segc diff`, accept it with `segc test --update`\n");
        } else {
            printer.out(&format!("{state:7} {name}\n"));
        }
    };
    if update {
        replace_file(path, found.as_bytes()).map_err(|error| {
            let diagnostic = Diagnostic::error("SEG0701", format!("`{name}` can't be written: {error}"));
            vec![diagnostic.note("what was there is untouched").help("look at the permissions of the folder")]
        })?;
        say("written", "");
        return Ok(true);
    }
    let kept = std::fs::read_to_string(path).map_err(|error| snapshot::unreadable(&name, &error.to_string()))?;
    let diff = snapshot::compare(&name, &kept, &found)?;
    say(if diff.is_none() { "ok" } else { "differs" }, diff.as_deref().unwrap_or_default());
    Ok(diff.is_none())
}
