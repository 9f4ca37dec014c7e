//! Taking what a client says: one message, or a batch.

use argus_gateway::Gateway;
use argus_protocol::{Frame, FrameError, Id, Message, version};

use super::answering::Answering;
use super::connection::{Connection, NotTaken};
use super::requests::{self, Asked};
use crate::mcp::answer;
use crate::mcp::legacy::MAX_BATCH;
use crate::mcp::messages::Item;
use crate::request_log::RequestLog;

/// What was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// The log has a line of it, or will have.
    Logged,
    /// One message that wants no answer: the log has no line of it.
    Unlogged,
}

/// Nothing was taken.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// The request that was refused, if it was one.
    pub(crate) id: Option<Id>,
    pub(crate) why: Why,
}

/// Why nothing was taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Why {
    /// Only 2025-03-26 has batches.
    #[error("{} has no batches; send the messages one by one", .0.unwrap_or("a client that is not initialized"))]
    NoBatches(Option<&'static str>),
    /// More than may be in one batch.
    #[error("a batch of {0} messages is too long; at most {MAX_BATCH} are taken")]
    LongBatch(usize),
    /// There is no room for more.
    #[error("{0}")]
    NotTaken(NotTaken),
}

/// Takes what came in `size` bytes: all of it, or nothing.
pub(crate) fn take(gateway: &Gateway, connection: &Connection, frame: Frame, size: usize) -> Result<Taken, Refusal> {
    match frame {
        Frame::One(message) => one(gateway, connection, message, size),
        Frame::Batch(parts) => batch(gateway, connection, parts, size).map_err(|why| Refusal { id: None, why }),
    }
}

fn one(gateway: &Gateway, connection: &Connection, message: Message, size: usize) -> Result<Taken, Refusal> {
    match Asked::of(message) {
        Ok(request) => {
            let id = request.id.clone();
            match hand_over(gateway, connection, vec![Ok(request)], size) {
                Ok(()) => Ok(Taken::Logged),
                Err(why) => Err(Refusal {
                    id: Some(id),
                    why: Why::NotTaken(why),
                }),
            }
        }
        Err(message) => {
            requests::said(gateway, &connection.client, message);
            Ok(Taken::Unlogged)
        }
    }
}

/// Takes a batch, which only 2025-03-26 has.
fn batch(
    gateway: &Gateway,
    connection: &Connection,
    parts: Vec<Result<Message, FrameError>>,
    size: usize,
) -> Result<Taken, Why> {
    let revision = connection.client.session().map(|session| session.version());
    if revision != Some(version::BATCHING) {
        return Err(Why::NoBatches(revision));
    }
    if parts.len() > MAX_BATCH {
        return Err(Why::LongBatch(parts.len()));
    }
    let mut asked = Vec::new();
    let mut said = Vec::new();
    for part in parts {
        match part.map(Asked::of) {
            Ok(Ok(request)) => asked.push(Ok(request)),
            Ok(Err(message)) => said.push(message),
            Err(error) => asked.push(Err(error)),
        }
    }
    hand_over(gateway, connection, asked, size).map_err(Why::NotTaken)?;
    for message in said {
        RequestLog::taken(connection.face, &message);
        requests::said(gateway, &connection.client, message);
    }
    Ok(Taken::Logged)
}

/// Hands what wants an answer over to the stream.
fn hand_over(
    gateway: &Gateway,
    connection: &Connection,
    asked: Vec<Result<Asked, FrameError>>,
    size: usize,
) -> Result<(), NotTaken> {
    let place = connection.place(asked.len(), size);
    connection.hand_over(asked, |part| match part {
        Ok(request) => requests::answering(gateway, connection, request, place.clone()),
        Err(error) => {
            RequestLog::unreadable(connection.face);
            Answering::now(Item::legacy(answer::unreadable(&error).message))
        }
    })
}
