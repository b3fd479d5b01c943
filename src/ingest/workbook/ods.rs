//! Workbooks of LibreOffice and others, by [OpenDocument 1.3, part 3]: one part has all sheets, one after the other.

use std::fs::File;

use super::grid::{Area, COLUMNS, ROWS, RowVisitor, Rows, Seen, Step, Trouble, Window};
use super::package::{self, Package};
use super::xml::{Tag, Token, XmlError};
use super::{Book, SheetEntry};
use crate::ingest::cell::{Value, error_named};
use crate::ingest::times::Epoch;

pub(super) struct Ods {
    package: Package,
    limit: u64,
    sheets: Vec<SheetEntry>,
}

const CONTENT: &str = "content.xml";
const MANIFEST: &str = "META-INF/manifest.xml";
/// The one part beside the manifest that a newer LibreOffice leaves of a workbook with a password.
const WHOLE: &str = "encrypted-package";

impl Ods {
    /// `limit` is the number of bytes that a part may unpack to.
    pub fn open(handle: File, limit: u64) -> Step<Ods> {
        let mut package = Package::open(handle, limit)?;
        if is_encrypted(&mut package) {
            return Err(Trouble::Encrypted);
        }
        let failed = |error| package::xml(error, limit);
        let (mut sheets, mut style, mut hiding) = (Vec::new(), String::new(), Vec::<String>::new());
        let mut depth = 0_u32;
        let mut xml = package.xml(CONTENT)?;
        while let Some(token) = xml.next().map_err(failed)? {
            match token {
                Token::Open(tag) => match tag.name {
                    b"style" => style = tag.text("name").map_err(failed)?.unwrap_or_default(),
                    b"table-properties" if tag.attribute("display") == Some(b"false") => hiding.push(style.clone()),
                    b"table" => {
                        if depth == 0 {
                            let text = |name: &str| tag.text(name).map(Option::unwrap_or_default).map_err(failed);
                            let hidden = hiding.contains(&text("style-name")?);
                            sheets.push(SheetEntry { name: text("name")?, hidden });
                        }
                        depth += u32::from(!tag.empty);
                    }
                    _ => {}
                },
                Token::Close(b"table") => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        drop(xml);
        Ok(Ods { package, limit, sheets })
    }
}

impl Book for Ods {
    fn sheets(&self) -> &[SheetEntry] {
        &self.sheets
    }

    /// Dates are written out, not counted from a day.
    fn epoch(&self) -> Epoch {
        Epoch::Y1900
    }

    fn read(&mut self, sheet: usize, window: &Window, seen: &mut Seen, visit: &mut RowVisitor) -> Step<()> {
        let limit = self.limit;
        let failed = |error: XmlError| package::xml(error, limit);
        let mut xml = self.package.xml(CONTENT)?;
        let mut rows = Rows::new(window);
        // Sheets that were met, and how deep tables lie within tables.
        let (mut met, mut depth) = (0, 0_u32);
        let (mut row, mut column, mut repeated, mut columns) = (0_u32, 0_u32, 1_u32, 0_u32);
        let mut cell: Option<OpenCell> = None;
        let mut content = String::new();
        while let Some(token) = xml.next().map_err(failed)? {
            let mine = met == sheet + 1 && depth == 1;
            match token {
                Token::Open(tag) if tag.name == b"table" && cell.is_none() => {
                    met += usize::from(depth == 0);
                    depth += u32::from(!tag.empty);
                }
                Token::Close(b"table") if cell.is_none() => {
                    if mine {
                        return Ok(());
                    }
                    depth = depth.saturating_sub(1);
                }
                _ if !mine => {}
                Token::Open(tag) => match (&mut cell, tag.name) {
                    (None, b"table-column") => {
                        let count = times(&tag, "number-columns-repeated");
                        let last = columns.saturating_add(count - 1);
                        if tag.attribute("visibility").is_some_and(|v| v != b"visible") && columns < COLUMNS {
                            seen.hidden_columns.push((columns, last));
                        }
                        columns = last.saturating_add(1);
                    }
                    (None, b"table-row") => {
                        (column, repeated) = (0, times(&tag, "number-rows-repeated"));
                        if tag.attribute("visibility").is_some_and(|v| v != b"visible") {
                            rows.hide();
                        }
                        if tag.empty {
                            row = row.saturating_add(repeated);
                        }
                    }
                    (None, b"table-cell" | b"covered-table-cell") => {
                        let open = OpenCell::new(&tag, row, column).map_err(failed)?;
                        seen.merged(open.spans(&tag))?;
                        content.clear();
                        if tag.empty {
                            column = open.close(&content, &mut rows, seen)?;
                        } else {
                            cell = Some(open);
                        }
                    }
                    (Some(cell), name) => cell.open(name, &tag, &mut content),
                    _ => {}
                },
                Token::Text(text) => {
                    if cell.as_ref().is_some_and(|cell| cell.paragraph) {
                        text.append(&mut content).map_err(failed)?;
                    }
                }
                Token::Close(b"table-cell" | b"covered-table-cell") if cell.as_ref().is_some_and(|c| c.depth == 0) => {
                    let open = cell.take().expect("it was just looked at");
                    column = open.close(&content, &mut rows, seen)?;
                }
                Token::Close(b"table-row") if cell.is_none() => {
                    if !rows.is_empty() {
                        for nth in 0..repeated {
                            if nth > 0 {
                                rows.repeat(seen)?;
                            }
                            if rows.show(seen, visit)?.is_break() {
                                return Ok(());
                            }
                        }
                    }
                    rows.clear();
                    row = row.saturating_add(repeated);
                }
                Token::Close(_) => {
                    if let Some(cell) = &mut cell {
                        cell.leave();
                    }
                }
            }
        }
        Err(Trouble::Damaged("the sheet is cut off".to_owned(), Some(u64::from(row) + 1)))
    }
}

/// Whether the manifest has a key to be made of a password for what the workbook holds. What it does not say clearly is
/// left to those who read the parts.
fn is_encrypted(package: &mut Package) -> bool {
    let Ok(mut xml) = package.xml(MANIFEST) else { return false };
    let mut of_content = false;
    while let Ok(Some(token)) = xml.next() {
        match token {
            Token::Open(tag) if tag.name == b"file-entry" => {
                let path = tag.text("full-path").ok().flatten();
                of_content = path.is_some_and(|path| [CONTENT, WHOLE].contains(&path.as_str()));
            }
            Token::Open(tag) if tag.name == b"encryption-data" && of_content => return true,
            _ => {}
        }
    }
    false
}

struct OpenCell {
    row: u32,
    column: u32,
    repeated: u32,
    kind: String,
    value: Option<String>,
    formula: bool,
    /// Elements that are open within the cell; its own text is in paragraphs right below it, not in notes or shapes.
    depth: u32,
    paragraph: bool,
    paragraphs: u32,
}

impl OpenCell {
    fn new(tag: &Tag, row: u32, column: u32) -> Result<OpenCell, XmlError> {
        let mut cell = OpenCell {
            row,
            column,
            repeated: times(tag, "number-columns-repeated"),
            kind: String::new(),
            value: None,
            formula: tag.attribute("formula").is_some(),
            depth: 0,
            paragraph: false,
            paragraphs: 0,
        };
        // Two attributes have this name, and the one of LibreOffice tells errors from texts.
        for (name, value) in tag.attributes() {
            if name == b"value-type" && cell.kind != "error" {
                cell.kind = String::from_utf8_lossy(value).into_owned();
            }
        }
        let attribute = match cell.kind.as_str() {
            "float" | "currency" | "percentage" => "value",
            "date" => "date-value",
            "time" => "time-value",
            "boolean" => "boolean-value",
            _ => "string-value",
        };
        cell.value = tag.text(attribute)?;
        Ok(cell)
    }

    /// The cells that are merged with this one.
    fn spans(&self, tag: &Tag) -> Option<Area> {
        let (wide, high) = (times(tag, "number-columns-spanned"), times(tag, "number-rows-spanned"));
        let rows = (self.row, self.row.saturating_add(high - 1));
        let columns = (self.column, self.column.saturating_add(wide - 1));
        (wide > 1 || high > 1).then_some(Area { rows, columns })
    }

    fn open(&mut self, name: &[u8], tag: &Tag, content: &mut String) {
        if self.paragraph {
            match name {
                b"s" => content.extend(std::iter::repeat_n(' ', times(tag, "c").min(1 << 15) as usize)),
                b"tab" => content.push('\t'),
                b"line-break" => content.push('\n'),
                _ => {}
            }
        } else if self.depth == 0 && name == b"p" && !tag.empty {
            if self.paragraphs > 0 {
                content.push('\n');
            }
            (self.paragraph, self.paragraphs) = (true, self.paragraphs + 1);
        }
        self.depth += u32::from(!tag.empty);
    }

    fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.paragraph &= self.depth > 0;
    }

    /// Puts the cell into its row as often as it stands there. Returns the column after it.
    fn close(self, content: &str, rows: &mut Rows, seen: &mut Seen) -> Step<u32> {
        let after = self.column.saturating_add(self.repeated);
        let text = self.value.as_deref().unwrap_or(content);
        let value = match self.kind.as_str() {
            "float" | "currency" | "percentage" => match self.value.as_deref().map(|value| value.trim().parse::<f64>())
            {
                Some(Ok(number)) => match leading_zeros(number, content) {
                    Some(digits) => Value::Code(number, digits),
                    None => Value::Number(number),
                },
                _ => {
                    let reason = format!("`{}` stands for a number", self.value.as_deref().unwrap_or_default());
                    return Err(Trouble::Damaged(reason, Some(u64::from(self.row) + 1)));
                }
            },
            "boolean" => Value::Bool(text == "true"),
            "error" => Value::Error(error_named(content.trim())),
            "" | "void" if self.formula && content.is_empty() => Value::Uncomputed,
            "time" => days(text).map_or_else(|| rows.text(text), Value::Number),
            "date" => rows.text(text),
            _ => rows.text(if content.is_empty() { text } else { content }),
        };
        if value != Value::Empty && self.row >= ROWS {
            return Err(Trouble::Damaged("a cell lies outside the grid".to_owned(), Some(u64::from(self.row) + 1)));
        }
        if value != Value::Empty {
            // One cell too many is enough to be told that it lies outside the grid.
            for column in self.column..after.min(COLUMNS + 1) {
                rows.put(self.row, column, value, seen)?;
            }
        }
        Ok(after)
    }
}

/// The digits of a code whose zeros are only shown.
fn leading_zeros(number: f64, shown: &str) -> Option<u8> {
    let is_code = shown.len() > 1 && shown.starts_with('0') && shown.bytes().all(|byte| byte.is_ascii_digit());
    (is_code && shown.parse() == Ok(number)).then(|| u8::try_from(shown.len()).ok()).flatten()
}

/// A span of time such as `PT36H30M00S` in days, as other spreadsheets count it.
fn days(span: &str) -> Option<f64> {
    let (negative, span) = span.strip_prefix('-').map_or((false, span), |span| (true, span));
    let (mut rest, mut seconds) = (span.strip_prefix("PT")?, 0.0);
    for (unit, length) in [('H', 3600.0), ('M', 60.0), ('S', 1.0)] {
        if let Some((count, after)) = rest.split_once(unit) {
            seconds += count.parse::<f64>().ok().filter(|count| count.is_finite())? * length;
            rest = after;
        }
    }
    rest.is_empty().then_some(if negative { -seconds } else { seconds } / 86_400.0)
}

/// An attribute that says how often something stands there, once where it is absent.
fn times(tag: &Tag, attribute: &str) -> u32 {
    tag.number(attribute).unwrap_or(1).max(1)
}
