//! The language reference: every block of `specs/LANGUAGE.md` is run, every result on it compared with what comes out,
//! and every table of words and rules compared with the code.
//!
//! A fenced block says in its info string what it is:
//! - `seg frame`: the spec around the shorter examples; its statements give way to those of an example;
//! - `seg spec`: a whole spec; `seg items`: statements; `seg feature`: lines of `features`, with results as comments;
//! - `seg row`: expressions over a row, with their values on lines of `orders.csv` as comments;
//! - `seg errors`: a statement a line, each with the one error that it gives as a comment;
//! - `seg file NAME`: a file that other examples include.
//!
//! A table that follows a block is its result: per customer, per segment, per rule of the ledger, or per k. A value that
//! ends in `…` is cut there. The numbers were worked out by hand and with pandas 3.1.1 and scikit-learn 1.9.1.

use std::collections::{BTreeMap, BTreeSet};

use segc::build::Built;
use segc::diagnostics::codes;
use segc::exec::customers::Values;
use segc::outcome::Outcome;
use segc::spec::{Function, Origin};
use segc::summarize::in_unit;
use segc::syntax::limits;
use segc::time::iso;
use segc::types::Base;

use crate::support::{Case, root};

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
    let expected = ["errors", "feature", "file", "frame", "items", "row", "spec"];
    assert_eq!(kinds, BTreeSet::from(expected));
    let results: BTreeSet<&str> = reference.blocks.iter().flat_map(|b| &b.results).map(|t| t.header[0].as_str()).collect();
    assert_eq!(results, BTreeSet::from(["customer", "k", "rule", "segment"]));
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
    assert_eq!(settings, ["on", "scale", "method", "k", "seed", "restarts"]);
    let values = |setting: &str| -> Vec<String> {
        let row = table.rows.iter().find(|row| spans(&row[0]) == [setting]).unwrap();
        spans(&row[1]).into_iter().map(str::to_owned).collect()
    };
    assert_eq!(values("scale"), words_known("k 2\n scale nothing_such"));
    assert_eq!(values("method"), words_known("k 2\n method nothing_such"));
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
        let taken = ["baskets", "as_of"].contains(&word.as_str());
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
            for (comparator, allowed) in [("=", allowed(1)), ("!=", allowed(1)), ("<", allowed(2)), (">=", allowed(2))] {
                let found = type_of(&reference, &format!("{a} {comparator} {b}"));
                assert_eq!(found.is_ok(), allowed, "{left} {comparator} {right}");
            }
        }
    }
}

#[test]
fn the_limits_are_those_of_the_code() {
    let table = Reference::read().table(&["at most"]);
    let stated = |words: &str| -> u64 {
        let row = table.rows.iter().find(|row| row[0].contains(words)).unwrap_or_else(|| panic!("no limit on {words}"));
        row[1].parse().unwrap()
    };
    let ingest = segc::ingest::Limits::default();
    assert_eq!(stated("bytes in one file of a spec"), limits::TEXT as u64);
    assert_eq!(stated("inside one another"), limits::NESTING as u64);
    assert_eq!(stated("include one another"), limits::INCLUDE_DEPTH as u64);
    assert_eq!(stated("files in a spec"), limits::FILES as u64);
    assert_eq!(stated("rows in a source"), ingest.rows);
    assert_eq!(stated("columns in a file"), ingest.columns as u64);
    let reference = Reference::read();
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

/// A fenced block and the tables that follow it.
struct Block {
    kind: String,
    argument: String,
    text: String,
    line: usize,
    results: Vec<Table>,
}

#[derive(Clone)]
struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

struct Reference {
    text: String,
    blocks: Vec<Block>,
    /// All tables, results or not.
    tables: Vec<Table>,
    /// The statements of the frame, each with the word that it starts with.
    frame: Vec<(String, String)>,
}

impl Reference {
    fn read() -> Reference {
        let text = std::fs::read_to_string(root().join("specs/LANGUAGE.md")).unwrap();
        let (mut blocks, mut tables, mut lines): (Vec<Block>, Vec<Table>, _) = (vec![], vec![], text.lines().enumerate().peekable());
        let mut directly_after = false;
        while let Some((number, line)) = lines.next() {
            if let Some(info) = line.strip_prefix("```") {
                let body: Vec<&str> = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
                let mut words = info.split(' ');
                assert_eq!(words.next(), Some("seg"), "line {}: a block without a convention", number + 1);
                let kind = words.next().unwrap_or("").to_owned();
                let argument = words.next().unwrap_or("").to_owned();
                blocks.push(Block { kind, argument, text: body.join("\n") + "\n", line: number + 1, results: vec![] });
                directly_after = true;
            } else if line.starts_with('|') {
                let mut rows = vec![cells(line)];
                while let Some((_, line)) = lines.next_if(|(_, line)| line.starts_with('|')) {
                    rows.push(cells(line));
                }
                let table = Table { header: rows.remove(0), rows: rows.split_off(1) };
                tables.push(table.clone());
                if directly_after {
                    blocks.last_mut().expect("a block stands before").results.push(table);
                }
            } else if !line.is_empty() {
                directly_after = false;
            }
        }
        let frame = blocks.iter().find(|block| block.kind == "frame").expect("the reference has a frame");
        let frame = statements(&frame.text);
        Reference { text, blocks, tables, frame }
    }

    /// The only table whose first headings are these.
    fn table(&self, header: &[&str]) -> Table {
        let mut found = self.tables.iter().filter(|table| table.header.iter().zip(header).all(|(a, b)| a == b));
        let table = found.next().unwrap_or_else(|| panic!("there is no table {header:?}")).clone();
        assert!(found.next().is_none(), "there are two tables {header:?}");
        table
    }

    /// All code: blocks and what stands in backticks.
    fn code(&self) -> String {
        let blocks: Vec<&str> = self.blocks.iter().map(|block| block.text.as_str()).collect();
        let mut prose = String::new();
        let mut inside = false;
        for line in self.text.lines() {
            if line.starts_with("```") {
                inside = !inside;
            } else if !inside {
                prose += line;
                prose.push('\n');
            }
        }
        blocks.join("\n") + &spans(&prose).join("\n")
    }

    /// A spec of the frame with these statements in the place of its own.
    fn around(&self, items: &str) -> String {
        let own: Vec<&str> = items.lines().filter(|line| !line.starts_with([' ', '}', '#'])).map(first_word).collect();
        // With features of its own, an example has labels of its own, or one for everybody.
        let relabelled = own.contains(&"features") && !own.contains(&"label");
        let gives_way = |word: &str| own.contains(&word) && word != "derive";
        let kept = |word: &str| !(gives_way(word) || (relabelled && word == "label"));
        let frame: String = self.frame.iter().filter(|(word, _)| kept(word)).map(|(_, text)| text.as_str()).collect();
        let label = if relabelled { "label customers { otherwise \"All\" }\n" } else { "" };
        format!("segmentation example {{\n{frame}{items}\n{label}}}\n")
    }

    fn run(&self, block: &Block) -> Vec<String> {
        let mut failures = vec![];
        let mut fail = |what: String| failures.push(format!("LANGUAGE.md:{}: {what}", block.line));
        match block.kind.as_str() {
            "frame" | "spec" => check_results(&self.case(&block.text), block, &mut fail),
            "items" => check_results(&self.case(&self.around(&block.text)), block, &mut fail),
            "feature" => {
                let case = self.case(&self.around(&format!("features {{\n{}}}", block.text)));
                check_results(&case, block, &mut fail);
            }
            "row" => self.rows(block, &mut fail),
            "errors" => {
                for line in block.text.lines() {
                    let (statement, comment) = line.split_once("# ").expect("a code in a comment");
                    self.errors(statement, comment.split(':').next().expect("text before a colon"), &mut fail);
                }
            }
            "file" => {}
            other => fail(format!("no convention `{other}`")),
        }
        failures
    }

    fn errors(&self, items: &str, code: &str, fail: &mut dyn FnMut(String)) {
        let found = codes_of(&self.around(items));
        if found.is_empty() || found.iter().any(|found| *found != code) {
            fail(format!("`{}`: expected {code}, found {found:?}", items.trim()));
        }
    }

    /// The spec with the example data and the files that examples include.
    fn case(&self, spec: &str) -> Case {
        let case = Case::new(spec, &orders());
        for file in self.blocks.iter().filter(|block| block.kind == "file") {
            case.put(&file.argument, &file.text);
        }
        case
    }

    /// Lines of `expression  # line 2: 9 GBP; line 3: missing`.
    fn rows(&self, block: &Block, fail: &mut dyn FnMut(String)) {
        for line in block.text.lines() {
            let Some((expression, expected)) = line.split_once("# line") else {
                fail(format!("`{line}` has no value"));
                continue;
            };
            for place in expected.split("; ") {
                let (number, value) = place.trim_start_matches("line").trim().split_once(": ").expect("`line N: value`");
                let found = self.value_on(number.parse().expect("the number of a line"), expression.trim());
                if !alike(value, &found) {
                    fail(format!("`{}` is {found} on line {number}", expression.trim()));
                }
            }
        }
    }

    /// The value of an expression on one line of the example data.
    fn value_on(&self, line: usize, expression: &str) -> String {
        let spec = |features: &str| {
            let items = format!(
                "derive value = {expression}\n\
                 derive somebody = coalesce(customer, \"nobody\")\n\
                 customers by somebody\nfilter {{ }}\nas_of max(at)\nfeatures {{ {features} }}\n"
            );
            self.around(&items)
        };
        let orders = orders();
        let all: Vec<&str> = orders.lines().collect();
        let rows = format!("{}\n{}\n", all[0], all[line - 1]);
        let compiled = Case::new(&spec("n = count()"), &rows).compile();
        let messages: Vec<&String> = compiled.diagnostics.iter().map(|d| &d.message).collect();
        assert!(!compiled.has_errors(), "{expression}: {messages:?}");
        let columns = &compiled.spec.as_ref().expect("there is no error").columns;
        let column = columns.iter().find(|c| c.name.value == "value").expect("it was derived");
        let Origin::Derived(value) = &column.origin else { unreachable!("it was derived") };
        let built = if value.ty.base == Base::Bool {
            let case = Case::new(&spec("it = share(value)"), &rows).built();
            let found = feature(&case, "it", 0);
            return match found.as_str() { "1" => "true".into(), "0" => "false".into(), _ => found };
        } else {
            Case::new(&spec("it = first(value)"), &rows).built()
        };
        feature(&built, "it", 0)
    }
}

fn orders() -> String {
    std::fs::read_to_string(root().join("tests/language/orders.csv")).unwrap()
}

/// The statements at the first level of a spec, by indentation.
fn statements(spec: &str) -> Vec<(String, String)> {
    let mut statements: Vec<(String, String)> = vec![];
    for line in spec.lines().skip(1).filter(|line| line.starts_with(' ')) {
        let starts = line.starts_with("  ") && !line[2..].starts_with([' ', '}']);
        if starts {
            statements.push((first_word(line.trim_start()).to_owned(), String::new()));
        }
        let (_, text) = statements.last_mut().expect("the first line starts a statement");
        text.push_str(line);
        text.push('\n');
    }
    statements
}

fn first_word(line: &str) -> &str {
    line.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("")
}

/// The cells of a line of a table, without blanks and backticks escaped for Markdown.
fn cells(line: &str) -> Vec<String> {
    line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
}

/// What stands in backticks.
fn spans(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The names in a cell, in backticks or not.
fn names_of(cell: &str) -> Vec<String> {
    let end = |c: char| !c.is_alphanumeric();
    cell.split(", ").map(|part| part.trim_matches('`').split(end).next().unwrap_or("").to_owned()).collect()
}

fn has(cell: &str, name: &str) -> bool {
    names_of(cell).iter().any(|n| n == name)
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == word)
}

fn check_results(case: &Case, block: &Block, fail: &mut dyn FnMut(String)) {
    let built = match case.build() {
        Ok(built) => built,
        Err(found) => {
            let texts: Vec<String> = found.iter().map(|d| format!("{} {}", d.code, d.message)).collect();
            return fail(format!("does not build: {texts:?}"));
        }
    };
    let results = segc::testing::run(&built.plan, Some(&built.outcome), &|_| String::new());
    for test in results.iter().filter(|test| !test.failures.is_empty()) {
        fail(format!("test \"{}\": {:?}", test.name, test.failures));
    }
    for result in &block.results {
        match result.header[0].as_str() {
            "customer" => check_customers(&built, result, fail),
            "segment" => check_segments(&built.outcome, result, fail),
            "rule" => check_ledger(&built.outcome, result, fail),
            "k" => check_search(&built.outcome, result, fail),
            other => fail(format!("no result starts with a column `{other}`")),
        }
    }
    check_comments(&built, block, fail);
}

/// `name = expression  # ann 3, ben missing`: comments that start with a customer.
fn check_comments(built: &Built, block: &Block, fail: &mut dyn FnMut(String)) {
    let ids = &built.execution.customers.ids;
    let mut compared = block.results.len();
    for line in block.text.lines() {
        let Some((definition, comment)) = line.split_once(" # ") else { continue };
        let name = first_word(definition.rsplit_once('{').map_or(definition, |(_, inner)| inner).trim_start());
        for expected in comment.split(", ") {
            let known = expected.trim().split_once(' ').and_then(|(customer, value)| {
                ids.iter().position(|id| id == customer).map(|row| (row, customer, value))
            });
            let Some((row, customer, value)) = known else {
                if block.kind == "feature" {
                    fail(format!("`{expected}` is about no customer"));
                }
                continue;
            };
            let found = feature(built, name, row);
            compared += 1;
            if !alike(value, &found) {
                fail(format!("`{name}` of {customer} is {found}, not {value}"));
            }
        }
    }
    if compared == 0 && block.kind == "feature" {
        fail("nothing is compared".into());
    }
}

fn check_customers(built: &Built, result: &Table, fail: &mut dyn FnMut(String)) {
    let ids = &built.execution.customers.ids;
    let shown: Vec<&String> = result.rows.iter().map(|row| &row[0]).collect();
    if shown != ids.iter().collect::<Vec<_>>() {
        fail(format!("the customers are {ids:?}"));
        return;
    }
    for (row, cells) in result.rows.iter().enumerate() {
        for (name, expected) in result.header.iter().zip(cells).skip(1) {
            let labelled = &built.execution.labelled;
            let found = match name.as_str() {
                "segment" => labelled.segments[labelled.of_customer[row] as usize].label.clone(),
                name => feature(built, name, row),
            };
            if !alike(expected, &found) {
                fail(format!("`{name}` of {} is {found}, not {expected}", cells[0]));
            }
        }
    }
}

fn check_segments(outcome: &Outcome, result: &Table, fail: &mut dyn FnMut(String)) {
    let found: BTreeMap<&str, (u64, Option<&str>)> =
        outcome.segments.iter().map(|s| (s.label.as_str(), (s.customers, s.amount.as_deref()))).collect();
    let same = result.rows.len() == found.len()
        && result.rows.iter().all(|row| {
            found.get(row[0].as_str()).is_some_and(|(customers, amount)| {
                row[1] == customers.to_string() && row.get(2).is_none_or(|expected| same_amount(expected, *amount))
            })
        });
    if !same {
        fail(format!("the segments are {found:?}"));
    }
}

/// Rules of the ledger; `read`, `refused` and `used` are rows of it too. All rules have to be there.
fn check_ledger(outcome: &Outcome, result: &Table, fail: &mut dyn FnMut(String)) {
    let ledger = &outcome.rows;
    let mut rules = vec![];
    for row in &result.rows {
        let (rows, amount) = match row[0].as_str() {
            "read" => (ledger.read, ledger.amount_read.as_deref()),
            "refused" => (ledger.refused, None),
            "used" => (ledger.used, ledger.amount_used.as_deref()),
            rule => {
                rules.push(rule);
                let Some(dropped) = ledger.dropped.iter().find(|d| d.rule == rule) else {
                    fail(format!("the ledger has no rule \"{rule}\""));
                    continue;
                };
                (dropped.rows, dropped.amount.as_deref())
            }
        };
        if row[1] != rows.to_string() || !same_amount(&row[2], amount) {
            fail(format!("\"{}\" has {rows} rows and {amount:?}", row[0]));
        }
    }
    let all: Vec<&str> = ledger.dropped.iter().map(|d| d.rule.as_str()).collect();
    if rules != all {
        fail(format!("the rules of the ledger are {all:?}"));
    }
}

fn check_search(outcome: &Outcome, result: &Table, fail: &mut dyn FnMut(String)) {
    let Some(cluster) = &outcome.cluster else { return fail("there are no clusters".into()) };
    for row in &result.rows {
        let (k, chosen) = row[0].split_once(", ").map_or((row[0].as_str(), false), |(k, _)| (k, true));
        let Some(found) = cluster.search.iter().find(|s| s.k.to_string() == k) else {
            fail(format!("k = {k} was not tried"));
            continue;
        };
        if chosen != (cluster.k == found.k) {
            fail(format!("k = {} was chosen", cluster.k));
        }
        for (name, expected) in result.header.iter().zip(row).skip(1) {
            let value = match name.as_str() {
                "silhouette" => found.silhouette,
                "davies_bouldin" => found.davies_bouldin,
                "calinski_harabasz" => found.calinski_harabasz,
                _ => Some(found.inertia),
            };
            let value = value.map_or("missing".to_owned(), |v| v.to_string());
            if !alike(expected, &value) {
                fail(format!("the {name} of k = {k} is {value}"));
            }
        }
    }
}

/// Equal, or equal as far as the `…` in the expected value.
fn alike(expected: &str, found: &str) -> bool {
    match expected.split_once('…') {
        Some((start, unit)) => found.starts_with(start) && found.ends_with(unit) && found.len() > expected.len() - 2,
        None => expected == found,
    }
}

/// Decimals of one value, whatever zeros they end in.
fn same_amount(expected: &str, found: Option<&str>) -> bool {
    let plain = |text: &str| if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() };
    plain(expected) == plain(found.unwrap_or(""))
}

/// A customer's feature with its unit, as the reference writes it.
fn feature(built: &Built, name: &str, row: usize) -> String {
    let Some(feature) = built.execution.customers.feature(name) else { return format!("no feature `{name}`") };
    match &feature.values {
        Values::Texts(texts) => texts[row].as_deref().unwrap_or("missing").to_owned(),
        Values::Bools(bools) => bools[row].map_or("missing".to_owned(), |b| b.to_string()),
        Values::Numbers(numbers) if numbers[row].is_nan() => "missing".to_owned(),
        Values::Numbers(numbers) => match feature.base {
            Base::Date => iso(numbers[row] as i64)[..10].to_owned(),
            Base::Datetime => iso(numbers[row] as i64)[..16].replace('T', " "),
            Base::Duration => format!("{} days", in_unit(feature.base, numbers[row])),
            Base::Money => format!("{} GBP", numbers[row]),
            _ => numbers[row].to_string(),
        },
    }
}

/// The codes of the errors of a spec.
fn codes_of(spec: &str) -> Vec<&'static str> {
    let compiled = Case::new(spec, &orders()).compile();
    compiled.diagnostics.iter().filter(|d| d.is_error()).map(|d| d.code).collect()
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

/// The help of the first error that a spec gives.
fn help_of(spec: &str) -> String {
    let compiled = Case::new(spec, &orders()).compile();
    let error = compiled.diagnostics.iter().find(|d| d.is_error()).expect("the spec has an error");
    error.help.clone().expect("the error has help")
}

/// What segc offers in the place of a word of `cluster` that it does not know.
pub fn words_known(settings: &str) -> Vec<String> {
    let reference = Reference::read();
    let help = help_of(&reference.around(&format!("cluster {{\n on log1p(monetary)\n {settings}\n}}")));
    spans(&help).into_iter().map(str::to_owned).collect()
}

/// The units of time spans, in the plural as segc offers them and in the singular.
pub fn units() -> Vec<String> {
    let reference = Reference::read();
    let help = help_of(&reference.around("param x = 5 nothing"));
    let plural: Vec<&str> = spans(&help).into_iter().filter(|unit| unit.ends_with('s')).collect();
    let singular = plural.iter().map(|unit| unit.trim_end_matches('s').to_owned());
    let units: Vec<String> = plural.iter().map(|unit| (*unit).to_owned()).chain(singular).collect();
    for unit in &units {
        assert!(codes_of(&reference.around(&format!("param x = 5 {unit}"))).is_empty(), "{unit}");
    }
    units
}

fn grammar() -> String {
    std::fs::read_to_string(root().join("grammar/seg.pest")).unwrap()
}

/// Every word that stands in the grammar.
pub fn words_of_grammar() -> Vec<String> {
    let grammar = grammar();
    let rules = grammar.lines().filter(|line| !line.trim_start().starts_with("//"));
    let words: BTreeSet<String> = rules.flat_map(quoted_words).collect();
    words.into_iter().collect()
}

/// The words in one rule of the grammar.
fn words_of_rule(rule: &str) -> Vec<String> {
    let grammar = grammar();
    let starts = |line: &&str| line.split_once('=').is_some_and(|(name, _)| name.trim() == rule);
    let mut lines = grammar.lines().skip_while(|line| !starts(line));
    let mut words = vec![];
    for line in lines.by_ref() {
        words.extend(quoted_words(line));
        if line.trim_end().ends_with('}') {
            break;
        }
    }
    assert!(!words.is_empty(), "the grammar has no rule `{rule}`");
    words
}

/// The words that the statements of a spec start with: the first keyword of every alternative of `item`.
fn statement_words() -> BTreeSet<String> {
    let grammar = grammar();
    let item = grammar.split("\nitem = _{").nth(1).and_then(|rest| rest.split('}').next()).expect("a rule `item`");
    let rules = item.split('|').filter_map(|alternative| alternative.split('~').next()).map(str::trim);
    rules
        .filter(|rule| !rule.is_empty() && *rule != "unknown_item")
        .map(|rule| {
            let line = grammar.lines().find(|line| line.split_once('=').is_some_and(|(name, _)| name.trim() == rule));
            let (_, body) = line.and_then(|line| line.split_once("kw_")).unwrap_or_else(|| panic!("no keyword in `{rule}`"));
            let keyword = first_word(body);
            words_of_rule(&format!("kw_{keyword}")).remove(0)
        })
        .collect()
}

/// Words in quotes; escapes of texts and the marks of literals are single letters or no words.
fn quoted_words(line: &str) -> Vec<String> {
    let word = |text: &&str| text.chars().all(|c| c.is_ascii_lowercase() || c == '_') && !text.is_empty();
    let keyword = line.trim_start().starts_with("kw_");
    let quoted = line.split('"').skip(1).step_by(2);
    quoted.filter(word).filter(|text| keyword || text.len() > 1).map(str::to_owned).collect()
}
