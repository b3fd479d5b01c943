//! One point of a model. Whatever holds throughout its cells holds together, so that one search answers many questions.

use super::cells::{Cells, Cube, bits};
use super::formula::Formula;
use super::search::Model;
use super::space::Space;
use super::{Rational, Undecided};

/// For each cell of each variable, the one for missing among them, how many conditions ask for it.
pub struct Votes(Vec<Vec<u32>>);

impl Space<'_> {
    pub fn votes<'f>(&self, formulas: impl IntoIterator<Item = &'f Formula>) -> Votes {
        let mut votes = Votes(self.cells.iter().map(|cells| vec![0; cells.len() + 1]).collect());
        formulas.into_iter().for_each(|formula| votes.count(formula));
        votes
    }

    /// The cells around one point of a model: of each variable only one, that with the most votes where there is a choice.
    pub fn point(&self, model: &Model, votes: &Votes) -> Cube {
        self.pinned(model, votes).ok().flatten().unwrap_or_else(|| model.cube.clone())
    }

    /// Nothing where sums, worked out from what was chosen for their parts, leave the model.
    fn pinned(&self, model: &Model, votes: &Votes) -> Result<Option<Cube>, Undecided> {
        let mut cube = model.cube.clone();
        let mut is_derived = vec![false; self.variables.len()];
        // Variables that are compared with each other; whatever is chosen for the others fits.
        let (mut in_sums, mut in_orders) = (is_derived.clone(), is_derived.clone());
        for derived in &self.derived {
            is_derived[derived.variable] = true;
            let places = if derived.is_sum { &mut in_sums } else { &mut in_orders };
            derived.of.iter().for_each(|(part, _)| places[*part] = true);
        }
        let mut numbers: Vec<Option<Rational>> = vec![None; self.variables.len()];
        model.fixed.iter().for_each(|fixed| numbers[fixed.variable] = Some(fixed.value));
        for variable in 0..self.variables.len() {
            if is_derived[variable] || in_orders[variable] {
                continue;
            }
            let cell = match numbers[variable] {
                Some(number) => self.cell_of(variable, number),
                // The first of those with the most votes.
                None => bits::each(self.of(&cube, variable)).min_by_key(|cell| u32::MAX - votes.0[variable][*cell]),
            };
            let Some(cell) = cell else { return Ok(None) };
            self.only(&mut cube, variable, cell);
            if in_sums[variable] && numbers[variable].is_none() && self.missing(variable) != Some(cell) {
                numbers[variable] = self.nice_numbers(&cube, variable, None).next();
            }
        }
        for sum in self.derived.iter().filter(|derived| derived.is_sum) {
            let mut total = Some(Rational::ZERO);
            for (part, factor) in &sum.of {
                total = match (total, numbers[*part]) {
                    (Some(total), Some(number)) => Some(total.plus(number.times(*factor)?)?),
                    _ => None,
                };
            }
            let cell = total.map_or(self.missing(sum.variable), |total| self.cell_of(sum.variable, total));
            match cell {
                Some(cell) if bits::has(self.of(&cube, sum.variable), cell) => self.only(&mut cube, sum.variable, cell),
                _ => return Ok(None),
            }
        }
        Ok(Some(cube))
    }

    fn cell_of(&self, variable: usize, number: Rational) -> Option<usize> {
        match &self.cells[variable] {
            Cells::Numbers { ranges, .. } => ranges.iter().position(|range| range.contains(number)),
            _ => None,
        }
    }

    fn only(&self, cube: &mut Cube, variable: usize, cell: usize) {
        let set = self.of_mut(cube, variable);
        set.fill(0);
        bits::set(set, cell);
    }
}

impl Votes {
    fn count(&mut self, formula: &Formula) {
        match formula {
            Formula::Always | Formula::Never => {}
            Formula::Is(literal) => {
                let votes = &mut self.0[literal.variable];
                bits::each(&literal.cells).for_each(|cell| votes[cell] += 1);
            }
            Formula::All(list) | Formula::Any(list) => list.iter().for_each(|part| self.count(part)),
        }
    }
}
