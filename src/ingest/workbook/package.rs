//! A workbook as an archive of parts that refer to each other, as XLSX and XLSB are by [ECMA-376, part 2].
//!
//! What a part unpacks to is counted as it comes, whatever the archive says its size is.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read};

use encoding_rs::Encoding;
use zip::ZipArchive;

use super::grid::{Step, Trouble};
use super::xml::{Token, Xml, XmlError};
use crate::ingest::encoding::{Capped, Transcoder};
use crate::ingest::error::Budget;

pub(super) struct Package {
    archive: ZipArchive<BufReader<File>>,
    /// By name in small letters, as names differ by more than case.
    parts: HashMap<String, usize>,
    /// Bytes that a part may unpack to.
    limit: u64,
}

/// That one part refers to another.
pub(super) struct Relation {
    pub id: String,
    /// The last word of its type, such as `worksheet`; empty where it has none.
    pub kind: String,
    /// The name of the part.
    pub target: String,
}

impl Package {
    pub fn open(handle: File, limit: u64) -> Step<Package> {
        let mut archive = ZipArchive::new(BufReader::with_capacity(64 << 10, handle)).map_err(broken)?;
        let (mut parts, mut twice) = (HashMap::new(), archive.has_duplicate_names());
        for index in 0..archive.len() {
            let name = archive.by_index_raw(index).map_err(broken)?.name().map_err(broken)?.to_ascii_lowercase();
            twice |= parts.insert(name, index).is_some();
        }
        if twice {
            return Err(Trouble::damaged("two of its parts have one name"));
        }
        Ok(Package { archive, parts, limit })
    }

    pub fn has(&self, name: &str) -> bool {
        self.parts.contains_key(&name.to_ascii_lowercase())
    }

    /// The bytes of a part, at most `limit` of them.
    pub fn bytes(&mut self, name: &str, limit: u64) -> Step<Box<dyn Read + '_>> {
        let index = self.parts.get(&name.to_ascii_lowercase());
        let index = *index.ok_or_else(|| Trouble::damaged(format!("its part `{name}` is missing")))?;
        let part = self.archive.by_index(index).map_err(broken)?;
        Ok(Box::new(BufReader::with_capacity(64 << 10, Capped { inner: part, left: limit.min(self.limit) })))
    }

    /// A part that is XML, in UTF-8 or UTF-16.
    pub fn xml(&mut self, name: &str) -> Step<Xml<Box<dyn Read + '_>>> {
        let limit = self.limit;
        self.xml_within(name, limit)
    }

    pub fn xml_within(&mut self, name: &str, limit: u64) -> Step<Xml<Box<dyn Read + '_>>> {
        let mut bytes = self.bytes(name, limit)?;
        let mut head = Vec::new();
        (&mut bytes).take(3).read_to_end(&mut head).map_err(|error| self::io(&error, limit))?;
        let (encoding, mark) = Encoding::for_bom(&head).unwrap_or((encoding_rs::UTF_8, 0));
        let whole = io::Cursor::new(head.split_off(mark)).chain(bytes);
        let text: Box<dyn Read> = match encoding == encoding_rs::UTF_8 {
            true => Box::new(whole),
            false => Box::new(Transcoder::new(whole, encoding)),
        };
        Ok(Xml::new(text))
    }

    /// What a part refers to inside of the package; nothing where it does not say.
    pub fn relations(&mut self, of: &str) -> Step<Vec<Relation>> {
        let (folder, file) = of.rsplit_once('/').unwrap_or(("", of));
        let list = join(folder, &format!("_rels/{file}.rels"));
        let mut relations = Vec::new();
        if !self.has(&list) {
            return Ok(relations);
        }
        let limit = self.limit;
        let mut xml = self.xml(&list)?;
        while let Some(token) = xml.next().map_err(|error| self::xml(error, limit))? {
            let Token::Open(tag) = token else { continue };
            if tag.name != b"Relationship" || tag.attribute("TargetMode") == Some(b"External") {
                continue;
            }
            let text = |name: &str| tag.text(name).map(Option::unwrap_or_default).map_err(|e| self::xml(e, limit));
            let (kind, target) = (text("Type")?, text("Target")?);
            relations.push(Relation {
                id: text("Id")?,
                kind: kind.rsplit('/').next().unwrap_or_default().to_owned(),
                target: join(folder, &target),
            });
        }
        Ok(relations)
    }
}

/// A path as seen from a folder; one that begins with `/` is seen from the root.
fn join(folder: &str, path: &str) -> String {
    let mut steps: Vec<&str> = if path.starts_with('/') { vec![] } else { folder.split('/').collect() };
    for step in path.split('/') {
        match step {
            ".." => drop(steps.pop()),
            "." => {}
            step => steps.push(step),
        }
    }
    steps.retain(|step| !step.is_empty());
    steps.join("/")
}

fn broken(error: impl std::fmt::Display) -> Trouble {
    Trouble::damaged(error.to_string().to_lowercase())
}

/// What an error means that comes up while a part of at most `limit` bytes is read.
pub(super) fn io(error: &io::Error, limit: u64) -> Trouble {
    match error.kind() {
        io::ErrorKind::FileTooLarge => Trouble::TooLarge(Budget::Inflated, limit, None),
        io::ErrorKind::UnexpectedEof => Trouble::damaged("it is cut off"),
        _ => broken(error),
    }
}

pub(super) fn xml(error: XmlError, limit: u64) -> Trouble {
    match error {
        XmlError::Io(error) => io(&error, limit),
        XmlError::Broken(reason) => Trouble::damaged(reason),
    }
}
