//! One row of a shop in the layout of Online Retail, and who takes such rows.

use std::fmt;

use chrono::NaiveDateTime;

use super::DataError;

/// The columns, in order.
pub const COLUMNS: [&str; 8] =
    ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"];

/// An invoice line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'a> {
    pub invoice: Invoice,
    pub stock_code: &'a str,
    pub description: Option<&'a str>,
    /// Pieces; negative when goods come back.
    pub quantity: i32,
    /// Local time, whole minutes.
    pub at: NaiveDateTime,
    pub price: Price,
    pub customer: Option<u32>,
    pub country: &'a str,
}

/// An invoice number, shown as `540001`, or as `C540001` with a letter for cancellations and adjustments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invoice {
    pub letter: Option<char>,
    pub number: u32,
}

/// Pounds sterling in thousandths, shown with two decimals or, where they are needed, three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    pub mils: i64,
}

/// Takes the rows of a shop in order, batch by batch.
pub trait RowSink {
    fn write(&mut self, rows: &[Row<'_>]) -> Result<(), DataError>;
    /// Writes what is still held back. Rows are complete only after this.
    fn finish(self: Box<Self>) -> Result<(), DataError>;
}

impl fmt::Display for Invoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.letter {
            Some(letter) => write!(f, "{letter}{}", self.number),
            None => write!(f, "{}", self.number),
        }
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.mils < 0 { "-" } else { "" };
        let (pounds, mils) = (self.mils.unsigned_abs() / 1000, self.mils.unsigned_abs() % 1000);
        match mils % 10 {
            0 => write!(f, "{sign}{pounds}.{:02}", mils / 10),
            _ => write!(f, "{sign}{pounds}.{mils:03}"),
        }
    }
}
