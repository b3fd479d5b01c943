//! Models of buying as the outcome has them: parameters, the hold-out, and what customers of each segment are worth.

use super::unit_numbers;
use crate::build::{MOST_CORRELATED, MOST_EXPLAINED};
use crate::clv::{self, Convergence, MOST_REPEATS, Parameter};
use crate::exec::{Execution, Forecasted};
use crate::outcome::*;
use crate::plan::Measure;
use crate::time::iso_date;

/// Resamples behind an interval: fewer where a segment is so large that each of them says nearly the same.
const RESAMPLES: (usize, usize) = (100, 400);
/// Customers drawn for an interval, about.
const DRAWN: usize = 20_000_000;

pub(super) fn forecasts(run: &Execution, segments: &[SegmentOutcome]) -> Vec<ForecastOutcome> {
    run.customers.forecasts.iter().map(|forecast| one(forecast, run, segments)).collect()
}

fn one(forecast: &Forecasted, run: &Execution, segments: &[SegmentOutcome]) -> ForecastOutcome {
    let purchases = &forecast.fitted.purchases;
    let values = forecast.plan.columns.iter().filter(|column| matches!(column.measure, Measure::Value { .. }));
    ForecastOutcome {
        model: forecast.plan.model.title().to_owned(),
        unit: forecast.plan.unit.name().to_owned(),
        customers: purchases.customers,
        repeat_buyers: purchases.repeat_buyers,
        repeat_purchases: purchases.repeat_purchases,
        days: forecast.days,
        drop_out_found: purchases.drop_out.found,
        drop_out_ratio: purchases.drop_out.ratio,
        purchases: fit(&purchases.parameters, purchases.log_likelihood, &purchases.convergence),
        spend: forecast.fitted.spend.as_ref().map(|spend| SpendOutcome {
            fit: fit(&spend.parameters, spend.log_likelihood, &spend.convergence),
            customers: spend.customers,
            without: spend.without,
            mean: spend.model.mean(),
            mean_seen: spend.model.observed,
        }),
        holdout: holdout(forecast),
        independence: forecast.independence.map(|seen| IndependenceOutcome {
            customers: seen.customers,
            pearson: seen.pearson,
            spearman: seen.spearman,
            eta_squared: seen.eta_squared,
            holds: seen.spearman.abs() < MOST_CORRELATED && seen.eta_squared < MOST_EXPLAINED,
        }),
        values: values.filter_map(|column| value(column.feature.as_deref()?, run, segments)).collect(),
    }
}

fn fit(parameters: &[Parameter], log_likelihood: f64, convergence: &Convergence) -> FitOutcome {
    FitOutcome {
        parameters: self::parameters(parameters),
        log_likelihood,
        converged: convergence.converged,
        at_bound: convergence.at_bound.clone(),
        starts: convergence.starts,
        agreeing: convergence.agreeing,
        evaluations: convergence.evaluations,
    }
}

fn parameters(parameters: &[Parameter]) -> Vec<ParameterOutcome> {
    let one =
        |p: &Parameter| ParameterOutcome { name: p.name.clone(), value: p.value, standard_error: p.standard_error };
    parameters.iter().map(one).collect()
}

fn holdout(forecast: &Forecasted) -> Option<HoldoutOutcome> {
    let held_out = forecast.held_out.as_ref().ok()?;
    let groups: Vec<HoldoutGroup> = held_out
        .groups
        .iter()
        .map(|group| HoldoutGroup {
            repeats: group.repeats,
            or_more: group.repeats == MOST_REPEATS,
            customers: group.customers,
            expected: group.expected,
            actual: group.actual,
        })
        .collect();
    Some(HoldoutOutcome {
        shown_until: iso_date(forecast.cut),
        days: forecast.held_out_days,
        parameters: parameters(&held_out.purchases.parameters),
        customers: groups.iter().map(|g| g.customers).sum(),
        expected: groups.iter().map(|g| g.expected).sum(),
        actual: groups.iter().map(|g| g.actual).sum(),
        groups,
        amount_expected: held_out.amount.map(|(expected, _)| expected),
        amount_actual: held_out.amount.map(|(_, actual)| actual),
    })
}

/// A feature that is a value, by segment.
fn value(feature: &str, run: &Execution, segments: &[SegmentOutcome]) -> Option<ValueOutcome> {
    let found = run.customers.feature(feature)?;
    let numbers = unit_numbers(found)?;
    let of_segment = |label: &str| -> Vec<f64> {
        let at = run.labelled.segments.iter().position(|s| s.label == label);
        let members = run.labelled.of_customer.iter().enumerate().filter(|(_, s)| Some(**s as usize) == at);
        members.map(|(customer, _)| numbers[customer]).filter(|x| x.is_finite()).collect()
    };
    let segments = segments.iter().enumerate().filter_map(|(nth, segment)| {
        let own = of_segment(&segment.label);
        let resamples = (DRAWN / own.len().max(1)).clamp(RESAMPLES.0, RESAMPLES.1);
        let interval = clv::bootstrap_mean(&own, resamples as u32, nth as u64)?;
        Some(SegmentValue {
            label: segment.label.clone(),
            mean: interval.mean,
            low: interval.low,
            high: interval.high,
            total: interval.mean * own.len() as f64,
        })
    });
    Some(ValueOutcome { feature: feature.to_owned(), formula: found.words.clone(), segments: segments.collect() })
}
