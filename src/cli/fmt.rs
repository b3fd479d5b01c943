//! `segc fmt`.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::{Exit, Printer, exit_for};
use crate::diagnostics::Diagnostic;
use crate::output::replace_file;
use crate::syntax::format;
use crate::syntax::source::SourceMap;
use crate::world::{Disk, World};

#[derive(clap::Args)]
pub struct FmtArgs {
    /// Specs, or folders with specs; `-` reads from stdin and writes to stdout
    #[arg(required = true)]
    specs: Vec<PathBuf>,
    /// Change nothing, name the specs that would change, and exit with 1 when there are any
    #[arg(long)]
    check: bool,
}

pub fn run(args: &FmtArgs, printer: &Printer) -> Exit {
    let (mut specs, mut worst) = (vec![], Exit::Ok);
    for path in &args.specs {
        match path.is_dir() {
            true => specs.extend(inside(path)),
            false => specs.push(path.clone()),
        }
    }
    for path in &specs {
        let exit = one(path, args.check, printer);
        // A mistake outweighs a finding.
        worst = if worst as i32 >= exit as i32 { worst } else { exit };
    }
    worst
}

fn one(path: &Path, check: bool, printer: &Printer) -> Exit {
    let stdin = path == Path::new("-");
    let name = path.display().to_string();
    let fail = |diagnostics: &[Diagnostic], text: &str| {
        let mut sources = SourceMap::default();
        sources.add(&name, text.into());
        printer.diagnostics(diagnostics, &sources);
        exit_for(diagnostics)
    };
    let text = match read(path, stdin) {
        Ok(text) => text,
        Err(problem) => {
            let diagnostic = Diagnostic::error("SEG0106", format!("the spec `{name}` can't be read: {problem}"))
                .help("give the path of a `.seg` file, for example `segc fmt specs/shop.seg`");
            return fail(&[diagnostic], "");
        }
    };
    let formatted = match format::format(&name, &text) {
        Ok(formatted) => formatted,
        Err(diagnostics) => return fail(&diagnostics, &text),
    };
    match (check, stdin) {
        (true, _) if formatted == text => Exit::Ok,
        (true, _) => {
            let line = if printer.json {
                format!("{}\n", serde_json::json!({ "would_change": name }))
            } else {
                format!("{name}\n")
            };
            printer.out(&line);
            Exit::Findings
        }
        (false, true) => {
            printer.out(&formatted);
            Exit::Ok
        }
        (false, false) if formatted == text => Exit::Ok,
        (false, false) => match replace_file(path, formatted.as_bytes()) {
            Ok(()) => Exit::Ok,
            Err(error) => {
                let diagnostic = Diagnostic::error("SEG0701", format!("`{name}` can't be written: {error}"))
                    .note("the file is as it was")
                    .help("look at the permissions of the file and of its folder");
                fail(&[diagnostic], &text)
            }
        },
    }
}

fn read(path: &Path, stdin: bool) -> Result<String, String> {
    if stdin {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(|e| e.to_string())?;
        return Ok(text);
    }
    Disk::default().spec(path).map(|text| text.to_string()).map_err(|e| e.to_string())
}

/// The specs in a folder and those below it, by path.
fn inside(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return vec![] };
    let mut found: Vec<PathBuf> = vec![];
    for path in entries.flatten().map(|entry| entry.path()) {
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_dir() && !path.is_symlink() && !hidden {
            found.extend(inside(&path));
        } else if path.extension().is_some_and(|ending| ending == "seg") {
            found.push(path);
        }
    }
    found.sort();
    found
}
