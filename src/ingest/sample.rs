//! Looks at the rows before they are read, for what the spec leaves open: how dates are written, and which mark is the
//! decimal one. It goes on past its first rows for as long as these leave a doubt, at most through all of them.

use std::ops::ControlFlow;

use super::cell::{Cell, Source, visit_above};
use super::decimal::Marks;
use super::error::{IngestError, Result};
use super::marks::MarkEvidence;
use super::shapes::Shapes;
use super::times::DateFormat;
use super::{Detection, Kind, Request};
use crate::progress::Silent;

/// What the rows told.
pub(super) struct Findings {
    pub marks: Marks,
    /// Whether the decimal mark is stated, or what it is reported as a guess.
    pub mark_settled: bool,
    /// One list per requested column, stated or detected.
    pub formats: Vec<Vec<DateFormat>>,
    pub detected: Vec<Detection>,
}

/// Rows of every file that are looked at in any case.
const ROWS: u64 = 1000;

/// `positions` has a list per source: where each requested column lies.
pub(super) fn look(request: &Request, sources: &mut [Box<dyn Source>], positions: &[&[usize]]) -> Result<Findings> {
    let stated = stated_marks(request)?;
    let mut formats = stated_formats(request)?;
    let mut shapes: Vec<Option<Shapes>> = request
        .columns
        .iter()
        .map(|column| (is_time(column.kind) && column.dates.is_empty()).then(Shapes::default))
        .collect();
    let mut evidence = MarkEvidence::default();
    let numbers = stated.is_none() && request.columns.iter().any(|column| is_number(column.kind));
    let footer = request.format.footer.unwrap_or(0);
    for (source, positions) in sources.iter_mut().zip(positions) {
        if !numbers && shapes.iter().all(Option::is_none) {
            break;
        }
        let mut rows = 0;
        visit_above(source.as_mut(), footer, &Silent, &mut |row| {
            rows += 1;
            if let Ok(row) = row {
                for ((column, &position), shapes) in request.columns.iter().zip(*positions).zip(&mut shapes) {
                    match (row.cell(position), shapes) {
                        (Cell::Empty, _) => {}
                        (Cell::Text(text), _) if text.trim().is_empty() => {}
                        (Cell::Text(text), Some(shapes)) => shapes.observe(text, row.number, 1),
                        (_, Some(shapes)) => shapes.observe_typed(),
                        (Cell::Text(text), None) if is_number(column.kind) => evidence.observe(text, column.kind, 1),
                        (_, None) => {}
                    }
                }
            }
            let settled =
                rows >= ROWS && (!numbers || evidence.settled()) && shapes.iter().flatten().all(Shapes::settled);
            Ok(if settled { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
    }
    let mut detected = Vec::new();
    for (index, shapes) in shapes.iter().enumerate() {
        let Some(shapes) = shapes else { continue };
        let (Some(source), Some(positions)) = (sources.first(), positions.first()) else { continue };
        let header = &source.headers()[positions[index]];
        if let Some((found, detection)) = shapes.verdict(index, &request.columns[index], header) {
            formats[index] = found.iter().filter_map(|format| DateFormat::new(format).ok()).collect();
            detected.push(detection);
        }
    }
    let (marks, mark_settled) = match stated {
        Some(marks) => (marks, true),
        None => {
            let (decimal, detection) = evidence.verdict(sources.iter().any(|source| source.hints_at_decimal_comma()));
            let reported = detection.as_ref().is_some_and(|detection| !detection.certain);
            detected.extend(detection);
            (Marks { decimal, thousands: request.format.thousands }, reported)
        }
    };
    Ok(Findings { marks, mark_settled, formats, detected })
}

/// The marks as the spec has them; a stated `.` or `,` for thousands leaves the other one for decimals.
pub(super) fn stated_marks(request: &Request) -> Result<Option<Marks>> {
    let (decimal, thousands) = (request.format.decimal, request.format.thousands);
    let good = decimal.is_none_or(|mark| matches!(mark, '.' | ','))
        && thousands.is_none_or(super::decimal::is_group_mark)
        && (decimal.is_none() || decimal != thousands);
    if !good {
        return Err(IngestError::BadMarks { decimal, thousands });
    }
    let implied = match thousands {
        Some('.') => Some(','),
        Some(',') => Some('.'),
        _ => None,
    };
    Ok(decimal.or(implied).map(|decimal| Marks { decimal, thousands }))
}

pub(super) fn stated_formats(request: &Request) -> Result<Vec<Vec<DateFormat>>> {
    let compile = |column: usize, format: &String| {
        DateFormat::new(format).map_err(|reason| IngestError::BadDateFormat { column, format: format.clone(), reason })
    };
    let columns = request.columns.iter().enumerate();
    columns.map(|(index, column)| column.dates.iter().map(|format| compile(index, format)).collect()).collect()
}

fn is_time(kind: Kind) -> bool {
    matches!(kind, Kind::Date | Kind::Datetime)
}

fn is_number(kind: Kind) -> bool {
    matches!(kind, Kind::Int | Kind::Number | Kind::Money | Kind::Share | Kind::Span(_))
}
