//! What connections say of a task before anybody is known to have begun it: the answer that says so may come after.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use argus_protocol::{ByteString, Raw};
use tokio::time::Instant;

/// So many are kept of one backend.
const MOST: usize = 64;
/// Longer ones are not kept.
const MAX_BYTES: usize = 4 * 1024;
/// For so long.
const KEPT: Duration = Duration::from_secs(1);

/// The last such notifications of each backend.
#[derive(Debug, Default)]
pub(crate) struct Early(Mutex<HashMap<Arc<str>, VecDeque<Said>>>);

#[derive(Debug)]
struct Said {
    at: Instant,
    task: ByteString,
    method: ByteString,
    params: Raw,
}

impl Early {
    /// Keeps what was said of a task that is nobody's yet; `false` where it is too much.
    pub(super) fn keep(&self, backend: &str, task: ByteString, method: &ByteString, params: &Raw) -> bool {
        if params.as_str().len() > MAX_BYTES {
            return false;
        }
        let said = Said {
            at: Instant::now(),
            task,
            method: method.clone(),
            params: params.clone(),
        };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let there = match kept.get_mut(backend) {
            Some(there) => there,
            None => kept.entry(backend.into()).or_default(),
        };
        there.retain(|said| said.at.elapsed() < KEPT);
        if there.len() >= MOST {
            there.pop_front();
        }
        there.push_back(said);
        true
    }

    /// Takes what was said of a task: the methods and the parameters.
    pub(super) fn take(&self, backend: &str, task: &str) -> Vec<(ByteString, Raw)> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(there) = kept.get_mut(backend) else {
            return Vec::new();
        };
        there.retain(|said| said.at.elapsed() < KEPT);
        let (taken, left): (Vec<_>, Vec<_>) = there.drain(..).partition(|said| said.task == task);
        there.extend(left);
        taken.into_iter().map(|said| (said.method, said.params)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_nobody_takes_is_gone_soon() {
        let early = Early::default();
        let keep = |task: String, text: &str| {
            let params = Raw::parse(text.to_owned()).unwrap();
            early.keep("b", task.into(), &ByteString::from_static("m"), &params)
        };
        for number in 0..=MOST {
            assert!(keep(number.to_string(), "{}"));
        }
        assert!(!keep("long".into(), &format!("\"{}\"", "x".repeat(MAX_BYTES))));
        assert!(early.take("b", "0").is_empty() && early.take("c", "1").is_empty());
        assert_eq!((early.take("b", "1").len(), early.take("b", "1").len()), (1, 0));
        tokio::time::advance(KEPT).await;
        assert!(early.take("b", "2").is_empty());
    }
}
