//! Doing a call once more when its connection was lost, or when its headers were not those that the backend wants by now:
//! the client does not notice.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use argus_protocol::error::code_of;
use argus_protocol::{Answer, Era, Object, ParamHeaders, Raw, code, method};
use argus_upstream::{CallLink, Exchange, Lease, LinkError, Outcome, Turn};

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
    /// Whether what the backend says may name tasks, be they the client's or not.
    pub(crate) tasks: bool,
}

impl Call {
    /// Whether the client may have tasks at the backend: both are of one era.
    pub(crate) fn has_tasks(&self) -> bool {
        self.tasks && self.era == self.client.client().era()
    }
}

/// A call that was made again.
#[derive(Debug)]
pub(crate) struct Repeated {
    pub(crate) exchange: Exchange,
    pub(crate) lease: Option<Box<Lease>>,
    /// What its tool wants mirrored, as it was made with: what a backend asks for makes it be made again.
    pub(crate) mirrored: Option<Arc<ParamHeaders>>,
}

/// The same, or what the call ends with.
type Made = Result<Repeated, Outcome>;

/// A repetition under way.
pub(crate) type Again = Pin<Box<dyn Future<Output = Made> + Send>>;

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

    /// Begins to make a tool call again that the backend refused for its headers and so did not do, where the gateway
    /// made the headers: what the tool wants mirrored may have changed (MCP 2026-07-28 "Client behavior"). A client that
    /// makes its own does so itself; for all of them the lists are read again. Neither is done with each call where it
    /// helps nothing.
    pub(crate) fn correct(&mut self, call: &Call, error: &Raw) -> bool {
        let calls_tool = call.era == Era::Modern && call.forward.method == method::TOOLS_CALL;
        if !calls_tool || code_of(error) != Some(code::HEADER_MISMATCH) {
            return false;
        }
        let (upstream, Some(tool)) = (call.turn.upstream(), &call.forward.name) else {
            return false;
        };
        upstream.doubt_lists(tool);
        let given = call.client.client().given_headers().is_some();
        if given || !matches!(self, Self::Left) || !upstream.may_correct(tool) {
            return false;
        }
        *self = Self::Taken(Box::pin(corrected(call, error.clone())));
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
fn again(call: &Call, lost: LinkError) -> impl Future<Output = Made> + Send + use<> {
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
            Ok(Err(cause)) if lost.is_untouched() => return Err(Err(cause)),
            _ => return Err(Err(lost)),
        };
        match forward::send(&core, client, &upstream, &mut link, &forward).await {
            Ok((exchange, _)) => Ok(Repeated {
                exchange,
                lease: link.into_lease(),
                mirrored: forward.mirrored,
            }),
            Err(_) => Err(Err(lost)),
        }
    }
}

/// The call with the headers that its tool wants now; the backend's refusal where they are the same.
fn corrected(call: &Call, refusal: Raw) -> impl Future<Output = Made> + Send + use<> {
    let (core, client, mut forward) = (Arc::clone(&call.core), call.client.clone(), call.forward.clone());
    let upstream = Arc::clone(call.turn.upstream());
    async move {
        let client = client.client();
        let tool = forward.name.clone().unwrap_or_default();
        let trying = async {
            let mut link = client.link_for(&core, &upstream, &forward.method).await.ok()?;
            let wanted = wanted_headers(&link, &tool).await?;
            if link.era() != Era::Modern || wanted == forward.mirrored {
                return None;
            }
            tracing::debug!(backend = %upstream.name(), "a call is made again with other headers");
            forward.mirrored = wanted;
            let (exchange, _) = forward::send(&core, client, &upstream, &mut link, &forward)
                .await
                .ok()?;
            Some(Repeated {
                exchange,
                lease: link.into_lease(),
                mirrored: forward.mirrored,
            })
        };
        let made = tokio::time::timeout(PATIENCE, trying).await.ok().flatten();
        if made.is_none() {
            upstream.corrected_in_vain(&tool);
        }
        made.ok_or(Ok(Answer::Error(refusal)))
    }
}

/// What a tool wants mirrored now; `None` where nobody can say.
async fn wanted_headers(link: &CallLink, tool: &str) -> Option<Option<Arc<ParamHeaders>>> {
    let tools = link.tools(PATIENCE).await.ok()?;
    let is_it = |raw: &&Raw| Object::parse(raw).is_ok_and(|read| read.get_str("name").as_deref() == Some(tool));
    let wanted = ParamHeaders::of_tool(tools.iter().find(is_it)?).ok()?;
    Some(wanted.map(Arc::new))
}
