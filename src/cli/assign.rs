//! `segc assign`.

use std::path::{Path, PathBuf};

use super::progress::Terminal;
use super::{Exit, Printer, data_folders, exit_for, rejects, write_file};
use crate::assign::{self, Assigned, Assigner, Found, Unusable};
use crate::build::{Failed, SourceRead};
use crate::diagnostics::Diagnostic;
use crate::ingest::InputFile;
use crate::inputs::Instead;
use crate::output::Texts;
use crate::plan::Grain;
use crate::report::numbers::count;
use crate::syntax::source::SourceMap;
use crate::time::{iso, moment};
use crate::world::Disk;

#[derive(clap::Args)]
pub struct AssignArgs {
    /// New rows, laid out as the source of the spec, or customers with their features, one row each
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// The model, which `segc build` writes
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// Where the list goes; without it, to stdout
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The moment from which to look back, e.g. `2024-12-31`, instead of the one that the spec computes from the rows
    #[arg(long, value_name = "MOMENT", value_parser = parse_moment)]
    as_of: Option<i64>,
    /// A file for another source of the spec; may be given several times
    #[arg(long, value_name = "NAME=FILE", value_parser = parse_source)]
    source: Vec<(String, String)>,
    /// A file for the rows that could not be read, also where they are too many
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// A folder with data files; may be given several times (also: SEGC_DATA)
    #[arg(long, value_name = "FOLDER")]
    data: Vec<PathBuf>,
    /// Leave texts in CSV files as they are, also those that a spreadsheet would run as formulas
    #[arg(long)]
    raw_csv: bool,
    /// Treat warnings as findings: exit with 1 when there are any
    #[arg(long)]
    deny: bool,
}

pub fn run(args: &AssignArgs, printer: &Printer) -> Exit {
    let assigner = match open(&args.model) {
        Ok(assigner) => assigner,
        Err(Unusable { diagnostics, sources }) => {
            printer.diagnostics(&diagnostics, &sources);
            return exit_for(&diagnostics);
        }
    };
    let world = Disk { data: data_folders(&args.data), allow_outside: false };
    let progress = Terminal::new(printer);
    let texts = if args.raw_csv { Texts::Raw } else { Texts::Harmless };
    let result = located(args, &world).map_err(Failed::from).and_then(|(files, instead)| {
        let Found { rows, sources, diagnostics } = assign::read(&world, &assigner, files, instead, &progress)?;
        match assign::assign(&assigner, rows, &sources, args.as_of) {
            Ok(assigned) => Ok((assigned, sources, diagnostics)),
            Err(found) => Err(Failed { diagnostics: diagnostics.into_iter().chain(found).collect(), sources }),
        }
    });
    progress.clear();
    let show = |found: &[Diagnostic]| printer.diagnostics(found, &assigner.compiled.sources);
    let (assigned, sources, mut diagnostics) = match result {
        Ok(done) => done,
        Err(failed) => {
            let diagnostics = rejects::of_failed(failed, args.rejects.as_deref(), texts);
            show(&diagnostics);
            return exit_for(&diagnostics);
        }
    };
    diagnostics.extend(assigned.diagnostics.iter().cloned());
    let list = if printer.json { assigned.json_lines() } else { assigned.csv(texts) };
    let written = args.output.as_deref().map_or(Ok(()), |path| write_file(path, &list));
    if let Err(found) = written.and_then(|()| rejects::list(args.rejects.as_deref(), &sources, texts)) {
        show(&found);
        return Exit::Output;
    }
    show(&diagnostics);
    let summary = summary(args, &assigned, &sources);
    match (&args.output, printer.quiet) {
        (None, _) => {
            printer.out(&String::from_utf8_lossy(&list));
            if !printer.quiet && !printer.json {
                eprint!("{summary}");
            }
        }
        (Some(_), false) if !printer.json => printer.out(&summary),
        _ => {}
    }
    if args.deny && !diagnostics.is_empty() { Exit::Findings } else { Exit::Ok }
}

fn open(path: &Path) -> Result<Assigner, Unusable> {
    let bytes = std::fs::read(path).map_err(|error| {
        let text = format!("the model `{}` can't be read: {error}", path.display());
        let found = Diagnostic::error("SEG0355", text)
            .help("name the `model.json` that `segc build` writes, for example `--model out/shop/model.json`");
        Unusable { diagnostics: vec![found], sources: SourceMap::default() }
    })?;
    Assigner::open(&bytes)
}

fn located(args: &AssignArgs, world: &Disk) -> Result<(Vec<InputFile>, Instead), Vec<Diagnostic>> {
    let (mut files, mut instead, mut diagnostics) = (vec![], Instead::new(), vec![]);
    for name in &args.files {
        match assign::locate(world, name) {
            Ok(file) => files.push(file),
            Err(found) => diagnostics.push(*found),
        }
    }
    for (source, name) in &args.source {
        match assign::locate(world, name) {
            Ok(file) => instead.entry(source.clone()).or_default().push(file),
            Err(found) => diagnostics.push(*found),
        }
    }
    if diagnostics.is_empty() { Ok((files, instead)) } else { Err(diagnostics) }
}

/// What was read, from when it was looked at, and how many customers each segment got.
fn summary(args: &AssignArgs, assigned: &Assigned, sources: &[SourceRead]) -> String {
    let placed = &assigned.placed;
    let what = match &placed.ledger {
        Some(ledger) => {
            let dropped =
                ledger.dropped.iter().filter(|d| d.rows > 0).map(|d| format!(", {} {}", d.rule, count(d.rows)));
            let refused = (ledger.refused > 0).then(|| format!(", unreadable {}", count(ledger.refused)));
            let gone: String = dropped.chain(refused).collect();
            let rows = match assigned.assigner.plan.grain {
                Grain::Purchases { .. } => "purchases",
                Grain::Customers => "customers",
            };
            format!("{rows}: {} rows read, {} used{gone}", count(ledger.read), count(ledger.used))
        }
        None => {
            let read: u64 = sources.iter().flat_map(|s| &s.files).map(|f| f.rows).sum();
            format!("measured customers: {} rows read, {} used", count(read), count(placed.placements.len() as u64))
        }
    };
    let mut out = format!("{}: {what}\n", args.files.join(", "));
    if let Some(as_of) = placed.as_of {
        let by = match args.as_of {
            Some(_) => "as stated".to_owned(),
            None => {
                let as_of = assigned.assigner.compiled.spec.as_ref().and_then(|spec| spec.as_of.as_ref());
                let words = as_of
                    .map(|as_of| as_of.span)
                    .map_or(String::new(), |span| assigned.assigner.compiled.sources.one_line(span));
                format!("by the spec: {words}")
            }
        };
        out += &format!("as of {}, {by}\n", iso(as_of));
    }
    let sizes = assigned.sizes();
    let total = placed.placements.len() as u64;
    let name = |label: &Option<String>| label.clone().unwrap_or_else(|| "(no segment)".to_owned());
    let width = sizes.iter().map(|(label, _)| name(label).chars().count()).max().unwrap_or(0);
    for (label, customers) in &sizes {
        let share = 100.0 * *customers as f64 / total.max(1) as f64;
        let (n, all) = (count(*customers), count(total));
        out += &format!("{:width$}  {n:>9} of {all} customers ({share:>4.1} %)\n", name(label));
    }
    let outside = assigned.outside.iter().filter(|found| !found.is_empty()).count() as u64;
    if outside > 0 {
        let plural = if outside == 1 { "" } else { "s" };
        out += &format!("outside what the model saw: {} customer{plural}\n", count(outside));
    }
    out
}

fn parse_moment(text: &str) -> Result<i64, String> {
    let moment = moment(text.trim_start_matches('@')).ok_or("write for example 2024-12-31 or 2024-12-31T18:30")?;
    Ok(moment.0)
}

fn parse_source(text: &str) -> Result<(String, String), String> {
    let (name, file) = text.split_once('=').ok_or("write for example customers=customers.csv")?;
    Ok((name.trim().to_owned(), file.to_owned()))
}
