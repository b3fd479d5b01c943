//! The values that a `test` block gives, as rules see them.

use std::collections::BTreeMap;

use crate::eval::{Scope, Value, eval};
use crate::exec::labels::first_match;
use crate::plan::expr::Expr;
use crate::plan::{Given, Rule, Test};

/// One customer or cluster, by the values that a test gives; what is not given is missing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Example {
    own: BTreeMap<String, Value>,
    everyone: BTreeMap<String, Value>,
    /// The labels that the test expects; one, unless somebody expects what can't be.
    pub labels: Vec<String>,
}

impl Example {
    pub fn of(test: &Test) -> Example {
        let value = |expr: &Expr| eval(expr, &Nothing);
        let side = |all: bool| -> BTreeMap<String, Value> {
            let given = test.given.iter().filter(|g: &&Given| g.all == all);
            given.map(|g| (g.feature.clone(), value(&g.value))).collect()
        };
        Example { own: side(false), everyone: side(true), labels: test.labels.clone() }
    }

    /// With values from elsewhere: names, whether over all customers, and what they are.
    pub(super) fn with(values: impl Iterator<Item = (String, bool, Value)>) -> Example {
        let mut example = Example::default();
        for (name, all, value) in values {
            if all { &mut example.everyone } else { &mut example.own }.insert(name, value);
        }
        example
    }

    pub(super) fn expecting(self, label: &str) -> Example {
        Example { labels: vec![label.to_owned()], ..self }
    }

    /// The rule that gives the label, the first that holds.
    pub fn label<'r>(&self, rules: &'r [Rule]) -> Option<&'r Rule> {
        first_match(rules, self).map(|rule| &rules[rule])
    }

    /// Whether the rules give every label that is expected.
    pub fn passes(&self, rules: &[Rule]) -> bool {
        let label = self.label(rules).map(|rule| &rule.label);
        self.labels.iter().all(|expected| Some(expected) == label)
    }
}

impl Scope<String> for Example {
    fn column(&self, name: &String) -> Value {
        self.own.get(name).cloned().unwrap_or(Value::Missing)
    }

    fn all(&self, name: &String) -> Value {
        self.everyone.get(name).cloned().unwrap_or(Value::Missing)
    }

    fn as_of(&self) -> Value {
        Value::Number(0.0)
    }
}

struct Nothing;

impl Scope<String> for Nothing {
    fn column(&self, _: &String) -> Value {
        Value::Missing
    }

    fn all(&self, _: &String) -> Value {
        Value::Missing
    }

    fn as_of(&self) -> Value {
        Value::Missing
    }
}
