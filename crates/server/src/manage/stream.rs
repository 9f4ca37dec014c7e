//! Streams of server-sent events that operators follow: one place among the watchers each, a heartbeat, and an end.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use http::header::CONTENT_TYPE;
use http::{Extensions, HeaderMap, HeaderName};
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use super::error::Error;
use crate::app::App;
use crate::peer;

/// How often a stream shows that it lives.
const HEARTBEAT: Duration = Duration::from_secs(30);
const BEAT: &[u8] = b": heartbeat\n\n";
/// So much is told at most when the gateway stops.
const LAST: usize = 100;
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// What is followed, as the frames of a stream. Its bounds are its own business: nobody waits for who reads.
pub(super) trait Followed: Send + 'static {
    /// The next frame, once it is there; `None` when nothing can follow. Dropping this loses nothing.
    fn next(&mut self) -> impl Future<Output = Option<Bytes>> + Send;

    /// The next frame, if it is there already.
    fn ready(&mut self) -> Option<Bytes>;
}

/// The id that a client heard last. What is no text is no id that was ever given.
pub(super) fn last_id(headers: &HeaderMap) -> Option<&str> {
    let last = headers.get(LAST_EVENT_ID)?.to_str().unwrap_or("?");
    (!last.is_empty()).then_some(last)
}

/// A stream of what is followed, if there is a place for it.
pub(super) fn respond(app: &App, extensions: &Extensions, followed: impl Followed) -> Result<Response, Error> {
    let watching = app.watchers.join(peer::connection(extensions));
    let watching = watching.ok_or_else(|| Error::TooManyStreams(app.watchers.most()))?;
    let told = told(followed, app.gateway.stopping().clone()).map(move |frame| {
        let _here = &watching;
        Ok::<_, std::convert::Infallible>(frame)
    });
    let headers = [
        (CONTENT_TYPE, "text/event-stream"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, Body::from_stream(told)).into_response())
}

/// What the client reads.
fn told(mut followed: impl Followed, stopping: CancellationToken) -> impl Stream<Item = Bytes> + Send + 'static {
    async_stream::stream! {
        let mut beat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stopping.cancelled() => break,
                _ = beat.tick() => yield Bytes::from_static(BEAT),
                frame = followed.next() => match frame {
                    Some(frame) => yield frame,
                    None => return,
                },
            }
        }
        for _ in 0..LAST {
            let Some(frame) = followed.ready() else { return };
            yield frame;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use argus_gateway::events::{Events, News, Stage};

    use super::*;

    fn news(text: &str) -> News {
        News::info(Stage::Status, text)
    }

    #[tokio::test(start_paused = true)]
    async fn it_beats_every_thirty_seconds_whatever_is_told() {
        let events = Arc::new(Events::default());
        let mut told = Box::pin(told(events.follow(None), CancellationToken::new()));
        let began = Instant::now();
        let publisher = Arc::clone(&events);
        tokio::spawn(async move {
            for _ in 0..10 {
                tokio::time::sleep(Duration::from_secs(7)).await;
                publisher.publish(news("x"));
            }
        });
        let mut beats = Vec::new();
        while began.elapsed() < Duration::from_secs(121) && beats.len() < 4 {
            if *told.next().await.unwrap() == *BEAT {
                beats.push(began.elapsed().as_secs());
            }
        }
        assert_eq!(beats, [30, 60, 90, 120]);
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_with_what_was_said_last() {
        let (events, stopping) = (Arc::new(Events::default()), CancellationToken::new());
        let told = told(events.follow(None), stopping.clone());
        events.publish(news("one"));
        events.publish(news("two"));
        stopping.cancel();
        let frames: Vec<Bytes> = told.collect().await;
        assert_eq!(frames.len(), 2);
        let last = std::str::from_utf8(&frames[1]).unwrap();
        let id = &events.recent(1, |_| true)[0].id;
        assert!(
            last.starts_with(&format!("id: {id}\ndata: {{\"id\":\"{id}\",")),
            "{last}"
        );
        assert!(last.ends_with("\"details\":{}}\n\n"), "{last}");
    }

    struct Brief(u8);

    impl Followed for Brief {
        async fn next(&mut self) -> Option<Bytes> {
            self.ready()
        }

        fn ready(&mut self) -> Option<Bytes> {
            self.0 = self.0.checked_sub(1)?;
            Some(Bytes::from_static(b"x"))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_with_what_is_followed() {
        assert_eq!(told(Brief(2), CancellationToken::new()).count().await, 2);
    }
}
