//! Cross-origin answers for the web pages that `server.allowed_origins` names: without them a browser keeps what it got
//! from the page (WHATWG Fetch, "CORS protocol").

use std::time::Duration;

use argus_config::Server;
use argus_protocol::header;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, Method};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

/// How long a browser may remember what it was allowed.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// Lets the listed origins read answers; no other. `None` where none is listed.
pub(crate) fn layer(server: &Server) -> Option<CorsLayer> {
    let listed: Vec<String> = server
        .allowed_origins
        .iter()
        .map(|origin| origin.to_ascii_lowercase())
        .collect();
    if listed.is_empty() {
        return None;
    }
    let origins = if listed.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        let is_listed = move |origin: &HeaderValue| {
            let origin = origin.as_bytes().to_ascii_lowercase();
            listed.iter().any(|known| known.as_bytes() == origin)
        };
        AllowOrigin::predicate(move |origin, _| is_listed(origin))
    };
    let layer = CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([header::SESSION_ID, WWW_AUTHENTICATE])
        .max_age(REMEMBERED);
    Some(layer)
}
