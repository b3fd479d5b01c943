//! The technical appendix: feature statistics, cut points of scores, cluster centres, settings and digests.

use super::facts::Facts;
use super::figure::{Table, view};
use super::numbers::{Unit, bytes, count, fixed, number, share};
use super::words;
use crate::outcome::Outcome;

view! {
    pub struct Setting {
        name: String,
        value: String,
    }
}

view! {
    pub struct Remark {
        code: String,
        text: String,
        help: Option<String>,
    }
}

pub fn notes(outcome: &Outcome) -> Vec<Remark> {
    let remark = |n: &crate::outcome::Note| Remark {
        code: words::clean(&n.code),
        text: words::clean(&n.text),
        help: n.help.as_deref().map(words::clean),
    };
    outcome.notes.iter().map(remark).collect()
}

/// Tables that no chart carries. Those without rows are left out.
pub fn tables(facts: &Facts) -> Vec<Table> {
    let mut tables = vec![formulas(facts), statistics(facts), cuts(facts), criteria(facts), centers(facts)];
    tables.retain(|t| !t.rows.is_empty());
    tables
}

/// How the result came about, a line each.
pub fn settings(outcome: &Outcome) -> Vec<Setting> {
    let mut settings = Vec::new();
    let mut add = |name: &str, value: String| settings.push(Setting { name: name.to_owned(), value });
    add("Specification", words::clean(&outcome.name));
    if let Some(as_of) = &outcome.as_of {
        add("As of", words::moment(as_of));
    }
    if let Some(currency) = &outcome.currency {
        add("Currency", words::clean(currency));
    }
    if let Some(cluster) = &outcome.cluster {
        add("Method", words::method(&cluster.method));
        if let Some(settings) = &cluster.settings {
            add("Settings", words::clean(settings));
        }
        if let Some(noise) = cluster.noise {
            add("In no cluster", count(noise));
        }
        add("Dimensions", words::clean(&cluster.on.join(", ")));
        add("Scaling", words::scaling(&cluster.scale));
        add("k", format!("{}, chosen by: {}", cluster.k, words::aloud(&cluster.chosen_by)));
        add("Seed", cluster.seed.to_string());
        add("Restarts", count(u64::from(cluster.restarts)));
    } else {
        add("Method", "customers are labelled by rules, without clustering".to_owned());
    }
    add("segc", words::clean(&outcome.segc));
    add("Schema", words::clean(&outcome.schema));
    settings
}

pub fn inputs(outcome: &Outcome) -> Table {
    let several = !outcome.joins.is_empty();
    let mut columns = vec!["File", "Rows#", "Size#", "SHA-256"];
    columns.extend(several.then_some("Source"));
    let mut table = Table::new("Inputs", &columns);
    for input in &outcome.inputs {
        let digest = words::clean(&input.sha256);
        let mut cells = vec![words::clean(&input.name), count(input.rows), bytes(input.bytes), digest];
        cells.extend(several.then(|| words::clean(&input.source)));
        table.row(cells);
    }
    table
}

fn formulas(facts: &Facts) -> Table {
    let mut table = Table::new("Features", &["Feature", "Formula", "Unit", "Missing#"]);
    for f in &facts.outcome.features {
        let missing = if f.missing == 0 { "0".to_owned() } else { count(f.missing) };
        table.row(vec![words::clean(&f.name), words::clean(&f.formula), words::clean(&f.unit), missing]);
    }
    table
}

fn statistics(facts: &Facts) -> Table {
    let mut table = Table::new(
        "Features over all customers (quantiles by linear interpolation; standard deviation with n − 1)",
        &["Feature", "Min#", "5 %#", "25 %#", "Median#", "75 %#", "95 %#", "Max#", "Mean#", "Std#"],
    );
    for (feature, s) in facts.numeric() {
        let unit = Facts::unit(feature);
        let mut cells = vec![words::clean(&feature.name)];
        cells.extend([s.min, s.p05, s.p25, s.p50, s.p75, s.p95, s.max, s.mean].map(|x| unit.value(x)));
        cells.push(s.std.map_or_else(|| "–".to_owned(), |x| unit.value(x)));
        table.row(cells);
    }
    table
}

fn cuts(facts: &Facts) -> Table {
    let mut table =
        Table::new("Cut points of scores", &["Score", "Of", "Points#", "From#", "To#", "Customers#", "Share#"]);
    for score in &facts.outcome.scores {
        let unit = Unit::parse(&score.unit);
        let of = format!("{}{}", words::clean(&score.of), if score.low_is_best { ", low is best" } else { "" });
        for step in &score.steps {
            table.row(vec![
                words::clean(&score.feature),
                of.clone(),
                format!("{} of {}", step.score, score.n),
                unit.value(step.from),
                unit.value(step.to),
                count(step.customers),
                share(step.customers as f64 / facts.outcome.customers.max(1) as f64),
            ]);
        }
    }
    table
}

fn criteria(facts: &Facts) -> Table {
    let mut table = Table::new(
        "All criteria for every k",
        &["k", "Inertia#", "Silhouette#", "Davies–Bouldin#", "Calinski–Harabasz#", "Smallest#", "Sizes", "Conditions"],
    );
    let Some(cluster) = &facts.outcome.cluster else { return table };
    let optional = |x: Option<f64>, decimals: usize| x.map_or_else(|| "–".to_owned(), |x| fixed(x, decimals));
    for row in &cluster.search {
        let sizes: Vec<String> = row.sizes.iter().map(|n| count(*n)).collect();
        table.row(vec![
            row.k.to_string(),
            fixed(row.inertia, 2),
            optional(row.silhouette, 4),
            optional(row.davies_bouldin, 4),
            optional(row.calinski_harabasz, 1),
            share(row.smallest_share),
            sizes.join(" · "),
            match (&row.misses, row.qualifies) {
                (Some(misses), false) => words::unquoted(misses),
                (None, false) => "not met".to_owned(),
                (_, true) => "met".to_owned(),
            },
        ]);
    }
    table
}

fn centers(facts: &Facts) -> Table {
    let Some(cluster) = &facts.outcome.cluster else { return Table::new("", &[]) };
    let mut names = vec!["Cluster".to_owned(), "Segment".to_owned(), "Customers#".to_owned()];
    names.extend(cluster.on.iter().map(|d| format!("{}#", words::clean(d))));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut table = Table::new("Centres of clusters: scaled, and in the dimension’s own unit in brackets", &names);
    for profile in &cluster.clusters {
        let mut cells = vec![profile.cluster.to_string(), words::clean(&profile.label), count(profile.customers)];
        cells.extend((0..cluster.on.len()).map(|i| match (profile.center.get(i), profile.center_unscaled.get(i)) {
            (Some(scaled), Some(own)) => format!("{} ({})", fixed(*scaled, 3), number(*own)),
            (Some(scaled), None) => fixed(*scaled, 3),
            (None, _) => "–".to_owned(),
        }));
        table.row(cells);
    }
    table
}
