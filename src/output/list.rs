//! The list of customers with their segments: CSV for people and CRMs, Parquet for programs. And the rows that were
//! refused.

use std::fs::File;

use crate::build::{Built, SourceRead};
use crate::exec::customers::{Feature, Values};
use crate::exec::parquet::{self, Cells};
use crate::summarize::in_unit;
use crate::time::iso;
use crate::types::Base;

/// Columns of the list beside the features.
pub const OWN_HEADINGS: [&str; 4] = ["customer", "segment", "cluster", "rule"];

/// One row per customer, in the order of ids: customer, segment, cluster (where there are any), the features, the rule.
pub fn csv(built: &Built) -> Vec<u8> {
    let run = &built.execution;
    let mut writer = csv::Writer::from_writer(vec![]);
    let currency = built.plan.currency.as_deref();
    let has_clusters = run.clustering.is_some();
    let mut head = vec!["customer".to_owned(), "segment".to_owned()];
    head.extend(has_clusters.then(|| "cluster".to_owned()));
    head.extend(run.customers.features.iter().map(|f| f.base.heading(&f.name, currency)));
    head.push("rule".to_owned());
    write(&mut writer, &head);
    for (row, id) in run.customers.ids.iter().enumerate() {
        let mut record = vec![harmless(id), harmless(segment(built, row))];
        if let Some(clustering) = &run.clustering {
            record.push(clustering.labels()[row].to_string());
        }
        record.extend(run.customers.features.iter().map(|f| cell(f, row)));
        record.push(harmless(rule(built, row)));
        write(&mut writer, &record);
    }
    writer.into_inner().expect("writing to memory does not fail")
}

/// The same columns with their types.
pub fn write_parquet(built: &Built, file: File) -> Result<(), String> {
    let run = &built.execution;
    let rows = 0..run.customers.ids.len();
    let currency = built.plan.currency.as_deref();
    let mut columns = vec![
        ("customer".to_owned(), Cells::Texts(run.customers.ids.iter().map(|id| Some(id.as_str())).collect())),
        ("segment".to_owned(), Cells::Texts(rows.clone().map(|r| Some(segment(built, r))).collect())),
    ];
    if let Some(clustering) = &run.clustering {
        let clusters = clustering.labels().iter().map(|c| Some(i64::from(*c))).collect();
        columns.push(("cluster".to_owned(), Cells::Whole(clusters)));
    }
    for feature in &run.customers.features {
        columns.push((feature.base.heading(&feature.name, currency), Cells::Feature(feature.base, &feature.values)));
    }
    let rules: Vec<String> = rows.clone().map(|r| rule(built, r)).collect();
    columns.push(("rule".to_owned(), Cells::Texts(rules.iter().map(|r| Some(r.as_str())).collect())));
    parquet::write(file, columns, rows.len()).map_err(|e| format!("{e:?}"))
}

/// Every row that could not be read: where, what was found, and why it was refused.
pub fn rejects(sources: &[SourceRead]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(vec![]);
    write(&mut writer, &["file", "row", "column", "value", "reason"].map(str::to_owned));
    for source in sources {
        for refusal in &source.refused {
            let column = refusal.column.map_or("", |i| source.columns[i].as_str());
            let cells = [&refusal.file, column, &refusal.value, &refusal.reason].map(harmless);
            let [file, column, value, reason] = cells;
            write(&mut writer, &[file, refusal.row.to_string(), column, value, reason]);
        }
    }
    writer.into_inner().expect("writing to memory does not fail")
}

fn segment(built: &Built, row: usize) -> &str {
    let labelled = &built.execution.labelled;
    &labelled.segments[labelled.of_customer[row] as usize].label
}

/// `2: recency < all.recency`: the rule's place from 1, and its condition.
fn rule(built: &Built, row: usize) -> String {
    let index = built.execution.labelled.rule_of_customer[row] as usize;
    let words = built.plan.labels.rules[index].words.as_deref().unwrap_or("otherwise");
    format!("{}: {words}", index + 1)
}

fn cell(feature: &Feature, row: usize) -> String {
    match &feature.values {
        Values::Texts(texts) => texts[row].as_deref().map_or(String::new(), harmless),
        Values::Bools(bools) => bools[row].map_or(String::new(), |b| b.to_string()),
        Values::Numbers(numbers) => match (numbers[row], feature.base) {
            (x, _) if x.is_nan() => String::new(),
            (x, Base::Date) => iso(x as i64)[..10].to_owned(),
            (x, Base::Datetime) => iso(x as i64),
            (x, base) => in_unit(base, x).to_string(),
        },
    }
}

/// A text that a spreadsheet would run as a formula gets an apostrophe in front (OWASP, CSV injection).
fn harmless(text: impl AsRef<str>) -> String {
    let text = text.as_ref();
    let runs = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '|', '＝', '＋', '－', '＠']);
    if runs { format!("'{text}") } else { text.to_owned() }
}

fn write(writer: &mut csv::Writer<Vec<u8>>, record: &[String]) {
    writer.write_record(record).expect("records of one file have one length");
}
