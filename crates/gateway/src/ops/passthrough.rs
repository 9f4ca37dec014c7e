//! Methods the gateway does not know: with one backend behind, they are its business.

use std::sync::Arc;

use argus_protocol::{ByteString, Raw};
use argus_upstream::{CallLink, LinkError};

use super::forward::{Forward, on_link};
use super::unknown;
use crate::client::Client;
use crate::core::Core;
use crate::relay::Reply;

pub(crate) async fn pass(core: &Arc<Core>, client: Client<'_>, method: &ByteString, params: Option<Raw>) -> Reply {
    let Some(upstream) = core.inventory.only() else {
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
        let turn = upstream.turn().await?;
        let link = client.link(core, upstream).await;
        let link = link.inspect_err(|cause| turn.unconnected(cause))?;
        Ok((turn, link))
    };
    match ready.await {
        // Nobody here can say what an unknown method means in another era.
        Ok((_, link)) if link.era() != client.era() => unknown(method),
        Ok((turn, link)) => on_link(core, client, turn, CallLink::Shared(link), request).await,
        Err(error) => LinkError::to_rpc(&error, upstream.name()).into(),
    }
}
