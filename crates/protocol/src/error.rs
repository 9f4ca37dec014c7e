//! A JSON-RPC error that the gateway itself makes.

use serde_json::Value;

use crate::{Raw, write};

/// An error object: code, message and optional data (JSON-RPC 2.0 section 5.1).
#[derive(Debug, Clone, PartialEq)]
pub struct RpcError {
    /// One of [`crate::code`].
    pub code: i64,
    /// One sentence for a person; says what to do next where there is something to do.
    pub message: String,
    /// More for a program.
    pub data: Option<Value>,
}

impl RpcError {
    /// An error without data.
    #[must_use]
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            data: None,
        }
    }

    /// Adds data.
    #[must_use]
    pub fn with_data(mut self, data: Value) -> Self {
        self.data = Some(data);
        self
    }

    /// The error object's JSON.
    #[must_use]
    pub fn to_raw(&self) -> Raw {
        let mut text = format!("{{\"code\":{},\"message\":{}", self.code, write::quoted(&self.message));
        if let Some(data) = &self.data {
            text.push_str(",\"data\":");
            text.push_str(&data.to_string());
        }
        text.push('}');
        Raw::spliced(text)
    }
}

/// The `code` of an error object that came from a peer, if it has one.
#[must_use]
pub fn code_of(error: &Raw) -> Option<i64> {
    #[derive(serde::Deserialize)]
    struct Code {
        code: i64,
    }
    error.read::<Code>().ok().map(|read| read.code)
}

/// The `message` of an error object that came from a peer, if it has one.
#[must_use]
pub fn message_of(error: &Raw) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Message {
        message: String,
    }
    error.read::<Message>().ok().map(|read| read.message)
}
