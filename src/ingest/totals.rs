//! Rows below a table, or between its parts, that sum up the others: as purchases they would count twice.

/// Words for a sum in the languages of common exports, in small letters.
const WORDS: [&str; 50] = [
    "total",
    "totals",
    "grand total",
    "grand totals",
    "subtotal",
    "subtotals",
    "sub total",
    "sub-total",
    "sum",
    "sums",
    "overall total",
    "total sum",
    "report total",
    "sum total",
    "gesamt",
    "gesamtsumme",
    "gesamtergebnis",
    "summe",
    "zwischensumme",
    "insgesamt",
    "total général",
    "total general",
    "somme",
    "sous-total",
    "totaux",
    "totale",
    "totale complessivo",
    "somma",
    "subtotale",
    "suma",
    "suma total",
    "total geral",
    "totales",
    "totaal",
    "eindtotaal",
    "subtotaal",
    "totalt",
    "summa",
    "yhteensä",
    "razem",
    "celkem",
    "součet",
    "összesen",
    "genel toplam",
    "toplam",
    "итого",
    "всего",
    "合計",
    "总计",
    "합계",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// Nothing but such a word, marks and figures.
    Whole,
    /// Such a word after others, as spreadsheets put it below a group: `France Total`.
    Ending,
}

/// Whether a cell, the first of its row, says that the row is a total.
pub(super) fn sign(cell: &str) -> Option<Sign> {
    let word = cell.trim_matches(|c: char| !c.is_alphabetic());
    // Most first cells are figures, and most others are longer than any of the words.
    if word.is_empty() || cell.len() > 64 {
        return None;
    }
    let known = |word: &str| WORDS.contains(&word.to_lowercase().as_str());
    if known(word) {
        let before = cell.split(word).next().unwrap_or_default();
        return Some(if before.contains(char::is_alphanumeric) { Sign::Ending } else { Sign::Whole });
    }
    word.rsplit_once(char::is_whitespace).filter(|(_, last)| known(last)).map(|_| Sign::Ending)
}
