//! What a reader should know of the models of buying: why one can't be fitted, and how far it can be trusted.

use crate::clv::FitError;
use crate::diagnostics::Diagnostic;
use crate::exec::Forecasted;
use crate::spec::{Spec, Typed};
use crate::syntax::source::Span;

/// Fewer customers or days say little of how people buy.
const FEW_CUSTOMERS: u64 = 500;
const FEW_DAYS: u32 = 180;
/// Correlation of ranks, and share of variance, from which spending and frequency count as connected.
pub(crate) const MOST_CORRELATED: f64 = 0.30;
pub(crate) const MOST_EXPLAINED: f64 = 0.25;
/// Held-out purchases from which a miss says something, and how far a model may miss them or what they brought.
const ENOUGH_PURCHASES: f64 = 100.0;
const MOST_OFF: f64 = 0.25;

/// What stopped a model.
pub(super) fn no_fit(asked_by: &str, error: FitError, spec: &Spec<Typed>) -> Diagnostic {
    let place = place(asked_by, spec);
    match error {
        FitError::NoSpend => Diagnostic::error("SEG0541", "no repeat purchase brought money")
            .at(place, "there is nothing to learn from what people spend")
            .help("look at `revenue`, or ask for purchases alone: `expected_purchases(horizon: 365 days)`"),
        FitError::NoRepeats { .. } | FitError::NoCustomers => {
            let who = match error {
                FitError::NoRepeats { customers: 1 } => "the only customer bought on one day".to_owned(),
                FitError::NoRepeats { customers } => format!("none of {customers} customers bought on a second day"),
                _ => "there are no customers".to_owned(),
            };
            Diagnostic::error("SEG0540", format!("{who}, so nothing can be said of purchases to come"))
                .at(place, "a model of buying learns from repeat purchases")
                .help("use more data, or take this feature out")
        }
    }
}

/// Warnings and remarks.
pub(super) fn notices(forecast: &Forecasted, spec: &Spec<Typed>) -> Vec<Diagnostic> {
    let place = place(&forecast.plan.asked_by, spec);
    let model = forecast.plan.model.title();
    let purchases = &forecast.fitted.purchases;
    let mut found = vec![];
    if purchases.customers < FEW_CUSTOMERS || forecast.days < FEW_DAYS {
        let (customers, days) = (purchases.customers, forecast.days);
        found.push(
            Diagnostic::warning(
                "SEG0547",
                match customers {
                    1 => format!("one customer over {days} days is little to learn from"),
                    n => format!("{n} customers over {days} days are little to learn from"),
                },
            )
            .at(place, "predictions of this model are rough")
            .help(format!("a model of buying wants {FEW_CUSTOMERS} customers and {FEW_DAYS} days at least")),
        );
    }
    if !purchases.drop_out.found {
        found.push(
            Diagnostic::remark("SEG0544", "no drop-out found: customers buy at a steady pace to the end of the data")
                .at(place, format!("the NBD, in which everybody stays, explains as much as {model}"))
                .help("use data over a longer time, if there are any, to see who stays away"),
        );
    }
    let spend = forecast.fitted.spend.as_ref();
    let buying = if purchases.drop_out.found { model } else { "the NBD" };
    let spending = "the Gamma-Gamma model of spending";
    let fits = [(buying, Some(&purchases.convergence)), (spending, spend.map(|spend| &spend.convergence))];
    for (name, convergence) in fits {
        let Some(convergence) = convergence.filter(|convergence| !convergence.converged) else { continue };
        let why = match convergence.at_bound.as_slice() {
            [] => "the likelihood has no clear maximum".to_owned(),
            [name] => format!("`{name}` ran into its bounds"),
            names => format!("`{}` ran into their bounds", names.join("` and `")),
        };
        found.push(
            Diagnostic::warning("SEG0542", format!("the parameters of {name} are not settled: {why}"))
                .at(place, "the data do not fit the model, or are too few")
                .help("don't rely on these predictions: use more customers or a longer time, or another `model`"),
        );
    }
    if let Some(spend) = spend.filter(|spend| spend.without > 0) {
        found.push(
            Diagnostic::warning(
                "SEG0545",
                format!("the repeat purchases of {} customers brought nothing, or less", spend.without),
            )
            .at(place, "they are left out of the model of spending, and count as spending 0 so far")
            .help("drop refunds in `filter`, or net them against the purchase that they belong to"),
        );
    }
    if spend.is_some_and(|spend| !spend.model.has_mean()) {
        found.push(
            Diagnostic::warning("SEG0546", "spending is spread so widely that the model has no mean (q is at most 1)")
                .at(place, "customers without a repeat purchase get the mean that was seen")
                .help("look for broken amounts, or drop the largest ones in `filter`"),
        );
    }
    if let Some(seen) = forecast.independence
        && (seen.spearman.abs() >= MOST_CORRELATED || seen.eta_squared >= MOST_EXPLAINED)
    {
        let how = if seen.spearman > 0.0 { "more" } else { "less" };
        found.push(
            Diagnostic::warning(
                "SEG0543",
                format!(
                    "customers who buy more often spend {how} each time (rank correlation {:.2}, {:.0} % of the variance)",
                    seen.spearman,
                    100.0 * seen.eta_squared
                ),
            )
            .at(place, "the value takes the two to be independent")
            .help("value groups of customers apart, for example by `filter`, or take the values as a ranking only"),
        );
    }
    if let Ok(held_out) = &forecast.held_out {
        let actual: u64 = held_out.groups.iter().map(|g| g.actual).sum();
        let expected: f64 = held_out.groups.iter().map(|g| g.expected).sum();
        let enough = (actual as f64).max(expected) >= ENOUGH_PURCHASES;
        let missed = |expected: f64, actual: f64| enough && (expected - actual).abs() > MOST_OFF * actual;
        let text = match held_out.amount {
            _ if missed(expected, actual as f64) => {
                Some(format!("held-out purchases were {actual}, {model} had expected {expected:.0}"))
            }
            Some((expected, actual)) if missed(expected, actual) => {
                let currency = spec.currency.as_ref().map_or(String::new(), |currency| format!(" {}", currency.value));
                Some(format!("held-out purchases brought {actual:.0}{currency}, {expected:.0}{currency} were expected"))
            }
            _ => None,
        };
        found.extend(text.map(|text| {
            Diagnostic::warning("SEG0548", text)
                .at(place, format!("more than {:.0} % off", 100.0 * MOST_OFF))
                .help("try another model, for example `model: pareto_nbd`, or data without a season that differs")
        }));
    }
    found
}

/// Where a model is asked for first.
fn place(asked_by: &str, spec: &Spec<Typed>) -> Span {
    let feature = spec.features.iter().find(|feature| feature.name.value == asked_by);
    let cluster = spec.cluster.as_ref().map(|cluster| cluster.span);
    feature.map(|feature| feature.value.span).or(cluster).unwrap_or(spec.facts().name.span)
}
