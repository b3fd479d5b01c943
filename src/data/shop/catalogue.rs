//! What the shop sells: about a thousand gifts, named by putting words together. Every shop has the same catalogue.

use std::collections::BTreeSet;

use super::random::{Purpose, Random, running_sums};

/// One article of the catalogue.
pub struct Product {
    /// Five digits, with a letter where a family comes in several colours: `22423`, `85123A`.
    pub code: String,
    /// The same code as a hasty cashier types it: `85123a`.
    pub typed: String,
    pub name: String,
    /// Thousandths of a pound.
    pub mils: i64,
    pub christmas: bool,
}

pub struct Catalogue {
    pub products: Vec<Product>,
    /// Running sums of popularity.
    cumulative: Vec<u64>,
}

const FAMILIES: u32 = 720;

impl Catalogue {
    pub fn new() -> Catalogue {
        let mut random = Random::at(0, Purpose::Catalogue, 0, 0);
        let mut products = Vec::new();
        let mut names = BTreeSet::new();
        let mut number = 20_010;
        for _ in 0..FAMILIES {
            number += random.between(1, 60);
            // Some numbers are far from the others, as if bought in from another catalogue.
            let number = if random.chance(1_500) { number + 60_000 } else { number };
            add_family(&mut random, number, &mut names, &mut products);
        }
        let cumulative = popularity(&mut random, products.len());
        Catalogue { products, cumulative }
    }

    /// An article that is sold at this time of the year, popular ones more often.
    pub fn pick(&self, random: &mut Random, christmas: bool) -> usize {
        loop {
            let index = random.weighted(&self.cumulative);
            if christmas || !self.products[index].christmas {
                return index;
            }
        }
    }
}

/// Adds one article, or the same article in two to four colours.
fn add_family(random: &mut Random, number: u64, names: &mut BTreeSet<String>, products: &mut Vec<Product>) {
    let (object, pence) = *random.choose(&OBJECTS);
    let motif = *random.choose(&MOTIFS);
    let christmas = CHRISTMAS_MOTIFS.contains(&motif);
    let mils = price(random, pence);
    let colours = if random.chance(2_800) { random.between(2, 4) } else { 0 };
    let first = random.below(COLOURS.len() as u64) as usize;
    let extra = *random.choose(&STYLES);
    for turn in 0..colours.max(1) as usize {
        let (colour, letter) = COLOURS[(first + turn) % COLOURS.len()];
        let name = match colours {
            0 if random.chance(600) => format!("{object},{extra} {motif}"),
            0 if random.chance(500) => format!("{}\" {motif} {object}", random.between(2, 9) * 2),
            0 if random.chance(150) => format!("{motif} {object} \"{extra}\""),
            0 if random.chance(120) => format!("LUCKY £{} {object}, {motif}", random.between(1, 3)),
            0 => format!("{extra} {motif} {object}"),
            _ => format!("{colour} {motif} {object}"),
        };
        if !names.insert(name.clone()) {
            continue;
        }
        let code = if colours == 0 { number.to_string() } else { format!("{number}{letter}") };
        let typed = code.to_lowercase();
        products.push(Product { code, typed, name: with_odd_blanks(random, name), mils, christmas });
    }
}

/// A list price near `pence`, in thousandths of a pound; some small things are priced by the dozen.
fn price(random: &mut Random, pence: i64) -> i64 {
    if random.chance(1_000) && pence < 100 {
        return *random.choose(&[125, 208, 395, 415]);
    }
    let near = LADDER.partition_point(|step| *step < pence) as u64;
    let step = (near + random.below(4)).saturating_sub(2).min(LADDER.len() as u64 - 1);
    LADDER[step as usize] * 10
}

fn with_odd_blanks(random: &mut Random, name: String) -> String {
    match random.below(100) {
        0..=2 => name + " ",
        3 => format!(" {name}"),
        4 => name.replacen(' ', "  ", 1),
        _ => name,
    }
}

/// Weights that fall with a random rank as 1 / (rank + 15): a few stars and a long tail.
fn popularity(random: &mut Random, n: usize) -> Vec<u64> {
    let mut ranks: Vec<u64> = (0..n as u64).collect();
    for last in (1..n).rev() {
        ranks.swap(last, random.below(last as u64 + 1) as usize);
    }
    let weights = ranks.iter().map(|rank| 10_000_000 / (rank + 15));
    running_sums(weights)
}

/// Usual prices in pence.
#[rustfmt::skip]
const LADDER: [i64; 30] = [
    21, 29, 39, 42, 55, 65, 75, 85, 95, 125, 145, 165, 195, 210, 255, 295, 325, 375, 425, 495, 595, 675, 795, 850, 995,
    1095, 1275, 1495, 1695, 1995,
];

#[rustfmt::skip]
const COLOURS: [(&str, char); 9] = [
    ("RED", 'A'), ("BLUE", 'B'), ("CREAM", 'C'), ("PINK", 'D'), ("GREEN", 'E'), ("LILAC", 'F'), ("MUSTARD", 'G'),
    ("WHITE", 'W'), ("BLACK", 'K'),
];

#[rustfmt::skip]
const STYLES: [&str; 14] = [
    "RUSTIC", "LITTLE", "ENAMEL", "WOODEN", "COUNTRY", "SEASIDE", "PRETTY", "HANDMADE", "ANTIQUE", "PAINTED", "TRAVEL",
    "GARDEN", "NURSERY", "COSY",
];

#[rustfmt::skip]
const MOTIFS: [&str; 34] = [
    "BLUEBELL", "HEDGEHOG", "SWALLOW", "BRAMBLE", "LIGHTHOUSE", "TOADSTOOL", "GINGHAM", "PAISLEY", "POLKADOT",
    "STARFISH", "OWL", "RABBIT", "SQUIRREL", "BUNTING", "CHERRY", "APPLE", "STRAWBERRY", "DAISY", "SWEETHEART",
    "BUTTERFLY", "ELEPHANT", "CIRCUS", "ROCKET", "SAILBOAT", "FEATHER", "POSTCARD", "ALPHABET", "ROSEBUD", "LAVENDER",
    "BIRDCAGE", "CHRISTMAS", "REINDEER", "SNOWFLAKE", "ROBIN",
];

const CHRISTMAS_MOTIFS: [&str; 4] = ["CHRISTMAS", "REINDEER", "SNOWFLAKE", "ROBIN"];

#[rustfmt::skip]
const OBJECTS: [(&str, i64); 60] = [
    ("MUG", 255), ("EGG CUP", 125), ("TEA TOWEL", 295), ("LUNCH BOX", 195), ("CAKE STAND", 1275), ("CAKE TIN", 495),
    ("TEAPOT", 595), ("COASTER", 65), ("SET OF 4 COASTERS", 295), ("OVEN GLOVE", 375), ("APRON", 595),
    ("RECIPE BOX", 795), ("JAM JAR", 85), ("BISCUIT BARREL", 675), ("DOORSTOP", 425), ("DRAUGHT EXCLUDER", 795),
    ("CUSHION COVER", 495), ("HOT WATER BOTTLE", 495), ("NIGHT LIGHT", 425), ("T-LIGHT HOLDER", 125),
    ("LANTERN", 495), ("CANDLE", 165), ("SET OF 6 T-LIGHTS", 255), ("PHOTO FRAME", 295), ("WALL CLOCK", 850),
    ("ALARM CLOCK", 375), ("JEWELLERY BOX", 995), ("HAND MIRROR", 210), ("HAIR CLIP", 85), ("PURSE", 145),
    ("SHOPPER BAG", 195), ("BEACH BAG", 210), ("PICNIC BAG", 85), ("WASH BAG", 325), ("UMBRELLA", 595),
    ("KEY RING", 95), ("NOTEBOOK", 125), ("PENCIL SET", 65), ("PACK OF 20 NAPKINS", 85), ("PAPER LANTERN", 295),
    ("GIFT WRAP", 42), ("GIFT TAG", 29), ("PARTY BUNTING", 495), ("CARD HOLDER", 375), ("MONEY BOX", 165),
    ("MUSIC BOX", 325), ("JIGSAW PUZZLE", 210), ("SKIPPING ROPE", 125), ("SPINNING TOP", 125), ("SET OF 9 BLOCKS", 595),
    ("BATH DUCK", 85), ("SOAP DISH", 210), ("PLANT POT", 165), ("WATERING CAN", 495), ("BIRD FEEDER", 375),
    ("WICKER BASKET", 795), ("HEART GARLAND", 145), ("DOOR WREATH", 675), ("TREE DECORATION", 85), ("COAT HOOK", 145),
];
