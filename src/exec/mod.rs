//! Runs a plan: rows to customers, customers to segments. The home of polars.
//!
//! The stages are functions on plain values: [`rows`] filters and aggregates in polars, [`customers`] computes features
//! and scores, [`clustering`] searches k, [`labels`] names segments. What comes out is an [`Execution`], which knows
//! nothing of polars any more. [`place`] takes the same steps with what an execution has learned.

mod aggregate;
pub mod alone;
pub mod clustering;
pub mod customers;
pub mod expectations;
pub mod forecast;
mod join;
pub mod labels;
mod ledger;
mod one_row;
pub mod parquet;
pub mod parquet_sink;
pub mod place;
mod relation;
mod rows;
mod yardstick;

use std::sync::Arc;

use crate::cluster::{ClusterError, Evidence};
use crate::clv::FitError;
use crate::ingest::Left;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::spec::Over;
use crate::table::Table;

pub use customers::{Customers, Feature, Scores, Values};
pub use forecast::{Fitted, Forecasted};
pub use join::{Joined, Repeated};
pub use ledger::trace;
pub use one_row::SeveralRows;
pub use yardstick::{Cut, Yardstick};

/// Why a plan could not be carried out on this data.
#[derive(Debug, Clone, PartialEq)]
pub enum ExecError {
    /// Rows were read, none is left.
    NothingLeft { read: u64, dropped: Vec<(String, u64)> },
    /// `as_of` is missing: its aggregate found nothing.
    NoAsOf,
    /// A dimension of the clustering is missing for a customer.
    MissingDimension { customer: String, dimension: usize, words: String, customers: usize },
    /// A dimension of the clustering is beyond what distances can be measured in.
    TooFar { customer: String, dimension: usize, words: String },
    /// A feature became infinite.
    NotFinite { customer: String, feature: String },
    /// A joined source has a key twice.
    Repeated(Repeated),
    /// A customer has two rows where each should have one.
    SeveralRows(SeveralRows),
    /// Whole numbers left 64 bits.
    Overflow(String),
    /// Every customer is alike in a dimension, so that it can't be scaled.
    NoVariance { dimension: usize, words: String },
    /// More clusters than different customers.
    TooManyClusters { k: u32, distinct: usize },
    /// No k of the range meets the constraints.
    NoneQualifies { search: Vec<clustering::Candidate> },
    /// No k of the range can be believed.
    NoneHolds { evidence: Vec<Evidence> },
    /// There is nothing from which a model of buying or spending could be learned.
    NoForecast { asked_by: String, error: FitError },
    /// More different customers than the method can take.
    TooManyPoints { distinct: usize, most: usize },
    /// No mixture of k components can be computed.
    NoCovariance { k: u32 },
    /// Nobody is in any cluster.
    OnlyNoise,
    /// The engine failed where it should not.
    Engine(String),
}

impl From<polars::error::PolarsError> for ExecError {
    fn from(error: polars::error::PolarsError) -> Self {
        let text = error.to_string();
        if text.contains(rows::OVERFLOW) { ExecError::Overflow(text) } else { ExecError::Engine(text) }
    }
}

impl From<ClusterError> for ExecError {
    fn from(error: ClusterError) -> Self {
        match error {
            ClusterError::TooManyPoints { distinct, most } => ExecError::TooManyPoints { distinct, most },
            ClusterError::NoCovariance { k } => ExecError::NoCovariance { k },
            ClusterError::OnlyNoise => ExecError::OnlyNoise,
            error => ExecError::Engine(format!("{error:?}")),
        }
    }
}

/// What a run found, as plain columns and numbers.
#[derive(Debug, Clone)]
pub struct Execution {
    pub ledger: Ledger,
    /// In the order of the plan.
    pub joins: Vec<Joined>,
    /// Microseconds; nothing where the spec does not look back from a moment.
    pub as_of: Option<i64>,
    /// The first and last purchase among the rows used, where rows are purchases.
    pub period: Option<(i64, i64)>,
    pub baskets: Option<u64>,
    pub customers: Customers,
    /// What `all.` means.
    pub everyone: labels::Typical,
    pub clustering: Option<clustering::Clustering>,
    pub labelled: labels::Labelled,
    /// One per expectation of the plan.
    pub looks: Vec<expectations::Look>,
}

/// `read = used + refused + dropped`. Amounts are in units of 10^-scale.
#[derive(Debug, Clone, PartialEq)]
pub struct Ledger {
    pub read: u64,
    pub refused: u64,
    pub used: u64,
    pub dropped: Vec<Dropped>,
    pub amount_read: Option<i128>,
    pub amount_used: Option<i128>,
    pub scale: u8,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Dropped {
    pub rule: String,
    pub words: Option<String>,
    pub rows: u64,
    pub amount: Option<i128>,
}

/// What a source gave.
pub struct Input {
    pub table: Table,
    /// Equal for rows that are equal in every column, when the plan asks for it.
    pub identity: Option<Vec<u128>>,
    pub read: u64,
    /// Rows that left by rules before they came here.
    pub left: Vec<Left>,
    pub refused: u64,
}

/// Carries out a plan on the rows of its sources, in the order of [`Plan::scans`].
pub fn run(plan: &Plan, inputs: Vec<Input>, progress: &dyn Progress) -> Result<Execution, ExecError> {
    progress.start("cleaning and measuring", None);
    let settled = ledger::settle(plan, inputs, None)?;
    let customers = customers::measure(plan, &settled, None)?;
    progress.finish(&format!("{} customers", customers.ids.len()));
    let clustering = match &plan.cluster {
        Some(cluster) => Some(clustering::cluster(cluster, &customers, settled.as_of, progress)?),
        None => None,
    };
    let everyone = labels::Typical::of_all(&customers);
    let labelled = match plan.labels.over {
        Over::Clusters => labels::clusters(&plan.labels, &customers, &everyone, clustering.as_ref(), settled.as_of),
        Over::Customers => labels::customers(&plan.labels, &customers, &everyone, settled.as_of),
    };
    let looks = expectations::look(plan, &settled, &customers, &everyone)?;
    Ok(Execution {
        ledger: settled.ledger,
        joins: settled.joins,
        as_of: settled.as_of,
        period: settled.period,
        baskets: customers.baskets,
        customers,
        everyone,
        clustering,
        labelled,
        looks,
    })
}

/// Text shared by many customers.
pub type Word = Arc<str>;
