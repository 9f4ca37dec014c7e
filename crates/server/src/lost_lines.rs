//! Lines that the program's logs do not have.

use std::fmt;
use std::sync::Arc;

/// Counts the lines that one log does not have, since it began.
pub type CountLost = dyn Fn() -> u64 + Send + Sync;

/// For each log of the program, by its name, how many lines it does not have: because they came faster than they could
/// be written, or could not be written at all.
#[derive(Clone, Default)]
pub struct LostLines(Vec<(&'static str, Arc<CountLost>)>);

impl LostLines {
    /// Adds a log.
    #[must_use]
    pub fn and(mut self, log: &'static str, count: Arc<CountLost>) -> Self {
        self.0.push((log, count));
        self
    }

    /// Each log, and how many lines it does not have.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.0.iter().map(|(log, count)| (*log, count()))
    }
}

impl fmt::Debug for LostLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.counts()).finish()
    }
}
