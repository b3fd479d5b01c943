//! Where text comes from: files by number, and spans into them.

use std::sync::Arc;

/// A file of a spec: the main one is 0, included ones follow in the order in which they are first met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FileId(pub u32);

/// A byte range in one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    pub file: FileId,
    pub start: u32,
    pub end: u32,
}

/// A value with the place where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Spanned<T> {
    pub value: T,
    pub span: Span,
}

/// A name as written.
pub type Name = Spanned<String>;

#[derive(Debug, Clone)]
pub struct SourceFile {
    /// As the reader knows it: the path given on the command line or in the `include`.
    pub name: String,
    pub text: Arc<str>,
}

/// All files that one compilation has read.
#[derive(Debug, Clone, Default)]
pub struct SourceMap {
    pub files: Vec<SourceFile>,
}

impl SourceMap {
    pub fn add(&mut self, name: impl Into<String>, text: Arc<str>) -> FileId {
        self.files.push(SourceFile { name: name.into(), text });
        FileId(self.files.len() as u32 - 1)
    }

    pub fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// The text of a span, as it stands in the file.
    pub fn text(&self, span: Span) -> &str {
        self.file(span.file).text.get(span.start as usize..span.end as usize).unwrap_or("")
    }

    /// Puts stars in the place of a text in quotes, as many as it has bytes: other places stay where they are.
    pub fn hide(&mut self, span: Span) {
        let file = &mut self.files[span.file.0 as usize];
        let (start, end) = (span.start as usize + 1, (span.end as usize).saturating_sub(1));
        if let (Some(before), Some(text), Some(after)) =
            (file.text.get(..start), file.text.get(start..end), file.text.get(end..))
        {
            file.text = format!("{before}{}{after}", "*".repeat(text.len())).into();
        }
    }

    /// Line and column of a byte offset, both from 1; columns count characters.
    pub fn line_column(&self, file: FileId, offset: u32) -> (usize, usize) {
        let text = &self.file(file).text;
        let mut at = (offset as usize).min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        let before = &text[..at];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// The expression of a span on one line, without comments: for headings and tables.
    pub fn one_line(&self, span: Span) -> String {
        let mut out = String::new();
        let (mut in_text, mut in_comment, mut escaped) = (false, false, false);
        for c in self.text(span).chars() {
            match c {
                '\n' => (in_text, in_comment) = (false, false),
                '"' if !in_comment && !escaped => in_text = !in_text,
                '#' if !in_text => in_comment = true,
                _ => {}
            }
            escaped = in_text && c == '\\' && !escaped;
            // Blanks count in a text; elsewhere any number of them is one.
            if in_comment || (c.is_whitespace() && !in_text) {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
            } else {
                out.push(c);
            }
        }
        out.trim().to_owned()
    }
}

impl Span {
    pub fn new(file: FileId, start: usize, end: usize) -> Self {
        Span { file, start: start as u32, end: end as u32 }
    }

    /// The smallest span that holds both.
    pub fn to(self, other: Span) -> Span {
        Span { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

impl<T> Spanned<T> {
    pub fn new(value: T, span: Span) -> Self {
        Spanned { value, span }
    }
}
