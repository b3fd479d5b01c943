//! Models of buying over the customers of a run: the days on which they bought, the fit, what it says of each customer,
//! and how it does on purchases that it was not shown.

use polars::prelude::{ChunkApply, IntoSeries};
use serde::{Deserialize, Serialize};

use super::aggregate::aggregate;
use super::ledger::{Settled, amount_slot};
use super::relation::{AMOUNT, Relation, Repr};
use super::{Customers, ExecError, Feature, Values};
use crate::clv::{
    self, Days, Discount, FitError, HeldOut, History, Independence, PurchaseDays, PurchaseFit, Repeats, SpendFit,
};
use crate::plan::{Forecast, ForecastColumn, Measure, Plan};
use crate::table::ColumnData;
use crate::time::DAY;
use crate::types::Base;

/// Of the time from the first purchase to `as_of`, what a model is fitted on before it is tried on the rest.
const SHOWN: f64 = 2.0 / 3.0;
/// The day of a row, since 1970.
const DAY_OF: &str = "$day";

/// A fitted model of buying, and of spending where it has to say what purchases bring.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fitted {
    pub purchases: PurchaseFit,
    pub spend: Option<SpendFit>,
}

/// What a run learned of its customers by a model of buying.
#[derive(Debug, Clone)]
pub struct Forecasted {
    pub plan: Forecast,
    pub fitted: Fitted,
    /// The last day that the model was shown when it was tried on the days after it, in microseconds.
    pub cut: i64,
    /// Days after it.
    pub held_out_days: u32,
    /// How it did there, or why it could not be tried.
    pub held_out: Result<HeldOut, FitError>,
    /// Of spending, where it matters.
    pub independence: Option<Independence>,
    /// From the first purchase to `as_of`.
    pub days: u32,
}

/// The purchases of all customers by day, in the order of customers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Purchases {
    pub days: PurchaseDays,
    /// The day of `as_of`.
    pub today: i32,
}

/// Groups the rows used by customer and day.
pub(super) fn purchases(plan: &Plan, settled: &Settled) -> Result<Purchases, ExecError> {
    let mut rows = Relation { frame: settled.relation.frame.clone(), reprs: settled.relation.reprs.clone() };
    let (Some(time), Some(as_of)) = (plan.time(), settled.as_of) else {
        return Err(ExecError::Engine("`check` lets models of buying look at purchases only".into()));
    };
    let day = rows.frame.column(time)?.i64()?.apply_values(|micros| micros.div_euclid(DAY));
    rows.frame.with_column(day.into_series().with_name(DAY_OF.into()).into())?;
    rows.reprs.insert(DAY_OF.to_owned(), Repr::Int);
    let slots = if plan.revenue.is_some() { vec![amount_slot()] } else { vec![] };
    let by_day = aggregate(&rows, &[&plan.customer, DAY_OF], &slots, Some(time), Some(as_of))?;
    let Some(ColumnData::Int(days)) = by_day.column(DAY_OF) else {
        return Err(ExecError::Engine("days are whole numbers".into()));
    };
    let mut out = PurchaseDays { per_unit: 1.0, ..PurchaseDays::default() };
    out.days = days.values.iter().map(|day| *day as i32).collect();
    out.amounts = vec![0; by_day.height];
    if let Some(ColumnData::Decimal { cells, scale }) = by_day.column(AMOUNT) {
        out.amounts.clone_from(&cells.values);
        out.per_unit = 10f64.powi(i32::from(*scale));
    }
    let customer = by_day.column(&plan.customer).expect("groups carry their key");
    let differ = |row: usize| match customer {
        ColumnData::Text(text) => text.codes[row] != text.codes[row - 1],
        ColumnData::Int(cells) => cells.values[row] != cells.values[row - 1],
        _ => true,
    };
    out.ends = (1..by_day.height).filter(|row| differ(*row)).chain([by_day.height]).collect();
    Ok(Purchases { days: out, today: as_of.div_euclid(DAY) as i32 })
}

impl Customers {
    /// Fits the model, or takes the one that is known, and keeps what it says as helper columns. Nothing where the
    /// purchases are not known, of customers whose features were measured elsewhere.
    pub(super) fn forecast(&mut self, step: &Forecast, known: Option<&Fitted>) -> Result<Option<Fitted>, ExecError> {
        let Some(known_days) = self.purchases.clone() else { return Ok(None) };
        let (days, today) = (&known_days.days, known_days.today);
        let everybody = 0..days.customers();
        let histories: Vec<History> = everybody.clone().filter_map(|customer| days.history(customer, today)).collect();
        let seen: Vec<Option<Repeats>> = everybody.map(|customer| days.repeats(customer, today)).collect();
        let fitted = match known {
            Some(known) => known.clone(),
            None => {
                let no_fit = |error| ExecError::NoForecast { asked_by: step.asked_by.clone(), error };
                let purchases = clv::fit_purchases(step.model, step.unit, &histories).map_err(no_fit)?;
                let buyers: Vec<Repeats> = seen.iter().copied().flatten().collect();
                let spend = step.with_spend().then(|| clv::fit_spend(&buyers)).transpose().map_err(no_fit)?;
                let fitted = Fitted { purchases, spend };
                self.forecasts.push(tried(step, &fitted, &known_days, &buyers));
                fitted
            }
        };
        for column in &step.columns {
            let (base, numbers) = measured(column, &fitted, &histories, &seen);
            let (name, words) = (column.name.clone(), column.words.clone());
            self.helpers.push(Feature { name, base, words, values: Values::Numbers(numbers) });
        }
        Ok(Some(fitted))
    }
}

/// One column over all customers, in base units.
fn measured(
    column: &ForecastColumn,
    fitted: &Fitted,
    histories: &[History],
    seen: &[Option<Repeats>],
) -> (Base, Vec<f64>) {
    let law = &fitted.purchases.purchases;
    let ahead = |micros: i64| Days(micros as f64 / DAY as f64);
    match column.measure {
        Measure::Alive => (Base::Share, clv::for_each_history(histories, |h| law.alive(h))),
        Measure::Purchases { horizon } => {
            (Base::Number, clv::for_each_history(histories, |h| law.expected(h, ahead(horizon))))
        }
        Measure::Value { horizon, discount } => {
            let discount = Discount { per_year: discount };
            let worth = clv::for_each_history(histories, |h| clv::present_value(law, h, ahead(horizon), discount));
            let spend = fitted.spend.as_ref().map(|spend| &spend.model);
            let each = |seen: &Option<Repeats>| spend.map_or(f64::NAN, |spend| spend.expected(*seen));
            (Base::Money, worth.iter().zip(seen).map(|(worth, seen)| worth * each(seen)).collect())
        }
    }
}

/// Tries the model on what was bought last.
fn tried(step: &Forecast, fitted: &Fitted, purchases: &Purchases, buyers: &[Repeats]) -> Forecasted {
    let (days, today) = (&purchases.days, &purchases.today);
    let first = days.first().unwrap_or(*today);
    let span = f64::from(*today) - f64::from(first);
    let cut = match step.holdout {
        Some(micros) => i64::from(*today) - micros.div_euclid(DAY).max(1),
        None => i64::from(first) + (SHOWN * span).floor() as i64,
    };
    let cut_day = cut.clamp(i64::from(first) - 1, i64::from(*today)) as i32;
    let held_out = clv::held_out(days, step.model, step.unit, cut_day, *today, fitted.spend.is_some());
    Forecasted {
        plan: step.clone(),
        fitted: fitted.clone(),
        cut: i64::from(cut_day) * DAY,
        held_out_days: (i64::from(*today) - i64::from(cut_day)) as u32,
        held_out,
        independence: fitted.spend.is_some().then(|| clv::independence(buyers)).flatten(),
        days: span as u32,
    }
}

/// Whether a model that was read is the one that a plan asks for, with parameters that it can have.
pub(super) fn fits(fitted: &Fitted, step: &Forecast) -> bool {
    let purchases = &fitted.purchases;
    let spend = fitted.spend.as_ref();
    purchases.model == step.model
        && purchases.purchases.unit == step.unit
        && purchases.purchases.is_proper()
        && spend.is_some() == step.with_spend()
        && spend.is_none_or(|spend| spend.model.is_proper())
}
