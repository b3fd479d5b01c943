//! Lists of customers in a SQLite file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, Error, ErrorCode, OpenFlags, params_from_iter};

use super::{Database, Found, WriteError, quoted};
use crate::list::{Cell, Kind, List};
use crate::time::{iso, iso_date};

/// An open file. One that was not there before is removed again unless something is written.
pub struct Sqlite {
    connection: Option<Connection>,
    made: Option<PathBuf>,
}

impl Sqlite {
    /// Opens the file, which is made when it is not there.
    pub fn open(path: &Path) -> Result<Sqlite, WriteError> {
        let made = (!path.exists()).then(|| path.to_owned());
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|e| WriteError::Unreachable(words(&e)))?;
        let database = Sqlite { connection: Some(connection), made };
        // What triggers of the file may call is what SQLite holds to be harmless; and whether it is a database at all
        // shows when it is read.
        let checked = database.connection().execute_batch("PRAGMA trusted_schema = OFF; PRAGMA schema_version;");
        checked.map_err(|e| match e.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy) => WriteError::Busy,
            _ => WriteError::Unreachable(words(&e)),
        })?;
        Ok(database)
    }

    fn connection(&self) -> &Connection {
        self.connection.as_ref().expect("the connection is there until the end")
    }
}

impl Database for Sqlite {
    fn begin(&mut self, patience: Duration) -> Result<(), WriteError> {
        self.connection().busy_timeout(patience).map_err(failed)?;
        // Waits here for others who write, not in the middle.
        self.connection().execute_batch("BEGIN IMMEDIATE").map_err(failed)
    }

    fn commit(&mut self) -> Result<(), WriteError> {
        self.connection().execute_batch("COMMIT").map_err(failed)?;
        self.made = None;
        Ok(())
    }

    fn schema(&mut self) -> Result<String, WriteError> {
        Ok("main".to_owned())
    }

    /// The transaction has the whole file.
    fn reserve(&mut self, schema: &str, _: &str) -> Result<(), WriteError> {
        if schema == "main" { Ok(()) } else { Err(WriteError::NoSchema(Some(schema.to_owned()))) }
    }

    fn columns(&mut self, _: &str, table: &str) -> Result<Option<Vec<Found>>, WriteError> {
        let kind = "SELECT type FROM main.sqlite_schema WHERE name = $1 COLLATE NOCASE AND type IN ('table', 'view')";
        match self.ask(kind, &[table])?.and_then(|row| row.into_iter().next().flatten()).as_deref() {
            None => return Ok(None),
            Some("table") => {}
            Some(_) => return Err(WriteError::NotATable),
        }
        let sql = "SELECT name, type, dflt_value IS NOT NULL OR hidden <> 0 FROM pragma_table_xinfo($1, 'main')";
        let mut statement = self.connection().prepare(sql).map_err(failed)?;
        let columns = statement.query_map([table], |row| {
            Ok(Found { name: row.get(0)?, declared: row.get(1)?, fills_itself: row.get(2)? })
        });
        columns.and_then(Iterator::collect).map(Some).map_err(failed)
    }

    fn type_of(&self, kind: Kind) -> &'static str {
        match kind {
            Kind::Text | Kind::Date | Kind::Time => "TEXT",
            Kind::Whole | Kind::Bool => "INTEGER",
            Kind::Number | Kind::Money | Kind::Share | Kind::Days => "REAL",
        }
    }

    fn takes(&self, declared: &str, kind: Kind) -> bool {
        declared.eq_ignore_ascii_case(self.type_of(kind))
    }

    fn value(&self, parameter: &str, kind: Kind) -> String {
        format!("CAST({parameter} AS {})", self.type_of(kind))
    }

    fn unique_index(&self, _: &str, table: &str) -> String {
        format!("CREATE UNIQUE INDEX {} ON {}", quoted(&format!("{table}_now")), quoted(table))
    }

    fn run(&mut self, sql: &str, parameters: &[&str]) -> Result<u64, WriteError> {
        let touched = self.connection().execute(sql, params_from_iter(parameters));
        touched.map(|rows| rows as u64).map_err(failed)
    }

    fn ask(&mut self, sql: &str, parameters: &[&str]) -> Result<Option<Vec<Option<String>>>, WriteError> {
        let mut statement = self.connection().prepare(sql).map_err(failed)?;
        let width = statement.column_count();
        let mut rows = statement.query(params_from_iter(parameters)).map_err(failed)?;
        let Some(row) = rows.next().map_err(failed)? else { return Ok(None) };
        (0..width).map(|nth| row.get(nth)).collect::<Result<_, _>>().map(Some).map_err(failed)
    }

    fn load(&mut self, table: &str, list: &List) -> Result<(), WriteError> {
        let places: Vec<String> = (1..=list.columns.len()).map(|nth| format!("?{nth}")).collect();
        let sql = format!("INSERT INTO {} VALUES ({})", quoted(table), places.join(", "));
        let mut statement = self.connection().prepare(&sql).map_err(failed)?;
        for row in 0..list.height() {
            let cells = list.columns.iter().map(|column| match list.cell(row, column) {
                Cell::Missing => Value::Null,
                Cell::Text(text) => Value::Text(text.to_owned()),
                Cell::Whole(n) => Value::Integer(n),
                Cell::Number(x) => Value::Real(x),
                Cell::Date(micros) => Value::Text(iso_date(micros)),
                Cell::Time(micros) => Value::Text(iso(micros)),
                Cell::Bool(b) => Value::Integer(i64::from(b)),
            });
            statement.execute(params_from_iter(cells)).map_err(failed)?;
        }
        Ok(())
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        // A transaction that was not committed ends with its connection.
        drop(self.connection.take());
        if let Some(path) = &self.made {
            let _ = std::fs::remove_file(path);
        }
    }
}

fn failed(error: Error) -> WriteError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => WriteError::Busy,
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => WriteError::Unreachable(words(&error)),
        _ => WriteError::Refused(words(&error)),
    }
}

/// What SQLite said, without the statement in which it said it.
fn words(error: &Error) -> String {
    match error {
        Error::SqliteFailure(_, Some(text)) => text.clone(),
        Error::SqlInputError { msg, .. } => msg.clone(),
        other => other.to_string(),
    }
}
