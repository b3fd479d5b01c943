//! What a build has found of the rows and customers of which the tests expect something, for people and for programs.

use serde::Serialize;

use crate::build::Built;
use crate::diagnostics::Place;
use crate::diagnostics::render::place_in_words;
use crate::exec::expectations::{Example, Look, Who};
use crate::plan::Expectation;
use crate::regions::value_in_words;
use crate::report::numbers::count;
use crate::spec::Each;

/// What became of one expectation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Found {
    /// The place of its test.
    #[serde(skip)]
    pub test: usize,
    /// As the spec has it.
    pub expect: String,
    /// `rows` or `customers`.
    pub of: &'static str,
    pub passed: bool,
    /// For how many it holds, for how many it doesn't, and of how many that is unknown since a value is missing.
    pub holds: u64,
    pub fails: u64,
    pub unknown: u64,
    /// A few for which it doesn't hold.
    pub examples: Vec<Case>,
}

/// A row or a customer that is not as expected.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Case {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// What it repeats: a place in words, or a customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeats: Option<String>,
    /// Names with values, as they stand in a spec.
    pub values: Vec<(String, String)>,
}

/// In the order of the plan.
pub(super) fn found(built: &Built) -> Vec<Found> {
    let pairs = built.plan.expectations.iter().zip(&built.execution.looks);
    pairs.map(|(expectation, look)| Found::of(expectation, look, built)).collect()
}

impl Found {
    fn of(expectation: &Expectation, look: &Look, built: &Built) -> Found {
        let known = look.holds + look.fails;
        // Exact: holds / known >= percent / 100. Of nobody known, nothing is shown.
        let asked = i128::from(expectation.mostly.units) * i128::from(known);
        let there = i128::from(look.holds) * 100 * 10i128.pow(u32::from(expectation.mostly.scale));
        Found {
            test: expectation.test,
            expect: expectation.words.clone(),
            of: match expectation.of {
                Each::Row => "rows",
                Each::Customer => "customers",
            },
            passed: known > 0 && there >= asked,
            holds: look.holds,
            fails: look.fails,
            unknown: look.unknown,
            examples: look.examples.iter().map(|example| case(example, built)).collect(),
        }
    }

    /// That it does not hold, with examples on lines below.
    pub fn words(&self) -> String {
        let (known, of) = (self.holds + self.fails, self.of);
        let one = of.trim_end_matches('s');
        if known == 0 {
            return format!("expected {}, found no {one} of which it is known", self.expect);
        }
        let share = 100.0 * self.fails as f64 / known as f64;
        let (fails, known) = (count(self.fails), count(known));
        let mut words = format!("expected {}, found otherwise for {fails} of {known} {of} ({share:.2} %)", self.expect);
        if self.unknown > 0 {
            words += &format!("; unknown for {} more", count(self.unknown));
        }
        for case in &self.examples {
            words += &format!("\n  {}", case.words());
        }
        let more = self.fails - self.examples.len() as u64;
        if more > 0 {
            words += &format!("\n  and {} more", count(more));
        }
        words
    }
}

impl Case {
    /// `orders.csv, row 19: price = 0 GBP, customer = "ann"`.
    fn words(&self) -> String {
        let who = match (&self.place, &self.customer) {
            (Some(place), _) => place_in_words(place),
            (None, Some(customer)) => format!("customer {customer}"),
            (None, None) => String::new(),
        };
        let values = self.values.iter().map(|(name, value)| match value.as_str() {
            "missing" => format!("{name} is missing"),
            value => format!("{name} = {value}"),
        });
        let like = self.repeats.as_ref().map_or(String::new(), |other| format!(", as {other}"));
        format!("{who}: {}{like}", values.collect::<Vec<_>>().join(", "))
    }
}

fn case(example: &Example, built: &Built) -> Case {
    let currency = built.plan.currency.as_deref();
    let place = |who: &Who| match who {
        Who::Row(row) => built.sources.first().map(|source| source.place(*row)),
        Who::Customer(_) => None,
    };
    let values = example.values.iter().map(|(name, value, base)| {
        let shown = value_in_words(value, *base, currency);
        (name.clone(), shown.chars().map(|c| if c.is_control() { ' ' } else { c }).collect())
    });
    Case {
        place: place(&example.who),
        customer: match &example.who {
            Who::Customer(id) => Some(id.clone()),
            Who::Row(_) => None,
        },
        repeats: example.repeats.as_ref().map(|who| match who {
            Who::Row(_) => place(who).map_or(String::new(), |place| place_in_words(&place)),
            Who::Customer(id) => format!("customer {id}"),
        }),
        values: values.collect(),
    }
}
