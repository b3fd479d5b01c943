//! From the path of a spec to its plan, with everything that is wrong with it.

use std::path::{Path, PathBuf};

use crate::check;
use crate::diagnostics::{self, Diagnostic};
use crate::plan::{self, Plan};
use crate::resolve::{self, Overrides};
use crate::spec::{Spec, Typed};
use crate::syntax::ast::{Ast, Item};
use crate::syntax::source::SourceMap;
use crate::syntax::{self};
use crate::world::World;

/// Bytes for the deepest spec that the limits admit, many times over.
const STACK: usize = 64 << 20;

/// A spec after all stages that don't look at data.
pub struct Compiled {
    pub path: PathBuf,
    pub sources: SourceMap,
    pub ast: Ast,
    /// Absent when a part that everything needs is.
    pub spec: Option<Spec<Typed>>,
    /// Present when there is no error.
    pub plan: Option<Plan>,
    /// In source order.
    pub diagnostics: Vec<Diagnostic>,
}

impl Compiled {
    pub fn has_errors(&self) -> bool {
        diagnostics::has_errors(&self.diagnostics)
    }

    /// Collects evidence for every k from resamples, whatever k is chosen by.
    pub fn collect_evidence(&mut self) {
        let Some(cluster) = self.plan.as_mut().and_then(|plan| plan.cluster.as_mut()) else { return };
        cluster.evidence = cluster.method.has_k();
        if let (false, Some(spec)) = (cluster.evidence, self.spec.as_ref().and_then(|spec| spec.cluster.as_ref())) {
            let text =
                format!("`method {}` finds the number of clusters: there is no `k` to judge", spec.method.name());
            let help = "build without `--evidence`, or by a method that is told `k`, such as `kmeans`";
            self.diagnostics.push(Diagnostic::error("SEG0237", text).at(spec.span, "finds `k` itself").help(help));
        }
    }

    /// Makes whatever would be guessed about the data an error, as `strict yes` in the source does.
    pub fn be_strict(&mut self) {
        if let Some(plan) = &mut self.plan {
            plan.scans_mut().for_each(|scan| scan.format.strict = true);
        }
    }
}

/// Reads, resolves, checks and lowers the spec at `path`. `params` are values given from outside, as `name=value`.
///
/// Runs on a stack of its own, so that the depth that a spec may have does not depend on who calls.
pub fn compile(world: &dyn World, path: &Path, params: &[String]) -> Compiled {
    std::thread::scope(|scope| {
        let stages = || stages(world, path, params);
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, stages);
        match thread.expect("a thread can be started").join() {
            Ok(compiled) => compiled,
            Err(bug) => std::panic::resume_unwind(bug),
        }
    })
}

fn stages(world: &dyn World, path: &Path, params: &[String]) -> Compiled {
    let syntax::Loaded { sources, ast, mut diagnostics } = syntax::load(world, path);
    let (overrides, mistakes) = overrides(params);
    diagnostics.extend(mistakes);
    let mut compiled = Compiled { path: path.to_owned(), sources, ast, spec: None, plan: None, diagnostics };
    let (resolved, mistakes) = resolve::resolve(&compiled.ast, &compiled.sources, &overrides);
    // A line that could not be read takes its names with it: what misses them is not a second mistake.
    let unreadable = diagnostics::has_errors(&compiled.diagnostics);
    let currency = compiled.ast.items.iter().any(|item| matches!(item, Item::Currency(_)));
    let follows = |d: &Diagnostic| match d.code {
        "SEG0201" | "SEG0210" | "SEG0212" | "SEG0221" | "SEG0601" | "SEG0604" | "SEG0612" | "SEG0802" | "SEG0803" => {
            true
        }
        "SEG0216" => !currency,
        _ => false,
    };
    compiled.diagnostics.extend(mistakes.into_iter().filter(|d| !unreadable || !follows(d)));
    if let Some(resolved) = resolved {
        let (typed, mistakes) = check::check(&resolved, &compiled.sources);
        compiled.diagnostics.extend(mistakes.into_iter().filter(|d| !unreadable || !follows(d)));
        if !compiled.has_errors() {
            compiled.plan = Some(plan::lower(&typed, &compiled.sources));
        }
        compiled.spec = Some(typed);
    }
    diagnostics::sort(&mut compiled.diagnostics);
    // An expression over several lines can be met at its beginning and where it goes on.
    compiled.diagnostics.dedup();
    compiled
}

/// Parses `name=value` pairs as parameters of a spec.
fn overrides(params: &[String]) -> (Overrides, Vec<Diagnostic>) {
    let mut overrides = Overrides::new();
    let mut diagnostics = vec![];
    for param in params {
        let wrong = || {
            Diagnostic::error("SEG0215", format!("`{param}` is no value for a parameter"))
                .help("write for example `--param horizon=90 days`, text in quotes: `--param 'country=\"France\"'`")
        };
        let Some((name, value)) = param.split_once('=') else {
            diagnostics.push(wrong());
            continue;
        };
        let mut sources = SourceMap::default();
        let file = sources.add("--param", format!("param {} = {}\n", name.trim(), value.trim()).into());
        let (ast, mistakes) = syntax::parse(&sources, file);
        let whole = mistakes.is_empty() && ast.items.len() == 1;
        match ast.items.into_iter().next() {
            Some(Item::Param(definition)) if whole && !overrides.contains_key(&definition.name.value) => {
                overrides.insert(definition.name.value, definition.value);
            }
            _ => diagnostics.push(wrong()),
        }
    }
    (overrides, diagnostics)
}
