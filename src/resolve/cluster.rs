//! The `cluster` block: its words and numbers.

use super::Resolver;
use super::expressions::Scope;
use crate::diagnostics::{Diagnostic, suggest};
use crate::spec::{Choice, Cluster, Constraint, ConstraintOn, Criterion, Resolved, Scale};
use crate::syntax::ast::{self, ClusterSetting, SettingValue};
use crate::syntax::source::{Name, Span, Spanned};

const SCALES: [(&str, Scale); 4] =
    [("zscore", Scale::ZScore), ("minmax", Scale::MinMax), ("robust", Scale::Robust), ("none", Scale::None)];
const CRITERIA: [(&str, Criterion); 7] = [
    ("silhouette", Criterion::Silhouette),
    ("davies_bouldin", Criterion::DaviesBouldin),
    ("calinski_harabasz", Criterion::CalinskiHarabasz),
    ("elbow", Criterion::Elbow),
    ("gap", Criterion::Gap),
    ("prediction_strength", Criterion::PredictionStrength),
    ("evidence", Criterion::Evidence),
];
/// More clusters than anybody can name; a search beyond is a slip.
const MOST_CLUSTERS: u64 = 100;
const DEFAULT_SEED: u64 = 42;
const DEFAULT_RESTARTS: u64 = 20;

impl Resolver<'_> {
    pub(super) fn cluster(&mut self, settings: &[ClusterSetting], span: Span) -> Option<Cluster<Resolved>> {
        let head = Span { end: span.start + "cluster".len() as u32, ..span };
        let mut on = vec![];
        let mut scale = Scale::ZScore;
        let mut range = None;
        let (mut seed, mut restarts) = (DEFAULT_SEED, DEFAULT_RESTARTS);
        self.set_once(settings);
        for setting in settings {
            match setting {
                ClusterSetting::On(exprs) => on.extend(exprs.iter().map(|e| self.expr(e, Scope::Cluster))),
                ClusterSetting::Scale(name) => scale = self.word(name, "scale", &SCALES).unwrap_or(scale),
                ClusterSetting::Method(name) => {
                    self.word(name, "method", &[("kmeans", ())]);
                }
                ClusterSetting::K { low, high, choice, span } => range = Some((low, high, choice, *span)),
                ClusterSetting::Seed(value) => seed = value.value,
                ClusterSetting::Restarts(value) => restarts = self.in_range(value, 1, 1_000, "restarts"),
            }
        }
        if on.is_empty() {
            self.report(
                Diagnostic::error("SEG0210", "`cluster` does not say on which features")
                    .at(head, "needs `on`")
                    .help("add a line such as `on log1p(recency), log1p(frequency), log1p(monetary)`"),
            );
        }
        let Some((low, high, choice, k_span)) = range else {
            self.report(
                Diagnostic::error("SEG0210", "`cluster` does not say how many clusters")
                    .at(head, "needs `k`")
                    .help("add a line such as `k 2..10 by silhouette`"),
            );
            return None;
        };
        let smallest = self.in_range(low, 1, MOST_CLUSTERS, "k") as u32;
        // A single number stands for both ends, and its mistake is one.
        let largest = if low.span == high.span { smallest } else { self.in_range(high, 1, MOST_CLUSTERS, "k") as u32 };
        let k = (smallest, largest);
        if k.0 > k.1 {
            self.report(
                Diagnostic::error("SEG0209", "the range of `k` runs backwards")
                    .at(low.span.to(high.span), "from the smaller to the larger")
                    .help(format!("write `{}..{}`", k.1, k.0)),
            );
        }
        let choice = self.choice(choice.as_ref(), k, k_span);
        Some(Cluster { on, scale, k, k_span, choice, seed, restarts: restarts as u32, span: head })
    }

    /// A setting that stands twice says two things.
    fn set_once(&mut self, settings: &[ClusterSetting]) {
        let mut seen: Vec<(&str, Span)> = vec![];
        for setting in settings {
            let (word, span) = match setting {
                ClusterSetting::On(exprs) => ("on", exprs[0].span),
                ClusterSetting::Scale(name) => ("scale", name.span),
                ClusterSetting::Method(name) => ("method", name.span),
                ClusterSetting::K { span, .. } => ("k", *span),
                ClusterSetting::Seed(value) => ("seed", value.span),
                ClusterSetting::Restarts(value) => ("restarts", value.span),
            };
            if let Some((_, first)) = seen.iter().find(|(known, _)| *known == word) {
                self.report(
                    Diagnostic::error("SEG0211", format!("`cluster` has one `{word}`"))
                        .at(span, "the second one")
                        .at(*first, "the first one")
                        .help("keep the one that you mean"),
                );
            }
            seen.push((word, span));
        }
    }

    fn choice(&mut self, choice: Option<&ast::Choice>, k: (u32, u32), k_span: Span) -> Choice {
        let Some(choice) = choice else {
            if k.0 != k.1 {
                self.report(
                    Diagnostic::error("SEG0210", "the spec does not say which `k` of the range to take")
                        .at(k_span, "needs `by`")
                        .help(format!("write `k {}..{} by silhouette`", k.0, k.1)),
                );
            }
            return Choice { by: None, constraints: vec![], words: "fixed".into() };
        };
        let by = self.word(&choice.by, "criterion", &CRITERIA);
        let constraints = choice.constraints.iter().filter_map(|c| self.constraint(c)).collect();
        let words = self.sources.one_line(choice.span);
        let words = words.strip_prefix("by ").unwrap_or(&words).to_owned();
        Choice { by, constraints, words }
    }

    fn constraint(&mut self, constraint: &ast::Constraint) -> Option<Constraint> {
        let on =
            self.word(&constraint.name, "constraint", &[("share", ConstraintOn::Share), ("k", ConstraintOn::K)])?;
        let value = match (on, &constraint.value.value) {
            (ConstraintOn::Share, SettingValue::Percent(percent)) => percent.as_f64() / 100.0,
            (ConstraintOn::K, SettingValue::Integer(n)) => *n as f64,
            _ => {
                let example = if on == ConstraintOn::Share { "share >= 2%" } else { "k >= 3" };
                self.report(
                    Diagnostic::error("SEG0209", format!("`{}` can't be compared with this", constraint.name.value))
                        .at(constraint.value.span, "not a value for it")
                        .help(format!("write for example `{example}`")),
                );
                return None;
            }
        };
        let words = self.sources.one_line(constraint.name.span.to(constraint.value.span));
        Some(Constraint { on, comparator: constraint.comparator, value, words })
    }

    fn in_range(&mut self, value: &Spanned<u64>, low: u64, high: u64, what: &str) -> u64 {
        if !(low..=high).contains(&value.value) {
            self.report(
                Diagnostic::error("SEG0209", format!("`{what}` is {}, it can be {low} to {high}", value.value))
                    .at(value.span, format!("from {low} to {high}"))
                    .help(format!("write `{}`", value.value.clamp(low, high))),
            );
        }
        value.value.clamp(low, high)
    }

    fn word<T: Copy>(&mut self, name: &Name, what: &str, known: &[(&str, T)]) -> Option<T> {
        let found = known.iter().find(|(word, _)| *word == name.value);
        if found.is_none() {
            let words = || known.iter().map(|(word, _)| *word);
            let near = suggest::nearest(&name.value, words());
            self.report(
                Diagnostic::error("SEG0209", format!("unknown {what} `{}`", name.value))
                    .at(name.span, near.map_or("not known".into(), |n| format!("did you mean `{n}`?")))
                    .help(format!("known: {}", suggest::list(words()))),
            );
        }
        found.map(|(_, value)| *value)
    }
}
