//! When the shop is open and how busy it is: no Saturdays, a pause at Christmas and Easter, a peak in November.

use chrono::{Datelike, Duration, NaiveDate, NaiveDateTime, Weekday};

use super::random::{Random, running_sums};

/// Days and minutes are counted from the first midnight of the data.
pub const MINUTES_A_DAY: u32 = 24 * 60;

/// 2023-12-01 to 2024-12-08.
const DAYS: u32 = 374;

/// Closed from the first to the last day of each pair.
const PAUSES: [[(i32, u32, u32); 2]; 2] = [[(2023, 12, 23), (2024, 1, 2)], [(2024, 3, 29), (2024, 4, 1)]];

/// January to December.
const MONTH_WEIGHTS: [u64; 12] = [56, 58, 74, 70, 80, 78, 74, 80, 116, 132, 190, 120];

pub struct Calendar {
    first: NaiveDate,
    /// Running sums of the days' weights; a closed day weighs nothing.
    cumulative: Vec<u64>,
}

impl Calendar {
    pub fn new() -> Calendar {
        let first = day_of(2023, 12, 1);
        let cumulative = running_sums((0..DAYS).map(|day| weight(first + Duration::days(i64::from(day)))));
        Calendar { first, cumulative }
    }

    pub fn last_day(&self) -> u32 {
        DAYS - 1
    }

    pub fn time(&self, minute: u32) -> NaiveDateTime {
        self.first.and_time(chrono::NaiveTime::MIN) + Duration::minutes(i64::from(minute))
    }

    /// The half-open ranges of days that are the calendar's months.
    pub fn months(&self) -> Vec<(u32, u32)> {
        let date = |day: u32| self.first + Duration::days(i64::from(day));
        let mut starts: Vec<u32> = (0..DAYS).filter(|day| date(*day).day() == 1).collect();
        starts.push(DAYS);
        starts.windows(2).map(|pair| (pair[0], pair[1])).collect()
    }

    pub fn is_open(&self, day: u32) -> bool {
        self.sum_before(day) < self.sum_before(day + 1)
    }

    /// The nearest open day that is not after `day`.
    pub fn open_until(&self, day: u32) -> u32 {
        (0..=day).rev().find(|day| self.is_open(*day)).unwrap_or(0)
    }

    /// The nearest open day that is not before `day`, if the data reach so far.
    pub fn open_from(&self, day: u32) -> Option<u32> {
        (day..DAYS).find(|day| self.is_open(*day))
    }

    /// A day from `from` to `to`, busy days more often; `to` itself when all of them are closed.
    pub fn pick(&self, random: &mut Random, from: u32, to: u32) -> u32 {
        let (low, high) = (self.sum_before(from), self.sum_before(to + 1));
        if low >= high {
            return to;
        }
        let at = low + random.below(high - low);
        self.cumulative.partition_point(|sum| *sum <= at) as u32
    }

    /// A minute within opening hours, most often around noon.
    pub fn minute_of(&self, random: &mut Random, day: u32) -> u32 {
        let (opens, hours) = if self.weekday(day) == Weekday::Sun { (10, 6) } else { (8, 10) };
        let half = hours * 30;
        day * MINUTES_A_DAY + opens * 60 + (random.below(half) + random.below(half)) as u32
    }

    /// September to December, when Christmas goods sell.
    pub fn sells_christmas(&self, minute: u32) -> bool {
        self.time(minute).month() >= 9
    }

    fn weekday(&self, day: u32) -> Weekday {
        (self.first + Duration::days(i64::from(day))).weekday()
    }

    fn sum_before(&self, day: u32) -> u64 {
        match day {
            0 => 0,
            _ => self.cumulative[day as usize - 1],
        }
    }
}

fn weight(date: NaiveDate) -> u64 {
    let on_pause = |[(y1, m1, d1), (y2, m2, d2)]: &[(i32, u32, u32); 2]| {
        (day_of(*y1, *m1, *d1)..=day_of(*y2, *m2, *d2)).contains(&date)
    };
    if PAUSES.iter().any(on_pause) {
        return 0;
    }
    let by_weekday = match date.weekday() {
        Weekday::Sat => 0,
        Weekday::Sun => 55,
        Weekday::Mon => 100,
        Weekday::Tue | Weekday::Wed => 110,
        Weekday::Thu => 120,
        Weekday::Fri => 90,
    };
    by_weekday * MONTH_WEIGHTS[date.month0() as usize]
}

fn day_of(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).expect("the dates in this file exist")
}
