//! `prompts/list` and `prompts/get`.

use std::sync::Arc;

use argus_protocol::Raw;

use super::named::{self, Kind};
use super::page;
use crate::client::Client;
use crate::core::Core;
use crate::relay::Reply;

pub(crate) async fn list(core: &Core, client: Client<'_>, params: Option<&Raw>) -> Reply {
    core.startup.wait().await;
    page(core.catalogues.of(client).prompts.page(params, client.era()))
}

/// The backend of a name, if it is known.
pub(crate) async fn backend_of(core: &Core, client: Client<'_>, name: &str) -> Option<Arc<str>> {
    named::backend_of(core, client, name, Kind::Prompt).await
}

pub(crate) async fn get(core: &Arc<Core>, client: Client<'_>, params: Option<Raw>) -> Reply {
    named::call(core, client, params, Kind::Prompt).await
}
