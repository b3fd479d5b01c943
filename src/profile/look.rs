//! The one pass over the rows, and the order in which what it gathered is made sense of.

use super::columns::{self, Gathered};
use super::reading::{self, Analysis};
use super::roles;
use super::tally::{Repeats, Room, Tally};
use super::{Count, LeftOut, Options, Profile, Setting};
use crate::ingest::raw::{Class, Raw, RawRow, Seen};
use crate::ingest::{IngestError, InputFile};
use crate::progress::Progress;

/// Room for all columns together: a file of ten columns has some hundred megabytes at most.
const TEXTS: usize = 1 << 22;
const BYTES: usize = 128 << 20;
/// Room for one column, and for fingerprints of rows.
const TEXTS_OF_ONE: usize = 1 << 19;
const FEWEST_TEXTS: usize = 1 << 10;
const ROWS: usize = 1 << 22;

pub(super) fn look(file: &InputFile, options: &Options, progress: &dyn Progress) -> Result<Profile, IngestError> {
    let mut raw = Raw::open(file, &options.format)?;
    let mut seen = Eyes::new(raw.headers.len());
    raw.visit(progress, &mut |row| seen.see(row))?;
    let Eyes { gathered, rows, left_out, repeats, .. } = seen;

    let stated = options.format.decimal;
    let (decimal, mark) = reading::decimal_mark(&gathered, stated, raw.hints_at_decimal_comma());
    let analyses: Vec<Analysis> = (gathered.iter().zip(&raw.headers))
        .map(|(column, header)| Analysis::of(column, decimal, roles::is_date(header)))
        .collect();
    let table = roles::Table { headers: &raw.headers, named: raw.header, columns: &analyses, rows };
    let roles = roles::assign(table, &options.roles);
    let mut settings: Vec<Setting> = raw.detected().into_iter().chain(mark).map(Setting::from).collect();
    let mut columns = Vec::new();
    for (at, (analysis, role)) in analyses.iter().zip(roles).enumerate() {
        let (column, found) = columns::finish(at, &raw.headers, analysis, role, rows, options.today);
        columns.push(column);
        settings.extend(found.map(Setting::from));
    }
    let (count, exact) = repeats.count();
    Ok(Profile {
        schema: "segc.profile/1".to_owned(),
        file: file.name.clone(),
        container: raw.kind(),
        bytes: raw.bytes,
        sheets_read: raw.sheets_read,
        sheets: raw.sheets,
        header: raw.header,
        settings,
        rows,
        left_out,
        repeated_rows: Count { count, exact },
        columns,
    })
}

/// What is gathered row by row.
struct Eyes {
    gathered: Vec<Gathered>,
    rows: u64,
    left_out: Vec<LeftOut>,
    repeats: Repeats,
    scratch: String,
}

impl Eyes {
    fn new(width: usize) -> Eyes {
        let share = |all: usize| all / width.max(1);
        let room =
            Room { texts: share(TEXTS).clamp(FEWEST_TEXTS, TEXTS_OF_ONE), bytes: share(BYTES).max(FEWEST_TEXTS * 64) };
        Eyes {
            gathered: (0..width).map(|_| Gathered::new(Tally::new(room))).collect(),
            rows: 0,
            left_out: Vec::new(),
            repeats: Repeats::new(ROWS),
            scratch: String::new(),
        }
    }

    fn see(&mut self, seen: Seen) {
        match seen {
            Seen::Row(row) => self.take(&row),
            Seen::Unreadable { row, reason } => self.leave_out("can't be taken apart", row, reason),
            Seen::Total { row } => self.leave_out("looks like a total", row, String::new()),
            Seen::Header { row } => self.leave_out("repeats the header", row, String::new()),
        }
    }

    fn take(&mut self, row: &RawRow) {
        self.rows += 1;
        let (number, gathered) = (row.number(), &mut self.gathered);
        row.each(&mut self.scratch, &mut |column, class, text| {
            let column = &mut gathered[column];
            match class {
                Class::Empty => column.missing += 1,
                Class::Broken => column.broken.note(text, number),
                Class::Text if text.trim().is_empty() => column.missing += 1,
                Class::Text => column.tally.add(text, number),
                Class::Typed => {
                    column.typed += 1;
                    column.tally.add(text, number);
                }
            }
        });
        self.repeats.add(row.fingerprint(&mut self.scratch));
    }

    fn leave_out(&mut self, why: &str, row: u64, detail: String) {
        match self.left_out.iter_mut().find(|left_out| left_out.why == why) {
            Some(left_out) => left_out.rows += 1,
            None => self.left_out.push(LeftOut { why: why.to_owned(), rows: 1, first: row, detail }),
        }
    }
}
