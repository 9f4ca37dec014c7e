//! What a service manager hears, and that nobody else does.

use std::fs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::place::Place;

/// A socket on which the service manager would listen.
struct Manager(UnixDatagram);

impl Manager {
    fn hears(&self) -> Option<String> {
        let mut bytes = [0; 4096];
        let count = self.0.recv(&mut bytes).ok()?;
        Some(String::from_utf8(bytes[..count].to_vec()).unwrap())
    }

    /// The next message that is no beat.
    fn hears_news(&self) -> Vec<String> {
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline {
            match self.hears() {
                Some(message) if message != "WATCHDOG=1" => return message.lines().map(str::to_owned).collect(),
                _ => {}
            }
        }
        panic!("the service manager hears nothing");
    }

    /// Waits for so many beats.
    fn hears_beats(&self, expected: usize) {
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut count = 0;
        while count < expected {
            assert!(Instant::now() < deadline, "{count} beats instead of {expected}");
            count += usize::from(self.hears().as_deref() == Some("WATCHDOG=1"));
        }
    }

    fn beats_within(&self, time: Duration) -> usize {
        let deadline = Instant::now() + time;
        let mut count = 0;
        while Instant::now() < deadline {
            count += usize::from(self.hears().as_deref() == Some("WATCHDOG=1"));
        }
        count
    }
}

fn manager(socket: UnixDatagram) -> Manager {
    socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    Manager(socket)
}

fn now() -> u64 {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC).unwrap();
    u64::try_from(now.tv_sec() * 1_000_000 + now.tv_nsec() / 1000).unwrap()
}

#[test]
fn it_hears_of_the_start_of_reloads_and_of_the_end() {
    let place = Place::new();
    place.write("config.yaml", "server: {port: 0}\n");
    let path = place.path("notify");
    let manager = manager(UnixDatagram::bind(&path).unwrap());
    let server = place.serve_with(&["--log-dir", "none"], &[("NOTIFY_SOCKET", path.to_str().unwrap())]);
    let address = format!("STATUS=listening on 127.0.0.1:{}", server.port());
    assert_eq!(manager.hears_news(), ["READY=1", &address]);

    // One that holds, then one that does not.
    for (config, status) in [
        ("server: {port: 0, page_size: 7}\n", "that was reloaded"),
        ("server: {prot: 0}\n", "former configuration"),
    ] {
        place.write("config.yaml", config);
        let before = now();
        server.signal(Signal::SIGHUP);
        let begun = manager.hears_news();
        assert_eq!(begun[0], "RELOADING=1");
        let time: u64 = begun[1].strip_prefix("MONOTONIC_USEC=").unwrap().parse().unwrap();
        assert!((before..=now()).contains(&time), "{time}");
        let ended = manager.hears_news();
        assert_eq!(ended[0], "READY=1");
        assert!(ended[1].contains(status), "{ended:?}");
    }

    assert_eq!(manager.beats_within(Duration::from_millis(300)), 0, "nobody asked");
    server.signal(Signal::SIGTERM);
    assert_eq!(manager.hears_news()[0], "STOPPING=1");
    let (status, said) = server.end();
    assert_eq!(status.code(), Some(0), "{said}");
}

#[test]
fn it_hears_beats_while_the_gateway_answers() {
    let place = Place::new();
    // A socket without a file. Without a management API the gateway lives all the same.
    let name = format!("argus-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let manager = manager(UnixDatagram::bind_addr(&address).unwrap());
    place.write("config.yaml", "server: {port: 0, management: {enabled: false}}\n");
    let socket = format!("@{name}");
    let server = place.serve_with(
        &["--log-dir", "none"],
        &[("NOTIFY_SOCKET", &socket), ("WATCHDOG_USEC", "1000000")],
    );
    assert_eq!(manager.hears_news()[0], "READY=1");
    manager.hears_beats(3);
    server.signal(Signal::SIGSTOP);
    // It stops in a moment; what it said before that is read.
    std::thread::park_timeout(Duration::from_millis(300));
    while manager.hears().is_some() {}
    assert_eq!(manager.beats_within(Duration::from_millis(1500)), 0);
    server.signal(Signal::SIGCONT);
    manager.hears_beats(1);
    server.stop();
}

#[test]
fn backends_know_nothing_of_it() {
    let place = Place::new();
    let (path, seen) = (place.path("notify"), place.path("seen"));
    let _manager = manager(UnixDatagram::bind(&path).unwrap());
    let script = format!("env > {0}.new; mv {0}.new {0}; exec sleep 60", seen.display());
    place.write(
        "config.yaml",
        &format!("server: {{port: 0}}\nbackends: {{a: {{type: stdio, command: sh, args: [-c, '{script}']}}}}\n"),
    );
    let server = place.serve_with(
        &["--log-dir", "none"],
        &[
            ("NOTIFY_SOCKET", path.to_str().unwrap()),
            ("WATCHDOG_USEC", "1000000"),
            ("WATCHDOG_PID", "1"),
        ],
    );
    let deadline = Instant::now() + Duration::from_secs(30);
    while !seen.exists() && Instant::now() < deadline {
        std::thread::park_timeout(Duration::from_millis(10));
    }
    let seen = fs::read_to_string(seen).unwrap();
    assert!(
        seen.contains("PATH=") && !seen.contains("NOTIFY_") && !seen.contains("WATCHDOG_"),
        "{seen}"
    );
    server.stop();
}

#[test]
fn the_unit_file_is_one() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        return;
    }
    let unit = include_str!("../../../../deploy/systemd/argus-mcp.service");
    let installed = "/usr/local/bin/argus-mcp";
    assert!(unit.contains(installed));
    let place = Place::new();
    let unit = unit.replace(installed, env!("CARGO_BIN_EXE_argus-mcp"));
    place.write("argus-mcp.service", &unit);
    let verified = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .arg(place.path("argus-mcp.service"))
        .output()
        .unwrap();
    let said = String::from_utf8(verified.stderr).unwrap();
    assert!(!said.contains("argus-mcp.service:"), "{said}");
}
