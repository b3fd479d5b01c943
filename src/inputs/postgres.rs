//! Sources in PostgreSQL: from the settings of the spec to rows, and from what goes wrong to diagnostics.

use std::time::Duration;

use super::{Declared, diagnostic, request};
use crate::compile::Compiled;
use crate::database::postgres::{self, Address, Failure, Login, Reading, Selection, Session, Statement, statement};
use crate::diagnostics::{Diagnostic, Severity, suggest};
use crate::ingest::{IngestError, Loaded, Request};
use crate::plan::Plan;
use crate::progress::Progress;
use crate::syntax::ast::Rows;
use crate::world::World;

/// How long a database may take where the spec says nothing.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Compares the columns that the spec declares with those of the database, without reading rows. A spec can be checked
/// where its database is out of reach, so that this is a warning.
pub(super) fn check(world: &dyn World, declared: &Declared, request: &Request, plan: &Plan) -> Vec<Diagnostic> {
    match prepare(world, declared, request, plan) {
        Ok(_) => vec![],
        Err(failure) => {
            let mut diagnostic = failed(&failure, declared);
            if is_out_of_reach(&failure) {
                diagnostic.severity = Severity::Warning;
            }
            vec![diagnostic]
        }
    }
}

/// Reads the rows.
pub(super) fn read(
    world: &dyn World,
    declared: &Declared,
    request: &Request,
    plan: &Plan,
    progress: &dyn Progress,
) -> Result<Loaded, Box<Diagnostic>> {
    let read = || {
        let (mut session, statement) = prepare(world, declared, request, plan)?;
        postgres::read(&mut session, &statement, progress)
    };
    read().map_err(|failure| Box::new(failed(&failure, declared)))
}

/// The statements that a build sends to databases, and what of the cleaning they do. Nothing where there is an error.
pub fn show(world: &dyn World, compiled: &Compiled) -> Result<Option<String>, Vec<Diagnostic>> {
    let (Some(spec), Some(plan)) = (&compiled.spec, &compiled.plan) else { return Ok(None) };
    let mut out = String::new();
    for (scan, source) in plan.scans().zip(&spec.sources) {
        if let Rows::Postgres { .. } = source.rows {
            let declared = Declared { spec, source };
            let statement = prepare(world, &declared, &request(scan, vec![]), plan);
            let (_, statement) = statement.map_err(|failure| vec![failed(&failure, &declared)])?;
            out += &shown(&statement, plan);
        }
    }
    if out.is_empty() {
        out += "-- no database: everything runs in segc\n";
    }
    Ok(Some(out))
}

fn shown(statement: &Statement, plan: &Plan) -> String {
    // A name of a rule must not end the comment that it stands in.
    let one_line = |text: &str| text.replace(char::is_control, " ");
    let mut out = format!("-- {}\n", one_line(&statement.name));
    match &statement.pushed {
        Ok(pushed) => {
            for rule in &plan.drops[..pushed.rules] {
                out += &format!("-- runs in the database: \"{}\"\n", one_line(&rule.rule));
            }
            if let Some(rule) = &pushed.stopped_by {
                out += &format!("-- runs in segc, with all rules after it: \"{}\"\n", one_line(rule));
            }
        }
        Err(why) => out += &format!("-- all rules run in segc: {}\n", one_line(why)),
    }
    format!("{out}{};\n", statement.sql)
}

/// Connects, begins to read, and makes the statement.
fn prepare(
    world: &dyn World,
    declared: &Declared,
    request: &Request,
    plan: &Plan,
) -> Result<(Session, Statement), Failure> {
    let Rows::Postgres { variable } = &declared.source.rows else {
        unreachable!("only sources in PostgreSQL come here")
    };
    let variable = &variable.value;
    let format = &declared.source.format;
    let (selection, what) = match (&format.table, &format.query) {
        (Some(table), _) => (Selection::Table(table.value.clone()), table.value.as_str()),
        (None, Some(query)) => (Selection::Query(without_semicolon(&query.value).to_owned()), "query"),
        (None, None) => unreachable!("`resolve` wants a table or a query"),
    };
    let timezone = format.timezone.as_ref().map(|zone| zone.value.as_str());
    let reading = Reading {
        timezone: timezone.unwrap_or("UTC").to_owned(),
        limit: format.timeout.as_ref().map_or(TIMEOUT, |timeout| Duration::from_millis(timeout.value)),
    };
    let address = Address::parse(&world.variable(variable).ok_or(Failure::NoVariable)?)?;
    let mut session = Session::open(&address)?;
    session.begin_reading(&reading)?;
    let name = format!("postgres {variable}: {what}");
    // Rules are about the rows that are counted, as they are once they have been joined.
    let counted = plan.scan.source == declared.source.name.value && plan.joins.is_empty();
    let pushdown = (counted && format.pushdown != Some(false)).then_some(plan);
    // A database has no totals below its tables.
    let mut request = request.clone();
    request.format.footer = Some(0);
    let statement = statement(&mut session, &selection, &name, &request, timezone, pushdown)?;
    Ok((session, statement))
}

/// People end a query as they do at a prompt.
fn without_semicolon(query: &str) -> &str {
    query.trim().trim_end_matches(|c: char| c == ';' || c.is_whitespace())
}

/// Whether a failure says nothing of the spec, but that the database can't be asked from here.
fn is_out_of_reach(failure: &Failure) -> bool {
    use Failure::*;
    matches!(failure, NoVariable | Address(_) | Unreachable(_) | Tls(_) | Refused { .. } | Broken(_) | TooLong { .. })
}

/// A failure in terms of the spec: at the variable, the table, the query or the setting that can be changed.
fn failed(failure: &Failure, declared: &Declared) -> Diagnostic {
    let Rows::Postgres { variable } = &declared.source.rows else {
        unreachable!("only sources in PostgreSQL come here")
    };
    let format = &declared.source.format;
    let table = format.table.as_ref();
    let rows = table.or(format.query.as_ref());
    let rows_at = rows.map_or(declared.head(), |rows| rows.span);
    match failure {
        Failure::NoTable { near } => {
            let name = table.map_or("", |table| &table.value);
            let diagnostic = Diagnostic::error("SEG0325", format!("the database has no table `{name}`"));
            match near.first() {
                Some(near) => diagnostic
                    .at(rows_at, format!("did you mean `{near}`?"))
                    .help(format!("write `table \"{}\"`", near.replace('"', "\\\""))),
                None => diagnostic
                    .at(rows_at, "not found")
                    .help("name it with its schema, `table \"sales.orders\"`, spelt as the database has it"),
            }
        }
        Failure::Forbidden(reason) => {
            Diagnostic::error("SEG0325", format!("the database does not allow this: {reason}"))
                .at(rows_at, "may not be read")
                .help("ask its owner for `GRANT SELECT ON ... TO ...`, or set the variable to a role that may read it")
        }
        Failure::NoTimeZone { near } => {
            let zone = format.timezone.as_ref();
            let name = zone.map_or("UTC", |zone| &zone.value);
            let near = near.first().map_or("Europe/London", String::as_str);
            Diagnostic::error("SEG0209", format!("there is no time zone `{name}`"))
                .at(zone.map_or(declared.head(), |zone| zone.span), "not in the time zone database")
                .help(format!("write for example `timezone \"{near}\"`"))
        }
        Failure::Statements(reason) => Diagnostic::error("SEG0326", format!("the query is not one query: {reason}"))
            .at(rows_at, "has to be one `SELECT`")
            .help("write one `SELECT`, or `WITH ... SELECT`, without a semicolon in it"),
        Failure::Writes(reason) => Diagnostic::error("SEG0326", format!("the query writes: {reason}"))
            .at(rows_at, "may only read")
            .help("segc reads in a transaction that can change nothing: leave out what writes"),
        Failure::Query { reason, at } => {
            let near = at.as_ref().map_or(String::new(), |at| format!(", near `{at}`"));
            Diagnostic::error("SEG0326", format!("the database can't run this: {reason}{near}"))
                .at(rows_at, "as the database sees it")
                .help("try it in `psql`; in a text of the spec, `\\\"` is a quote")
        }
        Failure::Broken(reason) => {
            Diagnostic::error("SEG0327", format!("the connection ended before the rows did: {reason}"))
                .at(variable.span, "this database")
                .help("run it again; if that does not help, look into the log of the server")
        }
        Failure::TooLong { limit } => {
            let seconds = limit.as_secs_f64();
            let double = 2.0 * seconds.max(1.0).ceil();
            Diagnostic::error("SEG0328", format!("the database took longer than {seconds} s"))
                .at(format.timeout.as_ref().map_or(rows_at, |timeout| timeout.span), "stopped there")
                .help(format!("allow more with `timeout {double} seconds`, or let the query give fewer rows"))
        }
        Failure::Rows(error @ IngestError::TooLarge { .. }) => Diagnostic::error("SEG0328", error.to_string())
            .at(rows_at, "more than segc takes")
            .help("let a `query` give fewer rows or smaller ones"),
        Failure::Rows(error) => diagnostic(error, declared),
        _ => {
            let (diagnostic, label) = unconnected(failure, &variable.value);
            diagnostic.at(variable.span, label)
        }
    }
}

/// Why there is no connection to the database that a variable names, and what to say where the variable stands.
pub fn unconnected(failure: &Failure, variable: &str) -> (Diagnostic, &'static str) {
    let example = format!("`{variable}=postgresql://USER:PASSWORD@HOST/DATABASE`");
    match failure {
        Failure::NoVariable => (
            Diagnostic::error("SEG0321", format!("the variable {variable} is not set"))
                .help(format!("set it before segc runs: {example}")),
            "should say where the database is",
        ),
        Failure::Address(reason) => (
            Diagnostic::error("SEG0321", format!("what {variable} holds is no address of a database: {reason}"))
                .help(format!("set it for example to {example}")),
            "this variable",
        ),
        Failure::Unreachable(reason) => (
            Diagnostic::error("SEG0322", format!("the database that {variable} names can't be reached: {reason}"))
                .help(format!(
                    "look at host and port in {variable}, and whether the server runs and lets this machine in"
                )),
            "no connection",
        ),
        Failure::Tls(reason) => (
            Diagnostic::error("SEG0323", format!("there is no secure connection to the database: {reason}")).help(
                "name the file of the authority in the variable SSL_CERT_FILE; with `sslmode=require` the connection \
                 is encrypted, whoever answers",
            ),
            "as its `sslmode` asks",
        ),
        Failure::Refused { login, reason } => {
            let help = match login {
                Login::Password => {
                    format!("look at user and password in {variable}; signs are percent-encoded in a URL")
                }
                Login::Database => format!("look at the name of the database in {variable}"),
                Login::Rules => format!("look at user and `sslmode` in {variable}, and at pg_hba.conf on the server"),
            };
            let text = format!("the database does not let segc in: {reason}");
            (Diagnostic::error("SEG0324", text).help(help), "as this variable says")
        }
        other => (
            Diagnostic::error("SEG0327", format!("the connection failed: {other:?}"))
                .help(format!("look at {}", suggest::list([variable]))),
            "this database",
        ),
    }
}
