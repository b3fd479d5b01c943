//! What is read, and as what.

use super::*;
use crate::support::postgres::cluster;
use crate::support::{files, segc, stderr, stdout};

/// An analyst points the spec of the shop at a table instead of a file and gets the same list, byte for byte.
#[test]
fn the_shop_is_the_same_from_a_table_as_from_a_file() {
    let database = shop(cluster(), "same_shop");
    let case = Case::new(&shop_spec("table \"public.sales\""), "");
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let spec = case.path("case.seg");
    for (folder, spec) in folders.iter().zip(["specs/shop.seg", spec.to_str().unwrap()]) {
        let output = segc(&["build", spec, "-o"]).arg(folder.path()).env("SHOP_DB", database.url()).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
    }
    let [file, table] = folders.map(|folder| files(folder.path()));
    let of = |files: &[(String, Vec<u8>)], name: &str| files.iter().find(|(n, _)| n == name).unwrap().1.clone();
    for name in ["segments.csv", "segments.parquet"] {
        assert!(of(&file, name) == of(&table, name), "{name} differs");
    }
    let outcome = |files| serde_json::from_slice::<Outcome>(&of(files, "outcome.json")).unwrap();
    // Of the file it is a guess what separates its cells.
    assert_eq!(unlike(&Outcome { notes: vec![], ..outcome(&file) }, &outcome(&table)), None);
    let input = &outcome(&table).inputs[0];
    assert_eq!((input.name.as_str(), input.rows), ("postgres SHOP_DB: public.sales", 33_116));
}

/// A reviewer compares a spec over a database with its revision, and an auditor repeats its build: both reach the database
/// as the build did.
#[test]
fn diff_and_verify_reach_the_database_too() {
    let database = cluster().database("compared", "CREATE TABLE orders (customer text, price numeric, at timestamp)");
    cluster().admin("compared", "INSERT INTO orders VALUES ('ada', 30, '2024-01-01'), ('ben', 50, '2024-02-01')");
    let text = |limit: &str| {
        let rules = format!("\"Big\" when spend >= {limit} EUR; otherwise \"Small\"");
        spec("table \"orders\"").replace("otherwise \"All\"", &rules)
    };
    let case = Case::new(&text("40"), "");
    let run = |program: &mut std::process::Command| {
        let output = program.current_dir(case.folder.path()).env("SHOP_DB", database.url()).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output)
    };
    for arguments in [&["init", "-q"][..], &["add", "case.seg"], &["commit", "-qm", "first"]] {
        let names = ["-c", "user.name=ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"];
        run(std::process::Command::new("git").args(names).args(arguments));
    }
    run(&mut segc(&["build", "case.seg", "-o", "out"]));
    case.put("case.seg", &text("20"));
    for before in ["case.seg@HEAD", "out/manifest.json"] {
        let said = run(&mut segc(&["diff", before, "case.seg"]));
        assert!(said.contains("1 customer moves") && said.contains("Small -> Big"), "{before}: {said}");
    }
    assert!(run(&mut segc(&["verify", "out/manifest.json"])).contains("the same"));
}
