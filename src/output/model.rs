//! `model.json`: all that is needed to give a new customer a segment. The spec says how features are measured, the
//! yardsticks how they compare with those of the build, the scaler and the centres where a customer belongs, the labels
//! what that is called.
//!
//! A model carries a digest of itself, so that one that was cut or changed by mistake is not used. The digest is of what
//! the JSON means: a model may be laid out anew, and a later version of segc may add fields.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::build::Built;
use crate::cluster::{Placing, Scaler};
use crate::compile::Compiled;
use crate::eval::Value;
use crate::exec::customers::Feature;
use crate::exec::{Execution, Yardstick};
use crate::outcome::{ScoreTable, SpecText};
use crate::time::iso;

pub const SCHEMA: &str = "segc.model/1";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Model {
    pub schema: String,
    pub segc: String,
    pub name: String,
    pub as_of: Option<String>,
    pub currency: Option<String>,
    /// The spec and what it includes, in the order in which they were read.
    pub spec: Vec<SpecText>,
    /// Parameters given from outside, as `name=value`.
    pub params: Vec<String>,
    pub features: Vec<ModelFeature>,
    pub scores: Vec<ScoreTable>,
    /// What functions over all customers took from them, in the order of the plan: features first, then clusters.
    pub yardsticks: Vec<Yardstick>,
    pub clusters: Option<ModelClusters>,
    /// The labels of the rules, in order.
    pub labels: Vec<String>,
    /// Of everything above.
    pub sha256: String,
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
    pub base: BaseValues,
}

/// The same to the last bit, in the units that segc computes in: microseconds, currency units, shares from 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BaseValues {
    pub min: Option<f64>,
    pub max: Option<f64>,
    /// What `all.` means: the median, the commonest text, what is true of most.
    pub typical: Option<Scalar>,
}

/// A value as JSON has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Scalar {
    Bool(bool),
    Number(f64),
    Text(String),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelClusters {
    /// Dimensions as written; a point is scaled, then placed.
    pub on: Vec<String>,
    pub scaler: Scaler,
    /// Per cluster, in scaled units.
    pub centers: Vec<Vec<f64>>,
    /// Without it a point goes to the nearest centre (Euclidean), the first among equals.
    #[serde(default = "nearest_center", skip_serializing_if = "is_nearest_center")]
    pub placing: Placing,
    /// The segment of each cluster, and the rule that named it, from 0; empty where customers are labelled.
    pub segments: Vec<String>,
    pub rules: Vec<u32>,
}

fn nearest_center() -> Placing {
    Placing::Centers
}

fn is_nearest_center(placing: &Placing) -> bool {
    *placing == Placing::Centers
}

/// Why bytes are no model that can be used.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelError {
    /// Not JSON, or only a part of it.
    Broken { line: usize, column: usize, cut: bool },
    /// JSON, but not a model of this schema.
    OtherSchema { found: Option<String> },
    /// Not what segc wrote.
    Changed,
    /// Without something that a model has.
    Shape(String),
}

impl Model {
    /// Reads a model and compares it with its digest.
    pub fn read(bytes: &[u8]) -> Result<Model, ModelError> {
        let json: Json = serde_json::from_slice(bytes).map_err(|e| ModelError::Broken {
            line: e.line(),
            column: e.column(),
            cut: e.is_eof(),
        })?;
        let schema = json.get("schema").and_then(Json::as_str);
        if schema != Some(SCHEMA) {
            return Err(ModelError::OtherSchema { found: schema.map(str::to_owned) });
        }
        if json.get("sha256").and_then(Json::as_str) != Some(&digest(&json)) {
            return Err(ModelError::Changed);
        }
        serde_json::from_value(json).map_err(|e| ModelError::Shape(e.to_string()))
    }

    /// The model with the digest that belongs to it.
    pub fn sealed(self) -> Model {
        let json = serde_json::to_value(&self).expect("our own types have string keys");
        Model { sha256: digest(&json), ..self }
    }
}

/// SHA-256 of what the JSON of a model says, its digest apart, whatever the blanks and the order of keys.
fn digest(model: &Json) -> String {
    fn write(json: &Json, out: &mut String, skip: Option<&str>) {
        match json {
            Json::Object(fields) => {
                let fields: BTreeMap<&String, &Json> =
                    fields.iter().filter(|(key, _)| Some(key.as_str()) != skip).collect();
                for (key, value) in fields {
                    *out += &format!("{}:", Json::String(key.clone()));
                    write(value, out, None);
                    out.push(',');
                }
                out.push('}');
            }
            Json::Array(items) => {
                for item in items {
                    write(item, out, None);
                    out.push(',');
                }
                out.push(']');
            }
            leaf => *out += &leaf.to_string(),
        }
    }
    let mut text = String::new();
    write(model, &mut text, Some("sha256"));
    crate::summarize::sha256(text.as_bytes())
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
        as_of: built.execution.as_of.map(iso),
        currency: outcome.currency.clone(),
        spec: texts.collect(),
        params: params.to_vec(),
        features: outcome
            .features
            .iter()
            .zip(&built.execution.customers.features)
            .map(|(f, measured)| ModelFeature {
                name: f.name.clone(),
                unit: f.unit.clone(),
                formula: f.formula.clone(),
                min: f.stats.as_ref().map(|s| s.min),
                median: f.stats.as_ref().map(|s| s.p50),
                max: f.stats.as_ref().map(|s| s.max),
                base: base(measured, built.execution.everyone.get(&f.name)),
            })
            .collect(),
        scores: outcome.scores.clone(),
        yardsticks: match &built.execution.clustering {
            Some(clustering) => clustering.yardsticks.clone(),
            None => built.execution.customers.yardsticks.clone(),
        },
        clusters: clusters(&built.execution, outcome.cluster.as_ref().map(|c| c.on.clone())),
        labels: built.plan.labels.rules.iter().map(|r| r.label.clone()).collect(),
        sha256: String::new(),
    }
    .sealed()
}

fn base(feature: &Feature, typical: Value) -> BaseValues {
    let numbers = feature.values.numbers().filter(|_| feature.base.is_numeric()).unwrap_or_default();
    let known = || numbers.iter().copied().filter(|x| !x.is_nan());
    BaseValues {
        min: known().min_by(f64::total_cmp),
        max: known().max_by(f64::total_cmp),
        typical: match typical {
            Value::Missing => None,
            Value::Bool(b) => Some(Scalar::Bool(b)),
            Value::Number(x) => Some(Scalar::Number(x)),
            Value::Text(text) => Some(Scalar::Text(text.to_string())),
        },
    }
}

fn clusters(run: &Execution, on: Option<Vec<String>>) -> Option<ModelClusters> {
    let clustering = run.clustering.as_ref()?;
    let chosen = clustering.chosen();
    let segments = run.labelled.of_cluster.iter().map(|s| run.labelled.segments[*s as usize].label.clone());
    let rules = run.labelled.rule_of_cluster.clone();
    Some(ModelClusters {
        on: on?,
        scaler: clustering.scaler.clone(),
        centers: chosen.fit.centers.rows().into_iter().map(|row| row.to_vec()).collect(),
        placing: chosen.placing.clone(),
        segments: segments.collect(),
        rules,
    })
}
