//! What a client says and hears where all that answers it comes on one stream: what HTTP+SSE and stdio share.
//!
//! ```text
//! a POST, or a line ── intake ── requests ──> Connection ══> Conversation ── outgoing ──> the stream, or stdout
//!                                             what is taken   what is said
//! ```

mod answering;
mod budget;
mod client;
mod connection;
mod conversation;
mod feed;
mod in_flight;
mod intake;
mod load;
mod outgoing;
mod requests;

pub(crate) use budget::Budget;
pub(crate) use connection::{Connection, NotTaken};
pub(crate) use conversation::Conversation;
pub(crate) use intake::{Refusal, Taken, Why, take};
pub(crate) use outgoing::{Outgoing, Reading, queue, sole_queue};
