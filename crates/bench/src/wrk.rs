//! The load generator: wrk, which sends prepared requests on a number of connections.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::process::Command;

use crate::client::Message;

/// What to do when a part is not there.
pub(crate) const INSTALL: &str = "install it with `apt-get install nginx-light wrk`, or run scripts/bench.sh";

const SCRIPT: &str = include_str!("load.lua");

/// What came of a load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Load {
    pub(crate) calls: u64,
    pub(crate) took: Duration,
    pub(crate) p50: Duration,
    pub(crate) p90: Duration,
    pub(crate) p99: Duration,
}

impl Load {
    pub(crate) fn per_second(&self) -> f64 {
        self.calls as f64 / self.took.as_secs_f64()
    }
}

/// The generator, with its script in a folder.
#[derive(Debug)]
pub(crate) struct Wrk {
    folder: PathBuf,
}

impl Wrk {
    /// Puts the script into `folder`.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(crate) fn in_folder(folder: &Path) -> anyhow::Result<Self> {
        std::fs::write(folder.join("load.lua"), SCRIPT)?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// Sends `messages` in turn to a port of this machine.
    ///
    /// # Errors
    /// When wrk is not there, or a request fails.
    pub(crate) async fn run(
        &self,
        port: u16,
        messages: &[Message],
        connections: u32,
        seconds: u32,
    ) -> anyhow::Result<Load> {
        let requests = self.folder.join("requests");
        let wires: Vec<String> = messages.iter().map(|message| message.wire(port)).collect();
        std::fs::write(&requests, wires.join("\0"))?;
        let output = Command::new("wrk")
            .args(["--threads", "1", "--timeout", "30s", "--latency", "--script"])
            .arg(self.folder.join("load.lua"))
            .args(["--connections", &connections.to_string()])
            .args(["--duration", &format!("{seconds}s")])
            .arg(format!("http://127.0.0.1:{port}/mcp"))
            .arg("--")
            .arg(&requests)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .output()
            .await
            .with_context(|| format!("wrk cannot be started; {INSTALL}"))?;
        let said = String::from_utf8_lossy(&output.stdout);
        match read(&said) {
            Some((load, 0)) => Ok(load),
            Some((_, failed)) => bail!("{failed} requests of a load failed: {said}"),
            None => bail!("wrk says nothing of use: {said}"),
        }
    }
}

/// The figures in what wrk said, and how many requests failed.
fn read(said: &str) -> Option<(Load, u64)> {
    let line = said.lines().find_map(|line| line.strip_prefix("load "))?;
    let figure = |name: &str| -> Option<u64> {
        let named = line.split(' ').filter_map(|part| part.split_once('='));
        named.into_iter().find(|(found, _)| *found == name)?.1.parse().ok()
    };
    let time = |name: &str| figure(name).map(Duration::from_micros);
    let load = Load {
        calls: figure("calls").filter(|&calls| calls > 0)?,
        took: time("us").filter(|took| !took.is_zero())?,
        p50: time("p50")?,
        p90: time("p90")?,
        p99: time("p99")?,
    };
    Some((load, figure("failed")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read() {
        let said = "Running 1s test\n\nload calls=1000 us=500000 p50=80 p90=120 p99=900 failed=2\n";
        let (load, failed) = read(said).unwrap();
        assert_eq!((load.calls, failed, load.p90), (1000, 2, Duration::from_micros(120)));
        assert!((load.per_second() - 2000.0).abs() < 1e-9);
        assert_eq!(read("unable to connect"), None);
        assert_eq!(read("load calls=0 us=500000 p50=0 p90=0 p99=0 failed=0"), None);
    }
}
