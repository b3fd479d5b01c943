//! The command line: reads arguments, calls the library, prints. Results go to stdout, talk to stderr.

mod assign;
mod build;
mod check;
mod data;
mod diff;
mod explain;
mod fmt;
mod init;
mod profile;
mod progress;
mod rejects;
mod suite;
mod test;
mod verify;
mod why;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::compile::{Compiled, compile};
use crate::diagnostics::{Diagnostic, has_errors, render};
use crate::output::replace_file;
use crate::syntax::source::SourceMap;
use crate::world::Disk;

/// What a process ends with; documented in the README and stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Ok = 0,
    /// It ran and found something.
    Findings = 1,
    /// Wrong usage, or a spec with errors.
    Spec = 2,
    /// Data or a source that can't be read or doesn't fit the spec.
    Data = 3,
    /// An output that can't be written.
    Output = 4,
    /// A budget or time limit.
    Limit = 5,
    /// A mistake of ours.
    Bug = 70,
}

#[derive(Parser)]
#[command(
    name = "segc",
    version,
    about = "A compiler for customer segmentations",
    after_help = "Examples:\n  segc init orders.csv\n  segc build specs/shop.seg\n  segc check specs/shop.seg\n  segc explain SEG0207"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Print results and diagnostics as JSON
    #[arg(long, global = true)]
    json: bool,
    /// Print nothing but results and errors
    #[arg(long, short, global = true)]
    quiet: bool,
    /// Colours in diagnostics
    #[arg(long, global = true, value_enum, default_value = "auto")]
    color: Color,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Subcommand)]
enum Command {
    /// Run a spec: report, list of customers, model
    Build(build::BuildArgs),
    /// Give new customers a segment by the model of a build
    Assign(assign::AssignArgs),
    /// Look for mistakes in a spec without running it
    Check(check::CheckArgs),
    /// Which customers a change to a spec moves, and with how much money
    Diff(diff::DiffArgs),
    /// Put specs into their one layout
    Fmt(fmt::FmtArgs),
    /// Run the tests of a spec
    Test(test::TestArgs),
    /// Repeat a build from its manifest, and name the first stage that differs
    Verify(verify::VerifyArgs),
    /// Why a customer is in a segment, and the smallest change that would move them
    Why(why::WhyArgs),
    /// Say what a code means, or show a stage of a spec
    Explain(explain::ExplainArgs),
    /// Write a first spec for files of purchases, and see that it builds
    #[command(after_help = "Examples:\n  segc init orders.csv\n  segc init orders.xlsx --sheet all --stdout\n  \
        segc init 2023.csv 2024.csv -o shop.seg --column customer=\"Acct no\" --column amount=Net\n\n\
        The spec is written once: what is there already is kept, unless --force is given. Roles are customer, invoice,\n\
        date, quantity, price (of a piece), amount (of the row), total (of the order), product, item, country, status\n\
        and currency. A customer, a date and money (amount, quantity and price, total, or price) are needed.")]
    Init(init::InitArgs),
    /// Look at a file of data: what is in its columns, and what is odd
    Profile(profile::ProfileArgs),
    /// Get a public data set, or make one of any size
    Data(data::DataArgs),
    /// Print a completion script for a shell
    Completions { shell: clap_complete::Shell },
}

/// What commands about a spec have in common.
#[derive(clap::Args, Clone)]
pub struct SpecArgs {
    /// The spec
    pub spec: PathBuf,
    /// A folder with data files; may be given several times (also: SEGC_DATA)
    #[arg(long, value_name = "FOLDER")]
    pub data: Vec<PathBuf>,
    /// Let the spec read files outside its folder and the data folders
    #[arg(long)]
    pub allow_outside: bool,
    /// A value for a parameter of the spec, e.g. `horizon=90 days`
    #[arg(long = "param", value_name = "NAME=VALUE")]
    pub params: Vec<String>,
}

/// How to print.
pub struct Printer {
    pub json: bool,
    pub quiet: bool,
    pub color: bool,
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // `--help` and `--version` arrive here too, and are no mistake.
            let code = if error.use_stderr() { Exit::Spec } else { Exit::Ok };
            let _ = error.print();
            return ExitCode::from(code as u8);
        }
    };
    report_bugs();
    let color = match arguments.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            std::io::stderr().is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
                && std::env::var_os("TERM").is_none_or(|t| t != "dumb")
        }
    };
    let printer = Printer { json: arguments.json, quiet: arguments.quiet, color };
    let exit = std::panic::catch_unwind(|| run(arguments.command, &printer)).unwrap_or(Exit::Bug);
    ExitCode::from(exit as u8)
}

fn run(command: Command, printer: &Printer) -> Exit {
    match command {
        Command::Build(args) => build::run(&args, printer),
        Command::Assign(args) => assign::run(&args, printer),
        Command::Check(args) => check::run(&args, printer),
        Command::Diff(args) => diff::run(&args, printer),
        Command::Fmt(args) => fmt::run(&args, printer),
        Command::Test(args) => test::run(&args, printer),
        Command::Verify(args) => verify::run(&args, printer),
        Command::Why(args) => why::run(&args, printer),
        Command::Explain(args) => explain::run(&args, printer),
        Command::Init(args) => init::run(&args, printer),
        Command::Profile(args) => profile::run(&args, printer),
        Command::Data(args) => data::run(&args, printer),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), "segc", &mut std::io::stdout());
            Exit::Ok
        }
    }
}

/// Instead of a bare panic, a text that asks for a report.
fn report_bugs() {
    std::panic::set_hook(Box::new(|info| {
        // A broken file made a library panic, and is reported as such.
        if crate::ingest::is_guarded() {
            return;
        }
        let place = info.location().map_or(String::new(), |l| format!(" ({}:{})", l.file(), l.line()));
        eprintln!("error[SEG0901]: this is a mistake of segc, not of yours{place}");
        eprintln!("  {}", info.payload_as_str().unwrap_or("no message"));
        eprintln!("  please report it with the spec and, if you can, a few rows of data");
    }));
}

/// The folders that are named, then that of the environment.
fn data_folders(named: &[PathBuf]) -> Vec<PathBuf> {
    let variable = std::env::var_os("SEGC_DATA").map(PathBuf::from);
    named.iter().cloned().chain(variable).collect()
}

impl SpecArgs {
    pub fn world(&self) -> Disk {
        Disk { data: data_folders(&self.data), allow_outside: self.allow_outside }
    }

    pub fn compile(&self, world: &Disk) -> Compiled {
        compile(world, &self.spec, &self.params)
    }
}

impl Printer {
    /// Prints diagnostics: to stderr for people, as part of the output for programs.
    pub fn diagnostics(&self, diagnostics: &[Diagnostic], sources: &SourceMap) {
        if self.json {
            for diagnostic in diagnostics {
                self.out(&format!("{}\n", render::json(diagnostic, sources)));
            }
        } else {
            let shown: Vec<Diagnostic> = diagnostics.iter().filter(|d| !self.quiet || d.is_error()).cloned().collect();
            eprint!("{}", render::text(&shown, sources, self.color));
        }
    }

    /// Prints results. A reader that went away is no mistake.
    pub fn out(&self, text: &str) {
        use std::io::Write;
        let mut out = std::io::stdout().lock();
        if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush())
            && error.kind() != std::io::ErrorKind::BrokenPipe
        {
            eprintln!("error[SEG0701]: the result can't be written: {error}");
            std::process::exit(Exit::Output as i32);
        }
    }
}

/// The file appears whole or not at all. What is no ordinary file, a pipe for example, is written into.
fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Vec<Diagnostic>> {
    let special = path.exists() && !path.is_file();
    let written = if special { std::fs::write(path, bytes) } else { replace_file(path, bytes) };
    written.map_err(|error| {
        let text = format!("`{}` can't be written: {error}", path.display());
        vec![Diagnostic::error("SEG0701", text).help("choose another place")]
    })
}

/// The exit code that diagnostics ask for.
pub fn exit_for(diagnostics: &[Diagnostic]) -> Exit {
    const SPEC: [&str; 7] = ["SEG01", "SEG02", "SEG0320", "SEG06", "SEG0720", "SEG0730", "SEG08"];
    let errors = || diagnostics.iter().filter(|d| d.is_error());
    if !has_errors(diagnostics) {
        Exit::Ok
    } else if errors().any(|d| d.code == "SEG0901") {
        Exit::Bug
    } else if errors().any(|d| SPEC.iter().any(|area| d.code.starts_with(area))) {
        Exit::Spec
    } else if errors().any(|d| ["SEG0731", "SEG0732"].contains(&d.code)) {
        Exit::Findings
    } else if errors().any(|d| d.code.starts_with("SEG07") || d.code == "SEG0352") {
        Exit::Output
    } else if errors().all(|d| d.code == "SEG0328") {
        Exit::Limit
    } else {
        Exit::Data
    }
}
