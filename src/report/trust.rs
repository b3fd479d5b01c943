//! How far values of customers can be trusted: what the models are, how they did, and what is doubtful.

use super::charts;
use super::facts::Facts;
use super::figure::{Figure, Table};
use super::numbers::{count, counted, fixed, number, share_short};
use super::words;
use crate::clv::Model;
use crate::outcome::{FitOutcome, ForecastOutcome, IndependenceOutcome};

/// What a reader should know before the drawings.
pub fn intro(facts: &Facts) -> String {
    facts.outcome.forecasts.iter().map(|forecast| sentences(facts, forecast)).collect::<Vec<_>>().join(" ")
}

/// What held-out purchases brought beside what was expected.
fn brought(expected_words: &str, actual_words: &str, expected: f64, actual: f64) -> String {
    let how = match actual / expected - 1.0 {
        off if !off.is_finite() || off.abs() < 0.005 => String::new(),
        off if off > 0.0 => format!(", {} more than expected", share_short(off)),
        off => format!(", {} less than expected", share_short(-off)),
    };
    format!("It expected them to bring {expected_words}; they brought {actual_words}{how}.")
}

/// The hold-out, values by segment and parameters of every model.
pub fn figures(facts: &Facts) -> Vec<Option<Figure>> {
    let mut figures = vec![];
    let mut values = 0;
    for (nth, forecast) in facts.outcome.forecasts.iter().enumerate() {
        figures.push(forecast.holdout.as_ref().map(|held_out| charts::holdout(nth, predicts(forecast), held_out)));
        for value in &forecast.values {
            figures.push(charts::values(facts, values, value));
            values += 1;
        }
        figures.push(Some(parameters(facts, nth, forecast)));
    }
    figures
}

/// What predictions are made with.
fn predicts(forecast: &ForecastOutcome) -> &str {
    if forecast.drop_out_found { &forecast.model } else { "The NBD" }
}

fn sentences(facts: &Facts, forecast: &ForecastOutcome) -> String {
    let mut text = vec![format!(
        "{} learned from {} over {}: {} came back, {}.",
        words::clean(&forecast.model),
        counted(forecast.customers, "customer", "customers"),
        counted(u64::from(forecast.days), "day", "days"),
        count(forecast.repeat_buyers),
        counted(forecast.repeat_purchases, "time in all", "times in all"),
    )];
    if !forecast.drop_out_found {
        text.push(
            "No drop-out was found: as far as the data tell, nobody has left, and everybody buys on at their pace."
                .into(),
        );
    }
    if forecast.drop_out_found && forecast.model == Model::BgNbd.title() {
        text.push(
            "By BG/NBD nobody leaves before the second purchase, so that who bought once counts as alive for certain; \
             MBG/NBD and Pareto/NBD don\u{2019}t suppose so."
                .into(),
        );
    }
    match &forecast.holdout {
        Some(held_out) => {
            text.push(format!(
                "Shown the purchases up to {} alone, it expected {} in the next {}; {} came.",
                words::date(&held_out.shown_until),
                counted(held_out.expected.round() as u64, "purchase", "purchases"),
                counted(u64::from(held_out.days), "day", "days"),
                count(held_out.actual),
            ));
            if let (Some(expected), Some(actual)) = (held_out.amount_expected, held_out.amount_actual) {
                text.push(brought(&facts.money(expected), &facts.money(actual), expected, actual));
            }
        }
        None => text.push("It could not be tried: too little was bought before the time that is held out.".into()),
    }
    if let Some(seen) = &forecast.independence {
        text.push(independence(seen));
    }
    text.join(" ")
}

fn independence(seen: &IndependenceOutcome) -> String {
    let how = format!(
        "(rank correlation {}, {} of the variance of spending)",
        fixed(seen.spearman, 2),
        share_short(seen.eta_squared)
    );
    match (seen.holds, seen.spearman > 0.0) {
        (true, _) => {
            format!("How much customers spend has little to do with how often they buy {how}, as the model supposes.")
        }
        (false, true) => format!(
            "Customers who buy more often spend more each time {how}; the model supposes that they do not, so read values as an order."
        ),
        (false, false) => format!(
            "Customers who buy more often spend less each time {how}; the model supposes that they do not, so read values as an order."
        ),
    }
}

fn parameters(facts: &Facts, nth: usize, forecast: &ForecastOutcome) -> Figure {
    let fits: Vec<(&str, &FitOutcome)> = std::iter::once(("buying", &forecast.purchases))
        .chain(forecast.spend.as_ref().map(|spend| ("spending", &spend.fit)))
        .collect();
    let unsettled: Vec<&str> = fits.iter().filter(|(_, fit)| !fit.converged).map(|(name, _)| *name).collect();
    let title = match unsettled.as_slice() {
        [] => "The parameters are settled".to_owned(),
        names => format!("The parameters of {} are not settled", names.join(" and ")),
    };
    let starts = |(name, fit): &(&str, &FitOutcome)| {
        let bounds = match fit.at_bound.as_slice() {
            [] => String::new(),
            names => format!("; {} ran into bounds", names.join(", ")),
        };
        format!(
            "{name}: {} of {} led to this maximum (log-likelihood {}){bounds}",
            fit.agreeing,
            counted(u64::from(fit.starts), "start", "starts"),
            fixed(fit.log_likelihood, 1)
        )
    };
    let mut told = fits.iter().map(starts).collect::<Vec<_>>().join("; ");
    if let Some(spend) = &forecast.spend {
        told += &format!(
            ". A repeat purchase brings {} on average by the model, {} as seen",
            facts.money(spend.mean),
            facts.money(spend.mean_seen)
        );
        if spend.without > 0 {
            told += &format!("; {} brought nothing and were left out", counted(spend.without, "customer", "customers"));
        }
    }
    let subtitle =
        format!("Maximum likelihood; time in {}; standard errors from the observed information", forecast.unit);
    let mut table = Table::new(
        format!("Parameters of {}", words::clean(&forecast.model)),
        &["Parameter", "Of", "Value#", "Standard error#"],
    );
    for (name, fit) in &fits {
        for parameter in &fit.parameters {
            let error = parameter.standard_error.map_or_else(|| "–".to_owned(), number);
            table.row(vec![parameter.name.clone(), (*name).to_owned(), number(parameter.value), error]);
        }
    }
    let id = format!("parameters-{}", nth + 1);
    Figure::empty(&id, title, subtitle, &(words::name(&told) + ".")).with_table(table)
}
