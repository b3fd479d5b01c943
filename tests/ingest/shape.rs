//! What stands around a table: titles, totals, headers again; and rows that are equal whatever the order of columns.

use segc::ingest::{Format, Request, read};
use segc::progress::Silent;

use super::{Folder, detection, detections, load, load_as, refusals, requests, rows, try_load};

const COLUMNS: &str = "customer: id = Customer; at: date = Date; amount: money = Amount";
const SHOP: [&str; 3] = ["ada|2024-01-05|2.50", "ben|2024-02-09|4.25", "ada|2024-03-12|61.65"];
const TABLE: &str = "Customer,Date,Amount\nada,2024-01-05,2.50\nben,2024-02-09,4.25\nada,2024-03-12,61.65\n";

#[test]
fn titles_above_the_table_are_found_by_the_wanted_headers() {
    // Above the table, what is detected, whether it is certain, the row of the header.
    let cases = [
        ("Sales report\n", "skip 1", 2),
        ("Sales report\nJanuary to March\n\n", "skip 2", 4),
        ("Sales report,,\n,,\n\"\", ,\n", "skip 1", 4),
        ("\"Sales, by customer\nof the shop\"\n", "skip 1", 3),
        ("Customer group:,all,\nPeriod,2024-01-01,2024-03-31\n", "skip 2", 3),
        ("5,6,7\n8,9,10\n", "skip 2", 3),
    ];
    for (above, pin, row) in cases {
        let loaded = load(format!("{above}{TABLE}"), COLUMNS);
        assert_eq!((rows(&loaded), refusals(&loaded)), (SHOP.map(str::to_owned).to_vec(), vec![]), "{above}");
        let found = detection(&loaded, "start of the table");
        let evidence = format!("the first row with the names of columns is row {row}");
        assert_eq!((found.pin.as_str(), found.certain, &found.evidence), (pin, true, &evidence), "{above}");
        let delimiter = detection(&loaded, "delimiter");
        assert_eq!((delimiter.value.as_str(), delimiter.certain), (",", true), "{above}: {}", delimiter.evidence);
    }
    let loaded = load(TABLE, COLUMNS);
    assert!(!loaded.detected.iter().any(|found| found.what == "start of the table"));
    // Rows are numbered as in the file.
    let loaded = load(format!("Sales report\r\n\r\n{}", TABLE.replace("4.25", "free").replace('\n', "\r\n")), COLUMNS);
    assert_eq!(refusals(&loaded), ["5 amount `free`: not a number"]);
}

#[test]
fn titles_do_not_hide_the_delimiter() {
    let table = TABLE.replace(',', ";").replace('.', ",");
    let loaded = load(format!("Sales, Q1\nin EUR, all shops\n{table}"), COLUMNS);
    assert_eq!(rows(&loaded), SHOP);
    assert_eq!(detection(&loaded, "delimiter").value, ";");
    // Without names to look for, the shape of the rows tells.
    let loaded = load(format!("Sales report\nQ1\n{table}"), "customer: id = #1; amount: money = #3");
    assert_eq!(rows(&loaded), ["ada|2.50", "ben|4.25", "ada|61.65"]);
    let found = detection(&loaded, "start of the table");
    assert_eq!((found.pin.as_str(), found.certain), ("skip 2", false));
    // One column of names is no table below a title.
    let loaded = load("name\n\"Lovelace, Ada\"\nSmith John\n", "name: text = name");
    assert_eq!(rows(&loaded), ["Lovelace, Ada", "Smith John"]);
}

#[test]
fn a_stated_number_of_rows_is_skipped() {
    let skip = |rows: u32| Format { skip: Some(rows), ..Format::default() };
    let titled = format!("Sales report\n\nQ1,,\n{TABLE}");
    let loaded = load_as(&titled, COLUMNS, skip(2));
    assert_eq!(rows(&loaded), SHOP);
    assert!(!loaded.detected.iter().any(|found| found.what == "start of the table"));
    // A title may be broken in ways that a row of the table may not.
    assert_eq!(rows(&load_as(format!("\"a\" b\n\u{e9}\n{TABLE}"), COLUMNS, skip(2))), SHOP);
    assert!(try_load(&titled, COLUMNS, skip(0)).is_err(), "the first row is the header then");
    assert!(try_load(&titled, COLUMNS, skip(9)).is_err());
    let headless = Format { header: Some(false), ..skip(3) };
    assert_eq!(rows(&load_as(&titled, "customer: id = #1", headless)), ["ada", "ben", "ada"]);
    // `sep=;` stands above all and is no row.
    let loaded = load_as(format!("sep=;\nSales\n{}", TABLE.replace(',', ";")), COLUMNS, skip(1));
    assert_eq!(rows(&loaded), SHOP);
}

#[test]
fn totals_are_refused_and_pointed_out() {
    let beside = "looks like a total: cells beside this word are empty";
    let cases = [
        ("Total,,68.40", "5 `Total`: looks like a total: cells beside this word are empty".to_owned()),
        ("TOTALS:,,68.40", format!("5 `TOTALS:`: {beside}")),
        ("Grand Total,,68.40", format!("5 `Grand Total`: {beside}")),
        ("Gesamtsumme,,68.40", format!("5 `Gesamtsumme`: {beside}")),
        ("Total général,,68.40", format!("5 `Total général`: {beside}")),
        ("合計,,68.40", format!("5 `合計`: {beside}")),
        (",Total,68.40", format!("5 `Total`: {beside}")),
        ("Total: 3 rows", "5 `Total: 3 rows`: 1 field, the header has 3".to_owned()),
        ("Total;", "5 `Total;`: looks like a total, and has 1 field, the header has 3".to_owned()),
        ("ada Total,,64.15", format!("5 `ada Total`: {beside}")),
        ("ada Ergebnis,,64.15", String::new()),
        ("Total,,", format!("5 `Total`: {beside}")),
    ];
    for (row, refusal) in cases {
        let loaded = load(format!("{TABLE}{row}\n"), COLUMNS);
        let expected: Vec<&str> = Some(refusal.as_str()).filter(|refusal| !refusal.is_empty()).into_iter().collect();
        assert_eq!(refusals(&loaded), expected, "{row}");
        assert_eq!(rows(&loaded)[..3], SHOP, "{row}");
        let pins: Vec<&str> =
            loaded.detected.iter().filter(|d| d.what == "end of the table").map(|d| &*d.pin).collect();
        assert_eq!(!pins.is_empty(), refusal.contains("looks like a total"), "{row}: {pins:?}");
    }
    // Two rows at the end, and what stands between the parts of the table.
    let loaded =
        load(format!("{TABLE}Subtotal,,68.40\nben,2024-04-01,1\nTotal,,69.40\nprinted on,2024-05-01\n"), COLUMNS);
    assert_eq!((loaded.table.height, loaded.refused.len(), loaded.read), (4, 3, 7));
    let found = detection(&loaded, "end of the table");
    assert_eq!(
        (found.pin.as_str(), found.evidence.as_str()),
        ("footer 2", "row 7 looks like a total, and was refused")
    );
    assert!(!found.certain);
    // Whoever is called Total and buys something on a day stays a customer, with a word of warning at the end.
    let loaded = load(TABLE.replace("ben", "Total"), COLUMNS);
    assert_eq!((loaded.refused.len(), loaded.detected.iter().any(|d| d.what == "end of the table")), (0, false));
    let loaded = load(format!("{TABLE}Total,2024-03-31,68.40\n"), COLUMNS);
    let found = detection(&loaded, "end of the table");
    assert_eq!(
        (loaded.table.height, found.pin.as_str(), found.evidence.as_str()),
        (4, "footer 1", "row 5 starts with `Total`, and was read as all others")
    );
}

#[test]
fn a_stated_number_of_rows_is_left_out_at_the_end() {
    let footer = |rows: u32| Format { footer: Some(rows), ..Format::default() };
    let text = format!("{TABLE}Total,,68.40\n\"printed\non\",2024-05-01\n");
    let loaded = load_as(&text, COLUMNS, footer(2));
    assert_eq!((rows(&loaded), loaded.read), (SHOP.map(str::to_owned).to_vec(), 3));
    assert!(!loaded.detected.iter().any(|found| found.what == "end of the table"));
    assert_eq!(
        refusals(&load_as(&text, COLUMNS, footer(1))),
        ["5 `Total`: looks like a total: cells beside this word are empty"]
    );
    assert_eq!(load_as(&text, COLUMNS, footer(99)).read, 0);
    // With 0, nothing is a total.
    let loaded = load_as(format!("{TABLE}Total,,68.40\n"), COLUMNS, footer(0));
    assert_eq!((rows(&loaded)[3].as_str(), loaded.detected.len()), ("Total|·|68.40", 2));
    // What has to be decoded, and cells of every kind, come out of the waiting room as they went in.
    let latin =
        b"Customer,Date,Amount\n\xe9a,2024-01-05,1\n\"b\"\"c\",2024-02-09,2\n,,\n\xe9d,2024-03-12,x\nTotal,,3\n";
    let loaded = load_as(latin, COLUMNS, footer(1));
    assert_eq!(rows(&loaded), ["éa|2024-01-05|1", "b\"c|2024-02-09|2"]);
    assert_eq!(refusals(&loaded), ["5 amount `x`: not a number"]);
}

#[test]
fn a_header_within_the_data_is_refused_also_where_all_is_text() {
    let text = format!("{TABLE}{TABLE}");
    let loaded = load(&text, COLUMNS);
    assert_eq!((loaded.table.height, refusals(&loaded)), (6, vec!["5 `Customer`: repeats the header".to_owned()]));
    let loaded = load(&text, "customer: id = Customer; at: text = Date");
    assert_eq!((loaded.table.height, loaded.refused.len()), (6, 1));
    assert_eq!(rows(&load("a,b\nb,a\na,a\n", "a: text = a; b: text = b")), ["b|a", "a|a"]);
}

/// Three files with one row that all have, in columns of another order, of other case, and beside a column more.
#[test]
fn equal_rows_are_equal_in_any_order_of_columns() {
    let folder = Folder::new();
    let files = vec![
        folder.file("one", TABLE),
        folder.file("two", "Date;Amount;Customer\n2024-02-09;4.25;ben\n2024-02-09;4.25;ada\n"),
        folder.file("three", "note,CUSTOMER,Amount,Date\n,ben,4.25,2024-02-09\ngift,ben,4.25,2024-02-09\n"),
    ];
    let request = Request { files, columns: requests(COLUMNS), identity: true, ..Request::default() };
    let loaded = read(&request, &Silent).unwrap();
    let ids = loaded.identity.unwrap();
    let equal: Vec<(usize, usize)> =
        (0..7).flat_map(|i| (i + 1..7).map(move |j| (i, j))).filter(|&(i, j)| ids[i] == ids[j]).collect();
    assert_eq!(equal, [(1, 3), (1, 5), (3, 5)]);
    // Columns of one name are told apart by their order, and columns without a name too.
    let folder = Folder::new();
    let files = vec![folder.file("one", "a,x,x,\n1,2,3,4\n"), folder.file("two", ",x,x,a\n4,2,3,1\n4,3,2,1\n")];
    let request = Request { files, columns: requests("a: int = a"), identity: true, ..Request::default() };
    let ids = read(&request, &Silent).unwrap().identity.unwrap();
    assert_eq!((ids[0] == ids[1], ids[0] == ids[2]), (true, false));
}

#[test]
fn what_is_found_out_is_said_once_for_all_files() {
    let folder = Folder::new();
    let files = ["one", "two"].map(|name| folder.file(name, format!("Sales\n{TABLE}"))).to_vec();
    let request = Request { files, columns: requests(COLUMNS), ..Request::default() };
    let loaded = read(&request, &Silent).unwrap();
    assert_eq!(detections(&loaded.detected), ["delimiter ,", "encoding utf-8", "start of the table 1 row above it"]);
    assert_eq!(loaded.table.height, 6);
}
