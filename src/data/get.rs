//! `segc data get`: fetches a public data set and makes sure that it is the one.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use ureq::Timeout;
use zip::ZipArchive;

use super::DataError;
use super::dataset::{Dataset, Part};
use super::error::plain;
use super::place::Pending;
use crate::progress::Progress;

#[derive(Debug, Clone)]
pub struct GetOptions {
    /// Where the workbook goes; made if it is not there.
    pub folder: PathBuf,
    /// A mirror to ask instead of the publisher, scheme and host; asked directly, not through a proxy.
    pub server: Option<String>,
    /// How long the server may be silent.
    pub patience: Duration,
    /// How long the whole download may take.
    pub limit: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetFacts {
    pub path: PathBuf,
    pub bytes: u64,
    /// Lower-case hexadecimal.
    pub sha256: String,
    /// False if the right file was there already and nobody was asked.
    pub downloaded: bool,
}

impl GetOptions {
    pub fn new(folder: impl Into<PathBuf>) -> GetOptions {
        let (patience, limit) = (Duration::from_secs(30), Duration::from_secs(20 * 60));
        GetOptions { folder: folder.into(), server: None, patience, limit }
    }
}

/// Downloads a data set, unpacks its workbook into the folder and checks the rows in it, byte for byte.
///
/// Limits: [`Dataset::most_bytes`] on the download and on the workbook, the two times of the options. Asked over https,
/// a server can't send us on to http. The file appears under its name only after the check.
/// Errors: [`DataError::InTheWay`] if another file has the name, which is left as it is; the others say themselves.
pub fn get(dataset: &Dataset, options: &GetOptions, progress: &dyn Progress) -> Result<GetFacts, DataError> {
    let path = options.folder.join(dataset.file);
    let found = path.symlink_metadata().is_ok();
    if found {
        let what = format!("`{}`", path.display());
        let checked = open(&path).and_then(|file| check(file, what, &dataset.sheet, progress));
        checked.map_err(|error| DataError::InTheWay { path: path.clone(), reason: error.to_string() })?;
    } else {
        std::fs::create_dir_all(&options.folder)
            .map_err(|reason| DataError::write("create the folder", &options.folder, &reason))?;
        let server = options.server.as_deref().unwrap_or(dataset.server).trim_end_matches('/');
        let url = format!("{server}{}", dataset.path);
        let archive = download(dataset, options, &url, &path, progress)?;
        let workbook = unpack(dataset, archive, &url, &path, progress)?;
        check(BufReader::new(workbook.reopen()?), answer_of(&url), &dataset.sheet, progress)?;
        workbook.keep()?;
    }
    let (bytes, sha256) = digest(&path)?;
    Ok(GetFacts { path, bytes, sha256, downloaded: !found })
}

fn download(
    dataset: &Dataset,
    options: &GetOptions,
    url: &str,
    beside: &Path,
    progress: &dyn Progress,
) -> Result<Pending, DataError> {
    let explain = |error| explain(error, url, options);
    let mut config = ureq::Agent::config_builder()
        .https_only(url.starts_with("https://"))
        .max_redirects(5)
        .user_agent(concat!("segc/", env!("CARGO_PKG_VERSION")))
        .accept_encoding("identity")
        .timeout_global(Some(options.limit))
        .timeout_connect(Some(options.patience))
        .timeout_per_read(Some(options.patience));
    if options.server.is_some() {
        config = config.proxy(None);
    }
    let mut answer = config.build().new_agent().get(url).call().map_err(explain)?;
    let size = answer.body().content_length();
    let too_large = || DataError::TooLarge { what: answer_of(url), limit: dataset.most_bytes };
    if size.is_some_and(|size| size > dataset.most_bytes) {
        return Err(too_large());
    }
    progress.start("bytes downloaded", size);
    let archive = Pending::new(beside)?;
    // One byte more than allowed is let through, so that too many bytes are told from a broken line.
    let mut body = answer.body_mut().with_config().limit(dataset.most_bytes + 1).reader();
    let copied = copy(&mut body, &mut archive.reopen()?, dataset.most_bytes, progress);
    let bytes = copied.map_err(|stopped| match stopped {
        Stopped::Reading(reason) => explain(reason.into()),
        Stopped::Writing(reason) => DataError::write("write", beside, &reason),
        Stopped::TooLarge => too_large(),
    })?;
    progress.finish(&format!("{bytes} bytes"));
    Ok(archive)
}

fn unpack(
    dataset: &Dataset,
    archive: Pending,
    url: &str,
    path: &Path,
    progress: &dyn Progress,
) -> Result<Pending, DataError> {
    let not = |reason: String| DataError::NotTheDataSet { what: answer_of(url), reason };
    let mut archive = ZipArchive::new(BufReader::new(archive.reopen()?)).map_err(|error| not(zip_reason(&error)))?;
    let mut member = archive
        .by_name(dataset.member)
        .map_err(|error| not(format!("`{}` in it: {}", dataset.member, zip_reason(&error))))?;
    progress.start("bytes unpacked", Some(member.size()));
    let workbook = Pending::new(path)?;
    let copied = copy(&mut member, &mut workbook.reopen()?, dataset.most_bytes, progress);
    let bytes = copied.map_err(|stopped| match stopped {
        Stopped::Reading(reason) => not(format!("`{}` in it is damaged: {}", dataset.member, plain(&reason))),
        Stopped::Writing(reason) => DataError::write("write", path, &reason),
        Stopped::TooLarge => {
            DataError::TooLarge { what: format!("`{}` in the archive", dataset.member), limit: dataset.most_bytes }
        }
    })?;
    progress.finish(&format!("{bytes} bytes"));
    Ok(workbook)
}

/// Reads the part with the rows to its end: ZIP's own directory could say anything.
fn check(workbook: impl Read + Seek, what: String, part: &Part, progress: &dyn Progress) -> Result<(), DataError> {
    let not = |reason: String| DataError::NotTheDataSet { what: what.clone(), reason };
    let mut workbook = ZipArchive::new(workbook).map_err(|error| not(zip_reason(&error)))?;
    let mut found =
        workbook.by_name(part.path).map_err(|error| not(format!("`{}` in it: {}", part.path, zip_reason(&error))))?;
    if (found.size(), found.crc32()) != (part.bytes, part.crc32) {
        return Err(not(format!(
            "`{}` in it has {} bytes with CRC-32 {:08x} and not {} bytes with CRC-32 {:08x}",
            part.path,
            found.size(),
            found.crc32(),
            part.bytes,
            part.crc32
        )));
    }
    progress.start("bytes checked", Some(part.bytes));
    let read = copy(&mut found, &mut io::sink(), part.bytes, progress);
    let read = read.map_err(|stopped| match stopped {
        Stopped::Reading(reason) => not(format!("`{}` in it is damaged: {}", part.path, plain(&reason))),
        Stopped::Writing(_) | Stopped::TooLarge => not(format!("`{}` in it is longer than it says", part.path)),
    })?;
    if read != part.bytes {
        return Err(not(format!("`{}` in it ends after {read} bytes", part.path)));
    }
    progress.finish(&format!("{read} bytes"));
    Ok(())
}

enum Stopped {
    Reading(io::Error),
    Writing(io::Error),
    TooLarge,
}

/// Copies to the end of `from`, at most `limit` bytes, and returns how many there were.
fn copy(from: &mut impl Read, to: &mut impl Write, limit: u64, progress: &dyn Progress) -> Result<u64, Stopped> {
    let mut buffer = vec![0; 1 << 16];
    let mut done = 0;
    loop {
        let n = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Stopped::Reading(error)),
        };
        done += n as u64;
        if done > limit {
            return Err(Stopped::TooLarge);
        }
        to.write_all(&buffer[..n]).map_err(Stopped::Writing)?;
        progress.at(done);
    }
    to.flush().map_err(Stopped::Writing)?;
    Ok(done)
}

fn explain(error: ureq::Error, url: &str, options: &GetOptions) -> DataError {
    let url = url.to_owned();
    match error {
        ureq::Error::StatusCode(status) => DataError::Status { url, status },
        ureq::Error::Timeout(Timeout::Global) => DataError::TooSlow { url, limit: options.limit },
        ureq::Error::Timeout(_) => DataError::Silent { url, limit: options.patience },
        ureq::Error::Io(reason) => DataError::Unreachable { url, reason: plain(&reason) },
        other => DataError::Unreachable { url, reason: other.to_string().to_lowercase() },
    }
}

fn answer_of(url: &str) -> String {
    format!("the answer of `{url}`")
}

fn zip_reason(error: &zip::result::ZipError) -> String {
    error.to_string().to_lowercase()
}

fn open(path: &Path) -> Result<BufReader<File>, DataError> {
    File::open(path).map(BufReader::new).map_err(|reason| DataError::write("read", path, &reason))
}

fn digest(path: &Path) -> Result<(u64, String), DataError> {
    let mut file = open(path)?;
    let mut sha256 = Sha256::new();
    let mut bytes = 0;
    loop {
        let read = file.fill_buf().map_err(|reason| DataError::write("read", path, &reason))?;
        let n = read.len();
        if n == 0 {
            break;
        }
        sha256.update(read);
        bytes += n as u64;
        file.consume(n);
    }
    let hex = sha256.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((bytes, hex))
}
