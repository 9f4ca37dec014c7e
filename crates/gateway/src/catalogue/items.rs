//! What one backend offers to clients: its lists, filtered.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use argus_config::{Backend, Filter, Filters, ToolOverride};
use argus_protocol::param_headers::BadMark;
use argus_protocol::{ByteString, Object, ParamHeaders, Raw};
use argus_upstream::Lists;
use indexmap::IndexMap;

/// The kinds of capabilities. Each has a name space of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A tool.
    Tool,
    /// A prompt.
    Prompt,
    /// A resource.
    Resource,
    /// What makes URIs of resources.
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

    /// The filter that decides about items of this kind.
    pub(super) fn filter(self, filters: &Filters) -> &Filter {
        match self {
            Self::Tool => &filters.tools,
            Self::Prompt => &filters.prompts,
            Self::Resource | Self::Template => &filters.resources,
        }
    }

    /// The member that an item of this kind is known by.
    pub(super) fn member(self) -> &'static str {
        match self {
            Self::Tool | Self::Prompt => "name",
            Self::Resource => "uri",
            Self::Template => "uriTemplate",
        }
    }

    /// The list of the kind in events.
    pub(super) fn list(self) -> &'static str {
        match self {
            Self::Tool => "tools",
            Self::Prompt => "prompts",
            Self::Resource => "resources",
            Self::Template => "resource_templates",
        }
    }
}

/// Everything a backend offers, by [`Kind`]. It is read once for all snapshots that show the same lists.
#[derive(Debug)]
pub(super) struct Offered([Vec<Item>; 4]);

/// An item of a backend's list.
#[derive(Debug)]
pub(super) struct Item {
    /// What the backend calls it.
    pub(super) key: ByteString,
    /// What it should be called here.
    pub(super) wanted: ByteString,
    /// Whether a call may be repeated when nobody knows what became of it.
    pub(super) repeatable: bool,
    /// The arguments of a tool that are mirrored in headers.
    pub(super) mirrored: Result<Option<Arc<ParamHeaders>>, BadMark>,
    /// Another description than the backend's.
    description: Option<Raw>,
    raw: Raw,
    /// The item under the name that it was first exposed under, where that changes it.
    changed: OnceLock<(ByteString, Raw)>,
}

impl Offered {
    /// Reads lists, and filters them as the backend's definition says.
    pub(super) fn of(backend: &Backend, lists: &Lists) -> Self {
        Self(Kind::ALL.map(|kind| read_kind(backend, lists, kind, Some(kind.filter(&backend.filters)))))
    }

    /// Reads the list of one kind without filtering it.
    pub(super) fn unfiltered(backend: &Backend, lists: &Lists, kind: Kind) -> Vec<Item> {
        read_kind(backend, lists, kind, None)
    }

    /// The items of one kind.
    pub(super) fn of_kind(&self, kind: Kind) -> &[Item] {
        &self.0[kind as usize]
    }

    /// The tools that Streamable HTTP clients have to leave out, with the reason.
    pub(super) fn badly_marked(&self) -> impl Iterator<Item = (&ByteString, &BadMark)> {
        let Self([tools, ..]) = self;
        tools
            .iter()
            .filter_map(|tool| Some((&tool.key, tool.mirrored.as_ref().err()?)))
    }

    /// The kinds with their items.
    pub(super) fn kinds(&self) -> impl Iterator<Item = (Kind, &[Item])> {
        Kind::ALL.into_iter().zip(self.0.iter().map(Vec::as_slice))
    }
}

fn read_kind(backend: &Backend, lists: &Lists, kind: Kind, filter: Option<&Filter>) -> Vec<Item> {
    match kind {
        Kind::Tool => read(&lists.tools, kind, filter, Some(&backend.tool_overrides)),
        Kind::Prompt => read(&lists.prompts, kind, filter, None),
        Kind::Resource => read(&lists.resources, kind, filter, None),
        Kind::Template => read(&lists.templates, kind, filter, None),
    }
}

/// The items that have a key, pass the filter, and are not listed twice by the same backend.
fn read(
    list: &[Raw],
    kind: Kind,
    filter: Option<&Filter>,
    overrides: Option<&IndexMap<String, ToolOverride>>,
) -> Vec<Item> {
    let mut known = HashSet::with_capacity(list.len());
    let read = |raw: &Raw| {
        let object = Object::parse(raw).ok()?;
        let key = object.get_str(kind.member())?;
        let changed = overrides.and_then(|overrides| overrides.get(&*key));
        let name = changed.and_then(|changed| changed.name.as_deref());
        let description = changed.and_then(|changed| changed.description.as_deref());
        (filter.is_none_or(|filter| filter.passes(&key)) && known.insert(key.clone())).then(|| Item {
            wanted: name.map_or_else(|| key.clone(), Into::into),
            repeatable: kind != Kind::Tool || is_repeatable(&object),
            mirrored: match kind {
                Kind::Tool => ParamHeaders::of_tool(raw).map(|mirrored| mirrored.map(Arc::new)),
                _ => Ok(None),
            },
            description: description.map(Raw::string),
            key,
            raw: raw.clone(),
            changed: OnceLock::new(),
        })
    };
    list.iter().filter_map(read).collect()
}

/// Whether a tool says that calling it twice does no more than calling it once (MCP "Tool annotations"). What the
/// annotations do not say is not so.
fn is_repeatable(tool: &Object) -> bool {
    let annotations = tool.get_object("annotations");
    annotations.is_some_and(|read| {
        ["readOnlyHint", "idempotentHint"]
            .into_iter()
            .any(|hint| read.get(hint).is_some_and(|raw| raw.as_str() == "true"))
    })
}

impl Item {
    /// The item under its exposed name; untouched where nothing changes.
    pub(super) fn under(&self, exposed: &ByteString) -> Raw {
        if *exposed == self.key && self.description.is_none() {
            return self.raw.clone();
        }
        let (name, raw) = self.changed.get_or_init(|| (exposed.clone(), self.edited(exposed)));
        if name == exposed {
            raw.clone()
        } else {
            self.edited(exposed)
        }
    }

    fn edited(&self, exposed: &ByteString) -> Raw {
        // It was read before, so it can be read.
        let Ok(object) = Object::parse(&self.raw) else {
            return self.raw.clone();
        };
        let mut edit = object.edit();
        if *exposed != self.key {
            edit = edit.set("name", Raw::string(exposed));
        }
        if let Some(description) = &self.description {
            edit = edit.set("description", description.clone());
        }
        edit.finish()
    }
}

#[cfg(test)]
mod tests {
    use argus_config::{Mode, check};
    use serde_json::json;

    use super::*;

    fn offered(extra: &str, tools: &[serde_json::Value]) -> Vec<Item> {
        let yaml = format!("backends: {{one: {{type: stdio, command: x{extra}}}}}");
        let loaded = check("", &yaml, std::path::Path::new("/"), &|_| None, Mode::Check).unwrap();
        let definition = loaded.config.backends[0].definition.as_ref().unwrap().clone();
        let lists = Lists {
            tools: tools.iter().map(Raw::from_value).collect(),
            ..Lists::default()
        };
        let Offered([tools, ..]) = Offered::of(&definition, &lists);
        tools
    }

    #[test]
    fn annotations_say_what_may_be_repeated() {
        let tools = offered(
            "",
            &[
                json!({"name": "none"}),
                json!({"name": "reads", "annotations": {"readOnlyHint": true}}),
                json!({"name": "same", "annotations": {"readOnlyHint": false, "idempotentHint": true}}),
                json!({"name": "writes", "annotations": {"readOnlyHint": false, "title": "true"}}),
                json!({"name": "odd", "annotations": {"readOnlyHint": "true"}}),
                json!({"name": "odder", "annotations": true}),
            ],
        );
        let repeatable: Vec<&str> = tools
            .iter()
            .filter(|tool| tool.repeatable)
            .map(|tool| &*tool.key)
            .collect();
        assert_eq!(repeatable, ["reads", "same"]);
    }

    #[test]
    fn an_item_is_shown_under_each_name_that_it_gets() {
        let extra = ", tool_overrides: {y: {description: Other.}}";
        let tools = offered(extra, &[json!({"name": "x", "n": 1.0}), json!({"name": "y"})]);
        for name in ["x", "a_x", "b_x", "a_x", "x"] {
            let shown = tools[0].under(&name.into());
            assert_eq!(shown.as_str(), format!(r#"{{"name":"{name}","n":1.0}}"#));
        }
        assert_eq!(
            tools[1].under(&"y".into()).as_str(),
            r#"{"name":"y","description":"Other."}"#
        );
    }
}
