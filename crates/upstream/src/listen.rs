//! The standing listener of a modern link: `subscriptions/listen` for the lists.

use std::sync::Arc;
use std::time::Duration;

use argus_protocol::{ByteString, Object, Raw, meta, method};
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::{Event, FeedEvent, FeedSink, Link, Outgoing};

const FIRST_RETRY: Duration = Duration::from_millis(500);
const LAST_RETRY: Duration = Duration::from_secs(30);
/// A stream that stood this long starts the pauses anew.
const STEADY: Duration = Duration::from_secs(5);

/// Listens for list changes as long as the link lives. A backend that declares none is left alone. Each time the stream
/// breaks or stands again, `sink` is told: a change may have gone unheard.
pub(crate) async fn stand(link: Arc<Link>, sink: Arc<dyn FeedSink>) {
    let Some(params) = filter(&link) else { return };
    let mut pause = FIRST_RETRY;
    let mut stood_before = false;
    while link.ended().is_none() {
        let since = Instant::now();
        if listen(&link, &params, sink.as_ref(), stood_before).await {
            stood_before = true;
            sink.deliver(FeedEvent::Interrupted);
        }
        if since.elapsed() >= STEADY {
            pause = FIRST_RETRY;
        }
        tokio::select! {
            _ = link.wait_ended() => return,
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(LAST_RETRY),
        }
    }
}

/// The list changes that the backend declares.
fn filter(link: &Link) -> Option<Raw> {
    let wanted: Map<String, Value> = [
        ("tools", "toolsListChanged"),
        ("resources", "resourcesListChanged"),
        ("prompts", "promptsListChanged"),
    ]
    .into_iter()
    .filter(|(capability, _)| link.hello().has_flag(capability, "listChanged"))
    .map(|(_, key)| (key.to_owned(), Value::Bool(true)))
    .collect();
    (!wanted.is_empty()).then(|| Raw::from_value(&serde_json::json!({ "notifications": wanted })))
}

/// One stream; whether it was acknowledged.
async fn listen(link: &Link, params: &Raw, sink: &dyn FeedSink, again: bool) -> bool {
    let mut acknowledged = false;
    let mut exchange = link.call(Outgoing::own(method::LISTEN, Some(params.clone())), None);
    while let Some(event) = exchange.next().await {
        match event {
            Event::Notification { method, .. } if method == method::LISTEN_ACKNOWLEDGED => {
                acknowledged = true;
                if again {
                    sink.deliver(FeedEvent::Interrupted);
                }
            }
            Event::Notification { method, params } => sink.deliver(without_subscription(method, params.as_ref())),
            Event::Ask(ask) => ask.reply.refuse("a listener answers no questions"),
            Event::AskWithdrawn(_) | Event::Outcome(_) => {}
        }
    }
    acknowledged
}

/// The notification without the id of our subscription, which means nothing to anybody else.
fn without_subscription(method: ByteString, params: Option<&Raw>) -> FeedEvent {
    FeedEvent::Notification {
        method,
        params: params.map(strip_subscription),
    }
}

fn strip_subscription(params: &Raw) -> Raw {
    let Ok(read) = Object::parse(params) else {
        return params.clone();
    };
    let Some(meta) = read.get_object("_meta") else {
        return params.clone();
    };
    read.edit()
        .set("_meta", meta.edit().remove(meta::SUBSCRIPTION_ID).finish())
        .finish()
}
