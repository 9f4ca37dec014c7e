//! How long the lists of all backends together hold for clients of 2026-07-28, and for whom (MCP 2026-07-28 "Caching").

use std::time::Duration;

use argus_upstream::{Freshness, Hint, ListHint, ListKind};

use super::items::Kind;
use super::seen::Seen;

/// What decides how long something holds that is made of parts. Without parts nobody knows that.
#[derive(Debug, Default)]
pub(crate) struct Holding {
    parts: Vec<Part>,
    /// How long the lists of backends hold that cannot say it, as long as it is heard when these change.
    unsaid: Duration,
}

#[derive(Debug)]
enum Part {
    List(Freshness, ListHint, ListKind),
    Hello(Freshness, Hint),
    #[cfg(test)]
    Said(Hint),
}

impl Holding {
    /// Of a list: each backend that has it adds its part. Who is not there yet, or no longer shown, may come at any
    /// moment.
    pub(super) fn of_list<'a>(backends: impl Iterator<Item = &'a Seen>, kind: Kind, unsaid: Duration) -> Self {
        let parts = backends.filter_map(|seen| match seen.is_there() {
            true => {
                let (list, announced) = listed(seen, kind);
                Some(Some(Part::List(seen.fresh.clone(), list?, announced)))
            }
            false => Some(None),
        });
        let parts = parts.collect::<Option<_>>().unwrap_or_default();
        Self { parts, unsaid }
    }

    /// Of what the gateway says of itself: each backend adds what it said of itself.
    pub(super) fn of_hello<'a>(backends: impl Iterator<Item = &'a Seen>) -> Self {
        let parts = backends.map(|seen| {
            let hint = seen.hello.as_ref().and_then(|hello| hello.hint);
            let fresh = || seen.upstream.freshness_of_hello().clone();
            hint.filter(|_| seen.is_there()).map(|hint| Part::Hello(fresh(), hint))
        });
        let parts = parts.collect::<Option<_>>().unwrap_or_default();
        Self {
            parts,
            ..Self::default()
        }
    }

    /// How long it holds from now on.
    pub(crate) fn now(&self) -> Hint {
        let parts = self.parts.iter().map(|part| match part {
            Part::List(fresh, list, kind) => fresh.of_list(*list, *kind, self.unsaid),
            Part::Hello(fresh, hint) => fresh.of_hello(*hint),
            #[cfg(test)]
            Part::Said(hint) => *hint,
        });
        parts.reduce(Hint::and).unwrap_or(Hint::NONE)
    }

    /// Always the same.
    #[cfg(test)]
    pub(super) fn said(hint: Hint) -> Self {
        let parts = vec![Part::Said(hint)];
        Self {
            parts,
            ..Self::default()
        }
    }
}

fn listed(seen: &Seen, kind: Kind) -> (Option<ListHint>, ListKind) {
    let hints = &seen.lists.hints;
    match kind {
        Kind::Tool => (hints.tools, ListKind::Tools),
        Kind::Prompt => (hints.prompts, ListKind::Prompts),
        Kind::Resource => (hints.resources, ListKind::Resources),
        Kind::Template => (hints.templates, ListKind::Resources),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_nothing_nobody_knows() {
        assert_eq!(Holding::default().now(), Hint::NONE);
    }
}
