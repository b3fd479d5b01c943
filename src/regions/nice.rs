//! Values that a person would choose as an example: whole tens of euros, full days.

use super::Rational;
use super::cells::{Cells, Cube, Words, bits};
use super::draft::Subject;
use super::linear::steps_within;
use super::simplex::Range;
use super::space::Space;
use crate::expr::TextVerb;
use crate::time::DAY;
use crate::types::Base;

/// A cell with no more values than this is tried in full.
const FEW: usize = 12;

impl Space<'_> {
    /// Values of a variable from its admitted cells, the nearest to `near` first where it is given; each is worked out
    /// when it is asked for, since mostly the first will do.
    pub(super) fn nice_numbers<'s>(
        &'s self,
        cube: &'s Cube,
        variable: usize,
        near: Option<Rational>,
    ) -> impl Iterator<Item = Rational> + 's {
        let (ranges, step) = match &self.cells[variable] {
            Cells::Numbers { ranges, step } => (ranges.as_slice(), *step),
            _ => (&[][..], None),
        };
        let set = self.of(cube, variable);
        let base = self.variables[variable].base;
        let units = units(base);
        let mut nearest = vec![];
        if let Some(near) = near {
            for unit in units.iter().filter(|unit| **unit <= Rational::ONE.max(one(base))).take(4) {
                nearest.extend([near.floor_to(*unit), near.ceil_to(*unit)].into_iter().flatten());
            }
        }
        let admitted =
            move || ranges.iter().enumerate().filter(|(cell, _)| bits::has(set, *cell)).map(|(_, range)| range);
        let others = admitted().filter_map(move |range| simplest(*range, step, base, &units));
        let mut seen = vec![];
        nearest.into_iter().chain(others).filter(move |x| {
            let fits = step.is_none_or(|step| x.is_multiple_of(step)) && admitted().any(|range| range.contains(*x));
            fits && !seen.contains(x) && {
                seen.push(*x);
                true
            }
        })
    }

    /// More values, to try what a formula does not say.
    pub(super) fn more_numbers(&self, cube: &Cube, variable: usize) -> Vec<Rational> {
        let mut options: Vec<Rational> = self.nice_numbers(cube, variable, None).collect();
        let Cells::Numbers { ranges, step } = &self.cells[variable] else { return options };
        let set = self.of(cube, variable);
        let one = one(self.variables[variable].base);
        for (_, range) in ranges.iter().enumerate().filter(|(cell, _)| bits::has(set, *cell)) {
            let mut more: Vec<Rational> =
                [0, 1, 2, 5, 10, 100, 1000].iter().filter_map(|n| one.times(Rational::whole(*n)).ok()).collect();
            more.extend([range.low, range.high].into_iter().flatten().map(|end| end.at));
            if let (Some(low), Some(step)) = (range.low, step) {
                more.extend((0..FEW as i64).filter_map(|n| step.times(Rational::whole(n)).ok()?.plus(low.at).ok()));
            }
            more.retain(|x| range.contains(*x) && step.is_none_or(|step| x.is_multiple_of(step)));
            for x in more {
                if !options.contains(&x) {
                    options.push(x);
                }
            }
        }
        options.truncate(4 * FEW);
        options
    }

    /// Texts from the admitted cells of a variable.
    pub(super) fn nice_texts(&self, cube: &Cube, variable: usize) -> Vec<String> {
        let Cells::Words(words) = &self.cells[variable] else { return vec![] };
        let set = self.of(cube, variable);
        let invented = self.invented(variable);
        let mut options = vec![];
        for (_, cell) in words.iter().enumerate().filter(|(cell, _)| bits::has(set, *cell)) {
            match cell {
                Words::Exactly(word) => options.push(word.clone()),
                Words::Others => {
                    let known = |text: &String| words.contains(&Words::Exactly(text.clone()));
                    options.extend(invented.iter().filter(|text| !known(text)).cloned());
                }
                Words::Between(low, high) => {
                    let starts = [low.clone().unwrap_or_default(), " ".to_owned(), "0".to_owned()];
                    let longer =
                        starts.iter().flat_map(|start| invented.iter().map(move |end| format!("{start}{end}")));
                    let longer = longer.chain(starts.iter().map(|start| format!("{start}\0")));
                    let inside = |text: &String| {
                        low.as_ref().is_none_or(|low| text > low) && high.as_ref().is_none_or(|high| text < high)
                    };
                    options.extend(invented.iter().cloned().chain(longer).chain([String::new()]).filter(inside));
                }
            }
        }
        options
    }

    /// Texts that look as conditions ask for.
    fn invented(&self, variable: usize) -> Vec<String> {
        let mut texts = vec!["other".to_owned(), "another".to_owned()];
        let looks = || {
            self.variables.iter().filter_map(|v| match &v.subject {
                Subject::Looks(of, verb, pattern) if *of == variable && *verb != TextVerb::Matches => {
                    Some((*verb, pattern.as_str()))
                }
                _ => None,
            })
        };
        texts.extend(looks().map(|(_, pattern)| pattern.to_owned()));
        let of = |verb: TextVerb| looks().filter(move |(v, _)| *v == verb).map(|(_, pattern)| pattern).chain([""]);
        for start in of(TextVerb::StartsWith) {
            for middle in of(TextVerb::Contains) {
                for end in of(TextVerb::EndsWith) {
                    texts.extend(["", "x"].map(|between| format!("{start}{between}{middle}{between}{end}")));
                }
            }
        }
        texts.extend(["A", "M", "Z", "a", "m", "z", "0"].map(str::to_owned));
        texts.dedup();
        texts.truncate(32);
        texts
    }
}

/// The number of a range that is said most easily.
fn simplest(range: Range, step: Option<Rational>, base: Base, units: &[Rational]) -> Option<Rational> {
    let range = steps_within(range, step).ok()?;
    let closed = |end: super::simplex::End| (!end.open).then_some(end.at);
    if let Some(end) = range.low.and_then(closed).or(range.high.and_then(closed)) {
        return Some(end);
    }
    let room = match (range.low, range.high) {
        (None, None) => return Some(Rational::ZERO),
        (Some(low), Some(high)) => high.at.minus(low.at).ok()?.divided_by(Rational::whole(2)).ok()?,
        (Some(end), None) | (None, Some(end)) => {
            let size = if end.at.is_negative() { end.at.negative().ok()? } else { end.at };
            size.divided_by(Rational::whole(5)).ok()?.max(one(base))
        }
    };
    let unit = units.iter().copied().find(|unit| *unit <= room).unwrap_or(room);
    match (range.low, range.high) {
        (Some(low), _) => low.at.floor_to(unit).and_then(|at| at.plus(unit)).ok(),
        (None, Some(high)) => high.at.ceil_to(unit).and_then(|at| at.minus(unit)).ok(),
        (None, None) => Some(Rational::ZERO),
    }
}

/// What counts as one in a unit.
fn one(base: Base) -> Rational {
    match base {
        Base::Duration | Base::Date | Base::Datetime => Rational::whole(DAY),
        Base::Share => Rational::new(1, 100).unwrap_or(Rational::ONE),
        _ => Rational::ONE,
    }
}

/// Steps in which people count, the largest first.
fn units(base: Base) -> Vec<Rational> {
    let decimals = |one: i64, largest: u32| {
        (0..=largest).rev().flat_map(move |power| [5, 1].map(|n| Rational::whole(n * one * 10i64.pow(power))))
    };
    if one(base) == Rational::whole(DAY) {
        let smaller = [43_200, 21_600, 3_600, 600, 60, 1].map(|seconds| Rational::whole(seconds * 1_000_000));
        return decimals(DAY, 4).chain(smaller).chain([Rational::whole(1_000), Rational::ONE]).collect();
    }
    let fractions = (1..=9).flat_map(|power| [5, 1].map(|n| Rational::new(n, 10i128.pow(power))));
    decimals(1, 9).chain(fractions.flatten()).collect()
}
