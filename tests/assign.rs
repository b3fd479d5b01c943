//! `segc assign`: customers of a build get back what the build gave, others a segment by the same model, or a reason.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::test_runner::{Config, RngSeed, TestRunner};
use segc::assign::{self, Assigned, Assigner, Rows};
use segc::build::Built;
use segc::diagnostics::Diagnostic;
use segc::exec::Values;
use segc::exec::place::Measured;
use segc::ingest::InputFile;
use segc::inputs::Instead;
use segc::list::{Cell, List};
use segc::output::{self, Texts, model};
use segc::progress::Silent;
use segc::time::DAY;
use segc::world::Disk;

use crate::support::{Case, cdnow, real_data, root, segc, spec_with, stderr, stdout};

/// Columns of a build that assigning has no place for.
const STRENGTHS: [&str; 2] = ["silhouette", "bootstrap_share"];

const HEADER: &str = "customer,invoice,product,quantity,price,at\n";

/// The model of a case, as it would be read from its file.
fn assigner(case: &Case) -> Assigner {
    open(&model_of(&case.built(), case)).unwrap()
}

fn model_of(built: &Built, case: &Case) -> Vec<u8> {
    output::json(&model::model(built, &case.compile(), &[]))
}

fn open(model: &[u8]) -> Result<Assigner, Vec<Diagnostic>> {
    Assigner::open(model).map_err(|unusable| unusable.diagnostics)
}

/// What is found in files of the case, and what is said about them.
fn assigned<'a>(
    assigner: &'a Assigner,
    case: &Case,
    files: &[&str],
    as_of: Option<i64>,
) -> Result<(Assigned<'a>, Vec<Diagnostic>), Vec<Diagnostic>> {
    let files = files.iter().map(|name| InputFile { name: (*name).into(), path: case.path(name) }).collect();
    let found = assign::read(&Disk::default(), assigner, files, Instead::new(), &Silent)?;
    assign::assign(assigner, found.rows, &found.sources, as_of).map(|assigned| (assigned, found.diagnostics))
}

/// The list as rows of cells, the header first.
fn table(csv: &[u8]) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv);
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// A column of a list.
#[track_caller]
fn column(table: &[Vec<String>], name: &str) -> Vec<String> {
    let at = table[0].iter().position(|h| h == name).unwrap_or_else(|| panic!("no `{name}` in {:?}", table[0]));
    table[1..].iter().map(|row| row[at].clone()).collect()
}

/// Every column of the build's list is in the other, cell by cell.
#[track_caller]
fn says_the_same(build: &[u8], assigned: &[u8]) {
    let (build, assigned) = (table(build), table(assigned));
    // How well somebody lies in a cluster is said beside all customers of the build.
    for heading in build[0].iter().filter(|heading| !STRENGTHS.contains(&heading.as_str())) {
        let (expected, found) = (column(&build, heading), column(&assigned, heading));
        let unlike = expected.iter().zip(&found).position(|(a, b)| a != b);
        assert_eq!(expected.len(), found.len());
        assert_eq!(unlike, None, "`{heading}` of row {unlike:?}: {:?}", unlike.map(|i| (&expected[i], &found[i])));
    }
}

/// Builds with the command, assigns the same data and the list of the build, and compares the lists.
#[track_caller]
fn comes_back(spec: &Path, data: &Path, file: &str) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let run = |arguments: &[&str]| {
        let output = segc(arguments).arg("--data").arg(data).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        output
    };
    run(&["build", spec.to_str().unwrap(), "-o", out.to_str().unwrap()]);
    let model = out.join("model.json");
    let list = fs::read(out.join("segments.csv")).unwrap();
    for file in [file.to_owned(), out.join("segments.csv").display().to_string()] {
        let target = folder.path().join("assigned.csv");
        run(&["assign", "--model", model.to_str().unwrap(), &file, "-o", target.to_str().unwrap()]);
        let found = fs::read(&target).unwrap();
        says_the_same(&list, &found);
        let found = table(&found);
        assert!(column(&found, "outside").iter().all(String::is_empty), "somebody is outside of what the model saw");
        assert!(column(&found, "reason").iter().all(String::is_empty));
    }
}

/// A CRM runs last month's model over last month's data and expects no customer to move.
#[test]
fn customers_of_the_shop_get_back_their_segments() {
    comes_back(&root().join("specs/shop.seg"), &root().join("specs"), "data/shop.csv.gz");
}

#[test]
fn customers_of_online_retail_get_back_their_segments() {
    let made = tempfile::tempdir().unwrap();
    let data = real_data().unwrap_or_else(|| {
        let file = made.path().join("online_retail.csv.gz");
        let arguments = ["data", "make", "retail", "--customers", "400", "--out"];
        assert!(segc(&arguments).arg(&file).status().unwrap().success());
        made.path().to_owned()
    });
    let spec = fs::read_to_string(root().join("specs/online_retail.seg")).unwrap();
    let spec = spec.replace("online_retail.xlsx", "online_retail.csv.gz").replace("    sheet \"Online Retail\"\n", "");
    comes_back(&Case::new(&spec, "").path("case.seg"), &data, "online_retail.csv.gz");
}

/// Rules over customers, scores, and a file without a header.
#[test]
fn customers_of_cdnow_get_back_their_segments() {
    comes_back(&root().join("specs/cdnow.seg"), &cdnow(), "cdnow_sample.txt");
    comes_back(&root().join("specs/cdnow_clv.seg"), &cdnow(), "cdnow_sample.txt");
}

const CLUSTERS: &str = "  cluster {
    on log1p(recency), log1p(spent)
    k 3
  }
  label clusters {
    \"Good\" when spent > all.spent
    otherwise \"Other\"";

pub(crate) fn clustered() -> Case {
    let spec = spec_with(
        "    recency = whole_days(as_of - max(at))\n    spent = sum(amount)\n    r = score(recency, 4, low is best)\n    kind = mode(product)",
    );
    let spec = spec.replace("  label customers {\n    otherwise \"All\"", CLUSTERS);
    let rows: String = (0..60)
        .map(|i| {
            let (day, price) = (1 + (i * 7) % 28, [3, 40, 900][i % 3] + i);
            format!("c{i:02},i{i},p{},1,{price},2024-01-{day:02}\n", i % 4)
        })
        .collect();
    Case::new(&spec, &format!("{HEADER}{rows}"))
}

/// The model's centres, taken apart by hand: Euclidean distances in scaled units, and how much farther the next one is.
#[test]
fn distance_and_margin_are_what_they_say() {
    let case = clustered();
    let built = case.built();
    let assigner = assigner(&case);
    let (found, _) = assigned(&assigner, &case, &["orders.csv"], None).unwrap();
    let clusters = assigner.model.clusters.as_ref().unwrap();
    let numbers = |name: &str| built.execution.customers.feature(name).unwrap().values.numbers().unwrap().to_vec();
    let (recency, spent) = (numbers("recency"), numbers("spent"));
    for (row, placement) in found.placed.placements.iter().enumerate() {
        let point = [(recency[row] / DAY as f64).ln_1p(), spent[row].ln_1p()];
        let mut distances: Vec<(f64, usize)> = clusters
            .centers
            .iter()
            .map(|center| {
                let square = |i: usize| {
                    let scaled = (point[i] - clusters.scaler.center[i]) / clusters.scaler.spread[i];
                    (scaled - center[i]).powi(2)
                };
                (square(0) + square(1)).sqrt()
            })
            .zip(0..)
            .collect();
        distances.sort_by(|a, b| a.0.total_cmp(&b.0));
        let near = placement.cluster.as_ref().unwrap();
        assert_eq!(near.cluster, Some(distances[0].1 as u32));
        assert!((near.distance - distances[0].0).abs() < 1e-12);
        assert!((near.margin.unwrap() - (distances[1].0 - distances[0].0)).abs() < 1e-12);
    }
}

#[test]
fn one_cluster_has_no_margin() {
    let case = clustered();
    let spec = fs::read_to_string(case.path("case.seg")).unwrap();
    case.put("case.seg", &spec.replace("k 3", "k 1"));
    let assigner = assigner(&case);
    let (found, _) = assigned(&assigner, &case, &["orders.csv"], None).unwrap();
    let near = found.placed.placements[0].cluster.as_ref().unwrap();
    assert_eq!((near.cluster, near.margin), (Some(0), None));
    assert!(column(&table(&found.csv(Texts::Harmless)), "margin").iter().all(String::is_empty));
}

/// The list of a build as rows of cells, the header first; dates are left out.
fn listed(built: &Built) -> Vec<Vec<String>> {
    let list = List::of(&built.execution, &built.plan);
    let text = |cell: Cell| match cell {
        Cell::Text(text) => text.to_owned(),
        Cell::Whole(n) => n.to_string(),
        Cell::Number(x) => x.to_string(),
        _ => String::new(),
    };
    let row = |row| list.columns.iter().map(|column| text(list.cell(row, column))).collect();
    let head = list.columns.iter().map(|column| column.heading.to_string()).collect();
    std::iter::once(head).chain((0..list.height()).map(row)).collect()
}

/// Each method through the language: the list, the model and what the model says of the same customers.
#[test]
fn customers_get_back_their_segments_by_every_method() {
    let methods = [
        ("minibatch", "method minibatch; k 2..4 by silhouette"),
        ("gmm", "method gmm; k 2..4 by bic"),
        ("gmm", "method gmm; covariance tied; k 3"),
        ("ward", "method ward; k 2..5 by davies_bouldin"),
        ("dbscan", "method dbscan; radius 0.3; neighbours 4"),
        ("hdbscan", "method hdbscan; smallest 6; neighbours 4"),
    ];
    for (method, settings) in methods {
        let case = clustered();
        let spec = fs::read_to_string(case.path("case.seg")).unwrap();
        let noise = if settings.contains("neighbours") { "\n    noise \"Strays\"" } else { "" };
        let spec = spec.replace("k 3", settings).replace("otherwise \"Other\"", &format!("otherwise \"Other\"{noise}"));
        case.put("case.seg", &spec);
        // A giant whom nobody is near.
        let orders = fs::read_to_string(case.path("orders.csv")).unwrap();
        case.put("orders.csv", &format!("{orders}giant,g,p1,1,90000000,2024-01-28\n"));
        let built = case.built();
        let outcome = &built.outcome;
        let cluster = outcome.cluster.as_ref().unwrap();
        assert_eq!(cluster.method, method);
        assert_eq!(cluster.search.iter().any(|row| row.bic.is_some()), method == "gmm");
        let strays = outcome.segments.iter().filter(|segment| segment.label == "Strays").count();
        assert_eq!((cluster.noise.is_some(), strays == 1), (!noise.is_empty(), !noise.is_empty()), "{settings}");
        let customers: u64 = cluster.clusters.iter().map(|c| c.customers).sum::<u64>() + cluster.noise.unwrap_or(0);
        assert_eq!(customers, 61);
        let list = listed(&built);
        let assigner = open(&model_of(&built, &case)).unwrap();
        let (found, _) = assigned(&assigner, &case, &["orders.csv"], None).unwrap();
        let again = table(&found.csv(Texts::Harmless));
        for name in ["customer", "segment", "cluster", "rule"] {
            assert_eq!(column(&list, name), column(&again, name), "{settings}: {name}");
        }
        if method == "gmm" {
            let own = column(&list, "responsibility");
            assert!(own.iter().all(|x| (0.0..=1.0).contains(&x.parse::<f64>().unwrap())));
        }
        let alone = list.iter().find(|row| row[0] == "giant").unwrap();
        assert_eq!(noise.is_empty(), alone[1] != "Strays", "{settings}");
        assert!(segc::why::why(&case.compile(), &built, "giant").unwrap().is_some());
    }
}

/// Spends 10, 20, 20, 30 and 40: cut points 1: 10, 2: 20, 4: 30, 5: 40; the 25th and 75th percentiles are 20 and 30.
fn scored(features: &str) -> Case {
    let rows: String = [("a", 10), ("b", 20), ("c", 20), ("d", 30), ("e", 40)]
        .iter()
        .map(|(customer, price)| format!("{customer},{customer},pen,1,{price},2024-01-0{}\n", price / 10))
        .collect();
    let spec = spec_with(features).replace(
        "otherwise \"All\"",
        "\"Above\" when spent > all.spent\n    \"Middle\" when spent = all.spent\n    otherwise \"Below\"",
    );
    Case::new(&spec, &format!("{HEADER}{rows}"))
}

const SCORED: &str = "    spent = sum(amount)
    high = score(spent, 5)
    low = score(spent, 5, low is best)
    mixed = 10 * score(spent * 2, 5) + 1
    capped = winsorize(spent, 25%, 75%)";

#[test]
fn scores_go_by_the_cut_points_of_the_model() {
    let case = scored(SCORED);
    let rows: String = [5, 10, 15, 20, 25, 30, 35, 40, 99]
        .iter()
        .map(|price| format!("n{price:02},1,pen,1,{price},2024-02-01\n"))
        .collect();
    case.put("new.csv", &format!("{HEADER}{rows}"));
    let assigner = assigner(&case);
    let (found, _) = assigned(&assigner, &case, &["new.csv"], None).unwrap();
    let list = table(&found.csv(Texts::Harmless));
    // 15 has one of the five below it, as 20 has; 99 has all of them, and scores like the largest that was seen.
    assert_eq!(column(&list, "high"), ["1", "1", "2", "2", "4", "4", "5", "5", "5"]);
    // 25 has two of the five above it, as 20 has.
    assert_eq!(column(&list, "low"), ["5", "5", "5", "3", "3", "2", "2", "1", "1"]);
    assert_eq!(column(&list, "mixed"), ["11", "11", "21", "21", "41", "41", "51", "51", "51"]);
    assert_eq!(column(&list, "capped_GBP"), ["20", "20", "20", "20", "25", "30", "30", "30", "30"]);
    // `all.spent` stays 20, the median of the build.
    let labels = ["Below", "Below", "Below", "Middle", "Above", "Above", "Above", "Above", "Above"];
    assert_eq!(column(&list, "segment"), labels);
    let outside = column(&list, "outside");
    assert_eq!(outside[0], "spent_GBP 5 < 10");
    assert_eq!(outside[8], "spent_GBP 99 > 40");
    assert!(outside[1..8].iter().all(String::is_empty), "{outside:?}");
}

/// A customer's features do not depend on who else is asked about.
#[test]
fn one_customer_alone_gets_what_he_gets_among_others() {
    let case = clustered();
    let assigner = assigner(&case);
    let as_of = case.built().execution.as_of;
    let (all, _) = assigned(&assigner, &case, &["orders.csv"], as_of).unwrap();
    let orders = fs::read_to_string(case.path("orders.csv")).unwrap();
    let all = table(&all.csv(Texts::Harmless));
    for (row, line) in orders.lines().skip(1).enumerate() {
        case.put("one.csv", &format!("{HEADER}{line}\n"));
        let (one, _) = assigned(&assigner, &case, &["one.csv"], as_of).unwrap();
        assert_eq!(table(&one.csv(Texts::Harmless))[1], all[1 + row]);
    }
}

#[test]
fn the_moment_is_that_of_the_new_rows_unless_it_is_stated() {
    let case = clustered();
    let assigner = assigner(&case);
    let new = format!("{HEADER}zoe,1,pen,1,40,2024-06-01 12:00:00\nzed,2,pen,1,40,2024-06-11 12:00:00\n");
    case.put("new.csv", &new);
    let (own, _) = assigned(&assigner, &case, &["new.csv"], None).unwrap();
    let list = table(&own.csv(Texts::Harmless));
    assert_eq!(column(&list, "recency_days"), ["1", "11"]);
    assert_eq!(column(&list, "as_of"), ["2024-06-12T12:00:00"; 2]);
    let stated = segc::time::moment("2024-06-05").unwrap().0;
    let (stated, _) = assigned(&assigner, &case, &["new.csv"], Some(stated)).unwrap();
    // Zed bought later than that.
    assert_eq!(column(&table(&stated.csv(Texts::Harmless)), "customer"), ["zoe"]);
    assert_eq!(column(&table(&stated.csv(Texts::Harmless)), "recency_days"), ["3"]);
    let ledger = stated.placed.ledger.as_ref().unwrap();
    assert_eq!((ledger.dropped[0].rule.as_str(), ledger.dropped[0].rows), ("after as_of (built in)", 1));
}

/// A spec with a fixed `as_of` drops all rows after it; the way out is named.
#[test]
fn rows_after_a_fixed_moment_are_not_lost_in_silence() {
    let case = clustered();
    let spec = fs::read_to_string(case.path("case.seg")).unwrap();
    case.put("case.seg", &spec.replace("as_of max(at) + 1 day", "as_of @2024-02-01"));
    case.put("new.csv", &format!("{HEADER}zoe,1,pen,1,40,2024-06-01\n"));
    let assigner = assigner(&case);
    let found = assigned(&assigner, &case, &["new.csv"], None).err().unwrap();
    assert_eq!(found[0].code, "SEG0401");
    assert!(found[0].help.as_ref().unwrap().contains("--as-of"), "{found:#?}");
}

#[test]
fn several_files_are_one_table() {
    let case = clustered();
    let assigner = assigner(&case);
    let orders = fs::read_to_string(case.path("orders.csv")).unwrap();
    let lines: Vec<&str> = orders.lines().skip(1).collect();
    let part = |lines: &[&str]| format!("{HEADER}{}\n", lines.join("\n"));
    // In another order, with the columns in another order.
    case.put("a.csv", &part(&lines[40..]));
    let turned: Vec<String> = lines[..40].iter().map(|l| l.split(',').rev().collect::<Vec<_>>().join(",")).collect();
    case.put("b.csv", &format!("at,price,quantity,product,invoice,customer\n{}\n", turned.join("\n")));
    let (one, _) = assigned(&assigner, &case, &["orders.csv"], None).unwrap();
    let (two, _) = assigned(&assigner, &case, &["a.csv", "b.csv"], None).unwrap();
    assert_eq!(one.csv(Texts::Harmless), two.csv(Texts::Harmless));
}

#[test]
fn measured_customers_are_read_by_headings_or_names() {
    let case = scored(SCORED);
    let assigner = assigner(&case);
    // A score that came from elsewhere gives way to the model's cut points.
    case.put("m.csv", "Customer,spent_GBP,high\nx,25,1\ny,,2\n\"'=z\",41.5,3\n");
    let (found, _) = assigned(&assigner, &case, &["m.csv"], None).unwrap();
    let list = table(&found.csv(Texts::Harmless));
    assert_eq!(column(&list, "customer"), ["x", "y", "'=z"]);
    assert_eq!(column(&list, "high"), ["4", "", "5"]);
    assert_eq!(column(&list, "capped_GBP"), ["25", "", "30"]);
    // Nothing is known of y: no rule over `spent` holds, and the last one takes everybody.
    assert_eq!(column(&list, "segment"), ["Above", "Below", "Above"]);
    assert_eq!(column(&list, "outside"), ["", "", "spent_GBP 41.5 > 40"]);
    assert_eq!(column(&list, "as_of"), [""; 3]);
    assert_eq!(found.placed.customers.ids[2], "=z");

    case.put("bare.csv", "customer;spent\nx;25,5\n");
    let (found, _) = assigned(&assigner, &case, &["bare.csv"], None).unwrap();
    assert_eq!(column(&table(&found.csv(Texts::Harmless)), "spent_GBP"), ["25.5"]);
}

#[test]
fn who_can_not_be_placed_has_a_reason_and_no_segment() {
    let case = clustered();
    let assigner = assigner(&case);
    case.put("m.csv", "customer,recency,spent\nx,,50\ny,3,-7\nz,3,50\nw,3,1e300\n");
    let (found, _) = assigned(&assigner, &case, &["m.csv"], None).unwrap();
    let list = table(&found.csv(Texts::Harmless));
    let (segments, reasons) = (column(&list, "segment"), column(&list, "reason"));
    assert_eq!(reasons[..3], ["`log1p(recency)` is missing", "`log1p(spent)` is missing", ""]);
    assert_eq!((segments[0].as_str(), segments[1].as_str()), ("", ""));
    assert!(!segments[2].is_empty() && !segments[3].is_empty());
    assert_eq!(column(&list, "cluster")[..2], ["", ""]);
    let warning = &found.diagnostics[0];
    assert_eq!((warning.code, warning.message.as_str()), ("SEG0361", "2 of 4 customers have no segment"));
    assert_eq!(found.sizes().last().unwrap(), &(None, 2));

    // Where distances can't be measured.
    let spec = fs::read_to_string(case.path("case.seg")).unwrap();
    case.put("case.seg", &spec.replace("log1p(spent)", "spent"));
    let assigner = open(&model_of(&case.built(), &case)).unwrap();
    let (found, _) = assigned(&assigner, &case, &["m.csv"], None).unwrap();
    assert_eq!(column(&table(&found.csv(Texts::Harmless)), "reason")[3], "`spent` is too large to measure distances");
}

/// The rules are proved to take every customer that rows can give; a table can hold others.
#[test]
fn a_rule_that_could_rely_on_a_value_does_not_panic_without_it() {
    let case = scored("    spent = sum(amount)");
    let spec = fs::read_to_string(case.path("case.seg")).unwrap();
    let rules = "\"Big\" when spent >= 20 GBP\n    \"Small\" when spent < 20 GBP";
    let start = spec.find("\"Above\"").unwrap();
    let end = start + spec[start..].find("\"Below\"").unwrap() + "\"Below\"".len();
    case.put("case.seg", &format!("{}{rules}{}", &spec[..start], &spec[end..]));
    let assigner = assigner(&case);
    case.put("m.csv", "customer,spent\nx,25\ny,\n");
    let (found, _) = assigned(&assigner, &case, &["m.csv"], None).unwrap();
    let list = table(&found.csv(Texts::Harmless));
    assert_eq!(column(&list, "segment"), ["Big", ""]);
    assert_eq!(column(&list, "reason"), ["", "no rule holds: `spent` missing"]);
}

#[test]
fn a_formula_that_looks_at_the_moment_asks_for_it() {
    let case = scored("    spent = sum(amount)\n    last = max(at)\n    gap = as_of - last");
    let spec = fs::read_to_string(case.path("case.seg")).unwrap();
    case.put("case.seg", &spec.replace("\"Above\" when spent > all.spent", "\"Above\" when gap > 10 days"));
    let assigner = assigner(&case);
    case.put("m.csv", "customer,spent,last\nx,25,2024-01-01\n");
    let found = assigned(&assigner, &case, &["m.csv"], None).err().unwrap();
    assert_eq!(found[0].code, "SEG0359");
    assert!(found[0].help.as_ref().unwrap().contains("--as-of"), "{found:#?}");
    let as_of = segc::time::moment("2024-01-12").unwrap().0;
    let (placed, _) = assigned(&assigner, &case, &["m.csv"], Some(as_of)).unwrap();
    assert_eq!(column(&table(&placed.csv(Texts::Harmless)), "gap_days"), ["11"]);
    assert_eq!(column(&table(&placed.csv(Texts::Harmless)), "segment"), ["Above"]);
    // Or the table has it.
    case.put("m.csv", "customer,spent,gap_days\nx,25,9.5\n");
    let (placed, _) = assigned(&assigner, &case, &["m.csv"], None).unwrap();
    assert_eq!(column(&table(&placed.csv(Texts::Harmless)), "gap_days"), ["9.5"]);
}

#[test]
fn unreadable_rows_are_counted_and_listed() {
    let case = scored(SCORED);
    let out = case.path("out");
    let run = |arguments: &[&str]| segc(arguments).current_dir(case.folder.path()).output().unwrap();
    let built = run(&["build", "case.seg", "-o", "out"]);
    assert!(built.status.success(), "{}", stderr(&built));
    let rows: String = (0..200).map(|i| format!("n{i},1,pen,1,{i},2024-02-01\n")).collect();
    case.put("new.csv", &format!("{HEADER}{rows}bad,1,pen,x,1,2024-02-01\n"));
    let list = run(&["assign", "--model", "out/model.json", "new.csv", "--rejects", "rejects.csv"]);
    assert_eq!(list.status.code(), Some(0), "{}", stderr(&list));
    assert_eq!(table(&list.stdout).len(), 201);
    assert!(stderr(&list).contains("201 rows read, 200 used, unreadable 1"), "{}", stderr(&list));
    let rejects = table(&fs::read(case.path("rejects.csv")).unwrap());
    assert_eq!(rejects[1][..4], ["new.csv", "202", "quantity", "x"]);
    // Measured customers as well.
    case.put("m.csv", "customer,spent\na,1\nb,much\n");
    let list = run(&["assign", "--model", "out/model.json", "m.csv"]);
    assert_eq!(list.status.code(), Some(3));
    assert!(stderr(&list).contains("SEG0303"), "{}", stderr(&list));
    assert!(out.join("model.json").is_file());
}

#[test]
fn formulas_are_neutralised_for_people_and_left_alone_for_programs() {
    let case = scored(SCORED);
    let assigner = assigner(&case);
    case.put("new.csv", &format!("{HEADER}=1+1,1,pen,1,20,2024-02-01\n"));
    let (found, _) = assigned(&assigner, &case, &["new.csv"], None).unwrap();
    assert_eq!(column(&table(&found.csv(Texts::Harmless)), "customer"), ["'=1+1"]);
    let line: serde_json::Value = serde_json::from_slice(&found.json_lines()).unwrap();
    assert_eq!(line["customer"], "=1+1");
    assert_eq!((&line["segment"], &line["features"]["high"]), (&"Middle".into(), &2.into()));
    assert_eq!(line["as_of"], "2024-02-02T00:00:00");
}

#[test]
fn a_feature_may_be_called_like_a_column_of_the_list() {
    let case = scored("    spent = sum(amount)\n    reason = mode(product)");
    let assigner = assigner(&case);
    let (found, _) = assigned(&assigner, &case, &["orders.csv"], None).unwrap();
    let list = table(&found.csv(Texts::Harmless));
    assert_eq!(list[0][2..], ["outside", "model_reason", "as_of", "spent_GBP", "reason", "rule"]);
    assert_eq!(column(&list, "reason"), ["pen"; 5]);
}

/// What a person types, and what comes back.
#[test]
fn the_command_keeps_to_its_exit_codes() {
    let case = clustered();
    let run = |arguments: &[&str]| segc(arguments).current_dir(case.folder.path()).output().unwrap();
    assert!(run(&["build", "case.seg", "-o", "out"]).status.success());
    let assign = |rest: &[&str]| run(&[&["assign", "--model", "out/model.json"], rest].concat());
    let fine = assign(&["orders.csv", "-o", "list.csv"]);
    assert_eq!(fine.status.code(), Some(0));
    assert!(stdout(&fine).contains("as of 2024-01-23T00:00:00, by the spec: max(at) + 1 day"), "{}", stdout(&fine));
    let kept = fs::read(case.path("list.csv")).unwrap();
    case.put("m.csv", "customer,recency,spent\nx,,50\n");
    assert_eq!(assign(&["m.csv"]).status.code(), Some(0));
    assert_eq!(assign(&["m.csv", "--deny"]).status.code(), Some(1));
    assert_eq!(assign(&["m.csv", "--as-of", "yesterday"]).status.code(), Some(2));
    assert_eq!(assign(&[]).status.code(), Some(2));
    assert_eq!(assign(&["none.csv", "-o", "list.csv"]).status.code(), Some(3));
    assert_eq!(assign(&["orders.csv", "-o", "none/list.csv"]).status.code(), Some(4));
    assert_eq!(run(&["assign", "--model", "none.json", "orders.csv"]).status.code(), Some(3));
    assert_eq!(fs::read(case.path("list.csv")).unwrap(), kept, "a failure changed the last good list");
    // In a data folder, as for a spec.
    fs::create_dir(case.path("data")).unwrap();
    fs::rename(case.path("orders.csv"), case.path("data/orders.csv")).unwrap();
    assert_eq!(assign(&["orders.csv"]).status.code(), Some(3));
    assert_eq!(assign(&["orders.csv", "--data", "data"]).stdout, kept);
    let lines = assign(&["orders.csv", "--data", "data", "--json"]);
    let lines: Vec<serde_json::Value> = stdout(&lines).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 60);
}

/// The spec in a model carries its includes and parameters with it.
#[test]
fn a_model_needs_nothing_beside_it() {
    let case = scored(SCORED);
    fs::create_dir(case.path("common")).unwrap();
    let spec = fs::read_to_string(case.path("case.seg")).unwrap();
    let spec = spec.replace("  filter {\n\n  }\n", "  include \"common/a.seg\"\n");
    assert!(spec.contains("include"), "the frame of the case has no empty filter any more");
    case.put("case.seg", &spec).put("common/a.seg", "param least = 1 GBP\ninclude \"../b.seg\"\n");
    case.put("b.seg", "filter { drop \"small\" when amount < least }\n");
    let run = |arguments: &[&str]| segc(arguments).current_dir(case.folder.path()).output().unwrap();
    let built = run(&["build", "case.seg", "-o", "out", "--param", "least=15 GBP"]);
    assert!(built.status.success(), "{}", stderr(&built));
    for file in ["case.seg", "b.seg", "common/a.seg"] {
        fs::remove_file(case.path(file)).unwrap();
    }
    let list = run(&["assign", "--model", "out/model.json", "orders.csv"]);
    assert!(list.status.success(), "{}", stderr(&list));
    assert_eq!(column(&table(&list.stdout), "customer"), ["b", "c", "d", "e"]);
}

/// Rows from anywhere: a server asks about one customer without any file.
#[test]
fn a_single_customer_can_be_asked_about() {
    let case = clustered();
    let assigner = assigner(&case);
    let built = case.built();
    let feature = |name: &str, x: f64| {
        let mut feature = built.execution.customers.feature(name).unwrap().clone();
        feature.values = Values::Numbers(vec![x]);
        feature
    };
    let features = vec![feature("recency", 3.0 * DAY as f64), feature("spent", 900.0)];
    let measured = Measured { ids: vec!["zoe".into()], features };
    let found = assign::assign(&assigner, Rows::Measured(measured), &[], None).unwrap();
    assert_eq!(found.placed.placements[0].segment.as_ref().unwrap().label, "Good");
    let lacking = Measured { ids: vec!["zoe".into()], features: vec![feature("spent", 900.0)] };
    let found = assign::assign(&assigner, Rows::Measured(lacking), &[], None).err().unwrap();
    assert_eq!(found[0].code, "SEG0359");
}

/// Models of a build, and what a cut or changed copy of them is called.
#[test]
fn a_damaged_model_is_refused_and_never_panics() {
    for case in [clustered(), scored(SCORED)] {
        let model = model_of(&case.built(), &case);
        assert!(open(&model).is_ok());
        let codes = |bytes: &[u8]| open(bytes).err().map(|found| found[0].code);
        for cut in (0..model.len() - 2).step_by(23) {
            assert!(matches!(codes(&model[..cut]), Some("SEG0355" | "SEG0356")), "cut at {cut}");
        }
        let original: serde_json::Value = serde_json::from_slice(&model).unwrap();
        let mut config = Config::with_cases(1_500);
        config.rng_seed = RngSeed::Fixed(7);
        config.failure_persistence = None;
        let mut runner = TestRunner::new(config);
        let flips = (0..model.len(), 1u8..=255);
        let flipped = runner.run(&flips, |(at, bits)| {
            let mut model = model.clone();
            model[at] ^= bits;
            // What means the same, blanks for example, may pass.
            let same = serde_json::from_slice::<serde_json::Value>(&model).is_ok_and(|json| json == original);
            proptest::prop_assert_eq!(codes(&model).is_none(), same, "byte {}", at);
            Ok(())
        });
        flipped.unwrap();
    }
}

/// Somebody changes a number and mends the digest: whatever is in the model, it gives a list or a code.
#[test]
fn a_forged_model_never_panics() {
    for case in [clustered(), scored(SCORED)] {
        let model = model::Model::read(&model_of(&case.built(), &case)).unwrap();
        let json = serde_json::to_value(&model).unwrap();
        let mut places = vec![];
        leaves(&json, String::new(), &mut places);
        case.put("m.csv", "customer,recency,spent\nx,4,50\ny,,1\nz,1e9,-4\n");
        let values = ["null", "-1", "1e308", "[]", "4294967295"];
        let mut opened = 0;
        for place in places.iter().filter(|place| !place.starts_with("/spec")) {
            for value in values {
                let mut forged = json.clone();
                *forged.pointer_mut(place).unwrap() = serde_json::from_str(value).unwrap();
                let Ok(forged) = serde_json::from_value::<model::Model>(forged) else { continue };
                let Ok(assigner) = open(&output::json(&forged.sealed())) else { continue };
                opened += 1;
                for file in ["orders.csv", "m.csv"] {
                    if let Ok((found, _)) = assigned(&assigner, &case, &[file], None) {
                        assert_eq!(table(&found.csv(Texts::Harmless)).len(), 1 + found.placed.placements.len());
                        found.json_lines();
                    }
                }
            }
        }
        assert!(opened > 20, "{opened} models could be opened");
    }
}

/// Every value and every list of a JSON, by its pointer.
fn leaves(json: &serde_json::Value, at: String, out: &mut Vec<String>) {
    match json {
        serde_json::Value::Object(fields) => fields.iter().for_each(|(k, v)| leaves(v, format!("{at}/{k}"), out)),
        serde_json::Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, v)| leaves(v, format!("{at}/{i}"), out))
        }
        _ => {}
    }
    if !at.is_empty() {
        out.push(at);
    }
}

/// A later segc may add fields, another tool may lay the JSON out anew.
#[test]
fn a_model_may_be_laid_out_anew_and_have_more_fields() {
    let case = clustered();
    let mut json: serde_json::Value = serde_json::from_slice(&model_of(&case.built(), &case)).unwrap();
    assert!(open(json.to_string().as_bytes()).is_ok());
    json["schema"] = "segc.model/2".into();
    assert_eq!(open(json.to_string().as_bytes()).err().unwrap()[0].code, "SEG0355");
    json["schema"] = "segc.model/1".into();
    json["more"] = true.into();
    assert_eq!(open(json.to_string().as_bytes()).err().unwrap()[0].code, "SEG0356", "its digest is not of this field");
}

#[test]
fn a_file_that_is_neither_says_what_it_lacks() {
    let case = clustered();
    let assigner = assigner(&case);
    case.put("n.csv", "client,total\nx,4\n");
    let found = assigned(&assigner, &case, &["n.csv"], None).err().unwrap();
    assert_eq!(found[0].code, "SEG0358");
    assert!(found[0].notes[0].contains("`customer`"), "{found:#?}");
    assert!(found[0].help.as_ref().unwrap().contains("recency_days"), "{found:#?}");
}

/// Of measured customers, one row each.
#[test]
fn rows_that_can_not_be_told_apart_are_an_error() {
    let case = clustered();
    let assigner = assigner(&case);
    for rows in ["x,4,50\nx,4,50\n", "x,4,50\n,4,50\n"] {
        case.put("m.csv", &format!("customer,recency,spent\n{rows}"));
        let found = assigned(&assigner, &case, &["m.csv"], None).err().unwrap();
        assert_eq!(found[0].code, "SEG0360");
    }
}

/// A path in an absolute form is what a person means by it.
#[test]
fn a_named_file_is_read_where_it_lies() {
    let case = clustered();
    let name = case.path("orders.csv").display().to_string();
    let file = assign::locate(&Disk::default(), &name).unwrap();
    assert_eq!(file.path, PathBuf::from(&name));
    let found = assign::locate(&Disk::default(), "no/such.csv").err().unwrap();
    assert_eq!(found.code, "SEG0301");
}
