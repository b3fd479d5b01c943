//! The list of customers for programs, with types.

use std::borrow::Cow;
use std::fs::File;

use ndarray::ArrayView1;

use crate::exec::parquet::{self, Cells};
use crate::list::{Cell, Column, List, Source};

/// The columns of the list, and of a mixture how responsible each component is, `responsibility_0` for the cluster 0; text
/// is never changed.
pub fn customers(list: &List, file: File) -> Result<(), String> {
    let mut columns: Vec<(String, Cells)> =
        list.columns.iter().map(|column| (column.heading.to_string(), cells(list, column))).collect();
    if let Some(found) = list.responsibilities() {
        let components = found.all.columns().into_iter().enumerate();
        let named = |(component, shares): (usize, ArrayView1<f64>)| {
            (format!("responsibility_{component}"), Cells::Numbers(shares.to_vec().into()))
        };
        columns.extend(components.map(named));
    }
    parquet::write(file, columns, &list.order).map_err(|e| format!("{e:?}"))
}

/// By customer, whatever the order of the list.
fn cells<'a>(list: &'a List, column: &'a Column) -> Cells<'a> {
    let all = || (0..list.height()).map(|customer| list.of_customer(customer, column));
    match column.source {
        Source::Feature(feature) => Cells::Feature(feature.base, &feature.values),
        Source::Strength(values) => Cells::Numbers(Cow::Borrowed(values)),
        Source::Cluster => Cells::Whole(all().map(|c| if let Cell::Whole(n) = c { Some(n) } else { None }).collect()),
        _ => Cells::Texts(all().map(|c| if let Cell::Text(text) = c { Some(text) } else { None }).collect()),
    }
}
