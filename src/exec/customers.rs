//! From rows to customers: aggregates by customer and basket, then features and scores, one column after the other.

use std::sync::Arc;

use super::aggregate::aggregate;
use super::forecast::{self, Forecasted, Purchases};
use super::ledger::{Settled, amount_slot, cell};
use super::one_row;
use super::relation::{AMOUNT, Relation};
use super::rows::Lowering;
use super::yardstick::{Cut, Yardstick};
use super::{ExecError, Word};
use crate::eval::{Scope, Value, eval};
use crate::plan::expr::Expr;
use crate::plan::{BASKET_TIME, Grain, Plan, Population, Slot, Step};
use crate::spec::Aggregate;
use crate::table::{Column, ColumnData, Table};
use crate::types::Base;

/// One row per customer, in the order of their ids.
#[derive(Debug, Clone, Default)]
pub struct Customers {
    pub ids: Vec<String>,
    /// The features of the spec, in its order.
    pub features: Vec<Feature>,
    /// What each customer is worth, in units of 10^-scale, when the spec has `revenue`.
    pub amounts: Option<Vec<i64>>,
    pub amount_scale: u8,
    pub scores: Vec<Scores>,
    /// Of the functions over all customers, in the order of the plan.
    pub yardsticks: Vec<Yardstick>,
    /// Baskets among the rows used, when the spec groups by baskets.
    pub baskets: Option<u64>,
    /// What models of buying were fitted and how they do, in the order of the plan; none where they were known.
    pub forecasts: Vec<Forecasted>,
    /// The days on which customers bought, where a model asks for them.
    pub(super) purchases: Option<Arc<Purchases>>,
    /// Slots, columns of rows and helper columns that expressions refer to.
    pub(super) helpers: Vec<Feature>,
}

#[derive(Debug, Clone)]
pub struct Feature {
    pub name: String,
    pub base: Base,
    /// The expression as written.
    pub words: String,
    pub values: Values,
}

/// One cell per customer, numbers in base units (microseconds, currency units, shares from 0 to 1).
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// NaN is missing.
    Numbers(Vec<f64>),
    Texts(Vec<Option<Word>>),
    Bools(Vec<Option<bool>>),
}

/// What a score did.
#[derive(Debug, Clone)]
pub struct Scores {
    pub feature: String,
    pub of: String,
    pub base: Base,
    pub n: u32,
    pub low_is_best: bool,
    /// In base units; only scores that were reached.
    pub cuts: Vec<Cut>,
}

impl Feature {
    /// The same feature of nobody.
    pub(super) fn without_values(&self) -> Feature {
        let (name, words) = (self.name.clone(), self.words.clone());
        Feature { name, base: self.base, words, values: Values::Numbers(vec![]) }
    }
}

impl Values {
    pub fn get(&self, customer: usize) -> Value {
        match self {
            Values::Numbers(numbers) => Value::number(numbers[customer]),
            Values::Texts(texts) => texts[customer].clone().map_or(Value::Missing, Value::Text),
            Values::Bools(bools) => bools[customer].map_or(Value::Missing, Value::Bool),
        }
    }

    /// The first customer whose number grew beyond all numbers.
    fn infinite(&self) -> Option<usize> {
        self.numbers().and_then(|numbers| numbers.iter().position(|x| x.is_infinite()))
    }

    pub fn numbers(&self) -> Option<&[f64]> {
        match self {
            Values::Numbers(numbers) => Some(numbers),
            _ => None,
        }
    }
}

impl Customers {
    /// Customers of whom nothing is known yet.
    pub(super) fn of(ids: Vec<String>) -> Customers {
        Customers { ids, ..Customers::default() }
    }

    pub fn feature(&self, name: &str) -> Option<&Feature> {
        self.features.iter().find(|f| f.name == name)
    }

    /// A column by the name that the plan has for it, and its place for [`Customers::at`].
    fn place(&self, name: &str) -> usize {
        let feature = self.features.iter().position(|f| f.name == name);
        let helper = || self.helpers.iter().position(|f| f.name == name).map(|i| self.features.len() + i);
        feature.or_else(helper).expect("a plan refers only to columns that it makes first")
    }

    fn at(&self, place: usize) -> &Feature {
        if place < self.features.len() { &self.features[place] } else { &self.helpers[place - self.features.len()] }
    }

    /// An expression for every customer.
    pub(super) fn project(&self, expr: &Expr, as_of: Option<i64>) -> Vec<Value> {
        let bound = expr.bind(&mut |name: &String| self.place(name));
        (0..self.ids.len()).map(|row| eval(&bound, &OneCustomer { customers: self, row, as_of })).collect()
    }

    /// Whether there is everything that an expression speaks of.
    pub(super) fn knows(&self, expr: &Expr, as_of: Option<i64>) -> bool {
        let has = |name: &String| self.features.iter().chain(&self.helpers).any(|f| f.name == *name);
        expr.columns().into_iter().all(has) && (as_of.is_some() || !expr.looks_at_as_of())
    }

    /// Runs the steps of a plan, as far as there is what they speak of: all of them over customers measured from rows.
    /// `given` are features that are known otherwise, for those that can't be computed. `known` are the yardsticks of
    /// other customers; without them they are read off these.
    pub(super) fn run(
        &mut self,
        steps: &[Step],
        as_of: Option<i64>,
        given: &mut Vec<Feature>,
        known: Option<&[Yardstick]>,
    ) -> Result<(), ExecError> {
        for step in steps {
            match step {
                Step::Population(population) => {
                    let known = known.map(|all| &all[self.yardsticks.len()]);
                    self.populate(population, as_of, known)?;
                }
                Step::Forecast(forecast) => {
                    let known = known.map(|all| &all[self.yardsticks.len()]);
                    let model = match known {
                        Some(Yardstick::Forecast(fitted)) => Some(fitted.as_ref()),
                        _ => None,
                    };
                    let found = self.forecast(forecast, model)?;
                    let found = found.map(|fitted| Yardstick::Forecast(Box::new(fitted)));
                    self.yardsticks.extend(known.cloned().or(found));
                }
                Step::Feature(feature) if self.knows(&feature.value, as_of) => {
                    let values = to_values(self.project(&feature.value, as_of), feature.value.base);
                    if let (Some(at), None) = (values.infinite(), known) {
                        let customer = self.ids[at].clone();
                        return Err(ExecError::NotFinite { customer, feature: feature.name.clone() });
                    }
                    let (name, words) = (feature.name.clone(), feature.words.clone());
                    self.features.push(Feature { name, base: feature.value.base, words, values });
                }
                Step::Feature(feature) => {
                    let at = given.iter().position(|f| f.name == feature.name);
                    self.features.extend(at.map(|at| given.swap_remove(at)));
                }
            }
        }
        Ok(())
    }

    /// Runs a step that looks at all customers and keeps its result as a helper column.
    fn populate(&mut self, step: &Population, as_of: Option<i64>, known: Option<&Yardstick>) -> Result<(), ExecError> {
        if let (Some(known), false) = (known, self.knows(&step.of, as_of)) {
            self.yardsticks.push(known.clone());
            return Ok(());
        }
        let numbers: Vec<f64> = as_numbers(&self.project(&step.of, as_of));
        let yardstick = match known {
            Some(known) => known.clone(),
            None => {
                if let Some(at) = numbers.iter().position(|x| x.is_infinite()) {
                    let customer = self.ids[at].clone();
                    return Err(ExecError::NotFinite { customer, feature: step.of_words.clone() });
                }
                Yardstick::read(step, &numbers)
            }
        };
        if let (Some(feature), Yardstick::Score { n, low_is_best, cuts, .. }) = (&step.feature, &yardstick) {
            self.scores.push(Scores {
                feature: feature.clone(),
                of: step.of_words.clone(),
                base: step.of.base,
                n: *n,
                low_is_best: *low_is_best,
                cuts: cuts.clone(),
            });
        }
        let values = Values::Numbers(numbers.iter().map(|x| yardstick.apply(*x)).collect());
        self.yardsticks.push(yardstick);
        let (name, words) = (step.name.clone(), step.of_words.clone());
        self.helpers.push(Feature { name, base: step.of.base, words, values });
        Ok(())
    }
}

struct OneCustomer<'a> {
    customers: &'a Customers,
    row: usize,
    as_of: Option<i64>,
}

impl Scope<usize> for OneCustomer<'_> {
    fn column(&self, place: &usize) -> Value {
        self.customers.at(*place).values.get(self.row)
    }

    fn all(&self, _: &usize) -> Value {
        Value::Missing
    }

    fn as_of(&self) -> Value {
        self.as_of.map_or(Value::Missing, |micros| Value::Number(micros as f64))
    }
}

/// Customers with the aggregates of their rows, and the features computed from these.
pub(super) fn measure(plan: &Plan, settled: &Settled, known: Option<&[Yardstick]>) -> Result<Customers, ExecError> {
    let mut customers = match plan.grain {
        Grain::Purchases { .. } => gather(plan, settled)?,
        Grain::Customers => one_row::take(plan, settled)?,
    };
    customers.run(&plan.customers.steps, settled.as_of, &mut vec![], known)?;
    Ok(customers)
}

/// Customers as groups of rows.
fn gather(plan: &Plan, settled: &Settled) -> Result<Customers, ExecError> {
    let mut row_slots = plan.customers.row_slots.clone();
    if plan.revenue.is_some() {
        row_slots.push(amount_slot());
    }
    let mut by_customer = aggregate(&settled.relation, &[&plan.customer], &row_slots, plan.time(), settled.as_of)?;
    let mut customers = Customers::of(ids(&by_customer, &plan.customer));
    if plan.revenue.is_some() {
        let at = by_customer.columns.iter().position(|c| c.name == AMOUNT).expect("the slot was added above");
        if let ColumnData::Decimal { cells, scale } = by_customer.columns.remove(at).data {
            customers.amount_scale = scale;
            customers.amounts = Some(cells.values);
        }
    }
    let n = customers.ids.len();
    let slot_base = |name: &str, slots: &[Slot]| slots.iter().find(|s| s.name == name).map(|s| s.base);
    for column in by_customer.columns.into_iter().skip(1) {
        let base = slot_base(&column.name, &plan.customers.row_slots).unwrap_or(Base::Number);
        customers.helpers.push(helper(column, base, n, None));
    }
    if let Some((baskets, of_baskets)) = basket_slots(plan, settled)? {
        customers.baskets = Some(baskets);
        // Customers without any basket keep their place: what they have none of is counted as nothing.
        let place: std::collections::HashMap<&str, usize> =
            customers.ids.iter().enumerate().map(|(i, id)| (id.as_str(), i)).collect();
        let rows: Vec<usize> = ids(&of_baskets, &plan.customer).iter().map(|id| place[id.as_str()]).collect();
        let helpers: Vec<Feature> = of_baskets
            .columns
            .into_iter()
            .skip(1)
            .map(|column| {
                let slot = plan.customers.basket_slots.iter().find(|s| s.name == column.name);
                let base = slot.map_or(Base::Number, |s| s.base);
                let mut feature = helper(column, base, n, Some(&rows));
                let counts = [Aggregate::Count, Aggregate::CountDistinct, Aggregate::Sum];
                if let (Values::Numbers(numbers), true) =
                    (&mut feature.values, slot.is_some_and(|s| counts.contains(&s.function)))
                {
                    numbers.iter_mut().filter(|x| x.is_nan()).for_each(|x| *x = 0.0);
                }
                feature
            })
            .collect();
        customers.helpers.extend(helpers);
    }
    if plan.forecasts().next().is_some() {
        customers.purchases = Some(Arc::new(forecast::purchases(plan, settled)?));
    }
    Ok(customers)
}

/// The number of baskets, and the aggregates over them by customer.
fn basket_slots(plan: &Plan, settled: &Settled) -> Result<Option<(u64, Table)>, ExecError> {
    let (Some(baskets), Some(time)) = (&plan.baskets, plan.time()) else { return Ok(None) };
    let as_of = settled.as_of;
    let at = Slot {
        name: BASKET_TIME.to_owned(),
        function: Aggregate::Min,
        argument: Some(Expr::new(crate::plan::expr::Op::Column(time.to_owned()), Base::Datetime)),
        filter: None,
        quantile: 0.5,
        base: Base::Datetime,
    };
    let slots: Vec<Slot> = std::iter::once(at).chain(baskets.slots.iter().cloned()).collect();
    let mut rows = Relation { frame: settled.relation.frame.clone(), reprs: settled.relation.reprs.clone() };
    // A row that does not say its basket is in none.
    let without = rows.column_of(polars::prelude::col(baskets.by.as_str()).is_null())?;
    rows.split(&without)?;
    // Baskets by the column that tells customers apart: one for each customer.
    let keys = [plan.customer.as_str(), baskets.by.as_str()];
    let keys = if keys[0] == keys[1] { &keys[..1] } else { &keys[..] };
    let grouped = aggregate(&rows, keys, &slots, Some(time), as_of)?;
    let count = grouped.height as u64;
    let mut relation = Relation::from_table(grouped, None)?;
    for field in &baskets.fields {
        let lowered = Lowering { relation: &relation, as_of }.lower(&field.value);
        relation.add(&field.name, lowered.expr, lowered.repr)?;
    }
    let table = aggregate(&relation, &[&plan.customer], &plan.customers.basket_slots, Some(BASKET_TIME), as_of)?;
    Ok(Some((count, table)))
}

pub(super) fn ids(table: &Table, customer: &str) -> Vec<String> {
    let data = table.column(customer).expect("groups carry their key");
    (0..table.height)
        .map(|row| match data {
            ColumnData::Text(text) => text.get(row).unwrap_or("").to_owned(),
            ColumnData::Int(cells) => cells.get(row).map_or_else(String::new, |id| id.to_string()),
            _ => String::new(),
        })
        .collect()
}

/// A column of aggregates as a helper, each row put where `rows` says.
pub(super) fn helper(column: Column, base: Base, n: usize, rows: Option<&[usize]>) -> Feature {
    let mut cells = vec![Value::Missing; n];
    let height = rows.map_or(n, <[usize]>::len);
    for row in 0..height {
        cells[rows.map_or(row, |rows| rows[row])] = cell(&column.data, row);
    }
    Feature { name: column.name, base, words: String::new(), values: to_values(cells, base) }
}

pub(super) fn to_values(cells: Vec<Value>, base: Base) -> Values {
    match base {
        base if base.is_text() => Values::Texts(
            cells
                .into_iter()
                .map(|v| if let Value::Text(text) = v { Some(text) } else { None })
                .collect::<Vec<Option<Arc<str>>>>(),
        ),
        Base::Bool => {
            Values::Bools(cells.into_iter().map(|v| if let Value::Bool(b) = v { Some(b) } else { None }).collect())
        }
        _ => Values::Numbers(as_numbers(&cells)),
    }
}

fn as_numbers(cells: &[Value]) -> Vec<f64> {
    cells.iter().map(|v| v.as_number().map_or(f64::NAN, |x| x + 0.0)).collect()
}

/// The quantile of sorted values, interpolated linearly between order statistics (type 7 of Hyndman and Fan 1996, the
/// default of R and numpy).
pub fn quantile(sorted: &[f64], q: f64) -> f64 {
    quantile_of(sorted.len(), |place| sorted[place], q)
}

/// The same of `n` values by their places in order.
pub(super) fn quantile_of(n: usize, sorted: impl Fn(usize) -> f64, q: f64) -> f64 {
    let at = q * (n - 1) as f64;
    let (low, high) = (sorted(at.floor() as usize), sorted(at.ceil() as usize));
    low + (high - low) * (at - at.floor())
}
