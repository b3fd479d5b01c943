//! Headers: whether a file has them, and which column a request means.

use super::error::{IngestError, MissingColumn, Result, near_misses};
use super::{ColumnRequest, Detection, Format, Header};

/// Rows of titles that are looked through for a header below them.
pub(super) const MOST_TITLES: usize = 30;

/// A row at the beginning of a source, trimmed cell by cell.
pub(super) struct Sampled {
    /// From 1, as rows are numbered in messages.
    pub number: u64,
    pub cells: Vec<String>,
}

/// Where a table begins.
pub(super) struct Top {
    /// Rows above the first one of the table.
    pub titles: usize,
    /// Whether the first row is a header.
    pub header: bool,
    pub detected: Vec<Detection>,
}

/// Finds the first row of the table among `rows`, which stand below those that the spec skips, and says whether it is
/// a header. `wanted` are the headers that the request names.
pub(super) fn find_top(format: &Format, rows: &[Sampled], wanted: &[&str]) -> Top {
    let (mut titles, mut detected) = (0, Vec::new());
    if format.skip.is_none() && format.header != Some(false) {
        let top = &rows[..rows.len().min(MOST_TITLES + 1)];
        let named = |row: &Sampled| self::named(&row.cells, wanted);
        let most = top.iter().map(named).max().unwrap_or(0);
        let certain = most > 0 && most == wanted.len();
        let found = match most {
            0 => by_shape(rows).map(|at| (at, "the first row that is filled as those below it are")),
            _ => {
                top.iter().position(|row| named(row) == most).map(|at| (at, "the first row with the names of columns"))
            }
        };
        if let Some((at, why)) = found.filter(|(at, _)| *at > 0) {
            titles = at;
            let rows_above = if at == 1 { "1 row above it".to_owned() } else { format!("{at} rows above it") };
            let evidence = format!("{why} is row {}", rows[at].number);
            let pin = format!("skip {at}");
            detected.push(Detection {
                what: "start of the table",
                column: None,
                value: rows_above,
                evidence,
                pin,
                certain,
            });
        }
    }
    let Some((first, rest)) = rows[titles..].split_first() else {
        return Top { titles, header: true, detected };
    };
    let (header, headless) = decide(format.header, &first.cells, rest, wanted);
    if let Some(evidence) = headless {
        let (value, pin) = ("no".to_owned(), "header no".to_owned());
        detected.push(Detection { what: "header", column: None, value, evidence, pin, certain: false });
    }
    Top { titles, header, detected }
}

/// How many of the wanted headers stand in a row.
pub(super) fn named(cells: &[String], wanted: &[&str]) -> usize {
    wanted.iter().filter(|name| cells.iter().any(|cell| alike(cell, name))).count()
}

/// Titles have few cells, in words; the table below them has many.
fn by_shape(rows: &[Sampled]) -> Option<usize> {
    let filled = |row: &Sampled| row.cells.iter().filter(|cell| !cell.is_empty()).count();
    let most = rows.iter().map(filled).max().filter(|most| *most > 2)?;
    let at = rows.iter().position(|row| 2 * filled(row) > most).filter(|at| *at <= MOST_TITLES)?;
    let in_words =
        |row: &Sampled| row.cells.iter().find(|cell| !cell.is_empty()).is_none_or(|cell| !looks_like_data(cell));
    rows[..at].iter().all(in_words).then_some(at)
}

/// Whether the first row is a header and, where that is guessed to be wrong, why.
///
/// A first row is data if some column has numbers in all rows, the first included, and no column has numbers in all
/// rows but the first.
fn decide(stated: Option<bool>, first: &[String], rest: &[Sampled], wanted: &[&str]) -> (bool, Option<String>) {
    match stated {
        Some(stated) => return (stated, None),
        None if named(first, wanted) > 0 => return (true, None),
        None => {}
    }
    let numbers_below = |column: usize| {
        let mut cells = rest.iter().filter_map(|row| row.cells.get(column)).filter(|cell| !cell.is_empty()).peekable();
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

/// The position of every requested column, from 0.
///
/// A header is matched as it is; if there is none, without regard to case and to blanks around it, which is reported.
pub(super) fn locate(
    name: &str,
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
                let (file, header) = (name.to_owned(), header.clone());
                return Err(IngestError::DuplicateHeader { file, column, header, positions });
            }
        }
    }
    if missing.is_empty() {
        return Ok((positions, detected));
    }
    let headers = if has_header { headers.to_vec() } else { numbered(headers.len()) };
    Err(IngestError::MissingColumns { file: name.to_owned(), missing, headers, header: has_header })
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
