//! From cells to one customer whom the engine has seen behave as claimed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::cells::{Cells, Cube, bits};
use super::draft::{Scope, Subject, is_made_of_others};
use super::region::value_in_words;
use super::search::Model;
use super::space::Space;
use super::understood::Understood;
use super::{Budget, Rational, Undecided};
use crate::eval::{self, Value, eval};
use crate::plan::expr::Expr;
use crate::plan::lower_expression;
use crate::spec::Origin;
use crate::types::Base;

/// Work that one try counts for.
const TRY: usize = 300;

/// One customer, cluster or row: all that conditions ask of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Witness {
    own: BTreeMap<String, (Value, Base)>,
    everyone: BTreeMap<String, (Value, Base)>,
    as_of: Option<f64>,
    /// Names in the order in which conditions speak of them, without what follows from others.
    said: Vec<(Subject, Base)>,
}

impl eval::Scope<String> for Witness {
    fn column(&self, name: &String) -> Value {
        self.own.get(name).map_or(Value::Missing, |(value, _)| value.clone())
    }

    fn all(&self, name: &String) -> Value {
        self.everyone.get(name).map_or(Value::Missing, |(value, _)| value.clone())
    }

    fn as_of(&self) -> Value {
        self.as_of.map_or(Value::Missing, Value::Number)
    }
}

impl Witness {
    /// Somebody of whom only numbers are known.
    pub fn of_numbers<'n>(numbers: impl Iterator<Item = (&'n str, f64)>) -> Witness {
        let own = numbers.map(|(name, x)| (name.to_owned(), (Value::number(x), Base::Number)));
        Witness { own: own.collect(), ..Witness::default() }
    }

    /// The same but for one feature, which is given as it is, whatever it would follow from.
    pub fn with(&self, name: &str, x: f64) -> Witness {
        let mut other = self.clone();
        if let Some((value, _)) = other.own.get_mut(name) {
            *value = Value::number(x);
        }
        other
    }

    /// Each name with its value, as they are written in a `given` block; values that are missing say so.
    pub fn values(&self, currency: Option<&str>) -> Vec<(String, String)> {
        let said = self.said.iter().filter_map(|(subject, base)| {
            let (name, value) = match subject {
                Subject::Own(name) => (name.clone(), eval::Scope::column(self, name)),
                Subject::Everyone(name) => (format!("all.{name}"), eval::Scope::all(self, name)),
                Subject::AsOf => ("as_of".to_owned(), eval::Scope::as_of(self)),
                _ => return None,
            };
            Some((name, value_in_words(&value, *base, currency)))
        });
        said.collect()
    }

    /// `r = 1` and `home is missing`, of some names.
    pub fn words(&self, names: &[String], currency: Option<&str>) -> Vec<String> {
        let values = self.values(currency).into_iter().filter(|(name, _)| names.contains(name));
        let words = values.map(|(name, value)| match value.as_str() {
            "missing" => format!("{name} is missing"),
            "true" => name,
            "false" => format!("not {name}"),
            value => format!("{name} = {value}"),
        });
        words.collect()
    }

    /// What the conditions see of a feature, and of one over all customers.
    pub fn value(&self, name: &str, everyone: bool) -> Value {
        if everyone { eval::Scope::all(self, &name.to_owned()) } else { eval::Scope::column(self, &name.to_owned()) }
    }
}

impl Space<'_> {
    /// Somebody in the cells of a model whom `accepts` accepts, which is where the conditions themselves are run;
    /// nothing where none of those tried was.
    pub fn witness(&self, model: &Model, accepts: &dyn Fn(&Witness) -> bool, budget: &mut Budget) -> Option<Witness> {
        self.tried(model, accepts, budget).unwrap_or(None)
    }

    fn tried(
        &self,
        model: &Model,
        accepts: &dyn Fn(&Witness) -> bool,
        budget: &mut Budget,
    ) -> Result<Option<Witness>, Undecided> {
        let cube = &model.cube;
        let mut fixed: BTreeMap<usize, Rational> = model.fixed.iter().map(|f| (f.variable, f.value)).collect();
        if let Ok(Some(nicer)) = budget.ask(100_000, |part| self.fit_nicely(cube, part)) {
            fixed = nicer.iter().map(|f| (f.variable, f.value)).collect();
        }
        let unsure = self.unsure(cube);
        let mut options: Vec<(usize, Vec<Value>)> = vec![];
        for variable in 0..self.variables.len() {
            let named =
                matches!(self.variables[variable].subject, Subject::Own(_) | Subject::Everyone(_) | Subject::AsOf);
            if named && self.variables[variable].inputs.is_empty() {
                let values = match fixed.get(&variable) {
                    Some(number) if self.may_be_there(cube, variable) => vec![Value::number(number.to_f64())],
                    _ => self.values(cube, variable, unsure.contains(&variable)),
                };
                if values.is_empty() {
                    return Ok(None);
                }
                options.push((variable, values));
            }
        }
        let mut at = vec![0; options.len()];
        loop {
            budget.spend(TRY)?;
            let chosen = options.iter().zip(&at).map(|((variable, values), at)| (*variable, values[*at].clone()));
            let witness = self.assembled(chosen);
            if accepts(&witness) {
                return Ok(Some(witness));
            }
            // The next combination, like the digits of a number.
            let Some(digit) = (0..at.len()).find(|digit| at[*digit] + 1 < options[*digit].1.len()) else {
                return Ok(None);
            };
            at[digit] += 1;
            at[..digit].fill(0);
        }
    }

    /// Variables that something depends on which no cell tells.
    fn unsure(&self, cube: &Cube) -> BTreeSet<usize> {
        let mut unsure = BTreeSet::new();
        for (variable, known) in self.variables.iter().enumerate() {
            if self.is_full(cube, variable) {
                continue;
            }
            match &known.subject {
                Subject::Looks(of, ..) => unsure.extend([*of]),
                Subject::Order(a, b) => unsure.extend([*a, *b]),
                Subject::Sum(of) => unsure.extend(of.iter().flat_map(|(part, _)| &self.variables[*part].inputs)),
                _ => unsure.extend(known.inputs.iter().copied()),
            }
        }
        // What they are computed from, in turn.
        for _ in 0..self.variables.len() {
            let more: Vec<usize> = unsure.iter().flat_map(|v: &usize| self.variables[*v].inputs.clone()).collect();
            let before = unsure.len();
            unsure.extend(more);
            if unsure.len() == before {
                break;
            }
        }
        unsure
    }

    fn values(&self, cube: &Cube, variable: usize, all: bool) -> Vec<Value> {
        let mut values: Vec<Value> = match &self.cells[variable] {
            Cells::Numbers { .. } => {
                let numbers = match all {
                    true => self.more_numbers(cube, variable),
                    false => self.nice_numbers(cube, variable, None).take(1).collect(),
                };
                numbers.into_iter().map(|x| Value::number(x.to_f64())).collect()
            }
            Cells::Words(_) => {
                self.nice_texts(cube, variable).into_iter().map(|text| Value::Text(Arc::from(text))).collect()
            }
            Cells::Truth | Cells::Order => {
                let set = self.of(cube, variable);
                [true, false].into_iter().filter(|b| bits::has(set, usize::from(*b))).map(Value::Bool).collect()
            }
        };
        if !all {
            values.truncate(1);
        }
        if self.may_be_missing(cube, variable) && (all || values.is_empty()) {
            values.push(Value::Missing);
        }
        values
    }

    fn assembled(&self, chosen: impl Iterator<Item = (usize, Value)>) -> Witness {
        let mut witness = Witness { said: self.mentions.clone(), ..Witness::default() };
        for (variable, value) in chosen {
            let known = &self.variables[variable];
            match &known.subject {
                Subject::Own(name) => drop(witness.own.insert(name.clone(), (value, known.base))),
                Subject::Everyone(name) => drop(witness.everyone.insert(name.clone(), (value, known.base))),
                Subject::AsOf => witness.as_of = value.as_number(),
                _ => continue,
            }
            if !witness.said.iter().any(|(said, _)| *said == known.subject) {
                witness.said.push((known.subject.clone(), known.base));
            }
        }
        // What is made of others follows from them.
        for (name, definition) in self.definitions() {
            let value = eval(definition, &witness);
            witness.own.insert(name.clone(), (value, definition.base));
        }
        witness
    }

    /// Features of a customer, or columns of a row, that are made of others, in the order of the spec.
    fn definitions(&self) -> &[(String, Expr)] {
        self.made.get_or_init(|| {
            let spec = self.spec;
            let features = spec.features.iter().map(|feature| (&feature.name, &feature.value));
            let columns = spec.columns.iter().filter_map(|column| match &column.origin {
                Origin::Derived(value) => Some((&column.name, value)),
                Origin::Source { .. } => None,
            });
            let all: Vec<_> = match self.scope {
                Scope::Clusters => vec![],
                Scope::Customers => features.collect(),
                Scope::Rows => columns.collect(),
            };
            let understood = Understood::new(spec, &[]);
            let made =
                all.into_iter().filter(|(_, value)| is_made_of_others(value, self.scope) && understood.is(value));
            made.map(|(name, value)| (name.value.clone(), lower_expression(spec, self.sources, value))).collect()
        })
    }
}
