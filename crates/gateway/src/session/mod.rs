//! Legacy sessions: what a client said of itself, what it waits for, and what waits for it.

mod asks;
mod feed;
mod registry;
mod state;

pub use feed::{FeedItem, FeedQueue};
pub(crate) use registry::Sessions;
pub use registry::{SessionError, random_id};
pub(crate) use state::MAX_SUBSCRIPTIONS;
pub use state::{InFlight, Reading, Session};
