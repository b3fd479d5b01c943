//! Numbers as people read them: thousands in groups, two or three significant digits, money with its sign, days in
//! words. Nothing here depends on a locale.

/// No-break space, between a number and its unit.
const NBSP: char = '\u{a0}';
const MINUS: char = '\u{2212}';

/// What a number counts, and so how it is written. Parsed from a feature's `unit`.
#[derive(Debug, Clone, PartialEq)]
pub enum Unit {
    Days,
    /// An ISO 4217 code.
    Money(String),
    Count,
    Share,
    Score,
    Number,
}

impl Unit {
    pub fn parse(unit: &str) -> Unit {
        match unit {
            "days" => Unit::Days,
            "count" => Unit::Count,
            "share" | "bool" => Unit::Share,
            "score" => Unit::Score,
            code if code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase()) => Unit::Money(code.to_owned()),
            _ => Unit::Number,
        }
    }

    /// `9 days`, `£3,723`, `10`, `16.3 %`.
    pub fn value(&self, x: f64) -> String {
        match self {
            Unit::Days if number(x) == "1" => format!("1{NBSP}day"),
            Unit::Days => format!("{}{NBSP}days", number(x)),
            Unit::Money(code) => money(x, code),
            Unit::Share => share(x),
            Unit::Count | Unit::Score | Unit::Number => number(x),
        }
    }

    /// For a cell of a heat map, without the unit's name: `9`, `£3,723`, `16 %`.
    pub fn short(&self, x: f64) -> String {
        self.compact(x, 9_995.0, 3)
    }

    /// For a tick of an axis: thousands are always `1k`.
    pub fn tick(&self, x: f64) -> String {
        self.compact(x, 999.5, 3)
    }

    /// For very tight places: `£3.7k`.
    pub fn tight(&self, x: f64) -> String {
        self.compact(x, 999.5, 2)
    }

    fn compact(&self, x: f64, plain_below: f64, digits: i32) -> String {
        match self {
            Unit::Share => share_short(x),
            Unit::Money(code) if x.abs() < plain_below => money(x, code),
            Unit::Money(code) => with_sign(x, code, &compact(x.abs(), digits)),
            _ if x.abs() < plain_below => number(x),
            _ => signed(x, compact(x.abs(), digits)),
        }
    }
}

/// `4,338`.
pub fn count(n: u64) -> String {
    grouped(&n.to_string())
}

/// `4,338 customers`, `1 customer`.
pub fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{}{NBSP}{}", count(n), if n == 1 { one } else { many })
}

/// One decimal, for tables; `0 %` and `100 %` only where that is exact: `16.3 %`, `0.04 %`, `> 99.9 %`.
pub fn share(x: f64) -> String {
    let p = (x * 100.0).abs();
    percent(
        x,
        match p {
            p if p == 0.0 || p >= 100.0 => trimmed(&format!("{p:.1}")),
            p if p < 0.01 => format!("<{NBSP}0.01"),
            p if p < 1.0 => format!("{p:.2}"),
            p if p >= 99.95 => format!(">{NBSP}99.9"),
            p => format!("{p:.1}"),
        },
    )
}

/// Whole percents, for sentences and labels: `16 %`, `0.4 %`, `> 99 %`.
pub fn share_short(x: f64) -> String {
    let p = (x * 100.0).abs();
    percent(
        x,
        match p {
            0.0 => "0".to_owned(),
            p if p < 0.1 => format!("<{NBSP}0.1"),
            p if p < 0.95 => format!("{p:.1}"),
            p if (99.5..100.0).contains(&p) => format!(">{NBSP}99"),
            p => format!("{p:.0}"),
        },
    )
}

fn percent(x: f64, text: String) -> String {
    if x.is_finite() { signed(x, format!("{text}{NBSP}%")) } else { "–".to_owned() }
}

/// Three significant digits below 1,000, whole numbers above: `92.5`, `0.0123`, `1,235`.
pub fn number(x: f64) -> String {
    let a = x.abs();
    let text = if !a.is_finite() {
        return "–".to_owned();
    } else if a == 0.0 {
        "0".to_owned()
    } else if !(1e-6..1e15).contains(&a) {
        let power = a.log10().floor();
        format!("{}\u{a0}×\u{a0}10{}", trimmed(&format!("{:.2}", a / 10f64.powf(power))), superscript(power as i32))
    } else {
        let decimals = (2.0 - a.log10().floor()).clamp(0.0, 8.0) as usize;
        grouped(&trimmed(&format!("{a:.decimals$}")))
    };
    signed(x, text)
}

/// A fixed number of decimals, for a column of like things: `0.337`.
pub fn fixed(x: f64, decimals: usize) -> String {
    if x.is_finite() { signed(x, grouped(&format!("{:.decimals$}", x.abs()))) } else { "–".to_owned() }
}

/// A difference: `+1.4`, `−0.3`, `0.0`.
pub fn difference(x: f64) -> String {
    let text = fixed(x, 1);
    if x > 0.0 && text != "0.0" { format!("+{text}") } else { text }
}

/// A computed amount of money, pence only where they matter: `£3,723`, `£12.40`, `CHF 80`.
pub fn money(x: f64, currency: &str) -> String {
    let a = x.abs();
    if !a.is_finite() {
        return "–".to_owned();
    }
    let text = if a >= 100.0 || (a - a.round()).abs() < 0.005 {
        grouped(&format!("{a:.0}"))
    } else if a < 0.01 {
        number(a)
    } else {
        format!("{a:.2}")
    };
    with_sign(x, currency, &text)
}

/// An exact decimal as it stands in an outcome, with at least `decimals` of them: `£8,887,208.894`.
///
/// Text that is not a decimal number is handed back as it is.
pub fn exact(decimal: &str, currency: Option<&str>, decimals: usize) -> String {
    let (negative, digits) = match decimal.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, decimal),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return decimal.to_owned();
    }
    let mut text = grouped(whole);
    if decimals > 0 || !fraction.is_empty() {
        text.push('.');
        text.push_str(fraction);
        text.extend(std::iter::repeat_n('0', decimals.saturating_sub(fraction.len())));
    }
    let zero = text.bytes().all(|b| !b.is_ascii_digit() || b == b'0');
    with_sign(if negative && !zero { -1.0 } else { 1.0 }, currency.unwrap_or(""), &text)
}

/// How many decimals an exact decimal is written with.
pub fn decimals(decimal: &str) -> usize {
    decimal.split_once('.').map_or(0, |(_, fraction)| fraction.len())
}

/// An exact amount as a number to draw with; nothing when it is not one.
pub fn approximate(decimal: &str) -> Option<f64> {
    decimal.parse::<f64>().ok().filter(|x| x.is_finite())
}

/// `£8.89m`, for a headline.
pub fn money_short(x: f64, currency: Option<&str>) -> String {
    let currency = currency.unwrap_or("");
    if x.abs() < 9_995.0 { money(x, currency) } else { with_sign(x, currency, &compact(x.abs(), 3)) }
}

/// `7.56 MB`, in powers of 1,000.
pub fn bytes(n: u64) -> String {
    match n {
        0..1_000 => counted(n, "byte", "bytes"),
        1_000..1_000_000 => format!("{}{NBSP}kB", number(n as f64 / 1e3)),
        1_000_000..1_000_000_000 => format!("{}{NBSP}MB", number(n as f64 / 1e6)),
        _ => format!("{}{NBSP}GB", number(n as f64 / 1e9)),
    }
}

/// Thousands, millions or billions with at most `digits` significant digits: `8.89m`.
fn compact(a: f64, digits: i32) -> String {
    // The limits leave room for rounding up, so that 999,600 becomes `1m` and not `1000k`.
    let (scaled, suffix) = match a {
        a if a < 999_500.0 => (a / 1e3, "k"),
        a if a < 999_500_000.0 => (a / 1e6, "m"),
        a if a < 1e15 => (a / 1e9, "bn"),
        _ => return number(a),
    };
    let decimals = (digits - 1 - scaled.log10().floor() as i32).max(0) as usize;
    format!("{}{suffix}", grouped(&trimmed(&format!("{scaled:.decimals$}"))))
}

/// What stands before an amount: `£`, or the code with a blank; nothing without a currency.
pub fn sign(currency: &str) -> String {
    match currency {
        "" => String::new(),
        "GBP" => "£".to_owned(),
        "EUR" => "€".to_owned(),
        "USD" => "$".to_owned(),
        code => format!("{code}{NBSP}"),
    }
}

fn with_sign(x: f64, currency: &str, text: &str) -> String {
    signed(x, sign(currency) + text)
}

fn signed(x: f64, text: String) -> String {
    // A number that rounds to nothing has no sign.
    if x < 0.0 && text.bytes().any(|b| (b'1'..=b'9').contains(&b)) { format!("{MINUS}{text}") } else { text }
}

/// Groups the digits before the point in threes.
fn grouped(digits: &str) -> String {
    let (whole, rest) = match digits.find('.') {
        Some(point) => digits.split_at(point),
        None => (digits, ""),
    };
    let mut text = String::with_capacity(digits.len() + whole.len() / 3);
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + rest
}

fn trimmed(decimal: &str) -> String {
    if decimal.contains('.') {
        decimal.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        decimal.to_owned()
    }
}

fn superscript(n: i32) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    n.to_string().bytes().map(|b| if b == b'-' { '⁻' } else { DIGITS[usize::from(b - b'0')] }).collect()
}
