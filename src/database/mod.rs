//! Databases: how to reach one, rows out of it, and lists of customers into its tables. The home of what speaks to them.

pub mod postgres;
pub mod sqlite;
pub mod write;
