//! From the sinks of a spec and of the command line to tables of databases: where they lie, whether the list fits, and
//! what to say when one can't be written.

mod check;
mod words;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::build::Built;
use crate::compile::Compiled;
use crate::database::postgres::{Address, Failure};
use crate::database::write::{self, Build, Database, Mode, Postgres, Sqlite, TableName, WriteError, Written};
use crate::diagnostics::Diagnostic;
use crate::list::List;
use crate::syntax;
use crate::syntax::ast::Destination;
use crate::syntax::source::Span;
use crate::world::World;

pub use check::check;

/// A table that is to take the list.
#[derive(Debug, Clone, PartialEq)]
pub struct Sink {
    /// As messages call it: its name in the spec, or what was asked for on the command line.
    pub name: String,
    pub table: TableName,
    pub mode: Mode,
    to: Target,
    /// Where the spec says where to, and which table.
    spans: Option<[Span; 2]>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    /// The file as it was named, and where it is.
    Sqlite { shown: String, path: PathBuf },
    /// The environment variable that holds the address.
    Postgres { variable: String },
}

/// A sink of the command line: `sqlite:segments.db#segments`, `postgres:CRM_DB#crm.segments`.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    text: String,
    to: Target,
    table: TableName,
}

impl std::str::FromStr for Asked {
    type Err = String;

    fn from_str(text: &str) -> Result<Asked, String> {
        const FORMS: &str = "write `sqlite:FILE#TABLE` or `postgres:VARIABLE#TABLE`";
        const NO_VARIABLE: &str = "a database is named by the environment variable that holds its address: write \
                                   `postgres:VARIABLE#TABLE`";
        if ["postgres:/", "postgresql:"].iter().any(|address| text.contains(address)) {
            return Err(NO_VARIABLE.into());
        }
        let (kind, rest) = text.split_once(':').ok_or(FORMS)?;
        let (place, table) = rest.rsplit_once('#').filter(|(place, _)| !place.is_empty()).ok_or(FORMS)?;
        let table = TableName::parse(table).map_err(|why| format!("the name of the table {why}"))?;
        let to = match kind {
            "sqlite" if table.schema.is_some() => return Err("a file of SQLite has no schemas: write `#TABLE`".into()),
            "sqlite" => Target::Sqlite { shown: place.to_owned(), path: place.into() },
            "postgres" if !syntax::is_variable(place) => return Err(NO_VARIABLE.into()),
            "postgres" => Target::Postgres { variable: place.to_owned() },
            _ => return Err(FORMS.into()),
        };
        Ok(Asked { text: text.to_owned(), to, table })
    }
}

/// The sinks of the spec.
pub fn of_spec(world: &dyn World, compiled: &Compiled) -> (Vec<Sink>, Vec<Diagnostic>) {
    let (mut sinks, mut diagnostics) = (vec![], vec![]);
    for sink in compiled.spec.iter().flat_map(|spec| &spec.sinks) {
        let (to, span) = match &sink.to {
            Destination::Sqlite(file) => match world.place(&compiled.path, &file.value) {
                Ok(path) => (Target::Sqlite { shown: file.value.clone(), path }, file.span),
                Err(problem) => {
                    diagnostics.push(words::misplaced(&file.value, &problem).at(file.span, "can't be written there"));
                    continue;
                }
            },
            Destination::Postgres { variable } => {
                (Target::Postgres { variable: variable.value.clone() }, variable.span)
            }
        };
        let (name, table) = (sink.name.value.clone(), sink.table.clone());
        sinks.push(Sink { name, table, mode: sink.mode, to, spans: Some([span, sink.table_span]) });
    }
    (sinks, diagnostics)
}

/// The sinks of the command line.
pub fn asked(asked: &[Asked], mode: Mode) -> Vec<Sink> {
    let sink = |asked: &Asked| {
        let (name, table, to) = (asked.text.clone(), asked.table.clone(), asked.to.clone());
        Sink { name, table, mode, to, spans: None }
    };
    asked.iter().map(sink).collect()
}

/// Writes the list of a build; waits for others who write no longer than `patience`.
pub fn write(
    world: &dyn World,
    sink: &Sink,
    built: &Built,
    build: &str,
    patience: Duration,
) -> Result<Written, Box<Diagnostic>> {
    let list = List::of(&built.execution, &built.plan);
    let as_of = built.execution.as_of.ok_or_else(|| Box::new(sink.without_as_of()))?;
    let build = Build { id: build, as_of, segmentation: &built.outcome.name };
    let written = sink
        .open(world)
        .and_then(|mut database| write::write(&mut *database, &sink.table, sink.mode, &build, &list, patience));
    written.map_err(|error| Box::new(sink.diagnostic(&error)))
}

/// What a sink did, in a line: `crm: 800 customers in marketing.segments, 12 moved, 3 joined, 1 left`.
pub fn summary(sink: &Sink, written: &Written) -> String {
    if written.outdated {
        return format!("{}: {} has a newer build than this one; nothing was changed", sink.name, sink.table);
    }
    let Written { customers, joined, moved, left, .. } = written;
    format!("{}: {customers} customers in {}, {moved} moved, {joined} joined, {left} left", sink.name, sink.table)
}

impl Sink {
    /// What two sinks that write to the same table have in common.
    fn address(&self) -> (Target, TableName) {
        let to = match &self.to {
            Target::Sqlite { path, .. } => {
                let folder = path.parent().and_then(real).unwrap_or_default();
                let whole = real(path).unwrap_or_else(|| folder.join(path.file_name().unwrap_or_default()));
                Target::Sqlite { shown: String::new(), path: whole }
            }
            other => other.clone(),
        };
        (to, self.table.clone())
    }

    fn open(&self, world: &dyn World) -> Result<Box<dyn Database>, WriteError> {
        Ok(match &self.to {
            Target::Sqlite { path, .. } => Box::new(Sqlite::open(path)?),
            Target::Postgres { variable } => {
                Box::new(Postgres::open(&reachable(world, variable).map_err(WriteError::Unconnected)?)?)
            }
        })
    }
}

/// The address that a variable holds.
fn reachable(world: &dyn World, variable: &str) -> Result<Address, Failure> {
    Address::parse(&world.variable(variable).ok_or(Failure::NoVariable)?)
}

fn real(path: &Path) -> Option<PathBuf> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    path.canonicalize().ok()
}
