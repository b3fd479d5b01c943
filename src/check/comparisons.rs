//! Comparisons that are always true or always false, whatever the data: a count below 0, a score of 7 out of 5.

use crate::diagnostics::Diagnostic;
use crate::expr::{Comparator, Expr, Kind};
use crate::regions::{Domains, Rational, Stretch, Understood};
use crate::spec::{Origin, Over, Ref, Spec, Typed};
use crate::syntax::source::SourceMap;
use crate::types::Base;

pub(super) fn check(spec: &Spec<Typed>, sources: &SourceMap, understood: &Understood) -> Vec<Diagnostic> {
    let mut found = vec![];
    let rows = Domains::of_rows(spec);
    let mut look = |domains: &Domains, settled: bool, expr: &Expr<Typed>| {
        if understood.is(expr) {
            Comparisons { spec, sources, domains, settled, found: &mut found }.look(expr);
        }
    };
    for column in &spec.columns {
        if let Origin::Derived(value) = &column.origin {
            look(&rows, false, value);
        }
    }
    spec.filters.iter().for_each(|filter| look(&rows, false, &filter.when));
    let customers = Domains::of_customers(spec);
    let fields = spec.baskets.iter().flat_map(|baskets| &baskets.fields);
    fields.chain(&spec.features).for_each(|field| look(&customers, true, &field.value));
    if let Some(labels) = &spec.labels {
        let clusters = Domains::of_clusters(spec);
        let domains = if labels.over == Over::Clusters { &clusters } else { &customers };
        labels.rules.iter().filter_map(|rule| rule.when.as_ref()).for_each(|when| look(domains, true, when));
    }
    found
}

struct Comparisons<'c> {
    spec: &'c Spec<Typed>,
    sources: &'c SourceMap,
    domains: &'c Domains<'c>,
    /// Whether all filters have run, so that types say what can be missing.
    settled: bool,
    found: &'c mut Vec<Diagnostic>,
}

impl Comparisons<'_> {
    fn look(&mut self, expr: &Expr<Typed>) {
        match &expr.kind {
            Kind::And(list) => {
                // Both ends of a range may well be written out, even where one says nothing new; so may a whole scale in
                // a table of ranges.
                let subject = |part: &Expr<Typed>| match &part.kind {
                    Kind::Compare(a, ..) => Some(crate::explain::expression(a)),
                    _ => None,
                };
                for (nth, part) in list.iter().enumerate() {
                    let of = subject(part);
                    let whole = matches!(part.kind, Kind::Between { negated: false, .. });
                    let range = of.is_some()
                        && list.iter().enumerate().any(|(other, part)| other != nth && subject(part) == of);
                    self.comparison(part, range || whole);
                    part.children().into_iter().for_each(|child| self.look(child));
                }
            }
            _ => {
                self.comparison(expr, false);
                expr.children().into_iter().for_each(|child| self.look(child));
            }
        }
    }

    /// `in_range`: one end of a range of which the other is written beside it.
    fn comparison(&mut self, expr: &Expr<Typed>, in_range: bool) {
        let (value, answers) = match &expr.kind {
            Kind::Compare(a, comparator, b) => match (self.domains.constant(a), self.domains.constant(b)) {
                (None, Some(constant)) => (a, self.domains.stretch(a).answers(*comparator, constant)),
                (Some(constant), None) => (b, self.domains.stretch(b).answers(comparator.flipped(), constant)),
                _ => return,
            },
            Kind::Between { value, low, high, negated } => {
                let (Some(low), Some(high)) = (self.domains.constant(low), self.domains.constant(high)) else { return };
                let stretch = self.domains.stretch(value);
                let (above, below) =
                    (stretch.answers(Comparator::GreaterOrEqual, low), stretch.answers(Comparator::LessOrEqual, high));
                let inside = match (above, below) {
                    (Some(true), other) | (other, Some(true)) => other,
                    (Some(false), _) | (_, Some(false)) => Some(false),
                    (None, None) => None,
                };
                (value, inside.map(|inside| inside != *negated))
            }
            Kind::In { value, options, negated } => {
                let stretch = self.domains.stretch(value);
                let equal = |option: &Expr<Typed>| stretch.answers(Comparator::Equal, self.domains.constant(option)?);
                let never = options.iter().all(|option| equal(option) == Some(false));
                (value, never.then_some(*negated))
            }
            Kind::IsMissing { value, negated } => {
                return self.is_missing(expr, value, *negated);
            }
            _ => return,
        };
        let Some(always) = answers else { return };
        if value.ty.base == Base::Unknown || (always && in_range) {
            return;
        }
        let text = self.sources.one_line(value.span);
        let words = self.domains.stretch(value).words(value.ty.base, self.currency());
        let (message, help) = if always {
            (
                format!("`{}` is true for every value", self.sources.one_line(expr.span)),
                "remove it, or compare with another value",
            )
        } else {
            (format!("`{}` is never true", self.sources.one_line(expr.span)), "compare with a value that it can have")
        };
        self.found
            .push(Diagnostic::warning("SEG0616", message).at(expr.span, format!("`{text}` is {words}")).help(help));
    }

    fn is_missing(&mut self, expr: &Expr<Typed>, value: &Expr<Typed>, negated: bool) {
        if !self.settled || value.ty.may_be_missing || value.ty.base == Base::Unknown {
            return;
        }
        let text = self.sources.one_line(value.span);
        let message = if negated {
            format!("`{}` is true for every value", self.sources.one_line(expr.span))
        } else {
            format!("`{}` is never true", self.sources.one_line(expr.span))
        };
        let why = match &value.kind {
            Kind::Ref(Ref::Column(_)) => "rows without it have left",
            _ => "always there",
        };
        self.found
            .push(Diagnostic::warning("SEG0616", message).at(expr.span, format!("`{text}`: {why}")).help("remove it"));
    }

    fn currency(&self) -> Option<&str> {
        self.spec.currency.as_ref().map(|code| code.value.as_str())
    }
}

impl Stretch {
    /// `1 to 5`, `0 or more`.
    fn words(&self, base: Base, currency: Option<&str>) -> String {
        let number = |x| crate::regions::number_in_words(x, base, currency);
        let whole = self.step == Some(Rational::ONE) && !matches!(base, Base::Score(_));
        let kind = if whole { "a whole number, " } else { "" };
        match (self.low, self.high) {
            (Some(low), Some(high)) if low == high => format!("always {}", number(low)),
            (Some(low), Some(high)) => format!("{kind}{} to {}", number(low), number(high)),
            (Some(low), None) => format!("{kind}{} or more", number(low)),
            (None, Some(high)) => format!("{kind}{} or less", number(high)),
            (None, None) => base.to_string(),
        }
    }
}
