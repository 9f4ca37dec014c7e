//! What a link says outside a call.

use argus_protocol::{ByteString, Raw};

use crate::{Ask, Life};

/// One thing a backend says outside every call.
#[derive(Debug)]
pub enum FeedEvent {
    /// `list_changed`, `updated`, a log message, `elicitation/complete`, or one unknown here.
    Notification {
        /// The method.
        method: ByteString,
        /// The parameters.
        params: Option<Raw>,
    },
    /// A question that belongs to no call. `ping` never arrives here: the link answers it.
    Ask(Ask),
    /// The connection was interrupted: something may have been missed, or the backend be away.
    Interrupted,
    /// The stream on which a legacy backend speaks outside calls stands again after a break, and the backend does not say
    /// again what was lost in between.
    Resumed,
    /// The connection ended. What was set up on it (subscriptions, a log level) is gone; on a shared one it has to be
    /// set up again once [`Self::Renewed`] follows.
    Ended,
    /// A shared connection that ended was made anew.
    Renewed,
}

/// Takes what a link says outside calls. Must not block.
pub trait FeedSink: Send + Sync {
    /// Takes one event; dropping an ask refuses it.
    fn deliver(&self, event: FeedEvent);

    /// Hears what becomes of a backend's shared connections. Only the sink that a backend was started with hears of it.
    fn lives(&self, _life: Life<'_>) {}
}
