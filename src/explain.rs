//! Prints what a stage made of a spec, one node a line or in brackets: for `segc explain --stage` and for snapshots.

use std::fmt::Write;

use crate::cluster::Method;
use crate::expr::{Argument, ArgumentValue, Expr, Kind, Literal, Stage};
use crate::spec::{Function, Labels, Origin, Ref, Spec, Typed};
use crate::syntax::ast::{
    self, Ast, ClusterSetting, Destination, Expectation, Header, Item, Parsed, SettingValue, SinkSetting,
};
use crate::syntax::source::Name;
use crate::types::Type;

/// What a stage shows of references, functions and types.
pub trait Show: Stage {
    fn reference(&self, reference: &Self::Ref) -> String;
    fn function(&self, function: &Self::Function) -> String;
    fn ty(&self, ty: &Self::Type) -> String;
}

impl Show for Parsed {
    fn reference(&self, path: &Vec<crate::syntax::source::Name>) -> String {
        path.iter().map(|n| n.value.as_str()).collect::<Vec<_>>().join(".")
    }

    fn function(&self, name: &crate::syntax::source::Name) -> String {
        name.value.clone()
    }

    fn ty(&self, _: &()) -> String {
        String::new()
    }
}

/// References by number, for comparing two expressions by meaning.
impl Show for Typed {
    fn reference(&self, reference: &Ref) -> String {
        format!("{reference:?}")
    }

    fn function(&self, function: &Function) -> String {
        function.name().to_owned()
    }

    fn ty(&self, _: &Type) -> String {
        String::new()
    }
}

/// References by name, and types.
struct Named<'a>(&'a Spec<Typed>);

/// A typed expression on one line, without places.
pub fn expression(expr: &Expr<Typed>) -> String {
    brackets(expr, &|r| Typed.reference(r), &|f: &Function| f.name().to_owned(), &|_| String::new())
}

impl Named<'_> {
    fn expr(&self, expr: &Expr<Typed>) -> String {
        let ty = |ty: &Type| {
            let base = ty.base.to_string().replace("a ", "").replace("an ", "").replace(' ', "-");
            format!(":{base}{}", if ty.may_be_missing { "?" } else { "" })
        };
        brackets(expr, &|r| self.reference(*r), &|f: &Function| f.name().to_owned(), &ty)
    }

    fn reference(&self, reference: Ref) -> String {
        let spec = self.0;
        match reference {
            Ref::Source(id) => spec.source(id).name.value.clone(),
            Ref::Column(id) => spec.column(id).name.value.clone(),
            Ref::Basket(id) => {
                let field = spec.baskets.as_ref().map(|b| b.fields[id.0].name.value.as_str());
                format!("baskets.{}", field.unwrap_or("?"))
            }
            Ref::Baskets => "baskets".into(),
            Ref::BasketTime => "baskets.time".into(),
            Ref::Feature(id) => spec.feature(id).name.value.clone(),
            Ref::All(id) => format!("all.{}", spec.feature(id).name.value),
            Ref::Param(id) => spec.param(id).name.value.clone(),
            Ref::AsOf => "as_of".into(),
        }
    }
}

/// The tree as brackets: `(* quantity price)`.
fn brackets<S: Stage>(
    expr: &Expr<S>,
    reference: &dyn Fn(&S::Ref) -> String,
    function: &dyn Fn(&S::Function) -> String,
    ty: &dyn Fn(&S::Type) -> String,
) -> String {
    let go = |e: &Expr<S>| brackets(e, reference, function, ty);
    let all = |list: &[Expr<S>]| list.iter().map(go).collect::<Vec<_>>().join(" ");
    let not = |negated: bool| if negated { "not-" } else { "" };
    let text = match &expr.kind {
        Kind::Literal(literal) => literal_text(literal),
        Kind::Ref(r) => reference(r),
        Kind::Not(e) => format!("(not {})", go(e)),
        Kind::Negate(e) => format!("(- {})", go(e)),
        Kind::And(list) => format!("(and {})", all(list)),
        Kind::Or(list) => format!("(or {})", all(list)),
        Kind::Arithmetic(first, rest) => {
            rest.iter().fold(go(first), |left, (op, e)| format!("({} {left} {})", op.symbol(), go(e)))
        }
        Kind::Compare(a, comparator, b) => format!("({} {} {})", comparator.symbol(), go(a), go(b)),
        Kind::Between { value, low, high, negated } => {
            format!("({}between {} {} {})", not(*negated), go(value), go(low), go(high))
        }
        Kind::In { value, options, negated } => format!("({}in {} [{}])", not(*negated), go(value), all(options)),
        Kind::IsMissing { value, negated } => format!("({}missing {})", not(*negated), go(value)),
        Kind::TextTest { value, verb, pattern, negated } => {
            format!("({}{} {} {})", not(*negated), verb.words().replace(' ', "-"), go(value), go(pattern))
        }
        Kind::If { condition, then, otherwise } => format!("(if {} {} {})", go(condition), go(then), go(otherwise)),
        Kind::Duplicate(None) => "(duplicate)".into(),
        Kind::Duplicate(Some(columns)) => {
            format!("(duplicate {})", columns.iter().map(reference).collect::<Vec<_>>().join(" "))
        }
        Kind::Call { function: f, arguments, filter } => {
            let mut parts = vec![function(f)];
            parts.extend(arguments.iter().map(|a: &Argument<S>| {
                let value = match &a.value {
                    ArgumentValue::Expr(e) => go(e),
                    ArgumentValue::Word(word) => word.value.clone(),
                    ArgumentValue::Best { low: true, .. } => "low-is-best".into(),
                    ArgumentValue::Best { low: false, .. } => "high-is-best".into(),
                };
                a.name.as_ref().map_or(value.clone(), |name| format!("{}: {value}", name.value))
            }));
            parts.extend(filter.as_ref().map(|e| format!("where {}", go(e))));
            format!("({})", parts.join(" "))
        }
        Kind::Error => "(error)".into(),
    };
    text + &ty(&expr.ty)
}

fn literal_text(literal: &Literal) -> String {
    match literal {
        Literal::Number(n) => n.to_string(),
        Literal::Percent(n) => format!("{n}%"),
        Literal::Rate(n, unit) => format!("{n}%/{unit}"),
        Literal::Quantity(n, unit) => format!("{n}_{unit}"),
        Literal::Moment { micros, date_only } => {
            let text = crate::time::iso(*micros);
            format!("@{}", if *date_only { &text[..10] } else { &text })
        }
        Literal::Text(text) => format!("{text:?}"),
        Literal::Bool(b) => b.to_string(),
        Literal::Missing => "missing".into(),
    }
}

struct Printer {
    out: String,
    depth: usize,
}

impl Printer {
    fn line(&mut self, text: impl AsRef<str>) {
        writeln!(self.out, "{:indent$}{}", "", text.as_ref(), indent = self.depth * 2)
            .expect("strings take everything");
    }

    fn nested(&mut self, head: impl AsRef<str>, body: impl FnOnce(&mut Self)) {
        self.line(head);
        self.depth += 1;
        body(self);
        self.depth -= 1;
    }
}

/// The tree that the parser made.
pub fn ast(ast: &Ast) -> String {
    let expr = |e: &ast::Expr| brackets(e, &|r| Parsed.reference(r), &|f| Parsed.function(f), &|t| Parsed.ty(t));
    let definition = |d: &ast::Definition| format!("{} = {}", d.name.value, expr(&d.value));
    let mut p = Printer { out: String::new(), depth: 0 };
    let name = ast.name.as_ref().map_or("(part of a spec)", |n| &n.value);
    p.nested(format!("segmentation {name}"), |p| {
        for item in &ast.items {
            match item {
                Item::Include(path) => p.line(format!("include {:?}", path.value)),
                Item::Title(text) => p.line(format!("title {:?}", text.value)),
                Item::About(text) => p.line(format!("description {:?}", text.value)),
                Item::Currency(name) => p.line(format!("currency {}", name.value)),
                Item::Param(d) => p.line(format!("param {}", definition(d))),
                Item::Derive(d) => p.line(format!("derive {}", definition(d))),
                Item::Revenue(e) => p.line(format!("revenue {}", expr(e))),
                Item::Time(name) => p.line(format!("time {}", name.value)),
                Item::Customers { by, one_row_each } => {
                    let each = if one_row_each.is_some() { ", one row each" } else { "" };
                    p.line(format!("customers by {}{each}", by.value));
                }
                Item::AsOf(e) => p.line(format!("as_of {}", expr(e))),
                Item::Source(source) => ast_source(p, source),
                Item::Join(join) => p.line(format!(
                    "join {} on {}",
                    join.source.value,
                    keys(join.on.iter().map(|k| (&k.left, &k.right)))
                )),
                Item::Filter(rules) => p.nested("filter", |p| {
                    for rule in rules {
                        let verb = if rule.keep { "keep" } else { "drop" };
                        p.line(format!("{verb} {:?} when {}", rule.name.value, expr(&rule.when)));
                    }
                }),
                Item::Baskets { by, fields, .. } => {
                    p.nested(format!("baskets by {}", by.value), |p| fields.iter().for_each(|d| p.line(definition(d))))
                }
                Item::Features(fields) => p.nested("features", |p| fields.iter().for_each(|d| p.line(definition(d)))),
                Item::Cluster { settings, .. } => p.nested("cluster", |p| {
                    for setting in settings {
                        match setting {
                            ClusterSetting::On(list) => p.nested("on", |p| list.iter().for_each(|e| p.line(expr(e)))),
                            ClusterSetting::Scale(name) => p.line(format!("scale {}", name.value)),
                            ClusterSetting::Method(name) => p.line(format!("method {}", name.value)),
                            ClusterSetting::K { low, high, choice, .. } => {
                                p.nested(format!("k {}..{}", low.value, high.value), |p| {
                                    if let Some(choice) = choice {
                                        p.line(format!("by {}", choice.by.value));
                                        for c in &choice.constraints {
                                            let symbol = c.comparator.symbol();
                                            p.line(format!(
                                                "with {} {symbol} {}",
                                                c.name.value,
                                                setting_value(&c.value.value)
                                            ));
                                        }
                                    }
                                })
                            }
                            ClusterSetting::Seed(n) => p.line(format!("seed {}", n.value)),
                            ClusterSetting::Restarts(n) => p.line(format!("restarts {}", n.value)),
                            ClusterSetting::Covariance(name) => p.line(format!("covariance {}", name.value)),
                            ClusterSetting::Radius(x) => p.line(format!("radius {}", x.value)),
                            ClusterSetting::Neighbours(n) => p.line(format!("neighbours {}", n.value)),
                            ClusterSetting::Smallest(n) => p.line(format!("smallest {}", n.value)),
                        }
                    }
                }),
                Item::Labels(labels) => {
                    let flags = [
                        (labels.distinct, " distinct"),
                        (labels.disjoint, " disjoint"),
                        (labels.exhaustive, " exhaustive"),
                    ];
                    let flags: String = flags.into_iter().filter(|(set, _)| *set).map(|(_, flag)| flag).collect();
                    p.nested(format!("label {}{flags}", labels.over.value), |p| {
                        let otherwise = labels.otherwise.iter().map(|rule| (rule, "otherwise"));
                        let noise = labels.noise.iter().map(|rule| (rule, "noise"));
                        let rules = labels.rules.iter().map(|rule| (rule, ""));
                        for (rule, word) in rules.chain(otherwise).chain(noise) {
                            let when = rule.when.as_ref().map_or(word.into(), |e| format!("when {}", expr(e)));
                            p.nested(format!("{:?} {when}", rule.label.value), |p| {
                                rule.notes
                                    .iter()
                                    .for_each(|(name, text)| p.line(format!("{} {:?}", name.value, text.value)));
                            });
                        }
                    })
                }
                Item::Test(test) => p.nested(format!("test {:?}", test.name.value), |p| {
                    for fact in &test.given {
                        p.line(format!("given {} = {}", Parsed.reference(&fact.path), expr(&fact.value)));
                    }
                    for expectation in &test.expectations {
                        match expectation {
                            Expectation::Label(label) => p.line(format!("expect {:?}", label.value)),
                            Expectation::Holds { condition, mostly } => {
                                let mostly = mostly.as_ref().map_or(String::new(), |m| format!(" mostly {}%", m.value));
                                p.line(format!("expect {}{mostly}", expr(condition)))
                            }
                        }
                    }
                }),
                Item::Sink(sink) => p.nested(format!("sink {} to {}", sink.name.value, destination(&sink.to)), |p| {
                    for setting in &sink.settings {
                        match setting {
                            SinkSetting::Table(name) => p.line(format!("table {:?}", name.value)),
                            SinkSetting::Mode(name) => p.line(format!("mode {}", name.value)),
                        }
                    }
                }),
            }
        }
    });
    p.out
}

/// `order = order, customer = id`.
fn keys<'a>(on: impl Iterator<Item = (&'a Name, &'a Name)>) -> String {
    on.map(|(left, right)| format!("{} = {}", left.value, right.value)).collect::<Vec<_>>().join(", ")
}

fn ast_source(p: &mut Printer, source: &ast::Source) {
    let rows = match &source.rows {
        ast::Rows::Files(files) => files.iter().map(|f| format!("{:?}", f.value)).collect::<Vec<_>>().join(", "),
        ast::Rows::Postgres { variable } => format!("postgres env {:?}", variable.value),
    };
    p.nested(format!("source {} from {rows}", source.name.value), |p| {
        for setting in &source.settings {
            let values: Vec<String> = setting.values.iter().map(|v| setting_value(&v.value)).collect();
            p.line(format!("{} {}", setting.name.value, values.join(", ")));
        }
        for column in &source.columns {
            let dates: Vec<String> = column.dates.iter().map(|d| format!("{:?}", d.value)).collect();
            let dates = if dates.is_empty() { String::new() } else { format!(" dates {}", dates.join(", ")) };
            p.line(format!(
                "{}: {} = {}{dates}",
                column.name.value,
                column.type_name.value,
                header_text(&column.header.value)
            ));
        }
    });
}

fn destination(to: &Destination) -> String {
    match to {
        Destination::Sqlite(file) => format!("sqlite {:?}", file.value),
        Destination::Postgres { variable } => format!("postgres env {:?}", variable.value),
    }
}

fn header_text(header: &Header) -> String {
    match header {
        Header::Name(name) => format!("{name:?}"),
        Header::Position(n) => format!("column {n}"),
    }
}

fn setting_value(value: &SettingValue) -> String {
    match value {
        SettingValue::Text(text) => format!("{text:?}"),
        SettingValue::Integer(n) => n.to_string(),
        SettingValue::Percent(n) => format!("{n}%"),
        SettingValue::Quantity(n, unit) => format!("{n}_{unit}"),
        SettingValue::Yes => "yes".into(),
        SettingValue::No => "no".into(),
        SettingValue::All => "all".into(),
    }
}

/// The checked spec, with the type of every expression.
pub fn typed(spec: &Spec<Typed>) -> String {
    let named = Named(spec);
    let mut p = Printer { out: String::new(), depth: 0 };
    p.nested(format!("segmentation {}", spec.name.value), |p| {
        for param in &spec.params {
            p.line(format!("param {} = {}", param.name.value, named.expr(&param.value)));
        }
        let column = |p: &mut Printer, index: usize| {
            let column = &spec.columns[index];
            let role = match index {
                i if i == spec.customer.0 && spec.grain.is_customers() => "  (customer, one row each)",
                i if i == spec.customer.0 => "  (customer)",
                i if spec.time().is_some_and(|time| time.0 == i) => "  (time)",
                _ => "",
            };
            p.line(match &column.origin {
                Origin::Source { header, type_name, .. } => {
                    format!("{}: {} = {}{role}", column.name.value, type_name.value, header_text(&header.value))
                }
                Origin::Derived(e) => format!("derive {} = {}{role}", column.name.value, named.expr(e)),
            });
        };
        for source in &spec.sources {
            p.nested(format!("source {}", source.name.value), |p| source.columns.clone().for_each(|i| column(p, i)));
        }
        for source in &spec.sources {
            if let Some(join) = &source.join {
                let on = join.on.iter().map(|k| (&spec.column(k.left).name, &spec.column(k.right).name));
                p.line(format!("join {} on {}", source.name.value, keys(on)));
            }
        }
        let read = spec.sources.last().map_or(0, |source| source.columns.end);
        (read..spec.columns.len()).for_each(|i| column(p, i));
        if let Some(revenue) = &spec.revenue {
            p.line(format!("revenue {}", named.expr(revenue)));
        }
        p.nested("filter", |p| {
            for filter in &spec.filters {
                let verb = if filter.keep { "keep" } else { "drop" };
                p.line(format!("{verb} {:?} when {}", filter.name.value, named.expr(&filter.when)));
            }
        });
        if let Some(as_of) = &spec.as_of {
            p.line(format!("as_of {}", named.expr(as_of)));
        }
        if let Some(baskets) = &spec.baskets {
            p.nested(format!("baskets by {}", spec.column(baskets.by).name.value), |p| {
                baskets.fields.iter().for_each(|f| p.line(format!("{} = {}", f.name.value, named.expr(&f.value))));
            });
        }
        p.nested("features", |p| {
            spec.features.iter().for_each(|f| p.line(format!("{} = {}", f.name.value, named.expr(&f.value))));
        });
        if let Some(cluster) = &spec.cluster {
            p.nested("cluster", |p| {
                cluster.on.iter().for_each(|e| p.line(format!("on {}", named.expr(e))));
                p.line(format!("scale {:?}", cluster.scale).to_lowercase());
                if cluster.method != Method::KMeans {
                    p.line(format!("method {}", cluster.method));
                }
                if cluster.method.has_k() {
                    p.line(format!("k {}..{} {}", cluster.k.0, cluster.k.1, cluster.choice.words));
                }
                if cluster.method.draws() {
                    p.line(format!("seed {} restarts {}", cluster.seed, cluster.restarts));
                }
            });
        }
        if let Some(labels) = &spec.labels {
            typed_labels(p, labels, &named);
        }
        for sink in &spec.sinks {
            let (to, mode) = (destination(&sink.to), sink.mode.name());
            p.line(format!("sink {} to {to} table {} mode {mode}", sink.name.value, sink.table));
        }
    });
    p.out
}

fn typed_labels(p: &mut Printer, labels: &Labels<Typed>, named: &Named) {
    p.nested(format!("label {:?}", labels.over).to_lowercase(), |p| {
        for rule in &labels.rules {
            let when = rule.when.as_ref().map_or("otherwise".into(), |e| format!("when {}", named.expr(e)));
            p.line(format!("{:?} {when}", rule.label.value));
        }
        labels.noise.iter().for_each(|noise| p.line(format!("{:?} noise", noise.label.value)));
    });
}
