//! Where the spec goes, and how it calls files from there.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::diagnostics::Diagnostic;
use crate::ingest::InputFile;
use crate::output::replace_file;
use crate::profile::text::visible;

/// What stands in the way of writing the spec, before anything is looked at.
pub fn obstacle(spec: &Path, files: &[PathBuf], force: bool) -> Option<Diagnostic> {
    let name = spec.display();
    let real = spec.canonicalize().ok();
    let is_data = |file: &PathBuf| real.is_some() && file.canonicalize().ok() == real;
    if files.iter().any(is_data) {
        let text = format!("`{name}` holds the data, and is not written over");
        return Some(Diagnostic::error("SEG0352", text).help("give the spec another name with `-o`"));
    }
    if spec.symlink_metadata().is_ok() && !force {
        let text = format!("there is a `{name}` already, and it is not written over");
        return Some(
            Diagnostic::error("SEG0352", text)
                .help("write elsewhere with `-o`, look first with `--stdout`, or write over it with `--force`"),
        );
    }
    let folder = spec.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match folder.is_dir() {
        true => None,
        false => Some(unwritable(spec, &io::ErrorKind::NotFound.into())),
    }
}

fn unwritable(spec: &Path, error: &io::Error) -> Diagnostic {
    Diagnostic::error("SEG0701", format!("`{}` can't be written: {error}", spec.display()))
        .help("look at the folder and its permissions, or write elsewhere with `-o`")
}

/// Never over a file that is there, unless that is asked for.
pub fn write(spec: &Path, bytes: &[u8], force: bool) -> Result<(), Box<Diagnostic>> {
    let new = || {
        let mut file = OpenOptions::new().write(true).create_new(true).open(spec)?;
        file.write_all(bytes).and_then(|()| file.sync_all()).inspect_err(|_| {
            let _ = std::fs::remove_file(spec);
        })
    };
    let written = if force { replace_file(spec, bytes) } else { new() };
    written.map_err(|error| Box::new(unwritable(spec, &error)))
}

/// Each file by the name that a spec at this place can call it by, and the folders that have to be named to find them:
/// those of files that do not lie beside the spec or below.
pub fn named(spec: &Path, files: &[PathBuf]) -> Result<(Vec<InputFile>, Vec<PathBuf>), Box<Diagnostic>> {
    let folder = spec.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let beside = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let (mut named, mut folders) = (vec![], vec![]);
    for path in files {
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        let name = match real.strip_prefix(&beside) {
            Ok(below) => below.to_path_buf(),
            Err(_) => {
                let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
                if !folders.iter().any(|known| known == parent) {
                    folders.push(parent.to_owned());
                }
                path.file_name().map(PathBuf::from).unwrap_or_default()
            }
        };
        match name.to_str() {
            Some(name) if !name.contains('\r') => {
                named.push(InputFile { name: name.replace('\\', "/"), path: path.clone() });
            }
            _ => {
                let text = format!("a spec can't write the name of the file `{}`", visible(&path.to_string_lossy()));
                return Err(Box::new(Diagnostic::error("SEG0304", text).help("give the file another name")));
            }
        }
    }
    Ok((named, folders))
}
