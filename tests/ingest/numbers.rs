//! Numbers, amounts, shares and truth values as text.

use segc::ingest::{Format, IngestError};

use super::{detection, detections, load, load_as, refusals, rows, try_load};

/// A file of one column, each cell in quotes.
fn column(header: &str, cells: &[&str]) -> String {
    cells.iter().fold(format!("{header}\n"), |text, cell| text + &format!("\"{}\"\n", cell.replace('"', "\"\"")))
}

/// Each cell alone in its file: the value, or why it is refused.
fn alone(kind: &str, cell: &str) -> String {
    let loaded = load(column("x", &[cell]), &format!("x: {kind} = x"));
    let value = rows(&loaded).into_iter().next();
    value.unwrap_or_else(|| loaded.refused[0].reason.clone())
}

#[test]
fn whole_numbers_are_never_cut() {
    let cases = [
        ("6", "6"),
        ("-80995", "-80995"),
        ("+6", "6"),
        (" 6 ", "6"),
        ("007", "7"),
        ("6.0", "6"),
        ("6.", "6"),
        ("6.000000000000", "6"),
        ("1e3", "1000"),
        ("1,234", "1234"),
        ("1,234,567", "1234567"),
        ("9223372036854775807", "9223372036854775807"),
        ("-9223372036854775807", "-9223372036854775807"),
        ("9223372036854775808", "too large"),
        ("99999999999999999999999999999999999999999999", "too large"),
        ("6.5", "not a whole number"),
        ("1e-3", "not a whole number"),
        ("0.00000000000001", "not a whole number"),
        ("1,23", "not a whole number"),
        ("-", "not a number"),
        ("--1", "not a number"),
        ("1-2", "not a number"),
        ("six", "not a number"),
        ("0x10", "not a number"),
        ("1e", "not a number"),
        ("NaN", "not a number"),
        ("12,34,567", "not a number"),
    ];
    for (cell, expected) in cases {
        assert_eq!(alone("int", cell), expected, "{cell:?}");
    }
}

#[test]
fn numbers_are_finite() {
    let cases = [
        ("2.5", "2.5"),
        (".5", "0.5"),
        ("-0", "0"),
        ("1E-3", "0.001"),
        ("1e400", "too large"),
        ("1,234.5", "1234.5"),
        ("1 234.5", "1234.5"),
        ("1\u{a0}234.5", "1234.5"),
        ("1'234.5", "1234.5"),
        ("−5.5", "-5.5"),
        ("inf", "not a number"),
        ("NaN", "not a number"),
        ("infinity", "not a number"),
        ("£5", "not a number"),
        ("5%", "not a number"),
        ("(5)", "-5"),
        ("( 1,234.5 )", "-1234.5"),
        ("5-", "-5"),
        ("1,234.5 −", "-1234.5"),
        ("(-5)", "not a number"),
        ("-5-", "not a number"),
        ("(5", "not a number"),
        ("()", "not a number"),
        ("-", "not a number"),
        ("1_000", "not a number"),
        ("1,2345", "1.2345"),
        ("12345,678.5", "not a number"),
    ];
    for (cell, expected) in cases {
        assert_eq!(alone("number", cell), expected, "{cell:?}");
    }
}

#[test]
fn amounts_are_exact() {
    let cases = [
        ("2.55", "2.55"),
        ("2.50", "2.5"),
        ("2", "2"),
        ("-0.001", "-0.001"),
        ("1E-3", "0.001"),
        ("0.123456789", "0.123456789"),
        ("0.1234567891", "10 decimals, money has at most 9"),
        ("33.333333333333336", "13 decimals, money has at most 9"),
        // What binary fractions make of 2.55 and of 0.1 + 0.2.
        ("2.5499999999999998", "2.55"),
        ("0.30000000000000004", "0.3"),
        // Sixteen digits that are all meant.
        ("1234567.123456789", "1234567.123456789"),
        ("9223372036854775807", "9223372036854775807"),
        ("9223372036854775808", "too large"),
        ("1e19", "too large"),
        ("£2.55", "2.55"),
        ("2.55 €", "2.55"),
        ("-£2.55", "-2.55"),
        ("£-2.55", "-2.55"),
        ("$1,234.50", "1234.5"),
        ("US$ 5", "5"),
        ("EUR 5", "5"),
        ("5 kr", "5"),
        ("5 pcs", "not a number"),
        ("£", "not a number"),
        ("£5€", "not a number"),
        ("-£-5", "not a number"),
        ("(5.00)", "-5"),
        ("(£5.00)", "-5"),
        ("£(5.00)", "-5"),
        ("£5.00-", "-5"),
        ("5.00- €", "-5"),
        ("-(5.00)", "not a number"),
        ("(£-5.00)", "not a number"),
        ("inf", "not a number"),
    ];
    for (cell, expected) in cases {
        assert_eq!(alone("money", cell), expected, "{cell:?}");
    }
}

#[test]
fn the_scale_of_a_column_grows_and_refuses_what_has_no_room() {
    let loaded = load(column("x", &["1", "", "2.5", "0.001", "-3.25"]), "x: money = x");
    assert_eq!(rows(&loaded), ["1.000", "·", "2.500", "0.001", "-3.250"]);
    let loaded =
        load(column("x", &["9000000000000000", "0.001", "0.0001", "9000000000000000.5", "1e15"]), "x: money = x");
    assert_eq!(rows(&loaded), ["9000000000000000.000", "0.001", "9000000000000000.500", "1000000000000000.000"]);
    assert_eq!(refusals(&loaded), ["4 x `0.0001`: 4 decimals, for which amounts above it in its column are too large"]);
    let loaded = load(column("x", &["0.001", "9999999999999999"]), "x: money = x");
    assert_eq!(
        refusals(&loaded),
        ["3 x `9999999999999999`: too large for an amount with 3 decimals, as its column has"]
    );
}

#[test]
fn currencies_are_not_added_up() {
    let loaded = load(column("x", &["£1", "2", "€3", "£4"]), "x: money = x");
    assert_eq!(rows(&loaded), ["1", "2", "4"]);
    assert_eq!(refusals(&loaded), ["4 x `€3`: `€` in a column of `£`"]);
    assert_eq!(detection(&loaded, "currency sign").value, "£");
}

#[test]
fn ways_to_write_what_is_negative_are_reported() {
    let loaded = load(column("x", &["(12,50)", "12,50-", "-12,50", "12,50"]), "x: money = x");
    assert_eq!(rows(&loaded), ["-12.5", "-12.5", "-12.5", "12.5"]);
    let found = detection(&loaded, "negative numbers");
    assert_eq!((found.evidence.as_str(), found.certain), ("2 cells such as `(12,50)`", true));
    assert_eq!(detection(&loaded, "decimal mark").value, ",");
    let loaded = load(column("x", &["-12.50", "12.50"]), "x: money = x");
    assert!(!loaded.detected.iter().any(|found| found.what == "negative numbers"));
}

#[test]
fn shares_are_numbers_or_percentages() {
    let cases = [
        ("0.12", "0.12"),
        ("12%", "0.12"),
        ("12.3%", "0.123"),
        ("12 %", "0.12"),
        ("-5%", "-0.05"),
        ("150%", "1.5"),
        ("0.07%", "0.0007"),
        ("%", "not a number"),
        ("12%%", "not a number"),
    ];
    for (cell, expected) in cases {
        assert_eq!(alone("share", cell), expected, "{cell:?}");
    }
    let stated = Format { decimal: Some(','), ..Format::default() };
    assert_eq!(rows(&load_as(column("x", &["12,5%", "0,5"]), "x: share = x", stated)), ["0.125", "0.5"]);
}

#[test]
fn truth_has_few_words() {
    let yes = ["true", "TRUE", "yes", "Y", "1", " t "];
    let no = ["false", "False", "no", "N", "0", "f"];
    yes.iter().for_each(|cell| assert_eq!(alone("bool", cell), "true", "{cell}"));
    no.iter().for_each(|cell| assert_eq!(alone("bool", cell), "false", "{cell}"));
    assert_eq!(alone("bool", "2"), "neither yes nor no");
    assert_eq!(alone("bool", " "), "·");
}

#[test]
fn ids_are_trimmed_and_kept_as_text() {
    let loaded = load("a,b\n 00042 , 00042 \n1.0,1.0\n1E5,1E5\n", "a: id = a; b: text = b");
    assert_eq!(rows(&loaded), ["00042| 00042 ", "1.0|1.0", "1E5|1E5"]);
}

/// Cells of one column; the mark that is found, `?` if it is a guess; the numbers.
#[test]
fn the_decimal_mark_is_told_by_all_numbers_together() {
    let cases: [(&str, &[&str], &str, &[&str]); 12] = [
        ("number", &["1.5", "2"], "", &["1.5", "2"]),
        ("number", &["1,5", "2"], "decimal mark ,", &["1.5", "2"]),
        ("number", &["1.234,5", "1.234"], "decimal mark ,", &["1234.5", "1234"]),
        ("number", &["1,234.5", "1,234"], "", &["1234.5", "1234"]),
        ("number", &["1.234.567", "1.234"], "decimal mark ,", &["1234567", "1234"]),
        ("number", &["1 234,5"], "decimal mark ,", &["1234.5"]),
        ("number", &["1.234"], "", &["1.234"]),
        ("number", &["1,234"], "decimal mark? .", &["1234"]),
        ("number", &["0,123"], "decimal mark ,", &["0.123"]),
        ("int", &["1.234", "5"], "decimal mark? ,", &["1234", "5"]),
        ("int", &["1,234", "5"], "", &["1234", "5"]),
        ("number", &["1,5", "2,5", "3.5"], "decimal mark? ,", &["1.5", "2.5"]),
    ];
    for (kind, cells, mark, expected) in cases {
        let loaded = load(column("x", cells), &format!("x: {kind} = x"));
        assert_eq!(rows(&loaded), expected, "{cells:?}");
        let found = detections(&loaded.detected).into_iter().find(|found| found.starts_with("decimal"));
        assert_eq!(found.unwrap_or_default(), mark, "{cells:?}");
    }
    // Three digits after a comma, in a file whose semicolons speak for the decimal comma.
    let loaded = load("a;b\n1,234;x\n", "a: number = a");
    assert_eq!((rows(&loaded), detection(&loaded, "decimal mark").certain), (vec!["1.234".to_owned()], false));
    // The evidence of one column serves another.
    let loaded = load("a;b\n1,5;1.234\n", "a: money = a; b: int = b");
    assert_eq!(rows(&loaded), ["1.5|1234"]);
    assert_eq!(detection(&loaded, "decimal mark").pin, "decimal \",\"");
    assert_eq!(detection(&loaded, "decimal mark").evidence, "1 cell such as `1,5`");
}

#[test]
fn evidence_for_the_decimal_mark_is_sought_as_far_as_needed() {
    let text = (0..5000).fold("x\n".to_owned(), |text, n| text + &format!("{n}\n")) + "\"2,5\"\n";
    let loaded = load(&text, "x: money = x");
    assert_eq!((loaded.refused.len(), rows(&loaded)[5000].as_str()), (0, "2.5"));
}

#[test]
fn stated_marks_are_strict() {
    let marks = |decimal: Option<char>, thousands: Option<char>| Format { decimal, thousands, ..Format::default() };
    let cases = [
        (Some('.'), None, "1,5", "not a number"),
        (Some('.'), None, "1,234", "1234"),
        (Some('.'), None, "1234,567.5", "not a number"),
        (Some(','), None, "1,5", "1.5"),
        (Some(','), None, "1.5", "not a number"),
        (Some(','), Some('.'), "1.234,5", "1234.5"),
        (None, Some('.'), "1.234", "1234"),
        (None, Some(','), "1.234", "1.234"),
        (Some('.'), Some('\''), "1'234.5", "1234.5"),
        (Some('.'), Some('\''), "1,234.5", "not a number"),
        (Some(','), Some(' '), "1\u{202f}234,5", "1234.5"),
    ];
    for (decimal, thousands, cell, expected) in cases {
        let loaded = load_as(column("x", &[cell]), "x: number = x", marks(decimal, thousands));
        let value = rows(&loaded).into_iter().next().unwrap_or_else(|| loaded.refused[0].reason.clone());
        assert_eq!(value, expected, "{decimal:?} {thousands:?} {cell}");
        assert!(!loaded.detected.iter().any(|found| found.what == "decimal mark"));
    }
    for (decimal, thousands) in [(Some(','), Some(',')), (Some(';'), None), (None, Some('x'))] {
        let error = try_load("x\n1\n", "x: number = x", marks(decimal, thousands)).unwrap_err();
        assert_eq!(error, IngestError::BadMarks { decimal, thousands });
    }
}

#[test]
fn thousands_marks_are_reported_with_an_example() {
    let loaded = load(column("x", &["1,234.5", "1,234.5", "7.5"]), "x: number = x");
    let found = detection(&loaded, "thousands mark");
    assert_eq!(
        (found.evidence.as_str(), found.pin.as_str(), found.certain),
        ("2 cells such as `1,234.5`", "thousands \",\"", true)
    );
    let loaded = load(column("x", &["1,234"]), "x: int = x");
    assert!(!detection(&loaded, "thousands mark").certain, "it might be a decimal comma");
}
