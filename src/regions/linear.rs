//! Sums and what they are made of: whether cells of the one and of the others fit together, and numbers that show it.

use std::cmp::Ordering;

use super::cells::{Cells, Cube, Words, bits, on_steps};
use super::simplex::{End, Problem, Range, solve};
use super::space::{Derived, Space};
use super::{Budget, Rational, Undecided};

/// A number for a variable that is compared with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fixed {
    pub variable: usize,
    pub value: Rational,
}

/// The ends of what a variable may be, on both sides of a number that it may not be.
struct Neighbours {
    below: Option<End>,
    above: Option<End>,
}

/// The sums that say something in a cube, and the variables that they are made of.
struct System<'s> {
    sums: Vec<&'s Derived>,
    columns: Vec<usize>,
    /// What each column and each sum is kept to, beyond its cells.
    limits: Vec<Range>,
}

impl Space<'_> {
    /// Removes cells of a sum that lie beyond what its parts admit. False where none is left.
    pub(super) fn narrow_sum(&self, cube: &mut Cube, sum: &Derived) -> Result<bool, Undecided> {
        let mut of = Range { low: closed(Rational::ZERO), high: closed(Rational::ZERO) };
        for (part, factor) in &sum.of {
            let hull = self.hull(cube, *part);
            let (low, high) = if factor.is_negative() { (hull.high, hull.low) } else { (hull.low, hull.high) };
            of = Range { low: added(of.low, low, *factor)?, high: added(of.high, high, *factor)? };
        }
        let Cells::Numbers { ranges, .. } = &self.cells[sum.variable] else { return Ok(true) };
        let set = self.of_mut(cube, sum.variable);
        for (cell, range) in ranges.iter().enumerate() {
            if bits::has(set, cell) && both(*range, of).is_empty() {
                bits::clear(set, cell);
            }
        }
        Ok(!bits::is_empty(set))
    }

    /// Two words that are known stand to each other as they do.
    pub(super) fn narrow_order(&self, cube: &mut Cube, order: &Derived) -> bool {
        let word = |variable: usize| {
            let mut set = bits::each(self.of(cube, variable));
            match (&self.cells[variable], set.next(), set.next()) {
                (Cells::Words(words), Some(only), None) => words.get(only),
                _ => None,
            }
        };
        let known = match (word(order.of[0].0), word(order.of[1].0)) {
            (Some(Words::Exactly(a)), Some(Words::Exactly(b))) => Some(a.cmp(b)),
            _ => None,
        };
        let set = self.of_mut(cube, order.variable);
        if let Some(known) = known {
            for (cell, order) in [Ordering::Less, Ordering::Equal, Ordering::Greater].into_iter().enumerate() {
                if order != known {
                    bits::clear(set, cell);
                }
            }
        }
        !bits::is_empty(set)
    }

    /// From the first to the last cell that is admitted.
    pub(super) fn hull(&self, cube: &Cube, variable: usize) -> Range {
        let Cells::Numbers { ranges, .. } = &self.cells[variable] else { return Range::default() };
        let set = self.of(cube, variable);
        let admitted = || (0..ranges.len()).filter(|cell| bits::has(set, *cell));
        Range {
            low: admitted().next().and_then(|first| ranges[first].low),
            high: admitted().next_back().and_then(|last| ranges[last].high),
        }
    }

    fn system(&self, cube: &Cube) -> System<'_> {
        let says =
            |sum: &&Derived| sum.is_sum && !self.may_be_missing(cube, sum.variable) && self.is_cut(cube, sum.variable);
        let sums: Vec<&Derived> = self.derived.iter().filter(says).collect();
        let mut columns: Vec<usize> = sums.iter().flat_map(|sum| sum.of.iter().map(|(v, _)| *v)).collect();
        columns.sort();
        columns.dedup();
        let variables = columns.iter().copied().chain(sums.iter().map(|sum| sum.variable));
        let limits = variables.map(|variable| self.hull(cube, variable)).collect();
        System { sums, columns, limits }
    }

    /// Whether sums and their parts fit together as far as their hulls tell. Where it is false, nobody is in the cube.
    pub(super) fn may_fit(&self, cube: &Cube, budget: &mut Budget) -> Result<bool, Undecided> {
        let system = self.system(cube);
        Ok(system.sums.is_empty() || system.numbers(budget)?.is_some())
    }

    /// Numbers for all that sums are made of, each in one of its cells, or nothing where there are none.
    pub(super) fn fit(&self, cube: &Cube, budget: &mut Budget) -> Result<Option<Vec<Fixed>>, Undecided> {
        let mut system = self.system(cube);
        if system.sums.is_empty() {
            return Ok(Some(vec![]));
        }
        let numbers = self.fit_within(cube, &mut system, budget)?;
        Ok(numbers.map(|numbers| system.fixed(&numbers)))
    }

    /// The same with numbers that people would choose, as far as those fit as well.
    pub(super) fn fit_nicely(&self, cube: &Cube, budget: &mut Budget) -> Result<Option<Vec<Fixed>>, Undecided> {
        let mut system = self.system(cube);
        let Some(mut numbers) = self.fit_within(cube, &mut system, budget)? else { return Ok(None) };
        for (column, variable) in system.columns.clone().into_iter().enumerate() {
            let before = system.limits[column];
            let known = numbers[column];
            for option in self.nice_numbers(cube, variable, Some(known)).chain([known]) {
                system.limits[column] = Range { low: closed(option), high: closed(option) };
                // Not being able to say is no reason to give up a choice that is there.
                if let Ok(Some(found)) = budget.ask(20_000, |part| self.fit_within(cube, &mut system, part)) {
                    numbers = found;
                    break;
                }
                system.limits[column] = before;
            }
        }
        Ok(Some(system.fixed(&numbers)))
    }

    /// Branches until every number lies on a step and in an admitted cell.
    fn fit_within(
        &self,
        cube: &Cube,
        system: &mut System,
        budget: &mut Budget,
    ) -> Result<Option<Vec<Rational>>, Undecided> {
        let Some(numbers) = system.numbers(budget)? else { return Ok(None) };
        let mut all = numbers.clone();
        for sum in &system.sums {
            let mut total = Rational::ZERO;
            for (part, factor) in &sum.of {
                total = total.plus(numbers[system.place(*part)].times(*factor)?)?;
            }
            all.push(total);
        }
        let variables: Vec<usize> =
            system.columns.iter().copied().chain(system.sums.iter().map(|sum| sum.variable)).collect();
        for (at, (variable, number)) in variables.into_iter().zip(all).enumerate() {
            budget.spend(1)?;
            let Some(Neighbours { below, above }) = self.neighbours(cube, variable, number)? else { continue };
            let before = system.limits[at];
            for side in [
                below.map(|end| Range { low: None, high: Some(end) }),
                above.map(|end| Range { low: Some(end), high: None }),
            ] {
                let Some(side) = side else { continue };
                system.limits[at] = both(before, side);
                if let Some(found) = self.fit_within(cube, system, budget)? {
                    system.limits[at] = before;
                    return Ok(Some(found));
                }
            }
            system.limits[at] = before;
            return Ok(None);
        }
        Ok(Some(numbers))
    }

    /// Nothing for a number that the variable may have; otherwise the nearest that it may, below and above.
    fn neighbours(&self, cube: &Cube, variable: usize, number: Rational) -> Result<Option<Neighbours>, Undecided> {
        let Cells::Numbers { ranges, step } = &self.cells[variable] else { return Ok(None) };
        let set = self.of(cube, variable);
        let (mut below, mut above) = (None, None);
        for (_, range) in ranges.iter().enumerate().filter(|(cell, _)| bits::has(set, *cell)) {
            if range.contains(number) {
                let Some(step) = step.filter(|step| !number.is_multiple_of(*step)) else { return Ok(None) };
                below = closed(number.floor_to(step)?);
                above = closed(number.ceil_to(step)?);
                break;
            }
            match (range.low, range.high) {
                (_, Some(high)) if high.at <= number => below = Some(high),
                (Some(low), _) if above.is_none() => above = Some(low),
                _ => {}
            }
        }
        Ok(Some(Neighbours { below, above }))
    }
}

impl System<'_> {
    fn place(&self, variable: usize) -> usize {
        self.columns.binary_search(&variable).expect("it is part of a sum of the system")
    }

    fn numbers(&self, budget: &mut Budget) -> Result<Option<Vec<Rational>>, Undecided> {
        let (columns, sums) = self.limits.split_at(self.columns.len());
        let rows = self.sums.iter().zip(sums).map(|(sum, range)| {
            let mut row = vec![Rational::ZERO; columns.len()];
            for (part, factor) in &sum.of {
                row[self.place(*part)] = *factor;
            }
            (row, *range)
        });
        solve(&Problem { columns: columns.to_vec(), rows: rows.collect() }, budget)
    }

    fn fixed(&self, numbers: &[Rational]) -> Vec<Fixed> {
        self.columns.iter().zip(numbers).map(|(variable, value)| Fixed { variable: *variable, value: *value }).collect()
    }
}

fn closed(at: Rational) -> Option<End> {
    Some(End { at, open: false })
}

fn added(end: Option<End>, other: Option<End>, factor: Rational) -> Result<Option<End>, Undecided> {
    Ok(match (end, other) {
        (Some(a), Some(b)) => Some(End { at: a.at.plus(b.at.times(factor)?)?, open: a.open || b.open }),
        _ => None,
    })
}

/// What lies in both.
pub(super) fn both(a: Range, b: Range) -> Range {
    let nearer = |a: Option<End>, b: Option<End>, high: bool| match (a, b) {
        (Some(a), Some(b)) if a.at == b.at => Some(End { at: a.at, open: a.open || b.open }),
        (Some(a), Some(b)) => Some(if (a.at > b.at) == high { b } else { a }),
        (a, b) => a.or(b),
    };
    Range { low: nearer(a.low, b.low, false), high: nearer(a.high, b.high, true) }
}

/// The steps that lie in a range.
pub(super) fn steps_within(range: Range, step: Option<Rational>) -> Result<Range, Undecided> {
    step.map_or(Ok(range), |step| on_steps(range, step))
}
