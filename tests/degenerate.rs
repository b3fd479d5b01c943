//! Customers who can't be clustered, or hardly: for every method a coded error that names what is wrong, or a defined
//! result.

use std::collections::BTreeSet;

use segc::build::Built;
use segc::diagnostics::Diagnostic;

use crate::support::{Case, spec_with};

const METHODS: [&str; 9] = [
    "method kmeans; k 2",
    "method minibatch; k 2",
    "method gmm; k 2",
    "method gmm; covariance diagonal; k 2",
    "method gmm; covariance tied; k 2",
    "method gmm; covariance spherical; k 2",
    "method ward; k 2",
    "method dbscan; radius 0.5; neighbours 3",
    "method hdbscan; smallest 3",
];

/// Clusters customers, who each have one purchase at a price, on some expressions.
fn clustered(prices: &[f64], on: &str, settings: &str) -> Result<Built, Vec<Diagnostic>> {
    let cluster =
        format!("  cluster {{\n    on {on}\n    {settings}\n  }}\n  label clusters {{\n    otherwise \"All\"");
    let features = "    spent = sum(amount)\n    visits = count()\n    rate = spent / (spent - 7 GBP)\n    x = spent / 1 GBP\n    \
                    x4 = x * x * x * x\n    x16 = x4 * x4 * x4 * x4";
    let spec = spec_with(features).replace("  label customers {\n    otherwise \"All\"", &cluster);
    let rows = prices.iter().enumerate().map(|(i, price)| format!("c{i},i{i},pen,1,{price},2024-01-05\n"));
    let orders = format!("customer,invoice,product,quantity,price,at\n{}", rows.collect::<String>());
    Case::new(&spec, &orders).build()
}

#[track_caller]
fn refused(found: Result<Built, Vec<Diagnostic>>, code: &str, words: &[&str], settings: &str) {
    let errors = found.err().unwrap_or_else(|| panic!("{settings} goes on"));
    let error = errors.iter().find(|error| error.code == code);
    let error = error.unwrap_or_else(|| panic!("{settings}: {errors:?}"));
    assert!(words.iter().all(|word| error.message.contains(word)), "{settings}: {}", error.message);
    assert!(error.help.is_some() && !error.labels.is_empty(), "{settings}: {error:?}");
}

/// Customers per cluster, and in none.
#[track_caller]
fn sizes(found: Result<Built, Vec<Diagnostic>>, settings: &str) -> (Vec<u64>, u64) {
    let built = found.unwrap_or_else(|errors| panic!("{settings}: {errors:?}"));
    let cluster = built.outcome.cluster.unwrap();
    (cluster.clusters.iter().map(|cluster| cluster.customers).collect(), cluster.noise.unwrap_or(0))
}

/// Two dense places at 10 and at 90.
fn two_places() -> Vec<f64> {
    (0..20).map(|i| if i % 2 == 0 { 10.0 } else { 90.0 } + f64::from(i) / 10.0).collect()
}

fn scaled(settings: &str, scale: &str) -> String {
    format!("scale {scale}; {settings}")
}

#[test]
fn a_missing_feature_names_the_customer_and_the_expression() {
    let mut prices = two_places();
    prices[3] = 7.0;
    for settings in METHODS {
        refused(clustered(&prices, "spent, rate", settings), "SEG0402", &["`rate`", "`c3`"], settings);
        refused(clustered(&prices, "spent, rate * 2", settings), "SEG0402", &["`rate * 2`", "`c3`"], settings);
    }
}

/// A feature that grows beyond every number, a dimension that does, and one that is a number still, whose squares are not.
#[test]
fn a_number_beyond_all_distances_names_the_customer_and_the_expression() {
    for settings in METHODS {
        for (price, on, words) in [
            (1e9, "spent, x16 * x16 * x16", "`x16 * x16 * x16`"),
            (1e9, "spent, x16", "`x16`"),
            (1e6, "spent, x16 * x16", "`x16 * x16`"),
        ] {
            let mut prices = two_places();
            prices[5] = price;
            refused(clustered(&prices, on, settings), "SEG0403", &[words, "`c5`"], settings);
        }
    }
    let features = "    x = (sum(amount) / 1 GBP) * (sum(amount) / 1 GBP)\n    y = x * x * x * x * x * x * x * x * x * x * x * x * x * x * x * x * x * x";
    let case = Case::new(
        &spec_with(features),
        "customer,invoice,product,quantity,price,at\nc0,i0,pen,1,1000000000,2024-01-05\n",
    );
    refused(case.build(), "SEG0403", &["`y` is infinite", "`c0`"], "a feature");
}

#[test]
fn a_feature_without_variance_is_named() {
    for settings in METHODS {
        for scale in ["zscore", "minmax", "robust"] {
            let found = clustered(&two_places(), "spent, visits", &scaled(settings, scale));
            refused(found, "SEG0503", &["`visits`"], settings);
        }
        // Without a scale it is a dimension that tells nobody apart.
        let found = clustered(&two_places(), "log1p(spent), visits", &scaled(settings, "none"));
        assert_eq!(sizes(found, settings), (vec![10, 10], 0), "{settings}");
    }
}

#[test]
fn fewer_different_customers_than_clusters_are_counted() {
    let prices = [10.0, 10.0, 90.0, 90.0];
    for settings in METHODS {
        let found = clustered(&prices, "log1p(spent)", &settings.replace("k 2", "k 3"));
        match settings.contains("k 2") {
            true => refused(found, "SEG0501", &["`k` is 3", "2 customers"], settings),
            false => refused(found, "SEG0508", &["nobody is in any cluster"], settings),
        }
    }
}

#[test]
fn equal_customers_are_one_cluster_or_none() {
    for settings in METHODS {
        for customers in [1, 30] {
            let prices = vec![10.0; customers];
            refused(clustered(&prices, "spent", settings), "SEG0503", &["`spent`"], settings);
            let one = scaled(&settings.replace("k 2", "k 1"), "none");
            let found = clustered(&prices, "spent", &one);
            match (settings.split(';').next().unwrap(), customers) {
                ("method hdbscan", _) | ("method dbscan", 1) => refused(found, "SEG0508", &["nobody"], settings),
                _ => assert_eq!(sizes(found, settings), (vec![customers as u64], 0), "{settings}"),
            }
            if settings.contains("k 2") {
                let two = clustered(&prices, "spent", &scaled(settings, "none"));
                refused(two, "SEG0501", &["`k` is 2", "all customers are alike"], settings);
            }
        }
    }
}

/// Three prices, two of them those of nearly everybody.
#[test]
fn heavy_duplicates_stay_together() {
    let prices: Vec<f64> = (0..600).map(|i| if i == 599 { 50.0 } else { [10.0, 90.0][i % 2] }).collect();
    for settings in METHODS {
        let built = clustered(&prices, "spent", settings).unwrap_or_else(|errors| panic!("{settings}: {errors:?}"));
        let labels = built.execution.clustering.as_ref().unwrap().labels();
        let of_price = |price: f64| -> BTreeSet<u32> {
            let ids = built.execution.customers.ids.iter().map(|id| id[1..].parse::<usize>().unwrap());
            ids.zip(labels).filter(|(id, _)| prices[*id] == price).map(|(_, label)| *label).collect()
        };
        let (low, high) = (of_price(10.0), of_price(90.0));
        assert_eq!((low.len(), high.len()), (1, 1), "{settings}");
        assert_ne!(low, high, "{settings}");
    }
}
