//! An outcome with what every chart asks of it: marks of segments, units and readable names of features.

use super::figure::Mark;
use super::numbers::{self, Unit};
use super::words;
use crate::outcome::{FeatureSummary, Outcome, SearchRow, SegmentOutcome, Stats};

pub struct Facts<'a> {
    pub outcome: &'a Outcome,
    /// One per segment, in their order.
    pub marks: Vec<Mark>,
}

impl<'a> Facts<'a> {
    pub fn new(outcome: &'a Outcome) -> Facts<'a> {
        Facts { outcome, marks: outcome.segments.iter().enumerate().map(|(i, s)| Mark::of(i, s)).collect() }
    }

    pub fn currency(&self) -> Option<&'a str> {
        self.outcome.currency.as_deref()
    }

    /// Segments with their marks.
    pub fn segments(&self) -> impl Iterator<Item = (usize, &Mark, &'a SegmentOutcome)> {
        self.outcome.segments.iter().enumerate().map(|(i, segment)| (i, &self.marks[i], segment))
    }

    /// Features that have statistics, with them.
    pub fn numeric(&self) -> impl Iterator<Item = (&'a FeatureSummary, &'a Stats)> {
        self.outcome.features.iter().filter_map(|f| f.stats.as_ref().map(|stats| (f, stats)))
    }

    /// Numeric features without the scores made of them; the scores when there is nothing else.
    pub fn measured(&self) -> Vec<(&'a FeatureSummary, &'a Stats)> {
        let (scores, measured): (Vec<_>, Vec<_>) = self.numeric().partition(|(f, _)| f.unit == "score");
        if measured.is_empty() { scores } else { measured }
    }

    /// `Recency`, and for a score `Recency score (r)`.
    pub fn title(&self, feature: &str) -> String {
        let scored = self.outcome.scores.iter().find(|s| s.feature == feature).map(|s| s.of.as_str());
        match scored.filter(|of| self.outcome.features.iter().any(|f| f.name == **of)) {
            Some(of) => format!("{} score ({})", words::name(of), words::clean(feature)),
            None => words::name(feature),
        }
    }

    /// Whether every segment says what it brings.
    pub fn has_amounts(&self) -> bool {
        !self.outcome.segments.is_empty()
            && self.outcome.segments.iter().all(|s| s.amount.is_some() && s.amount_share.is_some())
    }

    /// The row of the search for the k that was used.
    pub fn chosen(&self) -> Option<&'a SearchRow> {
        let cluster = self.outcome.cluster.as_ref()?;
        cluster.search.iter().find(|row| row.k == cluster.k)
    }

    /// A computed amount in the spec's currency.
    pub fn money(&self, amount: f64) -> String {
        numbers::money(amount, self.currency().unwrap_or(""))
    }

    pub fn unit(feature: &FeatureSummary) -> Unit {
        Unit::parse(&feature.unit)
    }
}
