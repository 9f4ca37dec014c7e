//! The client is back with its answers.

use std::collections::VecDeque;
use std::sync::Arc;

use argus_protocol::{Answer, ByteString, Object, Raw, RpcError, code, meta, token};
use argus_upstream::Upstream;
use tokio::sync::oneshot;

use super::Talk;
use super::keeper::Held;
use crate::Event;
use crate::client::KeptClient;
use crate::core::Core;
use crate::modern::ModernRequest;
use crate::ops::forward::Forward;
use crate::ops::mrtr::{self, Binding, RESPONSES};
use crate::relay::{Reply, told};

/// Goes on with the parked call that a state names.
pub(crate) async fn resume(
    core: &Core,
    request: &Arc<ModernRequest>,
    upstream: &Arc<Upstream>,
    forward: &Forward,
    state: &str,
) -> Reply {
    match held(core, request, upstream, forward, state).await {
        Err(error) => error.into(),
        Ok((held, round)) => go_on(held, request, round),
    }
}

/// What a request brings to a call.
struct Round {
    responses: Option<Object>,
    token: Option<Raw>,
}

impl Round {
    fn of(request: &ModernRequest) -> Result<Self, RpcError> {
        let invalid = |why: String| RpcError::new(code::INVALID_PARAMS, why);
        let responses = request.members.get(RESPONSES).map(Object::parse).transpose();
        let responses = responses.map_err(|error| invalid(format!("params.{RESPONSES}: {error}")))?;
        let wrong = responses.iter().flat_map(Object::members);
        for (key, response) in wrong {
            if !response.as_str().starts_with('{') {
                return Err(invalid(format!("params.{RESPONSES}[{key:?}] must be an object")));
            }
        }
        let meta = request.members.get_object("_meta");
        let token = meta.and_then(|meta| meta.get(meta::PROGRESS_TOKEN).map(Raw::detached));
        if token
            .as_ref()
            .is_some_and(|token| token.as_str().len() > token::MAX_TOKEN)
        {
            return Err(invalid("params._meta.progressToken is too long".to_owned()));
        }
        Ok(Self { responses, token })
    }
}

/// The call, taken out of the parking. A state that is not accepted takes nothing out.
async fn held(
    core: &Core,
    request: &Arc<ModernRequest>,
    upstream: &Arc<Upstream>,
    forward: &Forward,
    state: &str,
) -> Result<(Held, Round), RpcError> {
    let binding = Binding::of(core, request.caller, upstream.name(), forward);
    let secret = binding.open_parked(state).map_err(mrtr::refused)?;
    let number = core.parked.number(&secret)?;
    let round = Round::of(request)?;
    let over = || mrtr::refused("it was used already, or its call has ended; call again without a state");
    let waiting = core.parked.take(number).ok_or_else(over)?;
    let (back, handed) = oneshot::channel();
    waiting.claim.send(back).map_err(|_| over())?;
    let held = handed.await.map_err(|_| over())?;
    Ok((held, round))
}

/// Hands the answers to the backend; what the client did not answer, and what was asked since, it is asked next.
fn go_on(held: Held, request: &Arc<ModernRequest>, round: Round) -> Reply {
    let client = KeptClient::Modern(Arc::clone(request));
    let Some(mut relay) = held.relay else {
        let lost = || Answer::Error(RpcError::new(code::INTERNAL_ERROR, "the call has ended").to_raw());
        let mut talk = held.talk.unwrap_or_default();
        talk.back(round.token, true);
        return Reply::Ended {
            said: heard(held.said, &client, &talk).collect(),
            answer: held.outcome.unwrap_or_else(lost),
        };
    };
    let mut open = Vec::new();
    for (key, ask) in held.questions {
        match round.responses.as_ref().and_then(|responses| responses.get(&key)) {
            Some(response) => ask.reply.answer(&Answer::Result(response.detached())),
            None => open.push(ask),
        }
    }
    let all_answered = open.is_empty();
    let talk = relay.talk.get_or_insert_default();
    talk.back(round.token, all_answered);
    let mut early: VecDeque<Event> = heard(held.said, &client, talk)
        .map(|(method, params)| Event::Notification { method, params })
        .collect();
    relay.call.client = client;
    for ask in open.into_iter().chain(held.later) {
        // The client may have declared less than before.
        match relay.refuses(&ask) {
            Some(error) => ask.reply.answer(&Answer::Error(error.to_raw())),
            None => early.push_back(Event::Ask(ask)),
        }
    }
    relay.talk.get_or_insert_default().early = early;
    Reply::Relay(relay)
}

/// What the client wants to hear of what was said while it was away.
fn heard(said: VecDeque<Event>, client: &KeptClient, talk: &Talk) -> impl Iterator<Item = (ByteString, Option<Raw>)> {
    said.into_iter().filter_map(|event| match event {
        Event::Notification { method, params } => {
            let params = told(client, Some(talk), &method, params)?;
            Some((method, params))
        }
        _ => None,
    })
}
