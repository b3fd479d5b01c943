//! Dictionary coding of text while it is read.

use super::identity;
use crate::table::TextColumn;

/// Distinct words in order of first appearance, found again by a hash table of their numbers.
///
/// Nearly all of the time here goes into waiting for memory, so everything is kept dense: the words lie end to end in
/// one text, and a slot of the table has eight bytes.
#[derive(Default)]
pub(super) struct Words {
    codes: Vec<u32>,
    text: String,
    /// Where each word ends in `text`; it starts where the one before ends.
    ends: Vec<u32>,
    /// Open addressing with linear probing; a power of two in size and at most half full.
    slots: Vec<Slot>,
    last: u32,
}

/// Half of a word's hash, and its code plus one; zero is a free slot.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    mark: u32,
    number: u32,
}

impl Words {
    pub fn push_missing(&mut self) {
        self.codes.push(TextColumn::MISSING);
    }

    /// Adds a cell; false if the words would be longer than 4 GiB together.
    pub fn push(&mut self, word: &str) {
        // Rows of one invoice follow each other, so the last word is often the next.
        if self.ends.is_empty() || self.word(self.last) != word {
            self.last = self.code(word);
        }
        self.codes.push(self.last);
    }

    pub fn finish(self) -> TextColumn {
        let words = (0..self.ends.len() as u32).map(|code| self.word(code).into()).collect();
        TextColumn { codes: self.codes, words }
    }

    fn word(&self, code: u32) -> &str {
        let code = code as usize;
        let start = if code == 0 { 0 } else { self.ends[code - 1] };
        &self.text[start as usize..self.ends[code] as usize]
    }

    fn code(&mut self, word: &str) -> u32 {
        if self.ends.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let hash = identity::hash(word.as_bytes());
        let (mask, mark) = (self.slots.len() - 1, (hash >> 32) as u32);
        let mut place = hash as usize & mask;
        while self.slots[place].number != 0 {
            let slot = self.slots[place];
            if slot.mark == mark && self.word(slot.number - 1) == word {
                return slot.number - 1;
            }
            place = (place + 1) & mask;
        }
        self.text.push_str(word);
        self.ends.push(self.text.len() as u32);
        let number = self.ends.len() as u32;
        self.slots[place] = Slot { mark, number };
        number - 1
    }

    fn grow(&mut self) {
        let mask = (self.slots.len() * 2).max(64) - 1;
        self.slots = vec![Slot::default(); mask + 1];
        for code in 0..self.ends.len() as u32 {
            let hash = identity::hash(self.word(code).as_bytes());
            let mut place = hash as usize & mask;
            while self.slots[place].number != 0 {
                place = (place + 1) & mask;
            }
            self.slots[place] = Slot { mark: (hash >> 32) as u32, number: code + 1 };
        }
    }
}
