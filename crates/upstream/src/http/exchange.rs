//! One POST and what comes back.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use argus_protocol::{Answer, Era, Frame, Message, Raw, RpcError, code, header, method, sse, token};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::connection::{Shared, cancel};
use super::endpoint::{Kind, collect, kind_of, status_error};
use crate::exchange::AskPeer;
use crate::{Ask, AskReply, Event, LinkError, Outgoing};

/// The largest event of a stream.
pub(super) const MAX_EVENT: usize = 64 << 20;
/// How long to wait before a stream is resumed when the backend names no time.
const RETRY: Duration = Duration::from_secs(1);

/// A call over HTTP.
struct Post {
    shared: Arc<Shared>,
    number: u64,
    /// The caller's progress token, which ours stands for.
    token: Option<Raw>,
    cancellable: bool,
    /// Where the stream can be resumed.
    last_event: Option<HeaderValue>,
    retry: Duration,
}

/// Sends `body` and turns what comes back into events; ends with an error when the connection is closed meanwhile.
pub(super) fn open(
    shared: Arc<Shared>,
    number: u64,
    request: Outgoing,
    token: Option<Raw>,
    body: Bytes,
) -> Pin<Box<dyn Stream<Item = Event> + Send>> {
    let mut events = events(Arc::clone(&shared), number, request, token, body);
    Box::pin(async_stream::stream! {
        let mut closed = std::pin::pin!(shared.stop.cancelled());
        let mut watching = true;
        loop {
            let event = tokio::select! {
                biased;
                event = events.next() => event,
                () = &mut closed, if watching => {
                    let cause = shared.ended.borrow().clone();
                    // A session that is gone takes no further calls, but those in flight may still be answered.
                    if matches!(cause, Some(LinkError::SessionLost(_))) {
                        watching = false;
                        continue;
                    }
                    let cause = cause.unwrap_or_else(|| LinkError::Closed("the backend was stopped".to_owned()));
                    yield failed(&shared, &cause);
                    return;
                }
            };
            match event {
                Some(event) => yield event,
                None => return,
            }
        }
    })
}

fn failed(shared: &Shared, cause: &LinkError) -> Event {
    Event::Outcome(Answer::Error(cause.to_rpc(&shared.backend).to_raw()))
}

fn events(
    shared: Arc<Shared>,
    number: u64,
    request: Outgoing,
    token: Option<Raw>,
    body: Bytes,
) -> Pin<Box<dyn Stream<Item = Event> + Send>> {
    let handshake = request.method == method::INITIALIZE;
    // `initialize` must not be cancelled (MCP "Cancellation"); a modern call is cancelled by closing its stream.
    let cancellable = shared.era == Era::Legacy && !handshake;
    let headers = request_headers(&shared, &request);
    let mut call = Post {
        shared,
        number,
        token,
        cancellable,
        last_event: None,
        retry: RETRY,
    };
    let ended = call.shared.ended.borrow().clone();
    Box::pin(async_stream::stream! {
        if let Some(cause) = ended {
            call.settled();
            yield call.failed(&cause);
            return;
        }
        let mut response = match call.shared.endpoint.post(headers, body).await {
            Ok(response) => response,
            Err(error) => {
                call.settled();
                yield call.failed(&error);
                return;
            }
        };
        if handshake && let Some(session) = response.headers().get(header::SESSION_ID) {
            let _ = call.shared.session.set(session.clone());
        }
        if kind_of(&response) != Kind::Stream || !response.status().is_success() {
            let event = call.single(response).await;
            call.settled();
            yield event;
            return;
        }
        loop {
            let mut decoder = sse::Decoder::new(MAX_EVENT);
            let mut events = Vec::new();
            while let Some(Ok(frame)) = response.body_mut().frame().await {
                let Ok(chunk) = frame.into_data() else { continue };
                let fed = decoder.feed(&chunk, |event| events.push(event));
                for event in events.drain(..) {
                    for event in call.understand(event) {
                        let last = matches!(event, Event::Outcome(_));
                        if last {
                            call.settled();
                        }
                        yield event;
                        if last {
                            return;
                        }
                    }
                }
                if let Err(error) = fed {
                    yield call.failed(&LinkError::Protocol(error.to_string()));
                    return;
                }
            }
            match call.resume().await {
                Ok(resumed) => response = resumed,
                Err(error) => {
                    call.settled();
                    yield call.failed(&error);
                    return;
                }
            }
        }
    })
}

/// `Mcp-Method`, `Mcp-Name` and `Mcp-Param-*` of a modern request (MCP 2026-07-28 "Request headers").
fn request_headers(shared: &Shared, request: &Outgoing) -> HeaderMap {
    let mut headers = shared.headers();
    if shared.era == Era::Legacy {
        return headers;
    }
    if let Ok(value) = HeaderValue::from_str(&request.method) {
        headers.insert(HeaderName::from_static(header::METHOD), value);
    }
    if let Some(value) = request
        .name
        .as_deref()
        .and_then(|name| HeaderValue::from_str(&header::encode_value(name)).ok())
    {
        headers.insert(HeaderName::from_static(header::NAME), value);
    }
    headers.extend(request.param_headers.iter().cloned());
    headers
}

impl Post {
    /// The backend is done with it, or never had it: nothing is left to cancel.
    fn settled(&mut self) {
        self.cancellable = false;
    }

    fn failed(&self, cause: &LinkError) -> Event {
        failed(&self.shared, cause)
    }

    /// The outcome in an answer that is no stream: the one message it holds, or what its status says.
    async fn single(&self, response: Response<Incoming>) -> Event {
        let status = response.status();
        if status == StatusCode::NOT_FOUND && self.shared.session.get().is_some() {
            let lost = LinkError::SessionLost(super::endpoint::shown(&self.shared.endpoint.url));
            self.shared.end(lost.clone());
            return self.failed(&lost);
        }
        if kind_of(&response) == Kind::Json {
            match collect(response.into_body()).await {
                Ok(body) => {
                    if let Some(answer) = self.answer_in(body) {
                        return Event::Outcome(answer);
                    }
                }
                Err(error) => return self.failed(&error),
            }
        }
        if status.is_success() {
            let message = format!(
                "backend `{}` answered {status} without a JSON-RPC answer",
                self.shared.backend
            );
            return Event::Outcome(Answer::Error(
                RpcError::new(code::BACKEND_UNAVAILABLE, message).to_raw(),
            ));
        }
        self.failed(&status_error(&self.shared.endpoint.url, status))
    }

    fn answer_in(&self, body: Bytes) -> Option<Answer> {
        let messages = match Frame::parse(body).ok()? {
            Frame::One(message) => vec![message],
            Frame::Batch(messages) => messages.into_iter().flatten().collect(),
        };
        messages.into_iter().find_map(|message| match message {
            Message::Response { id, answer } => self.is_ours(id.as_ref(), &answer).then_some(answer),
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
            Message::Response { id, answer } => self.is_ours(id.as_ref(), &answer).then_some(Event::Outcome(answer)),
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
            (method::PROGRESS, Some(raw), Some(theirs)) => {
                let params = token::restore(raw, theirs).or(params);
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

    /// Goes on with a stream that broke before its outcome (MCP 2025-11-25 "Resumability and redelivery").
    async fn resume(&mut self) -> Result<Response<Incoming>, LinkError> {
        let broken = || LinkError::Closed("the connection broke before the answer".to_owned());
        if self.shared.era == Era::Modern {
            return Err(broken());
        }
        let last = self.last_event.clone().ok_or_else(broken)?;
        tokio::time::sleep(self.retry).await;
        let mut headers = self.shared.headers();
        headers.insert(HeaderName::from_static(header::LAST_EVENT_ID), last);
        let response = self.shared.endpoint.get(headers).await?;
        if response.status().is_success() && kind_of(&response) == Kind::Stream {
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
