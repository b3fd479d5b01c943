//! What an order holds and what becomes of it. Orders are never kept: an order's stream of random numbers makes the
//! same order again, which is how a cancellation knows what it cancels.

use super::buyers::{Buyer, Kind};
use super::calendar::{Calendar, MINUTES_A_DAY};
use super::catalogue::Catalogue;
use super::random::{Purpose, Random};

/// When things happen to one order, in minutes since the data begin.
pub struct Order {
    /// Nothing if it was placed before the data begin.
    pub placed: Option<u32>,
    pub undone: Option<(Undo, u32)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Undo {
    /// A `C` invoice takes back all lines.
    Cancel,
    /// A `C` invoice takes back some pieces of some lines.
    CancelPart,
    /// A `C` invoice with a discount instead of goods.
    Discount,
    /// Goods come back on an ordinary invoice, as a slip of the till.
    Return,
}

/// One line of an invoice.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    pub code: &'a str,
    pub name: &'a str,
    pub quantity: i32,
    pub mils: i64,
}

/// The times of order `number` of `buyer`, and the stream from which its lines come next.
pub fn order(seed: u64, calendar: &Calendar, buyer: &Buyer, number: u32) -> (Order, Random) {
    let mut random = Random::at(seed, Purpose::Order, u64::from(buyer.index), u64::from(number));
    let day = match number {
        0 => buyer.last,
        1 => buyer.first,
        _ => calendar.pick(&mut random, buyer.first, buyer.last),
    };
    let minute = calendar.minute_of(&mut random, day);
    if buyer.kind == Kind::Returner {
        return (Order { placed: None, undone: Some((Undo::CancelPart, minute)) }, random);
    }
    let undone = match random.below(1_000) {
        0..=6 => Some(Undo::Cancel),
        7..=34 => Some(Undo::CancelPart),
        35..=37 => Some(Undo::Discount),
        38..=44 => Some(Undo::Return),
        _ => None,
    };
    let later = later(&mut random, calendar, minute);
    (Order { placed: Some(minute), undone: undone.zip(later) }, random)
}

/// Minutes after `minute` on the same day, or some days later; nothing if the data end before that.
fn later(random: &mut Random, calendar: &Calendar, minute: u32) -> Option<u32> {
    let day = minute / MINUTES_A_DAY;
    if random.chance(3_000) {
        return Some((minute + random.between(4, 90) as u32).min((day + 1) * MINUTES_A_DAY - 1));
    }
    let day = calendar.open_from(day + random.between(1, 20) as u32)?;
    Some(calendar.minute_of(random, day))
}

/// The lines of an order, with the shop's usual slips: lines rung up twice, codes typed in small letters.
pub fn lines<'a>(
    seed: u64,
    catalogue: &'a Catalogue,
    buyer: &Buyer,
    christmas: bool,
    postage: i64,
    random: &mut Random,
) -> Vec<Line<'a>> {
    let worth = buyer.basket * random.around(1.0, 0.35);
    let usual = match buyer.kind {
        Kind::Guest => 4.0 + worth / 10.0,
        _ if buyer.wholesale => 3.0 + worth / 160.0,
        _ => 2.0 + worth / 60.0,
    };
    let n = (random.around(usual, 0.3) as usize).clamp(1, 150);
    let mut lines: Vec<Line> = Vec::with_capacity(n + 2);
    let mut bought: Vec<usize> = Vec::with_capacity(n);
    for _ in 0..n {
        let share = worth / n as f64 * random.around(1.0, 0.5);
        let index = article(seed, catalogue, buyer, christmas, share, random);
        if bought.contains(&index) {
            continue;
        }
        bought.push(index);
        let product = &catalogue.products[index];
        let code = if random.chance(50) { &product.typed } else { &product.code };
        let (quantity, mils) = quantity_and_price(buyer, product.mils, share);
        // A free sample comes with something that is paid for.
        let free = random.chance(15) && !lines.is_empty();
        let mils = if free { 0 } else { mils };
        lines.push(Line { code, name: &product.name, quantity, mils });
        if random.chance(90) {
            lines.extend(lines.last().copied());
        }
    }
    lines.extend(fees(buyer, postage, random));
    lines
}

/// Half the time one of the buyer's dozen favourites; not much dearer than the buyer meant to spend on the line.
fn article(
    seed: u64,
    catalogue: &Catalogue,
    buyer: &Buyer,
    christmas: bool,
    pounds: f64,
    random: &mut Random,
) -> usize {
    let mut index = 0;
    for _ in 0..4 {
        index = if random.chance(5_000) {
            let mut taste = Random::at(seed, Purpose::Favourite, u64::from(buyer.index), random.below(12));
            catalogue.pick(&mut taste, christmas)
        } else {
            catalogue.pick(random, christmas)
        };
        if catalogue.products[index].mils as f64 <= pounds * 1500.0 {
            break;
        }
    }
    index
}

/// Packs in which goods are sold.
const PACKS: [i32; 24] =
    [1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 36, 48, 60, 72, 96, 120, 144, 192, 240, 288, 480, 576, 960];

/// So many pieces that the line is worth about `pounds`, and the thousandths of a pound that one of them costs: less
/// for large packs, about twice the list price for guests.
fn quantity_and_price(buyer: &Buyer, list: i64, pounds: f64) -> (i32, i64) {
    if buyer.kind == Kind::Guest {
        let pence = (list * 197 + 500) / 1000;
        let pieces = (pounds * 100.0 / pence.max(1) as f64) as i32;
        return (pieces.clamp(1, 6), pence.max(1) * 10);
    }
    let pieces = pounds * 1000.0 / list as f64 * 1.15;
    let quantity = PACKS.iter().copied().rev().find(|pack| f64::from(*pack) <= pieces).unwrap_or(1);
    let mils = if quantity >= 96 && list >= 210 { list * 85 / 1000 * 10 } else { list };
    (quantity, mils)
}

/// Lines that are not goods: postage, carriage, a voucher, something rung up by hand.
fn fees(buyer: &Buyer, postage: i64, random: &mut Random) -> Option<Line<'static>> {
    let line = |code, name, quantity, pence: i64| Some(Line { code, name, quantity, mils: pence * 10 });
    match buyer.kind {
        Kind::Guest if random.chance(5_500) => line("DOT", "WEBSHOP POSTAGE", 1, random.between(295, 2_400) as i64),
        Kind::Guest if random.chance(300) => line("gift_20", "GIFT VOUCHER £20.00", 1, 1_667),
        Kind::Guest => None,
        _ if postage == 5_000 && random.chance(5_000) => line("C2", "CARRIAGE", 1, postage),
        _ if postage > 0 && random.chance(7_000) => line("POST", "POSTAGE", random.between(1, 4) as i32, postage),
        _ if random.chance(40) => line("M", "Manual", 1, random.between(100, 5_000) as i64),
        _ => None,
    }
}

/// What an invoice that undoes `lines` holds: negative quantities at the same prices.
pub fn undo<'a>(lines: &[Line<'a>], how: Undo, random: &mut Random) -> Vec<Line<'a>> {
    let back = |line: &Line<'a>, quantity: i32| Line { quantity: -quantity, ..*line };
    match how {
        Undo::Cancel => lines.iter().map(|line| back(line, line.quantity)).collect(),
        Undo::Discount => {
            vec![Line { code: "D", name: "Discount", quantity: -1, mils: random.between(300, 6_000) as i64 * 10 }]
        }
        Undo::CancelPart | Undo::Return => {
            let n = random.between(1, 3).min(lines.len() as u64) as usize;
            let first = random.below(lines.len() as u64) as usize;
            let some = lines.iter().cycle().skip(first).take(n);
            some.map(|line| back(line, random.between(1, line.quantity as u64) as i32)).collect()
        }
    }
}
