//! A client of a gateway in this program.

use std::time::Duration;

use argus_gateway::Gateway;
use argus_protocol::line::Line;
use argus_server::LocalClient;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::hangup::{NOW_AND_THEN, OFTEN, Stdout};
use crate::input::Lines;
use crate::{Input, Output, output};

/// How long the client may take to hear the end of calls that were cut off.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How a client is served.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// The longest message in bytes (`server.max_body_bytes`).
    pub max_message: usize,
    /// How long calls may go on that are in flight when stdin ends (`server.shutdown_timeout`).
    pub finish: Duration,
}

/// Serves the client until its stdin ends, nobody reads stdout, or `shutdown`; then ends its session and stops the
/// gateway. What is in flight when stdin ends is still answered, while somebody reads the answers.
pub async fn serve(
    input: impl Input,
    output: impl Output,
    stdout: &Stdout,
    gateway: Gateway,
    bounds: Bounds,
    shutdown: &CancellationToken,
) {
    let (client, said) = LocalClient::open(gateway.clone());
    let mut writing = tokio::spawn(output::write(output, said));
    let more = tokio::select! {
        () = read(Lines::of(input, bounds.max_message), &client, bounds.max_message) => true,
        _ = &mut writing => false,
        () = shutdown.cancelled() => true,
        () = stdout.left(NOW_AND_THEN) => false,
    };
    client.end();
    // Calls may wait for backends that are just starting.
    let all_said = more
        && tokio::select! {
            _ = &mut writing => true,
            () = gateway.started() => false,
            () = shutdown.cancelled() => false,
            () = stdout.left(NOW_AND_THEN) => false,
        };
    gateway.drain();
    let over = all_said || more && finished(&mut writing, stdout, bounds.finish, shutdown).await;
    gateway.stop().await;
    if more && !over {
        // The backends have stopped, which ends the calls with errors: these still have to reach the client.
        let _ = tokio::time::timeout(LAST_WORDS, &mut writing).await;
    }
    writing.abort();
}

/// Takes what the client says, until it says nothing more or is not heard any more.
async fn read(mut lines: Lines<impl Input>, client: &LocalClient, max: usize) {
    while let Some(line) = lines.next().await {
        let goes_on = match line {
            Line::Whole(message) => client.take(message).await,
            Line::TooLong => client.refuse_long(max).await,
        };
        if !goes_on {
            return;
        }
    }
}

/// Waits until all is answered that is in flight; `false` when it must end before.
async fn finished<T>(
    writing: &mut JoinHandle<T>,
    stdout: &Stdout,
    limit: Duration,
    shutdown: &CancellationToken,
) -> bool {
    tokio::select! {
        _ = writing => true,
        () = stdout.left(OFTEN) => false,
        () = shutdown.cancelled() => false,
        () = tokio::time::sleep(limit) => {
            tracing::warn!("calls are still in flight at the end of server.shutdown_timeout and are cut off");
            false
        }
    }
}
