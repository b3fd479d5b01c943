//! Looks at every row or customer for what the tests of a spec expect of it.
//!
//! A comparison with a missing value is unknown: such a row is counted neither for nor against; whether values are there
//! is an expectation of its own.

use std::collections::{BTreeMap, HashMap};

use polars::prelude::{IdxCa, IdxSize};

use super::ExecError;
use super::customers::{Customers, Values};
use super::labels::{Profile, Typical};
use super::ledger::{Settled, cell};
use super::relation::{ROW, Relation, column_data};
use super::rows::Lowering;
use crate::eval::{Value, eval, truth};
use crate::plan::expr::Expr;
use crate::plan::{Asks, Expectation, Plan};
use crate::spec::Each;
use crate::table::ColumnData;
use crate::types::Base;

/// What became of one expectation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Look {
    /// Rows or customers for which it holds, for which it doesn't, and of which that is unknown.
    pub holds: u64,
    pub fails: u64,
    pub unknown: u64,
    /// The first of those for which it doesn't: rows in the order of the source, customers by id.
    pub examples: Vec<Example>,
}

/// A row or customer that is not as expected.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    pub who: Who,
    /// The one that it repeats, where none should.
    pub repeats: Option<Who>,
    /// The values that the expectation speaks of.
    pub values: Vec<(String, Value, Base)>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Who {
    /// The place of a row among those that were read from the source, from 0.
    Row(usize),
    Customer(String),
}

/// Examples that are kept of one expectation.
const EXAMPLES: usize = 5;

/// How each one answered: true, false, unknown. With the one that it repeats, where that is the question.
struct Answers {
    truths: Vec<Option<bool>>,
    repeats: BTreeMap<usize, usize>,
}

/// One per expectation of the plan.
pub(super) fn look(
    plan: &Plan,
    settled: &Settled,
    customers: &Customers,
    everyone: &Typical,
) -> Result<Vec<Look>, ExecError> {
    let one = |expectation: &Expectation| match expectation.of {
        Each::Row => {
            Rows { relation: &settled.relation, as_of: settled.as_of, customer: &plan.customer }.look(expectation)
        }
        Each::Customer => Ok(People::new(customers, everyone, settled.as_of).look(expectation)),
    };
    plan.expectations.iter().map(one).collect()
}

/// Rows that are used.
struct Rows<'a> {
    relation: &'a Relation,
    as_of: Option<i64>,
    customer: &'a str,
}

impl Rows<'_> {
    fn look(&self, expectation: &Expectation) -> Result<Look, ExecError> {
        let answers = match &expectation.asks {
            Asks::Holds(condition) => match self.cells(condition)? {
                ColumnData::Bool(cells) => Answers::of(cells.iter().collect()),
                // `missing` itself is no truth.
                _ => Answers::of(vec![None; self.relation.height()]),
            },
            Asks::Unique(values) => {
                let columns = values.iter().map(|value| Ok(codes(&self.cells(value)?)));
                repeats(&columns.collect::<Result<Vec<_>, ExecError>>()?, self.relation.height())
            }
        };
        let mut look = answers.counted();
        for (at, earlier) in answers.against() {
            look.examples.push(self.example(at, earlier, expectation)?);
        }
        Ok(look)
    }

    fn cells(&self, value: &Expr) -> Result<ColumnData, ExecError> {
        let lowered = Lowering { relation: self.relation, as_of: self.as_of }.lower(value);
        column_data(&self.relation.column_of(lowered.expr)?, lowered.repr)
    }

    fn example(&self, at: usize, earlier: Option<usize>, expectation: &Expectation) -> Result<Example, ExecError> {
        let values = mentions(expectation).into_iter().map(|(name, _, base)| (name, base));
        let mut wanted: Vec<(String, Base)> = values.collect();
        if !wanted.iter().any(|(name, _)| name == self.customer) {
            wanted.push((self.customer.to_owned(), Base::Id));
        }
        let row = self.relation.frame.take(&IdxCa::from_vec("row".into(), vec![at as IdxSize]))?;
        let values = wanted.into_iter().map(|(name, base)| {
            let data = column_data(row.column(&name)?, self.relation.reprs[&name])?;
            Ok((name, cell(&data, 0), base))
        });
        let values = values.collect::<Result<Vec<_>, ExecError>>()?;
        let number = |at: usize| -> Result<Who, ExecError> {
            let numbers = self.relation.frame.column(ROW)?.i64()?;
            Ok(Who::Row(numbers.get(at).unwrap_or_default() as usize))
        };
        Ok(Example { who: number(at)?, repeats: earlier.map(number).transpose()?, values })
    }
}

struct People<'a> {
    customers: &'a Customers,
    columns: BTreeMap<&'a str, &'a Values>,
    everyone: &'a Typical,
    as_of: Option<i64>,
}

impl<'a> People<'a> {
    fn new(customers: &'a Customers, everyone: &'a Typical, as_of: Option<i64>) -> People<'a> {
        let columns = customers.features.iter().map(|f| (f.name.as_str(), &f.values)).collect();
        People { customers, columns, everyone, as_of }
    }

    fn look(&self, expectation: &Expectation) -> Look {
        let count = self.customers.ids.len();
        let answers = match &expectation.asks {
            Asks::Holds(condition) => {
                Answers::of((0..count).map(|row| self.with(row, |p| truth(condition, p))).collect())
            }
            Asks::Unique(values) => {
                let columns = values.iter().map(|value| {
                    let mut words: HashMap<std::sync::Arc<str>, u64> = HashMap::new();
                    let code = |value: Value| match value {
                        Value::Missing => None,
                        Value::Bool(b) => Some(u64::from(b)),
                        Value::Number(x) => Some((x + 0.0).to_bits()),
                        Value::Text(text) => {
                            let next = words.len() as u64;
                            Some(*words.entry(text).or_insert(next))
                        }
                    };
                    (0..count).map(|row| self.with(row, |p| eval(value, p))).map(code).collect()
                });
                repeats(&columns.collect::<Vec<_>>(), count)
            }
        };
        let mut look = answers.counted();
        let who = |row: usize| Who::Customer(self.customers.ids[row].clone());
        look.examples = answers
            .against()
            .map(|(row, earlier)| Example {
                who: who(row),
                repeats: earlier.map(who),
                values: self.values(row, expectation),
            })
            .collect();
        look
    }

    fn values(&self, row: usize, expectation: &Expectation) -> Vec<(String, Value, Base)> {
        let values = mentions(expectation).into_iter().map(|(name, all, base)| match all {
            true => (format!("all.{name}"), self.everyone.get(&name), base),
            false => {
                let value = self.columns.get(name.as_str()).map_or(Value::Missing, |values| values.get(row));
                (name, value, base)
            }
        });
        values.collect()
    }

    fn with<T>(&self, row: usize, ask: impl FnOnce(&Profile) -> T) -> T {
        let own = |name: &str| self.columns.get(name).map_or(Value::Missing, |values| values.get(row));
        ask(&Profile { own: &own, everyone: &|name| self.everyone.get(name), as_of: self.as_of })
    }
}

impl Answers {
    fn of(truths: Vec<Option<bool>>) -> Answers {
        Answers { truths, repeats: BTreeMap::new() }
    }

    fn counted(&self) -> Look {
        let count = |of: Option<bool>| self.truths.iter().filter(|truth| **truth == of).count() as u64;
        Look { holds: count(Some(true)), fails: count(Some(false)), unknown: count(None), examples: vec![] }
    }

    /// The first that are not as expected, with those that they repeat.
    fn against(&self) -> impl Iterator<Item = (usize, Option<usize>)> + '_ {
        let fails = self.truths.iter().enumerate().filter(|(_, truth)| **truth == Some(false)).map(|(at, _)| at);
        fails.take(EXAMPLES).map(|at| (at, self.repeats.get(&at).copied()))
    }
}

/// Whether each one is unlike all before it; unknown where a value is missing.
fn repeats(columns: &[Vec<Option<u64>>], count: usize) -> Answers {
    let mut answers = Answers::of(Vec::with_capacity(count));
    let mut seen: HashMap<Box<[u64]>, usize> = HashMap::new();
    for at in 0..count {
        let key: Option<Box<[u64]>> = columns.iter().map(|column| column[at]).collect();
        let earlier = key.map(|key| *seen.entry(key).or_insert(at));
        answers.truths.push(earlier.map(|earlier| earlier == at));
        if let Some(earlier) = earlier.filter(|earlier| *earlier != at) {
            answers.repeats.insert(at, earlier);
        }
    }
    answers
}

/// Equal for equal cells of a column, and only for these.
fn codes(data: &ColumnData) -> Vec<Option<u64>> {
    match data {
        ColumnData::Text(text) => {
            // Words are distinct, so the place of a word stands for it.
            text.codes
                .iter()
                .map(|code| (*code != crate::table::TextColumn::MISSING).then_some(u64::from(*code)))
                .collect()
        }
        ColumnData::Int(cells) | ColumnData::Time(cells) | ColumnData::Decimal { cells, .. } => {
            cells.iter().map(|cell| cell.map(|x| x as u64)).collect()
        }
        ColumnData::Number(cells) => cells.iter().map(|cell| cell.map(|x| (x + 0.0).to_bits())).collect(),
        ColumnData::Bool(cells) => cells.iter().map(|cell| cell.map(u64::from)).collect(),
    }
}

/// The columns or features that an expectation speaks of, each once.
fn mentions(expectation: &Expectation) -> Vec<(String, bool, Base)> {
    let all = match &expectation.asks {
        Asks::Holds(condition) => condition.mentions(),
        Asks::Unique(values) => values.iter().flat_map(Expr::mentions).collect(),
    };
    let mut found: Vec<(String, bool, Base)> = vec![];
    for (name, all, base) in all {
        if !found.iter().any(|(known, of_all, _)| known == name && *of_all == all) {
            found.push((name.clone(), all, base));
        }
    }
    found
}
