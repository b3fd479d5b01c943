//! Row expressions of the plan in SQL, where SQL gives exactly what they mean, and the part of a plan's cleaning that a
//! database can do for that reason.
//!
//! A value in SQL is null where it is missing, and both have the logic of Kleene. Numbers are `numeric`, so that nothing
//! is rounded and nothing overflows; where 64 bits would be too few for the value here, the row is none that the
//! database may judge. Text compares by its bytes. What has no such translation is left alone: there is no best effort.

use std::collections::BTreeMap;

use super::expr::{Constant, Expr, Op};
use super::{Condition, Plan};
use crate::expr::{Comparator, Decimal, Operator, TextVerb, format_decimal};
use crate::spec::Scalar;
use crate::time::iso;
use crate::types::Base;

/// How values are kept here, which decides what is exact and what can be too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Text,
    /// 64 bits.
    Int,
    /// A whole number of units of 10^-scale in 64 bits; the scale is the most that occurs.
    Decimal(u8),
    /// Double precision.
    Double,
    /// Microseconds in 64 bits.
    Time,
    Bool,
    /// `missing` itself.
    Nothing,
}

/// A column of the source as the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub form: Form,
    /// The value that segc would read, for rows that are readable.
    pub value: String,
    /// True for the rows in which segc can read the column and has nothing to report of it; nothing if for all.
    pub readable: Option<String>,
}

/// The rules that a database can run: the longest beginning of the list that translates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix {
    /// All of these are true for a row that the database may judge; others have to be sent.
    pub sure: Vec<String>,
    /// Per rule of the plan, from the first: true when a row leaves by it.
    pub leaves: Vec<String>,
    /// What a row is worth, exactly.
    pub amount: Option<String>,
    /// The first rule that has no translation, if any has none.
    pub stopped_by: Option<String>,
}

/// Bytes of SQL that nobody would want to send.
const LONGEST: usize = 1 << 18;

/// What a database with these columns, by name, can do of the plan; or why it can do nothing, as a clause.
pub fn prefix(plan: &Plan, columns: &BTreeMap<String, Column>) -> Result<Prefix, String> {
    let mut translator = Translator { columns: BTreeMap::new(), sure: vec![], unsure: false, length: 0 };
    for (name, column) in columns {
        translator.sure.extend(column.readable.clone());
        let most = (column.form == Form::Time).then_some(YEAR_9999);
        let value = Value { form: column.form, sql: Some(column.value.clone()), constant: None, most };
        translator.columns.insert(name.clone(), value);
    }
    // Everything that is computed for every row, whether it leaves or not: where that fails here, it must go on to.
    for derive in &plan.derive {
        let value = translator.value(&derive.value);
        if translator.unsure {
            return Err(format!("`{}` may leave 64 bits", derive.name));
        }
        translator.columns.insert(derive.name.clone(), value);
    }
    let amount = match plan.revenue.as_ref().map(|revenue| translator.value(revenue)) {
        None => None,
        Some(Value { form: Form::Int | Form::Decimal(_), sql: Some(sql), .. }) if !translator.unsure => Some(sql),
        Some(_) => return Err("`revenue` has no exact translation".to_owned()),
    };
    let (mut leaves, mut stopped_by) = (vec![], None);
    for rule in &plan.drops {
        let before = translator.sure.len();
        let (condition, leaves_when) = match &rule.when {
            Condition::True(condition) => (condition, "IS TRUE"),
            Condition::NotTrue(condition) => (condition, "IS NOT TRUE"),
            // Known only when all other rules have run.
            Condition::AfterAsOf => break,
        };
        match translator.value(condition).sql {
            Some(sql) if !translator.unsure => leaves.push(format!("({sql}) {leaves_when}")),
            _ => {
                translator.sure.truncate(before);
                stopped_by = Some(rule.rule.clone());
                break;
            }
        }
    }
    if translator.length > LONGEST {
        return Err("the rules are too long for a statement".to_owned());
    }
    // The built-in rules alone are not worth a second look at every row.
    let written = plan.drops[..leaves.len()].iter().any(|rule| rule.words.is_some());
    match stopped_by {
        stopped_by if written => Ok(Prefix { sure: translator.sure, leaves, amount, stopped_by }),
        Some(rule) => Err(format!("the first rule, \"{rule}\", has no exact translation")),
        None => Err("there are no rules".to_owned()),
    }
}

/// A text as a literal. Needs `standard_conforming_strings`.
pub fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A name as it stands, whatever is in it.
pub fn quote_name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// What the magnitude of a decimal of this scale has to be below to fit 64 bits; nothing where none fits.
pub fn bound(scale: u8) -> Option<i64> {
    10_i64.checked_pow(scale.into()).map(|unit| i64::MAX / unit)
}

/// Microseconds from 1970 to the end of the year 9999, before which all times of a source lie.
const YEAR_9999: i128 = 253_402_300_800_000_000;

struct Translator {
    /// Of the source and derived.
    columns: BTreeMap<String, Value>,
    /// Conditions, each once, for everything that was translated so far to give the same here.
    sure: Vec<String>,
    /// Something may fail here, and when it does can't be said in SQL.
    unsure: bool,
    length: usize,
}

#[derive(Debug, Clone)]
struct Value {
    form: Form,
    /// Nothing where there is no exact translation; the form is known all the same.
    sql: Option<String>,
    constant: Option<Decimal>,
    /// For times and spans, microseconds that the magnitude does not exceed.
    most: Option<i128>,
}

impl Value {
    fn new(form: Form, sql: Option<String>) -> Value {
        Value { form, sql, constant: None, most: None }
    }

    fn scale(&self) -> u8 {
        if let Form::Decimal(scale) = self.form { scale } else { 0 }
    }

    fn is_exact(&self) -> bool {
        matches!(self.form, Form::Int | Form::Decimal(_))
    }
}

/// Decimals that money can have.
pub const MOST_DECIMALS: u8 = 9;
/// Decimals of money that is not exact.
const INEXACT: Form = Form::Decimal(6);

impl Translator {
    fn value(&mut self, expr: &Expr) -> Value {
        let value = match &expr.op {
            Op::Constant(constant) => of_constant(constant, expr.base),
            Op::Column(name) => self.columns.get(name).cloned().unwrap_or(Value::new(Form::Nothing, None)),
            Op::All(_) => Value::new(Form::Double, None),
            Op::AsOf => Value::new(Form::Time, None),
            Op::Not(a) => {
                let a = self.value(a);
                Value::new(Form::Bool, a.sql.map(|a| format!("NOT ({a})")))
            }
            Op::Negate(a) => {
                let a = self.value(a);
                let sql = a.sql.as_ref().filter(|_| a.is_exact()).map(|sql| format!("(- {sql})"));
                let constant = a.constant.map(|n| Decimal { units: -n.units, ..n });
                Value { sql, constant, ..a }
            }
            Op::And(parts) => self.fold(parts, " AND "),
            Op::Or(parts) => self.fold(parts, " OR "),
            Op::Arithmetic(a, operator, b) => self.arithmetic(a, *operator, b, expr.base),
            Op::Compare(a, comparator, b) => self.compare(a, *comparator, b),
            Op::IsMissing(a) => {
                let a = self.value(a);
                Value::new(Form::Bool, a.sql.map(|a| format!("({a}) IS NULL")))
            }
            Op::Text(a, verb, b) => {
                let (a, b) = (self.value(a), self.value(b));
                Value::new(Form::Bool, a.sql.zip(b.sql).and_then(|(a, b)| text_test(&a, *verb, &b)))
            }
            Op::If(condition, then, otherwise) => {
                let condition = self.value(condition);
                let (then, otherwise) = (self.value(then), self.value(otherwise));
                let (a, b, form) = self.same(then, otherwise);
                let sql = condition.sql.zip(a.sql).zip(b.sql);
                let sql = sql.map(|((condition, a), b)| format!("CASE WHEN {condition} THEN {a} ELSE {b} END"));
                Value { most: a.most.zip(b.most).map(|(a, b)| a.max(b)), ..Value::new(form, sql) }
            }
            Op::Call(Scalar::Coalesce, arguments) => self.coalesce(arguments),
            Op::Call(function, arguments) => {
                let arguments: Vec<Value> = arguments.iter().map(|a| self.value(a)).collect();
                call(*function, expr.base, &arguments)
            }
            Op::Duplicate(_) => Value::new(Form::Bool, None),
        };
        self.length += value.sql.as_ref().map_or(0, String::len);
        // Far beyond what is sent, expressions that double are not spelt out any more.
        if self.length > 4 * LONGEST { Value { sql: None, ..value } } else { value }
    }

    fn fold(&mut self, parts: &[Expr], operator: &str) -> Value {
        let parts: Vec<Value> = parts.iter().map(|part| self.value(part)).collect();
        let parts: Option<Vec<String>> = parts.into_iter().map(|part| part.sql.map(|sql| format!("({sql})"))).collect();
        Value::new(Form::Bool, parts.map(|parts| parts.join(operator)))
    }

    fn coalesce(&mut self, arguments: &[Expr]) -> Value {
        let values: Vec<Value> = arguments.iter().map(|a| self.value(a)).collect();
        let mut values = values.into_iter().rev();
        let mut result = values.next().expect("`check` wants two arguments");
        for previous in values {
            let (a, b, form) = self.same(previous, result);
            let most = a.most.zip(b.most).map(|(a, b)| a.max(b));
            let sql = a.sql.zip(b.sql).map(|(a, b)| format!("coalesce({a}, {b})"));
            result = Value { most, ..Value::new(form, sql) };
        }
        result
    }

    fn arithmetic(&mut self, a: &Expr, operator: Operator, b: &Expr, base: Base) -> Value {
        let (a, b) = (self.value(a), self.value(b));
        let exact = a.is_exact() && b.is_exact();
        let sum = matches!(operator, Operator::Add | Operator::Subtract);
        match base {
            Base::Money if operator == Operator::Multiply && exact => {
                let scale = a.scale() + b.scale();
                let product = self.whole(operation(&a, operator, &b), scale);
                // Beyond nine decimals it is rounded, by way of double precision.
                let sql = product.filter(|_| scale <= MOST_DECIMALS);
                Value::new(Form::Decimal(scale.min(MOST_DECIMALS)), sql)
            }
            Base::Money if sum => {
                let money = |value: Value| match value.form {
                    Form::Double => Value::new(INEXACT, None),
                    _ => Value { form: Form::Decimal(value.scale()), ..value },
                };
                let (a, b, form) = self.same(money(a), money(b));
                let scale = a.scale().max(b.scale());
                Value::new(form, self.whole(operation(&a, operator, &b), scale))
            }
            Base::Money => Value::new(INEXACT, None),
            Base::Duration | Base::Datetime | Base::Date if sum => {
                let most = a.most.zip(b.most).map(|(a, b)| a + b);
                self.unsure |= most.is_none_or(|most| most > i128::from(i64::MAX));
                Value { most, ..Value::new(Form::Time, None) }
            }
            Base::Duration => Value::new(Form::Time, None),
            Base::Int | Base::Zero if exact && operator != Operator::Divide => {
                Value::new(Form::Int, self.whole(operation(&a, operator, &b), 0))
            }
            _ => Value::new(Form::Double, None),
        }
    }

    fn compare(&mut self, a: &Expr, comparator: Comparator, b: &Expr) -> Value {
        let (a, b) = (self.value(a), self.value(b));
        let (a, b, form) = self.same(a, b);
        let sql = match form {
            Form::Nothing => None,
            _ => a.sql.zip(b.sql).map(|(a, b)| {
                let symbol = if comparator == Comparator::NotEqual { "<>" } else { comparator.symbol() };
                if form == Form::Bool { format!("({a}) {symbol} ({b})") } else { format!("{a} {symbol} {b}") }
            }),
        };
        Value::new(Form::Bool, sql)
    }

    /// Brings two values to one form, as is done here before they are compared or stand in one column.
    fn same(&mut self, a: Value, b: Value) -> (Value, Value, Form) {
        match (a.form, b.form) {
            (Form::Nothing, form) => (Value { sql: None, ..a }, b, form),
            (form, Form::Nothing) => (a, Value { sql: None, ..b }, form),
            (Form::Double, _) | (_, Form::Double) => (double(a), double(b), Form::Double),
            (Form::Int, Form::Decimal(scale)) | (Form::Decimal(scale), Form::Int) if scale > MOST_DECIMALS => {
                (double(a), double(b), Form::Double)
            }
            (Form::Int, Form::Int) => (a, b, Form::Int),
            (Form::Int | Form::Decimal(_), Form::Int | Form::Decimal(_)) => {
                let scale = a.scale().max(b.scale());
                (self.rescaled(a, scale), self.rescaled(b, scale), Form::Decimal(scale))
            }
            (x, y) if x == y => (a, b, x),
            // A bare zero beside a time span.
            (form, _) => (Value { sql: None, ..a }, Value { sql: None, ..b }, form),
        }
    }

    /// The value in units of 10^-scale, which it must be able to be.
    fn rescaled(&mut self, value: Value, scale: u8) -> Value {
        match (value.constant, bound(scale - value.scale())) {
            (Some(constant), Some(bound)) => self.unsure |= constant.units.checked_abs().is_none_or(|u| u > bound),
            // It was looked at when it was made.
            _ if value.sql.is_some() && scale == value.scale() => {}
            _ => {
                self.whole(value.sql.clone(), scale);
            }
        }
        value
    }

    /// A value that is a whole number of units of 10^-scale here, for which 64 bits have to be enough.
    fn whole(&mut self, sql: Option<String>, scale: u8) -> Option<String> {
        match (&sql, bound(scale)) {
            (Some(sql), Some(bound)) => {
                let condition = format!("coalesce(abs({sql}) < {bound}, true)");
                self.length += condition.len();
                if !self.sure.contains(&condition) {
                    self.sure.push(condition);
                }
            }
            _ => self.unsure = true,
        }
        sql
    }
}

fn of_constant(constant: &Constant, base: Base) -> Value {
    match constant {
        Constant::Missing => Value::new(Form::Nothing, None),
        Constant::Decimal(n) => {
            let form = if n.scale == 0 && base != Base::Money { Form::Int } else { Form::Decimal(n.scale) };
            let digits = format_decimal(n.units.into(), n.scale);
            Value { constant: Some(*n), ..Value::new(form, Some(format!("{digits}::numeric"))) }
        }
        Constant::Micros(micros) => {
            let moment = base.is_time() && (0..YEAR_9999).contains(&i128::from(micros.abs()));
            let sql = moment.then(|| format!("'{}'::timestamp", iso(*micros)));
            Value { most: Some(i128::from(*micros).abs()), ..Value::new(Form::Time, sql) }
        }
        Constant::Text(text) => {
            let sql = (!text.contains('\0')).then(|| format!("({} COLLATE \"C\")", quote(text)));
            Value::new(Form::Text, sql)
        }
        Constant::Bool(b) => Value::new(Form::Bool, Some(b.to_string())),
    }
}

fn operation(a: &Value, operator: Operator, b: &Value) -> Option<String> {
    a.sql.as_ref().zip(b.sql.as_ref()).map(|(a, b)| format!("({a} {} {b})", operator.symbol()))
}

/// The nearest number of double precision, where the database finds the same.
fn double(value: Value) -> Value {
    let sql = match (value.form, value.constant) {
        (Form::Double, _) => value.sql,
        (_, Some(constant)) => Some(format!("'{:?}'::double precision", constant.as_f64())),
        (Form::Int, None) => value.sql.map(|sql| format!("({sql})::double precision")),
        _ => None,
    };
    Value::new(Form::Double, sql)
}

fn text_test(text: &str, verb: TextVerb, pattern: &str) -> Option<String> {
    match verb {
        TextVerb::StartsWith => Some(format!("starts_with({text}, {pattern})")),
        TextVerb::EndsWith => Some(format!("right({text}, char_length({pattern})) = {pattern}")),
        TextVerb::Contains => Some(format!("strpos({text}, {pattern}) > 0")),
        // Two kinds of regular expressions.
        TextVerb::Matches => None,
    }
}

/// Functions are not translated; what they give is known in form and, for days of a time, in size.
fn call(function: Scalar, base: Base, arguments: &[Value]) -> Value {
    let form = match (function, base) {
        (Scalar::Lower | Scalar::Upper | Scalar::Trim, _) => Form::Text,
        (Scalar::Length, _) => Form::Int,
        (_, Base::Money) => INEXACT,
        (_, Base::Duration | Base::Date | Base::Datetime) => Form::Time,
        (_, base) if base.is_whole() => Form::Int,
        _ => Form::Double,
    };
    let days = matches!(function, Scalar::DateOf | Scalar::StartOfMonth | Scalar::WholeDays | Scalar::CalendarDays);
    // The start of a day or month lies before it, within what is left to the bound.
    let most = arguments.iter().map(|a| a.most).sum::<Option<i128>>().filter(|_| days).map(|most| most + 32 * DAY);
    Value { most, ..Value::new(form, None) }
}

const DAY: i128 = crate::time::DAY as i128;
