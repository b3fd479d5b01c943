//! From the plan's scan to tables: asks the readers for what the spec declares, and turns what goes wrong into
//! diagnostics with the place in the spec and in the data.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::compile::Compiled;
use crate::diagnostics::render::place_in_words;
use crate::diagnostics::{self, Diagnostic, Place, suggest};
use crate::ingest::{
    self, ColumnRequest, Container, Delimiter, Detection, Format, IngestError, InputFile, Kind, Loaded, MissingColumn,
    Refusal, Request, Sheets,
};
use crate::plan::{Plan, Scan, ScanColumn};
use crate::profile::trade::{currency_of, may_mean};
use crate::progress::{Progress, Silent};
use crate::spec::{Column, Origin, Sheet, Source, Spec, Typed};
use crate::syntax::ast::{Header, Rows};
use crate::syntax::source::{Span, Spanned};
use crate::time::Unit;
use crate::types::Base;
use crate::world::{self, Unreadable, World};

pub mod postgres;
mod sqlite;

/// Files that take the place of those that a source names, by the name of the source.
pub type Instead = BTreeMap<String, Vec<InputFile>>;

/// Percent of rows beyond which nobody should be told how to do without them.
const HOPELESS: f64 = 20.0;
const CHECK_FILE: &str = "look whether this is the file that you mean, and whether it is whole";
/// Unreadable rows that are shown one by one.
const SHOWN: usize = 5;

/// What can be said of the data without running the spec: whether the headers fit and, where nothing is to be guessed,
/// what the rows leave open.
pub fn check(world: &dyn World, compiled: &Compiled) -> Vec<Diagnostic> {
    let found = check_headers(world, compiled);
    match &compiled.plan {
        Some(plan) if plan.scans().any(|scan| scan.format.strict) && found.is_empty() => {
            read(world, compiled, plan, &Instead::new(), &Silent).map_or_else(Vec::from, |(_, found)| found)
        }
        _ => found,
    }
}

/// Compares the headers of the files with the columns that the spec declares, without reading rows.
pub fn check_headers(world: &dyn World, compiled: &Compiled) -> Vec<Diagnostic> {
    let (Some(spec), Some(plan)) = (&compiled.spec, &compiled.plan) else { return vec![] };
    let located = match locate_all(world, compiled, spec, plan, &Instead::new()) {
        Ok(located) => located,
        Err(diagnostics) => return diagnostics,
    };
    let check = |(declared, request): &(Declared, Request)| -> Vec<Diagnostic> {
        if let Rows::Postgres { .. } = declared.source.rows {
            return postgres::check(world, declared, request, plan);
        }
        let found = request.files.iter().filter_map(|file| ingest::check(file, request).err());
        found.map(|error| diagnostic(&error, declared)).collect()
    };
    located.iter().flat_map(check).collect()
}

/// Source, name and digest of every file that the spec reads, as a build would find them. Rows of databases have none until
/// they are read.
pub fn digests(world: &dyn World, compiled: &Compiled) -> Result<Vec<(String, String, String)>, Vec<Diagnostic>> {
    let (Some(spec), Some(plan)) = (&compiled.spec, &compiled.plan) else { return Ok(vec![]) };
    let mut digests = vec![];
    for (declared, request) in locate_all(world, compiled, spec, plan, &Instead::new())? {
        for file in request.files {
            let digest = ingest::digest(&file.path).map_err(|error| {
                let problem = IngestError::Unreadable { file: file.name.clone(), reason: error.to_string() };
                vec![diagnostic(&problem, &declared)]
            })?;
            digests.push((declared.source.name.value.clone(), file.name, digest));
        }
    }
    Ok(digests)
}

/// Why the rows of the sources can't be used.
#[derive(Debug)]
pub struct Unusable {
    pub diagnostics: Vec<Diagnostic>,
    /// What could be read, each with the place of its source in [`Plan::scans`]; too many of its rows may be refused.
    pub read: Vec<(usize, Loaded)>,
}

impl From<Unusable> for Vec<Diagnostic> {
    fn from(unusable: Unusable) -> Vec<Diagnostic> {
        unusable.diagnostics
    }
}

impl From<Vec<Diagnostic>> for Unusable {
    fn from(diagnostics: Vec<Diagnostic>) -> Unusable {
        Unusable { diagnostics, read: vec![] }
    }
}

/// Reads the rows of every source, in the order of [`Plan::scans`]. Unreadable ones are refused; too many of them are an
/// error.
pub fn read(
    world: &dyn World,
    compiled: &Compiled,
    plan: &Plan,
    instead: &Instead,
    progress: &dyn Progress,
) -> Result<(Vec<Loaded>, Vec<Diagnostic>), Unusable> {
    let spec = compiled.spec.as_ref().expect("a plan is lowered from a spec");
    let (mut read, mut diagnostics) = (vec![], vec![]);
    let located = locate_all(world, compiled, spec, plan, instead)?;
    for (nth, (scan, (declared, request))) in plan.scans().zip(located).enumerate() {
        let loaded = match &scan.rows {
            Rows::Files(_) => ingest::read(&request, progress).map_err(|error| Box::new(diagnostic(&error, &declared))),
            Rows::Postgres { .. } => postgres::read(world, &declared, &request, plan, progress),
        };
        match loaded {
            Ok(loaded) => {
                let guesses = loaded.detected.iter().filter(|detection| !detection.certain);
                diagnostics.extend(guesses.map(|detection| guess(detection, scan.format.strict, &declared)));
                let others = loaded.detected.iter().filter_map(|detection| other_currency(detection, &declared));
                diagnostics.extend(others.map(|detection| guess(&detection, scan.format.strict, &declared)));
                diagnostics.extend(refusals(&loaded, scan, &declared));
                read.push((nth, loaded));
            }
            Err(diagnostic) => diagnostics.push(*diagnostic),
        }
    }
    match diagnostics::has_errors(&diagnostics) {
        true => Err(Unusable { diagnostics, read }),
        false => Ok((read.into_iter().map(|(_, loaded)| loaded).collect(), diagnostics)),
    }
}

/// Whether a file has the columns that a source declares, without reading its rows.
pub fn check_file(scan: &Scan, file: &InputFile) -> Result<(), IngestError> {
    ingest::check(file, &request(scan, vec![file.clone()]))
}

/// A source as the spec declares it, for what there is to say of its files and columns.
#[derive(Clone, Copy)]
struct Declared<'a> {
    spec: &'a Spec<Typed>,
    source: &'a Source,
}

impl<'a> Declared<'a> {
    /// A column by its place among those of the source.
    fn column(&self, index: usize) -> &'a Column<Typed> {
        &self.spec.columns[self.source.columns.start + index]
    }

    fn column_span(&self, column: Option<usize>) -> Span {
        column.map_or(self.head(), |i| self.column(i).name.span)
    }

    /// The head of the source block.
    fn head(&self) -> Span {
        self.source.name.span
    }

    /// The files that the source names.
    fn files(&self) -> &'a [Spanned<String>] {
        match &self.source.rows {
            Rows::Files(files) => files,
            Rows::Postgres { .. } => &[],
        }
    }

    /// The file with this name where the source names it, by itself or by a pattern, or else the place that says where rows come from.
    fn file_span(&self, name: Option<&str>) -> Span {
        match &self.source.rows {
            Rows::Files(files) => {
                let named = files.iter().find(|f| name.is_none_or(|name| world::is_meant(&f.value, name)));
                named.map_or(self.head(), |f| f.span)
            }
            Rows::Postgres { variable } => variable.span,
        }
    }

    /// What people call that which has the columns.
    fn noun(&self) -> &'static str {
        match (&self.source.rows, &self.source.format.query) {
            (_, Some(_)) => "query",
            (Rows::Files(_), None) => "file",
            (Rows::Postgres { .. }, None) => "table",
        }
    }
}

/// What to read for every source; the mistakes of all of them together.
fn locate_all<'a>(
    world: &dyn World,
    compiled: &Compiled,
    spec: &'a Spec<Typed>,
    plan: &Plan,
    instead: &Instead,
) -> Result<Vec<(Declared<'a>, Request)>, Vec<Diagnostic>> {
    let (mut located, mut diagnostics) = (vec![], vec![]);
    for (scan, source) in plan.scans().zip(&spec.sources) {
        let declared = Declared { spec, source };
        let known = instead.get(&scan.source).cloned();
        match known.map_or_else(|| locate(world, compiled, &declared), Ok) {
            Ok(files) => located.push((declared, request(scan, files))),
            Err(found) => diagnostics.extend(found),
        }
    }
    if diagnostics.is_empty() { Ok(located) } else { Err(diagnostics) }
}

/// Amounts that stand beside the sign of another currency than the one of the spec: nothing converts them.
fn other_currency(detection: &Detection, declared: &Declared) -> Option<Detection> {
    let currency = &declared.spec.currency.as_ref()?.value;
    let other = detection.what == "currency sign" && !may_mean(&detection.value, currency);
    other.then(|| Detection {
        what: "amounts in another currency",
        value: format!("`{}` is no sign of {currency}", detection.value),
        pin: currency_of(&detection.value).map_or(String::new(), |(code, _)| format!("currency {code}")),
        ..detection.clone()
    })
}

/// What to say of something that the data had to tell and did not tell for certain.
fn guess(detection: &Detection, strict: bool, declared: &Declared) -> Diagnostic {
    let Detection { what, column, value, evidence, pin, .. } = detection;
    let about = column.map_or(String::new(), |i| format!(" of column `{}`", declared.column(i).name.value));
    let text = match *what {
        "missing value" => format!("some cells{about} may stand for a missing value: {value}"),
        "sheet" | "delimiter" | "encoding" | "header" | "time zone" | "start of the table" | "end of the table"
        | "date format" | "decimal mark" | "thousands mark" => format!("the {what}{about} is a guess: {value}"),
        // What is there for all to see, but may be meant otherwise.
        _ => match column.map(|i| &declared.column(i).name.value) {
            Some(column) => format!("column `{column}` has {what}: {value}"),
            None => format!("there are {what}: {value}"),
        },
    };
    let (diagnostic, otherwise) = match strict {
        true => (Diagnostic::error("SEG0310", text), "mend the data, or do without `strict`"),
        false => (Diagnostic::warning("SEG0306", text), ""),
    };
    let help = if pin.is_empty() { otherwise.to_owned() } else { format!("settle it in the spec with `{pin}`") };
    let diagnostic = diagnostic.at(declared.column_span(*column), evidence.clone());
    if help.is_empty() { diagnostic } else { diagnostic.help(help) }
}

/// What there is to say of refused rows: a warning, or an error where the spec allows fewer.
fn refusals(loaded: &Loaded, scan: &Scan, declared: &Declared) -> Option<Diagnostic> {
    let first = loaded.refused.first()?;
    let refused = loaded.refused.len() as f64;
    let limit = scan.max_refused();
    let share = 100.0 * refused / loaded.read.max(1) as f64;
    let too_many = share > limit.as_f64();
    let text = format!(
        "{} of {} rows can't be read as declared ({share:.2} %, the spec allows {limit} %)",
        loaded.refused.len(),
        loaded.read
    );
    let shown = &loaded.refused[..loaded.refused.len().min(if too_many { SHOWN } else { 1 })];
    let column = first.column.filter(|i| loaded.refused.iter().all(|r| r.column == Some(*i)));
    let totals = loaded.refused.iter().all(|refusal| refusal.reason.starts_with("looks like a total"));
    let below = loaded.detected.iter().find(|d| totals && d.what == "end of the table");
    let (diagnostic, help) = match (too_many, column) {
        (false, _) => (
            Diagnostic::warning("SEG0303", text),
            "all of them are listed in `rejects.csv` beside the report".to_owned(),
        ),
        (true, Some(i)) if share > HOPELESS => {
            let name = &declared.column(i).name.value;
            let help = format!("declare the column otherwise, for example `{name}: text`, or mend the data");
            (Diagnostic::error("SEG0303", text), help)
        }
        (true, _) if let Some(below) = below => {
            let help = format!("leave out what stands below the table with `{}`", below.pin);
            (Diagnostic::error("SEG0303", text), help)
        }
        (true, _) if share > HOPELESS => (Diagnostic::error("SEG0303", text), "mend the data".to_owned()),
        (true, _) => {
            let help = format!("mend the data, or allow more with `max_refused {}%` in the source", share.ceil());
            (Diagnostic::error("SEG0303", text), help)
        }
    };
    Some(refused_rows(diagnostic, shown, scan, declared).help(help))
}

/// Adds the places of refused rows, the first as that of the diagnostic, and where their columns are declared.
fn refused_rows(diagnostic: Diagnostic, shown: &[Refusal], scan: &Scan, declared: &Declared) -> Diagnostic {
    let place = |refusal: &Refusal| Place {
        file: refusal.file.clone(),
        row: Some(refusal.row),
        column: refusal.column.map(|i| declared.column(i).name.value.clone()),
        value: Some(refusal.value.clone()),
    };
    let mut diagnostic = diagnostic.in_data(place(&shown[0]));
    for (nth, refusal) in shown.iter().enumerate() {
        let known =
            shown[..nth].iter().find(|other| (other.column, &other.reason) == (refusal.column, &refusal.reason));
        if known.is_none() {
            let kind = |i: usize| format!("declared as {}; ", kind(&scan.columns[i]).word());
            let kind = refusal.column.map_or(String::new(), kind);
            diagnostic = diagnostic.at(declared.column_span(refusal.column), format!("{kind}{}", refusal.reason));
        }
        if nth > 0 {
            diagnostic = diagnostic.note(place_in_words(&place(refusal)));
        }
    }
    diagnostic
}

/// Where the data files of a spec are, as far as they are found.
pub fn files(world: &dyn World, compiled: &Compiled) -> Vec<PathBuf> {
    let Some(spec) = &compiled.spec else { return vec![] };
    let named = spec.sources.iter().flat_map(|source| Declared { spec, source }.files());
    named
        .filter_map(|file| world.locate_all(&compiled.path, &file.value).ok())
        .flatten()
        .map(|(_, path)| path)
        .collect()
}

/// The files that the patterns of a spec stand for, as far as they are found: each pattern with the names.
pub fn patterns(world: &dyn World, compiled: &Compiled) -> Vec<(String, Vec<String>)> {
    let Some(spec) = &compiled.spec else { return vec![] };
    let named = spec.sources.iter().flat_map(|source| Declared { spec, source }.files());
    let meant = named.filter(|file| world::is_pattern(&file.value)).filter_map(|file| {
        let found = world.locate_all(&compiled.path, &file.value).ok()?;
        Some((file.value.clone(), found.into_iter().map(|(name, _)| name).collect()))
    });
    meant.collect()
}

fn locate(world: &dyn World, compiled: &Compiled, declared: &Declared) -> Result<Vec<InputFile>, Vec<Diagnostic>> {
    let mut found: Vec<InputFile> = vec![];
    let mut diagnostics = vec![];
    for file in declared.files() {
        match world.locate_all(&compiled.path, &file.value) {
            Ok(files) => {
                let again = files.iter().find(|(_, path)| found.iter().any(|known| known.path == *path));
                diagnostics.extend(again.map(|(name, _)| read_twice(name, file, declared)));
                found.extend(files.into_iter().map(|(name, path)| InputFile { name, path }));
            }
            Err(problem) => diagnostics.push(not_located(&problem, file)),
        }
    }
    if diagnostics.is_empty() { Ok(found) } else { Err(diagnostics) }
}

/// Rows of a file that is read twice would count twice.
fn read_twice(name: &str, file: &Spanned<String>, declared: &Declared) -> Diagnostic {
    let first = declared.file_span(Some(name));
    let mut diagnostic = Diagnostic::error(
        "SEG0331",
        format!("`{name}` would be read twice, and its rows count twice"),
    )
    .at(file.span, if file.value == name { "the second time".to_owned() } else { format!("means `{name}` too") });
    if first != file.span {
        diagnostic = diagnostic.at(first, "the first time");
    }
    diagnostic.help("name every file once; a pattern names all files that fit it")
}

fn not_located(problem: &Unreadable, file: &Spanned<String>) -> Diagnostic {
    let name = &file.value;
    let folders = |looked_in: &[PathBuf]| {
        let folders: Vec<String> = looked_in.iter().map(|f| f.display().to_string()).collect();
        format!("looked in {}", folders.join(", "))
    };
    let diagnostic = match problem {
        Unreadable::Outside => {
            let text = match world::is_pattern(name) {
                true => format!("`{name}` finds a file outside the spec's folder and the data folders"),
                false => format!("`{name}` lies outside the spec's folder and the data folders"),
            };
            return Diagnostic::error("SEG0307", text)
                .at(file.span, "outside")
                .help("name its folder with `--data FOLDER`, or allow it with `--allow-outside`");
        }
        Unreadable::NotFound { looked_in } => {
            let text = match world::is_pattern(name) {
                true => format!("no data file fits `{name}`"),
                false => format!("there is no data file `{name}`"),
            };
            Diagnostic::error("SEG0301", text).note(folders(looked_in))
        }
        problem if world::is_pattern(name) => {
            return Diagnostic::error("SEG0301", format!("`{name}` can't be looked for: {problem}"))
                .at(file.span, "this pattern")
                .help("`*` stands for any text, `?` for one sign, `[0-9]` for one of several");
        }
        problem => Diagnostic::error("SEG0301", format!("`{name}` can't be read: {problem}")),
    };
    let diagnostic = diagnostic
        .at(file.span, "not found")
        .help("name the folder that has it with `--data FOLDER` or the variable SEGC_DATA");
    match name.starts_with("online_retail") {
        true => diagnostic.note("`segc data get online-retail` fetches the public workbook"),
        false => diagnostic,
    }
}

fn request(scan: &Scan, files: Vec<InputFile>) -> Request {
    let format = &scan.format;
    let columns = scan
        .columns
        .iter()
        .map(|column| ColumnRequest {
            name: column.name.clone(),
            header: match &column.header {
                Header::Name(name) => ingest::Header::Name(name.clone()),
                Header::Position(n) => ingest::Header::Position(*n),
            },
            kind: kind(column),
            dates: if column.dates.is_empty() && column.base.is_time() {
                format.dates.clone()
            } else {
                column.dates.clone()
            },
        })
        .collect();
    Request {
        files,
        format: Format {
            delimiter: format.delimiter.as_deref().map(|d| match d {
                "whitespace" => Delimiter::Whitespace,
                "tab" => Delimiter::Byte(b'\t'),
                d => Delimiter::Byte(d.bytes().next().unwrap_or(b',')),
            }),
            encoding: format.encoding.clone(),
            decimal: format.decimal,
            thousands: format.thousands,
            header: format.header,
            skip: format.skip,
            footer: format.footer,
            sheets: sheets(&format.sheets),
            range: format.range.as_ref().and_then(|range| range.parse().ok()),
            hidden: format.hidden,
            fill_merged: format.fill_merged,
            missing: format.missing.clone(),
            timezone: format.timezone.as_ref().map(|zone| zone.value.clone()),
            table: format.table.as_ref().map(|table| table.value.clone()),
            query: format.query.as_ref().map(|query| query.value.clone()),
            timeout: format.timeout.as_ref().map(|timeout| Duration::from_millis(timeout.value)),
        },
        columns,
        identity: scan.identity,
        places: scan.places,
        limits: ingest::Limits::default(),
    }
}

fn sheets(stated: &[Spanned<Sheet>]) -> Sheets {
    let one = |sheet: &Spanned<Sheet>| match &sheet.value {
        Sheet::Name(name) => Some(ingest::Sheet::Name(name.clone())),
        Sheet::Number(number) => Some(ingest::Sheet::Number(*number)),
        Sheet::All => None,
    };
    match stated {
        [] => Sheets::Unstated,
        stated => stated.iter().map(one).collect::<Option<_>>().map_or(Sheets::All, Sheets::These),
    }
}

fn kind(column: &ScanColumn) -> Kind {
    match column.base {
        Base::Id => Kind::Id,
        Base::Int => Kind::Int,
        Base::Number => Kind::Number,
        Base::Money => Kind::Money,
        Base::Share => Kind::Share,
        Base::Date => Kind::Date,
        Base::Datetime => Kind::Datetime,
        Base::Bool => Kind::Bool,
        Base::Duration => Kind::Span(column.unit.unwrap_or(Unit::Days)),
        _ => Kind::Text,
    }
}

fn diagnostic(error: &IngestError, declared: &Declared) -> Diagnostic {
    let file_span = |name: &str| declared.file_span(Some(name));
    let header_span = |column: usize| match &declared.column(column).origin {
        Origin::Source { header, .. } => header.span,
        Origin::Derived(_) => declared.column(column).name.span,
    };
    let text = error.to_string();
    match error {
        IngestError::MissingColumns { file, missing, headers, header } => {
            let mut diagnostic = Diagnostic::error("SEG0302", format!("`{file}` does not have every declared column"));
            for column in missing {
                let near = column.near.first();
                let label =
                    near.map_or(format!("not in the {}", declared.noun()), |near| format!("did you mean `{near}`?"));
                diagnostic = diagnostic.at(header_span(column.column), label);
            }
            if let Some(rows @ 1..) = declared.source.format.skip {
                let note =
                    format!("it was looked for below what `skip {rows}` leaves out; rows that are empty do not count");
                diagnostic = diagnostic.note(note);
            }
            let first = missing.first().and_then(|m| m.near.first().map(|near| (m.column, near)));
            if let [only] = headers.as_slice()
                && let Some(mark) = delimiter_within(only, missing)
            {
                return diagnostic
                    .note(format!("its first line is `{only}`, one column"))
                    .help(format!("write `delimiter {:?}`", mark.to_string()));
            }
            if let (false, Some(first)) = (header, missing.first()) {
                let column = declared.column(first.column);
                let Origin::Source { type_name, .. } = &column.origin else {
                    return diagnostic_plain(text, declared);
                };
                return diagnostic.note("its first row is like those below it, so there is no header").help(format!(
                    "name the columns by number, for example `{}: {} = column 1`",
                    column.name.value, type_name.value
                ));
            }
            diagnostic.help(match first {
                Some((column, near)) => {
                    let column = declared.column(column);
                    let Origin::Source { type_name, .. } = &column.origin else {
                        return diagnostic_plain(text, declared);
                    };
                    format!("write `{}: {} = {}`", column.name.value, type_name.value, header_as_written(near))
                }
                None => format!("the {} has {}", declared.noun(), suggest::list(headers.iter().map(String::as_str))),
            })
        }
        IngestError::DuplicateHeader { column, positions, .. } => {
            let position = positions.first().copied().unwrap_or(1);
            let wanted = declared.column(*column);
            let type_name = match &wanted.origin {
                Origin::Source { type_name, .. } => type_name.value.as_str(),
                Origin::Derived(_) => "text",
            };
            Diagnostic::error("SEG0308", text)
                .at(header_span(*column), "which one?")
                .help(format!("name it by position: `{}: {type_name} = column {position}`", wanted.name.value))
        }
        IngestError::MissingSheet { sheet, near, sheets, .. } => {
            let is_it = |stated: &&Spanned<Sheet>| match (&stated.value, sheet) {
                (Sheet::Name(name), ingest::Sheet::Name(missing)) => name == missing,
                (Sheet::Number(number), ingest::Sheet::Number(missing)) => number == missing,
                _ => false,
            };
            let span = declared.source.format.sheets.iter().find(is_it).map_or(declared.head(), |s| s.span);
            let name = near.first().or(sheets.first());
            let diagnostic = Diagnostic::error("SEG0305", text).at(span, "not in the workbook");
            match name {
                Some(name) => diagnostic.help(format!("write `sheet \"{name}\"`")),
                None => diagnostic,
            }
        }
        IngestError::NotFound { file } => {
            Diagnostic::error("SEG0301", text).at(file_span(file), "not found").help("check the name and the folder")
        }
        IngestError::BadDateFormat { column, .. } => Diagnostic::error("SEG0209", text)
            .at(declared.column(*column).name.span, "its dates")
            .help("formats are those of strftime: `dates \"%d/%m/%Y %H:%M\"`"),
        IngestError::UnknownEncoding { near, .. } => Diagnostic::error("SEG0209", text)
            .at(declared.head(), "in this source")
            .help(near.first().map_or("write for example `encoding \"windows-1252\"`".to_owned(), |n| {
                format!("write `encoding \"{n}\"`")
            })),
        IngestError::BadMarks { .. } => Diagnostic::error("SEG0209", text)
            .at(declared.head(), "in this source")
            .help("write for example `decimal \",\"` and `thousands \".\"`"),
        IngestError::OptionDoesNotFit { option, .. } => {
            let sheet = declared.source.format.sheets.first().filter(|_| *option == "sheet");
            Diagnostic::error("SEG0304", text)
                .at(sheet.map_or(declared.head(), |s| s.span), "in this source")
                .help(format!("remove the line with `{option}`"))
        }
        IngestError::NoValues { column, .. } => Diagnostic::error("SEG0315", text)
            .at(column.map_or(declared.file_span(None), &header_span), "can't be read")
            .help(match column {
                Some(_) => "leave this column out, or export what is in it as columns of their own",
                None => "`duplicate` compares all columns: name those that count, `duplicate on invoice, product`",
            }),
        IngestError::Database { failure, .. } => sqlite::diagnostic(text, failure, declared),
        IngestError::ZoneOfAFile { .. } => {
            let zone = declared.source.format.timezone.as_ref();
            Diagnostic::error("SEG0209", text)
                .at(zone.map_or(declared.head(), |zone| zone.span), "only of a database")
                .help("write `timezone \"UTC\"`, or export the times as those of a place, without a zone")
        }
        IngestError::TooLarge { .. } => Diagnostic::error("SEG0328", text)
            .at(declared.file_span(None), "more than segc takes")
            .help("let the file have fewer rows or smaller ones"),
        IngestError::Damaged { file, at, .. } => Diagnostic::error("SEG0304", text.clone())
            .at(file_span(file), "this file")
            .in_data(Place { file: file.clone(), row: *at, column: None, value: None })
            .help(CHECK_FILE),
        IngestError::WrongKind { file, found } => {
            Diagnostic::error("SEG0304", text).at(file_span(file), "this file").help(instead_of(*found))
        }
        IngestError::OpenQuote { file, line, .. } => Diagnostic::error("SEG0304", text)
            .at(file_span(file), "this file")
            .in_data(Place { file: file.clone(), row: Some(*line), column: None, value: None })
            .help("close the quote on that line, or double it (`\"\"`) where it is part of the text"),
        _ => diagnostic_plain(text, declared),
    }
}

/// The mark that parts a header into columns that are wanted.
fn delimiter_within(header: &str, missing: &[MissingColumn]) -> Option<char> {
    let names = |mark: char| header.split(mark).map(|name| name.trim().to_lowercase()).collect::<Vec<_>>();
    let wanted = |name: &String| {
        missing.iter().any(|m| matches!(&m.header, ingest::Header::Name(header) if header.to_lowercase() == *name))
    };
    let mut marks = header.chars().filter(|c| c.is_ascii() && !c.is_ascii_alphanumeric() && !matches!(c, '"' | '\\'));
    marks
        .find(|mark| names(*mark).iter().any(wanted))
        .or_else(|| header.chars().find(|c| matches!(c, ',' | ';' | '\t' | '|')))
}

/// What to do with a file that is no table.
pub fn instead_of(found: Container) -> &'static str {
    match found {
        Container::Encrypted => "open it in a spreadsheet program and save it without a password",
        Container::Html
        | Container::Xml
        | Container::Json
        | Container::Pdf
        | Container::Rtf
        | Container::Document
        | Container::Image => "export the table as CSV or XLSX where it comes from",
        Container::Utf32 => "save it as UTF-8",
        Container::Zip | Container::Bzip2 | Container::Xz | Container::SevenZip => {
            "unpack it and name the file that is in it"
        }
        _ => CHECK_FILE,
    }
}

fn diagnostic_plain(text: String, declared: &Declared) -> Diagnostic {
    Diagnostic::error("SEG0304", text).at(declared.file_span(None), "this file").help(CHECK_FILE)
}

/// A header as the grammar wants it: in quotes where it is not a name.
fn header_as_written(header: &str) -> String {
    let plain = header.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && header.chars().all(|c| c.is_alphanumeric() || c == '_');
    if plain { header.to_owned() } else { format!("{header:?}") }
}
