//! One URL with its headers, and sending to it.

use argus_protocol::{header, version};
use bytes::{Bytes, BytesMut};
use http::header::LOCATION;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::BodyExt;
use url::Url;

use super::HttpClient;
use super::Received;
use super::causes::causes;
use super::client::SendError;
use super::place::Place;
use super::sending::{Sending, What};
use crate::LinkError;

/// Redirects that are followed within one origin.
const MAX_REDIRECTS: usize = 5;
/// The longest body that is not a stream.
pub(super) const MAX_BODY: usize = 64 << 20;

/// Where a backend is, and the headers that the configuration adds.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub(super) client: HttpClient,
    pub(super) url: Url,
    /// The URL as requests carry it, or why they cannot.
    place: Result<Place, String>,
    pub(super) headers: HeaderMap,
}

impl Endpoint {
    /// `headers` are sent with every request, so they must be marked sensitive where they are secret.
    #[must_use]
    pub fn new(client: HttpClient, url: Url, headers: HeaderMap) -> Self {
        Self {
            client,
            place: Place::of(&url),
            url,
            headers,
        }
    }

    pub(super) fn client(&self) -> &HttpClient {
        &self.client
    }

    /// Sends a message, with these headers beside its own.
    ///
    /// # Errors
    /// When the place cannot be reached, or the connection breaks before the head of the answer.
    pub async fn post(&self, extra: &HeaderMap, body: Bytes) -> Result<Response<Received>, LinkError> {
        self.send(What::Message(body), extra)
            .await
            .map(|(_, response)| response)
    }

    /// Opens a stream.
    pub(super) async fn get(&self, extra: &HeaderMap) -> Result<Response<Received>, LinkError> {
        self.get_from(extra).await.map(|(_, response)| response)
    }

    /// Opens a stream; says too where it comes from after redirects.
    ///
    /// # Errors
    /// When the place cannot be reached, or the connection breaks before the head of the answer.
    pub async fn get_from(&self, extra: &HeaderMap) -> Result<(Url, Response<Received>), LinkError> {
        let (url, response) = self.send(What::Stream, extra).await?;
        Ok((url.unwrap_or_else(|| self.url.clone()), response))
    }

    /// The same place, reached over connections that nobody else uses.
    pub(crate) fn apart(self) -> Self {
        Self {
            client: self.client.apart(),
            ..self
        }
    }

    /// The same headers at another place.
    #[must_use]
    pub fn at(&self, url: Url) -> Self {
        Self {
            place: Place::of(&url),
            url,
            ..self.clone()
        }
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Ends a session; nobody waits for more than the answer's head.
    ///
    /// # Errors
    /// When the place cannot be reached, or the connection breaks before the head of the answer.
    pub async fn delete(&self, extra: &HeaderMap) -> Result<Response<Received>, LinkError> {
        self.send(What::Goodbye, extra).await.map(|(_, response)| response)
    }

    /// Sends, and goes where it is sent on to; gives where the answer comes from, if that is not here.
    async fn send(&self, what: What, extra: &HeaderMap) -> Result<(Option<Url>, Response<Received>), LinkError> {
        let sending = Sending {
            what,
            own: extra,
            configured: &self.headers,
        };
        let response = self.send_to(&self.url, &self.place, &sending).await?;
        if !is_redirect(&response) {
            return Ok((None, response));
        }
        Box::pin(self.follow(&sending, response))
            .await
            .map(|(url, response)| (Some(url), response))
    }

    async fn follow(
        &self,
        sending: &Sending<'_>,
        mut response: Response<Received>,
    ) -> Result<(Url, Response<Received>), LinkError> {
        let mut url = self.url.clone();
        for _ in 0..MAX_REDIRECTS {
            url = self.redirected(&url, &response)?;
            response = self.send_to(&url, &Place::of(&url), sending).await?;
            if !is_redirect(&response) {
                return Ok((url, response));
            }
        }
        Err(LinkError::Protocol("it redirects in a circle".to_owned()))
    }

    fn redirected(&self, from: &Url, response: &Response<Received>) -> Result<Url, LinkError> {
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let to = location
            .and_then(|location| from.join(location).ok())
            .ok_or_else(|| LinkError::Protocol("it redirects to nowhere".to_owned()))?;
        if to.origin() == self.url.origin() {
            Ok(to)
        } else {
            Err(LinkError::Redirect {
                from: shown(from),
                to: shown(&to),
            })
        }
    }

    async fn send_to(
        &self,
        url: &Url,
        place: &Result<Place, String>,
        sending: &Sending<'_>,
    ) -> Result<Response<Received>, LinkError> {
        let unreachable = |cause: String| LinkError::Unreachable { url: shown(url), cause };
        let place = place.as_ref().map_err(|why| unreachable(why.clone()))?;
        self.client.send(place, sending).await.map_err(|error| match error {
            SendError::Connect(cause) => unreachable(cause),
            SendError::Broken(cause) => LinkError::Closed(format!("the connection broke before the answer: {cause}")),
        })
    }
}

fn is_redirect(response: &Response<Received>) -> bool {
    matches!(
        response.status(),
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
    )
}

/// A URL without what may be secret in it, which is all but the origin: some services have the key in the path.
#[must_use]
pub fn shown(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Reads a body that is not a stream, within a bound.
pub(super) async fn collect(mut body: Received) -> Result<Bytes, LinkError> {
    let mut whole = BytesMut::new();
    let mut first = Bytes::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| LinkError::Closed(format!("the answer broke off: {}", causes(&error))))?;
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() + first.len() + data.len() > MAX_BODY {
            return Err(LinkError::Protocol(format!(
                "the answer is larger than {MAX_BODY} bytes"
            )));
        }
        if first.is_empty() && whole.is_empty() {
            first = data;
        } else {
            whole.extend_from_slice(&std::mem::take(&mut first));
            whole.extend_from_slice(&data);
        }
    }
    Ok(if whole.is_empty() { first } else { whole.freeze() })
}

/// The error for a status that carries no JSON-RPC answer.
pub(crate) fn status_error(url: &Url, status: StatusCode) -> LinkError {
    let hint = match status {
        StatusCode::UNAUTHORIZED => ": it wants credentials; set headers or auth of the backend",
        StatusCode::FORBIDDEN => ": it refuses these credentials",
        StatusCode::NOT_FOUND => ": there is no MCP endpoint at this path; check the url",
        _ => "",
    };
    LinkError::Status {
        url: shown(url),
        status,
        hint,
    }
}

/// The header of a protocol version.
pub(crate) fn with_version(headers: &mut HeaderMap, named: &str) {
    let value = match named {
        version::MODERN => Ok(HeaderValue::from_static(version::MODERN)),
        other => HeaderValue::from_str(other),
    };
    if let Ok(value) = value {
        headers.insert(header::PROTOCOL_VERSION, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_urls_hide_credentials() {
        let url = Url::parse("https://me:secret@example.com:8443/secret/mcp?key=secret").unwrap();
        assert_eq!(shown(&url), "https://example.com:8443");
    }
}
