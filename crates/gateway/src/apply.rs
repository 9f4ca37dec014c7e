//! Another configuration takes effect, as one step: backends come, go and change, and no session ends.

use std::pin::pin;
use std::sync::{Arc, PoisonError, Weak};
use std::task::Poll;
use std::time::Duration;

use argus_config::{Config, Diff, diff};
use argus_upstream::{CallMethod, Handover, LinkError, Turn, Upstream};
use tokio::time::Instant;

use crate::core::Core;
use crate::feeds::shared_feed;
use crate::inventory::Starter;
use crate::renew;
use crate::updates::Updates;

impl Core {
    /// Makes `wanted` the configuration, but for keys that need a restart; `None` when the gateway stops. Calls that are
    /// under way on a backend that goes, or is reached in another way, may finish on its old links.
    pub(crate) fn apply(&self, mut wanted: Config) -> Option<Diff> {
        let _one_at_a_time = self.applying.lock().unwrap_or_else(PoisonError::into_inner);
        if self.stopping.is_cancelled() {
            return None;
        }
        let diff = diff(&self.catalogues.config(), &mut wanted);
        self.context.grace.set(wanted.catalogue.grace);
        // Another one of a name is to run; the name may be kept since an earlier run, too.
        for name in diff.removed.iter().chain(&diff.added) {
            self.disabled.set(name, false);
        }
        self.take_effect(Arc::new(wanted), &diff, None);
        Some(diff)
    }

    /// Makes what differs by `diff` so. `renewing` is how backends are replaced whose definition stays as it is. Must be
    /// called by one at a time.
    pub(crate) fn take_effect(&self, config: Arc<Config>, diff: &Diff, renewing: Option<Handover>) {
        let drain = config.server.drain_timeout;
        let starter = Starter {
            context: &self.context,
            disabled: &self.disabled,
            sink: &|name: &str| shared_feed(&self.me, &self.events, name),
            renewing,
            sole: self.sessions.journal().is_some(),
        };
        let next = self.inventory().next(&config, diff, &starter);
        for upstream in &next.started {
            self.follow(upstream);
        }
        {
            // Nobody makes a catalogue of some backends as they were and others as they will be.
            let mut announced = self.announced();
            self.catalogues.configure(config, || {
                self.set_inventory(next.inventory);
                for (upstream, definition) in next.redefined {
                    upstream.redefine(definition);
                }
            });
            self.forget_what_was(diff, &next.left);
            // From here on no name leads to one that has left.
            self.rebuild_after(&mut announced);
        }
        for upstream in next.left {
            self.retire(upstream, drain);
        }
        for upstream in &next.started {
            self.hear_again(upstream);
        }
    }

    /// What sessions know of backends that are there no more, or are other ones.
    fn forget_what_was(&self, diff: &Diff, left: &[Arc<Upstream>]) {
        for session in self.sessions.all() {
            for upstream in left {
                session.forget_own_lists(upstream.name());
                session.forget_place(upstream.name());
            }
            for removed in &diff.removed {
                session.forget_backend(removed);
            }
        }
    }

    /// Lets calls finish, then stops everything.
    fn retire(&self, upstream: Arc<Upstream>, limit: Duration) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.retain(|upstream| upstream.strong_count() > 0);
        left.push(Arc::downgrade(&upstream));
        // It ends when the gateway stops, because that stops the upstream.
        self.spawn_to_the_end(async move { upstream.retire(limit).await });
    }

    /// Sets up again what clients wanted to hear of the backend whose place another one has taken.
    fn hear_again(&self, upstream: &Arc<Upstream>) {
        let Some(core) = self.me.upgrade() else { return };
        Updates::resume(self, upstream);
        let backend = upstream.name();
        for session in self.sessions.all() {
            if session.subscriptions(backend).is_empty() {
                continue;
            }
            let (core, again, backend) = (Arc::clone(&core), Arc::clone(&session), Arc::clone(backend));
            match session.has_own_link(&backend) {
                true => self.spawn(renew::restore(core, again, backend)),
                false => self.spawn(renew::revived(core, again, backend)),
            }
        }
    }

    /// How many calls a backend has now, and how many wait; also those that finish on links that it had before.
    pub(crate) fn calls_now(&self, name: &str) -> (usize, usize) {
        let all = self.all_of(name);
        let all = all.iter().map(|upstream| upstream.calls_now());
        all.fold((0, 0), |(calls, waiting), (more, wait)| (calls + more, waiting + wait))
    }

    /// The processes that a backend has now; also those on which calls from before finish.
    pub(crate) fn pids(&self, name: &str) -> Vec<u32> {
        let all = self.all_of(name);
        let mut pids: Vec<u32> = all.iter().flat_map(|upstream| upstream.pids()).collect();
        pids.sort_unstable();
        pids
    }

    /// The upstream of a name, if there is one, and those before it that are not over yet.
    fn all_of(&self, name: &str) -> Vec<Arc<Upstream>> {
        let now = self.inventory().named(name);
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let left = left.iter().filter_map(Weak::upgrade);
        let is_now = |one: &Upstream| now.as_ref().is_some_and(|now| now.number() == one.number());
        let before = left.filter(|left| **left.name() == *name && !is_now(left));
        let mut all: Vec<_> = before.collect();
        all.extend(now);
        all
    }

    /// Waits for a call's turn at a backend, or at the one that has taken its place meanwhile.
    ///
    /// # Errors
    /// When the turn does not come, or the backend was disabled or removed.
    pub(crate) async fn turn(&self, upstream: &Arc<Upstream>, method: CallMethod) -> Result<Turn, LinkError> {
        let mut since = None;
        match upstream.turn_of(method, &mut since).await {
            Err(LinkError::Retired) => Box::pin(self.turn_at_the_next(upstream, method, since)).await,
            turn => turn,
        }
    }

    /// The turn of a call that only waits for what another one began, in the same way.
    ///
    /// # Errors
    /// When the backend was disabled or removed.
    pub(crate) fn beside(&self, upstream: &Arc<Upstream>, method: CallMethod) -> Result<Turn, LinkError> {
        let mut at = Arc::clone(upstream);
        loop {
            match at.beside(method) {
                Err(LinkError::Retired) => at = self.next(&at, method, None)?,
                turn => return turn,
            }
        }
    }

    /// The upstream that has the place of a retired one. Where there is none, a call ends that has waited `since` then.
    fn next(
        &self,
        retired: &Arc<Upstream>,
        method: CallMethod,
        since: Option<Instant>,
    ) -> Result<Arc<Upstream>, LinkError> {
        // That one left the inventory before it was retired.
        let next = self.inventory().named(retired.name());
        let next = next.filter(|next| next.number() != retired.number());
        next.ok_or_else(|| {
            retired.led_nowhere(method, since);
            LinkError::Retired
        })
    }

    /// Whoever waited at the retired one is followed by the next as soon as it waits here, so that they keep their order.
    async fn turn_at_the_next(
        &self,
        retired: &Arc<Upstream>,
        method: CallMethod,
        mut since: Option<Instant>,
    ) -> Result<Turn, LinkError> {
        let mut retired = Ahead(Arc::clone(retired));
        loop {
            let next = self.next(&retired.0, method, since)?;
            let turn = {
                let mut waiting = pin!(next.turn_of(method, &mut since));
                let first = futures::poll!(waiting.as_mut());
                drop(retired);
                match first {
                    Poll::Ready(turn) => turn,
                    Poll::Pending => waiting.await,
                }
            };
            match turn {
                Err(LinkError::Retired) => retired = Ahead(next),
                turn => return turn,
            }
        }
    }
}

/// A retired upstream at which others wait behind one that goes to the next. Dropped, the first of them follows.
struct Ahead(Arc<Upstream>);

impl Drop for Ahead {
    fn drop(&mut self) {
        self.0.pass_on();
    }
}
