//! What all backends share.

use std::sync::Arc;

use argus_runtime::GuardProgram;

use crate::{GracePeriod, HttpClient, Logs, Remembered, Verdicts};

/// What all backends share.
#[derive(Debug, Clone)]
pub struct Context {
    /// The pooled HTTP client.
    pub http: HttpClient,
    /// The program that guards child processes.
    pub guard: GuardProgram,
    /// Where the eras of backends are remembered.
    pub verdicts: Verdicts,
    /// How long what a backend that is away listed is still shown.
    pub grace: Arc<GracePeriod>,
    /// Where their lists are remembered.
    pub remembered: Remembered,
    /// What their processes write for people.
    pub logs: Logs,
}
