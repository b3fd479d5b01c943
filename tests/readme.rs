//! What the README shows is what happens.

use std::fs;

use crate::support::{Case, root, segc, stderr, stdout};

fn blocks(kind: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join("README.md")).unwrap();
    let parts = text.split("```").collect::<Vec<_>>();
    let blocks = parts.iter().skip(1).step_by(2).filter_map(|block| block.strip_prefix(&format!("{kind}\n")));
    blocks.map(str::to_owned).collect()
}

/// Every `$ segc ...` of the README, with what it prints; what writes a spec does so where the shop's data are.
#[test]
fn commands_print_what_the_readme_says() {
    let shop = Case::new("", "");
    fs::copy(root().join("specs/data/shop.csv.gz"), shop.path("shop.csv.gz")).unwrap();
    let blocks = blocks("console");
    assert!(blocks.len() >= 3);
    for block in blocks {
        let (command, expected) = block.split_once('\n').unwrap();
        let arguments: Vec<&str> = command.strip_prefix("$ segc ").unwrap().split(' ').collect();
        let folder = if arguments[0] == "init" { shop.path("") } else { root() };
        let output = segc(&arguments).current_dir(folder).output().unwrap();
        assert_eq!(stdout(&output) + &stderr(&output), expected, "{command}");
    }
}

/// The first spec that a reader sees is a whole one.
#[test]
fn the_spec_of_the_readme_builds() {
    let specs = blocks("seg");
    assert_eq!(specs.len(), 1);
    let case = Case::new(&specs[0], "");
    fs::create_dir(case.path("data")).unwrap();
    fs::copy(root().join("specs/data/shop.csv.gz"), case.path("data/shop.csv.gz")).unwrap();
    let built = case.built();
    assert_eq!(built.outcome.rows.dropped[0].rows, 6_218);
    assert!(built.outcome.segments.iter().any(|s| s.label == "Good"));
}

/// The README's test command is what runs before anything lands.
#[test]
fn ci_runs_the_test_command_of_the_readme() {
    let command = blocks("sh").into_iter().find(|block| block.contains(".ci/")).unwrap();
    let run = fs::read_to_string(root().join(".ci/run")).unwrap();
    assert!(run.trim_end().ends_with(command.trim_end()), "{command}");
}
