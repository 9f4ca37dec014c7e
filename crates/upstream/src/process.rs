//! Processes of backends: how they are started, and how they end.

use std::ffi::OsString;

use argus_config::Process;
use argus_runtime::{Exit, GuardProgram, Spec, StderrRing, StopTimes};
use secrecy::ExposeSecret;

use crate::LinkError;

/// What to start.
pub(crate) fn spec(process: &Process, guard: &GuardProgram, stop: StopTimes) -> Spec {
    let env = process
        .env
        .iter()
        .map(|(name, value)| (name.into(), OsString::from(value.expose_secret())));
    Spec {
        program: (&process.command).into(),
        args: process.args.iter().map(Into::into).collect(),
        env: env.collect(),
        cwd: process.cwd.clone(),
        guard: guard.clone(),
        stop,
    }
}

/// How a process ended, with what it said last.
pub(crate) fn ended(exit: &Exit, lines: &StderrRing) -> LinkError {
    let said = lines
        .last()
        .map(|line| format!("; last line on stderr: {line}"))
        .unwrap_or_default();
    LinkError::Closed(format!("the process ended ({exit}){said}"))
}
