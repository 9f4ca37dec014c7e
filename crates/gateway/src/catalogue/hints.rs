//! How long the lists of all backends together hold for clients of 2026-07-28, and for whom (MCP 2026-07-28 "Caching").

use std::time::Duration;

use argus_upstream::{Hint, ListHint};

use super::items::Kind;
use super::seen::Seen;

/// The hint of a list: each backend that has it adds its part. Who is not there yet, or no longer shown, may come at any
/// moment. `unsaid`: how long the lists of backends hold that cannot say it, but say when these change.
pub(super) fn of_list<'a>(backends: impl Iterator<Item = &'a Seen>, kind: Kind, unsaid: Duration) -> Hint {
    all(backends.filter_map(|seen| match seen.is_there() {
        true => Some(part(listed(seen, kind)?, unsaid)),
        false => Some(Hint::NONE),
    }))
}

/// The hint of what the gateway says of itself: each backend adds what it said of itself.
pub(super) fn of_hello<'a>(backends: impl Iterator<Item = &'a Seen>) -> Hint {
    all(backends.map(|seen| {
        let hint = seen.hello.as_ref().and_then(|hello| hello.hint);
        hint.filter(|_| seen.is_there()).unwrap_or(Hint::NONE)
    }))
}

/// A whole of these parts; of no parts nobody knows.
fn all(parts: impl Iterator<Item = Hint>) -> Hint {
    parts.reduce(Hint::and).unwrap_or(Hint::NONE)
}

fn listed(seen: &Seen, kind: Kind) -> Option<ListHint> {
    let hints = &seen.lists.hints;
    match kind {
        Kind::Tool => hints.tools,
        Kind::Prompt => hints.prompts,
        Kind::Resource => hints.resources,
        Kind::Template => hints.templates,
    }
}

fn part(list: ListHint, unsaid: Duration) -> Hint {
    let unsaid = || match list.announced {
        true => Hint {
            ttl_ms: unsaid.as_millis().try_into().unwrap_or(u64::MAX),
            public: false,
        },
        false => Hint::NONE,
    };
    list.given.unwrap_or_else(unsaid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_cannot_say_counts_as_configured_where_changes_are_heard() {
        let of = |ttl_ms, public| Hint { ttl_ms, public };
        let list = |given, announced| part(ListHint { given, announced }, Duration::from_secs(9));
        assert_eq!(list(None, true), of(9000, false));
        assert_eq!(list(None, false), Hint::NONE);
        assert_eq!(list(Some(of(5, true)), true), of(5, true));
        assert_eq!(list(Some(of(5, true)), false), of(5, true));
    }

    #[test]
    fn of_nothing_nobody_knows() {
        assert_eq!(all(std::iter::empty()), Hint::NONE);
    }
}
