//! The expression tree that all stages before the plan share. A stage says what a reference, a function and a type are:
//! names and nothing at first, ids after `resolve`, types after `check`.

use std::fmt::Debug;

use crate::syntax::source::{Name, Span};

/// What an expression is made of after a stage.
pub trait Stage: Debug + Clone + PartialEq {
    /// What stands for a name.
    type Ref: Debug + Clone + PartialEq;
    /// What stands for the name of a function.
    type Function: Debug + Clone + PartialEq;
    /// What is known of every expression's type.
    type Type: Debug + Clone + PartialEq;
}

#[derive(Debug, Clone, PartialEq)]
pub struct Expr<S: Stage> {
    pub kind: Kind<S>,
    pub span: Span,
    pub ty: S::Type,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Kind<S: Stage> {
    Literal(Literal),
    Ref(S::Ref),
    Not(Box<Expr<S>>),
    Negate(Box<Expr<S>>),
    /// `a and b and c`; unknown where no operand decides (Kleene).
    And(Vec<Expr<S>>),
    Or(Vec<Expr<S>>),
    /// `first`, then operator and operand from left to right.
    Arithmetic(Box<Expr<S>>, Vec<(Operator, Expr<S>)>),
    Compare(Box<Expr<S>>, Comparator, Box<Expr<S>>),
    Between {
        value: Box<Expr<S>>,
        low: Box<Expr<S>>,
        high: Box<Expr<S>>,
        negated: bool,
    },
    /// `x in [a, b]`.
    In {
        value: Box<Expr<S>>,
        options: Vec<Expr<S>>,
        negated: bool,
    },
    IsMissing {
        value: Box<Expr<S>>,
        negated: bool,
    },
    TextTest {
        value: Box<Expr<S>>,
        verb: TextVerb,
        pattern: Box<Expr<S>>,
        negated: bool,
    },
    If {
        condition: Box<Expr<S>>,
        then: Box<Expr<S>>,
        otherwise: Box<Expr<S>>,
    },
    /// `duplicate`, over the named columns or, without names, over every column of the source as read.
    Duplicate(Option<Vec<S::Ref>>),
    Call {
        function: S::Function,
        arguments: Vec<Argument<S>>,
        filter: Option<Box<Expr<S>>>,
    },
    /// Stands where something could not be understood; the mistake has been reported.
    Error,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Argument<S: Stage> {
    /// `horizon: 365 days`.
    pub name: Option<Name>,
    pub value: ArgumentValue<S>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ArgumentValue<S: Stage> {
    Expr(Expr<S>),
    /// `low is best` (true) or `high is best` (false).
    Best {
        low: bool,
        span: Span,
    },
    /// `model: bg_nbd`: one of a few words, where a function takes such. Only `resolve` knows where.
    Word(Name),
}

/// A literal with its exact value.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `units / 10^scale`.
    Number(Decimal),
    /// `10%` is 10.
    Percent(Decimal),
    /// `10% per year`.
    Rate(Decimal, String),
    /// `30 days`, `4_000 GBP`: a number and a unit as written.
    Quantity(Decimal, String),
    /// Microseconds since 1970; whether it was written as a date only.
    Moment {
        micros: i64,
        date_only: bool,
    },
    Text(String),
    Bool(bool),
    Missing,
}

/// An exact decimal: `units / 10^scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    pub units: i64,
    pub scale: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparator {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextVerb {
    StartsWith,
    EndsWith,
    Contains,
    Matches,
}

impl Decimal {
    pub fn as_f64(self) -> f64 {
        // Both are exact in f64 up to 2^53 and 10^22, so the quotient is the nearest number to the decimal.
        self.units as f64 / 10f64.powi(self.scale as i32)
    }

    /// Reads `4_000`, `0.5`, `10.25`; nothing when it has more digits than fit.
    pub fn parse(text: &str) -> Option<Decimal> {
        let clean: String = text.chars().filter(|c| *c != '_').collect();
        let (whole, fraction) = clean.split_once('.').unwrap_or((&clean, ""));
        let fraction = fraction.trim_end_matches('0');
        let units = format!("{whole}{fraction}").parse().ok()?;
        (fraction.len() <= 15).then_some(Decimal { units, scale: fraction.len() as u8 })
    }
}

impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&format_decimal(i128::from(self.units), self.scale))
    }
}

/// `units / 10^scale` in digits, with all `scale` decimals.
pub fn format_decimal(units: i128, scale: u8) -> String {
    let digits = format!("{:0>width$}", units.unsigned_abs(), width = scale as usize + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale as usize);
    let sign = if units < 0 { "-" } else { "" };
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// A text as it stands in a spec, in quotes.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\t', "\\t"))
}

impl Operator {
    pub fn symbol(self) -> &'static str {
        match self {
            Operator::Add => "+",
            Operator::Subtract => "-",
            Operator::Multiply => "*",
            Operator::Divide => "/",
        }
    }
}

impl Comparator {
    pub const ALL: [Comparator; 6] = [
        Comparator::Less,
        Comparator::LessOrEqual,
        Comparator::Greater,
        Comparator::GreaterOrEqual,
        Comparator::Equal,
        Comparator::NotEqual,
    ];

    pub fn symbol(self) -> &'static str {
        match self {
            Comparator::Less => "<",
            Comparator::LessOrEqual => "<=",
            Comparator::Greater => ">",
            Comparator::GreaterOrEqual => ">=",
            Comparator::Equal => "=",
            Comparator::NotEqual => "!=",
        }
    }

    /// True where this is false, of two values that are there.
    pub fn contrary(self) -> Comparator {
        match self {
            Comparator::Less => Comparator::GreaterOrEqual,
            Comparator::LessOrEqual => Comparator::Greater,
            Comparator::Greater => Comparator::LessOrEqual,
            Comparator::GreaterOrEqual => Comparator::Less,
            Comparator::Equal => Comparator::NotEqual,
            Comparator::NotEqual => Comparator::Equal,
        }
    }

    /// The comparison of the same two with their sides exchanged.
    pub fn flipped(self) -> Comparator {
        match self {
            Comparator::Less => Comparator::Greater,
            Comparator::LessOrEqual => Comparator::GreaterOrEqual,
            Comparator::Greater => Comparator::Less,
            Comparator::GreaterOrEqual => Comparator::LessOrEqual,
            same => same,
        }
    }

    /// Whether two things that stand in this order satisfy the comparison.
    pub fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Comparator::Less => order.is_lt(),
            Comparator::LessOrEqual => order.is_le(),
            Comparator::Greater => order.is_gt(),
            Comparator::GreaterOrEqual => order.is_ge(),
            Comparator::Equal => order.is_eq(),
            Comparator::NotEqual => order.is_ne(),
        }
    }
}

impl TextVerb {
    pub fn words(self) -> &'static str {
        match self {
            TextVerb::StartsWith => "starts with",
            TextVerb::EndsWith => "ends with",
            TextVerb::Contains => "contains",
            TextVerb::Matches => "matches",
        }
    }
}

impl<S: Stage> Expr<S> {
    /// Every direct part of this expression, in order of appearance.
    pub fn children(&self) -> Vec<&Expr<S>> {
        match &self.kind {
            Kind::Literal(_) | Kind::Ref(_) | Kind::Duplicate(_) | Kind::Error => vec![],
            Kind::Not(a) | Kind::Negate(a) => vec![a],
            Kind::And(list) | Kind::Or(list) => list.iter().collect(),
            Kind::Arithmetic(first, rest) => std::iter::once(&**first).chain(rest.iter().map(|(_, e)| e)).collect(),
            Kind::Compare(a, _, b) => vec![a, b],
            Kind::Between { value, low, high, .. } => vec![value, low, high],
            Kind::In { value, options, .. } => std::iter::once(&**value).chain(options).collect(),
            Kind::IsMissing { value, .. } => vec![value],
            Kind::TextTest { value, pattern, .. } => vec![value, pattern],
            Kind::If { condition, then, otherwise } => vec![condition, then, otherwise],
            Kind::Call { arguments, filter, .. } => arguments
                .iter()
                .filter_map(|argument| match &argument.value {
                    ArgumentValue::Expr(expr) => Some(expr),
                    ArgumentValue::Best { .. } | ArgumentValue::Word(_) => None,
                })
                .chain(filter.as_deref())
                .collect(),
        }
    }

    /// The same parts, to be changed.
    pub fn children_mut(&mut self) -> Vec<&mut Expr<S>> {
        match &mut self.kind {
            Kind::Literal(_) | Kind::Ref(_) | Kind::Duplicate(_) | Kind::Error => vec![],
            Kind::Not(a) | Kind::Negate(a) => vec![a],
            Kind::And(list) | Kind::Or(list) => list.iter_mut().collect(),
            Kind::Arithmetic(first, rest) => {
                std::iter::once(&mut **first).chain(rest.iter_mut().map(|(_, e)| e)).collect()
            }
            Kind::Compare(a, _, b) => vec![a, b],
            Kind::Between { value, low, high, .. } => vec![value, low, high],
            Kind::In { value, options, .. } => std::iter::once(&mut **value).chain(options).collect(),
            Kind::IsMissing { value, .. } => vec![value],
            Kind::TextTest { value, pattern, .. } => vec![value, pattern],
            Kind::If { condition, then, otherwise } => vec![condition, then, otherwise],
            Kind::Call { arguments, filter, .. } => arguments
                .iter_mut()
                .filter_map(|argument| match &mut argument.value {
                    ArgumentValue::Expr(expr) => Some(expr),
                    ArgumentValue::Best { .. } | ArgumentValue::Word(_) => None,
                })
                .chain(filter.as_deref_mut())
                .collect(),
        }
    }

    /// Calls `visit` on this expression and on all its parts, parents first.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr<S>)) {
        visit(self);
        for child in self.children() {
            child.walk(visit);
        }
    }
}
