//! Processes of backends: how they are started, what they say, and how they end.

use std::ffi::OsString;

use argus_config::Process;
use argus_runtime::{Exit, GuardProgram, Lines, Spec, StderrRing, StopTimes};
use secrecy::ExposeSecret;
use tokio::io::AsyncRead;

use crate::LinkError;
use crate::redact::Redactor;

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

/// Reads what a process says for people to its end: each line is logged at debug and kept, without configured secrets.
/// `stream` is the name of what is read.
pub(crate) async fn hear<R: AsyncRead + Unpin>(
    said: R,
    stream: &'static str,
    backend: &str,
    redactor: &Redactor,
    keep: &StderrRing,
) {
    let mut lines = Lines::new(said);
    loop {
        match lines.next_line().await {
            Ok(Some(line)) => {
                let line = redactor.clean(&line);
                tracing::debug!(%backend, "{stream}: {line}");
                keep.push(line);
            }
            Ok(None) => return,
            Err(error) => {
                tracing::debug!(%backend, %error, "{stream} cannot be read");
                return;
            }
        }
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
