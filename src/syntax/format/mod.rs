//! One layout for every spec: `segc fmt`.
//!
//! Works on the parse itself, where comments and unreadable lines are rules that can be seen. Comments and single empty
//! lines stay where they are, what can't be read stays as it is, and the result is read back and compared by meaning
//! before anybody gets it.

mod layout;
mod tokens;

use pest::Parser;
use pest::iterators::Pair;

use super::ast::Ast;
use super::source::SourceMap;
use super::{Rule, SegParser, errors};
use crate::diagnostics::Diagnostic;
use crate::explain;
use layout::{Entry, What};

/// The text in its one layout, with `\n` at the ends of lines; formatting it again changes nothing.
///
/// `name` is how messages call the file. Lines that can't be read are left as they are.
/// Errors: SEG0101 and its kin where the braces of the file don't close, so that nobody can tell what belongs where.
pub fn format(name: &str, text: &str) -> Result<String, Vec<Diagnostic>> {
    let text = text.replace("\r\n", "\n");
    let before = read(name, &text);
    if let Some(error) = &before.unclosed {
        return Err(vec![error.clone()]);
    }
    let formatted = laid_out(&text).ok_or_else(|| before.diagnostics.clone())?;
    let after = read(name, &formatted);
    // INVARIANT: what is handed over means what was handed in, down to its comments.
    let same = explain::ast(&before.ast) == explain::ast(&after.ast)
        && before.kept == after.kept
        && laid_out(&formatted).as_deref() == Some(&formatted);
    if !same {
        let text = "this is a mistake of segc, not of yours: the formatted spec would not mean the same";
        return Err(vec![
            Diagnostic::error("SEG0901", text).help("please report it with the spec; nothing was written"),
        ]);
    }
    Ok(formatted)
}

/// What has to be the same before and after.
struct Reading {
    ast: Ast,
    diagnostics: Vec<Diagnostic>,
    /// The first error that leaves open where a block ends.
    unclosed: Option<Diagnostic>,
    /// Comments and unreadable lines, in order.
    kept: Vec<String>,
}

fn read(name: &str, text: &str) -> Reading {
    let mut sources = SourceMap::default();
    let file = sources.add(name, text.into());
    let (ast, diagnostics) = super::parse(&sources, file);
    let mut kept = vec![];
    let mut unclosed: Option<Diagnostic> = None;
    match SegParser::parse(Rule::file, text) {
        Ok(pairs) => {
            for pair in pairs.flatten() {
                match pair.as_rule() {
                    Rule::comment => kept.push(pair.as_str().trim_end().to_owned()),
                    Rule::unreadable => kept.push(pair.as_str().trim().to_owned()),
                    Rule::unclosed | Rule::stray => unclosed = unclosed.or_else(|| diagnostics.first().cloned()),
                    _ => {}
                }
            }
        }
        Err(error) => unclosed = Some(errors::whole_file(&error, text, file)),
    }
    if errors::too_large(text, file).is_some() || errors::too_deep(text, file).is_some() {
        unclosed = diagnostics.first().cloned();
    }
    Reading { ast, diagnostics, unclosed, kept }
}

fn laid_out(text: &str) -> Option<String> {
    let whole = SegParser::parse(Rule::file, text).ok()?.next()?;
    let mut reader = Reader { text, at: 0 };
    let entries = reader.entries(whole.into_inner());
    let mut out = String::new();
    layout::write(&entries, 0, &mut out);
    Some(out)
}

struct Reader<'a> {
    text: &'a str,
    /// The end of what stands before.
    at: usize,
}

impl Reader<'_> {
    /// The entries of a block, up to its closing brace.
    fn entries<'p>(&mut self, pairs: impl Iterator<Item = Pair<'p, Rule>>) -> Vec<Entry> {
        let mut entries: Vec<Entry> = vec![];
        for pair in pairs {
            let span = pair.as_span();
            let end = span.start() + pair.as_str().trim_end().len();
            let between = &self.text[self.at..span.start()];
            let (newlines, first) = (between.matches('\n').count(), entries.is_empty());
            match pair.as_rule() {
                Rule::EOI | Rule::close => {
                    self.at = self.at.max(end);
                    continue;
                }
                Rule::comment
                    if newlines == 0
                        && !first
                        && entries.last().is_some_and(|e| e.comment.is_none() && !e.is_comment()) =>
                {
                    let last = entries.last_mut().expect("there is one");
                    last.comment = Some(pair.as_str().trim_end().to_owned());
                    self.at = end;
                }
                _ => {
                    let blank = newlines > 1;
                    let what = self.what(pair);
                    entries.push(Entry { blank, what, comment: None });
                    self.at = self.at.max(end);
                }
            }
        }
        entries
    }

    fn what(&mut self, pair: Pair<Rule>) -> What {
        let rule = pair.as_rule();
        let span = pair.as_span();
        let end = span.start() + pair.as_str().trim_end().len();
        match rule {
            Rule::comment => return What::Comment(pair.as_str().trim_end().to_owned()),
            Rule::stray => return What::Verbatim(pair.as_str().trim().to_owned()),
            _ if pair.clone().into_inner().any(|inner| inner.as_rule() == Rule::unreadable) => {
                return What::Verbatim(pair.as_str().trim().to_owned());
            }
            _ => {}
        }
        // The notes of a label are its block; other statements have theirs themselves.
        let children: Vec<Pair<Rule>> = pair
            .into_inner()
            .flat_map(|child| match child.as_rule() {
                Rule::notes => child.into_inner().collect(),
                _ => vec![child],
            })
            .collect();
        let Some(open) = children.iter().position(|child| child.as_rule() == Rule::open) else {
            return What::Statement {
                rule,
                tokens: tokens::tokens(children.into_iter(), self.text, span.start(), end),
            };
        };
        let brace = children[open].as_span();
        let head = tokens::tokens(children[..open].iter().cloned(), self.text, span.start(), brace.start());
        self.at = brace.end();
        let mut inner = children[open + 1..].iter().cloned().peekable();
        let behind = |pair: &Pair<Rule>, text: &str, at: usize| {
            pair.as_rule() == Rule::comment && !text[at..pair.as_span().start()].contains('\n')
        };
        let comment = inner.next_if(|pair| behind(pair, self.text, self.at)).map(|pair| {
            self.at = pair.as_span().end();
            pair.as_str().trim_end().to_owned()
        });
        What::Block { rule, head, comment, body: self.entries(inner) }
    }
}

impl Entry {
    fn is_comment(&self) -> bool {
        matches!(self.what, What::Comment(_))
    }
}
