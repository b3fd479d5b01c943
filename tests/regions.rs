//! What the checker proves about rules, against brute force: random rules, tried on every point of a small grid by the
//! engine that would run them.

use std::collections::BTreeSet;

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use segc::check::rules::{Never, Rules, budget};
use segc::diagnostics::{Diagnostic, has_errors};
use segc::eval::{Value, truth};
use segc::exec::labels::{Profile, first_match};
use segc::plan::{Plan, Rule};
use segc::regions::{Understood, Witness};
use segc::resolve::Overrides;
use segc::spec::{Spec, Typed};
use segc::syntax::source::SourceMap;
use segc::{check, plan, resolve, syntax};

/// Rule sets that are tried.
const SETS: u64 = 12_000;
/// Those with more points than this are left out.
const MOST_POINTS: usize = 4_000;

pub struct Random(pub Xoshiro256PlusPlus);

impl Random {
    pub fn below(&mut self, n: usize) -> usize {
        (self.0.next_u64() % n as u64) as usize
    }

    pub fn one_of<'t>(&mut self, list: &[&'t str]) -> &'t str {
        list[self.below(list.len())]
    }
}

/// `recent` and `often` are always there, `pause` and `home` may be missing.
const SCORES: [(&str, usize); 3] = [("recent", 3), ("often", 4), ("pause", 3)];

/// Writes conditions over the features of [`spec_of`].
pub struct Writer {
    pub random: Random,
    pub clusters: bool,
}

impl Writer {
    fn score(&mut self) -> String {
        let (name, _) = SCORES[self.random.below(3)];
        if self.clusters && self.random.below(3) == 0 { format!("all.{name}") } else { name.to_owned() }
    }

    fn number(&mut self) -> String {
        let half = if self.random.below(6) == 0 { ".5" } else { "" };
        format!("{}{half}", self.random.below(6))
    }

    fn term(&mut self) -> String {
        let score = self.score();
        match self.random.below(8) {
            0 => format!("{} * {score}", 1 + self.random.below(3)),
            1 => format!("{score} + {}", self.random.below(3)),
            2 => format!("{score} - {}", self.random.below(3)),
            3 => format!("{score} / {}", 2 + self.random.below(2)),
            4 => format!("{score} + {}", self.score()),
            5 => format!("coalesce({score}, {})", 1 + self.random.below(3)),
            6 if self.random.below(3) == 0 => {
                let condition = self.atom();
                format!("(if {condition} then {score} else {})", self.random.below(4))
            }
            _ => score,
        }
    }

    fn atom(&mut self) -> String {
        let comparator = self.random.one_of(&["<", "<=", ">", ">=", "=", "!="]);
        match self.random.below(12) {
            0 | 1 => format!("{} {comparator} {}", self.score(), self.number()),
            2 => format!("{} {comparator} {}", self.term(), self.number()),
            3 | 4 => format!("{} {comparator} {}", self.term(), self.term()),
            5 => format!("{} in {}..{}", self.score(), self.random.below(3), 1 + self.random.below(4)),
            6 => {
                let not = self.random.one_of(&["", "not "]);
                format!("{} {not}in [{}, {}]", self.score(), self.random.below(5), self.number())
            }
            7 => {
                let not = self.random.one_of(&["", "not "]);
                format!("{} {not}between {} and {}", self.score(), self.number(), self.term())
            }
            8 => format!("{} is {}missing", self.random.one_of(&["pause", "home"]), self.random.one_of(&["", "not "])),
            9 => {
                let words = ["home = \"A\"", "home != \"AB\"", "home in [\"A\", \"C\"]", "home not in [\"A\"]"];
                self.random.one_of(&words).to_owned()
            }
            10 => {
                let tests = ["home starts with \"A\"", "home < \"B\"", "home >= \"A\"", "home contains \"B\""];
                self.random.one_of(&tests).to_owned()
            }
            _ => self.random.one_of(&["loyal", "not loyal", "loyal = (often > 2)"]).to_owned(),
        }
    }

    pub fn condition(&mut self, depth: usize) -> String {
        match self.random.below(if depth == 0 { 3 } else { 8 }) {
            0..=2 => self.atom(),
            3 => format!("not ({})", self.condition(depth - 1)),
            4 | 5 => format!("({} or {})", self.condition(depth - 1), self.condition(depth - 1)),
            _ => format!("({} and {})", self.condition(depth - 1), self.condition(depth - 1)),
        }
    }
}

pub fn spec(conditions: &[String], clusters: bool) -> String {
    let rules = conditions.iter().enumerate().map(|(nth, when)| format!("\"{nth}\" when {when}\n    "));
    spec_of(&format!("{}otherwise \"rest\"", rules.collect::<String>()), clusters)
}

pub fn spec_of(rules: &str, clusters: bool) -> String {
    let (cluster, over) = if clusters { ("cluster { on log1p(spend); k 2 }", "clusters") } else { ("", "customers") };
    format!(
        "segmentation random {{
  currency EUR
  source orders from \"orders.csv\" {{ customer: id; price: money; at: datetime; country: text }}
  as_of max(at)
  features {{
    spend = sum(price)
    recent = score(as_of - max(at), 3)
    often = score(count(), 4)
    pause = score(mean_gap(at), 3)
    home = mode(country)
    loyal = count() > 2
  }}
  {cluster}
  label {over} {{
    {rules}
  }}
}}
"
    )
}

/// A name of the rules with everything that it can be.
pub struct Axis {
    name: &'static str,
    everyone: bool,
    values: Vec<Value>,
}

/// All combinations of what the names that the conditions speak of can be.
pub struct Grid(Vec<Axis>);

impl Grid {
    pub fn of(conditions: &str, clusters: bool) -> Grid {
        let own = conditions.replace("all.", "all_");
        let mut axes = vec![];
        for (name, n) in SCORES {
            let scale = |everyone: bool| {
                let halves = clusters || everyone;
                let steps = if halves { 2 * n - 1 } else { n };
                let step = if halves { 0.5 } else { 1.0 };
                let mut values: Vec<Value> = (0..steps).map(|i| Value::Number(1.0 + i as f64 * step)).collect();
                values.extend((name == "pause").then_some(Value::Missing));
                Axis { name, everyone, values }
            };
            if own.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name) {
                axes.push(scale(false));
            }
            if own.contains(&format!("all_{name}")) {
                axes.push(scale(true));
            }
        }
        if conditions.contains("home") {
            // Every word of the rules, and two from between each two of them, one with a B and one without.
            let words = ["0", "0B", "A", "A ", "A B", "AB", "AC", "ACB", "B", "BA", "C", "D", "DB"];
            let texts = words.iter().map(|word| Value::Text((*word).into()));
            axes.push(Axis { name: "home", everyone: false, values: texts.chain([Value::Missing]).collect() });
        }
        if conditions.contains("loyal") {
            axes.push(Axis { name: "loyal", everyone: false, values: vec![Value::Bool(true), Value::Bool(false)] });
        }
        Grid(axes)
    }

    pub fn len(&self) -> usize {
        self.0.iter().map(|axis| axis.values.len()).product()
    }

    /// Which rules fire at a point, as bits.
    fn firing(&self, rules: &[Rule], point: usize) -> u32 {
        firing(rules, &|name, everyone| self.value(point, name, everyone)).0
    }

    /// The label that rules give at a point.
    pub fn label<'r>(&self, rules: &'r [Rule], point: usize) -> &'r str {
        &rules[firing(rules, &|name, everyone| self.value(point, name, everyone)).1].label
    }

    /// The rule that gives the label at a point.
    pub fn first(&self, rules: &[Rule], point: usize) -> usize {
        firing(rules, &|name, everyone| self.value(point, name, everyone)).1
    }

    fn value(&self, point: usize, name: &str, everyone: bool) -> Value {
        let mut rest = point;
        for axis in &self.0 {
            if axis.name == name && axis.everyone == everyone {
                return axis.values[rest % axis.values.len()].clone();
            }
            rest /= axis.values.len();
        }
        Value::Missing
    }
}

/// Which rules fire, as bits, and the one that gives the label.
fn firing(rules: &[Rule], value: &dyn Fn(&str, bool) -> Value) -> (u32, usize) {
    let (own, everyone) = (|name: &str| value(name, false), |name: &str| value(name, true));
    let profile = Profile { own: &own, everyone: &everyone, as_of: Some(0) };
    let mut bits = 0;
    for (nth, when) in rules.iter().enumerate().filter_map(|(nth, rule)| Some((nth, rule.when.as_ref()?))) {
        bits |= u32::from(truth(when, &profile) == Some(true)) << nth;
    }
    (bits, first_match(rules, &profile).expect("there is an `otherwise`"))
}

/// What the engine makes of a witness.
fn firing_for(rules: &[Rule], witness: &Witness) -> (u32, usize) {
    firing(rules, &|name, everyone| witness.value(name, everyone))
}

/// The stages that need no data, for a spec that is nowhere on a disk.
pub struct Compiled {
    pub sources: SourceMap,
    pub spec: Spec<Typed>,
    pub plan: Plan,
    diagnostics: Vec<Diagnostic>,
}

#[track_caller]
pub fn compiled(text: &str) -> Compiled {
    let mut sources = SourceMap::default();
    let file = sources.add("random.seg", text.into());
    let (ast, mut diagnostics) = syntax::parse(&sources, file);
    let (resolved, mistakes) = resolve::resolve(&ast, &sources, &Overrides::new());
    diagnostics.extend(mistakes);
    let (spec, mistakes) = check::check(&resolved.expect("all parts are there"), &sources);
    diagnostics.extend(mistakes);
    assert!(!has_errors(&diagnostics), "{text}{diagnostics:#?}");
    let plan = plan::lower(&spec, &sources);
    Compiled { sources, spec, plan, diagnostics }
}

/// What was claimed, counted so that a test that claims nothing fails.
#[derive(Debug, Default, Clone, Copy)]
struct Claims {
    sets: usize,
    empty: usize,
    shadowed: usize,
    shadowed_by_several: usize,
    overlaps: usize,
    gaps: usize,
    dead_otherwise: usize,
    regions: usize,
}

impl Claims {
    fn plus(self, other: Claims) -> Claims {
        Claims {
            sets: self.sets + other.sets,
            empty: self.empty + other.empty,
            shadowed: self.shadowed + other.shadowed,
            shadowed_by_several: self.shadowed_by_several + other.shadowed_by_several,
            overlaps: self.overlaps + other.overlaps,
            gaps: self.gaps + other.gaps,
            dead_otherwise: self.dead_otherwise + other.dead_otherwise,
            regions: self.regions + other.regions,
        }
    }
}

/// Everybody in a region behaves as said, and its words can be typed in.
fn in_region(region: &[String], clusters: bool, grid: &Grid, behaves: impl Fn(usize) -> bool) {
    let condition = if region.is_empty() { "true".to_owned() } else { region.join(" and ") };
    let plan = compiled(&spec(std::slice::from_ref(&condition), clusters)).plan;
    let inside: Vec<usize> = (0..grid.len()).filter(|point| grid.firing(&plan.labels.rules, *point) == 1).collect();
    assert!(!inside.is_empty(), "nobody is in `{condition}`");
    for at in inside {
        assert!(behaves(at), "not all of `{condition}` behave so");
    }
}

fn try_set(seed: u64) -> Claims {
    std::panic::catch_unwind(|| tried(seed)).unwrap_or_else(|_| panic!("set {seed}"))
}

fn tried(seed: u64) -> Claims {
    let clusters = seed % 4 == 3;
    let mut writer = Writer { random: Random(Xoshiro256PlusPlus::seed_from_u64(seed)), clusters };
    let conditions: Vec<String> = (0..1 + writer.random.below(5)).map(|_| writer.condition(2)).collect();
    let text = spec(&conditions, clusters);
    let grid = Grid::of(&conditions.join(" ; "), clusters);
    if grid.len() > MOST_POINTS {
        return Claims::default();
    }
    let Compiled { sources, spec: typed, plan, diagnostics } = compiled(&text);
    let rules = &plan.labels.rules;
    let masks: Vec<u32> = (0..grid.len()).map(|point| grid.firing(rules, point)).collect();
    let kinds: BTreeSet<u32> = masks.iter().copied().collect();

    let mut budget = budget();
    let about = Rules::of(&typed, &sources, &Understood::new(&typed, &[]), &mut budget)
        .expect("the rules are fine")
        .expect("they are few");
    let mut claims = Claims { sets: 1, ..Claims::default() };
    let look_at_regions = seed % 16 < 2;
    let mut pairs = 0;
    for rule in 0..conditions.len() {
        let bit = 1 << rule;
        let fires_first = kinds.iter().any(|mask| mask & bit != 0 && mask & (bit - 1) == 0);
        match about.never(rule, &mut budget).expect("it is decided") {
            None => assert!(fires_first, "{text}rule {rule} never matches"),
            Some(Never::Empty) => {
                claims.empty += 1;
                assert!(kinds.iter().all(|mask| mask & bit == 0), "{text}rule {rule} is not empty");
            }
            Some(Never::Shadowed(by)) => {
                claims.shadowed += 1;
                claims.shadowed_by_several += usize::from(by.len() > 1);
                assert!(!fires_first, "{text}rule {rule} matches");
                let takers: u32 = by.iter().map(|(other, _)| 1 << other).sum();
                let taken = |by: u32| kinds.iter().all(|mask| mask & bit == 0 || mask & by != 0);
                assert!(taken(takers), "{text}rule {rule} is not taken by {takers:b}");
                for (other, instance) in &by {
                    assert!(!taken(takers & !(1 << other)), "{text}rule {rule} is taken without {other}");
                    let witness = instance.witness.as_ref().unwrap_or_else(|| panic!("{text}{rule} by {other}"));
                    let (fired, first) = firing_for(rules, witness);
                    assert!(fired & bit != 0 && fired & (1 << other) != 0 && first != rule, "{text}{witness:?}");
                }
            }
        }
        for other in rule + 1..conditions.len() {
            let both = bit | 1 << other;
            let overlap = kinds.iter().any(|mask| mask & both == both);
            assert_eq!(about.are_apart(rule, other, &mut budget), Ok(!overlap), "{text}{rule} and {other}");
            let found = about.overlap(rule, other, &mut budget).expect("it is decided");
            assert_eq!(found.is_some(), overlap, "{text}{rule} and {other}");
            if let Some(instance) = found {
                claims.overlaps += 1;
                pairs += 1;
                let witness = instance.witness.unwrap_or_else(|| panic!("{text}{rule} and {other} without a witness"));
                let (fired, first) = firing_for(rules, &witness);
                assert!(fired & both == both && first <= rule, "{text}{rule} and {other}: {witness:?}");
                if look_at_regions {
                    claims.regions += 1;
                    in_region(&instance.region, clusters, &grid, |at| masks[at] & both == both);
                }
            }
        }
    }
    assert_eq!(about.count_overlaps(&mut budget), (pairs, 0), "{text}");
    let (gaps, _) = about.gaps(&mut budget).expect("it is decided");
    assert_eq!(gaps.is_empty(), !kinds.contains(&0), "{text}{gaps:?}");
    for gap in &gaps {
        claims.gaps += 1;
        let witness = gap.witness.as_ref().unwrap_or_else(|| panic!("{text}a gap without a witness: {gap:?}"));
        assert_eq!(firing_for(rules, witness), (0, conditions.len()), "{text}{witness:?}");
        if look_at_regions {
            claims.regions += 1;
            in_region(&gap.region, clusters, &grid, |at| masks[at] == 0);
        }
    }
    let dead = diagnostics.iter().any(|d| d.code == "SEG0611");
    claims.dead_otherwise += usize::from(dead);
    assert_eq!(dead, gaps.is_empty(), "{text}");
    claims
}

#[test]
fn claims_about_rules_agree_with_brute_force() {
    let claims = (0..SETS).into_par_iter().map(try_set).reduce(Claims::default, Claims::plus);
    let Claims { sets, empty, shadowed, shadowed_by_several, overlaps, gaps, dead_otherwise, regions } = claims;
    assert!(sets >= 10_000, "{sets} sets were tried");
    println!("{claims:?}");
    for count in [empty, shadowed, overlaps, gaps, dead_otherwise, regions] {
        assert!(count > 200, "the rules are not varied enough: {claims:?}");
    }
    assert!(shadowed_by_several > 50, "the rules are not varied enough: {claims:?}");
}
