//! The `cluster` block: its words and numbers.

use super::Resolver;
use super::expressions::Scope;
use crate::cluster::{Covariance, Method};
use crate::diagnostics::{Diagnostic, suggest};
use crate::expr::Decimal;
use crate::spec::{Choice, Cluster, Constraint, ConstraintOn, Criterion, Labels, Over, Resolved, Scale};
use crate::syntax::ast::{self, ClusterSetting, SettingValue};
use crate::syntax::source::{Name, Span, Spanned};

const SCALES: [(&str, Scale); 4] =
    [("zscore", Scale::ZScore), ("minmax", Scale::MinMax), ("robust", Scale::Robust), ("none", Scale::None)];
const METHODS: [(&str, Word); 6] = [
    ("kmeans", Word::KMeans),
    ("minibatch", Word::MiniBatch),
    ("gmm", Word::Gmm),
    ("ward", Word::Ward),
    ("dbscan", Word::Dbscan),
    ("hdbscan", Word::Hdbscan),
];
const COVARIANCES: [(&str, Covariance); 4] = [
    ("full", Covariance::Full),
    ("diagonal", Covariance::Diagonal),
    ("tied", Covariance::Tied),
    ("spherical", Covariance::Spherical),
];
const CRITERIA: [(&str, Criterion); 8] = [
    ("silhouette", Criterion::Silhouette),
    ("davies_bouldin", Criterion::DaviesBouldin),
    ("calinski_harabasz", Criterion::CalinskiHarabasz),
    ("elbow", Criterion::Elbow),
    ("gap", Criterion::Gap),
    ("prediction_strength", Criterion::PredictionStrength),
    ("evidence", Criterion::Evidence),
    ("bic", Criterion::Bic),
];
/// More clusters than anybody can name; a search beyond is a slip.
const MOST_CLUSTERS: u64 = 100;
const DEFAULT_SEED: u64 = 42;
const DEFAULT_RESTARTS: u64 = 20;
/// The farthest that a neighbour can be, in scaled units.
const LARGEST_RADIUS: f64 = 1e9;
const MOST_NEIGHBOURS: u64 = 1_000_000;

/// What follows `method`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    KMeans,
    MiniBatch,
    Gmm,
    Ward,
    Dbscan,
    Hdbscan,
}

impl Word {
    /// The settings that the method knows beside `on`, `scale` and `method`.
    fn settings(self) -> &'static [&'static str] {
        match self {
            Word::KMeans | Word::MiniBatch => &["k", "seed", "restarts"],
            Word::Gmm => &["k", "seed", "restarts", "covariance"],
            Word::Ward => &["k"],
            Word::Dbscan => &["radius", "neighbours"],
            Word::Hdbscan => &["smallest", "neighbours"],
        }
    }

    fn name(self) -> &'static str {
        METHODS.iter().find(|(_, word)| *word == self).expect("every method has a word").0
    }
}

impl Resolver<'_> {
    pub(super) fn cluster(&mut self, settings: &[ClusterSetting], span: Span) -> Option<Cluster<Resolved>> {
        let head = Span { end: span.start + "cluster".len() as u32, ..span };
        let mut on = vec![];
        let mut scale = Scale::ZScore;
        let mut range = None;
        let (mut word, mut covariance) = ((Word::KMeans, head), Covariance::Full);
        let (mut radius, mut neighbours, mut smallest_cluster) = (None, None, None);
        let (mut seed, mut restarts) = (DEFAULT_SEED, DEFAULT_RESTARTS);
        self.set_once(settings);
        for setting in settings {
            match setting {
                ClusterSetting::On(exprs) => on.extend(exprs.iter().map(|e| self.expr(e, Scope::Cluster))),
                ClusterSetting::Scale(name) => scale = self.word(name, "scale", &SCALES).unwrap_or(scale),
                ClusterSetting::Method(name) => {
                    word = self.word(name, "method", &METHODS).map_or(word, |found| (found, name.span));
                }
                ClusterSetting::Covariance(name) => {
                    covariance = self.word(name, "covariance", &COVARIANCES).unwrap_or(covariance);
                }
                ClusterSetting::Radius(value) => radius = Some(self.radius(value)),
                ClusterSetting::Neighbours(value) => {
                    neighbours = Some(self.in_range(value, 1, MOST_NEIGHBOURS, "neighbours"));
                }
                ClusterSetting::Smallest(value) => {
                    smallest_cluster = Some(self.in_range(value, 2, MOST_NEIGHBOURS, "smallest"));
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
        self.settings_fit(settings, word.0);
        let needed = |this: &mut Self, value: Option<f64>, name: &str, example: &str| {
            value.unwrap_or_else(|| {
                this.report(
                    Diagnostic::error("SEG0210", format!("`method {}` needs `{name}`", word.0.name()))
                        .at(word.1, format!("needs `{name}`"))
                        .help(format!("add a line such as `{example}`")),
                );
                1.0
            })
        };
        let count = |value: Option<u64>| value.map(|n| n as f64);
        let method = match word.0 {
            Word::KMeans => Method::KMeans,
            Word::MiniBatch => Method::MiniBatch,
            Word::Gmm => Method::Mixture(covariance),
            Word::Ward => Method::Ward,
            Word::Dbscan => Method::Dbscan {
                radius: needed(self, radius, "radius", "radius 0.5"),
                neighbours: needed(self, count(neighbours), "neighbours", "neighbours 10") as u64,
            },
            Word::Hdbscan => {
                let smallest = needed(self, count(smallest_cluster), "smallest", "smallest 25") as u64;
                Method::Hdbscan { smallest, neighbours: neighbours.unwrap_or(smallest) }
            }
        };
        if !method.has_k() {
            let choice = Choice { by: None, constraints: vec![], words: "found by the method".into() };
            let (k, k_span, restarts) = ((1, 1), word.1, restarts as u32);
            return Some(Cluster { on, scale, method, k, k_span, choice, seed, restarts, span: head });
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
        let by = choice.as_ref().map(|choice| choice.by.clone());
        let choice = self.choice(choice.as_ref(), k, k_span);
        if let (Some(by), Some(criterion)) = (by, choice.by) {
            self.criterion_fits(&by, criterion, method);
        }
        Some(Cluster { on, scale, method, k, k_span, choice, seed, restarts: restarts as u32, span: head })
    }

    /// A setting that stands twice says two things.
    fn set_once(&mut self, settings: &[ClusterSetting]) {
        let mut seen: Vec<(&str, Span)> = vec![];
        for setting in settings {
            let (word, span) = word_and_span(setting);
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

    /// A setting of another method would have no effect.
    fn settings_fit(&mut self, settings: &[ClusterSetting], method: Word) {
        let known = method.settings();
        for (word, span) in settings.iter().map(word_and_span) {
            if ["on", "scale", "method"].contains(&word) || known.contains(&word) {
                continue;
            }
            let help = match (word, method) {
                ("k", _) => "leave it out: the method finds the number of clusters by itself".to_owned(),
                (_, Word::KMeans) => {
                    let of = METHODS.iter().find(|(_, other)| other.settings().contains(&word));
                    of.map_or(String::new(), |(name, _)| format!("write `method {name}`, or leave it out"))
                }
                _ => format!("leave it out; the method knows {}", suggest::list(known.iter().copied())),
            };
            self.report(
                Diagnostic::error("SEG0236", format!("`{word}` is no setting of the method `{}`", method.name()))
                    .at(span, "would have no effect")
                    .help(help),
            );
        }
    }

    /// A likelihood is that of a mixture.
    fn criterion_fits(&mut self, by: &Name, criterion: Criterion, method: Method) {
        if criterion == Criterion::Bic && !matches!(method, Method::Mixture(_)) {
            self.report(
                Diagnostic::error("SEG0237", format!("`{}` is a criterion for `method gmm`", by.value))
                    .at(by.span, format!("not for `method {}`", method.name()))
                    .help("write `by silhouette`"),
            );
        }
    }

    /// A name for customers in no cluster, where everybody is in one, or where customers are named by themselves.
    pub(super) fn noise_fits(&mut self, labels: Option<&Labels<Resolved>>, cluster: Option<&Cluster<Resolved>>) {
        let (Some(labels), Some(cluster)) = (labels, cluster) else { return };
        let Some(noise) = &labels.noise else { return };
        let (text, help) = match labels.over {
            Over::Customers => {
                ("`noise` names customers who are in no cluster; here rules name every customer", "leave out `noise`")
            }
            Over::Clusters if !cluster.method.has_noise() => (
                "`noise` names customers who are in no cluster; this method leaves none",
                "leave out `noise`, or write `method hdbscan`",
            ),
            Over::Clusters => return,
        };
        self.report(Diagnostic::error("SEG0238", text).at(noise.label.span, "nobody to name").help(help));
    }

    fn radius(&mut self, value: &Spanned<Decimal>) -> f64 {
        let radius = value.value.as_f64();
        if radius > 0.0 && radius <= LARGEST_RADIUS {
            return radius;
        }
        self.report(
            Diagnostic::error("SEG0209", "`radius` is a distance in scaled units, above 0 and at most 1_000_000_000")
                .at(value.span, "not such a distance")
                .help("write for example `radius 0.5`"),
        );
        1.0
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

fn word_and_span(setting: &ClusterSetting) -> (&'static str, Span) {
    match setting {
        ClusterSetting::On(exprs) => ("on", exprs[0].span),
        ClusterSetting::Scale(name) => ("scale", name.span),
        ClusterSetting::Method(name) => ("method", name.span),
        ClusterSetting::K { span, .. } => ("k", *span),
        ClusterSetting::Seed(value) => ("seed", value.span),
        ClusterSetting::Restarts(value) => ("restarts", value.span),
        ClusterSetting::Covariance(name) => ("covariance", name.span),
        ClusterSetting::Radius(value) => ("radius", value.span),
        ClusterSetting::Neighbours(value) => ("neighbours", value.span),
        ClusterSetting::Smallest(value) => ("smallest", value.span),
    }
}
