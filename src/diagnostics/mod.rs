//! What segc has to say to a person: a code, a place, words, and help that can be typed in as it stands.
//!
//! The data is structured; [`render`] turns it into text for people or JSON for programs. Every code has a page in
//! `explanations/`, printed by `segc explain CODE`.

pub mod codes;
pub mod render;
pub mod suggest;

use serde::Serialize;

use crate::syntax::source::Span;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Error,
    Warning,
    Note,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Diagnostic {
    /// `SEG0207`.
    pub code: &'static str,
    pub severity: Severity,
    /// What is wrong, lower case, without a full stop.
    pub message: String,
    /// The first label is the place itself; the others show what it conflicts with.
    pub labels: Vec<Label>,
    /// Where in the data, when the mistake lies there.
    pub place: Option<Place>,
    /// A way to mend it that can be typed in.
    pub help: Option<String>,
    pub notes: Vec<String>,
    /// Whom it is about, when it is about rules.
    pub finding: Option<Finding>,
}

/// Whom rules treat as a diagnostic says, and one of them whom `eval` has seen treated so. All in words that can stand
/// in a spec.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Finding {
    /// Conditions that hold together: `r in 1..2`, `f = 1`; none for everybody.
    pub region: Vec<String>,
    /// Names with values, `missing` for those without.
    pub witness: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    pub span: Span,
    pub text: String,
}

/// A place in a file of data.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Place {
    pub file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl Diagnostic {
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        debug_assert!(codes::find(code).is_some(), "{code} has no page");
        Diagnostic {
            code,
            severity: Severity::Error,
            message: message.into(),
            labels: vec![],
            place: None,
            help: None,
            notes: vec![],
            finding: None,
        }
    }

    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Diagnostic { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Something that is as it may be, worth knowing.
    pub fn remark(code: &'static str, message: impl Into<String>) -> Self {
        Diagnostic { severity: Severity::Note, ..Self::error(code, message) }
    }

    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    pub fn in_data(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    pub fn about(mut self, finding: Finding) -> Self {
        self.finding = Some(finding);
        self
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// How many are warnings: more than remarks, less than errors.
pub fn warnings(diagnostics: &[Diagnostic]) -> usize {
    diagnostics.iter().filter(|d| d.severity == Severity::Warning).count()
}

/// Whether anything in the list stops the work.
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(Diagnostic::is_error)
}

/// Source order: by place of the first label, mistakes without one last, in the order found.
pub fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by_key(|d| d.labels.first().map_or((u32::MAX, 0), |label| (label.span.file.0, label.span.start)));
}
