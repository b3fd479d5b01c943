//! What can be said of conditions without data: whether they can hold together, and for whom.
//!
//! A [`Space`] knows the conditions of a block, such as the rules of `label customers`, and the domain of everything that
//! they speak of. Each domain is cut into cells by the constants that it is compared with; a condition is then a formula
//! over sets of cells ([`formula`]). [`Space::solve`] looks for cells where given formulas hold: it narrows the cells as
//! far as the formulas force it, then tries one alternative after the other (`search`). Terms that are compared with
//! each other, `monetary >= 2 * all.monetary`, have a variable for their difference, with cells of its own, and the
//! simplex method decides whether the cells of the difference and of the terms fit together (`linear`, `simplex`).
//!
//! What comes out is either a proof that there is no such customer, or cells in which there are, from which a
//! [`Witness`] is made and run by `eval`: nothing is reported that was not seen to happen. Conditions that are none of
//! these (products of features, functions) are variables too, free to be anything that their type admits. So "never" is
//! a proof, and "there is" may need the witness. Arithmetic is taken as exact.
//!
//! Where an answer takes more than the [`Budget`], or numbers beyond 64 bits, it is [`Undecided`].

mod cells;
mod domain;
mod draft;
mod formula;
mod linear;
mod nice;
mod points;
mod rational;
mod region;
mod search;
mod simplex;
mod space;
mod understood;
mod witness;

pub use cells::Cube;
pub use draft::{Builder, Scope};
pub use formula::{Atom, Formula, Literal};
pub use points::Votes;
pub use rational::Rational;
pub use search::Model;
pub use space::Space;
pub use understood::Understood;
pub use witness::Witness;

pub(crate) use domain::{Domains, Stretch};
pub(crate) use region::{number_in_words, value_in_words};

/// The question is too large, or its numbers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Undecided;

/// How much work may go into answers: looks at a set of cells, or an operation on fractions. Not a clock, so that the
/// same spec gets the same answers everywhere.
#[derive(Debug, Clone)]
pub struct Budget {
    left: usize,
}

impl Budget {
    pub fn new(work: usize) -> Budget {
        Budget { left: work }
    }

    pub fn spend(&mut self, work: usize) -> Result<(), Undecided> {
        self.left = self.left.checked_sub(work).ok_or(Undecided)?;
        Ok(())
    }

    /// Answers a question with a part of what is left; what the answer took is gone, whatever came of it.
    pub fn ask<T>(
        &mut self,
        most: usize,
        answer: impl FnOnce(&mut Budget) -> Result<T, Undecided>,
    ) -> Result<T, Undecided> {
        let mut part = Budget { left: self.left.min(most) };
        let whole = part.left;
        let result = answer(&mut part);
        self.left -= whole - part.left;
        result
    }
}
