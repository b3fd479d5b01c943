//! Tables with one row per customer: what comes of them is what comes of the purchases behind them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use segc::assign::{self, Assigner};
use segc::build::Built;
use segc::compile::compile;
use segc::diagnostics::Diagnostic;
use segc::diff;
use segc::exec::customers::Values;
use segc::explain;
use segc::ingest::InputFile;
use segc::inputs::Instead;
use segc::output::{self, Texts, model};
use segc::plan;
use segc::progress::Silent;
use segc::world::Disk;

use crate::support::{Case, cdnow, root, segc, stderr, stdout};

/// A whole spec over `id,visits,spent,last,gap`, around some statements.
fn spec_of(statements: &str) -> String {
    format!(
        "segmentation case {{
  currency GBP
  source people from \"orders.csv\" {{ id: id; visits: int; spent: money; last: date; gap: days }}
  customers by id, one row each
  {statements}
}}
"
    )
}

const PEOPLE: &str = "id,visits,spent,last,gap
ben,2,40.50,2024-05-31,92.5
ann,4,69.00,2024-06-20,81.25
dora,1,,2024-05-05,
cleo,1,90.00,2024-06-30,
";

const EVERYONE: &str = "label customers { otherwise \"Everyone\" }";

fn ids(built: &Built) -> Vec<&str> {
    built.execution.customers.ids.iter().map(String::as_str).collect()
}

/// The numbers of a feature, in the order of ids.
#[track_caller]
fn numbers<'a>(built: &'a Built, feature: &str) -> &'a [f64] {
    match &built.execution.customers.feature(feature).expect("the spec has it").values {
        Values::Numbers(numbers) => numbers,
        other => panic!("`{feature}` is {other:?}"),
    }
}

/// Rows of a list by customer, each with its cells by heading.
fn list(path: &Path) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let headers = reader.headers().unwrap().clone();
    let row = |record: csv::StringRecord| -> BTreeMap<String, String> {
        headers.iter().zip(record.iter()).map(|(heading, cell)| (heading.to_owned(), cell.to_owned())).collect()
    };
    reader.records().map(|record| row(record.unwrap())).map(|row| (row["customer"].clone(), row)).collect()
}

#[track_caller]
fn run(arguments: &[&str]) -> String {
    let output = segc(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
    stdout(&output)
}

/// Builds the shop from its purchases, then from the list of customers that this gives, and compares customer by customer.
#[test]
fn measured_customers_get_what_their_purchases_gave_them() {
    let case = Case::new("", "");
    let (out, again) = (case.path("out"), case.path("again"));
    run(&["build", "specs/shop.seg", "-o", out.to_str().unwrap()]);
    fs::copy(out.join("segments.csv"), case.path("measured.csv")).unwrap();
    let shop = fs::read_to_string(root().join("specs/shop.seg")).unwrap();
    let (_, from_clusters_on) = shop.split_once("  cluster {").expect("the shop has clusters");
    let spec = format!(
        "segmentation shop {{
  currency GBP
  source people from \"measured.csv\" {{
    customer: id; recency_days: days; frequency: int; monetary_GBP: money; basket: number = basket_GBP; home: text
  }}
  customers by customer, one row each
  features {{
    recency = recency_days; frequency; monetary = monetary_GBP; basket; home
    r = score(recency, 5, low is best); f = score(frequency, 5); m = score(monetary, 5)
  }}
  cluster {{{from_clusters_on}"
    );
    case.put("case.seg", &spec);
    let measured = case.path("case.seg");
    run(&["build", measured.to_str().unwrap(), "-o", again.to_str().unwrap()]);
    let (expected, found) = (list(&out.join("segments.csv")), list(&again.join("segments.csv")));
    assert_eq!(expected.len(), 800);
    assert_eq!(found.len(), 800);
    for (customer, expected) in &expected {
        let found = &found[customer];
        for heading in
            ["segment", "cluster", "recency_days", "frequency", "monetary_GBP", "home", "r", "f", "m", "rule"]
        {
            assert_eq!(found[heading], expected[heading], "`{heading}` of {customer}");
        }
    }
    // The examples among the tests of the spec hold as well.
    run(&["test", measured.to_str().unwrap()]);
}

/// The summary that the package `lifetimes` 0.11.3 has of the CDNOW sample (Fader and Hardie): repeat purchase days, and
/// weeks from the first purchase to the last one and to the end, with two decimals. Counts by pandas 3.1.1, clusters by
/// scikit-learn 1.9.1 (`KMeans(3, n_init=50)` on z-scores of log1p).
const SUMMARY: &str = "segmentation summary {
  source people from \"cdnow_customers_summary.csv\" {
    id: id = ID
    frequency: int
    recency: weeks
    age: weeks = T
  }
  customers by id, one row each
  features {
    frequency
    recency
    age
    silent = age - recency
  }
  cluster { on log1p(frequency), log1p(silent); k 3 }
  label customers {
    \"Active\" when frequency >= 3 and silent <= 8 weeks
    \"Lapsed\" when frequency >= 3
    \"Few\"    when frequency >= 1
    otherwise \"Once\"
  }
}
";

#[test]
fn a_summary_of_purchases_is_segmented_as_it_is() {
    let case = Case::new(SUMMARY, "");
    fs::copy(cdnow().join("cdnow_customers_summary.csv"), case.path("cdnow_customers_summary.csv")).unwrap();
    let summary = case.built();
    let sizes: Vec<(&str, u64)> = summary.outcome.segments.iter().map(|s| (s.label.as_str(), s.customers)).collect();
    assert_eq!(sizes, [("Once", 1411), ("Few", 653), ("Active", 157), ("Lapsed", 136)]);
    assert_eq!((summary.outcome.as_of.as_ref(), summary.outcome.period.as_ref()), (None, None));
    let clusters = &summary.execution.clustering.as_ref().unwrap().search[0];
    let mut sizes = clusters.fitted.sizes.clone();
    sizes.sort_unstable();
    assert_eq!(sizes, [234, 712, 1411]);
    assert!((clusters.fitted.fit.inertia - 975.0037414029748).abs() < 1e-6, "{}", clusters.fitted.fit.inertia);
}

/// `specs/cdnow.seg` measures the same three from the purchases themselves.
#[test]
fn the_summary_of_cdnow_is_what_segc_measures_from_the_purchases() {
    let summary = Case::new(SUMMARY, "");
    for file in ["cdnow_customers_summary.csv", "cdnow_sample.txt"] {
        fs::copy(cdnow().join(file), summary.path(file)).unwrap();
    }
    let measured = summary.built();
    let spec = fs::read_to_string(root().join("specs/cdnow.seg")).unwrap();
    summary.put("case.seg", &spec);
    let purchases = summary.built();
    let place: BTreeMap<u32, usize> =
        ids(&measured).iter().enumerate().map(|(row, id)| (id.parse().unwrap(), row)).collect();
    assert_eq!(place.len(), 2357);
    let week = 7.0 * segc::time::DAY as f64;
    for (row, id) in ids(&purchases).iter().enumerate() {
        let at = place[&id.parse().unwrap()];
        assert_eq!(numbers(&purchases, "repeats")[row], numbers(&measured, "frequency")[at], "{id}");
        for (ours, theirs) in [("active", "recency"), ("age", "age")] {
            let off = (numbers(&purchases, ours)[row] - numbers(&measured, theirs)[at]) / week;
            assert!(off.abs() <= 0.005 + 1e-9, "`{theirs}` of {id} is off by {off} weeks");
        }
    }
}

#[test]
fn a_span_is_read_by_the_unit_of_its_column_to_the_microsecond() {
    let units = [("seconds", 1.0), ("minutes", 60.0), ("hours", 3600.0), ("days", 86400.0), ("weeks", 604800.0)];
    for (unit, seconds) in units {
        let spec = spec_of(&format!("features {{ gap }} {EVERYONE}").replace("} label", "}\nlabel"))
            .replace("gap: days", &format!("gap: {unit}"));
        let people = "id,visits,spent,last,gap\na,1,1,2024-01-01,0.5\nb,1,1,2024-01-01,-2\nc,1,1,2024-01-01,\nd,1,1,2024-01-01,0.333333333333333314829616256247390992939472198486328125\n";
        let built = Case::new(&spec, people).built();
        let gap = numbers(&built, "gap");
        assert_eq!(gap[..2], [0.5e6 * seconds, -2e6 * seconds], "{unit}");
        assert!(gap[2].is_nan());
        assert_eq!(gap[3], (1e6 * seconds / 3.0).round(), "{unit}");
    }
}

#[test]
fn columns_of_the_row_make_features() {
    let statements = format!(
        "source towns from \"towns.csv\" {{ who: id; town: text }}
  join towns on id = who
  derive each = spent / visits
  revenue spent
  as_of max(last) + 1 day
  features {{
    visits
    recency = whole_days(as_of - last)
    per_visit = each
    town
    lost = towns is missing
    rank = score(spent, 2)
    double = visits * 2
  }}
  {EVERYONE}"
    );
    let case = Case::new(&spec_of(&statements), PEOPLE);
    case.put("towns.csv", "who,town\nben,Rome\nann,Lyon\n");
    let built = case.built();
    assert_eq!(ids(&built), ["ann", "ben", "cleo", "dora"]);
    assert_eq!(numbers(&built, "visits"), [4.0, 2.0, 1.0, 1.0]);
    let days = segc::time::DAY as f64;
    assert_eq!(numbers(&built, "recency"), [11.0 * days, 31.0 * days, days, 57.0 * days]);
    assert_eq!(numbers(&built, "per_visit")[..3], [17.25, 20.25, 90.0]);
    assert_eq!(numbers(&built, "rank")[..3], [1.0, 1.0, 2.0]);
    assert_eq!(numbers(&built, "double"), [8.0, 4.0, 2.0, 2.0]);
    let Values::Bools(lost) = &built.execution.customers.feature("lost").unwrap().values else { panic!("no truths") };
    assert_eq!(*lost, [Some(false), Some(false), Some(true), Some(true)]);
    // A missing amount counts as nothing, as it does in the ledger.
    assert_eq!(built.execution.customers.amounts.as_deref(), Some(&[690, 405, 900, 0][..]));
    assert_eq!(built.outcome.amount.as_deref(), Some("199.50"));
    assert_eq!(built.outcome.as_of.as_deref(), Some("2024-07-01T00:00:00"));
}

#[test]
fn the_order_of_rows_does_not_matter() {
    let spec = spec_of(
        "features { visits; worth = coalesce(spent, 0); v = score(visits, 4) }
  cluster { on visits, worth; k 2 }
  label clusters { \"Often\" when visits > all.visits; otherwise \"Seldom\" }",
    );
    let lines: Vec<&str> = PEOPLE.lines().collect();
    let csv = |order: &[usize]| {
        let rows: Vec<&str> = order.iter().map(|row| lines[*row]).collect();
        let case = Case::new(&spec, &format!("{}\n{}\n", lines[0], rows.join("\n")));
        run(&["build", case.path("case.seg").to_str().unwrap(), "-o", case.path("out").to_str().unwrap()]);
        fs::read_to_string(case.path("out/segments.csv")).unwrap()
    };
    let expected = csv(&[1, 2, 3, 4]);
    assert!(expected.lines().nth(1).unwrap().starts_with("ann,"), "{expected}");
    assert_eq!(csv(&[4, 2, 1, 3]), expected);
}

#[test]
fn a_rule_may_leave_one_row_of_each_customer() {
    let spec = spec_of(&format!(
        "filter {{ drop \"repeated row\" when duplicate; drop \"no visit\" when visits = 0 }}
  features {{ visits }}
  {EVERYONE}"
    ));
    let more = "ann,4,69.00,2024-06-20,81.25\ncleo,0,0,2020-01-01,\n,9,9,2020-01-01,\n";
    let built = Case::new(&spec, &format!("{PEOPLE}{more}")).built();
    assert_eq!(ids(&built), ["ann", "ben", "cleo", "dora"]);
    let dropped: Vec<(&str, u64)> =
        built.outcome.rows.dropped.iter().map(|rule| (rule.rule.as_str(), rule.rows)).collect();
    assert_eq!(dropped, [("repeated row", 1), ("no visit", 1), ("no customer (built in)", 1)]);
    // Without the rules it is not for segc to pick one: the row that comes second first is told, whoever sorts first.
    let case = Case::new(&spec.replace("drop \"repeated row\" when duplicate;", ""), &format!("{PEOPLE}{more}"));
    let found = case.build().err().expect("ann is there twice");
    let place = found[0].place.as_ref().unwrap();
    assert_eq!((found[0].code, place.file.as_str(), place.row), ("SEG0340", "orders.csv", Some(6)));
    assert!(found[0].notes.iter().any(|note| note.contains("3")), "{:?}", found[0].notes);
}

/// New customers come through the source, or as the list of a build; a customer with two rows is a mistake there too.
#[test]
fn new_customers_with_one_row_each_get_a_segment() {
    let spec = spec_of(
        "features { visits; gap_in_days = gap; v = score(visits, 4) }
  cluster { on visits, v; k 2 }
  label clusters { \"Often\" when visits > all.visits; otherwise \"Seldom\" }",
    );
    let case = Case::new(&spec, PEOPLE);
    let built = case.built();
    let model = output::json(&model::model(&built, &case.compile(), &[]));
    let assigner = Assigner::open(&model).map_err(|unusable| unusable.diagnostics).unwrap();
    let assigned = |name: &str| {
        let files = vec![InputFile { name: name.into(), path: case.path(name) }];
        let found = assign::read(&Disk::default(), &assigner, files, Instead::new(), &Silent)?;
        let assigned = assign::assign(&assigner, found.rows, &found.sources, None)?;
        let list = assigned.csv(Texts::Harmless);
        let rows = csv::Reader::from_reader(&*list).into_records();
        let cells = |row: csv::StringRecord| row.iter().take(6).map(str::to_owned).collect::<Vec<String>>();
        Ok::<_, Vec<Diagnostic>>(rows.map(|row| cells(row.unwrap())).collect::<Vec<_>>())
    };
    let same = assigned("orders.csv").unwrap();
    let labelled = &built.execution.labelled;
    for (row, cells) in same.iter().enumerate() {
        assert_eq!(cells[0], built.execution.customers.ids[row]);
        assert_eq!(cells[1], labelled.segments[labelled.of_customer[row] as usize].label);
    }
    case.put("new.csv", "id,visits,spent,last,gap\nzoe,9,1,2024-01-01,1\n");
    let new = assigned("new.csv").unwrap();
    assert_eq!(
        (new[0][0].as_str(), new[0][1].as_str(), new[0][5].as_str()),
        ("zoe", "Often", "visits 9 > 4; gap_in_days 1 < 81.25")
    );
    // What a model knows of features is enough, under the headings of the list.
    case.put("measured.csv", "customer,visits,gap_in_days\nzoe,9,1\n");
    assert_eq!(assigned("measured.csv").unwrap()[0][1], "Often");
    case.put("without.csv", "customer,gap_in_days\nzoe,1\n");
    assert_eq!(assigned("without.csv").unwrap_err()[0].code, "SEG0359");
    case.put("twice.csv", "id,visits,spent,last,gap\nzoe,9,1,2024-01-01,1\nzoe,8,1,2024-01-01,1\n");
    assert_eq!(assigned("twice.csv").unwrap_err()[0].code, "SEG0340");
}

#[test]
fn every_tool_around_a_spec_knows_it() {
    let spec = spec_of(
        "features { visits; silent = gap }
  label customers { \"Often\" when visits >= 2; otherwise \"Seldom\" }
  test \"two visits are often\" { given { visits = 2 }; expect \"Often\" }",
    );
    let case = Case::new(&spec, PEOPLE);
    let compiled = case.compile();
    let plan = plan::print(compiled.plan.as_ref().unwrap());
    assert!(plan.contains("\ncustomers = rows by id, one row each\n"), "{plan}");
    assert!(
        plan.contains("gap: a time span in days <- gap") && plan.contains("\n  visits: a whole number = visits\n"),
        "{plan}"
    );
    assert!(!plan.contains("as_of") && !plan.contains("aggregate"), "{plan}");
    assert!(explain::ast(&compiled.ast).contains("customers by id, one row each\n"));
    assert!(explain::typed(compiled.spec.as_ref().unwrap()).contains("id: id = \"id\"  (customer, one row each)"));
    let path = case.path("case.seg");
    let path = path.to_str().unwrap();
    assert_eq!(run(&["explain", path, "--stage", "sql"]), "-- no database: everything runs in segc\n");
    run(&["test", path, "--update"]);
    run(&["test", path]);
    let out = case.path("out");
    run(&["build", path, "--xlsx", "-o", out.to_str().unwrap()]);
    run(&["verify", out.join("manifest.json").to_str().unwrap(), "--data", case.folder.path().to_str().unwrap()]);
    let report = fs::read_to_string(out.join("report.md")).unwrap();
    assert!(!report.to_lowercase().contains("as of") && !report.contains("none"), "{report}");
    // The meaning of a change is found without data.
    case.put("other.seg", &spec.replace("silent = gap", "silent = gap * 2").replace("gap: days", "gap: weeks"));
    let other = compile(&Disk::default(), &case.path("other.seg"), &[]);
    let (_, changes) = diff::meaning(&compiled, &other);
    let parts: Vec<&str> = changes.iter().map(|change| change.part.as_str()).collect();
    assert_eq!(parts, ["source", "features"]);
    assert!(diff::meaning(&compiled, &compiled).1.is_empty());
}
