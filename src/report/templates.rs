//! The templates: embedded ones, a folder that replaces some of them, and the rules under which they run.
//!
//! Names decide how text is escaped: `.html` as HTML, `.md` as Markdown, `.css` and `.js` not at all, which is why these
//! two receive nothing that a user wrote. An undefined name is an error, recursion is bounded.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, escape_formatter};
use sha2::{Digest, Sha256};

use super::{ReportError, markdown};

/// A template of more bytes than this is refused.
const LARGEST: u64 = 1 << 20;
const RECURSION: usize = 60;
/// Instructions that a report may take: ours needs a small part of them, a loop in a loop of a user's template ends.
const FUEL: u64 = 50_000_000;

const EMBEDDED: [(&str, &str); 11] = [
    ("report.html", include_str!("../../reports/report.html")),
    ("section.html", include_str!("../../reports/section.html")),
    ("figure.html", include_str!("../../reports/figure.html")),
    ("key.html", include_str!("../../reports/key.html")),
    ("card.html", include_str!("../../reports/card.html")),
    ("table.html", include_str!("../../reports/table.html")),
    ("report.css", include_str!("../../reports/report.css")),
    ("report.js", include_str!("../../reports/report.js")),
    ("report.md", include_str!("../../reports/report.md")),
    ("diff.html", include_str!("../../reports/diff.html")),
    ("diff.css", include_str!("../../reports/diff.css")),
];

/// A set of templates, ready to render.
#[derive(Debug)]
pub struct Templates {
    environment: Environment<'static>,
    digest: String,
}

impl Templates {
    pub fn embedded() -> Templates {
        Templates::compile(embedded()).expect("the templates in `reports/` parse, as the tests make sure")
    }

    /// The embedded templates, with those files of `folder` in place of them that have the same name; files of other
    /// names that end in `.html`, `.md`, `.css` or `.js` can be included by them.
    ///
    /// Errors: a folder that can't be read or holds none of the names; a file that is not UTF-8, is larger than
    /// 1 MiB, leads out of the folder, or does not parse.
    pub fn from_folder(folder: impl AsRef<Path>) -> Result<Templates, ReportError> {
        let mut sources = embedded();
        let own = read(folder.as_ref())?;
        if !own.keys().any(|name| sources.contains_key(name)) {
            let names: Vec<String> = sources.keys().map(|name| format!("`{name}`")).collect();
            let message = format!("the folder holds none of {}", names.join(", "));
            return Err(refused(folder.as_ref(), message));
        }
        sources.extend(own);
        Templates::compile(sources)
    }

    /// SHA-256 over the names and texts of all templates, in hexadecimal.
    pub fn digest(&self) -> String {
        self.digest.clone()
    }

    pub(super) fn render(&self, name: &str, context: Value) -> Result<String, ReportError> {
        let template = self.environment.get_template(name).map_err(|e| explained(name, &e))?;
        template.render(context).map_err(|e| explained(name, &e))
    }

    fn compile(sources: BTreeMap<String, String>) -> Result<Templates, ReportError> {
        let mut hash = Sha256::new();
        for (name, text) in &sources {
            // Lengths keep (`a`, `bc`) and (`ab`, `c`) apart.
            hash.update(format!("{}:{name}{}:{text}", name.len(), text.len()));
        }
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(|name| match name.rsplit('.').next() {
            Some("md") => AutoEscape::Custom("markdown".into()),
            Some("css" | "js") => AutoEscape::None,
            _ => AutoEscape::Html,
        });
        environment.set_formatter(format);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_recursion_limit(RECURSION);
        environment.set_fuel(Some(FUEL));
        environment.set_syntax(syntax());
        // Only for the names in messages; it costs a copy of the source when a template fails.
        environment.set_debug(true);
        markdown::register(&mut environment);
        for (name, text) in sources {
            environment.add_template_owned(name.clone(), text).map_err(|e| explained(&name, &e))?;
        }
        Ok(Templates { environment, digest: hex(&hash.finalize()) })
    }
}

/// A line that holds only a tag leaves no blank line behind.
fn syntax() -> SyntaxConfig {
    SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().expect("the default delimiters do not clash")
}

fn format(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    let markdown = matches!(state.auto_escape(), AutoEscape::Custom(name) if name == "markdown");
    if !markdown {
        return escape_formatter(out, state, value);
    }
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    let text = value.to_string();
    if value.is_safe() {
        out.write_str(&text)?
    } else {
        out.write_str(&markdown::escaped(&text))?
    }
    Ok(())
}

fn embedded() -> BTreeMap<String, String> {
    EMBEDDED.iter().map(|(name, text)| ((*name).to_owned(), unix(text))).collect()
}

/// The templates of a folder by name. Nothing outside the folder is opened.
fn read(folder: &Path) -> Result<BTreeMap<String, String>, ReportError> {
    let root = folder.canonicalize().map_err(|e| refused(folder, e.to_string()))?;
    let mut own = BTreeMap::new();
    for entry in fs::read_dir(&root).map_err(|e| refused(folder, e.to_string()))? {
        let entry = entry.map_err(|e| refused(folder, e.to_string()))?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let known = [".html", ".md", ".css", ".js"].iter().any(|ending| name.ends_with(ending));
        if !known || name.starts_with('.') {
            continue;
        }
        let path = entry.path().canonicalize().map_err(|e| refused(&entry.path(), e.to_string()))?;
        if !path.starts_with(&root) {
            return Err(refused(&entry.path(), "leads out of the template folder".to_owned()));
        }
        let size = fs::metadata(&path).map_err(|e| refused(&path, e.to_string()))?;
        if !size.is_file() {
            continue;
        }
        if size.len() > LARGEST {
            return Err(refused(&entry.path(), format!("{} bytes, at most {LARGEST} are read", size.len())));
        }
        let bytes = fs::read(&path).map_err(|e| refused(&path, e.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|_| refused(&entry.path(), "is not UTF-8 text".to_owned()))?;
        own.insert(name, unix(&text));
    }
    Ok(own)
}

/// A browser reads `\r\n` as `\n`, and a hash in the policy has to fit what the browser reads.
fn unix(text: &str) -> String {
    text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n")
}

fn refused(path: &Path, message: String) -> ReportError {
    ReportError { template: path.display().to_string(), line: None, message }
}

/// The innermost template error has the line that is at fault; those around it are its includes.
fn explained(name: &str, error: &Error) -> ReportError {
    let mut inner = error;
    let mut next: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(error);
    while let Some(source) = next {
        if let Some(template) = source.downcast_ref::<Error>() {
            inner = template;
        }
        next = source.source();
    }
    let mut message = inner.kind().to_string();
    if let Some(detail) = inner.detail() {
        message = format!("{message}: {detail}");
    } else if let Some(text) = inner.range().and_then(|range| inner.template_source()?.get(range)) {
        message = format!("{message}: `{}`", text.trim());
    }
    ReportError { template: inner.name().unwrap_or(name).to_owned(), line: inner.line(), message }
}

/// A rendered style or script, as it stands between its tags.
pub(super) fn block(name: &str, text: &str) -> Result<String, ReportError> {
    let lower = text.to_ascii_lowercase();
    match ["</style", "</script", "<!--"].into_iter().find(|end| lower.contains(end)) {
        Some(end) => {
            let line = lower.lines().position(|l| l.contains(end)).map(|l| l + 1);
            let message = format!("holds `{end}`, which would end its block");
            Err(ReportError { template: name.to_owned(), line, message })
        }
        None => Ok(text.to_owned()),
    }
}

/// `sha256-...`, as a content security policy names a block.
pub(super) fn source_hash(text: &str) -> String {
    format!("sha256-{}", base64(&Sha256::digest(text.as_bytes())))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word = (0..3).fold(0u32, |word, i| word << 8 | u32::from(chunk.get(i).copied().unwrap_or(0)));
        for i in 0..4 {
            let sextet = (word >> (18 - 6 * i)) & 63;
            out.push(if i <= chunk.len() { char::from(ALPHABET[sextet as usize]) } else { '=' });
        }
    }
    out
}
