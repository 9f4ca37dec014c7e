//! Accepting connections, and ending them in good order.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use argus_config::Server;
use argus_gateway::Gateway;
use hyper::server::conn::http1::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;

use crate::counted::Counted;
use crate::front::{Faces, Front};
use crate::in_place::InPlace;
use crate::manage::{Service, Stop};
use crate::peer::{Connection, Peer};
use crate::router::faces;

/// How long a client may take to send the head of a request; an unused connection ends after it too.
const HEAD: Duration = Duration::from_secs(75);
/// How long a client may take to accept more of an answer before its connection is given up.
const STUCK: Duration = Duration::from_secs(60);
/// How many bytes of answers the system may hold that it has not sent yet, per connection. Without a limit a client that
/// does not read holds megabytes of memory that all connections share, for as long as [`STUCK`].
#[cfg(target_os = "linux")]
const UNSENT: u32 = 256 << 10;
/// How long to wait when the system has no more descriptors.
const EXHAUSTED: Duration = Duration::from_millis(100);
/// How long clients may take to hear the end of calls that were cut off.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Serves until `shutdown`, which the management API can begin too, then lets calls in flight finish within
/// `server.shutdown_timeout` and stops the gateway. Bounded in time, also with streams open.
///
/// # Errors
/// When the listener has no address.
pub async fn serve(
    listener: TcpListener,
    gateway: Gateway,
    server: &Server,
    service: Service,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let stop = Stop::new(shutdown.clone());
    let faces = faces(gateway.clone(), server, service, listener.local_addr()?, stop);
    let connections = GracefulShutdown::new();
    // Dropped, it ends what is still open.
    let mut tasks = JoinSet::new();
    while let Some(accepted) = shutdown.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((socket, peer)) => {
                let handle = Connection::default();
                let peer = Peer::new(peer.ip(), handle.clone());
                handle.is_served_by(tasks.spawn(connection(socket, peer, faces.clone(), &connections)));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(EXHAUSTED).await;
            }
        }
        while tasks.try_join_next().is_some() {}
    }
    drop(listener);
    faces.app.watchers.stop();
    gateway.drain();
    let limit = gateway.config().server.shutdown_timeout;
    let mut done = std::pin::pin!(connections.shutdown());
    let patience = faces.app.running.stop.patience().unwrap_or(limit);
    let draining = async {
        if tokio::time::timeout(LAST_WORDS, &mut done).await.is_err() {
            // Who follows the events and does not read them holds up nothing.
            faces.app.watchers.cut();
            done.as_mut().await;
        }
    };
    let in_time = tokio::time::timeout(patience, draining).await.is_ok();
    if !in_time {
        let seconds = patience.as_secs_f64();
        tracing::warn!("calls are still in flight after {seconds} s (server.shutdown_timeout) and are cut off");
    }
    gateway.stop().await;
    if !in_time {
        // Their backends have stopped, which ends them with an error: it still has to reach the clients.
        let _ = tokio::time::timeout(LAST_WORDS, done).await;
    }
    Ok(())
}

/// Serves one connection to its end.
fn connection(
    socket: TcpStream,
    peer: Peer,
    faces: Faces,
    connections: &GracefulShutdown,
) -> impl Future<Output = ()> + Send + 'static {
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY cannot be set");
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = socket2::SockRef::from(&socket).set_tcp_notsent_lowat(UNSENT) {
        tracing::debug!(%error, "TCP_NOTSENT_LOWAT cannot be set");
    }
    let mut socket = TimeoutStream::new(Counted::new(socket, Arc::clone(&faces.app.traffic)));
    socket.set_write_timeout(Some(STUCK));
    // Only HTTP/1: a server that looks for the other kind first waits for ever for a client that says nothing.
    let mut builder = Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .keep_alive(true);
    let connection = builder.serve_connection(TokioIo::new(Box::pin(socket)), Front::new(faces, peer));
    let connection = InPlace::new(connections.watch(connection));
    async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection broke");
        }
    }
}
