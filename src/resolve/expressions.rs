//! Names and functions inside expressions, each in the scope in which the expression stands.

use super::grain::goes_by_time;
use super::{Resolver, Written};
use crate::diagnostics::{Diagnostic, suggest};
use crate::expr::{Argument, ArgumentValue, Expr, Kind, Literal};
use crate::spec::{BasketId, ColumnId, FeatureId, Function, ParamId, Population, Ref, Resolved, SourceId};
use crate::syntax::ast;
use crate::syntax::source::{Name, Span};

/// What other languages call our functions.
const ELSEWHERE: [(&str, &str); 14] = [
    ("total", "sum"),
    ("avg", "mean"),
    ("average", "mean"),
    ("latest", "last"),
    ("earliest", "first"),
    ("unique", "count_distinct"),
    ("nunique", "count_distinct"),
    ("countd", "count_distinct"),
    ("stdev", "std"),
    ("stddev", "std"),
    ("percentile", "quantile"),
    ("most_common", "mode"),
    ("log", "log1p"),
    ("len", "length"),
];

/// Where an expression stands, which decides what its names can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// `param`: other parameters only.
    Param,
    /// `derive`, `revenue`: the columns of one row.
    Row,
    /// `filter`: the same, and whether the row repeats an earlier one.
    Filter,
    /// `as_of`: aggregates over all rows.
    AsOf,
    /// A field of a basket: aggregates over its rows.
    Basket,
    /// A feature: aggregates over the rows or baskets of a customer, and features above.
    Feature,
    /// `cluster on`: features.
    Cluster,
    /// Label rules: features and `all.` features.
    Label,
    /// Inside an aggregate over rows; `of` a feature it may also be over baskets.
    Rows { of_feature: bool },
}

impl Scope {
    fn holds(self) -> &'static str {
        match self {
            Scope::Param => "a parameter",
            Scope::Row => "an expression over one row",
            Scope::Filter => "`filter`",
            Scope::AsOf => "`as_of`",
            Scope::Basket => "a field of a basket",
            Scope::Feature => "a feature",
            Scope::Cluster => "`cluster`",
            Scope::Label => "a label rule",
            Scope::Rows { .. } => "an aggregate",
        }
    }

    /// The functions that people look for here.
    fn functions(self) -> impl Iterator<Item = &'static str> {
        Function::names().filter(move |name| match Function::find(name) {
            Some(Function::Aggregate(_)) => matches!(self, Scope::AsOf | Scope::Basket | Scope::Feature),
            Some(Function::Population(_)) => matches!(self, Scope::Feature | Scope::Cluster),
            _ => !matches!(self, Scope::AsOf | Scope::Basket | Scope::Feature),
        })
    }

    /// What to write in place of something about customers.
    fn instead(self) -> &'static str {
        match self {
            Scope::Param => "write the value itself, for example `param horizon = 90 days`",
            Scope::AsOf => "use an aggregate of a column here, for example `max(at)`",
            _ => "use the columns of the source here",
        }
    }
}

impl Resolver<'_> {
    pub(super) fn expr(&mut self, expr: &ast::Expr, scope: Scope) -> Expr<Resolved> {
        let mut boxed = |e: &ast::Expr| Box::new(self.expr(e, scope));
        let kind = match &expr.kind {
            Kind::Literal(literal) => Kind::Literal(literal.clone()),
            Kind::Ref(path) => match self.reference(path, expr.span, scope) {
                Some(reference) => Kind::Ref(reference),
                None => Kind::Error,
            },
            Kind::Not(a) => Kind::Not(boxed(a)),
            Kind::Negate(a) => Kind::Negate(boxed(a)),
            Kind::And(list) => Kind::And(self.list(list, scope)),
            Kind::Or(list) => Kind::Or(self.list(list, scope)),
            Kind::Arithmetic(first, rest) => {
                let first = boxed(first);
                Kind::Arithmetic(first, rest.iter().map(|(op, e)| (*op, self.expr(e, scope))).collect())
            }
            Kind::Compare(a, comparator, b) => Kind::Compare(boxed(a), *comparator, boxed(b)),
            Kind::Between { value, low, high, negated } => {
                Kind::Between { value: boxed(value), low: boxed(low), high: boxed(high), negated: *negated }
            }
            Kind::In { value, options, negated } => {
                Kind::In { value: boxed(value), options: self.list(options, scope), negated: *negated }
            }
            Kind::IsMissing { value, negated } => {
                let value = match self.asked_source(value, scope) {
                    Some(id) => Box::new(Expr { kind: Kind::Ref(Ref::Source(id)), span: value.span, ty: () }),
                    None => Box::new(self.expr(value, scope)),
                };
                Kind::IsMissing { value, negated: *negated }
            }
            Kind::TextTest { value, verb, pattern, negated } => {
                Kind::TextTest { value: boxed(value), verb: *verb, pattern: boxed(pattern), negated: *negated }
            }
            Kind::If { condition, then, otherwise } => {
                Kind::If { condition: boxed(condition), then: boxed(then), otherwise: boxed(otherwise) }
            }
            Kind::Duplicate(columns) => self.duplicate(columns.as_deref(), expr.span, scope),
            Kind::Call { function, arguments, filter } => {
                self.call(function, arguments, filter.as_deref(), expr.span, scope)
            }
            Kind::Error => Kind::Error,
        };
        Expr { kind, span: self.given_for.unwrap_or(expr.span), ty: () }
    }

    /// The source in `orders is missing`.
    fn asked_source(&self, value: &ast::Expr, scope: Scope) -> Option<SourceId> {
        match (&value.kind, scope) {
            (Kind::Ref(path), scope) if self.is_over_a_row(scope) => match path.as_slice() {
                [name] if !self.names.contains_key(&name.value) => self.joined_source(name),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether columns have a value where the expression stands: in a feature too, where a customer has one row.
    fn is_over_a_row(&self, scope: Scope) -> bool {
        match scope {
            Scope::Row | Scope::Filter | Scope::Rows { .. } => true,
            Scope::Feature => self.one_row_each.is_some(),
            _ => false,
        }
    }

    fn list(&mut self, list: &[ast::Expr], scope: Scope) -> Vec<Expr<Resolved>> {
        list.iter().map(|e| self.expr(e, scope)).collect()
    }

    fn duplicate(&mut self, columns: Option<&[Vec<Name>]>, span: Span, scope: Scope) -> Kind<Resolved> {
        if scope != Scope::Filter {
            self.report(
                Diagnostic::error(
                    "SEG0204",
                    format!("`duplicate` is about one row and can't stand in {}", scope.holds()),
                )
                .at(span, "only in `filter`")
                .help("drop repeated rows with `drop \"repeated row\" when duplicate`"),
            );
            return Kind::Error;
        }
        let Some(columns) = columns else { return Kind::Duplicate(None) };
        let refs: Vec<Option<Ref>> = columns.iter().map(|path| self.reference(path, path[0].span, scope)).collect();
        refs.into_iter().collect::<Option<Vec<_>>>().map_or(Kind::Error, |refs| Kind::Duplicate(Some(refs)))
    }

    fn call(
        &mut self,
        name: &Name,
        arguments: &[Argument<ast::Parsed>],
        filter: Option<&ast::Expr>,
        span: Span,
        scope: Scope,
    ) -> Kind<Resolved> {
        let Some(function) = Function::find(&name.value) else {
            let functions = if self.is_over_a_row(scope) { Scope::Cluster } else { scope }.functions();
            let diagnostic = Diagnostic::error("SEG0202", format!("unknown function `{}`", name.value));
            let elsewhere =
                ELSEWHERE.iter().find(|(there, _)| *there == name.value.to_lowercase()).map(|(_, here)| *here);
            self.report(match elsewhere.or_else(|| suggest::nearest(&name.value, Function::names())) {
                Some(near) => {
                    diagnostic.at(name.span, format!("did you mean `{near}`?")).help(format!("write `{near}(...)`"))
                }
                None => diagnostic
                    .at(name.span, "not a function")
                    .help(format!("functions here: {}", suggest::list(functions))),
            });
            return Kind::Error;
        };
        let inner = match (function, scope) {
            (Function::Scalar(_), scope) => scope,
            (Function::Population(_), Scope::Feature | Scope::Cluster) => scope,
            (Function::Population(_), _) => {
                self.report(
                    Diagnostic::error(
                        "SEG0204",
                        format!("`{}` looks at all customers and can't stand in {}", name.value, scope.holds()),
                    )
                    .at(span, "only in `features` and `cluster on`")
                    .help(match function {
                        Function::Population(Population::Score) => {
                            "score a feature, in `features`: `m = score(monetary, 5)`"
                        }
                        Function::Population(Population::Winsorize) => {
                            "winsorize a feature, in `features`: `w = winsorize(monetary, 1%, 99%)`"
                        }
                        _ => "make it a feature: `features { value = clv(horizon: 365 days) }`, and use its name",
                    }),
                );
                return Kind::Error;
            }
            (Function::Aggregate(aggregate), Scope::Feature | Scope::AsOf)
                if self.one_row_each.is_some() && (scope == Scope::Feature || goes_by_time(aggregate)) =>
            {
                self.aggregate_of_one_row(name, aggregate, arguments, filter, span, scope);
                return Kind::Error;
            }
            (Function::Aggregate(_), Scope::AsOf | Scope::Basket) => Scope::Rows { of_feature: false },
            (Function::Aggregate(_), Scope::Feature) => Scope::Rows { of_feature: true },
            (Function::Aggregate(_), Scope::Rows { .. }) => {
                self.report(
                    Diagnostic::error("SEG0205", "an aggregate can't stand inside another aggregate")
                        .at(span, "inside an aggregate")
                        .help("aggregate by basket first: `baskets by invoice { worth = sum(amount) }`, then `mean(baskets.worth)`"),
                );
                return Kind::Error;
            }
            (Function::Aggregate(_), _) => {
                let feature = format!("make it a feature, `features {{ total = {} }}`", self.sources.one_line(span));
                self.report(
                    Diagnostic::error(
                        "SEG0205",
                        format!("`{}` is an aggregate and can't stand in {}", name.value, scope.holds()),
                    )
                    .at(span, "over many rows")
                    .help(match scope {
                        Scope::Param => scope.instead().to_owned(),
                        Scope::Row => format!("{feature}, and use its name in `label`: here is one row at a time"),
                        _ => format!("{feature}, and use its name"),
                    }),
                );
                return Kind::Error;
            }
        };
        if let (Some(filter), Function::Scalar(_) | Function::Population(_)) = (filter, function) {
            self.report(
                Diagnostic::error("SEG0208", format!("`{}` takes no `where`", name.value))
                    .at(filter.span, "only aggregates have one")
                    .help(format!(
                        "leave it out, or put it on the aggregate inside: `{}(sum(amount where ...))`",
                        name.value
                    )),
            );
        }
        let filter = filter.filter(|_| matches!(function, Function::Aggregate(_)));
        let arguments = arguments
            .iter()
            .map(|argument| Argument {
                name: argument.name.clone(),
                value: match &argument.value {
                    ArgumentValue::Expr(e) => match word(function, argument.name.as_ref(), e) {
                        Some(word) => ArgumentValue::Word(word),
                        None => ArgumentValue::Expr(self.expr(e, inner)),
                    },
                    ArgumentValue::Word(word) => ArgumentValue::Word(word.clone()),
                    ArgumentValue::Best { low, span } => ArgumentValue::Best { low: *low, span: *span },
                },
            })
            .collect();
        let filter = filter.map(|e| Box::new(self.expr(e, inner)));
        Kind::Call { function, arguments, filter }
    }

    pub(super) fn reference(&mut self, path: &[Name], span: Span, scope: Scope) -> Option<Ref> {
        match path {
            [name] => self.plain(name, scope),
            [all, name] if all.value == "all" => self.over_all(name, span, scope),
            [baskets, name] if baskets.value == "baskets" => self.basket_field(name, span, scope),
            _ => {
                let text = path.iter().map(|n| n.value.as_str()).collect::<Vec<_>>().join(".");
                let near = suggest::nearest(&path[0].value, ["all", "baskets"]);
                let diagnostic = Diagnostic::error("SEG0201", format!("unknown name `{text}`"));
                self.report(match near {
                    Some(near) => diagnostic
                        .at(path[0].span, format!("did you mean `{near}`?"))
                        .help(format!("write `{near}.{}`", path[1].value)),
                    None => diagnostic.at(span, "a name before a dot is `all` or `baskets`").help(
                        "write `all.recency` for a feature over all customers, `baskets.worth` for a field of a basket",
                    ),
                });
                None
            }
        }
    }

    fn over_all(&mut self, name: &Name, span: Span, scope: Scope) -> Option<Ref> {
        if scope != Scope::Label {
            self.report(
                Diagnostic::error("SEG0204", format!("`all.{}` can't stand in {}", name.value, scope.holds()))
                    .at(span, "only in label rules and their tests")
                    .help(match scope {
                        Scope::Feature | Scope::Cluster => format!("write `{}`", name.value),
                        _ => scope.instead().to_owned(),
                    }),
            );
            return None;
        }
        match self.plain(name, scope)? {
            Ref::Feature(id) => Some(Ref::All(id)),
            _ => {
                self.report(
                    Diagnostic::error("SEG0201", format!("`{}` is no feature", name.value))
                        .at(name.span, "`all.` goes before the name of a feature")
                        .help(format!("write `{}`", name.value)),
                );
                None
            }
        }
    }

    fn basket_field(&mut self, name: &Name, span: Span, scope: Scope) -> Option<Ref> {
        let found = self.names.get(&name.value).copied();
        match (found, scope) {
            (Some((Ref::Basket(id), _)), Scope::Rows { of_feature: true }) => Some(Ref::Basket(id)),
            (_, Scope::Rows { of_feature: true }) if name.value == "time" && self.has_baskets => Some(Ref::BasketTime),
            (Some((Ref::Basket(_), _)), _) => {
                self.report(
                    Diagnostic::error("SEG0204", format!("`baskets.{}` can't stand in {}", name.value, scope.holds()))
                        .at(span, "only inside an aggregate of a feature")
                        .help(format!("aggregate it: `mean(baskets.{})`", name.value)),
                );
                None
            }
            _ => {
                let fields = self.names_where(|r| matches!(r, Ref::Basket(_)));
                let near = suggest::nearest(&name.value, fields.iter().map(String::as_str)).map(str::to_owned);
                let known = suggest::list(fields.iter().map(String::as_str));
                self.report(
                    Diagnostic::error("SEG0201", format!("baskets have no field `{}`", name.value))
                        .at(name.span, near.as_ref().map_or("not a field".into(), |n| format!("did you mean `{n}`?")))
                        .help(near.map_or(format!("fields: {known}"), |n| format!("write `baskets.{n}`"))),
                );
                None
            }
        }
    }

    fn plain(&mut self, name: &Name, scope: Scope) -> Option<Ref> {
        if name.value == "as_of" && matches!(scope, Scope::Basket | Scope::Feature | Scope::Rows { .. }) {
            if self.one_row_each.is_some() && !self.has_as_of {
                self.report(
                    Diagnostic::error("SEG0210", "the spec has no `as_of`")
                        .at(name.span, "from when is it looked at?")
                        .help("add a line such as `as_of @2024-07-01`"),
                );
                return None;
            }
            return Some(Ref::AsOf);
        }
        if name.value == "baskets" && self.one_row_each.is_none() {
            if scope == (Scope::Rows { of_feature: true }) && self.has_baskets {
                return Some(Ref::Baskets);
            }
            self.report(
                Diagnostic::error("SEG0204", format!("`baskets` can't stand in {}", scope.holds()))
                    .at(name.span, "only as `count(baskets)` in a feature, with `baskets by ...` in the spec")
                    .help("add `baskets by invoice`, then `frequency = count(baskets)`"),
            );
            return None;
        }
        if self.ambiguous.contains(&name.value) {
            return None;
        }
        if let (Some((id, _)), Scope::Feature | Scope::Cluster | Scope::Label) = (self.taken.get(&name.value), scope) {
            return Some(Ref::Feature(*id));
        }
        let Some((found, defined)) = self.names.get(&name.value).copied() else {
            self.unknown(name, scope);
            return None;
        };
        let v = self.visible;
        let known = match (found, scope) {
            (Ref::Param(ParamId(i)), _) => i < v.params,
            (Ref::Column(ColumnId(i)), scope) if self.is_over_a_row(scope) => i < v.columns,
            (Ref::Basket(BasketId(i)), Scope::Basket) => i < v.baskets,
            (Ref::Feature(FeatureId(i)), Scope::Feature | Scope::Cluster | Scope::Label) => i < v.features,
            _ => {
                self.out_of_scope(name, found, defined, scope);
                return None;
            }
        };
        // A name enters the table when its definition is done, so what is found is above: this holds by construction.
        debug_assert!(known, "`{}` is used before it is defined", name.value);
        Some(found)
    }

    fn out_of_scope(&mut self, name: &Name, found: Ref, defined: Span, scope: Scope) {
        let n = &name.value;
        let aggregate = self.written.get(n).map_or("sum", |written| written.aggregate);
        let (what, help) = match found {
            Ref::Column(_) => (
                "a column of rows",
                match scope {
                    Scope::AsOf | Scope::Basket | Scope::Feature => {
                        format!("aggregate it, for example `{aggregate}({n})`")
                    }
                    Scope::Label | Scope::Cluster if self.one_row_each.is_some() => {
                        format!("make a feature of it: `features {{ {n} }}`")
                    }
                    Scope::Label | Scope::Cluster => {
                        format!("make a feature of it, for example `features {{ {aggregate}_{n} = {aggregate}({n}) }}`")
                    }
                    _ => scope.instead().into(),
                },
            ),
            Ref::Basket(_) => (
                "a field of a basket",
                match scope {
                    Scope::Feature | Scope::Rows { of_feature: true } => format!("aggregate it: `mean(baskets.{n})`"),
                    Scope::Label | Scope::Cluster => {
                        format!("make a feature of it, for example `features {{ mean_{n} = mean(baskets.{n}) }}`")
                    }
                    _ => scope.instead().into(),
                },
            ),
            Ref::Feature(_) => ("a feature of customers, which is computed after the rows", scope.instead().into()),
            _ => ("not known here", scope.instead().into()),
        };
        self.report(
            Diagnostic::error("SEG0204", format!("`{n}` can't stand in {}", scope.holds()))
                .at(name.span, what)
                .at(defined, "defined here")
                .help(help),
        );
    }

    fn unknown(&mut self, name: &Name, scope: Scope) {
        let over_a_row = self.is_over_a_row(scope);
        let fits = |r: Ref| match scope {
            Scope::Feature if over_a_row => matches!(r, Ref::Column(_) | Ref::Feature(_) | Ref::Param(_)),
            Scope::Param => matches!(r, Ref::Param(_)),
            Scope::Row | Scope::Filter | Scope::Rows { .. } => matches!(r, Ref::Column(_) | Ref::Param(_)),
            Scope::AsOf => matches!(r, Ref::Param(_)),
            Scope::Basket => matches!(r, Ref::Basket(_) | Ref::Param(_)),
            Scope::Feature | Scope::Cluster | Scope::Label => matches!(r, Ref::Feature(_) | Ref::Param(_)),
        };
        let what = match scope {
            Scope::Row | Scope::Filter | Scope::Rows { .. } => "column",
            Scope::Feature if over_a_row => "column",
            Scope::Feature | Scope::Cluster | Scope::Label => "feature",
            Scope::Basket => "field",
            Scope::Param | Scope::AsOf => "parameter",
        };
        // A column by itself in `features` is not its own definition.
        let written = self.written.get(&name.value).filter(|written| written.span != name.span);
        if let Some(Written { what: found, span, .. }) = written {
            let (found, span) = (*found, *span);
            if !fits(found) {
                return self.out_of_scope(name, found, span, scope);
            }
            return self.report(
                Diagnostic::error("SEG0201", format!("`{}` is used above its definition", name.value))
                    .at(name.span, "not defined yet")
                    .at(span, "defined here")
                    .help("move the definition up, before what uses it"),
            );
        }
        if self.joined_source(name).is_some() {
            return self.report(
                Diagnostic::error("SEG0204", format!("`{}` is a source and no value of a row", name.value))
                    .at(name.span, "a whole source")
                    .help(match over_a_row {
                        true => {
                            format!("write `{} is missing` to ask whether a row has no match in it", name.value)
                        }
                        false if self.one_row_each.is_some() => {
                            format!("ask it in a feature: `features {{ no_{0} = {0} is missing }}`", name.value)
                        }
                        false => format!("ask it of rows: `count(where {} is missing)` in a feature", name.value),
                    }),
            );
        }
        let names = self.names_where(fits);
        let known = suggest::list(names.iter().map(String::as_str));
        let diagnostic = Diagnostic::error("SEG0201", format!("unknown {what} `{}`", name.value));
        let diagnostic = match suggest::nearest(&name.value, names.iter().map(String::as_str)) {
            Some(near) => diagnostic.at(name.span, format!("did you mean `{near}`?")).help(format!("write `{near}`")),
            None if names.is_empty() => {
                diagnostic.at(name.span, "not defined").help(format!("define it first: no {what} is known here"))
            }
            None if name.value.starts_with(char::is_uppercase) => diagnostic
                .at(name.span, "not defined")
                .help(format!("known here: {known}; text stands in quotes: `\"{}\"`", name.value)),
            None => diagnostic.at(name.span, "not defined").help(format!("known here: {known}")),
        };
        self.report(diagnostic);
    }

    fn names_where(&self, fits: impl Fn(Ref) -> bool) -> Vec<String> {
        let taken = |name: &String| self.taken.get(name).is_some_and(|(id, _)| fits(Ref::Feature(*id)));
        self.names.iter().filter(|(name, (r, _))| fits(*r) || taken(name)).map(|(name, _)| name.clone()).collect()
    }
}

/// The word after `model:` and `unit:`, which is none of the names that can be defined.
fn word(function: Function, name: Option<&Name>, value: &ast::Expr) -> Option<Name> {
    let takes = matches!(function, Function::Population(f) if f.is_forecast());
    match (&value.kind, name?.value.as_str()) {
        (Kind::Ref(path), "model" | "unit") if takes && path.len() == 1 => Some(path[0].clone()),
        _ => None,
    }
}

/// A whole value written down: what a parameter, a constraint or a test may give.
pub(super) fn literal_text(expr: &ast::Expr) -> Option<&str> {
    match &expr.kind {
        Kind::Literal(Literal::Text(text)) => Some(text),
        _ => None,
    }
}
