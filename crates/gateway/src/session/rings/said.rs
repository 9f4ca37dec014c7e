//! What is said on the stream of an answer.

use argus_protocol::{Answer, Frame, Id, Message, RpcError, code, write};
use bytes::Bytes;

/// What a kept event takes beside its message, in bytes.
pub(super) const OVERHEAD: usize = 64;

/// One message of an answer's stream.
#[derive(Debug, Clone)]
pub struct Said {
    /// The message.
    pub message: Bytes,
    /// Whether it is a response: those are not dropped to make room.
    pub is_response: bool,
}

impl Said {
    /// What it takes to keep it, in bytes.
    pub(super) fn cost(&self) -> usize {
        self.message.len() + OVERHEAD
    }

    /// What stands for a response that cannot be kept.
    pub(super) fn too_large(&self) -> Self {
        let why = format!(
            "the answer of {} bytes was too large to be kept for a client that was away; call again",
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
