//! The event stream: opening it, learning where messages go, reading it to its end.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use argus_protocol::Media;
use argus_protocol::sse::{Decoder, Event};
use http::{HeaderMap, Response};
use http_body_util::BodyExt;
use url::Url;

use crate::LinkError;
use crate::duplex::Demux;
use crate::http::{Endpoint, MAX_EVENT, Received, causes, status_error};

/// An open event stream.
#[derive(Debug)]
pub struct EventStream {
    /// Where it comes from.
    from: Url,
    response: Response<Received>,
    decoder: Decoder,
    events: VecDeque<Event>,
    heard: Arc<AtomicUsize>,
}

impl EventStream {
    /// Asks for the stream.
    ///
    /// # Errors
    /// When the address cannot be reached, or answers something else.
    pub(super) async fn open(endpoint: &Endpoint) -> Result<Self, LinkError> {
        let (from, response) = endpoint.get_from(&HeaderMap::new()).await?;
        let status = response.status();
        if !status.is_success() {
            return Err(status_error(&from, status));
        }
        if Media::of(response.headers()) != Media::Stream {
            return Err(LinkError::Protocol(
                "its url answers no event stream, as HTTP+SSE does; check the url and the type of the backend"
                    .to_owned(),
            ));
        }
        Ok(Self::of(from, response))
    }

    /// The stream that an answer is, which comes from this place.
    #[must_use]
    pub fn of(from: Url, response: Response<Received>) -> Self {
        Self {
            from,
            response,
            decoder: Decoder::new(MAX_EVENT),
            events: VecDeque::new(),
            heard: Arc::default(),
        }
    }

    /// Waits for the `endpoint` event and gives the address that messages are posted to. Messages before it are lost.
    ///
    /// # Errors
    /// When the stream ends first, or the address is of another origin.
    pub async fn endpoint(&mut self) -> Result<Url, LinkError> {
        loop {
            let event = self.next().await?;
            if event.name.as_deref() == Some("endpoint") {
                return posts_to(&self.from, &event.data);
            }
        }
    }

    /// Gives every message to `demux` until the stream ends; says why it ended.
    pub(super) async fn read_to_end(mut self, demux: &Arc<Demux>) -> LinkError {
        loop {
            match self.next().await {
                Ok(event) if is_message(&event) => demux.take(event.data),
                Ok(_) => {}
                Err(cause) => return cause,
            }
        }
    }

    /// How often anything came, counted while the stream is read.
    pub(super) fn heard(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.heard)
    }

    /// The next event. May be dropped while it waits: nothing is lost.
    ///
    /// # Errors
    /// When the stream ends, or breaks off; says how.
    pub async fn next(&mut self) -> Result<Event, LinkError> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            let chunk = match self.response.body_mut().frame().await {
                Some(Ok(frame)) => frame.into_data(),
                Some(Err(error)) => {
                    return Err(LinkError::Closed(format!(
                        "its event stream broke off: {}",
                        causes(&error)
                    )));
                }
                None => return Err(LinkError::Closed("its event stream ended".to_owned())),
            };
            let Ok(chunk) = chunk else { continue };
            self.heard.fetch_add(1, Ordering::Relaxed);
            self.decoder
                .feed(&chunk, |event| self.events.push_back(event))
                .map_err(|error| LinkError::Protocol(error.to_string()))?;
        }
    }
}

/// Whether an event is a message. One with neither name nor data keeps the stream open, or primes it.
#[must_use]
pub fn is_message(event: &Event) -> bool {
    !event.data.is_empty() && event.name.as_deref().is_none_or(|name| name == "message")
}

/// The address in an `endpoint` event. A client must not post to another origin than that of the stream
/// (MCP 2024-11-05 "HTTP with SSE"): the headers of the backend would go there.
fn posts_to(stream: &Url, data: &[u8]) -> Result<Url, LinkError> {
    let text = std::str::from_utf8(data).unwrap_or_default().trim();
    let to = stream.join(text).ok().filter(|_| !text.is_empty());
    let mut to = to.ok_or_else(|| LinkError::Protocol("its `endpoint` event names no address".to_owned()))?;
    if to.origin() != stream.origin() {
        return Err(LinkError::ForeignEndpoint {
            to: to.origin().ascii_serialization(),
        });
    }
    to.set_fragment(None);
    // An address of http or https always can be without them.
    let _ = to.set_username("");
    let _ = to.set_password(None);
    Ok(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(data: &str) -> Result<String, String> {
        let stream = Url::parse("http://127.0.0.1:9000/base/sse?key=a").unwrap();
        posts_to(&stream, data.as_bytes())
            .map(|url| url.to_string())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn addresses_are_relative_or_absolute_and_keep_their_query() {
        for (data, expected) in [
            (
                "/messages/?session_id=7&x=%20",
                "http://127.0.0.1:9000/messages/?session_id=7&x=%20",
            ),
            ("messages?s=7#part", "http://127.0.0.1:9000/base/messages?s=7"),
            ("?s=7", "http://127.0.0.1:9000/base/sse?s=7"),
            ("http://127.0.0.1:9000/m", "http://127.0.0.1:9000/m"),
            (" //me:secret@127.0.0.1:9000/m ", "http://127.0.0.1:9000/m"),
        ] {
            assert_eq!(told(data).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn addresses_elsewhere_are_refused() {
        for data in [
            "http://127.0.0.1:9001/m",
            "https://127.0.0.1:9000/m",
            "//example.com/m",
            "http://localhost:9000/m",
            "file:///etc/passwd",
            "data:,x",
        ] {
            let error = told(data).unwrap_err();
            assert!(error.contains("another origin"), "{data}: {error}");
        }
        for data in ["", " ", "http://[", "\u{0}http://"] {
            assert!(told(data).is_err() || !data.trim().is_empty(), "{data}");
        }
        assert_eq!(told("").unwrap_err(), "its `endpoint` event names no address");
        assert!(posts_to(&Url::parse("http://a/").unwrap(), b"\xff").is_err());
    }
}
