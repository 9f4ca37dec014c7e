//! What is left of an upstream where none takes its place at once.

use std::sync::Arc;

use crate::succession::Succession;
use crate::{Record, Upstream};

/// What the next upstream of a backend begins with. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Remains {
    pub(crate) record: Arc<Record>,
    /// Of the one that was there last.
    last: Option<Succession>,
}

impl Remains {
    /// What the backend did.
    #[must_use]
    pub fn record(&self) -> &Arc<Record> {
        &self.record
    }

    /// When the next one may start processes.
    pub(crate) fn succession(&self) -> Succession {
        self.last.as_ref().map(Succession::after).unwrap_or_default()
    }
}

impl Upstream {
    /// What is left of it for one that comes later.
    #[must_use]
    pub fn remains(&self) -> Remains {
        let succession = &self.connector.succession;
        // A process behind a url has an address that no other one can have meanwhile.
        let is_in_the_way = self.connector.has_local() || !succession.has_begun();
        Remains {
            record: Arc::clone(&self.record),
            last: is_in_the_way.then(|| succession.clone()),
        }
    }
}
