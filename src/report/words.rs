//! Words around the numbers: dates, names, verdicts on a silhouette, and rules read aloud. Text from a spec or a table
//! comes out visible (no control characters, no direction overrides) but not escaped: the templates and the
//! SVG writer do that.

use std::fmt::Write;

use super::numbers::fixed;
use crate::time::MONTHS;

/// Text that a user wrote, made safe to look at: control characters and direction overrides become visible.
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' | '\r' => out.push(' '),
            '\0'..='\u{1f}' => out.push(char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}')),
            '\u{7f}'..='\u{9f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                // Writing to a String cannot fail.
                let _ = write!(out, "⟨U+{:04X}⟩", u32::from(c));
            }
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// [`clean`] for text of several lines, such as a spec: line ends stay.
pub fn clean_lines(text: &str) -> Vec<String> {
    text.lines().map(|line| clean(&line.replace('\t', "    "))).collect()
}

/// `1 December 2010`, from an ISO 8601 date or time; other text as it is.
pub fn date(iso: &str) -> String {
    parse_date(iso).unwrap_or_else(|| clean(iso))
}

/// `10 December 2011, 12:50`; midnight is left out.
pub fn moment(iso: &str) -> String {
    match (parse_date(iso), iso.get(11..16)) {
        (Some(date), Some(time)) if time != "00:00" => format!("{date}, {time}"),
        (Some(date), _) => date,
        (None, _) => clean(iso),
    }
}

fn parse_date(iso: &str) -> Option<String> {
    let mut parts = iso.get(..10)?.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let numeric = [year, month, day].iter().all(|p| p.bytes().all(|b| b.is_ascii_digit()));
    let month = MONTHS.get(month.parse::<usize>().ok()?.checked_sub(1)?)?;
    numeric.then(|| format!("{}\u{a0}{month}\u{a0}{year}", day.trim_start_matches('0')))
}

/// `1 December 2010 to 9 December 2011`.
pub fn period(first: &str, last: &str) -> String {
    let (first, last) = (date(first), date(last));
    if first == last { first } else { format!("{first} to {last}") }
}

/// `a`, `a and b`, `a, b and c`.
pub fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// `Recency` for `recency`, `Clv 12m` for `clv_12m`.
pub fn name(feature: &str) -> String {
    let spaced = clean(&feature.replace('_', " "));
    let mut chars = spaced.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => spaced,
    }
}

/// Text in parts: `true` for what stood between backticks, as names do in messages.
pub fn spans(text: &str) -> Vec<(bool, String)> {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        // A backtick without a partner is only a sign.
        return vec![(false, text.to_owned())];
    }
    parts.iter().enumerate().map(|(i, part)| (i % 2 == 1, (*part).to_owned())).collect()
}

/// Text without the backticks around names.
pub fn unquoted(text: &str) -> String {
    clean(&text.replace('`', ""))
}

/// The first letter small, unless the word looks like an abbreviation.
pub fn inside_sentence(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), second) if !second.is_some_and(char::is_uppercase) => first.to_lowercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}

/// How much structure a mean silhouette speaks for, after Kaufman and Rousseeuw, Finding Groups in Data (1990), table 4.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Structure {
    Strong,
    Reasonable,
    Weak,
    None,
}

impl Structure {
    pub fn of(silhouette: f64) -> Structure {
        match silhouette {
            s if s > 0.7 => Structure::Strong,
            s if s > 0.5 => Structure::Reasonable,
            s if s > 0.25 => Structure::Weak,
            _ => Structure::None,
        }
    }

    pub fn words(self) -> &'static str {
        match self {
            Structure::Strong => "strong structure",
            Structure::Reasonable => "reasonable structure",
            Structure::Weak => "weak structure",
            Structure::None => "no substantial structure",
        }
    }

    /// What it means for someone who acts on the segments.
    pub fn sentence(self, silhouette: f64) -> String {
        let number = fixed(silhouette, 2);
        match self {
            Structure::Strong => format!("The groups are clearly apart (mean silhouette {number})."),
            Structure::Reasonable => {
                format!("The groups are reasonably apart, with some customers in between (mean silhouette {number}).")
            }
            Structure::Weak => format!(
                "The groups overlap (mean silhouette {number}): typical members differ, but a customer near a border \
                 could as well be next door."
            ),
            Structure::None => format!(
                "The data shows no clear groups (mean silhouette {number}): read the segments as slices of one \
                 continuous crowd, not as kinds of customers."
            ),
        }
    }
}

/// A method's name as people write it.
pub fn method(method: &str) -> String {
    match method {
        "kmeans" => "k-means".to_owned(),
        "gmm" => "Gaussian mixture".to_owned(),
        "dbscan" => "DBSCAN".to_owned(),
        "hdbscan" => "HDBSCAN".to_owned(),
        "minibatch" => "mini-batch k-means".to_owned(),
        "ward" => "Ward's agglomerative clustering".to_owned(),
        other => clean(other),
    }
}

/// What a scaling does, in words.
pub fn scaling(scale: &str) -> String {
    match scale {
        "zscore" => "zscore: mean 0, standard deviation 1".to_owned(),
        "minmax" => "minmax: smallest 0, largest 1".to_owned(),
        "robust" => "robust: median 0, interquartile range 1".to_owned(),
        "none" => "none".to_owned(),
        other => clean(other),
    }
}

/// A rule's condition, read aloud token by token: `recency < all.recency` is `recency below the recency of all`.
///
/// Only operators are reworded; names, numbers and texts stay as they are, so the words say what the rule says.
pub fn aloud(condition: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut rest = condition.trim();
    while let Some(first) = rest.chars().next() {
        let length = token_length(rest, first);
        let (token, after) = rest.split_at(length);
        words.push(match token {
            "<" => "below".to_owned(),
            "<=" => "at most".to_owned(),
            ">" => "above".to_owned(),
            ">=" => "at least".to_owned(),
            "=" | "==" => "equal to".to_owned(),
            "!=" | "<>" => "different from".to_owned(),
            "*" => "×".to_owned(),
            "/" => "÷".to_owned(),
            "-" => "\u{2212}".to_owned(),
            token => match token.strip_prefix("all.") {
                Some(feature) if !feature.is_empty() => format!("the {} of all", feature.replace('_', " ")),
                _ if is_number(token) => token.replace('_', ","),
                _ if is_name(token) => token.replace('_', " "),
                _ => clean(token),
            },
        });
        rest = after.trim_start();
        // Brackets and commas hug their neighbours, as in the source.
        if after.len() == rest.len() && !rest.is_empty() {
            words.push(String::new());
        }
    }
    join_words(&words)
}

/// Byte length of the token that `rest` starts with.
fn token_length(rest: &str, first: char) -> usize {
    let run = |accept: fn(char) -> bool| rest.find(|c| !accept(c)).unwrap_or(rest.len());
    if first == '"' {
        return rest[1..].find('"').map_or(rest.len(), |end| end + 2);
    }
    if first.is_alphanumeric() || first == '_' || first == '@' {
        return run(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '@' | '%'));
    }
    if "<>=!".contains(first) {
        return run(|c| "<>=!".contains(c));
    }
    first.len_utf8()
}

fn is_number(token: &str) -> bool {
    token.starts_with(|c: char| c.is_ascii_digit())
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Joins with blanks, save where an empty word says that two tokens touched; reworded operators get their blanks anyway.
fn join_words(words: &[String]) -> String {
    let mut out = String::new();
    let mut touching = false;
    for word in words {
        if word.is_empty() {
            touching = true;
            continue;
        }
        let symbol = |c: Option<char>| c.is_some_and(|c| "()[],.".contains(c));
        let hug = touching && (symbol(word.chars().next()) || symbol(out.chars().last()));
        if !out.is_empty() && !hug {
            out.push(' ');
        }
        out.push_str(word);
        touching = false;
    }
    out
}

/// About how wide `text` is at `size`, for laying out a chart without the reader's font at hand.
pub fn width(text: &str, size: f64) -> f64 {
    let em: f64 = text
        .chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | ' ' | '\u{a0}' => 0.30,
            'f' | 't' | 'r' | '(' | ')' | '-' | '/' => 0.40,
            'm' | 'w' | 'M' | 'W' | '%' | '@' => 0.90,
            'A'..='Z' => 0.68,
            c if u32::from(c) < 0x1100 => 0.57,
            _ => 1.0,
        })
        .sum();
    em * size
}

/// `text`, shortened with an ellipsis to fit `room`.
pub fn fit(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in text.chars() {
        out.push(c);
        if width(&out, size) + size > room {
            out.pop();
            break;
        }
    }
    format!("{}…", out.trim_end())
}
