//! What a build found, as plain data: every report, the dashboard, the API and `diff` are views of one [`Outcome`].
//!
//! Serialised as `outcome.json`, schema `segc.outcome/1`. Fields may be added; renaming one raises the schema number.
//! Exact amounts are decimal strings in the spec's currency, numbers that are not finite never appear (they become
//! `null`), shares run from 0 to 1, durations are days, times are ISO 8601 without a zone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub const SCHEMA: &str = "segc.outcome/1";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub schema: String,
    /// The version of segc that wrote this.
    pub segc: String,
    pub name: String,
    pub title: Option<String>,
    /// ISO 4217, when the spec has money in it.
    pub currency: Option<String>,
    /// Absent where a row is a customer and the spec has no `as_of`.
    pub as_of: Option<String>,
    /// First and last purchase among the rows used; absent where a row is a customer.
    pub period: Option<Period>,
    pub rows: RowLedger,
    /// What the rows were joined with, in the order of the spec.
    #[serde(default)]
    pub joins: Vec<JoinOutcome>,
    pub customers: u64,
    /// Baskets (customer and invoice) among the rows used, when the spec groups by baskets.
    pub baskets: Option<u64>,
    /// Sum of the spec's `revenue` over the rows used.
    pub amount: Option<String>,
    /// In the order of the spec.
    pub features: Vec<FeatureSummary>,
    pub scores: Vec<ScoreTable>,
    /// Customers per pair of the first two scores, when there are two.
    pub score_grid: Option<ScoreGrid>,
    pub cluster: Option<ClusterOutcome>,
    /// By amount, largest first; without `revenue`, by customers.
    pub segments: Vec<SegmentOutcome>,
    /// The label rules in order, `otherwise` last.
    pub rules: Vec<RuleOutcome>,
    pub concentration: Option<Concentration>,
    /// Models of buying, one for each kind that the spec asks for.
    #[serde(default)]
    pub forecasts: Vec<ForecastOutcome>,
    /// What a reader should know: detections that were not pinned, warnings.
    pub notes: Vec<Note>,
    pub spec: SpecText,
    pub inputs: Vec<InputDigest>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Period {
    pub first: String,
    pub last: String,
}

/// `read = used + refused + sum(dropped.rows)`, always; the same for amounts where a row has one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowLedger {
    pub read: u64,
    pub used: u64,
    /// Rows with a cell that could not be read as its declared type.
    pub refused: u64,
    /// In the order of the rules, a rule that dropped nothing included.
    pub dropped: Vec<DroppedRows>,
    /// Sum of `revenue` over all readable rows (cancellations count negative).
    pub amount_read: Option<String>,
    pub amount_used: Option<String>,
}

/// A source that was joined to the rows. `matched + unmatched` are the readable rows of the first source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JoinOutcome {
    pub source: String,
    /// `order_no, customer = id`: equal columns, of the rows and of the source, or the one name of both.
    pub on: String,
    /// Rows of the source, and how many of them could not be read.
    pub read: u64,
    pub refused: u64,
    /// Rows with a match in it, and without one.
    pub matched: u64,
    pub unmatched: u64,
    /// Readable rows of the source that no row matches.
    pub unused: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DroppedRows {
    pub rule: String,
    pub rows: u64,
    pub amount: Option<String>,
    /// The condition as written, or nothing for a built-in rule.
    pub condition: Option<String>,
}

/// A feature over all customers. Statistics are absent for text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureSummary {
    pub name: String,
    /// `days`, a currency code, `count`, `share`, `score`, `number`, `text`, `bool`, `datetime`.
    pub unit: String,
    /// The expression as the spec has it.
    pub formula: String,
    pub missing: u64,
    #[serde(flatten)]
    pub stats: Option<Stats>,
    /// Bins shared by all segments for their histograms.
    pub bins: Option<Bins>,
    /// Up to eight commonest values of a text feature.
    pub common: Option<Vec<CommonValue>>,
}

/// Linear-interpolated quantiles (R type 7), mean, and standard deviation with n - 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stats {
    pub min: f64,
    pub p05: f64,
    pub p25: f64,
    pub p50: f64,
    pub p75: f64,
    pub p95: f64,
    pub max: f64,
    pub mean: f64,
    /// Absent for a single customer.
    pub std: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bins {
    /// Bins are equally wide in log1p(value) rather than in the value.
    pub log: bool,
    /// n + 1 increasing edges in the feature's unit.
    pub edges: Vec<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CommonValue {
    pub value: String,
    pub customers: u64,
}

/// What `score(x, n)` did: score = 1 + floor(n x share of customers strictly below); equal values score alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreTable {
    pub feature: String,
    /// The expression that was scored.
    pub of: String,
    pub unit: String,
    pub n: u32,
    pub low_is_best: bool,
    /// One per score that was reached, ascending by score.
    pub steps: Vec<ScoreStep>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreStep {
    pub score: u32,
    /// Smallest and largest value with this score.
    pub from: f64,
    pub to: f64,
    pub customers: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreGrid {
    /// Names of the two score features; `cells[row - 1][column - 1]`.
    pub rows: String,
    pub columns: String,
    pub cells: Vec<Vec<GridCell>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GridCell {
    pub customers: u64,
    pub amount: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClusterOutcome {
    pub method: String,
    pub k: u32,
    /// `silhouette with share >= 2%`, or `fixed`.
    pub chosen_by: String,
    pub seed: u64,
    pub restarts: u32,
    /// `zscore`, `minmax`, `robust` or `none`.
    pub scale: String,
    /// The dimensions as written, e.g. `log1p(recency)`.
    pub on: Vec<String>,
    /// What the method was told beside k, e.g. `covariance full` or `radius 0.5, neighbours 10`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<String>,
    /// Customers in no cluster, where the method leaves any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<u64>,
    /// One row per k tried, ascending.
    pub search: Vec<SearchRow>,
    /// What resamples say about every k, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<EvidenceOutcome>,
    /// One per cluster, in the order of cluster numbers.
    pub clusters: Vec<ClusterProfile>,
    /// A sample of customers in two dimensions.
    pub scatter: Option<Scatter>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchRow {
    pub k: u32,
    pub inertia: f64,
    pub silhouette: Option<f64>,
    /// Half the width of the 95 % interval of the silhouette, where it is that of a sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silhouette_margin: Option<f64>,
    pub davies_bouldin: Option<f64>,
    pub calinski_harabasz: Option<f64>,
    /// Of a mixture: ln L, and -2 ln L + p ln n.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_likelihood: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bic: Option<f64>,
    /// Customers per cluster, in the order of cluster numbers.
    pub sizes: Vec<u64>,
    pub smallest_share: f64,
    /// Whether this k meets the constraints of the spec, and if not, the one it misses in words.
    pub qualifies: bool,
    pub misses: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvidenceOutcome {
    /// Customers who were drawn from.
    pub customers: u64,
    pub resamples: u32,
    pub references: u32,
    pub splits: u32,
    pub seeds: u32,
    /// One row per k of the search.
    pub of_k: Vec<EvidenceRow>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvidenceRow {
    pub k: u32,
    /// In the order of cluster numbers.
    pub clusters: Vec<ClusterStability>,
    pub prediction_strength: Option<f64>,
    /// The gap statistic with its standard error.
    pub gap: f64,
    pub gap_error: f64,
    /// How much more k clusters gain over one than in points without groups, in standard errors.
    pub above_noise: f64,
    /// Adjusted Rand index with the clusterings from other seeds.
    pub seeds_mean: f64,
    pub seeds_least: f64,
    /// Why this k is not to be believed, as a clause.
    pub doubt: Option<String>,
}

/// How a cluster fared in the resamples that have customers of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClusterStability {
    /// Mean Jaccard coefficient with the cluster most like it.
    pub jaccard: Option<f64>,
    pub resamples: u32,
    /// Resamples with a coefficient of 0.75 at least.
    pub recovered: u32,
}

impl ClusterStability {
    /// Share of the resamples in which it comes back.
    pub fn recovery(&self) -> f64 {
        f64::from(self.recovered) / f64::from(self.resamples.max(1))
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClusterProfile {
    pub cluster: u32,
    pub label: String,
    pub customers: u64,
    /// Centre per dimension of `on`, in scaled units.
    pub center: Vec<f64>,
    /// The same centre taken back through the scaling, in the dimension's own (for example logarithmic) units.
    pub center_unscaled: Vec<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scatter {
    pub x: Axis,
    pub y: Axis,
    /// At most 1,500 customers, drawn by segment in proportion, with every segment present.
    pub points: Vec<ScatterPoint>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// A dimension's name, or `component 1` of a principal component analysis.
    pub label: String,
    /// Share of the variance, for a principal component.
    pub explained: Option<f64>,
    /// The dimensions that weigh most in the component, with their signed weights.
    pub loadings: Vec<(String, f64)>,
}

/// Two coordinates in scaled units, and the index of the customer's segment in [`Outcome::segments`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScatterPoint {
    pub x: f64,
    pub y: f64,
    pub segment: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentOutcome {
    pub label: String,
    /// Numbers of the clusters in it; empty where customers are labelled directly.
    pub clusters: Vec<u32>,
    pub customers: u64,
    pub share: f64,
    pub amount: Option<String>,
    pub amount_share: Option<f64>,
    /// By feature name; text features are left out.
    pub profile: BTreeMap<String, FeatureProfile>,
    pub description: Option<String>,
    pub action: Option<String>,
    /// `#rrggbb`, when the spec gives one.
    pub color: Option<String>,
    /// The rule that gave the label, in the spec's words.
    pub rule: String,
    pub silhouette: Option<SilhouetteProfile>,
    /// Of the one of its clusters that comes back least, where evidence was collected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stability: Option<ClusterStability>,
    /// Ids of the customers who spend most, at most five.
    pub examples: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureProfile {
    #[serde(flatten)]
    pub stats: Stats,
    /// (segment mean - mean of all) / standard deviation of all (with n); 0 when all are equal. In log1p units
    /// where the feature's bins are logarithmic.
    pub z: f64,
    /// Customers per bin of the feature's [`Bins`].
    pub counts: Vec<u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SilhouetteProfile {
    pub mean: f64,
    /// Share of the segment's customers whose silhouette is below 0.
    pub below_zero: f64,
    /// Up to 80 values from the largest to the smallest, evenly spaced in rank.
    pub blade: Vec<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleOutcome {
    pub label: String,
    /// The condition as written; nothing for `otherwise`.
    pub condition: Option<String>,
    pub action: Option<String>,
    /// Clusters (0 where customers are labelled) and customers that the rule took.
    pub clusters: u64,
    pub customers: u64,
}

/// How unevenly revenue is spread over customers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Concentration {
    pub gini: f64,
    /// Share of the amount that the best 1, 5, 10, 20 and 50 % of customers bring.
    pub top: Vec<TopShare>,
    /// At most 101 points from (0, 0) to (1, 1), customers from the largest spender down.
    pub curve: Vec<(f64, f64)>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TopShare {
    pub customers: f64,
    pub amount: f64,
}

/// A model of buying fitted to all customers, and what speaks for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForecastOutcome {
    /// `BG/NBD`, `MBG/NBD` or `Pareto/NBD`.
    pub model: String,
    /// The unit of time of the parameters, `weeks` or `days`.
    pub unit: String,
    pub customers: u64,
    /// Customers who bought on two days or more, and purchase days after the first one of all.
    pub repeat_buyers: u64,
    pub repeat_purchases: u64,
    /// From the first purchase to `as_of`.
    pub days: u32,
    /// Whether the model explains more than the NBD, in which nobody leaves; if not, the NBD predicts, and the
    /// parameters are its own. The ratio is twice the gain in log-likelihood.
    pub drop_out_found: bool,
    pub drop_out_ratio: f64,
    pub purchases: FitOutcome,
    /// The Gamma-Gamma model, where a value is asked for.
    pub spend: Option<SpendOutcome>,
    /// Nothing where too little was bought in the time that the model was shown.
    pub holdout: Option<HoldoutOutcome>,
    pub independence: Option<IndependenceOutcome>,
    /// Features that are nothing but a value, by segment.
    pub values: Vec<ValueOutcome>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FitOutcome {
    pub parameters: Vec<ParameterOutcome>,
    pub log_likelihood: f64,
    /// Whether the maximum is a proper one, inside the bounds of the parameters.
    pub converged: bool,
    pub at_bound: Vec<String>,
    /// Starting points, and how many of them led to this maximum.
    pub starts: u32,
    pub agreeing: u32,
    /// Of the likelihood.
    pub evaluations: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParameterOutcome {
    pub name: String,
    pub value: f64,
    /// From the observed information.
    pub standard_error: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpendOutcome {
    #[serde(flatten)]
    pub fit: FitOutcome,
    /// Customers whose repeat purchases brought money, and those whose brought nothing or less.
    pub customers: u64,
    pub without: u64,
    /// What a purchase brings on average, by the model and as seen.
    pub mean: f64,
    pub mean_seen: f64,
}

/// The model fitted to what was bought up to a day, and what it said of the days after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HoldoutOutcome {
    pub shown_until: String,
    /// Days that were held out.
    pub days: u32,
    /// Of the model as fitted on what it was shown.
    pub parameters: Vec<ParameterOutcome>,
    /// Customers who had bought by then.
    pub customers: u64,
    /// Their purchase days after it.
    pub expected: f64,
    pub actual: u64,
    /// By repeat purchases up to that day.
    pub groups: Vec<HoldoutGroup>,
    /// What these purchases brought.
    pub amount_expected: Option<f64>,
    pub amount_actual: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HoldoutGroup {
    pub repeats: u32,
    pub or_more: bool,
    pub customers: u64,
    pub expected: f64,
    pub actual: u64,
}

/// Whether spending has to do with frequency, over customers with a repeat purchase that brought money.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IndependenceOutcome {
    pub customers: u64,
    pub pearson: f64,
    /// Of ranks.
    pub spearman: f64,
    /// Share of the variance of spending between groups of equal frequency.
    pub eta_squared: f64,
    pub holds: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValueOutcome {
    pub feature: String,
    pub formula: String,
    /// In the order of [`Outcome::segments`].
    pub segments: Vec<SegmentValue>,
}

/// The mean over the customers of a segment, with a bootstrap interval of 95 %: as if other customers had come, the
/// parameters of the model being what they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentValue {
    pub label: String,
    pub mean: f64,
    pub low: f64,
    pub high: f64,
    pub total: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// A diagnostic code, e.g. `SEG0301`.
    pub code: String,
    pub text: String,
    /// What can be typed into the spec to settle it.
    pub help: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpecText {
    pub file: String,
    pub text: String,
    pub sha256: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputDigest {
    /// The source that it belongs to, by its name in the spec.
    #[serde(default)]
    pub source: String,
    pub name: String,
    pub bytes: u64,
    pub sha256: String,
    pub rows: u64,
}
