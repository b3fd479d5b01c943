//! The recipes in `deploy/`, run as they stand.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{root, stderr, stdout};

/// The shell steps of the workflow by name, in order.
fn steps() -> Vec<(String, String)> {
    let text = fs::read_to_string(root().join("deploy/github/segments.yml")).unwrap();
    let mut steps: Vec<(String, String)> = vec![];
    let mut inside = false;
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        if let Some(name) = line.trim_start().strip_prefix("- name: ") {
            steps.push((name.to_owned(), String::new()));
            inside = false;
        } else if line.trim_start() == "run: |" {
            inside = true;
        } else if inside && (indent >= 10 || line.is_empty()) {
            let (_, script) = steps.last_mut().unwrap();
            script.push_str(line.get(10..).unwrap_or_default());
            script.push('\n');
        } else {
            inside = false;
        }
    }
    assert!(steps.len() >= 6 && steps.iter().all(|(_, script)| !script.is_empty()), "{steps:?}");
    steps
}

fn shell(folder: &Path, script: &str) -> (bool, String) {
    let segc = Path::new(env!("CARGO_BIN_EXE_segc")).parent().unwrap();
    let path = format!("{}:{}", segc.display(), std::env::var("PATH").unwrap());
    // As a runner of GitHub Actions starts it.
    let output = Command::new("bash")
        .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script])
        .current_dir(folder)
        .envs([("PATH", path.as_str()), ("SPECS", "specs"), ("SEGC_DATA", "data"), ("MOST_MOVED", "5%")])
        .envs([("BASE", "main"), ("GIT_AUTHOR_NAME", "ada"), ("GIT_AUTHOR_EMAIL", "ada@example.org")])
        .envs([("GIT_COMMITTER_NAME", "ada"), ("GIT_COMMITTER_EMAIL", "ada@example.org"), ("NO_COLOR", "1")])
        .output()
        .unwrap();
    (output.status.success(), stdout(&output) + &stderr(&output))
}

/// Each step of the workflow in a repository whose branch has these specs instead of ours: which steps fail, and the comment.
fn review(change: impl Fn(&str) -> String) -> (Vec<String>, String) {
    let folder = tempfile::tempdir().unwrap();
    let specs = folder.path().join("specs");
    fs::create_dir_all(&specs).unwrap();
    fs::create_dir_all(folder.path().join("data/data")).unwrap();
    fs::copy(root().join("specs/data/shop.csv.gz"), folder.path().join("data/data/shop.csv.gz")).unwrap();
    fs::write(folder.path().join(".gitignore"), "data\n").unwrap();
    for name in ["shop.seg", "shop.snap"] {
        fs::copy(root().join("specs").join(name), specs.join(name)).unwrap();
    }
    let (fine, said) =
        shell(folder.path(), "git init -q -b main && git add . && git commit -qm first && git switch -qc change");
    assert!(fine, "{said}");
    let text = fs::read_to_string(specs.join("shop.seg")).unwrap();
    let changed = change(&text);
    assert_ne!(changed, text);
    fs::write(specs.join("shop.seg"), changed).unwrap();
    let (fine, said) = shell(folder.path(), "git commit -qam second");
    assert!(fine, "{said}");
    let mut failed = vec![];
    for (name, script) in steps() {
        if script.contains("gh pr comment") {
            continue;
        }
        let (fine, _) = shell(folder.path(), &script);
        failed.extend((!fine).then_some(name));
    }
    (failed, fs::read_to_string(folder.path().join("segments.md")).unwrap_or_default())
}

/// A pull request lowers a threshold: the comment names who moves, the snapshot is out of date, and too much moves.
#[test]
fn a_pull_request_is_reviewed_by_the_customers_it_moves() {
    let (failed, comment) = review(|spec| {
        spec.replace("\"At Risk\" when monetary >= all.monetary", "\"At Risk\" when monetary >= 1_290 GBP")
    });
    assert_eq!(failed, ["Run the tests of the specs", "Look whether too much revenue moves"], "{comment}");
    let comment = comment.replace('\u{a0}', " ");
    for words in
        ["## What this change does to customers", "**131 customers move (16.4 %)", "| At Risk → Low Value | 131 |"]
    {
        assert!(comment.contains(words), "{words}\n{comment}");
    }
}

#[test]
fn a_pull_request_that_only_says_it_otherwise_passes() {
    let (failed, comment) =
        review(|spec| spec.replace("# One number or word per customer.", "# What we know of a customer."));
    assert_eq!(failed, Vec::<String>::new(), "{comment}");
    assert!(comment.contains("Nothing changes"), "{comment}");
}

#[test]
fn a_pull_request_with_a_mistake_or_another_layout_fails_early() {
    let (failed, _) = review(|spec| spec.replace("count(baskets)", "count(basket)"));
    assert!(failed.contains(&"Check the specs".to_owned()), "{failed:?}");
    let (failed, _) = review(|spec| spec.replace("  currency GBP", "      currency GBP"));
    assert_eq!(failed, ["Check their layout"]);
}
