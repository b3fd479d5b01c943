//! The list of customers as every output has it: its columns and their cells, with types. Files, workbooks and
//! databases write the same list.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::diagnostics::{Diagnostic, suggest};
use crate::exec::Execution;
use crate::exec::clustering::Responsibilities;
use crate::exec::customers::{Feature, Values};
use crate::plan::{Plan, Rule};
use crate::summarize::in_unit;
use crate::types::Base;

/// Columns of the list beside the features.
pub const OWN_HEADINGS: [&str; 7] =
    ["customer", "segment", "cluster", "rule", "silhouette", "bootstrap_share", "responsibility"];

/// One row per customer, in the order of ids unless another is asked for: customer, segment, cluster (where there are any), the features, the rule,
/// and how well the customer lies in the cluster: its silhouette (-1 to 1), and the share of resamples that put it there
/// where evidence was collected, and how responsible its component of a mixture is.
pub struct List<'a> {
    run: &'a Execution,
    /// As the list writes them, in the order of the spec: `2: recency < all.recency`.
    rules: Vec<String>,
    pub columns: Vec<Column<'a>>,
    /// The customer of every row.
    pub order: Vec<usize>,
}

/// By which column a list is sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub column: String,
    /// From the largest down.
    pub descending: bool,
}

/// `silhouette`, `monetary_EUR:desc`.
impl std::str::FromStr for Order {
    type Err = String;

    fn from_str(text: &str) -> Result<Order, String> {
        let (column, direction) = text.rsplit_once(':').unwrap_or((text, "asc"));
        match direction {
            "asc" | "desc" => Ok(Order { column: column.to_owned(), descending: direction == "desc" }),
            other => Err(format!("`{other}` is no direction; write `{column}:asc` or `{column}:desc`")),
        }
    }
}

impl std::fmt::Display for Order {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.column, if self.descending { "desc" } else { "asc" })
    }
}

pub struct Column<'a> {
    /// With the unit: `recency_days`.
    pub heading: Cow<'a, str>,
    pub kind: Kind,
    pub source: Source<'a>,
}

/// Where the cells of a column come from.
#[derive(Clone, Copy)]
pub enum Source<'a> {
    Customer,
    Segment,
    Cluster,
    Feature(&'a Feature),
    Rule,
    /// One number per customer.
    Strength(&'a [f64]),
}

/// What all cells of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Whole,
    Number,
    /// Currency units.
    Money,
    /// 0 to 1.
    Share,
    /// A time span.
    Days,
    Date,
    Time,
    Bool,
}

/// One cell. Numbers are in the unit that the heading says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    Missing,
    Text(&'a str),
    Whole(i64),
    Number(f64),
    /// Microseconds since 1970, at midnight.
    Date(i64),
    /// Microseconds since 1970.
    Time(i64),
    Bool(bool),
}

impl<'a> List<'a> {
    pub fn of(run: &'a Execution, plan: &'a Plan) -> List<'a> {
        let own = |heading: &'a str, kind, source| Column { heading: Cow::Borrowed(heading), kind, source };
        let mut columns =
            vec![own("customer", Kind::Text, Source::Customer), own("segment", Kind::Text, Source::Segment)];
        columns.extend(run.clustering.as_ref().map(|_| own("cluster", Kind::Whole, Source::Cluster)));
        columns.extend(run.customers.features.iter().map(|feature| Column {
            heading: feature.base.heading(&feature.name, plan.currency.as_deref()).into(),
            kind: Kind::of(feature.base),
            source: Source::Feature(feature),
        }));
        columns.push(own("rule", Kind::Text, Source::Rule));
        if let Some(found) = &run.clustering {
            let silhouettes = Some(found.chosen().silhouettes.as_slice()).filter(|values| !values.is_empty());
            columns.extend(silhouettes.map(|values| own("silhouette", Kind::Number, Source::Strength(values))));
            let shares = found.evidence.as_ref().map(|evidence| evidence.bootstrap_shares.as_slice());
            columns.extend(shares.map(|values| own("bootstrap_share", Kind::Share, Source::Strength(values))));
            let own_component = found.responsibilities.as_ref().map(|found| found.own.as_slice());
            columns.extend(own_component.map(|values| own("responsibility", Kind::Share, Source::Strength(values))));
        }
        let order = (0..run.customers.ids.len()).collect();
        List { run, rules: rules(plan), columns, order }
    }

    /// Sorts the rows by a column: those without a value last, those with the same one by their ids.
    ///
    /// Errors: there is no such column.
    pub fn sort(&mut self, by: &Order) -> Result<(), Vec<Diagnostic>> {
        let headings = || self.columns.iter().map(|column| column.heading.as_ref());
        let Some(column) = self.columns.iter().find(|column| column.heading == by.column) else {
            let near = suggest::nearest(&by.column, headings());
            let absent = match by.column.as_str() {
                "silhouette" => Some("it is there where customers are clustered, up to 200,000 different ones"),
                "bootstrap_share" => Some("build with `--evidence`"),
                "responsibility" => Some("it is there with `method gmm`"),
                _ => None,
            };
            let help = match (absent, near) {
                (Some(why), _) => why.to_owned(),
                (None, Some(near)) => format!("did you mean `{near}`?"),
                (None, None) => format!("known: {}", suggest::list(headings())),
            };
            return Err(vec![
                Diagnostic::error("SEG0712", format!("the list has no column `{}`", by.column)).help(help),
            ]);
        };
        let mut order: Vec<usize> = (0..self.height()).collect();
        order.sort_by(|&a, &b| {
            let (a, b) = (self.of_customer(a, column), self.of_customer(b, column));
            match (a == Cell::Missing, b == Cell::Missing, by.descending) {
                (false, false, true) => compared(b, a),
                (false, false, false) => compared(a, b),
                (a_missing, b_missing, _) => a_missing.cmp(&b_missing),
            }
        });
        self.order = order;
        Ok(())
    }

    /// How many customers there are.
    pub fn height(&self) -> usize {
        self.run.customers.ids.len()
    }

    /// The label of a customer's segment.
    pub fn segment(&self, row: usize) -> &'a str {
        self.segment_of(self.order[row])
    }

    pub fn cell(&self, row: usize, column: &Column<'a>) -> Cell<'_> {
        self.of_customer(self.order[row], column)
    }

    /// Of a mixture.
    pub fn responsibilities(&self) -> Option<&'a Responsibilities> {
        self.run.clustering.as_ref()?.responsibilities.as_ref()
    }

    fn segment_of(&self, customer: usize) -> &'a str {
        let labelled = &self.run.labelled;
        &labelled.segments[labelled.of_customer[customer] as usize].label
    }

    /// The cell of a customer, whatever the order of the list.
    pub fn of_customer(&self, row: usize, column: &Column<'a>) -> Cell<'_> {
        match column.source {
            Source::Customer => Cell::Text(&self.run.customers.ids[row]),
            Source::Segment => Cell::Text(self.segment_of(row)),
            Source::Cluster => {
                let clustering = self.run.clustering.as_ref();
                let cluster = clustering.and_then(|found| found.cluster_of(row));
                cluster.map_or(Cell::Missing, |cluster| Cell::Whole(i64::from(cluster)))
            }
            Source::Feature(feature) => cell(feature, column.kind, row),
            Source::Strength(values) if values[row].is_nan() => Cell::Missing,
            Source::Strength(values) => Cell::Number(values[row]),
            Source::Rule => Cell::Text(&self.rules[self.run.labelled.rule_of_customer[row] as usize]),
        }
    }
}

/// Cells of one column by their values.
fn compared(a: Cell, b: Cell) -> Ordering {
    match (a, b) {
        (Cell::Text(a), Cell::Text(b)) => a.cmp(b),
        (Cell::Whole(a), Cell::Whole(b)) | (Cell::Date(a), Cell::Date(b)) | (Cell::Time(a), Cell::Time(b)) => a.cmp(&b),
        (Cell::Number(a), Cell::Number(b)) => a.total_cmp(&b),
        (Cell::Bool(a), Cell::Bool(b)) => a.cmp(&b),
        _ => Ordering::Equal,
    }
}

/// The label rules of a spec in its order: `2: recency < all.recency`.
pub fn rules(plan: &Plan) -> Vec<String> {
    let words = |(nth, rule): (usize, &Rule)| format!("{}: {}", nth + 1, rule.words.as_deref().unwrap_or("otherwise"));
    plan.labels.all().enumerate().map(words).collect()
}

/// A feature of a customer.
pub fn of_feature(feature: &Feature, row: usize) -> Cell<'_> {
    cell(feature, Kind::of(feature.base), row)
}

impl Kind {
    fn of(base: Base) -> Kind {
        match base {
            Base::Money => Kind::Money,
            Base::Share => Kind::Share,
            Base::Duration => Kind::Days,
            Base::Date => Kind::Date,
            Base::Datetime => Kind::Time,
            Base::Bool => Kind::Bool,
            base if base.is_whole() => Kind::Whole,
            base if base.is_text() => Kind::Text,
            _ => Kind::Number,
        }
    }
}

fn cell(feature: &Feature, kind: Kind, row: usize) -> Cell<'_> {
    match &feature.values {
        Values::Texts(texts) => texts[row].as_deref().map_or(Cell::Missing, Cell::Text),
        Values::Bools(bools) => bools[row].map_or(Cell::Missing, Cell::Bool),
        Values::Numbers(numbers) => match (numbers[row], kind) {
            (x, _) if x.is_nan() => Cell::Missing,
            (x, Kind::Date) => Cell::Date(x as i64),
            (x, Kind::Time) => Cell::Time(x as i64),
            (x, Kind::Whole) => Cell::Whole(x as i64),
            (x, _) => Cell::Number(in_unit(feature.base, x)),
        },
    }
}
