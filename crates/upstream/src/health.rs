//! Asking a backend whether it is there, again and again.

use std::sync::{Arc, Weak};
use std::time::Duration;

use argus_protocol::method;
use tokio::time::Instant;

use crate::{Link, LinkError, Upstream};

/// After a call that failed it is asked at once, but not more often than this.
const SHORTEST: Duration = Duration::from_millis(250);

/// What a question to one connection brought.
enum Found {
    /// An answer after so long.
    Answer(Duration),
    /// Nothing; but it is at work on a call, and may not listen meanwhile.
    Busy(LinkError),
    /// Nothing.
    Silence(LinkError),
    /// The connection leads nowhere.
    Away(LinkError),
}

/// Watches over a connected backend. Gives the reason once `link`, which its lists are read from, has to be given up.
pub(crate) async fn watch(upstream: &Arc<Upstream>, link: &Arc<Link>) -> LinkError {
    let health = upstream.definition().health;
    if !health.enabled {
        return std::future::pending().await;
    }
    let mut silences = Silences::default();
    let mut asked = Instant::now();
    loop {
        tokio::select! {
            () = tokio::time::sleep(jittered(health.interval)) => {}
            () = upstream.signs.doubt.notified() => tokio::time::sleep_until(asked + SHORTEST).await,
        }
        asked = Instant::now();
        let links = shared(upstream, link);
        let asking = links.iter().map(|link| ask(link, health.timeout));
        let found = futures::future::join_all(asking).await;
        let mut worst = None;
        let mut latency = Duration::ZERO;
        for (asked, found) in links.iter().zip(found) {
            let own = Arc::ptr_eq(asked, link);
            match found {
                Found::Answer(took) => {
                    silences.forget(asked);
                    latency = latency.max(took);
                }
                Found::Away(cause) if own => {
                    upstream.missed(&cause);
                    return cause;
                }
                // The end of another one is seen to where it is made anew.
                Found::Away(_) => {}
                Found::Busy(cause) => worst = worst.or(Some((cause, true))),
                Found::Silence(cause) => {
                    if silences.count(asked) >= health.failures {
                        tracing::warn!(backend = %upstream.name(), %cause, "a connection is given up");
                        if own {
                            upstream.missed(&cause);
                            return cause;
                        }
                        give_up(upstream, asked, &cause);
                    }
                    if worst.as_ref().is_none_or(|(_, busy)| *busy) {
                        worst = Some((cause, false));
                    }
                }
            }
        }
        match worst {
            None => {
                upstream.answered(Some(latency));
                match latency > health.slow {
                    true => upstream.degrade(&slow(latency)),
                    false => upstream.recover(),
                }
            }
            Some((cause, busy)) => {
                if !busy {
                    upstream.missed(&cause);
                }
                upstream.degrade(&upstream.connector.told(&cause));
            }
        }
    }
}

/// Ends a connection that says nothing any more; who uses it makes another one.
pub(crate) fn give_up(upstream: &Upstream, link: &Arc<Link>, cause: &LinkError) {
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

async fn ask(link: &Link, limit: Duration) -> Found {
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
            match link.is_busy() {
                true => Found::Busy(cause),
                false => Found::Silence(cause),
            }
        }
        // Any other answer shows that it is there.
        _ => Found::Answer(began.elapsed()),
    }
}

/// Some servers leave unanswered what they do not know, the question whether they are there included: they are asked for
/// their tools in the second half of the time.
async fn ask_otherwise(link: &Link, limit: Duration) -> Result<(), LinkError> {
    let mut asked = std::pin::pin!(link.probe(limit));
    if let Ok(answered) = tokio::time::timeout(limit / 2, &mut asked).await {
        return answered;
    }
    tokio::select! {
        answered = asked => answered,
        answered = link.ask(method::TOOLS_LIST, None, limit / 2) => answered.map(drop),
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

/// How often in a row each connection said nothing.
#[derive(Default)]
struct Silences(Vec<(Weak<Link>, u32)>);

impl Silences {
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
