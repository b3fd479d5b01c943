//! From pest's pairs to expressions.

use pest::iterators::Pair;

use super::Rule;
use super::ast::{ArgumentValue, Expr, Kind};
use super::build::{Builder, comparator_of};
use super::errors;
use super::source::{Span, Spanned};
use crate::expr::{Argument, Literal, Operator, TextVerb};
use crate::time;

type P<'a> = Pair<'a, Rule>;

pub(super) fn expr(b: &mut Builder, pair: P) -> Expr {
    let span = b.span(&pair);
    let kind = match pair.as_rule() {
        Rule::expr | Rule::comparison => return comparison_or_inner(b, pair),
        Rule::disjunction => return chain(b, pair, span, Rule::conjunction, Kind::Or),
        Rule::conjunction => return chain(b, pair, span, Rule::negation, Kind::And),
        Rule::negation => return prefixed(b, pair, Rule::kw_not, Kind::Not),
        Rule::unary => return prefixed(b, pair, Rule::minus, Kind::Negate),
        Rule::sum | Rule::product => return arithmetic(b, pair, span),
        Rule::primary => {
            // The whole of a bracketed expression counts as its place, so that help can quote it as it stands.
            let inner = operands(&pair).into_iter().next().expect("a primary has one form");
            let mut inner = expr(b, inner);
            inner.span = span;
            return inner;
        }
        Rule::conditional => {
            let mut parts = operands(&pair).into_iter().map(|p| expr(b, p));
            let mut next = || Box::new(parts.next().expect("a conditional has three parts"));
            Kind::If { condition: next(), then: next(), otherwise: next() }
        }
        Rule::literal => literal(b, pair, span),
        Rule::duplicate => {
            let names: Vec<_> =
                pair.into_inner().filter(|p| p.as_rule() == Rule::name).map(|p| vec![b.name(p)]).collect();
            Kind::Duplicate((!names.is_empty()).then_some(names))
        }
        Rule::call => call(b, pair),
        Rule::path => Kind::Ref(b.path(pair)),
        rule => unreachable!("`{rule:?}` is no expression in the grammar"),
    };
    Expr { kind, span, ty: () }
}

/// The parts that are expressions themselves: neither keywords nor comments.
fn operands<'a>(pair: &P<'a>) -> Vec<P<'a>> {
    pair.clone()
        .into_inner()
        .filter(|p| {
            matches!(
                p.as_rule(),
                Rule::expr
                    | Rule::disjunction
                    | Rule::conjunction
                    | Rule::negation
                    | Rule::comparison
                    | Rule::sum
                    | Rule::product
                    | Rule::unary
                    | Rule::primary
                    | Rule::conditional
                    | Rule::literal
                    | Rule::duplicate
                    | Rule::call
                    | Rule::path
            )
        })
        .collect()
}

fn boxed(b: &mut Builder, pair: P) -> Box<Expr> {
    Box::new(expr(b, pair))
}

fn chain(b: &mut Builder, pair: P, span: Span, part: Rule, wrap: fn(Vec<Expr>) -> Kind) -> Expr {
    let parts: Vec<P> = pair.into_inner().filter(|p| p.as_rule() == part).collect();
    let mut list: Vec<Expr> = parts.into_iter().map(|p| expr(b, p)).collect();
    if list.len() == 1 { list.remove(0) } else { Expr { kind: wrap(list), span, ty: () } }
}

fn prefixed(b: &mut Builder, pair: P, prefix: Rule, wrap: fn(Box<Expr>) -> Kind) -> Expr {
    let starts: Vec<Span> = pair.clone().into_inner().filter(|p| p.as_rule() == prefix).map(|p| b.span(&p)).collect();
    let inner = operands(&pair).into_iter().next().expect("a prefix stands before an operand");
    let inner = expr(b, inner);
    starts.into_iter().rev().fold(inner, |inner, start| {
        let span = start.to(inner.span);
        Expr { kind: wrap(Box::new(inner)), span, ty: () }
    })
}

fn arithmetic(b: &mut Builder, pair: P, span: Span) -> Expr {
    let mut first = None;
    let mut rest = vec![];
    let mut operator = Operator::Add;
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::add_op | Rule::mul_op => {
                operator = match part.as_str().trim() {
                    "+" => Operator::Add,
                    "-" => Operator::Subtract,
                    "*" => Operator::Multiply,
                    _ => Operator::Divide,
                }
            }
            Rule::comment => {}
            _ if first.is_none() => first = Some(expr(b, part)),
            _ => rest.push((operator, expr(b, part))),
        }
    }
    let first = first.expect("a sum has a first operand");
    if rest.is_empty() { first } else { Expr { kind: Kind::Arithmetic(Box::new(first), rest), span, ty: () } }
}

fn comparison_or_inner(b: &mut Builder, pair: P) -> Expr {
    let span = b.span(&pair);
    let value = operands(&pair).into_iter().next().expect("a comparison has a left side");
    let value = expr(b, value);
    let tail = pair.into_inner().find(|p| {
        matches!(p.as_rule(), Rule::compare | Rule::between | Rule::within | Rule::is_missing | Rule::text_test)
    });
    let Some(tail) = tail else { return value };
    let value = Box::new(value);
    let negated = tail.clone().into_inner().any(|p| p.as_rule() == Rule::kw_not);
    let mut parts = operands(&tail).into_iter();
    let mut next = |b: &mut Builder| boxed(b, parts.next().expect("the grammar has an operand here"));
    let kind = match tail.as_rule() {
        Rule::compare => {
            let comparator = tail.clone().into_inner().find(|p| p.as_rule() == Rule::comparator);
            let comparator = comparator_of(comparator.expect("a comparison has its sign").as_str());
            Kind::Compare(value, comparator, next(b))
        }
        Rule::between => {
            let low = next(b);
            Kind::Between { value, low, high: next(b), negated }
        }
        Rule::within => match tail.clone().into_inner().find(|p| p.as_rule() == Rule::range) {
            Some(range) => {
                let mut ends = operands(&range).into_iter().map(|p| boxed(b, p));
                let mut end = || ends.next().expect("a range has two ends");
                Kind::Between { value, low: end(), high: end(), negated }
            }
            None => Kind::In { value, options: operands(&tail).into_iter().map(|p| expr(b, p)).collect(), negated },
        },
        Rule::is_missing => Kind::IsMissing { value, negated },
        _ => {
            let verb = tail.clone().into_inner().find(|p| p.as_rule() == Rule::text_verb);
            let verb = verb.and_then(|p| p.into_inner().next().map(|p| p.as_rule()));
            let verb = match verb {
                Some(Rule::kw_starts) => TextVerb::StartsWith,
                Some(Rule::kw_ends) => TextVerb::EndsWith,
                Some(Rule::kw_contains) => TextVerb::Contains,
                _ => TextVerb::Matches,
            };
            Kind::TextTest { value, verb, pattern: next(b), negated }
        }
    };
    Expr { kind, span, ty: () }
}

fn call(b: &mut Builder, pair: P) -> Kind {
    let mut parts = pair.into_inner();
    let function = parts.next().expect("a call has a name");
    let function = b.name(function);
    let (mut arguments, mut filter) = (vec![], None);
    for part in parts {
        match part.as_rule() {
            Rule::where_clause => filter = operands(&part).into_iter().next().map(|p| boxed(b, p)),
            Rule::argument => {
                let inner = part.into_inner().next().expect("an argument has one form");
                let span = b.span(&inner);
                arguments.push(match inner.as_rule() {
                    Rule::best => {
                        let low = inner.into_inner().next().is_some_and(|p| p.as_rule() == Rule::kw_low);
                        Argument { name: None, value: ArgumentValue::Best { low, span } }
                    }
                    Rule::named => {
                        let mut parts = inner.into_inner().filter(|p| p.as_rule() != Rule::comment);
                        let name = b.name(parts.next().expect("a named argument has a name"));
                        let value = expr(b, parts.next().expect("a named argument has a value"));
                        Argument { name: Some(name), value: ArgumentValue::Expr(value) }
                    }
                    _ => Argument { name: None, value: ArgumentValue::Expr(expr(b, inner)) },
                });
            }
            _ => {}
        }
    }
    Kind::Call { function, arguments, filter }
}

fn literal(b: &mut Builder, pair: P, span: Span) -> Kind {
    let inner = pair.into_inner().next().expect("a literal has one form");
    let text = inner.as_str();
    Kind::Literal(match inner.as_rule() {
        Rule::string => Literal::Text(b.string(inner).value),
        Rule::number => Literal::Number(b.decimal(text, span)),
        Rule::percent => Literal::Percent(b.decimal(text, span)),
        Rule::rate => {
            let mut parts = inner.into_inner();
            let percent = parts.next().map_or("", |p| p.as_str()).to_owned();
            let unit = parts.find(|p| p.as_rule() == Rule::name).map_or("", |p| p.as_str()).to_owned();
            Literal::Rate(b.decimal(&percent, span), unit)
        }
        Rule::quantity => {
            let mut parts = inner.into_inner();
            let number = parts.next().map_or("", |p| p.as_str()).to_owned();
            let unit = parts.next().map_or("", |p| p.as_str()).to_owned();
            Literal::Quantity(b.decimal(&number, span), unit)
        }
        Rule::moment => match time::moment(text.trim_start_matches('@')) {
            Some((micros, date_only)) => Literal::Moment { micros, date_only },
            None => {
                b.diagnostics.push(errors::no_such_date(Spanned::new(text, span)));
                return Kind::Error;
            }
        },
        Rule::kw_true => Literal::Bool(true),
        Rule::kw_false => Literal::Bool(false),
        _ => Literal::Missing,
    })
}
