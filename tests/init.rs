//! `segc init`: whatever it writes builds at once, and says of the data what is so.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use segc::build::{Built, build};
use segc::compile::compile;
use segc::diagnostics::{Diagnostic, warnings};
use segc::ingest::{Format, InputFile};
use segc::init::{Drafted, Request, init, slug};
use segc::inputs;
use segc::profile::Role;
use segc::progress::Silent;
use segc::syntax::format::format;
use segc::world::Disk;

use crate::support::{Case, cdnow, real_data, root, segc, stderr, stdout};

/// Microseconds of 2025-07-01.
const TODAY: i64 = 1_751_328_000_000_000;

/// What `segc init` says of a file that no spec fits.
pub fn errors(text: &str, roles: &[(Role, &str)]) -> Vec<Diagnostic> {
    let case = Case::new("", text);
    let roles = roles.iter().map(|(role, header)| (*role, (*header).to_owned())).collect();
    draft_with(case.folder.path(), &["orders.csv"], roles).unwrap_err()
}

pub fn files_that_differ() -> Vec<Diagnostic> {
    let case = Case::new("", "customer,date,amount\na,2024-01-01,2.5\n");
    case.put("people.csv", "customer,date,email\nc1,2022-01-01,a@x.org\n");
    draft(case.folder.path(), &["orders.csv", "people.csv"]).unwrap_err()
}

fn draft(folder: &Path, files: &[&str]) -> Result<Drafted, Vec<Diagnostic>> {
    draft_with(folder, files, vec![])
}

/// What `segc init` makes of files of a folder.
fn draft_with(folder: &Path, files: &[&str], roles: Vec<(Role, String)>) -> Result<Drafted, Vec<Diagnostic>> {
    let request = Request {
        spec: folder.join("first.seg"),
        name: slug(files[0].split('.').next().unwrap(), "customers"),
        files: files.iter().map(|name| InputFile { name: (*name).to_owned(), path: folder.join(name) }).collect(),
        format: Format::default(),
        roles,
        today: Some(TODAY),
    };
    init(&Disk::default(), &request, &Silent)
}

/// The spec in its folder, after everything that has to hold for any of them.
#[track_caller]
fn holds(folder: &Path, drafted: &Drafted) -> Built {
    let path = folder.join("first.seg");
    let text = &drafted.text;
    fs::write(&path, text).unwrap();
    assert_eq!(format("first.seg", text).as_ref(), Ok(text), "it is in another layout");
    let compiled = compile(&Disk::default(), &path, &[]);
    assert!(compiled.diagnostics.is_empty(), "{:#?}\n{text}", compiled.diagnostics);
    let found = inputs::check(&Disk::default(), &compiled);
    assert!(found.is_empty(), "{found:#?}\n{text}");
    let built = build(&Disk::default(), &compiled, &Silent).unwrap_or_else(|found| panic!("{found:#?}\n{text}"));
    let rows = &built.outcome.rows;
    assert_eq!((drafted.rows.read, drafted.rows.used, drafted.rows.refused), (rows.read, rows.used, rows.refused));
    let dropped: Vec<(String, u64)> = rows.dropped.iter().map(|d| (d.rule.clone(), d.rows)).collect();
    assert_eq!(drafted.rows.dropped, dropped, "{text}");
    assert_eq!(drafted.customers, built.outcome.customers);
    built
}

/// The rows that the comment behind a rule speaks of.
#[track_caller]
fn commented(text: &str, rule: &str) -> u64 {
    let line = text.lines().find(|line| line.contains(&format!("drop \"{rule}\" ")));
    let comment = line.and_then(|line| line.split_once("  # ")).unwrap_or_else(|| panic!("no {rule} in {text}")).1;
    let figures: String = comment.chars().take_while(|c| c.is_ascii_digit() || *c == ',').collect();
    figures.replace(',', "").parse().unwrap_or(0)
}

fn of_rule(drafted: &Drafted) -> Vec<(&str, u64)> {
    drafted.rows.dropped.iter().map(|(rule, rows)| (rule.as_str(), *rows)).collect()
}

/// A folder with one file, and what is made of it.
fn of_text(name: &str, text: impl AsRef<[u8]>) -> (Case, Result<Drafted, Vec<Diagnostic>>) {
    let case = Case::new("", "");
    fs::write(case.path(name), text).unwrap();
    let drafted = draft(case.folder.path(), &[name]);
    (case, drafted)
}

#[track_caller]
fn drafted(name: &str, text: impl AsRef<[u8]>) -> (Case, Drafted, Built) {
    let (case, found) = of_text(name, text);
    let drafted = found.unwrap_or_else(|found| panic!("{found:#?}"));
    let built = holds(case.folder.path(), &drafted);
    (case, drafted, built)
}

#[track_caller]
fn column<'d>(drafted: &'d Drafted, name: &str) -> &'d str {
    let column = drafted.columns.iter().find(|column| column.name == name);
    column.map(|column| column.header.as_str()).unwrap_or_else(|| panic!("no `{name}` in {}", drafted.text))
}

fn real_draft(path: &Path) -> (Drafted, Case, Disk) {
    let name = path.file_name().unwrap().to_str().unwrap();
    let folder = path.parent().unwrap();
    let case = Case::new("", "");
    let request = Request {
        spec: case.path("first.seg"),
        name: slug(name.split('.').next().unwrap(), "customers"),
        files: vec![InputFile { name: name.to_owned(), path: path.to_owned() }],
        format: Format::default(),
        roles: vec![],
        today: Some(TODAY),
    };
    let world = Disk { data: vec![folder.to_owned()], allow_outside: false };
    let drafted = init(&world, &request, &Silent).unwrap_or_else(|found| panic!("{found:#?}"));
    (drafted, case, world)
}

fn real(path: &Path) -> (Drafted, Built) {
    let (drafted, case, world) = real_draft(path);
    fs::write(case.path("first.seg"), &drafted.text).unwrap();
    let compiled = compile(&world, &case.path("first.seg"), &[]);
    assert!(compiled.diagnostics.is_empty(), "{:#?}\n{}", compiled.diagnostics, drafted.text);
    let built = build(&world, &compiled, &Silent).unwrap();
    assert_eq!(built.diagnostics, [], "{}", drafted.text);
    (drafted, built)
}

/// The carried shop. Rows by rule are those of benches/expected_shop.py, by pandas.
#[test]
fn the_carried_shop_is_described_and_cleaned() {
    let (drafted, built) = real(&root().join("specs/data/shop.csv.gz"));
    insta::assert_snapshot!("init_shop", drafted.text);
    assert_eq!(
        of_rule(&drafted),
        [("no customer", 6_218), ("cancellation", 385), ("returned or void", 54), ("free", 42), ("repeated row", 223)]
    );
    for (rule, rows) in of_rule(&drafted) {
        assert_eq!(commented(&drafted.text, rule), rows);
    }
    assert_eq!((built.outcome.customers, built.outcome.rows.used), (800, 26_194));
    assert_eq!(built.outcome.amount.as_deref(), Some("1387276.632"));
    let labels: Vec<&str> = built.outcome.segments.iter().map(|s| s.label.as_str()).collect();
    assert!(labels.contains(&"Champions") && labels.len() >= 3, "{labels:?}");
}

/// Rows by rule as in tests/stories.rs, by pandas; in the workbook and in the CSV alike.
#[test]
fn online_retail_is_cleaned_as_everybody_cleans_it() {
    let Some(data) = real_data() else { return the_carried_shop_is_described_and_cleaned() };
    for name in ["online_retail.csv.gz", "online_retail.xlsx"] {
        let (drafted, built) = real(&data.join(name));
        assert_eq!(
            of_rule(&drafted),
            [
                ("no customer", 135_080),
                ("cancellation", 8_905),
                ("returned or void", 0),
                ("free", 40),
                ("repeated row", 5_192)
            ]
        );
        assert_eq!((built.outcome.customers, built.outcome.rows.used), (4_338, 392_692));
        assert_eq!(built.outcome.amount.as_deref(), Some("8887208.894"));
        assert_eq!(built.outcome.currency.as_deref(), Some("GBP"));
        assert!(drafted.text.contains("title    \"Customers of online retail, December 2010 to December 2011\""));
    }
    // A draft is built before it is given out; once is enough for the large ones.
    let (ii, _, _) = real_draft(&data.join("online_retail_ii.csv.gz"));
    assert_eq!((ii.rows.read, ii.customers, column(&ii, "customer")), (1_067_371, 5_878, "Customer ID"));
    assert_eq!(commented(&ii.text, "no customer"), 243_007);
    // Of 23,570 customers, 68 bought nothing but what was free: `awk '$4 > 0'` finds the others.
    let (master, _, _) = real_draft(&data.join("cdnow_master.txt"));
    assert_eq!((master.rows.read, master.customers, commented(&master.text, "free")), (69_659, 23_502, 80));
}

/// A file without a header, without an order number, and blanks between its columns.
#[test]
fn the_cdnow_sample_is_described() {
    let (drafted, built) = real(&cdnow().join("cdnow_sample.txt"));
    // `awk '$5 > 0'` finds so many of 2,357 customers: 8 bought nothing but what was free.
    assert_eq!((built.outcome.customers, built.outcome.rows.read), (2_349, 6_919));
    for line in ["delimiter \"whitespace\"", "header    no", "customer: id    = column 1", "amount:   money = column 5"]
    {
        assert!(drafted.text.contains(line), "{line}\n{}", drafted.text);
    }
    assert!(drafted.text.contains("count_distinct(at)") && drafted.text.contains("duplicate"), "{}", drafted.text);
}

/// Rows as a German till writes them, in windows-1252: 60 customers with 4 purchases each.
fn kasse() -> Vec<u8> {
    let mut text = String::from("Kunden-Nr.;Bestellnummer;Bestelldatum;Artikelbezeichnung;Menge;Einzelpreis;Status\n");
    for n in 0..240 {
        let (customer, day, month) = (n % 60, 1 + n % 28, 1 + n / 20);
        let (price, status) = (5 + n * 7 % 90, if n % 40 == 7 { "storniert" } else { "bezahlt" });
        writeln!(text, "{customer:04};B{n};{day:02}.{month:02}.2023;Tasse grün;{};{price},50;{status}", 1 + n % 3)
            .unwrap();
    }
    text.push_str("0003;B998;02.01.2024;Tasse grün;-1;9,50;bezahlt\n;B999;02.01.2024;Tasse grün;1;1.009,50;bezahlt\n");
    text.chars().map(|c| if c == 'ü' { 0xfc } else { u8::try_from(c).unwrap() }).collect()
}

#[test]
fn a_german_file_is_described_so_that_nothing_is_left_to_guess() {
    let (case, drafted, built) = drafted("kasse.csv", kasse());
    insta::assert_snapshot!("init_kasse", drafted.text);
    assert_eq!(of_rule(&drafted), [("no customer", 1), ("came to nothing", 6), ("returned or void", 1), ("free", 0)]);
    assert_eq!((built.outcome.rows.used, built.outcome.customers), (234, 60));
    // B0: 1 x 5.50; added up here from the rows above.
    let worth: u64 = (0..240).filter(|n| n % 40 != 7).map(|n| (1 + n % 3) * (1_100 + 200 * (n * 7 % 90)) / 2).sum();
    let expected = format!("{}.{:02}", worth / 100, worth % 100);
    assert_eq!(built.outcome.amount.as_deref().unwrap().trim_end_matches('0'), expected.trim_end_matches('0'));
    let output = segc(&["check", "--strict", "--deny"]).arg(case.path("first.seg")).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
}

/// Titles above, totals below, one amount for each row, and too few customers for clusters.
#[test]
fn titles_and_totals_are_left_out() {
    let mut text = String::from("Sales report;;\nprinted 2024-03-01;;\nClient;Date;Net amount\n");
    let mut sum = 0;
    for n in 0..40 {
        writeln!(text, "client {};2024-01-{:02};{}.25", n % 8, 1 + n % 28, 10 + n).unwrap();
        sum += 1_025 + 100 * n;
    }
    writeln!(text, "Total;;{}.{:02}", sum / 100, sum % 100).unwrap();
    let (case, drafted, built) = drafted("report.csv", text);
    assert_eq!((built.outcome.rows.read, built.outcome.customers), (40, 8));
    let expected = format!("{}.{:02}", sum / 100, sum % 100);
    assert_eq!(built.outcome.amount, Some(expected));
    for line in ["skip", "footer", "label customers exhaustive disjoint", "monetary / frequency"] {
        assert!(drafted.text.contains(line), "{line}\n{}", drafted.text);
    }
    let mut command = segc(&["build", "--strict", "--deny"]);
    let output = command.arg(case.path("first.seg")).arg("-o").arg(case.path("out")).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let output = segc(&["test"]).arg(case.path("first.seg")).output().unwrap();
    assert!(stdout(&output).contains("2 passed, 0 failed"), "{}", stdout(&output));
}

/// All rows of an order have its total: it counts once. Totals that differ within an order are those of rows.
#[test]
fn the_total_of_an_order_counts_once() {
    let orders = |line: &dyn Fn(usize, usize) -> usize| {
        let mut text = String::from("order_id,customer_id,order_date,total,sku\n");
        for order in 0..120 {
            for row in 0..2 {
                let (customer, day) = (order % 60, 1 + order % 28);
                writeln!(text, "{order},{customer},2024-01-{day:02},{}.00,S{row}", line(order, row)).unwrap();
            }
        }
        text
    };
    let (_, same, built) = drafted("orders.csv", orders(&|order, _| 10 + order));
    assert_eq!(commented(&same.text, "another row of the order"), 120);
    assert_eq!(built.outcome.amount, Some(format!("{}.00", (0..120).map(|n| 10 + n).sum::<usize>())));
    let (_, differ, built) = drafted("orders.csv", orders(&|order, row| 10 + order + row));
    assert!(!differ.text.contains("of the order"), "{}", differ.text);
    assert_eq!(built.outcome.amount, Some(format!("{}.00", (0..120).map(|n| 21 + 2 * n).sum::<usize>())));
}

/// Customers whom nobody knows, dates that are none, rows of another currency: each leaves by a rule of its own.
#[test]
fn what_is_odd_leaves_by_a_rule() {
    let mut text = String::from("Order ID,Customer,Order date,Amount,Currency\n");
    for n in 0..200 {
        writeln!(text, "{n},c{},2024-0{}-{:02},{}.50,EUR", n % 70, 1 + n % 5, 1 + n % 28, 3 + n % 90).unwrap();
    }
    text.push_str("201,guest,2024-02-01,9.50,EUR\n202,Guest,2024-02-01,9.50,EUR\n203,c1,1970-01-01,9.50,EUR\n");
    text.push_str("204,c1,2031-12-24,9.50,EUR\n205,c2,2024-02-01,9.50,USD\n206,c2,2024-02-01,,EUR\n207,c3,,1.50,EUR\n");
    text.push_str("C208,c3,2024-02-02,-4.50,EUR\n209,c4,2024-02-02,-4.50,EUR\n5,c5,2024-01-06,8.50,EUR\n");
    text.push_str("210,c4,2024-02-02,x,EUR\n");
    let (_, drafted, built) = drafted("orders.csv", text);
    assert_eq!(
        of_rule(&drafted),
        [
            ("no customer", 0),
            ("anonymous customer", 2),
            ("another currency", 1),
            ("cancellation", 1),
            ("no date", 1),
            ("no real date", 1),
            ("in the future", 1),
            ("no amount", 1),
            ("refunded", 1),
            ("free", 0),
            ("repeated row", 1)
        ],
        "{}",
        drafted.text
    );
    assert_eq!((built.outcome.rows.refused, built.outcome.rows.used), (1, 200));
}

/// Letters before the number of an order that is worth something are no cancellation.
#[test]
fn a_prefix_is_a_cancellation_only_where_money_goes_back() {
    let mut text = String::from("Order ID,Customer,Order date,Amount\n");
    for n in 0..200 {
        let (prefix, sign) = if n % 10 == 0 {
            ("WEB", "")
        } else if n % 25 == 3 {
            ("R", "-")
        } else {
            ("", "")
        };
        writeln!(text, "{prefix}{n},c{},2024-01-{:02},{sign}{}.50", n % 70, 1 + n % 28, 3 + n % 90).unwrap();
    }
    let (_, drafted, _) = drafted("orders.csv", text);
    assert_eq!(of_rule(&drafted), [("no customer", 0), ("cancellation", 8), ("refunded", 0), ("free", 0)]);
}

#[test]
fn columns_are_known_in_more_languages() {
    const CASES: [(&str, [&str; 5]); 4] = [
        (
            "Código do cliente;Número do pedido;Data do pedido;Quantidade;Preço unitário",
            ["customer", "invoice", "at", "quantity", "price"],
        ),
        (
            "Nr klienta;Numer faktury;Data sprzedaży;Ilość;Cena jednostkowa",
            ["customer", "invoice", "at", "quantity", "price"],
        ),
        ("Kundnummer;Ordernummer;Orderdatum;Antal;Styckpris", ["customer", "invoice", "at", "quantity", "price"]),
        (
            "Číslo zákazníka;Číslo objednávky;Datum objednávky;Množství;Cena za kus",
            ["customer", "invoice", "at", "quantity", "price"],
        ),
    ];
    for (headers, names) in CASES {
        let mut text = format!("{headers}\n");
        for n in 0..90 {
            writeln!(
                text,
                "{};{};{:02}.{:02}.2024;{};{},50",
                n % 20,
                900 + n,
                1 + n % 28,
                1 + n % 6,
                1 + n % 3,
                2 + n % 9
            )
            .unwrap();
        }
        let (_, drafted, _) = drafted("orders.csv", text);
        for (header, name) in headers.split(';').zip(names) {
            assert_eq!(column(&drafted, name), header);
        }
    }
}

/// Lines in comments can be used as they stand.
#[test]
fn columns_in_comments_can_be_taken_in() {
    let mut text = String::from("Customer,Order date,Amount,in,Größe \"XL\",recency,rows,2nd,,when?\n");
    for n in 0..60 {
        writeln!(text, "{},2024-01-{:02},{}.50,a,b,1,2,3,4,yes", n % 9, 1 + n % 28, 3 + n % 7).unwrap();
    }
    let (case, drafted, _) = drafted("orders.csv", text);
    let is_column = |line: &str| line.trim_start().starts_with("# ") && line.contains(": ") && line.contains(" = ");
    let taken: Vec<String> = (drafted.text.lines())
        .map(|line| if is_column(line) { line.replacen("# ", "", 1) } else { line.to_owned() })
        .collect();
    assert_eq!(drafted.text.lines().filter(|line| is_column(line)).count(), 7, "{}", drafted.text);
    fs::write(case.path("first.seg"), taken.join("\n")).unwrap();
    let compiled = compile(&Disk::default(), &case.path("first.seg"), &[]);
    let found = inputs::check(&Disk::default(), &compiled);
    assert!(!compiled.has_errors() && found.is_empty(), "{:#?} {found:#?}", compiled.diagnostics);
}

#[test]
fn several_files_are_one_table() {
    let case = Case::new("", "");
    let rows = |year: u32| -> String {
        (0..120).map(|n| format!("c{},{year}-01-{:02},{}.50\n", n % 60, 1 + n % 28, 3 + n % 90)).collect()
    };
    case.put("2022.csv", &format!("customer,date,amount\n{}", rows(2022)));
    case.put("2023.csv", &format!("customer,date,amount\n{}c1,2023-05-05,-2.00\n", rows(2023)));
    let drafted = draft(case.folder.path(), &["2022.csv", "2023.csv"]).unwrap();
    let built = holds(case.folder.path(), &drafted);
    assert!(drafted.text.contains("source sales from \"2022.csv\", \"2023.csv\" {"), "{}", drafted.text);
    assert_eq!((built.outcome.rows.read, commented(&drafted.text, "refunded")), (241, 1));
    let told = &files_that_differ()[0];
    assert_eq!((told.code, told.notes[0].as_str()), ("SEG0353", "`amount` is only in `orders.csv`"));
}

fn told(found: &[Diagnostic]) -> String {
    segc::diagnostics::render::text(found, &segc::syntax::source::SourceMap::default(), false)
}

#[test]
fn what_is_lacking_is_told_column_by_column() {
    let text =
        "Branch,Sold on,Net amount,Remark\nNorth,2024-01-01,4.50,\nSouth,2024-01-02,5.50,\nNorth,2024-01-03,1.50,\n";
    let (_, found) = of_text("sales.csv", text);
    insta::assert_snapshot!("init_lacking", told(&found.unwrap_err()));
    let (_, found) = of_text("notes.csv", "a,b\nx,y\nz,w\n");
    let found = found.unwrap_err();
    assert_eq!(found.iter().map(|d| d.code).collect::<Vec<_>>(), ["SEG0350"; 3]);
}

/// Everything that a person can do with the command.
#[test]
fn a_spec_is_written_once() {
    let case = Case::new("", "");
    fs::copy(root().join("specs/data/shop.csv.gz"), case.path("Shop 2024.csv.gz")).unwrap();
    let run = |arguments: &[&str]| {
        let output = segc(arguments).current_dir(case.folder.path()).output().unwrap();
        (output.status.code().unwrap(), stdout(&output), stderr(&output))
    };
    let (code, out, _) = run(&["init", "Shop 2024.csv.gz"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!("init_told", out);
    let spec = fs::read_to_string(case.path("shop_2024.seg")).unwrap();
    for command in [
        &["check", "--deny", "shop_2024.seg"][..],
        &["fmt", "--check", "shop_2024.seg"],
        &["build", "--deny", "shop_2024.seg"],
    ] {
        let (code, _, err) = run(command);
        assert_eq!(code, 0, "{err}");
    }
    let (code, out, _) = run(&["test", "shop_2024.seg"]);
    assert!(out.contains("2 passed, 0 failed"), "{code} {out}");

    let (code, _, err) = run(&["init", "Shop 2024.csv.gz"]);
    assert!(code == 4 && err.contains("error[SEG0352]"), "{code} {err}");
    fs::write(case.path("shop_2024.seg"), "mine").unwrap();
    let (code, out, _) = run(&["init", "Shop 2024.csv.gz", "--stdout"]);
    assert_eq!((code, out.as_str()), (0, spec.as_str()));
    assert_eq!(fs::read_to_string(case.path("shop_2024.seg")).unwrap(), "mine");
    assert_eq!(run(&["init", "Shop 2024.csv.gz", "--force"]).0, 0);
    assert_eq!(fs::read_to_string(case.path("shop_2024.seg")).unwrap(), spec);
    let (code, _, err) = run(&["init", "Shop 2024.csv.gz", "-o", "Shop 2024.csv.gz", "--force"]);
    assert!(code == 4 && err.contains("SEG0352"), "{code} {err}");
    let (code, _, err) = run(&["init", "Shop 2024.csv.gz", "-o", "nowhere/a.seg"]);
    assert!(code == 4 && err.contains("SEG0701"), "{code} {err}");
    let (code, _, err) = run(&["init", "Shop 2025.csv.gz"]);
    assert!(code == 3 && err.contains("SEG0301") && err.contains("Shop 2024"), "{code} {err}");

    // Data that lie elsewhere are found with `--data`, and the next command says so.
    fs::create_dir(case.path("specs")).unwrap();
    let (code, out, _) = run(&["init", "Shop 2024.csv.gz", "-o", "specs/shop.seg"]);
    assert!(code == 0 && out.ends_with("next: segc build specs/shop.seg --data .\n"), "{code} {out}");
    assert_eq!(run(&["build", "specs/shop.seg", "--data", "."]).0, 0);

    let (code, out, _) = run(&["init", "Shop 2024.csv.gz", "--stdout", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &json["schema"], &json["text"]), (0, &"segc.init/1".into(), &spec.clone().into()));
    assert_eq!(json["rows"]["dropped"][0], serde_json::json!(["no customer", 6218]));
}

/// A user knows better: another column for the customer, another one for the money.
#[test]
fn roles_can_be_told() {
    let case = Case::new("", "");
    let mut text = String::from("customer id,household,order date,Gross,Net\n");
    for n in 0..120 {
        writeln!(text, "{n},h{},2024-01-{:02},{}.50,{}.25", n % 60, 1 + n % 28, 3 + n % 90, 2 + n % 90).unwrap();
    }
    case.put("orders.csv", &text);
    let run = |columns: &[&str]| {
        let mut command = segc(&["init", "orders.csv", "--stdout"]);
        columns.iter().for_each(|column| {
            command.arg("--column").arg(column);
        });
        command.current_dir(case.folder.path()).output().unwrap()
    };
    let spec = stdout(&run(&["customer=HOUSEHOLD", "amount=5"]));
    assert!(spec.contains("customer: id    = household") && spec.contains("amount:   money = Net"), "{spec}");
    let output = run(&["customer=houshold"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(
        stderr(&output).contains("SEG0351") && stderr(&output).contains("customer=household"),
        "{}",
        stderr(&output)
    );
    assert_eq!(run(&["buyer=household"]).status.code(), Some(2));
}

const HEADERS: [&str; 34] = [
    "customer",
    "Customer ID",
    "Kunde",
    "email",
    "order date",
    "Datum",
    "date",
    "amount",
    "Total",
    "price",
    "Preis €",
    "quantity",
    "Menge",
    "invoice",
    "Order \"No\"",
    "country",
    "status",
    "currency",
    "sku",
    "",
    " ",
    "x",
    "x",
    "{",
    "} # no",
    "# comment",
    "a\nb",
    "in",
    "column 3",
    "\u{202e}txet",
    "a\\b",
    "Ünïcödé",
    "a\rb",
    "'; drop",
];
const CELLS: [&str; 46] = [
    "",
    " ",
    "0",
    "1",
    "2",
    "-1",
    "17",
    "0017",
    "4.50",
    "4,50",
    "1.234,56",
    "-3.25",
    "€ 5,00",
    "12%",
    "2024-01-31",
    "31.01.2024",
    "02/03/2024",
    "13/02/2024",
    "20240131",
    "2024-01-31 18:30",
    "1970-01-01",
    "2031-01-01",
    "9999-12-31",
    "guest",
    "NULL",
    "n/a",
    "-",
    "ann",
    "ben",
    "C123",
    "A\"B",
    "{",
    "}",
    "#",
    "a\nb",
    "\\",
    "\u{202e}",
    "\0",
    "GBP",
    "EUR",
    "refunded",
    "DE",
    "Germany",
    "a@x.org",
    "99999999999999999999",
    "1e308",
];

fn field(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// Cells of a column: of one kind mostly, and now and then anything.
fn cell(kind: usize, row: usize, odd: &str) -> String {
    match kind {
        0 => odd.to_owned(),
        1 => format!("c{}", row % 9),
        2 => format!("2024-0{}-{:02}", 1 + row % 6, 1 + row % 28),
        3 => format!("{:02}.{:02}.2023", 1 + row % 28, 1 + row % 12),
        4 => format!("{}.{:02}", row % 40, row * 7 % 100),
        5 => format!("{},{}0", row % 40, row % 10),
        6 => (row % 5).to_string(),
        _ => format!("B{}", row / 2),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    /// Whatever stands in a file: what `init` writes builds, is in the one layout and says what the ledger says, or there
    /// is an error with a code.
    #[test]
    fn whatever_is_written_builds(
        headers in vec((select(&HEADERS[..]), 0_usize..8), 1..9),
        mark in select(&[',', ';', '\t', '|'][..]),
        rows in 1_usize..70,
        odd in vec(select(&CELLS[..]), 1..40),
        whole in any::<bool>(),
        name in select(&["orders.csv", "a \"b\".csv", "in.csv", "#x{}.csv", "[1]*.csv", "ö é.csv"][..]),
    ) {
        // Half of the files have what a spec needs, so that many of them come to one.
        let mut columns: Vec<(String, usize)> = headers.iter().map(|(header, kind)| ((*header).to_owned(), *kind)).collect();
        if whole {
            columns.extend([("Client".to_owned(), 1), ("Sold at".to_owned(), 2 + rows % 2), ("Net amount".to_owned(), 4)]);
        }
        let line = |cells: Vec<String>| cells.iter().map(|c| field(c)).collect::<Vec<_>>().join(&mark.to_string()) + "\n";
        let mut text = line(columns.iter().map(|(header, _)| header.clone()).collect());
        for row in 0..rows {
            let odd = |at: usize| odd[(row * 31 + at * 17) % odd.len()];
            let cells = columns.iter().enumerate().map(|(at, (_, kind))| match (row * 13 + at * 7) % 23 {
                0 => odd(at).to_owned(),
                _ => cell(*kind, row, odd(at)),
            });
            text += &line(cells.collect());
        }
        let (case, found) = of_text(name, text);
        match found {
            Ok(drafted) => {
                holds(case.folder.path(), &drafted);
            }
            Err(found) => {
                let known = |d: &Diagnostic| d.code.starts_with("SEG03") && d.help.is_some();
                prop_assert!(!found.is_empty() && found.iter().all(known), "{:#?}", found);
            }
        }
    }
}

/// The words above do come to specs: a test that only ever sees errors would hold as well.
#[test]
fn a_hostile_file_comes_to_a_spec() {
    let mut text = String::from("\"Client #1 \"\"{}\"\"\",\"Sold\nat\",Net amount,Net amount,\"\u{202e}x\"");
    text += &format!(",{}\n", "very long ".repeat(200));
    for n in 0..60 {
        writeln!(text, "\"c{} \"\"#{{\",2024-01-{:02},{}.50,1,\u{202e},y", n % 9, 1 + n % 28, 3 + n % 7).unwrap();
    }
    let (_, drafted, built) = drafted("odd \"name\".csv", text);
    assert_eq!(built.outcome.customers, 9);
    assert!(drafted.text.contains("customer: id    = \"Client #1 \\\"{}\\\"\""), "{}", drafted.text);
    assert!(drafted.text.contains("at:       date  = column 2"), "{}", drafted.text);
    assert!(!drafted.text.contains('\u{202e}') && warnings(&built.diagnostics) == 0, "{}", drafted.text);
}

#[test]
fn names_are_made_of_what_can_be_typed() {
    for (text, name) in [
        ("Shop 2024", "shop_2024"),
        ("Umsätze (März)", "umsatze_marz"),
        ("2024", "customers_2024"),
        ("продажи", "customers"),
        ("in", "customers_in"),
        ("OnlineRetail", "online_retail"),
    ] {
        assert_eq!(slug(text, "customers"), name);
    }
}

/// Dates in ISO form are read without being stated, but not beside forms that are: the spec states all of them.
#[test]
fn iso_dates_beside_others_are_stated_too() {
    let mut text = String::from("customer,amount,date\n");
    for i in 0..300 {
        let (month, day) = (1 + i % 12, 1 + i % 28);
        let date = match i % 3 {
            0 => format!("2024-{month:02}-{day:02}"),
            1 => format!("2024{month:02}{day:02}"),
            _ => format!("{day:02}.{month:02}.2024"),
        };
        text += &format!("c{},{}.50,{date}\n", i % 90, 1 + i % 40);
    }
    let (_, drafted, built) = drafted("orders.csv", &text);
    for format in ["%d.%m.%Y", "%Y-%m-%d", "%Y%m%d"] {
        assert!(drafted.text.contains(&format!("\"{format}\"")), "{format}\n{}", drafted.text);
    }
    assert_eq!((drafted.rows.refused, built.outcome.rows.read), (0, 300));
}

/// Customers who are measured already need another spec, and the message says which.
#[test]
fn customers_by_one_row_each_are_no_purchases() {
    let text = "ID,orders,total spent\nann,4,69.00\nben,2,40.50\ncleo,1,90.00\n";
    let found = of_text("people.csv", text).1.unwrap_err();
    insta::assert_snapshot!("init_one_row_each", told(&found));
    let bought_twice = "ID,orders,total spent\nann,4,69.00\nann,2,40.50\ncleo,1,90.00\n";
    let found = of_text("people.csv", bought_twice).1.unwrap_err();
    assert!(found.iter().all(|d| d.message.starts_with("no column says")), "{found:?}");
}

/// One of several tables of a database, as the message about them says.
#[test]
fn a_table_of_a_database_can_be_named() {
    let file = "tests/damage/several_tables.db";
    let output = segc(&["init", file, "--stdout"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("--table \"orders\""), "{}", stderr(&output));
    let output = segc(&["init", file, "--table", "orders", "--stdout"]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stdout(&output).contains("    table \"orders\"\n"), "{}", stdout(&output));
}

/// A list of customers with their segments is no list of purchases.
#[test]
fn errors_of_the_command_have_codes() {
    let output = segc(&["init", "specs/data/shop_truth.csv", "--stdout"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let text = stderr(&output);
    assert!(text.contains("error[SEG0350]: no column says when"), "{text}");
    assert!(!PathBuf::from("shop_truth.seg").exists());
}
