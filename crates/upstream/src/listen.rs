//! The standing listener of a modern link: `subscriptions/listen` for the lists.

use std::sync::Arc;
use std::time::Duration;

use argus_protocol::{Object, Raw, meta, method};
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::epoch::Epoch;
use crate::hearing::{ListKind, granted};
use crate::{Event, FeedEvent, FeedSink, Link, Outgoing};

const FIRST_RETRY: Duration = Duration::from_millis(500);
const LAST_RETRY: Duration = Duration::from_secs(30);
/// A stream that stood this long starts the pauses anew.
const STEADY: Duration = Duration::from_secs(5);

/// Listens for list changes as long as the link lives. A backend that declares none is left alone. Each time the stream
/// breaks or stands again, `sink` is told: a change may have gone unheard. What was read before it stands first is over
/// with the epoch.
pub(crate) async fn stand(link: Arc<Link>, sink: Arc<dyn FeedSink>, epoch: &Epoch) {
    let Some(params) = filter(&link) else { return };
    let mut pause = FIRST_RETRY;
    let mut stood_before = false;
    while link.ended().is_none() {
        let since = Instant::now();
        let stood = listen(&link, &params, sink.as_ref(), |lists| {
            // Also when nothing was listed on this link: resources may have been read.
            epoch.end();
            if link.hearing().stands(lists) || stood_before {
                sink.deliver(FeedEvent::Interrupted);
            }
        });
        let stood = stood.await;
        link.hearing().breaks();
        if stood {
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
    let wanted: Map<String, Value> = ListKind::ALL
        .into_iter()
        .filter(|(_, capability, _)| link.hello().has_flag(capability, "listChanged"))
        .map(|(_, _, key)| (key.to_owned(), Value::Bool(true)))
        .collect();
    (!wanted.is_empty()).then(|| Raw::from_value(&serde_json::json!({ "notifications": wanted })))
}

/// One stream; whether it was acknowledged. `stands` is told then of which lists.
async fn listen(link: &Link, params: &Raw, sink: &dyn FeedSink, stands: impl Fn([bool; 3])) -> bool {
    let mut acknowledged = false;
    let mut exchange = link.call(Outgoing::own(method::LISTEN, Some(params.clone())), None);
    while let Some(event) = exchange.next().await {
        match event {
            Event::Notification { method, params } if method == method::LISTEN_ACKNOWLEDGED => {
                acknowledged = true;
                stands(granted(params.as_ref()));
            }
            Event::Notification { method, params } => {
                let params = params.as_ref().map(without_subscription);
                sink.deliver(FeedEvent::Notification { method, params });
            }
            Event::Ask(ask) => ask.reply.refuse("a listener answers no questions"),
            Event::AskWithdrawn(_) | Event::Outcome(_) => {}
        }
    }
    acknowledged
}

/// The parameters of a notification without the id of the subscription that brought it, which means nothing to anybody
/// but the two ends of that.
#[must_use]
pub fn without_subscription(params: &Raw) -> Raw {
    let Ok(read) = Object::parse(params) else {
        return params.clone();
    };
    let marked = |meta: &Object| meta.get(meta::SUBSCRIPTION_ID).is_some();
    let Some(meta) = read.get_object("_meta").filter(marked) else {
        return params.clone();
    };
    match meta.members().count() == 1 {
        true => read.edit().remove("_meta").finish(),
        false => {
            let rest = meta.edit().remove(meta::SUBSCRIPTION_ID).finish();
            read.edit().set("_meta", rest).finish()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_id_of_the_subscription_goes() {
        let without = |text: &str| {
            without_subscription(&Raw::parse(text.to_owned()).unwrap())
                .as_str()
                .to_owned()
        };
        assert_eq!(
            without(r#"{"uri":"x","_meta":{"io.modelcontextprotocol/subscriptionId":1}}"#),
            r#"{"uri":"x"}"#
        );
        assert_eq!(
            without(r#"{"_meta":{"io.modelcontextprotocol/subscriptionId":"a","n":1.0},"uri":"x"}"#),
            r#"{"_meta":{"n":1.0},"uri":"x"}"#
        );
        for same in [r#"{"uri":"x"}"#, r#"{"uri":"x","_meta":{}}"#] {
            assert_eq!(without(same), same);
        }
    }
}
