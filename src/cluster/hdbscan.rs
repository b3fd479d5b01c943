//! HDBSCAN: clusters are what stays together longest while places of lower density fall away; who falls away before
//! there is any cluster is noise.

use rayon::prelude::*;

use super::neighbours::Neighbours;
use super::sample::{Sample, square_distance};
use super::{ClusterError, MOST_POINTS};

/// The cluster of every distinct point, nothing for noise, and what new points are placed by: they go with the nearest
/// point of the sample, if they are as near to it as the `neighbours` rows next to it.
///
/// A cluster has at least `smallest` rows; densities are measured over the nearest `neighbours` rows, the point itself
/// counted. All joins at one distance are made at once, so that ties have no order. A distance of 0 counts as the
/// smallest positive one, so that densities are numbers.
///
/// Errors: more than [`MOST_POINTS`] distinct points.
/// Source: R. Campello, D. Moulavi and J. Sander, Density-based clustering based on hierarchical density estimates,
/// 2013; clusters by excess of mass, never all points as one cluster.
pub(super) fn hdbscan(
    sample: &Sample,
    smallest: u64,
    neighbours: u64,
) -> Result<(Vec<Option<u32>>, Neighbours), ClusterError> {
    let m = sample.distinct();
    if m > MOST_POINTS {
        return Err(ClusterError::TooManyPoints { distinct: m, most: MOST_POINTS });
    }
    let reach: Vec<f64> = (0..m).into_par_iter().map(|point| reach(sample, point, neighbours)).collect();
    let hierarchy = Hierarchy::new(sample, &reach);
    let labels = hierarchy.clusters(smallest as f64);
    let model = Neighbours {
        points: (0..m).map(|point| sample.point(point).to_vec()).collect(),
        clusters: labels.clone(),
        reach,
    };
    Ok((labels, model))
}

/// The distance within which a point has `neighbours` rows, itself counted; to the farthest where there are fewer.
fn reach(sample: &Sample, point: usize, neighbours: u64) -> f64 {
    // Squared distances and rows, the nearest first: no more than can be needed.
    let mut nearest: Vec<(f64, f64)> = vec![];
    let most = neighbours.min(sample.distinct() as u64) as usize;
    let x = sample.point(point);
    for (y, weight) in sample.points() {
        let square = square_distance(x, y);
        if nearest.len() == most && nearest.last().is_some_and(|(last, _)| square >= *last) {
            continue;
        }
        nearest.truncate(most.saturating_sub(1));
        let place = nearest.partition_point(|(other, _)| *other <= square);
        nearest.insert(place, (square, weight));
    }
    let mut rows = 0.0;
    let enough = nearest.iter().find(|(_, weight)| {
        rows += weight;
        rows >= neighbours as f64
    });
    enough.or(nearest.last()).map_or(0.0, |(square, _)| square.sqrt())
}

/// Which points come together at which distance.
struct Hierarchy {
    /// The distinct points first, then their unions; the last one holds all points.
    nodes: Vec<Node>,
    /// The distance that stands for 0.
    least: f64,
}

struct Node {
    /// Up to this distance it is in one piece.
    distance: f64,
    rows: f64,
    children: Vec<usize>,
}

impl Hierarchy {
    /// Two points come together at the largest of their reaches and their distance (the mutual reachability distance).
    fn new(sample: &Sample, reach: &[f64]) -> Self {
        let m = sample.distinct();
        let leaf = |point: usize| Node { distance: reach[point], rows: sample.weights()[point], children: vec![] };
        let mut nodes: Vec<Node> = (0..m).map(leaf).collect();
        let mut edges = spanning_tree(sample, reach);
        edges.sort_by(|a, b| a.0.total_cmp(&b.0));
        // The node that each point is in, found through the first point of its union.
        let mut union = super::ward::Union::new(m);
        let mut node_of: Vec<usize> = (0..m).collect();
        for edges in edges.chunk_by(|a, b| a.0 == b.0) {
            let mut parts: Vec<(usize, usize)> = vec![];
            for &(_, a, b) in edges {
                parts.extend([a, b].map(|point| union.first(point)).map(|first| (first, node_of[first])));
            }
            edges.iter().for_each(|&(_, a, b)| union.join(a, b));
            let mut parts: Vec<(usize, usize)> =
                parts.into_iter().map(|(first, node)| (union.first(first), node)).collect();
            parts.sort_unstable();
            parts.dedup();
            for parts in parts.chunk_by(|a, b| a.0 == b.0) {
                let children: Vec<usize> = parts.iter().map(|(_, node)| *node).collect();
                let rows = children.iter().map(|child| nodes[*child].rows).sum();
                node_of[parts[0].0] = nodes.len();
                nodes.push(Node { distance: edges[0].0, rows, children });
            }
        }
        let positive = nodes.iter().map(|node| node.distance).filter(|distance| *distance > 0.0);
        Self { least: positive.fold(f64::INFINITY, f64::min), nodes }
    }

    /// The cluster of every distinct point.
    fn clusters(&self, smallest: f64) -> Vec<Option<u32>> {
        let branches = self.condensed(smallest);
        // Parents stand before their children.
        let mut best: Vec<f64> = vec![0.0; branches.len()];
        let mut taken = vec![false; branches.len()];
        for index in (1..branches.len()).rev() {
            let below: f64 =
                (index + 1..branches.len()).filter(|&b| branches[b].parent == index).map(|b| best[b]).sum();
            taken[index] = branches[index].stability >= below;
            best[index] = below.max(branches[index].stability);
        }
        let mut labels = vec![None; self.nodes.iter().take_while(|node| node.children.is_empty()).count()];
        let mut within = vec![None; branches.len()];
        let mut next = 0;
        for index in 1..branches.len() {
            within[index] = within[branches[index].parent];
            if within[index].is_none() && taken[index] {
                within[index] = Some(next);
                next += 1;
            }
        }
        for (branch, label) in branches.iter().zip(within) {
            branch.points.iter().for_each(|&point| labels[point] = label);
        }
        labels
    }

    /// The hierarchy without what is too small to be a cluster: such points fall out of their branch.
    fn condensed(&self, smallest: f64) -> Vec<Branch> {
        let root = self.nodes.len() - 1;
        let mut branches = vec![Branch { parent: 0, born: 0.0, stability: 0.0, points: vec![] }];
        let mut stack = vec![(root, 0)];
        while let Some((index, branch)) = stack.pop() {
            let node = &self.nodes[index];
            let density = 1.0 / node.distance.max(self.least);
            let gain = (density - branches[branch].born).max(0.0);
            let (large, small): (Vec<usize>, Vec<usize>) =
                node.children.iter().partition(|child| self.nodes[**child].rows >= smallest);
            if node.children.is_empty() {
                branches[branch].stability += gain * node.rows;
                branches[branch].points.push(index);
            }
            for child in small {
                branches[branch].stability += gain * self.nodes[child].rows;
                self.points_of(child, &mut branches[branch].points);
            }
            match large.as_slice() {
                [only] => stack.push((*only, branch)),
                several => {
                    for child in several {
                        branches[branch].stability += gain * self.nodes[*child].rows;
                        stack.push((*child, branches.len()));
                        branches.push(Branch { parent: branch, born: density, stability: 0.0, points: vec![] });
                    }
                }
            }
        }
        branches
    }

    fn points_of(&self, node: usize, points: &mut Vec<usize>) {
        let mut stack = vec![node];
        while let Some(node) = stack.pop() {
            stack.extend(&self.nodes[node].children);
            if self.nodes[node].children.is_empty() {
                points.push(node);
            }
        }
    }
}

/// What stays one cluster, though points fall out of it, from one split to the next.
struct Branch {
    parent: usize,
    /// The density (1 / distance) at which it split off.
    born: f64,
    /// Sum over its rows of how much denser it can get before they fall out.
    stability: f64,
    /// Those that fell out of it, and of no branch below.
    points: Vec<usize>,
}

/// The edges of a least spanning tree by mutual reachability (R. Prim, 1957), with their lengths.
fn spanning_tree(sample: &Sample, reach: &[f64]) -> Vec<(f64, usize, usize)> {
    let m = sample.distinct();
    let mut outside: Vec<(usize, f64, usize)> = (1..m).map(|point| (point, f64::INFINITY, 0)).collect();
    let mut edges = Vec::with_capacity(m.saturating_sub(1));
    let mut last = 0;
    while !outside.is_empty() {
        let x = sample.point(last);
        let mut nearest = 0;
        for place in 0..outside.len() {
            let (point, length, _) = outside[place];
            let through = square_distance(x, sample.point(point)).sqrt().max(reach[last]).max(reach[point]);
            if through < length {
                (outside[place].1, outside[place].2) = (through, last);
            }
            let key = |place: usize| (outside[place].1, outside[place].0);
            if key(place) < key(nearest) {
                nearest = place;
            }
        }
        let (point, length, from) = outside.swap_remove(nearest);
        edges.push((length, from, point));
        last = point;
    }
    edges
}
