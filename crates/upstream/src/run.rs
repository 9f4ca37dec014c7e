//! What tells one run of something from the next one, in ids that others keep.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// One run: 16 hexadecimal digits, which are of the start's milliseconds and of a random number. The width is fixed, so
/// that runs are in their order also as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run(u64);

impl Run {
    /// How many digits it has as text.
    pub const WIDTH: usize = 16;

    /// A run that begins now. Two that begin in the same millisecond differ by chance.
    #[must_use]
    pub fn begin() -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis = u64::try_from(since_1970.as_millis()).unwrap_or_default();
        let mut random = [0; 2];
        // Without random numbers the time has to do.
        let _ = getrandom::fill(&mut random);
        Self(millis << 16 | u64::from(u16::from_be_bytes(random)))
    }

    /// Whether this text is the run.
    #[must_use]
    pub fn is(self, text: &str) -> bool {
        self.to_string() == text
    }
}

impl From<u64> for Run {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0width$x}", self.0, width = Self::WIDTH)
    }
}
