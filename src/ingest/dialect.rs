//! Which byte separates the fields of a text file: told by the spec, or found out from its first records.

use std::fmt;
use std::str::FromStr;

use super::records::Syntax;

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

/// The delimiter under which most records of `sample` have as many fields as the first one, the header.
///
/// Counting outside quotes and against the header tells `;` from the decimal commas between. Of several that agree,
/// the one with more columns wins, then the commoner one.
pub(super) fn detect(sample: &[u8], ended: bool) -> Guess {
    let candidates: Vec<Census> = [b',', b';', b'\t', b'|']
        .into_iter()
        .map(Delimiter::Byte)
        .chain([Delimiter::Whitespace])
        .map(|delimiter| Census::take(delimiter, sample, ended))
        .collect();
    let (whitespace, bytes) = candidates.split_last().expect("the list above is not empty");
    let mut best: Option<&Census> = None;
    for census in bytes.iter().filter(|census| census.fits()) {
        if best.is_none_or(|best| census.better_than(best)) {
            best = Some(census);
        }
    }
    let best = best.or(Some(whitespace).filter(|census| census.fits()));
    let Some(best) = best else {
        return Guess {
            delimiter: Delimiter::Byte(b','),
            evidence: "every record has one field".to_owned(),
            certain: candidates.iter().all(|census| census.width <= 1),
        };
    };
    let rivals = bytes.iter().filter(|census| census.fits() && census.agreeing == census.records).count();
    Guess {
        delimiter: best.delimiter,
        evidence: format!("{} of the first {} records have {} fields", best.agreeing, best.records, best.width),
        // Two words in every line may also be one column of names.
        certain: best.agreeing == best.records
            && rivals <= 1
            && (best.delimiter != Delimiter::Whitespace || best.width > 2),
    }
}

/// How the records come out under one delimiter.
struct Census {
    delimiter: Delimiter,
    records: usize,
    /// Fields of the first record, and records that have as many.
    width: usize,
    agreeing: usize,
}

impl Census {
    fn take(delimiter: Delimiter, mut sample: &[u8], ended: bool) -> Census {
        let syntax = Syntax::new(delimiter);
        let (mut fields, mut census) = (Vec::new(), Census { delimiter, records: 0, width: 0, agreeing: 0 });
        while census.records < RECORDS && !sample.is_empty() {
            let Some(found) = syntax.split(sample, ended, &mut fields) else { break };
            sample = &sample[found.used()..];
            if found.blank {
                continue;
            }
            if census.records == 0 {
                census.width = fields.len();
            }
            census.records += 1;
            census.agreeing += usize::from(fields.len() == census.width);
        }
        census
    }

    fn fits(&self) -> bool {
        self.width >= 2 && 2 * self.agreeing > self.records
    }

    fn better_than(&self, other: &Census) -> bool {
        let (ours, theirs) = (self.agreeing * other.records, other.agreeing * self.records);
        ours > theirs || (ours == theirs && self.width > other.width)
    }
}
