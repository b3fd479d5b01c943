//! `segments.xlsx`, for people who live in Excel: the segments side by side, what the columns mean, a sheet of customers
//! for each segment with the columns of `segments.csv`, and where it all comes from.

use std::borrow::Cow;
use std::fs::File;
use std::path::Path;

use crate::build::Built;
use crate::list::{Cell, Column, Kind, List, Source};
use crate::outcome::Outcome;
use crate::report::{numbers, swatch};
use crate::spreadsheet::{self, ARROW, Book, BookError, Heading, Sheet, Style, Value, fitting, serial_day};
use crate::time::{iso, iso_date};

/// Customers on one sheet, below its heading.
pub const MOST_ROWS: usize = spreadsheet::ROWS as usize - 1;

/// Headings of sheets that are about no segment.
const DARK: (u32, u32) = (0x14161a, 0xffffff);
/// Widths of columns, in characters.
const NARROWEST: usize = 10;
const WIDEST: usize = 48;
/// Rows that decide how wide a column is.
const SAMPLE: usize = 2_000;

/// Why a list can't be put into a workbook, if it can't.
pub fn misfit(list: &List) -> Option<String> {
    let (columns, most) = (list.columns.len(), spreadsheet::COLUMNS);
    if columns > most {
        return Some(format!("the list has {columns} columns, a sheet has room for {most}"));
    }
    let too_long = |text: &str| text.len() > spreadsheet::TEXT && text.encode_utf16().count() > spreadsheet::TEXT;
    let texts = list.columns.iter().filter(|column| column.kind == Kind::Text);
    let mut cells = texts.flat_map(|column| (0..list.height()).map(move |row| (row, column)));
    let (row, column) = cells.find(|(row, column)| match list.cell(*row, column) {
        Cell::Text(text) => too_long(text),
        _ => false,
    })?;
    let place = match (column.source, list.cell(row, &list.columns[0])) {
        (Source::Feature(_), Cell::Text(customer)) => format!("`{}` of customer `{customer}`", column.heading),
        _ => format!("a cell of the column `{}`", column.heading),
    };
    Some(format!("{place} has more than {} characters, the most that a cell can hold", spreadsheet::TEXT))
}

/// Writes the workbook to `file`; cells wait in temporary files in `folder`. A segment goes on in a further sheet after
/// `most_rows` customers.
pub fn write(
    built: &Built,
    list: &List,
    build: &str,
    file: File,
    folder: &Path,
    most_rows: usize,
) -> Result<(), BookError> {
    let formats: Vec<String> = list.columns.iter().map(|column| format(list, column, built)).collect();
    let mut book = Book::new(folder)?;
    segments(&mut book, built, list, &formats)?;
    columns(&mut book, built, list)?;
    customers(&mut book, built, list, &formats, most_rows)?;
    about(&mut book, &built.outcome, build)?;
    book.save(file)
}

/// Every segment in a row, everybody in the last.
fn segments(book: &mut Book, built: &Built, list: &List, formats: &[String]) -> Result<(), BookError> {
    let outcome = &built.outcome;
    let currency = outcome.currency.as_deref();
    let money = money_format(currency.unwrap_or(""));
    let mut table = Table::default();
    table.text("Segment", outcome.segments.iter().map(|s| Some(s.label.as_str())).chain([Some("Everybody")]));
    let all = [(outcome.customers as f64, 1.0)];
    let counts = || outcome.segments.iter().map(|s| (s.customers as f64, s.share)).chain(all);
    table.numbers("Customers", "#,##0", counts().map(|(n, _)| Some(n)));
    table.numbers("Share of customers", "0.0%", counts().map(|(_, share)| Some(share)));
    if let Some(amount) = &outcome.amount {
        let heading = currency.map_or("Amount".to_owned(), |code| format!("Amount ({code})"));
        let amounts = outcome.segments.iter().map(|s| s.amount.as_ref()).chain([Some(amount)]);
        table.numbers(&heading, &money, amounts.map(|a| a.and_then(|a| numbers::approximate(a))));
        table.numbers("Share of amount", "0.0%", outcome.segments.iter().map(|s| s.amount_share).chain([Some(1.0)]));
    }
    let features = list.columns.iter().zip(formats).filter(|(column, _)| matches!(column.source, Source::Feature(_)));
    for (feature, (column, format)) in outcome.features.iter().zip(features) {
        let Some(stats) = &feature.stats else { continue };
        let medians = outcome.segments.iter().map(|s| s.profile.get(&feature.name).map(|p| p.stats.p50));
        let medians: Vec<Option<f64>> = medians.chain([Some(stats.p50)]).collect();
        // Between two whole numbers lies a half.
        let halves = format == "#,##0" && medians.iter().flatten().any(|x| x.fract() != 0.0);
        table.numbers(&format!("Median {}", column.heading), if halves { "#,##0.0" } else { format }, medians);
    }
    let notes = [
        ("Action", outcome.segments.iter().map(|s| s.action.as_deref()).collect::<Vec<_>>()),
        ("Description", outcome.segments.iter().map(|s| s.description.as_deref()).collect()),
        ("Rule", outcome.segments.iter().map(|s| Some(s.rule.as_str())).collect()),
    ];
    for (heading, notes) in notes.into_iter().filter(|(_, notes)| notes.iter().any(Option::is_some)) {
        table.text(heading, notes.into_iter().chain([None]));
    }
    let mut sheet = book.sheet("Segments")?;
    let last = outcome.segments.len();
    table.write(&mut sheet, last as u32, |style, row, column| match (row, column) {
        (row, 0) if row < last => {
            let colors = swatch(&outcome.segments, row);
            style.filled(colors.fill, colors.ink).bold()
        }
        (row, _) if row == last => style.bold().ruled(),
        _ => style,
    })
}

/// What each column of the customer sheets is.
fn columns(book: &mut Book, built: &Built, list: &List) -> Result<(), BookError> {
    let outcome = &built.outcome;
    let mut table = Table::default();
    table.text("Column", list.columns.iter().map(|column| Some(&*column.heading)));
    let features: Vec<_> = list
        .columns
        .iter()
        .map(|column| match column.source {
            Source::Feature(feature) => outcome.features.iter().find(|summary| summary.name == feature.name),
            _ => None,
        })
        .collect();
    let meaning = |column: &Column| match column.source {
        Source::Customer => "the id of the customer",
        Source::Segment => "the label of the segment that the customer is in",
        Source::Cluster => "the number of the cluster, from 0; empty for those who are in none",
        Source::Strength(_) if column.heading == "responsibility" => {
            "how surely the customer belongs to the group by the mixture: 100 % if to no other"
        }
        Source::Strength(_) if column.kind == Kind::Share => {
            "how many of the resamples put the customer into the group again: the larger, the surer"
        }
        Source::Strength(_) => {
            "the silhouette: 1 in the middle of the group, 0 at its border, below 0 nearer to another"
        }
        Source::Rule => "the rule that gave the segment: its number in the spec and its condition",
        Source::Feature(_) => match column.kind {
            Kind::Text => "a text, empty where there is none",
            Kind::Whole => "a whole number",
            Kind::Number => "a number",
            Kind::Money => "an amount of money",
            Kind::Share => "a share, 100 % is all",
            Kind::Days => "a time span in days",
            Kind::Date => "a day",
            Kind::Time => "a day and time",
            Kind::Bool => "true or false",
        },
    };
    table.text("What it is", list.columns.iter().map(|column| Some(meaning(column))));
    table.text("As the spec computes it", features.iter().map(|f| f.map(|f| f.formula.as_str())));
    table.numbers("Customers without a value", "#,##0", features.iter().map(|f| f.map(|f| f.missing as f64)));
    let rows = list.columns.len() as u32;
    table.write(&mut book.sheet("Columns")?, rows, |style, _, _| style)
}

/// The customers of each segment, in the order of ids.
fn customers(
    book: &mut Book,
    built: &Built,
    list: &List,
    formats: &[String],
    most_rows: usize,
) -> Result<(), BookError> {
    let segments = &built.outcome.segments;
    let heading = |(column, format): (&Column, &String)| Heading {
        text: column.heading.to_string(),
        width: width(list, column, format),
        right: is_right(column.kind),
    };
    let headings: Vec<Heading> = list.columns.iter().zip(formats).map(heading).collect();
    let style = |(column, format): (&Column, &String)| match column.kind {
        Kind::Text => Style::text(),
        _ => Style::number(format),
    };
    let styles: Vec<Style> = list.columns.iter().zip(formats).map(style).collect();
    for (index, segment) in segments.iter().enumerate() {
        let members: Vec<usize> = (0..list.height()).filter(|row| list.segment(*row) == segment.label).collect();
        let colors = swatch(segments, index);
        let head = Style::text().filled(colors.fill, colors.ink).bold();
        for (part, members) in members.chunks(most_rows).enumerate() {
            let name = match part {
                0 => segment.label.clone(),
                part => format!("{} part {}", segment.label.chars().take(20).collect::<String>(), part + 1),
            };
            let mut sheet = book.sheet(&name)?;
            sheet.tab(colors.fill);
            sheet.table(&headings, &head, members.len() as u32)?;
            for (at, row) in (1..).zip(members) {
                for (nth, (column, style)) in (0..).zip(list.columns.iter().zip(&styles)) {
                    write_cell(&mut sheet, at, nth, list.cell(*row, column), style)?;
                }
            }
        }
    }
    Ok(())
}

fn write_cell(sheet: &mut Sheet, row: u32, column: u16, cell: Cell, style: &Style) -> Result<(), BookError> {
    // Before 1900 and after 9999 Excel has no days.
    let mut moment = |micros, shown: fn(i64) -> String| match serial_day(micros) {
        Some(day) => sheet.write(row, column, Value::Number(day), style),
        None => sheet.write(row, column, Value::Text(&shown(micros)), &Style::text()),
    };
    let value = match cell {
        Cell::Missing => return Ok(()),
        Cell::Date(micros) => return moment(micros, iso_date),
        Cell::Time(micros) => return moment(micros, iso),
        Cell::Text(text) => Value::Text(text),
        Cell::Whole(n) => Value::Number(n as f64),
        Cell::Number(x) => Value::Number(x),
        Cell::Bool(b) => Value::Bool(b),
    };
    sheet.write(row, column, value, style)
}

/// Where the list comes from.
fn about(book: &mut Book, outcome: &Outcome, build: &str) -> Result<(), BookError> {
    let mut facts: Vec<(&str, String)> = vec![
        ("Segmentation", outcome.name.clone()),
        ("Title", outcome.title.clone().unwrap_or_default()),
        ("As of", outcome.as_of.clone().unwrap_or_default()),
        ("First purchase", outcome.period.as_ref().map_or(String::new(), |period| period.first.clone())),
        ("Last purchase", outcome.period.as_ref().map_or(String::new(), |period| period.last.clone())),
        ("Customers", outcome.customers.to_string()),
        ("Rows read", outcome.rows.read.to_string()),
        ("Rows used", outcome.rows.used.to_string()),
        ("Amount", outcome.amount.clone().unwrap_or_default()),
        ("Currency", outcome.currency.clone().unwrap_or_default()),
        ("Spec", format!("{}, SHA-256 {}", outcome.spec.file, outcome.spec.sha256)),
    ];
    facts.extend(outcome.inputs.iter().map(|i| ("Data", format!("{}, SHA-256 {}", i.name, i.sha256))));
    facts.extend([("Build", build.to_owned()), ("Made by", format!("segc {}", outcome.segc))]);
    facts.retain(|(_, text)| !text.is_empty());
    let mut table = Table::default();
    table.text("About this list", facts.iter().map(|(name, _)| Some(*name)));
    table.text("", facts.iter().map(|(_, text)| Some(text.as_str())));
    table.write(&mut book.sheet("About")?, facts.len() as u32, |style, _, _| style)
}

/// A small table, column by column.
#[derive(Default)]
struct Table<'a> {
    columns: Vec<TableColumn<'a>>,
}

struct TableColumn<'a> {
    heading: String,
    style: Style,
    right: bool,
    width: usize,
    cells: Vec<Filling<'a>>,
}

enum Filling<'a> {
    Nothing,
    Text(Cow<'a, str>),
    Number(f64),
}

impl<'a> Table<'a> {
    fn text(&mut self, heading: &str, cells: impl IntoIterator<Item = Option<&'a str>>) {
        let cells: Vec<_> = cells.into_iter().map(|c| c.map_or(Filling::Nothing, |c| Filling::Text(cut(c)))).collect();
        let widest = |cell: &Filling| if let Filling::Text(text) = cell { text.chars().count() } else { 0 };
        let width = cells.iter().map(widest).max().unwrap_or(0) + 2;
        self.columns.push(TableColumn {
            heading: heading.to_owned(),
            style: Style::text().wrapped(),
            right: false,
            width,
            cells,
        });
    }

    fn numbers(&mut self, heading: &str, format: &str, cells: impl IntoIterator<Item = Option<f64>>) {
        let cells: Vec<_> = cells.into_iter().map(|c| c.map_or(Filling::Nothing, Filling::Number)).collect();
        let widest = |cell: &Filling| if let Filling::Number(x) = cell { digits(*x, format) } else { 0 };
        let width = cells.iter().map(widest).max().unwrap_or(0) + 1;
        let style = Style::number(format).top();
        self.columns.push(TableColumn { heading: heading.to_owned(), style, right: true, width, cells });
    }

    /// Writes the table, of which the first `filtered` rows can be filtered; `restyle` may change the look of a cell.
    fn write(
        self,
        sheet: &mut Sheet,
        filtered: u32,
        restyle: impl Fn(Style, usize, usize) -> Style,
    ) -> Result<(), BookError> {
        let heading = |column: &TableColumn| Heading {
            text: column.heading.clone(),
            width: column_width(&column.heading, column.width),
            right: column.right,
        };
        let headings: Vec<Heading> = self.columns.iter().map(heading).collect();
        sheet.table(&headings, &Style::text().filled(DARK.0, DARK.1).bold().wrapped(), filtered)?;
        let height = self.columns.iter().map(|c| c.cells.len()).max().unwrap_or(0);
        for row in 0..height {
            for (nth, column) in self.columns.iter().enumerate() {
                let style = restyle(column.style.clone(), row, nth);
                let value = match &column.cells[row] {
                    Filling::Nothing => Value::Nothing,
                    Filling::Text(text) => Value::Text(text),
                    Filling::Number(x) => Value::Number(*x),
                };
                sheet.write(row as u32 + 1, nth as u16, value, &style)?;
            }
        }
        Ok(())
    }
}

/// Whether Excel puts such cells on the right.
fn is_right(kind: Kind) -> bool {
    !matches!(kind, Kind::Text | Kind::Bool)
}

/// The number format of a column; how many decimals it shows depends on all of its values.
fn format(list: &List, column: &Column, built: &Built) -> String {
    let numbers = || {
        (0..list.height()).filter_map(|row| match list.cell(row, column) {
            Cell::Number(x) => Some(x),
            _ => None,
        })
    };
    let whole = || numbers().all(|x| x.fract() == 0.0);
    match column.kind {
        Kind::Text => "@".into(),
        Kind::Whole => "#,##0".into(),
        Kind::Money => money_format(built.outcome.currency.as_deref().unwrap_or("")),
        Kind::Share => "0.0%".into(),
        Kind::Days if whole() => "#,##0".into(),
        Kind::Days => "#,##0.0".into(),
        Kind::Date => "yyyy-mm-dd".into(),
        Kind::Time => {
            let seconds = |row| matches!(list.cell(row, column), Cell::Time(at) if at.rem_euclid(60_000_000) != 0);
            if (0..list.height()).any(seconds) { "yyyy-mm-dd hh:mm:ss" } else { "yyyy-mm-dd hh:mm" }.into()
        }
        Kind::Bool => "General".into(),
        Kind::Number if whole() => "#,##0".into(),
        Kind::Number => match numbers().fold(0.0, |most: f64, x| most.max(x.abs())) {
            most if most >= 1_000.0 => "#,##0.0",
            most if most >= 1.0 => "#,##0.00",
            most if most >= 0.01 => "0.0000",
            _ => "General",
        }
        .into(),
    }
}

/// With the sign or the code of the currency and as many decimals as it has (ISO 4217).
fn money_format(currency: &str) -> String {
    let amount = match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI" | "VND"
        | "VUV" | "XAF" | "XOF" | "XPF" => "#,##0",
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => "#,##0.000",
        "CLF" | "UYW" => "#,##0.0000",
        _ => "#,##0.00",
    };
    match numbers::sign(currency) {
        sign if sign.is_empty() => amount.to_owned(),
        sign => format!("\"{sign}\"{amount};-\"{sign}\"{amount}"),
    }
}

/// Characters of a number as a format shows it, roughly.
fn digits(x: f64, format: &str) -> usize {
    let positive = format.split(';').next().unwrap_or("");
    let x = if positive.ends_with('%') { 100.0 * x } else { x };
    let whole = x.abs().max(1.0).log10() as usize + 1;
    let rest = positive.chars().filter(|c| !matches!(c, '#' | ',' | '"')).count();
    whole + whole.saturating_sub(1) / 3 + rest
}

/// The width of a column of customers.
fn width(list: &List, column: &Column, format: &str) -> f64 {
    let shown = |row: usize| match list.cell(row, column) {
        Cell::Missing => 0,
        Cell::Text(text) => text.chars().count(),
        Cell::Whole(n) => digits(n as f64, format),
        Cell::Number(x) => digits(x, format),
        Cell::Bool(_) => 5,
        Cell::Date(_) | Cell::Time(_) => format.len(),
    };
    let widest = (0..list.height().min(SAMPLE)).map(shown).max().unwrap_or(0);
    column_width("", widest.max(column.heading.chars().count() + ARROW) + 1)
}

/// Wide enough for the cells and for the longest word of the heading with the arrow of the filter.
fn column_width(heading: &str, cells: usize) -> f64 {
    let word = heading.split(' ').map(|word| word.chars().count() + ARROW + 1).max().unwrap_or(0);
    cells.max(word).clamp(NARROWEST, WIDEST) as f64
}

/// As much of a text of the spec as a cell can hold; all of it is in the report.
fn cut(text: &str) -> Cow<'_, str> {
    if text.len() <= spreadsheet::TEXT {
        return text.into();
    }
    format!("{}…", fitting(text, spreadsheet::TEXT - 1)).into()
}
