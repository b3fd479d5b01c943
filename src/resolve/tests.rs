//! `test` blocks: given values, the label expected for them, and conditions on a build; those on single rows and
//! customers are in `expectations`.

use super::Resolver;
use super::expressions::{Scope, literal_text};
use crate::diagnostics::Diagnostic;
use crate::expr::{ArgumentValue, Kind, Literal};
use crate::spec::{Check, CheckCondition, Given, Measure, Ref, Resolved, Test};
use crate::syntax::ast::{self, Expectation};
use crate::syntax::source::Span;

impl Resolver<'_> {
    pub(super) fn test(&mut self, test: &ast::Test) -> Test<Resolved> {
        let mut given = vec![];
        for fact in &test.given {
            let span = fact.path.iter().map(|n| n.span).reduce(|a, b| a.to(b)).expect("a path has a name");
            let value = self.expr(&fact.value, Scope::Param);
            let name = fact.path.last().filter(|name| !self.taken.contains_key(&name.value));
            let name = name.and_then(|name| self.names.get(&name.value));
            if name.is_some_and(|(what, _)| !matches!(what, Ref::Feature(_))) {
                self.report(
                    Diagnostic::error("SEG0204", "only features can be given")
                        .at(span, "not a feature")
                        .help("give a feature of the spec, for example `recency = 20 days`"),
                );
            } else if let Some(of @ (Ref::Feature(_) | Ref::All(_))) = self.reference(&fact.path, span, Scope::Label) {
                given.push(Given { of, value, span });
            }
        }
        let mut labels = vec![];
        let mut checks = vec![];
        let mut expectations = vec![];
        for expectation in &test.expectations {
            match expectation {
                Expectation::Label(label) => labels.push(label.clone()),
                Expectation::Holds { condition, mostly } => match (check(condition), mostly) {
                    (Some(check), None) => checks.push(check),
                    (Some(_), Some(percent)) => self.report(
                        Diagnostic::error("SEG0643", "`mostly` is about rows or customers one by one")
                            .at(percent.span, "the condition is about the build as a whole")
                            .help("leave out `mostly`"),
                    ),
                    (None, mostly) => expectations.extend(self.expectation(condition, mostly.as_ref())),
                },
            }
        }
        let mut seen: Vec<(Ref, Span)> = vec![];
        for fact in &given {
            if let Some((_, first)) = seen.iter().find(|(of, _)| *of == fact.of) {
                self.report(
                    Diagnostic::error("SEG0203", "a value is given twice")
                        .at(fact.span, "the second time")
                        .at(*first, "the first time")
                        .help("keep one of them"),
                );
            }
            seen.push((fact.of, fact.span));
        }
        if test.expectations.is_empty() {
            self.report(
                Diagnostic::error("SEG0802", "a test that expects nothing can't fail")
                    .at(test.name.span, "needs an `expect`")
                    .help("add for example `expect \"Champions\"`"),
            );
        }
        Test { name: test.name.clone(), given, labels, checks, expectations, span: test.span }
    }
}

fn check(condition: &ast::Expr) -> Option<Check> {
    let (value, condition_, percent) = match &condition.kind {
        Kind::Compare(value, comparator, limit) => {
            let (limit, percent) = number(limit)?;
            (value, CheckCondition::Compare(*comparator, limit), percent)
        }
        Kind::Between { value, low, high, negated: false } => {
            let ((low, percent), (high, also)) = (number(low)?, number(high)?);
            if percent != also {
                return None;
            }
            (value, CheckCondition::Between(low, high), percent)
        }
        _ => return None,
    };
    let measure = measure(value, percent)?;
    // `share("Champions") > 5` forgets its `%`: a share is 0 to 1.
    let whole = match condition_ {
        CheckCondition::Compare(_, limit) => limit > 1.0,
        CheckCondition::Between(low, high) => low > 1.0 || high > 1.0,
    };
    if whole && !percent && matches!(measure, Measure::Share(_) | Measure::AmountShare(_)) {
        return None;
    }
    Some(Check { measure, condition: condition_, span: condition.span })
}

fn measure(value: &ast::Expr, percent: bool) -> Option<Measure> {
    match &value.kind {
        Kind::Ref(path) => {
            let names: Vec<&str> = path.iter().map(|n| n.value.as_str()).collect();
            match names.as_slice() {
                ["rows", "refused"] => Some(Measure::RowsRefused { share: percent }),
                ["rows", "used"] => Some(Measure::RowsUsed { share: percent }),
                ["rows", "read"] if !percent => Some(Measure::RowsRead),
                ["customers"] if !percent => Some(Measure::Customers),
                ["k"] if !percent => Some(Measure::K),
                _ => None,
            }
        }
        Kind::Call { function, arguments, filter: None } => {
            let label = match arguments.as_slice() {
                [only] => match &only.value {
                    ArgumentValue::Expr(e) => literal_text(e)?.to_owned(),
                    ArgumentValue::Best { .. } | ArgumentValue::Word(_) => return None,
                },
                _ => return None,
            };
            match function.value.as_str() {
                "dropped" => Some(Measure::Dropped { rule: label, share: percent }),
                "share" if percent => Some(Measure::Share(label)),
                "amount_share" if percent => Some(Measure::AmountShare(label)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// A number, and whether it was a percentage (then from 0 to 1).
fn number(expr: &ast::Expr) -> Option<(f64, bool)> {
    match &expr.kind {
        Kind::Literal(Literal::Number(n)) => Some((n.as_f64(), false)),
        Kind::Literal(Literal::Percent(n)) => Some((n.as_f64() / 100.0, true)),
        _ => None,
    }
}
