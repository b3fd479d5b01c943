//! Sources in PostgreSQL, on a server that the tests start.

pub mod failures;
mod pushdown;
mod reading;

use std::io::{Read, Write};

use segc::build::{Built, build};
use segc::compile::compile;
use segc::diagnostics::{Diagnostic, render};
use segc::outcome::Outcome;
use segc::progress::Silent;
use segc::world::World;
use serde_json::Value;

use crate::support::postgres::{Cluster, Database};
use crate::support::{Case, root};

/// The carried shop as a table, with the types that a database has for it.
fn shop(cluster: &'static Cluster, name: &str) -> Database {
    let database = cluster.database(
        name,
        "CREATE TABLE sales (\"InvoiceNo\" text, \"StockCode\" varchar(20), \"Description\" text, \"Quantity\" int, \
         \"InvoiceDate\" timestamp, \"UnitPrice\" numeric, \"CustomerID\" text, \"Country\" text)",
    );
    let mut csv = vec![];
    let file = std::fs::File::open(root().join("specs/data/shop.csv.gz")).unwrap();
    flate2::read::GzDecoder::new(file).read_to_end(&mut csv).unwrap();
    copy(&database, "sales", &csv);
    database
}

/// Loads a CSV with a header into a table.
fn copy(database: &Database, table: &str, csv: &[u8]) {
    let mut client = database.cluster.client(&database.name);
    let mut writer = client.copy_in(&format!("COPY {table} FROM STDIN (FORMAT csv, HEADER)")).unwrap();
    writer.write_all(csv).unwrap();
    writer.finish().unwrap();
}

/// `specs/shop.seg` over the table.
fn shop_spec(settings: &str) -> String {
    let spec = std::fs::read_to_string(root().join("specs/shop.seg")).unwrap();
    let spec = spec.replace("\"data/shop.csv.gz\" {", &format!("postgres env \"SHOP_DB\" {{\n    {settings}"));
    assert!(spec.contains("postgres env"), "the spec of the shop has changed");
    spec
}

/// A small spec over `customer, price, at` of a table or query.
fn spec(settings: &str) -> String {
    format!(
        "segmentation shop {{
  currency EUR
  source orders from postgres env \"SHOP_DB\" {{ {settings}; customer: id; price: money; at: datetime }}
  revenue price
  as_of @2024-07-01
  features {{ spend = sum(price) }}
  label customers {{ otherwise \"All\" }}
}}
"
    )
}

fn build_in(world: &dyn World, case: &Case) -> Result<Built, Vec<Diagnostic>> {
    build(world, &compile(world, &case.path("case.seg"), &[]), &Silent)
}

#[track_caller]
fn built_in(world: &dyn World, case: &Case) -> Built {
    build_in(world, case).unwrap_or_else(|found| panic!("{}", text(world, case, &found)))
}

fn text(world: &dyn World, case: &Case, found: &[Diagnostic]) -> String {
    render::text(found, &compile(world, &case.path("case.seg"), &[]).sources, false)
}

/// Where two outcomes differ, apart from the text of the spec and the digests of inputs.
fn unlike(a: &Outcome, b: &Outcome) -> Option<String> {
    let said = |outcome: &Outcome| {
        let mut value = serde_json::to_value(outcome).unwrap();
        let fields = value.as_object_mut().unwrap();
        fields.remove("spec");
        fields.remove("inputs");
        value
    };
    difference("outcome", &said(a), &said(b))
}

/// The first place where two values differ, and both values there.
fn difference(path: &str, a: &Value, b: &Value) -> Option<String> {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            a.iter().find_map(|(key, value)| difference(&format!("{path}.{key}"), value, &b[key]))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let mut pairs = a.iter().zip(b).enumerate();
            pairs.find_map(|(at, (a, b))| difference(&format!("{path}[{at}]"), a, b))
        }
        (a, b) => (a != b).then(|| format!("{path}: {a} and {b}")),
    }
}
