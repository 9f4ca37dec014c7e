//! `argus-mcp reload`: the gateway reads its configuration again.

use argus_api::Reloaded;
use clap::Args;

use super::connect::{Connect, print_json};
use crate::failure::Failure;
use crate::output;
use crate::show::line;

/// The arguments of `reload`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(flatten)]
    connect: Connect,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let reloaded = arguments.connect.run(async |client| Ok(client.reload().await?))?;
    if arguments.connect.json {
        print_json(&reloaded);
    } else if reloaded.reloaded {
        output::answer(described(&reloaded));
    } else {
        for error in &reloaded.errors {
            output::say(line(error));
        }
        output::say("error: the configuration is not in effect; the gateway runs on with the one that it has");
    }
    match reloaded.reloaded {
        true => Ok(()),
        false => Err(Failure::said()),
    }
}

fn described(reloaded: &Reloaded) -> String {
    let lists = [
        ("added", &reloaded.backends_added),
        ("removed", &reloaded.backends_removed),
        ("changed", &reloaded.backends_changed),
    ];
    let mut lines = vec!["the configuration is in effect".to_owned()];
    lines.extend(
        lists
            .iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(what, names)| format!("backends {what}: {}", line(&names.join(", ")))),
    );
    if !reloaded.needs_restart.is_empty() {
        let keys = reloaded.needs_restart.join(", ");
        lines.push(format!(
            "these keys take effect at the next start only: {}",
            line(&keys)
        ));
    }
    if lines.len() == 1 {
        lines.push("no backend is different".to_owned());
    }
    lines.join("\n")
}
