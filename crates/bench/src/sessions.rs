//! Sessions of legacy clients.

use anyhow::Context;

use crate::client::Message;
use crate::peer::Peer;

/// Opens this many sessions and gives their ids.
///
/// # Errors
/// When the server refuses one, or keeps fewer.
pub(crate) async fn open(port: u16, count: usize) -> anyhow::Result<Vec<String>> {
    let mut peer = Peer::connect(port).await?;
    let mut ids = Vec::with_capacity(count);
    for _ in 0..count {
        let (headers, _) = peer.send(&Message::initialize()).await?;
        let id = headers.get("mcp-session-id").and_then(|id| id.to_str().ok());
        let id = id.context("the server names no session")?.to_owned();
        peer.send(&Message::initialized(&id)).await?;
        ids.push(id);
    }
    if let Some(first) = ids.first() {
        let keeps = format!("the server does not keep {count} sessions");
        peer.send(&Message::ping(first)).await.context(keeps)?;
    }
    Ok(ids)
}
