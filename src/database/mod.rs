//! Databases: lists of customers into their tables.

pub mod write;
