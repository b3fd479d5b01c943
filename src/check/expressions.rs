//! The type of each kind of expression.

use super::arithmetic::{combine, unify};
use super::{Checker, Currency};
use crate::diagnostics::{Diagnostic, suggest};
use crate::expr::{Comparator, Expr, Kind, Literal, Operator, TextVerb};
use crate::spec::{BasketId, ColumnId, FeatureId, ParamId, Ref, Resolved, Typed};
use crate::syntax::source::Span;
use crate::time::micros_per;
use crate::types::{Base, Type};

/// Bytes that a compiled pattern may take; beyond it is refused rather than slow.
pub const PATTERN_SIZE: usize = 1 << 20;

/// Units of time, of those that people write.
const UNITS: [&str; 5] = ["days", "hours", "minutes", "weeks", "seconds"];
/// What a mismatch is about, when it is not about two values of one place.
const COMPARED: &str = "compared with this";

impl Checker<'_> {
    pub(super) fn expr(&mut self, expr: &Expr<Resolved>) -> Expr<Typed> {
        let span = expr.span;
        let (kind, ty) = match &expr.kind {
            Kind::Literal(literal) => (Kind::Literal(literal.clone()), self.literal(literal, span)),
            Kind::Ref(reference) => (Kind::Ref(*reference), self.reference(*reference)),
            Kind::Not(a) => {
                let a = self.condition(a);
                let ty = Type::of(Base::Bool, a.ty.may_be_missing);
                (Kind::Not(Box::new(a)), ty)
            }
            Kind::Negate(a) => {
                let a = self.expr(a);
                self.expect(&a, "a minus goes before an amount", Base::is_numeric, "-1");
                let ty = match a.ty.base {
                    Base::Score(_) | Base::Zero => Type { base: Base::Int, ..a.ty },
                    Base::Share => Type { base: Base::Number, ..a.ty },
                    _ => a.ty,
                };
                (Kind::Negate(Box::new(a)), ty)
            }
            Kind::And(list) | Kind::Or(list) => {
                let typed: Vec<_> = list.iter().map(|e| self.condition(e)).collect();
                let ty = Type::of(Base::Bool, typed.iter().any(|e| e.ty.may_be_missing));
                (if matches!(expr.kind, Kind::And(_)) { Kind::And(typed) } else { Kind::Or(typed) }, ty)
            }
            Kind::Arithmetic(first, rest) => self.arithmetic(first, rest),
            Kind::Compare(a, comparator, b) => {
                let (a, b) = (self.expr(a), self.expr(b));
                self.compared(&a, &b, *comparator);
                let ty = Type::of(Base::Bool, a.ty.may_be_missing || b.ty.may_be_missing);
                (Kind::Compare(Box::new(a), *comparator, Box::new(b)), ty)
            }
            Kind::Between { value, low, high, negated } => {
                let (value, low, high) = (self.expr(value), self.expr(low), self.expr(high));
                self.compared(&value, &low, Comparator::GreaterOrEqual);
                self.compared(&value, &high, Comparator::LessOrEqual);
                let missing = value.ty.may_be_missing || low.ty.may_be_missing || high.ty.may_be_missing;
                let kind = Kind::Between {
                    value: Box::new(value),
                    low: Box::new(low),
                    high: Box::new(high),
                    negated: *negated,
                };
                (kind, Type::of(Base::Bool, missing))
            }
            Kind::In { value, options, negated } => {
                let value = self.expr(value);
                let options: Vec<_> = options.iter().map(|e| self.expr(e)).collect();
                for option in &options {
                    self.compared(&value, option, Comparator::Equal);
                }
                let missing = value.ty.may_be_missing || options.iter().any(|e| e.ty.may_be_missing);
                (Kind::In { value: Box::new(value), options, negated: *negated }, Type::of(Base::Bool, missing))
            }
            Kind::IsMissing { value, negated } => {
                let value = self.expr(value);
                (Kind::IsMissing { value: Box::new(value), negated: *negated }, Type::sure(Base::Bool))
            }
            Kind::TextTest { value, verb, pattern, negated } => {
                let (value, pattern) = (self.expr(value), self.expr(pattern));
                for side in [&value, &pattern] {
                    let rule = format!("`{}` is about text", verb.words());
                    self.expect(side, &rule, Base::is_text, "invoice starts with \"C\"");
                }
                self.pattern(*verb, &pattern);
                let ty = Type::of(Base::Bool, value.ty.may_be_missing || pattern.ty.may_be_missing);
                let kind = Kind::TextTest {
                    value: Box::new(value),
                    verb: *verb,
                    pattern: Box::new(pattern),
                    negated: *negated,
                };
                (kind, ty)
            }
            Kind::If { condition, then, otherwise } => {
                let condition = Box::new(self.condition(condition));
                let (then, otherwise) = (Box::new(self.expr(then)), Box::new(self.expr(otherwise)));
                let base = unify(then.ty.base, otherwise.ty.base).unwrap_or_else(|| {
                    let (one, other) = (then.ty.base, otherwise.ty.base);
                    self.report(
                        Diagnostic::error("SEG0207", format!("one branch is {one} and the other {other}"))
                            .at(otherwise.span, format!("{other}"))
                            .at(then.span, format!("{one}"))
                            .help("give both branches one type, or leave one out with `missing`"),
                    );
                    Base::Unknown
                });
                let ty = Type::of(base, then.ty.may_be_missing || otherwise.ty.may_be_missing);
                (Kind::If { condition, then, otherwise }, ty)
            }
            Kind::Duplicate(columns) => (Kind::Duplicate(columns.clone()), Type::sure(Base::Bool)),
            Kind::Call { function, arguments, filter } => self.call(*function, arguments, filter.as_deref(), span),
            Kind::Error => (Kind::Error, Type::UNKNOWN),
        };
        Expr { kind, span, ty }
    }

    fn arithmetic(&mut self, first: &Expr<Resolved>, rest: &[(Operator, Expr<Resolved>)]) -> (Kind<Typed>, Type) {
        let first = self.expr(first);
        let mut ty = first.ty;
        let mut left = first.span;
        let mut typed = vec![];
        for (op, operand) in rest {
            let operand = self.expr(operand);
            let base = combine(ty.base, *op, operand.ty.base).unwrap_or_else(|| {
                self.report(
                    Diagnostic::error(
                        "SEG0207",
                        format!("{} {} {} makes no sense", ty.base, op.symbol(), operand.ty.base),
                    )
                    .at(operand.span, format!("{}", operand.ty.base))
                    .at(left, format!("{}", ty.base))
                    .help(self.arithmetic_help(ty.base, left, *op, &operand)),
                );
                Base::Unknown
            });
            let divides = *op == Operator::Divide && !is_never_zero(&operand);
            ty = Type::of(base, ty.may_be_missing || operand.ty.may_be_missing || divides);
            left = left.to(operand.span);
            typed.push((*op, operand));
        }
        (Kind::Arithmetic(Box::new(first), typed), ty)
    }

    fn reference(&self, reference: Ref) -> Type {
        match reference {
            Ref::Column(ColumnId(i)) => self.columns[i],
            // There are no baskets where the column that they go by is not known.
            Ref::Basket(BasketId(i)) => self.baskets.get(i).copied().unwrap_or(Type::UNKNOWN),
            Ref::Feature(FeatureId(i)) | Ref::All(FeatureId(i)) => self.features[i],
            Ref::Param(ParamId(i)) => self.params[i],
            Ref::AsOf | Ref::BasketTime => Type::sure(Base::Datetime),
            Ref::Baskets => Type::sure(Base::Unknown),
            // True where there is a match, and only asked whether it is missing.
            Ref::Source(_) => Type::maybe(Base::Bool),
        }
    }

    fn literal(&mut self, literal: &Literal, span: Span) -> Type {
        let base = match literal {
            Literal::Number(n) if n.units == 0 => Base::Zero,
            Literal::Number(n) if n.scale == 0 => Base::Int,
            Literal::Number(_) => Base::Number,
            Literal::Percent(_) => Base::Share,
            Literal::Quantity(_, unit) => self.unit(unit, span),
            Literal::Rate(_, unit) => {
                self.report(
                    Diagnostic::error("SEG0213", format!("a rate per {unit} can't stand here"))
                        .at(span, "no function takes it")
                        .help("write a share, for example `10%`"),
                );
                Base::Unknown
            }
            Literal::Moment { date_only, .. } => {
                if *date_only {
                    Base::Date
                } else {
                    Base::Datetime
                }
            }
            Literal::Text(_) => Base::Text,
            Literal::Bool(_) => Base::Bool,
            Literal::Missing => return Type::maybe(Base::Missing),
        };
        Type::sure(base)
    }

    fn unit(&mut self, unit: &str, span: Span) -> Base {
        if micros_per(unit).is_some() {
            return Base::Duration;
        }
        let code = matches!(Currency::of(unit), Currency::Code(_));
        if self.currency.code() == Some(unit) || (code && matches!(self.currency, Currency::Reported)) {
            return Base::Money;
        }
        let diagnostic = match self.currency.code() {
            Some(own) if code => Diagnostic::error("SEG0213", format!("the spec is in {own}, this is in {unit}"))
                .at(span, "another currency")
                .help(format!("write the amount in {own}")),
            own => {
                let near = suggest::nearest(unit, UNITS.into_iter().chain(own));
                let number = self.sources.text(span).trim_end_matches(unit).trim();
                let days = |each: i64| number.replace('_', "").parse::<i64>().map_or(each, |n| n.saturating_mul(each));
                let differ = |each: i64| format!("months and years differ in length: write `{} days`", days(each));
                Diagnostic::error("SEG0213", format!("unknown unit `{unit}`"))
                    .at(span, near.map_or("not a unit".to_owned(), |near| format!("did you mean `{near}`?")))
                    .help(match (unit, near, own) {
                        ("month" | "months", ..) => differ(30),
                        ("quarter" | "quarters", ..) => differ(91),
                        ("year" | "years", ..) => differ(365),
                        (_, Some(near), _) => format!("write `{number} {near}`"),
                        (_, None, Some(own)) => {
                            format!("units: {} and `{own}`", suggest::list(UNITS).replace(" and", ","))
                        }
                        (_, None, None) => format!("units: {}; money needs a `currency`", suggest::list(UNITS)),
                    })
            }
        };
        self.report(diagnostic);
        Base::Unknown
    }

    /// Whether two values can be compared so; reports it when not.
    fn compared(&mut self, a: &Expr<Typed>, b: &Expr<Typed>, comparator: Comparator) {
        let equality = matches!(comparator, Comparator::Equal | Comparator::NotEqual);
        if matches!(a.ty.base, Base::Missing) || matches!(b.ty.base, Base::Missing) {
            let other = if a.ty.base == Base::Missing { b } else { a };
            self.report(
                Diagnostic::error("SEG0207", "a comparison with `missing` is never true")
                    .at(a.span.to(b.span), "never fires")
                    .help(format!("write `{} is missing`", self.sources.one_line(other.span))),
            );
        } else if !a.ty.base.comparable(b.ty.base) {
            self.mismatch(a.span, a.ty.base, b, COMPARED);
        } else if !equality && (a.ty.base == Base::Id || a.ty.base == Base::Bool || b.ty.base == Base::Id) {
            self.report(
                Diagnostic::error("SEG0207", format!("{} has no order", a.ty.base))
                    .at(a.span.to(b.span), "larger or smaller means nothing here")
                    .help("compare with `=` or `!=`"),
            );
        }
    }

    /// Two values whose units don't fit, with help for the commonest slips.
    pub(super) fn mismatch(&mut self, left: Span, expected: Base, found: &Expr<Typed>, what: &str) {
        if expected == Base::Unknown || found.ty.base == Base::Unknown {
            return;
        }
        let text = self.sources.one_line(left);
        let currency = self.currency.code().unwrap_or("EUR");
        let literal = self.sources.one_line(found.span);
        let number = matches!(found.kind, Kind::Literal(Literal::Number(_)));
        let verb = if what == COMPARED { "compare it with" } else { "write" };
        let help = match (expected, found.ty.base) {
            (Base::Money, b) if b.is_plain() && number => format!("say the currency: `{literal} {currency}`"),
            (Base::Duration, b) if b.is_plain() && number => format!("say the unit: `{literal} days`"),
            (Base::Id | Base::Text, _) if number => format!("put it in quotes: `\"{literal}\"`"),
            (Base::Money, _) => format!("{verb} an amount, for example `300 {currency}`"),
            (Base::Duration, _) => format!("{verb} a time span, for example `30 days`"),
            (Base::Date | Base::Datetime, _) => {
                format!("{verb} a date, for example `@{}`", date_in(&literal).unwrap_or("2011-12-10"))
            }
            (Base::Id | Base::Text, _) => format!("{verb} text in quotes, for example `\"France\"`"),
            (b, _) if b.is_plain() => format!("{verb} a plain number, for example `5`"),
            _ => format!("use {expected} on both sides"),
        };
        self.report(
            Diagnostic::error("SEG0207", format!("`{text}` is {expected} and `{literal}` is {}", found.ty.base))
                .at(found.span, format!("{}", found.ty.base))
                .at(left, format!("{expected}, {what}"))
                .help(help),
        );
    }

    /// Help for `left op found` where the units don't go together.
    fn arithmetic_help(&self, a: Base, left: Span, op: Operator, found: &Expr<Typed>) -> String {
        let b = found.ty.base;
        let (text, literal) = (self.sources.one_line(left), self.sources.one_line(found.span));
        let number = matches!(found.kind, Kind::Literal(Literal::Number(_)));
        let adds = matches!(op, Operator::Add | Operator::Subtract);
        match (a, b) {
            (a, b) if a.is_text() || b.is_text() => "declare the column as `int`, `number` or `money`".to_owned(),
            (a, b) if (a.is_time() || a == Base::Duration) && b.is_plain() && number => {
                format!("say the unit: `{literal} {}`", if literal == "1" { "day" } else { "days" })
            }
            (Base::Money, b) if b.is_plain() && number => {
                format!("say the currency: `{literal} {}`", self.currency.code().unwrap_or("EUR"))
            }
            (Base::Money, b) | (b, Base::Money) if b.is_plain() && adds => {
                format!("multiply them: `{text} * {literal}`")
            }
            (Base::Duration, b) | (b, Base::Duration) if b.is_plain() => "take plain days with `days(...)`".to_owned(),
            (a, b) if a.is_time() && b.is_time() => format!("take the time between them: `{text} - {literal}`"),
            (Base::Money, Base::Money) => "add, subtract or divide amounts; multiply an amount by a number".to_owned(),
            _ => "bring both to one unit first".to_owned(),
        }
    }

    fn pattern(&mut self, verb: TextVerb, pattern: &Expr<Typed>) {
        if verb != TextVerb::Matches || pattern.ty.base == Base::Unknown {
            return;
        }
        let Kind::Literal(Literal::Text(text)) = &pattern.kind else {
            self.report(
                Diagnostic::error("SEG0218", "a pattern is written out")
                    .at(pattern.span, "not a text in quotes")
                    .help("write for example `product matches \"^[0-9]{5}\"`"),
            );
            return;
        };
        if let Err(error) = regex::RegexBuilder::new(text).size_limit(PATTERN_SIZE).build() {
            let why = match error {
                regex::Error::CompiledTooBig(limit) => format!("it needs more than {limit} bytes when compiled"),
                error => error.to_string().lines().last().unwrap_or("").trim().trim_start_matches("error: ").to_owned(),
            };
            self.report(
                Diagnostic::error("SEG0218", format!("this is no regular expression: {why}"))
                    .at(pattern.span, "can't be read")
                    .help("to look for plain text use `contains`"),
            );
        }
    }
}

/// A divisor that is written out and not zero leaves nothing missing.
fn is_never_zero(expr: &Expr<Typed>) -> bool {
    match &expr.kind {
        Kind::Literal(Literal::Number(n) | Literal::Percent(n) | Literal::Quantity(n, _)) => n.units != 0,
        Kind::Negate(inner) => is_never_zero(inner),
        _ => false,
    }
}

/// The date that a text begins with, quotes aside: `2011-12-10`, which people write without its `@`.
pub(super) fn date_in(text: &str) -> Option<&str> {
    let date = text.trim_start_matches('"').get(..10)?;
    let shape = |(i, c): (usize, char)| if matches!(i, 4 | 7) { c == '-' } else { c.is_ascii_digit() };
    date.chars().enumerate().all(shape).then_some(date)
}
