//! `argus-mcp tools`: the tools that clients see.

use argus_api::{CapabilityType, Tool};
use argus_client::CapabilityQuery;
use clap::Args;

use super::connect::{Connect, print_json};
use crate::failure::Failure;
use crate::output;
use crate::show::{Screen, Table};

/// The arguments of `tools`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Only those with this in their name, title or description
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,

    /// Only those of this backend
    #[arg(long, value_name = "NAME")]
    backend: Option<String>,

    #[command(flatten)]
    connect: Connect,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let query = CapabilityQuery {
        kind: Some(CapabilityType::Tools),
        backend: arguments.backend.as_deref(),
        search: arguments.search.as_deref(),
        filtered: false,
    };
    let list = arguments
        .connect
        .run(async |client| Ok(client.capabilities(&query).await?))?;
    if arguments.connect.json {
        print_json(&list);
    } else if list.tools.is_empty() {
        output::answer("no such tool; `argus-mcp backends` shows whether a backend is away");
    } else {
        output::answer(table(&list.tools).render(Screen::stdout()));
    }
    Ok(())
}

fn table(tools: &[Tool]) -> Table<3> {
    let mut table = Table::new(["NAME", "BACKEND", "DESCRIPTION"]);
    for tool in tools {
        let about = tool
            .description
            .as_deref()
            .or(tool.title.as_deref())
            .unwrap_or_default();
        let first = about.trim_start().lines().next().unwrap_or_default();
        table.add([&tool.name, &tool.backend, first.trim_end()]);
    }
    table
}
