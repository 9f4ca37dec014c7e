//! What differs for clients between two snapshots, by name.

use std::collections::HashMap;
use std::sync::Arc;

use argus_protocol::{ByteString, Object, Raw};
use argus_upstream::Upstream;

use super::items::Kind;
use super::listing::Listing;
use super::snapshot::Snapshot;

/// What became of a capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    Added,
    Removed,
    /// It has the same name, but is described otherwise.
    Changed,
}

/// One capability that differs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) backend: Arc<str>,
    /// The list that it is in, as results have it.
    pub(crate) list: &'static str,
    pub(crate) what: What,
    /// As clients see it.
    pub(crate) name: ByteString,
}

impl Snapshot {
    /// What leads from here to another snapshot.
    pub(crate) fn changes_to(&self, new: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        for kind in Kind::ALL {
            if self.listing(kind).items() != new.listing(kind).items() {
                self.changes_of(kind, new, &mut changes);
            }
        }
        changes
    }

    fn changes_of(&self, kind: Kind, new: &Self, changes: &mut Vec<Change>) {
        let (before, after) = (self.named(kind), new.named(kind));
        let by_name = |named: &[(ByteString, Arc<str>, Raw)]| -> HashMap<ByteString, (Arc<str>, Raw)> {
            let entry = |(name, backend, item): &(ByteString, Arc<str>, Raw)| {
                (name.clone(), (Arc::clone(backend), item.clone()))
            };
            named.iter().map(entry).collect()
        };
        let (old, now) = (by_name(&before), by_name(&after));
        let mut note = |what, name: &ByteString, backend: &Arc<str>| {
            changes.push(Change {
                backend: Arc::clone(backend),
                list: kind.list(),
                what,
                name: name.clone(),
            });
        };
        for (name, backend, _) in &before {
            if now.get(name).is_none_or(|(theirs, _)| theirs != backend) {
                note(What::Removed, name, backend);
            }
        }
        for (name, backend, item) in &after {
            match old.get(name) {
                Some((theirs, was)) if theirs == backend && was == item => {}
                Some((theirs, _)) if theirs == backend => note(What::Changed, name, backend),
                _ => note(What::Added, name, backend),
            }
        }
    }

    /// What a list shows: name, backend and item.
    fn named(&self, kind: Kind) -> Vec<(ByteString, Arc<str>, Raw)> {
        let one = |item: &Raw| {
            let name = Object::parse(item).ok()?.get_str(kind.member())?;
            let backend = Arc::clone(self.holder(kind, &name)?.name());
            Some((name, backend, item.clone()))
        };
        self.listing(kind).items().iter().filter_map(one).collect()
    }

    /// The backend that has a name.
    fn holder(&self, kind: Kind, name: &str) -> Option<&Arc<Upstream>> {
        match kind {
            Kind::Tool => self.tool_routes.get(name).map(|route| &route.upstream),
            Kind::Prompt => self.prompt_routes.get(name).map(|route| &route.upstream),
            Kind::Resource => self.resource_routes.get(name),
            Kind::Template => self.template_named(name),
        }
    }

    fn listing(&self, kind: Kind) -> &Listing {
        match kind {
            Kind::Tool => &self.tools,
            Kind::Prompt => &self.prompts,
            Kind::Resource => &self.resources,
            Kind::Template => &self.templates,
        }
    }
}
