//! `GET /manage/v1/capabilities`.

use argus_api::{CapabilityList, CapabilityType, ErrorBody, Prompt, Resource, ResourceTemplate, Tool};
use argus_gateway::{Capability, CapabilityKind};
use argus_protocol::{Object, Raw};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::IntoParams;

use super::error::Error;
use crate::app::App;

/// Which capabilities.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Only this kind.
    #[serde(rename = "type")]
    #[param(inline)]
    kind: Option<CapabilityType>,
    /// Only those of this backend.
    backend: Option<String>,
    /// Only those with this text in name, URI, title or description, in whatever case.
    search: Option<String>,
    /// Also those that a filter of the configuration hides from clients.
    #[serde(default)]
    filtered: bool,
}

/// Tools, resources and prompts of all backends, as clients see them.
#[utoipa::path(
    get,
    path = "/capabilities",
    tag = "capabilities",
    params(Filter),
    responses(
        (status = OK, body = CapabilityList),
        (status = BAD_REQUEST, body = ErrorBody),
        (status = UNAUTHORIZED, body = ErrorBody),
        (status = FORBIDDEN, body = ErrorBody)
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    filter: Result<Query<Filter>, QueryRejection>,
) -> Result<Json<CapabilityList>, Error> {
    let Query(filter) = filter?;
    Ok(Json(capabilities(&app, &filter)))
}

/// The same as a value, for what is made of several.
pub(super) fn capabilities(app: &App, filter: &Filter) -> CapabilityList {
    let wants = Wants {
        filter,
        search: filter.search.as_ref().map(|text| text.to_lowercase()),
    };
    let of = |kind: CapabilityType, items: CapabilityKind| -> Vec<Read> {
        if filter.kind.is_some_and(|wanted| wanted != kind) {
            return Vec::new();
        }
        let items = app.gateway.capabilities(items, filter.filtered);
        items.into_iter().filter_map(|item| wants.read(item)).collect()
    };
    let tools = of(CapabilityType::Tools, CapabilityKind::Tool);
    let resources = of(CapabilityType::Resources, CapabilityKind::Resource);
    let templates = of(CapabilityType::Resources, CapabilityKind::Template);
    let prompts = of(CapabilityType::Prompts, CapabilityKind::Prompt);
    let mut route_map = indexmap::IndexMap::new();
    for read in [&tools, &resources, &prompts].into_iter().flatten() {
        let Capability {
            backend,
            name,
            original,
            filtered,
            ..
        } = &read.capability;
        if !filtered {
            let route = || [backend.to_string(), original.to_string()];
            route_map.entry(name.to_string()).or_insert_with(route);
        }
    }
    CapabilityList {
        tools: tools.iter().map(tool).collect(),
        resources: resources.iter().map(resource).collect(),
        resource_templates: templates.iter().map(template).collect(),
        prompts: prompts.iter().map(prompt).collect(),
        route_map,
    }
}

/// Which items the caller wants.
struct Wants<'a> {
    filter: &'a Filter,
    /// In lower case.
    search: Option<String>,
}

/// An item, looked into.
struct Read {
    capability: Capability,
    object: Object,
}

impl Wants<'_> {
    /// Looks into an item; `None` for one that is not wanted.
    fn read(&self, capability: Capability) -> Option<Read> {
        let backend = self.filter.backend.as_deref();
        if backend.is_some_and(|wanted| *wanted != *capability.backend) {
            return None;
        }
        let object = Object::parse(&capability.item).ok()?;
        let read = Read { capability, object };
        let found = self.search.as_ref().is_none_or(|search| read.has(search));
        found.then_some(read)
    }
}

impl Read {
    /// Whether a text in lower case is in what people read of it.
    fn has(&self, search: &str) -> bool {
        let has = |text: &str| text.to_lowercase().contains(search);
        let members = ["name", "title", "description"];
        has(&self.capability.name)
            || members
                .iter()
                .any(|member| self.text(member).is_some_and(|text| has(&text)))
    }

    fn text(&self, member: &str) -> Option<String> {
        Some(self.object.get_str(member)?.to_string())
    }

    /// A member that is an object.
    fn inner(&self, member: &str) -> Option<Box<RawValue>> {
        inner(&self.object, member)
    }

    /// A member that is an array or an object; else an empty one.
    fn raw_or(&self, member: &str, empty: &'static str) -> Box<RawValue> {
        let given = self.object.get(member);
        let fits = given.filter(|raw| raw.as_str().starts_with(&empty[..1]));
        fits.map_or_else(|| text_of(empty), verbatim)
    }

    fn name(&self) -> String {
        self.capability.name.to_string()
    }

    fn original(&self) -> String {
        self.capability.original.to_string()
    }

    fn backend(&self) -> String {
        self.capability.backend.to_string()
    }

    fn renamed(&self) -> bool {
        self.capability.name != self.capability.original
    }
}

/// A member that is an object, as it was written.
pub(super) fn inner(object: &Object, member: &str) -> Option<Box<RawValue>> {
    let given = object.get(member);
    given.filter(|raw| raw.as_str().starts_with('{')).map(verbatim)
}

/// A value as it was written.
pub(super) fn verbatim(raw: &Raw) -> Box<RawValue> {
    text_of(raw.as_str())
}

/// A value of this text, which is JSON.
pub(super) fn text_of(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap_or_default()
}

fn tool(read: &Read) -> Tool {
    Tool {
        name: read.name(),
        original_name: read.original(),
        title: read.text("title"),
        description: read.text("description"),
        backend: read.backend(),
        input_schema: read.raw_or("inputSchema", "{}"),
        output_schema: read.inner("outputSchema"),
        annotations: read.inner("annotations"),
        filtered: read.capability.filtered,
        renamed: read.renamed(),
    }
}

fn resource(read: &Read) -> Resource {
    Resource {
        uri: read.name(),
        name: read.text("name").unwrap_or_else(|| read.name()),
        title: read.text("title"),
        description: read.text("description"),
        backend: read.backend(),
        mime_type: read.text("mimeType"),
        annotations: read.inner("annotations"),
        filtered: read.capability.filtered,
    }
}

fn template(read: &Read) -> ResourceTemplate {
    ResourceTemplate {
        uri_template: read.name(),
        name: read.text("name").unwrap_or_else(|| read.name()),
        title: read.text("title"),
        description: read.text("description"),
        backend: read.backend(),
        mime_type: read.text("mimeType"),
        annotations: read.inner("annotations"),
        filtered: read.capability.filtered,
    }
}

fn prompt(read: &Read) -> Prompt {
    Prompt {
        name: read.name(),
        original_name: read.original(),
        title: read.text("title"),
        description: read.text("description"),
        backend: read.backend(),
        arguments: read.raw_or("arguments", "[]"),
        filtered: read.capability.filtered,
        renamed: read.renamed(),
    }
}
