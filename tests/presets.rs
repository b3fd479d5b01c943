//! The tables of segments in `specs/presets`: what is said of them is what the checker finds.
//!
//! The counts of gaps and overlaps were taken from the published tables by a script of its own, cell by cell.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Case, root, segc, stderr, stdout};

/// A spec over the made shop that takes its labels from a preset.
pub fn shop(preset: &str) -> Case {
    let spec = format!(
        "segmentation shop {{
  currency GBP
  source sales from \"shop.csv.gz\" {{
    customer: id       = CustomerID
    invoice:  text     = InvoiceNo
    quantity: int      = Quantity
    price:    money    = UnitPrice
    at:       datetime = InvoiceDate
  }}
  derive amount = quantity * price
  filter {{
    drop \"no customer\" when customer is missing
    drop \"returned\" when quantity <= 0
  }}
  as_of max(at) + 1 day
  baskets by invoice
  features {{
    recency = whole_days(as_of - max(at))
    frequency = count(baskets)
    monetary = sum(amount)
    r = score(recency, 5, low is best)
    f = score(frequency, 5)
    m = score(monetary, 5)
    fm = round((f + m) / 2)
  }}
  include \"{preset}.seg\"
}}
"
    );
    let case = Case::new(&spec, "");
    fs::copy(root().join("specs/data/shop.csv.gz"), case.path("shop.csv.gz")).unwrap();
    let text = fs::read_to_string(root().join(format!("specs/presets/{preset}.seg"))).unwrap();
    case.put(&format!("{preset}.seg"), &text);
    case
}

fn run(case: &Case, arguments: &[&str]) -> std::process::Output {
    segc(arguments).current_dir(case.folder.path()).output().unwrap()
}

/// What `segc check --json` says, each line for itself.
fn said(case: &Case) -> Vec<Value> {
    let output = run(case, &["check", "case.seg", "--json"]);
    stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[track_caller]
fn has(preset: &str, of: &[&str], [all, gaps, overlaps, pairs]: [u64; 4], never: &[&str]) {
    let said = said(&shop(preset));
    let summary = &said.last().unwrap()["summary"];
    assert_eq!(summary["cells"], json!({"of": of, "all": all, "gaps": gaps, "overlaps": overlaps}));
    assert_eq!(summary["overlapping_pairs"], pairs);
    let listed = said.iter().filter(|d| d["code"] == "SEG0610").count();
    assert_eq!(listed as u64, pairs);
    let found: Vec<&str> =
        said.iter().filter(|d| d["code"] == "SEG0603").map(|d| d["message"].as_str().unwrap()).collect();
    let expected = never.iter().map(|label| format!("the rule for \"{label}\" can never match"));
    assert_eq!(found, expected.collect::<Vec<_>>());
    let others = said.iter().filter_map(|d| d["code"].as_str()).find(|code| !["SEG0603", "SEG0610"].contains(code));
    assert_eq!(others, None);
}

#[test]
fn the_grid_of_recency_and_frequency_is_a_partition() {
    has("rf_grid", &["r", "f"], [25, 0, 0, 0], &[]);
}

#[test]
fn the_table_of_putler_overlaps_in_20_of_25_cells() {
    has("putler", &["r", "fm"], [25, 0, 20, 21], &["Lost"]);
}

#[test]
fn the_example_of_r_leaves_10_of_125_cells_and_overlaps_in_58() {
    has("r_rfm", &["r", "f", "m"], [125, 10, 58, 24], &[]);
}

#[test]
fn presets_build() {
    for (preset, segments) in [("rf_grid", 10), ("putler", 10), ("r_rfm", 11)] {
        let built = shop(preset).built();
        assert_eq!(built.outcome.customers, 800, "{preset}");
        let named = built.outcome.segments.len();
        assert!(named > segments / 2 && named <= segments, "{preset}: {named} segments");
    }
}

/// Overlaps are how rules are mostly meant: one line says that there are some, and more is shown to those who ask.
#[test]
fn overlaps_are_counted_and_listed_on_request() {
    let case = shop("r_rfm");
    let short = run(&case, &["check", "case.seg", "--deny"]);
    assert_eq!(short.status.code(), Some(0), "an overlap is no warning: {}", stderr(&short));
    assert_eq!(
        stdout(&short),
        "case.seg: fine\n24 pairs of label rules fit the same customers, where the first one gives the label; \
         `--notes` lists them\n"
    );
    assert_eq!(stderr(&short), "");
    let long = run(&case, &["check", "case.seg", "--notes"]);
    assert_eq!(stderr(&long).matches("note[SEG0610]").count(), 24);
    assert!(stdout(&long).ends_with("of 125 cells of `r`, `f` and `m`, 10 fit no rule and 58 fit several\n"));
}

#[test]
fn the_example_of_an_overlap_is_in_it() {
    let said = said(&shop("r_rfm"));
    let first = said.iter().find(|d| d["code"] == "SEG0610").unwrap();
    assert_eq!(
        first["message"],
        "\"Champions\" and \"Potential loyalist\" both fit a customer with `r = 5 and f = 5 and m = 5`"
    );
    assert_eq!(first["region"], json!(["r = 5", "f = 5", "m = 5"]));
    assert_eq!(first["witness"], json!({"r": "5", "f": "5", "m": "5"}));
    assert_eq!(first["severity"], "note");
}
