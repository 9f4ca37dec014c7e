//! One POST and what comes back.

use std::borrow::Cow;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use argus_protocol::{Answer, Era, Frame, Media, Message, Raw, header, method, sse, token};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::BodyExt;

use super::Received;
use super::connection::{Shared, cancel, unless};
use super::endpoint::{collect, status_error};
use super::lost::{is_lost, may_be_for_it};
use crate::exchange::AskPeer;
use crate::link::Events;
use crate::{Ask, AskReply, Event, FeedEvent, LinkError, Outcome, Outgoing};

/// The largest event of a stream.
pub(crate) const MAX_EVENT: usize = 64 << 20;
/// How long to wait before a stream is resumed when the backend names no time.
const RETRY: Duration = Duration::from_secs(1);
/// The least wait before a stream is resumed, whatever the backend asks for.
const LEAST_RETRY: Duration = Duration::from_millis(100);

/// A call over HTTP.
struct Post {
    shared: Arc<Shared>,
    number: u64,
    /// The caller's progress token, which ours stands for.
    token: Option<Raw>,
    cancellable: bool,
    /// Whether it begins a task.
    augmented: bool,
    /// Whether it is the gateway's own.
    own: bool,
    /// Whether an event came since the stream was opened.
    heard: bool,
    /// Where the stream can be resumed.
    last_event: Option<HeaderValue>,
    retry: Duration,
}

/// Sends `body` and turns what comes back into events; ends with an error when the connection is closed meanwhile.
pub(super) fn open(shared: Arc<Shared>, number: u64, request: Outgoing, token: Option<Raw>, body: Bytes) -> Events {
    let handshake = request.method == method::INITIALIZE;
    // `initialize` must not be cancelled (MCP "Cancellation"); a modern call is cancelled by closing its stream.
    let cancellable = shared.era == Era::Legacy && !handshake;
    let mirrored = (shared.era == Era::Modern).then(|| mirrored(&shared, &request));
    let mut call = Post {
        shared,
        number,
        token,
        cancellable,
        augmented: request.augmented,
        own: request.own,
        heard: false,
        last_event: None,
        retry: RETRY,
    };
    let ended = call.shared.ended.borrow().clone();
    Box::pin(async_stream::stream! {
        if let Some(cause) = ended {
            yield call.failed(cause);
            return;
        }
        let shared = Arc::clone(&call.shared);
        let mut closed = pin!(shared.closed());
        let headers = mirrored.as_ref().map_or_else(|| shared.headers(), Cow::Borrowed);
        let posted = unless(closed.as_mut(), pin!(shared.endpoint.post(&headers, body))).await;
        let mut response = match posted.flatten() {
            Ok(response) => response,
            Err(cause) => {
                yield call.failed(cause);
                return;
            }
        };
        if handshake && let Some(session) = response.headers().get(header::SESSION_ID) {
            let _ = shared.session.set(session.clone());
        }
        if Media::of(response.headers()) != Media::Stream || !response.status().is_success() {
            let outcome = unless(closed.as_mut(), pin!(call.single(response))).await.flatten();
            call.answered(&outcome);
            yield Event::Outcome(outcome);
            return;
        }
        loop {
            let mut decoder = sse::Decoder::new(MAX_EVENT);
            let mut events = Vec::new();
            let cut = loop {
                let frame = match unless(closed.as_mut(), pin!(response.body_mut().frame())).await {
                    Ok(Some(Ok(frame))) => frame,
                    Ok(None) => break false,
                    Ok(Some(Err(_))) => break true,
                    Err(cause) => {
                        yield call.failed(cause);
                        return;
                    }
                };
                let Ok(chunk) = frame.into_data() else { continue };
                let fed = decoder.feed(&chunk, |event| events.push(event));
                for event in events.drain(..) {
                    for event in call.understand(event) {
                        let last = matches!(event, Event::Outcome(_));
                        if let Event::Outcome(outcome) = &event {
                            call.answered(outcome);
                        }
                        yield event;
                        if last {
                            return;
                        }
                    }
                }
                if let Err(error) = fed {
                    // Dropped uncancelled, so that the backend is told.
                    yield Event::Outcome(Err(LinkError::Protocol(error.to_string())));
                    return;
                }
            };
            let resumed = unless(closed.as_mut(), Box::pin(call.resume(cut)).as_mut()).await;
            match resumed.flatten() {
                Ok(resumed) => response = resumed,
                Err(cause) => {
                    yield call.failed(cause);
                    return;
                }
            }
        }
    })
}

/// `Mcp-Method`, `Mcp-Name` and `Mcp-Param-*` of a modern request (MCP 2026-07-28 "Request headers").
fn mirrored(shared: &Shared, request: &Outgoing) -> HeaderMap {
    let mut headers = shared.headers().into_owned();
    if let Ok(value) = HeaderValue::from_str(&request.method) {
        headers.insert(header::METHOD, value);
    }
    if let Some(value) = request
        .name
        .as_deref()
        .and_then(|name| HeaderValue::from_str(&header::encode_value(name)).ok())
    {
        headers.insert(header::NAME, value);
    }
    headers.extend(request.param_headers.iter().cloned());
    headers
}

/// Whether a status is about who asks, how often, or the server, and not about what was asked.
fn says_nothing_of_the_request(status: StatusCode) -> bool {
    let of_the_caller = [
        StatusCode::UNAUTHORIZED,
        StatusCode::FORBIDDEN,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    status.is_server_error() || of_the_caller.contains(&status)
}

impl Post {
    /// The backend is done with it, or never had it: nothing is left to cancel.
    fn settled(&mut self) {
        self.cancellable = false;
    }

    /// The backend has answered.
    fn answered(&mut self, outcome: &Outcome) {
        self.settled();
        if let (true, Ok(Answer::Result(_)), Some(token)) = (self.augmented, outcome, &self.token) {
            self.shared.outliving.keep(self.number, token);
        }
    }

    /// The end of a call that the backend does not answer. A backend that cannot be reached may have been started anew.
    fn failed(&mut self, cause: LinkError) -> Event {
        self.settled();
        let closed = self.shared.ended.borrow().is_some();
        if !closed && matches!(cause, LinkError::Unreachable { .. } | LinkError::Closed(_)) {
            self.shared.sink.deliver(FeedEvent::Interrupted);
        }
        Event::Outcome(Err(cause))
    }

    /// The outcome in an answer that is no stream: the one message it holds, or what its status says.
    async fn single(&self, response: Response<Received>) -> Outcome {
        let status = response.status();
        let in_session = self.shared.session.get().is_some();
        if in_session && status == StatusCode::NOT_FOUND {
            return Err(self.lost());
        }
        let answer = match Media::of(response.headers()) {
            Media::Json => self.answer_in(collect(response.into_body()).await?),
            Media::Stream | Media::Other => None,
        };
        let (named, answer) = answer.map_or((false, None), |(named, answer)| (named, Some(answer)));
        // It was not done, and may be sent again when that is for the session. (Boxed, because no other call needs the
        // room.)
        let in_doubt =
            in_session && status == StatusCode::BAD_REQUEST && may_be_for_it(answer.as_ref().filter(|_| named));
        if in_doubt && Box::pin(self.knows_no_session()).await {
            return Err(self.lost());
        }
        match answer {
            // Whoever answers a question of the gateway itself so has not read it, and is not well.
            Some(_) if self.own && !named && says_nothing_of_the_request(status) => {}
            Some(answer) => return Ok(answer),
            None if status.is_success() => {
                return Err(LinkError::Protocol(format!(
                    "it answered {status} without a JSON-RPC answer"
                )));
            }
            None => {}
        }
        Err(status_error(&self.shared.endpoint.url, status))
    }

    async fn knows_no_session(&self) -> bool {
        let known = matches!(&*self.shared.ended.borrow(), Some(LinkError::SessionLost(_)));
        known || is_lost(&self.shared).await == Some(true)
    }

    /// The session is gone: nobody is to call on it any more.
    fn lost(&self) -> LinkError {
        let lost = LinkError::SessionLost(super::endpoint::shown(&self.shared.endpoint.url));
        self.shared.end(lost.clone());
        lost
    }

    /// The answer to this request in a body, and whether it names the request.
    fn answer_in(&self, body: Bytes) -> Option<(bool, Answer)> {
        let messages = match Frame::parse(body).ok()? {
            Frame::One(message) => vec![message],
            Frame::Batch(messages) => messages.into_iter().flatten().collect(),
        };
        messages.into_iter().find_map(|message| match message {
            Message::Response { id, answer } => {
                let named = id.is_some();
                self.is_ours(id.as_ref(), &answer).then_some((named, answer))
            }
            _ => None,
        })
    }

    /// An error may come without an id, when the peer could not read it.
    fn is_ours(&self, id: Option<&argus_protocol::Id>, answer: &Answer) -> bool {
        match id {
            Some(id) => id.as_number() == Some(self.number),
            None => matches!(answer, Answer::Error(_)),
        }
    }

    /// What an event of the stream says.
    fn understand(&mut self, event: sse::Event) -> Vec<Event> {
        self.heard = true;
        if let Some(id) = event.id {
            self.last_event = HeaderValue::from_str(&id).ok();
        }
        if let Some(retry) = event.retry {
            self.retry = Duration::from_millis(retry.min(60_000));
        }
        if event.data.is_empty() || event.name.is_some_and(|name| name != "message") {
            return Vec::new();
        }
        match Frame::parse(event.data) {
            Ok(Frame::One(message)) => self.event_of(message).into_iter().collect(),
            Ok(Frame::Batch(messages)) => messages
                .into_iter()
                .flatten()
                .filter_map(|one| self.event_of(one))
                .collect(),
            Err(error) => {
                tracing::warn!(backend = %self.shared.backend, %error, "the backend streams junk");
                Vec::new()
            }
        }
    }

    fn event_of(&self, message: Message) -> Option<Event> {
        match message {
            Message::Response { id, answer } => {
                self.is_ours(id.as_ref(), &answer).then_some(Event::Outcome(Ok(answer)))
            }
            Message::Notification { method, params } => Some(self.notification(method, params)),
            Message::Request { id, method, .. } if method == method::PING => {
                self.shared.answer(&id, &Answer::Result(Raw::empty_object()));
                None
            }
            Message::Request { id, method, params } => {
                let reply = AskReply::new(id, Arc::new(Arc::clone(&self.shared)) as Arc<dyn AskPeer>);
                Some(Event::Ask(Ask { method, params, reply }))
            }
        }
    }

    fn notification(&self, method: argus_protocol::ByteString, params: Option<Raw>) -> Event {
        match (&*method, &params, &self.token) {
            (method::PROGRESS, Some(raw), theirs) => {
                // Of a task, when it does not name this request.
                let other = token::number_of(raw).filter(|number| *number != self.number);
                let of_task = other.and_then(|_| self.shared.outliving.restored(raw));
                let own = || theirs.as_ref().and_then(|theirs| token::restore(raw, theirs));
                let params = of_task.or_else(own).or(params);
                Event::Notification { method, params }
            }
            (method::CANCELLED, Some(raw), _) => {
                let id = argus_protocol::Object::parse(raw)
                    .ok()
                    .and_then(|read| read.get("requestId").cloned());
                match id.and_then(argus_protocol::Id::from_raw) {
                    Some(id) => Event::AskWithdrawn(id),
                    None => Event::Notification { method, params },
                }
            }
            _ => Event::Notification { method, params },
        }
    }

    /// Goes on with a stream that ended before its outcome (MCP 2025-11-25 "Resumability and redelivery"): at once when
    /// it was cut, else when the backend wants it to.
    async fn resume(&mut self, cut: bool) -> Result<Response<Received>, LinkError> {
        let broken = || LinkError::Closed("the connection broke before the answer".to_owned());
        if self.shared.era == Era::Modern {
            return Err(broken());
        }
        let last = self.last_event.clone().ok_or_else(broken)?;
        // A stream that is cut again and again, without a word in between, is not hurried.
        if !(cut && std::mem::take(&mut self.heard)) {
            tokio::time::sleep(self.retry.max(LEAST_RETRY)).await;
        }
        let mut headers = self.shared.headers().into_owned();
        headers.insert(header::LAST_EVENT_ID, last);
        let response = self.shared.endpoint.get(&headers).await.map_err(|cause| match cause {
            LinkError::Unreachable { cause, .. } => LinkError::Closed(format!(
                "the connection broke before the answer, and cannot be made again: {cause}"
            )),
            other => other,
        })?;
        if response.status().is_success() && Media::of(response.headers()) == Media::Stream {
            Ok(response)
        } else {
            Err(broken())
        }
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        if self.cancellable && self.shared.ended.borrow().is_none() {
            cancel(&self.shared, self.number);
        }
    }
}
