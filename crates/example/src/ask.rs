//! What a tool can ask the client for, and the ways in which a tool can end early.

use argus_protocol::method;
use serde_json::{Value, json};

use crate::fault::Fault;
use crate::message::Object;

/// Something a client may be able to do for a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ability {
    /// Ask the user to fill in a form.
    Elicitation,
    /// Ask a model.
    Sampling,
    /// Name its roots.
    Roots,
}

impl Ability {
    /// Its key among the client's capabilities.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Elicitation => "elicitation",
            Self::Sampling => "sampling",
            Self::Roots => "roots",
        }
    }

    /// Whether a client with these capabilities has it. `elicitation: {}` means forms; `{url: {}}` alone does not.
    pub(crate) fn is_declared(self, capabilities: &Object) -> bool {
        let Some(Value::Object(details)) = capabilities.get(self.name()) else {
            return false;
        };
        self != Self::Elicitation || details.contains_key("form") || !details.contains_key("url")
    }

    /// The capabilities a client must declare to have it.
    pub(crate) fn to_capabilities(self) -> Value {
        match self {
            Self::Elicitation => json!({ "elicitation": { "form": {} } }),
            Self::Sampling => json!({ "sampling": {} }),
            Self::Roots => json!({ "roots": {} }),
        }
    }
}

/// A question to the client.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ask {
    pub(crate) ability: Ability,
    pub(crate) params: Value,
}

impl Ask {
    /// Asks the user to fill in a form with these properties.
    pub(crate) fn form(message: &str, properties: &Value, required: &[&str]) -> Self {
        let schema = json!({ "type": "object", "properties": properties, "required": required });
        Self {
            ability: Ability::Elicitation,
            params: json!({ "message": message, "requestedSchema": schema }),
        }
    }

    /// Asks the client's model to answer a prompt.
    pub(crate) fn sample(prompt: &str, max_tokens: u64) -> Self {
        let message = json!({ "role": "user", "content": { "type": "text", "text": prompt } });
        Self {
            ability: Ability::Sampling,
            params: json!({ "messages": [message], "maxTokens": max_tokens }),
        }
    }

    /// Asks for the client's roots.
    pub(crate) fn roots() -> Self {
        Self {
            ability: Ability::Roots,
            params: json!({}),
        }
    }

    /// The method of the request that carries this question.
    pub(crate) fn method(&self) -> &'static str {
        match self.ability {
            Ability::Elicitation => method::ELICITATION,
            Ability::Sampling => method::SAMPLING,
            Ability::Roots => method::ROOTS_LIST,
        }
    }

    /// Whether an answer has the shape that belongs to this question.
    pub(crate) fn accepts(&self, answer: &Value) -> bool {
        match self.ability {
            Ability::Elicitation => match answer["action"].as_str() {
                Some("accept") => answer["content"].is_object(),
                Some("decline" | "cancel") => true,
                _ => false,
            },
            Ability::Sampling => {
                answer["role"].is_string() && (answer["content"].is_object() || answer["content"].is_array())
            }
            Ability::Roots => answer["roots"].is_array(),
        }
    }
}

/// Why a tool ended without a result of its own.
#[derive(Debug, PartialEq)]
pub(crate) enum Stop {
    /// The tool did not work out; the model gets to read why (`isError`).
    Failed(String),
    /// The request was wrong.
    Fault(Fault),
    /// The client must answer this first and call again (modern era).
    Ask { key: &'static str, ask: Ask },
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declares(capabilities: Value, ability: Ability) -> bool {
        ability.is_declared(capabilities.as_object().unwrap())
    }

    #[test]
    fn elicitation_means_forms_unless_only_urls_are_declared() {
        assert!(declares(json!({"elicitation": {}}), Ability::Elicitation));
        assert!(declares(
            json!({"elicitation": {"form": {}, "url": {}}}),
            Ability::Elicitation
        ));
        assert!(!declares(json!({"elicitation": {"url": {}}}), Ability::Elicitation));
        assert!(!declares(json!({"elicitation": true}), Ability::Elicitation));
        assert!(!declares(json!({}), Ability::Sampling));
    }

    #[test]
    fn answers_of_the_wrong_shape_are_not_accepted() {
        let form = Ask::form("?", &json!({}), &[]);
        assert!(form.accepts(&json!({"action": "accept", "content": {}})));
        assert!(form.accepts(&json!({"action": "decline"})));
        assert!(!form.accepts(&json!({"action": "accept"})));
        assert!(!form.accepts(&json!("accept")));
        assert!(!Ask::sample("?", 1).accepts(&json!({"content": "text"})));
        assert!(!Ask::roots().accepts(&json!({"roots": 1})));
    }
}
