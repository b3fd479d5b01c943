//! A look at XLS files before the library reads them, and at what it does not tell. It follows chains of sectors without noticing a loop, and makes a
//! rectangle around the cells of a sheet, wherever they lie. Both would end in all memory being used up.
//!
//! Layouts: [MS-CFB] for the container, [MS-XLS] for the records in its stream.

use std::collections::HashMap;

use super::grid::{Area, Step, Trouble};
use super::styles::Style;

/// What a sheet has beside its cells.
#[derive(Debug, Clone, Default)]
pub(super) struct SheetFacts {
    /// Cells of the rectangle around all cells, which is what the library makes room for.
    pub extent: u64,
    /// In order.
    pub hidden_rows: Vec<u32>,
    /// First and last.
    pub hidden_columns: Vec<(u32, u32)>,
    pub merged: Vec<Area>,
    /// Numbers that are shown with so many digits, by row and column.
    pub codes: HashMap<(u32, u32), u8>,
}

/// The facts of every sheet.
pub(super) fn look(bytes: &[u8]) -> Step<Vec<SheetFacts>> {
    let file = Container::open(bytes).map_err(Trouble::damaged)?;
    let stream = file.workbook();
    // What follows this record is unreadable, though the records keep their kinds and lengths.
    if records(&stream, 0).take_while(|(kind, _)| *kind != END).any(|(kind, _)| kind == PASSWORD) {
        return Err(Trouble::Encrypted);
    }
    let sheets = records(&stream, 0).filter(|(kind, _)| *kind == BOUND_SHEET);
    let starts: Vec<usize> = sheets.filter_map(|(_, data)| word(data, 0)).map(|start| start as usize).collect();
    let styles = styles(&stream);
    let facts = starts.into_iter().map(|start| look_at_sheet(&stream, start, &styles));
    facts.collect::<Result<_, _>>().map_err(Trouble::damaged)
}

/// What the numbers of cells stand for, by the style of the cell.
fn styles(stream: &[u8]) -> Vec<Style> {
    let (mut formats, mut styles) = (Vec::<(u16, Style)>::new(), Vec::new());
    for (kind, data) in records(stream, 0).take_while(|(kind, _)| *kind != END) {
        match kind {
            FORMAT => {
                // Codes are digits, which have a byte each; other formats are of no interest here.
                let length = half(data, 2).unwrap_or_default() as usize;
                let text = data.get(5..5 + length).and_then(|bytes| std::str::from_utf8(bytes).ok());
                if let (Some(id), Some(text)) = (half(data, 0), text) {
                    formats.push((id, Style::of_format(text)));
                }
            }
            CELL_STYLE => {
                let id = half(data, 2).unwrap_or_default();
                let written = formats.iter().find(|(known, _)| *known == id);
                styles.push(written.map_or(Style::Plain, |(_, style)| *style));
            }
            _ => {}
        }
    }
    styles
}

fn look_at_sheet(stream: &[u8], start: usize, styles: &[Style]) -> Result<SheetFacts, &'static str> {
    let (mut facts, mut bounds, mut stated) = (SheetFacts::default(), None::<Area>, 0);
    let mut reach = |row: u16, first: u16, last: u16| {
        let (row, first, last) = (u32::from(row), u32::from(first), u32::from(last));
        let around = bounds.get_or_insert(Area { rows: (row, row), columns: (first, last) });
        around.rows = (around.rows.0.min(row), around.rows.1.max(row));
        around.columns = (around.columns.0.min(first), around.columns.1.max(last));
    };
    let mut codes = HashMap::new();
    let mut code = |row: u16, column: u16, style: u16| {
        if let Some(Style::Code(digits)) = styles.get(usize::from(style)) {
            codes.insert((row.into(), column.into()), *digits);
        }
    };
    for (kind, data) in records(stream, start).take_while(|(kind, _)| *kind != END) {
        let at = |place: usize| half(data, place).unwrap_or_default();
        let outside = match kind {
            DIMENSIONS => {
                stated = extent(data).unwrap_or_default();
                extent(data).is_none()
            }
            // The last column of several cells stands at the end.
            SEVERAL => {
                let last = at(data.len().saturating_sub(2));
                reach(at(0), at(2), last);
                for (column, cell) in (at(2)..=last).zip(data.get(4..).unwrap_or_default().as_chunks::<6>().0) {
                    code(at(0), column, u16::from_le_bytes([cell[0], cell[1]]));
                }
                last >= COLUMNS
            }
            kind if CELLS.contains(&kind) => {
                reach(at(0), at(2), at(2));
                code(at(0), at(2), at(4));
                at(2) >= COLUMNS
            }
            ROW if at(12) & 1 << 5 != 0 => {
                facts.hidden_rows.push(at(0).into());
                false
            }
            COLUMN_INFO if at(8) & 1 != 0 => {
                facts.hidden_columns.push((at(0).into(), at(2).into()));
                false
            }
            MERGED => {
                let areas = data.get(2..).unwrap_or_default().as_chunks::<8>().0;
                facts.merged.extend(areas.iter().map(|area| {
                    let at = |place: usize| u32::from(u16::from_le_bytes([area[place], area[place + 1]]));
                    Area { rows: (at(0), at(2)), columns: (at(4), at(6)) }
                }));
                false
            }
            _ => false,
        };
        if outside {
            return Err("a cell lies outside the grid");
        }
    }
    let around = bounds.map_or(0, |around| {
        u64::from(around.rows.1 - around.rows.0 + 1) * u64::from(around.columns.1.saturating_sub(around.columns.0) + 1)
    });
    facts.extent = around.max(stated);
    facts.hidden_rows.sort_unstable();
    facts.codes = codes;
    Ok(facts)
}

/// Rows and columns of a sheet; the rows of its cells have 16 bits anyway.
const ROWS: u32 = 1 << 16;
const COLUMNS: u16 = 256;

const END: u16 = 0x000A;
const PASSWORD: u16 = 0x002F;
const BOUND_SHEET: u16 = 0x0085;
const DIMENSIONS: u16 = 0x0200;
const SEVERAL: u16 = 0x00BD;
const FORMAT: u16 = 0x041E;
const CELL_STYLE: u16 = 0x00E0;
const ROW: u16 = 0x0208;
const COLUMN_INFO: u16 = 0x007D;
const MERGED: u16 = 0x00E5;
/// Formula, rich text, shared text, number, text, truth value or error, small number.
const CELLS: [u16; 7] = [0x0006, 0x00D6, 0x00FD, 0x0203, 0x0204, 0x0205, 0x027E];

/// Numbers of sectors from here on are marks such as the end of a chain.
const MARKS: u32 = 0xFFFF_FFFA;

/// Streams shorter than this lie in small sectors within the stream of the root.
const SHORT_STREAM: usize = 4096;
const SHORT_SECTOR: usize = 64;

/// Cells of the part of the grid between the first row, the row after the last, and the same of columns.
fn extent(data: &[u8]) -> Option<u64> {
    let ((first, end), (left, right)) = match data.len() {
        10 => ((half(data, 0)?.into(), half(data, 2)?.into()), (half(data, 4)?, half(data, 6)?)),
        _ => ((word(data, 0)?, word(data, 4)?), (half(data, 8)?, half(data, 10)?)),
    };
    let fits = end <= ROWS && right <= COLUMNS && (first <= end || end == 0);
    fits.then(|| u64::from(end.saturating_sub(first)) * u64::from(right.saturating_sub(left)))
}

struct Container<'a> {
    bytes: &'a [u8],
    sector: usize,
    /// By sector, the one that follows it in its chain.
    next: Vec<u32>,
    next_short: Vec<u32>,
}

impl<'a> Container<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self, &'static str> {
        let sector = match half(bytes, 30) {
            Some(9) => 512,
            Some(12) => 4096,
            _ => return Err("its sectors have no size"),
        };
        let mut file = Container { bytes, sector, next: Vec::new(), next_short: Vec::new() };
        let table =
            |bytes: &[u8]| bytes.as_chunks::<4>().0.iter().map(|id| u32::from_le_bytes(*id)).collect::<Vec<_>>();
        // The table of sectors is listed in the header and, if it is long, in a chain of its own.
        let mut list = table(bytes.get(76..512).unwrap_or_default());
        let mut more = word(bytes, 68).unwrap_or(MARKS);
        for _ in 0..=bytes.len() / sector {
            if more >= MARKS {
                break;
            }
            list.extend(table(file.sector(more)));
            more = list.pop().unwrap_or(MARKS);
        }
        file.next = list.iter().filter(|id| **id < MARKS).flat_map(|id| table(file.sector(*id))).collect();
        if more < MARKS || has_loop(&file.next) {
            return Err("its sectors form a loop");
        }
        file.next_short = table(&file.chain(word(bytes, 60).unwrap_or(MARKS)));
        if has_loop(&file.next_short) {
            return Err("its sectors form a loop");
        }
        Ok(file)
    }

    fn sector(&self, id: u32) -> &'a [u8] {
        let start = (id as usize + 1).saturating_mul(self.sector);
        self.bytes.get(start..self.bytes.len().min(start.saturating_add(self.sector))).unwrap_or_default()
    }

    fn chain(&self, start: u32) -> Vec<u8> {
        follow(&self.next, start).flat_map(|id| self.sector(id)).copied().collect()
    }

    /// The stream with the records of all sheets; empty if there is none.
    fn workbook(&self) -> Vec<u8> {
        let directory = self.chain(word(self.bytes, 48).unwrap_or(MARKS));
        let (entries, _) = directory.as_chunks::<128>();
        let is = |entry: &[u8; 128], name: &str| {
            let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).chain([0, 0]).collect();
            entry[..wide.len()].eq_ignore_ascii_case(&wide)
        };
        let found = ["Workbook", "Book"].iter().find_map(|name| entries.iter().find(|entry| is(entry, name)));
        let (Some(entry), Some(root)) = (found, entries.first()) else { return Vec::new() };
        let place = |entry: &[u8]| (word(entry, 116).unwrap_or(MARKS), word(entry, 120).unwrap_or(0) as usize);
        let (start, length) = place(entry);
        let mut stream = if length < SHORT_STREAM {
            let short = self.chain(place(root).0);
            let sector = |id: u32| short.chunks(SHORT_SECTOR).nth(id as usize).unwrap_or_default();
            follow(&self.next_short, start).flat_map(sector).copied().collect()
        } else {
            self.chain(start)
        };
        stream.truncate(length);
        stream
    }
}

/// The sectors of a chain. It ends, as tables with loops have been turned away.
fn follow(next: &[u32], start: u32) -> impl Iterator<Item = u32> + '_ {
    std::iter::successors(Some(start), |id| next.get(*id as usize).copied()).take_while(|id| *id < MARKS)
}

/// Whether any chain of the table comes back to where it was.
fn has_loop(next: &[u32]) -> bool {
    // 0 is not seen; other numbers are that of the walk that saw the sector.
    let mut seen = vec![0_u32; next.len()];
    for (walk, start) in (1..).zip(0..next.len()) {
        let mut at = start;
        while at < next.len() && seen[at] == 0 {
            seen[at] = walk;
            at = next[at] as usize;
        }
        if at < next.len() && seen[at] == walk {
            return true;
        }
    }
    false
}

/// The records of a stream from some byte on: their kinds and data.
fn records(stream: &[u8], start: usize) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = stream.get(start..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (kind, length) = (half(rest, 0)?, half(rest, 2)? as usize);
        let data = rest.get(4..4 + length)?;
        rest = &rest[4 + length..];
        Some((kind, data))
    })
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2).map(|b| u16::from_le_bytes([b[0], b[1]]))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
}
