//! Methods the gateway does not know: with one backend behind, they are its business.

use std::pin::pin;
use std::sync::Arc;

use argus_protocol::{ByteString, Raw};
use argus_upstream::{CallEnd, CallLink, CallMethod, LinkError};

use super::forward::{Forward, on_link};
use super::unknown;
use crate::client::Client;
use crate::core::Core;
use crate::relay::Reply;

pub(crate) async fn pass(core: &Arc<Core>, client: Client<'_>, method: &ByteString, params: Option<Raw>) -> Reply {
    let Some(upstream) = core.inventory().only() else {
        return unknown(method);
    };
    let request = Forward {
        method: method.clone(),
        name: None,
        params,
        repeatable: false,
        mirrored: None,
        augmented: false,
    };
    let ready = async {
        let mut turn = core.turn(&upstream, CallMethod::from(&**method)).await?;
        let link = {
            let making = pin!(client.link(core, turn.upstream()));
            turn.connecting(making).await
        };
        let link = link.inspect_err(|cause| turn.unconnected(cause))?;
        Ok((turn, link))
    };
    match ready.await {
        // Nobody here can say what an unknown method means in another era.
        Ok((mut turn, link)) if link.era() != client.era() => {
            turn.over(CallEnd::Error);
            unknown(method)
        }
        Ok((turn, link)) => on_link(core, client, turn, CallLink::Shared(link), request).await,
        Err(error) => LinkError::to_rpc(&error, upstream.name()).into(),
    }
}
