//! Where each message of a backend belongs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use argus_protocol::{
    Answer, ByteString, Era, Frame, FrameError, Id, Message, Object, Raw, Sought, meta, method, token, write,
};
use bytes::Bytes;
use tokio::sync::watch;

use super::calls::{CallSender, Calls};
use super::junk;
use super::mailbox::Sent;
use super::queue::{Outbound, Queue};
use crate::exchange::AskPeer;
use crate::logs::{Junk, JunkLog, Log, Mouth};
use crate::outliving::Outliving;
use crate::redact::Redactor;
use crate::{Ask, AskReply, Event, FeedEvent, FeedSink, LinkError};

/// What a backend is to the gateway on one connection.
pub(crate) struct Server {
    pub(crate) backend: Arc<str>,
    pub(crate) era: Era,
    /// Whether the link belongs to one session.
    pub(crate) owned: bool,
    /// The process that speaks, where it is one.
    pub(crate) process: Option<u32>,
    /// Keeps what it writes for people.
    pub(crate) log: Arc<Log>,
    /// Takes secrets out of what the backend writes.
    pub(crate) redactor: Redactor,
    /// Takes what it says outside calls.
    pub(crate) sink: Arc<dyn FeedSink>,
}

impl Server {
    /// What it says for people; `None` where it is no process.
    pub(crate) fn mouth(&self) -> Option<Mouth<'_>> {
        Some(Mouth {
            backend: &self.backend,
            pid: self.process?,
            redactor: &self.redactor,
            log: &self.log,
        })
    }
}

/// What the tasks of one connection share.
pub(crate) struct Demux {
    pub(crate) server: Server,
    pub(super) writer: Queue,
    pub(super) ended: watch::Sender<Option<LinkError>>,
    calls: Mutex<Calls>,
    /// The progress tokens of tasks.
    outliving: Outliving,
    junk: JunkLog,
}

impl Demux {
    pub(super) fn new(server: Server, writer: Queue) -> Self {
        Self {
            server,
            writer,
            ended: watch::Sender::new(None),
            calls: Mutex::default(),
            outliving: Outliving::default(),
            junk: JunkLog::default(),
        }
    }

    pub(super) fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether more than one call is in flight that is not open for long.
    pub(crate) fn has_several_calls(&self) -> bool {
        self.calls()
            .open
            .values()
            .filter(|call| !call.is_listener())
            .nth(1)
            .is_some()
    }

    /// Takes what came as one message: a line of stdout, the data of an event.
    pub(crate) fn take(self: &Arc<Self>, text: Bytes) {
        if text.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        match Frame::parse(text.clone()) {
            Ok(Frame::One(message)) => self.route(message),
            Ok(Frame::Batch(messages)) => messages.into_iter().flatten().for_each(|message| self.route(message)),
            Err(error) => {
                self.tell_junk(&text, &error);
                self.answered_with_junk(&text, &error);
            }
        }
    }

    /// Tells people of what is no message, as far as there is not too much of it.
    fn tell_junk(self: &Arc<Self>, text: &[u8], error: &FrameError) {
        let server = &self.server;
        match self.junk.take(text, &server.redactor, server.mouth()) {
            Junk::Told(line) => {
                tracing::warn!(backend = %server.backend, %error, %line, "the backend writes junk");
            }
            Junk::FirstLeftOut(until) => {
                let demux = Arc::downgrade(self);
                tokio::spawn(async move {
                    tokio::time::sleep_until(until).await;
                    if let Some(demux) = demux.upgrade() {
                        demux.tell_left_out();
                    }
                });
            }
            Junk::LeftOut => {}
        }
    }

    fn tell_left_out(&self) {
        if let Some(lines) = self.junk.tell_left_out(self.server.mouth()) {
            tracing::warn!(backend = %self.server.backend, lines, "the backend writes more junk than is told");
        }
    }

    fn route(self: &Arc<Self>, message: Message) {
        match message {
            Message::Response { id, answer } => self.answered(id.as_ref(), answer),
            Message::Notification { method, params } => self.notified(method, params),
            Message::Request { id, method, params } => self.asked(id, method, params),
        }
    }

    fn answered(&self, id: Option<&Id>, answer: Answer) {
        let mut calls = self.calls();
        calls.silence.heard();
        let number = match id {
            Some(id) => id.as_number(),
            // An error for a request whose id the peer could not read can only be meant for a lone one.
            None => calls.lone(),
        };
        let call = number.and_then(|number| calls.remove(number));
        drop(calls);
        match call {
            Some(call) => {
                if let (true, Answer::Result(_), Some(number), Some(token)) =
                    (call.augmented, &answer, number, &call.token)
                {
                    self.outliving.keep(number, token);
                }
                call.settle(Ok(answer));
            }
            None => tracing::debug!(backend = %self.server.backend, "an answer to nothing in flight was dropped"),
        }
    }

    /// Ends the call that junk names as its own: nothing better will come.
    fn answered_with_junk(&self, text: &[u8], error: &FrameError) {
        if let Some(call) = junk::answered_call(text, error).and_then(|number| self.calls().remove(number)) {
            let cause = LinkError::Protocol(format!("its answer is {error}"));
            call.settle(Err(cause));
        }
    }

    fn notified(&self, method: ByteString, params: Option<Raw>) {
        match &*method {
            method::PROGRESS => self.progressed(method, params),
            method::CANCELLED => self.withdrawn(params.as_ref()),
            method::LOG => {
                let event = Event::Notification {
                    method: method.clone(),
                    params: params.clone(),
                };
                let task = params.as_ref().and_then(related_task);
                let calls = self.calls();
                // What a task says belongs to the call that waits for its end.
                let waiting = task.and_then(|task| calls.open.get(&calls.waiting_for(&task)?));
                let sent = waiting.or_else(|| calls.sole()).map(|call| call.send(event));
                drop(calls);
                match sent {
                    Some(Sent::Done | Sent::Gone(_)) => {}
                    Some(Sent::TooSlow(_)) => self.too_slow(),
                    None => self.server.sink.deliver(FeedEvent::Notification { method, params }),
                }
            }
            _ => match self.listener_of(params.as_ref()) {
                Some(id) => self.pass_to(id, Event::Notification { method, params }),
                None => self.server.sink.deliver(FeedEvent::Notification { method, params }),
            },
        }
    }

    fn progressed(&self, method: ByteString, params: Option<Raw>) {
        let Some(number) = params.as_ref().and_then(token::number_of) else {
            return;
        };
        let open = {
            let mut calls = self.calls();
            let token = calls.open.get(&number).map(|call| call.token.clone());
            if token.is_some() {
                calls.silence.heard();
            }
            token
        };
        let Some(token) = open else {
            if let Some(params) = params.as_ref().and_then(|params| self.outliving.restored(params)) {
                let params = Some(params);
                self.server.sink.deliver(FeedEvent::Notification { method, params });
            }
            return;
        };
        if let (Some(token), Some(params)) = (token, &params) {
            self.pass_to(
                number,
                Event::Notification {
                    method,
                    params: token::restore(params, &token),
                },
            );
        }
    }

    fn withdrawn(&self, params: Option<&Raw>) {
        let Some(read) = params.and_then(|raw| Object::parse(raw).ok()) else {
            return;
        };
        let Some(id) = read.get("requestId").cloned().and_then(Id::from_raw) else {
            return;
        };
        let call = self.calls().answered(&id);
        if let Some(call) = call {
            self.pass_to(call, Event::AskWithdrawn(id));
        } else if let Some(call) = id.as_number() {
            // A modern server ends a listen stream of its own with `cancelled` (MCP 2026-07-28).
            let ended =
                self.server.era == Era::Modern && self.calls().open.get(&call).is_some_and(CallSender::is_listener);
            if ended {
                self.calls().remove(call);
            }
        }
    }

    /// The `subscriptions/listen` a notification names.
    fn listener_of(&self, params: Option<&Raw>) -> Option<u64> {
        if self.server.era == Era::Legacy {
            return None;
        }
        let meta = Object::parse(params?).ok()?.get_object("_meta")?;
        meta.get(meta::SUBSCRIPTION_ID)?.as_str().parse().ok()
    }

    fn pass_to(&self, call: u64, event: Event) {
        let sent = self.calls().open.get(&call).map(|call| call.send(event));
        if matches!(sent, Some(Sent::TooSlow(_))) {
            self.too_slow();
        }
    }

    fn too_slow(&self) {
        tracing::warn!(backend = %self.server.backend, "the client reads too slowly; a notification was dropped");
    }

    fn asked(self: &Arc<Self>, id: Id, method: ByteString, params: Option<Raw>) {
        if method == method::PING {
            self.answer(&id, &Answer::Result(Raw::empty_object()));
            return;
        }
        let task = params.as_ref().and_then(related_task);
        let reply = AskReply::new(id.clone(), Arc::<Self>::clone(self) as Arc<dyn AskPeer>);
        let ask = Ask { method, params, reply };
        let mut calls = self.calls();
        // On a shared process nobody can say for sure whose call caused it, and it may belong to none. What a task asks
        // belongs to the call that waits for its end, if there is one; another call would take it along when it ends.
        let call = match &task {
            Some(task) => calls.waiting_for(task),
            None => calls.culprit(true).map(|(call, _)| call),
        };
        let call = call.filter(|_| self.server.owned);
        let Some(call) = call else {
            drop(calls);
            self.server.sink.deliver(FeedEvent::Ask(ask));
            return;
        };
        if !calls.ask(id.clone(), call) {
            drop(calls);
            ask.reply.refuse("too many questions wait for an answer already");
            return;
        }
        // The call is there: the lock was held since it was found.
        let sent = calls.open.get(&call).map(|call| call.send(Event::Ask(ask)));
        if matches!(sent, Some(Sent::TooSlow(_) | Sent::Gone(_))) {
            calls.answered(&id);
        }
        // Refusing, as dropping does, takes the lock again.
        drop(calls);
        match sent {
            Some(Sent::TooSlow(Event::Ask(ask))) => ask.reply.refuse("the client reads too slowly to be asked"),
            Some(Sent::Gone(ask)) => drop(ask),
            _ => {}
        }
    }

    /// Puts a message that is no request into the queue to the backend. It is lost, with a warning, when the backend does
    /// not read.
    pub(super) fn write(&self, message: Bytes) {
        if let Err(error) = self.writer.put(Outbound { message, call: None }) {
            tracing::warn!(backend = %self.server.backend, %error, "a message to the backend was lost");
        }
    }

    /// Takes out a call that nobody waits for, though the backend may still work on it.
    pub(super) fn give_up(&self, call: u64) -> Option<CallSender> {
        self.calls().give_up(call)
    }

    /// Tells the backend that nobody waits for a call.
    pub(super) fn cancel(&self, call: u64, reason: &str) {
        let params = Raw::from_value(&serde_json::json!({"requestId": call, "reason": reason}));
        self.write(write::notification(method::CANCELLED, Some(&params)));
    }

    /// The request of a call could not be sent, or nobody knows whether it was: the call fails, if it is in flight.
    pub(crate) fn fail(&self, call: u64, cause: LinkError) {
        // Anything else is a refusal: the backend does not have it.
        let perhaps_taken = matches!(cause, LinkError::Closed(_) | LinkError::Timeout { .. });
        let failed = if perhaps_taken {
            self.give_up(call)
        } else {
            self.calls().remove(call)
        };
        let Some(failed) = failed else { return };
        if perhaps_taken && failed.kind.is_cancellable() {
            self.cancel(call, "nobody knows whether the request arrived");
        }
        failed.settle(Err(cause));
    }

    /// The backend refuses a message because it no longer knows the session: the connection is over. The call of the
    /// message fails last, so that it is not repeated on this connection. For calls that were taken before it is the
    /// connection that ended: they may have been begun.
    pub(crate) fn lose(&self, call: Option<u64>, lost: LinkError) {
        let failed = call.and_then(|call| self.calls().remove(call));
        self.end(LinkError::Closed("it no longer knows the session".to_owned()));
        if let Some(failed) = failed {
            failed.settle(Err(lost));
        }
    }

    /// The connection is over: everything in flight fails with the cause.
    pub(crate) fn end(&self, cause: LinkError) {
        let first = self.ended.send_if_modified(|ended| {
            let first = ended.is_none();
            if first {
                *ended = Some(cause.clone());
            }
            first
        });
        if !first {
            return;
        }
        self.tell_left_out();
        let calls = std::mem::take(&mut *self.calls());
        for call in calls.open.into_values() {
            call.settle(Err(cause.clone()));
        }
    }
}

static RELATED_TASK: Sought = Sought::new(meta::RELATED_TASK);

/// The task that a question belongs to (MCP 2025-11-25 "Tasks", "Related task metadata").
fn related_task(params: &Raw) -> Option<ByteString> {
    if !params.may_have(&RELATED_TASK) {
        return None;
    }
    let meta = Object::parse(params).ok()?.get_object("_meta")?;
    meta.get_object(meta::RELATED_TASK)?.get_str("taskId")
}

impl AskPeer for Demux {
    fn answer(&self, id: &Id, answer: &Answer) {
        self.calls().answered(id);
        self.write(write::response(Some(id), answer));
    }

    fn notify(&self, method: &str, params: Option<&Raw>) {
        self.write(write::notification(method, params));
    }
}
