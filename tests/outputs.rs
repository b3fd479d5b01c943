//! The list of customers as files for people: the workbook and the CSV, read back by other programs.

mod csv;
mod list;
mod workbook;
