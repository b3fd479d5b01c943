//! Runs a checked spec row by row, as LANGUAGE.md says, "What it means exactly": no engine, no plan, no haste.

use segc::expr::{Argument, ArgumentValue, Comparator, Expr, Kind, Literal, TextVerb};
use segc::spec::{Aggregate, ColumnId, Function, Origin, Population, Ref, Spec, Typed, argument_exprs};
use segc::types::Base;

use super::aggregates::{Item, aggregate, quantile};
use super::value::{self, DAY, Value};

/// The cells of a row in the order of the file, as their columns declare them; and the row as text.
#[derive(Debug, Clone)]
pub struct Read {
    pub cells: Vec<Value>,
    pub text: String,
}

/// A row or a basket.
#[derive(Debug, Clone)]
struct Thing {
    cells: Vec<Value>,
    time: i128,
    text: String,
    amount: Value,
}

#[derive(Debug, PartialEq)]
pub struct Ledger {
    pub used: u64,
    pub amount_read: Option<Value>,
    pub amount_used: Option<Value>,
    /// Rule, rows, amount.
    pub dropped: Vec<(String, u64, Option<Value>)>,
}

#[derive(Debug)]
pub struct Result {
    pub ledger: Ledger,
    pub as_of: i128,
    pub baskets: Option<u64>,
    pub customers: Vec<String>,
    /// By feature, then by customer.
    pub features: Vec<Vec<Value>>,
    /// The rule that each customer got.
    pub rules: Vec<usize>,
}

/// Nothing where no row is left, or `as_of` is missing.
pub fn run(spec: &Spec<Typed>, read: &[Read]) -> Option<Result> {
    let nobody = Scope {
        spec,
        things: &[],
        baskets: &[],
        features: &[],
        all: &[],
        at: None,
        as_of: None,
        double: false,
        everyone: None,
    };
    let mut rows: Vec<Thing> = vec![];
    for row in read {
        let mut thing = Thing { cells: row.cells.clone(), time: 0, text: row.text.clone(), amount: Value::whole(0) };
        for column in &spec.columns {
            if let Origin::Derived(value) = &column.origin {
                let derived = Scope { at: Some(At::Row(&thing, &[])), ..nobody }.eval(value);
                thing.cells.push(derived);
            }
        }
        if let Some(revenue) = &spec.revenue {
            let amount = Scope { at: Some(At::Row(&thing, &[])), ..nobody }.eval(revenue);
            thing.amount = if amount.is_missing() { Value::whole(0) } else { amount };
        }
        rows.push(thing);
    }
    let when = spec.time().expect("rows are purchases here").0;
    let total = |rows: &[Thing]| spec.revenue.as_ref().map(|_| sum(rows.iter().map(|row| &row.amount)));
    let amount_read = total(&rows);
    let mut dropped = vec![];
    let mut take = |rows: &mut Vec<Thing>, rule: &str, built_in: bool, leaves: &dyn Fn(&Thing, &[Thing]) -> bool| {
        let there = std::mem::take(rows);
        let goes: Vec<bool> = there.iter().enumerate().map(|(at, row)| leaves(row, &there[..at])).collect();
        let mut gone = vec![];
        for (row, goes) in there.into_iter().zip(goes) {
            if goes { gone.push(row) } else { rows.push(row) }
        }
        if !built_in || !gone.is_empty() {
            dropped.push((rule.to_owned(), gone.len() as u64, total(&gone)));
        }
    };
    for filter in &spec.filters {
        let holds = |row: &Thing, earlier: &[Thing]| {
            Scope { at: Some(At::Row(row, earlier)), ..nobody }.eval(&filter.when) == Value::Bool(true)
        };
        take(&mut rows, &filter.name.value, false, &|row, earlier| holds(row, earlier) != filter.keep);
    }
    take(&mut rows, "no customer (built in)", true, &|row, _| row.cells[spec.customer.0].is_missing());
    take(&mut rows, "no time (built in)", true, &|row, _| row.cells[when].is_missing());
    if rows.is_empty() {
        return None;
    }
    for row in &mut rows {
        row.time = micros(&row.cells[when])?;
    }
    let as_of =
        micros(&Scope { things: &rows, ..nobody }.eval(spec.as_of.as_ref().expect("purchases are looked back at")))?;
    take(&mut rows, "after as_of (built in)", true, &|row, _| row.time > as_of);
    if rows.is_empty() {
        return None;
    }
    let ledger = Ledger { used: rows.len() as u64, amount_read, amount_used: total(&rows), dropped };

    let nobody = Scope { as_of: Some(as_of), ..nobody };
    let customers: Vec<(Value, Vec<Thing>, Vec<Thing>)> = by(rows, |row| row.cells[spec.customer.0].clone())
        .into_iter()
        .map(|(customer, rows)| {
            let baskets = baskets(&nobody, &rows);
            (customer, rows, baskets)
        })
        .collect();
    let mut measured: Vec<Vec<Value>> = vec![vec![]; customers.len()];
    for feature in &spec.features {
        let of = |expr: &Expr<Typed>, nth: usize, everyone: Option<Everyone<'_>>| {
            let (_, rows, baskets) = &customers[nth];
            let scope = Scope { things: rows, baskets, features: &measured[nth], double: true, everyone, ..nobody };
            scope.eval(expr)
        };
        let everyone =
            |expr: &Expr<Typed>| -> Vec<Value> { (0..customers.len()).map(|nth| of(expr, nth, None)).collect() };
        let column: Vec<Value> = (0..customers.len()).map(|nth| of(&feature.value, nth, Some(&everyone))).collect();
        measured.iter_mut().zip(column).for_each(|(features, value)| features.push(value));
    }
    let features: Vec<Vec<Value>> =
        (0..spec.features.len()).map(|f| measured.iter().map(|own| own[f].clone()).collect()).collect();
    let all: Vec<Value> = features.iter().map(|column| typical(column)).collect();
    let labels = spec.labels.as_ref().expect("every spec here has labels");
    let rule = |own: &Vec<Value>| {
        let scope = Scope { features: own, all: &all, double: true, ..nobody };
        let holds = |when: &Expr<Typed>| scope.eval(when) == Value::Bool(true);
        labels.rules.iter().position(|rule| rule.when.as_ref().is_none_or(holds)).expect("there is an `otherwise`")
    };
    Some(Result {
        ledger,
        as_of,
        baskets: spec.baskets.as_ref().map(|_| customers.iter().map(|c| c.2.len() as u64).sum()),
        rules: measured.iter().map(rule).collect(),
        customers: customers.iter().map(|(id, ..)| name(id)).collect(),
        features,
    })
}

/// The baskets of a customer, their fields as cells.
fn baskets(scope: &Scope<'_>, rows: &[Thing]) -> Vec<Thing> {
    let Some(baskets) = &scope.spec.baskets else { return vec![] };
    let known: Vec<Thing> = rows.iter().filter(|row| !row.cells[baskets.by.0].is_missing()).cloned().collect();
    let of = |(_, rows): (Value, Vec<Thing>)| {
        let time = rows.iter().map(|row| row.time).min().expect("a basket has a row");
        let mut basket = Thing { cells: vec![], time, text: String::new(), amount: Value::Missing };
        for field in &baskets.fields {
            let value = Scope { things: &rows, at: Some(At::Basket(&basket)), ..*scope }.eval(&field.value);
            basket.cells.push(value);
        }
        basket
    };
    by(known, |row| row.cells[baskets.by.0].clone()).into_iter().map(of).collect()
}

/// Groups in the order of their keys.
fn by(rows: Vec<Thing>, key: impl Fn(&Thing) -> Value) -> Vec<(Value, Vec<Thing>)> {
    let mut groups: Vec<(Value, Vec<Thing>)> = vec![];
    for row in rows {
        let key = key(&row);
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, group)) => group.push(row),
            None => groups.push((key, vec![row])),
        }
    }
    groups.sort_by(|a, b| a.0.order(&b.0).expect("keys of one type have an order"));
    groups
}

fn sum<'a>(amounts: impl Iterator<Item = &'a Value>) -> Value {
    let items: Vec<Item> = amounts.map(|amount| Item { value: amount.clone(), time: 0 }).collect();
    aggregate(Aggregate::Sum, &items, Base::Money, 0.0)
}

fn name(id: &Value) -> String {
    match id {
        Value::Text(text) => text.clone(),
        Value::Exact(n, 0) => n.to_string(),
        other => panic!("no customer is called {other:?}"),
    }
}

fn micros(value: &Value) -> Option<i128> {
    match value {
        Value::Exact(micros, _) => Some(*micros),
        value => value.double().map(|x| x as i128),
    }
}

/// What `all.` means: the median, the commonest text, what is true of more than half.
fn typical(column: &[Value]) -> Value {
    let mut known: Vec<&Value> = column.iter().filter(|v| !v.is_missing()).collect();
    known.sort_by(|a, b| a.order(b).expect("values of one type have an order"));
    let item = |v: &&Value| Item { value: (*v).clone(), time: 0 };
    match known.first() {
        None => Value::Missing,
        Some(Value::Text(_)) => {
            aggregate(Aggregate::Mode, &known.iter().map(item).collect::<Vec<_>>(), Base::Text, 0.0)
        }
        Some(Value::Bool(_)) => Value::Bool(2 * known.iter().filter(|v| v.truth() == Some(true)).count() > known.len()),
        Some(_) => quantile(&known, 0.5),
    }
}

/// The values of an expression over all customers.
type Everyone<'a> = &'a dyn Fn(&Expr<Typed>) -> Vec<Value>;

#[derive(Clone, Copy)]
enum At<'a> {
    /// A row, and those before it that are still there.
    Row(&'a Thing, &'a [Thing]),
    Basket(&'a Thing),
}

/// Where an expression stands.
#[derive(Clone, Copy)]
struct Scope<'a> {
    spec: &'a Spec<Typed>,
    /// The rows that aggregates run over, and the baskets.
    things: &'a [Thing],
    baskets: &'a [Thing],
    features: &'a [Value],
    all: &'a [Value],
    at: Option<At<'a>>,
    as_of: Option<i128>,
    /// Whether numbers have double precision here, as in features and rules.
    double: bool,
    everyone: Option<Everyone<'a>>,
}

impl Scope<'_> {
    fn eval(&self, expr: &Expr<Typed>) -> Value {
        let value = self.of(expr);
        if self.double { value.into_feature() } else { value }
    }

    fn of(&self, expr: &Expr<Typed>) -> Value {
        let eval = |e: &Expr<Typed>| self.eval(e);
        let negate = |value: Value, negated: bool| if negated { value::not(&value) } else { value };
        match &expr.kind {
            Kind::Literal(literal) => constant(literal),
            Kind::Ref(reference) => self.reference(*reference),
            Kind::Not(a) => value::not(&eval(a)),
            Kind::Negate(a) => value::negative(&eval(a)),
            Kind::And(list) => value::and(&list.iter().map(eval).collect::<Vec<_>>()),
            Kind::Or(list) => value::or(&list.iter().map(eval).collect::<Vec<_>>()),
            Kind::Arithmetic(first, rest) => {
                let (mut left, mut base) = (eval(first), first.ty.base);
                for (operator, operand) in rest {
                    base = value::combined(base, *operator, operand.ty.base);
                    left = value::arithmetic(&left, *operator, &eval(operand), base);
                    if self.double {
                        left = left.into_feature();
                    }
                }
                left
            }
            Kind::Compare(a, comparator, b) => value::compare(&eval(a), *comparator, &eval(b)),
            Kind::Between { value, low, high, negated } => {
                let (value, low, high) = (eval(value), eval(low), eval(high));
                let at_least = value::compare(&value, Comparator::GreaterOrEqual, &low);
                negate(value::and(&[at_least, value::compare(&value, Comparator::LessOrEqual, &high)]), *negated)
            }
            Kind::In { value, options, negated } => {
                let value = eval(value);
                let equal: Vec<Value> =
                    options.iter().map(|option| value::compare(&value, Comparator::Equal, &eval(option))).collect();
                negate(value::or(&equal), *negated)
            }
            Kind::IsMissing { value, negated } => Value::Bool(eval(value).is_missing() != *negated),
            Kind::TextTest { value, verb, pattern, negated } => {
                let (Value::Text(text), Value::Text(pattern)) = (eval(value), eval(pattern)) else {
                    return Value::Missing;
                };
                let holds = match verb {
                    TextVerb::StartsWith => text.starts_with(&pattern),
                    TextVerb::EndsWith => text.ends_with(&pattern),
                    TextVerb::Contains => text.contains(&pattern),
                    TextVerb::Matches => regex::Regex::new(&pattern).expect("it is checked").is_match(&text),
                };
                Value::Bool(holds != *negated)
            }
            Kind::If { condition, then, otherwise } => {
                if eval(condition) == Value::Bool(true) {
                    eval(then)
                } else {
                    eval(otherwise)
                }
            }
            Kind::Duplicate(columns) => self.duplicate(columns.as_deref()),
            Kind::Call { function, arguments, filter } => self.call(*function, arguments, filter.as_deref(), expr),
            Kind::Error => unreachable!("the spec has no mistake"),
        }
    }

    fn reference(&self, reference: Ref) -> Value {
        match (reference, self.at) {
            (Ref::Column(ColumnId(nth)), Some(At::Row(row, _))) => row.cells[nth].clone(),
            (Ref::Basket(id), Some(At::Basket(basket))) => basket.cells[id.0].clone(),
            (Ref::BasketTime, Some(At::Basket(basket))) => Value::whole(basket.time),
            (Ref::Feature(id), _) => self.features[id.0].clone(),
            (Ref::All(id), _) => self.all[id.0].clone(),
            (Ref::Param(id), _) => self.eval(&self.spec.param(id).value),
            (Ref::AsOf, _) => self.as_of.map_or(Value::Missing, Value::whole),
            (other, _) => panic!("{other:?} has no value here"),
        }
    }

    fn duplicate(&self, columns: Option<&[Ref]>) -> Value {
        let Some(At::Row(row, earlier)) = self.at else { panic!("only rows repeat one another") };
        let cell = |row: &Thing, column: &Ref| match column {
            Ref::Column(id) => row.cells[id.0].clone(),
            other => panic!("{other:?} is no column"),
        };
        let same = |other: &Thing| match columns {
            None => other.text == row.text,
            Some(list) => list.iter().all(|column| {
                let (a, b) = (cell(row, column), cell(other, column));
                a == b || a.order(&b) == Some(std::cmp::Ordering::Equal)
            }),
        };
        Value::Bool(earlier.iter().any(same))
    }

    fn call(
        &self,
        function: Function,
        arguments: &[Argument<Typed>],
        filter: Option<&Expr<Typed>>,
        expr: &Expr<Typed>,
    ) -> Value {
        let exprs = argument_exprs(arguments);
        match function {
            Function::Scalar(f) => {
                let values: Vec<Value> = exprs.iter().map(|e| self.eval(e)).collect();
                let bases: Vec<Base> = exprs.iter().map(|e| e.ty.base).collect();
                value::call(f, &values, &bases, expr.ty.base)
            }
            Function::Aggregate(f) => self.aggregate(f, &exprs, filter),
            Function::Population(f) => {
                let low = arguments.iter().any(|a| matches!(a.value, ArgumentValue::Best { low: true, .. }));
                self.population(f, &exprs, low)
            }
        }
    }

    fn aggregate(&self, function: Aggregate, exprs: &[&Expr<Typed>], filter: Option<&Expr<Typed>>) -> Value {
        let mut of_baskets = false;
        for expr in exprs.iter().copied().chain(filter) {
            expr.walk(&mut |e| {
                of_baskets |= matches!(e.kind, Kind::Ref(Ref::Basket(_) | Ref::BasketTime | Ref::Baskets))
            });
        }
        let counted = exprs.first().is_none_or(|e| matches!(e.kind, Kind::Ref(Ref::Baskets)));
        let things = if of_baskets { self.baskets } else { self.things };
        let mut items = vec![];
        for thing in things {
            let at = if of_baskets { At::Basket(thing) } else { At::Row(thing, &[]) };
            let inside = Scope { at: Some(at), double: false, ..*self };
            if filter.is_none_or(|when| inside.eval(when) == Value::Bool(true)) {
                let value = if counted { Value::Bool(true) } else { inside.eval(exprs[0]) };
                items.push(Item { value, time: thing.time });
            }
        }
        let base = exprs.first().map_or(Base::Bool, |e| e.ty.base);
        aggregate(function, &items, base, exprs.get(1).map_or(0.0, |e| written(e)))
    }

    fn population(&self, function: Population, exprs: &[&Expr<Typed>], low_is_best: bool) -> Value {
        let own = self.eval(exprs[0]);
        if own.is_missing() {
            return Value::Missing;
        }
        let everyone = self.everyone.expect("only features look at everyone")(exprs[0]);
        let mut known: Vec<&Value> = everyone.iter().filter(|v| !v.is_missing()).collect();
        known.sort_by(|a, b| a.order(b).expect("numbers have an order"));
        match function {
            Population::Score => {
                let worse = if low_is_best { std::cmp::Ordering::Greater } else { std::cmp::Ordering::Less };
                let worse = known.iter().filter(|v| v.order(&own) == Some(worse)).count();
                Value::whole(1 + (written(exprs[1]) as usize * worse / known.len()) as i128)
            }
            Population::Clv | Population::PAlive | Population::ExpectedPurchases => {
                panic!("the generator asks for no model of buying")
            }
            Population::Winsorize => {
                let bound = |at: usize| quantile(&known, written(exprs[at]));
                value::call(segc::spec::Scalar::Clip, &[own, bound(1), bound(2)], &[Base::Number; 3], Base::Number)
            }
        }
    }
}

/// A number written down.
fn written(expr: &Expr<Typed>) -> f64 {
    match &expr.kind {
        Kind::Literal(literal) => constant(literal).double().expect("it is a number"),
        other => panic!("{other:?} is not written down"),
    }
}

fn constant(literal: &Literal) -> Value {
    let exact = |n: &segc::expr::Decimal, more: u8| Value::Exact(n.units.into(), u32::from(n.scale + more));
    match literal {
        Literal::Number(n) => exact(n, 0),
        Literal::Percent(n) | Literal::Rate(n, _) => exact(n, 2),
        Literal::Quantity(n, unit) => {
            let seconds: i128 = match unit.trim_end_matches('s') {
                "second" => 1,
                "minute" => 60,
                "hour" => 3600,
                "day" => 86_400,
                "week" => 7 * 86_400,
                _ => return exact(n, 0),
            };
            Value::whole(i128::from(n.units) * seconds * (DAY / 86_400) / value::ten(n.scale.into()))
        }
        Literal::Moment { micros, .. } => Value::whole((*micros).into()),
        Literal::Text(text) => Value::Text(text.clone()),
        Literal::Bool(b) => Value::Bool(*b),
        Literal::Missing => Value::Missing,
    }
}
