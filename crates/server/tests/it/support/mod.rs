//! A real gateway within the test, backends that answer from closures, and a client that decides about every header.

mod backend;
mod call;
mod gateway;
mod request;
mod response;
mod session;
mod sse;
mod state;
mod wire;

pub(crate) use backend::{Backend, Draft};
pub(crate) use call::{Answer, Call};
pub(crate) use gateway::Served;
pub(crate) use request::Request;
pub(crate) use response::{Open, Whole};
pub(crate) use session::{Session, names_in};
pub(crate) use sse::Sse;
pub(crate) use state::Seen;
pub(crate) use wire::Wire;

use std::time::Duration;

/// Longer than anything takes that works.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// Waits for something that must come, and fails the test when it does not.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(LIMIT, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what}: not within {LIMIT:?}"),
    }
}

/// Lets so many seconds go by at once. What comes of it comes in real time: while the clock stands still and all is
/// idle, it would be set to the next timer, also when bytes are on their way.
pub(crate) async fn pass(seconds: u64) {
    tokio::time::pause();
    for _ in 0..seconds {
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    tokio::time::resume();
}

/// Waits until `is` holds.
pub(crate) async fn until(what: &str, is: impl Fn() -> bool) {
    let waiting = async {
        while !is() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    soon(what, waiting).await;
}
