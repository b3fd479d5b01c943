//! Workbooks of Excel in their binary form, by [MS-XLSB]: the parts of XLSX as records, each a number for its kind, a
//! length and so many bytes.

use std::fs::File;
use std::io::{self, Read};

use super::grid::{Area, RowVisitor, Rows, Seen, Step, Trouble, Window};
use super::package::{self, Package};
use super::styles::{Style, Styles};
use super::texts::Texts;
use super::{Book, SheetEntry};
use crate::ingest::Limits;
use crate::ingest::cell::{Value, error_coded};
use crate::ingest::error::Budget;
use crate::ingest::times::Epoch;

pub(super) struct Xlsb {
    package: Package,
    limit: u64,
    sheets: Vec<SheetEntry>,
    /// The part of each sheet.
    parts: Vec<String>,
    epoch: Epoch,
    styles: Styles,
    texts: Texts,
}

// Kinds of records, by their names in the standard.
const ROW_HEADER: u32 = 0;
const CELL_RK: u32 = 2;
const CELL_ERROR: u32 = 3;
const CELL_BOOL: u32 = 4;
const CELL_REAL: u32 = 5;
const CELL_TEXT: u32 = 6;
const CELL_SHARED: u32 = 7;
const FORMULA_TEXT: u32 = 8;
const FORMULA_NUMBER: u32 = 9;
const FORMULA_BOOL: u32 = 10;
const FORMULA_ERROR: u32 = 11;
const SHARED_TEXT: u32 = 19;
const FORMAT: u32 = 44;
const CELL_STYLE: u32 = 47;
const COLUMN_INFO: u32 = 60;
const CELL_RICH_TEXT: u32 = 62;
const BEGIN_CELLS: u32 = 145;
const END_CELLS: u32 = 146;
const DIMENSION: u32 = 148;
const WORKBOOK_PROPERTIES: u32 = 153;
const BUNDLED_SHEET: u32 = 156;
const MERGED: u32 = 176;
const BEGIN_CELL_STYLES: u32 = 617;
const END_CELL_STYLES: u32 = 618;

/// Bytes of one record.
const LONGEST: usize = 16 << 20;

impl Xlsb {
    /// `limit` is the number of bytes that a part may unpack to.
    pub fn open(handle: File, limit: u64, limits: &Limits) -> Step<Xlsb> {
        let mut package = Package::open(handle, limit)?;
        let start = package.relations("")?.into_iter().find(|relation| relation.kind == "officeDocument");
        let workbook = start.map_or("xl/workbook.bin".to_owned(), |relation| relation.target);
        let relations = package.relations(&workbook)?;
        let part = |kind: &str, name: &str| {
            let stated = relations.iter().find(|relation| relation.kind == kind);
            let usual = || format!("{}{name}", &workbook[..workbook.rfind('/').map_or(0, |slash| slash + 1)]);
            stated.map_or_else(usual, |relation| relation.target.clone())
        };
        let (mut sheets, mut parts, mut epoch) = (Vec::new(), Vec::new(), Epoch::Y1900);
        let mut records = Records::new(package.bytes(&workbook, limit)?, limit);
        while let Some((kind, data)) = records.next()? {
            match kind {
                WORKBOOK_PROPERTIES if word(data, 0)? & 1 == 1 => epoch = Epoch::Y1904,
                BUNDLED_SHEET => {
                    let (id, end) = wide(data, 8)?;
                    let (name, _) = wide(data, end)?;
                    let Some(relation) = relations.iter().find(|relation| relation.id == id) else {
                        return Err(Trouble::damaged(format!("its sheet `{name}` has no part")));
                    };
                    if matches!(relation.kind.as_str(), "worksheet" | "") {
                        sheets.push(SheetEntry { name, hidden: word(data, 0)? != 0 });
                        parts.push(relation.target.clone());
                    }
                }
                _ => {}
            }
        }
        drop(records);
        let styles = part("styles", "styles.bin");
        let styles = if package.has(&styles) { read_styles(&mut package, &styles, limit)? } else { Styles::default() };
        let texts = part("sharedStrings", "sharedStrings.bin");
        let texts = match package.has(&texts) {
            true => shared_texts(&mut package, &texts, limits.shared_strings.min(limit))?,
            false => Texts::default(),
        };
        Ok(Xlsb { package, limit, sheets, parts, epoch, styles, texts })
    }
}

impl Book for Xlsb {
    fn sheets(&self) -> &[SheetEntry] {
        &self.sheets
    }

    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn read(&mut self, sheet: usize, window: &Window, seen: &mut Seen, visit: &mut RowVisitor) -> Step<()> {
        let mut records = Records::new(self.package.bytes(&self.parts[sheet], self.limit)?, self.limit);
        let (mut rows, mut row, mut inside, mut ended) = (Rows::new(window), 0, false, false);
        let at = |trouble: Trouble, row: u32| match trouble {
            Trouble::Damaged(reason, None) => Trouble::Damaged(reason, Some(u64::from(row) + 1)),
            other => other,
        };
        while let Some((kind, data)) = records.next().map_err(|trouble| at(trouble, row))? {
            match kind {
                DIMENSION => seen.rows = Some(u64::from(word(data, 4)?) + 1),
                COLUMN_INFO if !inside && half(data, 16)? & 1 == 1 => {
                    seen.hidden_columns.push((word(data, 0)?, word(data, 4)?));
                }
                BEGIN_CELLS => inside = true,
                END_CELLS | ROW_HEADER if inside => {
                    let flow = rows.show(seen, visit)?;
                    rows.clear();
                    if flow.is_break() {
                        return Ok(());
                    }
                    if kind == END_CELLS {
                        (inside, ended) = (false, true);
                        continue;
                    }
                    row = word(data, 0)?;
                    // The flag of a height of zero.
                    if half(data, 10)? & 1 << 12 != 0 {
                        rows.hide();
                    }
                }
                MERGED if ended => {
                    let area = (word(data, 0)?, word(data, 4)?, word(data, 8)?, word(data, 12)?);
                    seen.merged(Some(Area { rows: (area.0, area.1), columns: (area.2, area.3) }))?;
                }
                CELL_RK..=FORMULA_ERROR | CELL_RICH_TEXT if inside => {
                    let value = cell(kind, data, &self.styles, &self.texts, &mut rows);
                    let value = value.map_err(|trouble| at(trouble, row))?;
                    rows.put(row, word(data, 0)?, value, seen)?;
                }
                _ => {}
            }
        }
        if ended { Ok(()) } else { Err(at(Trouble::damaged("the sheet is cut off"), row)) }
    }
}

/// What a cell holds, from the bytes behind its column and its style.
fn cell<'a>(kind: u32, data: &[u8], styles: &Styles, texts: &'a Texts, rows: &mut Rows<'a, '_>) -> Step<Value<'a>> {
    let style = styles.get(word(data, 4)? & 0x00FF_FFFF);
    Ok(match kind {
        CELL_RK => {
            let bits = word(data, 8)?;
            // The upper thirty bits are a whole number or those of a double; the last one says that it is in hundredths.
            let number = match bits & 2 {
                0 => f64::from_bits(u64::from(bits & !3) << 32),
                _ => f64::from(bits as i32 >> 2),
            };
            style.value(if bits & 1 == 1 { number / 100.0 } else { number })
        }
        CELL_REAL | FORMULA_NUMBER => {
            let bytes = data.get(8..16).and_then(|bytes| bytes.try_into().ok()).ok_or_else(cut)?;
            style.value(f64::from_le_bytes(bytes))
        }
        CELL_ERROR | FORMULA_ERROR => Value::Error(error_coded(*data.get(8).ok_or_else(cut)?)),
        CELL_BOOL | FORMULA_BOOL => Value::Bool(*data.get(8).ok_or_else(cut)? != 0),
        CELL_SHARED => {
            let text = texts.get(word(data, 8)?);
            let text = text.ok_or_else(|| Trouble::damaged("a cell points to a text that is not there"))?;
            if text.is_empty() { Value::Empty } else { Value::Shared(text) }
        }
        // Rich text has a byte of flags before it and its formats after it.
        CELL_RICH_TEXT => rows.text(&wide(data, 9)?.0),
        CELL_TEXT | FORMULA_TEXT => rows.text(&wide(data, 8)?.0),
        _ => Value::Empty,
    })
}

fn read_styles(package: &mut Package, part: &str, limit: u64) -> Step<Styles> {
    let mut records = Records::new(package.bytes(part, limit)?, limit);
    let (mut formats, mut cells, mut of_cells) = (Vec::<(u32, Style)>::new(), Vec::new(), false);
    while let Some((kind, data)) = records.next()? {
        match kind {
            FORMAT => formats.push((half(data, 0)?.into(), Style::of_format(&wide(data, 2)?.0))),
            BEGIN_CELL_STYLES => of_cells = true,
            END_CELL_STYLES => of_cells = false,
            CELL_STYLE if of_cells => {
                let id = half(data, 2)?.into();
                let written = formats.iter().find(|(known, _)| *known == id).map(|(_, style)| *style);
                cells.push(written.unwrap_or_else(|| Style::built_in(id)));
            }
            _ => {}
        }
    }
    Ok(Styles::new(cells))
}

fn shared_texts(package: &mut Package, part: &str, limit: u64) -> Step<Texts> {
    let mut records = Records::new(package.bytes(part, limit)?, limit);
    let mut texts = Texts::default();
    let failed = |trouble| match trouble {
        Trouble::TooLarge(_, limit, at) => Trouble::TooLarge(Budget::SharedStrings, limit, at),
        other => other,
    };
    while let Some((kind, data)) = records.next().map_err(failed)? {
        if kind == SHARED_TEXT {
            texts.last().push_str(&wide(data, 1)?.0);
            texts.end();
        }
    }
    Ok(texts)
}

/// The records of a part.
struct Records<R> {
    bytes: R,
    data: Vec<u8>,
    limit: u64,
}

impl<R: Read> Records<R> {
    fn new(bytes: R, limit: u64) -> Self {
        Records { bytes, data: Vec::new(), limit }
    }

    /// The kind of the next record and what is in it.
    fn next(&mut self) -> Step<Option<(u32, &[u8])>> {
        let Some(first) = self.byte()? else { return Ok(None) };
        // The upper bit says that another byte follows.
        let kind = match first & 0x80 {
            0 => u32::from(first),
            _ => u32::from(first & 0x7F) | u32::from(self.byte()?.ok_or_else(cut)?) << 7,
        };
        let mut length = 0;
        for place in 0..4 {
            let byte = self.byte()?.ok_or_else(cut)?;
            length |= usize::from(byte & 0x7F) << (7 * place);
            if byte & 0x80 == 0 {
                break;
            }
        }
        if length > LONGEST {
            return Err(Trouble::damaged("a record has no end"));
        }
        self.data.clear();
        let read = (&mut self.bytes).take(length as u64).read_to_end(&mut self.data);
        let read = read.map_err(|error| package::io(&error, self.limit))?;
        if read < length { Err(cut()) } else { Ok(Some((kind, &self.data))) }
    }

    fn byte(&mut self) -> Step<Option<u8>> {
        let mut byte = [0];
        loop {
            return match self.bytes.read(&mut byte) {
                Ok(0) => Ok(None),
                Ok(_) => Ok(Some(byte[0])),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(package::io(&error, self.limit)),
            };
        }
    }
}

fn word(data: &[u8], at: usize) -> Step<u32> {
    let bytes = data.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
    bytes.map(u32::from_le_bytes).ok_or_else(cut)
}

fn half(data: &[u8], at: usize) -> Step<u16> {
    let bytes = data.get(at..at + 2).and_then(|bytes| bytes.try_into().ok());
    bytes.map(u16::from_le_bytes).ok_or_else(cut)
}

/// A text in UTF-16 behind the number of its units, and where it ends.
fn wide(data: &[u8], at: usize) -> Step<(String, usize)> {
    let length = word(data, at)?;
    // What stands for no text at all.
    if length == u32::MAX {
        return Ok((String::new(), at + 4));
    }
    let end = (length as usize).checked_mul(2).and_then(|bytes| bytes.checked_add(at + 4)).ok_or_else(cut)?;
    let units = data.get(at + 4..end).ok_or_else(cut)?.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair));
    let text: Result<String, _> = char::decode_utf16(units).collect();
    Ok((text.map_err(|_| Trouble::damaged("it has bytes that are no text"))?, end))
}

fn cut() -> Trouble {
    Trouble::damaged("a record is cut off")
}
