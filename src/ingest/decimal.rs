//! Numbers as people write them, into exact decimals and into floating point.

use std::borrow::Cow;
use std::fmt::Write;

/// Why a cell can't be read as its column is declared.
pub(super) type Reason = Cow<'static, str>;

/// What text can be instead of a decimal of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoDecimal {
    NotANumber,
    TooLarge,
    /// So many places, more than [`MAX_SCALE`].
    TooFine(i64),
}

/// `mantissa / 10^scale` without trailing zeros; `scale` is at most [`MAX_SCALE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal {
    pub mantissa: i64,
    pub scale: u8,
}

pub(super) const MAX_SCALE: u8 = 9;

/// Digits that a double always keeps; those beyond are binary noise if they aren't zeros or nines.
const DOUBLE_DIGITS: u32 = 15;

const NOT_A_NUMBER: Reason = Cow::Borrowed("not a number");
const TOO_LARGE: Reason = Cow::Borrowed("too large");

/// The marks in the numbers of a source.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Marks {
    /// `.` or `,`.
    pub decimal: char,
    /// Any mark between groups of three digits that is not the decimal mark is understood where none is stated.
    pub thousands: Option<char>,
}

/// What was met in the numbers of a column beside digits.
#[derive(Debug, Clone, Default)]
pub(super) struct Noted {
    pub thousands: Option<Thousands>,
    pub currency: Option<String>,
    /// Negative numbers in brackets or with their minus at the end.
    pub negative: Option<Negative>,
}

#[derive(Debug, Clone)]
pub(super) struct Negative {
    pub cells: u64,
    pub example: String,
}

#[derive(Debug, Clone)]
pub(super) struct Thousands {
    pub mark: char,
    pub cells: u64,
    pub example: String,
    /// Some cell had two groups, or a decimal mark too, so that the mark can't be a decimal one.
    pub certain: bool,
}

impl Decimal {
    /// The decimal with at most 15 digits, nine of them after the point, that this double is the nearest double to.
    pub fn of_double(value: f64) -> Option<Decimal> {
        let mut power = 1.0;
        for scale in 0..=MAX_SCALE {
            let shifted = value * power;
            if shifted.is_nan() || shifted.abs() >= 1e15 {
                return None;
            }
            // Rounded to the nearest; both operands are exact then, so that the division gives the double nearest to
            // the decimal.
            let mantissa = (shifted + 0.5_f64.copysign(shifted)) as i64;
            if mantissa as f64 / power == value {
                return Some(Decimal { mantissa, scale });
            }
            power *= 10.0;
        }
        None
    }

    /// From digits with at most a sign, a point and an exponent. Noise of binary fractions such as 2.5499999999999998
    /// is rounded away at 15 digits where there are more than nine places; what then still has more is refused.
    pub fn parse(text: &str) -> Result<Decimal, NoDecimal> {
        let (negative, digits) = match text.as_bytes() {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        let (mut mantissa, mut count, mut point, mut scale) = (0_u128, 0, false, 0_i64);
        for (at, byte) in digits.iter().enumerate() {
            match byte {
                b'0'..=b'9' if mantissa < u128::MAX / 100 => {
                    mantissa = mantissa * 10 + u128::from(byte - b'0');
                    count += 1;
                    scale += i64::from(point);
                }
                b'0'..=b'9' => return Err(NoDecimal::TooLarge),
                b'.' if !point => point = true,
                b'e' | b'E' if count > 0 => {
                    let exponent =
                        std::str::from_utf8(&digits[at + 1..]).ok().and_then(|digits| digits.parse::<i16>().ok());
                    scale -= i64::from(exponent.ok_or(NoDecimal::NotANumber)?);
                    break;
                }
                _ => return Err(NoDecimal::NotANumber),
            }
        }
        if count == 0 {
            return Err(NoDecimal::NotANumber);
        }
        if mantissa == 0 {
            return Ok(Decimal { mantissa: 0, scale: 0 });
        }
        strip_zeros(&mut mantissa, &mut scale);
        let length = mantissa.ilog10() + 1;
        if scale > MAX_SCALE.into() && length > DOUBLE_DIGITS {
            let unit = 10_u128.pow(length - DOUBLE_DIGITS);
            mantissa = (mantissa + unit / 2) / unit;
            scale -= i64::from(length - DOUBLE_DIGITS);
            strip_zeros(&mut mantissa, &mut scale);
        }
        while scale < 0 {
            mantissa = mantissa.checked_mul(10).filter(|m| *m <= i64::MAX as u128).ok_or(NoDecimal::TooLarge)?;
            scale += 1;
        }
        if scale > MAX_SCALE.into() {
            return Err(NoDecimal::TooFine(scale));
        }
        let mantissa = i64::try_from(mantissa).map_err(|_| NoDecimal::TooLarge)?;
        Ok(Decimal { mantissa: if negative { -mantissa } else { mantissa }, scale: scale as u8 })
    }

    // By hand, as it runs for every number of a workbook whose rows are fingerprinted.
    pub fn show(self, out: &mut String) {
        let (mut text, mut at, mut rest, mut places) = ([0_u8; 32], 32, self.mantissa.unsigned_abs(), self.scale);
        loop {
            at -= 1;
            text[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if places == 1 {
                at -= 1;
                text[at] = b'.';
            } else if places == 0 && rest == 0 {
                break;
            }
            places = places.saturating_sub(1);
        }
        if self.mantissa < 0 {
            at -= 1;
            text[at] = b'-';
        }
        out.push_str(std::str::from_utf8(&text[at..]).expect("digits, a point and a sign are ASCII"));
    }
}

impl From<NoDecimal> for Reason {
    fn from(why: NoDecimal) -> Reason {
        match why {
            NoDecimal::NotANumber => NOT_A_NUMBER,
            NoDecimal::TooLarge => TOO_LARGE,
            NoDecimal::TooFine(places) => format!("{places} decimals, money has at most {MAX_SCALE}").into(),
        }
    }
}

/// A double in its shortest form, whole numbers without a point, never with an exponent.
pub(super) fn show(value: f64, out: &mut String) {
    match Decimal::of_double(value) {
        Some(decimal) => decimal.show(out),
        None => write!(out, "{value}").expect("a string takes all text"),
    }
}

/// A whole number; `6.0` is one, `6.5` is not.
pub(super) fn whole(plain: &str) -> Result<i64, Reason> {
    // The common case. A sign alone or more than 18 digits go the long way.
    let digits = plain.strip_prefix('-').unwrap_or(plain).as_bytes();
    if (1..=18).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit) {
        let number = digits.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0'));
        return Ok(if plain.len() > digits.len() { -number } else { number });
    }
    match Decimal::parse(plain) {
        Ok(Decimal { mantissa, scale: 0 }) => Ok(mantissa),
        Ok(_) | Err(NoDecimal::TooFine(_)) => Err("not a whole number".into()),
        Err(other) => Err(other.into()),
    }
}

/// A finite number.
pub(super) fn number(plain: &str) -> Result<f64, Reason> {
    // `parse` would also take words such as `inf`.
    if !plain.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) {
        return Err(NOT_A_NUMBER);
    }
    let value: f64 = plain.parse().map_err(|_| NOT_A_NUMBER)?;
    // A negative zero would differ from zero when compared by its bits.
    if value.is_finite() { Ok(value + 0.0) } else { Err(TOO_LARGE) }
}

/// A share of one: a number, or a percentage with its sign.
pub(super) fn share(plain: &str, percent: bool) -> Result<f64, Reason> {
    match percent {
        false => number(plain),
        // Moving the point in the text keeps 12.3% the double that 0.123 is.
        true if !plain.contains(['e', 'E']) => number(&format!("{plain}e-2")),
        true => Ok(number(plain)? / 100.0),
    }
}

/// A number with the marks of its source as plain digits with a point. `money` may carry a currency sign.
pub(super) fn plain<'a>(
    text: &'a str,
    marks: &Marks,
    money: bool,
    noted: &mut Noted,
    scratch: &'a mut String,
) -> Result<&'a str, Reason> {
    let point = marks.decimal == '.';
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.bytes().all(|byte| byte.is_ascii_digit() || (byte == b'.' && point)) {
        return Ok(text);
    }
    let (mut negative, mut body) = unsigned(text.trim());
    let mut sign = None;
    if money {
        let (currency, rest) = without_currency(body);
        let (inner, rest) = unsigned(rest);
        if inner && negative {
            return Err(NOT_A_NUMBER);
        }
        (sign, negative, body) = (currency, negative || inner, rest);
    }
    scratch.clear();
    if negative {
        scratch.push('-');
    }
    let groups = regroup(body, marks, scratch)?;
    if negative && text.trim_end().ends_with([')', '-', '−']) {
        let first = || Negative { cells: 0, example: text.trim().to_owned() };
        noted.negative.get_or_insert_with(first).cells += 1;
    }
    match (sign, &noted.currency) {
        (Some(sign), Some(other)) if code(sign) != code(other) => {
            return Err(format!("`{sign}` in a column of `{other}`").into());
        }
        (Some(sign), None) => noted.currency = Some(sign.to_owned()),
        _ => {}
    }
    if let Some((mark, certain)) = groups {
        let first = || Thousands { mark, cells: 0, example: text.trim().to_owned(), certain: false };
        let thousands = noted.thousands.get_or_insert_with(first);
        thousands.cells += 1;
        thousands.certain |= certain;
    }
    Ok(scratch)
}

/// Whether the mark can stand between groups of digits.
pub(super) fn is_group_mark(mark: char) -> bool {
    matches!(mark, ',' | '.' | '\'' | '’') || is_blank(mark)
}

/// The number without a sign for a currency at either end, and the sign.
pub(super) fn without_currency(text: &str) -> (Option<&str>, &str) {
    let is_sign = |c: char| !c.is_ascii_digit() && !is_group_mark(c) && !matches!(c, '-' | '+' | '−' | '%' | '(' | ')');
    let front = text.find(|c| !is_sign(c)).unwrap_or(text.len());
    let back = text.rfind(|c| !is_sign(c)).map_or(0, |at| at + text[at..].chars().next().map_or(0, char::len_utf8));
    let (sign, rest) = match (&text[..front], &text[back.max(front)..]) {
        ("", "") => return (None, text),
        (sign, "") => (sign, &text[front..]),
        ("", sign) => (sign, &text[..back]),
        _ => return (None, text),
    };
    if is_currency(sign) { (Some(sign), rest.trim()) } else { (None, text) }
}

/// The code of a currency where its sign can't mean another one.
fn code(sign: &str) -> &str {
    match sign {
        "€" => "EUR",
        "£" => "GBP",
        other => other,
    }
}

/// `£`, `R$`, `EUR`, `kr`, but neither `pcs` nor `kg`.
fn is_currency(sign: &str) -> bool {
    let symbol = |c| matches!(c, '$' | '¢'..='¥' | '฿' | '₠'..='⃏' | '﷼' | '＄' | '￡' | '￥');
    let code = sign.len() == 3 && sign.bytes().all(|byte| byte.is_ascii_uppercase());
    let (letters, length) = (sign.chars().filter(|c| c.is_alphabetic()).count(), sign.chars().count());
    (sign.contains(symbol) && letters < 3 && length <= 4)
        || code
        || matches!(
            sign.trim_end_matches('.'),
            "kr" | "Kr" | "zł" | "Kč" | "Ft" | "lei" | "Rs" | "Fr" | "TL" | "лв" | "руб"
        )
}

fn strip_zeros(mantissa: &mut u128, scale: &mut i64) {
    while mantissa.is_multiple_of(10) && *scale > 0 {
        *mantissa /= 10;
        *scale -= 1;
    }
}

/// Whether the number is negative, and what is left of it: a minus stands before or behind it, or brackets around it.
fn unsigned(text: &str) -> (bool, &str) {
    const MINUS: [char; 2] = ['-', '−'];
    let bracketed = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    match bracketed.or_else(|| text.strip_prefix(MINUS)).or_else(|| text.strip_suffix(MINUS)) {
        Some(rest) => (true, rest.trim()),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// Writes the digits without their group marks and with a point. Returns the group mark, and whether it can't be
/// anything else.
fn regroup(body: &str, marks: &Marks, out: &mut String) -> Result<Option<(char, bool)>, Reason> {
    let (mut mark, mut groups, mut run, mut point) = (None, 0, 0, false);
    let mut chars = body.chars();
    while let Some(c) = chars.next() {
        match c {
            '0'..='9' => {
                out.push(c);
                run += 1;
            }
            c if c == marks.decimal && !point && (mark.is_none() || run == 3) => {
                out.push('.');
                (point, run) = (true, 0);
            }
            'e' | 'E' if mark.is_none() && !out.is_empty() => {
                out.push('e');
                out.push_str(chars.as_str());
                break;
            }
            // The first group has one to three digits and no leading zero, the others have three, and all the same mark.
            c if !point && separates(c, marks) && mark.is_none_or(|mark| mark == c) => {
                let first = mark.is_none();
                if (first && (run > 3 || run == 0 || out.trim_start_matches('-').starts_with('0')))
                    || (!first && run != 3)
                {
                    return Err(NOT_A_NUMBER);
                }
                (mark, groups, run) = (Some(c), groups + 1, 0);
            }
            _ => return Err(NOT_A_NUMBER),
        }
    }
    if mark.is_some() && !point && run != 3 {
        return Err(NOT_A_NUMBER);
    }
    Ok(mark.map(|mark| (mark, groups > 1 || point || !matches!(mark, ',' | '.'))))
}

fn separates(mark: char, marks: &Marks) -> bool {
    match marks.thousands {
        Some(stated) => mark == stated || (is_blank(mark) && is_blank(stated)),
        None => is_group_mark(mark) && mark != marks.decimal,
    }
}

/// The blank, the no-break blank, and the thin blanks that typesetters put into numbers.
fn is_blank(mark: char) -> bool {
    matches!(mark, ' ' | '\u{a0}' | '\u{2009}' | '\u{202f}')
}
