//! A plain HTTP/1.1 connection that is driven by whoever uses it: no task of its own, and nothing to hand over.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::idle::Idle;
use crate::tally::Volume;

/// A connection that has not ended.
type Live = Pin<Box<Connection<TokioIo<TcpStream>, Full<Bytes>>>>;

/// A connection and the way to send on it.
#[derive(Debug)]
pub(super) struct Driven {
    sender: SendRequest<Full<Bytes>>,
    /// `None` once it ended. It must be dropped then: a request that it did not take any more comes back by that.
    connection: Option<Live>,
}

/// A request that was not answered.
pub(super) struct Unanswered {
    pub(super) error: hyper::Error,
    /// Whether nothing of the request was sent.
    pub(super) unsent: bool,
}

impl Driven {
    /// Speaks HTTP/1.1 on a socket.
    ///
    /// # Errors
    /// When the socket is gone.
    pub(super) async fn over(socket: TokioIo<TcpStream>) -> Result<Self, hyper::Error> {
        let (sender, connection) = http1::handshake(socket).await?;
        Ok(Self {
            sender,
            connection: Some(Box::pin(connection)),
        })
    }

    /// Whether another request can be sent; notices that the peer closed the connection meanwhile.
    pub(super) fn is_free(&mut self) -> bool {
        drive(&mut self.connection, &mut Context::from_waker(Waker::noop()));
        self.connection.is_some() && self.sender.is_ready()
    }

    /// Sends a request and waits for the head of its answer.
    ///
    /// # Errors
    /// When the connection ends first.
    pub(super) async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Unanswered> {
        let mut answered = std::pin::pin!(self.sender.try_send_request(request));
        let connection = &mut self.connection;
        let answer = std::future::poll_fn(|cx| {
            drive(connection, cx);
            answered.as_mut().poll(cx)
        });
        answer.await.map_err(|mut refused| Unanswered {
            unsent: refused.take_message().is_some(),
            error: refused.into_error(),
        })
    }
}

fn drive(connection: &mut Option<Live>, cx: &mut Context<'_>) {
    if connection.as_mut().is_some_and(|one| one.as_mut().poll(cx).is_ready()) {
        *connection = None;
    }
}

/// The body of an answer. Read to its end, its connection is free for the next request.
#[derive(Debug)]
pub struct Received {
    body: Source,
    /// Where its bytes are counted.
    volume: Arc<Volume>,
}

/// Where the body comes from.
#[derive(Debug)]
enum Source {
    /// A connection with a task of its own.
    Tasked(Incoming),
    /// A connection that reading drives.
    Driven(DrivenBody),
}

/// The body of an answer, with the connection that it comes on.
#[derive(Debug)]
struct DrivenBody {
    /// `None` once it is over.
    body: Option<Incoming>,
    driven: Option<Driven>,
    idle: Arc<Idle>,
}

impl Received {
    pub(super) fn tasked(body: Incoming, volume: Arc<Volume>) -> Self {
        let body = Source::Tasked(body);
        Self { body, volume }
    }

    pub(super) fn driven(body: Incoming, driven: Driven, idle: Arc<Idle>, volume: Arc<Volume>) -> Self {
        let body = Source::Driven(DrivenBody {
            body: Some(body),
            driven: Some(driven),
            idle,
        });
        Self { body, volume }
    }
}

impl Body for Received {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = match &mut self.body {
            Source::Tasked(body) => Pin::new(body).poll_frame(cx),
            Source::Driven(body) => body.poll_frame(cx),
        };
        if let Poll::Ready(Some(Ok(frame))) = &frame
            && let Some(data) = frame.data_ref()
        {
            self.volume.receive(data.len());
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        match &self.body {
            Source::Tasked(body) => body.is_end_stream(),
            Source::Driven(body) => body.body.as_ref().is_none_or(Body::is_end_stream),
        }
    }
}

impl DrivenBody {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let (Some(body), Some(driven)) = (&mut self.body, &mut self.driven) else {
            return Poll::Ready(None);
        };
        let mut frame = Pin::new(&mut *body).poll_frame(cx);
        if frame.is_pending() {
            // Now that more is wanted, the connection reads it.
            drive(&mut driven.connection, cx);
            frame = Pin::new(body).poll_frame(cx);
        }
        match frame {
            Poll::Ready(None) => self.give_back(),
            Poll::Ready(Some(Err(_))) => self.idle.forget(),
            _ => {}
        }
        frame
    }

    /// Leaves the connection to the next request, if it can take one.
    fn give_back(&mut self) {
        // The connection goes on only when nobody can read the body any more.
        self.body = None;
        if let Some(mut driven) = self.driven.take()
            && driven.is_free()
        {
            self.idle.put(driven);
        }
    }
}

impl Drop for DrivenBody {
    /// What is left of the body may have arrived already.
    fn drop(&mut self) {
        self.give_back();
    }
}
