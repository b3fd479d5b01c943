//! Moments as microseconds since 1970 in local time, and their words.

/// Names of the months, as reports and first specs say them.
pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Microseconds in a day.
pub const DAY: i64 = 86_400_000_000;

/// `2011-12-10T12:50:00`, with a fraction only where there is one.
pub fn iso(micros: i64) -> String {
    match chrono::DateTime::from_timestamp_micros(micros) {
        Some(moment) if micros.rem_euclid(1_000_000) == 0 => moment.format("%Y-%m-%dT%H:%M:%S").to_string(),
        Some(moment) => moment.format("%Y-%m-%dT%H:%M:%S%.6f").to_string(),
        // Beyond the year 262142: still a defined text.
        None => format!("{micros} us"),
    }
}

/// `2011-12-10`.
pub fn iso_date(micros: i64) -> String {
    let text = iso(micros);
    text.split_once('T').map_or(text.clone(), |(day, _)| day.to_owned())
}

/// Microseconds of `2011-12-10`, `2011-12-10T12:50` or `2011-12-10T12:50:30`, with a blank in place of the T if you like;
/// and whether it is a date only.
pub fn moment(text: &str) -> Option<(i64, bool)> {
    let (date, clock) = match text.split_once(['T', ' ']) {
        Some((date, clock)) => (date, Some(clock)),
        None => (text, None),
    };
    let date = chrono::NaiveDate::parse_from_str(date, "%Y-%m-%d").ok()?;
    let format = if clock.is_some_and(|c| c.len() > 5) { "%H:%M:%S%.f" } else { "%H:%M" };
    let time = match clock {
        Some(clock) => chrono::NaiveTime::parse_from_str(clock, format).ok()?,
        None => chrono::NaiveTime::MIN,
    };
    Some((date.and_time(time).and_utc().timestamp_micros(), clock.is_none()))
}

/// What the numbers of a column of time spans count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Seconds,
    Minutes,
    Hours,
    Days,
    Weeks,
}

impl Unit {
    pub const ALL: [Unit; 5] = [Unit::Seconds, Unit::Minutes, Unit::Hours, Unit::Days, Unit::Weeks];

    /// As a spec has it.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Seconds => "seconds",
            Unit::Minutes => "minutes",
            Unit::Hours => "hours",
            Unit::Days => "days",
            Unit::Weeks => "weeks",
        }
    }

    pub fn find(name: &str) -> Option<Unit> {
        Unit::ALL.into_iter().find(|unit| unit.name() == name)
    }

    pub fn micros(self) -> i64 {
        micros_per(self.name()).expect("every unit has a length")
    }
}

/// Microseconds in a unit of time, by its name in a spec.
pub fn micros_per(unit: &str) -> Option<i64> {
    Some(match unit {
        "second" | "seconds" => 1_000_000,
        "minute" | "minutes" => 60_000_000,
        "hour" | "hours" => 3_600_000_000,
        "day" | "days" => 86_400_000_000,
        "week" | "weeks" => 7 * 86_400_000_000,
        _ => return None,
    })
}
