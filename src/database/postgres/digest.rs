//! A digest of rows that does not depend on their order.

use sha2::{Digest, Sha256};

/// The SHA-256 of every row, added up as 256-bit numbers: the same rows give the same sum in any order, and a row that
/// occurs twice counts twice.
#[derive(Default)]
pub(super) struct RowsDigest {
    sum: [u64; 4],
}

impl RowsDigest {
    pub fn add(&mut self, row: &[u8]) {
        let digest = Sha256::digest(row);
        let mut carry = false;
        for (word, bytes) in self.sum.iter_mut().zip(digest.as_chunks::<8>().0) {
            let (sum, over) = word.overflowing_add(u64::from_le_bytes(*bytes));
            let (sum, again) = sum.overflowing_add(carry.into());
            (*word, carry) = (sum, over || again);
        }
    }

    /// The SHA-256 of the sum, in hexadecimal.
    pub fn finish(self) -> String {
        let bytes: Vec<u8> = self.sum.iter().flat_map(|word| word.to_le_bytes()).collect();
        crate::summarize::sha256(&bytes)
    }
}
