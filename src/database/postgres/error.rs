//! What can go wrong with a database, as data. The words of the server are kept where they help, without secrets.

use std::time::Duration;

use ::postgres::error::{DbError, Error, ErrorPosition, SqlState};

use super::address::Secrets;
use crate::ingest::IngestError;

#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// The environment variable is not set.
    NoVariable,
    /// What the variable holds can't be understood as a connection string, and why.
    Address(String),
    /// Nobody answers there, and why.
    Unreachable(String),
    /// There is a server, but no encrypted connection as it is asked for.
    Tls(String),
    /// The server does not let in.
    Refused { login: Login, reason: String },
    /// There is no such table; tables with names like it.
    NoTable { near: Vec<String> },
    /// The table is there, but may not be read.
    Forbidden(String),
    /// There is no such time zone; zones with names like it.
    NoTimeZone { near: Vec<String> },
    /// The query is no single query.
    Statements(String),
    /// The query, or something behind it, tries to change data.
    Writes(String),
    /// The server can't run the query, and why; where in the query, as the text from there on.
    Query { reason: String, at: Option<String> },
    /// The connection ended before the rows did.
    Broken(String),
    /// The server took longer than it may.
    TooLong { limit: Duration },
    /// What came can't be read.
    Rows(IngestError),
}

/// Why a server does not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    Password,
    Database,
    /// The server's rules of who may come from where.
    Rules,
}

impl From<IngestError> for Failure {
    fn from(error: IngestError) -> Failure {
        Failure::Rows(error)
    }
}

impl Failure {
    /// Why a connection could not be made.
    pub(super) fn connecting(error: &Error, secrets: &Secrets) -> Failure {
        let source = std::error::Error::source(error).map_or(String::new(), ToString::to_string);
        let reason = secrets.hide(&source);
        let Some(db) = error.as_db_error() else {
            // The driver keeps the kinds of its errors to itself; their words are fixed.
            return match error.to_string().as_str() {
                kind if kind.starts_with("error performing TLS") => Failure::Tls(certificate_in_words(reason)),
                kind if kind.starts_with("authentication error") => Failure::Refused { login: Login::Password, reason },
                kind if kind.starts_with("invalid configuration") => {
                    Failure::Refused { login: Login::Password, reason }
                }
                _ if source.is_empty() => Failure::Unreachable("the connection ended".to_owned()),
                _ => Failure::Unreachable(reason),
            };
        };
        let reason = secrets.hide(db.message());
        match db.code() {
            code if *code == SqlState::INVALID_PASSWORD => Failure::Refused { login: Login::Password, reason },
            code if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
                // No role of this name, or no line of pg_hba.conf.
                Failure::Refused { login: Login::Rules, reason }
            }
            code if *code == SqlState::INVALID_CATALOG_NAME => Failure::Refused { login: Login::Database, reason },
            code if *code == SqlState::INSUFFICIENT_PRIVILEGE => Failure::Refused { login: Login::Database, reason },
            _ => Failure::Unreachable(reason),
        }
    }

    /// Why something that was asked over a connection failed. `text` is the query of the spec, if this is about one.
    pub(in crate::database) fn asking(
        error: &Error,
        secrets: &Secrets,
        text: Option<&str>,
        limit: Duration,
    ) -> Failure {
        let Some(db) = error.as_db_error() else {
            let source = std::error::Error::source(error).map_or(String::new(), ToString::to_string);
            let reason = if source.is_empty() { error.to_string() } else { source };
            return Failure::Broken(secrets.hide(&reason));
        };
        let reason = secrets.hide(db.message());
        match db.code() {
            code if *code == SqlState::QUERY_CANCELED => Failure::TooLong { limit },
            code if *code == SqlState::READ_ONLY_SQL_TRANSACTION => Failure::Writes(reason),
            code if *code == SqlState::INSUFFICIENT_PRIVILEGE => Failure::Forbidden(reason),
            code if is_end(code) => Failure::Broken(reason),
            _ => Failure::Query { reason, at: text.and_then(|text| rest_of(text, db)) },
        }
    }
}

/// Whether the server stops, or gives up on this connection.
fn is_end(code: &SqlState) -> bool {
    ["57P", "08", "40"].iter().any(|class| code.code().starts_with(class))
}

/// The query from where the server stopped to understand it, up to the end of the line.
fn rest_of(text: &str, db: &DbError) -> Option<String> {
    let Some(ErrorPosition::Original(position)) = db.position() else { return None };
    let rest: String = text.chars().skip(*position as usize - 1).take_while(|c| *c != '\n').take(40).collect();
    Some(rest.trim().to_owned()).filter(|rest| !rest.is_empty())
}

/// What rustls says of a certificate, for people.
fn certificate_in_words(reason: String) -> String {
    let known = [
        ("UnknownIssuer", "nobody who is trusted here has signed its certificate"),
        ("CaUsedAsEndEntity", "its certificate is that of an authority, not of a server"),
        ("NotValidForName", "its certificate is for another host"),
        ("not valid for name", "its certificate is for another host"),
        ("Expired", "its certificate has expired"),
        ("expired", "its certificate has expired"),
        ("NotValidYet", "its certificate is not valid yet"),
    ];
    known.iter().find(|(word, _)| reason.contains(word)).map_or(reason, |(_, words)| (*words).to_owned())
}
