//! What to say about text that the grammar can't read. The line is parsed again by the one rule that it seems to be
//! meant for, which tells how far it made sense and what could have come next.

use pest::Parser;
use pest::error::{Error, ErrorVariant, InputLocation};
use pest::iterators::Pair;

use super::limits;
use super::source::{FileId, Span, Spanned};
use super::{Rule, SegParser};
use crate::diagnostics::{Diagnostic, suggest};
use crate::spec::Function;

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
    ("join", Rule::join, "join customers on customer = id"),
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
    ("sink", Rule::sink, "sink crm to sqlite \"crm.db\" { table \"segments\" }"),
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
    ("skip", Rule::setting, "skip 2"),
    ("footer", Rule::setting, "footer 1"),
    ("range", Rule::setting, "range \"B3:H2000\""),
    ("hidden", Rule::setting, "hidden no"),
    ("fill_merged", Rule::setting, "fill_merged yes"),
    ("strict", Rule::setting, "strict yes"),
    ("table", Rule::setting, "table \"public.orders\""),
    ("query", Rule::setting, "query \"SELECT * FROM orders\""),
    ("timezone", Rule::setting, "timezone \"Europe/London\""),
    ("timeout", Rule::setting, "timeout 10 minutes"),
    ("pushdown", Rule::setting, "pushdown no"),
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
    ("covariance", Rule::covariance, "covariance diagonal"),
    ("radius", Rule::radius, "radius 0.5"),
    ("neighbours", Rule::neighbours, "neighbours 10"),
    ("smallest", Rule::smallest, "smallest 25"),
];
const LABEL_ITEMS: &[Statement] = &[
    ("otherwise", Rule::otherwise, "otherwise \"Regulars\""),
    ("noise", Rule::noise, "noise \"Outliers\""),
    ("", Rule::label_rule, "\"Champions\" when monetary >= 1_000 GBP"),
];
const NOTES: &[Statement] = &[
    ("description", Rule::note, "description \"They buy often\""),
    ("action", Rule::note, "action \"Early access\""),
    ("color", Rule::note, "color \"#227e96\""),
];
const TEST_ITEMS: &[Statement] = &[("given", Rule::given, "given {"), ("expect", Rule::expect, "expect \"Champions\"")];
const SINK_ITEMS: &[Statement] =
    &[("table", Rule::sink_table, "table \"segments\""), ("mode", Rule::sink_mode, "mode append")];
const FACTS: &[Statement] = &[("", Rule::fact, "recency = 20 days")];

/// Bytes after an unreadable line that are looked at to explain it.
const REACH: usize = 2000;

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
        Rule::unknown_sink_item => ("`sink`", SINK_ITEMS),
        _ => ("a segmentation", ITEMS),
    };
    let start = pair.as_span().start();
    // Some lines further is enough to see what is wrong, and keeps a file of nothing but such lines quick.
    let text = &text[..text.ceil_char_boundary(pair.as_span().end() + REACH)];
    let word: String = pair.as_str().chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-')).collect();
    let line_span = first_line(Span::new(file, start, start), text);
    let word_span = Span::new(file, start, start + word.len().max(1));

    if continues(pair.as_str()) {
        let before = if word == "where" { "sum(x " } else { "1 " };
        let (at, found) = within_condition(before, start, start, text);
        let help = "an expression goes on in the next line after an operator or before one";
        return explain(found, start, at, text, file, help);
    }
    // The statement that the first word names or nearly names, else the one that starts with a name of its own.
    let exact = statements.iter().find(|(keyword, ..)| !keyword.is_empty() && *keyword == word);
    let unnamed = statements.iter().find(|(keyword, ..)| keyword.is_empty());
    let keywords = || statements.iter().map(|(keyword, ..)| *keyword).filter(|k| !k.is_empty());
    let longer = |k: &&str| word.len() > 2 && (k.starts_with(&word) || (k.len() > 2 && word.starts_with(k)));
    let near = suggest::nearest(&word, keywords()).or_else(|| keywords().find(longer));
    if let Some((_, rule, example)) = exact.or(unnamed) {
        let (at, found) = furthest(*rule, text, start);
        if exact.is_some() || at > start + word.len() || near.is_none() {
            // Whoever speaks of rows means that a row is a customer.
            let of_rows = *rule == Rule::customers && pair.as_str().contains("row");
            let example = if of_rows { "customers by customer, one row each" } else { example };
            return explain(found, start, at, text, file, &format!("a line that works: `{example}`"));
        }
    }
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
    let inside = statements.iter().filter(|(keyword, ..)| *keyword != "segmentation");
    let few = statements.len() <= 3;
    suggest::list(inside.map(|(keyword, _, example)| if few || keyword.is_empty() { *example } else { *keyword }))
}

/// Whether a line can only go on with the expression of the line above.
fn continues(line: &str) -> bool {
    let word: String = line.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    matches!(word.as_str(), "and" | "or" | "between" | "where") || line.starts_with(['+', '*', '/', '<', '>', '=', '!'])
}

/// How far `rule` can read from `start`, and what the grammar would have taken there.
fn furthest(rule: Rule, text: &str, start: usize) -> (usize, Vec<Rule>) {
    match SegParser::parse(rule, &text[start..]) {
        // The statement itself is whole: what bothers stands behind it, or in its last expression, which the parser
        // gave up in the middle because the statement could end there.
        Ok(pairs) => {
            let end = pairs.clone().last().map_or(0, |pair| pair.as_str().trim_end().len());
            let stop = start + end + skip_blanks(&text[start + end..]);
            // Expressions in brackets lie within others: the last one that does not is meant.
            let exprs = pairs.flatten().filter(|pair| pair.as_rule() == Rule::expr).map(|pair| pair.as_span());
            let outer = exprs.reduce(|outer, span| if span.start() >= outer.end() { span } else { outer });
            match outer {
                Some(expr) => within_condition("", start + expr.start(), stop, text),
                None => (stop, vec![]),
            }
        }
        Err(error) => (start + offset(&error), expected(&error)),
    }
}

/// How far the expression at `from` can be read: it is put where something must follow it, so that the parser tells
/// what it missed instead of ending the expression early. `stop` is where the statement could have ended.
fn within_condition(before: &str, from: usize, stop: usize, text: &str) -> (usize, Vec<Rule>) {
    let prefix = format!("if {before}");
    match SegParser::parse(Rule::conditional, &format!("{prefix}{}", &text[from..])) {
        Ok(_) => (stop, vec![]),
        Err(error) => {
            let at = (from + offset(&error)).saturating_sub(prefix.len()).max(stop);
            let found: Vec<Rule> = expected(&error).into_iter().filter(|rule| *rule != Rule::kw_then).collect();
            if at > stop { (at, found) } else { (stop, vec![]) }
        }
    }
}

fn skip_blanks(text: &str) -> usize {
    text.chars().take_while(|c| matches!(c, ' ' | '\t' | '\r')).count()
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

/// What to say where the statement that begins at `start` can't be read on from `at`. `help` is for want of better.
fn explain(expected: Vec<Rule>, start: usize, at: usize, text: &str, file: FileId, help: &str) -> Diagnostic {
    let (at, mut words) = match expected.as_slice() {
        // A statement that has its name and then misses its sign.
        [rule @ (Rule::column | Rule::definition | Rule::fact | Rule::named | Rule::param)] => {
            let word = |from: usize| -> usize {
                let word = text[from..].chars().take_while(|c| is_word(*c) || *c == '.');
                let end = from + word.map(char::len_utf8).sum::<usize>();
                end + skip_blanks(&text[end..])
            };
            let name = if *rule == Rule::param { word(at) } else { at };
            let sign = if matches!(rule, Rule::column | Rule::named) { "`:`" } else { "`=`" };
            (word(name), vec![sign.to_owned()])
        }
        [Rule::kw_not, Rule::kw_missing] => (at, vec!["`missing`".to_owned()]),
        rules => (at, rules.iter().filter(|rule| **rule != Rule::comment).map(|rule| in_words(*rule)).collect()),
    };
    let mut seen = vec![];
    words.retain(|word| {
        !seen.contains(word) && {
            seen.push(word.clone());
            true
        }
    });
    let bracket = open_bracket(&text[start.min(at)..at]).map(|offset| start + offset);
    let at = if bracket.is_none() { end_of_line_before(text, start, at) } else { at };
    let rest = &text[at.min(text.len())..];
    let token: String = match rest.chars().next() {
        None | Some('\n') | Some('\r') => String::new(),
        Some(c) if is_word(c) => rest.chars().take_while(|c| is_word(*c)).collect(),
        Some(c) => c.to_string(),
    };
    let found = if token.is_empty() { "the end of the line".to_owned() } else { format!("`{token}`") };
    let span = Span::new(file, at, at + token.len());
    if rest.starts_with('"') && !rest[1..].lines().next().unwrap_or("").contains('"') {
        return Diagnostic::error("SEG0102", "a text is not closed on its line")
            .at(span, "opened here")
            .help("add `\"` where the text ends");
    }
    if rest.starts_with('"') && rest.lines().next().unwrap_or("").contains('\\') {
        return Diagnostic::error("SEG0102", "a backslash in a text stands before a quote, a backslash, `n` or `t`")
            .at(span, "in this text")
            .help("write a backslash itself as two: `\"a\\\\b\"`");
    }
    if rest.starts_with('@') {
        return Diagnostic::error("SEG0110", "a date has four digits for the year and two for month and day")
            .at(span, "no date")
            .help("write a date as `@2011-12-31`, a time as `@2011-12-31T18:30`");
    }
    if let Some(bracket) = bracket
        && (token == "}" || !words.iter().any(|word| word == "a value"))
        && (token.is_empty() || text[bracket..at].contains('\n'))
    {
        let close = if text[bracket..].starts_with('[') { "]" } else { ")" };
        return Diagnostic::error("SEG0101", "a bracket is not closed")
            .at(Span::new(file, bracket, bracket + 1), "opened here")
            .help(format!("add `{close}` where it ends"));
    }
    let diagnostic = match words.as_slice() {
        [] => Diagnostic::error("SEG0101", format!("{found} can't follow here"))
            .at(span, "the line could have ended before this"),
        [only] => Diagnostic::error("SEG0101", format!("expected {only}, found {found}"))
            .at(span, format!("{only} goes here")),
        [first @ .., last] if words.len() <= 5 => {
            let list = format!("{} or {last}", first.join(", "));
            Diagnostic::error("SEG0101", format!("expected {list}, found {found}")).at(span, "not expected here")
        }
        _ => Diagnostic::error("SEG0101", format!("{found} can't follow here")).at(span, "not expected here"),
    };
    let list = bracket.is_some_and(|at| token == "," && text[..at].trim_end().ends_with(" in"));
    if list {
        return diagnostic.help("write a list in square brackets, for example `in [\"France\", \"Spain\"]`");
    }
    diagnostic.help(slip(&text[..at], rest, &token).unwrap_or_else(|| help.to_owned()))
}

/// Help for the commonest slips of people who write another language every day.
fn slip(before: &str, rest: &str, token: &str) -> Option<String> {
    let before = before.trim_end_matches([' ', '\t']);
    let digits: String = token.chars().take_while(|c| c.is_ascii_digit() || *c == '_').collect();
    let unit = &token[digits.len()..];
    let previous = before.rsplit(|c| !is_word(c)).next().unwrap_or("");
    let line = before.rsplit('\n').next().unwrap_or("").trim_start();
    Some(match rest.chars().next()? {
        '.' if line.starts_with("join ") => {
            "name the columns without their sources, the joined one second: `on customer = id`".to_owned()
        }
        _ if token == "and" && line.starts_with("join ") => "write a comma between the columns of a key".to_owned(),
        '>' if before.ends_with('=') => "write `>=`".to_owned(),
        '<' if before.ends_with('=') => "write `<=`".to_owned(),
        '=' if before.ends_with('=') => "write one `=`".to_owned(),
        '>' if before.ends_with('<') => "write `!=`".to_owned(),
        '&' => "write `and`".to_owned(),
        '|' => "write `or`".to_owned(),
        '!' if !rest.starts_with("!=") => "write `not`".to_owned(),
        '\'' | '‘' | '’' | '“' | '”' | '„' | '«' | '»' => {
            "write texts in double quotes, for example `\"France\"`".to_owned()
        }
        '€' | '$' | '£' | '¥' => "write amounts with the code of the currency, for example `50 EUR`".to_owned(),
        ',' if before.ends_with(|c: char| c.is_ascii_digit())
            && rest[1..].starts_with(|c: char| c.is_ascii_digit()) =>
        {
            "write numbers as in `1_000` or `2.5`".to_owned()
        }
        _ if !digits.is_empty() && is_exponent(unit) => "write numbers out, for example `1_000_000`".to_owned(),
        _ if !digits.is_empty() && unit.starts_with(char::is_alphabetic) => format!("write `{digits} {unit}`"),
        _ if matches!(previous, "low" | "high") => format!("write `{previous} is best`"),
        _ if matches!(token.to_lowercase().as_str(), "null" | "none" | "nil" | "empty") => {
            "write `is missing`".to_owned()
        }
        _ if token == "like" => "write `starts with`, `ends with`, `contains` or `matches`".to_owned(),
        _ if matches!(token, "startswith" | "endswith") => format!("write `{} with`", token.trim_end_matches("with")),
        _ if matches!(token, "else" | "default") => "write `otherwise` before the last label".to_owned(),
        _ if previous == "is" => "compare with `=`; `is` goes with `missing` only".to_owned(),
        _ if !token.is_empty() && Function::find(previous).is_some() => format!("write `{previous}({token})`"),
        _ if in_capitals(token) => format!("write `{}`", token.to_lowercase()),
        _ if in_capitals(previous) => format!("write `{}`", previous.to_lowercase()),
        _ => return None,
    })
}

/// Words of expressions, which some languages write in capitals.
const KEYWORDS: [&str; 18] = [
    "and",
    "or",
    "not",
    "in",
    "is",
    "between",
    "where",
    "when",
    "if",
    "then",
    "else",
    "missing",
    "starts",
    "ends",
    "with",
    "contains",
    "matches",
    "otherwise",
];

/// The `e6` of `1e6`.
fn is_exponent(unit: &str) -> bool {
    unit.strip_prefix(['e', 'E']).is_some_and(|power| power.chars().all(|c| c.is_ascii_digit()))
}

fn in_capitals(word: &str) -> bool {
    KEYWORDS.contains(&word.to_lowercase().as_str()) && !KEYWORDS.contains(&word)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The innermost bracket that opens in `text` and is still open at its end.
fn open_bracket(text: &str) -> Option<usize> {
    let (mut open, mut in_text) = (vec![], false);
    for (at, c) in text.char_indices() {
        match c {
            '"' => in_text = !in_text,
            _ if in_text => {}
            '(' | '[' => open.push(at),
            ')' | ']' => {
                open.pop();
            }
            _ => {}
        }
    }
    open.pop()
}

/// Where the line ends after which `at` is the first word, if the statement began above: what was missed is missed there.
fn end_of_line_before(text: &str, start: usize, at: usize) -> usize {
    let between = &text[start.min(at)..at];
    match between.trim_end_matches([' ', '\t', '\r']).ends_with('\n') {
        true => start + between.trim_end().len(),
        false => at,
    }
}

/// What people call a rule of the grammar.
fn in_words(rule: Rule) -> String {
    let name = format!("{rule:?}");
    if let Some(keyword) = name.strip_prefix("kw_") {
        return match keyword {
            "and" | "or" | "not" | "in" | "is" | "between" | "starts" | "ends" | "contains" | "matches" => {
                "an operator".into()
            }
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
        Rule::expr | Rule::literal | Rule::call | Rule::primary | Rule::conditional | Rule::minus | Rule::unary => {
            "a value"
        }
        Rule::disjunction | Rule::conjunction | Rule::negation | Rule::comparison | Rule::sum | Rule::product => {
            "a value"
        }
        Rule::argument | Rule::best | Rule::named | Rule::duplicate | Rule::rate | Rule::quantity | Rule::moment => {
            "a value"
        }
        Rule::add_op | Rule::mul_op | Rule::comparator | Rule::compare | Rule::between | Rule::within => "an operator",
        Rule::is_missing | Rule::text_test | Rule::text_verb => "an operator",
        Rule::open | Rule::notes => "`{`",
        Rule::close | Rule::unclosed => "`}`",
        Rule::mostly => "`mostly`",
        Rule::unit => "a unit",
        Rule::header => "a header",
        Rule::EOI => "the end of the file",
        _ => "a statement",
    }
    .to_owned()
}

pub(super) fn whole_file(error: &Error<Rule>, text: &str, file: FileId) -> Diagnostic {
    let at = offset(error);
    let lines =
        text.split_inclusive('\n').take_while(|line| matches!(line.trim_start().chars().next(), None | Some('#')));
    let start: usize = lines.map(str::len).sum();
    if text[start..].trim_start().starts_with("segmentation")
        && let Err(error) = SegParser::parse(Rule::segmentation, text[start..].trim_start())
    {
        let start = text.len() - text[start..].trim_start().len();
        let at = start + offset(&error);
        return explain(expected(&error), start, at, text, file, "a spec starts with `segmentation NAME {`");
    }
    if text[at..].starts_with('}') {
        return Diagnostic::error("SEG0104", "this `}` closes nothing")
            .at(Span::new(file, at, at + 1), "no block is open here")
            .help("remove it, or look for a `{` that is missing above");
    }
    explain(expected(error), at, at, text, file, "a spec starts with `segmentation NAME {`")
}

pub(super) fn no_header(span: Span) -> Diagnostic {
    Diagnostic::error("SEG0105", "a spec starts with `segmentation NAME {`")
        .at(span, "this file has none")
        .help("put `segmentation shop {` first and `}` last; a file without it can only be included")
}

pub(super) fn unclosed(open: Span, text: &str) -> Diagnostic {
    let mut diagnostic =
        Diagnostic::error("SEG0103", "a block is never closed").at(first_line(open, text), "opened here");
    if let Some(at) = closed_askew(&text[open.start as usize..]) {
        let block = Span { start: open.start + at as u32, ..open };
        diagnostic = diagnostic.at(first_line(block, text), "by the indentation, this one misses its `}`");
    }
    diagnostic.help("add `}` on a line of its own where the block ends")
}

/// A block in which something stands that can only stand outside: its brace is missing above that.
pub(super) fn unclosed_before(open: Span, misplaced: &Pair<Rule>, text: &str) -> Diagnostic {
    let start = misplaced.as_span().start();
    let word: usize = misplaced.as_str().chars().take_while(|c| is_word(*c)).map(char::len_utf8).sum();
    Diagnostic::error("SEG0103", "a block is never closed")
        .at(first_line(open, text), "opened here")
        .at(Span::new(open.file, start, start + word), "can't stand in a block")
        .help("add `}` on a line of its own where the block ends")
}

/// Whether a line that a block can't read is a statement of the segmentation itself.
pub(super) fn is_misplaced(pair: &Pair<Rule>) -> bool {
    let word: String = pair.as_str().chars().take_while(|c| is_word(*c)).collect();
    let unlike = |rule: Rule| pair.as_rule() != Rule::unknown_item && SegParser::parse(rule, pair.as_str()).is_ok();
    ITEMS.iter().any(|(keyword, rule, _)| *keyword == word && unlike(*rule))
}

fn first_line(span: Span, text: &str) -> Span {
    let line = text[span.start as usize..].lines().next().unwrap_or("").trim_end();
    Span { end: span.start + line.len() as u32, ..span }
}

/// The first block whose line is indented otherwise than the brace that closes it.
fn closed_askew(text: &str) -> Option<usize> {
    let (mut open, mut at): (Vec<(usize, usize)>, usize) = (vec![], 0);
    for line in text.split_inclusive('\n') {
        let code = line.split('#').next().unwrap_or("").trim();
        let indent = line.len() - line.trim_start().len();
        if code.starts_with('}') {
            let (opened, start) = open.pop()?;
            if opened != indent && start > 0 {
                return Some(start);
            }
        }
        if code.ends_with('{') {
            open.push((indent, at + indent));
        }
        at += line.len();
    }
    None
}

pub(super) fn after_the_end(span: Span, found: &str) -> Diagnostic {
    let line = found.lines().next().unwrap_or("").trim_end();
    let span = Span { end: span.start + line.len().max(1) as u32, ..span };
    Diagnostic::error("SEG0104", "something stands behind the end of the segmentation")
        .at(span, "after the closing `}`")
        .help("remove it, or look for a `}` too many above")
}

/// What stands in the place of a text that must not be shown.
pub(super) const HIDDEN: &str = "***";

/// A database is named by a variable. The text may hold a password: it is not repeated here, and [`super::load`] hides
/// it in the text of the spec.
pub(super) fn no_variable(text: &Spanned<String>, before: &str) -> Diagnostic {
    Diagnostic::error("SEG0320", "a database is named by an environment variable, not by its address")
        .at(text.span, "not the name of a variable")
        .help(format!("write `{before} postgres env \"SHOP_DB\"` and set the variable SHOP_DB to the address"))
}

pub(super) fn number_too_large(span: Span) -> Diagnostic {
    Diagnostic::error("SEG0109", "a number has more digits than segc can hold exactly")
        .at(span, "too long")
        .help("a number is at most 9_223_372_036_854_775_807, and has at most 15 decimals")
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
            .help("take rules together, or generate fewer of them")
    })
}

/// Counts brackets before the parser runs, so that the depth allowed is one number on every machine.
pub(super) fn too_deep(text: &str, file: FileId) -> Option<Diagnostic> {
    let (mut depth, mut in_text, mut in_comment, mut prefix, mut ifs) = (0usize, false, false, 0usize, 0usize);
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
        match c {
            '{' | '}' if !in_text && !in_comment => ifs = 0,
            'f' if !in_text && !in_comment && text[..at].ends_with('i') => ifs += 1,
            _ => {}
        }
        if ifs > limits::CONDITIONALS {
            return Some(
                Diagnostic::error("SEG0112", format!("a block may have {} conditionals", limits::CONDITIONALS))
                    .at(Span::new(file, at - 1, at + 1), "one too many")
                    .help("use fewer branches, or `in [...]`"),
            );
        }
        previous = c;
    }
    None
}
