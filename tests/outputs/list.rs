//! The list in another order, how surely customers belong, and who is a cluster alone.

use std::fs::{self, File};
use std::path::Path;

use polars::prelude::{AnyValue, DataFrame, ParquetReader, SerReader};

use crate::assign::clustered;
use crate::support::{Case, segc, stderr};

fn build(case: &Case, out: &Path, arguments: &[&str]) -> String {
    let spec = case.path("case.seg");
    let output =
        segc(&["build", spec.to_str().unwrap(), "-o", out.to_str().unwrap()]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    stderr(&output)
}

fn column(out: &Path, name: &str) -> Vec<String> {
    let mut reader = csv::Reader::from_path(out.join("segments.csv")).unwrap();
    let place = reader.headers().unwrap().iter().position(|heading| heading == name).unwrap();
    reader.records().map(|record| record.unwrap()[place].to_owned()).collect()
}

fn parquet(out: &Path) -> DataFrame {
    ParquetReader::new(File::open(out.join("segments.parquet")).unwrap()).finish().unwrap()
}

fn numbers(frame: &DataFrame, name: &str) -> Vec<f64> {
    frame.column(name).unwrap().f64().unwrap().into_no_null_iter().collect()
}

#[test]
fn the_list_is_sorted_as_asked() {
    let case = clustered();
    let folder = tempfile::tempdir().unwrap();
    let (plain, sorted, other) = (folder.path().join("a"), folder.path().join("b"), folder.path().join("c"));
    build(&case, &plain, &[]);
    build(&case, &sorted, &["--order", "silhouette"]);
    let silhouettes: Vec<f64> = column(&sorted, "silhouette").iter().map(|x| x.parse().unwrap()).collect();
    assert!(silhouettes.is_sorted() && silhouettes[0] < silhouettes[59]);
    // The same customers, and the same in Parquet.
    let mut customers = column(&sorted, "customer");
    let frame = parquet(&sorted);
    let named = frame.column("customer").unwrap().str().unwrap();
    assert!((0..60).all(|row| named.get(row) == Some(customers[row].as_str())));
    assert_eq!(numbers(&frame, "silhouette"), silhouettes);
    customers.sort();
    assert_eq!(customers, column(&plain, "customer"));
    // From the largest down; equal ones by their ids.
    build(&case, &other, &["--order", "r:desc"]);
    let scores: Vec<u32> = column(&other, "r").iter().map(|x| x.parse().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b) && scores[0] > scores[59]);
    let customers = column(&other, "customer");
    assert!(customers.iter().zip(&scores).is_sorted_by(|a, b| a.1 > b.1 || a.0 < b.0));
    // A build in another order can be repeated.
    let manifest = sorted.join("manifest.json");
    let verified =
        segc(&["verify", manifest.to_str().unwrap(), "--data", case.path("").to_str().unwrap()]).output().unwrap();
    assert!(verified.status.success(), "{}", stderr(&verified));
    // An order that cannot be: nothing is written, and what could have been meant is told.
    let spec = case.path("case.seg");
    for (order, told) in [("sillhouette", "did you mean `silhouette`?"), ("silhouette:down", "is no direction")] {
        let arguments = ["build", spec.to_str().unwrap(), "-o", folder.path().to_str().unwrap(), "--order", order];
        let refused = segc(&arguments).output().unwrap();
        assert!(!refused.status.success());
        assert!(stderr(&refused).contains(told), "{}", stderr(&refused));
        assert!(!folder.path().join("segments.csv").exists());
    }
}

#[test]
fn every_component_of_a_mixture_says_how_responsible_it_is() {
    let case = clustered();
    let spec = fs::read_to_string(case.path("case.seg")).unwrap();
    case.put("case.seg", &spec.replace("k 3", "method gmm; k 3"));
    let folder = tempfile::tempdir().unwrap();
    build(&case, folder.path(), &["--order", "responsibility"]);
    let frame = parquet(folder.path());
    let all = [0, 1, 2].map(|component| numbers(&frame, &format!("responsibility_{component}")));
    assert!(frame.column("responsibility_3").is_err());
    let own = numbers(&frame, "responsibility");
    assert!(own.is_sorted());
    for (row, own) in own.iter().enumerate() {
        assert!((all.iter().map(|shares| shares[row]).sum::<f64>() - 1.0).abs() < 1e-12);
        let AnyValue::Int64(cluster) = frame.column("cluster").unwrap().get(row).unwrap() else { panic!("a number") };
        assert_eq!(all[cluster as usize][row], *own);
    }
}

/// One giant among sixty is more than a hundredth of them, and alone all the same.
#[test]
fn a_customer_who_is_a_cluster_alone_is_named() {
    let case = clustered();
    let folder = tempfile::tempdir().unwrap();
    assert!(!build(&case, folder.path(), &[]).contains("SEG0504"));
    let orders = fs::read_to_string(case.path("orders.csv")).unwrap();
    case.put("orders.csv", &format!("{orders}giant,g,p1,1,900000000000,2024-01-28\n"));
    let told = build(&case, folder.path(), &[]);
    assert!(told.contains("SEG0504") && told.contains("customer `giant` is a cluster alone"), "{told}");
}
