//! Cells that are merged hold their value once, in the first of them. Here the others get it too.

use super::grid::Area;
use crate::ingest::cell::{Kept, Row};

/// Goes down a sheet row by row.
pub(super) struct Filler<'m> {
    /// In the order of their first rows; columns count from the first of the table.
    waiting: &'m [Area],
    /// Areas that reach to the row at hand, and their values.
    open: Vec<(Area, Kept)>,
    filled: Kept,
}

impl<'m> Filler<'m> {
    pub fn new(areas: &'m [Area]) -> Self {
        Filler { waiting: areas, open: Vec::new(), filled: Kept::default() }
    }

    /// The row with all its merged cells filled, or nothing where it has none. Rows from 0.
    pub fn fill(&mut self, number: u32, row: &Row) -> Option<Row<'_>> {
        self.open.retain(|(area, _)| area.rows.1 >= number);
        while let Some((area, rest)) = self.waiting.split_first().filter(|(area, _)| area.rows.0 <= number) {
            self.waiting = rest;
            // Where the row is not the first of the area, that one was wholly empty, and so is the area.
            if area.rows.0 == number {
                let mut value = Kept::default();
                value.put(0, row.cell(area.columns.0 as usize));
                self.open.push((*area, value));
            }
        }
        if self.open.is_empty() {
            return None;
        }
        self.filled.keep(row);
        for (area, value) in &self.open {
            let value = value.row();
            (area.columns.0..=area.columns.1).for_each(|column| self.filled.put(column as usize, value.cell(0)));
        }
        Some(self.filled.row())
    }
}

/// The areas of a sheet that matter for a table of so many columns from column `left` on, in the order of their rows.
pub(super) fn within(areas: &[Area], left: u32, width: usize) -> Vec<Area> {
    let inside = |area: &&Area| area.columns.1 >= left && ((area.columns.0.max(left) - left) as usize) < width;
    let mut areas: Vec<Area> = (areas.iter().filter(inside))
        .map(|area| {
            let last = (area.columns.1 - left).min(width as u32 - 1);
            Area { columns: (area.columns.0.saturating_sub(left), last), ..*area }
        })
        .collect();
    areas.sort_by_key(|area| (area.rows.0, area.columns.0));
    areas
}
