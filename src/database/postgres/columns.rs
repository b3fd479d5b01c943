//! What the server says of the columns of a table or a query, and which of its types are exactly ours.

use ::postgres::types::{Kind as TypeKind, Type};

use super::error::Failure;
use super::session::Session;
use super::statement::Selection;
use crate::diagnostics::suggest;
use crate::ingest::{Kind, NO_ID, NOTHING};
use crate::plan::sql::{self, Form, quote, quote_name};

/// A column of the result, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Described {
    pub name: String,
    pub ty: ServerType,
    /// As the server calls it, for people.
    pub type_name: String,
}

/// Types by what their text looks like and what can be said of their values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerType {
    Text,
    /// `char(n)`: padded with blanks, which mean nothing.
    Padded,
    /// Of up to 64 bits.
    Int,
    /// Decimals behind the point at most, if the type says it.
    Numeric(Option<u8>),
    Float4,
    Float8,
    /// The type `money`: its text depends on the locale of the server.
    Money,
    Bool,
    Date,
    Timestamp,
    /// A moment of the world; which day that is depends on the time zone.
    Timestamptz,
    Other,
}

/// Asks the server for the columns, without running anything.
pub fn describe(session: &mut Session, selection: &Selection) -> Result<Vec<Described>, Failure> {
    let text = match selection {
        Selection::Table(name) => {
            let found = session.client.query_one("SELECT to_regclass($1) IS NOT NULL", &[&quoted_table(name)]);
            let found = found.map_err(|error| session.failure(&error, None))?;
            if !found.get::<_, bool>(0) {
                return Err(Failure::NoTable { near: tables_near(session, name)? });
            }
            None
        }
        Selection::Query(text) => {
            // By itself it has to be one whole statement: what follows puts it in brackets.
            if let Err(error) = session.client.prepare(text) {
                // A syntax error has a place, the complaint about several statements has none.
                let several = error.as_db_error().is_some_and(|db| {
                    *db.code() == ::postgres::error::SqlState::SYNTAX_ERROR && db.position().is_none()
                });
                return Err(match session.failure(&error, Some(text)) {
                    Failure::Query { reason, .. } if several => Failure::Statements(reason),
                    failure => failure,
                });
            }
            Some(text)
        }
    };
    let prepared = session.client.prepare(&format!("SELECT * FROM {}", selection.relation()));
    let prepared = prepared.map_err(|error| match (session.failure(&error, None), text) {
        // It is a whole statement, but none that gives rows to others.
        (Failure::Query { reason, .. }, Some(_)) if is_not_a_select(&error) => Failure::Statements(reason),
        (failure, _) => failure,
    })?;
    let columns = prepared.columns().iter().map(|column| Described {
        name: column.name().to_owned(),
        ty: server_type(column.type_(), column.type_modifier()),
        type_name: type_name(column.type_(), column.type_modifier()),
    });
    Ok(columns.collect())
}

fn is_not_a_select(error: &::postgres::Error) -> bool {
    use ::postgres::error::SqlState;
    error.code().is_some_and(|code| *code == SqlState::SYNTAX_ERROR || *code == SqlState::FEATURE_NOT_SUPPORTED)
}

/// `public.orders` as SQL has it: each part in quotes, so that it is taken as it stands. A part that has a dot itself is
/// written in quotes in the spec.
pub(super) fn quoted_table(name: &str) -> String {
    let (mut parts, mut part, mut in_quotes) = (vec![], String::new(), false);
    for c in name.chars() {
        match c {
            '"' => in_quotes = !in_quotes,
            '.' if !in_quotes => parts.push(std::mem::take(&mut part)),
            c => part.push(c),
        }
    }
    parts.push(part);
    parts.iter().map(|part| quote_name(part)).collect::<Vec<_>>().join(".")
}

/// Tables and views that are spelt like `name`, as a spec would name them.
fn tables_near(session: &mut Session, name: &str) -> Result<Vec<String>, Failure> {
    let all = "SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT LIKE 'pg\\_%' \
         AND n.nspname <> 'information_schema' ORDER BY 1, 2 LIMIT 10000";
    let rows = session.client.query(all, &[]).map_err(|error| session.failure(&error, None))?;
    let tables: Vec<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let last = name.rsplit('.').next().unwrap_or(name).trim_matches('"');
    // The same name in another schema is nearer than any other name.
    let same = tables.iter().find(|(_, table)| table == last);
    let found = same.map(|(schema, table)| format!("{schema}.{table}")).or_else(|| {
        let full: Vec<String> = tables.iter().map(|(schema, table)| format!("{schema}.{table}")).collect();
        let near = suggest::nearest(name, full.iter().map(String::as_str)).map(str::to_owned);
        near.or_else(|| {
            let near = suggest::nearest(last, tables.iter().map(|(_, table)| table.as_str()))?;
            let (schema, table) = tables.iter().find(|(_, table)| table == near)?;
            Some(format!("{schema}.{table}"))
        })
    });
    Ok(found.into_iter().collect())
}

fn server_type(ty: &Type, modifier: i32) -> ServerType {
    match ty.kind() {
        // The modifier of a column does not tell that of its domain.
        TypeKind::Domain(base) => return server_type(base, -1),
        TypeKind::Enum(_) => return ServerType::Text,
        _ => {}
    }
    match *ty {
        Type::TEXT | Type::VARCHAR | Type::UUID => ServerType::Text,
        Type::BPCHAR => ServerType::Padded,
        Type::INT2 | Type::INT4 | Type::INT8 => ServerType::Int,
        Type::NUMERIC => ServerType::Numeric(scale(modifier)),
        Type::FLOAT4 => ServerType::Float4,
        Type::FLOAT8 => ServerType::Float8,
        Type::MONEY => ServerType::Money,
        Type::BOOL => ServerType::Bool,
        Type::DATE => ServerType::Date,
        Type::TIMESTAMP => ServerType::Timestamp,
        Type::TIMESTAMPTZ => ServerType::Timestamptz,
        _ => ServerType::Other,
    }
}

/// The scale in the modifier of a `numeric`: its lower eleven bits, signed, behind an offset of four.
fn scale(modifier: i32) -> Option<u8> {
    let bits = modifier.checked_sub(4).filter(|bits| *bits >= 0)? & 0x7ff;
    let scale = if bits >= 0x400 { bits - 0x800 } else { bits };
    u8::try_from(scale.max(0)).ok()
}

fn type_name(ty: &Type, modifier: i32) -> String {
    match (ty.name(), scale(modifier)) {
        ("numeric", Some(scale)) => format!("numeric with {scale} decimals"),
        ("bpchar", _) => "char".to_owned(),
        (name, _) => name.to_owned(),
    }
}

/// Characters that are blank to segc: those that Unicode calls white space.
const BLANKS: &str = r"U&' \0009\000A\000B\000C\000D\0085\00A0\1680\2000\2001\2002\2003\2004\2005\2006\2007\2008\2009\200A\2028\2029\202F\205F\3000'";

/// What the statement selects for a column, so that its text is what segc reads.
pub(super) fn selected(ty: ServerType, alias: &str, zone: &str) -> String {
    match ty {
        ServerType::Padded => format!("{alias}::text"),
        ServerType::Money => format!("{alias}::numeric"),
        ServerType::Timestamptz => format!("{alias} AT TIME ZONE {}", quote(zone)),
        _ => alias.to_owned(),
    }
}

/// What segc makes of the column, said in SQL.
pub(super) struct Said {
    /// Its clean text, where that is not the column itself; selected beside the column, under the name in `column`.
    pub clean: Option<String>,
    pub column: sql::Column,
}

/// A column of the type `ty`, read as `kind`, as the database can say it: `alias` is what is selected, `clean` a name
/// for its clean text. Nothing where reading involves more than the database can say. `missing` are the words for a
/// missing value.
pub(super) fn said(ty: ServerType, kind: Kind, alias: &str, clean: &str, missing: &[String]) -> Option<Said> {
    use ServerType::*;
    if matches!(kind, Kind::Id | Kind::Text) {
        return text(ty, kind, alias, clean, missing);
    }
    if !missing.is_empty() {
        return None;
    }
    let column = |form, value: &str, readable: &[String]| {
        let readable = (!readable.is_empty()).then(|| format!("coalesce({}, true)", readable.join(" AND ")));
        Some(Said { clean: None, column: sql::Column { form, value: value.to_owned(), readable } })
    };
    let numeric = format!("{alias}::numeric");
    // So many digits as segc reads them, and no NaN: that is larger than every number.
    let decimal = |value: &str, scale: u8| {
        let bound = sql::bound(scale).expect("money has nine decimals at most");
        [
            format!("scale({value}) <= 15"),
            format!("{value} = round({value}, {scale})"),
            format!("abs({value}) < {bound}"),
        ]
    };
    // The one number of 64 bits that has no opposite.
    let not_the_least = format!("{alias} > '-9223372036854775808'::int8");
    match (ty, kind) {
        (Int, Kind::Int) => column(Form::Int, &numeric, &[not_the_least]),
        (Numeric(_), Kind::Int) => column(Form::Int, alias, &decimal(alias, 0)),
        (Int, Kind::Money) => column(Form::Decimal(0), &numeric, &[not_the_least]),
        (Numeric(scale), Kind::Money) => {
            let scale = scale.unwrap_or(9).min(9);
            column(Form::Decimal(scale), alias, &decimal(alias, scale))
        }
        (Money, Kind::Money) => column(Form::Decimal(9), alias, &decimal(alias, 9)),
        (Float4 | Float8, Kind::Money) => {
            // The decimal that the shortest text of the number is; a cast alone would cut it to fifteen digits.
            let value = format!("CASE WHEN {alias} > -1e15 AND {alias} < 1e15 THEN {alias}::text::numeric END");
            let value = format!("({value})");
            let known = format!("{alias} > -1e15 AND {alias} < 1e15");
            let [digits, round, bound] = decimal(&value, 9);
            column(Form::Decimal(9), &value, &[known, digits, round, bound])
        }
        (Float8, Kind::Number | Kind::Share) => column(Form::Double, alias, &finite(alias)),
        (Float4, Kind::Number | Kind::Share) => {
            column(Form::Double, &format!("{alias}::text::double precision"), &finite(alias))
        }
        (Int, Kind::Number | Kind::Share) => column(Form::Double, &format!("{alias}::double precision"), &[]),
        (Bool, Kind::Bool) => column(Form::Bool, alias, &[]),
        (Int, Kind::Bool) => column(Form::Bool, &format!("({alias} = 1)"), &[format!("{alias} IN (0, 1)")]),
        (Date, Kind::Date | Kind::Datetime) => {
            let years = format!("{alias} BETWEEN '1000-01-01' AND '9999-12-31'");
            column(Form::Time, &format!("{alias}::timestamp"), &[years])
        }
        (Timestamp | Timestamptz, Kind::Datetime) => column(Form::Time, alias, &[years(alias)]),
        // A time of day is left out and reported with the number of cells that had one.
        (Timestamp | Timestamptz, Kind::Date) => {
            column(Form::Time, alias, &[years(alias), format!("{alias} = date_trunc('day', {alias})")])
        }
        _ => None,
    }
}

fn finite(alias: &str) -> [String; 1] {
    // NaN is larger than infinity.
    [format!("{alias} > '-infinity' AND {alias} < 'infinity'")]
}

fn years(alias: &str) -> String {
    format!("{alias} >= '1000-01-01' AND {alias} < '10000-01-01'")
}

/// Text is compared by its bytes, whatever the language of the database, and blank text is missing.
fn text(ty: ServerType, kind: Kind, alias: &str, clean: &str, missing: &[String]) -> Option<Said> {
    if matches!(ty, ServerType::Other | ServerType::Bool) {
        return None;
    }
    let raw = format!("({alias}::text COLLATE \"C\")");
    let trimmed = format!("btrim({raw}, {BLANKS})");
    let value = if kind == Kind::Id { &trimmed } else { &raw };
    let cleaned = if missing.is_empty() && kind == Kind::Id {
        format!("nullif({trimmed}, '')")
    } else if missing.is_empty() {
        format!("CASE WHEN {trimmed} <> '' THEN {value} END")
    } else {
        let words: Vec<String> = missing.iter().map(|word| quote(word.trim())).collect();
        format!("CASE WHEN {trimmed} NOT IN ('', {}) THEN {value} END", words.join(", "))
    };
    // Words that may stand for a missing value are reported with their number.
    let suspects: Vec<String> = NOTHING.iter().chain(&NO_ID).map(|word| quote(word)).collect();
    let readable = Some(format!("coalesce({clean} NOT IN ({}), true)", suspects.join(", ")));
    Some(Said { clean: Some(cleaned), column: sql::Column { form: Form::Text, value: clean.to_owned(), readable } })
}
