//! The different texts of a column with their counts, in bounded memory.
//!
//! Exact as long as there is room. Then every second text goes, chosen by its hash, and those that stay stand for twice
//! as many; and so on (adaptive sampling: M. Wegman, in P. Flajolet, On adaptive sampling, 1990). What a sample would
//! miss always stays: the commonest texts, the extremes, and the first text of every shape, so that one word among
//! millions of numbers is seen.

use std::collections::BTreeSet;

use crate::ingest::raw::hash;

/// How much may be kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub texts: usize,
    pub bytes: usize,
}

pub(super) struct Tally {
    room: Room,
    texts: Vec<Text>,
    bytes: usize,
    /// Places in `texts` plus one by open addressing with linear probing, a power of two and at most half full.
    slots: Vec<u32>,
    /// Texts that are no exception stay if so many bits of their hash are zero.
    level: u32,
    shapes: BTreeSet<String>,
    extremes: Extremes,
    last: usize,
    /// Cells with a text.
    pub cells: u64,
    /// The shortest and the longest text, in characters.
    pub lengths: Option<(usize, usize)>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Text {
    pub text: Box<str>,
    /// Cells that have it.
    pub count: u64,
    /// The row of the first of them.
    pub row: u64,
    hash: u64,
    stays: bool,
}

#[derive(Default)]
struct Extremes {
    text: Option<(Box<str>, Box<str>)>,
    number: Option<(f64, f64)>,
}

/// Shapes that are told apart, and texts that stay since they are common.
const MOST_SHAPES: usize = 256;
const COMMON: usize = 64;
/// A longer text is kept by its beginning and its hash.
const LONGEST: usize = 256;

impl Tally {
    pub fn new(room: Room) -> Tally {
        Tally {
            room,
            texts: Vec::new(),
            bytes: 0,
            slots: vec![0; 64],
            level: 0,
            shapes: BTreeSet::new(),
            extremes: Extremes::default(),
            last: 0,
            cells: 0,
            lengths: None,
        }
    }

    pub fn add(&mut self, text: &str, row: u64) {
        self.cells += 1;
        // Rows of one invoice follow each other, so the last text is often the next.
        if let Some(last) = self.texts.get_mut(self.last)
            && *last.text == *text
        {
            last.count += 1;
            return;
        }
        let shortened;
        let text = match text.len() > LONGEST {
            true => {
                shortened = shorten(text);
                shortened.as_str()
            }
            false => text,
        };
        let hash = hash(text.as_bytes());
        let mut place = hash as usize & (self.slots.len() - 1);
        while let Some(at) = (self.slots[place] as usize).checked_sub(1) {
            if self.texts[at].hash == hash && *self.texts[at].text == *text {
                self.texts[at].count += 1;
                self.last = at;
                return;
            }
            place = (place + 1) & (self.slots.len() - 1);
        }
        let length = text.chars().count();
        self.lengths = Some(self.lengths.map_or((length, length), |(low, high)| (low.min(length), high.max(length))));
        let exception = self.level > 0 && self.is_exception(text);
        if exception || self.is_sampled(hash) {
            self.insert(Text { text: text.into(), count: 1, row, hash, stays: exception }, place);
        }
    }

    /// The texts that were kept, in order of first appearance, each with the number of cells that it stands for.
    pub fn weighted(&self) -> Vec<(&Text, u64)> {
        let (mut exact, mut sampled) = (0, 0);
        for text in &self.texts {
            *(if text.stays { &mut exact } else { &mut sampled }) += text.count;
        }
        let rest = self.cells.saturating_sub(exact);
        let weight = |text: &Text| match (self.level, text.stays) {
            (0, _) | (_, true) => text.count,
            _ => (u128::from(text.count) * u128::from(rest) / u128::from(sampled.max(1))) as u64,
        };
        self.texts.iter().map(|text| (text, weight(text))).collect()
    }

    /// How many different texts there are, exactly if [`Tally::is_exact`].
    pub fn distinct(&self) -> u64 {
        let staying = self.texts.iter().filter(|text| text.stays).count() as u64;
        staying + ((self.texts.len() as u64 - staying) << self.level)
    }

    pub fn is_exact(&self) -> bool {
        self.level == 0
    }

    fn is_sampled(&self, hash: u64) -> bool {
        // The low bits choose the slot.
        (hash >> 32) & ((1 << self.level) - 1) == 0
    }

    fn insert(&mut self, text: Text, place: usize) {
        self.bytes += text.text.len();
        self.texts.push(text);
        self.last = self.texts.len() - 1;
        self.slots[place] = self.texts.len() as u32;
        if self.texts.len() > self.room.texts || self.bytes > self.room.bytes {
            self.halve();
        } else if self.texts.len() * 2 > self.slots.len() {
            self.rebuild(self.slots.len() * 2);
        }
    }

    fn halve(&mut self) {
        if self.level == 0 {
            for at in 0..self.texts.len() {
                let text = self.texts[at].text.clone();
                self.texts[at].stays = self.is_exception(&text);
            }
            // Of growing values each was an extreme when it came; only the last ones are.
            let extreme: Vec<bool> = self.texts.iter().map(|text| self.extremes.holds(&text.text)).collect();
            let mut shapes = BTreeSet::new();
            for (text, extreme) in self.texts.iter_mut().zip(extreme) {
                text.stays = extreme || (shapes.len() < MOST_SHAPES && shapes.insert(shape(&text.text)));
            }
        }
        let mut by_count: Vec<usize> = (0..self.texts.len()).filter(|at| self.texts[*at].count > 1).collect();
        by_count.sort_by_key(|at| std::cmp::Reverse(self.texts[*at].count));
        by_count.iter().take(COMMON).for_each(|at| self.texts[*at].stays = true);
        self.level += 1;
        let level = self.level;
        self.texts.retain(|text| text.stays || (text.hash >> 32) & ((1 << level) - 1) == 0);
        self.bytes = self.texts.iter().map(|text| text.text.len()).sum();
        self.last = 0;
        self.rebuild(self.slots.len());
    }

    fn rebuild(&mut self, size: usize) {
        self.slots = vec![0; size];
        for (at, text) in self.texts.iter().enumerate() {
            let mut place = text.hash as usize & (size - 1);
            while self.slots[place] != 0 {
                place = (place + 1) & (size - 1);
            }
            self.slots[place] = at as u32 + 1;
        }
    }

    /// Whether a new text has to stay; it is an extreme from now on, or its shape is known from now on.
    fn is_exception(&mut self, text: &str) -> bool {
        let extreme = self.extremes.widen(text);
        let new_shape = self.shapes.len() < MOST_SHAPES && self.shapes.insert(shape(text));
        extreme || new_shape
    }
}

impl Extremes {
    fn widen(&mut self, text: &str) -> bool {
        let mut wider = false;
        match &mut self.text {
            None => (self.text, wider) = (Some((text.into(), text.into())), true),
            Some((low, _)) if *text < **low => (*low, wider) = (text.into(), true),
            Some((_, high)) if *text > **high => (*high, wider) = (text.into(), true),
            Some(_) => {}
        }
        let Some(number) = number(text) else { return wider };
        match &mut self.number {
            None => (self.number, wider) = (Some((number, number)), true),
            Some((low, _)) if number < *low => (*low, wider) = (number, true),
            Some((_, high)) if number > *high => (*high, wider) = (number, true),
            Some(_) => {}
        }
        wider
    }

    fn holds(&self, text: &str) -> bool {
        let ends = |ends: &(Box<str>, Box<str>)| *ends.0 == *text || *ends.1 == *text;
        let number = number(text);
        self.text.as_ref().is_some_and(ends) || self.number.is_some_and(|(a, b)| number == Some(a) || number == Some(b))
    }
}

/// Good enough to order texts that are numbers, whichever mark is the decimal one.
fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let value = match text.parse::<f64>() {
        Ok(value) => value,
        Err(_) => text.replace(',', ".").parse().ok()?,
    };
    value.is_finite().then_some(value)
}

/// `2010-12-01 08:26` and `1-2-1 8:26` have one shape: runs of digits and of letters, and the marks between.
fn shape(text: &str) -> String {
    let mut shape = String::new();
    for c in text.chars().take(64) {
        let c = match c {
            c if c.is_ascii_digit() => '0',
            c if c.is_alphabetic() => 'a',
            c if c.is_whitespace() => ' ',
            c => c,
        };
        if !(shape.ends_with(c) && matches!(c, '0' | 'a' | ' ')) {
            shape.push(c);
        }
    }
    shape
}

fn shorten(text: &str) -> String {
    let mut end = LONGEST - 24;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}… ({:016x})", &text[..end], hash(text.as_bytes()))
}

/// How many rows repeat an earlier one, by their fingerprints: of a sample when there are very many.
pub(super) struct Repeats {
    room: usize,
    /// A free slot has no count.
    slots: Vec<(u64, u32)>,
    used: usize,
    level: u32,
}

impl Repeats {
    pub fn new(room: usize) -> Repeats {
        Repeats { room, slots: vec![(0, 0); 1024], used: 0, level: 0 }
    }

    pub fn add(&mut self, fingerprint: u128) {
        let key = (fingerprint >> 64) as u64 ^ fingerprint as u64;
        if (key >> 40) & ((1 << self.level) - 1) != 0 {
            return;
        }
        let place = self.place(key);
        let (slot, count) = &mut self.slots[place];
        *slot = key;
        *count = count.saturating_add(1);
        if *count == 1 {
            self.used += 1;
            if self.used > self.room {
                self.level += 1;
                self.rebuild(self.slots.len());
            } else if self.used * 2 > self.slots.len() {
                self.rebuild(self.slots.len() * 2);
            }
        }
    }

    /// Rows that equal an earlier one, and whether that is exact.
    pub fn count(&self) -> (u64, bool) {
        let repeats: u64 = self.slots.iter().map(|(_, count)| u64::from(count.saturating_sub(1))).sum();
        (repeats << self.level, self.level == 0)
    }

    fn place(&self, key: u64) -> usize {
        let mut place = key as usize & (self.slots.len() - 1);
        while self.slots[place].1 > 0 && self.slots[place].0 != key {
            place = (place + 1) & (self.slots.len() - 1);
        }
        place
    }

    fn rebuild(&mut self, size: usize) {
        let old = std::mem::replace(&mut self.slots, vec![(0, 0); size]);
        self.used = 0;
        let level = self.level;
        for (key, count) in old.into_iter().filter(|(key, count)| *count > 0 && (key >> 40) & ((1 << level) - 1) == 0) {
            let place = self.place(key);
            self.slots[place] = (key, count);
            self.used += 1;
        }
    }
}
