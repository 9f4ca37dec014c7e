//! Asking a backend whether it is there, again and again.

use std::sync::{Arc, Weak};
use std::time::Duration;

use argus_protocol::method;
use tokio::time::Instant;

use crate::vitals::WellWith;
use crate::{BreakerState, Link, LinkError, Upstream};

/// After a call that failed it is asked at once, but not more often than this.
const SHORTEST: Duration = Duration::from_millis(250);

/// What a question to one connection brought.
enum Found {
    /// An answer after so long.
    Answer(Duration),
    /// None, but that is no failure: it is at work on a call and may not listen meanwhile, or wants to be asked less.
    Excused(LinkError),
    /// Nothing, or something that is no answer.
    Fault(LinkError),
    /// The connection leads nowhere.
    Away(LinkError),
}

/// Watches over a connected backend. Gives the reason once `link`, which its lists are read from, has to be given up.
pub(crate) async fn watch(upstream: &Arc<Upstream>, link: &Arc<Link>) -> LinkError {
    let health = upstream.definition().health;
    if !health.enabled {
        return despair(upstream, link).await;
    }
    let mut faults = Faults::default();
    let mut asked = Instant::now();
    loop {
        tokio::select! {
            () = tokio::time::sleep(jittered(health.interval)) => {}
            () = upstream.signs.doubt.notified() => tokio::time::sleep_until(asked + SHORTEST).await,
        }
        asked = Instant::now();
        let links = shared(upstream, link);
        let call = upstream.definition().timeouts.call;
        let asking = links.iter().map(|link| ask(link, health.timeout, call));
        let found = futures::future::join_all(asking).await;
        let mut worst = None;
        let mut latency = Duration::ZERO;
        for (asked, found) in links.iter().zip(found) {
            let own = Arc::ptr_eq(asked, link);
            match found {
                Found::Answer(took) => {
                    faults.forget(asked);
                    latency = latency.max(took);
                }
                Found::Away(cause) if own => {
                    upstream.missed(&cause);
                    return cause;
                }
                // The end of another one is seen to where it is made anew.
                Found::Away(_) => {}
                Found::Excused(cause) => worst = worst.or(Some((cause, true))),
                Found::Fault(cause) => {
                    if faults.count(asked) >= health.failures {
                        let told = upstream.connector.told(&cause);
                        tracing::warn!(backend = %upstream.name(), cause = told, "a connection is given up");
                        if own {
                            upstream.missed(&cause);
                            return cause;
                        }
                        give_up(upstream, asked, &cause);
                    }
                    if worst.as_ref().is_none_or(|(_, excused)| *excused) {
                        worst = Some((cause, false));
                    }
                }
            }
        }
        match worst {
            None => {
                upstream.answered(Some(latency));
                match latency > health.slow {
                    true => upstream.degrade(&slow(latency), WellWith::Question),
                    false => upstream.recover(),
                }
            }
            Some((cause, excused)) => {
                if !excused {
                    upstream.missed(&cause);
                }
                upstream.degrade(&upstream.connector.told(&cause), WellWith::Answer);
            }
        }
    }
}

/// Where no questions are asked, calls alone tell: once they are refused because too many failed, all shared connections
/// are given up, so that a process that hangs is replaced.
async fn despair(upstream: &Arc<Upstream>, link: &Arc<Link>) -> LinkError {
    loop {
        upstream.signs.hopeless.notified().await;
        // It may have answered meanwhile.
        let failures = upstream.signs.breaker.failures();
        if upstream.signs.breaker.state() == BreakerState::Closed {
            continue;
        }
        let cause = LinkError::Closed(format!("{failures} calls in a row had no answer"));
        tracing::warn!(backend = %upstream.name(), %cause, "its connections are given up");
        for other in shared(upstream, link).iter().filter(|other| !Arc::ptr_eq(other, link)) {
            give_up(upstream, other, &cause);
        }
        return cause;
    }
}

/// Ends a connection that says nothing any more; who uses it makes another one.
pub(crate) fn give_up(upstream: &Upstream, link: &Arc<Link>, cause: &LinkError) {
    // Callers are told of it.
    let cause = upstream.connector.cleaned(cause.clone()).for_callers();
    link.end(LinkError::Closed(cause.to_string()));
    let link = Arc::clone(link);
    upstream.tasks.spawn(async move { link.close().await });
}

/// The connections that many share; those of sessions' own are their calls' business.
fn shared(upstream: &Upstream, link: &Arc<Link>) -> Vec<Arc<Link>> {
    let mut links = vec![Arc::clone(link)];
    for other in [upstream.live_plain(), upstream.live_modern()].into_iter().flatten() {
        if !links.iter().any(|known| Arc::ptr_eq(known, &other)) {
            links.push(other);
        }
    }
    links
}

/// `limit` is the time of the question, `call` that of clients' calls.
async fn ask(link: &Link, limit: Duration, call: Duration) -> Found {
    let began = Instant::now();
    let answered = match link.was_heard() {
        true => link.probe(limit).await,
        false => ask_otherwise(link, limit).await,
    };
    match answered {
        Err(cause) if cause.means_away() || cause.is_of_a_proxy() => Found::Away(cause),
        Err(LinkError::TooLate { .. } | LinkError::Timeout { .. }) => {
            let cause = LinkError::Timeout {
                what: link.question(),
                after: limit,
            };
            match link.is_busy(call) {
                true => Found::Excused(cause),
                false => Found::Fault(cause),
            }
        }
        Err(cause) if cause.wants_patience() => Found::Excused(cause),
        // Whether it could have answered is not known of one that never did and has no tools to list.
        Err(cause) if cause.is_no_answer() => match link.was_heard() || link.hello().has("tools") {
            true => Found::Fault(cause),
            false => Found::Excused(cause),
        },
        // A refusal shows that it is there.
        _ => Found::Answer(began.elapsed()),
    }
}

/// Some servers leave unanswered what they do not know, the question whether they are there included, or answer it with a
/// mere status: they are asked for their tools in the second half of the time.
async fn ask_otherwise(link: &Link, limit: Duration) -> Result<(), LinkError> {
    let mut asked = std::pin::pin!(link.probe(limit));
    let first = tokio::time::timeout(limit / 2, &mut asked).await;
    let tools = async { link.ask(method::TOOLS_LIST, None, limit / 2).await.map(drop) };
    match first {
        Ok(Err(cause)) if cause.is_no_answer() && !cause.wants_patience() => tools.await,
        Ok(answered) => answered,
        Err(_) => tokio::select! {
            answered = asked => answered,
            answered = tools => answered,
        },
    }
}

fn slow(latency: Duration) -> String {
    format!(
        "it answers slowly: {:.1} s when it was asked last",
        latency.as_secs_f64()
    )
}

/// Up to a fifth less, so that many backends are not asked at once.
fn jittered(interval: Duration) -> Duration {
    let random = getrandom::u32().unwrap_or(0);
    interval.mul_f64(1.0 - 0.2 * f64::from(random) / f64::from(u32::MAX))
}

/// How often in a row each connection gave no answer.
#[derive(Default)]
struct Faults(Vec<(Weak<Link>, u32)>);

impl Faults {
    fn count(&mut self, link: &Arc<Link>) -> u32 {
        self.0.retain(|(known, _)| known.strong_count() > 0);
        if let Some((_, count)) = self.0.iter_mut().find(|(known, _)| is(known, link)) {
            *count += 1;
            return *count;
        }
        self.0.push((Arc::downgrade(link), 1));
        1
    }

    fn forget(&mut self, link: &Arc<Link>) {
        self.0.retain(|(known, _)| !is(known, link));
    }
}

fn is(known: &Weak<Link>, link: &Arc<Link>) -> bool {
    std::ptr::eq(known.as_ptr(), Arc::as_ptr(link))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_takes_at_most_a_fifth() {
        let interval = Duration::from_secs(10);
        for _ in 0..50 {
            let pause = jittered(interval);
            assert!(pause <= interval && pause >= interval.mul_f64(0.8), "{pause:?}");
        }
    }
}
