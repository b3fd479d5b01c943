//! The list of customers for programs, with types.

use std::fs::File;

use crate::exec::parquet::{self, Cells};
use crate::list::{Cell, Column, List, Source};

/// The columns of the list; text is never changed.
pub fn customers(list: &List, file: File) -> Result<(), String> {
    let columns = list.columns.iter().map(|column| (column.heading.to_string(), cells(list, column))).collect();
    parquet::write(file, columns, list.height()).map_err(|e| format!("{e:?}"))
}

fn cells<'a>(list: &'a List, column: &'a Column) -> Cells<'a> {
    let all = || (0..list.height()).map(|row| list.cell(row, column));
    match column.source {
        Source::Feature(feature) => Cells::Feature(feature.base, &feature.values),
        Source::Strength(values) => Cells::Numbers(values),
        Source::Cluster => Cells::Whole(all().map(|c| if let Cell::Whole(n) = c { Some(n) } else { None }).collect()),
        _ => Cells::Texts(all().map(|c| if let Cell::Text(text) = c { Some(text) } else { None }).collect()),
    }
}
