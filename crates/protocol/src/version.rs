//! Protocol revisions and the two eras they fall into.

/// The newest revision with an `initialize` handshake.
pub const NEWEST_LEGACY: &str = "2025-11-25";
/// The stateless revision.
pub const MODERN: &str = "2026-07-28";
/// The revision that is meant when a legacy request carries no `MCP-Protocol-Version` (MCP 2025-06-18).
pub const ASSUMED: &str = "2025-03-26";
/// The only revision with JSON-RPC batches.
pub const BATCHING: &str = "2025-03-26";
/// Every revision with a handshake, oldest first.
pub const LEGACY: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", NEWEST_LEGACY];

/// What `/mcp` speaks, newest first: told by `server/discover` and by every refusal of another version.
pub const SPOKEN: [&str; 4] = [MODERN, NEWEST_LEGACY, "2025-06-18", "2025-03-26"];

/// The same where no sessions are opened.
pub const SPOKEN_STATELESS: [&str; 1] = [MODERN];

/// How a peer speaks: with a handshake and sessions, or stateless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Era {
    /// Any revision with an `initialize` handshake, up to 2025-11-25.
    Legacy,
    /// 2026-07-28: no handshake, every request stands alone.
    Modern,
}

impl Era {
    /// The era of a revision, or `None` for one that is not known here.
    #[must_use]
    pub fn of(version: &str) -> Option<Self> {
        if version == MODERN {
            Some(Self::Modern)
        } else if LEGACY.contains(&version) {
            Some(Self::Legacy)
        } else {
            None
        }
    }
}

/// The legacy revision to answer `initialize` with: the asked one where it is known, else the newest
/// (MCP 2025-11-25 "Version negotiation"; also when a client names 2026-07-28 in a handshake).
#[must_use]
pub fn negotiate(asked: &str) -> &'static str {
    LEGACY
        .into_iter()
        .find(|known| *known == asked)
        .unwrap_or(NEWEST_LEGACY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eras() {
        assert_eq!(Era::of("2026-07-28"), Some(Era::Modern));
        assert_eq!(Era::of("2024-11-05"), Some(Era::Legacy));
        assert_eq!(Era::of("2199-01-01"), None);
    }

    #[test]
    fn negotiation_answers_what_was_asked_or_the_newest() {
        assert_eq!(negotiate("2025-03-26"), "2025-03-26");
        assert_eq!(negotiate("2026-07-28"), "2025-11-25");
        assert_eq!(negotiate("nonsense"), "2025-11-25");
    }
}
