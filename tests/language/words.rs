//! The words of the language: from the grammar, and from what the compiler offers when a word is misspelt.

use std::collections::BTreeSet;

use super::reference::{Reference, first_word, orders, spans};
use crate::support::{Case, root};

/// The codes of the errors of a spec.
pub fn codes_of(spec: &str) -> Vec<&'static str> {
    let compiled = Case::new(spec, &orders()).compile();
    compiled.diagnostics.iter().filter(|d| d.is_error()).map(|d| d.code).collect()
}

/// The help of the first error that a spec gives.
fn help_of(spec: &str) -> String {
    let compiled = Case::new(spec, &orders()).compile();
    let error = compiled.diagnostics.iter().find(|d| d.is_error()).expect("the spec has an error");
    error.help.clone().expect("the error has help")
}

/// What segc offers in the place of a word of `cluster` that it does not know.
pub fn words_known(settings: &str) -> Vec<String> {
    let reference = Reference::read();
    let help = help_of(&reference.around(&format!("cluster {{\n on log1p(monetary)\n {settings}\n}}")));
    spans(&help).into_iter().map(str::to_owned).collect()
}

/// The units of time spans, in the plural as segc offers them and in the singular.
pub fn units() -> Vec<String> {
    let reference = Reference::read();
    let help = help_of(&reference.around("param x = 5 nothing"));
    let plural: Vec<&str> = spans(&help).into_iter().filter(|unit| unit.ends_with('s')).collect();
    let singular = plural.iter().map(|unit| unit.trim_end_matches('s').to_owned());
    let units: Vec<String> = plural.iter().map(|unit| (*unit).to_owned()).chain(singular).collect();
    for unit in &units {
        assert!(codes_of(&reference.around(&format!("param x = 5 {unit}"))).is_empty(), "{unit}");
    }
    units
}

fn grammar() -> String {
    std::fs::read_to_string(root().join("grammar/seg.pest")).unwrap()
}

/// Every word that stands in the grammar.
pub fn words_of_grammar() -> Vec<String> {
    let grammar = grammar();
    let rules = grammar.lines().filter(|line| !line.trim_start().starts_with("//"));
    let words: BTreeSet<String> = rules.flat_map(quoted_words).collect();
    words.into_iter().collect()
}

/// The words in one rule of the grammar.
pub fn words_of_rule(rule: &str) -> Vec<String> {
    let grammar = grammar();
    let starts = |line: &&str| line.split_once('=').is_some_and(|(name, _)| name.trim() == rule);
    let mut lines = grammar.lines().skip_while(|line| !starts(line));
    let mut words = vec![];
    for line in lines.by_ref() {
        words.extend(quoted_words(line));
        if line.trim_end().ends_with('}') {
            break;
        }
    }
    assert!(!words.is_empty(), "the grammar has no rule `{rule}`");
    words
}

/// The words that the statements of a spec start with: the first keyword of every alternative of `item`.
pub fn statement_words() -> BTreeSet<String> {
    let grammar = grammar();
    let item = grammar.split("\nitem = _{").nth(1).and_then(|rest| rest.split('}').next()).expect("a rule `item`");
    let rules = item.split('|').filter_map(|alternative| alternative.split('~').next()).map(str::trim);
    rules
        .filter(|rule| !rule.is_empty() && *rule != "unknown_item")
        .map(|rule| {
            let line = grammar.lines().find(|line| line.split_once('=').is_some_and(|(name, _)| name.trim() == rule));
            let (_, body) =
                line.and_then(|line| line.split_once("kw_")).unwrap_or_else(|| panic!("no keyword in `{rule}`"));
            let keyword = first_word(body);
            words_of_rule(&format!("kw_{keyword}")).remove(0)
        })
        .collect()
}

/// Words in quotes; escapes of texts and the marks of literals are single letters or no words.
fn quoted_words(line: &str) -> Vec<String> {
    let word = |text: &&str| text.chars().all(|c| c.is_ascii_lowercase() || c == '_') && !text.is_empty();
    let keyword = line.trim_start().starts_with("kw_");
    let quoted = line.split('"').skip(1).step_by(2);
    quoted.filter(word).filter(|text| keyword || text.len() > 1).map(str::to_owned).collect()
}
