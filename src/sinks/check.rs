//! What can be said of sinks before anything is read or written.

use std::path::PathBuf;

use super::words::misplaced;
use super::{Sink, Target, reachable, real};
use crate::compile::Compiled;
use crate::database::write::{ADDED, NAME, TableName};
use crate::diagnostics::Diagnostic;
use crate::inputs;
use crate::spec::{Spec, Typed};
use crate::syntax::ast::Rows;
use crate::world::{Unreadable, World};

/// A sink must not be an input, no table is written twice, an address is one, and columns need names that a database can
/// tell apart.
pub fn check(world: &dyn World, compiled: &Compiled, sinks: &[Sink]) -> Vec<Diagnostic> {
    let Some(spec) = &compiled.spec else { return vec![] };
    let inputs: Vec<PathBuf> = inputs::files(world, compiled).iter().filter_map(|path| real(path)).collect();
    let mut diagnostics = vec![];
    for (nth, sink) in sinks.iter().enumerate() {
        diagnostics.extend(spec.as_of.is_none().then(|| sink.without_as_of()));
        match &sink.to {
            Target::Sqlite { shown, path } => {
                if real(path).is_some_and(|path| inputs.contains(&path)) {
                    let error = Diagnostic::error("SEG0704", format!("`{shown}` is an input of this spec"));
                    diagnostics.push(sink.at(error, 0, "is read as well").help("write to another file"));
                }
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                if sink.spans.is_none() && folder.is_some_and(|folder| !folder.is_dir()) {
                    diagnostics.push(misplaced(shown, &Unreadable::NotFound { looked_in: vec![] }));
                }
            }
            Target::Postgres { variable } => {
                if reads(spec, variable, &sink.table) {
                    let error = Diagnostic::error("SEG0704", format!("`{}` is an input of this spec", sink.table));
                    diagnostics.push(sink.at(error, 1, "is read as well").help("write to another table"));
                }
                if let Err(failure) = reachable(world, variable) {
                    diagnostics.push(sink.unconnected(&failure));
                }
            }
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
        diagnostics.extend(columns(spec, sink, sinks.iter().any(|sink| matches!(sink.to, Target::Postgres { .. }))));
    }
    diagnostics
}

/// Whether a source reads this table of the database that a variable names.
fn reads(spec: &Spec<Typed>, variable: &str, table: &TableName) -> bool {
    spec.sources.iter().any(|source| {
        let there = matches!(&source.rows, Rows::Postgres { variable: read } if read.value == variable);
        there && source.format.table.as_ref().is_some_and(|read| read.value.replace('"', "") == table.to_string())
    })
}

/// Features that can't be columns of a table; in PostgreSQL names are short.
fn columns(spec: &Spec<Typed>, sink: &Sink, short: bool) -> Vec<Diagnostic> {
    let mut seen: Vec<String> = ADDED.map(str::to_owned).into();
    let mut diagnostics = vec![];
    for feature in &spec.features {
        let currency = spec.currency.as_ref().map(|c| c.value.as_str());
        let heading = feature.value.ty.base.heading(&feature.name.value, currency);
        let why = if ADDED.contains(&heading.to_lowercase().as_str()) {
            format!("the sink `{}` has a column `{heading}` of its own", sink.name)
        } else if seen.contains(&heading.to_lowercase()) {
            format!("a database does not tell the column `{heading}` from another one by its capitals")
        } else if short && heading.len() > NAME {
            format!("the column `{heading}` is longer than {NAME} bytes, and PostgreSQL would cut it off")
        } else {
            seen.push(heading.to_lowercase());
            continue;
        };
        let error = Diagnostic::error("SEG0704", why).at(feature.name.span, "this feature");
        diagnostics.push(error.help("give the feature another name"));
    }
    diagnostics
}
