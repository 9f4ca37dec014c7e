//! A client of an endpoint elsewhere: each line is posted as it is, and what the endpoint says becomes a line.

mod answers;
mod call;
mod held;
mod modern;
mod params;
mod pending;
mod place;
mod session;
mod sse;
mod standing;
mod streamable;

use std::fmt;
use std::time::Duration;

use argus_upstream::{Endpoint, HttpClient};
use futures::stream;
use http::HeaderMap;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::hangup::{NOW_AND_THEN, OFTEN, Stdout};
use crate::input::Lines;
use crate::{Input, Output, output};
use place::Place;

/// Messages that may wait for the client to read them; then what comes from the endpoint waits.
const WAITING: usize = 64;
/// How long calls may go on that are in flight when stdin ends.
const FINISH: Duration = Duration::from_secs(10);
/// How long the client may take to read what was said before the end.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// The endpoint to hand messages on to.
#[derive(Clone)]
pub struct Target {
    /// Where it is.
    pub url: Url,
    /// Sent with every request; marked sensitive where they are secret.
    pub headers: HeaderMap,
    /// The longest message of the client, in bytes.
    pub max_message: usize,
}

/// The headers carry credentials, and the query of the URL may.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("url", &argus_upstream::shown(&self.url))
            .finish_non_exhaustive()
    }
}

/// Relays until the client's stdin ends, nobody reads stdout, or `shutdown`; then ends the session. What is in flight
/// when stdin ends is still answered, while somebody reads the answers.
pub async fn serve(
    input: impl Input,
    output: impl Output,
    stdout: &Stdout,
    target: Target,
    http: HttpClient,
    shutdown: &CancellationToken,
) {
    let (say, said) = mpsc::channel(WAITING);
    let said = stream::unfold(said, async |mut said| Some((said.recv().await?, said)));
    let mut writing = tokio::spawn(output::write(output, said));
    let silent = CancellationToken::new();
    let is_sse = speaks_sse(&target.url);
    let place = Place::new(Endpoint::new(http, target.url, target.headers), say);
    let lines = Lines::of(input, target.max_message);
    let over = async {
        tokio::select! {
            _ = &mut writing => {}
            () = shutdown.cancelled() => {}
            () = unfinished(&silent, stdout) => {}
            () = stdout.left(NOW_AND_THEN) => {}
        }
    };
    if is_sse {
        let mut relay = sse::Relay::new(lines, target.max_message, place, silent.clone());
        tokio::select! {
            () = relay.run() => {}
            () = over => {}
        }
        relay.end().await;
    } else {
        let mut relay = streamable::Relay::new(lines, target.max_message, place, silent.clone());
        tokio::select! {
            () = relay.run() => {}
            () = over => {}
        }
        relay.end().await;
    }
    let _ = tokio::time::timeout(LAST_WORDS, &mut writing).await;
    writing.abort();
}

/// An address whose path ends with `/sse` speaks HTTP+SSE; all others speak Streamable HTTP.
fn speaks_sse(url: &Url) -> bool {
    url.path().trim_end_matches('/').ends_with("/sse")
}

/// After the end of stdin: waits until nobody reads the answers any more, or the time is over.
async fn unfinished(silent: &CancellationToken, stdout: &Stdout) {
    silent.cancelled().await;
    let _ = tokio::time::timeout(FINISH, stdout.left(OFTEN)).await;
}
