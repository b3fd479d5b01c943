//! `model.json`: all that is needed to give a new customer a segment. The spec says how features are measured, the
//! scaler and the centres where a customer belongs, the labels what that is called.

use serde::{Deserialize, Serialize};

use crate::build::Built;
use crate::cluster::Scaler;
use crate::compile::Compiled;
use crate::exec::Execution;
use crate::outcome::{ScoreTable, SpecText};
use crate::time::iso;

pub const SCHEMA: &str = "segc.model/1";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Model {
    pub schema: String,
    pub segc: String,
    pub name: String,
    pub as_of: String,
    pub currency: Option<String>,
    /// The spec and what it includes, in the order in which they were read.
    pub spec: Vec<SpecText>,
    /// Parameters given from outside, as `name=value`.
    pub params: Vec<String>,
    pub features: Vec<ModelFeature>,
    pub scores: Vec<ScoreTable>,
    pub clusters: Option<ModelClusters>,
    /// The labels of the rules, in order.
    pub labels: Vec<String>,
}

/// What the model has seen of a feature, in the unit of the outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelFeature {
    pub name: String,
    pub unit: String,
    pub formula: String,
    pub min: Option<f64>,
    pub median: Option<f64>,
    pub max: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelClusters {
    /// Dimensions as written; a point is scaled, then goes to the nearest centre (Euclidean), the first among equals.
    pub on: Vec<String>,
    pub scaler: Scaler,
    /// Per cluster, in scaled units.
    pub centers: Vec<Vec<f64>>,
    /// The segment of each cluster.
    pub segments: Vec<String>,
}

/// The model of a build.
pub fn model(built: &Built, compiled: &Compiled, params: &[String]) -> Model {
    let outcome = &built.outcome;
    let texts = compiled.sources.files.iter().enumerate().map(|(index, file)| SpecText {
        file: crate::summarize::logical_name(compiled, index),
        text: file.text.to_string(),
        sha256: crate::summarize::sha256(file.text.as_bytes()),
    });
    Model {
        schema: SCHEMA.to_owned(),
        segc: outcome.segc.clone(),
        name: outcome.name.clone(),
        as_of: iso(built.execution.as_of),
        currency: outcome.currency.clone(),
        spec: texts.collect(),
        params: params.to_vec(),
        features: outcome
            .features
            .iter()
            .map(|f| ModelFeature {
                name: f.name.clone(),
                unit: f.unit.clone(),
                formula: f.formula.clone(),
                min: f.stats.as_ref().map(|s| s.min),
                median: f.stats.as_ref().map(|s| s.p50),
                max: f.stats.as_ref().map(|s| s.max),
            })
            .collect(),
        scores: outcome.scores.clone(),
        clusters: clusters(&built.execution, outcome.cluster.as_ref().map(|c| c.on.clone())),
        labels: built.plan.labels.rules.iter().map(|r| r.label.clone()).collect(),
    }
}

fn clusters(run: &Execution, on: Option<Vec<String>>) -> Option<ModelClusters> {
    let clustering = run.clustering.as_ref()?;
    let fit = &clustering.chosen().fit;
    let segments = run.labelled.of_cluster.iter().map(|s| run.labelled.segments[*s as usize].label.clone());
    Some(ModelClusters {
        on: on?,
        scaler: clustering.scaler.clone(),
        centers: fit.centers.rows().into_iter().map(|row| row.to_vec()).collect(),
        segments: segments.collect(),
    })
}
