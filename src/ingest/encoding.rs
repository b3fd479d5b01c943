//! From the bytes of a file to UTF-8 text: unpacks gzip and zstd, finds the encoding, transcodes what is not UTF-8.
//!
//! UTF-8 is passed on unchecked and checked record by record further on. What another encoding can't decode becomes
//! the byte 0xFF, which no UTF-8 has, so that the row it is in can be refused; no replacement character is made up.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use flate2::bufread::MultiGzDecoder;
use zstd::stream::read::Decoder as ZstdDecoder;

use super::container::{self, Container};
use super::error::{Budget, IngestError, Result, near_misses};
use super::{InputFile, Limits};

/// How the encoding of a file is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Coding {
    Stated(&'static Encoding),
    /// A byte order mark.
    Marked(&'static Encoding),
    /// No mark, but every second byte is zero.
    Wide(&'static Encoding),
    /// UTF-8 for all that was seen.
    Assumed,
}

/// Text in UTF-8 without a byte order mark.
pub(super) struct Text {
    pub reader: Box<dyn Read>,
    pub coding: Coding,
    /// Bytes of the file that were read up to now.
    pub position: Arc<AtomicU64>,
}

/// The encoding that a spec names.
pub(super) fn named(label: &str) -> Result<&'static Encoding> {
    let plain = label.trim().to_ascii_lowercase().replace([' ', '_'], "-");
    let other = plain.replacen("latin-", "latin", 1).replacen("cp-", "cp", 1);
    let found = Encoding::for_label(label.as_bytes())
        .or_else(|| Encoding::for_label(plain.as_bytes()))
        .or_else(|| Encoding::for_label(other.as_bytes()));
    found.filter(|encoding| *encoding != encoding_rs::REPLACEMENT).ok_or_else(|| {
        const COMMON: [&str; 14] = [
            "utf-8",
            "utf-16le",
            "utf-16be",
            "windows-1250",
            "windows-1251",
            "windows-1252",
            "iso-8859-1",
            "iso-8859-2",
            "iso-8859-15",
            "macintosh",
            "shift_jis",
            "euc-jp",
            "gb18030",
            "big5",
        ];
        IngestError::UnknownEncoding { label: label.to_owned(), near: near_misses(label, COMMON) }
    })
}

/// Opens a text file, packed or not.
pub(super) fn open(file: &InputFile, stated: Option<&'static Encoding>, limits: &Limits) -> Result<Text> {
    let trouble = |error: io::Error| reading(file, limits, &error);
    let handle = File::open(&file.path).map_err(|error| container::unreadable(file, &error))?;
    let size = handle.metadata().map_err(trouble)?.len();
    let position = Arc::new(AtomicU64::new(0));
    let mut bytes = BufReader::with_capacity(64 << 10, Counted { inner: handle, position: position.clone() });
    let outside = container::of_bytes(bytes.fill_buf().map_err(trouble)?);
    let unpacked: Box<dyn Read> = match outside {
        Container::Gzip => Box::new(Unpacked { inner: MultiGzDecoder::new(bytes), what: "gzip" }),
        Container::Zstd => {
            Box::new(Unpacked { inner: ZstdDecoder::with_buffer(bytes).map_err(trouble)?, what: "zstd" })
        }
        _ => Box::new(bytes),
    };
    let mut reader = Capped { inner: unpacked, left: limits.inflated_from(size) };
    let mut head = container::read_head(&mut reader).map_err(trouble)?;
    if outside != Container::Text {
        match container::of_bytes(&head) {
            Container::Text => {}
            found => return Err(IngestError::WrongKind { file: file.name.clone(), found }),
        }
    }
    let coding = match (Encoding::for_bom(&head), stated) {
        (Some((encoding, mark)), _) => {
            head.drain(..mark);
            Coding::Marked(encoding)
        }
        (None, Some(encoding)) => Coding::Stated(encoding),
        (None, None) => wide(&head).map_or(Coding::Assumed, Coding::Wide),
    };
    if head.contains(&0) && coding.encoding() == UTF_8 {
        return Err(IngestError::WrongKind { file: file.name.clone(), found: Container::Binary });
    }
    let whole = Cursor::new(head).chain(reader);
    let reader: Box<dyn Read> = match coding.encoding() {
        encoding if encoding == UTF_8 => Box::new(whole),
        encoding => Box::new(Transcoder::new(whole, encoding)),
    };
    Ok(Text { reader, coding, position })
}

/// What an error while reading text means.
pub(super) fn reading(file: &InputFile, limits: &Limits, error: &io::Error) -> IngestError {
    let name = file.name.clone();
    match error.kind() {
        io::ErrorKind::FileTooLarge => {
            let size = std::fs::metadata(&file.path).map_or(u64::MAX, |metadata| metadata.len());
            let (budget, limit) = (Budget::Inflated, limits.inflated_from(size));
            IngestError::TooLarge { file: name, budget, limit, at: None }
        }
        io::ErrorKind::InvalidData => IngestError::Damaged { file: name, reason: error.to_string(), at: None },
        _ => container::unreadable(file, error),
    }
}

/// Characters beyond ASCII that are right UTF-8, and places that are not, in the whole file.
pub(super) fn census(file: &InputFile, limits: &Limits) -> Result<(u64, u64)> {
    let mut reader = open(file, Some(UTF_8), limits)?.reader;
    let (mut block, mut kept, mut right, mut wrong) = (vec![0; 256 << 10], 0, 0, 0);
    loop {
        let count = reader.read(&mut block[kept..]).map_err(|error| reading(file, limits, &error))?;
        let filled = kept + count;
        kept = 0;
        let mut chunks = block[..filled].utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            right += chunk.valid().bytes().filter(|byte| *byte >= 0xC0).count() as u64;
            // A character that the end of the block cuts in two is seen whole in the next.
            match chunk.invalid() {
                [] => {}
                cut if count > 0 && chunks.peek().is_none() && cut.len() < 4 => kept = cut.len(),
                _ => wrong += 1,
            }
        }
        if count == 0 {
            return Ok((right, wrong));
        }
        block.copy_within(filled - kept..filled, 0);
    }
}

impl Coding {
    pub fn encoding(self) -> &'static Encoding {
        match self {
            Coding::Stated(encoding) | Coding::Marked(encoding) | Coding::Wide(encoding) => encoding,
            Coding::Assumed => UTF_8,
        }
    }
}

/// UTF-16 without a mark: text in Latin letters has a zero in nearly every other byte.
fn wide(head: &[u8]) -> Option<&'static Encoding> {
    let zeros = |odd: usize| head.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd, pairs) = (zeros(0), zeros(1), head.len() / 2);
    if pairs < 2 {
        None
    } else if odd * 4 >= pairs * 3 && even == 0 {
        Some(UTF_16LE)
    } else if even * 4 >= pairs * 3 && odd == 0 {
        Some(UTF_16BE)
    } else {
        None
    }
}

struct Counted<R> {
    inner: R,
    position: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.position.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// What an archive holds. A fault of the archive is told from one of the disk, which has a number.
struct Unpacked<R> {
    inner: R,
    what: &'static str,
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(|error| {
            let reason = match error.kind() {
                io::ErrorKind::Interrupted => return error,
                _ if error.raw_os_error().is_some() => return error,
                io::ErrorKind::UnexpectedEof => format!("the {} archive is cut off", self.what),
                _ => format!("the {} archive is broken ({})", self.what, error.to_string().to_lowercase()),
            };
            io::Error::new(io::ErrorKind::InvalidData, reason)
        })
    }
}

/// Fails once more than `left` bytes have come through.
pub(super) struct Capped<R> {
    pub inner: R,
    pub left: u64,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(count as u64).ok_or_else(|| io::Error::from(io::ErrorKind::FileTooLarge))?;
        Ok(count)
    }
}

pub(super) struct Transcoder<R> {
    inner: R,
    decoder: Decoder,
    raw: Vec<u8>,
    taken: usize,
    filled: usize,
    ended: bool,
    finished: bool,
    /// Decoded text that the caller has not got yet.
    text: Vec<u8>,
    given: usize,
}

impl<R: Read> Transcoder<R> {
    pub fn new(inner: R, encoding: &'static Encoding) -> Self {
        let decoder = encoding.new_decoder_without_bom_handling();
        Transcoder {
            inner,
            decoder,
            raw: vec![0; 64 << 10],
            taken: 0,
            filled: 0,
            ended: false,
            finished: false,
            text: Vec::new(),
            given: 0,
        }
    }

    fn decode(&mut self) -> io::Result<()> {
        if self.taken == self.filled && !self.ended {
            self.filled = self.inner.read(&mut self.raw)?;
            self.taken = 0;
            self.ended = self.filled == 0;
        }
        let raw = &self.raw[self.taken..self.filled];
        let room = self.decoder.max_utf8_buffer_length_without_replacement(raw.len()).unwrap_or(raw.len() * 4) + 16;
        self.text.resize(room, 0);
        self.given = 0;
        let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(raw, &mut self.text, self.ended);
        self.taken += read;
        self.text.truncate(written);
        match result {
            DecoderResult::Malformed(..) => self.text.push(0xFF),
            DecoderResult::InputEmpty => self.finished = self.ended,
            DecoderResult::OutputFull => {}
        }
        Ok(())
    }
}

impl<R: Read> Read for Transcoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() {
            if self.finished {
                return Ok(0);
            }
            self.decode()?;
        }
        let count = (&self.text[self.given..]).read(buffer)?;
        self.given += count;
        Ok(count)
    }
}
