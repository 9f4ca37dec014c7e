//! The first who sees a request: a message for `/mcp` goes straight to its handler, all else through the router.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;

use argus_gateway::Caller;
use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use tower::ServiceExt;

use crate::app::App;
use crate::guard::Rules;
use crate::mcp;
use crate::mcp::{answer, post};
use crate::metrics::{Answering, Face};
use crate::peer::Peer;
use crate::request_log::Rest;

/// All faces, for every connection.
#[derive(Debug, Clone)]
pub(crate) struct Faces {
    pub(crate) app: App,
    pub(crate) rules: Arc<Rules>,
    pub(crate) router: Router,
    /// Whether messages need not pass the router: it adds nothing to them.
    pub(crate) direct: bool,
}

/// All faces, for one connection.
#[derive(Debug, Clone)]
pub(crate) struct Front {
    faces: Faces,
    router: Router,
    peer: Peer,
}

impl Front {
    pub(crate) fn new(faces: Faces, peer: Peer) -> Self {
        let router = faces.router.clone();
        Self { faces, router, peer }
    }
}

impl hyper::service::Service<Request<Incoming>> for Front {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let is_message = *request.method() == Method::POST && matches!(request.uri().path(), "/mcp" | "/mcp/");
        if self.faces.direct && is_message {
            let (app, rules) = (self.faces.app.clone(), Arc::clone(&self.faces.rules));
            let caller = self.peer.caller();
            let answering = app.traffic.request(Face::Mcp);
            Box::pin(async move { Ok(counted(message(app, &rules, caller, request).await, answering)) })
        } else {
            let answering = self.faces.app.traffic.request(Face::of(request.uri().path()));
            let request = self.peer.mark(request.map(Body::new));
            let answer = self.router.clone().oneshot(request);
            Box::pin(async move { Ok(counted(answer.await?, answering)) })
        }
    }
}

/// Counts a request with its answer.
fn counted(response: Response, answering: Answering) -> Response {
    answering.with(response.status());
    response
}

/// Answers `POST /mcp`, as the router would.
async fn message(app: App, rules: &Rules, caller: Caller, request: Request<Incoming>) -> Response {
    let rest = Rest::begin(mcp::FACE, request.method());
    let authority = request.uri().authority().map(http::uri::Authority::as_str);
    let response = match rules.refusal(request.headers(), authority) {
        None => post::handle(app, caller, request).await,
        Some(why) => answer::refused(StatusCode::FORBIDDEN, why).into_response(),
    };
    rest.end(response)
}
