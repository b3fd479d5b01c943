//! Runs the `test` blocks of a spec: rules on given values, and checks on a build.

//! How good the examples among them are is measured by what they touch ([`coverage`]) and by the changes to rules that
//! they notice ([`mutants`]); [`suggest`] writes those that are lacking.

pub mod coverage;
mod example;
mod expectations;
pub mod mutants;
pub mod suggest;
mod variants;

pub use example::Example;
pub use expectations::Found;

use crate::build::Built;
use crate::expr::Comparator;
use crate::outcome::{Outcome, SegmentOutcome};
use crate::plan::{Plan, Test};
use crate::spec::{Check, CheckCondition, Measure};

/// What became of one test.
#[derive(Debug, Clone, PartialEq)]
pub struct TestResult {
    pub name: String,
    /// What was expected and what was found instead; empty when the test passed. Lines below the first name examples.
    pub failures: Vec<String>,
    /// What was expected of single rows and customers.
    pub expectations: Vec<Found>,
}

/// Whether any test looks at a build.
pub fn needs_build(plan: &Plan) -> bool {
    plan.tests.iter().any(|test| !test.checks.is_empty()) || !plan.expectations.is_empty()
}

/// Runs all tests. `built` is what [`crate::build::build_for_tests`] gave, for the tests that look at a build; `words`
/// gives a check as written.
pub fn run(plan: &Plan, built: Option<&Built>, words: &dyn Fn(&Check) -> String) -> Vec<TestResult> {
    let found = built.map_or(vec![], expectations::found);
    let result = |(nth, test): (usize, &Test)| {
        let expectations: Vec<Found> = found.iter().filter(|f| f.test == nth).cloned().collect();
        let mut failures = failures(plan, test, built.map(|built| &built.outcome), words);
        failures.extend(expectations.iter().filter(|f| !f.passed).map(Found::words));
        TestResult { name: test.name.clone(), failures, expectations }
    };
    plan.tests.iter().enumerate().map(result).collect()
}

fn failures(plan: &Plan, test: &Test, outcome: Option<&Outcome>, words: &dyn Fn(&Check) -> String) -> Vec<String> {
    let mut failures = vec![];
    if !test.labels.is_empty() {
        let label = Example::of(test).label(&plan.labels.rules).map(|rule| rule.label.clone());
        let unlike = test.labels.iter().filter(|expected| Some(expected.as_str()) != label.as_deref());
        failures.extend(unlike.map(|expected| match &label {
            Some(found) => format!("expected \"{expected}\", the rules give \"{found}\""),
            None => format!("expected \"{expected}\", no rule holds"),
        }));
    }
    if let Some(outcome) = outcome {
        for check in &test.checks {
            let found = measure(&check.measure, outcome);
            let holds = found.is_some_and(|found| match check.condition {
                CheckCondition::Compare(comparator, limit) => comparator.holds(found.total_cmp(&limit)),
                CheckCondition::Between(low, high) => {
                    Comparator::GreaterOrEqual.holds(found.total_cmp(&low))
                        && Comparator::LessOrEqual.holds(found.total_cmp(&high))
                }
            });
            if !holds {
                failures.push(format!("expected {}, found {}", words(check), shown(&check.measure, found)));
            }
        }
    }
    failures
}

fn measure(measure: &Measure, outcome: &Outcome) -> Option<f64> {
    let rows = |n: u64, share: bool| if share { n as f64 / outcome.rows.read.max(1) as f64 } else { n as f64 };
    Some(match measure {
        Measure::RowsRefused { share } => rows(outcome.rows.refused, *share),
        Measure::RowsUsed { share } => rows(outcome.rows.used, *share),
        Measure::RowsRead => outcome.rows.read as f64,
        Measure::Customers => outcome.customers as f64,
        Measure::K => f64::from(outcome.cluster.as_ref()?.k),
        Measure::Share(label) => segments(outcome, label).map(|s| s.share).sum::<f64>() + 0.0,
        Measure::Dropped { rule, share } => {
            let dropped = outcome.rows.dropped.iter().find(|d| d.rule == *rule);
            rows(dropped.map_or(0, |d| d.rows), *share)
        }
        Measure::AmountShare(label) => segments(outcome, label).filter_map(|s| s.amount_share).sum::<f64>() + 0.0,
    })
}

/// The segments with a label, numbered ones (`Loyal 1`, `Loyal 2`) included; none where nobody is in it.
fn segments<'a>(outcome: &'a Outcome, label: &'a str) -> impl Iterator<Item = &'a SegmentOutcome> {
    let numbered = move |name: &str| {
        let number = name.strip_prefix(label).and_then(|rest| rest.strip_prefix(' '));
        let ruled = outcome.rules.iter().any(|rule| rule.label == name);
        !ruled && number.is_some_and(|n| n.parse::<u32>().is_ok())
    };
    outcome.segments.iter().filter(move |s| s.label == label || numbered(&s.label))
}

fn shown(measure: &Measure, found: Option<f64>) -> String {
    let share = matches!(
        measure,
        Measure::Share(_)
            | Measure::AmountShare(_)
            | Measure::RowsRefused { share: true }
            | Measure::RowsUsed { share: true }
            | Measure::Dropped { share: true, .. }
    );
    match found {
        None => "nothing to measure".to_owned(),
        Some(found) if share => format!("{:.2} %", 100.0 * found),
        Some(found) => found.to_string(),
    }
}
