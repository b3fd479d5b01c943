//! The words that the editors colour are those of the grammar and of the compiler: none missing, none invented.

use std::collections::{BTreeMap, BTreeSet};

use segc::spec::Function;
use segc::types::Base;
use serde_json::Value;

use crate::language::words::{units, words_known, words_of_grammar};
use crate::support::root;

/// Words of the language by kind, each kind by the names that the editors have for it.
const KINDS: [(&[&str], &[&str], &str); 5] = [
    (&["function"], &["segFunction"], "functions"),
    (&["column"], &["segType"], "types"),
    (&["quantity"], &["segUnit"], "units"),
    (&["choice"], &["segChoice"], "choices"),
    (
        &["statement", "connective", "operator", "constant", "meaning"],
        &["segStatement", "segConnective", "segOperator", "segConstant", "segMeaning"],
        "keywords",
    ),
];

#[test]
fn visual_studio_code_knows_the_words_of_the_language() {
    let grammar = json("editors/vscode/syntaxes/seg.tmLanguage.json");
    let repository = grammar["repository"].as_object().unwrap();
    for (names, _, kind) in KINDS {
        let patterns = names.iter().map(|name| repository[*name]["match"].as_str().unwrap());
        let shown: BTreeSet<String> = patterns.flat_map(|pattern| alternatives(pattern, "|")).collect();
        assert_eq!(shown, expected(kind), "{kind}");
    }
}

/// Every pattern of the repository is in use, and every one in use is there.
#[test]
fn visual_studio_code_uses_every_pattern() {
    let grammar = json("editors/vscode/syntaxes/seg.tmLanguage.json");
    let included: BTreeSet<&str> = grammar["patterns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["include"].as_str().unwrap().trim_start_matches('#'))
        .collect();
    let there: BTreeSet<&str> = grammar["repository"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(included, there);
}

#[test]
fn the_files_of_the_extension_fit_together() {
    let package = json("editors/vscode/package.json");
    let language = &package["contributes"]["languages"][0];
    let grammar = &package["contributes"]["grammars"][0];
    assert_eq!(language["extensions"][0], ".seg");
    assert_eq!(language["id"], grammar["language"]);
    let path = |value: &Value| format!("editors/vscode/{}", value.as_str().unwrap().trim_start_matches("./"));
    assert_eq!(json(&path(&language["configuration"]))["comments"]["lineComment"], "#");
    assert_eq!(json(&path(&grammar["path"]))["scopeName"], grammar["scopeName"]);
}

#[test]
fn vim_knows_the_words_of_the_language() {
    let text = read("editors/vim/syntax/seg.vim");
    let mut groups: BTreeMap<&str, &str> = BTreeMap::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("syntax match ")) {
        let (group, pattern) = line.split_once(' ').unwrap();
        assert!(groups.insert(group, pattern).is_none(), "{group} twice");
    }
    for (_, names, kind) in KINDS {
        let shown: BTreeSet<String> = names.iter().flat_map(|name| alternatives(groups[name], "\\|")).collect();
        assert_eq!(shown, expected(kind), "{kind}");
    }
    assert!(read("editors/vim/ftdetect/seg.vim").contains("*.seg setfiletype seg"));
}

/// The words of a kind, from the grammar, the tables of the compiler and what it offers in its help.
fn expected(kind: &str) -> BTreeSet<String> {
    let functions: BTreeSet<String> = Function::names().map(str::to_owned).collect();
    match kind {
        "functions" => functions,
        "types" => Base::COLUMN_TYPES.map(str::to_owned).into(),
        "units" => units().into_iter().collect(),
        "choices" => {
            let scales = words_known("k 2\n scale nothing_such");
            let methods = words_known("k 2\n method nothing_such");
            let covariances = words_known("k 2\n method gmm\n covariance nothing_such");
            let criteria = words_known("k 2..3 by nothing_such");
            scales.into_iter().chain(methods).chain(covariances).chain(criteria).collect()
        }
        // Names that mean something in every spec, beside the words of the grammar.
        _ => words_of_grammar().into_iter().chain(["all", "rows", "clusters"].map(str::to_owned)).collect(),
    }
}

/// The words in the first group of a pattern that has several, divided by `mark`.
fn alternatives(pattern: &str, mark: &str) -> Vec<String> {
    let opening = if mark == "|" { "(" } else { "\\%(" };
    let groups = pattern.split(opening).map(|group| group.split([')', '?']).next().unwrap_or(""));
    let groups = groups.map(|group| group.trim_end_matches('\\').split(mark).collect::<Vec<_>>());
    let word = |w: &&str| !w.is_empty() && w.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let words = groups.filter(|group| group.len() > 1 && group.iter().all(&word)).flatten();
    let words: Vec<String> = words.map(str::to_owned).collect();
    assert!(!words.is_empty(), "no words in {pattern}");
    words
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn json(path: &str) -> Value {
    serde_json::from_str(&read(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}
