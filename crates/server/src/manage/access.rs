//! Who may manage the gateway: whoever has the token, or, where there is none, whoever is on this machine.

use std::net::IpAddr;
use std::sync::Arc;

use argus_config::Management;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, FORWARDED, ORIGIN, VIA, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::error::Error;
use crate::guard::{self, Rules};
use crate::peer;

/// What a proxy says of itself and of the client that it stands for.
const OF_PROXIES: [HeaderName; 6] = [
    FORWARDED,
    VIA,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-real-ip"),
];

const NO_PAGES: &str = "without a token no web page is answered, whatever server.allowed_origins lists: set \
                        server.management.token or ARGUS_MGMT_TOKEN";
const NOT_THIS_NAME: &str = "without a token the management API is there at localhost, 127.0.0.1 and [::1] only: use one \
                             of them, or set server.management.token or ARGUS_MGMT_TOKEN";

/// Who is answered.
#[derive(Clone)]
pub(crate) enum Access {
    /// Whoever shows the token with this digest. (Digests have one length, which tells nothing of the token's.)
    Token([u8; 32]),
    /// Whoever is on this machine.
    Local,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Token(_) => "Token(..)",
            Self::Local => "Local",
        })
    }
}

impl From<&Management> for Access {
    fn from(management: &Management) -> Self {
        match &management.token {
            Some(token) => Self::Token(digest(token.expose_secret())),
            None => Self::Local,
        }
    }
}

impl Access {
    fn refusal(&self, headers: &HeaderMap, authority: Option<&str>, peer: Option<IpAddr>) -> Option<Error> {
        match self {
            Self::Token(expected) => {
                let shown = bearer(headers).map(digest).unwrap_or_default();
                (!bool::from(shown.ct_eq(expected))).then_some(Error::Unauthorized)
            }
            Self::Local => {
                let local = peer.is_some_and(|peer| peer.to_canonical().is_loopback());
                let forwarded = OF_PROXIES.iter().any(|name| headers.contains_key(name));
                if !local || forwarded {
                    return Some(Error::NotLocal);
                }
                // The browser of this machine comes from here, too: a page may have any name lead here (DNS rebinding),
                // and what is allowed to use the tools may not for that reason manage.
                let host = guard::host(headers, authority);
                let own = |origin: &HeaderValue| origin.to_str().is_ok_and(|origin| guard::is_own(origin, host));
                let foreign = headers.get(ORIGIN).is_some_and(|origin| !own(origin));
                if foreign {
                    return Some(Error::Foreign(NO_PAGES));
                }
                (!guard::is_loopback(host)).then_some(Error::Foreign(NOT_THIS_NAME))
            }
        }
    }
}

/// The credential of `Authorization: Bearer`; the scheme in any case (RFC 9110 section 11.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// Refuses whoever may not see the pages, which have no data: with a token everybody may, who has to show it to learn
/// anything.
pub(super) async fn check_page(State(access): State<Arc<Access>>, request: Request, next: Next) -> Response {
    match &*access {
        Access::Token(_) => next.run(request).await,
        Access::Local => check(State(access), request, next).await,
    }
}

/// Refuses whoever may not manage.
pub(super) async fn check(State(access): State<Arc<Access>>, request: Request, next: Next) -> Response {
    let authority = request.uri().authority().map(http::uri::Authority::as_str);
    match access.refusal(request.headers(), authority, peer::address(request.extensions())) {
        None => next.run(request).await,
        Some(error) => error.into_response(),
    }
}

/// Refuses web pages that reach the gateway through their visitor's browser.
pub(super) async fn host_and_origin(State(rules): State<Arc<Rules>>, request: Request, next: Next) -> Response {
    let authority = request.uri().authority().map(http::uri::Authority::as_str);
    match rules.refusal(request.headers(), authority) {
        None => next.run(request).await,
        Some(why) => Error::Foreign(why).into_response(),
    }
}

/// Keeps browsers from making anything of an answer.
pub(super) async fn harmless(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let policy = headers.entry(CONTENT_SECURITY_POLICY);
    policy.or_insert(HeaderValue::from_static("default-src 'none'"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        let field = |(name, value): &(&'static str, &str)| (HeaderName::from_static(name), value.parse().unwrap());
        fields.iter().map(field).collect()
    }

    #[test]
    fn with_a_token_only_the_token_counts() {
        let access = Access::Token(digest("0123456789abcdef"));
        let passes = |value: &str| {
            let headers = headers(&[("authorization", value)]);
            access.refusal(&headers, None, None).is_none()
        };
        for good in [
            "Bearer 0123456789abcdef",
            "bearer 0123456789abcdef",
            "BEARER  0123456789abcdef",
        ] {
            assert!(passes(good), "{good}");
        }
        for bad in [
            "",
            "0123456789abcdef",
            "Bearer",
            "Bearer ",
            "Bearer 0123456789abcde",
            "Basic 0123456789abcdef",
        ] {
            assert!(!passes(bad), "{bad}");
        }
        let here = Some([127, 0, 0, 1].into());
        assert!(matches!(
            access.refusal(&HeaderMap::new(), Some("localhost"), here),
            Some(Error::Unauthorized)
        ));
    }

    #[test]
    fn without_one_only_this_machine_counts_and_no_proxy() {
        let passes = |peer: &str, fields: &[(&'static str, &str)]| {
            let peer = peer.parse().ok();
            Access::Local
                .refusal(&headers(fields), Some("localhost:9000"), peer)
                .is_none()
        };
        assert!(passes("127.0.0.1", &[]) && passes("::1", &[]) && passes("::ffff:127.0.0.1", &[]));
        assert!(!passes("10.0.0.1", &[]) && !passes("::", &[]) && !passes("nobody", &[]));
        for name in ["forwarded", "x-forwarded-for", "x-real-ip", "via"] {
            assert!(!passes("127.0.0.1", &[(name, "127.0.0.1")]), "{name}");
        }
    }

    #[test]
    fn without_one_a_name_of_this_machine_is_needed() {
        let passes = |host: &str, origin: Option<&str>| {
            let mut headers = headers(&[("host", host)]);
            headers.extend(origin.map(|origin| (ORIGIN, origin.parse().unwrap())));
            let here = Some([127, 0, 0, 1].into());
            Access::Local.refusal(&headers, None, here).is_none()
        };
        for host in [
            "localhost",
            "LOCALHOST:9000",
            "127.0.0.1:9000",
            "127.1.2.3",
            "[::1]",
            "[::1]:9000",
        ] {
            assert!(passes(host, None), "{host}");
            assert!(passes(host, Some(&format!("http://{host}"))), "{host}");
            for origin in [
                "http://evil.example",
                "http://localhost:1",
                "null",
                "https://app.example",
            ] {
                assert!(!passes(host, Some(origin)), "{host} {origin}");
            }
        }
        for host in [
            "evil.example",
            "evil.example:9000",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "10.0.0.1",
            "0.0.0.0:9000",
            "[::ffff:7f00:1]:80x",
            "",
        ] {
            assert!(!passes(host, None), "{host}");
            assert!(!passes(host, Some(&format!("http://{host}"))), "{host}");
        }
    }
}
