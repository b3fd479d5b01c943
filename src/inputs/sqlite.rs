//! What goes wrong with SQLite files, as diagnostics at the setting that can be changed.

use super::Declared;
use crate::database::sqlite::Failure;
use crate::diagnostics::{Diagnostic, suggest};

/// `text` is the failure in words, with the name of the file.
pub(super) fn diagnostic(text: String, failure: &Failure, declared: &Declared) -> Diagnostic {
    let format = &declared.source.format;
    let rows = format.table.as_ref().or(format.query.as_ref());
    let rows_at = rows.map_or(declared.file_span(None), |rows| rows.span);
    match failure {
        Failure::WhichTable { tables } => match tables.first() {
            None => Diagnostic::error("SEG0304", text)
                .at(declared.file_span(None), "this file")
                .help("look whether this is the file that you mean"),
            Some(first) => Diagnostic::error("SEG0210", "the source does not say which rows of the database")
                .at(declared.file_span(None), "which table?")
                .note(format!("it has {}", suggest::list(tables.iter().map(String::as_str))))
                .help(format!("write {}, or `query \"SELECT ...\"`", as_setting(first))),
        },
        Failure::NoTable { table, near, tables } => {
            let diagnostic = Diagnostic::error("SEG0325", format!("the database has no table `{table}`"));
            match near.first() {
                Some(near) => diagnostic
                    .at(rows_at, format!("did you mean `{near}`?"))
                    .help(format!("write {}", as_setting(near))),
                None => diagnostic
                    .at(rows_at, "not found")
                    .help(format!("the database has {}", suggest::list(tables.iter().map(String::as_str)))),
            }
        }
        Failure::Statements => Diagnostic::error("SEG0326", "the query is not one query: it has several statements")
            .at(rows_at, "has to be one `SELECT`")
            .help("write one `SELECT`, or `WITH ... SELECT`"),
        Failure::Writes(what) => Diagnostic::error("SEG0326", format!("the query does more than read: {what}"))
            .at(rows_at, "may only read")
            .help("segc lets through what reads rows: one `SELECT` over the tables of this file"),
        Failure::Query { reason, at } => {
            let near = at.as_ref().map_or(String::new(), |at| format!(", near `{at}`"));
            Diagnostic::error("SEG0326", format!("the database can't run this: {reason}{near}"))
                .at(rows_at, "as SQLite sees it")
                .help("try it in `sqlite3`; names stand in \\\"quotes\\\", texts in 'quotes'")
        }
        Failure::TooLong { limit } => {
            let seconds = limit.as_secs_f64();
            let double = 2.0 * seconds.max(1.0).ceil();
            Diagnostic::error("SEG0328", format!("the database took longer than {seconds} s"))
                .at(format.timeout.as_ref().map_or(rows_at, |timeout| timeout.span), "stopped there")
                .help(format!("allow more with `timeout {double} seconds`, or let a `query` give fewer rows"))
        }
        Failure::Unfinished { .. } => Diagnostic::error("SEG0316", text)
            .at(declared.file_span(None), "not all of it is in this file")
            .help("close the program that writes to it, or run `PRAGMA wal_checkpoint(TRUNCATE)` in `sqlite3`"),
        Failure::Damaged(_) | Failure::TooBig { .. } => super::diagnostic_plain(text, declared),
    }
}

fn as_setting(table: &str) -> String {
    format!("`table \"{}\"`", table.replace('"', "\\\""))
}
