//! From conditions of the language to formulas about variables.
//!
//! Values come in cases: `if r > 3 then spend else 0 GBP` is `spend` where r > 3, and 0 GBP elsewhere. A number is a sum
//! of multiples of variables and a constant; what can't be written like that becomes a variable of its own.

use std::collections::{BTreeMap, HashMap};

use super::Undecided;
use super::domain::{Domain, Domains, Stretch, literal_value};
use super::formula::{Atom, Formula, Test};
use super::rational::Rational;
use crate::eval::text_test;
use crate::expr::{Comparator, Expr, Kind, Literal, Operator, TextVerb};
use crate::spec::{FeatureId, Function, Origin, Ref, Scalar, Spec, Typed, argument_exprs};
use crate::syntax::source::SourceMap;
use crate::time::DAY;
use crate::types::Base;

/// Beyond so many cases a value is taken as a whole.
const MOST_CASES: usize = 12;

/// Of whom conditions speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Rows while filters run.
    Rows,
    Customers,
    /// Medians of groups of customers.
    Clusters,
}

/// What a variable stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// A column of a row, a feature of a customer or cluster.
    Own(String),
    /// A feature over all customers.
    Everyone(String),
    AsOf,
    /// A sum of multiples of numbers, the first of them taken once.
    Sum(Vec<(usize, Rational)>),
    /// How one text stands to another.
    Order(usize, usize),
    /// What a text looks like.
    Looks(usize, TextVerb, String),
    /// Anything else, by a key that is equal for what means the same.
    Free(String),
}

#[derive(Debug, Clone)]
pub struct Variable {
    pub subject: Subject,
    pub(crate) domain: Domain,
    pub base: Base,
    pub may_be_missing: bool,
    /// As a reader knows it.
    pub words: String,
    /// What it is computed from, where it is none of the things that can be told apart.
    pub inputs: Vec<usize>,
}

/// Gathers the conditions of a block and the variables that they speak of.
pub struct Builder<'a> {
    pub(super) spec: &'a Spec<Typed>,
    pub(super) sources: &'a SourceMap,
    pub(super) scope: Scope,
    domains: Domains<'a>,
    pub(super) variables: Vec<Variable>,
    definitions: HashMap<usize, Option<Definition>>,
    /// What holds for everybody.
    pub(super) facts: Vec<Formula<Atom>>,
    /// The filter at hand: rows that repeat an earlier one become fewer from filter to filter.
    filter: usize,
    /// What the conditions speak of, in order.
    pub(super) mentions: Vec<(Subject, Base)>,
}

/// The value of an expression, by cases that exclude each other.
type Cases = Vec<(Formula<Atom>, Value)>;

#[derive(Debug, Clone)]
enum Value {
    Missing,
    Number(Sum),
    Word(String),
    Text(usize),
}

/// A sum of multiples of variables and a constant; missing where one of the variables is, also where its factor is 0.
#[derive(Debug, Clone)]
struct Sum {
    terms: BTreeMap<usize, Rational>,
    constant: Rational,
}

/// A feature or column in terms of those that it is defined by.
#[derive(Debug, Clone)]
enum Definition {
    Value(Cases),
    Truth { yes: Formula<Atom>, no: Formula<Atom> },
}

impl Sum {
    fn constant(constant: Rational) -> Sum {
        Sum { terms: BTreeMap::new(), constant }
    }

    fn plus(&self, other: &Sum, factor: Rational) -> Result<Sum, Undecided> {
        let mut sum = Sum { terms: self.terms.clone(), constant: self.constant.plus(other.constant.times(factor)?)? };
        for (variable, of) in &other.terms {
            let known = sum.terms.entry(*variable).or_insert(Rational::ZERO);
            *known = known.plus(of.times(factor)?)?;
        }
        Ok(sum)
    }

    fn times(&self, factor: Rational) -> Result<Sum, Undecided> {
        Sum::constant(Rational::ZERO).plus(self, factor)
    }
}

impl<'a> Builder<'a> {
    /// `spec` may have mistakes, but not in the conditions that are asked about, nor in what they refer to.
    pub fn new(spec: &'a Spec<Typed>, sources: &'a SourceMap, scope: Scope) -> Builder<'a> {
        let domains = match scope {
            Scope::Rows => Domains::of_rows(spec),
            Scope::Customers => Domains::of_customers(spec),
            Scope::Clusters => Domains::of_clusters(spec),
        };
        Builder {
            spec,
            sources,
            scope,
            domains,
            variables: vec![],
            definitions: HashMap::new(),
            facts: vec![],
            filter: 0,
            mentions: vec![],
        }
    }

    /// Says that conditions from here on are those of the next filter.
    pub fn next_filter(&mut self) {
        self.filter += 1;
    }

    /// Where a rule's condition is true.
    pub fn rule(&mut self, condition: &Expr<Typed>) -> Formula<Atom> {
        let spec = self.spec;
        condition.walk(&mut |e| {
            let subject = match &e.kind {
                Kind::Ref(Ref::Feature(id)) => Subject::Own(spec.feature(*id).name.value.clone()),
                Kind::Ref(Ref::Column(id)) => Subject::Own(spec.column(*id).name.value.clone()),
                Kind::Ref(Ref::All(id)) => Subject::Everyone(spec.feature(*id).name.value.clone()),
                Kind::Ref(Ref::AsOf) => Subject::AsOf,
                _ => return,
            };
            if !self.mentions.iter().any(|(known, _)| *known == subject) {
                self.mentions.push((subject, e.ty.base));
            }
        });
        self.condition(condition, true)
    }

    /// Where a condition is true, or where it is false; elsewhere it is unknown.
    fn condition(&mut self, expr: &Expr<Typed>, truth: bool) -> Formula<Atom> {
        match &expr.kind {
            Kind::Literal(Literal::Bool(b)) => Formula::constant(*b == truth),
            Kind::Literal(Literal::Missing) => Formula::Never,
            Kind::Ref(reference) => self.truth(*reference, expr, truth),
            Kind::Not(inner) => self.condition(inner, !truth),
            Kind::And(list) if truth => Formula::all(list.iter().map(|part| self.condition(part, true))),
            Kind::And(list) => Formula::any(list.iter().map(|part| self.condition(part, false))),
            Kind::Or(list) if truth => Formula::any(list.iter().map(|part| self.condition(part, true))),
            Kind::Or(list) => Formula::all(list.iter().map(|part| self.condition(part, false))),
            Kind::Compare(a, comparator, b) => self.compare(a, *comparator, b, truth, expr),
            Kind::Between { value, low, high, negated } => {
                let inside = truth != *negated;
                let low = self.compare(value, Comparator::GreaterOrEqual, low, inside, expr);
                let high = self.compare(value, Comparator::LessOrEqual, high, inside, expr);
                if inside { Formula::all([low, high]) } else { Formula::any([low, high]) }
            }
            Kind::In { value, options, negated } => {
                let inside = truth != *negated;
                let equal = options.iter().map(|option| self.compare(value, Comparator::Equal, option, inside, expr));
                let equal: Vec<Formula<Atom>> = equal.collect();
                if inside { Formula::any(equal) } else { Formula::all(equal) }
            }
            Kind::IsMissing { value, negated } => {
                let there = self.is_there(value);
                if truth == *negated { there } else { there.not() }
            }
            Kind::TextTest { value, verb, pattern, negated } => match &pattern.kind {
                Kind::Literal(Literal::Text(pattern)) => {
                    let cases = self.cases(value);
                    let looks = cases.into_iter().map(|(guard, value)| {
                        let holds = self.looks(&value, *verb, pattern, truth != *negated);
                        Formula::all([guard, holds])
                    });
                    Formula::any(looks.collect::<Vec<_>>())
                }
                _ => self.free_condition(expr, truth),
            },
            Kind::If { condition, then, otherwise } => {
                let holds = self.condition(condition, true);
                let (then, otherwise) = (self.condition(then, truth), self.condition(otherwise, truth));
                Formula::any([Formula::all([holds.clone(), then]), Formula::all([holds.not(), otherwise])])
            }
            Kind::Call { function: Function::Scalar(Scalar::Coalesce), arguments, .. } => {
                let mut absent = Formula::Always;
                let mut options = vec![];
                for argument in argument_exprs(arguments) {
                    options.push(Formula::all([absent.clone(), self.condition(argument, truth)]));
                    absent = Formula::all([absent, self.is_there(argument).not()]);
                }
                Formula::any(options)
            }
            _ => self.free_condition(expr, truth),
        }
    }

    fn truth(&mut self, reference: Ref, expr: &Expr<Typed>, truth: bool) -> Formula<Atom> {
        if let Ref::Param(id) = reference {
            let spec = self.spec;
            return self.condition(&spec.param(id).value, truth);
        }
        match self.definition(reference) {
            Some(Definition::Truth { yes, no }) => {
                if truth {
                    yes
                } else {
                    no
                }
            }
            _ => match self.variable(reference, expr) {
                Some(variable) => Formula::test(variable, Test::Truth(truth)),
                None => self.free_condition(expr, truth),
            },
        }
    }

    /// Where an expression has a value.
    fn is_there(&mut self, expr: &Expr<Typed>) -> Formula<Atom> {
        if expr.ty.base == Base::Bool {
            return Formula::any([self.condition(expr, true), self.condition(expr, false)]);
        }
        let cases = self.cases(expr);
        let there = cases.into_iter().map(|(guard, value)| {
            let there = match value {
                Value::Missing => Formula::Never,
                Value::Word(_) => Formula::Always,
                Value::Text(variable) => there(variable),
                Value::Number(sum) => Formula::all(sum.terms.keys().map(|variable| there(*variable))),
            };
            Formula::all([guard, there])
        });
        Formula::any(there.collect::<Vec<_>>())
    }

    fn compare(
        &mut self,
        a: &Expr<Typed>,
        comparator: Comparator,
        b: &Expr<Typed>,
        truth: bool,
        whole: &Expr<Typed>,
    ) -> Formula<Atom> {
        if a.ty.base == Base::Bool || b.ty.base == Base::Bool {
            let pairs = [(false, false), (false, true), (true, false), (true, true)];
            let fitting = pairs.into_iter().filter(|(x, y)| comparator.holds(x.cmp(y)) == truth);
            let fitting = fitting.map(|(x, y)| Formula::all([self.condition(a, x), self.condition(b, y)]));
            return Formula::any(fitting.collect::<Vec<_>>());
        }
        let comparator = if truth { comparator } else { comparator.contrary() };
        let (left, right) = (self.cases(a), self.cases(b));
        let mut options = vec![];
        for (one, x) in &left {
            for (other, y) in &right {
                match self.compared(x, comparator, y) {
                    Ok(holds) => options.push(Formula::all([one.clone(), other.clone(), holds])),
                    Err(Undecided) => return self.free_condition(whole, truth),
                }
            }
        }
        Formula::any(options)
    }

    fn compared(&mut self, a: &Value, comparator: Comparator, b: &Value) -> Result<Formula<Atom>, Undecided> {
        Ok(match (a, b) {
            (Value::Missing, _) | (_, Value::Missing) => Formula::Never,
            (Value::Number(a), Value::Number(b)) => self.sign(&a.plus(b, Rational::whole(-1))?, comparator)?,
            (Value::Word(a), Value::Word(b)) => Formula::constant(comparator.holds(a.cmp(b))),
            (Value::Text(a), Value::Word(b)) => Formula::test(*a, Test::Word(comparator, b.clone())),
            (Value::Word(a), Value::Text(b)) => Formula::test(*b, Test::Word(comparator.flipped(), a.clone())),
            (Value::Text(a), Value::Text(b)) if a == b => {
                Formula::all([Formula::constant(comparator.holds(std::cmp::Ordering::Equal)), there(*a)])
            }
            (Value::Text(a), Value::Text(b)) => {
                let (first, second) = (*a.min(b), *a.max(b));
                let comparator = if a < b { comparator } else { comparator.flipped() };
                let of = [first, second].map(|v| &self.variables[v]);
                let variable = Variable {
                    subject: Subject::Order(first, second),
                    domain: Domain::Truth,
                    base: Base::Text,
                    may_be_missing: of.iter().any(|v| v.may_be_missing),
                    words: String::new(),
                    inputs: vec![],
                };
                Formula::test(self.place(variable), Test::Order(comparator))
            }
            (Value::Number(_), _) | (_, Value::Number(_)) => return Err(Undecided),
        })
    }

    /// Where a sum compares like this with 0.
    fn sign(&mut self, sum: &Sum, comparator: Comparator) -> Result<Formula<Atom>, Undecided> {
        let mut present: Vec<Formula<Atom>> = vec![];
        let mut terms = vec![];
        for (variable, factor) in &sum.terms {
            if factor.is_zero() {
                present.push(there(*variable));
            } else {
                terms.push((*variable, *factor));
            }
        }
        let Some((_, first)) = terms.first().copied() else {
            present.push(Formula::constant(comparator.holds(sum.constant.cmp(&Rational::ZERO))));
            return Ok(Formula::all(present));
        };
        // Divided by the first factor, what is left compares with a constant.
        let comparator = if first.is_negative() { comparator.flipped() } else { comparator };
        let constant = sum.constant.negative()?.divided_by(first)?;
        for (_, factor) in &mut terms {
            *factor = factor.divided_by(first)?;
        }
        let variable = if let [(variable, _)] = terms.as_slice() { *variable } else { self.sum(terms) };
        present.push(Formula::test(variable, Test::Number(comparator, constant)));
        Ok(Formula::all(present))
    }

    fn sum(&mut self, terms: Vec<(usize, Rational)>) -> usize {
        let stretches = terms.iter().map(|(variable, factor)| match &self.variables[*variable].domain {
            Domain::Number(stretch) => stretch.scaled(*factor),
            _ => Stretch::default(),
        });
        let stretch = stretches.reduce(Stretch::plus).unwrap_or_default();
        let may_be_missing = terms.iter().any(|(variable, _)| self.variables[*variable].may_be_missing);
        let base = self.variables[terms[0].0].base;
        self.place(Variable {
            subject: Subject::Sum(terms),
            domain: Domain::Number(stretch),
            base,
            may_be_missing,
            words: String::new(),
            inputs: vec![],
        })
    }

    fn looks(&mut self, value: &Value, verb: TextVerb, pattern: &str, truth: bool) -> Formula<Atom> {
        match value {
            Value::Word(word) => Formula::constant(text_test(word, verb, pattern) == truth),
            Value::Text(of) if verb == TextVerb::StartsWith => {
                // Texts with one beginning follow each other in their order.
                let from = Formula::test(*of, Test::Word(Comparator::GreaterOrEqual, pattern.to_owned()));
                let to = after_all_with(pattern)
                    .map_or(Formula::Always, |end| Formula::test(*of, Test::Word(Comparator::Less, end)));
                let inside = Formula::all([from, to]);
                if truth { inside } else { Formula::all([there(*of), inside.not()]) }
            }
            Value::Text(of) => {
                let words = format!("{} {} {pattern:?}", self.variables[*of].words, verb.words());
                let variable = Variable {
                    subject: Subject::Looks(*of, verb, pattern.to_owned()),
                    domain: Domain::Truth,
                    base: Base::Bool,
                    may_be_missing: false,
                    words,
                    inputs: vec![],
                };
                Formula::all([there(*of), Formula::test(self.place(variable), Test::Truth(truth))])
            }
            Value::Missing | Value::Number(_) => Formula::Never,
        }
    }

    fn cases(&mut self, expr: &Expr<Typed>) -> Cases {
        match self.split(expr) {
            Ok(cases) if cases.len() <= MOST_CASES => cases,
            _ => vec![(Formula::Always, self.free_value(expr))],
        }
    }

    fn split(&mut self, expr: &Expr<Typed>) -> Result<Cases, Undecided> {
        let only = |value: Value| Ok(vec![(Formula::Always, value)]);
        match &expr.kind {
            Kind::Literal(Literal::Text(word)) => only(Value::Word(word.clone())),
            Kind::Literal(Literal::Missing) => only(Value::Missing),
            Kind::Literal(literal) => only(Value::Number(Sum::constant(literal_value(literal).ok_or(Undecided)?))),
            Kind::Ref(Ref::Param(id)) => {
                let spec = self.spec;
                self.split(&spec.param(*id).value)
            }
            Kind::Ref(reference) => match self.definition(*reference) {
                Some(Definition::Value(cases)) => Ok(cases),
                _ => {
                    let variable = self.variable(*reference, expr).ok_or(Undecided)?;
                    only(self.value_of(variable))
                }
            },
            Kind::Negate(inner) => {
                let cases = self.split(inner)?.into_iter();
                let negative = cases.map(|(guard, value)| match value {
                    Value::Number(sum) => Ok((guard, Value::Number(sum.times(Rational::whole(-1))?))),
                    Value::Missing => Ok((guard, Value::Missing)),
                    Value::Word(_) | Value::Text(_) => Err(Undecided),
                });
                negative.collect()
            }
            Kind::Arithmetic(first, rest) => {
                let mut left = self.split(first)?;
                let mut base = first.ty.base;
                for (operator, operand) in rest {
                    let right = self.split(operand)?;
                    base = crate::check::combine(base, *operator, operand.ty.base).ok_or(Undecided)?;
                    let mut results = vec![];
                    for (one, x) in &left {
                        for (other, y) in &right {
                            let guard = Formula::all([one.clone(), other.clone()]);
                            results.push((guard, self.arithmetic(x, *operator, y, base)?));
                        }
                    }
                    results.retain(|(guard, _)| *guard != Formula::Never);
                    left = results;
                    if left.len() > MOST_CASES {
                        return Err(Undecided);
                    }
                }
                Ok(left)
            }
            Kind::If { condition, then, otherwise } => {
                let holds = self.condition(condition, true);
                let mut cases = under(&holds, self.split(then)?);
                cases.extend(under(&holds.not(), self.split(otherwise)?));
                Ok(cases)
            }
            Kind::Call { function: Function::Scalar(Scalar::Coalesce), arguments, .. } => {
                let (mut cases, mut absent) = (vec![], Formula::Always);
                for argument in argument_exprs(arguments) {
                    let there = self.is_there(argument);
                    cases.extend(under(&Formula::all([absent.clone(), there.clone()]), self.split(argument)?));
                    absent = Formula::all([absent, there.not()]);
                }
                cases.push((absent, Value::Missing));
                cases.retain(|(guard, _)| *guard != Formula::Never);
                Ok(cases)
            }
            Kind::Call { function: Function::Scalar(Scalar::Days), arguments, .. } => {
                let argument = argument_exprs(arguments).first().copied().ok_or(Undecided)?;
                let day = Value::Number(Sum::constant(Rational::whole(DAY)));
                let cases = self.split(argument)?;
                let days = cases.into_iter().map(|(guard, value)| {
                    Ok((guard, self.arithmetic(&value, Operator::Divide, &day, Base::Duration)?))
                });
                days.collect()
            }
            _ => Err(Undecided),
        }
    }

    fn arithmetic(&self, a: &Value, operator: Operator, b: &Value, base: Base) -> Result<Value, Undecided> {
        let (a, b) = match (a, b) {
            (Value::Missing, _) | (_, Value::Missing) => return Ok(Value::Missing),
            (Value::Number(a), Value::Number(b)) => (a, b),
            _ => return Err(Undecided),
        };
        let constant = |sum: &Sum| if sum.terms.is_empty() { Some(sum.constant) } else { None };
        let exact = |sum: &Sum| self.is_exact(sum, base);
        let sum = match (operator, constant(a), constant(b)) {
            (Operator::Add, ..) => a.plus(b, Rational::ONE)?,
            (Operator::Subtract, ..) => a.plus(b, Rational::whole(-1))?,
            (Operator::Multiply, Some(factor), _) => b.times(factor)?,
            (Operator::Multiply, _, Some(factor)) => a.times(factor)?,
            (Operator::Divide, _, Some(divisor)) if divisor.is_zero() => return Ok(Value::Missing),
            // A whole number divided once is rounded once: nothing that differs becomes equal.
            (Operator::Divide, _, Some(divisor)) if exact(a) => {
                return Ok(Value::Number(a.times(Rational::ONE.divided_by(divisor)?)?));
            }
            _ => return Err(Undecided),
        };
        if exact(&sum) { Ok(Value::Number(sum)) } else { Err(Undecided) }
    }

    /// Whether double precision computes a sum without rounding. Money and time spans are decimal and whole by
    /// definition; plain numbers are, where they are multiples of fractions of two.
    fn is_exact(&self, sum: &Sum, base: Base) -> bool {
        if matches!(base, Base::Money | Base::Duration | Base::Date | Base::Datetime) || sum.terms.is_empty() {
            return true;
        }
        let binary = |x: Rational| x.times(Rational::whole(1 << 20)).is_ok_and(Rational::is_whole);
        let whole = |variable: &usize| match &self.variables[*variable].domain {
            Domain::Number(stretch) => stretch.step.is_some_and(binary),
            _ => false,
        };
        let moved = sum.terms.len() > 1 || !sum.constant.is_zero();
        binary(sum.constant)
            && sum.terms.values().all(|factor| binary(*factor))
            && (!moved || sum.terms.keys().all(whole))
    }

    fn value_of(&self, variable: usize) -> Value {
        match self.variables[variable].domain {
            Domain::Text => Value::Text(variable),
            _ => Value::Number(Sum { terms: BTreeMap::from([(variable, Rational::ONE)]), constant: Rational::ZERO }),
        }
    }

    /// A feature of a customer that is made of others, or a column made of others, in terms of those. The median of
    /// such a feature says nothing of the medians of the others.
    fn definition(&mut self, reference: Ref) -> Option<Definition> {
        let spec = self.spec;
        let (place, value) = match (reference, self.scope) {
            (Ref::Feature(FeatureId(i)), Scope::Customers) => (i, &spec.features[i].value),
            (Ref::Column(id), Scope::Rows) => match &spec.column(id).origin {
                Origin::Derived(value) => (id.0, value),
                Origin::Source { .. } => return None,
            },
            _ => return None,
        };
        if let Some(known) = self.definitions.get(&place) {
            return known.clone();
        }
        self.definitions.insert(place, None);
        let definition = if !is_made_of_others(value, self.scope) {
            None
        } else if value.ty.base == Base::Bool {
            let (yes, no) = (self.condition(value, true), self.condition(value, false));
            let free = self.speaks_of_free(&yes) || self.speaks_of_free(&no);
            (!free).then_some(Definition::Truth { yes, no })
        } else {
            match self.split(value) {
                Ok(cases) if cases.len() <= MOST_CASES && !cases.iter().any(|c| self.is_free(c)) => {
                    Some(Definition::Value(cases))
                }
                _ => None,
            }
        };
        self.definitions.insert(place, definition.clone());
        definition
    }

    fn is_free(&self, (guard, value): &(Formula<Atom>, Value)) -> bool {
        let free = |variable: &usize| matches!(self.variables[*variable].subject, Subject::Free(_));
        let value = match value {
            Value::Number(sum) => sum.terms.keys().any(free),
            Value::Text(variable) => free(variable),
            Value::Missing | Value::Word(_) => false,
        };
        value || self.speaks_of_free(guard)
    }

    fn speaks_of_free(&self, formula: &Formula<Atom>) -> bool {
        match formula {
            Formula::Always | Formula::Never => false,
            Formula::Is(atom) => match &self.variables[atom.variable].subject {
                Subject::Free(_) => true,
                Subject::Sum(terms) => {
                    terms.iter().any(|(v, _)| matches!(self.variables[*v].subject, Subject::Free(_)))
                }
                _ => false,
            },
            Formula::All(list) | Formula::Any(list) => list.iter().any(|part| self.speaks_of_free(part)),
        }
    }

    /// The variable of a name.
    fn variable(&mut self, reference: Ref, expr: &Expr<Typed>) -> Option<usize> {
        let spec = self.spec;
        let ty = expr.ty;
        let (subject, words, stretch, may_be_missing) = match reference {
            Ref::Feature(id) => {
                let name = &spec.feature(id).name.value;
                (Subject::Own(name.clone()), name.clone(), self.domains.stretch(expr), ty.may_be_missing)
            }
            Ref::All(id) => {
                let name = &spec.feature(id).name.value;
                let words = format!("all.{name}");
                (Subject::Everyone(name.clone()), words, self.domains.stretch(expr), ty.may_be_missing)
            }
            Ref::Column(id) => {
                let column = spec.column(id);
                let name = &column.name.value;
                // What the types say of the customer and the time is settled only when all filters have run.
                let may_be_missing = match &column.origin {
                    Origin::Source { .. } => true,
                    Origin::Derived(value) => value.ty.may_be_missing,
                };
                (Subject::Own(name.clone()), name.clone(), self.domains.stretch(expr), may_be_missing)
            }
            Ref::AsOf => (Subject::AsOf, "as_of".to_owned(), Stretch::default(), false),
            _ => return None,
        };
        let domain = match ty.base {
            base if base.is_text() => Domain::Text,
            Base::Bool => Domain::Truth,
            _ => Domain::Number(stretch),
        };
        if let Some(known) = self.variables.iter().position(|known| known.subject == subject) {
            return Some(known);
        }
        let inputs = self.inputs_of(reference);
        Some(self.place(Variable { subject, domain, base: ty.base, may_be_missing, words, inputs }))
    }

    /// What a feature or column is computed from, where it is made of others.
    fn inputs_of(&mut self, reference: Ref) -> Vec<usize> {
        let spec = self.spec;
        let value = match (reference, self.scope) {
            (Ref::Feature(FeatureId(i)), Scope::Customers) => &spec.features[i].value,
            (Ref::Column(id), Scope::Rows) => match &spec.column(id).origin {
                Origin::Derived(value) => value,
                Origin::Source { .. } => return vec![],
            },
            _ => return vec![],
        };
        if is_made_of_others(value, self.scope) { self.variables_in(value) } else { vec![] }
    }

    fn variables_in(&mut self, expr: &Expr<Typed>) -> Vec<usize> {
        let mut references = vec![];
        expr.walk(&mut |e| {
            if let Kind::Ref(reference) = &e.kind {
                references.push((*reference, e));
            }
        });
        references.into_iter().filter_map(|(reference, e)| self.variable(reference, e)).collect()
    }

    fn free_condition(&mut self, expr: &Expr<Typed>, truth: bool) -> Formula<Atom> {
        let variable = self.free(expr, Domain::Truth);
        Formula::test(variable, Test::Truth(truth))
    }

    fn free_value(&mut self, expr: &Expr<Typed>) -> Value {
        let domain = match expr.ty.base {
            base if base.is_text() => Domain::Text,
            _ => Domain::Number(self.domains.stretch(expr)),
        };
        let variable = self.free(expr, domain);
        self.value_of(variable)
    }

    fn free(&mut self, expr: &Expr<Typed>, domain: Domain) -> usize {
        let mut key = crate::explain::expression(expr);
        let mut repeats = false;
        expr.walk(&mut |e| repeats |= matches!(e.kind, Kind::Duplicate(_)));
        if repeats {
            key = format!("{key} {}", self.filter);
        }
        let subject = Subject::Free(key.clone());
        if let Some(known) = self.variables.iter().position(|known| known.subject == subject) {
            return known;
        }
        let inputs = self.variables_in(expr);
        let place = self.place(Variable {
            subject,
            domain,
            base: expr.ty.base,
            may_be_missing: expr.ty.may_be_missing,
            words: self.sources.one_line(expr.span),
            inputs,
        });
        if let Kind::Duplicate(_) = expr.kind {
            self.repeats_no_more_than_before(place, key.trim_end_matches(|c: char| c.is_ascii_digit()));
        }
        place
    }

    /// A row that repeats an earlier one does so no more when that one is gone, and none begins to.
    fn repeats_no_more_than_before(&mut self, now: usize, key: &str) {
        for filter in 0..self.filter {
            let earlier = Subject::Free(format!("{key}{filter}"));
            if let Some(earlier) = self.variables.iter().position(|known| known.subject == earlier) {
                let (no, before) = (Formula::test(now, Test::Truth(false)), Formula::test(earlier, Test::Truth(true)));
                self.facts.push(Formula::any([no, before]));
            }
        }
    }

    /// The place of a variable, the same for one subject.
    fn place(&mut self, variable: Variable) -> usize {
        let known = self.variables.iter().position(|known| known.subject == variable.subject);
        known.unwrap_or_else(|| {
            self.variables.push(variable);
            self.variables.len() - 1
        })
    }
}

/// The first text after all that start with another; nothing where none comes after them.
pub(super) fn after_all_with(start: &str) -> Option<String> {
    let mut before = start.to_owned();
    while let Some(last) = before.pop() {
        let mut next = (last..=char::MAX).skip(1);
        if let Some(next) = next.next() {
            before.push(next);
            return Some(before);
        }
    }
    None
}

fn there(variable: usize) -> Formula<Atom> {
    Formula::test(variable, Test::Missing).not()
}

fn under(holds: &Formula<Atom>, cases: Cases) -> Cases {
    let mut cases: Cases =
        cases.into_iter().map(|(guard, value)| (Formula::all([holds.clone(), guard]), value)).collect();
    cases.retain(|(guard, _)| *guard != Formula::Never);
    cases
}

/// Whether an expression looks at nothing but what is at hand: features of the customer, columns of the row.
pub(super) fn is_made_of_others(expr: &Expr<Typed>, scope: Scope) -> bool {
    let mut made = true;
    expr.walk(&mut |e| {
        made &= match &e.kind {
            Kind::Ref(Ref::Feature(_) | Ref::Param(_) | Ref::AsOf) => true,
            Kind::Ref(Ref::Column(_)) | Kind::Duplicate(_) => scope == Scope::Rows,
            Kind::Ref(_) | Kind::Error => false,
            Kind::Call { function, .. } => matches!(function, Function::Scalar(_)),
            _ => true,
        }
    });
    made
}
