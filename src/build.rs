//! One build: reads what the plan scans, runs it, and says what it found, or why it can't, in terms of the spec.

mod forecasts;

use crate::cluster::{Method, Placing};
use crate::compile::Compiled;
use crate::diagnostics::render::place_in_words;
use crate::diagnostics::{self, Diagnostic, Place};
use crate::exec::clustering::Clustering;
use crate::exec::{self, ExecError, Execution, Input, Joined, Repeated, SeveralRows};
use crate::ingest::{Detection, FileFacts, Loaded, Places, Refusal};
use crate::inputs::{self, Instead, Unusable};
use crate::outcome::Outcome;
use crate::plan::{Plan, Scan};
use crate::progress::Progress;
use crate::spec::{Cluster, Grain, Scale, Source, Spec, Typed};
use crate::summarize;
use crate::world::World;

pub(crate) use forecasts::{MOST_CORRELATED, MOST_EXPLAINED};

/// A cluster with a smaller share of the customers is pointed out.
const TINY: f64 = 0.01;

/// What a build gives: the outcome for readers, and the columns that the list of customers and the model are made of.
pub struct Built {
    pub outcome: Outcome,
    pub execution: Execution,
    pub plan: Plan,
    /// In the order of the plan.
    pub sources: Vec<SourceRead>,
    /// Warnings and notes.
    pub diagnostics: Vec<Diagnostic>,
}

/// What there is to know of a source beside its rows.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceRead {
    pub name: String,
    /// Names of its columns, to which refusals and detections refer by place.
    pub columns: Vec<String>,
    /// Every row that could not be read.
    pub refused: Vec<Refusal>,
    pub detected: Vec<Detection>,
    /// Where its rows stand, where that can matter.
    pub places: Option<Places>,
    pub files: Vec<FileFacts>,
}

/// Why there is no build.
#[derive(Debug)]
pub struct Failed {
    /// Warnings among them.
    pub diagnostics: Vec<Diagnostic>,
    /// The sources that were read, with the rows that could not be.
    pub sources: Vec<SourceRead>,
}

impl Failed {
    /// The rows of some source can't be used.
    pub(crate) fn to_read(plan: &Plan, unusable: Unusable) -> Failed {
        let read = unusable.read.into_iter().filter_map(|(nth, loaded)| Some((plan.scans().nth(nth)?, loaded)));
        let sources = read.map(|(scan, loaded)| halves(scan, loaded).1).collect();
        Failed { diagnostics: unusable.diagnostics, sources }
    }
}

impl From<Vec<Diagnostic>> for Failed {
    fn from(diagnostics: Vec<Diagnostic>) -> Failed {
        Failed { diagnostics, sources: vec![] }
    }
}

impl From<Failed> for Vec<Diagnostic> {
    fn from(failed: Failed) -> Vec<Diagnostic> {
        failed.diagnostics
    }
}

/// Runs a compiled spec on its data. On failure every diagnostic, warnings among them.
pub fn build(world: &dyn World, compiled: &Compiled, progress: &dyn Progress) -> Result<Built, Vec<Diagnostic>> {
    build_or_refused(world, compiled, progress).map_err(Vec::from)
}

/// The same, for those who want to list the refused rows of a build that fails.
pub fn build_or_refused(world: &dyn World, compiled: &Compiled, progress: &dyn Progress) -> Result<Built, Failed> {
    let plan = compiled.plan.as_ref().map(Plan::without_expectations);
    run(world, compiled, plan, progress)
}

/// The same, with a look at what the tests of the spec expect of single rows and customers.
pub fn build_for_tests(
    world: &dyn World,
    compiled: &Compiled,
    progress: &dyn Progress,
) -> Result<Built, Vec<Diagnostic>> {
    run(world, compiled, compiled.plan.clone(), progress).map_err(Vec::from)
}

fn run(world: &dyn World, compiled: &Compiled, plan: Option<Plan>, progress: &dyn Progress) -> Result<Built, Failed> {
    let (Some(spec), Some(plan)) = (&compiled.spec, plan) else {
        return Err(compiled.diagnostics.clone().into());
    };
    let plan = &plan;
    let mut warnings: Vec<Diagnostic> = compiled.diagnostics.clone();
    let (read, found) = inputs::read(world, compiled, plan, &Instead::new(), progress)
        .map_err(|unusable| Failed::to_read(plan, unusable))?;
    warnings.extend(found);
    let (inputs, sources) = apart(plan, read);
    let execution = match exec::run(plan, inputs, progress) {
        Ok(execution) => execution,
        Err(error) => {
            warnings.push(diagnostic(&error, spec, &sources));
            return Err(Failed { diagnostics: warnings, sources });
        }
    };
    warnings.extend(notices(&execution, spec));
    diagnostics::sort(&mut warnings);
    let facts = summarize::Facts { compiled, plan, sources: &sources, warnings: &warnings };
    let outcome = summarize::outcome(&execution, &facts);
    Ok(Built { outcome, execution, plan: plan.clone(), sources, diagnostics: warnings })
}

/// What sources gave, as rows and as what there is to know beside them.
pub(crate) fn apart(plan: &Plan, read: Vec<Loaded>) -> (Vec<Input>, Vec<SourceRead>) {
    plan.scans().zip(read).map(|(scan, loaded)| halves(scan, loaded)).unzip()
}

fn halves(scan: &Scan, loaded: Loaded) -> (Input, SourceRead) {
    let input = Input {
        table: loaded.table,
        identity: loaded.identity,
        read: loaded.read,
        left: loaded.left,
        refused: loaded.refused.len() as u64,
    };
    let source = SourceRead {
        name: scan.source.clone(),
        columns: scan.columns.iter().map(|c| c.name.clone()).collect(),
        refused: loaded.refused,
        detected: loaded.detected,
        places: loaded.places,
        files: loaded.files,
    };
    (input, source)
}

/// What a reader of the result should know though nothing is wrong with the spec.
fn notices(execution: &Execution, spec: &Spec<Typed>) -> Vec<Diagnostic> {
    let mut notices: Vec<Diagnostic> = execution
        .joins
        .iter()
        .zip(&spec.sources[1..])
        .filter_map(|(joined, source)| no_match(joined, source, spec))
        .collect();
    notices.extend(execution.customers.forecasts.iter().flat_map(|forecast| forecasts::notices(forecast, spec)));
    if let (Some(clustering), Some(cluster)) = (&execution.clustering, &spec.cluster) {
        let chosen = clustering.chosen();
        if let Some(last) = clustering.search.last().map(|c| c.fitted.k).filter(|last| *last < cluster.k.1) {
            notices.push(
                Diagnostic::warning(
                    "SEG0501",
                    format!("the search for k ends at {last}: no more customers differ from each other"),
                )
                .at(cluster.k_span, format!("asks for up to {}", cluster.k.1))
                .help(format!("write `k {}..{last} by {}`", cluster.k.0, cluster.choice.words)),
            );
        }
        notices.extend(collapsed(clustering, cluster));
        let smallest = chosen.sizes.iter().copied().min().unwrap_or(0);
        let total = execution.customers.ids.len();
        // Where clusters are so small altogether, one customer is as good a cluster as any.
        let logarithms = "cluster on logarithms, such as `log1p(monetary)`";
        let lonely = smallest == 1 && total > 2 * chosen.k as usize;
        if chosen.k > 1 && (lonely || (smallest as f64) < TINY * total as f64) {
            let alone = chosen.sizes.iter().zip(0..).find(|(size, _)| **size == 1).and_then(|(_, cluster)| {
                let row = clustering.labels().iter().position(|label| *label == cluster)?;
                Some(format!("customer `{}` is a cluster alone, cut off from all others", execution.customers.ids[row]))
            });
            let few = || {
                let whose = if cluster.method.has_noise() { "" } else { ": a few giants are cut off from all others" };
                format!("a cluster has {smallest} of {total} customers{whose}")
            };
            let taken = match cluster.method.has_k() {
                true => format!("k = {} was taken", chosen.k),
                false => format!("found {} clusters", chosen.k),
            };
            notices.push(Diagnostic::warning("SEG0504", alone.unwrap_or_else(few)).at(cluster.k_span, taken).help(
                match (cluster.choice.by, cluster.method) {
                    (_, Method::Dbscan { .. }) => "make `radius` or `neighbours` larger".to_owned(),
                    (_, Method::Hdbscan { .. }) => "make `smallest` larger".to_owned(),
                    (None, _) => format!("{logarithms}, or take a smaller `k`"),
                    // More than one customer is.
                    _ => format!(
                        "ask for larger clusters, `with share >= {}%`, or {logarithms}",
                        (100 / total + 1).max(2)
                    ),
                },
            ));
        }
    }
    notices
}

/// A mixture on values that many customers share.
fn collapsed(clustering: &Clustering, cluster: &Cluster<Typed>) -> Option<Diagnostic> {
    let Placing::Mixture(mixture) = &clustering.chosen().placing else { return None };
    mixture.has_collapsed().then(|| {
        Diagnostic::warning("SEG0509", "a component of the mixture is customers who share one value")
            .at(cluster.k_span, "likelihood and BIC grow without end where values repeat")
            .help("take counts and scores out of `on`, or write `method kmeans`")
    })
}

/// A source in which no row finds anything is joined on the wrong columns, or its ids are written otherwise.
fn no_match(joined: &Joined, source: &Source, spec: &Spec<Typed>) -> Option<Diagnostic> {
    let (left, right) = joined.unlike.as_ref()?;
    let (facts, name) = (&spec.facts().name.value, &source.name.value);
    let span = source.join.as_ref().map_or(source.name.span, |join| join.span);
    Some(
        Diagnostic::warning("SEG0332", format!("no row of `{facts}` has a match in `{name}`"))
            .at(span, format!("`{left}` is the first key of the rows, `{right}` that of `{name}`"))
            .help("look whether these are the columns that belong together, and whether both files write them alike"),
    )
}

/// A joined source says twice what a row should be given once.
fn key_repeated(repeated: &Repeated, spec: &Spec<Typed>, sources: &[SourceRead]) -> Diagnostic {
    let source = &spec.sources[repeated.join + 1];
    let join = source.join.as_ref().expect("what was joined says how");
    let columns: Vec<&str> = join.on.iter().map(|key| spec.column(key.right).name.value.as_str()).collect();
    let place = |row: usize| place_of(row, &source.name.value, sources.get(repeated.join + 1));
    let (first, second) = (place(repeated.rows.0), place(repeated.rows.1));
    let mut diagnostic =
        Diagnostic::error("SEG0330", format!("two rows of `{}` have the key `{}`", source.name.value, repeated.key))
            .at(join.span, "a row may have one match at most")
            .note(format!("the other one is {}", place_in_words(&first)))
            .in_data(Place { column: Some(columns.join(", ")), value: Some(repeated.key.clone()), ..second });
    match repeated.more {
        0 => {}
        1 => diagnostic = diagnostic.note("1 more row repeats a key"),
        more => diagnostic = diagnostic.note(format!("{more} more rows repeat a key")),
    }
    diagnostic
        .help("join on columns that tell its rows apart, `on a = b, c = d`, or keep one row of each key in the file")
}

/// Which of the rows of a customer is meant is not for segc to say.
fn several_rows(found: &SeveralRows, spec: &Spec<Typed>, sources: &[SourceRead]) -> Diagnostic {
    let (source, column) = (spec.facts(), &spec.column(spec.customer).name);
    let stated = match spec.grain {
        Grain::Customers { stated } => stated,
        Grain::Purchases { .. } => column.span,
    };
    let place = |row: usize| place_of(row, &source.name.value, sources.first());
    let (first, second) = (place(found.rows.0), place(found.rows.1));
    let mut diagnostic =
        Diagnostic::error("SEG0340", format!("customer `{}` has two rows in `{}`", found.customer, source.name.value))
            .at(stated, "says that a row is a customer")
            .note(format!("the other one is {}", place_in_words(&first)))
            .in_data(Place { column: Some(column.value.clone()), value: Some(found.customer.clone()), ..second });
    match found.more {
        0 => {}
        1 => diagnostic = diagnostic.note("1 more row repeats a customer"),
        more => diagnostic = diagnostic.note(format!("{more} more rows repeat a customer")),
    }
    diagnostic.help(match found.alike {
        true => "where whole rows are repeated, drop them: `filter { drop \"repeated row\" when duplicate }`",
        false => {
            "keep one row of each customer, by a rule in `filter` or in the file; where rows are purchases, leave out \
             `, one row each`"
        }
    })
}

impl SourceRead {
    /// Where a row of its table stands: in its file, or else where it came in.
    pub fn place(&self, row: usize) -> Place {
        place_of(row, &self.name, Some(self))
    }
}

/// Where a row of a table stands: in its file, or else where it came in.
fn place_of(row: usize, source: &str, read: Option<&SourceRead>) -> Place {
    let places = read.and_then(|read| read.places.as_ref());
    let (file, row) = places.and_then(|places| places.of(row)).unwrap_or((source, row as u64 + 1));
    Place { file: file.to_owned(), row: Some(row), column: None, value: None }
}

/// What stopped a run, at the place in the spec that can be changed.
pub(crate) fn diagnostic(error: &ExecError, spec: &Spec<Typed>, sources: &[SourceRead]) -> Diagnostic {
    let source = spec.facts().name.span;
    let dimension = |index: usize| spec.cluster.as_ref().map_or(source, |c| c.on[index].span);
    let k = spec.cluster.as_ref().map_or(source, |c| c.k_span);
    match error {
        ExecError::NothingLeft { read: 0, .. } => Diagnostic::error("SEG0401", "the source has no rows")
            .at(source, "nothing to segment")
            .help("look whether the file is the one that you mean"),
        ExecError::NothingLeft { read, dropped } if dropped.is_empty() => {
            Diagnostic::error("SEG0401", format!("none of the {read} rows can be read as declared"))
                .at(source, "nothing to segment")
                .help("look at the types of the columns: `segc explain SEG0303` says more")
        }
        ExecError::NothingLeft { read, dropped } => {
            let list: Vec<String> = dropped.iter().map(|(rule, rows)| format!("\"{rule}\" took {rows}")).collect();
            let most = dropped.iter().max_by_key(|(_, rows)| *rows);
            let rule = most.and_then(|(rule, _)| spec.filters.iter().find(|f| f.name.value == *rule));
            Diagnostic::error("SEG0401", format!("none of the {read} rows is left after the filters"))
                .at(rule.map_or(source, |f| f.name.span), "took most of them")
                .note(list.join(", "))
                .help("look at the rule and at the data: a rule may say the opposite of what it should")
        }
        ExecError::NoAsOf => Diagnostic::error("SEG0401", "`as_of` is missing: no row gives it a value")
            .at(spec.as_of.as_ref().map_or(source, |as_of| as_of.span), "nothing to compute it from")
            .help("write a date, for example `as_of @2011-12-10`"),
        ExecError::MissingDimension { customer, dimension: at, words, customers } => Diagnostic::error(
            "SEG0402",
            match customers {
                1 => format!("`{words}` is missing for customer `{customer}`"),
                n => format!("`{words}` is missing for {n} customers, `{customer}` among them"),
            },
        )
        .at(dimension(*at), "a customer without it can't be placed")
        .help(format!("write `coalesce({words}, 0)`, or drop the rows of such customers in `filter`")),
        ExecError::TooFar { customer, dimension: at, words } => Diagnostic::error(
            "SEG0403",
            format!("`{words}` of customer `{customer}` is too large to measure distances"),
        )
        .at(dimension(*at), "larger than 1e140")
        .help(format!("cluster on its logarithm, `log1p({words})`")),
        ExecError::NotFinite { customer, feature } => {
            let defined = spec.features.iter().find(|f| f.name.value == *feature);
            Diagnostic::error("SEG0403", format!("`{feature}` is infinite for customer `{customer}`"))
                .at(defined.map_or(source, |f| f.value.span), "grows beyond every number")
                .help("keep it in bounds with `clip(..., 0, 1_000_000)`")
        }
        ExecError::Repeated(repeated) => key_repeated(repeated, spec, sources),
        ExecError::SeveralRows(found) => several_rows(found, spec, sources),
        ExecError::Overflow(_) => Diagnostic::error(
            "SEG0404",
            "numbers are too large to be computed exactly: a sum or product leaves 64 bits",
        )
        .at(spec.revenue.as_ref().map_or(source, |r| r.span), "in a sum over these rows")
        .help("look for a broken price, quantity or time, and drop such rows in `filter`"),
        ExecError::NoVariance { dimension: at, words } => {
            let robust = spec.cluster.as_ref().is_some_and(|c| c.scale == Scale::Robust);
            let (whom, help) = match robust {
                true => ("at least half of the customers", "take it out of `on`, or write `scale zscore`"),
                false => ("all customers", "take it out of `on`"),
            };
            Diagnostic::error("SEG0503", format!("`{words}` is the same for {whom}"))
                .at(dimension(*at), "can't be scaled")
                .help(help)
        }
        ExecError::TooManyClusters { k: asked, distinct } => {
            let text = match distinct {
                1 => format!("`k` is {asked} but all customers are alike in these dimensions"),
                n => format!("`k` is {asked} but only {n} customers differ from each other"),
            };
            Diagnostic::error("SEG0501", text).at(k, format!("at most {distinct}")).help(format!(
                "write `k {}`",
                if *distinct > 2 { format!("2..{distinct} by silhouette") } else { distinct.to_string() }
            ))
        }
        ExecError::NoneQualifies { search } => {
            let mut diagnostic = Diagnostic::error("SEG0502", "no k of the range meets the constraints")
                .at(k, "none qualifies")
                .help("widen the range, or ask for less, for example `with share >= 1%`");
            for row in search {
                let silhouette = row.fitted.silhouette.map_or("      ".into(), |s| format!("{s:.4}"));
                diagnostic = diagnostic.note(format!(
                    "k = {:<3} silhouette {silhouette}  smallest share {:>5.1} %  misses `{}`",
                    row.fitted.k,
                    100.0 * row.smallest_share,
                    row.misses.as_deref().unwrap_or("")
                ));
            }
            diagnostic
        }
        ExecError::NoForecast { asked_by, error } => forecasts::no_fit(asked_by, *error, spec),
        ExecError::NoneHolds { evidence } => {
            let (first, last) = (evidence.first().map_or(0, |e| e.k), evidence.last().map_or(0, |e| e.k));
            let mut diagnostic =
                Diagnostic::error("SEG0505", format!("no number of groups from {first} to {last} can be believed"))
                    .at(k, "none holds")
                    .help("cluster on other features, or take the clearest groups all the same: `by silhouette`");
            for found in evidence {
                let why = found.verdict().err().map_or("misses a constraint".to_owned(), |doubt| doubt.to_string());
                diagnostic = diagnostic.note(format!("k = {:<3} {why}", found.k));
            }
            diagnostic
        }
        ExecError::TooManyPoints { distinct, most } => {
            let method = spec.cluster.as_ref().map_or("", |cluster| cluster.method.name());
            let text = format!("`method {method}` takes up to {most} different customers, here are {distinct}");
            Diagnostic::error("SEG0506", text)
                .at(k, "its time grows with their square")
                .help("write `method kmeans`, `method gmm` or `method minibatch`")
        }
        ExecError::NoCovariance { k: components } => {
            Diagnostic::error("SEG0507", format!("no mixture of {components} normal distributions can be computed"))
                .at(k, "a covariance can't be inverted")
                .help("write `scale zscore` or `covariance diagonal`, or leave out a dimension that others add up to")
        }
        ExecError::OnlyNoise => {
            let help = match spec.cluster.as_ref().map(|cluster| cluster.method) {
                Some(Method::Dbscan { .. }) => "make `radius` larger or `neighbours` smaller",
                _ => "make `smallest` or `neighbours` smaller",
            };
            Diagnostic::error("SEG0508", "nobody is in any cluster: every customer is noise")
                .at(k, "found no cluster")
                .help(help)
        }
        ExecError::Engine(text) => {
            Diagnostic::error("SEG0901", format!("this is a mistake of segc, not of yours: {text}"))
                .help("please report it with the spec and, if you can, a few rows of data")
        }
    }
}
