//! `segc verify`.

use std::path::PathBuf;

use serde_json::json;

use super::progress::Terminal;
use super::{Exit, Printer, exit_for};
use crate::diagnostics::Diagnostic;
use crate::report::Templates;
use crate::syntax::source::SourceMap;
use crate::verify::{Verdict, verify};
use crate::world::Disk;

#[derive(clap::Args)]
pub struct VerifyArgs {
    /// The `manifest.json` of the build
    manifest: String,
    /// A folder with data files; may be given several times (also: SEGC_DATA)
    #[arg(long, value_name = "FOLDER")]
    data: Vec<PathBuf>,
    /// Let the spec read files outside its folder and the data folders
    #[arg(long)]
    allow_outside: bool,
    /// The folder with report templates that the build used
    #[arg(long, value_name = "FOLDER")]
    templates: Option<PathBuf>,
}

pub fn run(args: &VerifyArgs, printer: &Printer) -> Exit {
    let sources = SourceMap::default();
    let templates = match args.templates.as_deref().map_or_else(|| Ok(Templates::embedded()), Templates::from_folder) {
        Ok(templates) => templates,
        Err(error) => {
            let diagnostic = Diagnostic::error("SEG0702", format!("the templates can't be used: {error}"));
            printer.diagnostics(&[diagnostic], &sources);
            return Exit::Output;
        }
    };
    let variable = std::env::var_os("SEGC_DATA").map(PathBuf::from);
    let disk = Disk { data: args.data.iter().cloned().chain(variable).collect(), allow_outside: args.allow_outside };
    let progress = Terminal::new(printer);
    let verdict = verify(&args.manifest, &disk, &templates, &progress);
    progress.clear();
    match verdict {
        Err((diagnostics, sources)) => {
            printer.diagnostics(&diagnostics, &sources);
            exit_for(&diagnostics)
        }
        Ok(Verdict::Same(files)) => {
            let text = format!("{}: the same, {files} files byte for byte\n", args.manifest);
            let json = json!({"manifest": args.manifest, "same": true, "files": files});
            printer.out(&if printer.json { format!("{json}\n") } else { text });
            Exit::Ok
        }
        Ok(Verdict::Differs(found)) => {
            for (nth, difference) in found.iter().enumerate() {
                let text = format!(
                    "{}{}: {}\n",
                    if nth == 0 { "first " } else { "then  " },
                    difference.stage,
                    difference.words
                );
                let json = json!({"stage": difference.stage, "difference": difference.words});
                printer.out(&if printer.json { format!("{json}\n") } else { text });
            }
            Exit::Findings
        }
    }
}
