//! What each function takes and gives.

use super::Checker;
use super::arithmetic::unify;
use crate::diagnostics::Diagnostic;
use crate::expr::{Argument, ArgumentValue, Expr, Kind, Literal};
use crate::spec::{Aggregate, Function, Population, Ref, Resolved, Scalar, Typed, argument_exprs};
use crate::syntax::source::Span;
use crate::types::{Base, Type};

/// Scores beyond this are quantiles by another name.
const MOST_SCORES: i64 = 100;

impl Checker<'_> {
    pub(super) fn call(
        &mut self,
        function: Function,
        arguments: &[Argument<Resolved>],
        filter: Option<&Expr<Resolved>>,
        span: Span,
    ) -> (Kind<Typed>, Type) {
        if let Function::Population(forecast) = function
            && forecast.is_forecast()
        {
            return self.forecast(forecast, arguments, span);
        }
        let typed: Vec<Argument<Typed>> = arguments
            .iter()
            .map(|argument| Argument {
                name: argument.name.clone(),
                value: match &argument.value {
                    ArgumentValue::Expr(e) => ArgumentValue::Expr(self.expr(e)),
                    ArgumentValue::Best { low, span } => ArgumentValue::Best { low: *low, span: *span },
                    ArgumentValue::Word(word) => ArgumentValue::Word(word.clone()),
                },
            })
            .collect();
        let filter = filter.map(|e| Box::new(self.condition(e)));
        for argument in &typed {
            let (place, what) = match (&argument.name, &argument.value) {
                (Some(name), _) => (name.span, format!("`{}` takes no argument by name", function.name())),
                (None, ArgumentValue::Best { span, .. }) if function != Function::Population(Population::Score) => {
                    (*span, format!("`{}` has no best end", function.name()))
                }
                _ => continue,
            };
            self.report(Diagnostic::error("SEG0208", what).at(place, "not an argument of it").help(usage(function)));
        }
        let exprs = argument_exprs(&typed);
        let filtered = filter.is_some();
        let ty = match function {
            Function::Scalar(f) => self.scalar(f, &exprs, span),
            Function::Aggregate(f) => {
                self.one_level(&exprs, filter.as_deref(), span);
                self.aggregate(f, &exprs, filtered, span)
            }
            Function::Population(f) => self.population(f, &exprs, span),
        };
        let ty = ty.unwrap_or_else(|| {
            if !exprs.iter().any(|e| e.ty.base == Base::Unknown && !matches!(e.kind, Kind::Ref(Ref::Baskets))) {
                let found = match exprs.as_slice() {
                    [] => "nothing".to_owned(),
                    list => list.iter().map(|e| e.ty.base.to_string()).collect::<Vec<_>>().join(", "),
                };
                self.report(
                    Diagnostic::error("SEG0208", format!("`{}` can't be used like this", function.name()))
                        .at(span, format!("given {found}"))
                        .help(usage(function)),
                );
            }
            Type::UNKNOWN
        });
        (Kind::Call { function, arguments: typed, filter }, ty)
    }

    fn scalar(&mut self, f: Scalar, a: &[&Expr<Typed>], _span: Span) -> Option<Type> {
        use Scalar::*;
        let missing = a.iter().any(|e| e.ty.may_be_missing);
        let base = |i: usize| a.get(i).map(|e| e.ty.base).unwrap_or(Base::Unknown);
        let gives = |base: Base| Some(Type::of(base, missing));
        match (f, a.len()) {
            // Outside the domain of the function the result is missing.
            (Log1p | Ln | Sqrt, 1) if base(0).is_numeric() => Some(Type::maybe(Base::Number)),
            (Abs, 1) if base(0).is_numeric() => gives(base(0)),
            (Round, 1) | (Floor | Ceil, 1) if base(0).is_plain() || base(0) == Base::Money => gives(whole(base(0))),
            (Round, 2)
                if (base(0).is_plain() || base(0) == Base::Money) && whole_literal(a[1]).is_some_and(|d| d <= 9) =>
            {
                gives(if base(0) == Base::Money { Base::Money } else { Base::Number })
            }
            (Clip, 3) if base(0).is_numeric() => {
                let all = unify(unify(base(0), base(1))?, base(2))?;
                gives(all)
            }
            (Coalesce, 2..) => {
                let all = a.iter().try_fold(base(0), |acc, e| unify(acc, e.ty.base))?;
                Some(Type::of(all, a.iter().all(|e| e.ty.may_be_missing)))
            }
            (WholeDays, 1) if base(0) == Base::Duration => gives(Base::Duration),
            (CalendarDays, 2) if base(0).is_time() && base(1).is_time() => gives(Base::Duration),
            (Days, 1) if base(0) == Base::Duration => gives(Base::Number),
            (Year | Month | Day | Weekday, 1) if base(0).is_time() => gives(Base::Int),
            (Hour, 1) if base(0) == Base::Datetime => gives(Base::Int),
            (DateOf | StartOfMonth, 1) if base(0).is_time() => gives(Base::Date),
            (Lower | Upper | Trim, 1) if base(0).is_text() => gives(Base::Text),
            (Length, 1) if base(0).is_text() => gives(Base::Int),
            _ => None,
        }
    }

    fn aggregate(&mut self, f: Aggregate, a: &[&Expr<Typed>], filtered: bool, _span: Span) -> Option<Type> {
        use Aggregate::*;
        let of_baskets = matches!(a, [e] if matches!(e.kind, Kind::Ref(Ref::Baskets)));
        if of_baskets {
            return (f == Count).then_some(Type::sure(Base::Int));
        }
        let base = a.first().map(|e| e.ty.base).unwrap_or(Base::Unknown);
        // Every customer and basket has a row, so without a `where` only missing cells leave nothing; a customer without
        // a basket has none to look at.
        let none = !self.all_in_baskets && a.iter().any(|e| of_a_basket(e));
        let missing = none || filtered || a.first().is_some_and(|e| e.ty.may_be_missing);
        let gives = |base: Base| Some(Type::of(base, missing));
        match (f, a.len()) {
            (Count, 0) => Some(Type::sure(Base::Int)),
            (Count | CountDistinct, 1) => Some(Type::sure(Base::Int)),
            (Sum, 1) if base.is_numeric() => {
                let base = match base {
                    Base::Score(_) | Base::Zero => Base::Int,
                    Base::Share => Base::Number,
                    base => base,
                };
                Some(Type::sure(base))
            }
            (Mean | Median, 1) if base.is_numeric() => gives(averaged(base)),
            (Std, 1) if base.is_numeric() => Some(Type::maybe(averaged(base))),
            (Quantile, 2) if base.is_numeric() && share_literal(a[1]).is_some() => gives(averaged(base)),
            (Min | Max, 1) if base.is_ordered() => gives(base),
            (First | Last | Mode, 1) if base != Base::Bool => gives(base),
            (Share, 1) if base == Base::Bool => gives(Base::Share),
            (Entropy, 1) => gives(Base::Number),
            (MeanGap, 1) if base.is_time() => Some(Type::maybe(Base::Duration)),
            // Per day, so that the unit of the argument is not that of the result.
            (Trend, 1) if base.is_numeric() => Some(Type::maybe(Base::Number)),
            _ => None,
        }
    }

    fn population(&mut self, f: Population, a: &[&Expr<Typed>], _span: Span) -> Option<Type> {
        let first = a.first()?;
        match (f, a.len()) {
            (Population::Score, 2) if first.ty.base.is_numeric() || first.ty.base.is_time() => {
                let n = whole_literal(a[1]).filter(|n| (2..=MOST_SCORES).contains(n))?;
                Some(Type::of(Base::Score(n as u32), first.ty.may_be_missing))
            }
            (Population::Winsorize, 3) if first.ty.base.is_numeric() => {
                let (low, high) = (share_literal(a[1])?, share_literal(a[2])?);
                (low < high).then_some(Type::of(averaged(first.ty.base), first.ty.may_be_missing))
            }
            _ => None,
        }
    }

    /// An aggregate runs over rows or over baskets, never over both at once.
    fn one_level(&mut self, arguments: &[&Expr<Typed>], filter: Option<&Expr<Typed>>, span: Span) {
        let (mut row, mut basket) = (None, None);
        for expr in arguments.iter().copied().chain(filter) {
            expr.walk(&mut |e| match e.kind {
                Kind::Ref(Ref::Column(_) | Ref::Source(_)) | Kind::Duplicate(_) => row = row.or(Some(e.span)),
                Kind::Ref(Ref::Basket(_) | Ref::Baskets | Ref::BasketTime) => basket = basket.or(Some(e.span)),
                _ => {}
            });
        }
        if let (Some(row), Some(basket)) = (row, basket) {
            self.report(
                Diagnostic::error("SEG0208", "an aggregate runs over rows or over baskets, not over both")
                    .at(basket, "of a basket")
                    .at(row, "of a row")
                    .help(format!("make two features of `{}`", self.sources.one_line(span))),
            );
        }
    }
}

fn of_a_basket(expr: &Expr<Typed>) -> bool {
    let mut found = false;
    expr.walk(&mut |e| found |= matches!(e.kind, Kind::Ref(Ref::Basket(_) | Ref::BasketTime)));
    found
}

fn averaged(base: Base) -> Base {
    match base {
        Base::Int | Base::Score(_) | Base::Zero => Base::Number,
        base => base,
    }
}

fn whole(base: Base) -> Base {
    if base == Base::Money { Base::Money } else { Base::Int }
}

/// A whole number written down.
pub(crate) fn whole_literal(expr: &Expr<Typed>) -> Option<i64> {
    match &expr.kind {
        Kind::Literal(Literal::Number(n)) if n.scale == 0 => Some(n.units),
        _ => None,
    }
}

/// A share written down, `90%` or `0.9`, from 0 to 1.
pub(crate) fn share_literal(expr: &Expr<Typed>) -> Option<f64> {
    let share = match &expr.kind {
        Kind::Literal(Literal::Percent(n)) => n.as_f64() / 100.0,
        Kind::Literal(Literal::Number(n)) => n.as_f64(),
        _ => return None,
    };
    (0.0..=1.0).contains(&share).then_some(share)
}

/// How a function is used, as help.
pub(super) fn usage(function: Function) -> String {
    let example = match function {
        Function::Scalar(f) => match f {
            Scalar::Round => "round(monetary, 2)",
            Scalar::Clip => "clip(frequency, 0, 50)",
            Scalar::Coalesce => "coalesce(mean(baskets.worth), 0 GBP)",
            Scalar::WholeDays => "whole_days(as_of - max(at))",
            Scalar::CalendarDays => "calendar_days(max(at), as_of)",
            Scalar::Days => "days(as_of - max(at))",
            Scalar::Year | Scalar::Month | Scalar::Day | Scalar::Weekday | Scalar::DateOf | Scalar::StartOfMonth => {
                return format!("write for example `{}(at)`, of a date or time", f.name());
            }
            Scalar::Hour => "hour(at)",
            Scalar::Lower | Scalar::Upper | Scalar::Trim | Scalar::Length => {
                return format!("write for example `{}(country)`, of a text", f.name());
            }
            _ => return format!("write for example `{}(monetary)`, of an amount", f.name()),
        },
        Function::Aggregate(f) => match f {
            Aggregate::Count => "count(), count(product) or count(baskets)",
            Aggregate::Quantile => "quantile(amount, 90%)",
            Aggregate::Share => "share(country = \"France\")",
            Aggregate::MeanGap => "mean_gap(at)",
            Aggregate::First | Aggregate::Last | Aggregate::Mode | Aggregate::CountDistinct | Aggregate::Entropy => {
                return format!("write for example `{}(product)`", f.name());
            }
            _ => return format!("write for example `{}(amount)`, of an amount", f.name()),
        },
        Function::Population(Population::Score) => "score(recency, 5, low is best)",
        Function::Population(Population::Winsorize) => "winsorize(monetary, 1%, 99%)",
        Function::Population(Population::Clv) => "clv(horizon: 365 days, discount: 10% per year)",
        Function::Population(Population::PAlive) => "p_alive()",
        Function::Population(Population::ExpectedPurchases) => "expected_purchases(horizon: 90 days)",
    };
    format!("write for example `{example}`")
}
