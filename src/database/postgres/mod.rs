//! PostgreSQL: a connection made from what an environment variable holds, and rows read over it by COPY.
//!
//! [`Address`] is a connection string understood, [`Session`] a connection that is open, both of them silent about the
//! password. A [`Request`](crate::ingest::Request) and the columns that the server describes make a [`Statement`];
//! [`read`] runs it. What goes wrong is a [`Failure`], worded for people elsewhere.

mod address;
mod columns;
mod digest;
mod error;
mod read;
mod session;
mod statement;
mod tls;

pub use address::{Address, Secrets};
pub use columns::{Described, ServerType, describe};
pub use error::{Failure, Login};
pub use read::read;
pub use session::{Reading, Session};
pub use statement::{Selection, Statement, statement};
