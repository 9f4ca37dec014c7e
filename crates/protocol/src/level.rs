//! Log levels (RFC 5424, as MCP "Logging" names them).

use crate::{Object, Raw};

/// The levels' names, least severe first.
pub const NAMES: [&str; 8] = [
    "debug",
    "info",
    "notice",
    "warning",
    "error",
    "critical",
    "alert",
    "emergency",
];

/// The severity of a log message; later is more severe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(u8);

impl Level {
    /// `info`.
    pub const INFO: Self = Self(1);

    /// Reads a level's name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let at = NAMES.iter().position(|known| *known == name)?;
        u8::try_from(at).ok().map(Self)
    }

    /// The level that a log message with these parameters has.
    #[must_use]
    pub fn of_message(params: &Raw) -> Option<Self> {
        Self::parse(&Object::parse(params).ok()?.get_str("level")?)
    }

    /// Whether a log message with these parameters is severe enough; one without a level is.
    #[must_use]
    pub fn covers(self, params: Option<&Raw>) -> bool {
        params.and_then(Self::of_message).is_none_or(|level| level >= self)
    }

    /// The level's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES.get(usize::from(self.0)).copied().unwrap_or("debug")
    }

    /// A number that keeps the order, 0 for `debug`.
    #[must_use]
    pub fn to_byte(self) -> u8 {
        self.0
    }

    /// What [`Self::to_byte`] made; `None` for anything else.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<Self> {
        (usize::from(byte) < NAMES.len()).then_some(Self(byte))
    }

    /// All names, for an error message.
    #[must_use]
    pub fn names() -> String {
        NAMES.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_ordered_and_named() {
        assert_eq!(Level::parse("info"), Some(Level::INFO));
        assert!(Level::parse("debug") < Level::parse("emergency"));
        assert_eq!(Level::parse("loud"), None);
        assert_eq!(Level::INFO.name(), "info");
        assert_eq!(Level::from_byte(Level::INFO.to_byte()), Some(Level::INFO));
        assert_eq!(Level::from_byte(u8::MAX), None);
    }

    #[test]
    fn a_message_is_covered_by_its_level() {
        let message = Raw::parse(r#"{"level":"notice","data":1.0}"#).unwrap();
        assert!(Level::INFO.covers(Some(&message)) && Level::INFO.covers(None));
        assert!(!Level::parse("error").unwrap().covers(Some(&message)));
    }
}
