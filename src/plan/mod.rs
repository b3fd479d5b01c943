//! What to compute, as relations: scan, derive, drop, aggregate, project, cluster, label. Names no engine; the embedded
//! one and a database can both run it. There is nothing left in it to complain about.

pub mod expr;
mod lower;
mod print;
pub mod sql;

pub use lower::{BASKET_TIME, lower, lower_expression};
pub use print::print;

use crate::cluster::Method;
use crate::clv::{self, Model};
use crate::expr::Decimal;
use crate::spec::{Aggregate, Check, Choice, Each, Over, Scale, SourceFormat};
use crate::syntax::ast::{Header, Rows};
use crate::syntax::source::Span;
use crate::time::Unit;
use crate::types::Base;
use expr::Expr;

#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub name: String,
    pub currency: Option<String>,
    pub scan: Scan,
    /// Further sources, each joined to the rows so far.
    pub joins: Vec<Join>,
    /// Columns computed row by row, in order.
    pub derive: Vec<Projection>,
    /// Rows leave at the first of these that catches them. Built-in rules are among them.
    pub drops: Vec<Drop>,
    /// What a row is worth, for the ledger.
    pub revenue: Option<Expr>,
    pub grain: Grain,
    pub customer: String,
    /// Plans over purchases have one.
    pub as_of: Option<AsOf>,
    pub baskets: Option<Baskets>,
    pub customers: Customers,
    pub cluster: Option<Cluster>,
    pub labels: Labels,
    pub tests: Vec<Test>,
    /// What the tests expect of every row or customer, in their order; a run that no test asks for leaves them out.
    pub expectations: Vec<Expectation>,
}

/// What a row of the scan is.
#[derive(Debug, Clone, PartialEq)]
pub enum Grain {
    /// A purchase, at the time in this column. Customers are groups of rows.
    Purchases { time: String },
    /// A customer. Two rows with one customer are a mistake in the data.
    Customers,
}

/// A test of the spec: values given to features, and what is expected.
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    pub name: String,
    pub given: Vec<Given>,
    pub labels: Vec<String>,
    pub checks: Vec<Check>,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    pub feature: String,
    /// Over all customers rather than the one at hand.
    pub all: bool,
    pub value: Expr,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    /// The place of its test.
    pub test: usize,
    pub of: Each,
    pub asks: Asks,
    /// Percent of those of whom it is known.
    pub mostly: Decimal,
    /// As the spec has it.
    pub words: String,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Asks {
    Holds(Expr),
    /// None is like an earlier one in all of these.
    Unique(Vec<Expr>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// The source's name in the spec.
    pub source: String,
    /// As the spec names them.
    pub rows: Rows<String>,
    pub format: SourceFormat,
    pub columns: Vec<ScanColumn>,
    /// Whether a rule asks for rows that repeat an earlier one in every column of the source.
    pub identity: bool,
    /// Whether a mistake in the rows would have to be told by their place in the files.
    pub places: bool,
}

/// Gives every row the columns of the one row of `scan` whose key equals its own, or missing cells where none does. The
/// number and the order of rows stay.
#[derive(Debug, Clone, PartialEq)]
pub struct Join {
    pub scan: Scan,
    /// Columns of the rows so far and of the scan that have to be equal. A missing cell equals nothing.
    pub on: Vec<(String, String)>,
    /// The column that is missing in rows without a match.
    pub matched: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ScanColumn {
    pub name: String,
    pub header: Header,
    pub base: Base,
    /// What the numbers of a time span count.
    pub unit: Option<Unit>,
    pub dates: Vec<String>,
}

/// `name = value`; `words` is the expression as the spec has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Projection {
    pub name: String,
    pub value: Expr,
    pub words: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Drop {
    pub rule: String,
    /// A row leaves when this is true; unknown lets it stay.
    pub when: Condition,
    /// As the spec has it; nothing for a built-in rule.
    pub words: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    True(Expr),
    /// `keep`: a row leaves unless this is true.
    NotTrue(Expr),
    /// Later than `as_of`, which is known once all other rules have run.
    AfterAsOf,
}

/// An aggregate over rows, then an expression over its results.
#[derive(Debug, Clone, PartialEq)]
pub struct AsOf {
    pub slots: Vec<Slot>,
    pub value: Expr,
}

/// One aggregate of a group: `name = function(argument) where filter`.
#[derive(Debug, Clone, PartialEq)]
pub struct Slot {
    pub name: String,
    pub function: Aggregate,
    /// Nothing for `count()`.
    pub argument: Option<Expr>,
    pub filter: Option<Expr>,
    /// For `quantile`, from 0 to 1.
    pub quantile: f64,
    pub base: Base,
}

/// Groups of rows by customer and another column.
#[derive(Debug, Clone, PartialEq)]
pub struct Baskets {
    pub by: String,
    pub slots: Vec<Slot>,
    pub fields: Vec<Projection>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Customers {
    /// Columns of the one row that a customer has; none where customers are groups of rows.
    pub columns: Vec<(String, Base)>,
    pub row_slots: Vec<Slot>,
    pub basket_slots: Vec<Slot>,
    /// Over one customer's slots and earlier steps, or over all customers, in order.
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// A feature of the spec.
    Feature(Projection),
    /// Looks at all customers and gives a helper column.
    Population(Population),
    /// Fits a model of buying to all customers and gives a helper column for each thing asked of it.
    Forecast(Forecast),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Population {
    pub name: String,
    pub of: Expr,
    pub of_words: String,
    pub kind: PopulationKind,
    /// The feature that is nothing but this, if one is.
    pub feature: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum PopulationKind {
    /// 1 + floor(n x share of customers strictly below, or above where low is best).
    Score { n: u32, low_is_best: bool },
    /// Values beyond the quantiles become the quantiles (linear interpolation).
    Winsorize { low: f64, high: f64 },
}

/// A model of buying, from the days on which customers bought.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    pub model: Model,
    pub unit: clv::Unit,
    /// Microseconds before `as_of` that the model is tried on; a third of the time where nothing is said.
    pub holdout: Option<i64>,
    /// The first feature that asks for it, for messages; empty for `cluster`.
    pub asked_by: String,
    pub columns: Vec<ForecastColumn>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ForecastColumn {
    pub name: String,
    pub measure: Measure,
    pub words: String,
    /// The feature that is nothing but this, if one is.
    pub feature: Option<String>,
}

/// What a model is asked. Horizons are microseconds from `as_of`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measure {
    /// What purchases within the horizon bring, discounted by a rate per year of 365 days.
    Value {
        horizon: i64,
        discount: f64,
    },
    Alive,
    Purchases {
        horizon: i64,
    },
}

impl Forecast {
    /// Whether it has to know what purchases bring.
    pub fn with_spend(&self) -> bool {
        self.columns.iter().any(|column| matches!(column.measure, Measure::Value { .. }))
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// Helper columns that only the clustering needs.
    pub steps: Vec<Step>,
    pub on: Vec<Projection>,
    pub scale: Scale,
    pub method: Method,
    pub k: (u32, u32),
    pub choice: Choice,
    pub seed: u64,
    pub restarts: u32,
    /// Whether evidence from resamples is collected: where k is chosen by it, and where it is asked for.
    pub evidence: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Labels {
    pub over: Over,
    pub distinct: bool,
    /// First match wins; the one without a condition stands last.
    pub rules: Vec<Rule>,
    /// The name of those who are in no cluster, where the method leaves any.
    pub noise: Option<Rule>,
}

impl Labels {
    /// The rules, and behind them what names noise: rules are numbered in this order.
    pub fn all(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().chain(&self.noise)
    }

    /// The rule with this number.
    pub fn rule(&self, index: u32) -> &Rule {
        self.all().nth(index as usize).expect("rules are numbered as they stand")
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub label: String,
    pub when: Option<Expr>,
    pub words: Option<String>,
    pub description: Option<String>,
    pub action: Option<String>,
    pub color: Option<String>,
}

impl Plan {
    /// The column that says when a row happened.
    pub fn time(&self) -> Option<&str> {
        match &self.grain {
            Grain::Purchases { time } => Some(time),
            Grain::Customers => None,
        }
    }

    /// The same without a look at single rows and customers.
    pub fn without_expectations(&self) -> Plan {
        let mut plan = Plan { expectations: vec![], ..self.clone() };
        plan.scan.places = plan.grain == Grain::Customers;
        plan
    }

    /// The features in the order of the spec.
    pub fn features(&self) -> impl Iterator<Item = &Projection> {
        self.customers.steps.iter().filter_map(|step| match step {
            Step::Feature(feature) => Some(feature),
            Step::Population(_) | Step::Forecast(_) => None,
        })
    }

    /// The models of buying.
    pub fn forecasts(&self) -> impl Iterator<Item = &Forecast> {
        self.customers.steps.iter().filter_map(|step| match step {
            Step::Forecast(forecast) => Some(forecast),
            Step::Feature(_) | Step::Population(_) => None,
        })
    }

    /// Every source in the order in which it is read, the one with the rows that are counted first.
    pub fn scans(&self) -> impl Iterator<Item = &Scan> {
        std::iter::once(&self.scan).chain(self.joins.iter().map(|join| &join.scan))
    }

    pub fn scans_mut(&mut self) -> impl Iterator<Item = &mut Scan> {
        std::iter::once(&mut self.scan).chain(self.joins.iter_mut().map(|join| &mut join.scan))
    }
}

impl Scan {
    /// Percent of the rows that may be unreadable; 1 where the spec says nothing.
    pub fn max_refused(&self) -> Decimal {
        self.format.max_refused.unwrap_or(Decimal { units: 1, scale: 0 })
    }
}
