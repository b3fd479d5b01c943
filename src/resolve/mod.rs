//! Names to ids. Looks up every name in the scope in which it stands; knows nothing of types.
//!
//! A name may be used after the line that defines it, and all names share one scope: a second definition is a mistake,
//! also where the first one came from an `include`.

mod cluster;
mod expectations;
mod expressions;
mod grain;
mod joins;
mod sink;
mod source;
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostics::{Diagnostic, Label, suggest};
use crate::expr::{Expr, Kind};
use crate::spec::*;
use crate::syntax::ast::{self, Ast, Item};
use crate::syntax::source::{Name, SourceMap, Span, Spanned};
use crate::types::Base;

use expressions::Scope;
use grain::one_row_each;

/// Values given for parameters from outside, parsed as expressions: they win over the spec's own.
pub type Overrides = BTreeMap<String, ast::Expr>;

/// Resolves all names. There is no spec when a part that everything else needs is absent.
pub fn resolve(ast: &Ast, sources: &SourceMap, overrides: &Overrides) -> (Option<Spec<Resolved>>, Vec<Diagnostic>) {
    let mut resolver = Resolver {
        sources,
        names: BTreeMap::new(),
        written: written(&ast.items),
        ambiguous: BTreeSet::new(),
        joined: vec![],
        visible: Visible::default(),
        has_baskets: false,
        one_row_each: one_row_each(&ast.items),
        has_as_of: ast.items.iter().any(|item| matches!(item, Item::AsOf(_))),
        customer: None,
        taken: BTreeMap::new(),
        given_for: None,
        diagnostics: vec![],
    };
    let spec = resolver.spec(ast, overrides);
    (spec, resolver.diagnostics)
}

struct Resolver<'a> {
    sources: &'a SourceMap,
    /// Every name that was defined, with its place.
    names: BTreeMap<String, (Ref, Span)>,
    /// Every name that is defined anywhere, for what to say where it is not known.
    written: BTreeMap<String, Written>,
    /// Names that are defined twice: what uses them is not a second mistake.
    ambiguous: BTreeSet<String>,
    /// The sources after the first one, in order.
    joined: Vec<Name>,
    visible: Visible,
    has_baskets: bool,
    /// Where the spec says that a row is a customer.
    one_row_each: Option<Span>,
    has_as_of: bool,
    /// The column that says whose row it is.
    customer: Option<String>,
    /// Features that are the column of their own name.
    taken: BTreeMap<String, (FeatureId, Span)>,
    /// While a value given from outside is resolved, the place in the spec that it replaces: its own text is elsewhere.
    given_for: Option<Span>,
    diagnostics: Vec<Diagnostic>,
}

/// A definition as it stands in the spec, wherever that is.
struct Written {
    /// Its kind; the number in it means nothing.
    what: Ref,
    span: Span,
    /// An aggregate that suits it, for help.
    aggregate: &'static str,
}

/// How many of each kind are defined above the line at hand.
#[derive(Default, Clone, Copy)]
struct Visible {
    columns: usize,
    baskets: usize,
    features: usize,
    params: usize,
}

impl Resolver<'_> {
    fn report(&mut self, mut diagnostic: Diagnostic) {
        if let Some(span) = self.given_for {
            diagnostic.labels.truncate(1);
            diagnostic.labels.iter_mut().for_each(|label| label.span = span);
        }
        // A name that is not known is one mistake, however often it is used.
        let known = |d: &&mut Diagnostic| (d.code, &d.message) == (diagnostic.code, &diagnostic.message);
        match self.diagnostics.iter_mut().find(known) {
            Some(first) if first.code == "SEG0201" => {
                let again = diagnostic.labels.into_iter().take(1);
                first.labels.extend(again.map(|label| Label { text: "also here".into(), ..label }));
            }
            _ => self.diagnostics.push(diagnostic),
        }
    }

    fn define(&mut self, name: &Name, what: Ref) {
        if let Some((_, first)) = self.names.get(&name.value) {
            // Kinds are looked up one after the other: what stands above in the text is the first.
            let (first, second) = if name.span < *first { (name.span, *first) } else { (*first, name.span) };
            self.ambiguous.insert(name.value.clone());
            self.report(
                Diagnostic::error("SEG0203", format!("`{}` is defined twice", name.value))
                    .at(second, "the second time")
                    .at(first, "the first time")
                    .help(format!("give one of them another name, for example `{}_2`", name.value)),
            );
        } else if ["all", "baskets", "as_of", "rows"].contains(&name.value.as_str()) {
            self.report(
                Diagnostic::error("SEG0203", format!("`{}` already means something in every spec", name.value))
                    .at(name.span, "choose another name")
                    .help(format!("write for example `my_{}`", name.value)),
            );
        } else {
            self.names.insert(name.value.clone(), (what, name.span));
        }
    }

    fn spec(&mut self, ast: &Ast, overrides: &Overrides) -> Option<Spec<Resolved>> {
        self.once_only(ast);
        let name = ast.name.clone()?;
        let items = &ast.items;
        let params = self.params(items, overrides);
        let mistakes = self.diagnostics.len();
        let Some((sources, mut columns)) = self.sources(items) else {
            self.missing(
                &name,
                "source",
                "source orders from \"orders.csv\" { customer: id; at: datetime; price: money }",
            );
            return None;
        };
        // Where a key has a mistake, which columns are keys is not known either.
        let settled = sources.len() == 1 || self.diagnostics.len() == mistakes;
        self.visible.columns = columns.len();
        for item in items {
            if let Item::Derive(definition) = item {
                let value = self.expr(&definition.value, Scope::Row);
                self.define(&definition.name, Ref::Column(ColumnId(columns.len())));
                columns.push(Column { name: definition.name.clone(), origin: Origin::Derived(value) });
                self.visible.columns = columns.len();
            }
        }
        self.sources_differ_from_columns();
        let customer = self.role(items, &columns, (&sources, settled), &ROLES[0]);
        self.customer = customer.map(|ColumnId(i)| columns[i].name.value.clone());
        let grain = match self.one_row_each {
            Some(stated) => {
                self.without_purchases(items, stated);
                Some(Grain::Customers { stated })
            }
            None => {
                let time = self.role(items, &columns, (&sources, settled), &ROLES[1]);
                time.map(|time| Grain::Purchases { time })
            }
        };
        let revenue = find(items, |i| if let Item::Revenue(e) = i { Some(e) } else { None });
        let revenue = revenue.map(|e| self.expr(e, Scope::Row));
        let mut filters = vec![];
        for item in items {
            if let Item::Filter(rules) = item {
                for rule in rules {
                    let when = self.expr(&rule.when, Scope::Filter);
                    filters.push(Filter { name: rule.name.clone(), keep: rule.keep, when });
                }
            }
        }
        self.distinct(filters.iter().map(|f| &f.name), "filter rule");
        let as_of = match find(items, |i| if let Item::AsOf(e) = i { Some(e) } else { None }) {
            Some(e) => Some(self.expr(e, Scope::AsOf)),
            None => {
                if self.one_row_each.is_none() {
                    self.missing(&name, "as_of", "as_of max(at) + 1 day");
                }
                None
            }
        };
        let baskets = self.baskets(items, &columns);
        let features = self.features(items, &name);
        let cluster =
            find(items, |i| if let Item::Cluster { settings, span } = i { Some((settings, *span)) } else { None });
        let cluster = cluster.and_then(|(settings, span)| self.cluster(settings, span));
        let has_cluster = items.iter().any(|i| matches!(i, Item::Cluster { .. }));
        let labels = find(items, |i| if let Item::Labels(l) = i { Some(l) } else { None });
        let labels = labels.and_then(|labels| self.labels(labels, has_cluster));
        self.noise_fits(labels.as_ref(), cluster.as_ref());
        let tests = items.iter().filter_map(|i| if let Item::Test(t) = i { Some(t) } else { None });
        let tests: Vec<_> = tests.collect::<Vec<_>>().into_iter().map(|t| self.test(t)).collect();
        self.distinct(tests.iter().map(|t| &t.name), "test");
        let sinks = self.sinks(items);
        self.distinct(sinks.iter().map(|s| &s.name), "sink");
        let text = |pick: fn(&Item) -> Option<&Spanned<String>>| find(items, pick).map(|t| t.value.clone());
        Some(Spec {
            title: text(|i| if let Item::Title(t) = i { Some(t) } else { None }),
            about: text(|i| if let Item::About(t) = i { Some(t) } else { None }),
            currency: find(items, |i| if let Item::Currency(c) = i { Some(c) } else { None }).cloned(),
            name,
            params,
            sources,
            columns,
            revenue,
            grain: grain.filter(|grain| grain.is_customers() || as_of.is_some())?,
            customer: customer?,
            filters,
            as_of,
            baskets,
            features,
            cluster,
            labels,
            tests,
            sinks,
        })
    }

    /// Statements that make no sense twice.
    fn once_only(&mut self, ast: &Ast) {
        let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
        for item in &ast.items {
            let (keyword, span) = match item {
                Item::Title(t) => ("title", t.span),
                Item::About(t) => ("description", t.span),
                Item::Currency(c) => ("currency", c.span),
                Item::Revenue(e) => ("revenue", e.span),
                Item::Time(n) => ("time", n.span),
                Item::Customers { by, .. } => ("customers by", by.span),
                Item::AsOf(e) => ("as_of", e.span),
                Item::Baskets { by, .. } => ("baskets", by.span),
                Item::Cluster { span, .. } => ("cluster", Span { end: span.start + 7, ..*span }),
                Item::Labels(l) => ("label", l.over.span),
                _ => continue,
            };
            if let Some(first) = seen.insert(keyword, span) {
                self.report(
                    Diagnostic::error("SEG0211", format!("a spec has one `{keyword}`"))
                        .at(span, "the second one")
                        .at(first, "the first one")
                        .help("keep the one that you mean"),
                );
            }
        }
    }

    fn missing(&mut self, name: &Name, keyword: &str, example: &str) {
        self.report(
            Diagnostic::error("SEG0210", format!("the spec has no `{keyword}`"))
                .at(name.span, format!("goes without `{keyword}`"))
                .help(format!("add a line such as `{example}`")),
        );
    }

    fn distinct<'a>(&mut self, names: impl Iterator<Item = &'a Spanned<String>>, what: &str) {
        let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
        for name in names {
            if let Some(first) = seen.insert(&name.value, name.span) {
                self.report(
                    Diagnostic::error("SEG0203", format!("two {what}s are called \"{}\"", name.value))
                        .at(name.span, "the second one")
                        .at(first, "the first one")
                        .help("give each a name of its own: reports and snapshots go by it"),
                );
            }
        }
    }

    fn params(&mut self, items: &[Item], overrides: &Overrides) -> Vec<Param<Resolved>> {
        let mut params: Vec<Param<Resolved>> = vec![];
        for item in items {
            if let Item::Param(definition) = item {
                let given = overrides.get(&definition.name.value);
                self.given_for = given.map(|_| definition.value.span);
                let value = self.expr(given.unwrap_or(&definition.value), Scope::Param);
                self.given_for = None;
                self.define(&definition.name, Ref::Param(ParamId(params.len())));
                params.push(Param { name: definition.name.clone(), value });
                self.visible.params = params.len();
            }
        }
        for name in overrides.keys().filter(|name| !params.iter().any(|p| p.name.value == **name)) {
            let near = suggest::nearest(name, params.iter().map(|p| p.name.value.as_str()));
            let known = suggest::list(params.iter().map(|p| p.name.value.as_str()));
            let help =
                near.map_or(format!("parameters of this spec: {known}"), |near| format!("did you mean `{near}`?"));
            self.diagnostics
                .push(Diagnostic::error("SEG0215", format!("the spec has no parameter `{name}`")).help(help));
        }
        params
    }

    fn baskets(&mut self, items: &[Item], columns: &[Column<Resolved>]) -> Option<Baskets<Resolved>> {
        if self.one_row_each.is_some() {
            return None;
        }
        let (by, definitions) =
            find(items, |i| if let Item::Baskets { by, fields, .. } = i { Some((by, fields)) } else { None })?;
        self.has_baskets = true;
        let by = self.column_named(by, columns);
        let mut fields: Vec<Feature<Resolved>> = vec![];
        for definition in definitions {
            let value = self.expr(&definition.value, Scope::Basket);
            self.define(&definition.name, Ref::Basket(BasketId(fields.len())));
            fields.push(Feature { name: definition.name.clone(), value });
            self.visible.baskets = fields.len();
        }
        Some(Baskets { by: by?, fields })
    }

    fn features(&mut self, items: &[Item], name: &Name) -> Vec<Feature<Resolved>> {
        let mut features: Vec<Feature<Resolved>> = vec![];
        for item in items {
            if let Item::Features(definitions) = item {
                for definition in definitions {
                    let value = match self.is_no_definition(definition) {
                        true => Expr { kind: Kind::Error, span: definition.value.span, ty: () },
                        false => self.expr(&definition.value, Scope::Feature),
                    };
                    if !self.ambiguous.contains(&definition.name.value) {
                        self.define_feature(definition, FeatureId(features.len()));
                    }
                    features.push(Feature { name: definition.name.clone(), value });
                    self.visible.features = features.len();
                }
            }
        }
        if !items.iter().any(|i| matches!(i, Item::Features(_))) {
            self.missing(name, "features", "features { recency = whole_days(as_of - max(at)) }");
        }
        features
    }

    fn column_named(&mut self, name: &Name, columns: &[Column<Resolved>]) -> Option<ColumnId> {
        let found = columns.iter().position(|c| c.name.value == name.value);
        if found.is_none() {
            let all = columns.iter().map(|c| c.name.value.as_str());
            let near = suggest::nearest(&name.value, all.clone());
            let diagnostic = Diagnostic::error("SEG0201", format!("unknown column `{}`", name.value));
            self.report(match near {
                Some(near) => {
                    diagnostic.at(name.span, format!("did you mean `{near}`?")).help(format!("write `{near}`"))
                }
                None => diagnostic.at(name.span, "not a column").help(format!("columns: {}", suggest::list(all))),
            });
        }
        found.map(ColumnId)
    }

    /// Whose column it is that says who or when: the one that the spec names, else the only one of its type.
    fn role(
        &mut self,
        items: &[Item],
        columns: &[Column<Resolved>],
        (sources, settled): (&[Source], bool),
        role: &Role,
    ) -> Option<ColumnId> {
        if let Some(name) = find(items, role.named) {
            return self.column_named(name, columns);
        }
        let fits = |column: &Column<Resolved>| match &column.origin {
            // A type that is spelt wrong has been reported: it counts as the one that was meant.
            Origin::Source { type_name, .. } => {
                let known = Base::COLUMN_TYPES.into_iter().find(|known| *known == type_name.value);
                known.or_else(|| source::nearest_type(&type_name.value)).is_some_and(|ty| role.types.contains(&ty))
            }
            Origin::Derived(_) => false,
        };
        // A key of a joined source says the same as the column that it equals.
        let keys = sources.iter().flat_map(|s| &s.join).flat_map(|join| &join.on);
        let keys: BTreeSet<usize> = keys.map(|key| key.right.0).collect();
        let candidates: Vec<usize> = (0..columns.len()).filter(|i| !keys.contains(i) && fits(&columns[*i])).collect();
        if let ([only], _) | ([only, ..], false) = (candidates.as_slice(), settled) {
            return Some(ColumnId(*only));
        }
        let at = sources[0].span;
        let first_line = Span { end: at.start + 6, ..at };
        let mut diagnostic = Diagnostic::error("SEG0212", format!("which column says {}?", role.question));
        if candidates.is_empty() {
            diagnostic = diagnostic
                .at(first_line, format!("no column of type `{}`", role.types.join("` or `")))
                .help(format!("declare one, for example `{}`{}", role.example, role.otherwise));
        } else {
            for i in &candidates {
                diagnostic = diagnostic.at(columns[*i].name.span, "could be this one");
            }
            diagnostic = diagnostic.help(format!("add `{} {}`", role.statement, columns[candidates[0]].name.value));
        }
        self.report(diagnostic);
        None
    }

    fn labels(&mut self, labels: &ast::Labels, has_cluster: bool) -> Option<Labels<Resolved>> {
        let over = match labels.over.value.as_str() {
            "clusters" => Over::Clusters,
            "customers" => Over::Customers,
            other => {
                let near = suggest::nearest(other, ["clusters", "customers"]);
                self.report(
                    Diagnostic::error("SEG0209", format!("labels are for `clusters` or `customers`, not `{other}`"))
                        .at(
                            labels.over.span,
                            near.map_or("one of the two".into(), |near| format!("did you mean `{near}`?")),
                        )
                        .help(near.map_or("write `label clusters {` or `label customers {`".into(), |near| {
                            format!("write `label {near} {{`")
                        })),
                );
                if has_cluster { Over::Clusters } else { Over::Customers }
            }
        };
        if over == Over::Customers && labels.distinct {
            self.report(
                Diagnostic::error(
                    "SEG0209",
                    "`distinct` tells clusters of one label apart; customers have no clusters",
                )
                .at(labels.over.span, "labels for customers")
                .help("leave out `distinct`"),
            );
        }
        if over == Over::Clusters && !has_cluster {
            self.report(
                Diagnostic::error("SEG0604", "there are no clusters to label: the spec has no `cluster` block")
                    .at(labels.over.span, "needs a `cluster` block")
                    .help("add one, or label each customer by its own features: `label customers {`"),
            );
        }
        if let [first, second, ..] = labels.otherwise.as_slice() {
            self.report(
                Diagnostic::error("SEG0602", "a label block has one `otherwise`")
                    .at(second.label.span, "the second one")
                    .at(first.label.span, "the first one")
                    .help("keep the one that you mean, at the end of the block"),
            );
        } else if let (Some(otherwise), Some(last)) = (labels.otherwise.first(), labels.rules.last())
            && (otherwise.span.file, otherwise.span.start) < (last.span.file, last.span.start)
        {
            self.report(
                Diagnostic::error("SEG0602", "`otherwise` stands before a rule that could then never fire")
                    .at(otherwise.label.span, "takes everything that is left")
                    .at(last.label.span, "nothing is left for this rule")
                    .help("move `otherwise` to the end of the block"),
            );
        }
        if let [first, second, ..] = labels.noise.as_slice() {
            self.report(
                Diagnostic::error("SEG0602", "a label block has one `noise`")
                    .at(second.label.span, "the second one")
                    .at(first.label.span, "the first one")
                    .help("keep the one that you mean"),
            );
        }
        let rules = labels.rules.iter().chain(labels.otherwise.first()).map(|rule| self.rule(rule)).collect();
        let noise = labels.noise.first().map(|rule| self.rule(rule));
        let ast::Labels { distinct, disjoint, exhaustive, span, .. } = *labels;
        Some(Labels { over, distinct, disjoint, exhaustive, rules, noise, span })
    }

    fn rule(&mut self, rule: &ast::LabelRule) -> Rule<Resolved> {
        let note = |wanted: &str| rule.notes.iter().find(|(name, _)| name.value == wanted).map(|(_, text)| text);
        if let Some(color) = note("color") {
            let digits = color.value.strip_prefix('#').unwrap_or("");
            if digits.len() != 6 || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
                self.report(
                    Diagnostic::error("SEG0605", format!("`{}` is no colour", color.value))
                        .at(color.span, "six hexadecimal digits after a `#`")
                        .help("write for example `color \"#227e96\"`"),
                );
            }
        }
        let text = |wanted: &str| note(wanted).map(|text| text.value.clone());
        let (description, action, color) = (text("description"), text("action"), text("color"));
        let when = rule.when.as_ref().map(|when| self.expr(when, Scope::Label));
        Rule { label: rule.label.clone(), when, description, action, color, span: rule.span }
    }
}

/// A column that every spec needs and most specs have only one candidate for.
struct Role {
    question: &'static str,
    types: &'static [&'static str],
    statement: &'static str,
    example: &'static str,
    /// What may be meant where there is none.
    otherwise: &'static str,
    named: fn(&Item) -> Option<&Name>,
}

const ROLES: [Role; 2] = [
    Role {
        question: "whose purchase a row is",
        types: &["id"],
        statement: "customers by",
        example: "customer: id = CustomerID",
        otherwise: "",
        named: |item| if let Item::Customers { by, .. } = item { Some(by) } else { None },
    },
    Role {
        question: "when a purchase happened",
        types: &["date", "datetime"],
        statement: "time",
        example: "at: datetime = InvoiceDate",
        otherwise: "; where a row is a customer, write `customers by id, one row each`",
        named: |item| if let Item::Time(name) = item { Some(name) } else { None },
    },
];

/// The definitions of a spec by name; of several with one name, the first.
fn written(items: &[Item]) -> BTreeMap<String, Written> {
    let mut written = BTreeMap::new();
    let mut add = |name: &Name, what: Ref, aggregate: &'static str| {
        written.entry(name.value.clone()).or_insert(Written { what, span: name.span, aggregate });
    };
    for item in items {
        match item {
            Item::Param(d) => add(&d.name, Ref::Param(ParamId(0)), "sum"),
            Item::Derive(d) => add(&d.name, Ref::Column(ColumnId(0)), "sum"),
            Item::Baskets { fields, .. } => fields.iter().for_each(|d| add(&d.name, Ref::Basket(BasketId(0)), "mean")),
            Item::Features(list) => list.iter().for_each(|d| add(&d.name, Ref::Feature(FeatureId(0)), "sum")),
            Item::Source(source) => {
                for column in &source.columns {
                    let aggregate = match column.type_name.value.as_str() {
                        "id" | "text" | "bool" => "mode",
                        "date" | "datetime" => "max",
                        _ => "sum",
                    };
                    add(&column.name, Ref::Column(ColumnId(0)), aggregate);
                }
            }
            _ => {}
        }
    }
    written
}

fn find<'a, T: 'a>(items: &'a [Item], pick: impl Fn(&'a Item) -> Option<T>) -> Option<T> {
    items.iter().find_map(pick)
}
