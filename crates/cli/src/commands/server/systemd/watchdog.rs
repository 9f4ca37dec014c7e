//! The watchdog: a beat in half of its time, while the gateway answers at its own port. One whose threads hang, or that
//! cannot take connections, misses it and is started again by the service manager.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::Manager;
use crate::{environment, http};

/// Within which time it wants to hear of the process, in microseconds.
const WATCHDOG_USEC: &str = "WATCHDOG_USEC";
/// The process that it wants to hear of, if not any.
const WATCHDOG_PID: &str = "WATCHDOG_PID";
/// What the gateway asks itself. Any answer will do: this API may be switched off.
const PATH: &str = "/manage/v1/health";

/// Beats until `shutdown`, if the service manager wants that. How long stopping may take is another limit of it.
pub(super) fn begin(manager: &Manager, address: SocketAddr, shutdown: &CancellationToken) {
    let Some(limit) = limit(&environment::lookup) else {
        return;
    };
    let (manager, shutdown) = (manager.clone(), shutdown.clone());
    tokio::spawn(async move {
        let beating = beat(limit / 2, own(address), || manager.tell("WATCHDOG=1"));
        shutdown.run_until_cancelled(beating).await
    });
}

/// The time of the watchdog, if it is for this process.
fn limit(lookup: &dyn Fn(&str) -> Option<String>) -> Option<Duration> {
    let micros = lookup(WATCHDOG_USEC)?.parse().ok().filter(|micros| *micros > 0)?;
    let ours = lookup(WATCHDOG_PID).is_none_or(|pid| pid == std::process::id().to_string());
    ours.then_some(Duration::from_micros(micros))
}

/// How this machine reaches what is bound to the address.
fn own(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        // A link-local one belongs to an interface, which stays.
        ip if !ip.is_unspecified() => {}
        IpAddr::V4(_) => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(_) => address.set_ip(Ipv6Addr::LOCALHOST.into()),
    }
    address
}

async fn beat(pause: Duration, address: SocketAddr, mut alive: impl FnMut()) {
    let mut ticks = interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let place = address.to_string();
    loop {
        ticks.tick().await;
        // Together with the pause less than the limit.
        match timeout(pause / 2, http::get(&place, PATH)).await {
            Ok(Ok(_)) => alive(),
            Ok(Err(error)) => tracing::warn!("no beat for the watchdog: {place} does not answer: {error}"),
            Err(_) => tracing::warn!("no beat for the watchdog: {place} does not answer in time"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn the_watchdog_of_another_process_is_not_ours() {
        let with = |usec: &'static str, pid: Option<String>| {
            limit(&move |name| match name {
                WATCHDOG_USEC => Some(usec.to_owned()),
                _ => pid.clone(),
            })
        };
        let own = std::process::id();
        assert_eq!(with("3000000", None), Some(Duration::from_secs(3)));
        assert_eq!(with("3000000", Some(own.to_string())), Some(Duration::from_secs(3)));
        assert_eq!(with("3000000", Some((own + 1).to_string())), None);
        assert_eq!(with("0", None), None);
        assert_eq!(with("soon", None), None);
    }

    #[test]
    fn every_address_is_reached_from_here() {
        for (bound, reached) in [
            ("0.0.0.0:1", "127.0.0.1:1"),
            ("[::]:1", "[::1]:1"),
            ("192.0.2.1:1", "192.0.2.1:1"),
            ("[fe80::1%3]:1", "[fe80::1%3]:1"),
        ] {
            assert_eq!(own(bound.parse().unwrap()).to_string(), reached);
        }
    }

    #[tokio::test]
    async fn only_who_answers_is_alive() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let beats = Cell::new(0);
        let pause = Duration::from_millis(200);
        let count = || beats.set(beats.get() + 1);
        // Connections wait in the queue of the system: nobody takes them.
        let _ = timeout(pause * 4, beat(pause, address, count)).await;
        assert_eq!(beats.get(), 0);
        let answer = async {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _ = stream.read(&mut [0; 1024]).await;
                let _ = stream
                    .write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                    .await;
            }
        };
        let several = async {
            while beats.get() < 3 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let beating = async {
            tokio::select! {
                () = answer => {}
                () = beat(pause, address, count) => {}
                () = several => {}
            }
        };
        // Some answers may come too late on a busy machine.
        let _ = timeout(Duration::from_secs(20), beating).await;
        assert!(beats.get() > 2, "{}", beats.get());
    }
}
