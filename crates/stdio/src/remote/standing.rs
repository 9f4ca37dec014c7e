//! The stream on which the endpoint speaks outside calls.

use std::time::Duration;

use argus_protocol::{Media, Message, header};
use argus_upstream::{EventStream, is_message};
use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

use super::call::Resume;
use super::place::Place;

pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(500);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A stream that stood this long starts the pauses anew.
pub(super) const STEADY: Duration = Duration::from_secs(5);

/// Keeps the stream open; ends where the endpoint offers none, with `true` when the session is gone. An endpoint that
/// never had a stream for this session may say 404 where it should say 405.
pub(super) async fn keep_open(place: &Place, headers: &HeaderMap) -> bool {
    let mut from = Resume::default();
    let mut pause = FIRST_PAUSE;
    let mut stood = false;
    loop {
        match place.get(&from.headers(headers)).await {
            Ok((url, response)) if response.status().is_success() && Media::of(response.headers()) == Media::Stream => {
                let began = Instant::now();
                stood = true;
                hear(place, EventStream::of(url, response), &mut from).await;
                if began.elapsed() >= STEADY {
                    pause = FIRST_PAUSE;
                }
            }
            Ok((_, response)) if response.status() == StatusCode::NOT_FOUND => {
                return stood && headers.contains_key(header::SESSION_ID);
            }
            // What is no longer kept cannot be gone on with.
            Ok((_, response)) if from.last.is_some() && response.status().is_client_error() => from = Resume::default(),
            Ok((_, response)) if response.status().is_client_error() => return false,
            Ok(_) | Err(_) => {}
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn hear(place: &Place, mut stream: EventStream, from: &mut Resume) {
    while let Ok(event) = stream.next().await {
        from.note(&event);
        if is_message(&event) {
            match Message::parse(event.data.clone()) {
                Ok(_) => place.say(event.data).await,
                Err(error) => tracing::warn!("{} says what is no message: {error}", place.url()),
            }
        }
    }
}
