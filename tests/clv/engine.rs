//! Models of buying as features: in specs, in outcomes, in models for new customers.

use segc::build::{Built, build};
use segc::compile::compile;
use segc::outcome::ForecastOutcome;
use segc::progress::Silent;
use segc::world::Disk;

use super::{close, near};
use crate::support::{Case, cdnow, real_data, root};

/// A spec over files of a data folder.
fn built(text: &str, data: &std::path::Path) -> Built {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.seg");
    std::fs::write(&path, text).unwrap();
    let world = Disk { data: vec![data.to_owned()], ..Disk::default() };
    let compiled = compile(&world, &path, &[]);
    assert!(!segc::diagnostics::has_errors(&compiled.diagnostics), "{:#?}", compiled.diagnostics);
    build(&world, &compiled, &Silent).unwrap_or_else(|found| panic!("{found:#?}"))
}

fn shipped() -> String {
    std::fs::read_to_string(root().join("specs/cdnow_clv.seg")).unwrap()
}

fn numbers(built: &Built, feature: &str) -> Vec<f64> {
    built.execution.customers.feature(feature).unwrap().values.numbers().unwrap().to_vec()
}

fn parameters(found: &ForecastOutcome) -> Vec<f64> {
    found.purchases.parameters.iter().map(|p| p.value).collect()
}

/// As of the end of calibration the spec gives what the papers print, and for customers what scipy computes from the
/// published formulas (integrals by a Gauss rule of 60 points).
#[test]
fn features_are_those_of_the_papers() {
    let spec = shipped()
        .replace("as_of   @1998-06-30", "as_of   @1997-09-30")
        .replace("365 days, holdout", "39 weeks, holdout");
    let spec = spec.replace("holdout: 39 weeks", "holdout: 13 weeks");
    let built = built(&spec, &cdnow());
    let found = &built.outcome.forecasts;
    assert_eq!(found.len(), 1, "three features share one model");
    for (found, expected) in parameters(&found[0]).iter().zip([0.242595, 4.413602, 0.792922, 2.425907]) {
        near(*found, expected, 2e-5);
    }
    near(found[0].purchases.log_likelihood, -9582.4292, 5e-5);
    let spend = found[0].spend.as_ref().unwrap();
    near(spend.fit.parameters[2].value, 15.4435, 1e-3);
    near(spend.mean, 35.17, 0.005);
    let (alive, orders, value) = (numbers(&built, "alive"), numbers(&built, "orders"), numbers(&built, "value"));
    assert_eq!(built.execution.customers.ids[0], "0001");
    near(alive[0], ALIVE.0, 1e-5);
    near(alive.iter().sum(), ALIVE.1, 0.01);
    near(orders[0], ORDERS.0, 1e-5);
    near(orders.iter().sum(), ORDERS.1, 0.01);
    close(value[0], VALUE.0, 1e-5);
    close(value.iter().sum(), VALUE.1, 1e-5);
}

/// The first customer, and the sum over all.
const ALIVE: (f64, f64) = (0.726_620_3, 1_917.277_67);
const ORDERS: (f64, f64) = (1.225_994_5, 1_653.408_70);
const VALUE: (f64, f64) = (36.860_177, 72_654.004);

/// Paper: the second half of the sample brought 1,882 purchases, of which the model that saw the first half expects 1,653.
#[test]
fn the_shipped_spec_is_tried_as_in_the_paper() {
    let built = built(&shipped(), &cdnow());
    let held_out = built.outcome.forecasts[0].holdout.as_ref().unwrap();
    assert_eq!((held_out.shown_until.as_str(), held_out.days, held_out.customers), ("1997-09-30", 273, 2357));
    near(held_out.expected, 1653.41, 0.01);
    assert_eq!(held_out.actual, 1882);
    for (found, expected) in held_out.parameters.iter().zip([0.242595, 4.413602, 0.792922, 2.425907]) {
        near(found.value, expected, 2e-5);
    }
    let snapshot = segc::snapshot::render(&built);
    for line in ["model BG/NBD in weeks", "held out after 1997-09-30", "mean value"] {
        assert!(snapshot.contains(line), "{snapshot}");
    }
    let value = &built.outcome.forecasts[0].values[0];
    assert_eq!(value.segments.len(), built.outcome.segments.len());
    let all: f64 = value.segments.iter().map(|s| s.total).sum();
    close(all, numbers(&built, "value").iter().sum(), 1e-9);
    assert!(value.segments.iter().all(|s| s.low <= s.mean && s.mean <= s.high), "{value:#?}");
    assert!(built.outcome.forecasts[0].independence.as_ref().unwrap().holds);
    assert!(built.diagnostics.iter().all(|d| !d.code.starts_with("SEG054")), "{:#?}", built.diagnostics);
}

/// scipy: over a year of Online Retail nobody can be seen to leave; the NBD has r .82681, alpha 9.92087 and a
/// log-likelihood of -37697.4598. lifetimes gives P(alive) of more than .999 to everybody there.
#[test]
fn online_retail_has_no_drop_out() {
    let Some(data) = real_data() else { return };
    let spec = r#"segmentation shop {
  currency GBP
  source lines from "online_retail.csv.gz" {
    customer: id = CustomerID; invoice: text = InvoiceNo; quantity: int = Quantity; price: money = UnitPrice
    at: datetime = InvoiceDate
  }
  derive amount = quantity * price
  revenue amount
  filter {
    drop "no customer" when customer is missing
    drop "cancellation" when invoice starts with "C"
    drop "void" when quantity <= 0 or price <= 0
  }
  as_of max(at) + 1 day
  features {
    alive = p_alive(model: MODEL)
    value = clv(horizon: 365 days, discount: 10% per year, model: MODEL)
  }
  cluster { on log1p(value), log1p(clv(horizon: 90 days, model: MODEL)); k 2; seed 1 }
  label clusters { otherwise "All" }
}"#;
    for model in ["bg_nbd", "mbg_nbd", "pareto_nbd"] {
        let built = built(&spec.replace("MODEL", model), &data);
        let found = &built.outcome.forecasts[0];
        assert!(!found.drop_out_found, "{model}: {found:#?}");
        near(parameters(found)[0], 0.82681, 1e-4);
        near(parameters(found)[1], 9.92087, 1e-3);
        near(found.purchases.log_likelihood, -37697.4598, 1e-3);
        assert!(found.purchases.converged);
        assert!(numbers(&built, "alive").iter().all(|alive| *alive == 1.0));
        assert!(numbers(&built, "value").iter().all(|value| *value > 0.0 && value.is_finite()));
        assert!(built.diagnostics.iter().any(|d| d.code == "SEG0544"), "{:#?}", built.diagnostics);
    }
}

/// One customer, a customer of today (T = 0), and one day alone: an error with a code, or defined values.
#[test]
fn the_smallest_data_are_defined() {
    let spec = r#"segmentation shop {
  currency EUR
  source orders from "orders.csv" { customer: id; price: money; at: date }
  revenue price
  as_of max(at)
  features { alive = p_alive(); buys = expected_purchases(horizon: 30 days); value = clv(horizon: 30 days) }
  label customers { otherwise "All" }
}"#;
    let code = |orders: &str| Case::new(spec, orders).build().err().map(|found| found.last().unwrap().code);
    assert_eq!(code("customer,price,at\nann,5,2024-01-01\nann,7,2024-01-01\n"), Some("SEG0540"));
    assert_eq!(code("customer,price,at\nann,5,2024-01-01\nann,-7,2024-01-09\n"), Some("SEG0541"));
    for orders in [
        "customer,price,at\nann,5,2024-01-01\nann,7,2024-01-09\n",
        "customer,price,at\nann,5,2024-01-01\nann,7,2024-01-09\nben,3,2024-01-09\n",
        "customer,price,at\nann,5,1960-01-01\nann,7,1999-01-09\nben,3,2024-01-09\nben,-9,2024-01-09\n",
    ] {
        let built = Case::new(spec, orders).built();
        for feature in ["alive", "buys", "value"] {
            let found = numbers(&built, feature);
            assert!(found.iter().all(|x| x.is_finite() && *x >= 0.0), "{feature}: {found:?}");
        }
    }
}
