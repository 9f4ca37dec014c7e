//! Every path and what answers it.

use std::net::SocketAddr;
use std::sync::Arc;

use argus_config::Server;
use argus_gateway::Gateway;
use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::any;
use tower::util::option_layer;

use crate::app::App;
use crate::front::Faces;
use crate::guard::{self, Rules};
use crate::manage::{Access, Running, Service, Stop, Watchers};
use crate::sse::Connections;
use crate::{cors, manage, mcp, metrics, request_log, sse};

/// The faces of a gateway that is bound to `address`.
pub(crate) fn faces(gateway: Gateway, server: &Server, service: Service, address: SocketAddr, stop: Stop) -> Faces {
    let cors = cors::layer(server);
    let rules = Arc::new(Rules::new(server, address));
    let app = App {
        gateway,
        max_body: server.max_body_bytes,
        running: Arc::new(Running::new(service, address, stop)),
        watchers: Arc::new(Watchers::at_most(server.management.max_event_streams)),
        connections: Arc::new(Connections::from(server)),
        traffic: Arc::default(),
    };
    let protected = |face: &'static str, routes: Router<App>| {
        // The first is the outermost. Together, because every call to `layer` adds a box to the path of a request.
        routes.layer((
            from_fn(move |request, next| request_log::rest(face, request, next)),
            from_fn_with_state(Arc::clone(&rules), guard::check),
            option_layer(cors.clone()),
        ))
    };
    let streamable_http = Router::new()
        .route("/mcp", any(mcp::handle))
        .route("/mcp/", any(mcp::handle));
    let http_sse = Router::new()
        .route("/sse", any(sse::open))
        .route("/sse/", any(sse::open))
        .route("/messages", any(sse::post))
        .route("/messages/", any(sse::post));
    let management = match server.management.enabled {
        true => {
            let access = Access::from(&server.management);
            let metrics = metrics::router(access.clone(), Arc::clone(&rules));
            manage::router(access, Arc::clone(&rules)).merge(metrics)
        }
        false => Router::new(),
    };
    let router = protected(mcp::FACE, streamable_http)
        .merge(protected(sse::FACE, http_sse))
        .merge(management)
        .with_state(app.clone());
    Faces {
        app,
        rules,
        router,
        direct: cors.is_none(),
    }
}
