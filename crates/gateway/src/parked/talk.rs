//! What a call and its client have said to each other so far, in several rounds.

use std::collections::VecDeque;
use std::time::Duration;

use argus_protocol::{Raw, method, token};
use tokio::time::Instant;

use crate::Event;

/// The rounds of a call.
#[derive(Debug, Default)]
pub(crate) struct Talk {
    /// How many questions were put to the client; no two have the same key.
    asked: u64,
    /// How long the client may take for the questions that it has.
    until: Option<Instant>,
    /// Whether the client is away.
    away: bool,
    /// What the client is told first when it is back.
    pub(crate) early: VecDeque<Event>,
    /// The progress token of the request with which the client came back last, if it came back.
    token: Option<Option<Raw>>,
}

impl Talk {
    /// The key of the next question.
    pub(super) fn next_key(&mut self) -> String {
        self.asked += 1;
        format!("q{}", self.asked)
    }

    /// The client has the questions, and nobody waits for the call.
    pub(super) fn leave(&mut self) {
        self.away = true;
    }

    /// Whether nobody waits for the call.
    pub(crate) fn is_away(&self) -> bool {
        self.away
    }

    /// When the client must have answered. Questions that it leaves open are put to it again, but not for longer.
    pub(super) fn answer_until(&mut self, lifetime: Duration) -> Instant {
        *self.until.get_or_insert_with(|| Instant::now() + lifetime)
    }

    /// The client is back.
    pub(super) fn back(&mut self, token: Option<Raw>, all_answered: bool) {
        self.away = false;
        self.token = Some(token);
        if all_answered {
            self.until = None;
        }
    }

    /// The parameters of a notification as the client knows them: progress has the token of the request on whose stream
    /// it is told. `None` for progress that this request did not ask for.
    #[allow(
        clippy::option_option,
        reason = "parameters may be missing, and the notification too"
    )]
    pub(crate) fn retold(&self, method: &str, params: Option<Raw>) -> Option<Option<Raw>> {
        match (&self.token, &params) {
            (Some(Some(token)), Some(raw)) if method == method::PROGRESS => token::restore(raw, token).map(Some),
            (Some(None), _) if method == method::PROGRESS => None,
            _ => Some(params),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Raw {
        Raw::parse(text.to_owned()).unwrap()
    }

    #[test]
    fn progress_has_the_token_of_the_last_request() {
        let mut talk = Talk::default();
        let progress = Some(raw(r#"{"progressToken":"a","progress":1.0}"#));
        assert_eq!(talk.retold(method::PROGRESS, progress.clone()), Some(progress.clone()));
        talk.back(Some(raw("7")), true);
        assert_eq!(
            talk.retold(method::PROGRESS, progress.clone()),
            Some(Some(raw(r#"{"progressToken":7,"progress":1.0}"#)))
        );
        assert_eq!(talk.retold(method::LOG, None), Some(None));
        talk.back(None, true);
        assert_eq!(talk.retold(method::PROGRESS, progress), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_that_is_put_again_has_no_more_time() {
        let lifetime = Duration::from_secs(600);
        let mut talk = Talk::default();
        let first = talk.answer_until(lifetime);
        tokio::time::advance(lifetime / 2).await;
        talk.back(None, false);
        assert_eq!(talk.answer_until(lifetime), first);
        talk.back(None, true);
        assert_eq!(talk.answer_until(lifetime), first + lifetime / 2);
    }
}
