//! A server over HTTP+SSE of 2024-11-05: an event stream at `/sse`, which names where messages are posted to.

use std::collections::HashMap;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::header::LOCATION;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::arguments::Arguments;
use super::engine::Engine;
use super::http::{accept, elsewhere, empty, event, event_stream, send};
use super::oddity::Oddity;
use super::out::{Out, Way};
use crate::Messages;
use crate::raw::Envelope;

struct Server {
    engine: Arc<Engine>,
    oddity: Oddity,
    /// Where it listens.
    address: SocketAddr,
    /// An address that nobody should be led to.
    elsewhere: SocketAddr,
    count: AtomicUsize,
    streams: Mutex<HashMap<String, Way>>,
}

/// Serves at a URL that it prints, until stdin ends.
pub(crate) async fn serve(engine: &Arc<Engine>, arguments: &Arguments) -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", arguments.port)).await?;
    let address = listener.local_addr()?;
    let server = Arc::new(Server {
        engine: Arc::clone(engine),
        oddity: arguments.oddity.clone(),
        address,
        elsewhere: elsewhere(engine).await?,
        count: AtomicUsize::new(0),
        streams: Mutex::default(),
    });
    writeln!(io::stdout(), "http://{address}/sse")?;
    io::stdout().flush()?;
    tokio::spawn(accept(listener, move |request| {
        let server = Arc::clone(&server);
        async move { server.answer(request).await }
    }));
    let mut rest = Vec::new();
    tokio::io::stdin().read_to_end(&mut rest).await?;
    Ok(())
}

impl Server {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Messages> {
        let (parts, body) = request.into_parts();
        if let Oddity::Redirects { away } = self.oddity
            && parts.uri.path() == "/sse"
        {
            return redirect(&if away {
                format!("http://{}/sse", self.elsewhere)
            } else {
                "/moved/sse".to_owned()
            });
        }
        match (&parts.method, parts.uri.path()) {
            (&Method::GET, "/sse" | "/moved/sse") => self.open(&parts.headers),
            (&Method::POST, "/messages" | "/moved/messages") => match body.collect().await {
                Ok(body) => {
                    let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
                    self.take(parts.uri.query().unwrap_or_default(), &parts.headers, &text)
                        .await
                }
                Err(_) => empty(StatusCode::BAD_REQUEST),
            },
            _ => empty(StatusCode::METHOD_NOT_ALLOWED),
        }
    }

    /// Opens a stream.
    fn open(self: Arc<Self>, headers: &HeaderMap) -> Response<Messages> {
        self.engine.note_with("get", "", headers);
        if matches!(self.oddity, Oddity::Status500 { always: true }) {
            return empty(StatusCode::INTERNAL_SERVER_ERROR);
        }
        let query = format!("stream={}&keep=%20", self.count.fetch_add(1, Ordering::SeqCst));
        let place = match self.oddity {
            Oddity::OddEndpoint { away: true, .. } => Some(format!("http://{}/messages?{query}", self.elsewhere)),
            Oddity::OddEndpoint { absolute: true, .. } => Some(format!("http://{}/messages?{query}", self.address)),
            Oddity::OddEndpoint { .. } => None,
            _ => Some(format!("messages?{query}")),
        };
        let (way, said) = mpsc::unbounded_channel();
        let (chunks, body) = mpsc::unbounded_channel();
        let opening = place.map_or(": hello\n\n".to_owned(), |place| {
            format!(": hello\n\nevent: endpoint\ndata: {place}\n\nevent: other\ndata: no message\n\n")
        });
        // The other half is right here.
        let _ = chunks.send(opening.into());
        self.engine.feed(way.clone());
        self.streams().insert(query.clone(), way);
        tokio::spawn(self.speak(query, said, chunks));
        event_stream(Messages(body))
    }

    /// Writes what is said until the stream ends.
    async fn speak(
        self: Arc<Self>,
        query: String,
        mut said: mpsc::UnboundedReceiver<Out>,
        chunks: mpsc::UnboundedSender<bytes::Bytes>,
    ) {
        let trickle = matches!(self.oddity, Oddity::SlowTrickle);
        loop {
            let out = tokio::select! {
                out = said.recv() => out,
                () = chunks.closed() => None,
            };
            let heard = match out {
                Some(Out::Line(text) | Out::Answer(text)) => send(event(&text).into(), trickle, &chunks).await,
                Some(Out::Lines(texts)) => {
                    let events: Vec<String> = texts.iter().map(|text| event(text)).collect();
                    send(events.concat().into(), trickle, &chunks).await
                }
                Some(Out::Bytes(bytes)) => send(bytes.into(), trickle, &chunks).await,
                Some(Out::Exit(code)) => std::process::exit(code),
                Some(Out::Status(_) | Out::Type(_)) => true,
                Some(Out::Close) | None => false,
            };
            if !heard {
                break;
            }
        }
        self.streams().remove(&query);
        self.engine.note("closed", &query);
    }

    /// Takes a posted message; which stream it belongs to is noted in as the header `stream`.
    async fn take(&self, query: &str, headers: &HeaderMap, text: &str) -> Response<Messages> {
        let mut noted = headers.clone();
        if let Ok(stream) = HeaderValue::from_str(query) {
            noted.insert("stream", stream);
        }
        self.engine.note_with("message", text, &noted);
        if self.engine.forget.swap(false, Ordering::SeqCst) {
            // The streams stay open, as behind a proxy whose server was started anew.
            self.streams().clear();
        }
        let Some(way) = self.streams().get(query).cloned() else {
            return empty(StatusCode::NOT_FOUND);
        };
        let Some(message) = Envelope::parse(text) else {
            return empty(StatusCode::BAD_REQUEST);
        };
        if let Some(status) = self.engine.status_of(&message) {
            return empty(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
        }
        let engine = Arc::clone(&self.engine);
        let taking = tokio::spawn(async move { engine.take(message, way).await });
        if matches!(self.oddity, Oddity::TakesLate { .. }) {
            // It cannot fail.
            let _ = taking.await;
        }
        empty(StatusCode::ACCEPTED)
    }

    fn streams(&self) -> MutexGuard<'_, HashMap<String, Way>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn redirect(to: &str) -> Response<Messages> {
    let mut response = empty(StatusCode::TEMPORARY_REDIRECT);
    if let Ok(to) = HeaderValue::from_str(to) {
        response.headers_mut().insert(LOCATION, to);
    }
    response
}
