//! `segc why`.

use std::path::PathBuf;

use serde_json::json;

use super::progress::Terminal;
use super::{Exit, Printer, data_folders, exit_for};
use crate::build::{Built, build};
use crate::compile::{Compiled, compile};
use crate::diagnostics::Diagnostic;
use crate::diff::Side;
use crate::output;
use crate::syntax::source::SourceMap;
use crate::why::{self, Dropped, Why};
use crate::world::Disk;

#[derive(clap::Args)]
pub struct WhyArgs {
    /// A spec, a spec at a revision of its git repository (`shop.seg@main`), or the manifest of a build
    spec: String,
    /// The customer, as the list of customers has it
    customer: String,
    /// A folder with data files; may be given several times (also: SEGC_DATA)
    #[arg(long, value_name = "FOLDER")]
    data: Vec<PathBuf>,
    /// Let the spec read files outside its folder and the data folders
    #[arg(long)]
    allow_outside: bool,
    /// A value for a parameter of the spec, e.g. `horizon=90 days`
    #[arg(long = "param", value_name = "NAME=VALUE")]
    params: Vec<String>,
}

/// What is told.
enum Answer {
    Why(Box<Why>),
    Dropped(Dropped),
}

pub fn run(args: &WhyArgs, printer: &Printer) -> Exit {
    let disk = Disk { data: data_folders(&args.data), allow_outside: args.allow_outside };
    let side = match Side::open(&args.spec, &disk, &args.params) {
        Ok(side) => side,
        Err(found) => return fail(&found, &SourceMap::default(), printer),
    };
    let compiled = compile(side.world.as_ref(), &side.spec, &side.params);
    if compiled.has_errors() {
        return fail(&compiled.diagnostics, &compiled.sources, printer);
    }
    let progress = Terminal::new(printer);
    let built = build(side.world.as_ref(), &compiled, &progress);
    let answer = built.and_then(|built| answer(args, &side, &compiled, &built, &progress));
    progress.clear();
    match answer {
        Ok(Answer::Why(why)) if printer.json => printer.out(&String::from_utf8_lossy(&output::json(&why))),
        Ok(Answer::Why(why)) => printer.out(&why::text(&why)),
        Ok(Answer::Dropped(dropped)) if printer.json => {
            let rows = dropped.rows.iter().map(|(rule, rows)| json!({"rule": rule, "rows": rows}));
            let rows: Vec<_> = rows.collect();
            let answer = json!({"schema": why::SCHEMA, "customer": dropped.customer, "segment": null, "rows": rows});
            printer.out(&String::from_utf8_lossy(&output::json(&answer)));
        }
        Ok(Answer::Dropped(dropped)) => printer.out(&why::without_segment(&dropped)),
        Err(found) => return fail(&found, &compiled.sources, printer),
    }
    Exit::Ok
}

fn answer(
    args: &WhyArgs,
    side: &Side,
    compiled: &Compiled,
    built: &Built,
    progress: &Terminal,
) -> Result<Answer, Vec<Diagnostic>> {
    match why::why(compiled, built, &args.customer) {
        Ok(Some(why)) => Ok(Answer::Why(Box::new(why))),
        Ok(None) => why::dropped(side.world.as_ref(), compiled, built, &args.customer, progress).map(Answer::Dropped),
        Err(diagnostic) => Err(vec![*diagnostic]),
    }
}

fn fail(diagnostics: &[Diagnostic], sources: &SourceMap, printer: &Printer) -> Exit {
    printer.diagnostics(diagnostics, sources);
    exit_for(diagnostics)
}
