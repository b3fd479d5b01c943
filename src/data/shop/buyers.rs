//! Who buys: planted segments of customers, guests without a customer number, and people who only send goods back.

use super::calendar::Calendar;
use super::random::{Purpose, Random, running_sums};

/// The planted segments, in the order of [`HABITS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Segment {
    Champions,
    Loyal,
    AtRisk,
    New,
    LowValue,
}

impl Segment {
    pub const ALL: [Segment; 5] =
        [Segment::Champions, Segment::Loyal, Segment::AtRisk, Segment::New, Segment::LowValue];

    pub fn name(self) -> &'static str {
        match self {
            Segment::Champions => "Champions",
            Segment::Loyal => "Loyal",
            Segment::AtRisk => "At Risk",
            Segment::New => "New",
            Segment::LowValue => "Low Value",
        }
    }
}

/// How the customers of a segment buy. Numbers of days and orders, and money, are log-normal: a median and the standard
/// deviation of the logarithm.
struct Habits {
    /// Of 100 customers.
    share: u64,
    /// Days since the last order; none: any day but the last 80.
    silence: Option<(f64, f64)>,
    orders: (f64, f64),
    /// Fewest and most orders.
    range: (u32, u32),
    /// Pounds an order.
    basket: f64,
    /// Days that lie between the first and the last order, at most.
    tenure: u32,
}

const HABITS: [Habits; 5] = [
    Habits { share: 9, silence: Some((4.5, 0.7)), orders: (19.0, 0.3), range: (10, 60), basket: 320.0, tenure: 374 },
    Habits { share: 24, silence: Some((23.0, 0.5)), orders: (6.0, 0.25), range: (3, 12), basket: 260.0, tenure: 374 },
    Habits { share: 18, silence: Some((180.0, 0.3)), orders: (5.0, 0.25), range: (3, 9), basket: 260.0, tenure: 200 },
    Habits { share: 19, silence: Some((13.0, 0.5)), orders: (1.2, 0.3), range: (1, 3), basket: 110.0, tenure: 30 },
    Habits { share: 30, silence: None, orders: (1.0, 0.35), range: (1, 3), basket: 90.0, tenure: 40 },
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Customer(Segment),
    /// Buys once, at retail prices, and leaves no customer number.
    Guest,
    /// Bought before the data begin and only sends goods back.
    Returner,
}

pub struct Buyer {
    pub index: u32,
    pub kind: Kind,
    /// How many orders.
    pub orders: u32,
    /// Days of the first and the last order.
    pub first: u32,
    pub last: u32,
    /// Pounds this buyer usually spends on an order.
    pub basket: f64,
    /// Shops buy few articles in large quantities.
    pub wholesale: bool,
    pub country: &'static Country,
    /// Where some orders of people with two addresses go.
    pub second: Option<&'static Country>,
}

impl Buyer {
    pub fn customer(seed: u64, index: u32, calendar: &Calendar) -> Buyer {
        let mut random = Random::at(seed, Purpose::Buyer, u64::from(index), 0);
        let place = random.weighted(&running_sums(HABITS.iter().map(|habits| habits.share)));
        let (segment, habits) = (Segment::ALL[place], &HABITS[place]);
        let end = calendar.last_day();
        let last = match habits.silence {
            Some((median, sigma)) => {
                let days = random.around(median, sigma) as u32;
                calendar.open_until(end - days.min(end))
            }
            None => calendar.pick(&mut random, 0, end - 80),
        };
        let orders = (random.around(habits.orders.0, habits.orders.1) + 0.5) as u32;
        let orders = orders.clamp(habits.range.0, habits.range.1);
        let earliest = last.saturating_sub(habits.tenure);
        let first = match orders {
            1 => last,
            _ => calendar.pick(&mut random, earliest, earliest + (last - earliest) / 3),
        };
        let wholesale = matches!(segment, Segment::Champions | Segment::Loyal) && random.chance(300);
        let basket = random.around(habits.basket, 0.45) * if wholesale { 4.0 } else { 1.0 };
        let country = abroad_sometimes(&mut random, 900);
        let second = random.chance(150).then(|| abroad_sometimes(&mut random, 10_000));
        Buyer { index, kind: Kind::Customer(segment), orders, first, last, basket, wholesale, country, second }
    }

    pub fn guest(seed: u64, index: u32, calendar: &Calendar) -> Buyer {
        let mut random = Random::at(seed, Purpose::Buyer, u64::from(index), 1);
        let day = calendar.pick(&mut random, 0, calendar.last_day());
        Buyer {
            index,
            kind: Kind::Guest,
            orders: 1,
            first: day,
            last: day,
            basket: random.around(110.0, 0.6),
            wholesale: false,
            country: abroad_sometimes(&mut random, 300),
            second: None,
        }
    }

    pub fn returner(seed: u64, index: u32, calendar: &Calendar) -> Buyer {
        let mut random = Random::at(seed, Purpose::Buyer, u64::from(index), 2);
        let day = calendar.pick(&mut random, 0, 40);
        Buyer {
            index,
            kind: Kind::Returner,
            orders: 1,
            first: day,
            last: day,
            basket: random.around(90.0, 0.4),
            wholesale: false,
            country: &COUNTRIES[0],
            second: None,
        }
    }
}

fn abroad_sometimes(random: &mut Random, of_10_000: u64) -> &'static Country {
    if !random.chance(of_10_000) {
        return &COUNTRIES[0];
    }
    let weights = running_sums(COUNTRIES.iter().map(|country| country.weight));
    &COUNTRIES[random.weighted(&weights)]
}

pub struct Country {
    pub name: &'static str,
    /// Share of the orders from abroad; nothing at home.
    weight: u64,
    /// Pence for a parcel; nothing at home.
    pub postage: i64,
}

/// Home, then abroad. The odd names are such as a shop's own system has.
#[rustfmt::skip]
const COUNTRIES: [Country; 22] = [
    country("United Kingdom", 0, 0), country("Germany", 22, 1800), country("France", 20, 1800),
    country("EIRE", 12, 5000), country("Spain", 8, 2800), country("Netherlands", 7, 1500),
    country("Belgium", 7, 1800), country("Switzerland", 6, 4000), country("Portugal", 5, 2800),
    country("Australia", 4, 15000), country("Italy", 4, 2800), country("Norway", 4, 4000),
    country("Channel Islands", 3, 1500), country("Finland", 3, 4000), country("Sweden", 3, 4000),
    country("Denmark", 2, 1800), country("Austria", 3, 4000), country("Japan", 2, 15000),
    country("Unspecified", 2, 0), country("Hong Kong", 1, 15000), country("RSA", 1, 15000),
    country("European Community", 1, 1800),
];

const fn country(name: &'static str, weight: u64, postage: i64) -> Country {
    Country { name, weight, postage }
}
