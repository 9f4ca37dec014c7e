//! `/manage/v1/`: the management face. One file per operation; the OpenAPI document is made from them.

mod access;
mod backend;
mod backends;
mod batch;
mod body;
mod call;
mod call_errors;
mod call_tool;
mod capabilities;
mod config;
mod disable;
mod docs;
mod enable;
mod error;
mod events;
mod events_stream;
mod get_prompt;
mod groups;
mod health;
mod logs;
mod logs_stream;
mod openapi;
mod read_resource;
mod ready;
mod reauth;
mod reconnect;
mod registry;
mod reload;
mod restart;
mod service;
mod sessions;
mod shutdown;
mod skills;
mod status;
mod steer;
mod stop;
mod stream;
mod time;
mod validate;
mod watchers;

use std::sync::Arc;

use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{any, get};
use axum::{Extension, Router};
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

/// All operations, by who is answered, and the document that describes them.
struct Operations {
    public: Router<App>,
    pages: Router<App>,
    protected: Router<App>,
    document: OpenApi,
}

fn operations() -> Operations {
    let public = OpenApiRouter::new()
        .routes(routes!(health::show))
        .routes(routes!(ready::show));
    let pages = OpenApiRouter::new()
        .routes(routes!(docs::page))
        .route("/docs/", get(docs::slash))
        .route("/docs/{file}", get(docs::file));
    let protected = OpenApiRouter::new()
        .routes(routes!(status::show))
        .routes(routes!(backends::list))
        .routes(routes!(logs::list))
        .routes(routes!(logs_stream::follow))
        .routes(routes!(backend::show))
        .routes(routes!(enable::enable))
        .routes(routes!(disable::disable))
        .routes(routes!(restart::restart))
        .routes(routes!(reconnect::reconnect))
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
        .routes(routes!(reload::reload))
        .routes(routes!(config::show))
        .routes(routes!(validate::validate))
        .routes(routes!(batch::show))
        .routes(routes!(events::list))
        .routes(routes!(events_stream::follow))
        .routes(routes!(openapi::show));
    let (public, mut document) = public.split_for_parts();
    let (pages, more) = pages.split_for_parts();
    document.merge(more);
    let (protected, more) = protected.split_for_parts();
    document.merge(more);
    Operations {
        public,
        pages,
        protected,
        document,
    }
}

/// Routes outside of the API that are for the same people.
pub(crate) fn protected(face: &'static str, routes: Router<App>, access: Access, rules: Arc<Rules>) -> Router<App> {
    routes.method_not_allowed_fallback(error::method_not_allowed).layer((
        from_fn(move |request, next| request_log::rest(face, request, next)),
        from_fn(access::harmless),
        from_fn_with_state(rules, access::host_and_origin),
        from_fn_with_state(Arc::new(access), access::check),
    ))
}

/// The whole face.
pub(crate) fn router(access: Access, rules: Arc<Rules>) -> Router<App> {
    let Operations {
        public,
        pages,
        protected,
        document,
    } = operations();
    let document = openapi::finished(document, matches!(access, Access::Token(_)));
    let access = Arc::new(access);
    let pages = pages.method_not_allowed_fallback(error::method_not_allowed).layer((
        from_fn_with_state(Arc::clone(&rules), access::host_and_origin),
        from_fn_with_state(Arc::clone(&access), access::check_page),
    ));
    let protected = protected
        .fallback(error::not_found)
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer((
            from_fn_with_state(rules, access::host_and_origin),
            from_fn_with_state(access, access::check),
        ));
    let public = public.method_not_allowed_fallback(error::method_not_allowed);
    let routes = public.merge(pages).merge(protected).layer(Extension(document));
    // What is nested does not have the path with the slash.
    let root = Router::new().route(&format!("{PREFIX}/"), any(error::not_found));
    root.nest(PREFIX, routes).layer((
        from_fn(|request, next| request_log::rest(FACE, request, next)),
        from_fn(access::harmless),
    ))
}
