//! `argus-mcp logs`: what a backend writes to its stderr.

use argus_api::LogLine;
use argus_client::Client;
use clap::Args;

use super::backends;
use super::connect::{Connect, items, print_json};
use super::follow::{Told, follow};
use crate::failure::Failure;
use crate::output;
use crate::show::{line, time};

/// The arguments of `logs`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The backend
    #[arg(value_parser = backends::name)]
    backend: String,

    /// Go on with what it writes, until it is interrupted
    #[arg(short, long)]
    follow: bool,

    /// Begin with so many of the last lines
    #[arg(long, value_name = "LINES")]
    tail: Option<usize>,

    #[command(flatten)]
    connect: Connect,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let print = async |client| Box::pin(print(&client, arguments)).await;
    match arguments.follow {
        true => arguments.connect.listen(print),
        false => arguments.connect.run(print),
    }
}

async fn print(client: &Client, arguments: &Arguments) -> Result<(), Failure> {
    let json = arguments.connect.json;
    let logs = client.logs(&arguments.backend, arguments.tail).await?;
    if json && !arguments.follow {
        print_json(&logs);
        return Ok(());
    }
    let lines = match json {
        true => items(&logs, "lines", &logs.lines)?,
        false => logs.lines.iter().map(shown).collect(),
    };
    for line in lines {
        if !output::tell(line) {
            return Ok(());
        }
    }
    if !arguments.follow {
        return Ok(());
    }
    let last = Some(logs.last_event_id.clone());
    let show = |entry: &LogLine, text: &str| match json {
        true => Told::Line(text.to_owned()),
        false => Told::Line(shown(entry)),
    };
    follow(client.follow_logs(&arguments.backend, last), show).await
}

fn shown(entry: &LogLine) -> String {
    let pid = entry.pid.map(|pid| format!("[{pid}] ")).unwrap_or_default();
    format!("{}  {pid}{}", time::second(&entry.timestamp), line(&entry.line))
}
