//! The `sink` blocks: which table takes the list, and what becomes of earlier ones.

use super::Resolver;
use crate::database::write::{Mode, TableName};
use crate::diagnostics::{Diagnostic, suggest};
use crate::spec::Sink;
use crate::syntax::ast::{self, Destination, Item, SinkSetting};
use crate::syntax::source::{Name, Span};

impl Resolver<'_> {
    pub(super) fn sinks(&mut self, items: &[Item]) -> Vec<Sink> {
        let sinks = items.iter().filter_map(|item| if let Item::Sink(sink) = item { Some(sink) } else { None });
        sinks.filter_map(|sink| self.sink(sink)).collect()
    }

    fn sink(&mut self, sink: &ast::Sink) -> Option<Sink> {
        let tables = sink.settings.iter().filter_map(|s| if let SinkSetting::Table(t) = s { Some(t) } else { None });
        let modes = sink.settings.iter().filter_map(|s| if let SinkSetting::Mode(m) = s { Some(m) } else { None });
        let (tables, modes): (Vec<_>, Vec<_>) = (tables.collect(), modes.collect());
        self.only_one("table", tables.iter().map(|t| t.span).collect());
        self.only_one("mode", modes.iter().map(|m| m.span).collect());
        let mode = modes.first().map_or(Some(Mode::Replace), |mode| self.mode(mode));
        let Some(table) = tables.first() else {
            self.report(
                Diagnostic::error("SEG0210", format!("the sink `{}` has no `table`", sink.name.value))
                    .at(sink.name.span, "goes without `table`")
                    .help("add a line such as `table \"segments\"`"),
            );
            return None;
        };
        let wrong = |why: String| {
            Diagnostic::error("SEG0209", format!("`table` can't be set to this: the name {why}"))
                .at(table.span, "no name for a table")
                .help("write for example `table \"segments\"`")
        };
        let name = match TableName::parse(&table.value) {
            Ok(name) => name,
            Err(why) => {
                self.report(wrong(why.to_owned()));
                return None;
            }
        };
        if let (Destination::Sqlite(_), Some(schema)) = (&sink.to, &name.schema) {
            self.report(wrong(format!("has a schema, `{schema}`, which a file of SQLite does not have")));
            return None;
        }
        Some(Sink { name: sink.name.clone(), to: sink.to.clone(), table: name, mode: mode?, table_span: table.span })
    }

    fn only_one(&mut self, setting: &str, spans: Vec<Span>) {
        if let [first, second, ..] = spans.as_slice() {
            self.report(
                Diagnostic::error("SEG0211", format!("a sink has one `{setting}`"))
                    .at(*second, "the second one")
                    .at(*first, "the first one")
                    .help("keep the one that you mean"),
            );
        }
    }

    fn mode(&mut self, written: &Name) -> Option<Mode> {
        let known = Mode::ALL.into_iter().find(|mode| mode.name() == written.value);
        if known.is_none() {
            let names = Mode::ALL.map(Mode::name);
            let near = suggest::nearest(&written.value, names);
            self.report(
                Diagnostic::error("SEG0209", format!("a sink has no mode `{}`", written.value))
                    .at(written.span, near.map_or("not a mode".into(), |near| format!("did you mean `{near}`?")))
                    .help(
                        near.map_or(format!("modes: {}", suggest::list(names)), |near| format!("write `mode {near}`")),
                    ),
            );
        }
        known
    }
}
