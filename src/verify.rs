//! `segc verify`: repeats a build from what its manifest and model keep, and names the first stage that differs.

use std::path::Path;

use serde_json::Value;

use crate::build::build;
use crate::compile::compile;
use crate::diagnostics::Diagnostic;
use crate::diff::Side;
use crate::outcome::Outcome;
use crate::output::{self, Manifest, Options};
use crate::progress::Progress;
use crate::report::Templates;
use crate::summarize::sha256;
use crate::syntax::source::SourceMap;
use crate::world::Disk;

/// What the repetition found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// So many files came out the same, byte for byte.
    Same(usize),
    /// The stages that differ, in the order in which a build goes through them: the first one is where to look.
    Differs(Vec<Difference>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// `files`, `version`, `inputs`, `templates`, `cleaning`, `features`, `scores`, `clusters`, `segments`, `outputs`.
    pub stage: &'static str,
    pub words: String,
}

/// Repeats the build whose `manifest.json` this is, with the data as they are today, in a folder that goes away.
///
/// Errors: SEG0640 for something that is no manifest, and whatever stops a build, with the texts that it points into.
pub fn verify(
    manifest: &str,
    disk: &Disk,
    templates: &Templates,
    progress: &dyn Progress,
) -> Result<Verdict, (Vec<Diagnostic>, SourceMap)> {
    let plainly = |found: Vec<Diagnostic>| (found, SourceMap::default());
    let side = Side::of_build(manifest, disk).map_err(plainly)?;
    let kept = side.manifest.as_ref().expect("a side that is a build has its manifest");
    let folder = Path::new(manifest).parent().unwrap_or(Path::new("."));
    let mut found = changed_files(folder, kept);
    let mut compiled = compile(side.world.as_ref(), &side.spec, &side.params);
    if compiled.has_errors() {
        return Err((compiled.diagnostics, compiled.sources));
    }
    let options = Options::of(kept);
    if options.evidence {
        compiled.collect_evidence();
    }
    let built = match build(side.world.as_ref(), &compiled, progress) {
        Ok(built) => built,
        Err(found) => return Err((found, compiled.sources)),
    };
    let again = tempfile::tempdir().map_err(|error| {
        let text = format!("there is no room for the repetition: {error}");
        plainly(vec![Diagnostic::error("SEG0701", text).help("look at the folder for temporary files")])
    })?;
    output::write(&built, &compiled, &side.params, &options, templates, again.path()).map_err(plainly)?;
    let text = std::fs::read_to_string(again.path().join("manifest.json")).unwrap_or_default();
    let new: Manifest = serde_json::from_str(&text).expect("a manifest that was just written can be read");
    let mut differs = |stage, words: String| found.push(Difference { stage, words });
    if kept.segc != new.segc {
        differs("version", format!("built by segc {}, this is {}", kept.segc, new.segc));
    }
    for (old, new) in pairs(&kept.inputs, &new.inputs, |input| (&input.source, &input.name)) {
        match (old, new) {
            (Some(old), Some(new)) if old.sha256 != new.sha256 => {
                differs("inputs", format!("`{}` had {} rows and has {}, or other ones", old.name, old.rows, new.rows));
            }
            (Some(old), None) => differs("inputs", format!("`{}` is not read any more", old.name)),
            (None, Some(new)) => differs("inputs", format!("`{}` is new", new.name)),
            _ => {}
        }
    }
    if kept.templates != new.templates {
        differs("templates", "the report was made with other templates; name them with `--templates`".to_owned());
    }
    // Only an untouched outcome tells which stage it was.
    let old = std::fs::read(folder.join("outcome.json")).ok().and_then(|b| serde_json::from_slice::<Outcome>(&b).ok());
    if let Some(old) = old {
        stages(&old, &built.outcome).into_iter().for_each(|(stage, words)| differs(stage, words));
    }
    for (old, new) in pairs(&kept.outputs, &new.outputs, |file| &file.name) {
        match (old, new) {
            (Some(old), Some(new)) if old.sha256 != new.sha256 => differs("outputs", format!("`{}`", old.name)),
            (Some(old), None) => differs("outputs", format!("`{}` is not written any more", old.name)),
            (None, Some(new)) => differs("outputs", format!("`{}` is new", new.name)),
            _ => {}
        }
    }
    if found.is_empty() && *kept != new {
        // All that it lists came out the same, so that it is the list that says something else.
        let (old, new) = (serde_json::to_value(kept), serde_json::to_value(&new));
        let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
        let words = format!("the manifest was changed after the build: {}", difference("manifest", &old, &new));
        found.push(Difference { stage: "files", words });
    }
    Ok(if found.is_empty() { Verdict::Same(kept.outputs.len()) } else { Verdict::Differs(found) })
}

/// Files of the build that are not what its manifest says.
fn changed_files(folder: &Path, kept: &Manifest) -> Vec<Difference> {
    let changed = kept.outputs.iter().filter_map(|file| {
        let words = match std::fs::read(folder.join(&file.name)) {
            Ok(bytes) if sha256(&bytes) == file.sha256 => return None,
            Ok(_) => format!("`{}` was changed after the build", file.name),
            Err(error) => format!("`{}` can't be read: {error}", file.name),
        };
        Some(Difference { stage: "files", words })
    });
    changed.collect()
}

/// The parts of two outcomes, in the order in which a build makes them.
fn stages(old: &Outcome, new: &Outcome) -> Vec<(&'static str, String)> {
    let (old, new) = (serde_json::to_value(old), serde_json::to_value(new));
    let (Ok(old), Ok(new)) = (old, new) else { return vec![] };
    const STAGES: [(&str, &[&str]); 5] = [
        ("cleaning", &["rows", "joins", "as_of", "period"]),
        ("features", &["features", "customers", "baskets", "amount"]),
        ("scores", &["scores"]),
        ("clusters", &["cluster"]),
        ("segments", &["segments", "rules"]),
    ];
    let mut found = vec![];
    for (stage, fields) in STAGES {
        let differs = fields.iter().find(|field| old[**field] != new[**field]);
        if let Some(field) = differs {
            found.push((stage, difference(field, &old[*field], &new[*field])));
        }
    }
    found
}

/// The first place at which two values differ, with what stands there.
fn difference(path: &str, old: &Value, new: &Value) -> String {
    match (old, new) {
        (Value::Object(a), Value::Object(b)) => {
            let key = a.keys().chain(b.keys()).find(|key| a.get(*key) != b.get(*key));
            key.map_or(path.to_owned(), |key| difference(&format!("{path}.{key}"), &old[key], &new[key]))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let at = (0..a.len()).find(|at| a[*at] != b[*at]);
            at.map_or(path.to_owned(), |at| difference(&format!("{path}[{at}]"), &a[at], &b[at]))
        }
        _ => {
            let short = |value: &Value| value.to_string().chars().take(60).collect::<String>();
            format!("`{path}` was {} and is {}", short(old), short(new))
        }
    }
}

/// Entries of two lists by key, those of the first list in its order, then the others of the second.
fn pairs<'a, T, K: PartialEq>(
    old: &'a [T],
    new: &'a [T],
    key: impl Fn(&'a T) -> K,
) -> Vec<(Option<&'a T>, Option<&'a T>)> {
    let known = old.iter().map(|o| (Some(o), new.iter().find(|n| key(n) == key(o))));
    let others = new.iter().filter(|n| old.iter().all(|o| key(o) != key(n))).map(|n| (None, Some(n)));
    known.chain(others).collect()
}
