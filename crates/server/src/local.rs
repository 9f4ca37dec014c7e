//! The client at the other end of a pair of streams, and nobody else: what stdio needs of the faces.

use argus_gateway::{Caller, Gateway, Transport};
use argus_protocol::{Frame, Message, RpcError, code};
use bytes::Bytes;
use futures::Stream;
use http::StatusCode;
use tokio_util::sync::CancellationToken;

use crate::duplex::{self, Connection, Conversation, Taken};
use crate::mcp::answer;
use crate::mcp::legacy::MAX_BATCH;
use crate::request_log::RequestLog;

/// What the log calls this face.
const FACE: &str = "stdio";

/// The only client of a gateway (MCP "stdio"): messages of both eras may come from it. A legacy session is opened by
/// `initialize` and lives as long as the client; a modern request stands alone at any time.
#[derive(Debug)]
pub struct LocalClient {
    gateway: Gateway,
    connection: Connection,
    silent: CancellationToken,
}

impl LocalClient {
    /// A client, and all that is to be said to it. What is said ends when nothing more will be; what waits to be read
    /// is bounded, and then everything else waits. Dropped, it ends the client's session and cancels what is in flight.
    /// Must be called within a Tokio runtime.
    pub fn open(gateway: Gateway) -> (Self, impl Stream<Item = Bytes> + Send + 'static) {
        // Whoever started this program is on this machine.
        let caller = Caller::at(std::net::Ipv4Addr::LOCALHOST.into());
        let (connection, requests) = Connection::new(FACE, Transport::Stdio, caller);
        let silent = CancellationToken::new();
        let mut conversation = Conversation::on(&connection, requests, gateway.clone()).until(silent.clone());
        let (outgoing, reading) = duplex::sole_queue();
        tokio::spawn(async move { conversation.run(&outgoing, |message| message).await });
        let client = Self {
            gateway,
            connection,
            silent,
        };
        let said = futures::stream::unfold(reading, async |mut reading| Some((reading.next().await?, reading)));
        (client, said)
    }

    /// Takes a message or a batch; waits while too many answers wait to be read, and while a session is being opened.
    /// What is no message is answered with an error. `false` when the conversation is over.
    pub async fn take(&self, message: Bytes) -> bool {
        let size = message.len();
        let frame = match Frame::from_client(message) {
            Ok(frame) => frame,
            Err(error) => {
                RequestLog::unreadable(FACE);
                return self.say(answer::unreadable(&error).message).await;
            }
        };
        let wanted = match &frame {
            Frame::One(Message::Request { .. }) => 1,
            Frame::One(_) => 0,
            Frame::Batch(parts) => parts.len().min(MAX_BATCH),
        };
        if wanted > 0 && !self.connection.room(wanted).await {
            return false;
        }
        let unlogged = match &frame {
            Frame::One(message @ (Message::Notification { .. } | Message::Response { .. })) => Some(message.clone()),
            _ => None,
        };
        match duplex::take(&self.gateway, &self.connection, frame, size) {
            Ok(Taken::Logged) => {}
            Ok(Taken::Unlogged) => {
                if let Some(message) = unlogged {
                    RequestLog::taken(FACE, &message);
                }
            }
            Err(refusal) => {
                RequestLog::unreadable(FACE);
                let error = RpcError::new(code::INVALID_REQUEST, refusal.why.to_string());
                let refusal = answer::error(StatusCode::OK, refusal.id.as_ref(), &error);
                return self.say(refusal.message).await;
            }
        }
        // Whoever writes its first requests all at once means the session that the first of them opens.
        self.connection.client.settled().await;
        true
    }

    /// Answers a message that is longer than `max` bytes, and was not read. `false` when the conversation is over.
    pub async fn refuse_long(&self, max: usize) -> bool {
        RequestLog::unreadable(FACE);
        let why = format!("the message is larger than {max} bytes (server.max_body_bytes)");
        self.say(answer::refused(StatusCode::PAYLOAD_TOO_LARGE, why).message)
            .await
    }

    /// The client says nothing more: what is in flight is still answered.
    pub fn end(&self) {
        self.silent.cancel();
    }

    async fn say(&self, message: Bytes) -> bool {
        self.connection.room(1).await && self.connection.say(message).is_ok()
    }
}
