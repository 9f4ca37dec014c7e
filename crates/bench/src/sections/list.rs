//! Lists of many tools in one page.

use crate::bench::Bench;
use crate::client::{Ask, Client};
use crate::report::{Aim, Section, figure, micros, say};
use crate::way::{Way, Ways};

/// Tools of the backend, of 400 bytes each.
const TOOLS: usize = 1000;
/// What a list may take, in microseconds.
const MOST: f64 = 1000.0;

/// The time of one request, on one connection.
pub(super) async fn run(bench: &Bench) -> anyhow::Result<Section> {
    let ways = Ways::start(&bench.argus, TOOLS).await?;
    let mut rows = Vec::new();
    let mut aims = Vec::new();
    for client in Client::ALL {
        for target in ways.targets() {
            say(&format!("tools/list, {client}, {}", target.way));
            let messages = bench.requests(&target, client, Ask::List).await?;
            let measured = bench.load(&target, &messages, 1).await?;
            rows.push(vec![
                client.to_string(),
                target.way.to_string(),
                figure(measured.load.per_second()),
                micros(measured.load.p50),
                micros(measured.load.p99),
                measured.cpu.map_or_else(|| "-".to_owned(), micros),
            ]);
            if target.way == Way::ArgusHttp {
                let time = measured.load.p50.as_secs_f64() * 1e6;
                aims.push(Aim::at_most(format!("{client}: {TOOLS} tools, p50"), time, MOST, " us"));
            }
        }
    }
    Ok(Section {
        title: "tools/list of 1,000 tools of 400 bytes in one page, one connection",
        columns: vec!["client", "way", "lists/s", "p50 us", "p99 us", "CPU us/list"],
        rows,
        aims,
    })
}
