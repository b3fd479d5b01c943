//! Rules of cleaning that data may need. All that might take a row are tried; those that take none are dropped again.

use super::money::Money;
use crate::profile::{Column, Profile, Role};
use crate::syntax::quoted;
use crate::time::{DAY, iso_date};

/// A rule that is tried.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rule {
    pub name: String,
    pub condition: String,
    /// What the condition does not say itself.
    pub why: String,
    /// What it took in the last build.
    pub rows: u64,
    pub doubt: Doubt,
}

/// Rules that stay though they take nothing yet: the next file may have such rows.
const ALWAYS: [&str; 4] = ["no customer", "returned or void", "refunded", "free"];

impl Rule {
    pub fn stays(&self) -> bool {
        self.rows > 0 || ALWAYS.contains(&self.name.as_str())
    }
}

/// What has to be seen before a rule can stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    None,
    /// Only if the rows that it takes are worth less than nothing.
    Negative,
    /// Only if the one below takes nothing.
    SameTotal,
    /// Looks whether the one above is right, and goes.
    OtherTotal,
}

/// Values in one condition at most.
const MOST: usize = 60;

pub(super) fn rules(
    profiles: &[Profile],
    money: Money,
    invoice: bool,
    currency: &str,
    today: Option<i64>,
) -> Vec<Rule> {
    let mut rules = vec![];
    let mut add = |name: &str, condition: String, why: &str, doubt| {
        rules.push(Rule { name: name.to_owned(), condition, why: why.to_owned(), rows: 0, doubt });
    };
    let has = |role| profiles[0].column(role).is_some();
    let all = |role, facts: &dyn Fn(&Column) -> Vec<String>| -> Vec<String> {
        let mut texts: Vec<String> = profiles.iter().filter_map(|p| p.column(role)).flat_map(facts).collect();
        texts.sort();
        texts.dedup();
        texts.truncate(MOST);
        texts
    };
    add("no customer", "customer is missing".to_owned(), "", Doubt::None);
    let anonymous =
        all(Role::Customer, &|column| column.facts.anonymous.iter().map(|text| text.trim().to_owned()).collect());
    if let Some(condition) = one_of("customer", &anonymous) {
        add("anonymous customer", condition, "many people under one name", Doubt::None);
    }
    if has(Role::Currency) {
        let codes = all(Role::Currency, &|column| column.facts.words.iter().map(|(word, _)| word.clone()).collect());
        let others: Vec<String> = codes.into_iter().filter(|code| code.trim().to_uppercase() != currency).collect();
        if let Some(condition) = one_of("currency", &others) {
            add("another currency", condition, "a spec counts in one", Doubt::None);
        }
    }
    let undone = all(Role::Status, &|column| column.facts.undone.clone());
    if let Some(condition) = one_of("status", &undone) {
        add("came to nothing", condition, "", Doubt::None);
    }
    if invoice {
        let prefixes = all(Role::Invoice, &|column| column.facts.prefixes.clone());
        for prefix in &prefixes {
            let name = format!("cancellation {prefix}");
            if let (Some(text), Some(_)) = (quoted(prefix), quoted(&name)) {
                add(&name, format!("invoice starts with {text}"), "", Doubt::Negative);
            }
        }
    }
    add("no date", "at is missing".to_owned(), "", Doubt::None);
    let days = all(Role::Date, &|column| column.facts.placeholders.clone());
    if !days.is_empty() {
        let days: Vec<String> = days.iter().map(|day| format!("@{day}")).collect();
        let why = "days that programs write where there is none";
        add("no real date", format!("date_of(at) in [{}]", days.join(", ")), why, Doubt::None);
    }
    if let (Some(today), true) = (today, profiles.iter().filter_map(|p| p.column(Role::Date)).any(|c| c.facts.future)) {
        let day = iso_date((today.div_euclid(DAY) + 2) * DAY);
        let why = "the day after tomorrow, when this was written; one such row would move `as_of`";
        add("in the future", format!("at >= @{}", day), why, Doubt::None);
    }
    match money {
        Money::Product => {
            add("no quantity", "quantity is missing".to_owned(), "", Doubt::None);
            add("no price", "price is missing".to_owned(), "", Doubt::None);
            add("returned or void", "quantity <= 0".to_owned(), "", Doubt::None);
            add("free", "price <= 0".to_owned(), "", Doubt::None);
        }
        _ => {
            add("no amount", "amount is missing".to_owned(), "", Doubt::None);
            add("refunded", "amount < 0".to_owned(), "", Doubt::None);
            add("free", "amount = 0".to_owned(), "", Doubt::None);
        }
    }
    if money == Money::Total && invoice {
        let known = "invoice is not missing and duplicate on invoice";
        let why = "all rows of an order have its total, which counts once";
        add("another row of the order", format!("{known}, amount"), why, Doubt::SameTotal);
        add("another total of the order", known.to_owned(), "", Doubt::OtherTotal);
    }
    if tells_rows_apart(profiles, invoice) {
        add("repeated row", "duplicate".to_owned(), "equal to an earlier row in every column", Doubt::None);
    }
    rules
}

/// Whether two equal rows are more likely one that was written twice than two purchases.
pub(super) fn tells_rows_apart(profiles: &[Profile], invoice: bool) -> bool {
    let date = profiles[0].column(Role::Date);
    invoice || profiles[0].column(Role::Product).is_some() || date.is_some_and(|column| column.kind == "datetime")
}

/// `status in ["void", "failed"]`.
fn one_of(column: &str, texts: &[String]) -> Option<String> {
    let texts: Vec<String> = texts.iter().filter_map(|text| quoted(text)).collect();
    match texts.as_slice() {
        [] => None,
        [text] => Some(format!("{column} = {text}")),
        several => Some(format!("{column} in [{}]", several.join(", "))),
    }
}
