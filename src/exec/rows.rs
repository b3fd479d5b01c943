//! Expressions of the plan as polars expressions over rows or baskets.
//!
//! All arithmetic runs through functions of our own: checked on whole numbers, and dividing by dividing (polars divides
//! by a literal by multiplying with its reciprocal, which is not the same number).

use polars::prelude::{
    ChunkedArray, Column as PlColumn, DataType, Expr as PlExpr, Field, Float64Type, Int64Chunked, Int64Type,
    IntoColumn, IntoSeries, NewChunkedArray, PolarsNumericType, PolarsResult, Schema, col, concat_str, lit,
    map_multiple, polars_err, when,
};

use super::relation::{IDENTITY, Relation, Repr};
use crate::eval::{Value, number_function};
use crate::expr::{Comparator, Operator, TextVerb};
use crate::plan::expr::{Constant, Expr, Op};
use crate::spec::Scalar;
use crate::types::Base;

/// Decimals kept of money that is not exact: from a division, or from a factor that was measured.
const MONEY_SCALE: u8 = 6;
/// Decimals that money can have.
const MOST_DECIMALS: u8 = 9;

#[derive(Clone)]
pub(super) struct Lowered {
    pub expr: PlExpr,
    pub repr: Repr,
}

/// Lowers expressions over one relation.
pub(super) struct Lowering<'a> {
    pub relation: &'a Relation,
    /// Microseconds; known once the rows are settled.
    pub as_of: Option<i64>,
}

impl Lowering<'_> {
    pub fn lower(&self, expr: &Expr) -> Lowered {
        let (lowered, repr) = match &expr.op {
            Op::Constant(constant) => self.constant(constant, expr.base),
            Op::Column(name) => (col(name.as_str()), self.relation.reprs[name]),
            // Only label rules compare with all customers, and those are not run on rows.
            Op::All(name) => (col(name.as_str()), Repr::Float),
            Op::AsOf => (whole(self.as_of.expect("`as_of` is computed before anything that uses it")), Repr::Micros),
            Op::Not(a) => (self.lower(a).expr.not(), Repr::Bool),
            Op::Negate(a) => {
                let a = self.lower(a);
                match a.repr {
                    Repr::Float => (float1(a.expr, |x| Some(-x)), Repr::Float),
                    repr => (whole2(lit(0i64), a.expr, i64::checked_sub, "-"), repr),
                }
            }
            Op::And(list) => (self.fold(list, PlExpr::and), Repr::Bool),
            Op::Or(list) => (self.fold(list, PlExpr::or), Repr::Bool),
            Op::Arithmetic(a, operator, b) => return self.arithmetic(a, *operator, b, expr.base),
            Op::Compare(a, comparator, b) => (self.compare(a, *comparator, b), Repr::Bool),
            Op::IsMissing(a) => (self.lower(a).expr.is_null(), Repr::Bool),
            Op::Text(a, verb, b) => (self.text_test(a, *verb, b), Repr::Bool),
            Op::If(condition, then, otherwise) => {
                let (then, otherwise, repr) = self.same(self.lower(then), self.lower(otherwise));
                (when(self.lower(condition).expr).then(then).otherwise(otherwise), repr)
            }
            Op::Call(function, arguments) => return self.call(*function, arguments, expr.base),
            Op::Duplicate(None) => (col(IDENTITY).is_first_distinct().not(), Repr::Bool),
            Op::Duplicate(Some(columns)) => {
                // A separator that no cell holds, and a mark for missing cells, keep different rows different.
                let cells: Vec<PlExpr> = columns
                    .iter()
                    .map(|name| col(name.as_str()).cast(DataType::String).fill_null(lit("\u{1}")))
                    .collect();
                (concat_str(cells, "\u{0}", false).is_first_distinct().not(), Repr::Bool)
            }
        };
        Lowered { expr: lowered, repr }
    }

    fn constant(&self, constant: &Constant, base: Base) -> (PlExpr, Repr) {
        match constant {
            Constant::Missing => (lit(polars::prelude::NULL), Repr::Nothing),
            // A bare literal would get the narrowest type that holds it, and sums of it would wrap around.
            Constant::Decimal(n) if n.scale == 0 && base != Base::Money => (whole(n.units), Repr::Int),
            Constant::Decimal(n) => (whole(n.units), Repr::Decimal(n.scale)),
            Constant::Micros(micros) => (whole(*micros), Repr::Micros),
            Constant::Text(text) => (lit(text.as_str()), Repr::Text),
            Constant::Bool(b) => (lit(*b), Repr::Bool),
        }
    }

    fn fold(&self, list: &[Expr], join: fn(PlExpr, PlExpr) -> PlExpr) -> PlExpr {
        list.iter().map(|e| self.lower(e).expr).reduce(join).unwrap_or_else(|| lit(true))
    }

    fn arithmetic(&self, a: &Expr, operator: Operator, b: &Expr, base: Base) -> Lowered {
        let (x, y) = (self.lower(a), self.lower(b));
        let exact = |l: &Lowered| l.repr != Repr::Float;
        match (operator, base) {
            // Money by a factor: exact where the factor is.
            (Operator::Multiply, Base::Money) if exact(&x) && exact(&y) => {
                let scale = scale_of(x.repr) + scale_of(y.repr);
                fit(Lowered { expr: whole2(x.expr, y.expr, i64::checked_mul, "*"), repr: Repr::Decimal(scale) })
            }
            (Operator::Add | Operator::Subtract, Base::Money) => {
                let (x, y, repr) = self.same(money(x), money(y));
                Lowered { expr: sum_or_difference(x, y, operator), repr }
            }
            (Operator::Multiply | Operator::Divide, Base::Money) => {
                let value = float2(to_float(x), to_float(y), operator);
                Lowered { expr: rounded(value, 10f64.powi(MONEY_SCALE as i32)), repr: Repr::Decimal(MONEY_SCALE) }
            }
            (Operator::Add | Operator::Subtract, Base::Duration | Base::Datetime | Base::Date) => {
                Lowered { expr: sum_or_difference(x.expr, y.expr, operator), repr: Repr::Micros }
            }
            (_, Base::Duration) => {
                Lowered { expr: rounded(float2(to_float(x), to_float(y), operator), 1.0), repr: Repr::Micros }
            }
            (Operator::Add | Operator::Subtract | Operator::Multiply, Base::Int | Base::Zero)
                if exact(&x) && exact(&y) =>
            {
                let expr = match operator {
                    Operator::Multiply => whole2(x.expr, y.expr, i64::checked_mul, "*"),
                    _ => sum_or_difference(x.expr, y.expr, operator),
                };
                Lowered { expr, repr: Repr::Int }
            }
            _ => Lowered { expr: float2(to_float(x), to_float(y), operator), repr: Repr::Float },
        }
    }

    fn compare(&self, a: &Expr, comparator: Comparator, b: &Expr) -> PlExpr {
        let (x, y, _) = self.same(self.lower(a), self.lower(b));
        match comparator {
            Comparator::Less => x.lt(y),
            Comparator::LessOrEqual => x.lt_eq(y),
            Comparator::Greater => x.gt(y),
            Comparator::GreaterOrEqual => x.gt_eq(y),
            Comparator::Equal => x.eq(y),
            Comparator::NotEqual => x.neq(y),
        }
    }

    /// Brings two expressions to one representation.
    fn same(&self, a: Lowered, b: Lowered) -> (PlExpr, PlExpr, Repr) {
        match (a.repr, b.repr) {
            (x, y) if x == y => (a.expr, b.expr, x),
            (Repr::Nothing, other) | (other, Repr::Nothing) => (a.expr, b.expr, other),
            (Repr::Float, _) | (_, Repr::Float) => (to_float(a), to_float(b), Repr::Float),
            // A plain number with decimals beside a whole one: both as floats, or a large one would leave 64 bits.
            (Repr::Int, Repr::Decimal(scale)) | (Repr::Decimal(scale), Repr::Int) if scale > MOST_DECIMALS => {
                (to_float(a), to_float(b), Repr::Float)
            }
            (Repr::Int | Repr::Decimal(_), Repr::Int | Repr::Decimal(_)) => {
                let scale = scale_of(a.repr).max(scale_of(b.repr));
                (rescale(a, scale), rescale(b, scale), Repr::Decimal(scale))
            }
            // A bare zero beside a time span.
            (x, _) => (a.expr, b.expr, if x == Repr::Int { b.repr } else { x }),
        }
    }

    fn text_test(&self, a: &Expr, verb: TextVerb, b: &Expr) -> PlExpr {
        let (text, pattern) = (self.lower(a).expr.str(), self.lower(b).expr);
        match verb {
            TextVerb::StartsWith => text.starts_with(pattern),
            TextVerb::EndsWith => text.ends_with(pattern),
            TextVerb::Contains => text.contains_literal(pattern),
            TextVerb::Matches => text.contains(pattern, true),
        }
    }

    fn call(&self, function: Scalar, arguments: &[Expr], base: Base) -> Lowered {
        let mut lowered: Vec<Lowered> = arguments.iter().map(|a| self.lower(a)).collect();
        let first = lowered[0].clone();
        match function {
            Scalar::Lower => return Lowered { expr: first.expr.str().to_lowercase(), repr: Repr::Text },
            Scalar::Upper => return Lowered { expr: first.expr.str().to_uppercase(), repr: Repr::Text },
            Scalar::Trim => {
                return Lowered { expr: first.expr.str().strip_chars(lit(polars::prelude::NULL)), repr: Repr::Text };
            }
            Scalar::Length => {
                return Lowered { expr: first.expr.str().len_chars().cast(DataType::Int64), repr: Repr::Int };
            }
            Scalar::Coalesce => {
                let mut result = lowered.pop().expect("`check` wants two arguments");
                while let Some(previous) = lowered.pop() {
                    let (a, b, repr) = self.same(previous, result);
                    result = Lowered { expr: a.fill_null(b), repr };
                }
                return result;
            }
            _ => {}
        }
        if let Some(exact) = exactly(function, arguments, &lowered, base) {
            return exact;
        }
        let of_duration = arguments[0].base == Base::Duration;
        let inputs: Vec<PlExpr> = lowered.into_iter().map(to_float).collect();
        let expr = floats(inputs, move |a| match number_function(function, a, of_duration) {
            Value::Number(x) => Some(x),
            _ => None,
        });
        match base {
            Base::Money => {
                Lowered { expr: rounded(expr, 10f64.powi(MONEY_SCALE as i32)), repr: Repr::Decimal(MONEY_SCALE) }
            }
            Base::Duration | Base::Date | Base::Datetime => Lowered { expr: rounded(expr, 1.0), repr: Repr::Micros },
            base if base.is_whole() => Lowered { expr: rounded(expr, 1.0), repr: Repr::Int },
            _ => Lowered { expr, repr: Repr::Float },
        }
    }
}

/// Functions that give one of their arguments, or a coarser one, of money, time spans and whole numbers: exact like them.
fn exactly(function: Scalar, arguments: &[Expr], lowered: &[Lowered], base: Base) -> Option<Lowered> {
    let whole = lowered.iter().all(|l| matches!(l.repr, Repr::Int | Repr::Decimal(_) | Repr::Micros));
    let of = |scale: u8| match base {
        Base::Money => Some(Repr::Decimal(scale)),
        Base::Duration => Some(Repr::Micros),
        base => base.is_whole().then_some(Repr::Int),
    };
    if !whole || of(0).is_none() {
        return None;
    }
    match function {
        Scalar::Abs | Scalar::Clip => {
            let scale = lowered.iter().map(|l| scale_of(l.repr)).max()?;
            let inputs = lowered.iter().map(|l| rescale(l.clone(), scale)).collect();
            let expr = match function {
                Scalar::Abs => wholes(inputs, |a| a[0].checked_abs()),
                _ => wholes(inputs, |a| Some(a[0].max(a[1]).min(a[2]))),
            };
            Some(Lowered { expr, repr: of(scale)? })
        }
        Scalar::Round | Scalar::Floor | Scalar::Ceil => {
            let digits = match arguments.get(1).map(|digits| &digits.op) {
                Some(Op::Constant(Constant::Decimal(digits))) => u8::try_from(digits.units).ok()?,
                _ => 0,
            };
            let (x, scale) = (&lowered[0], scale_of(lowered[0].repr));
            if scale <= digits {
                return Some(Lowered { expr: x.expr.clone(), repr: of(scale)? });
            }
            let unit = 10i64.pow(u32::from(scale - digits));
            let expr = wholes(vec![x.expr.clone()], move |a| match function {
                Scalar::Floor => Some(a[0].div_euclid(unit)),
                Scalar::Ceil => Some(a[0].div_euclid(unit) + i64::from(a[0].rem_euclid(unit) != 0)),
                // Halves away from zero.
                _ => Some(a[0] / unit + (a[0] % unit) / (unit / 2)),
            });
            Some(Lowered { expr, repr: of(digits)? })
        }
        _ => None,
    }
}

/// A whole number of 64 bits.
fn whole(value: i64) -> PlExpr {
    lit(value).cast(DataType::Int64)
}

fn scale_of(repr: Repr) -> u8 {
    match repr {
        Repr::Decimal(scale) => scale,
        _ => 0,
    }
}

/// Money in units of at most 10^-9, so that factors with many decimals don't eat up the range.
fn fit(money: Lowered) -> Lowered {
    match money.repr {
        Repr::Decimal(scale) if scale > MOST_DECIMALS => {
            let factor = 10f64.powi(i32::from(MOST_DECIMALS));
            Lowered { expr: rounded(to_float(money), factor), repr: Repr::Decimal(MOST_DECIMALS) }
        }
        _ => money,
    }
}

/// Money as a whole number of units: zero is money too.
fn money(value: Lowered) -> Lowered {
    match value.repr {
        Repr::Float => {
            Lowered { expr: rounded(value.expr, 10f64.powi(MONEY_SCALE as i32)), repr: Repr::Decimal(MONEY_SCALE) }
        }
        Repr::Decimal(_) => value,
        _ => Lowered { expr: value.expr, repr: Repr::Decimal(0) },
    }
}

fn rescale(value: Lowered, scale: u8) -> PlExpr {
    let missing = scale - scale_of(value.repr);
    if missing == 0 {
        return value.expr;
    }
    whole2(value.expr, lit(10i64.pow(missing as u32)), i64::checked_mul, "*")
}

/// Currency units, microseconds or plain numbers as f64: the nearest to the exact value.
pub(super) fn to_float(value: Lowered) -> PlExpr {
    match value.repr {
        Repr::Float => value.expr,
        Repr::Decimal(scale) if scale > 0 => {
            let unit = 10f64.powi(scale as i32);
            float1(value.expr.cast(DataType::Float64), move |x| Some(x / unit))
        }
        _ => value.expr.cast(DataType::Float64),
    }
}

/// `x * factor`, rounded to a whole number; missing where it does not fit.
fn rounded(value: PlExpr, factor: f64) -> PlExpr {
    value.map(
        move |column| {
            let values = column.f64()?;
            let whole: Int64Chunked = values
                .iter()
                .map(|x| x.map(|x| (x * factor).round()).filter(|x| x.abs() < 9.2e18).map(|x| x as i64))
                .collect();
            Ok(whole.with_name(column.name().clone()).into_column())
        },
        |_, field| Ok(Field::new(field.name().clone(), DataType::Int64)),
    )
}

fn sum_or_difference(x: PlExpr, y: PlExpr, operator: Operator) -> PlExpr {
    match operator {
        Operator::Add => whole2(x, y, i64::checked_add, "+"),
        _ => whole2(x, y, i64::checked_sub, "-"),
    }
}

/// The text of the error that a whole number too large for 64 bits gives; `exec` turns it into a diagnostic.
pub(super) const OVERFLOW: &str = "numbers too large to be computed exactly";

fn whole2(x: PlExpr, y: PlExpr, f: fn(i64, i64) -> Option<i64>, symbol: &'static str) -> PlExpr {
    map_multiple(
        move |columns: &mut [PlColumn]| {
            let (x, y) = (columns[0].cast(&DataType::Int64)?, columns[1].cast(&DataType::Int64)?);
            let (x, y) = (x.i64()?, y.i64()?);
            let n = longest(x.len(), y.len());
            let mut overflow = false;
            let mut one = |a: Option<i64>, b: Option<i64>| {
                let result = f(a?, b?);
                overflow |= result.is_none();
                result
            };
            let values: Int64Chunked = match (x.len() == n, y.len() == n) {
                (true, true) => x.iter().zip(y.iter()).map(|(a, b)| one(a, b)).collect(),
                (true, false) => {
                    let b = y.get(0);
                    x.iter().map(|a| one(a, b)).collect()
                }
                _ => {
                    let a = x.get(0);
                    y.iter().map(|b| one(a, b)).collect()
                }
            };
            if overflow {
                return Err(polars_err!(ComputeError: "{OVERFLOW} ({symbol})"));
            }
            Ok(values.with_name(columns[0].name().clone()).into_column())
        },
        [x, y],
        |_: &Schema, fields: &[Field]| Ok(Field::new(fields[0].name().clone(), DataType::Int64)),
    )
}

fn longest(a: usize, b: usize) -> usize {
    // A constant comes as one cell, also beside a column without any.
    if a == 1 { b } else { a }
}

fn float1(x: PlExpr, f: impl Fn(f64) -> Option<f64> + Send + Sync + 'static) -> PlExpr {
    floats(vec![x], move |a| f(a[0]))
}

fn float2(x: PlExpr, y: PlExpr, operator: Operator) -> PlExpr {
    floats(vec![x, y], move |a| match operator {
        Operator::Add => Some(a[0] + a[1]),
        Operator::Subtract => Some(a[0] - a[1]),
        Operator::Multiply => Some(a[0] * a[1]),
        Operator::Divide if a[1] == 0.0 => None,
        Operator::Divide => Some(a[0] / a[1]),
    })
}

/// A function of numbers, cell by cell; missing in, missing out.
fn floats(inputs: Vec<PlExpr>, f: impl Fn(&[f64]) -> Option<f64> + Send + Sync + 'static) -> PlExpr {
    cells::<Float64Type>(inputs, DataType::Float64, move |a| Ok(f(a).filter(|x| !x.is_nan())))
}

/// A function of whole numbers, cell by cell; nothing is a number that left 64 bits.
fn wholes(inputs: Vec<PlExpr>, f: impl Fn(&[i64]) -> Option<i64> + Send + Sync + 'static) -> PlExpr {
    cells::<Int64Type>(inputs, DataType::Int64, move |a| match f(a) {
        Some(x) => Ok(Some(x)),
        None => Err(polars_err!(ComputeError: "{OVERFLOW}")),
    })
}

fn cells<T: PolarsNumericType>(
    inputs: Vec<PlExpr>,
    dtype: DataType,
    f: impl Fn(&[T::Native]) -> PolarsResult<Option<T::Native>> + Send + Sync + 'static,
) -> PlExpr
where
    ChunkedArray<T>: IntoSeries,
{
    let field = dtype.clone();
    map_multiple(
        move |columns: &mut [PlColumn]| -> PolarsResult<PlColumn> {
            let cast = columns.iter().map(|c| c.cast(&dtype)).collect::<PolarsResult<Vec<_>>>()?;
            let values = cast.iter().map(|c| c.as_materialized_series().unpack::<T>());
            let values = values.collect::<PolarsResult<Vec<&ChunkedArray<T>>>>()?;
            let n = values.iter().map(|v| v.len()).reduce(longest).unwrap_or(0);
            let mut arguments = vec![T::Native::default(); values.len()];
            let mut iterators: Vec<_> = values.iter().map(|v| v.iter()).collect();
            let mut out: Vec<Option<T::Native>> = Vec::with_capacity(n);
            for _ in 0..n {
                let mut complete = true;
                for ((slot, iterator), source) in arguments.iter_mut().zip(&mut iterators).zip(&values) {
                    match if source.len() == n { iterator.next().flatten() } else { source.get(0) } {
                        Some(x) => *slot = x,
                        None => complete = false,
                    }
                }
                out.push(if complete { f(&arguments)? } else { None });
            }
            let out = ChunkedArray::<T>::from_iter_options(columns[0].name().clone(), out.into_iter());
            Ok(out.into_series().into_column())
        },
        inputs,
        move |_: &Schema, fields: &[Field]| Ok(Field::new(fields[0].name().clone(), field.clone())),
    )
}
