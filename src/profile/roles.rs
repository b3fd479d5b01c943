//! What each column is to a shop: told by its header, in the words of [`super::trade`], and by its content, which has
//! the last word.

use serde::{Deserialize, Serialize};

use super::reading::Analysis;
use super::trade;
use crate::ingest::Kind;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Who bought.
    Customer,
    /// What was bought at once: an invoice, an order, a receipt.
    Invoice,
    /// When.
    Date,
    Quantity,
    /// Of one piece.
    Price,
    /// Of the row.
    Amount,
    /// Of the whole invoice, perhaps on every row of it.
    Total,
    /// A code.
    Product,
    /// A description.
    Item,
    Country,
    Status,
    /// A code of ISO 4217 beside the amounts.
    Currency,
}

/// The role of a column, and why.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Given {
    pub role: Role,
    pub why: String,
}

/// A column that may have a role.
struct Candidate {
    role: Role,
    column: usize,
    /// Up to 10 from the header, up to 4 from the content.
    score: f64,
    why: String,
}

/// Of two columns with scores so near each other, either may be meant.
const NEAR: f64 = 3.0;

/// The roles in the order in which a shop needs them.
pub const ALL: [Role; 12] = [
    Role::Customer,
    Role::Invoice,
    Role::Date,
    Role::Quantity,
    Role::Price,
    Role::Amount,
    Role::Total,
    Role::Product,
    Role::Item,
    Role::Country,
    Role::Status,
    Role::Currency,
];

impl Role {
    /// The name of such a column in a spec.
    pub fn word(self) -> &'static str {
        match self {
            Role::Customer => "customer",
            Role::Invoice => "invoice",
            Role::Date => "date",
            Role::Quantity => "quantity",
            Role::Price => "price",
            Role::Amount => "amount",
            Role::Total => "total",
            Role::Product => "product",
            Role::Item => "item",
            Role::Country => "country",
            Role::Status => "status",
            Role::Currency => "currency",
        }
    }
}

/// The columns of a file that is looked at.
#[derive(Clone, Copy)]
pub(super) struct Table<'a> {
    pub headers: &'a [String],
    /// Whether the headers are those of the file, and no mere numbers.
    pub named: bool,
    pub columns: &'a [Analysis<'a>],
    pub rows: u64,
}

/// At most one column for each role and one role for each column: where several fit equally, the first in the file.
/// `stated` are known already.
pub(super) fn assign(table: Table, stated: &[(Role, usize)]) -> Vec<Option<Given>> {
    let Table { headers, columns, .. } = table;
    let mut candidates: Vec<Candidate> = Vec::new();
    for role in ALL {
        if stated.iter().any(|(other, _)| *other == role) {
            continue;
        }
        let free = |column: &usize| stated.iter().all(|(_, other)| other != column);
        candidates.extend((0..columns.len()).filter(free).filter_map(|at| weigh(role, at, table)));
    }
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score).then((a.role, a.column).cmp(&(b.role, b.column))));
    let mut given: Vec<Option<Given>> = vec![None; columns.len()];
    for (role, column) in stated {
        given[*column] = Some(Given { role: *role, why: "you said so".to_owned() });
    }
    let mut scores = vec![0.0; columns.len()];
    for candidate in &candidates {
        let taken = given.iter().flatten().any(|given| given.role == candidate.role);
        if !taken && given[candidate.column].is_none() {
            scores[candidate.column] = candidate.score;
            given[candidate.column] = Some(Given { role: candidate.role, why: candidate.why.clone() });
        }
    }
    for at in 0..columns.len() {
        let Some(own) = given[at].as_ref().map(|given| given.role) else { continue };
        let rival = candidates.iter().find(|other| {
            other.role == own && given[other.column].is_none() && scores[at] > 0.0 && scores[at] - other.score < NEAR
        });
        if let (Some(rival), Some(given)) = (rival, &mut given[at]) {
            let first = if rival.score < scores[at] { "" } else { ", and the first of them was taken" };
            given.why += &format!("; `{}` would fit as well{first}", headers[rival.column]);
        }
    }
    given
}

/// How well a column fits a role, if it does at all.
fn weigh(role: Role, column: usize, table: Table) -> Option<Candidate> {
    let Table { headers, .. } = table;
    let header = &headers[column];
    let named = match trade::of_the_system(headers, header) {
        Some(other) => (other == role).then_some(10.0)?,
        None if table.named => name_score(role, header)?,
        None => 0.0,
    };
    let (content, why) = content_score(role, column, table, named)?;
    let score = named + content;
    let why = match (named > 0.0, why) {
        (true, "") => format!("its header is `{header}`"),
        (true, why) => format!("its header is `{header}`; {why}"),
        (false, why) => why.to_owned(),
    };
    (score > 0.0 && !why.is_empty()).then_some(Candidate { role, column, score, why })
}

/// Whether a header surely names a date.
pub(super) fn is_date(header: &str) -> bool {
    name_score(Role::Date, header).is_some_and(|score| score >= 7.0)
}

/// How surely a header names a role: 0 to 10, or nothing where it says that something else is meant.
fn name_score(role: Role, header: &str) -> Option<f64> {
    let plain = trade::plain(header);
    let words: Vec<&str> = plain.split(' ').filter(|word| !trade::is_currency(word)).collect();
    let joined: String = words.concat();
    let known = trade::headers(role);
    if let Some((sure, _)) = known.phrases.iter().find(|(_, phrase)| phrase.concat() == joined) {
        return Some(f64::from(*sure));
    }
    let otherwise = words.iter().any(|word| known.not.contains(*word));
    if otherwise && !words.iter().any(|word| trade::qualifies(word)) {
        return None;
    }
    let mut best = 0.0_f64;
    for (sure, phrase) in &known.phrases {
        // A vague word among others says nothing.
        if phrase.len() >= words.len() || joined.len() < 3 || (*sure < 5 && phrase.len() == 1) {
            continue;
        }
        let Some(at) = words.windows(phrase.len()).position(|window| window == phrase) else { continue };
        let covered = phrase.len() as f64 / words.len() as f64;
        // The noun that is qualified stands last in Germanic languages.
        let last = if at + phrase.len() == words.len() { 1.0 } else { 0.0 };
        best = best.max(f64::from(*sure) * (0.5 + 0.3 * covered) + last);
    }
    Some(best)
}

/// What the content adds, with words for it; nothing where the content forbids the role.
fn content_score(role: Role, at: usize, table: Table, named: f64) -> Option<(f64, &'static str)> {
    let Table { columns, rows, .. } = table;
    let column = &columns[at];
    let distinct = column.gathered.tally.distinct();
    if column.known == 0 {
        return None;
    }
    let amounts = column.is_number() && column.kind != Kind::Share;
    let names = matches!(column.kind, Kind::Text | Kind::Int);
    let share_of_texts = |holds: fn(&str) -> bool| column.count_texts(holds) as f64 / column.known as f64;
    match role {
        Role::Customer => {
            if (!names && (column.kind != Kind::Number || column.has_decimals())) || distinct < 2 {
                return None;
            }
            let emails = share_of_texts(is_email) > 0.8;
            let repeats = if distinct * 10 <= column.known * 9 { 1.0 } else { -1.0 };
            match (named > 0.0, emails) {
                (_, true) => Some((repeats + if named > 0.0 { 0.5 } else { 5.0 }, "it holds e-mail addresses")),
                (true, false) => Some((repeats, "")),
                // Nothing but the content can tell.
                (false, false) if !table.named && repeats > 0.0 && distinct >= 10 && distinct * 100 >= column.known => {
                    Some((repeats, "its values come back as customers do, and no column has a name"))
                }
                (false, false) => None,
            }
        }
        Role::Invoice => match names && distinct >= 2 {
            true if named >= 5.0 => Some((1.0, "")),
            // A header such as `id` or `Name` says it only of texts that look like numbers of orders.
            true if named > 0.0 => {
                let coded = share_of_texts(|text| text.len() <= 40 && text.bytes().any(|byte| byte.is_ascii_digit()));
                (coded > 0.9).then_some((1.0, "its texts look like numbers of orders"))
            }
            _ => None,
        },
        Role::Date if column.is_time() => match (named > 0.0, columns.iter().filter(|c| c.is_time()).count()) {
            (true, _) => Some((2.0, "")),
            (false, 1) => Some((3.0, "it is the only column of dates")),
            (false, _) => Some((1.0, "it holds dates")),
        },
        Role::Quantity if amounts && named > 0.0 => Some((if column.has_decimals() { -1.0 } else { 1.0 }, "")),
        Role::Price | Role::Total if amounts && named > 0.0 => {
            Some((if column.has_decimals() || column.currency.is_some() { 1.0 } else { 0.0 }, ""))
        }
        Role::Amount if amounts => {
            let money = |column: &Analysis| column.currency.is_some() || column.has_decimals();
            match (named > 0.0, money(column), columns.iter().filter(|c| c.is_number() && money(c)).count()) {
                (true, money, _) => Some((if money { 1.0 } else { 0.0 }, "")),
                (false, true, 1) if column.currency.is_some() => Some((3.0, "it is the only column of money")),
                (false, true, 1) => Some((2.0, "it is the only column of numbers with decimals")),
                _ => None,
            }
        }
        Role::Product if named > 0.0 && names && distinct >= 2 => {
            let words = share_of_texts(|text| text.trim().contains(' '));
            Some((if words > 0.5 { -2.0 } else { 1.0 }, ""))
        }
        Role::Item if named > 0.0 && column.kind == Kind::Text => Some((1.0, "")),
        Role::Country if column.kind == Kind::Text && distinct <= 400 => {
            let known = share_of_texts(|text| trade::money_of(text).is_some());
            match (named > 0.0, known > 0.5) {
                (true, true) => Some((3.0, "")),
                (true, false) => Some((-1.0, "")),
                (false, true) if distinct >= 2 && rows >= 20 => Some((4.0, "it holds names or codes of countries")),
                _ => None,
            }
        }
        Role::Status if named > 0.0 && column.kind == Kind::Text && distinct <= 60 => {
            let undone = column.texts.iter().any(|(text, _)| trade::is_undone(&text.text));
            Some((if undone { 2.0 } else { 0.0 }, ""))
        }
        Role::Currency if column.kind == Kind::Text && distinct <= 60 && share_of_texts(trade::is_currency) > 0.95 => {
            Some((if named > 0.0 { 2.0 } else { 6.0 }, "it holds codes of currencies"))
        }
        _ => None,
    }
}

fn is_email(text: &str) -> bool {
    let text = text.trim();
    text.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !host.contains('@') && !text.contains(char::is_whitespace)
    })
}
