//! What a change to label rules means, proved without data: against brute force over all that there can be, and against
//! what becomes of customers.

use std::collections::{BTreeMap, BTreeSet};

use rand_core::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use segc::compile::Compiled;
use segc::diagnostics::has_errors;
use segc::diff::{Class, LabelChange, Meaning, meaning};
use segc::resolve::Overrides;
use segc::syntax::source::SourceMap;
use segc::testing;
use segc::{check, plan, resolve, syntax};

use crate::diff::{Part, compare, sums_hold};
use crate::regions::{Grid, Random, Writer, spec_of};
use crate::support::spec_around;

/// Pairs of rule sets that are tried.
const PAIRS: u64 = 1_600;
/// Those with more points than this are left out.
const MOST_POINTS: usize = 3_000;
const LABELS: [&str; 3] = ["A", "B", "C"];

/// A spec that is nowhere on a disk.
#[track_caller]
fn compiled(text: &str) -> Compiled {
    let mut sources = SourceMap::default();
    let file = sources.add("random.seg", text.into());
    let (ast, mut diagnostics) = syntax::parse(&sources, file);
    let (resolved, mistakes) = resolve::resolve(&ast, &sources, &Overrides::new());
    diagnostics.extend(mistakes);
    let (spec, mistakes) = check::check(&resolved.expect("all parts are there"), &sources);
    diagnostics.extend(mistakes);
    assert!(!has_errors(&diagnostics), "{text}{diagnostics:#?}");
    let plan = Some(plan::lower(&spec, &sources));
    Compiled { path: "random.seg".into(), sources, ast, spec: Some(spec), plan, diagnostics }
}

fn between(a: &str, b: &str) -> Meaning {
    meaning(&compiled(a), &compiled(b)).0
}

/// Rules as `(condition, label)`, with the label of the rest.
#[derive(Clone)]
struct Block {
    rules: Vec<(String, String)>,
    otherwise: String,
}

impl Block {
    fn random(writer: &mut Writer) -> Block {
        let label = |writer: &mut Writer| LABELS[writer.random.below(3)].to_owned();
        let rules = (0..1 + writer.random.below(3)).map(|_| (writer.condition(1), label(writer))).collect();
        Block { rules, otherwise: label(writer) }
    }

    /// A small change, such as people make.
    fn edited(&self, writer: &mut Writer) -> Block {
        let mut edited = self.clone();
        let at = writer.random.below(edited.rules.len());
        let label = LABELS[writer.random.below(3)].to_owned();
        match writer.random.below(8) {
            0 => edited.rules[at].0 = writer.condition(1),
            1 => edited.rules[at].0 = format!("{} and {}", edited.rules[at].0, writer.condition(0)),
            2 => edited.rules[at].0 = format!("not (not ({}))", edited.rules[at].0),
            3 => edited.rules[at].1 = label,
            4 => drop(edited.rules.remove(at)),
            5 => edited.rules.insert(at, (writer.condition(1), label)),
            6 => edited.rules.reverse(),
            _ => edited.rules.iter_mut().filter(|(_, l)| *l == "A").for_each(|(_, l)| *l = "D".to_owned()),
        }
        edited
    }

    fn text(&self) -> String {
        let rules = self.rules.iter().map(|(when, label)| format!("{label:?} when {when}\n    "));
        format!("{}otherwise {:?}", rules.collect::<String>(), self.otherwise)
    }
}

/// The class by its definition, from all pairs of labels that occur.
fn expected(pairs: &BTreeSet<(String, String)>) -> Class {
    type Links<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;
    let (mut ahead, mut back) = (Links::new(), Links::new());
    for (from, to) in pairs {
        ahead.entry(from).or_default().insert(to);
        back.entry(to).or_default().insert(from);
    }
    let single = |map: &BTreeMap<&str, BTreeSet<&str>>| map.values().all(|set| set.len() == 1);
    if pairs.iter().all(|(from, to)| from == to) {
        return Class::Equivalent;
    }
    match (single(&ahead), single(&back)) {
        (true, true) => Class::Renames,
        (false, true) => Class::Refines,
        (true, false) => Class::Coarsens,
        (false, false) => Class::Moves,
    }
}

/// What came of a pair: its class, and how many regions were walked through.
fn tried(seed: u64) -> Option<(Class, usize)> {
    let clusters = seed % 4 == 3;
    let mut writer = Writer { random: Random(Xoshiro256PlusPlus::seed_from_u64(77_000 + seed)), clusters };
    let before = Block::random(&mut writer);
    let after = if seed.is_multiple_of(3) { Block::random(&mut writer) } else { before.edited(&mut writer) };
    let (a, b) = (before.text(), after.text());
    // Names that neither block speaks of are no axis; labels are no names of features.
    let grid = Grid::of(&format!("{a} {b}"), clusters);
    if grid.len() > MOST_POINTS || a == b {
        return None;
    }
    let (left, right) = (compiled(&spec_of(&a, clusters)), compiled(&spec_of(&b, clusters)));
    let (found, parts) = meaning(&left, &right);
    let label = |of: &Compiled, point: usize| {
        let rules = &of.plan.as_ref().unwrap().labels.rules;
        rules[grid.first(rules, point)].label.clone()
    };
    let points: Vec<(String, String)> = (0..grid.len()).map(|p| (label(&left, p), label(&right, p))).collect();
    let pairs: BTreeSet<(String, String)> = points.iter().cloned().collect();
    let why = format!("{a}\n->\n{b}\n{found:#?}");
    let labels = found.labels.as_ref().unwrap_or_else(|| panic!("{why}"));
    if parts.is_empty() {
        // Written otherwise, and the same to the compiler already.
        assert_eq!((found.class, labels.class), (Class::Cosmetic, Class::Same), "{why}");
        assert_eq!(expected(&pairs), Class::Equivalent, "{why}");
        return None;
    }
    assert_eq!(found.class, expected(&pairs), "{why}");
    assert_eq!(found.class, labels.class);
    let moved: BTreeSet<(String, String)> = labels.moves.iter().map(|m| (m.from.clone(), m.to.clone())).collect();
    let differing: BTreeSet<(String, String)> = pairs.iter().filter(|(from, to)| from != to).cloned().collect();
    assert_eq!(moved, differing, "{why}");
    let walked = if seed % 8 < 3 { walk(labels, clusters, &grid, &points, (&a, &b)) } else { 0 };
    Some((found.class, walked))
}

/// Everybody in a region goes the way that is said, everybody who goes that way is in one, and so does each witness.
fn walk(labels: &LabelChange, clusters: bool, grid: &Grid, points: &[(String, String)], (a, b): (&str, &str)) -> usize {
    let mut walked = 0;
    for moved in &labels.moves {
        let mut inside = BTreeSet::new();
        for region in &moved.regions {
            walked += 1;
            let condition = if region.region.is_empty() { "true".to_owned() } else { region.region.join(" and ") };
            let rules = compiled(&spec_of(&format!("\"in\" when {condition}\n    otherwise \"out\""), clusters));
            let rules = &rules.plan.as_ref().unwrap().labels.rules;
            let here = (0..grid.len()).filter(|point| grid.first(rules, *point) == 0);
            let here: BTreeSet<usize> = here.collect();
            assert!(!here.is_empty(), "nobody is in `{condition}`");
            for point in &here {
                let (from, to) = &points[*point];
                assert_eq!((from, to), (&moved.from, &moved.to), "{condition}\n{a}\n->\n{b}");
                assert!(inside.insert(*point), "two regions overlap\n{a}\n->\n{b}");
            }
            assert!(!region.witness.is_empty(), "{condition} without a witness\n{a}\n->\n{b}");
            for (rules, label) in [(a, &moved.from), (b, &moved.to)] {
                let given = region.witness.iter().filter(|(_, value)| *value != "missing");
                let given: String = given.map(|(name, value)| format!("{name} = {value}; ")).collect();
                let test = format!("}}\n  test \"witness\" {{ given {{ {given} }}; expect {label:?} }}\n}}\n");
                let text = spec_of(rules, clusters);
                let text = text.trim_end().strip_suffix("}\n}").expect("the labels come last").to_owned() + &test;
                let plan = compiled(&text).plan.unwrap();
                let result = testing::run(&plan, None, &|_| String::new()).remove(0);
                assert_eq!(result.failures, Vec::<String>::new(), "{text}");
            }
        }
        if !moved.more {
            let all = points.iter().filter(|(from, to)| (from, to) == (&moved.from, &moved.to)).count();
            assert_eq!(inside.len(), all, "{} -> {}\n{a}\n->\n{b}", moved.from, moved.to);
        }
    }
    walked
}

#[test]
fn classes_and_regions_agree_with_brute_force() {
    let found: Vec<(Class, usize)> = (0..PAIRS)
        .into_par_iter()
        .filter_map(|seed| std::panic::catch_unwind(|| tried(seed)).unwrap_or_else(|_| panic!("pair {seed}")))
        .collect();
    let count = |class: Class| found.iter().filter(|(found, _)| *found == class).count();
    let counts = [Class::Equivalent, Class::Renames, Class::Refines, Class::Coarsens, Class::Moves].map(count);
    let walked: usize = found.iter().map(|(_, walked)| walked).sum();
    println!("{counts:?}, {walked} regions");
    assert!(counts.iter().all(|n| *n > 20), "the pairs are not varied enough: {counts:?}");
    assert!(walked > 500, "{walked} regions");
}

/// Edits whose class is known because of how they were made.
#[test]
fn known_edits_get_their_class() {
    const RULES: &str = "\"Gold\" when often >= 3 and recent = 3\n    \"Lost\" when recent = 1\n    otherwise \"Rest\"";
    for clusters in [false, true] {
        let base = spec_of(RULES, clusters);
        let with = |old: &str, new: &str| {
            assert!(base.contains(old), "{old}");
            base.replacen(old, new, 1)
        };
        let of = |text: &str| between(&base, text);
        let cases: Vec<(Class, Option<Class>, String)> = vec![
            (Class::Same, Some(Class::Same), base.clone()),
            (Class::Cosmetic, Some(Class::Same), with("  as_of", "\n  # as ever\n  as_of")),
            (Class::Cosmetic, Some(Class::Same), with("  as_of", "  title \"Random\"\n  as_of")),
            (Class::Cosmetic, Some(Class::Same), with("recent = 1", "recent = 1 { action \"Write to them\" }")),
            (Class::Cosmetic, Some(Class::Same), with("{ customer", "{ max_refused 3%; customer")),
            (Class::Equivalent, Some(Class::Equivalent), with("recent = 1", "recent < 1.5")),
            (Class::Equivalent, Some(Class::Equivalent), with("often >= 3 and", "not (often < 3) and")),
            (Class::Renames, Some(Class::Renames), with("\"Lost\"", "\"Gone\"")),
            (
                Class::Refines,
                Some(Class::Refines),
                with("\"Gold\"", "\"Platinum\" when often = 4 and recent = 3\n\"Gold\""),
            ),
            (Class::Coarsens, Some(Class::Coarsens), with("    \"Lost\" when recent = 1\n", "")),
            (Class::Moves, Some(Class::Moves), with("often >= 3", "often >= 4")),
            (Class::Features, Some(Class::Same), with("    loyal", "    extra = count()\n    loyal")),
            (Class::Features, Some(Class::Same), with("loyal = count() > 2", "loyal = count() > 3")),
            (Class::Features, None, with("score(count(), 4)", "score(count(), 5)")),
            (Class::Features, Some(Class::Same), with("currency EUR", "currency GBP")),
            (Class::Features, Some(Class::Same), with("  as_of", "  revenue price\n  as_of")),
            (Class::Cleaning, None, with("  as_of", "  filter { drop \"free\" when price <= 0 }\n  as_of")),
            (Class::Cleaning, None, with("as_of max(at)", "as_of max(at) + 1 day")),
            (Class::Cleaning, None, with("{ customer", "{ decimal \",\"; customer")),
            (Class::Cleaning, None, with("price: money", "price: money = Price")),
        ];
        for (class, labels, text) in &cases {
            let found = of(text);
            assert_eq!((found.class, found.labels.as_ref().map(|l| l.class)), (*class, *labels), "{text}\n{found:#?}");
            // The other way round it is the contrary.
            let contrary = match class {
                Class::Refines => Class::Coarsens,
                Class::Coarsens => Class::Refines,
                class => *class,
            };
            assert_eq!(between(text, &base).class, contrary, "{text}");
        }
        if clusters {
            let found = of(&with("k 2", "k 3"));
            assert_eq!((found.class, found.labels), (Class::Clusters, None));
        }
        let refined = of(&cases[8].2).labels.unwrap();
        assert_eq!((refined.adds, refined.removes), (vec!["Platinum".to_owned()], vec![]));
        let merged = of(&cases[9].2).labels.unwrap();
        assert_eq!((merged.adds, merged.removes), (vec![], vec!["Lost".to_owned()]));
        let moved = of(&cases[10].2).labels.unwrap().moves;
        assert_eq!(moved.len(), 1);
        let region = &moved[0].regions[0].region;
        assert!(clusters || *region == ["often = 3", "recent = 3"], "{region:?}");
        assert_eq!((moved[0].from.as_str(), moved[0].to.as_str(), moved[0].more), ("Gold", "Rest", false));
    }
}

/// Rules that speak of a feature which only one of the specs has are compared all the same, in both directions.
#[test]
fn rules_may_speak_of_a_feature_that_is_new() {
    let base = spec_of("\"Gold\" when often >= 3\n    otherwise \"Rest\"", false);
    let more = base
        .replace("    loyal", "    large = sum(price)\n    loyal")
        .replace("otherwise", "\"Big\" when large > 100 EUR\n    otherwise");
    let found = between(&base, &more);
    assert_eq!(found.class, Class::Features);
    let labels = found.labels.expect("the other features are the same");
    assert_eq!((labels.class, labels.adds), (Class::Refines, vec!["Big".to_owned()]));
    assert_eq!(labels.moves[0].regions[0].region, ["often in 1..2", "large > 100 EUR"]);
    let back = between(&more, &base).labels.unwrap();
    assert_eq!((back.class, back.removes), (Class::Coarsens, vec!["Big".to_owned()]));
    // Parameters are what they stand for.
    let with = |value: u32| {
        base.replace("  as_of", &format!("  param least = {value}\n  as_of")).replace("often >= 3", "often >= least")
    };
    assert_eq!(between(&base, &with(3)).labels.unwrap().class, Class::Same);
    assert_eq!(between(&with(2), &with(3)).class, Class::Moves);
}

const ORDERS: &str = "customer,invoice,product,quantity,price,at
ada,A1,cup,1,100.05,2024-01-10
ada,A2,cup,1,20.00,2024-03-10
ben,B1,tea,2,30.00,2024-02-01
ben,B2,tea,1,30.00,2024-02-02
cleo,C1,pot,1,9.995,2024-03-01
dora,D1,pot,4,9.99,2024-03-01
emil,E1,tea,3,15.00,2024-03-20
fay,F1,tea,1,15.00,2023-11-20
fay,F2,,1,70.00,2024-03-19
gus,G1,,1,2.00,2023-12-24
";

/// Every mover over data lies in a region of the proof, and nobody else does.
#[test]
fn every_mover_is_in_a_region() {
    let mut random = Random(Xoshiro256PlusPlus::seed_from_u64(11));
    let features = "    spent = sum(amount)\n    visits = count(baskets)\n    recency = whole_days(as_of - max(at))\n    s = score(spent, 3)\n    first_bought = min(product)";
    let mut moved = 0;
    for nth in 0..40 {
        let clusters = nth % 4 == 3;
        let mut rules = || {
            let mut condition = || match random.below(6) {
                0 => format!("spent >= {} GBP", 10 * (1 + random.below(12))),
                1 => format!("visits >= {}", 1 + random.below(2)),
                2 => format!("recency < {} days", 10 * (1 + random.below(6))),
                3 => format!("s = {}", 1 + random.below(3)),
                4 => "first_bought = \"tea\"".to_owned(),
                _ => format!("spent > {} * all.spent", 1 + random.below(2)),
            };
            let rules = ["Big", "Mid"].map(|label| format!("{label:?} when {} and {}\n    ", condition(), condition()));
            format!("{}otherwise \"Small\"", rules.concat())
        };
        let spec = |rules: &str| {
            let (cluster, over) = match clusters {
                true => ("  cluster { on log1p(spent), log1p(recency); k 4 }\n", "label clusters"),
                false => ("", "label customers"),
            };
            let spec = spec_around("", "", features).replace("  label customers", &format!("{cluster}  {over}"));
            spec.replace("otherwise \"All\"", rules)
        };
        let (a, b) = (Part::of(&spec(&rules()), ORDERS), Part::of(&spec(&rules()), ORDERS));
        let found = compare(&a, &b);
        sums_hold(&found);
        let labels = found.meaning.labels.as_ref().expect("nothing else differs");
        for change in &labels.moves {
            if change.more {
                continue;
            }
            let regions = change.regions.iter().map(|region| format!("({})", region.region.join(" and ")));
            let inside = format!("\"in\" when {}\n    otherwise \"out\"", regions.collect::<Vec<_>>().join(" or "));
            let inside = Part::of(&spec(&inside), ORDERS).built.execution;
            for (row, id) in inside.customers.ids.iter().enumerate() {
                let is_in = inside.labelled.rule_of_customer[row] == 0;
                let moves = found.movers.iter().any(|m| {
                    m.customer == *id && m.from.as_ref() == Some(&change.from) && m.to.as_ref() == Some(&change.to)
                });
                assert_eq!(is_in, moves, "{id}: {} -> {}\n{labels:#?}", change.from, change.to);
                moved += usize::from(moves);
            }
        }
        let told = found
            .movers
            .iter()
            .filter(|m| labels.moves.iter().any(|c| m.from.as_ref() == Some(&c.from) && m.to.as_ref() == Some(&c.to)));
        assert_eq!(told.count(), found.movers.len(), "{labels:#?}");
    }
    assert!(moved > 40, "{moved} customers moved");
}
