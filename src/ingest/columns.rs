//! The columns of a table while they are built: a row is staged cell by cell and then taken whole or not at all.

use std::borrow::Cow;

use super::cell::Cell;
use super::decimal::{self, Decimal, MAX_SCALE, Marks, Noted, Reason};
use super::times::{self, DAY, DateFormat, Epoch};
use super::words::Words;
use super::{ColumnRequest, Detection, Kind, headers, suspects};
use crate::table::{Cells, Column, ColumnData};
use crate::time::Unit;

/// What holds for the cells of a column.
pub(super) struct Rules {
    pub marks: Marks,
    /// Whether the decimal mark is stated, or whether what it is has been reported as a guess.
    pub mark_settled: bool,
    /// Words for a missing value, trimmed.
    pub missing: Vec<String>,
}

pub(super) struct Builder {
    index: usize,
    request: ColumnRequest,
    held: Held,
    noted: Noted,
    /// Cells of a column of text that are dates by their type, and how the first is shown.
    days: Option<(u64, String)>,
    /// Words among those that were refused which may stand for nothing, and how often each was met.
    nothing: Vec<(&'static str, u64)>,
    scratch: String,
}

const NO_YEAR: &str = "not a day of the years 1000 to 9999";

enum Held {
    Text(Words),
    Int {
        cells: Cells<i64>,
        staged: Option<i64>,
    },
    Number {
        cells: Cells<f64>,
        staged: Option<f64>,
    },
    Money(Money),
    Time(Times),
    Bool {
        cells: Cells<bool>,
        staged: Option<bool>,
    },
    /// Microseconds.
    Span {
        unit: Unit,
        cells: Cells<i64>,
        staged: Option<i64>,
    },
}

/// Decimals at one scale, which grows when a cell needs it.
#[derive(Default)]
struct Money {
    cells: Cells<i64>,
    staged: Option<Decimal>,
    scale: u8,
    /// The largest magnitude among the cells.
    largest: u64,
}

struct Times {
    cells: Cells<i64>,
    staged: Option<i64>,
    formats: Vec<DateFormat>,
    /// Whether the ISO forms are read too: unless the spec states formats.
    iso: bool,
    /// Whether only the day counts; then how many cells had a time of day, and the first of them.
    day: bool,
    cut: u64,
    first_cut: String,
    staged_cut: bool,
    /// Cells of workbooks that hold the number of a day and are not shown as one, and the first of them.
    serials: u64,
    first_serial: String,
    staged_serial: bool,
    /// The last text and what it meant, as rows of one invoice have one time.
    last: (String, i64),
}

impl Builder {
    /// `formats` are the request's, or those detected.
    pub fn new(index: usize, request: &ColumnRequest, formats: Vec<DateFormat>) -> Self {
        let held = match request.kind {
            Kind::Id | Kind::Text => Held::Text(Words::default()),
            Kind::Int => Held::Int { cells: Cells::default(), staged: None },
            Kind::Number | Kind::Share => Held::Number { cells: Cells::default(), staged: None },
            Kind::Money => Held::Money(Money::default()),
            Kind::Date | Kind::Datetime => Held::Time(Times {
                cells: Cells::default(),
                staged: None,
                formats,
                iso: request.dates.is_empty(),
                day: request.kind == Kind::Date,
                cut: 0,
                first_cut: String::new(),
                staged_cut: false,
                serials: 0,
                first_serial: String::new(),
                staged_serial: false,
                last: (String::new(), 0),
            }),
            Kind::Bool => Held::Bool { cells: Cells::default(), staged: None },
            Kind::Span(unit) => Held::Span { unit, cells: Cells::default(), staged: None },
        };
        Builder {
            index,
            request: request.clone(),
            held,
            noted: Noted::default(),
            days: None,
            nothing: Vec::new(),
            scratch: String::new(),
        }
    }

    /// Reads a cell without adding it yet.
    pub fn stage(&mut self, cell: Cell, epoch: Epoch, rules: &Rules) -> Result<(), Reason> {
        let Builder { request, held, noted, scratch, .. } = self;
        if let Cell::Error(_) = cell {
            return Err("an error value".into());
        }
        if cell == Cell::Uncomputed {
            return Err("a formula without its value: open the workbook in a spreadsheet program and save it".into());
        }
        if cell == Cell::Bytes {
            return Err("bytes that are no text".into());
        }
        if let Held::Text(_) = held {
            return Ok(());
        }
        if is_missing(cell, rules) {
            match held {
                Held::Text(_) => {}
                Held::Int { staged, .. } => *staged = None,
                Held::Number { staged, .. } => *staged = None,
                Held::Money(money) => money.staged = None,
                Held::Time(times) => times.staged = None,
                Held::Bool { staged, .. } => *staged = None,
                Held::Span { staged, .. } => *staged = None,
            }
            return Ok(());
        }
        match held {
            Held::Text(_) => {}
            Held::Int { staged, .. } => *staged = Some(whole(cell, rules, noted, scratch)?),
            Held::Number { staged, .. } => {
                *staged = Some(number(cell, request.kind == Kind::Share, rules, noted, scratch)?);
            }
            Held::Money(money) => money.staged = Some(money.fit(decimal(cell, rules, noted, scratch)?)?),
            Held::Time(times) => times.stage(cell, epoch, scratch)?,
            Held::Bool { staged, .. } => *staged = Some(truth(cell)?),
            Held::Span { unit, staged, .. } => {
                *staged = Some(span(number(cell, false, rules, noted, scratch)?, *unit)?);
            }
        }
        Ok(())
    }

    /// Looks at a cell that could not be staged.
    pub fn refuse(&mut self, cell: Cell) {
        let Cell::Text(text) = cell else { return };
        let Some(word) = suspects::word_for_nothing(text.trim()) else { return };
        match self.nothing.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => self.nothing.push((word, 1)),
        }
    }

    /// Adds the cell that was staged; for text, `cell` itself.
    pub fn commit(&mut self, cell: Cell, epoch: Epoch, rules: &Rules) {
        let Builder { request, held, days, scratch, .. } = self;
        match held {
            Held::Text(words) if is_missing(cell, rules) => words.push_missing(),
            Held::Text(words) => match cell {
                Cell::Text(text) if request.kind == Kind::Id => words.push(text.trim()),
                cell => {
                    let word = cell.shown(epoch, scratch);
                    words.push(word);
                    if let Cell::Date(_) = cell {
                        days.get_or_insert_with(|| (0, word.to_owned())).0 += 1;
                    }
                }
            },
            Held::Int { cells, staged } => cells.push(*staged),
            Held::Number { cells, staged } => cells.push(*staged),
            Held::Money(money) => money.commit(),
            Held::Time(times) => times.commit(),
            Held::Bool { cells, staged } => cells.push(*staged),
            Held::Span { cells, staged, .. } => cells.push(*staged),
        }
    }

    /// Makes room for a cell that the column does not get.
    pub fn reserve(&mut self, cell: Decimal) {
        if let Held::Money(money) = &mut self.held {
            money.reserve(cell);
        }
    }

    /// The finished column, and what a reader should know of it.
    pub fn finish(self, header: &str, rules: &Rules) -> (Column, Vec<Detection>) {
        let mut detected = Vec::new();
        let report = |what, value: String, evidence, pin, certain| Detection {
            what,
            column: Some(self.index),
            value,
            evidence,
            pin,
            certain,
        };
        if let (Some(thousands), None) = (&self.noted.thousands, rules.marks.thousands) {
            let evidence = format!("{} such as `{}`", cells(thousands.cells), thousands.example);
            // A blank stands for every kind of blank, most of which can't be told apart.
            let mark = if thousands.mark.is_whitespace() { ' ' } else { thousands.mark };
            let pin = format!("thousands \"{mark}\"");
            let certain = thousands.certain || rules.mark_settled;
            detected.push(report("thousands mark", mark.to_string(), evidence, pin, certain));
        }
        if let Some(currency) = &self.noted.currency {
            let evidence = "stands beside the amounts".to_owned();
            detected.push(report("currency sign", currency.clone(), evidence, String::new(), true));
        }
        if let Some(negative) = &self.noted.negative {
            let evidence = format!("{} such as `{}`", cells(negative.cells), negative.example);
            let value = "in brackets, or with the minus behind them".to_owned();
            detected.push(report("negative numbers", value, evidence, String::new(), true));
        }
        if let (Some((count, example)), Held::Text(words)) = (&self.days, &self.held)
            && *count < words.rows()
        {
            let evidence = format!("{} such as `{example}`", cells(*count));
            let value = "a spreadsheet may have made them of codes such as `3-4`".to_owned();
            detected.push(report("dates among other texts", value, evidence, String::new(), false));
        }
        for (word, count) in &self.nothing {
            let evidence = format!("{} with this word", cells(*count));
            let value = format!("`{word}` is no {}", self.request.kind.word());
            detected.push(report("missing value", value, evidence, suspects::missing(word), false));
        }
        let data = match self.held {
            Held::Text(words) => {
                let text = words.finish();
                detected.extend(suspects::look(self.index, &self.request, header, &text));
                ColumnData::Text(text)
            }
            Held::Int { cells, .. } => ColumnData::Int(cells),
            Held::Number { cells, .. } => ColumnData::Number(cells),
            Held::Money(money) => ColumnData::Decimal { cells: money.cells, scale: money.scale },
            Held::Time(times) => {
                if times.cut > 0 {
                    let evidence = format!("{} have one, such as `{}`", cells(times.cut), times.first_cut);
                    let request = ColumnRequest { kind: Kind::Datetime, ..self.request.clone() };
                    let pin = headers::line(&request, header);
                    detected.push(report("time of day", "left out".to_owned(), evidence, pin, true));
                }
                if times.serials > 0 {
                    let evidence = format!("{} such as `{}`", cells(times.serials), times.first_serial);
                    let value = "counted as days, as the workbook counts them".to_owned();
                    detected.push(report("numbers among the dates", value, evidence, String::new(), false));
                }
                ColumnData::Time(times.cells)
            }
            Held::Bool { cells, .. } => ColumnData::Bool(cells),
            Held::Span { cells, .. } => ColumnData::Time(cells),
        };
        (Column { name: self.request.name, data }, detected)
    }
}

impl Money {
    /// The decimal, if it and the cells before it have room at a common scale.
    fn fit(&self, decimal: Decimal) -> Result<Decimal, Reason> {
        let units = |magnitude: u64, from: u8, to: u8| {
            10_u64.checked_pow(u32::from(to - from)).and_then(|unit| magnitude.checked_mul(unit))
        };
        let scale = self.scale.max(decimal.scale);
        let fits = |units: Option<u64>| units.is_some_and(|units| units <= i64::MAX as u64);
        if !fits(units(decimal.mantissa.unsigned_abs(), decimal.scale, scale)) {
            return Err(format!("too large for an amount with {scale} decimals, as its column has").into());
        }
        if !fits(units(self.largest, self.scale, scale)) {
            return Err(format!("{scale} decimals, for which amounts above it in its column are too large").into());
        }
        Ok(decimal)
    }

    fn commit(&mut self) {
        let Some(decimal) = self.staged else { return self.cells.push(None) };
        let cell = self.reserve(decimal);
        self.cells.push(Some(cell));
    }

    /// The decimal, which fits, at the scale of the column, which grows for it.
    fn reserve(&mut self, Decimal { mantissa, scale }: Decimal) -> i64 {
        if scale > self.scale {
            let unit = 10_i64.pow(u32::from(scale - self.scale));
            self.cells.values.iter_mut().for_each(|cell| *cell *= unit);
            self.largest *= unit.unsigned_abs();
            self.scale = scale;
        }
        let cell = mantissa * 10_i64.pow(u32::from(self.scale - scale));
        self.largest = self.largest.max(cell.unsigned_abs());
        cell
    }
}

impl Times {
    fn stage(&mut self, cell: Cell, epoch: Epoch, scratch: &mut String) -> Result<(), Reason> {
        self.staged_serial = false;
        let moment = match cell {
            Cell::Text(text) => self.read(text.trim())?,
            Cell::Date(days) => times::from_serial(days, epoch).ok_or("not a day of the calendar")?,
            Cell::Time(micros) if times::YEARS.contains(&micros) => micros,
            Cell::Time(_) => return Err(NO_YEAR.into()),
            Cell::Number(_) | Cell::Code(..) | Cell::Exact(_) => {
                let serial = match cell {
                    Cell::Number(days) | Cell::Code(days, _) => times::from_serial(days, epoch),
                    _ => None,
                };
                let text = cell.shown(epoch, scratch);
                let stated = if self.iso { None } else { self.formats.iter().find_map(|format| format.parse(text)) };
                // 20101201 is beyond the last serial number, so that it can only be a date written as a number.
                self.staged_serial = stated.is_none() && serial.is_some();
                stated.or(serial).or_else(|| times::parse_iso(text).filter(|_| self.iso)).ok_or_else(
                    || match epoch {
                        Epoch::None => self.refusal(text),
                        _ => "neither a date nor the serial number of one".into(),
                    },
                )?
            }
            Cell::Bool(_) | Cell::Empty | Cell::Error(_) | Cell::Uncomputed | Cell::Bytes => {
                return Err("not a date".into());
            }
        };
        let midnight = moment.div_euclid(DAY) * DAY;
        self.staged_cut = self.day && moment != midnight;
        if self.staged_serial && self.serials == 0 {
            self.first_serial = cell.shown(epoch, scratch).trim().to_owned();
        }
        if self.staged_cut && self.cut == 0 {
            self.first_cut = cell.shown(epoch, scratch).trim().to_owned();
        }
        self.staged = Some(if self.day { midnight } else { moment });
        Ok(())
    }

    fn read(&mut self, text: &str) -> Result<i64, Reason> {
        if self.iso
            && let Some(moment) = times::parse_iso(text)
        {
            return Ok(moment);
        }
        if self.last.0 == text {
            return Ok(self.last.1);
        }
        let moment = self.formats.iter().find_map(|format| format.parse(text)).ok_or_else(|| self.refusal(text))?;
        self.last.0.clear();
        self.last.0.push_str(text);
        self.last.1 = moment;
        Ok(moment)
    }

    fn refusal(&self, text: &str) -> Reason {
        let forms: Vec<String> = self.formats.iter().map(|format| format!("`{}`", format.text)).collect();
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        if matches!(text, "infinity" | "-infinity") || text.ends_with(" BC") {
            NO_YEAR.into()
        } else if times::has_offset(text) {
            "has an offset from UTC; `dates \"%+\"` reads it as local time".into()
        } else if self.iso && times::looks_iso(text) {
            "no such day or time".into()
        } else if self.iso && digits && text.len() == 10 {
            "a number; if it counts seconds since 1970, `dates \"%s\"` reads it".into()
        } else if self.iso && digits && text.len() == 5 {
            "a number, perhaps of days as spreadsheets count them; export it as a date".into()
        } else if forms.is_empty() {
            "not a date in a form that is known without `dates`".into()
        } else {
            format!("not a date of the form {}", forms.join(" or ")).into()
        }
    }

    fn commit(&mut self) {
        self.cut += u64::from(self.staged.is_some() && self.staged_cut);
        self.serials += u64::from(self.staged.is_some() && self.staged_serial);
        self.cells.push(self.staged);
    }
}

pub(super) fn is_missing(cell: Cell, rules: &Rules) -> bool {
    match cell {
        Cell::Empty => true,
        // Most texts start with a letter or a digit, and then there is nothing to trim.
        Cell::Text(text) if text.as_bytes()[0].is_ascii_alphanumeric() && rules.missing.is_empty() => false,
        Cell::Text(text) => {
            let text = text.trim();
            text.is_empty() || rules.missing.iter().any(|word| word == text)
        }
        _ => false,
    }
}

pub(super) fn whole(cell: Cell, rules: &Rules, noted: &mut Noted, scratch: &mut String) -> Result<i64, Reason> {
    match cell {
        Cell::Text(text) => decimal::whole(decimal::plain(text, &rules.marks, false, noted, scratch)?),
        Cell::Exact(digits) => decimal::whole(digits),
        Cell::Number(number) if number.is_nan() => Err(no_number(cell)),
        // Beyond 2^53 a double skips whole numbers, so that the one meant is not known.
        Cell::Number(number) | Cell::Code(number, _) if number.abs() > 9_007_199_254_740_992.0 => {
            Err("too large".into())
        }
        Cell::Number(number) | Cell::Code(number, _) if number as i64 as f64 == number => Ok(number as i64),
        Cell::Number(_) | Cell::Code(..) => Err("not a whole number".into()),
        other => Err(no_number(other)),
    }
}

pub(super) fn number(
    cell: Cell,
    share: bool,
    rules: &Rules,
    noted: &mut Noted,
    scratch: &mut String,
) -> Result<f64, Reason> {
    match cell {
        Cell::Text(text) => {
            let trimmed = text.trim();
            let (text, percent) = match trimmed.strip_suffix('%') {
                Some(rest) if share => (rest.trim_end(), true),
                _ => (trimmed, false),
            };
            decimal::share(decimal::plain(text, &rules.marks, false, noted, scratch)?, percent)
        }
        Cell::Exact(digits) => decimal::number(digits),
        Cell::Number(number) if number.is_nan() => Err(no_number(cell)),
        Cell::Number(number) | Cell::Code(number, _) if number.is_finite() => Ok(number + 0.0),
        Cell::Number(_) | Cell::Code(..) => Err("too large".into()),
        other => Err(no_number(other)),
    }
}

/// Microseconds: 64 bits hold 292,000 years.
fn span(number: f64, unit: Unit) -> Result<i64, Reason> {
    let micros = (number * unit.micros() as f64).round();
    if micros.abs() < 9.2e18 { Ok(micros as i64) } else { Err("too large".into()) }
}

pub(super) fn decimal(cell: Cell, rules: &Rules, noted: &mut Noted, scratch: &mut String) -> Result<Decimal, Reason> {
    match cell {
        Cell::Text(text) => Ok(Decimal::parse(decimal::plain(text, &rules.marks, true, noted, scratch)?)?),
        Cell::Exact(digits) => Ok(Decimal::parse(digits)?),
        Cell::Number(number) if number.is_nan() => Err(no_number(cell)),
        Cell::Number(number) | Cell::Code(number, _) => match Decimal::of_double(number) {
            Some(decimal) => Ok(decimal),
            None if number.is_finite() => {
                scratch.clear();
                decimal::show(number, scratch);
                Ok(Decimal::parse(scratch)?)
            }
            None => Err("too large".into()),
        },
        other => Err(no_number(other)),
    }
}

pub(super) fn truth(cell: Cell) -> Result<bool, Reason> {
    match cell {
        Cell::Bool(yes) => Ok(yes),
        Cell::Number(1.0) | Cell::Code(1.0, _) | Cell::Exact("1") => Ok(true),
        Cell::Number(0.0) | Cell::Code(0.0, _) | Cell::Exact("0") => Ok(false),
        Cell::Text(text) => match text.trim().to_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "1" => Ok(true),
            "false" | "f" | "no" | "n" | "0" => Ok(false),
            _ => Err("neither yes nor no".into()),
        },
        _ => Err("neither yes nor no".into()),
    }
}

fn no_number(cell: Cell) -> Reason {
    Cow::Borrowed(match cell {
        // Excel makes dates of such as `3-4`; the number behind is not what was meant.
        Cell::Date(_) | Cell::Time(_) => "a date, not a number",
        _ => "not a number",
    })
}

fn cells(count: u64) -> String {
    if count == 1 { "1 cell".to_owned() } else { format!("{count} cells") }
}

// A scale beyond this would leave too little room in front of the point, and `Decimal` never has one.
const _: () = assert!(MAX_SCALE <= 9);
