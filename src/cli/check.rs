//! `segc check`.

use super::{Exit, Printer, SpecArgs, exit_for};
use crate::diagnostics::{self, Diagnostic, Severity};
use crate::inputs;
use crate::sinks;

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
    found.extend(sinks::check(&world, &compiled, &sinks));
    diagnostics::sort(&mut found);
    printer.diagnostics(&found, &compiled.sources);
    let exit = exit_for(&found);
    if exit == Exit::Ok && args.deny && !found.is_empty() {
        return Exit::Findings;
    }
    if exit == Exit::Ok && !printer.json && !printer.quiet {
        let warnings = match found.len() {
            0 => String::new(),
            1 => ", 1 warning".to_owned(),
            n => format!(", {n} warnings"),
        };
        printer.out(&format!("{}: fine{warnings}\n", args.spec.spec.display()));
        for (pattern, found) in inputs::patterns(&world, &compiled) {
            printer.out(&format!("  {pattern}: {}\n", found.join(", ")));
        }
    }
    exit
}
