//! What becomes of a backend's connections, for an operator. Configured secrets are not in the causes.

use std::time::Duration;

/// Something that became of a backend's shared connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life<'a> {
    /// The first attempt to connect begins, or the first after the connection was lost.
    Connecting,
    /// It is connected and has listed what it has.
    Ready(Arrival<'a>),
    /// The connection ended.
    Lost {
        /// How.
        cause: &'a str,
    },
    /// An attempt to connect failed.
    Failed {
        /// Why.
        cause: &'a str,
        /// How many attempts failed in a row.
        attempts: u32,
        /// When the next one follows.
        retry_in: Duration,
    },
    /// It is connected, but does not answer as it should.
    Degraded {
        /// What is wrong.
        cause: &'a str,
    },
    /// It answers as it should again.
    Recovered {
        /// For how long it did not.
        after: Option<Duration>,
    },
    /// It failed too often and is not called for a while.
    BreakerOpened {
        /// The last failure.
        cause: &'a str,
        /// How many there were in a row.
        failures: u32,
        /// When one call is tried.
        retry_in: Duration,
    },
    /// It is called again.
    BreakerClosed {
        /// For how long it was not, but for those that tried.
        after: Option<Duration>,
    },
    /// The connection that calls of legacy clients share ended, and is made anew.
    SharedLost {
        /// How.
        cause: &'a str,
    },
    /// The connection that calls of legacy clients share stands again.
    SharedBack,
}

/// How a backend became ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival<'a> {
    /// The revision of the protocol that was agreed on.
    pub version: &'a str,
    /// How many tools it listed.
    pub tools: usize,
    /// How many resources, templates apart.
    pub resources: usize,
    /// How many prompts.
    pub prompts: usize,
    /// The attempts that it took.
    pub attempts: u32,
    /// How long it was away; `None` when it was not there before.
    pub away: Option<Duration>,
    /// How often it became ready again since the gateway started.
    pub reconnects: u64,
}
