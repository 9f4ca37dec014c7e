//! Reads that are answered from what is kept of earlier ones, where that is switched on.

use std::sync::Arc;

use argus_protocol::{Answer, Era, Object, Raw, meta};
use argus_upstream::Upstream;

use super::forward::{Forward, forward};
use crate::client::Client;
use crate::core::Core;
use crate::reads::{Begun, Reads};
use crate::relay::{Finish, Reply};
use crate::repeat::Call;

/// What `_meta` may say without having a part in a result that is public.
const HARMLESS: [&str; 7] = [
    meta::PROTOCOL_VERSION,
    meta::CLIENT_CAPABILITIES,
    meta::CLIENT_INFO,
    meta::LOG_LEVEL,
    meta::PROGRESS_TOKEN,
    "traceparent",
    "tracestate",
];

/// Answers a read from what is kept, else at the backend, and keeps the result if it may be kept.
pub(super) async fn read(core: &Core, client: Client<'_>, upstream: &Arc<Upstream>, request: Forward) -> Reply {
    let usual = |_: &&Reads| request.params.as_ref().is_some_and(is_usual);
    let (Some(reads), Some(uri)) = (core.reads.as_ref().filter(usual), &request.name) else {
        return forward(core, client, upstream, request).await;
    };
    // Looked for when nothing is waited for any more: it is right at this moment.
    if is_for(core, client, upstream).await
        && let Some((result, left_ms)) = reads.get(upstream.name(), upstream.epoch(), uri)
    {
        tracing::debug!(backend = %upstream.name(), left_ms, "a resource is given as it is kept");
        return Reply::result(match client.era() {
            Era::Legacy => result,
            Era::Modern => with_ttl(&result, left_ms),
        });
    }
    let begun = reads.begin(upstream.name(), upstream.epoch(), uri);
    let mut reply = forward(core, client, upstream, request).await;
    if let Reply::Relay(relay) = &mut reply
        && relay.call.era == Era::Modern
    {
        let then = std::mem::replace(&mut relay.finish, Finish::AsIs);
        relay.finish = Finish::Keep(Box::new(Keeping {
            then,
            begun: Some(begun),
        }));
    }
    reply
}

/// Whether the client may be given what a modern link brought: what a backend of both eras answers in the one is no answer
/// in the other.
async fn is_for(core: &Core, client: Client<'_>, upstream: &Arc<Upstream>) -> bool {
    if client.era() == Era::Modern || upstream.is_only_modern() {
        return true;
    }
    let link = client.link(core, upstream).await;
    link.is_ok_and(|link| link.era() == Era::Modern)
}

/// Whether nothing but the URI has a part in the result. What only the client and its tools know the meaning of may.
/// A retry with answers is another request (MCP 2026-07-28 "Caching").
fn is_usual(params: &Raw) -> bool {
    let Ok(read) = Object::parse(params) else { return false };
    read.members().all(|(key, value)| match key {
        "uri" => true,
        "_meta" => Object::parse(value).is_ok_and(|meta| meta.members().all(|(key, _)| HARMLESS.contains(&key))),
        _ => false,
    })
}

fn with_ttl(result: &Raw, left_ms: u64) -> Raw {
    match Object::parse(result) {
        Ok(read) => read.edit().set("ttlMs", Raw::from_value(&left_ms.into())).finish(),
        Err(_) => result.clone(),
    }
}

/// A read at the backend whose result may be kept.
#[derive(Debug)]
pub(crate) struct Keeping {
    /// What else becomes of the result.
    then: Finish,
    begun: Option<Begun>,
}

impl Keeping {
    /// Keeps the result, and does what else is to be done.
    pub(crate) fn apply(&mut self, answer: Answer, call: &Call) -> Answer {
        if let (Some(begun), Answer::Result(result), Some(reads)) = (self.begun.take(), &answer, &call.core.reads) {
            reads.keep(begun, result);
        }
        self.then.apply(answer, call)
    }

    /// The result depends on what the client answered: nobody else may get it.
    pub(crate) fn give_up(&mut self) {
        self.begun = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_uri_alone_decides_is_usual() {
        let usual = |text: &str| is_usual(&Raw::parse(text.to_owned()).unwrap());
        assert!(usual(r#"{"uri":"x://1"}"#));
        assert!(usual(
            r#"{"uri":"x://1","_meta":{"progressToken":1,"traceparent":"t","io.modelcontextprotocol/logLevel":"info"}}"#
        ));
        for other in [
            r#"{"uri":"x://1","_meta":{"com.example/tenant":"t"}}"#,
            r#"{"uri":"x://1","_meta":5}"#,
            r#"{"uri":"x://1","range":1}"#,
            r#"{"uri":"x://1","requestState":"s"}"#,
            r#"{"uri":"x://1","inputResponses":{}}"#,
        ] {
            assert!(!usual(other), "{other}");
        }
    }

    #[test]
    fn nothing_but_the_time_differs() {
        let result = Raw::parse(r#"{"contents":[{"n":1.0}], "ttlMs":5e3,"cacheScope":"public"}"#.to_owned()).unwrap();
        assert_eq!(
            with_ttl(&result, 7).as_str(),
            r#"{"contents":[{"n":1.0}], "ttlMs":7,"cacheScope":"public"}"#
        );
    }
}
