//! `argus-mcp status`: the gateways that run here, or one that is named.

use std::time::Duration;

use argus_api::{Health, OverallStatus, Status};
use argus_client::{Answer, Client};
use clap::Args;
use futures::future::join_all;
use serde::Serialize;

use super::connect::{Connect, block_on, gateways, print_json};
use crate::failure::Failure;
use crate::output;
use crate::running::Entry;
use crate::show::{Colour, Screen, Table, line, time};

/// A gateway that takes longer to say how it is does not answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// The arguments of `status`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(flatten)]
    connect: Connect,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    match arguments.connect.is_named() {
        true => arguments
            .connect
            .run(async |client| one(&client, arguments.connect.json).await),
        false => all(&arguments.connect),
    }
}

/// A gateway that runs here.
#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    entry: Entry,
    url: String,
    /// What it says of itself; `None`: it does not answer.
    health: Option<Health>,
}

#[derive(Serialize)]
struct Rows {
    count: usize,
    gateways: Vec<Row>,
}

fn all(connect: &Connect) -> Result<(), Failure> {
    let entries = gateways();
    // A wrong token is said once; a gateway whose address means nothing to a client is shown without its health.
    connect.can_show_token()?;
    let healths = block_on(join_all(entries.iter().map(|entry| health(connect, entry))))?;
    let rows = entries.into_iter().zip(healths).map(|(entry, health)| Row {
        url: entry.url(),
        health,
        entry,
    });
    let gateways: Vec<Row> = rows.collect();
    let count = gateways.len();
    if connect.json {
        let rows = Rows { count, gateways };
        output::answer(serde_json::to_string(&rows).map_err(anyhow::Error::from)?);
    } else if count > 0 {
        output::answer(table(&gateways).render(Screen::stdout()));
        let noun = if count == 1 { "gateway runs" } else { "gateways run" };
        output::answer(format_args!("\n{count} {noun}"));
    } else {
        output::answer("no gateway of yours runs here; `argus-mcp server --detach` starts one");
    }
    match count {
        0 => Err(Failure::Said(3.into())),
        _ => Ok(()),
    }
}

async fn health(connect: &Connect, entry: &Entry) -> Option<Health> {
    let client = entry.management.then(|| connect.client_of(entry).ok())??;
    let asked = tokio::time::timeout(PATIENCE, client.health()).await;
    asked.ok()?.ok().map(Answer::into_value)
}

/// How it is, in a word or two.
fn state(row: &Row) -> (&'static str, Colour) {
    match &row.health {
        _ if row.entry.stopping => ("stopping", Colour::Doubtful),
        Some(health) => overall(health),
        None if !row.entry.management => ("runs (API off)", Colour::None),
        None => ("unreachable", Colour::Bad),
    }
}

fn table(rows: &[Row]) -> Table<7> {
    let mut table = Table::new(["NAME", "PID", "PORT", "HOST", "HEALTH", "STARTED", "CONFIG"]);
    for row in rows {
        let (entry, (health, colour)) = (&row.entry, state(row));
        table.add_painted([
            plain(entry.name.as_str()),
            plain(&entry.pid.to_string()),
            plain(&entry.port.to_string()),
            plain(&entry.host),
            (health, colour),
            plain(&time::second(&entry.started_at)),
            plain(entry.config.as_deref().unwrap_or("(demo)")),
        ]);
    }
    table
}

fn plain(text: &str) -> (&str, Colour) {
    (text, Colour::None)
}

fn overall(health: &Health) -> (&'static str, Colour) {
    match health.status {
        OverallStatus::Healthy => ("healthy", Colour::Good),
        OverallStatus::Degraded => ("degraded", Colour::Doubtful),
        OverallStatus::Unhealthy => ("unhealthy", Colour::Bad),
    }
}

async fn one(client: &Client, json: bool) -> Result<(), Failure> {
    let status = client.status().await?;
    if json {
        print_json(&status);
        return Ok(());
    }
    let health = client.health().await?;
    output::answer(described(&status, &health, Screen::stdout()));
    Ok(())
}

fn described(status: &Status, health: &Health, screen: Screen) -> String {
    let Status {
        service,
        config,
        transport,
        feature_flags: flags,
    } = status;
    let (word, colour) = overall(health);
    let totals = health.backends;
    let state = serde_json::to_value(service.state).unwrap_or_default();
    let switched = |on: bool| if on { "on" } else { "off" };
    let flags = [
        ("hot_reload", flags.hot_reload),
        ("outgoing_auth", flags.outgoing_auth),
        ("session_management", flags.session_management),
        ("optimizer", flags.optimizer),
    ]
    .map(|(name, on)| format!("{name} {}", switched(on)));
    let lines = [
        ("Gateway", format!("{} {}", line(&service.name), line(&service.version))),
        ("State", state.as_str().unwrap_or_default().to_owned()),
        ("Health", screen.paint(colour, word)),
        (
            "Backends",
            format!(
                "{} connected, {} healthy, of {}",
                totals.connected, totals.healthy, totals.total
            ),
        ),
        (
            "Started",
            format!(
                "{} ({} ago)",
                time::second(&service.started_at),
                time::span(service.uptime_seconds)
            ),
        ),
        (
            "Config",
            line(config.file_path.as_deref().unwrap_or("(demo)")).into_owned(),
        ),
        ("Loaded", time::second(&config.loaded_at)),
        ("MCP", line(&transport.streamable_http_url).into_owned()),
        ("HTTP+SSE", line(&transport.sse_url).into_owned()),
        ("Flags", flags.join(", ")),
    ];
    let lines = lines.map(|(name, value)| format!("{name:<9} {value}"));
    lines.join("\n")
}
