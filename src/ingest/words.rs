//! Dictionary coding of text while it is read.

use super::identity;
use crate::table::TextColumn;

/// Distinct words in order of first appearance, found again by a hash table.
///
/// Nearly all of the time here goes into waiting for memory. So the words lie end to end in one text, and a word of up
/// to seven bytes, as most ids and codes are, is found without looking at it.
#[derive(Default)]
pub(super) struct Words {
    codes: Vec<u32>,
    text: String,
    /// Where each word ends in `text`; it starts where the one before ends.
    ends: Vec<usize>,
    /// Open addressing with linear probing; a power of two in size and at most half full.
    slots: Vec<Slot>,
    last: Slot,
}

/// A free slot has no word.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    /// The word itself if it is short, else its hash.
    tag: u64,
    /// The code of the word plus one.
    number: u32,
}

const SHORT: usize = 7;

impl Words {
    pub fn push_missing(&mut self) {
        self.codes.push(TextColumn::MISSING);
    }

    pub fn push(&mut self, word: &str) {
        let tag = tag(word.as_bytes());
        // Rows of one invoice follow each other, so the last word is often the next.
        if !self.holds(self.last, tag, word) {
            self.last = Slot { tag, number: self.number(tag, word) };
        }
        self.codes.push(self.last.number - 1);
    }

    pub fn rows(&self) -> u64 {
        self.codes.iter().filter(|code| **code != TextColumn::MISSING).count() as u64
    }

    pub fn finish(self) -> TextColumn {
        let words = (1..=self.ends.len() as u32).map(|number| self.word(number).into()).collect();
        TextColumn { codes: self.codes, words }
    }

    fn word(&self, number: u32) -> &str {
        let code = number as usize - 1;
        let start = if code == 0 { 0 } else { self.ends[code - 1] };
        &self.text[start..self.ends[code]]
    }

    fn holds(&self, slot: Slot, tag: u64, word: &str) -> bool {
        slot.tag == tag && slot.number != 0 && (word.len() <= SHORT || self.word(slot.number) == word)
    }

    fn number(&mut self, tag: u64, word: &str) -> u32 {
        if self.ends.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let mut place = self.place(tag);
        while self.slots[place].number != 0 {
            if self.holds(self.slots[place], tag, word) {
                return self.slots[place].number;
            }
            place = (place + 1) & (self.slots.len() - 1);
        }
        self.text.push_str(word);
        self.ends.push(self.text.len());
        let number = self.ends.len() as u32;
        self.slots[place] = Slot { tag, number };
        number
    }

    fn place(&self, tag: u64) -> usize {
        identity::mix(tag) as usize & (self.slots.len() - 1)
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(64);
        let old = std::mem::replace(&mut self.slots, vec![Slot::default(); size]);
        for slot in old.into_iter().filter(|slot| slot.number != 0) {
            let mut place = self.place(slot.tag);
            while self.slots[place].number != 0 {
                place = (place + 1) & (size - 1);
            }
            self.slots[place] = slot;
        }
    }
}

/// Up to seven bytes with their count on top, else a hash with a topmost byte that such a count never is.
fn tag(word: &[u8]) -> u64 {
    if word.len() > SHORT {
        return identity::hash(word) | 0xFF << 56;
    }
    word.iter().rev().fold(word.len() as u64, |tag, byte| tag << 8 | u64::from(*byte))
}
