//! What a server says, on its way to stdout or into an HTTP answer.

use tokio::sync::mpsc;

/// One thing to say.
#[derive(Debug)]
pub(crate) enum Out {
    /// A message, or anything else that is one line on stdout.
    Line(String),
    /// Messages that go out in one piece.
    Lines(Vec<String>),
    /// The answer to the request; over HTTP nothing follows.
    Answer(String),
    /// Bytes without the end of a line.
    Bytes(Vec<u8>),
    /// The end of stdout.
    Close,
    /// The end of the process.
    Exit(i32),
    /// An HTTP answer without a message.
    Status(u16),
    /// The content type of the HTTP answer.
    Type(String),
}

/// Where to say it.
pub(crate) type Way = mpsc::UnboundedSender<Out>;
