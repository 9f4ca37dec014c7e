//! A folder with gateways in the background.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::place::{Place, Said};

/// A folder with gateways in the background, which are stopped when it is dropped.
pub(super) struct World(Place);

impl World {
    /// With a configuration of the example server `echo` and one port or the other.
    pub(super) fn new() -> Self {
        let place = Place::new();
        place.write("config.yaml", &config("echo"));
        Self(place)
    }

    pub(super) fn place(&self) -> &Place {
        &self.0
    }

    /// Starts a gateway in the background, which must succeed.
    pub(super) fn detach(&self, arguments: &[&str]) -> Said {
        let said = self.run(&[&["server", "--detach", "--log-dir", "none"], arguments].concat());
        assert_eq!(said.code, Some(0), "{said:?}");
        said
    }

    /// A gateway whose backends are connected; gives its process id and its URL.
    pub(super) fn ready(&self, arguments: &[&str]) -> (u32, String) {
        self.detach(arguments);
        let gateway = self.gateways().pop().unwrap();
        let pid = u32::try_from(gateway["pid"].as_u64().unwrap()).unwrap();
        let url = gateway["url"].as_str().unwrap().to_owned();
        let (_, port) = url.rsplit_once(':').unwrap();
        eventually("the gateway is ready", || {
            page(port.parse().unwrap(), "/manage/v1/ready").is_some_and(|body| body.contains(r#""ready":true"#))
        });
        (pid, url)
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Said {
        self.0.run(arguments)
    }

    /// Runs a command that must succeed and gives what it answers.
    pub(super) fn answer(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        assert_eq!(
            (said.code, said.stderr.as_str()),
            (Some(0), ""),
            "{arguments:?}: {said:?}"
        );
        said.stdout
    }

    /// The gateways that `status` lists.
    pub(super) fn gateways(&self) -> Vec<Value> {
        let said = self.run(&["status", "--json"]);
        let status: Value = serde_json::from_str(&said.stdout).unwrap();
        let gateways = status["gateways"].as_array().unwrap().clone();
        assert_eq!(status["count"], gateways.len());
        assert_eq!(said.code, Some(if gateways.is_empty() { 3 } else { 0 }), "{said:?}");
        gateways
    }

    /// The processes that run in this folder: gateways, guards and backends.
    pub(super) fn processes(&self) -> Vec<u32> {
        let folder = self.0.path("").canonicalize().unwrap();
        let is_here = |pid: &u32| std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == folder);
        let processes = std::fs::read_dir("/proc").unwrap();
        let pids = processes.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
        pids.filter(is_here).collect()
    }

    /// The names of the files of a part of the data folder.
    pub(super) fn state(&self, part: &str) -> Vec<String> {
        let folder = self.0.path("state").join(part);
        files(&folder)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.run(&["stop", "--all", "--force", "--timeout", "2"]);
    }
}

fn files(folder: &Path) -> Vec<String> {
    let Ok(files) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<String> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A configuration with one example server and any port.
pub(super) fn config(backend: &str) -> String {
    let program = env!("CARGO_BIN_EXE_argus-mcp");
    format!(
        "server: {{port: 0}}\nbackends: {{{backend}: {{type: stdio, command: {program}, args: [example, echo]}}}}\n"
    )
}

/// Waits until something holds.
pub(super) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}: not in time");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// The body of a page of a gateway.
pub(crate) fn page(port: u16, path: &str) -> Option<String> {
    use std::io::{Read, Write};
    let mut socket = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(
        socket,
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    )
    .ok()?;
    let mut text = String::new();
    socket.read_to_string(&mut text).ok()?;
    Some(text.split_once("\r\n\r\n")?.1.to_owned())
}
