//! Places customers among those of a build, by what the build learned from its own. The steps are those of
//! [`run`](super::run), through the same functions, except that nothing is learned again: a customer of the build gets
//! the segment that the build gave.

use ndarray::{Array2, Axis};

use super::clustering;
use super::customers::{self, Customers, Feature};
use super::labels::{self, Typical};
use super::yardstick::Yardstick;
use super::{ExecError, Input, Ledger, ledger};
use crate::cluster::{Placed as AtCluster, Placing, Sample, Scaler};
use crate::eval::Value;
use crate::plan::expr::{Expr, Op};
use crate::plan::{Plan, Step};
use crate::spec::Over;

/// What a build took from all its customers.
#[derive(Debug, Clone, PartialEq)]
pub struct Learned {
    /// Of the functions over all customers, in the order of the plan: those of the features, then those of the clusters.
    pub yardsticks: Vec<Yardstick>,
    /// What `all.` means.
    pub everyone: Typical,
    pub clusters: Option<Clusters>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Clusters {
    pub scaler: Scaler,
    /// In scaled units, `k x dimensions`.
    pub centers: Array2<f64>,
    pub placing: Placing,
    /// Per cluster, its segment and the rule that named it. Without meaning where customers are labelled.
    pub segments: Vec<Named>,
}

impl Clusters {
    /// Nothing unless there is a centre and all have as many dimensions as the scaler.
    pub fn new(scaler: Scaler, centers: &[Vec<f64>], placing: Placing, segments: Vec<Named>) -> Option<Clusters> {
        let dimensions = scaler.center.len();
        let whole = !centers.is_empty() && centers.iter().all(|center| center.len() == dimensions);
        let centers = Array2::from_shape_vec((centers.len(), dimensions), centers.concat()).ok().filter(|_| whole)?;
        Some(Clusters { scaler, centers, placing, segments })
    }
}

/// A segment, and the rule (its index) that gave it.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    pub label: String,
    pub rule: u32,
}

/// Customers whose features were measured elsewhere.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    pub ids: Vec<String>,
    /// One cell per customer, in base units. What a feature's formula gives from other features is computed again.
    pub features: Vec<Feature>,
}

/// What a table of measured customers would need to have.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lacking {
    pub features: Vec<String>,
    /// Whether a formula looks at `as_of`, which nobody stated.
    pub as_of: bool,
}

#[derive(Debug, Clone)]
pub struct Placed {
    /// Of the rows, where customers were measured from rows.
    pub ledger: Option<Ledger>,
    /// Microseconds, where it is known.
    pub as_of: Option<i64>,
    pub customers: Customers,
    /// One per customer.
    pub placements: Vec<Placement>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Placement {
    pub segment: Option<Named>,
    pub cluster: Option<Near>,
    /// Why there is no segment, or no cluster.
    pub reason: Option<String>,
}

/// Where a customer is among the clusters. Distances are Euclidean, in scaled units.
#[derive(Debug, Clone, PartialEq)]
pub struct Near {
    /// Nothing for noise.
    pub cluster: Option<u32>,
    /// To the centre of the cluster; for methods that place customers beside those of the build, to the nearest of them.
    pub distance: f64,
    /// 0 on the border between two clusters: see [`cluster::Placed`](crate::cluster::Placed). Nothing where there is one.
    pub margin: Option<f64>,
}

/// Measures customers from rows and places them. `as_of` takes the place of the moment that the plan computes.
pub fn from_rows(plan: &Plan, learned: &Learned, inputs: Vec<Input>, as_of: Option<i64>) -> Result<Placed, ExecError> {
    let settled = ledger::settle(plan, inputs, as_of)?;
    let customers = customers::measure(plan, &settled, Some(&learned.yardsticks))?;
    place(plan, learned, customers, settled.as_of, Some(settled.ledger))
}

/// Places customers by features that are there already; an error if what decides is not among them. `as_of` is the
/// moment from which they were measured.
pub fn from_features(
    plan: &Plan,
    learned: &Learned,
    measured: Measured,
    as_of: Option<i64>,
) -> Result<Result<Placed, Lacking>, ExecError> {
    let Measured { ids, mut features } = measured;
    let mut customers = Customers::of(ids);
    customers.run(&plan.customers.steps, as_of, &mut features, Some(&learned.yardsticks))?;
    let lacking = lacking(plan, &customers, as_of);
    if lacking != Lacking::default() {
        return Ok(Err(lacking));
    }
    place(plan, learned, customers, as_of, None).map(Ok)
}

fn place(
    plan: &Plan,
    learned: &Learned,
    customers: Customers,
    as_of: Option<i64>,
    ledger: Option<Ledger>,
) -> Result<Placed, ExecError> {
    let mut placements = vec![Placement::default(); customers.ids.len()];
    for feature in &customers.features {
        let infinite = |row: usize| feature.values.numbers().is_some_and(|numbers| numbers[row].is_infinite());
        for (row, placement) in placements.iter_mut().enumerate().filter(|(row, _)| infinite(*row)) {
            placement
                .reason
                .get_or_insert_with(|| format!("`{}` of customer `{}` is infinite", feature.name, customers.ids[row]));
        }
    }
    if let (Some(cluster), Some(clusters)) = (&plan.cluster, &learned.clusters) {
        let (mut points, _) = clustering::points(cluster, &customers, as_of, Some(&learned.yardsticks))?;
        for (point, placement) in points.rows().into_iter().zip(&mut placements) {
            let absent = point.iter().position(|x| !x.is_finite());
            let why = absent.map(|dimension| format!("`{}` is missing", cluster.on[dimension].words));
            placement.reason = placement.reason.take().or(why);
        }
        clusters.scaler.transform(&mut points)?;
        for (point, placement) in points.rows().into_iter().zip(&mut placements) {
            let far = point.iter().position(|x| x.abs() > Sample::LARGEST);
            let why =
                far.map(|dimension| format!("`{}` is too large to measure distances", cluster.on[dimension].words));
            placement.reason = placement.reason.take().or(why);
        }
        nearest(clusters, &points, &mut placements)?;
    }
    match plan.labels.over {
        Over::Clusters => {
            for placement in &mut placements {
                let segments = learned.clusters.as_ref().map(|clusters| &clusters.segments);
                let near = placement.cluster.as_ref();
                placement.segment = near.zip(segments).and_then(|(near, all)| match near.cluster {
                    Some(cluster) => Some(all[cluster as usize].clone()),
                    None => plan
                        .labels
                        .noise
                        .as_ref()
                        .map(|noise| Named { label: noise.label.clone(), rule: plan.labels.rules.len() as u32 }),
                });
            }
        }
        Over::Customers => by_rules(plan, learned, &customers, as_of, &mut placements),
    }
    Ok(Placed { ledger, as_of, customers, placements })
}

/// The cluster of every customer who has a point.
fn nearest(clusters: &Clusters, points: &Array2<f64>, placements: &mut [Placement]) -> Result<(), ExecError> {
    let rows: Vec<usize> = (0..placements.len()).filter(|row| placements[*row].reason.is_none()).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let found = clusters.placing.place(points.select(Axis(0), &rows).view(), clusters.centers.view())?;
    for (row, found) in rows.into_iter().zip(found) {
        let AtCluster { cluster, distance, margin } = found;
        placements[row].cluster = Some(Near { cluster, distance, margin });
    }
    Ok(())
}

fn by_rules(plan: &Plan, learned: &Learned, customers: &Customers, as_of: Option<i64>, placements: &mut [Placement]) {
    let rules = labels::rules_of(&plan.labels.rules, customers, &learned.everyone, as_of);
    for (row, (placement, rule)) in placements.iter_mut().zip(rules).enumerate() {
        let finite = |f: &Feature| f.values.numbers().is_none_or(|numbers| !numbers[row].is_infinite());
        match rule {
            _ if !customers.features.iter().all(finite) => {}
            Some(rule) => {
                let label = plan.labels.rules[rule as usize].label.clone();
                placement.segment = Some(Named { label, rule });
            }
            None => {
                let asked: Vec<&String> = conditions(plan).flat_map(Expr::columns).collect();
                let missing = |f: &&Feature| asked.contains(&&f.name) && f.values.get(row) == Value::Missing;
                let names: Vec<String> =
                    customers.features.iter().filter(missing).map(|f| format!("`{}`", f.name)).collect();
                let why = if names.is_empty() { String::new() } else { format!(": {} missing", names.join(", ")) };
                placement.reason = Some(format!("no rule holds{why}"));
            }
        }
    }
}

fn conditions(plan: &Plan) -> impl Iterator<Item = &Expr> {
    plan.labels.rules.iter().filter_map(|rule| rule.when.as_ref())
}

/// What decides the segment and is not there.
fn lacking(plan: &Plan, customers: &Customers, as_of: Option<i64>) -> Lacking {
    let mut search = Search { plan, customers, as_of, found: Lacking::default() };
    if let Some(cluster) = &plan.cluster {
        cluster.on.iter().for_each(|dimension| _ = search.look(&dimension.value));
    }
    if plan.labels.over == Over::Customers {
        conditions(plan).for_each(|condition| _ = search.look(condition));
    }
    search.found
}

struct Search<'a> {
    plan: &'a Plan,
    customers: &'a Customers,
    as_of: Option<i64>,
    found: Lacking,
}

impl Search<'_> {
    /// Notes the features from which an expression could be computed and that are not there. True if it needs rows.
    fn look(&mut self, expr: &Expr) -> bool {
        if expr.looks_at_as_of() && self.as_of.is_none() {
            self.found.as_of = true;
        }
        let mut needs_rows = false;
        for column in expr.columns() {
            if self.customers.feature(column).is_some() {
                continue;
            }
            let in_clusters = self.plan.cluster.iter().flat_map(|cluster| &cluster.steps);
            let step = self.plan.customers.steps.iter().chain(in_clusters).find(|step| match step {
                Step::Feature(feature) => feature.name == *column,
                Step::Population(population) => population.name == *column,
                Step::Forecast(forecast) => forecast.columns.iter().any(|asked| asked.name == *column),
            });
            match step {
                None | Some(Step::Forecast(_)) => needs_rows = true,
                Some(Step::Population(population)) => needs_rows |= self.look(&population.of),
                Some(Step::Feature(feature)) => {
                    // A feature may be the column of its own name.
                    let itself = matches!(&feature.value.op, Op::Column(name) if name == column);
                    if (itself || self.look(&feature.value)) && !self.found.features.contains(column) {
                        self.found.features.push(column.clone());
                    }
                }
            }
        }
        needs_rows
    }
}
