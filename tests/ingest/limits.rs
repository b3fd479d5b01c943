//! Files that are made to eat memory or time, and files with any byte wrong. The former are read by the command in a
//! process with little memory: whatever it says, it must be able to say it.

use std::fmt::Write as _;
use std::io::Write;
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;
use segc::ingest::{Budget, Format, IngestError, Limits, Request, read};
use segc::progress::Silent;

use super::workbooks::{Book, column, small, xlsx, zip};
use super::{Folder, requests, try_load};

/// Kilobytes of addresses; a build of a few rows needs a fifth of them.
const ADDRESSES: u32 = 1_500_000;

const SPEC: &str = "segmentation s { currency EUR; source p from \"in\" { customer: id; at: date; price: money }\n\
    as_of max(at) + 1 day; features { spend = sum(price) }; label customers { otherwise \"All\" } }";

/// The exit code of a build in little memory, and what it says.
pub fn build_in_little_memory(bytes: &[u8]) -> (i32, String) {
    let folder = Folder::new();
    let data = folder.file("in", bytes).path;
    let spec = folder.file("s.seg", SPEC).path;
    let output = Command::new("sh")
        .args(["-c", &format!("ulimit -v {ADDRESSES}; exec \"$@\""), "sh", env!("CARGO_BIN_EXE_segc"), "build", "-q"])
        .arg(&spec)
        .arg("-o")
        .arg(data.with_file_name("out"))
        .output()
        .expect("a shell");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap_or_else(|| panic!("ended by a signal: {told}")), told)
}

/// Rows of a sheet with the header and one purchase.
fn purchase() -> String {
    let text = |cell: &str, text: &str| format!(r#"<c r="{cell}" t="inlineStr"><is><t>{text}</t></is></c>"#);
    format!(
        r#"<row r="1">{}{}{}</row><row r="2">{}<c r="B2" s="1"><v>45296</v></c><c r="C2"><v>4.5</v></c></row>"#,
        text("A1", "customer"),
        text("B1", "at"),
        text("C1", "price"),
        text("A2", "ada")
    )
}

fn book(rows: &str) -> Book<'static> {
    Book { sheets: vec![("S", "visible", rows.to_owned())], ..Book::default() }
}

#[test]
fn files_made_to_eat_memory_are_read_or_turned_away() {
    let corner = purchase() + r#"<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>"#;
    let shared =
        format!(r#"<sst uniqueCount="4000000000" count="4000000000">{}</sst>"#, "<si><t/></si>".repeat(3_000_000));
    let merged =
        "</sheetData><mergeCells>".to_owned() + &r#"<mergeCell ref="A1:B2"/>"#.repeat(1_100_000) + "</mergeCells>";
    let blanks = purchase()
        + &format!("<row r=\"3\"><c r=\"A3\" t=\"inlineStr\"><is><t>{}</t></is></c></row>", " ".repeat(200 << 20));
    let shops = book(&purchase());
    let gzip = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).expect("memory takes all bytes");
        encoder.finish().expect("memory takes all bytes")
    };
    let one_line = "customer,at,price\nada,2024-01-05,".to_owned() + &"9".repeat(100 << 20);
    let zeros = zstd::encode_all(&*vec![0; 300 << 20], 1).expect("memory takes all bytes");
    let whole = std::fs::read(small("small.xls").path).unwrap();
    let extent = whole.windows(4).position(|window| window == [0x00, 0x02, 0x0E, 0x00]).expect("its extent");
    let mut wide = whole.clone();
    wide[extent + 4..extent + 18].copy_from_slice(&[0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0]);
    let cases: [(&str, Vec<u8>, i32, &str); 8] = [
        ("cells in both corners of the grid", book(&corner).bytes(), 0, ""),
        (
            "three million shared texts, and a count of four thousand million",
            shops.bytes_with(&[("xl/sharedStrings.xml", &shared)]),
            0,
            "",
        ),
        ("a million merged areas", shops.bytes_after(&merged), 5, "more than 1048576 areas of merged cells"),
        ("a cell of two hundred megabytes", book(&blanks).bytes(), 3, "a tag or a text has no end"),
        ("a line of a hundred megabytes", one_line.clone().into_bytes(), 5, "more than 16777216 bytes in one record"),
        ("the same packed", gzip(one_line.as_bytes()), 5, "more than 16777216 bytes in one record"),
        ("packed zeros", zeros, 3, "is a binary file"),
        ("an old workbook that calls itself full", wide, 5, "more than 4000000 cells between"),
    ];
    for (what, bytes, code, words) in cases {
        let (exit, told) = build_in_little_memory(&bytes);
        assert!(exit == code && told.contains(words), "{what}: exit {exit}\n{told}");
    }
}

/// The library that reads XLS panics when a sheet lies behind the end of the file. Nobody needs to hear of that.
#[test]
fn a_panic_over_a_broken_file_is_an_error_about_the_file() {
    let mut bytes = std::fs::read(small("small.xls").path).unwrap();
    let sheet = bytes.windows(4).position(|window| window == [0x85, 0x00, 0x0E, 0x00]);
    let place = sheet.expect("a record that says where a sheet begins") + 4;
    bytes[place + 2] = 127;
    let (exit, told) = build_in_little_memory(&bytes);
    assert_eq!(exit, 3, "{told}");
    assert!(told.starts_with("error[SEG0304]") && told.contains("its parts contradict each other"), "{told}");
}

/// An archive says what its parts unpack to, and may say anything.
#[test]
fn parts_are_counted_by_what_they_unpack_to() {
    let folder = Folder::new();
    let mut bytes = book(&(purchase() + &" ".repeat(4 << 20))).bytes();
    let with = |bytes: &[u8], limits: Limits| {
        let files = vec![folder.file("in", bytes)];
        read(&Request { files, columns: requests("c: id = customer"), limits, ..Request::default() }, &Silent)
    };
    let limits = Limits { inflated: 1 << 20, ..Limits::default() };
    let large = |bytes: &[u8]| match with(bytes, limits).unwrap_err() {
        IngestError::TooLarge { budget, limit, .. } => (budget, limit),
        other => panic!("{other}"),
    };
    assert_eq!(large(&bytes), (Budget::Inflated, 1 << 20));
    assert_eq!(with(&bytes, Limits::default()).unwrap().read, 1);
    // In the list of parts, the size when unpacked stands 24 bytes from the beginning of an entry.
    let sheet = b"xl/worksheets/sheet1.xml";
    let entry = (0..bytes.len() - 4)
        .rev()
        .find(|at| bytes[*at..].starts_with(b"PK\x01\x02") && bytes[at + 46..].starts_with(sheet));
    let size = entry.expect("the sheet is a part") + 24;
    bytes[size..size + 4].copy_from_slice(&1000_u32.to_le_bytes());
    let told = with(&bytes, limits).unwrap_err();
    assert!(matches!(told, IngestError::TooLarge { .. } | IngestError::Damaged { .. }), "{told}");
    let cells = Limits { cells: 4, ..Limits::default() };
    let error = with(&book(&purchase()).bytes(), cells).unwrap_err();
    assert_eq!(error.to_string(), "`in` is too large: more than 4 cells in one sheet, at row 2");
    let texts = Limits { shared_strings: 40, ..Limits::default() };
    let error = with(&xlsx(&column(&[])), texts).unwrap_err();
    assert_eq!(error.to_string(), "`in` is too large: more than 40 bytes of text in the workbook");
}

/// A cell that stands in all cells of the grid, in a few bytes.
#[test]
fn repeated_cells_are_counted() {
    let row = r#"<table:table-row table:number-rows-repeated="1048576"><table:table-cell office:value-type="float"
        office:value="1" table:number-columns-repeated="16384"/></table:table-row>"#;
    let limits = Limits { cells: 100_000, ..Limits::default() };
    let folder = Folder::new();
    let files = vec![folder.file("in", super::workbooks::ods(row))];
    let error = read(&Request { files, columns: requests("x: int = #1"), limits, ..Request::default() }, &Silent);
    let told = error.err().map(|error| error.to_string());
    assert_eq!(told.as_deref(), Some("`in` is too large: more than 100000 cells in one sheet, at row 7"));
}

/// Whatever stands in the parts of a workbook, every row is accounted for or the file is turned away.
#[test]
fn damaged_parts_are_accounted_for_or_turned_away() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/damage");
    let parts_of = |name: &str| {
        let file = std::fs::File::open(folder.join(name)).expect("a workbook");
        let mut archive = ::zip::ZipArchive::new(file).expect("an archive");
        let names: Vec<String> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
        names
            .into_iter()
            .map(|name| {
                let mut bytes = Vec::new();
                std::io::copy(&mut archive.by_name(&name).unwrap(), &mut bytes).unwrap();
                (name, bytes)
            })
            .collect::<Vec<_>>()
    };
    let books =
        ["workbook.xlsx", "codes_with_zeros.xlsx", "merged_cells.xlsx", "workbook.xlsb", "workbook.ods"].map(parts_of);
    let columns = "a: id = #1; b: int = #3; c: money = #4; d: datetime = #5";
    // The numerical recipes' linear congruential generator: any sequence will do, as long as it is always the same.
    let mut state = 7_u32;
    let mut random = |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    let (mut accounted, mut turned_away) = (0, 0);
    for case in 0..1500 {
        let mut parts = books[case % books.len()].clone();
        for _ in 0..=random(4) {
            let nth = random(parts.len());
            let part = &mut parts[nth].1;
            if part.is_empty() {
                continue;
            }
            let at = random(part.len());
            match random(4) {
                0 => part[at] = b"<>/\"&;=0"[random(8)],
                1 => drop(part.remove(at)),
                2 => part.truncate(at),
                _ => part[at] = random(256) as u8,
            }
        }
        let parts: Vec<(&str, &[u8])> = parts.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
        let format = Format { fill_merged: Some(case % 2 == 0), ..Format::default() };
        match try_load(zip(&parts), columns, format) {
            Ok(loaded) => {
                assert_eq!(loaded.read, (loaded.table.height + loaded.refused.len()) as u64);
                accounted += 1;
            }
            Err(_) => turned_away += 1,
        }
    }
    let mut tally = String::new();
    write!(tally, "{accounted} accounted for, {turned_away} turned away").unwrap();
    assert!(accounted > 200 && turned_away > 200, "{tally}");
}
