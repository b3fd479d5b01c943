//! Between which values an expression lies by the way it is made: a score is 1 to n, a count at least 0, a sum of what
//! the filters leave above 0 too, the time since something in the past never negative.

use super::Undecided;
use super::rational::Rational;
use crate::expr::{Comparator, Expr, Kind, Literal, Operator};
use crate::spec::{Aggregate, ColumnId, FeatureId, Function, Origin, ParamId, Population, Ref, Scalar, Spec, Typed};
use crate::spec::{BasketId, argument_exprs};
use crate::time::DAY;
use crate::types::Base;

/// What a variable may be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Domain {
    Number(Stretch),
    Text,
    Truth,
}

/// Numbers in base units from `low` to `high`, where there is one; multiples of `step`, where they are steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Stretch {
    pub low: Option<Rational>,
    pub high: Option<Rational>,
    pub step: Option<Rational>,
}

/// The stretches of everything that is defined in a spec.
pub(crate) struct Domains<'a> {
    spec: &'a Spec<Typed>,
    params: Vec<Stretch>,
    /// What filters leave is known of columns; nothing while they run.
    columns: Vec<Stretch>,
    baskets: Vec<Stretch>,
    features: Vec<Stretch>,
    /// Whether features are those of clusters: medians.
    medians: bool,
}

impl Stretch {
    fn new(low: Option<i64>, high: Option<i64>, step: Option<i64>) -> Stretch {
        Stretch { low: low.map(Rational::whole), high: high.map(Rational::whole), step: step.map(Rational::whole) }
    }

    fn point(x: Rational) -> Stretch {
        Stretch { low: Some(x), high: Some(x), step: Some(x) }
    }

    fn at_least(low: i64) -> Stretch {
        Stretch::new(Some(low), None, None)
    }

    fn steps_of(step: i64) -> Stretch {
        Stretch::new(None, None, Some(step))
    }

    /// The only value, if there is just one.
    pub fn value(&self) -> Option<Rational> {
        self.low.filter(|low| Some(*low) == self.high)
    }

    /// The values of both; the steps of the first.
    fn within(self, other: Stretch) -> Stretch {
        Stretch {
            low: self.low.max(other.low),
            high: match (self.high, other.high) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            },
            step: self.step.or(other.step),
        }
    }

    fn or(self, other: Stretch) -> Stretch {
        let both = |a: Option<Rational>, b: Option<Rational>| a.zip(b);
        Stretch {
            low: both(self.low, other.low).map(|(a, b)| a.min(b)),
            high: both(self.high, other.high).map(|(a, b)| a.max(b)),
            step: both(self.step, other.step).and_then(|(a, b)| a.common_step(b)),
        }
    }

    pub fn plus(self, other: Stretch) -> Stretch {
        let sum = |a: Option<Rational>, b: Option<Rational>| a.zip(b).and_then(|(a, b)| a.plus(b).ok());
        Stretch {
            low: sum(self.low, other.low),
            high: sum(self.high, other.high),
            step: self.step.zip(other.step).and_then(|(a, b)| a.common_step(b)),
        }
    }

    /// Times a number that is known.
    pub fn scaled(self, factor: Rational) -> Stretch {
        let times = |x: Option<Rational>| x.and_then(|x| x.times(factor).ok());
        let (low, high) = (times(self.low), times(self.high));
        let step = if factor.is_zero() { Some(Rational::ZERO) } else { times(self.step).and_then(absolute) };
        match factor.is_negative() {
            _ if factor.is_zero() => Stretch::point(factor),
            true => Stretch { low: high, high: low, step },
            false => Stretch { low, high, step },
        }
    }

    fn times(self, other: Stretch) -> Stretch {
        let step = self.step.zip(other.step).and_then(|(a, b)| a.times(b).ok());
        let corners = |stretch: Stretch| Some([stretch.low?, stretch.high?]);
        if let (Some(a), Some(b)) = (corners(self), corners(other)) {
            let products: Result<Vec<Rational>, Undecided> =
                a.iter().flat_map(|x| b.iter().map(move |y| x.times(*y))).collect();
            let products = products.unwrap_or_default();
            return Stretch { low: products.iter().min().copied(), high: products.iter().max().copied(), step };
        }
        match (self.is_never_negative(), other.is_never_negative()) {
            (true, true) => {
                let low = self.low.zip(other.low).and_then(|(a, b)| a.times(b).ok());
                Stretch { low: low.or(Some(Rational::ZERO)), high: None, step }
            }
            _ => Stretch { step, ..Stretch::default() },
        }
    }

    fn divided_by(self, other: Stretch) -> Stretch {
        match other.value() {
            Some(divisor) => match Rational::ONE.divided_by(divisor) {
                Ok(factor) => self.scaled(factor),
                Err(Undecided) => Stretch::default(),
            },
            None if self.is_never_negative() && other.is_never_negative() => Stretch::at_least(0),
            None => Stretch::default(),
        }
    }

    fn is_never_negative(self) -> bool {
        self.low.is_some_and(|low| !low.is_negative())
    }

    /// The same with ends that are multiples of `step`, and no nearer.
    fn rounded_out(self, step: Rational) -> Stretch {
        Stretch {
            low: self.low.and_then(|low| low.floor_to(step).ok()),
            high: self.high.and_then(|high| high.ceil_to(step).ok()),
            step: self.step,
        }
    }

    fn of_type(base: Base) -> Stretch {
        match base {
            Base::Score(n) => Stretch::new(Some(1), Some(i64::from(n)), Some(1)),
            Base::Int => Stretch::steps_of(1),
            Base::Date => Stretch::steps_of(DAY),
            Base::Zero => Stretch::point(Rational::ZERO),
            _ => Stretch::default(),
        }
    }

    /// What a comparison with a constant says of all values, if it says one thing.
    pub fn answers(&self, comparator: Comparator, constant: Rational) -> Option<bool> {
        let empty = |stretch: Stretch| stretch.low.zip(stretch.high).is_some_and(|(low, high)| low > high);
        let off_step = self.step.is_some_and(|step| step.is_positive() && !constant.is_multiple_of(step));
        let none = |comparator: Comparator| {
            // Open ends are not kept, so `x < 0` of what is 0 or more needs a look of its own.
            let at_end = match comparator {
                Comparator::Less => self.low.is_some_and(|low| constant <= low),
                Comparator::Greater => self.high.is_some_and(|high| constant >= high),
                Comparator::Equal => off_step,
                Comparator::NotEqual => self.value() == Some(constant),
                _ => false,
            };
            at_end || empty(self.compared(comparator, constant))
        };
        match (none(comparator), none(comparator.contrary())) {
            (true, _) => Some(false),
            (_, true) => Some(true),
            _ => None,
        }
    }

    /// Of those values the ones that compare like this with `constant`.
    fn compared(self, comparator: Comparator, constant: Rational) -> Stretch {
        // The neighbours of a constant are known where values are steps.
        let beyond = |up: bool| match self.step.filter(|step| step.is_positive()) {
            Some(step) if up => constant.floor_to(step).and_then(|at| at.plus(step)).ok(),
            Some(step) => constant.ceil_to(step).and_then(|at| at.minus(step)).ok(),
            None => Some(constant),
        };
        let (low, high) = match comparator {
            Comparator::Less => (None, beyond(false)),
            Comparator::LessOrEqual => (None, Some(constant)),
            Comparator::Greater => (beyond(true), None),
            Comparator::GreaterOrEqual => (Some(constant), None),
            Comparator::Equal => (Some(constant), Some(constant)),
            Comparator::NotEqual => (None, None),
        };
        self.within(Stretch { low, high, step: None })
    }
}

fn absolute(x: Rational) -> Option<Rational> {
    if x.is_negative() { x.negative().ok() } else { Some(x) }
}

impl<'a> Domains<'a> {
    /// What is known while filters run: the types of columns.
    pub fn of_rows(spec: &'a Spec<Typed>) -> Domains<'a> {
        let mut domains =
            Domains { spec, params: vec![], columns: vec![], baskets: vec![], features: vec![], medians: false };
        for param in &spec.params {
            domains.params.push(domains.stretch(&param.value));
        }
        for column in &spec.columns {
            let stretch = match &column.origin {
                Origin::Source { ty, .. } => Stretch::of_type(ty.base),
                Origin::Derived(value) => domains.stretch(value),
            };
            domains.columns.push(stretch);
        }
        domains
    }

    /// What is known of customers, whose rows have passed the filters.
    pub fn of_customers(spec: &'a Spec<Typed>) -> Domains<'a> {
        let mut domains = Domains::of_rows(spec);
        let before = std::mem::take(&mut domains.columns);
        let mut known = before.clone();
        for filter in &spec.filters {
            domains.learn(&filter.when, filter.keep, &mut known);
        }
        for (column, known) in spec.columns.iter().zip(known) {
            let stretch = match &column.origin {
                Origin::Source { .. } => known,
                Origin::Derived(value) => domains.stretch(value).within(known),
            };
            domains.columns.push(stretch);
        }
        for field in spec.baskets.iter().flat_map(|baskets| &baskets.fields) {
            domains.baskets.push(domains.stretch(&field.value));
        }
        for feature in &spec.features {
            domains.features.push(domains.stretch(&feature.value));
        }
        domains
    }

    /// What is known of clusters: medians of their customers.
    pub fn of_clusters(spec: &'a Spec<Typed>) -> Domains<'a> {
        Domains { medians: true, ..Domains::of_customers(spec) }
    }

    /// What a condition that holds, or one that does not, says of columns where they are not missing.
    fn learn(&self, condition: &Expr<Typed>, holds: bool, columns: &mut [Stretch]) {
        let mut compared = |a: &Expr<Typed>, comparator: Comparator, b: &Expr<Typed>| {
            if let (Kind::Ref(Ref::Column(ColumnId(column))), Some(constant)) = (&a.kind, self.constant(b)) {
                let comparator = if holds { comparator } else { comparator.contrary() };
                columns[*column] = columns[*column].compared(comparator, constant);
            }
        };
        match &condition.kind {
            Kind::Compare(a, comparator, b) => {
                compared(a, *comparator, b);
                compared(b, comparator.flipped(), a);
            }
            Kind::Between { value, low, high, negated } if *negated != holds => {
                // Not true that it is not between: it is, or is missing.
                let comparators = [Comparator::GreaterOrEqual, Comparator::LessOrEqual];
                for (comparator, end) in comparators.into_iter().zip([low, high]) {
                    compared(value, if holds { comparator } else { comparator.contrary() }, end);
                }
            }
            Kind::And(list) if holds => list.iter().for_each(|part| self.learn(part, true, columns)),
            Kind::Or(list) if !holds => list.iter().for_each(|part| self.learn(part, false, columns)),
            Kind::Not(inner) if holds => self.learn(inner, false, columns),
            _ => {}
        }
    }

    fn feature(&self, id: FeatureId) -> Stretch {
        let of = self.features.get(id.0).copied().unwrap_or_default();
        if self.medians { halved(of) } else { of }
    }

    /// The value of an expression that has just one.
    pub fn constant(&self, expr: &Expr<Typed>) -> Option<Rational> {
        self.stretch(expr).value()
    }

    /// Between which values an expression lies where it is not missing.
    pub fn stretch(&self, expr: &Expr<Typed>) -> Stretch {
        let stretch = match &expr.kind {
            Kind::Literal(literal) => literal_value(literal).map_or(Stretch::default(), Stretch::point),
            Kind::Ref(reference) => self.reference(*reference),
            Kind::Negate(inner) => self.stretch(inner).scaled(Rational::whole(-1)),
            Kind::Arithmetic(first, rest) => self.arithmetic(first, rest, expr.ty.base),
            Kind::If { then, otherwise, .. } => self.one_of(&[then, otherwise]),
            Kind::Call { function, arguments, .. } => self.call(*function, &argument_exprs(arguments), expr.ty.base),
            _ => Stretch::default(),
        };
        if stretch.value().is_some() { stretch } else { stretch.within(Stretch::of_type(expr.ty.base)) }
    }

    fn reference(&self, reference: Ref) -> Stretch {
        let known = match reference {
            Ref::Column(ColumnId(i)) => self.columns.get(i).copied(),
            Ref::Basket(BasketId(i)) => self.baskets.get(i).copied(),
            Ref::Feature(id) => Some(self.feature(id)),
            Ref::Param(ParamId(i)) => self.params.get(i).copied(),
            // The median of an even number of customers lies between two of them.
            Ref::All(FeatureId(i)) => self.features.get(i).copied().map(halved),
            _ => None,
        };
        known.unwrap_or_default()
    }

    /// Of values that are missing nothing is known, and nothing has to be.
    fn one_of(&self, options: &[&Expr<Typed>]) -> Stretch {
        let there = options.iter().filter(|option| option.ty.base != Base::Missing);
        there.map(|option| self.stretch(option)).reduce(Stretch::or).unwrap_or_default()
    }

    fn arithmetic(&self, first: &Expr<Typed>, rest: &[(Operator, Expr<Typed>)], base: Base) -> Stretch {
        if let [(Operator::Subtract, second)] = rest
            && self.is_no_earlier(first, second)
        {
            return Stretch::at_least(0);
        }
        let sum = rest.iter().fold(self.stretch(first), |left, (operator, operand)| {
            let right = self.stretch(operand);
            match operator {
                Operator::Add => left.plus(right),
                Operator::Subtract => left.plus(right.scaled(Rational::whole(-1))),
                Operator::Multiply => left.times(right),
                Operator::Divide => left.divided_by(right),
            }
        });
        match base {
            // Rounded to whole microseconds and to millionths.
            Base::Duration | Base::Datetime => Stretch { step: None, ..sum.rounded_out(Rational::ONE) },
            Base::Money => Rational::new(1, 1_000_000).map_or(sum, |step| sum.rounded_out(step)),
            _ => sum,
        }
    }

    /// Whether `a - b` is never negative: `as_of` is later than all rows that are used, the largest value no smaller
    /// than any other.
    fn is_no_earlier(&self, a: &Expr<Typed>, b: &Expr<Typed>) -> bool {
        if matches!(a.kind, Kind::Ref(Ref::AsOf)) {
            return self.is_past(b);
        }
        let of = |expr: &Expr<Typed>| match &expr.kind {
            Kind::Call { function: Function::Aggregate(aggregate), arguments, filter } => {
                let argument = argument_exprs(arguments).first().map(|e| crate::explain::expression(e));
                argument.map(|argument| (*aggregate, argument, filter.is_some()))
            }
            _ => None,
        };
        use Aggregate::*;
        let one_of_them = |aggregate| matches!(aggregate, Min | Max | First | Last | Mode | Mean | Median | Quantile);
        match (of(a), of(b)) {
            (Some((Max, x, false)), Some((other, y, _))) => x == y && one_of_them(other),
            (Some((other, x, _)), Some((Min, y, false))) => x == y && one_of_them(other),
            _ => false,
        }
    }

    /// Whether a time is that of a row that is used, or before it.
    fn is_past(&self, time: &Expr<Typed>) -> bool {
        use Aggregate::*;
        match &time.kind {
            Kind::Ref(Ref::Column(id)) => self.spec.time() == Some(*id),
            Kind::Ref(Ref::BasketTime) => true,
            Kind::Ref(Ref::Feature(FeatureId(i))) => self.is_past(&self.spec.features[*i].value),
            Kind::Call { function, arguments, .. } => {
                let picks = matches!(
                    function,
                    Function::Aggregate(Min | Max | First | Last | Mode | Mean | Median | Quantile)
                        | Function::Scalar(Scalar::DateOf | Scalar::StartOfMonth)
                );
                picks && argument_exprs(arguments).first().is_some_and(|argument| self.is_past(argument))
            }
            _ => false,
        }
    }

    fn call(&self, function: Function, arguments: &[&Expr<Typed>], base: Base) -> Stretch {
        let of = |i: usize| arguments.get(i).map(|e| self.stretch(e)).unwrap_or_default();
        match function {
            Function::Scalar(f) => self.scalar(f, arguments, base),
            Function::Aggregate(f) => match f {
                Aggregate::Count | Aggregate::CountDistinct => Stretch::new(Some(0), None, Some(1)),
                Aggregate::Share => Stretch::new(Some(0), Some(1), None),
                Aggregate::Entropy | Aggregate::Std | Aggregate::MeanGap => Stretch::at_least(0),
                Aggregate::Min | Aggregate::Max | Aggregate::First | Aggregate::Last | Aggregate::Mode => of(0),
                Aggregate::Mean | Aggregate::Median | Aggregate::Quantile => Stretch { step: None, ..of(0) },
                Aggregate::Sum => {
                    let of = of(0);
                    let zero = Some(Rational::ZERO);
                    let never_positive = of.high.is_some_and(|high| !high.is_positive());
                    Stretch {
                        low: zero.filter(|_| of.is_never_negative()),
                        high: zero.filter(|_| never_positive),
                        step: of.step.filter(|step| step.is_positive()),
                    }
                }
                _ => Stretch::default(),
            },
            Function::Population(Population::Winsorize) => Stretch { step: None, ..of(0) },
            Function::Population(Population::PAlive) => Stretch::new(Some(0), Some(1), None),
            Function::Population(Population::Clv | Population::ExpectedPurchases) => Stretch::at_least(0),
            Function::Population(Population::Score) => Stretch::of_type(base),
        }
    }

    fn scalar(&self, f: Scalar, arguments: &[&Expr<Typed>], base: Base) -> Stretch {
        let of = |i: usize| arguments.get(i).map(|e| self.stretch(e)).unwrap_or_default();
        let (day, one) = (Rational::whole(DAY), Some(Rational::ONE));
        match f {
            Scalar::WholeDays => Stretch { step: Some(day), ..of(0).rounded_out(day) },
            Scalar::CalendarDays => {
                let forward = matches!(arguments, [from, to] if self.is_no_earlier(to, from));
                Stretch { step: Some(day), ..if forward { Stretch::at_least(0) } else { Stretch::default() } }
            }
            Scalar::Days => of(0).divided_by(Stretch::point(day)),
            Scalar::DateOf | Scalar::StartOfMonth => Stretch::steps_of(DAY),
            Scalar::Year => Stretch::steps_of(1),
            Scalar::Month => Stretch::new(Some(1), Some(12), Some(1)),
            Scalar::Day => Stretch::new(Some(1), Some(31), Some(1)),
            Scalar::Weekday => Stretch::new(Some(1), Some(7), Some(1)),
            Scalar::Hour => Stretch::new(Some(0), Some(23), Some(1)),
            Scalar::Length => Stretch::new(Some(0), None, Some(1)),
            Scalar::Sqrt => Stretch::at_least(0),
            Scalar::Log1p if of(0).is_never_negative() => Stretch::at_least(0),
            Scalar::Floor | Scalar::Ceil => Stretch { step: one, ..of(0).rounded_out(Rational::ONE) },
            Scalar::Round => {
                let step = one.filter(|_| arguments.len() == 1);
                Stretch { step, ..of(0).rounded_out(Rational::ONE) }
            }
            Scalar::Abs => {
                let of = of(0);
                let largest = of.low.and_then(absolute).zip(of.high.and_then(absolute)).map(|(a, b)| a.max(b));
                Stretch {
                    low: Some(if of.is_never_negative() { of.low } else { None }.unwrap_or(Rational::ZERO)),
                    high: largest,
                    step: of.step,
                }
            }
            Scalar::Clip => {
                let (x, low, high) = (of(0), of(1), of(2));
                let least = x.low.max(low.low);
                let bounded = least.zip(high.low).map(|(a, b)| a.min(b));
                Stretch { low: bounded, high: high.high, step: None }
            }
            Scalar::Coalesce => self.one_of(arguments),
            _ => Stretch::of_type(base),
        }
    }
}

/// What the median of such values may be: one of them, or half way between two.
fn halved(stretch: Stretch) -> Stretch {
    let half = Rational::new(1, 2).expect("a half is a fraction");
    Stretch { step: stretch.step.and_then(|step| step.times(half).ok()), ..stretch }
}

/// The value of a number in base units: microseconds, currency units, shares from 0 to 1.
pub(super) fn literal_value(literal: &Literal) -> Option<Rational> {
    match literal {
        Literal::Number(n) => Rational::of_decimal(*n),
        Literal::Percent(n) => Rational::of_decimal(*n)?.divided_by(Rational::whole(100)).ok(),
        Literal::Quantity(n, unit) => match crate::time::micros_per(unit) {
            Some(micros) => {
                // A time span is a whole number of microseconds.
                let exact = Rational::of_decimal(*n)?.times(Rational::whole(micros)).ok()?;
                if exact.is_whole() {
                    Some(exact)
                } else {
                    exact.plus(Rational::new(1, 2)?).ok()?.floor_to(Rational::ONE).ok()
                }
            }
            None => Rational::of_decimal(*n),
        },
        Literal::Moment { micros, .. } => Some(Rational::whole(*micros)),
        _ => None,
    }
}
