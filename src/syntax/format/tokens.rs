//! The text of one statement as tokens: the leaves of the parse, and the punctuation between them.

use pest::iterators::Pair;

use super::super::Rule;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub text: String,
    pub kind: Kind,
    /// Brackets around it.
    pub depth: usize,
    /// Whether it stood on a new line.
    pub starts_line: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Word,
    /// The name of a function, which its bracket follows at once.
    Called,
    /// `and` and `or` between conditions, `+`, `<`: what a line may be broken before. The first number binds loosest.
    Operator(u8),
    /// The sign of a number.
    Sign,
    Mark,
    Comment,
}

/// The tokens of a list of pairs whose text starts at byte `from` of the file.
pub(super) fn tokens<'a>(
    pairs: impl Iterator<Item = Pair<'a, Rule>>,
    text: &str,
    from: usize,
    to: usize,
) -> Vec<Token> {
    let mut reader = Reader { text, at: from, depth: 0, tokens: vec![] };
    pairs.for_each(|pair| reader.pair(pair, None));
    reader.marks(to);
    reader.tokens
}

struct Reader<'a> {
    text: &'a str,
    /// Everything before is read.
    at: usize,
    depth: usize,
    tokens: Vec<Token>,
}

impl Reader<'_> {
    fn pair(&mut self, pair: Pair<Rule>, parent: Option<Rule>) {
        let rule = pair.as_rule();
        let whole = matches!(rule, Rule::string | Rule::percent | Rule::moment | Rule::comment);
        let mut inner = pair.clone().into_inner().peekable();
        if !whole && inner.peek().is_some() {
            for (nth, child) in inner.enumerate() {
                let called = rule == Rule::call && nth == 0;
                self.pair(child, Some(if called { Rule::call } else { rule_of(rule) }));
            }
            return;
        }
        let (start, raw) = (pair.as_span().start(), pair.as_str().trim_end());
        self.marks(start);
        let kind = match (rule, parent) {
            (Rule::comment, _) => Kind::Comment,
            (Rule::name, Some(Rule::call)) => Kind::Called,
            (Rule::kw_or, Some(Rule::disjunction)) => Kind::Operator(0),
            (Rule::kw_and, Some(Rule::conjunction | Rule::choice)) => Kind::Operator(2),
            (Rule::kw_then | Rule::kw_else, _) => Kind::Operator(1),
            (Rule::comparator, Some(Rule::compare)) => Kind::Operator(4),
            (Rule::add_op, _) => Kind::Operator(5),
            (Rule::mul_op, _) => Kind::Operator(6),
            (Rule::minus, _) => Kind::Sign,
            _ => Kind::Word,
        };
        let text = if rule == Rule::percent { raw.replace(' ', "") } else { raw.to_owned() };
        self.push(text, kind, start);
        self.at = start + raw.len();
    }

    /// The punctuation up to byte `to`.
    fn marks(&mut self, to: usize) {
        while self.at < to {
            let rest = &self.text[self.at..to];
            let Some(mark) = rest.chars().next() else { break };
            let text = if rest.starts_with("..") { ".." } else { &rest[..mark.len_utf8()] };
            if !mark.is_whitespace() {
                if matches!(text, ")" | "]") {
                    self.depth = self.depth.saturating_sub(1);
                }
                self.push(text.to_owned(), Kind::Mark, self.at);
                if matches!(text, "(" | "[") {
                    self.depth += 1;
                }
            }
            self.at += text.len();
        }
    }

    fn push(&mut self, text: String, kind: Kind, start: usize) {
        let line = self.text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let starts_line = self.text[line..start].trim().is_empty();
        self.tokens.push(Token { text, kind, depth: self.depth, starts_line });
    }
}

/// The rule as a parent sees it: only the name at the head of a call is a called one.
fn rule_of(rule: Rule) -> Rule {
    if rule == Rule::call { Rule::argument } else { rule }
}

/// Whether a blank stands between two tokens.
pub(super) fn spaced(left: &Token, right: &Token) -> bool {
    let tight_after =
        left.kind == Kind::Sign || (left.kind == Kind::Mark && matches!(&*left.text, "(" | "[" | "." | ".."));
    let tight_before = right.kind == Kind::Mark
        && (matches!(&*right.text, ")" | "]" | "," | ":" | "." | "..")
            || (right.text == "(" && left.kind == Kind::Called));
    !tight_after && !tight_before
}

/// Tokens on one line.
pub(super) fn joined(tokens: &[Token]) -> String {
    let mut line = String::new();
    for (nth, token) in tokens.iter().enumerate() {
        if nth > 0 && spaced(&tokens[nth - 1], token) {
            line.push(' ');
        }
        line.push_str(&token.text);
    }
    line
}

/// Tokens over as many lines as it takes to keep each within `width`, broken where the statement binds loosest; lines
/// after the first are indented by two more than `indent`.
pub(super) fn wrapped(tokens: &[Token], indent: usize, width: usize) -> Vec<String> {
    let line = joined(tokens);
    if indent + line.chars().count() <= width {
        return vec![line];
    }
    // A break stands before an operator and after a comma; nothing is broken before its first token.
    let level = |at: usize| match (&tokens[at - 1], &tokens[at]) {
        (_, Token { kind: Kind::Operator(binding), depth, .. }) => Some((*depth, *binding)),
        (Token { kind: Kind::Mark, text, depth, .. }, _) if text == "," => Some((*depth, 3)),
        _ => None,
    };
    let Some(loosest) = (1..tokens.len()).filter_map(level).min() else { return vec![line] };
    let mut lines: Vec<String> = vec![];
    let mut start = 0;
    for at in (1..=tokens.len()).filter(|at| *at == tokens.len() || level(*at) == Some(loosest)) {
        let further = if start == 0 { indent } else { indent + 2 };
        let piece = wrapped(&tokens[start..at], further, width);
        let pad = if start == 0 { "" } else { "  " };
        lines.extend(piece.into_iter().map(|line| format!("{pad}{line}")));
        start = at;
    }
    lines
}

/// Tokens among which comments stand: lines stay as they were.
pub(super) fn kept(tokens: &[Token]) -> Vec<String> {
    let mut lines: Vec<String> = vec![];
    let mut line = String::new();
    for (nth, token) in tokens.iter().enumerate() {
        let previous = nth.checked_sub(1).map(|before| &tokens[before]);
        let after_comment = previous.is_some_and(|before| before.kind == Kind::Comment);
        if previous.is_some() && (token.starts_line || after_comment) {
            lines.push(std::mem::take(&mut line));
            line.push_str("  ");
        } else if token.kind == Kind::Comment && previous.is_some() {
            line.push_str("  ");
        } else if previous.is_some_and(|before| spaced(before, token)) {
            line.push(' ');
        }
        line.push_str(&token.text);
    }
    lines.push(line);
    lines
}
