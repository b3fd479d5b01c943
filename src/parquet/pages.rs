//! The heads of the pages of a column, looked at before anybody unpacks them: what they claim has to fit what the end
//! of the file says and the bytes that are there. They are written in the compact protocol of Thrift.

use std::ops::Range;

/// The pages of one column in one row group.
pub(super) struct Chunk {
    /// That its pages hold together.
    pub values: u64,
    /// Where they are in the file.
    pub range: Range<u64>,
}

/// A page may unpack to so many bytes whatever its size, or to so many times its size: values that repeat shrink to
/// next to nothing, but pages of a megabyte are usual and those of hundreds are not.
const PAGE: u64 = 64 << 20;
const RATIO: u64 = 1000;

/// What the head of a page says.
#[derive(Debug, Default, PartialEq)]
struct Head {
    kind: i64,
    packed: i64,
    unpacked: i64,
    /// Missing for an index page.
    values: Option<i64>,
}

const DATA: i64 = 0;
const DICTIONARY: i64 = 2;
const DATA_V2: i64 = 3;

impl Chunk {
    /// Bytes that all pages unpack to.
    pub fn weigh(&self, file: &[u8]) -> Result<u64, String> {
        let range = usize::try_from(self.range.start).ok().zip(usize::try_from(self.range.end).ok());
        let mut rest = range.and_then(|(start, end)| file.get(start..end)).ok_or("its pages lie outside the file")?;
        let (mut values, mut bytes) = (0, 0);
        while values < self.values {
            let mut thrift = Thrift { bytes: rest, depth: 0 };
            let head = thrift.head().ok_or("the head of a page can't be read")?;
            let (packed, unpacked) = (u64::try_from(head.packed).ok(), u64::try_from(head.unpacked).ok());
            let (Some(packed), Some(unpacked)) = (packed, unpacked) else {
                return Err("a page has fewer than no bytes".to_owned());
            };
            let body = thrift.bytes;
            if packed > body.len() as u64 {
                return Err("a page ends behind the last one".to_owned());
            }
            if unpacked > PAGE.max(packed.saturating_mul(RATIO)) {
                return Err(format!("a page of {packed} bytes claims to unpack to {unpacked}"));
            }
            let held = u64::try_from(head.values.unwrap_or(0)).map_err(|_| "a page has fewer than no values")?;
            match head.kind {
                DATA | DATA_V2 => values = held.saturating_add(values),
                // Each of them takes some bytes.
                DICTIONARY if held > unpacked => return Err(format!("{held} words in {unpacked} bytes")),
                _ => {}
            }
            bytes += unpacked;
            rest = &body[packed as usize..];
        }
        let sound = values == self.values;
        if sound { Ok(bytes) } else { Err(format!("{values} values in its pages, {} were announced", self.values)) }
    }
}

/// The compact protocol of Thrift, as much of it as the head of a page needs.
struct Thrift<'a> {
    bytes: &'a [u8],
    depth: u8,
}

/// Structures within structures; the head of a page has three, with statistics.
const DEEPEST: u8 = 8;

impl Thrift<'_> {
    fn head(&mut self) -> Option<Head> {
        let mut head = Head::default();
        let mut field = 0;
        while let Some(kind) = self.field(&mut field)? {
            match (field, kind) {
                (1, 5) => head.kind = self.number()?,
                (2, 5) => head.unpacked = self.number()?,
                (3, 5) => head.packed = self.number()?,
                // Of data, of a dictionary, of data in the second form: all begin with the number of values.
                (5 | 7 | 8, 12) => head.values = Some(self.count()?),
                _ => self.skip(kind)?,
            }
        }
        Some(head)
    }

    /// The first field of a structure, which is a number; all others are passed over.
    fn count(&mut self) -> Option<i64> {
        let (mut field, mut count) = (0, None);
        while let Some(kind) = self.field(&mut field)? {
            match (field, kind) {
                (1, 5) => count = Some(self.number()?),
                _ => self.skip(kind)?,
            }
        }
        count
    }

    /// The kind of the next field, whose number is put into `field`; nothing at the end of the structure.
    fn field(&mut self, field: &mut i64) -> Option<Option<u8>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Some(None);
        }
        *field = match byte >> 4 {
            0 => self.number()?,
            step => field.wrapping_add(i64::from(step)),
        };
        Some(Some(byte & 15))
    }

    fn skip(&mut self, kind: u8) -> Option<()> {
        match kind {
            // Truth values lie in the kind itself.
            1 | 2 => {}
            3 => drop(self.byte()?),
            4..=6 => drop(self.varint()?),
            7 => drop(self.take(8)?),
            8 => {
                let length = usize::try_from(self.varint()?).ok()?;
                self.take(length)?;
            }
            9 | 10 => {
                let byte = self.byte()?;
                let length = if byte >> 4 == 15 { self.varint()? } else { u64::from(byte >> 4) };
                // Every element has a byte at least, truth values too in a list.
                if length > self.bytes.len() as u64 {
                    return None;
                }
                for _ in 0..length {
                    match byte & 15 {
                        1 | 2 => drop(self.byte()?),
                        kind => self.nested(kind)?,
                    }
                }
            }
            12 => {
                let mut field = 0;
                while let Some(kind) = self.field(&mut field)? {
                    self.nested(kind)?;
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn nested(&mut self, kind: u8) -> Option<()> {
        self.depth += 1;
        let skipped = if self.depth > DEEPEST { None } else { self.skip(kind) };
        self.depth -= 1;
        skipped
    }

    fn number(&mut self) -> Option<i64> {
        let zigzag = self.varint()?;
        Some((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Some(number);
            }
        }
        None
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn take(&mut self, length: usize) -> Option<&[u8]> {
        let (taken, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(taken)
    }
}
