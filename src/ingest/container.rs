//! What kind of file something is, told by its first bytes and never by its name; and the digest of its bytes.

use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::error::{Budget, IngestError, Result};
use super::{InputFile, Limits};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    Text,
    /// Text or anything else in it.
    Gzip,
    /// Text or anything else in it.
    Zstd,
    Xlsx,
    Xlsb,
    Ods,
    /// Excel 97 to 2003.
    Xls,
    /// A workbook with a password.
    Encrypted,
    Parquet,
    /// With an encrypted end, which says what is in it.
    EncryptedParquet,
    Sqlite,
    Zip,
    Bzip2,
    Xz,
    SevenZip,
    Pdf,
    Html,
    Xml,
    Json,
    Rtf,
    /// Text with four bytes for each character.
    Utf32,
    /// Of a word processor or for slides.
    Document,
    Image,
    /// Bytes that are neither text nor any of the above.
    Binary,
}

/// With its article, as in "it is a PDF file".
impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Container::Text => "a text file",
            Container::Gzip => "a gzip archive",
            Container::Xlsx => "an XLSX workbook",
            Container::Xlsb => "an XLSB workbook",
            Container::Ods => "an ODS workbook",
            Container::Xls => "an XLS workbook",
            Container::Encrypted => "a workbook protected by a password",
            Container::Parquet => "a Parquet file",
            Container::EncryptedParquet => "an encrypted Parquet file",
            Container::Sqlite => "an SQLite database",
            Container::Zip => "a zip archive",
            Container::Zstd => "a zstd archive",
            Container::Bzip2 => "a bzip2 archive",
            Container::Xz => "an xz archive",
            Container::SevenZip => "a 7z archive",
            Container::Pdf => "a PDF file",
            Container::Html => "an HTML page",
            Container::Xml => "an XML file",
            Container::Json => "a JSON file",
            Container::Rtf => "an RTF document",
            Container::Utf32 => "a text file in UTF-32",
            Container::Document => "a document, not a table",
            Container::Image => "an image",
            Container::Binary => "a binary file",
        })
    }
}

/// Bytes that are enough to tell.
pub(super) const HEAD: usize = 8 << 10;

/// The kind of the file, and its size and time of change.
pub(super) fn identify(file: &InputFile, limits: &Limits) -> Result<(Container, Metadata)> {
    let metadata = std::fs::metadata(&file.path).map_err(|error| unreadable(file, &error))?;
    if !metadata.is_file() {
        return Err(IngestError::NotAFile { file: file.name.clone() });
    }
    let mut handle = File::open(&file.path).map_err(|error| unreadable(file, &error))?;
    let head = read_head(&mut handle).map_err(|error| unreadable(file, &error))?;
    let container = match of_bytes(&head) {
        Container::Zip => of_zip(file, handle, limits)?,
        Container::Xls if is_encrypted(&mut handle).map_err(|error| unreadable(file, &error))? => Container::Encrypted,
        other => other,
    };
    Ok((container, metadata))
}

/// By the first bytes alone.
pub(super) fn of_bytes(head: &[u8]) -> Container {
    const MAGIC: [(&[u8], Container); 19] = [
        (b"\x1f\x8b", Container::Gzip),
        (b"PK\x03\x04", Container::Zip),
        (b"PK\x05\x06", Container::Zip),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Container::Xls),
        (b"PAR1", Container::Parquet),
        (b"PARE", Container::EncryptedParquet),
        (b"SQLite format 3\0", Container::Sqlite),
        (b"\x28\xb5\x2f\xfd", Container::Zstd),
        (b"BZh", Container::Bzip2),
        (b"\xfd7zXZ\0", Container::Xz),
        (b"7z\xbc\xaf\x27\x1c", Container::SevenZip),
        (b"%PDF-", Container::Pdf),
        (b"{\\rtf", Container::Rtf),
        (b"\x89PNG", Container::Image),
        (b"\xff\xd8\xff", Container::Image),
        (b"GIF8", Container::Image),
        (b"\x7fELF", Container::Binary),
        (b"\xff\xfe\0\0", Container::Utf32),
        (b"\0\0\xfe\xff", Container::Utf32),
    ];
    // Zstd lets frames that mean nothing stand before the others, with sixteen marks for them.
    if matches!(head, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..]) {
        return Container::Zstd;
    }
    if let Some((_, container)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
        return *container;
    }
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let lower = text[..text.len().min(64)].to_ascii_lowercase();
    let starts = |words: &[&[u8]]| words.iter().any(|word| lower.starts_with(word));
    let second = text.get(1..).unwrap_or_default().trim_ascii_start().first();
    match (text.first(), second) {
        _ if starts(&[b"<!doctype html", b"<html", b"<head", b"<meta", b"<table", b"<style", b"<body"]) => {
            Container::Html
        }
        _ if starts(&[b"<?xml"]) => Container::Xml,
        (Some(b'{'), Some(b'"')) | (Some(b'['), Some(b'{')) => Container::Json,
        _ => Container::Text,
    }
}

/// SHA-256 of a file as it lies, in hexadecimal.
pub fn digest(path: &Path) -> io::Result<String> {
    let (mut file, mut hasher, mut block) = (File::open(path)?, Sha256::new(), vec![0; 256 << 10]);
    loop {
        match file.read(&mut block) {
            Ok(0) => break,
            Ok(count) => hasher.update(&block[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

pub(super) fn unreadable(file: &InputFile, error: &io::Error) -> IngestError {
    let file = file.name.clone();
    match error.kind() {
        io::ErrorKind::NotFound => IngestError::NotFound { file },
        _ => IngestError::Unreadable { file, reason: error.to_string().to_lowercase() },
    }
}

/// Up to [`HEAD`] bytes, fewer only at the end of the input.
pub(super) fn read_head(reader: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    reader.take(HEAD as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// A zip archive by its parts. Their declared sizes are held against the limits before anything is unpacked.
fn of_zip(file: &InputFile, handle: File, limits: &Limits) -> Result<Container> {
    let damaged = |error: zip::result::ZipError| IngestError::Damaged {
        file: file.name.clone(),
        reason: error.to_string(),
        at: None,
    };
    let cut_off = |_| {
        let reason = "the archive is cut off, or broken".to_owned();
        IngestError::Damaged { file: file.name.clone(), reason, at: None }
    };
    let mut archive = zip::ZipArchive::new(BufReader::new(handle)).map_err(cut_off)?;
    let (mut inflated, mut container) = (0_u64, Container::Zip);
    for index in 0..archive.len() {
        let mut part = archive.by_index_raw(index).map_err(damaged)?;
        inflated = inflated.saturating_add(part.size());
        let name = part.name().map_err(damaged)?.to_ascii_lowercase();
        if name.ends_with("sharedstrings.xml") && part.size() > limits.shared_strings {
            let (budget, limit) = (Budget::SharedStrings, limits.shared_strings);
            return Err(IngestError::TooLarge { file: file.name.clone(), budget, limit, at: None });
        }
        match name.as_str() {
            "xl/workbook.bin" => container = Container::Xlsb,
            "mimetype" => {
                let mut kind = String::new();
                // Stored, not compressed, as OpenDocument wants it, so that the raw bytes are the text.
                if part.read_to_string(&mut kind).is_ok() && kind.contains("opendocument.spreadsheet") {
                    container = Container::Ods;
                }
            }
            "word/document.xml" | "ppt/presentation.xml" => container = Container::Document,
            // Where the workbook lies is free, but every package of this family has this part.
            "[content_types].xml" if container == Container::Zip => container = Container::Xlsx,
            _ => {}
        }
    }
    if inflated > limits.inflated {
        let (budget, limit) = (Budget::Inflated, limits.inflated);
        return Err(IngestError::TooLarge { file: file.name.clone(), budget, limit, at: None });
    }
    Ok(container)
}

/// Whether an OLE file wraps an encrypted package rather than a workbook: its directory says so in UTF-16.
fn is_encrypted(handle: &mut File) -> io::Result<bool> {
    let needle: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    handle.seek(SeekFrom::Start(0))?;
    let mut bytes = Vec::new();
    handle.take(64 << 20).read_to_end(&mut bytes)?;
    Ok(bytes.windows(needle.len()).any(|window| window == needle))
}
