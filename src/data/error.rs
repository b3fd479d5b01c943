//! What can go wrong with the data commands, in words for the person who typed them.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// A data set could not be made or fetched.
#[derive(Debug)]
pub enum DataError {
    /// Fewer or more customers than can be made.
    Customers { asked: u32, most: u32 },
    /// The ending of the file's name tells no format.
    UnknownFormat { path: PathBuf, known: &'static str },
    /// The rows and the truth would go to one file.
    SameFile { path: PathBuf },
    /// A worksheet ends before the data do.
    TooManyRows { most: u64 },
    /// A file that is not the data set has its name; it may be somebody's own.
    InTheWay { path: PathBuf, reason: String },
    /// A file could not be written; `doing` completes "could not".
    Write { doing: &'static str, path: PathBuf, reason: String },
    /// The server could not be asked, or the answer broke off.
    Unreachable { url: String, reason: String },
    /// The server sent nothing for so long.
    Silent { url: String, limit: Duration },
    /// The download was not complete after so long.
    TooSlow { url: String, limit: Duration },
    /// The server answered with something other than 200.
    Status { url: String, status: u16 },
    /// A download or what is packed in it is larger than allowed.
    TooLarge { what: String, limit: u64 },
    /// What came is not the data set: a page of words, another file, other content.
    NotTheDataSet { what: String, reason: String },
}

/// Whose turn it is to change something; the command line chooses its exit code by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The arguments.
    Usage,
    /// The place the data come from.
    Source,
    /// The place they go to.
    Output,
    /// A limit on size or time.
    Limit,
}

impl DataError {
    pub fn blame(&self) -> Blame {
        match self {
            Self::Customers { .. } | Self::UnknownFormat { .. } | Self::SameFile { .. } => Blame::Usage,
            Self::Unreachable { .. } | Self::Status { .. } | Self::NotTheDataSet { .. } => Blame::Source,
            Self::Write { .. } | Self::InTheWay { .. } => Blame::Output,
            Self::TooManyRows { .. } | Self::Silent { .. } | Self::TooSlow { .. } | Self::TooLarge { .. } => {
                Blame::Limit
            }
        }
    }

    /// What to do about it, where that is known.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::UnknownFormat { known, .. } => Some(format!("end the name with {known}")),
            Self::SameFile { .. } => Some("give `--truth` a name of its own".into()),
            Self::TooManyRows { .. } => Some("write `.csv.gz` or `.parquet`, or ask for fewer customers".into()),
            Self::InTheWay { .. } => Some("move the file away, or choose another folder".into()),
            Self::Unreachable { .. } | Self::Status { .. } | Self::Silent { .. } | Self::TooSlow { .. } => {
                Some("try again later, or download the file with a browser and put it into the data folder".into())
            }
            Self::NotTheDataSet { .. } => Some(
                "a login page may have answered instead; if the publisher has changed the file, please tell us".into(),
            ),
            Self::Customers { .. } | Self::Write { .. } | Self::TooLarge { .. } => None,
        }
    }

    pub(super) fn write(doing: &'static str, path: impl Into<PathBuf>, reason: &io::Error) -> DataError {
        DataError::Write { doing, path: path.into(), reason: plain(reason) }
    }
}

/// What the system said, without the number of the error and the names of temporary files.
pub(super) fn plain(reason: &io::Error) -> String {
    let inner = reason.get_ref().and_then(|wrapped| wrapped.source()).and_then(|source| source.downcast_ref());
    let text = inner.unwrap_or(reason).to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Customers { asked, most } => write!(f, "{asked} customers asked for, 1 to {most} can be made"),
            Self::UnknownFormat { path, .. } => write!(f, "the name `{}` tells no format", path.display()),
            Self::SameFile { path } => write!(f, "the rows and the truth would both go to `{}`", path.display()),
            Self::TooManyRows { most } => write!(f, "the shop has more than the {most} rows that fit on a worksheet"),
            Self::Write { doing, path, reason } => write!(f, "could not {doing} `{}`: {reason}", path.display()),
            Self::InTheWay { reason, .. } => write!(f, "a file of that name is there already, and {reason}"),
            Self::Unreachable { url, reason } => write!(f, "`{url}` could not be downloaded: {reason}"),
            Self::Silent { url, limit } => write!(f, "`{url}` sent nothing for {} seconds", limit.as_secs_f64()),
            Self::TooSlow { url, limit } => {
                write!(f, "`{url}` had not been downloaded after {} seconds", limit.as_secs_f64())
            }
            Self::Status { url, status } => write!(f, "`{url}` was answered with HTTP status {status}"),
            Self::TooLarge { what, limit } => write!(f, "{what} is larger than the {limit} bytes allowed"),
            Self::NotTheDataSet { what, reason } => write!(f, "{what} is not the data set: {reason}"),
        }
    }
}

impl std::error::Error for DataError {}
