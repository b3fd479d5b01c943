//! The texts that the cells of a workbook share, end to end in one piece of memory: three million empty ones cost 24 MB.

#[derive(Default)]
pub(super) struct Texts {
    text: String,
    /// Where each text ends; it starts where the one before ends.
    ends: Vec<usize>,
}

impl Texts {
    pub fn get(&self, index: u32) -> Option<&str> {
        let end = *self.ends.get(index as usize)?;
        let start = (index as usize).checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.text[start..end])
    }

    /// Room for the text that is not ended yet.
    pub fn last(&mut self) -> &mut String {
        &mut self.text
    }

    pub fn end(&mut self) {
        let start = self.ends.last().copied().unwrap_or(0);
        Self::unescape(&mut self.text, start);
        self.ends.push(self.text.len());
    }

    /// Replaces what stands for characters that XML can't hold, `_x000D_` and its like, from a byte on.
    pub fn unescape(text: &mut String, from: usize) {
        let Some(first) = text[from..].find("_x") else { return };
        let rest = text.split_off(from + first);
        let mut rest = rest.as_str();
        while let Some(at) = rest.find("_x") {
            text.push_str(&rest[..at]);
            let code = rest.get(at + 2..at + 6).filter(|_| rest[at + 6..].starts_with('_'));
            let code = code.filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
            match code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32) {
                Some(c) => {
                    text.push(c);
                    rest = &rest[at + 7..];
                }
                None => {
                    text.push_str("_x");
                    rest = &rest[at + 2..];
                }
            }
        }
        text.push_str(rest);
    }
}
