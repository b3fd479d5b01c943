//! The two sides of a comparison: a spec on disk, a spec at a revision of its git repository, or the spec that a build
//! keeps in its model.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use crate::diagnostics::Diagnostic;
use crate::output::model::Model;
use crate::output::{MANIFEST_SCHEMA, Manifest};
use crate::world::{Disk, Unreadable, World};

/// One side, ready to compile.
pub struct Side {
    /// As it was asked for: `specs/shop.seg@main`.
    pub name: String,
    pub world: Box<dyn World>,
    pub spec: PathBuf,
    /// Values for parameters: those of the build, for a manifest.
    pub params: Vec<String>,
    /// What the build read, for a manifest: data that have changed since are pointed out.
    pub manifest: Option<Manifest>,
}

impl Side {
    /// `FILE.seg`, `FILE.seg@REVISION`, or the `manifest.json` of a build. A file of that name wins over a revision.
    ///
    /// Errors: SEG0640 for a revision or a manifest that can't be read.
    pub fn open(name: &str, disk: &Disk, params: &[String]) -> Result<Side, Vec<Diagnostic>> {
        let path = Path::new(name);
        if path.extension().is_some_and(|ending| ending == "json") {
            return Side::of_build(name, disk);
        }
        let side = |world: Box<dyn World>, spec: &Path| Side {
            name: name.to_owned(),
            world,
            spec: spec.to_owned(),
            params: params.to_vec(),
            manifest: None,
        };
        match name.rsplit_once('@') {
            Some((file, revision)) if !path.exists() && !file.is_empty() => {
                let texts = revision_of(Path::new(file), revision)?;
                Ok(side(Box::new(Elsewhere { texts, disk: disk.clone() }), Path::new(file)))
            }
            _ => Ok(side(Box::new(disk.clone()), path)),
        }
    }

    /// The spec of the build whose `manifest.json` this is.
    ///
    /// Errors: SEG0640.
    pub fn of_build(name: &str, disk: &Disk) -> Result<Side, Vec<Diagnostic>> {
        build(name, disk)
    }
}

/// A world whose specs come from elsewhere; whatever else a spec asks for is that of today.
struct Elsewhere {
    texts: Texts,
    disk: Disk,
}

enum Texts {
    /// As this revision has them.
    Revision(String),
    /// As a build kept them in its model.
    Kept(BTreeMap<PathBuf, Arc<str>>),
}

impl Texts {
    fn get(&self, path: &Path) -> Result<Arc<str>, Unreadable> {
        match self {
            Texts::Kept(texts) => texts.get(path).cloned().ok_or(Unreadable::NotFound { looked_in: vec![] }),
            Texts::Revision(revision) => {
                let name = path.file_name().ok_or(Unreadable::NotFound { looked_in: vec![] })?.to_string_lossy();
                let bytes = git(folder(path), &["cat-file", "blob", &format!("{revision}:./{name}")]);
                let bytes = bytes.map_err(|_| Unreadable::Other(format!("revision `{revision}` does not have it")))?;
                let text = String::from_utf8(bytes).map(Arc::from);
                text.map_err(|e| Unreadable::NotUtf8 { byte: e.utf8_error().valid_up_to() })
            }
        }
    }
}

impl World for Elsewhere {
    fn spec(&self, path: &Path) -> Result<Arc<str>, Unreadable> {
        self.texts.get(path)
    }

    fn include(&self, _: &Path, path: &Path) -> Result<Arc<str>, Unreadable> {
        self.texts.get(path)
    }

    fn locate(&self, from: &Path, name: &str) -> Result<PathBuf, Unreadable> {
        self.disk.locate(from, name)
    }

    fn locate_all(&self, from: &Path, name: &str) -> Result<Vec<(String, PathBuf)>, Unreadable> {
        self.disk.locate_all(from, name)
    }

    fn place(&self, from: &Path, name: &str) -> Result<PathBuf, Unreadable> {
        self.disk.place(from, name)
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.disk.variable(name)
    }
}

/// The texts of a revision that the repository of `file` has.
fn revision_of(file: &Path, revision: &str) -> Result<Texts, Vec<Diagnostic>> {
    let fail = |message: String, why: String| {
        let diagnostic = Diagnostic::error("SEG0640", message).note(why);
        vec![diagnostic.help("write for example `segc diff specs/shop.seg@HEAD specs/shop.seg`")]
    };
    // A revision that starts like an option would be taken for one.
    if revision.is_empty() || revision.starts_with('-') {
        let message = format!("`{revision}` is no revision");
        return Err(fail(message, "what stands behind the `@` is a commit, a branch or a tag".to_owned()));
    }
    let commit = format!("{revision}^{{commit}}");
    let known = git(folder(file), &["rev-parse", "--verify", "--quiet", &commit]);
    match known {
        Ok(_) => Ok(Texts::Revision(revision.to_owned())),
        Err(why) => {
            let message = format!("the repository of `{}` has no revision `{revision}`", file.display());
            Err(fail(message, if why.is_empty() { "git does not know it".to_owned() } else { why }))
        }
    }
}

/// What git prints, or what it complains of.
fn git(folder: &Path, arguments: &[&str]) -> Result<Vec<u8>, String> {
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output();
    let output = output.map_err(|error| format!("git can't be run: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or_default().to_owned())
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn build(name: &str, disk: &Disk) -> Result<Side, Vec<Diagnostic>> {
    let path = Path::new(name);
    let fail = |why: String| {
        let diagnostic = Diagnostic::error("SEG0640", format!("`{name}` is not the manifest of a build")).note(why);
        vec![diagnostic.help("name the `manifest.json` that `segc build` wrote, with its `model.json` beside it")]
    };
    let read = |path: &Path| {
        std::fs::read_to_string(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => format!("there is no file `{}`", path.display()),
            _ => format!("`{}` can't be read: {error}", path.display()),
        })
    };
    let manifest: Manifest =
        read(path).and_then(|text| serde_json::from_str(&text).map_err(|e| e.to_string())).map_err(fail)?;
    if manifest.schema != MANIFEST_SCHEMA {
        return Err(fail(format!("its schema is `{}`, this version reads `{MANIFEST_SCHEMA}`", manifest.schema)));
    }
    let model: Model = read(&folder(path).join("model.json"))
        .and_then(|text| serde_json::from_str(&text).map_err(|e| e.to_string()))
        .map_err(fail)?;
    let spec = model.spec.first().map(|main| PathBuf::from(&main.file)).ok_or_else(|| fail("it has no spec".into()))?;
    let texts = model.spec.iter().map(|part| (PathBuf::from(&part.file), Arc::from(part.text.as_str()))).collect();
    let world = Box::new(Elsewhere { texts: Texts::Kept(texts), disk: disk.clone() });
    Ok(Side { name: name.to_owned(), world, spec, params: model.params, manifest: Some(manifest) })
}
