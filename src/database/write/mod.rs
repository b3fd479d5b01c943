//! Writes a list of customers into a table of a database, all of it or nothing.
//!
//! What happens is the same in every database: one transaction, the list in a table that only this session sees, then
//! statements that change what differs and nothing else. So a build can be written twice without a trace, and a table
//! that was tampered with is right again afterwards. A database ([`Database`]) knows how to open a transaction, how its
//! types are called and how many rows come in at once; [`statements`] has the SQL.
//!
//! A table has a row per customer and stay in a segment: `valid_from` is the `as_of` of the build that put the customer
//! there, `valid_to` the `as_of` of the one that did not find them there any more, and missing until then. Features,
//! cluster and rule are those of the last build that found the customer in that segment; `build` says which that was.
//! [`Mode::Replace`] keeps the rows that hold now, [`Mode::Append`] the ended ones too.
//!
//! Beside its tables segc keeps [`BUILDS`], with a row for each build and table: who is in there has been made by segc.

mod columns;
mod postgres;
mod sqlite;
mod statements;

use std::time::Duration;

use crate::database::postgres::Failure;
use crate::list::{Kind, List};
use crate::time::iso;

pub use postgres::Postgres;
pub use sqlite::Sqlite;

pub use columns::{ADDED, Difference, Found, NAME, OwnColumn, own_columns};
use statements::Statements;
pub use statements::quoted;

/// The table in which segc notes what it has written.
pub const BUILDS: &str = "segc_builds";

/// How long to wait for others who are writing to the table.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// What becomes of the rows of earlier builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// The table holds the latest list.
    #[default]
    Replace,
    /// Rows that hold no more are ended and kept.
    Append,
}

/// A table, in the schema that is named or that the session has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TableName {
    pub schema: Option<String>,
    pub name: String,
}

/// The build that a list comes from.
#[derive(Debug, Clone, Copy)]
pub struct Build<'a> {
    pub id: &'a str,
    /// Microseconds since 1970.
    pub as_of: i64,
    /// The name of the spec.
    pub segmentation: &'a str,
}

/// What writing did, counted against the customers who were in the table before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    pub customers: u64,
    /// Were in no segment.
    pub joined: u64,
    /// Were in another segment.
    pub moved: u64,
    /// Are in no segment any more.
    pub left: u64,
    /// A newer build than this one was written before, after this one: nothing was done.
    pub outdated: bool,
}

/// Why nothing was written. The database is as it was, but for [`WriteError::Unsettled`].
#[derive(Debug, Clone, PartialEq)]
pub enum WriteError {
    /// No such file, or no database.
    Unreachable(String),
    /// No connection to a server.
    Unconnected(Failure),
    /// The connection ended in the middle.
    Broken(String),
    /// The connection ended at the very end: the whole list is there, or nothing of it.
    Unsettled(String),
    /// Somebody else is writing, and did not finish in time.
    Busy,
    /// What the database said.
    Refused(String),
    /// A text has a character that no text of the database can have.
    Character {
        column: String,
        customer: String,
    },
    NoSchema(Option<String>),
    /// A view, or something else that is not made of rows.
    NotATable,
    /// Not made by segc, and not empty.
    Foreign,
    /// It holds the customers of this other spec.
    OfAnother(String),
    /// It holds the history of builds, which replacing would wipe out.
    History,
    /// It holds a build with this later `as_of`.
    Newer(String),
    Columns(Vec<Difference>),
}

/// What writing needs from a database. All of it happens between `begin` and `commit`; dropped without, nothing has
/// happened.
pub trait Database {
    fn begin(&mut self, patience: Duration) -> Result<(), WriteError>;

    fn commit(&mut self) -> Result<(), WriteError>;

    /// The schema of tables that name none.
    fn schema(&mut self) -> Result<String, WriteError>;

    /// Keeps others from making or filling a table of this name until the end.
    fn reserve(&mut self, schema: &str, table: &str) -> Result<(), WriteError>;

    /// The columns of a table; nothing where there is none of that name.
    fn columns(&mut self, schema: &str, table: &str) -> Result<Option<Vec<Found>>, WriteError>;

    /// How a column of this kind is declared.
    fn type_of(&self, kind: Kind) -> &'static str;

    /// Whether a column declared otherwise takes the same values.
    fn takes(&self, declared: &str, kind: Kind) -> bool;

    /// A parameter, which is a text, as a value of this kind.
    fn value(&self, parameter: &str, kind: Kind) -> String;

    /// A statement that makes a unique index, up to its columns.
    fn unique_index(&self, schema: &str, table: &str) -> String;

    /// Runs a statement and counts the rows that it touched.
    fn run(&mut self, sql: &str, parameters: &[&str]) -> Result<u64, WriteError>;

    /// The first row of an answer that is one text column wide or more.
    fn ask(&mut self, sql: &str, parameters: &[&str]) -> Result<Option<Vec<Option<String>>>, WriteError>;

    /// Brings the list into a table that has its columns.
    fn load(&mut self, table: &str, list: &List) -> Result<(), WriteError>;
}

/// Writes a list into a table.
pub fn write(
    database: &mut dyn Database,
    table: &TableName,
    mode: Mode,
    build: &Build,
    list: &List,
    patience: Duration,
) -> Result<Written, WriteError> {
    database.begin(patience)?;
    let schema = match &table.schema {
        Some(schema) => schema.clone(),
        None => database.schema()?,
    };
    database.reserve(&schema, &table.name)?;
    let mut writing = Writing { database, schema, table: &table.name, mode, build, list };
    let written = writing.all()?;
    database.commit()?;
    Ok(written)
}

/// One list on its way into a table.
struct Writing<'a> {
    database: &'a mut dyn Database,
    schema: String,
    table: &'a str,
    mode: Mode,
    build: &'a Build<'a>,
    list: &'a List<'a>,
}

/// What [`BUILDS`] says about a table.
struct Noted {
    segmentation: String,
    mode: String,
    /// The latest `as_of`, as text of the database, and whether it is later than that of the build at hand.
    newest: String,
    is_newer: bool,
    /// Whether the build at hand has been written before.
    known: bool,
}

impl Writing<'_> {
    fn all(&mut self) -> Result<Written, WriteError> {
        let columns = own_columns(self.list);
        let types: Vec<&str> = columns.iter().map(|column| self.database.type_of(column.kind)).collect();
        let sql = Statements::new(&self.schema, self.table, &columns, &types);
        self.prepare_builds(&sql)?;
        match self.database.columns(&self.schema, self.table)? {
            None => {
                // What was noted of a table of that name went with it.
                self.database.run(&sql.forget_builds(), &[self.table])?;
                let index = self.database.unique_index(&self.schema, self.table);
                sql.create(&index).iter().try_for_each(|sql| self.run(sql))?;
            }
            Some(found) => match self.noted(&sql)? {
                None => {
                    if self.database.ask(&sql.any_row(), &[])?.is_some() {
                        return Err(WriteError::Foreign);
                    }
                    self.fit_columns(&sql, &columns, &found)?;
                }
                Some(noted) => {
                    if noted.segmentation != self.build.segmentation {
                        return Err(WriteError::OfAnother(noted.segmentation));
                    }
                    if self.mode == Mode::Replace && noted.mode == Mode::Append.name() {
                        return Err(WriteError::History);
                    }
                    if self.mode == Mode::Append && noted.is_newer {
                        let outdated = Written { outdated: true, ..Written::default() };
                        return if noted.known { Ok(outdated) } else { Err(WriteError::Newer(noted.newest)) };
                    }
                    self.fit_columns(&sql, &columns, &found)?;
                }
            },
        }
        self.stage(&sql)?;
        let written = self.count(&sql)?;
        let steps = match self.mode {
            Mode::Replace => sql.replace(),
            Mode::Append => sql.append(),
        };
        steps.iter().try_for_each(|sql| self.run(sql))?;
        sql.drop_stage().iter().try_for_each(|sql| self.run(sql))?;
        self.note(&sql)?;
        Ok(written)
    }

    fn run(&mut self, sql: &str) -> Result<(), WriteError> {
        self.database.run(sql, &[]).map(drop)
    }

    fn prepare_builds(&mut self, sql: &Statements) -> Result<(), WriteError> {
        if self.database.columns(&self.schema, BUILDS)?.is_some() {
            return Ok(());
        }
        self.database.reserve(&self.schema, BUILDS)?;
        if self.database.columns(&self.schema, BUILDS)?.is_none() {
            let [text, number, moment] = [Kind::Text, Kind::Whole, Kind::Time].map(|kind| self.database.type_of(kind));
            self.run(&sql.create_builds(text, number, moment))?;
        }
        Ok(())
    }

    fn noted(&mut self, sql: &Statements) -> Result<Option<Noted>, WriteError> {
        let as_of = iso(self.build.as_of);
        let question = sql.noted(&self.database.value("$2", Kind::Time));
        let Some(row) = self.database.ask(&question, &[self.table, &as_of, self.build.id])? else { return Ok(None) };
        let text = |at: usize| row.get(at).cloned().flatten().unwrap_or_default();
        let [segmentation, mode, newest, newer, known] = [0, 1, 2, 3, 4].map(text);
        let newest = newest.replacen(' ', "T", 1);
        Ok(Some(Noted { segmentation, mode, newest, is_newer: newer == "1", known: known == "1" }))
    }

    /// Adds the columns that are new; those that are otherwise than they should be are an error.
    fn fit_columns(&mut self, sql: &Statements, own: &[OwnColumn], found: &[Found]) -> Result<(), WriteError> {
        let differences = columns::differences(own, found, &*self.database);
        if !differences.is_empty() {
            return Err(WriteError::Columns(differences));
        }
        let missing: Vec<usize> = columns::missing(own, found);
        missing.into_iter().try_for_each(|nth| self.run(&sql.add_column(nth)))
    }

    /// The list and the build in tables of this session.
    fn stage(&mut self, sql: &Statements) -> Result<(), WriteError> {
        let [text, moment] = [Kind::Text, Kind::Time].map(|kind| self.database.type_of(kind));
        sql.create_stage(text, moment).iter().try_for_each(|sql| self.run(sql))?;
        let note = sql.stage_build(&self.database.value("$2", Kind::Time));
        self.database.run(&note, &[self.build.id, &iso(self.build.as_of)])?;
        self.database.load(statements::STAGE, self.list)
    }

    fn count(&mut self, sql: &Statements) -> Result<Written, WriteError> {
        let mut numbers = [0; 3];
        for (number, sql) in numbers.iter_mut().zip(sql.counts()) {
            let row = self.database.ask(&sql, &[])?.unwrap_or_default();
            *number = row.first().and_then(|n| n.as_deref()?.parse().ok()).unwrap_or(0);
        }
        let [joined, moved, left] = numbers;
        Ok(Written { customers: self.list.height() as u64, joined, moved, left, outdated: false })
    }

    /// Notes the build, unless it is the one noted last.
    fn note(&mut self, sql: &Statements) -> Result<(), WriteError> {
        let (mode, customers) = (self.mode.name(), self.list.height().to_string());
        let last = self.database.ask(&sql.last_build(), &[self.table])?.unwrap_or_default();
        if [self.build.id, mode].map(|text| Some(text.to_owned())) == *last {
            return Ok(());
        }
        match self.mode {
            Mode::Replace => self.database.run(&sql.forget_builds(), &[self.table])?,
            Mode::Append => self.database.run(&sql.forget_build(), &[self.table, self.build.id])?,
        };
        let as_of = iso(self.build.as_of);
        let facts =
            [self.table, self.build.id, &as_of, self.build.segmentation, mode, &customers, env!("CARGO_PKG_VERSION")];
        let note = sql.note_build(&self.database.value("$3", Kind::Time), &self.database.value("$6", Kind::Whole));
        self.database.run(&note, &facts).map(drop)
    }
}

impl Mode {
    pub const ALL: [Mode; 2] = [Mode::Replace, Mode::Append];

    /// As a spec and [`BUILDS`] say it.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Replace => "replace",
            Mode::Append => "append",
        }
    }
}

impl TableName {
    /// `segments` or `marketing.segments`.
    ///
    /// Errors: why it is no name, in words that go on after "the name".
    pub fn parse(text: &str) -> Result<TableName, &'static str> {
        let (schema, name) = match text.split_once('.') {
            Some((schema, name)) => (Some(schema.to_owned()), name.to_owned()),
            None => (None, text.to_owned()),
        };
        let parts: Vec<&String> = schema.iter().chain([&name]).collect();
        if parts.iter().any(|part| part.trim().is_empty()) {
            return Err("is empty");
        }
        if name.contains('.') {
            return Err("has more than one dot: it is `table` or `schema.table`");
        }
        if parts.iter().any(|part| part.chars().any(char::is_control)) {
            return Err("holds a control character");
        }
        if parts.iter().any(|part| part.len() > columns::NAME) {
            return Err("is longer than 63 bytes, the most that PostgreSQL takes");
        }
        if name.eq_ignore_ascii_case(BUILDS) {
            return Err("is the one of the table in which segc notes its builds");
        }
        Ok(TableName { schema, name })
    }

    /// As SQL has it.
    pub fn quoted(&self) -> String {
        self.schema.iter().chain([&self.name]).map(|part| quoted(part)).collect::<Vec<_>>().join(".")
    }
}

impl std::fmt::Display for TableName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}
