//! Streamable HTTP: every message of the client is a POST of its own (MCP 2025-03-26 and later).

use std::collections::HashMap;
use std::time::Duration;

use argus_gateway::ModernParams;
use argus_protocol::line::Line;
use argus_protocol::{Answer, Frame, Id, Message, Raw, method, write};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::answers::Audience;
use super::call::{Call, Done};
use super::held::Held;
use super::modern::Modern;
use super::params::Tools;
use super::place::{self, Place};
use super::session::{self, Repeatable, Session};
use super::standing;
use crate::Input;
use crate::input::Lines;

/// Requests that may be in flight; then others have to wait.
pub(super) const MAX_REQUESTS: usize = 1000;
/// How long the endpoint may take for a message that wants no answer.
pub(super) const TAKING: Duration = Duration::from_secs(30);
/// How long the cancellation of a request waits until that was surely taken.
const BEFORE_CANCEL: Duration = Duration::from_secs(3);
/// How long ending the session may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// The relay between one client and one endpoint.
pub(super) struct Relay<R> {
    lines: Lines<R>,
    max_message: usize,
    place: Place,
    /// Cancelled when the client says nothing more.
    silent: CancellationToken,
    session: Session,
    tools: Tools,
    flights: HashMap<u64, Flight>,
    held: Held,
    last_flight: u64,
    tasks: JoinSet<Back>,
    /// The stream on which the endpoint speaks outside calls.
    standing: Option<AbortHandle>,
}

/// A call in flight.
struct Flight {
    call: Call,
    /// The session that it was made in; `None` for a modern one.
    generation: Option<u64>,
    resent: bool,
    task: AbortHandle,
}

/// What a task of the relay comes back with.
enum Back {
    Done(u64, Done),
    /// The session of this generation is gone.
    SessionGone(u64),
    /// The endpoint was told that the client does not want this call any more.
    Cancelled(u64),
    Nothing,
}

impl<R: Input> Relay<R> {
    pub(super) fn new(lines: Lines<R>, max_message: usize, place: Place, silent: CancellationToken) -> Self {
        Self {
            lines,
            max_message,
            place,
            silent,
            session: Session::default(),
            tools: Tools::default(),
            flights: HashMap::new(),
            held: Held::default(),
            last_flight: 0,
            tasks: JoinSet::new(),
            standing: None,
        }
    }

    /// Relays until the client says nothing more and all is answered.
    pub(super) async fn run(&mut self) {
        while !self.silent.is_cancelled() || !self.flights.is_empty() || !self.held.is_empty() {
            while self.flights.len() < MAX_REQUESTS
                && let Some(line) = self.held.pop()
            {
                self.take(line).await;
            }
            let reads = !self.silent.is_cancelled() && !self.held.is_full();
            tokio::select! {
                line = self.lines.next(), if reads => match line {
                    Some(Line::Whole(line)) => self.hear(line).await,
                    Some(Line::TooLong) => self.place.say(place::too_long(self.max_message)).await,
                    None => self.silent.cancel(),
                },
                Some(back) = self.tasks.join_next() => {
                    // One that was aborted comes back with nothing.
                    self.back(back.unwrap_or(Back::Nothing)).await;
                }
                else => return,
            }
        }
    }

    /// Gives up what is in flight, and ends the session.
    pub(super) async fn end(mut self) {
        self.tasks.shutdown().await;
        if self.session.id.is_some() {
            let headers = self.session.headers();
            let goodbye = self.place.endpoint.delete(&headers);
            let _ = tokio::time::timeout(GOODBYE, goodbye).await;
        }
    }

    /// Takes a line, unless it has to wait.
    async fn hear(&mut self, line: Bytes) {
        if (self.flights.len() >= MAX_REQUESTS || !self.held.is_empty())
            && let Ok(frame) = Frame::from_client(line.clone())
        {
            let ids = session::asked(&frame);
            if !ids.is_empty() {
                return self.held.push(ids, line);
            }
        }
        self.take(line).await;
    }

    async fn take(&mut self, line: Bytes) {
        match Frame::from_client(line.clone()) {
            Ok(Frame::One(Message::Request { id, method, params })) => {
                self.request(line, id, &method, params.as_ref()).await;
            }
            Ok(Frame::One(Message::Notification { method, params })) => {
                self.notification(line, &method, params.as_ref()).await;
            }
            Ok(Frame::One(Message::Response { .. })) => self.tell(&line).await,
            Ok(frame @ Frame::Batch(_)) => self.batch(line, session::asked(&frame)).await,
            Err(error) => self.place.say(write::unreadable(&error)).await,
        }
    }

    async fn request(&mut self, line: Bytes, id: Id, method: &str, params: Option<&Raw>) {
        if let Some(modern) = ModernParams::of(params) {
            return self.start_modern(Modern::new(line, id, method, modern));
        }
        if method == method::INITIALIZE && self.session.opening.is_none() {
            return self.open(Repeatable { id, body: line }).await;
        }
        self.session.note(&line, Some(&id), method, params);
        self.start_in_session(line, vec![id]).await;
    }

    /// A batch, which only 2025-03-26 has.
    async fn batch(&mut self, line: Bytes, ids: Vec<Id>) {
        if ids.is_empty() {
            self.tell(&line).await;
        } else {
            self.start_in_session(line, ids).await;
        }
    }

    async fn notification(&mut self, line: Bytes, method: &str, params: Option<&Raw>) {
        if let Some(id) = session::cancelled(method, params) {
            if !self.held.remove(&id) {
                self.cancel(line, &id);
            }
            return;
        }
        if self.session.opening.is_none() {
            tracing::debug!("a notification of a client without a session was dropped, for nobody waits for it");
            return;
        }
        self.session.note(&line, None, method, params);
        self.tell(&line).await;
        if method == method::INITIALIZED {
            self.listen();
        }
    }

    /// Modern: the stream of the answer is closed (MCP 2026-07-28 "Cancellation"). Legacy: the endpoint is told, after
    /// it has surely taken the request.
    fn cancel(&mut self, line: Bytes, id: &Id) {
        let found = self.flights.iter().find(|(_, flight)| flight.call.ids.contains(id));
        let alone = found.is_some_and(|(_, flight)| flight.call.ids.len() == 1);
        let found = found.map(|(number, flight)| (*number, flight.generation, flight.call.taken.clone()));
        if let Some((number, None, _)) = found {
            return self.give_up(number);
        }
        if self.session.opening.is_none() {
            return;
        }
        let (place, headers) = (self.place.clone(), self.session.headers());
        self.tasks.spawn(async move {
            if let Some((_, _, taken)) = &found {
                let _ = tokio::time::timeout(BEFORE_CANCEL, taken.cancelled()).await;
            }
            let _ = told(&place, &headers, &line).await;
            match found {
                Some((number, ..)) if alone => Back::Cancelled(number),
                // The others of its batch are still answered.
                _ => Back::Nothing,
            }
        });
    }

    /// Nobody waits for a call any more.
    fn give_up(&mut self, number: u64) {
        if let Some(flight) = self.flights.remove(&number) {
            flight.task.abort();
        }
    }

    /// Posts a message that wants no answer, and waits until it was taken: what follows may build on it.
    async fn tell(&mut self, line: &Bytes) {
        if told(&self.place, &self.session.headers(), line).await == Some(StatusCode::NOT_FOUND)
            && self.session.id.is_some()
        {
            self.session.lost = true;
        }
    }

    /// `initialize`: everything else waits for its answer.
    async fn open(&mut self, opening: Repeatable) {
        let call = Call::new(opening.body.clone(), HeaderMap::new(), vec![opening.id.clone()]);
        let done = call.make(&self.place, Audience::Client).await;
        if let Some(Answer::Result(result)) = done.answer {
            self.session.opened(opening, done.session, &result);
        }
    }

    async fn start_in_session(&mut self, body: Bytes, ids: Vec<Id>) {
        let call = Call::new(body, HeaderMap::new(), ids);
        if self.session.lost {
            self.revive_for(call).await;
        } else {
            self.start_now(call, false);
        }
    }

    fn start_now(&mut self, mut call: Call, resent: bool) {
        call.headers = self.session.headers();
        let (place, made) = (self.place.clone(), call.clone());
        let generation = Some(self.session.generation);
        self.start(call, generation, resent, async move {
            made.make(&place, Audience::Client).await
        });
    }

    fn start_modern(&mut self, modern: Modern) {
        let (place, tools, call) = (self.place.clone(), self.tools.clone(), modern.call.clone());
        self.start(call, None, false, async move { modern.make(&place, &tools).await });
    }

    fn start(
        &mut self,
        call: Call,
        generation: Option<u64>,
        resent: bool,
        made: impl Future<Output = Done> + Send + 'static,
    ) {
        self.last_flight += 1;
        let number = self.last_flight;
        let task = self.tasks.spawn(async move { Back::Done(number, made.await) });
        let flight = Flight {
            call,
            generation,
            resent,
            task,
        };
        self.flights.insert(number, flight);
    }

    /// Opens the stream on which the endpoint speaks outside calls.
    fn listen(&mut self) {
        let (place, headers, generation) = (self.place.clone(), self.session.headers(), self.session.generation);
        let task = self.tasks.spawn(async move {
            match standing::keep_open(&place, &headers).await {
                true => Back::SessionGone(generation),
                false => Back::Nothing,
            }
        });
        if let Some(before) = self.standing.replace(task) {
            before.abort();
        }
    }

    async fn back(&mut self, back: Back) {
        match back {
            Back::Nothing => {}
            Back::Cancelled(number) => self.give_up(number),
            Back::SessionGone(generation) => {
                if generation == self.session.generation && !self.session.lost {
                    self.session.lost = true;
                    if let Err(why) = self.revive().await {
                        tracing::warn!("{why}; it is tried again with the next request");
                    }
                }
            }
            Back::Done(number, done) => {
                let Some(flight) = self.flights.remove(&number) else {
                    return;
                };
                if !done.gone {
                    return;
                }
                if flight.generation == Some(self.session.generation) {
                    self.session.lost = true;
                }
                if flight.resent {
                    let why = format!("the session at {} is gone again and again", self.place.url());
                    return self.fail(&flight.call.ids, &why).await;
                }
                self.revive_for(flight.call).await;
            }
        }
    }

    /// Makes a call in another session, where its own is gone: nothing was done with it.
    async fn revive_for(&mut self, call: Call) {
        if self.session.lost
            && let Err(why) = self.revive().await
        {
            return self.fail(&call.ids, &why).await;
        }
        self.start_now(call, true);
    }

    async fn fail(&self, ids: &[Id], why: &str) {
        for id in ids {
            self.place.fail(id, why).await;
        }
    }

    /// Opens another session as the client opened the first, and says there what it said to the first.
    async fn revive(&mut self) -> Result<(), String> {
        let gone = format!("the session at {} is gone", self.place.url());
        let Some(opening) = self.session.opening.clone() else {
            return Err(gone);
        };
        let call = Call::new(opening.body.clone(), HeaderMap::new(), vec![opening.id.clone()]);
        let done = call.make(&self.place, Audience::Nobody).await;
        let result = match done.answer {
            Some(Answer::Result(result)) => result,
            Some(Answer::Error(error)) => {
                let why = argus_protocol::error::message_of(&error).unwrap_or_default();
                return Err(format!("{gone}, and no other can be opened: {why}"));
            }
            None => {
                let why = done.failed.unwrap_or_default();
                return Err(format!("{gone}, and no other can be opened now: {why}"));
            }
        };
        if self.session.version != session::version_of(&result) {
            let why = "another one would be of another protocol version; start this program again";
            return Err(format!("{gone}, and {why}"));
        }
        self.session.opened(opening, done.session, &result);
        tracing::warn!("{gone}; another one was opened");
        let headers = self.session.headers();
        if let Some(initialized) = self.session.initialized() {
            let _ = told(&self.place, &headers, initialized).await;
            self.listen();
        }
        for request in self.session.repeated() {
            let call = Call::new(request.body, headers.clone(), vec![request.id]);
            call.make(&self.place, Audience::Nobody).await;
        }
        // Whatever was lost with the session may have changed meanwhile.
        for method in session::announced(&result) {
            self.place.say(write::notification(method, None)).await;
        }
        Ok(())
    }
}

/// Posts a message that wants no answer; gives the status. Whoever wrote it cannot be told of a failure.
async fn told(place: &Place, headers: &HeaderMap, line: &Bytes) -> Option<StatusCode> {
    let response = match tokio::time::timeout(TAKING, place.post(headers, line)).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => {
            tracing::warn!("a message did not arrive: {}", place.trouble(&error));
            return None;
        }
        Err(_) => {
            tracing::warn!("{} does not take a message within {} s", place.url(), TAKING.as_secs());
            return None;
        }
    };
    let status = response.status();
    if !status.is_success() {
        tracing::warn!("a message was refused: {}", place.refusal(status));
    }
    Some(status)
}
