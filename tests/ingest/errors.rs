//! What can't be read, and what a person is told about it.

use segc::ingest::{
    Format, Header, IngestError, InputFile, MissingColumn, Request, Sheet, Sheets, check, read, schema,
};
use segc::progress::Silent;

use super::{Folder, requests, try_load};

#[test]
fn files_of_other_kinds_are_called_by_their_name() {
    let cases: [(&[u8], &str); 17] = [
        (b"%PDF-1.7\n", "a PDF file"),
        (b"<html><table><tr><td>a</td></tr></table></html>", "an HTML page"),
        (b"\xef\xbb\xbf \n<!DOCTYPE HTML>\n", "an HTML page"),
        (b"<table border=1>", "an HTML page"),
        (b"<?xml version=\"1.0\"?><Workbook>", "an XML file"),
        (b"{\"a\": 1}", "a JSON file"),
        (b"[\n {\"a\": 1}]", "a JSON file"),
        (b"PARE\x15\x00", "an encrypted Parquet file"),
        (b"BZh91AY", "a bzip2 archive"),
        (b"\xfd7zXZ\0\0", "an xz archive"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (b"\x89PNG\r\n\x1a\n", "an image"),
        (b"\xff\xd8\xff\xe0", "an image"),
        (b"{\\rtf1\\ansi", "an RTF document"),
        (b"\x7fELF\x02", "a binary file"),
        (b"a,b\n1,\0\0\0\n", "a binary file"),
        (b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "a zip archive"),
    ];
    for (bytes, name) in cases {
        let error = try_load(bytes, "", Format::default()).unwrap_err();
        assert_eq!(error.to_string(), format!("`in` is {name}, not a file of rows that segc reads"));
    }
    // Like these, but text.
    for text in ["[Customer],[Date]\n1,2\n", "{a},b\n1,2\n", "PARTS,b\n1,2\n", "<5,b\n1,2\n"] {
        assert!(try_load(text, "", Format::default()).is_ok(), "{text:?}");
    }
}

#[test]
fn a_workbook_with_a_password_is_told_apart() {
    let mut bytes = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    bytes.resize(1024, 0);
    bytes.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
    let error = try_load(&bytes, "", Format::default()).unwrap_err();
    assert_eq!(error.to_string(), "`in` is protected by a password: what is in it can't be read");
    bytes.truncate(1024);
    assert!(matches!(try_load(&bytes, "", Format::default()).unwrap_err(), IngestError::Damaged { .. }));
}

#[test]
fn missing_files_and_folders_are_told_apart() {
    let folder = Folder::new();
    let file = folder.file("here.csv", "");
    let folder_itself = InputFile { name: "folder".into(), path: file.path.parent().unwrap().to_owned() };
    let absent = InputFile { name: "absent.csv".into(), path: file.path.with_file_name("absent.csv") };
    let error = |file: &InputFile| schema(file, &Format::default()).unwrap_err();
    assert_eq!(error(&absent), IngestError::NotFound { file: "absent.csv".into() });
    assert_eq!(error(&folder_itself), IngestError::NotAFile { file: "folder".into() });
    assert_eq!(error(&file), IngestError::Empty { file: "here.csv".into() });
    assert_eq!(error(&folder.file("blank.csv", "\n \n\n")), IngestError::Empty { file: "blank.csv".into() });
}

#[test]
fn all_missing_columns_are_named_with_those_there_are() {
    let columns = "a: id = CustomerID; b: money = UnitPrize; c: text = Colour; d: int = #9; e: int = #0";
    let error = try_load("Customer Id,Unit_Price,Country\n1,2,3\n", columns, Format::default()).unwrap_err();
    let missing = |column, header: &str, near: &[&str]| MissingColumn {
        column,
        header: match header.strip_prefix('#') {
            Some(position) => Header::Position(position.parse().unwrap()),
            None => Header::Name(header.to_owned()),
        },
        near: near.iter().map(|near| near.to_string()).collect(),
    };
    let expected = IngestError::MissingColumns {
        file: "in".to_owned(),
        missing: vec![
            missing(0, "CustomerID", &["Customer Id"]),
            missing(1, "UnitPrize", &["Unit_Price"]),
            missing(2, "Colour", &[]),
            missing(3, "#9", &[]),
            missing(4, "#0", &[]),
        ],
        headers: ["Customer Id", "Unit_Price", "Country"].map(str::to_owned).to_vec(),
        header: true,
    };
    assert_eq!(error, expected);
    let headless = try_load("1,2\n3,4\n", "a: id = a", Format::default()).unwrap_err();
    let IngestError::MissingColumns { headers, header, .. } = headless else { panic!("{headless}") };
    assert_eq!((headers.join(" "), header), ("column 1 column 2".to_owned(), false));
}

#[test]
fn a_header_over_two_columns_is_an_error_only_if_it_is_used() {
    let error = try_load("a,b,a\n1,2,3\n", "x: int = a", Format::default()).unwrap_err();
    let expected =
        IngestError::DuplicateHeader { file: "in".into(), column: 0, header: "a".into(), positions: vec![1, 3] };
    assert_eq!(error, expected);
    assert!(try_load("a,b,a\n1,2,3\n", "x: int = b", Format::default()).is_ok());
    let error = try_load("A,a \n1,2\n", "x: int = A; y: int = á", Format::default()).unwrap_err();
    assert!(matches!(error, IngestError::MissingColumns { .. }), "{error}");
    let lenient = try_load("AB,Ab\n1,2\n", "x: int = ab", Format::default()).unwrap_err();
    assert!(matches!(lenient, IngestError::DuplicateHeader { .. }), "{lenient}");
}

#[test]
fn options_that_mean_nothing_are_not_passed_over() {
    let sheet = Format { sheets: Sheets::These(vec![Sheet::Number(1)]), ..Format::default() };
    let error = try_load("a\n1\n", "", sheet).unwrap_err();
    assert_eq!(error.to_string(), "`sheet` means nothing for `in`: it is a text file");
    let encoding = Format { encoding: Some("utf-9".to_owned()), ..Format::default() };
    let error = try_load("a\n1\n", "", encoding).unwrap_err();
    assert_eq!(error, IngestError::UnknownEncoding { label: "utf-9".into(), near: vec!["utf-8".into()] });
    let mut book = rust_xlsxwriter::Workbook::new();
    book.add_worksheet().write(0, 0, "a").unwrap();
    let delimiter = Format { delimiter: ";".parse().ok(), ..Format::default() };
    let error = try_load(book.save_to_buffer().unwrap(), "", delimiter).unwrap_err();
    assert_eq!(error.to_string(), "`delimiter` means nothing for `in`: it is an XLSX workbook");
}

#[test]
fn columns_can_be_checked_without_reading_rows() {
    let folder = Folder::new();
    let file = folder.file("in", "a,b\n1,\"never closed\n");
    let request =
        |columns: &str| Request { files: vec![file.clone()], columns: requests(columns), ..Request::default() };
    assert_eq!(check(&file, &request("a: int = a")), Ok(()));
    assert!(matches!(check(&file, &request("a: int = c")), Err(IngestError::MissingColumns { .. })));
    let read = read(&request("a: int = a"), &Silent).unwrap();
    assert_eq!((read.table.height, read.refused.len()), (0, 1));
}

/// Whatever a file holds, it is read with every row accounted for, or it is an error.
#[test]
fn damaged_bytes_are_accounted_for_or_turned_away() {
    let text = "a,b,c\n1,2010-01-01,x\n\"2\",\"01/02/2010 8:26\",\"y\"\"z\"\n3,13/02/2010,£5\n\n4,,\n";
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (row, cells) in (0..).zip([["a", "b", "c"], ["1", "2010-01-01", "x"], ["2", "", "y"]]) {
        sheet.write_row(row, 0, cells).unwrap();
    }
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let xls = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/ingest/small.xls");
    let seeds = [text.as_bytes().to_vec(), utf16, book.save_to_buffer().unwrap(), std::fs::read(xls).unwrap()];
    let kinds =
        ["a: text = #1; b: money = #2", "a: int = #1; b: date = #2; c: share = #3", "a: number = #2; b: bool = #3"];
    // The numerical recipes' linear congruential generator: any sequence will do, as long as it is always the same.
    let mut state = 42_u32;
    let mut random = |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    for case in 0..1500 {
        let mut bytes = seeds[case % seeds.len()].clone();
        for _ in 0..=random(6) {
            let at = random(bytes.len());
            match random(3) {
                0 => bytes[at] = b"\",;\n\r\0\xff 9/"[random(10)],
                1 => drop(bytes.remove(at)),
                _ => bytes[at] = random(256) as u8,
            }
        }
        if let Ok(loaded) = try_load(&bytes, kinds[case % kinds.len()], Format::default()) {
            assert_eq!(loaded.read, (loaded.table.height + loaded.refused.len()) as u64);
            assert_eq!(loaded.identity.map(|ids| ids.len()), Some(loaded.table.height));
            assert_eq!(loaded.files[0].rows, loaded.read);
        }
    }
}
