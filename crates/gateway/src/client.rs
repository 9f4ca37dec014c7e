//! Who is asking, and what that means for the way to a backend.

use std::sync::Arc;

use argus_protocol::{Era, Level, Object, Raw, RpcError, code, method};
use argus_upstream::{Ask, CallLink, Declared, Link, LinkError, Upstream};
use http::{HeaderName, HeaderValue};

use crate::core::Core;
use crate::modern::ModernRequest;
use crate::ops::forward::Forward;
use crate::own_link::own_link;
use crate::session::Session;

/// A client as a call sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Client<'a> {
    Legacy(&'a Arc<Session>),
    Modern(&'a Arc<ModernRequest>),
}

impl<'a> From<&'a Arc<Session>> for Client<'a> {
    fn from(session: &'a Arc<Session>) -> Self {
        Self::Legacy(session)
    }
}

impl<'a> From<&'a Arc<ModernRequest>> for Client<'a> {
    fn from(request: &'a Arc<ModernRequest>) -> Self {
        Self::Modern(request)
    }
}

/// A client for as long as its call is under way.
#[derive(Debug, Clone)]
pub(crate) enum KeptClient {
    Legacy(Arc<Session>),
    Modern(Arc<ModernRequest>),
}

impl KeptClient {
    pub(crate) fn client(&self) -> Client<'_> {
        match self {
            Self::Legacy(session) => Client::Legacy(session),
            Self::Modern(request) => Client::Modern(request),
        }
    }

    /// Why a question may not be passed to the client; `None` where it may. A legacy client decides itself about
    /// questions that are not known here; a modern one is asked nothing but what its revision has, and that only for
    /// what it declared (MCP 2026-07-28 "Multi round-trip requests").
    pub(crate) fn refuses(&self, ask: &Ask) -> Option<RpcError> {
        let capability = capability_of(&ask.method);
        let (offers, modern) = match self {
            Self::Legacy(session) => (capability.is_none_or(|wanted| session.declared().offers(wanted)), None),
            Self::Modern(request) => (
                capability.is_some_and(|wanted| request.meta.offers(wanted)),
                Some(request),
            ),
        };
        if !offers {
            let why = "the client that made the call does not offer this";
            return Some(RpcError::new(code::METHOD_NOT_FOUND, why));
        }
        let request = modern.filter(|_| capability == Some("elicitation"))?;
        let (fits, mode) = match is_of_url(ask.params.as_ref()) {
            true => (request.meta.opens_urls(), "url"),
            false => (request.meta.shows_forms(), "form"),
        };
        let why = || format!("the client that made the call does not offer elicitation of the mode {mode}");
        (!fits).then(|| RpcError::new(code::INVALID_PARAMS, why()))
    }

    /// Whether a notification of a call may reach the client. Log messages of the level that the legacy session or the
    /// modern request wants do; a modern request without a level wants none (MCP 2026-07-28 "Logging").
    pub(crate) fn hears(&self, method: &str, params: Option<&Raw>) -> bool {
        match self {
            _ if method != method::LOG => true,
            Self::Legacy(session) => session.wants_log(method, params),
            Self::Modern(request) => request.meta.log_level.is_some_and(|wanted| wanted.covers(params)),
        }
    }
}

impl<'a> Client<'a> {
    /// The members of its request's parameters, where they were looked into already.
    pub(crate) fn members(self) -> Option<&'a Object> {
        match self {
            Self::Modern(request) => Some(&request.members),
            Self::Legacy(_) => None,
        }
    }

    pub(crate) fn era(self) -> Era {
        match self {
            Self::Legacy(_) => Era::Legacy,
            Self::Modern(_) => Era::Modern,
        }
    }

    /// The link on which this client's calls to a backend go: a session's own where the backend gives it one, else a
    /// shared one.
    pub(crate) async fn link(self, core: &Core, upstream: &Arc<Upstream>) -> Result<Arc<Link>, LinkError> {
        match self {
            Self::Modern(_) => upstream.for_modern().await,
            Self::Legacy(session) if upstream.gives_own(session.can_be_asked()) => match session.link_to(upstream) {
                Some(link) => Ok(link),
                None => own_link(core, session, upstream).await,
            },
            Self::Legacy(_) => upstream.for_plain().await,
        }
    }

    /// The link for a call of this method: the one of [`Self::link`], or one for this call alone where the backend may
    /// ask the client something in it.
    pub(crate) async fn link_for(
        self,
        core: &Core,
        upstream: &Arc<Upstream>,
        method: &str,
    ) -> Result<CallLink, LinkError> {
        if let Self::Modern(request) = self {
            if let Some(link) = upstream.modern_if_live() {
                return Ok(link);
            }
            if may_ask(method)
                && let Some(borrower) = request.borrower()
            {
                return Box::pin(upstream.for_asking(borrower)).await;
            }
        }
        self.link(core, upstream).await.map(CallLink::Shared)
    }

    /// What to tell a modern backend on behalf of a legacy client: what it declared in `initialize`.
    pub(crate) fn declared(self) -> Option<Declared> {
        match self {
            Self::Modern(_) => None,
            Self::Legacy(session) => Some(session.introduced().clone()),
        }
    }

    /// The log level to name to a modern backend on behalf of a legacy client: that of `logging/setLevel`. Until then the
    /// server may decide what it sends (MCP 2025-11-25 "Logging"), and those of the SDKs send; a modern backend without a
    /// level must not (MCP 2026-07-28 "Logging"), so the gateway decides: what is not meant for debugging.
    pub(crate) fn log_level(self) -> Option<Level> {
        match self {
            Self::Modern(_) => None,
            Self::Legacy(session) => Some(session.level().unwrap_or(Level::INFO)),
        }
    }

    /// The same client, to be kept.
    pub(crate) fn kept(self) -> KeptClient {
        match self {
            Self::Modern(request) => KeptClient::Modern(Arc::clone(request)),
            Self::Legacy(session) => KeptClient::Legacy(Arc::clone(session)),
        }
    }

    /// `Mcp-Param-*` as its request had them; `None` where it came without headers, or with such as nobody compared with
    /// anything: a legacy client's mean nothing (MCP 2026-07-28 "Server validation").
    pub(crate) fn given_headers(self) -> Option<&'a [(HeaderName, HeaderValue)]> {
        match self {
            Self::Modern(request) => request.param_headers.as_deref(),
            Self::Legacy(_) => None,
        }
    }

    /// `Mcp-Param-*` for a request on a link of this era: the client's own, also those that nobody knows here, or else
    /// made of the arguments (MCP 2026-07-28 "Custom headers from tool parameters").
    pub(crate) fn param_headers(self, link: Era, forward: &Forward) -> Vec<(HeaderName, HeaderValue)> {
        match (self.given_headers(), &forward.mirrored) {
            (Some(given), _) => given.to_vec(),
            (None, Some(mirrored)) if link == Era::Modern => {
                let read = forward.params.as_ref().and_then(|params| Object::parse(params).ok());
                mirrored.make(read.as_ref().and_then(|read| read.get("arguments")))
            }
            (None, _) => Vec::new(),
        }
    }
}

/// The methods in whose course a modern client can be asked something (MCP 2026-07-28 "Multi round-trip requests").
pub(crate) fn may_ask(method: &str) -> bool {
    matches!(
        method,
        method::TOOLS_CALL | method::PROMPTS_GET | method::RESOURCES_READ
    )
}

/// What a client must have declared to be asked this.
fn capability_of(method: &str) -> Option<&'static str> {
    match method {
        method::SAMPLING => Some("sampling"),
        method::ELICITATION => Some("elicitation"),
        method::ROOTS_LIST => Some("roots"),
        _ => None,
    }
}

/// Whether an elicitation wants a URL to be opened.
fn is_of_url(params: Option<&Raw>) -> bool {
    let read = params.and_then(|raw| Object::parse(raw).ok());
    read.and_then(|read| read.get_str("mode"))
        .is_some_and(|mode| mode == "url")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modern::tests::request;

    #[test]
    fn a_modern_client_hears_the_log_it_asked_for() {
        let log = |level: &str| Raw::parse(format!(r#"{{"level":"{level}","data":1}}"#)).unwrap();
        let client = |wanted: Option<&str>| {
            let mut request = request();
            request.meta.log_level = wanted.and_then(Level::parse);
            KeptClient::Modern(Arc::new(request))
        };
        let hears = |wanted, level: &str| client(wanted).hears(method::LOG, Some(&log(level)));
        assert!(!hears(None, "emergency"));
        assert!(!hears(Some("warning"), "notice"));
        assert!(hears(Some("warning"), "warning") && hears(Some("warning"), "error"));
        assert!(client(None).hears(method::PROGRESS, None));
    }
}
