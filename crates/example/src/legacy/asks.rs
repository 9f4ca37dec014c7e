//! Questions to a legacy client that wait for an answer.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use argus_protocol::method;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::ask::Ask;
use crate::locked::locked;
use crate::outbox::{Outbox, notification};

type Outcome = Result<Value, Value>;

/// The open questions of one session.
pub(super) struct Asks {
    outbox: Outbox,
    last: AtomicU64,
    /// `None` once the client has closed its side and nothing can be answered any more.
    waiting: Mutex<Option<HashMap<u64, oneshot::Sender<Outcome>>>>,
}

impl Asks {
    pub(super) fn new(outbox: Outbox) -> Self {
        Self {
            outbox,
            last: AtomicU64::new(0),
            waiting: Mutex::new(Some(HashMap::new())),
        }
    }

    /// Sends the question and waits. A caller who stops waiting thereby tells the client that it need not answer.
    pub(super) async fn ask(&self, ask: &Ask) -> Result<Value, String> {
        let id = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let answer = self.expect(id).ok_or_else(gone)?;
        let _withdrawal = Withdrawal { asks: self, id };
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": ask.method(), "params": ask.params });
        self.outbox.send(request).await;
        match answer.await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(error)) => Err(format!("the client refused {}: {}", ask.method(), error["message"])),
            Err(_) => Err(gone()),
        }
    }

    /// Hands a reply to whoever waits for it; a reply nobody waits for is dropped.
    pub(super) fn settle(&self, id: &Value, outcome: Outcome) {
        let Some(id) = id.as_u64() else { return };
        if let Some(sender) = self.forget(id) {
            let _ = sender.send(outcome);
        }
    }

    /// Ends all waiting, now and later.
    pub(super) fn close(&self) {
        locked(&self.waiting).take();
    }

    fn expect(&self, id: u64) -> Option<oneshot::Receiver<Outcome>> {
        let (sender, receiver) = oneshot::channel();
        locked(&self.waiting).as_mut()?.insert(id, sender);
        Some(receiver)
    }

    fn forget(&self, id: u64) -> Option<oneshot::Sender<Outcome>> {
        locked(&self.waiting).as_mut()?.remove(&id)
    }
}

fn gone() -> String {
    "the client closed the connection before it answered".to_owned()
}

/// Tells the client, when dropped before the answer came, that the question is withdrawn.
struct Withdrawal<'a> {
    asks: &'a Asks,
    id: u64,
}

impl Drop for Withdrawal<'_> {
    fn drop(&mut self) {
        if self.asks.forget(self.id).is_some() {
            self.asks
                .outbox
                .send_now(notification(method::CANCELLED, json!({ "requestId": self.id })));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_question_given_up_is_withdrawn() {
        let (outbox, mut sent) = Outbox::new();
        let asks = Asks::new(outbox);
        let ask = Ask::roots();
        {
            let mut waiting = Box::pin(asks.ask(&ask));
            let pause = std::time::Duration::from_millis(5);
            assert!(tokio::time::timeout(pause, &mut waiting).await.is_err());
        }
        assert_eq!(sent.recv().await.unwrap()["method"], "roots/list");
        let withdrawal = sent.recv().await.unwrap();
        assert_eq!(withdrawal["method"], "notifications/cancelled");
        assert_eq!(withdrawal["params"]["requestId"], 1);
        asks.settle(&json!(1), Ok(json!({})));
    }

    #[tokio::test]
    async fn nothing_is_asked_after_the_end() {
        let (outbox, _sent) = Outbox::new();
        let asks = Asks::new(outbox);
        asks.close();
        assert_eq!(asks.ask(&Ask::roots()).await, Err(gone()));
    }
}
