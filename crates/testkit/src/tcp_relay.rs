//! A network between a gateway and a backend, which can fail.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "only tests use it, and a test may fail at any place"
)]

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Passes on what comes over TCP, until it is told to do otherwise. It ends with this value.
#[derive(Debug)]
pub struct TcpRelay {
    port: u16,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    /// Told when all connections of now are to be reset. Each holds a receiver.
    cuts: Mutex<watch::Sender<()>>,
    /// Told when all connections of now are to pass nothing on any more.
    silences: watch::Sender<()>,
    /// Whether connections that begin now are silent, too.
    silent: watch::Sender<bool>,
}

impl TcpRelay {
    /// A relay to a port of this machine.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            cuts: Mutex::new(watch::Sender::new(())),
            silences: watch::Sender::new(()),
            silent: watch::Sender::new(false),
        });
        let accepting = tokio::spawn(accept(listener, port, Arc::clone(&state)));
        Self {
            port: own,
            state,
            accepting,
        }
    }

    /// A relay to the server at a URL of this machine, and the URL that leads through it.
    pub async fn to_url(url: &str) -> (Self, String) {
        let (_, rest) = url.split_once("//127.0.0.1:").expect("a URL of this machine");
        let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let relay = Self::to(port.parse().unwrap()).await;
        let through = url.replace(&format!(":{port}"), &format!(":{}", relay.port));
        (relay, through)
    }

    /// Resets all connections, and waits until that is done; new ones are passed on.
    pub async fn cut(&self) {
        let cut = std::mem::replace(&mut *self.state.cuts.lock().unwrap(), watch::Sender::new(()));
        cut.send_replace(());
        cut.closed().await;
    }

    /// Passes nothing on any more, and closes nothing: neither side learns of it.
    pub fn fall_silent(&self) {
        self.state.silent.send_replace(true);
        self.state.silences.send_replace(());
    }

    /// New connections are passed on again. Those from before stay silent: nobody remembers them.
    pub fn speak_again(&self) {
        self.state.silent.send_replace(false);
    }
}

impl Drop for TcpRelay {
    /// Its connections end when nobody is left to cut them.
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, port: u16, state: Arc<State>) {
    while let Ok((near, _)) = listener.accept().await {
        let (cut, silenced) = (state.cuts.lock().unwrap().subscribe(), state.silences.subscribe());
        let silent = *state.silent.borrow();
        tokio::spawn(async move {
            if silent {
                until_cut(cut).await;
            } else {
                connection(near, port, cut, silenced).await;
            }
        });
    }
}

async fn until_cut(mut cut: watch::Receiver<()>) {
    let _ = cut.changed().await;
}

async fn connection(mut near: TcpStream, port: u16, cut: watch::Receiver<()>, silenced: watch::Receiver<()>) {
    let Ok(mut far) = TcpStream::connect(("127.0.0.1", port)).await else {
        return;
    };
    for side in [&near, &far] {
        side.set_nodelay(true).unwrap();
        // Dropped before it ended, it is reset.
        side.set_zero_linger().unwrap();
    }
    let ((near_in, near_out), (far_in, far_out)) = (near.split(), far.split());
    let there = pass(near_in, far_out, silenced.clone());
    let back = pass(far_in, near_out, silenced);
    tokio::select! {
        () = async { _ = tokio::join!(there, back) } => {}
        () = until_cut(cut) => {}
    }
}

/// Passes on until the end, which is passed on too.
async fn pass(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mut silenced: watch::Receiver<()>) {
    let mut bytes = vec![0; 64 << 10];
    loop {
        let count = tokio::select! {
            biased;
            _ = silenced.changed() => std::future::pending().await,
            count = from.read(&mut bytes) => count.unwrap_or(0),
        };
        if count == 0 || to.write_all(&bytes[..count]).await.is_err() {
            break;
        }
    }
    // The other side may be gone.
    let _ = to.shutdown().await;
}
