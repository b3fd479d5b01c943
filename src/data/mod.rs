//! The `data` commands: makes a synthetic shop, fetches a public data set. Knows nothing of specs; the command line
//! prints what these functions report.

mod dataset;
mod error;
mod get;
mod make;
mod place;
mod row;
mod shop;
mod sink;
mod workbook;

pub use dataset::{DATASETS, Dataset, Part};
pub use error::{Blame, DataError};
pub use get::{GetFacts, GetOptions, get};
pub use make::{MOST_CUSTOMERS, MakeFacts, MakeOptions, OpenSink, make_retail};
pub use row::{COLUMNS, Invoice, Price, Row, RowSink};
pub use sink::Format;
