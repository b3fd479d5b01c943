//! What a row is worth, and in which currency.

use super::draft::Remarked;
use crate::profile::{Column, Profile, Role, money_of};
use crate::report::numbers::count;

/// Where the money of a row comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Money {
    /// A column of what the row is worth.
    Amount,
    /// Quantity times price.
    Product,
    /// A column of what the whole order is worth.
    Total,
    /// A price without a quantity.
    Price,
}

impl Money {
    /// The sum of a row goes before quantity and price, as discounts are in it; the sum of an order comes after them.
    pub fn of(profile: &Profile) -> Option<Money> {
        let has = |role| profile.column(role).is_some();
        if has(Role::Amount) {
            Some(Money::Amount)
        } else if has(Role::Quantity) && has(Role::Price) {
            Some(Money::Product)
        } else if has(Role::Total) {
            Some(Money::Total)
        } else if has(Role::Price) {
            Some(Money::Price)
        } else {
            None
        }
    }

    /// The column that has it, where it is one.
    pub fn column(self) -> Option<Role> {
        match self {
            Money::Amount => Some(Role::Amount),
            Money::Total => Some(Role::Total),
            Money::Price => Some(Role::Price),
            Money::Product => None,
        }
    }
}

/// The currency of the amounts: of a column that says it, of the signs beside the amounts, of a header, of the country of
/// most rows, of the decimal mark; the first of these that tells.
pub(super) fn currency(profile: &Profile, money: Money) -> Remarked {
    let remarked = |text: &str, why: String| Remarked { text: text.to_owned(), why };
    if let Some(stated) = profile.column(Role::Currency).and_then(|column| column.common.first()) {
        let code = stated.value.trim().to_uppercase();
        let which = format!("what {} rows say", count(stated.count));
        if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return remarked(&code, which);
        }
    }
    let columns = match money {
        Money::Product => vec![Role::Price],
        _ => money.column().into_iter().chain([Role::Price]).collect(),
    };
    let signs = columns.into_iter().filter_map(|role| profile.column(role)?.currency.as_ref());
    if let Some(sign) = signs.max_by_key(|currency| currency.certain) {
        let guess = if sign.certain { "" } else { "a guess: " };
        return remarked(&sign.code, format!("{guess}{}", sign.evidence));
    }
    if let Some((code, country)) = profile.column(Role::Country).and_then(home) {
        return remarked(code, format!("a guess: most rows are from {country}, and nothing else tells"));
    }
    match profile.settings.iter().any(|setting| setting.what == "decimal mark" && setting.value == ",") {
        true => remarked("EUR", "a guess: nothing in the data tells but the decimal comma".to_owned()),
        false => remarked("USD", "a guess: nothing in the data tells".to_owned()),
    }
}

/// The money of the country that most rows have.
fn home(column: &Column) -> Option<(&'static str, String)> {
    let common = column.common.first().filter(|first| first.count * 2 > column.filled)?;
    Some((money_of(&common.value)?, common.value.trim().to_owned()))
}
