//! Gives customers a segment by the model of a build, through the steps of the build itself.
//!
//! ```no_run
//! use segc::assign::{Assigner, Rows, assign, read};
//! use segc::{ingest::InputFile, inputs::Instead, output::Texts, progress::Silent, world::Disk};
//!
//! let model = std::fs::read("out/shop/model.json").unwrap();
//! let assigner = Assigner::open(&model).expect("a build wrote it");
//! let new = vec![InputFile { name: "new.csv".into(), path: "new.csv".into() }];
//! let found = read(&Disk::default(), &assigner, new, Instead::new(), &Silent).expect("it fits the model");
//! let assigned = assign(&assigner, found.rows, &found.sources, None).expect("it can be computed");
//! println!("{}", String::from_utf8_lossy(&assigned.csv(Texts::Harmless)));
//! ```
//!
//! [`Assigner::open`] checks a model once; it can then be asked often, from any thread. [`read`] reads files, [`assign`]
//! takes rows or features from wherever they come, so that a server can ask about a single customer.

mod list;
mod measured;
mod open;

use std::path::Path;

pub use open::{Assigner, Unusable};

use crate::build::{self, Failed, SourceRead};
use crate::diagnostics::Diagnostic;
use crate::exec::place::{self, Measured, Placed};
use crate::exec::{ExecError, Input};
use crate::ingest::{IngestError, InputFile};
use crate::inputs::{self, Instead};
use crate::output::Texts;
use crate::plan::Condition;
use crate::progress::Progress;
use crate::types::Base;
use crate::world::World;

/// Customers as they come.
pub enum Rows {
    /// Purchases, or customers with one row each: laid out as the sources of the model's spec and in their order.
    AsInSpec(Vec<Input>),
    /// One row per customer, with features measured elsewhere.
    Measured(Measured),
}

/// What files held.
pub struct Found {
    pub rows: Rows,
    pub sources: Vec<SourceRead>,
    /// Warnings and notes.
    pub diagnostics: Vec<Diagnostic>,
}

/// Customers with their segments.
pub struct Assigned<'a> {
    pub assigner: &'a Assigner,
    pub placed: Placed,
    /// Per customer, the features that are outside what the model saw.
    pub outside: Vec<Vec<Outside>>,
    /// Warnings: who could not be given a segment.
    pub diagnostics: Vec<Diagnostic>,
}

/// A value below the smallest or above the largest that the model saw, in base units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outside {
    /// Its place among the features of the model.
    pub feature: usize,
    pub value: f64,
    pub bound: f64,
}

/// Reads `files` as the model's spec reads its first source, or as a table of measured customers: their headers tell.
/// `instead` are files for other sources; those without any are looked for under the names that the spec has for them.
pub fn read(
    world: &dyn World,
    assigner: &Assigner,
    files: Vec<InputFile>,
    mut instead: Instead,
    progress: &dyn Progress,
) -> Result<Found, Failed> {
    let (plan, compiled) = (&assigner.plan, &assigner.compiled);
    let facts = plan.scans().next().expect("a plan has a source");
    if let Some(first) = files.first() {
        let fits = inputs::check_file(facts, first);
        if let Some(layout) = measured::Layout::of(assigner, first, &fits) {
            return measured::read(assigner, &layout, files, progress);
        }
        if let Err(IngestError::MissingColumns { missing, headers, .. }) = &fits {
            return Err(vec![measured::neither(assigner, first, missing, headers)].into());
        }
    }
    instead.insert(facts.source.clone(), files);
    let (read, mut diagnostics) =
        inputs::read(world, compiled, plan, &instead, progress).map_err(|unusable| Failed::to_read(plan, unusable))?;
    for found in &mut diagnostics {
        if found.code == "SEG0303" && !found.is_error() {
            found.help = Some("list all of them with `--rejects FILE`".into());
        }
    }
    let (inputs, sources) = build::apart(plan, read);
    Ok(Found { rows: Rows::AsInSpec(inputs), sources, diagnostics })
}

/// Gives every customer a segment, or the reason why there is none. `sources` are those of the rows, for what is wrong
/// with them. `as_of`, in microseconds, takes the place of the
/// moment that the spec computes from purchases; of measured customers it says when they were measured, and is only
/// asked for where a formula looks at it.
pub fn assign<'a>(
    assigner: &'a Assigner,
    rows: Rows,
    sources: &[SourceRead],
    as_of: Option<i64>,
) -> Result<Assigned<'a>, Vec<Diagnostic>> {
    let (plan, learned) = (&assigner.plan, &assigner.learned);
    let spec = assigner.compiled.spec.as_ref().expect("a plan is lowered from a spec");
    let failed = |error: ExecError| {
        let late = matches!(&error, ExecError::NothingLeft { dropped, .. } if dropped.iter().any(|(rule, _)| {
            plan.drops.iter().any(|late| late.when == Condition::AfterAsOf && late.rule == *rule)
        }));
        let found = build::diagnostic(&error, spec, sources);
        vec![if late {
            found.help("state the moment from which to look back, for example `--as-of 2024-12-31`")
        } else {
            found
        }]
    };
    let placed = match rows {
        Rows::AsInSpec(inputs) => place::from_rows(plan, learned, inputs, as_of).map_err(failed)?,
        Rows::Measured(measured) => place::from_features(plan, learned, measured, as_of)
            .map_err(failed)?
            .map_err(|lacking| vec![measured::lacking(assigner, &lacking)])?,
    };
    let outside = outside(assigner, &placed);
    let diagnostics = without_segment(&placed).into_iter().collect();
    Ok(Assigned { assigner, placed, outside, diagnostics })
}

impl Assigned<'_> {
    pub fn csv(&self, texts: Texts) -> Vec<u8> {
        list::csv(self, texts)
    }

    /// One JSON object per customer and line.
    pub fn json_lines(&self) -> Vec<u8> {
        list::json_lines(self)
    }

    /// How many customers each segment got, in the order of the rules; nothing for those without one, who come last.
    pub fn sizes(&self) -> Vec<(Option<String>, u64)> {
        let mut sizes: Vec<(u32, Option<String>, u64)> = vec![];
        for placement in &self.placed.placements {
            let (rule, label) = match &placement.segment {
                Some(named) => (named.rule, Some(named.label.clone())),
                None => (u32::MAX, None),
            };
            match sizes.iter_mut().find(|(_, known, _)| *known == label) {
                Some(size) => (size.0, size.2) = (size.0.min(rule), size.2 + 1),
                None => sizes.push((rule, label, 1)),
            }
        }
        sizes.sort();
        sizes.into_iter().map(|(_, label, customers)| (label, customers)).collect()
    }
}

fn outside(assigner: &Assigner, placed: &Placed) -> Vec<Vec<Outside>> {
    let mut outside = vec![vec![]; placed.customers.ids.len()];
    for feature in placed.customers.features.iter().filter(|f| f.base.is_numeric() && !matches!(f.base, Base::Score(_)))
    {
        let Some(place) = assigner.model.features.iter().position(|f| f.name == feature.name) else { continue };
        let seen = &assigner.model.features[place].base;
        let numbers = feature.values.numbers().unwrap_or_default();
        for (value, found) in numbers.iter().copied().zip(&mut outside) {
            let below = seen.min.filter(|min| value < *min);
            let bound = below.or(seen.max.filter(|max| value > *max));
            found.extend(bound.map(|bound| Outside { feature: place, value, bound }));
        }
    }
    outside
}

fn without_segment(placed: &Placed) -> Option<Diagnostic> {
    let mut without = placed.placements.iter().filter(|p| p.segment.is_none());
    let reason = without.next()?.reason.clone().unwrap_or_default();
    let (n, all) = (1 + without.count(), placed.placements.len());
    let text = format!("{n} of {all} customers have no segment");
    Some(
        Diagnostic::warning("SEG0361", text)
            .note(reason)
            .help("the column `reason` of the list says why, for each of them"),
    )
}

/// A file that a person names: as it stands, or in a data folder.
pub fn locate(world: &dyn World, name: &str) -> Result<InputFile, Box<Diagnostic>> {
    let file = |path: &Path| InputFile { name: name.to_owned(), path: path.to_owned() };
    let path = Path::new(name);
    if path.is_file() {
        return Ok(file(path));
    }
    match world.locate(Path::new(""), name) {
        Ok(path) => Ok(file(&path)),
        Err(problem) => Err(Box::new(
            Diagnostic::error("SEG0301", format!("`{name}` can't be read: {problem}"))
                .help("give its path, or name the folder that has it with `--data FOLDER` or the variable SEGC_DATA"),
        )),
    }
}
