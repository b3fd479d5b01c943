//! From the bytes of a model to what can be asked: read, compared with its digest, its spec compiled again, and every
//! number checked to fit that spec. After this nothing in the model can surprise.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::cluster::Sample;
use crate::compile::{Compiled, compile};
use crate::diagnostics::Diagnostic;
use crate::eval::Value;
use crate::exec::clustering::scaling;
use crate::exec::labels::Typical;
use crate::exec::place::{Clusters, Learned, Named};
use crate::outcome::SpecText;
use crate::output::model::{Model, ModelClusters, ModelError, SCHEMA, Scalar};
use crate::plan::{Plan, Step};
use crate::spec::Over;
use crate::syntax::source::SourceMap;
use crate::world::{Unreadable, World};

/// A model that is known to be whole, and its spec ready to run.
pub struct Assigner {
    pub model: Model,
    /// The spec in the model, for messages that point into it.
    pub compiled: Compiled,
    pub plan: Plan,
    pub(super) learned: Learned,
}

/// Why a model can't be used, and the texts that the messages point into.
pub struct Unusable {
    pub diagnostics: Vec<Diagnostic>,
    pub sources: SourceMap,
}

const BUILD_AGAIN: &str = "write it again: `segc build SPEC`";

impl Assigner {
    /// Reads a model.
    ///
    /// Errors: SEG0355 for what is no model or one of another schema, SEG0356 for one that was cut or changed, SEG0357
    /// for one that does not fit the spec in it.
    pub fn open(bytes: &[u8]) -> Result<Assigner, Unusable> {
        let plainly = |d: Diagnostic| Unusable { diagnostics: vec![d], sources: SourceMap::default() };
        let model = Model::read(bytes).map_err(|error| plainly(unreadable(&error)))?;
        let unfit = |why: String| {
            let text = format!("the model does not fit the spec in it: {why}");
            Diagnostic::error("SEG0357", text).help(BUILD_AGAIN)
        };
        let Some(main) = model.spec.first() else {
            return Err(plainly(unfit("there is no spec".into())));
        };
        let texts = Texts { files: model.spec.clone(), next: AtomicUsize::new(1) };
        let compiled = compile(&texts, &PathBuf::from(&main.file), &model.params);
        let Some(plan) = compiled.plan.clone() else {
            let mut diagnostics = vec![unfit(format!("segc {} has errors to report in it", env!("CARGO_PKG_VERSION")))];
            diagnostics.extend(compiled.diagnostics.into_iter().filter(Diagnostic::is_error));
            return Err(Unusable { diagnostics, sources: compiled.sources });
        };
        match learned(&model, &plan) {
            Ok(learned) => Ok(Assigner { model, compiled, plan, learned }),
            Err(why) => Err(plainly(unfit(why))),
        }
    }
}

fn unreadable(error: &ModelError) -> Diagnostic {
    match error {
        ModelError::OtherSchema { found: Some(schema) } => {
            let text = format!("the model has the schema `{schema}`, this segc reads `{SCHEMA}`");
            Diagnostic::error("SEG0355", text).help("write it again with the segc that reads it: `segc build SPEC`")
        }
        ModelError::OtherSchema { found: None } => {
            Diagnostic::error("SEG0355", "this is no model: it does not say its schema")
                .help("name the `model.json` that `segc build` writes, for example `--model out/shop/model.json`")
        }
        ModelError::Broken { cut: true, .. } => {
            Diagnostic::error("SEG0356", "the model is not whole: it ends too early").help(BUILD_AGAIN)
        }
        ModelError::Broken { line, column, .. } => {
            Diagnostic::error("SEG0356", format!("the model is no JSON at line {line}, column {column}"))
                .help(BUILD_AGAIN)
        }
        ModelError::Changed => {
            Diagnostic::error("SEG0356", "the model was changed after segc wrote it: its digest is another")
                .help(BUILD_AGAIN)
        }
        ModelError::Shape(why) => {
            Diagnostic::error("SEG0356", format!("the model lacks what a model has: {why}")).help(BUILD_AGAIN)
        }
    }
}

/// The texts of a spec in the order in which they were read; asking again asks in the same order.
struct Texts {
    files: Vec<SpecText>,
    next: AtomicUsize,
}

impl World for Texts {
    fn spec(&self, _: &Path) -> Result<Arc<str>, Unreadable> {
        self.text(0)
    }

    fn include(&self, _: &Path, _: &Path) -> Result<Arc<str>, Unreadable> {
        self.text(self.next.fetch_add(1, Ordering::Relaxed))
    }

    fn locate(&self, _: &Path, _: &str) -> Result<PathBuf, Unreadable> {
        Err(Unreadable::Outside)
    }

    fn locate_all(&self, _: &Path, _: &str) -> Result<Vec<(String, PathBuf)>, Unreadable> {
        Err(Unreadable::Outside)
    }

    fn place(&self, _: &Path, _: &str) -> Result<PathBuf, Unreadable> {
        Err(Unreadable::Outside)
    }
}

impl Texts {
    fn text(&self, index: usize) -> Result<Arc<str>, Unreadable> {
        let none = || Unreadable::Other("it is not in the model".into());
        self.files.get(index).map(|file| file.text.as_str().into()).ok_or_else(none)
    }
}

/// What the model holds, if it is what its plan asks for; otherwise why not.
fn learned(model: &Model, plan: &Plan) -> Result<Learned, String> {
    if !plan.features().map(|f| &f.name).eq(model.features.iter().map(|f| &f.name)) {
        return Err("its features have other names".into());
    }
    if !plan.labels.rules.iter().map(|r| &r.label).eq(&model.labels) {
        return Err("its labels are others".into());
    }
    let in_clusters = plan.cluster.iter().flat_map(|cluster| &cluster.steps);
    let steps = plan.customers.steps.iter().chain(in_clusters);
    let steps: Vec<_> = steps.filter(|step| !matches!(step, Step::Feature(_))).collect();
    if steps.len() != model.yardsticks.len() || !steps.iter().zip(&model.yardsticks).all(|(s, y)| y.fits(s)) {
        return Err("its scores, bounds and models are of other expressions".into());
    }
    let everyone = model.features.iter().map(|f| {
        let value = match &f.base.typical {
            None => Value::Missing,
            Some(Scalar::Bool(b)) => Value::Bool(*b),
            Some(Scalar::Number(x)) => Value::Number(*x),
            Some(Scalar::Text(text)) => Value::Text(text.as_str().into()),
        };
        (f.name.clone(), value)
    });
    let everyone = Typical(everyone.collect());
    let clusters = match (&plan.cluster, &model.clusters) {
        (None, None) => None,
        (Some(_), Some(found)) => {
            Some(clusters(found, plan).ok_or("its centres have another shape, or are no numbers")?)
        }
        (Some(_), None) => return Err("it has no centres".into()),
        (None, Some(_)) => return Err("it has centres".into()),
    };
    Ok(Learned { yardsticks: model.yardsticks.clone(), everyone, clusters })
}

fn clusters(found: &ModelClusters, plan: &Plan) -> Option<Clusters> {
    let cluster = plan.cluster.as_ref()?;
    let (k, dimensions) = (found.centers.len(), cluster.on.len());
    let fits = |numbers: &[f64]| numbers.len() == dimensions && numbers.iter().all(|x| x.abs() <= Sample::LARGEST);
    let scaler = &found.scaler;
    let spread = scaler.spread.iter().all(|x| *x >= 0.0);
    let whole = fits(&scaler.center) && fits(&scaler.spread) && spread && scaler.scaling == scaling(cluster.scale);
    let whole = whole && found.centers.iter().all(|center| fits(center));
    let whole = whole && found.placing.is_of(cluster.method) && found.placing.is_whole(k, dimensions);
    let named = match plan.labels.over {
        Over::Clusters => k,
        Over::Customers => 0,
    };
    let rules = found.rules.iter().all(|rule| (*rule as usize) < plan.labels.rules.len());
    if !whole || found.segments.len() != named || found.rules.len() != named || !rules {
        return None;
    }
    let named = found.segments.iter().zip(&found.rules);
    let segments = named.map(|(label, rule)| Named { label: label.clone(), rule: *rule });
    Clusters::new(scaler.clone(), &found.centers, found.placing.clone(), segments.collect())
}
