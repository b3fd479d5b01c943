//! Making a synthetic shop, and fetching a public data set from a server that may do anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{Cursor, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use calamine::{Data, Reader, open_workbook_auto};
use flate2::read::GzDecoder;
use segc::data::{
    Blame, COLUMNS, DATASETS, DataError, Dataset, GetOptions, MakeFacts, MakeOptions, Part, Price, Row, RowSink, get,
    make_retail,
};
use segc::progress::Silent;
use tempfile::{TempDir, tempdir};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

// ---- a synthetic shop

fn options(customers: u32, seed: u64, out: PathBuf, truth: Option<PathBuf>) -> MakeOptions {
    MakeOptions { customers, seed, out, truth, parquet: |_, _| unreachable!("no test but one asks for Parquet") }
}

fn make(customers: u32, seed: u64, out: &Path, truth: Option<&Path>) -> MakeFacts {
    make_retail(&options(customers, seed, out.into(), truth.map(Into::into)), &Silent).expect("a shop can be made")
}

fn refusal(options: &MakeOptions) -> DataError {
    make_retail(options, &Silent).expect_err("it should be refused")
}

/// A line of the CSV, as text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Sale {
    invoice: String,
    code: String,
    description: String,
    quantity: i64,
    at: String,
    mils: i64,
    customer: String,
    country: String,
}

fn read_csv(text: impl Read) -> Vec<Sale> {
    let mut csv = csv::Reader::from_reader(text);
    assert_eq!(csv.headers().unwrap(), &COLUMNS[..]);
    let rows = csv.into_records().map(|record| {
        let record = record.unwrap();
        let cell = |i: usize| record[i].to_owned();
        Sale {
            invoice: cell(0),
            code: cell(1),
            description: cell(2),
            quantity: cell(3).parse().unwrap(),
            at: cell(4),
            mils: (cell(5).parse::<f64>().unwrap() * 1000.0).round() as i64,
            customer: cell(6),
            country: cell(7),
        }
    });
    rows.collect()
}

fn shop(customers: u32, seed: u64) -> Vec<Sale> {
    let folder = tempdir().unwrap();
    let path = folder.path().join("shop.csv");
    let facts = make(customers, seed, &path, None);
    let rows = read_csv(File::open(&path).unwrap());
    assert_eq!((facts.rows, facts.bytes), (rows.len() as u64, path.metadata().unwrap().len()));
    rows
}

fn unpacked(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    GzDecoder::new(File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
    bytes
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    entries.collect::<BTreeSet<_>>().into_iter().collect()
}

/// The shop that comes with segc is what its command makes today, byte for byte; packing may differ between versions.
#[test]
fn the_carried_shop_is_made_again() {
    let carried = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs/data");
    let folder = tempdir().unwrap();
    let (rows, truth) = (folder.path().join("shop.csv.gz"), folder.path().join("shop_truth.csv"));
    let facts = make(800, 42, &rows, Some(&truth));
    assert!(unpacked(&rows) == unpacked(&carried.join("shop.csv.gz")), "the rows differ from the carried ones");
    assert_eq!(fs::read_to_string(&truth).unwrap(), fs::read_to_string(carried.join("shop_truth.csv")).unwrap());
    assert!(facts.bytes < 1_000_000, "{} bytes", facts.bytes);
    let planted = [("Champions", 90), ("Loyal", 184), ("At Risk", 129), ("New", 160), ("Low Value", 237)];
    assert_eq!(facts.segments, planted);
    assert_eq!(names_in(folder.path()), ["shop.csv.gz", "shop_truth.csv"], "nothing temporary is left");
}

#[test]
fn the_same_customers_and_seed_give_the_same_bytes_in_every_format() {
    let folder = tempdir().unwrap();
    for ending in ["csv", "csv.gz", "xlsx"] {
        let path = |name: &str| folder.path().join(format!("{name}.{ending}"));
        make(40, 7, &path("once"), None);
        make(40, 7, &path("again"), None);
        make(40, 8, &path("other_seed"), None);
        let bytes = |name: &str| fs::read(path(name)).unwrap();
        assert!(bytes("once") == bytes("again"), "{ending} differs");
        assert!(bytes("once") != bytes("other_seed"), "{ending} ignores the seed");
    }
    // Two workbooks made within a second could agree by chance.
    let mut workbook = ZipArchive::new(File::open(folder.path().join("once.xlsx")).unwrap()).unwrap();
    let mut properties = String::new();
    workbook.by_name("docProps/core.xml").unwrap().read_to_string(&mut properties).unwrap();
    assert!(properties.contains(">2024-12-08T00:00:00Z</dcterms:created>"), "{properties}");
    assert_eq!(unpacked(&folder.path().join("once.csv.gz")), fs::read(folder.path().join("once.csv")).unwrap());
}

#[test]
fn a_workbook_holds_the_same_rows_with_the_cell_types_of_the_original() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("shop.xlsx");
    make(40, 7, &path, None);
    let sheet = open_workbook_auto(&path).unwrap().worksheet_range("Online Retail").unwrap();
    let expected = shop(40, 7);
    let mut rows = sheet.rows();
    let header: Vec<String> = rows.next().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(header, COLUMNS);
    assert_eq!(rows.len(), expected.len());
    for (cells, sale) in rows.zip(&expected) {
        for (cell, text) in [(&cells[0], &sale.invoice), (&cells[1], &sale.code)] {
            let looks_numeric = text.bytes().all(|byte| byte.is_ascii_digit());
            assert_eq!(matches!(cell, Data::Float(_)), looks_numeric, "{cell:?}");
            assert_eq!(cell.to_string(), *text);
        }
        assert_eq!(cells[2].to_string(), sale.description);
        assert_eq!(cells[3], Data::Float(sale.quantity as f64));
        let Data::DateTime(at) = cells[4] else { panic!("{:?} is no time", cells[4]) };
        let minutes = ((at.as_f64() - 25_569.0) * 1440.0).round() as i64;
        let at = chrono::DateTime::from_timestamp(minutes * 60, 0).unwrap().naive_utc();
        assert_eq!(at.to_string(), sale.at);
        assert_eq!(cells[5], Data::Float(sale.mils as f64 / 1000.0));
        assert_eq!(cells[6] == Data::Empty, sale.customer.is_empty());
        assert_eq!(cells[6].to_string(), sale.customer);
        assert_eq!(cells[7].to_string(), sale.country);
    }
}

#[test]
fn rows_stand_in_time_order_and_invoices_count_up() {
    let rows = shop(300, 1);
    let number = |sale: &Sale| sale.invoice.trim_start_matches(['A', 'C']).parse::<u32>().unwrap();
    for pair in rows.windows(2) {
        assert!(pair[0].at <= pair[1].at, "{pair:?}");
        assert!((0..=1).contains(&(number(&pair[1]) - number(&pair[0]))), "{pair:?}");
        assert!(pair[0].invoice != pair[1].invoice || pair[0].at == pair[1].at, "{pair:?}");
    }
}

#[test]
fn the_shop_keeps_its_hours_and_peaks_in_november() {
    let rows = shop(300, 1);
    let mut months = BTreeMap::new();
    for sale in &rows {
        let at = chrono::NaiveDateTime::parse_from_str(&sale.at, "%Y-%m-%d %H:%M:%S").unwrap();
        assert_ne!(chrono::Datelike::weekday(&at), chrono::Weekday::Sat, "{sale:?}");
        assert!(!("2023-12-23".."2024-01-03").contains(&sale.at.as_str()), "{sale:?}");
        *months.entry(sale.at[..7].to_owned()).or_insert(0) += 1;
    }
    assert_eq!(rows[0].at[..10], *"2023-12-01");
    assert_eq!(months.len(), 13);
    let busiest = months.iter().max_by_key(|(_, n)| **n).unwrap().0;
    assert_eq!(busiest, "2024-11", "{months:?}");
}

#[test]
fn the_usual_dirt_is_there_in_the_usual_amounts() {
    let rows = shop(2_000, 3);
    let n = rows.len();
    let share = |test: &dyn Fn(&Sale) -> bool| rows.iter().filter(|sale| test(sale)).count() as f64 / n as f64;
    let between = |what: &str, low: f64, found: f64, high: f64| {
        assert!((low..=high).contains(&found), "{what}: {found}");
    };
    between("cancelled", 0.008, share(&|s| s.invoice.starts_with('C')), 0.02);
    between("returned on an ordinary invoice", 0.001, share(&|s| returned(s) && !s.customer.is_empty()), 0.004);
    between("stock taking", 0.001, share(&|s| returned(s) && s.customer.is_empty()), 0.02);
    between("without customer", 0.15, share(&|s| s.customer.is_empty()), 0.3);
    between("without description", 0.0005, share(&|s| s.description.is_empty()), 0.01);
    between("free", 0.001, share(&|s| s.mils == 0), 0.02);
    between("negative price", 1e-5, share(&|s| s.mils < 0 && s.invoice.starts_with('A')), 1e-3);
    between("three decimals", 0.001, share(&|s| s.mils % 10 != 0), 0.03);
    between("from abroad", 0.05, share(&|s| s.country != "United Kingdom"), 0.2);
    let distinct = rows.iter().collect::<BTreeSet<_>>().len();
    between("repeated", 0.004, (n - distinct) as f64 / n as f64, 0.015);
    for code in ["POST", "DOT", "M", "D", "C2", "B", "gift_20"] {
        assert!(rows.iter().any(|sale| sale.code == code), "no {code}");
    }
    let has = |test: &dyn Fn(&str) -> bool| rows.iter().any(|sale| test(&sale.description));
    assert!(has(&|d| d.contains(',')) && has(&|d| d.contains('"')) && has(&|d| d.contains('£')));
    assert!(has(&|d| d.starts_with(' ')) && has(&|d| d.ends_with(' ')) && has(&|d| d.trim().contains("  ")));
    let codes: BTreeSet<_> = rows.iter().map(|sale| sale.code.clone()).collect();
    let folded: BTreeSet<_> = codes.iter().map(|code| code.to_uppercase()).collect();
    assert!(folded.len() < codes.len(), "some codes differ in case alone");
    assert!(codes.iter().any(|c| c.len() == 5 && c.parse::<u32>().is_ok()) && codes.iter().any(|c| c.ends_with('A')));
    let known = || rows.iter().filter(|sale| !sale.customer.is_empty());
    let addresses: BTreeSet<_> = known().map(|sale| (&sale.customer, &sale.country)).collect();
    let people: BTreeSet<_> = known().map(|sale| &sale.customer).collect();
    assert!(addresses.len() > people.len() + 3, "a few customers have two countries");
}

fn returned(sale: &Sale) -> bool {
    sale.quantity < 0 && !sale.invoice.starts_with('C')
}

/// A cancellation takes back at most what the same customer bought before, at the same price. Exceptions: discounts,
/// and people whose order lies before the data.
#[test]
fn cancellations_cancel_what_was_bought() {
    let rows = shop(500, 5);
    let bought_ever: BTreeSet<&str> =
        rows.iter().filter(|sale| sale.quantity > 0).map(|sale| sale.customer.as_str()).collect();
    let mut open: BTreeMap<(&str, &str, i64), i64> = BTreeMap::new();
    let (mut cancelled, mut strangers) = (0, 0);
    for sale in &rows {
        let key = (sale.customer.as_str(), sale.code.as_str(), sale.mils);
        match sale.invoice.starts_with('C') {
            false => *open.entry(key).or_insert(0) += sale.quantity,
            true if sale.code == "D" => assert!(sale.quantity == -1 && sale.mils > 0),
            true if !sale.customer.is_empty() && !bought_ever.contains(sale.customer.as_str()) => strangers += 1,
            true => {
                let left = open.get_mut(&key).unwrap_or_else(|| panic!("never bought: {sale:?}"));
                *left += sale.quantity;
                assert!(*left >= 0, "more came back than was bought: {sale:?}");
                cancelled += 1;
            }
        }
    }
    assert!(cancelled > 100 && strangers >= 5, "{cancelled} {strangers}");
}

#[test]
fn every_customer_in_the_truth_buys_something() {
    let folder = tempdir().unwrap();
    let (rows, truth) = (folder.path().join("rows.csv"), folder.path().join("truth.csv"));
    let facts = make(1_000, 11, &rows, Some(&truth));
    let text = fs::read_to_string(&truth).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("customer,segment"));
    let planted: BTreeMap<_, _> = lines.map(|line| line.split_once(',').unwrap()).collect();
    let bought: BTreeSet<String> = read_csv(File::open(&rows).unwrap())
        .into_iter()
        .filter(|sale| sale.quantity > 0 && sale.mils > 0 && !sale.customer.is_empty())
        .map(|sale| sale.customer)
        .collect();
    assert!(planted.keys().copied().eq(bought.iter().map(String::as_str)));
    for (segment, customers) in facts.segments {
        assert_eq!(planted.values().filter(|planted| **planted == segment).count() as u64, customers);
    }
}

#[test]
fn parquet_is_left_to_the_sink_that_the_caller_gives() {
    struct Counting(File, u64);
    impl RowSink for Counting {
        fn write(&mut self, rows: &[Row<'_>]) -> Result<(), DataError> {
            self.1 += rows.len() as u64;
            Ok(())
        }
        fn finish(mut self: Box<Self>) -> Result<(), DataError> {
            write!(self.0, "{} rows", self.1).unwrap();
            Ok(())
        }
    }
    let folder = tempdir().unwrap();
    let out = folder.path().join("shop.parquet");
    let mut options = options(40, 7, out.clone(), None);
    options.parquet = |file, _| Ok(Box::new(Counting(file, 0)));
    let facts = make_retail(&options, &Silent).unwrap();
    assert_eq!(facts.rows, shop(40, 7).len() as u64);
    assert_eq!(fs::read_to_string(out).unwrap(), format!("{} rows", facts.rows));
}

#[test]
fn what_cannot_be_made_is_refused_before_anything_is_written() {
    let folder = tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let say = |error: DataError| (error.blame(), error.to_string().replace(&folder.path().display().to_string(), ""));

    let none = say(refusal(&options(0, 1, at("a.csv"), None)));
    assert_eq!(none, (Blame::Usage, "0 customers asked for, 1 to 10000000 can be made".into()));
    let format = refusal(&options(9, 1, at("a.ods"), None));
    assert_eq!(format.help().unwrap(), "end the name with `.csv`, `.csv.gz`, `.xlsx` or `.parquet`");
    assert_eq!(say(format), (Blame::Usage, "the name `/a.ods` tells no format".into()));
    let truth = say(refusal(&options(9, 1, at("a.csv"), Some(at("t.parquet")))));
    assert_eq!(truth, (Blame::Usage, "the name `/t.parquet` tells no format".into()));
    let same = say(refusal(&options(9, 1, at("a.csv"), Some(at("a.csv")))));
    assert_eq!(same, (Blame::Usage, "the rows and the truth would both go to `/a.csv`".into()));
    let long = say(refusal(&options(28_000, 1, at("a.xlsx"), None)));
    assert_eq!(long, (Blame::Limit, "the shop has more than the 1048575 rows that fit on a worksheet".into()));
    let nowhere = say(refusal(&options(9, 1, at("no/such/a.csv"), None)));
    assert_eq!(nowhere, (Blame::Output, "could not create `/no/such/a.csv`: no such file or directory".into()));
    assert!(names_in(folder.path()).is_empty());
}

#[test]
fn a_failing_sink_leaves_the_old_file_alone() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("shop.parquet");
    fs::write(&out, "the last good one").unwrap();
    let mut options = options(9, 7, out.clone(), Some(folder.path().join("truth.csv")));
    options.parquet =
        |_, path| Err(DataError::Write { doing: "write", path: path.into(), reason: "no space left on device".into() });
    let refused = refusal(&options).to_string();
    assert_eq!(refused, format!("could not write `{}`: no space left on device", out.display()));
    assert_eq!(fs::read_to_string(&out).unwrap(), "the last good one");
    assert_eq!(names_in(folder.path()), ["shop.parquet"]);
}

#[test]
fn prices_have_two_decimals_or_three_where_they_need_them() {
    let shown = [0, 5, 10, 395, 2_550, -9_999, 12_345_670].map(|mils| Price { mils }.to_string());
    assert_eq!(shown, ["0.00", "0.005", "0.01", "0.395", "2.55", "-9.999", "12345.67"]);
}

// ---- a public data set

const SHEET: &[u8] = b"<worksheet><sheetData><row r=\"1\"/></sheetData></worksheet>";

/// A small data set in the form of a real one. CRC-32 of [`SHEET`]: Python's `zlib.crc32`.
fn dataset() -> Dataset {
    Dataset {
        name: "tiny",
        credit: "nobody",
        server: "https://data.invalid",
        path: "/sets/tiny+set.zip",
        member: "Tiny Set.xlsx",
        file: "tiny.xlsx",
        most_bytes: 10_000,
        sheet: Part { path: "xl/worksheets/sheet1.xml", bytes: 58, crc32: 0x7acc_7f4d },
    }
}

fn zipped(name: &str, content: &[u8], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file(name, SimpleFileOptions::default().compression_method(method)).unwrap();
    zip.write_all(content).unwrap();
    zip.finish().unwrap().into_inner()
}

fn workbook() -> Vec<u8> {
    zipped("xl/worksheets/sheet1.xml", SHEET, CompressionMethod::Stored)
}

/// The archive as it is published: a workbook inside.
fn archive(workbook: &[u8]) -> Vec<u8> {
    zipped("Tiny Set.xlsx", workbook, CompressionMethod::Deflated)
}

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n").as_bytes(), body].concat()
}

fn ok(body: &[u8]) -> Vec<u8> {
    answer(&format!("200 OK\r\nContent-Length: {}", body.len()), body)
}

/// A server that gives these answers, one a connection, and returns the paths it was asked for. It ends by itself:
/// after the last answer, or when nobody has come for a while.
struct Server {
    url: String,
    asked: JoinHandle<Vec<String>>,
}

impl Server {
    fn giving(answers: Vec<Vec<u8>>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serve = move || {
            let until = Instant::now() + Duration::from_secs(10);
            let mut asked = Vec::new();
            for answer in answers {
                let Some(mut line) = accept(&listener, until) else { break };
                asked.push(path_asked(&mut line));
                // The other side may hang up on an answer it does not like.
                let _ = line.write_all(&answer);
            }
            asked
        };
        Server { url, asked: thread::spawn(serve) }
    }

    /// Fetches into `folder` and tells what this server was asked.
    fn get(self, dataset: &Dataset, folder: &Path) -> (Result<segc::data::GetFacts, DataError>, Vec<String>) {
        let got = get(dataset, &from(&self.url, folder), &Silent);
        (got, self.asked.join().unwrap())
    }
}

fn accept(listener: &TcpListener, until: Instant) -> Option<TcpStream> {
    while Instant::now() < until {
        if let Ok((line, _)) = listener.accept() {
            line.set_nonblocking(false).unwrap();
            line.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            line.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
            return Some(line);
        }
        thread::sleep(Duration::from_millis(2));
    }
    None
}

fn path_asked(line: &mut TcpStream) -> String {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") && request.len() < 8_192 && line.read(&mut byte).unwrap_or(0) == 1 {
        request.push(byte[0]);
    }
    String::from_utf8_lossy(&request).split(' ').nth(1).unwrap_or_default().to_owned()
}

fn from(server: &str, folder: &Path) -> GetOptions {
    let mut options = GetOptions::new(folder);
    options.server = Some(server.into());
    options
}

/// What fetching fails with when the server gives this one answer; nothing may be left in the folder.
fn failure(answer: Vec<u8>) -> DataError {
    let folder = tempdir().unwrap();
    let (got, asked) = Server::giving(vec![answer]).get(&dataset(), folder.path());
    assert_eq!(asked, ["/sets/tiny+set.zip"]);
    assert!(names_in(folder.path()).is_empty(), "{:?}", names_in(folder.path()));
    got.expect_err("it should fail")
}

/// `blame: message`, without the server's port.
fn said(error: &DataError) -> String {
    let text = format!("{:?}: {error}", error.blame());
    match text.split_once("127.0.0.1:") {
        Some((before, after)) => format!("{before}SERVER{}", after.trim_start_matches(|c: char| c.is_ascii_digit())),
        None => text,
    }
}

#[test]
fn a_data_set_is_fetched_once_and_recognised_afterwards() {
    let folder = tempdir().unwrap();
    let data = folder.path().join("new/data");
    let (got, asked) = Server::giving(vec![ok(&archive(&workbook()))]).get(&dataset(), &data);
    let first = got.unwrap();
    assert_eq!(asked, ["/sets/tiny+set.zip"]);
    assert!(first.downloaded);
    assert_eq!(first.path, data.join("tiny.xlsx"));
    assert_eq!(fs::read(&first.path).unwrap(), workbook());
    assert_eq!((first.bytes, first.sha256.len()), (workbook().len() as u64, 64));
    assert_eq!(names_in(&data), ["tiny.xlsx"]);

    // Nobody listens there: asking would fail.
    let second = get(&dataset(), &from("http://127.0.0.1:1", &data), &Silent).unwrap();
    assert_eq!(second, segc::data::GetFacts { downloaded: false, ..first });
}

#[test]
fn a_redirect_is_followed_but_not_for_ever() {
    let folder = tempdir().unwrap();
    let moved = answer("302 Found\r\nContent-Length: 0\r\nLocation: /moved/here.zip", b"");
    let (got, asked) = Server::giving(vec![moved.clone(), ok(&archive(&workbook()))]).get(&dataset(), folder.path());
    assert_eq!(asked, ["/sets/tiny+set.zip", "/moved/here.zip"]);
    assert!(got.unwrap().downloaded);

    let empty = tempdir().unwrap();
    let (got, asked) = Server::giving(vec![moved; 6]).get(&dataset(), empty.path());
    assert_eq!(asked.len(), 6);
    assert_eq!(
        said(&got.unwrap_err()),
        "Source: `http://SERVER/sets/tiny+set.zip` could not be downloaded: too many redirects"
    );
}

#[test]
fn a_broken_download_is_told_from_a_wrong_one() {
    let whole = archive(&workbook());
    let cut = answer(&format!("200 OK\r\nContent-Length: {}", whole.len()), &whole[..whole.len() / 2]);
    let text = said(&failure(cut));
    assert_eq!(text, "Source: `http://SERVER/sets/tiny+set.zip` could not be downloaded: peer disconnected");

    // Without a length the end can't be known; the archive shows it.
    let text = said(&failure(answer("200 OK", &whole[..whole.len() / 2])));
    assert!(
        text.starts_with("Source: the answer of `http://SERVER/sets/tiny+set.zip` is not the data set: "),
        "{text}"
    );

    let text = said(&failure(answer("404 Not Found\r\nContent-Length: 4", b"gone")));
    assert_eq!(text, "Source: `http://SERVER/sets/tiny+set.zip` was answered with HTTP status 404");
}

#[test]
fn other_content_is_refused_with_what_was_found() {
    let text = said(&failure(ok(b"<html>Please log in to the wireless network</html>")));
    assert!(
        text.starts_with("Source: the answer of `http://SERVER/sets/tiny+set.zip` is not the data set: "),
        "{text}"
    );

    let text = said(&failure(ok(&zipped("Other.xlsx", b"?", CompressionMethod::Deflated))));
    assert!(text.contains("`Tiny Set.xlsx` in it: "), "{text}");

    let text = said(&failure(ok(&archive(b"no workbook"))));
    assert!(
        text.starts_with("Source: the answer of `http://SERVER/sets/tiny+set.zip` is not the data set: "),
        "{text}"
    );

    let other = zipped("xl/worksheets/sheet1.xml", b"<worksheet/>", CompressionMethod::Stored);
    let text = said(&failure(ok(&archive(&other))));
    let expected = "`xl/worksheets/sheet1.xml` in it has 12 bytes with CRC-32 ";
    assert!(text.contains(expected) && text.contains("and not 58 bytes with CRC-32 "), "{text}");
}

/// A directory that promises the right bytes is not believed.
#[test]
fn the_rows_themselves_are_checked() {
    let mut forged = workbook();
    let at = forged.windows(SHEET.len()).position(|bytes| bytes == SHEET).unwrap();
    forged[at + 5] ^= 1;
    let text = said(&failure(ok(&archive(&forged))));
    assert!(text.contains("`xl/worksheets/sheet1.xml` in it is damaged: "), "{text}");
}

#[test]
fn sizes_have_limits() {
    let text = said(&failure(answer("200 OK\r\nContent-Length: 10001", b"")));
    assert_eq!(text, "Limit: the answer of `http://SERVER/sets/tiny+set.zip` is larger than the 10000 bytes allowed");
    let text = said(&failure(answer("200 OK", &[0; 50_000])));
    assert_eq!(text, "Limit: the answer of `http://SERVER/sets/tiny+set.zip` is larger than the 10000 bytes allowed");
    let text = said(&failure(ok(&archive(&[0; 100_000]))));
    assert_eq!(text, "Limit: `Tiny Set.xlsx` in the archive is larger than the 10000 bytes allowed");
}

#[test]
fn a_silent_server_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempdir().unwrap();
    let mut options = from(&format!("http://{}", listener.local_addr().unwrap()), folder.path());
    options.patience = Duration::from_millis(200);
    let began = Instant::now();
    let failed = get(&dataset(), &options, &Silent).unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(said(&failed), "Limit: `http://SERVER/sets/tiny+set.zip` sent nothing for 0.2 seconds");
    assert!(names_in(folder.path()).is_empty());
}

/// A server that sends a byte now and then would never be called silent.
#[test]
fn a_trickle_is_cut_off() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempdir().unwrap();
    let mut options = from(&format!("http://{}", listener.local_addr().unwrap()), folder.path());
    options.limit = Duration::from_millis(300);
    let trickle = thread::spawn(move || {
        listener.set_nonblocking(true).unwrap();
        let mut line = accept(&listener, Instant::now() + Duration::from_secs(5)).unwrap();
        path_asked(&mut line);
        line.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n").unwrap();
        let mut drop = || {
            thread::sleep(Duration::from_millis(30));
            line.write_all(b"P").is_ok()
        };
        (0..100).take_while(|_| drop()).count()
    });
    let failed = get(&dataset(), &options, &Silent).unwrap_err();
    let expected = "Limit: `http://SERVER/sets/tiny+set.zip` had not been downloaded after 0.3 seconds";
    assert_eq!(said(&failed), expected);
    assert!(trickle.join().unwrap() < 100);
    assert!(names_in(folder.path()).is_empty());
}

#[test]
fn somebody_elses_file_is_left_as_it_is() {
    let folder: TempDir = tempdir().unwrap();
    let path = folder.path().join("tiny.xlsx");
    fs::write(&path, "my own notes").unwrap();
    let failed = get(&dataset(), &from("http://127.0.0.1:1", folder.path()), &Silent).unwrap_err();
    assert_eq!(failed.blame(), Blame::Output);
    assert!(failed.to_string().starts_with("a file of that name is there already, and `"), "{failed}");
    assert_eq!(failed.help().unwrap(), "move the file away, or choose another folder");
    assert_eq!(fs::read_to_string(&path).unwrap(), "my own notes");
}

/// Measured on the workbook that UCI publishes as 352.
#[test]
fn online_retail_is_known_by_its_sheet() {
    let known = Dataset::named("online-retail").unwrap();
    assert_eq!((known.sheet.bytes, known.sheet.crc32), (184_640_367, 0xb449_1770));
    assert_eq!(
        format!("{}{}", known.server, known.path),
        "https://archive.ics.uci.edu/static/public/352/online+retail.zip"
    );
    assert!(Dataset::named("nothing").is_none() && DATASETS.len() == 1);
}
