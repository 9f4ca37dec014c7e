//! One request on a connection of its own.

use std::io;
use std::pin::pin;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// What a short answer has at most, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

/// Asks `place` (host and port) for `path`. It has no time limit.
///
/// # Errors
/// When nobody listens there, or what answers is not HTTP.
pub(crate) async fn get(place: &str, path: &str) -> io::Result<Answer> {
    let stream = TcpStream::connect(place).await?;
    let request = Request::get(path)
        .header(header::HOST, place)
        .header(header::CONNECTION, "close")
        .body(Empty::new())
        .map_err(io::Error::other)?;
    send(stream, request, whole).await
}

async fn whole(response: Response<Incoming>) -> io::Result<Answer> {
    let status = response.status();
    let body = Limited::new(response.into_body(), MAX_BODY).collect().await;
    Ok(Answer {
        status,
        body: body.map_err(io::Error::other)?.to_bytes(),
    })
}

/// Sends a request and gives what `read` makes of the answer; the connection ends with it.
///
/// # Errors
/// When the connection breaks, what answers is not HTTP, or `read` fails.
pub(crate) async fn send<S, T>(
    stream: S,
    request: Request<Empty<Bytes>>,
    read: impl AsyncFnOnce(Response<Incoming>) -> io::Result<T>,
) -> io::Result<T>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    let mut exchange = pin!(async {
        let response = sender.send_request(request).await.map_err(io::Error::other)?;
        read(response).await
    });
    tokio::select! {
        answer = &mut exchange => answer,
        // A connection that ends may have the answer with it.
        _ = connection => exchange.await,
    }
}
