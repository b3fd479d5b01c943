//! What a spreadsheet would run as a formula stays a text.

use std::fs;

use crate::support::{Case, segc, spec_with, stderr};

/// The beginnings that OWASP names under CSV Injection, with those of ASVS 1.2.10; and harmless neighbours.
const BEGINNINGS: [(&str, bool); 22] = [
    ("=1+1", true),
    ("+1", true),
    ("-1", true),
    ("@SUM(A1)", true),
    ("|calc", true),
    ("＝1+1", true),
    ("＋1", true),
    ("－1", true),
    ("＠A1", true),
    (" =1+1", true),
    ("\u{a0}=1+1", true),
    ("\u{feff}=1+1", true),
    ("\"=1+1", true),
    ("'=1+1", true),
    ("a=1", false),
    ("1-2", false),
    ("'t Hooft", false),
    ("\"quoted\"", false),
    ("#1", false),
    ("100%", false),
    ("a\t=1", false),
    ("007", false),
];

#[test]
fn texts_of_the_list_are_harmless_unless_asked_otherwise() {
    let mut orders = ::csv::Writer::from_writer(vec![]);
    orders.write_record(["customer", "invoice", "product", "quantity", "price", "at"]).unwrap();
    for (nth, (product, _)) in BEGINNINGS.iter().enumerate() {
        orders.write_record([&format!("c{nth:02}"), "1", product, "1", "-2.5", "2024-01-01"]).unwrap();
    }
    let spec = spec_with("    text = mode(product)\n    spent = sum(amount)");
    let case = Case::new(&spec, &String::from_utf8(orders.into_inner().unwrap()).unwrap());
    let texts = |arguments: &[&str]| -> Vec<[String; 2]> {
        let output = segc(&["build", "case.seg", "-o", "out"]).args(arguments).current_dir(case.folder.path()).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        let mut reader = ::csv::Reader::from_path(case.path("out/segments.csv")).unwrap();
        reader.records().map(|r| r.unwrap()).map(|r| [r[2].to_owned(), r[3].to_owned()]).collect()
    };
    let read_as = |text: &str| text.trim().trim_start_matches('\u{feff}').to_owned();
    for (row, (text, runs)) in texts(&[]).iter().zip(BEGINNINGS) {
        let found = row[0].strip_prefix('\'').filter(|_| runs).unwrap_or(&row[0]);
        assert_eq!(row[0].starts_with('\''), runs || text.starts_with('\''), "{text:?} became {:?}", row[0]);
        assert_eq!(read_as(found), read_as(text));
        assert_eq!(row[1], "-2.5", "a number is no formula");
    }
    for (row, (text, _)) in texts(&["--raw-csv"]).iter().zip(BEGINNINGS) {
        assert_eq!(read_as(&row[0]), read_as(text));
    }
    let manifest = fs::read_to_string(case.path("out/manifest.json")).unwrap();
    assert!(manifest.contains("\"raw-csv\""), "{manifest}");
}

/// In the ids and in the rows that were refused.
#[test]
fn ids_and_rejected_cells_are_harmless_too() {
    let mut orders = String::from("customer,invoice,product,quantity,price,at\n=cmd(),1,pen,1,1,2024-01-01\n");
    (0..200).for_each(|n| orders += &format!("c{n},1,pen,1,1,2024-01-01\n"));
    orders += "ada,1,pen,=2+3,1,2024-01-01\n";
    let case = Case::new(&spec_with("    x = count()"), &orders);
    let file = |arguments: &[&str], name: &str| {
        let output = segc(&["build", "case.seg", "-o", "out"]).args(arguments).current_dir(case.folder.path()).output();
        assert!(output.as_ref().unwrap().status.success(), "{}", stderr(&output.unwrap()));
        fs::read_to_string(case.path("out").join(name)).unwrap()
    };
    assert!(file(&[], "segments.csv").lines().nth(1).unwrap().starts_with("'=cmd(),"));
    assert!(file(&["--raw-csv"], "segments.csv").lines().nth(1).unwrap().starts_with("=cmd(),"));
    assert!(file(&[], "rejects.csv").contains(",'=2+3,"), "{}", file(&[], "rejects.csv"));
    assert!(file(&["--raw-csv"], "rejects.csv").contains(",=2+3,"));
}
