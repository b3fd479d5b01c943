//! What several areas of the tests need.

pub mod ari;
pub mod postgres;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use segc::build::{Built, build_for_tests};
use segc::compile::{Compiled, compile};
use segc::diagnostics::Diagnostic;
use segc::exec::customers::Values;
use segc::progress::Silent;
use segc::world::Disk;
use tempfile::TempDir;

/// The folder of the package.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The folder with real data, where there is one: SEGC_DATA, or `../shared/data` beside the checkout.
pub fn real_data() -> Option<PathBuf> {
    let named = std::env::var_os("SEGC_DATA").map(PathBuf::from);
    named.into_iter().chain([root().join("../shared/data")]).find(|folder| folder.join("online_retail.xlsx").is_file())
}

/// The folder with the CDNOW sample.
pub fn cdnow() -> PathBuf {
    let folders = [real_data(), std::env::var_os("SEGC_CDNOW").map(Into::into)];
    let data = folders.into_iter().flatten().find(|folder| folder.join("cdnow_sample.txt").is_file());
    data.expect("`.ci/install` fetches the CDNOW sample and `.ci/test` says where it is (SEGC_CDNOW)")
}

/// The folder with Complete Journey's Parquet files.
pub fn completejourney() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| std::env::home_dir().map(|home| home.join(".cache")));
    let named = std::env::var_os("SEGC_COMPLETEJOURNEY").map(PathBuf::from);
    let folders = [named, cache.map(|cache| cache.join("segc/completejourney"))];
    let data = folders.into_iter().flatten().find(|folder| folder.join("transactions.parquet").is_file());
    data.expect("`.ci/install` fetches Complete Journey and `.ci/test` says where it is (SEGC_COMPLETEJOURNEY)")
}

/// The command, with an environment of its own.
pub fn segc(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_segc"));
    command.args(arguments).current_dir(root()).env_remove("SEGC_DATA").env("NO_COLOR", "1");
    command
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A spec and its data in a folder of their own.
pub struct Case {
    pub folder: TempDir,
}

impl Case {
    pub fn new(spec: &str, orders: &str) -> Case {
        let case = Case { folder: tempfile::tempdir().unwrap() };
        case.put("case.seg", spec).put("orders.csv", orders);
        case
    }

    pub fn put(&self, name: &str, text: &str) -> &Case {
        std::fs::write(self.folder.path().join(name), text).unwrap();
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn compile(&self) -> Compiled {
        compile(&Disk::default(), &self.path("case.seg"), &[])
    }

    pub fn build(&self) -> Result<Built, Vec<Diagnostic>> {
        build_for_tests(&Disk::default(), &self.compile(), &Silent)
    }

    #[track_caller]
    pub fn built(&self) -> Built {
        self.build().unwrap_or_else(|found| {
            let texts: Vec<String> = found.iter().map(|d| format!("{} {}", d.code, d.message)).collect();
            panic!("the case does not build: {texts:#?}")
        })
    }
}

/// A whole spec around some features, over `customer,invoice,product,quantity,price,at`.
pub fn spec_with(features: &str) -> String {
    spec_around("", "", features)
}

/// The same with statements of its own before the features, and rules to drop rows.
pub fn spec_around(items: &str, filter: &str, features: &str) -> String {
    format!(
        "segmentation case {{
  currency GBP
  source orders from \"orders.csv\" {{
    customer: id
    invoice: text
    product: text
    quantity: int
    price: money
    at: datetime
  }}
  derive amount = quantity * price
  revenue amount
  filter {{
{filter}
  }}
  as_of max(at) + 1 day
  baskets by invoice {{
    worth = sum(amount)
  }}
{items}
  features {{
{features}
  }}
  label customers {{
    otherwise \"All\"
  }}
}}
"
    )
}

/// A feature's cells as text, in the order of customers; numbers in base units, `-` for missing.
#[track_caller]
pub fn feature(built: &Built, name: &str) -> Vec<String> {
    let feature = built.execution.customers.feature(name).unwrap_or_else(|| panic!("there is no feature `{name}`"));
    (0..built.execution.customers.ids.len())
        .map(|row| match &feature.values {
            Values::Numbers(numbers) if numbers[row].is_nan() => "-".to_owned(),
            Values::Numbers(numbers) => numbers[row].to_string(),
            Values::Texts(texts) => texts[row].as_deref().unwrap_or("-").to_owned(),
            Values::Bools(bools) => bools[row].map_or("-".to_owned(), |b| b.to_string()),
        })
        .collect()
}

/// Builds a spec with the command, data in `folder` or beside the shop, and gives the files that it wrote.
#[track_caller]
pub fn built_files(spec: &str, folder: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    let case = Case::new(spec, "");
    let output = segc(&["build"])
        .arg(case.path("case.seg"))
        .arg("-o")
        .arg(case.path("out"))
        .arg("--data")
        .arg(folder)
        .arg("--data")
        .arg(root().join("specs"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    files(&case.path("out")).into_iter().collect()
}

/// Every file of a folder with its bytes, by name; the lock of the writer is none of them.
pub fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path()).unwrap()))
        .filter(|(name, _)| name != ".segc.lock")
        .collect();
    files.sort();
    files
}
