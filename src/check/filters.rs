//! What can be said of filter rules without looking at rows: rules that take nothing because earlier ones did or because
//! they contradict themselves, and rules after which no row is left.

use crate::diagnostics::{Diagnostic, Finding, suggest};
use crate::eval::truth;
use crate::plan::expr::Expr;
use crate::plan::lower_expression;
use crate::regions::{Budget, Builder, Formula, Scope, Space, Undecided, Understood, Witness};
use crate::spec::{Filter, Spec, Typed};
use crate::syntax::source::{SourceMap, Span};

/// Work that may go into all filters, and into one question.
const FILTERS: usize = 6_000_000;
const QUESTION: usize = 1_000_000;

/// The rules of all filters in order, as far as they can be understood.
struct Filters<'a> {
    rules: &'a [Filter<Typed>],
    currency: Option<&'a str>,
    space: Space<'a>,
    /// Which rows each rule takes, and which it lets stay.
    takes: Vec<Formula>,
    stays: Vec<Formula>,
    conditions: Vec<Expr>,
}

/// Rows for which something holds.
#[derive(Default)]
struct Example {
    /// Conditions that hold together.
    region: Vec<String>,
    /// The names that these speak of.
    names: Vec<String>,
    /// One of them.
    row: Option<Witness>,
}

pub(super) fn check(
    spec: &Spec<Typed>,
    sources: &SourceMap,
    understood: &Understood,
    told: &[Span],
) -> Vec<Diagnostic> {
    if !spec.filters.iter().all(|filter| understood.is(&filter.when)) {
        return vec![];
    }
    let mut builder = Builder::new(spec, sources, Scope::Rows);
    let drafts = spec.filters.iter().map(|filter| {
        builder.next_filter();
        builder.rule(&filter.when)
    });
    let drafts: Vec<_> = drafts.collect();
    let Ok((space, holds)) = builder.finish(&drafts) else { return vec![] };
    let (mut takes, mut stays) = (vec![], vec![]);
    for (filter, holds) in spec.filters.iter().zip(holds) {
        let fails = space.not(&holds);
        let (take, stay) = if filter.keep { (fails, holds) } else { (holds, fails) };
        takes.push(take);
        stays.push(stay);
    }
    let conditions = spec.filters.iter().map(|filter| lower_expression(spec, sources, &filter.when)).collect();
    let currency = spec.currency.as_ref().map(|code| code.value.as_str());
    let filters = Filters { rules: &spec.filters, currency, space, takes, stays, conditions };
    filters.check(told, &mut Budget::new(FILTERS))
}

impl Filters<'_> {
    /// What can't be decided goes without saying.
    fn check(&self, told: &[Span], budget: &mut Budget) -> Vec<Diagnostic> {
        let mut out = vec![];
        for rule in 0..self.rules.len() {
            let before: Vec<usize> = (0..rule).collect();
            if self.exclude(&before, &self.takes[rule], budget) == Ok(true) {
                out.extend(self.takes_nothing(rule, told, budget).unwrap_or(None));
            } else if self.exclude(&before, &self.stays[rule], budget) == Ok(true) {
                out.extend(self.takes_everything(rule, budget));
                // Of what comes after, nothing can be said that this does not say.
                break;
            }
        }
        out
    }

    /// Whether no row that some rules let stay fits the formula.
    fn exclude(&self, stay: &[usize], formula: &Formula, budget: &mut Budget) -> Result<bool, Undecided> {
        let goals: Vec<&Formula> = stay.iter().map(|rule| &self.stays[*rule]).chain([formula]).collect();
        Ok(budget.ask(QUESTION, |part| self.space.solve(&self.space.whole(), &goals, part))?.is_none())
    }

    /// As few of the rules as still leave no row that fits; a single one where there is one.
    fn responsible(&self, rules: &[usize], formula: &Formula, budget: &mut Budget) -> Result<Vec<usize>, Undecided> {
        for rule in rules {
            if self.exclude(&[*rule], formula, budget)? {
                return Ok(vec![*rule]);
            }
        }
        let mut least = rules.to_vec();
        for rule in rules.iter().rev() {
            let fewer: Vec<usize> = least.iter().copied().filter(|other| other != rule).collect();
            if self.exclude(&fewer, formula, budget)? {
                least = fewer;
            }
        }
        Ok(least)
    }

    fn takes_nothing(&self, rule: usize, told: &[Span], budget: &mut Budget) -> Result<Option<Diagnostic>, Undecided> {
        let filter = &self.rules[rule];
        let place = filter.when.span;
        let name = &filter.name.value;
        let diagnostic = Diagnostic::warning("SEG0614", format!("the rule \"{name}\" never takes a row"));
        if self.exclude(&[], &self.takes[rule], budget)? {
            let inside =
                told.iter().any(|span| span.file == place.file && place.start <= span.start && span.end <= place.end);
            return Ok((!inside).then(|| {
                diagnostic
                    .at(place, if filter.keep { "true for every row" } else { "contradicts itself" })
                    .help("remove it, or look for a comparison that is the wrong way round")
            }));
        }
        let before: Vec<usize> = (0..rule).collect();
        let by = self.responsible(&before, &self.takes[rule], budget)?;
        let words = if by.len() == 1 { "takes all that it would" } else { "takes some of what it would" };
        let diagnostic = by.iter().fold(diagnostic.at(place, "comes too late"), |diagnostic, other| {
            diagnostic.at(self.rules[*other].when.span, words)
        });
        // Somebody whom it would take, had nothing been taken before.
        let goals = [&self.takes[rule]];
        let Example { region, names, row } = self.example(&goals, &|row| self.is_taken(rule, row), budget)?;
        let taker = |row: &Witness| (0..rule).find(|other| self.is_taken(*other, row));
        let mut diagnostic = diagnostic.help("remove it, or move it up");
        if let Some((row, taker)) = row.as_ref().and_then(|row| taker(row).map(|taker| (row, taker))) {
            let words = suggest::list(row.words(&names, self.currency).iter().map(String::as_str));
            let by = &self.rules[taker].name.value;
            diagnostic = diagnostic.note(format!("a row with {words} has left by \"{by}\""));
        }
        let witness = row.map_or(vec![], |row| row.values(self.currency));
        Ok(Some(diagnostic.about(Finding { region, witness })))
    }

    fn takes_everything(&self, rule: usize, budget: &mut Budget) -> Option<Diagnostic> {
        let filter = &self.rules[rule];
        let name = &filter.name.value;
        let before: Vec<usize> = (0..rule).collect();
        let by = self.responsible(&before, &self.stays[rule], budget).unwrap_or(before);
        let what = if filter.keep { "true for no row" } else { "true for every row" };
        let diagnostic = if by.is_empty() {
            Diagnostic::error("SEG0615", format!("the rule \"{name}\" takes every row")).at(filter.when.span, what)
        } else {
            let diagnostic = Diagnostic::error("SEG0615", format!("the rule \"{name}\" takes every row that is left"))
                .at(filter.when.span, format!("{what} that the rules above let stay"));
            by.iter().fold(diagnostic, |diagnostic, other| {
                diagnostic.at(self.rules[*other].when.span, "together with this one")
            })
        };
        let verb = if filter.keep { ("keep", "drop") } else { ("drop", "keep") };
        let goals = [&self.takes[rule]];
        let example = self.example(&goals, &|row| self.is_taken(rule, row), budget);
        let Example { region, row, .. } = example.unwrap_or_default();
        let witness = row.map_or(vec![], |row| row.values(self.currency));
        Some(
            diagnostic
                .help(format!("no row would be left: look whether `{}` was meant rather than `{}`", verb.1, verb.0))
                .about(Finding { region, witness }),
        )
    }

    fn is_taken(&self, rule: usize, row: &Witness) -> bool {
        (truth(&self.conditions[rule], row) == Some(true)) != self.rules[rule].keep
    }

    fn example(
        &self,
        goals: &[&Formula],
        accepts: &dyn Fn(&Witness) -> bool,
        budget: &mut Budget,
    ) -> Result<Example, Undecided> {
        let Some(model) = budget.ask(QUESTION, |part| self.space.solve(&self.space.whole(), goals, part))? else {
            return Ok(Example::default());
        };
        let region = self.space.widened(&model, goals, budget)?;
        Ok(Example {
            region: self.space.describe(&region, self.currency),
            names: self.space.names_in(&region),
            row: self.space.witness(&model, accepts, budget),
        })
    }
}
