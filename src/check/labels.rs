//! What is told about the rules of a `label` block.

use super::rules::{Instance, Never, Rules, budget};
use crate::diagnostics::Diagnostic;
use crate::regions::{Budget, Undecided, Understood};
use crate::spec::{Labels, Over, Spec, Typed};
use crate::syntax::source::{SourceMap, Span};

/// What keeps a spec from running, and what nobody can have meant. `told` are places of which something has been said
/// that makes a rule impossible.
pub(super) fn check(
    spec: &Spec<Typed>,
    sources: &SourceMap,
    understood: &Understood,
    told: &[Span],
) -> Vec<Diagnostic> {
    let Some(labels) = &spec.labels else { return vec![] };
    let mut budget = budget();
    let rules = match Rules::of(spec, sources, understood, &mut budget) {
        None => return vec![],
        Some(Ok(rules)) => rules,
        Some(Err(Undecided)) => return undecided(labels, &[]),
    };
    let mut out = vec![];
    // Questions that were too large.
    let mut open: Vec<usize> = vec![];
    for rule in 0..rules.len() {
        match rules.never(rule, &mut budget) {
            Ok(None) => {}
            Ok(Some(never)) => out.extend(never_matches(&rules, rule, &never, told)),
            Err(Undecided) => open.push(rule),
        }
    }
    match rules.gaps(&mut budget) {
        Ok((gaps, more)) => out.extend(labels_everybody(&rules, &gaps, more)),
        Err(Undecided) => return out.into_iter().chain(undecided(labels, &open)).collect(),
    }
    if !open.is_empty() {
        out.extend(undecided(labels, &open));
    }
    if labels.disjoint {
        out.extend(disjoint(&rules, &mut budget));
    }
    out
}

/// Pairs of rules that would both take somebody: a remark for each, in the order of the rules, and how many pairs could
/// not be decided.
pub fn overlaps(rules: &Rules, budget: &mut Budget) -> (Vec<Diagnostic>, usize) {
    let (mut found, mut open) = (vec![], 0);
    for (a, b) in pairs(rules) {
        match rules.overlap(a, b, budget) {
            Ok(Some(instance)) if instance.witness.is_some() => found.push(overlap(rules, a, b, &instance)),
            Ok(_) => {}
            Err(Undecided) => open += 1,
        }
    }
    (found, open)
}

fn pairs(rules: &Rules) -> impl Iterator<Item = (usize, usize)> + use<> {
    let count = rules.len();
    (0..count).flat_map(move |a| (a + 1..count).map(move |b| (a, b)))
}

/// `a customer`, `a cluster`.
fn whom(labels: &Labels<Typed>) -> &'static str {
    match labels.over {
        Over::Clusters => "a cluster",
        Over::Customers => "a customer",
    }
}

fn label<'r>(rules: &'r Rules, rule: usize) -> &'r str {
    &rules.labels.rules[rule].label.value
}

fn condition(rules: &Rules, rule: usize) -> Span {
    let of = &rules.labels.rules[rule];
    of.when.as_ref().map_or(of.span, |when| when.span)
}

/// `label`, or the flag that says what should hold.
fn first_words(labels: &Labels<Typed>) -> Span {
    Span { end: labels.span.start + "label".len() as u32, ..labels.span }
}

/// ` with `r in 1..2` and `f = 1``, or nothing for everybody.
fn with(region: &[String]) -> String {
    if region.is_empty() { String::new() } else { format!(" with `{}`", region.join(" and ")) }
}

fn never_matches(rules: &Rules, rule: usize, never: &Never, told: &[Span]) -> Option<Diagnostic> {
    let place = condition(rules, rule);
    let message = format!("the rule for \"{}\" can never match", label(rules, rule));
    let never_matches = Diagnostic::warning("SEG0603", message);
    Some(match never {
        Never::Empty => {
            let inside = |span: &&Span| span.file == place.file && span.start >= place.start && span.end <= place.end;
            if told.iter().any(|span| inside(&span)) {
                return None;
            }
            never_matches.at(place, "contradicts itself").help("remove it, or look for an `and` that should be `or`")
        }
        Never::Shadowed(by) => {
            let words = if by.len() == 1 { "takes all that it would" } else { "takes some of what it would" };
            let mut diagnostic = never_matches.at(place, "comes too late");
            for (other, _) in by {
                diagnostic = diagnostic.at(condition(rules, *other), words);
            }
            for (other, instance) in by {
                if let Some(example) = rules.example(instance) {
                    let label = label(rules, *other);
                    diagnostic = diagnostic.note(format!("{} with {example} is \"{label}\"", whom(rules.labels)));
                }
            }
            let finding = by.first().map(|(_, instance)| rules.finding(instance)).unwrap_or_default();
            diagnostic.help("move it up, or remove it").about(finding)
        }
    })
}

/// Whether the rules take everybody, as they have to where there is no `otherwise` or the block says so.
fn labels_everybody(rules: &Rules, gaps: &[Instance], more: bool) -> Option<Diagnostic> {
    let labels = rules.labels;
    let otherwise = labels.rules.iter().find(|rule| rule.when.is_none());
    let (first, whom) = (gaps.first(), whom(labels));
    let diagnostic = match (first, otherwise) {
        (None, None) => return None,
        (None, Some(otherwise)) => {
            return Some(
                Diagnostic::warning("SEG0611", format!("`otherwise \"{}\"` has nobody left", otherwise.label.value))
                    .at(otherwise.label.span, "the rules above take everybody")
                    .help(if labels.exhaustive {
                        "remove it: the rules keep what `exhaustive` promises"
                    } else {
                        "remove it; `exhaustive` after `label customers` says that nobody is forgotten"
                    }),
            );
        }
        (Some(_), Some(_)) if !labels.exhaustive => return None,
        (Some(gap), Some(otherwise)) => Diagnostic::error(
            "SEG0612",
            format!("`exhaustive` rules take everybody; `otherwise` is left with {whom}{}", with(&gap.region)),
        )
        .at(otherwise.label.span, "needed here")
        .at(first_words(labels), "declared `exhaustive`")
        .help("add a rule for them and remove `otherwise`, or leave out `exhaustive`"),
        (Some(gap), None) => {
            let with = with(&gap.region);
            let message = match (&gap.witness, labels.rules.is_empty()) {
                (Some(_), _) if with.is_empty() => format!("no rule labels {whom}"),
                (Some(_), _) => format!("none of these rules labels {whom}{with}"),
                (None, _) => format!("these rules may leave {whom} without a label: one{with}"),
            };
            let diagnostic = Diagnostic::error("SEG0601", message);
            if labels.exhaustive {
                diagnostic
                    .at(first_words(labels), "declared `exhaustive`")
                    .help("add a rule for them, or an `otherwise` in place of `exhaustive`")
            } else {
                diagnostic
                    .at(first_words(labels), "needs `otherwise`, or a rule for them")
                    .help("add a last line such as `otherwise \"Others\"`")
            }
        }
    };
    let mut diagnostic = diagnostic;
    if let Some(gap) = first {
        diagnostic = diagnostic.about(rules.finding(gap));
        if let Some(example) = rules.example(gap) {
            diagnostic = diagnostic.note(format!("for example one with {example}"));
        }
    }
    for gap in gaps.iter().skip(1) {
        let also = if gap.witness.is_some() { "also one" } else { "maybe also one" };
        diagnostic = diagnostic.note(format!("{also}{}", with(&gap.region)));
    }
    Some(if more { diagnostic.note("and there are others") } else { diagnostic })
}

fn overlap(rules: &Rules, a: usize, b: usize, instance: &Instance) -> Diagnostic {
    let whom = whom(rules.labels);
    let message =
        format!("\"{}\" and \"{}\" both fit {whom}{}", label(rules, a), label(rules, b), with(&instance.region));
    let diagnostic = if rules.labels.disjoint {
        Diagnostic::error("SEG0610", message)
            .at(condition(rules, b), "fits as well")
            .at(condition(rules, a), "fits")
            .help("narrow one of them, or leave out `disjoint`: then the first that fits gives the label")
    } else {
        Diagnostic::remark("SEG0610", message)
            .at(condition(rules, b), "fits as well")
            .at(condition(rules, a), "comes first and gives the label")
            .help("nothing to do if that is meant; `disjoint` after `label customers` makes it an error")
    };
    let diagnostic = diagnostic.about(rules.finding(instance));
    match rules.example(instance) {
        Some(example) => diagnostic.note(format!("for example one with {example}")),
        None => diagnostic,
    }
}

/// Rules of a block that is declared `disjoint` exclude each other.
fn disjoint(rules: &Rules, budget: &mut Budget) -> Vec<Diagnostic> {
    let (mut out, mut open) = (vec![], false);
    for (a, b) in pairs(rules) {
        match rules.are_apart(a, b, budget) {
            Ok(true) => {}
            Ok(false) => match rules.overlap(a, b, budget) {
                Ok(Some(instance)) if instance.witness.is_some() => out.push(overlap(rules, a, b, &instance)),
                Ok(Some(instance)) => {
                    let unsure = overlap(rules, a, b, &instance);
                    out.push(Diagnostic {
                        severity: crate::diagnostics::Severity::Warning,
                        message: format!(
                            "{}, as far as segc can tell",
                            unsure.message.replace("both fit", "may both fit")
                        ),
                        ..unsure
                    });
                }
                _ => open = true,
            },
            Err(Undecided) => open = true,
        }
    }
    if open {
        out.extend(undecided(rules.labels, &[]));
    }
    out
}

/// The block is too large to be decided. Without `otherwise` it has to be.
fn undecided(labels: &Labels<Typed>, rules: &[usize]) -> Vec<Diagnostic> {
    let has_otherwise = labels.rules.iter().any(|rule| rule.when.is_none());
    let names: Vec<String> = rules.iter().map(|rule| format!("\"{}\"", labels.rules[*rule].label.value)).collect();
    let mut out = vec![];
    if !has_otherwise {
        out.push(
            Diagnostic::error("SEG0601", "these rules are too many to show that they label everyone")
                .at(first_words(labels), "needs `otherwise`")
                .help("add a last line such as `otherwise \"Others\"`"),
        );
    }
    let what = match names.as_slice() {
        [] => "how these rules stand to each other is too much to find out".to_owned(),
        [only] => format!("whether the rule for {only} can match is too much to find out"),
        names => format!("whether the rules for {} can match is too much to find out", names.join(", ")),
    };
    out.push(
        Diagnostic::remark("SEG0613", what)
            .at(first_words(labels), "more combinations than segc looks at")
            .help("fewer features in one rule, or fewer constants, make it possible; the rules run as they stand"),
    );
    out
}
