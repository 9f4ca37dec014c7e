//! The questions of a call that are to be put to the client.

use std::time::Duration;

use argus_protocol::{Answer, Id, RpcError, code};
use argus_upstream::Ask;
use tokio::time::Instant;

/// Questions that come so close together are put to the client at once.
const TOGETHER: Duration = Duration::from_millis(20);

/// So many questions are put to the client at once.
const MAX_TOGETHER: usize = 32;

/// Questions that are being gathered.
#[derive(Debug, Default)]
pub struct Asks {
    asks: Vec<Ask>,
    until: Option<Instant>,
}

impl Asks {
    /// Adds a question; the first one decides how long others are waited for. Too many at once are refused.
    pub fn add(&mut self, ask: Ask) {
        if self.asks.len() >= MAX_TOGETHER {
            let error = RpcError::new(code::INTERNAL_ERROR, "too many questions at once");
            return ask.reply.answer(&Answer::Error(error.to_raw()));
        }
        self.until.get_or_insert_with(|| Instant::now() + TOGETHER);
        self.asks.push(ask);
    }

    /// Takes a question out that the backend does not want to have answered any more.
    pub fn withdraw(&mut self, id: &Id) {
        self.asks.retain(|ask| ask.reply.id() != id);
        if self.asks.is_empty() {
            self.until = None;
        }
    }

    /// Waits for what comes next in the call; `None` when it is time to put the questions to the client.
    pub async fn gather<T>(&self, next: impl Future<Output = T>) -> Option<T> {
        match self.until {
            None => Some(next.await),
            Some(until) => tokio::time::timeout_at(until, next).await.ok(),
        }
    }

    /// Takes the questions out.
    #[must_use]
    pub fn take(&mut self) -> Vec<Ask> {
        self.until = None;
        std::mem::take(&mut self.asks)
    }
}
