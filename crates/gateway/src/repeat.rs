//! Doing a call once more when its connection was lost: the client does not notice.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use argus_protocol::Era;
use argus_upstream::{Exchange, Lease, LinkError, Turn};

use crate::client::KeptClient;
use crate::core::Core;
use crate::ops::forward::{self, Forward};

/// How long a new connection may take until the call fails with the loss of the old one.
const PATIENCE: Duration = Duration::from_secs(10);

/// A call as it was made.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) core: Arc<Core>,
    pub(crate) client: KeptClient,
    pub(crate) turn: Turn,
    pub(crate) forward: Forward,
    /// The era of the link that it was made on.
    pub(crate) era: Era,
}

/// A repetition under way.
pub(crate) type Again = Pin<Box<dyn Future<Output = Result<(Exchange, Option<Box<Lease>>), LinkError>> + Send>>;

/// The one chance of a call to be repeated.
pub(crate) enum Chance {
    /// It was not needed yet.
    Left,
    /// It is being taken.
    Taken(Again),
    /// There is none any more.
    Gone,
}

impl fmt::Debug for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Left => "Left",
            Self::Taken(_) => "Taken",
            Self::Gone => "Gone",
        })
    }
}

impl Chance {
    /// Begins to repeat a call that failed, if it may be: always when the backend refused it for its lost session, and
    /// after a broken connection where doing it twice does no harm.
    pub(crate) fn take(&mut self, call: &Call, cause: &LinkError) -> bool {
        let may = cause.is_untouched() || (call.forward.repeatable && cause.is_broken());
        if !may || !matches!(self, Self::Left) {
            return false;
        }
        *self = Self::Taken(Box::pin(again(call, cause.clone())));
        true
    }

    /// What is to come of the repetition, if one is under way.
    pub(crate) fn taken(&mut self) -> Option<&mut Again> {
        match self {
            Self::Taken(again) => Some(again),
            Self::Left | Self::Gone => None,
        }
    }
}

/// The call on a new link.
fn again(
    call: &Call,
    lost: LinkError,
) -> impl Future<Output = Result<(Exchange, Option<Box<Lease>>), LinkError>> + Send + use<> {
    let (core, client, forward, era) = (
        Arc::clone(&call.core),
        call.client.clone(),
        call.forward.clone(),
        call.era,
    );
    let upstream = Arc::clone(call.turn.upstream());
    async move {
        tracing::debug!(backend = %upstream.name(), cause = %lost, "a call is repeated");
        if lost.is_untouched() {
            upstream.distrust_lent();
        }
        let client = client.client();
        let making = client.link_for(&core, &upstream, &forward.method);
        let mut link = match tokio::time::timeout(PATIENCE, making).await {
            Ok(Ok(link)) if link.era() == era => link,
            // That the session is gone says less than why there is no other.
            Ok(Err(cause)) if lost.is_untouched() => return Err(cause),
            _ => return Err(lost),
        };
        match forward::send(&core, client, &upstream, &mut link, &forward).await {
            Ok((exchange, _)) => Ok((exchange, link.into_lease())),
            Err(_) => Err(lost),
        }
    }
}
