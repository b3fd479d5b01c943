//! The domain of a variable, cut into cells by the constants that it is compared with: within a cell all values answer
//! every question alike. A set of cells is a row of bits, and a cube has such a set for every variable.

use std::cmp::Ordering;

use super::domain::{Domain, Stretch};
use super::formula::Test;
use super::simplex::{End, Range};
use super::{Rational, Undecided};

/// The cells of a variable, in order, without the one for missing, which comes last where there is one.
#[derive(Debug, Clone)]
pub(super) enum Cells {
    Numbers {
        ranges: Vec<Range>,
        step: Option<Rational>,
    },
    Words(Vec<Words>),
    /// False, true.
    Truth,
    /// Less, equal, greater.
    Order,
}

/// Texts that answer alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Words {
    Exactly(String),
    /// All from the one to the other, both left out.
    Between(Option<String>, Option<String>),
    /// All that are none of the texts which are told apart by equality alone.
    Others,
}

/// Which cells of each variable are admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cube {
    pub(super) bits: Vec<u64>,
}

impl Cells {
    pub fn new(domain: &Domain, tests: &[&Test], is_order: bool) -> Result<Cells, Undecided> {
        Ok(match domain {
            _ if is_order => Cells::Order,
            Domain::Truth => Cells::Truth,
            Domain::Text => Cells::Words(words(tests)),
            Domain::Number(stretch) => {
                let mut cuts: Vec<Rational> = tests
                    .iter()
                    .filter_map(|test| if let Test::Number(_, constant) = test { Some(*constant) } else { None })
                    .collect();
                cuts.sort();
                cuts.dedup();
                let step = stretch.step.filter(|step| step.is_positive());
                Cells::Numbers { ranges: ranges(&cuts, *stretch)?, step }
            }
        })
    }

    pub fn len(&self) -> usize {
        match self {
            Cells::Numbers { ranges, .. } => ranges.len(),
            Cells::Words(words) => words.len(),
            Cells::Truth => 2,
            Cells::Order => 3,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the values of a cell are what a test asks for.
    pub fn answer(&self, cell: usize, test: &Test) -> bool {
        match (self, test) {
            (Cells::Numbers { ranges, .. }, Test::Number(comparator, constant)) => {
                comparator.holds(side(&ranges[cell], *constant))
            }
            (Cells::Words(words), Test::Word(comparator, constant)) => {
                let order = match &words[cell] {
                    Words::Exactly(word) => word.cmp(constant),
                    Words::Between(_, Some(high)) if high <= constant => Ordering::Less,
                    Words::Between(..) => Ordering::Greater,
                    // Compared for equality alone.
                    Words::Others => Ordering::Greater,
                };
                comparator.holds(order)
            }
            (Cells::Truth, Test::Truth(truth)) => (cell == 1) == *truth,
            (Cells::Order, Test::Order(comparator)) => {
                comparator.holds([Ordering::Less, Ordering::Equal, Ordering::Greater][cell])
            }
            _ => false,
        }
    }
}

/// On which side of a constant, which is one of the cuts, a cell lies.
fn side(range: &Range, constant: Rational) -> Ordering {
    match (range.low, range.high) {
        (Some(low), Some(high)) if low.at == constant && high.at == constant => Ordering::Equal,
        (_, Some(high)) if high.at <= constant => Ordering::Less,
        _ => Ordering::Greater,
    }
}

/// The cuts themselves and what lies between them, without cells in which no value lies.
fn ranges(cuts: &[Rational], stretch: Stretch) -> Result<Vec<Range>, Undecided> {
    let point = |at: Rational| Some(End { at, open: false });
    let beside = |at: Rational| Some(End { at, open: true });
    let mut all = vec![];
    let mut below = None;
    for cut in cuts {
        all.push(Range { low: below.and_then(beside), high: beside(*cut) });
        all.push(Range { low: point(*cut), high: point(*cut) });
        below = Some(*cut);
    }
    all.push(Range { low: below.and_then(beside), high: None });
    let mut kept = vec![];
    for range in all {
        let low = nearer(range.low, stretch.low.and_then(point), |a, b| a > b);
        let high = nearer(range.high, stretch.high.and_then(point), |a, b| a < b);
        let mut range = Range { low, high };
        if let Some(step) = stretch.step.filter(|step| step.is_positive()) {
            range = on_steps(range, step)?;
        }
        if !range.is_empty() {
            kept.push(range);
        }
    }
    Ok(kept)
}

/// The end that admits less; of two at one place the open one.
fn nearer(a: Option<End>, b: Option<End>, is_nearer: impl Fn(Rational, Rational) -> bool) -> Option<End> {
    match (a, b) {
        (Some(a), Some(b)) if a.at == b.at => Some(End { at: a.at, open: a.open || b.open }),
        (Some(a), Some(b)) => Some(if is_nearer(a.at, b.at) { a } else { b }),
        (a, b) => a.or(b),
    }
}

/// From the first step to the last one inside.
pub(super) fn on_steps(range: Range, step: Rational) -> Result<Range, Undecided> {
    let low = match range.low {
        Some(End { at, open: true }) => Some(at.floor_to(step)?.plus(step)?),
        Some(End { at, .. }) => Some(at.ceil_to(step)?),
        None => None,
    };
    let high = match range.high {
        Some(End { at, open: true }) => Some(at.ceil_to(step)?.minus(step)?),
        Some(End { at, .. }) => Some(at.floor_to(step)?),
        None => None,
    };
    let closed = |at| End { at, open: false };
    Ok(Range { low: low.map(closed), high: high.map(closed) })
}

fn words(tests: &[&Test]) -> Vec<Words> {
    let mut ordered = false;
    let mut words: Vec<&String> = vec![];
    for test in tests {
        if let Test::Word(comparator, word) = test {
            use crate::expr::Comparator::{Equal, NotEqual};
            ordered |= !matches!(comparator, Equal | NotEqual);
            words.push(word);
        }
    }
    words.sort();
    words.dedup();
    if !ordered {
        return words.into_iter().cloned().map(Words::Exactly).chain([Words::Others]).collect();
    }
    let mut cells = vec![];
    let mut below: Option<&String> = None;
    for word in words {
        // Nothing comes before the empty text, nor between a text and the same with the smallest character after it.
        let adjacent = below.map_or(word.is_empty(), |below| format!("{below}\0") == *word);
        if !adjacent {
            cells.push(Words::Between(below.cloned(), Some(word.clone())));
        }
        cells.push(Words::Exactly(word.clone()));
        below = Some(word);
    }
    cells.push(Words::Between(below.cloned(), None));
    cells
}

/// Sets of cells as bits.
pub(super) mod bits {
    pub fn overlap(a: &[u64], b: &[u64]) -> bool {
        a.iter().zip(b).any(|(a, b)| a & b != 0)
    }

    pub fn within(a: &[u64], b: &[u64]) -> bool {
        a.iter().zip(b).all(|(a, b)| a & !b == 0)
    }

    pub fn is_empty(a: &[u64]) -> bool {
        a.iter().all(|a| *a == 0)
    }

    pub fn has(a: &[u64], bit: usize) -> bool {
        a[bit / 64] >> (bit % 64) & 1 == 1
    }

    pub fn set(a: &mut [u64], bit: usize) {
        a[bit / 64] |= 1 << (bit % 64);
    }

    pub fn clear(a: &mut [u64], bit: usize) {
        a[bit / 64] &= !(1 << (bit % 64));
    }

    pub fn each(a: &[u64]) -> impl Iterator<Item = usize> + '_ {
        (0..a.len() * 64).filter(|bit| has(a, *bit))
    }

    pub fn count(a: &[u64]) -> usize {
        a.iter().map(|a| a.count_ones() as usize).sum()
    }
}
