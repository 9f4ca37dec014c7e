//! Waiting for things, and looking at processes.

use std::time::Duration;

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

/// Looks are counted, not time: what holds up this process also holds up what it waits for.
pub(crate) async fn until_some<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    for _ in 0..limit.as_millis() / 5 {
        if let Some(found) = look() {
            return Some(found);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    look()
}
