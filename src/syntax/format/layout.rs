//! Where statements go: indentation, lines that stand in columns below each other, blocks on one line or on several.

use super::super::Rule;
use super::tokens::{Kind, Token, joined, kept, wrapped};

/// Columns of text in a line, at the most; comments and texts in quotes are never cut.
const WIDTH: usize = 120;
const STEP: usize = 2;

/// One entry of a block, with what is written around it.
pub(super) struct Entry {
    /// Whether an empty line stands before it.
    pub blank: bool,
    pub what: What,
    /// The comment at the end of its (last) line.
    pub comment: Option<String>,
}

pub(super) enum What {
    Comment(String),
    Statement {
        rule: Rule,
        tokens: Vec<Token>,
    },
    Block {
        rule: Rule,
        head: Vec<Token>,
        /// The comment behind the opening brace.
        comment: Option<String>,
        body: Vec<Entry>,
    },
    /// What can't be read stays as it is.
    Verbatim(String),
}

/// A line that may stand in columns with its neighbours.
struct Line {
    cells: Vec<String>,
    comment: Option<String>,
}

/// Writes entries at a depth of blocks, every line ended.
pub(super) fn write(entries: &[Entry], depth: usize, out: &mut String) {
    // Rules of labels look alike: all of them with their notes beside them, or all with these below.
    let labels: Vec<&Entry> = entries.iter().filter(|entry| class(entry) == Some(Class::Label)).collect();
    let beside = columns(&labels, depth).is_some();
    let mut at = 0;
    while at < entries.len() {
        let entry = &entries[at];
        if entry.blank && at > 0 {
            out.push('\n');
        }
        let apart = !beside && class(entry) == Some(Class::Label);
        let mut count = if apart { 0 } else { run(&entries[at..]) };
        // Columns end before the first line that would be too long in them.
        while count > 0 {
            let together: Vec<&Entry> = entries[at..at + count].iter().collect();
            if let Some(texts) = columns(&together, depth) {
                texts.iter().for_each(|text| put(out, depth, text));
                break;
            }
            count -= 1;
        }
        if count == 0 {
            many(entry, depth, out);
        }
        at += count.max(1);
    }
}

/// How many entries from the first on may stand in columns together.
fn run(entries: &[Entry]) -> usize {
    let first = entries.first().and_then(class);
    let alike = |(nth, entry): &(usize, &Entry)| (*nth == 0 || !entry.blank) && class(entry) == first;
    if first.is_none() { 0 } else { entries.iter().enumerate().take_while(alike).count() }
}

/// The entries as a line each, in columns; nothing where one of them takes more than a line.
fn columns(entries: &[&Entry], depth: usize) -> Option<Vec<String>> {
    let lines: Vec<Line> = entries.iter().map(|entry| line(entry)).collect::<Option<_>>()?;
    // A comment may reach beyond the width: it can't be broken.
    let bare = lines.iter().map(|line| Line { cells: line.cells.clone(), comment: None }).collect();
    let fits = aligned(bare).iter().all(|text| STEP * depth + text.chars().count() <= WIDTH);
    fits.then(|| aligned(lines))
}

/// What may stand in columns with what.
#[derive(Clone, Copy, PartialEq)]
enum Class {
    /// A word and what it is set to.
    Word,
    Column,
    Definition,
    Filter,
    Label,
    Other(Rule),
}

fn class(entry: &Entry) -> Option<Class> {
    let rule = match &entry.what {
        What::Statement { rule, .. } => *rule,
        What::Block { rule, .. } => *rule,
        What::Comment(_) | What::Verbatim(_) => return None,
    };
    Some(match rule {
        Rule::column => Class::Column,
        Rule::definition | Rule::taken | Rule::fact => Class::Definition,
        Rule::drop | Rule::keep => Class::Filter,
        Rule::label_rule | Rule::otherwise | Rule::noise => Class::Label,
        Rule::baskets | Rule::features | Rule::filter | Rule::given => Class::Other(rule),
        Rule::expect | Rule::expect_label => Class::Other(Rule::expect),
        _ => Class::Word,
    })
}

/// The entry as one line in cells, if it can be one.
fn line(entry: &Entry) -> Option<Line> {
    let comment = entry.comment.clone();
    match &entry.what {
        What::Statement { tokens, .. } if tokens.iter().any(|t| t.kind == Kind::Comment) => None,
        What::Statement { rule, tokens } => Some(Line { cells: cells(*rule, tokens), comment }),
        What::Block { rule, head, comment: None, body } => {
            let [Entry { what: What::Statement { rule: inner, tokens }, comment: None, .. }] = &body[..] else {
                return None;
            };
            let inlined = matches!(
                rule,
                Rule::baskets
                    | Rule::features
                    | Rule::filter
                    | Rule::given
                    | Rule::label_rule
                    | Rule::otherwise
                    | Rule::noise
            );
            if !inlined || tokens.iter().chain(head).any(|t| t.kind == Kind::Comment) {
                return None;
            }
            let inner = cells(*inner, tokens).join(" ");
            let mut cells = cells(*rule, head);
            cells.push(format!("{{ {inner} }}"));
            Some(Line { cells, comment })
        }
        _ => None,
    }
}

/// The statement in cells, each of which stands below that of the line above.
fn cells(rule: Rule, tokens: &[Token]) -> Vec<String> {
    let find = |text: &str| tokens.iter().position(|t| t.depth == 0 && t.text == text && t.kind != Kind::Comment);
    let cuts: Vec<usize> = match rule {
        Rule::definition | Rule::fact => find("=").into_iter().collect(),
        Rule::column => find(":").map(|at| at + 1).into_iter().chain(find("=")).collect(),
        Rule::param | Rule::derive => [1].into_iter().chain(find("=")).collect(),
        Rule::drop | Rule::keep | Rule::label_rule => find("when").into_iter().collect(),
        Rule::otherwise | Rule::noise | Rule::expect | Rule::expect_label | Rule::taken => vec![],
        Rule::baskets | Rule::features | Rule::filter | Rule::given => vec![],
        _ => vec![1],
    };
    let mut cells = vec![];
    let mut start = 0;
    for cut in cuts.into_iter().chain([tokens.len()]).filter(|cut| *cut <= tokens.len()) {
        if cut > start {
            cells.push(joined(&tokens[start..cut]));
            start = cut;
        }
    }
    cells
}

/// Lines whose cells stand below each other, as do the comments behind them.
fn aligned(mut lines: Vec<Line>) -> Vec<String> {
    // `otherwise` has no condition: its label and a rule's label with condition are one cell before the notes.
    let rules: Vec<usize> =
        (0..lines.len()).filter(|i| lines[*i].cells.get(1).is_some_and(|c| c.starts_with("when "))).collect();
    if rules.iter().any(|i| lines[*i].cells[0].starts_with('"')) {
        let width = rules.iter().map(|i| lines[*i].cells[0].chars().count()).max().unwrap_or(0);
        for i in rules {
            let when = lines[i].cells.remove(1);
            lines[i].cells[0] = format!("{:width$} {when}", lines[i].cells[0]);
        }
    }
    let columns = lines.iter().map(|line| line.cells.len()).max().unwrap_or(0);
    let mut texts: Vec<String> = vec![String::new(); lines.len()];
    for column in 0..columns {
        let followed = |line: &&Line| line.cells.len() > column + 1;
        let width = lines.iter().filter(followed).map(|line| line.cells[column].chars().count()).max().unwrap_or(0);
        for (line, text) in lines.iter().zip(&mut texts) {
            let Some(cell) = line.cells.get(column) else { continue };
            match line.cells.len() > column + 1 {
                true => *text += &format!("{cell:width$} "),
                false => *text += cell,
            }
        }
    }
    let width =
        lines.iter().zip(&texts).filter(|(line, _)| line.comment.is_some()).map(|(_, text)| text.chars().count()).max();
    for (line, text) in lines.iter().zip(&mut texts) {
        if let Some(comment) = &line.comment {
            *text = format!("{text:width$}  {comment}", width = width.unwrap_or(0));
        }
    }
    texts
}

/// An entry that takes as many lines as it needs.
fn many(entry: &Entry, depth: usize, out: &mut String) {
    let behind = entry.comment.as_ref().map_or(String::new(), |comment| format!("  {comment}"));
    match &entry.what {
        What::Comment(text) => put(out, depth, text),
        What::Verbatim(text) => put(out, depth, &format!("{text}{behind}")),
        What::Statement { tokens, .. } => {
            let mut lines = lines(tokens, depth, 0);
            if let Some(last) = lines.last_mut() {
                last.push_str(&behind);
            }
            lines.iter().for_each(|line| put(out, depth, line));
        }
        What::Block { head, comment, body, .. } => {
            let mut lines = lines(head, depth, 2);
            let opened = comment.as_ref().map_or(String::new(), |comment| format!("  {comment}"));
            match lines.last_mut() {
                Some(last) if !last.contains('#') || head.last().is_some_and(|t| t.kind != Kind::Comment) => {
                    last.push_str(&format!(" {{{opened}"));
                }
                _ => lines.push(format!("{{{opened}")),
            }
            lines.iter().for_each(|line| put(out, depth, line));
            write(body, depth + 1, out);
            put(out, depth, &format!("}}{behind}"));
        }
    }
}

/// `room` is what follows the last token on its line.
fn lines(tokens: &[Token], depth: usize, room: usize) -> Vec<String> {
    if tokens.iter().any(|token| token.kind == Kind::Comment) {
        kept(tokens)
    } else {
        wrapped(tokens, STEP * depth, WIDTH - room)
    }
}

fn put(out: &mut String, depth: usize, line: &str) {
    for _ in 0..STEP * depth {
        out.push(' ');
    }
    out.push_str(line.trim_end());
    out.push('\n');
}
