//! Looking at files: what `segc profile` says of them. Counts come from the data themselves, by eye or by another tool.

use std::fmt::Write;
use std::path::PathBuf;

use segc::ingest::{Format, InputFile};
use segc::profile::{Column, Options, Profile, Role, profile, text};
use segc::progress::Silent;

use crate::support::{Case, real_data, root, segc, stderr, stdout};

/// Microseconds of 2024-07-01.
const TODAY: i64 = 1_719_792_000_000_000;

fn look_at(name: &str, path: PathBuf) -> Profile {
    let file = InputFile { name: name.to_owned(), path };
    let options = Options { format: Format::default(), today: Some(TODAY), roles: Vec::new() };
    profile(&file, &options, &Silent).unwrap_or_else(|error| panic!("{error}"))
}

fn look(text: impl AsRef<[u8]>) -> Profile {
    let case = Case::new("", "");
    std::fs::write(case.path("orders.csv"), text).unwrap();
    look_at("orders.csv", case.path("orders.csv"))
}

#[track_caller]
fn column<'p>(profile: &'p Profile, header: &str) -> &'p Column {
    profile.columns.iter().find(|column| column.header == header).unwrap_or_else(|| panic!("no column `{header}`"))
}

fn roles(profile: &Profile) -> Vec<(&str, Role)> {
    profile.columns.iter().filter_map(|column| Some((column.header.as_str(), column.role?))).collect()
}

fn oddity(column: &Column, what: &str) -> u64 {
    column.oddities.iter().find(|oddity| oddity.what == what).map_or(0, |oddity| oddity.count)
}

/// Every oddity once, in fourteen rows that fit a screen.
const ODD: &str = "\
Order ID;Customer;Ordered;Qty;Unit price;Country;Status;Ordered
1001;0017;03.01.2024;2;4,50 €;Deutschland;paid;x
1002;0018;04.01.2024;1;1.200,00 €;Österreich;paid;x
1002;0018;04.01.2024;3;0,00 €;Österreich;paid;x
1003;guest;31.01.2024;1;9,90 €;Deutschland;refunded;x
C1003;0019;01.02.2024;-1;9,90 €;deutschland;refunded;x
1004;;02.02.2024;1;9,90 €; Schweiz;NULL;x
1005;0020;01.01.1970;1;9,90 €;Schweiz;paid;x
1006;0021;24.12.2031;one;9,90 €;Schweiz;paid;x
1007;0021;24.02.2024;1;9,90 €;Schweiz;paid;x
1008;0022;25.02.2024;9999;9,90 €;Schweiz;paid;x
1009;0023;26.02.2024;1;9,90 €;Schweiz;paid;x
1009;0023;26.02.2024;1;9,90 €;Schweiz;paid;x
1010;0024;27.02.2024;1
1011;0025;28.02.2024;1;n/a;Schweiz;paid;x
Total;;;10022;1300,00 €;;;
";

/// A newcomer reads on one screen what is in a file and what is odd about it.
#[test]
fn a_file_is_told_in_words() {
    insta::assert_snapshot!("odd_orders", text::render(&look(ODD)));
}

/// A program gets the same as JSON, in a stable shape.
#[test]
fn a_file_is_told_in_json() {
    let profile = look(ODD);
    let json = serde_json::to_string_pretty(&profile).unwrap();
    insta::assert_snapshot!("odd_orders_json", json);
    let back: Profile = serde_json::from_str(&json).unwrap();
    assert_eq!((back.columns.len(), back.rows, back.settings.len()), (8, 13, profile.settings.len()));
}

#[test]
fn lines_fit_the_screen() {
    let wide =
        format!("{}\n{}\n", "a long header with many words,".repeat(30), "a long cell with many words,".repeat(30));
    for profile in [look(ODD), look(wide), look_at("shop", root().join("specs/data/shop.csv.gz"))] {
        for line in text::render(&profile).lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
    }
}

/// What data/README.md says of Online Retail, counted there with pandas.
#[test]
fn online_retail_is_as_its_readme_says() {
    let Some(data) = real_data() else { return the_carried_shop_is_known() };
    for name in ["online_retail.csv.gz", "online_retail.xlsx"] {
        let profile = look_at(name, data.join(name));
        assert_eq!((profile.rows, profile.repeated_rows.count, profile.repeated_rows.exact), (541_909, 5_268, true));
        let of = |header: &str| column(&profile, header);
        assert_eq!((of("CustomerID").missing, of("Description").missing), (135_080, 1_454));
        assert_eq!((of("StockCode").distinct.count, of("CustomerID").distinct.count), (4_070, 4_372));
        assert_eq!(of("Country").distinct.count, 38);
        assert_eq!(oddity(of("Quantity"), "negative"), 10_624);
        assert_eq!((oddity(of("UnitPrice"), "zero"), oddity(of("UnitPrice"), "negative")), (2_515, 2));
        assert_eq!(oddity(of("Description"), "non-ascii"), 32);
        let prefixes: Vec<&str> = of("InvoiceNo").oddities.iter().map(|oddity| oddity.text.as_str()).collect();
        assert_eq!(prefixes, ["9,288 cells start with `C`", "3 cells start with `A`"]);
        assert_eq!(
            (of("InvoiceDate").min.as_deref(), of("InvoiceDate").max.as_deref()),
            (Some("2010-12-01 08:26:00"), Some("2011-12-09 12:50:00"))
        );
        assert_eq!((of("Quantity").min.as_deref(), of("Quantity").max.as_deref()), (Some("-80995"), Some("80995")));
    }
    let profile = look_at("ii", data.join("online_retail_ii.csv.gz"));
    assert_eq!((profile.rows, profile.repeated_rows.count), (1_067_371, 34_335));
    let cdnow = look_at("cdnow", data.join("cdnow_master.txt"));
    assert_eq!((cdnow.rows, cdnow.repeated_rows.count), (69_659, 255));
    assert_eq!(oddity(column(&cdnow, "dollar_value"), "zero"), 80);
    assert_eq!(column(&cdnow, "customer_id").distinct.count, 23_570);
}

fn the_carried_shop_is_known() {
    let profile = look_at("shop", root().join("specs/data/shop.csv.gz"));
    assert_eq!((profile.rows, column(&profile, "CustomerID").missing), (33_116, 6_218));
}

/// Each line: headers, a row of cells, and the roles in the order of the columns, `-` for none.
#[test]
fn headers_are_known_in_many_languages_and_systems() {
    const CASES: [(&str, &str, &str); 15] = [
        (
            "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country",
            "A1,X1,cup,2,2024-01-01,1.5,17,France",
            "invoice,product,item,quantity,date,price,customer,country",
        ),
        (
            "Kunden-Nr.;Bestellnummer;Bestelldatum;Menge;Einzelpreis;Land",
            "17;B1;01.02.2024;2;4,50;Deutschland",
            "customer,invoice,date,quantity,price,country",
        ),
        (
            "Code client;N° commande;Date de commande;Quantité;Prix unitaire;Pays",
            "17;B1;13/02/2024;2;4,50;France",
            "customer,invoice,date,quantity,price,country",
        ),
        (
            "Código cliente;Nº pedido;Fecha pedido;Cantidad;Precio unitario;País",
            "17;B1;13/02/2024;2;4,50;España",
            "customer,invoice,date,quantity,price,country",
        ),
        (
            "Codice cliente;Numero ordine;Data ordine;Quantità;Prezzo unitario;Paese",
            "17;B1;13/02/2024;2;4,50;Italia",
            "customer,invoice,date,quantity,price,country",
        ),
        (
            "Klantnummer;Ordernummer;Orderdatum;Aantal;Stukprijs;Land",
            "17;B1;13-02-2024;2;4,50;Nederland",
            "customer,invoice,date,quantity,price,country",
        ),
        (
            "Name,Email,Financial Status,Paid at,Fulfillment Status,Currency,Subtotal,Shipping,Taxes,Total,Discount Amount,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Billing Country",
            "#1001,a@x.org,paid,2024-01-02 10:00:00,fulfilled,EUR,10.00,4.90,1.90,14.90,0.00,2024-01-01 10:00:00,2,Cup,5.00,C-1,DE",
            "invoice,customer,status,-,-,currency,-,-,-,total,-,date,quantity,item,price,product,country",
        ),
        (
            "order_id,order_date,status,customer_id,billing_email,order_total,order_currency,shipping_total,tax_total",
            "1001,2024-01-01 10:00,wc-completed,17,a@x.org,14.90,EUR,4.90,1.90",
            "invoice,date,status,customer,-,total,currency,-,-",
        ),
        (
            "id,Created (UTC),Amount,Amount Refunded,Currency,Customer ID,Customer Email,Fee,Status",
            "ch_1,2024-01-01 10:00,14.90,0.00,eur,cus_17,a@x.org,0.70,Paid",
            "invoice,date,amount,-,currency,customer,-,-,status",
        ),
        (
            "increment_id,created_at,customer_email,grand_total,status,qty_ordered,price,sku",
            "000001,2024-01-01 10:00:00,a@x.org,14.90,complete,2,5.00,C-1",
            "invoice,date,customer,total,status,quantity,price,product",
        ),
        (
            "amazon-order-id,purchase-date,order-status,sku,quantity,item-price,item-tax,ship-country,buyer-email",
            "302-1,2024-01-01T10:00:00,Shipped,C-1,2,5.00,0.50,DE,a@x.org",
            "invoice,date,status,product,quantity,amount,-,country,customer",
        ),
        (
            "VBELN,FKDAT,KUNNR,MATNR,FKIMG,NETWR,WAERK",
            "9001,20240101,0000000017,4711,2,10.00,EUR",
            "invoice,date,customer,product,quantity,amount,currency",
        ),
        // Content overrules names: a `date` that is none, a `customer` that is a price.
        ("date,customer,when,who (client no),value", "ham,4.50,2024-01-01,17,9.90", "-,-,date,customer,amount"),
        (
            "Customer ID,Birth date,Order date,Last login,Amount (EUR)",
            "17,1980-01-01,2024-01-01,2024-01-05,9.90",
            "customer,-,date,-,amount",
        ),
        ("user_id,timestamp,amount", "17,1704067200,9.90", "customer,date,amount"),
    ];
    for (headers, cells, expected) in CASES {
        // Rows that differ as real ones do: figures count up, words stay.
        let mut text = format!("{headers}\n");
        for row in 0..60 {
            let mark = if headers.contains(';') { ';' } else { ',' };
            let cells: Vec<String> = cells
                .split(mark)
                .map(|cell| match cell {
                    "17" => (100 + row / 3).to_string(),
                    "cus_17" | "0000000017" => format!("{cell}{}", row / 3),
                    "a@x.org" => format!("a{}@x.org", row / 3),
                    "A1" | "B1" | "#1001" | "1001" | "ch_1" | "000001" | "302-1" | "9001" => {
                        format!("{cell}{}", row / 2)
                    }
                    "X1" | "C-1" | "4711" => format!("{cell}{}", row % 7),
                    "2" => (row % 3 + 1).to_string(),
                    "cup" => format!("{cell} {}", row % 7),
                    "France" | "DE" if row % 5 == 0 => "ES".to_owned(),
                    cell => cell.to_owned(),
                })
                .collect();
            writeln!(text, "{}", cells.join(&mark.to_string())).unwrap();
        }
        let found: Vec<&str> = look(text).columns.iter().map(|column| column.role.map_or("-", Role::word)).collect();
        assert_eq!(found.join(","), expected, "{headers}");
    }
}

#[test]
fn a_column_that_would_fit_as_well_is_named() {
    let profile = look(
        "customer id,email,order date,amount\n1,a@x.org,2024-01-01,2.50\n1,a@x.org,2024-01-02,3.50\n2,b@x.org,2024-01-02,3.50\n",
    );
    let customer = profile.column(Role::Customer).unwrap();
    assert_eq!(customer.role_why, "its header is `customer id`; `email` would fit as well");
}

/// Millions of different texts are estimated from a sample, and one odd word among them is still seen.
#[test]
fn a_large_file_is_estimated_and_odd_cells_are_still_seen() {
    const ROWS: u64 = 700_000;
    let mut text = String::from("line,amount\n");
    for row in 0..ROWS {
        match row {
            654_321 => text.push_str("sixty,5\n"),
            654_322 => text.push_str("9999999,-17.25\n"),
            _ => writeln!(text, "{row},{}.{:02}", row % 1000, row % 7).unwrap(),
        }
    }
    let profile = look(text);
    let (line, amount) = (column(&profile, "line"), column(&profile, "amount"));
    assert!(!line.distinct.exact && line.distinct.count.abs_diff(ROWS) < ROWS / 50, "{:?}", line.distinct);
    assert_eq!((line.kind.as_str(), oddity(line, "other cells")), ("int", 1));
    assert_eq!((line.min.as_deref(), line.max.as_deref()), (Some("0"), Some("9999999")));
    let middle: f64 = line.median.as_deref().unwrap().parse().unwrap();
    assert!((middle - 350_000.0).abs() < 7_000.0, "{middle}");
    assert_eq!((amount.distinct.count, amount.distinct.exact), (7_002, true));
    assert_eq!((amount.min.as_deref(), amount.max.as_deref()), (Some("-17.25"), Some("999.06")));
    assert_eq!((profile.rows, profile.repeated_rows.count), (ROWS, 0));
}

#[test]
fn a_file_that_is_not_there_is_told_with_a_near_name() {
    let output = segc(&["profile", "specs/data/shop.csv"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let text = stderr(&output);
    assert!(text.contains("error[SEG0301]: there is no file `specs/data/shop.csv`"), "{text}");
    let output = segc(&["profile", "specs/data/shop.csv.gz", "--json"]).output().unwrap();
    assert!(output.status.success());
    let profile: Profile = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!((profile.schema.as_str(), profile.rows), ("segc.profile/1", 33_116));
    assert_eq!(roles(&profile).len(), 8);
}
