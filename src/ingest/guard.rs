//! The libraries that read workbooks, Parquet and SQLite panic on some broken files. Here such a panic becomes a value.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic of this thread is one that a broken file causes and that is reported as such: a panic hook should
/// keep silent then.
pub fn is_guarded() -> bool {
    GUARDED.get()
}

/// The value of `step`, or nothing if it panicked. `step` must leave behind only what is thrown away then.
pub(super) fn guarded<T>(step: impl FnOnce() -> T) -> Option<T> {
    GUARDED.set(true);
    let value = catch_unwind(AssertUnwindSafe(step)).ok();
    GUARDED.set(false);
    value
}
