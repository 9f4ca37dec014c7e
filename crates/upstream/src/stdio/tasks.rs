//! The tasks behind one process: writer, reader and the one that tends it.

use std::sync::Arc;
use std::time::Duration;

use argus_protocol::line::{Line, LineDecoder};
use argus_runtime::{Child, Exit, StderrRing};
use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::demux::Demux;
use crate::LinkError;

/// The longest message a process may write.
const MAX_MESSAGE: usize = 64 << 20;
/// How long an ended process may take to say how it ended once its stdout is closed, and the reverse.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// Messages that are written together.
const TOGETHER: usize = 32;

/// Writes messages to stdin until told to stop, then closes it.
pub(super) async fn write_lines<W: AsyncWrite + Unpin>(
    mut stdin: W,
    mut lines: mpsc::Receiver<Bytes>,
    stop: CancellationToken,
) {
    let mut batch = Vec::with_capacity(TOGETHER);
    let mut buffer = BytesMut::new();
    loop {
        let got = tokio::select! {
            biased;
            got = lines.recv_many(&mut batch, TOGETHER) => got,
            () = stop.cancelled() => 0,
        };
        if got == 0 {
            return;
        }
        for line in batch.drain(..) {
            buffer.extend_from_slice(&line);
            buffer.extend_from_slice(b"\n");
        }
        let written = tokio::select! {
            written = stdin.write_all_buf(&mut buffer) => written.is_ok(),
            () = stop.cancelled() => false,
        };
        if !written || stdin.flush().await.is_err() {
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
                    tracing::warn!(backend = %demux.backend, "a line of more than {MAX_MESSAGE} bytes was skipped");
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
            child.stop().await;
            LinkError::Closed("the backend was stopped".to_owned())
        }
    };
    stop.cancel();
    demux.end(cause);
}

impl LastWords {
    /// How the process ended, with what it said last.
    async fn process_ended(&self, exit: &Exit) -> LinkError {
        let _ = tokio::time::timeout(LAST_WORDS, self.stderr.cancelled()).await;
        let said = self
            .lines
            .last()
            .map(|line| format!("; last line on stderr: {line}"))
            .unwrap_or_default();
        LinkError::Closed(format!("the process ended ({exit}){said}"))
    }
}
