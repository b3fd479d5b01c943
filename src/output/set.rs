//! Several files that appear together: written beside their places under temporary names, then moved. A build that is
//! interrupted leaves the last good one untouched.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Files of one folder that belong together.
pub struct OutputSet {
    folder: PathBuf,
    /// Held while the set is open: two builds into one folder would mix their files.
    _lock: File,
    pending: Vec<Pending>,
    /// Files of an earlier build that this one does not have.
    obsolete: Vec<String>,
}

struct Pending {
    temporary: PathBuf,
    name: String,
}

/// What could not be written, and why.
#[derive(Debug)]
pub struct OutputError {
    pub path: PathBuf,
    pub reason: String,
    /// Whether files of the folder had been replaced before.
    pub partly_replaced: bool,
}

const LOCK: &str = ".segc.lock";
const TEMPORARY: &str = ".segc-tmp-";

impl OutputSet {
    /// Opens a folder, which is made when it is not there.
    pub fn open(folder: &Path) -> Result<OutputSet, OutputError> {
        let failed = |path: &Path, error: io::Error| OutputError {
            path: path.to_owned(),
            reason: error.to_string(),
            partly_replaced: false,
        };
        fs::create_dir_all(folder).map_err(|e| failed(folder, e))?;
        let path = folder.join(LOCK);
        let lock =
            OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(|e| failed(&path, e))?;
        lock.try_lock().map_err(|_| OutputError {
            path: folder.to_owned(),
            reason: "another build is writing to this folder".into(),
            partly_replaced: false,
        })?;
        // What a killed build left behind; nobody else writes here while the lock is held.
        for entry in fs::read_dir(folder).map_err(|e| failed(folder, e))?.flatten() {
            if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(OutputSet { folder: folder.to_owned(), _lock: lock, pending: vec![], obsolete: vec![] })
    }

    /// Adds a file with these bytes.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), OutputError> {
        self.add_with(name, |file| file.write_all(bytes).map_err(|e| e.to_string()))
    }

    /// Adds a file that `write` fills.
    pub fn add_with(
        &mut self,
        name: &str,
        write: impl FnOnce(&mut File) -> Result<(), String>,
    ) -> Result<(), OutputError> {
        let temporary = self.folder.join(format!("{TEMPORARY}{}-{name}", std::process::id()));
        let path = self.folder.join(name);
        let failed = |reason: String| OutputError { path, reason, partly_replaced: false };
        // `create_new` does not follow a link that somebody has put there.
        let mut file =
            OpenOptions::new().write(true).create_new(true).open(&temporary).map_err(|e| failed(e.to_string()))?;
        self.pending.push(Pending { temporary, name: name.to_owned() });
        let path = self.folder.join(name);
        let failed = |reason: String| OutputError { path, reason, partly_replaced: false };
        let written = write(&mut file).and_then(|()| file.sync_all().map_err(|e| e.to_string()));
        written.map_err(failed)
    }

    /// A file that an earlier build may have left and that is not true any more.
    pub fn without(&mut self, name: &str) {
        self.obsolete.push(name.to_owned());
    }

    /// The bytes of a file that was added, for its digest.
    pub fn bytes(&self, name: &str) -> io::Result<Vec<u8>> {
        let pending = self.pending.iter().find(|p| p.name == name);
        fs::read(&pending.ok_or(io::ErrorKind::NotFound)?.temporary)
    }

    /// Names of the files that were added, in order.
    pub fn names(&self) -> Vec<String> {
        self.pending.iter().map(|p| p.name.clone()).collect()
    }

    /// Moves all files to their places, the last one added last.
    pub fn commit(mut self) -> Result<(), OutputError> {
        let mut replaced = false;
        for pending in &self.pending {
            let path = self.folder.join(&pending.name);
            fs::rename(&pending.temporary, &path).map_err(|error| OutputError {
                path,
                reason: error.to_string(),
                partly_replaced: replaced,
            })?;
            replaced = true;
        }
        self.pending.clear();
        for name in &self.obsolete {
            let _ = fs::remove_file(self.folder.join(name));
        }
        // The renames reach the disk with the folder; not every system can sync one.
        if let Ok(folder) = File::open(&self.folder) {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

impl Drop for OutputSet {
    fn drop(&mut self) {
        for pending in &self.pending {
            let _ = fs::remove_file(&pending.temporary);
        }
    }
}

/// Puts a file in place as a whole, or leaves what is there; a link stays one, and permissions are kept.
pub fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let name = real.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    let temporary = real.with_file_name(format!("{TEMPORARY}{}-{name}", std::process::id()));
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).open(&temporary)?;
        file.write_all(bytes)?;
        if let Ok(old) = fs::metadata(&real) {
            file.set_permissions(old.permissions())?;
        }
        file.sync_all()?;
        fs::rename(&temporary, &real)
    };
    write().inspect_err(|_| {
        let _ = fs::remove_file(&temporary);
    })
}
