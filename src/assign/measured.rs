//! Tables with one row per customer and the model's features as columns, under the headings of `segments.csv` or the
//! bare names of the features.

use std::collections::BTreeMap;

use super::{Assigner, Found, Rows};
use crate::build::{Failed, SourceRead};
use crate::database::sqlite::Failure;
use crate::diagnostics::{Diagnostic, Place, has_errors, suggest};
use crate::exec::customers::{Feature, Values};
use crate::exec::place::{Lacking, Measured};
use crate::ingest::{
    self, ColumnRequest, Format, Header, IngestError, InputFile, Kind, Loaded, MissingColumn, Request,
};
use crate::output::csv::as_it_was;
use crate::plan::{Grain, Projection};
use crate::progress::Progress;
use crate::syntax::ast;
use crate::table::ColumnData;
use crate::time::DAY;
use crate::types::Base;

/// Which columns of a table are what.
pub(super) struct Layout {
    customer: String,
    /// Places among the model's features, and headings.
    features: Vec<(usize, String)>,
}

impl Layout {
    /// The layout of a file, if it is a table of measured customers rather than the source of the spec. `fits` says
    /// whether it has the columns of the source. Where these are named, having them decides.
    pub fn of(assigner: &Assigner, file: &InputFile, fits: &Result<(), IngestError>) -> Option<Layout> {
        let scan = assigner.plan.scans().next()?;
        let named = scan.columns.iter().any(|c| matches!(c.header, ast::Header::Name(_)));
        if fits.is_ok() && named {
            return None;
        }
        let schema = ingest::schema(file, &Format::default()).ok().filter(|schema| schema.header)?;
        let find = |names: &[String]| {
            let same = |name: &String| schema.headers.iter().find(|header| *header == name);
            let alike = |name: &String| schema.headers.iter().find(|h| h.to_lowercase() == name.to_lowercase());
            names.iter().find_map(same).or_else(|| names.iter().find_map(alike)).cloned()
        };
        let own = scan.columns.iter().find(|c| c.name == assigner.plan.customer);
        let own = own.and_then(|c| match &c.header {
            ast::Header::Name(name) => Some(name.clone()),
            ast::Header::Position(_) => None,
        });
        let customers: Vec<String> =
            [Some("customer".to_owned()), Some(assigner.plan.customer.clone()), own].into_iter().flatten().collect();
        let customer = find(&customers)?;
        let features = assigner.plan.features().enumerate();
        let features: Vec<(usize, String)> =
            features.filter_map(|(i, feature)| Some((i, find(&headings(assigner, feature))?))).collect();
        (!features.is_empty()).then_some(Layout { customer, features })
    }
}

/// `recency_days`, then `recency`.
fn headings(assigner: &Assigner, feature: &Projection) -> [String; 2] {
    let currency = assigner.plan.currency.as_deref();
    [feature.value.base.heading(&feature.name, currency), feature.name.clone()]
}

pub(super) fn read(
    assigner: &Assigner,
    layout: &Layout,
    files: Vec<InputFile>,
    progress: &dyn Progress,
) -> Result<Found, Failed> {
    let features: Vec<&Projection> = assigner.plan.features().collect();
    let column = |name: &str, heading: &str, kind: Kind| ColumnRequest {
        name: name.to_owned(),
        header: Header::Name(heading.to_owned()),
        kind,
        dates: vec![],
    };
    let customer = column("customer", &layout.customer, Kind::Id);
    let measured =
        layout.features.iter().map(|(i, heading)| column(&features[*i].name, heading, kind(features[*i].value.base)));
    let request = Request { files, columns: std::iter::once(customer).chain(measured).collect(), ..Request::default() };
    let loaded = ingest::read(&request, progress).map_err(|error| vec![unreadable(&error, &request)])?;
    let mut diagnostics = guesses(&loaded, &request);
    diagnostics.extend(refusals(assigner, &loaded, &request));
    diagnostics.extend(twice(&loaded, &request));
    let source = SourceRead {
        name: "customers".into(),
        columns: request.columns.iter().map(|c| c.name.clone()).collect(),
        refused: loaded.refused,
        detected: loaded.detected,
        places: loaded.places,
        files: loaded.files,
    };
    if has_errors(&diagnostics) {
        return Err(Failed { diagnostics, sources: vec![source] });
    }
    let mut columns = loaded.table.columns.into_iter();
    let ids = columns.next().map(|c| c.data);
    let features = layout.features.iter().zip(columns).map(|((i, _), column)| {
        let Projection { name, value, words } = features[*i];
        Feature { name: name.clone(), base: value.base, words: words.clone(), values: values(value.base, &column.data) }
    });
    let measured = Measured {
        ids: (0..loaded.table.height).map(|row| id(ids.as_ref(), row)).collect(),
        features: features.collect(),
    };
    Ok(Found { rows: Rows::Measured(measured), sources: vec![source], diagnostics })
}

/// How cells of a feature are read. Money and days may have more decimals than an exact amount: means have.
fn kind(base: Base) -> Kind {
    match base {
        Base::Id => Kind::Id,
        Base::Text | Base::Missing | Base::Unknown => Kind::Text,
        Base::Int | Base::Score(_) | Base::Zero => Kind::Int,
        Base::Number | Base::Money | Base::Duration => Kind::Number,
        Base::Share => Kind::Share,
        Base::Date => Kind::Date,
        Base::Datetime => Kind::Datetime,
        Base::Bool => Kind::Bool,
    }
}

/// Cells in base units.
fn values(base: Base, data: &ColumnData) -> Values {
    // A time span is a whole number of microseconds.
    let number = |x: f64| if base == Base::Duration { (x * DAY as f64).round() } else { x } + 0.0;
    let numbers = |cells: &mut dyn Iterator<Item = Option<f64>>| {
        Values::Numbers(cells.map(|cell| cell.map_or(f64::NAN, number)).collect())
    };
    match data {
        ColumnData::Number(cells) => numbers(&mut cells.iter()),
        ColumnData::Int(cells) => numbers(&mut cells.iter().map(|cell| cell.map(|x| x as f64))),
        ColumnData::Time(cells) => {
            Values::Numbers(cells.iter().map(|cell| cell.map_or(f64::NAN, |x| x as f64)).collect())
        }
        ColumnData::Decimal { cells, scale } => {
            let unit = 10f64.powi(i32::from(*scale));
            numbers(&mut cells.iter().map(|cell| cell.map(|x| x as f64 / unit)))
        }
        ColumnData::Bool(cells) => Values::Bools(cells.iter().collect()),
        ColumnData::Text(text) => {
            let word = |row| text.get(row).map(|word| as_it_was(word).into());
            Values::Texts((0..text.codes.len()).map(word).collect())
        }
    }
}

fn id(data: Option<&ColumnData>, row: usize) -> String {
    match data {
        Some(ColumnData::Text(text)) => text.get(row).map_or(String::new(), |id| as_it_was(id).to_owned()),
        _ => String::new(),
    }
}

/// Two rows of one customer may say different things.
fn twice(loaded: &Loaded, request: &Request) -> Option<Diagnostic> {
    let ids = loaded.table.columns.first().map(|c| &c.data);
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    (0..loaded.table.height).for_each(|row| *seen.entry(id(ids, row)).or_default() += 1);
    let anonymous = seen.remove("").unwrap_or(0);
    if anonymous > 0 {
        let text = format!("{anonymous} of {} rows do not say which customer they are about", loaded.table.height);
        return Some(
            Diagnostic::error("SEG0360", text)
                .in_data(at(request, Some(&loaded.table.columns[0].name)))
                .help("give every row an id, or remove those without one"),
        );
    }
    let (id, times) = seen.iter().find(|(_, times)| **times > 1)?;
    let more = seen.values().filter(|times| **times > 1).count() - 1;
    let others = if more > 0 { format!(", and so do {more} others") } else { String::new() };
    Some(
        Diagnostic::error(
            "SEG0360",
            format!("customer `{id}` has {times} rows{others}: a table of features has one each"),
        )
        .in_data(at(request, None))
        .help("keep one row per customer; rows of the spec's source are recognised by its columns"),
    )
}

fn at(request: &Request, column: Option<&str>) -> Place {
    let file = request.files.first().map_or(String::new(), |f| f.name.clone());
    Place { file, row: None, column: column.map(str::to_owned), value: None }
}

fn guesses(loaded: &Loaded, request: &Request) -> Vec<Diagnostic> {
    let unsure = loaded.detected.iter().filter(|d| !d.certain);
    let warning = |d: &ingest::Detection| {
        let column = d.column.map(|i| request.columns[i].name.as_str());
        let about = column.map_or(String::new(), |name| format!(" of `{name}`"));
        Diagnostic::warning("SEG0306", format!("the {}{about} is a guess: {}", d.what, d.value))
            .in_data(at(request, column))
            .note(d.evidence.clone())
            .help("write dates as 2024-01-31 and numbers with a point")
    };
    unsure.map(warning).collect()
}

fn refusals(assigner: &Assigner, loaded: &Loaded, request: &Request) -> Option<Diagnostic> {
    let first = loaded.refused.first()?;
    let limit = assigner.plan.scans().next()?.max_refused();
    let share = 100.0 * loaded.refused.len() as f64 / loaded.read.max(1) as f64;
    let text = format!(
        "{} of {} rows can't be read ({share:.2} %, the spec allows {limit} %)",
        loaded.refused.len(),
        loaded.read
    );
    let found = match share > limit.as_f64() {
        true => Diagnostic::error("SEG0303", text).help("mend the data"),
        false => Diagnostic::warning("SEG0303", text).help("list all of them with `--rejects FILE`"),
    };
    let place = Place {
        file: first.file.clone(),
        row: Some(first.row),
        column: first.column.map(|i| request.columns[i].name.clone()),
        value: Some(first.value.clone()),
    };
    Some(found.in_data(place).note(first.reason.clone()))
}

fn unreadable(error: &IngestError, request: &Request) -> Diagnostic {
    let code = match error {
        IngestError::MissingColumns { .. } => "SEG0302",
        IngestError::DuplicateHeader { .. } => "SEG0308",
        IngestError::NoValues { .. } => "SEG0315",
        IngestError::TooLarge { .. } | IngestError::Database { failure: Failure::TooLong { .. }, .. } => "SEG0328",
        IngestError::Database { failure: Failure::Unfinished { .. }, .. } => "SEG0316",
        _ => "SEG0304",
    };
    Diagnostic::error(code, error.to_string())
        .in_data(at(request, None))
        .help("give a table with one row per customer, a column `customer` and one per feature")
}

/// Neither the source of the spec nor a table of measured customers.
pub(super) fn neither(
    assigner: &Assigner,
    file: &InputFile,
    missing: &[MissingColumn],
    headers: &[String],
) -> Diagnostic {
    let absent = missing.iter().map(|m| match &m.header {
        Header::Name(name) => format!("`{name}`"),
        Header::Position(n) => format!("column {n}"),
    });
    let absent: Vec<String> = absent.collect();
    let features: Vec<String> = assigner.plan.features().map(|f| headings(assigner, f)[0].clone()).collect();
    let rows = if assigner.plan.grain == Grain::Customers { "customers" } else { "purchases" };
    Diagnostic::error(
        "SEG0358",
        format!("`{}` has neither the columns of the model's source nor its features", file.name),
    )
    .in_data(Place { file: file.name.clone(), row: None, column: None, value: None })
    .note(format!("of the source it lacks {}", absent.join(", ")))
    .note(format!("it has {}", suggest::list(headers.iter().map(String::as_str))))
    .help(format!(
        "give {rows} laid out as the source of the spec, or one row per customer with `customer`, {}",
        suggest::list(features.iter().map(String::as_str))
    ))
}

/// A table without what decides the segment.
pub(super) fn lacking(assigner: &Assigner, lacking: &Lacking) -> Diagnostic {
    let features: Vec<&Projection> = assigner.plan.features().filter(|f| lacking.features.contains(&f.name)).collect();
    let names: Vec<String> = features.iter().map(|f| format!("`{}`", f.name)).collect();
    if names.is_empty() {
        return Diagnostic::error("SEG0359", "it is not known from when the customers were looked at")
            .note("a formula or a rule of the model looks at `as_of`")
            .help("state the moment: `--as-of 2024-12-31`");
    }
    let columns: Vec<String> = features.iter().map(|f| format!("`{}`", headings(assigner, f)[0])).collect();
    Diagnostic::error("SEG0359", format!("the table lacks {}, which the model decides by", names.join(", ")))
        .help(format!("add {}", columns.join(", ")))
}
