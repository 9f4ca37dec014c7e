//! What the system knows of this process.

use std::fmt::Result;
use std::time::{SystemTime, UNIX_EPOCH};

use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage};
use nix::sys::time::TimeValLike;

use super::names;
use super::page::Page;

/// Writes what can be known; a system without `/proc` tells less.
pub(super) fn write(page: &mut Page<'_>, started: SystemTime) -> Result {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = |field| number(&status, field).map(|size| size * 1024);
    if let Some(seconds) = cpu_seconds() {
        page.counter(&names::PROCESS_CPU, seconds)?;
    }
    page.gauge(&names::PROCESS_RESIDENT, kilobytes("VmRSS:"))?;
    page.gauge(&names::PROCESS_VIRTUAL, kilobytes("VmSize:"))?;
    page.gauge(&names::PROCESS_OPEN_FDS, open_fds())?;
    let most = getrlimit(Resource::RLIMIT_NOFILE).ok().map(|(soft, _)| soft);
    page.gauge(&names::PROCESS_MAX_FDS, most)?;
    page.gauge(&names::PROCESS_THREADS, number(&status, "Threads:"))?;
    let since = started.duration_since(UNIX_EPOCH).ok();
    page.gauge(&names::PROCESS_START, since.map(|since| since.as_secs_f64()))
}

/// The number of a field of `/proc/self/status`.
fn number(status: &str, field: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(field))?;
    value.split_whitespace().next()?.parse().ok()
}

fn cpu_seconds() -> Option<f64> {
    let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    let micros = u64::try_from(micros).ok()?;
    Some(std::time::Duration::from_micros(micros).as_secs_f64())
}

fn open_fds() -> Option<usize> {
    let all = std::fs::read_dir("/proc/self/fd").ok()?.count();
    // One of them is that of the folder.
    all.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_names() {
        let status = "Name:\targus-mcp\nVmSize:\t  123456 kB\nVmRSS:\t    9876 kB\nThreads:\t7\n";
        assert_eq!(number(status, "VmRSS:"), Some(9876));
        assert_eq!(number(status, "Threads:"), Some(7));
        assert_eq!(number(status, "Nothing:"), None);
    }
}
