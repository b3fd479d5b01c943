//! A spec after its names are resolved and after it is checked: one shape for both stages, which differ in what they
//! know of each expression ([`Stage`]).

use std::ops::Range;

use crate::cluster::Method;
use crate::database::write::{Mode, TableName};
use crate::expr::{Argument, Comparator, Decimal, Expr, Stage};
use crate::syntax::ast::{Destination, Header, Rows};
use crate::syntax::source::{Name, Span, Spanned};
use crate::types::Type;

/// A column of the source or a `derive`: what a row has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColumnId(pub usize);
/// What a basket has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BasketId(pub usize);
/// What a customer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FeatureId(pub usize);
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParamId(pub usize);
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub usize);

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ref {
    Column(ColumnId),
    /// A joined source, in `orders is missing`: whether the row has a match in it.
    Source(SourceId),
    Basket(BasketId),
    /// The baskets themselves, in `count(baskets)`.
    Baskets,
    /// When a basket happened: at its earliest row.
    BasketTime,
    Feature(FeatureId),
    /// `all.recency`: over all customers, the median.
    All(FeatureId),
    Param(ParamId),
    AsOf,
}

/// Names are ids, functions are known, types are not.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved;

impl Stage for Resolved {
    type Ref = Ref;
    type Function = Function;
    type Type = ();
}

/// Every expression has its type.
#[derive(Debug, Clone, PartialEq)]
pub struct Typed;

impl Stage for Typed {
    type Ref = Ref;
    type Function = Function;
    type Type = Type;
}

/// Functions by what they look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// One row, basket or customer.
    Scalar(Scalar),
    /// The rows or baskets of a customer or basket.
    Aggregate(Aggregate),
    /// All customers at once.
    Population(Population),
}

macro_rules! names {
    ($(#[$doc:meta])* $kind:ident { $($variant:ident = $name:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $kind { $($variant),* }
        impl $kind {
            pub const ALL: &'static [$kind] = &[$($kind::$variant),*];
            /// As written in a spec.
            pub fn name(self) -> &'static str {
                match self { $($kind::$variant => $name),* }
            }
        }
    };
}

names!(Scalar {
    Log1p = "log1p", Ln = "ln", Sqrt = "sqrt", Abs = "abs", Round = "round", Floor = "floor", Ceil = "ceil",
    Clip = "clip", Coalesce = "coalesce", WholeDays = "whole_days", CalendarDays = "calendar_days", Days = "days",
    Year = "year", Month = "month", Day = "day", Weekday = "weekday", Hour = "hour", DateOf = "date_of",
    StartOfMonth = "start_of_month", Lower = "lower", Upper = "upper", Trim = "trim", Length = "length",
});

names!(Aggregate {
    Count = "count", CountDistinct = "count_distinct", Sum = "sum", Mean = "mean", Median = "median", Min = "min",
    Max = "max", Std = "std", Quantile = "quantile", First = "first", Last = "last", Mode = "mode", Share = "share",
    Entropy = "entropy", MeanGap = "mean_gap", Trend = "trend",
});

names!(Population {
    Score = "score", Winsorize = "winsorize", Clv = "clv", PAlive = "p_alive",
    ExpectedPurchases = "expected_purchases",
});

impl Population {
    /// What a model of buying says of a customer; its arguments all have names.
    pub fn is_forecast(self) -> bool {
        matches!(self, Population::Clv | Population::PAlive | Population::ExpectedPurchases)
    }
}

impl Function {
    pub fn find(name: &str) -> Option<Function> {
        let scalar = Scalar::ALL.iter().find(|f| f.name() == name).map(|f| Function::Scalar(*f));
        let aggregate = || Aggregate::ALL.iter().find(|f| f.name() == name).map(|f| Function::Aggregate(*f));
        let population = || Population::ALL.iter().find(|f| f.name() == name).map(|f| Function::Population(*f));
        scalar.or_else(aggregate).or_else(population)
    }

    pub fn name(self) -> &'static str {
        match self {
            Function::Scalar(f) => f.name(),
            Function::Aggregate(f) => f.name(),
            Function::Population(f) => f.name(),
        }
    }

    /// The names of all functions.
    pub fn names() -> impl Iterator<Item = &'static str> {
        let scalar = Scalar::ALL.iter().map(|f| f.name());
        scalar.chain(Aggregate::ALL.iter().map(|f| f.name())).chain(Population::ALL.iter().map(|f| f.name()))
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Spec<S: Stage> {
    pub name: Name,
    pub title: Option<String>,
    pub about: Option<String>,
    pub currency: Option<Name>,
    pub params: Vec<Param<S>>,
    /// The first one has the rows that are counted, the others are joined to it in this order.
    pub sources: Vec<Source>,
    /// Columns of the sources in their order, then derived ones.
    pub columns: Vec<Column<S>>,
    pub revenue: Option<Expr<S>>,
    pub grain: Grain,
    /// The column that says whose row it is.
    pub customer: ColumnId,
    pub filters: Vec<Filter<S>>,
    /// A spec of purchases has one.
    pub as_of: Option<Expr<S>>,
    pub baskets: Option<Baskets<S>>,
    pub features: Vec<Feature<S>>,
    pub cluster: Option<Cluster<S>>,
    pub labels: Option<Labels<S>>,
    pub tests: Vec<Test<S>>,
    pub sinks: Vec<Sink>,
}

/// What a row of the first source is: the grain of a fact table (Kimball).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Grain {
    /// Something that a customer bought, at the time in this column.
    Purchases { time: ColumnId },
    /// A customer, measured already. `stated` is where the spec says so.
    Customers { stated: Span },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Param<S: Stage> {
    pub name: Name,
    pub value: Expr<S>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    pub name: Name,
    pub rows: Rows,
    pub format: SourceFormat,
    /// Which columns of the spec are its own.
    pub columns: Range<usize>,
    /// Nothing for the first source.
    pub join: Option<Join>,
    pub span: Span,
}

/// How the rows so far find their row in a source.
#[derive(Debug, Clone, PartialEq)]
pub struct Join {
    pub on: Vec<JoinKey>,
    pub span: Span,
}

/// Equal columns: of an earlier source, and of the joined one.
#[derive(Debug, Clone, PartialEq)]
pub struct JoinKey {
    pub left: ColumnId,
    pub right: ColumnId,
    pub span: Span,
}

/// What the spec states about the files; what it leaves out is detected.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SourceFormat {
    /// Read one after the other; the first visible one where none is named.
    pub sheets: Vec<Spanned<Sheet>>,
    /// `B3:H2000`: where the table lies in a sheet.
    pub range: Option<String>,
    /// Whether hidden rows of a sheet are read.
    pub hidden: Option<bool>,
    /// Whether every cell of a merged area has its value.
    pub fill_merged: Option<bool>,
    pub delimiter: Option<String>,
    pub encoding: Option<String>,
    pub decimal: Option<char>,
    pub thousands: Option<char>,
    pub header: Option<bool>,
    /// Rows above the table and below it.
    pub skip: Option<u32>,
    pub footer: Option<u32>,
    pub dates: Vec<String>,
    /// Words that stand for a missing value.
    pub missing: Vec<String>,
    /// Percent of the rows that may be unreadable.
    pub max_refused: Option<Decimal>,
    /// Whether what would be guessed is an error.
    pub strict: bool,
    /// The table of a database, as `schema.name` or `name`.
    pub table: Option<Spanned<String>>,
    /// The query whose rows are read.
    pub query: Option<Spanned<String>>,
    /// The zone in which a database's moments are read, by its IANA name.
    pub timezone: Option<Spanned<String>>,
    /// Milliseconds that a database may take.
    pub timeout: Option<Spanned<u64>>,
    /// Whether rules may run in the database: they do unless this says no.
    pub pushdown: Option<bool>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Sheet {
    Name(String),
    /// From 1.
    Number(u32),
    /// Every one that is not hidden.
    All,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Column<S: Stage> {
    pub name: Name,
    pub origin: Origin<S>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Origin<S: Stage> {
    Source { header: Spanned<Header>, ty: Type, type_name: Name, dates: Vec<String> },
    Derived(Expr<S>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Filter<S: Stage> {
    pub name: Spanned<String>,
    pub keep: bool,
    pub when: Expr<S>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Baskets<S: Stage> {
    pub by: ColumnId,
    pub fields: Vec<Feature<S>>,
}

/// A feature of a customer, or a field of a basket.
#[derive(Debug, Clone, PartialEq)]
pub struct Feature<S: Stage> {
    pub name: Name,
    pub value: Expr<S>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Cluster<S: Stage> {
    pub on: Vec<Expr<S>>,
    pub scale: Scale,
    pub method: Method,
    /// Without meaning where the method has none.
    pub k: (u32, u32),
    /// Of `k`, or else of the method.
    pub k_span: Span,
    pub choice: Choice,
    pub seed: u64,
    pub restarts: u32,
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    None,
    ZScore,
    MinMax,
    Robust,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// Nothing when one k is given.
    pub by: Option<Criterion>,
    pub constraints: Vec<Constraint>,
    /// As written, for the report.
    pub words: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Criterion {
    Silhouette,
    DaviesBouldin,
    CalinskiHarabasz,
    Elbow,
    /// The smallest k whose gap statistic the next one does not exceed by more than its standard error.
    Gap,
    /// The largest k whose clusters predict each other in halves of the customers.
    PredictionStrength,
    /// The largest k that can be believed: see [`crate::cluster::Evidence::verdict`].
    Evidence,
    /// The smallest Bayesian information criterion of a mixture.
    Bic,
}

impl Criterion {
    /// Whether customers have to be drawn again and again to know it.
    pub fn resamples(self) -> bool {
        matches!(self, Criterion::Gap | Criterion::PredictionStrength | Criterion::Evidence)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Constraint {
    pub on: ConstraintOn,
    pub comparator: Comparator,
    pub value: f64,
    /// As written: `share >= 2%`.
    pub words: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConstraintOn {
    /// Of the smallest cluster among the customers, 0 to 1.
    Share,
    K,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Labels<S: Stage> {
    pub over: Over,
    /// Clusters with the same label stay apart, as `Loyal 1`, `Loyal 2`.
    pub distinct: bool,
    /// No two rules take the same; proved, or an error.
    pub disjoint: bool,
    /// The rules take everybody, without `otherwise`; proved, or an error.
    pub exhaustive: bool,
    pub rules: Vec<Rule<S>>,
    /// What those are called who are in no cluster.
    pub noise: Option<Rule<S>>,
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    Clusters,
    Customers,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Rule<S: Stage> {
    pub label: Spanned<String>,
    /// Nothing for `otherwise`, which stands last.
    pub when: Option<Expr<S>>,
    pub description: Option<String>,
    pub action: Option<String>,
    pub color: Option<String>,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Test<S: Stage> {
    pub name: Spanned<String>,
    pub given: Vec<Given<S>>,
    /// The label that the given values should get.
    pub labels: Vec<Spanned<String>>,
    /// Conditions on a build.
    pub checks: Vec<Check>,
    /// Conditions on every row or every customer.
    pub expectations: Vec<Expectation<S>>,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Given<S: Stage> {
    pub of: Ref,
    pub value: Expr<S>,
    pub span: Span,
}

/// A table of a database that takes the list of customers.
#[derive(Debug, Clone, PartialEq)]
pub struct Sink {
    pub name: Name,
    pub to: Destination,
    pub table: TableName,
    pub mode: Mode,
    pub table_span: Span,
}

/// `expect rows.refused < 1%`, `expect share("Champions") between 5% and 25%`.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    pub measure: Measure,
    pub condition: CheckCondition,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Measure {
    /// Rows refused, used or read; `share` when compared with a percentage, of the rows read.
    RowsRefused {
        share: bool,
    },
    RowsUsed {
        share: bool,
    },
    RowsRead,
    Customers,
    K,
    /// Of customers in a segment.
    Share(String),
    /// Of the amount in a segment.
    AmountShare(String),
    /// Rows that a filter rule took; `share` of the rows read.
    Dropped {
        rule: String,
        share: bool,
    },
}

/// What is expected of each of many: `expect price > 0 GBP mostly 99%`, `expect unique(invoice, product)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation<S: Stage> {
    pub of: Each,
    pub asks: Asks<S>,
    /// Percent of those of whom it is known, more than 0 and at most 100; all of them where nothing is said.
    pub mostly: Option<Decimal>,
    /// Of the condition, without `mostly`.
    pub span: Span,
}

/// Whose values are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Each {
    /// A row that is used: read, and dropped by no rule.
    Row,
    Customer,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Asks<S: Stage> {
    /// That it is true.
    Holds(Expr<S>),
    /// That none is like an earlier one in all of these.
    Unique(Vec<Expr<S>>),
}

#[derive(Debug, Clone, PartialEq)]
pub enum CheckCondition {
    Compare(Comparator, f64),
    Between(f64, f64),
}

impl Grain {
    pub fn is_customers(self) -> bool {
        matches!(self, Grain::Customers { .. })
    }
}

/// Rules that every spec has, after its own: their names in the ledger.
pub const BUILT_IN_RULES: [&str; 3] = ["no customer (built in)", "no time (built in)", "after as_of (built in)"];

impl<S: Stage> Spec<S> {
    /// The column that says when a row happened.
    pub fn time(&self) -> Option<ColumnId> {
        match self.grain {
            Grain::Purchases { time } => Some(time),
            Grain::Customers { .. } => None,
        }
    }

    /// The source whose rows are counted.
    pub fn facts(&self) -> &Source {
        self.sources.first().expect("`resolve` gives no spec without a source")
    }

    pub fn source(&self, id: SourceId) -> &Source {
        &self.sources[id.0]
    }

    pub fn column(&self, id: ColumnId) -> &Column<S> {
        &self.columns[id.0]
    }

    pub fn feature(&self, id: FeatureId) -> &Feature<S> {
        &self.features[id.0]
    }

    pub fn param(&self, id: ParamId) -> &Param<S> {
        &self.params[id.0]
    }
}

/// The expressions among the arguments of a call.
pub fn argument_exprs<S: Stage>(arguments: &[Argument<S>]) -> Vec<&Expr<S>> {
    arguments
        .iter()
        .filter_map(|argument| match &argument.value {
            crate::expr::ArgumentValue::Expr(expr) => Some(expr),
            crate::expr::ArgumentValue::Best { .. } | crate::expr::ArgumentValue::Word(_) => None,
        })
        .collect()
}
