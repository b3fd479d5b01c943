//! Cells in words, as they could stand in a rule: `r in 1..2 and f = 1`.

use std::cmp::Ordering;

use super::cells::{Cells, Cube, Words, bits};
use super::draft::{Subject, after_all_with};
use super::formula::Formula;
use super::search::Model;
use super::simplex::Range;
use super::space::Space;
use super::{Budget, Rational, Undecided};
use crate::eval::Value;
use crate::time::{DAY, iso};
use crate::types::Base;

impl Space<'_> {
    /// The cells around a model in which the goals still hold everywhere: variables that don't matter are left out, the
    /// others reach as far as they can.
    pub fn widened(&self, model: &Model, goals: &[&Formula], budget: &mut Budget) -> Result<Cube, Undecided> {
        let mut cube = model.cube.clone();
        let whole = self.whole();
        let mut holds = |cube: &Cube| -> Result<bool, Undecided> {
            for goal in goals {
                if !self.holds_throughout(goal, cube, budget)? {
                    return Ok(false);
                }
            }
            Ok(true)
        };
        // What was said first is kept longest.
        let cut = |cube: &Cube| (0..self.variables.len()).rev().filter(|v| !self.is_full(cube, *v)).collect::<Vec<_>>();
        for variable in cut(&cube) {
            let mut wider = cube.clone();
            self.of_mut(&mut wider, variable).copy_from_slice(self.of(&whole, variable));
            if holds(&wider)? {
                cube = wider;
            }
        }
        for variable in cut(&cube).into_iter().rev() {
            self.run_around(&mut cube, variable, model);
            let count = self.cells[variable].len();
            // Beyond a cell that can't be added to a run, none can.
            let set = self.of(&cube, variable);
            let Some(start) = (0..count).find(|cell| bits::has(set, *cell)) else { continue };
            let is_run = matches!(self.cells[variable], Cells::Numbers { .. });
            for beyond in [(0..start).rev().collect::<Vec<usize>>(), (start..count).collect()] {
                for cell in beyond {
                    if bits::has(self.of(&cube, variable), cell) {
                        continue;
                    }
                    let mut wider = cube.clone();
                    bits::set(self.of_mut(&mut wider, variable), cell);
                    if holds(&wider)? {
                        cube = wider;
                    } else if is_run {
                        break;
                    }
                }
            }
        }
        Ok(cube)
    }

    /// Keeps the cells of a number that hang together with the first of them, so that the region is one stretch.
    fn run_around(&self, cube: &mut Cube, variable: usize, model: &Model) {
        let Cells::Numbers { .. } = &self.cells[variable] else { return };
        let fixed = self.number_of(model, variable);
        let count = self.cells[variable].len();
        let missing = self.missing(variable);
        let set = self.of(cube, variable).to_vec();
        let holds = |cell: usize| bits::has(&set, cell);
        let home = (0..count).find(|cell| {
            holds(*cell) && fixed.is_none_or(|x| self.range(variable, *cell).is_some_and(|range| range.contains(x)))
        });
        let Some(home) = home.or_else(|| (0..count).find(|cell| holds(*cell))) else { return };
        let first = (0..=home).rev().take_while(|cell| holds(*cell)).last().unwrap_or(home);
        let last = (home..count).take_while(|cell| holds(*cell)).last().unwrap_or(home);
        let set = self.of_mut(cube, variable);
        for cell in (0..count).filter(|cell| !(first..=last).contains(cell)) {
            bits::clear(set, cell);
        }
        if let Some(missing) = missing {
            bits::clear(set, missing);
        }
    }

    /// The number that a model has for a variable, or for the sum that it is.
    fn number_of(&self, model: &Model, variable: usize) -> Option<Rational> {
        let of = |variable: usize| model.fixed.iter().find(|fixed| fixed.variable == variable).map(|f| f.value);
        match &self.variables[variable].subject {
            Subject::Sum(terms) => terms
                .iter()
                .try_fold(Rational::ZERO, |total, (part, factor)| total.plus(of(*part)?.times(*factor).ok()?).ok()),
            _ => of(variable),
        }
    }

    fn range(&self, variable: usize, cell: usize) -> Option<Range> {
        match &self.cells[variable] {
            Cells::Numbers { ranges, .. } => ranges.get(cell).copied(),
            _ => None,
        }
    }

    /// A cube in words; nothing for everybody.
    pub fn describe(&self, cube: &Cube, currency: Option<&str>) -> Vec<String> {
        // How a text looks that is not there is of no interest.
        let looks_like_nothing = |variable: &usize| matches!(self.variables[*variable].subject, Subject::Looks(of, ..) if !self.may_be_there(cube, of));
        let cut = (0..self.variables.len()).filter(|variable| !self.is_full(cube, *variable));
        cut.filter(|variable| !looks_like_nothing(variable))
            .map(|variable| self.describe_variable(cube, variable, currency))
            .collect()
    }

    /// The names that a description speaks of.
    pub fn names_in(&self, cube: &Cube) -> Vec<String> {
        let mut names = vec![];
        let mut open: Vec<usize> = (0..self.variables.len()).filter(|v| !self.is_full(cube, *v)).collect();
        while let Some(variable) = open.pop() {
            let known = &self.variables[variable];
            match &known.subject {
                Subject::Sum(of) => open.extend(of.iter().map(|(part, _)| *part)),
                Subject::Order(a, b) => open.extend([*a, *b]),
                Subject::Looks(of, ..) => open.push(*of),
                Subject::Free(_) => open.extend(&known.inputs),
                Subject::Own(_) | Subject::Everyone(_) | Subject::AsOf => names.push(known.words.clone()),
            }
        }
        names
    }

    fn describe_variable(&self, cube: &Cube, variable: usize, currency: Option<&str>) -> String {
        let set = self.of(cube, variable);
        let admitted: Vec<usize> = (0..self.cells[variable].len()).filter(|cell| bits::has(set, *cell)).collect();
        // What a text does not look like, a text that is not there does not look like either.
        let (missing, names) = match &self.variables[variable].subject {
            Subject::Looks(of, ..) => {
                let unlike = bits::has(set, 0) && self.may_be_missing(cube, *of);
                (unlike, vec![self.variables[*of].words.as_str()])
            }
            _ => (self.may_be_missing(cube, variable), self.names(variable)),
        };
        let absent = || {
            let parts = names.iter().map(|name| format!("{name} is missing")).collect::<Vec<_>>();
            let several = parts.len() > 1 && (!admitted.is_empty());
            if several { format!("({})", parts.join(" or ")) } else { parts.join(" or ") }
        };
        if admitted.is_empty() {
            return absent();
        }
        let there = if admitted.len() == self.cells[variable].len() {
            let parts: Vec<String> = names.iter().map(|name| format!("{name} is not missing")).collect();
            if missing { return String::new() } else { return parts.join(" and ") }
        } else {
            match &self.cells[variable] {
                Cells::Numbers { ranges, step } => self.numbers(variable, ranges, *step, &admitted, currency),
                Cells::Words(words) => texts(&self.variables[variable].words, words, &admitted),
                Cells::Truth => {
                    let words = &self.variables[variable].words;
                    let plain = words.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.');
                    match (admitted == [1], plain) {
                        (true, _) => words.clone(),
                        (false, true) => format!("not {words}"),
                        (false, false) => format!("not ({words})"),
                    }
                }
                Cells::Order => {
                    let symbol = match admitted.as_slice() {
                        [0] => "<",
                        [1] => "=",
                        [2] => ">",
                        [0, 1] => "<=",
                        [1, 2] => ">=",
                        _ => "!=",
                    };
                    format!("{} {symbol} {}", names[0], names[1])
                }
            }
        };
        if missing { format!("({there} or {})", absent()) } else { there }
    }

    /// The variable, or those that it compares.
    fn names(&self, variable: usize) -> Vec<&str> {
        match &self.variables[variable].subject {
            Subject::Sum(of) => {
                let parts = of.iter().filter(|(part, _)| self.variables[*part].may_be_missing);
                let parts: Vec<&str> = parts.map(|(part, _)| self.variables[*part].words.as_str()).collect();
                if parts.is_empty() { vec![self.variables[of[0].0].words.as_str()] } else { parts }
            }
            Subject::Order(a, b) => vec![&self.variables[*a].words, &self.variables[*b].words],
            _ => vec![&self.variables[variable].words],
        }
    }

    fn numbers(
        &self,
        variable: usize,
        ranges: &[Range],
        step: Option<Rational>,
        admitted: &[usize],
        currency: Option<&str>,
    ) -> String {
        let mut runs: Vec<(usize, usize)> = vec![];
        for cell in admitted {
            match runs.last_mut() {
                Some((_, last)) if *last + 1 == *cell => *last = *cell,
                _ => runs.push((*cell, *cell)),
            }
        }
        let of = &self.variables[variable];
        let value = |x: Rational| number_in_words(x, of.base, currency);
        let compared = |symbol: &str, x: Rational| match &of.subject {
            Subject::Sum(terms) => self.sum_in_words(terms, symbol, x, of.base, currency),
            _ if x.is_decimal() || !of.base.is_plain() => format!("{} {symbol} {}", of.words, value(x)),
            _ => self.sum_in_words(&[(variable, Rational::ONE)], symbol, x, of.base, currency),
        };
        let is_sum = matches!(of.subject, Subject::Sum(_));
        let first = |run: &(usize, usize)| ranges[run.0].low;
        let last = |run: &(usize, usize)| ranges[run.1].high;
        let point = |run: &(usize, usize)| match (first(run), last(run)) {
            (Some(low), Some(high)) if low.at == high.at => Some(low.at),
            _ => None,
        };
        let points: Option<Vec<Rational>> = runs.iter().map(point).collect();
        match points.as_deref() {
            Some([only]) => return compared("=", *only),
            Some(points) if !is_sum => {
                let list: Vec<String> = points.iter().map(|x| value(*x)).collect();
                return format!("{} in [{}]", of.words, list.join(", "));
            }
            _ => {}
        }
        if let [low, high] = runs.as_slice()
            && (low.0, high.1, low.1 + 2) == (0, ranges.len() - 1, high.0)
            && let (Some(from), Some(to)) = (ranges[low.1 + 1].low, ranges[low.1 + 1].high)
            && from.at == to.at
        {
            return compared("!=", from.at);
        }
        let words: Vec<String> = runs
            .iter()
            .map(|run| {
                // An end that is the end of the domain goes without saying, save for short scales.
                let scale = matches!(of.base, Base::Score(_)) && !is_sum;
                let low = first(run).filter(|_| run.0 > 0 || scale);
                let high = last(run).filter(|_| run.1 + 1 < ranges.len() || scale);
                match (low, high) {
                    _ if point(run).is_some() => compared("=", point(run).expect("it is a point")),
                    (Some(low), Some(high)) if step.is_some() && !is_sum => {
                        format!("{} in {}..{}", of.words, value(low.at), value(high.at))
                    }
                    (Some(low), Some(high)) => {
                        let low = compared(if low.open { ">" } else { ">=" }, low.at);
                        format!("{low} and {}", compared(if high.open { "<" } else { "<=" }, high.at))
                    }
                    (Some(low), None) => compared(if low.open { ">" } else { ">=" }, low.at),
                    (None, Some(high)) => compared(if high.open { "<" } else { "<=" }, high.at),
                    (None, None) => format!("{} is not missing", of.words),
                }
            })
            .collect();
        if let [only] = words.as_slice() { only.clone() } else { format!("({})", words.join(" or ")) }
    }

    /// `recency < all.recency + 30 days`: what is taken away stands on the other side.
    fn sum_in_words(
        &self,
        terms: &[(usize, Rational)],
        symbol: &str,
        constant: Rational,
        base: Base,
        currency: Option<&str>,
    ) -> String {
        // A third has no end as a decimal; thrice as much on both sides does.
        let mut scale = Rational::ONE;
        for factor in terms.iter().map(|(_, factor)| *factor).chain([constant]) {
            if let Ok(scaled) = factor.times(scale)
                && !scaled.is_decimal()
            {
                scale = scale.times(Rational::whole(scaled.denominator())).unwrap_or(scale);
            }
        }
        let constant = constant.times(scale).unwrap_or(constant);
        let terms: Vec<(usize, Rational)> =
            terms.iter().map(|(part, factor)| (*part, factor.times(scale).unwrap_or(*factor))).collect();
        let side = |negative: bool| {
            let of_side = terms.iter().filter(|(_, factor)| factor.is_negative() == negative);
            let words = of_side.map(|(part, factor)| {
                let factor = if negative { factor.negative().unwrap_or(*factor) } else { *factor };
                let name = &self.variables[*part].words;
                if factor == Rational::ONE { name.clone() } else { format!("{factor} * {name}") }
            });
            words.collect::<Vec<_>>().join(" + ")
        };
        let (left, right) = (side(false), side(true));
        let right = match (right.is_empty(), constant.cmp(&Rational::ZERO)) {
            (true, _) => number_in_words(constant, base, currency),
            (false, Ordering::Equal) => right,
            (false, Ordering::Greater) => format!("{right} + {}", difference_in_words(constant, base, currency)),
            (false, Ordering::Less) => {
                let less = constant.negative().unwrap_or(constant);
                format!("{right} - {}", difference_in_words(less, base, currency))
            }
        };
        format!("{left} {symbol} {right}")
    }
}

fn texts(name: &str, words: &[Words], admitted: &[usize]) -> String {
    let listed = |cells: Vec<&Words>| -> Option<Vec<String>> {
        let words = cells.into_iter().map(|cell| match cell {
            Words::Exactly(word) => Some(format!("{word:?}")),
            _ => None,
        });
        words.collect()
    };
    let inside = listed(admitted.iter().map(|cell| &words[*cell]).collect());
    let outside = listed((0..words.len()).filter(|cell| !admitted.contains(cell)).map(|cell| &words[cell]).collect());
    match (inside.as_deref(), outside.as_deref()) {
        (Some([only]), _) => format!("{name} = {only}"),
        (Some(list), _) => format!("{name} in [{}]", list.join(", ")),
        (None, Some([only])) => format!("{name} != {only}"),
        (None, Some(list)) => format!("{name} not in [{}]", list.join(", ")),
        (None, None) => {
            let mut runs: Vec<(usize, usize)> = vec![];
            for cell in admitted {
                match runs.last_mut() {
                    Some((_, last)) if *last + 1 == *cell => *last = *cell,
                    _ => runs.push((*cell, *cell)),
                }
            }
            let parts: Vec<String> = runs.iter().map(|(first, last)| text_run(name, words, *first, *last)).collect();
            if let [only] = parts.as_slice() { only.clone() } else { format!("({})", parts.join(" or ")) }
        }
    }
}

/// All texts from one cell to another.
fn text_run(name: &str, words: &[Words], first: usize, last: usize) -> String {
    let (low, from) = match &words[first] {
        Words::Exactly(word) => (">=", Some(word)),
        Words::Between(low, _) => (">", low.as_ref()),
        Words::Others => return format!("{name} is not missing"),
    };
    let (high, to) = match &words[last] {
        Words::Exactly(word) => ("<=", Some(word)),
        Words::Between(_, high) => ("<", high.as_ref()),
        Words::Others => return format!("{name} is not missing"),
    };
    match (from, to) {
        (Some(from), Some(to)) if from == to => format!("{name} = {from:?}"),
        (Some(start), to) if (low, high) == (">=", "<") && to.cloned() == after_all_with(start) => {
            format!("{name} starts with {start:?}")
        }
        (Some(from), Some(to)) => format!("{name} {low} {from:?} and {name} {high} {to:?}"),
        (Some(from), None) => format!("{name} {low} {from:?}"),
        (None, Some(to)) => format!("{name} {high} {to:?}"),
        (None, None) => format!("{name} is not missing"),
    }
}

/// A value as it is written in a spec.
pub(crate) fn value_in_words(value: &Value, base: Base, currency: Option<&str>) -> String {
    match value {
        Value::Missing => "missing".to_owned(),
        Value::Bool(b) => b.to_string(),
        Value::Text(text) => crate::expr::quoted(text),
        Value::Number(x) => match decimal(*x) {
            Some(number) => number_in_words(number, base, currency),
            None => x.to_string(),
        },
    }
}

/// The decimal that a number stands for: 0.1 for what is nearest to 0.1.
fn decimal(x: f64) -> Option<Rational> {
    let text = format!("{x}");
    let (sign, digits) = text.strip_prefix('-').map_or((1, text.as_str()), |digits| (-1, digits));
    let decimal = crate::expr::Decimal::parse(digits)?;
    Rational::new(i128::from(decimal.units) * sign, 10i128.pow(u32::from(decimal.scale)))
}

/// A number in base units as it is written in a spec.
pub(crate) fn number_in_words(x: Rational, base: Base, currency: Option<&str>) -> String {
    match base {
        Base::Money => format!("{x} {}", currency.unwrap_or("EUR")),
        Base::Duration => span(x),
        Base::Share => x.times(Rational::whole(100)).map_or(x.to_string(), |percent| format!("{percent}%")),
        Base::Date | Base::Datetime => {
            let text = iso(x.to_f64() as i64);
            let midnight = x.is_multiple_of(Rational::whole(DAY));
            format!("@{}", if midnight { text.get(..10).unwrap_or(&text) } else { &text })
        }
        _ => x.to_string(),
    }
}

/// What is added to a time is a span.
fn difference_in_words(x: Rational, base: Base, currency: Option<&str>) -> String {
    if base.is_time() { span(x) } else { number_in_words(x, base, currency) }
}

/// In the largest unit of which it is a short decimal.
fn span(x: Rational) -> String {
    let units = [(86_400_000_000, "days"), (3_600_000_000, "hours"), (60_000_000, "minutes"), (1_000_000, "seconds")];
    for (micros, name) in units {
        let Ok(count) = x.divided_by(Rational::whole(micros)) else { continue };
        if count.times(Rational::whole(2)).is_ok_and(Rational::is_whole) || name == "seconds" {
            return format!("{count} {name}");
        }
    }
    format!("{x} microseconds")
}
