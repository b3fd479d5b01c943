//! Clustering of points in a few dimensions: scaling, k-means, the indices that judge a clustering, the search over k
//! and the projection for a picture.
//!
//! Everything here works on [`Sample`], the points checked, deduplicated and put into an order that depends on their
//! values alone. So no result depends on the order of the rows, on the number of threads or on the vector instructions
//! of the machine. Customers, features and messages to people are left to the caller: errors speak of rows and columns.

mod agreement;
mod evidence;
mod groups;
mod indices;
mod kernels;
mod kmeans;
mod pca;
mod random;
mod sample;
mod scale;
mod search;
mod silhouette;

use std::fmt;

pub use agreement::adjusted_rand_index;
pub use evidence::{Doubt, Evidence, EvidenceOptions, Findings, Gap, Resamples, Stability, evidence};
pub use indices::{calinski_harabasz, davies_bouldin};
pub use kmeans::{Assignment, KMeans, KMeansOptions, assign, fit};
pub use pca::{Component, Projection, project};
pub use sample::Sample;
pub use scale::{Scaler, Scaling};
pub use search::{Candidate, search};
pub use silhouette::{Silhouette, silhouette, silhouettes};

/// Why points cannot be clustered. Rows and columns count from 0.
#[derive(Debug, Clone, PartialEq)]
pub enum ClusterError {
    /// There is no point.
    NoRows,
    /// The points have no coordinate.
    NoColumns,
    /// A coordinate is NaN or infinite.
    NotFinite { row: usize, column: usize },
    /// A coordinate is beyond [`Sample::LARGEST`] in size, where squared distances stop being numbers.
    TooLarge { row: usize, column: usize, value: f64 },
    /// More clusters are asked for than there are distinct points, which is the largest k that is possible.
    TooFewDistinct { k: u32, distinct: usize },
    /// k is 0.
    NoClusters,
    /// The points have another number of coordinates than the scaler or the centres.
    OtherColumns { expected: usize, found: usize },
}

impl fmt::Display for ClusterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRows => write!(f, "there is nothing to cluster"),
            Self::NoColumns => write!(f, "there is no dimension to cluster on"),
            Self::NotFinite { row, column } => write!(f, "row {row}, dimension {column} is not a finite number"),
            Self::TooLarge { row, column, value } => {
                write!(f, "row {row}, dimension {column} is {value:e}, too large to measure distances")
            }
            Self::TooFewDistinct { k, distinct } => {
                write!(f, "`k` is {k} but only {distinct} points differ from each other")
            }
            Self::NoClusters => write!(f, "`k` is 0"),
            Self::OtherColumns { expected, found } => write!(f, "{found} dimensions where {expected} are expected"),
        }
    }
}

impl std::error::Error for ClusterError {}
