//! Strings in a script that stand for something else, and are replaced with their quotes.

use serde_json::json;

/// What a message has to fill in.
#[derive(Debug, Default, Clone)]
pub(crate) struct Fill {
    /// `"@id"`: the id of the request.
    pub(crate) id: String,
    /// `"@token"`: its progress token.
    pub(crate) token: String,
    /// `"@params"`: its parameters.
    pub(crate) params: String,
    /// `"@notifications"`: what of it a `subscriptions/listen` wants to hear of.
    pub(crate) notifications: String,
    /// `"@arguments"`: the arguments of the tool.
    pub(crate) arguments: String,
    /// `"@answer"`: the result or the error of the last answer to a question.
    pub(crate) answer: String,
    /// `"@count"`: a string with the number of messages before this one.
    pub(crate) count: usize,
}

impl Fill {
    /// `text` with everything filled in. `"@env"`, `"@cwd"` and `"@pid"` are the environment, the folder and the id of
    /// this process.
    pub(crate) fn apply(&self, text: &str) -> String {
        if !text.contains("\"@") {
            return text.to_owned();
        }
        let mut text = text
            .replace("\"@id\"", or_null(&self.id))
            .replace("\"@token\"", or_null(&self.token))
            .replace("\"@count\"", &json!(self.count.to_string()).to_string())
            .replace("\"@pid\"", &std::process::id().to_string());
        if text.contains("\"@env\"") {
            let environment: serde_json::Map<_, _> =
                std::env::vars().map(|(name, value)| (name, value.into())).collect();
            text = text.replace("\"@env\"", &json!(environment).to_string());
        }
        if text.contains("\"@cwd\"") {
            let folder = std::env::current_dir().unwrap_or_default();
            text = text.replace("\"@cwd\"", &json!(folder).to_string());
        }
        text.replace("\"@answer\"", or_null(&self.answer))
            .replace("\"@params\"", or_null(&self.params))
            .replace("\"@notifications\"", or_null(&self.notifications))
            .replace("\"@arguments\"", or_null(&self.arguments))
    }
}

fn or_null(text: &str) -> &str {
    if text.is_empty() { "null" } else { text }
}
