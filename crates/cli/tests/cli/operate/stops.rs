//! `stop`: each gateway is told once, and whatever its port does.

use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use super::world::{World, config, eventually};

/// A process that passes for a gateway. It is killed when the test ends early.
pub(super) struct Stand {
    process: Child,
    _lock: File,
}

impl Stand {
    /// One that is said to listen there.
    pub(super) fn at(world: &World, name: &str, address: &str, port: u16) -> Self {
        let process = Command::new("sleep").arg("60").spawn().unwrap();
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap();
        let rest = stat.rsplit(')').next().unwrap();
        let start: u64 = rest.split_ascii_whitespace().nth(19).unwrap().parse().unwrap();
        let entry = json!({
            "name": name, "pid": process.id(), "host": "127.0.0.1", "port": port, "address": address, "config": null,
            "log_file": null, "started_at": "2026-02-23T12:00:00Z", "process_start": start
        });
        std::fs::create_dir_all(world.place().path("state/sessions")).unwrap();
        let file = format!("state/sessions/{name}.json");
        world.place().write(&file, &entry.to_string());
        let lock = File::open(world.place().path(&file)).unwrap();
        lock.lock().unwrap();
        Self { process, _lock: lock }
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Stops it, and gives the signal that ended it.
fn ended(world: &World, mut stand: Stand) -> Option<i32> {
    let mut stop = world
        .place()
        .command(&["stop", "--force", "--timeout", "2"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    let mut status = None;
    while status.is_none() && began.elapsed() < Duration::from_secs(20) {
        status = stand.process.try_wait().unwrap();
        std::thread::park_timeout(Duration::from_millis(10));
    }
    drop(stop.kill());
    stop.wait().unwrap();
    status.expect("it was not stopped in time").signal()
}

#[test]
fn one_that_takes_no_connections_is_told_all_the_same() {
    let world = World::new();
    let free = argus_testkit::unused_port();
    let stand = Stand::at(&world, "a", &format!("127.0.0.1:{free}"), free);
    assert_eq!(ended(&world, stand), Some(15), "it was killed without having been told");
}

#[test]
fn one_whose_port_hangs_is_told_all_the_same() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .unwrap();
    let (listener, address) = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address: SocketAddr = socket.local_addr().unwrap();
        (socket.listen(1).unwrap(), address)
    });
    let mut full = Vec::new();
    while let Ok(connected) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
        full.push(connected);
        assert!(full.len() < 100);
    }
    let world = World::new();
    let stand = Stand::at(&world, "a", &address.to_string(), address.port());
    assert_eq!(ended(&world, stand), Some(15));
    drop((full, listener));
}

/// A gateway with a call in flight that takes longer than several commands, one after the other, on a busy machine.
fn called(world: &World) -> Child {
    let text = config("echo").replace("port: 0", "port: 0, shutdown_timeout: 30");
    world.place().write("config.yaml", &text);
    let (_, url) = world.ready(&[]);
    let slow = ["call", "slow", "-a", "steps=75", "-a", "delay_ms=200", "--url", &url];
    let call = world.place().command(&slow).stdout(Stdio::null()).spawn().unwrap();
    eventually("the call is with the backend", || {
        let detail = world.answer(&["backends", "echo", "--json", "--url", &url]);
        let detail: Value = serde_json::from_str(&detail).unwrap();
        detail["calls"]["in_flight"] == 1
    });
    call
}

#[test]
fn two_at_once_tell_it_once() {
    let world = World::new();
    let mut call = called(&world);
    let stops: Vec<Child> = (0..3)
        .map(|_| world.place().command(&["stop"]).stdout(Stdio::null()).spawn().unwrap())
        .collect();
    for mut stop in stops {
        assert_eq!(stop.wait().unwrap().code(), Some(0));
    }
    assert_eq!(call.wait().unwrap().code(), Some(0), "the call was cut off");
    assert_eq!(world.state("sessions"), [""; 0]);
}

#[test]
fn one_that_others_told_is_not_told_again() {
    let world = World::new();
    let mut call = called(&world);
    let pid = world.gateways()[0]["pid"].as_i64().unwrap();
    kill(Pid::from_raw(i32::try_from(pid).unwrap()), Signal::SIGTERM).unwrap();
    eventually("it says that it stops", || world.gateways()[0]["stopping"] == true);
    assert!(world.answer(&["status"]).contains("  stopping  "));
    world.answer(&["stop"]);
    assert_eq!(call.wait().unwrap().code(), Some(0), "the call was cut off");
}
