//! The one statement that brings the rows of a source: only the columns that are asked for and, where rules of the spec
//! can run in the database, without the rows that leave by them, which are counted and summed there instead.
//!
//! Both halves come from one statement, so that they see the same rows even where a query gives others every time.

use std::collections::BTreeMap;

use super::columns::{Described, Said, ServerType, describe, quoted_table, said, selected};
use super::error::Failure;
use super::session::Session;
use crate::ingest::{self, Detection, Kind, Numbers, Request};
use crate::plan::Plan;
use crate::plan::sql::{self, Prefix, quote_name};

/// What a source takes rows from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// A table or view, as `schema.name` or `name`.
    Table(String),
    /// One query, without a semicolon.
    Query(String),
}

impl Selection {
    pub(super) fn relation(&self) -> String {
        match self {
            Selection::Table(name) => quoted_table(name),
            // The line break ends a comment that the query may end in.
            Selection::Query(text) => format!("({text}\n) AS \"$query\""),
        }
    }
}

/// A statement, and how to read what it gives.
#[derive(Debug, Clone)]
pub struct Statement {
    /// A `SELECT`.
    pub sql: String,
    /// The same without rules in the database.
    pub(super) plain: String,
    /// The rules that run in the database, or why none does.
    pub pushed: Result<Pushed, String>,
    /// What messages and manifests call the source.
    pub name: String,
    /// The request, with dates as the server writes them.
    pub(super) request: Request,
    /// Of the requested columns among the cells.
    pub(super) positions: Vec<usize>,
    pub(super) numbers: Vec<Numbers>,
    pub(super) headers: Vec<String>,
    pub(super) cells: usize,
    pub(super) detected: Vec<Detection>,
}

/// Rules that run in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The first so many rules of the plan.
    pub rules: usize,
    /// The rule after these, if it is one that has no translation.
    pub stopped_by: Option<String>,
    /// The requested columns of money, and where each lies among the cells.
    pub(super) money: Vec<(usize, usize)>,
}

/// The statement for a source. With a plan, its rules run in the database as far as they can.
///
/// `timezone` is the one that the spec states.
pub fn statement(
    session: &mut Session,
    selection: &Selection,
    name: &str,
    request: &Request,
    timezone: Option<&str>,
    plan: Option<&Plan>,
) -> Result<Statement, Failure> {
    let described = describe(session, selection)?;
    let headers: Vec<String> = described.iter().map(|column| column.name.clone()).collect();
    let (located, mut detected) = ingest::locate(name, &headers, &request.columns)?;
    let types: Vec<ServerType> = located.iter().map(|at| described[*at].ty).collect();
    let zone = timezone.unwrap_or("UTC");
    detected.extend(unsaid_zone(&types, request, timezone));
    let chosen = Chosen::new(&described, &located, request);
    let mut request = request.clone();
    for (column, ty) in request.columns.iter_mut().zip(&types) {
        if matches!(ty, ServerType::Date | ServerType::Timestamp | ServerType::Timestamptz) {
            column.dates.clear();
        }
    }
    let numbers = types.iter().map(|ty| if is_text(*ty) { Numbers::AsStated } else { Numbers::Plain }).collect();
    let source = Source { selection, described: &described, chosen: &chosen, zone };
    let pushed = match plan {
        Some(plan) => push(session, selection, &source, &types, &request, plan)?,
        None => Err("the spec says `pushdown no`".to_owned()),
    };
    let plain = source.plain();
    let (sql, pushed) = match pushed {
        Ok((sql, pushed)) => (sql, Ok(pushed)),
        Err(why) => (plain.clone(), Err(why)),
    };
    Ok(Statement {
        sql,
        plain,
        pushed,
        name: name.to_owned(),
        request,
        positions: chosen.positions.clone(),
        numbers,
        headers: located.iter().map(|at| headers[*at].clone()).collect(),
        cells: chosen.columns.len(),
        detected,
    })
}

fn is_text(ty: ServerType) -> bool {
    matches!(ty, ServerType::Text | ServerType::Padded | ServerType::Other)
}

/// A moment of the world is a day here and another there: which zone is meant is not for segc to know.
fn unsaid_zone(types: &[ServerType], request: &Request, timezone: Option<&str>) -> Option<Detection> {
    let column = types.iter().position(|ty| *ty == ServerType::Timestamptz).filter(|_| timezone.is_none())?;
    let others = types.iter().filter(|ty| **ty == ServerType::Timestamptz).count() - 1;
    let more = if others > 0 { format!(", like {others} more") } else { String::new() };
    Some(Detection {
        what: "time zone",
        column: Some(column),
        value: "UTC".to_owned(),
        evidence: format!("`{}` is a `timestamp with time zone`{more}", request.columns[column].name),
        pin: "timezone \"UTC\"".to_owned(),
        certain: false,
    })
}

/// The columns of the result that are sent, in order, under names of ours.
struct Chosen {
    /// Indexes into the columns of the result.
    columns: Vec<usize>,
    /// Of every column of the result, sent or not.
    aliases: Vec<String>,
    /// Of the requested columns among those sent.
    positions: Vec<usize>,
}

impl Chosen {
    fn new(described: &[Described], located: &[usize], request: &Request) -> Chosen {
        let alias = |at: usize| match located.iter().position(|other| *other == at) {
            Some(first) => quote_name(&request.columns[first].name),
            // No name of a spec has such a sign.
            None => quote_name(&format!("${}", at + 1)),
        };
        let columns: Vec<usize> = if request.identity {
            (0..described.len()).collect()
        } else {
            let mut distinct = vec![];
            located.iter().for_each(|at| {
                if !distinct.contains(at) {
                    distinct.push(*at)
                }
            });
            distinct
        };
        let position = |at: &usize| columns.iter().position(|other| other == at).expect("what is located is chosen");
        Chosen {
            positions: located.iter().map(position).collect(),
            aliases: (0..described.len()).map(alias).collect(),
            columns,
        }
    }

    fn sent(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|at| self.aliases[*at].as_str())
    }
}

struct Source<'a> {
    selection: &'a Selection,
    described: &'a [Described],
    chosen: &'a Chosen,
    zone: &'a str,
}

impl Source<'_> {
    /// The columns that are sent, as their text should be.
    fn list(&self) -> String {
        let selected = self.chosen.columns.iter().map(|at| {
            let alias = &self.chosen.aliases[*at];
            let value = selected(self.described[*at].ty, alias, self.zone);
            if value == *alias { value } else { format!("{value} AS {alias}") }
        });
        selected.collect::<Vec<_>>().join(", ")
    }

    fn from(&self) -> String {
        // Names by position: a query may have the same name twice.
        let aliases = self.chosen.aliases.join(", ");
        match self.selection {
            Selection::Table(_) => format!("{} AS \"$table\" ({aliases})", self.selection.relation()),
            Selection::Query(_) => format!("{} ({aliases})", self.selection.relation()),
        }
    }

    fn plain(&self) -> String {
        format!("SELECT {}\nFROM {}", self.list(), self.from())
    }

    /// The rows that stay, numbered as they come, and a row for each rule that took any.
    fn judged(&self, prefix: &Prefix, clean: &[(String, String)], money: &[String], once: bool) -> String {
        let cleaned: String = clean.iter().map(|(name, value)| format!(",\n    {value} AS {name}")).collect();
        let rules: String = prefix
            .leaves
            .iter()
            .enumerate()
            .map(|(rule, leaves)| format!("\n      WHEN {leaves} THEN {}", rule + 1))
            .collect();
        let amount = prefix.amount.as_deref().unwrap_or("NULL::numeric");
        let nothing: String = self.chosen.sent().map(|_| ", NULL").collect();
        let sent: String = self.chosen.sent().map(|alias| format!(", {alias}")).collect();
        let scales: String =
            money.iter().map(|value| format!(", max(min_scale({value})), max(abs({value}))")).collect();
        let none: String = money.iter().map(|_| ", NULL, NULL").collect();
        // A table gives the same rows twice; what a query or a view gives is kept.
        let kept = if once { "MATERIALIZED" } else { "NOT MATERIALIZED" };
        format!(
            "WITH \"$read\" AS {kept} (\n  SELECT row_number() OVER () AS \"$row\", {list}\n  FROM {from}\n\
             ), \"$judged\" AS NOT MATERIALIZED (\n  SELECT *, CASE WHEN {sure}\n    THEN CASE{rules}\n    END END AS \"$rule\"\n  \
             FROM (SELECT *{cleaned}\n    FROM \"$read\") AS \"$clean\"\n)\n\
             SELECT NULL AS \"$row\"{nothing}, \"$rule\", count(*), sum({amount}){scales}\n\
             FROM \"$judged\" WHERE \"$rule\" IS NOT NULL GROUP BY \"$rule\"\n\
             UNION ALL\n\
             SELECT \"$row\"{sent}, NULL, NULL, NULL{none}\n\
             FROM \"$judged\" WHERE \"$rule\" IS NULL",
            list = self.list(),
            from = self.from(),
            sure = if prefix.sure.is_empty() { "true".to_owned() } else { prefix.sure.join("\n    AND ") },
        )
    }
}

/// The first version that can tell the least scale of a `numeric`.
const OLDEST: i32 = 130_000;

/// The statement that runs rules in the database, or why there is none.
fn push(
    session: &mut Session,
    selection: &Selection,
    source: &Source,
    types: &[ServerType],
    request: &Request,
    plan: &Plan,
) -> Result<Result<(String, Pushed), String>, Failure> {
    let missing = &request.format.missing;
    let (mut columns, mut clean, mut money) = (BTreeMap::new(), vec![], vec![]);
    for (index, (column, ty)) in request.columns.iter().zip(types).enumerate() {
        let at = source.chosen.columns[source.chosen.positions[index]];
        let alias = &source.chosen.aliases[at];
        let cleaned = quote_name(&format!("{}$", column.name));
        let Some(Said { clean: text, column: value }) = said(*ty, column.kind, alias, &cleaned, missing) else {
            let (server, kind) = (&source.described[at].type_name, column.kind.word());
            return Ok(Err(format!("`{}` is `{server}` there and read as {kind}", column.name)));
        };
        clean.extend(text.map(|text| (cleaned, text)));
        if column.kind == Kind::Money {
            money.push(((index, source.chosen.positions[index]), value.value.clone()));
        }
        columns.insert(column.name.clone(), value);
    }
    let prefix = match sql::prefix(plan, &columns) {
        Ok(prefix) => prefix,
        Err(why) => return Ok(Err(why)),
    };
    let (version, encoding, stable) = facts(session, selection)?;
    if version < OLDEST {
        return Ok(Err("the server is older than PostgreSQL 13".to_owned()));
    }
    if encoding != "UTF8" {
        return Ok(Err(format!("the database is encoded in {encoding}")));
    }
    let (money, values): (Vec<(usize, usize)>, Vec<String>) = money.into_iter().unzip();
    let sql = source.judged(&prefix, &clean, &values, !stable);
    let rules = prefix.leaves.len();
    Ok(Ok((sql, Pushed { rules, stopped_by: prefix.stopped_by, money })))
}

/// The version of the server, the encoding of the database, and whether the rows are those of a plain table.
fn facts(session: &mut Session, selection: &Selection) -> Result<(i32, String, bool), Failure> {
    let table = match selection {
        Selection::Table(name) => quoted_table(name),
        Selection::Query(_) => String::new(),
    };
    // A view can give other rows every time it is asked, as can a rule on rows or a table of another server.
    let ask = "SELECT current_setting('server_version_num')::int4, current_setting('server_encoding'), \
         coalesce((SELECT relkind IN ('r', 'p', 'm') AND NOT relrowsecurity FROM pg_class WHERE oid = to_regclass(nullif($1, ''))), false)";
    let row = session.client.query_one(ask, &[&table]).map_err(|error| session.failure(&error, None))?;
    Ok((row.get(0), row.get(1), row.get(2)))
}
