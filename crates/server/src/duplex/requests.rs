//! What answers the messages of a client, whatever their era.

use std::sync::Arc;

use argus_gateway::{Gateway, ModernParams, ModernRequest, RequestMeta, Session};
use argus_protocol::{Answer, ByteString, Id, Message, Object, Raw, RpcError, code, method, write};
use futures::StreamExt;

use super::answering::Answering;
use super::client::Client;
use super::connection::Connection;
use super::load::Place;
use crate::mcp::accepts::Accepts;
use crate::mcp::messages::{Item, Messages};
use crate::mcp::{legacy, modern};
use crate::request_log::{Outcome, RequestLog};

/// On its stream a client can be told and asked anything.
const EVERYTHING: Accepts = Accepts {
    json: true,
    stream: true,
};

/// A request.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) id: Id,
    method: ByteString,
    params: Option<Raw>,
}

impl Asked {
    /// Takes a request out of its message.
    ///
    /// # Errors
    /// The message, when it wants no answer.
    pub(crate) fn of(message: Message) -> Result<Self, Message> {
        match message {
            Message::Request { id, method, params } => Ok(Self { id, method, params }),
            other => Err(other),
        }
    }
}

/// Begins to answer a request; without a place it is refused.
pub(crate) fn answering(
    gateway: &Gateway,
    connection: &Connection,
    asked: Asked,
    place: Option<Arc<Place>>,
) -> Answering {
    let client = &connection.client;
    let log = RequestLog::begin(connection.face, &asked.method);
    let Some(place) = place else {
        let why = "too many requests of this connection are in flight; wait for answers to some of them";
        return refused(log, &asked.id, &RpcError::new(code::INTERNAL_ERROR, why));
    };
    // A request that names a version in its `_meta` is modern, whatever its method (MCP 2026-07-28 "Backward
    // compatibility"). The rules for headers belong to Streamable HTTP.
    match ModernParams::of(asked.params.as_ref()) {
        Some(read) => answer_modern(gateway, client, asked, read, log, place),
        None => answer_legacy(gateway, client, asked, log, place),
    }
}

fn answer_legacy(
    gateway: &Gateway,
    client: &Arc<Client>,
    asked: Asked,
    log: RequestLog,
    place: Arc<Place>,
) -> Answering {
    let gateway = gateway.clone();
    if asked.method == method::INITIALIZE && client.begin_handshake() {
        return Answering::legacy(initialize(gateway, Arc::clone(client), asked, log), place);
    }
    let Some(session) = client.session() else {
        let why = "send `initialize` first and wait for its answer";
        return refused(log, &asked.id, &RpcError::new(code::INVALID_REQUEST, why));
    };
    let Asked { id, method, params } = asked;
    Answering::legacy(
        legacy::answer_to(log, gateway, session, EVERYTHING, id, method, params),
        place,
    )
}

/// Opens the session of the connection.
fn initialize(gateway: Gateway, client: Arc<Client>, asked: Asked, mut log: RequestLog) -> Messages {
    Box::pin(futures::stream::once(async move {
        let answer = match gateway
            .initialize(asked.params.as_ref(), client.caller, client.transport)
            .await
        {
            Ok((session, result)) => {
                keep(&gateway, &client, session);
                Answer::Result(result)
            }
            Err(error) => {
                client.fail_handshake();
                Answer::Error(error.to_raw())
            }
        };
        log.ended(&answer);
        Item::legacy(write::response(Some(&asked.id), &answer))
    }))
}

/// Makes it the session of the connection, or closes it when the stream has ended meanwhile: nobody else knows of it.
fn keep(gateway: &Gateway, client: &Client, session: Arc<Session>) {
    if !client.finish_handshake(Arc::clone(&session)) {
        let _ = gateway.close_session(session.id());
    }
}

fn answer_modern(
    gateway: &Gateway,
    client: &Client,
    asked: Asked,
    read: ModernParams,
    log: RequestLog,
    place: Arc<Place>,
) -> Answering {
    let meta = match RequestMeta::of(&read, || gateway.spoken()) {
        Ok(meta) => meta,
        Err(error) => return refused(log, &asked.id, &error),
    };
    let Some(entry) = client.begin_modern(&asked.id) else {
        let why = format!("a request with the id {} is in flight already", asked.id);
        return refused(log, &asked.id, &RpcError::new(code::INVALID_REQUEST, why));
    };
    let log = log.cancelled_by(entry.cancelled().clone());
    let request = Arc::new(ModernRequest {
        id: asked.id,
        method: asked.method,
        params: asked.params,
        members: read.into_members(),
        meta,
        param_headers: None,
        caller: client.caller,
        connection: Some(client.over().clone()),
    });
    let messages = if request.method == method::LISTEN {
        listen(gateway.clone(), request, log)
    } else {
        modern::answer_to(log, gateway.clone(), request)
    };
    Answering::modern(messages, place, entry)
}

/// `subscriptions/listen`: its messages come for as long as the client wants.
fn listen(gateway: Gateway, request: Arc<ModernRequest>, mut log: RequestLog) -> Messages {
    let opening = async move {
        match gateway.listen(&request).await {
            Ok(listen) => modern::listening(listen, request, log).map(Item::Before).boxed(),
            Err(error) => {
                log.end(Outcome::Error);
                futures::stream::iter([error_to(&request.id, &error)]).boxed()
            }
        }
    };
    Box::pin(futures::stream::once(opening).flatten())
}

fn refused(mut log: RequestLog, id: &Id, error: &RpcError) -> Answering {
    log.end(Outcome::Error);
    Answering::now(error_to(id, error))
}

fn error_to(id: &Id, error: &RpcError) -> Item {
    Item::legacy(write::response(Some(id), &Answer::Error(error.to_raw())))
}

/// Takes a message that wants no answer.
pub(crate) fn said(gateway: &Gateway, client: &Client, message: Message) {
    if let Message::Notification { method, params } = &message
        && method == method::CANCELLED
        && let Some(id) = cancelled(params.as_ref())
    {
        client.cancel_modern(&id);
    }
    match client.session() {
        Some(session) => gateway.legacy_message(&session, message),
        None => tracing::debug!("a message of a client without a session was dropped, for nobody waits for it"),
    }
}

/// Which request a client cancels.
fn cancelled(params: Option<&Raw>) -> Option<Id> {
    let read = Object::parse(params?).ok()?;
    read.get("requestId").cloned().and_then(Id::from_raw)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use argus_config::Config;
    use argus_gateway::{Caller, Options, Seal, Transport};
    use argus_runtime::GuardProgram;
    use argus_upstream::HttpClient;

    use super::*;

    fn gateway() -> Gateway {
        let options = Options {
            data_folder: None,
            guard: GuardProgram::this_program().unwrap(),
            seal: Seal::ephemeral().unwrap(),
            http: HttpClient::new().unwrap(),
        };
        Gateway::start(Arc::new(Config::default()), options)
    }

    #[tokio::test]
    async fn a_session_that_is_opened_while_its_stream_ends_is_closed() {
        let gateway = gateway();
        let caller = Caller::at(Ipv4Addr::LOCALHOST.into());
        let params = Raw::parse(r#"{"protocolVersion":"2024-11-05","capabilities":{}}"#).unwrap();
        for ends in [false, true] {
            let client = Client::new(Transport::Sse, caller);
            assert!(client.begin_handshake());
            let (session, _) = gateway.initialize(Some(&params), caller, Transport::Sse).await.unwrap();
            if ends {
                assert!(client.end().is_none());
            }
            keep(&gateway, &client, Arc::clone(&session));
            assert_eq!(gateway.session(session.id(), caller).is_err(), ends);
            assert_eq!(client.session().is_none(), ends);
        }
    }
}
