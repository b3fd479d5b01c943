//! `segc data make` and `segc data get`.

use std::path::PathBuf;

use serde_json::json;

use super::progress::Terminal;
use super::{Exit, Printer};
use crate::data::{self, Blame, DATASETS, DataError, Dataset, GetOptions, MakeOptions};
use crate::diagnostics::suggest;
use crate::exec::parquet_sink;

#[derive(clap::Args)]
pub struct DataArgs {
    #[command(subcommand)]
    command: DataCommand,
}

#[derive(clap::Subcommand)]
enum DataCommand {
    /// Make a synthetic shop of any size, with planted segments
    Make {
        #[command(subcommand)]
        what: Make,
    },
    /// Download a public data set, check it and unpack it
    Get {
        /// `online-retail`
        dataset: String,
        /// Where it goes [default: SEGC_DATA, else `data`]
        #[arg(long, value_name = "FOLDER")]
        folder: Option<PathBuf>,
        /// A mirror to ask instead of the publisher, e.g. `http://127.0.0.1:8000`
        #[arg(long, value_name = "URL")]
        server: Option<String>,
    },
}

#[derive(clap::Subcommand)]
enum Make {
    /// A gift shop in the layout of Online Retail
    Retail {
        /// Customers who buy; about 40 rows each
        #[arg(long)]
        customers: u32,
        #[arg(long, default_value_t = 42)]
        seed: u64,
        /// The file: `.csv`, `.csv.gz`, `.xlsx` or `.parquet`
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// A CSV for the planted segment of every customer
        #[arg(long, value_name = "FILE")]
        truth: Option<PathBuf>,
    },
}

pub fn run(args: &DataArgs, printer: &Printer) -> Exit {
    let progress = Terminal::new(printer);
    let result = match &args.command {
        DataCommand::Make { what: Make::Retail { customers, seed, out, truth } } => {
            let options = MakeOptions {
                customers: *customers,
                seed: *seed,
                out: out.clone(),
                truth: truth.clone(),
                parquet: parquet_sink::open,
            };
            data::make_retail(&options, &progress).map(|facts| {
                if printer.json {
                    json!({"file": out, "rows": facts.rows, "bytes": facts.bytes}).to_string()
                } else {
                    format!("{}: {} rows of {customers} customers", out.display(), facts.rows)
                }
            })
        }
        DataCommand::Get { dataset, folder, server } => {
            let Some(dataset) = Dataset::named(dataset) else {
                eprintln!("error: there is no data set `{dataset}`");
                eprintln!("  = help: data sets: {}", suggest::list(DATASETS.iter().map(|d| d.name)));
                return Exit::Spec;
            };
            let folder = folder.clone().or_else(|| std::env::var_os("SEGC_DATA").map(PathBuf::from));
            let options =
                GetOptions { server: server.clone(), ..GetOptions::new(folder.unwrap_or_else(|| "data".into())) };
            data::get(dataset, &options, &progress).map(|facts| {
                if printer.json {
                    json!({"file": facts.path, "bytes": facts.bytes, "sha256": facts.sha256, "downloaded": facts.downloaded}).to_string()
                } else {
                    let state = if facts.downloaded { "downloaded and checked" } else { "was there already, checked" };
                    format!("{}: {state}\n{}", facts.path.display(), dataset.credit)
                }
            })
        }
    };
    progress.clear();
    match result {
        Ok(text) => {
            printer.out(&format!("{text}\n"));
            Exit::Ok
        }
        Err(error) => report(&error),
    }
}

fn report(error: &DataError) -> Exit {
    eprintln!("error: {error}");
    if let Some(help) = error.help() {
        eprintln!("  = help: {help}");
    }
    match error.blame() {
        Blame::Usage => Exit::Spec,
        Blame::Source => Exit::Data,
        Blame::Output => Exit::Output,
        Blame::Limit => Exit::Limit,
    }
}
