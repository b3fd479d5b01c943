//! The list of assigned customers: CSV for people, JSON lines for programs.

use serde_json::{Map, Value as Json, json};

use super::{Assigned, Outside};
use crate::exec::customers::Feature;
use crate::exec::place::Near;
use crate::list::{Cell, of_feature, rules};
use crate::output::csv::{Texts, write};
use crate::summarize::in_unit;
use crate::time::{iso, iso_date};
use crate::types::Base;

/// One row per customer: customer, segment, cluster, distance and margin (where there are clusters), values outside what
/// the model saw, why there is no segment, the moment from which purchases were looked at, the features, the rule.
pub(super) fn csv(assigned: &Assigned, texts: Texts) -> Vec<u8> {
    let (placed, plan) = (&assigned.placed, &assigned.assigner.plan);
    let mut writer = csv::Writer::from_writer(vec![]);
    let clusters: &[&str] = if plan.cluster.is_some() { &["cluster", "distance", "margin"] } else { &[] };
    let features: Vec<String> = placed.customers.features.iter().map(|f| heading(assigned, f)).collect();
    // A feature may be called `distance` too; the column of its name is the feature's.
    let own = |name: &&str| match features.iter().any(|feature| feature == name) {
        true => format!("model_{name}"),
        false => (*name).to_owned(),
    };
    let head = ["customer", "segment"].iter().chain(clusters).chain(&["outside", "reason", "as_of"]).map(own);
    write(&mut writer, head.chain(features.iter().cloned()).chain(["rule".to_owned()]));
    let rules = rules(plan);
    let as_of = placed.as_of.map_or(Cell::Missing, Cell::Time);
    for (row, placement) in placed.placements.iter().enumerate() {
        let segment = placement.segment.as_ref();
        let near = placement.cluster.as_ref();
        let whole = |n: &Near| n.cluster.map_or(Cell::Missing, |cluster| Cell::Whole(i64::from(cluster)));
        let of_cluster = [
            near.map_or(Cell::Missing, whole),
            near.map_or(Cell::Missing, |n| Cell::Number(n.distance)),
            near.and_then(|n| n.margin).map_or(Cell::Missing, Cell::Number),
        ];
        let outside: Vec<String> = assigned.outside[row].iter().map(|o| in_words(assigned, o)).collect();
        let outside = outside.join("; ");
        let text = |text: Option<&'_ String>| text.map_or(String::new(), |text| texts.text(text));
        let mut record = vec![texts.text(&placed.customers.ids[row]), text(segment.map(|s| &s.label))];
        record.extend(of_cluster.into_iter().take(clusters.len()).map(|cell| texts.cell(cell)));
        record.extend([texts.text(&outside), text(placement.reason.as_ref()), texts.cell(as_of)]);
        record.extend(placed.customers.features.iter().map(|f| texts.cell(of_feature(f, row))));
        record.push(text(segment.map(|s| &rules[s.rule as usize])));
        write(&mut writer, record);
    }
    writer.into_inner().expect("writing to memory does not fail")
}

/// The same as one object per line. Numbers that are not finite do not appear.
pub(super) fn json_lines(assigned: &Assigned) -> Vec<u8> {
    let (placed, rules) = (&assigned.placed, rules(&assigned.assigner.plan));
    let mut out = vec![];
    for (row, placement) in placed.placements.iter().enumerate() {
        let near = placement.cluster.as_ref();
        let features: Map<String, Json> =
            placed.customers.features.iter().map(|f| (heading(assigned, f), json_cell(of_feature(f, row)))).collect();
        let outside: Vec<Json> = assigned.outside[row].iter().map(|o| json_outside(assigned, o)).collect();
        let line = json!({
            "customer": placed.customers.ids[row],
            "segment": placement.segment.as_ref().map(|s| &s.label),
            "rule": placement.segment.as_ref().map(|s| &rules[s.rule as usize]),
            "cluster": near.and_then(|n| n.cluster),
            "distance": near.map(|n| n.distance),
            "margin": near.and_then(|n| n.margin),
            "outside": outside,
            "reason": placement.reason,
            "as_of": placed.as_of.map(iso),
            "features": features,
        });
        out.extend_from_slice(line.to_string().as_bytes());
        out.push(b'\n');
    }
    out
}

fn heading(assigned: &Assigned, feature: &Feature) -> String {
    feature.base.heading(&feature.name, assigned.assigner.plan.currency.as_deref())
}

fn json_cell(cell: Cell) -> Json {
    match cell {
        Cell::Missing => Json::Null,
        Cell::Text(text) => json!(text),
        Cell::Whole(n) => json!(n),
        Cell::Number(x) => json!(Some(x).filter(|x| x.is_finite())),
        Cell::Bool(b) => json!(b),
        Cell::Date(micros) => json!(iso_date(micros)),
        Cell::Time(micros) => json!(iso(micros)),
    }
}

/// `recency_days 400 > 373`: the value, and the largest or smallest that the model saw.
fn in_words(assigned: &Assigned, outside: &Outside) -> String {
    let (heading, base) = outside_of(assigned, outside);
    let sign = if outside.value > outside.bound { '>' } else { '<' };
    format!("{heading} {} {sign} {}", in_unit(base, outside.value), in_unit(base, outside.bound))
}

fn json_outside(assigned: &Assigned, outside: &Outside) -> Json {
    let (heading, base) = outside_of(assigned, outside);
    let side = if outside.value > outside.bound { "max" } else { "min" };
    let value = Some(in_unit(base, outside.value)).filter(|x| x.is_finite());
    json!({"feature": heading, "value": value, side: in_unit(base, outside.bound)})
}

fn outside_of(assigned: &Assigned, outside: &Outside) -> (String, Base) {
    let plan = &assigned.assigner.plan;
    let feature = plan.features().nth(outside.feature).expect("the model has the features of its plan");
    (feature.value.base.heading(&feature.name, plan.currency.as_deref()), feature.value.base)
}
