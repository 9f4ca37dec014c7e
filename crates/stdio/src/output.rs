//! What the client reads: one message is one line.

use std::io;

use argus_protocol::line::one_line;
use bytes::{BufMut, Bytes, BytesMut};
use futures::{Stream, StreamExt};
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// Messages that are there already are written together, up to so many bytes.
const TOGETHER: usize = 64 << 10;

/// Writes messages until there are no more.
///
/// # Errors
/// When nobody reads them.
pub(crate) async fn write(mut output: impl AsyncWrite + Unpin, messages: impl Stream<Item = Bytes>) -> io::Result<()> {
    let mut messages = std::pin::pin!(messages.ready_chunks(64));
    let mut lines = BytesMut::new();
    while let Some(some) = messages.next().await {
        for message in some {
            lines.put_slice(&one_line(&message));
            lines.put_u8(b'\n');
            if lines.len() >= TOGETHER {
                output.write_all(&lines).await?;
                lines = BytesMut::new();
            }
        }
        output.write_all(&lines).await?;
        output.flush().await?;
        lines.clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_message_is_one_line() {
        let mut written = Vec::new();
        let large = format!("\"{}\"", "x".repeat(TOGETHER));
        let messages = ["{}".to_owned(), large.clone(), "{\n\"a\":\r\n1}".to_owned()];
        let stream = futures::stream::iter(messages.map(Bytes::from));
        write(&mut written, stream).await.unwrap();
        let expected = format!("{{}}\n{large}\n{{ \"a\":  1}}\n");
        assert_eq!(String::from_utf8(written).unwrap(), expected);
    }

    #[tokio::test]
    async fn a_reader_that_is_gone_is_noticed() {
        let (ours, theirs) = tokio::io::duplex(10);
        drop(theirs);
        let endless = futures::stream::repeat(Bytes::from_static(b"{}"));
        assert!(write(ours, endless).await.is_err());
    }
}
