//! The one test program: most cases are files in the folders beside it.

mod cluster;
mod data_commands;
mod engine;
// mod ingest;
mod readme;
mod reports;
mod stories;
mod support;
