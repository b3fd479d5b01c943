//! Which expressions of a spec can be reasoned about: those without mistakes, in themselves and in what they name.

use std::cell::RefCell;
use std::collections::HashSet;

use crate::diagnostics::Diagnostic;
use crate::expr::{Expr, Kind};
use crate::spec::{Origin, Ref, Spec, Typed};
use crate::syntax::source::Span;
use crate::types::Base;

/// The places of mistakes in a spec.
pub struct Understood<'a> {
    spec: &'a Spec<Typed>,
    mistakes: Vec<Span>,
    /// Names that have been looked at; a second look finds nothing new.
    seen: RefCell<HashSet<Ref>>,
}

impl<'a> Understood<'a> {
    /// What rules are like, SEG06.., is no mistake in their conditions.
    pub fn new(spec: &'a Spec<Typed>, diagnostics: &[Diagnostic]) -> Understood<'a> {
        let mistakes = diagnostics.iter().filter(|d| d.is_error() && !d.code.starts_with("SEG06"));
        let mistakes = mistakes.flat_map(|d| d.labels.iter().map(|label| label.span)).collect();
        Understood { spec, mistakes, seen: RefCell::default() }
    }

    /// Whether an expression, and all that it names, has no mistake.
    pub fn is(&self, expr: &Expr<Typed>) -> bool {
        self.seen.borrow_mut().clear();
        self.look(expr)
    }

    fn look(&self, expr: &Expr<Typed>) -> bool {
        let inside =
            |span: &Span| span.file == expr.span.file && expr.span.start <= span.start && span.end <= expr.span.end;
        let mut sound = is_typed(expr) && !self.mistakes.iter().any(inside);
        expr.walk(&mut |e| {
            if let Kind::Ref(reference) = e.kind
                && sound
                && self.seen.borrow_mut().insert(reference)
            {
                sound = self.definition(reference).is_none_or(|definition| self.look(definition));
            }
        });
        sound
    }

    fn definition(&self, reference: Ref) -> Option<&'a Expr<Typed>> {
        let spec = self.spec;
        match reference {
            Ref::Param(id) => Some(&spec.param(id).value),
            Ref::Feature(id) | Ref::All(id) => Some(&spec.feature(id).value),
            Ref::Column(id) => match &spec.column(id).origin {
                Origin::Derived(value) => Some(value),
                Origin::Source { .. } => None,
            },
            Ref::Basket(id) => spec.baskets.as_ref().and_then(|baskets| baskets.fields.get(id.0)).map(|f| &f.value),
            Ref::Source(_) | Ref::Baskets | Ref::BasketTime | Ref::AsOf => None,
        }
    }
}

/// Whether each part of an expression got a type, so that it can be lowered.
pub(super) fn is_typed(expr: &Expr<Typed>) -> bool {
    let mut typed = true;
    expr.walk(&mut |e| {
        typed &= match &e.kind {
            Kind::Error => false,
            kind => e.ty.base != Base::Unknown || matches!(kind, Kind::Ref(Ref::Baskets)),
        }
    });
    typed
}
