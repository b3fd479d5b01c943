//! SQLite files, read: opened so that nothing can change them, and so that a file made to do harm does none.
//!
//! The measures are those of "Defense Against The Dark Arts" in SQLite's documentation: the file is immutable, its schema
//! is not trusted, its pages are checked before anything is asked of it, an authorizer lets through what reads and
//! nothing else, and a handler that is called as work goes on keeps the time.

use std::fmt;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error, ErrorCode, OpenFlags, OptionalExtension, Row, Statement};

use crate::diagnostics::suggest;

pub struct Sqlite {
    connection: Connection,
    clock: Arc<Mutex<Clock>>,
    /// What the authorizer did not let through last.
    denied: Arc<Mutex<Option<String>>>,
}

/// What is read of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rows {
    /// The only table there is.
    Only,
    /// Of a table or view.
    Table(String),
    Query(String),
}

/// A statement that has been found to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    from: From,
    /// As the database has them.
    pub columns: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum From {
    Table {
        name: String,
        /// How the number of a row is asked for, where rows have one.
        number: Option<&'static str>,
    },
    Query(String),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    Null,
    Integer(i64),
    Real(f64),
    /// Should be UTF-8.
    Text(&'a [u8]),
    Blob,
}

/// The cells of a row, for as long as it is looked at.
pub struct Cells<'a> {
    row: &'a Row<'a>,
    first: usize,
}

/// Why a database can't be read; the words of SQLite are kept where they help.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// It can't be opened, or its pages do not hold together.
    Damaged(String),
    /// Changes lie beside the file, under this name, and have not been brought in.
    Unfinished {
        beside: String,
    },
    /// It has not one table but these.
    WhichTable {
        tables: Vec<String>,
    },
    NoTable {
        table: String,
        near: Vec<String>,
        tables: Vec<String>,
    },
    /// More than one statement.
    Statements,
    /// The statement does more than read: what it tries.
    Writes(String),
    /// The statement is not understood; and from where on.
    Query {
        reason: String,
        at: Option<String>,
    },
    TooLong {
        limit: Duration,
    },
    /// A value, or a row on its way, has more bytes than it may.
    TooBig {
        limit: usize,
    },
}

#[derive(Clone, Copy)]
struct Clock {
    until: Instant,
    limit: Duration,
    /// Bytes of a value.
    size: usize,
}

/// Steps of SQLite's machine between two looks at the clock: some tenths of a millisecond.
const STEPS: i32 = 20_000;

impl Sqlite {
    /// Opens a file for reading. From now on every question may take `limit`, and a value may have `size` bytes.
    pub fn open(path: &Path, limit: Duration, size: usize) -> Result<Sqlite, Failure> {
        for (suffix, changes) in [("-wal", has_bytes as fn(&Path) -> bool), ("-journal", is_hot)] {
            let mut beside = path.as_os_str().to_owned();
            beside.push(suffix);
            if changes(Path::new(&beside)) {
                let beside = PathBuf::from(beside).file_name().unwrap_or_default().to_string_lossy().into_owned();
                return Err(Failure::Unfinished { beside });
            }
        }
        if is_cut_off(path).map_err(|error| Failure::Damaged(error.to_string()))? {
            return Err(Failure::Damaged("it has fewer pages than it says: it may be cut off".to_owned()));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(immutable(path), flags).map_err(|e| damaged(&e))?;
        let clock = Clock { until: Instant::now() + limit, limit, size };
        let mut sqlite = Sqlite { connection, clock: Arc::new(Mutex::new(clock)), denied: Arc::default() };
        sqlite.harden(size).and_then(|()| sqlite.check()).map_err(|error| match sqlite.failure(&error) {
            Failure::Query { reason, .. } => Failure::Damaged(reason),
            other => other,
        })??;
        sqlite.authorize().map_err(|error| sqlite.failure(&error))?;
        Ok(sqlite)
    }

    /// The columns that a statement gives, once it is known that it only reads.
    pub fn select(&self, rows: &Rows) -> Result<Selection, Failure> {
        self.start();
        let name = match rows {
            Rows::Query(text) => {
                let statement = self.prepare(text)?;
                if statement.column_count() == 0 || !statement.readonly() {
                    return Err(Failure::Writes("it gives no rows".to_owned()));
                }
                let columns = statement.column_names().map(str::to_owned).collect();
                return Ok(Selection { from: From::Query(text.clone()), columns });
            }
            Rows::Table(name) => self.table(name)?,
            Rows::Only => match self.tables()?.as_slice() {
                [only] => only.clone(),
                tables => return Err(Failure::WhichTable { tables: tables.to_vec() }),
            },
        };
        let statement = self.prepare(&format!("SELECT * FROM main.{}", quoted(&name)))?;
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let free = |word: &&str| !columns.iter().any(|column| column.eq_ignore_ascii_case(word));
        let number = ["rowid", "_rowid_", "oid"].into_iter().find(free).filter(|word| {
            // Neither views nor tables without one have such a number.
            self.connection.prepare(&numbered(word, &[], &name)).is_ok()
        });
        Ok(Selection { from: From::Table { name, number }, columns })
    }

    /// Shows the rows of a statement with their numbers: that of a table or else from one. `columns`, in ascending order,
    /// are those that are looked at; the cells of the others need not be there.
    pub fn visit(
        &self,
        selection: &Selection,
        columns: &[usize],
        see: &mut dyn FnMut(u64, Cells) -> ControlFlow<()>,
    ) -> Result<(), Failure> {
        self.start();
        let chosen: Vec<&str> = columns.iter().map(|column| selection.columns[*column].as_str()).collect();
        // Of a table, only the columns that are looked at are asked for; what a query gives is for it to say.
        let (sql, own) = match &selection.from {
            From::Table { name, number: Some(number) } => (numbered(number, &chosen, name), true),
            From::Table { name, number: None } => (plain(&chosen, name), false),
            From::Query(text) => (text.clone(), false),
        };
        let mut statement = self.prepare(&sql)?;
        let mut rows = statement.raw_query();
        let mut number = 0;
        while let Some(row) = rows.next().map_err(|error| self.failure(&error))? {
            number = match row.get_ref(0) {
                Ok(ValueRef::Integer(own_number)) if own => u64::try_from(own_number).unwrap_or(0),
                _ => number + 1,
            };
            if see(number, Cells { row, first: usize::from(own) }).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn harden(&mut self, size: usize) -> rusqlite::Result<()> {
        let clock = Arc::clone(&self.clock);
        let late = move || Instant::now() > clock.lock().unwrap_or_else(PoisonError::into_inner).until;
        self.connection.progress_handler(STEPS, Some(late))?;
        let db = &self.connection;
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
        // A column that is not there must not become a text that is its name.
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
        let limits = [
            (Limit::SQLITE_LIMIT_LENGTH, i32::try_from(size).unwrap_or(i32::MAX)),
            (Limit::SQLITE_LIMIT_SQL_LENGTH, 1 << 20),
            (Limit::SQLITE_LIMIT_COLUMN, 2000),
            (Limit::SQLITE_LIMIT_EXPR_DEPTH, 200),
            (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 100),
            (Limit::SQLITE_LIMIT_VDBE_OP, 250_000),
            (Limit::SQLITE_LIMIT_ATTACHED, 0),
            (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
            (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000),
        ];
        for (limit, most) in limits {
            db.set_limit(limit, most)?;
        }
        db.execute_batch("PRAGMA query_only = ON; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;")
    }

    /// Whether the pages of the file hold together.
    fn check(&self) -> rusqlite::Result<Result<(), Failure>> {
        let found: Option<String> =
            self.connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).optional()?;
        let found = found.unwrap_or_default();
        Ok(if found == "ok" { Ok(()) } else { Err(Failure::Damaged(one_line(&found))) })
    }

    /// From here on, nothing but reading.
    fn authorize(&mut self) -> rusqlite::Result<()> {
        let denied = Arc::clone(&self.denied);
        self.connection.authorizer(Some(move |context: AuthContext<'_>| {
            let harmless = match context.action {
                AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => true,
                AuthAction::Function { function_name } => !function_name.eq_ignore_ascii_case("load_extension"),
                _ => false,
            };
            if harmless {
                return Authorization::Allow;
            }
            *denied.lock().unwrap_or_else(PoisonError::into_inner) = Some(attempted(&context.action));
            Authorization::Deny
        }))
    }

    fn tables(&self) -> Result<Vec<String>, Failure> {
        let sql = "SELECT name FROM main.sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' \
                   ESCAPE '\\' ORDER BY name";
        let mut statement = self.prepare(sql)?;
        let names = statement.query_map([], |row| row.get(0)).and_then(Iterator::collect);
        names.map_err(|error| self.failure(&error))
    }

    /// The table as the database spells it, which does not look at case.
    fn table(&self, name: &str) -> Result<String, Failure> {
        let tables = self.tables()?;
        match tables.iter().find(|table| table.eq_ignore_ascii_case(name.trim())) {
            Some(table) => Ok(table.clone()),
            None => {
                let near = suggest::nearest(name, tables.iter().map(String::as_str)).map(str::to_owned);
                Err(Failure::NoTable { table: name.to_owned(), near: near.into_iter().collect(), tables })
            }
        }
    }

    fn prepare(&self, sql: &str) -> Result<Statement<'_>, Failure> {
        *self.denied.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.connection.prepare(sql).map_err(|error| self.failure(&error))
    }

    /// The clock starts anew.
    fn start(&self) {
        let mut clock = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        clock.until = Instant::now() + clock.limit;
    }

    fn failure(&self, error: &Error) -> Failure {
        let Clock { limit, size, .. } = *self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        let denied = || self.denied.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (error, error.sqlite_error_code()) {
            (Error::MultipleStatement, _) => Failure::Statements,
            (_, Some(ErrorCode::OperationInterrupted)) => Failure::TooLong { limit },
            (_, Some(ErrorCode::TooBig)) => Failure::TooBig { limit: size },
            (_, Some(ErrorCode::AuthorizationForStatementDenied)) => match denied() {
                Some(what) => Failure::Writes(what),
                // It does not come to be asked about names that are no text.
                None => Failure::Damaged("a name in it is no text".to_owned()),
            },
            (_, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::SystemIoFailure)) => {
                damaged(error)
            }
            (Error::SqlInputError { msg, sql, offset, .. }, _) => {
                let rest = usize::try_from(*offset).ok().and_then(|offset| sql.get(offset..));
                let at = rest.map(|rest| rest.lines().next().unwrap_or_default().chars().take(40).collect::<String>());
                Failure::Query { reason: one_line(msg), at: at.filter(|at| !at.trim().is_empty()) }
            }
            _ => Failure::Query { reason: one_line(&error.to_string()), at: None },
        }
    }
}

impl Selection {
    /// The name of the table, as the database has it.
    pub fn table(&self) -> Option<&str> {
        match &self.from {
            From::Table { name, .. } => Some(name),
            From::Query(_) => None,
        }
    }

    /// Where the nth of the columns that are looked at is among the cells of a row.
    pub fn place(&self, nth: usize, column: usize) -> usize {
        match self.from {
            From::Table { .. } => nth,
            From::Query(_) => column,
        }
    }
}

impl Cells<'_> {
    pub fn get(&self, place: usize) -> Value<'_> {
        match self.row.get_ref(self.first + place) {
            Ok(ValueRef::Integer(number)) => Value::Integer(number),
            Ok(ValueRef::Real(number)) => Value::Real(number),
            Ok(ValueRef::Text(text)) => Value::Text(text),
            Ok(ValueRef::Blob(_)) => Value::Blob,
            Ok(ValueRef::Null) | Err(_) => Value::Null,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Damaged(reason) => write!(f, "it is damaged: {reason}"),
            Failure::Unfinished { beside } => write!(f, "it has changes in `{beside}` that are not in it yet"),
            Failure::WhichTable { tables } if tables.is_empty() => write!(f, "it has no tables"),
            Failure::WhichTable { tables } => write!(f, "it has the tables `{}`", tables.join("`, `")),
            Failure::NoTable { table, .. } => write!(f, "it has no table `{table}`"),
            Failure::Statements => write!(f, "the query is more than one statement"),
            Failure::Writes(what) => write!(f, "the query does more than read: {what}"),
            Failure::Query { reason, at: None } => write!(f, "the query can't be run: {reason}"),
            Failure::Query { reason, at: Some(at) } => write!(f, "the query can't be run: {reason}, near `{at}`"),
            Failure::TooLong { limit } => write!(f, "it took longer than {} s", limit.as_secs_f64()),
            Failure::TooBig { limit } => write!(f, "it gives a value of more than {limit} bytes"),
        }
    }
}

fn numbered(number: &str, columns: &[&str], table: &str) -> String {
    let columns: String = columns.iter().map(|column| format!(", {}", quoted(column))).collect();
    // In the order of the table, never in that of an index that happens to have all these columns.
    format!("SELECT {number}{columns} FROM main.{} NOT INDEXED", quoted(table))
}

fn plain(columns: &[&str], table: &str) -> String {
    let columns: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
    let columns = if columns.is_empty() { "NULL".to_owned() } else { columns.join(", ") };
    format!("SELECT {columns} FROM main.{}", quoted(table))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// What a statement tried, for the message.
fn attempted(action: &AuthAction) -> String {
    match action {
        AuthAction::Attach { .. } => "it attaches another file".to_owned(),
        AuthAction::Pragma { pragma_name, .. } => format!("it looks at or sets `PRAGMA {pragma_name}`"),
        AuthAction::Function { function_name } => format!("it calls `{function_name}`"),
        AuthAction::Insert { table_name } => format!("it inserts into `{table_name}`"),
        AuthAction::Update { table_name, .. } => format!("it updates `{table_name}`"),
        AuthAction::Delete { table_name } => format!("it deletes from `{table_name}`"),
        AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } => "it begins or ends a transaction".to_owned(),
        _ => "it changes tables".to_owned(),
    }
}

fn has_bytes(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.len() > 0)
}

/// Whether a journal belongs to a transaction that did not end: a finished one is gone, empty, or begins with zeros.
fn is_hot(path: &Path) -> bool {
    let mut first = [0; 8];
    std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut first)).is_ok() && first != [0; 8]
}

/// Whether the file is shorter than its head says. SQLite takes what is missing of a last page for zeros.
fn is_cut_off(path: &Path) -> std::io::Result<bool> {
    let mut file = std::fs::File::open(path)?;
    let length = file.metadata()?.len();
    let mut head = [0; 100];
    if file.read_exact(&mut head).is_err() {
        return Ok(true);
    }
    let number = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    // 65536 does not fit into two bytes.
    let page = match u16::from_be_bytes([head[16], head[17]]) {
        1 => 65_536,
        page => u64::from(page),
    };
    // Old writers do not keep the number of pages, which shows where it was last kept for another change.
    let kept = number(24) == number(92);
    Ok(kept && length < page * u64::from(number(28)))
}

/// The file as a URI that says that nobody changes it: no locks are taken, no journal is looked for.
fn immutable(path: &Path) -> String {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' => uri.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => uri.push(char::from(*byte)),
            byte => uri += &format!("%{byte:02X}"),
        }
    }
    uri + "?mode=ro&immutable=1"
}

fn damaged(error: &Error) -> Failure {
    Failure::Damaged(one_line(&error.to_string()))
}

fn one_line(text: &str) -> String {
    let line: Vec<&str> =
        text.lines().map(str::trim).filter(|line| !line.starts_with("***") && !line.is_empty()).collect();
    let mut short: String = line.first().unwrap_or(&text.trim()).chars().take(200).collect();
    if short.get(1..2).is_some_and(|second| second.chars().all(char::is_lowercase)) {
        short.replace_range(..1, &short[..1].to_lowercase());
    }
    short
}
