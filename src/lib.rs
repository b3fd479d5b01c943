//! The compiler for customer segmentations: a `.seg` file in, a checked plan, a report and a customer list out.
//!
//! ```no_run
//! use segc::{build, compile, progress::Silent, world::Disk};
//!
//! let world = Disk::default();
//! let compiled = compile::compile(&world, "specs/shop.seg".as_ref(), &[]);
//! let built = build::build(&world, &compiled, &Silent).expect("the shop builds");
//! println!("{} customers", built.outcome.customers);
//! ```
//!
//! [`compile`] runs the stages that need no data, [`build`] the others, [`output`] writes files. What each module does
//! and what it leaves to others is in ARCHITECTURE.md.

#![deny(unsafe_code)]

pub mod assign;
pub mod build;
pub mod check;
pub mod cli;
pub mod cluster;
pub mod clv;
pub mod compile;
pub mod data;
pub mod database;
pub mod diagnostics;
pub mod diff;
pub mod eval;
pub mod exec;
pub mod explain;
pub mod expr;
pub mod ingest;
pub mod init;
pub mod inputs;
pub mod list;
pub mod lock;
pub mod outcome;
pub mod output;
pub mod parquet;
pub mod plan;
pub mod profile;
pub mod progress;
pub mod regions;
pub mod report;
pub mod resolve;
pub mod sinks;
pub mod snapshot;
pub mod spec;
pub mod spreadsheet;
pub mod summarize;
pub mod syntax;
pub mod table;
pub mod testing;
pub mod time;
pub mod types;
pub mod verify;
pub mod why;
pub mod world;
