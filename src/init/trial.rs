//! Builds a draft without writing anything: the spec lies in memory, its data where they are.

use std::path::Path;

use crate::build::build;
use crate::compile::{Compiled, compile};
use crate::diagnostics::{Diagnostic, Severity};
use crate::exec::Execution;
use crate::exec::customers::{Values, quantile};
use crate::ingest::Detection;
use crate::progress::Progress;
use crate::world::{Edited, World};

pub(super) enum Trial {
    Built(Box<Built>),
    /// What stands against it.
    Failed(Vec<Diagnostic>),
}

/// What a build of a draft found.
pub(super) struct Built {
    pub read: u64,
    pub used: u64,
    pub refused: u64,
    /// The rules of the spec and those that are built in, with the rows and the money that they took.
    pub dropped: Vec<(String, u64, f64)>,
    pub customers: u64,
    /// The largest k that was tried.
    pub tried: Option<u32>,
    /// Of the clusters whose median recency is below that of everyone: what their median of money is, as a multiple of
    /// everyone's, the richest first.
    pub recent: Vec<f64>,
    /// What the data had to tell, with the names of the columns that it is about.
    pub detected: Vec<(Option<String>, Detection)>,
    pub warnings: Vec<Diagnostic>,
}

impl Trial {
    pub fn run(world: &dyn World, path: &Path, text: &str, progress: &dyn Progress) -> Trial {
        let bench = Edited { world, path, text: text.into() };
        let compiled = compile(&bench, path, &[]);
        if compiled.has_errors() {
            return Trial::Failed(compiled.diagnostics);
        }
        let done = match build(&bench, &compiled, progress) {
            Ok(done) => done,
            Err(found) => return Trial::Failed(found),
        };
        let outcome = &done.outcome;
        let amount = |amount: &Option<String>| amount.as_ref().and_then(|a| a.parse().ok()).unwrap_or(0.0);
        let source = done.sources.first();
        let named = |detection: &Detection| detection.column.and_then(|at| source?.columns.get(at).cloned());
        Trial::Built(Box::new(Built {
            read: outcome.rows.read,
            used: outcome.rows.used,
            refused: outcome.rows.refused,
            dropped: outcome.rows.dropped.iter().map(|d| (d.rule.clone(), d.rows, amount(&d.amount))).collect(),
            customers: outcome.customers,
            tried: outcome.cluster.as_ref().and_then(|cluster| cluster.search.iter().map(|row| row.k).max()),
            recent: recent(&done.execution),
            detected: source.map_or(vec![], |source| source.detected.iter().map(|d| (named(d), d.clone())).collect()),
            warnings: done
                .diagnostics
                .iter()
                .filter(|d| d.severity == Severity::Warning && d.code != "SEG0303")
                .cloned()
                .collect(),
        }))
    }
}

fn recent(run: &Execution) -> Vec<f64> {
    let numbers = |name: &str| match run.customers.feature(name).map(|feature| &feature.values) {
        Some(Values::Numbers(numbers)) => numbers.as_slice(),
        _ => &[],
    };
    let (recency, monetary) = (numbers("recency"), numbers("monetary"));
    let Some(clustering) = &run.clustering else { return vec![] };
    let median = |values: &[f64], cluster: Option<u32>| {
        let of = values.iter().zip(clustering.labels()).filter(|(_, label)| cluster.is_none_or(|c| c == **label));
        let mut values: Vec<f64> = of.map(|(value, _)| *value).collect();
        values.sort_by(f64::total_cmp);
        if values.is_empty() { f64::NAN } else { quantile(&values, 0.5) }
    };
    let everyone = (median(recency, None), median(monetary, None));
    let mut recent: Vec<f64> = (0..clustering.chosen().k)
        .filter(|cluster| median(recency, Some(*cluster)) < everyone.0)
        .map(|cluster| median(monetary, Some(cluster)) / everyone.1)
        .filter(|ratio| ratio.is_finite())
        .collect();
    recent.sort_by(|a, b| b.total_cmp(a));
    recent
}

/// Whether a text is a spec without errors.
pub(super) fn compiles(world: &dyn World, path: &Path, text: &str) -> Result<(), Vec<Diagnostic>> {
    let Compiled { diagnostics, .. } = compile(&Edited { world, path, text: text.into() }, path, &[]);
    if crate::diagnostics::has_errors(&diagnostics) { Err(diagnostics) } else { Ok(()) }
}
