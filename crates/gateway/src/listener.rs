//! Listening at one modern backend for the resources that a modern client subscribed to.

use std::sync::Arc;
use std::time::Duration;

use argus_protocol::{ByteString, Era, Object, Raw, method};
use argus_upstream::{Event, Exchange, Outgoing, Upstream};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::client::{Client, ModernRequest};
use crate::core::Core;

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LAST_PAUSE: Duration = Duration::from_secs(30);
/// A stream that stood this long starts the pauses anew.
const STEADY: Duration = Duration::from_secs(5);
/// How long a backend may take to be reached and to acknowledge.
pub(crate) const ACKNOWLEDGE: Duration = Duration::from_secs(5);

/// One client's wish at one backend.
pub(crate) struct Listener {
    core: Arc<Core>,
    request: Arc<ModernRequest>,
    upstream: Arc<Upstream>,
    /// The URIs.
    wanted: Vec<String>,
}

/// A stream that the backend acknowledged.
pub(crate) struct Opened {
    exchange: Exchange,
    /// The URIs that it grants.
    pub(crate) granted: Vec<String>,
}

/// Where updates go.
pub(crate) type Updates = mpsc::Sender<(ByteString, Option<Raw>)>;

impl Listener {
    pub(crate) fn new(
        core: &Arc<Core>,
        request: &Arc<ModernRequest>,
        upstream: Arc<Upstream>,
        wanted: Vec<String>,
    ) -> Self {
        Self {
            core: Arc::clone(core),
            request: Arc::clone(request),
            upstream,
            wanted,
        }
    }

    /// Opens a stream; `None` at a backend that cannot be listened to.
    pub(crate) async fn open(&self) -> Option<Opened> {
        let link = Client::from(&self.request).link(&self.core, &self.upstream).await;
        let link = link.ok().filter(|link| link.era() == Era::Modern)?;
        let params = Object::parse(self.request.params.as_ref()?).ok()?;
        let notifications = Raw::from_value(&json!({ "resourceSubscriptions": self.wanted }));
        let outgoing = Outgoing {
            method: ByteString::from_static(method::LISTEN),
            params: Some(params.edit().set("notifications", notifications).finish()),
            name: None,
            param_headers: Vec::new(),
            declared: None,
            log_level: None,
            own: false,
        };
        let mut exchange = link.call(outgoing, None);
        let granted = acknowledged(&mut exchange).await?;
        Some(Opened { exchange, granted })
    }

    /// Hands updates on until nobody takes them. A stream that ends is opened again; what may have changed meanwhile
    /// counts as changed.
    pub(crate) async fn forward(self, mut opened: Opened, to: Updates) {
        let mut pause = FIRST_PAUSE;
        loop {
            let since = Instant::now();
            if updates(&mut opened.exchange, &to).await.is_none() {
                return;
            }
            if since.elapsed() >= STEADY {
                pause = FIRST_PAUSE;
            }
            opened = loop {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LAST_PAUSE);
                if let Ok(Some(opened)) = tokio::time::timeout(ACKNOWLEDGE, self.open()).await {
                    break opened;
                }
            };
            for uri in &opened.granted {
                let params = Raw::from_value(&json!({ "uri": uri }));
                let updated = (ByteString::from_static(method::RESOURCE_UPDATED), Some(params));
                if to.send(updated).await.is_err() {
                    return;
                }
            }
        }
    }
}

async fn acknowledged(exchange: &mut Exchange) -> Option<Vec<String>> {
    #[derive(Deserialize)]
    struct Acknowledged {
        notifications: Granted,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Granted {
        #[serde(default)]
        resource_subscriptions: Vec<String>,
    }
    while let Some(event) = exchange.next().await {
        if let Event::Notification { method, params } = event
            && method == method::LISTEN_ACKNOWLEDGED
        {
            let acknowledged = params?.read::<Acknowledged>().ok()?;
            return Some(acknowledged.notifications.resource_subscriptions);
        }
    }
    None
}

/// Hands on what one stream says, to its end; `None` when nobody takes it any more.
async fn updates(exchange: &mut Exchange, to: &Updates) -> Option<()> {
    while let Some(event) = exchange.next().await {
        if let Event::Notification { method, params } = event
            && method == method::RESOURCE_UPDATED
        {
            to.send((method, params)).await.ok()?;
        }
    }
    Some(())
}
