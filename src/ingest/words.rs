//! Dictionary coding of text while it is read.

use super::identity;
use crate::table::TextColumn;

/// Distinct words in order of first appearance, found again by a hash table of their numbers.
#[derive(Default)]
pub(super) struct Words {
    column: TextColumn,
    /// Open addressing with linear probing; a power of two in size, at most half full. Zero is free, other entries are
    /// the upper half of the word's hash and its number plus one.
    slots: Vec<(u32, u32)>,
    last: u32,
    /// The last number, and the code of its text.
    last_number: Option<(u64, u32)>,
}

impl Words {
    pub fn push_missing(&mut self) {
        self.column.codes.push(TextColumn::MISSING);
    }

    pub fn push(&mut self, word: &str) {
        // Rows of one invoice follow each other, so the last word is often the next.
        let code = match self.column.words.get(self.last as usize) {
            Some(last) if **last == *word => self.last,
            _ => self.code(word),
        };
        self.last = code;
        self.column.codes.push(code);
    }

    /// Pushes the text of `number` if it was the last number too. Workbooks keep ids as numbers, and rows of one invoice
    /// have the same.
    pub fn push_again(&mut self, number: f64) -> bool {
        match self.last_number {
            Some((last, code)) if last == number.to_bits() => {
                self.column.codes.push(code);
                true
            }
            _ => false,
        }
    }

    pub fn push_number(&mut self, number: f64, text: &str) {
        self.push(text);
        self.last_number = Some((number.to_bits(), self.last));
    }

    pub fn finish(self) -> TextColumn {
        self.column
    }

    fn code(&mut self, word: &str) -> u32 {
        if self.column.words.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let hash = identity::hash(word.as_bytes());
        let (mask, mark) = (self.slots.len() - 1, (hash >> 32) as u32);
        let mut slot = hash as usize & mask;
        loop {
            match self.slots[slot] {
                (_, 0) => break,
                (found, number) if found == mark && *self.column.words[number as usize - 1] == *word => {
                    return number - 1;
                }
                _ => slot = (slot + 1) & mask,
            }
        }
        self.column.words.push(word.into());
        let number = u32::try_from(self.column.words.len()).expect("rows are limited to fewer than 2^32");
        self.slots[slot] = (mark, number);
        number - 1
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(64);
        self.slots = vec![(0, 0); size];
        for (index, word) in self.column.words.iter().enumerate() {
            let hash = identity::hash(word.as_bytes());
            let mut slot = hash as usize & (size - 1);
            while self.slots[slot].1 != 0 {
                slot = (slot + 1) & (size - 1);
            }
            self.slots[slot] = ((hash >> 32) as u32, index as u32 + 1);
        }
    }
}
