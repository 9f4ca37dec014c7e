//! MCP servers inside the binary (`argus-mcp example <name>`), for demos and tests.
//!
//! Each speaks both eras over one pair of streams; the first message decides which. The way through the crate:
//! `connection` reads lines and decides the era, `legacy` and `modern` hold what is particular to each,
//! `operation` turns a method into a question to an `example::Example`, and `time` and `echo` answer it.

mod arguments;
mod ask;
mod call;
mod connection;
mod echo;
mod example;
mod fault;
mod legacy;
mod locked;
mod message;
mod modern;
mod operation;
mod outbox;
mod seal;
mod time;

use std::sync::Arc;

use thiserror::Error;
use tokio::io::{AsyncBufRead, AsyncWrite, BufReader};

use connection::serve;
use seal::Seal;

/// The servers in this crate: name and one line about each.
pub const NAMES: &[(&str, &str)] = &[
    ("time", "Tells the time in any time zone and converts between zones."),
    (
        "echo",
        "Shows every MCP feature: tools, notes as resources, prompts, progress, logs, questions to the client.",
    ),
];

/// Why an example server could not run.
#[derive(Debug, Error)]
pub enum ExampleError {
    /// There is no server of that name.
    #[error("there is no example server named `{0}`; the names are {names}", names = names())]
    UnknownName(String),
    /// The system gives no random bytes, so nothing can be sealed.
    #[error("the system gives no random bytes: {0}")]
    NoRandomness(#[from] getrandom::Error),
    /// Reading or writing a message failed.
    #[error("the connection to the client broke: {0}")]
    Io(#[from] std::io::Error),
}

/// Serves the example `name` over a pair of streams, one JSON-RPC message per line, until `input` ends.
///
/// # Errors
/// An unknown name, no randomness, or a broken stream. What the client does wrong is answered, not returned.
pub async fn run(
    name: &str,
    input: impl AsyncBufRead + Unpin + Send,
    output: impl AsyncWrite + Unpin + Send,
) -> Result<(), ExampleError> {
    let clock: Clock = Arc::new(jiff::Timestamp::now);
    let seal = Seal::new(random_key()?);
    match name {
        "time" => serve(time::Time::new(Arc::clone(&clock)), clock, seal, input, output).await,
        "echo" => serve(echo::Echo::default(), clock, seal, input, output).await,
        _ => Err(ExampleError::UnknownName(name.to_owned())),
    }
}

/// Serves the example `name` over this process's standard input and output, until the input ends.
///
/// After an error the input may still be waited for by a thread of the runtime: end the process with an exit code
/// instead of waiting for the runtime to shut down.
///
/// # Errors
/// As [`run`].
pub async fn run_stdio(name: &str) -> Result<(), ExampleError> {
    run(name, BufReader::new(tokio::io::stdin()), tokio::io::stdout()).await
}

/// Where the time comes from; a parameter so that tests can hold it still.
type Clock = Arc<dyn Fn() -> jiff::Timestamp + Send + Sync>;

fn random_key() -> Result<[u8; 32], getrandom::Error> {
    let mut key = [0; 32];
    getrandom::fill(&mut key)?;
    Ok(key)
}

fn names() -> String {
    NAMES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}
