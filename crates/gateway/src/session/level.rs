//! Log levels (RFC 5424, as MCP "Logging" names them).

use argus_protocol::{Object, Raw};

const NAMES: [&str; 8] = [
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
    /// Reads a level's name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let at = NAMES.iter().position(|known| *known == name)?;
        u8::try_from(at).ok().map(Self)
    }

    /// The level that a log message has.
    pub(crate) fn of_message(params: &Raw) -> Option<Self> {
        Self::parse(&Object::parse(params).ok()?.get_str("level")?)
    }

    /// Whether a log message with these parameters is severe enough; one without a level is.
    pub(crate) fn covers(self, params: Option<&Raw>) -> bool {
        params.and_then(Self::of_message).is_none_or(|level| level >= self)
    }

    /// The level's name.
    pub(crate) fn name(self) -> &'static str {
        NAMES.get(usize::from(self.0)).copied().unwrap_or("debug")
    }

    pub(crate) fn to_byte(self) -> u8 {
        self.0
    }

    /// What [`Self::to_byte`] made; `None` for anything else.
    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        (usize::from(byte) < NAMES.len()).then_some(Self(byte))
    }

    /// All names, for an error message.
    pub(crate) fn names() -> String {
        NAMES.join(", ")
    }
}
