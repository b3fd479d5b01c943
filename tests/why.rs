//! `segc why`: what is told of a customer holds. Every change that it names is carried out: in the data, which are built
//! again, or on the features, which the model places. It moves the customer as said, and no smaller one does.

use std::collections::BTreeMap;
use std::fs;

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use segc::assign::{Assigner, Rows, assign};
use segc::build::{Built, build};
use segc::compile::compile;
use segc::exec::customers::{Feature, Values};
use segc::exec::place::Measured;
use segc::output::model;
use segc::progress::Silent;
use segc::why::{Change, State, Why, why};
use segc::world::Disk;
use serde_json::{Value, json};

use crate::support::{Case, root, segc, stderr, stdout};

/// One row per customer: their features stand in it.
#[derive(Debug, Clone)]
struct Row {
    customer: String,
    /// Cents.
    spent: i64,
    visits: i64,
    /// Days before `as_of`.
    recency: i64,
    home: &'static str,
    /// May be missing.
    pause: Option<i64>,
}

fn csv(rows: &[Row]) -> String {
    let mut out = "customer,price,n,at,country,pause\n".to_owned();
    for row in rows {
        let at = segc::time::iso_date(segc::time::moment("2024-07-01").unwrap().0 - row.recency * segc::time::DAY);
        let pause = row.pause.map_or(String::new(), |pause| pause.to_string());
        let Row { customer, visits, home, .. } = row;
        out += &format!("{customer},{:.2},{visits},{at},{home},{pause}\n", row.spent as f64 / 100.0);
    }
    out
}

fn spec(labels: &str) -> String {
    format!(
        "segmentation alone {{
  currency EUR
  source orders from \"orders.csv\" {{ customer: id; price: money; n: int; at: date; country: text; pause: int }}
  as_of @2024-07-01
  features {{
    spent   = sum(price)
    visits  = max(n)
    recency = whole_days(as_of - max(at))
    home    = mode(country)
    pause   = max(pause_n)
    each    = spent / visits
    r       = score(recency, 4, low is best)
    f       = score(visits, 5)
    m       = score(spent, 5)
    capped  = winsorize(spent, 10%, 90%)
    rfm     = 100 * r + 10 * f + m
    good    = capped >= 50 EUR or each > 30 EUR
  }}
  label customers {{
{labels}
  }}
}}
"
    )
    .replace("pause: int", "pause_n: int = pause")
}

/// Rules of all kinds: constants, scores, medians of everyone, quotients, words, bands that are narrow.
const LABELS: [&str; 5] = [
    "\"Big\" when spent >= 60 EUR; \"Often\" when visits > 6 and recency <= 30 days; \"Lost\" when recency > 60 days
     otherwise \"Rest\"",
    "\"Best\" when r = 4 and f >= 4; \"Fresh\" when r = 4; \"Steady\" when f in 3..4 and m in 2..4
     \"Low\" when m = 1; otherwise \"Rest\"",
    "\"Above\" when spent >= 2 * all.spent; \"Quick\" when recency < all.recency and visits >= all.visits
     \"Home\" when home = all.home and spent < 20 EUR; otherwise \"Rest\"",
    "\"Band\" when spent between 30 EUR and 31 EUR or spent = 45 EUR; \"Dear\" when each > 20 EUR
     \"Sum\" when rfm >= 333 and not good; otherwise \"Rest\"",
    "\"Pausing\" when pause > 20; \"Known\" when pause is not missing and home in [\"FR\", \"IT\"]
     \"Italy\" when home = \"IT\"; \"Good\" when good; otherwise \"Rest\"",
];

fn rows(seed: u64, n: usize) -> Vec<Row> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut below = |n: i64| (random.next_u64() % n as u64) as i64;
    (0..n)
        .map(|nth| Row {
            customer: format!("c{nth:02}"),
            // Many are alike, as customers are.
            spent: if below(3) == 0 { 1000 * (1 + below(4)) } else { below(9_000) },
            visits: 1 + below(3) * below(4),
            recency: below(90),
            home: ["FR", "IT", "ES"][below(3) as usize],
            pause: Some(below(40)).filter(|pause| *pause > 8),
        })
        .collect()
}

struct Checked {
    case: Case,
}

impl Checked {
    fn new(labels: &str) -> Checked {
        Checked { case: Case::new(&spec(labels), "") }
    }

    fn built(&self, rows: &[Row]) -> Built {
        self.case.put("orders.csv", &csv(rows));
        self.case.built()
    }

    fn label(&self, rows: &[Row], customer: usize) -> String {
        let built = self.built(rows);
        label(&built, &rows[customer].customer)
    }
}

fn label(built: &Built, customer: &str) -> String {
    let run = &built.execution;
    let row = run.customers.ids.iter().position(|id| id == customer).unwrap();
    run.labelled.segments[run.labelled.of_customer[row] as usize].label.clone()
}

/// The row with another value of a feature, in the steps in which it comes.
fn with(row: &Row, feature: &str, step: i64) -> Row {
    let mut row = row.clone();
    match feature {
        "spent" => row.spent = step,
        "visits" => row.visits = step,
        "recency" => row.recency = step,
        "pause" => row.pause = Some(step),
        _ => panic!("{feature} is not measured from rows"),
    }
    row
}

/// The value of a feature in its steps: cents, visits, days.
fn step_of(row: &Row, feature: &str) -> Option<i64> {
    match feature {
        "spent" => Some(row.spent),
        "visits" => Some(row.visits),
        "recency" => Some(row.recency),
        _ => row.pause,
    }
}

fn target(change: &Change) -> i64 {
    let value = change.value.as_f64().unwrap();
    (value * if change.feature == "spent" { 100.0 } else { 1.0 }).round() as i64
}

/// Changes are carried out in the data, and the spec is built anew, cut points and medians included.
#[test]
fn the_smallest_change_moves_the_customer_and_a_smaller_one_does_not() {
    let counts = LABELS
        .par_iter()
        .enumerate()
        .map(|(nth, labels)| {
            let checked = Checked::new(labels);
            let compiled = checked.case.compile();
            let rows = rows(nth as u64, 20);
            let built = checked.built(&rows);
            let mut counts: BTreeMap<String, usize> = BTreeMap::new();
            for (place, row) in rows.iter().enumerate() {
                let about = why(&compiled, &built, &row.customer).unwrap().unwrap();
                assert_eq!(about.segment, label(&built, &row.customer));
                let moved = |other: Row| {
                    let mut rows = rows.clone();
                    rows[place] = other;
                    checked.label(&rows, place)
                };
                for change in &about.changes {
                    *counts.entry(change.feature.clone()).or_default() += 1;
                    let said = format!("{labels}: {change:?} of {row:?}");
                    assert_ne!(change.segment, about.segment, "{said}");
                    if change.feature == "home" {
                        let home = ["FR", "IT", "ES"].into_iter().find(|home| change.value == json!(home)).unwrap();
                        assert_eq!(moved(Row { home, ..row.clone() }), change.segment, "{said}");
                        continue;
                    }
                    let to = target(change);
                    assert_eq!(moved(with(row, &change.feature, to)), change.segment, "{said}");
                    let Some(from) = step_of(row, &change.feature) else { continue };
                    // One step nearer, on this side and on the other; for some customers every step.
                    let far = (to - from).abs() - 1;
                    let all: Vec<i64> = if place < 2 && far < 30 { (1..=far).collect() } else { vec![far] };
                    for step in all.into_iter().filter(|step| *step > 0) {
                        for nearer in [from - step, from + step] {
                            let impossible = nearer < 0 && change.feature == "recency";
                            if !impossible {
                                let stays = moved(with(row, &change.feature, nearer));
                                assert_eq!(stays, about.segment, "{said}, at {nearer}");
                            }
                        }
                    }
                }
                // A feature that is not named moves nobody, however it changes.
                for feature in ["visits", "recency"] {
                    if place < 2 && !about.changes.iter().any(|change| change.feature == feature) {
                        *counts.entry(format!("no {feature}")).or_default() += 1;
                        for step in (0..130).step_by(3) {
                            let stays = moved(with(row, feature, step));
                            assert_eq!(stays, about.segment, "{labels}: {feature} {step} of {row:?}");
                        }
                    }
                }
            }
            counts
        })
        .reduce(BTreeMap::new, |mut a, b| {
            b.into_iter().for_each(|(feature, n)| *a.entry(feature).or_default() += n);
            a
        });
    println!("{counts:?}");
    for feature in ["spent", "visits", "recency", "home", "pause"] {
        assert!(counts.get(feature).copied().unwrap_or(0) >= 10, "{counts:?}");
    }
}

/// Clusters stay as they are, and the model of the build is asked.
#[test]
fn the_smallest_change_leads_into_another_cluster() {
    let disk = Disk::default();
    let compiled = compile(&disk, &root().join("specs/shop.seg"), &[]);
    let built = build(&disk, &compiled, &Silent).unwrap_or_else(|found| panic!("{found:#?}"));
    let model = serde_json::to_vec(&model::model(&built, &compiled, &[])).unwrap();
    let Ok(assigner) = Assigner::open(&model) else { panic!("the model opens") };
    let customers = &built.execution.customers;
    let placed = |row: usize, change: Option<(&str, f64)>| {
        let feature = |f: &Feature| {
            let values = match (&f.values, change) {
                (Values::Numbers(_), Some((name, x))) if name == f.name => Values::Numbers(vec![x]),
                (Values::Numbers(numbers), _) => Values::Numbers(vec![numbers[row]]),
                (Values::Texts(texts), _) => Values::Texts(vec![texts[row].clone()]),
                (Values::Bools(bools), _) => Values::Bools(vec![bools[row]]),
            };
            Feature { name: f.name.clone(), base: f.base, words: f.words.clone(), values }
        };
        let features = customers.features.iter().map(feature).collect();
        let measured = Measured { ids: vec![customers.ids[row].clone()], features };
        let assigned = assign(&assigner, Rows::Measured(measured), &[], None).ok().unwrap();
        assigned.placed.placements[0].clone()
    };
    let mut changes = 0;
    for row in (0..customers.ids.len()).step_by(29) {
        let about = why(&compiled, &built, &customers.ids[row]).unwrap().unwrap();
        let cluster = about.cluster.as_ref().unwrap();
        let near = placed(row, None).cluster.unwrap();
        assert_eq!(Some(cluster.cluster), near.cluster);
        assert!((cluster.distance - near.distance).abs() < 1e-9);
        assert!((cluster.next.as_ref().unwrap().margin - near.margin.unwrap()).abs() < 1e-9);
        let names: Vec<&str> = about.changes.iter().map(|change| change.feature.as_str()).collect();
        assert!(names.iter().all(|name| ["recency", "frequency", "monetary"].contains(name)), "{names:?}");
        assert!(about.changes.is_sorted_by(|a, b| a.distance <= b.distance));
        for change in &about.changes {
            changes += 1;
            // Days, purchases, and the thousandths of a pound that the shop's sums have.
            let (unit, step) = match change.feature.as_str() {
                "recency" => (segc::time::DAY as f64, 1.0),
                "frequency" => (1.0, 1.0),
                _ => (1.0, 0.001),
            };
            let (from, to) = (value(customers, &change.feature, row), change.value.as_f64().unwrap() * unit);
            let there = placed(row, Some((&change.feature, to)));
            assert_eq!(there.segment.unwrap().label, change.segment, "{change:?}");
            let back = step * unit * if to > from { -1.0 } else { 1.0 };
            for nearer in [to + back, 2.0 * from - to - back].into_iter().filter(|x| *x >= 0.0) {
                let stays = placed(row, Some((&change.feature, nearer))).segment.unwrap().label;
                assert_eq!(stays, about.segment, "{change:?} at {nearer}");
            }
        }
    }
    assert!(changes > 60, "{changes} changes were tried");
}

fn value(customers: &segc::exec::Customers, feature: &str, row: usize) -> f64 {
    customers.feature(feature).unwrap().values.numbers().unwrap()[row]
}

#[track_caller]
fn asked(case: &Case, customer: &str, more: &[&str]) -> (Option<i32>, String) {
    let mut command = segc(&["why", "case.seg", customer]);
    let output = command.args(more).current_dir(case.folder.path()).output().unwrap();
    (output.status.code(), stdout(&output) + &stderr(&output))
}

const SMALL: &str = r#"segmentation small {
  currency GBP
  source orders from "orders.csv" { customer: id; invoice: text; price: money; at: datetime; country: text }
  filter {
    drop "cancellation" when invoice starts with "C"
    drop "free"         when price = 0
  }
  revenue price
  as_of @2024-07-01
  features {
    recency = whole_days(as_of - max(at))
    visits  = count()
    spent   = sum(price)
    home    = mode(country)
    m       = score(spent, 3)
  }
  label customers {
    "Champion" when spent >= 100 GBP and recency <= 30 days
    "Italian"  when home = "IT"
    "Regular"  when visits >= 2 or m = 3
    "Known"    when visits >= 1
    otherwise "New"
  }
}
"#;

const SMALL_ROWS: &str = "customer,invoice,price,at,country
ann,A1,40.00,2024-06-10,FR
ann,A2,50.00,2024-06-20,FR
ben,B1,120.00,2024-05-01,FR
cleo,C1,30.00,2024-06-01,FR
cleo,A3,0.00,2024-06-01,FR
cleo,C2,10.00,2024-06-02,FR
dora,A4,20.50,2024-03-01,IT
";

fn small() -> Case {
    Case::new(SMALL, SMALL_ROWS)
}

/// What a marketer reads of Ann, each line of which follows from the rows above: 90 of 100 pounds, 11 of 30 days.
#[test]
fn a_customer_is_explained() {
    let (code, text) = asked(&small(), "ann", &[]);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(
        text,
        r#"ann is in "Regular", 2 of 3 customers, worth 90.00 GBP
as of 2024-07-01T00:00:00

value    customer  all
  recency  11 days   61 days
  visits   2         1
  spent    90 GBP    90 GBP
  home     "FR"      "FR"
  m        2 of 3    2        spent 90 GBP

label is given by rule 3, "Regular" when visits >= 2 or m = 3
    visits >= 2: 2
    m = 3: 2 of 3

nearly
  rule 1, "Champion" when spent >= 100 GBP and recency <= 30 days
    spent >= 100 GBP: 90 GBP, 10 GBP below
  rule 2, "Italian" when home = "IT"
    home = "IT": "FR"

fit too, but come later
  rule 4, "Known" when visits >= 1

the smallest change that moves the customer
  spent   90 GBP -> 100 GBP  "Champion"  rule 1
or
  home    "FR" -> "IT"       "Italian"   rule 2
  visits  2 -> 1             "Known"     rule 4
"#
    );
}

#[test]
fn programs_get_the_same_as_people() {
    let (code, text) = asked(&small(), "dora", &["--json"]);
    assert_eq!(code, Some(0), "{text}");
    let about: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&about["schema"], &about["segment"]), (&json!("segc.why/1"), &json!("Italian")));
    assert_eq!(about["features"][2]["value"], json!(20.5));
    assert_eq!(about["rules"][0]["state"], "gives_the_label");
    let home = about["changes"].as_array().unwrap().iter().find(|change| change["feature"] == "home").unwrap();
    assert_eq!((&home["value"], &home["segment"], &home["rule"]), (&json!("FR"), &json!("Known"), &json!(4)));
}

/// Cleo has no segment since cleaning took all her rows: the story says by which rules.
#[test]
fn a_customer_without_rows_is_told_which_rules_took_them() {
    let (code, text) = asked(&small(), "cleo", &[]);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(
        text,
        "cleo has no segment: none of the customer's rows is used\n\nrule          rows taken\n  cancellation  2\n  free          1\n"
    );
    let (code, text) = asked(&small(), "cleo", &["--json"]);
    assert_eq!(code, Some(0), "{text}");
    let answer: Value = serde_json::from_str(&text).unwrap();
    let rows = json!([{"rule": "cancellation", "rows": 2}, {"rule": "free", "rows": 1}]);
    assert_eq!((&answer["segment"], &answer["rows"]), (&Value::Null, &rows));
}

#[test]
fn an_unknown_customer_is_a_mistake_with_a_suggestion() {
    let (code, text) = asked(&small(), "An n", &[]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("error[SEG0720]: there is no customer `An n`"), "{text}");
    assert!(text.contains("did you mean `ann`?"), "{text}");
    let (code, text) = asked(&small(), "1234567", &[]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("`ann`, `ben` and `dora`"), "{text}");
}

/// The manifest of a build stands for its spec, with the parameters of that build.
#[test]
fn the_manifest_of_a_build_will_do() {
    let case = small();
    let folder = case.folder.path();
    let built = segc(&["build", "case.seg", "-o", "out"]).current_dir(folder).output().unwrap();
    assert!(built.status.success(), "{}", stderr(&built));
    fs::remove_file(case.path("case.seg")).unwrap();
    let output = segc(&["why", "out/manifest.json", "ben", "--data", "."]).current_dir(folder).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).starts_with("ben is in \"Regular\", 2 of 3 customers"), "{}", stdout(&output));
}

/// Numbers beyond all steps, and those that nothing is near to, are left alone.
#[test]
fn numbers_without_an_end_are_no_obstacle() {
    let spec = "segmentation far {
  source orders from \"orders.csv\" { customer: id; n: number; at: date }
  as_of @2024-07-01
  features { far = sum(n); near = min(n) / 3 }
  label customers { \"Far\" when far > 1000; \"Near\" when near > 0; otherwise \"Rest\" }
}
";
    let case = Case::new(spec, "customer,n,at\na,1e300,2024-01-01\nb,0.1,2024-01-01\nc,-1e17,2024-01-01\n");
    let (compiled, built) = (case.compile(), case.built());
    for id in ["a", "b", "c"] {
        let about = why(&compiled, &built, id).unwrap().unwrap();
        assert!(about.changes.is_empty(), "{:?}", about.changes);
    }
    case.put("orders.csv", "customer,n,at\na,5000,2024-01-01\nb,0.1,2024-01-01\nc,-1e6,2024-01-01\n");
    let (compiled, built) = (case.compile(), case.built());
    let change = |id: &str| why(&compiled, &built, id).unwrap().unwrap().changes[0].clone();
    assert_eq!((change("b").feature.as_str(), change("b").to.as_str()), ("near", "0"));
    assert_eq!((change("c").feature.as_str(), change("c").segment.as_str()), ("near", "Near"));
}

/// What is told of a customer is an answer for the list too: the rule of the list is the one that is named.
#[test]
fn the_rule_is_that_of_the_list() {
    let case = small();
    let (compiled, built) = (case.compile(), case.built());
    let rules = segc::list::rules(&built.plan);
    for (row, id) in built.execution.customers.ids.iter().enumerate() {
        let about: Why = why(&compiled, &built, id).unwrap().unwrap();
        let first = &about.rules[0];
        assert_eq!(first.state, State::GivesTheLabel);
        let of_list = &rules[built.execution.labelled.rule_of_customer[row] as usize];
        assert_eq!(*of_list, format!("{}: {}", first.rule, first.condition.as_deref().unwrap_or("otherwise")));
    }
    assert!(why(&compiled, &built, "nobody").unwrap().is_none());
}
