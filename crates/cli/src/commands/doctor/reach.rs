//! Remote backends: name, connection, TLS, and an answer. All at once, each within a time limit.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use argus_config::{Auth, Backend, Config, Remote};
use bytes::Bytes;
use futures::future::join_all;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Empty;
use hyper::body::Incoming;
use secrecy::ExposeSecret;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::backends;
use super::clock::Date;
use super::finding::Finding;
use super::tls::{self, Tls};
use crate::http as plain;

const NAME: &str = "reach";
/// How long each step may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The findings, and what the backends say is the time.
pub(super) async fn check(config: &Config) -> (Vec<Finding>, Vec<Date>) {
    let remotes = backends(config).filter_map(|backend| Some((backend, backend.transport.remote()?)));
    let remotes: Vec<(&Backend, &Remote)> = remotes.collect();
    if remotes.is_empty() {
        return Default::default();
    }
    let tls = Tls::of_the_system();
    let asked = remotes.into_iter().map(|(backend, remote)| one(backend, remote, &tls));
    let (findings, dates): (Vec<_>, Vec<_>) = join_all(asked).await.into_iter().unzip();
    (
        findings.into_iter().flatten().collect(),
        dates.into_iter().flatten().collect(),
    )
}

/// Why a backend cannot be reached, and what to do about it.
pub(super) struct Trouble {
    pub(super) message: String,
    pub(super) remedy: String,
}

async fn one(backend: &Backend, remote: &Remote, tls: &Tls) -> (Vec<Finding>, Option<Date>) {
    let name = &backend.name;
    let host = remote.url.host_str().unwrap_or_default();
    let place = format!("{host}:{}", remote.url.port_or_known_default().unwrap_or(443));
    if backend.transport.process().is_some() {
        // Whether its program can be started is another check.
        return (Vec::new(), None);
    }
    let failed = |Trouble { message, remedy }| vec![Finding::error(NAME, format!("{name}: {message}"), remedy)];
    let stream = match connected(name, &place).await {
        Ok(stream) => stream,
        Err(trouble) => return (failed(trouble), None),
    };
    let mut findings = Vec::new();
    let answered = if remote.url.scheme() == "https" {
        match tls.over(stream, host.trim_matches(['[', ']']), &place).await {
            Ok((stream, soon)) => {
                findings.extend(soon.then(|| tls::ends_soon(NAME, name)));
                answer(stream, remote, &place).await
            }
            Err(trouble) => return (failed(trouble), None),
        }
    } else {
        answer(stream, remote, &place).await
    };
    let heard = SystemTime::now();
    match answered {
        Ok(response) => {
            findings.push(judged(name, &place, response.status()));
            let said = response.headers().get(header::DATE).and_then(time);
            let date = said.map(|said| Date {
                backend: name.clone(),
                said,
                heard,
            });
            (findings, date)
        }
        Err(error) => {
            findings.extend(failed(Trouble {
                message: format!("{place} takes the connection, but gives no HTTP answer: {error}"),
                remedy: format!("see whether backends.{name}.url has the right scheme and port"),
            }));
            (findings, None)
        }
    }
}

async fn connected(name: &str, place: &str) -> Result<TcpStream, Trouble> {
    let late = || io::Error::from(io::ErrorKind::TimedOut);
    let found = timeout(PATIENCE, lookup_host(place))
        .await
        .unwrap_or_else(|_| Err(late()));
    let addresses: Vec<SocketAddr> = found.map(Iterator::collect).map_err(|error| Trouble {
        message: format!("the name in {place} cannot be found: {error}"),
        remedy: format!("correct it in backends.{name}.url, or see to the DNS of this machine"),
    })?;
    let made = timeout(PATIENCE, TcpStream::connect(&*addresses)).await;
    made.unwrap_or_else(|_| Err(late())).map_err(|error| Trouble {
        message: match error.kind() {
            io::ErrorKind::ConnectionRefused => format!("nobody listens at {place}"),
            _ => format!("no connection to {place}: {error}"),
        },
        remedy: format!("start the server, see to the firewall, or correct backends.{name}.url"),
    })
}

/// The head of the answer to a GET with the credentials that the gateway would use.
async fn answer<S>(stream: S, remote: &Remote, place: &str) -> io::Result<Response<()>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let url = &remote.url;
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let mut request = Request::get(path)
        .header(header::HOST, place)
        .header(header::ACCEPT, "text/event-stream")
        .header(header::CONNECTION, "close");
    let more = remote.auth.as_ref().map(|Auth::Static { headers }| headers);
    for (name, value) in remote.headers.iter().chain(more.into_iter().flatten()) {
        // Its own words are not repeated by an error.
        let mut value = HeaderValue::from_str(value.expose_secret())
            .map_err(|_| io::Error::other(format!("the header {name} cannot be sent")))?;
        value.set_sensitive(true);
        request = request.header(name, value);
    }
    let request = request.body(Empty::<Bytes>::new()).map_err(io::Error::other)?;
    let head = async |response: Response<Incoming>| Ok(response.map(drop));
    timeout(PATIENCE, plain::send(stream, request, head))
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// A GET without a session may be refused in many ways; some say that calls will be, too.
fn judged(name: &str, place: &str, status: StatusCode) -> Finding {
    let message = format!("{name}: {place} answers with status {}", status.as_u16());
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Finding::warning(
            NAME,
            message,
            format!("see to the credentials in backends.{name}.headers or backends.{name}.auth"),
        ),
        StatusCode::NOT_FOUND | StatusCode::GONE => {
            Finding::warning(NAME, message, format!("correct the path in backends.{name}.url"))
        }
        status if status.is_redirection() => Finding::warning(
            NAME,
            message,
            format!("write the address that it leads to into backends.{name}.url: redirects are not followed"),
        ),
        status if status.is_server_error() => {
            Finding::warning(NAME, message, "the server is there and fails: look into its log")
        }
        _ => Finding::ok(NAME, message),
    }
}

fn time(date: &HeaderValue) -> Option<SystemTime> {
    let text = date.to_str().ok()?;
    let time = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(time.timestamp().into())
}
