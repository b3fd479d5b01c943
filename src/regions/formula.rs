//! Conditions with two truths: that a condition of the language is true, that it is not, that a value is there. What is
//! unknown in the language is neither true nor false here, so nothing is left of it.

use crate::expr::Comparator;

/// A condition over atoms: [`Atom`]s while a space is made, [`Literal`]s once its variables have cells.
#[derive(Debug, Clone, PartialEq)]
pub enum Formula<A = Literal> {
    Always,
    Never,
    Is(A),
    All(Vec<Formula<A>>),
    Any(Vec<Formula<A>>),
}

/// Says something about one variable.
#[derive(Debug, Clone, PartialEq)]
pub struct Atom {
    pub variable: usize,
    pub test: Test,
    pub negated: bool,
}

/// What is asked of a variable; all but `Missing` are false where it is missing.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    Missing,
    Number(Comparator, super::Rational),
    Word(Comparator, String),
    Truth(bool),
    /// How one text stands to another.
    Order(Comparator),
}

/// The variable is in one of the cells whose bits are set.
#[derive(Debug, Clone, PartialEq)]
pub struct Literal {
    pub variable: usize,
    pub cells: Box<[u64]>,
}

impl<A: Clone> Formula<A> {
    /// True where all are, simplified where one decides.
    pub fn all(list: impl IntoIterator<Item = Formula<A>>) -> Formula<A> {
        let mut parts = vec![];
        for part in list {
            match part {
                Formula::Always => {}
                Formula::Never => return Formula::Never,
                Formula::All(inner) => parts.extend(inner),
                part => parts.push(part),
            }
        }
        match parts.len() {
            0 => Formula::Always,
            1 => parts.remove(0),
            _ => Formula::All(parts),
        }
    }

    /// True where one is.
    pub fn any(list: impl IntoIterator<Item = Formula<A>>) -> Formula<A> {
        let mut parts = vec![];
        for part in list {
            match part {
                Formula::Never => {}
                Formula::Always => return Formula::Always,
                Formula::Any(inner) => parts.extend(inner),
                part => parts.push(part),
            }
        }
        match parts.len() {
            0 => Formula::Never,
            1 => parts.remove(0),
            _ => Formula::Any(parts),
        }
    }

    pub fn constant(holds: bool) -> Formula<A> {
        if holds { Formula::Always } else { Formula::Never }
    }

    /// The contrary, down to the atoms.
    pub fn negate(&self, atom: &dyn Fn(&A) -> A) -> Formula<A> {
        match self {
            Formula::Always => Formula::Never,
            Formula::Never => Formula::Always,
            Formula::Is(a) => Formula::Is(atom(a)),
            Formula::All(list) => Formula::any(list.iter().map(|part| part.negate(atom))),
            Formula::Any(list) => Formula::all(list.iter().map(|part| part.negate(atom))),
        }
    }
}

impl Formula<Atom> {
    pub fn test(variable: usize, test: Test) -> Formula<Atom> {
        Formula::Is(Atom { variable, test, negated: false })
    }

    pub fn not(&self) -> Formula<Atom> {
        self.negate(&|atom| Atom { negated: !atom.negated, ..atom.clone() })
    }
}
