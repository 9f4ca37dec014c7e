//! -32042 of a legacy backend: the user is to open URLs, and then the call is to be made again (MCP 2025-11-25 "URL
//! elicitation required").

use argus_protocol::{Answer, Object, Raw, RpcError, code, method};
use serde_json::value::RawValue;

use super::mrtr::{self, Binding, RESPONSES, input_required};
use crate::client::{KeptClient, may_ask};
use crate::modern::ModernRequest;
use crate::repeat::Call;

/// What the client is told: to send its user to the URLs, if it can.
pub(crate) fn required(call: &Call, error: &Raw, server: Option<&Raw>) -> Answer {
    let KeptClient::Modern(request) = &call.client else {
        return Answer::Error(error.clone());
    };
    let elicitations = elicitations(error);
    // Only these methods may want input.
    if elicitations.is_empty() || !may_ask(&call.forward.method) {
        let why = "the backend wants the user to open a URL first, and does not say which";
        return Answer::Error(RpcError::new(code::INTERNAL_ERROR, why).to_raw());
    }
    if !request.meta.opens_urls() {
        let why = "the backend wants the user to open a URL first: declare elicitation of the mode url";
        let data = serde_json::json!({ "requiredCapabilities": { "elicitation": { "url": {} } } });
        let error = RpcError::new(code::MISSING_CLIENT_CAPABILITY, why).with_data(data);
        return Answer::Error(error.to_raw());
    }
    let binding = Binding::of(&call.core, request.caller, call.turn.upstream().name(), &call.forward);
    let requests = elicitations
        .iter()
        .enumerate()
        .map(|(at, params)| (format!("q{}", at + 1), method::ELICITATION, Some(params)));
    input_required(requests, &binding.url(), server)
}

/// The elicitations that the error names.
fn elicitations(error: &Raw) -> Vec<Raw> {
    let data = Object::parse(error).ok().and_then(|read| read.get_object("data"));
    let list: Option<Vec<Box<RawValue>>> = data.and_then(|data| data.get("elicitations")?.read().ok());
    let all = list.unwrap_or_default().into_iter().filter_map(|text| {
        let read = Object::parse(&Raw::parse(String::from(Box::<str>::from(text))).ok()?).ok()?;
        Some(read.edit().set("mode", Raw::string("url")).finish())
    });
    all.collect()
}

/// Checks the retry of a client that was sent to URLs: then the call is made again.
///
/// # Errors
/// When it was not, or its user does not want to.
pub(crate) fn opened(binding: &Binding, request: &ModernRequest, token: &str) -> Result<(), RpcError> {
    binding.open_url(token).map_err(mrtr::refused)?;
    let Some(responses) = request.members.get_object(RESPONSES) else {
        return Ok(());
    };
    let refuses = |(_, raw): (&str, &Raw)| {
        let action = Object::parse(raw).ok().and_then(|read| read.get_str("action"));
        action.is_some_and(|action| action != "accept")
    };
    if responses.members().any(refuses) {
        let why = "the user did not open the URL that the backend needs to have opened first";
        return Err(RpcError::new(code::INTERNAL_ERROR, why));
    }
    Ok(())
}
