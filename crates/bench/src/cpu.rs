//! The processor time that processes used.

use std::time::Duration;

use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;

/// The time that processes used so far, user and system together, of all their threads.
///
/// # Errors
/// When one of them is gone.
pub(crate) fn used(processes: &[Pid]) -> anyhow::Result<Duration> {
    let mut sum = Duration::ZERO;
    for &process in processes {
        sum += Duration::from(clock_getcpuclockid(process)?.now()?);
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_that_is_used_counts() {
        let me = [Pid::this()];
        let before = used(&me).unwrap();
        while used(&me).unwrap() < before + Duration::from_millis(5) {
            std::hint::black_box((0..1000).sum::<u64>());
        }
        assert!(used(&[Pid::from_raw(4_194_304)]).is_err());
    }
}
