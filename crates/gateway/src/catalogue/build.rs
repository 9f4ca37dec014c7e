//! Making a snapshot out of what the backends list.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use argus_config::{ConflictResolution, Filter};
use argus_protocol::{ByteString, Object, Raw};
use argus_upstream::{Lists, State, Upstream};

use super::capabilities::{self, Introduced};
use super::listing::Listing;
use super::names::Names;
use super::snapshot::{Route, Snapshot, TemplateRoute};
use super::template::Template;

/// One backend at the moment of building.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) state: Arc<State>,
    /// What it lists to the clients that the snapshot is for.
    pub(crate) lists: Arc<Lists>,
}

/// Makes a snapshot; `backends` in the order of the configuration. What a backend that is away listed last is not shown,
/// but its names still lead to it: no other backend may answer in its place.
pub(crate) fn build(backends: &[Seen], rule: &ConflictResolution, page_size: Option<usize>) -> Snapshot {
    let (tools, tool_routes) = tools(backends, rule);
    let (prompts, prompt_routes) = prompts(backends, rule);
    let (resources, resource_routes) = resources(backends);
    let (templates, template_routes) = templates(backends);
    let introduced: Vec<Introduced<'_>> = backends
        .iter()
        .filter_map(|seen| {
            Some(Introduced {
                name: seen.upstream.name(),
                hello: seen.state.hello.as_deref()?,
            })
        })
        .collect();
    let declares = |state: &State| state.hello.as_ref().is_some_and(|hello| hello.has("resources"));
    Snapshot {
        tools: Listing::new("tools", tools, page_size),
        resources: Listing::new("resources", resources, page_size),
        templates: Listing::new("resourceTemplates", templates, page_size),
        prompts: Listing::new("prompts", prompts, page_size),
        legacy_capabilities: capabilities::legacy(&introduced),
        modern_capabilities: capabilities::modern(&introduced),
        instructions: capabilities::instructions(&introduced, backends.len()),
        tool_routes,
        prompt_routes,
        resource_routes,
        template_routes,
        readers: backends
            .iter()
            .filter(|seen| declares(&seen.state))
            .map(|seen| Arc::clone(&seen.upstream))
            .collect(),
    }
}

/// An item of a backend's list with the text it is known by.
struct Named {
    key: ByteString,
    object: Object,
    raw: Raw,
}

/// The items that have a key, pass the filter, and are not listed twice by the same backend.
fn visible<'a>(items: &'a [Raw], member: &'static str, filter: &'a Filter) -> impl Iterator<Item = Named> + 'a {
    let mut seen = HashSet::new();
    items.iter().filter_map(move |raw| {
        let object = Object::parse(raw).ok()?;
        let key = object.get_str(member)?;
        (filter.passes(&key) && seen.insert(key.clone())).then(|| Named {
            key,
            object,
            raw: raw.clone(),
        })
    })
}

fn tools(backends: &[Seen], rule: &ConflictResolution) -> (Vec<Raw>, HashMap<ByteString, Route>) {
    let mut names = Names::new(rule);
    let mut items = Vec::new();
    let mut routes = HashMap::new();
    for Seen { upstream, state, lists } in backends {
        let definition = upstream.definition();
        for tool in visible(&lists.tools, "name", &definition.filters.tools) {
            let change = definition.tool_overrides.get(&*tool.key);
            let wanted = change
                .and_then(|change| change.name.as_deref())
                .map_or_else(|| tool.key.clone(), Into::into);
            let exposed = names.expose(upstream.name(), &wanted);
            let description = change.and_then(|change| change.description.as_deref());
            if state.shown {
                items.push(renamed(&tool, &exposed, description));
            }
            routes.insert(
                exposed,
                Route {
                    upstream: Arc::clone(upstream),
                    repeatable: repeatable(&tool.object),
                    original: tool.key,
                },
            );
        }
    }
    (items, routes)
}

fn prompts(backends: &[Seen], rule: &ConflictResolution) -> (Vec<Raw>, HashMap<ByteString, Route>) {
    let mut names = Names::new(rule);
    let mut items = Vec::new();
    let mut routes = HashMap::new();
    for Seen { upstream, state, lists } in backends {
        for prompt in visible(&lists.prompts, "name", &upstream.definition().filters.prompts) {
            let exposed = names.expose(upstream.name(), &prompt.key);
            if state.shown {
                items.push(renamed(&prompt, &exposed, None));
            }
            routes.insert(
                exposed,
                Route {
                    upstream: Arc::clone(upstream),
                    original: prompt.key,
                    repeatable: true,
                },
            );
        }
    }
    (items, routes)
}

/// Whether a tool says that calling it twice does no harm (MCP 2025-11-25 "Tool annotations").
fn repeatable(tool: &Object) -> bool {
    let hints = tool.get_object("annotations");
    let hint = |name| hints.as_ref()?.get(name).map(|raw| raw.as_str() == "true");
    hint("readOnlyHint").unwrap_or(false) || hint("idempotentHint").unwrap_or(false)
}

/// The item under its exposed name; untouched where nothing changes.
fn renamed(item: &Named, exposed: &ByteString, description: Option<&str>) -> Raw {
    if *exposed == item.key && description.is_none() {
        return item.raw.clone();
    }
    let mut edit = item.object.edit();
    if *exposed != item.key {
        edit = edit.set("name", Raw::string(exposed));
    }
    if let Some(description) = description {
        edit = edit.set("description", Raw::string(description));
    }
    edit.finish()
}

fn resources(backends: &[Seen]) -> (Vec<Raw>, HashMap<ByteString, Arc<Upstream>>) {
    let mut items = Vec::new();
    let mut routes = HashMap::new();
    for Seen { upstream, state, lists } in backends {
        for resource in visible(&lists.resources, "uri", &upstream.definition().filters.resources) {
            if let std::collections::hash_map::Entry::Vacant(free) = routes.entry(resource.key) {
                free.insert(Arc::clone(upstream));
                if state.shown {
                    items.push(resource.raw);
                }
            }
        }
    }
    (items, routes)
}

fn templates(backends: &[Seen]) -> (Vec<Raw>, Vec<TemplateRoute>) {
    let mut items = Vec::new();
    let mut routes = Vec::new();
    let mut seen = HashSet::new();
    for Seen { upstream, state, lists } in backends {
        for template in visible(
            &lists.templates,
            "uriTemplate",
            &upstream.definition().filters.resources,
        ) {
            if seen.insert(template.key.clone()) {
                let matcher = Template::parse(&template.key);
                routes.push(TemplateRoute {
                    text: template.key,
                    matcher,
                    upstream: Arc::clone(upstream),
                });
                if state.shown {
                    items.push(template.raw);
                }
            }
        }
    }
    (items, routes)
}
