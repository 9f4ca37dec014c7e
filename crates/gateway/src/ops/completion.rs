//! `completion/complete`.

use std::sync::Arc;

use argus_protocol::{ByteString, Object, Raw, RpcError, code, method};
use argus_upstream::Upstream;

use super::forward::{Forward, forward};
use super::named::{self, Kind};
use super::{object, resources, text, uri};
use crate::client::Client;
use crate::core::Core;
use crate::relay::Reply;

pub(crate) async fn complete(core: &Arc<Core>, client: Client<'_>, params: Option<Raw>) -> Reply {
    match referred(core, client, params.as_ref()).await {
        Err(error) => error.into(),
        Ok((upstream, params)) => {
            let method = ByteString::from_static(method::COMPLETE);
            forward(
                core,
                client,
                &upstream,
                Forward {
                    method,
                    params: Some(params),
                    name: None,
                    repeatable: false,
                    mirrored: None,
                    augmented: false,
                },
            )
            .await
        }
    }
}

/// The backend of the prompt or template that is referred to, and the parameters in its words.
async fn referred(core: &Core, client: Client<'_>, params: Option<&Raw>) -> Result<(Arc<Upstream>, Raw), RpcError> {
    let invalid = |message: &str| RpcError::new(code::INVALID_PARAMS, message);
    let read = object(params)?;
    let reference = read.get("ref").ok_or_else(|| invalid("params.ref is required"))?;
    let reference = Object::parse(reference).map_err(|_| invalid("params.ref must be an object"))?;
    let untouched = || params.cloned().unwrap_or_else(Raw::empty_object);
    match &*text(&reference, "type")? {
        "ref/prompt" => {
            let name = text(&reference, "name")?;
            let route = named::find(core, client, &name, Kind::Prompt).await?;
            if route.original == name {
                return Ok((route.upstream, untouched()));
            }
            let renamed = reference.edit().set("name", Raw::string(&route.original)).finish();
            Ok((route.upstream, read.edit().set("ref", renamed).finish()))
        }
        "ref/resource" => {
            let uri = uri(&reference)?;
            let named = core.catalogues.of(client).template_named(&uri).cloned();
            let found = match named {
                Some(upstream) => Some(upstream),
                None => resources::readers_of(core, client, &uri).await.into_iter().next(),
            };
            found
                .map(|upstream| (upstream, untouched()))
                .ok_or_else(|| resources::not_found(client.era(), &uri))
        }
        _ => Err(invalid("params.ref.type must be ref/prompt or ref/resource")),
    }
}
