//! Which eras a backend speaks, and how that is learnt.

use std::sync::{Arc, PoisonError};

use argus_config::Protocol;
use argus_protocol::{Era, version};

use crate::connect::refuses_legacy;
use crate::verdict::Verdict;
use crate::{Hello, Link, LinkError, Upstream};

impl Upstream {
    /// Whether the backend speaks the modern era; `None` while that is not known.
    #[must_use]
    pub fn is_modern(&self) -> Option<bool> {
        self.verdict().modern
    }

    /// Whether the backend speaks the era of handshakes and sessions; `None` while that is not known.
    #[must_use]
    pub fn is_legacy(&self) -> Option<bool> {
        self.verdict().legacy
    }

    /// Whether the backend speaks no other era than the modern one, as far as is known.
    #[must_use]
    pub fn is_only_modern(&self) -> bool {
        self.verdict().legacy == Some(false)
    }

    /// What the backend said of itself in an era: on the last connection of that era, whose ever it is, or else when it
    /// was last made ready, if that was in this era. `None` where nothing was heard of it, or it has left the era.
    #[must_use]
    pub fn hello_in(&self, era: Era) -> Option<Arc<Hello>> {
        let verdict = self.verdict();
        let speaks = match era {
            Era::Legacy => verdict.legacy,
            Era::Modern => verdict.modern,
        };
        let of_era = |hello: &Arc<Hello>| (hello.version == version::MODERN) == (era == Era::Modern);
        let last = self.hellos.last(era).filter(|_| speaks != Some(false));
        last.or_else(|| self.state.borrow().hello.clone().filter(of_era))
    }

    /// Finds out whether the backend is modern, if that is not known; waits at most three seconds from the beginning of the
    /// probe, which goes on after that. A probe that comes to nothing is not repeated for a while.
    pub async fn settle_modern(self: &Arc<Self>) {
        if self.verdict().modern.is_some() {
            return;
        }
        let Some(until) = self.probing.begin() else { return };
        let upstream = Arc::clone(self);
        let probe = self.tasks.spawn(async move {
            let made = upstream.modern().await;
            upstream.probing.end(made.is_err());
        });
        // Whatever comes of it is in the verdict.
        let _ = tokio::time::timeout_at(until, probe).await;
    }

    pub(crate) fn verdict(&self) -> Verdict {
        *self.verdict.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn learn_legacy(&self, made: &Result<Link, LinkError>) {
        match made {
            Ok(link) => {
                self.hellos.heard(link);
                self.learn(Era::Legacy, true);
            }
            Err(error) if refuses_legacy(error) => self.learn(Era::Legacy, false),
            Err(_) => {}
        }
    }

    pub(crate) fn learn(&self, era: Era, speaks: bool) {
        if self.definition().protocol != Protocol::Auto {
            return;
        }
        if era == Era::Modern && !speaks {
            self.evict_modern();
        }
        let mut verdict = self.verdict.lock().unwrap_or_else(PoisonError::into_inner);
        let known = match era {
            Era::Legacy => &mut verdict.legacy,
            Era::Modern => &mut verdict.modern,
        };
        if *known == Some(speaks) {
            return;
        }
        *known = Some(speaks);
        // Speaking neither is no verdict: something else is wrong, and all is open again.
        if *verdict
            == (Verdict {
                legacy: Some(false),
                modern: Some(false),
            })
        {
            *verdict = Verdict::default();
        }
        let learnt = *verdict;
        drop(verdict);
        tracing::debug!(backend = %self.name(), ?learnt, "era of the backend");
        self.connector
            .context
            .verdicts
            .save(&self.definition().digest(), learnt);
    }

    /// The backend does not speak the modern era any more: a stateless link would never notice.
    fn evict_modern(&self) {
        if let Some(link) = self.modern.evict() {
            self.tasks.spawn(async move { link.close().await });
        }
    }
}
