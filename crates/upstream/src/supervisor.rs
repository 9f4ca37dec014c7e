//! Keeps one backend connected and its lists fresh.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::Guard;
use argus_config::Transport;
use tokio::time::Instant;

use crate::attempts::Attempts;
use crate::backoff::Backoff;
use crate::freshness::Reading;
use crate::grace::Grace;
use crate::health;
use crate::http::Probe;
use crate::state::{Phase, set};
use crate::{Freshness, Link, LinkError, Lists, Upstream};

/// After this time a list that was refused is asked for again, then ever later.
const ASK_AGAIN: Duration = Duration::from_secs(5);
/// How often, at most and at least, lists are read again whose time is over and whose changes nobody hears of.
const REFRESH: RangeInclusive<Duration> = Duration::from_secs(30)..=Duration::from_secs(24 * 60 * 60);
/// Changes that are announced this close together are read once.
const GATHER: Duration = Duration::from_millis(10);
/// Lists are first asked for when their changes are heard of, if that is so within this time.
const SETTLE: Duration = Duration::from_millis(100);

/// Connects, lists, waits for the end, and begins again, until the upstream stops. One that is retired keeps what it has
/// for the calls that are under way, and begins nothing anew.
pub(crate) async fn run(upstream: Arc<Upstream>) {
    let stop = upstream.stop.clone();
    if !upstream.connector.succession.has_begun() {
        set(&upstream, |state| state.phase = Phase::Initializing);
        let waiting = upstream.connector.succession.begin();
        if stop.run_until_cancelled(waiting).await.is_none() {
            return set(&upstream, |state| state.phase = Phase::ShuttingDown);
        }
    }
    let mut backoff = Backoff::new(upstream.definition().health);
    let mut grace = Grace::new(Arc::clone(&upstream.connector.context.grace));
    let mut held = None;
    let mut attempts = Attempts::default();
    loop {
        attempts.begin(&upstream);
        let attempting = grace.during(&upstream, Box::pin(attempt(&upstream)));
        let Some(connected) = upstream.while_in_place(attempting).await else {
            break;
        };
        let (cause, pause) = match connected {
            Ok((link, reading, lists)) => {
                backoff.ready();
                grace.back();
                attempts.end(&upstream, &link, &lists);
                ready(&upstream, &link, reading, lists);
                held = Some(Arc::clone(&link));
                let holding = async {
                    tokio::select! {
                        cause = hold(&upstream, &link) => cause,
                        cause = health::watch(&upstream, &link) => cause,
                    }
                };
                let Some(cause) = stop.run_until_cancelled(holding).await else {
                    break;
                };
                grace.lost();
                let told = upstream.connector.told(&cause);
                attempts.lost(&upstream, &told);
                let pause = backoff.pause();
                lost(&upstream, &link, &cause, &told, pause);
                if upstream.retired.is() {
                    break;
                }
                (told, pause)
            }
            Err(cause) => {
                grace.failed();
                let told = upstream.connector.told(&cause);
                let pause = backoff.pause();
                attempts.failed(&upstream, &told, pause);
                failed(&upstream, &cause, &told, pause);
                (told, pause)
            }
        };
        held = None;
        tracing::warn!(backend = %upstream.name(), error = %cause, retry_in_ms = pause.as_millis(), "backend is away");
        let waiting = grace.during(&upstream, tokio::time::sleep(pause));
        if upstream.while_in_place(waiting).await.is_none() {
            break;
        }
    }
    set(&upstream, |state| state.phase = Phase::ShuttingDown);
    if let Some(link) = held {
        link.close().await;
    }
}

/// One attempt to connect and list, within `timeouts.startup`.
async fn attempt(upstream: &Arc<Upstream>) -> Result<(Arc<Link>, Reading, Lists), LinkError> {
    set(upstream, |state| {
        state.phase = Phase::Initializing;
        state.next_attempt = None;
    });
    // An attempt is an attempt, not the memory of one that failed.
    upstream.modern.forgive();
    let timeouts = upstream.definition().timeouts;
    let connecting = async {
        let link = connect(upstream).await?;
        link.hearing().settled(SETTLE).await;
        let reading = Reading::begin(link.hearing());
        let lists = link.lists(timeouts.cap_fetch).await?;
        Ok((link, reading, lists))
    };
    match tokio::time::timeout(timeouts.startup, connecting).await {
        Ok(connected) => connected,
        Err(_) => Err(LinkError::Timeout {
            what: "startup",
            after: timeouts.startup,
        }),
    }
}

/// The link that the catalogue is read from. Where a connection speaks one era for its whole life, the legacy one is
/// tried first, over Streamable HTTP the modern one.
async fn connect(upstream: &Arc<Upstream>) -> Result<Arc<Link>, LinkError> {
    let known = upstream.verdict();
    let definition = Guard::into_inner(upstream.definition());
    match definition.transport {
        Transport::Stdio(_) | Transport::Sse(_) if known.legacy == Some(false) => match upstream.modern().await {
            // What was believed may be out of date.
            Err(error) if error.is_refusal() => upstream.legacy_catalogue().await.map(Arc::new).map_err(|_| error),
            made => made,
        },
        Transport::Stdio(_) | Transport::Sse(_) => match upstream.legacy_catalogue().await {
            Err(refused) if upstream.verdict().legacy == Some(false) => upstream.modern().await.map_err(|_| refused),
            made => made.map(Arc::new),
        },
        Transport::StreamableHttp(_) => connect_http(upstream).await,
    }
}

async fn connect_http(upstream: &Arc<Upstream>) -> Result<Arc<Link>, LinkError> {
    use argus_config::Protocol;
    let protocol = upstream.definition().protocol;
    match protocol {
        Protocol::Modern => return upstream.modern().await,
        Protocol::Legacy => return upstream.legacy_catalogue().await.map(Arc::new),
        Protocol::Auto => {}
    }
    match upstream.connector.probe().await? {
        Some(Probe::Modern) => upstream.modern().await,
        Some(Probe::OtherVersion(error)) => {
            upstream.learn(argus_protocol::Era::Modern, false);
            let refused = LinkError::Refused {
                method: argus_protocol::method::DISCOVER,
                error,
            };
            let refused = upstream.connector.cleaned(refused);
            upstream.legacy_catalogue().await.map(Arc::new).map_err(|_| refused)
        }
        Some(Probe::NotModern) | None => {
            upstream.learn(argus_protocol::Era::Modern, false);
            upstream.legacy_catalogue().await.map(Arc::new)
        }
    }
}

/// Waits for the end of the link; reads the lists again whenever they changed, or may have.
async fn hold(upstream: &Arc<Upstream>, link: &Arc<Link>) -> LinkError {
    let mut pause = ASK_AGAIN;
    let mut read = Instant::now();
    let mut heard = link.hearing().watch();
    let mut in_doubt = false;
    loop {
        let lists = Arc::clone(&upstream.state().lists);
        let refresh = refresh_after(&lists, &upstream.fresh.common);
        let ask_again = in_doubt || lists.incomplete;
        if !ask_again {
            pause = ASK_AGAIN;
        }
        tokio::select! {
            cause = link.wait_ended() => return cause,
            () = upstream.relist.notified() => tokio::time::sleep(GATHER).await,
            () = tokio::time::sleep_until(read + pause), if ask_again => pause *= 2,
            () = tokio::time::sleep_until(read + refresh.unwrap_or_default()), if refresh.is_some() => {}
            // What is heard of decides when lists are out of date.
            Ok(()) = heard.changed() => continue,
        }
        match relist(upstream, link).await {
            Ok(well) => in_doubt = !well,
            Err(cause) => return cause,
        }
        read = Instant::now();
    }
}

/// After which time the lists are to be read again, because the backend gave it and it is not heard when they change.
fn refresh_after(lists: &Lists, fresh: &Freshness) -> Option<Duration> {
    let after = Duration::from_millis(lists.hints.out_of_date_ms(|kind| fresh.hears(kind))?);
    Some(after.clamp(*REFRESH.start(), *REFRESH.end()))
}

/// Reads the lists again; whether that went well.
///
/// # Errors
/// When the backend cannot be reached any more; another failure leaves the lists as they are, which hold no longer then.
async fn relist(upstream: &Arc<Upstream>, link: &Arc<Link>) -> Result<bool, LinkError> {
    let announced = *upstream.announced.lock().unwrap_or_else(PoisonError::into_inner);
    let limit = upstream.definition().timeouts.cap_fetch;
    let fresh = &upstream.fresh;
    let reading = Reading::begin(link.hearing());
    match link.lists(limit).await {
        Ok(lists) => {
            let (plain, modern) = (upstream.live_plain(), upstream.live_modern());
            let plain = own_lists(plain, &upstream.changed.plain, &fresh.plain, link, limit).await;
            let modern = own_lists(modern, &upstream.changed.modern, &fresh.modern, link, limit).await;
            fresh.common.renew(reading);
            set(upstream, |state| {
                state.lists = Arc::new(lists);
                state.plain = plain;
                state.modern = modern;
                state.changes = announced;
            });
            Ok(true)
        }
        Err(cause) if cause.means_away() => Err(cause),
        Err(error) => {
            fresh.common.doubt();
            let error = upstream.connector.told(&error);
            tracing::warn!(backend = %upstream.name(), error, "the changed lists cannot be read");
            Ok(false)
        }
    }
}

/// What a shared link lists itself, where it said that this changed and it is not the catalogue's link.
async fn own_lists(
    own: Option<Arc<Link>>,
    changed: &AtomicBool,
    fresh: &Freshness,
    catalogue: &Arc<Link>,
    limit: Duration,
) -> Option<Arc<Lists>> {
    let own = own.filter(|own| changed.load(Ordering::Acquire) && !Arc::ptr_eq(own, catalogue))?;
    let reading = Reading::begin(own.hearing());
    match own.lists(limit).await {
        Ok(lists) => {
            fresh.renew(reading);
            Some(Arc::new(lists))
        }
        Err(_) => {
            // Asked again when it says again that they changed: a failure is reported as an interruption, too.
            changed.store(false, Ordering::Release);
            fresh.doubt();
            None
        }
    }
}

fn ready(upstream: &Upstream, link: &Link, reading: Reading, lists: Lists) {
    tracing::info!(
        backend = %upstream.name(),
        version = link.hello().version,
        tools = lists.tools.len(),
        resources = lists.resources.len(),
        prompts = lists.prompts.len(),
        "backend is ready",
    );
    upstream.forgive();
    upstream.epoch.end();
    upstream.answered(None);
    upstream.fresh.common.renew(reading);
    set(upstream, |state| {
        state.phase = Phase::Ready;
        state.error = None;
        state.hello = Some(Arc::new(link.hello().clone()));
        state.lists = Arc::new(lists);
        state.shown = true;
        state.tried = true;
    });
}

/// The connection ended, or is given up; another is made at once. What it listed stands until that fails.
fn lost(upstream: &Upstream, link: &Arc<Link>, cause: &LinkError, told: &str, pause: Duration) {
    upstream.epoch.end();
    upstream.fresh.doubt();
    if link.ended().is_none() && upstream.connector.is_duplex() {
        health::give_up(upstream, link, cause);
    }
    set(upstream, |state| {
        state.phase = Phase::Initializing;
        state.error = Some(told.to_owned());
        state.next_attempt = Some(SystemTime::now() + pause);
    });
}

/// An attempt failed. What was listed last keeps its names, so that no other backend answers to them.
fn failed(upstream: &Upstream, cause: &LinkError, told: &str, pause: Duration) {
    upstream.missed(cause);
    set(upstream, |state| {
        state.phase = Phase::Failed;
        state.error = Some(told.to_owned());
        state.tried = true;
        state.next_attempt = Some(SystemTime::now() + pause);
    });
}
