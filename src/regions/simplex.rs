//! Whether linear constraints can hold together, and numbers for which they do: the general simplex method with exact
//! fractions and Bland's rule, which always ends.
//!
//! Source: B. Dutertre and L. de Moura, A Fast Linear-Arithmetic Solver for DPLL(T), CAV 2006. Strict bounds are
//! `bound + nudge` for an endlessly small nudge, which gets a size at the end.

use super::rational::Rational;
use super::{Budget, Undecided};

/// One end of a range of numbers; an open end does not belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    pub at: Rational,
    pub open: bool,
}

/// From `low` to `high`, where there are any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Range {
    pub low: Option<End>,
    pub high: Option<End>,
}

/// Columns are free to choose within their ranges; each row is a sum of multiples of columns that has to lie in its own.
#[derive(Debug, Default)]
pub struct Problem {
    pub columns: Vec<Range>,
    pub rows: Vec<(Vec<Rational>, Range)>,
}

/// `value + nudges * nudge`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Near {
    value: Rational,
    nudges: Rational,
}

impl Near {
    const ZERO: Near = Near { value: Rational::ZERO, nudges: Rational::ZERO };

    fn plus(self, other: Near) -> Result<Near, Undecided> {
        Ok(Near { value: self.value.plus(other.value)?, nudges: self.nudges.plus(other.nudges)? })
    }

    fn minus(self, other: Near) -> Result<Near, Undecided> {
        Ok(Near { value: self.value.minus(other.value)?, nudges: self.nudges.minus(other.nudges)? })
    }

    fn times(self, factor: Rational) -> Result<Near, Undecided> {
        Ok(Near { value: self.value.times(factor)?, nudges: self.nudges.times(factor)? })
    }
}

impl Range {
    fn least(&self) -> Option<Near> {
        let nudges = |open| if open { Rational::ONE } else { Rational::ZERO };
        self.low.map(|end| Near { value: end.at, nudges: nudges(end.open) })
    }

    fn most(&self) -> Option<Near> {
        let nudges = |open| if open { Rational::whole(-1) } else { Rational::ZERO };
        self.high.map(|end| Near { value: end.at, nudges: nudges(end.open) })
    }

    pub fn is_empty(&self) -> bool {
        self.least().is_some_and(|least| self.most().is_some_and(|most| least > most))
    }

    pub fn contains(&self, x: Rational) -> bool {
        self.low.is_none_or(|low| if low.open { low.at < x } else { low.at <= x })
            && self.high.is_none_or(|high| if high.open { x < high.at } else { x <= high.at })
    }
}

/// Numbers for the columns that fulfil all constraints, or nothing where there are none.
pub fn solve(problem: &Problem, budget: &mut Budget) -> Result<Option<Vec<Rational>>, Undecided> {
    let ranges = || problem.columns.iter().chain(problem.rows.iter().map(|(_, range)| range));
    if ranges().any(Range::is_empty) {
        return Ok(None);
    }
    let bounds: Vec<(Option<Near>, Option<Near>)> = ranges().map(|range| (range.least(), range.most())).collect();
    let n = problem.columns.len();
    let mut values: Vec<Near> = bounds[..n].iter().map(|(least, most)| least.or(*most).unwrap_or(Near::ZERO)).collect();
    for (row, _) in &problem.rows {
        let mut sum = Near::ZERO;
        for (factor, value) in row.iter().zip(&values[..n]) {
            if !factor.is_zero() {
                sum = sum.plus(value.times(*factor)?)?;
            }
        }
        values.push(sum);
    }
    // `outside[i]` is the variable that row i of the table computes from those in `inside`.
    let mut outside: Vec<usize> = (n..values.len()).collect();
    let mut inside: Vec<usize> = (0..n).collect();
    let mut table: Vec<Vec<Rational>> = problem.rows.iter().map(|(row, _)| row.clone()).collect();
    loop {
        budget.spend(8 + table.len() * n)?;
        let below = |v: usize| bounds[v].0.filter(|least| values[v] < *least);
        let above = |v: usize| bounds[v].1.filter(|most| values[v] > *most);
        let broken = (0..outside.len())
            .filter_map(|row| below(outside[row]).or(above(outside[row])).map(|bound| (row, bound)))
            .min_by_key(|(row, _)| outside[*row]);
        let Some((row, bound)) = broken else {
            return Ok(Some(settled(&values[..n], &bounds, &values)?));
        };
        let rises = values[outside[row]] < bound;
        // A variable that can move to where the broken one comes nearer to its bound.
        let can_help = |column: &usize| {
            let (v, factor) = (inside[*column], table[row][*column]);
            !factor.is_zero()
                && if factor.is_positive() == rises {
                    bounds[v].1.is_none_or(|most| values[v] < most)
                } else {
                    bounds[v].0.is_none_or(|least| values[v] > least)
                }
        };
        let Some(column) = (0..n).filter(can_help).min_by_key(|column| inside[*column]) else {
            return Ok(None);
        };
        let factor = table[row][column];
        let missing = bound.minus(values[outside[row]])?;
        let step = missing.times(Rational::ONE.divided_by(factor)?)?;
        values[outside[row]] = bound;
        values[inside[column]] = values[inside[column]].plus(step)?;
        for other in (0..outside.len()).filter(|other| *other != row) {
            let v = outside[other];
            values[v] = values[v].plus(step.times(table[other][column])?)?;
        }
        pivot(&mut table, row, column)?;
        std::mem::swap(&mut outside[row], &mut inside[column]);
    }
}

/// Solves a row of the table for one of its columns, and puts that into the other rows.
fn pivot(table: &mut [Vec<Rational>], row: usize, column: usize) -> Result<(), Undecided> {
    let inverse = Rational::ONE.divided_by(table[row][column])?;
    let mut solved = table[row].clone();
    for (at, factor) in solved.iter_mut().enumerate() {
        *factor = if at == column { inverse } else { factor.times(inverse)?.negative()? };
    }
    for (other, factors) in table.iter_mut().enumerate() {
        let share = factors[column];
        if other == row || share.is_zero() {
            continue;
        }
        for (at, factor) in factors.iter_mut().enumerate() {
            let moved = share.times(solved[at])?;
            *factor = if at == column { moved } else { factor.plus(moved)? };
        }
    }
    table[row] = solved;
    Ok(())
}

/// The values with a nudge so small that all bounds still hold.
fn settled(
    columns: &[Near],
    bounds: &[(Option<Near>, Option<Near>)],
    values: &[Near],
) -> Result<Vec<Rational>, Undecided> {
    let mut nudge = Rational::ONE;
    for ((least, most), value) in bounds.iter().zip(values) {
        for (smaller, larger) in [(*least, Some(*value)), (Some(*value), *most)] {
            if let (Some(smaller), Some(larger)) = (smaller, larger)
                && smaller.nudges > larger.nudges
            {
                // Half of what would do: an open end is not reached.
                let room = larger.value.minus(smaller.value)?;
                let most = room.divided_by(smaller.nudges.minus(larger.nudges)?)?;
                nudge = nudge.min(most.divided_by(Rational::whole(2))?);
            }
        }
    }
    columns.iter().map(|near| near.value.plus(near.nudges.times(nudge)?)).collect()
}
