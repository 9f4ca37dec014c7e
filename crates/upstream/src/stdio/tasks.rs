//! The tasks behind one process: writer, reader and the one that tends it.

use std::sync::Arc;
use std::time::Duration;

use argus_protocol::line::{Line, LineDecoder, one_line};
use argus_runtime::{Child, Exit, StderrRing};
use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

use crate::duplex::{Demux, Queued};
use crate::{LinkError, process};

/// The longest message a process may write.
const MAX_MESSAGE: usize = 64 << 20;
/// How long an ended process may take to say how it ended once its stdout is closed, and the reverse.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// Messages that are written together.
const TOGETHER: usize = 32;

/// Writes messages to stdin until told to stop, then closes it. A process that no longer reads, though it lives, is of
/// no more use.
pub(super) async fn write_lines<W: AsyncWrite + Unpin>(
    mut stdin: W,
    mut lines: Queued,
    demux: Arc<Demux>,
    stop: CancellationToken,
) {
    let written = stop.run_until_cancelled(write_all(&mut stdin, &mut lines)).await;
    if written.is_some() {
        drop(lines);
        // A process that ended tells better why; it is given the time to.
        let _ = tokio::time::timeout(LAST_WORDS * 2, stop.cancelled()).await;
        demux.end(LinkError::Closed("the process no longer reads its input".to_owned()));
        stop.cancel();
    }
}

/// Returns when the process no longer reads, or nothing can come any more.
async fn write_all<W: AsyncWrite + Unpin>(stdin: &mut W, lines: &mut Queued) {
    let mut batch = Vec::with_capacity(TOGETHER);
    let mut buffer = BytesMut::new();
    while lines.take_many(&mut batch, TOGETHER).await > 0 {
        for outbound in batch.drain(..) {
            buffer.extend_from_slice(&one_line(&outbound.message));
            buffer.extend_from_slice(b"\n");
        }
        if stdin.write_all_buf(&mut buffer).await.is_err() || stdin.flush().await.is_err() {
            return;
        }
    }
}

/// Reads stdout to its end.
pub(super) async fn read_lines<R: AsyncRead + Unpin>(mut stdout: R, demux: Arc<Demux>) {
    let mut decoder = LineDecoder::new(MAX_MESSAGE);
    let mut chunk = BytesMut::with_capacity(64 << 10);
    loop {
        chunk.clear();
        match stdout.read_buf(&mut chunk).await {
            Ok(0) | Err(_) => return,
            Ok(_) => decoder.feed(&chunk, |line| match line {
                Line::Whole(text) => demux.take(text),
                Line::TooLong => {
                    tracing::warn!(backend = %demux.server.backend, "a line of more than {MAX_MESSAGE} bytes was skipped");
                }
            }),
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

/// Waits until the process ends, its stdout ends, or it is to be stopped; then ends the connection.
pub(super) async fn tend(mut child: Child, demux: Arc<Demux>, last: LastWords, stop: CancellationToken) {
    let cause = tokio::select! {
        exit = child.wait() => {
            // What it wrote before it ended still counts.
            let _ = tokio::time::timeout(LAST_WORDS, last.stdout.cancelled()).await;
            last.process_ended(&exit).await
        }
        () = last.stdout.cancelled() => match tokio::time::timeout(LAST_WORDS, child.wait()).await {
            Ok(exit) => last.process_ended(&exit).await,
            Err(_) => {
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
        let _ = tokio::time::timeout(LAST_WORDS, self.stderr.cancelled()).await;
        process::ended(exit, &self.lines)
    }
}
