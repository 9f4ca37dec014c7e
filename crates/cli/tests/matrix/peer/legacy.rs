//! A client with a session: it is asked on the stream of its call, and told of changes outside all calls.

use argus_testkit::part;
use serde_json::Value;

use super::{Asked, Peer, Told, text};
use crate::kinds::Era;
use crate::wire::{Of, Wire};

pub(crate) struct Legacy<W> {
    wire: W,
    last: usize,
}

impl<W: Wire> Peer for Legacy<W> {
    const ERA: Era = Era::Legacy;

    async fn open(config: &Value) -> Self {
        let wire = W::open(config, Era::Legacy).await;
        Self { wire, last: 0 }
    }

    async fn start(&mut self, method: &str, params: &str) -> String {
        self.last += 1;
        let id = self.last.to_string();
        let message = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#);
        self.wire.request(&id, method, None, &message).await;
        id
    }

    async fn hear(&mut self, id: &str) -> String {
        self.wire.next(Of::Request(id)).await.expect("no answer")
    }

    async fn want_level(&mut self, level: &str) {
        let params = format!(r#"{{"level":"{level}"}}"#);
        assert_eq!(self.result("logging/setLevel", &params).await, "{}");
    }

    async fn asked(&mut self, method: &str, params: &str, given: &str) -> Asked {
        let id = self.start(method, params).await;
        let question = self.hear(&id).await;
        let asks = part(&question, "id").unwrap_or_else(|| panic!("no question: {question}"));
        self.wire
            .send(&format!(r#"{{"jsonrpc":"2.0","id":{asks},"result":{given}}}"#))
            .await;
        let answer = self.hear(&id).await;
        Asked {
            method: text(&question, "method"),
            params: part(&question, "params").unwrap(),
            result: part(&answer, "result").unwrap_or_else(|| panic!("{method} fails: {answer}")),
        }
    }

    async fn cancel(&mut self, id: &str) {
        let params = format!(r#"{{"requestId":{id}}}"#);
        self.wire
            .send(&format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{params}}}"#
            ))
            .await;
    }

    async fn is_answered(&mut self, id: &str) -> bool {
        self.wire.has_answer(id).await
    }

    async fn watch_tools(&mut self) {}

    async fn watch(&mut self, uri: &str) {
        let params = format!(r#"{{"uri":"{uri}"}}"#);
        assert_eq!(self.result("resources/subscribe", &params).await, "{}");
    }

    async fn unwatch(&mut self, uri: &str) {
        let params = format!(r#"{{"uri":"{uri}"}}"#);
        assert_eq!(self.result("resources/unsubscribe", &params).await, "{}");
    }

    async fn told(&mut self) -> Told {
        let message = self.wire.next(Of::Nothing).await.expect("the stream ends");
        Told {
            method: text(&message, "method"),
            params: part(&message, "params"),
        }
    }

    fn status(&self, _: &str) -> Option<u16> {
        None
    }

    async fn close(self) {
        self.wire.close().await;
    }
}
