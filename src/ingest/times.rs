//! Points in time as microseconds since 1970-01-01T00:00:00, from ISO text, strftime formats and serial days.
//!
//! Local time without a zone throughout. Years run from 1000 to 9999: a year 10 is a two-digit year misread.

use std::fmt::Write;

use chrono::format::{Item, Parsed, StrftimeItems};
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike};

/// The day that a workbook counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Epoch {
    #[default]
    Y1900,
    Y1904,
    /// Of databases, which have dates or do not, but no numbers that are shown as such.
    None,
}

pub(super) const SECOND: i64 = 1_000_000;
pub(super) const DAY: i64 = 86_400 * SECOND;

/// The moments that are read: those of the years 1000 to 9999.
pub(super) const YEARS: std::ops::Range<i64> = -30_610_224_000 * SECOND..253_402_300_800 * SECOND;

/// Days from the start of the Gregorian calendar to 1970-01-01.
const UNIX_DAY: i32 = 719_163;

/// `YYYY-MM-DD` or `YYYYMMDD`, then optionally `T` or a blank and `HH:MM[:SS[.fraction]]`, then optionally `Z`.
/// Digits beyond the microsecond are cut off.
pub(super) fn parse_iso(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let (year, month, day, rest) = match bytes {
        [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, rest @ ..] | [y1, y2, y3, y4, m1, m2, d1, d2, rest @ ..] => {
            (digits(&[*y1, *y2, *y3, *y4])?, digits(&[*m1, *m2])?, digits(&[*d1, *d2])?, rest)
        }
        _ => return None,
    };
    let day = day_number(year as i32, month, day)?;
    let time = match rest {
        [] => 0,
        [b'T' | b' ', h1, h2, b':', m1, m2, rest @ ..] => {
            let (hour, minute) = (digits(&[*h1, *h2])?, digits(&[*m1, *m2])?);
            let (second, rest) = match rest {
                [b':', s1, s2, rest @ ..] => (digits(&[*s1, *s2])?, rest),
                _ => (0, rest),
            };
            let rest = rest.strip_suffix(b"Z").unwrap_or(rest);
            let fraction = match rest {
                [] => 0,
                [b'.' | b',', fraction @ ..] if (1..=9).contains(&fraction.len()) => {
                    digits(&fraction[..fraction.len().min(6)])?
                        * 10_u32.pow(6_u32.saturating_sub(fraction.len() as u32))
                        + fraction.get(6..).map_or(Some(0), |cut| digits(cut).map(|_| 0))?
                }
                _ => return None,
            };
            if hour > 23 || minute > 59 || second > 59 {
                return None;
            }
            i64::from(hour * 3600 + minute * 60 + second) * SECOND + i64::from(fraction)
        }
        _ => return None,
    };
    Some(day * DAY + time)
}

/// Whether the text has the form of an ISO date, if perhaps not its meaning.
pub(super) fn looks_iso(text: &str) -> bool {
    let is =
        |at: usize, byte: u8| byte.is_ascii_digit() != matches!(at, 4 | 7) && (byte.is_ascii_digit() || byte == b'-');
    text.len() >= 10 && text.bytes().take(10).enumerate().all(|(at, byte)| is(at, byte))
}

/// Whether the text is a date and time in ISO form that ends in an offset from UTC.
pub(super) fn has_offset(text: &str) -> bool {
    let Some(at) = text.rfind(['+', '-']).filter(|at| *at >= 16) else { return false };
    let offset = &text.as_bytes()[at + 1..];
    offset.iter().all(|byte| byte.is_ascii_digit() || *byte == b':') && parse_iso(text[..at].trim_end()).is_some()
}

/// A serial number of Excel: days, counted from 1900 as if that had been a leap year, or from 1904. Within a
/// millisecond of a full second it is that second, as binary fractions of a day seldom hit one; else a millisecond,
/// which is what Excel keeps.
pub(super) fn from_serial(days: f64, epoch: Epoch) -> Option<i64> {
    let base = match epoch {
        Epoch::Y1900 if (1.0..60.0).contains(&days) => NaiveDate::from_ymd_opt(1899, 12, 31),
        Epoch::Y1900 if (61.0..2_958_466.0).contains(&days) => NaiveDate::from_ymd_opt(1899, 12, 30),
        Epoch::Y1904 if (0.0..2_957_004.0).contains(&days) => NaiveDate::from_ymd_opt(1904, 1, 1),
        _ => None,
    }?;
    let seconds = days * 86_400.0;
    let whole = seconds.round();
    let micros =
        if (seconds - whole).abs() < 1e-3 { whole as i64 * SECOND } else { (seconds * 1e3).round() as i64 * 1_000 };
    Some(i64::from(base.num_days_from_ce() - UNIX_DAY) * DAY + micros)
}

/// `YYYY-MM-DD`, with ` HH:MM:SS` and a fraction where there are any.
pub(super) fn show(micros: i64, out: &mut String) {
    let (day, time) = (micros.div_euclid(DAY), micros.rem_euclid(DAY));
    let date = i32::try_from(day).ok().and_then(|day| NaiveDate::from_num_days_from_ce_opt(day.checked_add(UNIX_DAY)?));
    let Some(date) = date.filter(|date| (0..=9999).contains(&date.year())) else {
        // A time of a database that no column of times takes.
        return out.push_str(&crate::time::iso(micros));
    };
    // By hand, as `format!` would cost more than all the rest of reading a date cell.
    let mut text = *b"0000-00-00 00:00:00.000000";
    let seconds = (time / SECOND) as u32;
    put(&mut text[..4], date.year() as u32);
    put(&mut text[5..7], date.month());
    put(&mut text[8..10], date.day());
    put(&mut text[11..13], seconds / 3600);
    put(&mut text[14..16], seconds / 60 % 60);
    put(&mut text[17..19], seconds % 60);
    put(&mut text[20..], (time % SECOND) as u32);
    let length = match (time, time % SECOND) {
        (0, _) => 10,
        (_, 0) => 19,
        _ => text.len(),
    };
    out.push_str(std::str::from_utf8(&text[..length]).expect("digits and marks are ASCII"));
}

/// A strftime format, taken apart once.
#[derive(Debug, Clone)]
pub(super) struct DateFormat {
    pub text: String,
    items: Vec<Item<'static>>,
}

impl DateFormat {
    pub fn new(format: &str) -> Result<Self, String> {
        let items =
            StrftimeItems::new(format).parse_to_owned().map_err(|_| "it has an unknown `%` sequence".to_owned())?;
        let this = DateFormat { text: format.to_owned(), items };
        // Written and read back, a moment must keep its day, and its time if the format has one.
        let moment = NaiveDate::from_ymd_opt(2013, 12, 25).and_then(|day| day.and_hms_opt(23, 58, 59));
        let moment = moment.expect("a day of the calendar and a time of the day").and_utc();
        let mut written = String::new();
        let readable = write!(written, "{}", moment.format_with_items(this.items.iter())).is_ok();
        match this.parse(&written).filter(|_| readable) {
            Some(micros) if micros.div_euclid(DAY) * DAY == moment.timestamp_micros().div_euclid(DAY) * DAY => Ok(this),
            _ => Err("it does not make a whole date".to_owned()),
        }
    }

    pub fn parse(&self, text: &str) -> Option<i64> {
        let mut parsed = Parsed::new();
        chrono::format::parse(&mut parsed, text, self.items.iter()).ok()?;
        let moment = if parsed.timestamp().is_some() {
            DateTime::from_timestamp(parsed.timestamp()?, 0)?.naive_utc()
        } else {
            // An hour without minutes, or without am and pm, is no time of day and must not become midnight.
            let timed = parsed.hour_mod_12().is_some() || parsed.minute().is_some() || parsed.second().is_some();
            let time = if timed { parsed.to_naive_time().ok()? } else { NaiveTime::MIN };
            NaiveDateTime::new(parsed.to_naive_date().ok()?, time)
        };
        let leap_second = moment.nanosecond() >= 1_000_000_000;
        ((1000..=9999).contains(&moment.year()) && !leap_second).then(|| moment.and_utc().timestamp_micros())
    }
}

/// Why a strftime format can't be used for dates, if it can't.
pub fn check_format(format: &str) -> Result<(), String> {
    DateFormat::new(format).map(|_| ())
}

fn day_number(year: i32, month: u32, day: u32) -> Option<i64> {
    let date = NaiveDate::from_ymd_opt(year, month, day).filter(|_| year >= 1000)?;
    Some(i64::from(date.num_days_from_ce() - UNIX_DAY))
}

/// Fills the place with a number and leading zeros.
fn put(place: &mut [u8], mut number: u32) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

fn digits(bytes: &[u8]) -> Option<u32> {
    bytes.iter().try_fold(0_u32, |number, byte| byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0')))
}
