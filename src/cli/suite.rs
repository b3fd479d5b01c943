//! `segc test --coverage`, `--mutants` and `--suggest`: how much the tests of a spec would notice. Reads no data.

use serde_json::json;

use super::test::TestArgs;
use super::{Exit, Printer, exit_for};
use crate::compile::{Compiled, compile};
use crate::diagnostics::Diagnostic;
use crate::output::replace_file;
use crate::plan::Plan;
use crate::spec::{Spec, Typed};
use crate::syntax::source::Span;
use crate::testing::coverage::{RuleCoverage, coverage};
use crate::testing::mutants::{Fate, Mutant, mutants};
use crate::testing::suggest::{Suggestion, appended, block, suggest};
use crate::testing::{self, Example};
use crate::world::{Disk, Edited};

pub fn run(args: &TestArgs, world: &Disk, compiled: &Compiled, printer: &Printer) -> Exit {
    let (Some(spec), Some(plan)) = (&compiled.spec, &compiled.plan) else {
        return exit_for(&compiled.diagnostics);
    };
    let examples: Vec<Example> = plan.tests.iter().filter(|test| !test.labels.is_empty()).map(Example::of).collect();
    let mut findings = failing(plan, printer);
    if args.coverage {
        show_coverage(&coverage(spec, &compiled.sources, plan, &examples), compiled, printer);
    }
    if args.mutants || args.suggest {
        let found = mutants(spec, &compiled.sources, plan, &examples);
        if args.mutants {
            show_mutants(&found, spec, compiled, printer);
            findings |= found.iter().any(|mutant| matches!(mutant.fate, Fate::Survives(_)));
        }
        if args.suggest {
            let suggestions = suggest(plan, &found);
            let done = match args.append {
                true => append(args, world, compiled, &suggestions, printer),
                false => {
                    show_suggestions(&suggestions, printer);
                    Ok(())
                }
            };
            if let Err(diagnostic) = done {
                let diagnostics = [*diagnostic];
                printer.diagnostics(&diagnostics, &compiled.sources);
                return exit_for(&diagnostics);
            }
        }
    }
    if findings { Exit::Findings } else { Exit::Ok }
}

/// Shows examples that fail as it is: nothing can be learned from them. Whether there are any.
fn failing(plan: &Plan, printer: &Printer) -> bool {
    let failed: Vec<testing::TestResult> =
        testing::run(plan, None, &|_| String::new()).into_iter().filter(|result| !result.failures.is_empty()).collect();
    for result in &failed {
        if printer.json {
            printer.out(&format!("{}\n", json!({"test": result.name, "passed": false, "failures": result.failures})));
        } else {
            printer.out(&format!("FAILED  {}\n", result.name));
            result.failures.iter().for_each(|failure| printer.out(&format!("        {failure}\n")));
        }
    }
    !failed.is_empty()
}

/// `specs/shop.seg:57`.
fn place(span: Span, compiled: &Compiled) -> (String, usize) {
    let line = compiled.sources.line_column(span.file, span.start).0;
    (compiled.sources.file(span.file).name.clone(), line)
}

fn show_coverage(rules: &[RuleCoverage], compiled: &Compiled, printer: &Printer) {
    let sides = || rules.iter().flat_map(|rule| &rule.sides);
    let (touched, all) = (sides().filter(|side| side.touched).count(), sides().count());
    let reached = rules.iter().filter(|rule| rule.examples > 0).count();
    for rule in rules {
        let (file, line) = place(rule.span, compiled);
        if printer.json {
            printer.out(&format!("{}\n", json!({"coverage": rule, "file": file, "line": line})));
            continue;
        }
        let open = || rule.sides.iter().filter(|side| !side.touched);
        if rule.examples > 0 && open().next().is_none() {
            continue;
        }
        let label = match rule.examples {
            0 => "given by no test".to_owned(),
            n => format!("given by {}", tests(n)),
        };
        printer.out(&format!("{file}:{line}  \"{}\" {label}\n", rule.label));
        open().for_each(|side| printer.out(&format!("    no test with  {}\n", side.condition)));
    }
    if printer.json {
        let summary = json!({"rules": rules.len(), "rules_touched": reached, "sides": all, "sides_touched": touched});
        printer.out(&format!("{}\n", json!({"coverage_summary": summary})));
    } else {
        let rules = rules.len();
        printer.out(&format!("coverage: {reached} of {rules} labels, {touched} of {all} sides of comparisons\n"));
    }
}

fn show_mutants(mutants: &[Mutant], spec: &Spec<Typed>, compiled: &Compiled, printer: &Printer) {
    let labels = spec.labels.iter().flat_map(|labels| &labels.rules);
    let labels: Vec<&str> = labels.map(|rule| rule.label.value.as_str()).collect();
    let count = |wanted: &str| mutants.iter().filter(|mutant| state(mutant) == wanted).count();
    for mutant in mutants {
        let (file, line) = place(mutant.span, compiled);
        let state = state(mutant);
        let given = match &mutant.fate {
            Fate::Survives(missed) => &missed.given[..],
            _ => &[],
        };
        if printer.json {
            let example: serde_json::Map<String, serde_json::Value> =
                given.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
            let mutant = json!({
                "rule": mutant.rule + 1, "label": labels[mutant.rule], "file": file, "line": line,
                "before": mutant.before, "after": mutant.after, "state": state, "example": example,
            });
            printer.out(&format!("{}\n", json!({ "mutant": mutant })));
        } else if state == "survives" || state == "undecided" {
            let label = labels[mutant.rule];
            printer.out(&format!("{state:9} {file}:{line}  \"{label}\"  {} -> {}\n", mutant.before, mutant.after));
        }
    }
    let (noticed, equivalent) = (count("noticed"), count("equivalent"));
    let (survive, undecided) = (count("survives"), count("undecided"));
    if printer.json {
        let summary = json!({
            "mutants": mutants.len(), "noticed": noticed, "equivalent": equivalent, "survive": survive,
            "undecided": undecided,
        });
        printer.out(&format!("{}\n", json!({"mutants_summary": summary})));
        return;
    }
    let open = if undecided > 0 { format!(", {undecided} could not be decided") } else { String::new() };
    let help = if survive > 0 { "; `--suggest` writes tests that notice them" } else { "" };
    printer.out(&format!(
        "mutants: {noticed} of {} noticed, {equivalent} mean the same, {survive} survive{open}{help}\n",
        mutants.len()
    ));
}

fn state(mutant: &Mutant) -> &'static str {
    match mutant.fate {
        Fate::Noticed => "noticed",
        Fate::Equivalent => "equivalent",
        Fate::Survives(_) => "survives",
        Fate::Undecided => "undecided",
    }
}

fn show_suggestions(suggestions: &[Suggestion], printer: &Printer) {
    let blocks: Vec<String> = suggestions.iter().map(block).collect();
    if printer.json {
        blocks.iter().for_each(|text| printer.out(&format!("{}\n", json!({ "suggestion": text }))));
    } else if blocks.is_empty() {
        printer.out("nothing to suggest\n");
    } else {
        printer.out(&blocks.join("\n"));
    }
}

/// Writes the suggestions into the spec, once the text with them has been read back and all tests in it pass.
fn append(
    args: &TestArgs,
    world: &Disk,
    compiled: &Compiled,
    suggestions: &[Suggestion],
    printer: &Printer,
) -> Result<(), Box<Diagnostic>> {
    let path = &args.spec.spec;
    let name = path.display().to_string();
    let plan = compiled.plan.as_ref().expect("it was looked at");
    if !suggestions.is_empty() {
        let text = &compiled.sources.file(Default::default()).text;
        let blocks: Vec<String> = suggestions.iter().map(block).collect();
        let fits = |text: &str| {
            let edited = Edited { world, path, text: text.into() };
            let with = compile(&edited, path, &args.spec.params);
            let with = with.plan.filter(|with| with.labels == plan.labels && with.drops == plan.drops);
            let added = |with: Plan| {
                let old = with.tests.iter().zip(&plan.tests).all(|(a, b)| (&a.name, &a.given) == (&b.name, &b.given));
                let new: Vec<Example> = with.tests.iter().skip(plan.tests.len()).map(Example::of).collect();
                old && new.iter().eq(suggestions.iter().map(|suggestion| &suggestion.example))
            };
            with.is_some_and(added)
        };
        let written = appended(text, &blocks.join("\n"), &fits).ok_or_else(|| {
            let text =
                "this is a mistake of segc, not of yours: read back from the spec, the tests would not say the same";
            Diagnostic::error("SEG0901", text).help("please report it with the spec; nothing was written")
        })?;
        replace_file(path, written.as_bytes()).map_err(|error| {
            Diagnostic::error("SEG0701", format!("`{name}` can't be written: {error}"))
                .note("the file is as it was")
                .help("look at the permissions of the file and of its folder")
        })?;
    }
    let tests = tests(suggestions.len());
    if printer.json {
        printer.out(&format!("{}\n", json!({"appended": suggestions.len(), "file": name})));
    } else {
        printer.out(&format!("{tests} added to {name}\n"));
    }
    Ok(())
}

fn tests(n: usize) -> String {
    format!("{n} test{}", if n == 1 { "" } else { "s" })
}
