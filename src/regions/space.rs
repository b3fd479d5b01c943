//! Variables with their cells, and formulas over them.

use std::cell::OnceCell;

use super::cells::{Cells, Cube, bits};
use super::domain::Domain;
use super::draft::{Builder, Scope, Subject, Variable};
use super::formula::{Atom, Formula, Literal, Test};
use super::{Rational, Undecided};
use crate::plan::expr::Expr;
use crate::spec::{Spec, Typed};
use crate::syntax::source::SourceMap;
use crate::types::Base;

/// All that conditions can tell apart.
pub struct Space<'a> {
    pub(super) spec: &'a Spec<Typed>,
    pub(super) sources: &'a SourceMap,
    pub(super) scope: Scope,
    pub(super) variables: Vec<Variable>,
    pub(super) cells: Vec<Cells>,
    places: Vec<Place>,
    /// Variables whose cells follow from those of others.
    pub(super) derived: Vec<Derived>,
    pub(super) facts: Vec<Formula>,
    /// What conditions speak of, in order.
    pub(super) mentions: Vec<(Subject, Base)>,
    /// Features or columns that are made of others, lowered when a witness first asks.
    pub(super) made: OnceCell<Vec<(String, Expr)>>,
    whole: Cube,
}

/// Where the bits of a variable lie.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: usize,
    words: usize,
    missing: Option<usize>,
}

/// A variable that compares others with each other.
#[derive(Debug, Clone)]
pub(super) struct Derived {
    pub variable: usize,
    pub of: Vec<(usize, Rational)>,
    pub is_sum: bool,
}

impl<'a> Builder<'a> {
    /// Cuts all domains, once all conditions are known; gives the space and the conditions in terms of it.
    pub fn finish(self, conditions: &[Formula<Atom>]) -> Result<(Space<'a>, Vec<Formula>), Undecided> {
        let mut tests: Vec<Vec<&Test>> = vec![vec![]; self.variables.len()];
        for formula in conditions.iter().chain(&self.facts) {
            gather(formula, &mut tests);
        }
        let mut cells = vec![];
        let (mut places, mut derived, mut start) = (vec![], vec![], 0);
        for (variable, tests) in self.variables.iter().zip(&tests) {
            let is_order = matches!(variable.subject, Subject::Order(..));
            let of = Cells::new(&variable.domain, tests, is_order)?;
            let missing = variable.may_be_missing.then_some(of.len());
            let words = (of.len() + 1).div_ceil(64);
            places.push(Place { start, words, missing });
            start += words;
            cells.push(of);
        }
        for (variable, known) in self.variables.iter().enumerate() {
            match &known.subject {
                Subject::Sum(of) => derived.push(Derived { variable, of: of.clone(), is_sum: true }),
                Subject::Order(a, b) => {
                    let of = vec![(*a, Rational::ONE), (*b, Rational::ONE)];
                    derived.push(Derived { variable, of, is_sum: false });
                }
                _ => {}
            }
        }
        let mut whole = Cube { bits: vec![0; start] };
        for (place, cells) in places.iter().zip(&cells) {
            let count = cells.len() + usize::from(place.missing.is_some());
            (0..count).for_each(|bit| bits::set(&mut whole.bits[place.start..], bit));
        }
        let mut space = Space {
            spec: self.spec,
            sources: self.sources,
            scope: self.scope,
            mentions: self.mentions.clone(),
            made: OnceCell::new(),
            variables: self.variables,
            cells,
            places,
            derived,
            facts: vec![],
            whole,
        };
        let mut facts: Vec<Formula> = self.facts.iter().map(|fact| space.formula(fact)).collect();
        facts.extend(space.looks_of_words());
        space.facts = facts;
        let formulas = conditions.iter().map(|condition| space.formula(condition)).collect();
        Ok((space, formulas))
    }
}

fn gather<'f>(formula: &'f Formula<Atom>, tests: &mut [Vec<&'f Test>]) {
    match formula {
        Formula::Always | Formula::Never => {}
        Formula::Is(atom) => tests[atom.variable].push(&atom.test),
        Formula::All(list) | Formula::Any(list) => list.iter().for_each(|part| gather(part, tests)),
    }
}

impl Space<'_> {
    /// Everybody.
    pub fn whole(&self) -> Cube {
        self.whole.clone()
    }

    /// Everybody of whom all is known, as far as it can be.
    pub fn without_missing(&self) -> Cube {
        let mut cube = self.whole();
        for variable in 0..self.variables.len() {
            if let (Some(missing), true) = (self.missing(variable), !self.cells[variable].is_empty()) {
                bits::clear(self.of_mut(&mut cube, variable), missing);
            }
        }
        cube
    }

    /// Whoever is not in a cube.
    pub fn outside(&self, cube: &Cube) -> Formula {
        let cut = (0..self.variables.len()).filter(|variable| !self.is_full(cube, *variable));
        let inside = cut.map(|variable| {
            Formula::Is(Literal { variable, cells: self.of(cube, variable).to_vec().into_boxed_slice() })
        });
        self.not(&Formula::all(inside))
    }

    /// The names that conditions speak of with all their values, where these are scores or other short scales.
    pub fn axes(&self) -> Option<Vec<(String, Vec<f64>)>> {
        const LONGEST: usize = 1000;
        let axis = |subject: &Subject| {
            let Subject::Own(name) = subject else { return None };
            let variable = self.variables.iter().find(|v| v.subject == *subject)?;
            let Domain::Number(stretch) = variable.domain else { return None };
            let (low, high) = (stretch.low?, stretch.high?);
            let step = stretch.step.filter(|step| step.is_positive())?;
            let mut values = vec![];
            let mut at = low;
            while at <= high {
                values.push(at.to_f64());
                at = at.plus(step).ok()?;
                if values.len() > LONGEST {
                    return None;
                }
            }
            Some((name.clone(), values))
        };
        let axes: Option<Vec<_>> = self.mentions.iter().map(|(subject, _)| axis(subject)).collect();
        axes.filter(|axes| !axes.is_empty() && self.scope == Scope::Customers)
    }

    pub(super) fn of<'c>(&self, cube: &'c Cube, variable: usize) -> &'c [u64] {
        let place = &self.places[variable];
        &cube.bits[place.start..place.start + place.words]
    }

    pub(super) fn of_mut<'c>(&self, cube: &'c mut Cube, variable: usize) -> &'c mut [u64] {
        let place = &self.places[variable];
        &mut cube.bits[place.start..place.start + place.words]
    }

    /// The cell for missing, if the variable can be.
    pub(super) fn missing(&self, variable: usize) -> Option<usize> {
        self.places[variable].missing
    }

    pub(super) fn is_full(&self, cube: &Cube, variable: usize) -> bool {
        self.of(cube, variable) == self.of(&self.whole, variable)
    }

    /// Whether a cube leaves out some value that is there.
    pub(super) fn is_cut(&self, cube: &Cube, variable: usize) -> bool {
        (0..self.cells[variable].len()).any(|cell| !bits::has(self.of(cube, variable), cell))
    }

    pub(super) fn may_be_missing(&self, cube: &Cube, variable: usize) -> bool {
        self.missing(variable).is_some_and(|missing| bits::has(self.of(cube, variable), missing))
    }

    pub(super) fn may_be_there(&self, cube: &Cube, variable: usize) -> bool {
        let set = self.of(cube, variable);
        match self.missing(variable) {
            Some(missing) => bits::count(set) > usize::from(bits::has(set, missing)),
            None => !bits::is_empty(set),
        }
    }

    /// Those of both; nothing where they have none in common.
    pub fn both(&self, a: &Cube, b: &Cube) -> Option<Cube> {
        let cube = Cube { bits: a.bits.iter().zip(&b.bits).map(|(a, b)| a & b).collect() };
        let empty = (0..self.variables.len()).any(|variable| bits::is_empty(self.of(&cube, variable)));
        (!empty).then_some(cube)
    }

    /// Whether two cubes have no cell in common.
    pub fn are_apart(&self, a: &Cube, b: &Cube) -> bool {
        self.places.iter().any(|place| {
            let range = place.start..place.start + place.words;
            !bits::overlap(&a.bits[range.clone()], &b.bits[range])
        })
    }

    fn formula(&self, draft: &Formula<Atom>) -> Formula {
        match draft {
            Formula::Always => Formula::Always,
            Formula::Never => Formula::Never,
            Formula::Is(atom) => self.literal(self.cells_of(atom)),
            Formula::All(list) => self.joined(Formula::all(list.iter().map(|part| self.formula(part))), true),
            Formula::Any(list) => self.joined(Formula::any(list.iter().map(|part| self.formula(part))), false),
        }
    }

    fn cells_of(&self, atom: &Atom) -> Literal {
        let place = self.places[atom.variable];
        let cells = &self.cells[atom.variable];
        let mut set = vec![0; place.words].into_boxed_slice();
        for cell in 0..cells.len() {
            let holds = atom.test != Test::Missing && cells.answer(cell, &atom.test);
            if holds != atom.negated {
                bits::set(&mut set, cell);
            }
        }
        if let Some(missing) = place.missing
            && (atom.test == Test::Missing) != atom.negated
        {
            bits::set(&mut set, missing);
        }
        Literal { variable: atom.variable, cells: set }
    }

    fn literal(&self, literal: Literal) -> Formula {
        if bits::is_empty(&literal.cells) {
            Formula::Never
        } else if *literal.cells == *self.of(&self.whole, literal.variable) {
            Formula::Always
        } else {
            Formula::Is(literal)
        }
    }

    /// What a list says of one variable in several places, said once.
    fn joined(&self, formula: Formula, all: bool) -> Formula {
        let list = match (formula, all) {
            (Formula::All(list), true) | (Formula::Any(list), false) => list,
            (other, _) => return other,
        };
        let mut literals: Vec<Literal> = vec![];
        let mut others = vec![];
        for part in list {
            match part {
                Formula::Is(literal) => match literals.iter_mut().find(|l| l.variable == literal.variable) {
                    Some(known) => {
                        for (a, b) in known.cells.iter_mut().zip(&literal.cells) {
                            *a = if all { *a & b } else { *a | b };
                        }
                    }
                    None => literals.push(literal),
                },
                other => others.push(other),
            }
        }
        let parts = literals.into_iter().map(|literal| self.literal(literal)).chain(others);
        if all { Formula::all(parts) } else { Formula::any(parts) }
    }

    /// The contrary.
    pub fn not(&self, formula: &Formula) -> Formula {
        let flipped = |literal: &Literal| Literal {
            variable: literal.variable,
            cells: literal
                .cells
                .iter()
                .zip(self.of(&self.whole, literal.variable))
                .map(|(cells, whole)| !cells & whole)
                .collect(),
        };
        formula.negate(&flipped)
    }

    /// What single words look like is known, and a text that is not there looks like nothing.
    fn looks_of_words(&self) -> Vec<Formula> {
        let mut facts = vec![];
        for (looks, variable) in self.variables.iter().enumerate() {
            let Subject::Looks(of, verb, pattern) = &variable.subject else { continue };
            let atom = |variable: usize, test: Test, negated: bool| Formula::Is(Atom { variable, test, negated });
            if self.missing(*of).is_some() {
                let unlike = [atom(*of, Test::Missing, true), atom(looks, Test::Truth(false), false)];
                facts.push(Formula::any(unlike.iter().map(|part| self.formula(part))));
            }
            let Cells::Words(words) = &self.cells[*of] else { continue };
            let mut undecided = [self.of(&self.whole, *of).to_vec(), self.of(&self.whole, *of).to_vec()];
            for (cell, word) in words.iter().enumerate() {
                if let super::cells::Words::Exactly(word) = word {
                    let holds = crate::eval::text_test(word, *verb, pattern);
                    // Where it holds, the word can't be with "false", and the other way round.
                    bits::clear(&mut undecided[usize::from(!holds)], cell);
                }
            }
            for (truth, words) in undecided.into_iter().enumerate() {
                let other = Atom { variable: looks, test: Test::Truth(truth == 0), negated: false };
                let of = self.literal(Literal { variable: *of, cells: words.into_boxed_slice() });
                facts.push(Formula::any([self.formula(&Formula::Is(other)), of]));
            }
        }
        facts
    }
}
