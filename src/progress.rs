//! How long work tells that it goes on. The library reports; whoever calls it decides whether anybody sees it.

/// Listens to the stages of a build. Calls come from one thread, a stage at a time.
pub trait Progress: Sync {
    /// A stage begins; `total` is in the stage's own unit (rows, bytes, values of k) where it is known.
    fn start(&self, stage: &str, total: Option<u64>);
    /// So much of the stage is done.
    fn at(&self, done: u64);
    /// The stage ended; `summary` is what it found in a few words, e.g. `541,909 rows`.
    fn finish(&self, summary: &str);
}

/// Says nothing.
pub struct Silent;

impl Progress for Silent {
    fn start(&self, _: &str, _: Option<u64>) {}
    fn at(&self, _: u64) {}
    fn finish(&self, _: &str) {}
}
