//! From what the engine says to an HTTP answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Response, StatusCode};
use tokio::sync::{mpsc, oneshot};

use crate::Messages;
use crate::odd::engine::Engine;
use crate::odd::out::Out;

/// How answers are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    /// As one JSON body.
    pub(super) json: bool,
    /// In small pieces.
    pub(super) trickle: bool,
}

/// One answer in the making.
pub(super) struct Making {
    pub(super) engine: Arc<Engine>,
    pub(super) manner: Manner,
    /// The request, for the journal.
    pub(super) request: String,
    pub(super) said: mpsc::UnboundedReceiver<Out>,
}

/// An answer without a message.
pub(crate) fn empty(status: StatusCode) -> Response<Messages> {
    let (_, chunks) = mpsc::unbounded_channel();
    let mut response = Response::new(Messages(chunks));
    *response.status_mut() = status;
    response
}

/// An answer of one JSON message.
pub(super) fn json(text: String) -> Response<Messages> {
    let (way, chunks) = mpsc::unbounded_channel();
    // The other half is right here.
    let _ = way.send(Bytes::from(text));
    typed("application/json", Messages(chunks))
}

fn typed(kind: &str, body: Messages) -> Response<Messages> {
    let mut response = Response::new(body);
    if let Ok(kind) = kind.parse() {
        response.headers_mut().insert(CONTENT_TYPE, kind);
    }
    response
}

impl Making {
    /// Makes the answer; its head goes to `head`, its body follows while it is said. Notes in when the client leaves.
    pub(super) async fn run(mut self, mut head: oneshot::Sender<Response<Messages>>) {
        let mut kind = if self.manner.json {
            "application/json"
        } else {
            "text/event-stream"
        }
        .to_owned();
        let first = loop {
            let out = tokio::select! {
                out = self.said.recv() => out,
                () = head.closed() => return self.engine.note("closed", &self.request),
            };
            match out {
                None => return,
                Some(Out::Type(other)) => kind = other,
                Some(Out::Status(status)) => {
                    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                    // A client that left needs no answer.
                    let _ = head.send(empty(status));
                    return;
                }
                Some(Out::Line(_) | Out::Lines(_)) if self.manner.json => {}
                Some(out) => break out,
            }
        };
        let (way, chunks) = mpsc::unbounded_channel();
        if head.send(typed(&kind, Messages(chunks))).is_err() {
            return self.engine.note("closed", &self.request);
        }
        let mut next = Some(first);
        while let Some(out) = next {
            let last = matches!(out, Out::Answer(_) | Out::Close);
            if !self.say(out, &way).await {
                return self.engine.note("closed", &self.request);
            }
            if last {
                return;
            }
            next = tokio::select! {
                out = self.said.recv() => out,
                () = way.closed() => return self.engine.note("closed", &self.request),
            };
        }
    }

    /// Says one thing; `false` when nobody listens.
    async fn say(&self, out: Out, way: &mpsc::UnboundedSender<Bytes>) -> bool {
        let bytes: Bytes = match out {
            Out::Answer(text) if self.manner.json => text.into(),
            Out::Line(text) | Out::Answer(text) => event(&text).into(),
            Out::Lines(texts) => {
                let events: Vec<String> = texts.iter().map(|text| event(text)).collect();
                events.concat().into()
            }
            Out::Bytes(bytes) => bytes.into(),
            Out::Exit(code) => std::process::exit(code),
            Out::Close | Out::Status(_) | Out::Type(_) => return true,
        };
        send(bytes, self.manner.trickle, way).await
    }
}

/// Writes bytes, in small pieces if `trickle`; `false` when nobody listens.
pub(crate) async fn send(bytes: Bytes, trickle: bool, way: &mpsc::UnboundedSender<Bytes>) -> bool {
    if !trickle {
        return way.send(bytes).is_ok();
    }
    for piece in bytes.chunks(7) {
        if way.send(Bytes::copy_from_slice(piece)).is_err() {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    true
}

/// A stream of events.
pub(crate) fn event_stream(body: Messages) -> Response<Messages> {
    typed("text/event-stream", body)
}

/// Writes all lines as events, until nobody listens.
pub(super) async fn stream(mut said: mpsc::UnboundedReceiver<Out>, way: mpsc::UnboundedSender<Bytes>) {
    loop {
        let out = tokio::select! {
            out = said.recv() => out,
            () = way.closed() => return,
        };
        match out {
            None => return,
            Some(Out::Line(text)) => {
                // The next turn finds out that nobody listens.
                let _ = way.send(event(&text).into());
            }
            Some(_) => {}
        }
    }
}

/// A message as an event.
pub(crate) fn event(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(|line| format!("data: {line}\n")).collect();
    format!("event: message\n{}\n", lines.concat())
}
