//! Headers: whether a file has them, and which column a request means.

use super::error::{IngestError, MissingColumn, Result, near_misses};
use super::{ColumnRequest, Detection, Header, InputFile};

/// Whether the first row is a header and, where that is guessed to be wrong, why.
///
/// A first row is data if some column has numbers in all rows, the first included, and no column has numbers in all
/// rows but the first.
pub(super) fn decide(
    stated: Option<bool>,
    first: &[String],
    rest: &[Vec<String>],
    wanted: &[&str],
) -> (bool, Option<String>) {
    let asked_for = |cell: &String| wanted.iter().any(|name| name.trim().eq_ignore_ascii_case(cell));
    match stated {
        Some(stated) => return (stated, None),
        None if first.iter().any(asked_for) => return (true, None),
        None => {}
    }
    let numbers_below = |column: usize| {
        let mut cells = rest.iter().filter_map(|row| row.get(column)).filter(|cell| !cell.is_empty()).peekable();
        cells.peek().is_some() && cells.all(|cell| looks_like_data(cell))
    };
    let columns = (0..first.len()).filter(|column| numbers_below(*column));
    let (data, names): (Vec<usize>, Vec<usize>) = columns.partition(|column| looks_like_data(&first[*column]));
    match data.first() {
        Some(&column) if names.is_empty() => {
            (false, Some(format!("the first row has `{}`, a value like those below it", first[column])))
        }
        _ => (true, None),
    }
}

pub(super) fn no_header(evidence: String) -> Detection {
    let (value, pin) = ("no".to_owned(), "header no".to_owned());
    Detection { what: "header", column: None, value, evidence, pin, certain: false }
}

/// The position of every requested column, from 0.
///
/// A header is matched as it is; if there is none, without regard to case and to blanks around it, which is reported.
pub(super) fn locate(
    file: &InputFile,
    headers: &[String],
    has_header: bool,
    columns: &[ColumnRequest],
) -> Result<(Vec<usize>, Vec<Detection>)> {
    let (mut positions, mut missing, mut detected) = (Vec::new(), Vec::new(), Vec::new());
    for (index, column) in columns.iter().enumerate() {
        let found: Vec<usize> = match &column.header {
            Header::Position(position) => {
                (*position as usize).checked_sub(1).filter(|position| *position < headers.len()).into_iter().collect()
            }
            Header::Name(name) => {
                let exact = matching(headers, |header| header == name.trim());
                if exact.is_empty() { matching(headers, |header| alike(header, name)) } else { exact }
            }
        };
        match (found.as_slice(), &column.header) {
            ([], header) => {
                let near = match header {
                    Header::Name(name) => near_misses(name, headers.iter().map(String::as_str)),
                    Header::Position(_) => Vec::new(),
                };
                missing.push(MissingColumn { column: index, header: header.clone(), near });
            }
            (&[position], header) => {
                positions.push(position);
                if let Header::Name(name) = header
                    && headers[position] != name.trim()
                {
                    detected.push(Detection {
                        what: "header",
                        column: Some(index),
                        value: headers[position].clone(),
                        evidence: format!("the spec has `{name}`, the file `{}`", headers[position]),
                        pin: line(column, &headers[position]),
                        certain: true,
                    });
                }
            }
            (several, header) => {
                let (Header::Name(header), column) = (header, index) else { continue };
                let positions = several.iter().map(|position| *position as u32 + 1).collect();
                let (file, header) = (file.name.clone(), header.clone());
                return Err(IngestError::DuplicateHeader { file, column, header, positions });
            }
        }
    }
    if missing.is_empty() {
        return Ok((positions, detected));
    }
    let headers = if has_header { headers.to_vec() } else { numbered(headers.len()) };
    Err(IngestError::MissingColumns { file: file.name.clone(), missing, headers, header: has_header })
}

/// Names for columns that have none.
pub(super) fn numbered(width: usize) -> Vec<String> {
    (1..=width).map(|number| format!("column {number}")).collect()
}

/// How a spec declares a column, e.g. `at: datetime = InvoiceDate`.
pub(super) fn line(column: &ColumnRequest, header: &str) -> String {
    let plain = header.chars().all(|c| c.is_alphanumeric() || c == '_') && header.starts_with(char::is_alphabetic);
    let header = if plain { header.to_owned() } else { format!("\"{}\"", header.replace('"', "\\\"")) };
    format!("{}: {} = {header}", column.name, column.kind.word())
}

fn matching(headers: &[String], wanted: impl Fn(&str) -> bool) -> Vec<usize> {
    headers.iter().enumerate().filter(|(_, header)| wanted(header)).map(|(position, _)| position).collect()
}

fn alike(header: &str, name: &str) -> bool {
    header.to_lowercase() == name.trim().to_lowercase() && !header.is_empty()
}

/// A number, a date or a time: digits, and hardly any letters.
fn looks_like_data(cell: &str) -> bool {
    let digits = cell.chars().filter(char::is_ascii_digit).count();
    let letters = cell.chars().filter(|c| c.is_alphabetic()).count();
    digits > 0 && (letters == 0 || (digits >= 8 && letters <= 2))
}
