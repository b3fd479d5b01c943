//! Splits delimited text into records and fields as RFC 4180 has them, with memory for one record at a time.
//!
//! Knows bytes only: no encoding, no headers. Unlike a general CSV reader it tells where every record starts, counts
//! lines whatever ends them (LF, CRLF, CR), and says when a quote is left open or text follows a closing quote.

use std::io::{self, Read};

use super::Delimiter;

/// A field within the bytes of its record, without the quotes around it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub start: u32,
    pub end: u32,
    /// Holds doubled quotes.
    escaped: bool,
}

impl Field {
    pub fn new(start: usize, end: usize) -> Self {
        Field { start: start as u32, end: end as u32, escaped: false }
    }
}

pub(super) struct Record<'a> {
    /// From 1, of its first byte.
    pub line: u64,
    pub bytes: &'a [u8],
    pub fields: &'a [Field],
    pub trouble: Option<Trouble>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    TextAfterQuote,
    /// The quote that opens here is not closed, or so much further down that it would swallow other records.
    OpenQuote,
}

#[derive(Debug)]
pub(super) enum RecordError {
    Io(io::Error),
    TooLong { line: u64 },
}

pub(super) struct Records<R> {
    source: R,
    syntax: Syntax,
    buffer: Vec<u8>,
    /// The bytes not yet taken are `buffer[start..filled]`.
    start: usize,
    filled: usize,
    ended: bool,
    line: u64,
    fields: Vec<Field>,
    longest: usize,
}

const BLOCK: usize = 256 << 10;

impl<R: Read> Records<R> {
    /// `longest` is the size in bytes at which a record is given up.
    pub fn new(source: R, delimiter: Delimiter, longest: usize) -> Self {
        // Fields are kept as 32-bit offsets.
        let longest = longest.clamp(64, 1 << 30);
        let buffer = vec![0; BLOCK.min(longest)];
        let syntax = Syntax::new(delimiter);
        Records { source, syntax, buffer, start: 0, filled: 0, ended: false, line: 1, fields: Vec::new(), longest }
    }

    /// The next record that has anything in it.
    pub fn next(&mut self) -> Result<Option<Record<'_>>, RecordError> {
        loop {
            if self.ended && self.start == self.filled {
                return Ok(None);
            }
            let bytes = &self.buffer[self.start..self.filled];
            let full = bytes.len() >= self.longest;
            let Some(mut found) = self.syntax.split(bytes, self.ended || full, &mut self.fields) else {
                self.fill()?;
                continue;
            };
            // A lost quote must not take the lines below it along: its record ends with the line where it opens.
            if let Some(quote) = found.lost {
                found = self.syntax.split_at_line(bytes, quote, &mut self.fields);
            } else if full && !self.ended && found.used == bytes.len() {
                return Err(RecordError::TooLong { line: self.line });
            }
            let (start, line) = (self.start, self.line);
            self.start += found.used;
            self.line += found.lines;
            if found.blank {
                continue;
            }
            let bytes = &mut self.buffer[start..start + found.length];
            for field in self.fields.iter_mut().filter(|field| field.escaped) {
                undouble(bytes, field);
            }
            return Ok(Some(Record { line, bytes, fields: &self.fields, trouble: found.trouble }));
        }
    }

    fn fill(&mut self) -> Result<(), RecordError> {
        self.buffer.copy_within(self.start..self.filled, 0);
        self.filled -= self.start;
        self.start = 0;
        if self.filled == self.buffer.len() {
            self.buffer.resize((self.filled * 2).min(self.longest), 0);
        }
        loop {
            match self.source.read(&mut self.buffer[self.filled..]) {
                Ok(0) => self.ended = true,
                Ok(count) => self.filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(RecordError::Io(error)),
            }
            return Ok(());
        }
    }
}

/// Turns doubled quotes into single ones and fills the gap that is left at the end with blanks, so that bytes that
/// were valid UTF-8 stay so.
fn undouble(bytes: &mut [u8], field: &mut Field) {
    let (mut from, mut to) = (field.start as usize, field.start as usize);
    let end = field.end as usize;
    while from < end {
        bytes[to] = bytes[from];
        from += if bytes[from] == b'"' { 2 } else { 1 };
        to += 1;
    }
    bytes[to..end].fill(b' ');
    field.end = to as u32;
    field.escaped = false;
}

/// Which bytes mean something.
pub(super) struct Syntax {
    /// Ends an unquoted field: the delimiter, CR, LF.
    ends: [bool; 256],
    /// Means something inside quotes: the quote, CR, LF.
    quoted: [bool; 256],
    /// Runs of blanks separate fields.
    runs: bool,
}

pub(super) struct Found {
    /// Bytes of the record, without and with its line end.
    length: usize,
    used: usize,
    /// Line ends within and after it.
    lines: u64,
    /// Where a quote opens that can't be meant to: it is closed lines further down, if at all, and not as a quote should.
    lost: Option<usize>,
    pub blank: bool,
    trouble: Option<Trouble>,
}

impl Found {
    pub fn used(&self) -> usize {
        self.used
    }
}

impl Syntax {
    pub fn new(delimiter: Delimiter) -> Self {
        let table = |marks: &[u8]| {
            let mut table = [false; 256];
            marks.iter().for_each(|&mark| table[mark as usize] = true);
            table
        };
        let (ends, runs) = match delimiter {
            Delimiter::Byte(byte) => (table(&[byte, b'\r', b'\n']), false),
            Delimiter::Whitespace => (table(b" \t\r\n"), true),
        };
        Syntax { ends, quoted: table(b"\"\r\n"), runs }
    }

    /// The first record of `bytes`, or nothing if its end can't be seen yet; `ended` says that no bytes follow.
    pub fn split(&self, bytes: &[u8], ended: bool, fields: &mut Vec<Field>) -> Option<Found> {
        fields.clear();
        let (mut at, mut lines, mut trouble, mut quotes, mut lost) = (0, 0_u64, None, false, None);
        let skip = |mut at: usize, table: &[bool; 256]| {
            while at < bytes.len() && !table[bytes[at] as usize] {
                at += 1;
            }
            at
        };
        let length = loop {
            if self.runs {
                while at < bytes.len() && matches!(bytes[at], b' ' | b'\t') {
                    at += 1;
                }
                match bytes.get(at) {
                    None if ended => break at,
                    None => return None,
                    Some(b'\r' | b'\n') => break at,
                    Some(_) => {}
                }
            }
            let mut field = Field { start: at as u32, end: 0, escaped: false };
            if bytes.get(at) == Some(&b'"') {
                quotes = true;
                let (opened, above) = (at, lines);
                field.start += 1;
                at += 1;
                loop {
                    at = skip(at, &self.quoted);
                    // Whether a quote or a CR stands alone is seen from the byte after it.
                    if at + 1 >= bytes.len() && !ended {
                        return None;
                    }
                    match (bytes.get(at), bytes.get(at + 1)) {
                        (None, _) => {
                            trouble = Some(Trouble::OpenQuote);
                            break;
                        }
                        (Some(b'"'), Some(b'"')) => {
                            field.escaped = true;
                            at += 2;
                        }
                        (Some(b'"'), _) => break,
                        (Some(b'\r'), Some(b'\n')) => at += 1,
                        (Some(_), _) => {
                            lines += 1;
                            at += 1;
                        }
                    }
                }
                field.end = at as u32;
                at = (at + 1).min(bytes.len());
                let next = skip(at, &self.ends);
                if next > at {
                    trouble = Some(Trouble::TextAfterQuote);
                    at = next;
                }
                if trouble.is_some() && lines > above {
                    lost = lost.or(Some(opened));
                }
            } else {
                at = skip(at, &self.ends);
                field.end = at as u32;
            }
            fields.push(field);
            match bytes.get(at) {
                None if ended => break at,
                None => return None,
                Some(b'\r' | b'\n') => break at,
                Some(_) => at += 1,
            }
        };
        let used = match (bytes.get(length), bytes.get(length + 1)) {
            (None, _) => length,
            (Some(b'\r'), Some(b'\n')) => length + 2,
            (Some(b'\r'), None) if !ended => return None,
            (Some(_), _) => length + 1,
        };
        lines += u64::from(used > length);
        // An empty cell in quotes is one, unless all cells of its row are.
        let is_blank = |field: &Field| {
            bytes[field.start as usize..field.end as usize].iter().all(|byte| matches!(byte, b' ' | b'\t'))
        };
        let blank = (fields.len() > 1 || !quotes) && trouble.is_none() && fields.iter().all(is_blank);
        Some(Found { length, used, lines, lost, blank, trouble })
    }

    /// The first record of `bytes` if it ends with the line on which the quote at `quote` opens.
    fn split_at_line(&self, bytes: &[u8], quote: usize, fields: &mut Vec<Field>) -> Found {
        let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let length = bytes[quote..].iter().position(is_end).map_or(bytes.len(), |end| quote + end);
        let used = match &bytes[length..] {
            [] => length,
            [b'\r', b'\n', ..] => length + 2,
            _ => length + 1,
        };
        let found = self.split(&bytes[..length], true, fields).expect("a record that has ended is one");
        Found { used, lines: found.lines + u64::from(used > length), ..found }
    }
}
