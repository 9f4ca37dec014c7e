//! The clients: what each generation does for the same ends.

mod legacy;
mod modern;

use argus_testkit::part;
use serde_json::Value;

use crate::kinds::Era;

pub(crate) use legacy::Legacy;
pub(crate) use modern::Modern;

/// A client of the gateway.
pub(crate) trait Peer: Sized {
    const ERA: Era;

    /// Starts a gateway with this configuration and connects to it.
    async fn open(config: &Value) -> Self;

    /// Sends a request; `params` is a JSON object. Gives its id.
    async fn start(&mut self, method: &str, params: &str) -> String;

    /// The next message that belongs to a request, its answer at last.
    async fn hear(&mut self, id: &str) -> String;

    /// Wants log messages of this level and above from now on.
    async fn want_level(&mut self, level: &str);

    /// Makes a call in which it is asked something, and gives this answer, a JSON object.
    async fn asked(&mut self, method: &str, params: &str, given: &str) -> Asked;

    /// Does not want the answer to a request any more.
    async fn cancel(&mut self, id: &str);

    /// Whether there is an answer to a cancelled request.
    async fn is_answered(&mut self, id: &str) -> bool;

    /// Wants to hear when the tools change.
    async fn watch_tools(&mut self);

    /// Wants to hear when a resource changes.
    async fn watch(&mut self, uri: &str);

    /// Does not want that any more.
    async fn unwatch(&mut self, uri: &str);

    /// The next thing that it hears of what it watches.
    async fn told(&mut self) -> Told;

    /// The HTTP status of the answer to a request, where its generation has a rule for that.
    fn status(&self, id: &str) -> Option<u16>;

    /// Goes, and stops the gateway.
    async fn close(self);

    /// Sends a request; gives all that comes, the answer last.
    async fn all(&mut self, method: &str, params: &str) -> Vec<String> {
        let id = self.start(method, params).await;
        let mut said = Vec::new();
        loop {
            said.push(self.hear(&id).await);
            let last = &said[said.len() - 1];
            if part(last, "method").is_none() {
                assert_eq!(part(last, "id").as_deref(), Some(id.as_str()), "{last}");
                return said;
            }
        }
    }

    /// The result of a request that works and before which nothing is said, as it was written.
    async fn result(&mut self, method: &str, params: &str) -> String {
        let said = self.all(method, params).await;
        assert_eq!(said.len(), 1, "{said:?}");
        part(&said[0], "result").unwrap_or_else(|| panic!("{method} fails: {}", said[0]))
    }

    /// The error object of a request that does not.
    async fn error(&mut self, method: &str, params: &str) -> String {
        let said = self.all(method, params).await;
        assert_eq!(said.len(), 1, "{said:?}");
        part(&said[0], "error").unwrap_or_else(|| panic!("{method} works: {}", said[0]))
    }
}

/// What a client was asked, and what became of the call.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// As they were written.
    pub(crate) params: String,
    pub(crate) result: String,
}

/// What a client was told outside its calls.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) method: String,
    /// As they were written, without what its own generation requires.
    pub(crate) params: Option<String>,
}

/// A string of a message.
fn text(message: &str, member: &str) -> String {
    let value = part(message, member).unwrap_or_else(|| panic!("no {member}: {message}"));
    serde_json::from_str(&value).unwrap()
}

/// A JSON object with more members.
fn with(object: &str, members: &str) -> String {
    let open = object.trim_end().strip_suffix('}').unwrap();
    let comma = if open.trim() == "{" { "" } else { "," };
    format!("{open}{comma}{members}}}")
}
