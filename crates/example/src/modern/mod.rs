//! The modern era (2026-07-28): every request stands alone and says in `_meta` who sends it and what they can do.

mod envelope;
mod listen;
mod turn;

use std::sync::Arc;

use argus_protocol::version::{self, Era};
use argus_protocol::{meta, method};
use serde_json::{Value, json};

use crate::Clock;
use crate::call::{Call, Client};
use crate::example::Example;
use crate::fault::Fault;
use crate::message::{self, Request};
use crate::operation::{self, Halt};
use crate::outbox::Outbox;
use crate::seal::Seal;
pub(crate) use envelope::{Envelope, is_claimed_by};
pub(crate) use listen::Listens;
pub(crate) use turn::Turn;

/// How long a client may keep what it got, in milliseconds. Lists change only with a notification.
const LIST_TTL: u64 = 60_000;

/// What requests on one connection share.
pub(crate) struct Line {
    outbox: Outbox,
    listens: Arc<Listens>,
    seal: Seal,
    clock: Clock,
}

impl Line {
    /// A connection that speaks the modern era.
    pub(crate) fn new(outbox: &Outbox, seal: Seal, clock: Clock) -> Self {
        Self {
            outbox: outbox.clone(),
            listens: Arc::new(Listens::new(outbox.clone())),
            seal,
            clock,
        }
    }

    /// The open `subscriptions/listen` requests.
    pub(crate) fn listens(&self) -> &Listens {
        &self.listens
    }
}

/// Answers a request; `subscriptions/listen` is not among them, as it has no answer until it ends.
pub(crate) async fn answer<S: Example>(server: &S, line: &Line, envelope: Envelope, request: Request) -> Value {
    let outcome = attempt(server, line, envelope, &request).await;
    let outcome = outcome
        .map(|result| identified(server, result))
        .map_err(|fault| fault.to_error(Era::Modern));
    message::response(&request.id, outcome)
}

/// Names the server in a result's `_meta`.
pub(crate) fn identified<S: Example>(server: &S, mut result: Value) -> Value {
    result["_meta"][meta::SERVER_INFO] = server.server_info();
    result
}

async fn attempt<S: Example>(server: &S, line: &Line, envelope: Envelope, request: &Request) -> Result<Value, Fault> {
    if request.method == method::DISCOVER {
        return Ok(complete(&request.method, discovery(server)));
    }
    let answers = turn::answers(request, &line.seal, (line.clock)())?;
    let turn = Turn::new(envelope, answers.clone(), Arc::clone(&line.listens));
    let call = Call::new(line.outbox.clone(), &request.params, Client::Modern(turn));
    match operation::perform(server, &request.method, &request.params, &call).await {
        Ok(result) => Ok(complete(&request.method, result)),
        Err(Halt::Fault(fault)) => Err(fault),
        Err(Halt::Ask { key, ask }) => turn::input_required(request, &line.seal, (line.clock)(), answers, key, &ask),
    }
}

fn discovery<S: Example>(server: &S) -> Value {
    json!({
        "supportedVersions": [version::MODERN],
        "capabilities": server.capabilities(),
        "instructions": server.instructions(),
    })
}

/// Marks a result as final, and says how long it keeps where that must be said.
fn complete(method: &str, mut result: Value) -> Value {
    result["resultType"] = json!("complete");
    let cache = match method {
        method::DISCOVER
        | method::TOOLS_LIST
        | method::RESOURCES_LIST
        | method::TEMPLATES_LIST
        | method::PROMPTS_LIST => Some((LIST_TTL, "public")),
        method::RESOURCES_READ => Some((0, "private")),
        _ => None,
    };
    if let Some((ttl, scope)) = cache {
        result["ttlMs"] = json!(ttl);
        result["cacheScope"] = json!(scope);
    }
    result
}
