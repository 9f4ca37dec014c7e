//! Keeps what a backend lists for the next start.

use std::sync::Arc;
use std::time::Duration;

use crate::Upstream;
use crate::remembered::Known;

/// Lists are written at most this often.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a disk that does not answer may hold up the end.
const LIMIT: Duration = Duration::from_secs(2);

/// Writes what the backend lists whenever that, or the backend's digest, differs from what is `kept`, until the upstream stops.
pub(crate) async fn run(upstream: Arc<Upstream>, mut kept: Option<(String, Known)>) {
    let stop = &upstream.stop;
    let mut states = upstream.watch();
    loop {
        let now = Known::of(&states.borrow_and_update());
        let now = now.map(|now| (upstream.definition().digest(), now));
        if let Some((digest, now)) = now.filter(|now| kept.as_ref() != Some(now)) {
            write(&upstream, digest.clone(), now.clone()).await;
            kept = Some((digest, now));
        }
        if stop.is_cancelled() {
            return;
        }
        // What changed until the upstream stopped is written too.
        let _ = stop.run_until_cancelled(states.changed()).await;
        let _ = stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
    }
}

/// Waits for the file to be written; once the upstream stops, only for so long.
async fn write(upstream: &Upstream, digest: String, known: Known) {
    let store = upstream.connector.context.remembered.clone();
    let writing = tokio::task::spawn_blocking(move || store.save(&digest, &known));
    let stopped = async {
        upstream.stop.cancelled().await;
        tokio::time::sleep(LIMIT).await;
    };
    tokio::select! {
        _ = writing => {}
        () = stopped => {}
    }
}
