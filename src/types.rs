//! Types and units: what can be added, compared and averaged.

use std::fmt;

use crate::time::Unit;

/// The type of an expression and whether it can be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Type {
    pub base: Base,
    pub may_be_missing: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Base {
    /// Says who or which one: compared for equality, never added.
    Id,
    Text,
    Int,
    Number,
    /// An amount in the currency of the spec.
    Money,
    /// Money divided by money, a count divided by a count: 0 to 1 by nature.
    Share,
    Date,
    Datetime,
    Duration,
    Bool,
    /// 1..n, from `score(x, n)`.
    Score(u32),
    /// The literal 0 and others without a unit, until they meet something that has one.
    Zero,
    /// `missing`.
    Missing,
    /// Not known, because of a mistake that is reported already.
    Unknown,
}

impl Type {
    pub const UNKNOWN: Type = Type { base: Base::Unknown, may_be_missing: true };

    /// Never missing.
    pub fn sure(base: Base) -> Type {
        Type { base, may_be_missing: false }
    }

    pub fn maybe(base: Base) -> Type {
        Type { base, may_be_missing: true }
    }

    pub fn of(base: Base, may_be_missing: bool) -> Type {
        Type { base, may_be_missing }
    }
}

impl Base {
    /// As written after a column's name.
    pub fn parse(name: &str) -> Option<Base> {
        Some(match name {
            "id" => Base::Id,
            "text" => Base::Text,
            "int" => Base::Int,
            "number" => Base::Number,
            "money" => Base::Money,
            "share" => Base::Share,
            "date" => Base::Date,
            "datetime" => Base::Datetime,
            "bool" => Base::Bool,
            _ if Unit::find(name).is_some() => Base::Duration,
            _ => return None,
        })
    }

    /// The types that a column may have.
    pub const COLUMN_TYPES: [&str; 14] = [
        "id", "text", "int", "number", "money", "share", "date", "datetime", "bool", "days", "weeks", "hours",
        "minutes", "seconds",
    ];

    /// A plain number: no unit, so that counts, shares and scores may meet.
    pub fn is_plain(self) -> bool {
        matches!(self, Base::Int | Base::Number | Base::Share | Base::Score(_) | Base::Zero)
    }

    pub fn is_whole(self) -> bool {
        matches!(self, Base::Int | Base::Score(_) | Base::Zero)
    }

    pub fn is_time(self) -> bool {
        matches!(self, Base::Date | Base::Datetime)
    }

    pub fn is_text(self) -> bool {
        matches!(self, Base::Id | Base::Text)
    }

    /// Tells rows apart, so that sources can be joined on it.
    pub fn is_key(self) -> bool {
        self.is_text() || self.is_time() || self == Base::Int
    }

    /// Has an amount that can be averaged and clustered on.
    pub fn is_numeric(self) -> bool {
        self.is_plain() || matches!(self, Base::Money | Base::Duration)
    }

    /// Has an order.
    pub fn is_ordered(self) -> bool {
        self.is_numeric() || self.is_time() || self.is_text()
    }

    /// Whether values of the two can be compared, and so put into one column.
    pub fn comparable(self, other: Base) -> bool {
        use Base::*;
        match (self, other) {
            (Unknown | Missing, _) | (_, Unknown | Missing) => true,
            (Zero, Money | Duration) | (Money | Duration, Zero) => true,
            (Money, Money) | (Duration, Duration) | (Bool, Bool) => true,
            (a, b) => (a.is_plain() && b.is_plain()) || (a.is_time() && b.is_time()) || (a.is_text() && b.is_text()),
        }
    }

    /// The heading of a feature in lists: `recency_days`, `monetary_GBP`; the name where it says the unit already.
    pub fn heading(self, name: &str, currency: Option<&str>) -> String {
        let unit = match self {
            Base::Duration => "days",
            Base::Money => currency.unwrap_or("money"),
            _ => return name.to_owned(),
        };
        let suffix = format!("_{unit}");
        let said = name.to_lowercase().ends_with(&suffix.to_lowercase());
        if said { name.to_owned() } else { name.to_owned() + &suffix }
    }

    /// The unit in outputs: `days`, the currency, `count`...
    pub fn unit(self, currency: Option<&str>) -> String {
        match self {
            Base::Duration => "days".into(),
            Base::Money => currency.unwrap_or("money").into(),
            Base::Int | Base::Zero => "count".into(),
            Base::Share => "share".into(),
            Base::Score(_) => "score".into(),
            Base::Number => "number".into(),
            Base::Id | Base::Text => "text".into(),
            Base::Bool => "bool".into(),
            Base::Date | Base::Datetime => "datetime".into(),
            Base::Missing | Base::Unknown => "unknown".into(),
        }
    }
}

/// As a reader would say it: `money`, `a time span`...
impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Base::Id => "an id",
            Base::Text => "text",
            Base::Int => "a whole number",
            Base::Number => "a number",
            Base::Money => "money",
            Base::Share => "a share",
            Base::Date => "a date",
            Base::Datetime => "a time",
            Base::Duration => "a time span",
            Base::Bool => "true or false",
            Base::Score(n) => return write!(f, "a score from 1 to {n}"),
            Base::Zero => "zero",
            Base::Missing => "missing",
            Base::Unknown => "unknown",
        })
    }
}
