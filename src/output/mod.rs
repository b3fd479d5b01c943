//! What a build writes: reports, the list of customers, the model, the outcome and the manifest, all or nothing.

pub(crate) mod csv;
pub mod model;
mod parquet;
mod set;
pub mod workbook;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub use csv::Texts;
pub use set::{OutputError, OutputSet, replace_file};

use crate::build::Built;
use crate::compile::Compiled;
use crate::diagnostics::Diagnostic;
use crate::list::{List, Order};
use crate::lock::Learned;
use crate::outcome::{InputDigest, SpecText};
use crate::report::{self, Templates};
use crate::summarize::sha256;

pub const MANIFEST_SCHEMA: &str = "segc.manifest/1";

/// What went into a build and what came out: logical names and digests, no paths and no clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub schema: String,
    pub segc: String,
    /// The id of the build: the same for the same spec, parameters, inputs and version.
    #[serde(default)]
    pub build: String,
    pub name: String,
    /// Every file of the spec with its digest; the texts are in the model.
    pub spec: Vec<FileDigest>,
    pub params: Vec<String>,
    /// What was asked for on the command line beside the usual files, e.g. `xlsx`.
    #[serde(default)]
    pub options: Vec<String>,
    pub inputs: Vec<InputDigest>,
    /// Of all templates together.
    pub templates: String,
    pub as_of: Option<String>,
    pub k: Option<u32>,
    pub seed: Option<u64>,
    /// Cut points, centres and who is where.
    #[serde(default)]
    pub learned: Learned,
    pub outputs: Vec<FileDigest>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileDigest {
    pub name: String,
    pub bytes: u64,
    pub sha256: String,
}

/// How the manifest begins to say by what the list is sorted.
const ORDER: &str = "order ";

/// What may be asked of a build beside the usual files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// Write `segments.xlsx` too.
    pub xlsx: bool,
    /// Leave texts in CSV files as they are, for machines.
    pub raw_csv: bool,
    /// By what the list of customers is sorted; by their ids where nothing is said.
    pub order: Option<Order>,
    /// The build collected evidence that its spec does not ask for.
    pub evidence: bool,
}

impl Options {
    /// Those that a manifest names.
    pub fn of(manifest: &Manifest) -> Options {
        let asked = |name: &str| manifest.options.iter().any(|option| option == name);
        let order = manifest.options.iter().find_map(|option| option.strip_prefix(ORDER)?.parse().ok());
        Options { xlsx: asked("xlsx"), raw_csv: asked("raw-csv"), evidence: asked("evidence"), order }
    }
}

/// Writes everything into `folder` and gives the id of the build. The manifest comes last: a folder whose manifest fits
/// its files is whole.
pub fn write(
    built: &Built,
    compiled: &Compiled,
    params: &[String],
    options: &Options,
    templates: &Templates,
    folder: &Path,
) -> Result<String, Vec<Diagnostic>> {
    let html = report::html(&built.outcome, templates).map_err(|e| vec![template_error(&e)])?;
    let markdown = report::markdown(&built.outcome, templates).map_err(|e| vec![template_error(&e)])?;
    let model = model::model(built, compiled, params);
    let build = build_id(built, &model.spec, params);
    let outcome = json(&built.outcome);
    let mut list = List::of(&built.execution, &built.plan);
    if let Some(order) = &options.order {
        list.sort(order)?;
    }
    if let Some(why) = workbook::misfit(&list).filter(|_| options.xlsx) {
        let error = Diagnostic::error("SEG0703", format!("the list does not fit into a workbook: {why}"));
        return Err(vec![error.help("build without `--xlsx`, or leave that feature out")]);
    }
    let texts = if options.raw_csv { csv::Texts::Raw } else { csv::Texts::Harmless };
    let write = || -> Result<(), OutputError> {
        let mut set = OutputSet::open(folder)?;
        set.add("report.html", html.as_bytes())?;
        set.add("report.md", markdown.as_bytes())?;
        set.add("segments.csv", &csv::customers(&list, texts))?;
        set.add_with("segments.parquet", |file| {
            let file = file.try_clone().map_err(|e| e.to_string())?;
            parquet::customers(&list, file)
        })?;
        if options.xlsx {
            set.add_with("segments.xlsx", |file| {
                let file = file.try_clone().map_err(|e| e.to_string())?;
                workbook::write(built, &list, &build, file, folder, workbook::MOST_ROWS).map_err(|e| e.to_string())
            })?;
        } else {
            set.without("segments.xlsx");
        }
        set.add("model.json", &json(&model))?;
        set.add("outcome.json", &outcome)?;
        if built.sources.iter().all(|source| source.refused.is_empty()) {
            set.without("rejects.csv");
        } else {
            set.add("rejects.csv", &csv::rejects(&built.sources, texts))?;
        }
        let manifest = manifest(built, &model.spec, params, options, &build, templates, &set);
        set.add("manifest.json", &json(&manifest))?;
        set.commit()
    };
    write().map(|()| build.clone()).map_err(|error| {
        let state = if error.partly_replaced {
            "some files of the folder are new and some are old: build again"
        } else {
            "the files that were there are untouched"
        };
        let message = format!("`{}` can't be written: {}", error.path.display(), error.reason);
        vec![Diagnostic::error("SEG0701", message).note(state).help("choose another folder with `-o FOLDER`")]
    })
}

/// Indented, with a newline at the end: made to be read and compared.
pub fn json<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).expect("our own types have string keys");
    bytes.push(b'\n');
    bytes
}

/// Sixteen hexadecimal digits that stand for all that a result depends on.
fn build_id(built: &Built, spec: &[SpecText], params: &[String]) -> String {
    let outcome = &built.outcome;
    let spec: Vec<_> = spec.iter().map(|s| (&s.file, &s.sha256)).collect();
    let inputs: Vec<_> = outcome.inputs.iter().map(|i| (&i.name, i.bytes, &i.sha256)).collect();
    let all = serde_json::json!([&outcome.segc, spec, params, inputs]);
    sha256(all.to_string().as_bytes())[..16].to_owned()
}

fn manifest(
    built: &Built,
    spec: &[SpecText],
    params: &[String],
    options: &Options,
    build: &str,
    templates: &Templates,
    set: &OutputSet,
) -> Manifest {
    let digest = |name: String, bytes: &[u8]| FileDigest { name, bytes: bytes.len() as u64, sha256: sha256(bytes) };
    let outputs = set.names().into_iter().filter_map(|name| {
        let bytes = set.bytes(&name).ok()?;
        Some(digest(name, &bytes))
    });
    let asked = [("xlsx", options.xlsx), ("raw-csv", options.raw_csv), ("evidence", options.evidence)];
    let asked = asked.into_iter().filter(|(_, asked)| *asked).map(|(name, _)| name.to_owned());
    let options = asked.chain(options.order.iter().map(|order| format!("{ORDER}{order}")));
    Manifest {
        schema: MANIFEST_SCHEMA.to_owned(),
        segc: built.outcome.segc.clone(),
        build: build.to_owned(),
        name: built.outcome.name.clone(),
        spec: spec.iter().map(|s| digest(s.file.clone(), s.text.as_bytes())).collect(),
        params: params.to_vec(),
        options: options.collect(),
        inputs: built.outcome.inputs.clone(),
        templates: templates.digest(),
        as_of: built.outcome.as_of.clone(),
        k: built.outcome.cluster.as_ref().map(|c| c.k),
        seed: built.outcome.cluster.as_ref().map(|c| c.seed),
        learned: Learned::of(built),
        outputs: outputs.collect(),
    }
}

fn template_error(error: &report::ReportError) -> Diagnostic {
    Diagnostic::error("SEG0702", format!("a report template can't be rendered: {error}"))
        .help("mend the template, or build without `--templates`")
}
