//! Looks for cells in which formulas hold together: what they force is done first, then alternatives are tried, those
//! with the fewest first. It ends, since each alternative leaves fewer of them, and an empty result is a proof.

use super::cells::{Cube, bits};
use super::formula::{Formula, Literal};
use super::linear::Fixed;
use super::space::{Derived, Space};
use super::{Budget, Undecided};

/// Cells in which the formulas hold for everybody, and numbers among them for what is compared with each other.
#[derive(Debug, Clone)]
pub struct Model {
    pub cube: Cube,
    pub(super) fixed: Vec<Fixed>,
}

/// How a formula stands in a cube.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Holds,
    Fails,
    Open,
}

/// What became of a cube.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Settled {
    Contradiction,
    Consistent,
}

impl Space<'_> {
    /// Somebody in the cube for whom all goals hold, or nothing: then there is nobody.
    pub fn solve(&self, cube: &Cube, goals: &[&Formula], budget: &mut Budget) -> Result<Option<Model>, Undecided> {
        let goals = goals.iter().copied().chain(&self.facts).collect();
        Search { space: self, budget }.solve(cube.clone(), goals)
    }

    /// The cube narrowed to what the goals force, and the goals that are still open in it; nothing where they contradict
    /// each other.
    pub fn narrowed<'f>(
        &'f self,
        cube: &Cube,
        goals: &[&'f Formula],
        budget: &mut Budget,
    ) -> Result<Option<(Cube, Vec<&'f Formula>)>, Undecided> {
        let (mut cube, mut goals) = (cube.clone(), goals.iter().copied().chain(&self.facts).collect());
        let settled = Search { space: self, budget }.settle(&mut cube, &mut goals)?;
        Ok((settled == Settled::Consistent).then_some((cube, goals)))
    }

    /// Whether a formula holds everywhere in a cube, as far as that can be told by looking at its parts one by one.
    pub fn holds_throughout(&self, formula: &Formula, cube: &Cube, budget: &mut Budget) -> Result<bool, Undecided> {
        Ok(Search { space: self, budget }.status(formula, cube)? == Status::Holds)
    }

    /// Whether what compares variables with each other says nothing in this cube, so that any cells go together.
    pub fn is_box(&self, cube: &Cube) -> bool {
        self.derived.iter().all(|derived| self.is_full(cube, derived.variable))
    }
}

struct Search<'s, 'a> {
    space: &'s Space<'a>,
    budget: &'s mut Budget,
}

impl Search<'_, '_> {
    fn solve(&mut self, mut cube: Cube, mut goals: Vec<&Formula>) -> Result<Option<Model>, Undecided> {
        if self.settle(&mut cube, &mut goals)? == Settled::Contradiction || !self.space.may_fit(&cube, self.budget)? {
            return Ok(None);
        }
        let Some((at, alternatives)) = self.narrowest(&goals, &cube)? else {
            return self.leaf(cube);
        };
        goals.swap_remove(at);
        for (nth, alternative) in alternatives.iter().enumerate() {
            let mut narrower = cube.clone();
            // Whom the alternatives before hold for has been looked at.
            let excluded = alternatives[..nth].iter().all(|before| match before {
                Formula::Is(literal) => self.exclude(&mut narrower, literal),
                _ => true,
            });
            if !excluded {
                return Ok(None);
            }
            let mut rest = goals.clone();
            rest.push(alternative);
            if let Some(model) = self.solve(narrower, rest)? {
                return Ok(Some(model));
            }
        }
        Ok(None)
    }

    /// No goal is open. What is left is whether the cells of sums fit those of what they are made of.
    fn leaf(&mut self, cube: Cube) -> Result<Option<Model>, Undecided> {
        let space = self.space;
        for Derived { variable, of, .. } in &space.derived {
            let (there, missing) = (space.may_be_there(&cube, *variable), space.may_be_missing(&cube, *variable));
            let mut branches = vec![];
            if there && missing && space.is_cut(&cube, *variable) {
                // It says something only where it is there.
                let (mut present, mut absent) = (cube.clone(), cube.clone());
                self.never_missing(&mut present, *variable);
                self.only_missing(&mut absent, *variable);
                branches = vec![present, absent];
            } else if !there && of.iter().all(|(part, _)| space.may_be_there(&cube, *part)) {
                // One of its parts is missing.
                for (part, _) in of.iter().filter(|(part, _)| space.may_be_missing(&cube, *part)) {
                    let mut narrower = cube.clone();
                    self.only_missing(&mut narrower, *part);
                    branches.push(narrower);
                }
            } else {
                continue;
            }
            for branch in branches {
                if let Some(model) = self.solve(branch, vec![])? {
                    return Ok(Some(model));
                }
            }
            return Ok(None);
        }
        let fixed = space.fit(&cube, self.budget)?;
        Ok(fixed.map(|fixed| Model { cube, fixed }))
    }

    /// Narrows the cube until the goals force nothing more.
    fn settle(&mut self, cube: &mut Cube, goals: &mut Vec<&Formula>) -> Result<Settled, Undecided> {
        loop {
            let before = cube.clone();
            for goal in std::mem::take(goals) {
                if !self.assert(goal, cube, goals)? {
                    return Ok(Settled::Contradiction);
                }
            }
            if !self.couple(cube)? {
                return Ok(Settled::Contradiction);
            }
            if *cube == before {
                return Ok(Settled::Consistent);
            }
        }
    }

    /// Narrows the cube to a goal as far as it leaves no choice; what is left open is kept. False for a contradiction.
    fn assert<'f>(
        &mut self,
        goal: &'f Formula,
        cube: &mut Cube,
        open: &mut Vec<&'f Formula>,
    ) -> Result<bool, Undecided> {
        match goal {
            Formula::Always => Ok(true),
            Formula::Never => Ok(false),
            Formula::Is(literal) => Ok(self.narrow(cube, literal)),
            Formula::All(list) => {
                for part in list {
                    if !self.assert(part, cube, open)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Formula::Any(list) => {
                let mut possible = None;
                for part in list {
                    match (self.status(part, cube)?, possible) {
                        (Status::Holds, _) => return Ok(true),
                        (Status::Fails, _) => {}
                        (Status::Open, None) => possible = Some(part),
                        (Status::Open, Some(_)) => {
                            // Whether a later one holds already is seen when it is looked at again.
                            open.push(goal);
                            return Ok(true);
                        }
                    }
                }
                match possible {
                    Some(only) => self.assert(only, cube, open),
                    None => Ok(false),
                }
            }
        }
    }

    fn status(&mut self, formula: &Formula, cube: &Cube) -> Result<Status, Undecided> {
        Ok(match formula {
            Formula::Always => Status::Holds,
            Formula::Never => Status::Fails,
            Formula::Is(literal) => {
                self.budget.spend(1)?;
                let set = self.space.of(cube, literal.variable);
                if !bits::overlap(set, &literal.cells) {
                    Status::Fails
                } else if bits::within(set, &literal.cells) {
                    Status::Holds
                } else {
                    Status::Open
                }
            }
            Formula::All(list) => {
                let mut all = Status::Holds;
                for part in list {
                    match self.status(part, cube)? {
                        Status::Fails => return Ok(Status::Fails),
                        Status::Open => all = Status::Open,
                        Status::Holds => {}
                    }
                }
                all
            }
            Formula::Any(list) => {
                let mut any = Status::Fails;
                for part in list {
                    match self.status(part, cube)? {
                        Status::Holds => return Ok(Status::Holds),
                        Status::Open => any = Status::Open,
                        Status::Fails => {}
                    }
                }
                any
            }
        })
    }

    /// The open goal with the fewest alternatives, and these.
    fn narrowest<'f>(
        &mut self,
        goals: &[&'f Formula],
        cube: &Cube,
    ) -> Result<Option<(usize, Vec<&'f Formula>)>, Undecided> {
        let mut best: Option<(usize, Vec<&Formula>)> = None;
        for (at, goal) in goals.iter().enumerate() {
            let Formula::Any(list) = goal else { continue };
            let mut open = vec![];
            let mut holds = false;
            for part in list {
                match self.status(part, cube)? {
                    Status::Holds => holds = true,
                    Status::Open => open.push(part),
                    Status::Fails => {}
                }
            }
            if !holds && best.as_ref().is_none_or(|(_, known)| open.len() < known.len()) {
                let two = open.len() == 2;
                best = Some((at, open));
                if two {
                    break;
                }
            }
        }
        Ok(best)
    }

    /// False where nothing is left.
    fn narrow(&self, cube: &mut Cube, literal: &Literal) -> bool {
        let set = self.space.of_mut(cube, literal.variable);
        set.iter_mut().zip(&literal.cells).for_each(|(set, cells)| *set &= cells);
        !bits::is_empty(set)
    }

    fn exclude(&self, cube: &mut Cube, literal: &Literal) -> bool {
        let set = self.space.of_mut(cube, literal.variable);
        set.iter_mut().zip(&literal.cells).for_each(|(set, cells)| *set &= !cells);
        !bits::is_empty(set)
    }

    fn only_missing(&self, cube: &mut Cube, variable: usize) {
        let missing = self.space.missing(variable).expect("it may be missing");
        let set = self.space.of_mut(cube, variable);
        set.fill(0);
        bits::set(set, missing);
    }

    fn never_missing(&self, cube: &mut Cube, variable: usize) -> bool {
        let missing = self.space.missing(variable);
        let set = self.space.of_mut(cube, variable);
        if let Some(missing) = missing {
            bits::clear(set, missing);
        }
        !bits::is_empty(set)
    }

    /// A sum is there where its parts are, and within what they admit. False for a contradiction.
    fn couple(&mut self, cube: &mut Cube) -> Result<bool, Undecided> {
        for derived in &self.space.derived {
            // Nothing is asked of it: its parts stay as they are, and most cubes stay boxes.
            if self.space.is_full(cube, derived.variable) {
                continue;
            }
            self.budget.spend(derived.of.len())?;
            let of = || derived.of.iter().map(|(v, _)| *v);
            if !self.space.may_be_missing(cube, derived.variable) {
                if of().any(|part| !self.never_missing(cube, part)) {
                    return Ok(false);
                }
            } else if of().any(|part| !self.space.may_be_there(cube, part)) {
                self.only_missing(cube, derived.variable);
                continue;
            } else if of().all(|part| !self.space.may_be_missing(cube, part)) {
                if !self.never_missing(cube, derived.variable) {
                    return Ok(false);
                }
            } else if !self.space.may_be_there(cube, derived.variable) {
                let mut candidates = of().filter(|part| self.space.may_be_missing(cube, *part));
                if let (Some(only), None) = (candidates.next(), candidates.next()) {
                    self.only_missing(cube, only);
                }
                continue;
            }
            let fits = if derived.is_sum {
                self.space.narrow_sum(cube, derived)?
            } else {
                self.space.narrow_order(cube, derived)
            };
            if !fits {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
