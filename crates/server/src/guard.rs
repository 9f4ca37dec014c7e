//! Host and Origin: a web page must not reach the gateway through its visitor's browser (MCP "Security warning": DNS
//! rebinding).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use argus_config::Server;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{HOST, ORIGIN};
use http::{HeaderMap, StatusCode};

use crate::mcp::answer;

/// Which hosts and origins pass.
#[derive(Debug)]
pub(crate) struct Rules {
    /// `None`: any host.
    hosts: Option<Vec<String>>,
    origins: Vec<String>,
    any_origin: bool,
}

impl Rules {
    /// Host is checked when `allowed_hosts` is set, or when the address is a loopback one.
    pub(crate) fn new(server: &Server, address: SocketAddr) -> Self {
        let listed = !server.allowed_hosts.is_empty();
        let bound = address.ip().to_canonical();
        let loopback = bound.is_loopback();
        if !listed && !loopback {
            tracing::warn!(
                %address,
                "reachable from other machines and any Host passes; set server.allowed_hosts to the names clients use",
            );
        }
        let mut hosts: Vec<String> = server
            .allowed_hosts
            .iter()
            .map(|host| host.to_ascii_lowercase())
            .collect();
        if loopback {
            hosts.extend(["localhost", "127.0.0.1", "[::1]"].map(str::to_owned));
        }
        hosts.push(server.host.to_ascii_lowercase());
        // A name may stand for another address of the machine than the usual one.
        hosts.push(bound.to_string());
        Self {
            hosts: (listed || loopback).then_some(hosts),
            any_origin: server.allowed_origins.iter().any(|origin| origin == "*"),
            origins: server
                .allowed_origins
                .iter()
                .map(|origin| origin.to_ascii_lowercase())
                .collect(),
        }
    }

    /// Why a request does not pass.
    pub(crate) fn refusal(&self, headers: &HeaderMap, authority: Option<&str>) -> Option<&'static str> {
        if headers.get_all(HOST).iter().nth(1).is_some() {
            return Some("a request names one Host, this one several");
        }
        let host = host(headers, authority);
        if !self.host_passes(host) {
            return Some("this Host is not served here; add it to server.allowed_hosts if it should be");
        }
        let origin = headers.get(ORIGIN)?;
        let passes = origin.to_str().is_ok_and(|origin| self.origin_passes(origin, host));
        (!passes).then_some("this Origin is not allowed; add it to server.allowed_origins if it should be")
    }

    fn host_passes(&self, host: &str) -> bool {
        let Some(allowed) = &self.hosts else { return true };
        let name = without_port(host);
        let is = |known: &String| known.eq_ignore_ascii_case(host) || known.eq_ignore_ascii_case(name);
        // Spelled alike is the usual case; only else are addresses read.
        allowed.iter().any(is) || allowed.iter().any(|known| is_same_address(known, name))
    }

    fn origin_passes(&self, origin: &str, host: &str) -> bool {
        let origin = origin.to_ascii_lowercase();
        self.any_origin || is_own(&origin, host) || self.origins.contains(&origin)
    }
}

/// The host that a request is for. A target that names one goes before the header (RFC 9112 section 3.2.2).
pub(crate) fn host<'r>(headers: &'r HeaderMap, authority: Option<&'r str>) -> &'r str {
    let named = headers.get(HOST).and_then(|value| value.to_str().ok());
    authority.or(named).unwrap_or_default()
}

/// Whether a page comes from the host that it asks.
pub(crate) fn is_own(origin: &str, host: &str) -> bool {
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

/// Whether the host is this machine for whoever says so: no name server is asked for these.
pub(crate) fn is_loopback(host: &str) -> bool {
    let name = without_port(host);
    name.eq_ignore_ascii_case("localhost") || address(name).is_some_and(|address| address.is_loopback())
}

/// `example.com` of `example.com:80`, `[::1]` of `[::1]:80`.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

/// Whether both are the same IP address, with or without brackets.
fn is_same_address(one: &str, other: &str) -> bool {
    address(one).is_some_and(|one| address(other) == Some(one))
}

fn address(text: &str) -> Option<IpAddr> {
    text.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Refuses with 403 what does not pass.
pub(crate) async fn check(State(rules): State<Arc<Rules>>, request: Request, next: Next) -> Response {
    match rules.refusal(
        request.headers(),
        request.uri().authority().map(http::uri::Authority::as_str),
    ) {
        None => next.run(request).await,
        Some(why) => answer::refused(StatusCode::FORBIDDEN, why).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(bound: &str, hosts: &[&str], origins: &[&str]) -> Rules {
        let server = Server {
            allowed_hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            allowed_origins: origins.iter().map(|origin| (*origin).to_owned()).collect(),
            ..Server::default()
        };
        Rules::new(&server, bound.parse().unwrap())
    }

    fn passes(rules: &Rules, host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        rules.refusal(&headers, None).is_none()
    }

    #[test]
    fn on_loopback_only_loopback_names_pass() {
        let rules = rules("127.0.0.1:9000", &[], &[]);
        for host in ["localhost:9000", "127.0.0.1:9000", "LOCALHOST", "[::1]:9000"] {
            assert!(passes(&rules, host, None), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:9000",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "",
        ] {
            assert!(!passes(&rules, host, None), "{host}");
        }
    }

    #[test]
    fn what_was_bound_passes_and_a_mapped_loopback_address_is_one() {
        let own = rules("127.0.1.1:9000", &[], &[]);
        assert!(passes(&own, "127.0.1.1:9000", None));
        assert!(!passes(&own, "127.0.1.2:9000", None) && !passes(&own, "evil.example", None));
        let mapped = rules("[::ffff:127.0.0.1]:9000", &[], &[]);
        assert!(passes(&mapped, "127.0.0.1:9000", None));
        assert!(!passes(&mapped, "evil.example", None));
    }

    #[test]
    fn elsewhere_any_host_passes_until_hosts_are_listed() {
        assert!(passes(&rules("0.0.0.0:9000", &[], &[]), "anything", None));
        let listed = rules("0.0.0.0:9000", &["argus.example", "b.example:8080"], &[]);
        assert!(passes(&listed, "argus.example:443", None));
        assert!(passes(&listed, "b.example:8080", None));
        assert!(!passes(&listed, "b.example:80", None));
        assert!(!passes(&listed, "localhost", None));
    }

    #[test]
    fn origins() {
        let rules = rules("127.0.0.1:9000", &[], &["https://app.example"]);
        assert!(passes(&rules, "localhost:9000", Some("http://localhost:9000")));
        assert!(passes(&rules, "localhost:9000", Some("https://APP.example")));
        assert!(!passes(&rules, "localhost:9000", Some("http://evil.example")));
        assert!(!passes(&rules, "localhost:9000", Some("null")));
        assert!(!passes(&rules, "localhost:9000", Some("http://localhost:1")));
        assert!(passes(
            &self::rules("127.0.0.1:1", &[], &["*"]),
            "localhost",
            Some("http://evil.example")
        ));
    }
}
