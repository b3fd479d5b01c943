//! Two specs as one, so that their label rules can be asked about together: the features of both over the same rows, and
//! the rules of each in terms of them. Names decide what is the same.

use std::collections::{BTreeMap, BTreeSet};

use crate::compile::Compiled;
use crate::expr::{Expr, Kind};
use crate::spec::{BasketId, ColumnId, Feature, FeatureId, Labels, Ref, SourceId, Spec, Typed};
use crate::syntax::source::{FileId, SourceMap, Span};

/// Rules that speak of one spec.
pub(super) struct Together {
    pub spec: Spec<Typed>,
    pub sources: SourceMap,
    /// Of the first spec and of the second, `otherwise` last.
    pub before: Vec<LabelRule>,
    pub after: Vec<LabelRule>,
}

pub(super) struct LabelRule {
    pub when: Option<Expr<Typed>>,
    pub label: String,
}

/// Nothing where the second spec speaks of something that the first one does not have, other features apart.
pub(super) fn together(base: &Compiled, other: &Compiled) -> Option<Together> {
    let (ours, theirs) = (base.spec.as_ref()?, other.spec.as_ref()?);
    let mut sources = base.sources.clone();
    sources.files.extend(other.sources.files.iter().cloned());
    let mut spec = ours.clone();
    let own = rules(ours, ours.labels.as_ref()?, &Words::of(ours, ours, 0))?;
    let mut words = Words::of(theirs, ours, base.sources.files.len() as u32);
    for (index, feature) in theirs.features.iter().enumerate() {
        let name = &feature.name.value;
        let known = spec.features.iter().position(|known| known.name.value == *name);
        let place = match known {
            Some(place) => place,
            None => {
                // A feature that can't be told in our words stops us only where a rule speaks of it.
                let Some(value) = words.translated(theirs, &feature.value) else { continue };
                spec.features.push(Feature { name: feature.name.clone(), value });
                spec.features.len() - 1
            }
        };
        words.features.insert(index, place);
    }
    let others = rules(theirs, theirs.labels.as_ref()?, &words)?;
    Some(Together { spec, sources, before: own, after: others })
}

/// The features that label rules speak of, and those that these are made of.
pub(super) fn features_of_labels(spec: &Spec<Typed>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&Expr<Typed>> =
        spec.labels.iter().flat_map(|labels| labels.rules.iter().filter_map(|rule| rule.when.as_ref())).collect();
    while let Some(expr) = open.pop() {
        expr.walk(&mut |e| {
            if let Kind::Ref(Ref::Feature(id) | Ref::All(id)) = e.kind {
                let feature = spec.feature(id);
                if found.insert(feature.name.value.clone()) {
                    open.push(&feature.value);
                }
            }
        });
    }
    found
}

fn rules(spec: &Spec<Typed>, labels: &Labels<Typed>, words: &Words) -> Option<Vec<LabelRule>> {
    let rule = |rule: &crate::spec::Rule<Typed>| {
        let when = match &rule.when {
            Some(when) => Some(words.translated(spec, when)?),
            None => None,
        };
        Some(LabelRule { when, label: rule.label.value.clone() })
    };
    labels.rules.iter().map(rule).collect()
}

/// How names of one spec are called in another.
struct Words {
    columns: BTreeMap<usize, usize>,
    baskets: BTreeMap<usize, usize>,
    features: BTreeMap<usize, usize>,
    sources: BTreeMap<usize, usize>,
    /// Texts of the one spec come so many files later.
    files: u32,
}

impl Words {
    fn of(from: &Spec<Typed>, to: &Spec<Typed>, files: u32) -> Words {
        fn places<'n>(from: impl Iterator<Item = &'n str>, to: &[&str]) -> BTreeMap<usize, usize> {
            let known = from.enumerate().filter_map(|(i, name)| Some((i, to.iter().position(|n| *n == name)?)));
            known.collect()
        }
        let columns =
            |spec: &'_ Spec<Typed>| -> Vec<String> { spec.columns.iter().map(|c| c.name.value.clone()).collect() };
        let fields = |spec: &'_ Spec<Typed>| -> Vec<String> {
            spec.baskets.iter().flat_map(|b| &b.fields).map(|f| f.name.value.clone()).collect()
        };
        let features =
            |spec: &'_ Spec<Typed>| -> Vec<String> { spec.features.iter().map(|f| f.name.value.clone()).collect() };
        let sources =
            |spec: &'_ Spec<Typed>| -> Vec<String> { spec.sources.iter().map(|s| s.name.value.clone()).collect() };
        let pair = |names: &dyn Fn(&Spec<Typed>) -> Vec<String>| {
            let (from, to) = (names(from), names(to));
            let to: Vec<&str> = to.iter().map(String::as_str).collect();
            places(from.iter().map(String::as_str), &to)
        };
        Words {
            columns: pair(&columns),
            baskets: pair(&fields),
            features: pair(&features),
            sources: pair(&sources),
            files,
        }
    }

    /// An expression of `spec` in the other's words; parameters become what they stand for.
    fn translated(&self, spec: &Spec<Typed>, expr: &Expr<Typed>) -> Option<Expr<Typed>> {
        let mut expr = expr.clone();
        self.translate(spec, &mut expr)?;
        Some(expr)
    }

    /// Nothing for a name that the other does not have.
    fn translate(&self, spec: &Spec<Typed>, expr: &mut Expr<Typed>) -> Option<()> {
        let find = |places: &BTreeMap<usize, usize>, id: usize| places.get(&id).copied();
        let span = Span { file: FileId(expr.span.file.0 + self.files), ..expr.span };
        match &mut expr.kind {
            Kind::Ref(Ref::Param(id)) => *expr = self.translated(spec, &spec.param(*id).value)?,
            Kind::Ref(reference) => {
                *reference = match *reference {
                    Ref::Column(id) => Ref::Column(ColumnId(find(&self.columns, id.0)?)),
                    Ref::Basket(id) => Ref::Basket(BasketId(find(&self.baskets, id.0)?)),
                    Ref::Feature(id) => Ref::Feature(FeatureId(find(&self.features, id.0)?)),
                    Ref::All(id) => Ref::All(FeatureId(find(&self.features, id.0)?)),
                    Ref::Source(id) => Ref::Source(SourceId(find(&self.sources, id.0)?)),
                    other => other,
                }
            }
            Kind::Duplicate(_) => return None,
            _ => {
                for part in expr.children_mut() {
                    self.translate(spec, part)?;
                }
            }
        }
        expr.span = span;
        Some(())
    }
}
