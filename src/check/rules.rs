//! What can be said of the rules of a `label` block without looking at data: rules that never match, rules that overlap,
//! customers whom no rule takes, an `otherwise` with nobody left.

use crate::diagnostics::Finding;
use crate::eval::truth;
use crate::plan::expr::Expr;
use crate::plan::lower_expression;
use crate::regions::{Budget, Builder, Cube, Formula, Model, Scope, Space, Undecided, Understood, Witness};
use crate::spec::{Labels, Over, Spec, Typed};
use crate::syntax::source::SourceMap;

/// Work that may go into one block, and into one question about it.
const BLOCK: usize = 24_000_000;
const QUESTION: usize = 3_000_000;
/// Regions that are told apart when some customers get no label.
const MOST_GAPS: usize = 3;

/// The rules of a block, ready to be asked about. Rules are numbered as they stand in it; `otherwise` is none of them.
pub struct Rules<'a> {
    pub labels: &'a Labels<Typed>,
    currency: Option<&'a str>,
    space: Space<'a>,
    yes: Vec<Formula>,
    no: Vec<Formula>,
    /// What a rule forces of whom it takes; nothing where it can't take anybody.
    boxes: Vec<Option<Reach>>,
    /// The conditions as they are run.
    conditions: Vec<Expr>,
}

struct Reach {
    cube: Cube,
    /// Whether everybody in the cube is taken.
    whole: bool,
}

/// Where two rules both take somebody.
enum Meeting {
    Nowhere,
    /// In all that they have in common.
    Everywhere,
    At(Model),
}

/// Somebody, and where such people are.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    /// Conditions that hold together.
    pub region: Vec<String>,
    /// The names that the region speaks of.
    names: Vec<String>,
    /// One of them, seen to behave so by `eval`; nothing where conditions are involved that can't be solved for.
    pub witness: Option<Witness>,
}

/// Why a rule never gives its label.
#[derive(Debug, Clone, PartialEq)]
pub enum Never {
    /// Its own conditions exclude each other.
    Empty,
    /// The rules above take everybody whom it would take: these, and none of them could be left out. Each with somebody
    /// whom it takes away.
    Shadowed(Vec<(usize, Instance)>),
}

/// Cells of a grid of scores: all combinations of their values.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    pub of: Vec<String>,
    pub cells: u64,
    /// Cells that no rule takes, and those that several rules would.
    pub gaps: u64,
    pub overlaps: u64,
}

/// The budget of one block.
pub fn budget() -> Budget {
    Budget::new(BLOCK)
}

impl<'a> Rules<'a> {
    /// Nothing for a spec without labels, or with mistakes in its rules.
    pub fn of(
        spec: &'a Spec<Typed>,
        sources: &'a SourceMap,
        understood: &Understood,
        budget: &mut Budget,
    ) -> Option<Result<Rules<'a>, Undecided>> {
        let labels = spec.labels.as_ref()?;
        let conditions = || labels.rules.iter().filter_map(|rule| rule.when.as_ref());
        if !conditions().all(|condition| understood.is(condition)) {
            return None;
        }
        let scope = match labels.over {
            Over::Clusters => Scope::Clusters,
            Over::Customers => Scope::Customers,
        };
        let mut builder = Builder::new(spec, sources, scope);
        let drafts: Vec<_> = conditions().map(|condition| builder.rule(condition)).collect();
        let conditions = conditions().map(|condition| lower_expression(spec, sources, condition)).collect();
        Some(builder.finish(&drafts).and_then(|(space, yes)| {
            let no = yes.iter().map(|yes| space.not(yes)).collect();
            let boxes = yes.iter().map(|yes| {
                let narrowed = space.narrowed(&space.whole(), &[yes], budget)?;
                Ok(narrowed.map(|(cube, open)| Reach { whole: open.is_empty() && space.is_box(&cube), cube }))
            });
            let boxes = boxes.collect::<Result<Vec<_>, Undecided>>()?;
            let currency = spec.currency.as_ref().map(|code| code.value.as_str());
            Ok(Rules { labels, currency, space, yes, no, boxes, conditions })
        }))
    }

    pub fn len(&self) -> usize {
        self.yes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.yes.is_empty()
    }

    /// Why a rule never matches, if it never does.
    pub fn never(&self, rule: usize, budget: &mut Budget) -> Result<Option<Never>, Undecided> {
        let Some(own) = &self.boxes[rule] else { return Ok(Some(Never::Empty)) };
        let near = |other: &usize| {
            self.boxes[*other].as_ref().is_some_and(|other| !self.space.are_apart(&own.cube, &other.cube))
        };
        let above: Vec<usize> = (0..rule).filter(near).collect();
        if above.is_empty() && own.whole {
            return Ok(None);
        }
        let left = |above: &[usize], budget: &mut Budget| {
            let goals: Vec<&Formula> =
                std::iter::once(&self.yes[rule]).chain(above.iter().map(|other| &self.no[*other])).collect();
            budget.ask(QUESTION, |part| self.space.solve(&own.cube, &goals, part))
        };
        if left(&above, budget)?.is_some() {
            return Ok(None);
        }
        let Some(somebody) = left(&[], budget)? else { return Ok(Some(Never::Empty)) };
        // One rule that takes all says more than several that do so together. It is none of those that leave somebody who
        // is known already.
        let mut known = vec![somebody];
        let mut alone = None;
        for other in &above {
            let leaves = |model: &Model| self.space.holds_throughout(&self.no[*other], &model.cube, budget) == Ok(true);
            if known.iter().any(leaves) {
                continue;
            }
            match left(&[*other], budget)? {
                Some(model) => known.push(model),
                None => {
                    alone = Some(*other);
                    break;
                }
            }
        }
        let takers = match alone {
            Some(other) => vec![other],
            None => needed(&above, |some| Ok(left(some, budget)?.is_none()))?,
        };
        let mut shadows = vec![];
        for other in takers {
            let instance = self.overlap(other, rule, budget)?;
            shadows.push((other, instance.expect("a rule that takes nothing of another does not shadow it")));
        }
        Ok(Some(Never::Shadowed(shadows)))
    }

    /// Whether nobody can be taken by both of two rules.
    pub fn are_apart(&self, a: usize, b: usize, budget: &mut Budget) -> Result<bool, Undecided> {
        Ok(matches!(self.meeting(a, b, budget)?, Meeting::Nowhere))
    }

    /// How many pairs of rules may both take somebody, and how many could not be decided. Somebody who is found for one
    /// pair mostly fits other rules too, and so answers for all pairs of these.
    pub fn count_overlaps(&self, budget: &mut Budget) -> (usize, usize) {
        let (mut found, mut open) = (0, 0);
        let votes = self.space.votes(&self.yes);
        let mut meet = vec![vec![false; self.len()]; self.len()];
        for a in 0..self.len() {
            for b in a + 1..self.len() {
                if meet[a][b] {
                    found += 1;
                    continue;
                }
                match self.meeting(a, b, budget) {
                    Ok(Meeting::Nowhere) => {}
                    Ok(Meeting::Everywhere) => found += 1,
                    Ok(Meeting::At(model)) => {
                        found += 1;
                        let point = self.space.point(&model, &votes);
                        let fits =
                            |rule: &usize| self.space.holds_throughout(&self.yes[*rule], &point, budget) == Ok(true);
                        let fitting: Vec<usize> = (a..self.len()).filter(fits).collect();
                        for (nth, one) in fitting.iter().enumerate() {
                            fitting[nth + 1..].iter().for_each(|other| meet[*one][*other] = true);
                        }
                    }
                    Err(Undecided) => open += 1,
                }
            }
        }
        (found, open)
    }

    fn meeting(&self, a: usize, b: usize, budget: &mut Budget) -> Result<Meeting, Undecided> {
        let (Some(one), Some(other)) = (&self.boxes[a], &self.boxes[b]) else { return Ok(Meeting::Nowhere) };
        let Some(cube) = self.space.both(&one.cube, &other.cube) else { return Ok(Meeting::Nowhere) };
        if one.whole && other.whole && self.space.is_box(&cube) {
            return Ok(Meeting::Everywhere);
        }
        let goals = [&self.yes[a], &self.yes[b]];
        let model = budget.ask(QUESTION, |part| self.space.solve(&cube, &goals, part))?;
        Ok(model.map_or(Meeting::Nowhere, Meeting::At))
    }

    /// Somebody whom both of two rules would take.
    pub fn overlap(&self, a: usize, b: usize, budget: &mut Budget) -> Result<Option<Instance>, Undecided> {
        let (Some(one), Some(other)) = (&self.boxes[a], &self.boxes[b]) else { return Ok(None) };
        let Some(cube) = self.space.both(&one.cube, &other.cube) else { return Ok(None) };
        let goals = [&self.yes[a], &self.yes[b]];
        let both = |witness: &Witness| self.fires(a, witness) && self.fires(b, witness);
        let found = budget.ask(QUESTION, |part| self.instance(&cube, &goals, &both, part))?;
        Ok(found.map(|(_, instance)| instance))
    }

    /// Customers whom no rule takes: regions apart from each other, none when there are none, and whether there are more.
    pub fn gaps(&self, budget: &mut Budget) -> Result<(Vec<Instance>, bool), Undecided> {
        let mut gaps = vec![];
        let mut told: Vec<Formula> = vec![];
        let nobody = |witness: &Witness| !(0..self.len()).any(|rule| self.fires(rule, witness));
        let whole = self.space.whole();
        // Missing values come last: mostly they are not what was forgotten.
        for cube in [self.space.without_missing(), whole] {
            loop {
                let goals: Vec<&Formula> = self.no.iter().chain(&told).collect();
                let found = budget.ask(QUESTION, |part| self.instance(&cube, &goals, &nobody, part));
                let (region, instance) = match found {
                    Ok(Some(found)) => found,
                    Ok(None) => break,
                    // Some are known; whether there are more, is not.
                    Err(Undecided) if !gaps.is_empty() => return Ok((gaps, true)),
                    Err(Undecided) => return Err(Undecided),
                };
                if gaps.len() == MOST_GAPS {
                    return Ok((gaps, true));
                }
                told.push(self.space.outside(&region));
                gaps.push(instance);
            }
        }
        Ok((gaps, false))
    }

    /// Somebody in the cube for whom all goals hold, with the region around, whom `accepts` accepts.
    fn instance(
        &self,
        cube: &Cube,
        goals: &[&Formula],
        accepts: &dyn Fn(&Witness) -> bool,
        budget: &mut Budget,
    ) -> Result<Option<(Cube, Instance)>, Undecided> {
        let Some(model) = self.space.solve(cube, goals, budget)? else { return Ok(None) };
        let region = self.space.widened(&model, goals, budget)?;
        // Within the region there may be an example that is more to the point than the first one found.
        let nearer = self.space.both(&region, cube).map(|both| self.space.solve(&both, goals, budget)).transpose()?;
        let model = nearer.flatten().unwrap_or(model);
        let witness = self.space.witness(&model, accepts, budget);
        let instance = Instance {
            region: self.space.describe(&region, self.currency),
            names: self.space.names_in(&region),
            witness,
        };
        Ok(Some((region, instance)))
    }

    /// Whether a rule's condition is true for somebody.
    pub fn fires(&self, rule: usize, witness: &Witness) -> bool {
        truth(&self.conditions[rule], witness) == Some(true)
    }

    /// What a diagnostic says of an instance.
    pub fn finding(&self, instance: &Instance) -> Finding {
        let witness = instance.witness.as_ref().map_or(vec![], |witness| witness.values(self.currency));
        Finding { region: instance.region.clone(), witness }
    }

    /// What matters of the witness of an instance in words, for a note; nothing where the region says it all.
    pub fn example(&self, instance: &Instance) -> Option<String> {
        let words = instance.witness.as_ref()?.words(&instance.names, self.currency);
        let said = words.iter().all(|word| instance.region.contains(word));
        (!said).then(|| crate::diagnostics::suggest::list(words.iter().map(String::as_str)))
    }

    /// Counts the cells of the grid of scores that the rules are about; nothing where they are about anything else.
    pub fn grid(&self) -> Option<Grid> {
        const MOST_CELLS: u64 = 200_000;
        let axes = self.space.axes()?;
        let sizes = axes.iter().map(|(_, values)| values.len() as u64);
        let cells = sizes.clone().try_fold(1u64, |product, n| product.checked_mul(n)).filter(|n| *n <= MOST_CELLS)?;
        let (mut gaps, mut overlaps) = (0, 0);
        for cell in 0..cells {
            let mut rest = cell;
            let at = axes.iter().map(|(name, values)| {
                let value = values[(rest % values.len() as u64) as usize];
                rest /= values.len() as u64;
                (name.as_str(), value)
            });
            let point = Witness::of_numbers(at);
            let firing = self.conditions.iter().filter(|when| truth(when, &point) == Some(true)).take(2).count();
            gaps += u64::from(firing == 0);
            overlaps += u64::from(firing == 2);
        }
        let of = axes.into_iter().map(|(name, _)| name).collect();
        Some(Grid { of, cells, gaps, overlaps })
    }
}

/// As few of the rules as are enough, the first ones rather than the last. What is enough stays so with more of them: the
/// last one needed ends the shortest beginning that is enough, the one before it the shortest that is together with it,
/// and so on. Each is found by halving.
fn needed(
    rules: &[usize],
    mut are_enough: impl FnMut(&[usize]) -> Result<bool, Undecided>,
) -> Result<Vec<usize>, Undecided> {
    let (mut kept, mut rest) = (vec![], rules);
    loop {
        let (mut few, mut enough) = (0, rest.len());
        while few < enough {
            let middle = (few + enough) / 2;
            let some: Vec<usize> = rest[..middle].iter().chain(&kept).copied().collect();
            if are_enough(&some)? {
                enough = middle;
            } else {
                few = middle + 1;
            }
        }
        let Some(last) = enough.checked_sub(1) else { break };
        kept.insert(0, rest[last]);
        rest = &rest[..last];
    }
    Ok(kept)
}
