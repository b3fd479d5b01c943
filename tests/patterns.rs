//! Patterns of files: which files they find, in which order and where they don't look.

use std::fs;
use std::path::Path;

use segc::world::{Disk, Unreadable, World};

use crate::support::{Case, segc, stderr, stdout};

const SPEC: &str = "segmentation months {
  currency EUR
  source orders from \"2010.csv\", \"2011-*.csv\" { customer: id; at: date; price: money }
  filter { drop \"repeated row\" when duplicate }
  as_of max(at)
  features { spent = sum(price) }
  label customers { otherwise \"All\" }
}
";

fn names(disk: &Disk, spec: &Path, pattern: &str) -> Vec<String> {
    disk.locate_all(spec, pattern).unwrap().into_iter().map(|(name, _)| name).collect()
}

/// A shop drops a file a month into a folder; the spec never changes.
#[test]
fn a_pattern_reads_all_files_that_fit_it() {
    let case = Case::new(SPEC, "");
    case.put("2010.csv", "customer,at,price\nada,2010-12-01,1.50\n");
    case.put("2011-02.csv", "customer,at,price\nben,2011-02-03,4\nada,2011-01-02,2.25\n");
    // Another order of columns: found by name, and a repeated row is seen across files.
    case.put("2011-01.csv", "price,customer,at\n2.25,ada,2011-01-02\n");
    case.put("2011-10.csv", "customer,at,price\ncleo,2011-10-05,9\n");
    case.put(".2011-11.csv", "no such file should be read");
    case.put("2011-12.csv.bak", "nor this one");
    fs::create_dir(case.path("2011-13.csv")).unwrap();
    let output = segc(&["build", "case.seg", "-o", "out"]).current_dir(case.folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let outcome: serde_json::Value = serde_json::from_slice(&fs::read(case.path("out/outcome.json")).unwrap()).unwrap();
    let inputs: Vec<&str> =
        outcome["inputs"].as_array().unwrap().iter().map(|input| input["name"].as_str().unwrap()).collect();
    assert_eq!(inputs, ["2010.csv", "2011-01.csv", "2011-02.csv", "2011-10.csv"]);
    assert_eq!((outcome["rows"]["read"].as_u64(), outcome["rows"]["used"].as_u64()), (Some(5), Some(4)));
    assert_eq!(outcome["rows"]["dropped"][0]["rows"], 1);
    // Wherever the command is called from, the result is the same.
    let elsewhere = case.path("elsewhere");
    let spec = case.path("case.seg");
    let output = segc(&["build", spec.to_str().unwrap(), "-o"]).arg(&elsewhere).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    for name in ["segments.csv", "outcome.json", "report.html"] {
        assert_eq!(fs::read(elsewhere.join(name)).unwrap(), fs::read(case.path("out").join(name)).unwrap(), "{name}");
    }
    let checked = segc(&["check", "case.seg"]).current_dir(case.folder.path()).output().unwrap();
    assert_eq!(stdout(&checked), "case.seg: fine\n  2011-*.csv: 2011-01.csv, 2011-02.csv, 2011-10.csv\n");
}

#[test]
fn the_first_folder_that_has_a_match_is_the_one() {
    let (own, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let put = |folder: &Path, name: &str| {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    };
    let spec = own.path().join("a.seg");
    let disk = Disk { data: vec![data.path().to_owned()], allow_outside: false };
    put(data.path(), "b.csv");
    put(data.path(), "a.csv");
    put(data.path(), "deep/c.csv");
    put(data.path(), "deep/er/d.csv");
    assert_eq!(names(&disk, &spec, "*.csv"), ["a.csv", "b.csv"]);
    assert_eq!(names(&disk, &spec, "[b-z].csv"), ["b.csv"]);
    assert_eq!(names(&disk, &spec, "*/?.csv"), ["deep/c.csv"]);
    assert_eq!(names(&disk, &spec, "**/*.csv"), ["a.csv", "b.csv", "deep/c.csv", "deep/er/d.csv"]);
    put(own.path(), "z.csv");
    assert_eq!(names(&disk, &spec, "*.csv"), ["z.csv"]);
    // A file of just this name is that file.
    put(own.path(), "sales [2024].csv");
    put(own.path(), "sales 2.csv");
    assert_eq!(names(&disk, &spec, "sales [2024].csv"), ["sales [2024].csv"]);
    let none = disk.locate_all(&spec, "none-*.csv").unwrap_err();
    assert_eq!(none, Unreadable::NotFound { looked_in: vec![own.path().to_owned(), data.path().to_owned()] });
    assert!(matches!(disk.locate_all(&spec, "[x"), Err(Unreadable::Other(_))));
    // Signs of a folder's own name are no pattern.
    let odd = own.path().join("[x]");
    put(&odd, "q.csv");
    assert_eq!(names(&Disk::default(), &odd.join("a.seg"), "*.csv"), ["q.csv"]);
}

#[cfg(unix)]
#[test]
fn a_pattern_does_not_lead_outside() {
    let (own, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let spec = own.path().join("a.seg");
    fs::write(outside.path().join("secret.csv"), "").unwrap();
    fs::write(own.path().join("fine.csv"), "").unwrap();
    let disk = Disk::default();
    let free = Disk { data: vec![], allow_outside: true };
    let all = format!("{}/*.csv", outside.path().display());
    let up = format!("../{}/*.csv", outside.path().file_name().unwrap().to_str().unwrap());
    for pattern in [all.as_str(), up.as_str()] {
        assert_eq!(disk.locate_all(&spec, pattern), Err(Unreadable::Outside), "{pattern}");
        assert_eq!(free.locate_all(&spec, pattern).unwrap().len(), 1, "{pattern}");
    }
    // A link beside the spec that leads out is no way around it, whether it is a file or a folder.
    std::os::unix::fs::symlink(outside.path().join("secret.csv"), own.path().join("link.csv")).unwrap();
    assert_eq!(disk.locate_all(&spec, "*.csv"), Err(Unreadable::Outside));
    assert_eq!(names(&disk, &spec, "f*.csv"), ["fine.csv"]);
    std::os::unix::fs::symlink(outside.path(), own.path().join("folder")).unwrap();
    assert_eq!(disk.locate_all(&spec, "fold*/*.csv"), Err(Unreadable::Outside));
}
