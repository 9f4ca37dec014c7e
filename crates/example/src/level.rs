//! Severity of log messages (RFC 5424 names, as MCP uses them).

/// The levels, least severe first.
pub(crate) const NAMES: [&str; 8] = [
    "debug",
    "info",
    "notice",
    "warning",
    "error",
    "critical",
    "alert",
    "emergency",
];

/// How severe a log message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Level(usize);

impl Level {
    /// What a legacy client gets that never set a level.
    pub(crate) const INFO: Self = Self(1);

    /// The level of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        NAMES.iter().position(|known| *known == name).map(Self)
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        NAMES.get(self.0).copied().unwrap_or("info")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_ordered_and_named() {
        assert_eq!(Level::named("info"), Some(Level::INFO));
        assert!(Level::named("debug") < Level::named("emergency"));
        assert_eq!(Level::named("loud"), None);
        assert_eq!(Level::INFO.name(), "info");
    }
}
