//! `segc test`.

use serde_json::json;

use super::progress::Terminal;
use super::{Exit, Printer, SpecArgs, exit_for};
use crate::build::build;
use crate::testing;

#[derive(clap::Args)]
pub struct TestArgs {
    #[command(flatten)]
    spec: SpecArgs,
}

pub fn run(args: &TestArgs, printer: &Printer) -> Exit {
    let world = args.spec.world();
    let compiled = args.spec.compile(&world);
    let Some(plan) = &compiled.plan else {
        printer.diagnostics(&compiled.diagnostics, &compiled.sources);
        return exit_for(&compiled.diagnostics);
    };
    let outcome = if testing::needs_build(plan) {
        let progress = Terminal::new(printer);
        let built = build(&world, &compiled, &progress);
        progress.clear();
        match built {
            Ok(built) => Some(built.outcome),
            Err(diagnostics) => {
                printer.diagnostics(&diagnostics, &compiled.sources);
                return exit_for(&diagnostics);
            }
        }
    } else {
        None
    };
    let results = testing::run(plan, outcome.as_ref(), &|check| compiled.sources.one_line(check.span));
    let failed = results.iter().filter(|r| !r.failures.is_empty()).count();
    for result in &results {
        if printer.json {
            let passed = result.failures.is_empty();
            printer.out(&format!("{}\n", json!({"test": result.name, "passed": passed, "failures": result.failures})));
        } else if result.failures.is_empty() {
            printer.out(&format!("ok      {}\n", result.name));
        } else {
            printer.out(&format!("FAILED  {}\n", result.name));
            result.failures.iter().for_each(|failure| printer.out(&format!("        {failure}\n")));
        }
    }
    if !printer.json {
        printer.out(&format!("{} passed, {failed} failed\n", results.len() - failed));
    }
    if failed > 0 { Exit::Findings } else { Exit::Ok }
}
