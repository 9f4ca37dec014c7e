//! Whether a legacy backend still knows a session (MCP 2025-11-25 "Session management").

use std::time::Duration;

use argus_protocol::error::code_of;
use argus_protocol::{Answer, Frame, Media, Message, method, write};
use http::{Response, StatusCode};

use super::Received;
use super::connection::Shared;
use super::endpoint::collect;

/// How long a backend may take to say whether it knows the session.
const PATIENCE: Duration = Duration::from_secs(10);
/// What the example of the TypeScript SDK answers to a session that it does not know.
const NO_SESSION: i64 = -32000;

/// Whether a status may mean that the session is not known. 404 is what it should be; servers made after the examples of
/// the TypeScript SDK, and old ones of the Python SDK, answer 400.
pub(super) fn may_mean_lost(status: StatusCode) -> bool {
    matches!(status, StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST)
}

/// What any session may be asked at any time. Some servers know no `ping` and refuse it like a session that they do not
/// know: the other one decides then.
const QUESTIONS: [&str; 2] = [method::PING, method::TOOLS_LIST];

/// Asks the backend whether it knows the session no more; `None` where it does not say.
pub(super) async fn is_lost(shared: &Shared) -> Option<bool> {
    let asked = tokio::time::timeout(PATIENCE, ask(shared)).await;
    asked.ok().flatten()
}

async fn ask(shared: &Shared) -> Option<bool> {
    for question in QUESTIONS {
        let lost = ask_for(shared, question).await;
        if lost != Some(true) {
            return lost;
        }
    }
    Some(true)
}

async fn ask_for(shared: &Shared, question: &str) -> Option<bool> {
    let number = shared.next_number();
    let request = write::request(&argus_protocol::Id::number(number), question, None);
    let response = shared.endpoint.post(&shared.headers(), request).await.ok()?;
    let status = response.status();
    if status.is_server_error() {
        return None;
    }
    match status {
        StatusCode::NOT_FOUND => Some(true),
        StatusCode::BAD_REQUEST => Some(may_be_for_it(answer_to(response, number).await.as_ref())),
        _ => Some(false),
    }
}

/// Whether a request may have been refused with 400 for its session; `named` is an answer that names the request. Who
/// names it has read it, and refuses it for another reason, unless the error is the one that those servers give.
pub(super) fn may_be_for_it(named: Option<&Answer>) -> bool {
    match named {
        None => true,
        Some(Answer::Error(error)) => code_of(error) == Some(NO_SESSION),
        Some(Answer::Result(_)) => false,
    }
}

/// The answer that names the request.
async fn answer_to(response: Response<Received>, number: u64) -> Option<Answer> {
    if Media::of(response.headers()) != Media::Json {
        return None;
    }
    let messages = match Frame::parse(collect(response.into_body()).await.ok()?).ok()? {
        Frame::One(message) => vec![message],
        Frame::Batch(messages) => messages.into_iter().flatten().collect(),
    };
    messages.into_iter().find_map(|message| match message {
        Message::Response { id: Some(id), answer } if id.as_number() == Some(number) => Some(answer),
        _ => None,
    })
}
