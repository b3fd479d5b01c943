//! From the checked spec to the plan: parameters become constants, aggregates become slots of the relation that they
//! group, functions over all customers become steps of their own.

use super::expr::{Constant, Expr, Op};
use super::*;
use crate::check::{share_literal, whole_literal};
use crate::expr::{self, ArgumentValue, Comparator, Kind, Literal};
use crate::spec::{self, Criterion, Function, Origin, Ref, Spec, Typed, argument_exprs};
use crate::syntax::source::{SourceMap, Span};
use crate::time::{Unit, micros_per};

/// What those are called who are in no cluster, unless the spec says.
const NOISE: &str = "Outliers";

/// Lowers a spec that has no errors.
pub fn lower(spec: &Spec<Typed>, sources: &SourceMap) -> Plan {
    let mut lowering = Lowering { spec, sources, slots: 0, feature: String::new() };
    lowering.plan()
}

/// Lowers one expression without aggregates that has no mistake in it, whatever the rest of the spec is like.
pub fn lower_expression(spec: &Spec<Typed>, sources: &SourceMap, expr: &expr::Expr<Typed>) -> Expr {
    Lowering { spec, sources, slots: 0, feature: String::new() }.row(expr)
}

struct Lowering<'a> {
    spec: &'a Spec<Typed>,
    sources: &'a SourceMap,
    /// Helper columns made so far.
    slots: usize,
    /// The name of the feature at hand.
    feature: String,
}

/// Where aggregates and functions over all customers go while an expression is lowered.
#[derive(Default)]
struct Sink {
    /// Columns of the row at hand.
    columns: Vec<(String, Base)>,
    rows: Vec<Slot>,
    baskets: Vec<Slot>,
    steps: Vec<Step>,
}

impl Lowering<'_> {
    fn plan(&mut self) -> Plan {
        let spec = self.spec;
        let mut derive = vec![];
        for column in &spec.columns {
            if let Origin::Derived(value) = &column.origin {
                let (value, words) = (self.row(value), self.words(value.span));
                derive.push(Projection { name: column.name.value.clone(), value, words });
            }
        }
        let customer = spec.column(spec.customer).name.value.clone();
        let grain = match spec.time() {
            Some(time) => Grain::Purchases { time: spec.column(time).name.value.clone() },
            None => Grain::Customers,
        };
        let drops = self.drops(&customer, &grain);
        let mut identity = false;
        for filter in &spec.filters {
            filter.when.walk(&mut |e| identity |= matches!(e.kind, Kind::Duplicate(None)));
        }
        let as_of = spec.as_of.as_ref().map(|as_of| {
            let mut sink = Sink::default();
            let value = self.expr(as_of, &mut sink);
            AsOf { slots: sink.rows, value }
        });
        let tests = spec.tests.iter().enumerate();
        let expectations = tests.flat_map(|(nth, test)| test.expectations.iter().map(move |e| (nth, e)));
        let expectations: Vec<Expectation> = expectations.map(|(nth, e)| self.expectation(nth, e)).collect();
        // A customer who is there twice, or a row that is not as expected, is told by its place in the files.
        let places = grain == Grain::Customers || expectations.iter().any(|e| e.of == spec::Each::Row);
        let baskets = spec.baskets.as_ref().map(|baskets| {
            let mut sink = Sink::default();
            let fields = baskets.fields.iter().map(|f| self.projection(f, &mut sink)).collect();
            Baskets { by: spec.column(baskets.by).name.value.clone(), slots: sink.rows, fields }
        });
        let mut sink = Sink::default();
        for feature in &spec.features {
            self.feature.clone_from(&feature.name.value);
            let projection = self.projection(feature, &mut sink);
            if let Op::Column(helper) = &projection.value.op {
                name_column(&mut sink.steps, helper, &projection.name);
            }
            sink.steps.push(Step::Feature(projection));
        }
        self.feature.clear();
        let mut customers =
            Customers { columns: sink.columns, row_slots: sink.rows, basket_slots: sink.baskets, steps: sink.steps };
        let cluster = spec.cluster.as_ref().map(|cluster| {
            let mut sink = Sink::default();
            let on = cluster.on.iter().map(|dimension| Projection {
                name: self.words(dimension.span),
                value: self.expr(dimension, &mut sink),
                words: self.words(dimension.span),
            });
            let on = on.collect();
            // A model of buying is one for features and clusters.
            let (models, steps): (Vec<_>, Vec<_>) =
                sink.steps.into_iter().partition(|step| matches!(step, Step::Forecast(_)));
            models.into_iter().for_each(|model| join_model(&mut customers.steps, model));
            Cluster {
                steps,
                on,
                scale: cluster.scale,
                method: cluster.method,
                k: cluster.k,
                choice: cluster.choice.clone(),
                seed: cluster.seed,
                restarts: cluster.restarts,
                evidence: cluster.choice.by.is_some_and(Criterion::resamples),
            }
        });
        Plan {
            name: spec.name.value.clone(),
            currency: spec.currency.as_ref().map(|c| c.value.clone()),
            scan: Scan { identity, places, ..self.scan(spec.facts()) },
            joins: spec.sources.iter().filter_map(|source| self.join(source)).collect(),
            derive,
            drops,
            revenue: spec.revenue.as_ref().map(|e| self.row(e)),
            grain,
            customer,
            as_of,
            baskets,
            customers,
            cluster,
            labels: self.labels(),
            tests: spec.tests.iter().map(|test| self.test(test)).collect(),
            expectations,
        }
    }

    fn expectation(&mut self, test: usize, expectation: &spec::Expectation<Typed>) -> Expectation {
        const ALL: Decimal = Decimal { units: 100, scale: 0 };
        let words = self.words(expectation.span);
        Expectation {
            test,
            of: expectation.of,
            asks: match &expectation.asks {
                spec::Asks::Holds(condition) => Asks::Holds(self.row(condition)),
                spec::Asks::Unique(values) => Asks::Unique(values.iter().map(|value| self.row(value)).collect()),
            },
            mostly: expectation.mostly.unwrap_or(ALL),
            words: expectation.mostly.map_or(words.clone(), |percent| format!("{words} mostly {percent}%")),
        }
    }

    fn scan(&self, source: &spec::Source) -> Scan {
        let columns = self.spec.columns[source.columns.clone()].iter().filter_map(|column| match &column.origin {
            Origin::Source { header, ty, type_name, dates } => Some(ScanColumn {
                name: column.name.value.clone(),
                header: header.value.clone(),
                base: ty.base,
                unit: Unit::find(&type_name.value),
                dates: dates.clone(),
            }),
            Origin::Derived(_) => None,
        });
        Scan {
            source: source.name.value.clone(),
            rows: match &source.rows {
                Rows::Files(files) => Rows::Files(files.iter().map(|f| f.value.clone()).collect()),
                Rows::Postgres { variable } => Rows::Postgres { variable: variable.value.clone() },
            },
            format: source.format.clone(),
            columns: columns.collect(),
            identity: false,
            places: false,
        }
    }

    fn join(&self, source: &spec::Source) -> Option<Join> {
        let name = |id| self.spec.column(id).name.value.clone();
        let on = source.join.as_ref()?.on.iter().map(|key| (name(key.left), name(key.right)));
        Some(Join {
            on: on.collect(),
            matched: matched(source),
            // A key that is not unique is told by the rows that have it.
            scan: Scan { places: true, ..self.scan(source) },
        })
    }

    fn test(&mut self, test: &spec::Test<Typed>) -> Test {
        let given = test.given.iter().filter_map(|given| {
            let (id, all) = match given.of {
                Ref::Feature(id) => (id, false),
                Ref::All(id) => (id, true),
                _ => return None,
            };
            Some(Given { feature: self.spec.feature(id).name.value.clone(), all, value: self.row(&given.value) })
        });
        Test {
            given: given.collect(),
            name: test.name.value.clone(),
            labels: test.labels.iter().map(|l| l.value.clone()).collect(),
            checks: test.checks.clone(),
            span: test.span,
        }
    }

    /// The rules of the spec, and those that hold in every spec: a row needs a customer; a purchase needs a time, too,
    /// and happened before `as_of`.
    fn drops(&mut self, customer: &str, grain: &Grain) -> Vec<Drop> {
        let mut drops: Vec<Drop> = vec![];
        for filter in &self.spec.filters {
            let condition = self.row(&filter.when);
            drops.push(Drop {
                rule: filter.name.value.clone(),
                when: if filter.keep { Condition::NotTrue(condition) } else { Condition::True(condition) },
                words: Some(self.words(filter.when.span)),
            });
        }
        let [no_customer, no_time, after_as_of] = spec::BUILT_IN_RULES;
        let mut built_in = |rule: &str, when: Condition| drops.push(Drop { rule: rule.into(), when, words: None });
        let missing = |column: &str, base: Base| {
            let column = Expr::new(Op::Column(column.to_owned()), base);
            Condition::True(Expr::bool(Op::IsMissing(Box::new(column))))
        };
        built_in(no_customer, missing(customer, Base::Id));
        if let Grain::Purchases { time } = grain {
            built_in(no_time, missing(time, Base::Datetime));
            built_in(after_as_of, Condition::AfterAsOf);
        }
        drops
    }

    fn labels(&mut self) -> Labels {
        let labels = self.spec.labels.as_ref().expect("a spec without labels has an error");
        let rules = labels
            .rules
            .iter()
            .map(|rule| Rule {
                label: rule.label.value.clone(),
                when: rule.when.as_ref().map(|when| self.row(when)),
                words: rule.when.as_ref().map(|when| self.words(when.span)),
                description: rule.description.clone(),
                action: rule.action.clone(),
                color: rule.color.clone(),
            })
            .collect();
        Labels { over: labels.over, distinct: labels.distinct, rules, noise: self.noise(labels) }
    }

    /// Where clusters are labelled and the method leaves customers in none.
    fn noise(&self, labels: &spec::Labels<Typed>) -> Option<Rule> {
        let leaves_some = self.spec.cluster.as_ref().is_some_and(|cluster| cluster.method.has_noise());
        let named = labels.noise.as_ref();
        (leaves_some && labels.over == Over::Clusters).then(|| Rule {
            label: named.map_or(NOISE, |rule| &rule.label.value).to_owned(),
            when: None,
            words: Some("noise".to_owned()),
            description: named.and_then(|rule| rule.description.clone()),
            action: named.and_then(|rule| rule.action.clone()),
            color: named.and_then(|rule| rule.color.clone()),
        })
    }

    fn words(&self, span: Span) -> String {
        self.sources.one_line(span)
    }

    fn projection(&mut self, feature: &spec::Feature<Typed>, sink: &mut Sink) -> Projection {
        Projection {
            name: feature.name.value.clone(),
            value: self.expr(&feature.value, sink),
            words: self.words(feature.value.span),
        }
    }

    /// An expression without aggregates.
    fn row(&mut self, expr: &expr::Expr<Typed>) -> Expr {
        let mut sink = Sink::default();
        let lowered = self.expr(expr, &mut sink);
        debug_assert!(sink.rows.is_empty() && sink.baskets.is_empty() && sink.steps.is_empty());
        lowered
    }

    fn expr(&mut self, expr: &expr::Expr<Typed>, sink: &mut Sink) -> Expr {
        let base = expr.ty.base;
        let op = match &expr.kind {
            Kind::Literal(literal) => Op::Constant(constant(literal)),
            Kind::Ref(reference) => return self.reference(*reference, base, sink),
            Kind::Not(a) => Op::Not(Box::new(self.expr(a, sink))),
            Kind::Negate(a) => Op::Negate(Box::new(self.expr(a, sink))),
            Kind::And(list) => Op::And(list.iter().map(|e| self.expr(e, sink)).collect()),
            Kind::Or(list) => Op::Or(list.iter().map(|e| self.expr(e, sink)).collect()),
            Kind::Arithmetic(first, rest) => {
                let mut left = self.expr(first, sink);
                for (operator, operand) in rest {
                    let right = self.expr(operand, sink);
                    let base = crate::check::combine(left.base, *operator, right.base).unwrap_or(base);
                    left = Expr::new(Op::Arithmetic(Box::new(left), *operator, Box::new(right)), base);
                }
                return left;
            }
            Kind::Compare(a, comparator, b) => {
                let a = Box::new(self.expr(a, sink));
                Op::Compare(a, *comparator, Box::new(self.expr(b, sink)))
            }
            Kind::Between { value, low, high, negated } => {
                let value = self.expr(value, sink);
                let low = Box::new(self.expr(low, sink));
                let high = Box::new(self.expr(high, sink));
                let at_least = Op::Compare(Box::new(value.clone()), Comparator::GreaterOrEqual, low);
                let at_most = Op::Compare(Box::new(value), Comparator::LessOrEqual, high);
                negate(Op::And(vec![Expr::bool(at_least), Expr::bool(at_most)]), *negated)
            }
            Kind::In { value, options, negated } => {
                let value = self.expr(value, sink);
                let equal = options.iter().map(|option| {
                    let option = Box::new(self.expr(option, sink));
                    Expr::bool(Op::Compare(Box::new(value.clone()), Comparator::Equal, option))
                });
                negate(Op::Or(equal.collect()), *negated)
            }
            Kind::IsMissing { value, negated } => negate(Op::IsMissing(Box::new(self.expr(value, sink))), *negated),
            Kind::TextTest { value, verb, pattern, negated } => {
                let value = Box::new(self.expr(value, sink));
                negate(Op::Text(value, *verb, Box::new(self.expr(pattern, sink))), *negated)
            }
            Kind::If { condition, then, otherwise } => {
                let condition = Box::new(self.expr(condition, sink));
                let then = Box::new(self.expr(then, sink));
                Op::If(condition, then, Box::new(self.expr(otherwise, sink)))
            }
            Kind::Duplicate(None) => Op::Duplicate(None),
            Kind::Duplicate(Some(columns)) => {
                let names = columns.iter().map(|r| match r {
                    Ref::Column(id) => self.spec.column(*id).name.value.clone(),
                    _ => unreachable!("`resolve` takes only columns here"),
                });
                Op::Duplicate(Some(names.collect()))
            }
            Kind::Call { function, arguments, filter } => {
                let exprs = argument_exprs(arguments);
                match function {
                    Function::Scalar(f) => Op::Call(*f, exprs.iter().map(|e| self.expr(e, sink)).collect()),
                    Function::Aggregate(f) => return self.aggregate(*f, &exprs, filter.as_deref(), base, sink),
                    Function::Population(f) if f.is_forecast() => {
                        return self.forecast(*f, arguments, expr.span, base, sink);
                    }
                    Function::Population(f) => {
                        let low = arguments.iter().any(|a| matches!(a.value, ArgumentValue::Best { low: true, .. }));
                        return self.population(*f, &exprs, low, base, sink);
                    }
                }
            }
            Kind::Error => unreachable!("a spec with an error is not lowered"),
        };
        Expr::new(op, base)
    }

    fn reference(&mut self, reference: Ref, base: Base, sink: &mut Sink) -> Expr {
        let spec = self.spec;
        let mut of_row = |name: String| {
            if !sink.columns.iter().any(|(known, _)| *known == name) {
                sink.columns.push((name.clone(), base));
            }
            Op::Column(name)
        };
        let op = match reference {
            Ref::Column(id) => of_row(spec.column(id).name.value.clone()),
            Ref::Source(id) => of_row(matched(spec.source(id))),
            Ref::Basket(id) => {
                let baskets = spec.baskets.as_ref().expect("a basket's field has a basket");
                Op::Column(baskets.fields[id.0].name.value.clone())
            }
            Ref::BasketTime => Op::Column(BASKET_TIME.into()),
            Ref::Feature(id) => Op::Column(spec.feature(id).name.value.clone()),
            Ref::All(id) => Op::All(spec.feature(id).name.value.clone()),
            Ref::Param(id) => return self.expr(&spec.param(id).value, sink),
            Ref::AsOf => Op::AsOf,
            Ref::Baskets => unreachable!("`count(baskets)` is lowered as an aggregate"),
        };
        Expr::new(op, base)
    }

    fn aggregate(
        &mut self,
        function: Aggregate,
        arguments: &[&expr::Expr<Typed>],
        filter: Option<&expr::Expr<Typed>>,
        base: Base,
        sink: &mut Sink,
    ) -> Expr {
        let mut of_baskets = false;
        for expr in arguments.iter().copied().chain(filter) {
            expr.walk(&mut |e| {
                of_baskets |= matches!(e.kind, Kind::Ref(Ref::Basket(_) | Ref::BasketTime | Ref::Baskets))
            });
        }
        let counted = matches!(arguments, [e] if matches!(e.kind, Kind::Ref(Ref::Baskets)));
        let argument = arguments.first().filter(|_| !counted).map(|e| self.row(e));
        let filter = filter.map(|e| self.row(e));
        let quantile = arguments.get(1).and_then(|e| share_literal(e)).unwrap_or(0.5);
        let slots = if of_baskets { &mut sink.baskets } else { &mut sink.rows };
        let same = |s: &&Slot| {
            s.function == function
                && s.argument == argument
                && s.filter == filter
                && s.quantile == quantile
                && s.base == base
        };
        let name = match slots.iter().find(same) {
            Some(slot) => slot.name.clone(),
            None => {
                self.slots += 1;
                let name = format!("${}", self.slots);
                slots.push(Slot { name: name.clone(), function, argument, filter, quantile, base });
                name
            }
        };
        Expr::new(Op::Column(name), base)
    }

    fn forecast(
        &mut self,
        function: spec::Population,
        arguments: &[expr::Argument<Typed>],
        span: Span,
        base: Base,
        sink: &mut Sink,
    ) -> Expr {
        let given = |name: &str| {
            let argument = arguments.iter().find(|a| a.name.as_ref().is_some_and(|n| n.value == name));
            argument.map(|argument| &argument.value)
        };
        let amount = |name: &str| match given(name) {
            Some(ArgumentValue::Expr(e)) => self.amount(e),
            _ => None,
        };
        let word = |name: &str| match given(name) {
            Some(ArgumentValue::Word(word)) => Some(word.value.as_str()),
            _ => None,
        };
        let model = Model::ALL.into_iter().find(|model| word("model") == Some(model.name()));
        let unit = clv::Unit::ALL.into_iter().find(|unit| word("unit") == Some(unit.name()));
        // Whole microseconds.
        let holdout = amount("holdout").map(|micros| micros.round() as i64);
        let horizon = amount("horizon").map_or(0, |micros| micros.round() as i64);
        let measure = match function {
            spec::Population::Clv => Measure::Value { horizon, discount: amount("discount").unwrap_or(0.0) },
            spec::Population::PAlive => Measure::Alive,
            _ => Measure::Purchases { horizon },
        };
        self.slots += 1;
        let name = format!("${}", self.slots);
        let column = ForecastColumn { name: name.clone(), measure, words: self.words(span), feature: None };
        let forecast = Forecast {
            model: model.unwrap_or(Model::BgNbd),
            unit: unit.unwrap_or(clv::Unit::Weeks),
            holdout,
            asked_by: self.feature.clone(),
            columns: vec![column],
        };
        join_model(&mut sink.steps, Step::Forecast(forecast));
        Expr::new(Op::Column(name), base)
    }

    /// The value of an expression of literals and parameters.
    fn amount(&self, expr: &expr::Expr<Typed>) -> Option<f64> {
        crate::check::forecasts::constant(expr, &|id| self.amount(&self.spec.param(id).value))
    }

    fn population(
        &mut self,
        function: spec::Population,
        arguments: &[&expr::Expr<Typed>],
        low_is_best: bool,
        base: Base,
        sink: &mut Sink,
    ) -> Expr {
        let of = self.expr(arguments[0], sink);
        let of_words = self.words(arguments[0].span);
        let kind = match function {
            spec::Population::Score => {
                let n = whole_literal(arguments[1]).expect("`check` takes only whole numbers here");
                PopulationKind::Score { n: n as u32, low_is_best }
            }
            spec::Population::Clv | spec::Population::PAlive | spec::Population::ExpectedPurchases => {
                unreachable!("models of buying are lowered apart")
            }
            spec::Population::Winsorize => {
                let bound = |i: usize| share_literal(arguments[i]).expect("`check` takes only shares here");
                PopulationKind::Winsorize { low: bound(1), high: bound(2) }
            }
        };
        self.slots += 1;
        let name = format!("${}", self.slots);
        sink.steps.push(Step::Population(Population { name: name.clone(), of, of_words, kind, feature: None }));
        Expr::new(Op::Column(name), base)
    }
}

/// Says of a helper column that a feature is nothing but it.
fn name_column(steps: &mut [Step], helper: &str, feature: &str) {
    for step in steps {
        match step {
            Step::Population(step) if step.name == helper => step.feature = Some(feature.to_owned()),
            Step::Forecast(step) => {
                let own = step.columns.iter_mut().filter(|column| column.name == helper);
                own.for_each(|column| column.feature = Some(feature.to_owned()));
            }
            _ => {}
        }
    }
}

/// Adds what is asked of a model: to the same model where there is one.
fn join_model(steps: &mut Vec<Step>, step: Step) {
    let Step::Forecast(asked) = step else { return steps.push(step) };
    let same = |f: &Forecast| f.model == asked.model && f.unit == asked.unit && f.holdout == asked.holdout;
    let known = steps.iter_mut().find_map(|step| match step {
        Step::Forecast(forecast) if same(forecast) => Some(forecast),
        _ => None,
    });
    match known {
        Some(known) => known.columns.extend(asked.columns),
        None => steps.push(Step::Forecast(asked)),
    }
}

/// The column of the baskets that says when one happened.
pub const BASKET_TIME: &str = "$time";

/// The column that says whether a row has a match in a source.
fn matched(source: &spec::Source) -> String {
    format!("$matched.{}", source.name.value)
}

fn negate(op: Op<String>, negated: bool) -> Op<String> {
    if negated { Op::Not(Box::new(Expr::bool(op))) } else { op }
}

fn constant(literal: &Literal) -> Constant {
    match literal {
        Literal::Number(n) => Constant::Decimal(*n),
        Literal::Percent(n) => Constant::Decimal(Decimal { units: n.units, scale: n.scale + 2 }),
        Literal::Quantity(n, unit) => match micros_per(unit) {
            // Whole microseconds; `0.5 days` is exact, a third of a second is not written in decimals.
            Some(micros) => Constant::Micros((n.as_f64() * micros as f64).round() as i64),
            None => Constant::Decimal(*n),
        },
        Literal::Rate(n, _) => Constant::Decimal(Decimal { units: n.units, scale: n.scale + 2 }),
        Literal::Moment { micros, .. } => Constant::Micros(*micros),
        Literal::Text(text) => Constant::Text(text.clone()),
        Literal::Bool(b) => Constant::Bool(*b),
        Literal::Missing => Constant::Missing,
    }
}
