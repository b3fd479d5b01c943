//! What to say about text that the grammar can't read. The line is parsed again by the one rule that it seems to be
//! meant for, which tells how far it made sense and what could have come next.

use pest::Parser;
use pest::error::{Error, ErrorVariant, InputLocation};
use pest::iterators::Pair;

use super::limits;
use super::source::{FileId, Span, Spanned};
use super::{Rule, SegParser};
use crate::diagnostics::{Diagnostic, suggest};

/// What a context may hold: the word that a statement starts with, the rule that reads it, an example.
type Statement = (&'static str, Rule, &'static str);

const ITEMS: &[Statement] = &[
    ("segmentation", Rule::segmentation, "segmentation shop {"),
    ("include", Rule::include, "include \"common/cleaning.seg\""),
    ("title", Rule::title, "title \"Our shop\""),
    ("description", Rule::about, "description \"Weekly segments\""),
    ("currency", Rule::currency, "currency GBP"),
    ("param", Rule::param, "param horizon = 90 days"),
    ("source", Rule::source, "source purchases from \"orders.csv\" {"),
    ("derive", Rule::derive, "derive amount = quantity * price"),
    ("revenue", Rule::revenue, "revenue amount"),
    ("time", Rule::time, "time at"),
    ("customers", Rule::customers, "customers by customer"),
    ("filter", Rule::filter, "filter {"),
    ("as_of", Rule::as_of, "as_of max(at) + 1 day"),
    ("baskets", Rule::baskets, "baskets by invoice {"),
    ("features", Rule::features, "features {"),
    ("cluster", Rule::cluster, "cluster {"),
    ("label", Rule::labels, "label clusters {"),
    ("test", Rule::test, "test \"a big spender is a Champion\" {"),
];
const SOURCE_ITEMS: &[Statement] = &[
    ("sheet", Rule::setting, "sheet \"Online Retail\""),
    ("delimiter", Rule::setting, "delimiter \";\""),
    ("encoding", Rule::setting, "encoding \"windows-1252\""),
    ("decimal", Rule::setting, "decimal \",\""),
    ("thousands", Rule::setting, "thousands \".\""),
    ("header", Rule::setting, "header no"),
    ("dates", Rule::setting, "dates \"%d/%m/%Y\""),
    ("missing", Rule::setting, "missing \"NULL\", \"n/a\""),
    ("max_refused", Rule::setting, "max_refused 1%"),
    ("", Rule::column, "customer: id = CustomerID"),
];
const FILTER_ITEMS: &[Statement] = &[
    ("drop", Rule::drop, "drop \"free\" when price <= 0"),
    ("keep", Rule::keep, "keep \"at home\" when country = \"France\""),
];
const DEFINITIONS: &[Statement] = &[("", Rule::definition, "monetary = sum(amount)")];
const CLUSTER_ITEMS: &[Statement] = &[
    ("on", Rule::on, "on log1p(recency), log1p(monetary)"),
    ("scale", Rule::scale, "scale zscore"),
    ("method", Rule::method, "method kmeans"),
    ("k", Rule::k, "k 2..10 by silhouette"),
    ("seed", Rule::seed, "seed 42"),
    ("restarts", Rule::restarts, "restarts 20"),
];
const LABEL_ITEMS: &[Statement] = &[
    ("otherwise", Rule::otherwise, "otherwise \"Regulars\""),
    ("", Rule::label_rule, "\"Champions\" when monetary >= 1_000 GBP"),
];
const NOTES: &[Statement] = &[
    ("description", Rule::note, "description \"They buy often\""),
    ("action", Rule::note, "action \"Early access\""),
    ("color", Rule::note, "color \"#227e96\""),
];
const TEST_ITEMS: &[Statement] =
    &[("given", Rule::given, "given {"), ("expect", Rule::expect, "expect \"Champions\"")];
const FACTS: &[Statement] = &[("", Rule::fact, "recency = 20 days")];

/// A line, or a whole block, that none of the statements of its context can read.
pub(super) fn unreadable(pair: &Pair<Rule>, text: &str, file: FileId) -> Diagnostic {
    let (context, statements) = match pair.as_rule() {
        Rule::unknown_source_item => ("a source", SOURCE_ITEMS),
        Rule::unknown_filter_item => ("`filter`", FILTER_ITEMS),
        Rule::unknown_definition => ("this block", DEFINITIONS),
        Rule::unknown_cluster_item => ("`cluster`", CLUSTER_ITEMS),
        Rule::unknown_label_item => ("`label`", LABEL_ITEMS),
        Rule::unknown_note => ("a label", NOTES),
        Rule::unknown_test_item => ("`test`", TEST_ITEMS),
        Rule::unknown_fact => ("`given`", FACTS),
        _ => ("a segmentation", ITEMS),
    };
    let start = pair.as_span().start();
    let word: String = pair.as_str().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let first_line = pair.as_str().lines().next().unwrap_or("").trim_end();
    let line_span = Span::new(file, start, start + first_line.len());
    let word_span = Span::new(file, start, start + word.len().max(1));

    // The statement that the first word names or nearly names, else the one that starts with a name of its own.
    let exact = statements.iter().find(|(keyword, ..)| !keyword.is_empty() && *keyword == word);
    let unnamed = statements.iter().find(|(keyword, ..)| keyword.is_empty());
    if let Some((_, rule, example)) = exact.or(unnamed) {
        let (at, found) = furthest(*rule, text, start);
        let near = suggest::nearest(&word, statements.iter().map(|(keyword, ..)| *keyword).filter(|k| !k.is_empty()));
        if exact.is_some() || at > start + word.len() || near.is_none() {
            return explain(found, at, text, file).help(format!("a line that works: `{example}`"));
        }
    }
    let near = suggest::nearest(&word, statements.iter().map(|(keyword, ..)| *keyword).filter(|k| !k.is_empty()));
    match near {
        Some(keyword) => {
            let example = statements.iter().find(|(k, ..)| *k == keyword).map_or("", |(.., example)| example);
            Diagnostic::error("SEG0101", format!("`{word}` is no statement of {context}"))
                .at(word_span, format!("did you mean `{keyword}`?"))
                .help(format!("a line that works: `{example}`"))
        }
        None => Diagnostic::error("SEG0101", format!("this line is no statement of {context}"))
            .at(if word.is_empty() { line_span } else { word_span }, "not understood")
            .help(format!("{context} may hold {}", known(statements))),
    }
}

fn known(statements: &[Statement]) -> String {
    suggest::list(statements.iter().map(|(keyword, _, example)| if keyword.is_empty() { *example } else { *keyword }))
}

/// How far `rule` can read from `start`, and what the grammar would have taken there.
fn furthest(rule: Rule, text: &str, start: usize) -> (usize, Vec<Rule>) {
    match SegParser::parse(rule, &text[start..]) {
        // The statement itself is whole: what bothers stands behind it.
        Ok(pairs) => {
            let end = pairs.last().map_or(0, |pair| pair.as_str().trim_end().len());
            let skipped = text[start + end..].chars().take_while(|c| matches!(c, ' ' | '\t' | '\r')).count();
            (start + end + skipped, vec![])
        }
        Err(error) => (start + offset(&error), expected(&error)),
    }
}

fn offset(error: &Error<Rule>) -> usize {
    match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    }
}

fn expected(error: &Error<Rule>) -> Vec<Rule> {
    match &error.variant {
        ErrorVariant::ParsingError { positives, .. } => positives.clone(),
        ErrorVariant::CustomError { .. } => vec![],
    }
}

fn explain(expected: Vec<Rule>, at: usize, text: &str, file: FileId) -> Diagnostic {
    let rest = &text[at.min(text.len())..];
    let token: String = match rest.chars().next() {
        None | Some('\n') | Some('\r') => String::new(),
        Some(c) if c.is_alphanumeric() || c == '_' => {
            rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
        }
        Some(c) => c.to_string(),
    };
    let found = if token.is_empty() { "the end of the line".to_owned() } else { format!("`{token}`") };
    let span = Span::new(file, at, at + token.len().max(1));
    let mut words: Vec<String> = vec![];
    for rule in expected {
        let word = in_words(rule);
        if !words.contains(&word) {
            words.push(word);
        }
    }
    if rest.starts_with('"') && !rest[1..].lines().next().unwrap_or("").contains('"') {
        return Diagnostic::error("SEG0102", "a text is not closed on its line").at(span, "opened here");
    }
    match words.as_slice() {
        [] => Diagnostic::error("SEG0101", format!("{found} can't follow here"))
            .at(span, "the statement could have ended before this"),
        [only] => Diagnostic::error("SEG0101", format!("expected {only}, found {found}"))
            .at(span, format!("{only} goes here")),
        [first @ .., last] => {
            let list = if words.len() > 5 { "something else".to_owned() } else { format!("{} or {last}", first.join(", ")) };
            Diagnostic::error("SEG0101", format!("expected {list}, found {found}")).at(span, "not expected here")
        }
    }
}

/// What people call a rule of the grammar.
fn in_words(rule: Rule) -> String {
    let name = format!("{rule:?}");
    if let Some(keyword) = name.strip_prefix("kw_") {
        return match keyword {
            "and" | "or" | "not" | "in" | "is" | "between" | "starts" | "ends" | "contains" | "matches" => "an operator".into(),
            "if" | "true" | "false" | "missing" | "duplicate" => "a value".into(),
            "about" => "`description`".into(),
            keyword => format!("`{keyword}`"),
        };
    }
    match rule {
        Rule::name | Rule::path | Rule::type_name => "a name",
        Rule::string => "a text in quotes",
        Rule::integer => "a whole number",
        Rule::number | Rule::percent => "a number",
        Rule::expr | Rule::literal | Rule::call | Rule::primary | Rule::conditional | Rule::minus | Rule::unary => "a value",
        Rule::disjunction | Rule::conjunction | Rule::negation | Rule::comparison | Rule::sum | Rule::product => "a value",
        Rule::argument | Rule::best | Rule::named | Rule::duplicate | Rule::rate | Rule::quantity | Rule::moment => "a value",
        Rule::add_op | Rule::mul_op | Rule::comparator | Rule::compare | Rule::between | Rule::within => "an operator",
        Rule::is_missing | Rule::text_test | Rule::text_verb => "an operator",
        Rule::open | Rule::notes => "`{`",
        Rule::close | Rule::unclosed => "`}`",
        Rule::unit => "a unit",
        Rule::header => "a header",
        Rule::EOI => "the end of the file",
        _ => "a statement",
    }
    .to_owned()
}

pub(super) fn whole_file(error: &Error<Rule>, text: &str, file: FileId) -> Diagnostic {
    explain(expected(error), offset(error), text, file).help("a spec starts with `segmentation NAME {`")
}

pub(super) fn no_header(span: Span) -> Diagnostic {
    Diagnostic::error("SEG0105", "a spec starts with `segmentation NAME {`")
        .at(span, "this file has none")
        .help("put `segmentation shop {` first and `}` last; a file without it can only be included")
}

pub(super) fn unclosed(open: Span, text: &str) -> Diagnostic {
    let first_line = text[open.start as usize..].lines().next().unwrap_or("").trim_end();
    let span = Span { end: open.start + first_line.len() as u32, ..open };
    Diagnostic::error("SEG0103", "a block is never closed")
        .at(span, "opened here")
        .help("add `}` on a line of its own where the block ends")
}

pub(super) fn after_the_end(span: Span, found: &str) -> Diagnostic {
    let first_line = found.lines().next().unwrap_or("").trim_end();
    let span = Span { end: span.start + first_line.len().max(1) as u32, ..span };
    Diagnostic::error("SEG0104", "something stands behind the end of the segmentation")
        .at(span, "after the closing `}`")
        .help("remove it, or look for a `}` too many above")
}

pub(super) fn number_too_large(span: Span) -> Diagnostic {
    Diagnostic::error("SEG0109", "a number has more digits than segc can hold exactly")
        .at(span, "at most 18 digits, 15 of them decimals")
}

pub(super) fn no_such_date(text: Spanned<&str>) -> Diagnostic {
    Diagnostic::error("SEG0110", format!("`{}` is no date", text.value))
        .at(text.span, "no such day or time")
        .help("write a date as `@2011-12-31`, a time as `@2011-12-31T18:30`")
}

pub(super) fn too_large(text: &str, file: FileId) -> Option<Diagnostic> {
    (text.len() > limits::TEXT).then(|| {
        Diagnostic::error("SEG0111", format!("a spec may have {} bytes, this one has {}", limits::TEXT, text.len()))
            .at(Span::new(file, 0, 0), "in this file")
    })
}

/// Counts brackets before the parser runs, so that the depth allowed is one number on every machine.
pub(super) fn too_deep(text: &str, file: FileId) -> Option<Diagnostic> {
    let (mut depth, mut in_text, mut in_comment, mut prefix) = (0usize, false, false, 0usize);
    let mut previous = ' ';
    for (at, c) in text.char_indices() {
        match c {
            '\n' => (in_text, in_comment) = (false, false),
            _ if in_comment => {}
            '"' if previous != '\\' => in_text = !in_text,
            _ if in_text => {}
            '#' => in_comment = true,
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        // Signs and `not` before an operand nest like brackets do.
        prefix = match c {
            '-' => prefix + 1,
            't' if text[..at].ends_with("no") => prefix + 1,
            ' ' | 'n' | 'o' => prefix,
            _ => 0,
        };
        if depth > limits::NESTING || prefix > limits::NESTING {
            return Some(
                Diagnostic::error("SEG0112", format!("brackets and signs may nest {} deep", limits::NESTING))
                    .at(Span::new(file, at, at + c.len_utf8()), "one too many")
                    .help("name a part with `derive` or as a feature of its own, and use the name"),
            );
        }
        previous = c;
    }
    None
}
