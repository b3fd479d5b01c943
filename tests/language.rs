//! The language reference: every block of `specs/LANGUAGE.md` is run, every result on it compared with what comes out,
//! and every table of words and rules compared with the code.
//!
//! A fenced block says in its info string what it is:
//! - `seg frame`: the spec around the shorter examples; its statements give way to those of an example;
//! - `seg spec`: a whole spec; `seg items`: statements; `seg feature`: lines of `features`, with results as comments;
//! - `seg row`: expressions over a row, with their values on lines of `orders.csv` as comments;
//! - `seg errors`: a statement a line, each with the one error that it gives as a comment;
//! - `seg checked`: statements that need more than the example data to run, such as a database;
//! - `seg file NAME`: a file that other examples include;
//! - `sql`: a question to the table that two builds of the frame have left behind.
//!
//! A table that follows a block is its result: per customer, per segment, per rule of the ledger, per joined source, or per k. A value that
//! ends in `…` is cut there. The numbers were worked out by hand and with pandas 3.1.1 and scikit-learn 1.9.1.

mod examples;
mod reference;
pub mod words;

use std::collections::BTreeSet;

use segc::diagnostics::codes;
use segc::spec::{Function, Origin};
use segc::syntax::limits;
use segc::types::Base;

use crate::support::Case;
use reference::{Reference, has, has_word, names_of, orders, spans};
use words::{codes_of, statement_words, units, words_known, words_of_grammar, words_of_rule};

#[test]
fn every_example_gives_what_the_reference_says() {
    let reference = Reference::read();
    let failures: Vec<String> = reference.blocks.iter().flat_map(|block| reference.run(block)).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_kind_of_example_occurs() {
    let reference = Reference::read();
    let kinds: BTreeSet<&str> = reference.blocks.iter().map(|block| block.kind.as_str()).collect();
    let expected = ["checked", "errors", "feature", "file", "findings", "frame", "items", "row", "spec", "sql"];
    assert_eq!(kinds, BTreeSet::from(expected));
    let results: BTreeSet<&str> =
        reference.blocks.iter().flat_map(|b| &b.results).map(|t| t.header[0].as_str()).collect();
    assert_eq!(results, BTreeSet::from(["customer", "joined", "k", "rule", "segment"]));
}

#[test]
fn the_table_of_the_example_data_is_the_file() {
    let table = Reference::read().table(&["line", "customer"]);
    let shown: Vec<String> = table.rows.iter().map(|row| row[1..].join(",")).collect();
    let lines: Vec<usize> = table.rows.iter().map(|row| row[0].parse().unwrap()).collect();
    let orders = orders();
    assert_eq!(shown, orders.lines().skip(1).collect::<Vec<_>>());
    assert_eq!(lines, (2..2 + shown.len()).collect::<Vec<_>>());
    assert_eq!(table.header[1..].join(","), orders.lines().next().unwrap());
}

#[test]
fn every_word_of_the_grammar_is_in_the_reference() {
    let code = Reference::read().code();
    let words = words_of_grammar().into_iter().chain(Function::names().map(str::to_owned));
    let words = words.chain(Base::COLUMN_TYPES.map(str::to_owned)).chain(units());
    let absent: Vec<String> = words.filter(|word| !has_word(&code, word)).collect();
    assert!(absent.is_empty(), "not in the reference: {absent:?}");
}

#[test]
fn the_tables_of_functions_have_all_of_them_and_no_other() {
    let reference = Reference::read();
    let tables = reference.tables.iter().filter(|table| table.header[0] == "function");
    let cells: String = tables.flat_map(|table| &table.rows).map(|row| row[0].clone() + " ").collect();
    let shown: BTreeSet<&str> = spans(&cells).into_iter().map(|call| call.split('(').next().unwrap()).collect();
    assert_eq!(shown, Function::names().collect());
}

#[test]
fn the_tables_of_settings_and_types_are_complete() {
    let reference = Reference::read();
    let first = |header: &[&str]| -> BTreeSet<String> {
        reference.table(header).rows.iter().flat_map(|row| spans(&row[0])).map(str::to_owned).collect()
    };
    assert_eq!(first(&["type", "what a cell may look like"]), Base::COLUMN_TYPES.map(str::to_owned).into());
    assert_eq!(first(&["setting", "example"]), words_of_rule("setting_name").into_iter().collect());
    let statements: BTreeSet<String> =
        first(&["statement", "how often"]).iter().map(|s| s.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(statements, statement_words());
}

/// A misspelt word is answered with the list of those that are known.
#[test]
fn the_words_of_cluster_are_those_that_segc_knows() {
    let reference = Reference::read();
    let table = reference.table(&["setting", "values"]);
    let settings: Vec<&str> = table.rows.iter().flat_map(|row| spans(&row[0])).collect();
    assert_eq!(
        settings,
        ["on", "scale", "method", "k", "seed", "restarts", "covariance", "radius", "neighbours", "smallest"]
    );
    let values = |setting: &str| -> Vec<String> {
        let row = table.rows.iter().find(|row| spans(&row[0]) == [setting]).unwrap();
        spans(&row[1]).into_iter().map(str::to_owned).collect()
    };
    assert_eq!(values("scale"), words_known("k 2\n scale nothing_such"));
    assert_eq!(values("method"), words_known("k 2\n method nothing_such"));
    assert_eq!(values("covariance"), words_known("k 2\n method gmm\n covariance nothing_such"));
    for criterion in words_known("k 2..3 by nothing_such") {
        assert!(has_word(&reference.code(), &criterion), "{criterion}");
    }
}

#[test]
fn the_reserved_words_can_not_be_names_and_all_others_can() {
    let reference = Reference::read();
    let after = reference.text.split("Reserved words").nth(1).expect("a paragraph about reserved words");
    let paragraph = after.split("All other words").next().unwrap();
    let reserved: BTreeSet<&str> = spans(paragraph).into_iter().collect();
    assert_eq!(reserved, words_of_rule("reserved").iter().map(String::as_str).collect());
    for word in words_of_grammar() {
        let refused = !codes_of(&reference.around(&format!("derive {word} = 1"))).is_empty();
        let taken = ["all", "baskets", "as_of"].contains(&word.as_str());
        assert_eq!(refused, taken || reserved.contains(word.as_str()), "{word}");
    }
}

/// Columns of every type, by the words that the tables use.
const TYPED: [(&str, &str); 10] = [
    ("int", "quantity"),
    ("number", "(quantity / 2)"),
    ("share", "10%"),
    ("money", "price"),
    ("span", "(at - at)"),
    ("date", "date_of(at)"),
    ("datetime", "at"),
    ("text", "product"),
    ("id", "customer"),
    ("bool", "(quantity > 1)"),
];

#[test]
fn the_table_of_arithmetic_holds_in_both_directions() {
    let reference = Reference::read();
    let table = reference.table(&["left", "operator"]);
    let mut checked = 0;
    for (left, a) in TYPED {
        for (right, b) in TYPED {
            for operator in ["+", "-", "*", "/"] {
                let fits = |row: &&Vec<String>| {
                    has(&row[0], left) && spans(&row[1]).contains(&operator) && has(&row[2], right)
                };
                let expected = table.rows.iter().find(fits).map(|row| names_of(&row[3])[0].clone());
                let found = type_of(&reference, &format!("{a} {operator} {b}"));
                assert_eq!(found.ok(), expected, "{left} {operator} {right}");
                checked += 1;
            }
        }
    }
    assert_eq!(checked, 400);
}

#[test]
fn the_table_of_comparisons_holds_in_both_directions() {
    let reference = Reference::read();
    let table = reference.table(&["with each other"]);
    for (left, a) in TYPED {
        for (right, b) in TYPED {
            let allowed = |column: usize| {
                let both = |row: &&Vec<String>| has(&row[0], left) && has(&row[0], right) && row[column] == "yes";
                table.rows.iter().any(|row| both(&row))
            };
            for (comparator, allowed) in [("=", allowed(1)), ("!=", allowed(1)), ("<", allowed(2)), (">=", allowed(2))]
            {
                let found = type_of(&reference, &format!("{a} {comparator} {b}"));
                assert_eq!(found.is_ok(), allowed, "{left} {comparator} {right}");
            }
        }
    }
}

#[test]
fn the_limits_are_those_of_the_code() {
    let reference = Reference::read();
    let paragraph = reference.text.split("At most: ").nth(1).and_then(|rest| rest.split(".\n").next()).unwrap();
    let limits_stated: Vec<String> =
        paragraph.split(';').map(|part| part.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let stated = |words: &str| -> u64 {
        let found = limits_stated.iter().find(|limit| limit.contains(words));
        let limit = found.unwrap_or_else(|| panic!("no limit on {words}"));
        limit.split(' ').next().unwrap().parse().unwrap()
    };
    let ingest = segc::ingest::Limits::default();
    assert_eq!(stated("bytes in one file of a spec"), limits::TEXT as u64);
    assert_eq!(stated("inside one another"), limits::NESTING as u64);
    assert_eq!(stated("include one another"), limits::INCLUDE_DEPTH as u64);
    assert_eq!(stated("files in a spec"), limits::FILES as u64);
    assert_eq!(stated("`if` in one block"), limits::CONDITIONALS as u64);
    assert_eq!(stated("rows in a source"), ingest.rows);
    assert_eq!(stated("columns in a file"), ingest.columns as u64);
    let fits = |items: String| codes_of(&reference.around(&items)).is_empty();
    let cluster = |settings: String| format!("cluster {{\n on log1p(monetary)\n {settings}\n}}");
    let decimals = |n: u64| format!("derive x = 0.{}1", "0".repeat(n as usize - 1));
    let specs: [(&str, &dyn Fn(u64) -> String); 3] = [
        ("clusters", &|n| cluster(format!("k {n}"))),
        ("restarts", &|n| cluster(format!("k 2\n restarts {n}"))),
        ("decimals", &decimals),
    ];
    for (words, spec) in specs {
        let most = stated(words);
        assert!(fits(spec(most)), "{words} {most}");
        assert!(!fits(spec(most + 1)), "{words} {}", most + 1);
    }
}

#[test]
fn every_code_in_the_reference_exists() {
    let text = Reference::read().text;
    let named: Vec<&str> = text.match_indices("SEG0").filter_map(|(at, _)| text.get(at..at + 7)).collect();
    assert!(named.len() > 5);
    for code in named {
        assert!(codes::find(code).is_some(), "{code}");
    }
}

/// The type of a row's expression, in the words of the tables, or the codes of its errors.
fn type_of(reference: &Reference, expression: &str) -> Result<String, Vec<&'static str>> {
    let spec = reference.around(&format!("derive it = {expression}"));
    let compiled = Case::new(&spec, "").compile();
    let codes: Vec<&str> = compiled.diagnostics.iter().filter(|d| d.is_error()).map(|d| d.code).collect();
    if !codes.is_empty() {
        assert_eq!(codes, ["SEG0207"], "{expression}");
        return Err(codes);
    }
    let spec = compiled.spec.expect("there is no error");
    let column = spec.columns.iter().find(|c| c.name.value == "it").expect("it was derived");
    let Origin::Derived(value) = &column.origin else { unreachable!("it was derived") };
    Ok(match value.ty.base {
        Base::Int => "int",
        Base::Number => "number",
        Base::Share => "share",
        Base::Money => "money",
        Base::Duration => "span",
        Base::Date => "date",
        Base::Datetime => "datetime",
        Base::Bool => "bool",
        other => panic!("{expression} is {other}"),
    }
    .to_owned())
}
