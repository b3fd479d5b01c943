//! Tests that a spec lacks: one for every change to its rules that no example notices, as few as do it.

use super::Example;
use super::mutants::{Fate, Mutant};
use crate::expr::quoted;
use crate::plan::Plan;

/// A `test` block that could stand in the spec.
#[derive(Debug, Clone, PartialEq)]
pub struct Suggestion {
    pub name: String,
    /// Names and values, as a `given` block has them.
    pub given: Vec<(String, String)>,
    /// The label that the rules give today.
    pub expect: String,
    pub example: Example,
}

/// Examples that together notice every mutant that survives, each of them at least one that no other does.
pub fn suggest(plan: &Plan, mutants: &[Mutant]) -> Vec<Suggestion> {
    let surviving: Vec<&Mutant> = mutants.iter().filter(|mutant| matches!(mutant.fate, Fate::Survives(_))).collect();
    let notices = |suggestion: &Suggestion, mutant: &Mutant| !suggestion.example.passes(&mutant.rules);
    let mut found: Vec<Suggestion> = vec![];
    for mutant in &surviving {
        if !found.iter().any(|suggestion| notices(suggestion, mutant)) {
            found.extend(about(plan, mutant));
        }
    }
    // What was found first may be noticed by what was found for others.
    for at in (0..found.len()).rev() {
        let needed = surviving.iter().any(|mutant| {
            let by = |(nth, suggestion): (usize, &Suggestion)| nth != at && notices(suggestion, mutant);
            notices(&found[at], mutant) && !found.iter().enumerate().any(by)
        });
        if !needed {
            found.remove(at);
        }
    }
    let names: Vec<String> = found.iter().map(|suggestion| suggestion.name.clone()).collect();
    for (nth, suggestion) in found.iter_mut().enumerate() {
        let before = names[..nth].iter().filter(|name| **name == suggestion.name).count();
        if before > 0 {
            suggestion.name += &format!(", {}", before + 1);
        }
    }
    found
}

fn about(plan: &Plan, mutant: &Mutant) -> Option<Suggestion> {
    let Fate::Survives(missed) = &mutant.fate else { return None };
    let expect = missed.example.label(&plan.labels.rules)?.label.clone();
    let name = format!("the edge of \"{}\": {}", plan.labels.rules[mutant.rule].label, mutant.before);
    let example = missed.example.clone().expecting(&expect);
    Some(Suggestion { name, given: missed.given.clone(), expect, example })
}

/// The suggestion as text, in the layout of `segc fmt`, as it stands inside a segmentation.
pub fn block(suggestion: &Suggestion) -> String {
    let mut out = format!("  test {} {{\n", quoted(&suggestion.name));
    if !suggestion.given.is_empty() {
        let width = suggestion.given.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        out += "    given {\n";
        suggestion.given.iter().for_each(|(name, value)| out += &format!("      {name:width$} = {value}\n"));
        out += "    }\n";
    }
    out + &format!("    expect {}\n  }}\n", quoted(&suggestion.expect))
}

/// The text of a spec with blocks before its last brace. `fits` says whether a text reads as it should, since a brace may
/// stand in a comment at the end; nothing where none does.
pub fn appended(text: &str, blocks: &str, fits: &dyn Fn(&str) -> bool) -> Option<String> {
    let braces = text.rmatch_indices('}').map(|(at, _)| at);
    braces
        .map(|at| {
            let (before, after) = (text[..at].trim_end(), &text[at..]);
            format!("{before}\n\n{blocks}{after}")
        })
        .find(|candidate| fits(candidate))
}
