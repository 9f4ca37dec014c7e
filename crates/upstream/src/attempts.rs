//! Attempts to connect, counted and told of.

use std::time::Duration;

use tokio::time::Instant;

use crate::{Arrival, Life, Link, Lists, Upstream};

/// The attempts of one backend since it was last connected.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    /// How many failed in a row.
    failed: u32,
    /// When the connection before was lost.
    lost_at: Option<Instant>,
}

impl Attempts {
    /// An attempt begins.
    pub(crate) fn begin(&self, upstream: &Upstream) {
        if self.failed == 0 {
            upstream.tell(Life::Connecting);
        }
    }

    /// It was the last one.
    pub(crate) fn end(&mut self, upstream: &Upstream, link: &Link, lists: &Lists) {
        upstream.tell(Life::Ready(Arrival {
            version: &link.hello().version,
            tools: lists.tools.len(),
            resources: lists.resources.len(),
            prompts: lists.prompts.len(),
            attempts: self.failed.saturating_add(1),
            away: self.lost_at.map(|lost_at| lost_at.elapsed()),
            reconnects: upstream.record().ready(),
        }));
        *self = Self::default();
    }

    /// It failed.
    pub(crate) fn failed(&mut self, upstream: &Upstream, cause: &str, retry_in: Duration) {
        self.failed = self.failed.saturating_add(1);
        let attempts = self.failed;
        upstream.tell(Life::Failed {
            cause,
            attempts,
            retry_in,
        });
    }

    /// The connection ended.
    pub(crate) fn lost(&mut self, upstream: &Upstream, cause: &str) {
        self.lost_at = Some(Instant::now());
        upstream.tell(Life::Lost { cause });
    }
}
