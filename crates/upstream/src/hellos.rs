//! What a backend said of itself last, in each era.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use argus_protocol::Era;

use crate::{Hello, Link};

/// Of whatever link was made last.
#[derive(Debug, Default)]
pub(crate) struct Hellos {
    legacy: Mutex<Option<Arc<Hello>>>,
    modern: Mutex<Option<Arc<Hello>>>,
}

impl Hellos {
    /// A link was made.
    pub(crate) fn heard(&self, link: &Link) {
        *self.at(link.era()) = Some(Arc::new(link.hello().clone()));
    }

    pub(crate) fn last(&self, era: Era) -> Option<Arc<Hello>> {
        self.at(era).clone()
    }

    fn at(&self, era: Era) -> MutexGuard<'_, Option<Arc<Hello>>> {
        let place = match era {
            Era::Legacy => &self.legacy,
            Era::Modern => &self.modern,
        };
        place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
