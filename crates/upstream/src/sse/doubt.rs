//! Finding out that the event stream leads nowhere any more, although nobody closed it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use argus_protocol::{Era, method};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::duplex::Conversation;
use crate::{Exchange, FeedEvent, LinkError, Outgoing};

/// A backend that is asked whether it is there has to let hear of itself within this time.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether the stream still speaks.
#[derive(Debug, Default)]
pub(super) struct Doubt {
    /// Told of every call that was not answered in time.
    pub(super) raised: Arc<Notify>,
    /// How often anything came on the stream, a comment too.
    pub(super) heard: Arc<AtomicUsize>,
}

/// Asks the backend after each call that it did not answer in time. When nothing at all is heard of it then, the
/// connection ends, so that a new one is made.
pub(super) async fn look_after(doubt: Doubt, conversation: Arc<Conversation>, stop: CancellationToken) {
    let looking = async {
        loop {
            doubt.raised.notified().await;
            let before = doubt.heard.load(Ordering::Relaxed);
            let question = match conversation.demux().server.era {
                Era::Legacy => method::PING,
                Era::Modern => method::DISCOVER,
            };
            let asked = conversation.call(Outgoing::own(question, None));
            // Whatever it answers, it is there.
            let _ = Exchange::new(Some(PATIENCE), asked).outcome().await;
            if doubt.heard.load(Ordering::Relaxed) == before {
                return;
            }
        }
    };
    if stop.run_until_cancelled(looking).await.is_none() {
        return;
    }
    let demux = conversation.demux();
    demux.end(LinkError::Closed(format!(
        "its event stream is silent: nothing came within {} s after it was asked",
        PATIENCE.as_secs()
    )));
    stop.cancel();
    // Its other connections have probably met the same.
    demux.server.sink.deliver(FeedEvent::Interrupted);
}
