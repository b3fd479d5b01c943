//! The engine against an interpreter that goes through rows one by one: random specs over random tables have to give
//! the same ledger, customers, features, scores and labels.
//!
//! The interpreter ([`interpret`]) follows LANGUAGE.md, takes the checked spec, and shares no code with `plan`, `exec`
//! or `eval`. `PROPTEST_CASES=5000` runs more cases, other ones each time.

mod aggregates;
pub mod generate;
mod interpret;
mod value;

use std::cell::Cell;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use segc::build::Built;
use segc::exec::customers::Values;
use segc::spec::{Aggregate, Function, Spec, Typed};
use segc::types::Base;

use self::generate::{Choices, Table};
use self::interpret::Result as Expected;
use self::value::Value;
use crate::support::Case;

/// Enough for every kind of expression to occur many times.
const CASES: u32 = 300;

#[test]
fn the_engine_gives_what_going_through_the_rows_gives() {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok());
    let config = Config {
        cases: asked.unwrap_or(CASES),
        failure_persistence: None,
        max_shrink_iters: 3_000,
        ..Config::default()
    };
    let mut runner = match asked {
        Some(_) => TestRunner::new(config),
        None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
    };
    let numbers = |n| proptest::collection::vec(proptest::num::u16::ANY, 0..n);
    let (run, compiled, built) = (Cell::new(0u32), Cell::new(0u32), Cell::new(0u32));
    let one_more = |counter: &Cell<u32>| counter.set(counter.get() + 1);
    let outcome = runner.run(&(numbers(400), numbers(500)), |(spec, table)| {
        let spec = generate::spec(&mut Choices::of(&spec));
        let table = generate::table(&mut Choices::of(&table));
        one_more(&run);
        match agree(&spec, &table) {
            Ok(Seen::NotCompiled) => Ok(()),
            Ok(Seen::NothingLeft | Seen::TooLarge) => {
                one_more(&compiled);
                Ok(())
            }
            Ok(Seen::Same) => {
                one_more(&compiled);
                one_more(&built);
                Ok(())
            }
            Err(difference) => Err(TestCaseError::fail(format!("{difference}\n{spec}\n{}", table.text))),
        }
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    let (run, compiled, built) = (run.get(), compiled.get(), built.get());
    assert!(10 * compiled >= 8 * run, "of {run} specs only {compiled} compiled");
    assert!(10 * built >= 6 * run, "of {run} specs only {built} were built");
}

enum Seen {
    NotCompiled,
    /// Neither of the two finds a customer.
    NothingLeft,
    /// Numbers beyond 64 bits.
    TooLarge,
    Same,
}

/// Builds and interprets, and says where the two differ.
fn agree(spec: &str, table: &Table) -> Result<Seen, String> {
    let case = Case::new(spec, &table.text);
    let compiled = case.compile();
    let (Some(typed), false) = (&compiled.spec, compiled.has_errors()) else {
        return Ok(Seen::NotCompiled);
    };
    let expected = interpret::run(typed, &table.rows);
    let built = match (case.build(), &expected) {
        (Ok(built), _) => built,
        (Err(found), expected) => {
            let error = found.iter().find(|d| d.is_error()).expect("a build fails by an error");
            return match (error.code, expected) {
                ("SEG0401", None) => Ok(Seen::NothingLeft),
                ("SEG0404", _) => Ok(Seen::TooLarge),
                _ => Err(format!("the build fails: {} {}", error.code, error.message)),
            };
        }
    };
    let expected = expected.ok_or("the build gives customers where there are none")?;
    ledger(&built, &expected, table)?;
    features(&built, &expected, typed)?;
    let rules: Vec<usize> = built.execution.labelled.rule_of_customer.iter().map(|rule| *rule as usize).collect();
    same("rules of customers", &rules, &expected.rules)?;
    Ok(Seen::Same)
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: found {found:?}, expected {expected:?}")) }
}

fn ledger(built: &Built, expected: &Expected, table: &Table) -> Result<(), String> {
    let (rows, run) = (&built.outcome.rows, &built.execution);
    same("rows read", &rows.read, &(table.rows.len() as u64 + table.refused))?;
    same("rows refused", &rows.refused, &table.refused)?;
    same("rows used", &rows.used, &expected.ledger.used)?;
    let rules: Vec<(&str, u64)> = rows.dropped.iter().map(|d| (d.rule.as_str(), d.rows)).collect();
    let wanted: Vec<(&str, u64)> = expected.ledger.dropped.iter().map(|d| (d.0.as_str(), d.1)).collect();
    same("rows by rule", &rules, &wanted)?;
    let money = |text: &Option<String>| text.as_ref().map(|t| t.parse::<f64>().unwrap());
    let amounts = rows.dropped.iter().map(|d| &d.amount).chain([&rows.amount_read, &rows.amount_used]);
    let wanted = expected.ledger.dropped.iter().map(|d| &d.2);
    let wanted = wanted.chain([&expected.ledger.amount_read, &expected.ledger.amount_used]);
    let wanted: Vec<Option<f64>> = wanted.map(|amount| amount.as_ref().and_then(Value::double)).collect();
    same("amounts of the ledger", &amounts.map(money).collect::<Vec<_>>(), &wanted)?;
    same("as_of", &run.as_of.map(i128::from), &Some(expected.as_of))?;
    same("baskets", &run.baskets, &expected.baskets)?;
    same("customers", &run.customers.ids, &expected.customers)
}

fn features(built: &Built, expected: &Expected, spec: &Spec<Typed>) -> Result<(), String> {
    for (nth, feature) in spec.features.iter().enumerate() {
        let found = &built.execution.customers.features[nth];
        same("name of a feature", &found.name, &feature.name.value)?;
        let whole = !matches!(feature.value.ty.base, Base::Number | Base::Share) && !divides(feature, spec);
        for (customer, id) in expected.customers.iter().enumerate() {
            let expected = &expected.features[nth][customer];
            let equal = match (&found.values, expected) {
                (Values::Numbers(numbers), Value::Missing) => numbers[customer].is_nan(),
                (Values::Numbers(numbers), value) => {
                    let (a, b) = (numbers[customer], value.double().expect("a number"));
                    a == b || (!whole && (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0))
                }
                (Values::Texts(texts), Value::Text(text)) => texts[customer].as_deref() == Some(text),
                (Values::Texts(texts), value) => texts[customer].is_none() && value.is_missing(),
                (Values::Bools(bools), value) => bools[customer] == value.truth(),
            };
            if !equal {
                let found = match &found.values {
                    Values::Numbers(numbers) => format!("{:?}", numbers[customer]),
                    Values::Texts(texts) => format!("{:?}", texts[customer]),
                    Values::Bools(bools) => format!("{:?}", bools[customer]),
                };
                return Err(format!("{} of {id}: found {found}, expected {expected:?}", feature.name.value));
            }
        }
    }
    Ok(())
}

/// Whether a feature of money or time comes out of a division, so that it has no more than the digits of a double.
fn divides(feature: &segc::spec::Feature<Typed>, spec: &Spec<Typed>) -> bool {
    use segc::expr::{Kind, Operator};
    use segc::spec::{Population, Ref};
    let mut found = false;
    feature.value.walk(&mut |e| {
        found |= match &e.kind {
            Kind::Arithmetic(_, rest) => rest.iter().any(|(operator, _)| *operator == Operator::Divide),
            Kind::Call { function: Function::Population(Population::Winsorize), .. } => true,
            Kind::Call { function: Function::Aggregate(f), .. } => {
                matches!(f, Aggregate::Mean | Aggregate::Quantile | Aggregate::Std | Aggregate::MeanGap)
            }
            Kind::Ref(Ref::Feature(id)) => divides(spec.feature(*id), spec),
            Kind::Ref(Ref::Basket(id)) => divides(&spec.baskets.as_ref().expect("it has baskets").fields[id.0], spec),
            _ => e.ty.base == Base::Number || e.ty.base == Base::Share,
        }
    });
    found
}
