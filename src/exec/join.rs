//! Joins of sources: every row of the facts finds the one row of another source that has its key.
//!
//! Works on our own columns, whose texts are coded already: a key of text costs one look-up per distinct word and an
//! array access per row.

use std::collections::HashMap;
use std::hash::Hash;

use super::{ExecError, Input};
use crate::plan::Join;
use crate::table::{Cells, Column, ColumnData, Table, TextColumn};
use crate::time::iso;

/// What became of a join.
#[derive(Debug, Clone, PartialEq)]
pub struct Joined {
    pub source: String,
    /// Pairs of equal columns, of the rows so far and of the source.
    pub on: Vec<(String, String)>,
    /// Rows of the source: in its files, and of these refused.
    pub read: u64,
    pub refused: u64,
    /// Rows of the facts with a match and without one.
    pub matched: u64,
    pub unmatched: u64,
    /// Rows of the source that no row of the facts matches.
    pub unused: u64,
    /// Where nothing matches at all, the first key of each side.
    pub unlike: Option<(String, String)>,
}

/// A key that is not unique in a source.
#[derive(Debug, Clone, PartialEq)]
pub struct Repeated {
    /// The source's place among the joins.
    pub join: usize,
    pub key: String,
    /// The first row that repeats a key, and the one before it with that key, by their place in the table.
    pub rows: (usize, usize),
    /// How many more rows repeat a key.
    pub more: usize,
}

/// Adds the columns of a source to the rows. The number and the order of rows stay; a row whose key nothing equals gets
/// missing cells.
///
/// Errors: a key that two rows of the source have.
pub(super) fn join(rows: &mut Table, input: Input, plan: &Join, place: usize) -> Result<Joined, ExecError> {
    let Input { table, read, refused, .. } = input;
    let (left, right): (Vec<&ColumnData>, Vec<&ColumnData>) =
        plan.on.iter().map(|(left, right)| (column(rows, left), column(&table, right))).unzip();
    let mut keys = Keys { rows: vec![Some(0); rows.height], joined: vec![Some(0); table.height], distinct: 1 };
    left.iter().zip(&right).for_each(|(left, right)| keys.refine(left, right));
    let row_of_key = keys.rows_by_key().map_err(|(first, second, more)| {
        let key = key_text(&right, second).expect("only a whole key can be repeated");
        ExecError::Repeated(Repeated { join: place, key, rows: (first, second), more })
    })?;
    let matches: Vec<Option<u32>> = keys.rows.iter().map(|key| key.and_then(|key| row_of_key[key as usize])).collect();
    let matched = matches.iter().flatten().count();
    let mut used = vec![false; table.height];
    matches.iter().flatten().for_each(|row| used[*row as usize] = true);
    let first = |columns: &[&ColumnData], height: usize| (0..height).find_map(|row| key_text(columns, row));
    let unlike = if matched == 0 { first(&left, rows.height).zip(first(&right, table.height)) } else { None };
    let shared: Vec<&String> = plan.on.iter().filter(|(left, right)| left == right).map(|(_, right)| right).collect();
    for column in table.columns.into_iter().filter(|column| !shared.contains(&&column.name)) {
        rows.columns.push(Column { name: column.name, data: gather(column.data, &matches) });
    }
    let mut found = Cells::with_capacity(rows.height);
    matches.iter().for_each(|row| found.push(row.map(|_| true)));
    rows.columns.push(Column { name: plan.matched.clone(), data: ColumnData::Bool(found) });
    Ok(Joined {
        source: plan.scan.source.clone(),
        on: plan.on.clone(),
        read,
        refused,
        matched: matched as u64,
        unmatched: (rows.height - matched) as u64,
        unused: used.iter().filter(|used| !**used).count() as u64,
        unlike,
    })
}

/// The key of every row as a small number, equal for equal keys on both sides. Nothing where a cell of the key is
/// missing, or where the other side has no such value.
struct Keys {
    rows: Vec<Option<u32>>,
    joined: Vec<Option<u32>>,
    /// All numbers are below this.
    distinct: u32,
}

impl Keys {
    /// Takes one more column into the keys.
    fn refine(&mut self, left: &ColumnData, right: &ColumnData) {
        match (left, right) {
            (ColumnData::Text(left), ColumnData::Text(right)) => {
                // The codes of the joined source, found for each word of the rows once.
                let codes: HashMap<&str, u32> = right.words.iter().map(|w| &**w).zip(0..).collect();
                let to_right: Vec<Option<u32>> = left.words.iter().map(|word| codes.get(&**word).copied()).collect();
                let code = |code: &u32| Some(*code).filter(|code| *code != TextColumn::MISSING);
                self.combine(left.codes.iter().map(|c| to_right[code(c)? as usize]), right.codes.iter().map(code));
            }
            (ColumnData::Int(left), ColumnData::Int(right)) | (ColumnData::Time(left), ColumnData::Time(right)) => {
                self.combine(left.iter(), right.iter());
            }
            _ => unreachable!("`check` admits keys of one type only, and no others than these"),
        }
    }

    /// Numbers the pairs of the key so far and a value. The joined source gives the numbers, the rows look them up.
    fn combine<T: Hash + Eq>(&mut self, left: impl Iterator<Item = Option<T>>, right: impl Iterator<Item = Option<T>>) {
        let mut numbers: HashMap<(u32, T), u32> = HashMap::with_capacity(self.joined.len());
        for (key, value) in self.joined.iter_mut().zip(right) {
            *key = key.zip(value).map(|pair| {
                let next = numbers.len() as u32;
                *numbers.entry(pair).or_insert(next)
            });
        }
        for (key, value) in self.rows.iter_mut().zip(left) {
            *key = key.zip(value).and_then(|pair| numbers.get(&pair).copied());
        }
        self.distinct = numbers.len() as u32;
    }

    /// The row of the joined source for every key; or the first two rows that share one, and how many more repeat one.
    fn rows_by_key(&self) -> Result<Vec<Option<u32>>, (usize, usize, usize)> {
        let mut rows: Vec<Option<u32>> = vec![None; self.distinct as usize];
        let (mut first, mut repeated) = (None, 0);
        for (row, key) in self.joined.iter().enumerate() {
            let Some(key) = key else { continue };
            match rows[*key as usize] {
                None => rows[*key as usize] = Some(row as u32),
                Some(before) => {
                    first = first.or(Some((before as usize, row)));
                    repeated += 1;
                }
            }
        }
        first.map_or(Ok(rows), |(before, row)| Err((before, row, repeated - 1)))
    }
}

/// The cells of the matching rows, in the order of the rows that they match.
fn gather(data: ColumnData, matches: &[Option<u32>]) -> ColumnData {
    fn pick<T: Default + Copy>(cells: &Cells<T>, matches: &[Option<u32>]) -> Cells<T> {
        let mut out = Cells::with_capacity(matches.len());
        matches.iter().for_each(|row| out.push(row.and_then(|row| cells.get(row as usize))));
        out
    }
    match data {
        ColumnData::Text(text) => {
            let code = |row: &Option<u32>| row.map_or(TextColumn::MISSING, |row| text.codes[row as usize]);
            ColumnData::Text(TextColumn { codes: matches.iter().map(code).collect(), words: text.words })
        }
        ColumnData::Int(cells) => ColumnData::Int(pick(&cells, matches)),
        ColumnData::Number(cells) => ColumnData::Number(pick(&cells, matches)),
        ColumnData::Decimal { cells, scale } => ColumnData::Decimal { cells: pick(&cells, matches), scale },
        ColumnData::Time(cells) => ColumnData::Time(pick(&cells, matches)),
        ColumnData::Bool(cells) => ColumnData::Bool(pick(&cells, matches)),
    }
}

fn column<'a>(table: &'a Table, name: &str) -> &'a ColumnData {
    table.column(name).expect("a plan joins on columns that it has")
}

/// The key of a row in words, if it has one.
fn key_text(columns: &[&ColumnData], row: usize) -> Option<String> {
    let cell = |data: &&ColumnData| match data {
        ColumnData::Text(text) => text.get(row).map(str::to_owned),
        ColumnData::Int(cells) => cells.get(row).map(|n| n.to_string()),
        ColumnData::Time(cells) => cells.get(row).map(iso),
        _ => None,
    };
    columns.iter().map(cell).collect::<Option<Vec<String>>>().map(|cells| cells.join(", "))
}
