//! Where two label blocks differ, without data: for each pair of labels, who had the one and gets the other.
//!
//! Somebody gets a label where a rule with that label is true and none above it is. Both blocks are formulas over one
//! space, so whether anybody can go from one label to another is decided, and shown by somebody who does.

use std::collections::BTreeSet;

use super::together::{LabelRule, Together};
use crate::eval::truth;
use crate::plan::expr::Expr;
use crate::plan::lower_expression;
use crate::regions::{Budget, Builder, Cube, Formula, Scope, Space, Undecided, Understood, Witness};
use crate::spec::Over;

/// Work that may go into a comparison, and into one question of it.
const COMPARISON: usize = 60_000_000;
const QUESTION: usize = 3_000_000;
/// Regions that are told apart between two labels.
const MOST_REGIONS: usize = 24;

/// How two blocks stand to each other.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Comparison {
    /// Pairs of labels, before and after, that somebody can have; the same on both sides among them.
    pub possible: BTreeSet<(String, String)>,
    /// Of pairs that differ, who has them.
    pub moves: Vec<Move>,
    /// Whether some pairs were too much to find out.
    pub undecided: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Move {
    pub from: String,
    pub to: String,
    pub regions: Vec<Region>,
    /// Whether there are regions beside these.
    pub more: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Region {
    /// Conditions that hold together; none for everybody.
    pub conditions: Vec<String>,
    /// One of those in it, who was seen to go from the one label to the other.
    pub witness: Option<Witness>,
    /// The names that the conditions speak of.
    pub names: Vec<String>,
}

/// One of the two blocks.
struct Block {
    /// Labels in order of their first rule, with who gets them, and where these are at most.
    labels: Vec<(String, Formula, Option<Cube>)>,
    /// Conditions as they are run, with labels.
    rules: Vec<Runnable>,
}

struct Runnable {
    when: Option<Expr>,
    label: String,
}

/// Nothing where there are expressions that can't be reasoned about.
pub(super) fn compare(both: &Together) -> Option<Comparison> {
    let spec = &both.spec;
    let understood = Understood::new(spec, &[]);
    let conditions = || both.before.iter().chain(&both.after).filter_map(|rule| rule.when.as_ref());
    if !conditions().all(|condition| understood.is(condition)) {
        return None;
    }
    let scope = match spec.labels.as_ref()?.over {
        Over::Clusters => Scope::Clusters,
        Over::Customers => Scope::Customers,
    };
    let mut builder = Builder::new(spec, &both.sources, scope);
    let drafts: Vec<_> = conditions().map(|condition| builder.rule(condition)).collect();
    let too_much = Comparison { undecided: true, ..Comparison::default() };
    let Ok((space, formulas)) = builder.finish(&drafts) else { return Some(too_much) };
    let mut budget = Budget::new(COMPARISON);
    let mut formulas = formulas.into_iter();
    let mut block = |rules: &[LabelRule]| {
        let whens = rules.iter().map(|rule| rule.when.as_ref().map(|_| formulas.next().expect("one each")));
        let whens: Vec<Option<Formula>> = whens.collect();
        let run = rules.iter().map(|rule| Runnable {
            when: rule.when.as_ref().map(|when| lower_expression(spec, &both.sources, when)),
            label: rule.label.clone(),
        });
        Block::of(&space, &whens, run.collect(), &mut budget)
    };
    let (before, after) = match (block(&both.before), block(&both.after)) {
        (Ok(before), Ok(after)) => (before, after),
        _ => return Some(too_much),
    };
    let currency = spec.currency.as_ref().map(|code| code.value.as_str());
    Some(Comparer { space: &space, currency, before, after }.compare(&mut budget))
}

impl Block {
    fn of(
        space: &Space,
        whens: &[Option<Formula>],
        rules: Vec<Runnable>,
        budget: &mut Budget,
    ) -> Result<Block, Undecided> {
        let mut labels: Vec<(String, Vec<Formula>)> = vec![];
        let mut above: Vec<Formula> = vec![];
        for (when, Runnable { label, .. }) in whens.iter().zip(&rules) {
            let yes = when.clone().unwrap_or(Formula::Always);
            let first = Formula::all(std::iter::once(yes.clone()).chain(above.iter().cloned()));
            match labels.iter_mut().find(|(known, _)| known == label) {
                Some((_, gets)) => gets.push(first),
                None => labels.push((label.clone(), vec![first])),
            }
            above.push(space.not(&yes));
        }
        let labels = labels.into_iter().map(|(label, gets)| {
            let gets = Formula::any(gets);
            let cube = space.narrowed(&space.whole(), &[&gets], budget)?.map(|(cube, _)| cube);
            Ok((label, gets, cube))
        });
        Ok(Block { labels: labels.collect::<Result<_, Undecided>>()?, rules })
    }

    /// The label that the rules give, as they are run.
    fn label(&self, witness: &Witness) -> Option<&str> {
        let holds = |rule: &&Runnable| rule.when.as_ref().is_none_or(|when| truth(when, witness) == Some(true));
        self.rules.iter().find(holds).map(|rule| rule.label.as_str())
    }
}

struct Comparer<'s, 'a> {
    space: &'s Space<'a>,
    currency: Option<&'s str>,
    before: Block,
    after: Block,
}

impl Comparer<'_, '_> {
    fn compare(&self, budget: &mut Budget) -> Comparison {
        let mut found = Comparison::default();
        for (from, had, at) in &self.before.labels {
            for (to, gets, then) in &self.after.labels {
                let (Some(at), Some(then)) = (at, then) else { continue };
                let Some(cube) = self.space.both(at, then) else { continue };
                let goals = [had, gets];
                if from == to {
                    match budget.ask(QUESTION, |part| self.space.solve(&cube, &goals, part)) {
                        Ok(Some(_)) => drop(found.possible.insert((from.clone(), to.clone()))),
                        Ok(None) => {}
                        Err(Undecided) => found.undecided = true,
                    }
                    continue;
                }
                match self.regions((from, to), &cube, goals, budget) {
                    Ok((regions, _)) if regions.is_empty() => {}
                    Ok((regions, more)) => {
                        found.possible.insert((from.clone(), to.clone()));
                        found.moves.push(Move { from: from.clone(), to: to.clone(), regions, more });
                    }
                    Err(Undecided) => found.undecided = true,
                }
            }
        }
        found
    }

    /// Regions apart from each other in which people go from one label to the other, and whether there are more.
    fn regions(
        &self,
        (from, to): (&str, &str),
        cube: &Cube,
        goals: [&Formula; 2],
        budget: &mut Budget,
    ) -> Result<(Vec<Region>, bool), Undecided> {
        let mut regions = vec![];
        let mut told: Vec<Formula> = vec![];
        let goes =
            |witness: &Witness| self.before.label(witness) == Some(from) && self.after.label(witness) == Some(to);
        let space = self.space;
        // Missing values come last: mostly they are not what a change is about.
        let known = space.both(&space.without_missing(), cube);
        for cube in known.iter().chain([cube]) {
            loop {
                let rest: Vec<&Formula> = goals.into_iter().chain(&told).collect();
                let found = budget.ask(QUESTION, |part| -> Result<_, Undecided> {
                    let Some(model) = space.solve(cube, &rest, part)? else { return Ok(None) };
                    let region = space.widened(&model, &rest, part)?;
                    let nearer = space.both(&region, cube).map(|both| space.solve(&both, &rest, part)).transpose()?;
                    let witness = space.witness(&nearer.flatten().unwrap_or(model), &goes, part);
                    Ok(Some((region, witness)))
                });
                let (region, witness) = match found {
                    Ok(Some(found)) => found,
                    Ok(None) => break,
                    Err(Undecided) if !regions.is_empty() => return Ok((regions, true)),
                    Err(Undecided) => return Err(Undecided),
                };
                if regions.len() == MOST_REGIONS {
                    return Ok((regions, true));
                }
                let (conditions, names) = (space.describe(&region, self.currency), space.names_in(&region));
                regions.push(Region { conditions, witness, names });
                told.push(space.outside(&region));
            }
        }
        Ok((regions, false))
    }
}
