//! Taking requests.

use std::convert::Infallible;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::value::RawValue;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use super::answer::{Making, Manner, empty, json};
use super::sessions::Sessions;
use crate::Messages;
use crate::odd::arguments::Arguments;
use crate::odd::engine::Engine;
use crate::odd::oddity::{Beside400, Oddity};
use crate::raw::Envelope;

const SESSION: &str = "mcp-session-id";

struct Server {
    engine: Arc<Engine>,
    manner: Manner,
    sessions: Sessions,
    legacy: bool,
    broken: bool,
    streamless: bool,
    /// What comes with a 400, where that is the answer for a session that is not known.
    unknown: Option<Beside400>,
    /// Where requests are sent on to.
    redirect: Option<String>,
}

/// Serves at a URL that it prints, until stdin ends.
pub(crate) async fn serve(engine: &Arc<Engine>, arguments: &Arguments) -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", arguments.port)).await?;
    let address = listener.local_addr()?;
    let redirect = match arguments.oddity {
        Oddity::Redirects { away: true } => Some(format!("http://{}/mcp", elsewhere(engine).await?)),
        Oddity::Redirects { away: false } => Some("/moved".to_owned()),
        _ => None,
    };
    let server = Arc::new(Server {
        engine: Arc::clone(engine),
        manner: Manner {
            json: arguments.json,
            trickle: matches!(arguments.oddity, Oddity::SlowTrickle),
        },
        sessions: Sessions::default(),
        legacy: arguments.era.is_legacy(),
        broken: matches!(arguments.oddity, Oddity::Status500 { always: true }),
        streamless: matches!(arguments.oddity, Oddity::Get404),
        unknown: match arguments.oddity {
            Oddity::Session400 { with } => Some(with),
            _ => None,
        },
        redirect,
    });
    writeln!(io::stdout(), "http://{address}/mcp")?;
    io::stdout().flush()?;
    tokio::spawn(accept(listener, move |request| {
        let server = Arc::clone(&server);
        async move { server.answer(request).await }
    }));
    let mut rest = Vec::new();
    tokio::io::stdin().read_to_end(&mut rest).await?;
    Ok(())
}

/// An address that nobody should be led to.
pub(crate) async fn elsewhere(engine: &Arc<Engine>) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let engine = Arc::clone(engine);
    tokio::spawn(accept(listener, move |request| {
        engine.note_with("foreign", request.uri().path(), request.headers());
        std::future::ready(empty(StatusCode::OK))
    }));
    Ok(address)
}

pub(crate) async fn accept<F, R>(listener: TcpListener, answer: F)
where
    F: Fn(Request<Incoming>) -> R + Clone + Send + 'static,
    R: Future<Output = Response<Messages>> + Send + 'static,
{
    while let Ok((socket, _)) = listener.accept().await {
        // Only slower without it.
        let _ = socket.set_nodelay(true);
        let answer = answer.clone();
        let service = service_fn(move |request| {
            let answering = answer(request);
            async move { Ok::<_, Infallible>(answering.await) }
        });
        let serving = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service);
        tokio::spawn(serving);
    }
}

impl Server {
    async fn answer(&self, request: Request<Incoming>) -> Response<Messages> {
        if let Some(to) = self.redirect.as_ref().filter(|_| request.uri().path() != "/moved") {
            let mut response = empty(StatusCode::TEMPORARY_REDIRECT);
            if let Ok(to) = HeaderValue::from_str(to) {
                response.headers_mut().insert(LOCATION, to);
            }
            return response;
        }
        let (parts, body) = request.into_parts();
        match parts.method {
            Method::POST => match body.collect().await {
                Ok(body) => {
                    self.post(&parts.headers, &String::from_utf8_lossy(&body.to_bytes()))
                        .await
                }
                Err(_) => empty(StatusCode::BAD_REQUEST),
            },
            Method::GET if self.legacy => self.get(&parts.headers).await,
            Method::DELETE if self.legacy => {
                self.engine.note_with("delete", "", &parts.headers);
                self.sessions.end(named(&parts.headers).unwrap_or_default());
                empty(StatusCode::OK)
            }
            _ => empty(StatusCode::METHOD_NOT_ALLOWED),
        }
    }

    async fn post(&self, headers: &HeaderMap, text: &str) -> Response<Messages> {
        self.engine.note_with("message", text, headers);
        let Some(message) = Envelope::parse(text).filter(|_| !self.broken) else {
            return empty(if self.broken {
                StatusCode::INTERNAL_SERVER_ERROR
            } else {
                StatusCode::BAD_REQUEST
            });
        };
        if self.engine.forget.swap(false, Ordering::SeqCst) {
            self.sessions.forget();
        }
        if named(headers).is_some_and(|id| !self.sessions.knows(id)) {
            return self.unknown_session(message.id.as_deref().map(RawValue::get));
        }
        let opens = message.method.as_deref() == Some("initialize") && self.legacy;
        let (way, said) = mpsc::unbounded_channel();
        if message.is_answer() || message.id.is_none() {
            // Taken at once; what it sets off goes on.
            let engine = Arc::clone(&self.engine);
            tokio::spawn(async move { engine.take(message, way).await });
            return empty(StatusCode::ACCEPTED);
        }
        let engine = Arc::clone(&self.engine);
        tokio::spawn(async move { engine.take(message, way).await });
        let making = Making {
            engine: Arc::clone(&self.engine),
            manner: self.manner,
            request: text.to_owned(),
            said,
        };
        let (head, response) = oneshot::channel();
        tokio::spawn(making.run(head));
        let mut response = response.await.unwrap_or_else(|_| json("{}".to_owned()));
        if opens && let Ok(id) = HeaderValue::from_str(&self.sessions.open()) {
            response.headers_mut().insert(SESSION, id);
        }
        response
    }

    fn unknown_session(&self, request: Option<&str>) -> Response<Messages> {
        let Some(beside) = self.unknown else {
            return empty(StatusCode::NOT_FOUND);
        };
        let id = match beside {
            Beside400::Text => {
                let mut response = json("Bad Request: No valid session ID provided".to_owned());
                *response.status_mut() = StatusCode::BAD_REQUEST;
                response
                    .headers_mut()
                    .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
                return response;
            }
            Beside400::Null => r#","id":null"#.to_owned(),
            Beside400::Without => String::new(),
            Beside400::Named => format!(r#","id":{}"#, request.unwrap_or("null")),
        };
        let error = r#"{"code":-32000,"message":"Bad Request: No valid session ID provided"}"#;
        let mut response = json(format!(r#"{{"jsonrpc":"2.0","error":{error}{id}}}"#));
        *response.status_mut() = StatusCode::BAD_REQUEST;
        response
    }

    async fn get(&self, headers: &HeaderMap) -> Response<Messages> {
        self.engine.note_with("get", "", headers);
        if self.streamless {
            return empty(StatusCode::NOT_FOUND);
        }
        if !named(headers).is_some_and(|id| self.sessions.knows(id)) {
            return self.unknown_session(None);
        }
        let (way, chunks) = mpsc::unbounded_channel();
        let (feed, said) = mpsc::unbounded_channel();
        self.engine.feed(feed);
        tokio::spawn(super::answer::stream(said, way));
        super::answer::event_stream(Messages(chunks))
    }
}

fn named(headers: &HeaderMap) -> Option<&str> {
    headers.get(SESSION)?.to_str().ok()
}
