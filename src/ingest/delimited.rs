//! Delimited text files as a [`Source`]: CSV, TSV and their relatives, in any encoding, packed or not.

use std::fs::Metadata;
use std::io::{Cursor, Read};
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use super::cell::{Cells, Fault, Row, Source, Visitor, excerpt};
use super::dialect::{self, Guess};
use super::encoding::{self, Coding};
use super::error::{Budget, IngestError, Result};
use super::headers::{self, Sampled};
use super::records::{Field, Record, RecordError, Records, Trouble};
use super::times::Epoch;
use super::{Delimiter, Detection, Format, InputFile, Limits};
use crate::progress::Progress;

pub(super) struct Delimited {
    file: InputFile,
    limits: Limits,
    size: u64,
    delimiter: Delimiter,
    /// Where the spec does not state the delimiter.
    guess: Option<Guess>,
    stated: Option<&'static Encoding>,
    letters: Letters,
    /// A first line such as `sep=;`, which Excel understands and which is no row.
    sep_line: bool,
    /// Records above the table.
    skip: u32,
    headers: Vec<String>,
    /// Whether the first row of the table is a header.
    header: bool,
    /// What was detected above the first row of data.
    top: Vec<Detection>,
}

/// What the bytes beyond ASCII are.
struct Letters {
    coding: Coding,
    verdict: Verdict,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Verdict {
    AsciiSoFar,
    Utf8,
    /// UTF-8 in the main, with places that are not; rows with these are refused.
    MostlyUtf8 {
        right: u64,
        wrong: u64,
    },
    Windows1252 {
        line: u64,
        byte: u8,
        wrong: u64,
    },
}

/// Bytes of the text, and rows, that are looked at to find the delimiter and whether there is a header.
const SAMPLE: usize = 256 << 10;
const SAMPLE_ROWS: usize = 100;

impl Delimited {
    /// `wanted` are the headers that the request names: a first row that has one of them is a header.
    pub fn open(
        file: &InputFile,
        metadata: &Metadata,
        format: &Format,
        limits: &Limits,
        wanted: &[&str],
    ) -> Result<Self> {
        let stated = format.encoding.as_deref().map(encoding::named).transpose()?;
        let mut text = encoding::open(file, stated, limits)?;
        let mut sample = Vec::new();
        let read = (&mut text.reader).take(SAMPLE as u64).read_to_end(&mut sample);
        read.map_err(|error| encoding::reading(file, limits, &error))?;
        let separator = separator_line(&sample);
        let guess = match format.delimiter {
            Some(_) => None,
            None => Some(match separator {
                Some(delimiter) => Guess { delimiter, evidence: "its first line says so".to_owned(), certain: true },
                None => dialect::detect(&sample, sample.len() < SAMPLE, wanted),
            }),
        };
        let delimiter = format.delimiter.or(guess.as_ref().map(|guess| guess.delimiter));
        let mut source = Delimited {
            file: file.clone(),
            limits: *limits,
            size: metadata.len(),
            delimiter: delimiter.expect("guessed where it is not stated"),
            guess,
            stated,
            letters: Letters { coding: text.coding, verdict: Verdict::AsciiSoFar },
            sep_line: separator.is_some(),
            skip: format.skip.unwrap_or(0),
            headers: Vec::new(),
            header: true,
            top: Vec::new(),
        };
        source.read_headers(Cursor::new(sample).chain(text.reader), format, wanted)?;
        Ok(source)
    }

    fn read_headers(&mut self, reader: impl Read, format: &Format, wanted: &[&str]) -> Result<()> {
        let (file, limits) = (self.file.clone(), self.limits);
        let mut records = Records::new(reader, self.delimiter, limits.record);
        let (mut rows, mut unreadable) = (Vec::<Sampled>::new(), None);
        for _ in 0..self.above() {
            records.next().map_err(|error| failed(&file, &limits, error))?;
        }
        while rows.len() < SAMPLE_ROWS {
            let Some(record) = records.next().map_err(|error| failed(&file, &limits, error))? else { break };
            // Only the header has to be readable here; rows are judged when they are visited.
            let mut decoded = Decoded::default();
            let cells = match self.letters.decode(&record, &file, &limits, &mut decoded) {
                Ok((text, fields)) => {
                    let cell = |field: &Field| text[field.start as usize..field.end as usize].trim().to_owned();
                    fields.iter().map(cell).collect()
                }
                Err(Unreadable::Row(reason)) => {
                    if rows.is_empty() {
                        unreadable = Some((reason, record.line));
                    }
                    Vec::new()
                }
                Err(Unreadable::File(error)) => return Err(error),
            };
            rows.push(Sampled { number: record.line, cells });
            if (rows.len(), record.trouble) == (1, Some(Trouble::OpenQuote)) {
                return Err(IngestError::OpenQuote { file: file.name, line: record.line });
            }
        }
        if rows.is_empty() {
            return Err(IngestError::Empty { file: file.name });
        }
        let top = headers::find_top(format, &rows, wanted);
        if let (0, Some((reason, line))) = (top.titles, unreadable) {
            return Err(IngestError::Damaged { file: file.name, reason, at: Some(line) });
        }
        let first = rows.swap_remove(top.titles);
        if first.cells.len() > limits.columns {
            let (budget, limit) = (Budget::Columns, limits.columns as u64);
            return Err(IngestError::TooLarge { file: file.name, budget, limit, at: Some(first.number) });
        }
        self.skip += top.titles as u32;
        self.header = top.header;
        self.top = top.detected;
        self.headers = if top.header { first.cells } else { vec![String::new(); first.cells.len()] };
        Ok(())
    }

    /// Records above the header, or above the first row where there is none.
    fn above(&self) -> u32 {
        u32::from(self.sep_line) + self.skip
    }

    fn visit_record(&mut self, record: Record<'_>, visitor: &mut Visitor) -> Result<ControlFlow<()>> {
        let number = record.line;
        let fault = |value: &[u8], reason: String| {
            Err(Fault { number, value: excerpt(&String::from_utf8_lossy(value)), reason })
        };
        match record.trouble {
            Some(Trouble::OpenQuote) => {
                return visitor(fault(record.bytes, "a quote is opened and not closed".to_owned()));
            }
            Some(Trouble::TextAfterQuote) => {
                return visitor(fault(record.bytes, "text follows a closing quote".to_owned()));
            }
            None => {}
        }
        let (found, width) = (record.fields.len(), self.headers.len());
        if found != width {
            let fields = if found == 1 { "1 field".to_owned() } else { format!("{found} fields") };
            let whose = if self.header { "the header" } else { "the first row" };
            return visitor(fault(record.bytes, format!("{fields}, {whose} has {width}")));
        }
        let mut decoded = Decoded::default();
        match self.letters.decode(&record, &self.file, &self.limits, &mut decoded) {
            Ok((text, fields)) => {
                visitor(Ok(Row { number, epoch: Epoch::Y1900, cells: Cells::Record { text, fields } }))
            }
            Err(Unreadable::Row(reason)) => visitor(fault(record.bytes, reason)),
            Err(Unreadable::File(error)) => Err(error),
        }
    }

    fn detected_encoding(&self) -> Option<Detection> {
        let name = match self.letters.verdict {
            Verdict::Windows1252 { .. } => "windows-1252".to_owned(),
            _ => self.letters.coding.encoding().name().to_lowercase(),
        };
        let (evidence, certain) = match (self.letters.coding, self.letters.verdict) {
            (Coding::Stated(_), _) => return None,
            (Coding::Marked(encoding), _) => {
                let other = self.stated.filter(|stated| *stated != encoding);
                let instead =
                    other.map_or(String::new(), |other| format!(", although the spec states `{}`", other.name()));
                (format!("the file starts with its byte order mark{instead}"), true)
            }
            (Coding::Wide(_), _) => ("every second byte is zero".to_owned(), false),
            (_, Verdict::AsciiSoFar | Verdict::Utf8) => ("all characters are valid".to_owned(), true),
            (_, Verdict::MostlyUtf8 { right, wrong }) => {
                (format!("characters beyond ASCII: {right} right in UTF-8, {wrong} not"), false)
            }
            (_, Verdict::Windows1252 { line, byte, wrong }) => {
                let others = if wrong > 1 { format!(", nor are {} others", wrong - 1) } else { String::new() };
                (format!("byte 0x{byte:02X} on line {line} is not UTF-8{others}"), false)
            }
        };
        let pin = format!("encoding \"{name}\"");
        Some(Detection { what: "encoding", column: None, value: name, evidence, pin, certain })
    }
}

impl Source for Delimited {
    fn name(&self) -> &str {
        &self.file.name
    }

    fn headers(&self) -> &[String] {
        &self.headers
    }

    fn has_header(&self) -> bool {
        self.header
    }

    fn detected(&self, _: &[usize]) -> Vec<Detection> {
        let delimiter = self.guess.as_ref().map(|guess| Detection {
            what: "delimiter",
            column: None,
            value: guess.delimiter.to_string(),
            evidence: guess.evidence.clone(),
            pin: format!("delimiter \"{}\"", guess.delimiter),
            certain: guess.certain,
        });
        delimiter.into_iter().chain(self.detected_encoding()).chain(self.top.iter().cloned()).collect()
    }

    fn total(&self) -> Option<u64> {
        Some(self.size)
    }

    fn hints_at_decimal_comma(&self) -> bool {
        self.delimiter == Delimiter::Byte(b';')
    }

    fn visit(&mut self, progress: &dyn Progress, visitor: &mut Visitor) -> Result<()> {
        let (file, limits) = (self.file.clone(), self.limits);
        let text = encoding::open(&file, self.stated, &limits)?;
        let mut records = Records::new(text.reader, self.delimiter, limits.record);
        for _ in 0..self.above() + u32::from(self.header) {
            records.next().map_err(|error| failed(&file, &limits, error))?;
        }
        let mut count = 0_u64;
        while let Some(record) = records.next().map_err(|error| failed(&file, &limits, error))? {
            if self.visit_record(record, visitor)?.is_break() {
                break;
            }
            count += 1;
            if count.is_multiple_of(8192) {
                progress.at(text.position.load(Ordering::Relaxed));
            }
        }
        Ok(())
    }
}

/// Room for a record that had to be decoded.
#[derive(Default)]
struct Decoded {
    text: String,
    fields: Vec<Field>,
}

enum Unreadable {
    Row(String),
    File(IngestError),
}

impl Letters {
    /// The record as text. The first byte that is not UTF-8 decides, with a look at the whole file, whether the file is
    /// in windows-1252 or is UTF-8 with faults; up to then all was ASCII, so nothing has to be read again.
    fn decode<'a>(
        &mut self,
        record: &Record<'a>,
        file: &InputFile,
        limits: &Limits,
        decoded: &'a mut Decoded,
    ) -> std::result::Result<(&'a str, &'a [Field]), Unreadable> {
        let text = std::str::from_utf8(record.bytes);
        if self.coding == Coding::Assumed && self.verdict == Verdict::AsciiSoFar {
            match text {
                Ok(text) if text.is_ascii() => {}
                Ok(_) => self.verdict = Verdict::Utf8,
                Err(error) => {
                    let (right, wrong) = encoding::census(file, limits).map_err(Unreadable::File)?;
                    let byte = record.bytes[error.valid_up_to()];
                    // Right UTF-8 beyond ASCII hardly comes about by chance.
                    self.verdict = if right >= wrong {
                        Verdict::MostlyUtf8 { right, wrong }
                    } else {
                        Verdict::Windows1252 { line: record.line, byte, wrong }
                    };
                }
            }
        }
        match (self.verdict, text) {
            (Verdict::Windows1252 { .. }, text) if !text.is_ok_and(str::is_ascii) => {
                for field in record.fields {
                    let start = decoded.text.len();
                    let bytes = &record.bytes[field.start as usize..field.end as usize];
                    decoded.text.push_str(&WINDOWS_1252.decode_without_bom_handling(bytes).0);
                    decoded.fields.push(Field::new(start, decoded.text.len()));
                }
                Ok((&decoded.text, &decoded.fields))
            }
            (_, Ok(text)) => Ok((text, record.fields)),
            (_, Err(error)) => {
                let encoding = self.coding.encoding();
                let name = encoding.name().to_lowercase();
                Err(Unreadable::Row(match encoding == UTF_8 {
                    true => format!("byte 0x{:02X} is not {name}", record.bytes[error.valid_up_to()]),
                    false => format!("bytes that are not {name}"),
                }))
            }
        }
    }
}

fn failed(file: &InputFile, limits: &Limits, error: RecordError) -> IngestError {
    match error {
        RecordError::Io(error) => encoding::reading(file, limits, &error),
        RecordError::TooLong { line } => {
            let (budget, limit) = (Budget::Record, limits.record as u64);
            IngestError::TooLarge { file: file.name.clone(), budget, limit, at: Some(line) }
        }
    }
}

fn separator_line(sample: &[u8]) -> Option<Delimiter> {
    match sample {
        [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', byte, b'\r' | b'\n', ..] => Some(Delimiter::Byte(*byte)),
        _ => None,
    }
}
