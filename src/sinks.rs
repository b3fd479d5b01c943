//! From the sinks of a spec and of the command line to tables of databases: where they lie, whether the list fits, and
//! what to say when one can't be written.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::build::Built;
use crate::compile::Compiled;
use crate::database::write::{self, ADDED, Build, Database, Difference, Mode, Sqlite, TableName, WriteError, Written};
use crate::diagnostics::Diagnostic;
use crate::inputs;
use crate::list::List;
use crate::spec::{Spec, Typed};
use crate::syntax::ast::Destination;
use crate::syntax::source::Span;
use crate::world::{Unreadable, World};

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
}

/// A sink of the command line: `sqlite:segments.db#segments`.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    text: String,
    to: Target,
    table: TableName,
}

impl std::str::FromStr for Asked {
    type Err = String;

    fn from_str(text: &str) -> Result<Asked, String> {
        const FORMS: &str = "write `sqlite:FILE#TABLE`";
        let (kind, rest) = text.split_once(':').ok_or(FORMS)?;
        let (place, table) = rest.rsplit_once('#').filter(|(place, _)| !place.is_empty()).ok_or(FORMS)?;
        let table = TableName::parse(table).map_err(|why| format!("the name of the table {why}"))?;
        let to = match kind {
            "sqlite" if table.schema.is_some() => return Err("a file of SQLite has no schemas: write `#TABLE`".into()),
            "sqlite" => Target::Sqlite { shown: place.to_owned(), path: place.into() },
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
                    diagnostics.push(misplaced(&file.value, &problem).at(file.span, "can't be written there"));
                    continue;
                }
            },
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

/// What can be said before anything is read or written: a sink must not be an input, no table is written twice, and
/// columns need names that a database can tell apart.
pub fn check(world: &dyn World, compiled: &Compiled, sinks: &[Sink]) -> Vec<Diagnostic> {
    let Some(spec) = &compiled.spec else { return vec![] };
    let inputs: Vec<PathBuf> = inputs::files(world, compiled).iter().filter_map(|path| real(path)).collect();
    let mut diagnostics = vec![];
    for (nth, sink) in sinks.iter().enumerate() {
        let Target::Sqlite { shown, path } = &sink.to;
        if real(path).is_some_and(|path| inputs.contains(&path)) {
            let error = Diagnostic::error("SEG0704", format!("`{shown}` is an input of this spec"));
            diagnostics.push(sink.at(error, 0, "is read as well").help("write to another file"));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if sink.spans.is_none() && folder.is_some_and(|folder| !folder.is_dir()) {
            diagnostics.push(misplaced(shown, &Unreadable::NotFound { looked_in: vec![] }));
        }
        if let Some(first) = sinks[..nth].iter().find(|first| first.address() == sink.address()) {
            let error = Diagnostic::error(
                "SEG0704",
                format!("`{}` and `{}` write to the same table `{}`", first.name, sink.name, sink.table),
            );
            let mut error = sink.at(error, 1, "the second time");
            if let Some([_, span]) = first.spans {
                error = error.at(span, "the first time");
            }
            diagnostics.push(error.help("give each a table of its own"));
        }
    }
    if let Some(sink) = sinks.first() {
        diagnostics.extend(columns(spec, sink));
    }
    diagnostics
}

/// Features that can't be columns of a table.
fn columns(spec: &Spec<Typed>, sink: &Sink) -> Vec<Diagnostic> {
    let mut seen: Vec<String> = ADDED.map(str::to_owned).into();
    let mut diagnostics = vec![];
    for feature in &spec.features {
        let currency = spec.currency.as_ref().map(|c| c.value.as_str());
        let heading = feature.value.ty.base.heading(&feature.name.value, currency);
        let why = if ADDED.contains(&heading.to_lowercase().as_str()) {
            format!("the sink `{}` has a column `{heading}` of its own", sink.name)
        } else if seen.contains(&heading.to_lowercase()) {
            format!("a database does not tell the column `{heading}` from another one by its capitals")
        } else {
            seen.push(heading.to_lowercase());
            continue;
        };
        let error = Diagnostic::error("SEG0704", why).at(feature.name.span, "this feature");
        diagnostics.push(error.help("give the feature another name"));
    }
    diagnostics
}

/// Writes the list of a build; waits for others who write no longer than `patience`.
pub fn write(sink: &Sink, built: &Built, build: &str, patience: Duration) -> Result<Written, Box<Diagnostic>> {
    let list = List::of(&built.execution, &built.plan);
    let build = Build { id: build, as_of: built.execution.as_of, segmentation: &built.outcome.name };
    let written = sink
        .open()
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
    fn address(&self) -> (Target, TableName) {
        let to = match &self.to {
            Target::Sqlite { path, .. } => {
                let folder = path.parent().and_then(real).unwrap_or_default();
                let whole = real(path).unwrap_or_else(|| folder.join(path.file_name().unwrap_or_default()));
                Target::Sqlite { shown: String::new(), path: whole }
            }
        };
        (to, self.table.clone())
    }

    fn open(&self) -> Result<Box<dyn Database>, WriteError> {
        Ok(match &self.to {
            Target::Sqlite { path, .. } => Box::new(Sqlite::open(path)?),
        })
    }

    /// The database as messages call it.
    fn place(&self) -> String {
        match &self.to {
            Target::Sqlite { shown, .. } => format!("`{shown}`"),
        }
    }

    /// A label where the spec says where to (0) or which table (1).
    fn at(&self, diagnostic: Diagnostic, part: usize, label: &str) -> Diagnostic {
        match self.spans {
            Some(spans) => diagnostic.at(spans[part], label),
            None => diagnostic,
        }
    }

    fn diagnostic(&self, error: &WriteError) -> Diagnostic {
        let (place, table) = (self.place(), &self.table);
        let new = |code, text: String| Diagnostic::error(code, text);
        let unchanged = "nothing of this build is in the database; the files of the build are in place";
        let diagnostic = match error {
            WriteError::Unreachable(why) => {
                let error = self.at(new("SEG0705", format!("{place} can't be opened: {why}")), 0, "this sink");
                error.help("look whether it is the one that you mean and whether you may write there")
            }
            WriteError::Busy => self
                .at(
                    new("SEG0709", format!("others are writing to {place}, and did not finish in time")),
                    0,
                    "this sink",
                )
                .help("build again when they are done"),
            WriteError::Refused(said) => self
                .at(new("SEG0708", format!("{place} does not take the list: {said}")), 1, "into this table")
                .help("mend what the database complains about, then build again: it is safe to write twice"),
            WriteError::NoSchema(Some(schema)) => self
                .at(new("SEG0708", format!("{place} has no schema `{schema}`")), 1, "in this schema")
                .help(format!("make it there: `CREATE SCHEMA {}`", write::quoted(schema))),
            WriteError::NoSchema(None) => self
                .at(new("SEG0708", format!("{place} does not say in which schema `{table}` is to be")), 1, "no schema")
                .help("name it, for example `table \"marketing.segments\"`"),
            WriteError::NotATable => self
                .at(new("SEG0706", format!("`{table}` of {place} is no table but a view or the like")), 1, "no table")
                .help("write to a table of its own and make the view of that"),
            WriteError::Foreign => self
                .at(new("SEG0706", format!("`{table}` of {place} has rows that segc did not write")), 1, "not ours")
                .help("write to another table, or empty this one yourself if nobody needs it"),
            WriteError::OfAnother(other) => self
                .at(
                    new("SEG0706", format!("`{table}` of {place} has the customers of the segmentation `{other}`")),
                    1,
                    "not of this spec",
                )
                .help("give each segmentation a table of its own"),
            WriteError::Columns(differences) => self.columns(differences),
            WriteError::Newer(as_of) => self
                .at(
                    new("SEG0710", format!("`{table}` of {place} has a build of {as_of}, later than this one")),
                    1,
                    "newer",
                )
                .help("history only goes on: build with a later `as_of`, or write to another table"),
            WriteError::History => self
                .at(
                    new("SEG0711", format!("`{table}` of {place} holds a history, which `replace` would wipe out")),
                    1,
                    "history",
                )
                .help("write `mode append`, or write to another table"),
        };
        diagnostic.note(unchanged)
    }

    fn columns(&self, differences: &[Difference]) -> Diagnostic {
        let text = format!("`{}` of {} has other columns than the list", self.table, self.place());
        let mut diagnostic = self.at(Diagnostic::error("SEG0707", text), 1, "does not fit");
        for Difference { name, declared, wanted } in differences {
            diagnostic = diagnostic.note(match wanted {
                None => format!("the list has no column `{name}`"),
                Some(wanted) => format!("`{name}` is {declared} there, in the list it is {wanted}"),
            });
        }
        let drops: Vec<String> =
            differences.iter().map(|d| format!("DROP COLUMN {}", write::quoted(&d.name))).collect();
        // SQLite drops one column a statement.
        let statement = format!("ALTER TABLE {} {}", self.table.quoted(), drops[0]);
        diagnostic.help(format!("write to another table, or give up what is in the column: `{statement}`"))
    }
}

fn misplaced(name: &str, problem: &Unreadable) -> Diagnostic {
    match problem {
        Unreadable::Outside => {
            let text = format!("`{name}` lies outside the spec's folder and the data folders");
            Diagnostic::error("SEG0704", text)
                .help("write to a file beside the spec, or allow it with `--allow-outside`")
        }
        Unreadable::NotFound { .. } => {
            Diagnostic::error("SEG0704", format!("there is no folder for `{name}`")).help("make the folder first")
        }
        problem => Diagnostic::error("SEG0704", format!("`{name}` can't be written: {problem}"))
            .help("name a file, for example `sqlite \"segments.db\"`"),
    }
}

fn real(path: &Path) -> Option<PathBuf> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    path.canonicalize().ok()
}
