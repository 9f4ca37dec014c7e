//! Listening to what a process writes for people.

use argus_runtime::{Lines, StderrRing};
use tokio::io::AsyncRead;
use tokio::time::timeout_at;

use super::Log;
use super::quota::Quota;
use super::text::harmless;
use crate::redact::Redactor;

/// Whose words they are, and where they are kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mouth<'a> {
    pub(crate) backend: &'a str,
    pub(crate) pid: u32,
    pub(crate) redactor: &'a Redactor,
    pub(crate) log: &'a Log,
}

impl Mouth<'_> {
    /// Keeps a line that is clean already.
    pub(super) fn say(&self, line: String) {
        self.log.push(Some(self.pid), line);
    }

    /// Keeps a line; gives what was kept.
    fn keep(&self, line: &str) -> String {
        let line = harmless(&self.redactor.clean(line));
        self.log.push(Some(self.pid), line.as_str());
        line
    }
}

/// Reads what a process says to its end: each line is logged at debug and kept in the backend's log, and in `last`,
/// without configured secrets. Of too many lines in a short time the rest is left out, and counted: whatever a process
/// writes, it is read at once and costs little. `stream` is the name of what is read.
pub(crate) async fn hear<R: AsyncRead + Unpin>(said: R, stream: &'static str, mouth: Mouth<'_>, last: &StderrRing) {
    let backend = mouth.backend;
    let keep = |line: &str| {
        let line = match stream {
            "stderr" => mouth.keep(line),
            _ => mouth.keep(&format!("{stream}: {line}")),
        };
        tracing::debug!(%backend, "{stream}: {line}");
        last.push(line);
    };
    let mut lines = Lines::new(said);
    let mut quota = Quota::new();
    let tell = |quota: &mut Quota| {
        let (count, line) = quota.take()?;
        let said = format!("[{count} lines were left out here: too many in a short time]");
        mouth.log.push(Some(mouth.pid), said);
        line
    };
    loop {
        let next = match quota.tell_at() {
            None => lines.next_line().await,
            Some(at) => match timeout_at(at, lines.next_line()).await {
                Ok(next) => next,
                Err(_) => {
                    tell(&mut quota);
                    continue;
                }
            },
        };
        match next {
            Ok(Some(line)) => {
                if quota.tell_at().is_some_and(|at| at <= tokio::time::Instant::now()) {
                    tell(&mut quota);
                }
                if let Some(line) = quota.admit(line) {
                    keep(&line);
                }
            }
            end => {
                // What it said last tells how it ended.
                if let Some(line) = tell(&mut quota) {
                    keep(&line);
                }
                if let Err(error) = end {
                    tracing::debug!(%backend, %error, "{stream} cannot be read");
                }
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    async fn heard(said: &[u8], stream: &'static str) -> (Vec<String>, StderrRing) {
        let (log, last, redactor) = (Arc::new(Log::default()), StderrRing::default(), Redactor::default());
        let mouth = Mouth {
            backend: "b",
            pid: 7,
            redactor: &redactor,
            log: &log,
        };
        hear(said, stream, mouth, &last).await;
        let lines = log.newest(usize::MAX).lines;
        (lines.iter().map(|line| line.text.clone()).collect(), last)
    }

    #[tokio::test(start_paused = true)]
    async fn lines_are_kept_and_those_of_stdout_marked() {
        assert_eq!(
            heard(b"a\n\x1b[1mb\xff", "stderr").await.0,
            ["a", "\\u{1b}[1mb\u{fffd}"]
        );
        assert_eq!(heard(b"a\n", "stdout").await.0, ["stdout: a"]);
    }

    #[tokio::test(start_paused = true)]
    async fn of_a_flood_the_first_and_the_last_lines_are_kept() {
        let flood: String = (0..5000).map(|number| format!("{number}\n")).collect();
        let (lines, last) = heard(flood.as_bytes(), "stderr").await;
        let end = ["[4000 lines were left out here: too many in a short time]", "4999"];
        assert_eq!(lines[lines.len() - 2..], end);
        assert_eq!(last.last().as_deref(), Some("4999"));
    }
}
