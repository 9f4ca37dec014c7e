//! Ports for what takes no port 0.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::TcpListener;

/// Below those that Linux gives to whoever binds port 0 or connects (`ip_local_port_range`), and above well-known ones.
const FIRST: u16 = 12_000;
const COUNT: u16 = 20_000;

/// A port of 127.0.0.1 that is free, and that nobody is given by chance meanwhile.
#[must_use]
pub fn unused_port() -> u16 {
    loop {
        let chance = RandomState::new().build_hasher().finish() % u64::from(COUNT);
        #[expect(clippy::cast_possible_truncation, reason = "it is less than COUNT")]
        let port = FIRST + chance as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
