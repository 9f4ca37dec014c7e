//! `argus-mcp stop`: ends gateways of this user, by signals, so that no token is needed.

use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Args;
use futures::future::join_all;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::connect::{block_on, gateways};
use super::server;
use crate::failure::Failure;
use crate::output;
use crate::running::{self, Entry, Kill, Turn};

/// How often it is looked whether a process is gone.
const LOOK: Duration = Duration::from_millis(25);
/// How long a killed process may take to be gone.
const KILLED: Duration = Duration::from_secs(10);

/// The arguments of `stop`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The name or the process id of the gateway; not needed where a single one runs
    #[arg(value_name = "NAME|PID", conflicts_with = "all")]
    gateway: Option<String>,

    /// Stop all gateways of yours that run here
    #[arg(long)]
    all: bool,

    /// Kill it when it has not ended after --timeout
    #[arg(long)]
    force: bool,

    /// How long calls in flight may take to finish, in seconds [default: 60, with --force 10]
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How the process of a gateway ended.
#[derive(Clone, Copy)]
enum End {
    Stopped,
    Killed,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let chosen = chosen(arguments, gateways())?;
    let usual = if arguments.force { 10 } else { 60 };
    let patience = Duration::from_secs(arguments.timeout.unwrap_or(usual));
    let ends = block_on(join_all(
        chosen.iter().map(|entry| end(entry, patience, arguments.force)),
    ))?;
    let failed = ends.iter().any(Result::is_err);
    let ends = chosen.iter().zip(ends);
    match arguments.json {
        true => output::answer(json!({"gateways": ends.map(|(entry, end)| told(entry, &end)).collect::<Vec<_>>()})),
        false => ends.for_each(|(entry, end)| tell_of(entry, &end)),
    }
    match failed {
        true => Err(Failure::said()),
        false => Ok(()),
    }
}

fn told(entry: &Entry, end: &anyhow::Result<End>) -> Value {
    json!({
        "name": entry.name,
        "pid": entry.pid,
        "stopped": end.is_ok(),
        "killed": matches!(end, Ok(End::Killed)),
        "error": end.as_ref().err().map(|error| format!("{error:#}")),
    })
}

fn tell_of(entry: &Entry, end: &anyhow::Result<End>) {
    let (name, pid) = (&entry.name, entry.pid);
    match end {
        Ok(End::Stopped) => output::answer(format_args!("{name} (process {pid}) is stopped")),
        Ok(End::Killed) => output::answer(format_args!(
            "{name} (process {pid}) did not stop in time and is killed"
        )),
        Err(error) => output::say(format_args!("error: {name} (process {pid}): {error:#}")),
    }
}

/// Which gateways are meant.
fn chosen(arguments: &Arguments, running: Vec<Entry>) -> anyhow::Result<Vec<Entry>> {
    let all = || {
        let all = running
            .iter()
            .map(|entry| format!("{} (process {})", entry.name, entry.pid));
        all.collect::<Vec<_>>().join(", ")
    };
    if let Some(wanted) = &arguments.gateway {
        let named = running.iter().find(|entry| entry.name.as_str() == wanted);
        let found = named.or_else(|| running.iter().find(|entry| entry.pid.to_string() == *wanted));
        return match found {
            Some(entry) => Ok(vec![entry.clone()]),
            None if running.is_empty() => Err(anyhow!("no gateway is called `{wanted}`; none of yours runs here")),
            None => Err(anyhow!("no gateway is called `{wanted}`; these run: {}", all())),
        };
    }
    match running.len() {
        0 if arguments.all => Ok(running),
        0 => Err(anyhow!("no gateway of yours runs here")),
        1 => Ok(running),
        _ if arguments.all => Ok(running),
        _ => Err(anyhow!("several gateways run; name one, or give --all: {}", all())),
    }
}

/// Ends one, and says how it ended.
async fn end(entry: &Entry, patience: Duration, force: bool) -> anyhow::Result<End> {
    let began = Instant::now();
    // Whoever has no time left goes on, too: somebody else told it, or nobody can.
    if let Ok(told) = timeout(patience, tell(entry)).await {
        told?;
    }
    if gone(entry, patience.saturating_sub(began.elapsed())).await {
        return Ok(End::Stopped);
    }
    if !force {
        return Err(anyhow!(
            "it was told to stop and still finishes calls after {} s; `argus-mcp stop {} --force` ends it",
            patience.as_secs(),
            entry.name
        ));
    }
    entry.signal(Kill::Kill).context("cannot be killed")?;
    match gone(entry, KILLED).await {
        true => Ok(End::Killed),
        false => Err(anyhow!("the system does not end it")),
    }
}

/// Tells one to stop that was not told yet, and waits until it says that it does: a second signal would end it at once.
async fn tell(entry: &Entry) -> anyhow::Result<()> {
    let folder = server::data_folder().map(|data| running::folder(&data));
    // Without such a file there is nobody to wait for.
    let turn = match &folder {
        Some(folder) => Turn::of(folder, &entry.name).await.ok(),
        None => None,
    };
    let now = || folder.as_deref().and_then(|folder| running::named(folder, &entry.name));
    let stops = || now().is_some_and(|now| now.pid == entry.pid && now.stopping);
    if !stops() {
        entry.signal(Kill::Terminate).context("cannot be told to stop")?;
    }
    while turn.is_some() && entry.is_alive() && !stops() {
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

async fn gone(entry: &Entry, patience: Duration) -> bool {
    let began = Instant::now();
    loop {
        if !entry.is_alive() {
            return true;
        }
        if began.elapsed() >= patience {
            return false;
        }
        tokio::time::sleep(LOOK).await;
    }
}
