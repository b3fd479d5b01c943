//! Which byte separates the fields of a text file: told by the spec, or found out from its first records.

use std::fmt;
use std::str::FromStr;

use super::headers;
use super::records::{Field, Syntax};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delimiter {
    Byte(u8),
    /// Runs of blanks and tabs; those at the start and the end of a line mean nothing.
    Whitespace,
}

/// As a spec has it: one ASCII character, `tab`, or `whitespace`.
impl FromStr for Delimiter {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.as_bytes() {
            b"tab" | b"\\t" => Ok(Delimiter::Byte(b'\t')),
            b"whitespace" => Ok(Delimiter::Whitespace),
            [byte] if byte.is_ascii() && !byte.is_ascii_alphanumeric() && !b"\"\r\n".contains(byte) => {
                Ok(Delimiter::Byte(*byte))
            }
            _ => Err(()),
        }
    }
}

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Delimiter::Byte(b'\t') => f.write_str("tab"),
            Delimiter::Byte(byte) => write!(f, "{}", char::from(*byte)),
            Delimiter::Whitespace => f.write_str("whitespace"),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Guess {
    pub delimiter: Delimiter,
    pub evidence: String,
    pub certain: bool,
}

/// Records looked at.
const RECORDS: usize = 500;

/// The delimiter under which the header has the most of the columns that are wanted and most records have as many
/// fields as it.
///
/// Counting outside quotes and against the header tells `;` from the decimal commas between. Of several that agree,
/// the one with more columns wins, then the commoner one.
pub(super) fn detect(sample: &[u8], ended: bool, wanted: &[&str]) -> Guess {
    let candidates = || [b',', b';', b'\t', b'|'].into_iter().map(Delimiter::Byte).chain([Delimiter::Whitespace]);
    let mut censuses: Vec<Census> =
        candidates().map(|delimiter| Census::take(delimiter, sample, ended, wanted)).collect();
    if !censuses.iter().any(Census::fits) {
        censuses.iter_mut().for_each(Census::look_below_titles);
    }
    let (whitespace, bytes) = censuses.split_last().expect("the list above is not empty");
    let mut best: Option<&Census> = None;
    for census in bytes.iter().filter(|census| census.fits()) {
        if best.is_none_or(|best| census.better_than(best)) {
            best = Some(census);
        }
    }
    let best = match best {
        Some(best) if whitespace.fits() && whitespace.named > best.named => Some(whitespace),
        None => Some(whitespace).filter(|census| census.fits()),
        best => best,
    };
    let Some(best) = best else {
        return Guess {
            delimiter: Delimiter::Byte(b','),
            evidence: "every record has one field".to_owned(),
            certain: censuses.iter().all(|census| census.width() <= 1),
        };
    };
    let (agreeing, records) = best.agreement();
    let rivals = bytes.iter().filter(|census| census.fits() && census.agrees()).count();
    let which = if best.header == 0 { "first" } else { "next" };
    let below = if best.header == 0 { String::new() } else { format!(", below {} others", best.header) };
    Guess {
        delimiter: best.delimiter,
        evidence: format!("{agreeing} of the {which} {records} records have {} fields{below}", best.width()),
        // Names that are found are beyond doubt. Two words in every line may also be one column of names.
        certain: (wanted.len() > 1 && best.named == wanted.len())
            || (best.agrees() && rivals <= 1 && (best.delimiter != Delimiter::Whitespace || best.width() > 2)),
    }
}

/// How the records come out under one delimiter.
struct Census {
    delimiter: Delimiter,
    /// Fields of each record.
    widths: Vec<usize>,
    /// The record that is taken for the header, and how many of the wanted columns it names.
    header: usize,
    named: usize,
}

impl Census {
    fn take(delimiter: Delimiter, mut sample: &[u8], ended: bool, wanted: &[&str]) -> Census {
        let syntax = Syntax::new(delimiter);
        let (mut fields, mut census) = (Vec::new(), Census { delimiter, widths: Vec::new(), header: 0, named: 0 });
        while census.widths.len() < RECORDS && !sample.is_empty() {
            let Some(found) = syntax.split(sample, ended, &mut fields) else { break };
            let record = sample;
            sample = &sample[found.used()..];
            if found.blank {
                continue;
            }
            if census.widths.len() <= headers::MOST_TITLES {
                let cell = |field: &Field| String::from_utf8_lossy(&record[field.start as usize..field.end as usize]);
                let cells: Vec<String> = fields.iter().map(|field| cell(field).trim().to_owned()).collect();
                let named = headers::named(&cells, wanted);
                if named > census.named {
                    (census.header, census.named) = (census.widths.len(), named);
                }
            }
            census.widths.push(fields.len());
        }
        census
    }

    /// Takes the first of the commonest records that have several fields for the header, if titles stand above it.
    fn look_below_titles(&mut self) {
        let count = |width: usize| self.widths.iter().filter(|other| **other == width).count();
        let commonest =
            self.widths.iter().copied().filter(|width| *width > 2).max_by_key(|width| (count(*width), *width));
        let first = self.widths.iter().position(|width| Some(*width) == commonest);
        self.header = first.filter(|first| *first <= headers::MOST_TITLES).unwrap_or(0);
    }

    fn width(&self) -> usize {
        self.widths.get(self.header).copied().unwrap_or(0)
    }

    /// Records from the header on that have as many fields as it, of how many.
    fn agreement(&self) -> (usize, usize) {
        let rows = &self.widths[self.header.min(self.widths.len())..];
        (rows.iter().filter(|width| **width == self.width()).count(), rows.len())
    }

    fn agrees(&self) -> bool {
        let (agreeing, records) = self.agreement();
        agreeing == records
    }

    fn fits(&self) -> bool {
        let (agreeing, records) = self.agreement();
        self.width() >= 2 && 2 * agreeing > records
    }

    fn better_than(&self, other: &Census) -> bool {
        let (ours, theirs) = (self.agreement(), other.agreement());
        let shares = (ours.0 * theirs.1, theirs.0 * ours.1);
        (self.named, shares.0, self.width()) > (other.named, shares.1, other.width())
    }
}
