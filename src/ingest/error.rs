//! Why a source can't be read at all. Every error is data, so that the caller can make a diagnostic of it.

use std::fmt;

use super::{Container, Header, Sheet};
use crate::database::sqlite::Failure;

/// `file` is always the logical name.
#[derive(Debug, Clone, PartialEq)]
pub enum IngestError {
    NotFound {
        file: String,
    },
    /// A folder, a device or a pipe.
    NotAFile {
        file: String,
    },
    /// The operating system says why.
    Unreadable {
        file: String,
        reason: String,
    },
    /// Its size or time of change was another after reading than before.
    ChangedWhileReading {
        file: String,
    },
    /// Not even a header.
    Empty {
        file: String,
    },
    WrongKind {
        file: String,
        found: Container,
    },
    /// The right kind of file, but broken: cut off, or not following its format. `at` is a line or row.
    Damaged {
        file: String,
        reason: String,
        at: Option<u64>,
    },
    /// A quote that opens on `line`, in the header, is never closed.
    OpenQuote {
        file: String,
        line: u64,
    },
    UnknownEncoding {
        label: String,
        near: Vec<String>,
    },
    /// Formats of dates that can't be used, by column of the request.
    BadDateFormat {
        column: usize,
        format: String,
        reason: String,
    },
    /// The decimal mark is neither `.` nor `,`, or the same as the thousands mark.
    BadMarks {
        decimal: Option<char>,
        thousands: Option<char>,
    },
    /// An option of the spec that means nothing for this kind of file: `sheet`, `range`, `delimiter`, `encoding`.
    OptionDoesNotFit {
        file: String,
        option: &'static str,
        found: Container,
    },
    /// All requested columns that the file does not have, and the headers it has.
    MissingColumns {
        file: String,
        missing: Vec<MissingColumn>,
        headers: Vec<String>,
        header: bool,
    },
    /// The header of a requested column stands over several columns; positions from 1.
    DuplicateHeader {
        file: String,
        column: usize,
        header: String,
        positions: Vec<u32>,
    },
    MissingSheet {
        file: String,
        sheet: Sheet,
        near: Vec<String>,
        sheets: Vec<String>,
    },
    /// A column whose rows hold no single value, as in nested Parquet files, and what they hold. `column` is missing
    /// where it is not asked for, but belongs to the identity of a row.
    NoValues {
        file: String,
        column: Option<usize>,
        header: String,
        what: String,
    },
    /// A SQLite file does not give its rows, and why.
    Database {
        file: String,
        failure: Failure,
    },
    /// Times of the whole world in a file are read in UTC alone.
    ZoneOfAFile {
        file: String,
        zone: String,
    },
    TooLarge {
        file: String,
        budget: Budget,
        limit: u64,
        at: Option<u64>,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct MissingColumn {
    /// Index into the requested columns.
    pub column: usize,
    pub header: Header,
    /// Headers that are spelt alike, the nearest first.
    pub near: Vec<String>,
}

/// Which of [`super::Limits`] was crossed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    Inflated,
    Record,
    Columns,
    Rows,
    WholeWorkbook,
    HeldCells,
    SharedStrings,
    Cells,
    Merged,
}

pub(super) type Result<T> = std::result::Result<T, IngestError>;

/// Candidates spelt like `word`, the nearest first, at most three.
pub(super) fn near_misses<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let plain = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    let wanted = plain(word);
    let allowed = (wanted.chars().count() / 3).clamp(1, 3);
    let mut near: Vec<(usize, &str)> = candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &plain(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= allowed && !candidate.is_empty())
        .collect();
    near.sort_by_key(|(distance, _)| *distance);
    near.into_iter().take(3).map(|(_, candidate)| candidate.to_owned()).collect()
}

impl std::error::Error for IngestError {}

impl fmt::Display for IngestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use IngestError::*;
        match self {
            NotFound { file } => write!(f, "there is no file `{file}`"),
            NotAFile { file } => write!(f, "`{file}` is not a regular file"),
            Unreadable { file, reason } => write!(f, "`{file}` can't be read: {reason}"),
            ChangedWhileReading { file } => write!(f, "`{file}` changed while it was read"),
            Empty { file } => write!(f, "`{file}` has no rows, not even a header"),
            WrongKind { file, found: Container::Encrypted } => {
                write!(f, "`{file}` is protected by a password: what is in it can't be read")
            }
            WrongKind { file, found } => write!(f, "`{file}` is {found}, not a file of rows that segc reads"),
            Damaged { file, reason, at: None } => write!(f, "`{file}` is damaged: {reason}"),
            Damaged { file, reason, at: Some(at) } => write!(f, "`{file}` is damaged at row {at}: {reason}"),
            OpenQuote { file, line } => write!(f, "the quote opened on line {line} of `{file}` is never closed"),
            UnknownEncoding { label, .. } => write!(f, "there is no encoding `{label}`"),
            BadDateFormat { format, reason, .. } => write!(f, "the date format `{format}` can't be used: {reason}"),
            BadMarks { decimal, thousands } => {
                let show = |mark: &Option<char>| mark.map_or("none".to_owned(), |mark| format!("`{mark}`"));
                write!(f, "decimal mark {} does not go with thousands mark {}", show(decimal), show(thousands))
            }
            OptionDoesNotFit { file, option, found } => {
                write!(f, "`{option}` means nothing for `{file}`: it is {found}")
            }
            MissingColumns { file, missing, headers, .. } => {
                let missing: Vec<String> = missing.iter().map(|missing| missing.header.to_string()).collect();
                write!(f, "`{file}` has no {}; it has `{}`", missing.join(", no "), headers.join("`, `"))
            }
            DuplicateHeader { file, header, positions, .. } => {
                let positions: Vec<String> = positions.iter().map(u32::to_string).collect();
                write!(f, "`{header}` stands over columns {} of `{file}`", positions.join(" and "))
            }
            MissingSheet { file, sheet, sheets, .. } => {
                let sheet = match sheet {
                    Sheet::Name(name) => format!("sheet `{name}`"),
                    Sheet::Number(number) => format!("sheet number {number}"),
                };
                write!(f, "`{file}` has no {sheet}; it has `{}`", sheets.join("`, `"))
            }
            NoValues { file, header, what, .. } => {
                write!(f, "column `{header}` of `{file}` has {what}, not one value")
            }
            Database { file, failure } => write!(f, "`{file}` can't be read: {failure}"),
            ZoneOfAFile { file, zone } => write!(f, "times of `{file}` can be read in UTC, not in `{zone}`"),
            TooLarge { file, budget, limit, at } => {
                let what = match budget {
                    Budget::Inflated => "bytes when unpacked",
                    Budget::Record => "bytes in one record",
                    Budget::Columns => "columns",
                    Budget::Rows => "rows",
                    Budget::WholeWorkbook => "bytes for a workbook of this kind",
                    Budget::HeldCells => "cells between the first and the last of a workbook of this kind",
                    Budget::SharedStrings => "bytes of text in the workbook",
                    Budget::Cells => "cells in one sheet",
                    Budget::Merged => "areas of merged cells in one sheet",
                };
                write!(f, "`{file}` is too large: more than {limit} {what}")?;
                at.map_or(Ok(()), |at| write!(f, ", at row {at}"))
            }
        }
    }
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Header::Name(name) => write!(f, "column `{name}`"),
            Header::Position(position) => write!(f, "column number {position}"),
        }
    }
}
