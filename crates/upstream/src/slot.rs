//! A place for one link: made when first needed, once, and again when it has ended.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::{Link, LinkError};

/// After a failed attempt its error is given to whoever asks, for so long at first, then ever longer.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LAST_PAUSE: Duration = Duration::from_secs(5);

/// An attempt that all who ask meanwhile wait for.
type Attempt = Shared<BoxFuture<'static, Made>>;
type Made = Result<Arc<Link>, LinkError>;

/// A place for one link. Looking into it takes no lock.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    link: ArcSwapOption<Link>,
    making: Mutex<Making>,
}

#[derive(Debug, Default)]
struct Making {
    attempt: Option<Attempt>,
    failed: Option<Failure>,
    closed: bool,
}

#[derive(Debug)]
struct Failure {
    error: LinkError,
    pause: Duration,
    until: Instant,
}

impl Slot {
    /// The link, if there is one that lives.
    pub(crate) fn live(&self) -> Option<Arc<Link>> {
        self.link.load_full().filter(|link| link.ended().is_none())
    }

    /// The link; `connect` makes one where none lives. Whoever comes meanwhile waits for the same attempt and gets the
    /// same error; for a short while after a failure the error is the answer. The attempt goes on in `tasks` even if
    /// nobody waits any more; `then` is told of the link.
    ///
    /// # Errors
    /// When no link can be made, or the place is closed.
    pub(crate) async fn get<F>(
        self: &Arc<Self>,
        tasks: &TaskTracker,
        connect: impl FnOnce() -> F,
        then: impl FnOnce(&Arc<Link>) + Send + 'static,
    ) -> Made
    where
        F: Future<Output = Result<Link, LinkError>> + Send + 'static,
    {
        match self.live() {
            Some(link) => Ok(link),
            None => self.attempt(tasks, connect, then)?.await,
        }
    }

    fn attempt<F>(
        self: &Arc<Self>,
        tasks: &TaskTracker,
        connect: impl FnOnce() -> F,
        then: impl FnOnce(&Arc<Link>) + Send + 'static,
    ) -> Result<Attempt, LinkError>
    where
        F: Future<Output = Result<Link, LinkError>> + Send + 'static,
    {
        let mut making = self.making();
        if making.closed {
            return Err(given_up());
        }
        if let Some(attempt) = &making.attempt {
            return Ok(attempt.clone());
        }
        if let Some(link) = self.live() {
            return Ok(std::future::ready(Ok(link)).boxed().shared());
        }
        if let Some(failed) = making.failed.as_ref().filter(|failed| Instant::now() < failed.until) {
            return Err(failed.error.clone());
        }
        let (slot, connecting) = (Arc::clone(self), connect());
        let made = tasks.spawn(async move {
            let made = slot.finish(connecting.await).await;
            made.inspect(then)
        });
        let attempt = made
            .map(|made| made.unwrap_or_else(|_| Err(given_up())))
            .boxed()
            .shared();
        making.attempt = Some(attempt.clone());
        Ok(attempt)
    }

    /// Puts a made link into the place, or closes it when the place was closed meanwhile.
    async fn finish(&self, made: Result<Link, LinkError>) -> Made {
        let made = made.map(Arc::new);
        let closed = {
            let mut making = self.making();
            making.attempt = None;
            match &made {
                Ok(link) if !making.closed => {
                    making.failed = None;
                    self.link.store(Some(Arc::clone(link)));
                }
                Ok(_) => {}
                Err(error) => {
                    let pause = making
                        .failed
                        .take()
                        .map_or(FIRST_PAUSE, |before| (before.pause * 2).min(LAST_PAUSE));
                    let until = Instant::now() + pause;
                    making.failed = Some(Failure {
                        error: error.clone(),
                        pause,
                        until,
                    });
                }
            }
            making.closed
        };
        match made {
            Ok(link) if closed => {
                link.close().await;
                Err(given_up())
            }
            made => made,
        }
    }

    /// Takes the link out; the next who asks makes another one.
    pub(crate) fn evict(&self) -> Option<Arc<Link>> {
        self.link.swap(None)
    }

    /// Forgets the last failure: the next who asks tries again.
    pub(crate) fn forgive(&self) {
        self.making().failed = None;
    }

    /// Closes the place for good and gives the link that was in it; one in the making is closed when it is made.
    pub(crate) fn close(&self) -> Option<Arc<Link>> {
        self.making().closed = true;
        self.link.swap(None)
    }

    fn making(&self) -> MutexGuard<'_, Making> {
        self.making.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn given_up() -> LinkError {
    LinkError::Closed("the attempt to connect was given up".to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn refused() -> LinkError {
        LinkError::Closed("refused".to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn all_who_wait_get_the_error_of_one_attempt_and_the_next_comes_later() {
        let slot = Arc::new(Slot::default());
        let tasks = TaskTracker::new();
        let attempts = Arc::new(AtomicUsize::new(0));
        let connect = || {
            let attempts = Arc::clone(&attempts);
            async move {
                attempts.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_secs(2)).await;
                Err(refused())
            }
        };
        let began = Instant::now();
        let waiting = (0..5).map(|_| slot.get(&tasks, connect, |_| ()));
        let made = futures::future::join_all(waiting).await;
        assert!(
            made.iter()
                .all(|made| matches!(made, Err(LinkError::Closed(why)) if why == "refused"))
        );
        assert_eq!((began.elapsed().as_secs(), attempts.load(Ordering::Relaxed)), (2, 1));
        assert!(slot.get(&tasks, connect, |_| ()).await.is_err());
        assert_eq!(attempts.load(Ordering::Relaxed), 1, "the error is remembered");
        tokio::time::advance(FIRST_PAUSE).await;
        assert!(slot.get(&tasks, connect, |_| ()).await.is_err());
        assert_eq!(attempts.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_closed_place_makes_no_link() {
        let slot = Arc::new(Slot::default());
        assert!(slot.close().is_none());
        let made = slot.get(&TaskTracker::new(), || async { Err(refused()) }, |_| ()).await;
        assert!(matches!(made, Err(LinkError::Closed(why)) if why == "the attempt to connect was given up"));
    }
}
