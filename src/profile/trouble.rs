//! Why a file can't be looked at, for somebody who has no spec yet.

use crate::database::sqlite::Failure;
use crate::diagnostics::{Diagnostic, Place, suggest};
use crate::ingest::{IngestError, InputFile};
use crate::inputs::instead_of;

/// The error in words, with what to type instead.
pub fn diagnostic(error: &IngestError, file: &InputFile) -> Diagnostic {
    let text = error.to_string();
    match error {
        IngestError::NotFound { .. } => {
            let diagnostic = Diagnostic::error("SEG0301", text);
            match neighbour(file) {
                Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                None => diagnostic.help("check the name and the folder"),
            }
        }
        IngestError::MissingSheet { near, sheets, .. } => {
            let diagnostic = Diagnostic::error("SEG0305", text);
            match near.first().or(sheets.first()) {
                Some(name) => diagnostic.help(format!("write `--sheet {name:?}`")),
                None => diagnostic,
            }
        }
        IngestError::Damaged { file, at, .. } => Diagnostic::error("SEG0304", text)
            .in_data(Place { file: file.clone(), row: *at, column: None, value: None })
            .help("look whether the file is whole: get it once more, or open and save it in the program it is from"),
        IngestError::OpenQuote { file, line, .. } => Diagnostic::error("SEG0304", text)
            .in_data(Place { file: file.clone(), row: Some(*line), column: None, value: None })
            .help("close the quote on that line, or double it (`\"\"`) where it is part of the text"),
        IngestError::TooLarge { .. } => {
            Diagnostic::error("SEG0328", text).help("give a file with fewer rows, or smaller ones")
        }
        IngestError::Database { failure: Failure::TooLong { .. }, .. } => {
            Diagnostic::error("SEG0328", text).help("export the rows as CSV or Parquet, and look at these")
        }
        IngestError::Database { failure: Failure::WhichTable { tables }, .. } => {
            let diagnostic = Diagnostic::error("SEG0304", text);
            match tables.first() {
                Some(table) => diagnostic.help(format!("name one, for example `--table {table:?}`")),
                None => diagnostic.help("give a file with rows and columns"),
            }
        }
        IngestError::Database { failure: Failure::NoTable { near, tables, .. }, .. } => {
            let diagnostic = Diagnostic::error("SEG0325", text);
            match near.first() {
                Some(near) => diagnostic.help(format!("write `--table {near:?}`")),
                None => diagnostic.help(format!("it has {}", suggest::list(tables.iter().map(String::as_str)))),
            }
        }
        IngestError::Database { failure: Failure::Unfinished { .. }, .. } => {
            Diagnostic::error("SEG0316", text).help("close the program that writes to it, and look again")
        }
        IngestError::OptionDoesNotFit { option, .. } => {
            Diagnostic::error("SEG0304", text).help(format!("leave out `--{option}`"))
        }
        IngestError::WrongKind { found, .. } => Diagnostic::error("SEG0304", text).help(instead_of(*found)),
        _ => Diagnostic::error("SEG0304", text).help("give a file with rows and columns, for example an export as CSV"),
    }
}

/// A file beside the missing one whose name is nearly the same.
fn neighbour(file: &InputFile) -> Option<String> {
    let folder = file.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(".".as_ref());
    let wanted = file.path.file_name()?.to_string_lossy().into_owned();
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let near = suggest::nearest(&wanted, names.iter().map(String::as_str))?;
    Some(file.path.with_file_name(near).display().to_string())
}
