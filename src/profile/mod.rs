//! Looks at a file and says what is in it: how it is written, what its columns hold and mean, and what is odd.
//!
//! One pass in bounded memory, whatever the size; where a count had to be estimated, it says so. [`Profile`] is plain
//! data: `segc profile --json` prints it as it is (`segc.profile/1`: fields are added freely, never renamed without a
//! new number), [`text`] is the same for people, and `init` makes a spec of it.

mod columns;
mod look;
mod oddities;
mod reading;
pub mod roles;
mod tally;
pub mod text;
pub(crate) mod trade;
pub mod trouble;

use serde::{Deserialize, Serialize};

use crate::ingest::{Detection, Format, IngestError, InputFile};
use crate::progress::Progress;
pub use roles::Role;
pub(crate) use trade::{money_of, plain};

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// `segc.profile/1`.
    pub schema: String,
    pub file: String,
    /// `a text file`, `an XLSX workbook` and so on.
    pub container: String,
    pub bytes: u64,
    /// The sheets that were read, and all sheets of a workbook.
    pub sheets_read: Vec<String>,
    pub sheets: Vec<String>,
    /// Whether the first row of the table names the columns.
    pub header: bool,
    /// How the file is written, each with the line of a spec that says so.
    pub settings: Vec<Setting>,
    /// Rows of the table, without those in `left_out`.
    pub rows: u64,
    pub left_out: Vec<LeftOut>,
    /// Rows that equal an earlier one in every cell.
    pub repeated_rows: Count,
    pub columns: Vec<Column>,
}

/// Something about the file that a spec can state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Setting {
    /// `delimiter`, `encoding`, `header`, `decimal mark`, `date format` and so on.
    pub what: String,
    /// From 1, where it is about one column.
    pub column: Option<u32>,
    pub value: String,
    pub evidence: String,
    /// What says so when written into the source block of a spec; empty where nothing has to be.
    pub pin: String,
    pub certain: bool,
}

/// Rows that are no rows of the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeftOut {
    /// `can't be taken apart`, `looks like a total`, `repeats the header`.
    pub why: String,
    pub rows: u64,
    /// The first of them, numbered as an editor or a spreadsheet does.
    pub first: u64,
    /// More about the first one.
    pub detail: String,
}

/// A number that is exact, or an estimate from a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    pub count: u64,
    pub exact: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// From 1.
    pub position: u32,
    pub header: String,
    /// The type that a spec would give it: `id`, `text`, `int`, `number`, `money`, `share`, `date`, `datetime`, `bool`.
    #[serde(rename = "type")]
    pub kind: String,
    pub why: String,
    pub role: Option<Role>,
    /// Why it has this role; empty without one.
    pub role_why: String,
    /// Cells with anything in them, words for a missing value included.
    pub filled: u64,
    pub missing: u64,
    pub distinct: Count,
    pub reads_as: ReadsAs,
    /// Whether the numbers from here on are exact, or estimated from a sample of the different texts.
    pub exact: bool,
    /// The smallest, the middle and the largest value, for numbers and times; times in ISO form.
    pub min: Option<String>,
    pub median: Option<String>,
    pub max: Option<String>,
    /// The commonest texts, at most ten.
    pub common: Vec<Common>,
    /// Texts from the beginning, the middle and the end of the file.
    pub examples: Vec<String>,
    /// Of amounts, where a sign beside them or a word of the header tells.
    pub currency: Option<Currency>,
    /// strftime formats, the commonest first, where dates are in other forms than those of ISO 8601.
    pub dates: Vec<String>,
    pub oddities: Vec<Oddity>,
    /// Facts for `init` that nobody wants to see.
    #[serde(skip)]
    pub(crate) facts: Facts,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Currency {
    /// Of ISO 4217.
    pub code: String,
    pub evidence: String,
    /// A dollar has many countries.
    pub certain: bool,
}

/// How many of the filled cells can be read as each type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadsAs {
    pub int: u64,
    pub number: u64,
    pub money: u64,
    pub share: u64,
    pub date: u64,
    /// Of the dates, those with a time of day.
    pub datetime: u64,
    pub bool: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Common {
    pub value: String,
    pub count: u64,
}

/// Something that a reader should know before trusting a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Oddity {
    /// `same header`, `broken cells`, `missing words`, `leading zeros`, `other cells`, `exponent`, `blanks`, `non-ascii`,
    /// `case`, `prefix`, `undone`, `anonymous`, `negative`, `zero`, `placeholder`, `outlier`, `future`.
    pub what: String,
    /// Cells.
    pub count: u64,
    /// In words, with an example.
    pub text: String,
}

/// What a column's cells are by value.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Facts {
    /// Words that seem to stand for a missing value.
    pub missing_words: Vec<String>,
    /// Every different text with its count, in order of first appearance, of a column with few of them.
    pub words: Vec<(String, u64)>,
    /// The mark between groups of digits, and whether it can't be a decimal mark.
    pub thousands: Option<(char, bool)>,
    /// Texts that stand for a customer whom nobody knows, of the column of customers.
    pub anonymous: Vec<String>,
    /// Texts that say that an order came to nothing, of the column of states.
    pub undone: Vec<String>,
    /// Letters before the digits where most cells have others, of the column of invoices.
    pub prefixes: Vec<String>,
    /// Days that stand for no day, of the column of dates.
    pub placeholders: Vec<String>,
    /// Whether a cell lies in the future.
    pub future: bool,
}

/// How to look.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What is known about the file.
    pub format: Format,
    /// Microseconds since 1970-01-01; dates after it are pointed out.
    pub today: Option<i64>,
    /// Columns whose role is known, by place from 0.
    pub roles: Vec<(Role, usize)>,
}

/// Looks at all rows of a file.
pub fn profile(file: &InputFile, options: &Options, progress: &dyn Progress) -> Result<Profile, IngestError> {
    look::look(file, options, progress)
}

impl Profile {
    pub fn column(&self, role: Role) -> Option<&Column> {
        self.columns.iter().find(|column| column.role == Some(role))
    }

    /// The column of customers, or else of names without a sense of their own, where it has another value in each of at
    /// least two rows, and others hold numbers: the rows may be customers who have been measured already.
    pub(crate) fn each_row(&self) -> Option<&Column> {
        let by_name = || self.columns.iter().find(|column| column.header.trim().eq_ignore_ascii_case("id"));
        let who = self.column(Role::Customer).or_else(by_name)?;
        let all = who.missing == 0 && who.distinct.exact && who.distinct.count == self.rows && self.rows > 1;
        let measured = self.columns.iter().any(|column| column.position != who.position && column.is_number());
        Some(who).filter(|_| all && measured)
    }
}

impl Column {
    /// Whether the column holds numbers of any kind.
    pub fn is_number(&self) -> bool {
        matches!(self.kind.as_str(), "int" | "number" | "money" | "share")
    }

    pub fn is_time(&self) -> bool {
        matches!(self.kind.as_str(), "date" | "datetime")
    }
}

impl From<Detection> for Setting {
    fn from(detection: Detection) -> Setting {
        let Detection { what, column, value, evidence, pin, certain } = detection;
        Setting { what: what.to_owned(), column: column.map(|at| at as u32 + 1), value, evidence, pin, certain }
    }
}
