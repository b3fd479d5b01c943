//! From rows read to rows used: derive, drop by each rule in order, and account for every row and its money.

use polars::prelude::{ChunkAgg, Column, DataFrame, DataType, lit};

use super::relation::{AMOUNT, Relation, Repr, exact_sum};
use super::rows::Lowering;
use super::{Dropped, ExecError, Input, Joined, Ledger};
use crate::eval::{Scope, Value, eval};
use crate::plan::{Condition, Grain, Plan};
use crate::spec::{Aggregate, Each};
use crate::table::{ColumnData, Table};
use crate::types::Base;

/// The rows that a spec uses.
pub(super) struct Settled {
    pub relation: Relation,
    pub ledger: Ledger,
    pub joins: Vec<Joined>,
    pub as_of: Option<i64>,
    pub period: Option<(i64, i64)>,
}

/// Where the rows of one customer went: by each rule that took some, in order.
///
/// Errors: those of a run on the same rows.
pub fn trace(plan: &Plan, inputs: Vec<Input>, customer: &str) -> Result<Vec<(String, u64)>, ExecError> {
    let mut taken = vec![];
    settle_watching(plan, inputs, None, &mut |rule, rows, leaves| {
        let ids = rows.column(&plan.customer)?.cast(&DataType::String)?;
        let gone = ids.str()?.iter().zip(leaves.bool()?.iter());
        let gone = gone.filter(|(id, leaves)| *id == Some(customer) && *leaves == Some(true)).count() as u64;
        taken.extend((gone > 0).then(|| (rule.to_owned(), gone)));
        Ok(())
    })?;
    Ok(taken)
}

/// `stated` takes the place of the plan's `as_of`.
pub(super) fn settle(plan: &Plan, inputs: Vec<Input>, stated: Option<i64>) -> Result<Settled, ExecError> {
    settle_watching(plan, inputs, stated, &mut |_, _, _| Ok(()))
}

/// `watch` sees each rule, the rows that are there, and which of them it takes.
fn settle_watching(
    plan: &Plan,
    inputs: Vec<Input>,
    stated: Option<i64>,
    watch: &mut dyn FnMut(&str, &DataFrame, &Column) -> Result<(), ExecError>,
) -> Result<Settled, ExecError> {
    let mut inputs = inputs.into_iter();
    let mut input = inputs.next().expect("a plan has a source");
    let joins = plan.joins.iter().zip(inputs).enumerate();
    let joins: Vec<Joined> = joins
        .map(|(place, (join, joined))| super::join::join(&mut input.table, joined, join, place))
        .collect::<Result<_, _>>()?;
    let mut relation = Relation::from_table(input.table, input.identity)?;
    if plan.grain == Grain::Customers || plan.expectations.iter().any(|e| e.of == Each::Row) {
        relation.number_rows()?;
    }
    for derive in &plan.derive {
        let lowered = Lowering { relation: &relation, as_of: None }.lower(&derive.value);
        relation.add(&derive.name, lowered.expr, lowered.repr)?;
    }
    let mut scale = 0;
    if let Some(revenue) = &plan.revenue {
        let lowered = Lowering { relation: &relation, as_of: None }.lower(revenue);
        if let Repr::Decimal(decimals) = lowered.repr {
            scale = decimals;
        }
        relation.add(AMOUNT, lowered.expr.cast(DataType::Int64), Repr::Decimal(scale))?;
    }
    let has_amount = plan.revenue.is_some();
    let total = |relation: &Relation| -> Result<Option<i128>, ExecError> {
        has_amount.then(|| exact_sum(relation.frame.column(AMOUNT)?)).transpose()
    };
    // What left before counts like what leaves here: its money is in the units of the column, which had room for it.
    let before = |rule: Option<usize>| -> (u64, i128) {
        let left = input.left.iter().filter(|left| rule.is_none_or(|rule| rule == left.rule));
        let amount = |(units, decimals): (i128, u8)| units * 10i128.pow(scale.saturating_sub(decimals).into());
        left.fold((0, 0), |(rows, sum), left| (rows + left.rows, sum + left.amount.map_or(0, amount)))
    };
    let amount_read = total(&relation)?.map(|amount| amount + before(None).1);
    let mut dropped: Vec<Dropped> = vec![];
    let mut as_of = stated;
    for (nth, rule) in plan.drops.iter().enumerate() {
        let (rows_before, amount_before) = before(Some(nth));
        let mask = match &rule.when {
            Condition::True(condition) => Lowering { relation: &relation, as_of: None }.lower(condition).expr,
            Condition::NotTrue(condition) => {
                let condition = Lowering { relation: &relation, as_of: None }.lower(condition).expr;
                condition.fill_null(lit(false)).not()
            }
            Condition::AfterAsOf => {
                if relation.height() == 0 {
                    return Err(nothing_left(input.read, &dropped));
                }
                let moment = match stated {
                    Some(moment) => moment,
                    None => as_of_moment(plan, &relation)?.ok_or(ExecError::NoAsOf)?,
                };
                as_of = Some(moment);
                let time = plan.time().expect("only purchases happen after a moment");
                polars::prelude::col(time).gt(lit(moment))
            }
        };
        let mask = relation.column_of(mask.alias("leaves"))?;
        watch(&rule.rule, &relation.frame, &mask)?;
        let gone = relation.split(&mask)?;
        let amount = has_amount.then(|| exact_sum(gone.column(AMOUNT)?)).transpose()?;
        dropped.push(Dropped {
            rule: rule.rule.clone(),
            words: rule.words.clone(),
            rows: gone.height() as u64 + rows_before,
            amount: amount.map(|amount| amount + amount_before),
        });
    }
    let used = relation.height() as u64;
    if used == 0 {
        return Err(nothing_left(input.read, &dropped));
    }
    // Built-in rules are shown where they did something.
    dropped.retain(|d| d.words.is_some() || d.rows > 0);
    let period = match plan.time() {
        Some(time) => {
            let times = relation.frame.column(time)?.i64()?;
            Some((times.min().unwrap_or(0), times.max().unwrap_or(0)))
        }
        None => None,
    };
    if plan.as_of.is_some() && as_of.is_none() {
        as_of = Some(as_of_moment(plan, &relation)?.ok_or(ExecError::NoAsOf)?);
    }
    let amount_used = total(&relation)?;
    let ledger = Ledger { read: input.read, refused: input.refused, used, dropped, amount_read, amount_used, scale };
    Ok(Settled { relation, ledger, joins, as_of, period })
}

fn nothing_left(read: u64, dropped: &[Dropped]) -> ExecError {
    let dropped = dropped.iter().filter(|d| d.rows > 0).map(|d| (d.rule.clone(), d.rows)).collect();
    ExecError::NothingLeft { read, dropped }
}

fn as_of_moment(plan: &Plan, relation: &Relation) -> Result<Option<i64>, ExecError> {
    let Some(as_of) = &plan.as_of else { return Ok(None) };
    let slots = super::aggregate::aggregate(relation, &[], &as_of.slots, plan.time(), None)?;
    Ok(eval(&as_of.value, &OneRow(&slots)).as_number().map(|micros| micros as i64))
}

/// The results of aggregates over all rows.
struct OneRow<'a>(&'a Table);

impl Scope<String> for OneRow<'_> {
    fn column(&self, name: &String) -> Value {
        self.0.column(name).map_or(Value::Missing, |data| cell(data, 0))
    }

    fn all(&self, _: &String) -> Value {
        Value::Missing
    }

    fn as_of(&self) -> Value {
        Value::Missing
    }
}

/// A cell in base units.
pub(super) fn cell(data: &ColumnData, row: usize) -> Value {
    let number = |x: Option<f64>| x.map_or(Value::Missing, Value::Number);
    match data {
        ColumnData::Text(text) => text.get(row).map_or(Value::Missing, |t| Value::Text(t.into())),
        ColumnData::Int(cells) | ColumnData::Time(cells) => number(cells.get(row).map(|x| x as f64)),
        ColumnData::Decimal { cells, scale } => {
            number(cells.get(row).map(|x| x as f64 / 10f64.powi(i32::from(*scale))))
        }
        ColumnData::Number(cells) => number(cells.get(row)),
        ColumnData::Bool(cells) => cells.get(row).map_or(Value::Missing, Value::Bool),
    }
}

/// The slot that sums what a customer is worth, when the spec has `revenue`.
pub(super) fn amount_slot() -> crate::plan::Slot {
    crate::plan::Slot {
        name: AMOUNT.to_owned(),
        function: Aggregate::Sum,
        argument: Some(crate::plan::expr::Expr::new(crate::plan::expr::Op::Column(AMOUNT.to_owned()), Base::Money)),
        filter: None,
        quantile: 0.5,
        base: Base::Money,
    }
}
