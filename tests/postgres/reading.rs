//! What is read, and as what.

use super::*;
use crate::support::postgres::cluster;
use crate::support::{files, segc, stderr};

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
