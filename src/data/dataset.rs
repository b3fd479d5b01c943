//! The public data sets that can be fetched, and what is known of each to tell it from anything else.

/// A published archive with one workbook in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    /// As typed on the command line.
    pub name: &'static str,
    /// Whom to thank, and the licence.
    pub credit: &'static str,
    /// Scheme and host.
    pub server: &'static str,
    pub path: &'static str,
    /// The workbook's name in the archive.
    pub member: &'static str,
    /// The workbook's name in the data folder.
    pub file: &'static str,
    /// Bytes that the archive and the workbook may have at most.
    pub most_bytes: u64,
    pub sheet: Part,
}

/// A file inside the workbook, which is itself an archive. The part that holds all the rows is known byte for byte; the
/// parts around it (properties, styles) may be written anew without harm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub path: &'static str,
    /// Size unpacked.
    pub bytes: u64,
    /// CRC-32 of the unpacked bytes, as ZIP uses it.
    pub crc32: u32,
}

pub static DATASETS: [Dataset; 1] = [Dataset {
    name: "online-retail",
    credit: "Chen, D. (2015). Online Retail. UCI Machine Learning Repository. doi:10.24432/C5BW33. CC BY 4.0",
    server: "https://archive.ics.uci.edu",
    path: "/static/public/352/online+retail.zip",
    member: "Online Retail.xlsx",
    file: "online_retail.xlsx",
    most_bytes: 64 << 20,
    sheet: Part { path: "xl/worksheets/sheet1.xml", bytes: 184_640_367, crc32: 0xb449_1770 },
}];

impl Dataset {
    pub fn named(name: &str) -> Option<&'static Dataset> {
        DATASETS.iter().find(|dataset| dataset.name == name)
    }
}
