//! How clients are connected.

/// How a session's client is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Streamable HTTP.
    StreamableHttp,
    /// HTTP+SSE.
    Sse,
    /// Standard input and output.
    Stdio,
}

impl Transport {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::StreamableHttp, Self::Sse, Self::Stdio];
}
