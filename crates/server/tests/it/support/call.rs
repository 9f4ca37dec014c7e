//! One request that reached a test backend, and ways to answer it.

use std::sync::Arc;

use http::HeaderMap;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use super::state::State;

/// How a test backend answers.
pub(crate) enum Answer {
    /// The text of a result.
    Result(String),
    /// The text of an error object.
    Error(String),
    /// Never.
    Silence,
}

impl Answer {
    /// An error.
    pub(crate) fn error(code: i64, message: &str) -> Self {
        Self::Error(json!({"code": code, "message": message}).to_string())
    }
}

impl From<Value> for Answer {
    fn from(result: Value) -> Self {
        Self::Result(result.to_string())
    }
}

impl From<&str> for Answer {
    fn from(result: &str) -> Self {
        Self::Result(result.to_owned())
    }
}

/// What goes out on the response of a POST.
pub(super) enum Said {
    /// A message before the response.
    Before(String),
    /// The response.
    Last(String),
}

/// One request that reached a test backend.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) id: Value,
    pub(crate) params: Value,
    pub(crate) headers: HeaderMap,
    pub(super) out: mpsc::UnboundedSender<Said>,
    pub(super) state: Arc<State>,
}

impl Call {
    /// Says something on the stream of this call.
    pub(crate) fn say(&self, message: &Value) {
        let _ = self.out.send(Said::Before(message.to_string()));
    }

    /// Reports progress under the token of the call.
    pub(crate) fn progress(&self, progress: u64) {
        let token = &self.params["_meta"]["progressToken"];
        self.notify(
            "notifications/progress",
            json!({"progressToken": token, "progress": progress}),
        );
    }

    /// Says a notification on the stream of this call.
    pub(crate) fn notify(&self, method: &str, params: Value) {
        self.say(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// Asks the client and waits for its whole response.
    pub(crate) async fn ask(&self, id: &str, method: &str, params: Value) -> Value {
        let (answered, answer) = oneshot::channel();
        self.state.expect_answer(id, answered);
        self.say(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        answer.await.unwrap_or(Value::Null)
    }

    /// Ends when the other side no longer reads this call's response.
    pub(crate) async fn gone(&self) {
        self.out.closed().await;
    }

    pub(super) fn finish(&self, answer: Answer) {
        let id = &self.id;
        let text = match answer {
            Answer::Result(result) => format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#),
            Answer::Error(error) => format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#),
            Answer::Silence => return,
        };
        let _ = self.out.send(Said::Last(text));
    }
}
