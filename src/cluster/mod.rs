//! Clustering of points in a few dimensions: scaling, the methods, the indices that judge a clustering, the search over
//! k, where new points belong and the projection for a picture.
//!
//! Everything here works on [`Sample`], the points checked, deduplicated and put into an order that depends on their
//! values alone. So no result depends on the order of the rows, on the number of threads or on the vector instructions
//! of the machine. Customers, features and messages to people are left to the caller: errors speak of rows and columns.

mod agreement;
mod boxes;
mod dbscan;
mod evidence;
mod groups;
mod hdbscan;
mod indices;
mod kernels;
mod kmeans;
mod method;
mod minibatch;
mod mixture;
mod neighbours;
mod pca;
mod random;
mod sample;
mod scale;
mod search;
mod silhouette;
mod ward;

use std::fmt;

pub use agreement::adjusted_rand_index;
pub use evidence::{Doubt, Evidence, EvidenceOptions, Findings, Gap, Resamples, Stability, evidence};
pub use indices::{calinski_harabasz, davies_bouldin};
pub use kmeans::{Assignment, Fit, KMeansOptions, assign, fit};
pub use method::{Likelihood, Method, Placed, Placing};
pub use mixture::{Covariance, Mixture};
pub use neighbours::Neighbours;
pub use pca::{Component, Projection, project};
pub use sample::Sample;
pub use scale::{Scaler, Scaling};
pub use search::{Candidate, search, search_by};
pub use silhouette::{DRAWN, EXACT, Silhouette, silhouette, silhouettes, silhouettes_within};

/// The largest number of distinct points for methods whose time grows with its square.
pub const MOST_POINTS: usize = 20_000;

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
    /// More distinct points than the method can take.
    TooManyPoints { distinct: usize, most: usize },
    /// No mixture of `k` components has covariances that can be inverted.
    NoCovariance { k: u32 },
    /// The method found no cluster, nothing but noise.
    OnlyNoise,
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
            Self::TooManyPoints { distinct, most } => {
                write!(f, "{distinct} points differ from each other, the method takes up to {most}")
            }
            Self::NoCovariance { k } => write!(f, "no mixture of {k} components has covariances that can be inverted"),
            Self::OnlyNoise => write!(f, "there is no cluster, nothing but noise"),
        }
    }
}

impl std::error::Error for ClusterError {}
