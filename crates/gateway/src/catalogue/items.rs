//! What one backend offers to clients: its lists, filtered.

use std::collections::HashSet;

use argus_config::Filter;
use argus_protocol::{ByteString, Object, Raw};

use super::seen::Seen;

/// The kinds of capabilities. Each has a name space of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Tool,
    Prompt,
    Resource,
    Template,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Tool, Self::Prompt, Self::Resource, Self::Template];

    /// The kind in a message.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Prompt => "prompt",
            Self::Resource => "resource",
            Self::Template => "resource template",
        }
    }

    /// Whether items of this kind are known by a URI, or what makes URIs.
    pub(super) fn is_uri(self) -> bool {
        matches!(self, Self::Resource | Self::Template)
    }

    /// The member that an item of this kind is known by.
    fn member(self) -> &'static str {
        match self {
            Self::Tool | Self::Prompt => "name",
            Self::Resource => "uri",
            Self::Template => "uriTemplate",
        }
    }
}

/// An item of a backend's list.
pub(super) struct Item {
    /// What the backend calls it.
    pub(super) key: ByteString,
    /// What it should be called here.
    pub(super) wanted: ByteString,
    /// Another description than the backend's.
    pub(super) description: Option<Raw>,
    pub(super) object: Object,
    pub(super) raw: Raw,
}

/// The items of one kind that have a key, pass the filter, and are not listed twice by the same backend.
pub(super) fn items(seen: &Seen, kind: Kind) -> Vec<Item> {
    let (definition, lists) = (seen.upstream.definition(), &seen.lists);
    let filters = &definition.filters;
    let (list, filter): (&[Raw], &Filter) = match kind {
        Kind::Tool => (&lists.tools, &filters.tools),
        Kind::Prompt => (&lists.prompts, &filters.prompts),
        Kind::Resource => (&lists.resources, &filters.resources),
        Kind::Template => (&lists.templates, &filters.resources),
    };
    let mut known = HashSet::with_capacity(list.len());
    let read = |raw: &Raw| {
        let object = Object::parse(raw).ok()?;
        let key = object.get_str(kind.member())?;
        let changed = definition.tool_overrides.get(&*key).filter(|_| kind == Kind::Tool);
        let name = changed.and_then(|changed| changed.name.as_deref());
        let description = changed.and_then(|changed| changed.description.as_deref());
        (filter.passes(&key) && known.insert(key.clone())).then(|| Item {
            wanted: name.map_or_else(|| key.clone(), Into::into),
            description: description.map(Raw::string),
            key,
            object,
            raw: raw.clone(),
        })
    };
    list.iter().filter_map(read).collect()
}

impl Item {
    /// The item under its exposed name; untouched where nothing changes.
    pub(super) fn under(&self, exposed: &ByteString) -> Raw {
        if *exposed == self.key && self.description.is_none() {
            return self.raw.clone();
        }
        let mut edit = self.object.edit();
        if *exposed != self.key {
            edit = edit.set("name", Raw::string(exposed));
        }
        if let Some(description) = &self.description {
            edit = edit.set("description", description.clone());
        }
        edit.finish()
    }

    /// Whether the tool says that calling it twice does no more than calling it once (MCP "Tool annotations"). What the
    /// annotations do not say is not so.
    pub(super) fn is_repeatable(&self) -> bool {
        let annotations = self.object.get_object("annotations");
        annotations.is_some_and(|read| {
            ["readOnlyHint", "idempotentHint"]
                .into_iter()
                .any(|hint| read.get(hint).is_some_and(|raw| raw.as_str() == "true"))
        })
    }
}
