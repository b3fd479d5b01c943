//! Fingerprints of rows: two independent 64-bit lanes of multiply-and-fold over the row's cells.
//!
//! Every cell goes in with its length, so that ("ab", "c") and ("a", "bc") differ. Not meant to withstand somebody who
//! searches for collisions; for data as it occurs, two of n different rows collide with a probability of n^2 / 2^129.

/// The fraction of pi in hexadecimal, 64 bits a piece: nothing up our sleeve.
const KEYS: [u64; 4] = [0x243F_6A88_85A3_08D3, 0x1319_8A2E_0370_7345, 0xA409_3822_299F_31D1, 0x082E_FA98_EC4E_6C89];

pub(super) struct Fingerprint {
    lanes: [u64; 2],
}

impl Fingerprint {
    pub fn new() -> Self {
        Fingerprint { lanes: [KEYS[0], KEYS[1]] }
    }

    pub fn cell(&mut self, cell: &str) {
        self.word(cell.len() as u64);
        each_word(cell.as_bytes(), |word| self.word(word));
    }

    pub fn finish(self) -> u128 {
        let [left, right] = self.lanes;
        let (left, right) = (fold(left ^ KEYS[2], KEYS[1] ^ right), fold(right ^ KEYS[3], KEYS[0] ^ left));
        u128::from(left) << 64 | u128::from(right)
    }

    fn word(&mut self, word: u64) {
        self.lanes[0] = fold(self.lanes[0] ^ word, KEYS[2]).wrapping_add(word);
        self.lanes[1] = fold(self.lanes[1].rotate_left(29) ^ word, KEYS[3]).wrapping_sub(word);
    }
}

/// A hash for tables in memory.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    let mut state = KEYS[0] ^ bytes.len() as u64;
    each_word(bytes, |word| state = fold(state ^ word, KEYS[2]));
    fold(state, KEYS[1])
}

/// Spreads what tells numbers apart over all of their bits.
pub(super) fn mix(number: u64) -> u64 {
    fold(number ^ KEYS[0], KEYS[2])
}

fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ (product >> 64) as u64
}

/// The bytes as 64-bit words. The last word may overlap the one before it: together with the number of bytes the words
/// still tell all of them.
fn each_word(bytes: &[u8], mut see: impl FnMut(u64)) {
    let half = |bytes: &[u8; 4]| u64::from(u32::from_le_bytes(*bytes));
    if let Some(last) = bytes.last_chunk::<8>() {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| see(u64::from_le_bytes(*word)));
        if !rest.is_empty() {
            see(u64::from_le_bytes(*last));
        }
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        see(half(first) | half(last) << 32);
    } else if let [first, ..] = bytes {
        let (middle, last) = (bytes[bytes.len() / 2], bytes[bytes.len() - 1]);
        see(u64::from(*first) | u64::from(middle) << 8 | u64::from(last) << 16);
    }
}
