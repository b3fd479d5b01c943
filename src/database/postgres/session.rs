//! An open connection.

use std::sync::mpsc;
use std::time::Duration;

use ::postgres::{Client, NoTls};

use super::address::{Address, Secrets};
use super::error::Failure;
use super::tls;
use crate::diagnostics::suggest;
use crate::plan::sql::quote;

/// A connection. Writers and readers begin what they do on it differently.
pub struct Session {
    pub(in crate::database) client: Client,
    pub(in crate::database) secrets: Secrets,
    /// How long one statement may take.
    pub(super) limit: Duration,
}

/// How a session reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The zone in which moments of the world are shown, by its name in the IANA database.
    pub timezone: String,
    pub limit: Duration,
}

/// What makes the texts of values the same on every server and for every role. `standard_conforming_strings` is what
/// the texts in our own statements rely on; scans start at the beginning of a table and run on one process, so that the
/// rows of an unchanged table keep their order.
const SETTINGS: &str = "SET LOCAL standard_conforming_strings = on; SET LOCAL DateStyle = 'ISO, YMD'; \
    SET LOCAL IntervalStyle = 'iso_8601'; SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'; \
    SET LOCAL synchronize_seqscans = off; SET LOCAL max_parallel_workers_per_gather = 0;";

impl Session {
    /// Connects, with TLS as the address asks for it.
    pub fn open(address: &Address) -> Result<Session, Failure> {
        match connect(address) {
            // As libpq does: without TLS where it is a preference and can't be had.
            Err(Failure::Tls(_)) if address.tls == super::address::Tls::Prefer => connect(&address.plain()),
            session => session,
        }
    }

    /// Begins a transaction that sees one state of the data, and can change none of it.
    pub fn begin_reading(&mut self, reading: &Reading) -> Result<(), Failure> {
        self.limit = reading.limit;
        let millis = reading.limit.as_millis();
        let begin = format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = {millis}; {SETTINGS}"
        );
        self.run(&begin)?;
        let zone = &reading.timezone;
        // PostgreSQL also takes rules such as `UTC+3`, which mean the opposite of what they seem to say.
        let rule = zone.chars().any(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | '<' | ','));
        if rule && !self.zones()?.contains(zone) {
            return Err(Failure::NoTimeZone { near: self.zones_near(zone)? });
        }
        let set = format!("SAVEPOINT zone; SET LOCAL TimeZone = {}; RELEASE zone", quote(zone));
        match self.client.batch_execute(&set) {
            Ok(()) => Ok(()),
            Err(error) if error.as_db_error().is_some() => {
                self.run("ROLLBACK TO zone")?;
                Err(Failure::NoTimeZone { near: self.zones_near(zone)? })
            }
            Err(error) => Err(self.failure(&error, None)),
        }
    }

    pub(super) fn run(&mut self, statements: &str) -> Result<(), Failure> {
        self.client.batch_execute(statements).map_err(|error| self.failure(&error, None))
    }

    /// `text` is the query of the spec, where the failure can be about it.
    pub(super) fn failure(&self, error: &::postgres::Error, text: Option<&str>) -> Failure {
        Failure::asking(error, &self.secrets, text, self.limit)
    }

    fn zones(&mut self) -> Result<Vec<String>, Failure> {
        let rows = self.client.query("SELECT name FROM pg_timezone_names ORDER BY name", &[]);
        let rows = rows.map_err(|error| self.failure(&error, None))?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    fn zones_near(&mut self, zone: &str) -> Result<Vec<String>, Failure> {
        let zones = self.zones()?;
        // People know the city: `London` is `Europe/London`.
        let city =
            zones.iter().find(|name| name.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(zone)));
        let near = city.map(String::as_str).or_else(|| suggest::nearest(zone, zones.iter().map(String::as_str)));
        Ok(near.map(str::to_owned).into_iter().collect())
    }
}

/// Waits for a connection no longer than the address says, names, TLS and login together: the driver's own limit is
/// for the first packet only.
fn connect(address: &Address) -> Result<Session, Failure> {
    let address = if address.is_local() { &address.plain() } else { address };
    let connector = tls::connector(&address.tls)?;
    let (config, secrets) = (address.config.clone(), address.secrets.clone());
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let client = match connector {
            Some(connector) => config.connect(connector),
            None => config.connect(NoTls),
        };
        // Nobody listens any more when it took too long.
        let _ = sender.send(client);
    });
    match receiver.recv_timeout(address.patience()) {
        Ok(Ok(client)) => Ok(Session { client, secrets, limit: address.patience() }),
        Ok(Err(error)) => Err(Failure::connecting(&error, &secrets)),
        Err(_) => Err(Failure::Unreachable(format!("no answer within {} s", address.patience().as_secs()))),
    }
}
