//! The answers that one post is waited for.

use argus_protocol::{Answer, Frame, Id, Message, code, write};
use bytes::Bytes;

use super::place::Place;

/// Who hears what the endpoint says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    Client,
    /// The same, unless the request is refused for its headers.
    ClientUnlessMismatch,
    /// The request is the relay's own.
    Nobody,
}

/// The answers that one post is waited for.
pub(super) struct Answers<'a> {
    place: &'a Place,
    audience: Audience,
    /// The requests that are not answered yet.
    open: Vec<Id>,
    /// The last answer.
    pub(super) last: Option<Answer>,
    /// Why something was not answered.
    pub(super) failed: Option<String>,
}

impl<'a> Answers<'a> {
    pub(super) fn to(place: &'a Place, ids: &[Id], audience: Audience) -> Self {
        Self {
            place,
            audience,
            open: ids.to_vec(),
            last: None,
            failed: None,
        }
    }

    /// Whether all are there.
    pub(super) fn all(&self) -> bool {
        self.open.is_empty()
    }

    /// Takes a message or a batch of the endpoint. What is neither does not reach the client.
    pub(super) async fn take(&mut self, body: Bytes) {
        match Frame::parse(body.clone()) {
            Ok(Frame::One(message)) => self.note(message),
            Ok(Frame::Batch(parts)) => parts.into_iter().flatten().for_each(|message| self.note(message)),
            Err(error) => {
                tracing::warn!("{} says what is no message: {error}", self.place.url());
                return;
            }
        }
        if self.audience != Audience::Nobody {
            self.place.say(body).await;
        }
    }

    /// Whether a refusal is kept from the client, because the request may be made again with other headers.
    pub(super) fn keeps(&self, refusal: &Bytes) -> bool {
        self.audience == Audience::ClientUnlessMismatch
            && matches!(
                Frame::parse(refusal.clone()),
                Ok(Frame::One(Message::Response { answer: Answer::Error(error), .. }))
                    if argus_protocol::error::code_of(&error) == Some(code::HEADER_MISMATCH)
            )
    }

    /// Takes the words of a refusal; `false` when it has none.
    pub(super) async fn take_refusal(&mut self, body: Bytes) -> bool {
        let Ok(Frame::One(Message::Response { id, answer })) = Frame::parse(body.clone()) else {
            return false;
        };
        if id.is_some_and(|id| self.open.contains(&id)) {
            self.take(body).await;
            return true;
        }
        // A request that was refused before it was read is refused without its id.
        for id in std::mem::take(&mut self.open) {
            if self.audience != Audience::Nobody {
                self.place.say(write::response(Some(&id), &answer)).await;
            }
        }
        self.last = Some(answer);
        true
    }

    /// Answers with an error what is not answered.
    pub(super) async fn fail(&mut self, why: &str) {
        for id in std::mem::take(&mut self.open) {
            self.failed = Some(why.to_owned());
            if self.audience != Audience::Nobody {
                self.place.fail(&id, why).await;
            }
        }
    }

    fn note(&mut self, message: Message) {
        if let Message::Response { id: Some(id), answer } = message {
            self.open.retain(|open| *open != id);
            self.last = Some(answer);
        }
    }
}
