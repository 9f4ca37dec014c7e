//! The stream on which a legacy backend speaks outside calls.

use std::sync::Arc;
use std::time::Duration;

use argus_protocol::{Answer, Media, Message, Raw, header, method, sse};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::BodyExt;
use tokio::time::Instant;

use super::Received;
use super::connection::Shared;
use super::endpoint::shown;
use super::exchange::MAX_EVENT;
use super::lost::{is_lost, may_mean_lost};
use crate::exchange::AskPeer;
use crate::hearing::Hearing;
use crate::{Ask, AskReply, FeedEvent, LinkError};

const FIRST_RETRY: Duration = Duration::from_millis(500);
const LAST_RETRY: Duration = Duration::from_secs(30);
/// A stream that stood this long starts the pauses anew.
const STEADY: Duration = Duration::from_secs(5);

/// Keeps the GET stream of a session open until the connection ends. A backend that offers none (405, or 404 or 400
/// while it knows the session) is left alone. `hearing` is told whether it stands.
pub(super) async fn legacy(shared: Arc<Shared>, hearing: Arc<Hearing>) {
    let stop = shared.stop.clone();
    let _ = stop.run_until_cancelled(keep_open(&shared, &hearing)).await;
    hearing.breaks();
}

async fn keep_open(shared: &Arc<Shared>, hearing: &Hearing) {
    let mut last_event = None;
    let mut pause = FIRST_RETRY;
    let mut stood_before = false;
    loop {
        let mut headers = shared.headers().into_owned();
        if let Some(last) = &last_event {
            headers.insert(header::LAST_EVENT_ID, HeaderValue::clone(last));
        }
        match shared.endpoint.get(&headers).await {
            Ok(response) if response.status().is_success() && Media::of(response.headers()) == Media::Stream => {
                let unheard = hearing.stands([true; 3]);
                let again = std::mem::replace(&mut stood_before, true);
                if again || unheard {
                    shared.sink.deliver(FeedEvent::Interrupted);
                }
                if again {
                    // With the id of an event the backend can say again what came after it.
                    if last_event.is_none() {
                        shared.sink.deliver(FeedEvent::Resumed);
                    }
                }
                let since = Instant::now();
                read(shared, response, &mut last_event).await;
                if since.elapsed() >= STEADY {
                    pause = FIRST_RETRY;
                }
            }
            Ok(response) if may_mean_lost(response.status()) && shared.session.get().is_some() => {
                // A backend that offers no stream may say 404 or 400 where it should say 405.
                let lost = match stood_before && response.status() == StatusCode::NOT_FOUND {
                    true => Some(true),
                    false => is_lost(shared).await,
                };
                match lost {
                    Some(true) => return shared.end(LinkError::SessionLost(shown(&shared.endpoint.url))),
                    Some(false) => return,
                    None => {}
                }
            }
            Ok(response) if response.status().is_client_error() => return,
            Ok(_) => {}
            Err(_) => shared.sink.deliver(FeedEvent::Interrupted),
        }
        hearing.breaks();
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LAST_RETRY);
    }
}

async fn read(shared: &Arc<Shared>, mut response: Response<Received>, last_event: &mut Option<HeaderValue>) {
    let mut decoder = sse::Decoder::new(MAX_EVENT);
    while let Some(Ok(frame)) = response.body_mut().frame().await {
        let Ok(chunk) = frame.into_data() else { continue };
        let fed = decoder.feed(&chunk, |event| {
            if let Some(id) = &event.id {
                *last_event = HeaderValue::from_str(id).ok();
            }
            if !event.data.is_empty()
                && let Ok(message) = Message::parse(event.data)
            {
                deliver(shared, message);
            }
        });
        if fed.is_err() {
            return;
        }
    }
}

fn deliver(shared: &Arc<Shared>, message: Message) {
    match message {
        Message::Notification { method, params } if method == method::PROGRESS => {
            let of_task = params.as_ref().and_then(|params| shared.outliving.restored(params));
            let params = of_task.or(params);
            shared.sink.deliver(FeedEvent::Notification { method, params });
        }
        Message::Notification { method, params } => shared.sink.deliver(FeedEvent::Notification { method, params }),
        Message::Request { id, method, .. } if method == method::PING => {
            shared.answer(&id, &Answer::Result(Raw::empty_object()));
        }
        Message::Request { id, method, params } => {
            let reply = AskReply::new(id, Arc::new(Arc::clone(shared)) as Arc<dyn AskPeer>);
            shared.sink.deliver(FeedEvent::Ask(Ask { method, params, reply }));
        }
        Message::Response { .. } => {}
    }
}
