//! Checking a configuration while the gateway runs, without any effect.

use std::fmt;
use std::sync::Arc;

use argus_config::{Finding, Loaded};
use tokio::sync::Mutex;

use crate::reload::unfinished;

/// Reads and checks this text as if it were the file, or else the file; gives everything that is wrong. It may take its
/// time.
pub type Check = dyn Fn(Option<&str>) -> Result<Loaded, Vec<Objection>> + Send + Sync;

/// Something that is wrong with a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Objection {
    /// What.
    pub message: String,
    /// Line and column of the file, from 1.
    pub place: Option<(usize, usize)>,
    /// The key at this place.
    pub key: Option<String>,
    /// What to do about it.
    pub remedy: Option<String>,
}

impl From<&Finding> for Objection {
    fn from(finding: &Finding) -> Self {
        Self {
            message: finding.message().to_owned(),
            place: Some((finding.line(), finding.column())),
            key: finding.key().map(str::to_owned),
            remedy: finding.remedy().map(str::to_owned),
        }
    }
}

impl From<String> for Objection {
    fn from(message: String) -> Self {
        Self {
            message,
            ..Self::default()
        }
    }
}

/// Checks configurations. Clones are the same.
#[derive(Clone)]
pub struct Checker {
    check: Arc<Check>,
    /// One at a time, however many ask.
    busy: Arc<Mutex<()>>,
}

impl fmt::Debug for Checker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checker").finish_non_exhaustive()
    }
}

impl Checker {
    /// Checks with `check`.
    #[must_use]
    pub fn new(check: Box<Check>) -> Self {
        Self {
            check: check.into(),
            busy: Arc::default(),
        }
    }

    /// What becomes of this text, or else of the file.
    pub(crate) async fn check(&self, text: Option<String>) -> Result<Loaded, Vec<Objection>> {
        // Whoever does not wait for it any more must not let the next one in.
        let turn = Arc::clone(&self.busy).lock_owned().await;
        let check = Arc::clone(&self.check);
        let checking = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            check(text.as_deref())
        });
        let none = |error| Err(vec![unfinished(&error).to_owned().into()]);
        checking.await.unwrap_or_else(none)
    }
}
