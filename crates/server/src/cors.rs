//! Cross-origin answers for the web pages that `server.allowed_origins` names: without them a browser keeps what it got
//! from the page (WHATWG Fetch, "CORS protocol").

use std::time::Duration;

use argus_config::Server;
use argus_protocol::header;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderName, HeaderValue, Method};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

/// How long a browser may remember what it was allowed.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// Lets the listed origins read answers; no other.
pub(crate) fn layer(server: &Server) -> CorsLayer {
    let origins = if server.allowed_origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(
            server
                .allowed_origins
                .iter()
                .filter_map(|origin| HeaderValue::from_str(origin).ok()),
        )
    };
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([HeaderName::from_static(header::SESSION_ID), WWW_AUTHENTICATE])
        .max_age(REMEMBERED)
}
