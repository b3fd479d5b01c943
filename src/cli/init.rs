//! `segc init`.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::profile::{format, today};
use super::progress::Terminal;
use super::{Exit, Printer, data_folders, exit_for};
use crate::diagnostics::Diagnostic;
use crate::init::{self, Drafted, Request, place, slug};
use crate::profile::text::{cut, visible};
use crate::profile::{Role, roles};
use crate::report::numbers::{count, counted};
use crate::syntax::source::SourceMap;
use crate::world::Disk;

#[derive(clap::Args)]
pub struct InitArgs {
    /// Purchases: CSV, workbooks and their relatives; several files with the same columns are one table
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Where the spec goes, `-` for stdout [default: NAME.seg in this folder]
    #[arg(long, short, value_name = "SPEC")]
    output: Option<PathBuf>,
    /// Print the spec and write nothing
    #[arg(long, conflicts_with = "output")]
    stdout: bool,
    /// Write over a spec that is there already
    #[arg(long)]
    force: bool,
    /// What a column is, where segc takes another one or none: `customer="Acct no"`, or by number from 1; may be given
    /// several times
    #[arg(long, value_name = "ROLE=HEADER", value_parser = parse_role)]
    column: Vec<(Role, String)>,
    /// A sheet of a workbook, by name or number, or `all` [default: the first that is not hidden]
    #[arg(long)]
    sheet: Option<String>,
    /// A table of a SQLite file [default: the only one]
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
}

pub fn run(args: &InitArgs, printer: &Printer) -> Exit {
    let fail = |found: &[Diagnostic]| {
        printer.diagnostics(found, &SourceMap::default());
        exit_for(found)
    };
    let printed = args.stdout || args.output.as_deref() == Some(Path::new("-"));
    let stem = args.files[0].file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned());
    let name = slug(without_endings(&stem), "customers");
    let spec = match &args.output {
        Some(path) if !printed => path.clone(),
        _ => PathBuf::from(format!("{name}.seg")),
    };
    if let (false, Some(obstacle)) = (printed, place::obstacle(&spec, &args.files, args.force)) {
        return fail(&[obstacle]);
    }
    let (files, folders) = match place::named(&spec, &args.files) {
        Ok(named) => named,
        Err(found) => return fail(&[*found]),
    };
    let request = Request {
        spec: spec.clone(),
        name,
        files,
        format: format(args.sheet.as_deref(), args.table.as_deref()),
        roles: args.column.clone(),
        today: today(),
    };
    let world = Disk { data: folders.clone(), allow_outside: false };
    let progress = Terminal::new(printer);
    let drafted = init::init(&world, &request, &progress);
    progress.clear();
    let drafted = match drafted {
        Ok(drafted) => drafted,
        Err(found) => return fail(&found),
    };
    if !printed && let Err(found) = place::write(&spec, drafted.text.as_bytes(), args.force) {
        return fail(&[*found]);
    }
    let name = spec.display().to_string();
    match (printer.json, printed) {
        (true, _) => {
            let mut json = json!(drafted);
            json["spec"] = if printed { json!(null) } else { json!(name) };
            printer.out(&format!("{json:#}\n"));
        }
        (false, true) => {
            printer.out(&drafted.text);
            if !printer.quiet {
                eprint!("{}", told(&drafted, &args.files));
            }
        }
        (false, false) => {
            let written = if printer.quiet { String::new() } else { told(&drafted, &args.files) };
            printer.out(&format!("{written}wrote {name}; next: segc build {}{}\n", shell(&name), options(&folders)));
        }
    }
    Exit::Ok
}

/// `orders.csv.gz` is about orders.
fn without_endings(name: &str) -> &str {
    const ENDINGS: [&str; 14] = [
        ".gz", ".zst", ".csv", ".tsv", ".txt", ".tab", ".xlsx", ".xlsb", ".xls", ".ods", ".xlsm", ".parquet", ".db",
        ".sqlite",
    ];
    let lower = name.to_lowercase();
    let ending = ENDINGS.into_iter().find(|ending| lower.ends_with(ending) && lower.len() > ending.len());
    match ending.and_then(|ending| name.get(..name.len() - ending.len())) {
        Some(rest) => without_endings(rest),
        None => name,
    }
}

/// What was recognised and why, and what becomes of the rows.
fn told(drafted: &Drafted, files: &[PathBuf]) -> String {
    let files: Vec<String> = files.iter().map(|file| visible(&file.display().to_string())).collect();
    let mut out = format!("{}\n", files.join(", "));
    let header = drafted.columns.iter().map(|c| c.header.chars().count()).max().unwrap_or(0).min(30);
    for column in &drafted.columns {
        let from = cut(&column.header, header);
        let why = cut(&visible(&column.why), 110);
        out += &format!("  {:<9} {:<8}  {from:header$}  {why}\n", column.name, column.kind);
    }
    if !drafted.left.is_empty() {
        let left: Vec<String> = drafted.left.iter().take(12).map(|header| cut(header, 30)).collect();
        let more = drafted.left.len() - left.len();
        let more = if more == 0 { String::new() } else { format!(" and {}", counted(more as u64, "other", "others")) };
        out += &format!("  not used: {}{more}\n", left.join(", "));
    }
    let rows = &drafted.rows;
    out += &format!(
        "{} of {} count, from {}\n",
        count(rows.used),
        counted(rows.read, "row", "rows"),
        counted(drafted.customers, "customer", "customers")
    );
    let width = rows.dropped.iter().map(|(_, rows)| count(*rows).len()).max().unwrap_or(0).max(7);
    if rows.refused > 0 {
        out += &format!("  {:>width$}  can't be read\n", count(rows.refused));
    }
    for (rule, rows) in &rows.dropped {
        out += &format!("  {:>width$}  {}\n", count(*rows), visible(rule));
    }
    for guess in &drafted.guesses {
        out += &format!("guess: {}\n", visible(guess));
    }
    for warning in &drafted.warnings {
        out += &format!("warning: {}\n", visible(warning));
    }
    out
}

/// `--data` for folders that are not known anyway.
fn options(folders: &[PathBuf]) -> String {
    let known: Vec<PathBuf> = data_folders(&[]).iter().filter_map(|folder| folder.canonicalize().ok()).collect();
    let unknown = folders.iter().filter(|folder| !folder.canonicalize().is_ok_and(|folder| known.contains(&folder)));
    unknown.map(|folder| format!(" --data {}", shell(&folder.display().to_string()))).collect()
}

/// A word as a shell takes it.
fn shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn parse_role(text: &str) -> Result<(Role, String), String> {
    let known = || roles::ALL.map(Role::word).join(", ");
    let (role, header) = text.split_once('=').ok_or("write it as ROLE=HEADER, for example `customer=\"Acct no\"`")?;
    let role = roles::ALL.into_iter().find(|known| known.word() == role.trim());
    role.map(|role| (role, header.to_owned())).ok_or_else(|| format!("a role is one of {}", known()))
}
