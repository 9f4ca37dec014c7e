//! The stream of one backend: opened anew when other resources are wanted, the old one ended only when the new one
//! stands, and again when it broke.

use std::collections::{BTreeSet, HashSet};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use argus_protocol::{Answer, ByteString, Era, Object, Raw, method, version};
use argus_upstream::{Event, Exchange, Link, LinkError, Outgoing, Upstream};
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use super::{ACKNOWLEDGE, Ear, FIRST_PAUSE, Heard, LAST_PAUSE, STEADY};
use crate::core::Core;

/// How long the old stream is still heard when the new one stands: what it brings was said before the new one began.
const OVERLAP: Duration = Duration::from_millis(100);

/// Keeps one stream open for what is wanted.
pub(super) struct Listening {
    core: Arc<Core>,
    upstream: Arc<Upstream>,
    ear: Arc<Ear>,
    stream: Option<Box<Stream>>,
    opening: Option<Opening>,
    /// Whether something may have been missed since a stream broke.
    gap: bool,
    pause: Duration,
    /// Not before this time another one is opened.
    not_before: Option<Instant>,
}

/// A stream that the backend acknowledged.
struct Stream {
    exchange: Exchange,
    asked: BTreeSet<ByteString>,
    granted: Arc<HashSet<ByteString>>,
    since: Instant,
    /// The stream that this one takes the place of, until then.
    old: Option<(Exchange, Instant)>,
    brought: Brought,
}

/// What a new stream brought while the old one was still heard. What both bring was said when both stood, and the new
/// one brings all of that.
#[derive(Default)]
struct Brought(HashSet<ByteString>);

/// A stream in the making, and the version of the wanted set that it is for.
type Opening = (
    u64,
    Pin<Box<dyn Future<Output = Result<Box<Stream>, LinkError>> + Send>>,
);

/// What happens next.
enum Turn {
    /// Other resources may be wanted.
    Wanted,
    Opened(u64, Result<Box<Stream>, LinkError>),
    Updated(Raw),
    Broken,
    OldEnded,
    Paused,
}

impl Listening {
    pub(super) fn new(core: Arc<Core>, upstream: Arc<Upstream>, ear: Arc<Ear>, gap: bool) -> Self {
        Self {
            core,
            upstream,
            ear,
            stream: None,
            opening: None,
            gap,
            pause: FIRST_PAUSE,
            not_before: None,
        }
    }

    /// Listens for as long as the backend is modern, without a stream while nothing is wanted; whether something may have
    /// been missed at the end.
    pub(super) async fn run(mut self) -> bool {
        let mut wanted = self.ear.wanted.watch();
        // Updates come often, and change nothing about the stream.
        let mut unsettled = true;
        loop {
            if unsettled {
                wanted.mark_unchanged();
                self.settle();
            }
            let turn = self.turn(&mut wanted).await;
            unsettled = !matches!(turn, Turn::Updated(_) | Turn::OldEnded);
            match turn {
                // Whoever waits for it need not wait for the end of the pause.
                Turn::Wanted => self.not_before = None,
                Turn::Opened(_, Err(LinkError::Era(_))) => return self.gap || self.stream.is_some(),
                Turn::Opened(version, opened) => self.opened(version, opened),
                Turn::Updated(params) => self.updated(params),
                Turn::Broken => self.broken(),
                Turn::OldEnded => {
                    if let Some(stream) = &mut self.stream {
                        stream.old = None;
                        stream.brought = Brought::default();
                    }
                }
                Turn::Paused => self.not_before = None,
            }
        }
    }

    /// Opens a stream if another one is needed, and closes the one that is not.
    fn settle(&mut self) {
        let (version, wanted) = self.ear.wanted.now();
        if wanted.is_empty() {
            self.stream = None;
            self.opening = None;
            self.gap = false;
            self.say(version, None);
            return;
        }
        if let Some(stream) = self.stream.as_mut().filter(|stream| stream.serves(&wanted)) {
            // What was refused and is no longer wanted may exist when somebody wants it again.
            stream.asked.retain(|uri| wanted.contains(uri));
            self.say(version, None);
            return;
        }
        if self.opening.is_none() && self.not_before.is_none() {
            let upstream = Arc::clone(&self.upstream);
            self.opening = Some((
                version,
                Box::pin(async move {
                    let opened = tokio::time::timeout(ACKNOWLEDGE, open(&upstream, wanted)).await;
                    opened.unwrap_or(Err(LinkError::Timeout {
                        what: method::LISTEN,
                        after: ACKNOWLEDGE,
                    }))
                }),
            ));
        }
    }

    async fn turn(&mut self, wanted: &mut tokio::sync::watch::Receiver<u64>) -> Turn {
        let (opening, stream, not_before) = (&mut self.opening, &mut self.stream, self.not_before);
        tokio::select! {
            // The sender is in `self.ear`.
            _ = wanted.changed() => Turn::Wanted,
            (version, opened) = async {
                match opening {
                    Some((version, opening)) => (*version, opening.await),
                    None => std::future::pending().await,
                }
            } => Turn::Opened(version, opened),
            turn = async {
                match stream {
                    Some(stream) => stream.turn().await,
                    None => std::future::pending().await,
                }
            } => turn,
            () = async {
                match not_before {
                    Some(then) => tokio::time::sleep_until(then).await,
                    None => std::future::pending().await,
                }
            } => Turn::Paused,
        }
    }

    fn opened(&mut self, version: u64, opened: Result<Box<Stream>, LinkError>) {
        self.opening = None;
        match opened {
            Ok(mut stream) => {
                let old = self.stream.take();
                let heard = |uri: &&ByteString| old.as_ref().is_some_and(|old| old.granted.contains(*uri));
                let fresh = stream.granted.iter().filter(|uri| !heard(uri)).cloned().collect();
                self.core.heard_from_now(self.upstream.name(), &fresh);
                stream.old = old.map(|old| (old.exchange, Instant::now() + OVERLAP));
                if std::mem::take(&mut self.gap) {
                    // Nobody knows what happened while no stream stood.
                    for uri in stream.granted.iter() {
                        self.core.resource_updated(
                            self.upstream.name(),
                            uri,
                            &Raw::from_value(&json!({ "uri": &**uri })),
                        );
                    }
                }
                self.stream = Some(stream);
                self.say(version, None);
            }
            Err(cause) => {
                tracing::debug!(backend = %self.upstream.name(), error = %cause, "updates of resources cannot be listened for");
                self.later();
                self.say(version, Some(cause));
            }
        }
    }

    fn broken(&mut self) {
        self.gap = true;
        if self
            .stream
            .take()
            .is_some_and(|stream| stream.since.elapsed() >= STEADY)
        {
            self.pause = FIRST_PAUSE;
        }
        self.later();
    }

    fn later(&mut self) {
        self.not_before = Some(Instant::now() + self.pause);
        self.pause = (self.pause * 2).min(LAST_PAUSE);
    }

    fn updated(&self, params: Raw) {
        let params = argus_upstream::without_subscription(&params);
        let uri = Object::parse(&params).ok().and_then(|read| read.get_str("uri"));
        if let Some(uri) = uri {
            self.core.resource_updated(self.upstream.name(), &uri, &params);
        }
    }

    /// Tells those who wait what became of this version of the set.
    fn say(&self, version: u64, failure: Option<LinkError>) {
        let granted = match &self.stream {
            Some(stream) => Arc::clone(&stream.granted),
            None => Arc::default(),
        };
        self.ear.say(Heard {
            version,
            granted,
            open: Arc::default(),
            failure,
        });
    }
}

impl Stream {
    /// Whether it brings all that is wanted, as far as the backend grants it, and nothing else.
    fn serves(&self, wanted: &BTreeSet<ByteString>) -> bool {
        wanted.is_subset(&self.asked) && self.granted.iter().all(|uri| wanted.contains(uri))
    }

    async fn turn(&mut self) -> Turn {
        loop {
            let (exchange, old) = (&mut self.exchange, &mut self.old);
            let (event, is_old) = tokio::select! {
                // What the old one still brings was said first.
                biased;
                event = async {
                    match old {
                        Some((old, until)) => tokio::time::timeout_at(*until, old.next()).await.ok().flatten(),
                        None => std::future::pending().await,
                    }
                } => match event {
                    Some(Event::Outcome(_)) | None => return Turn::OldEnded,
                    Some(event) => (event, true),
                },
                event = exchange.next() => match event {
                    Some(Event::Outcome(_)) | None => return Turn::Broken,
                    Some(event) => (event, false),
                },
            };
            if let Some(params) = self.update(event, is_old) {
                return Turn::Updated(params);
            }
        }
    }

    /// The parameters of an update that is new.
    fn update(&mut self, event: Event, is_old: bool) -> Option<Raw> {
        let params = match event {
            Event::Notification {
                method,
                params: Some(params),
            } if method == method::RESOURCE_UPDATED => params,
            _ => return None,
        };
        if self.old.is_some() {
            let uri = Object::parse(&params).ok()?.get_str("uri")?;
            return self.brought.is_new(uri, is_old).then_some(params);
        }
        Some(params)
    }
}

impl Brought {
    /// Whether an update is not one that was heard already.
    fn is_new(&mut self, uri: ByteString, is_old: bool) -> bool {
        if is_old {
            return !self.0.contains(&uri);
        }
        self.0.insert(uri);
        true
    }
}

/// Opens a stream; it is there when the backend acknowledges it.
async fn open(upstream: &Arc<Upstream>, wanted: BTreeSet<ByteString>) -> Result<Box<Stream>, LinkError> {
    let link = upstream.for_modern().await?;
    if link.era() != Era::Modern {
        return Err(LinkError::Era(version::MODERN));
    }
    let uris: Vec<&str> = wanted.iter().map(|uri| &**uri).collect();
    let params = json!({ "notifications": { "resourceSubscriptions": uris } });
    let mut exchange = link.call(Outgoing::own(method::LISTEN, Some(Raw::from_value(&params))), None);
    let granted = acknowledged(&link, &mut exchange).await?;
    let granted = granted
        .iter()
        .filter_map(|uri| wanted.get(uri.as_str()).cloned())
        .collect();
    Ok(Box::new(Stream {
        exchange,
        asked: wanted,
        granted: Arc::new(granted),
        since: Instant::now(),
        old: None,
        brought: Brought::default(),
    }))
}

/// What the backend grants.
async fn acknowledged(link: &Link, exchange: &mut Exchange) -> Result<Vec<String>, LinkError> {
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
    let malformed = || LinkError::Protocol(format!("its acknowledgement of `{}` is malformed", method::LISTEN));
    while let Some(event) = exchange.next().await {
        match event {
            Event::Notification { method, params } if method == method::LISTEN_ACKNOWLEDGED => {
                let read = params.ok_or_else(malformed)?.read::<Acknowledged>();
                return Ok(read.map_err(|_| malformed())?.notifications.resource_subscriptions);
            }
            Event::Outcome(Ok(Answer::Error(error))) => {
                return Err(link.refused(method::LISTEN, error));
            }
            Event::Outcome(Err(cause)) => return Err(cause),
            Event::Ask(ask) => ask.reply.refuse("a listener answers no questions"),
            Event::Outcome(Ok(Answer::Result(_))) | Event::Notification { .. } | Event::AskWithdrawn(_) => {}
        }
    }
    Err(malformed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_stream_adds_only_what_the_new_one_did_not_bring() {
        let mut brought = Brought::default();
        let mut is_new = |uri: &'static str, is_old| brought.is_new(ByteString::from_static(uri), is_old);
        assert!(is_new("x://1", true), "said before the new one began");
        assert!(is_new("x://1", false));
        assert!(!is_new("x://1", true), "said on both");
        assert!(is_new("x://1", false), "once more");
        assert!(is_new("x://2", true));
    }
}
