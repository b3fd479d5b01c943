//! Specs whose rows are customers, measured already: what such a spec can't have, and features that are columns.

use super::expressions::Scope;
use super::{Resolver, Written, find};
use crate::diagnostics::Diagnostic;
use crate::expr::{Argument, ArgumentValue, Kind};
use crate::spec::{Aggregate, FeatureId, Ref};
use crate::syntax::ast::{self, Item};
use crate::syntax::source::{Name, Span};

/// Where a spec says that a row is a customer.
pub(super) fn one_row_each(items: &[Item]) -> Option<Span> {
    find(items, |item| if let Item::Customers { one_row_each, .. } = item { *one_row_each } else { None })
}

/// Aggregates that ask when a row happened.
pub(super) fn goes_by_time(aggregate: Aggregate) -> bool {
    matches!(aggregate, Aggregate::First | Aggregate::Last | Aggregate::Trend)
}

impl Resolver<'_> {
    /// Statements that are about purchases, in a spec whose rows are customers.
    pub(super) fn without_purchases(&mut self, items: &[Item], stated: Span) {
        for item in items {
            let (keyword, span, why) = match item {
                Item::Time(name) => ("time", name.span, "says when a purchase happened"),
                Item::Baskets { by, .. } => ("baskets", by.span, "groups the purchases of a customer"),
                _ => continue,
            };
            self.report(
                Diagnostic::error("SEG0223", format!("`{keyword}` {why}, and a row is a customer here"))
                    .at(span, "there are no purchases")
                    .at(stated, "says that a row is a customer")
                    .help(format!("remove `{keyword}`; where rows are purchases, leave out `, one row each`")),
            );
        }
    }

    /// A name by itself, where rows are purchases and no column is a feature as it stands.
    pub(super) fn is_no_definition(&mut self, definition: &ast::Definition) -> bool {
        let name = &definition.name;
        if self.one_row_each.is_some() || definition.value.span != name.span {
            return false;
        }
        let n = name.value.clone();
        self.ambiguous.insert(n.clone());
        let customer = self.customer.as_deref().unwrap_or("id");
        let help = match self.written.get(&n) {
            Some(Written { what: Ref::Column(_), aggregate, .. }) => format!(
                "aggregate it, `{n}_{aggregate} = {aggregate}({n})`; where a row is a customer, say so: \
                 `customers by {customer}, one row each`"
            ),
            _ => format!("say what it is: `{n} = sum(amount)`"),
        };
        self.report(
            Diagnostic::error("SEG0225", format!("`{n}` by itself is no feature: a customer has many rows"))
                .at(name.span, "which of them?")
                .help(help),
        );
        true
    }

    /// A feature has a name of its own, or that of the column which it is.
    pub(super) fn define_feature(&mut self, definition: &ast::Definition, id: FeatureId) {
        let name = &definition.name;
        let itself = match &definition.value.kind {
            Kind::Ref(path) => matches!(&path[..], [only] if only.value == name.value),
            _ => false,
        };
        match self.names.get(&name.value) {
            Some((Ref::Column(_), _)) if itself && self.one_row_each.is_some() => {
                match self.taken.get(&name.value).map(|(_, first)| *first) {
                    Some(first) => self.report(
                        Diagnostic::error("SEG0203", format!("`{}` is a feature twice", name.value))
                            .at(name.span, "the second time")
                            .at(first, "the first time")
                            .help("keep one of them"),
                    ),
                    None => _ = self.taken.insert(name.value.clone(), (id, name.span)),
                }
            }
            _ => self.define(name, Ref::Feature(id)),
        }
    }

    /// What to write in place of an aggregate where a customer has one row.
    pub(super) fn aggregate_of_one_row(
        &mut self,
        name: &Name,
        aggregate: Aggregate,
        arguments: &[Argument<ast::Parsed>],
        filter: Option<&ast::Expr>,
        span: Span,
        scope: Scope,
    ) {
        use Aggregate::*;
        let stated = self.one_row_each.expect("asked for only there");
        let first =
            arguments.iter().find_map(|a| if let ArgumentValue::Expr(e) = &a.value { Some(e.span) } else { None });
        let of = first.map(|span| self.sources.one_line(span));
        let condition = filter.map(|e| self.sources.one_line(e.span));
        let only_if = |then: &str, otherwise: &str| match &condition {
            Some(condition) => format!("write `if {condition} then {then} else {otherwise}`"),
            None => format!("write `{then}`"),
        };
        let help = match (aggregate, of) {
            _ if scope == Scope::AsOf => "write for example `max(last_purchase)`, over all rows".to_owned(),
            (Sum, Some(of)) => only_if(&of, "0"),
            (Count, None) => only_if("1", "0"),
            (Count | CountDistinct, Some(of)) if condition.is_none() && of != "baskets" => {
                format!("write `if {of} is missing then 0 else 1`, or take the column that has the number")
            }
            (Min | Max | Mean | Median | Quantile | First | Last | Mode, Some(of)) => only_if(&of, "missing"),
            (Share, Some(of)) => format!("write `{of}`, which is true or false"),
            _ => "take the column that has the number".to_owned(),
        };
        let why = match scope {
            Scope::AsOf => format!("`{}` goes by the time of purchases, and a row is a customer here", name.value),
            _ => format!("`{}` gathers the rows of a customer, who has one row here", name.value),
        };
        self.report(
            Diagnostic::error("SEG0224", why)
                .at(span, "nothing to gather")
                .at(stated, "says that a row is a customer")
                .help(help),
        );
    }
}
