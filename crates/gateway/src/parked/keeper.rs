//! Keeps one parked call.

use std::collections::VecDeque;
use std::sync::Arc;

use argus_protocol::{Answer, Raw, RpcError, code};
use argus_upstream::Ask;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Talk;
use crate::Event;
use crate::core::Core;
use crate::relay::Relay;

/// So many notifications, and so many bytes of them, wait for the client to come back; the oldest are dropped.
const MAX_SAID: usize = 64;
const MAX_SAID_BYTES: usize = 256 * 1024;
/// So many questions may wait beside those that the client has.
const MAX_LATER: usize = 16;
/// A larger answer is not kept for a client that is away.
const MAX_ANSWER: usize = 4 << 20;

/// A parked call, with all that happened while it was parked. Dropped, it is cancelled at the backend; its questions are
/// given up after that.
#[derive(Debug)]
pub(super) struct Held {
    /// The call; `None` when it has ended.
    pub(super) relay: Option<Box<Relay>>,
    /// How it ended.
    pub(super) outcome: Option<Answer>,
    /// What was asked until it ended.
    pub(super) talk: Option<Box<Talk>>,
    /// The questions that the client has, by key.
    pub(super) questions: Vec<(String, Ask)>,
    /// The questions that came later.
    pub(super) later: Vec<Ask>,
    /// What the backend notified of.
    pub(super) said: VecDeque<Event>,
    said_bytes: usize,
}

impl Held {
    pub(super) fn new(relay: Box<Relay>, questions: Vec<(String, Ask)>) -> Self {
        Self {
            relay: Some(relay),
            outcome: None,
            talk: None,
            questions,
            later: Vec::new(),
            said: VecDeque::new(),
            said_bytes: 0,
        }
    }

    /// What the call says next; never when it has ended.
    async fn next(&mut self) -> Option<Event> {
        match &mut self.relay {
            Some(relay) => relay.next().await,
            None => std::future::pending().await,
        }
    }

    fn take(&mut self, event: Option<Event>) {
        match event {
            Some(Event::Notification { method, params }) => {
                let event = Event::Notification { method, params };
                self.said_bytes += size_of(&event);
                self.said.push_back(event);
                while self.said.len() > MAX_SAID || self.said_bytes > MAX_SAID_BYTES {
                    let Some(dropped) = self.said.pop_front() else { break };
                    self.said_bytes -= size_of(&dropped);
                }
            }
            Some(Event::Ask(ask)) if self.later.len() >= MAX_LATER => {
                let why = "too many questions wait for this client already";
                let error = RpcError::new(code::INTERNAL_ERROR, why);
                ask.reply.answer(&Answer::Error(error.to_raw()));
            }
            Some(Event::Ask(ask)) => self.later.push(ask),
            Some(Event::AskWithdrawn(id)) => {
                self.questions.retain(|(_, ask)| *ask.reply.id() != id);
                self.later.retain(|ask| *ask.reply.id() != id);
            }
            Some(Event::Outcome(answer)) => self.end(kept(answer)),
            None => self.end(Answer::Error(
                RpcError::new(code::INTERNAL_ERROR, "the call ended without an answer").to_raw(),
            )),
        }
    }

    /// The call is over: others may have its link and its turn. What it asked nobody wants to know any more.
    fn end(&mut self, answer: Answer) {
        self.talk = self.relay.take().and_then(|mut relay| relay.talk.take());
        self.questions.clear();
        self.later.clear();
        self.outcome = Some(answer);
    }
}

/// The answer, unless it is too large to be kept.
fn kept(answer: Answer) -> Answer {
    let (Answer::Result(raw) | Answer::Error(raw)) = &answer;
    let size = raw.as_str().len();
    if size <= MAX_ANSWER {
        return answer;
    }
    let why = format!("the answer of {size} bytes came while nobody waited for it, and is too large to be kept");
    Answer::Error(RpcError::new(code::INTERNAL_ERROR, why).to_raw())
}

fn size_of(event: &Event) -> usize {
    match event {
        Event::Notification { params, .. } => params.as_ref().map_or(0, |raw: &Raw| raw.as_str().len()),
        _ => 0,
    }
}

/// The task that keeps a parked call.
pub(super) struct Keeper {
    core: Arc<Core>,
    number: u64,
    claimed: oneshot::Receiver<oneshot::Sender<Held>>,
    until: Instant,
    /// Cancelled when the connection of the client is over.
    connection: Option<CancellationToken>,
    held: Held,
}

impl Keeper {
    pub(super) fn new(
        core: Arc<Core>,
        number: u64,
        claimed: oneshot::Receiver<oneshot::Sender<Held>>,
        until: Instant,
        connection: Option<CancellationToken>,
        held: Held,
    ) -> Self {
        Self {
            core,
            number,
            claimed,
            until,
            connection,
            held,
        }
    }

    /// Keeps the call until the client is back, can no longer come back, or has taken too long.
    pub(super) async fn run(mut self) {
        let why = loop {
            tokio::select! {
                biased;
                claim = &mut self.claimed => {
                    if let Ok(back) = claim {
                        // A client that has left again gives the call up.
                        let _ = back.send(self.held);
                    }
                    return;
                }
                () = self.core.stopping.cancelled() => break "the gateway stops",
                () = over(self.connection.as_ref()) => break "the connection of its client is over",
                () = tokio::time::sleep_until(self.until) => break "its client did not answer in time",
                event = self.held.next() => self.held.take(event),
            }
        };
        self.core.parked.take(self.number);
        tracing::debug!("a call is given up, because {why}");
    }
}

/// Waits for the end of the connection, where there is one.
async fn over(connection: Option<&CancellationToken>) {
    match connection {
        Some(connection) => connection.cancelled().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held() -> Held {
        Held {
            relay: None,
            outcome: None,
            talk: None,
            questions: Vec::new(),
            later: Vec::new(),
            said: VecDeque::new(),
            said_bytes: 0,
        }
    }

    fn log(text: &str) -> Option<Event> {
        Some(Event::Notification {
            method: "notifications/message".into(),
            params: Some(Raw::string(text)),
        })
    }

    #[test]
    fn what_is_said_to_nobody_is_kept_within_bounds() {
        let mut many = held();
        (0..MAX_SAID * 3).for_each(|number| many.take(log(&number.to_string())));
        assert_eq!(many.said.len(), MAX_SAID);
        let Some(Event::Notification { params: Some(last), .. }) = many.said.back() else {
            panic!("nothing is kept")
        };
        assert_eq!(last.as_str(), format!("\"{}\"", MAX_SAID * 3 - 1), "the newest is lost");
        let mut large = held();
        let text = "x".repeat(MAX_SAID_BYTES / 4);
        (0..10).for_each(|_| large.take(log(&text)));
        assert_eq!(large.said.len(), 3);
        large.take(log(&"x".repeat(MAX_SAID_BYTES * 2)));
        assert!(large.said.is_empty() && large.said_bytes == 0);
    }

    #[test]
    fn an_answer_to_nobody_is_kept_unless_it_is_too_large() {
        for (size, fits) in [(MAX_ANSWER - 2, true), (MAX_ANSWER, false)] {
            let mut held = held();
            held.take(Some(Event::Outcome(Answer::Result(Raw::string(&"x".repeat(size))))));
            assert_eq!(matches!(held.outcome, Some(Answer::Result(_))), fits);
        }
    }
}
