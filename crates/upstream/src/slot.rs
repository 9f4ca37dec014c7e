//! A place for one link: made when first needed, once, and again when it has ended.

use std::future::Future;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use tokio::sync::Mutex;

use crate::{Link, LinkError};

/// A place for one link. Looking into it takes no lock.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    link: ArcSwapOption<Link>,
    making: Arc<Mutex<()>>,
}

impl Slot {
    /// The link, if there is one that lives.
    pub(crate) fn live(&self) -> Option<Arc<Link>> {
        self.link.load_full().filter(|link| link.ended().is_none())
    }

    /// The link; `connect` makes one where none lives. Whoever comes meanwhile waits for the same one, and it is made
    /// to the end even if nobody waits any more.
    pub(crate) async fn get<F>(self: &Arc<Self>, connect: F) -> Result<Arc<Link>, LinkError>
    where
        F: Future<Output = Result<Link, LinkError>> + Send + 'static,
    {
        if let Some(link) = self.live() {
            return Ok(link);
        }
        let turn = Arc::clone(&self.making).lock_owned().await;
        if let Some(link) = self.live() {
            return Ok(link);
        }
        let slot = Arc::clone(self);
        let made = tokio::spawn(async move {
            let link = Arc::new(connect.await?);
            slot.link.store(Some(Arc::clone(&link)));
            drop(turn);
            Ok(link)
        });
        made.await
            .unwrap_or_else(|_| Err(LinkError::Closed("the attempt to connect was given up".to_owned())))
    }

    /// Takes the link out.
    pub(crate) fn take(&self) -> Option<Arc<Link>> {
        self.link.swap(None)
    }
}
