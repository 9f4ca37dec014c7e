//! A request, or a batch with requests, over Streamable HTTP: posting it, and following its answer to the end.

use std::time::Duration;

use argus_protocol::sse::Event;
use argus_protocol::{Answer, Id, Media, header};
use argus_upstream::{EventStream, is_message};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::answers::{Answers, Audience};
use super::place::Place;

/// When a stream says nothing else, it is gone on with after this.
const RETRY: Duration = Duration::from_secs(1);
/// No stream is gone on with sooner or later than this.
const RETRIES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(30));
/// How long it is tried to go on with a stream.
const GOING_ON: Duration = Duration::from_secs(60);
/// How long a stream may stay open that has said all: read to its end, its connection can be used again.
const LINGER: Duration = Duration::from_millis(100);

/// A request, or a batch with requests.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// As the client wrote it.
    pub(super) body: Bytes,
    pub(super) headers: HeaderMap,
    /// What is to be answered.
    pub(super) ids: Vec<Id>,
    /// Cancelled as soon as the endpoint has surely taken it.
    pub(super) taken: CancellationToken,
}

/// What became of a call.
#[derive(Debug)]
pub(super) struct Done {
    /// The session that it was made in is gone, and nothing was done.
    pub(super) gone: bool,
    /// It was refused for its headers, and nothing was done; the client does not know of it.
    pub(super) mismatch: bool,
    /// The session that the answer names.
    pub(super) session: Option<HeaderValue>,
    /// The last answer.
    pub(super) answer: Option<Answer>,
    /// Why something was not answered.
    pub(super) failed: Option<String>,
}

impl Call {
    pub(super) fn new(body: Bytes, headers: HeaderMap, ids: Vec<Id>) -> Self {
        Self {
            body,
            headers,
            ids,
            taken: CancellationToken::new(),
        }
    }

    fn in_session(&self) -> bool {
        self.headers.contains_key(header::SESSION_ID)
    }

    /// A modern stream cannot be gone on with (MCP 2026-07-28 "Streamable HTTP").
    fn is_modern(&self) -> bool {
        self.headers.contains_key(header::METHOD)
    }

    /// Makes the call; all its requests are answered then, unless its session is gone.
    pub(super) async fn make(&self, place: &Place, audience: Audience) -> Done {
        let mut answers = Answers::to(place, &self.ids, audience);
        let response = match place.post(&self.headers, &self.body).await {
            Ok(response) => response,
            Err(error) => {
                answers.fail(&place.trouble(&error)).await;
                return done(answers, None);
            }
        };
        self.taken.cancel();
        let status = response.status();
        if status == StatusCode::NOT_FOUND && self.in_session() {
            return Done {
                gone: true,
                mismatch: false,
                session: None,
                answer: None,
                failed: None,
            };
        }
        let session = response.headers().get(header::SESSION_ID).cloned();
        let why = if !status.is_success() {
            let body = place.body(response).await.unwrap_or_default();
            if answers.keeps(&body) {
                return Done {
                    mismatch: true,
                    ..done(answers, None)
                };
            }
            match answers.take_refusal(body).await {
                true => String::new(),
                false => place.refusal(status),
            }
        } else {
            match Media::of(response.headers()) {
                Media::Json => match place.body(response).await {
                    Ok(body) => {
                        answers.take(body).await;
                        format!("{} answered something else", place.url())
                    }
                    Err(why) => why,
                },
                Media::Stream => {
                    let stream = EventStream::of(place.endpoint.url().clone(), response);
                    self.follow(place, stream, &mut answers).await
                }
                Media::Other => format!("{} answered {status} without an answer", place.url()),
            }
        };
        answers.fail(&why).await;
        done(answers, session)
    }

    /// Hears the stream, and those that go on with it, to the end. Says what is to be said of what is not answered.
    async fn follow(&self, place: &Place, mut stream: EventStream, answers: &mut Answers<'_>) -> String {
        let mut from = Resume::default();
        loop {
            let ended = loop {
                match stream.next().await {
                    Ok(event) => {
                        from.note(&event);
                        if is_message(&event) {
                            answers.take(event.data).await;
                        }
                    }
                    Err(error) => break error,
                }
                if answers.all() {
                    let rest = async { while stream.next().await.is_ok() {} };
                    let _ = tokio::time::timeout(LINGER, rest).await;
                    return String::new();
                }
            };
            if self.is_modern() || from.last.is_none() {
                return format!(
                    "{}: {ended} before the answer; nobody knows what became of the request",
                    place.url()
                );
            }
            stream = match self.go_on(place, &from).await {
                Ok(stream) => stream,
                Err(why) => return format!("{why}; the answer is lost, and nobody knows what became of the request"),
            };
        }
    }

    /// The stream that goes on with one that broke off (MCP 2025-11-25 "Resumability").
    async fn go_on(&self, place: &Place, from: &Resume) -> Result<EventStream, String> {
        let began = Instant::now();
        loop {
            tokio::time::sleep(from.retry()).await;
            let in_time = began.elapsed() < GOING_ON;
            match place.get(&from.headers(&self.headers)).await {
                Ok((url, response))
                    if response.status().is_success() && Media::of(response.headers()) == Media::Stream =>
                {
                    return Ok(EventStream::of(url, response));
                }
                Ok((_, response)) if response.status() == StatusCode::NOT_FOUND && self.in_session() => {
                    return Err(format!("the session at {} is gone", place.url()));
                }
                Ok((_, response)) if !(response.status().is_server_error() && in_time) => {
                    return Err(place.refusal(response.status()));
                }
                Err(error) if !in_time => return Err(place.trouble(&error)),
                Ok(_) | Err(_) => {}
            }
        }
    }
}

fn done(answers: Answers<'_>, session: Option<HeaderValue>) -> Done {
    Done {
        gone: false,
        mismatch: false,
        session,
        answer: answers.last,
        failed: answers.failed,
    }
}

/// Where a stream is to be gone on with.
#[derive(Debug, Default)]
pub(super) struct Resume {
    pub(super) last: Option<HeaderValue>,
    retry: Option<Duration>,
}

impl Resume {
    /// Notes what an event says of it.
    pub(super) fn note(&mut self, event: &Event) {
        if let Some(id) = &event.id {
            self.last = HeaderValue::from_str(id).ok();
        }
        if let Some(retry) = event.retry {
            self.retry = Some(Duration::from_millis(retry));
        }
    }

    /// How long to wait before.
    pub(super) fn retry(&self) -> Duration {
        self.retry.unwrap_or(RETRY).clamp(RETRIES.0, RETRIES.1)
    }

    /// The headers of a call, with where to go on.
    pub(super) fn headers(&self, headers: &HeaderMap) -> HeaderMap {
        let mut headers = headers.clone();
        if let Some(last) = &self.last {
            headers.insert(header::LAST_EVENT_ID, last.clone());
        }
        headers
    }
}
