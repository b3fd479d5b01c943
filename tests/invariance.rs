//! What a result does not depend on: the order of rows, the files they are spread over, the number of threads, and what
//! customers are called.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use segc::build::Built;
use segc::exec::customers::Values;
use segc::exec::{Customers, Ledger};
use segc::outcome::Outcome;

use crate::oracle::generate::{self, COLUMNS, Choices};
use crate::support::{Case, root, segc, stderr};

/// What a build says of a customer, to the last bit.
type Measured = BTreeMap<String, (Vec<String>, String)>;

fn measured(built: &Built) -> Measured {
    let Customers { ids, features, .. } = &built.execution.customers;
    let labelled = &built.execution.labelled;
    let bits = |values: &Values, row: usize| match values {
        Values::Numbers(numbers) => format!("{:x}", numbers[row].to_bits()),
        Values::Texts(texts) => format!("{:?}", texts[row]),
        Values::Bools(bools) => format!("{:?}", bools[row]),
    };
    let of = |(row, id): (usize, &String)| {
        let label = labelled.segments[labelled.of_customer[row] as usize].label.clone();
        (id.clone(), (features.iter().map(|f| bits(&f.values, row)).collect(), label))
    };
    ids.iter().enumerate().map(of).collect()
}

/// What comes out of a table spread over files; the codes of mistakes where nothing does.
fn outcome(spec: &str, tables: &[&str]) -> Result<(Ledger, Option<i64>, Measured), Vec<&'static str>> {
    let names: Vec<String> = (0..tables.len()).map(|nth| format!("part{nth}.csv")).collect();
    let listed: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    let case = Case::new(&spec.replace("\"orders.csv\"", &listed.join(", ")), "");
    names.iter().zip(tables).for_each(|(name, table)| {
        case.put(name, table);
    });
    match case.build() {
        Ok(built) => Ok((built.execution.ledger.clone(), built.execution.as_of, measured(&built))),
        Err(found) => Err(found.iter().filter(|d| d.is_error()).map(|d| d.code).collect()),
    }
}

/// Polars summed the floats of a group in the order of their rows: 0.1 + 0.333 + 0.333 + 0.333 is not what it is the other
/// way round.
#[test]
fn sums_of_shares_do_not_depend_on_the_order_of_rows() {
    let spec = "segmentation case {
      source orders from \"orders.csv\" { customer: id; rate: share; at: datetime }
      as_of max(at) + 1 day
      features { all_rates = sum(rate); rates = mean(rate); spread = std(rate) }
      label customers { otherwise \"Rest\" }
    }";
    let rows = ["a,10%,2024-01-01", "a,33.3%,2024-01-02", "a,33.3%,2024-01-02", "a,33.3%,2024-01-02"];
    let table = |order: [usize; 4]| order.iter().fold("customer,rate,at\n".to_owned(), |t, &i| t + rows[i] + "\n");
    let straight = outcome(spec, &[&table([0, 1, 2, 3])]).unwrap();
    assert_eq!(outcome(spec, &[&table([3, 2, 1, 0])]).unwrap(), straight);
    assert_eq!(outcome(spec, &[&table([1, 2, 0, 3])]).unwrap(), straight);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 100,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(7),
        ..ProptestConfig::default()
    })]

    /// Rows in another order and in three files give the same customers, features, scores and labels, bit for bit; and
    /// the same again for customers who are called otherwise.
    #[test]
    fn rows_may_be_shuffled_split_and_their_customers_renamed(
        spec in prop::collection::vec(any::<u16>(), 0..400),
        table in prop::collection::vec(any::<u16>(), 0..500),
        order in prop::collection::vec(any::<u16>(), 50),
    ) {
        let spec = generate::spec(&mut Choices::of(&spec));
        // Which of two rows that are alike in some columns only is the repeated one is a question of order.
        prop_assume!(!spec.contains("duplicate on"));
        let table = generate::table(&mut Choices::of(&table)).text;
        let (header, rows) = table.split_once('\n').unwrap();
        let straight = outcome(&spec, &[&table]);
        prop_assume!(straight.as_ref().err().is_none_or(|codes| codes.iter().all(|code| code.starts_with("SEG04"))));

        let mut shuffled: Vec<(u16, &str)> = order.iter().copied().cycle().zip(rows.lines()).collect();
        shuffled.sort_by_key(|(key, row)| (*key, std::cmp::Reverse(*row)));
        let parts: Vec<String> = (0..3)
            .map(|part| {
                let mine = shuffled.iter().enumerate().filter(|(nth, _)| nth % 3 == part);
                mine.fold(format!("{header}\n"), |text, (_, (_, row))| text + row + "\n")
            })
            .collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let found = outcome(&spec, &parts);
        prop_assert_eq!(&found, &straight, "{}\n{}", spec, parts.join("\n"));

        // Only where customers are nothing but told apart: declared, and grouped by.
        let words = spec.split(|c: char| !c.is_alphanumeric() && c != '_');
        if words.filter(|word| *word == "customer").count() == 2 && spec.contains("customers by customer\n") {
            let ids = COLUMNS[0].3;
            // Whoever was first in the list is somewhere else in it.
            let renamed = |id: &str| match ids.iter().position(|known| *known == id) {
                Some(nth) => format!("{}{nth}", ["m", "c", "x", "a", "Z", "é"][nth]),
                None => id.to_owned(),
            };
            let rows = rows.lines().map(|row| row.split_once(',').unwrap());
            let table = rows.fold(format!("{header}\n"), |text, (id, cells)| text + &renamed(id) + "," + cells + "\n");
            let found = outcome(&spec, &[&table]);
            let expected = straight.map(|(ledger, as_of, customers)| {
                (ledger, as_of, customers.into_iter().map(|(id, of)| (renamed(&id), of)).collect())
            });
            prop_assert_eq!(&found, &expected, "{}\n{}", spec, table);
        }
    }
}

/// Builds a spec with the command, on so many threads.
#[track_caller]
fn build(spec: &Path, threads: &str) -> (Outcome, Vec<u8>, Vec<u8>) {
    let out = spec.with_extension("out");
    let mut command = segc(&["build"]);
    command.arg(spec).arg("-o").arg(&out).env("RAYON_NUM_THREADS", threads).env("POLARS_MAX_THREADS", threads);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let read = |name: &str| fs::read(out.join(name)).unwrap();
    (serde_json::from_slice(&read("outcome.json")).unwrap(), read("segments.csv"), read("segments.parquet"))
}

/// The shop, clusters and all: its rows shuffled and in three files on one, two and four threads give the same list, byte
/// for byte; its customers called otherwise get what they got.
#[test]
fn the_shop_shuffled_split_and_renamed_has_the_same_segments() {
    let mut table = String::new();
    let packed = fs::File::open(root().join("specs/data/shop.csv.gz")).unwrap();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(packed), &mut table).unwrap();
    let spec = fs::read_to_string(root().join("specs/shop.seg")).unwrap();
    let case = Case::new(&spec.replace("data/shop.csv.gz", "orders.csv"), &table);
    let (straight, csv, parquet) = build(&case.path("case.seg"), "2");

    let (header, rows) = table.split_once('\n').unwrap();
    let mut rows: Vec<&str> = rows.lines().collect();
    // A multiplication by a number without a common divisor is a permutation.
    let n = rows.len();
    assert!(!n.is_multiple_of(7_919));
    rows = (0..n).map(|nth| rows[nth * 7_919 % n]).collect();
    let three = "\"part0.csv\", \"part1.csv\", \"part2.csv\"";
    case.put("split.seg", &spec.replace("\"data/shop.csv.gz\"", three));
    for (part, rows) in rows.chunks(n / 3 + 1).enumerate() {
        case.put(&format!("part{part}.csv"), &format!("{header}\n{}\n", rows.join("\n")));
    }
    for threads in ["1", "2", "4"] {
        let found = build(&case.path("split.seg"), threads);
        assert_eq!((&found.0.rows, &found.0.segments), (&straight.rows, &straight.segments), "{threads} threads");
        assert!(found.1 == csv && found.2 == parquet, "the lists differ on {threads} threads");
    }

    // Five digits, of which the last come first now.
    let renamed = |id: &str| id.chars().rev().collect::<String>() + "-";
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let mut writer = csv::Writer::from_writer(vec![]);
    writer.write_record(reader.headers().unwrap()).unwrap();
    for record in reader.records() {
        let record = record.unwrap();
        let id = if record[6].is_empty() { String::new() } else { renamed(&record[6]) };
        writer.write_record(record.iter().take(6).chain([id.as_str(), &record[7]])).unwrap();
    }
    case.put("orders.csv", &String::from_utf8(writer.into_inner().unwrap()).unwrap());
    let (_, other, _) = build(&case.path("case.seg"), "2");
    let list = |csv: &[u8], rename: &dyn Fn(&str) -> String| -> BTreeMap<String, Vec<String>> {
        let mut reader = csv::Reader::from_reader(csv);
        let records = reader.records().map(Result::unwrap);
        records.map(|r| (rename(&r[0]), r.iter().skip(1).map(str::to_owned).collect())).collect()
    };
    let expected = list(&csv, &renamed);
    assert_eq!(expected.len(), 800);
    assert!(list(&other, &str::to_owned) == expected, "customers who are called otherwise get something else");
}
