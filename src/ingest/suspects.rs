//! Signs in the words of a text column that something was lost or changed before the file came here: such words are kept
//! as they are, and pointed out.

use std::collections::{HashMap, HashSet};

use encoding_rs::WINDOWS_1252;

use super::{ColumnRequest, Detection, Kind, headers};
use crate::table::TextColumn;

/// Words by which systems and people say that there is no value. Whether this one does, only its owner knows.
pub(crate) const NOTHING: [&str; 23] = [
    "NULL",
    "null",
    "Null",
    "(null)",
    "NaN",
    "nan",
    "NaT",
    "NA",
    "<NA>",
    "N/A",
    "n/a",
    "None",
    "nil",
    "\\N",
    "(blank)",
    "undefined",
    "#N/A",
    "#REF!",
    "#VALUE!",
    "#NAME?",
    "#DIV/0!",
    "#NUM!",
    "#NULL!",
];
/// Marks that mean the same where an id should stand; among other texts they mean many things.
pub(crate) const NO_ID: [&str; 4] = ["-", "--", "?", "."];

/// The word, if it is one of those that stand for nothing.
pub(super) fn word_for_nothing(text: &str) -> Option<&'static str> {
    NOTHING.into_iter().find(|word| *word == text)
}

/// What to write into a spec so that a word is a missing value.
pub(super) fn missing(word: &str) -> String {
    format!("missing \"{}\"", word.replace('\\', "\\\\"))
}

/// What to report of a column; `index` is its place in the request and `header` the one it has in the file.
pub(super) fn look(index: usize, column: &ColumnRequest, header: &str, text: &TextColumn) -> Vec<Detection> {
    let mut found = Vec::new();
    // `words` are codes of words that have something in common; `tell` makes the value of the first.
    let mut report = |what, words: Vec<usize>, tell: &dyn Fn(&str) -> String, pin: String| {
        let Some(first) = words.first().map(|code| &*text.words[*code]) else { return };
        let codes: HashSet<u32> = words.iter().map(|code| *code as u32).collect();
        let cells = text.codes.iter().filter(|code| codes.contains(code)).count();
        let cells = if cells == 1 { "1 cell".to_owned() } else { format!("{cells} cells") };
        let value = tell(first);
        let evidence = match what {
            "missing value" => format!("{cells} with this word"),
            _ => format!("{cells}, the first of them `{}`", visible(first)),
        };
        found.push(Detection { what, column: Some(index), value, evidence, pin, certain: false });
    };
    let those = |sign: &dyn Fn(&str) -> bool| -> Vec<usize> {
        text.words.iter().enumerate().filter(|(_, word)| sign(word)).map(|(code, _)| code).collect()
    };
    let nothing = |word: &str| NOTHING.contains(&word) || (column.kind == Kind::Id && NO_ID.contains(&word));
    for code in those(&|word| word.len() <= 9 && nothing(word)) {
        report("missing value", vec![code], &|word| format!("`{word}` is text"), missing(&text.words[code]));
    }
    let no_pin = String::new;
    let lost = |_: &str| "the mark for a character that could not be read stands in their place".to_owned();
    report("lost characters", those(&|word| word.contains('\u{fffd}')), &lost, no_pin());
    let twice = |word: &str| format!("`{word}` was `{}`", encoded_once(word).unwrap_or_default());
    report("characters encoded twice", those(&|word| encoded_once(word).is_some()), &twice, no_pin());
    let unseen = |word: &str| format!("`{}` looks like another", visible(word));
    report("invisible characters", those(&|word| !word.is_ascii() && word.contains(is_invisible)), &unseen, no_pin());
    if column.kind == Kind::Id {
        let rounded = |_: &str| "a spreadsheet has rounded them and written them as numbers".to_owned();
        report("rounded ids", those(&is_scientific), &rounded, no_pin());
        // Tables of all words are made only where there is a first sign.
        let pointed = those(&|word| word.ends_with(".0"));
        let words: HashSet<&str> = text.words.iter().map(|word| &**word).filter(|_| !pointed.is_empty()).collect();
        let whole = |code: &usize| text.words[*code].strip_suffix(".0").is_some_and(|whole| words.contains(whole));
        let with_point = pointed.into_iter().filter(whole).collect();
        let differ = |word: &str| format!("`{word}` is another than `{}`", word.trim_end_matches(".0"));
        let pin = headers::line(&ColumnRequest { kind: Kind::Int, ..column.clone() }, header);
        report("ids with and without a decimal point", with_point, &differ, pin);
        let any = |class: fn(char) -> bool| text.words.iter().any(|word| word.contains(class));
        let mut forms: HashMap<String, u32> = HashMap::new();
        if any(char::is_lowercase) && any(char::is_uppercase) {
            text.words.iter().for_each(|word| *forms.entry(word.to_lowercase()).or_default() += 1);
        }
        let many = those(&|word| !forms.is_empty() && forms[&word.to_lowercase()] > 1);
        let alike = |word: &str| {
            let other =
                text.words.iter().find(|other| ***other != *word && other.to_lowercase() == word.to_lowercase());
            format!("`{word}` is another than `{}`", other.map(|other| &**other).unwrap_or_default())
        };
        report("ids that differ only in case", many, &alike, no_pin());
    }
    found
}

/// What a word was before its UTF-8 was taken for windows-1252, if it looks as if that had happened.
fn encoded_once(word: &str) -> Option<String> {
    if word.is_ascii() {
        return None;
    }
    // Letters of Western Europe seldom follow each other so that their bytes are UTF-8.
    let (bytes, _, unknown) = WINDOWS_1252.encode(word);
    let once = String::from_utf8(bytes.into_owned()).ok().filter(|_| !unknown)?;
    (!once.contains(char::is_control)).then_some(once)
}

/// Takes no room on paper: joiners, marks of direction, soft hyphens.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

fn visible(word: &str) -> String {
    let mut shown = String::new();
    for c in word.chars().take(60) {
        if is_invisible(c) || c.is_control() { shown.extend(c.escape_unicode()) } else { shown.push(c) }
    }
    shown
}

/// `1.23457E+11`, which a spreadsheet makes of `123456789012`.
fn is_scientific(word: &str) -> bool {
    let Some((digits, exponent)) = word.split_once("E+") else { return false };
    let figures = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, part) = digits.split_once(['.', ',']).unwrap_or((digits, "0"));
    whole.len() == 1 && figures(whole) && figures(part) && figures(exponent)
}
