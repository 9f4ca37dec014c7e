//! A URL as requests carry it, made ready once.

use http::header::HOST;
use http::uri::Scheme;
use http::{HeaderValue, Request, Uri};
use url::Url;

/// Where requests go.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Scheme, authority and path.
    pub(super) whole: Uri,
    /// Whether nothing is encrypted.
    pub(super) plain: bool,
    path: Uri,
    host: HeaderValue,
}

impl Place {
    /// Why it cannot be is said in words.
    pub(super) fn of(url: &Url) -> Result<Self, String> {
        let whole: Uri = url
            .as_str()
            .parse()
            .map_err(|error: http::uri::InvalidUri| error.to_string())?;
        let nowhere = || "the address names no host".to_owned();
        let authority = whole.authority().ok_or_else(nowhere)?;
        let host = match authority.port_u16() {
            Some(80) | None => authority.host(),
            Some(_) => authority.as_str(),
        };
        Ok(Self {
            plain: whole.scheme() == Some(&Scheme::HTTP),
            path: whole
                .path_and_query()
                .map_or_else(|| Uri::from_static("/"), |path| Uri::from(path.clone())),
            host: HeaderValue::from_str(host).map_err(|_| nowhere())?,
            whole,
        })
    }

    /// Addresses a request to the server itself: its URI in origin form, with a `Host` (RFC 9112 section 3.2.1).
    pub(super) fn in_origin_form<B>(&self, request: &mut Request<B>) {
        *request.uri_mut() = self.path.clone();
        request.headers_mut().entry(HOST).or_insert_with(|| self.host.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(url: &str) -> (bool, String, String) {
        let place = Place::of(&Url::parse(url).unwrap()).unwrap();
        let mut request = Request::new(());
        place.in_origin_form(&mut request);
        let host = request.headers()[HOST].to_str().unwrap().to_owned();
        (place.plain, request.uri().to_string(), host)
    }

    #[test]
    fn a_request_names_path_and_host() {
        let is = |plain, path: &str, host: &str| (plain, path.to_owned(), host.to_owned());
        assert_eq!(
            sent("http://example.com:80/mcp?a=1"),
            is(true, "/mcp?a=1", "example.com")
        );
        assert_eq!(sent("http://127.0.0.1:9/"), is(true, "/", "127.0.0.1:9"));
        assert_eq!(sent("http://[::1]:9"), is(true, "/", "[::1]:9"));
        assert!(!sent("https://example.com/mcp").0);
    }

    #[test]
    fn a_host_that_was_set_stays() {
        let place = Place::of(&Url::parse("http://127.0.0.1:9/").unwrap()).unwrap();
        let mut request = Request::builder().header(HOST, "tools.example").body(()).unwrap();
        place.in_origin_form(&mut request);
        assert_eq!(request.headers()[HOST], "tools.example");
    }
}
