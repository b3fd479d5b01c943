//! Lists of customers in PostgreSQL.

use std::io::Write;
use std::time::Duration;

use ::postgres::error::{Error, SqlState};
use ::postgres::types::ToSql;

use super::{Database, Found, WriteError, quoted};
use crate::database::postgres::{Address, Failure, Secrets, Session};
use crate::list::{Cell, Kind, List};
use crate::time::{iso, iso_date};

/// An open connection. What it has begun ends with it.
pub struct Postgres {
    session: Session,
}

/// What makes statements and texts mean the same on every server and for every role. Rows that a policy would hide are an
/// error: a list that is compared with half a table would be wrong.
const SETTINGS: &str = "SET LOCAL standard_conforming_strings = on; SET LOCAL DateStyle = 'ISO, YMD'; \
    SET LOCAL row_security = off;";

/// Bytes of rows that are sent at once.
const PACKET: usize = 1 << 16;

impl Postgres {
    pub fn open(address: &Address) -> Result<Postgres, WriteError> {
        let session = Session::open(address).map_err(WriteError::Unconnected)?;
        Ok(Postgres { session })
    }

    fn failed(&self, error: &Error) -> WriteError {
        failed(error, &self.session.secrets)
    }

    fn batch(&mut self, statements: &str) -> Result<(), WriteError> {
        self.session.client.batch_execute(statements).map_err(|error| self.failed(&error))
    }

    /// `table` where it is made of rows, something else where it is not, and nothing where there is none of that name.
    fn kind(&mut self, schema: &str, table: &str) -> Result<Option<String>, WriteError> {
        let sql = "SELECT CASE WHEN c.relkind IN ('r', 'p') THEN 'table' ELSE 'other' END FROM pg_catalog.pg_class c \
                   JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2";
        Ok(self.ask(sql, &[schema, table])?.and_then(|row| row.into_iter().next().flatten()))
    }
}

impl Database for Postgres {
    fn begin(&mut self, patience: Duration) -> Result<(), WriteError> {
        // No time at all would mean to wait for ever.
        let millis = patience.as_millis().max(1);
        self.batch(&format!("BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = {millis}; {SETTINGS}"))
    }

    fn commit(&mut self) -> Result<(), WriteError> {
        self.batch("COMMIT").map_err(|error| match error {
            WriteError::Broken(why) => WriteError::Unsettled(why),
            error => error,
        })
    }

    fn schema(&mut self) -> Result<String, WriteError> {
        let row = self.ask("SELECT current_schema()::text", &[])?;
        row.and_then(|row| row.into_iter().next().flatten()).ok_or(WriteError::NoSchema(None))
    }

    /// Two builds at once wait for each other here, also where there is no table yet; writers that are not segc wait for
    /// the table. Readers do not.
    fn reserve(&mut self, schema: &str, table: &str) -> Result<(), WriteError> {
        let known = "SELECT nspname::text FROM pg_catalog.pg_namespace WHERE nspname = $1";
        if self.ask(known, &[schema])?.is_none() {
            return Err(WriteError::NoSchema(Some(schema.to_owned())));
        }
        let name = format!("{}.{}", quoted(schema), quoted(table));
        self.run("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", &[&format!("segc: {name}")])?;
        if self.kind(schema, table)?.as_deref() == Some("table") {
            self.batch(&format!("LOCK TABLE {name} IN SHARE ROW EXCLUSIVE MODE"))?;
        }
        Ok(())
    }

    fn columns(&mut self, schema: &str, table: &str) -> Result<Option<Vec<Found>>, WriteError> {
        match self.kind(schema, table)?.as_deref() {
            None => return Ok(None),
            Some("table") => {}
            Some(_) => return Err(WriteError::NotATable),
        }
        let sql = "SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), a.atthasdef OR a.attidentity <> '' \
                   FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
                   JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                   WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";
        let rows = self.session.client.query(sql, &[&schema, &table]).map_err(|error| self.failed(&error))?;
        let found = rows.iter().map(|row| Found { name: row.get(0), declared: row.get(1), fills_itself: row.get(2) });
        Ok(Some(found.collect()))
    }

    fn type_of(&self, kind: Kind) -> &'static str {
        match kind {
            Kind::Text => "text",
            Kind::Whole => "bigint",
            Kind::Number | Kind::Share | Kind::Days => "double precision",
            Kind::Money => "numeric",
            Kind::Date => "date",
            Kind::Time => "timestamp without time zone",
            Kind::Bool => "boolean",
        }
    }

    fn takes(&self, declared: &str, kind: Kind) -> bool {
        // Others have less room, or would round: then no list would ever be the one that is there.
        declared == self.type_of(kind) || (kind == Kind::Text && declared == "character varying")
    }

    fn value(&self, parameter: &str, kind: Kind) -> String {
        format!("CAST({parameter}::text AS {})", self.type_of(kind))
    }

    /// The server finds a name that is free and short enough.
    fn unique_index(&self, schema: &str, table: &str) -> String {
        format!("CREATE UNIQUE INDEX ON {}.{}", quoted(schema), quoted(table))
    }

    fn run(&mut self, sql: &str, parameters: &[&str]) -> Result<u64, WriteError> {
        let parameters: Vec<&(dyn ToSql + Sync)> = parameters.iter().map(|text| text as &(dyn ToSql + Sync)).collect();
        self.session.client.execute(sql, &parameters).map_err(|error| self.failed(&error))
    }

    fn ask(&mut self, sql: &str, parameters: &[&str]) -> Result<Option<Vec<Option<String>>>, WriteError> {
        let parameters: Vec<&(dyn ToSql + Sync)> = parameters.iter().map(|text| text as &(dyn ToSql + Sync)).collect();
        let rows = self.session.client.query(sql, &parameters).map_err(|error| self.failed(&error))?;
        let Some(row) = rows.first() else { return Ok(None) };
        let cells = (0..row.len()).map(|nth| row.try_get(nth));
        cells.collect::<Result<_, _>>().map(Some).map_err(|error| self.failed(&error))
    }

    fn load(&mut self, table: &str, list: &List) -> Result<(), WriteError> {
        let secrets = self.session.secrets.clone();
        let copy = format!("COPY {} FROM STDIN", quoted(table));
        let mut writer = self.session.client.copy_in(&copy).map_err(|error| failed(&error, &secrets))?;
        let broken = |error: std::io::Error| match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
            Some(error) => failed(error, &secrets),
            None => WriteError::Broken(secrets.hide(&error.to_string())),
        };
        let mut packet = String::new();
        for row in 0..list.height() {
            for (nth, column) in list.columns.iter().enumerate() {
                if nth > 0 {
                    packet.push('\t');
                }
                let cell = list.cell(row, column);
                if matches!(cell, Cell::Text(text) if text.contains('\0')) {
                    let Cell::Text(customer) = list.cell(row, &list.columns[0]) else { unreachable!("ids are texts") };
                    let column = column.heading.to_string();
                    return Err(WriteError::Character { column, customer: customer.replace('\0', "\u{fffd}") });
                }
                push(&cell, &mut packet);
            }
            packet.push('\n');
            if packet.len() >= PACKET {
                writer.write_all(packet.as_bytes()).map_err(broken)?;
                packet.clear();
            }
        }
        writer.write_all(packet.as_bytes()).map_err(broken)?;
        writer.finish().map(drop).map_err(|error| failed(&error, &secrets))
    }
}

/// A cell as the text format of COPY has it.
fn push(cell: &Cell, line: &mut String) {
    match cell {
        Cell::Missing => *line += "\\N",
        Cell::Text(text) => {
            for c in text.chars() {
                match c {
                    '\\' => *line += "\\\\",
                    '\n' => *line += "\\n",
                    '\r' => *line += "\\r",
                    '\t' => *line += "\\t",
                    c => line.push(c),
                }
            }
        }
        Cell::Whole(n) => *line += &n.to_string(),
        Cell::Number(x) => *line += &x.to_string(),
        Cell::Date(micros) => *line += &iso_date(*micros),
        Cell::Time(micros) => *line += &iso(*micros),
        Cell::Bool(b) => line.push(if *b { 't' } else { 'f' }),
    }
}

fn failed(error: &Error, secrets: &Secrets) -> WriteError {
    let code = error.code();
    if [&SqlState::LOCK_NOT_AVAILABLE, &SqlState::T_R_DEADLOCK_DETECTED].iter().any(|busy| code == Some(*busy)) {
        return WriteError::Busy;
    }
    match (Failure::asking(error, secrets, None, Duration::ZERO), error.as_db_error()) {
        (Failure::Broken(why), _) => WriteError::Broken(why),
        (_, Some(said)) => WriteError::Refused(secrets.hide(said.message())),
        (_, None) => WriteError::Broken(secrets.hide(&error.to_string())),
    }
}
