//! The SQL of writing a list, the same for every database but for the names of types.
//!
//! The list stands in the table [`STAGE`] and the build in [`BUILD`], which only this session sees, so that the
//! statements need no values of their own. `t` is always a row of the table that is written, `s` one of the list.

use super::columns::{ADDED, OwnColumn};
use super::{BUILDS, Mode};

/// The table of the session that holds the list.
pub const STAGE: &str = "segc_stage";
/// The table of the session that holds the id and the `as_of` of the build, in one row.
pub const BUILD: &str = "segc_build";

const ID: &str = "(SELECT build FROM segc_build)";
const AS_OF: &str = "(SELECT as_of FROM segc_build)";

pub struct Statements {
    /// The table, quoted.
    target: String,
    builds: String,
    /// Columns, quoted, with their types: those of the list, then [`ADDED`].
    columns: Vec<(String, &'static str)>,
}

impl Statements {
    pub fn new(schema: &str, table: &str, columns: &[OwnColumn], types: &[&'static str]) -> Statements {
        Statements {
            target: format!("{}.{}", quoted(schema), quoted(table)),
            builds: format!("{}.{}", quoted(schema), quoted(BUILDS)),
            columns: columns.iter().map(|column| quoted(&column.name)).zip(types.iter().copied()).collect(),
        }
    }

    /// Quoted names of the columns that the list has.
    fn listed(&self) -> impl Iterator<Item = &str> {
        self.columns[..self.columns.len() - ADDED.len()].iter().map(|(name, _)| name.as_str())
    }

    /// A list of such names, each of them changed.
    fn list(&self, change: impl Fn(&str) -> String, mark: &str) -> String {
        self.listed().map(change).collect::<Vec<_>>().join(mark)
    }

    /// Makes the table. `index` is how an index on it begins: a customer has one row that holds now.
    pub fn create(&self, index: &str) -> [String; 2] {
        let needed = ["customer", "segment", "build", "valid_from"].map(quoted);
        let declared = self.columns.iter().map(|(name, ty)| {
            let null = if needed.contains(name) { " NOT NULL" } else { "" };
            format!("{name} {ty}{null}")
        });
        let declared = declared.collect::<Vec<_>>().join(", ");
        [
            format!("CREATE TABLE {} ({declared}, PRIMARY KEY (customer, valid_from))", self.target),
            format!("{index} (customer) WHERE valid_to IS NULL"),
        ]
    }

    pub fn add_column(&self, nth: usize) -> String {
        let (name, ty) = &self.columns[nth];
        format!("ALTER TABLE {} ADD COLUMN {name} {ty}", self.target)
    }

    pub fn any_row(&self) -> String {
        format!("SELECT '1' FROM {} LIMIT 1", self.target)
    }

    pub fn create_builds(&self, text: &str, number: &str, moment: &str) -> String {
        format!(
            "CREATE TABLE {} (table_name {text} NOT NULL, build {text} NOT NULL, as_of {moment} NOT NULL, \
             segmentation {text} NOT NULL, mode {text} NOT NULL, customers {number} NOT NULL, segc {text} NOT NULL, \
             written {number} NOT NULL, PRIMARY KEY (table_name, build))",
            self.builds
        )
    }

    /// For a table ($1), an `as_of` ($2) and a build ($3): the segmentation and mode noted last, the latest `as_of`,
    /// whether that is later, and whether the build is known.
    pub fn noted(&self, as_of: &str) -> String {
        let builds = &self.builds;
        format!(
            "SELECT segmentation, mode, (SELECT CAST(max(as_of) AS text) FROM {builds} WHERE table_name = $1), \
             (SELECT CASE WHEN max(as_of) > {as_of} THEN '1' ELSE '0' END FROM {builds} WHERE table_name = $1), \
             (SELECT CASE WHEN count(*) > 0 THEN '1' ELSE '0' END FROM {builds} WHERE table_name = $1 AND build = $3) \
             FROM {builds} WHERE table_name = $1 ORDER BY written DESC LIMIT 1"
        )
    }

    pub fn last_build(&self) -> String {
        format!("SELECT build, mode FROM {} WHERE table_name = $1 ORDER BY written DESC LIMIT 1", self.builds)
    }

    pub fn forget_builds(&self) -> String {
        format!("DELETE FROM {} WHERE table_name = $1", self.builds)
    }

    pub fn forget_build(&self) -> String {
        format!("DELETE FROM {} WHERE table_name = $1 AND build = $2", self.builds)
    }

    /// Table, build, `as_of`, segmentation, mode, customers and version, in this order.
    pub fn note_build(&self, as_of: &str, customers: &str) -> String {
        let builds = &self.builds;
        format!(
            "INSERT INTO {builds} (table_name, build, as_of, segmentation, mode, customers, segc, written) \
             SELECT $1, $2, {as_of}, $4, $5, {customers}, $7, coalesce(max(written), 0) + 1 FROM {builds} \
             WHERE table_name = $1"
        )
    }

    pub fn create_stage(&self, text: &str, moment: &str) -> [String; 2] {
        let declared = self.columns[..self.columns.len() - ADDED.len()].iter().map(|(name, ty)| format!("{name} {ty}"));
        let declared = declared.collect::<Vec<_>>().join(", ");
        [
            format!("CREATE TEMPORARY TABLE {STAGE} ({declared}, PRIMARY KEY (customer))"),
            format!("CREATE TEMPORARY TABLE {BUILD} (build {text}, as_of {moment})"),
        ]
    }

    /// A connection may be shared by a pool: what comes after must not find them.
    pub fn drop_stage(&self) -> [String; 2] {
        [STAGE, BUILD].map(|table| format!("DROP TABLE {table}"))
    }

    pub fn stage_build(&self, as_of: &str) -> String {
        format!("INSERT INTO {BUILD} VALUES ($1, {as_of})")
    }

    /// Customers of the list who are in no segment now; who are in another; who are in one and not in the list.
    pub fn counts(&self) -> [String; 3] {
        let target = &self.target;
        let now = "t.customer = s.customer AND t.valid_to IS NULL";
        [
            format!("FROM {STAGE} AS s WHERE NOT EXISTS (SELECT 1 FROM {target} AS t WHERE {now})"),
            format!("FROM {STAGE} AS s JOIN {target} AS t ON {now} WHERE t.segment <> s.segment"),
            format!(
                "FROM {target} AS t WHERE t.valid_to IS NULL \
                 AND NOT EXISTS (SELECT 1 FROM {STAGE} AS s WHERE s.customer = t.customer)"
            ),
        ]
        .map(|from| format!("SELECT CAST(count(*) AS text) {from}"))
    }

    /// Leaves the rows of the list and no others.
    pub fn replace(&self) -> Vec<String> {
        let target = &self.target;
        let gone = format!(
            "DELETE FROM {target} AS t WHERE t.valid_to IS NOT NULL \
             OR NOT EXISTS (SELECT 1 FROM {STAGE} AS s WHERE s.customer = t.customer)"
        );
        vec![gone, self.update(Mode::Replace), self.insert()]
    }

    /// Ends the rows that hold no more, and begins new ones. What another build of the same `as_of` ended or began is
    /// taken back where this one has it otherwise: it is a correction, not a move.
    pub fn append(&self) -> Vec<String> {
        let target = &self.target;
        let same = "s.customer = t.customer AND s.segment = t.segment";
        let taken_back = format!(
            "DELETE FROM {target} AS t WHERE t.valid_from = {AS_OF} AND NOT EXISTS (SELECT 1 FROM {STAGE} AS s \
             WHERE s.customer = t.customer AND NOT EXISTS (SELECT 1 FROM {target} AS p WHERE p.customer = t.customer \
             AND p.valid_from < {AS_OF} AND (p.valid_to IS NULL OR p.valid_to = {AS_OF}) AND p.segment = s.segment))"
        );
        let goes_on = format!(
            "UPDATE {target} AS t SET valid_to = NULL WHERE t.valid_to = {AS_OF} \
             AND EXISTS (SELECT 1 FROM {STAGE} AS s WHERE {same})"
        );
        let ends = format!(
            "UPDATE {target} AS t SET valid_to = {AS_OF} WHERE t.valid_to IS NULL AND t.valid_from < {AS_OF} \
             AND NOT EXISTS (SELECT 1 FROM {STAGE} AS s WHERE {same})"
        );
        vec![taken_back, goes_on, ends, self.update(Mode::Append), self.insert()]
    }

    /// Brings the rows that hold now up to date, where they differ.
    fn update(&self, mode: Mode) -> String {
        let target = &self.target;
        let mut set = self.list(|name| format!("{name} = s.{name}"), ", ");
        let mut differs = self.list(|name| format!("t.{name} IS DISTINCT FROM s.{name}"), " OR ");
        if mode == Mode::Replace {
            set += &format!(", valid_from = {AS_OF}");
            differs += &format!(" OR t.valid_from <> {AS_OF}");
        }
        format!(
            "UPDATE {target} AS t SET {set}, build = {ID} FROM {STAGE} AS s \
             WHERE t.customer = s.customer AND t.valid_to IS NULL AND ({differs} OR t.build <> {ID})"
        )
    }

    /// Adds the customers who have no row that holds now.
    fn insert(&self) -> String {
        let target = &self.target;
        let (names, values) = (self.list(str::to_owned, ", "), self.list(|name| format!("s.{name}"), ", "));
        format!(
            "INSERT INTO {target} ({names}, build, valid_from) SELECT {values}, {ID}, {AS_OF} FROM {STAGE} AS s \
             WHERE NOT EXISTS (SELECT 1 FROM {target} AS t WHERE t.customer = s.customer AND t.valid_to IS NULL)"
        )
    }
}

/// A name that is only a name, whatever is in it.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
