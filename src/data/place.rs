//! A file that appears under its name only when it is complete.

use std::fs::File;
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use super::DataError;

/// A temporary file in the folder where `path` will be; removed unless it is kept.
pub struct Pending {
    file: NamedTempFile,
    path: PathBuf,
}

impl Pending {
    pub fn new(path: &Path) -> Result<Pending, DataError> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = Builder::new();
        builder.prefix(".segc-").suffix(".part");
        // Temporary files are for their owner alone; this one becomes an ordinary file. The umask still applies.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.tempfile_in(folder).map_err(|reason| DataError::write("create", path, &reason))?;
        Ok(Pending { file, path: path.into() })
    }

    /// Where the file will be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file, from its start, apart from any handle taken before.
    pub fn reopen(&self) -> Result<File, DataError> {
        self.file.reopen().map_err(|reason| DataError::write("open", &self.path, &reason))
    }

    /// Bytes written so far.
    pub fn len(&self) -> Result<u64, DataError> {
        let facts = self.file.as_file().metadata();
        facts.map(|facts| facts.len()).map_err(|reason| DataError::write("read", &self.path, &reason))
    }

    /// Moves the file to its name, over what may be there.
    pub fn keep(self) -> Result<(), DataError> {
        let Pending { file, path } = self;
        let kept = file.as_file().sync_all().and_then(|()| file.persist(&path).map_err(|failed| failed.error));
        kept.map(drop).map_err(|reason| DataError::write("put in place", path, &reason))
    }
}
