//! Every path and what answers it.

use std::net::SocketAddr;
use std::sync::Arc;

use argus_config::Server;
use argus_gateway::Gateway;
use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{any, get};

use crate::app::App;
use crate::guard::{self, Rules};
use crate::{cors, manage, mcp, request_log};

/// The routes of a gateway that is bound to `address`.
pub(crate) fn router(gateway: Gateway, server: &Server, address: SocketAddr) -> Router {
    let rules = Arc::new(Rules::new(server, address));
    let app = App {
        gateway,
        max_body: server.max_body_bytes,
    };
    let protected = Router::new()
        .route("/mcp", any(mcp::handle))
        .route("/mcp/", any(mcp::handle))
        // The first is the outermost. Together, because every call to `layer` adds a box to the path of a request.
        .layer((
            from_fn(|request, next| request_log::rest(mcp::FACE, request, next)),
            from_fn_with_state(rules, guard::check),
            cors::layer(server),
        ));
    let public = Router::new()
        .route("/manage/v1/health", get(manage::health::show))
        .route("/manage/v1/ready", get(manage::ready::show));
    protected.merge(public).with_state(app)
}
