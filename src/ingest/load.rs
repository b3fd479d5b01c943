//! From files to a table: opens them, finds the columns, settles what is open, and reads the rows.

use std::borrow::Cow;
use std::fs::Metadata;
use std::ops::ControlFlow;

use super::cell::{Cell, Fault, Row, Source, excerpt, visit_above};
use super::columns::{Builder, Rules, is_missing};
use super::container::{self, Container};
use super::decimal::{Decimal, Marks};
use super::delimited::Delimited;
use super::error::{Budget, IngestError, Result};
use super::parquet::ParquetRows;
use super::sqlite::SqliteRows;
use super::times::DateFormat;
use super::totals::{self, Sign};
use super::workbook::Workbook;
use super::{
    Detection, FileFacts, Format, Header, InputFile, Kind, Left, Limits, Loaded, Places, Refusal, Request, Schema,
    headers, options, sample,
};
use crate::progress::Progress;
use crate::table::Table;

pub(super) fn schema(file: &InputFile, format: &Format) -> Result<Schema> {
    let (sources, _) = open(file, format, &Limits::default(), &[])?;
    let source = sources.first().expect("a file has a table, or opening it is an error");
    let header = source.has_header();
    let headers = if header { source.headers().to_vec() } else { headers::numbered(source.headers().len()) };
    let (sheet, sheets) = match source.sheets() {
        Some((sheet, sheets)) => (Some(sheet.to_owned()), sheets.to_vec()),
        None => (None, Vec::new()),
    };
    let all: Vec<usize> = (0..source.headers().len()).collect();
    Ok(Schema { headers, header, sheet, sheets, detected: source.detected(&all) })
}

pub(super) fn check(file: &InputFile, request: &Request) -> Result<()> {
    let (sources, _) = open(file, &request.format, &request.limits, &wanted(request))?;
    sources.into_iter().try_for_each(|mut source| {
        let (positions, _) = locate(source.as_ref(), request)?;
        choose(source.as_mut(), &positions, request)
    })
}

pub(super) fn read(request: &Request, progress: &dyn Progress) -> Result<Loaded> {
    let (mut sources, mut parts, mut found) = (Vec::new(), Vec::new(), Vec::new());
    let mut metadata = Vec::new();
    for (index, file) in request.files.iter().enumerate() {
        let (opened, facts) = open(file, &request.format, &request.limits, &wanted(request))?;
        metadata.push(facts);
        for mut source in opened {
            let (positions, detected) = locate(source.as_ref(), request)?;
            choose(source.as_mut(), &positions, request)?;
            parts.push(Part {
                nth: parts.len(),
                file: index,
                name: source.name().to_owned(),
                headers: source.has_header().then(|| source.headers().to_vec()),
                database: source.is_database(),
                positions,
                order: None,
            });
            sources.push(source);
            found.push(detected);
        }
    }
    if request.identity {
        common_order(&mut parts);
    }
    let positions: Vec<&[usize]> = parts.iter().map(|part| part.positions.as_slice()).collect();
    let findings = sample::look(request, &mut sources, &positions)?;
    let mut loader =
        Loader::new(request, vec![findings.marks; request.columns.len()], findings.mark_settled, findings.formats);
    let footer = request.format.footer.unwrap_or(0);
    let mut files = Vec::new();
    for (index, file) in request.files.iter().enumerate() {
        let before = loader.read;
        // The digest reads the file a second time, beside the rows, so that no reader has to hand its bytes on.
        let (visited, sha256) = std::thread::scope(|scope| {
            let sha256 = scope.spawn(|| container::digest(&file.path));
            let mut visited = Ok(());
            for (part, source) in parts.iter().zip(&mut sources).filter(|(part, _)| part.file == index) {
                progress.start(&format!("reading {}", part.name), source.total());
                let start = loader.read;
                loader.tail = Tail::default();
                visited = visit_above(source.as_mut(), footer, progress, &mut |row| loader.take(part, row));
                if visited.is_err() {
                    break;
                }
                loader.end(&part.name);
                progress.finish(&format!("{} rows", loader.read - start));
                found[part.nth].extend(loader.tail.detected().filter(|_| request.format.footer.is_none()));
            }
            (visited, sha256.join())
        });
        visited?;
        let sha256 = sha256
            .unwrap_or_else(|_| Err(std::io::Error::other("its digest could not be computed")))
            .map_err(|error| container::unreadable(file, &error))?;
        unchanged(file, &metadata[index])?;
        let rows = loader.read - before;
        files.push(FileFacts { name: file.name.clone(), bytes: metadata[index].len(), sha256, rows });
    }
    let mut detected = Vec::new();
    for ((part, source), mut found) in parts.iter().zip(&sources).zip(found) {
        found.extend(source.detected(&part.positions));
        detected.push((part.name.as_str(), found));
    }
    let mut detected = merge(detected);
    detected.extend(findings.detected);
    let headers: Vec<&str> = match (sources.first(), parts.first()) {
        (Some(source), Some(part)) => {
            part.positions.iter().map(|position| source.headers()[*position].as_str()).collect()
        }
        _ => vec![""; request.columns.len()],
    };
    Ok(loader.finish(&headers, detected, files))
}

fn locate(source: &dyn Source, request: &Request) -> Result<(Vec<usize>, Vec<Detection>)> {
    headers::locate(source.name(), source.headers(), source.has_header(), &request.columns)
}

/// Has the source look at the columns that are asked for, and at all others where rows are compared by all of them.
fn choose(source: &mut dyn Source, positions: &[usize], request: &Request) -> Result<()> {
    let all: Vec<usize> = (0..source.headers().len()).collect();
    let looked_at = if request.identity { &all } else { positions };
    for position in positions.iter().chain(looked_at) {
        if let Some(what) = source.other_than_values(*position) {
            let column = positions.iter().position(|other| other == position);
            let (file, header) = (source.name().to_owned(), source.headers()[*position].clone());
            return Err(IngestError::NoValues { file, column, header, what: what.to_owned() });
        }
    }
    source.choose(looked_at);
    Ok(())
}

fn wanted(request: &Request) -> Vec<&str> {
    (request.columns.iter())
        .filter_map(|column| match &column.header {
            Header::Name(name) => Some(name.as_str()),
            Header::Position(_) => None,
        })
        .collect()
}

/// The tables of a file: one, or one for each sheet that the format names.
pub(super) fn open(
    file: &InputFile,
    format: &Format,
    limits: &Limits,
    wanted: &[&str],
) -> Result<(Vec<Box<dyn Source>>, Metadata)> {
    let (container, metadata) = container::identify(file, limits)?;
    options::check(format, file, container)?;
    let sources: Vec<Box<dyn Source>> = match container {
        Container::Text | Container::Gzip | Container::Zstd => {
            vec![Box::new(Delimited::open(file, &metadata, format, limits, wanted)?)]
        }
        Container::Xlsx | Container::Xlsb | Container::Xls | Container::Ods => {
            Workbook::open(file, (container, &metadata), format, limits, wanted)?
        }
        Container::Parquet => vec![Box::new(ParquetRows::open(file, format, limits)?)],
        Container::Sqlite => vec![Box::new(SqliteRows::open(file, format, limits)?)],
        found => return Err(IngestError::WrongKind { file: file.name.clone(), found }),
    };
    Ok((sources, metadata))
}

/// A table of a file, and where it has what the request asks for.
pub(super) struct Part {
    /// Its place among the parts, and that of its file among the files.
    nth: usize,
    file: usize,
    pub name: String,
    /// Where the first row is a header.
    headers: Option<Vec<String>>,
    /// Whether every row is a row of data.
    database: bool,
    positions: Vec<usize>,
    /// Where its columns are in the order of the first table; nothing where that is its own order.
    order: Option<Vec<Option<usize>>>,
}

/// Gives every part the columns of all parts in one order, so that equal rows have equal fingerprints. Columns are the
/// same if their headers are, without regard to case; of several alike, the first is the first.
fn common_order(parts: &mut [Part]) {
    if parts.len() < 2 || parts.iter().any(|part| part.headers.is_none()) {
        return;
    }
    let keys = |part: &Part| {
        let headers = part.headers.as_deref().unwrap_or_default();
        let lower: Vec<String> = headers.iter().map(|header| header.to_lowercase()).collect();
        let nth = |at: usize| lower[..at].iter().filter(|other| **other == lower[at]).count();
        (0..lower.len()).map(|at| (lower[at].clone(), nth(at))).collect::<Vec<_>>()
    };
    let mut all: Vec<(String, usize)> = Vec::new();
    for part in parts.iter() {
        let new: Vec<_> = keys(part).into_iter().filter(|key| !all.contains(key)).collect();
        all.extend(new);
    }
    for part in parts {
        let own = keys(part);
        let order: Vec<Option<usize>> = all.iter().map(|key| own.iter().position(|other| other == key)).collect();
        // A part whose columns come first and in this order needs no look-up for each cell.
        let as_it_is = order.iter().enumerate().all(|(at, column)| *column == (at < own.len()).then_some(at));
        part.order = (!as_it_is).then_some(order);
    }
}

/// Takes rows into columns or refuses them.
pub(super) struct Loader<'r> {
    request: &'r Request,
    /// Per column.
    rules: Vec<Rules>,
    builders: Vec<Builder>,
    /// Of the rows taken.
    identity: Vec<u128>,
    places: Places,
    read: u64,
    left: Vec<Left>,
    refused: Vec<Refusal>,
    tail: Tail,
    scratch: String,
}

/// What the last rows of a table were.
#[derive(Default)]
struct Tail {
    /// Rows from a refused total on, none of them taken, and the number of the first.
    totals: u32,
    first: u64,
    /// The first cell of the row that was taken last, if it is no figure, and the number of the row.
    taken: String,
    row: u64,
}

impl<'r> Loader<'r> {
    /// `marks` and `formats` have one entry per requested column.
    pub fn new(request: &'r Request, marks: Vec<Marks>, mark_settled: bool, formats: Vec<Vec<DateFormat>>) -> Self {
        let missing: Vec<String> = request.format.missing.iter().map(|word| word.trim().to_owned()).collect();
        let rules = marks.into_iter().map(|marks| Rules { marks, mark_settled, missing: missing.clone() }).collect();
        let columns = request.columns.iter().zip(formats).enumerate();
        let builders = columns.map(|(index, (column, formats))| Builder::new(index, column, formats)).collect();
        Loader {
            request,
            rules,
            builders,
            identity: vec![],
            places: Places::default(),
            read: 0,
            left: vec![],
            refused: vec![],
            tail: Tail::default(),
            scratch: String::new(),
        }
    }

    /// Takes a row into the table or refuses it. The first cell that can't be read stands for its row.
    pub fn take(&mut self, part: &Part, row: std::result::Result<Row<'_>, Fault>) -> Result<ControlFlow<()>> {
        self.count(&part.name, 1)?;
        match self.judge(part, &row) {
            None => {
                let row = row.ok().expect("a row that can't be taken apart was refused");
                let columns = self.builders.iter_mut().zip(&self.rules);
                for ((builder, rules), &position) in columns.zip(&part.positions) {
                    builder.commit(row.cell(position), row.epoch, rules);
                }
                if self.request.identity {
                    self.identity.push(row.fingerprint(part.order.as_deref(), &mut self.scratch));
                }
                if self.request.places {
                    self.places.push(row.number);
                }
            }
            Some(refusal) => self.refused.push(refusal),
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Stages a row, or says why it is refused.
    fn judge(&mut self, part: &Part, row: &std::result::Result<Row<'_>, Fault>) -> Option<Refusal> {
        let refusal = |row, column, value, reason: Cow<str>| {
            Some(Refusal { file: part.name.clone(), row, column, value, reason: reason.into_owned() })
        };
        let row = match row {
            Ok(row) => row,
            Err(Fault { number, value, reason }) => {
                let first = value.split([',', ';', '\t', '|']).next().unwrap_or_default();
                let total = self.looks_for_totals(part) && totals::sign(first) == Some(Sign::Whole);
                self.tail.refused(*number, total);
                let reason = if total { format!("looks like a total, and has {reason}").into() } else { reason.into() };
                return refusal(*number, None, value.clone(), reason);
            }
        };
        if self.is_total(part, row) {
            self.tail.refused(row.number, true);
            let value = excerpt(row.first_cell().shown(row.epoch, &mut String::new()));
            return refusal(row.number, None, value, "looks like a total: cells beside this word are empty".into());
        }
        if part.repeats_header(row) {
            self.tail.refused(row.number, false);
            let value = excerpt(row.first_cell().shown(row.epoch, &mut String::new()));
            return refusal(row.number, None, value, "repeats the header".into());
        }
        for (index, (builder, &position)) in self.builders.iter_mut().zip(&part.positions).enumerate() {
            let cell = row.cell(position);
            if let Err(reason) = builder.stage(cell, row.epoch, &self.rules[index]) {
                self.tail.refused(row.number, false);
                builder.refuse(cell);
                let value = excerpt(cell.shown(row.epoch, &mut String::new()));
                return refusal(row.number, Some(index), value, reason);
            }
        }
        if !part.database {
            self.tail.taken(row);
        }
        None
    }

    /// Unless the spec says that no rows stand below the table, or none can.
    fn looks_for_totals(&self, part: &Part) -> bool {
        self.request.format.footer != Some(0) && !part.database
    }

    /// Whether the first cell is a word for a total and cells that are asked for are empty.
    fn is_total(&self, part: &Part, row: &Row) -> bool {
        if !self.looks_for_totals(part) {
            return false;
        }
        let Some(first) = word(row) else { return false };
        // Words for a missing value are the same for all columns.
        let missing = |position: &usize| self.rules.first().is_some_and(|rules| is_missing(row.cell(*position), rules));
        if !part.positions.iter().any(missing) {
            return false;
        }
        // What tells a purchase from its neighbours; the group that is summed up may stand in one of them.
        let tells = |kind: Kind| matches!(kind, Kind::Id | Kind::Text | Kind::Date | Kind::Datetime);
        let mut others = (self.request.columns.iter().zip(&part.positions))
            .filter(|(column, position)| tells(column.kind) && row.cell(**position) != Cell::Text(first))
            .peekable();
        match totals::sign(first) {
            None => false,
            Some(Sign::Whole) => true,
            Some(Sign::Ending) => others.peek().is_some() && others.all(|(_, position)| missing(position)),
        }
    }

    /// Rows that count as read though they never come here: their source has judged them.
    pub fn judged_elsewhere(&mut self, file: &str, left: Left) -> Result<()> {
        self.count(file, left.rows)?;
        self.left.push(left);
        Ok(())
    }

    /// The column gets as many decimals as `cell` has, and room for it, as if a row had had it.
    pub fn reserve(&mut self, column: usize, cell: Decimal) {
        self.builders[column].reserve(cell);
    }

    /// Rows so far.
    pub fn read(&self) -> u64 {
        self.read
    }

    /// All rows since the file before are of this one.
    pub fn end(&mut self, name: &str) {
        self.places.end(name);
    }

    fn count(&mut self, file: &str, rows: u64) -> Result<()> {
        // Dictionary codes have 32 bits.
        let limit = self.request.limits.rows.min(u64::from(u32::MAX) - 1);
        self.read += rows;
        if self.read > limit {
            return Err(IngestError::TooLarge { file: file.to_owned(), budget: Budget::Rows, limit, at: None });
        }
        Ok(())
    }

    pub fn finish(self, headers: &[&str], mut detected: Vec<Detection>, files: Vec<FileFacts>) -> Loaded {
        let elsewhere: u64 = self.left.iter().map(|left| left.rows).sum();
        let height = (self.read - elsewhere) as usize - self.refused.len();
        let mut columns = Vec::new();
        for ((builder, rules), header) in self.builders.into_iter().zip(&self.rules).zip(headers) {
            let (column, found) = builder.finish(header, rules);
            columns.push(column);
            detected.extend(found);
        }
        Loaded {
            table: Table { height, columns },
            identity: self.request.identity.then_some(self.identity),
            places: self.request.places.then_some(self.places),
            read: self.read,
            left: self.left,
            refused: self.refused,
            detected,
            files,
        }
    }
}

impl Part {
    /// A table that is no file: its columns are where they are.
    pub fn alone(name: &str, positions: Vec<usize>) -> Part {
        Part { nth: 0, file: 0, name: name.to_owned(), headers: None, database: true, positions, order: None }
    }

    fn repeats_header(&self, row: &Row) -> bool {
        let Some(headers) = self.headers.as_ref().filter(|_| !self.database) else { return false };
        // The first column that is asked for tells, nearly always.
        self.positions.iter().all(|position| row.has(*position, headers)) && row.repeats(headers)
    }
}

impl Tail {
    fn refused(&mut self, row: u64, total: bool) {
        self.taken.clear();
        if self.totals > 0 {
            self.totals += 1;
        } else if total {
            (self.totals, self.first) = (1, row);
        }
    }

    fn taken(&mut self, row: &Row) {
        self.totals = 0;
        self.taken.clear();
        if let Some(first) = word(row).filter(|first| first.len() <= 64) {
            self.taken.push_str(first);
            self.row = row.number;
        }
    }

    /// What a spec should say of the rows at the end of a table.
    fn detected(&self) -> Option<Detection> {
        let (count, evidence) = match (self.totals, totals::sign(&self.taken)) {
            (0, None) => return None,
            (0, Some(_)) => (1, format!("row {} starts with `{}`, and was read as all others", self.row, self.taken)),
            (count, _) => (count, format!("row {} looks like a total, and was refused", self.first)),
        };
        let value = if count == 1 { "above the last row".to_owned() } else { format!("above the last {count} rows") };
        let pin = format!("footer {count}");
        Some(Detection { what: "end of the table", column: None, value, evidence, pin, certain: false })
    }
}

/// The first cell of a row if it is text and no figure from beginning to end, as most are.
fn word<'r>(row: &'r Row) -> Option<&'r str> {
    match row.first_cell() {
        Cell::Text(text) => {
            let bytes = text.as_bytes();
            let figure = bytes[0].is_ascii_digit() && bytes[bytes.len() - 1].is_ascii_digit();
            (!figure).then_some(text)
        }
        _ => None,
    }
}

/// What was detected in each part as one list, without repetitions; of several it says which one.
pub(super) fn merge(found: Vec<(&str, Vec<Detection>)>) -> Vec<Detection> {
    let (several, mut merged) = (found.len() > 1, Vec::<Detection>::new());
    for (name, found) in found {
        for mut detection in found {
            let same = |other: &&mut Detection| {
                (other.what, other.column, &other.value) == (detection.what, detection.column, &detection.value)
            };
            if let Some(other) = merged.iter_mut().find(same) {
                other.certain &= detection.certain;
                continue;
            }
            if several {
                detection.evidence = format!("{name}: {}", detection.evidence);
            }
            merged.push(detection);
        }
    }
    merged
}

pub(super) fn unchanged(file: &InputFile, before: &Metadata) -> Result<()> {
    let after = std::fs::metadata(&file.path).map_err(|error| container::unreadable(file, &error))?;
    let same = after.len() == before.len() && after.modified().ok() == before.modified().ok();
    if same { Ok(()) } else { Err(IngestError::ChangedWhileReading { file: file.name.clone() }) }
}
