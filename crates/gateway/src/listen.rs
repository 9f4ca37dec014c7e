//! `subscriptions/listen` of a modern client (MCP 2026-07-28 "Subscriptions").

use std::sync::Arc;

use argus_protocol::{ByteString, Raw, RpcError, code, method};
use argus_upstream::Upstream;
use futures::future::join_all;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::catalogue::Snapshot;
use crate::client::{Client, ModernRequest};
use crate::core::Core;
use crate::listener::{ACKNOWLEDGE, Listener};

/// Updates that may wait for a slow client; then its backend's stream waits.
const WAITING: usize = 64;

/// What a client wants to hear of.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Filter {
    #[serde(default)]
    tools_list_changed: bool,
    #[serde(default)]
    resources_list_changed: bool,
    #[serde(default)]
    prompts_list_changed: bool,
    #[serde(default)]
    resource_subscriptions: Vec<String>,
}

/// An open stream of notifications.
#[derive(Debug)]
pub struct Listen {
    honoured: Value,
    methods: Vec<&'static str>,
    /// Changes that the client still has to be told of.
    missed: Vec<&'static str>,
    changes: broadcast::Receiver<&'static str>,
    updates: mpsc::Receiver<(ByteString, Option<Raw>)>,
    stopping: CancellationToken,
    /// One task per backend with subscribed resources; they end with this.
    _backends: JoinSet<()>,
}

/// What happens on the stream.
#[derive(Debug)]
pub enum ListenEvent {
    /// A notification, without the id of the client's subscription.
    Notification {
        /// The method.
        method: ByteString,
        /// The parameters.
        params: Option<Raw>,
    },
    /// The gateway stops: the stream ends in good order.
    End,
}

impl Listen {
    pub(crate) async fn open(core: &Arc<Core>, request: &Arc<ModernRequest>) -> Result<Self, RpcError> {
        let filter = filter_of(request)?;
        core.startup.wait().await;
        // Subscribed before anything is asked, so that no change is missed.
        let changes = core.changes.subscribe();
        let (sender, updates) = mpsc::channel(WAITING);
        let mut backends = JoinSet::new();
        let mut uris = Vec::new();
        let groups = by_backend(
            &core.catalogues.of(Client::from(request)),
            &filter.resource_subscriptions,
        );
        let opening = groups.into_iter().map(|(upstream, wanted)| async move {
            let listener = Listener::new(core, request, upstream, wanted);
            let opened = tokio::time::timeout(ACKNOWLEDGE, listener.open()).await.ok()??;
            Some((listener, opened))
        });
        for (listener, opened) in join_all(opening).await.into_iter().flatten() {
            uris.extend(opened.granted.iter().cloned());
            backends.spawn(listener.forward(opened, sender.clone()));
        }
        let methods = [
            (filter.tools_list_changed, method::TOOLS_CHANGED),
            (filter.resources_list_changed, method::RESOURCES_CHANGED),
            (filter.prompts_list_changed, method::PROMPTS_CHANGED),
        ];
        let methods = methods
            .into_iter()
            .filter_map(|(wanted, method)| wanted.then_some(method))
            .collect();
        Ok(Self {
            honoured: honoured(&filter, &uris),
            methods,
            missed: Vec::new(),
            changes,
            updates,
            stopping: core.stopping.clone(),
            _backends: backends,
        })
    }

    /// `params.notifications` of the acknowledgement: what of the wish is granted.
    #[must_use]
    pub fn honoured(&self) -> &Value {
        &self.honoured
    }

    /// The next event.
    pub async fn next(&mut self) -> ListenEvent {
        loop {
            if let Some(method) = self.missed.pop() {
                let method = ByteString::from_static(method);
                return ListenEvent::Notification { method, params: None };
            }
            tokio::select! {
                () = self.stopping.cancelled() => return ListenEvent::End,
                Some((method, params)) = self.updates.recv() => return ListenEvent::Notification { method, params },
                changed = self.changes.recv() => {
                    match changed {
                        Ok(method) if self.methods.contains(&method) => self.missed.push(method),
                        // A listener that fell behind cannot know what it missed: any list may have changed.
                        Err(RecvError::Lagged(_)) => self.missed.clone_from(&self.methods),
                        Ok(_) => {}
                        // Nobody can announce anything any more, which is the case when the gateway is gone.
                        Err(RecvError::Closed) => return ListenEvent::End,
                    }
                }
            }
        }
    }
}

fn filter_of(request: &Arc<ModernRequest>) -> Result<Filter, RpcError> {
    let invalid = |message: String| RpcError::new(code::INVALID_PARAMS, message);
    let params = crate::ops::object(request.params.as_ref())?;
    let wanted = params
        .get("notifications")
        .ok_or_else(|| invalid("params.notifications is required".to_owned()))?;
    let filter: Filter = wanted
        .read()
        .map_err(|error| invalid(format!("params.notifications: {error}")))?;
    for uri in &filter.resource_subscriptions {
        crate::ops::bounded(uri)?;
    }
    Ok(filter)
}

fn honoured(filter: &Filter, uris: &[String]) -> Value {
    let mut granted = json!({});
    for (wanted, key) in [
        (filter.tools_list_changed, "toolsListChanged"),
        (filter.resources_list_changed, "resourcesListChanged"),
        (filter.prompts_list_changed, "promptsListChanged"),
    ] {
        if wanted {
            granted[key] = true.into();
        }
    }
    if !uris.is_empty() {
        granted["resourceSubscriptions"] = json!(uris);
    }
    granted
}

/// The backend that has each URI, in order of first mention.
fn by_backend(catalogue: &Snapshot, uris: &[String]) -> Vec<(Arc<Upstream>, Vec<String>)> {
    let mut groups: Vec<(Arc<Upstream>, Vec<String>)> = Vec::new();
    for uri in uris {
        let Some(upstream) = catalogue.readers_of(uri).into_iter().next() else {
            continue;
        };
        match groups.iter_mut().find(|(known, _)| Arc::ptr_eq(known, &upstream)) {
            Some((_, wanted)) => wanted.push(uri.clone()),
            None => groups.push((upstream, vec![uri.clone()])),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_listener_that_fell_behind_hears_of_every_list_it_wants() {
        let announce = broadcast::Sender::new(1);
        let (_updates, updates) = mpsc::channel(1);
        let mut listen = Listen {
            honoured: json!({}),
            methods: vec![method::TOOLS_CHANGED, method::PROMPTS_CHANGED],
            missed: Vec::new(),
            changes: announce.subscribe(),
            updates,
            stopping: CancellationToken::new(),
            _backends: JoinSet::new(),
        };
        for method in [
            method::TOOLS_CHANGED,
            method::PROMPTS_CHANGED,
            method::RESOURCES_CHANGED,
        ] {
            announce.send(method).unwrap();
        }
        let mut heard = Vec::new();
        for _ in 0..2 {
            match listen.next().await {
                ListenEvent::Notification { method, .. } => heard.push(method.to_string()),
                ListenEvent::End => panic!("it ended"),
            }
        }
        heard.sort();
        assert_eq!(heard, [method::PROMPTS_CHANGED, method::TOOLS_CHANGED]);
    }
}
