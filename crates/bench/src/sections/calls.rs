//! Calls of both kinds of client, each way, at several numbers of connections.

use std::time::Duration;

use crate::bench::{Bench, Measured};
use crate::client::{Ask, Client};
use crate::report::{Aim, Section, figure, micros, say};
use crate::way::{Way, Ways};

const CONNECTIONS: [u32; 3] = [1, 8, 32];
/// The connections at which throughput and time are compared.
const BUSY: u32 = 32;
/// The rate of direct calls per second from which on the generator is fast enough to compare rates.
const FAST: f64 = 80_000.0;
/// Tools of the backend.
const TOOLS: usize = 2;

/// One line of the table.
struct Row {
    client: Client,
    way: Way,
    connections: u32,
    measured: Measured,
}

/// Calls with small results, with the aims.
pub(super) async fn small(bench: &Bench, tool: &'static str) -> anyhow::Result<Section> {
    let rows = rows(bench, tool).await?;
    let mut aims = Vec::new();
    for client in Client::ALL {
        aims.extend(aims_of(&rows, client));
    }
    Ok(section("Calls, results of 100 bytes", &rows, aims))
}

/// Calls with large results; no aim is set for them.
pub(super) async fn large(bench: &Bench, tool: &'static str) -> anyhow::Result<Section> {
    let rows = rows(bench, tool).await?;
    Ok(section("Calls, results of 1 MiB", &rows, Vec::new()))
}

async fn rows(bench: &Bench, tool: &'static str) -> anyhow::Result<Vec<Row>> {
    let ways = Ways::start(&bench.argus, TOOLS).await?;
    let mut rows = Vec::new();
    for client in Client::ALL {
        let mut prepared = Vec::new();
        for target in ways.targets() {
            let messages = bench.requests(&target, client, Ask::Call(tool)).await?;
            prepared.push((target, messages));
        }
        for connections in CONNECTIONS {
            // What is compared is measured right after each other.
            for (target, messages) in &prepared {
                say(&format!("{tool}, {client}, {}, {connections} connections", target.way));
                rows.push(Row {
                    client,
                    way: target.way,
                    connections,
                    measured: bench.load(target, messages, connections).await?,
                });
            }
        }
    }
    Ok(rows)
}

fn section(title: &'static str, rows: &[Row], aims: Vec<Aim>) -> Section {
    Section {
        title,
        columns: vec![
            "client",
            "way",
            "connections",
            "calls/s",
            "p50 us",
            "p90 us",
            "p99 us",
            "CPU us/call",
        ],
        rows: rows.iter().map(Row::cells).collect(),
        aims,
    }
}

impl Row {
    fn cells(&self) -> Vec<String> {
        let Measured { load, cpu } = &self.measured;
        vec![
            self.client.to_string(),
            self.way.to_string(),
            self.connections.to_string(),
            figure(load.per_second()),
            micros(load.p50),
            micros(load.p90),
            micros(load.p99),
            cpu.map_or_else(|| "-".to_owned(), micros),
        ]
    }
}

/// The aims of one kind of client.
fn aims_of(rows: &[Row], client: Client) -> Vec<Aim> {
    let at = |way: Way, connections: u32| {
        let mut rows = rows.iter();
        let found = rows.find(|row| row.client == client && row.way == way && row.connections == connections);
        found.map(|row| &row.measured)
    };
    let (Some(direct), Some(nginx)) = (at(Way::Direct, BUSY), at(Way::Nginx, BUSY)) else {
        return Vec::new();
    };
    let fast_enough = direct.load.per_second() >= FAST;
    let mut aims = vec![Aim::at_least(
        format!("{client}: direct calls/s (is the generator fast enough?)"),
        direct.load.per_second(),
        FAST,
        "",
    )];
    for (way, most) in [(Way::ArgusHttp, 1.5), (Way::ArgusStdio, 1.0)] {
        let Some(argus) = at(way, BUSY) else { continue };
        let cost = ratio(argus.cpu, nginx.cpu);
        aims.push(Aim::at_most(
            format!("{client}, {way}: CPU per call, of nginx's"),
            cost,
            most,
            "",
        ));
        let rate = argus.load.per_second() / direct.load.per_second();
        let what = format!("{client}, {way}: calls/s at {BUSY}, of direct ones");
        aims.push(Aim::at_least(what, rate, 0.4, "").judged(fast_enough));
    }
    if let (Some(direct), Some(argus)) = (at(Way::Direct, 1), at(Way::ArgusHttp, 1)) {
        let added = argus.load.p50.saturating_sub(direct.load.p50).as_secs_f64() * 1e6;
        aims.push(Aim::at_most(
            format!("{client}, argus, http: added at p50, one connection"),
            added,
            50.0,
            " us",
        ));
    }
    aims
}

fn ratio(one: Option<Duration>, other: Option<Duration>) -> f64 {
    match (one, other) {
        (Some(one), Some(other)) => one.as_secs_f64() / other.as_secs_f64(),
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Verdict;
    use crate::wrk::Load;

    fn row(way: Way, connections: u32, calls: u64, micros: u64) -> Row {
        let time = Duration::from_micros(micros);
        let load = Load {
            calls,
            took: Duration::from_secs(1),
            p50: time,
            p90: time,
            p99: time,
        };
        Row {
            client: Client::Modern,
            way,
            connections,
            measured: Measured { load, cpu: Some(time) },
        }
    }

    fn verdicts(direct: u64) -> Vec<Verdict> {
        let rows = [
            row(Way::Direct, 32, direct, 10),
            row(Way::Nginx, 32, 40_000, 20),
            row(Way::ArgusHttp, 32, 40_000, 31),
            row(Way::ArgusStdio, 32, 30_000, 20),
            row(Way::Direct, 1, 1, 10),
            row(Way::ArgusHttp, 1, 1, 60),
        ];
        aims_of(&rows, Client::Modern).iter().map(|aim| aim.verdict).collect()
    }

    #[test]
    fn figures_are_judged_by_the_aims() {
        use Verdict::{Met, Open, Short};
        assert_eq!(verdicts(90_000), [Met, Short, Met, Met, Short, Met]);
        assert_eq!(verdicts(79_000), [Short, Short, Open, Met, Open, Met]);
        assert!(aims_of(&[], Client::Session).is_empty());
    }
}
