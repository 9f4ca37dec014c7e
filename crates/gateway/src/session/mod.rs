//! Legacy sessions: what a client said of itself, what it waits for, and what waits for it.

mod asks;
mod caller;
mod calls;
mod delegated;
mod event_id;
mod feed;
mod history;
mod key;
mod lasting;
mod listener;
mod own;
mod public;
mod registry;
mod rings;
mod state;
mod streams;
mod subscriptions;
mod token;
mod transport;
mod view;

pub use caller::{Caller, Principal};
pub use calls::{BusyError, InFlight};
pub use event_id::{EventId, NoEventId};
pub use feed::{FeedItem, FeedQueue, FeedReader};
pub(crate) use key::Key;
pub use listener::Saying;
pub(crate) use registry::{Bounds, Life, Sessions};
pub use registry::{SessionError, random_id};
pub use rings::{ResumeError, Said};
pub use state::{Reading, Session};
pub use streams::StreamReader;
pub(crate) use subscriptions::{MAX_SUBSCRIPTIONS, MAX_URI_BYTES, Noted};
pub use transport::Transport;
pub use view::SessionView;
