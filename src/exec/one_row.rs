//! Customers who have one row each: their columns are taken as they are.

use polars::prelude::{PlSmallStr, SortMultipleOptions};

use super::ExecError;
use super::customers::{Customers, helper, ids};
use super::ledger::Settled;
use super::relation::{AMOUNT, ROW, Relation, column_data};
use crate::plan::Plan;
use crate::table::{Column, ColumnData, Table};

/// A customer who has two rows among those that the filters leave.
#[derive(Debug, Clone, PartialEq)]
pub struct SeveralRows {
    pub customer: String,
    /// The customer's first two rows, by their place in the table.
    pub rows: (usize, usize),
    /// Whether these are equal in every column of the source that the spec reads.
    pub alike: bool,
    /// Further rows of customers who have one already.
    pub more: usize,
}

/// One row per customer, in the order of their ids, with the columns that features ask for.
///
/// Errors: [`ExecError::SeveralRows`] for the customer whose second row comes first.
pub(super) fn take(plan: &Plan, settled: &Settled) -> Result<Customers, ExecError> {
    let relation = &settled.relation;
    let by = [PlSmallStr::from(plan.customer.as_str()), PlSmallStr::from(ROW)];
    let sorted = relation.frame.sort(by, SortMultipleOptions::default())?;
    let column = |name: &str| -> Result<Column, ExecError> {
        let data = column_data(sorted.column(name)?, relation.reprs[name])?;
        Ok(Column { name: name.to_owned(), data })
    };
    let key = Table { height: sorted.height(), columns: vec![column(&plan.customer)?] };
    let mut customers = Customers::of(ids(&key, &plan.customer));
    if let ColumnData::Int(rows) = column(ROW)?.data {
        only_one(&customers.ids, &rows.values, plan, relation)?;
    }
    if plan.revenue.is_some()
        && let ColumnData::Decimal { cells, scale } = column(AMOUNT)?.data
    {
        // A row whose amount is missing counts as 0, as it does in the ledger.
        let amounts = (0..key.height).map(|row| cells.get(row).unwrap_or(0));
        (customers.amounts, customers.amount_scale) = (Some(amounts.collect()), scale);
    }
    for (name, base) in &plan.customers.columns {
        customers.helpers.push(helper(column(name)?, *base, key.height, None));
    }
    Ok(customers)
}

/// `ids` and the places of their rows are sorted, so that rows of one customer follow each other.
fn only_one(ids: &[String], rows: &[i64], plan: &Plan, relation: &Relation) -> Result<(), ExecError> {
    let again: Vec<usize> = (1..ids.len()).filter(|at| ids[*at] == ids[*at - 1]).collect();
    let Some(second) = again.iter().copied().min_by_key(|at| rows[*at]) else { return Ok(()) };
    let rows = (rows[second - 1], rows[second]);
    let place = |row: i64| -> Result<Option<usize>, ExecError> {
        Ok(relation.frame.column(ROW)?.i64()?.iter().position(|known| known == Some(row)))
    };
    let mut alike = true;
    if let (Some(one), Some(other)) = (place(rows.0)?, place(rows.1)?) {
        for column in &plan.scan.columns {
            let cells = relation.frame.column(&column.name)?;
            alike &= cells.get(one)? == cells.get(other)?;
        }
    }
    Err(ExecError::SeveralRows(SeveralRows {
        customer: ids[second].clone(),
        rows: (rows.0 as usize, rows.1 as usize),
        alike,
        more: again.len() - 1,
    }))
}
