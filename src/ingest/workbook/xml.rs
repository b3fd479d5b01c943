//! The parts of workbooks as a stream of tags and texts, with memory for one of them at a time.
//!
//! Reads what XML allows in such parts: no document types, so that no entity can blow up, and names without the prefixes
//! of their namespaces. Whether tags are nested rightly is left to those who know what they mean.

use std::io::{self, Read};
use std::ops::Range;

pub(super) struct Xml<R> {
    source: R,
    buffer: Vec<u8>,
    /// The bytes not yet taken are `buffer[start..filled]`.
    start: usize,
    filled: usize,
    ended: bool,
}

#[derive(Debug)]
pub(super) enum XmlError {
    Io(io::Error),
    Broken(&'static str),
}

pub(super) enum Token<'x> {
    Open(Tag<'x>),
    /// The name of the element.
    Close(&'x [u8]),
    Text(Text<'x>),
}

#[derive(Clone, Copy)]
pub(super) struct Tag<'x> {
    pub name: &'x [u8],
    attributes: &'x [u8],
    /// `<tag/>`, which has no closing tag.
    pub empty: bool,
}

#[derive(Clone, Copy)]
pub(super) struct Text<'x> {
    bytes: &'x [u8],
    /// Stands for itself: `&` begins no entity.
    literal: bool,
}

const BLOCK: usize = 256 << 10;
/// Bytes of a tag or a text; a cell has at most 32,767 characters.
const LONGEST: usize = 16 << 20;

type Result<T> = std::result::Result<T, XmlError>;

impl<R: Read> Xml<R> {
    pub fn new(source: R) -> Self {
        Xml { source, buffer: vec![0; BLOCK], start: 0, filled: 0, ended: false }
    }

    /// The next tag or text; nothing at the end.
    pub fn next(&mut self) -> Result<Option<Token<'_>>> {
        let (found, literal) = loop {
            let bytes = &self.buffer[self.start..self.filled];
            match find(bytes, self.ended)? {
                Found::End => return Ok(None),
                Found::More => self.fill()?,
                Found::Nothing(used) => self.start += used,
                Found::Markup(used) => break (self.take(used), None),
                Found::Text(used, inner) => {
                    let taken = self.take(used);
                    let literal = inner.len() < used;
                    break (taken.start + inner.start..taken.start + inner.end, Some(literal));
                }
            }
        };
        let bytes = &self.buffer[found];
        if let Some(literal) = literal {
            return Ok(Some(Token::Text(Text { bytes, literal })));
        }
        let inner = &bytes[1..bytes.len() - 1];
        if let Some(name) = inner.strip_prefix(b"/") {
            return Ok(Some(Token::Close(local(name.trim_ascii_end()))));
        }
        let (inner, empty) = inner.strip_suffix(b"/").map_or((inner, false), |inner| (inner, true));
        let end = inner.iter().position(u8::is_ascii_whitespace).unwrap_or(inner.len());
        Ok(Some(Token::Open(Tag { name: local(&inner[..end]), attributes: &inner[end..], empty })))
    }

    fn take(&mut self, used: usize) -> Range<usize> {
        let start = self.start;
        self.start += used;
        start..self.start
    }

    fn fill(&mut self) -> Result<()> {
        self.buffer.copy_within(self.start..self.filled, 0);
        self.filled -= self.start;
        self.start = 0;
        if self.filled == self.buffer.len() {
            if self.filled >= LONGEST {
                return Err(XmlError::Broken("a tag or a text has no end"));
            }
            self.buffer.resize(self.filled * 2, 0);
        }
        loop {
            match self.source.read(&mut self.buffer[self.filled..]) {
                Ok(0) => self.ended = true,
                Ok(count) => self.filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(XmlError::Io(error)),
            }
            return Ok(());
        }
    }
}

enum Found {
    End,
    /// What is there is not whole yet.
    More,
    /// So many bytes that mean nothing: a comment, an instruction.
    Nothing(usize),
    /// A tag of so many bytes.
    Markup(usize),
    /// A text within so many bytes.
    Text(usize, Range<usize>),
}

fn find(bytes: &[u8], ended: bool) -> Result<Found> {
    let Some(first) = bytes.first() else { return Ok(if ended { Found::End } else { Found::More }) };
    if *first != b'<' {
        return Ok(match bytes.iter().position(|byte| *byte == b'<') {
            Some(end) => Found::Text(end, 0..end),
            None if ended => Found::Text(bytes.len(), 0..bytes.len()),
            None => Found::More,
        });
    }
    let missing = || if ended { Err(XmlError::Broken("it is cut off")) } else { Ok(Found::More) };
    let up_to = |mark: &[u8]| bytes.windows(mark.len()).position(|window| window == mark).map(|at| at + mark.len());
    match bytes {
        [_] => missing(),
        [_, b'?', ..] => up_to(b"?>").map_or_else(missing, |end| Ok(Found::Nothing(end))),
        [_, b'!', b'-', b'-', rest @ ..] => {
            // `-->` must not overlap with `<!--`.
            let end = rest.windows(3).position(|window| window == b"-->").map(|at| at + 7);
            end.map_or_else(missing, |end| Ok(Found::Nothing(end)))
        }
        [_, b'!', b'[', b'C', b'D', b'A', b'T', b'A', b'[', ..] => {
            up_to(b"]]>").map_or_else(missing, |end| Ok(Found::Text(end, 9..end - 3)))
        }
        [_, b'!', ..] if bytes.len() < 9 && !ended => Ok(Found::More),
        [_, b'!', ..] => Err(XmlError::Broken("it has a document type")),
        _ => {
            let mut quote = None;
            let end = bytes.iter().position(|byte| match (quote, byte) {
                (None, b'>') => true,
                (None, b'"' | b'\'') => {
                    quote = Some(*byte);
                    false
                }
                (Some(open), byte) if open == *byte => {
                    quote = None;
                    false
                }
                _ => false,
            });
            match end {
                Some(1) => Err(XmlError::Broken("a tag has no name")),
                Some(end) => Ok(Found::Markup(end + 1)),
                None => missing(),
            }
        }
    }
}

/// A name without the prefix of its namespace.
fn local(name: &[u8]) -> &[u8] {
    name.iter().rposition(|byte| *byte == b':').map_or(name, |colon| &name[colon + 1..])
}

impl<'x> Tag<'x> {
    /// Names, without prefixes, and values as they stand in the file.
    pub fn attributes(&self) -> impl Iterator<Item = (&'x [u8], &'x [u8])> + use<'x> {
        let mut rest = self.attributes;
        std::iter::from_fn(move || {
            rest = rest.trim_ascii_start();
            let equals = rest.iter().position(|byte| *byte == b'=')?;
            let (name, after) = (rest[..equals].trim_ascii_end(), rest[equals + 1..].trim_ascii_start());
            let (quote, after) = after.split_first().filter(|(quote, _)| matches!(quote, b'"' | b'\''))?;
            let end = after.iter().position(|byte| byte == quote)?;
            rest = &after[end + 1..];
            Some((local(name), &after[..end]))
        })
    }

    pub fn attribute(&self, wanted: &str) -> Option<&'x [u8]> {
        self.attributes().find(|(name, _)| *name == wanted.as_bytes()).map(|(_, value)| value)
    }

    /// The value of an attribute as text, entities and all.
    pub fn text(&self, wanted: &str) -> Result<Option<String>> {
        let Some(bytes) = self.attribute(wanted) else { return Ok(None) };
        let mut text = String::new();
        Text { bytes, literal: false }.append(&mut text)?;
        Ok(Some(text))
    }

    /// Whether an attribute says yes.
    pub fn flag(&self, wanted: &str) -> bool {
        matches!(self.attribute(wanted), Some(b"1" | b"true" | b"on"))
    }

    pub fn number(&self, wanted: &str) -> Option<u32> {
        std::str::from_utf8(self.attribute(wanted)?).ok()?.trim().parse().ok()
    }
}

impl Text<'_> {
    /// Adds the text, its entities replaced by what they stand for.
    pub fn append(&self, out: &mut String) -> Result<()> {
        let mut text =
            std::str::from_utf8(self.bytes).map_err(|_| XmlError::Broken("it has bytes that are no text"))?;
        if self.literal {
            out.push_str(text);
            return Ok(());
        }
        while let Some(at) = text.find('&') {
            out.push_str(&text[..at]);
            let end = text[at..].find(';').filter(|length| *length <= 12);
            let end = end.ok_or(XmlError::Broken("it has a `&` that begins no entity"))?;
            let entity = &text[at + 1..at + end];
            out.push(entity_char(entity).ok_or(XmlError::Broken("it has an unknown entity"))?);
            text = &text[at + end + 1..];
        }
        out.push_str(text);
        Ok(())
    }
}

fn entity_char(entity: &str) -> Option<char> {
    match entity {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = entity.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}
