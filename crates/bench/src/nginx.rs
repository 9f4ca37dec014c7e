//! The plain reverse proxy that the gateway is compared with.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::unistd::{Pid, geteuid};

use crate::process::Running;
use crate::wrk::INSTALL;

/// How long it may take until it listens.
const START: Duration = Duration::from_secs(10);

/// nginx with one worker.
#[derive(Debug)]
pub(crate) struct Nginx {
    // Held for its end.
    _master: Running,
    worker: Pid,
    pub(crate) port: u16,
}

impl Nginx {
    /// Starts it in front of a backend, with its files in `folder`.
    ///
    /// # Errors
    /// When it is not there or does not start.
    pub(crate) async fn start(folder: &Path, backend: u16) -> anyhow::Result<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let path = folder.join("nginx.conf");
        std::fs::write(&path, configuration(port, backend))?;
        let mut command = Command::new(program());
        command
            .arg("-p")
            .arg(folder)
            .arg("-c")
            .arg(&path)
            .args(["-e", "stderr"]);
        let master = Running::start(command.stdin(Stdio::null()).stdout(Stdio::null()), INSTALL)?;
        let worker = worker_of(&master, port).await.context("nginx")?;
        Ok(Self {
            _master: master,
            worker,
            port,
        })
    }

    pub(crate) fn worker(&self) -> Pid {
        self.worker
    }
}

/// Debian puts it where only root looks.
fn program() -> &'static str {
    let usual = "/usr/sbin/nginx";
    if Path::new(usual).exists() { usual } else { "nginx" }
}

/// Waits until it listens and gives its worker.
async fn worker_of(master: &Running, port: u16) -> anyhow::Result<Pid> {
    let began = Instant::now();
    while began.elapsed() < START {
        let listens = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok();
        match master.children()?.as_slice() {
            [worker] if listens => return Ok(*worker),
            _ => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    bail!("it does not listen on port {port}")
}

/// One worker, connections to the backend kept alive, no request log; answers of 1 MiB stay in memory.
fn configuration(port: u16, backend: u16) -> String {
    let user = if geteuid().is_root() { "user root;" } else { "" };
    format!(
        "{user}
daemon off;
worker_processes 1;
pid nginx.pid;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    keepalive_requests 1000000000;
    upstream backend {{
        server 127.0.0.1:{backend};
        keepalive 64;
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://backend;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            proxy_buffering on;
            proxy_buffers 32 64k;
            proxy_busy_buffers_size 128k;
            proxy_max_temp_file_size 0;
        }}
    }}
}}
"
    )
}
