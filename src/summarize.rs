//! From a run to its outcome: statistics, shares and samples for every view. Knows nothing of polars or templates.

mod forecasts;

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::build::SourceRead;
use crate::cluster::{Evidence, Stability};
use crate::compile::Compiled;
use crate::diagnostics::Diagnostic;
use crate::exec::clustering::Judged;
use crate::exec::customers::{Customers, Feature, Values, quantile};
use crate::exec::{Execution, Joined, Scores};
use crate::expr::format_decimal;
use crate::ingest::Detection;
use crate::outcome::*;
use crate::plan::Plan;
use crate::spec::Scale;
use crate::time::{DAY, iso};
use crate::types::Base;

/// What stands around a run: the spec, its files, and what was said about them.
pub struct Facts<'a> {
    pub compiled: &'a Compiled,
    pub plan: &'a Plan,
    pub sources: &'a [SourceRead],
    pub warnings: &'a [Diagnostic],
}

/// Bins of the histograms that all segments share.
const BINS: usize = 24;
/// Points in the picture of clusters.
const SCATTER: usize = 1_500;
/// Values in the silhouette of a segment.
const BLADE: usize = 80;
/// Customers named as examples of a segment.
const EXAMPLES: usize = 5;
/// Features that range over more than this, from the middle up, are shown on a logarithmic scale.
const SKEWED: f64 = 4.0;

/// Everything that a report shows.
pub fn outcome(run: &Execution, facts: &Facts) -> Outcome {
    let spec = facts.compiled.spec.as_ref().expect("what ran has a spec");
    let customers = &run.customers;
    let currency = facts.plan.currency.clone();
    let features: Vec<FeatureSummary> = customers.features.iter().map(|f| feature(f, currency.as_deref())).collect();
    let mut segments = segments(run, facts, &features);
    let scatter_order = order_segments(&mut segments);
    Outcome {
        schema: SCHEMA.to_owned(),
        segc: env!("CARGO_PKG_VERSION").to_owned(),
        name: facts.plan.name.clone(),
        title: spec.title.clone(),
        currency,
        as_of: run.as_of.map(iso),
        period: run.period.map(|(first, last)| Period { first: iso(first), last: iso(last) }),
        rows: ledger(run),
        joins: run.joins.iter().map(join).collect(),
        customers: customers.ids.len() as u64,
        baskets: run.baskets,
        amount: run.ledger.amount_used.map(|a| amount_text(a, run.ledger.scale)),
        score_grid: score_grid(customers),
        scores: customers.scores.iter().map(|s| score_table(s, facts.plan.currency.as_deref())).collect(),
        cluster: cluster(run, facts, &scatter_order),
        forecasts: forecasts::forecasts(run, &segments),
        concentration: concentration(customers),
        rules: rules(run, facts.plan),
        features,
        segments,
        notes: notes(facts),
        spec: spec_text(facts.compiled),
        inputs: facts.sources.iter().flat_map(inputs).collect(),
    }
}

/// An exact amount without needless zeros, but with two decimals at least: `1447682.12`, `8887208.894`.
pub fn amount_text(units: i128, scale: u8) -> String {
    let (mut units, mut scale) = (units, scale);
    while scale > 2 && units % 10 == 0 {
        (units, scale) = (units / 10, scale - 1);
    }
    let text = format_decimal(units, scale);
    match scale {
        0 => text + ".00",
        1 => text + "0",
        _ => text,
    }
}

/// SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// A file of the spec as seen from the folder of the main one: `shop.seg`, `common/cleaning.seg`.
pub fn logical_name(compiled: &Compiled, index: usize) -> String {
    let files = &compiled.sources.files;
    let folder = files[0].name.rsplit_once('/').map_or("", |(folder, _)| folder);
    let inside = files[index].name.strip_prefix(folder).map(|rest| rest.trim_start_matches('/'));
    match inside {
        Some(name) => name.to_owned(),
        None => files[index].name.rsplit('/').next().unwrap_or_default().to_owned(),
    }
}

fn spec_text(compiled: &Compiled) -> SpecText {
    // The digest covers included files as well, in the order in which they are met; of a single file it is its own.
    let mut all = Sha256::new();
    for (index, file) in compiled.sources.files.iter().enumerate() {
        if index > 0 {
            all.update([0]);
        }
        all.update(file.text.as_bytes());
    }
    let main = &compiled.sources.files[0];
    let file = logical_name(compiled, 0);
    let sha256 = all.finalize().iter().map(|b| format!("{b:02x}")).collect();
    SpecText { file, text: main.text.to_string(), sha256 }
}

fn inputs(source: &SourceRead) -> impl Iterator<Item = InputDigest> {
    source.files.iter().map(|f| InputDigest {
        source: source.name.clone(),
        name: f.name.clone(),
        bytes: f.bytes,
        sha256: f.sha256.clone(),
        rows: f.rows,
    })
}

fn ledger(run: &Execution) -> RowLedger {
    let amount = |a: Option<i128>| a.map(|a| amount_text(a, run.ledger.scale));
    RowLedger {
        read: run.ledger.read,
        used: run.ledger.used,
        refused: run.ledger.refused,
        dropped: run
            .ledger
            .dropped
            .iter()
            .map(|d| DroppedRows {
                rule: d.rule.clone(),
                rows: d.rows,
                amount: amount(d.amount),
                condition: d.words.clone(),
            })
            .collect(),
        amount_read: amount(run.ledger.amount_read),
        amount_used: amount(run.ledger.amount_used),
    }
}

fn join(joined: &Joined) -> JoinOutcome {
    let on = joined.on.iter().map(|(left, right)| match left == right {
        true => left.clone(),
        false => format!("{left} = {right}"),
    });
    JoinOutcome {
        source: joined.source.clone(),
        on: on.collect::<Vec<_>>().join(", "),
        read: joined.read,
        refused: joined.refused,
        matched: joined.matched,
        unmatched: joined.unmatched,
        unused: joined.unused,
    }
}

/// A feature's numbers in the unit that people read: days for time spans.
pub fn in_unit(base: Base, x: f64) -> f64 {
    if base == Base::Duration { x / DAY as f64 } else { x }
}

fn unit_numbers(feature: &Feature) -> Option<Vec<f64>> {
    let numeric = feature.base.is_numeric();
    feature.values.numbers().filter(|_| numeric).map(|n| n.iter().map(|x| in_unit(feature.base, *x)).collect())
}

fn feature(feature: &Feature, currency: Option<&str>) -> FeatureSummary {
    let numbers = unit_numbers(feature);
    let stats = numbers.as_deref().and_then(stats);
    let missing = match &feature.values {
        Values::Numbers(numbers) => numbers.iter().filter(|x| x.is_nan()).count(),
        Values::Texts(texts) => texts.iter().filter(|t| t.is_none()).count(),
        Values::Bools(bools) => bools.iter().filter(|b| b.is_none()).count(),
    };
    FeatureSummary {
        name: feature.name.clone(),
        unit: feature.base.unit(currency),
        formula: feature.words.clone(),
        missing: missing as u64,
        bins: stats.as_ref().and_then(|s| bins(s, feature.base)),
        stats,
        common: common(&feature.values),
    }
}

fn common(values: &Values) -> Option<Vec<CommonValue>> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    match values {
        Values::Texts(texts) => texts.iter().flatten().for_each(|t| *counts.entry(t.to_string()).or_default() += 1),
        Values::Bools(bools) => bools.iter().flatten().for_each(|b| *counts.entry(b.to_string()).or_default() += 1),
        Values::Numbers(_) => return None,
    }
    let mut common: Vec<CommonValue> =
        counts.into_iter().map(|(value, customers)| CommonValue { value, customers }).collect();
    common.sort_by(|a, b| b.customers.cmp(&a.customers).then_with(|| a.value.cmp(&b.value)));
    common.truncate(8);
    Some(common)
}

/// Statistics of the numbers that are there; nothing when none is. The sums run over sorted values.
fn stats(numbers: &[f64]) -> Option<Stats> {
    let mut sorted: Vec<f64> = numbers.iter().copied().filter(|x| !x.is_nan()).collect();
    if sorted.is_empty() {
        return None;
    }
    sorted.sort_by(f64::total_cmp);
    let (mean, std) = mean_and_std(&sorted);
    let q = |q| quantile(&sorted, q);
    let (min, max) = (sorted[0], sorted[sorted.len() - 1]);
    Some(Stats { min, p05: q(0.05), p25: q(0.25), p50: q(0.5), p75: q(0.75), p95: q(0.95), max, mean, std })
}

/// With n - 1; no deviation for one value.
fn mean_and_std(sorted: &[f64]) -> (f64, Option<f64>) {
    let n = sorted.len() as f64;
    let mean = sorted.iter().sum::<f64>() / n;
    let squares: f64 = sorted.iter().map(|x| (x - mean) * (x - mean)).sum();
    (mean, (sorted.len() > 1).then(|| (squares / (n - 1.0)).sqrt()))
}

fn bins(stats: &Stats, base: Base) -> Option<Bins> {
    let (low, high) = (stats.min, stats.max);
    if low >= high || !(high - low).is_finite() {
        return None;
    }
    if let Base::Score(n) = base {
        return Some(Bins { log: false, edges: (0..=n).map(|score| f64::from(score) + 0.5).collect() });
    }
    let middle = stats.p50 - low;
    let log = low >= 0.0 && high - low > SKEWED * 2.0 * middle.max((high - low) * 1e-9);
    let whole = base.is_whole() && high - low < BINS as f64;
    if whole && !log {
        let edges = (low as i64..=high as i64 + 1).map(|x| x as f64 - 0.5).collect();
        return Some(Bins { log: false, edges });
    }
    let (from, to) = if log { (low.ln_1p(), high.ln_1p()) } else { (low, high) };
    let edge = |i: usize| {
        let at = from + (to - from) * i as f64 / BINS as f64;
        if log { at.exp_m1() } else { at }
    };
    let mut edges: Vec<f64> = (0..=BINS).map(edge).collect();
    (edges[0], edges[BINS]) = (low, high);
    Some(Bins { log, edges })
}

fn counts(bins: Option<&Bins>, numbers: &[f64]) -> Vec<u64> {
    let Some(bins) = bins else { return vec![] };
    let mut counts = vec![0; bins.edges.len() - 1];
    for x in numbers.iter().filter(|x| !x.is_nan()) {
        // The last bin has its upper edge.
        let at = bins.edges.partition_point(|edge| edge <= x).clamp(1, counts.len());
        counts[at - 1] += 1;
    }
    counts
}

fn segments(run: &Execution, facts: &Facts, summaries: &[FeatureSummary]) -> Vec<SegmentOutcome> {
    let customers = &run.customers;
    let n = customers.ids.len();
    let columns: Vec<Option<Vec<f64>>> = customers.features.iter().map(unit_numbers).collect();
    run.labelled
        .segments
        .iter()
        .enumerate()
        .map(|(index, segment)| {
            let members: Vec<usize> = (0..n).filter(|c| run.labelled.of_customer[*c] == index as u32).collect();
            let rule = facts.plan.labels.rule(segment.rule);
            let amount = customers.amounts.as_ref().map(|a| members.iter().map(|m| i128::from(a[*m])).sum::<i128>());
            let total = run.ledger.amount_used;
            let profile =
                customers.features.iter().zip(&columns).zip(summaries).filter_map(|((f, column), summary)| {
                    let all = column.as_ref()?;
                    Some((f.name.clone(), profile(all, &members, summary.bins.as_ref())?))
                });
            SegmentOutcome {
                label: segment.label.clone(),
                clusters: segment.clusters.clone(),
                customers: members.len() as u64,
                share: members.len() as f64 / n as f64,
                amount: amount.map(|a| amount_text(a, customers.amount_scale)),
                amount_share: amount.zip(total).filter(|(_, t)| *t > 0).map(|(a, t)| a as f64 / t as f64),
                profile: profile.collect(),
                description: rule.description.clone(),
                action: rule.action.clone(),
                color: rule.color.clone(),
                rule: rule.words.clone().unwrap_or_else(|| "otherwise".to_owned()),
                silhouette: silhouette(run, &members),
                stability: weakest(run, &segment.clusters),
                examples: examples(customers, &members),
            }
        })
        .collect()
}

fn profile(all: &[f64], members: &[usize], bins: Option<&Bins>) -> Option<FeatureProfile> {
    let own: Vec<f64> = members.iter().map(|m| all[*m]).collect();
    let scale = |x: f64| if bins.is_some_and(|b| b.log) { x.ln_1p() } else { x };
    let scaled = |numbers: &[f64]| {
        let mut sorted: Vec<f64> = numbers.iter().copied().filter(|x| !x.is_nan()).map(scale).collect();
        sorted.sort_by(f64::total_cmp);
        sorted
    };
    let (everyone, group) = (scaled(all), scaled(&own));
    let n = everyone.len() as f64;
    let mean = everyone.iter().sum::<f64>() / n;
    let deviation = (everyone.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n).sqrt();
    let own_mean = group.iter().sum::<f64>() / group.len() as f64;
    let z = if deviation > 0.0 { (own_mean - mean) / deviation } else { 0.0 };
    Some(FeatureProfile { stats: stats(&own)?, z, counts: counts(bins, &own) })
}

fn silhouette(run: &Execution, members: &[usize]) -> Option<SilhouetteProfile> {
    let all = &run.clustering.as_ref()?.chosen().silhouettes;
    if all.is_empty() {
        return None;
    }
    let mut values: Vec<f64> = members.iter().map(|m| all[*m]).filter(|s| !s.is_nan()).collect();
    values.sort_by(|a, b| b.total_cmp(a));
    let n = values.len();
    if n == 0 {
        return None;
    }
    let points = n.min(BLADE);
    let step = |i: usize| if points > 1 { i * (n - 1) / (points - 1) } else { 0 };
    Some(SilhouetteProfile {
        mean: values.iter().sum::<f64>() / n as f64,
        below_zero: values.iter().filter(|s| **s < 0.0).count() as f64 / n as f64,
        blade: (0..points).map(|i| values[step(i)]).collect(),
    })
}

/// Those who spend most, ties by id.
fn examples(customers: &Customers, members: &[usize]) -> Vec<String> {
    let mut members = members.to_vec();
    if let Some(amounts) = &customers.amounts {
        members.sort_by(|a, b| amounts[*b].cmp(&amounts[*a]).then_with(|| customers.ids[*a].cmp(&customers.ids[*b])));
    }
    members.into_iter().take(EXAMPLES).map(|m| customers.ids[m].clone()).collect()
}

/// By amount, then by customers, then by label; gives the new place of each old one.
fn order_segments(segments: &mut Vec<SegmentOutcome>) -> Vec<u32> {
    let mut order: Vec<usize> = (0..segments.len()).collect();
    let key = |s: &SegmentOutcome| s.amount_share.unwrap_or(s.share);
    order.sort_by(|a, b| {
        let (a, b) = (&segments[*a], &segments[*b]);
        key(b).total_cmp(&key(a)).then_with(|| b.customers.cmp(&a.customers)).then_with(|| a.label.cmp(&b.label))
    });
    let mut place = vec![0; segments.len()];
    for (new, old) in order.iter().enumerate() {
        place[*old] = new as u32;
    }
    let mut old: Vec<Option<SegmentOutcome>> = std::mem::take(segments).into_iter().map(Some).collect();
    *segments = order.into_iter().filter_map(|i| old[i].take()).collect();
    place
}

fn score_table(scores: &Scores, currency: Option<&str>) -> ScoreTable {
    ScoreTable {
        feature: scores.feature.clone(),
        of: scores.of.clone(),
        unit: scores.base.unit(currency),
        n: scores.n,
        low_is_best: scores.low_is_best,
        steps: scores
            .cuts
            .iter()
            .map(|cut| ScoreStep {
                score: cut.score,
                from: in_unit(scores.base, cut.from),
                to: in_unit(scores.base, cut.to),
                customers: cut.customers,
            })
            .collect(),
    }
}

fn score_grid(customers: &Customers) -> Option<ScoreGrid> {
    let [rows, columns, ..] = customers.scores.as_slice() else { return None };
    let numbers = |s: &Scores| customers.feature(&s.feature).and_then(|f| f.values.numbers());
    let (row_scores, column_scores) = (numbers(rows)?, numbers(columns)?);
    let mut cells = vec![vec![(0u64, 0i128); columns.n as usize]; rows.n as usize];
    for (i, (row, column)) in row_scores.iter().zip(column_scores).enumerate() {
        if row.is_nan() || column.is_nan() {
            continue;
        }
        let cell = &mut cells[*row as usize - 1][*column as usize - 1];
        cell.0 += 1;
        cell.1 += customers.amounts.as_ref().map_or(0, |a| i128::from(a[i]));
    }
    let has_amount = customers.amounts.is_some();
    let cell = |(customers_, amount): (u64, i128)| GridCell {
        customers: customers_,
        amount: has_amount.then(|| amount_text(amount, customers.amount_scale)),
    };
    Some(ScoreGrid {
        rows: rows.feature.clone(),
        columns: columns.feature.clone(),
        cells: cells.into_iter().map(|row| row.into_iter().map(cell).collect()).collect(),
    })
}

fn cluster(run: &Execution, facts: &Facts, places: &[u32]) -> Option<ClusterOutcome> {
    let (clustering, plan) = (run.clustering.as_ref()?, facts.plan.cluster.as_ref()?);
    let chosen = clustering.chosen();
    let on: Vec<String> = plan.on.iter().map(|d| d.words.clone()).collect();
    let search = clustering.search.iter().map(|c| SearchRow {
        k: c.fitted.k,
        inertia: c.fitted.fit.inertia,
        silhouette: c.fitted.silhouette,
        silhouette_margin: c.fitted.silhouette_margin,
        davies_bouldin: c.fitted.davies_bouldin,
        calinski_harabasz: c.fitted.calinski_harabasz,
        log_likelihood: c.fitted.likelihood.as_ref().map(|found| found.log_likelihood),
        bic: c.fitted.likelihood.as_ref().map(|found| found.bic),
        sizes: c.fitted.sizes.clone(),
        smallest_share: c.smallest_share,
        qualifies: c.misses.is_none(),
        misses: c.misses.as_ref().map(|asked| missed(asked, c.smallest_share)),
    });
    let clusters = (0..chosen.k).map(|cluster| {
        let segment = run.labelled.of_cluster.get(cluster as usize);
        ClusterProfile {
            cluster,
            label: segment.map_or(String::new(), |s| run.labelled.segments[*s as usize].label.clone()),
            customers: chosen.sizes[cluster as usize],
            center: chosen.fit.centers.row(cluster as usize).to_vec(),
            center_unscaled: clustering.centers_unscaled.row(cluster as usize).to_vec(),
        }
    });
    Some(ClusterOutcome {
        method: plan.method.name().into(),
        settings: plan.method.settings(),
        noise: plan.method.has_noise().then_some(chosen.noise),
        k: chosen.k,
        chosen_by: plan.choice.words.clone(),
        seed: plan.seed,
        restarts: plan.restarts,
        scale: match plan.scale {
            Scale::None => "none",
            Scale::ZScore => "zscore",
            Scale::MinMax => "minmax",
            Scale::Robust => "robust",
        }
        .into(),
        search: search.collect(),
        evidence: clustering.evidence.as_ref().map(evidence),
        clusters: clusters.collect(),
        scatter: scatter(run, &on, places),
        on,
    })
}

fn evidence(judged: &Judged) -> EvidenceOutcome {
    let row = |found: &Evidence| EvidenceRow {
        k: found.k,
        clusters: found.stability.iter().map(stability).collect(),
        prediction_strength: found.prediction_strength,
        gap: found.gap.gap,
        gap_error: found.gap.error,
        above_noise: found.gap.errors,
        seeds_mean: found.seeds.0,
        seeds_least: found.seeds.1,
        doubt: found.verdict().err().map(|doubt| doubt.to_string()),
    };
    EvidenceOutcome {
        customers: judged.customers as u64,
        resamples: judged.options.resamples,
        references: judged.options.references,
        splits: judged.options.splits,
        seeds: judged.options.seeds,
        of_k: judged.of_k.iter().map(row).collect(),
    }
}

fn stability(of_cluster: &Stability) -> ClusterStability {
    ClusterStability { jaccard: of_cluster.jaccard, resamples: of_cluster.present, recovered: of_cluster.recovered }
}

/// The stability of the cluster that comes back least.
fn weakest(run: &Execution, clusters: &[u32]) -> Option<ClusterStability> {
    let clustering = run.clustering.as_ref()?;
    let found = &clustering.evidence.as_ref()?.of_k[clustering.taken];
    let of_segment = clusters.iter().map(|&cluster| &found.stability[cluster as usize]);
    of_segment.map(stability).min_by(|a, b| a.recovery().total_cmp(&b.recovery()))
}

/// Why a k was passed over, as a clause.
fn missed(asked: &str, smallest_share: f64) -> String {
    if asked.starts_with("share") {
        format!(
            "its smallest cluster holds {:.1} % of the customers and `{asked}` is asked for",
            100.0 * smallest_share
        )
    } else {
        format!("`{asked}` is asked for")
    }
}

/// Customers drawn evenly from each segment in the order of their first coordinate, so that the sample has the shape of
/// the whole and does not depend on ids.
fn scatter(run: &Execution, on: &[String], places: &[u32]) -> Option<Scatter> {
    let clustering = run.clustering.as_ref()?;
    let n = run.customers.ids.len();
    let points = &clustering.projection.points;
    let mut drawn = vec![];
    for segment in 0..run.labelled.segments.len() as u32 {
        let mut members: Vec<usize> = (0..n).filter(|c| run.labelled.of_customer[*c] == segment).collect();
        members.sort_by(|a, b| points[*a][0].total_cmp(&points[*b][0]).then(points[*a][1].total_cmp(&points[*b][1])));
        let take = if n <= SCATTER { members.len() } else { (members.len() * SCATTER / n).max(1) };
        for i in 0..take {
            let [x, y] = points[members[i * members.len() / take]];
            drawn.push(ScatterPoint { x, y, segment: places[segment as usize] });
        }
    }
    let axis = |index: usize| {
        let component = &clustering.projection.components[index];
        let mut loadings: Vec<(String, f64)> = on.iter().cloned().zip(component.loadings.iter().copied()).collect();
        loadings.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then_with(|| a.0.cmp(&b.0)));
        loadings.truncate(3);
        Axis { label: format!("component {}", index + 1), explained: Some(component.explained), loadings }
    };
    Some(Scatter { x: axis(0), y: axis(1), points: drawn })
}

fn rules(run: &Execution, plan: &Plan) -> Vec<RuleOutcome> {
    let rule = |(index, rule): (usize, &crate::plan::Rule)| RuleOutcome {
        label: rule.label.clone(),
        condition: rule.words.clone(),
        action: rule.action.clone(),
        clusters: run.labelled.clusters_by_rule[index],
        customers: run.labelled.rule_of_customer.iter().filter(|r| **r == index as u32).count() as u64,
    };
    plan.labels.all().enumerate().map(rule).collect()
}

/// Over customers with a positive amount; nothing when there is none.
fn concentration(customers: &Customers) -> Option<Concentration> {
    let mut amounts: Vec<i64> = customers.amounts.as_ref()?.iter().map(|a| (*a).max(0)).collect();
    amounts.sort_unstable_by(|a, b| b.cmp(a));
    let total: i128 = amounts.iter().map(|a| i128::from(*a)).sum();
    if total == 0 {
        return None;
    }
    let n = amounts.len();
    let mut running = vec![0i128; n + 1];
    for (i, amount) in amounts.iter().enumerate() {
        running[i + 1] = running[i] + i128::from(*amount);
    }
    let share = |count: usize| running[count] as f64 / total as f64;
    let top = [0.01, 0.05, 0.1, 0.2, 0.5]
        .map(|customers: f64| TopShare { customers, amount: share((customers * n as f64).ceil() as usize) });
    let points = n.min(100);
    let curve =
        (0..=points).map(|i| (i * n / points) as f64 / n as f64).zip((0..=points).map(|i| share(i * n / points)));
    // Gini (1912), from the ranks: customers from the smallest to the largest.
    let weighted: i128 = amounts.iter().rev().enumerate().map(|(i, a)| (i as i128 + 1) * i128::from(*a)).sum();
    let gini = (2.0 * weighted as f64) / (n as f64 * total as f64) - (n as f64 + 1.0) / n as f64;
    Some(Concentration { gini: gini.max(0.0), top: top.to_vec(), curve: curve.collect() })
}

fn notes(facts: &Facts) -> Vec<Note> {
    let warnings =
        facts.warnings.iter().map(|w| Note { code: w.code.to_owned(), text: w.message.clone(), help: w.help.clone() });
    // That a file is UTF-8 is how it should be.
    let expected = |d: &Detection| d.what == "encoding" && d.value == "utf-8";
    let of_source = |source: &SourceRead, d: &Detection| {
        let about = match d.column {
            Some(i) => format!(" of `{}`", source.columns[i]),
            None if facts.sources.len() > 1 => format!(" of source `{}`", source.name),
            None => String::new(),
        };
        Note {
            code: "SEG0306".into(),
            text: format!("{}{about}: {} ({})", d.what, d.value, d.evidence),
            help: (!d.pin.is_empty()).then(|| d.pin.clone()),
        }
    };
    let detected = facts.sources.iter().flat_map(|source| {
        let certain = source.detected.iter().filter(|d| d.certain && !expected(d));
        certain.map(move |d| of_source(source, d))
    });
    warnings.chain(detected).collect()
}
