//! Workbooks of Excel since 2007, by [ECMA-376, part 1, SpreadsheetML]: read part by part, cell after cell.

use std::fs::File;

use super::grid::{Area, RowVisitor, Rows, Seen, Step, Trouble, Window, reference};
use super::package::{self, Package};
use super::styles::{Style, Styles};
use super::texts::Texts;
use super::xml::{Token, Xml};
use super::{Book, SheetEntry};
use crate::ingest::Limits;
use crate::ingest::cell::{Value, error_named};
use crate::ingest::error::Budget;
use crate::ingest::times::Epoch;

pub(super) struct Xlsx {
    package: Package,
    limit: u64,
    sheets: Vec<SheetEntry>,
    /// The part of each sheet.
    parts: Vec<String>,
    epoch: Epoch,
    styles: Styles,
    texts: Texts,
}

impl Xlsx {
    /// `limit` is the number of bytes that a part may unpack to.
    pub fn open(handle: File, limit: u64, limits: &Limits) -> Step<Xlsx> {
        let mut package = Package::open(handle, limit)?;
        let start = package.relations("")?.into_iter().find(|relation| relation.kind == "officeDocument");
        let workbook = start.map_or("xl/workbook.xml".to_owned(), |relation| relation.target);
        let relations = package.relations(&workbook)?;
        let part = |kind: &str, name: &str| {
            let stated = relations.iter().find(|relation| relation.kind == kind);
            let usual = || format!("{}{name}", &workbook[..workbook.rfind('/').map_or(0, |slash| slash + 1)]);
            stated.map_or_else(usual, |relation| relation.target.clone())
        };
        let (mut sheets, mut parts, mut epoch) = (Vec::new(), Vec::new(), Epoch::Y1900);
        let mut xml = package.xml(&workbook)?;
        while let Some(token) = xml.next().map_err(|error| package::xml(error, limit))? {
            let Token::Open(tag) = token else { continue };
            match tag.name {
                b"workbookPr" if tag.flag("date1904") => epoch = Epoch::Y1904,
                b"sheet" => {
                    let text = |name: &str| {
                        tag.text(name).map(Option::unwrap_or_default).map_err(|error| package::xml(error, limit))
                    };
                    let (name, id) = (text("name")?, text("id")?);
                    let hidden = matches!(tag.attribute("state"), Some(b"hidden" | b"veryHidden"));
                    let Some(relation) = relations.iter().find(|relation| relation.id == id) else {
                        return Err(Trouble::damaged(format!("its sheet `{name}` has no part")));
                    };
                    // Sheets of charts and dialogues have no cells.
                    if matches!(relation.kind.as_str(), "worksheet" | "") {
                        sheets.push(SheetEntry { name, hidden });
                        parts.push(relation.target.clone());
                    }
                }
                _ => {}
            }
        }
        drop(xml);
        let styles = Styles::of_xml(&mut package, &part("styles", "styles.xml"), limit)?;
        let texts = part("sharedStrings", "sharedStrings.xml");
        let texts = match package.has(&texts) {
            true => shared_texts(&mut package, &texts, limits.shared_strings.min(limit))?,
            false => Texts::default(),
        };
        Ok(Xlsx { package, limit, sheets, parts, epoch, styles, texts })
    }
}

impl Book for Xlsx {
    fn sheets(&self) -> &[SheetEntry] {
        &self.sheets
    }

    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn read(&mut self, sheet: usize, window: &Window, seen: &mut Seen, visit: &mut RowVisitor) -> Step<()> {
        let mut xml = self.package.xml(&self.parts[sheet])?;
        let mut reader = SheetReader {
            styles: &self.styles,
            texts: &self.texts,
            rows: Rows::new(window),
            seen,
            row: 0,
            column: 0,
            cell: None,
            content: String::new(),
            collecting: false,
            phonetic: false,
        };
        reader.run(&mut xml, self.limit, visit).map_err(|trouble| match trouble {
            Trouble::Damaged(reason, None) if reader.row > 0 => Trouble::Damaged(reason, Some(u64::from(reader.row))),
            other => other,
        })
    }
}

struct SheetReader<'a, 'w, 's> {
    styles: &'a Styles,
    texts: &'a Texts,
    rows: Rows<'a, 'w>,
    seen: &'s mut Seen,
    /// The number of the row at hand, from 1, and of the next column, from 0.
    row: u32,
    column: u32,
    cell: Option<OpenCell>,
    /// What stands in the cell at hand.
    content: String,
    collecting: bool,
    phonetic: bool,
}

struct OpenCell {
    row: u32,
    column: u32,
    kind: CellKind,
    style: Style,
    formula: bool,
    /// Whether there is an element for the value, if only an empty one.
    value: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum CellKind {
    Number,
    Shared,
    Text,
    Bool,
    Error,
}

/// Where in the part the reader is.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Before,
    Columns,
    Cells,
    After,
}

impl SheetReader<'_, '_, '_> {
    fn run(&mut self, xml: &mut Xml<impl std::io::Read>, limit: u64, visit: &mut RowVisitor) -> Step<()> {
        let mut place = Place::Before;
        loop {
            let token = xml.next().map_err(|error| package::xml(error, limit))?;
            match (place, token) {
                (Place::After, None) => return Ok(()),
                (_, None) => return Err(Trouble::damaged("the sheet is cut off")),
                (Place::Cells, Some(Token::Text(text))) if self.collecting => {
                    text.append(&mut self.content).map_err(|error| package::xml(error, limit))?;
                }
                (_, Some(Token::Text(_))) => {}
                (Place::Cells, Some(Token::Open(tag))) => match tag.name {
                    b"row" => {
                        self.row = match tag.attribute("r") {
                            Some(number) => whole(number).filter(|row| *row > 0).ok_or_else(odd_reference)?,
                            None => self.row + 1,
                        };
                        self.column = 0;
                        if tag.flag("hidden") {
                            self.rows.hide();
                        }
                        if tag.empty {
                            self.rows.clear();
                        }
                    }
                    b"c" => {
                        self.open_cell(tag.attributes())?;
                        if tag.empty {
                            self.cell = None;
                        }
                    }
                    b"f" => self.cell.iter_mut().for_each(|cell| cell.formula = true),
                    b"v" | b"t" => {
                        self.collecting = self.cell.is_some() && !tag.empty && !self.phonetic;
                        self.cell.iter_mut().for_each(|cell| cell.value = true);
                    }
                    b"rPh" => self.phonetic = !tag.empty,
                    _ => {}
                },
                (Place::Cells, Some(Token::Close(name))) => match name {
                    b"v" | b"t" => self.collecting = false,
                    b"rPh" => self.phonetic = false,
                    b"c" => self.close_cell()?,
                    b"row" => {
                        let flow = self.rows.show(self.seen, visit)?;
                        self.rows.clear();
                        if flow.is_break() {
                            return Ok(());
                        }
                    }
                    b"sheetData" if self.cell.is_some() || !self.rows.is_empty() => {
                        return Err(Trouble::damaged("tags are not closed"));
                    }
                    b"sheetData" => place = Place::After,
                    _ => {}
                },
                (_, Some(Token::Open(tag))) => match (place, tag.name) {
                    (_, b"dimension") => {
                        let area = tag.attribute("ref").and_then(Area::parse);
                        self.seen.rows = area.map(|area| u64::from(area.rows.1) + 1);
                    }
                    (Place::Before, b"cols") if !tag.empty => place = Place::Columns,
                    (Place::Columns, b"col") if tag.flag("hidden") => {
                        if let (Some(first), Some(last)) = (tag.number("min"), tag.number("max")) {
                            self.seen.hidden_columns.push((first.saturating_sub(1), last.saturating_sub(1)));
                        }
                    }
                    (Place::Before, b"sheetData") => place = if tag.empty { Place::After } else { Place::Cells },
                    (Place::After, b"mergeCell") => self.seen.merged(tag.attribute("ref").and_then(Area::parse))?,
                    _ => {}
                },
                (Place::Columns, Some(Token::Close(b"cols"))) => place = Place::Before,
                (_, Some(Token::Close(_))) => {}
            }
        }
    }

    fn open_cell<'x>(&mut self, attributes: impl Iterator<Item = (&'x [u8], &'x [u8])>) -> Step<()> {
        let mut cell = OpenCell {
            row: self.row.saturating_sub(1),
            column: self.column,
            kind: CellKind::Number,
            style: Style::Plain,
            formula: false,
            value: false,
        };
        for (name, value) in attributes {
            match name {
                b"r" => {
                    let (Some(row), Some(column)) = reference(value).ok_or_else(odd_reference)? else {
                        return Err(odd_reference());
                    };
                    (cell.row, cell.column) = (row, column);
                }
                b"s" => cell.style = whole(value).map_or(Style::Plain, |style| self.styles.get(style)),
                b"t" => {
                    cell.kind = match value {
                        b"s" => CellKind::Shared,
                        b"str" | b"inlineStr" | b"d" => CellKind::Text,
                        b"b" => CellKind::Bool,
                        b"e" => CellKind::Error,
                        _ => CellKind::Number,
                    }
                }
                _ => {}
            }
        }
        (self.row, self.column) = (cell.row.saturating_add(1), cell.column.saturating_add(1));
        self.content.clear();
        self.cell = Some(cell);
        Ok(())
    }

    fn close_cell(&mut self) -> Step<()> {
        let Some(cell) = self.cell.take() else { return Ok(()) };
        self.collecting = false;
        let content = self.content.as_str();
        let value = match cell.kind {
            // A formula that gives an empty text has an empty value, one that was never computed has none.
            CellKind::Text if content.is_empty() && cell.formula && !cell.value => Value::Uncomputed,
            CellKind::Text => {
                Texts::unescape(&mut self.content, 0);
                self.rows.text(&self.content)
            }
            _ if content.trim_ascii().is_empty() => {
                if cell.formula {
                    Value::Uncomputed
                } else {
                    Value::Empty
                }
            }
            CellKind::Number => {
                let number = number(content.trim_ascii());
                let number = number.ok_or_else(|| Trouble::damaged(format!("`{content}` stands for a number")))?;
                cell.style.value(number)
            }
            CellKind::Shared => {
                let text = whole(content.trim_ascii().as_bytes()).and_then(|index| self.texts.get(index));
                let text = text.ok_or_else(|| Trouble::damaged("a cell points to a text that is not there"))?;
                if text.is_empty() { Value::Empty } else { Value::Shared(text) }
            }
            CellKind::Bool => Value::Bool(matches!(content.trim_ascii(), "1" | "true")),
            CellKind::Error => Value::Error(error_named(content.trim_ascii())),
        };
        self.rows.put(cell.row, cell.column, value, self.seen)
    }
}

fn odd_reference() -> Trouble {
    Trouble::damaged("a reference to a cell can't be understood")
}

fn whole(digits: &[u8]) -> Option<u32> {
    std::str::from_utf8(digits).ok()?.trim().parse().ok()
}

fn number(text: &str) -> Option<f64> {
    // Most are whole numbers, and short.
    let digits = text.as_bytes();
    if digits.len() <= 9 && digits.iter().all(u8::is_ascii_digit) {
        return Some(f64::from(digits.iter().fold(0_u32, |number, digit| number * 10 + u32::from(digit - b'0'))));
    }
    // `parse` would also take words such as `inf`.
    let plain = digits.iter().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(byte));
    text.parse().ok().filter(|_| plain)
}

/// The texts that cells share, in at most `limit` bytes of XML.
fn shared_texts(package: &mut Package, part: &str, limit: u64) -> Step<Texts> {
    let mut xml = package.xml_within(part, limit)?;
    let (mut texts, mut collecting, mut phonetic) = (Texts::default(), false, false);
    let failed = |error| match package::xml(error, limit) {
        Trouble::TooLarge(_, limit, at) => Trouble::TooLarge(Budget::SharedStrings, limit, at),
        other => other,
    };
    while let Some(token) = xml.next().map_err(failed)? {
        match token {
            Token::Open(tag) => match tag.name {
                b"si" if tag.empty => texts.end(),
                // How a text is read aloud is no part of it.
                b"rPh" => phonetic = !tag.empty,
                b"t" => collecting = !tag.empty && !phonetic,
                _ => {}
            },
            Token::Text(text) if collecting => text.append(texts.last()).map_err(failed)?,
            Token::Text(_) => {}
            Token::Close(b"t") => collecting = false,
            Token::Close(b"rPh") => phonetic = false,
            Token::Close(b"si") => texts.end(),
            Token::Close(_) => {}
        }
    }
    Ok(texts)
}
