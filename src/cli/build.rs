//! `segc build`.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Arg, Command};

use super::progress::Terminal;
use super::{Exit, Printer, SpecArgs, exit_for, rejects};
use crate::build::{Built, build_or_refused};
use crate::compile::Compiled;
use crate::database::write;
use crate::diagnostics::Diagnostic;
use crate::inputs;
use crate::list::Order;
use crate::lock::{self, Lock};
use crate::output::{self, Texts};
use crate::report::Templates;
use crate::report::numbers::{count, decimals, exact};
use crate::sinks::{self, Asked, Sink};
use crate::world::Disk;

#[derive(Clone, Copy, clap::ValueEnum)]
enum Mode {
    Replace,
    Append,
}

#[derive(clap::Args)]
pub struct BuildArgs {
    #[command(flatten)]
    spec: SpecArgs,
    /// Where the files go [default: out/NAME]
    #[arg(long, short, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// Write a workbook for Excel too: segments.xlsx
    #[arg(long)]
    xlsx: bool,
    /// Leave texts in CSV files as they are, also those that a spreadsheet would run as formulas
    #[arg(long)]
    raw_csv: bool,
    /// Sort the list of customers by a column, the least first: `silhouette`; or the largest:
    /// `silhouette:desc`
    #[arg(long, value_name = "COLUMN")]
    order: Option<Order>,
    /// A file for the rows that could not be read, also where they are too many for a build
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// A table of a database that takes the list of customers: `sqlite:FILE#TABLE`, or
    /// `postgres:VARIABLE#TABLE` with the environment variable that holds the address; may be given
    /// several times
    #[arg(long, value_name = "SINK", value_parser = AskedParser)]
    to: Vec<Asked>,
    /// Whether the tables of `--to` hold the latest list or the history
    #[arg(long, value_enum, default_value = "replace", requires = "to")]
    mode: Mode,
    /// Write to no database that the spec names
    #[arg(long)]
    no_sinks: bool,
    /// Draw the customers again and again and show for every k which groups come back; takes a while
    #[arg(long)]
    evidence: bool,
    /// A folder with report templates that replace ours
    #[arg(long, value_name = "FOLDER")]
    templates: Option<PathBuf>,
    /// Treat warnings as findings: exit with 1 when there are any
    #[arg(long)]
    deny: bool,
    /// Pin what this build was made of, and what it learned, in a lock beside the spec
    #[arg(long, conflicts_with = "locked")]
    lock: bool,
    /// Build from what the lock pins and from nothing else, or say what differs and write nothing
    #[arg(long)]
    locked: bool,
    /// Guess nothing about the data: what the spec leaves open is an error that says how to settle it
    #[arg(long)]
    strict: bool,
}

pub fn run(args: &BuildArgs, printer: &Printer) -> Exit {
    let world = args.spec.world();
    let mut compiled = args.spec.compile(&world);
    if args.strict {
        compiled.be_strict();
    }
    if args.evidence {
        compiled.collect_evidence();
    }
    if compiled.has_errors() {
        printer.diagnostics(&compiled.diagnostics, &compiled.sources);
        return exit_for(&compiled.diagnostics);
    }
    let templates = match args.templates.as_deref().map_or_else(|| Ok(Templates::embedded()), Templates::from_folder) {
        Ok(templates) => templates,
        Err(error) => {
            let diagnostic = Diagnostic::error("SEG0702", format!("the templates can't be used: {error}"));
            printer.diagnostics(&[diagnostic], &compiled.sources);
            return Exit::Output;
        }
    };
    let lock = match args.lock_before(&world, &compiled, &templates) {
        Ok(lock) => lock,
        Err(diagnostics) => {
            printer.diagnostics(&diagnostics, &compiled.sources);
            return exit_for(&diagnostics);
        }
    };
    let sinks = match args.sinks(&world, &compiled) {
        Ok(sinks) => sinks,
        Err(diagnostics) => {
            printer.diagnostics(&diagnostics, &compiled.sources);
            return exit_for(&diagnostics);
        }
    };
    let progress = Terminal::new(printer);
    let texts = if args.raw_csv { Texts::Raw } else { Texts::Harmless };
    let built = build_or_refused(&world, &compiled, &progress);
    progress.clear();
    let built = match built {
        Ok(built) => built,
        Err(failed) => {
            let diagnostics = rejects::of_failed(failed, args.rejects.as_deref(), texts);
            printer.diagnostics(&diagnostics, &compiled.sources);
            return exit_for(&diagnostics);
        }
    };
    let now = Lock::of(&built, &compiled, &args.spec.params, &templates);
    if let Err(diagnostics) = lock.map_or(Ok(()), |lock| lock.compare(&now)) {
        printer.diagnostics(&diagnostics, &compiled.sources);
        return exit_for(&diagnostics);
    }
    let folder = args.output.clone().unwrap_or_else(|| PathBuf::from("out").join(&built.outcome.name));
    let options =
        output::Options { xlsx: args.xlsx, raw_csv: args.raw_csv, evidence: args.evidence, order: args.order.clone() };
    let written = output::write(&built, &compiled, &args.spec.params, &options, &templates, &folder);
    let build = match written {
        Ok(build) => build,
        Err(diagnostics) => {
            printer.diagnostics(&diagnostics, &compiled.sources);
            return exit_for(&diagnostics);
        }
    };
    if let Err(diagnostics) = rejects::list(args.rejects.as_deref(), &built.sources, texts) {
        printer.diagnostics(&diagnostics, &compiled.sources);
        return Exit::Output;
    }
    if let Err(diagnostics) = args.write_lock(&now) {
        printer.diagnostics(&diagnostics, &compiled.sources);
        return exit_for(&diagnostics);
    }
    if printer.json {
        printer.out(&String::from_utf8_lossy(&output::json(&built.outcome)));
    } else {
        printer.diagnostics(&built.diagnostics, &compiled.sources);
        printer.out(&summary(&built, &folder.join("report.html").display().to_string()));
    }
    // The files are in place: a database that fails takes nothing from them, nor from the other databases.
    let mut failed = vec![];
    for sink in &sinks {
        match sinks::write(&world, sink, &built, &build, write::PATIENCE) {
            Ok(written) if !printer.json => printer.out(&format!("{}\n", sinks::summary(sink, &written))),
            Ok(_) => {}
            Err(diagnostic) => failed.push(*diagnostic),
        }
    }
    if !failed.is_empty() {
        printer.diagnostics(&failed, &compiled.sources);
        return exit_for(&failed);
    }
    if args.deny && !built.diagnostics.is_empty() { Exit::Findings } else { Exit::Ok }
}

/// Reads `--to` without repeating it: what is taken for a sink by mistake may hold a password.
#[derive(Clone)]
struct AskedParser;

impl TypedValueParser for AskedParser {
    type Value = Asked;

    fn parse_ref(&self, command: &Command, _: Option<&Arg>, value: &OsStr) -> Result<Asked, clap::Error> {
        let asked = value.to_str().ok_or("it is not UTF-8 text".to_owned()).and_then(str::parse);
        asked.map_err(|why| {
            command.clone().error(ErrorKind::ValueValidation, format!("`--to` can't be used as it is: {why}"))
        })
    }
}

impl BuildArgs {
    /// The lock to build by, once everything that can be compared before the build is as it says.
    fn lock_before(
        &self,
        world: &Disk,
        compiled: &Compiled,
        templates: &Templates,
    ) -> Result<Option<Lock>, Vec<Diagnostic>> {
        if !self.locked {
            return Ok(None);
        }
        let lock = Lock::read(&lock::path(&self.spec.spec))?;
        let inputs = inputs::digests(world, compiled);
        let found = inputs.as_deref().unwrap_or_default();
        let mut differs = lock.compare_before(compiled, &self.spec.params, templates, found);
        // What is wrong with the files is told along with what else is not as it was.
        if let Err(missing) = inputs {
            differs = Err(differs.err().into_iter().flatten().chain(missing).collect());
        }
        differs.map(|()| Some(lock))
    }

    fn write_lock(&self, lock: &Lock) -> Result<(), Vec<Diagnostic>> {
        if !self.lock {
            return Ok(());
        }
        let path = lock::path(&self.spec.spec);
        output::replace_file(&path, &output::json(lock)).map_err(|error| {
            let diagnostic = Diagnostic::error("SEG0701", format!("`{}` can't be written: {error}", path.display()));
            vec![diagnostic.note("what was there is untouched").help("look at the permissions of the folder")]
        })
    }

    /// The sinks of the spec and of the command line, once nothing speaks against them.
    fn sinks(&self, world: &Disk, compiled: &Compiled) -> Result<Vec<Sink>, Vec<Diagnostic>> {
        let (mut sinks, mut diagnostics) =
            if self.no_sinks { (vec![], vec![]) } else { sinks::of_spec(world, compiled) };
        let mode = match self.mode {
            Mode::Replace => write::Mode::Replace,
            Mode::Append => write::Mode::Append,
        };
        sinks.extend(sinks::asked(&self.to, mode));
        diagnostics.extend(sinks::check(world, compiled, &sinks));
        if diagnostics.is_empty() { Ok(sinks) } else { Err(diagnostics) }
    }
}

/// A line per segment, largest amount first.
fn summary(built: &Built, report: &str) -> String {
    let outcome = &built.outcome;
    let width = outcome.segments.iter().map(|s| s.label.chars().count()).max().unwrap_or(0);
    let places = outcome.segments.iter().filter_map(|s| s.amount.as_deref()).map(decimals).max().unwrap_or(0);
    let mut out = String::new();
    for segment in &outcome.segments {
        out += &format!(
            "{:width$}  {:>9} of {} customers ({:>4.1} %)",
            segment.label,
            count(segment.customers),
            count(outcome.customers),
            100.0 * segment.share
        );
        if let (Some(amount), Some(share)) = (&segment.amount, segment.amount_share) {
            let amount = exact(amount, outcome.currency.as_deref(), places);
            out += &format!("  {amount:>16} ({:>4.1} %)", 100.0 * share);
        }
        out.push('\n');
    }
    out + &format!("report: {report}\n")
}
