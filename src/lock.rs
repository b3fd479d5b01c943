//! The lock of a spec: a file beside it, kept in git, with digests of all that a build depends on and what the build
//! learned from it. `segc build --lock` writes it; `segc build --locked` builds from nothing else, or says what differs.
//!
//! One entry a line and no paths of a machine, so that a change to it reads like a change to the spec. Numbers are written
//! with as many digits as tell them apart from all others.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::build::Built;
use crate::compile::Compiled;
use crate::diagnostics::Diagnostic;
use crate::exec::Yardstick;
use crate::outcome::InputDigest;
use crate::report::Templates;
use crate::snapshot::assignment;
use crate::summarize::{logical_name, sha256};

pub const SCHEMA: &str = "segc.lock/1";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lock {
    pub schema: String,
    pub name: String,
    /// The version of segc.
    pub segc: String,
    /// Every file of the spec, the main one first.
    pub spec: Vec<Pin>,
    /// Parameters given from outside, sorted.
    pub params: Vec<String>,
    /// Of all templates together.
    pub templates: String,
    pub inputs: Vec<InputPin>,
    pub learned: Learned,
    /// Where it lies, for what there is to say of it.
    #[serde(skip)]
    file: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    pub name: String,
    pub sha256: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputPin {
    /// The source that it belongs to, by its name in the spec.
    pub source: String,
    pub name: String,
    pub rows: u64,
    pub sha256: String,
}

/// What a build takes from its data beside the rows, to the last bit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Learned {
    pub as_of: Option<String>,
    /// Cut points of scores and bounds of `winsorize`, in base units: microseconds, currency units, shares from 0 to 1.
    pub cut_points: Vec<CutPoints>,
    pub clusters: Option<LearnedClusters>,
    /// SHA-256 of who is in which segment.
    pub assignment: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutPoints {
    /// `score(recency, 5, low is best)`, `winsorize(monetary, 0.01, 0.99)`.
    pub of: String,
    /// `3 from 2592000000000`, one per score that was reached; the two bounds.
    pub at: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LearnedClusters {
    pub seed: u64,
    pub k: u32,
    /// `log1p(recency) center 3.9 spread 1.2`, one per dimension.
    pub scale: Vec<String>,
    /// Coordinates in scaled units, one line per cluster.
    pub centers: Vec<String>,
}

/// Where the lock of a spec lies: `specs/shop.lock` for `specs/shop.seg`.
pub fn path(spec: &Path) -> PathBuf {
    spec.with_extension("lock")
}

impl Lock {
    pub fn of(built: &Built, compiled: &Compiled, params: &[String], templates: &Templates) -> Lock {
        let outcome = &built.outcome;
        let pin = |input: &InputDigest| InputPin {
            source: input.source.clone(),
            name: input.name.clone(),
            rows: input.rows,
            sha256: input.sha256.clone(),
        };
        Lock {
            schema: SCHEMA.to_owned(),
            name: outcome.name.clone(),
            segc: outcome.segc.clone(),
            spec: spec(compiled),
            params: sorted(params),
            templates: templates.digest(),
            inputs: outcome.inputs.iter().map(pin).collect(),
            learned: Learned::of(built),
            file: String::new(),
        }
    }

    /// Errors: SEG0730 for a lock that is not there or that this version can't read.
    pub fn read(path: &Path) -> Result<Lock, Vec<Diagnostic>> {
        let fail = |why: String| {
            let text = format!("there is no lock `{}` to build by", path.display());
            vec![Diagnostic::error("SEG0730", text).note(why).help("write it with `segc build --lock`")]
        };
        let text = std::fs::read_to_string(path).map_err(|error| fail(error.to_string()))?;
        let json: serde_json::Value = serde_json::from_str(&text).map_err(|error| fail(error.to_string()))?;
        match json["schema"].as_str() {
            Some(SCHEMA) => {
                let lock: Lock = serde_json::from_value(json).map_err(|error| fail(error.to_string()))?;
                Ok(Lock { file: path.display().to_string(), ..lock })
            }
            found => {
                Err(fail(format!("its schema is `{}`, this version reads `{SCHEMA}`", found.unwrap_or("none of ours"))))
            }
        }
    }

    /// What differs before anything is read but the spec and the bytes of its files: `inputs` are source, name and digest
    /// of each. Rows of databases are compared by [`Lock::compare`].
    ///
    /// Errors: SEG0731.
    pub fn compare_before(
        &self,
        compiled: &Compiled,
        params: &[String],
        templates: &Templates,
        inputs: &[(String, String, String)],
    ) -> Result<(), Vec<Diagnostic>> {
        let mut told = self.asked_differs(&spec(compiled), &sorted(params), &templates.digest());
        let now: Vec<_> =
            inputs.iter().map(|(source, name, sha)| (source.as_str(), name.as_str(), sha.as_str())).collect();
        told.extend(self.inputs_differ(&now, |source| now.iter().any(|(known, ..)| *known == source)));
        if told.is_empty() { Ok(()) } else { Err(self.other_inputs(told)) }
    }

    /// What differs in all that went into a build, or else in what came out of it.
    ///
    /// Errors: SEG0731 for other inputs, SEG0732 for other results of the same inputs.
    pub fn compare(&self, new: &Lock) -> Result<(), Vec<Diagnostic>> {
        let mut told = self.asked_differs(&new.spec, &new.params, &new.templates);
        let now: Vec<_> =
            new.inputs.iter().map(|pin| (pin.source.as_str(), pin.name.as_str(), pin.sha256.as_str())).collect();
        told.extend(self.inputs_differ(&now, |_| true));
        let learned = self.learned.differs(&new.learned);
        match (told.is_empty(), learned.is_empty()) {
            (true, true) => Ok(()),
            (false, _) => Err(self.other_inputs(told)),
            (true, false) => {
                let text = format!("the inputs are those of `{}`, the result is not", self.file);
                let error = learned.into_iter().fold(Diagnostic::error("SEG0732", text), Diagnostic::note);
                Err(vec![error.note("nothing was written").help(
                    "if the lock was edited, take it back from git; if not, please report it: the same inputs should give the same",
                )])
            }
        }
    }

    /// `now` are source, name and digest of each input; of a source that is not `known` yet nothing is said.
    fn inputs_differ(&self, now: &[(&str, &str, &str)], known: impl Fn(&str) -> bool) -> Vec<String> {
        let mut told = vec![];
        for pin in self.inputs.iter().filter(|pin| known(&pin.source)) {
            match now.iter().find(|(source, name, _)| (*source, *name) == (pin.source.as_str(), pin.name.as_str())) {
                Some((.., sha256)) if *sha256 == pin.sha256 => {}
                Some(_) => {
                    told.push(format!("data: `{}` is not what was locked, which had {} rows", pin.name, pin.rows))
                }
                None => told.push(format!("data: `{}` of `{}` is not read any more", pin.name, pin.source)),
            }
        }
        let locked = |source: &str, name: &str| {
            self.inputs.iter().any(|pin| (pin.source.as_str(), pin.name.as_str()) == (source, name))
        };
        let new = now.iter().filter(|(source, name, _)| !locked(source, name));
        told.extend(new.map(|(source, name, _)| format!("data: `{name}` of `{source}` is new")));
        told
    }

    fn other_inputs(&self, told: Vec<String>) -> Vec<Diagnostic> {
        let text = format!("this is not what `{}` was written for", self.file);
        let error = told.into_iter().fold(Diagnostic::error("SEG0731", text), Diagnostic::note);
        vec![error.note("nothing was written").help(
            "take back what changed, or accept it: look at it with `segc diff`, then write the lock again with `segc build --lock`",
        )]
    }

    fn asked_differs(&self, spec: &[Pin], params: &[String], templates: &str) -> Vec<String> {
        let mut told = vec![];
        let version = env!("CARGO_PKG_VERSION");
        if self.segc != version {
            told.push(format!("version: locked by segc {}, this is {version}", self.segc));
        }
        for pin in &self.spec {
            match spec.iter().find(|now| now.name == pin.name) {
                Some(now) if now.sha256 == pin.sha256 => {}
                Some(_) => told.push(format!("spec: `{}` has changed", pin.name)),
                None => told.push(format!("spec: `{}` is no part of it any more", pin.name)),
            }
        }
        let new = spec.iter().filter(|now| !self.spec.iter().any(|pin| pin.name == now.name));
        told.extend(new.map(|now| format!("spec: `{}` is new", now.name)));
        if self.params != params {
            let list = |params: &[String]| if params.is_empty() { "none".to_owned() } else { params.join(", ") };
            told.push(format!("parameters: locked with {}, this is {}", list(&self.params), list(params)));
        }
        if self.templates != templates {
            told.push("templates: the report would be made with others; name them with `--templates`".to_owned());
        }
        told
    }
}

impl Learned {
    pub fn of(built: &Built) -> Learned {
        let (run, outcome) = (&built.execution, &built.outcome);
        let clusters = outcome.cluster.as_ref().zip(run.clustering.as_ref()).map(|(cluster, clustering)| {
            let scaler = &clustering.scaler;
            let scale = cluster.on.iter().zip(scaler.center.iter().zip(&scaler.spread));
            LearnedClusters {
                seed: cluster.seed,
                k: cluster.k,
                scale: scale.map(|(on, (center, spread))| format!("{on} center {center} spread {spread}")).collect(),
                centers: cluster.clusters.iter().map(|c| joined(&c.center)).collect(),
            }
        });
        let yardsticks = match &run.clustering {
            Some(clustering) => &clustering.yardsticks,
            None => &run.customers.yardsticks,
        };
        Learned {
            as_of: outcome.as_of.clone(),
            cut_points: yardsticks.iter().map(CutPoints::of).collect(),
            clusters,
            assignment: assignment(built),
        }
    }

    /// The parts that differ, in words.
    fn differs(&self, new: &Learned) -> Vec<String> {
        let mut told = vec![];
        let mut compare = |what: &str, old: &dyn Display, new: &dyn Display| {
            let (old, new) = (old.to_string(), new.to_string());
            if old != new {
                told.push(format!("{what}: locked {old}, found {new}"));
            }
        };
        let moment = |as_of: &Option<String>| as_of.clone().unwrap_or_else(|| "none".to_owned());
        compare("as_of", &moment(&self.as_of), &moment(&new.as_of));
        for (nth, old) in self.cut_points.iter().enumerate() {
            let found = new.cut_points.get(nth).map_or("nothing".to_owned(), |found| found.at.join("; "));
            compare(&format!("cut points of `{}`", old.of), &old.at.join("; "), &found);
        }
        if let (Some(old), Some(new)) = (&self.clusters, &new.clusters) {
            compare("seed", &old.seed, &new.seed);
            compare("k", &old.k, &new.k);
            for (old, new) in old.scale.iter().zip(&new.scale) {
                compare("scale", old, new);
            }
            for (nth, (old, new)) in old.centers.iter().zip(&new.centers).enumerate() {
                compare(&format!("centre of cluster {nth}"), old, new);
            }
        }
        compare("assignment", &self.assignment, &new.assignment);
        if told.is_empty() && self != new {
            told.push("what the lock says was learned has another shape".to_owned());
        }
        told
    }
}

impl CutPoints {
    fn of(yardstick: &Yardstick) -> CutPoints {
        match yardstick {
            Yardstick::Score { of, n, low_is_best, cuts } => CutPoints {
                of: format!("score({of}, {n}{})", if *low_is_best { ", low is best" } else { "" }),
                at: cuts.iter().map(|cut| format!("{} from {} to {}", cut.score, cut.from, cut.to)).collect(),
            },
            Yardstick::Winsorize { of, low, high, bounds } => CutPoints {
                of: format!("winsorize({of}, {low}, {high})"),
                at: bounds.iter().flatten().map(f64::to_string).collect(),
            },
            Yardstick::Forecast(fitted) => {
                let spend = fitted.spend.iter().flat_map(|spend| &spend.parameters);
                let parameters = fitted.purchases.parameters.iter().chain(spend);
                CutPoints {
                    of: format!("{} in {}", fitted.purchases.model.name(), fitted.purchases.purchases.unit.name()),
                    at: parameters.map(|p| format!("{} = {}", p.name, p.value)).collect(),
                }
            }
        }
    }
}

fn spec(compiled: &Compiled) -> Vec<Pin> {
    let files = compiled.sources.files.iter().enumerate();
    files
        .map(|(index, file)| Pin { name: logical_name(compiled, index), sha256: sha256(file.text.as_bytes()) })
        .collect()
}

/// Whatever the order in which they are given, and whatever the blanks around `=`.
fn sorted(params: &[String]) -> Vec<String> {
    let tidy = |param: &String| match param.split_once('=') {
        Some((name, value)) => format!("{}={}", name.trim(), value.trim()),
        None => param.clone(),
    };
    let mut params: Vec<String> = params.iter().map(tidy).collect();
    params.sort();
    params
}

fn joined(numbers: &[f64]) -> String {
    numbers.iter().map(f64::to_string).collect::<Vec<_>>().join(" ")
}
