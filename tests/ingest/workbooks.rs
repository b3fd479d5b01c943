//! Workbooks. XLSX, XLSB and ODS files are put together here from their parts, so that every oddity can be had; the XLS
//! files beside the tests were written by xlwt 1.3.0.

use std::fmt::Write as _;
use std::io::{Cursor, Write};

use segc::ingest::{Budget, Format, IngestError, InputFile, Limits, Request, Sheet, Sheets, read};
use segc::progress::Silent;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{detection, detections, load, load_as, refusals, requests, rows, schema_of, try_load};

pub fn zip(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).expect("memory takes all bytes");
        zip.write_all(bytes).expect("memory takes all bytes");
    }
    zip.finish().expect("memory takes all bytes").into_inner()
}

/// An XLSX workbook.
#[derive(Default)]
pub struct Book<'a> {
    /// Name, state and the XML of all rows.
    pub sheets: Vec<(&'a str, &'a str, String)>,
    pub shared: &'a [&'a str],
    pub epoch_1904: bool,
}

/// Styles by index: plain, date and time, percent, span of hours.
const STYLES: &str = r#"<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts count="1">
<numFmt numFmtId="170" formatCode="[h]:mm"/></numFmts><cellXfs count="4"><xf numFmtId="0"/><xf numFmtId="22"/>
<xf numFmtId="9"/><xf numFmtId="170"/></cellXfs></styleSheet>"#;

impl Book<'_> {
    pub fn bytes(&self) -> Vec<u8> {
        self.bytes_with(&[])
    }

    /// With XML behind the rows of the first sheet.
    pub fn bytes_after(&self, xml: &str) -> Vec<u8> {
        let sheet = format!(
            r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}{xml}</worksheet>"#,
            self.sheets[0].2
        );
        self.bytes_with(&[("xl/worksheets/sheet1.xml", &sheet)])
    }

    /// With other content in some of the parts.
    pub fn bytes_with(&self, others: &[(&str, &str)]) -> Vec<u8> {
        const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
        const RELS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
        const TYPE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
        let (mut sheets, mut relations) = (String::new(), String::new());
        for (index, (name, state, _)) in self.sheets.iter().enumerate() {
            let id = index + 1;
            write!(sheets, r#"<sheet name="{name}" sheetId="{id}" state="{state}" r:id="r{id}"/>"#).expect("text");
            write!(
                relations,
                r#"<Relationship Id="r{id}" Type="{TYPE}/worksheet" Target="worksheets/sheet{id}.xml"/>"#
            )
            .expect("text");
        }
        let workbook = format!(
            r#"<workbook xmlns="{MAIN}" xmlns:r="{TYPE}"><workbookPr date1904="{}"/><sheets>{sheets}</sheets></workbook>"#,
            u8::from(self.epoch_1904)
        );
        let strings: String =
            self.shared.iter().map(|text| format!("<si><t xml:space=\"preserve\">{text}</t></si>")).collect();
        let mut parts: Vec<(String, String)> = vec![
            ("[Content_Types].xml".into(), "<Types/>".into()),
            (
                "_rels/.rels".into(),
                format!(
                    r#"<Relationships xmlns="{RELS}"><Relationship Id="r1" Type="{TYPE}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
                ),
            ),
            ("xl/workbook.xml".into(), workbook),
            (
                "xl/_rels/workbook.xml.rels".into(),
                format!(
                    r#"<Relationships xmlns="{RELS}">{relations}<Relationship Id="s" Type="{TYPE}/styles" Target="styles.xml"/><Relationship Id="t" Type="{TYPE}/sharedStrings" Target="sharedStrings.xml"/></Relationships>"#
                ),
            ),
            ("xl/styles.xml".into(), STYLES.into()),
            ("xl/sharedStrings.xml".into(), format!(r#"<sst xmlns="{MAIN}">{strings}</sst>"#)),
        ];
        for (index, (_, _, rows)) in self.sheets.iter().enumerate() {
            let sheet = format!(r#"<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>"#);
            parts.push((format!("xl/worksheets/sheet{}.xml", index + 1), sheet));
        }
        let other = |part: &str| others.iter().find(|(name, _)| *name == part).map(|(_, text)| text.as_bytes());
        let bytes = |(name, text): &'_ (String, String)| -> Vec<u8> { other(name).unwrap_or(text.as_bytes()).to_vec() };
        let parts: Vec<(&str, Vec<u8>)> = parts.iter().map(|part| (part.0.as_str(), bytes(part))).collect();
        zip(&parts.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect::<Vec<_>>())
    }
}

/// A workbook of one sheet, `Sheet1`, with the rows given.
pub fn xlsx(rows: &str) -> Vec<u8> {
    Book { sheets: vec![("Sheet1", "visible", rows.to_owned())], shared: &["shared", " kept "], ..Book::default() }
        .bytes()
}

/// A header `x` and a cell below it for each of the given `<c>` bodies: attributes and content.
pub fn column(cells: &[(&str, &str)]) -> String {
    let mut xml = r#"<row r="1"><c r="A1" t="inlineStr"><is><t>x</t></is></c></row>"#.to_owned();
    for (row, (attributes, content)) in (2..).zip(cells) {
        write!(xml, r#"<row r="{row}"><c r="A{row}" {attributes}>{content}</c></row>"#).expect("text");
    }
    xml
}

/// What a single cell is as the given kind: its value, or why it is refused.
fn alone(kind: &str, attributes: &str, content: &str) -> String {
    let loaded = load(xlsx(&column(&[(attributes, content), ("", "<v>1</v>")])), &format!("x: {kind} = x"));
    match loaded.refused.first().filter(|refusal| refusal.row == 2) {
        Some(refusal) => refusal.reason.clone(),
        None if loaded.read == 1 => "no row".to_owned(),
        None => rows(&loaded)[0].clone(),
    }
}

#[test]
fn the_declared_kind_decides_what_a_cell_is() {
    let cases = [
        ("text", "", "<v>536365</v>", "536365"),
        ("id", "", "<v>536365</v>", "536365"),
        ("text", "", "<v>1E+15</v>", "1000000000000000"),
        ("text", "", "<v>0.10000000000000001</v>", "0.1"),
        ("text", "", "<v>2.5499999999999998</v>", "2.55"),
        ("text", "", "<v>-3</v>", "-3"),
        ("text", "t=\"s\"", "<v>0</v>", "shared"),
        ("text", "t=\"s\"", "<v>1</v>", " kept "),
        ("id", "t=\"s\"", "<v>1</v>", "kept"),
        ("text", "t=\"inlineStr\"", "<is><t>in line</t></is>", "in line"),
        ("text", "t=\"str\"", "<f>A1</f><v>of a formula</v>", "of a formula"),
        ("text", "t=\"b\"", "<v>1</v>", "TRUE"),
        ("text", "s=\"1\"", "<v>40513.351388888892</v>", "2010-12-01 08:26:00"),
        ("text", "s=\"1\"", "<v>40513</v>", "2010-12-01"),
        ("int", "", "<v>6</v>", "6"),
        ("int", "", "<v>6.5</v>", "not a whole number"),
        ("int", "", "<v>1E+16</v>", "too large"),
        ("int", "t=\"inlineStr\"", "<is><t>6.0</t></is>", "6"),
        ("int", "s=\"1\"", "<v>40513</v>", "a date, not a number"),
        ("int", "t=\"b\"", "<v>1</v>", "not a number"),
        ("money", "", "<v>2.5499999999999998</v>", "2.55"),
        ("money", "", "<v>1E-3</v>", "0.001"),
        ("money", "", "<v>0.30000000000000004</v>", "0.3"),
        ("money", "", "<v>-80995.050000000003</v>", "-80995.05"),
        ("money", "", "<v>33.333333333333336</v>", "13 decimals, money has at most 9"),
        ("money", "", "<v>1E+300</v>", "too large"),
        ("money", "t=\"inlineStr\"", "<is><t>£2.55</t></is>", "2.55"),
        ("number", "", "<v>1E+400</v>", "too large"),
        ("number", "", "<v>2.5</v>", "2.5"),
        ("share", "s=\"2\"", "<v>0.12</v>", "0.12"),
        ("bool", "t=\"b\"", "<v>0</v>", "false"),
        ("bool", "", "<v>1</v>", "true"),
        ("bool", "", "<v>2</v>", "neither yes nor no"),
        ("bool", "t=\"inlineStr\"", "<is><t>yes</t></is>", "true"),
        ("int", "t=\"e\"", "<v>#N/A</v>", "an error value"),
        ("text", "t=\"e\"", "<v>#DIV/0!</v>", "an error value"),
        ("text", "s=\"3\"", "<v>1.5</v>", "1.5"),
    ];
    for (kind, attributes, content, expected) in cases {
        assert_eq!(alone(kind, attributes, content), expected, "{kind} {attributes} {content}");
    }
}

#[test]
fn dates_come_from_serial_numbers_and_from_text() {
    let cases = [
        ("datetime", "s=\"1\"", "<v>40513.351388888892</v>", "2010-12-01 08:26:00"),
        ("datetime", "s=\"1\"", "<v>40513.35138888889</v>", "2010-12-01 08:26:00"),
        ("date", "s=\"1\"", "<v>40513.35138888889</v>", "2010-12-01"),
        ("datetime", "", "<v>40513.5</v>", "2010-12-01 12:00:00"),
        // Two thousandths of a second are kept, half of one is not.
        ("datetime", "s=\"1\"", "<v>40513.50000002315</v>", "2010-12-01 12:00:00.002"),
        ("datetime", "s=\"1\"", "<v>40513.50000000579</v>", "2010-12-01 12:00:00"),
        ("datetime", "s=\"1\"", "<v>1</v>", "1900-01-01"),
        ("datetime", "s=\"1\"", "<v>59</v>", "1900-02-28"),
        ("datetime", "s=\"1\"", "<v>60</v>", "not a day of the calendar"),
        ("datetime", "s=\"1\"", "<v>61</v>", "1900-03-01"),
        ("datetime", "s=\"1\"", "<v>0.5</v>", "not a day of the calendar"),
        ("datetime", "s=\"1\"", "<v>2958465.5</v>", "9999-12-31 12:00:00"),
        ("datetime", "s=\"1\"", "<v>2958466</v>", "not a day of the calendar"),
        ("datetime", "", "<v>-1</v>", "neither a date nor the serial number of one"),
        ("date", "", "<v>20101201</v>", "2010-12-01"),
        ("date", "", "<v>20101301</v>", "neither a date nor the serial number of one"),
        ("datetime", "t=\"d\"", "<v>2010-12-01T08:26:00</v>", "2010-12-01 08:26:00"),
        ("datetime", "t=\"inlineStr\"", "<is><t>2010-12-01 08:26</t></is>", "2010-12-01 08:26:00"),
        ("datetime", "t=\"inlineStr\"", "<is><t>13/12/2010</t></is>", "2010-12-13"),
        ("datetime", "t=\"b\"", "<v>1</v>", "not a date"),
    ];
    for (kind, attributes, content, expected) in cases {
        assert_eq!(alone(kind, attributes, content), expected, "{attributes} {content}");
    }
    let stated = load(xlsx(&column(&[("", "<v>201012</v>"), ("", "<v>40513</v>")])), "x: date = x dates %y%m%d");
    assert_eq!(rows(&stated), ["2020-10-12", "2010-12-01"]);
    let sheets = vec![("S", "visible", column(&[("s=\"1\"", "<v>39051.351388888892</v>"), ("", "<v>0</v>")]))];
    let book = Book { sheets, epoch_1904: true, ..Book::default() };
    assert_eq!(rows(&load(book.bytes(), "x: datetime = x")), ["2010-12-01 08:26:00", "1904-01-01"]);
}

#[test]
fn absent_cells_and_rows_are_absent() {
    let rows_xml = r#"<row r="3"><c r="B3" t="inlineStr"><is><t>a</t></is></c><c r="D3" t="inlineStr"><is><t>b</t></is></c></row>
        <row r="4"><c r="D4"><v>1</v></c></row>
        <row r="5"/><row r="6"><c r="B6" s="1"/><c r="D6"/></row>
        <row r="9"><c r="B9"><v>2</v></c><c r="C9"><v>5</v></c></row>
        <row r="10"><c r="B10"><f>1+1</f></c><c r="D10"><v>3</v></c></row>"#;
    let loaded = load(xlsx(rows_xml), "a: int = a; b: int = b");
    assert_eq!(rows(&loaded), ["·|1", "2|·"]);
    let uncomputed = "a formula without its value: open the workbook in a spreadsheet program and save it";
    assert_eq!(refusals(&loaded), [format!("10 a ``: {uncomputed}")]);
    assert_eq!(rows(&load(xlsx(rows_xml), "b: int = b; c: int = #3")), ["1|·", "·|5", "3|·"]);
    // Without references, cells follow each other.
    let bare = r#"<row><c t="inlineStr"><is><t>a</t></is></c><c t="inlineStr"><is><t>b</t></is></c></row>
        <row><c><v>1</v></c><c><v>2</v></c></row>"#;
    assert_eq!(rows(&load(xlsx(bare), "a: int = a; b: int = b")), ["1|2"]);
}

#[test]
fn refusals_name_the_row_of_the_sheet() {
    let xml = column(&[("", "<v>1</v>"), ("t=\"e\"", "<v>#N/A</v>")]) + r#"<row r="7"><c r="A7"><v>0.5</v></c></row>"#;
    let loaded = load(xlsx(&xml), "n: int = x");
    assert_eq!(refusals(&loaded), ["3 n `#N/A`: an error value", "7 n `0.5`: not a whole number"]);
    // An error in a column that nobody asked for does no harm.
    let other = r#"<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c><c r="B1" t="inlineStr"><is><t>b</t></is></c></row>
        <row r="2"><c r="A2"><v>1</v></c><c r="B2" t="e"><v>#REF!</v></c></row>"#;
    assert_eq!(rows(&load(xlsx(other), "a: int = a")), ["1"]);
}

/// Two cells in opposite corners of the grid would be half a terabyte as a rectangle.
#[test]
fn a_cell_in_the_far_corner_costs_nothing() {
    let xml = column(&[("", "<v>1</v>")]) + r#"<row r="1048576"><c r="XFD1048576"><v>2</v></c></row>"#;
    let loaded = load(xlsx(&xml), "n: int = x");
    assert_eq!(rows(&loaded), ["1"]);
    let strays = detection(&loaded, "cells outside the table");
    assert_eq!(strays.evidence, "1 cell to the right of the last header, the first at XFD1048576");
    for (beyond, at) in [("A1048577", 1048577), ("XFE3", 3), ("ZZZZ3", 3)] {
        let xml = column(&[("", "<v>1</v>")]) + &format!(r#"<row><c r="{beyond}"><v>2</v></c></row>"#);
        let error = try_load(xlsx(&xml), "n: int = x", Format::default()).unwrap_err();
        let reason = "a cell lies outside the grid".to_owned();
        assert_eq!(error, IngestError::Damaged { file: "in".to_owned(), reason, at: Some(at) });
    }
    let back = column(&[("", "<v>1</v>")]) + r#"<row r="2"><c r="A2"><v>2</v></c></row>"# + &column(&[]);
    let error = try_load(xlsx(&back), "n: int = x", Format::default()).unwrap_err();
    assert_eq!(error.to_string(), "`in` is damaged at row 2: rows out of order");
}

#[test]
fn sheets_are_chosen_by_name_or_number_or_reported() {
    let sheet = |n: u32| column(&[("", &format!("<v>{n}</v>"))]);
    let book = Book {
        sheets: vec![
            ("Lookup", "hidden", sheet(1)),
            ("Year 2009-2010", "visible", sheet(2)),
            ("Year 2010-2011", "visible", sheet(3)),
        ],
        ..Book::default()
    }
    .bytes();
    let by = |sheet: Option<Sheet>| Format {
        sheets: sheet.map_or(Sheets::Unstated, |sheet| Sheets::These(vec![sheet])),
        ..Format::default()
    };
    let name = |name: &str| by(Some(Sheet::Name(name.to_owned())));
    let loaded = load_as(&book, "x: int = x", by(None));
    let found = detection(&loaded, "sheet");
    assert_eq!(
        (rows(&loaded), found.certain, found.pin.as_str()),
        (vec!["2".to_owned()], false, "sheet \"Year 2009-2010\"")
    );
    assert_eq!(found.evidence, "the first of `Lookup` (hidden), `Year 2009-2010`, `Year 2010-2011`");
    assert_eq!(rows(&load_as(&book, "x: int = x", name("Year 2010-2011"))), ["3"]);
    assert_eq!(rows(&load_as(&book, "x: int = x", name("Lookup"))), ["1"]);
    assert_eq!(rows(&load_as(&book, "x: int = x", by(Some(Sheet::Number(3))))), ["3"]);
    let lenient = load_as(&book, "x: int = x", name(" YEAR 2010-2011"));
    assert_eq!((rows(&lenient), detection(&lenient, "sheet").certain), (vec!["3".to_owned()], true));
    let sheets: Vec<String> = ["Lookup", "Year 2009-2010", "Year 2010-2011"].map(str::to_owned).to_vec();
    let error = try_load(&book, "", name("Year 2010-2012")).unwrap_err();
    let near = vec!["Year 2010-2011".to_owned(), "Year 2009-2010".to_owned()];
    let missing = Sheet::Name("Year 2010-2012".to_owned());
    assert_eq!(error, IngestError::MissingSheet { file: "in".into(), sheet: missing, near, sheets: sheets.clone() });
    for number in [0, 4] {
        let error = try_load(&book, "", by(Some(Sheet::Number(number)))).unwrap_err();
        assert!(matches!(error, IngestError::MissingSheet { .. }), "{error}");
    }
    let schema = schema_of(&book).unwrap();
    assert_eq!(
        (schema.sheet.as_deref(), schema.sheets, schema.headers),
        (Some("Year 2009-2010"), sheets, vec!["x".to_owned()])
    );
}

/// A header `customer`, `amount` and two rows.
fn shop(customers: [&str; 2]) -> String {
    let text = |cell: &str, text: &str| format!(r#"<c r="{cell}" t="inlineStr"><is><t>{text}</t></is></c>"#);
    let row = |row: u32, customer: &str, amount: u32| {
        format!(r#"<row r="{row}">{}<c r="B{row}"><v>{amount}</v></c></row>"#, text(&format!("A{row}"), customer))
    };
    format!(
        r#"<row r="1">{}{}</row>{}{}"#,
        text("A1", "customer"),
        text("B1", "amount"),
        row(2, customers[0], 1),
        row(3, customers[1], 2)
    )
}

#[test]
fn several_sheets_are_one_table() {
    let book = Book {
        sheets: vec![
            ("2010", "visible", shop(["ada", "ben"])),
            ("Notes", "hidden", column(&[])),
            ("2011", "visible", shop(["ada", "cleo"]).replace("<v>2</v>", "<v>0.5</v>")),
        ],
        ..Book::default()
    }
    .bytes();
    let columns = "customer: id = customer; amount: int = amount";
    let of = |sheets: Sheets| Format { sheets, ..Format::default() };
    let names = Sheets::These(vec![Sheet::Name("2010".to_owned()), Sheet::Number(3)]);
    for (sheets, pins) in [(names, &[] as &[&str]), (Sheets::All, &["sheet \"2010\", \"2011\""])] {
        let loaded = load_as(&book, columns, of(sheets));
        assert_eq!(rows(&loaded), ["ada|1", "ben|2", "ada|1"]);
        assert_eq!(loaded.refused[0].file, "in, sheet `2011`");
        assert_eq!(refusals(&loaded), ["3 amount `0.5`: not a whole number"]);
        assert_eq!((loaded.files.len(), loaded.files[0].rows), (1, 4));
        let ids = loaded.identity.as_ref().unwrap();
        assert_eq!((ids[0] == ids[2], ids[0] == ids[1]), (true, false));
        assert_eq!(loaded.detected.iter().map(|found| found.pin.as_str()).collect::<Vec<_>>(), pins);
    }
    // Each of them needs the columns.
    let all = Sheets::These((1..=3).map(Sheet::Number).collect());
    let error = try_load(&book, columns, of(all)).unwrap_err();
    assert_eq!(error.to_string(), "`in, sheet `Notes`` has no column `customer`, no column `amount`; it has `x`");
}

#[test]
fn a_range_is_all_that_is_read() {
    let cell = |cell: &str, text: &str| format!(r#"<c r="{cell}" t="inlineStr"><is><t>{text}</t></is></c>"#);
    let row = |row: u32, cells: [&str; 4]| {
        let cells = ["A", "B", "C", "D"].iter().zip(cells).map(|(column, text)| cell(&format!("{column}{row}"), text));
        format!(r#"<row r="{row}">{}</row>"#, cells.collect::<String>())
    };
    let book = xlsx(
        &[
            row(2, ["Sales", "", "", "left"]),
            row(4, ["", "customer", "amount", "note"]),
            row(5, ["1", "ada", "1", "x"]),
            row(6, ["2", "ben", "2", ""]),
            row(9, ["", "cleo", "3", ""]),
        ]
        .concat(),
    );
    let columns = "customer: id = customer; amount: int = amount";
    let within = |range: &str| Format { range: range.parse().ok(), ..Format::default() };
    let cases: [(&str, &[&str]); 5] = [
        ("B4:C6", &["ada|1", "ben|2"]),
        ("b4:$C$6", &["ada|1", "ben|2"]),
        ("B4:C", &["ada|1", "ben|2", "cleo|3"]),
        ("B:C", &["ada|1", "ben|2", "cleo|3"]),
        ("B4:XFD5", &["ada|1"]),
    ];
    for (range, expected) in cases {
        let loaded = load_as(&book, columns, within(range));
        assert_eq!(rows(&loaded), expected, "{range}");
        assert_eq!(detections(&loaded.detected), ["sheet Sheet1"], "{range}");
    }
    // Positions count from the range, rows from the sheet.
    assert_eq!(rows(&load_as(&book, "amount: int = #2", within("B4:C5"))), ["1"]);
    assert_eq!(refusals(&load_as(&book, "note: int = note", within("B4:D5"))), ["5 note `x`: not a number"]);
    let headless = Format { header: Some(false), ..within("B5:C6") };
    assert_eq!(rows(&load_as(&book, "c: id = #1; a: int = #2", headless)), ["ada|1", "ben|2"]);
    assert!(matches!(try_load(&book, columns, within("F1:G9")), Err(IngestError::Empty { .. })));
    for wrong in ["", "B4", "4:6", "C4:B6", "B6:C4", "B0:C4", "A1:XFE9", "A1:B1048577", "B4:C6:D7", "Ä1:B2"] {
        assert!(wrong.parse::<segc::ingest::Range>().is_err(), "{wrong}");
    }
    for (range, shown) in [("b4:c6", "B4:C6"), ("$B$4:C", "B4:C"), ("B1:C", "B:C"), ("B1:C6", "B1:C6")] {
        assert_eq!(range.parse::<segc::ingest::Range>().map(|range| range.to_string()).as_deref(), Ok(shown));
    }
}

#[test]
fn titles_and_totals_stand_around_sheets_too() {
    let cell = |cell: &str, text: &str| format!(r#"<c r="{cell}" t="inlineStr"><is><t>{text}</t></is></c>"#);
    let table = shop(["ada", "ben"]).replace("A1", "B5").replace("B1", "C5").replace("r=\"1\"", "r=\"5\"");
    let table = table.replace("A2", "B7").replace("B2", "C7").replace("r=\"2\"", "r=\"7\"");
    let table = table.replace("A3", "B8").replace("B3", "C8").replace("r=\"3\"", "r=\"8\"");
    let rows_xml = format!(
        r#"<row r="2">{}</row><row r="3">{}</row>{table}<row r="9"><c r="A9"><v>7</v></c>{}<c r="C9"><v>3</v></c></row>"#,
        cell("A2", "Sales"),
        cell("B3", "in GBP"),
        cell("B9", "")
    );
    let columns = "customer: id = customer; amount: int = amount";
    let loaded = load(xlsx(&rows_xml), columns);
    assert_eq!(rows(&loaded), ["ada|1", "ben|2", "·|3"]);
    assert_eq!(detection(&loaded, "start of the table").pin, "skip 2");
    assert_eq!(detection(&loaded, "start of the table").evidence, "the first row with the names of columns is row 5");
    let stated = Format { skip: Some(2), footer: Some(1), ..Format::default() };
    let loaded = load_as(xlsx(&rows_xml), columns, stated);
    assert_eq!(
        (rows(&loaded), detections(&loaded.detected)),
        (vec!["ada|1".into(), "ben|2".into()], vec!["sheet Sheet1".into()])
    );
    let total = rows_xml.replace(r#"<c r="A9"><v>7</v></c>"#, &cell("A9", "Total"));
    let loaded = load(xlsx(&total), columns);
    assert_eq!(refusals(&loaded), ["9 `Total`: looks like a total: cells beside this word are empty"]);
}

/// What a spreadsheet shows otherwise than it holds it is read as it is held, and pointed out.
#[test]
fn merged_and_hidden_cells_are_pointed_out() {
    let mut book = rust_xlsxwriter::Workbook::new();
    let plain = rust_xlsxwriter::Format::new();
    let sheet = book.add_worksheet();
    sheet.merge_range(0, 0, 0, 3, "Sales of the shop", &plain).unwrap();
    sheet.write_row(1, 0, ["customer", "amount", "note", "unused"]).unwrap();
    sheet.merge_range(2, 0, 4, 0, "ada", &plain).unwrap();
    for row in 2..6 {
        sheet.write(row, 1, row).unwrap();
    }
    sheet.write(5, 0, "ben").unwrap();
    sheet.merge_range(2, 3, 3, 3, "x", &plain).unwrap();
    sheet.set_row_hidden(3).unwrap().set_row_hidden(4).unwrap().set_row_hidden(9).unwrap();
    sheet.set_column_hidden(1).unwrap().set_column_hidden(3).unwrap();
    let bytes = book.save_to_buffer().unwrap();
    let loaded = load(&bytes, "customer: id = customer; amount: int = amount");
    assert_eq!(rows(&loaded), ["ada|2", "·|3", "·|4", "ben|5"]);
    let told = |what: &str| {
        let found = detection(&loaded, what);
        (found.value.clone(), found.evidence.clone(), found.certain)
    };
    let only_first = "only the first cell of each has the value".to_owned();
    assert_eq!(told("merged cells"), (only_first, "A3:A5".to_owned(), false));
    assert_eq!(told("hidden rows"), ("read as all others".to_owned(), "2 rows, the first is row 4".to_owned(), false));
    assert_eq!(told("hidden columns"), ("read as all others".to_owned(), "B".to_owned(), false));
    let columns = "customer: id = customer; amount: int = amount";
    let with = |format: Format| load_as(&bytes, columns, format);
    let loaded = with(Format { fill_merged: Some(true), hidden: Some(true), ..Format::default() });
    assert_eq!(rows(&loaded), ["ada|2", "ada|3", "ada|4", "ben|5"]);
    assert_eq!(detections(&loaded.detected), ["sheet Sheet1", "start of the table 1 row above it"]);
    let loaded = with(Format { fill_merged: Some(true), hidden: Some(false), ..Format::default() });
    assert_eq!((rows(&loaded), loaded.read), (vec!["ada|2".to_owned(), "ben|5".to_owned()], 2));
    let ids = loaded.identity.unwrap();
    assert_eq!(
        with(Format { fill_merged: Some(false), hidden: Some(false), ..Format::default() }).identity.unwrap(),
        ids
    );
    let other = load(&bytes, "note: text = note");
    assert!(!other.detected.iter().any(|found| found.what == "merged cells" || found.what == "hidden columns"));
}

#[test]
fn codes_keep_the_zeros_that_are_shown() {
    let mut book = rust_xlsxwriter::Workbook::new();
    let code = rust_xlsxwriter::Format::new().set_num_format("00000");
    let sheet = book.add_worksheet();
    sheet.write(0, 0, "id").unwrap();
    for (row, number) in (1..).zip([42.0, 123_456.0, 0.5, -7.0]) {
        sheet.write_with_format(row, 0, number, &code).unwrap();
    }
    let bytes = book.save_to_buffer().unwrap();
    assert_eq!(rows(&load(&bytes, "id: id = id")), ["00042", "123456", "0.5", "-7"]);
    assert_eq!(rows(&load(&bytes, "id: number = id")), ["42", "123456", "0.5", "-7"]);
}

#[test]
fn a_sheet_and_its_export_have_the_same_fingerprints() {
    let xml = r#"<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c><c r="B1" t="inlineStr"><is><t>b</t></is></c><c r="C1" t="inlineStr"><is><t>c</t></is></c></row>
        <row r="2"><c r="A2"><v>536365</v></c><c r="B2"><v>2.5499999999999998</v></c><c r="C2" s="1"><v>40513.351388888892</v></c></row>
        <row r="3"><c r="A3" t="inlineStr"><is><t>536365</t></is></c><c r="B3"><v>2.55</v></c><c r="C3" s="1"><v>40513.35138888889</v></c></row>
        <row r="4"><c r="A4"><v>1</v></c></row>
        <row r="5"><c r="B5"><v>-0.001</v></c><c r="C5" t="b"><v>1</v></c></row>"#;
    let csv = "a,b,c\n536365,2.55,2010-12-01 08:26:00\n536365,2.55,2010-12-01 08:26:00\n1,,\n,-0.001,TRUE\n";
    let [sheet, export] = [load(xlsx(xml), "a: id = a"), load(csv, "a: id = a")].map(|loaded| loaded.identity.unwrap());
    assert_eq!(sheet, export);
    assert_eq!(sheet[0], sheet[1], "a number and a text that look the same");
}

/// Another writer, which streams its rows and does not share texts.
#[test]
fn a_workbook_by_another_writer_is_read() {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet_with_constant_memory().unwrap();
    let date = rust_xlsxwriter::Format::new().set_num_format("dd/mm/yyyy hh:mm");
    let time = rust_xlsxwriter::ExcelDateTime::parse_from_str("2010-12-01T08:26:00").unwrap();
    for (column, name) in (0..).zip(["id", "at", "price", "note"]) {
        sheet.write(0, column, name).unwrap();
    }
    sheet.write(1, 0, 536365).unwrap().write_with_format(1, 1, &time, &date).unwrap().write(1, 2, 2.55).unwrap();
    sheet.write(1, 3, "Ünïcode & <tags>").unwrap();
    sheet
        .write(2, 0, "C536379")
        .unwrap()
        .write(2, 2, rust_xlsxwriter::Formula::new("=NA()").set_result("#N/A"))
        .unwrap();
    let bytes = book.save_to_buffer().unwrap();
    let loaded = load(&bytes, "id: id = id; at: datetime = at; price: money = price; note: text = note");
    assert_eq!(rows(&loaded), ["536365|2010-12-01 08:26:00|2.55|Ünïcode & <tags>"]);
    assert_eq!(refusals(&loaded), ["3 price `#N/A`: an error value"]);
    assert_eq!(rows(&load(&bytes, "id: id = id; note: text = note")), ["536365|Ünïcode & <tags>", "C536379|·"]);
}

pub fn small(name: &str) -> InputFile {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/ingest").join(name);
    InputFile { name: name.to_owned(), path }
}

#[test]
fn xls_files_are_read_under_a_limit_of_size() {
    let columns = "id: id = id; at: datetime = at; price: money = price; note: text = note";
    let expected =
        ["536365|2010-12-01 08:26:00|2.550|x", "C536379|2011-12-09 12:50:00|0.001|·", "7|2011-01-04|-3.000|TRUE"];
    for name in ["small.xls", "small_1904.xls"] {
        let request = Request { files: vec![small(name)], columns: requests(columns), ..Request::default() };
        let loaded = read(&request, &Silent).unwrap();
        assert_eq!(rows(&loaded), expected, "{name}");
        assert_eq!(detections(&loaded.detected), ["sheet? Orders"]);
    }
    let limits = Limits { whole_workbook: 1000, ..Limits::default() };
    let request = Request { files: vec![small("small.xls")], limits, ..Request::default() };
    let error = read(&request, &Silent).unwrap_err();
    let budget = Budget::WholeWorkbook;
    assert_eq!(error, IngestError::TooLarge { file: "small.xls".into(), budget, limit: 1000, at: None });
    let request =
        Request { files: vec![small("small.xls")], columns: requests("p: int = price"), ..Request::default() };
    assert_eq!(refusals(&read(&request, &Silent).unwrap())[1], "3 p `0.001`: not a whole number");
}

/// A file by xlwt: codes shown with five digits, two merged cells, a hidden row and a hidden column.
#[test]
fn xls_files_tell_what_they_show() {
    let columns = "customer: id = customer; amount: int = amount; note: text = note";
    let load = |format: Format| {
        let files = vec![small("codes.xls")];
        read(&Request { files, columns: requests(columns), format, ..Request::default() }, &Silent).unwrap()
    };
    let loaded = load(Format::default());
    assert_eq!(rows(&loaded), ["00042|1|both", "123456|2|·", "7.5|3|·", "00043|4|·", "·|5|·"]);
    let told = |what: &str| detection(&loaded, what).evidence.clone();
    assert_eq!(["merged cells", "hidden rows", "hidden columns"].map(told), ["C2:C3", "row 4", "C"]);
    let loaded = load(Format { fill_merged: Some(true), hidden: Some(false), ..Format::default() });
    assert_eq!(rows(&loaded), ["00042|1|both", "123456|2|both", "00043|4|·", "·|5|·"]);
}

/// Either would make the library use up all memory.
#[test]
fn xls_files_with_loops_or_cells_outside_the_grid_are_errors() {
    let whole = std::fs::read(small("small.xls").path).unwrap();
    let word = |at: usize| u32::from_le_bytes(whole[at..at + 4].try_into().unwrap());
    let find = |record: &[u8]| whole.windows(record.len()).position(|window| window == record).unwrap();
    // The table of sectors lies in the sector that the header lists first; the directory starts where it says.
    let (table, directory) = ((word(76) as usize + 1) * 512, word(48));
    let (number, extent) = (find(&[0x03, 0x02, 0x0E, 0x00]), find(&[0x00, 0x02, 0x0E, 0x00]));
    let cases: [(usize, &[u8], &str); 5] = [
        (table + 4 * directory as usize, &directory.to_le_bytes(), "its sectors form a loop"),
        (number + 6, &[0xFF, 0xFF], "a cell lies outside the grid"),
        (extent + 4, &[0xFF, 0xFF, 0, 0], "a cell lies outside the grid"),
        (extent + 8, &[0, 0, 0xFF, 0xFF], "a cell lies outside the grid"),
        (30, &[1, 0], "its sectors have no size"),
    ];
    for (at, bytes, expected) in cases {
        let mut broken = whole.clone();
        broken[at..at + bytes.len()].copy_from_slice(bytes);
        let error = try_load(&broken, "", Format::default()).unwrap_err();
        assert_eq!(error, IngestError::Damaged { file: "in".into(), reason: expected.into(), at: None });
    }
}

/// An ODS workbook of one sheet, `T`, with the rows given.
pub fn ods(rows: &str) -> Vec<u8> {
    let content = format!(
        r#"<office:document-content xmlns:office="o" xmlns:table="t" xmlns:text="x"><office:body><office:spreadsheet>
            <table:table table:name="T">{rows}</table:table></office:spreadsheet></office:body></office:document-content>"#
    );
    let manifest =
        r#"<manifest:manifest xmlns:manifest="m"><manifest:file-entry manifest:full-path="/"/></manifest:manifest>"#;
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, text) in [
        ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"),
        ("META-INF/manifest.xml", manifest),
        ("content.xml", &content),
    ] {
        zip.start_file(name, stored).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn ods_files_are_read() {
    let text = |text: &str| {
        format!(r#"<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>"#)
    };
    let number = |n: &str| format!(r#"<table:table-cell office:value-type="float" office:value="{n}"/>"#);
    let date = |d: &str| format!(r#"<table:table-cell office:value-type="date" office:date-value="{d}"/>"#);
    let row = |cells: &[String]| format!("<table:table-row>{}</table:table-row>", cells.concat());
    let bytes = ods(&[
        row(&[text("id"), text("at"), text("price")]),
        row(&[number("536365"), date("2010-12-01T08:26:00"), number("2.55")]),
        row(&[]),
        row(&[text("C536379"), date("2011-12-09"), number("0.001"), text("stray")]),
    ]
    .concat());
    let loaded = load(&bytes, "id: id = id; at: datetime = at; price: money = price");
    assert_eq!(rows(&loaded), ["536365|2010-12-01 08:26:00|2.550", "C536379|2011-12-09|0.001"]);
    assert_eq!(
        detection(&loaded, "cells outside the table").evidence,
        "1 cell to the right of the last header, the first at D4"
    );
}

#[test]
fn ods_files_tell_what_they_show() {
    let bytes = ods(
        r#"<table:table-column/><table:table-column table:visibility="collapse" table:number-columns-repeated="2"/>
        <table:table-header-rows><table:table-row>
          <table:table-cell office:value-type="string"><text:p>id</text:p></table:table-cell>
          <table:table-cell office:value-type="string"><text:p>n</text:p></table:table-cell>
          <table:table-cell office:value-type="string"><text:p>note</text:p></table:table-cell>
        </table:table-row></table:table-header-rows>
        <table:table-row table:number-rows-repeated="2"><table:table-cell/></table:table-row>
        <table:table-row table:number-rows-repeated="2" table:visibility="filter">
          <table:table-cell office:value-type="float" office:value="42"><text:p>00042</text:p></table:table-cell>
          <table:table-cell table:number-columns-repeated="2" office:value-type="float" office:value="7"/>
        </table:table-row>
        <table:table-row>
          <table:table-cell table:number-rows-spanned="2" office:value-type="string"><office:annotation><text:p>a note</text:p>
            </office:annotation><text:p>two<text:s text:c="2"/><text:span>blanks</text:span></text:p><text:p>lines &amp; all</text:p>
          </table:table-cell>
          <table:table-cell table:formula="of:=[.A1]"/>
          <table:table-cell office:value-type="string" office:value="" calcext:value-type="error"><text:p>#DIV/0!</text:p></table:table-cell>
        </table:table-row>
        <table:table-row><table:covered-table-cell/>
          <table:table-cell office:value-type="time" office:time-value="PT36H00M00S"><text:p>36:00</text:p></table:table-cell>
          <table:table-cell office:value-type="boolean" office:boolean-value="true"><text:p>WAHR</text:p></table:table-cell>
        </table:table-row>"#,
    );
    let loaded = load(&bytes, "id: id = id; note: text = note");
    assert_eq!(rows(&loaded), ["00042|7", "00042|7", "·|TRUE"]);
    assert_eq!(refusals(&loaded), ["6 note `#DIV/0!`: an error value"]);
    let told = |what: &str| detection(&loaded, what).evidence.clone();
    assert_eq!(
        ["merged cells", "hidden rows", "hidden columns"].map(told),
        ["A6:A7", "2 rows, the first is row 4", "C"]
    );
    let loaded = load(&bytes, "id: id = id; n: number = n");
    assert_eq!(rows(&loaded), ["00042|7", "00042|7", "·|1.5"]);
    let uncomputed = "a formula without its value: open the workbook in a spreadsheet program and save it";
    assert_eq!(refusals(&loaded), [format!("6 n ``: {uncomputed}")]);
    let texts = load_as(&bytes, "id: text = id", Format { hidden: Some(false), ..Format::default() });
    assert_eq!(rows(&texts), ["two  blanks\nlines & all", "·"]);
}

#[test]
fn xlsb_files_are_streamed() {
    // Records have a type, a length and a body; cells begin with their column and their style.
    let record = |kind: u16, body: &[u8]| {
        let mut bytes = if kind < 0x80 { vec![kind as u8] } else { vec![kind as u8 | 0x80, (kind >> 7) as u8] };
        bytes.push(body.len() as u8);
        bytes.extend(body);
        bytes
    };
    let wide = |text: &str| {
        let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        [&(units.len() as u32 / 2).to_le_bytes()[..], &units].concat()
    };
    let cell = |kind: u16, column: u32, style: u32, value: &[u8]| {
        record(kind, &[&column.to_le_bytes()[..], &style.to_le_bytes(), value].concat())
    };
    let row = |number: u32| record(0, &[&number.to_le_bytes()[..], &[0; 13]].concat());
    let areas = |numbers: [u32; 4]| numbers.map(u32::to_le_bytes).concat();
    let sheet = [
        record(0x0094, &[0; 16]),
        // The second column is hidden.
        record(0x003C, &[&areas([1, 1, 0, 0])[..], &[1, 0]].concat()),
        record(0x0091, &[]),
        row(0),
        cell(6, 0, 0, &wide("id")),
        cell(6, 1, 0, &wide("at")),
        row(1),
        cell(5, 0, 0, &536365_f64.to_le_bytes()),
        cell(5, 1, 1, &40513.35138888889_f64.to_le_bytes()),
        row(1_000_000),
        cell(6, 0, 0, &wide("C536379")),
        cell(3, 1, 0, &[0x2A]),
        // A formula whose value is an error, in a hidden row; numbers in thirty bits, and in hundredths.
        record(0, &[&1_000_001_u32.to_le_bytes()[..], &[0; 7], &[0x10, 0]].concat()),
        cell(2, 0, 0, &(7_u32 << 2 | 2).to_le_bytes()),
        cell(11, 1, 0, &[0x07]),
        row(1_000_002),
        cell(2, 0, 0, &(705_u32 << 2 | 3).to_le_bytes()),
        cell(62, 1, 0, &[&[0][..], &wide("2011-12-09")].concat()),
        record(0x0092, &[]),
        record(0x00B0, &areas([1_000_000, 1_000_001, 0, 0])),
    ]
    .concat();
    let bundle = [&0_u32.to_le_bytes()[..], &1_u32.to_le_bytes(), &wide("r1"), &wide("B")].concat();
    let workbook = [record(0x009C, &bundle), record(0x0090, &[]), record(0x009D, &[])].concat();
    let formats =
        [0_u16, 22].map(|format| record(0x002F, &[&[0, 0][..], &format.to_le_bytes(), &[0; 12]].concat())).concat();
    let styles = [record(0x0269, &2_u32.to_le_bytes()), formats].concat();
    let relations = r#"<Relationships><Relationship Id="r1" Target="worksheets/sheet1.bin"/></Relationships>"#;
    let bytes = zip(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("xl/workbook.bin", &workbook),
        ("xl/_rels/workbook.bin.rels", relations.as_bytes()),
        ("xl/styles.bin", &styles),
        ("xl/worksheets/sheet1.bin", &sheet),
    ]);
    let loaded = load(&bytes, "id: id = id; at: datetime = at");
    assert_eq!(rows(&loaded), ["536365|2010-12-01 08:26:00", "7.05|2011-12-09"]);
    assert_eq!(refusals(&loaded), ["1000001 at `#N/A`: an error value", "1000002 at `#DIV/0!`: an error value"]);
    let told = |what: &str| detection(&loaded, what).evidence.clone();
    let expected = ["A1000001:A1000002", "row 1000002", "B"];
    assert_eq!(["merged cells", "hidden rows", "hidden columns"].map(told), expected);
    // A cell that points to a text that is not there.
    let end = record(0x0092, &[]);
    let end = sheet.windows(end.len()).rposition(|window| window == end).expect("the sheet ends");
    let broken = [&sheet[..end], &row(1_000_003), &cell(7, 0, 0, &9_u32.to_le_bytes())].concat();
    let bytes = zip(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("xl/workbook.bin", &workbook),
        ("xl/_rels/workbook.bin.rels", relations.as_bytes()),
        ("xl/worksheets/sheet1.bin", &broken),
    ]);
    let error = try_load(&bytes, "id: id = id", Format::default()).unwrap_err();
    assert_eq!(error.to_string(), "`in` is damaged at row 1000004: a cell points to a text that is not there");
}

#[test]
fn broken_workbooks_are_errors() {
    let whole = xlsx(&column(&[("", "<v>1</v>")]));
    let cut = try_load(&whole[..whole.len() / 2], "", Format::default()).unwrap_err();
    assert!(matches!(cut, IngestError::Damaged { .. }), "{cut}");
    for rows in
        ["<row r=\"1\"><c r=\"A1\"><v>1</v>", "<row r=\"x\"/>", "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>99</v></c></row>"]
    {
        let error = try_load(xlsx(rows), "", Format::default()).unwrap_err();
        assert!(matches!(error, IngestError::Damaged { .. }), "{rows}: {error}");
    }
    let empty = try_load(xlsx(""), "", Format::default()).unwrap_err();
    assert_eq!(empty, IngestError::Empty { file: "in".to_owned() });
}
