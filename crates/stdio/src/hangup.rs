//! Noticing that nobody reads stdout any more, also while there is nothing to write.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// How often it is looked while the client may still say something: then the end of stdin tells, in almost all cases.
pub(crate) const NOW_AND_THEN: Duration = Duration::from_secs(1);
/// How often it is looked when only the reader of stdout is still there.
pub(crate) const OFTEN: Duration = Duration::from_millis(50);

/// The other end of stdout.
#[derive(Debug)]
pub struct Stdout(Option<OwnedFd>);

impl Stdout {
    /// This process's own.
    #[must_use]
    pub fn own() -> Self {
        Self::of(io::stdout().as_fd().try_clone_to_owned())
    }

    fn of(end: io::Result<OwnedFd>) -> Self {
        Self(end.ok())
    }

    /// Waits until its reader is gone; for ever where that cannot be seen, as with a file.
    pub(crate) async fn left(&self, pause: Duration) {
        while !self.is_left() {
            tokio::time::sleep(pause).await;
        }
    }

    fn is_left(&self) -> bool {
        let Some(end) = &self.0 else { return false };
        let mut ends = [PollFd::new(end.as_fd(), PollFlags::empty())];
        let gone = PollFlags::POLLERR | PollFlags::POLLHUP | PollFlags::POLLNVAL;
        poll(&mut ends, PollTimeout::ZERO).is_ok() && ends[0].revents().is_some_and(|what| what.intersects(gone))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipes_sockets_and_files() {
        let (theirs, ours) = io::pipe().unwrap();
        let pipe = Stdout::of(Ok(ours.into()));
        assert!(!pipe.is_left());
        drop(theirs);
        assert!(pipe.is_left());
        let (theirs, ours) = std::os::unix::net::UnixStream::pair().unwrap();
        let socket = Stdout::of(Ok(ours.into()));
        assert!(!socket.is_left());
        drop(theirs);
        assert!(socket.is_left());
        let file = Stdout::of(std::fs::File::open("/dev/null").map(Into::into));
        assert!(!file.is_left());
    }
}
