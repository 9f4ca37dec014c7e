//! Streams that outlive the connection.

use std::collections::VecDeque;
use std::time::Duration;

use argus_protocol::Media;
use argus_protocol::sse::{Decoder, Event};
use bytes::Bytes;
use futures::Stream;
use http::{HeaderName, HeaderValue, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde::de::DeserializeOwned;
use url::Url;

use crate::answer::Answer;
use crate::transport::{Transport, get};
use crate::{Error, lenient};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// A gateway says something every 30 s. One that is silent for longer is gone.
const SILENCE: Duration = Duration::from_secs(75);
/// How long the head of the answer may take.
const OPEN: Duration = Duration::from_secs(30);
/// How long to wait before the stream is opened again, at first and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));
/// The largest event.
const MAX_EVENT: usize = 16 * 1024 * 1024;

/// What a stream says.
#[derive(Debug)]
pub enum Followed<T> {
    /// Something that was told.
    Item(Answer<T>),
    /// The connection is lost, or ended; it is made again.
    Lost(Error),
    /// The connection is there again, and goes on where it stopped.
    Back,
}

/// Follows a stream from `last` on. An error ends it: at the beginning each one, since it may be
/// that nothing was ever there, later those that do not pass.
pub(crate) fn follow<T: DeserializeOwned + Send + 'static>(
    transport: Transport,
    url: Url,
    mut last: Option<String>,
) -> impl Stream<Item = Result<Followed<T>, Error>> + Send + 'static {
    async_stream::try_stream! {
        let mut reader = open(&transport, &url, last.as_deref()).await?;
        loop {
            let error = loop {
                match reader.next(&transport).await {
                    Ok(event) => {
                        if let Some(id) = event.id.clone() {
                            last = Some(id);
                        }
                        if let Some(item) = read(event) {
                            yield Followed::Item(item);
                        }
                    }
                    Err(error) => break error,
                }
            };
            yield Followed::Lost(error);
            let mut pause = PAUSE.0;
            reader = loop {
                tokio::time::sleep(pause).await;
                match open(&transport, &url, last.as_deref()).await {
                    Ok(reader) => break reader,
                    Err(error) if error.may_pass() => pause = (pause * 2).min(PAUSE.1),
                    Err(error) => Err(error)?,
                }
            };
            yield Followed::Back;
        }
    }
}

async fn open(transport: &Transport, url: &Url, last: Option<&str>) -> Result<Reader, Error> {
    let mut request = get(url);
    if let Some(last) = last.and_then(|last| HeaderValue::from_str(last).ok()) {
        request.headers_mut().insert(LAST_EVENT_ID, last);
    }
    let opened = async {
        let response = transport.send(request).await?;
        let status = response.status();
        match status.is_success() {
            true if Media::of(response.headers()) == Media::Stream => Ok(response),
            true => Err(Error::NotArgus {
                address: transport.address().clone(),
                what: "it answers with no event stream".to_owned(),
                status: None,
            }),
            false => Err(transport.refused(status, &transport.body(response).await?)),
        }
    };
    let response = tokio::time::timeout(OPEN, opened).await.unwrap_or_else(|_| {
        Err(Error::TimedOut {
            address: transport.address().clone(),
            after: OPEN,
        })
    })?;
    Ok(Reader {
        response,
        decoder: Decoder::new(MAX_EVENT),
        found: VecDeque::new(),
    })
}

/// What an event says; nothing for a sign of life, or what cannot be read.
fn read<T: DeserializeOwned>(event: Event) -> Option<Answer<T>> {
    if event.data.is_empty() || event.name.as_deref() == Some("heartbeat") {
        return None;
    }
    let value = lenient::read(&event.data).ok()?;
    Some(Answer::new(value, event.data))
}

/// Reads events from an answer.
struct Reader {
    response: Response<Incoming>,
    decoder: Decoder,
    found: VecDeque<Event>,
}

impl Reader {
    async fn next(&mut self, transport: &Transport) -> Result<Event, Error> {
        loop {
            if let Some(event) = self.found.pop_front() {
                return Ok(event);
            }
            let chunk = self.chunk(transport).await?;
            let found = &mut self.found;
            let fed = self.decoder.feed(&chunk, |event| found.push_back(event));
            fed.map_err(|error| transport.broken(error.to_string()))?;
        }
    }

    async fn chunk(&mut self, transport: &Transport) -> Result<Bytes, Error> {
        let frame = tokio::time::timeout(SILENCE, self.response.body_mut().frame()).await;
        match frame {
            Ok(Some(Ok(frame))) => Ok(frame.into_data().unwrap_or_default()),
            Ok(Some(Err(error))) => Err(transport.broken(error.to_string())),
            Ok(None) => Err(transport.broken("the gateway ended the stream".to_owned())),
            Err(_) => Err(transport.broken(format!("nothing was heard for {} s", SILENCE.as_secs()))),
        }
    }
}
