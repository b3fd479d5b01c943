//! The words of the trade, from `trade.txt`: how headers, status columns, countries and currencies are called.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::Role;
use super::roles::ALL;

/// Headers that name a role.
#[derive(Debug, Default)]
pub(super) struct Headers {
    /// How sure a phrase is, 1 to 10, and its words.
    pub phrases: Vec<(u8, Vec<String>)>,
    /// Words that say that something else is meant.
    pub not: BTreeSet<String>,
}

#[derive(Default)]
struct Trade {
    headers: BTreeMap<Role, Headers>,
    qualifies: BTreeSet<String>,
    undone: BTreeSet<String>,
    anonymous: BTreeSet<String>,
    /// The header that gives a system away, and what another header means there.
    systems: Vec<(String, String, Role)>,
    countries: BTreeMap<String, String>,
    currencies: BTreeSet<String>,
}

static TRADE: LazyLock<Trade> = LazyLock::new(|| read(include_str!("trade.txt")));

/// What headers of this role are called.
pub(super) fn headers(role: Role) -> &'static Headers {
    &TRADE.headers[&role]
}

/// The role that the system which the headers are from gives to one of them.
pub(super) fn of_the_system(headers: &[String], header: &str) -> Option<Role> {
    let header = plain(header);
    let is_there = |sign: &String| headers.iter().any(|header| plain(header) == *sign);
    let systems = TRADE.systems.iter().filter(|(_, other, _)| *other == header);
    systems.filter(|(sign, ..)| is_there(sign)).map(|(.., role)| *role).next()
}

/// Whether a word turns a tax into a qualification: `price incl. tax`.
pub(super) fn qualifies(word: &str) -> bool {
    TRADE.qualifies.contains(word)
}

/// Whether an order with this status came to nothing or was undone.
pub(crate) fn is_undone(status: &str) -> bool {
    let status = plain(status);
    TRADE.undone.contains(status.strip_prefix("wc ").unwrap_or(&status))
}

/// Whether the text stands for a customer whom nobody knows.
pub(crate) fn is_anonymous(customer: &str) -> bool {
    TRADE.anonymous.contains(&plain(customer))
}

/// The money of a country, by its code or name.
pub(crate) fn money_of(country: &str) -> Option<&'static str> {
    TRADE.countries.get(&plain(country)).map(String::as_str)
}

/// Whether the text is a code of ISO 4217.
pub(crate) fn is_currency(code: &str) -> bool {
    TRADE.currencies.contains(&code.trim().to_uppercase())
}

/// The currency that a sign or a word means, and whether it can't be another one.
pub(crate) fn currency_of(sign: &str) -> Option<(&'static str, bool)> {
    let upper = sign.trim().trim_end_matches('.').to_uppercase();
    if let Some(code) = TRADE.currencies.get(&upper) {
        return Some((code, true));
    }
    Some(match upper.as_str() {
        "€" | "EURO" | "EUROS" => ("EUR", true),
        "£" | "POUND" | "POUNDS" | "STERLING" => ("GBP", true),
        "US$" | "USD$" => ("USD", true),
        "$" | "DOLLAR" | "DOLLARS" => ("USD", false),
        "A$" | "AU$" => ("AUD", true),
        "C$" | "CA$" => ("CAD", true),
        "NZ$" => ("NZD", true),
        "R$" => ("BRL", true),
        "MX$" => ("MXN", true),
        "₹" | "RS" => ("INR", true),
        "₺" | "TL" => ("TRY", true),
        "₪" => ("ILS", true),
        "₽" | "РУБ" => ("RUB", true),
        "₩" => ("KRW", true),
        "ZŁ" => ("PLN", true),
        "KČ" => ("CZK", true),
        "FT" => ("HUF", true),
        "LEI" => ("RON", true),
        "FR" => ("CHF", false),
        "KR" => ("SEK", false),
        "¥" | "￥" => ("JPY", false),
        _ => return None,
    })
}

/// Whether amounts with this sign may be in a currency; what nobody knows may be in any.
pub(crate) fn may_mean(sign: &str, currency: &str) -> bool {
    // Signs that several countries have, with those of their currencies that are in use.
    let shared: &[&str] = match sign.trim().trim_end_matches('.').to_uppercase().as_str() {
        "$" => &[
            "USD", "AUD", "BBD", "BMD", "BND", "BSD", "BZD", "CAD", "CLP", "COP", "DOP", "FJD", "GYD", "HKD", "JMD",
            "KYD", "ARS", "LRD", "MXN", "NAD", "NZD", "SBD", "SGD", "SRD", "TTD", "TWD", "UYU", "XCD", "BRL",
        ],
        "£" => &["GBP", "EGP", "FKP", "GIP", "LBP", "SHP", "SSP", "SYP"],
        "KR" => &["DKK", "ISK", "NOK", "SEK"],
        "FR" => &["BIF", "CDF", "CHF", "DJF", "GNF", "KMF", "RWF", "XAF", "XOF", "XPF"],
        "¥" | "￥" => &["CNY", "JPY"],
        "RS" => &["INR", "LKR", "MUR", "NPR", "PKR", "SCR"],
        "LEI" => &["MDL", "RON"],
        _ => return currency_of(sign).is_none_or(|(code, certain)| !certain || code == currency),
    };
    shared.contains(&currency)
}

/// The words of a header, as the lists have them: `InvoiceNo` is `invoice no`, `Kunden-Nr.` is `kunden nr`.
pub(crate) fn plain(text: &str) -> String {
    let mut words = String::new();
    let mut before: Option<char> = None;
    let mut chars = text.trim().chars().peekable();
    while let Some(c) = chars.next() {
        let next_is_small = chars.peek().is_some_and(|next| next.is_lowercase());
        // `customerID` and `SKUCode`.
        let starts_word = c.is_uppercase()
            && before.is_some_and(|before| before.is_lowercase() || (before.is_uppercase() && next_is_small));
        if (starts_word || !c.is_alphanumeric()) && !words.is_empty() && !words.ends_with(' ') {
            words.push(' ');
        }
        if c.is_alphanumeric() {
            c.to_lowercase().for_each(|c| without_accent(c, &mut words));
        }
        before = Some(c);
    }
    words.truncate(words.trim_end().len());
    words
}

fn without_accent(c: char, out: &mut String) {
    match c {
        'à'..='å' => out.push('a'),
        'ç' => out.push('c'),
        'è'..='ë' => out.push('e'),
        'ì'..='ï' => out.push('i'),
        'ñ' => out.push('n'),
        'ò'..='ö' | 'ø' => out.push('o'),
        'ù'..='ü' => out.push('u'),
        'ß' => out.push_str("ss"),
        'æ' => out.push_str("ae"),
        'œ' => out.push_str("oe"),
        'ą' | 'ă' | 'ā' => out.push('a'),
        'ć' | 'č' => out.push('c'),
        'ď' | 'đ' => out.push('d'),
        'ę' | 'ě' | 'ē' => out.push('e'),
        'ğ' => out.push('g'),
        'ı' | 'ī' => out.push('i'),
        'ł' | 'ľ' => out.push('l'),
        'ń' | 'ň' => out.push('n'),
        'ő' => out.push('o'),
        'ř' => out.push('r'),
        'ś' | 'š' | 'ş' | 'ș' => out.push('s'),
        'ť' | 'ț' => out.push('t'),
        'ů' | 'ű' | 'ū' => out.push('u'),
        'ý' => out.push('y'),
        'ź' | 'ż' | 'ž' => out.push('z'),
        'º' | '°' => {}
        c => out.push(c),
    }
}

fn role(name: &str) -> Role {
    ALL.into_iter().find(|role| role.word() == name).expect("`trade.txt` names roles")
}

/// Sections of entries, which go on in indented lines.
fn read(text: &str) -> Trade {
    let mut trade = Trade::default();
    let mut section = "";
    let mut entries: Vec<(&str, String, String)> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        } else if let (Some((_, _, words)), true) = (entries.last_mut(), line.starts_with(' ')) {
            words.push_str(line);
        } else if let Some((key, words)) = line.split_once(": ") {
            entries.push((section, key.to_owned(), words.to_owned()));
        }
    }
    for (section, key, words) in entries {
        let words = words.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned);
        match section {
            "qualifies" => trade.qualifies.extend(words),
            "undone" => trade.undone.extend(words),
            "anonymous" => trade.anonymous.extend(words),
            "currencies" => trade.currencies.extend(words),
            "countries" => trade.countries.extend(words.map(|word| (word, key.clone()))),
            section if section.starts_with("beside ") => {
                let system = |word| (section["beside ".len()..].to_owned(), word, role(&key));
                trade.systems.extend(words.map(system));
            }
            section => {
                let name = section.strip_prefix("header ").unwrap_or_default();
                let headers = trade.headers.entry(role(name)).or_default();
                match key.parse() {
                    Ok(sure) => {
                        let phrase = |words: String| (sure, words.split(' ').map(str::to_owned).collect());
                        headers.phrases.extend(words.map(phrase));
                    }
                    Err(_) => headers.not.extend(words),
                }
            }
        }
    }
    trade
}
