//! Types and units on every expression, and what can be said of the rules without looking at data.
//!
//! A mistake gives the expression the type `Unknown`, which fits everything, so that one slip is reported once.

pub(crate) mod arithmetic;
mod comparisons;
mod expressions;
mod filters;
pub(crate) mod forecasts;
mod functions;
mod labels;
pub mod rules;

pub(crate) use arithmetic::combine;
pub(crate) use functions::{share_literal, whole_literal};
pub use labels::overlaps;

use crate::diagnostics::{Diagnostic, suggest};
use crate::expr::{Expr, Kind};
use crate::regions::Understood;
use crate::spec::*;
use crate::syntax::source::{SourceMap, Span};
use crate::types::{Base, Type};

/// A spec with a type on every expression; it may be run only when no diagnostic is an error.
pub fn check(spec: &Spec<Resolved>, sources: &SourceMap) -> (Spec<Typed>, Vec<Diagnostic>) {
    let mut checker = Checker {
        sources,
        currency: spec.currency.as_ref().map_or(Currency::Unsaid, |c| Currency::of(&c.value)),
        columns: vec![],
        baskets: vec![],
        features: vec![],
        params: vec![],
        constants: vec![],
        has_revenue: spec.revenue.is_some(),
        has_purchases: !spec.grain.is_customers(),
        all_in_baskets: true,
        diagnostics: vec![],
    };
    let typed = checker.spec(spec);
    let mut diagnostics = checker.diagnostics;
    let understood = Understood::new(&typed, &diagnostics);
    let told = comparisons::check(&typed, sources, &understood);
    let places: Vec<Span> = told.iter().filter_map(|d| d.labels.first()).map(|label| label.span).collect();
    diagnostics.extend(told);
    diagnostics.extend(filters::check(&typed, sources, &understood, &places));
    diagnostics.extend(labels::check(&typed, sources, &understood, &places));
    (typed, diagnostics)
}

struct Checker<'a> {
    sources: &'a SourceMap,
    currency: Currency,
    columns: Vec<Type>,
    baskets: Vec<Type>,
    features: Vec<Type>,
    params: Vec<Type>,
    /// Of the parameters, where they are amounts: time spans in microseconds, others as they are.
    constants: Vec<Option<f64>>,
    has_revenue: bool,
    has_purchases: bool,
    /// Whether every row that is used belongs to a basket, so that every customer has one.
    all_in_baskets: bool,
    diagnostics: Vec<Diagnostic>,
}

/// What amounts are in.
enum Currency {
    Code(String),
    Unsaid,
    /// That it is not known has been reported: any code will do.
    Reported,
}

impl Currency {
    fn of(code: &str) -> Currency {
        let good = code.len() == 3 && code.chars().all(|c| c.is_ascii_uppercase());
        if good { Currency::Code(code.to_owned()) } else { Currency::Reported }
    }

    fn code(&self) -> Option<&str> {
        match self {
            Currency::Code(code) => Some(code),
            Currency::Unsaid | Currency::Reported => None,
        }
    }
}

impl Checker<'_> {
    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn spec(&mut self, spec: &Spec<Resolved>) -> Spec<Typed> {
        self.currency_is_known(spec);
        let params = spec.params.iter().map(|p| self.param(p)).collect();
        let columns: Vec<_> = spec.columns.iter().enumerate().map(|(i, c)| self.column(i, c, spec)).collect();
        self.keys(spec);
        if let Some(time) = spec.time() {
            self.role(spec, time, ("when a purchase happened", "time"), Base::is_time);
        }
        let whose = if spec.grain.is_customers() { "who a row is" } else { "whose purchase a row is" };
        self.role(spec, spec.customer, (whose, "customers by"), |b| b.is_text() || b == Base::Int);
        let revenue = spec.revenue.as_ref().map(|e| self.revenue(e));
        let filters: Vec<_> = spec.filters.iter().map(|f| self.filter(f)).collect();
        // From here on only rows that the filters let through are looked at.
        for filter in filters.iter().filter(|f: &&Filter<Typed>| !f.keep) {
            if let Kind::IsMissing { value, negated: false } = &filter.when.kind
                && let Kind::Ref(Ref::Column(ColumnId(i))) = value.kind
            {
                self.columns[i].may_be_missing = false;
            }
        }
        let as_of = spec.as_of.as_ref().map(|as_of| {
            let as_of = self.expr(as_of);
            let date = expressions::date_in(self.sources.text(as_of.span)).map(|date| format!("as_of @{date}"));
            self.expect(&as_of, "`as_of` is a time", Base::is_time, date.as_deref().unwrap_or("as_of max(at) + 1 day"));
            as_of
        });
        self.all_in_baskets = spec.baskets.as_ref().is_none_or(|b| !self.columns[b.by.0].may_be_missing);
        let baskets = spec.baskets.as_ref().map(|b| self.baskets_block(b));
        let features: Vec<_> = spec.features.iter().map(|f| self.feature(f)).collect();
        self.headings_differ(&features);
        let cluster = spec.cluster.as_ref().map(|c| self.cluster(c));
        let labels = spec.labels.as_ref().map(|l| self.labels(l));
        if spec.labels.is_none() {
            self.report(
                Diagnostic::error("SEG0210", "the spec has no `label`")
                    .at(spec.name.span, "goes without `label`")
                    .help(format!(
                        "add a block such as `label {} {{ otherwise \"Everyone\" }}`",
                        if spec.cluster.is_some() { "clusters" } else { "customers" }
                    )),
            );
        }
        let dropping: Vec<&str> = filters.iter().map(|f| f.name.value.as_str()).chain(BUILT_IN_RULES).collect();
        let tests = spec.tests.iter().map(|t| self.test(t, labels.as_ref(), &dropping)).collect();
        Spec {
            name: spec.name.clone(),
            title: spec.title.clone(),
            about: spec.about.clone(),
            currency: spec.currency.clone(),
            params,
            sources: spec.sources.clone(),
            columns,
            revenue,
            grain: spec.grain,
            customer: spec.customer,
            filters,
            as_of,
            baskets,
            features,
            cluster,
            labels,
            tests,
            sinks: spec.sinks.clone(),
        }
    }

    fn currency_is_known(&mut self, spec: &Spec<Resolved>) {
        if let (Some(code), Currency::Reported) = (&spec.currency, &self.currency) {
            let capitals = code.value.to_uppercase();
            let example = if matches!(Currency::of(&capitals), Currency::Code(_)) { &capitals } else { "EUR" };
            self.report(
                Diagnostic::error("SEG0216", format!("`{}` is no currency code", code.value))
                    .at(code.span, "not three capital letters")
                    .help(format!("write the ISO 4217 code, for example `currency {example}`")),
            );
        }
    }

    fn param(&mut self, param: &Param<Resolved>) -> Param<Typed> {
        let value = self.expr(&param.value);
        self.params.push(value.ty);
        let constant = forecasts::constant(&value, &|id| self.constants.get(id.0).copied().flatten());
        self.constants.push(constant);
        Param { name: param.name.clone(), value }
    }

    fn column(&mut self, index: usize, column: &Column<Resolved>, spec: &Spec<Resolved>) -> Column<Typed> {
        let (mut ty, origin) = match &column.origin {
            Origin::Source { header, ty, type_name, dates } => {
                if ty.base == Base::Money && matches!(self.currency, Currency::Unsaid) {
                    self.report(
                        Diagnostic::error("SEG0216", "a spec with money says in which currency")
                            .at(type_name.span, "money")
                            .help("add a line such as `currency EUR`"),
                    );
                    self.currency = Currency::Reported;
                }
                let origin = Origin::Source {
                    header: header.clone(),
                    ty: *ty,
                    type_name: type_name.clone(),
                    dates: dates.clone(),
                };
                (*ty, origin)
            }
            Origin::Derived(expr) => {
                let expr = self.expr(expr);
                (expr.ty, Origin::Derived(expr))
            }
        };
        // Rows without a customer or a time leave by built-in rules.
        if spec.customer == ColumnId(index) || spec.time() == Some(ColumnId(index)) {
            ty.may_be_missing = false;
        }
        self.columns.push(ty);
        // While rows are filtered the cell can still be missing; only what comes after relies on it.
        Column { name: column.name.clone(), origin }
    }

    /// The two sides of a key have one type, and it is one that tells rows apart.
    fn keys(&mut self, spec: &Spec<Resolved>) {
        for key in spec.sources.iter().flat_map(|source| &source.join).flat_map(|join| &join.on) {
            let (left, right) = (self.columns[key.left.0].base, self.columns[key.right.0].base);
            let alike = left == right || (left.is_text() && right.is_text());
            if left == Base::Unknown || right == Base::Unknown || (alike && left.is_key()) {
                continue;
            }
            let (of, with) = (spec.column(key.left), spec.column(key.right));
            let diagnostic = if alike {
                Diagnostic::error("SEG0222", format!("a key can't be {left}"))
                    .help("join on columns of type `id`, `text`, `int`, `date` or `datetime`")
            } else {
                let ty = if left.is_text() || right.is_text() { "id" } else { "date" };
                let name = |c: &Column<Resolved>| c.name.value.clone();
                let both =
                    if name(of) == name(with) { "both".into() } else { format!("`{}` and `{}`", name(of), name(with)) };
                let why = match left.is_time() && right.is_time() {
                    true => format!("{left} equals {right} at midnight only"),
                    false => format!("{left} never equals {right}"),
                };
                Diagnostic::error("SEG0222", why).help(format!("declare {both} with one type, for example `{ty}`"))
            };
            let labels = [
                (key.span, "the key".to_owned()),
                (of.name.span, left.to_string()),
                (with.name.span, right.to_string()),
            ];
            self.report(labels.into_iter().fold(diagnostic, |d, (span, text)| d.at(span, text)));
        }
    }

    fn role(
        &mut self,
        spec: &Spec<Resolved>,
        id: ColumnId,
        (question, statement): (&str, &str),
        fits: fn(Base) -> bool,
    ) {
        let base = self.columns[id.0].base;
        if base != Base::Unknown && !fits(base) {
            let column = spec.column(id);
            self.report(
                Diagnostic::error("SEG0212", format!("`{}` is {base} and can't say {question}", column.name.value))
                    .at(column.name.span, format!("{base}"))
                    .help(
                        match spec
                            .columns
                            .iter()
                            .zip(&self.columns)
                            .find(|(_, ty)| fits(ty.base) && ty.base != Base::Int)
                        {
                            Some((other, _)) => format!("name another column: `{statement} {}`", other.name.value),
                            None => format!("name another column with `{statement}`"),
                        },
                    ),
            );
        }
    }

    fn revenue(&mut self, expr: &Expr<Resolved>) -> Expr<Typed> {
        let expr = self.expr(expr);
        if !matches!(expr.ty.base, Base::Money | Base::Unknown) {
            self.report(
                Diagnostic::error("SEG0207", format!("`revenue` is money, this is {}", expr.ty.base))
                    .at(expr.span, format!("{}", expr.ty.base))
                    .help("multiply by a column that is declared as money, for example `price: money`"),
            );
        }
        expr
    }

    fn filter(&mut self, filter: &Filter<Resolved>) -> Filter<Typed> {
        let when = self.condition(&filter.when);
        Filter { name: filter.name.clone(), keep: filter.keep, when }
    }

    fn baskets_block(&mut self, baskets: &Baskets<Resolved>) -> Baskets<Typed> {
        let mut fields = vec![];
        for field in &baskets.fields {
            let value = self.expr(&field.value);
            self.baskets.push(value.ty);
            fields.push(Feature { name: field.name.clone(), value });
        }
        Baskets { by: baskets.by, fields }
    }

    fn feature(&mut self, feature: &Feature<Resolved>) -> Feature<Typed> {
        let value = self.expr(&feature.value);
        self.features.push(value.ty);
        Feature { name: feature.name.clone(), value }
    }

    /// Two columns of the customer list can't have one heading.
    fn headings_differ(&mut self, features: &[Feature<Typed>]) {
        let mut seen: Vec<(String, Option<&Feature<Typed>>)> =
            crate::list::OWN_HEADINGS.iter().map(|own| ((*own).to_owned(), None)).collect();
        for feature in features {
            let heading = feature.value.ty.base.heading(&feature.name.value, self.currency.code());
            if let Some((_, first)) = seen.iter().find(|(known, _)| *known == heading) {
                let mut diagnostic =
                    Diagnostic::error("SEG0203", format!("the customer list would have two columns `{heading}`"))
                        .at(feature.name.span, "this feature");
                if let Some(first) = first {
                    diagnostic = diagnostic.at(first.name.span, "and this one");
                }
                self.report(diagnostic.help("give the feature another name"));
            }
            seen.push((heading, Some(feature)));
        }
    }

    fn cluster(&mut self, cluster: &Cluster<Resolved>) -> Cluster<Typed> {
        let on: Vec<_> = cluster.on.iter().map(|e| self.expr(e)).collect();
        for dimension in &on {
            self.expect(dimension, "clusters are made of amounts", Base::is_numeric, "on log1p(monetary)");
        }
        let mut units: Vec<String> = on.iter().map(|e| e.ty.base.unit(self.currency.code())).collect();
        units.dedup();
        if cluster.scale == Scale::None && units.len() > 1 {
            self.report(
                Diagnostic::warning(
                    "SEG0220",
                    format!("clustering on different units without a scale: {}", units.join(", ")),
                )
                .at(cluster.span, "the unit with the largest numbers decides alone")
                .help("write `scale zscore`"),
            );
        }
        Cluster {
            on,
            scale: cluster.scale,
            method: cluster.method,
            k: cluster.k,
            k_span: cluster.k_span,
            choice: cluster.choice.clone(),
            seed: cluster.seed,
            restarts: cluster.restarts,
            span: cluster.span,
        }
    }

    fn labels(&mut self, labels: &Labels<Resolved>) -> Labels<Typed> {
        let mut rule = |rule: &Rule<Resolved>| Rule {
            label: rule.label.clone(),
            when: rule.when.as_ref().map(|when| self.condition(when)),
            description: rule.description.clone(),
            action: rule.action.clone(),
            color: rule.color.clone(),
            span: rule.span,
        };
        let rules = labels.rules.iter().map(&mut rule).collect();
        let noise = labels.noise.as_ref().map(&mut rule);
        let Labels { over, distinct, disjoint, exhaustive, span, .. } = *labels;
        Labels { over, distinct, disjoint, exhaustive, rules, noise, span }
    }

    /// `dropping` are the names of the rules that can take rows.
    fn test(&mut self, test: &Test<Resolved>, labels: Option<&Labels<Typed>>, dropping: &[&str]) -> Test<Typed> {
        let mut given = vec![];
        for fact in &test.given {
            let value = self.expr(&fact.value);
            if let Ref::Feature(FeatureId(i)) | Ref::All(FeatureId(i)) = fact.of
                && !self.features[i].base.comparable(value.ty.base)
            {
                let base = self.features[i].base;
                self.mismatch(fact.span, base, &value, "given here");
            }
            given.push(Given { of: fact.of, value, span: fact.span });
        }
        let known: Vec<&str> = labels.map_or(vec![], |l| l.rules.iter().map(|r| r.label.value.as_str()).collect());
        for label in &test.labels {
            self.label_exists(&label.value, label.span, &known);
        }
        for check in &test.checks {
            if let Measure::Share(label) | Measure::AmountShare(label) = &check.measure {
                self.label_exists(label, check.span, &known);
            }
            if let Measure::Dropped { rule, .. } = &check.measure {
                self.rule_exists(rule, check.span, dropping);
            }
        }
        let expectations = test.expectations.iter().map(|e| Expectation {
            of: e.of,
            asks: match &e.asks {
                Asks::Holds(condition) => Asks::Holds(self.condition(condition)),
                Asks::Unique(values) => Asks::Unique(values.iter().map(|value| self.expr(value)).collect()),
            },
            mostly: e.mostly,
            span: e.span,
        });
        let expectations = expectations.collect();
        Test {
            name: test.name.clone(),
            given,
            labels: test.labels.clone(),
            checks: test.checks.clone(),
            expectations,
            span: test.span,
        }
    }

    fn label_exists(&mut self, label: &str, span: Span, known: &[&str]) {
        if !known.contains(&label) {
            let near = suggest::nearest(label, known.iter().copied());
            self.report(
                Diagnostic::error("SEG0803", format!("no rule gives the label \"{label}\""))
                    .at(span, near.map_or("not a label of this spec".into(), |n| format!("did you mean \"{n}\"?")))
                    .help(near.map_or(format!("labels: {}", suggest::list(known.iter().copied())), |n| {
                        format!("write \"{n}\"")
                    })),
            );
        }
    }

    fn rule_exists(&mut self, rule: &str, span: Span, known: &[&str]) {
        if !known.contains(&rule) {
            let near = suggest::nearest(rule, known.iter().copied());
            self.report(
                Diagnostic::error("SEG0644", format!("no rule of `filter` is called \"{rule}\""))
                    .at(span, near.map_or("not a rule of this spec".into(), |n| format!("did you mean \"{n}\"?")))
                    .help(near.map_or(format!("rules: {}", suggest::list(known.iter().copied())), |n| {
                        format!("write `dropped(\"{n}\")`")
                    })),
            );
        }
    }

    fn condition(&mut self, expr: &Expr<Resolved>) -> Expr<Typed> {
        let expr = self.expr(expr);
        if !matches!(expr.ty.base, Base::Bool | Base::Unknown) {
            let with = match expr.ty.base {
                Base::Money => format!("> 100 {}", self.currency.code().unwrap_or("EUR")),
                Base::Duration => "> 30 days".to_owned(),
                base if base.is_text() => "= \"France\"".to_owned(),
                base if base.is_time() => "> @2011-12-10".to_owned(),
                _ => "> 5".to_owned(),
            };
            self.report(
                Diagnostic::error("SEG0214", format!("a condition is true or false, this is {}", expr.ty.base))
                    .at(expr.span, format!("{}", expr.ty.base))
                    .help(format!(
                        "compare it with something, for example `{} {with}`",
                        self.sources.one_line(expr.span)
                    )),
            );
        }
        expr
    }

    fn expect(&mut self, expr: &Expr<Typed>, rule: &str, fits: impl Fn(Base) -> bool, example: &str) {
        if expr.ty.base != Base::Unknown && !fits(expr.ty.base) {
            self.report(
                Diagnostic::error("SEG0207", format!("{rule}, this is {}", expr.ty.base))
                    .at(expr.span, format!("{}", expr.ty.base))
                    .help(format!("write for example `{example}`")),
            );
        }
    }
}
