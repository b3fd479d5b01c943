//! Connection strings, in the two forms that libpq has for them: a URL, or `key=value` pairs.
//!
//! The driver parses them; what it does not know of TLS (`verify-full`, a file of certificates) is taken out before.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use ::postgres::Config;
use ::postgres::config::{Host, SslMode};

use super::error::Failure;

/// A server, a database and who asks, with a password that is shown nowhere.
#[derive(Clone)]
pub struct Address {
    pub(super) config: Config,
    pub(super) tls: Tls,
    pub(super) secrets: Secrets,
}

/// What is asked of TLS, as libpq understands `sslmode`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tls {
    Disable,
    /// If the server has it; nothing is verified.
    Prefer,
    /// Encrypted, but whoever answers is believed.
    Require,
    /// The certificate is signed by somebody trusted: those in the file, or those that the system trusts.
    VerifyCa(Option<PathBuf>),
    /// And it is that of the host.
    VerifyFull(Option<PathBuf>),
}

/// Seconds to wait for a connection where the address says nothing.
const PATIENCE: Duration = Duration::from_secs(10);

/// What libpq knows and this module does not.
const FOREIGN: [&str; 20] = [
    "service",
    "servicefile",
    "passfile",
    "sslcert",
    "sslkey",
    "sslpassword",
    "sslcertmode",
    "sslcrl",
    "sslcrldir",
    "sslcompression",
    "sslsni",
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
    "krbsrvname",
    "gsslib",
    "gssencmode",
    "gssdelegation",
    "require_auth",
    "requirepeer",
    "fallback_application_name",
];

impl Address {
    /// Understands a connection string. The failure says why it can't be understood, and quotes nothing of it but words
    /// that libpq defines.
    pub fn parse(text: &str) -> Result<Address, Failure> {
        let text = text.trim();
        let bad = |why: &str| Failure::Address(why.to_owned());
        let (rest, settings) = match text.split_once("://") {
            Some(("postgres" | "postgresql", after)) => from_url(text, after),
            Some((scheme, _)) if scheme.chars().all(|c| c.is_ascii_alphanumeric()) => {
                return Err(bad("it is the URL of something else than PostgreSQL"));
            }
            _ if text.is_empty() => return Err(bad("it is empty")),
            _ if !text.contains('=') => return Err(bad("it is neither a URL nor `key=value` pairs")),
            _ => from_pairs(text).ok_or_else(|| bad("its `key=value` pairs can't be taken apart"))?,
        };
        let setting = |name: &str| settings.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        if let Some((foreign, _)) = settings.iter().find(|(key, _)| FOREIGN.contains(&key.as_str())) {
            return Err(Failure::Address(format!("segc can't use `{foreign}`")));
        }
        let roots = setting("sslrootcert").map(|file| (file != "system").then(|| PathBuf::from(file)));
        let tls = match (setting("sslmode").unwrap_or("prefer"), roots) {
            // A stated authority makes `require` verify; the system's authorities are nobody in particular, so that
            // the name counts too.
            ("disable", _) => Tls::Disable,
            ("verify-full", roots) => Tls::VerifyFull(roots.flatten()),
            (_, Some(None)) => Tls::VerifyFull(None),
            ("verify-ca", roots) => Tls::VerifyCa(roots.flatten()),
            ("require", Some(file)) => Tls::VerifyCa(file),
            ("require", None) => Tls::Require,
            ("allow" | "prefer", _) => Tls::Prefer,
            _ => {
                return Err(bad("`sslmode` is none of disable, allow, prefer, require, verify-ca and verify-full"));
            }
        };
        let mut config: Config = rest.parse().map_err(|error: ::postgres::Error| {
            Failure::Address(reason(std::error::Error::source(&error).map_or(String::new(), ToString::to_string)))
        })?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(bad("it names no host"));
        }
        config.ssl_mode(match tls {
            Tls::Disable => SslMode::Disable,
            Tls::Prefer => SslMode::Prefer,
            _ => SslMode::Require,
        });
        config.application_name("segc");
        config.connect_timeout(config.get_connect_timeout().copied().unwrap_or(PATIENCE));
        // A server that is gone without a word is noticed after a minute.
        config.keepalives_idle(Duration::from_secs(30)).keepalives_interval(Duration::from_secs(10));
        config.keepalives_retries(3).tcp_user_timeout(Duration::from_secs(60));
        let secrets = Secrets::of(text, &config);
        Ok(Address { config, tls, secrets })
    }

    /// The same server without TLS.
    pub(super) fn plain(&self) -> Address {
        let mut plain = self.clone();
        plain.config.ssl_mode(SslMode::Disable);
        plain.tls = Tls::Disable;
        plain
    }

    /// Whether the server is reached over a socket of this machine, where there is no TLS.
    pub(super) fn is_local(&self) -> bool {
        self.config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)))
            && self.config.get_hostaddrs().is_empty()
    }

    pub(super) fn patience(&self) -> Duration {
        self.config.get_connect_timeout().copied().unwrap_or(PATIENCE)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(***)")
    }
}

type Settings = Vec<(String, String)>;

/// Whether a setting is looked at here rather than by the driver.
fn is_ours(key: &str) -> bool {
    matches!(key, "sslmode" | "sslrootcert") || FOREIGN.contains(&key)
}

/// The URL without our settings, and these. `after` follows the `://`.
fn from_url(text: &str, after: &str) -> (String, Settings) {
    // A password may hold a `?`; what stands before the `@` is left alone.
    let credentials = after.find('@').map_or(0, |at| at + 1);
    let start = text.len() - after.len() + credentials;
    let Some(query) = text[start..].find('?').map(|at| start + at) else { return (text.to_owned(), vec![]) };
    let (mut settings, mut kept) = (vec![], vec![]);
    for pair in text[query + 1..].split('&') {
        match pair.split_once('=') {
            Some((key, value)) if is_ours(key) => settings.push((key.to_owned(), percent_decoded(value))),
            _ => kept.push(pair),
        }
    }
    let rest = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
    (format!("{}{rest}", &text[..query]), settings)
}

fn percent_decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (vec![], text.as_bytes());
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The pairs without our settings, and these. A value may stand in single quotes; a backslash escapes.
fn from_pairs(text: &str) -> Option<(String, Settings)> {
    let (mut settings, mut kept) = (vec![], String::new());
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.peek().is_none() {
            return Some((kept, settings));
        }
        let mut key = String::new();
        while let Some(c) = chars.next_if(|c| !c.is_whitespace() && *c != '=') {
            key.push(c);
        }
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        chars.next_if_eq(&'=')?;
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        let (quoted, mut value) = (chars.next_if_eq(&'\'').is_some(), String::new());
        loop {
            match chars.next() {
                Some('\\') => value.push(chars.next()?),
                Some('\'') if quoted => break,
                Some(c) if !quoted && c.is_whitespace() => break,
                Some(c) => value.push(c),
                None if quoted => return None,
                None => break,
            }
        }
        if is_ours(&key) {
            settings.push((key, value));
        } else {
            let escaped = value.replace('\\', "\\\\").replace('\'', "\\'");
            kept += &format!("{key}='{escaped}' ");
        }
    }
}

/// What the driver says of a connection string, where that can't quote a piece of it.
fn reason(text: String) -> String {
    let quoted = text.split('`').nth(1).unwrap_or_default();
    let known =
        ["port", "hostaddr", "connect_timeout", "sslmode", "options", "channel_binding", "target_session_attrs"];
    match text.split('`').next() {
        Some(start) if start.starts_with("invalid value") && known.contains(&quoted) => {
            format!("`{quoted}` has a value that it can't have")
        }
        _ if text.contains("unknown option") => "it has an option that PostgreSQL does not know".to_owned(),
        _ => "it can't be taken apart; a password with signs such as `@`, `/` or `%` is percent-encoded in a URL"
            .to_owned(),
    }
}

/// Texts that must not be seen: the connection string, the password, and every piece that may be one of it when the
/// string was written wrongly.
#[derive(Clone, Default)]
pub struct Secrets(Vec<String>);

impl Secrets {
    fn of(text: &str, config: &Config) -> Secrets {
        let mut secrets = vec![text.to_owned()];
        if let Some(password) = config.get_password() {
            secrets.push(String::from_utf8_lossy(password).into_owned());
        }
        // A password that is not encoded as it should be lands in parts between `:` and the last `@`.
        if let Some((_, after)) = text.split_once("://")
            && let Some(end) = after.rfind('@')
            && let Some((_, password)) = after[..end].split_once(':')
        {
            secrets.push(password.to_owned());
            secrets.push(percent_decoded(password));
            secrets.extend(password.split(['@', ':', '/', '?', '#']).map(str::to_owned));
        }
        // Longer ones first, or a part would break up the whole. Too short a part says nothing and is in every text.
        secrets.retain(|secret| secret.chars().count() > 2);
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        Secrets(secrets)
    }

    /// The text with stars in the place of anything secret.
    pub fn hide(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(***)")
    }
}
