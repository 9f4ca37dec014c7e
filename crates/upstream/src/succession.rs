//! When an upstream that takes the place of another one may start processes.

use tokio_util::sync::CancellationToken;

/// At once, or when nothing is left of those before. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Succession {
    before: Option<CancellationToken>,
    gone: CancellationToken,
}

impl Succession {
    /// Not before the processes of that one are gone, nor those that it had to wait for itself.
    pub(crate) fn after(one: &Self) -> Self {
        Self {
            before: Some(one.gone.clone()),
            gone: CancellationToken::new(),
        }
    }

    /// Whether there is nothing to wait for.
    pub(crate) fn has_begun(&self) -> bool {
        self.before.as_ref().is_none_or(CancellationToken::is_cancelled)
    }

    /// Waits until processes may be started.
    pub(crate) async fn begin(&self) {
        if let Some(before) = &self.before {
            before.cancelled().await;
        }
    }

    /// Nothing is left of this one.
    pub(crate) async fn end(&self) {
        self.begin().await;
        self.gone.cancel();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn one_that_never_began_does_not_make_way_for_the_next() {
        let first = Succession::default();
        let second = Succession::after(&first);
        let third = Succession::after(&second);
        assert!(first.has_begun() && !second.has_begun());
        assert!(second.end().now_or_never().is_none(), "the first one is still there");
        assert!(third.begin().now_or_never().is_none());
        first.end().await;
        assert!(second.has_begun() && !third.has_begun());
        second.end().await;
        third.begin().await;
    }
}
