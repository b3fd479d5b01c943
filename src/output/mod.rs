//! What a build writes: reports, the list of customers, the model, the outcome and the manifest, all or nothing.

mod list;
pub mod model;
mod set;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub use list::OWN_HEADINGS;
pub use set::{OutputError, OutputSet};

use crate::build::Built;
use crate::compile::Compiled;
use crate::diagnostics::Diagnostic;
use crate::outcome::{InputDigest, SpecText};
use crate::report::{self, Templates};
use crate::summarize::sha256;

pub const MANIFEST_SCHEMA: &str = "segc.manifest/1";

/// What went into a build and what came out: logical names and digests, no paths and no clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub schema: String,
    pub segc: String,
    pub name: String,
    /// Every file of the spec with its digest; the texts are in the model.
    pub spec: Vec<FileDigest>,
    pub params: Vec<String>,
    pub inputs: Vec<InputDigest>,
    /// Of all templates together.
    pub templates: String,
    pub as_of: String,
    pub k: Option<u32>,
    pub seed: Option<u64>,
    pub outputs: Vec<FileDigest>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileDigest {
    pub name: String,
    pub bytes: u64,
    pub sha256: String,
}

/// Writes everything into `folder`. The manifest comes last: a folder whose manifest fits its files is whole.
pub fn write(
    built: &Built,
    compiled: &Compiled,
    params: &[String],
    templates: &Templates,
    folder: &Path,
) -> Result<(), Vec<Diagnostic>> {
    let html = report::html(&built.outcome, templates).map_err(|e| vec![template_error(&e)])?;
    let markdown = report::markdown(&built.outcome, templates).map_err(|e| vec![template_error(&e)])?;
    let model = model::model(built, compiled, params);
    let outcome = json(&built.outcome);
    let write = || -> Result<(), OutputError> {
        let mut set = OutputSet::open(folder)?;
        set.add("report.html", html.as_bytes())?;
        set.add("report.md", markdown.as_bytes())?;
        set.add("segments.csv", &list::csv(built))?;
        set.add_with("segments.parquet", |file| {
            let file = file.try_clone().map_err(|e| e.to_string())?;
            list::write_parquet(built, file)
        })?;
        set.add("model.json", &json(&model))?;
        set.add("outcome.json", &outcome)?;
        if built.sources.iter().all(|source| source.refused.is_empty()) {
            set.without("rejects.csv");
        } else {
            set.add("rejects.csv", &list::rejects(&built.sources))?;
        }
        let manifest = manifest(built, &model.spec, params, templates, &set);
        set.add("manifest.json", &json(&manifest))?;
        set.commit()
    };
    write().map_err(|error| {
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

fn manifest(built: &Built, spec: &[SpecText], params: &[String], templates: &Templates, set: &OutputSet) -> Manifest {
    let digest = |name: String, bytes: &[u8]| FileDigest { name, bytes: bytes.len() as u64, sha256: sha256(bytes) };
    let outputs = set.names().into_iter().filter_map(|name| {
        let bytes = set.bytes(&name).ok()?;
        Some(digest(name, &bytes))
    });
    Manifest {
        schema: MANIFEST_SCHEMA.to_owned(),
        segc: built.outcome.segc.clone(),
        name: built.outcome.name.clone(),
        spec: spec.iter().map(|s| digest(s.file.clone(), s.text.as_bytes())).collect(),
        params: params.to_vec(),
        inputs: built.outcome.inputs.clone(),
        templates: templates.digest(),
        as_of: built.outcome.as_of.clone(),
        k: built.outcome.cluster.as_ref().map(|c| c.k),
        seed: built.outcome.cluster.as_ref().map(|c| c.seed),
        outputs: outputs.collect(),
    }
}

fn template_error(error: &report::ReportError) -> Diagnostic {
    Diagnostic::error("SEG0702", format!("a report template can't be rendered: {error}"))
        .help("mend the template, or build without `--templates`")
}
