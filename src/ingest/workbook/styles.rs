//! Which numbers of a workbook are shown as dates, spans of time or codes: its number formats say so.

use super::grid::Step;
use super::package::{self, Package};
use super::xml::Token;
use crate::ingest::cell::Value;

/// What a number stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Date,
    /// Shown with so many digits, by leading zeros.
    Code(u8),
}

#[derive(Default)]
pub(super) struct Styles {
    /// Of cells, by their number.
    cells: Vec<Style>,
}

impl Style {
    pub fn value<'a>(self, number: f64) -> Value<'a> {
        match self {
            Style::Plain => Value::Number(number),
            Style::Date => Value::Date(number),
            Style::Code(digits) => Value::Code(number, digits),
        }
    }

    /// Of the formats that are numbered, not written out [ECMA-376, part 1, 18.8.30]. Spans of time count in days, as
    /// other numbers do.
    pub fn built_in(id: u32) -> Style {
        match id {
            14..=22 | 27..=36 | 45 | 47 | 50..=58 => Style::Date,
            _ => Style::Plain,
        }
    }

    /// Of a format such as `yyyy-mm-dd` or `00000`, by the first of its sections.
    pub fn of_format(format: &str) -> Style {
        if !format.is_empty() && format.len() < 32 && format.bytes().all(|byte| byte == b'0') {
            return if format.len() > 1 { Style::Code(format.len() as u8) } else { Style::Plain };
        }
        let mut chars = format.chars();
        while let Some(c) = chars.next() {
            match c {
                // The character behind these is meant as it is.
                '\\' | '_' | '*' => drop(chars.next()),
                '"' => drop(chars.find(|c| *c == '"')),
                '[' => {
                    let inside: String = chars.by_ref().take_while(|c| *c != ']').collect();
                    let first = inside.chars().next().map(|c| c.to_ascii_lowercase());
                    // `[h]:mm` counts the hours of a span.
                    if matches!(first, Some('h' | 'm' | 's'))
                        && inside.chars().all(|c| Some(c.to_ascii_lowercase()) == first)
                    {
                        return Style::Plain;
                    }
                }
                ';' => return Style::Plain,
                'd' | 'm' | 'y' | 'h' | 's' | 'D' | 'M' | 'Y' | 'H' | 'S' => return Style::Date,
                _ => {}
            }
        }
        Style::Plain
    }
}

impl Styles {
    pub fn new(cells: Vec<Style>) -> Styles {
        Styles { cells }
    }

    pub fn get(&self, index: u32) -> Style {
        self.cells.get(index as usize).copied().unwrap_or(Style::Plain)
    }

    /// From the part of an XLSX workbook, which may be absent.
    pub fn of_xml(package: &mut Package, part: &str, limit: u64) -> Step<Styles> {
        let mut styles = Styles::default();
        if !package.has(part) {
            return Ok(styles);
        }
        let failed = |error| package::xml(error, limit);
        let (mut formats, mut of_cells) = (Vec::<(u32, Style)>::new(), false);
        let mut xml = package.xml(part)?;
        while let Some(token) = xml.next().map_err(failed)? {
            match token {
                Token::Open(tag) => match tag.name {
                    b"numFmt" => {
                        if let (Some(id), Some(format)) =
                            (tag.number("numFmtId"), tag.text("formatCode").map_err(failed)?)
                        {
                            formats.push((id, Style::of_format(&format)));
                        }
                    }
                    b"cellXfs" => of_cells = !tag.empty,
                    b"xf" if of_cells => {
                        let id = tag.number("numFmtId").unwrap_or(0);
                        let written = formats.iter().find(|(known, _)| *known == id).map(|(_, style)| *style);
                        styles.cells.push(written.unwrap_or_else(|| Style::built_in(id)));
                    }
                    _ => {}
                },
                Token::Close(b"cellXfs") => of_cells = false,
                _ => {}
            }
        }
        Ok(styles)
    }
}
