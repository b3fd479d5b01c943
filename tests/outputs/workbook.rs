//! `segments.xlsx`, read back by calamine and as the XML that it is.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use calamine::{Data, DataType, Reader, Xlsx, open_workbook};
use chrono::NaiveDateTime;
use segc::list::List;
use segc::output::workbook;

use crate::support::{Case, segc, spec_with, stderr};

type Rows = Vec<Vec<Data>>;

/// The sheets in their order, heading included.
fn sheets(path: &Path) -> Vec<(String, Rows)> {
    let mut book: Xlsx<_> = open_workbook(path).unwrap();
    let names = book.sheet_names();
    let rows = |name: &String| book.worksheet_range(name).unwrap().rows().map(<[Data]>::to_vec).collect();
    names.iter().map(rows).zip(names.clone()).map(|(rows, name)| (name, rows)).collect()
}

#[track_caller]
fn build(spec: &str, folder: &Path, out: &Path, arguments: &[&str]) {
    let output = segc(&["build", spec, "-o"]).arg(out).args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
}

/// A cell of the workbook against the same cell of `segments.csv`.
fn same(cell: &Data, csv: &str) -> bool {
    match cell {
        Data::Empty => csv.is_empty(),
        Data::String(text) => text == csv,
        Data::Bool(b) => csv == b.to_string(),
        Data::DateTime(at) => {
            let time = format!("{csv}T00:00:00").get(..19).unwrap().parse::<NaiveDateTime>().unwrap();
            let epoch = "1899-12-30T00:00:00".parse::<NaiveDateTime>().unwrap();
            at.as_f64() == (time - epoch).num_seconds() as f64 / 86_400.0
        }
        number => number.as_f64() == csv.parse().ok(),
    }
}

/// The sheets of the segments have the rows of `segments.csv`, each customer on one.
#[track_caller]
fn check_against_csv(out: &Path, segments: usize) {
    let mut reader = csv::Reader::from_path(out.join("segments.csv")).unwrap();
    let headings: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let expected: BTreeMap<String, csv::StringRecord> =
        reader.records().map(|r| r.unwrap()).map(|r| (r[0].to_owned(), r)).collect();
    let sheets = sheets(&out.join("segments.xlsx"));
    let names: Vec<&str> = sheets.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((names[0], names[1], names[names.len() - 1]), ("Segments", "Columns", "About"));
    let mut found = 0;
    for (name, rows) in &sheets[2..sheets.len() - 1] {
        assert_eq!(rows[0].iter().map(|h| h.to_string()).collect::<Vec<_>>(), headings, "{name}");
        for row in &rows[1..] {
            let record = &expected[&row[0].to_string()];
            for (nth, heading) in headings.iter().enumerate() {
                let cell = row.get(nth).unwrap_or(&Data::Empty);
                assert!(same(cell, &record[nth]), "{name}, {heading}: {cell:?} is not {:?}", &record[nth]);
            }
            found += 1;
        }
    }
    assert_eq!(found, expected.len());
    assert_eq!(sheets[0].1.len(), segments + 2, "a heading, the segments and everybody");
    assert_eq!(sheets[1].1.len(), headings.len() + 1);
}

#[test]
fn the_sheets_have_the_rows_of_the_list() {
    let out = tempfile::tempdir().unwrap();
    build("specs/shop.seg", &crate::support::root(), out.path(), &["--xlsx"]);
    check_against_csv(out.path(), 5);
    let overview = &sheets(&out.path().join("segments.xlsx"))[0].1;
    // As the README shows them.
    let row = |nth: usize| (overview[nth][0].to_string(), overview[nth][1].as_f64(), overview[nth][3].as_f64());
    assert_eq!(row(1), ("Champions".into(), Some(88.0), Some(762_543.672)));
    assert_eq!(row(5), ("New".into(), Some(156.0), Some(27_585.44)));
    assert_eq!(row(6), ("Everybody".into(), Some(800.0), Some(1_387_276.632)));
    let manifest = fs::read_to_string(out.path().join("manifest.json")).unwrap();
    assert!(manifest.contains("\"segments.xlsx\"") && manifest.contains("\"xlsx\""), "{manifest}");
}

const ORDERS: &str = "customer,invoice,product,quantity,price,at
0012,1,=1+1,1,1.5,2024-01-01 10:00:00
+44,1,https://example.com/,2,2.25,1899-12-31 00:00:00
@x,1,mailto:a@b.c,3,0.395,2024-02-29 23:59:59
-7,2,{=SUM(A1)},1,-3,2024-02-01 08:30:00
1e5,2,_x0041_,1,1,2024-02-01 08:30:00
zoë,3,\"a\u{1}b\",1,1,2024-02-01 08:30:00
";

fn odd_case() -> Case {
    let features = "    last_at = max(at)\n    day = date_of(max(at))\n    what = mode(product)\n    big = sum(amount) > 2 GBP\n    \
                    part = share(quantity > 1)\n    gap = whole_days(as_of - max(at))\n    never = max(price where price > 99 GBP)";
    Case::new(&spec_with(features), ORDERS)
}

/// Ids stay text, times are times where Excel has them, and nothing is a formula or a link.
#[test]
fn every_cell_has_its_type() {
    let case = odd_case();
    build("case.seg", case.folder.path(), &case.path("out"), &["--xlsx", "--raw-csv"]);
    check_against_csv(&case.path("out"), 1);
    let (_, rows) = &sheets(&case.path("out/segments.xlsx"))[2];
    let customer = |id: &str| rows.iter().find(|row| row[0] == Data::String(id.into())).unwrap();
    assert!(matches!(customer("0012")[2], Data::DateTime(_)));
    assert_eq!(customer("0012")[4], Data::String("=1+1".into()));
    assert_eq!(customer("+44")[2], Data::String("1899-12-31T00:00:00".into()), "before Excel's calendar");
    assert_eq!(customer("1e5")[4], Data::String("_x0041_".into()));
}

/// Every part of the file as XML.
fn parts(path: &Path) -> BTreeMap<String, String> {
    let mut archive = zip::ZipArchive::new(File::open(path).unwrap()).unwrap();
    let mut parts = BTreeMap::new();
    for nth in 0..archive.len() {
        let mut part = archive.by_index(nth).unwrap();
        let mut text = String::new();
        part.read_to_string(&mut text).unwrap();
        parts.insert(part.name().unwrap().into_owned(), text);
    }
    parts
}

#[test]
fn nothing_in_the_file_runs_or_leads_elsewhere() {
    let case = odd_case();
    build("case.seg", case.folder.path(), &case.path("out"), &["--xlsx"]);
    let parts = parts(&case.path("out/segments.xlsx"));
    let sheets: Vec<&String> = parts.iter().filter(|(name, _)| name.contains("/sheet")).map(|(_, text)| text).collect();
    assert_eq!(sheets.len(), 4);
    for (name, text) in &parts {
        for mark in ["<f>", "<f ", "hyperlink", "TargetMode=\"External\"", "externalLink", "vbaProject"] {
            assert!(!text.contains(mark), "{name} has {mark}");
        }
    }
    // The texts are there as they were, in the table of strings.
    let strings = &parts["xl/sharedStrings.xml"];
    for text in ["=1+1", "https://example.com/", "{=SUM(A1)}", "_x005F_x0041_", "a_x0001_b"] {
        assert!(strings.contains(&format!(">{text}<")), "{text}");
    }
    let customers = sheets[2];
    for mark in ["<autoFilter ref=\"A1:J7\"/>", "state=\"frozen\"", "numberStoredAsText=\"1\"", "<tabColor "] {
        assert!(customers.contains(mark), "no {mark}");
    }
}

#[test]
fn the_same_inputs_give_the_same_workbook() {
    let files: Vec<Vec<u8>> = ["1", "4"]
        .iter()
        .map(|threads| {
            let out = tempfile::tempdir().unwrap();
            let mut command = segc(&["build", "specs/shop.seg", "--xlsx", "-o"]);
            command.arg(out.path()).env("RAYON_NUM_THREADS", threads).env("POLARS_MAX_THREADS", threads);
            assert!(command.output().unwrap().status.success());
            fs::read(out.path().join("segments.xlsx")).unwrap()
        })
        .collect();
    assert!(files[0] == files[1]);
}

/// A workbook of an earlier build is not true any more.
#[test]
fn a_build_without_a_workbook_removes_an_old_one() {
    let case = odd_case();
    build("case.seg", case.folder.path(), &case.path("out"), &["--xlsx"]);
    build("case.seg", case.folder.path(), &case.path("out"), &[]);
    assert!(!case.path("out/segments.xlsx").exists());
}

/// Labels that Excel would not take as names of sheets, or not twice.
#[test]
fn sheets_have_legal_names_of_their_own() {
    let labels =
        ["A/B: [new] *?\\", "a-b- -new- ---", "Segments", "history", "'quoted'", &"long ".repeat(10), &"💎".repeat(20)];
    let rules: String =
        labels.iter().enumerate().map(|(n, l)| format!("    {l:?} when x = {}\n", n + 1)).collect::<String>();
    let rules = rules.replace("\\u{", "{") + "    otherwise \"\u{7}\"";
    let orders: String = (1..=8)
        .map(|n| format!("c{n},1,pen,{n},1,2024-01-01\n"))
        .fold("customer,invoice,product,quantity,price,at\n".into(), |all: String, row| all + &row);
    let spec = spec_with("    x = sum(quantity)").replace("    otherwise \"All\"", &rules);
    let case = Case::new(&spec, &orders);
    build("case.seg", case.folder.path(), &case.path("out"), &["--xlsx"]);
    let mut names: Vec<String> =
        sheets(&case.path("out/segments.xlsx")).into_iter().skip(2).map(|(name, _)| name).collect();
    names.pop();
    names.sort();
    let long = "long long long long long long l";
    let mut expected =
        ["-", "A-B- -new- --- 2", "Segments 2", "a-b- -new- ---", "history 2", long, "quoted", &"💎".repeat(15)];
    expected.sort();
    assert_eq!(names, expected);
}

/// A segment with more customers than a sheet has rows.
#[test]
fn a_large_segment_goes_on_in_further_sheets() {
    let case = odd_case();
    let built = case.built();
    let list = List::of(&built.execution, &built.plan);
    let path = case.path("split.xlsx");
    workbook::write(&built, &list, "0", File::create(&path).unwrap(), case.folder.path(), 4).unwrap();
    let sizes: Vec<(String, usize)> = sheets(&path).into_iter().map(|(name, rows)| (name, rows.len() - 1)).collect();
    assert_eq!(sizes[2..4], [("All".to_owned(), 4), ("All part 2".to_owned(), 2)]);
}
