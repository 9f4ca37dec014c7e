//! Legacy sessions: what a client said of itself, what it waits for, and what waits for it.

mod asks;
mod feed;
mod level;
mod registry;
mod state;

pub use feed::{FeedItem, FeedQueue};
pub(crate) use level::Level;
pub use registry::SessionError;
pub(crate) use registry::Sessions;
pub use state::{InFlight, Session};
