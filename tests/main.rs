//! The one test program: most cases are files in the folders beside it.

mod assign;
mod cluster;
mod clv;
mod damage;
mod data_commands;
mod deploy;
mod diagnostics;
mod diff;
mod editors;
mod engine;
mod format;
mod ingest;
mod joins;
mod language;
mod oracle;
mod outputs;
mod patterns;
mod postgres;
mod presets;
mod profile;
mod readme;
mod regions;
mod reports;
mod sinks;
mod stories;
mod support;
