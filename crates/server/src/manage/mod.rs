//! `/manage/v1/`: the management face. One file per operation; the OpenAPI document is made from them.

mod access;
mod backends;
mod batch;
mod body;
mod call;
mod call_tool;
mod capabilities;
mod error;
mod events;
mod events_stream;
mod get_prompt;
mod groups;
mod health;
mod openapi;
mod read_resource;
mod ready;
mod reauth;
mod registry;
mod service;
mod sessions;
mod shutdown;
mod skills;
mod status;
mod stop;
mod time;
mod watchers;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::any;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::guard::Rules;
use crate::request_log;

pub(crate) use access::Access;
pub(crate) use service::Running;
pub use service::Service;
pub(crate) use stop::Stop;
pub(crate) use watchers::Watchers;

/// Where the API is.
const PREFIX: &str = "/manage/v1";
/// What the log calls this face.
const FACE: &str = "manage";

/// All operations, and the document that describes them.
fn operations() -> (Router<App>, Router<App>, OpenApi) {
    let public = OpenApiRouter::new()
        .routes(routes!(health::show))
        .routes(routes!(ready::show));
    let protected = OpenApiRouter::new()
        .routes(routes!(status::show))
        .routes(routes!(backends::list))
        .routes(routes!(groups::list))
        .routes(routes!(capabilities::list))
        .routes(routes!(sessions::list))
        .routes(routes!(call_tool::call))
        .routes(routes!(read_resource::read))
        .routes(routes!(get_prompt::get))
        .routes(routes!(reauth::begin))
        .routes(routes!(shutdown::begin))
        .routes(routes!(registry::search))
        .routes(routes!(skills::list))
        .routes(routes!(skills::enable))
        .routes(routes!(skills::disable))
        .routes(routes!(batch::show))
        .routes(routes!(events::list))
        .routes(routes!(events_stream::follow))
        .routes(routes!(openapi::show));
    let (public, mut document) = public.split_for_parts();
    let (protected, more) = protected.split_for_parts();
    document.merge(more);
    (public, protected, openapi::finished(document))
}

/// The whole face.
pub(crate) fn router(access: Access, rules: Arc<Rules>) -> Router<App> {
    let (public, protected, _) = operations();
    let protected = protected
        .fallback(error::not_found)
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer((
            from_fn_with_state(rules, access::host_and_origin),
            from_fn_with_state(Arc::new(access), access::check),
        ));
    let public = public.method_not_allowed_fallback(error::method_not_allowed);
    let routes = public.merge(protected);
    // What is nested does not have the path with the slash.
    let root = Router::new().route(&format!("{PREFIX}/"), any(error::not_found));
    root.nest(PREFIX, routes).layer((
        from_fn(|request, next| request_log::rest(FACE, request, next)),
        from_fn(access::harmless),
    ))
}
