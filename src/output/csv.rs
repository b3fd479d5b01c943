//! CSV for people and CRMs: the list of customers, and the rows that were refused.

use crate::build::SourceRead;
use crate::list::{Cell, List};
use crate::time::{iso, iso_date};

/// Texts as they go into a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Texts {
    /// For people: what a spreadsheet would run as a formula gets an apostrophe in front.
    Harmless,
    /// For machines: as they are.
    Raw,
}

/// The list of customers.
pub fn customers(list: &List, texts: Texts) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(vec![]);
    write(&mut writer, list.columns.iter().map(|column| column.heading.to_string()));
    for row in 0..list.height() {
        write(&mut writer, list.columns.iter().map(|column| texts.cell(list.cell(row, column))));
    }
    writer.into_inner().expect("writing to memory does not fail")
}

/// Every row that could not be read: where, what was found, and why it was refused.
pub fn rejects(sources: &[SourceRead], texts: Texts) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(vec![]);
    write(&mut writer, ["file", "row", "column", "value", "reason"].map(str::to_owned));
    for source in sources {
        for refusal in &source.refused {
            let column = refusal.column.map_or("", |i| source.columns[i].as_str());
            let cells = [&refusal.file, column, &refusal.value, &refusal.reason].map(|text| texts.text(text));
            let [file, column, value, reason] = cells;
            write(&mut writer, [file, refusal.row.to_string(), column, value, reason]);
        }
    }
    writer.into_inner().expect("writing to memory does not fail")
}

impl Texts {
    pub(crate) fn cell(self, cell: Cell) -> String {
        match cell {
            Cell::Missing => String::new(),
            Cell::Text(text) => self.text(text),
            Cell::Whole(n) => n.to_string(),
            Cell::Number(x) => x.to_string(),
            Cell::Date(micros) => iso_date(micros),
            Cell::Time(micros) => iso(micros),
            Cell::Bool(b) => b.to_string(),
        }
    }

    pub(crate) fn text(self, text: &str) -> String {
        if self == Texts::Harmless && runs(text) { format!("'{text}") } else { text.to_owned() }
    }
}

/// The text that [`Texts::Harmless`] was given.
pub(crate) fn as_it_was(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|text| runs(text)).unwrap_or(cell)
}

/// Whether a spreadsheet may take a text for a formula: by its first character (OWASP, CSV Injection; ASVS 1.2.10), also
/// in full width, or by the one behind blanks and quotes, which some programs skip.
fn runs(text: &str) -> bool {
    let control = |c: char| matches!(c, '\t' | '\r' | '\n' | '\0');
    let skipped =
        |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
    let inside = text.trim_start_matches(skipped);
    text.starts_with(control) || inside.starts_with(['=', '+', '-', '@', '|', '＝', '＋', '－', '＠'])
}

pub(crate) fn write(writer: &mut csv::Writer<Vec<u8>>, record: impl IntoIterator<Item = String>) {
    writer.write_record(record.into_iter().map(String::into_bytes)).expect("records of one file have one length");
}
