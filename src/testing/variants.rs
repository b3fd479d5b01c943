//! A condition changed by one step, in all ways in which one of its comparisons or constants can be.

use crate::expr::{Comparator, Decimal, Expr, Kind, Literal};
use crate::spec::{Ref, Spec, Typed};
use crate::syntax::source::{SourceMap, Span};
use crate::time::DAY;
use crate::types::{Base, Type};

/// A condition that differs from the one in the spec in one place.
pub(super) struct Variant {
    pub condition: Expr<Typed>,
    /// The comparison that differs, as it stands and as it would.
    pub before: String,
    pub after: String,
    pub span: Span,
}

/// Every comparison with its neighbours (`>=` with `>` and `<`, an end of a range left out, an option of a list left
/// out, a question answered the other way round), and every constant one lower and one higher in its last written digit.
pub(super) fn variants(spec: &Spec<Typed>, sources: &SourceMap, condition: &Expr<Typed>) -> Vec<Variant> {
    let writer = Writer { spec, sources };
    let changes = writer.changes(condition, Base::Unknown);
    changes
        .into_iter()
        .map(|Change { expr, place, text, within }| {
            let within = within.unwrap_or(condition.span);
            Variant {
                before: sources.one_line(within),
                after: writer.edited(within, place, &text),
                span: within,
                condition: expr,
            }
        })
        .collect()
}

/// An expression with one place changed: what stands there now, and the comparison around it.
struct Change {
    expr: Expr<Typed>,
    place: Span,
    text: String,
    within: Option<Span>,
}

struct Writer<'a> {
    spec: &'a Spec<Typed>,
    sources: &'a SourceMap,
}

impl Writer<'_> {
    /// Everything that can be changed in an expression. `beside` is the unit of what it is compared with.
    fn changes(&self, expr: &Expr<Typed>, beside: Base) -> Vec<Change> {
        let mut out = self.own(expr, beside);
        let sides = units(expr, beside);
        for (nth, child) in expr.children().into_iter().enumerate() {
            for mut change in self.changes(child, sides[nth]) {
                let mut whole = expr.clone();
                *whole.children_mut()[nth] = change.expr;
                change.expr = whole;
                out.push(change);
            }
        }
        if is_comparison(expr) {
            out.iter_mut().for_each(|change| _ = change.within.get_or_insert(expr.span));
        }
        out
    }

    fn own(&self, expr: &Expr<Typed>, beside: Base) -> Vec<Change> {
        let with = |kind: Kind<Typed>| Expr { kind, span: expr.span, ty: expr.ty };
        let change = |kind, place, text| Change { expr: with(kind), place, text, within: None };
        match &expr.kind {
            Kind::Compare(a, comparator, b) => {
                let ordered = a.ty.base.is_ordered() && !a.ty.base.is_text();
                let between = Span { file: a.span.file, start: a.span.end, end: b.span.start };
                neighbours(*comparator, ordered)
                    .iter()
                    .map(|other| {
                        let text = self.sources.text(between).replacen(comparator.symbol(), other.symbol(), 1);
                        change(Kind::Compare(a.clone(), *other, b.clone()), between, text)
                    })
                    .collect()
            }
            Kind::Between { value, low, high, negated } => {
                let ends =
                    [(Comparator::Greater, Comparator::LessOrEqual), (Comparator::GreaterOrEqual, Comparator::Less)];
                let inside = |from, to| {
                    let compare = |comparator, end: &Expr<Typed>| Expr {
                        kind: Kind::Compare(value.clone(), comparator, Box::new(end.clone())),
                        span: expr.span,
                        ty: expr.ty,
                    };
                    let both = Kind::And(vec![compare(from, low), compare(to, high)]);
                    if *negated { Kind::Not(Box::new(with(both))) } else { both }
                };
                let words = |from: Comparator, to: Comparator| {
                    let of = |e: &Expr<Typed>| self.sources.one_line(e.span);
                    let both = format!(
                        "{0} {1} {2} and {0} {3} {4}",
                        of(value),
                        from.symbol(),
                        of(low),
                        to.symbol(),
                        of(high)
                    );
                    if *negated { format!("not ({both})") } else { both }
                };
                ends.map(|(from, to)| change(inside(from, to), expr.span, words(from, to))).into()
            }
            Kind::In { value, options, negated } if options.len() > 1 => (0..options.len())
                .map(|out| {
                    let mut fewer = options.clone();
                    fewer.remove(out);
                    let list: Vec<String> = fewer.iter().map(|option| self.sources.one_line(option.span)).collect();
                    let place = options[0].span.to(options[options.len() - 1].span);
                    let kind = Kind::In { value: value.clone(), options: fewer, negated: *negated };
                    change(kind, place, list.join(", "))
                })
                .collect(),
            Kind::IsMissing { value, negated } => {
                let words = if *negated { "is missing" } else { "is not missing" };
                let kind = Kind::IsMissing { value: value.clone(), negated: !negated };
                vec![change(kind, expr.span, format!("{} {words}", self.sources.one_line(value.span)))]
            }
            Kind::TextTest { value, verb, pattern, negated } => {
                let of = |e: &Expr<Typed>| self.sources.one_line(e.span);
                let not = if *negated { "" } else { "not " };
                let text = format!("{} {not}{} {}", of(value), verb.words(), of(pattern));
                let (value, pattern) = (value.clone(), pattern.clone());
                vec![change(Kind::TextTest { value, verb: *verb, pattern, negated: !negated }, expr.span, text)]
            }
            Kind::Literal(literal) => self.constants(literal, expr, beside),
            Kind::Ref(Ref::Param(id)) => match &self.spec.param(*id).value.kind {
                Kind::Literal(literal) => self.constants(literal, expr, beside),
                _ => vec![],
            },
            _ => vec![],
        }
    }

    fn constants(&self, literal: &Literal, expr: &Expr<Typed>, beside: Base) -> Vec<Change> {
        let moved = [-1, 1].into_iter().filter_map(|step| {
            let (literal, base) = moved(literal, step, expr.ty.base, beside, self.currency())?;
            let text = in_words(&literal);
            let ty = Type { base, ..expr.ty };
            Some(Change {
                expr: Expr { kind: Kind::Literal(literal), span: expr.span, ty },
                place: expr.span,
                text,
                within: None,
            })
        });
        moved.collect()
    }

    fn currency(&self) -> &str {
        self.spec.currency.as_ref().map_or("", |currency| &currency.value)
    }

    /// The text of a span in which one place stands otherwise.
    fn edited(&self, within: Span, place: Span, text: &str) -> String {
        let before = Span { end: place.start, ..within };
        let after = Span { start: place.end, ..within };
        // A place may reach up to the next word.
        let blank = if self.sources.text(place).ends_with(char::is_whitespace) { " " } else { "" };
        let line = format!("{}{text}{blank}{}", self.sources.text(before), self.sources.text(after));
        // Broken lines and comments are for the file, not for a message.
        let mut sources = SourceMap::default();
        let file = sources.add("", line.into());
        sources.one_line(Span::new(file, 0, sources.file(file).text.len()))
    }
}

/// For each part of an expression, the unit of what it stands beside.
fn units(expr: &Expr<Typed>, beside: Base) -> Vec<Base> {
    match &expr.kind {
        Kind::Compare(a, _, b) => vec![b.ty.base, a.ty.base],
        Kind::Between { value, .. } => vec![Base::Unknown, value.ty.base, value.ty.base],
        Kind::In { value, options, .. } => {
            std::iter::once(Base::Unknown).chain(options.iter().map(|_| value.ty.base)).collect()
        }
        _ => expr.children().iter().map(|_| beside).collect(),
    }
}

fn is_comparison(expr: &Expr<Typed>) -> bool {
    matches!(
        expr.kind,
        Kind::Compare(..) | Kind::Between { .. } | Kind::In { .. } | Kind::IsMissing { .. } | Kind::TextTest { .. }
    )
}

/// The comparisons that are taken for one another by mistake: with the end or without it, the wrong way round.
fn neighbours(comparator: Comparator, ordered: bool) -> &'static [Comparator] {
    use Comparator::*;
    match (comparator, ordered) {
        (Less, _) => &[LessOrEqual, GreaterOrEqual],
        (LessOrEqual, _) => &[Less, Greater],
        (Greater, _) => &[GreaterOrEqual, LessOrEqual],
        (GreaterOrEqual, _) => &[Greater, Less],
        (Equal, true) => &[NotEqual, LessOrEqual, GreaterOrEqual],
        (NotEqual, true) => &[Equal, Less, Greater],
        (Equal, false) => &[NotEqual],
        (NotEqual, false) => &[Equal],
    }
}

/// A constant one step away, and its type: a bare zero gets the unit of what it is compared with.
fn moved(literal: &Literal, step: i64, base: Base, beside: Base, currency: &str) -> Option<(Literal, Base)> {
    let one = |n: &Decimal| Some(Decimal { units: n.units.checked_add(step)?, scale: n.scale });
    Some(match literal {
        Literal::Number(n) if base == Base::Zero => match beside {
            Base::Duration => (Literal::Quantity(one(n)?, "days".into()), Base::Duration),
            Base::Money => (Literal::Quantity(one(n)?, currency.to_owned()), Base::Money),
            _ => (Literal::Number(one(n)?), Base::Int),
        },
        Literal::Number(n) => (Literal::Number(one(n)?), base),
        Literal::Percent(n) => (Literal::Percent(one(n)?), base),
        Literal::Quantity(n, unit) => (Literal::Quantity(one(n)?, unit.clone()), base),
        Literal::Moment { micros, date_only } => {
            // A second, where somebody wrote a time of day.
            let size = if *date_only { DAY } else { 1_000_000 };
            (Literal::Moment { micros: micros.checked_add(step * size)?, date_only: *date_only }, base)
        }
        Literal::Rate(..) | Literal::Text(_) | Literal::Bool(_) | Literal::Missing => return None,
    })
}

fn in_words(literal: &Literal) -> String {
    match literal {
        Literal::Number(n) => n.to_string(),
        Literal::Percent(n) => format!("{n}%"),
        Literal::Quantity(n, unit) => format!("{n} {unit}"),
        Literal::Moment { micros, date_only: true } => format!("@{}", crate::time::iso_date(*micros)),
        Literal::Moment { micros, .. } => format!("@{}", crate::time::iso(*micros)),
        _ => String::new(),
    }
}
