//! A call under way, as a face sees it.

use std::sync::Arc;
use std::task::{Context, Poll};

use argus_protocol::error::code_of;
use argus_protocol::{Answer, ByteString, Era, Object, Raw, RpcError, code, meta, method};
use argus_upstream::{Ask, Event, Exchange, Lease, Outcome};

use crate::bridge::rounds::{Rounds, Step};
use crate::client::{KeptClient, may_ask};
use crate::ops::cached::Keeping;
use crate::ops::mrtr::StateSeal;
use crate::ops::{self, urls};
use crate::parked::Talk;
use crate::repeat::{Call, Chance};
use crate::session::Noted;
use crate::tasks;

/// What the gateway answers to a request.
#[derive(Debug)]
pub enum Reply {
    /// At once, from what the gateway knows itself.
    Now(Answer),
    /// A backend is at work.
    Relay(Box<Relay>),
    /// A call that ended while its client was away: first what was said before its end.
    Ended {
        /// Notifications: the methods and the parameters.
        said: Vec<(ByteString, Option<Raw>)>,
        /// How it ended.
        answer: Answer,
    },
}

impl Reply {
    pub(crate) fn result(raw: Raw) -> Self {
        Self::Now(Answer::Result(raw))
    }

    pub(crate) fn error(error: &RpcError) -> Self {
        Self::Now(Answer::Error(error.to_raw()))
    }
}

impl From<RpcError> for Reply {
    fn from(error: RpcError) -> Self {
        Self::error(&error)
    }
}

/// An exchange with what has to be done to its events for this client. Dropped before its outcome, it cancels the call
/// at the backend.
#[derive(Debug)]
pub struct Relay {
    pub(crate) exchange: Exchange,
    /// The link of this call, where it has one for itself. Dropped after the exchange, which cancels on it.
    pub(crate) lease: Option<Box<Lease>>,
    /// What was asked so far, where the client was asked and came back.
    pub(crate) talk: Option<Box<Talk>>,
    pub(crate) call: Call,
    pub(crate) finish: Finish,
    pub(crate) chance: Chance,
    pub(crate) rounds: Rounds,
}

/// What becomes of a result.
#[derive(Debug)]
pub(crate) enum Finish {
    /// Nothing.
    AsIs,
    /// A modern backend's `requestState` is sealed.
    Seal(StateSeal),
    /// A legacy backend's result is completed for a modern client.
    Modernise {
        /// Whether the method's results carry cache hints.
        cached: bool,
        /// The URI that was asked for, if one was.
        uri: Option<ByteString>,
        /// The `_meta` that names the backend.
        server: Option<Raw>,
    },
    /// It is about a task, and names it as the client did.
    OfTask {
        /// The client's id of the task.
        exposed: ByteString,
    },
    /// The subscription that it is about stays noted.
    Subscribe(Noted),
    /// The result of a read may be kept for others.
    Keep(Box<Keeping>),
}

impl Relay {
    /// The backend at work.
    #[must_use]
    pub fn backend(&self) -> &Arc<str> {
        self.call.turn.upstream().name()
    }

    /// The backend's own name of the tool or prompt, or the URI. The id of a task is nobody's business but its owner's.
    #[must_use]
    pub fn name(&self) -> Option<&ByteString> {
        let forward = &self.call.forward;
        let is_task = forward.method.starts_with(method::TASKS_PREFIX);
        forward.name.as_ref().filter(|_| !is_task)
    }

    /// The next event; `None` once the outcome was handed over.
    pub async fn next(&mut self) -> Option<Event<Answer>> {
        std::future::poll_fn(|cx| self.poll_event(cx)).await
    }

    /// Polls for the next event; `None` once the outcome was handed over.
    pub fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event<Answer>>> {
        loop {
            if let Some(again) = self.chance.taken() {
                match std::task::ready!(again.as_mut().poll(cx)) {
                    Ok(again) => {
                        (self.exchange, self.lease) = (again.exchange, again.lease);
                        self.call.forward.mirrored = again.mirrored;
                    }
                    Err(outcome) => return Poll::Ready(Some(self.ended(outcome))),
                }
                self.chance = Chance::Gone;
            }
            if let Some(event) = self.talk.as_mut().and_then(|talk| talk.early.pop_front()) {
                return Poll::Ready(Some(event));
            }
            match std::task::ready!(self.rounds.poll(cx, &self.call)) {
                Step::Backend => {}
                Step::Say(event) => return Poll::Ready(Some(event)),
                Step::Made(Ok(exchange)) => self.exchange = exchange,
                Step::Made(Err(cause)) => return Poll::Ready(Some(self.ended(Err(cause)))),
                Step::Refused(error) => return Poll::Ready(Some(self.ended(Ok(Answer::Error(error.to_raw()))))),
            }
            match std::task::ready!(self.exchange.poll_event(cx)) {
                // A new link may need the room of the lost one.
                Some(Event::Outcome(Err(cause))) if self.chance.take(&self.call, &cause) => self.lease = None,
                Some(Event::Outcome(Ok(Answer::Error(error)))) if self.chance.correct(&self.call, &error) => {}
                Some(Event::Outcome(Ok(Answer::Result(result)))) if self.rounds.take(&self.call, &result) => {
                    // What the client answers has a part in what becomes of the call: it is not done twice.
                    self.chance = Chance::Gone;
                    self.finish.give_up_keeping();
                }
                Some(Event::Outcome(outcome)) => return Poll::Ready(Some(self.ended(outcome))),
                Some(Event::Notification { method, params }) => {
                    let params = match params {
                        Some(params) if self.call.tasks => match tasks::heard(&self.call, &method, params) {
                            None => continue,
                            told => told,
                        },
                        params => params,
                    };
                    if let Some(params) = told(&self.call.client, self.talk.as_deref(), &method, params) {
                        return Poll::Ready(Some(Event::Notification { method, params }));
                    }
                }
                Some(Event::Ask(ask)) => {
                    if let Some(error) = self.refuses(&ask) {
                        ask.reply.answer(&Answer::Error(error.to_raw()));
                        continue;
                    }
                    // What the client answers has a part in what becomes of the call: it is not done twice.
                    self.chance = Chance::Gone;
                    return Poll::Ready(Some(Event::Ask(self.reworded(ask))));
                }
                Some(Event::AskWithdrawn(id)) => return Poll::Ready(Some(Event::AskWithdrawn(id))),
                None => return Poll::Ready(None),
            }
        }
    }

    /// Why a question may not be passed to the client.
    pub(crate) fn refuses(&self, ask: &Ask) -> Option<RpcError> {
        let modern = matches!(self.call.client, KeptClient::Modern(_));
        if modern && (self.call.era == Era::Modern || !may_ask(&self.call.forward.method)) {
            let why = "this client cannot be asked within this call";
            return Some(RpcError::new(code::METHOD_NOT_FOUND, why));
        }
        if let KeptClient::Legacy(session) = &self.call.client
            && let Some(error) = tasks::refuses(&self.call.core, session, self.backend(), ask)
        {
            return Some(error);
        }
        self.call.client.refuses(ask)
    }

    /// The question in the client's words.
    fn reworded(&self, ask: Ask) -> Ask {
        match &self.call.client {
            KeptClient::Legacy(session) if self.call.era == Era::Legacy => {
                tasks::reworded(&self.call.core, session, self.backend(), ask)
            }
            _ => ask,
        }
    }

    fn ended(&mut self, outcome: Outcome) -> Event<Answer> {
        self.chance = Chance::Gone;
        if let (Some(lease), Ok(_)) = (&mut self.lease, &outcome) {
            lease.settle();
        }
        self.call.turn.ended(&outcome);
        let answer = outcome.unwrap_or_else(|cause| Answer::Error(cause.to_rpc(self.backend()).to_raw()));
        let answer = self.finish.apply(answer, &self.call);
        Event::Outcome(match self.call.has_tasks() {
            true => tasks::begun(&self.call, answer),
            false => answer,
        })
    }
}

/// The parameters of a notification as the client knows them; `None` where the client does not want to hear it. What is
/// said while the client is away is decided on when it is back.
#[allow(
    clippy::option_option,
    reason = "parameters may be missing, and the notification too"
)]
pub(crate) fn told(client: &KeptClient, talk: Option<&Talk>, method: &str, params: Option<Raw>) -> Option<Option<Raw>> {
    match talk {
        Some(talk) if talk.is_away() => Some(params),
        _ if !client.hears(method, params.as_ref()) => None,
        Some(talk) => talk.retold(method, params),
        None => Some(params),
    }
}

impl Finish {
    /// The client is asked something: what comes of it is for nobody else.
    fn give_up_keeping(&mut self) {
        if let Self::Keep(keeping) = self {
            keeping.give_up();
        }
    }

    pub(crate) fn apply(&mut self, answer: Answer, call: &Call) -> Answer {
        match (self, answer) {
            (Self::Seal(seal), Answer::Result(result)) => Answer::Result(seal.wrap(result)),
            (Self::Modernise { cached, server, .. }, Answer::Result(result)) => {
                Answer::Result(modernise(&result, *cached, server.as_ref()))
            }
            (Self::Modernise { server, .. }, Answer::Error(error))
                if code_of(&error) == Some(code::URL_ELICITATION_REQUIRED) =>
            {
                urls::required(call, &error, server.as_ref())
            }
            (Self::Modernise { uri, .. }, Answer::Error(error)) => Answer::Error(modern_error(error, uri.as_deref())),
            (Self::OfTask { exposed }, Answer::Result(result)) => {
                Answer::Result(ops::tasks::answered(&call.forward.method, result, exposed))
            }
            (Self::Subscribe(noted), answer) => {
                noted.settle(matches!(answer, Answer::Result(_)));
                answer
            }
            (Self::Keep(keeping), answer) => keeping.apply(answer, call),
            (_, answer) => answer,
        }
    }
}

/// A legacy result with what a modern client needs (MCP 2026-07-28 "Results"). What the result has already stays.
pub(crate) fn modernise(result: &Raw, cached: bool, server: Option<&Raw>) -> Raw {
    let Ok(read) = Object::parse(result) else {
        return result.clone();
    };
    let mut edit = read.edit();
    let missing = |key: &str| read.get(key).is_none();
    if missing("resultType") {
        edit = edit.set("resultType", Raw::string("complete"));
    }
    if cached && missing("ttlMs") {
        edit = edit.set("ttlMs", Raw::from_value(&0.into()));
    }
    if cached && missing("cacheScope") {
        edit = edit.set("cacheScope", Raw::string("private"));
    }
    let named = match (server, read.get("_meta")) {
        (Some(server), None) => Some(server.clone()),
        (Some(server), Some(meta)) => with_server(meta, server),
        (None, _) => None,
    };
    if let Some(meta) = named {
        edit = edit.set("_meta", meta);
    }
    edit.finish()
}

/// A result's own `_meta` with the server's name from another one; `None` where nothing is to be added.
fn with_server(meta: &Raw, server: &Raw) -> Option<Raw> {
    let read = Object::parse(meta).ok()?;
    let info = Object::parse(server).ok()?.get(meta::SERVER_INFO)?.clone();
    let named = read.get(meta::SERVER_INFO).is_some();
    (!named).then(|| read.edit().set(meta::SERVER_INFO, info).finish())
}

/// A legacy error in words that a modern client knows (MCP 2026-07-28 "Error codes").
fn modern_error(error: Raw, uri: Option<&str>) -> Raw {
    match code_of(&error) {
        Some(code::RESOURCE_NOT_FOUND) => not_found(&error, uri).unwrap_or(error),
        _ => error,
    }
}

/// The modern error for an unknown resource; message and data stay, and the data names the URI.
fn not_found(error: &Raw, uri: Option<&str>) -> Option<Raw> {
    let read = Object::parse(error).ok()?;
    let edit = read.edit().set("code", Raw::from_value(&code::INVALID_PARAMS.into()));
    let Some(uri) = uri else { return Some(edit.finish()) };
    let data = match read.get("data").map(Object::parse) {
        Some(Ok(data)) if data.get("uri").is_some() => return Some(edit.finish()),
        Some(Ok(data)) => data.edit().set("uri", Raw::string(uri)).finish(),
        _ => Raw::from_value(&serde_json::json!({ "uri": uri })),
    };
    Some(edit.set("data", data).finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_legacy_result_gains_only_what_is_missing() {
        let raw = |text: &str| Raw::parse(text.to_owned()).unwrap();
        assert_eq!(
            modernise(&raw(r#"{"content":[{"x":1.0}]}"#), false, None).as_str(),
            r#"{"content":[{"x":1.0}],"resultType":"complete"}"#
        );
        assert_eq!(
            modernise(&raw(r#"{"contents":[],"ttlMs":5}"#), true, None).as_str(),
            r#"{"contents":[],"ttlMs":5,"resultType":"complete","cacheScope":"private"}"#
        );
    }
    #[test]
    fn a_legacy_result_names_the_server_unless_it_does() {
        let raw = |text: &str| Raw::parse(text.to_owned()).unwrap();
        let server = raw(r#"{"io.modelcontextprotocol/serverInfo":{"name":"s"}}"#);
        let named = |text: &str| modernise(&raw(text), false, Some(&server)).as_str().to_owned();
        assert_eq!(
            named(r#"{"resultType":"complete"}"#),
            r#"{"resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s"}}}"#
        );
        assert_eq!(
            named(r#"{"_meta":{"x":1.0},"resultType":"complete"}"#),
            r#"{"_meta":{"x":1.0,"io.modelcontextprotocol/serverInfo":{"name":"s"}},"resultType":"complete"}"#
        );
        let own = r#"{"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"own"}},"resultType":"complete"}"#;
        assert_eq!(named(own), own);
    }

    #[test]
    fn legacy_errors_become_modern_ones() {
        let raw = |text: &str| Raw::parse(text.to_owned()).unwrap();
        let modern = |text: &str, uri| modern_error(raw(text), uri).as_str().to_owned();
        assert_eq!(
            modern(r#"{"code":-32002,"message":"no","data":{"n":1.0}}"#, Some("x://1")),
            r#"{"code":-32602,"message":"no","data":{"n":1.0,"uri":"x://1"}}"#
        );
        assert_eq!(
            modern(r#"{"code":-32002,"message":"no","data":{"uri":"y"}}"#, Some("x")),
            r#"{"code":-32602,"message":"no","data":{"uri":"y"}}"#
        );
        assert_eq!(
            modern(r#"{"code":-32002,"message":"no"}"#, Some("x")),
            r#"{"code":-32602,"message":"no","data":{"uri":"x"}}"#
        );
        let other = r#"{"code": 7,"message":"no"}"#;
        assert_eq!(modern(other, Some("x")), other);
    }
}
