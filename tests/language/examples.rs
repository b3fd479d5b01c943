//! Runs the examples of the reference and compares what comes out with the results that stand beside them.

use std::collections::BTreeMap;
use std::time::Duration;

use rusqlite::types::ValueRef;
use segc::build::Built;
use segc::database::write::Mode;
use segc::exec::customers::Values;
use segc::outcome::Outcome;
use segc::sinks::{self, Asked};
use segc::spec::Origin;
use segc::summarize::in_unit;
use segc::time::iso;
use segc::types::Base;

use super::reference::{Block, Reference, Table, first_word, orders};
use super::words::codes_of;
use crate::support::Case;

impl Reference {
    /// What is wrong with an example.
    pub fn run(&self, block: &Block) -> Vec<String> {
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
            "checked" => {
                let found = codes_of(&self.around(&block.text));
                if !found.is_empty() {
                    fail(format!("gives {found:?}"));
                }
            }
            "findings" => {
                for line in block.text.lines() {
                    let (statement, comment) = line.split_once("# ").expect("a finding in a comment");
                    self.finding(statement, comment, &mut fail);
                }
            }
            "file" => {}
            "sql" => self.sql(block, &mut fail),
            other => fail(format!("no convention `{other}`")),
        }
        failures
    }

    /// A question to the table `segments` in which the history of the frame stands.
    fn sql(&self, block: &Block, fail: &mut dyn FnMut(String)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("segments.db");
        let asked: Asked = format!("sqlite:{}#segments", path.display()).parse().unwrap();
        let sinks = sinks::asked(&[asked], Mode::Append);
        for (build, as_of) in [("0", "as_of @2024-04-01\n"), ("1", "")] {
            let built = self.case(&self.around(as_of)).built();
            sinks::write(&segc::world::Disk::default(), &sinks[0], &built, build, Duration::ZERO).unwrap();
        }
        let database = rusqlite::Connection::open(&path).unwrap();
        let mut statement = database.prepare(&block.text).unwrap();
        let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let text = |value: ValueRef| match value {
            ValueRef::Null => String::new(),
            ValueRef::Real(x) => x.to_string(),
            value => value.as_str().unwrap_or_default().to_owned(),
        };
        let row = |row: &rusqlite::Row| Ok((0..names.len()).map(|nth| text(row.get_ref_unwrap(nth))).collect());
        let rows: Vec<Vec<String>> = statement.query_map([], row).unwrap().map(Result::unwrap).collect();
        match block.results.as_slice() {
            [table] if table.header == names && table.rows == rows => {}
            _ => fail(format!("the rows are {names:?} {rows:?}")),
        }
    }

    fn errors(&self, items: &str, code: &str, fail: &mut dyn FnMut(String)) {
        let found = codes_of(&self.around(items));
        if found.is_empty() || found.iter().any(|found| *found != code) {
            fail(format!("`{}`: expected {code}, found {found:?}", items.trim()));
        }
    }

    /// What is said of a statement: one thing, with its code.
    fn finding(&self, items: &str, expected: &str, fail: &mut dyn FnMut(String)) {
        let found = self.case(&self.around(items)).compile().diagnostics;
        let found: Vec<String> = found.iter().map(|d| format!("{}: {}", d.code, d.message)).collect();
        if found != [expected] {
            fail(format!("`{}`: expected `{expected}`, found {found:#?}", items.trim()));
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
                let (number, value) =
                    place.trim_start_matches("line").trim().split_once(": ").expect("`line N: value`");
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
            return match found.as_str() {
                "1" => "true".into(),
                "0" => "false".into(),
                _ => found,
            };
        } else {
            Case::new(&spec("it = first(value)"), &rows).built()
        };
        feature(&built, "it", 0)
    }
}

fn check_results(case: &Case, block: &Block, fail: &mut dyn FnMut(String)) {
    let built = match case.build() {
        Ok(built) => built,
        Err(found) => {
            let texts: Vec<String> = found.iter().map(|d| format!("{} {}", d.code, d.message)).collect();
            return fail(format!("does not build: {texts:?}"));
        }
    };
    let results = segc::testing::run(&built.plan, Some(&built), &|_| String::new());
    for test in results.iter().filter(|test| !test.failures.is_empty()) {
        fail(format!("test \"{}\": {:?}", test.name, test.failures));
    }
    for result in &block.results {
        match result.header[0].as_str() {
            "customer" => check_customers(&built, result, fail),
            "segment" => check_segments(&built.outcome, result, fail),
            "rule" => check_ledger(&built.outcome, result, fail),
            "joined" => check_joins(&built.outcome, result, fail),
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

fn check_joins(outcome: &Outcome, result: &Table, fail: &mut dyn FnMut(String)) {
    let found: Vec<Vec<String>> = (outcome.joins.iter())
        .map(|join| {
            let numbers = [join.read, join.refused, join.matched, join.unmatched, join.unused].map(|n| n.to_string());
            [vec![join.source.clone()], numbers.to_vec()].concat()
        })
        .collect();
    if result.rows != found {
        fail(format!("the joins are {found:?}"));
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
    let plain = |text: &str| {
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() }
    };
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
