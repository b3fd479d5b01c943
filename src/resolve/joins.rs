//! Several sources: which one has the rows that are counted, and by which columns the others are joined to it.

use super::Resolver;
use crate::diagnostics::{Diagnostic, suggest};
use crate::spec::{Column, ColumnId, Join, JoinKey, Ref, Resolved, Source, SourceId};
use crate::syntax::ast::{self, Item};
use crate::syntax::source::Name;

impl Resolver<'_> {
    /// The sources with their columns: first the one that has the rows, then the others as they are joined.
    pub(super) fn sources(&mut self, items: &[Item]) -> Option<(Vec<Source>, Vec<Column<Resolved>>)> {
        let written: Vec<&ast::Source> =
            items.iter().filter_map(|i| if let Item::Source(s) = i { Some(s) } else { None }).collect();
        let (facts, others) = written.split_first()?;
        self.distinct(written.iter().map(|s| &s.name), "source");
        let joins: Vec<&ast::Join> =
            items.iter().filter_map(|i| if let Item::Join(j) = i { Some(j) } else { None }).collect();
        let mut columns = vec![];
        let mut sources = vec![self.source(facts, None, &mut columns)];
        let mut seen: Vec<&ast::Join> = vec![];
        for join in joins {
            let found = others.iter().find(|s| s.name.value == join.source.value);
            let earlier = seen.iter().find(|j| j.source.value == join.source.value);
            match (found, earlier) {
                (None, _) => self.nothing_to_join(&join.source, facts, others),
                (Some(_), Some(first)) => self.report(
                    Diagnostic::error("SEG0221", format!("`{}` is joined twice", join.source.value))
                        .at(join.source.span, "the second time")
                        .at(first.source.span, "the first time")
                        .help("a source is joined once; name all columns of its key in one line: `on a = b, c = d`"),
                ),
                (Some(source), None) => {
                    seen.push(join);
                    let mut source = self.source(source, Some(join), &mut columns);
                    let on = join.on.iter().filter_map(|key| self.key(key, &source, &sources, &columns));
                    source.join = Some(Join { on: on.collect(), span: join.span });
                    sources.push(source);
                }
            }
        }
        // What is not joined is known all the same: what uses its columns is no second mistake.
        for source in others.iter().filter(|s| !seen.iter().any(|j| j.source.value == s.name.value)) {
            self.not_joined(source, facts);
            let source = self.source(source, None, &mut columns);
            sources.push(source);
        }
        self.joined = sources[1..].iter().map(|s| s.name.clone()).collect();
        Some((sources, columns))
    }

    /// A joined source by its name, to ask whether a row has a match in it.
    pub(super) fn joined_source(&self, name: &Name) -> Option<SourceId> {
        self.joined.iter().position(|joined| joined.value == name.value).map(|at| SourceId(at + 1))
    }

    /// In an expression over rows the name of a source stands beside those of columns.
    pub(super) fn sources_differ_from_columns(&mut self) {
        for source in self.joined.clone() {
            let Some((Ref::Column(_) | Ref::Param(_), other)) = self.names.get(&source.value).copied() else {
                continue;
            };
            self.report(
                Diagnostic::error("SEG0203", format!("`{}` is defined twice", source.value))
                    .at(source.span, "as a source")
                    .at(other, "and with this meaning")
                    .help(format!(
                        "give the source another name: `{0} is missing` asks whether a row has a match in it",
                        source.value
                    )),
            );
        }
    }

    fn nothing_to_join(&mut self, name: &Name, facts: &ast::Source, others: &[&ast::Source]) {
        let diagnostic = if name.value == facts.name.value {
            Diagnostic::error("SEG0221", format!("`{}` is the first source: the others are joined to it", name.value))
                .at(name.span, "can't be joined to itself")
                .at(facts.name.span, "its rows are the ones that are counted")
                .help("remove the line, or put the source with the rows to be counted first")
        } else {
            let names = others.iter().map(|s| s.name.value.as_str());
            let near = suggest::nearest(&name.value, names.clone());
            let diagnostic = Diagnostic::error("SEG0201", format!("unknown source `{}`", name.value));
            match near {
                Some(near) => {
                    diagnostic.at(name.span, format!("did you mean `{near}`?")).help(format!("write `{near}`"))
                }
                None if others.is_empty() => diagnostic
                    .at(name.span, "no further source has this name")
                    .help(format!("add it: `source {} from \"{0}.csv\" {{ ... }}`", name.value)),
                None => diagnostic
                    .at(name.span, "not a source")
                    .help(format!("sources that can be joined: {}", suggest::list(names))),
            }
        };
        self.report(diagnostic);
    }

    fn not_joined(&mut self, source: &ast::Source, facts: &ast::Source) {
        let has = |s: &ast::Source, name: &str| s.columns.iter().any(|c| c.name.value == name);
        let common = source.columns.iter().find(|c| has(facts, &c.name.value)).map(|c| c.name.value.as_str());
        let name = &source.name.value;
        let by = match (common, facts.columns.first(), source.columns.first()) {
            (Some(common), ..) => common.to_owned(),
            (None, Some(left), Some(right)) => format!("{} = {}", left.name.value, right.name.value),
            _ => "customer = id".to_owned(),
        };
        self.report(
            Diagnostic::error(
                "SEG0221",
                format!("nothing says how the rows of `{name}` go with those of `{}`", facts.name.value),
            )
            .at(source.name.span, "a further source")
            .at(facts.name.span, "the first one: its rows are the ones that are counted")
            .help(format!("add a line such as `join {name} on {by}`")),
        );
    }

    /// The two columns of a key: one of the sources before, one of the joined source.
    fn key(
        &mut self,
        key: &ast::JoinKey,
        source: &Source,
        before: &[Source],
        columns: &[Column<Resolved>],
    ) -> Option<JoinKey> {
        let known = source.columns.start;
        let left = columns[..known].iter().position(|c| c.name.value == key.left.value);
        let right = columns[known..].iter().position(|c| c.name.value == key.right.value).map(|at| known + at);
        if left.is_none() {
            self.no_left_key(&key.left, before, &columns[..known]);
        }
        if right.is_none() && (left.is_some() || key.left.span != key.right.span) {
            let names = columns[known..].iter().map(|c| c.name.value.as_str());
            let near = suggest::nearest(&key.right.value, names.clone());
            let diagnostic =
                Diagnostic::error("SEG0201", format!("`{}` has no column `{}`", source.name.value, key.right.value))
                    .at(
                        key.right.span,
                        near.map_or("not a column of it".to_owned(), |n| format!("did you mean `{n}`?")),
                    )
                    .at(source.name.span, "the joined source");
            let both = key.left.span == key.right.span;
            self.report(diagnostic.help(match near {
                Some(near) if both => format!("write `on {} = {near}`", key.left.value),
                Some(near) => format!("write `{near}`"),
                None => format!("its columns: {}", suggest::list(names)),
            }));
        }
        let span = key.left.span.to(key.right.span);
        Some(JoinKey { left: ColumnId(left?), right: ColumnId(right?), span })
    }

    fn no_left_key(&mut self, name: &Name, before: &[Source], columns: &[Column<Resolved>]) {
        let list = suggest::list(before.iter().map(|s| s.name.value.as_str()));
        let diagnostic = Diagnostic::error("SEG0201", format!("no column `{}` in {list}", name.value));
        let names = columns.iter().map(|c| c.name.value.as_str());
        self.report(match (self.written.get(&name.value), suggest::nearest(&name.value, names.clone())) {
            (_, Some(near)) => {
                diagnostic.at(name.span, format!("did you mean `{near}`?")).help(format!("write `{near}`"))
            }
            (Some(written), None) => diagnostic
                .at(name.span, "not known when this source is joined")
                .at(written.span, "defined here")
                .help("a key is a column of the first source or of one joined above; `derive` comes after the joins"),
            (None, None) => diagnostic.at(name.span, "not a column").help(format!("columns: {}", suggest::list(names))),
        });
    }
}
