//! The port: free, or taken by a gateway, or by whom.

use std::time::Duration;

use argus_config::Server;
use serde_json::Value;

use super::finding::Finding;
use super::holder;
use crate::commands::connect::gateways;
use crate::commands::server::bind;
use crate::http;
use crate::running::Entry;

const NAME: &str = "port";
/// How long a gateway may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) async fn check(server: &Server) -> Vec<Finding> {
    let finding = match bind(server).await {
        Ok(_) if server.port == 0 => Finding::ok(NAME, format!("any free port of {}", server.host)),
        Ok(_) => Finding::ok(NAME, format!("{} of {} is free", server.port, server.host)),
        Err(error) => match (gateway(server).await, silent(server)) {
            (Some(version), _) => Finding::ok(
                NAME,
                format!("Argus MCP {version} listens on port {} already", server.port),
            ),
            (None, Some(Entry { name, pid, port, .. })) => Finding::ok(
                NAME,
                format!("the gateway {name} (process {pid}) listens on port {port} already; its management API is off"),
            ),
            (None, None) => {
                let text = format!("{error:#}");
                let (message, remedy) = text.split_once("; ").unwrap_or((&text, "choose another with --port"));
                let holder = holder::of(server.port).map(|holder| format!(" ({holder})"));
                Finding::error(NAME, format!("{message}{}", holder.unwrap_or_default()), remedy)
            }
        },
    };
    vec![finding]
}

/// The gateway of this user there that cannot be asked.
fn silent(server: &Server) -> Option<Entry> {
    let mut running = gateways().into_iter();
    running.find(|entry| entry.port == server.port && !entry.management)
}

/// The version of the gateway that answers there, if one does.
async fn gateway(server: &Server) -> Option<String> {
    let host = match server.host.as_str() {
        "0.0.0.0" => "127.0.0.1",
        "::" => "::1",
        host => host,
    };
    let place = match host.contains(':') {
        true => format!("[{host}]:{}", server.port),
        false => format!("{host}:{}", server.port),
    };
    let asked = tokio::time::timeout(PATIENCE, http::get(&place, "/manage/v1/health")).await;
    let health: Value = serde_json::from_slice(&asked.ok()?.ok()?.body).ok()?;
    health.get("backends")?;
    Some(health.get("version")?.as_str()?.to_owned())
}
