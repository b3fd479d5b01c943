//! Changes to label rules that nobody would notice: each comparison and each constant is changed by one step, and the
//! examples of the spec are run on what that makes. A mutant is noticed when an example that passes gives another label
//! on it. One that is not noticed either means the same for everybody there can be, which `regions` proves, or there is
//! somebody whom it labels otherwise, and that is what a test is lacking.
//!
//! Only examples count, `given` and the label expected: they say what rules mean, whatever the data of the day.

use super::Example;
use super::variants::variants;
use crate::plan::expr::{Constant, Expr, Op};
use crate::plan::{Plan, Rule, lower_expression};
use crate::regions::{Budget, Builder, Formula, Rational, Scope, Space, Undecided, Witness};
use crate::spec::{Over, Spec, Typed};
use crate::syntax::source::{SourceMap, Span};
use crate::types::Base;

/// Work that may go into the mutants of one rule, and into one question about one of them.
const RULE: usize = 24_000_000;
const QUESTION: usize = 3_000_000;

/// A label rule with one place changed.
#[derive(Debug, Clone)]
pub struct Mutant {
    /// The place of the rule among all, from 0.
    pub rule: usize,
    /// The comparison that differs, as it stands and as it would.
    pub before: String,
    pub after: String,
    /// Of the comparison.
    pub span: Span,
    pub fate: Fate,
    /// All rules, with the changed one among them.
    pub rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
pub enum Fate {
    /// An example gives another label.
    Noticed,
    /// Nobody gets another label; proved.
    Equivalent,
    /// Somebody does, seen to by `eval`, and no example is about them.
    Survives(Box<Missed>),
    /// Neither a proof nor somebody was found.
    Undecided,
}

/// Whom a mutant labels otherwise.
#[derive(Debug, Clone)]
pub struct Missed {
    pub example: Example,
    /// Names and values as a `given` block takes them, without those that are missing.
    pub given: Vec<(String, String)>,
}

/// All mutants of the label rules, in the order of the spec. Examples that fail as it is say nothing and are left out.
pub fn mutants(spec: &Spec<Typed>, sources: &SourceMap, plan: &Plan, examples: &[Example]) -> Vec<Mutant> {
    let examples: Vec<&Example> =
        examples.iter().filter(|e| !e.labels.is_empty() && e.passes(&plan.labels.rules)).collect();
    let mut out = vec![];
    for (nth, rule) in spec.labels.iter().flat_map(|labels| &labels.rules).enumerate() {
        let Some(when) = &rule.when else { continue };
        let found = variants(spec, sources, when);
        let mut open = vec![];
        for variant in found {
            let mut rules = plan.labels.rules.clone();
            rules[nth].when = Some(lower_expression(spec, sources, &variant.condition));
            let noticed = examples.iter().any(|example| !example.passes(&rules));
            if !noticed {
                open.push((out.len(), variant.condition));
            }
            let fate = if noticed { Fate::Noticed } else { Fate::Undecided };
            out.push(Mutant {
                rule: nth,
                before: variant.before,
                after: variant.after,
                span: variant.span,
                fate,
                rules,
            });
        }
        if !open.is_empty() {
            let fates = fates(spec, sources, plan, nth, &open, &out);
            fates.into_iter().zip(&open).for_each(|(fate, (at, _))| out[*at].fate = fate);
        }
    }
    out
}

/// What becomes of mutants of one rule that no example notices.
fn fates(
    spec: &Spec<Typed>,
    sources: &SourceMap,
    plan: &Plan,
    rule: usize,
    open: &[(usize, crate::expr::Expr<Typed>)],
    mutants: &[Mutant],
) -> Vec<Fate> {
    let labels = spec.labels.as_ref().expect("a plan has labels");
    let scope = match labels.over {
        Over::Clusters => Scope::Clusters,
        Over::Customers => Scope::Customers,
    };
    let mut builder = Builder::new(spec, sources, scope);
    let conditions = labels.rules.iter().filter_map(|rule| rule.when.as_ref());
    let drafts: Vec<_> = conditions.chain(open.iter().map(|(_, when)| when)).map(|when| builder.rule(when)).collect();
    let Ok((space, formulas)) = builder.finish(&drafts) else { return open.iter().map(|_| Fate::Undecided).collect() };
    let (yes, changed) = formulas.split_at(formulas.len() - open.len());
    let block = Block::of(&space, plan, yes, rule);
    let mut budget = Budget::new(RULE);
    let currency = plan.currency.as_deref();
    open.iter()
        .zip(changed)
        .map(|((at, _), changed)| {
            let asked = budget.ask(QUESTION, |part| block.missed(changed, &mutants[*at].rules, part));
            match asked {
                Ok(Found::Nobody) => Fate::Equivalent,
                Ok(Found::Somebody(witness)) => {
                    let (example, given) = as_example(&witness, plan, currency);
                    Fate::Survives(Box::new(Missed { example, given }))
                }
                Ok(Found::NotSeen) | Err(Undecided) => Fate::Undecided,
            }
        })
        .collect()
}

/// The rules of a block around the one that is changed.
struct Block<'s, 'a> {
    space: &'s Space<'a>,
    plan: &'s Plan,
    rule: usize,
    /// Where the rule's own condition holds.
    own: &'s Formula,
    /// Where no rule above takes anybody, rule by rule.
    before: Vec<Formula>,
    /// Where what comes after gives another label than the rule.
    otherwise: Formula,
}

enum Found {
    Nobody,
    Somebody(Witness),
    /// The cells admit somebody, but nobody was found whom `eval` sees labelled otherwise.
    NotSeen,
}

impl<'s, 'a> Block<'s, 'a> {
    fn of(space: &'s Space<'a>, plan: &'s Plan, yes: &'s [Formula], rule: usize) -> Block<'s, 'a> {
        let rules = &plan.labels.rules;
        // From the last rule up: it takes somebody and has another label, or it does not and one of those below does.
        // Where none takes anybody there is no label, which is another one too.
        let mut otherwise = Formula::Always;
        for below in (rule + 1..rules.len()).rev() {
            let differs = rules[below].label != rules[rule].label;
            otherwise = match yes.get(below) {
                None => Formula::constant(differs),
                Some(yes) => {
                    let taken = Formula::all([Formula::constant(differs), yes.clone()]);
                    Formula::any([taken, Formula::all([space.not(yes), otherwise])])
                }
            };
        }
        let before = yes[..rule].iter().map(|yes| space.not(yes)).collect();
        Block { space, plan, rule, own: &yes[rule], before, otherwise }
    }

    /// Somebody to whom the changed rules give another label.
    fn missed(&self, changed: &Formula, rules: &[Rule], budget: &mut Budget) -> Result<Found, Undecided> {
        let accepts = |witness: &Witness| {
            let (example, _) = as_example(witness, self.plan, None);
            example.label(rules).map(|rule| &rule.label)
                != example.label(&self.plan.labels.rules).map(|rule| &rule.label)
        };
        let mut seen = Found::Nobody;
        let (not_own, not_changed) = (self.space.not(self.own), self.space.not(changed));
        for pair in [[self.own, &not_changed], [&not_own, changed]] {
            let goals: Vec<&Formula> = self.before.iter().chain(pair).chain([&self.otherwise]).collect();
            // Somebody of whom all is known makes a better example.
            for cube in [self.space.without_missing(), self.space.whole()] {
                let Some(model) = self.space.solve(&cube, &goals, budget)? else { continue };
                let solved = self.space.witness(&model, &accepts, budget);
                let found = match solved {
                    Some(witness) => Some(witness),
                    None => {
                        let somebody = self.space.witness(&model, &|_| true, budget);
                        somebody.and_then(|somebody| self.given(&somebody, rules, &accepts))
                    }
                };
                if let Some(witness) = found {
                    return Ok(Found::Somebody(witness));
                }
                seen = Found::NotSeen;
            }
        }
        Ok(seen)
    }

    /// The same where what a rule compares can't be solved for, a quotient for example: a test may give it as it is. On
    /// and between the constants of the rule and of its mutant something has to differ.
    fn given(&self, somebody: &Witness, rules: &[Rule], accepts: &dyn Fn(&Witness) -> bool) -> Option<Witness> {
        let both = [&self.plan.labels.rules[self.rule], &rules[self.rule]];
        let whens = || both.into_iter().filter_map(|rule| rule.when.as_ref());
        let mut marks: Vec<Rational> = vec![];
        whens().for_each(|when| constants(when, &mut marks));
        marks.sort();
        marks.dedup();
        let half = |pair: &[Rational]| pair[0].plus(pair[1]).and_then(|sum| sum.divided_by(Rational::whole(2))).ok();
        let between: Vec<Rational> = marks.windows(2).filter_map(half).collect();
        let names: Vec<&String> = whens().flat_map(Expr::columns).collect();
        let amounts = |base: Base| base.is_numeric() && !base.is_whole();
        let features = self.plan.features().filter(|f| names.contains(&&f.name) && amounts(f.value.base));
        features
            .flat_map(|feature| marks.iter().chain(&between).map(move |x| somebody.with(&feature.name, x.to_f64())))
            .find(|witness| accepts(witness))
    }
}

fn constants(expr: &Expr, out: &mut Vec<Rational>) {
    match &expr.op {
        Op::Constant(Constant::Decimal(n)) => out.extend(Rational::of_decimal(*n)),
        Op::Constant(Constant::Micros(micros)) => out.push(Rational::whole(*micros)),
        _ => expr.parts().into_iter().for_each(|part| constants(part, out)),
    }
}

/// A witness as a test would give it: what the rules ask for, without what is missing.
fn as_example(witness: &Witness, plan: &Plan, currency: Option<&str>) -> (Example, Vec<(String, String)>) {
    let whens = || plan.labels.rules.iter().filter_map(|rule| rule.when.as_ref());
    let asked = |name: &String, all: bool| {
        whens().any(|when| if all { when.asks_all(name) } else { when.columns().contains(&name) })
    };
    let mut given = vec![];
    let mut values = vec![];
    for (name, words) in witness.values(currency) {
        let (bare, all) = name.strip_prefix("all.").map_or((name.clone(), false), |bare| (bare.to_owned(), true));
        if words != "missing" && asked(&bare, all) {
            values.push((bare.clone(), all, witness.value(&bare, all)));
            given.push((name, words));
        }
    }
    (Example::with(values.into_iter()), given)
}
