//! The rows of a sample grouped by their labels, in an order that depends on points and labels alone.

use super::sample::Sample;

/// Members are distinct points with a weight; the members with the same labels in every labelling are a group.
pub(super) struct Groups {
    /// The point of each member; members by group, inside a group in canonical order.
    pub points: Vec<usize>,
    pub weights: Vec<f64>,
    /// Where each group ends among the members.
    pub ends: Vec<usize>,
    /// The labels of each group, `groups x labelings`.
    pub labels: Vec<u32>,
    /// The member that stands for each row.
    pub member_of: Vec<usize>,
}

impl Groups {
    /// Each of `labelings` has one label per row of the sample.
    pub fn new(sample: &Sample, labelings: &[&[u32]]) -> Self {
        let mut order = sample.order().to_vec();
        // Stable sorts from the last labelling to the first leave the rows sorted by all of them, then by point.
        labelings.iter().rev().for_each(|labels| order.sort_by_key(|&row| labels[row]));
        let mut groups = Self {
            points: Vec::new(),
            weights: Vec::new(),
            ends: Vec::new(),
            labels: Vec::new(),
            member_of: vec![0; sample.rows()],
        };
        let mut last = None;
        for &row in &order {
            let same_group = last.is_some_and(|last: usize| labelings.iter().all(|labels| labels[last] == labels[row]));
            if !same_group {
                groups.ends.push(groups.points.len());
                groups.labels.extend(labelings.iter().map(|labels| labels[row]));
            }
            if !same_group || groups.points.last() != Some(&sample.point_of(row)) {
                groups.points.push(sample.point_of(row));
                groups.weights.push(0.0);
            }
            let member = groups.points.len() - 1;
            groups.weights[member] += 1.0;
            groups.member_of[row] = member;
            groups.ends[groups.labels.len() / labelings.len() - 1] = member + 1;
            last = Some(row);
        }
        groups
    }
}

/// One more than the largest label.
pub(super) fn n_labels(labels: &[u32]) -> usize {
    labels.iter().max().map_or(0, |&label| label as usize + 1)
}
