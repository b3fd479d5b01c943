//! `clv`, `p_alive` and `expected_purchases`: their arguments, each by its name.

use super::Checker;
use super::functions::usage;
use crate::clv::{Model, Unit};
use crate::diagnostics::{Diagnostic, suggest};
use crate::expr::{Argument, ArgumentValue, Expr, Kind, Literal, Operator};
use crate::spec::{Function, ParamId, Population, Ref, Resolved, Typed};
use crate::syntax::source::{Name, Span};
use crate::time::{DAY, micros_per};
use crate::types::{Base, Type};

/// Days beyond which nobody plans, and sums over all that time would take long.
const LONGEST: f64 = 36_500.0;

impl Checker<'_> {
    pub(super) fn forecast(
        &mut self,
        function: Population,
        arguments: &[Argument<Resolved>],
        span: Span,
    ) -> (Kind<Typed>, Type) {
        let mut typed: Vec<Argument<Typed>> = vec![];
        let mut named = true;
        for argument in arguments {
            let Some(name) = &argument.name else {
                named = false;
                let place = place_of(&argument.value);
                self.unfit(function, place, "every argument has a name here", "which one is it?");
                continue;
            };
            let given = |typed: &Argument<Typed>| typed.name.as_ref().is_some_and(|n| n.value == name.value);
            if !taken(function).contains(&name.value.as_str()) {
                self.unknown_argument(function, name);
            } else if typed.iter().any(given) {
                self.unfit(function, name.span, &format!("`{}` is given twice", name.value), "once more");
            } else {
                let value = self.forecast_argument(name, &argument.value);
                typed.push(Argument { name: Some(name.clone()), value });
            }
        }
        let has = |name: &str| arguments.iter().any(|a| a.name.as_ref().is_some_and(|n| n.value == name));
        if function != Population::PAlive && named && !has("horizon") {
            self.unfit(function, span, "how far ahead does it look?", "goes without `horizon`");
        }
        if !self.has_purchases {
            self.report(
                Diagnostic::error(
                    "SEG0230",
                    format!("`{}` looks at the days on which customers bought", function.name()),
                )
                .at(span, "here a row is a customer, and says nothing of days")
                .help("take a source with one row per purchase, and leave `one row each` out"),
            );
        } else if function == Population::Clv && !self.has_revenue {
            self.report(
                Diagnostic::error("SEG0230", "`clv` needs to know what a purchase brings")
                    .at(span, "an amount of money to come")
                    .help(
                        "say what a row is worth, `revenue amount`, or ask for `expected_purchases(horizon: 365 days)`",
                    ),
            );
        }
        let base = match function {
            Population::Clv => Base::Money,
            Population::PAlive => Base::Share,
            _ => Base::Number,
        };
        (Kind::Call { function: Function::Population(function), arguments: typed, filter: None }, Type::sure(base))
    }

    fn unfit(&mut self, function: Population, place: Span, what: &str, label: &str) {
        let what = format!("`{}`: {what}", function.name());
        self.report(Diagnostic::error("SEG0231", what).at(place, label).help(usage(Function::Population(function))));
    }

    fn unknown_argument(&mut self, function: Population, name: &Name) {
        let known = taken(function);
        let near = suggest::nearest(&name.value, known.iter().copied());
        self.report(
            Diagnostic::error("SEG0231", format!("`{}` takes no `{}`", function.name(), name.value))
                .at(name.span, near.map_or("not an argument of it".into(), |near| format!("did you mean `{near}`?")))
                .help(match near {
                    Some(near) => format!("write `{near}:`"),
                    None => format!("arguments: {}", suggest::list(known.iter().copied())),
                }),
        );
    }

    fn forecast_argument(&mut self, name: &Name, value: &ArgumentValue<Resolved>) -> ArgumentValue<Typed> {
        match (name.value.as_str(), value) {
            ("model", value) => self.one_of(name, value, "SEG0234", &Model::ALL.map(Model::name)),
            ("unit", value) => self.one_of(name, value, "SEG0235", &Unit::ALL.map(Unit::name)),
            ("discount", ArgumentValue::Expr(expr)) => ArgumentValue::Expr(self.rate(expr)),
            (_, ArgumentValue::Expr(expr)) => ArgumentValue::Expr(self.span_ahead(name, expr)),
            (_, other) => {
                self.report(
                    Diagnostic::error("SEG0232", format!("`{}` is an amount", name.value))
                        .at(place_of(other), "no amount")
                        .help("write for example `horizon: 90 days` and `discount: 10% per year`"),
                );
                ArgumentValue::Word(name.clone())
            }
        }
    }

    fn one_of(
        &mut self,
        name: &Name,
        value: &ArgumentValue<Resolved>,
        code: &'static str,
        known: &[&str],
    ) -> ArgumentValue<Typed> {
        let found = match value {
            ArgumentValue::Word(word) if known.contains(&word.value.as_str()) => {
                return ArgumentValue::Word(word.clone());
            }
            ArgumentValue::Word(word) => Some(word.value.as_str()),
            _ => None,
        };
        let near = found.and_then(|found| suggest::nearest(found, known.iter().copied()));
        let what = found.map_or(format!("`{}` is one word", name.value), |f| format!("unknown {} `{f}`", name.value));
        self.report(
            Diagnostic::error(code, what)
                .at(place_of(value), near.map_or("not one of them".into(), |near| format!("did you mean `{near}`?")))
                .help(match near {
                    Some(near) => format!("write `{}: {near}`", name.value),
                    None => format!("write one of {}", suggest::list(known.iter().copied())),
                }),
        );
        ArgumentValue::Word(name.clone())
    }

    /// A rate per year, the same for everybody.
    fn rate(&mut self, expr: &Expr<Resolved>) -> Expr<Typed> {
        let (kind, good) = match &expr.kind {
            Kind::Literal(Literal::Rate(n, unit)) => {
                let good = unit == "year" && n.units >= 0 && n.as_f64() <= 1000.0;
                (Kind::Literal(Literal::Rate(*n, unit.clone())), good)
            }
            // It has been reported already.
            Kind::Error => (Kind::Error, true),
            _ => (Kind::Error, false),
        };
        if !good {
            self.report(
                Diagnostic::error("SEG0233", "`discount` is a rate per year, from 0% to 1000%")
                    .at(expr.span, "no such rate")
                    .help("write for example `discount: 10% per year`"),
            );
        }
        Expr { kind, span: expr.span, ty: Type::sure(Base::Share) }
    }

    /// A time span above 0 that is known before any row is read.
    fn span_ahead(&mut self, name: &Name, expr: &Expr<Resolved>) -> Expr<Typed> {
        let expr = self.expr(expr);
        if expr.ty.base == Base::Unknown {
            return expr;
        }
        let is_span = expr.ty.base == Base::Duration;
        let micros = constant(&expr, &|id| self.constants.get(id.0).copied().flatten());
        let label = match micros.filter(|_| is_span).map(|micros| micros / DAY as f64) {
            None if is_span => "not known before rows are read".to_owned(),
            None => expr.ty.base.to_string(),
            Some(days) if days <= 0.0 => "nothing lies in it".to_owned(),
            Some(days) if days > LONGEST => format!("longer than {LONGEST} days"),
            Some(_) => return expr,
        };
        self.report(
            Diagnostic::error(
                "SEG0232",
                format!("`{}` is a time span above 0, written out or a parameter", name.value),
            )
            .at(expr.span, label)
            .help(format!("write for example `{}: 90 days`", name.value)),
        );
        expr
    }
}

/// The names of the arguments.
fn taken(function: Population) -> &'static [&'static str] {
    match function {
        Population::Clv => &["horizon", "discount", "model", "unit", "holdout"],
        Population::PAlive => &["model", "unit", "holdout"],
        _ => &["horizon", "model", "unit", "holdout"],
    }
}

fn place_of(value: &ArgumentValue<Resolved>) -> Span {
    match value {
        ArgumentValue::Expr(expr) => expr.span,
        ArgumentValue::Best { span, .. } => *span,
        ArgumentValue::Word(word) => word.span,
    }
}

/// The value of an expression of literals and parameters, where it is an amount: time spans in microseconds, shares from
/// 0 to 1.
pub(crate) fn constant(expr: &Expr<Typed>, param: &dyn Fn(ParamId) -> Option<f64>) -> Option<f64> {
    match &expr.kind {
        Kind::Literal(Literal::Number(n)) => Some(n.as_f64()),
        Kind::Literal(Literal::Percent(n) | Literal::Rate(n, _)) => Some(n.as_f64() / 100.0),
        Kind::Literal(Literal::Quantity(n, unit)) => micros_per(unit).map(|micros| n.as_f64() * micros as f64),
        Kind::Ref(Ref::Param(id)) => param(*id),
        Kind::Negate(a) => constant(a, param).map(|x| -x),
        Kind::Arithmetic(first, rest) => rest.iter().try_fold(constant(first, param)?, |left, (operator, operand)| {
            let right = constant(operand, param)?;
            Some(match operator {
                Operator::Add => left + right,
                Operator::Subtract => left - right,
                Operator::Multiply => left * right,
                Operator::Divide => left / right,
            })
        }),
        _ => None,
    }
}
