//! How many files and connections may be open at once.

use argus_config::Config;
use nix::sys::resource::{Resource, getrlimit};

use super::finding::Finding;

const NAME: &str = "open files";
/// The gateway itself: logs, timers, the journal.
const OWN: u64 = 64;
/// A backend: pipes and control sockets of some processes, or connections.
const EACH: u64 = 24;
/// Connections of clients that one would like to have room for.
const CLIENTS: u64 = 500;

pub(super) fn check(config: Option<&Config>) -> Option<Finding> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    let backends = u64::try_from(config.map_or(0, |config| config.backends.len())).unwrap_or(u64::MAX);
    let needed = backends.saturating_mul(EACH).saturating_add(OWN);
    let message = format!("{soft} may be open at once; the backends may need {needed}, and each client one");
    let remedy = format!("ulimit -n 65536, or LimitNOFILE= of the service (the hard limit is {hard})");
    Some(match soft {
        soft if soft < needed => Finding::error(NAME, message, remedy),
        soft if soft < needed.saturating_add(CLIENTS) => Finding::warning(NAME, message, remedy),
        _ => Finding::ok(NAME, message),
    })
}
