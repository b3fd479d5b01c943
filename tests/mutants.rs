//! What the tests of a spec would notice: coverage, mutants, and the tests that are suggested for those that survive.

use std::collections::BTreeMap;
use std::fs;
use std::process::Output;

use rand_core::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use segc::testing::Example;
use segc::testing::mutants::{Fate, Mutant, mutants};
use segc::testing::suggest::{appended, block, suggest};
use serde_json::{Value, json};

use crate::presets::shop;
use crate::regions::{Grid, Random, Writer, compiled, spec};
use crate::support::{Case, segc, stderr, stdout};

/// Random rule sets that are tried.
const SETS: u64 = 600;
const MOST_POINTS: usize = 1_000;

/// Rules over two features, with tests that look at little of them.
const WEAK: &str = r#"segmentation weak {
  currency EUR
  source orders from "orders.csv" { customer: id; price: money; at: datetime; country: text }
  as_of max(at)
  features {
    visits = count()
    spent  = sum(price)
    home   = mode(country)
  }
  label customers {
    "Big"     when spent >= 1_000 EUR and visits >= 1
    "Regular" when visits in 3..5 or home = "IT"
    otherwise "Rest"
  }
  test "who spends much is Big" {
    given { spent = 5_000 EUR; visits = 10 }
    expect "Big"
  }
  test "who comes seldom is of the rest" {
    given { spent = 20 EUR; visits = 1; home = "FR" }
    expect "Rest"
  }
}
"#;

fn weak() -> Case {
    Case::new(WEAK, "customer,price,at,country\n1,2.00,2024-01-01,FR\n")
}

fn run(case: &Case, arguments: &[&str]) -> Output {
    segc(&["test", "case.seg"]).args(arguments).current_dir(case.folder.path()).output().unwrap()
}

/// The lines of `--json` that have a key.
fn said(output: &Output, key: &str) -> Vec<Value> {
    let lines = stdout(output);
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter_map(|line| line.get(key).cloned()).collect()
}

#[test]
fn coverage_names_rules_and_sides_that_no_test_touches() {
    let output = run(&weak(), &["--coverage"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(
        stdout(&output),
        "case.seg:11  \"Big\" given by 1 test
    no test with  visits < 1
case.seg:12  \"Regular\" given by no test
    no test with  visits in 3..5
    no test with  visits > 5
    no test with  home = \"IT\"
coverage: 2 of 3 labels, 5 of 9 sides of comparisons
"
    );
}

/// Each of these by hand: 15 changes of the two rules.
#[test]
fn mutants_that_no_test_notices_are_listed() {
    let case = weak();
    let output = run(&case, &["--mutants", "--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let found: BTreeMap<String, String> = said(&output, "mutant")
        .iter()
        .map(|m| (m["after"].as_str().unwrap().to_owned(), m["state"].as_str().unwrap().to_owned()))
        .collect();
    let expected = [
        ("spent > 1_000 EUR", "survives"),
        ("spent < 1_000 EUR", "noticed"),
        ("spent >= 999 EUR", "survives"),
        ("spent >= 1001 EUR", "survives"),
        ("visits > 1", "survives"),
        ("visits < 1", "noticed"),
        ("visits >= 0", "survives"),
        ("visits >= 2", "survives"),
        ("visits > 3 and visits <= 5", "survives"),
        ("visits >= 3 and visits < 5", "survives"),
        ("visits in 2..5", "survives"),
        ("visits in 4..5", "survives"),
        ("visits in 3..4", "survives"),
        ("visits in 3..6", "survives"),
        ("home != \"IT\"", "noticed"),
    ];
    assert_eq!(found, expected.map(|(after, state)| (after.to_owned(), state.to_owned())).into());
    let summary = said(&output, "mutants_summary");
    let counts = json!({"mutants": 15, "noticed": 3, "equivalent": 0, "survive": 12, "undecided": 0});
    assert_eq!(summary, [counts]);
    let text = run(&case, &["--mutants"]);
    assert!(stdout(&text).contains("survives  case.seg:11  \"Big\"  visits >= 1 -> visits > 1\n"), "{}", stdout(&text));
}

/// A change that means the same for everybody is no gap in the tests: nobody visits 2.4 times, and who is young is
/// taken by the rule above.
#[test]
fn what_means_the_same_is_no_survivor() {
    let rules = "\"Few\" when visits <= 2; \"Many\" when visits > 2.5 or visits < 2; otherwise \"None\"";
    let text = WEAK
        .replace("\"Big\"     when spent >= 1_000 EUR and visits >= 1", "")
        .replace("\"Regular\" when visits in 3..5 or home = \"IT\"\n    otherwise \"Rest\"", rules);
    let text = text[..text.find("  test").unwrap()].to_owned() + "}\n";
    let output = run(&Case::new(&text, ""), &["--mutants", "--json"]);
    let states: BTreeMap<String, String> = said(&output, "mutant")
        .iter()
        .map(|m| (m["after"].as_str().unwrap().to_owned(), m["state"].as_str().unwrap().to_owned()))
        .collect();
    for same in ["visits > 2.4", "visits > 2.6", "visits >= 2.5", "visits < 1", "visits < 3", "visits <= 2"] {
        assert_eq!(states[same], "equivalent", "{states:#?}");
    }
    assert_eq!(states["visits < 2"], "survives", "{states:#?}");
}

/// Suggestions are added to the spec, which then notices everything, and to which nothing more is suggested.
#[track_caller]
fn suggestions_suffice(case: &Case, before: usize) {
    let spec = fs::read_to_string(case.path("case.seg")).unwrap();
    let first = run(case, &["--mutants", "--json"]);
    let summary = &said(&first, "mutants_summary")[0];
    assert!(summary["survive"].as_u64().unwrap() >= before as u64, "{summary}");
    assert_eq!(summary["undecided"], 0);
    let added = run(case, &["--suggest", "--append"]);
    assert_eq!(added.status.code(), Some(0), "{}", stderr(&added));
    let with = fs::read_to_string(case.path("case.seg")).unwrap();
    let last_brace = spec.rfind('}').unwrap();
    assert!(with.starts_with(spec[..last_brace].trim_end()), "{with}");
    let again = run(case, &["--mutants", "--coverage", "--json"]);
    assert_eq!(again.status.code(), Some(0), "{}{}", stdout(&again), stderr(&again));
    let after = &said(&again, "mutants_summary")[0];
    assert_eq!((&after["survive"], &after["undecided"]), (&json!(0), &json!(0)));
    assert_eq!(after["equivalent"], summary["equivalent"]);
    assert_eq!(stdout(&run(case, &["--suggest"])), "nothing to suggest\n");
    let formatted = segc(&["fmt", "--check", "case.seg"]).current_dir(case.folder.path()).output().unwrap();
    let was_formatted = segc::syntax::format::format("case.seg", &spec).unwrap() == spec;
    assert_eq!(formatted.status.success(), was_formatted, "{with}");
}

#[test]
fn suggested_tests_notice_what_was_not_noticed() {
    suggestions_suffice(&weak(), 12);
}

#[test]
fn suggested_tests_suffice_for_the_presets() {
    for (preset, before) in [("rf_grid", 40), ("putler", 40), ("r_rfm", 60)] {
        suggestions_suffice(&shop(preset), before);
    }
}

/// A quotient can't be solved for, but a test can say what it is.
#[test]
fn suggested_tests_suffice_for_quotients() {
    let rules = "\"Dear\" when each > 20 EUR or each between 3.5 EUR and 4 EUR; otherwise \"Rest\"";
    let (head, tail) = (WEAK.find("  label").unwrap(), "  }\n}\n");
    let text = WEAK[..head].replace("home   = mode(country)", "each   = spent / visits");
    let case = Case::new(&format!("{text}  label customers {{\n    {rules}\n{tail}"), "");
    suggestions_suffice(&case, 8);
    assert!(!fs::read_to_string(case.path("case.seg")).unwrap().contains("\n      visits"));
}

/// Labels of clusters, where `all.` stands beside the medians.
#[test]
fn suggested_tests_suffice_for_the_shop() {
    let spec = fs::read_to_string(crate::support::root().join("specs/shop.seg")).unwrap();
    let case = Case::new(&spec.replace("data/shop.csv.gz", "shop.csv.gz"), "");
    fs::copy(crate::support::root().join("specs/data/shop.csv.gz"), case.path("shop.csv.gz")).unwrap();
    suggestions_suffice(&case, 5);
    let tested = run(&case, &[]);
    assert_eq!(tested.status.code(), Some(0), "{}", stdout(&tested));
}

/// A spec that fails its own tests is told so, and those say nothing about mutants.
#[test]
fn tests_that_fail_are_told_and_left_out() {
    let case = weak();
    case.put("case.seg", &WEAK.replace("expect \"Rest\"", "expect \"Regular\""));
    let output = run(&case, &["--mutants"]);
    assert_eq!(output.status.code(), Some(1));
    let text = stdout(&output);
    assert!(text.starts_with("FAILED  who comes seldom is of the rest\n"), "{text}");
    assert!(text.contains("home = \"IT\" -> home != \"IT\"\n"), "{text}");
}

#[derive(Debug, Default, Clone, Copy)]
struct Claims {
    sets: usize,
    noticed: usize,
    equivalent: usize,
    survive: usize,
    suggested: usize,
}

impl Claims {
    fn plus(self, other: Claims) -> Claims {
        Claims {
            sets: self.sets + other.sets,
            noticed: self.noticed + other.noticed,
            equivalent: self.equivalent + other.equivalent,
            survive: self.survive + other.survive,
            suggested: self.suggested + other.suggested,
        }
    }
}

fn try_set(seed: u64) -> Claims {
    std::panic::catch_unwind(|| tried(seed)).unwrap_or_else(|_| panic!("set {seed}"))
}

fn tried(seed: u64) -> Claims {
    let clusters = seed % 4 == 3;
    let mut writer = Writer { random: Random(Xoshiro256PlusPlus::seed_from_u64(90_000 + seed)), clusters };
    let conditions: Vec<String> = (0..1 + writer.random.below(4)).map(|_| writer.condition(1)).collect();
    let mut text = spec(&conditions, clusters);
    if seed.is_multiple_of(3) {
        // Rules that give the same label: a change that moves somebody from one to the other changes nothing.
        text = text.replace("\"2\" when", "\"0\" when").replace("\"3\" when", "\"1\" when");
    }
    let grid = Grid::of(&conditions.join(" ; "), clusters);
    if grid.len() > MOST_POINTS {
        return Claims::default();
    }
    let case = compiled(&text);
    let rules = &case.plan.labels.rules;
    let of = |examples: &[Example]| mutants(&case.spec, &case.sources, &case.plan, examples);
    let found = of(&[]);
    let differs = |mutant: &Mutant| (0..grid.len()).any(|at| grid.label(&mutant.rules, at) != grid.label(rules, at));
    let mut claims = Claims { sets: 1, ..Claims::default() };
    for mutant in &found {
        let Mutant { before, after, fate, .. } = mutant;
        match fate {
            Fate::Equivalent => {
                claims.equivalent += 1;
                assert!(!differs(mutant), "{text}{before} -> {after} is not the same");
            }
            Fate::Survives(missed) => {
                claims.survive += 1;
                assert!(differs(mutant), "{text}{before} -> {after} is the same");
                let (was, is) = (missed.example.label(rules), missed.example.label(&mutant.rules));
                assert_ne!(was.map(|r| &r.label), is.map(|r| &r.label), "{text}{before} -> {after}: {missed:?}");
            }
            Fate::Noticed => panic!("there are no examples"),
            Fate::Undecided => panic!("{text}{before} -> {after} is undecided"),
        }
    }
    // The suggestions as they are read back from a spec, not as they were made.
    let suggestions = suggest(&case.plan, &found);
    claims.suggested = suggestions.len();
    let blocks: Vec<String> = suggestions.iter().map(block).collect();
    let with = appended(&text, &blocks.join("\n"), &|_| true).unwrap();
    let with = compiled(&with);
    let examples: Vec<Example> = with.plan.tests.iter().map(Example::of).collect();
    assert_eq!(examples.len(), suggestions.len());
    assert!(examples.iter().all(|example| example.passes(rules)), "{text}{blocks:?}");
    for mutant in mutants(&with.spec, &with.sources, &with.plan, &examples) {
        match mutant.fate {
            Fate::Noticed => claims.noticed += 1,
            Fate::Equivalent => {}
            fate => panic!("{text}{} -> {}: {fate:?} with {blocks:?}", mutant.before, mutant.after),
        }
    }
    assert!(suggestions.len() <= claims.survive);
    claims
}

#[test]
fn suggested_tests_notice_every_mutant_that_is_not_the_same() {
    let claims = (0..SETS).into_par_iter().map(try_set).reduce(Claims::default, Claims::plus);
    println!("{claims:?}");
    let Claims { sets, noticed, equivalent, survive, suggested } = claims;
    assert!(sets > 400, "{claims:?}");
    assert_eq!(noticed, survive);
    assert!(equivalent > 1_000 && survive > 1_000, "the rules are not varied enough: {claims:?}");
    assert!(suggested < survive / 2, "one example serves several mutants: {claims:?}");
}
