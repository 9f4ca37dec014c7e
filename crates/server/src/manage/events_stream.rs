//! `GET /manage/v1/events/stream`.

use std::time::Duration;

use argus_api::ErrorBody;
use argus_gateway::events::{Event, Following};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use http::HeaderName;
use http::header::CONTENT_TYPE;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use super::error::Error;
use super::events::shown;
use crate::app::App;
use crate::peer;

/// How often a stream shows that it lives.
const HEARTBEAT: Duration = Duration::from_secs(30);
const BEAT: &[u8] = b": heartbeat\n\n";
/// So many events are told at most when the gateway stops.
const LAST: usize = 100;
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Events as they come, as server-sent events.
///
/// Each has the `id` of the event and its JSON as `data`; every 30 seconds there is a comment, `: heartbeat`. With
/// `Last-Event-ID` the stream begins after that event, as far as it is still kept; an event of the stage `events_missed`
/// says what is not. It ends when the gateway stops.
#[utoipa::path(
    get,
    path = "/events/stream",
    operation_id = "follow_events",
    tag = "events",
    params(("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was received.")),
    responses(
        (status = OK, description = "A stream of server-sent events.", body = String, content_type = "text/event-stream"),
        (status = UNAUTHORIZED, body = ErrorBody),
        (status = FORBIDDEN, body = ErrorBody),
        (status = SERVICE_UNAVAILABLE, body = ErrorBody, description = "Too many streams are open.")
    )
)]
pub(super) async fn follow(State(app): State<App>, request: Request) -> Result<Response, Error> {
    let connection = peer::connection(request.extensions());
    let watching = app.watchers.join(connection);
    let watching = watching.ok_or_else(|| Error::TooManyStreams(app.watchers.most()))?;
    let last = request.headers().get(LAST_EVENT_ID);
    // What is no text is no id that was ever given.
    let last = last.map(|id| id.to_str().unwrap_or_default());
    let following = app.gateway.events().follow(last.filter(|id| !id.is_empty()));
    let told = told(following, app.gateway.stopping().clone()).map(move |frame| {
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
fn told(mut following: Following, stopping: CancellationToken) -> impl Stream<Item = Bytes> + Send + 'static {
    async_stream::stream! {
        let mut beat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stopping.cancelled() => break,
                _ = beat.tick() => yield Bytes::from_static(BEAT),
                event = following.next() => yield frame(&event),
            }
        }
        for _ in 0..LAST {
            let Some(event) = following.ready() else { return };
            yield frame(&event);
        }
    }
}

/// An event on the stream; it is written once for all who follow.
fn frame(event: &Event) -> Bytes {
    let write = || {
        // All keys are text, so this does not fail. JSON is written in one line.
        let data = serde_json::to_string(&shown(event)).unwrap_or_default();
        format!("id: {}\ndata: {data}\n\n", event.id).into()
    };
    event.written.get_or_init(write).clone()
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
}
