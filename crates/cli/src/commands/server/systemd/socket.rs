//! The datagram socket of the service manager: a file, or a name that begins with `@`.

use std::io;
use std::os::unix::net::{SocketAddr, UnixDatagram};

#[derive(Debug)]
pub(super) struct Socket {
    ours: UnixDatagram,
    theirs: SocketAddr,
}

impl Socket {
    pub(super) fn open(name: &str) -> io::Result<Self> {
        let theirs = match name.strip_prefix('@') {
            Some(name) => in_no_folder(name)?,
            None => SocketAddr::from_pathname(name)?,
        };
        let ours = UnixDatagram::unbound()?;
        // A manager that does not read holds up nothing.
        ours.set_nonblocking(true)?;
        Ok(Self { ours, theirs })
    }

    pub(super) fn send(&self, text: &str) -> io::Result<()> {
        self.ours.send_to_addr(text.as_bytes(), &self.theirs).map(drop)
    }
}

#[cfg(target_os = "linux")]
fn in_no_folder(name: &str) -> io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt;
    SocketAddr::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn in_no_folder(_: &str) -> io::Result<SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}
