//! What a tool sees of the call it serves: a way to report, to log, to ask and to announce, the same in both eras.

use std::sync::Arc;

use argus_protocol::{meta, method};
use serde_json::{Value, json};

use crate::ask::{Ask, Stop};
use crate::legacy::Session;
use crate::message::{self, Object};
use crate::modern::Turn;
use crate::outbox::Outbox;
use argus_protocol::Level;

/// One request in the hands of a tool.
pub(crate) struct Call {
    outbox: Outbox,
    progress_token: Option<Value>,
    client: Client,
}

/// Who called: an era's idea of the client.
pub(crate) enum Client {
    /// A session opened with a handshake.
    Legacy(Arc<Session>),
    /// A request that stands alone.
    Modern(Turn),
}

/// A change of what a server offers.
pub(crate) enum Change {
    /// The list of tools.
    Tools,
    /// The list of resources.
    Resources,
    /// The contents of this resource.
    Resource(String),
}

impl Call {
    /// A call with these params.
    pub(crate) fn new(outbox: Outbox, params: &Object, client: Client) -> Self {
        let progress_token = message::meta(params)
            .and_then(|found| found.get(meta::PROGRESS_TOKEN))
            .cloned();
        Self {
            outbox,
            progress_token,
            client,
        }
    }

    /// Reports progress, if the client asked for reports.
    pub(crate) async fn progress(&self, done: u64, total: u64, message: &str) {
        let Some(token) = &self.progress_token else { return };
        let params = json!({ "progressToken": token, "progress": done, "total": total, "message": message });
        self.outbox.notify(method::PROGRESS, params).await;
    }

    /// Logs a message, if the client wants that level.
    pub(crate) async fn log(&self, level: Level, logger: &str, data: &str) {
        let least = match &self.client {
            Client::Legacy(session) => Some(session.level()),
            Client::Modern(turn) => turn.log_level(),
        };
        if least.is_some_and(|least| level >= least) {
            let params = json!({ "level": level.name(), "logger": logger, "data": data });
            self.outbox.notify(method::LOG, params).await;
        }
    }

    /// Asks the client. In the legacy era this waits for the answer; in the modern era the tool ends here and runs
    /// again from its start when the answer has come, so what precedes an ask must bear repetition.
    /// `key` tells the asks of one tool apart.
    pub(crate) async fn ask(&self, key: &'static str, ask: Ask) -> Result<Value, Stop> {
        match &self.client {
            Client::Legacy(session) => session.ask(ask).await,
            Client::Modern(turn) => turn.ask(key, ask),
        }
    }

    /// Tells those who want to know that something changed.
    pub(crate) async fn announce(&self, change: Change) {
        match &self.client {
            Client::Legacy(session) => session.announce(change).await,
            Client::Modern(turn) => turn.announce(change).await,
        }
    }
}
