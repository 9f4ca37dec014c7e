//! A client at `/mcp`: each request has an answer of its own.

use std::collections::HashMap;

use argus_testkit::{Client, Exchange, Gateway, Launch};
use http::HeaderMap;
use serde_json::Value;

use super::{ARGUS, DECLARED, Of, Wire};
use crate::kinds::Era;

pub(crate) struct Http {
    client: Client,
    era: Era,
    answers: HashMap<String, Exchange>,
    /// The stream of a session for what belongs to no request.
    standing: Option<Exchange>,
    gateway: Gateway,
}

impl Wire for Http {
    async fn open(config: &Value, era: Era) -> Self {
        let gateway = Launch::new(ARGUS).start(config);
        let (client, standing) = match era {
            Era::Legacy => {
                let client = Client::legacy_of(gateway.port(), "2025-11-25", DECLARED).await;
                let standing = client.listen().await;
                (client, Some(standing))
            }
            Era::Modern => (Client::modern(gateway.port(), DECLARED), None),
        };
        Self {
            client,
            era,
            answers: HashMap::new(),
            standing,
            gateway,
        }
    }

    async fn request(&mut self, id: &str, method: &str, name: Option<&str>, message: &str) {
        let mut headers = HeaderMap::new();
        if self.era == Era::Modern {
            headers.insert("mcp-method", method.parse().unwrap());
            if let Some(name) = name {
                headers.insert("mcp-name", name.parse().unwrap());
            }
        }
        let answer = self.client.post(headers, message).await;
        self.answers.insert(id.to_owned(), answer);
    }

    async fn send(&mut self, message: &str) {
        assert_eq!(self.client.send(message).await, 202, "{message}");
    }

    async fn next(&mut self, of: Of<'_>) -> Option<String> {
        match of {
            Of::Request(id) => self.answers.get_mut(id).unwrap().next().await,
            Of::Nothing => self.standing.as_mut().unwrap().next().await,
        }
    }

    async fn leave(&mut self, id: &str) {
        self.answers.remove(id);
    }

    async fn has_answer(&mut self, id: &str) -> bool {
        match self.answers.remove(id) {
            Some(answer) => !answer.all().await.is_empty(),
            None => false,
        }
    }

    fn status(&self, id: &str) -> Option<u16> {
        Some(self.answers[id].status)
    }

    async fn close(self) {
        drop((self.answers, self.standing));
        self.gateway.stop();
    }
}
