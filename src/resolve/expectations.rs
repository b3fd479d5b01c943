//! What a test expects of every row or of every customer. Names decide which: a condition on columns is about rows, one
//! on features about customers.

use super::Resolver;
use super::expressions::Scope;
use crate::diagnostics::{Diagnostic, suggest};
use crate::expr::{ArgumentValue, Decimal, Expr, Kind};
use crate::spec::{Asks, Each, Expectation, Ref, Resolved};
use crate::syntax::ast;
use crate::syntax::source::{Name, Span, Spanned};

/// Questions that only an expectation asks.
const NOT_NULL: &str = "not_null";
const UNIQUE: &str = "unique";

impl Resolver<'_> {
    /// `None` where it is about neither rows nor customers, or has mistakes that were reported.
    pub(super) fn expectation(
        &mut self,
        condition: &ast::Expr,
        mostly: Option<&Spanned<Decimal>>,
    ) -> Option<Expectation<Resolved>> {
        let mostly = match mostly {
            Some(percent) => Some(self.mostly(percent)?),
            None => None,
        };
        let Some(of) = self.about(condition)? else {
            self.report(not_expected(condition.span));
            return None;
        };
        let scope = match of {
            Each::Row => Scope::Row,
            Each::Customer => Scope::Label,
        };
        let asks = match question(condition) {
            Some((name, arguments)) => {
                let values: Vec<_> = arguments.iter().map(|value| self.expr(value, scope)).collect();
                match name {
                    NOT_NULL => Asks::Holds(all_there(values, condition.span)),
                    _ => Asks::Unique(values),
                }
            }
            None => Asks::Holds(self.expr(condition, scope)),
        };
        Some(Expectation { of, asks, mostly, span: condition.span })
    }

    fn mostly(&mut self, percent: &Spanned<Decimal>) -> Option<Decimal> {
        let value = percent.value;
        let fits = value.units > 0 && value.as_f64() <= 100.0;
        if !fits {
            let why = if value.units > 0 { "more than all" } else { "none of them would do" };
            self.report(
                Diagnostic::error("SEG0643", format!("`mostly {value}%` says nothing"))
                    .at(percent.span, why)
                    .help("write how many of them it should hold for, for example `mostly 99%`"),
            );
        }
        fits.then_some(value)
    }

    /// Whose names a condition speaks of; within, nothing where it is neither's. Nothing at all where it mixes them.
    fn about(&mut self, condition: &ast::Expr) -> Option<Option<Each>> {
        let mut paths: Vec<&[Name]> = vec![];
        let mut calls: Vec<&Name> = vec![];
        condition.walk(&mut |e| match &e.kind {
            Kind::Ref(path) => paths.push(path),
            Kind::Call { function, .. } => calls.push(function),
            _ => {}
        });
        let mut first: [Option<Span>; 2] = [None, None];
        let mut strangers: Vec<&Name> = vec![];
        for path in paths {
            let [name, rest @ ..] = path else { continue };
            let of = match self.names.get(&name.value) {
                Some((Ref::Column(_), _)) => Some(Each::Row),
                Some((Ref::Feature(_), _)) => Some(Each::Customer),
                Some(_) => continue,
                None if name.value == "all" && !rest.is_empty() => Some(Each::Customer),
                None if self.joined_source(name).is_some() => Some(Each::Row),
                None => None,
            };
            match of {
                Some(of) => {
                    first[usize::from(of == Each::Customer)] =
                        first[usize::from(of == Each::Customer)].or(Some(name.span))
                }
                None => strangers.push(name),
            }
        }
        match first {
            [Some(row), Some(customer)] => {
                self.report(
                    Diagnostic::error("SEG0642", "an expectation is about rows or about customers")
                        .at(customer, "a feature of customers")
                        .at(row, "a column of rows")
                        .help("write two expectations, or make a feature of the column, for example `mean(price)`"),
                );
                None
            }
            [Some(_), None] => Some(Some(Each::Row)),
            [None, Some(_)] => Some(Some(Each::Customer)),
            // Of names that nobody knows, those of a build are told otherwise.
            [None, None] => {
                let of_build = |name: &&Name| ["rows", "customers", "k"].contains(&name.value.as_str());
                let measures = |name: &&Name| ["share", "amount_share", "dropped"].contains(&name.value.as_str());
                if strangers.is_empty() || strangers.iter().any(of_build) || calls.iter().any(measures) {
                    return Some(None);
                }
                let known = self.names.keys().map(String::as_str);
                let near = suggest::nearest(&strangers[0].value, known).and_then(|near| self.names.get(near));
                let row = matches!(near, Some((Ref::Column(_), _)));
                Some(Some(if row { Each::Row } else { Each::Customer }))
            }
        }
    }
}

/// That this is nothing that can be expected.
pub(super) fn not_expected(span: Span) -> Diagnostic {
    Diagnostic::error("SEG0802", "this can't be expected of a build").at(span, "not a check that segc knows").help(
        "write for example `expect rows.refused < 1%` or `expect share(\"Champions\") between 5% and 25%`, or a condition on features or columns",
    )
}

/// `not_null(a, b)` or `unique(a, b)` with its arguments, where that is all.
fn question(condition: &ast::Expr) -> Option<(&'static str, Vec<&ast::Expr>)> {
    let Kind::Call { function, arguments, filter: None } = &condition.kind else { return None };
    let name = [NOT_NULL, UNIQUE].into_iter().find(|name| *name == function.value)?;
    let values = arguments.iter().map(|argument| match (&argument.name, &argument.value) {
        (None, ArgumentValue::Expr(value)) => Some(value),
        _ => None,
    });
    values.collect::<Option<Vec<_>>>().map(|values| (name, values))
}

/// `a is not missing and b is not missing`.
fn all_there(values: Vec<Expr<Resolved>>, span: Span) -> Expr<Resolved> {
    let there = values.into_iter().map(|value| {
        let span = value.span;
        Expr { kind: Kind::IsMissing { value: Box::new(value), negated: true }, span, ty: () }
    });
    Expr { kind: Kind::And(there.collect()), span, ty: () }
}
