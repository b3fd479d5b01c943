//! Delimited text: delimiters, quotes, line ends, encodings, compression, headers.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Mutex;

use flate2::Compression;
use flate2::write::GzEncoder;
use segc::ingest::{Delimiter, Format, IngestError, Limits, Request, read};
use segc::progress::{Progress, Silent};

use super::{Folder, detection, detections, load, load_as, refusals, requests, rows, schema_of, try_load};

const AB: &str = "a: text = a; b: text = b";

#[test]
fn fields_follow_rfc_4180() {
    let cases: [(&str, &[&str]); 18] = [
        ("a,b\n1,2\n", &["1|2"]),
        ("a,b\n1,2", &["1|2"]),
        ("a,b\r\n1,2\r\n3,4\r\n", &["1|2", "3|4"]),
        ("a,b\r1,2\r3,4\r", &["1|2", "3|4"]),
        ("a,b\r1,2\n3,4\r\n", &["1|2", "3|4"]),
        ("a,b\n\n1,2\n\n\n", &["1|2"]),
        ("a,b\n  \n1,2\n", &["1|2"]),
        ("\n\na,b\n1,2\n", &["1|2"]),
        ("a,b\n1,\n,2\n", &["1|·", "·|2"]),
        ("a,b\n\"1\",\"2\"\n", &["1|2"]),
        ("a,b\n\"x,y\",2\n", &["x,y|2"]),
        ("a,b\n\"x\ny\",2\n", &["x\ny|2"]),
        ("a,b\n\"x\r\ny\",2\n", &["x\r\ny|2"]),
        ("a,b\n\"say \"\"é\"\"\",\"\"\n", &["say \"é\"|·"]),
        ("a,b\n\"\"\"é\",2\n", &["\"é|2"]),
        ("a,b\n5\" disc,2\n", &["5\" disc|2"]),
        ("a,b\n\"\"\"\",\"\"\"\"\"\"\n", &["\"|\"\""]),
        // Text keeps its blanks, but blanks alone are nothing.
        ("a,b\n x , \n", &[" x |·"]),
    ];
    for (text, expected) in cases {
        let loaded = load(text, AB);
        assert_eq!(rows(&loaded), expected, "{text:?}");
        assert_eq!(refusals(&loaded), [""; 0], "{text:?}");
    }
}

/// A block of the reader has 256 KiB; whatever lies across its end must not be torn.
#[test]
fn records_across_blocks_stay_whole() {
    for shift in 0..40 {
        let mut text = format!("a,b\n{},0\n", "x".repeat((256 << 10) - 30 + shift - 8));
        text.push_str("\"p\r\n\"\"q\"\"\",1\r\n\"é\",2\r\n");
        let shown = rows(&load(&text, AB));
        assert_eq!(shown[1..], ["p\r\n\"q\"|1", "é|2"], "{shift}");
    }
}

#[test]
fn rows_that_do_not_fit_are_refused_with_their_line() {
    let cases: [(&str, &[&str], &[&str]); 6] = [
        (
            "a,b\n1\n1,2\n1,2,3\n",
            &["1|2"],
            &["2 `1`: 1 field, the header has 2", "4 `1,2,3`: 3 fields, the header has 2"],
        ),
        ("a,b\r\n\"x\r\ny\",1\r\n1\r\n", &["x\r\ny|1"], &["4 `1`: 1 field, the header has 2"]),
        ("a,b\r\"x\ry\",1\r1\r", &["x\ry|1"], &["4 `1`: 1 field, the header has 2"]),
        ("a,b\n\n\n1\n", &[], &["4 `1`: 1 field, the header has 2"]),
        (
            "a,b\n\"WHITE \"HANGING\" HEART\",1\nx,2\n",
            &["x|2"],
            &["2 `\"WHITE \"HANGING\" HEART\",1`: text follows a closing quote"],
        ),
        ("a,b\nx,2\ny,\"cut o", &["x|2"], &["3 `y,\"cut o`: a quote is opened and not closed"]),
    ];
    for (text, expected, refused) in cases {
        let loaded = load(text, AB);
        assert_eq!(rows(&loaded), expected, "{text:?}");
        assert_eq!(refusals(&loaded), refused, "{text:?}");
        assert_eq!(loaded.read, (expected.len() + refused.len()) as u64, "{text:?}");
    }
    let long = load(format!("a,b\n{}\n", "x".repeat(5000)), AB);
    assert_eq!(long.refused[0].value.chars().count(), 201, "200 characters and a mark that there are more");
}

/// Not the rows below it, down to the next quote or to the end.
#[test]
fn a_lost_quote_costs_its_own_row() {
    let lost = "3 `3,\"4`: a quote is opened and not closed";
    for (text, expected) in [
        ("a,b\n1,2\n3,\"4\n5,6\n7,8\n", vec!["1|2", "5|6", "7|8"]),
        ("a,b\r\n1,2\r\n3,\"4\r\n5,6\r\n\"x\r\ny\",8\r\n", vec!["1|2", "5|6", "x\r\ny|8"]),
        ("a,b\n1,2\n3,\"4\n5,6\n7,\"8, 9\"\n", vec!["1|2", "5|6", "7|8, 9"]),
        ("a,b\r1,2\r3,\"4\r5,\"6\"\r", vec!["1|2", "5|6"]),
    ] {
        let loaded = load(text, AB);
        assert_eq!(
            (rows(&loaded), refusals(&loaded)),
            (expected.iter().map(|row| row.to_string()).collect(), vec![lost.to_owned()])
        );
    }
    // Cells of several lines above it in its own record stay whole.
    let loaded = load("a,b\n\"1\n2\",\"3\n4,5\n6,\"7\"\n", AB);
    let lost = "2 `\"1\\n2\",\"3`: a quote is opened and not closed";
    assert_eq!((rows(&loaded), refusals(&loaded)), (vec!["4|5".to_owned(), "6|7".to_owned()], vec![lost.to_owned()]));
    let loaded = load("a,b\n\"1\n2\",\"3\" x\n4,5\n", AB);
    assert_eq!(refusals(&loaded), ["2 `\"1\\n2\",\"3\" x`: text follows a closing quote"]);
    // Also where no other quote follows within the length that a record may have.
    let folder = Folder::new();
    let text = format!("a,b\n1,2\n3,\"4\n{}", "5,6\n".repeat(1000));
    let limits = Limits { record: 500, ..Limits::default() };
    let request = Request { files: vec![folder.file("in", text)], columns: requests(AB), limits, ..Request::default() };
    let loaded = read(&request, &Silent).unwrap();
    assert_eq!((loaded.table.height, loaded.refused.len()), (1001, 1));
    let error = try_load("a,\"b\n1,2\n", AB, Format::default()).unwrap_err();
    assert_eq!(error, IngestError::OpenQuote { file: "in".to_owned(), line: 1 });
}

#[test]
fn delimiters_are_detected_outside_quotes_and_against_the_header() {
    let cases: [(&str, &str, bool, &[&str]); 12] = [
        ("a,b\n1,2\n", ",", true, &["1|2"]),
        ("a;b\n1,5;2,5\n3,5;4,5\n", ";", true, &["1,5|2,5", "3,5|4,5"]),
        ("a\tb\n1, 2\t3\n", "tab", true, &["1, 2|3"]),
        ("a|b\n1|2\n", "|", true, &["1|2"]),
        ("a,b\n\"1;2;3\",x\n\"4;5;6\",y\n", ",", true, &["1;2;3|x", "4;5;6|y"]),
        ("a;b\n\"x, y\";1\n\"x, z\";2\n", ";", true, &["x, y|1", "x, z|2"]),
        ("sep=;\na;b\n1;2\n", ";", true, &["1|2"]),
        ("  a  b\tc \n 1   2\t \t3  \n", "whitespace", true, &["1|2"]),
        // Both would do, and a ragged row leaves a doubt.
        ("a;b,c\n1;2,3\n", ",", false, &[]),
        ("a;b\n1;2\n3;4;5\n", ";", true, &["1|2"]),
        ("a,b,c\n1,2,3\n\"4\",5,6\n", ",", true, &["1|2", "4|5"]),
        ("a;b;c\n1 x;2;3\n", ";", true, &["1 x|2"]),
    ];
    for (text, delimiter, certain, expected) in cases {
        let columns = if expected.is_empty() { "" } else { AB };
        let loaded = load(text, columns);
        let found = detection(&loaded, "delimiter");
        assert_eq!((found.value.as_str(), found.certain), (delimiter, certain), "{text:?}: {}", found.evidence);
        assert_eq!(found.pin, format!("delimiter \"{delimiter}\""));
        assert_eq!(found.pin.split('"').nth(1).and_then(|name| name.parse().ok()), delimiter.parse::<Delimiter>().ok());
        if !expected.is_empty() {
            assert_eq!(rows(&loaded), expected, "{text:?}");
        }
    }
}

#[test]
fn a_stated_delimiter_is_taken_at_its_word() {
    let format = |name: &str| Format { delimiter: name.parse().ok(), ..Format::default() };
    assert_eq!(rows(&load_as("a^b\n1^2\n", AB, format("^"))), ["1|2"]);
    assert_eq!(rows(&load_as("a b\n1   2\n", AB, format("whitespace"))), ["1|2"]);
    let loaded = load_as("a;b,c\n1;2,3\n", "x: text = a;", Format { delimiter: ";".parse().ok(), ..Format::default() });
    assert_eq!(rows(&loaded), ["1"]);
    assert!(!loaded.detected.iter().any(|found| found.what == "delimiter"));
    for wrong in ["", "\"", "ab", "x", "\n", "é"] {
        assert!(wrong.parse::<Delimiter>().is_err(), "{wrong:?}");
    }
}

#[test]
fn encodings_are_detected_or_taken_as_stated() {
    let utf16 = |text: &str, mark: &[u8], bytes: fn(u16) -> [u8; 2]| {
        mark.iter().copied().chain(text.encode_utf16().flat_map(bytes)).collect::<Vec<u8>>()
    };
    let text = "a,b\né,£\n😀,2\n";
    // The file, the stated encoding, what is detected, the rows.
    type Case<'a> = (Vec<u8>, Option<&'a str>, &'a str, &'a [&'a str]);
    let cases: [Case; 13] = [
        (b"a,b\n1,2\n".to_vec(), None, "encoding utf-8", &["1|2"]),
        ("a,b\né,£\n".into(), None, "encoding utf-8", &["é|£"]),
        ("\u{feff}a,b\né,£\n".into(), None, "encoding utf-8", &["é|£"]),
        (utf16(text, b"\xff\xfe", u16::to_le_bytes), None, "encoding utf-16le", &["é|£", "😀|2"]),
        (utf16(text, b"\xfe\xff", u16::to_be_bytes), None, "encoding utf-16be", &["é|£", "😀|2"]),
        (utf16("a,b\n1,2\n", b"", u16::to_le_bytes), None, "encoding? utf-16le", &["1|2"]),
        (utf16(text, b"", u16::to_be_bytes), Some("utf-16be"), "", &["é|£", "😀|2"]),
        (b"a,b\n\xe9,\xa3\n\x80,\x93x\x94\n".to_vec(), None, "encoding? windows-1252", &["é|£", "€|“x”"]),
        (b"a,b\n\xe9,\xa3\n".to_vec(), Some("latin-1"), "", &["é|£"]),
        (b"a,b\n\xe9,\xa3\n".to_vec(), Some("cp1251"), "", &["й|Ј"]),
        (b"a,b\n\x83A,2\n".to_vec(), Some("Shift_JIS"), "", &["ア|2"]),
        // The second byte of this character is the delimiter's.
        (b"a|b\n\x83|\x7c2\n".to_vec(), Some("shift_jis"), "", &["ポ|2"]),
        ("\u{feff}a,b\né,£\n".into(), Some("windows-1252"), "encoding utf-8", &["é|£"]),
    ];
    for (bytes, stated, expected, shown) in cases {
        let format = Format { encoding: stated.map(str::to_owned), ..Format::default() };
        let loaded = load_as(&bytes, AB, format);
        assert_eq!(rows(&loaded), shown, "{bytes:?}");
        let found = detections(&loaded.detected).into_iter().find(|found| found.starts_with("encoding"));
        assert_eq!(found.unwrap_or_default(), expected, "{bytes:?}");
    }
    let loaded = load(b"a,b\n1,2\n1,\xa3\n\xa3,2\n", AB);
    let found = detection(&loaded, "encoding");
    assert_eq!(found.evidence, "byte 0xA3 on line 3 is not UTF-8, nor are 1 others");
    assert_eq!(found.pin, "encoding \"windows-1252\"");
}

#[test]
fn bytes_that_are_not_in_the_encoding_refuse_their_row() {
    let mixed = load(b"a,b\n\xc3\xa9,1\n\xe9,2\n\xc2\xa3,3\n", AB);
    assert_eq!(rows(&mixed), ["é|1", "£|3"]);
    assert_eq!(refusals(&mixed), ["3 `\u{fffd},2`: byte 0xE9 is not utf-8"]);
    // The fault comes before anything that is right, and still the file is UTF-8.
    let late = load(b"a,b\n\xe9,1\n\xc3\xa9,2\n\xc2\xa3,3\n", AB);
    assert_eq!(rows(&late), ["é|2", "£|3"]);
    assert_eq!(detections(&late.detected)[1], "encoding? utf-8");
    // Characters that the end of a block of 256 KiB cuts in two are right all the same.
    for shift in 0..4 {
        let text =
            [format!("a,b\n{},", "x".repeat(shift)).as_bytes(), b"\xe9\n1,", "€".repeat(200_000).as_bytes()].concat();
        let found = detection(&load(text, AB), "encoding").evidence.clone();
        assert_eq!(found, "characters beyond ASCII: 200000 right in UTF-8, 1 not");
    }
    let stated = Format { encoding: Some("utf-8".to_owned()), ..Format::default() };
    assert_eq!(refusals(&load_as(b"a,b\n\xe9,1\n", AB, stated)), ["2 `\u{fffd},1`: byte 0xE9 is not utf-8"]);
    let stated = Format { encoding: Some("shift_jis".to_owned()), ..Format::default() };
    let japanese = load_as(b"a,b\n\x83A,1\n\xa0\xff,2\n", AB, stated);
    assert_eq!((rows(&japanese), japanese.refused.len()), (vec!["ア|1".to_owned()], 1));
    // Half a pair of UTF-16.
    let cut: Vec<u8> =
        [0xfeff, 0x61, 0x2c, 0x62, 0x0a, 0xd83d, 0x2c, 0x31, 0x0a].into_iter().flat_map(u16::to_le_bytes).collect();
    assert_eq!(load(cut, AB).refused[0].reason, "bytes that are not utf-16le");
}

#[test]
fn gzip_is_known_by_its_bytes() {
    let gzip = |text: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).expect("memory takes all bytes");
        encoder.finish().expect("memory takes all bytes")
    };
    let members = [gzip(b"a,b\n1,2\n"), gzip(b"3,4\n5,"), gzip(b"6\n")].concat();
    assert_eq!(rows(&load(&members, AB)), ["1|2", "3|4", "5|6"]);
    let text = (0..50_000).fold("a,b\n".to_owned(), |text, n| text + &format!("{n},{}\n", n % 977));
    let mut whole = gzip(text.as_bytes());
    assert_eq!(load(&whole, AB).table.height, 50_000);
    whole.truncate(whole.len() / 2);
    let cut = try_load(&whole, AB, Format::default()).unwrap_err();
    assert_eq!(cut.to_string(), "`in` is damaged: the gzip archive is cut off");
    let middle = whole.len() / 2;
    whole[middle..].fill(0x55);
    let broken = try_load(&whole, AB, Format::default()).unwrap_err();
    assert!(matches!(&broken, IngestError::Damaged { .. }), "{broken}");
    let inside = try_load(gzip(b"%PDF-1.4"), AB, Format::default()).unwrap_err();
    assert_eq!(inside.to_string(), "`in` is a PDF file, not a file of rows that segc reads");
}

#[test]
fn zstd_is_known_by_its_bytes() {
    let zstd = |text: &[u8]| zstd::encode_all(text, 3).expect("memory takes all bytes");
    let skippable = [0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, b'x', b'y', b'z'];
    let frames = [&skippable[..], &zstd(b"a,b\n1,2\n"), &zstd(b"3,4\n5,"), &skippable, &zstd(b"6\n")].concat();
    assert_eq!(rows(&load(&frames, AB)), ["1|2", "3|4", "5|6"]);
    let text = (0..50_000).fold("a,b\n".to_owned(), |text, n| text + &format!("{n},{}\n", n % 977));
    let whole = zstd(text.as_bytes());
    assert_eq!(load(&whole, AB).table.height, 50_000);
    for cut in [whole.len() / 2, whole.len() - 1] {
        let error = try_load(&whole[..cut], AB, Format::default()).unwrap_err();
        assert_eq!(error.to_string(), "`in` is damaged: the zstd archive is cut off");
    }
    let mut broken = whole.clone();
    let middle = whole.len() / 2;
    broken[middle..middle + 2000].fill(0x55);
    let error = try_load(&broken, AB, Format::default()).unwrap_err();
    assert!(error.to_string().starts_with("`in` is damaged: the zstd archive is broken ("), "{error}");
    let inside = try_load(zstd(b"%PDF-1.4"), AB, Format::default()).unwrap_err();
    assert_eq!(inside.to_string(), "`in` is a PDF file, not a file of rows that segc reads");
}

#[test]
fn archives_that_unpack_to_too_much_are_errors() {
    let folder = Folder::new();
    let text = "a,b\n".to_owned() + &"1,2\n".repeat(1 << 18);
    let packed = zstd::encode_all(text.as_bytes(), 1).expect("memory takes all bytes");
    assert!(packed.len() < 1000);
    let with = |inflated: u64| {
        let limits = Limits { inflated, ..Limits::default() };
        let files = vec![folder.file("in", &packed)];
        let request = Request { files, columns: requests(AB), limits, ..Request::default() };
        read(&request, &Silent).map(|loaded| loaded.read).map_err(|error| error.to_string())
    };
    assert_eq!(with(1 << 21), Ok(1 << 18));
    assert_eq!(with(1 << 20), Err("`in` is too large: more than 1048576 bytes when unpacked".to_owned()));
    // Whatever the limit, a small archive has no need of more than a gigabyte.
    let limits = Limits::default();
    assert_eq!([1000, 1 << 24, 1 << 40].map(|size| limits.inflated_from(size) >> 20), [1024, 3200, 32768]);
}

#[test]
fn headers_are_matched_with_leniency_that_is_reported() {
    let loaded = load(" a ,B,Customer ID\n1,2,3\n", "x: int = a; y: int = b ; z: id = customer id");
    assert_eq!(rows(&loaded), ["1|2|3"]);
    let reported: Vec<&str> = loaded.detected.iter().filter(|d| d.what == "header").map(|d| d.pin.as_str()).collect();
    assert_eq!(reported, ["y: int = B", "z: id = \"Customer ID\""]);
    assert_eq!(rows(&load("a,b,b\n1,2,3\n", "x: int = a; y: int = #3")), ["1|3"]);
    // An exact match beats one by leniency, and a column may be read twice.
    assert_eq!(rows(&load("A,a\n1,2\n", "x: int = a; y: text = a")), ["2|2"]);
}

#[test]
fn a_file_without_a_header_is_noticed() {
    let cases: [(&str, Option<bool>, &str, bool, usize); 9] = [
        ("1,2\n3,4\n", None, "", false, 2),
        ("00001 19970101 1\n00002 19970102 2\n", None, "", false, 2),
        ("x,2010-01-01\ny,2010-01-02\n", None, "", false, 2),
        ("a,b\n1,2\n", None, "", true, 1),
        ("a,b\nx,y\n", None, "", true, 1),
        ("2010,2011,name\n1,2,x\n", None, "x: text = name", true, 1),
        ("id,2011\n1,2\n", None, "", true, 1),
        ("a,b\n", None, "", true, 0),
        ("a,b\n1,2\n", Some(false), "", false, 2),
    ];
    for (text, stated, columns, header, height) in cases {
        let format = Format { header: stated, ..Format::default() };
        let loaded = load_as(text, columns, format);
        assert_eq!(loaded.table.height, height, "{text:?}");
        assert_eq!(loaded.detected.iter().any(|d| d.pin == "header no"), !header && stated.is_none(), "{text:?}");
    }
    let format = Format { header: Some(false), ..Format::default() };
    assert_eq!(rows(&load_as("x,1\ny,2\n", "n: int = #2", format)), ["1", "2"]);
    let schema = schema_of("1,2\n3,4\n").unwrap();
    assert_eq!((schema.header, schema.headers), (false, vec!["column 1".to_owned(), "column 2".to_owned()]));
}

#[test]
fn files_are_appended_whatever_the_order_of_their_columns() {
    let folder = Folder::new();
    let files = vec![
        folder.file("one", "a,b\n1,x\n"),
        folder.file("two", "b;c;a\ny;-;2\nz;-;?\n"),
        folder.file("three", b"a,b\n3,\xe9\n"),
    ];
    let request = Request { files, columns: requests("n: int = a; t: text = b"), ..Request::default() };
    let loaded = read(&request, &Silent).unwrap();
    assert_eq!(rows(&loaded), ["1|x", "2|y", "3|é"]);
    assert_eq!(refusals(&loaded), ["3 n `?`: not a number"]);
    assert_eq!(loaded.refused[0].file, "two");
    let facts: Vec<(&str, u64, u64)> = loaded.files.iter().map(|f| (f.name.as_str(), f.bytes, f.rows)).collect();
    assert_eq!(facts, [("one", 8, 1), ("two", 18, 2), ("three", 8, 1)]);
    // sha256sum of `a,b\n1,x\n`, coreutils 9.1
    assert_eq!(loaded.files[0].sha256, "eccc6303d8ede5e5ec22d288b8350193f9eb907c93f49c78d5b1ff0af7ecd450");
    let delimiters: Vec<String> = detections(&loaded.detected).into_iter().filter(|d| d.starts_with("delim")).collect();
    assert_eq!(delimiters, ["delimiter ,", "delimiter ;"]);
    assert_eq!(loaded.detected[2].evidence, "two: 3 of the first 3 records have 3 fields");
}

#[test]
fn fingerprints_are_equal_exactly_for_equal_rows() {
    let text = "a,b,c\nab,c,\na,bc,\n\"ab\",\"c\",\nab,c,x\n,ab,c\nab ,c,\nab,,c\nab,c\n";
    let loaded = load(text, "a: text = a");
    let ids = loaded.identity.as_ref().expect("it was asked for");
    assert_eq!(ids.len(), 7, "one per row that was not refused");
    let equal: Vec<(usize, usize)> =
        (0..7).flat_map(|i| (i + 1..7).map(move |j| (i, j))).filter(|&(i, j)| ids[i] == ids[j]).collect();
    assert_eq!(equal, [(0, 2)]);
    // A hundred thousand short rows that differ in a single place.
    let many = (0..100_000).fold("a,b\n".to_owned(), |text, n| text + &format!("{n},{}\n", n / 7));
    let mut ids = load(many, "").identity.expect("it was asked for");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 100_000);
    let halves =
        |shift: u32| ids.iter().map(|id| (id >> shift) as u64).collect::<std::collections::BTreeSet<_>>().len();
    assert_eq!((halves(0), halves(64)), (100_000, 100_000), "either half alone tells them apart");
}

#[test]
fn words_for_a_missing_value_are_pointed_out_and_can_be_stated() {
    let text = "a,b\nNULL,1\nx,NULL\nNULL,3\n";
    let loaded = load(text, "a: id = a; b: int = b");
    assert_eq!(rows(&loaded), ["NULL|1", "NULL|3"]);
    assert_eq!(refusals(&loaded), ["3 b `NULL`: not a number"]);
    let found = detection(&loaded, "missing value");
    assert_eq!((found.pin.as_str(), found.certain, found.column), ("missing \"NULL\"", false, Some(0)));
    let stated = Format { missing: vec!["NULL".to_owned()], ..Format::default() };
    assert_eq!(rows(&load_as(text, "a: id = a; b: int = b", stated)), ["·|1", "x|·", "·|3"]);
}

/// What was lost before the file came here can't be mended here, but it can be pointed out.
#[test]
fn signs_of_what_was_lost_are_pointed_out() {
    let cases = [
        ("text", "Caf\u{fffd}|x", "lost characters"),
        ("text", "CafÃ©|x", "characters encoded twice `CafÃ©` was `Café`"),
        ("text", "â‚¬5|x", "characters encoded twice `â‚¬5` was `€5`"),
        ("id", "12\u{200b}34|1234", "invisible characters `12\\u{200b}34` looks like another"),
        ("id", "1.23457E+11|5", "rounded ids"),
        ("id", "12346.0|12346|12347.0", "ids with and without a decimal point `12346.0` is another than `12346`"),
        ("id", "Ada@x.org|ada@x.org|ben", "ids that differ only in case `Ada@x.org` is another than `ada@x.org`"),
        ("id", "-|5", "missing value `-` is text"),
        ("text", "#REF!|x", "missing value `#REF!` is text"),
    ];
    for (kind, cells, expected) in cases {
        let text = format!("x\n{}\n", cells.replace('|', "\n"));
        let loaded = load(&text, &format!("x: {kind} = x"));
        assert_eq!(rows(&loaded), cells.split('|').collect::<Vec<_>>());
        let found = loaded.detected.last().unwrap();
        assert!(format!("{} {}", found.what, found.value).starts_with(expected), "{cells}: {found:?}");
        assert!(!found.certain && found.evidence.starts_with("1 cell") | found.evidence.starts_with("2 cells"));
    }
    let loaded = load("c\n12346.0\n12346\n", "customer: id = c");
    assert_eq!(loaded.detected.last().unwrap().pin, "customer: int = c");
    for (kind, cells) in [
        ("text", "Café|Ã|naïve|Ünïcode|日本"),
        ("id", "12346.0|12347.0"),
        ("id", "C536379|A1|b1"),
        ("id", "1E+11x|E+1|12E+3"),
        ("text", "-|?"),
        ("text", "1.23457E+11|Ada|ada"),
    ] {
        let loaded = load(format!("x\n{}\n", cells.replace('|', "\n")), &format!("x: {kind} = x"));
        assert_eq!(loaded.detected.iter().find(|found| !found.certain), None, "{cells}");
    }
}

#[test]
fn words_are_numbered_in_order_of_appearance() {
    // Lengths around those that the dictionary treats apart, many enough for it to grow.
    let words: Vec<String> = (0..3000).map(|n| format!("{}{n}", "w".repeat(n % 12))).collect();
    let text = words.iter().chain(words.iter().rev()).fold("a\n".to_owned(), |text, word| text + word + "\n");
    let loaded = load(text, "a: text = a");
    let Some(segc::table::ColumnData::Text(column)) = loaded.table.column("a") else { panic!("a text column") };
    assert_eq!(column.words.iter().map(|word| &**word).collect::<Vec<_>>(), words);
    let codes: Vec<u32> = (0..3000).chain((0..3000).rev()).collect();
    assert_eq!(column.codes, codes);
}

#[test]
fn limits_are_kept() {
    let folder = Folder::new();
    let file = folder.file("in", format!("a,b\n1,2\n{},4\n5,6\n", "x".repeat(1000)));
    let with = |limits: Limits| {
        let request = Request { files: vec![file.clone()], columns: requests(AB), limits, ..Request::default() };
        read(&request, &Silent).map_err(|error| error.to_string())
    };
    let usual = Limits::default();
    assert_eq!(with(usual).unwrap().table.height, 3);
    assert_eq!(
        with(Limits { record: 500, ..usual }).unwrap_err(),
        "`in` is too large: more than 500 bytes in one record, at row 3"
    );
    assert_eq!(with(Limits { rows: 2, ..usual }).unwrap_err(), "`in` is too large: more than 2 rows");
    assert_eq!(with(Limits { columns: 1, ..usual }).unwrap_err(), "`in` is too large: more than 1 columns, at row 1");
    assert_eq!(
        with(Limits { inflated: 100, ..usual }).unwrap_err(),
        "`in` is too large: more than 100 bytes when unpacked"
    );
}

/// Notes what it is told, and can spoil the file when reading begins.
#[derive(Default)]
struct Listener {
    heard: Mutex<Vec<String>>,
    spoil: Option<PathBuf>,
}

impl Progress for Listener {
    fn start(&self, stage: &str, total: Option<u64>) {
        self.heard.lock().unwrap().push(format!("{stage} {total:?}"));
        if let Some(path) = &self.spoil {
            std::fs::write(path, "a,b\n1,2\n3,4\n").unwrap();
        }
    }

    fn at(&self, done: u64) {
        self.heard.lock().unwrap().push(done.to_string());
    }

    fn finish(&self, summary: &str) {
        self.heard.lock().unwrap().push(summary.to_owned());
    }
}

#[test]
fn progress_counts_the_bytes_of_the_file() {
    let folder = Folder::new();
    let text = (0..100_000).fold("a,b\n".to_owned(), |text, n| text + &format!("{n},{n}\n"));
    let file = folder.file("in", &text);
    let listener = Listener::default();
    let request = Request { files: vec![file], columns: requests(AB), ..Request::default() };
    read(&request, &listener).unwrap();
    let heard = listener.heard.into_inner().unwrap();
    assert_eq!(heard[0], format!("reading in Some({})", text.len()));
    assert_eq!(heard[heard.len() - 1], "100000 rows");
    let steps: Vec<usize> = heard[1..heard.len() - 1].iter().map(|step| step.parse().unwrap()).collect();
    assert!(steps.len() > 5 && steps.is_sorted() && steps.iter().all(|step| *step <= text.len()), "{steps:?}");
}

#[test]
fn a_file_that_changes_meanwhile_is_an_error() {
    let folder = Folder::new();
    let file = folder.file("in", "a,b\n1,2\n");
    let listener = Listener { spoil: Some(file.path.clone()), ..Listener::default() };
    let request = Request { files: vec![file], columns: requests(AB), ..Request::default() };
    let error = read(&request, &listener).unwrap_err();
    assert_eq!(error, IngestError::ChangedWhileReading { file: "in".to_owned() });
}
