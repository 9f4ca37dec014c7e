//! `GET /manage/v1/capabilities`.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// What all backends offer together, as clients see it and in their order.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CapabilityList {
    /// Tools.
    pub tools: Vec<Tool>,
    /// Resources.
    pub resources: Vec<Resource>,
    /// What makes URIs of resources.
    pub resource_templates: Vec<ResourceTemplate>,
    /// Prompts.
    pub prompts: Vec<Prompt>,
    /// Where each name and URI that is listed here leads: the backend, and what the backend itself calls it. Where a tool
    /// and a prompt have the same name, it is the tool's. What a filter hides leads nowhere.
    pub route_map: IndexMap<String, [String; 2]>,
}

/// A kind of capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CapabilityType {
    /// Tools.
    Tools,
    /// Resources and their templates.
    Resources,
    /// Prompts.
    Prompts,
}

/// A tool.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Tool {
    /// The name that clients call it by.
    pub name: String,
    /// The name that its backend gave it.
    pub original_name: String,
    /// For people, where the backend gives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it does.
    pub description: Option<String>,
    /// Its backend.
    pub backend: String,
    /// The JSON schema of its arguments.
    #[schema(value_type = Object)]
    pub input_schema: Box<RawValue>,
    /// The JSON schema of its structured result, where the backend gives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub output_schema: Option<Box<RawValue>>,
    /// Hints about what it does, where the backend gives them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub annotations: Option<Box<RawValue>>,
    /// Whether a filter hides it from clients.
    pub filtered: bool,
    /// Whether clients know it by another name than its backend.
    pub renamed: bool,
}

/// A resource.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Resource {
    /// Its URI.
    pub uri: String,
    /// Its name.
    pub name: String,
    /// For people, where the backend gives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it holds.
    pub description: Option<String>,
    /// Its backend.
    pub backend: String,
    /// Its media type.
    pub mime_type: Option<String>,
    /// For whom it is and how important, where the backend says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub annotations: Option<Box<RawValue>>,
    /// Whether a filter hides it from clients.
    pub filtered: bool,
}

/// What makes URIs of resources.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ResourceTemplate {
    /// The template (RFC 6570).
    pub uri_template: String,
    /// Its name.
    pub name: String,
    /// For people, where the backend gives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What the resources hold.
    pub description: Option<String>,
    /// Its backend.
    pub backend: String,
    /// The media type of the resources.
    pub mime_type: Option<String>,
    /// For whom they are and how important, where the backend says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub annotations: Option<Box<RawValue>>,
    /// Whether a filter hides it from clients.
    pub filtered: bool,
}

/// A prompt.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Prompt {
    /// The name that clients get it by.
    pub name: String,
    /// The name that its backend gave it.
    pub original_name: String,
    /// For people, where the backend gives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Its backend.
    pub backend: String,
    /// What it can be given.
    #[schema(value_type = Vec<Object>)]
    pub arguments: Box<RawValue>,
    /// Whether a filter hides it from clients.
    pub filtered: bool,
    /// Whether clients know it by another name than its backend.
    pub renamed: bool,
}
