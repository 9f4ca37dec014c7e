//! Putting a load on one way and reading the clocks.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use tempfile::TempDir;

use crate::arguments::Arguments;
use crate::client::{Ask, Client, Message};
use crate::peer::Peer;
use crate::way::Target;
use crate::wrk::{Load, Wrk};
use crate::{argus, cpu, sessions};

/// Sessions that the calls of session clients are spread over.
const SESSIONS: usize = 32;
/// Different requests that are sent in turn. A session refuses an id that is in flight, so an id must not come again
/// before it is answered.
const MESSAGES: usize = 2048;
/// What goes before every measurement: so many connections, for a second.
const WARM_UP: u32 = 8;

/// What all measurements share.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) argus: PathBuf,
    pub(crate) quick: bool,
    wrk: Wrk,
    seconds: u32,
    _folder: TempDir,
}

/// What one load cost.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    pub(crate) load: Load,
    /// The time that the process in between used per call.
    pub(crate) cpu: Option<Duration>,
}

impl Bench {
    /// Prepares the generator and finds the gateway.
    ///
    /// # Errors
    /// When the gateway is not there.
    pub(crate) fn prepare(arguments: &Arguments) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        Ok(Self {
            argus: argus::program(arguments.argus.as_deref())?,
            quick: arguments.quick,
            wrk: Wrk::in_folder(folder.path())?,
            seconds: arguments.seconds(),
            _folder: folder,
        })
    }

    /// The requests of one kind of client to one target, after the answer to the first was looked at.
    ///
    /// # Errors
    /// When the target does not answer as it should.
    pub(crate) async fn requests(&self, target: &Target, client: Client, ask: Ask) -> anyhow::Result<Vec<Message>> {
        let sessions = match client {
            Client::Modern | Client::Asked => Vec::new(),
            Client::Session => sessions::open(target.port, SESSIONS).await?,
        };
        let message = |id: usize| {
            let session = sessions.get(id % SESSIONS).map(String::as_str);
            client.request(id, ask, session)
        };
        let messages: Vec<Message> = (1..=MESSAGES).map(message).collect();
        if let Some(first) = messages.first() {
            let result = Peer::connect(target.port).await?.result(first).await?;
            ensure!(
                is_answer(&result, ask),
                "{}: {client}: a wrong answer: {result}",
                target.way
            );
        }
        self.wrk.run(target.port, &messages, WARM_UP, 1).await?;
        Ok(messages)
    }

    /// Sends `messages` in turn on this many connections.
    ///
    /// # Errors
    /// When a request fails.
    pub(crate) async fn load(
        &self,
        target: &Target,
        messages: &[Message],
        connections: u32,
    ) -> anyhow::Result<Measured> {
        let gateway: Vec<_> = target.gateway.into_iter().collect();
        let before = cpu::used(&gateway)?;
        let load = self.wrk.run(target.port, messages, connections, self.seconds).await;
        let load = load.with_context(|| target.way.to_string())?;
        let used = cpu::used(&gateway)?.saturating_sub(before);
        let cpu = target.gateway.map(|_| used.div_f64(load.calls as f64));
        Ok(Measured { load, cpu })
    }

    /// Sends `messages` in turn until at least `calls` were answered.
    ///
    /// # Errors
    /// When a request fails.
    pub(crate) async fn calls(&self, target: &Target, messages: &[Message], calls: u64) -> anyhow::Result<u64> {
        let mut done = 0;
        while done < calls {
            done += self.wrk.run(target.port, messages, SESSIONS as u32, 1).await?.calls;
        }
        Ok(done)
    }
}

/// Whether a result is one of the backend.
fn is_answer(result: &str, ask: Ask) -> bool {
    let result: serde_json::Value = serde_json::from_str(result).unwrap_or_default();
    match ask {
        Ask::Call(_) => result["content"][0]["text"]
            .as_str()
            .is_some_and(|text| text.starts_with("xxx")),
        Ask::List => {
            result["tools"].as_array().is_some_and(|tools| !tools.is_empty()) && result["nextCursor"].is_null()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_no_answers() {
        let call = Ask::Call("small");
        assert!(is_answer(r#"{"content":[{"type":"text","text":"xxxx"}]}"#, call));
        assert!(!is_answer(
            r#"{"content":[{"type":"text","text":"no such tool"}],"isError":true}"#,
            call
        ));
        assert!(is_answer(r#"{"tools":[{}]}"#, Ask::List));
        assert!(!is_answer(r#"{"tools":[{}],"nextCursor":"x"}"#, Ask::List));
    }
}
