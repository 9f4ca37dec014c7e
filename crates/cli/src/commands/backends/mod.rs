//! `argus-mcp backends`: all of them, or one.

mod detail;
mod name;

use argus_api::{Backend, BackendList, HealthStatus, Phase};
use clap::Args;

pub(crate) use name::name;

use super::connect::{Connect, print_json};
use crate::failure::Failure;
use crate::output;
use crate::show::{Colour, Screen, Table};

/// The arguments of `backends`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Show this one, with all that is known of it
    #[arg(value_parser = name::name)]
    name: Option<String>,

    #[command(flatten)]
    connect: Connect,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.name {
        None => all(&arguments.connect),
        Some(name) => one(&arguments.connect, name),
    }
}

fn all(connect: &Connect) -> Result<(), Failure> {
    let list = connect.run(async |client| Ok(client.backends().await?))?;
    if connect.json {
        print_json(&list);
    } else if list.backends.is_empty() {
        output::answer("no backend is configured");
    } else {
        output::answer(table(&list).render(Screen::stdout()));
    }
    Ok(())
}

fn one(connect: &Connect, name: &str) -> Result<(), Failure> {
    let backend = connect.run(async |client| Ok(client.backend(name).await?))?;
    match connect.json {
        true => print_json(&backend),
        false => output::answer(detail::described(&backend, Screen::stdout())),
    }
    Ok(())
}

fn table(list: &BackendList) -> Table<9> {
    let head = [
        "NAME", "TYPE", "GROUP", "PHASE", "TOOLS", "RES", "PROMPTS", "LATENCY", "ERROR",
    ];
    let mut table = Table::new(head);
    for backend in &list.backends {
        let count = backend.capabilities;
        table.add_painted([
            plain(&backend.name),
            plain(&word(&backend.kind)),
            plain(&backend.group),
            (&word(&backend.phase), colour(backend)),
            plain(&count.tools.to_string()),
            plain(&count.resources.to_string()),
            plain(&count.prompts.to_string()),
            plain(&latency(backend).unwrap_or_default()),
            plain(backend.error.as_deref().unwrap_or_default()),
        ]);
    }
    table
}

fn latency(backend: &Backend) -> Option<String> {
    Some(format!("{:.1} ms", backend.health.latency_ms?))
}

fn plain(text: &str) -> (&str, Colour) {
    (text, Colour::None)
}

/// How the API writes a value.
fn word(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

fn colour(backend: &Backend) -> Colour {
    match backend.phase {
        Phase::Ready if backend.health.status == HealthStatus::Unhealthy => Colour::Bad,
        Phase::Ready => Colour::Good,
        Phase::Degraded | Phase::Initializing => Colour::Doubtful,
        Phase::Failed => Colour::Bad,
        Phase::Pending | Phase::ShuttingDown => Colour::None,
    }
}
