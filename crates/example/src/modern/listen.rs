//! `subscriptions/listen`: requests that stay open and receive what changes.

use std::collections::HashSet;
use std::sync::Mutex;

use argus_protocol::{meta, method};
use serde_json::{Value, json};

use crate::call::Change;
use crate::example::Example;
use crate::fault::Fault;
use crate::locked::locked;
use crate::message::{self, Object, Request};
use crate::modern::identified;
use crate::outbox::{Outbox, notification};

/// The open listens of one connection, in the order they were opened.
pub(crate) struct Listens {
    outbox: Outbox,
    open: Mutex<Vec<Listen>>,
}

/// One open listen: the id of its request and what it honours.
struct Listen {
    id: Value,
    filter: Filter,
}

/// What a listen wants to hear of.
#[derive(Debug, Default, PartialEq)]
struct Filter {
    tools: bool,
    resources: bool,
    uris: HashSet<String>,
}

impl Listens {
    pub(super) fn new(outbox: Outbox) -> Self {
        Self {
            outbox,
            open: Mutex::default(),
        }
    }

    /// Opens a listen and acknowledges what of its filter is honoured.
    pub(crate) async fn open<S: Example>(&self, server: &S, request: &Request) -> Result<(), Fault> {
        let Some(Value::Object(wanted)) = request.params.get("notifications") else {
            return Err(Fault::InvalidParams("`notifications` must be an object".into()));
        };
        let (filter, honoured) = Filter::agree(wanted, &server.capabilities())?;
        let params = json!({ "_meta": { meta::SUBSCRIPTION_ID: request.id }, "notifications": honoured });
        let acknowledgement = notification(method::LISTEN_ACKNOWLEDGED, params);
        let Some(room) = self.outbox.reserve().await else {
            return Ok(());
        };
        // Under the lock, so that no change comes before the acknowledgement and none is missed after it.
        let mut open = locked(&self.open);
        room.send(acknowledgement);
        open.push(Listen {
            id: request.id.clone(),
            filter,
        });
        Ok(())
    }

    /// Whether a listen with this id is open.
    pub(crate) fn contains(&self, id: &Value) -> bool {
        locked(&self.open).iter().any(|listen| listen.id == *id)
    }

    /// Ends a listen that the client cancelled.
    pub(crate) fn cancel(&self, id: &Value) {
        locked(&self.open).retain(|listen| listen.id != *id);
    }

    /// Ends all listens because the server ends: each gets its result.
    pub(crate) async fn end<S: Example>(&self, server: &S) {
        let ended = std::mem::take(&mut *locked(&self.open));
        for Listen { id, .. } in ended {
            let result = json!({ "resultType": "complete", "_meta": { meta::SUBSCRIPTION_ID: id } });
            self.outbox
                .send(message::response(&id, Ok(identified(server, result))))
                .await;
        }
    }

    /// Tells every listen that wants to know of a change.
    pub(crate) async fn announce(&self, change: Change) {
        let ids: Vec<Value> = {
            let open = locked(&self.open);
            open.iter()
                .filter(|listen| listen.filter.wants(&change))
                .map(|listen| listen.id.clone())
                .collect()
        };
        for id in ids {
            let mut params = json!({ "_meta": { meta::SUBSCRIPTION_ID: id } });
            let method = match &change {
                Change::Tools => method::TOOLS_CHANGED,
                Change::Resources => method::RESOURCES_CHANGED,
                Change::Resource(uri) => {
                    params["uri"] = json!(uri);
                    method::RESOURCE_UPDATED
                }
            };
            self.outbox.notify(method, params).await;
        }
    }
}

impl Filter {
    /// What of the wanted filter the server can honour, and the same as the acknowledgement says it.
    fn agree(wanted: &Object, capabilities: &Value) -> Result<(Self, Value), Fault> {
        let mut honoured = json!({});
        let mut filter = Self::default();
        if flag(wanted, "toolsListChanged")? && capabilities["tools"]["listChanged"] == true {
            filter.tools = true;
            honoured["toolsListChanged"] = json!(true);
        }
        if flag(wanted, "resourcesListChanged")? && capabilities["resources"]["listChanged"] == true {
            filter.resources = true;
            honoured["resourcesListChanged"] = json!(true);
        }
        flag(wanted, "promptsListChanged")?; // no server here changes its prompts
        let uris = uris(wanted)?;
        if !uris.is_empty() && capabilities["resources"]["subscribe"] == true {
            honoured["resourceSubscriptions"] = json!(uris);
            filter.uris = uris.into_iter().collect();
        }
        Ok((filter, honoured))
    }

    fn wants(&self, change: &Change) -> bool {
        match change {
            Change::Tools => self.tools,
            Change::Resources => self.resources,
            Change::Resource(uri) => self.uris.contains(uri),
        }
    }
}

fn flag(wanted: &Object, key: &str) -> Result<bool, Fault> {
    match wanted.get(key) {
        None => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(Fault::InvalidParams(format!(
            "`notifications.{key}` must be true or false"
        ))),
    }
}

fn uris(wanted: &Object) -> Result<Vec<String>, Fault> {
    let wrong = || Fault::InvalidParams("`notifications.resourceSubscriptions` must be a list of URIs".into());
    let Some(value) = wanted.get("resourceSubscriptions") else {
        return Ok(Vec::new());
    };
    let list = value.as_array().ok_or_else(wrong)?;
    list.iter()
        .map(|uri| uri.as_str().map(str::to_owned).ok_or_else(wrong))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agree(wanted: &Value, capabilities: &Value) -> Result<Value, Fault> {
        Filter::agree(wanted.as_object().unwrap(), capabilities).map(|(_, honoured)| honoured)
    }

    #[test]
    fn only_what_the_server_can_do_is_honoured() {
        let wanted =
            json!({"toolsListChanged": true, "promptsListChanged": true, "resourceSubscriptions": ["note://a"]});
        let all = json!({"tools": {"listChanged": true}, "resources": {"subscribe": true}});
        assert_eq!(
            agree(&wanted, &all).unwrap(),
            json!({"toolsListChanged": true, "resourceSubscriptions": ["note://a"]})
        );
        assert_eq!(agree(&wanted, &json!({"tools": {}})).unwrap(), json!({}));
        assert_eq!(agree(&json!({"toolsListChanged": false}), &all).unwrap(), json!({}));
    }

    #[test]
    fn a_filter_of_wrong_types_is_refused() {
        assert!(agree(&json!({"toolsListChanged": 1}), &json!({})).is_err());
        assert!(agree(&json!({"resourceSubscriptions": [1]}), &json!({})).is_err());
        assert!(agree(&json!({"resourceSubscriptions": "a"}), &json!({})).is_err());
    }
}
