//! What a spec expects of single rows and customers.

use std::fs;

use segc::testing::{self, TestResult};
use serde_json::Value;

use crate::support::{Case, segc, spec_around, stdout};

/// Line 1 is the header. ada spends 120.05, ben 30, cleo 9.995, emil 45; dora's only row is dropped.
const ORDERS: &str = "customer,invoice,product,quantity,price,at
ada,A1,cup,1,100.05,2024-01-10
ada,A2,,1,20.00,2024-03-10
ben,B1,tea,2,30.00,2024-02-01
ben,B1,tea,-1,30.00,2024-02-02
cleo,C1,pot,1,9.995,2024-03-01
dora,D1,pot,5,0,2024-03-01
emil,E1,tea,3,15.00,2024-03-20
";

fn case(expectations: &str) -> Case {
    let spec =
        spec_around("", "    drop \"free\" when price = 0", "    spent = sum(amount)\n    visits = count(baskets)");
    let test = format!("  test \"t\" {{\n{expectations}\n  }}\n}}\n");
    Case::new(&(spec.trim_end().trim_end_matches('}').to_owned() + &test), ORDERS)
}

#[track_caller]
fn result(expectations: &str) -> TestResult {
    let case = case(expectations);
    let built = case.built();
    let compiled = case.compile();
    testing::run(&built.plan, Some(&built), &|check| compiled.sources.one_line(check.span)).remove(0)
}

#[test]
fn a_row_that_is_not_as_expected_is_named_by_its_line() {
    let found = result("expect quantity > 0");
    assert_eq!(
        found.failures,
        [
            "expected quantity > 0, found otherwise for 1 of 6 rows (16.67 %)\n  orders.csv, row 5: quantity = -1, customer = \"ben\""
        ]
    );
    let found = &found.expectations[0];
    assert_eq!((found.of, found.holds, found.fails, found.unknown, found.passed), ("rows", 5, 1, 0, false));
}

/// Line 7 has a price of 0: a rule drops it, so it is none of the rows that are used.
#[test]
fn rows_that_a_rule_dropped_are_not_looked_at() {
    assert_eq!(result("expect price > 0 GBP").failures, Vec::<String>::new());
    let found = result("expect quantity < 5");
    assert_eq!((found.expectations[0].holds, found.expectations[0].fails), (6, 0));
    let after = result("expect quantity < 3");
    assert!(after.failures[0].contains("orders.csv, row 8: quantity = 3"), "{:?}", after.failures);
}

#[test]
fn a_customer_that_is_not_as_expected_is_named_with_its_values() {
    let found = result("expect spent between 10 GBP and 100 GBP and visits < 5");
    assert_eq!(
        found.failures,
        ["expected spent between 10 GBP and 100 GBP and visits < 5, found otherwise for 2 of 4 customers (50.00 %)
  customer ada: spent = 120.05 GBP, visits = 2
  customer cleo: spent = 9.995 GBP, visits = 1"]
    );
    // The median is (30 + 45) / 2.
    let found = result("expect spent <= 3 * all.spent");
    let ada = "  customer ada: spent = 120.05 GBP, all.spent = 37.5 GBP";
    assert_eq!(found.failures[0].lines().nth(1), Some(ada));
}

#[test]
fn mostly_counts_exactly() {
    // Of 6 rows 5 hold, which is 83.33… %.
    for (percent, passes) in [("83.33%", true), ("83.333333%", true), ("83.34%", false), ("100%", false), ("1%", true)]
    {
        let found = result(&format!("expect quantity > 0 mostly {percent}"));
        assert_eq!(found.failures.is_empty(), passes, "{percent}");
        assert_eq!(found.expectations[0].fails, 1);
    }
    let found = result("expect quantity > 0 mostly 90%");
    assert!(found.failures[0].starts_with("expected quantity > 0 mostly 90%, found"), "{:?}", found.failures);
    // A number before it is no quantity of a unit.
    assert!(result("expect visits >= 2 mostly 25%").failures.is_empty());
}

#[test]
fn what_is_unknown_counts_neither_for_nor_against() {
    let found = result("expect product != \"cup\"");
    let counts = &found.expectations[0];
    assert_eq!((counts.holds, counts.fails, counts.unknown), (4, 1, 1));
    assert!(found.failures[0].contains("for 1 of 5 rows (20.00 %); unknown for 1 more"), "{:?}", found.failures);
    let found = result("expect not_null(product, invoice)");
    assert!(
        found.failures[0].contains("orders.csv, row 3: product is missing, invoice = \"A2\""),
        "{:?}",
        found.failures
    );
    assert!(result("expect product is not missing mostly 80%").failures.is_empty());
    // A test that could look at nothing has shown nothing.
    let found = result("expect if product = \"none\" then quantity > 0 else missing");
    assert_eq!(
        found.failures,
        ["expected if product = \"none\" then quantity > 0 else missing, found no row of which it is known"]
    );
}

#[test]
fn what_is_unique_is_compared_by_all_its_values() {
    assert!(result("expect unique(invoice, quantity)").failures.is_empty());
    let found = result("expect unique(invoice, product)");
    // ada's second row has no product: it is neither like another nor unlike it.
    assert_eq!(
        found.failures,
        ["expected unique(invoice, product), found otherwise for 1 of 5 rows (20.00 %); unknown for 1 more
  orders.csv, row 5: invoice = \"B1\", product = \"tea\", customer = \"ben\", as orders.csv, row 4"]
    );
    // ben, cleo and emil come once; each of them after the first repeats it.
    let found = result("expect unique(visits)");
    assert!(found.failures[0].contains("for 2 of 4 customers"), "{:?}", found.failures);
    assert!(found.failures[0].contains("customer cleo: visits = 1, as customer ben"), "{:?}", found.failures);
    assert!(result("expect unique(spent)").failures.is_empty());
}

#[test]
fn a_few_examples_are_named_and_the_rest_is_counted() {
    let rows: String = (0..40).map(|n| format!("c{n},I{n},cup,{},1.00,2024-01-10\n", n % 2)).collect();
    let case = case("expect quantity = 1");
    case.put("orders.csv", &format!("customer,invoice,product,quantity,price,at\n{rows}"));
    let built = case.built();
    let found = testing::run(&built.plan, Some(&built), &|_| String::new()).remove(0);
    let lines: Vec<&str> = found.failures[0].lines().collect();
    assert_eq!(lines.len(), 7, "{lines:?}");
    assert!(lines[0].contains("for 20 of 40 rows (50.00 %)"));
    let places: Vec<&str> = lines[1..6].iter().map(|line| line.trim().split(':').next().unwrap()).collect();
    assert_eq!(places, [2, 4, 6, 8, 10].map(|row| format!("orders.csv, row {row}")));
    assert_eq!(lines[6], "  and 15 more");
}

#[test]
fn rules_are_held_to_what_they_may_take() {
    assert!(result("expect dropped(\"free\") = 1\n expect dropped(\"free\") < 15%").failures.is_empty());
    assert_eq!(result("expect dropped(\"free\") < 10%").failures, ["expected dropped(\"free\") < 10%, found 14.29 %"]);
    assert!(result("expect dropped(\"no time (built in)\") = 0").failures.is_empty());
}

/// An analyst runs the tests of a spec: all failures come at once, for people and for programs.
#[test]
fn all_failures_come_in_one_run() {
    let case = case("expect quantity > 0\n expect not_null(product)\n expect spent > 10 GBP\n expect customers = 4");
    let run = |arguments: &[&str]| {
        let output = segc(arguments).current_dir(case.folder.path()).output().unwrap();
        (output.status.code().unwrap(), stdout(&output).replace('\u{a0}', " "))
    };
    let (code, said) = run(&["test", "case.seg"]);
    assert_eq!(code, 1);
    let expected = "FAILED  t
        expected quantity > 0, found otherwise for 1 of 6 rows (16.67 %)
          orders.csv, row 5: quantity = -1, customer = \"ben\"
        expected not_null(product), found otherwise for 1 of 6 rows (16.67 %)
          orders.csv, row 3: product is missing, customer = \"ada\"
        expected spent > 10 GBP, found otherwise for 1 of 4 customers (25.00 %)
          customer cleo: spent = 9.995 GBP
0 passed, 1 failed
";
    assert_eq!(said, expected);
    let (code, said) = run(&["test", "case.seg", "--json"]);
    let line: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
    assert_eq!((code, &line["passed"]), (1, &false.into()));
    assert_eq!(
        line["expectations"][0],
        serde_json::json!({
            "expect": "quantity > 0", "of": "rows", "passed": false, "holds": 5, "fails": 1, "unknown": 0,
            "examples": [{"place": {"file": "orders.csv", "row": 5}, "values": [["quantity", "-1"], ["customer", "\"ben\""]]}],
        })
    );
    // A build is not held up by tests.
    assert_eq!(run(&["build", "case.seg", "-o", "out"]).0, 0);
    assert!(fs::metadata(case.path("out/segments.csv")).is_ok());
}
