//! The one door to the outside. The compiler asks a [`World`] for texts, headers and tables; the command line answers
//! from disk, an editor from its buffers, a test from memory. There is no clock behind it: a result depends on the
//! spec and its inputs alone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use glob::{MatchOptions, Pattern};

pub trait World: Sync {
    /// The text of a spec or of an included file.
    fn spec(&self, path: &Path) -> Result<Arc<str>, Unreadable>;

    /// The text of a file that the spec `main`, or one that it includes, names by `path`.
    fn include(&self, main: &Path, path: &Path) -> Result<Arc<str>, Unreadable>;

    /// The file on disk that `name` in the spec `from` means.
    fn locate(&self, from: &Path, name: &str) -> Result<PathBuf, Unreadable>;

    /// The files that `name` in the spec `from` means, each with its own name: one, or for a pattern (`2011-*.csv`) all
    /// that fit it in the first folder that has any, sorted by name. A file of just this name is no pattern.
    fn locate_all(&self, from: &Path, name: &str) -> Result<Vec<(String, PathBuf)>, Unreadable>;

    /// Where the file `name` that the spec `from` writes to is, or will be: beside the spec.
    fn place(&self, from: &Path, name: &str) -> Result<PathBuf, Unreadable>;

    /// What an environment variable holds; a world without an environment has none.
    fn variable(&self, _name: &str) -> Option<String> {
        None
    }
}

/// Why a file can't be had, in words for the reader.
#[derive(Debug, Clone, PartialEq)]
pub enum Unreadable {
    NotFound {
        /// The folders in which it was looked for.
        looked_in: Vec<PathBuf>,
    },
    /// A path that leads out of the folders that a spec may read.
    Outside,
    NotUtf8 {
        byte: usize,
    },
    Other(String),
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unreadable::NotFound { .. } => write!(f, "there is no such file"),
            Unreadable::Outside => write!(f, "it lies outside the spec's folder and the data folders"),
            Unreadable::NotUtf8 { byte } => write!(f, "byte {byte} is not UTF-8 text"),
            Unreadable::Other(why) => write!(f, "{why}"),
        }
    }
}

impl std::error::Error for Unreadable {}

/// The file system: specs by path, data beside the spec and in the data folders.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    /// Folders in which sources are looked for after the spec's own, in order.
    pub data: Vec<PathBuf>,
    /// Whether paths may lead elsewhere.
    pub allow_outside: bool,
}

impl Disk {
    /// Where a spec may read: its own folder, then the data folders.
    fn folders(&self, spec: &Path) -> Vec<PathBuf> {
        let beside = match spec.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        std::iter::once(beside).chain(self.data.iter().cloned()).collect()
    }
}

/// Whether a name may stand for several files.
pub fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?', '['])
}

/// Whether `file` is one of those that `name` means.
pub fn is_meant(name: &str, file: &str) -> bool {
    name == file || (is_pattern(name) && Pattern::new(name).is_ok_and(|p| p.matches_with(file, MATCHING)))
}

/// As in a shell: `*` neither reaches into folders nor finds hidden files.
const MATCHING: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

impl Disk {
    /// The files of a folder that fit a pattern, sorted by name. One that leads out of the folders that a spec may read
    /// is an error, not a file less.
    fn matching(&self, folder: &Path, name: &str, inside: &[PathBuf]) -> Result<Vec<(String, PathBuf)>, Unreadable> {
        let inside: Vec<PathBuf> = inside.iter().filter_map(|folder| folder.canonicalize().ok()).collect();
        let not_text = || Unreadable::Other("its path is not UTF-8".into());
        let folder_text = folder.to_str().ok_or_else(not_text)?;
        let pattern = match Path::new(name).is_absolute() {
            true => name.to_owned(),
            false => format!("{}/{name}", Pattern::escape(folder_text)),
        };
        let entries = glob::glob_with(&pattern, MATCHING)
            .map_err(|error| Unreadable::Other(format!("it is no pattern: {}", error.msg)))?;
        let mut found = vec![];
        for entry in entries {
            let path = entry.map_err(|error| Unreadable::Other(error.to_string()))?;
            if !path.is_file() {
                continue;
            }
            let real = path.canonicalize().map_err(|error| unreadable(&error, &path))?;
            if !self.allow_outside && !inside.iter().any(|folder| real.starts_with(folder)) {
                return Err(Unreadable::Outside);
            }
            let own = path.strip_prefix(folder).unwrap_or(&path).to_str().ok_or_else(not_text)?;
            found.push((own.replace('\\', "/"), path));
        }
        found.sort();
        Ok(found)
    }
}

impl World for Disk {
    fn spec(&self, path: &Path) -> Result<Arc<str>, Unreadable> {
        let bytes = std::fs::read(path).map_err(|e| unreadable(&e, path))?;
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").map(<[u8]>::to_vec).unwrap_or(bytes);
        String::from_utf8(bytes).map(Arc::from).map_err(|e| Unreadable::NotUtf8 { byte: e.utf8_error().valid_up_to() })
    }

    fn include(&self, main: &Path, path: &Path) -> Result<Arc<str>, Unreadable> {
        if let (false, Ok(real)) = (self.allow_outside, path.canonicalize()) {
            let inside = self.folders(main).iter().filter_map(|f| f.canonicalize().ok()).any(|f| real.starts_with(f));
            if !inside {
                return Err(Unreadable::Outside);
            }
        }
        self.spec(path)
    }

    fn locate(&self, from: &Path, name: &str) -> Result<PathBuf, Unreadable> {
        let folders = self.folders(from);
        if name.contains('\0') {
            return Err(Unreadable::Other("a path holds a NUL character".into()));
        }
        if Path::new(name).is_absolute() && !self.allow_outside {
            return Err(Unreadable::Outside);
        }
        for folder in &folders {
            let candidate = folder.join(name);
            let Ok(real) = candidate.canonicalize() else { continue };
            let inside = folders.iter().filter_map(|f| f.canonicalize().ok()).any(|f| real.starts_with(f));
            if !inside && !self.allow_outside {
                return Err(Unreadable::Outside);
            }
            if !real.is_file() {
                return Err(Unreadable::Other("it is no regular file".into()));
            }
            return Ok(candidate);
        }
        Err(Unreadable::NotFound { looked_in: folders })
    }

    fn locate_all(&self, from: &Path, name: &str) -> Result<Vec<(String, PathBuf)>, Unreadable> {
        match self.locate(from, name) {
            Err(Unreadable::NotFound { looked_in }) if is_pattern(name) => {
                for folder in &looked_in {
                    let found = self.matching(folder, name, &looked_in)?;
                    if !found.is_empty() {
                        return Ok(found);
                    }
                }
                Err(Unreadable::NotFound { looked_in })
            }
            found => found.map(|path| vec![(name.to_owned(), path)]),
        }
    }

    fn place(&self, from: &Path, name: &str) -> Result<PathBuf, Unreadable> {
        let folders = self.folders(from);
        let path = folders[0].join(name);
        if name.contains('\0') {
            return Err(Unreadable::Other("a path holds a NUL character".into()));
        }
        if path.file_name().is_none() || path.is_dir() {
            return Err(Unreadable::Other("it is no file".into()));
        }
        // What is there already may be a link to elsewhere; what is not is judged by its folder.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let there = path.symlink_metadata().is_ok();
        let real = if there { path.canonicalize() } else { folder.canonicalize() };
        let inside = |real: &Path| folders.iter().filter_map(|f| f.canonicalize().ok()).any(|f| real.starts_with(f));
        match real {
            Ok(real) if self.allow_outside || inside(&real) => Ok(path),
            Err(_) if self.allow_outside || !Path::new(name).is_absolute() => {
                Err(Unreadable::NotFound { looked_in: vec![folder.to_owned()] })
            }
            _ => Err(Unreadable::Outside),
        }
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

fn unreadable(error: &std::io::Error, path: &Path) -> Unreadable {
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            Unreadable::NotFound { looked_in: path.parent().map(Path::to_owned).into_iter().collect() }
        }
        _ => Unreadable::Other(error.to_string()),
    }
}

/// A world in which the spec at `path` has this text, whether it is there or not.
pub struct Edited<'a> {
    pub world: &'a dyn World,
    pub path: &'a Path,
    pub text: Arc<str>,
}

impl World for Edited<'_> {
    fn spec(&self, path: &Path) -> Result<Arc<str>, Unreadable> {
        if path == self.path { Ok(self.text.clone()) } else { self.world.spec(path) }
    }

    fn include(&self, main: &Path, path: &Path) -> Result<Arc<str>, Unreadable> {
        self.world.include(main, path)
    }

    fn locate(&self, from: &Path, name: &str) -> Result<PathBuf, Unreadable> {
        self.world.locate(from, name)
    }

    fn locate_all(&self, from: &Path, name: &str) -> Result<Vec<(String, PathBuf)>, Unreadable> {
        self.world.locate_all(from, name)
    }

    fn place(&self, from: &Path, name: &str) -> Result<PathBuf, Unreadable> {
        self.world.place(from, name)
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.world.variable(name)
    }
}
