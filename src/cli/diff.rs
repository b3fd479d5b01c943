//! `segc diff`.

use std::path::PathBuf;

use super::progress::Terminal;
use super::{Exit, Printer, exit_for};
use crate::build::{Built, build};
use crate::compile::{Compiled, compile};
use crate::diagnostics::Diagnostic;
use crate::diff::{self, Limit, Part, Side};
use crate::output;
use crate::report::{self, Templates};
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
    /// A folder with templates that replace ours, for `--format html`
    #[arg(long, value_name = "FOLDER")]
    templates: Option<PathBuf>,
    /// Exit with 1 when this holds, e.g. `moved_revenue > 2%` or `moved_customers > 0`; may be given several times
    #[arg(long, value_name = "CONDITION")]
    fail_if: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Markdown,
    Html,
    Json,
}

pub fn run(args: &DiffArgs, printer: &Printer) -> Exit {
    let limits: Result<Vec<Limit>, Vec<Diagnostic>> = args.fail_if.iter().map(|words| Limit::parse(words)).collect();
    let limits = match limits {
        Ok(limits) => limits,
        Err(diagnostics) => return fail(&diagnostics, &SourceMap::default(), printer),
    };
    let templates = match args.templates.as_deref().map_or_else(|| Ok(Templates::embedded()), Templates::from_folder) {
        Ok(templates) => templates,
        Err(error) => return unusable(&error, printer),
    };
    let variable = std::env::var_os("SEGC_DATA").map(PathBuf::from);
    let disk = Disk { data: args.data.iter().cloned().chain(variable).collect(), allow_outside: args.allow_outside };
    let mut sides: Vec<(Side, Compiled)> = vec![];
    for name in [&args.before, &args.after] {
        match spec(name, &disk, args, printer) {
            Ok(side) => sides.push(side),
            Err(exit) => return exit,
        }
    }
    let mut built: Vec<Built> = vec![];
    for (side, compiled) in &sides {
        match data(side, compiled, printer) {
            Ok(side) => built.push(side),
            Err(exit) => return exit,
        }
    }
    let part = |nth: usize| Part { name: &sides[nth].0.name, compiled: &sides[nth].1, built: &built[nth] };
    let diff = diff::diff(part(0), part(1));
    let json = || String::from_utf8_lossy(&output::json(&diff)).into_owned();
    printer.out(&match args.format {
        Format::Json => json(),
        _ if printer.json => json(),
        Format::Markdown => diff::markdown(&diff),
        Format::Html => match report::diff_html(&diff, &templates) {
            Ok(page) => page,
            Err(error) => return unusable(&error, printer),
        },
        Format::Text => diff::text(&diff),
    });
    let crossed: Vec<&Limit> = limits.iter().filter(|limit| limit.holds(&diff)).collect();
    crossed.iter().for_each(|limit| eprintln!("crossed: {}", limit.words));
    if crossed.is_empty() { Exit::Ok } else { Exit::Findings }
}

/// The spec of one side; what is wrong with it is printed under its name.
fn spec(name: &str, disk: &Disk, args: &DiffArgs, printer: &Printer) -> Result<(Side, Compiled), Exit> {
    let side = Side::open(name, disk, &args.params).map_err(|found| fail(&found, &SourceMap::default(), printer))?;
    let compiled = compile(side.world.as_ref(), &side.spec, &side.params);
    if compiled.has_errors() {
        return Err(fail_under(name, &compiled.diagnostics, &compiled.sources, printer));
    }
    Ok((side, compiled))
}

/// The build of one side.
fn data(side: &Side, compiled: &Compiled, printer: &Printer) -> Result<Built, Exit> {
    let name = &side.name;
    let progress = Terminal::new(printer);
    let built = build(side.world.as_ref(), compiled, &progress);
    progress.clear();
    let built = built.map_err(|found| fail_under(name, &found, &compiled.sources, printer))?;
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

fn fail_under(name: &str, diagnostics: &[Diagnostic], sources: &SourceMap, printer: &Printer) -> Exit {
    if !printer.json {
        eprintln!("{name}:");
    }
    fail(diagnostics, sources, printer)
}

fn unusable(error: &report::ReportError, printer: &Printer) -> Exit {
    let diagnostic = Diagnostic::error("SEG0702", format!("the templates can't be used: {error}"));
    fail(&[diagnostic], &SourceMap::default(), printer)
}

fn fail(diagnostics: &[Diagnostic], sources: &SourceMap, printer: &Printer) -> Exit {
    printer.diagnostics(diagnostics, sources);
    exit_for(diagnostics)
}
