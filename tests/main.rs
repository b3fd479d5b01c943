//! The one test program; see STYLE in ARCHITECTURE.md for what lies where.
