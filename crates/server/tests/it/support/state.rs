//! What a test backend knows and saw.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::sync::{Mutex, MutexGuard};

use http::HeaderMap;
use serde_json::Value;
use tokio::sync::{broadcast, oneshot};

use super::backend::Handler;

/// The eras that a test backend speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaks {
    Legacy,
    Modern,
    Both,
}

/// A message or HTTP request that a test backend received.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// The method of MCP, `GET`, `DELETE`, or `response`.
    pub(crate) method: String,
    pub(crate) message: Value,
    /// The body as it was written.
    pub(crate) text: String,
    pub(crate) headers: HeaderMap,
}

pub(super) struct State {
    pub(super) speaks: Speaks,
    pub(super) handlers: HashMap<String, Handler>,
    pub(super) capabilities: Value,
    pub(super) instructions: Option<String>,
    pub(super) lists: Mutex<HashMap<&'static str, Vec<Value>>>,
    pub(super) seen: Mutex<Vec<Seen>>,
    pub(super) asked: Mutex<HashMap<String, oneshot::Sender<Value>>>,
    pub(super) standing: broadcast::Sender<Value>,
    pub(super) streams: AtomicUsize,
    pub(super) sessions: AtomicU64,
    pub(super) dead: AtomicBool,
    pub(super) ended: AtomicUsize,
    pub(super) given_up: AtomicUsize,
}

impl State {
    pub(super) fn expect_answer(&self, id: &str, answered: oneshot::Sender<Value>) {
        lock(&self.asked).insert(id.to_owned(), answered);
    }

    pub(super) fn list(&self, member: &'static str) -> Vec<Value> {
        lock(&self.lists).get(member).cloned().unwrap_or_default()
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}
