//! A synthetic gift shop with planted customer segments, in the layout of Online Retail and with its dirt.
//!
//! Rows come out in time order, month by month: whatever happens in a month is gathered (16 bytes an invoice), sorted
//! and written, so memory grows with the invoices of the busiest month and not with the rows. A buyer and an order are
//! functions of the seed and their numbers ([`random`]), hence nothing has to be remembered between months.

mod buyers;
mod calendar;
mod catalogue;
mod orders;
mod random;

pub use buyers::Segment;

use buyers::{Buyer, Kind};
use calendar::{Calendar, MINUTES_A_DAY};
use catalogue::Catalogue;
use chrono::NaiveDateTime;
use orders::{Line, Undo};
use random::{Purpose, Random};

use super::row::{Invoice, Price, Row};

const FIRST_INVOICE: u32 = 400_001;
const FIRST_CUSTOMER: u32 = 12_001;
/// Rows handed over at once, about.
const BATCH: usize = 4_096;

/// A shop of any size. The same customers and seed give the same rows, always.
pub struct Shop {
    customers: u32,
    seed: u64,
    calendar: Calendar,
    catalogue: Catalogue,
}

/// What happens at one moment and makes one invoice. The order of the fields is the order of the invoices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    minute: u32,
    what: What,
    /// Whose order, and which; or which adjustment of the day.
    who: u32,
    number: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Sale,
    Undo(Undo),
    StockTaking,
    BadDebt,
}

impl Shop {
    pub fn new(customers: u32, seed: u64) -> Shop {
        Shop { customers, seed, calendar: Calendar::new(), catalogue: Catalogue::new() }
    }

    /// Every customer who buys, by number, with the segment planted in them.
    pub fn truth(&self) -> impl Iterator<Item = (u32, Segment)> + '_ {
        (0..self.customers).filter_map(|index| match self.buyer(index).kind {
            Kind::Customer(segment) => Some((FIRST_CUSTOMER + index, segment)),
            Kind::Guest | Kind::Returner => None,
        })
    }

    /// The first midnight, and how many days the data span.
    pub fn period(&self) -> (NaiveDateTime, u32) {
        (self.calendar.time(0), self.calendar.last_day() + 1)
    }

    /// Hands all rows to `take` in time order, in batches of a few thousand, with the days that are done.
    ///
    /// Errors: those of `take`, which also end the work.
    pub fn rows<'a, E>(&'a self, mut take: impl FnMut(&[Row<'a>], u32) -> Result<(), E>) -> Result<(), E> {
        let mut rows = Vec::with_capacity(2 * BATCH);
        let mut number = FIRST_INVOICE;
        for (from, to) in self.calendar.months() {
            for event in self.events(from, to) {
                self.invoice(event, number, &mut rows);
                number += 1;
                if rows.len() >= BATCH {
                    take(&rows, event.minute / MINUTES_A_DAY)?;
                    rows.clear();
                }
            }
        }
        take(&rows, self.calendar.last_day() + 1)
    }

    fn guests(&self) -> u32 {
        self.customers / 2
    }

    fn returners(&self) -> u32 {
        self.customers / 100
    }

    /// Customers come first, then guests, then those who only send goods back.
    fn buyer(&self, index: u32) -> Buyer {
        let customers_and_guests = self.customers + self.guests();
        match index {
            _ if index < self.customers => Buyer::customer(self.seed, index, &self.calendar),
            _ if index < customers_and_guests => Buyer::guest(self.seed, index, &self.calendar),
            _ => Buyer::returner(self.seed, index, &self.calendar),
        }
    }

    /// What happens from day `from` until before day `to`, in order.
    fn events(&self, from: u32, to: u32) -> Vec<Event> {
        let within = from * MINUTES_A_DAY..to * MINUTES_A_DAY;
        let mut events = Vec::new();
        for who in 0..self.customers + self.guests() + self.returners() {
            let buyer = self.buyer(who);
            if buyer.first >= to {
                continue;
            }
            for number in 0..buyer.orders {
                let (order, _) = orders::order(self.seed, &self.calendar, &buyer, number);
                let placed = order.placed.map(|minute| (What::Sale, minute));
                let undone = order.undone.map(|(how, minute)| (What::Undo(how), minute));
                let both = placed.into_iter().chain(undone).filter(|(_, minute)| within.contains(minute));
                events.extend(both.map(|(what, minute)| Event { minute, what, who, number }));
            }
        }
        for day in from..to {
            self.adjustments(day, &mut events);
        }
        events.sort_unstable();
        events
    }

    /// Stock taking on open days, a debt written off now and then.
    fn adjustments(&self, day: u32, events: &mut Vec<Event>) {
        if !self.calendar.is_open(day) {
            return;
        }
        let mut random = Random::at(self.seed, Purpose::StockTaking, u64::from(day), 0);
        let usual = u64::from(self.customers) * 5;
        let n = (usual / 10_000) as u32 + u32::from(random.chance(usual % 10_000));
        for number in 0..n {
            let minute = self.calendar.minute_of(&mut random, day);
            events.push(Event { minute, what: What::StockTaking, who: day, number });
        }
        let debts = 100 + u64::from(self.customers) / 500;
        if random.chance(debts.min(10_000)) {
            let minute = self.calendar.minute_of(&mut random, day);
            events.push(Event { minute, what: What::BadDebt, who: day, number: 0 });
        }
    }

    /// Adds the rows of one invoice.
    fn invoice<'a>(&'a self, event: Event, number: u32, rows: &mut Vec<Row<'a>>) {
        let at = self.calendar.time(event.minute);
        let sheet = |letter, customer, country| Sheet { invoice: Invoice { letter, number }, at, customer, country };
        let home = "United Kingdom";
        match event.what {
            What::StockTaking => rows.push(sheet(None, None, home).stock_taking(self, event)),
            What::BadDebt => rows.push(sheet(Some('A'), None, home).bad_debt(self, event)),
            What::Sale => {
                let (lines, customer, country, _) = self.order(event.who, event.number);
                rows.extend(lines.iter().map(|line| sheet(None, customer, country).row(line)));
            }
            What::Undo(how) => {
                let (lines, customer, country, mut random) = self.order(event.who, event.number);
                let letter = (how != Undo::Return).then_some('C');
                let lines = orders::undo(&lines, how, &mut random);
                rows.extend(lines.iter().map(|line| sheet(letter, customer, country).row(line)));
            }
        }
    }

    /// The lines of an order, whose it is, where it goes, and the stream after it.
    fn order(&self, who: u32, number: u32) -> (Vec<Line<'_>>, Option<u32>, &'static str, Random) {
        let buyer = self.buyer(who);
        let (order, mut random) = orders::order(self.seed, &self.calendar, &buyer, number);
        let country = match buyer.second {
            Some(second) if random.chance(3_000) => second,
            _ => buyer.country,
        };
        let christmas = order.placed.is_none_or(|minute| self.calendar.sells_christmas(minute));
        let lines = orders::lines(self.seed, &self.catalogue, &buyer, christmas, country.postage, &mut random);
        let customer = match buyer.kind {
            Kind::Customer(_) => Some(FIRST_CUSTOMER + who),
            Kind::Guest => None,
            Kind::Returner => Some(FIRST_CUSTOMER + who - self.guests()),
        };
        (lines, customer, country.name, random)
    }
}

/// What the rows of one invoice have in common.
struct Sheet {
    invoice: Invoice,
    at: NaiveDateTime,
    customer: Option<u32>,
    country: &'static str,
}

/// What a storekeeper writes in place of a description.
const REMARKS: [&str; 8] = ["?", "broken", "wet", "found", "lost in store", "wrong label", "sample", "count again"];

impl Sheet {
    fn row<'a>(&self, line: &Line<'a>) -> Row<'a> {
        Row {
            invoice: self.invoice,
            stock_code: line.code,
            description: Some(line.name),
            quantity: line.quantity,
            at: self.at,
            price: Price { mils: line.mils },
            customer: self.customer,
            country: self.country,
        }
    }

    /// Pieces that were lost or found: free, for nobody, often without a description.
    fn stock_taking<'a>(&self, shop: &'a Shop, event: Event) -> Row<'a> {
        let mut random = Random::at(shop.seed, Purpose::StockTaking, u64::from(event.who), u64::from(event.number) + 1);
        let product = &shop.catalogue.products[shop.catalogue.pick(&mut random, true)];
        let pieces = random.around(12.0, 1.0) as i32 + 1;
        let quantity = if random.chance(7_500) { -pieces } else { pieces };
        let remark = *random.choose(&REMARKS);
        let line = Line { code: &product.code, name: remark, quantity, mils: 0 };
        Row { description: if random.chance(4_500) { None } else { Some(remark) }, ..self.row(&line) }
    }

    /// Money that will not come any more; two in three have a negative price.
    fn bad_debt<'a>(&self, shop: &Shop, event: Event) -> Row<'a> {
        let mut random = Random::at(shop.seed, Purpose::BadDebt, u64::from(event.who), 0);
        let mils = random.between(20_000, 400_000) as i64 * 10;
        let mils = if random.chance(6_667) { -mils } else { mils };
        self.row(&Line { code: "B", name: "Adjust bad debt", quantity: 1, mils })
    }
}
