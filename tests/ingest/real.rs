//! The public data sets. Numbers are from their description and from a run of Python 3.11.7 (csv, decimal) over the files.

use std::collections::HashSet;

use segc::ingest::{Format, InputFile, Loaded, Request, read, schema};
use segc::progress::Silent;
use segc::table::{Cells, ColumnData, TextColumn};

use super::{data, detections, requests, rows};

const RETAIL: &str = "invoice: text = InvoiceNo; product: text = StockCode; item: text = Description; quantity: int = \
    Quantity; at: datetime = InvoiceDate; price: money = UnitPrice; customer: id = CustomerID; country: text = Country";

fn retail(file: InputFile, columns: &str) -> Loaded {
    let request = Request { files: vec![file], columns: requests(columns), identity: true, ..Request::default() };
    let loaded = read(&request, &Silent).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((loaded.refused.len(), loaded.read), (0, loaded.table.height as u64));
    loaded
}

fn text<'a>(loaded: &'a Loaded, column: &str) -> &'a TextColumn {
    let Some(ColumnData::Text(text)) = loaded.table.column(column) else { panic!("{column} is text") };
    text
}

fn missing(column: &TextColumn) -> usize {
    column.codes.iter().filter(|code| **code == TextColumn::MISSING).count()
}

fn price_and_quantity(loaded: &Loaded) -> (&Cells<i64>, u8, &Cells<i64>) {
    let Some(ColumnData::Decimal { cells, scale }) = loaded.table.column("price") else { panic!("price is money") };
    let Some(ColumnData::Int(quantity)) = loaded.table.column("quantity") else { panic!("quantity is int") };
    (cells, *scale, quantity)
}

fn repeats(loaded: &Loaded) -> usize {
    let ids = loaded.identity.as_ref().expect("it was asked for");
    ids.len() - ids.iter().collect::<HashSet<_>>().len()
}

fn check_online_retail(loaded: &Loaded) {
    assert_eq!(loaded.table.height, 541_909);
    let distinct = ["invoice", "product", "item", "customer", "country"].map(|name| text(loaded, name).words.len());
    assert_eq!(distinct, [25_900, 4_070, 4_223, 4_372, 38]);
    assert_eq!((missing(text(loaded, "customer")), missing(text(loaded, "item"))), (135_080, 1_454));
    assert!(text(loaded, "invoice").words.iter().any(|word| &**word == "536365"));
    assert!(text(loaded, "invoice").words.iter().any(|word| &**word == "C536379"));
    let (price, scale, quantity) = price_and_quantity(loaded);
    assert_eq!(scale, 3);
    assert_eq!(price.values.iter().sum::<i64>(), 2_498_803_974);
    assert_eq!(quantity.values.iter().sum::<i64>(), 5_176_450);
    assert_eq!(price.values.iter().zip(&quantity.values).map(|(p, q)| p * q).sum::<i64>(), 9_747_747_934);
    let Some(ColumnData::Time(at)) = loaded.table.column("at") else { panic!("at is a time") };
    let range = (at.values.iter().min().copied(), at.values.iter().max().copied());
    assert_eq!(
        range,
        (Some(1_291_191_960_000_000), Some(1_323_435_000_000_000)),
        "2010-12-01 08:26 to 2011-12-09 12:50"
    );
    assert!(at.values.iter().all(|time| time % 60_000_000 == 0), "all times are full minutes");
    assert_eq!(repeats(loaded), 5_268);
}

#[test]
fn online_retail_is_the_same_table_from_csv_and_from_its_workbook() {
    let (Some(csv), Some(xlsx)) = (data("online_retail.csv.gz"), data("online_retail.xlsx")) else { return };
    let schemas = [&csv, &xlsx].map(|file| schema(file, &Format::default()).unwrap());
    assert_eq!(schemas[0].headers, schemas[1].headers);
    assert_eq!(schemas[1].sheet.as_deref(), Some("Online Retail"));
    let (csv, xlsx) = (retail(csv, RETAIL), retail(xlsx, RETAIL));
    assert_eq!(detections(&csv.detected), ["delimiter ,", "encoding utf-8"]);
    assert_eq!(detections(&xlsx.detected), ["sheet Online Retail"]);
    check_online_retail(&csv);
    check_online_retail(&xlsx);
    assert!(csv.table == xlsx.table, "cell for cell");
    assert!(csv.identity == xlsx.identity, "a row looks the same in both files");
    let hash = |loaded: &Loaded| loaded.files[0].sha256.clone();
    assert_eq!(hash(&csv), "a0c9c63af86ada619005203b889a70f009c9daa18dc8009dfa5be59b5b0b7500");
    assert_eq!(hash(&xlsx), "ed8cecfdf2bc523d02065ac0a7fb837b5e458c30e80010dacca77f25d594d0e5");
}

#[test]
fn online_retail_ii_is_read_whole() {
    let Some(file) = data("online_retail_ii.csv.gz") else { return };
    let columns = "product: text = StockCode; item: text = Description; quantity: int = Quantity; at: datetime = \
        InvoiceDate; price: money = Price; customer: id = Customer ID";
    let loaded = retail(file, columns);
    assert_eq!((loaded.table.height, repeats(&loaded)), (1_067_371, 34_335));
    assert_eq!((missing(text(&loaded, "customer")), missing(text(&loaded, "item"))), (243_007, 4_382));
    let (price, scale, quantity) = price_and_quantity(&loaded);
    assert_eq!(scale, 3);
    assert_eq!(price.values.iter().zip(&quantity.values).map(|(p, q)| p * q).sum::<i64>(), 19_287_250_568);
}

#[test]
fn cdnow_needs_no_word_about_its_format() {
    let (Some(master), Some(sample)) = (data("cdnow_master.txt"), data("cdnow_sample.txt")) else { return };
    let columns = "customer: id = customer_id; at: date = date; cds: int = number_of_cds; price: money = dollar_value";
    let loaded = retail(master, columns);
    assert_eq!((loaded.table.height, repeats(&loaded)), (69_659, 255));
    assert_eq!(rows(&loaded)[..2], ["00001|1997-01-01|1|11.77", "00002|1997-01-12|1|12.00"]);
    assert_eq!(text(&loaded, "customer").words.len(), 23_570);
    let Some(ColumnData::Decimal { cells, .. }) = loaded.table.column("price") else { panic!("price is money") };
    assert_eq!(cells.values.iter().filter(|value| **value == 0).count(), 80);
    assert_eq!(detections(&loaded.detected), ["delimiter whitespace", "encoding utf-8"]);
    let loaded = retail(sample, "customer: id = #2; at: date = #3; price: money = #5");
    assert_eq!((loaded.table.height, text(&loaded, "customer").words.len()), (6_919, 2_357));
    assert_eq!(detections(&loaded.detected), ["delimiter whitespace", "encoding utf-8", "header? no"]);
}
