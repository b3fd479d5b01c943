//! Dates and times as text: the ISO forms, stated formats, and formats that the data tell.

use segc::ingest::{Format, IngestError, check_date_format};

use super::{detection, detections, load, refusals, rows, try_load};

fn column(cells: &[&str]) -> String {
    cells.iter().fold("x\n".to_owned(), |text, cell| text + &format!("\"{cell}\"\n"))
}

fn alone(request: &str, cell: &str) -> String {
    let loaded = load(column(&[cell]), request);
    rows(&loaded).into_iter().next().unwrap_or_else(|| loaded.refused[0].reason.clone())
}

#[test]
fn iso_forms_need_no_format_and_no_report() {
    let cases = [
        ("2010-12-01", "2010-12-01"),
        ("2010-12-01 08:26", "2010-12-01 08:26:00"),
        ("2010-12-01T08:26", "2010-12-01 08:26:00"),
        ("2010-12-01 08:26:07", "2010-12-01 08:26:07"),
        ("2010-12-01T08:26:07.5", "2010-12-01 08:26:07.500"),
        ("2010-12-01 08:26:07.123456", "2010-12-01 08:26:07.123456"),
        ("2010-12-01 08:26:07.123456789", "2010-12-01 08:26:07.123456"),
        ("2010-12-01T08:26:07Z", "2010-12-01 08:26:07"),
        ("20101201", "2010-12-01"),
        ("20101201 08:26", "2010-12-01 08:26:00"),
        (" 2010-12-01 ", "2010-12-01"),
        ("1969-12-31 23:59:59", "1969-12-31 23:59:59"),
        ("2012-02-29", "2012-02-29"),
        ("1000-01-01", "1000-01-01"),
        ("9999-12-31", "9999-12-31"),
    ];
    for (cell, expected) in cases {
        let loaded = load(column(&[cell]), "x: datetime = x");
        assert_eq!(rows(&loaded), [expected], "{cell}");
        assert!(!loaded.detected.iter().any(|found| found.what == "date format"), "{cell}");
    }
    let unknown = "not a date in a form that is known without `dates`";
    for cell in ["2010-2-30", "30 February 2010", "201012", "yesterday", "2010-12"] {
        assert_eq!(alone("x: datetime = x", cell), unknown, "{cell}");
    }
    for cell in [
        "2010-13-01",
        "2010-02-29",
        "2010-12-32",
        "2010-12-01 24:00",
        "2010-12-01 08:60",
        "2010-12-01 08:26:60",
        "2010-12-01 8",
        "2010-12-01T",
        "2010-12-01 08:26:07.",
        "2010-12-01 08:26:07.x",
        "0001-01-01",
    ] {
        assert_eq!(alone("x: datetime = x", cell), "no such day or time", "{cell}");
    }
    let days = "a number, perhaps of days as spreadsheets count them; export it as a date";
    assert_eq!(alone("x: datetime = x", "40513"), days);
    let seconds = "a number; if it counts seconds since 1970, `dates \"%s\"` reads it";
    assert_eq!(alone("x: datetime = x", "1291191960"), seconds);
    let offset = "has an offset from UTC; `dates \"%+\"` reads it as local time";
    assert_eq!(alone("x: datetime = x", "2010-12-01T08:26:07+01:00"), offset);
    assert_eq!(alone("x: datetime = x dates %+", "2010-12-01T08:26:07+01:00"), "2010-12-01 08:26:07");
}

#[test]
fn stated_formats_are_tried_in_order_and_alone() {
    let cases = [
        ("%d/%m/%Y", "01/02/2010", "2010-02-01"),
        ("%m/%d/%Y", "01/02/2010", "2010-01-02"),
        ("%d/%m/%Y", "1/2/2010", "2010-02-01"),
        ("%d/%m/%Y %H:%M", "01/02/2010 8:26", "2010-02-01 08:26:00"),
        ("%d/%m/%Y %H:%M | %d/%m/%Y", "01/02/2010", "2010-02-01"),
        ("%m/%d/%Y | %d/%m/%Y", "13/02/2010", "2010-02-13"),
        ("%d.%m.%y", "01.02.10", "2010-02-01"),
        ("%d-%b-%Y", "01-dec-2010", "2010-12-01"),
        ("%B %d, %Y %I:%M %p", "December 1, 2010 8:26 PM", "2010-12-01 20:26:00"),
        ("%Y%m%d%H%M%S", "20101201082607", "2010-12-01 08:26:07"),
        ("%s", "1291191960", "2010-12-01 08:26:00"),
        ("%d/%m/%Y", "2010-02-01", "not a date of the form `%d/%m/%Y`"),
        ("%d/%m/%Y", "30/02/2010", "not a date of the form `%d/%m/%Y`"),
        ("%d/%m/%Y", "01/02/2010 8:26", "not a date of the form `%d/%m/%Y`"),
        // A year of two digits is not the year 10.
        ("%d/%m/%Y", "01/02/10", "not a date of the form `%d/%m/%Y`"),
        ("%m/%d/%Y | %d/%m/%Y", "x", "not a date of the form `%m/%d/%Y` or `%d/%m/%Y`"),
    ];
    for (format, cell, expected) in cases {
        assert_eq!(alone(&format!("x: datetime = x dates {format}"), cell), expected, "{format} {cell}");
    }
}

#[test]
fn formats_that_make_no_date_are_errors() {
    for format in ["%d/%m", "%Y-%m", "%H:%M", "%Q", "", "%Y-%m-%d %H", "%Y-%m-%d %I:%M", "today"] {
        assert!(check_date_format(format).is_err(), "{format}");
    }
    for format in
        ["%Y-%m-%d", "%F %T", "%d/%m/%y", "%Y-%j", "%s", "%+", "%A, %d %B %Y", "%G-W%V-%u", "%Y-%m-%dT%H:%M:%S%z"]
    {
        assert_eq!(check_date_format(format), Ok(()), "{format}");
    }
    let error = try_load("x\n1\n", "x: date = x dates %d/%m", Format::default()).unwrap_err();
    let reason = "it does not make a whole date".to_owned();
    assert_eq!(error, IngestError::BadDateFormat { column: 0, format: "%d/%m".to_owned(), reason });
}

#[test]
fn the_form_of_dates_is_told_by_the_dates() {
    let cases: [(&[&str], &str, &[&str]); 20] = [
        (&["01/02/2010", "13/02/2010"], "date format %d/%m/%Y", &["2010-02-01", "2010-02-13"]),
        (&["01/02/2010", "02/13/2010"], "date format %m/%d/%Y", &["2010-01-02", "2010-02-13"]),
        (
            &["12/1/2010 8:26", "12/13/2010 14:00"],
            "date format %m/%d/%Y %H:%M",
            &["2010-12-01 08:26:00", "2010-12-13 14:00:00"],
        ),
        (&["01/02/2010", "03/04/2010"], "date format? %d/%m/%Y", &["2010-02-01", "2010-04-03"]),
        (&["31.12.2010"], "date format %d.%m.%Y", &["2010-12-31"]),
        (&["31.12.10 23:59:01"], "date format %d.%m.%y %H:%M:%S", &["2010-12-31 23:59:01"]),
        (&["12-31-2010"], "date format %m-%d-%Y", &["2010-12-31"]),
        (&["2010/12/01"], "date format %Y/%m/%d", &["2010-12-01"]),
        (&["2010-1-5"], "date format %Y-%m-%d", &["2010-01-05"]),
        (&["01-Dec-2010"], "date format %d-%b-%Y", &["2010-12-01"]),
        (&["1 December 2010", "2 May 2010"], "date format %d %B %Y, %d %b %Y", &["2010-12-01", "2010-05-02"]),
        (&["Dec 1, 2010 8:26:00 pm"], "date format %b %d, %Y %I:%M:%S %p", &["2010-12-01 20:26:00"]),
        (&["01DEC2010"], "date format %d%b%Y", &["2010-12-01"]),
        (&["2010/12/01T08:26:07.25"], "date format %Y/%m/%dT%H:%M:%S%.f", &["2010-12-01 08:26:07.250"]),
        (&["13/02/2010 8:26AM"], "date format %d/%m/%Y %I:%M%p", &["2010-02-13 08:26:00"]),
        // All forms occur, the commoner one first; ISO dates are read beside them, and are last in what settles the column.
        (
            &["13/02/2010", "14/02/2010 09:00", "2010-02-15", "16/02/2010"],
            "date format %d/%m/%Y, %d/%m/%Y %H:%M, %Y-%m-%d",
            &["2010-02-13", "2010-02-14 09:00:00", "2010-02-15", "2010-02-16"],
        ),
        // They contradict each other: the majority wins, the others are refused.
        (&["13/02/2010", "02/14/2010", "15/02/2010"], "date format? %d/%m/%Y", &["2010-02-13", "2010-02-15"]),
        (&["13/14/2010"], "", &[]),
        (&["32/01/2010"], "", &[]),
        (&["Monday"], "", &[]),
    ];
    for (cells, format, expected) in cases {
        let loaded = load(column(cells), "x: datetime = x");
        assert_eq!(rows(&loaded), expected, "{cells:?}");
        let found = detections(&loaded.detected).into_iter().find(|found| found.starts_with("date format"));
        assert_eq!(found.unwrap_or_default(), format, "{cells:?}");
    }
}

#[test]
fn the_report_on_dates_gives_its_evidence_and_a_line_for_the_spec() {
    let report = |cells: &[&str]| {
        let loaded = load(column(cells).replacen('x', "Order Date", 1), "at: datetime = Order Date");
        let found = detection(&loaded, "date format").clone();
        (found.evidence, found.pin)
    };
    let pin = |format: &str| format!("at: datetime = \"Order Date\" dates \"{format}\"");
    assert_eq!(
        report(&["01/02/2010", "13/02/2010"]),
        ("a first part over 12 in 1 date (first `13/02/2010`, row 3), no second part".to_owned(), pin("%d/%m/%Y"))
    );
    assert_eq!(
        report(&["01/02/2010", "03/04/2010"]),
        ("a guess: no part is over 12 in any of 2 dates (first `01/02/2010`, row 2)".to_owned(), pin("%d/%m/%Y"))
    );
    assert_eq!(
        report(&["02/13/2010", "13/02/2010"]),
        (
            "contradicting: a first part over 12 in 1 date (first `13/02/2010`, row 3), a second part in 1 date (first \
             `02/13/2010`, row 2)"
                .to_owned(),
            pin("%d/%m/%Y")
        )
    );
}

/// The order of day and month shows on the 13th, which may come late: here after thirty thousand rows.
#[test]
fn evidence_for_dates_is_sought_as_far_as_needed() {
    let text =
        (0..30_000).fold("x\n".to_owned(), |text, n| text + &format!("12/{}/2010\n", n % 12 + 1)) + "12/13/2010\n";
    let loaded = load(&text, "x: date = x");
    assert_eq!(detections(&loaded.detected).last().map(String::as_str), Some("date format %m/%d/%Y"));
    assert_eq!((loaded.refused.len(), rows(&loaded)[1].as_str()), (0, "2010-12-02"));
}

#[test]
fn a_day_leaves_out_the_time_and_says_so() {
    let loaded = load(column(&["2010-12-01 08:26", "2010-12-02", "1969-12-31 23:00"]), "x: date = x");
    assert_eq!(rows(&loaded), ["2010-12-01", "2010-12-02", "1969-12-31"]);
    let found = detection(&loaded, "time of day");
    assert_eq!(found.evidence, "2 cells have one, such as `2010-12-01 08:26`");
    assert_eq!((found.pin.as_str(), found.certain), ("x: datetime = x", true));
    let plain = load(column(&["2010-12-01"]), "x: date = x");
    assert!(!plain.detected.iter().any(|found| found.what == "time of day"));
}

#[test]
fn a_row_is_refused_for_its_first_bad_cell_and_leaves_no_trace() {
    let text = "a,b,c\nx,1,2010-01-01\ny,?,never\nz,2,never\nx,3,2010-01-02\n";
    let loaded = load(text, "a: text = a; b: int = b; c: date = c");
    assert_eq!(rows(&loaded), ["x|1|2010-01-01", "x|3|2010-01-02"]);
    let reason = "not a date in a form that is known without `dates`";
    assert_eq!(refusals(&loaded), ["3 b `?`: not a number".to_owned(), format!("4 c `never`: {reason}")]);
    let Some(segc::table::ColumnData::Text(words)) = loaded.table.column("a") else { panic!("a text column") };
    assert_eq!(words.words.len(), 1, "words of refused rows are not in the dictionary");
}
