//! A request before it is one: it can be made again, and nothing large is carried on the way to the socket.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request};
use http_body_util::Full;

/// What is sent.
#[derive(Debug, Clone)]
pub(super) enum What {
    /// A message.
    Message(Bytes),
    /// The wish for a stream.
    Stream,
    /// The end of a session.
    Goodbye,
}

/// What is sent, with its headers.
#[derive(Debug)]
pub(super) struct Sending<'a> {
    pub(super) what: What,
    /// Headers of its own.
    pub(super) own: &'a HeaderMap,
    /// Headers of the configuration, which win.
    pub(super) configured: &'a HeaderMap,
}

impl Sending<'_> {
    /// The request, which is nowhere yet.
    pub(super) fn request(&self) -> Request<Full<Bytes>> {
        let (method, body) = match &self.what {
            What::Message(body) => (Method::POST, body.clone()),
            What::Stream => (Method::GET, Bytes::new()),
            What::Goodbye => (Method::DELETE, Bytes::new()),
        };
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        let headers = request.headers_mut();
        headers.clone_from(self.own);
        match &self.what {
            What::Message(_) => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
            }
            What::Stream => {
                headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
            }
            What::Goodbye => {}
        }
        for (name, value) in self.configured {
            headers.insert(name, value.clone());
        }
        request
    }

    /// The size of its body.
    pub(super) fn size(&self) -> usize {
        match &self.what {
            What::Message(body) => body.len(),
            What::Stream | What::Goodbye => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_configured_wins() {
        let own = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("text/html"))]);
        let configured = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("text/x"))]);
        let what = What::Message(Bytes::from_static(b"{}"));
        let sending = Sending {
            what,
            own: &own,
            configured: &configured,
        };
        let request = sending.request();
        assert_eq!((request.method(), sending.size()), (&Method::POST, 2));
        assert_eq!(request.headers()[ACCEPT], "application/json, text/event-stream");
        assert_eq!(request.headers()[CONTENT_TYPE], "text/x");
    }
}
