//! Waiting for things, and looking at processes.

use std::time::{Duration, Instant};

/// Whether there is no such process any more. One that has ended but was not waited for counts as gone.
#[must_use]
pub fn is_gone(pid: u32) -> bool {
    match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Err(_) => true,
        Ok(stat) => stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" Z")),
    }
}

/// Waits until something holds; `false` when it does not in time.
pub async fn until(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    until_some(limit, || holds().then_some(())).await.is_some()
}

pub(crate) async fn until_some<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if began.elapsed() > limit {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
