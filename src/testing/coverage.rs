//! What of the label rules the examples of a spec touch: which rules give a label, and on which sides of each comparison
//! somebody stands.

use serde::Serialize;

use super::Example;
use crate::eval::truth;
use crate::expr::{Comparator, Expr, Kind};
use crate::plan::expr as plan;
use crate::plan::{Plan, lower_expression};
use crate::spec::{Spec, Typed};
use crate::syntax::source::{SourceMap, Span};

/// A rule, and what examples do with it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleCoverage {
    /// From 1.
    pub rule: usize,
    pub label: String,
    /// Examples to which it gives its label.
    pub examples: usize,
    /// Sides of its comparisons, each as the condition under which somebody stands there.
    pub sides: Vec<Side>,
    #[serde(skip)]
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Side {
    pub condition: String,
    pub touched: bool,
}

/// One entry per rule, in their order. A side counts as touched by an example that gets as far as the rule: one that no
/// rule above takes.
pub fn coverage(spec: &Spec<Typed>, sources: &SourceMap, plan: &Plan, examples: &[Example]) -> Vec<RuleCoverage> {
    let rules = &plan.labels.rules;
    let takers: Vec<Option<usize>> =
        examples.iter().map(|example| crate::exec::labels::first_match(rules, example)).collect();
    let of_spec = spec.labels.iter().flat_map(|labels| &labels.rules);
    of_spec
        .enumerate()
        .map(|(nth, rule)| {
            let arrive = || examples.iter().zip(&takers).filter(|(_, taker)| taker.is_none_or(|taker| taker >= nth));
            let touched = |condition: &plan::Expr| arrive().any(|(example, _)| truth(condition, example) == Some(true));
            let mut conditions = vec![];
            rule.when.iter().for_each(|when| sides(when, sources, &mut conditions));
            let side = |(condition, of): (String, Expr<Typed>)| Side {
                touched: touched(&lower_expression(spec, sources, &of)),
                condition,
            };
            RuleCoverage {
                rule: nth + 1,
                label: rule.label.value.clone(),
                examples: takers.iter().filter(|taker| **taker == Some(nth)).count(),
                sides: conditions.into_iter().map(side).collect(),
                span: rule.span,
            }
        })
        .collect()
}

/// The sides of every comparison in a condition, with their words.
fn sides(expr: &Expr<Typed>, sources: &SourceMap, out: &mut Vec<(String, Expr<Typed>)>) {
    let words = |e: &Expr<Typed>| sources.one_line(e.span);
    let with = |kind: Kind<Typed>| Expr { kind, span: expr.span, ty: expr.ty };
    let compared = |a: &Expr<Typed>, comparator: Comparator, b: &Expr<Typed>| {
        let kind = Kind::Compare(Box::new(a.clone()), comparator, Box::new(b.clone()));
        (format!("{} {} {}", words(a), comparator.symbol(), words(b)), with(kind))
    };
    match &expr.kind {
        Kind::And(list) | Kind::Or(list) => list.iter().for_each(|part| sides(part, sources, out)),
        Kind::Not(inner) => sides(inner, sources, out),
        Kind::Compare(a, comparator, b) => {
            out.push((words(expr), expr.clone()));
            out.push(compared(a, comparator.contrary(), b));
        }
        Kind::Between { value, low, high, .. } => {
            out.push((words(expr), expr.clone()));
            out.push(compared(value, Comparator::Less, low));
            out.push(compared(value, Comparator::Greater, high));
        }
        _ => {
            out.push((words(expr), expr.clone()));
            out.push((format!("not ({})", words(expr)), with(Kind::Not(Box::new(expr.clone())))));
        }
    }
}
