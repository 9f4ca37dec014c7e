//! What a gateway says of itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::{Name, process};

/// What a gateway says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) name: Name,
    pub(crate) pid: u32,
    /// The host that was bound, as it was written.
    pub(crate) host: String,
    /// The port that was taken.
    pub(crate) port: u16,
    /// What was bound; earlier versions did not say.
    #[serde(default)]
    pub(crate) address: Option<SocketAddr>,
    /// The configuration file, as text for people; `None`: the demo.
    pub(crate) config: Option<String>,
    /// Where what it says goes, when it runs in the background.
    pub(crate) log_file: Option<String>,
    /// RFC 3339.
    pub(crate) started_at: String,
    /// When the process began, in the system's own time. Tells it from a later one with the same number.
    pub(crate) process_start: Option<u64>,
    /// Whether its management API is on.
    #[serde(default = "on")]
    pub(crate) management: bool,
    /// Whether it was told to stop: it lets calls in flight finish.
    #[serde(default)]
    pub(crate) stopping: bool,
}

fn on() -> bool {
    true
}

impl Entry {
    /// Whether the process that wrote this is there.
    pub(crate) fn is_alive(&self) -> bool {
        self.process_start.is_some() && process::started(self.pid) == self.process_start
    }

    /// Where it can be reached from this machine.
    pub(crate) fn url(&self) -> String {
        let port = self.port;
        let known = self.address.map(|address| (address.ip(), zone(address)));
        let known = known.or_else(|| Some((self.host.parse().ok()?, None)));
        match known.map(|(ip, zone)| (reachable(ip), zone)) {
            Some((IpAddr::V6(ip), Some(zone))) => format!("http://[{ip}%25{zone}]:{port}"),
            Some((ip, _)) => format!("http://{}", SocketAddr::new(ip, port)),
            None => format!("http://{}:{port}", self.host),
        }
    }
}

/// An address as it is reached from this machine.
fn reachable(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}

/// The interface that an address belongs to, which it means nothing without.
fn zone(address: SocketAddr) -> Option<u32> {
    match address {
        SocketAddr::V6(address) => Some(address.scope_id()).filter(|zone| *zone != 0),
        SocketAddr::V4(_) => None,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An entry of this process.
    pub(crate) fn own(name: &str) -> Entry {
        let pid = std::process::id();
        Entry {
            name: name.parse().unwrap(),
            pid,
            host: "127.0.0.1".to_owned(),
            port: 9000,
            address: None,
            config: None,
            log_file: None,
            started_at: "2026-02-23T12:00:00Z".to_owned(),
            process_start: process::started(pid),
            management: true,
            stopping: false,
        }
    }

    #[test]
    fn what_was_bound_is_where_it_can_be_reached() {
        for (address, url) in [
            ("0.0.0.0:9001", "http://127.0.0.1:9000"),
            ("127.0.1.1:9000", "http://127.0.1.1:9000"),
            ("[::]:9000", "http://[::1]:9000"),
            ("[::ffff:127.0.0.1]:9000", "http://127.0.0.1:9000"),
            ("[::ffff:0.0.0.0]:9000", "http://127.0.0.1:9000"),
            ("[fe80::1%3]:9000", "http://[fe80::1%253]:9000"),
        ] {
            let entry = Entry {
                host: "some.name".to_owned(),
                address: Some(address.parse().unwrap()),
                ..own("a")
            };
            assert_eq!(entry.url(), url);
        }
    }

    #[test]
    fn what_earlier_versions_wrote_is_read() {
        let text = r#"{"name":"a","pid":1,"host":"127.0.0.1","port":1,"config":null,"log_file":null,"started_at":"",
                       "process_start":1}"#;
        let entry: Entry = serde_json::from_str(text).unwrap();
        assert!(entry.management && !entry.stopping && entry.address.is_none());
    }

    #[test]
    fn addresses_can_be_reached() {
        for (host, url) in [
            ("127.0.0.1", "http://127.0.0.1:9000"),
            ("0.0.0.0", "http://127.0.0.1:9000"),
            ("::", "http://[::1]:9000"),
            ("fe80::1", "http://[fe80::1]:9000"),
            ("localhost", "http://localhost:9000"),
        ] {
            let entry = Entry {
                host: host.to_owned(),
                ..own("a")
            };
            assert_eq!(entry.url(), url);
        }
    }

    #[test]
    fn another_process_with_the_same_number_is_another_one() {
        let entry = own("a");
        assert!(entry.is_alive());
        let earlier = entry.process_start.map(|start| start - 1);
        assert!(
            !Entry {
                process_start: earlier,
                ..entry.clone()
            }
            .is_alive()
        );
        assert!(
            !Entry {
                process_start: None,
                pid: u32::MAX,
                ..entry
            }
            .is_alive()
        );
    }
}
