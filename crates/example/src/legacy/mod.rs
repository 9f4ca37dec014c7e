//! The legacy era: a session that is opened with `initialize` (2024-11-05 to 2025-11-25).

mod asks;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use argus_protocol::method;
use argus_protocol::version::{self, Era};
use serde_json::{Value, json};

use crate::ask::{Ask, Stop};
use crate::call::{Call, Change, Client};
use crate::example::Example;
use crate::fault::Fault;
use crate::locked::locked;
use crate::message::{self, Object, Request};
use crate::operation::{self, Halt};
use crate::outbox::Outbox;
use argus_protocol::Level;
use asks::Asks;

/// What is remembered of a client between its requests.
pub(crate) struct Session {
    outbox: Outbox,
    version: &'static str,
    capabilities: Object,
    level: Mutex<Level>,
    subscriptions: Mutex<HashSet<String>>,
    asks: Asks,
}

impl Session {
    /// Opens a session from the params of `initialize`.
    pub(crate) fn open(params: &Object, outbox: &Outbox) -> Result<Self, Fault> {
        let version = version::negotiate(operation::text(params, "protocolVersion")?);
        let Some(Value::Object(capabilities)) = params.get("capabilities") else {
            return Err(Fault::InvalidParams("`capabilities` must be an object".into()));
        };
        Ok(Self {
            outbox: outbox.clone(),
            version,
            capabilities: capabilities.clone(),
            level: Mutex::new(Level::INFO),
            subscriptions: Mutex::default(),
            asks: Asks::new(outbox.clone()),
        })
    }

    /// The answer to `initialize`.
    pub(crate) fn greeting<S: Example>(&self, server: &S) -> Value {
        json!({
            "protocolVersion": self.version,
            "capabilities": server.capabilities(),
            "serverInfo": server.server_info(),
            "instructions": server.instructions(),
        })
    }

    /// Whether messages may come in arrays (2025-03-26 only).
    pub(crate) fn takes_batches(&self) -> bool {
        self.version == version::BATCHING
    }

    /// Requests that read or change the session itself; `None` for all others.
    pub(crate) fn control<S: Example>(&self, server: &S, request: &Request) -> Option<Result<Value, Fault>> {
        let capabilities = server.capabilities();
        let params = &request.params;
        let outcome = match request.method.as_str() {
            method::PING => Ok(()),
            method::SET_LEVEL if capabilities.get("logging").is_some() => self.set_level(params),
            method::RESOURCES_SUBSCRIBE if can_subscribe(&capabilities) => self.subscribe(server, params),
            method::RESOURCES_UNSUBSCRIBE if can_subscribe(&capabilities) => self.unsubscribe(params),
            _ => return None,
        };
        Some(outcome.map(|()| json!({})))
    }

    /// The least severe level the client wants to see.
    pub(crate) fn level(&self) -> Level {
        *locked(&self.level)
    }

    /// Asks the client and waits for its answer.
    pub(crate) async fn ask(&self, ask: Ask) -> Result<Value, Stop> {
        if !ask.ability.is_declared(&self.capabilities) {
            return Err(Stop::Failed(format!(
                "this client does not offer {}",
                ask.ability.name()
            )));
        }
        let answer = self.asks.ask(&ask).await.map_err(Stop::Failed)?;
        if !ask.accepts(&answer) {
            return Err(Stop::Failed(format!(
                "the client's answer to {} is malformed",
                ask.method()
            )));
        }
        Ok(answer)
    }

    /// Takes the client's reply to an ask.
    pub(crate) fn settle(&self, id: &Value, outcome: Result<Value, Value>) {
        self.asks.settle(id, outcome);
    }

    /// Gives up all asks: the client has closed its side.
    pub(crate) fn close(&self) {
        self.asks.close();
    }

    /// Tells the client of a change, if it concerns the client.
    pub(crate) async fn announce(&self, change: Change) {
        match change {
            Change::Tools => self.outbox.notify(method::TOOLS_CHANGED, json!({})).await,
            Change::Resources => self.outbox.notify(method::RESOURCES_CHANGED, json!({})).await,
            Change::Resource(uri) => {
                let wanted = locked(&self.subscriptions).contains(&uri);
                if wanted {
                    self.outbox
                        .notify(method::RESOURCE_UPDATED, json!({ "uri": uri }))
                        .await;
                }
            }
        }
    }

    fn set_level(&self, params: &Object) -> Result<(), Fault> {
        let level = Level::parse(operation::text(params, "level")?)
            .ok_or_else(|| Fault::InvalidParams("`level` must be one of the eight log levels".into()))?;
        *locked(&self.level) = level;
        Ok(())
    }

    fn subscribe<S: Example>(&self, server: &S, params: &Object) -> Result<(), Fault> {
        let uri = operation::text(params, "uri")?;
        if server.read(uri).is_none() {
            return Err(Fault::ResourceNotFound(uri.to_owned()));
        }
        locked(&self.subscriptions).insert(uri.to_owned());
        Ok(())
    }

    fn unsubscribe(&self, params: &Object) -> Result<(), Fault> {
        locked(&self.subscriptions).remove(operation::text(params, "uri")?);
        Ok(())
    }
}

/// Answers a request of a session.
pub(crate) async fn answer<S: Example>(server: &S, session: Arc<Session>, request: Request) -> Value {
    let call = Call::new(session.outbox.clone(), &request.params, Client::Legacy(session));
    let outcome = operation::perform(server, &request.method, &request.params, &call).await;
    let outcome = outcome.map_err(|halt| match halt {
        Halt::Fault(fault) => fault.to_error(Era::Legacy),
        // A session asks while the call runs, so a call never halts with a question here.
        Halt::Ask { ask, .. } => Fault::MissingCapability(ask.ability).to_error(Era::Legacy),
    });
    message::response(&request.id, outcome)
}

fn can_subscribe(capabilities: &Value) -> bool {
    capabilities["resources"]["subscribe"] == true
}
