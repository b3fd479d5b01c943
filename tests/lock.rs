//! The lock of a spec: builds from what it pins, and from nothing else.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{files, root, segc, stderr, stdout};

/// The shop with its data, an included file and a parameter, locked.
struct Shop {
    folder: TempDir,
}

const INCLUDED: &str = "param silver = 4\n";

impl Shop {
    fn new() -> Shop {
        let shop = Shop { folder: tempfile::tempdir().unwrap() };
        fs::create_dir_all(shop.path("specs/data")).unwrap();
        fs::create_dir_all(shop.path("specs/common")).unwrap();
        fs::copy(root().join("specs/data/shop.csv.gz"), shop.path("specs/data/shop.csv.gz")).unwrap();
        let spec = fs::read_to_string(root().join("specs/shop.seg")).unwrap();
        let spec = spec.replace("  currency GBP\n", "  currency GBP\n  include \"common/limits.seg\"\n");
        shop.put("specs/shop.seg", &spec.replace("4 * all.monetary", "silver * all.monetary"));
        shop.put("specs/common/limits.seg", INCLUDED);
        shop
    }

    fn locked() -> Shop {
        let shop = Shop::new();
        let output = shop.build(&["--lock", "-o", "out"]);
        assert!(output.status.success(), "{}", stderr(&output));
        shop
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn replace(&self, name: &str, old: &str, new: &str) {
        let text = self.text(name);
        assert!(text.contains(old), "`{old}` is not in `{name}`");
        self.put(name, &text.replacen(old, new, 1));
    }

    fn build(&self, arguments: &[&str]) -> Output {
        let fixed = ["build", "specs/shop.seg"];
        segc(&fixed).args(arguments).current_dir(self.folder.path()).output().unwrap()
    }

    /// A locked build that is refused: the exit code and what is said; nothing was written.
    #[track_caller]
    fn refused(&self, arguments: &[&str]) -> (i32, String) {
        let lock = fs::read(self.path("specs/shop.lock")).ok();
        let output =
            self.build(&[&["--locked", "-o", "never", "--to", "sqlite:never.db#segments"], arguments].concat());
        assert!(!self.path("never").exists() && !self.path("never.db").exists(), "something was written");
        assert_eq!(fs::read(self.path("specs/shop.lock")).ok(), lock, "the lock was written");
        assert_eq!(stdout(&output), "");
        (output.status.code().unwrap(), stderr(&output))
    }
}

/// An analyst pins a build and puts the lock into git; a colleague builds the same from it.
#[test]
fn a_locked_build_is_the_build_that_was_locked() {
    let shop = Shop::locked();
    let lock = shop.text("specs/shop.lock");
    let output = shop.build(&["--locked", "-o", "again"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(files(&shop.path("again")), files(&shop.path("out")));
    // Written anew, also on one thread and from elsewhere, it is the same.
    let path = shop.path("specs/shop.seg");
    let arguments = ["build", path.to_str().unwrap(), "--lock", "-o", "again"];
    let output = segc(&arguments).current_dir(shop.folder.path()).env("RAYON_NUM_THREADS", "1").output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(shop.text("specs/shop.lock"), lock);
    // Nothing of the machine is in it, and a line is short enough for a diff.
    assert!(!lock.contains(shop.folder.path().to_str().unwrap()), "{lock}");
    assert!(lock.lines().all(|line| line.chars().count() < 130), "{lock}");
}

#[test]
fn the_lock_and_the_manifest_pin_what_a_build_learned() {
    let shop = Shop::locked();
    let json = |name: &str| -> Value { serde_json::from_str(&shop.text(name)).unwrap() };
    let (lock, manifest, model) = (json("specs/shop.lock"), json("out/manifest.json"), json("out/model.json"));
    assert_eq!(lock["learned"], manifest["learned"]);
    assert_eq!(lock["segc"], env!("CARGO_PKG_VERSION"));
    let spec: Vec<&str> = lock["spec"].as_array().unwrap().iter().map(|pin| pin["name"].as_str().unwrap()).collect();
    assert_eq!(spec, ["shop.seg", "common/limits.seg"]);
    assert_eq!(lock["inputs"][0]["sha256"], manifest["inputs"][0]["sha256"]);
    let clusters = &lock["learned"]["clusters"];
    assert_eq!((&clusters["seed"], &clusters["k"]), (&manifest["seed"], &manifest["k"]));
    // The centres are those of the model, to the last bit.
    for (line, center) in
        clusters["centers"].as_array().unwrap().iter().zip(model["clusters"]["centers"].as_array().unwrap())
    {
        let numbers: Vec<f64> = line.as_str().unwrap().split(' ').map(|x| x.parse().unwrap()).collect();
        let center: Vec<f64> = center.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
        assert_eq!(numbers, center);
    }
    let cuts = &lock["learned"]["cut_points"];
    assert_eq!(cuts.as_array().unwrap().len(), 3);
    assert_eq!(cuts[0]["of"], "score(recency, 5, low is best)");
    assert_eq!(cuts[0]["at"].as_array().unwrap().len(), model["scores"][0]["steps"].as_array().unwrap().len());
    // The digest of who is where is that of the snapshot.
    let output = segc(&["test", "specs/shop.seg", "--update"]).current_dir(shop.folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let digest = lock["learned"]["assignment"].as_str().unwrap();
    assert!(shop.text("specs/shop.snap").contains(digest), "{digest}");
}

#[test]
fn everything_that_differs_is_named() {
    let shop = Shop::locked();
    let spec = shop.text("specs/shop.seg");
    let data = fs::read(shop.path("specs/data/shop.csv.gz")).unwrap();
    shop.replace("specs/shop.seg", "k      3..10", "k      3..9");
    let (code, said) = shop.refused(&[]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("error[SEG0731]: this is not what `specs/shop.lock` was written for"), "{said}");
    assert!(said.contains("spec: `shop.seg` has changed") && !said.contains("data:"), "{said}");
    shop.put("specs/shop.seg", &spec);
    shop.put("specs/common/limits.seg", "param silver = 5\n");
    assert!(shop.refused(&[]).1.contains("spec: `common/limits.seg` has changed"));
    shop.put("specs/common/limits.seg", INCLUDED);
    let said = shop.refused(&["--param", "silver=5"]).1;
    assert!(said.contains("parameters: locked with none, this is silver=5"), "{said}");
    // One byte more of data, one file more.
    fs::write(shop.path("specs/data/shop.csv.gz"), [&data[..], b"\0"].concat()).unwrap();
    let said = shop.refused(&[]).1;
    assert!(said.contains("data: `data/shop.csv.gz` is not what was locked, which had "), "{said}");
    fs::write(shop.path("specs/data/shop.csv.gz"), &data).unwrap();
    fs::create_dir(shop.path("templates")).unwrap();
    fs::copy(root().join("reports/report.md"), shop.path("templates/report.md")).unwrap();
    shop.replace("templates/report.md", "#", "##");
    let said = shop.refused(&["--templates", "templates"]).1;
    assert!(said.contains("templates: "), "{said}");
    let lock = shop.text("specs/shop.lock");
    shop.replace("specs/shop.lock", &format!("\"segc\": \"{}\"", env!("CARGO_PKG_VERSION")), "\"segc\": \"0.0.9\"");
    assert!(shop.refused(&[]).1.contains("version: locked by segc 0.0.9, this is"));
    // All at once, in one run.
    shop.replace("specs/shop.seg", "seed   42", "seed   43");
    fs::write(shop.path("specs/data/shop.csv.gz"), [&data[..], b"\0"].concat()).unwrap();
    let (code, said) = shop.refused(&["--param", "silver=5", "--templates", "templates"]);
    assert_eq!(code, 1);
    for what in ["version: ", "spec: ", "parameters: ", "templates: ", "data: "] {
        assert!(said.contains(what), "{what}\n{said}");
    }
    shop.put("specs/shop.lock", &lock);
    shop.put("specs/shop.seg", &spec);
    // What is not there at all is said as ever.
    fs::remove_file(shop.path("specs/data/shop.csv.gz")).unwrap();
    let (code, said) = shop.refused(&[]);
    assert!(code == 3 && said.contains("error[SEG0301]"), "{said}");
}

/// The same inputs give the same: where the lock says otherwise it was edited.
#[test]
fn a_lock_that_was_edited_is_found_out() {
    let shop = Shop::locked();
    let lock = shop.text("specs/shop.lock");
    let json: Value = serde_json::from_str(&lock).unwrap();
    let learned = &json["learned"];
    let center = learned["clusters"]["centers"][0].as_str().unwrap();
    let cut = learned["cut_points"][1]["at"][1].as_str().unwrap();
    let edits = [
        (center.to_owned(), center.replacen('.', ".0", 1), "centre of cluster 0: locked "),
        (cut.to_owned(), cut.replace("from", "from 1"), "cut points of `score(frequency, 5)`: locked "),
        (format!("\"k\": {}", learned["clusters"]["k"]), "\"k\": 17".to_owned(), "k: locked 17, found "),
        (learned["assignment"].as_str().unwrap().to_owned(), "0".repeat(64), "assignment: locked 000"),
        (learned["as_of"].as_str().unwrap().to_owned(), "2020-01-01T00:00:00".to_owned(), "as_of: locked 2020-01-01"),
    ];
    for (old, new, told) in edits {
        shop.replace("specs/shop.lock", &old, &new);
        let (code, said) = shop.refused(&[]);
        assert_eq!(code, 1, "{said}");
        assert!(
            said.contains("error[SEG0732]: the inputs are those of `specs/shop.lock`, the result is not"),
            "{said}"
        );
        assert!(said.contains(told), "{told}\n{said}");
        shop.put("specs/shop.lock", &lock);
    }
}

#[test]
fn without_a_lock_that_can_be_read_nothing_is_built() {
    let shop = Shop::new();
    let (code, said) = shop.refused(&[]);
    assert!(code == 2 && said.contains("error[SEG0730]: there is no lock `specs/shop.lock` to build by"), "{said}");
    assert!(said.contains("segc build --lock"), "{said}");
    for text in ["", "{", "[]", "<<<<<<< HEAD\n", "{\"schema\": \"segc.lock/2\"}", "{\"schema\": \"segc.lock/1\"}"] {
        shop.put("specs/shop.lock", text);
        let (code, said) = shop.refused(&[]);
        assert!(code == 2 && said.contains("error[SEG0730]"), "{text:?}: {said}");
    }
    let output = shop.build(&["--lock", "--locked"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
}

/// Several specs in one folder have a lock each.
#[test]
fn each_spec_has_a_lock_of_its_own() {
    let shop = Shop::locked();
    let lock = shop.text("specs/shop.lock");
    shop.put("specs/small.seg", &shop.text("specs/shop.seg").replace("segmentation shop", "segmentation small"));
    let run = |arguments: &[&str]| segc(arguments).current_dir(shop.folder.path()).output().unwrap();
    let output = run(&["build", "specs/small.seg", "--lock", "-o", "small"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(shop.text("specs/shop.lock"), lock);
    assert!(shop.text("specs/small.lock").contains("\"name\": \"small\""));
    assert!(run(&["build", "specs/small.seg", "--locked", "-o", "small"]).status.success());
    assert!(Path::new(&shop.path("small/report.html")).exists());
}
