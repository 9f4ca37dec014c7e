//! What happened, for operators: the newest events, and who follows them.
//!
//! Whoever has something to tell calls [`Events::publish`]. It is kept in a bounded ring; who follows reads the ring at
//! its own pace and is told when it came too late for some of it. So nobody who reads can keep anybody who publishes.

mod backends;
mod catalogue;
mod event;
mod following;
mod id;
mod ring;
mod sessions;

pub use event::{Event, News, Severity, Stage};
pub use following::Following;
pub use ring::Events;

pub(crate) use backends::BackendNews;
pub(crate) use catalogue::tell_changes;
pub(crate) use sessions::{SessionEnd, SessionNews};
