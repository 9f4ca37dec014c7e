//! The memory that processes have.

use anyhow::Context;
use nix::unistd::Pid;

/// Resident memory in KiB (`VmRSS`).
///
/// # Errors
/// When the process is gone.
pub(crate) fn resident(process: Pid) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    resident_in(&status).context("the system does not tell the resident memory")
}

fn resident_in(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_found() {
        assert_eq!(
            resident_in("VmHWM:\t  9 kB\nVmRSS:\t   15360 kB\nRssAnon:\t 1 kB\n"),
            Some(15360)
        );
        assert_eq!(resident_in("Name:\tx\n"), None);
        assert!(resident(Pid::this()).unwrap() > 100);
    }
}
