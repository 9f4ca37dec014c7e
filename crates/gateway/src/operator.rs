//! Calls that an operator makes, on the same way as those of clients.

use std::sync::Arc;

use argus_protocol::{ByteString, Id, Raw, RpcError, meta, method, version, write};
use argus_upstream::own_info;

use crate::client::Client;
use crate::core::Core;
use crate::modern::{ModernParams, ModernRequest, RequestMeta};
use crate::ops;
use crate::relay::Reply;
use crate::session::Caller;

/// A call that was given to a backend.
#[derive(Debug)]
pub struct OperatorCall {
    /// The backend.
    pub backend: Arc<str>,
    /// What it answers.
    pub reply: Reply,
}

/// What an operator wants of a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// `tools/call`.
    CallTool,
    /// `resources/read`.
    ReadResource,
    /// `prompts/get`.
    GetPrompt,
}

impl Operation {
    /// The method of MCP.
    #[must_use]
    pub fn method(self) -> &'static str {
        match self {
            Self::CallTool => method::TOOLS_CALL,
            Self::ReadResource => method::RESOURCES_READ,
            Self::GetPrompt => method::PROMPTS_GET,
        }
    }

    /// What it is about.
    #[must_use]
    pub fn subject(self) -> &'static str {
        match self {
            Self::CallTool => "tool",
            Self::ReadResource => "resource",
            Self::GetPrompt => "prompt",
        }
    }
}

/// The request of a modern client that declares nothing: it can be asked nothing.
fn request(
    operation: Operation,
    name: &str,
    arguments: Option<&Raw>,
    caller: Caller,
) -> Result<ModernRequest, RpcError> {
    let member = match operation {
        Operation::CallTool | Operation::GetPrompt => "name",
        Operation::ReadResource => "uri",
    };
    let name = Raw::string(name);
    let arguments = arguments.map(|arguments| ("arguments", arguments.clone()));
    let of_client = write::object(&[
        (meta::PROTOCOL_VERSION, Raw::string(version::MODERN)),
        (meta::CLIENT_CAPABILITIES, Raw::empty_object()),
        (meta::CLIENT_INFO, own_info()),
    ]);
    let members: Vec<(&str, Raw)> = [(member, name)]
        .into_iter()
        .chain(arguments)
        .chain([("_meta", of_client)])
        .collect();
    let params = write::object(&members);
    let read = ModernParams::of(Some(&params)).ok_or_else(|| RequestMeta::missing(Some(&params)))?;
    let meta = RequestMeta::of(&read, || &version::SPOKEN)?;
    Ok(ModernRequest {
        id: Id::number(1),
        method: ByteString::from_static(operation.method()),
        members: read.into_members(),
        params: Some(params),
        meta,
        param_headers: None,
        caller,
        connection: None,
    })
}

/// Makes the call. `None` when nothing has this name.
pub(crate) async fn call(
    core: &Arc<Core>,
    operation: Operation,
    name: &str,
    arguments: Option<&Raw>,
    caller: Caller,
) -> Option<OperatorCall> {
    // It is made here, so it can be made.
    let request = Arc::new(request(operation, name, arguments, caller).ok()?);
    let client = Client::from(&request);
    let backend = match operation {
        Operation::CallTool => ops::tools::backend_of(core, client, name).await?,
        Operation::GetPrompt => ops::prompts::backend_of(core, client, name).await?,
        Operation::ReadResource => {
            let (backend, reply) = ops::resources::read_at(core, client, request.params.clone()).await;
            let backend = Arc::clone(backend?.name());
            return Some(OperatorCall { backend, reply });
        }
    };
    let reply = ops::modern(core, &request).await;
    Some(OperatorCall { backend, reply })
}
