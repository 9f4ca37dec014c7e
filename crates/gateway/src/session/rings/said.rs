//! What is said on the stream of an answer.

use argus_protocol::{Answer, Frame, Id, Message, RpcError, code, write};
use bytes::Bytes;

/// What a kept event takes beside its message, in bytes.
pub(super) const OVERHEAD: usize = 64;

/// How a request to the client is written ([`write::request`]).
const QUESTION: &[u8] = br#"{"jsonrpc":"2.0","id":"#;

/// One message of an answer's stream.
#[derive(Debug, Clone)]
pub struct Said {
    /// The message.
    pub message: Bytes,
    /// Whether it is a response: those are not dropped to make room.
    pub is_response: bool,
}

impl Said {
    /// Whether it is dropped where room is needed: a notification. A question is not: the call waits for its answer.
    pub(super) fn may_go(&self) -> bool {
        !self.is_response && !self.message.starts_with(QUESTION)
    }

    /// What it takes to keep it, in bytes.
    pub(super) fn cost(&self) -> usize {
        self.message.len() + OVERHEAD
    }

    /// What stands for a response that cannot be kept.
    pub(super) fn too_large(&self) -> Self {
        let why = format!(
            "the answer of {} bytes could not be kept for a client that was away, for want of room; call again",
            self.message.len()
        );
        let error = Answer::Error(RpcError::new(code::INTERNAL_ERROR, why).to_raw());
        Self {
            message: write::response(id_of(&self.message).as_ref(), &error),
            is_response: true,
        }
    }
}

/// The id that a response answers.
fn id_of(message: &Bytes) -> Option<Id> {
    match Frame::parse(message.clone()) {
        Ok(Frame::One(Message::Response { id, .. })) => id,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_notifications_go_where_room_is_needed() {
        let may_go = |message: Bytes, is_response| Said { message, is_response }.may_go();
        assert!(may_go(write::notification("notifications/progress", None), false));
        assert!(!may_go(
            write::request(&Id::number(7), "elicitation/create", None),
            false
        ));
        let answer = Answer::Result(argus_protocol::Raw::empty_object());
        assert!(!may_go(write::response(Some(&Id::number(7)), &answer), true));
    }
}
