//! `subscriptions/listen` of a modern client (MCP 2026-07-28 "Subscriptions").

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use argus_protocol::{ByteString, Era, Raw, RpcError, code, method};
use argus_upstream::Upstream;
use futures::future::join_all;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::catalogue::Snapshot;
use crate::client::Client;
use crate::core::Core;
use crate::listens::Listed;
use crate::modern::ModernRequest;
use crate::session::{MAX_SUBSCRIPTIONS, MAX_URI_BYTES};
use crate::tasks::{self, Followed, MOST_TASKS};
use crate::updates::Updates;
use crate::wanted::Want;

/// How long a backend may take to be reached: its process may only have to be started.
const REACHED: Duration = Duration::from_secs(15);
/// How long it may take then to say whose updates it brings; what was not granted by then is not.
const PATIENCE: Duration = Duration::from_secs(6);

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
    /// Each once.
    #[serde(default, deserialize_with = "uris")]
    resource_subscriptions: Vec<ByteString>,
    /// Of the extension with tasks.
    #[serde(default)]
    task_ids: Option<Vec<String>>,
}

/// An open stream of notifications.
#[derive(Debug)]
pub struct Listen {
    honoured: Value,
    inbox: Listed,
    followed: Followed,
    stopping: CancellationToken,
    /// Keeps the gateway listening at the backends for as long as this is there.
    _wants: Vec<Want>,
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
        // Before anything is asked, so that no change is missed.
        let lists = filter.lists().map(|(_, method)| method).collect();
        let inbox = core
            .listens
            .open(request.caller, lists)
            .map_err(|error| RpcError::new(code::INTERNAL_ERROR, error.to_string()))?;
        let followed = follow(core, request, &filter).await?;
        let catalogue = core.catalogues.of(Client::from(request));
        let places = places(&catalogue, &filter.resource_subscriptions);
        let opening = places
            .into_iter()
            .map(|(upstream, uris)| granted(core, &inbox, upstream, uris));
        let wants: Vec<Want> = join_all(opening).await.into_iter().flatten().collect();
        Ok(Self {
            honoured: honoured(&filter, &wants, &followed),
            inbox,
            followed,
            stopping: core.stopping.clone(),
            _wants: wants,
        })
    }

    /// `params.notifications` of the acknowledgement: what of the wish is granted.
    #[must_use]
    pub fn honoured(&self) -> &Value {
        &self.honoured
    }

    /// The next event. What waits is told before the end.
    pub async fn next(&mut self) -> ListenEvent {
        tokio::select! {
            biased;
            (method, params) = self.inbox.next() => ListenEvent::Notification {
                method: ByteString::from_static(method),
                params,
            },
            params = self.followed.next() => ListenEvent::Notification {
                method: ByteString::from_static(method::TASK_CHANGED),
                params: Some(params),
            },
            () = self.stopping.cancelled() => ListenEvent::End,
        }
    }
}

impl Filter {
    /// The list changes that are wanted: the name in the filter, and the method. Lists of the gateway can always change,
    /// since backends come and go.
    fn lists(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        [
            (self.tools_list_changed, "toolsListChanged", method::TOOLS_CHANGED),
            (
                self.resources_list_changed,
                "resourcesListChanged",
                method::RESOURCES_CHANGED,
            ),
            (self.prompts_list_changed, "promptsListChanged", method::PROMPTS_CHANGED),
        ]
        .into_iter()
        .filter_map(|(wanted, key, method)| wanted.then_some((key, method)))
    }
}

fn filter_of(request: &Arc<ModernRequest>) -> Result<Filter, RpcError> {
    let invalid = |message: String| RpcError::new(code::INVALID_PARAMS, message);
    let params = crate::ops::object(request.params.as_ref())?;
    let wanted = params
        .get("notifications")
        .ok_or_else(|| invalid("params.notifications is required".to_owned()))?;
    let mut filter: Filter = wanted
        .read()
        .map_err(|error| invalid(format!("params.notifications: {error}")))?;
    let uris = &mut filter.resource_subscriptions;
    let mut seen = HashSet::new();
    uris.retain(|uri| seen.insert(uri.clone()));
    for uri in uris.iter() {
        crate::ops::bounded(uri)?;
    }
    if uris.len() > MAX_SUBSCRIPTIONS || uris.iter().map(|uri| uri.len()).sum::<usize>() > MAX_URI_BYTES {
        return Err(invalid(format!(
            "params.notifications.resourceSubscriptions: too many resources ({MAX_SUBSCRIPTIONS} may be, fewer where their URIs are long); listen to fewer of them, or on several streams"
        )));
    }
    if let Some(ids) = &mut filter.task_ids {
        let mut seen = HashSet::new();
        ids.retain(|id| seen.insert(id.clone()));
        if ids.len() > MOST_TASKS {
            return Err(invalid(format!(
                "params.notifications.taskIds: too many tasks ({MOST_TASKS} may be); listen to fewer of them, or on several streams"
            )));
        }
    }
    Ok(filter)
}

fn uris<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ByteString>, D::Error> {
    let read = Vec::<String>::deserialize(deserializer)?;
    Ok(read.into_iter().map(ByteString::from).collect())
}

/// The backends that may tell of each URI, in order of first mention.
fn places(catalogue: &Snapshot, uris: &[ByteString]) -> Vec<(Arc<Upstream>, Vec<ByteString>)> {
    let mut places: Vec<(Arc<Upstream>, Vec<ByteString>)> = Vec::new();
    for uri in uris {
        for upstream in catalogue.readers_of(uri) {
            match places.iter_mut().find(|(known, _)| Arc::ptr_eq(known, &upstream)) {
                Some((_, wanted)) => wanted.push(uri.clone()),
                None => places.push((upstream, vec![uri.clone()])),
            }
        }
    }
    places
}

/// Wants URIs at one backend, and keeps wanting those that it grants.
async fn granted(core: &Core, inbox: &Listed, upstream: Arc<Upstream>, uris: Vec<ByteString>) -> Vec<Want> {
    if !matches!(tokio::time::timeout(REACHED, upstream.for_modern()).await, Ok(Ok(_))) {
        return Vec::new();
    }
    // Noted before the backend is asked, since updates may come at once.
    let mut wants: Vec<Want> = uris
        .iter()
        .map(|uri| {
            inbox.want(upstream.name(), uri);
            Updates::want(core, &upstream, uri)
        })
        .collect();
    let granted = Updates::settled(core, &upstream, &wants, PATIENCE).await;
    wants.retain(|want| {
        let honoured = granted.contains(want.uri());
        if !honoured {
            inbox.forget(upstream.name(), want.uri());
        }
        honoured
    });
    wants
}

/// Follows the tasks that the client names, which only a client with the extension may.
async fn follow(core: &Core, request: &Arc<ModernRequest>, filter: &Filter) -> Result<Followed, RpcError> {
    let Some(ids) = &filter.task_ids else {
        return Ok(Followed::default());
    };
    match crate::ops::tasks::declared(request) {
        // Of a backend that is not there just now nobody may know yet that it has tasks.
        Ok(()) => Ok(Followed::open(core, request, ids).await),
        Err(error) if tasks::offers(core, Era::Modern) => Err(error),
        Err(_) => Ok(Followed::default()),
    }
}

fn honoured(filter: &Filter, wants: &[Want], followed: &Followed) -> Value {
    let mut honoured = json!({});
    for (key, _) in filter.lists() {
        honoured[key] = true.into();
    }
    let granted: HashSet<&ByteString> = wants.iter().map(Want::uri).collect();
    let uris = filter.resource_subscriptions.iter();
    let uris: Vec<&str> = uris.filter(|uri| granted.contains(uri)).map(|uri| &**uri).collect();
    if !uris.is_empty() {
        honoured["resourceSubscriptions"] = json!(uris);
    }
    if let Some(ids) = &filter.task_ids {
        let granted = followed.granted(ids);
        if !granted.is_empty() {
            honoured["taskIds"] = json!(granted);
        }
    }
    honoured
}
