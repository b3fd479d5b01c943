//! `segc diff`.

use std::path::PathBuf;

use super::progress::Terminal;
use super::{Exit, Printer, exit_for};
use crate::build::{Built, build};
use crate::compile::compile;
use crate::diagnostics::Diagnostic;
use crate::diff::{self, Limit, Side};
use crate::output;
use crate::syntax::source::SourceMap;
use crate::world::Disk;

#[derive(clap::Args)]
pub struct DiffArgs {
    /// A spec, a spec at a revision of its git repository (`shop.seg@main`), or the manifest of a build
    before: String,
    /// The same, after the change
    after: String,
    /// A folder with data files; may be given several times (also: SEGC_DATA)
    #[arg(long, value_name = "FOLDER")]
    data: Vec<PathBuf>,
    /// Let the specs read files outside their folders and the data folders
    #[arg(long)]
    allow_outside: bool,
    /// A value for a parameter of both specs
    #[arg(long = "param", value_name = "NAME=VALUE")]
    params: Vec<String>,
    /// How to print it
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Exit with 1 when this holds, e.g. `moved_revenue > 2%` or `moved_customers > 0`; may be given several times
    #[arg(long, value_name = "CONDITION")]
    fail_if: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Markdown,
    Json,
}

pub fn run(args: &DiffArgs, printer: &Printer) -> Exit {
    let limits: Result<Vec<Limit>, Vec<Diagnostic>> = args.fail_if.iter().map(|words| Limit::parse(words)).collect();
    let limits = match limits {
        Ok(limits) => limits,
        Err(diagnostics) => return fail(&diagnostics, &SourceMap::default(), printer),
    };
    let variable = std::env::var_os("SEGC_DATA").map(PathBuf::from);
    let disk = Disk { data: args.data.iter().cloned().chain(variable).collect(), allow_outside: args.allow_outside };
    let mut built: Vec<Built> = vec![];
    for name in [&args.before, &args.after] {
        match one(name, &disk, args, printer) {
            Ok(side) => built.push(side),
            Err(exit) => return exit,
        }
    }
    let diff = diff::diff([&args.before, &args.after], &built[0], &built[1]);
    printer.out(&match args.format {
        Format::Json => String::from_utf8_lossy(&output::json(&diff)).into_owned(),
        _ if printer.json => String::from_utf8_lossy(&output::json(&diff)).into_owned(),
        Format::Markdown => diff::markdown(&diff),
        Format::Text => diff::text(&diff),
    });
    let crossed: Vec<&Limit> = limits.iter().filter(|limit| limit.holds(&diff)).collect();
    crossed.iter().for_each(|limit| eprintln!("crossed: {}", limit.words));
    if crossed.is_empty() { Exit::Ok } else { Exit::Findings }
}

/// Builds one side; what is wrong with it is printed under its name.
fn one(name: &str, disk: &Disk, args: &DiffArgs, printer: &Printer) -> Result<Built, Exit> {
    let side = Side::open(name, disk, &args.params).map_err(|found| fail(&found, &SourceMap::default(), printer))?;
    let compiled = compile(side.world.as_ref(), &side.spec, &side.params);
    let trouble = |diagnostics: &[Diagnostic]| {
        if !printer.json {
            eprintln!("{name}:");
        }
        fail(diagnostics, &compiled.sources, printer)
    };
    if compiled.has_errors() {
        return Err(trouble(&compiled.diagnostics));
    }
    let progress = Terminal::new(printer);
    let built = build(side.world.as_ref(), &compiled, &progress);
    progress.clear();
    let built = built.map_err(|diagnostics| trouble(&diagnostics))?;
    if let Some(manifest) = &side.manifest {
        for input in &manifest.inputs {
            let now = built.outcome.inputs.iter().find(|now| now.name == input.name);
            if now.is_none_or(|now| now.sha256 != input.sha256) {
                eprintln!("{name}: `{}` has changed since that build; the diff is over the data of today", input.name);
            }
        }
    }
    Ok(built)
}

fn fail(diagnostics: &[Diagnostic], sources: &SourceMap, printer: &Printer) -> Exit {
    printer.diagnostics(diagnostics, sources);
    exit_for(diagnostics)
}
