//! Calls over a pair of streams that carry the messages of all calls: stdin and stdout, or posts and an event stream.
//!
//! What comes is told apart by ids and progress tokens, and where it names neither, by what is in flight.

mod calls;
mod conversation;
mod demux;
mod junk;
mod mailbox;
mod queue;
mod silence;

pub(crate) use conversation::Conversation;
pub(crate) use demux::{Demux, Server};
pub(crate) use queue::{Outbound, Queued};
