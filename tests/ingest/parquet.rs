//! Parquet files: what becomes of each of their types, and of files with anything wrong in them. Files of another
//! writer, Arrow's, are in `tests/damage`.

use std::panic::catch_unwind;

use polars::prelude::{
    Column, DataFrame, DataType, IntoSeries, NamedFrom, ParquetCompression, ParquetWriter, Series, TimeUnit, TimeZone,
};
use segc::ingest::{Budget, Container, Format, IngestError, Limits, Loaded, Request, read, schema};
use segc::progress::Silent;

use super::limits::build_in_little_memory;
use super::{Folder, detections, load, refusals, requests, rows, try_load};
use crate::support::{built_files, root, segc, stderr, stdout};

/// A file with these columns, a row group for every three rows.
pub fn parquet(columns: Vec<Series>) -> Vec<u8> {
    parquet_with(columns, ParquetCompression::Snappy)
}

fn parquet_with(columns: Vec<Series>, compression: ParquetCompression) -> Vec<u8> {
    let height = columns[0].len();
    let mut frame = DataFrame::new(height, columns.into_iter().map(Column::from).collect()).unwrap();
    let mut bytes = vec![];
    let writer = ParquetWriter::new(&mut bytes).with_compression(compression).with_row_group_size(Some(3));
    writer.finish(&mut frame).unwrap();
    bytes
}

fn series<T, P: ?Sized>(name: &str, cells: T) -> Series
where
    Series: NamedFrom<T, P>,
{
    Series::new(name.into(), cells)
}

fn times(name: &str, cells: Vec<Option<i64>>, unit: TimeUnit) -> Series {
    series(name, cells).cast(&DataType::Datetime(unit, None)).unwrap()
}

/// Purchases in types that fit, the amounts as units of 10^-2.
fn purchases() -> Vec<Series> {
    let amounts = series("Amount", vec![250_i64, 425, 6165, -100]).cast(&DataType::Int128).unwrap();
    vec![
        series("Customer", vec![Some("ada"), Some("ben"), None, Some("cleo")]),
        times("At", vec![Some(1_704_447_000_000), Some(1_704_800_000_123), None, Some(0)], TimeUnit::Milliseconds),
        amounts.i128().unwrap().clone().into_decimal_unchecked(12, 2).into_series(),
        series("Count", vec![Some(3_i32), Some(-4), Some(0), None]),
        series("Weight", vec![Some(0.5_f64), Some(1e-7), None, Some(12_345_678.9)]),
        series("New", vec![Some(true), Some(false), None, Some(true)]),
    ]
}

const COLUMNS: &str = "customer: id = Customer; at: datetime = At; amount: money = Amount; count: int = Count; \
                       weight: number = Weight; new: bool = New";
const ROWS: [&str; 4] = [
    "ada|2024-01-05 09:30:00|2.50|3|0.5|true",
    "ben|2024-01-09 11:33:20.123|4.25|-4|0.0000001|false",
    "·|·|61.65|0|·|·",
    "cleo|1970-01-01|-1.00|·|12345678.9|true",
];

#[test]
fn every_type_arrives_as_it_is() {
    let loaded = load(parquet(purchases()), COLUMNS);
    assert_eq!((rows(&loaded), refusals(&loaded)), (ROWS.map(str::to_owned).to_vec(), vec![]));
    assert_eq!((loaded.read, loaded.files[0].rows, detections(&loaded.detected)), (4, 4, vec![]));
    // One after the other, for whoever reads a single one.
    for (nth, column) in COLUMNS.split("; ").enumerate() {
        let loaded = load(parquet(purchases()), column);
        let expected: Vec<&str> = ROWS.iter().map(|row| row.split('|').nth(nth).unwrap()).collect();
        assert_eq!(rows(&loaded), expected, "{column}");
    }
}

#[test]
fn compressions_make_no_difference() {
    let all = [
        ParquetCompression::Uncompressed,
        ParquetCompression::Snappy,
        ParquetCompression::Gzip(None),
        ParquetCompression::Brotli(None),
        ParquetCompression::Zstd(None),
        ParquetCompression::Lz4Raw,
    ];
    for compression in all {
        assert_eq!(rows(&load(parquet_with(purchases(), compression), COLUMNS)), ROWS, "{compression:?}");
    }
}

/// A type that is not the declared one is read where nothing is lost or guessed by it, as a text of it would be.
#[test]
fn columns_are_read_as_they_are_declared() {
    let read = |column: Series, kind: &str| {
        let loaded = load(parquet(vec![column]), &format!("x: {kind} = x"));
        (rows(&loaded).join(" "), refusals(&loaded).join("; "))
    };
    let fine = |column: Series, kind: &str, expected: &str| {
        assert_eq!(read(column, kind), (expected.to_owned(), String::new()), "{kind}");
    };
    fine(series("x", vec![17_850.0, 12.0]), "id", "17850 12");
    fine(
        series("x", vec![17_850_i64, 9_007_199_254_740_993, -9_223_372_036_854_775_807]),
        "int",
        "17850 9007199254740993 -9223372036854775807",
    );
    fine(series("x", vec![9_007_199_254_740_993_i64]), "id", "9007199254740993");
    fine(series("x", vec![6.0, -0.0]), "int", "6 0");
    fine(series("x", vec![2.55_f32, 0.1]), "money", "2.55 0.10");
    fine(series("x", vec![2.55_f32, 0.1]), "number", "2.55 0.1");
    // The sum of 0.1 and 0.2 in binary.
    fine(series("x", vec![0.300_000_000_000_000_04, 1e-9]), "money", "0.300000000 0.000000001");
    fine(series("x", vec![1_u8, 0]), "bool", "true false");
    fine(series("x", vec!["yes", "0"]), "bool", "true false");
    fine(series("x", vec!["1.234,50", "7,00"]), "money", "1234.5 7.0");
    fine(series("x", vec!["14/02/2024", "13/02/2024"]), "date", "2024-02-14 2024-02-13");
    fine(series("x", vec![20_240_214_i32]), "date", "2024-02-14");
    fine(series("x", vec![Some(19_767), None]).cast(&DataType::Date).unwrap(), "datetime", "2024-02-14 ·");
    fine(times("x", vec![Some(1_707_868_800_000_000_999)], TimeUnit::Nanoseconds), "datetime", "2024-02-14");
    fine(times("x", vec![Some(1_707_868_800_000_000)], TimeUnit::Microseconds), "text", "2024-02-14");
    fine(series("x", vec![34_200_000_000_000_i64]).cast(&DataType::Time).unwrap(), "text", "09:30:00");
    fine(series("x", vec![b"latte".as_slice()]), "text", "latte");
    fine(
        series("x", vec!["a", "b", "a"])
            .cast(&DataType::from_categories(polars::prelude::Categories::global()))
            .unwrap(),
        "id",
        "a b a",
    );
    fine(Series::new_null("x".into(), 2), "money", "· ·");
    fine(series("x", vec!["", " ", "a"]), "text", "· · a");

    let refused = |column: Series, kind: &str, expected: &str| assert_eq!(read(column, kind).1, expected, "{kind}");
    refused(series("x", vec![6.5]), "int", "1 x `6.5`: not a whole number");
    refused(series("x", vec![u64::MAX]), "int", "1 x `18446744073709551615`: too large");
    refused(series("x", vec![f64::NAN, 1.0, f64::INFINITY]), "money", "1 x `NaN`: not a number; 3 x `inf`: too large");
    refused(series("x", vec![f64::NAN]), "number", "1 x `NaN`: not a number");
    refused(series("x", vec![f64::NAN]), "int", "1 x `NaN`: not a number");
    refused(series("x", vec![1.0 / 3.0]), "money", "1 x `0.3333333333333333`: 15 decimals, money has at most 9");
    refused(series("x", vec!["free"]), "money", "1 x `free`: not a number");
    refused(series("x", vec![true]), "int", "1 x `TRUE`: not a number");
    refused(series("x", vec![2]), "bool", "1 x `2`: neither yes nor no");
    refused(times("x", vec![Some(0)], TimeUnit::Microseconds), "int", "1 x `1970-01-01`: a date, not a number");
    // What a spreadsheet would take for days is a number here.
    let told = "1 x `45000.5`: not a date in a form that is known without `dates`";
    refused(series("x", vec![45_000.5]), "date", told);
    let told = "1 x `1707868800`: a number; if it counts seconds since 1970, `dates \"%s\"` reads it";
    refused(series("x", vec![1_707_868_800_i64]), "datetime", told);
    let years = "not a day of the years 1000 to 9999";
    let told = format!("1 x `0959-12-30`: {years}; 2 x `+12000-01-01T00:00:00`: {years}");
    refused(
        times("x", vec![Some(-31_872_700_800_000), Some(316_516_204_800_000)], TimeUnit::Milliseconds),
        "date",
        &told,
    );
    refused(
        times("x", vec![Some(i64::MAX)], TimeUnit::Milliseconds),
        "date",
        &format!("1 x `9223372036854775807 us`: {years}"),
    );
    refused(series("x", vec![b"\xff\xfe".as_slice()]), "text", "1 x `(bytes)`: bytes that are no text");
    assert_eq!(rows(&load(parquet(vec![series("x", vec!["1707868800"])]), "x: datetime = x dates %s")), ["2024-02-14"]);
}

/// Rows of a database are rows, whatever words they begin with, and are numbered from one.
#[test]
fn nothing_is_taken_for_a_header_or_a_total() {
    let columns =
        || vec![series("Customer", vec!["Customer", "Total", "ada"]), series("At", vec![Some("At"), None, Some("x")])];
    let loaded = load(parquet(columns()), "customer: id = Customer; at: text = At");
    assert_eq!(rows(&loaded), ["Customer|At", "Total|·", "ada|x"]);
    assert_eq!(detections(&loaded.detected), Vec::<String>::new());
    let loaded = load(parquet(columns()), "customer: id = Customer; at: date = At");
    assert_eq!(refusals(&loaded).len(), 2);
    assert!(refusals(&loaded)[1].starts_with("3 at `x`"), "{:?}", refusals(&loaded));
}

#[test]
fn several_files_are_one_table_whatever_the_order_of_their_columns() {
    let folder = Folder::new();
    let mut turned = purchases();
    turned.reverse();
    let text = "customer,at,amount\nada,2024-01-05 09:30,2.50\n";
    let others = parquet(vec![
        series("AMOUNT", vec![2.5]),
        series("At", vec!["2024-01-05 09:30"]),
        series("Customer", vec!["ada"]),
    ]);
    let read = |files, columns: &str| {
        read(&Request { files, columns: requests(columns), identity: true, ..Request::default() }, &Silent).unwrap()
    };
    let two = read(vec![folder.file("a", parquet(purchases())), folder.file("b", parquet(turned))], COLUMNS);
    let identity = two.identity.unwrap();
    assert_eq!((two.read, &identity[..4]), (8, &identity[4..]));
    let mixed = read(
        vec![folder.file("c.csv", text), folder.file("c.parquet", others)],
        "customer: id = customer; at: datetime = at; amount: money = amount",
    );
    assert_eq!(rows(&mixed), ["ada|2024-01-05 09:30:00|2.5"; 2]);
}

#[test]
fn columns_that_hold_no_values_do_no_harm_unless_they_are_asked_for() {
    let lists = || {
        let list = polars::prelude::ListChunked::from_iter([series("", vec![1_i64]), series("", vec![2_i64, 3])]);
        vec![series("Customer", vec!["ada", "ben"]), list.into_series().with_name("Items".into())]
    };
    let folder = Folder::new();
    let try_read = |columns: &str, identity| {
        let files = vec![folder.file("in", parquet(lists()))];
        read(&Request { files, columns: requests(columns), identity, ..Request::default() }, &Silent)
    };
    assert_eq!(rows(&try_read("customer: id = Customer", false).unwrap()), ["ada", "ben"]);
    let error = |column| IngestError::NoValues {
        file: "in".into(),
        column,
        header: "Items".into(),
        what: "a list in every row".into(),
    };
    assert_eq!(try_read("customer: id = Customer; x: text = Items", false).unwrap_err(), error(Some(1)));
    assert_eq!(try_read("customer: id = Customer", true).unwrap_err(), error(None));
    // The first look does not need a spec, and shows the rest of the file.
    let output = segc(&["profile"]).arg(folder.file("in", parquet(lists())).path).output().unwrap();
    let told = stdout(&output);
    assert!(output.status.success() && told.contains("Customer") && told.contains("a list in every row"), "{told}");
}

#[test]
fn times_of_the_world_are_read_in_utc_and_that_is_said() {
    let instants = || {
        let time = series("At", vec![1_704_447_000_000_000_i64]).i64().unwrap().clone();
        vec![time.into_datetime(TimeUnit::Microseconds, Some(TimeZone::UTC)).into_series()]
    };
    let with = |zone: Option<&str>| {
        let format = Format { timezone: zone.map(str::to_owned), ..Format::default() };
        try_load(parquet(instants()), "at: datetime = At", format)
    };
    let loaded = with(None).unwrap();
    assert_eq!(
        (rows(&loaded).join(""), detections(&loaded.detected)),
        ("2024-01-05 09:30:00".into(), vec!["time zone? UTC".into()])
    );
    assert_eq!(loaded.detected[0].pin, "timezone \"UTC\"");
    assert_eq!(detections(&with(Some("UTC")).unwrap().detected), Vec::<String>::new());
    let zone = "Europe/London".to_owned();
    assert_eq!(with(Some(&zone)).unwrap_err(), IngestError::ZoneOfAFile { file: "in".into(), zone });
}

#[test]
fn settings_of_text_files_do_not_fit() {
    let with = |format: Format| try_load(parquet(purchases()), COLUMNS, format).unwrap_err();
    let stated = [
        ("delimiter", Format { delimiter: Some(segc::ingest::Delimiter::Byte(b';')), ..Format::default() }),
        ("header", Format { header: Some(false), ..Format::default() }),
        ("skip", Format { skip: Some(1), ..Format::default() }),
        ("footer", Format { footer: Some(1), ..Format::default() }),
        ("fill_merged", Format { fill_merged: Some(true), ..Format::default() }),
    ];
    for (option, format) in stated {
        let found = Container::Parquet;
        assert_eq!(with(format), IngestError::OptionDoesNotFit { file: "in".into(), option, found });
    }
}

#[test]
fn missing_columns_are_named_and_headers_listed() {
    let error = try_load(parquet(purchases()), "customer: id = Custommer", Format::default()).unwrap_err();
    assert!(
        matches!(&error, IngestError::MissingColumns { missing, .. } if missing[0].near == ["Customer"]),
        "{error}"
    );
    let folder = Folder::new();
    let found = schema(&folder.file("in", parquet(purchases())), &Format::default()).unwrap();
    assert_eq!(found.headers, ["Customer", "At", "Amount", "Count", "Weight", "New"]);
}

#[test]
fn budgets_hold_before_anything_is_unpacked() {
    let folder = Folder::new();
    let with = |bytes: Vec<u8>, limits: Limits| {
        let request = Request {
            files: vec![folder.file("in", bytes)],
            columns: requests("x: text = x"),
            limits,
            ..Request::default()
        };
        match read(&request, &Silent) {
            Err(IngestError::TooLarge { budget, limit, .. }) => Some((budget, limit)),
            other => other.map(|_| None).unwrap(),
        }
    };
    let long = || parquet(vec![series("x", vec!["x".repeat(100_000); 3])]);
    let limit = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        limits
    };
    assert_eq!(with(long(), Limits::default()), None);
    assert_eq!(with(long(), limit(|l| l.inflated = 1000)), Some((Budget::Inflated, 1000)));
    assert_eq!(with(long(), limit(|l| l.rows = 2)), Some((Budget::Rows, 2)));
    assert_eq!(with(long(), limit(|l| l.record = 10_000)), Some((Budget::Record, 10_000)));
    let wide = || parquet(vec![series("x", vec!["a"]), series("y", vec!["b"])]);
    assert_eq!(with(wide(), limit(|l| l.columns = 1)), Some((Budget::Columns, 1)));
}

/// A few bytes may claim to be gigabytes. The command has less than two of them here, and says so.
#[test]
fn a_page_that_claims_too_much_is_turned_away() {
    let texts: Vec<String> = (0..20_000).map(|n| format!("{}{n}", "x".repeat(400))).collect();
    let columns =
        vec![series("customer", texts), series("at", vec!["2024-01-05"; 20_000]), series("price", vec![1; 20_000])];
    let mut frame = DataFrame::new(20_000, columns.into_iter().map(Column::from).collect()).unwrap();
    let mut bytes = vec![];
    let writer = ParquetWriter::new(&mut bytes).with_compression(ParquetCompression::Zstd(None));
    writer.with_row_group_size(Some(20_000)).with_data_page_size(Some(64 << 20)).finish(&mut frame).unwrap();
    let (exit, told) = build_in_little_memory(&bytes);
    assert_eq!(exit, 0, "{told}");
    // The head of the first page: its kind, then its size unpacked in a number of four bytes.
    assert_eq!(bytes[4..7], [0x15, 0x00, 0x15]);
    assert!(bytes[7..10].iter().all(|byte| byte & 0x80 != 0) && bytes[10] & 0x80 == 0, "{:?}", &bytes[4..12]);
    bytes[7..11].copy_from_slice(&[0xfe, 0xff, 0xff, 0x7f]);
    let (exit, told) = build_in_little_memory(&bytes);
    assert_eq!(exit, 3, "{told}");
    assert!(told.starts_with("error[SEG0304]") && told.contains("claims to unpack to 134217727"), "{told}");
}

/// Every file that is cut off anywhere, and every file with a byte wrong, is read or turned away: no panic gets out,
/// and what is read has as many rows as the file says.
#[test]
fn no_broken_file_is_more_than_an_error() {
    let plain = parquet_with(purchases(), ParquetCompression::Uncompressed);
    let packed = parquet_with(purchases(), ParquetCompression::Zstd(None));
    let folder = Folder::new();
    let attempt = |bytes: &[u8], what: &dyn Fn() -> String| -> Result<Loaded, IngestError> {
        let request = Request {
            files: vec![folder.file("in", bytes)],
            columns: requests(COLUMNS),
            identity: true,
            ..Request::default()
        };
        catch_unwind(|| read(&request, &Silent)).unwrap_or_else(|_| panic!("a panic for {}", what()))
    };
    let (mut fine, mut broken) = (0, 0);
    for (name, sound) in [("plain", &plain), ("packed", &packed)] {
        for length in 0..sound.len() {
            let told = attempt(&sound[..length], &|| format!("{name} cut off at {length}")).unwrap_err();
            assert!(
                matches!(
                    told,
                    IngestError::Damaged { .. } | IngestError::Empty { .. } | IngestError::MissingColumns { .. }
                ),
                "{length}: {told}"
            );
        }
        for at in 0..sound.len() {
            for flip in [0x01, 0xff] {
                let mut bytes = sound.clone();
                bytes[at] ^= flip;
                match attempt(&bytes, &|| format!("{name} with byte {at} ^ {flip:#x}")) {
                    Ok(loaded) => {
                        assert_eq!(loaded.read, 4, "{name} {at} {flip}");
                        fine += 1;
                    }
                    Err(_) => broken += 1,
                }
            }
        }
    }
    // Statistics and names of writers are looked at by nobody; all else is.
    assert!(fine > 300 && broken > 300, "{fine} read, {broken} turned away");
}

/// The shop, as its till exports it, as a workbook and as Parquet: one list of customers, byte for byte.
#[test]
fn the_shop_is_the_same_from_every_kind_of_file() {
    let folder = Folder::new();
    let packed = std::fs::File::open(root().join("specs/data/shop.csv.gz")).unwrap();
    let mut reader = csv::Reader::from_reader(flate2::read::GzDecoder::new(packed));
    let headers: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(records.len(), 33_116);
    let texts =
        |at: usize| -> Vec<Option<&str>> { records.iter().map(|r| Some(&r[at]).filter(|t| !t.is_empty())).collect() };
    let typed = |at: usize| -> Series {
        let numbers = || texts(at).into_iter().map(|text| text.map(|text| text.parse::<f64>().unwrap()));
        match headers[at].as_str() {
            "Quantity" => series("Quantity", numbers().map(|n| n.map(|n| n as i32)).collect::<Vec<_>>()),
            "UnitPrice" => series("UnitPrice", numbers().collect::<Vec<_>>()),
            // As pandas keeps whole numbers among which some are missing.
            "CustomerID" => series("CustomerID", numbers().collect::<Vec<_>>()),
            "InvoiceDate" => {
                let micros = |text: &str| {
                    let time = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap();
                    time.and_utc().timestamp_micros()
                };
                times("InvoiceDate", texts(at).into_iter().map(|t| t.map(micros)).collect(), TimeUnit::Microseconds)
            }
            name => series(name, texts(at)),
        }
    };
    let mut frame = DataFrame::new(records.len(), (0..headers.len()).map(|at| typed(at).into()).collect()).unwrap();
    let mut bytes = vec![];
    ParquetWriter::new(&mut bytes).with_row_group_size(Some(10_000)).finish(&mut frame).unwrap();
    folder.file("shop.parquet", bytes);
    let as_texts = (0..headers.len()).map(|at| series(&headers[at], texts(at)).into()).collect();
    let mut bytes = vec![];
    ParquetWriter::new(&mut bytes).finish(&mut DataFrame::new(records.len(), as_texts).unwrap()).unwrap();
    folder.file("shop.texts", bytes);
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    for (row, cells) in std::iter::once(&csv::StringRecord::from(headers.clone())).chain(&records).enumerate() {
        for (column, text) in cells.iter().enumerate() {
            match text.parse::<f64>() {
                Ok(number) if headers[column] != "StockCode" => {
                    sheet.write_number(row as u32, column as u16, number).unwrap()
                }
                _ => sheet.write_string(row as u32, column as u16, text).unwrap(),
            };
        }
    }
    folder.file("shop.xlsx", workbook.save_to_buffer().unwrap());

    let spec = std::fs::read_to_string(root().join("specs/shop.seg")).unwrap();
    let list = |name: &str| {
        built_files(&spec.replace("data/shop.csv.gz", name), folder.0.path()).remove("segments.csv").expect("a list")
    };
    let expected = list("data/shop.csv.gz");
    for name in ["shop.parquet", "shop.texts", "shop.xlsx"] {
        assert!(list(name) == expected, "{name} gives another list");
    }
}

#[test]
fn a_file_tells_what_it_holds_before_there_is_a_spec() {
    let folder = Folder::new();
    let output = segc(&["profile"]).arg(folder.file("in", parquet(purchases())).path).output().unwrap();
    let told = stdout(&output);
    assert!(output.status.success() && told.contains("a Parquet file") && told.contains("61.65"), "{told}");
    let output = segc(&["profile"]).arg(folder.file("in", &parquet(purchases())[..200]).path).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).starts_with("error[SEG0304]"), "{}", stderr(&output));
}
