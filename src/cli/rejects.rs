//! The list of rows that could not be read, where `--rejects` asks for it.

use std::path::Path;

use super::write_file;
use crate::build::{Failed, SourceRead};
use crate::diagnostics::Diagnostic;
use crate::output::{Texts, csv};

/// Writes the list, with no rows in it where all could be read.
pub(super) fn list(path: Option<&Path>, sources: &[SourceRead], texts: Texts) -> Result<(), Vec<Diagnostic>> {
    path.map_or(Ok(()), |path| write_file(path, &csv::rejects(sources, texts)))
}

/// Why a command failed. Too many refused rows are a reason, of which the message shows the first only: the list has all
/// of them, and the message says where it is, or how to get it.
pub(super) fn of_failed(failed: Failed, path: Option<&Path>, texts: Texts) -> Vec<Diagnostic> {
    let Failed { mut diagnostics, sources } = failed;
    let listed = list(path, &sources, texts);
    let note = match path {
        Some(path) => format!("all of them are listed in `{}`", path.display()),
        None => "`--rejects FILE` lists all of them".to_owned(),
    };
    if listed.is_ok() {
        let refused = diagnostics.iter_mut().filter(|found| found.code == "SEG0303" && found.is_error());
        refused.for_each(|found| found.notes.push(note.clone()));
    }
    diagnostics.extend(listed.err().into_iter().flatten());
    diagnostics
}
