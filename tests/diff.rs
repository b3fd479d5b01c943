//! What a change to a spec does to customers.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use segc::build::Built;
use segc::compile::Compiled;
use segc::diff::{self, Cause, Diff, markdown, text};
use segc::report::{self, Templates};

use crate::support::{Case, files, root, segc, spec_around, stderr, stdout};

const ORDERS: &str = "customer,invoice,product,quantity,price,at
ada,A1,cup,1,100.05,2024-01-10
ada,A2,cup,1,20.00,2024-03-10
ben,B1,tea,2,30.00,2024-02-01
ben,B2,tea,-1,30.00,2024-02-02
cleo,C1,pot,1,9.995,2024-03-01
dora,D1,pot,-1,9.99,2024-03-01
emil,E1,tea,3,15.00,2024-03-20
";

/// A spec with what it gives.
pub struct Part {
    pub compiled: Compiled,
    pub built: Built,
}

impl Part {
    #[track_caller]
    pub fn of(spec: &str, orders: &str) -> Part {
        let case = Case::new(spec, orders);
        Part { compiled: case.compile(), built: case.built() }
    }
}

fn build(filter: &str, rules: &str) -> Part {
    let spec = spec_around("", filter, "    spent = sum(amount)\n    visits = count(baskets)\n    s = score(spent, 3)");
    let all = "    otherwise \"All\"";
    assert!(spec.contains(all));
    Part::of(&spec.replace(all, rules), ORDERS)
}

const RULES: &str = "    \"Big\" when spent >= 60 GBP\n    \"Mid\" when spent >= 40 GBP\n    otherwise \"Small\"";

pub fn compare(a: &Part, b: &Part) -> Diff {
    fn part<'a>(name: &'a str, side: &'a Part) -> diff::Part<'a> {
        diff::Part { name, compiled: &side.compiled, built: &side.built }
    }
    diff::diff(part("a", a), part("b", b))
}

fn moves(diff: &Diff) -> Vec<(&str, Option<&str>, Option<&str>, Cause)> {
    diff.movers.iter().map(|m| (m.customer.as_str(), m.from.as_deref(), m.to.as_deref(), m.cause)).collect()
}

/// Units of 10^-4, the smallest that the amounts here have.
fn units(amount: &Option<String>) -> i64 {
    (amount.as_deref().unwrap_or("0").parse::<f64>().unwrap() * 10_000.0).round() as i64
}

/// Rows of the matrix sum to the segments before, columns to those after, in customers and to the last digit of money.
#[track_caller]
pub fn sums_hold(diff: &Diff) {
    for segment in &diff.before.segments {
        let row = || diff.matrix.iter().filter(|cell| cell.from.as_ref() == Some(&segment.label));
        assert_eq!(row().map(|cell| cell.customers).sum::<u64>(), segment.customers, "{}", segment.label);
        assert_eq!(
            row().map(|cell| units(&cell.amount_before)).sum::<i64>(),
            units(&segment.amount),
            "{}",
            segment.label
        );
    }
    for segment in &diff.after.segments {
        let column = || diff.matrix.iter().filter(|cell| cell.to.as_ref() == Some(&segment.label));
        assert_eq!(column().map(|cell| cell.customers).sum::<u64>(), segment.customers, "{}", segment.label);
        assert_eq!(
            column().map(|cell| units(&cell.amount_after)).sum::<i64>(),
            units(&segment.amount),
            "{}",
            segment.label
        );
    }
}

#[test]
fn a_spec_does_not_differ_from_itself() {
    let built = build("", RULES);
    let same = compare(&built, &built);
    assert!(same.is_empty(), "{same:#?}");
    assert!(text(&same).contains("Nothing changes"));
    sums_hold(&same);
    // Neither does it from one that says the same in other words and in another layout.
    let reworded = RULES.replace("spent >= 60 GBP", "( spent>=60.0 GBP )  # as ever");
    let cosmetic = compare(&built, &build("", &reworded));
    assert!(cosmetic.spec.is_empty(), "{:#?}", cosmetic.spec);
    assert!(cosmetic.is_empty());
}

/// By hand: ada 120.05, ben 30, cleo 9.995, dora -9.99, emil 45.
#[test]
fn a_raised_threshold_moves_those_between() {
    let before = build("", RULES);
    let after = build("", &RULES.replace("60 GBP", "130 GBP").replace("40 GBP", "50 GBP"));
    let found = compare(&before, &after);
    assert_eq!(
        moves(&found),
        [("ada", Some("Big"), Some("Mid"), Cause::Rule), ("emil", Some("Mid"), Some("Small"), Cause::Rule)]
    );
    assert_eq!((found.moved.customers, found.moved.share), (2, 0.4));
    assert_eq!(found.moved.amount.as_deref(), Some("165.05"));
    sums_hold(&found);
    assert_eq!(found.movers[0].why, "rule 1 (\"Big\" when spent >= 60 GBP) -> rule 2 (\"Mid\" when spent >= 50 GBP)");
    let parts: Vec<&str> = found.spec.iter().map(|change| change.part.as_str()).collect();
    assert_eq!(parts, ["labels"]);
    assert!(found.rows.is_empty() && found.cuts.is_empty());
    let page = text(&found).replace('\u{a0}', " ");
    for line in ["2 customers move (40.0 %), and with them £165.05", "Big -> Mid", "emil"] {
        assert!(page.contains(line), "{line}\n{page}");
    }
}

#[test]
fn other_cleaning_changes_values_and_who_is_a_customer() {
    let before = build("", RULES);
    let after = build("    drop \"returned\" when quantity < 0", RULES);
    let found = compare(&before, &after);
    // ben's return of 30 does not count any more, and dora has no row left.
    assert_eq!(
        moves(&found),
        [("ben", Some("Small"), Some("Big"), Cause::Feature), ("dora", Some("Small"), None, Cause::Rows)]
    );
    sums_hold(&found);
    assert_eq!(found.movers[0].why, "spent 30 -> 60, visits 2 -> 1");
    let rules: Vec<&str> = found.rows.iter().map(|change| change.rule.as_str()).collect();
    assert_eq!(rules, ["used", "returned"]);
    assert_eq!(found.rows[1].amount_after.as_deref(), Some("-39.99"));
    assert!(!found.cuts.is_empty(), "scores look at all customers");
    let back = compare(&after, &before);
    assert_eq!(back.movers[1].from, None);
    sums_hold(&back);
}

/// The moves from a to c are those from a to b followed by those from b to c.
#[test]
fn diffs_compose() {
    let filters = ["", "    drop \"returned\" when quantity < 0", "    drop \"dear\" when price > 50 GBP"];
    let thresholds = ["60 GBP", "20 GBP", "130 GBP"];
    let builds: Vec<Part> =
        filters.iter().flat_map(|f| thresholds.iter().map(|t| build(f, &RULES.replace("60 GBP", t)))).collect();
    let places = |Part { built, .. }: &Part| -> BTreeMap<String, String> {
        let labelled = &built.execution.labelled;
        let ids = built.execution.customers.ids.iter().zip(&labelled.of_customer);
        ids.map(|(id, segment)| (id.clone(), labelled.segments[*segment as usize].label.clone())).collect()
    };
    let follow = |diff: &Diff, mut at: BTreeMap<String, String>| {
        for mover in &diff.movers {
            assert_eq!(at.remove(&mover.customer), mover.from, "{}", mover.customer);
            at.extend(mover.to.clone().map(|to| (mover.customer.clone(), to)));
        }
        at
    };
    for a in &builds {
        for b in &builds {
            let there = compare(a, b);
            sums_hold(&there);
            assert_eq!(follow(&there, places(a)), places(b));
            for c in &builds {
                let (further, straight) = (compare(b, c), compare(a, c));
                assert_eq!(follow(&further, follow(&there, places(a))), follow(&straight, places(a)));
            }
        }
    }
}

#[test]
fn nothing_in_the_data_becomes_markdown() {
    let orders = ORDERS.replace("emil,", "<img src=x>|*a*,");
    let build = |limit: &str| {
        let spec = spec_around("", "", "    spent = sum(amount)");
        let rules = format!("    \"B|g\" when spent >= {limit} GBP\n    otherwise \"<b>\"");
        Part::of(&spec.replace("    otherwise \"All\"", &rules), &orders)
    };
    let page = markdown(&compare(&build("40"), &build("50")));
    assert!(!page.contains("<img") && !page.contains("*a*"), "{page}");
    let row = page.lines().find(|line| line.contains("img")).unwrap();
    assert_eq!(row.replace("\\|", "").matches('|').count(), 5, "{row}");
}

fn git(folder: &Path, arguments: &[&str]) {
    let output = Command::new("git")
        .current_dir(folder)
        .args(["-c", "user.name=ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", stderr(&output));
}

/// A reviewer compares the spec of a branch with the one before, in a real repository.
#[test]
fn a_spec_is_compared_with_its_revisions() {
    let folder = tempfile::tempdir().unwrap();
    let specs = folder.path().join("specs");
    fs::create_dir_all(specs.join("common")).unwrap();
    fs::copy(root().join("tests/diagnostics/orders.csv"), specs.join("orders.csv")).unwrap();
    let spec = spec_around("  include \"common/names.seg\"", "", "    spent = sum(amount)");
    let (head, labels) = spec.split_once("  label customers").unwrap();
    let case = |limit: &str| {
        fs::write(specs.join("orders.csv"), ORDERS).unwrap();
        fs::write(specs.join("shop.seg"), format!("{head}}}\n")).unwrap();
        let names = format!("label customers {{\n  \"Big\" when spent >= {limit} GBP\n  otherwise \"Small\"\n}}\n");
        fs::write(specs.join("common/names.seg"), names).unwrap();
    };
    assert!(labels.contains("otherwise"));
    git(folder.path(), &["init", "-q"]);
    case("60");
    git(folder.path(), &["add", "."]);
    git(folder.path(), &["commit", "-qm", "first"]);
    git(folder.path(), &["tag", "v1"]);
    case("40");
    let run = |arguments: &[&str]| {
        let output = segc(&["diff"]).current_dir(folder.path()).args(arguments).output().unwrap();
        (output.status.code().unwrap(), stdout(&output).replace('\u{a0}', " "), stderr(&output))
    };
    // An include is taken from the revision as well: 45 pounds of emil lie between.
    let (code, said, _) = run(&["specs/shop.seg@v1", "specs/shop.seg"]);
    assert_eq!(code, 0);
    assert!(
        said.contains("1 customer moves (20.0 %), and with them £45.00") && said.contains("Small -> Big"),
        "{said}"
    );
    let (code, json, _) = run(&["specs/shop.seg@HEAD", "specs/shop.seg", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, &json["schema"], &json["movers"][0]["customer"]), (0, &"segc.diff/1".into(), &"emil".into()));
    let (code, page, _) = run(&["specs/shop.seg@v1", "specs/shop.seg", "--format", "markdown"]);
    assert!(code == 0 && page.contains("| emil | Small → Big | £45.00 |"), "{page}");
    for (limit, expected) in [("moved_revenue > 20%", 1), ("moved_revenue > 30%", 0), ("moved_customers >= 1", 1)] {
        let (code, _, said) = run(&["specs/shop.seg@v1", "specs/shop.seg", "--fail-if", limit]);
        assert_eq!(code, expected, "{limit}: {said}");
    }
    let cases: &[(&[&str], i32, &str)] = &[
        (&["specs/shop.seg@v9", "specs/shop.seg"], 2, "error[SEG0640]"),
        (&["specs/shop.seg@--help", "specs/shop.seg"], 2, "error[SEG0640]"),
        (&["specs/other.seg@v1", "specs/shop.seg"], 2, "error[SEG0106]"),
        (&["specs/shop.seg", "specs/none.seg"], 2, "error[SEG0106]"),
        (&["specs/shop.seg", "none.json"], 2, "error[SEG0640]"),
        (&["specs/shop.seg", "specs/shop.seg", "--fail-if", "revenue < 3"], 2, "error[SEG0641]"),
    ];
    for (arguments, code, words) in cases {
        let (found, _, said) = run(arguments);
        assert_eq!(found, *code, "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
    // What parses in one revision and not in the other is said under its name.
    fs::write(specs.join("shop.seg"), "segmentation shop {\n  features {{\n}\n").unwrap();
    let (code, _, said) = run(&["specs/shop.seg@v1", "specs/shop.seg"]);
    assert!(code == 2 && said.starts_with("specs/shop.seg:\n"), "{said}");
}

/// An engineer compares what a build kept with the spec of today.
#[test]
fn a_build_is_compared_through_its_manifest() {
    let spec = spec_around("", "", "    spent = sum(amount)");
    let rules = |limit: &str| format!("    \"Big\" when spent >= {limit} GBP\n    otherwise \"Small\"");
    let case = Case::new(&spec.replace("    otherwise \"All\"", &rules("60")), ORDERS);
    let run = |arguments: &[&str]| segc(arguments).current_dir(case.folder.path()).output().unwrap();
    assert!(run(&["build", "case.seg", "-o", "out"]).status.success());
    case.put("case.seg", &spec.replace("    otherwise \"All\"", &rules("40")));
    let output = run(&["diff", "out/manifest.json", "case.seg"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stdout(&output).contains("1 customer moves"), "{}", stdout(&output));
    assert_eq!(stderr(&output), "");
    case.put("orders.csv", &ORDERS.replace("emil,E1,tea,3", "emil,E1,tea,2"));
    let output = run(&["diff", "out/manifest.json", "case.seg"]);
    assert!(stderr(&output).contains("`orders.csv` has changed since that build"), "{}", stderr(&output));
    let model = fs::read_to_string(case.path("out/model.json")).unwrap();
    fs::write(case.path("out/model.json"), &model[..model.len() / 2]).unwrap();
    let output = run(&["diff", "out/manifest.json", "case.seg"]);
    assert!(stderr(&output).contains("error[SEG0640]"), "{}", stderr(&output));
}

/// An auditor repeats a build a year later, and finds out why it comes out otherwise.
#[test]
fn verify_names_the_first_stage_that_differs() {
    let spec = spec_around("", "", "    spent = sum(amount)");
    let case = Case::new(&spec, ORDERS);
    let run = |arguments: &[&str]| {
        let output = segc(arguments).current_dir(case.folder.path()).output().unwrap();
        (output.status.code().unwrap(), stdout(&output) + &stderr(&output))
    };
    assert_eq!(run(&["build", "case.seg", "-o", "out", "--xlsx"]).0, 0);
    // The spec of today plays no part.
    case.put("case.seg", "segmentation other {\n");
    let verify = || run(&["verify", "out/manifest.json"]);
    assert_eq!(verify(), (0, "out/manifest.json: the same, 7 files byte for byte\n".to_owned()));
    let list = fs::read_to_string(case.path("out/segments.csv")).unwrap();
    fs::write(case.path("out/segments.csv"), list.replace("ada", "bob")).unwrap();
    assert_eq!(verify(), (1, "first files: `segments.csv` was changed after the build\n".to_owned()));
    fs::write(case.path("out/segments.csv"), list).unwrap();
    let manifest = fs::read_to_string(case.path("out/manifest.json")).unwrap();
    let mut other: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    other["as_of"] = "1999-01-01T00:00:00".into();
    fs::write(case.path("out/manifest.json"), other.to_string()).unwrap();
    let (code, said) = verify();
    let first = "first files: the manifest was changed after the build: `manifest.as_of` was \"1999-01-01T00:00:00\"";
    assert!(code == 1 && said.starts_with(first), "{said}");
    fs::write(case.path("out/manifest.json"), manifest).unwrap();
    case.put("orders.csv", &ORDERS.replace("emil,E1,tea,3,15.00", "emil,E1,tea,3,16.00"));
    let (code, said) = verify();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(code, 1);
    assert!(lines[0].starts_with("first inputs: `orders.csv`"), "{said}");
    assert!(lines[1].starts_with("then  cleaning: `rows.amount_read` was \"195.055\" and is \"198.055\""), "{said}");
    assert!(lines.iter().any(|line| line.starts_with("then  features:")), "{said}");
    fs::remove_file(case.path("orders.csv")).unwrap();
    let (code, said) = verify();
    assert!(code == 3 && said.contains("error[SEG0301]: there is no data file `orders.csv`"), "{said}");
    assert_eq!(run(&["verify", "case.seg"]).0, 2);
    assert_eq!(run(&["verify", "none.json"]).0, 2);
}

/// Clusters are numbered by their centres: seen from another side, the same groups have other numbers. Nobody moves.
#[test]
fn clusters_that_are_numbered_otherwise_keep_their_names() {
    let orders: String = (0..12)
        .map(|n| match n % 3 {
            0 => format!("big{n},A{n},cup,1,{}.00,2024-03-{:02}\n", 900 + n, 10 + n),
            1 => format!("old{n},B{n},cup,1,{}.00,2023-01-{:02}\n", 2 + n, 1 + n),
            _ => format!("mid{n},C{n},cup,1,{}.00,2023-12-{:02}\n", 60 + n, 1 + n),
        })
        .collect();
    let orders = format!("customer,invoice,product,quantity,price,at\n{orders}");
    let of = |on: &str, k: u32, rules: &str| {
        let features = "    spent = sum(amount)\n    recency = whole_days(as_of - max(at))";
        let labels = format!("  cluster {{ on {on}; k {k} }}\n  label clusters distinct {{");
        let spec = spec_around("", "", features).replace("  label customers {", &labels);
        Part::of(&spec.replace("    otherwise \"All\"", rules), &orders)
    };
    let all = "    otherwise \"Group\"";
    let (a, b) = (of("log1p(spent), log1p(recency)", 3, all), of("log1p(recency), log1p(spent)", 3, all));
    let found = compare(&a, &b);
    let numbers: Vec<(u32, u32, u64)> = found.clusters.iter().map(|m| (m.before, m.after, m.customers)).collect();
    assert_eq!(numbers, [(0, 2, 4), (1, 1, 4), (2, 0, 4)]);
    assert_eq!(moves(&found), []);
    sums_hold(&found);
    assert!(found.matrix.iter().all(|cell| cell.from == cell.to), "{:#?}", found.matrix);
    // The names did flip: it is the diff that knows better.
    let named = |part: &Part, id: &str| {
        let run = &part.built.execution;
        let row = run.customers.ids.iter().position(|known| known == id).unwrap();
        run.labelled.segments[run.labelled.of_customer[row] as usize].label.clone()
    };
    assert_ne!(named(&a, "big0"), named(&b, "big0"));
    // With one cluster fewer, those that are found again keep their names and the names stay apart.
    let fewer = compare(&a, &of("log1p(recency), log1p(spent)", 2, all));
    sums_hold(&fewer);
    let labels: Vec<&str> = fewer.after.segments.iter().map(|s| s.label.as_str()).collect();
    assert!(labels.len() == 2 && labels[0] != labels[1], "{labels:?}");
    assert_eq!(fewer.moved.customers, 4, "{:#?}", fewer.movers);
}

/// A diff is read in a browser, without a network, and nothing in the data becomes markup.
#[test]
fn the_page_of_a_diff_is_one_file_that_asks_for_nothing() {
    let orders = ORDERS.replace("emil,", "<img src=x onerror=alert(1)>,");
    let part = |limit: &str, others: &str| {
        let spec = spec_around("", "", "    spent = sum(amount)");
        let rules = format!("    \"B&g\" when spent >= {limit} GBP\n    otherwise {others:?}");
        Part::of(&spec.replace("    otherwise \"All\"", &rules), &orders)
    };
    let (a, b) = (part("40", "<b>Small</b>"), part("50", "<b>Small</b>"));
    let diff = compare(&a, &b);
    let templates = Templates::embedded();
    let page = report::diff_html(&diff, &templates).unwrap();
    assert_eq!(page, report::diff_html(&compare(&a, &b), &templates).unwrap());
    assert!(page.starts_with("<!DOCTYPE html>"), "{page}");
    for never in ["<img", "<b>Small", "B&g", "http://", "https://", " src=", "url("] {
        assert!(!page.replace("&lt;img src=", "").contains(never), "{never}");
    }
    let text = page.replace('\u{a0}', " ");
    for words in [
        "<title>1 customer moves</title>",
        "Moves: customers go to segments that others were in before.",
        "<b>£45</b><span>23.1 %</span>",
        "default-src 'none'; style-src 'sha256-",
        "prefers-color-scheme: dark",
        "data-theme=\"dark\"",
        "spent &gt;= 40 GBP and spent &lt; 50 GBP",
        "&lt;img",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    // The policy admits the one style that is there.
    let style = page.split("<style>").nth(1).and_then(|rest| rest.split("</style>").next()).unwrap();
    assert!(style.contains(".flow") && style.contains("--page"), "{style}");
    // Nothing changes: a page all the same, without empty tables.
    let same = report::diff_html(&compare(&a, &a), &templates).unwrap();
    assert!(same.contains("<title>Nothing changes</title>") && !same.contains("<table"), "{same}");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("diff.html"), "{{ title }} {{ no_such_thing }}").unwrap();
    let error = report::diff_html(&diff, &Templates::from_folder(folder.path()).unwrap()).unwrap_err();
    assert_eq!((error.template.as_str(), error.line), ("diff.html", Some(1)));
}

/// What stops one side is said under its name, with its code; nothing is printed and nothing is written.
#[test]
fn a_side_that_does_not_fit_stops_the_comparison() {
    let spec = spec_around("", "", "    spent = sum(amount)");
    let case = Case::new(&spec, ORDERS);
    case.put("wide.seg", &spec.replace("    at: datetime", "    at: datetime\n    country: text"));
    case.put("strange.seg", &spec.replace("quantity: int", "quantity: bool").replace("quantity * price", "price"));
    case.put("broken.seg", &spec.replace("sum(amount)", "sum(amount"));
    let before: Vec<_> = files(case.folder.path());
    let cases = [
        ("wide.seg", 3, "error[SEG0302]"),
        ("strange.seg", 3, "error[SEG0303]"),
        ("broken.seg", 2, "error[SEG0101]"),
        ("none.seg", 2, "error[SEG0106]"),
    ];
    for (other, code, words) in cases {
        for (a, b) in [("case.seg", other), (other, "case.seg")] {
            let output = segc(&["diff", a, b, "--format", "html"]).current_dir(case.folder.path()).output().unwrap();
            let said = stderr(&output);
            assert_eq!(output.status.code(), Some(code), "{other}: {said}");
            assert!(said.starts_with(&format!("{other}:\n")) && said.contains(words), "{other}: {said}");
            assert_eq!(stdout(&output), "");
        }
    }
    assert_eq!(files(case.folder.path()), before);
}

/// A snapshot that this version can't read stays as it is, unless it is to be rewritten.
#[test]
fn a_snapshot_of_another_version_is_not_overwritten() {
    let case = Case::new(&spec_around("", "", "    spent = sum(amount)"), ORDERS);
    let text = "segc snapshot 0: case\n  something else\n";
    case.put("case.snap", text);
    let run = |arguments: &[&str]| segc(arguments).current_dir(case.folder.path()).output().unwrap();
    let output = run(&["test", "case.seg"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("error[SEG0630]"), "{}", stderr(&output));
    assert_eq!(fs::read_to_string(case.path("case.snap")).unwrap(), text);
    assert!(run(&["test", "case.seg", "--update"]).status.success());
    assert!(fs::read_to_string(case.path("case.snap")).unwrap().starts_with("segc snapshot 1: case\n"));
}
