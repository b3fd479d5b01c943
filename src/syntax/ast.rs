//! The tree of a `.seg` file: what was written, in the order in which it was written. Names are names here; nothing has
//! been looked up.

use crate::expr::{self, Decimal, Stage};
use crate::syntax::source::{Name, Span, Spanned};

/// Expressions as parsed: a reference is a dotted path, a function a name, and types are not known.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed;

impl Stage for Parsed {
    type Ref = Vec<Name>;
    type Function = Name;
    type Type = ();
}

pub type Expr = expr::Expr<Parsed>;
pub type Kind = expr::Kind<Parsed>;
pub type ArgumentValue = expr::ArgumentValue<Parsed>;

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ast {
    /// `segmentation NAME`; an included file has none.
    pub name: Option<Name>,
    pub items: Vec<Item>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    Include(Spanned<String>),
    Title(Spanned<String>),
    About(Spanned<String>),
    Currency(Name),
    Param(Definition),
    Source(Source),
    Join(Join),
    Derive(Definition),
    Revenue(Expr),
    Time(Name),
    Customers {
        by: Name,
        /// Where it says that a row is a customer.
        one_row_each: Option<Span>,
    },
    Filter(Vec<FilterRule>),
    AsOf(Expr),
    Baskets {
        by: Name,
        fields: Vec<Definition>,
        span: Span,
    },
    Features(Vec<Definition>),
    Cluster {
        settings: Vec<ClusterSetting>,
        span: Span,
    },
    Labels(Labels),
    Test(Test),
    Sink(Sink),
}

/// `name = expression`; a feature that is a column has its name as both, once.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    pub name: Name,
    pub value: Expr,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    pub name: Name,
    pub rows: Rows,
    pub settings: Vec<Setting>,
    pub columns: Vec<Column>,
    pub span: Span,
}

/// `join people on customer = id`.
#[derive(Debug, Clone, PartialEq)]
pub struct Join {
    pub source: Name,
    pub on: Vec<JoinKey>,
    pub span: Span,
}

/// A column of the rows so far, and the one of the joined source that has to equal it: the same name where one is written.
#[derive(Debug, Clone, PartialEq)]
pub struct JoinKey {
    pub left: Name,
    pub right: Name,
}

/// Where the rows of a source come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Rows<T = Spanned<String>> {
    /// Read one after the other.
    Files(Vec<T>),
    /// A database of PostgreSQL, by the environment variable that says where it is and who asks.
    Postgres { variable: T },
}

/// `delimiter ";"`.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    pub name: Name,
    pub values: Vec<Spanned<SettingValue>>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum SettingValue {
    Text(String),
    Integer(u64),
    Percent(Decimal),
    /// `10 minutes`: a number and a unit as written.
    Quantity(Decimal, String),
    Yes,
    No,
    /// `sheet all`.
    All,
}

/// `at: datetime = InvoiceDate dates "%d/%m/%Y"`.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub name: Name,
    pub type_name: Name,
    /// The column's own name where the spec gives no header.
    pub header: Spanned<Header>,
    pub dates: Vec<Spanned<String>>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Header {
    Name(String),
    /// `column 3`, from 1.
    Position(u32),
}

#[derive(Debug, Clone, PartialEq)]
pub struct FilterRule {
    pub name: Spanned<String>,
    /// `keep` lets a row stay when the condition holds, `drop` takes it away.
    pub keep: bool,
    pub when: Expr,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ClusterSetting {
    On(Vec<Expr>),
    Scale(Name),
    Method(Name),
    K { low: Spanned<u64>, high: Spanned<u64>, choice: Option<Choice>, span: Span },
    Seed(Spanned<u64>),
    Restarts(Spanned<u64>),
    Covariance(Name),
    Radius(Spanned<Decimal>),
    Neighbours(Spanned<u64>),
    Smallest(Spanned<u64>),
}

/// `by silhouette with share >= 2%`.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    pub by: Name,
    pub constraints: Vec<Constraint>,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Constraint {
    pub name: Name,
    pub comparator: expr::Comparator,
    pub value: Spanned<SettingValue>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Labels {
    /// `clusters` or `customers`.
    pub over: Name,
    pub distinct: bool,
    pub disjoint: bool,
    pub exhaustive: bool,
    pub rules: Vec<LabelRule>,
    pub otherwise: Vec<LabelRule>,
    pub noise: Vec<LabelRule>,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub struct LabelRule {
    pub label: Spanned<String>,
    /// Nothing for `otherwise` and `noise`.
    pub when: Option<Expr>,
    pub notes: Vec<(Name, Spanned<String>)>,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    pub name: Spanned<String>,
    pub given: Vec<Fact>,
    pub expectations: Vec<Expectation>,
    pub span: Span,
}

/// `all.recency = 50 days`.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    pub path: Vec<Name>,
    pub value: Expr,
}

/// `sink crm to sqlite "crm.db" { table "segments"; mode append }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Sink {
    pub name: Name,
    pub to: Destination,
    pub settings: Vec<SinkSetting>,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Destination {
    /// A file.
    Sqlite(Spanned<String>),
    /// The environment variable that holds the address of a database.
    Postgres { variable: Spanned<String> },
}

#[derive(Debug, Clone, PartialEq)]
pub enum SinkSetting {
    Table(Spanned<String>),
    Mode(Name),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Expectation {
    Label(Spanned<String>),
    /// `expect price > 0 GBP mostly 99%`: the condition, and percent.
    Holds {
        condition: Expr,
        mostly: Option<Spanned<Decimal>>,
    },
}
