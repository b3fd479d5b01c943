//! `segc profile`.

use std::path::PathBuf;
use std::time::SystemTime;

use super::progress::Terminal;
use super::{Exit, Printer, exit_for};
use crate::ingest::{Format, InputFile, Sheet, Sheets};
use crate::profile::{Options, profile, text, trouble};
use crate::syntax::source::SourceMap;

#[derive(clap::Args)]
pub struct ProfileArgs {
    /// Files with rows: CSV, workbooks, Parquet, SQLite and their relatives
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A sheet of a workbook, by name or number, or `all` [default: the first that is not hidden]
    #[arg(long)]
    sheet: Option<String>,
    /// A table of a SQLite file [default: the only one]
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
}

pub fn run(args: &ProfileArgs, printer: &Printer) -> Exit {
    let mut worst = Exit::Ok;
    for (nth, path) in args.files.iter().enumerate() {
        let file = InputFile { name: path.display().to_string(), path: path.clone() };
        let format = format(args.sheet.as_deref(), args.table.as_deref());
        let options = Options { format, today: today(), roles: Vec::new() };
        let progress = Terminal::new(printer);
        let found = profile(&file, &options, &progress);
        progress.clear();
        match found {
            Ok(profile) if printer.json => {
                let json = serde_json::to_string_pretty(&profile).expect("plain data can be written as JSON");
                printer.out(&format!("{json}\n"));
            }
            Ok(profile) => {
                let gap = if nth == 0 { "" } else { "\n" };
                printer.out(&format!("{gap}{}", text::render(&profile)));
            }
            Err(error) => {
                let diagnostic = trouble::diagnostic(&error, &file);
                let exit = exit_for(std::slice::from_ref(&diagnostic));
                printer.diagnostics(&[diagnostic], &SourceMap::default());
                worst = if worst == Exit::Ok { exit } else { worst };
            }
        }
    }
    worst
}

/// What the command line says of the file.
pub(super) fn format(sheet: Option<&str>, table: Option<&str>) -> Format {
    let sheets = match sheet {
        None => Sheets::Unstated,
        Some("all") => Sheets::All,
        Some(sheet) => Sheets::These(vec![match sheet.parse() {
            Ok(number) => Sheet::Number(number),
            Err(_) => Sheet::Name(sheet.to_owned()),
        }]),
    };
    Format { sheets, table: table.map(str::to_owned), ..Format::default() }
}

/// The clock of this machine; a result that depends on it says so.
pub(super) fn today() -> Option<i64> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(now.as_micros()).ok()
}
