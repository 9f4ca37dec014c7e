//! A client whose requests stand alone: it answers a question by calling again, and listens to changes on a stream that
//! it opens for that.

use std::collections::HashMap;

use argus_testkit::part;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Asked, Peer, Told, text, with};
use crate::kinds::Era;
use crate::wire::{DECLARED, MODERN, Of, Wire};

const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

pub(crate) struct Modern<W> {
    wire: W,
    last: usize,
    level: Option<String>,
    /// The `subscriptions/listen` that is open.
    listening: Option<String>,
}

impl<W: Wire> Modern<W> {
    /// The parameters with what every request says of its client.
    fn whole(&self, params: &str) -> String {
        let mut own = format!(
            r#""io.modelcontextprotocol/protocolVersion":"{MODERN}","io.modelcontextprotocol/clientCapabilities":{DECLARED}"#
        );
        if let Some(level) = &self.level {
            own.push_str(&format!(r#","io.modelcontextprotocol/logLevel":"{level}""#));
        }
        match part(params, "_meta") {
            Some(meta) => params.replace(&meta, &with(&meta, &own)),
            None => with(params, &format!(r#""_meta":{{{own}}}"#)),
        }
    }

    /// Listens to this and nothing else.
    async fn listen(&mut self, filter: &str) {
        self.stop_listening().await;
        let params = format!(r#"{{"notifications":{filter}}}"#);
        let id = self.start("subscriptions/listen", &params).await;
        self.listening = Some(id);
        let told = self.told().await;
        assert_eq!(told.method, "notifications/subscriptions/acknowledged");
        assert_eq!(part(&told.params.unwrap(), "notifications").unwrap(), filter);
    }

    async fn stop_listening(&mut self) {
        if let Some(id) = self.listening.take() {
            self.wire.leave(&id).await;
        }
    }
}

impl<W: Wire> Peer for Modern<W> {
    const ERA: Era = Era::Modern;

    async fn open(config: &Value) -> Self {
        let mut peer = Self {
            wire: W::open(config, Era::Modern).await,
            last: 0,
            level: None,
            listening: None,
        };
        let discovered = peer.result("server/discover", "{}").await;
        assert!(discovered.contains(&format!("{MODERN:?}")), "{discovered}");
        peer
    }

    async fn start(&mut self, method: &str, params: &str) -> String {
        self.last += 1;
        let id = format!(r#""modern {}""#, self.last);
        let name = ["name", "uri"].into_iter().find_map(|member| part(params, member));
        let name: Option<String> = name.map(|name| serde_json::from_str(&name).unwrap());
        let params = self.whole(params);
        let message = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#);
        self.wire.request(&id, method, name.as_deref(), &message).await;
        id
    }

    async fn hear(&mut self, id: &str) -> String {
        self.wire.next(Of::Request(id)).await.expect("no answer")
    }

    async fn want_level(&mut self, level: &str) {
        self.level = Some(level.to_owned());
    }

    async fn asked(&mut self, method: &str, params: &str, given: &str) -> Asked {
        let result = self.result(method, params).await;
        assert_eq!(text(&result, "resultType"), "input_required", "{result}");
        let questions = part(&result, "inputRequests").unwrap();
        let questions: HashMap<String, Box<RawValue>> = serde_json::from_str(&questions).unwrap();
        assert_eq!(questions.len(), 1, "{result}");
        let (key, question) = questions.into_iter().next().unwrap();
        let key = serde_json::to_string(&key).unwrap();
        let state = part(&result, "requestState").unwrap();
        let answers = format!(r#""inputResponses":{{{key}:{given}}},"requestState":{state}"#);
        Asked {
            method: text(question.get(), "method"),
            params: part(question.get(), "params").unwrap(),
            result: self.result(method, &with(params, &answers)).await,
        }
    }

    async fn cancel(&mut self, id: &str) {
        self.wire.leave(id).await;
    }

    async fn is_answered(&mut self, id: &str) -> bool {
        self.wire.has_answer(id).await
    }

    async fn watch_tools(&mut self) {
        self.listen(r#"{"toolsListChanged":true}"#).await;
    }

    async fn watch(&mut self, uri: &str) {
        self.listen(&format!(r#"{{"resourceSubscriptions":["{uri}"]}}"#)).await;
    }

    async fn unwatch(&mut self, _: &str) {
        self.stop_listening().await;
    }

    async fn told(&mut self) -> Told {
        let id = self.listening.clone().expect("it does not listen");
        let message = self.wire.next(Of::Request(&id)).await.expect("the stream ends");
        let params = part(&message, "params").unwrap();
        let meta = part(&params, "_meta").unwrap();
        assert_eq!(part(&meta, SUBSCRIPTION), Some(id), "{message}");
        let only = format!(r#"{{"{SUBSCRIPTION}":{}}}"#, part(&meta, SUBSCRIPTION).unwrap());
        // Its own id apart, it hears what the backend said.
        let rest = params.replace(&format!(r#","_meta":{only}"#), "");
        Told {
            method: text(&message, "method"),
            params: Some(rest),
        }
    }

    fn status(&self, id: &str) -> Option<u16> {
        self.wire.status(id)
    }

    async fn close(self) {
        self.wire.close().await;
    }
}
