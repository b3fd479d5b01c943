//! The list of codes. Each has a page that says what it means, with a spec that has the mistake and the same one mended.

/// A code and its page.
pub struct Code {
    pub code: &'static str,
    pub page: &'static str,
}

macro_rules! codes {
    ($($code:literal),* $(,)?) => {
        &[$(Code { code: $code, page: include_str!(concat!("explanations/", $code, ".md")) }),*]
    };
}

pub const CODES: &[Code] = codes![
    "SEG0101", "SEG0102", "SEG0103", "SEG0104", "SEG0105", "SEG0106", "SEG0107", "SEG0108", "SEG0109", "SEG0110",
    "SEG0111", "SEG0112", "SEG0201", "SEG0202", "SEG0203", "SEG0204", "SEG0205", "SEG0206", "SEG0207", "SEG0208",
    "SEG0209", "SEG0210", "SEG0211", "SEG0212", "SEG0213", "SEG0214", "SEG0215", "SEG0216", "SEG0218", "SEG0220",
    "SEG0221", "SEG0222", "SEG0223", "SEG0224", "SEG0225", "SEG0226", "SEG0230", "SEG0231", "SEG0232", "SEG0233",
    "SEG0234", "SEG0235", "SEG0236", "SEG0237", "SEG0238", "SEG0301", "SEG0302", "SEG0303", "SEG0304", "SEG0305",
    "SEG0306", "SEG0307", "SEG0308", "SEG0310", "SEG0315", "SEG0316", "SEG0320", "SEG0321", "SEG0322", "SEG0323",
    "SEG0324", "SEG0325", "SEG0326", "SEG0327", "SEG0328", "SEG0330", "SEG0331", "SEG0332", "SEG0340", "SEG0350",
    "SEG0351", "SEG0352", "SEG0353", "SEG0354", "SEG0355", "SEG0356", "SEG0357", "SEG0358", "SEG0359", "SEG0360",
    "SEG0361", "SEG0401", "SEG0402", "SEG0403", "SEG0404", "SEG0501", "SEG0502", "SEG0503", "SEG0504", "SEG0505",
    "SEG0506", "SEG0507", "SEG0508", "SEG0509", "SEG0540", "SEG0541", "SEG0542", "SEG0543", "SEG0544", "SEG0545",
    "SEG0546", "SEG0547", "SEG0548", "SEG0601", "SEG0602", "SEG0603", "SEG0604", "SEG0605", "SEG0610", "SEG0611",
    "SEG0612", "SEG0613", "SEG0614", "SEG0615", "SEG0616", "SEG0630", "SEG0640", "SEG0641", "SEG0642", "SEG0643",
    "SEG0644", "SEG0701", "SEG0702", "SEG0703", "SEG0704", "SEG0705", "SEG0706", "SEG0707", "SEG0708", "SEG0709",
    "SEG0710", "SEG0711", "SEG0712", "SEG0720", "SEG0730", "SEG0731", "SEG0732", "SEG0802", "SEG0803", "SEG0901",
];

/// The code with this name, in any case.
pub fn find(code: &str) -> Option<&'static Code> {
    CODES.iter().find(|known| known.code.eq_ignore_ascii_case(code))
}
