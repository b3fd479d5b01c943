//! From files to a table: opens them, finds the columns, settles what is open, and reads the rows.

use std::fs::Metadata;
use std::ops::ControlFlow;

use super::cell::{Fault, Row, Source, excerpt};
use super::columns::{Builder, Rules};
use super::container::{self, Container};
use super::delimited::Delimited;
use super::error::{Budget, IngestError, Result};
use super::workbook::Workbook;
use super::{
    Detection, FileFacts, Format, Header, InputFile, Limits, Loaded, Refusal, Request, Schema, headers, sample,
};
use crate::progress::Progress;
use crate::table::Table;

pub(super) fn schema(file: &InputFile, format: &Format) -> Result<Schema> {
    let (source, _) = open(file, format, &Limits::default(), &[])?;
    let header = source.has_header();
    let headers = if header { source.headers().to_vec() } else { headers::numbered(source.headers().len()) };
    let (sheet, sheets) = match source.sheets() {
        Some((sheet, sheets)) => (Some(sheet.to_owned()), sheets.to_vec()),
        None => (None, Vec::new()),
    };
    Ok(Schema { headers, header, sheet, sheets, detected: source.detected() })
}

pub(super) fn check(file: &InputFile, request: &Request) -> Result<()> {
    let (source, _) = open(file, &request.format, &request.limits, &[])?;
    headers::locate(file, source.headers(), source.has_header(), &request.columns).map(|_| ())
}

pub(super) fn read(request: &Request, progress: &dyn Progress) -> Result<Loaded> {
    let wanted: Vec<&str> = request
        .columns
        .iter()
        .filter_map(|column| match &column.header {
            Header::Name(name) => Some(name.as_str()),
            Header::Position(_) => None,
        })
        .collect();
    let (mut sources, mut metadata, mut positions, mut found) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for file in &request.files {
        let (source, facts) = open(file, &request.format, &request.limits, &wanted)?;
        let (position, detected) = headers::locate(file, source.headers(), source.has_header(), &request.columns)?;
        sources.push(source);
        metadata.push(facts);
        positions.push(position);
        found.push(detected);
    }
    let findings = sample::look(request, &mut sources, &positions)?;
    let rules = Rules {
        marks: findings.marks,
        missing: request.format.missing.iter().map(|word| word.trim().to_owned()).collect(),
    };
    let columns = request.columns.iter().zip(findings.formats).enumerate();
    let builders: Vec<Builder> =
        columns.map(|(index, (column, formats))| Builder::new(index, column, formats)).collect();
    let mut loader =
        Loader { request, rules, builders, identity: Vec::new(), read: 0, refused: Vec::new(), scratch: String::new() };
    let mut files = Vec::new();
    for (index, file) in request.files.iter().enumerate() {
        let before = loader.read;
        let source = &mut sources[index];
        progress.start(&format!("reading {}", file.name), source.total());
        // The digest reads the file a second time, beside the rows, so that no reader has to hand its bytes on.
        let (visited, sha256) = std::thread::scope(|scope| {
            let sha256 = scope.spawn(|| container::digest(&file.path));
            let visited = source.visit(progress, &mut |row| loader.take(file, &positions[index], row));
            (visited, sha256.join())
        });
        visited?;
        let sha256 = sha256
            .unwrap_or_else(|_| Err(std::io::Error::other("its digest could not be computed")))
            .map_err(|error| container::unreadable(file, &error))?;
        unchanged(file, &metadata[index])?;
        let rows = loader.read - before;
        progress.finish(&format!("{rows} rows"));
        found[index].extend(source.detected());
        files.push(FileFacts { name: file.name.clone(), bytes: metadata[index].len(), sha256, rows });
    }
    let mut detected = merge(&request.files, found);
    detected.extend(findings.detected);
    let headers: Vec<&str> = match (sources.first(), positions.first()) {
        (Some(source), Some(positions)) => {
            positions.iter().map(|position| source.headers()[*position].as_str()).collect()
        }
        _ => vec![""; request.columns.len()],
    };
    Ok(loader.finish(&headers, detected, files))
}

fn open(file: &InputFile, format: &Format, limits: &Limits, wanted: &[&str]) -> Result<(Box<dyn Source>, Metadata)> {
    let (container, metadata) = container::identify(file, limits)?;
    let source: Box<dyn Source> = match container {
        Container::Text | Container::Gzip => Box::new(Delimited::open(file, &metadata, format, limits, wanted)?),
        Container::Xlsx | Container::Xlsb | Container::Xls | Container::Ods => {
            Box::new(Workbook::open(file, (container, &metadata), format, limits, wanted)?)
        }
        found => return Err(IngestError::WrongKind { file: file.name.clone(), found }),
    };
    Ok((source, metadata))
}

struct Loader<'r> {
    request: &'r Request,
    rules: Rules,
    builders: Vec<Builder>,
    /// Of the rows taken.
    identity: Vec<u128>,
    read: u64,
    refused: Vec<Refusal>,
    scratch: String,
}

impl Loader<'_> {
    /// Takes a row into the table or refuses it. The first cell that can't be read stands for its row.
    fn take(
        &mut self,
        file: &InputFile,
        positions: &[usize],
        row: std::result::Result<Row<'_>, Fault>,
    ) -> Result<ControlFlow<()>> {
        // Dictionary codes have 32 bits.
        let limit = self.request.limits.rows.min(u64::from(u32::MAX) - 1);
        if self.read == limit {
            return Err(IngestError::TooLarge { file: file.name.clone(), budget: Budget::Rows, limit, at: None });
        }
        self.read += 1;
        let refusal = |row, column, value, reason| Refusal { file: file.name.clone(), row, column, value, reason };
        let row = match row {
            Ok(row) => row,
            Err(Fault { number, value, reason }) => {
                self.refused.push(refusal(number, None, value, reason));
                return Ok(ControlFlow::Continue(()));
            }
        };
        for (index, (builder, &position)) in self.builders.iter_mut().zip(positions).enumerate() {
            let cell = row.cell(position);
            if let Err(reason) = builder.stage(cell, row.epoch, &self.rules) {
                let value = excerpt(cell.shown(row.epoch, &mut String::new()));
                self.refused.push(refusal(row.number, Some(index), value, reason.into_owned()));
                return Ok(ControlFlow::Continue(()));
            }
        }
        for (builder, &position) in self.builders.iter_mut().zip(positions) {
            builder.commit(row.cell(position), row.epoch, &self.rules);
        }
        if self.request.identity {
            self.identity.push(row.fingerprint(&mut self.scratch));
        }
        Ok(ControlFlow::Continue(()))
    }

    fn finish(self, headers: &[&str], mut detected: Vec<Detection>, files: Vec<FileFacts>) -> Loaded {
        let height = self.read as usize - self.refused.len();
        let mut columns = Vec::new();
        for (builder, header) in self.builders.into_iter().zip(headers) {
            let (column, found) = builder.finish(header, &self.rules);
            columns.push(column);
            detected.extend(found);
        }
        let identity = self.request.identity.then_some(self.identity);
        Loaded { table: Table { height, columns }, identity, read: self.read, refused: self.refused, detected, files }
    }
}

/// What was detected in each file as one list, without repetitions; of several files it says which one.
fn merge(files: &[InputFile], found: Vec<Vec<Detection>>) -> Vec<Detection> {
    let mut merged: Vec<Detection> = Vec::new();
    for (file, found) in files.iter().zip(found) {
        for mut detection in found {
            let same = |other: &&mut Detection| {
                (other.what, other.column, &other.value) == (detection.what, detection.column, &detection.value)
            };
            if let Some(other) = merged.iter_mut().find(same) {
                other.certain &= detection.certain;
                continue;
            }
            if files.len() > 1 {
                detection.evidence = format!("{}: {}", file.name, detection.evidence);
            }
            merged.push(detection);
        }
    }
    merged
}

fn unchanged(file: &InputFile, before: &Metadata) -> Result<()> {
    let after = std::fs::metadata(&file.path).map_err(|error| container::unreadable(file, &error))?;
    let same = after.len() == before.len() && after.modified().ok() == before.modified().ok();
    if same { Ok(()) } else { Err(IngestError::ChangedWhileReading { file: file.name.clone() }) }
}
