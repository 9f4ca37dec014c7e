//! The tasks behind one process: writer, reader and the one that tends it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use argus_protocol::line::{Line, LineDecoder, one_line};
use argus_runtime::{Child, Exit, StderrRing};
use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::duplex::{Demux, Queued};
use crate::tally::Volume;
use crate::{LinkError, process};

/// The longest message a process may write.
const MAX_MESSAGE: usize = 64 << 20;
/// How long an ended process may take to say how it ended once its stdout is closed, and the reverse. Both nearly always
/// come together, but on a busy machine it takes its guard a while to tell.
const LAST_WORDS: Duration = Duration::from_millis(900);
/// So many bytes are written together: what a pipe holds.
const TOGETHER: usize = 64 << 10;

/// Writes messages to stdin until told to stop, then closes it. A process that no longer reads, though it lives, is of
/// no more use.
pub(super) async fn write_lines<W: AsyncWrite + Unpin>(
    mut stdin: W,
    mut lines: Queued,
    demux: Arc<Demux>,
    volume: Arc<Volume>,
    stop: CancellationToken,
) {
    let written = stop
        .run_until_cancelled(write_all(&mut stdin, &mut lines, &demux, &volume))
        .await;
    if written.is_some() {
        drop(lines);
        // A process that ended tells better why; it is given the time to.
        let _ = timeout(LAST_WORDS * 2, stop.cancelled()).await;
        demux.end(LinkError::Closed("the process no longer reads its input".to_owned()));
        stop.cancel();
    }
}

/// Returns when the process no longer reads, or nothing can come any more.
async fn write_all<W: AsyncWrite + Unpin>(stdin: &mut W, lines: &mut Queued, demux: &Demux, volume: &Volume) {
    let mut buffer = BytesMut::new();
    while let Some(first) = lines.take().await {
        if demux.has_several_calls() {
            // Who is about to call comes first: one write then carries all their requests, and wakes the process once.
            tokio::task::yield_now().await;
        }
        add_line(&mut buffer, &first.message);
        while buffer.len() < TOGETHER
            && let Some(next) = lines.take_waiting()
        {
            add_line(&mut buffer, &next.message);
        }
        volume.send(buffer.len());
        if stdin.write_all_buf(&mut buffer).await.is_err() || stdin.flush().await.is_err() {
            return;
        }
    }
}

fn add_line(buffer: &mut BytesMut, message: &[u8]) {
    buffer.extend_from_slice(&one_line(message));
    buffer.extend_from_slice(b"\n");
}

/// Reads stdout to its end.
pub(super) async fn read_lines<R: AsyncRead + Unpin>(mut stdout: R, demux: Arc<Demux>, volume: &Volume) {
    let mut decoder = LineDecoder::new(MAX_MESSAGE);
    let mut chunk = BytesMut::with_capacity(64 << 10);
    loop {
        chunk.clear();
        match stdout.read_buf(&mut chunk).await {
            Ok(0) | Err(_) => return,
            Ok(bytes) => {
                volume.receive(bytes);
                decoder.feed(&chunk, |line| match line {
                    Line::Whole(text) => demux.take(text),
                    Line::TooLong => {
                        tracing::warn!(backend = %demux.server.backend, "a line of more than {MAX_MESSAGE} bytes was skipped");
                    }
                });
            }
        }
    }
}

/// What a process says before it is gone.
pub(super) struct LastWords {
    /// Ends when stdout is read to its end.
    pub(super) stdout: CancellationToken,
    /// Ends when stderr is read to its end.
    pub(super) stderr: CancellationToken,
    /// What it said on stderr.
    pub(super) lines: StderrRing,
}

/// Waits until the process ends, its stdout ends, or it is to be stopped; then ends the connection. `gone` is set when
/// nothing is left of the process.
pub(super) async fn tend(
    mut child: Child,
    demux: Arc<Demux>,
    last: LastWords,
    gone: Arc<AtomicBool>,
    stop: CancellationToken,
) {
    let cause = tokio::select! {
        exit = child.wait() => {
            gone.store(true, Ordering::Release);
            // What it wrote before it ended still counts.
            let _ = timeout(LAST_WORDS, last.stdout.cancelled()).await;
            last.process_ended(&exit).await
        }
        () = last.stdout.cancelled() => match stop.run_until_cancelled(timeout(LAST_WORDS, child.wait())).await {
            Some(Ok(exit)) => {
                gone.store(true, Ordering::Release);
                last.process_ended(&exit).await
            }
            _ => {
                demux.end(LinkError::Closed("the process closed its stdout".to_owned()));
                stop.cancel();
                child.stop().await;
                return;
            }
        },
        () = stop.cancelled() => {
            demux.end(LinkError::stopped());
            child.stop().await;
            return;
        }
    };
    stop.cancel();
    demux.end(cause);
}

impl LastWords {
    /// How the process ended, with what it said last.
    async fn process_ended(&self, exit: &Exit) -> LinkError {
        let _ = timeout(LAST_WORDS, self.stderr.cancelled()).await;
        process::ended(exit, &self.lines)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::Mutex;
    use std::task::{Context, Poll};

    use argus_protocol::Era;

    use super::*;
    use crate::duplex::{Conversation, Server};
    use crate::redact::Redactor;
    use crate::{FeedEvent, FeedSink, Outgoing};

    struct Nobody;

    impl FeedSink for Nobody {
        fn deliver(&self, _: FeedEvent) {}
    }

    /// The text of each write.
    #[derive(Default, Clone)]
    struct Writes(Arc<Mutex<Vec<String>>>);

    impl Writes {
        async fn until(&self, lines: usize) -> Vec<String> {
            loop {
                let writes = self.0.lock().unwrap().clone();
                if writes.concat().lines().count() >= lines {
                    return writes;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    }

    impl AsyncWrite for Writes {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            self.0.lock().unwrap().push(text);
            Poll::Ready(Ok(bytes.len()))
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn requests_of_callers_that_are_ready_together_are_written_together() {
        let (conversation, lines) = Conversation::new(Server {
            backend: "b".into(),
            era: Era::Legacy,
            owned: false,
            process: None,
            log: Arc::default(),
            redactor: Redactor::default(),
            sink: Arc::new(Nobody),
        });
        let (conversation, writes, stop) = (Arc::new(conversation), Writes::default(), CancellationToken::new());
        let demux = Arc::clone(conversation.demux());
        let writing = tokio::spawn(write_lines(writes.clone(), lines, demux, Arc::default(), stop.clone()));
        let first = conversation.call(Outgoing::own("first", None));
        writes.until(1).await;
        let done = stop.clone();
        let calling = tokio::spawn(async move {
            for _ in 0..20 {
                let (conversation, done) = (Arc::clone(&conversation), done.clone());
                tokio::spawn(async move {
                    let _call = conversation.call(Outgoing::own("next", None));
                    done.cancelled().await;
                });
            }
        });
        calling.await.unwrap();
        let written = writes.until(21).await;
        assert!(written.len() <= 3, "{written:?}");
        drop(first);
        stop.cancel();
        writing.await.unwrap();
    }
}
