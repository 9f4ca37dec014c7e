//! What modern backends tell of tasks on `subscriptions/listen` (SEP-2663 "Task status notifications"). A task has one
//! owner, so each listener of a client has streams of its own at the backends.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use argus_protocol::{Era, Object, Raw, method};
use argus_upstream::{Declared, Event, Exchange, Outgoing, Upstream, without_subscription};
use futures::future::join_all;
use futures::stream::{self, SelectAll};
use futures::{Stream, StreamExt};

use super::Ids;
use super::members::renamed;
use crate::client::Client;
use crate::core::Core;
use crate::modern::ModernRequest;

/// A listener may follow so many tasks.
pub(crate) const MOST_TASKS: usize = 100;
/// How long a backend may take to be reached and to say which tasks it will tell of.
const PATIENCE: Duration = Duration::from_secs(6);

/// The tasks that a modern client's listener follows. A stream that breaks is not opened again: who follows a task asks
/// after it, too.
#[derive(Default)]
pub(crate) struct Followed {
    streams: SelectAll<Pin<Box<dyn Stream<Item = Raw> + Send>>>,
    granted: Vec<String>,
}

impl Followed {
    /// Begins to follow tasks, as far as their backends grant it.
    pub(crate) async fn open(core: &Core, request: &Arc<ModernRequest>, exposed: &[String]) -> Self {
        let ids = Ids::of(&core.seal, Client::from(request));
        let mut places: HashMap<String, HashMap<String, String>> = HashMap::new();
        for exposed in exposed {
            if let Some((backend, id)) = ids.lead(exposed) {
                places.entry(backend).or_default().insert(id, exposed.clone());
            }
        }
        let inventory = core.inventory();
        let opening = places.into_iter().filter_map(|(backend, tasks)| {
            let upstream = inventory.named(&backend)?;
            Some(async move {
                let begun = tokio::time::timeout(PATIENCE, begin(&upstream, request, tasks)).await;
                begun.ok().flatten()
            })
        });
        let mut followed = Self::default();
        for (granted, stream) in join_all(opening).await.into_iter().flatten() {
            followed.granted.extend(granted);
            followed.streams.push(stream);
        }
        followed
    }

    /// The client's ids of those that are granted, in the order in which it named them.
    pub(crate) fn granted<'a>(&self, exposed: &'a [String]) -> Vec<&'a String> {
        exposed.iter().filter(|id| self.granted.contains(id)).collect()
    }

    /// What is told next, for as long as anything may be.
    pub(crate) async fn next(&mut self) -> Raw {
        match self.streams.next().await {
            Some(told) => told,
            None => std::future::pending().await,
        }
    }
}

impl fmt::Debug for Followed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Followed")
            .field("tasks", &self.granted.len())
            .finish_non_exhaustive()
    }
}

/// The tasks that a backend will tell of, by the client's ids, and what it tells.
type Begun = (Vec<String>, Pin<Box<dyn Stream<Item = Raw> + Send>>);

/// Follows tasks of one backend: its own ids, and the client's.
async fn begin(upstream: &Arc<Upstream>, request: &ModernRequest, tasks: HashMap<String, String>) -> Option<Begun> {
    let link = upstream.for_modern().await.ok()?;
    if link.era() != Era::Modern || !link.has_tasks() {
        return None;
    }
    let wanted: Vec<&String> = tasks.keys().collect();
    let params = Raw::from_value(&serde_json::json!({ "notifications": { "taskIds": wanted } }));
    let outgoing = Outgoing {
        declared: Some(Declared {
            capabilities: request.meta.capabilities.clone(),
            client_info: request.meta.client_info.clone(),
        }),
        ..Outgoing::own(method::LISTEN, Some(params))
    };
    let mut exchange = link.call(outgoing, None);
    let granted = acknowledged(&mut exchange).await?;
    let granted = granted.iter().filter_map(|id| tasks.get(id).cloned()).collect();
    let told = stream::unfold((exchange, tasks), |(mut exchange, tasks)| async move {
        loop {
            match exchange.next().await? {
                Event::Notification { method, params } if method == method::TASK_CHANGED => {
                    let own = |id: &str| tasks.get(id).cloned();
                    if let Some(told) = params.and_then(|params| renamed(&without_subscription(&params), own)) {
                        return Some((told, (exchange, tasks)));
                    }
                }
                Event::Ask(ask) => ask.reply.refuse("a listener answers no questions"),
                Event::Notification { .. } | Event::AskWithdrawn(_) => {}
                Event::Outcome(_) => return None,
            }
        }
    });
    Some((granted, Box::pin(told)))
}

/// What the first message of the stream says that it will tell of.
async fn acknowledged(exchange: &mut Exchange) -> Option<Vec<String>> {
    match exchange.next().await? {
        Event::Notification { method, params } if method == method::LISTEN_ACKNOWLEDGED => {
            let granted = Object::parse(&params?).ok()?.get_object("notifications")?;
            granted.get("taskIds")?.read().ok()
        }
        _ => None,
    }
}
