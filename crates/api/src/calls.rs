//! `POST /manage/v1/tools/call`, `resources/read` and `prompts/get`.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// The call of a tool.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ToolCall {
    /// The name that clients call it by.
    pub tool: String,
    /// An object; none are like empty ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub arguments: Option<Box<RawValue>>,
}

/// What a tool answered.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ToolResult {
    /// The tool that was called.
    pub tool: String,
    /// Its backend.
    pub backend: String,
    /// What it says, as in MCP.
    #[schema(value_type = Vec<Object>)]
    pub content: Box<RawValue>,
    /// What it says to programs, where it does.
    #[serde(rename = "structuredContent", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    pub structured_content: Option<Box<RawValue>>,
    /// Whether the tool says that it failed.
    #[serde(rename = "isError")]
    pub is_error: bool,
    /// What is said of the result.
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub meta: Option<Box<RawValue>>,
}

/// The read of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourceRead {
    /// Its URI.
    pub uri: String,
}

/// What a resource holds.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ResourceResult {
    /// The URI that was read.
    pub uri: String,
    /// Its backend.
    pub backend: String,
    /// What it holds, as in MCP.
    #[schema(value_type = Vec<Object>)]
    pub contents: Box<RawValue>,
    /// What is said of the result.
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub meta: Option<Box<RawValue>>,
}

/// The wish for a prompt.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PromptGet {
    /// The name that clients get it by.
    pub prompt: String,
    /// An object of strings; none are like empty ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub arguments: Option<Box<RawValue>>,
}

/// A prompt, filled in.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PromptResult {
    /// The prompt.
    pub prompt: String,
    /// Its backend.
    pub backend: String,
    /// What it is for, where the backend says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The messages, as in MCP.
    #[schema(value_type = Vec<Object>)]
    pub messages: Box<RawValue>,
    /// What is said of the result.
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub meta: Option<Box<RawValue>>,
}
